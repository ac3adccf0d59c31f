/* Read access for the API, the CLI and the tools. */
#include "engine/view.h"

#include <math.h>
#include <string.h>

#include "engine/engine_state.h"

#define FIELD_OWNER struct engine_status
static const struct field status_fields[] = {
/* clang-format off */
#include "base/fields_table.h"
#include "engine/status_fields.def"
#include "base/fields_end.h"
    /* clang-format on */
};
const struct schema engine_status_schema = {"engine_status", status_fields, (int)(sizeof status_fields / sizeof status_fields[0]),
                                            sizeof(struct engine_status)};

static bool is_trading_word(enum engine_word word) {
  return word == WORD_SCANNING || word == WORD_LEVEL_BUILDING || word == WORD_SIGNAL_WAIT || word == WORD_SIZING || word == WORD_EXECUTION ||
         word == WORD_MANAGING;
}

/* Candidates that live: every state between the first scan and the end. */
static int32_t count_candidates(const struct engine *engine) {
  const int32_t *in = engine->candidates_in;
  return in[CANDIDATE_WATCHING] + in[CANDIDATE_SIGNALLED] + in[CANDIDATE_SIZING] + in[CANDIDATE_ENTERING];
}

/* Closed trades of the day and the unrealised R of open positions (risk 1). */
static double daily_r(const struct engine *engine) {
  double sum = engine->ledger.day_closed_r;
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    const struct holding *holding = &engine->holdings[i];
    if (holding->is_used && isfinite(holding->position.pnl_r)) sum += holding->position.pnl_r;
  }
  return sum;
}

void engine_status_read(const struct engine *engine, struct engine_status *out) {
  *out = (struct engine_status){
      .state = (int32_t)engine->word,
      .previous_state = (int32_t)engine->previous_word,
      .session_state = engine->session.session_state,
      .since_at = engine->word_since,
      .session_id = engine->session.session_id,
      .mode = engine->session.mode,
      .started_at = engine->session.started_at,
      .slots_total = engine->has_preset ? engine->preset.risk.max_concurrent_positions : 0,
      .slots_used = enter_slots_used(engine),
      .open_positions = engine->open_holdings,
      .working_orders = engine->live_orders,
      .candidates = count_candidates(engine),
      .daily_r = daily_r(engine),
      .day_pnl_usd = engine->has_ledger ? ledger_day_pnl(&engine->ledger) : 0,
      .equity_usd = engine->ledger.equity_usd,
      .consecutive_losses = engine->ledger.consecutive_losses,
      .last_scan_at = engine->last_scan_at,
      .next_scan_at = engine->last_scan_at != 0 ? engine->last_scan_at + engine->preset.scanner_config.scan_interval_seconds * INT64_C(1000) : 0,
      .transition_count = engine->counters.transition,
      .is_terminal = engine->word == WORD_STOPPED || engine->word == WORD_EMERGENCY,
      .is_error = engine->word == WORD_ERROR || engine->word == WORD_EMERGENCY,
      .is_trading_active = is_trading_word(engine->word),
      .ts = engine->now};
  memcpy(out->preset, engine->preset.name, sizeof out->preset);
  memcpy(out->preset_hash, engine->preset_hash, sizeof out->preset_hash);
  text_copy(out->venue, sizeof out->venue, engine->config.venue);
  text_copy(out->feed, sizeof out->feed, engine->config.feed);
  if (engine->risk.day.since_at != 0) out->latches[out->latches_count++] = engine->risk.day;
  if (engine->risk.kill.since_at != 0) out->latches[out->latches_count++] = engine->risk.kill;
}

int64_t engine_now(const struct engine *engine) {
  return engine->now;
}

enum session_state engine_session_state(const struct engine *engine) {
  return (enum session_state)engine->session.session_state;
}

const struct session_record *engine_session(const struct engine *engine) {
  return &engine->session;
}

const struct preset *engine_preset(const struct engine *engine) {
  return engine->has_preset ? &engine->preset : NULL;
}

const struct ledger *engine_ledger(const struct engine *engine) {
  return &engine->ledger;
}

const struct risk_state *engine_risk(const struct engine *engine) {
  return &engine->risk;
}

const struct engine_counts *engine_counts(const struct engine *engine) {
  return &engine->counts;
}

