/* The program as a process: its disk, its line, its births and deaths. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/fault_state.h"
#include "base/calendar.h"
#include "base/check.h"
#include "engine/view.h"
#include "runner/journal_format.h"
#include "runner/snapshot_file.h"

enum { JOURNAL_BYTES = 8192, START_AGAIN_MS = 1000 };

/* The journal's calls have no context. One session at a time in a process. */
static struct session *at_disk;

bool session_has(const struct session *session, enum fault_kind kind) {
  return fault_is_on(session->faults, session->options->fault_count, kind, session->now);
}

/* Nothing of what the program was at happens any more. */
void process_kill(struct session *session) {
  session->is_dead = true;
  if (session->is_inside) longjmp(session->out, 1);
}

static void strike(struct session *session, enum boundary boundary) {
  if (session->armed != boundary || !session->is_inside) return;
  session->armed = BETWEEN;
  process_kill(session);
}

/* ---- the disk ---- */

static void watch_file(struct session *session, int file) {
  if (session->file == file) return;
  session->file = file;
  session->reserved = 0;
}

static ssize_t disk_write(int file, const void *bytes, size_t size) {
  struct session *session = at_disk;
  watch_file(session, file);
  if (session_has(session, FAULT_DISK_FULL) && lseek(file, 0, SEEK_CUR) + (off_t)size > session->reserved) {
    errno = ENOSPC;
    return -1;
  }
  if (session_has(session, FAULT_SHORT_WRITES) && size > 1) size = 1 + (size_t)random_below(&session->random, size);
  if (session->armed == IN_WRITE && session->is_inside) {
    size_t part = (size_t)random_below(&session->random, size);
    if (part > 0 && write(file, bytes, part) < 0) return -1;
    strike(session, IN_WRITE);
  }
  ssize_t written = write(file, bytes, size);
  strike(session, AFTER_WRITE);
  return written;
}

void process_take_flushed(struct session *session, int file, const struct stat *info) {
  session->flushed = info->st_size;
  if (session->flushed_file >= 0 && info->st_ino == session->flushed_inode) return;
  if (session->flushed_file >= 0) close(session->flushed_file);
  session->flushed_inode = info->st_ino;
  session->flushed_file = fcntl(file, F_DUPFD_CLOEXEC, 0);
  check(session->flushed_file >= 0);
}

static int disk_sync(int file) {
  struct session *session = at_disk;
  watch_file(session, file);
  if (session_has(session, FAULT_FLUSH_FAILS)) {
    errno = EIO;
    return -1;
  }
  struct stat info;
  if (fstat(file, &info) != 0) return -1;
  process_take_flushed(session, file, &info);
  return 0;
}

static int disk_reserve(int file, off_t offset, off_t length) {
  struct session *session = at_disk;
  watch_file(session, file);
  if (session_has(session, FAULT_DISK_FULL)) {
    errno = ENOSPC;
    return -1;
  }
  session->reserved = offset + length;
  return 0;
}

static const struct journal_io disk = {disk_write, disk_sync, disk_reserve};

/* In place: a full disk takes it. */
static ssize_t latch_write(int file, const void *bytes, size_t size) {
  struct session *session = at_disk;
  off_t at = lseek(file, 0, SEEK_CUR);
  if (session->sector_at < 0) {
    session->sector_at = at;
    if (pread(file, session->sector, sizeof session->sector, at) != (ssize_t)sizeof session->sector) return -1;
  }
  if (session_has(session, FAULT_SHORT_WRITES) && size > 1) size = 1 + (size_t)random_below(&session->random, size);
  ssize_t written = write(file, bytes, size);
  strike(session, AFTER_WRITE);
  return written;
}

static int latch_sync(int file) {
  struct session *session = at_disk;
  (void)file;
  if (session_has(session, FAULT_FLUSH_FAILS)) {
    errno = EIO;
    return -1;
  }
  session->sector_at = -1;
  return 0;
}

static const struct journal_io latch_disk = {latch_write, latch_sync, NULL};

/* ---- between program and line ---- */

static void port_submit(void *self, const struct intent *intent) {
  struct session *session = self;
  if (session->is_ghost) return;
  const struct journal *journal = session->life.journal;
  judge_request(&session->judge, intent, journal_pending(journal), !journal_is_available(journal));
  strike(session, BEFORE_SEND);
  if (intent->kind <= INTENT_CANCEL_ORDER) ++session->result->orders;
  session->line_port.submit(session->line_port.self, intent);
  strike(session, AFTER_SEND);
}

