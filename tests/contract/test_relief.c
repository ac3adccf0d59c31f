/* What the server does when a resource runs short: scripted readings, real worker processes, the API's feed, log files, a session to pause. Each
 * action is taken, counted, listed and undone when its level is left. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "adapters/clock/manual_clock.h"
#include "apps/relief.h"
#include "support/run_fixture.h"

static struct run_fixture fixture;
static struct manual_clock manual;
static struct relief relief;
static struct resources *resources;
static struct resource_reading reading;
static struct journal *no_journal;
static int counted;
static bool is_held;

static bool read_script(void *self, struct resource_reading *out) {
  (void)self;
  *out = reading;
  return true;
}

static void count(void *context, enum resource resource, const char *action) {
  (void)context;
  (void)resource;
  (void)action;
  ++counted;
}

static void hold(void *self, bool is_wanted, char *text, size_t size) {
  (void)self;
  is_held = is_wanted;
  snprintf(text, size, is_wanted ? "the session is paused" : "the session goes on");
}

static int64_t event_now(void *self) {
  (void)self;
  return manual.ms;
}

static void be_calm(void) {
  reading.memory_bytes = 1e9;
  reading.disk_free_bytes = 60e9;
  reading.threads = 3;
}

/* Samples 5 s apart; share of the two processors in use meanwhile. */
static void step(int samples, double share) {
  for (int i = 0; i < samples; i++) {
    manual_clock_advance(&manual, 5000);
    reading.cpu_seconds += share * 2 * 5;
    assert_true(resources_turn(resources));
  }
}

/* The newest action of that name: its text, NULL when it is not listed. */
static const char *listed(const char *action, bool is_undone) {
  for (int i = 0; i < resources_result_count(resources); i++) {
    const struct resource_result *result = resources_result(resources, i);
    if (strcmp(result->action, action) == 0 && result->is_undone == is_undone) return result->text;
  }
  return NULL;
}

static int open_all(void **state) {
  (void)state;
  run_fixture_open_with_data(&fixture, 1);
  return 0;
}

static int close_all(void **state) {
  (void)state;
  run_fixture_close(&fixture);
  return 0;
}

static int open_monitor(void **state) {
  (void)state;
  manual_clock_init(&manual, INT64_C(1700000000000));
  manual_clock_advance(&manual, 3600000);
  reading = (struct resource_reading){
      .cpu_count = 2, .memory_limit_bytes = 4e9, .resident_bytes = 1e8, .disk_bytes = 100e9, .open_files = 20, .sockets = 4};
  be_calm();
  counted = 0;
  relief = (struct relief){.settings = &fixture.settings,
                           .clock = &manual.clock,
                           .pool = &fixture.pool,
                           .api = &fixture.api,
                           .journal = &no_journal,
                           .hold_entries = hold,
                           .event_now = event_now};
  struct resource_options options = {.clock = &manual.clock,
                                     .data_dir = ".",
                                     .warning = {70, 75, 80, 100, 1000},
                                     .max = {80, 85, 90, NAN, NAN},
                                     .memory_mb_max = 2048,
                                     .disk_free_mb_min = RESOURCE_DISK_FREE_MIN_MB,
                                     .interval_s = 5,
                                     .cooldown_s = 300,
                                     .on_action = count,
                                     .read = read_script};
  relief_add(&relief, &options);
  return resources_open(&resources, &options) == STATUS_OK ? 0 : 1;
}

static int close_monitor(void **state) {
  (void)state;
  resources_close(resources);
  return 0;
}

/* One letter of /proc: T stands still. */
static char state_of(int pid) {
  char path[64];
  char letter = '?';
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return letter;
  if (fscanf(file, "%*d (%*[^)]) %c", &letter) != 1) letter = '?';
  fclose(file);
  return letter;
}

