#include "apps/run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/progress.h"
#include "core/strategy/market_filter.h"

/* ---- lists ---- */

static void *list_add(struct run_list *list, const void *item, size_t size) {
  if (list->count == list->capacity) {
    list->item_size = size;
    list->capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
    list->data = realloc(list->data, (size_t)list->capacity * size);
    check(list->data != NULL);
  }
  void *place = list->data + (size_t)list->count++ * size;
  memcpy(place, item, size);
  return place;
}

static void list_free(struct run_list *list) {
  free(list->data);
  *list = (struct run_list){0};
}

void run_deinit(struct run *run) {
  list_free(&run->trades);
  list_free(&run->left_open);
  list_free(&run->marks);
  list_free(&run->orders);
  list_free(&run->fills);
  list_free(&run->decisions);
  list_free(&run->levels);
  list_free(&run->stop_moves);
  free(run->returns);
  run->returns = NULL;
}

const struct trade *run_trade(const struct run *run, int64_t i) {
  return (const struct trade *)(const void *)(run->trades.data + (size_t)i * sizeof(struct trade));
}

/* ---- collecting ---- */

struct collector {
  struct run *run;
  const struct run_options *options;
};

/* What the figures need of a mark. */
static void follow_mark(struct run *run, const struct equity *record) {
  const struct equity_point point = {.ts = record->ts,
                                     .equity_usd = decimal_to_double(record->equity_usd),
                                     .positions = record->positions,
                                     .notional_usd = decimal_to_double(record->notional_usd)};
  check(run->returns != NULL); /* the account is marked from the start of trading on */
  performance_curve_add(&run->curve, &point);
}

/* Marks that repeat a flat account say nothing new: only the first and last of such a stretch are kept. */
static void collect_mark(struct run *run, const struct equity *record) {
  struct equity_point point = {.ts = record->ts,
                               .equity_usd = decimal_to_double(record->equity_usd),
                               .cash_usd = decimal_to_double(record->cash_usd),
                               .unrealised_usd = decimal_to_double(record->unrealised_usd),
                               .drawdown = record->drawdown,
                               .cumulative_r = record->cumulative_r,
                               .positions = record->positions,
                               .notional_usd = decimal_to_double(record->notional_usd)};
  struct equity_point *marks = (struct equity_point *)(void *)run->marks.data;
  int64_t n = run->marks.count;
  bool repeats = n >= 2 && point.positions == 0 && marks[n - 1].positions == 0 && marks[n - 2].positions == 0 &&
                 marks[n - 1].equity_usd == point.equity_usd && marks[n - 2].equity_usd == point.equity_usd;
  if (repeats) {
    marks[n - 1] = point;
  } else {
    list_add(&run->marks, &point, sizeof point);
  }
}

static void collect_decision(struct collector *collector, const struct decision *decision) {
  struct run *run = collector->run;
  ++run->decisions_total;
  ++run->funnel.by_code[decision->code];
  bool has_passed = decision->verdict == VERDICT_PASSED;
  switch ((enum stage)decision->stage) {
    case STAGE_FILTER:
    case STAGE_RANK:
      ++run->funnel.scanned;
      if (has_passed) ++run->funnel.passed;
      break;
    case STAGE_SIGNAL:
      ++run->funnel.watching;
      break;
    case STAGE_RISK:
      run->funnel.sized += has_passed ? 1 : 0;
      break;
    case STAGE_EXECUTION:
      run->funnel.entered += has_passed ? 1 : 0;
      break;
    default:
      break;
  }
  if (collector->options->keeps_orders && decision->stage >= STAGE_SIGNAL) list_add(&run->decisions, decision, sizeof *decision);
}

