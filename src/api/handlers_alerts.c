/* Alerts and the rules that make them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/alerts/alerts.h"
#include "base/table.h"

static const char *text_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

static const char *user_of(const struct call *call) {
  return call->caller.user[0] != '\0' ? call->caller.user : "local";
}

/* ---- alerts ---- */

struct alert_filter {
  int state, severity; /* -1: all */
};

static bool fits(const struct alert_view *view, const struct alert_filter *filter) {
  return (filter->state < 0 || (int)view->state == filter->state) && (filter->severity < 0 || (int)view->severity == filter->severity);
}

static void add_csv_row(const struct alert_view *view, struct buffer *out) {
  char number[64];
  const char *cells[] = {view->alert_id, view->name,    severity_names[view->severity], alert_state_names[view->state], view->subject,
                         view->message,  view->acked_by};
  for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
    table_add_csv_cell(out, cells[i]);
    buffer_add_text(out, ",");
  }
  snprintf(number, sizeof number, "%lld,%lld,%d\n", (long long)view->since_at, (long long)view->resolved_at, (int)view->count);
  buffer_add_text(out, number);
}

/* The page behind the cursor, which is the id of the last alert shown. */
struct alert_page {
  const struct alert_view *items[ALERTS_KEPT];
  int32_t count, start, end;
};

static bool read_page(struct call *call, struct alert_page *page) {
  static const char *const orders[] = {"desc", "asc"};
  const struct alerts *alerts = call->api->alerts;
  const char *cursor = http_argument(call->request, "cursor");
  int64_t limit = 100;
  struct alert_filter filter = {-1, -1};
  int order = call_word(call, "order", orders, 2, 0);
  if (order < 0 || !call_number(call, "limit", 1, 1000, &limit)) return false;
  if (http_argument(call->request, "state") != NULL && (filter.state = call_word(call, "state", alert_state_names, alert_state_count, 0)) < 0)
    return false;
  if (http_argument(call->request, "severity") != NULL && (filter.severity = call_word(call, "severity", severity_names, severity_count, 0)) < 0)
    return false;
  page->count = page->start = 0;
  for (int32_t i = 0; i < alerts->count; i++) {
    const struct alert_view *view = alerts_get(alerts, order == 0 ? i : alerts->count - 1 - i);
    if (!fits(view, &filter)) continue;
    page->items[page->count++] = view;
    if (cursor != NULL && text_equal(cursor, view->alert_id)) page->start = page->count;
  }
  if (cursor != NULL && page->start == 0) {
    call_fail(call, 400, "bad_parameter", "cursor is not of this list");
    return false;
  }
  page->end = page->count - page->start > limit ? page->start + (int32_t)limit : page->count;
  return true;
}

void handle_alerts(struct call *call) {
  struct alert_page page;
  bool is_csv;
  if (!read_page(call, &page) || !call_wants_csv(call, &is_csv)) return;
  if (is_csv) {
    call_begin_csv(call, "alert_id,name,severity,state,subject,message,acked_by,since_at,resolved_at,count");
    for (int32_t i = page.start; i < page.end; i++) add_csv_row(page.items[i], &call->reply->body);
    return;
  }
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int32_t i = page.start; i < page.end; i++) write_alert_view(call->api, NULL, page.items[i], &call->writer);
  json_end_array(&call->writer);
  json_add_string(&call->writer, "next_cursor", page.end < page.count ? page.items[page.end - 1]->alert_id : NULL);
  json_add_int(&call->writer, "total", page.count);
  call_end(call, 200);
}

static void answer_view(struct call *call, const struct alert_view *view) {
  json_writer_init(&call->writer, &call->reply->body, false);
  write_alert_view(call->api, NULL, view, &call->writer);
  call_finish(call);
}

void handle_alert_ack(struct call *call) {
  struct alert_view *view = alerts_find(call->api->alerts, call->parameter);
  const char *note = text_of(call->body, "note");
  if (view == NULL) {
    call_fail(call, 404, "not_found", "there is no alert %s", call->parameter);
    return;
  }
  if (note != NULL && strlen(note) >= sizeof view->note) {
    call_fail(call, 422, "validation_failed", "note has at most %d bytes", (int)sizeof view->note - 1);
    return;
  }
  text_copy(view->acked_by, sizeof view->acked_by, user_of(call));
  text_copy(view->note, sizeof view->note, note != NULL ? note : "");
  if (view->state == ALERT_FIRING) view->state = ALERT_ACKNOWLEDGED;
  alerts_store_ack(call->api, view);
  alerts_publish(call->api, view);
  answer_view(call, view);
}

/* ---- rules ---- */

static void write_built_in(const struct api *api, const struct built_in_alert *alert, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  json_add_string(writer, "rule_id", alert->name);
  json_add_string(writer, "name", alert->name);
  json_add_string(writer, "metric", alert->metric);
  json_add_string(writer, "comparator", alert->comparator);
  json_add_double(writer, "threshold", alert->threshold);
  json_add_int(writer, "for_s", 0);
  json_add_string(writer, "severity", severity_names[alert->severity]);
  json_add_int(writer, "cooldown_s", 0);
  json_add_null(writer, "quiet_hours");
  json_begin_array(writer, "channels");
  json_add_string(writer, NULL, "ui");
  if (api->options.webhook != NULL) json_add_string(writer, NULL, "webhook");
  json_end_array(writer);
  json_add_bool(writer, "enabled", true);
  json_add_bool(writer, "built_in", true);
  json_end_object(writer);
}