/* The kernel stops a process a moment after it was told to. */
static void wait_until_stopped(int pid) {
  const struct timespec moment = {0, 1000000};
  for (int i = 0; i < 10000 && state_of(pid) != 'T'; i++) nanosleep(&moment, NULL);
  assert_int_equal(state_of(pid), 'T');
}

static void start_run(char id[RUN_ID_BYTES]) {
  static const char body[] = "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\"}";
  assert_int_equal(run_fixture_ask(&fixture, "POST", "/api/backtests", body, NULL), 202);
  snprintf(id, RUN_ID_BYTES, "%s", run_fixture_text(&fixture, "run_id"));
}

static void a_busy_processor_stops_background_runs(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start_run(id);
  int pid = run_fixture_worker();
  step(1, 0.1);
  step(2, 0.75); /* above the warning */
  assert_int_equal(getpriority(PRIO_PROCESS, (id_t)pid), 19);
  assert_non_null(listed("limit background runs", false));
  assert_null(listed("pause background runs", false));
  step(9, 0.95); /* above the maximum for 30 s */
  assert_non_null(listed("pause background runs", false));
  assert_non_null(listed("halve the feed's rates", false));
  assert_string_equal(listed("pause background runs", false), "1 background runs stand still, none begins");
  wait_until_stopped(pid);
  for (int i = 0; i < 3; i++) run_pool_turn(fixture.pool);
  assert_int_equal(state_of(pid), 'T');
  assert_int_equal(counted, 3);
  step(30, 0.1);
  assert_int_equal(resources_status(resources), RESOURCES_HEALTHY);
  assert_non_null(listed("halve the feed's rates", true));
  assert_string_equal(listed("pause background runs", true), "1 background runs go on");
  assert_non_null(listed("limit background runs", true));
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
}

/* Memory and threads both stop the runs: they go on when neither is short. */
static void runs_wait_for_every_resource(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start_run(id);
  int pid = run_fixture_worker();
  reading.memory_bytes = 3.6e9; /* 90 % */
  reading.threads = 200;
  step(2, 0.1);
  assert_non_null(listed("give memory back", false));
  assert_non_null(listed("memory snapshot", false));
  assert_string_equal(listed("close the slowest reader", false), "nothing waits for a reader");
  assert_int_equal(relief.pauses, 2);
  wait_until_stopped(pid);
  reading.memory_bytes = 1e9;
  step(5, 0.1);
  assert_string_equal(listed("pause background runs", true), "0 background runs go on: another resource is short");
  assert_int_equal(state_of(pid), 'T');
  be_calm();
  step(5, 0.1);
  assert_string_equal(listed("pause background runs", true), "1 background runs go on");
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
}

static void a_full_disk_is_cleaned_and_ends_entries(void **state) {
  (void)state;
  reading.disk_free_bytes = 15e9; /* 85 % used */
  step(2, 0.1);
  assert_non_null(listed("clean logs", false));
  assert_string_equal(listed("compress the journal", false), "no closed segment is older than a day");
  assert_null(listed("delete expired backups", false));
  reading.disk_free_bytes = 5e9;
  step(2, 0.1);
  assert_non_null(listed("delete expired backups", false));
  assert_false(is_held);
  reading.disk_free_bytes = 400.0 * 1048576; /* below 500 MB */
  step(2, 0.1);
  assert_true(is_held);
  assert_int_equal(resources_status(resources), RESOURCES_CRITICAL);
  be_calm();
  step(4, 0.1);
  assert_true(is_held);
  step(1, 0.1);
  assert_false(is_held);
  assert_string_equal(listed("no new entries", true), "the session goes on");
  assert_int_equal(counted, 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_busy_processor_stops_background_runs, open_monitor, close_monitor),
      cmocka_unit_test_setup_teardown(runs_wait_for_every_resource, open_monitor, close_monitor),
      cmocka_unit_test_setup_teardown(a_full_disk_is_cleaned_and_ends_entries, open_monitor, close_monitor),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