static void collect_trade(struct run *run, const struct trade *trade) {
  bool is_left = trade->exit_reason == REASON_end_of_data;
  list_add(is_left ? &run->left_open : &run->trades, trade, sizeof *trade);
}

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  (void)seq;
  (void)ts;
  struct collector *collector = context;
  struct run *run = collector->run;
  bool keeps = collector->options->keeps_orders;
  switch (kind) {
    case RECORD_TRADE:
      collect_trade(run, object);
      break;
    case RECORD_EQUITY:
      if (collector->options->drops_marks) {
        follow_mark(run, object);
      } else {
        collect_mark(run, object);
      }
      break;
    case RECORD_DECISION:
      collect_decision(collector, object);
      break;
    case RECORD_SIGNAL:
      if (((const struct signal *)object)->outcome == SIGNAL_PENDING) ++run->funnel.signalled;
      break;
    case RECORD_ORDER:
      if (keeps && order_is_ended(object)) list_add(&run->orders, object, sizeof(struct order));
      break;
    case RECORD_FILL:
      if (keeps) list_add(&run->fills, object, sizeof(struct fill));
      break;
    case RECORD_LEVEL:
      if (keeps) list_add(&run->levels, object, sizeof(struct level_change));
      break;
    case RECORD_STOP_MOVE:
      if (keeps) list_add(&run->stop_moves, object, sizeof(struct stop_move));
      break;
    case RECORD_COMMAND_REPLY:
      if (((const struct command_reply *)object)->command == COMMAND_KILL_SWITCH && ((const struct command_reply *)object)->status == COMMAND_DONE)
        ++run->kills;
      break;
    default:
      break;
  }
}

/* ---- the course of a run ---- */

static bool is_plain_channel(const struct preset *preset) {
  return preset->strategy_priority == STRATEGY_PRIORITY_CHANNEL && !preset->channel_config.scan;
}

/* The kill switch ended trading: with next-day the latch is released at the next 00:00 UTC and a session begins again (stamped). */
static void continue_next_day(struct run *run, struct wiring *wiring, int64_t ts, int64_t *killed_at) {
  if (engine_session_state(wiring->engine) != SESSION_EMERGENCY) {
    *killed_at = 0;
    return;
  }
  if (*killed_at == 0) *killed_at = ts;
  if (calendar_day_start(ts) <= calendar_day_start(*killed_at)) return;
  struct event event = {
      .ts = ts, .kind = EVENT_COMMAND, .command = {.command = COMMAND_RESET, .source = SOURCE_OPERATOR, .acknowledge_drawdown = true}};
  event.command.operation_id = engine_counters(wiring->engine)->operation + 1;
  text_copy(event.command.user, sizeof event.command.user, "after-kill next-day");
  runner_step(&wiring->runner, &event);
  wiring_put_command(wiring, ts, COMMAND_START, "backtest");
  run->after_kill_reset = true;
  *killed_at = 0;
}

/* Only a session that was paused here goes on again here. */
static void keep_pauses(struct wiring *wiring, const struct run_options *options, int64_t ts, bool *is_paused) {
  enum session_state state = engine_session_state(wiring->engine);
  bool is_inside = false;
  for (int i = 0; i < options->pause_count; i++) is_inside = is_inside || (ts >= options->pauses[i].from_ms && ts < options->pauses[i].to_ms);
  if (is_inside && state == SESSION_RUNNING) {
    wiring_put_command(wiring, ts, COMMAND_PAUSE, "backtest");
    *is_paused = true;
  } else if (!is_inside && *is_paused) {
    if (state == SESSION_PAUSED) wiring_put_command(wiring, ts, COMMAND_RESUME, "backtest");
    *is_paused = engine_session_state(wiring->engine) == SESSION_PAUSED; /* refused: an entry is not resolved yet */
  }
}

static int64_t end_of(const struct wiring *wiring, const struct run_options *options) {
  int64_t from;
  int64_t to;
  source_range(wiring->source, &from, &to);
  if (options->to_ms != 0 && options->to_ms < to) to = options->to_ms;
  if (options->cut_at_ms != 0 && options->cut_at_ms < to) to = options->cut_at_ms;
  return to;
}

