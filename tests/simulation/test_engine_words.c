/* The word shown for the whole engine: every pair that is seen stands in the table of allowed ones (written out here from its description), and every
 * pair of the table is reached by one of the scenarios below. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "base/text.h"
#include "support/engine_fixture.h"
#include "support/scripted_venue.h"

struct allowed {
  enum engine_word from;
  enum engine_word to[8];
  int count;
};
static const struct allowed table[] = {
    {WORD_IDLE, {WORD_INITIALIZING, WORD_EMERGENCY}, 2},
    {WORD_INITIALIZING, {WORD_SCANNING, WORD_SIGNAL_WAIT, WORD_MANAGING, WORD_PAUSED, WORD_ERROR, WORD_EMERGENCY}, 6},
    {WORD_SCANNING, {WORD_LEVEL_BUILDING, WORD_MANAGING, WORD_PAUSED, WORD_ERROR, WORD_EMERGENCY}, 5},
    {WORD_LEVEL_BUILDING, {WORD_SCANNING, WORD_SIGNAL_WAIT}, 2},
    {WORD_SIGNAL_WAIT, {WORD_SIZING, WORD_SCANNING, WORD_MANAGING, WORD_PAUSED, WORD_ERROR, WORD_EMERGENCY}, 6},
    {WORD_SIZING, {WORD_EXECUTION, WORD_SIGNAL_WAIT, WORD_MANAGING}, 3},
    {WORD_EXECUTION, {WORD_MANAGING, WORD_SCANNING, WORD_SIGNAL_WAIT, WORD_PAUSED, WORD_ERROR, WORD_EMERGENCY}, 6},
    {WORD_MANAGING, {WORD_SCANNING, WORD_SIGNAL_WAIT, WORD_PAUSED, WORD_ERROR, WORD_EMERGENCY, WORD_STOPPED}, 6},
    {WORD_PAUSED, {WORD_SCANNING, WORD_SIGNAL_WAIT, WORD_MANAGING, WORD_ERROR, WORD_EMERGENCY}, 5},
    {WORD_ERROR, {WORD_INITIALIZING, WORD_MANAGING, WORD_EMERGENCY}, 3},
    {WORD_EMERGENCY, {WORD_IDLE}, 1},
    {WORD_STOPPED, {WORD_IDLE, WORD_INITIALIZING, WORD_MANAGING, WORD_EMERGENCY}, 4},
};

static struct rig rig;
static bool seen[engine_word_count][engine_word_count];

static bool is_in_table(int from, int to) {
  for (int i = 0; i < table[from].count; i++) {
    if ((int)table[from].to[i] == to) return true;
  }
  return false;
}

static void test_table(void **state) {
  (void)state;
  for (int from = 0; from < engine_word_count; from++) {
    assert_int_equal(table[from].from, from);
    for (int to = 0; to < engine_word_count; to++)
      assert_true(engine_word_may_follow((enum engine_word)from, (enum engine_word)to) == is_in_table(from, to));
  }
}

/* ---- the channel: sessions, errors, one or two symbols ---- */

static void expect(enum engine_word word) {
  assert_string_equal(engine_word_names[rig_word(&rig)], engine_word_names[word]);
}

static void finish(void) {
  assert_int_equal(engine_counts(rig.engine)->illegal_transitions, 0);
  for (int from = 0; from < engine_word_count; from++) {
    for (int to = 0; to < engine_word_count; to++) seen[from][to] |= rig.words_seen[from][to];
  }
  rig_close(&rig);
}

static void open_channel(int32_t symbols) {
  struct preset preset;
  struct rig_options options = rig_options();
  options.symbols = symbols;
  rig_open(&rig, &options);
  rig_load_preset(&preset, "channel_baseline");
  rig_set(&preset, "channel_config.timeframe=1m");
  rig_set(&preset, "channel_config.period=2");
  rig_set(&preset, "channel_config.atr_period=2");
  rig_set(&preset, "risk.max_concurrent_positions=1");
  rig_use(&rig, &preset);
}

static void start(void) {
  rig_command(&rig, COMMAND_START);
}

