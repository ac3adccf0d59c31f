#include "apps/channel_sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/channel_walk.h"
#include "base/calendar.h"
#include "base/check.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/presets_builtin.h"

struct channel_sweep {
  const struct settings *settings;
  struct channel_market market;
  struct instrument instrument;
  struct preset modelled; /* every key that a covered preset may not change stands at this value */
  struct preset covered;  /* the newest preset that was covered: most others are copies of it with other values */
  bool has_covered;
};

/* ---- what is covered ---- */

static bool load_modelled(struct preset *preset) {
  struct problem problem;
  problem_clear(&problem);
  for (int i = 0; i < builtin_preset_count; i++) {
    const struct builtin_preset *builtin = &builtin_presets[i];
    if (strcmp(builtin->name, "channel_baseline") == 0)
      return preset_parse(preset, builtin->text, strlen(builtin->text), builtin->name, NULL, &problem) == 0;
  }
  return false;
}

static bool has_constant_instrument(const struct source *source, int symbol, const struct candle *candles, size_t count) {
  const struct instrument *first = source_instrument(source, symbol, candles[0].open_ts);
  if (first->status != INSTRUMENT_TRADING || first->delisting_at != 0) return false;
  return first == source_instrument(source, symbol, candles[count - 1].open_ts);
}

static const char *obstacle(const struct wiring *wiring, const struct run_options *options, int symbol) {
  const struct source *source = wiring->source;
  const uint32_t known = CAPABILITY_CANDLES_1M | CAPABILITY_INSTRUMENT;
  size_t count;
  if ((source_capabilities(source, symbol) & ~known) != 0) return "more than candles is recorded";
  if (source_interval_ms(source) != MINUTE_MS) return "candles are not of one minute";
  if (options->wiring.path != SIM_PATH_ADVERSE) return "the favourable path is asked for";
  if (options->cut_at_ms != 0 || options->keeps_orders) return "more than trades is asked for";
  const struct candle *candles = source_candles(source, symbol, &count);
  if (count == 0) return "there are no candles";
  if (!has_constant_instrument(source, symbol, candles, count)) return "the instrument changes";
  return NULL;
}

struct channel_sweep *channel_sweep_open_symbol(const struct wiring *wiring, const struct run_options *options, int symbol, const char **why) {
  *why = obstacle(wiring, options, symbol);
  if (*why != NULL) return NULL;
  size_t count;
  const struct candle *candles = source_candles(wiring->source, symbol, &count);
  struct channel_sweep *sweep = calloc(1, sizeof *sweep);
  check(sweep != NULL);
  sweep->settings = &wiring->app->settings;
  sweep->instrument = *source_instrument(wiring->source, symbol, candles[0].open_ts);
  if (!load_modelled(&sweep->modelled)) {
    *why = "the preset channel_baseline is not in the program";
  } else if (!channel_market_init(&sweep->market, candles, count)) {
    *why = "minutes are missing or implausible";
  }
  if (*why == NULL) return sweep;
  channel_sweep_close(sweep);
  return NULL;
}

struct channel_sweep *channel_sweep_open(const struct wiring *wiring, const struct run_options *options, const char **why) {
  *why = "more than one symbol";
  return source_symbol_count(wiring->source) == 1 ? channel_sweep_open_symbol(wiring, options, 0, why) : NULL;
}

void channel_sweep_close(struct channel_sweep *sweep) {
  if (sweep == NULL) return;
  channel_market_deinit(&sweep->market);
  free(sweep);
}

/* Keys that the walk below knows; all others must stand as they do in the modelled preset. */
static void take_modelled_keys(const struct preset *from, struct preset *to) {
  text_copy(to->name, sizeof to->name, from->name);
  text_copy(to->description, sizeof to->description, from->description);
  text_copy(to->target_markets, sizeof to->target_markets, from->target_markets);
  to->risk.risk_per_trade = from->risk.risk_per_trade;
  to->risk.max_concurrent_positions = from->risk.max_concurrent_positions;
  to->risk.daily_risk_limit = from->risk.daily_risk_limit;
  to->risk.max_position_size_usd = from->risk.max_position_size_usd;
  to->risk.kill_switch_loss_limit = from->risk.kill_switch_loss_limit;
  to->risk.max_consecutive_losses = from->risk.max_consecutive_losses;
  to->signal_config.allowed_sides = from->signal_config.allowed_sides;
  to->execution_config.taker_fee_bps = from->execution_config.taker_fee_bps;
  to->execution_config.maker_fee_bps = from->execution_config.maker_fee_bps;
  to->channel_config.period = from->channel_config.period;
  to->channel_config.atr_period = from->channel_config.atr_period;
  to->channel_config.stop_atr_mult = from->channel_config.stop_atr_mult;
  to->channel_config.target_r = from->channel_config.target_r;
  to->channel_config.timeframe = from->channel_config.timeframe;
}

