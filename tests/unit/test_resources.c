/* The resource monitor with a scripted reading: percentages, hysteresis, actions and their undoing, cool-down, status. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "runner/resources.h"

static int64_t fake_ns;

static int64_t now_ms(void *self) {
  (void)self;
  return INT64_C(1700000000000) + fake_ns / 1000000;
}

static int64_t monotonic_ns(void *self) {
  (void)self;
  return fake_ns;
}

static const struct clock fake_clock = {NULL, now_ms, monotonic_ns};

struct script {
  struct resource_reading reading;
  bool fails;
  int taken, undone;
};

static bool read_script(void *self, struct resource_reading *out) {
  const struct script *script = self;
  *out = script->reading;
  return !script->fails;
}

static void take(void *self, char *text, size_t size) {
  ++((struct script *)self)->taken;
  snprintf(text, size, "done");
}

static void undo(void *self, char *text, size_t size) {
  ++((struct script *)self)->undone;
  snprintf(text, size, "back");
}

static struct resource_options options_of(struct script *script) {
  return (struct resource_options){.clock = &fake_clock,
                                   .data_dir = ".",
                                   .warning = {70, 75, 80, 100, 1000},
                                   .max = {80, 85, 90, NAN, NAN},
                                   .memory_mb_max = 2048,
                                   .interval_s = 5,
                                   .cooldown_s = 300,
                                   .read = read_script,
                                   .read_self = script};
}

static struct script calm(void) {
  return (struct script){.reading = {.cpu_count = 2,
                                     .memory_bytes = 1e9,
                                     .memory_limit_bytes = 4e9,
                                     .resident_bytes = 100 * 1048576.0,
                                     .disk_bytes = 100e9,
                                     .disk_free_bytes = 60e9,
                                     .threads = 3,
                                     .open_files = 20,
                                     .sockets = 4}};
}

/* One sample later; share of the two processors in use meanwhile. */
static void step(struct resources *resources, struct script *script, double cpu_share) {
  fake_ns += INT64_C(5000000000);
  script->reading.cpu_seconds += cpu_share * 2 * 5;
  assert_true(resources_turn(resources));
}

static void test_sample(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  struct resource_options options = options_of(&script);
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  assert_int_equal(resources_count(resources), 0);
  assert_int_equal(resources_status(resources), RESOURCES_HEALTHY);
  step(resources, &script, 0.5);
  assert_true(isnan(resources_sample(resources, 0)->cpu_percent)); /* nothing to compare with yet */
  step(resources, &script, 0.5);
  const struct resource_sample *sample = resources_sample(resources, 0);
  assert_true(fabs(sample->cpu_percent - 50.0) < 1e-9);
  assert_true(fabs(sample->memory_percent - 25.0) < 1e-9);
  assert_true(fabs(sample->memory_used_mb - 100.0) < 1e-9);
  assert_true(fabs(sample->disk_percent - 40.0) < 1e-9);
  assert_int_equal(sample->threads, 3);
  assert_int_equal(resources_count(resources), 2);
  assert_false(resources_turn(resources)); /* not due */
  assert_in_range(resources_timeout_ms(resources), 1, 5001);
  resources_close(resources);
}

static void test_hysteresis_and_actions(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  char text[160];
  struct resource_options options = options_of(&script);
  options.actions[0] = (struct resource_action){RESOURCE_MEMORY, RESOURCE_WARNING, "free", take, undo, &script};
  options.action_count = 1;
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  step(resources, &script, 0.1);
  script.reading.memory_bytes = 3.2e9; /* 80 % */
  step(resources, &script, 0.1);
  assert_int_equal(resources_level(resources, RESOURCE_MEMORY), RESOURCE_NORMAL); /* one sample is not enough */
  assert_int_equal(script.taken, 0);
  step(resources, &script, 0.1);
  assert_int_equal(resources_level(resources, RESOURCE_MEMORY), RESOURCE_WARNING);
  assert_int_equal(resources_status(resources), RESOURCES_WARNING);
  assert_int_equal(script.taken, 1);
  assert_true(resources_issue(resources, RESOURCE_MEMORY, text, sizeof text));
  assert_string_equal(text, "memory 80.0 %, warning at 75 %");
  assert_false(resources_issue(resources, RESOURCE_CPU, text, sizeof text));
  script.reading.memory_bytes = 1e9;
  for (int i = 0; i < 4; i++) step(resources, &script, 0.1);
  assert_int_equal(resources_level(resources, RESOURCE_MEMORY), RESOURCE_WARNING); /* four below it are not enough */
  assert_int_equal(script.undone, 0);
  step(resources, &script, 0.1);
  assert_int_equal(resources_level(resources, RESOURCE_MEMORY), RESOURCE_NORMAL);
  assert_int_equal(script.undone, 1);
  assert_int_equal(resources_taken(resources), 1);
  assert_int_equal(resources_result_count(resources), 2);
  assert_true(resources_result(resources, 0)->is_undone);
  assert_string_equal(resources_result(resources, 1)->text, "done");
  resources_close(resources);
}

static void test_cooldown(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  struct resource_options options = options_of(&script);
  options.actions[0] = (struct resource_action){RESOURCE_DISK, RESOURCE_WARNING, "clean", take, NULL, &script};
  options.action_count = 1;
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  script.reading.disk_free_bytes = 15e9; /* 85 % */
  for (int i = 0; i < 60; i++) step(resources, &script, 0.1);
  assert_int_equal(script.taken, 1); /* within 300 s once */
  for (int i = 0; i < 2; i++) step(resources, &script, 0.1);
  assert_int_equal(script.taken, 2);
  resources_close(resources);
}