/* Four quiet minutes and one that breaks out: a market entry waits for the next open. */
static void signal_in(int32_t symbol) {
  for (int i = 0; i < 4; i++) rig_bar(&rig, symbol, 100, 100.5, 99.5, 100);
  rig_bar(&rig, symbol, 100, 101, 99.5, 101);
}

static void open_entry(void) {
  open_channel(1);
  start();
  signal_in(0);
  expect(WORD_EXECUTION);
}

static void open_position(void) {
  open_entry();
  rig_bar(&rig, 0, 101, 101.2, 100.5, 101);
  expect(WORD_MANAGING);
}

static void set_storage(bool is_available) {
  rig_event(&rig, (struct event){.ts = engine_now(rig.engine), .kind = EVENT_STORAGE, .storage = {is_available}});
}

/* 11 s without storage end in error; the storage then returns. */
static void lose_storage(void) {
  int64_t now = engine_now(rig.engine);
  set_storage(false);
  rig_tick(&rig, now + 11000, false);
  expect(WORD_ERROR);
  set_storage(true);
}

static void set_clock(int64_t offset_ms) {
  rig_event(&rig, (struct event){.ts = engine_now(rig.engine), .kind = EVENT_CLOCK_OFFSET, .clock_offset = {offset_ms}});
}

static void test_latch_and_reset(void **state) {
  (void)state;
  open_channel(1);
  rig_command(&rig, COMMAND_EMERGENCY_STOP);
  expect(WORD_EMERGENCY);
  start(); /* refused while latched */
  expect(WORD_EMERGENCY);
  rig_command(&rig, COMMAND_RESET);
  expect(WORD_IDLE);
  start();
  expect(WORD_SCANNING);
  rig_command(&rig, COMMAND_KILL_SWITCH);
  expect(WORD_EMERGENCY);
  finish();
}

static void test_pause_and_error(void **state) {
  (void)state;
  open_channel(1);
  start();
  rig_command(&rig, COMMAND_PAUSE);
  expect(WORD_PAUSED);
  rig_command(&rig, COMMAND_RESUME);
  expect(WORD_SCANNING);
  rig_command(&rig, COMMAND_PAUSE);
  lose_storage();
  rig_command(&rig, COMMAND_RETRY);
  expect(WORD_PAUSED); /* the state it had */
  rig_command(&rig, COMMAND_EMERGENCY_STOP);
  finish();
}

static char newest_reason[64];

static void note_reason(struct rig *on, enum record_kind kind, const void *object) {
  const struct transition *move = object;
  (void)on;
  if (kind == RECORD_TRANSITION && move->machine == MACHINE_SESSION) text_copy(newest_reason, sizeof newest_reason, move->reason);
}

/* The disk is nearly full, say: the resource monitor pauses, and why stands in the record. */
static void test_a_pause_by_the_program_has_its_reason(void **state) {
  (void)state;
  open_channel(1);
  start();
  rig.watch = note_reason;
  struct event_command pause = {.command = COMMAND_PAUSE, .source = SOURCE_ENGINE, .reason = "disk: 12 MB are free"};
  pause.operation_id = engine_counters(rig.engine)->operation + 1;
  rig_event(&rig, (struct event){.ts = engine_now(rig.engine), .kind = EVENT_COMMAND, .command = pause});
  expect(WORD_PAUSED);
  assert_string_equal(newest_reason, "disk: 12 MB are free");
  rig_command(&rig, COMMAND_RESUME);
  expect(WORD_SCANNING);
  assert_string_equal(newest_reason, "command resume");
  finish();
}

static void test_error(void **state) {
  (void)state;
  open_channel(1);
  start();
  lose_storage();
  rig_command(&rig, COMMAND_STOP);
  expect(WORD_STOPPED);
  rig_command(&rig, COMMAND_RESET);
  expect(WORD_IDLE);
  start();
  lose_storage();
  rig_command(&rig, COMMAND_EMERGENCY_STOP);
  expect(WORD_EMERGENCY);
  finish();
}

static void test_starting(void **state) {
  (void)state;
  open_channel(1);
  set_clock(5000);
  start();
  expect(WORD_INITIALIZING);
  rig_tick(&rig, RIG_START + 181000, false);
  expect(WORD_ERROR);
  rig_command(&rig, COMMAND_RETRY);
  expect(WORD_INITIALIZING);
  rig_command(&rig, COMMAND_EMERGENCY_STOP);
  expect(WORD_EMERGENCY);
  finish();
}

