/* Alerts: conditions worth an operator's attention, raised once per name and subject and cleared when they end. */
#include <string.h>

#include "base/text.h"
#include "engine/engine_state.h"

static struct alert *find_alert(struct engine *engine, const char *name, const char *subject) {
  for (int32_t i = 0; i < engine->alert_count; i++) {
    struct alert *alert = &engine->alerts[i];
    if (strcmp(alert->name, name) == 0 && strncmp(alert->subject, subject, sizeof alert->subject - 1) == 0) return alert;
  }
  return NULL;
}

/* A place for a new alert; when all are taken the oldest gives way. */
static struct alert *take_place(struct engine *engine) {
  if (engine->alert_count < ENGINE_ALERTS_MAX) return &engine->alerts[engine->alert_count++];
  memmove(engine->alerts, engine->alerts + 1, (ENGINE_ALERTS_MAX - 1) * sizeof engine->alerts[0]);
  return &engine->alerts[ENGINE_ALERTS_MAX - 1];
}

void engine_raise(struct engine *engine, const char *name, enum severity severity, const char *subject, double value, double threshold,
                  const char *message) {
  struct alert *alert = find_alert(engine, name, subject);
  if (alert != NULL) {
    ++alert->count;
    alert->value = value;
    return;
  }
  alert = take_place(engine);
  *alert = (struct alert){.alert_id = ++engine->counters.alert,
                          .severity = (int32_t)severity,
                          .state = ALERT_FIRING,
                          .value = value,
                          .threshold = threshold,
                          .since_at = engine->now,
                          .count = 1};
  text_copy(alert->name, sizeof alert->name, name);
  text_copy(alert->subject, sizeof alert->subject, subject);
  text_copy(alert->message, sizeof alert->message, message);
  engine_emit_record(engine, RECORD_ALERT, alert);
}

void engine_clear(struct engine *engine, const char *name, const char *subject) {
  struct alert *alert = find_alert(engine, name, subject);
  if (alert == NULL) return;
  alert->state = ALERT_RESOLVED;
  alert->resolved_at = engine->now;
  engine_emit_record(engine, RECORD_ALERT, alert);
  int32_t place = (int32_t)(alert - engine->alerts);
  memmove(alert, alert + 1, (size_t)(engine->alert_count - place - 1) * sizeof *alert);
  --engine->alert_count;
}