/* Entries are held back whenever the disk is at its floor, however short the time since the last one. */
static void test_the_floor_knows_no_cooldown(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  struct resource_options options = options_of(&script);
  options.disk_free_mb_min = 500;
  options.actions[0] = (struct resource_action){RESOURCE_DISK, RESOURCE_FLOOR, "hold", take, undo, &script};
  options.action_count = 1;
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  for (int round = 1; round <= 3; round++) {
    script.reading.disk_free_bytes = 0;
    for (int i = 0; i < 4; i++) step(resources, &script, 0.1);
    assert_int_equal(script.taken, round);
    assert_int_equal(script.undone, round - 1);
    script.reading.disk_free_bytes = 60e9;
    for (int i = 0; i < 5; i++) step(resources, &script, 0.1);
    assert_int_equal(script.undone, round);
  }
  resources_close(resources);
}

static void test_cpu_maximum_is_a_mean(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  struct resource_options options = options_of(&script);
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  for (int i = 0; i < 8; i++) step(resources, &script, 0.1);
  for (int i = 0; i < 3; i++) step(resources, &script, 0.85);
  assert_int_equal(resources_level(resources, RESOURCE_CPU), RESOURCE_WARNING); /* the mean of 30 s is still below 80 % */
  for (int i = 0; i < 8; i++) step(resources, &script, 0.85);
  assert_int_equal(resources_level(resources, RESOURCE_CPU), RESOURCE_MAX);
  assert_int_equal(resources_status(resources), RESOURCES_CRITICAL);
  resources_close(resources);
}

static void test_memory_cap_and_extremes(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  char text[160];
  struct resource_options options = options_of(&script);
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  script.reading.resident_bytes = 3000 * 1048576.0;
  for (int i = 0; i < 2; i++) step(resources, &script, 0.1);
  assert_int_equal(resources_level(resources, RESOURCE_MEMORY), RESOURCE_MAX);
  assert_true(resources_issue(resources, RESOURCE_MEMORY, text, sizeof text));
  assert_string_equal(text, "memory of the process 3000 MB, above MAX_MEMORY_MB 2048");
  resources_close(resources);
  script = calm();
  options = options_of(&script);
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  script.reading.disk_free_bytes = 1e9; /* 99 %: critical at once */
  step(resources, &script, 0.1);
  assert_int_equal(resources_status(resources), RESOURCES_CRITICAL);
  resources_close(resources);
}

static void test_unknown_is_not_above(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  struct resource_options options = options_of(&script);
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  script.reading = (struct resource_reading){.cpu_seconds = NAN,
                                             .memory_bytes = NAN,
                                             .memory_limit_bytes = NAN,
                                             .resident_bytes = NAN,
                                             .disk_bytes = NAN,
                                             .disk_free_bytes = NAN,
                                             .threads = -1,
                                             .open_files = -1,
                                             .sockets = -1};
  for (int i = 0; i < 3; i++) step(resources, &script, 0);
  assert_int_equal(resources_status(resources), RESOURCES_HEALTHY);
  assert_true(isnan(resource_value(resources_sample(resources, 0), RESOURCE_THREADS)));
  script.fails = true;
  fake_ns += INT64_C(5000000000);
  assert_false(resources_turn(resources));
  assert_int_equal(resources_count(resources), 3);
  resources_close(resources);
}

static void test_samples_are_bounded(void **state) {
  (void)state;
  struct script script = calm();
  struct resources *resources;
  struct resource_options options = options_of(&script);
  assert_int_equal(resources_open(&resources, &options), STATUS_OK);
  for (int i = 0; i < RESOURCE_SAMPLES_MAX + 7; i++) step(resources, &script, 0.1);
  assert_int_equal(resources_count(resources), RESOURCE_SAMPLES_MAX);
  assert_true(resources_sample(resources, 0)->ts - resources_sample(resources, RESOURCE_SAMPLES_MAX - 1)->ts ==
              (RESOURCE_SAMPLES_MAX - 1) * INT64_C(5000));
  resources_close(resources);
}

static void test_this_machine(void **state) {
  (void)state;
  struct resource_reading reading;
  assert_true(resources_read(".", &reading));
  assert_true(reading.cpu_count > 0);
  assert_true(reading.memory_limit_bytes > reading.resident_bytes && reading.resident_bytes > 0);
  assert_true(reading.disk_bytes >= reading.disk_free_bytes);
  assert_true(reading.threads >= 1 && reading.open_files >= 3 && reading.sockets >= 0);
  assert_true(resources_read("/no/such/folder", &reading));
  assert_true(isnan(reading.disk_bytes));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sample),
      cmocka_unit_test(test_hysteresis_and_actions),
      cmocka_unit_test(test_cooldown),
      cmocka_unit_test(test_the_floor_knows_no_cooldown),
      cmocka_unit_test(test_cpu_maximum_is_a_mean),
      cmocka_unit_test(test_memory_cap_and_extremes),
      cmocka_unit_test(test_unknown_is_not_above),
      cmocka_unit_test(test_samples_are_bounded),
      cmocka_unit_test(test_this_machine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
