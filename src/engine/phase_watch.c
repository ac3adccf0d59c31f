/* Signals: each watched symbol is evaluated at each of its closed candles; what passes waits for its boundary and is then sized in order (strategy
 * 8, 8.3). */
#include <math.h>
#include <string.h>

#include "engine/engine_state.h"

void watch_end_signal(struct engine *engine, struct signal *signal, enum signal_outcome outcome) {
  signal->outcome = (int32_t)outcome;
  signal->outcome_at = engine->now;
  engine_emit_record(engine, RECORD_SIGNAL, signal);
}

/* ---- one symbol at one closed candle ---- */

static bool is_side_duplicate(const struct engine *engine, const struct engine_symbol *owner, const struct signal *signal, double *minutes) {
  int64_t at = owner->sized_at[signal->side];
  int64_t entry = owner->sized_entry[signal->side];
  if (at == 0 || engine->now - at >= SIGNAL_LIFE_MS) return false;
  int64_t difference = signal->entry > entry ? signal->entry - entry : entry - signal->entry;
  *minutes = (double)(engine->now - at) / 60000.0;
  return decimal_multiply(difference, 1000 * DECIMAL_ONE) <= entry;
}

/* Refusals of strategy 8.3 that need the engine's memory. Returns true when the signal may go on. */
static bool passes_engine_rules(struct engine *engine, int32_t symbol, const struct signal *signal, struct reason_list *reasons) {
  double minutes = NAN;
  if (is_side_duplicate(engine, &engine->symbols[symbol], signal, &minutes)) {
    reason_add(reasons, REASON_duplicate_signal, false, minutes, 15, "");
    return false;
  }
  if (engine->signal_count >= ENGINE_SIGNALS_MAX) {
    reason_add(reasons, REASON_active_signal_limit, false, engine->signal_count, ENGINE_SIGNALS_MAX, "");
    return false;
  }
  if (engine->session.session_state != SESSION_RUNNING) {
    reason_add(reasons, REASON_session_not_running, false, NAN, NAN, session_state_names[engine->session.session_state]);
    return false;
  }
  return true;
}

static void reject(struct engine *engine, int32_t symbol, enum stage stage, enum verdict verdict, enum reason_code fallback,
                   const struct signal *signal, int64_t candle_ts, const struct reason_list *reasons) {
  const struct reason *failed = reason_first_failed(reasons);
  int64_t trace_ts = engine->symbols[symbol].candidate.trace_ts;
  engine_decide(engine, symbol, stage, verdict, failed != NULL && fallback == REASON_passed ? (enum reason_code)failed->code : fallback, signal, 0,
                candle_ts, trace_ts, reasons);
}

static void add_pending(struct engine *engine, int32_t symbol, const struct signal *signal, int64_t channel_target) {
  engine->is_leveling = engine->word == WORD_SCANNING; /* the word reaches signal_wait through level_building, also when no scan ran (channel) */
  engine_update_word(engine);
  engine->signals[engine->signal_count++] =
      (struct pending_signal){.signal = *signal, .symbol = symbol, .channel_target = channel_target, .boundary = engine->now};
  engine->is_leveling = false;
  engine_update_word(engine);
}

static void stamp_signal(struct engine *engine, int32_t symbol, struct signal *signal) {
  const struct engine_symbol *owner = &engine->symbols[symbol];
  signal->signal_id = ++engine->counters.signal;
  signal->candidate_id = owner->candidate.candidate_id;
  memcpy(signal->symbol, owner->market.instrument.symbol, sizeof signal->symbol);
  signal->trace_ts = owner->candidate.trace_ts != 0 ? owner->candidate.trace_ts : engine->now;
  signal->score = owner->candidate.score;
  signal->created_at = engine->now;
  signal->expires_at = engine->now + SIGNAL_LIFE_MS;
  signal->outcome = SIGNAL_PENDING;
  ++engine->counts.signals;
  ++engine->session.signals;
  engine_emit_record(engine, RECORD_SIGNAL, signal);
}

/* The filters that are tested again with current values; true when they pass. */
static bool passes_filters_again(struct engine *engine, int32_t symbol, int64_t candle_ts) {
  struct reason_list reasons;
  reasons.count = 0;
  if (market_filter_at_signal(&engine->symbols[symbol].market, &engine->view, &engine->preset, &reasons)) return true;
  reject(engine, symbol, STAGE_SIGNAL, VERDICT_REJECTED, REASON_passed, NULL, candle_ts, &reasons);
  return false;
}

