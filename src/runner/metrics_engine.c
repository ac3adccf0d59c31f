/* What is counted from events and records as they pass, and what is read from the engine and the process before the numbers are shown. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/text.h"
#include "engine/view.h"
#include "runner/metrics_state.h"

/* ---- events and records ---- */

static void on_event(void *context, const struct event *event) {
  struct metrics *metrics = context;
  struct series **series = &metrics->events[event->kind];
  if (*series == NULL) *series = metrics_series(metrics, METRIC_EVENTS, METRIC_VALUES(event_kind_names[event->kind]));
  (*series)->is_set = true;
  (*series)->value += 1;
}

static const char *name_of(const char *const *names, int32_t value, int32_t count) {
  return value >= 0 && value < count ? names[value] : "none";
}

static void count_filters(struct metrics *metrics, const struct scan_result *result) {
  for (int32_t i = 0; i < result->filters_count; i++) {
    const struct reason *reason = &result->filters[i];
    const char *verdict = reason->skipped ? "skipped" : reason->passed ? "passed" : "failed";
    metrics_add(metrics, METRIC_FILTER_RESULTS, METRIC_VALUES(reason_code_names[reason->code], verdict), 1);
  }
}

static void count_decision(struct metrics *metrics, const struct decision *decision) {
  metrics_add(metrics, METRIC_DECISIONS, METRIC_VALUES(stage_names[decision->stage], verdict_names[decision->verdict]), 1);
  if (decision->stage != STAGE_RISK) return;
  bool is_accepted = decision->verdict == VERDICT_PASSED;
  metrics_add(metrics, METRIC_RISK_CHECKS, METRIC_VALUES(is_accepted ? "accepted" : "refused"), 1);
  if (!is_accepted) metrics_add(metrics, METRIC_RISK_CHECKS_FAILED, METRIC_VALUES(reason_code_names[decision->code]), 1);
}

static void count_order(struct metrics *metrics, const struct order *order) {
  bool is_acked_now = order->acked_at != 0 && order->acked_at == order->updated_at && order->sent_at != 0;
  if (is_acked_now)
    metrics_observe(metrics, METRIC_ORDER_ACK, METRIC_VALUES(order_purpose_names[order->purpose]), (double)(order->acked_at - order->sent_at) / 1e3);
  /* An ended order is told again when a late fill arrives; it is counted when it ends. */
  bool ends_now = order->ended_at != 0 && order->ended_at == order->updated_at;
  if (!ends_now) return;
  metrics_add(metrics, METRIC_ORDERS,
              METRIC_VALUES(order_purpose_names[order->purpose], order_type_names[order->type], order_state_names[order->state]), 1);
  if (order->state == ORDER_REJECTED) {
    metrics_add(metrics, METRIC_ORDER_REJECTS, METRIC_VALUES(order->reject_code[0] != '\0' ? order->reject_code : "none"), 1);
  }
}

static void count_trade(struct metrics *metrics, const struct trade *trade) {
  const char *strategy = name_of(strategy_names, trade->strategy, strategy_count);
  const char *side = name_of(position_side_names, trade->side, position_side_count);
  const char *result = trade->pnl_usd > 0 ? "win" : trade->pnl_usd < 0 ? "loss" : "flat";
  metrics_add(metrics, METRIC_TRADES, METRIC_VALUES(strategy, side, name_of(reason_code_names, trade->exit_reason, reason_code_count), result), 1);
  metrics_observe(metrics, METRIC_TRADE_R, METRIC_VALUES(strategy), trade->pnl_r);
  metrics_observe(metrics, METRIC_TRADE_HOLD, NULL, (double)trade->hold_ms / 1000.0);
}

static void count_signal(struct metrics *metrics, const struct signal *signal) {
  if (signal->outcome == SIGNAL_PENDING) {
    metrics_add(
        metrics, METRIC_SIGNALS,
        METRIC_VALUES(name_of(strategy_names, signal->strategy, strategy_count), name_of(position_side_names, signal->side, position_side_count)), 1);
  } else {
    metrics_add(metrics, METRIC_SIGNALS_ENDED, METRIC_VALUES(signal_outcome_names[signal->outcome]), 1);
  }
}