static void test_time_stop_with_nothing_open(void **state) {
  (void)state;
  open_channel(1);
  start();
  rig_command(&rig, COMMAND_TIME_STOP);
  expect(WORD_STOPPED); /* through managing, for an instant */
  assert_true(rig.words_seen[WORD_SCANNING][WORD_MANAGING] && rig.words_seen[WORD_MANAGING][WORD_STOPPED]);
  start();
  expect(WORD_SCANNING);
  finish();
}

static void test_position(void **state) {
  (void)state;
  open_position();
  rig_command(&rig, COMMAND_PAUSE);
  expect(WORD_PAUSED);
  rig_command(&rig, COMMAND_RESUME);
  expect(WORD_MANAGING);
  lose_storage();
  rig_command(&rig, COMMAND_RETRY);
  expect(WORD_MANAGING);
  rig_command(&rig, COMMAND_EMERGENCY_STOP);
  expect(WORD_EMERGENCY);
  assert_int_equal(engine_position_count(rig.engine), 1); /* keeps its stop */
  finish();
}

static void test_kept_position(void **state) {
  (void)state;
  open_position();
  rig_command(&rig, COMMAND_STOP);
  expect(WORD_STOPPED);
  assert_int_equal(engine_position_count(rig.engine), 1);
  start();
  expect(WORD_MANAGING);
  rig_command(&rig, COMMAND_STOP);
  rig_command(&rig, COMMAND_PANIC_EXIT);
  expect(WORD_MANAGING);
  rig_bar(&rig, 0, 101, 101.2, 100.5, 101);
  expect(WORD_STOPPED);
  assert_int_equal(engine_position_count(rig.engine), 0);
  rig_command(&rig, COMMAND_EMERGENCY_STOP);
  expect(WORD_EMERGENCY);
  finish();
}

static void test_position_closes(void **state) {
  (void)state;
  open_position();
  rig_bar(&rig, 0, 101, 101.2, 98.3, 100); /* stopped out; back inside the channel */
  expect(WORD_SCANNING);
  finish();
  open_position();
  rig_bar(&rig, 0, 101, 101.2, 98, 98.2); /* stopped out, and a signal the other way that the cooldown refuses */
  expect(WORD_SCANNING);
  assert_true(rig.words_seen[WORD_SIZING][WORD_SIGNAL_WAIT]);
  finish();
}

static void test_entry_is_interrupted(void **state) {
  (void)state;
  open_entry();
  rig_command(&rig, COMMAND_PAUSE);
  expect(WORD_PAUSED);
  finish();
  open_entry();
  lose_storage();
  finish();
  open_entry();
  rig_command(&rig, COMMAND_KILL_SWITCH);
  expect(WORD_EMERGENCY);
  finish();
}

static void expect_scripted(const struct script *script, enum engine_word word) {
  struct engine_status status;
  engine_status_read(script->engine, &status);
  assert_string_equal(engine_word_names[status.state], engine_word_names[word]);
  assert_int_equal(engine_counts(script->engine)->illegal_transitions, 0);
}

/* What became of an entry is not known, and the session ends: execution begins by sizing alone. */
static void test_an_end_with_an_entry_in_doubt(void **state) {
  static const enum command ends[] = {COMMAND_PANIC_EXIT, COMMAND_STOP, COMMAND_TIME_STOP};
  static struct script script;
  (void)state;
  for (int i = 0; i < 6; i++) {
    enum command end = ends[i / 2];
    bool is_restarted = i % 2 == 1;
    if (is_restarted && end == COMMAND_TIME_STOP) continue; /* not while starting */
    script_open(&script, &(struct script_options){.symbols = 1});
    script_start(&script);
    (void)script_break_out(&script, 0);
    expect_scripted(&script, WORD_EXECUTION);
    if (is_restarted) {
      script_event(&script, (struct event){.kind = EVENT_RECOVERY, .recovery = {.cause = RESTART_CRASH}});
      expect_scripted(&script, WORD_INITIALIZING);
    } else {
      script_command(&script, COMMAND_PAUSE);
      expect_scripted(&script, WORD_PAUSED);
    }
    script_command(&script, end);
    expect_scripted(&script, WORD_MANAGING);
    script_close(&script);
  }
}