static void refuse_signal(struct engine *engine, int32_t symbol, enum stage stage, struct signal *signal, int64_t candle_ts,
                          const struct reason_list *reasons) {
  reject(engine, symbol, stage, VERDICT_REFUSED, REASON_passed, signal, candle_ts, reasons);
  watch_end_signal(engine, signal, SIGNAL_REFUSED);
  candidate_move(engine, symbol, CANDIDATE_ON_SIGNAL_REFUSED, reason_code_names[engine->symbols[symbol].decisions[stage].code]);
}

/* Validation and market quality of a fresh signal; true when both pass. */
static bool passes_checks(struct engine *engine, int32_t symbol, struct signal *signal, int64_t candle_ts) {
  struct reason_list reasons;
  reasons.count = 0;
  if (!entry_check_validate(&engine->setup, signal, &reasons)) {
    refuse_signal(engine, symbol, STAGE_VALIDATION, signal, candle_ts, &reasons);
    return false;
  }
  reject(engine, symbol, STAGE_VALIDATION, VERDICT_PASSED, REASON_passed, signal, candle_ts, &reasons);
  reasons.count = 0;
  if (!entry_check_quality(&engine->setup, &reasons, NULL)) {
    refuse_signal(engine, symbol, STAGE_QUALITY, signal, candle_ts, &reasons);
    return false;
  }
  reject(engine, symbol, STAGE_QUALITY, VERDICT_PASSED, REASON_passed, signal, candle_ts, &reasons);
  return true;
}

static void evaluate_candidate(struct engine *engine, int32_t symbol) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  engine_read_setup(engine, symbol);
  int64_t candle_ts = candle_series_newest(&owner->market.series[TIMEFRAME_5M])->open_ts;
  if (!passes_filters_again(engine, symbol, candle_ts)) return;
  struct signal signal = {0};
  struct reason_list reasons;
  reasons.count = 0;
  enum breakout_result result = breakout_evaluate(&engine->setup, &signal, &reasons);
  if (result != BREAKOUT_SIGNAL) {
    bool is_quiet = result == BREAKOUT_NO_TRIGGER;
    reject(engine, symbol, STAGE_SIGNAL, is_quiet ? VERDICT_REJECTED : VERDICT_REFUSED, is_quiet ? REASON_no_trigger : REASON_passed,
           is_quiet ? NULL : &signal, candle_ts, &reasons);
    return;
  }
  stamp_signal(engine, symbol, &signal);
  candidate_move(engine, symbol, CANDIDATE_ON_SIGNAL, strategy_names[signal.strategy]);
  if (!passes_engine_rules(engine, symbol, &signal, &reasons)) {
    refuse_signal(engine, symbol, STAGE_SIGNAL, &signal, candle_ts, &reasons);
    return;
  }
  reject(engine, symbol, STAGE_SIGNAL, VERDICT_PASSED, REASON_passed, &signal, candle_ts, &reasons);
  if (!passes_checks(engine, symbol, &signal, candle_ts)) return;
  add_pending(engine, symbol, &signal, 0);
}

/* ---- channel baseline ---- */

static void evaluate_channel(struct engine *engine, int32_t symbol, enum timeframe timeframe) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  if (engine->session.session_state != SESSION_RUNNING || owner->holding >= 0 || owner->plan >= 0) return;
  if (engine->preset.channel_config.scan && owner->candidate.state != CANDIDATE_WATCHING) return;
  const struct candle_series *series = &owner->market.series[timeframe];
  struct signal signal;
  struct reason_list reasons;
  reasons.count = 0;
  int64_t target = 0;
  enum breakout_result result =
      breakout_channel(&engine->preset, &owner->market, candle_series_last(series, series->count), series->count, &signal, &target, &reasons);
  if (result == BREAKOUT_NO_TRIGGER) return;
  int64_t candle_ts = candle_series_newest(series)->open_ts;
  if (result == BREAKOUT_REFUSED) {
    reject(engine, symbol, STAGE_SIGNAL, VERDICT_REFUSED, REASON_passed, &signal, candle_ts, &reasons);
    return;
  }
  stamp_signal(engine, symbol, &signal);
  if (engine->preset.channel_config.scan) candidate_move(engine, symbol, CANDIDATE_ON_SIGNAL, "channel");
  reject(engine, symbol, STAGE_SIGNAL, VERDICT_PASSED, REASON_passed, &signal, candle_ts, &reasons);
  if (engine->signal_count < ENGINE_SIGNALS_MAX) add_pending(engine, symbol, &signal, target);
}

