/* The router: which route, may this request be here, is its body good; then the handler. */
#include "api/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/access/access.h"
#include "api/alerts/alerts.h"
#include "api/feed/feed.h"
#include "api/history.h"
#include "api/monitoring/monitoring.h"
#include "api/upload.h"
#include "base/check.h"
#include "base/log.h"
#include "base/version.h"

const struct route api_routes[] = {
#define ROUTE(handler, method, path, role, request, reply, is_list, query, text) \
  {#handler, handle_##handler, method, path, role, query, text, SHAPE_##request, SHAPE_##reply, is_list},
#include "api/route.def"
};
const char *const api_role_names[] = {"none", "viewer", "operator", "admin"};
const int api_route_count = (int)(sizeof api_routes / sizeof api_routes[0]);

/* ---- life ---- */

/* Without the database the figures begin with what comes. */
static void open_history(struct api *api) {
  struct problem problem;
  problem_clear(&problem);
  api->history = history_open();
  if (api->options.rows == NULL || history_read(api->history, api->options.rows, NULL, &problem) == STATUS_OK) return;
  log_write(LOG_WARNING, "api", "history", NULL, "trades and equity of before cannot be read: %s", problem.count > 0 ? problem.items[0].message : "");
}

enum status api_open(struct api **out, const struct api_options *options) {
  static const struct {
    enum record_kind kind;
    const char *key;
    int32_t capacity;
  } kinds[] = {
      {RECORD_DECISION, NULL, 3000},         {RECORD_TRADE, "trade_id", 1000},
      {RECORD_FILL, "fill_id", 2000},        {RECORD_ORDER, "client_order_id", 2000},
      {RECORD_POSITION, "position_id", 500}, {RECORD_STOP_MOVE, NULL, 2000},
      {RECORD_SESSION, "session_id", 200},   {RECORD_COMMAND_REPLY, "operation_id", 256},
      {RECORD_SIGNAL, "signal_id", 500},     {RECORD_SCAN, "scan_id", 300},
      {RECORD_FLOW, "flow_id", 500},
  };
  struct api *api = calloc(1, sizeof *api);
  if (api == NULL) return STATUS_NO_MEMORY;
  api->options = *options;
  api->started_ms = options->clock->now_ms(options->clock->self);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    keep_open(&api->kept[kinds[i].kind], record_schemas[kinds[i].kind], kinds[i].key, kinds[i].capacity);
  }
  open_history(api);
  *out = api;
  if (!options->is_private) uploads_clear(api);
  enum status status = access_open(api);
  if (!status) status = alerts_open(api);
  if (!status) status = feed_open(api);
  if (!status) status = monitoring_open(api);
  if (!status) return STATUS_OK;
  *out = NULL;
  api_close(api);
  return status;
}

void api_close(struct api *api) {
  if (api == NULL) return;
  monitoring_close(api);
  feed_close(api);
  access_close(api);
  alerts_close(api);
  history_close(api->history);
  for (int i = 0; i < record_kind_count; i++) keep_close(&api->kept[i]);
  free(api);
}

void api_remember(struct api *api, enum record_kind kind, const void *object) {
  struct keep *keep = &api->kept[kind];
  if (kind == RECORD_TRADE) history_add_trade(api->history, object);
  if (kind == RECORD_EQUITY) history_add_equity(api->history, object);
  if (keep->items == NULL) return;
  /* Live orders and open positions are read from the engine; what has ended is kept. */
  if (kind == RECORD_ORDER && !order_is_ended(object)) return;
  if (kind == RECORD_POSITION && ((const struct position *)object)->state != POSITION_CLOSED) return;
  keep_put(keep, object);
}

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  (void)seq;
  api_remember(context, kind, object);
  alerts_on_record(context, kind, object);
  feed_on_record(context, kind, object);
  monitoring_on_record(context, ts, kind, object);
}

static void on_event(void *context, const struct event *event) {
  feed_on_event(context, event);
}

void api_listener(struct api *api, struct listener *out) {
  *out = (struct listener){.context = api, .on_event = on_event, .on_record = on_record};
}

void api_stop_commands(struct api *api) {
  api->is_stopping = true;
  api->access->logins.cache = NULL; /* a successor ends logins that this process still knows */
}

const char *api_notice(const struct api *api) {
  return api->options.is_demo ? "This is a demo: a recorded real market, played back, with paper money. No order leaves this machine." : NULL;
}

/* ---- replies ---- */

void call_begin(struct call *call) {
  json_writer_init(&call->writer, &call->reply->body, false);
  json_begin_object(&call->writer, NULL);
}

