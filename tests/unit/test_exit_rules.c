#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/calendar.h"
#include "core/trade/exit_rules.h"
#include "support/trade_fixture.h"

static const int64_t start = INT64_C(1704067200000);

enum { CANDLES = 60 };

struct setting {
  struct preset preset;
  struct exit_settings settings; /* taken from the preset by those who need them */
  struct instrument instrument;
  struct candle candles[CANDLES];
  struct exit_input input;
  struct reason_list reasons;
  struct position position;
};

/* Candles of 5m that end at start: open, close 100, high 100.5, low 99.5, volume 100. All rules off but the two that are always on. */
static struct setting *begin(const char *tick, const char *lot) {
  static struct setting setting;
  memset(&setting, 0, sizeof setting);
  preset_init(&setting.preset);
  struct preset_position_config *config = &setting.preset.position_config;
  config->exit_rules.failed_breakout_enabled = config->exit_rules.activity_drop_enabled = config->exit_rules.weak_impulse_enabled = false;
  setting.instrument = trade_instrument(tick, lot);
  for (int i = 0; i < CANDLES; i++) {
    setting.candles[i] = (struct candle){start - (CANDLES - i) * 5 * MINUTE_MS, 100, 100.5, 99.5, 100, 100, 10000};
  }
  setting.input = (struct exit_input){.preset = &setting.preset,
                                      .settings = &setting.settings,
                                      .instrument = &setting.instrument,
                                      .ts = start,
                                      .candles = setting.candles,
                                      .count = CANDLES,
                                      .is_candle = true};
  return &setting;
}

static void open_position(struct setting *setting, enum position_side side, const char *qty, const char *entry, const char *stop, double fee) {
  setting->position = trade_open(side, qty, entry, stop, fee, fee, start);
  setting->position.level_price = decimal_to_double(dec(entry));
}

static void set_price(struct setting *setting, const char *price) {
  setting->input.price = dec(price);
  position_on_price(&setting->position, dec(price), dec(price), dec(price));
}

static const struct reason *reason_of(const struct setting *setting, enum reason_code code) {
  for (int32_t i = 0; i < setting->reasons.count; i++) {
    if (setting->reasons.items[i].code == (int32_t)code) return &setting->reasons.items[i];
  }
  return NULL;
}

/* The closing rule, or reason_code_count when none closes. */
static enum reason_code evaluate(struct setting *setting, enum urgency *urgency, double *confidence) {
  enum reason_code code = reason_code_count;
  setting->reasons.count = 0;
  return exit_rules_evaluate(&setting->position, &setting->input, &code, urgency, confidence, &setting->reasons) ? code : reason_code_count;
}

static void assert_exits(struct setting *setting, enum reason_code code, enum urgency urgency, double confidence) {
  enum urgency urgency_seen = urgency_count;
  double confidence_seen = -1;
  assert_int_equal(evaluate(setting, &urgency_seen, &confidence_seen), code);
  assert_int_equal(urgency_seen, urgency);
  assert_near(confidence_seen, confidence, 1e-9);
  assert_non_null(reason_of(setting, code));
  assert_false(reason_of(setting, code)->passed);
}

static void assert_holds(struct setting *setting) {
  enum urgency urgency;
  double confidence;
  assert_int_equal(evaluate(setting, &urgency, &confidence), reason_code_count);
}

static int32_t triggers_of(struct setting *setting, enum position_trigger triggers[3]) {
  exit_settings_from(&setting->preset, &setting->settings);
  return exit_rules_triggers(&setting->position, &setting->input, triggers);
}

static void assert_stop(struct setting *setting, enum stop_verdict verdict, const char *price, enum stop_rule rule) {
  int64_t stop = 0;
  enum stop_rule rule_seen = STOP_INITIAL;
  exit_settings_from(&setting->preset, &setting->settings);
  assert_int_equal(exit_rules_stop(&setting->position, &setting->input, &stop, &rule_seen), verdict);
  if (verdict == STOP_STAYS) return;
  assert_decimal(stop, price);
  assert_int_equal(rule_seen, rule);
}

/* --- stops --- */

