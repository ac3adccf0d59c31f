/* Rules of users: what they watch, when they fire, and their rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/alerts/alerts.h"
#include "base/log.h"

const char *const alert_comparator_names[] = {">", ">=", "<", "<=", "==", "changes"};

/* ---- what is watched ---- */

static double signals_of_last_hour(const struct api *api) {
  const struct keep *keep = &api->kept[RECORD_SIGNAL];
  int64_t from = engine_now(api->options.engine) - INT64_C(3600000);
  int count = 0;
  for (int32_t i = 0; i < keep->count; i++) count += ((const struct signal *)keep_get(keep, i))->created_at >= from ? 1 : 0;
  return count;
}

/* Age of the newest candle of any symbol; NaN before the first. */
static double feed_lag(const struct api *api) {
  const struct engine *engine = api->options.engine;
  int64_t newest = 0;
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    int64_t close = market_candle_close_ts(engine_market(engine, i));
    if (close > newest) newest = close;
  }
  if (newest == 0) return NAN;
  int64_t age = api->options.host.now(api->options.host.self) - newest;
  return age > 0 ? (double)age : 0;
}

static double position_value(const struct api *api, enum alert_metric metric, const struct position *position) {
  if (position == NULL) return NAN;
  if (metric == ALERT_METRIC_POSITION_PNL_R) return position->pnl_r;
  if (metric == ALERT_METRIC_POSITION_PNL_USD) return position->pnl_usd != DECIMAL_NULL ? decimal_to_double(position->pnl_usd) : NAN;
  return position->opened_at != 0 ? (double)(engine_now(api->options.engine) - position->opened_at) / 60000.0 : NAN;
}

static double resource_value_of(const struct api *api, enum alert_metric metric) {
  const struct resources *resources = api->options.resources;
  if (resources == NULL || resources_count(resources) == 0) return NAN;
  const struct resource_sample *sample = resources_sample(resources, 0);
  if (metric == ALERT_METRIC_CPU_PERCENT) return sample->cpu_percent;
  return metric == ALERT_METRIC_MEMORY_PERCENT ? sample->memory_percent : sample->disk_percent;
}

/* Lines of the last 60 looks, one a second. */
static double errors_of_last_minute(const struct alerts *alerts) {
  int64_t newest = alerts->errors_seen[(alerts->errors_at + 59) % 60];
  int64_t oldest = alerts->errors_seen[alerts->errors_at % 60];
  return alerts->errors_at >= 60 ? (double)(newest - oldest) : (double)(newest - alerts->errors_seen[0]);
}

static bool is_of_positions(enum alert_metric metric) {
  return metric >= ALERT_METRIC_POSITION_PNL_R && metric <= ALERT_METRIC_POSITION_HOLD_MINUTES;
}

static bool is_of_trades(enum alert_metric metric) {
  return metric == ALERT_METRIC_TRADE_PNL_R || metric == ALERT_METRIC_TRADE_PNL_USD;
}

bool alert_metric_is_measured(enum alert_metric metric) {
  return metric != ALERT_METRIC_SCAN_DURATION_MS;
}

static double ledger_value(const struct engine *engine, enum alert_metric metric) {
  const struct ledger *ledger = engine_ledger(engine);
  switch (metric) {
    case ALERT_METRIC_EQUITY_USD:
      return decimal_to_double(ledger->equity_usd);
    case ALERT_METRIC_DAY_PNL_USD:
      return decimal_to_double(ledger_day_pnl(ledger));
    case ALERT_METRIC_DAY_LOSS:
      return ledger_day_loss(ledger);
    case ALERT_METRIC_DRAWDOWN:
      return ledger_drawdown(ledger);
    default:
      return ledger->consecutive_losses;
  }
}

static double venue_latency(const struct engine *engine) {
  double median_ms;
  double mean_ms;
  read_latency(engine, &median_ms, &mean_ms);
  return median_ms;
}