void handle_alert_rules(struct call *call) {
  const struct alerts *alerts = call->api->alerts;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int32_t i = 0; i < alerts->rule_count; i++) write_alert_rule(NULL, &alerts->rules[i], &call->writer);
  for (int i = 0; i < built_in_alert_count; i++) write_built_in(call->api, &built_in_alerts[i], &call->writer);
  json_end_array(&call->writer);
  json_add_null(&call->writer, "next_cursor");
  json_add_int(&call->writer, "total", alerts->rule_count + built_in_alert_count);
  call_end(call, 200);
}

static void answer_rule(struct call *call, const struct alert_rule *rule) {
  json_writer_init(&call->writer, &call->reply->body, false);
  write_alert_rule(NULL, rule, &call->writer);
  call_finish(call);
}

/* The rule of a user; NULL after the answer. */
static struct alert_rule *take_rule(struct call *call) {
  struct alerts *alerts = call->api->alerts;
  struct alert_rule *rule = alert_rule_find(alerts, call->parameter);
  if (rule != NULL) return rule;
  for (int i = 0; i < built_in_alert_count; i++) {
    if (!text_equal(built_in_alerts[i].name, call->parameter)) continue;
    call_fail(call, 409, "in_use", "%s is part of the program: it cannot be changed, deleted or tested", call->parameter);
    return NULL;
  }
  call_fail(call, 404, "not_found", "there is no rule %s", call->parameter);
  return NULL;
}

static bool can_store(struct call *call) {
  if (call->api->alerts->is_loaded) return true;
  call_fail(call, 503, "not_ready", "rules are kept in the database, which cannot be used now");
  return false;
}

static bool read_rule(struct call *call, struct alert_rule *rule) {
  struct problem problem;
  problem_clear(&problem);
  rule->cooldown_s = (int32_t)call->api->options.settings->alert_cooldown_s;
  bool is_good = alert_rule_read(call->body, rule, &problem);
  if (is_good && rule->has_webhook && call->api->options.webhook == NULL) {
    problem_add(&problem, "validation_failed", "channels", "webhook", NULL, "there is no webhook: ALERT_WEBHOOK_URL is not set");
    is_good = false;
  }
  if (is_good) return true;
  call_fail_problem(call, 422, "validation_failed", &problem);
  return false;
}

/* Two rules with one name would raise alerts that cannot be told apart. */
static bool is_name_free(struct call *call, const struct alert_rule *rule) {
  const struct alerts *alerts = call->api->alerts;
  for (int32_t i = 0; i < alerts->rule_count; i++) {
    if (!text_equal(alerts->rules[i].name, rule->name) || text_equal(alerts->rules[i].rule_id, rule->rule_id)) continue;
    call_fail(call, 409, "already_exists", "the rule %s has this name", alerts->rules[i].rule_id);
    return false;
  }
  return true;
}

static bool was_stored(struct call *call, enum status status, const struct problem *problem) {
  if (!status) return true;
  call_fail_problem(call, 503, "not_ready", problem);
  return false;
}

void handle_alert_rule_create(struct call *call) {
  struct alerts *alerts = call->api->alerts;
  struct alert_rule rule = {0};
  struct problem problem;
  problem_clear(&problem);
  if (!read_rule(call, &rule) || !can_store(call) || !is_name_free(call, &rule)) return;
  if (alerts->rule_count == ALERT_RULES_MAX) {
    call_fail(call, 409, "in_use", "there are %d rules: delete one first", ALERT_RULES_MAX);
    return;
  }
  snprintf(rule.rule_id, sizeof rule.rule_id, "U%06lld", (long long)alerts->newest_rule + 1);
  if (!was_stored(call, alert_rule_store(call->api, &rule, true, user_of(call), &problem), &problem)) return;
  ++alerts->newest_rule;
  alerts->rules[alerts->rule_count++] = rule;
  answer_rule(call, &rule);
}

void handle_alert_rule_change(struct call *call) {
  struct alert_rule *rule = take_rule(call);
  struct problem problem;
  problem_clear(&problem);
  if (rule == NULL) return;
  struct alert_rule changed = *rule;
  if (!read_rule(call, &changed) || !can_store(call) || !is_name_free(call, &changed)) return;
  if (!was_stored(call, alert_rule_store(call->api, &changed, false, user_of(call), &problem), &problem)) return;
  alert_rule_forget(call->api, changed.rule_id);
  *rule = changed;
  answer_rule(call, rule);
}

void handle_alert_rule_delete(struct call *call) {
  struct alerts *alerts = call->api->alerts;
  struct alert_rule *rule = take_rule(call);
  struct problem problem;
  problem_clear(&problem);
  if (rule == NULL || !can_store(call)) return;
  if (!was_stored(call, alert_rule_remove(call->api, rule->rule_id, &problem), &problem)) return;
  alert_rule_forget(call->api, rule->rule_id);
  int32_t place = (int32_t)(rule - alerts->rules);
  memmove(rule, rule + 1, (size_t)(alerts->rule_count - place - 1) * sizeof *rule);
  --alerts->rule_count;
  call_begin(call);
  json_add_bool(&call->writer, "success", true);
  call_end(call, 200);
}

void handle_alert_rule_test(struct call *call) {
  struct alert_rule *rule = take_rule(call);
  if (rule == NULL) return;
  int64_t now = call->api->options.host.now(call->api->options.host.self);
  double value = alert_metric_read(call->api, rule->metric, NULL);
  struct alert_view *view = alerts_raise(call->api, rule, "test", "a test of this rule: nothing is wrong", value, now);
  if (rule->has_webhook) alerts_post(call->api, NOTICE_TEST, view);
  alerts_resolve(call->api, view, now);
  answer_view(call, view);
}