/* positions.md 10 A: the long with chandelier 2.3, breakeven at 1 R with 5 bps, lock-profit 10 bps. */
static struct setting *begin_a(void) {
  struct setting *setting = begin("0.01", "0.1");
  struct preset_position_config *config = &setting->preset.position_config;
  config->trailing_enabled = false;
  config->fsm_config.partial_closed_trail_enabled = false;
  config->fsm_config.breakeven_buffer_bps = 5;
  config->fsm_config.breakeven_lock_profit_bps = 10;
  config->sl_mode = SL_MODE_CHANDELIER;
  config->chandelier_atr_mult = 2.3;
  config->chandelier_lookback_bars = 22;
  open_position(setting, SIDE_LONG, "600", "99.98", "98.80", 0.00065);
  return setting;
}

static void test_example_a_breakeven_and_lock_profit(void **state) {
  (void)state;
  struct setting *setting = begin_a();
  setting->input.is_candle = false;
  enum position_trigger triggers[3];
  set_price(setting, "101.15");
  assert_int_equal(triggers_of(setting, triggers), 0);
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
  set_price(setting, "101.16"); /* 1.18 above 99.98: 1 R */
  assert_int_equal(triggers_of(setting, triggers), 1);
  assert_int_equal(triggers[0], POSITION_ON_BREAKEVEN_REACHED);
  setting->position.state = POSITION_BREAKEVEN;
  assert_stop(setting, STOP_MOVES, "100.17", STOP_BREAKEVEN);
  setting->position.stop = dec("100.17");
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
  set_price(setting, "101.74");
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
  set_price(setting, "101.75"); /* 1.5 R */
  assert_stop(setting, STOP_MOVES, "100.22", STOP_LOCK_PROFIT);
  set_price(setting, "101.00"); /* what was reached stays reached */
  assert_stop(setting, STOP_MOVES, "100.22", STOP_LOCK_PROFIT);
}

static void test_example_a_chandelier(void **state) {
  (void)state;
  struct setting *setting = begin_a();
  for (int i = 0; i < CANDLES; i++) {
    setting->candles[i] = (struct candle){setting->candles[i].open_ts, 103.8, 104.10, 103.55, 103.8, 100, 10380};
  }
  set_price(setting, "103.80");
  setting->position.state = POSITION_PARTIAL_CLOSED;
  setting->position.stop = dec("100.17");
  assert_stop(setting, STOP_MOVES, "102.83", STOP_CHANDELIER);
  setting->input.is_candle = false; /* candle rule */
  setting->position.stop = dec("100.22");
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
}

/* A fill at the breakeven stop returns both fees and the buffer; mirrored for shorts: 100·(1 - 0.00115)/1.00065 = 99.8201 down to 99.82. */
static void test_breakeven_of_a_short(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.fsm_config.breakeven_buffer_bps = 5;
  open_position(setting, SIDE_SHORT, "10", "100", "101", 0.00065);
  setting->position.state = POSITION_BREAKEVEN;
  setting->input.is_candle = false;
  set_price(setting, "99.88"); /* within 5 bps of the stop */
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
  set_price(setting, "99.77");
  assert_stop(setting, STOP_MOVES, "99.82", STOP_BREAKEVEN); /* 5 bps of 99.77 = 0.0499 <= 0.05 */
  double profit = (100 - 99.82) - 0.00065 * (100 + 99.82);
  assert_true(profit >= 0.05 - 1e-9);
}

/* positions.md 10 E */
static void test_example_e_trailing(void **state) {
  (void)state;
  struct setting *setting = begin("0.1", "0.001");
  struct preset_fsm_config *fsm = &setting->preset.position_config.fsm_config;
  setting->preset.position_config.breakeven_enabled = false;
  fsm->trailing_activation_r = 1.5;
  fsm->trailing_step_bps = 15;
  fsm->trailing_accel_after_r = 3;
  fsm->trailing_accel_step_bps = 8;
  setting->input.is_candle = false;
  open_position(setting, SIDE_LONG, "1", "60000", "59400", 0.0005);
  enum position_trigger triggers[3];
  set_price(setting, "60899.9");
  assert_int_equal(triggers_of(setting, triggers), 0);
  static const char *const steps[][2] = {{"60900", "60808.6"}, {"61200", "61108.2"}, {"61800", "61750.5"}, {"62000", "61950.4"}};
  for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
    set_price(setting, steps[i][0]);
    if (i == 0) {
      assert_int_equal(triggers_of(setting, triggers), 1);
      assert_int_equal(triggers[0], POSITION_ON_TRAILING_REACHED);
      setting->position.state = POSITION_TRAILING;
    }
    assert_stop(setting, STOP_MOVES, steps[i][1], STOP_TRAILING);
    setting->position.stop = dec(steps[i][1]);
  }
  set_price(setting, "61960");
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
}

