/* A rule from JSON: of a request, or as it was stored. */
#include <math.h>
#include <string.h>

#include "api/alerts/alerts.h"

static const char *text_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

static double number_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  bool is_number = value != NULL && (json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL);
  return is_number ? json_number(value) : NAN;
}

static int word_of(const char *text, const char *const *names, int count) {
  for (int i = 0; text != NULL && i < count; i++) {
    if (text_equal(text, names[i])) return i;
  }
  return -1;
}

static bool refuse(struct problem *problem, const char *path, const char *value, const char *why) {
  problem_add(problem, "validation_failed", path, value, NULL, "%s", why);
  return false;
}

/* Small letters, digits and underscores: names of alerts are labels elsewhere. */
static bool is_name(const char *name) {
  size_t length = name != NULL ? strlen(name) : 0;
  return length > 0 && length < sizeof((struct alert_rule *)NULL)->name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static bool read_two_digits(const char *text, int limit, int32_t *out) {
  if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
  *out = 10 * (text[0] - '0') + (text[1] - '0');
  return *out < limit;
}

/* hh:mm-hh:mm */
static bool read_hours(const char *text, struct alert_rule *rule) {
  int32_t part[4];
  if (strlen(text) != 11 || text[2] != ':' || text[5] != '-' || text[8] != ':') return false;
  for (int i = 0; i < 4; i++) {
    if (!read_two_digits(text + 3 * i, i % 2 == 0 ? 24 : 60, &part[i])) return false;
  }
  rule->quiet_from = 60 * part[0] + part[1];
  rule->quiet_to = 60 * part[2] + part[3];
  return rule->quiet_from != rule->quiet_to;
}

static bool has_channel(const struct json *body, const char *name) {
  const struct json *list = json_member(body, "channels");
  for (size_t i = 0; list != NULL && json_kind(list) == JSON_ARRAY && i < json_size(list); i++) {
    const struct json *item = json_item(list, i);
    if (json_kind(item) == JSON_STRING && text_equal(json_string(item), name)) return true;
  }
  return false;
}

static bool read_seconds(const struct json *body, const char *name, int32_t fallback, int32_t *out, struct problem *problem) {
  double value = number_of(body, name);
  *out = fallback;
  if (isnan(value)) return true;
  if (!(value >= 0 && value <= 86400)) return refuse(problem, name, NULL, "must lie from 0 to 86400");
  *out = (int32_t)value;
  return true;
}

static bool read_condition(const struct json *body, struct alert_rule *rule, struct problem *problem) {
  int metric = word_of(text_of(body, "metric"), alert_metric_names, alert_metric_count);
  int comparator = word_of(text_of(body, "comparator"), alert_comparator_names, alert_comparator_count);
  if (metric < 0) return refuse(problem, "metric", text_of(body, "metric"), "there is no such metric");
  if (!alert_metric_is_measured((enum alert_metric)metric))
    return refuse(problem, "metric", text_of(body, "metric"), "is not measured in this version");
  if (comparator < 0) return refuse(problem, "comparator", text_of(body, "comparator"), "there is no such comparator");
  rule->metric = (enum alert_metric)metric;
  rule->comparator = (enum alert_comparator)comparator;
  rule->threshold = number_of(body, "threshold");
  bool is_trade = metric == ALERT_METRIC_TRADE_PNL_R || metric == ALERT_METRIC_TRADE_PNL_USD;
  if (comparator == ALERT_CHANGES && is_trade)
    return refuse(problem, "comparator", "changes", "every trade is another one: compare with a threshold");
  if (comparator == ALERT_CHANGES && !isnan(rule->threshold)) return refuse(problem, "threshold", NULL, "must be null with comparator changes");
  if (comparator != ALERT_CHANGES && !isfinite(rule->threshold)) return refuse(problem, "threshold", NULL, "is needed with this comparator");
  return true;
}

bool alert_rule_read(const struct json *body, struct alert_rule *rule, struct problem *problem) {
  const char *name = text_of(body, "name");
  const char *hours = text_of(body, "quiet_hours");
  const struct json *enabled = json_member(body, "enabled");
  int severity = word_of(text_of(body, "severity"), severity_names, severity_count);
  if (!is_name(name)) return refuse(problem, "name", name, "must be 1 to 31 of a-z, 0-9 and underscore");
  for (int i = 0; i < built_in_alert_count; i++) {
    if (text_equal(built_in_alerts[i].name, name)) return refuse(problem, "name", name, "is the name of an alert of the program");
  }
  if (severity < 0) return refuse(problem, "severity", text_of(body, "severity"), "must be info, warning or critical");
  text_copy(rule->name, sizeof rule->name, name);
  rule->severity = (enum severity)severity;
  rule->quiet_from = rule->quiet_to = 0;
  if (hours != NULL && !read_hours(hours, rule)) return refuse(problem, "quiet_hours", hours, "must look like 22:00-07:00");
  rule->has_webhook = has_channel(body, "webhook");
  rule->is_enabled = enabled == NULL || json_kind(enabled) != JSON_BOOL || json_bool(enabled);
  return read_condition(body, rule, problem) && read_seconds(body, "for_s", 0, &rule->for_s, problem) &&
         read_seconds(body, "cooldown_s", rule->cooldown_s, &rule->cooldown_s, problem);
}
