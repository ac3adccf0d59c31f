/* The emergency latch beside the journal: what was held comes back, whatever the disk did in between; what was released stays released. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/view.h"
#include "runner/kill_latch.h"
#include "runner/recover.h"
#include "support/quiet_venue.h"
#include "support/scratch.h"

#define DAY INT64_C(1748736000000) /* 2025-06-01 */

enum { SECTOR = 512 };

static char folder[200], path[300];
static struct problem problem;
static bool sync_fails, write_fails, journal_fails;
static int writes;

static int make_folder(void **state) {
  (void)state;
  log_set_level(LOG_CRITICAL + 1); /* failures are what these tests are made of */
  problem_clear(&problem);
  sync_fails = write_fails = journal_fails = false;
  if (!scratch_make(folder, sizeof folder, "latch")) return -1;
  (void)snprintf(path, sizeof path, "%s/journal", folder);
  if (mkdir(path, 0750) != 0) return -1;
  (void)snprintf(path, sizeof path, "%s/journal/.latch-paper", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  log_set_level(LOG_INFO);
  return scratch_remove(folder);
}

static ssize_t sick_write(int file, const void *bytes, size_t size) {
  ++writes;
  if (!write_fails) return write(file, bytes, size);
  errno = EIO;
  return -1;
}

static int sick_sync(int file) {
  (void)file;
  errno = EIO;
  return sync_fails ? -1 : 0;
}

static struct kill_latch *open_latch(void) {
  static const struct journal_io sick = {sick_write, sick_sync, NULL};
  struct kill_latch *latch = NULL;
  enum status status = kill_latch_open(&latch, folder, "paper", &sick, &problem);
  if (status) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  return latch;
}

static struct latch a_kill(const char *name, const char *reason, int64_t since) {
  struct latch kill = {.cause = RISK_CAUSE_OPERATOR, .value = 1.5, .since_at = since};
  text_copy(kill.name, sizeof kill.name, name);
  text_copy(kill.reason, sizeof kill.reason, reason);
  return kill;
}

/* What a start finds: the reason, "" none. */
static const char *found(void) {
  static char reason[96];
  struct kill_latch *latch = open_latch();
  const struct latch *held = kill_latch_held(latch);
  text_copy(reason, sizeof reason, held->since_at != 0 ? held->reason : "");
  kill_latch_close(latch);
  return reason;
}

static void what_is_held_comes_back(void **state) {
  (void)state;
  struct latch first = a_kill("kill_switch", "first", DAY);
  struct latch second = a_kill("kill_switch", "second", DAY + 9000);
  assert_string_equal(found(), "");
  struct kill_latch *latch = open_latch();
  kill_latch_hold(latch, &first, false, DAY);
  assert_true(kill_latch_is_durable(latch));
  kill_latch_close(latch);
  assert_string_equal(found(), "first");
  latch = open_latch();
  assert_int_equal(kill_latch_held(latch)->cause, RISK_CAUSE_OPERATOR);
  assert_true(kill_latch_held(latch)->value == 1.5);
  kill_latch_release(latch, DAY + 1000); /* this process has not seen it in force: not its to release */
  kill_latch_close(latch);
  assert_string_equal(found(), "first");
  latch = open_latch();
  kill_latch_hold(latch, &first, false, DAY + 2000);
  kill_latch_release(latch, DAY + 3000);
  kill_latch_release(latch, DAY + 3000);
  kill_latch_close(latch);
  assert_string_equal(found(), "");
  latch = open_latch();
  kill_latch_hold(latch, &second, false, DAY + 9000);
  kill_latch_close(latch);
  assert_string_equal(found(), "second");
}

static void it_is_written_when_it_is_news(void **state) {
  (void)state;
  struct latch kill = a_kill("emergency_stop", "one", DAY);
  struct kill_latch *latch = open_latch();
  writes = 0;
  for (int i = 0; i < 100; i++) kill_latch_hold(latch, &kill, false, DAY + i);
  assert_int_equal(writes, 1);
  kill_latch_hold(latch, &kill, true, DAY + 200); /* the whole account now */
  assert_int_equal(writes, 2);
  kill_latch_hold(latch, &kill, false, DAY + 300);
  assert_int_equal(writes, 2);
  kill = a_kill("kill_switch", "one", DAY); /* after a stop comes a kill */
  kill_latch_hold(latch, &kill, false, DAY + 400);
  assert_int_equal(writes, 3);
  kill_latch_close(latch);
}

static void a_sick_disk_is_asked_again(void **state) {
  (void)state;
  struct latch kill = a_kill("kill_switch", "late", DAY);
  struct kill_latch *latch = open_latch();
  write_fails = true;
  kill_latch_hold(latch, &kill, false, DAY);
  assert_false(kill_latch_is_durable(latch));
  write_fails = false;
  sync_fails = true;
  writes = 0;
  kill_latch_hold(latch, &kill, false, DAY + 999);
  assert_int_equal(writes, 0); /* not before a second has passed */
  kill_latch_hold(latch, &kill, false, DAY + 1000);
  assert_int_equal(writes, 1);
  assert_false(kill_latch_is_durable(latch));
  sync_fails = false;
  kill_latch_hold(latch, &kill, false, DAY + 2000);
  assert_true(kill_latch_is_durable(latch));
  kill_latch_close(latch);
  assert_string_equal(found(), "late");
}

static void read_sectors(unsigned char out[2 * SECTOR]) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  assert_int_equal(pread(file, out, 2 * SECTOR, 0), 2 * SECTOR);
  close(file);
}