double alert_metric_read(struct api *api, enum alert_metric metric, const struct position *position) {
  const struct engine *engine = api->options.engine;
  struct engine_status status;
  engine_status_read(engine, &status);
  switch (metric) {
    case ALERT_METRIC_EQUITY_USD:
    case ALERT_METRIC_DAY_PNL_USD:
    case ALERT_METRIC_DAY_LOSS:
    case ALERT_METRIC_DRAWDOWN:
    case ALERT_METRIC_CONSECUTIVE_LOSSES:
      return ledger_value(engine, metric);
    case ALERT_METRIC_DAILY_R:
      return status.daily_r;
    case ALERT_METRIC_OPEN_POSITIONS:
      return status.open_positions;
    case ALERT_METRIC_OPEN_RISK_USD:
      return decimal_to_double(open_risk_of(engine));
    case ALERT_METRIC_UNPROTECTED_SECONDS:
      return unprotected_seconds_of(engine);
    case ALERT_METRIC_POSITION_PNL_R:
    case ALERT_METRIC_POSITION_PNL_USD:
    case ALERT_METRIC_POSITION_HOLD_MINUTES:
      return position_value(api, metric, position);
    case ALERT_METRIC_CANDIDATES:
      return status.candidates;
    case ALERT_METRIC_SIGNALS_PER_HOUR:
      return signals_of_last_hour(api);
    case ALERT_METRIC_FEED_LAG_MS:
      return feed_lag(api);
    case ALERT_METRIC_VENUE_LATENCY_MS:
      return venue_latency(engine);
    case ALERT_METRIC_STATE:
      return status.state;
    case ALERT_METRIC_CPU_PERCENT:
    case ALERT_METRIC_MEMORY_PERCENT:
    case ALERT_METRIC_DISK_PERCENT:
      return resource_value_of(api, metric);
    case ALERT_METRIC_ERRORS_PER_MINUTE:
      return errors_of_last_minute(api->alerts);
    default:
      return NAN; /* trades are told when they close; not measured */
  }
}

/* ---- when a rule fires ---- */

static bool is_true(const struct alert_rule *rule, double value, double before) {
  if (isnan(value)) return false;
  switch (rule->comparator) {
    case ALERT_ABOVE:
      return value > rule->threshold;
    case ALERT_AT_LEAST:
      return value >= rule->threshold;
    case ALERT_BELOW:
      return value < rule->threshold;
    case ALERT_AT_MOST:
      return value <= rule->threshold;
    case ALERT_EQUAL:
      return value == rule->threshold;
    default:
      return !isnan(before) && value != before;
  }
}

static bool is_quiet(const struct alert_rule *rule, int64_t now) {
  int32_t minute = (int32_t)(now / 60000 % 1440);
  if (rule->quiet_from == rule->quiet_to) return false;
  if (rule->quiet_from < rule->quiet_to) return minute >= rule->quiet_from && minute < rule->quiet_to;
  return minute >= rule->quiet_from || minute < rule->quiet_to;
}

static struct alert_watch *watch_of(struct alerts *alerts, const char *rule_id, const char *subject) {
  struct alert_watch *place = NULL;
  for (int i = 0; i < ALERT_WATCHES_MAX; i++) {
    struct alert_watch *watch = &alerts->watches[i];
    if (watch->is_used && text_equal(watch->rule_id, rule_id) && text_equal(watch->subject, subject)) return watch;
    if (!watch->is_used && place == NULL) place = watch;
  }
  if (place == NULL) return NULL; /* 64 rules over 16 positions at most fill it: the rest is looked at when there is room */
  *place = (struct alert_watch){.is_used = true, .value = NAN};
  text_copy(place->rule_id, sizeof place->rule_id, rule_id);
  text_copy(place->subject, sizeof place->subject, subject);
  return place;
}

static void describe(const struct alert_rule *rule, double value, char out[160]) {
  const char *name = alert_metric_names[rule->metric];
  if (rule->comparator == ALERT_CHANGES && rule->metric == ALERT_METRIC_STATE) {
    snprintf(out, 160, "the engine is %s now", engine_word_names[(int)value]);
  } else if (rule->comparator == ALERT_CHANGES) {
    snprintf(out, 160, "%s changed to %.8g", name, value);
  } else {
    snprintf(out, 160, "%s is %.8g, %s %.8g", name, value, alert_comparator_names[rule->comparator], rule->threshold);
  }
}

static void resolve_watch(struct api *api, struct alert_watch *watch, int64_t now) {
  struct alert_view *view = watch->alert_id[0] != '\0' ? alerts_find(api->alerts, watch->alert_id) : NULL;
  watch->alert_id[0] = '\0';
  watch->ended_at = now;
  if (view != NULL) alerts_resolve(api, view, now);
}