const struct engine_counters *engine_counters(const struct engine *engine) {
  return &engine->counters;
}

int32_t engine_symbol_count(const struct engine *engine) {
  return engine->symbol_count;
}

const struct market *engine_market(const struct engine *engine, int32_t symbol) {
  return &engine->symbols[symbol].market;
}

const struct market *engine_reference(const struct engine *engine) {
  return engine->reference >= 0 ? &engine->symbols[engine->reference].market : NULL;
}

const struct level_set *engine_levels(const struct engine *engine, int32_t symbol) {
  return &engine->symbols[symbol].levels;
}

const struct density *engine_density(const struct engine *engine, int32_t symbol) {
  return engine_has_capability(engine, symbol, CAPABILITY_BOOK) ? &engine->symbols[symbol].density : NULL;
}

const struct activity *engine_activity(const struct engine *engine, int32_t symbol) {
  return engine_has_capability(engine, symbol, CAPABILITY_TRADES) ? &engine->symbols[symbol].activity : NULL;
}

const struct candidate *engine_candidate(const struct engine *engine, int32_t symbol) {
  const struct candidate *candidate = &engine->symbols[symbol].candidate;
  return candidate->state != CANDIDATE_NONE ? candidate : NULL;
}

bool engine_is_deep(const struct engine *engine, int32_t symbol) {
  return engine->symbols[symbol].is_deep;
}

const char *const correlation_bucket_names[] = {"high", "medium", "low", "unknown"};

void engine_correlation_read(const struct engine *engine, double shares[correlation_bucket_count]) {
  double sums[correlation_bucket_count] = {0};
  double all = 0;
  for (int32_t i = 0; i < ENGINE_HOLDINGS_MAX; i++) {
    const struct position *position = &engine->holdings[i].position;
    if (!engine->holdings[i].is_used || position->notional_usd == DECIMAL_NULL) continue;
    double notional = decimal_to_double(position->notional_usd);
    double c = fabs(position->btc_correlation);
    enum correlation_bucket bucket = isnan(c) ? CORRELATION_UNKNOWN : c > 0.7 ? CORRELATION_HIGH : c >= 0.3 ? CORRELATION_MEDIUM : CORRELATION_LOW;
    sums[bucket] += notional;
    all += notional;
  }
  for (int i = 0; i < correlation_bucket_count; i++) shares[i] = all > 0 ? sums[i] / all : 0;
}

int32_t engine_find_symbol(const struct engine *engine, const char *printed) {
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    if (strcmp(engine->symbols[i].market.instrument.symbol, printed) == 0) return i;
  }
  return -1;
}

const struct decision *engine_decision(const struct engine *engine, int32_t symbol, enum stage stage) {
  const struct decision *decision = &engine->symbols[symbol].decisions[stage];
  return decision->decision_id != 0 ? decision : NULL;
}

int32_t engine_position_count(const struct engine *engine) {
  return engine->open_holdings;
}

const struct position *engine_position(const struct engine *engine, int32_t i) {
  const struct position *best = NULL;
  int64_t after = 0;
  for (int32_t n = 0; n <= i; n++) {
    best = NULL;
    for (int32_t k = 0; k < ENGINE_HOLDINGS_MAX; k++) {
      const struct holding *holding = &engine->holdings[k];
      if (!holding->is_used || holding->position.position_id <= after) continue;
      if (best == NULL || holding->position.position_id < best->position_id) best = &holding->position;
    }
    if (best == NULL) return NULL;
    after = best->position_id;
  }
  return best;
}

int32_t engine_order_count(const struct engine *engine) {
  return engine->order_count;
}

const struct order *engine_order(const struct engine *engine, int32_t i) {
  return &engine->orders[engine->order_sequence[i]];
}

const struct scan_record *engine_last_scan(const struct engine *engine) {
  return &engine->last_scan;
}

int32_t engine_scan_result_count(const struct engine *engine) {
  return engine->result_count;
}

const struct scan_result *engine_scan_result(const struct engine *engine, int32_t i) {
  return &engine->results[i];
}

int32_t engine_alert_count(const struct engine *engine) {
  return engine->alert_count;
}

const struct alert *engine_alert(const struct engine *engine, int32_t i) {
  return &engine->alerts[i];
}

