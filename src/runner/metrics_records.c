/* What is counted from events, intents and records as they pass. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/strategy/risk.h"
#include "runner/metrics_state.h"

#define MINUTES_5_MS (5 * INT64_C(60000))

/* ---- from the start ---- */

/* Labels whose values are few are there from the start: Prometheus sees an increase only between two readings, so that a counter that appears with
 * its first 1 would never have grown. */
static const char *const results_of_checks[] = {"accepted", "refused"};
static const char *const dropped_reasons[] = {"duplicate", "late", "sequence", "invalid", "crossed"};
static const char *const trade_results[] = {"win", "loss"};
static const char *const gap_kinds[] = {"candle", "book"};
static const char *const auth_kinds[] = {"login", "session", "token", "role", "csrf", "setup"};

struct names {
  const char *const *items;
  int count;
};
static const struct {
  enum metric metric;
  struct names first, second; /* of a second label, NULL none */
} zeros[] = {
    {METRIC_ILLEGAL, {machine_names, machine_count}, {NULL, 0}},
    {METRIC_KILL_SWITCH, {risk_cause_names, risk_cause_count}, {NULL, 0}},
    {METRIC_RESTARTS, {restart_cause_names, restart_cause_count}, {NULL, 0}},
    {METRIC_FEED_DROPPED, {dropped_reasons, 5}, {NULL, 0}},
    {METRIC_FEED_GAPS, {gap_kinds, 2}, {NULL, 0}},
    {METRIC_SIGNALS, {strategy_names, strategy_count}, {position_side_names, position_side_count}},
    {METRIC_SIGNALS_ENDED, {signal_outcome_names, signal_outcome_count}, {NULL, 0}},
    {METRIC_DECISIONS, {stage_names, stage_count}, {verdict_names, verdict_count}},
    {METRIC_RISK_CHECKS, {results_of_checks, 2}, {NULL, 0}},
    {METRIC_FILLS, {order_purpose_names, order_purpose_count}, {liquidity_names, liquidity_count}},
    {METRIC_TRADE_PNL, {trade_results, 2}, {NULL, 0}},
    {METRIC_AUTH_FAILURES, {auth_kinds, 6}, {NULL, 0}},
};

static const struct {
  enum metric metric;
  const char *component, *what;
} zero_pairs[] = {
    {METRIC_ERRORS, "engine", "internal"},       {METRIC_ERRORS, "feed", "network"},          {METRIC_ERRORS, "feed", "data"},
    {METRIC_ERRORS, "venue", "network"},         {METRIC_ERRORS, "venue", "venue_reject"},    {METRIC_ERRORS, "venue", "clock"},
    {METRIC_ERRORS, "journal", "storage"},       {METRIC_ERRORS, "database", "storage_slow"}, {METRIC_ERRORS, "preset", "config"},
    {METRIC_ERRORS, "resources", "resource"},    {METRIC_ERRORS, "backup", "storage"},        {METRIC_RECOVERIES, "feed", "reconnect"},
    {METRIC_RECOVERIES, "feed", "resync"},       {METRIC_RECOVERIES, "venue", "reconnect"},   {METRIC_RECOVERIES, "journal", "retry"},
    {METRIC_RECOVERIES, "database", "backfill"}, {METRIC_RECOVERIES, "engine", "restart"},    {METRIC_RECOVERIES, "engine", "reconcile"},
    {METRIC_RECOVERIES, "engine", "reprotect"},
};

const char *metrics_name(const char *const *names, int32_t value, int32_t count) {
  return value >= 0 && value < count ? names[value] : "none";
}

void metrics_begin(struct metrics *metrics) {
  for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
    for (int k = 0; k < zeros[i].first.count; k++) {
      for (int m = 0; m < zeros[i].second.count || m == 0; m++) {
        const char *second = zeros[i].second.items != NULL ? zeros[i].second.items[m] : "";
        metrics_add(metrics, zeros[i].metric, METRIC_VALUES(zeros[i].first.items[k], second), 0);
      }
    }
  }
  for (size_t i = 0; i < sizeof zero_pairs / sizeof zero_pairs[0]; i++)
    metrics_add(metrics, zero_pairs[i].metric, METRIC_VALUES(zero_pairs[i].component, zero_pairs[i].what), 0);
}

void metrics_use_names(struct metrics *metrics, const char *venue, const char *feed) {
  static const char *const endpoints[] = {"place_order", "change_order", "query"};
  static const char *const results[] = {"ok", "rejected"};
  text_copy(metrics->venue, sizeof metrics->venue, venue);
  text_copy(metrics->feed, sizeof metrics->feed, feed);
  for (int i = 0; i < 3; i++) {
    for (int k = 0; k < 2; k++) metrics_add(metrics, METRIC_VENUE_REQUESTS, METRIC_VALUES(metrics->venue, endpoints[i], results[k]), 0);
  }
}