void call_end(struct call *call, int status) {
  json_end_object(&call->writer);
  buffer_add_text(&call->reply->body, "\n");
  call->reply->status = status;
  call->reply->content_type = "application/json";
}

static const char *title_of(int status) {
  switch (status) {
    case 400:
      return "The request is not valid";
    case 401:
      return "Not logged in";
    case 403:
      return "Not allowed";
    case 404:
      return "Not found";
    case 405:
      return "The method is not allowed here";
    case 409:
      return "Not possible now";
    case 415:
      return "The body must be application/json";
    case 422:
      return "The values are not valid";
    case 429:
      return "Too many requests";
    case 503:
      return "Not available now";
    default:
      return "The request failed";
  }
}

void reply_fail(const struct api *api, struct http_reply *reply, const char *request_id, int status, const char *code, const char *detail,
                const struct problem *problem) {
  struct json_writer writer;
  char type[80];
  buffer_clear(&reply->body);
  json_writer_init(&writer, &reply->body, false);
  json_begin_object(&writer, NULL);
  snprintf(type, sizeof type, "/api/docs/problems#%s", code);
  json_add_string(&writer, "type", type);
  json_add_string(&writer, "title", title_of(status));
  json_add_int(&writer, "status", status);
  json_add_string(&writer, "detail", detail);
  json_add_string(&writer, "code", code);
  if (problem != NULL) json_add_problem(&writer, "errors", problem, false);
  bool is_command = text_equal(code, "illegal_command") || text_equal(code, "emergency_latched");
  if (is_command) write_commands_allowed(api->options.engine, &writer, "allowed");
  json_add_string(&writer, "request_id", request_id);
  json_end_object(&writer);
  buffer_add_text(&reply->body, "\n");
  reply->status = status;
  reply->content_type = "application/problem+json";
}

/* Refusals of who asks are counted: many of them are somebody who tries. A page that does not know yet whether it is logged in is none. */
static void count_refusal(const struct call *call, const char *code) {
  static const struct {
    const char *code, *kind;
  } kinds[] = {{"bad_credentials", "login"}, {"login_expired", "session"}, {"token_revoked", "token"},
               {"role_too_low", "role"},     {"csrf_failed", "csrf"},      {"setup_closed", "setup"}};
  struct metrics *metrics = call->api->options.metrics;
  bool is_unknown_token = text_equal(code, "not_authenticated") && http_header(call->request, "Authorization") != NULL;
  if (is_unknown_token) metrics_add(metrics, METRIC_AUTH_FAILURES, METRIC_VALUES("token"), 1);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (text_equal(kinds[i].code, code)) metrics_add(metrics, METRIC_AUTH_FAILURES, METRIC_VALUES(kinds[i].kind), 1);
  }
}

