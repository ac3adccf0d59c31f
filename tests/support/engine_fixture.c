#include "support/engine_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/preset_store.h"

enum { ENCODED_MAX = 64 << 10 };

static const char *const names[RIG_SYMBOLS_MAX] = {"AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH"};

struct rig_options rig_options(void) {
  return (struct rig_options){.symbols = 1,
                              .base_ms = MINUTE_MS,
                              .balance = 100000,
                              .max_participation = 1,
                              .is_backtest = true,
                              .tick_size = DECIMAL_ONE / 100,
                              .lot_size = DECIMAL_ONE / 1000};
}

/* ---- what happened ---- */

static void note_word(struct rig *rig, const struct transition *move) {
  if (move->machine != MACHINE_VIEW || strcmp(move->trigger, "restart") == 0) return; /* a new process begins at idle, whatever the old one showed */
  int from = 0;
  int to = 0;
  while (strcmp(engine_word_names[from], move->from_state) != 0) from++;
  while (strcmp(engine_word_names[to], move->to_state) != 0) to++;
  rig->words_seen[from][to] = true;
}

/* A defect of ours is told where it happens: the count that fails a test later says nothing. */
static void show_defect(const struct alert *alert) {
  if (strcmp(alert->name, "illegal_transition") == 0 || strcmp(alert->name, "ledger_residual") == 0)
    print_message("%s: %s\n", alert->name, alert->message);
}

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  static unsigned char bytes[ENCODED_MAX];
  struct rig *rig = context;
  (void)seq;
  size_t size = schema_encode(record_schemas[kind], object, bytes, sizeof bytes);
  assert_true(size > 0);
  digest_add(&rig->all, &kind, sizeof kind);
  digest_add(&rig->all, &ts, sizeof ts);
  digest_add(&rig->all, bytes, size);
  if (kind == RECORD_DECISION || kind == RECORD_ORDER || kind == RECORD_FILL) digest_add(&rig->acts, bytes, size);
  ++rig->tally[kind];
  if (kind == RECORD_TRANSITION) note_word(rig, object);
  if (kind == RECORD_ALERT) show_defect(object);
  if (rig->watch != NULL) rig->watch(rig, kind, object);
}

static void on_event(void *context, const struct event *event) {
  struct rig *rig = context;
  if (rig->after_event != NULL) rig->after_event(rig, event);
}

/* ---- opening ---- */

static void describe(struct rig *rig, int32_t symbol) {
  const struct rig_options *options = &rig->options;
  bool is_reference = options->has_reference && symbol == 1;
  struct event event = {.ts = RIG_START,
                        .kind = EVENT_INSTRUMENT,
                        .instrument = {.symbol = symbol, .is_reference = is_reference, .is_whitelisted = true, .instrument_count = 1}};
  struct instrument *instrument = &event.instrument.instrument[0];
  const char *name = is_reference ? "BTC" : names[symbol];
  struct text text;
  text_init(&text, instrument->symbol, sizeof instrument->symbol);
  text_add(&text, name);
  text_add(&text, "/USDT:USDT");
  text_init(&text, instrument->venue_symbol, sizeof instrument->venue_symbol);
  text_add(&text, name);
  text_add(&text, "USDT");
  instrument->tick_size = options->tick_size;
  instrument->lot_size = options->lot_size;
  instrument->min_qty = options->lot_size;
  instrument->min_notional_usd = 5 * DECIMAL_ONE;
  instrument->max_leverage = 50;
  instrument->maintenance_margin = 0.005;
  instrument->status = INSTRUMENT_TRADING;
  instrument->listed_at = RIG_START;
  rig_market(rig, event);
  rig_market(rig, (struct event){
                      .ts = RIG_START,
                      .kind = EVENT_CAPABILITY,
                      .capability = {symbol, (int32_t)(options->capabilities | CAPABILITY_CANDLES_1M | CAPABILITY_INSTRUMENT), options->base_ms}});
}

static void open_engine(struct rig *rig) {
  assert_int_equal(arena_open(&rig->arena, engine_memory(&rig->limits)), STATUS_OK);
  rig->engine = engine_init(&rig->arena, &rig->limits, &rig->config, NULL);
}