/* ---- events ---- */

static int64_t now_ns(const struct metrics *metrics) {
  return metrics->clock->monotonic_ns(metrics->clock->self);
}

static void count_fast(struct metrics *metrics, struct series **series, enum metric metric, const char *name) {
  if (*series == NULL) *series = metrics_series(metrics, metric, METRIC_VALUES(name));
  (*series)->is_set = true;
  (*series)->value += 1;
}

/* The first candle that closes a 5m boundary begins the time to its decisions; what was decided at the one before is known by then. */
static void note_boundary(struct metrics *metrics, const struct event *event) {
  int64_t boundary = event->candle.open_ts - event->candle.open_ts % MINUTES_5_MS + MINUTES_5_MS;
  if (event->ts < boundary || boundary <= metrics->boundary) return;
  if (metrics->decided_ns != 0)
    metrics_observe(metrics, METRIC_CANDLE_TO_DECISION, NULL, (double)(metrics->decided_ns - metrics->boundary_ns) * 1e-9);
  metrics->boundary = boundary;
  metrics->boundary_ns = now_ns(metrics);
  metrics->decided_ns = 0;
}

static void count_link(struct metrics *metrics, const char *component, const char *stream, enum link_state state, bool *is_down) {
  if (state == LINK_DOWN) metrics_add(metrics, METRIC_ERRORS, METRIC_VALUES(component, "network"), 1);
  if (state != LINK_DOWN && *is_down) metrics_add(metrics, METRIC_RECOVERIES, METRIC_VALUES(component, "reconnect"), 1);
  *is_down = state == LINK_DOWN;
  metrics_set(metrics, METRIC_FEED_CONNECTED, METRIC_VALUES(metrics->feed, stream), *is_down ? 0 : 1);
}

static void count_request(struct metrics *metrics, const char *endpoint, bool is_good) {
  metrics_add(metrics, METRIC_VENUE_REQUESTS, METRIC_VALUES(metrics->venue, endpoint, is_good ? "ok" : "rejected"), 1);
}

static void count_reject(struct metrics *metrics, const struct event_order_reject *reject) {
  bool is_of_change = reject->kind == REJECT_NOT_FOUND || reject->kind == REJECT_NOT_CANCELLABLE;
  count_request(metrics, is_of_change ? "change_order" : "place_order", false);
  metrics_add(metrics, METRIC_ERRORS, METRIC_VALUES("venue", "venue_reject"), 1);
}

static void count_clock(struct metrics *metrics, int64_t offset_ms) {
  metrics_set(metrics, METRIC_VENUE_CLOCK, METRIC_VALUES(metrics->venue), (double)offset_ms / 1000.0);
  if (offset_ms > CLOCK_SKEW_MS || offset_ms < -CLOCK_SKEW_MS) metrics_add(metrics, METRIC_ERRORS, METRIC_VALUES("venue", "clock"), 1);
}

static void on_venue_event(struct metrics *metrics, const struct event *event) {
  switch ((enum event_kind)event->kind) {
    case EVENT_FEED_LINK:
      count_link(metrics, "feed", "public", (enum link_state)event->feed_link.state, &metrics->feed_is_down);
      return;
    case EVENT_VENUE_LINK:
      count_link(metrics, "venue", "private", (enum link_state)event->venue_link.state, &metrics->venue_is_down);
      return;
    case EVENT_ORDER_ACK:
      count_request(metrics, "place_order", true);
      return;
    case EVENT_ORDER_UPDATE:
      if (event->order_update.change == CHANGE_AMENDED) count_request(metrics, "change_order", true);
      return;
    case EVENT_ORDER_REJECT:
      count_reject(metrics, &event->order_reject);
      return;
    case EVENT_QUERY_RESULT:
    case EVENT_ACCOUNT:
    case EVENT_VENUE_POSITIONS:
      count_request(metrics, "query", true);
      return;
    case EVENT_CLOCK_OFFSET:
      count_clock(metrics, event->clock_offset.offset_ms);
      return;
    case EVENT_STORAGE:
      if (event->storage.is_available) {
        metrics_add(metrics, METRIC_RECOVERIES, METRIC_VALUES("journal", "retry"), 1);
      } else {
        metrics_add(metrics, METRIC_ERRORS, METRIC_VALUES("journal", "storage"), 1);
      }
      return;
    default:
      return;
  }
}