/* The candle reached 61 000, its close is below the trail of that high: closed at once, for the rule's reason. */
static void test_stop_beyond_price_closes(void **state) {
  (void)state;
  struct setting *setting = begin("0.1", "0.001");
  setting->preset.position_config.breakeven_enabled = false;
  setting->preset.position_config.fsm_config.trailing_step_bps = 15;
  setting->preset.position_config.fsm_config.trailing_acceleration_enabled = false;
  open_position(setting, SIDE_LONG, "1", "60000", "59400", 0.0005);
  setting->position.state = POSITION_TRAILING;
  setting->input.price = dec("60850");
  position_on_price(&setting->position, dec("60850"), dec("61000"), dec("60850"));
  assert_stop(setting, STOP_CLOSES, "60908.5", STOP_TRAILING);
  assert_int_equal(exit_rules_stop_reason(STOP_TRAILING), REASON_trailing_stop);
}

static void test_partial_trail_and_atr_stop(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  struct preset_position_config *config = &setting->preset.position_config;
  config->breakeven_enabled = config->trailing_enabled = false;
  config->fsm_config.partial_closed_trail_trigger_r = 2;
  config->fsm_config.partial_closed_trail_step_bps = 20;
  open_position(setting, SIDE_LONG, "10", "100", "99", 0.0005);
  setting->position.state = POSITION_PARTIAL_CLOSED;
  set_price(setting, "102.5");
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL); /* no target filled */
  setting->position.touched_target = true;
  assert_stop(setting, STOP_MOVES, "102.29", STOP_PARTIAL_TRAIL); /* 102.295 */
  config->fsm_config.partial_closed_trail_enabled = false;
  config->sl_mode = SL_MODE_ATR;
  config->chandelier_atr_mult = 0.7;
  assert_stop(setting, STOP_MOVES, "99.30", STOP_ATR); /* close 100 - 0.7·1 */
}

/* No stop rule before `running`, none while exiting, none for the channel; 2 bps are the least move. */
static void test_when_stops_stay(void **state) {
  (void)state;
  static const enum position_state quiet[] = {POSITION_OPENING, POSITION_ENTRY_CONFIRMATION, POSITION_EXITING, POSITION_CLOSED};
  struct setting *setting = begin_a();
  setting->input.is_candle = false;
  setting->position.touched_target = true;
  set_price(setting, "101.16");
  for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++) {
    setting->position.state = (int32_t)quiet[i];
    assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
  }
  setting->position.state = POSITION_RUNNING;
  setting->input.is_channel = true;
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
  setting->input.is_channel = false;
  setting->position.stop = dec("100.15"); /* 0.02 below, 2 bps of 101.16 = 0.0202 */
  assert_stop(setting, STOP_STAYS, "0", STOP_INITIAL);
  setting->position.stop = dec("100.14");
  assert_stop(setting, STOP_MOVES, "100.17", STOP_BREAKEVEN);
}

static void test_reason_of_every_stop_rule(void **state) {
  (void)state;
  static const char *const names[stop_rule_count] = {"stop_loss",          "breakeven_stop",  "lock_profit_stop", "trailing_stop",
                                                     "partial_trail_stop", "chandelier_stop", "atr_stop",         "manual_stop"};
  for (int rule = 0; rule < stop_rule_count; rule++) {
    assert_string_equal(reason_code_names[exit_rules_stop_reason((enum stop_rule)rule)], names[rule]);
  }
}

/* positions.md 2.2: the short life cycle. */
static void test_settings_without_the_full_life_cycle(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  struct exit_settings settings;
  setting->preset.position_config.fsm_config.enabled = false;
  setting->preset.position_config.trailing_step_bps = 33;
  exit_settings_from(&setting->preset, &settings);
  assert_false(settings.has_confirmation || settings.lock_profit_enabled || settings.acceleration_enabled || settings.partial_trail_enabled);
  assert_true(settings.trailing_step_bps == 33);
  assert_int_equal(settings.exiting_timeout_s, 30);
  assert_int_equal(settings.panic_after_attempts, 3);
  setting->preset.position_config.fsm_config.enabled = true;
  setting->preset.position_config.fsm_config.trailing_step_bps = 44;
  exit_settings_from(&setting->preset, &settings);
  assert_true(settings.has_confirmation && settings.lock_profit_enabled);
  assert_true(settings.trailing_step_bps == 44);
}