static bool port_poll(void *self, int64_t now, struct event *out) {
  struct session *session = self;
  if (session->is_ghost) return false;
  if (session->has_heard) strike(session, AFTER_HEAR);
  session->has_heard = false;
  if (!session->line_port.poll(session->line_port.self, now, out)) return false;
  session->has_heard = out->kind != EVENT_VENUE_LINK;
  if (session->has_heard) strike(session, BEFORE_HEAR);
  return true;
}

static int64_t port_due(void *self) {
  struct session *session = self;
  return session->line_port.next_due(session->line_port.self);
}

/* ---- telling ---- */

static void tell_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  const struct session *session = context;
  double at = (double)(ts - session->trading_at) / 1000.0;
  (void)seq;
  if (kind == RECORD_TRANSITION) {
    const struct transition *move = object;
    fprintf(stderr, "%10.1f  %s %s: %s -> %s (%s %s)\n", at, machine_names[move->machine], move->id, move->from_state, move->to_state, move->trigger,
            move->reason);
  } else if (kind == RECORD_ALERT) {
    const struct alert *alert = object;
    fprintf(stderr, "%10.1f  alert %s %s: %s\n", at, alert->name, alert->subject, alert->message);
  } else if (kind == RECORD_FILL) {
    const struct fill *fill = object;
    fprintf(stderr, "%10.1f  fill %s of %s: %.8g at %.8g\n", at, fill->venue_fill_id, fill->client_order_id, decimal_to_double(fill->qty),
            decimal_to_double(fill->price));
  }
}

void session_say(const struct session *session, const char *what) {
  if (session->options->is_told) fprintf(stderr, "%10.1f  == %s\n", (double)(session->now - session->trading_at) / 1000.0, what);
}

/* ---- life and death ---- */

static struct engine_limits limits(void) {
  return (struct engine_limits){.symbols = FAULT_SYMBOLS, .base_ms = MINUTE_MS, .has_tape = true};
}

void process_step(struct session *session, struct event *event) {
  event->ts = session->now;
  if (!session->is_alive || session->is_dead) return;
  session->is_inside = true;
  if (setjmp(session->out) == 0) runner_step(&session->life.runner, event);
  session->is_inside = false;
  if (session->is_ghost) session->is_dead = true;
}

static bool fail(struct session *session, enum status status, const char *what) {
  session->status = status;
  judge_fail(&session->judge, "the program does not start: %s: %s", what, session->problem->count > 0 ? session->problem->items[0].message : "");
  return false;
}

/* What was found must be on disk before it is built upon. Who watches over the program starts it again; stops rest at the venue meanwhile. */
static bool start_later(struct session *session) {
  session_say(session, "the program does not start: the disk does not flush");
  problem_clear(session->problem);
  session->back_at = session->now + START_AGAIN_MS;
  return false;
}

bool process_start(struct session *session) {
  struct life *life = &session->life;
  *life = (struct life){0};
  at_disk = session;
  struct journal_options journal = {.data_dir = session->options->folder,
                                    .account = "paper",
                                    .instance = "000000",
                                    .io = &disk,
                                    .reserve_bytes = JOURNAL_BYTES,
                                    .segment_bytes = session->options->segment_bytes};
  enum status status = journal_open(&life->journal, &journal, session->problem);
  if (status && session_has(session, FAULT_FLUSH_FAILS)) return start_later(session);
  if (status) return fail(session, status, "journal");
  status = kill_latch_open(&life->latch, session->options->folder, "paper", &latch_disk, session->problem);
  if (status) return fail(session, status, "emergency latch");
  struct recover_options options = {.data_dir = session->options->folder, .account = "paper", .arena = &life->arena, .limits = limits()};
  options.config = (struct engine_config){.instance = "000000",
                                          .venue = "paper",
                                          .feed = "generated",
                                          .starting_balance = 10000 * DECIMAL_ONE,
                                          .max_leverage = 10,
                                          .reconcile_interval_s = 30,
                                          .market_fetch_limit = 100,
                                          .market_data_timeout_s = 30};
  status = arena_open(&life->arena, engine_memory(&options.limits));
  if (status) return fail(session, status, "memory");
  life->port = (struct exchange){.self = session, .name = "paper", .submit = port_submit, .poll = port_poll, .next_due = port_due};
  status = recover_open(&life->recover, &life->runner, &options, life->journal, &life->port, NULL, false, &life->recovery, session->problem);
  if (status) return fail(session, status, "recovery");
  if (life->recovery.snapshot_seq > 0) session_say(session, "from a snapshot");
  if (life->recovery.differences > 0)
    judge_fail(&session->judge, "T1: %lld differences when the journal was stepped through again", (long long)life->recovery.differences);
  if (session->options->is_told) runner_listen(&life->runner, &(struct listener){.context = session, .on_record = tell_record});
  life->runner.latch = life->latch;
  session->is_alive = true;
  session->is_dead = session->is_ghost;
  return true;
}