static void on_event(void *context, const struct event *event) {
  struct metrics *metrics = context;
  const char *name = event_kind_names[event->kind];
  bool is_market = event->kind >= EVENT_CANDLE && event->kind <= EVENT_FUNDING_RATE;
  metrics->event = (enum event_kind)event->kind;
  count_fast(metrics, &metrics->events[event->kind], METRIC_EVENTS, name);
  if (is_market) count_fast(metrics, &metrics->messages[event->kind], METRIC_FEED_MESSAGES, name);
  if (event->kind == EVENT_CANDLE) note_boundary(metrics, event);
  if (!is_market) on_venue_event(metrics, event);
}

/* A book that does not fit is asked for again. */
static void on_intent(void *context, const struct intent *intent) {
  struct metrics *metrics = context;
  if (intent->kind == INTENT_SUBSCRIBE && metrics->event == EVENT_BOOK) metrics_add(metrics, METRIC_RECOVERIES, METRIC_VALUES("feed", "resync"), 1);
}

/* ---- records ---- */

static void count_filters(struct metrics *metrics, const struct scan_result *result) {
  for (int32_t i = 0; i < result->filters_count; i++) {
    const struct reason *reason = &result->filters[i];
    const char *verdict = reason->skipped ? "skipped" : reason->passed ? "passed" : "failed";
    metrics_add(metrics, METRIC_FILTER_RESULTS, METRIC_VALUES(reason_code_names[reason->code], verdict), 1);
  }
}

static void count_decision(struct metrics *metrics, const struct decision *decision) {
  metrics_add(metrics, METRIC_DECISIONS, METRIC_VALUES(stage_names[decision->stage], verdict_names[decision->verdict]), 1);
  /* Decisions about signals carry their candle; the sizing of what passed follows at the same boundary. */
  bool is_of_signal = decision->stage >= STAGE_SIGNAL && decision->stage <= STAGE_QUALITY;
  if (metrics->boundary != 0 && (decision->stage == STAGE_RISK || (is_of_signal && decision->candle_ts + MINUTES_5_MS == metrics->boundary)))
    metrics->decided_ns = now_ns(metrics);
  if (decision->stage != STAGE_RISK) return;
  bool is_accepted = decision->verdict == VERDICT_PASSED;
  metrics_add(metrics, METRIC_RISK_CHECKS, METRIC_VALUES(is_accepted ? "accepted" : "refused"), 1);
  if (!is_accepted) metrics_add(metrics, METRIC_RISK_CHECKS_FAILED, METRIC_VALUES(reason_code_names[decision->code]), 1);
}

static void count_order(struct metrics *metrics, const struct order *order) {
  bool is_acked_now = order->acked_at != 0 && order->acked_at == order->updated_at && order->sent_at != 0;
  if (is_acked_now) {
    double seconds = (double)(order->acked_at - order->sent_at) / 1e3;
    metrics_observe(metrics, METRIC_ORDER_ACK, METRIC_VALUES(order_purpose_names[order->purpose]), seconds);
    metrics_observe(metrics, METRIC_VENUE_DURATION, METRIC_VALUES(metrics->venue, "place_order"), seconds);
  }
  /* An ended order is told again when a late fill arrives; it is counted when it ends. */
  bool ends_now = order->ended_at != 0 && order->ended_at == order->updated_at;
  if (!ends_now) return;
  metrics_add(metrics, METRIC_ORDERS,
              METRIC_VALUES(order_purpose_names[order->purpose], order_type_names[order->type], order_state_names[order->state]), 1);
  if (order->state == ORDER_REJECTED) {
    metrics_add(metrics, METRIC_ORDER_REJECTS, METRIC_VALUES(order->reject_code[0] != '\0' ? order->reject_code : "none"), 1);
  }
}

/* An entry that has ended: how long it took, what it paid, how much of it came, and the risk that follows from that. */
static void count_plan(struct metrics *metrics, const struct plan *plan) {
  if (plan->intent != PLAN_ENTRY || plan->ended_at == 0) return;
  const char *strategy = metrics_name(strategy_names, plan->strategy, strategy_count);
  metrics_observe(metrics, METRIC_ENTRY_DURATION, METRIC_VALUES(strategy), (double)plan->time_to_end_ms / 1e3);
  metrics_observe(metrics, METRIC_FILL_RATIO, NULL, plan->fill_ratio);
  if (plan->filled_qty == 0) return;
  metrics_observe(metrics, METRIC_ENTRY_SLIPPAGE, METRIC_VALUES(strategy), plan->slippage_bps / 1e4);
  double stop = decimal_to_double(plan->stop);
  double planned = fabs(decimal_to_double(plan->planned_price) - stop) * decimal_to_double(plan->planned_qty);
  double real = fabs(decimal_to_double(plan->average_price) - stop) * decimal_to_double(plan->filled_qty);
  metrics_observe(metrics, METRIC_RISK_RATIO, NULL, planned > 0 ? real / planned : NAN);
}

