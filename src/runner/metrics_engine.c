/* What is read from the engine and the process before the numbers are shown. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/text.h"
#include "engine/view.h"
#include "runner/freshness.h"
#include "runner/metrics_state.h"

/* ---- the engine's gauges ---- */

static double money(int64_t value) {
  return value == DECIMAL_NULL ? NAN : decimal_to_double(value);
}

static void read_account(struct metrics *metrics, const struct engine *engine, const struct engine_status *status) {
  const struct ledger *ledger = engine_ledger(engine);
  const struct preset *preset = engine_preset(engine);
  const char *const *mode = METRIC_VALUES(metrics_name(trading_mode_names, status->mode, trading_mode_count));
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
  double deep = 0;
  double candidates[candidate_state_count] = {0};
  double levels[level_state_count] = {0};
  double walls[wall_side_count] = {0};
  int32_t count = engine_symbol_count(engine);
  for (int32_t i = 0; i < count; i++) {
    warm += market_is_warm(engine_market(engine, i)) ? 1 : 0;
    deep += engine_is_deep(engine, i) ? 1 : 0;
    const struct candidate *candidate = engine_candidate(engine, i);
    if (candidate != NULL) candidates[candidate->state] += 1;
    const struct level_set *set = engine_levels(engine, i);
    for (int32_t k = 0; k < set->active_count; k++) levels[set->active[k].state] += 1;
    const struct density *density = engine_density(engine, i);
    for (int32_t k = 0; density != NULL && k < density->wall_count; k++)
      walls[density->walls[k].side] += density->walls[k].state == WALL_STANDING ? 1 : 0;
  }
  metrics_set(metrics, METRIC_SYMBOLS, METRIC_VALUES("wide"), warm);
  metrics_set(metrics, METRIC_SYMBOLS, METRIC_VALUES("deep"), deep);
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
    metrics_set(metrics, METRIC_SESSION_INFO, METRIC_VALUES(id, status->preset, metrics_name(trading_mode_names, status->mode, trading_mode_count)),
                1);
  }
  metrics_forget(metrics, METRIC_LATCH);
  for (int32_t i = 0; i < status->latches_count; i++) {
    metrics_set(metrics, METRIC_LATCH, METRIC_VALUES(metrics_name(risk_cause_names, status->latches[i].cause, risk_cause_count)), 1);
  }
  metrics_set(metrics, METRIC_SLOTS_USED, NULL, status->slots_used);
  metrics_set(metrics, METRIC_SLOTS_TOTAL, NULL, status->slots_total);
}

static void read_feed(struct metrics *metrics, const struct engine *engine, int64_t now) {
  int64_t duplicate = 0, late = 0, invalid = 0, books = 0, crossed = 0, gaps = 0;
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    const struct market *market = engine_market(engine, i);
    duplicate += market->duplicates;
    late += market->late + market->flow.dropped;
    invalid += market->invalid;
    books += market->book.drops;
    crossed += market->book.drops_crossed;
    gaps += market->gaps + market->filled;
  }
  metrics_set(metrics, METRIC_FEED_DROPPED, METRIC_VALUES("duplicate"), (double)duplicate);
  metrics_set(metrics, METRIC_FEED_DROPPED, METRIC_VALUES("late"), (double)late);
  metrics_set(metrics, METRIC_FEED_DROPPED, METRIC_VALUES("invalid"), (double)invalid);
  metrics_set(metrics, METRIC_FEED_DROPPED, METRIC_VALUES("sequence"), (double)(books - crossed));
  metrics_set(metrics, METRIC_FEED_DROPPED, METRIC_VALUES("crossed"), (double)crossed);
  metrics_set(metrics, METRIC_FEED_GAPS, METRIC_VALUES("candle"), (double)gaps);
  metrics_set(metrics, METRIC_FEED_GAPS, METRIC_VALUES("book"), (double)(books - crossed));
  metrics_set(metrics, METRIC_ERRORS, METRIC_VALUES("feed", "data"), (double)(invalid + books + gaps));
  struct freshness fresh;
  freshness_read(engine, now, &fresh);
  for (int kind = 0; kind < freshness_kind_count; kind++)
    metrics_set(metrics, METRIC_FEED_AGE, METRIC_VALUES(freshness_kind_names[kind]), fresh.oldest_s[kind]);
}

static void read_correlation(struct metrics *metrics, const struct engine *engine) {
  double shares[correlation_bucket_count];
  engine_correlation_read(engine, shares);
  for (int i = 0; i < correlation_bucket_count; i++) metrics_set(metrics, METRIC_CORRELATED, METRIC_VALUES(correlation_bucket_names[i]), shares[i]);
}

void metrics_read_engine(struct metrics *metrics, const struct engine *engine, int64_t now) {
  struct engine_status status;
  engine_status_read(engine, &status);
  read_state(metrics, &status);
  read_account(metrics, engine, &status);
  read_positions(metrics, engine);
  read_orders(metrics, engine);
  read_symbols(metrics, engine);
  const struct engine_counts *counts = engine_counts(engine);
  for (int machine = 0; machine < machine_count; machine++)
    metrics_set(metrics, METRIC_ILLEGAL, METRIC_VALUES(machine_names[machine]), (double)counts->illegal_of[machine]);
  metrics_set(metrics, METRIC_ERRORS, METRIC_VALUES("engine", "internal"), (double)(counts->illegal_transitions + counts->ledger_breaks));
  metrics_set(metrics, METRIC_EVENT_TIME, NULL, now > 0 ? (double)now / 1e3 : (double)NAN);
  read_feed(metrics, engine, now);
  read_correlation(metrics, engine);
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