static void count_alert(struct metrics *metrics, const struct alert *alert) {
  if (alert->state != ALERT_FIRING || alert->count != 1) return;
  if (strcmp(alert->name, "kill_switch") == 0) {
    metrics_add(metrics, METRIC_KILL_SWITCH, METRIC_VALUES(name_of(risk_cause_names, metrics->kill_cause, risk_cause_count)), 1);
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
    case RECORD_COMMAND_REPLY: {
      const struct command_reply *reply = object;
      if (reply->status == COMMAND_IN_PROGRESS) return;
      metrics_add(metrics, METRIC_COMMANDS,
                  METRIC_VALUES(command_names[reply->command], command_source_names[reply->source], command_status_names[reply->status]), 1);
      return;
    }
    case RECORD_LEVEL: {
      const struct level_change *change = object;
      metrics_add(metrics, METRIC_LEVEL_TRANSITIONS, METRIC_VALUES(change->from_state, level_state_names[change->level[0].state]), 1);
      return;
    }
    case RECORD_FILL:
      metrics_add(metrics, METRIC_FILLS, METRIC_VALUES(liquidity_names[((const struct fill *)object)->liquidity]), 1);
      return;
    case RECORD_STOP_MOVE:
      metrics_add(metrics, METRIC_STOP_MOVES, METRIC_VALUES(stop_rule_names[((const struct stop_move *)object)->rule]), 1);
      return;
    case RECORD_RECONCILIATION: {
      const struct reconciliation *done = object;
      metrics_add(metrics, METRIC_RECONCILIATIONS, METRIC_VALUES(done->cause), 1);
      metrics_add(metrics, METRIC_RECONCILE_DIFF, NULL, done->differences);
      return;
    }
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
  if (!metrics->has_scanned) return;
  metrics->has_scanned = false;
  metrics->scan_seconds = seconds;
  metrics_observe(metrics, METRIC_SCAN_DURATION, NULL, seconds);
}

double metrics_scan_seconds(const struct metrics *metrics) {
  return metrics->scan_seconds;
}

void metrics_listener(struct metrics *metrics, struct listener *out) {
  *out = (struct listener){.context = metrics, .on_event = on_event, .on_record = on_record};
}

/* ---- the engine's gauges ---- */

static double money(int64_t value) {
  return value == DECIMAL_NULL ? NAN : decimal_to_double(value);
}

static void read_account(struct metrics *metrics, const struct engine *engine, const struct engine_status *status) {
  const struct ledger *ledger = engine_ledger(engine);
  const struct preset *preset = engine_preset(engine);
  const char *const *mode = METRIC_VALUES(name_of(trading_mode_names, status->mode, trading_mode_count));
  double day_loss = ledger_day_loss(ledger);
  double drawdown = ledger_drawdown(ledger);
  metrics_set(metrics, METRIC_EQUITY, mode, money(ledger->equity_usd));
  metrics_set(metrics, METRIC_CASH, mode, money(ledger->cash_usd));
  metrics_set(metrics, METRIC_UNREALISED, mode, money(ledger->unrealised_usd));
  metrics_set(metrics, METRIC_DAY_PNL, mode, money(status->day_pnl_usd));
  metrics_set(metrics, METRIC_DAILY_R, mode, status->daily_r);
  metrics_set(metrics, METRIC_DAY_LOSS, mode, day_loss);
  metrics_set(metrics, METRIC_DRAWDOWN, mode, drawdown);
  metrics_set(metrics, METRIC_REALISED, mode, money(ledger->realised_usd));
  metrics_set(metrics, METRIC_HIGH_WATER_MARK, NULL, money(ledger->high_water_mark_usd));
  metrics_set(metrics, METRIC_CONSECUTIVE_LOSSES, NULL, ledger->consecutive_losses);
  metrics_set(metrics, METRIC_FEES, NULL, money(ledger->fees_usd));
  metrics_set(metrics, METRIC_FUNDING, NULL, money(ledger->funding_usd));
  metrics_set(metrics, METRIC_LEDGER_RESIDUAL, NULL, money(ledger_residual(ledger)));
  metrics_set(metrics, METRIC_DAY_LIMIT_USED, NULL, preset != NULL ? day_loss / preset->risk.daily_risk_limit : NAN);
  metrics_set(metrics, METRIC_KILL_LIMIT_USED, NULL, preset != NULL ? drawdown / preset->risk.kill_switch_loss_limit : NAN);
}

static void read_positions(struct metrics *metrics, const struct engine *engine) {
  static const enum metric of_symbols[] = {METRIC_POSITION_PNL_R, METRIC_POSITION_NOTIONAL, METRIC_POSITION_STOP};
  for (size_t i = 0; i < sizeof of_symbols / sizeof of_symbols[0]; i++) metrics_forget(metrics, of_symbols[i]);
  double margin = 0;
  double risk[position_side_count] = {0};
  double notional[position_side_count] = {0};
  double open[position_side_count] = {0};
  double states[position_state_count] = {0};
  double longest = 0;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    const char *const *values = METRIC_VALUES(position->symbol, position_side_names[position->side]);
    double value = money(position->notional_usd);
    metrics_set(metrics, METRIC_POSITION_PNL_R, values, position->pnl_r);
    metrics_set(metrics, METRIC_POSITION_NOTIONAL, values, value);
    double mark = money(position->mark);
    metrics_set(metrics, METRIC_POSITION_STOP, values, mark > 0 ? fabs(mark - money(position->stop)) / mark : NAN);
    int64_t at_risk = position_open_risk(position);
    risk[position->side] += at_risk > 0 ? money(at_risk) : 0;
    notional[position->side] += isnan(value) ? 0 : value;
    margin += money(position->margin_usd);
    open[position->side] += 1;
    states[position->state] += 1;
    double age = position->unprotected_since != 0 ? (double)(engine_now(engine) - position->unprotected_since) / 1000.0 : 0;
    longest = fmax(longest, age);
  }
  for (int side = 0; side < position_side_count; side++) {
    metrics_set(metrics, METRIC_OPEN_RISK, METRIC_VALUES(position_side_names[side]), risk[side]);
    metrics_set(metrics, METRIC_NOTIONAL, METRIC_VALUES(position_side_names[side]), notional[side]);
    metrics_set(metrics, METRIC_POSITIONS_OPEN, METRIC_VALUES(position_side_names[side]), open[side]);
  }
  for (int state = 0; state < position_state_count; state++) {
    metrics_set(metrics, METRIC_POSITION_STATE, METRIC_VALUES(position_state_names[state]), states[state]);
  }
  double equity = money(engine_ledger(engine)->equity_usd);
  metrics_set(metrics, METRIC_MARGIN_USED, NULL, equity > 0 ? margin / equity : NAN);
  metrics_set(metrics, METRIC_UNPROTECTED, NULL, longest);
  metrics_set(metrics, METRIC_UNPROTECTED_TOTAL, NULL, (double)engine_counts(engine)->unprotected_ms / 1000.0);
}