static void begin_trading(struct run *run, struct wiring *wiring, const struct run_options *options, int64_t ts) {
  int64_t days = (end_of(wiring, options) - ts) / DAY_MS + 4;
  run->started_at = ts;
  if (options->drops_marks) {
    run->returns = calloc((size_t)days, sizeof *run->returns);
    check(run->returns != NULL);
    performance_curve_begin(&run->curve, ts, run->returns);
  }
  wiring_put_command(wiring, ts, COMMAND_START, "backtest");
}

static enum status play(struct run *run, struct wiring *wiring, const struct run_options *options) {
  struct problem *problem = &wiring->app->problem;
  int64_t to = end_of(wiring, options);
  int64_t first = playback_next_ts(&wiring->playback);
  int64_t killed_at = 0;
  int64_t last_ts = first;
  bool is_paused = false;
  if (options->shows_progress) progress_begin("backtest", to > first ? to - first : 1);
  for (int64_t n = 0;; n++) {
    if (playback_next_ts(&wiring->playback) > to || app_interrupted) break;
    struct event event;
    enum status status = playback_next(&wiring->playback, &event, problem);
    if (status == STATUS_END) break;
    if (status) return status;
    last_ts = event.ts;
    if (event.kind == EVENT_CANDLE) ++run->candles;
    runner_market(&wiring->runner, &event);
    if (event.kind != EVENT_TICK) continue;
    if (run->started_at == 0 && event.ts >= options->from_ms && engine_is_warm(wiring->engine)) begin_trading(run, wiring, options, event.ts);
    if (options->after_kill == AFTER_KILL_NEXT_DAY) continue_next_day(run, wiring, event.ts, &killed_at);
    if (options->pause_count > 0) keep_pauses(wiring, options, event.ts, &is_paused);
    if (options->shows_progress && n % 64 == 0) progress_set(event.ts - first);
  }
  if (options->shows_progress) progress_end();
  run->ended_at = last_ts;
  struct event end = {.ts = last_ts, .kind = EVENT_END_OF_DATA};
  if (options->cut_at_ms == 0) runner_market(&wiring->runner, &end);
  return app_interrupted ? STATUS_INTERRUPTED : STATUS_OK;
}

/* ---- figures ---- */

/* Mean over the symbols of last close / first close - 1 inside the traded range, and the same of the reference. */
static void market_changes(struct run *run, const struct wiring *wiring) {
  double sum = 0;
  int count = 0;
  run->reference_change = NAN;
  for (int i = 0; i < source_symbol_count(wiring->source); i++) {
    size_t n;
    const struct candle *candles = source_candles(wiring->source, i, &n);
    size_t a = 0;
    while (a < n && candles[a].open_ts < run->started_at) ++a;
    size_t b = n;
    while (b > a && candles[b - 1].open_ts >= run->ended_at) --b;
    if (b <= a + 1) continue;
    double change = candles[b - 1].close / candles[a].close - 1.0;
    sum += change;
    ++count;
    if (engine_market(wiring->engine, i)->is_reference) run->reference_change = change;
  }
  run->market_change = count > 0 ? sum / count : NAN;
}

static int32_t count_path_dependent(const struct run *run) {
  int32_t count = 0;
  for (int64_t i = 0; i < run->trades.count; i++) count += run_trade(run, i)->path_dependent ? 1 : 0;
  return count;
}

static void compute_figures(struct run *run) {
  const struct engine_counts *counts = &run->counts;
  struct performance_input input = {.trades = (const struct trade *)(const void *)run->trades.data,
                                    .trade_count = (int32_t)run->trades.count,
                                    .marks = (const struct equity_point *)(const void *)run->marks.data,
                                    .mark_count = run->marks.count,
                                    .curve = run->returns != NULL ? &run->curve : NULL,
                                    .from = run->started_at,
                                    .to = run->ended_at,
                                    .turnover_usd = counts->turnover_usd,
                                    .slippage_usd = counts->slippage_usd,
                                    .entries = (int32_t)counts->entries,
                                    .plans = (int32_t)counts->plans,
                                    .unfilled_entries = (int32_t)counts->unfilled_entries,
                                    .refused_plans = (int32_t)counts->refused_plans,
                                    .breakeven_moves = (int32_t)counts->breakeven_moves,
                                    .trailing_moves = (int32_t)counts->trailing_moves,
                                    .add_ons = (int32_t)counts->add_ons,
                                    .left_open = (int32_t)run->left_open.count,
                                    .path_dependent_trades = count_path_dependent(run),
                                    .market_change = run->market_change,
                                    .reference_change = run->reference_change};
  int64_t days = (run->ended_at - run->started_at) / DAY_MS + 4;
  double *scratch = calloc((size_t)(run->trades.count + 2 * days), sizeof *scratch);
  check(scratch != NULL);
  performance_compute(&input, scratch, &run->performance);
  free(scratch);
}

