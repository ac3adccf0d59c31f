/* The API over real sockets: an engine without a feed behind the HTTP server, both in the thread of the test, and a client that can break every rule.
 * One at a time; the clock is the test's. */
#ifndef TESTS_SUPPORT_WEB_FIXTURE_H
#define TESTS_SUPPORT_WEB_FIXTURE_H

#include "adapters/http/http.h"
#include "adapters/store/sqlite_rows.h"
#include "adapters/store/sqlite_store.h"
#include "api/access/access.h"
#include "base/json.h"
#include "runner/runner.h"
#include "support/engine_fixture.h"
#include "support/socket_client.h"

enum { WEB_REPLY_BYTES = 1 << 20, WEB_BODY_LIMIT = 4096 };

struct web {
  struct arena arena;
  struct engine *engine;
  struct exchange exchange;
  struct runner runner, *steps; /* its own, or that of a rig */
  struct metrics *metrics;
  struct settings settings;
  struct store store;
  struct sqlite_rows *file;
  struct row_port rows, real_rows;
  struct api *api;
  struct http_server *server;
  int64_t now, clock_ms;
  char folder[256], path[300]; /* of the database; the folder is removed at the end */
  char tokens[api_role_count][TOKEN_TEXT_BYTES], revoked[TOKEN_TEXT_BYTES];
  char received[WEB_REPLY_BYTES]; /* the last answer */
  int presets_used;
  bool is_ending; /* time passes with every look at the clock, so that farewells have an end */
  /* What the test makes fail. */
  bool is_audit_broken;
  enum status backup_status; /* of every backup that is made */
  int pause_s;               /* before the last byte of every request; 0 none */
  const char *refusal;       /* code with which every command is refused by the engine; NULL none */
};
extern struct web web;
extern const struct cache_port *web_cache; /* of every API that is opened from now on; NULL none */

/* Everybody is admin and there is no database; or there are both logins and a database. */
int web_open_plain(void **state);
int web_open_guarded(void **state);
/* As plain, over a system that the caller owns. */
int web_open_over(struct rig *rig);
int web_close(void **state);
/* A new server and a new API over the same database, as after a restart. */
void web_restart(void);
/* The client asks another server, which is the caller's. */
void web_use(struct http_server *server, struct api *api);
void web_pass_s(int seconds);
/* One turn of server and API. */
void web_turn(void *context);
struct socket_world web_sockets(void);

/* Each sends a request on a connection of its own and returns the status of the answer, 0 when the connection ended without one. */
int web_send(const void *bytes, size_t size);
int web_send_text(const char *text);
/* headers end with \r\n each; body NULL: none. */
int web_ask(const char *method, const char *path, const char *headers, const char *body);
int web_ask_as(enum api_role role, const char *method, const char *path, const char *body);
int web_get(const char *path);
int web_post(const char *path, const char *body);
int web_post_bytes(const char *path, const void *body, size_t length);

/* The last answer. */
bool web_has(const char *part);
const char *web_body(void);
struct json *web_parse(void); /* fails when the body is no JSON; owned by the caller */
void web_take_text(const char *member, char *out, size_t size);

/* ---- who asks ---- */

/* A header with a token; static memory. */
const char *web_bearer(const char *secret);
void web_make_token(const char *name, enum api_role role, char secret[TOKEN_TEXT_BYTES]);

struct browser {
  char cookie[128], csrf[DIGEST_TEXT_MAX], headers[512];
};
extern const char web_password[];
/* The first user, root, by a setup link. */
void web_set_up(struct browser *browser);
/* browser NULL: only the status is wanted. Time passes, because logins have a rate. */
int web_log_in(struct browser *browser, const char *user, const char *password);

#endif