static void open_venue(struct rig *rig) {
  const struct rig_options *options = &rig->options;
  struct sim_options sim = {.starting_balance = rig->config.starting_balance,
                            .slippage_bps = options->slippage_bps,
                            .impact_bps = options->impact_bps,
                            .max_participation = options->max_participation,
                            .taker_fee_bps = 5,
                            .maker_fee_bps = 2,
                            .latency_ms = options->latency_ms,
                            .base_ms = options->base_ms,
                            .max_leverage = rig->config.max_leverage,
                            .symbols = options->symbols,
                            .book_depth = rig->limits.book_depth};
  assert_int_equal(sim_open(&rig->sim, &sim), STATUS_OK);
  sim_exchange(&rig->sim, &rig->exchange);
}

static void open_runner(struct rig *rig) {
  assert_int_equal(runner_init(&rig->runner, rig->engine, &rig->exchange, NULL, NULL, false), STATUS_OK);
  runner_listen(&rig->runner, &(struct listener){.context = rig, .on_event = on_event, .on_record = on_record});
}

void rig_open(struct rig *rig, const struct rig_options *options) {
  *rig = (struct rig){.options = *options};
  bool has_book = (options->capabilities & CAPABILITY_BOOK) != 0;
  rig->limits = (struct engine_limits){.symbols = options->symbols,
                                       .book_depth = has_book ? 50 : 0,
                                       .has_tape = (options->capabilities & CAPABILITY_TRADES) != 0,
                                       .base_ms = options->base_ms};
  rig->config = (struct engine_config){.starting_balance = decimal_from_double(options->balance),
                                       .max_leverage = 10,
                                       .reconcile_interval_s = options->reconcile_interval_s,
                                       .deep_symbol_limit = 30,
                                       .market_data_timeout_s = 60,
                                       .is_backtest = options->is_backtest};
  text_copy(rig->config.instance, sizeof rig->config.instance, "000000");
  text_copy(rig->config.venue, sizeof rig->config.venue, "paper");
  text_copy(rig->config.feed, sizeof rig->config.feed, "test");
  digest_open(&rig->all);
  digest_open(&rig->acts);
  open_engine(rig);
  open_venue(rig);
  open_runner(rig);
  for (int32_t i = 0; i < options->symbols; i++) describe(rig, i);
}

void rig_close(struct rig *rig) {
  runner_deinit(&rig->runner);
  sim_close(&rig->sim);
  arena_close(&rig->arena);
  digest_close(&rig->all);
  digest_close(&rig->acts);
}

void rig_forget(struct rig *rig) {
  digest_close(&rig->all);
  digest_close(&rig->acts);
  digest_open(&rig->all);
  digest_open(&rig->acts);
  memset(rig->tally, 0, sizeof rig->tally);
  memset(rig->words_seen, 0, sizeof rig->words_seen);
}

/* ---- presets ---- */

void rig_load_preset(struct preset *preset, const char *name) {
  struct preset_store store;
  struct problem problem;
  problem_clear(&problem);
  preset_store_init(&store, "presets", ".");
  if (preset_store_load(&store, name, preset, NULL, &problem)) {
    problem_print(&problem, stderr);
    fail_msg("the preset %s cannot be loaded", name);
  }
}

void rig_set(struct preset *preset, const char *change) {
  struct problem problem;
  char path[96];
  const char *equals = strchr(change, '=');
  assert_non_null(equals);
  problem_clear(&problem);
  text_copy(path, (size_t)(equals - change) + 1, change);
  if (preset_set_key(preset, path, equals + 1, &problem)) {
    problem_print(&problem, stderr);
    fail_msg("%s cannot be set", change);
  }
}

