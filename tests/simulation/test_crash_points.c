/* The program dies at every named crash point in every state of trading, and comes back: the same state as the venue's, no fill lost or taken twice,
 * no position without a stop. A seed draws the order, the passings and the losses. CRASH_SEEDS seeds from CRASH_SEED (1) on, or half of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/presets_builtin.h"
#include "support/crash_session.h"
#include "support/scratch.h"

enum { CRASHES_EACH = 12, SEEDS_FOR_ALL = 20, PAIRS_MAX = crash_label_count * crash_state_count };

static char folder[200];
static struct preset preset;
static struct buffer preset_json;
static struct problem problem;
static int64_t died[crash_label_count][crash_state_count];
static int64_t deaths, missed, repaired, slowest_ms;

static int open_all(void **state) {
  /* Entries rest and are filled by several prints; trades end soon. */
  static const char *const changes[][2] = {{"channel_config.timeframe", "1m"},      {"channel_config.period", "6"},
                                           {"channel_config.stop_atr_mult", "1.5"}, {"channel_config.target_r", "1"},
                                           {"execution_config.post_only", "true"},  {"risk.max_consecutive_losses", "20"},
                                           {"risk.daily_risk_limit", "0.5"},        {"risk.risk_per_trade", "0.005"},
                                           {"risk.kill_switch_loss_limit", "0.9"},  {"risk.max_concurrent_positions", "3"}};
  (void)state;
  log_set_level(LOG_CRITICAL); /* trouble is what these sessions are made of */
  for (int i = 0; i < builtin_preset_count; i++) {
    if (strcmp(builtin_presets[i].name, "channel_baseline") != 0) continue;
    assert_int_equal(preset_parse(&preset, builtin_presets[i].text, strlen(builtin_presets[i].text), "x", NULL, &problem), STATUS_OK);
  }
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
    assert_int_equal(preset_set_key(&preset, changes[i][0], changes[i][1], &problem), STATUS_OK);
  preset_print_canonical(&preset, &preset_json);
  return scratch_make(folder, sizeof folder, "crash") ? 0 : -1;
}

static int close_all(void **state) {
  (void)state;
  buffer_deinit(&preset_json);
  return scratch_remove(folder);
}

/* ---- which crashes ---- */

static bool is_of_segments(enum crash_label label) {
  return label >= CRASH_SEGMENT_OVER && label <= CRASH_SEGMENT_BEGUN;
}

/* Every pair once, shuffled; those of segments need small ones and come by themselves. */
static int draw(uint64_t seed, bool of_segments, struct crash *crashes) {
  struct random random;
  int count = 0;
  random_init(&random, seed);
  for (int label = 0; label < crash_label_count; label++) {
    for (int state = 0; state < crash_state_count; state++) {
      if (is_of_segments((enum crash_label)label) != of_segments || !crash_is_possible((enum crash_label)label, (enum crash_state)state)) continue;
      bool is_rare = crash_rows[label].place != CRASH_LOOP || state == CRASH_WORKING;
      uint64_t passings = of_segments || state == CRASH_EXITING ? 1 : is_rare ? 2 : 6;
      crashes[count++] = (struct crash){.label = (enum crash_label)label,
                                        .state = (enum crash_state)state,
                                        .loss = (enum crash_loss)random_below(&random, crash_loss_count),
                                        .passing = 1 + (int)random_below(&random, passings)};
    }
  }
  for (int i = count - 1; i > 0; i--) {
    int other = (int)random_below(&random, (uint64_t)i + 1);
    struct crash kept = crashes[i];
    crashes[i] = crashes[other];
    crashes[other] = kept;
  }
  return count;
}

/* ---- runs ---- */

