#include "support/crash_session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/store/database.h"
#include "adapters/store/sqlite_store.h"
#include "apps/fault_state.h"
#include "base/check.h"
#include "base/folder.h"
#include "base/text.h"
#include "engine/view.h"
#include "runner/archive.h"
#include "runner/journal_format.h"
#include "runner/snapshot_file.h"

enum {
  PATH_BYTES = 512,
  NAME_BYTES = 64,
  CALM_MS = 20000, /* after a return, before the next crash is prepared */
  CLOSE_MS = 5000, /* between two tries to close by hand */
  UNSETTLED_MS = 180000,
  PATIENCE_MS = 2400000, /* for a state and a passing */
  QUIET_MS = 480000,     /* as a session with faults has in the end */
  LAST_MS = 240000,      /* after the last crash */
  QUIET_ROWS_MS = 60000, /* before the end: the rows are looked at */
  SECTOR = 512,
  MINUTES = 600,
  VOLUME = 4, /* so that a resting entry takes several prints */
};

const struct crash_row crash_rows[crash_label_count] = {
#define CRASH_POINT(constant, place, text) {#constant, CRASH_##place, text},
#include "base/crash_point.def"
};
const char *const crash_state_names[crash_state_count] = {"flat", "working", "partly", "protected", "exiting"};

static struct {
  struct session *session; /* NULL before its first turn */
  const struct crash_options *options;
  struct crash *crashes;
  int count, at, passed;
  struct crash *struck; /* the one it died of last; the next may be prepared before the files are looked at */
  bool is_armed, has_struck, has_store, was_judged;
  int64_t back_at, settled_at, closed_at;
  off_t flushed; /* of the newest segment, when it died */
  /* The newest segment that the last life left, held open so that no other gets its inode, and how much of it is on disk. */
  int left_file;
  ino_t left_inode;
  off_t left_flushed;
  struct random random;
  char kept[PATH_BYTES];
  char open_segment[NAME_BYTES]; /* name of the newest segment but one: it and what follows may still change */
} driver;

void (*crash_hook)(enum crash_label label);

bool crash_is_possible(enum crash_label label, enum crash_state state) {
  bool is_answer = label == CRASH_ACK_HEARD || label == CRASH_FILL_HEARD; /* of an order that lives */
  return !(is_answer && state == CRASH_FLAT);
}

/* ---- states ---- */

static bool is_entry(const struct order *order) {
  return order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON;
}

static bool is_exit(const struct order *order) {
  return order->purpose == PURPOSE_EXIT || order->purpose == PURPOSE_FLATTEN || order->purpose == PURPOSE_MANUAL;
}

static bool has_exit(const struct engine *engine, int32_t symbol) {
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (order->symbol_index == symbol && order_is_live(order) && is_exit(order)) return true;
  }
  return false;
}

static bool has_protected(const struct engine *engine) {
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    if (position->protected && !has_exit(engine, position->symbol_index)) return true;
  }
  return false;
}

static bool stands_in(const struct engine *engine, enum crash_state state) {
  if (state == CRASH_PROTECTED) return has_protected(engine);
  bool is_flat = engine_position_count(engine) == 0;
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (!order_is_live(order)) continue;
    if (state == CRASH_WORKING && is_entry(order) && order->filled_qty == 0) return true;
    if (state == CRASH_PARTLY && is_entry(order) && order->filled_qty > 0) return true;
    if (state == CRASH_EXITING && is_exit(order)) return true;
    is_flat = false;
  }
  return state == CRASH_FLAT && is_flat;
}

/* ---- the instant of death ---- */

static void copy_file(const char *from, const char *to) {
  char bytes[1 << 16];
  int in = open(from, O_RDONLY | O_CLOEXEC);
  int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  check(in >= 0 && out >= 0);
  ssize_t size;
  while ((size = read(in, bytes, sizeof bytes)) > 0) check(write(out, bytes, (size_t)size) == size);
  check(size == 0);
  close(in);
  close(out);
}

/* Closed segments and finished images never change: one more name is enough. */
static bool is_final(const char *name) {
  const char *ending = strrchr(name, '.');
  if (ending == NULL) return false;
  return strcmp(ending, ".bbs") == 0 || strcmp(ending, ".torn") == 0 || (strcmp(ending, ".bbj") == 0 && strcmp(name, driver.open_segment) < 0);
}