void rig_load_loose(struct preset *preset) {
  static const char *const changes[] = {
      "name=loose",
      "strategy_priority=breakout_momentum",
      "risk.correlation_limit=1",
      "risk.daily_risk_limit=0.3",
      "risk.kill_switch_loss_limit=0.6",
      "risk.max_consecutive_losses=20",
      "liquidity_filters.min_24h_volume_usd=1",
      "liquidity_filters.min_oi_usd=null",
      "liquidity_filters.max_spread_bps=500",
      "liquidity_filters.min_depth_usd_0_5pct=1",
      "liquidity_filters.min_depth_usd_0_3pct=1",
      "liquidity_filters.min_trades_per_minute=0",
      "volatility_filters.atr_range_min=0.000001",
      "volatility_filters.atr_range_max=1",
      "volatility_filters.bb_width_percentile_max=100",
      "volatility_filters.volume_surge_1h_min=0",
      "volatility_filters.volume_surge_5m_min=0",
      "volatility_filters.oi_delta_threshold=null",
      "signal_config.momentum_volume_multiplier=0.1",
      "signal_config.momentum_body_ratio_min=0",
      "signal_config.momentum_epsilon=0.0005",
      "signal_config.retest_max_pierce_atr=5",
      "signal_config.l2_imbalance_threshold=0",
      "signal_config.vwap_gap_max_atr=20",
      "signal_config.entry_rules.require_momentum=false",
      "signal_config.entry_rules.validate_approach=false",
      "signal_config.entry_rules.require_density_confirmation=false",
      "signal_config.entry_rules.max_distance_from_level_bps=500",
      "signal_config.entry_rules.require_clean_breakout=false",
      "signal_config.entry_rules.avoid_session_start_minutes=0",
      "signal_config.entry_rules.avoid_session_end_minutes=0",
      "signal_config.market_quality.flat_market_filter_enabled=false",
      "signal_config.market_quality.consolidation_filter_enabled=false",
      "signal_config.market_quality.require_stable_volatility=false",
      "signal_config.market_quality.noise_filter_enabled=false",
      "scanner_config.scan_interval_seconds=300",
      "position_config.fsm_config.entry_max_slippage_bps=200",
      "execution_config.limit_offset_bps=20",
  };
  rig_load_preset(preset, "breakout_v1");
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) rig_set(preset, changes[i]);
}

void rig_use(struct rig *rig, const struct preset *preset) {
  struct problem problem;
  problem_clear(&problem);
  rig->preset = *preset;
  if (preset_check(preset, NULL, &problem)) {
    problem_print(&problem, stderr);
    fail_msg("the preset breaks a rule");
  }
  struct symbol_flag flags[RIG_SYMBOLS_MAX];
  char symbols[RIG_SYMBOLS_MAX][SYMBOL_TEXT_MAX];
  bool white[RIG_SYMBOLS_MAX];
  bool both[RIG_SYMBOLS_MAX];
  int32_t count = rig->options.symbols;
  for (int32_t i = 0; i < count; i++) text_copy(symbols[i], SYMBOL_TEXT_MAX, engine_market(rig->engine, i)->instrument.symbol);
  struct preset only_white = *preset;
  only_white.scanner_config.symbol_blacklist.is_null = true;
  assert_int_equal(preset_resolve_lists(&only_white, (const char(*)[SYMBOL_TEXT_MAX])symbols, count, white, &problem), STATUS_OK);
  assert_int_equal(preset_resolve_lists(preset, (const char(*)[SYMBOL_TEXT_MAX])symbols, count, both, &problem), STATUS_OK);
  for (int32_t i = 0; i < count; i++) flags[i] = (struct symbol_flag){i, white[i], white[i] && !both[i]};
  struct event event = {.ts = engine_now(rig->engine), .kind = EVENT_PRESET, .preset_value = &rig->preset, .preset_json = "{}"};
  text_copy(event.preset.name, sizeof event.preset.name, preset->name);
  event.preset.flags_count = count;
  event.preset.flags = flags;
  rig_event(rig, event);
}

/* ---- events ---- */

void rig_event(struct rig *rig, struct event event) {
  runner_step(&rig->runner, &event);
}

void rig_market(struct rig *rig, struct event event) {
  runner_market(&rig->runner, &event);
}

void rig_command_with(struct rig *rig, struct event_command command) {
  command.operation_id = engine_counters(rig->engine)->operation + 1;
  command.source = SOURCE_OPERATOR;
  text_copy(command.user, sizeof command.user, "test");
  rig_event(rig, (struct event){.ts = engine_now(rig->engine), .kind = EVENT_COMMAND, .command = command});
}

void rig_command(struct rig *rig, enum command command) {
  rig_command_with(rig, (struct event_command){.command = (int32_t)command});
}

void rig_candle(struct rig *rig, int32_t symbol, const struct candle *candle) {
  struct event event = {
      .ts = candle->open_ts + rig->options.base_ms,
      .kind = EVENT_CANDLE,
      .candle = {symbol, candle->open_ts, candle->open, candle->high, candle->low, candle->close, candle->volume, candle->turnover}};
  rig_market(rig, event);
}

void rig_tick(struct rig *rig, int64_t ts, bool is_candle_close) {
  rig_market(rig, (struct event){.ts = ts, .kind = EVENT_TICK, .tick = {.is_candle_close = is_candle_close}});
}

