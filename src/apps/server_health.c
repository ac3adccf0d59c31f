#include "apps/server_health.h"

#include <math.h>
#include <stdio.h>

#include "runner/freshness.h"

/* Metrics 5. */
#define SLOW_FLUSH_S 0.05
#define DATABASE_PATIENCE_S 10.0
enum { QUEUE_MAX = 10000, STALE_PERCENT = 20 };

enum api_level journal_level(bool is_available, double p99_s) {
  if (!is_available) return API_FAILED;
  return p99_s > SLOW_FLUSH_S ? API_DEGRADED : API_OK; /* false with NaN */
}

enum api_level database_level(double failing_s, int64_t waiting) {
  if (failing_s >= DATABASE_PATIENCE_S) return API_FAILED;
  return !isnan(failing_s) || waiting >= QUEUE_MAX ? API_DEGRADED : API_OK;
}

enum api_level feed_level(int32_t watched, int32_t stale) {
  if (stale * 100 > watched * STALE_PERCENT) return API_FAILED;
  return stale > 0 ? API_DEGRADED : API_OK;
}

static struct api_component released(const char *name) {
  return (struct api_component){.name = name, .level = API_OFF, .detail = "handed over to another process"};
}

struct api_component server_journal_health(const struct server *server) {
  if (server->released_ns != 0) return released("journal");
  const struct journal_counts *counts = journal_counts(server->journal);
  double p99_s = metrics_flush_p99(server->metrics);
  struct api_component component = {.name = "journal", .level = journal_level(journal_is_available(server->journal), p99_s)};
  int used = snprintf(component.detail, sizeof component.detail, "%lld records, %lld failed flushes", (long long)counts->records,
                      (long long)counts->failures);
  if (component.level == API_DEGRADED)
    snprintf(component.detail + used, sizeof component.detail - (size_t)used, ", a flush takes %.0f ms (99 %%)", p99_s * 1e3);
  return component;
}

struct api_component server_database_health(const struct server *server) {
  if (server->released_ns != 0) return released("database");
  struct archive_counts counts;
  archive_counts(server->archive, &counts);
  int64_t now = server->clock->monotonic_ns(server->clock->self);
  double failing_s = counts.is_failing ? (double)(server->refused_ns != 0 ? now - server->refused_ns : 0) * 1e-9 : (double)NAN;
  struct api_component component = {.name = "database", .level = database_level(failing_s, counts.waiting)};
  snprintf(component.detail, sizeof component.detail, "%s, %lld rows stored, %lld wait",
           counts.is_failing ? "batches are refused" : server->store.name, (long long)counts.stored, (long long)counts.waiting);
  return component;
}

struct api_component server_feed_health(struct server *server) {
  if (server->released_ns != 0) return released("feed");
  struct api_component component = {.name = "feed", .level = API_OFF};
  struct freshness fresh;
  enum session_state state = engine_session_state(server->wiring.engine);
  bool has_session = state != SESSION_IDLE && state != SESSION_STOPPED && state != SESSION_EMERGENCY;
  freshness_read(server->wiring.engine, server_event_now(server), &fresh);
  if (server->is_ended) {
    snprintf(component.detail, sizeof component.detail, "%s: the recording is over", server->feed_name);
  } else if (!server->is_playing) {
    component.level = API_OK;
    snprintf(component.detail, sizeof component.detail, "%s: warming up", server->feed_name);
  } else if (!has_session) {
    snprintf(component.detail, sizeof component.detail, "%s: playing a recording, no session", server->feed_name);
  } else {
    component.level = feed_level(fresh.watched, fresh.stale);
    snprintf(component.detail, sizeof component.detail, "%s: playing a recording, %d of %d symbols are stale", server->feed_name, fresh.stale,
             fresh.watched);
  }
  return component;
}