static void copy_folder(const char *from, const char *to) {
  DIR *list = opendir(from);
  check(list != NULL && mkdir(to, 0750) == 0);
  for (const struct dirent *entry; (entry = readdir(list)) != NULL;) {
    if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..")) continue;
    char source[2 * PATH_BYTES], target[2 * PATH_BYTES];
    (void)snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
    (void)snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
    struct stat info;
    check(stat(source, &info) == 0);
    if (S_ISDIR(info.st_mode)) {
      copy_folder(source, target);
    } else if (!is_final(entry->d_name) || link(source, target) != 0) {
      copy_file(source, target);
    }
  }
  closedir(list);
}

static int open_for_writing(const char *path) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  check(file >= 0);
  return file;
}

/* What a killed process had not flushed may still go when others were built upon it. */
static void lose_in_former(const char *path) {
  char original[2 * PATH_BYTES];
  struct stat info;
  (void)snprintf(original, sizeof original, "%s/journal%s", driver.session->options->folder, strrchr(path, '/'));
  check(stat(original, &info) == 0);
  if (info.st_ino == driver.left_inode && info.st_size > driver.left_flushed) check(truncate(path, driver.left_flushed) == 0);
}

/* The power went while the journal had bytes that were not flushed: some of them, in pages, are not there any more. */
static void lose_in_journal(enum crash_loss loss) {
  struct journal_segment *segments = NULL;
  size_t count = 0;
  if (journal_list(driver.kept, "paper", &segments, &count, NULL) != STATUS_OK || count == 0) return;
  const char *path = segments[count - 1].path;
  struct stat info;
  check(stat(path, &info) == 0);
  if (count > 1) lose_in_former(segments[count - 2].path);
  off_t flushed = driver.flushed;
  uint64_t open = (uint64_t)(info.st_size - flushed);
  if (loss == CRASH_LOSES_MIDDLE && open > SECTOR) {
    static const char nothing[SECTOR];
    int file = open_for_writing(path);
    off_t at = flushed + (off_t)random_below(&driver.random, open - SECTOR);
    check(pwrite(file, nothing, SECTOR, at) == SECTOR && close(file) == 0);
  } else if (open > 0) {
    off_t end = loss == CRASH_LOSES_ALL ? flushed : flushed + (off_t)random_below(&driver.random, open + 1);
    check(end == 0 && loss == CRASH_LOSES_ALL ? unlink(path) == 0 : truncate(path, end) == 0);
  }
  free(segments);
}

/* The same of a file beside: what it is made of is not flushed, or its new name is not. */
static void lose_in_image(enum crash_label label) {
  char folder[PATH_BYTES + 16], path[2 * PATH_BYTES], beside[2 * PATH_BYTES + 8];
  uint64_t *seqs;
  (void)snprintf(folder, sizeof folder, "%s/snapshots", driver.kept);
  size_t count = snapshot_list(driver.kept, &seqs);
  if (label == CRASH_FILE_RENAMED && count > 0) {
    (void)snprintf(path, sizeof path, "%s/%016llx.bbs", folder, (unsigned long long)seqs[0]);
    (void)snprintf(beside, sizeof beside, "%s.tmp", path);
    check(rename(path, beside) == 0);
  }
  free(seqs);
  DIR *list = label == CRASH_FILE_WRITTEN ? opendir(folder) : NULL;
  for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
    if (strstr(entry->d_name, ".tmp") == NULL) continue;
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%.256s", folder, entry->d_name);
    check(stat(path, &info) == 0 && truncate(path, (off_t)random_below(&driver.random, (uint64_t)info.st_size + 1)) == 0);
  }
  if (list != NULL) closedir(list);
}

/* A write that was under way when the process was killed. */
static void tear_journal(void) {
  struct journal_segment *segments = NULL;
  size_t count = 0;
  unsigned char bytes[JOURNAL_RECORD_HEADER_BYTES - 1];
  check(journal_list(driver.kept, "paper", &segments, &count, NULL) == STATUS_OK && count > 0);
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)random_below(&driver.random, 256);
  int file = open(segments[count - 1].path, O_WRONLY | O_APPEND | O_CLOEXEC);
  ssize_t size = 1 + (ssize_t)random_below(&driver.random, sizeof bytes);
  check(file >= 0 && write(file, bytes, (size_t)size) == size && close(file) == 0);
  free(segments);
}

