/* What the files of the API share. */
#ifndef API_API_STATE_H
#define API_API_STATE_H

#include "api/api.h"
#include "api/keep.h"
#include "api/shape.h"
#include "engine/record.h"

enum { API_OPERATIONS_KEPT = 64, LATENCY_ORDERS = 20 };
enum { API_PENDING_MAX = 64, API_WAIT_MS = 5000, API_WAIT_MS_MAX = 30000 };

/* What somebody may do; each includes those before it. Names as in route.def. */
enum api_role { API_ROLE_NONE, API_ROLE_VIEWER, API_ROLE_OPERATOR, API_ROLE_ADMIN, api_role_count };
extern const char *const api_role_names[];

/* Who asks: found before a handler runs. */
struct caller {
  enum api_role role;
  char user[48];     /* "" nobody */
  char token_id[24]; /* "" without a token */
  char address[64];
  char login_id[65]; /* SHA-256 of the cookie; "" without a login */
  bool is_login;     /* by cookie: changing requests need X-CSRF-Token */
};

/* One request while it is handled. */
struct call {
  struct api *api;
  struct caller caller;
  const struct http_request *request;
  struct http_reply *reply;
  const struct route *route;
  struct json_writer writer;
  struct json *body;                  /* parsed; NULL without one */
  char parameter[HTTP_SEGMENT_BYTES]; /* of {id} or {symbol} */
  struct change *change;              /* of changing requests: audit row and Idempotency-Key (access/change.h) */
};

/* What is special about a route: GUARD rows of route.def. */
enum route_guard {
  GUARD_RATE_PROBE = 1 << 0, /* rates of their own */
  GUARD_RATE_LOGIN = 1 << 1,
  GUARD_RATE_SCAN = 1 << 2,
  GUARD_RATE_BACKTEST = 1 << 3,
  GUARD_NO_RATE = 1 << 4,        /* the commands that must always pass */
  GUARD_ACTS_UNAUDITED = 1 << 5, /* acts and logs when the audit log cannot be written */
  GUARD_HIDES_REPLY = 1 << 6,    /* the reply holds a secret */
  GUARD_METRICS = 1 << 7,        /* METRICS_ALLOW may read it */
  GUARD_TAKES_FILE = 1 << 8      /* also multipart/form-data, whose file stands for the member path */
};

struct route {
  const char *handler_name;
  void (*handle)(struct call *call);
  const char *method, *path, *role, *query, *text;
  enum shape_id request, reply;
  bool is_list;
};
extern const struct route api_routes[];
/* NULL: of no route. */
const struct route *api_find_route(const struct api *api, const struct http_request *request);
extern const int api_route_count;

enum pending_form { PENDING_REPLY, PENDING_CLOSE, PENDING_CANCEL, PENDING_POSITION, PENDING_CLOSE_ALL, PENDING_CANCEL_ALL, PENDING_FLOW };
enum { PENDING_POSITIONS_MAX = 16 };

/* A request that waits for the effect of a command. */
struct pending {
  struct http_reply *reply;
  char request_id[HTTP_ID_BYTES];
  int64_t operation_id, deadline_ns;
  enum pending_form form;
  int64_t position_id, qty_before;          /* of a close */
  char order_id[ORDER_ID_MAX];              /* of a cancel */
  int32_t symbol;                           /* of an adoption: its position is found by it; else -1 */
  int32_t scope;                            /* of cancel_all: enum cancel_scope */
  int64_t positions[PENDING_POSITIONS_MAX]; /* of close_all: those it closes */
  int32_t position_count;
  const struct preset *old_preset; /* of a reload, which is answered at once; borrowed */
};

/* When the steps of a command were first seen to be true, event time; 0 not yet. */
struct operation_times {
  int64_t operation_id, done_at[OPERATION_STEPS_MAX];
};

struct api {
  struct api_options options;
  struct keep kept[record_kind_count];
  struct pending pending[API_PENDING_MAX];
  int pending_count;
  struct history *history; /* owned: trades and equity for the figures */
  int64_t started_ms;
  bool is_stopping;
  struct alerts *alerts; /* owned: alerts and their rules (alerts/alerts.h) */
  struct operation_times operation_times[API_OPERATIONS_KEPT];
  int64_t operation_next;
  struct access *access;         /* owned: users, tokens, logins, limits (access/access.h) */
  struct feed_hub *feed;         /* owned: the live feed (feed/feed.h) */
  struct monitoring *monitoring; /* owned: resources, checkpoints, roll-ups (monitoring/monitoring.h) */
};