static void read_orders(struct metrics *metrics, const struct engine *engine) {
  double unknown = 0;
  double open[order_purpose_count][order_state_count] = {{0}};
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (order_is_ended(order)) continue;
    open[order->purpose][order->state] += 1;
    unknown += order->state == ORDER_UNKNOWN ? 1 : 0;
  }
  metrics_forget(metrics, METRIC_ORDERS_OPEN);
  for (int purpose = 0; purpose < order_purpose_count; purpose++) {
    for (int state = 0; state < order_state_count; state++) {
      if (open[purpose][state] == 0) continue;
      metrics_set(metrics, METRIC_ORDERS_OPEN, METRIC_VALUES(order_purpose_names[purpose], order_state_names[state]), open[purpose][state]);
    }
  }
  metrics_set(metrics, METRIC_ORDERS_UNKNOWN, NULL, unknown);
}

static void read_symbols(struct metrics *metrics, const struct engine *engine) {
  double warm = 0;
  double candidates[candidate_state_count] = {0};
  double levels[level_state_count] = {0};
  double walls[wall_side_count] = {0};
  int32_t count = engine_symbol_count(engine);
  for (int32_t i = 0; i < count; i++) {
    warm += market_is_warm(engine_market(engine, i)) ? 1 : 0;
    const struct candidate *candidate = engine_candidate(engine, i);
    if (candidate != NULL) candidates[candidate->state] += 1;
    const struct level_set *set = engine_levels(engine, i);
    for (int32_t k = 0; k < set->active_count; k++) levels[set->active[k].state] += 1;
    const struct density *density = engine_density(engine, i);
    for (int32_t k = 0; density != NULL && k < density->wall_count; k++)
      walls[density->walls[k].side] += density->walls[k].state == WALL_STANDING ? 1 : 0;
  }
  metrics_set(metrics, METRIC_SYMBOLS, METRIC_VALUES("wide"), warm);
  metrics_set(metrics, METRIC_SYMBOLS, METRIC_VALUES("not_ready"), count - warm);
  for (int state = CANDIDATE_WATCHING; state <= CANDIDATE_ENTERING; state++) {
    metrics_set(metrics, METRIC_CANDIDATES, METRIC_VALUES(candidate_state_names[state]), candidates[state]);
  }
  for (int side = 0; side < wall_side_count; side++) metrics_set(metrics, METRIC_WALLS, METRIC_VALUES(wall_side_names[side]), walls[side]);
  for (int state = LEVEL_FORMED; state <= LEVEL_RETESTED; state++)
    metrics_set(metrics, METRIC_LEVELS, METRIC_VALUES(level_state_names[state]), levels[state]);
}

