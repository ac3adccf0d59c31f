#include "apps/server_metrics.h"

#include <math.h>

static int64_t monotonic_ns(const struct server *server) {
  return server->clock->monotonic_ns(server->clock->self);
}

void server_metrics_open(struct server *server) {
  metrics_use_names(server->metrics, server->wiring.config.venue, server->feed_name);
}

void server_metrics_flush(void *context, double seconds) {
  metrics_flush(((struct server *)context)->metrics, seconds);
}

/* How much later than it was due by the pace of playing; what is given as fast as possible is never late. */
void server_metrics_event(struct server *server, enum event_kind kind, int64_t due_ts) {
  if (!server->is_playing || kind < EVENT_CANDLE || kind > EVENT_FUNDING_RATE) return;
  double due_s = (double)(due_ts - server->origin_ts) * 1e-3 / server->app->settings.demo_speed;
  double late_s = (double)(monotonic_ns(server) - server->origin_ns) * 1e-9 - due_s;
  metrics_observe(server->metrics, METRIC_FEED_DELAY, METRIC_VALUES(event_kind_names[kind]), fmax(late_s, 0));
}

void server_metrics_run_ended(void *context, const char *kind, enum run_state state, double seconds) {
  struct server *server = context;
  metrics_add(server->metrics, METRIC_JOBS, METRIC_VALUES(kind, run_state_names[state]), 1);
  metrics_observe(server->metrics, METRIC_JOB_DURATION, METRIC_VALUES(kind), seconds);
}

static void set_runs(void *context, const char *kind, int queued, int running) {
  struct server *server = context;
  metrics_set(server->metrics, METRIC_JOBS, METRIC_VALUES(kind, run_state_names[RUN_QUEUED]), queued);
  metrics_set(server->metrics, METRIC_JOBS, METRIC_VALUES(kind, run_state_names[RUN_RUNNING]), running);
}

static void set_gauges(struct server *server) {
  struct metrics *metrics = server->metrics;
  struct archive_counts counts;
  archive_counts(server->archive, &counts);
  if (!counts.is_failing) {
    server->refused_ns = 0;
  } else if (server->refused_ns == 0) {
    server->refused_ns = monotonic_ns(server);
  }
  metrics_set(metrics, METRIC_DATABASE_UP, NULL, counts.is_failing ? 0 : 1);
  metrics_set(metrics, METRIC_DATABASE_QUEUE, NULL, (double)counts.waiting);
  metrics_set(metrics, METRIC_ERRORS, METRIC_VALUES("database", "storage_slow"), (double)counts.failures);
  metrics_set(metrics, METRIC_RECOVERIES, METRIC_VALUES("database", "backfill"), (double)counts.returns);
  metrics_set(metrics, METRIC_JOURNAL_RECORDS, NULL, (double)journal_last_seq(server->journal));
  /* A recording has no link that could fail: it is there until it is over. */
  metrics_set(metrics, METRIC_FEED_CONNECTED, METRIC_VALUES(server->feed_name, "public"), server->is_ended ? (double)NAN : 1);
  run_pool_counts(server->pool, set_runs, server);
}

void server_metrics_turn(struct server *server) {
  double seconds;
  while (archive_next_write(server->archive, &seconds)) metrics_observe(server->metrics, METRIC_DATABASE_WRITE, NULL, seconds);
  int64_t now = monotonic_ns(server);
  if (now - server->measured_ns < INT64_C(1000000000)) return;
  server->measured_ns = now;
  set_gauges(server);
}
