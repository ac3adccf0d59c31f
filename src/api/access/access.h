/* Who may do what: the checks that each request passes before its handler runs, and what they stand on. On the loop's thread; a request that reads is
 * checked against memory only. */
#ifndef API_ACCESS_ACCESS_H
#define API_ACCESS_ACCESS_H

#include "api/access/address.h"
#include "api/access/attempts.h"
#include "api/access/change.h"
#include "api/access/logins.h"
#include "api/access/rate_limit.h"
#include "api/access/ticket.h"
#include "api/router.h"

enum { TICKETS_MAX = 256, TICKET_TTL_MS = 30000, ORIGINS_MAX = 16, ORIGIN_BYTES = 128 };

/* A WebSocket ticket that waits for its use. */
struct ticket {
  char digest[DIGEST_TEXT_MAX]; /* "": free */
  struct caller caller;
  int64_t expires_at;
};

/* What a route asks for, worked out once from route.def. */
struct route_rule {
  enum api_role role;
  enum limit_class limit;
  int guards; /* enum route_guard, joined */
};

struct access {
  bool is_open; /* AUTH_ENABLED=false, or the process asks itself: every request is admin */
  struct accounts accounts;
  struct logins logins;
  struct rate_limit limits;
  struct attempts attempts;
  struct ticket tickets[TICKETS_MAX];
  struct networks proxies, metrics_allow;
  char origins[ORIGINS_MAX][ORIGIN_BYTES];
  int origin_count;
  struct passwords *passwords;
  struct password_work *work; /* requests that wait for passwords */
  struct change *changes;     /* deferred ones */
  struct router router;
  struct route_rule *rules; /* by route */
  char local_secret[TOKEN_TEXT_BYTES];
  int64_t polled_ns, swept_ns;
  bool must_load; /* reading users and tokens failed: what is in memory is not whole */
};

NODISCARD enum status access_open(struct api *api);
void access_close(struct api *api);
/* Passwords that were computed, changes by other processes, what has run out. After every turn of the loop. */
void access_turn(struct api *api);
int access_timeout_ms(const struct api *api);

/* Host, Origin, preflight: before the route is known. False: the call has been answered. */
bool access_admits_origin(struct call *call);
/* Who asks, how often, with which role; X-CSRF-Token. Needs the route. False: the call has been answered. */
bool access_admits_caller(struct call *call);
/* enum route_guard, joined; 0 when no row names its handler. */
int route_guards(const struct route *route);
/* The same as access_admits_caller without an answer, a count or an audit row. */
bool access_may(struct call *call);
const struct route_rule *access_rule(const struct api *api, const struct route *route);
const struct route_rule *access_rule_of(const struct call *call);
/* Takes one of the scans that the caller may ask for; false after a 429. */
bool access_takes_scan(struct call *call);

/* The secret in the cookie bb_login; false without one. */
bool access_cookie(const struct http_request *request, char out[SECRET_TEXT_MAX]);
/* Came the request by TLS (through a trusted proxy)? */
bool access_is_secure(const struct api *api, const struct http_request *request);
/* The client of a deferred reply is gone. */
void access_gone(struct api *api, const struct http_reply *reply);
/* handlers_access.c: answers what waited for a password. */
void access_answer_passwords(struct api *api);

#endif