/* The newest segment in a folder, open for reading; -1, of no bytes, when there is none. */
static int open_newest(const char *folder, struct stat *info) {
  struct journal_segment *segments = NULL;
  size_t count = 0;
  int file = -1;
  *info = (struct stat){0};
  if (journal_list(folder, "paper", &segments, &count, NULL) == STATUS_OK && count > 0) {
    file = open(segments[count - 1].path, O_RDONLY | O_CLOEXEC);
    check(file >= 0 && fstat(file, info) == 0);
    text_copy(driver.open_segment, sizeof driver.open_segment, strrchr(segments[count > 1 ? count - 2 : 0].path, '/') + 1);
  }
  free(segments);
  return file;
}

static void strike(void) {
  struct stat newest;
  struct session *session = driver.session;
  struct crash *crash = &driver.crashes[driver.at];
  int file = open_newest(session->options->folder, &newest);
  driver.flushed = process_flushed(session, &newest);
  if (file >= 0) close(file);
  copy_folder(session->options->folder, driver.kept);
  if (crash->loss != CRASH_LOSES_NOTHING) {
    lose_in_journal(crash->loss);
    if (crash_rows[crash->label].place == CRASH_IMAGE) lose_in_image(crash->label);
  }
  driver.struck = crash;
  driver.has_struck = true;
  session->is_ghost = true;
  session->away_ms = 200 + (int64_t)random_below(&driver.random, 5000);
}

static bool is_restarted(enum crash_place place) {
  return place == CRASH_RESTART || place == CRASH_CUT;
}

/* On the thread that passes; the loop's thread waits for it meanwhile. */
static void pass(enum crash_label label) {
  struct session *session = driver.session;
  if (session == NULL) return;
  if (label == CRASH_JOURNAL_OPENED && session->flushed_inode == driver.left_inode) driver.left_flushed = session->flushed;
  if (!driver.is_armed || session->is_ghost) return;
  struct crash *crash = &driver.crashes[driver.at];
  enum crash_place place = crash_rows[label].place;
  if (label != crash->label || (place == CRASH_LOOP && !stands_in(session->life.runner.engine, crash->state))) return;
  if (!is_restarted(place) && ++driver.passed < crash->passing) return;
  strike();
  ++crash->deaths;
  driver.is_armed = is_restarted(place) && crash->deaths < crash->passing;
  if (driver.options->is_told)
    fprintf(stderr, "%10.1f  == dies at %s\n", (double)(session->now - session->trading_at) / 1000, crash_rows[label].name);
}

/* ---- what the loop of the daemon does beside the runner ---- */

static void take_image(struct session *session) {
  struct snapshots *snapshots;
  check(snapshots_open(&snapshots, session->options->folder, "paper", session->problem) == STATUS_OK);
  (void)snapshots_take(snapshots, &session->life.runner, true);
  snapshots_close(snapshots);
}

static void flush_beside(struct session *session) {
  enum status status = journal_flush_later(session->life.journal, session->now);
  if (!status) status = journal_flush(session->life.journal, session->now);
  if (status) judge_fail(&session->judge, "the journal cannot be written: %s", status_text(status));
}

static void store_records(struct session *session) {
  struct store store;
  struct archive *archive;
  char path[PATH_BYTES];
  (void)snprintf(path, sizeof path, "%s/breakout.db", session->options->folder);
  check(journal_flush(session->life.journal, session->now) == STATUS_OK);
  enum status status =
      sqlite_store_open(&store, &(struct sqlite_store_options){.path = path, .account = "paper", .may_migrate = true}, session->problem);
  if (status != STATUS_OK) {
    judge_fail(&session->judge, "the database cannot be opened: %s", status_text(status));
    return;
  }
  const struct archive_options options = {.store = &store, .data_dir = session->options->folder, .account = "paper"};
  check(archive_start(&archive, &options, session->problem) == STATUS_OK);
  archive_stop(archive, 60000);
  store.close(store.self);
  driver.has_store = true;
}

/* ---- what must hold of the rows ---- */