/* ---- replies ---- */

/* Starts the JSON body of a 200; the writer stands inside the object. */
void call_begin(struct call *call);
void call_end(struct call *call, int status);
/* Ends the array of a list that is whole, and the reply. */
void call_end_list(struct call *call, int64_t total);
/* Ends a 200 whose body is one object that was written whole. */
void call_finish(struct call *call);
/* problem JSON. allowed: NULL or legal commands are listed for code illegal_command. */
void call_fail(struct call *call, int status, const char *code, const char *format, ...) __attribute__((format(printf, 4, 5)));
void call_fail_problem(struct call *call, int status, const char *code, const struct problem *problem);
/* The same into a reply that was deferred. */
void reply_fail(const struct api *api, struct http_reply *reply, const char *request_id, int status, const char *code, const char *detail,
                const struct problem *problem);
/* The query argument as a number within bounds; false after a 400. Absent: *out stays. */
bool call_number(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out);
/* Other arguments of the query; each fails with a 400. Times: fallback when absent; from and to: everything when absent. */
bool call_time(struct call *call, const char *name, int64_t fallback, int64_t *out);
bool call_range(struct call *call, int64_t *from, int64_t *to);
/* Index among the words, fallback when absent, -1 after a 400. */
int call_word(struct call *call, const char *name, const char *const *words, int count, int fallback);
bool call_wants_csv(struct call *call, bool *is_csv);
/* Starts the CSV body of a 200. header: names of the columns. */
void call_begin_csv(struct call *call, const char *header);

/* ---- writing objects: key is the member's name, NULL inside arrays ---- */

void write_position(const struct api *api, const char *key, const struct position *position, struct json_writer *writer);
void write_order(const struct api *api, const char *key, const struct order *order, struct json_writer *writer);
void write_trade(const char *key, const struct trade *trade, struct json_writer *writer);
/* run_id: the run that decided; NULL for the running engine, whose sessions tell the rest. */
void write_decision(const struct api *api, const char *run_id, const char *key, const struct decision *decision, struct json_writer *writer);
/* Members of CommandReply. */
void write_reply(const struct api *api, const struct command_reply *reply, struct json_writer *writer);
void write_level(const struct level *level, double price, struct json_writer *writer);
void write_levels(const struct engine *engine, int32_t symbol, const char *key, struct json_writer *writer);
/* Writers of the market; those of the live feed too. */
void write_capabilities(uint32_t bits, struct json_writer *writer);
void write_sources(int32_t sources, struct json_writer *writer);
void write_level_change(const struct api *api, const char *key, const struct level_change *change, struct json_writer *writer);
/* A result of the past has no metrics and no levels. */
void write_scan_result(const struct api *api, const struct scan_result *result, bool is_past, struct json_writer *writer);
/* Members of a ScanSnapshot but items. */
void write_scan_head(const struct api *api, const struct scan_record *scan, struct json_writer *writer);
/* With at most `limit` rows when it is the engine's last scan, else without. */
void write_scan(const struct api *api, const char *key, const struct scan_record *scan, int32_t limit, struct json_writer *writer);
void write_candidate(const struct api *api, const char *key, const struct candidate *candidate, struct json_writer *writer);
void write_signal(const struct api *api, const char *key, const struct signal *signal, struct json_writer *writer);
void write_wall(const char *key, const struct wall *wall, struct json_writer *writer);
/* Only for symbols with engine_activity. */
void write_activity(const struct api *api, const char *key, int32_t symbol, struct json_writer *writer);
void write_candle(const char *key, const struct candle *candle, bool is_closed, struct json_writer *writer);
void write_equity(const char *key, const struct equity *equity, struct json_writer *writer);
/* Whole objects: EngineStatus, RiskSummary, Operation, Alert of the engine, Fill. */
void write_engine_status(const struct api *api, const char *key, struct json_writer *writer);
void write_risk(const struct api *api, const char *key, struct json_writer *writer);
void write_operation(const struct api *api, const char *key, const struct command_reply *reply, struct json_writer *writer);
void write_alert(const struct api *api, const char *key, const struct alert *alert, struct json_writer *writer);
void write_fill(const char *key, const struct fill *fill, struct json_writer *writer);
void write_id(struct json_writer *writer, const char *key, char letter, int digits, int64_t number);
/* From sending an order to its acknowledgement, over the newest 20; NaN without one. */
void read_latency(const struct engine *engine, double *median_ms, double *mean_ms);
int64_t open_risk_of(const struct engine *engine);
double unprotected_seconds_of(const struct engine *engine);
/* Notes the steps of commands under way. After every turn of the loop. */
void operations_turn(struct api *api);
void write_latch(const struct latch *latch, const char *key, struct json_writer *writer);
/* The keys in which two contents of a preset differ, as the member "changed". */
void write_preset_changes(const struct preset *old, const struct preset *now, struct json_writer *writer);
void write_trace(struct json_writer *writer, const char *symbol, int64_t trace_ts);
void write_skipped_filters(const struct engine *engine, struct json_writer *writer);
void write_commands_allowed(const struct engine *engine, struct json_writer *writer, const char *key);
/* Runs as items of an open array, newest first; none without a database. */
void write_runs_newest(const struct api *api, int64_t limit, struct json_writer *writer);
void write_session(const struct api *api, const char *key, const struct session_record *session, struct json_writer *writer);
/* Writes an object of a kind that lists show. run_id: as above. */
void write_record(const struct api *api, const char *run_id, enum record_kind kind, const void *object, struct json_writer *writer);

