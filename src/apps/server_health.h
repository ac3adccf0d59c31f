/* How the server's own parts are (metrics 5): journal, database, feed. */
#ifndef APPS_SERVER_HEALTH_H
#define APPS_SERVER_HEALTH_H

#include "apps/server.h"

struct api_component server_journal_health(const struct server *server);
struct api_component server_database_health(const struct server *server);
struct api_component server_feed_health(struct server *server);

/* The rules behind them. */
/* p99_s: of flushes, NaN unknown. */
enum api_level journal_level(bool is_available, double p99_s);
/* failing_s: for how long the database has refused rows, NaN it takes them. */
enum api_level database_level(double failing_s, int64_t waiting);
enum api_level feed_level(int32_t watched, int32_t stale);

#endif