/* The letter of the leg in the client's order id (order.h) tells what an order is for; liquidations have no order. */
static const char *purpose_of_fill(const struct fill *fill) {
  enum { LEG_AT = 19 };
  char leg = strlen(fill->client_order_id) > LEG_AT ? fill->client_order_id[LEG_AT] : '\0';
  static const struct {
    enum order_leg leg;
    enum order_purpose purpose;
  } legs[] = {{LEG_ENTRY, PURPOSE_ENTRY}, {LEG_ADD_ON, PURPOSE_ADD_ON},   {LEG_STOP, PURPOSE_STOP},    {LEG_TARGET, PURPOSE_TARGET},
              {LEG_EXIT, PURPOSE_EXIT},   {LEG_FLATTEN, PURPOSE_FLATTEN}, {LEG_MANUAL, PURPOSE_MANUAL}};
  for (size_t i = 0; i < sizeof legs / sizeof legs[0]; i++) {
    if ((char)legs[i].leg == leg) return order_purpose_names[legs[i].purpose];
  }
  return "none";
}

static void count_command(struct metrics *metrics, const struct command_reply *reply) {
  if (reply->status == COMMAND_IN_PROGRESS) return;
  bool is_refused = strcmp(reply->code, "illegal_command") == 0 || strcmp(reply->code, "emergency_latched") == 0;
  const char *result = is_refused ? "refused" : command_status_names[reply->status];
  metrics_add(metrics, METRIC_COMMANDS, METRIC_VALUES(command_names[reply->command], command_source_names[reply->source], result), 1);
}

static void count_reconciliation(struct metrics *metrics, const struct reconciliation *done) {
  metrics_add(metrics, METRIC_RECONCILIATIONS, METRIC_VALUES(done->cause), 1);
  metrics_add(metrics, METRIC_RECONCILE_DIFF, NULL, done->differences);
  if (strcmp(done->cause, "interval") != 0 && strcmp(done->cause, "start") != 0)
    metrics_add(metrics, METRIC_RECOVERIES, METRIC_VALUES("engine", "reconcile"), 1);
}

static void count_trade(struct metrics *metrics, const struct trade *trade) {
  const char *strategy = metrics_name(strategy_names, trade->strategy, strategy_count);
  const char *side = metrics_name(position_side_names, trade->side, position_side_count);
  const char *result = trade->pnl_usd > 0 ? "win" : trade->pnl_usd < 0 ? "loss" : "flat";
  metrics_add(metrics, METRIC_TRADES, METRIC_VALUES(strategy, side, metrics_name(reason_code_names, trade->exit_reason, reason_code_count), result),
              1);
  metrics_add(metrics, METRIC_TRADE_PNL, METRIC_VALUES(result), fabs(decimal_to_double(trade->pnl_usd)));
  metrics_observe(metrics, METRIC_TRADE_R, METRIC_VALUES(strategy), trade->pnl_r);
  metrics_observe(metrics, METRIC_TRADE_HOLD, NULL, (double)trade->hold_ms / 1000.0);
}

static void count_signal(struct metrics *metrics, const struct signal *signal) {
  if (signal->outcome == SIGNAL_PENDING) {
    metrics_add(metrics, METRIC_SIGNALS,
                METRIC_VALUES(metrics_name(strategy_names, signal->strategy, strategy_count),
                              metrics_name(position_side_names, signal->side, position_side_count)),
                1);
  } else {
    metrics_add(metrics, METRIC_SIGNALS_ENDED, METRIC_VALUES(signal_outcome_names[signal->outcome]), 1);
  }
}

static void count_alert(struct metrics *metrics, const struct alert *alert) {
  if (alert->state == ALERT_RESOLVED && strcmp(alert->name, "position_unprotected") == 0)
    metrics_add(metrics, METRIC_RECOVERIES, METRIC_VALUES("engine", "reprotect"), 1);
  if (alert->state != ALERT_FIRING || alert->count != 1) return;
  if (strcmp(alert->name, "kill_switch") == 0) {
    metrics_add(metrics, METRIC_KILL_SWITCH, METRIC_VALUES(metrics_name(risk_cause_names, metrics->kill_cause, risk_cause_count)), 1);
  }
  if (strcmp(alert->name, "day_limit") == 0) metrics_add(metrics, METRIC_DAY_LIMIT, NULL, 1);
}