static void test_triggers_follow_one_another(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  open_position(setting, SIDE_LONG, "10", "100", "99", 0);
  setting->position.state = POSITION_ENTRY_CONFIRMATION;
  setting->position.bars_held = 1; /* default: 2 bars */
  enum position_trigger triggers[3];
  set_price(setting, "103");
  assert_int_equal(triggers_of(setting, triggers), 0);
  setting->position.bars_held = 2;
  assert_int_equal(triggers_of(setting, triggers), 3);
  assert_int_equal(triggers[0], POSITION_ON_ENTRY_CONFIRMED);
  assert_int_equal(triggers[1], POSITION_ON_BREAKEVEN_REACHED);
  assert_int_equal(triggers[2], POSITION_ON_TRAILING_REACHED);
  setting->input.is_channel = true;
  assert_int_equal(triggers_of(setting, triggers), 1);
  setting->input.is_channel = false;
  setting->position.state = POSITION_PARTIAL_CLOSED;
  assert_int_equal(triggers_of(setting, triggers), 1);
  assert_int_equal(triggers[0], POSITION_ON_TRAILING_REACHED);
}

/* --- exits --- */

static void test_failed_breakout(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.exit_rules.failed_breakout_enabled = true; /* 3 bars, 0.5 R */
  open_position(setting, SIDE_LONG, "10", "101", "100", 0);
  setting->position.level_price = 100.6; /* limit 100.1, close 100 */
  set_price(setting, "100");
  setting->position.bars_held = 2;
  assert_holds(setting);
  assert_null(reason_of(setting, REASON_failed_breakout));
  setting->position.bars_held = 3;
  assert_exits(setting, REASON_failed_breakout, URGENCY_IMMEDIATE, 0.9);
  setting->input.is_candle = false;
  assert_holds(setting);
  setting->input.is_candle = true;
  setting->position.level_price = 100.4; /* limit 99.9 */
  assert_holds(setting);
  assert_non_null(reason_of(setting, REASON_breakout_retesting));
  setting->position.level_price = 100.6;
  setting->position.touched_target = true;
  assert_holds(setting);
  open_position(setting, SIDE_SHORT, "10", "99", "100", 0);
  setting->position.level_price = 99.4; /* limit 99.9 */
  setting->position.bars_held = 3;
  assert_exits(setting, REASON_failed_breakout, URGENCY_IMMEDIATE, 0.9);
}

static void test_volatility_exit(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.exit_rules.volatility_exit_enabled = true;
  for (int i = 0; i < CANDLES; i += 2) setting->candles[i].high = 100.6; /* TR 1.0 and 1.1: sigma 0.05, mean 1.05 */
  open_position(setting, SIDE_LONG, "10", "100", "97", 0);
  set_price(setting, "99");
  struct candle *last = &setting->candles[CANDLES - 1];
  *last = (struct candle){last->open_ts, 100, 100, 98.81, 99, 100, 10000}; /* TR 1.19: z 2.8, limit 3 */
  assert_holds(setting);
  last->low = 98.79; /* TR 1.21: z 3.2, falling */
  assert_exits(setting, REASON_volatility_exit, URGENCY_IMMEDIATE, 0.8);
  last->open = 98.9; /* rising: no harm for a long */
  assert_holds(setting);
  assert_true(reason_of(setting, REASON_volatility_exit)->passed);
}

static void test_weak_impulse(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.exit_rules.weak_impulse_enabled = true; /* 0.3 % at 5 bars */
  open_position(setting, SIDE_LONG, "10", "100", "99", 0);
  set_price(setting, "100.1");
  setting->position.bars_held = 4;
  assert_holds(setting);
  setting->position.bars_held = 5;
  assert_exits(setting, REASON_weak_impulse, URGENCY_NORMAL, 0.6 + 0.3 * (1 - 0.1 / 0.3));
  setting->position.bars_held = 6; /* only once */
  assert_holds(setting);
  setting->position.bars_held = 5;
  set_price(setting, "100.3");
  assert_holds(setting);
}

