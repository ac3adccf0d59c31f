/* The n-th call of the system that makes, writes, flushes, cuts, renames or removes a file fails: once with EIO, or from then on with ENOSPC; n = 1,
 * 2, 3, ... until a run passes fewer of them. For each: the failure is told, what was acknowledged is there when the disk has healed, and then the
 * same succeeds. The calls of this program stand before those of libc for every library, SQLite and zlib among them. Under ASan nothing may leak on
 * the way. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adapters/store/database.h"
#include "adapters/store/sqlite_store.h"
#include "apps/backup.h"
#include "base/buffer.h"
#include "base/folder.h"
#include "base/gzip.h"
#include "base/log.h"
#include "runner/journal_format.h"
#include "runner/preset_store.h"
#include "support/scratch.h"

#define DAY INT64_C(1748736000000) /* 2025-06-01 */

enum call { CALL_OPEN, CALL_WRITE, CALL_PWRITE, CALL_FLUSH, CALL_CUT, CALL_RESERVE, CALL_RENAME, CALL_REMOVE, CALL_MAKE, call_count };
static const char *const call_names[call_count] = {"open", "write", "pwrite", "flush", "truncate", "reserve", "rename", "unlink", "mkdir"};
enum { RUNS_MAX = 4000 };

/* ---- the calls ---- */

static struct {
  atomic_bool is_on;
  enum call call;
  int error;
  bool lasts;
  int64_t n;
  _Atomic int64_t passed;
} sick;

static bool fails(enum call call) {
  if (!atomic_load(&sick.is_on) || call != sick.call) return false;
  int64_t passing = atomic_fetch_add(&sick.passed, 1) + 1;
  if (sick.lasts ? passing < sick.n : passing != sick.n) return false;
  errno = sick.error;
  return true;
}

#define SHOWN __attribute__((visibility("default")))