static int64_t ask(struct session *session, const char *question) {
  struct database database = {0};
  char path[PATH_BYTES];
  int64_t answer = -1;
  (void)snprintf(path, sizeof path, "%s/breakout.db", session->options->folder);
  enum status status = database_open(&database, path, DATABASE_FOR_READING, DATABASE_BUSY_MS, session->problem);
  if (!status) status = database_read_int(&database, question, -1, &answer, session->problem);
  if (status) judge_fail(&session->judge, "the database cannot be read: %s", status_text(status));
  database_close(&database);
  return answer;
}

static void judge_rows(struct session *session) {
  driver.was_judged = true;
  store_records(session);
  int64_t rows = ask(session, "SELECT COUNT(*) FROM fills");
  int64_t fills = ask(session, "SELECT COUNT(DISTINCT venue_fill_id) FROM fills");
  int64_t open = ask(session, "SELECT COUNT(*) FROM positions WHERE state <> 'closed'");
  if (rows != session->judge.fill_count || fills != rows)
    judge_fail(&session->judge, "L2: the venue made %d fills, the database has %lld in %lld rows", session->judge.fill_count, (long long)fills,
               (long long)rows);
  if (open != engine_position_count(session->life.runner.engine))
    judge_fail(&session->judge, "L2: the database has %lld open positions, the engine %d", (long long)open,
               engine_position_count(session->life.runner.engine));
}

/* ---- from one crash to the next ---- */

static bool is_between(const struct session *session) {
  if (session->line.request_count > 0 || session->line.answer_count > 0) return true;
  const struct engine *engine = session->life.runner.engine;
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (order->state <= ORDER_UNKNOWN || order->state == ORDER_CANCELLING) return true;
  }
  return false;
}

/* After a return: what both sides know is the same as soon as nothing is under way. */
static void settle(struct session *session) {
  if (session->now - driver.back_at > UNSETTLED_MS) judge_fail(&session->judge, "L2: three minutes after the return orders are still in doubt");
  if (engine_session_state(session->life.runner.engine) == SESSION_STARTING || is_between(session)) return;
  judge_compare(&session->judge, session->life.runner.engine);
  driver.settled_at = session->now;
  if (driver.at > 0) driver.crashes[driver.at - 1].settled_ms = session->now - driver.back_at;
}

static void drive(struct session *session, const struct crash *crash) {
  enum crash_place place = crash_rows[crash->label].place;
  if (place == CRASH_IMAGE) take_image(session);
  if (place == CRASH_STORE) store_records(session);
  if (place == CRASH_FLUSHER) flush_beside(session);
  if (place == CRASH_END) process_end_politely(session, 500 + (int64_t)random_below(&driver.random, 5000));
  if (!is_restarted(place)) return;
  strike();
  if (place == CRASH_CUT) tear_journal();
}

/* Exits of the plain channel are stops and targets, which rest: here somebody closes by hand. */
static void make_exit(struct session *session) {
  const struct engine *engine = session->life.runner.engine;
  if (!has_protected(engine) || session->now - driver.closed_at < CLOSE_MS) return;
  bool wants_two = driver.crashes[driver.at].label == CRASH_FILL_TAKEN; /* one exit is filled, another lives */
  if (wants_two && engine_position_count(engine) < 2) return;
  driver.closed_at = session->now;
  struct event event = {.kind = EVENT_COMMAND};
  event.command = (struct event_command){.command = COMMAND_CLOSE_ALL,
                                         .operation_id = ++session->operation,
                                         .source = SOURCE_OPERATOR,
                                         .mode = MODE_PAPER,
                                         .is_confirmed = true,
                                         .close_side = CLOSE_ALL_SIDES,
                                         .price = DECIMAL_NULL,
                                         .fraction = 1};
  process_step(session, &event);
}

static void next(struct session *session) {
  ++driver.at;
  driver.is_armed = false;
  driver.passed = 0;
  driver.settled_at = 0;
  driver.back_at = session->now;
  if (driver.at == driver.count && session->end_at > session->now + LAST_MS) session->end_at = (session->now + LAST_MS) / 1000 * 1000;
}