static void write_sectors(const unsigned char *bytes) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  assert_int_equal(pwrite(file, bytes, 2 * SECTOR, 0), 2 * SECTOR);
  close(file);
}

/* Each write is torn at every byte: what is found is what was there before or what was written. */
static void a_torn_write_is_the_one_before(void **state) {
  (void)state;
  unsigned char before[2 * SECTOR], after[2 * SECTOR], torn[2 * SECTOR];
  struct latch first = a_kill("kill_switch", "first", DAY);
  struct latch second = a_kill("kill_switch", "second", DAY + 1);
  struct kill_latch *latch = open_latch();
  kill_latch_hold(latch, &first, false, DAY);
  read_sectors(before);
  kill_latch_hold(latch, &second, false, DAY);
  read_sectors(after);
  kill_latch_close(latch);
  int old = 0;
  for (size_t n = 0; n <= 2 * SECTOR; n++) {
    memcpy(torn, before, sizeof torn);
    memcpy(torn, after, n);
    write_sectors(torn);
    const char *reason = found();
    bool is_old = strcmp(reason, "first") == 0;
    assert_true(is_old || strcmp(reason, "second") == 0);
    old += is_old ? 1 : 0;
  }
  assert_in_range(old, SECTOR / 4, SECTOR);
}

static void no_block_is_needed(void **state) {
  (void)state;
  struct stat made, used;
  struct kill_latch *latch = open_latch();
  assert_int_equal(stat(path, &made), 0);
  for (int i = 0; i < 10; i++) {
    struct latch kill = a_kill("kill_switch", "again", DAY + i);
    kill_latch_hold(latch, &kill, false, DAY + i);
  }
  kill_latch_close(latch);
  assert_int_equal(stat(path, &used), 0);
  assert_int_equal(used.st_size, made.st_size);
  assert_int_equal(used.st_blocks, made.st_blocks);
  assert_true(made.st_blocks > 0);
}

static void what_cannot_be_read_stops_entries(void **state) {
  (void)state;
  unsigned char bytes[2 * SECTOR] = {0};
  kill_latch_close(open_latch());
  write_sectors(bytes);
  struct kill_latch *latch = open_latch();
  assert_string_equal(kill_latch_held(latch)->name, "emergency_stop"); /* and nothing is sold for it */
  assert_true(kill_latch_held(latch)->since_at > 0);
  kill_latch_close(latch);
}

/* ---- under a runner ---- */

static int journal_sync(int file) {
  (void)file;
  errno = EIO;
  return journal_fails ? -1 : 0;
}

static int no_reserve(int file, off_t offset, off_t length) {
  (void)file, (void)offset, (void)length;
  return 0;
}

static struct life {
  struct arena arena;
  struct journal *journal;
  struct exchange venue;
  struct runner runner;
  struct recover *recover;
  struct recovery recovery;
  struct kill_latch *latch;
} life;

static void step(enum command what, int64_t ts) {
  struct event event = {.ts = ts, .kind = EVENT_COMMAND};
  event.command = (struct event_command){.command = (int32_t)what, .source = SOURCE_OPERATOR, .is_confirmed = true, .price = DECIMAL_NULL};
  event.command.operation_id = engine_counters(life.runner.engine)->operation + 1;
  text_copy(event.command.reason, sizeof event.command.reason, "by hand");
  runner_step(&life.runner, &event);
}