/* ---- lists ---- */

struct listing {
  const void **items; /* newest first; owned */
  int32_t count, capacity;
  const char *run_id; /* everything is of this run; borrowed, NULL of none */
};
void listing_add(struct listing *listing, const void *object);
/* All kept records of a kind. */
void listing_add_kept(const struct api *api, enum record_kind kind, struct listing *listing);
/* The list of what was gathered and of older rows of the database: filters by the arguments of the query whose names are fields, pages, writes JSON
 * or CSV, frees the listing. Gathered must be everything that memory has of the kind (orders and positions: in the scope of the argument state). */
void listing_answer(struct call *call, struct listing *listing, enum record_kind kind, const char *id_field, const char *time_field);
/* The same of a list that is whole: no row of the database belongs to it. */
void listing_answer_whole(struct call *call, struct listing *listing, enum record_kind kind, const char *id_field, const char *time_field);

/* The list of the decisions of a run that is done. */
void answer_run_decisions(struct call *call, const char *run_id);
/* A run of the table runs as it stands now. */
void answer_run(struct call *call, const char *id, int status);

/* ---- lookups ---- */

const struct position *find_position(const struct api *api, const char *id);
const struct order *find_order(const struct api *api, const char *id);
/* The newest decision about a symbol, NULL none. */
const struct decision *last_decision(const struct engine *engine, int32_t symbol);
/* NaN without one, or for symbol -1. */
double price_now(const struct engine *engine, int32_t symbol);
/* Index of a symbol in any spelling; answers 404 and gives -1. */
int32_t call_symbol(struct call *call, const char *spelling);
const struct command_reply *find_reply(const struct api *api, int64_t operation_id);
/* Number of an id like P00000012 with its letter, 0 when it is none. */
int64_t parse_id(const char *text, char letter);

/* ---- commands ---- */

/* Steps a command and answers: at once when its effect is complete or wait_ms is 0, else when it is or the time is over. */
void command_run(struct call *call, struct event_command *command, struct pending *pending, int64_t wait_ms);
/* The body of a reply that handlers_trading.c knows; false when *form* is another. *is_done: everything it promised has come true. */
bool write_trading_reply(const struct api *api, const struct pending *pending, const struct command_reply *reply, struct json_writer *writer,
                         bool *is_done);
void answer_pending(struct api *api, const struct pending *pending, const struct command_reply *reply);

/* ---- handlers ---- */
#define ROUTE(handler, method, path, role, request, reply, is_list, query, text) void handle_##handler(struct call *call);
#include "api/route.def"

#endif
