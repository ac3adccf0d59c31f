/* The copy of open logins that the cache holds (runner/cache.h), for every process that serves the API.
 *
 * The database says who is logged in; the copy never does. A key there opens nothing: a login is known because its row is, and it has ended when
 * its row is gone, also when the cache was away at that moment and still has the key. What the copy adds is what rows do not tell: when a login was
 * last used, so that half an hour without use ends it across restarts and hand-overs. Without the cache a restart counts as a use, and nothing else
 * differs.
 *
 * A key lives as long as its login may (expires_at) and goes with it. After every gap (connection lost, cache emptied, rows changed by another
 * process) all keys of logins are dropped and those of the living written anew, so that nothing of an ended login stays behind. */
#ifndef API_ACCESS_LOGIN_CACHE_H
#define API_ACCESS_LOGIN_CACHE_H

#include "api/access/logins.h"

enum { LOGIN_RECALL_MS = 50, LOGIN_TOLD_MS = 60000 };

/* In all of these nothing happens without a cache. */

/* Writes the key of a new or used login, of a used one at most once a minute. */
void login_cache_tell(struct logins *logins, struct login *login, int64_t now_ms);
void login_cache_drop(struct logins *logins, const char *id);
/* Before the loop runs: takes up when the logins of the table were last used; waits at most LOGIN_RECALL_MS. */
void login_cache_recall(struct logins *logins, int64_t now_ms);
/* Once a second: writes everything anew after a gap. */
void login_cache_turn(struct logins *logins, int64_t now_ms);

#endif