/* One start; true: a kill came back. */
static bool begin(int64_t ts) {
  static const struct journal_io io = {write, journal_sync, no_reserve};
  memset(&life, 0, sizeof life);
  const struct journal_options journal = {.data_dir = folder, .account = "paper", .instance = "000000", .io = &io, .reserve_bytes = 4096};
  assert_int_equal(journal_open(&life.journal, &journal, &problem), STATUS_OK);
  life.latch = open_latch();
  struct recover_options options = {.data_dir = folder, .account = "paper", .arena = &life.arena};
  options.limits = (struct engine_limits){.symbols = 1, .base_ms = 60000};
  options.config = (struct engine_config){.instance = "000000", .venue = "paper", .feed = "test", .starting_balance = DECIMAL_ONE, .max_leverage = 1};
  assert_int_equal(arena_open(&life.arena, engine_memory(&options.limits)), STATUS_OK);
  life.venue = quiet_venue();
  assert_int_equal(recover_open(&life.recover, &life.runner, &options, life.journal, &life.venue, NULL, false, &life.recovery, &problem), STATUS_OK);
  life.runner.latch = life.latch;
  struct event event;
  if (!life.recovery.is_first) {
    recover_event(&event, &life.recovery, ts, false);
    runner_step(&life.runner, &event);
  }
  if (!kill_latch_event(life.latch, life.runner.engine, ts, &event)) return false;
  runner_step(&life.runner, &event);
  assert_true(engine_risk(life.runner.engine)->kill.since_at != 0);
  assert_string_equal(engine_risk(life.runner.engine)->kill.reason, "by hand");
  return true;
}

/* As a killed process; and, where the journal was failing, as a machine without power: nothing of it since then is on the disk. */
static void end(bool loses_journal) {
  char command[300];
  runner_deinit(&life.runner);
  recover_close(life.recover);
  kill_latch_close(life.latch);
  journal_abandon(life.journal);
  arena_close(&life.arena);
  (void)snprintf(command, sizeof command, "rm -f %s/journal/*.bbj", folder);
  if (loses_journal) assert_int_equal(system(command), 0);
}

static bool is_latched(void) {
  return engine_session_state(life.runner.engine) == SESSION_EMERGENCY;
}

static void a_kill_that_the_journal_lost_is_in_force_again(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    enum command what = i == 0 ? COMMAND_KILL_SWITCH : COMMAND_EMERGENCY_STOP;
    assert_false(begin(DAY));
    journal_fails = true;
    step(what, DAY + 1000);
    assert_true(is_latched());
    end(true);
    journal_fails = false;
    assert_true(begin(DAY + 2000)); /* the journal knows nothing */
    assert_true(is_latched());
    assert_string_equal(engine_risk(life.runner.engine)->kill.name, command_names[what]);
    end(false);
    assert_false(begin(DAY + 3000)); /* now it does */
    assert_true(is_latched());
    step(COMMAND_RESET, DAY + 4000);
    assert_false(is_latched());
    end(false);
    assert_false(begin(DAY + 5000));
    assert_false(is_latched());
    end(true);
  }
}

static void a_reset_that_no_disk_has_releases_nothing(void **state) {
  (void)state;
  assert_false(begin(DAY));
  step(COMMAND_KILL_SWITCH, DAY + 1000);
  journal_fails = true;
  step(COMMAND_RESET, DAY + 2000);
  assert_false(is_latched());
  end(true);
  journal_fails = false;
  assert_true(begin(DAY + 3000));
  step(COMMAND_RESET, DAY + 4000);
  end(true); /* the latch of its own is released as well */
  assert_false(begin(DAY + 5000));
  assert_false(is_latched());
  end(false);
}

int main(void) {
#define LATCH_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      LATCH_TEST(what_is_held_comes_back),
      LATCH_TEST(it_is_written_when_it_is_news),
      LATCH_TEST(a_sick_disk_is_asked_again),
      LATCH_TEST(a_torn_write_is_the_one_before),
      LATCH_TEST(no_block_is_needed),
      LATCH_TEST(what_cannot_be_read_stops_entries),
      LATCH_TEST(a_kill_that_the_journal_lost_is_in_force_again),
      LATCH_TEST(a_reset_that_no_disk_has_releases_nothing),
  };
#undef LATCH_TEST
  return cmocka_run_group_tests(tests, NULL, NULL);
}
