/* Metrics of the server's own parts: journal, database, feed, background runs. What others count themselves is in metrics_records.c. */
#ifndef APPS_SERVER_METRICS_H
#define APPS_SERVER_METRICS_H

#include "apps/server.h"

/* After the metrics are open and the venue is chosen. */
void server_metrics_open(struct server *server);
/* After every turn of the loop; gauges once a second. */
void server_metrics_turn(struct server *server);
/* A market event is done that was due at a time of the feed. */
void server_metrics_event(struct server *server, enum event_kind kind, int64_t due_ts);
/* Of struct journal_options and struct run_pool_options. */
void server_metrics_flush(void *context, double seconds);
void server_metrics_run_ended(void *context, const char *kind, enum run_state state, double seconds);

#endif