static void on_turn(void *context, struct session *session) {
  (void)context;
  if (driver.session == NULL) driver.back_at = session->now;
  driver.session = session;
  if (driver.at < driver.count && driver.crashes[driver.at].deaths >= driver.crashes[driver.at].passing) next(session);
  if (driver.at < driver.count && !driver.is_armed && driver.crashes[driver.at].deaths > 0) next(session);
  if (driver.at < driver.count && session->now - driver.back_at > PATIENCE_MS) next(session);
  if (driver.settled_at == 0 && session->now > session->trading_at) settle(session);
  /* The world moves at whole seconds, answers come before the next: nothing is under way in the last turn of most. */
  if (session->now + FAULT_STEP_MS >= session->end_at && is_between(session)) session->end_at += 1000;
  bool is_last = driver.at == driver.count && session->now + QUIET_ROWS_MS >= session->end_at;
  if (is_last && driver.has_store && !driver.was_judged && !is_between(session)) judge_rows(session);
  if (driver.at == driver.count || driver.settled_at == 0 || session->now - driver.back_at < CALM_MS || session->now > session->end_at - QUIET_MS)
    return;
  const struct crash *crash = &driver.crashes[driver.at];
  driver.is_armed = true;
  session->life.runner.is_flushed_outside = crash_rows[crash->label].place == CRASH_FLUSHER;
  bool is_there = stands_in(session->life.runner.engine, crash->state);
  if (crash_rows[crash->label].place != CRASH_LOOP && is_there) drive(session, crash);
  if (crash->state == CRASH_EXITING && !is_there) make_exit(session);
  if (session->is_alive && session->is_ghost) session->is_dead = true;
}

/* The files are what they were when it died. */
static void on_buried(void *context, struct session *session) {
  (void)context;
  driver.back_at = session->now;
  if (!driver.has_struck) return;
  driver.has_struck = false;
  check(folder_remove(session->options->folder) && rename(driver.kept, session->options->folder) == 0);
  struct stat newest;
  if (driver.left_file >= 0) close(driver.left_file);
  driver.left_file = open_newest(session->options->folder, &newest);
  if (driver.left_file >= 0) process_take_flushed(session, driver.left_file, &newest);
  struct crash *crash = driver.struck;
  if (crash->loss == CRASH_LOSES_NOTHING) session->flushed = driver.flushed; /* the power may still go */
  driver.left_inode = newest.st_ino;
  driver.left_flushed = session->flushed;
  struct journal_report report;
  struct problem damage;
  problem_clear(&damage);
  if (journal_verify(session->options->folder, "paper", &report, &damage) != STATUS_CORRUPT) return;
  int64_t lost = 0;
  if (crash->loss != CRASH_LOSES_MIDDLE) judge_fail(&session->judge, "the journal is damaged: %s", damage.items[0].message);
  if (journal_repair(session->options->folder, "paper", &lost, session->problem) != STATUS_OK) judge_fail(&session->judge, "no repair");
  crash->repaired += lost;
}

enum status crash_session_run(const struct crash_options *options, struct crash *crashes, int count, struct fault_session_result *result,
                              struct problem *problem) {
  static const struct fault_watch watch = {.on_turn = on_turn, .on_buried = on_buried};
  char folder[PATH_BYTES];
  memset(&driver, 0, sizeof driver);
  driver.left_file = -1;
  driver.options = options;
  driver.crashes = crashes;
  driver.count = count;
  random_init(&driver.random, options->seed ^ UINT64_C(0xdead));
  (void)snprintf(folder, sizeof folder, "%.400s/data", options->folder);
  (void)snprintf(driver.kept, sizeof driver.kept, "%.400s/kept", options->folder);
  for (int i = 0; i < count; i++) crashes[i].deaths = 0, crashes[i].repaired = 0, crashes[i].settled_ms = -1;
  if (mkdir(folder, 0750) != 0) return status_from_errno(errno);
  const struct fault_session_options session = {.seed = options->seed,
                                                .preset = options->preset,
                                                .preset_json = options->preset_json,
                                                .folder = folder,
                                                .minutes = MINUTES,
                                                .is_told = options->is_told,
                                                .watch = &watch,
                                                .segment_bytes = options->segment_bytes,
                                                .volume_times = VOLUME};
  crash_hook = pass;
  enum status status = fault_session_run(&session, result, problem);
  crash_hook = NULL;
  if (driver.left_file >= 0) close(driver.left_file);
  bool is_removed = folder_remove(folder);
  return !status && !is_removed ? STATUS_IO_FAILED : status;
}