static void look(struct api *api, const struct alert_rule *rule, const char *subject, double value, int64_t now) {
  struct alert_watch *watch = watch_of(api->alerts, rule->rule_id, subject);
  if (watch == NULL) return;
  bool holds = is_true(rule, value, watch->value);
  watch->was_seen = true;
  watch->value = value;
  if (!holds) {
    watch->since_at = 0;
    if (watch->alert_id[0] != '\0') resolve_watch(api, watch, now);
    return;
  }
  if (watch->since_at == 0) watch->since_at = now;
  bool is_due = now - watch->since_at >= rule->for_s * INT64_C(1000);
  bool cools = watch->ended_at != 0 && now - watch->ended_at < rule->cooldown_s * INT64_C(1000);
  if (watch->alert_id[0] != '\0' || !is_due || cools || is_quiet(rule, now)) return;
  char message[160];
  describe(rule, value, message);
  struct alert_view *view = alerts_raise(api, rule, subject, message, value, now);
  if (rule->has_webhook) alerts_post(api, NOTICE_FIRING, view);
  memcpy(watch->alert_id, view->alert_id, sizeof watch->alert_id);
}

static void look_at_positions(struct api *api, const struct alert_rule *rule, int64_t now) {
  const struct engine *engine = api->options.engine;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    const struct position *position = engine_position(engine, i);
    char subject[48];
    struct text text;
    text_init(&text, subject, sizeof subject);
    text_add_id(&text, 'P', 8, position->position_id);
    look(api, rule, subject, alert_metric_read(api, rule->metric, position), now);
  }
}

static void note_errors(struct alerts *alerts) {
  alerts->errors_seen[alerts->errors_at % 60] = log_count(LOG_ERROR) + log_count(LOG_CRITICAL);
  ++alerts->errors_at;
}

void alert_rules_turn(struct api *api) {
  struct alerts *alerts = api->alerts;
  int64_t now = api->options.host.now(api->options.host.self);
  note_errors(alerts);
  for (int i = 0; i < ALERT_WATCHES_MAX; i++) alerts->watches[i].was_seen = false;
  for (int32_t i = 0; i < alerts->rule_count; i++) {
    const struct alert_rule *rule = &alerts->rules[i];
    if (!rule->is_enabled || is_of_trades(rule->metric)) continue;
    if (is_of_positions(rule->metric)) {
      look_at_positions(api, rule, now);
    } else {
      look(api, rule, "account", alert_metric_read(api, rule->metric, NULL), now);
    }
  }
  for (int i = 0; i < ALERT_WATCHES_MAX; i++) { /* its position is closed, or its rule is gone */
    struct alert_watch *watch = &alerts->watches[i];
    if (!watch->is_used || watch->was_seen) continue;
    resolve_watch(api, watch, now);
    watch->is_used = false;
  }
}

void alert_rules_on_trade(struct api *api, const struct trade *trade) {
  struct alerts *alerts = api->alerts;
  int64_t now = api->options.host.now(api->options.host.self);
  for (int32_t i = 0; i < alerts->rule_count; i++) {
    const struct alert_rule *rule = &alerts->rules[i];
    double value = rule->metric == ALERT_METRIC_TRADE_PNL_R ? trade->pnl_r : decimal_to_double(trade->pnl_usd);
    if (!rule->is_enabled || !is_of_trades(rule->metric) || !is_true(rule, value, NAN) || is_quiet(rule, now)) continue;
    char subject[48];
    char message[160];
    struct text text;
    text_init(&text, subject, sizeof subject);
    text_add_id(&text, 'T', 8, trade->trade_id);
    describe(rule, value, message);
    struct alert_view *view = alerts_raise(api, rule, subject, message, value, now);
    if (rule->has_webhook) alerts_post(api, NOTICE_FIRING, view);
    view->is_posted = false; /* it happened: there is nothing that could end */
    alerts_resolve(api, view, now);
  }
}

void alert_rule_forget(struct api *api, const char *rule_id) {
  int64_t now = api->options.host.now(api->options.host.self);
  for (int i = 0; i < ALERT_WATCHES_MAX; i++) {
    struct alert_watch *watch = &api->alerts->watches[i];
    if (!watch->is_used || !text_equal(watch->rule_id, rule_id)) continue;
    resolve_watch(api, watch, now);
    watch->is_used = false;
  }
}

struct alert_rule *alert_rule_find(struct alerts *alerts, const char *rule_id) {
  for (int32_t i = 0; i < alerts->rule_count; i++) {
    if (text_equal(alerts->rules[i].rule_id, rule_id)) return &alerts->rules[i];
  }
  return NULL;
}

/* ---- JSON and rows ---- */