static void note_latch(struct metrics *metrics, const struct risk_record *record) {
  for (int32_t i = 0; i < record->latches_count; i++) {
    if (strcmp(record->latches[i].name, "kill_switch") == 0) metrics->kill_cause = record->latches[i].cause;
  }
}

static void count_scan(struct metrics *metrics, const struct scan_record *scan) {
  metrics_add(metrics, METRIC_SCANS, NULL, 1);
  metrics_set(metrics, METRIC_SCAN_SYMBOLS, NULL, scan->scanned);
  metrics_set(metrics, METRIC_SCAN_PASSED, NULL, scan->passed_filters);
  metrics_set(metrics, METRIC_LAST_SCAN, NULL, (double)scan->ts / 1000.0);
  metrics->has_scanned = true;
}

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  (void)seq;
  (void)ts;
  struct metrics *metrics = context;
  switch (kind) {
    case RECORD_TRANSITION: {
      const struct transition *move = object;
      metrics_add(metrics, METRIC_TRANSITIONS, METRIC_VALUES(machine_names[move->machine], move->from_state, move->to_state), 1);
      return;
    }
    case RECORD_COMMAND_REPLY:
      count_command(metrics, object);
      return;
    case RECORD_LEVEL: {
      const struct level_change *change = object;
      metrics_add(metrics, METRIC_LEVEL_TRANSITIONS, METRIC_VALUES(change->from_state, level_state_names[change->level[0].state]), 1);
      return;
    }
    case RECORD_FILL:
      metrics_add(metrics, METRIC_FILLS, METRIC_VALUES(purpose_of_fill(object), liquidity_names[((const struct fill *)object)->liquidity]), 1);
      return;
    case RECORD_PLAN:
      count_plan(metrics, object);
      return;
    case RECORD_STOP_MOVE:
      metrics_add(metrics, METRIC_STOP_MOVES, METRIC_VALUES(stop_rule_names[((const struct stop_move *)object)->rule]), 1);
      return;
    case RECORD_RECONCILIATION:
      count_reconciliation(metrics, object);
      return;
    case RECORD_SCAN:
      count_scan(metrics, object);
      return;
    case RECORD_SCAN_RESULT:
      count_filters(metrics, object);
      return;
    case RECORD_DECISION:
      count_decision(metrics, object);
      return;
    case RECORD_ORDER:
      count_order(metrics, object);
      return;
    case RECORD_SIGNAL:
      count_signal(metrics, object);
      return;
    case RECORD_TRADE:
      count_trade(metrics, object);
      return;
    case RECORD_RISK:
      note_latch(metrics, object);
      return;
    case RECORD_ALERT:
      count_alert(metrics, object);
      return;
    default:
      return;
  }
}

void metrics_step(struct metrics *metrics, enum event_kind kind, double seconds) {
  metrics_observe(metrics, METRIC_STEP_DURATION, METRIC_VALUES(event_kind_names[kind]), seconds);
  recent_add(&metrics->steps, now_ns(metrics), seconds);
  if (!metrics->has_scanned) return;
  metrics->has_scanned = false;
  metrics->scan_seconds = seconds;
  metrics_observe(metrics, METRIC_SCAN_DURATION, NULL, seconds);
}

void metrics_flush(struct metrics *metrics, double seconds) {
  metrics_observe(metrics, METRIC_JOURNAL_FLUSH, NULL, seconds);
  recent_add(&metrics->flushes, now_ns(metrics), seconds);
}

double metrics_step_p99(const struct metrics *metrics) {
  return recent_p99(&metrics->steps, now_ns(metrics));
}

double metrics_flush_p99(const struct metrics *metrics) {
  return recent_p99(&metrics->flushes, now_ns(metrics));
}

void metrics_phases(struct metrics *metrics, int64_t phase_ns[engine_phase_count]) {
  for (int phase = PHASE_OTHER + 1; phase < engine_phase_count; phase++) {
    if (phase_ns[phase] != 0) metrics_observe(metrics, METRIC_CYCLE, METRIC_VALUES(engine_phase_names[phase]), (double)phase_ns[phase] * 1e-9);
  }
  memset(phase_ns, 0, engine_phase_count * sizeof phase_ns[0]);
}

double metrics_scan_seconds(const struct metrics *metrics) {
  return metrics->scan_seconds;
}

void metrics_listener(struct metrics *metrics, struct listener *out) {
  *out = (struct listener){.context = metrics, .on_event = on_event, .on_intent = on_intent, .on_record = on_record};
}