bool channel_sweep_covers(struct channel_sweep *sweep, const struct preset *preset) {
  struct preset expected;
  if (preset->strategy_priority != STRATEGY_PRIORITY_CHANNEL) return false;
  if (sweep->has_covered) {
    take_modelled_keys(preset, &sweep->covered);
    if (memcmp(&sweep->covered, preset, sizeof *preset) == 0) return true;
  }
  memcpy(&expected, &sweep->modelled, sizeof expected);
  char wanted[DIGEST_TEXT_MAX];
  char given[DIGEST_TEXT_MAX];
  take_modelled_keys(preset, &expected);
  preset_hash(&expected, wanted);
  preset_hash(preset, given);
  if (strcmp(wanted, given) != 0) return false;
  memcpy(&sweep->covered, preset, sizeof sweep->covered); /* its padding too */
  sweep->has_covered = true;
  return true;
}

void channel_sweep_prepare(struct channel_sweep *sweep, const struct preset *preset) {
  const struct preset_channel_config *config = &preset->channel_config;
  enum channel_timeframe timeframe = (enum channel_timeframe)config->timeframe;
  if (sweep->market.range_count == CHANNEL_RANGES_MAX) return; /* no place is left: the workers share the rest of the work instead */
  (void)channel_market_ranges(&sweep->market, timeframe, config->period, config->atr_period);
}

bool channel_sweep_knows(enum performance_figure figure) {
  return figure != FIGURE_average_notional_ratio && figure != FIGURE_max_notional_ratio && figure != FIGURE_reference_change;
}

/* ---- one set ---- */

static double market_change(const struct channel_sweep *sweep, const struct channel_task *task) {
  const struct candle *candles = sweep->market.frames[CHANNEL_TIMEFRAME_1M].candles;
  if (task->end <= task->start + 2) return NAN;
  return candles[task->end - 1].close / candles[task->start + 1].close - 1.0;
}

static void compute_figures(const struct channel_sweep *sweep, const struct channel_task *task, struct channel_result *out) {
  struct performance_input input = {.columns = (const double *const *)out->columns,
                                    .trade_count = out->trade_count,
                                    .curve = &out->curve,
                                    .from = out->started_at,
                                    .to = out->ended_at,
                                    .turnover_usd = out->turnover_usd,
                                    .slippage_usd = out->slippage_usd,
                                    .entries = (int32_t)out->entries,
                                    .plans = (int32_t)out->plans,
                                    .unfilled_entries = (int32_t)out->unfilled_entries,
                                    .refused_plans = (int32_t)out->refused_plans,
                                    .left_open = (int32_t)out->left_open.count,
                                    .path_dependent_trades = (int32_t)out->path_dependent_trades,
                                    .market_change = market_change(sweep, task),
                                    .reference_change = NAN};
  if (out->trade_count + 1 > out->scratch_count) {
    out->scratch_count = 2 * out->trade_count + 1;
    free(out->scratch);
    out->scratch = calloc((size_t)out->scratch_count, sizeof *out->scratch);
    check(out->scratch != NULL);
  }
  performance_compute(&input, out->scratch, &out->performance);
  for (int i = 0; i < figure_count; i++) {
    if (!channel_sweep_knows((enum performance_figure)i)) out->performance.figure[i] = NAN;
  }
}

static double or_setting(double value, double setting) {
  return isfinite(value) ? value : setting;
}

