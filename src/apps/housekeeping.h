/* What the server does by itself once a day or every few hours: the check of the logs at 03:00 UTC, retention at 03:30, backups every
 * BACKUP_INTERVAL_HOURS. Each is this program again with the verb of the command line, so that the loop never waits for it. */
#ifndef APPS_HOUSEKEEPING_H
#define APPS_HOUSEKEEPING_H

#include <stdbool.h>
#include <stdint.h>

struct server;
struct housekeeping; /* opaque */

/* Has a time of the day (minutes after 00:00 UTC) passed in (from_ms, to_ms]? */
bool housekeeping_is_due(int64_t from_ms, int64_t to_ms, int minute);
struct housekeeping *housekeeping_open(const struct server *server);
/* Once in a turn of the loop. */
void housekeeping_turn(struct housekeeping *housekeeping, struct server *server);
/* Ends what is being done. NULL is allowed. */
void housekeeping_close(struct housekeeping *housekeeping);

#endif
