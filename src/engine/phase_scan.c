/* The scan: one pass over all symbols in one step (strategy 1), the deep ring (market-data 5) and the life of candidates (engine 3). */
#include <math.h>
#include <string.h>

#include "engine/engine_state.h"

enum { FOLLOW_UP_MS = 10000, CANDIDATE_STALE_MS = 600000, DEEP_PATIENCE = 3 };

/* ---- candidates ---- */

static void candidate_id_text(const struct candidate *candidate, char out[16]) {
  struct text text;
  text_init(&text, out, 16);
  text_add_id(&text, 'C', 8, candidate->candidate_id);
}

void candidate_move(struct engine *engine, int32_t symbol, enum candidate_trigger trigger, const char *reason) {
  struct candidate *candidate = &engine->symbols[symbol].candidate;
  char id[16];
  candidate_id_text(candidate, id);
  int next = engine_next_state(engine, &candidate_fsm, id, candidate->state, (int)trigger);
  if (next < 0) return;
  engine_emit_transition(engine, MACHINE_CANDIDATE, id, candidate_state_names[candidate->state], candidate_state_names[next],
                         candidate_trigger_names[trigger], reason, candidate->trace_ts);
  --engine->candidates_in[candidate->state];
  ++engine->candidates_in[next];
  candidate->state = next;
  bool has_ended = next == CANDIDATE_ENTERED || next == CANDIDATE_REJECTED || next == CANDIDATE_EXPIRED;
  if (has_ended) {
    candidate->ended_at = engine->now;
    text_copy(candidate->end_reason, sizeof candidate->end_reason, reason);
  }
  engine_emit_record(engine, RECORD_CANDIDATE, candidate);
  if (!has_ended) return;
  --engine->candidates_in[next];
  ++engine->candidates_in[CANDIDATE_NONE];
  *candidate = (struct candidate){.state = CANDIDATE_NONE};
}

static void drop_pending_signals(struct engine *engine, int32_t symbol, enum signal_outcome outcome) {
  for (int32_t i = 0; i < engine->signal_count; i++) {
    if (engine->signals[i].symbol != symbol) continue;
    watch_end_signal(engine, &engine->signals[i].signal, outcome);
    memmove(&engine->signals[i], &engine->signals[i + 1], (size_t)(engine->signal_count - i - 1) * sizeof engine->signals[0]);
    --engine->signal_count;
    --i;
  }
}

static void expire_candidate(struct engine *engine, int32_t symbol, const char *reason) {
  struct candidate *candidate = &engine->symbols[symbol].candidate;
  if (candidate->state != CANDIDATE_WATCHING && candidate->state != CANDIDATE_SIGNALLED) return;
  drop_pending_signals(engine, symbol, SIGNAL_CANCELLED);
  candidate_move(engine, symbol, CANDIDATE_ON_EXPIRED, reason);
}

void candidate_end_all(struct engine *engine, const char *reason) {
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    drop_pending_signals(engine, i, SIGNAL_CANCELLED);
    expire_candidate(engine, i, reason);
  }
}

static void expire_due_candidates(struct engine *engine) {
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    const struct engine_symbol *owner = &engine->symbols[i];
    if (owner->candidate.state != CANDIDATE_WATCHING && owner->candidate.state != CANDIDATE_SIGNALLED) continue;
    if (engine->now > owner->candidate.expires_at) {
      expire_candidate(engine, i, "expiry passed");
    } else if (engine->now - market_candle_close_ts(&owner->market) > CANDIDATE_STALE_MS) {
      expire_candidate(engine, i, "stale");
    } else if (owner->is_blacklisted || !owner->is_whitelisted) {
      expire_candidate(engine, i, "no longer on the lists");
    }
  }
}

/* C1 to C4 for a symbol that was ranked. */
static void update_candidate(struct engine *engine, const struct scan_row *row) {
  struct engine_symbol *owner = &engine->symbols[row->symbol];
  struct candidate *candidate = &owner->candidate;
  bool has_passed = row->verdict == REASON_passed;
  int64_t life_ms = 2 * engine->preset.scanner_config.scan_interval_seconds * INT64_C(1000);
  if (life_ms < 900000) life_ms = 900000;
  if (candidate->state == CANDIDATE_NONE) {
    if (!has_passed || owner->holding >= 0 || owner->plan >= 0) return;
    *candidate = (struct candidate){.candidate_id = ++engine->counters.candidate, .state = CANDIDATE_NONE, .created_at = engine->now};
    memcpy(candidate->symbol, owner->market.instrument.symbol, sizeof candidate->symbol);
    candidate->trace_ts = engine->now;
    candidate->score = row->score;
    candidate->rank = row->rank;
    candidate->expires_at = engine->now + life_ms;
    candidate_move(engine, row->symbol, CANDIDATE_ON_SCANNED, "");
    candidate_move(engine, row->symbol, CANDIDATE_ON_PASSED, "");
    ++engine->session.candidates;
    return;
  }
  if (!has_passed || candidate->state != CANDIDATE_WATCHING) return;
  candidate->score = row->score;
  candidate->rank = row->rank;
  candidate->expires_at = engine->now + life_ms;
  candidate_move(engine, row->symbol, CANDIDATE_ON_PASSED_AGAIN, "");
}