static void tally(uint64_t seed, const struct crash *crashes, int count) {
  bool is_told = getenv("CRASH_TELL") != NULL;
  for (int i = 0; i < count; i++) {
    const struct crash *crash = &crashes[i];
    died[crash->label][crash->state] += crash->deaths > 0;
    deaths += crash->deaths;
    missed += crash->deaths == 0;
    repaired += crash->repaired > 0;
    if (crash->settled_ms > slowest_ms) slowest_ms = crash->settled_ms;
    if (is_told && crash->deaths == 0)
      print_message("seed %llu: %s, %s, passing %d was not reached\n", (unsigned long long)seed, crash_rows[crash->label].name,
                    crash_state_names[crash->state], crash->passing);
  }
}

static void tell(const struct crash *crashes, int count) {
  for (int i = 0; i < count; i++)
    print_message("  %s, %s, passing %d, loss %d: %d deaths, settled after %lld ms\n", crash_rows[crashes[i].label].name,
                  crash_state_names[crashes[i].state], crashes[i].passing, (int)crashes[i].loss, crashes[i].deaths, (long long)crashes[i].settled_ms);
}

static void run(uint64_t seed, bool of_segments, int share) {
  struct crash crashes[PAIRS_MAX];
  struct fault_session_result result;
  int count = draw(seed, of_segments, crashes) / share;
  for (int at = 0; at < count; at += CRASHES_EACH) {
    int size = count - at < CRASHES_EACH ? count - at : CRASHES_EACH;
    const struct crash_options options = {.seed = seed * 100 + (uint64_t)(at / CRASHES_EACH) + (of_segments ? 50 : 0),
                                          .preset = &preset,
                                          .preset_json = preset_json.data,
                                          .folder = folder,
                                          .segment_bytes = of_segments ? 8192 : 0,
                                          .is_told = getenv("CRASH_SHOW") != NULL};
    problem_clear(&problem);
    enum status status = crash_session_run(&options, crashes + at, size, &result, &problem);
    tally(seed, crashes + at, size);
    if (!status && result.violation[0] == '\0') continue;
    tell(crashes + at, size);
    fail_msg("seed %llu, session %llu, %lld ms: %s %s", (unsigned long long)seed, (unsigned long long)options.seed, (long long)result.violated_at,
             result.violation, problem.count > 0 ? problem.items[0].message : "");
  }
}

static uint64_t number_of(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

/* Prints what was never passed; returns how many pairs were. */
static int count_reached(int *wanted) {
  int reached = 0;
  for (int label = 0; label < crash_label_count; label++) {
    int64_t of_label = 0;
    for (int state = 0; state < crash_state_count; state++) {
      bool is_possible = crash_is_possible((enum crash_label)label, (enum crash_state)state);
      *wanted += is_possible;
      reached += died[label][state] > 0;
      of_label += died[label][state];
      if (is_possible && died[label][state] == 0 && getenv("CRASH_SEEDS") != NULL)
        print_message("never passed: %s, %s\n", crash_rows[label].name, crash_state_names[state]);
    }
    if (of_label == 0 && getenv("CRASH_SEEDS") != NULL) fail_msg("%s was never passed", crash_rows[label].name);
  }
  return reached;
}

static void every_point_in_every_state(void **state) {
  (void)state;
  int wanted = 0;
  uint64_t first = number_of("CRASH_SEED", 1);
  uint64_t count = number_of("CRASH_SEEDS", 0); /* 0: half a seed */
  for (uint64_t seed = first; seed == first || seed < first + count; seed++) {
    run(seed, false, count == 0 ? 2 : 1);
    run(seed, true, count == 0 ? 2 : 1);
  }
  int reached = count_reached(&wanted);
  print_message("seeds %llu to %llu: %d of %d pairs of %d points and states, %lld deaths, %lld not reached, %lld repairs, settled within %lld ms\n",
                (unsigned long long)first, (unsigned long long)(first + (count > 0 ? count - 1 : 0)), reached, wanted, crash_label_count,
                (long long)deaths, (long long)missed, (long long)repaired, (long long)slowest_ms);
  /* A few seeds miss passings that are rare; many miss none. */
  assert_true(count >= SEEDS_FOR_ALL ? reached == wanted : reached >= wanted / 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_point_in_every_state)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}