static enum status judge(const struct run *run, struct problem *problem) {
  if (run->counts.illegal_transitions > 0) {
    problem_add(problem, "internal", "engine", NULL, NULL, "%lld illegal transitions", (long long)run->counts.illegal_transitions);
    return STATUS_FAILED;
  }
  if (run->counts.ledger_breaks > 0) {
    problem_add(problem, "internal", "ledger", NULL, NULL, "cash + unrealised differed from equity %lld times", (long long)run->counts.ledger_breaks);
    return STATUS_FAILED;
  }
  return STATUS_OK;
}

static void gather(struct run *run, struct wiring *wiring) {
  struct sim_account account;
  sim_account(&wiring->sim, &account);
  run->funding_unknown = account.funding_unknown;
  run->counts = *engine_counts(wiring->engine);
  run->events = run->counts.events;
  run->end_equity_usd = engine_ledger(wiring->engine)->equity_usd;
  run->start_balance_usd = wiring->config.starting_balance;
  run->stamps = source_stamps(wiring->source);
  uint32_t capabilities = 0;
  for (int i = 0; i < source_symbol_count(wiring->source); i++) capabilities |= source_capabilities(wiring->source, i);
  run->skipped_filters = is_plain_channel(&wiring->preset.preset) ? 0 : market_filter_skipped(capabilities, engine_reference(wiring->engine) != NULL);
  int32_t interval = wiring->preset.preset.scanner_config.scan_interval_seconds;
  bool ticks_by_candle = (capabilities & (CAPABILITY_TRADES | CAPABILITY_BOOK)) == 0;
  run->scan_interval_rounded = ticks_by_candle && !is_plain_channel(&wiring->preset.preset) && interval * INT64_C(1000) % wiring->limits.base_ms != 0;
  source_checksum(wiring->source, run->dataset_checksum);
  market_changes(run, wiring);
  compute_figures(run);
  runner_digest(&wiring->runner, run->digest);
}

enum status run_execute(struct run *run, struct wiring *wiring, const struct run_options *options) {
  struct problem *problem = &wiring->app->problem;
  *run = (struct run){.requested_from = options->from_ms};
  enum status status = wiring_open_engine(wiring, &options->wiring, NULL, NULL);
  if (status) return status;
  struct collector collector = {run, options};
  runner_listen(&wiring->runner, &(struct listener){.context = &collector, .on_record = on_record});
  if (options->listener != NULL) runner_listen(&wiring->runner, options->listener);
  if (options->on_open != NULL) options->on_open(options->context, wiring);
  struct timespec before;
  struct timespec after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  status = wiring_describe_symbols(wiring);
  if (status) return status;
  wiring_put_preset(wiring, wiring->source_feed.from);
  status = play(run, wiring, options);
  if (status) return status;
  clock_gettime(CLOCK_MONOTONIC, &after);
  run->seconds = (double)(after.tv_sec - before.tv_sec) + (double)(after.tv_nsec - before.tv_nsec) * 1e-9;
  if (run->started_at == 0 && options->cut_at_ms == 0) {
    problem_add(problem, "no_data", "--data", NULL, "864 closed 5m candles (3 days) before the first trade",
                "the data never get warm inside the range: no decision could be taken");
    return STATUS_NO_DATA;
  }
  gather(run, wiring);
  return judge(run, problem);
}