/* ---- one scan ---- */

/* A scan asks every symbol for its day. */
static void refresh_days(struct engine *engine) {
  struct market *markets[MARKET_DAYS_AT_ONCE];
  int32_t count = 0;
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    markets[count++] = &engine->symbols[i].market;
    if (count < MARKET_DAYS_AT_ONCE && i + 1 < engine->symbol_count) continue;
    market_days_refresh(markets, count);
    count = 0;
  }
}

static void fill_row(struct engine *engine, struct scan_row *row, int32_t symbol) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  double volume_usd;
  double change_pct;
  market_read_24h(&owner->market, engine->now, &volume_usd, &change_pct);
  bool is_trading = owner->market.instrument.status == INSTRUMENT_TRADING;
  *row = (struct scan_row){.symbol = symbol,
                           .name = owner->market.instrument.symbol,
                           .is_warm = market_is_warm(&owner->market) && is_trading,
                           .is_listed = owner->is_whitelisted,
                           .is_blacklisted = owner->is_blacklisted,
                           .volume_24h_usd = volume_usd,
                           .change_24h_pct = change_pct,
                           .verdict = REASON_passed,
                           .verdict_value = NAN,
                           .verdict_threshold = NAN};
}

/* Steps 6 to 8 for one row. */
static void judge_row(struct engine *engine, struct scan_row *row) {
  struct engine_symbol *owner = &engine->symbols[row->symbol];
  struct reason_list *reasons = &engine->row_reasons[row->symbol];
  reasons->count = 0;
  engine_read_setup(engine, row->symbol);
  row->passed_filters = market_filter_all(&owner->market, &engine->view, &engine->preset, reasons);
  row->has_level = engine->preset.strategy_priority == STRATEGY_PRIORITY_CHANNEL ||
                   scanner_has_level(&owner->levels, (enum allowed_sides)engine->preset.signal_config.allowed_sides);
  score_compute(&engine->setup, &engine->row_scores[row->symbol]);
  row->score = engine->row_scores[row->symbol].total;
  if (!row->passed_filters) {
    const struct reason *failed = reason_first_failed(reasons);
    row->verdict = failed != NULL ? (enum reason_code)failed->code : REASON_data_health;
  } else if (!row->has_level) {
    row->verdict = REASON_no_level;
    reason_add(reasons, REASON_no_level, false, NAN, NAN, "");
  }
}

static void count_code(struct scan_record *scan, enum reason_code code) {
  for (int32_t i = 0; i < scan->failed_by_filter_count; i++) {
    if (scan->failed_by_filter[i].code == (int32_t)code) {
      ++scan->failed_by_filter[i].count;
      return;
    }
  }
  if (scan->failed_by_filter_count < SCAN_CODES_MAX) scan->failed_by_filter[scan->failed_by_filter_count++] = (struct code_count){(int32_t)code, 1};
}

/* Distance of the nearest active level from the price, in bps; NaN without one. */
static double nearest_level_bps(const struct level_set *levels, double price) {
  const struct level *above = level_nearest(levels, price, true);
  const struct level *below = level_nearest(levels, price, false);
  double up = above != NULL ? (above->price - price) / price * 1e4 : INFINITY;
  double down = below != NULL ? (price - below->price) / price * 1e4 : INFINITY;
  double nearest = up < down ? up : down;
  return isfinite(nearest) ? nearest : NAN;
}

static void fill_result(struct engine *engine, const struct scan_row *row, struct scan_result *result) {
  struct engine_symbol *owner = &engine->symbols[row->symbol];
  const struct reason_list *reasons = &engine->row_reasons[row->symbol];
  const struct score *score = &engine->row_scores[row->symbol];
  double price = market_price(&owner->market, engine->now);
  result->scan_id = engine->last_scan.scan_id;
  result->ts = engine->now;
  memcpy(result->symbol, owner->market.instrument.symbol, sizeof result->symbol);
  result->rank = row->rank;
  result->score = row->score;
  result->passed = row->passed_filters && row->has_level;
  result->candidate = row->verdict == REASON_passed;
  result->price = price;
  result->change_24h_pct = row->change_24h_pct;
  result->volume_24h_usd = row->volume_24h_usd;
  result->levels = owner->levels.active_count;
  result->nearest_level_bps = nearest_level_bps(&owner->levels, price);
  result->filters_count = reasons->count;
  memcpy(result->filters, reasons->items, (size_t)reasons->count * sizeof reasons->items[0]);
  result->components_count = 0;
  for (int32_t k = 0; k < SCORE_COMPONENT_COUNT; k++) {
    double weight = engine->preset.scanner_config.score_weights[k];
    if (isnan(weight)) continue;
    result->components[result->components_count++] = (struct component_value){k, score->value[k], weight, score->contribution[k]};
  }
}

