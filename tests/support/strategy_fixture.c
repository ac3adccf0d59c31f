#include "support/strategy_fixture.h"

#include <math.h>
#include <string.h>

static const int64_t candle_ms = 300000;
static const int64_t end_ms = INT64_C(1746878400000); /* 2025-05-10T12:00:00Z */

static void init_preset(struct preset *preset) {
  preset_init(preset);
  preset->strategy_priority = STRATEGY_PRIORITY_BREAKOUT_MOMENTUM;
  preset->risk.risk_per_trade = 0.01;
  preset->risk.max_concurrent_positions = 3;
  preset->risk.daily_risk_limit = 0.08;
  preset->risk.kill_switch_loss_limit = 0.18;
  preset->risk.correlation_limit = 0.8;
  preset->risk.max_position_size_usd = NAN;
  preset->liquidity_filters.min_24h_volume_usd = 1000;
  preset->liquidity_filters.max_spread_bps = 10;
  preset->liquidity_filters.min_depth_usd_0_5pct = 1000;
  preset->liquidity_filters.min_depth_usd_0_3pct = 500;
  preset->volatility_filters.atr_range_min = 0.005;
  preset->volatility_filters.atr_range_max = 0.045;
  preset->volatility_filters.bb_width_percentile_max = 100;
  preset->signal_config.momentum_volume_multiplier = 2;
  preset->signal_config.momentum_body_ratio_min = 0.5;
  preset->signal_config.momentum_epsilon = 0.001;
  preset->signal_config.retest_pierce_tolerance = 0.001;
  preset->signal_config.retest_max_pierce_atr = 0.5;
  preset->signal_config.l2_imbalance_threshold = 0.2;
  preset->signal_config.vwap_gap_max_atr = 3;
  preset->scanner_config.max_candidates = 10;
  preset->scanner_config.scan_interval_seconds = 60;
}

static void init_instrument(struct instrument *instrument) {
  *instrument = (struct instrument){
      .symbol = "ABC/USDT:USDT",
      .venue_symbol = "ABCUSDT",
      .tick_size = DECIMAL_ONE / 100,
      .lot_size = DECIMAL_ONE / 1000,
      .min_qty = DECIMAL_ONE / 1000,
      .min_notional_usd = 5 * DECIMAL_ONE,
      .max_leverage = 50,
      .maintenance_margin = 0.005,
  };
}

void fixture_init(struct fixture *fixture) {
  memset(fixture, 0, sizeof *fixture);
  init_preset(&fixture->preset);
  init_instrument(&fixture->market.instrument);
  fixture->market.capabilities = CAPABILITY_CANDLES_1M;
  fixture->market.base_ms = 60000;
  for (int32_t i = 0; i < FIXTURE_CANDLES; i++) {
    int64_t open_ts = end_ms - (FIXTURE_CANDLES - i) * candle_ms;
    fixture->candles[i] = (struct candle){open_ts, 100, 100.5, 99.5, 100, 100, 10000};
  }
  for (int i = 0; i < market_field_count; i++) {
    fixture->view.field[i] = NAN;
    fixture->view.why[i] = NULL_UNAVAILABLE;
    fixture->view.age_s[i] = NAN;
  }
  fixture->view.ts = end_ms;
  fixture->view.price = 100;
  fixture->view.atr_5m = 1;
  fixture->view.vwap_20 = 100;
  level_set_init(&fixture->levels);
  fixture->setup = (struct setup){
      .ts = end_ms,
      .preset = &fixture->preset,
      .market = &fixture->market,
      .view = &fixture->view,
      .candles = fixture->candles,
      .count = FIXTURE_CANDLES,
      .levels = &fixture->levels,
  };
}

struct candle *fixture_bar(struct fixture *fixture, int32_t ago) {
  return &fixture->candles[FIXTURE_CANDLES - 1 - ago];
}

int64_t fixture_close_ts(struct fixture *fixture, int32_t ago) {
  return fixture_bar(fixture, ago)->open_ts + candle_ms;
}

struct level *fixture_add_broken(struct fixture *fixture, double price, bool is_up, int32_t ago) {
  struct level_set *levels = &fixture->levels;
  struct level *level = &levels->active[levels->active_count++];
  *level = (struct level){
      .level_id = levels->active_count,
      .level_type = is_up ? LEVEL_RESISTANCE : LEVEL_SUPPORT,
      .price = price,
      .state = LEVEL_BROKEN,
      .strength = 0.5,
      .touch_count = 5,
      .broken_at = fixture_close_ts(fixture, ago),
      .broken_side = is_up ? LEVEL_SIDE_UP : LEVEL_SIDE_DOWN,
      .best_since_break = price,
      .best_before = price,
      .is_active = true,
  };
  return level;
}

const struct reason *fixture_reason(const struct reason_list *list, enum reason_code code) {
  for (int32_t i = 0; i < list->count; i++) {
    if (list->items[i].code == (int32_t)code) return &list->items[i];
  }
  return NULL;
}