static void cancel_entry(void) {
  for (int32_t i = 0; i < engine_order_count(rig.engine); i++) {
    const struct order *order = engine_order(rig.engine, i);
    if (order_is_ended(order) || order->purpose != PURPOSE_ENTRY) continue;
    struct event_command command = {.command = COMMAND_CANCEL_ORDER};
    text_copy(command.client_order_id, sizeof command.client_order_id, order->client_order_id);
    rig_command_with(&rig, command);
    return;
  }
  fail_msg("no entry is at work");
}

static void test_entry_is_cancelled(void **state) {
  (void)state;
  open_entry();
  cancel_entry();
  expect(WORD_SCANNING);
  finish();
}

/* One slot, taken: the second symbol's signal is refused at sizing. */
static void test_no_slot_left(void **state) {
  (void)state;
  struct candle quiet = {0, 100, 100.5, 99.5, 100, 1e6, 1e8};
  struct candle breakout = {0, 100, 101, 99.5, 101, 1e6, 1e8};
  struct candle steady = {0, 101, 101.2, 100.5, 101, 1e6, 1e8};
  open_channel(2);
  start();
  for (int minute = 0; minute < 8; minute++) {
    struct candle a = minute < 4 ? quiet : (minute == 4 ? breakout : steady);
    struct candle b = minute < 6 ? quiet : (minute == 6 ? breakout : steady);
    a.open_ts = b.open_ts = RIG_START + minute * MINUTE_MS;
    rig_candle(&rig, 0, &a);
    rig_candle(&rig, 1, &b);
    rig_tick(&rig, a.open_ts + MINUTE_MS, true);
  }
  expect(WORD_MANAGING);
  assert_true(rig.words_seen[WORD_SIZING][WORD_MANAGING] && rig.words_seen[WORD_MANAGING][WORD_SIGNAL_WAIT]);
  finish();
}

/* A symbol of the feed that has no candles, because it is not listed yet, holds up nobody's signal. */
static void test_silent_symbol(void **state) {
  (void)state;
  open_channel(2);
  start();
  signal_in(0);
  expect(WORD_EXECUTION);
  finish();
}

/* A signal waits for the candle of the other symbol, which holds a position, when the session is told to drain. */
static void test_drained_while_a_signal_waits(void **state) {
  (void)state;
  struct candle quiet = {0, 100, 100.5, 99.5, 100, 1e6, 1e8};
  struct candle breakout = {0, 100, 101, 99.5, 101, 1e6, 1e8};
  struct candle steady = {0, 101, 101.2, 100.5, 101, 1e6, 1e8};
  open_channel(2);
  start();
  for (int minute = 0; minute < 7; minute++) {
    struct candle a = minute < 6 ? quiet : breakout;
    struct candle b = minute < 4 ? quiet : (minute == 4 ? breakout : steady);
    a.open_ts = b.open_ts = RIG_START + minute * MINUTE_MS;
    rig_candle(&rig, 0, &a);
    if (minute == 6) break;
    rig_candle(&rig, 1, &b);
    rig_tick(&rig, a.open_ts + MINUTE_MS, true);
  }
  expect(WORD_SIGNAL_WAIT);
  rig_command(&rig, COMMAND_TIME_STOP);
  expect(WORD_MANAGING);
  assert_true(rig.words_seen[WORD_SIGNAL_WAIT][WORD_MANAGING]);
  finish();
}

/* ---- candidates of the scan ---- */

enum { SYMBOLS = 2 };
static struct rig_series series[SYMBOLS];

/* Begins a scanned market a day before it trades. */
static void open_scanned(const char *change) {
  struct preset preset;
  struct rig_options options = rig_options();
  options.symbols = SYMBOLS;
  options.base_ms = 5 * MINUTE_MS;
  options.slippage_bps = 5;
  rig_open(&rig, &options);
  rig_load_loose(&preset);
  rig_set(&preset, change);
  rig_use(&rig, &preset);
  rig_rewind(series, SYMBOLS, RIG_START);
  rig_play(&rig, series, RIG_START + DAY_MS);
  start();
}