void rig_bar(struct rig *rig, int32_t symbol, double open, double high, double low, double close) {
  int64_t closed = market_candle_close_ts(engine_market(rig->engine, symbol));
  struct candle candle = {closed != 0 ? closed : RIG_START, open, high, low, close, 1e6, 1e6 * close};
  rig_candle(rig, symbol, &candle);
  rig_tick(rig, candle.open_ts + rig->options.base_ms, true);
}

/* ---- series ---- */

void rig_generate(struct rig_series *series, int scenario, uint64_t seed, int32_t symbol, int days) {
  struct generate_options options = {
      .scenario = (enum generate_scenario)scenario, .seed = seed, .symbol = symbol, .days = days, .start_ms = RIG_START};
  *series = (struct rig_series){.items = malloc(generate_candles_max(days) * sizeof *series->items)};
  assert_non_null(series->items);
  series->count = generate_candles(series->items, &options);
}

void rig_coarsen(struct rig_series *series, int32_t factor) {
  int64_t length = factor * MINUTE_MS;
  size_t made = 0;
  for (size_t i = 0; i < series->count;) {
    struct candle whole = series->items[i];
    whole.open_ts -= whole.open_ts % length;
    size_t k = i + 1;
    for (; k < series->count && series->items[k].open_ts < whole.open_ts + length; k++) {
      const struct candle *part = &series->items[k];
      whole.high = fmax(whole.high, part->high);
      whole.low = fmin(whole.low, part->low);
      whole.close = part->close;
      whole.volume += part->volume;
      whole.turnover += part->turnover;
    }
    series->items[made++] = whole;
    i = k;
  }
  series->count = made;
}

void rig_free_series(struct rig_series *series, int32_t count) {
  for (int32_t i = 0; i < count; i++) free(series[i].items);
}

void rig_rewind(struct rig_series *series, int32_t count, int64_t open_ts) {
  for (int32_t i = 0; i < count; i++) {
    series[i].at = 0;
    while (series[i].at < series[i].count && series[i].items[series[i].at].open_ts < open_ts) ++series[i].at;
  }
}

void rig_play(struct rig *rig, struct rig_series *series, int64_t until) {
  for (;;) {
    int64_t next = INT64_MAX;
    for (int32_t i = 0; i < rig->options.symbols; i++) {
      if (series[i].at < series[i].count && series[i].items[series[i].at].open_ts < next) next = series[i].items[series[i].at].open_ts;
    }
    if (next >= until) return;
    for (int32_t i = 0; i < rig->options.symbols; i++) {
      if (series[i].at < series[i].count && series[i].items[series[i].at].open_ts == next) rig_candle(rig, i, &series[i].items[series[i].at++]);
    }
    rig_tick(rig, next + rig->options.base_ms, true);
  }
}

/* ---- images ---- */

void rig_save(struct rig *rig, struct rig_image *image) {
  image->engine_size = engine_snapshot_size(rig->engine);
  image->venue_size = rig->exchange.snapshot_size(rig->exchange.self);
  image->engine = malloc(image->engine_size);
  image->venue = malloc(image->venue_size);
  assert_true(image->engine != NULL && image->venue != NULL);
  engine_snapshot_save(rig->engine, image->engine);
  rig->exchange.snapshot_save(rig->exchange.self, image->venue);
}

void rig_load(struct rig *rig, const struct rig_image *image) {
  arena_close(&rig->arena);
  assert_int_equal(arena_open(&rig->arena, engine_memory(&rig->limits)), STATUS_OK);
  assert_int_equal(engine_snapshot_load(&rig->arena, &rig->limits, image->engine, image->engine_size, &rig->engine), STATUS_OK);
  sim_close(&rig->sim);
  open_venue(rig);
  assert_int_equal(rig->exchange.snapshot_load(rig->exchange.self, image->venue, image->venue_size), STATUS_OK);
  runner_deinit(&rig->runner);
  open_runner(rig);
}

void rig_free_image(struct rig_image *image) {
  free(image->engine);
  free(image->venue);
}

/* ---- reading ---- */

enum engine_word rig_word(const struct rig *rig) {
  struct engine_status status;
  engine_status_read(rig->engine, &status);
  return (enum engine_word)status.state;
}

void rig_digest(const struct rig *rig, char text[DIGEST_TEXT_MAX]) {
  digest_read(&rig->all, text);
}