static struct channel_task task_of(struct channel_sweep *sweep, const struct preset *preset, const struct run_options *options) {
  const struct settings *settings = sweep->settings;
  const struct channel_market *market = &sweep->market;
  int64_t first_close = market->first_ts + MINUTE_MS;
  int64_t last_close = market->first_ts + market->count * MINUTE_MS;
  struct channel_task task = {.market = &sweep->market,
                              .instrument = &sweep->instrument,
                              .preset = preset,
                              .slippage_bps = or_setting(options->wiring.slippage_bps, settings->paper_slippage_bps),
                              .impact_bps = or_setting(options->wiring.impact_bps, settings->paper_impact_bps),
                              .participation = settings->paper_max_participation,
                              .max_leverage = settings->max_leverage,
                              .after_kill = options->after_kill,
                              .balance = decimal_from_double(or_setting(options->wiring.starting_balance, settings->paper_starting_balance)),
                              .end = market->count};
  if (options->to_ms != 0 && options->to_ms < last_close) {
    task.end = options->to_ms > market->first_ts ? (int32_t)((options->to_ms - market->first_ts) / MINUTE_MS) : 0;
  }
  /* The session begins with the first tick at or after `from`, and looks at candles that close later. */
  if (options->from_ms > first_close) task.start = (int32_t)((options->from_ms - first_close + MINUTE_MS - 1) / MINUTE_MS);
  return task;
}

/* Empty, with the memory of the set before. */
static void begin_result(struct channel_result *out, const struct channel_sweep *sweep, const struct channel_task *task) {
  struct channel_result fresh = *out;
  fresh.trades.count = fresh.left_open.count = 0;
  fresh.trade_count = 0;
  fresh.plans = fresh.entries = fresh.unfilled_entries = fresh.refused_plans = fresh.path_dependent_trades = 0;
  fresh.turnover_usd = fresh.slippage_usd = 0;
  fresh.started_at = sweep->market.first_ts + (task->start + 1) * MINUTE_MS;
  fresh.ended_at = sweep->market.first_ts + task->end * MINUTE_MS;
  *out = fresh;
  int64_t days = (out->ended_at - out->started_at) / DAY_MS + 4;
  if (days > out->day_capacity) {
    out->day_capacity = days;
    free(out->days);
    out->days = calloc((size_t)days, sizeof *out->days);
    check(out->days != NULL);
  }
  performance_curve_begin(&out->curve, out->started_at, out->days);
}

enum channel_sweep_end channel_sweep_run(struct channel_sweep *sweep, const struct preset *preset, const struct run_options *options,
                                         struct channel_result *out) {
  struct channel_task task = task_of(sweep, preset, options);
  if (task.start >= task.end) return CHANNEL_SWEEP_NO_DATA;
  begin_result(out, sweep, &task);
  enum channel_sweep_end end = channel_walk(&task, out);
  if (end == CHANNEL_SWEEP_DONE) compute_figures(sweep, &task, out);
  return end;
}

/* ---- an entry alone ---- */

int32_t channel_sweep_candles(const struct channel_sweep *sweep, const struct preset *preset) {
  return sweep->market.frames[preset->channel_config.timeframe].count;
}

bool channel_sweep_enter(struct channel_sweep *sweep, const struct preset *preset, const struct run_options *options, int32_t candle, bool is_long,
                         struct channel_result *memory, double *r) {
  const struct preset_channel_config *config = &preset->channel_config;
  enum channel_timeframe timeframe = (enum channel_timeframe)config->timeframe;
  const struct channel_candles *frame = &sweep->market.frames[timeframe];
  struct channel_task task = task_of(sweep, preset, options);
  struct channel_break entry = {
      .candle = candle, .minute = frame->first_minute + (candle + 1) * frame->minutes - 1, .close = frame->candles[candle].close, .is_up = is_long};
  if (candle < config->atr_period || entry.minute <= task.start || entry.minute + 1 >= task.end) return false;
  task.entry = &entry;
  task.range = channel_market_range(&sweep->market, timeframe, config->atr_period, candle);
  task.start = entry.minute - 1;
  begin_result(memory, sweep, &task);
  if (channel_walk(&task, memory) != CHANNEL_SWEEP_DONE || memory->trade_count != 1) return false;
  *r = memory->columns[COLUMN_PNL_R][0];
  return true;
}

void channel_result_deinit(struct channel_result *result) {
  free(result->trades.data);
  free(result->left_open.data);
  for (int i = 0; i < performance_column_count; i++) free(result->columns[i]);
  free(result->days);
  free(result->scratch);
  *result = (struct channel_result){0};
}