/* Plays it until the word is reached; every call begins anew. */
static void play_until(enum engine_word word) {
  open_scanned("risk.max_concurrent_positions=3");
  for (int64_t t = RIG_START + DAY_MS; rig_word(&rig) != word; t += rig.options.base_ms) {
    assert_true(t < RIG_START + 4 * DAY_MS);
    rig_play(&rig, series, t + rig.options.base_ms);
  }
}

static int generate(void **state) {
  (void)state;
  for (int32_t i = 0; i < SYMBOLS; i++) {
    rig_generate(&series[i], GENERATE_BREAKOUTS, 5, i, 4);
    rig_coarsen(&series[i], 5);
  }
  return 0;
}

static int free_series(void **state) {
  (void)state;
  rig_free_series(series, SYMBOLS);
  return 0;
}

static void test_scan_without_candidates(void **state) {
  (void)state;
  open_scanned("liquidity_filters.min_24h_volume_usd=1e12");
  rig_play(&rig, series, RIG_START + DAY_MS + HOUR_MS);
  expect(WORD_SCANNING);
  assert_true(rig.tally[RECORD_SCAN] > 5);
  finish();
}

static void test_watching(void **state) {
  (void)state;
  play_until(WORD_SIGNAL_WAIT);
  rig_command(&rig, COMMAND_PAUSE);
  expect(WORD_PAUSED);
  rig_command(&rig, COMMAND_RESUME);
  expect(WORD_SIGNAL_WAIT);
  rig_event(&rig, (struct event){.ts = engine_now(rig.engine), .kind = EVENT_RECOVERY, .recovery = {.cause = RESTART_CRASH}});
  expect(WORD_SIGNAL_WAIT); /* through initializing */
  rig_command(&rig, COMMAND_TIME_STOP);
  expect(WORD_STOPPED);
  finish();
  play_until(WORD_SIGNAL_WAIT);
  rig_command(&rig, COMMAND_EMERGENCY_STOP);
  expect(WORD_EMERGENCY);
  finish();
  play_until(WORD_SIGNAL_WAIT);
  lose_storage();
  finish();
}

static void test_entry_of_a_candidate(void **state) {
  (void)state;
  play_until(WORD_EXECUTION);
  cancel_entry();
  expect(WORD_SIGNAL_WAIT);
  finish();
  play_until(WORD_MANAGING);
  rig_play(&rig, series, RIG_START + 4 * DAY_MS);
  finish();
}

static void test_every_pair_is_reached(void **state) {
  int missing = 0;
  (void)state;
  for (int from = 0; from < engine_word_count; from++) {
    for (int to = 0; to < engine_word_count; to++) {
      if (seen[from][to] && !is_in_table(from, to)) print_message("%s to %s is not allowed\n", engine_word_names[from], engine_word_names[to]);
      if (seen[from][to]) assert_true(is_in_table(from, to));
      if (seen[from][to] || !is_in_table(from, to)) continue;
      print_message("no scenario goes from %s to %s\n", engine_word_names[from], engine_word_names[to]);
      ++missing;
    }
  }
  assert_int_equal(missing, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_latch_and_reset),
      cmocka_unit_test(test_pause_and_error),
      cmocka_unit_test(test_a_pause_by_the_program_has_its_reason),
      cmocka_unit_test(test_error),
      cmocka_unit_test(test_starting),
      cmocka_unit_test(test_time_stop_with_nothing_open),
      cmocka_unit_test(test_position),
      cmocka_unit_test(test_kept_position),
      cmocka_unit_test(test_position_closes),
      cmocka_unit_test(test_entry_is_interrupted),
      cmocka_unit_test(test_an_end_with_an_entry_in_doubt),
      cmocka_unit_test(test_entry_is_cancelled),
      cmocka_unit_test(test_no_slot_left),
      cmocka_unit_test(test_silent_symbol),
      cmocka_unit_test(test_drained_while_a_signal_waits),
      cmocka_unit_test(test_scan_without_candidates),
      cmocka_unit_test(test_watching),
      cmocka_unit_test(test_entry_of_a_candidate),
      cmocka_unit_test(test_every_pair_is_reached),
  };
  return cmocka_run_group_tests(tests, generate, free_series);
}