static void write_members(const struct alert_rule *rule, struct json_writer *writer) {
  json_add_string(writer, "name", rule->name);
  json_add_string(writer, "metric", alert_metric_names[rule->metric]);
  json_add_string(writer, "comparator", alert_comparator_names[rule->comparator]);
  json_add_double(writer, "threshold", rule->threshold);
  json_add_int(writer, "for_s", rule->for_s);
  json_add_string(writer, "severity", severity_names[rule->severity]);
  json_add_int(writer, "cooldown_s", rule->cooldown_s);
  char hours[16];
  snprintf(hours, sizeof hours, "%02d:%02d-%02d:%02d", rule->quiet_from / 60 % 24, rule->quiet_from % 60, rule->quiet_to / 60 % 24,
           rule->quiet_to % 60);
  json_add_string(writer, "quiet_hours", rule->quiet_from != rule->quiet_to ? hours : NULL);
  json_begin_array(writer, "channels");
  json_add_string(writer, NULL, "ui");
  if (rule->has_webhook) json_add_string(writer, NULL, "webhook");
  json_end_array(writer);
  json_add_bool(writer, "enabled", rule->is_enabled);
}

void write_alert_rule(const char *key, const struct alert_rule *rule, struct json_writer *writer) {
  json_begin_object(writer, key);
  json_add_string(writer, "rule_id", rule->rule_id);
  write_members(rule, writer);
  json_add_bool(writer, "built_in", false);
  json_end_object(writer);
}

enum status alert_rule_store(struct api *api, const struct alert_rule *rule, bool is_new, const char *user, struct problem *problem) {
  const struct row_port *rows = api->options.rows;
  struct buffer definition = {0};
  struct json_writer writer;
  json_writer_init(&writer, &definition, false);
  json_begin_object(&writer, NULL);
  write_members(rule, &writer);
  json_end_object(&writer);
  const struct row_value values[] = {row_text("rule_id", rule->rule_id),
                                     row_text("name", rule->name),
                                     row_text("definition", definition.data),
                                     row_int("enabled", rule->is_enabled ? 1 : 0),
                                     row_int("built_in", 0),
                                     row_int("updated_at", api->options.clock->now_ms(api->options.clock->self)),
                                     row_text("username", user)};
  const int count = (int)(sizeof values / sizeof values[0]);
  struct rows_query which = {.table = "alert_rules"};
  rows_query_add(&which, "rule_id", ROWS_EQUAL, rule->rule_id);
  enum status status = is_new ? rows->insert(rows->self, "alert_rules", values, count, NULL, problem)
                              : rows->update(rows->self, &which, values + 1, count - 1, NULL, problem);
  buffer_deinit(&definition);
  return status;
}

enum status alert_rule_remove(struct api *api, const char *rule_id, struct problem *problem) {
  const struct row_port *rows = api->options.rows;
  struct rows_query which = {.table = "alert_rules"};
  rows_query_add(&which, "rule_id", ROWS_EQUAL, rule_id);
  return rows->remove(rows->self, &which, NULL, problem);
}

static bool on_row(void *context, const struct row_value *values, int count) {
  struct alerts *alerts = context;
  const struct row_value *id = row_value_of(values, count, "rule_id");
  const struct row_value *definition = row_value_of(values, count, "definition");
  struct problem problem;
  problem_clear(&problem);
  if (id == NULL || id->kind != ROW_VALUE_TEXT || definition == NULL || definition->kind != ROW_VALUE_TEXT) return true;
  struct json *body = json_parse(definition->text, strlen(definition->text), JSON_STRICT, "alert_rules", &problem);
  struct alert_rule rule = {0};
  text_copy(rule.rule_id, sizeof rule.rule_id, id->text);
  if (body != NULL && alert_rule_read(body, &rule, &problem) && alerts->rule_count < ALERT_RULES_MAX) {
    alerts->rules[alerts->rule_count++] = rule;
  } else {
    log_write(LOG_WARNING, "alerts", "bad_rule", NULL, "the rule %s is not used: %s", id->text,
              problem.count > 0 ? problem.items[0].message : "there are too many");
  }
  int64_t number = parse_id(id->text, 'U');
  if (number > alerts->newest_rule) alerts->newest_rule = number;
  json_free(body);
  return true;
}

enum status alert_rules_load(struct api *api, struct problem *problem) {
  const struct row_port *rows = api->options.rows;
  struct rows_query query = {.table = "alert_rules", .order = "rule_id", .is_ascending = true, .limit = ALERT_RULES_MAX};
  rows_query_add(&query, "built_in", ROWS_EQUAL, "false");
  return rows->select(rows->self, &query, on_row, api->alerts, problem);
}