static enum stage stage_of(enum reason_code code) {
  if (code == REASON_no_level || code == REASON_max_candidates) return STAGE_RANK;
  return STAGE_FILTER;
}

static void decide_row(struct engine *engine, const struct scan_row *row) {
  struct reason_list *reasons = &engine->row_reasons[row->symbol];
  bool has_passed = row->verdict == REASON_passed;
  if (row->verdict == REASON_max_candidates) {
    reason_add(reasons, REASON_max_candidates, false, row->rank, engine->preset.scanner_config.max_candidates, "");
  }
  engine_decide(engine, row->symbol, has_passed ? STAGE_FILTER : stage_of(row->verdict), has_passed ? VERDICT_PASSED : VERDICT_REJECTED, row->verdict,
                NULL, engine->last_scan.scan_id, market_candle_close_ts(&engine->symbols[row->symbol].market), engine->now, reasons);
}

/* A symbol that fell out before the filters: kept as its newest universe decision, not recorded each time (counted in the summary). */
static void note_outside(struct engine *engine, const struct scan_row *row) {
  struct decision *decision = &engine->symbols[row->symbol].decisions[STAGE_UNIVERSE];
  decision->decision_id = ++engine->counters.decision;
  decision->ts = engine->now;
  memcpy(decision->symbol, engine->symbols[row->symbol].market.instrument.symbol, sizeof decision->symbol);
  decision->stage = STAGE_UNIVERSE;
  decision->verdict = VERDICT_REJECTED;
  decision->code = (int32_t)row->verdict;
  decision->strategy = -1;
  decision->side = -1;
  decision->scan_id = engine->last_scan.scan_id;
  decision->trace_ts = engine->now;
  struct reason_list reasons;
  reasons.count = 0;
  reason_add(&reasons, row->verdict, false, row->verdict_value, row->verdict_threshold, "");
  decision->reasons_count = reasons.count;
  memcpy(decision->reasons, reasons.items, (size_t)reasons.count * sizeof reasons.items[0]);
}

static void note_inside(struct engine *engine, int32_t symbol) {
  struct decision *decision = &engine->symbols[symbol].decisions[STAGE_UNIVERSE];
  if (decision->decision_id == 0 || decision->verdict == VERDICT_PASSED) return;
  *decision = (struct decision){0};
}

static void summarise(struct engine *engine, int32_t count) {
  struct scan_record *scan = &engine->last_scan;
  for (int32_t i = 0; i < count; i++) {
    const struct scan_row *row = &engine->rows[i];
    if (row->verdict == REASON_not_ready) ++scan->not_ready;
    if (!row->reached_filters) {
      count_code(scan, row->verdict);
      note_outside(engine, row);
      continue;
    }
    note_inside(engine, row->symbol);
    ++scan->scanned;
    if (row->passed_filters) ++scan->passed_filters;
    const struct reason_list *reasons = &engine->row_reasons[row->symbol];
    for (int32_t k = 0; k < reasons->count; k++) {
      if (!reasons->items[k].passed && !reasons->items[k].skipped) count_code(scan, (enum reason_code)reasons->items[k].code);
    }
  }
}

/* Results in order of rank; rows outside the ranking are left out. */
static void publish_results(struct engine *engine, int32_t count) {
  engine->result_count = 0;
  for (int32_t i = 0; i < count; i++) {
    struct scan_row *row = &engine->rows[i];
    if (!row->reached_filters || row->rank <= 0) continue;
    fill_result(engine, row, &engine->results[row->rank - 1]);
    ++engine->result_count;
  }
  for (int32_t i = 0; i < engine->result_count; i++) engine_emit_record(engine, RECORD_SCAN_RESULT, &engine->results[i]);
}

/* ---- deep ring ---- */

static bool wants_deep(const struct engine *engine, const struct engine_symbol *owner) {
  return owner->holding >= 0 || owner->plan >= 0 || owner->candidate.state != CANDIDATE_NONE ||
         (engine->capabilities & (CAPABILITY_BOOK | CAPABILITY_TRADES)) == 0;
}