void process_latch(struct session *session) {
  struct event event;
  if (session->is_dead || !kill_latch_event(session->life.latch, session->life.runner.engine, session->now, &event)) return;
  session_say(session, "the latch is restored");
  process_step(session, &event);
}

/* Its thread is waited for: the same seed is the same session. */
void process_snapshot(struct session *session, bool is_damaged) {
  struct snapshots *snapshots;
  char path[JOURNAL_PATH_MAX];
  if (snapshots_open(&snapshots, session->options->folder, "paper", session->problem)) return;
  bool is_taken = snapshots_take(snapshots, &session->life.runner, true);
  snapshots_close(snapshots);
  if (!is_taken || !is_damaged) return;
  uint64_t *seqs;
  size_t count = snapshot_list(session->options->folder, &seqs);
  (void)snprintf(path, sizeof path, "%s/snapshots/%016llx.bbs", session->options->folder, count > 0 ? (unsigned long long)seqs[0] : 0);
  free(seqs);
  struct stat info;
  if (stat(path, &info) != 0) return;
  off_t at = (off_t)random_below(&session->random, (uint64_t)info.st_size);
  int file = open(path, O_RDWR | O_CLOEXEC);
  unsigned char byte = 0;
  bool is_torn = random_below(&session->random, 2) == 0;
  bool is_done = file >= 0 && (is_torn ? ftruncate(file, at) == 0 : pread(file, &byte, 1, at) == 1);
  byte ^= (unsigned char)(1 << random_below(&session->random, 8));
  if (is_done && !is_torn) is_done = pwrite(file, &byte, 1, at) == 1;
  if (!is_done) fail(session, status_from_errno(errno), "snapshot");
  if (file >= 0) close(file);
}

/* What is left of a process: nothing but its files. */
void process_bury(struct session *session) {
  struct life *life = &session->life;
  runner_deinit(&life->runner);
  recover_close(life->recover);
  kill_latch_close(life->latch);
  journal_abandon(life->journal);
  arena_close(&life->arena);
  session->is_alive = session->is_dead = session->is_ghost = false;
  fault_line_cut(&session->line);
}

/* The sector of the latch as it was, or torn. A kill that no disk took is forgotten, and nobody can do better. */
static void lose_sector(struct session *session) {
  char path[JOURNAL_PATH_MAX];
  (void)snprintf(path, sizeof path, "%s/journal/.latch-paper", session->options->folder);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  size_t size = 1 + (size_t)random_below(&session->random, sizeof session->sector);
  if (file < 0 || pwrite(file, session->sector, size, session->sector_at) != (ssize_t)size)
    fail(session, status_from_errno(errno), "emergency latch");
  if (file >= 0) close(file);
  session->sector_at = -1;
  judge_killed(&session->judge, false);
}

off_t process_flushed(const struct session *session, const struct stat *info) {
  if (session->flushed_file < 0 || info->st_ino != session->flushed_inode) return 0;
  return session->flushed < info->st_size ? session->flushed : info->st_size;
}

/* What was not flushed when the power went is lost, or a part of it. */
static void lose_unflushed(struct session *session) {
  struct journal_segment *segments = NULL;
  size_t count = 0;
  session->loses_unflushed = false;
  if (session->sector_at >= 0) lose_sector(session);
  if (journal_list(session->options->folder, "paper", &segments, &count, NULL) != STATUS_OK || count == 0) return;
  struct stat info;
  const char *path = segments[count - 1].path;
  if (stat(path, &info) == 0) {
    off_t flushed = process_flushed(session, &info);
    off_t kept = flushed + (off_t)random_below(&session->random, (uint64_t)(info.st_size - flushed) + 1);
    if (truncate(path, kept) != 0) fail(session, status_from_errno(errno), "truncate");
  }
  free(segments);
}

void process_end(struct session *session, int64_t away_ms) {
  session_say(session, "killed");
  process_bury(session);
  if (session->options->watch != NULL) session->options->watch->on_buried(session->options->watch->context, session);
  if (session->loses_unflushed) lose_unflushed(session);
  session->file = -1;
  session->back_at = session->now + away_ms;
  ++session->result->restarts;
}

void process_end_politely(struct session *session, int64_t away_ms) {
  if (recover_mark_clean(session->life.journal, session->now) != STATUS_OK) session_say(session, "the clean end cannot be written");
  process_end(session, away_ms);
}
