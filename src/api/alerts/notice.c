/* Alerts on their way to the webhook. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/alerts/alerts.h"
#include "base/log.h"
#include "base/version.h"

static const char *const notice_names[] = {"firing", "resolved", "test"};
static const char failure_name[] = "webhook_failed";

static void write_notice(const struct api *api, enum alert_notice notice, const struct alert_view *view, struct buffer *out) {
  char sentence[384];
  struct json_writer writer;
  snprintf(sentence, sizeof sentence, "%s (%s): %s %s: %s", view->name, severity_names[view->severity], notice_names[notice], view->subject,
           view->message);
  json_writer_init(&writer, out, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "event", notice_names[notice]);
  json_add_string(&writer, "text", sentence);
  json_add_bool(&writer, "demo", api->options.is_demo);
  json_add_string(&writer, "version", version_text());
  write_alert_view(api, "alert", view, &writer);
  json_end_object(&writer);
}

/* One alert about all that fails; the webhook is not told, for it could not be. */
static void raise_failure(struct api *api, const char *id, const char *detail) {
  struct alerts *alerts = api->alerts;
  int64_t now = api->options.host.now(api->options.host.self);
  char message[160];
  snprintf(message, sizeof message, "the webhook was not told of %s: %.90s", id, detail);
  for (int32_t i = 0; i < alerts->count; i++) {
    const struct alert_view *view = alerts_get(alerts, i);
    if (!text_equal(view->name, failure_name) || view->state == ALERT_RESOLVED) continue;
    log_write(LOG_WARNING, "alerts", failure_name, NULL, "%s", message);
    return;
  }
  struct alert_rule rule = {.severity = SEVERITY_WARNING, .threshold = NAN};
  text_copy(rule.name, sizeof rule.name, failure_name);
  alerts_raise(api, &rule, "webhook", message, NAN, now);
}

static void end_failure(struct api *api) {
  struct alerts *alerts = api->alerts;
  for (int32_t i = 0; i < alerts->count; i++) {
    const struct alert_view *view = alerts_get(alerts, i);
    if (!text_equal(view->name, failure_name) || view->state == ALERT_RESOLVED) continue;
    alerts_resolve(api, alerts_find(alerts, view->alert_id), api->options.host.now(api->options.host.self));
  }
}

void alerts_post(struct api *api, enum alert_notice notice, struct alert_view *view) {
  const struct webhook_port *webhook = api->options.webhook;
  struct buffer body = {0};
  char id[WEBHOOK_ID_BYTES];
  if (webhook == NULL || (notice == NOTICE_RESOLVED && !view->is_posted)) return;
  view->is_posted = notice == NOTICE_FIRING;
  snprintf(id, sizeof id, "%s-%s", view->alert_id, notice_names[notice]);
  write_notice(api, notice, view, &body);
  if (!webhook->send(webhook->self, id, body.data, body.length)) raise_failure(api, id, "too many messages wait already");
  buffer_deinit(&body);
}

void alert_notices_turn(struct api *api) {
  const struct webhook_port *webhook = api->options.webhook;
  struct webhook_result result;
  while (webhook != NULL && webhook->take(webhook->self, &result)) {
    if (result.is_delivered) {
      end_failure(api);
    } else {
      raise_failure(api, result.id, result.detail);
    }
  }
}