static void set_deep(struct engine *engine, int32_t symbol, bool is_deep) {
  struct engine_symbol *owner = &engine->symbols[symbol];
  if (owner->is_deep == is_deep) return;
  owner->is_deep = is_deep;
  struct intent intent = {.ts = engine->now, .kind = is_deep ? INTENT_SUBSCRIBE : INTENT_UNSUBSCRIBE};
  if (is_deep) {
    intent.subscribe.symbol = symbol;
    engine->follow_up_scan_at = engine->now + FOLLOW_UP_MS;
  } else {
    intent.unsubscribe.symbol = symbol;
  }
  engine_emit_intent(engine, &intent);
}

static void update_deep_ring(struct engine *engine, int32_t count) {
  if ((engine->capabilities & (CAPABILITY_BOOK | CAPABILITY_TRADES)) == 0) return;
  for (int32_t i = 0; i < count; i++) {
    struct scan_row *row = &engine->rows[i];
    engine_read_setup(engine, row->symbol);
    bool passes = row->reached_filters && market_filter_wide(&engine->symbols[row->symbol].market, &engine->view, &engine->preset);
    engine->row_scores[row->symbol].total = passes ? score_wide(&engine->setup) : -INFINITY;
  }
  for (int32_t i = 0; i < count; i++) {
    struct engine_symbol *owner = &engine->symbols[engine->rows[i].symbol];
    double own = engine->row_scores[engine->rows[i].symbol].total;
    int32_t better = 0;
    for (int32_t k = 0; k < count; k++) {
      double other = engine->row_scores[engine->rows[k].symbol].total;
      if (other > own || (other == own && engine->rows[k].volume_24h_usd > engine->rows[i].volume_24h_usd)) ++better;
    }
    bool is_inside = wants_deep(engine, owner) || (isfinite(own) && better < engine->config.deep_symbol_limit);
    owner->scans_outside = is_inside ? 0 : owner->scans_outside + 1;
    if (is_inside) set_deep(engine, engine->rows[i].symbol, true);
    if (owner->scans_outside >= DEEP_PATIENCE) set_deep(engine, engine->rows[i].symbol, false);
  }
}

static void run_scan(struct engine *engine) {
  engine->is_scanning = true;
  engine_update_word(engine);
  engine->last_scan = (struct scan_record){.scan_id = ++engine->counters.scan, .ts = engine->now, .total_symbols = engine->symbol_count};
  memcpy(engine->last_scan.preset, engine->preset.name, sizeof engine->last_scan.preset);
  refresh_days(engine);
  for (int32_t i = 0; i < engine->symbol_count; i++) fill_row(engine, &engine->rows[i], engine->order[i]);
  scanner_cut(engine->rows, engine->symbol_count, &engine->preset, engine->config.market_fetch_limit, engine->scratch);
  engine->is_leveling = true;
  engine_update_word(engine);
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    if (engine->rows[i].reached_filters) judge_row(engine, &engine->rows[i]);
  }
  engine->last_scan.candidates = scanner_rank(engine->rows, engine->symbol_count, &engine->preset, engine->scratch);
  summarise(engine, engine->symbol_count);
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    if (engine->rows[i].reached_filters) decide_row(engine, &engine->rows[i]);
  }
  engine_emit_record(engine, RECORD_SCAN, &engine->last_scan);
  publish_results(engine, engine->symbol_count);
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    if (engine->rows[i].reached_filters) update_candidate(engine, &engine->rows[i]);
  }
  update_deep_ring(engine, engine->symbol_count);
  ++engine->counts.scans;
  ++engine->session.scans;
  engine->last_scan_at = engine->now;
  engine->is_scanning = false;
  engine->is_leveling = false;
  engine_update_word(engine);
}

static bool scans_at_all(const struct engine *engine) {
  return engine->preset.strategy_priority != STRATEGY_PRIORITY_CHANNEL || engine->preset.channel_config.scan;
}

void scan_on_tick(struct engine *engine) {
  enum session_state state = (enum session_state)engine->session.session_state;
  bool is_scanning_state = state == SESSION_RUNNING || state == SESSION_PAUSED;
  if (!is_scanning_state || !engine->has_preset) return;
  if (!scans_at_all(engine)) {
    engine->scan_requested = false;
    return;
  }
  expire_due_candidates(engine);
  bool is_due =
      engine->last_scan_at == 0 || engine->now - engine->last_scan_at >= engine->preset.scanner_config.scan_interval_seconds * INT64_C(1000);
  bool is_follow_up = engine->follow_up_scan_at != 0 && engine->now >= engine->follow_up_scan_at;
  if (!is_due && !is_follow_up && !engine->scan_requested) return;
  if (engine->scan_requested) engine->scan_requested_at = engine->now;
  engine->scan_requested = false;
  engine->follow_up_scan_at = 0;
  engine_at_phase(engine, PHASE_SCAN);
  run_scan(engine);
  engine_at_phase(engine, PHASE_OTHER);
}