/* n = 5: volume 20 of 100 before, move 0.1 of 1.0 before: a = max(0.2, 0.1). */
static void test_activity_drop(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.exit_rules.activity_drop_enabled = true;
  open_position(setting, SIDE_LONG, "10", "100", "99", 0);
  set_price(setting, "100");
  for (int i = CANDLES - 6; i < CANDLES; i++) setting->candles[i].volume = 20;
  setting->candles[CANDLES - 7].close = 101; /* signal candle: 6 bars before the newest; the close 5 before it is 100 */
  setting->candles[CANDLES - 1].close = 100.1;
  setting->position.bars_held = 6;
  assert_exits(setting, REASON_activity_drop, URGENCY_NORMAL, 0.5 + 0.45 * (1 - 0.2 / 0.3));
  setting->position.signal_at = setting->candles[CANDLES - 6].open_ts; /* the close of candle - 7, said by time */
  assert_exits(setting, REASON_activity_drop, URGENCY_NORMAL, 0.5 + 0.45 * (1 - 0.2 / 0.3));
  setting->candles[CANDLES - 7].close = 100; /* no move before: m = 1 */
  assert_holds(setting);
  setting->candles[CANDLES - 7].close = 101;
  setting->position.touched_target = true;
  assert_holds(setting);
  setting->position.touched_target = false;
  setting->position.bars_held = 4;
  assert_holds(setting);
  setting->position.bars_held = 6; /* a signal from before the kept candles: nothing to compare with */
  setting->position.signal_at = setting->candles[2].open_ts;
  assert_holds(setting);
  assert_true(isnan(reason_of(setting, REASON_activity_drop)->value));
  setting->position.signal_at = setting->candles[0].open_ts;
  assert_holds(setting);
}

static void test_time_rules(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->input.is_candle = false; /* they need no candle */
  setting->preset.position_config.max_hold_time_hours = 24;
  setting->preset.position_config.exit_rules.max_hold_time_hours = 10;
  open_position(setting, SIDE_LONG, "10", "100", "99", 0);
  set_price(setting, "100.29");
  setting->input.ts = start + 8 * HOUR_MS - 1;
  assert_holds(setting);
  setting->input.ts = start + 8 * HOUR_MS;
  assert_exits(setting, REASON_no_progress, URGENCY_NORMAL, 0.8);
  set_price(setting, "100.30");
  assert_holds(setting);
  setting->input.ts = start + 10 * HOUR_MS - 1;
  assert_holds(setting);
  setting->input.ts = start + 10 * HOUR_MS;
  assert_exits(setting, REASON_max_hold_time, URGENCY_NORMAL, 1.0);
  set_price(setting, "100.1"); /* both: the earlier of the order closes, the other is on record */
  assert_exits(setting, REASON_max_hold_time, URGENCY_NORMAL, 1.0);
  assert_false(reason_of(setting, REASON_no_progress)->passed);
}

/* positions.md 10 G: 180 min and -3.10 USD; not at 179 min, not with +0.01. */
static void test_example_g(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "1");
  setting->input.is_candle = false;
  setting->preset.position_config.time_stop_minutes = 180;
  setting->preset.position_config.exit_rules.time_stop_minutes = 240;
  open_position(setting, SIDE_LONG, "10", "100", "99", 0);
  set_price(setting, "99.69");
  assert_decimal(setting->position.pnl_usd, "-3.1");
  setting->input.ts = start + 179 * MINUTE_MS;
  assert_holds(setting);
  setting->input.ts = start + 180 * MINUTE_MS;
  assert_exits(setting, REASON_time_stop, URGENCY_LOW, 0.7);
  open_position(setting, SIDE_LONG, "1", "100", "99", 0);
  set_price(setting, "100.01");
  assert_holds(setting);
  set_price(setting, "100");
  assert_exits(setting, REASON_time_stop, URGENCY_LOW, 0.7); /* 0 is no profit */
}

static void test_panic_activity_drop(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.panic_exit_on_activity_drop = true; /* threshold 0.4 */
  open_position(setting, SIDE_LONG, "10", "100", "99", 0);
  setting->position.bars_held = 1;
  set_price(setting, "100.5");
  assert_holds(setting);
  assert_true(reason_of(setting, REASON_panic_activity_drop)->skipped);
  struct activity activity;
  activity_init(&activity);
  struct trade_flow_values flow = {0};
  for (int i = 0; i < 30; i++) { /* lively, then dead */
    flow.tpm_60s = i < 29 ? 100 + i % 3 : 0;
    flow.tps_10s = i < 29 ? 5 + i % 2 : 0;
    flow.volume_delta_60s = i < 29 ? 10 + i % 4 : 0;
    activity_sample(&activity, &flow, start + i * 10000);
  }
  assert_true(activity_is_dropping(&activity, 0.4));
  setting->input.activity = &activity;
  assert_exits(setting, REASON_panic_activity_drop, URGENCY_IMMEDIATE, 0.9);
  set_price(setting, "101"); /* 1 R */
  assert_holds(setting);
  set_price(setting, "100.5");
  setting->position.bars_held = 0;
  assert_holds(setting);
}