SHOWN int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  bool is_written = (flags & O_ACCMODE) != O_RDONLY || (flags & O_DIRECTORY) != 0;
  return is_written && fails(CALL_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

SHOWN int open64(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return open(path, flags, mode);
}

SHOWN ssize_t write(int file, const void *bytes, size_t size) {
  return file > STDERR_FILENO && fails(CALL_WRITE) ? -1 : syscall(SYS_write, file, bytes, size);
}

SHOWN ssize_t pwrite(int file, const void *bytes, size_t size, off_t at) {
  return fails(CALL_PWRITE) ? -1 : syscall(SYS_pwrite64, file, bytes, size, at);
}

SHOWN ssize_t pwrite64(int file, const void *bytes, size_t size, off_t at) {
  return fails(CALL_PWRITE) ? -1 : syscall(SYS_pwrite64, file, bytes, size, at);
}

SHOWN int fsync(int file) {
  return fails(CALL_FLUSH) ? -1 : (int)syscall(SYS_fsync, file);
}

SHOWN int fdatasync(int file) {
  return fails(CALL_FLUSH) ? -1 : (int)syscall(SYS_fdatasync, file);
}

SHOWN int ftruncate(int file, off_t size) {
  return fails(CALL_CUT) ? -1 : (int)syscall(SYS_ftruncate, file, size);
}

SHOWN int ftruncate64(int file, off_t size) {
  return fails(CALL_CUT) ? -1 : (int)syscall(SYS_ftruncate, file, size);
}

SHOWN int truncate(const char *path, off_t size) {
  return fails(CALL_CUT) ? -1 : (int)syscall(SYS_truncate, path, size);
}

SHOWN int fallocate(int file, int mode, off_t offset, off_t size) {
  return fails(CALL_RESERVE) ? -1 : (int)syscall(SYS_fallocate, file, mode, offset, size);
}

SHOWN int rename(const char *from, const char *to) {
  return fails(CALL_RENAME) ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

SHOWN int unlink(const char *path) {
  return fails(CALL_REMOVE) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

SHOWN int mkdir(const char *path, mode_t mode) {
  return fails(CALL_MAKE) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

/* ---- one call after another ---- */

struct scenario {
  const char *name;
  uint32_t calls;          /* bits of enum call that it must pass at least once */
  void (*prepare)(void);   /* in an empty folder, on a sound disk */
  bool (*act)(void);       /* on the sick one; true: said to be done */
  void (*look)(bool done); /* on the healed one */
};

static char folder[200];
static struct problem problem;

static void path_of(char out[256], const char *name) {
  (void)snprintf(out, 256, "%s/%s", folder, name);
}

/* True when the run passed the n-th call. */
static bool run_once(const struct scenario *scenario, int64_t n) {
  assert_true(folder_empty(folder));
  scenario->prepare();
  problem_clear(&problem);
  sick.n = n;
  atomic_store(&sick.passed, 0);
  atomic_store(&sick.is_on, true);
  bool done = scenario->act();
  atomic_store(&sick.is_on, false);
  scenario->look(done);
  return atomic_load(&sick.passed) >= n;
}

/* FAILING_ALL=1: one after another to the end. Else the first sixteen, then a choice: pages of a copied database are much the same. */
static int64_t next_of(int64_t n) {
  assert_true(n < RUNS_MAX);
  return n < 16 || getenv("FAILING_ALL") != NULL ? n + 1 : n + 1 + n / 8;
}

static void every_call_fails(const struct scenario *scenario) {
  uint32_t seen = 0;
  int64_t failures = 0;
  for (int call = 0; call < call_count; call++) {
    for (int lasts = 0; lasts < 2; lasts++) {
      sick.call = (enum call)call;
      sick.lasts = lasts != 0;
      sick.error = sick.lasts ? ENOSPC : EIO;
      int64_t n = 1;
      for (; run_once(scenario, n); n = next_of(n)) {
        seen |= UINT32_C(1) << call;
        ++failures;
      }
    }
  }
  print_message("%s: %lld failures", scenario->name, (long long)failures);
  for (int call = 0; call < call_count; call++) print_message("%s %s", (seen >> call & 1) != 0 ? "," : ", no", call_names[call]);
  print_message("\n");
  assert_int_equal(seen & scenario->calls, scenario->calls);
}

#define BIT(call) (UINT32_C(1) << CALL_##call)

/* ---- the journal ---- */

static uint64_t acknowledged;

static struct journal_options journal_options_of(void) {
  return (struct journal_options){.data_dir = folder, .account = "paper", .instance = "ABC123", .segment_bytes = 700, .reserve_bytes = 4096};
}

static void append_numbers(struct journal *journal, int count, int64_t ts) {
  for (int i = 0; i < count; i++) {
    unsigned char payload[24] = {0};
    journal_put_u64(payload, journal_last_seq(journal) + 1);
    (void)journal_append(journal, ts, JOURNAL_RECORD, 1, payload, sizeof payload);
  }
}

/* Records 1 to 12, and a torn one. */
static void prepare_journal(void) {
  struct journal *journal;
  const struct journal_options options = journal_options_of();
  assert_int_equal(journal_open(&journal, &options, &problem), STATUS_OK);
  append_numbers(journal, 12, DAY);
  journal_close(journal);
  struct journal_segment *segments;
  size_t count;
  assert_int_equal(journal_list(folder, "paper", &segments, &count, &problem), STATUS_OK);
  int file = open(segments[count - 1].path, O_WRONLY | O_APPEND | O_CLOEXEC);
  assert_true(file >= 0 && write(file, "torn", 4) == 4 && close(file) == 0);
  free(segments);
  acknowledged = 12;
}

static bool write_journal(struct journal *journal) {
  bool done = true;
  for (int i = 1; i <= 6; i++) {
    append_numbers(journal, 5, DAY + i * INT64_C(2000));
    bool is_flushed = journal_flush(journal, DAY + i * INT64_C(2000)) == STATUS_OK;
    if (is_flushed) acknowledged = journal_last_seq(journal);
    done = done && is_flushed;
  }
  return done;
}

static bool act_journal(void) {
  struct journal *journal;
  const struct journal_options options = journal_options_of();
  enum status status = journal_open(&journal, &options, &problem);
  if (status != STATUS_OK) {
    assert_true(problem.count > 0);
    return false;
  }
  bool done = write_journal(journal);
  journal_abandon(journal);
  return done;
}

static void look_journal(bool done) {
  struct journal *journal;
  const struct journal_options options = journal_options_of();
  problem_clear(&problem);
  enum status status = journal_open(&journal, &options, &problem);
  if (status != STATUS_OK) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  assert_true(journal_last_seq(journal) >= acknowledged);
  if (done) assert_int_equal(journal_last_seq(journal), 42);
  assert_true(write_journal(journal));
  journal_close(journal);
  struct journal_reader reader;
  struct journal_record record;
  uint64_t seq = 0;
  assert_int_equal(journal_reader_open(&reader, folder, "paper", 1, &problem), STATUS_OK);
  while ((status = journal_reader_next(&reader, &record, &problem)) == STATUS_OK) {
    assert_int_equal(record.seq, ++seq);
    if (record.direction == JOURNAL_RECORD) assert_int_equal(journal_get_u64(record.payload), seq);
  }
  assert_int_equal(status, STATUS_END);
  assert_int_equal(seq, acknowledged);
  journal_reader_close(&reader);
}

static void the_journal_keeps_what_it_acknowledged(void **state) {
  (void)state;
  every_call_fails(&(struct scenario){.name = "journal",
                                      .calls = BIT(OPEN) | BIT(WRITE) | BIT(PWRITE) | BIT(FLUSH) | BIT(CUT) | BIT(RESERVE),
                                      .prepare = prepare_journal,
                                      .act = act_journal,
                                      .look = look_journal});
}

/* ---- files that are replaced whole: snapshots, presets, settings ---- */

static bool file_is(const char *name, const char *text) {
  char path[256];
  struct buffer found = {0};
  path_of(path, name);
  bool is_same =
      buffer_read_file(&found, path, 1000, NULL) == STATUS_OK && found.length == strlen(text) && memcmp(found.data, text, found.length) == 0;
  buffer_deinit(&found);
  return is_same;
}

static enum status put_file(const char *name, const char *text) {
  char path[256];
  struct buffer bytes = {0};
  path_of(path, name);
  buffer_add(&bytes, text, strlen(text));
  enum status status = buffer_write_file(&bytes, path, 0600, &problem);
  buffer_deinit(&bytes);
  return status;
}

static void prepare_file(void) {
  assert_int_equal(put_file("file", "what it was"), STATUS_OK);
}

static bool act_file(void) {
  bool done = put_file("file", "what it shall be") == STATUS_OK;
  assert_true(done || problem.count > 0);
  return done;
}

static void look_file(bool done) {
  assert_true(file_is("file", "what it shall be") || (!done && file_is("file", "what it was")));
  assert_int_equal(put_file("file", "and more"), STATUS_OK);
  assert_true(file_is("file", "and more"));
}

static void a_replaced_file_is_the_old_or_the_new(void **state) {
  (void)state;
  every_call_fails(&(struct scenario){.name = "replaced file",
                                      .calls = BIT(OPEN) | BIT(WRITE) | BIT(FLUSH) | BIT(RENAME),
                                      .prepare = prepare_file,
                                      .act = act_file,
                                      .look = look_file});
}

/* ---- closed segments and logs ---- */

static void prepare_gzip(void) {
  assert_int_equal(put_file("closed.log", "a line\nanother line\n"), STATUS_OK);
}

static bool act_gzip(void) {
  char path[256];
  path_of(path, "closed.log");
  bool done = gzip_file(path, &problem) == STATUS_OK;
  assert_true(done || problem.count > 0);
  return done;
}

static bool is_packed(void) {
  char path[256], text[100];
  struct gzip_reader reader;
  size_t count = 0;
  path_of(path, "closed.log.gz");
  if (access(path, F_OK) != 0) return false;
  assert_int_equal(gzip_open(&reader, path, NULL), STATUS_OK);
  enum status status = gzip_read(&reader, text, sizeof text, &count);
  gzip_close(&reader);
  assert_int_equal(status, STATUS_OK); /* whole, or not there */
  assert_int_equal(count, 20);
  return true;
}

static void look_gzip(bool done) {
  bool is_whole = file_is("closed.log", "a line\nanother line\n");
  bool is_there = is_packed();
  assert_true(done ? is_there && !is_whole : is_whole);
  if (!done) assert_true(act_gzip() && is_packed());
}

static void a_compressed_file_is_whole_or_not_there(void **state) {
  (void)state;
  every_call_fails(&(struct scenario){.name = "compressed file",
                                      .calls = BIT(OPEN) | BIT(WRITE) | BIT(FLUSH) | BIT(RENAME) | BIT(REMOVE),
                                      .prepare = prepare_gzip,
                                      .act = act_gzip,
                                      .look = look_gzip});
}

/* ---- presets ---- */

static struct preset preset;

static struct preset_store preset_folder(void) {
  char path[256];
  struct preset_store store;
  path_of(path, "presets");
  preset_store_init(&store, path, folder);
  return store;
}

static enum status put_preset(double share) {
  struct preset_store store = preset_folder();
  preset.risk.risk_per_trade = share;
  return preset_store_save(&store, &preset, DAY, &problem);
}

static double preset_share(void) {
  struct preset_store store = preset_folder();
  struct preset found;
  assert_int_equal(preset_store_load(&store, "mine", &found, NULL, &problem), STATUS_OK);
  return found.risk.risk_per_trade;
}

static void prepare_preset(void) {
  struct preset_store store = preset_folder();
  assert_int_equal(preset_store_load(&store, "channel_baseline", &preset, NULL, &problem), STATUS_OK);
  (void)snprintf(preset.name, sizeof preset.name, "mine");
  assert_int_equal(put_preset(0.001), STATUS_OK);
}

static bool act_preset(void) {
  bool done = put_preset(0.002) == STATUS_OK;
  assert_true(done || problem.count > 0);
  return done;
}

static int version_count(void) {
  struct preset_store store = preset_folder();
  struct preset_version versions[8];
  int count = 0;
  assert_int_equal(preset_store_versions(&store, "mine", versions, 8, &count, &problem), STATUS_OK);
  return count;
}

static void look_preset(bool done) {
  double share = preset_share();
  assert_true(done ? share == 0.002 && version_count() == 1 : share == 0.001 || share == 0.002);
  if (share == 0.002) assert_int_equal(version_count(), 1); /* what was replaced is a version */
  assert_int_equal(put_preset(0.003), STATUS_OK);
  assert_true(preset_share() == 0.003);
}

static void a_preset_is_replaced_with_a_version_or_not_at_all(void **state) {
  (void)state;
  every_call_fails(&(struct scenario){.name = "preset",
                                      .calls = BIT(OPEN) | BIT(WRITE) | BIT(FLUSH) | BIT(RENAME),
                                      .prepare = prepare_preset,
                                      .act = act_preset,
                                      .look = look_preset});
}

/* ---- the database ---- */

static enum status open_store(struct store *store) {
  char path[256];
  path_of(path, "bot.db");
  return sqlite_store_open(store, &(struct sqlite_store_options){.path = path, .account = "paper", .may_migrate = true}, &problem);
}

static bool put_batches(struct store *store, uint64_t from) {
  bool done = true;
  for (uint64_t seq = from; seq < from + 3; seq++) {
    struct equity equity = {.ts = DAY + (int64_t)seq};
    enum status status = store->begin(store->self);
    if (status == STATUS_OK) status = store->put(store->self, RECORD_EQUITY, seq, &equity);
    if (status == STATUS_OK) status = store->commit(store->self);
    if (status == STATUS_OK) acknowledged = seq;
    done = done && status == STATUS_OK;
  }
  return done;
}

static void prepare_store(void) {
  struct store store;
  acknowledged = 0;
  assert_int_equal(open_store(&store), STATUS_OK);
  assert_true(put_batches(&store, 1));
  store.close(store.self);
}

static bool act_store(void) {
  struct store store;
  if (open_store(&store) != STATUS_OK) {
    assert_true(problem.count > 0);
    return false;
  }
  bool done = put_batches(&store, 4);
  store.close(store.self);
  return done;
}

static void look_store(bool done) {
  struct store store;
  struct database database = {0};
  char path[256];
  int64_t rows = 0;
  problem_clear(&problem);
  assert_int_equal(open_store(&store), STATUS_OK);
  assert_true(store.last_seq(store.self) >= acknowledged);
  if (done) assert_int_equal(acknowledged, 6);
  assert_true(put_batches(&store, 7));
  store.close(store.self);
  path_of(path, "bot.db");
  assert_int_equal(database_open(&database, path, DATABASE_FOR_READING, DATABASE_BUSY_MS, &problem), STATUS_OK);
  assert_int_equal(database_check(&database, &problem), STATUS_OK);
  assert_int_equal(database_read_int(&database, "SELECT COUNT(*) FROM equity_curve", 0, &rows, &problem), STATUS_OK);
  assert_true(rows >= (done ? 9 : 6) && rows <= 9);
  database_close(&database);
}

static void the_database_keeps_what_it_acknowledged(void **state) {
  (void)state;
  every_call_fails(&(struct scenario){.name = "database",
                                      .calls = BIT(OPEN) | BIT(PWRITE) | BIT(FLUSH) | BIT(REMOVE),
                                      .prepare = prepare_store,
                                      .act = act_store,
                                      .look = look_store});
}

/* ---- backups ---- */

static struct app app;

static void prepare_backup(void) {
  char path[256];
  prepare_store();
  struct journal *journal;
  const struct journal_options options = journal_options_of();
  assert_int_equal(journal_open(&journal, &options, &problem), STATUS_OK);
  append_numbers(journal, 12, DAY);
  journal_close(journal);
  app = (struct app){0};
  (void)snprintf(app.settings.data_dir, sizeof app.settings.data_dir, "%s", folder);
  path_of(path, "presets");
  (void)snprintf(app.settings.presets_dir, sizeof app.settings.presets_dir, "%s", path);
  path_of(path, "backups");
  assert_int_equal(mkdir(path, 0700), 0);
}

static bool act_backup(void) {
  char database[256], out[256];
  struct backup_result result;
  path_of(database, "bot.db");
  path_of(out, "backups/b.tar.gz");
  problem_clear(&app.problem);
  bool done = backup_make(&app, database, out, false, &result) == STATUS_OK;
  assert_true(done || app.problem.count > 0);
  return done;
}

static void look_backup(bool done) {
  char out[256];
  path_of(out, "backups/b.tar.gz");
  bool is_there = access(out, F_OK) == 0;
  if (done) assert_true(is_there);
  if (is_there) {
    assert_int_equal(backup_verify(out, &problem), STATUS_OK);
    assert_int_equal(unlink(out), 0);
  }
  path_of(out, "backups/b.tar");
  /* What could not be removed is in the way of the same name, which the refusal says. */
  if (sick.call == CALL_REMOVE && access(out, F_OK) == 0) assert_int_equal(unlink(out), 0);
  bool again = act_backup();
  if (!again) problem_print(&app.problem, stderr);
  assert_true(again);
}

static void what_is_called_a_backup_is_one(void **state) {
  (void)state;
  every_call_fails(&(struct scenario){.name = "backup",
                                      .calls = BIT(OPEN) | BIT(WRITE) | BIT(FLUSH) | BIT(RENAME) | BIT(REMOVE),
                                      .prepare = prepare_backup,
                                      .act = act_backup,
                                      .look = look_backup});
}

/* ---- logs ---- */

static int64_t lines_said, lines_dropped;

static void say(int count) {
  for (int i = 0; i < count; i++) log_write(LOG_INFO, "test", "line", NULL, "a line that is long enough to fill a small file soon: %d", i);
}

static enum status open_log(void) {
  return log_open(&(struct log_options){.level = LOG_INFO, .directory = folder, .file_max_mb = 0.001, .total_max_mb = 1, .retention_days = 1});
}

static void prepare_log(void) {
  assert_int_equal(open_log(), STATUS_OK);
  say(3);
  log_close();
}

static bool act_log(void) {
  if (open_log() != STATUS_OK) return false;
  int64_t before = log_dropped();
  say(12);
  lines_said = 12;
  lines_dropped = log_dropped() - before;
  log_rotate();
  log_close();
  return lines_dropped == 0;
}

static void look_log(bool done) {
  (void)done;
  int64_t before = log_dropped();
  assert_int_equal(open_log(), STATUS_OK);
  say(2);
  assert_int_equal(log_dropped(), before);
  log_close();
}

static void a_log_drops_lines_and_goes_on(void **state) {
  (void)state;
  every_call_fails(
      &(struct scenario){.name = "log", .calls = BIT(OPEN) | BIT(WRITE) | BIT(RENAME), .prepare = prepare_log, .act = act_log, .look = look_log});
}

static int make_folder(void **state) {
  (void)state;
  log_set_level(LOG_CRITICAL); /* trouble is what is made here */
  return scratch_make(folder, sizeof folder, "failing") ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_journal_keeps_what_it_acknowledged),  TEST(a_replaced_file_is_the_old_or_the_new),
      TEST(a_compressed_file_is_whole_or_not_there), TEST(a_preset_is_replaced_with_a_version_or_not_at_all),
      TEST(the_database_keeps_what_it_acknowledged), TEST(what_is_called_a_backup_is_one),
      TEST(a_log_drops_lines_and_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
