/* The HTTP API: routes of route.def over the engine's views, commands as events, and the newest records. On the loop's thread; reads the engine
 * between two events. */
#ifndef API_API_H
#define API_API_H

#include "engine/view.h"
#include "runner/cache.h"
#include "runner/http.h"
#include "runner/metrics.h"
#include "runner/resources.h"
#include "runner/rows.h"
#include "runner/runs.h"
#include "runner/settings.h"
#include "runner/webhook.h"

enum api_level { API_OK, API_DEGRADED, API_FAILED, API_OFF };

/* A part of the program as /api/health shows it. */
struct api_component {
  const char *name;
  enum api_level level;
  char detail[128];
};
enum { API_COMPONENTS_MAX = 16 };

/* A backup, and what is known of the installation; what is not known is -1 or "". */
struct api_backup {
  char file[256]; /* name inside BACKUP_DIR */
  int64_t ts, bytes;
  bool is_verified;
};
struct api_system {
  char database_kind[16];
  int64_t database_bytes, journal_bytes, schema_version;
  char instance[16];
  char lease_name[32], lease_holder[96];
  int64_t lease_expires_at;
};

/* What the API asks of the program around it. */
struct api_host {
  void *self;
  /* Event time that a command gets now. */
  int64_t (*now)(void *self);
  /* An event through journal, engine and dispatch. */
  void (*step)(void *self, struct event *event);
  /* Reads and checks a preset (NULL: the one in force, under its name) and puts it into force by its event. */
  enum status (*use_preset)(void *self, const char *name, struct problem *problem);
  /* Parts that the engine does not know: journal, database, feed, disk. Returns how many. */
  int (*components)(void *self, struct api_component *out, int max);
  void (*read_system)(void *self, struct api_system *out);
  /* Begins a backup beside the loop; STATUS_IN_USE when one is being made. */
  enum status (*start_backup)(void *self, struct problem *problem);
  /* What came of it; STATUS_IN_USE while it is being made. */
  enum status (*take_backup)(void *self, struct api_backup *out, struct problem *problem);
};

struct api_options {
  struct api_host host;
  const struct engine *engine;
  struct metrics *metrics;
  const struct clock *clock;
  const struct settings *settings;
  struct resources *resources;             /* NULL: nobody samples */
  const struct row_port *rows;             /* the database; NULL: none, what needs it answers 503 */
  const struct run_port *runs;             /* worker processes; NULL: none, what needs them answers 503 */
  const struct http_port_sockets *sockets; /* NULL: no WebSockets */
  const struct cache_port *cache;          /* what other processes may read; NULL: none */
  const struct webhook_port *webhook;      /* where alerts are posted; NULL: nowhere */
  bool is_demo;                            /* recorded data */
  double speed;                            /* of playback; 0: real time */
  bool is_ready;                           /* recovery is done */
  bool is_private;                         /* only this process asks: every request is admin, without limits */
};

struct api; /* opaque */

NODISCARD enum status api_open(struct api **api, const struct api_options *options);
void api_close(struct api *api); /* NULL is allowed */
/* To be given to the HTTP server. */
void api_handler(struct api *api, struct http_handler *out);
/* To be given to the runner: keeps the newest records. */
void api_listener(struct api *api, struct listener *out);
/* A record of before the start, oldest first. */
void api_remember(struct api *api, enum record_kind kind, const void *object);
/* Answers requests that wait for a command whose effect has come or whose time is over. After every turn of the loop. */
void api_turn(struct api *api);
/* Milliseconds until api_turn has something to time out, -1 never. */
int api_timeout_ms(const struct api *api);
/* A token with the role admin that ends with this process: for the machine's own programs. Secret. */
const char *api_local_token(const struct api *api);
/* A run began, came forward or ended: for the feed. */
void api_run_changed(struct api *api, const char *run_id, bool has_ended);
/* While the machine is busy: the feed tells newest values half as often. */
void api_relieve_feed(struct api *api, bool is_relieved);
/* While memory is short: closes the WebSocket with most bytes waiting; false when none waits. */
bool api_close_slowest_reader(struct api *api);
/* From now on changing requests answer 503. */
void api_stop_commands(struct api *api);
/* The sentence that says that this is a demo; NULL when it is none. */
const char *api_notice(const struct api *api);
/* The OpenAPI 3.1 document, and the routes as Markdown. */
void api_describe_openapi(struct buffer *out);
void api_describe_markdown(struct buffer *out);

#endif