/* The channel baseline has stop and target only; an exiting or unfinished position is not judged again. */
static void test_nobody_else_is_judged(void **state) {
  (void)state;
  struct setting *setting = begin("0.01", "0.1");
  open_position(setting, SIDE_LONG, "10", "100", "99", 0);
  set_price(setting, "100");
  setting->input.ts = start + 1000 * HOUR_MS;
  setting->input.is_channel = true;
  assert_holds(setting);
  assert_int_equal(setting->reasons.count, 0);
  setting->input.is_channel = false;
  setting->position.state = POSITION_EXITING;
  assert_holds(setting);
  setting->position.state = POSITION_OPENING;
  setting->position.entry_completed_at = 0;
  assert_holds(setting);
  assert_int_equal(setting->reasons.count, 0);
}

/* --- add-on --- */

/* positions.md 10 D. The ema_9 of constant closes is the close: 100.40. */
static struct setting *begin_d(void) {
  struct setting *setting = begin("0.01", "0.1");
  setting->preset.position_config.add_on_enabled = true;
  setting->preset.position_config.add_on_max_size_pct = 0.3;
  for (int i = 0; i < CANDLES; i++) setting->candles[i] = (struct candle){setting->candles[i].open_ts, 100.4, 100.9, 99.9, 100.4, 100, 10040};
  open_position(setting, SIDE_LONG, "600", "99.98", "98.80", 0.00065);
  set_price(setting, "100.60");
  return setting;
}

static void test_example_d_add_on(void **state) {
  (void)state;
  struct setting *setting = begin_d();
  int64_t caps = dec("100000");
  assert_int_equal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), 0);
  assert_non_null(reason_of(setting, REASON_add_on_too_small));
  setting->position.stop = dec("99.70");
  assert_decimal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), "180");
  assert_non_null(reason_of(setting, REASON_add_on));
  setting->preset.position_config.add_on_max_size_pct = 1; /* now the room binds: 539.649/1.030195 = 523.8 */
  assert_decimal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), "523.8");
  assert_decimal(exit_rules_add_on(&setting->position, &setting->input, dec("612.34"), &setting->reasons), "12.3");
}

static void test_add_on_conditions(void **state) {
  (void)state;
  struct setting *setting = begin_d();
  setting->position.stop = dec("99.70");
  int64_t caps = dec("100000");
  set_price(setting, "100.56"); /* 0.49 R */
  assert_int_equal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), 0);
  set_price(setting, "100.91"); /* 0.508 % from the average */
  assert_int_equal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), 0);
  set_price(setting, "100.60");
  setting->input.is_candle = false;
  assert_int_equal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), 0);
  setting->input.is_candle = true;
  setting->position.state = POSITION_ENTRY_CONFIRMATION;
  assert_int_equal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), 0);
  setting->position.state = POSITION_TRAILING;
  setting->position.add_on_used = true;
  assert_int_equal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), 0);
  setting->position.add_on_used = false;
  assert_decimal(exit_rules_add_on(&setting->position, &setting->input, caps, &setting->reasons), "180");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_example_a_breakeven_and_lock_profit),
                                     cmocka_unit_test(test_example_a_chandelier),
                                     cmocka_unit_test(test_breakeven_of_a_short),
                                     cmocka_unit_test(test_example_e_trailing),
                                     cmocka_unit_test(test_stop_beyond_price_closes),
                                     cmocka_unit_test(test_partial_trail_and_atr_stop),
                                     cmocka_unit_test(test_when_stops_stay),
                                     cmocka_unit_test(test_reason_of_every_stop_rule),
                                     cmocka_unit_test(test_settings_without_the_full_life_cycle),
                                     cmocka_unit_test(test_triggers_follow_one_another),
                                     cmocka_unit_test(test_failed_breakout),
                                     cmocka_unit_test(test_volatility_exit),
                                     cmocka_unit_test(test_weak_impulse),
                                     cmocka_unit_test(test_activity_drop),
                                     cmocka_unit_test(test_time_rules),
                                     cmocka_unit_test(test_example_g),
                                     cmocka_unit_test(test_panic_activity_drop),
                                     cmocka_unit_test(test_nobody_else_is_judged),
                                     cmocka_unit_test(test_example_d_add_on),
                                     cmocka_unit_test(test_add_on_conditions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
