/* Open logins: table logins, with a copy in memory and one in the cache (login_cache.h). A login is a secret in a cookie; rows hold its SHA-256. */
#ifndef API_ACCESS_LOGINS_H
#define API_ACCESS_LOGINS_H

#include "api/access/accounts.h"
#include "api/access/secret.h"
#include "runner/cache.h"

enum { LOGINS_MAX = 1024, LOGIN_INDEX_SIZE = 4096, LOGIN_IDLE_MS = 30 * 60 * 1000 };

struct login {
  char id[DIGEST_TEXT_MAX]; /* SHA-256 of the cookie */
  char user[USER_NAME_BYTES];
  int64_t created_at, expires_at, used_at;
  int64_t told_at; /* to the cache; 0: never */
  char address[64];
};

struct logins {
  const struct row_port *rows;
  const struct cache_port *cache; /* NULL: none */
  int64_t cache_gaps;             /* after which it was written anew; -1: it must be */
  struct login items[LOGINS_MAX];
  int count;
  uint16_t index[LOGIN_INDEX_SIZE];
};

/* Reads the table; logins that were known keep when they were used. */
NODISCARD enum status logins_load(struct logins *logins, int64_t now_ms, struct problem *problem);
/* A new login with its secret; the oldest one goes when there is no room. */
NODISCARD enum status logins_begin(struct logins *logins, const char *user, const char *address, int64_t now_ms, int64_t ttl_ms,
                                   char secret[SECRET_TEXT_MAX], struct login *out, struct problem *problem);
/* The login of a cookie, also one that has run out; NULL unknown. */
struct login *logins_find_secret(struct logins *logins, const char *secret);
struct login *logins_find(struct logins *logins, const char *id);
/* Now it is. */
void logins_use(struct logins *logins, struct login *login, int64_t now_ms);
bool login_is_over(const struct login *login, int64_t now_ms);
NODISCARD enum status logins_end(struct logins *logins, const char *id, struct problem *problem);
/* All logins of a user but one (NULL: all). */
NODISCARD enum status logins_end_user(struct logins *logins, const char *user, const char *but_id, struct problem *problem);
/* Forgets what has run out. */
void logins_sweep(struct logins *logins, int64_t now_ms);
/* What X-CSRF-Token must say: made from the secret, so that a page that cannot read the cookie cannot know it. */
void login_csrf(const char *secret, char out[DIGEST_TEXT_MAX]);

#endif