void call_fail(struct call *call, int status, const char *code, const char *format, ...) {
  char detail[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(detail, sizeof detail, format, arguments);
  va_end(arguments);
  count_refusal(call, code);
  reply_fail(call->api, call->reply, call->request->id, status, code, detail, NULL);
}

void call_fail_problem(struct call *call, int status, const char *code, const struct problem *problem) {
  const char *detail = problem->count > 0 ? problem->items[0].message : title_of(status);
  reply_fail(call->api, call->reply, call->request->id, status, code, detail, problem);
}

bool call_number(struct call *call, const char *name, int64_t min, int64_t max, int64_t *out) {
  const char *text = http_argument(call->request, name);
  int64_t value;
  if (text == NULL) return true;
  if (!text_parse_i64(text, &value) || value < min || value > max) {
    call_fail(call, 400, "bad_parameter", "%s must be a whole number from %lld to %lld", name, (long long)min, (long long)max);
    return false;
  }
  *out = value;
  return true;
}

/* ---- routing ---- */

/* Does the path of the route fit; {name} takes one segment into parameter. */
static bool route_fits(const struct route *route, const struct http_request *request, char parameter[HTTP_SEGMENT_BYTES]) {
  const char *at = route->path;
  for (int i = 0; i < request->segment_count; i++) {
    if (*at != '/') return false;
    size_t length = strcspn(++at, "/");
    if (at[0] == '{') {
      text_copy(parameter, HTTP_SEGMENT_BYTES, request->segments[i]);
    } else if (strlen(request->segments[i]) != length || memcmp(at, request->segments[i], length) != 0) {
      return false;
    }
    at += length;
  }
  return *at == '\0';
}

static bool method_fits(const struct route *route, const char *method) {
  return text_equal(route->method, method) || (text_equal(method, "HEAD") && text_equal(route->method, "GET"));
}

static void add_allow(struct http_reply *reply, const char *method) {
  struct text text = {reply->allow, sizeof reply->allow, strlen(reply->allow), false};
  if (text.length > 0) text_add(&text, ", ");
  text_add(&text, method);
  if (text_equal(method, "GET")) text_add(&text, ", HEAD");
}

static const struct route *find_route(struct call *call) {
  const struct http_request *request = call->request;
  char parameter[HTTP_SEGMENT_BYTES];
  int found[ROUTER_FOUND_MAX];
  int count = router_find(&call->api->access->router, request, found);
  for (int i = 0; i < count; i++) {
    const struct route *route = &api_routes[found[i]];
    parameter[0] = '\0';
    if (!route_fits(route, request, parameter)) continue;
    if (method_fits(route, request->method)) {
      memcpy(call->parameter, parameter, sizeof parameter);
      call->reply->allow[0] = '\0'; /* another route of this text has other methods */
      return route;
    }
    add_allow(call->reply, route->method);
  }
  if (call->reply->allow[0] != '\0') {
    call_fail(call, 405, "method_not_allowed", "%s is not possible here; allowed: %s", request->method, call->reply->allow);
  } else {
    call_fail(call, 404, "not_found", "there is nothing at this address in this version; /api/openapi.json lists what there is");
  }
  return NULL;
}

/* Every argument of the query is one that the route knows. */
static bool query_is_known(struct call *call) {
  for (int i = 0; i < call->request->argument_count; i++) {
    const char *name = call->request->arguments[i].name;
    size_t length = strlen(name);
    bool is_known = false;
    for (const char *at = call->route->query; *at != '\0' && !is_known; at += strspn(at, " ")) {
      size_t word = strcspn(at, " ");
      is_known = word == length && memcmp(at, name, length) == 0;
      at += word;
    }
    if (is_known) continue;
    call_fail(call, 400, "bad_parameter", "%s is not an argument of this address; known: %s", name,
              call->route->query[0] != '\0' ? call->route->query : "none");
    return false;
  }
  return true;
}

static bool is_json_type(const char *type) {
  static const char json[] = "application/json";
  if (type == NULL || strncasecmp(type, json, sizeof json - 1) != 0) return false;
  char after = type[sizeof json - 1];
  return after == '\0' || after == ';' || after == ' ';
}

static bool form_is_good(struct call *call, struct problem *problem) {
  call->body = upload_body(call);
  if (call->body == NULL) return false;
  if (shape_accepts(call->route->request, call->body, problem)) return true;
  call_fail_problem(call, 422, "validation_failed", problem);
  return false;
}

/* Parses the body of a changing request; an empty one is an empty object when the shape asks for nothing. */
static bool body_is_good(struct call *call, struct problem *problem) {
  const struct http_request *request = call->request;
  if (request->upload != NULL) return form_is_good(call, problem);
  if (!is_json_type(request->content_type)) {
    call_fail(call, 415, "bad_content_type", "Content-Type must be application/json");
    return false;
  }
  if (request->body_length == 0 && call->route->request == SHAPE_EMPTY) return true;
  call->body =
      json_parse(request->body_length > 0 ? request->body : "{}", request->body_length > 0 ? request->body_length : 2, JSON_STRICT, "body", problem);
  if (call->body == NULL) {
    call_fail_problem(call, 400, "bad_json", problem);
    return false;
  }
  if (shape_accepts(call->route->request, call->body, problem)) return true;
  call_fail_problem(call, 422, "validation_failed", problem);
  return false;
}

static void run(struct call *call) {
  const struct http_request *request = call->request;
  if (!access_admits_origin(call)) return;
  if (request->has_bad_path) {
    call_fail(call, 404, "not_found", "the address is not well formed");
    return;
  }
  call->route = find_route(call);
  if (call->route == NULL || !access_admits_caller(call)) return;
  if (request->has_bad_query) {
    call_fail(call, 400, "bad_parameter", "the query is not well formed");
    return;
  }
  if (!query_is_known(call)) return;
  bool is_change = !text_equal(call->route->method, "GET");
  if (is_change && call->api->is_stopping) {
    call_fail(call, 503, "not_ready", "the server is ending");
    return;
  }
  struct problem problem;
  problem_clear(&problem);
  if (is_change && !body_is_good(call, &problem)) return;
  if (!change_begin(call)) return;
  call->route->handle(call);
  change_end(call);
}

static void on_request(void *context, const struct http_request *request, struct http_reply *reply) {
  struct call call = {.api = context, .request = request, .reply = reply};
  reply->status = 500;
  run(&call);
  json_free(call.body);
}

static void on_gone(void *context, const struct http_reply *reply) {
  struct api *api = context;
  access_gone(api, reply);
  monitoring_on_gone(api, reply);
  for (int i = 0; i < api->pending_count; i++) {
    if (api->pending[i].reply != reply) continue;
    api->pending[i] = api->pending[--api->pending_count];
    return;
  }
}

static bool is_reading(const char *method) {
  return text_equal(method, "GET") || text_equal(method, "HEAD");
}

/* A file of the interface: the adapter answers it before the API sees it. */
static bool is_file(const struct http_request *request, const struct http_reply *reply) {
  const char *first = request->segment_count > 0 ? request->segments[0] : "";
  return is_reading(request->method) && reply->status < 400 && !text_equal(first, "api") && !text_equal(first, "ws");
}

const struct route *api_find_route(const struct api *api, const struct http_request *request) {
  char parameter[HTTP_SEGMENT_BYTES];
  int found[ROUTER_FOUND_MAX];
  int count = request->has_bad_path ? 0 : router_find(&api->access->router, request, found);
  for (int i = 0; i < count; i++) {
    const struct route *route = &api_routes[found[i]];
    if (route_fits(route, request, parameter) && method_fits(route, request->method)) return route;
  }
  return NULL;
}

/* What a reader can be told at any time is no event: 501, and 503 of what has no data yet; but of a probe it is. */
static enum log_level level_of(const char *method, bool is_of_probe, int status) {
  bool is_expected = status == 501 || (status == 503 && is_reading(method) && !is_of_probe);
  if (status >= 500 && !is_expected) return LOG_WARNING;
  return is_reading(method) ? LOG_DEBUG : LOG_INFO;
}

static void on_done(void *context, const struct http_request *request, const struct http_reply *reply) {
  struct api *api = context;
  const struct clock *clock = api->options.clock;
  bool is_ui = is_file(request, reply);
  const struct route *found = is_ui ? NULL : api_find_route(api, request);
  bool is_probe = found != NULL && (access_rule(api, found)->guards & GUARD_RATE_PROBE) != 0;
  /* The route's path as a label: bounded, unlike what clients send. */
  const char *route = is_ui ? "ui" : found != NULL ? found->path : "other";
  const char *method = is_ui ? "GET" : found != NULL ? found->method : "other";
  char status[16];
  snprintf(status, sizeof status, "%d", reply->status);
  double seconds = (double)(clock->monotonic_ns(clock->self) - request->started_ns) * 1e-9;
  metrics_add(api->options.metrics, METRIC_HTTP_REQUESTS, METRIC_VALUES(method, route, status), 1);
  metrics_observe(api->options.metrics, METRIC_HTTP_DURATION, METRIC_VALUES(route), seconds);
  if (is_probe && reply->status < 500) return;
  enum log_level level = level_of(request->method, is_probe, reply->status);
  log_write(level, "api", "request", NULL, "%s %s answered %d in %.1f ms (request %s from %s)", method, route, reply->status, seconds * 1e3,
            request->id, request->address);
}

void api_handler(struct api *api, struct http_handler *out) {
  *out = (struct http_handler){.context = api, .on_upload = upload_is_wanted, .on_request = on_request, .on_gone = on_gone, .on_done = on_done};
}

/* ---- requests that wait ---- */

void api_turn(struct api *api) {
  access_turn(api);
  operations_turn(api);
  alerts_turn(api);
  int64_t now = api->options.clock->monotonic_ns(api->options.clock->self);
  for (int i = 0; i < api->pending_count;) {
    const struct command_reply *reply = find_reply(api, api->pending[i].operation_id);
    bool has_ended = reply == NULL || reply->status != COMMAND_IN_PROGRESS;
    if (!has_ended && now < api->pending[i].deadline_ns) {
      ++i;
      continue;
    }
    struct pending pending = api->pending[i];
    api->pending[i] = api->pending[--api->pending_count];
    answer_pending(api, &pending, reply);
    pending.reply->send(pending.reply);
  }
  monitoring_turn(api);
  feed_turn(api);
}

int api_timeout_ms(const struct api *api) {
  int64_t now = api->options.clock->monotonic_ns(api->options.clock->self);
  int64_t least = access_timeout_ms(api);
  int64_t feed = feed_timeout_ms(api);
  if (feed >= 0 && (least < 0 || feed < least)) least = feed;
  int64_t monitoring = monitoring_timeout_ms(api);
  if (monitoring >= 0 && (least < 0 || monitoring < least)) least = monitoring;
  for (int i = 0; i < api->pending_count; i++) {
    int64_t left = (api->pending[i].deadline_ns - now) / 1000000 + 1;
    if (left < 0) left = 0;
    if (least < 0 || left < least) least = left;
  }
  return (int)least;
}