static void read_state(struct metrics *metrics, const struct engine_status *status) {
  for (int word = 0; word < engine_word_count; word++) {
    metrics_set(metrics, METRIC_ENGINE_STATE, METRIC_VALUES(engine_word_names[word]), status->state == word ? 1 : 0);
  }
  metrics_forget(metrics, METRIC_SESSION_INFO);
  bool is_active = status->session_state != SESSION_IDLE && status->session_state != SESSION_STOPPED && status->session_state != SESSION_EMERGENCY;
  if (status->session_id != 0 && is_active) {
    char id[16];
    struct text text;
    text_init(&text, id, sizeof id);
    text_add_id(&text, 'S', 6, status->session_id);
    metrics_set(metrics, METRIC_SESSION_INFO, METRIC_VALUES(id, status->preset, name_of(trading_mode_names, status->mode, trading_mode_count)), 1);
  }
  metrics_forget(metrics, METRIC_LATCH);
  for (int32_t i = 0; i < status->latches_count; i++) {
    metrics_set(metrics, METRIC_LATCH, METRIC_VALUES(name_of(risk_cause_names, status->latches[i].cause, risk_cause_count)), 1);
  }
  metrics_set(metrics, METRIC_SLOTS_USED, NULL, status->slots_used);
  metrics_set(metrics, METRIC_SLOTS_TOTAL, NULL, status->slots_total);
}

void metrics_read_engine(struct metrics *metrics, const struct engine *engine) {
  struct engine_status status;
  engine_status_read(engine, &status);
  read_state(metrics, &status);
  read_account(metrics, engine, &status);
  read_positions(metrics, engine);
  read_orders(metrics, engine);
  read_symbols(metrics, engine);
  const struct engine_counts *counts = engine_counts(engine);
  metrics_set(metrics, METRIC_ILLEGAL, NULL, (double)counts->illegal_transitions);
  metrics_set(metrics, METRIC_FEED_DROPPED, NULL, (double)counts->feed_dropped);
  double alerts[severity_count] = {0};
  for (int32_t i = 0; i < engine_alert_count(engine); i++) alerts[engine_alert(engine, i)->severity] += 1;
  for (int i = 0; i < severity_count; i++) metrics_set(metrics, METRIC_ALERTS, METRIC_VALUES(severity_names[i]), alerts[i]);
}

/* ---- the process ---- */

/* Memory and threads from /proc; absent where that cannot be read. */
static void read_proc(struct metrics *metrics) {
  FILE *file = fopen("/proc/self/status", "re");
  if (file == NULL) return;
  char line[256];
  while (fgets(line, sizeof line, file) != NULL) {
    char *colon = strchr(line, ':');
    if (colon == NULL) continue;
    *colon = '\0';
    double value = (double)strtol(colon + 1, NULL, 10);
    if (strcmp(line, "VmRSS") == 0) metrics_set(metrics, METRIC_PROCESS_RSS, NULL, value * 1024.0);
    if (strcmp(line, "VmSize") == 0) metrics_set(metrics, METRIC_PROCESS_VSIZE, NULL, value * 1024.0);
    if (strcmp(line, "Threads") == 0) metrics_set(metrics, METRIC_THREADS, NULL, value);
  }
  fclose(file);
}

static double count_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return NAN;
  double count = -3; /* ".", ".." and the folder itself */
  while (readdir(folder) != NULL) count += 1;
  closedir(folder);
  return count;
}

void metrics_read_process(struct metrics *metrics) {
  static const char *const levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
  struct rlimit limit;
  bool has_limit = getrlimit(RLIMIT_NOFILE, &limit) == 0;
  metrics_set(metrics, METRIC_PROCESS_CPU, NULL, cpu);
  metrics_set(metrics, METRIC_PROCESS_FDS, NULL, count_descriptors());
  metrics_set(metrics, METRIC_PROCESS_FDS_MAX, NULL, has_limit ? (double)limit.rlim_cur : NAN);
  metrics_set(metrics, METRIC_PROCESS_START, NULL, (double)metrics->started_ms / 1000.0);
  metrics_set(metrics, METRIC_UPTIME, NULL, (double)(metrics->clock->now_ms(metrics->clock->self) - metrics->started_ms) / 1000.0);
  for (int i = 0; i <= LOG_CRITICAL; i++) metrics_set(metrics, METRIC_LOG_LINES, METRIC_VALUES(levels[i]), (double)log_count((enum log_level)i));
  read_proc(metrics);
}