void watch_on_candle(struct engine *engine, int32_t symbol, uint32_t closed) {
  if (!engine->has_preset) return;
  struct engine_symbol *owner = &engine->symbols[symbol];
  if (engine->preset.strategy_priority == STRATEGY_PRIORITY_CHANNEL) {
    enum timeframe timeframe = engine->preset.channel_config.timeframe == CHANNEL_TIMEFRAME_1M ? TIMEFRAME_1M : TIMEFRAME_5M;
    if ((closed & (1u << timeframe)) == 0) return;
    engine_at_phase(engine, PHASE_SIGNALS);
    evaluate_channel(engine, symbol, timeframe);
    engine_at_phase(engine, PHASE_OTHER);
    return;
  }
  if (!(closed & (1u << TIMEFRAME_5M)) || owner->candidate.state != CANDIDATE_WATCHING) return;
  bool is_active = engine->session.session_state == SESSION_RUNNING || engine->session.session_state == SESSION_PAUSED;
  if (!is_active || engine->now > owner->candidate.expires_at || owner->holding >= 0 || owner->plan >= 0) return;
  engine_at_phase(engine, PHASE_SIGNALS);
  evaluate_candidate(engine, symbol);
  engine_at_phase(engine, PHASE_OTHER);
}

/* ---- the batch of one boundary ---- */

enum { CANDLE_PATIENCE_MS = 90000 }; /* a candle may come this much later than its length says (market-data 7) */

/* True when every watched symbol's candle of the boundary has been processed, or 3 s have passed. */
static bool is_boundary_complete(const struct engine *engine, int64_t boundary) {
  if (engine->now >= boundary + BATCH_WAIT_MS) return true;
  bool is_channel = engine->preset.strategy_priority == STRATEGY_PRIORITY_CHANNEL && !engine->preset.channel_config.scan;
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    const struct engine_symbol *owner = &engine->symbols[i];
    bool is_watched = is_channel || owner->candidate.state == CANDIDATE_WATCHING || owner->candidate.state == CANDIDATE_SIGNALLED;
    int64_t closed = market_candle_close_ts(&owner->market);
    bool is_stale =
        engine->now - closed > engine->limits.base_ms + CANDLE_PATIENCE_MS; /* not listed yet, or gone: nothing waits for stale data (engine 12) */
    if (is_watched && !is_stale && closed < boundary) return false;
  }
  return true;
}

/* confidence·validation_score descending, score descending, symbol ascending. */
static bool goes_before(const struct signal *a, const struct signal *b) {
  double quality_a = a->confidence * a->validation_score;
  double quality_b = b->confidence * b->validation_score;
  if (quality_a != quality_b) return quality_a > quality_b;
  if (a->score != b->score) return a->score > b->score;
  return strcmp(a->symbol, b->symbol) < 0;
}

static int32_t best_of_boundary(const struct engine *engine, int64_t boundary) {
  int32_t best = -1;
  for (int32_t i = 0; i < engine->signal_count; i++) {
    if (engine->signals[i].boundary != boundary) continue;
    if (best < 0 || goes_before(&engine->signals[i].signal, &engine->signals[best].signal)) best = i;
  }
  return best;
}

void watch_release(struct engine *engine) {
  while (engine->signal_count > 0) {
    int64_t boundary = engine->signals[0].boundary;
    for (int32_t i = 1; i < engine->signal_count; i++) {
      if (engine->signals[i].boundary < boundary) boundary = engine->signals[i].boundary;
    }
    if (!is_boundary_complete(engine, boundary)) return;
    int32_t best = best_of_boundary(engine, boundary);
    struct pending_signal pending = engine->signals[best];
    memmove(&engine->signals[best], &engine->signals[best + 1], (size_t)(engine->signal_count - best - 1) * sizeof engine->signals[0]);
    --engine->signal_count;
    engine->risk_at = 0; /* limits are evaluated before every plan, however short ago they were (risk 4), and before the sizing begins */
    engine_mark(engine, false);
    engine->is_sizing = true;
    engine_update_word(engine);
    engine_at_phase(engine, PHASE_SIZING);
    enter_signal(engine, &pending);
    engine_at_phase(engine, PHASE_OTHER);
    engine->is_sizing = false;
    engine->is_returning =
        engine->word == WORD_SIZING && engine->open_holdings == 0; /* refused: back through signal_wait, also without a candidate (channel) */
    engine_update_word(engine);
    engine->is_returning = false;
    engine_update_word(engine);
  }
}