int64_t engine_account_at(const struct engine *engine) {
  return engine->account_is_known ? engine->account_at : 0;
}

int64_t engine_margin_used(const struct engine *engine) {
  return enter_margin_used(engine);
}

int64_t engine_possible_usd(const struct engine *engine) {
  int64_t sum = 0;
  for (int32_t i = orders_next(engine, 0); i >= 0; i = orders_next(engine, i + 1)) {
    const struct order *order = &engine->orders[i];
    if (order->state != ORDER_UNKNOWN || order->reduce_only) continue;
    double mark = market_mark(&engine->symbols[order->symbol_index].market, engine->now);
    int64_t price = order->price != DECIMAL_NULL ? order->price : isfinite(mark) ? decimal_from_double(mark) : 0;
    sum += decimal_multiply(order_remaining(order), price);
  }
  return sum;
}

static bool is_foreign(const struct engine *engine, const struct venue_position *venue) {
  return venue->symbol >= 0 && venue->symbol < engine->symbol_count && engine->symbols[venue->symbol].is_foreign;
}

int32_t engine_foreign_count(const struct engine *engine) {
  int32_t count = 0;
  for (int32_t i = 0; i < engine->reconcile.position_count; i++) count += is_foreign(engine, &engine->reconcile.positions[i]) ? 1 : 0;
  return count;
}

const struct venue_position *engine_foreign(const struct engine *engine, int32_t i) {
  for (int32_t k = 0; k < engine->reconcile.position_count; k++) {
    const struct venue_position *venue = &engine->reconcile.positions[k];
    if (is_foreign(engine, venue) && i-- == 0) return venue;
  }
  return NULL;
}

int32_t engine_foreign_orders(const struct engine *engine) {
  int32_t count = 0;
  for (int32_t i = 0; i < engine->reconcile.order_count; i++) {
    int64_t plan_id;
    enum order_leg leg;
    int32_t child;
    int32_t attempt;
    const struct venue_order *venue = &engine->reconcile.orders[i];
    bool lives = venue->state == ORDER_WORKING || venue->state == ORDER_PARTIALLY_FILLED || venue->state == ORDER_UNTRIGGERED;
    bool is_ours = order_parse_client_id(venue->client_order_id, engine->config.instance, &plan_id, &leg, &child, &attempt);
    count += lives && !is_ours ? 1 : 0;
  }
  return count;
}

bool engine_is_warm(const struct engine *engine) {
  if (!engine->has_preset) return false;
  if (engine->preset.strategy_priority == STRATEGY_PRIORITY_CHANNEL && !engine->preset.channel_config.scan) return true;
  int32_t seen = 0;
  int32_t warm = 0;
  for (int32_t i = 0; i < engine->symbol_count; i++) {
    const struct market *market = &engine->symbols[i].market;
    if (market_candle_close_ts(market) == 0) continue; /* not listed yet */
    ++seen;
    warm += market_is_warm(market) ? 1 : 0;
  }
  bool has_reference = engine->reference < 0 || market_is_warm(&engine->symbols[engine->reference].market);
  return seen > 0 && has_reference && 10 * warm >= 9 * seen;
}

uint32_t engine_legal_commands(const struct engine *engine) {
  uint32_t legal = 0;
  for (int i = 0; i < command_count; i++) {
    if (command_is_legal((enum command)i, (enum session_state)engine->session.session_state, engine_is_latched(engine))) legal |= 1u << i;
  }
  return legal;
}

bool engine_setup_read(const struct engine *engine, int32_t symbol, struct market_view *view, struct setup *setup) {
  const struct engine_symbol *owner = &engine->symbols[symbol];
  if (!engine->has_preset || !owner->is_known) return false;
  market_view_read(&owner->market, engine_reference(engine), engine->now, view);
  const struct candle_series *series = &owner->market.series[TIMEFRAME_5M];
  *setup = (struct setup){.ts = engine->now,
                          .preset = &engine->preset,
                          .market = &owner->market,
                          .view = view,
                          .candles = series->count > 0 ? candle_series_last(series, series->count) : NULL,
                          .count = series->count,
                          .levels = &owner->levels,
                          .level_events = &engine->level_events,
                          .density = engine_density(engine, symbol),
                          .activity = engine_activity(engine, symbol),
                          .score = owner->candidate.score};
  return true;
}
