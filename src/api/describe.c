/* The API's own documents, from its tables. */
#include <string.h>
#include <strings.h>

#include "api/access/access.h"
#include "api/feed/feed.h"
#include "base/version.h"

/* ---- schemas of bodies ---- */

static void add_schema(struct json_writer *writer, enum shape_id id) {
  if (id == SHAPE_EMPTY) {
    json_add_raw(writer, "schema", "{\"type\":\"object\"}");
  } else if (id == SHAPE_TEXT || id == SHAPE_PAGE) {
    json_add_raw(writer, "schema", "{\"type\":\"string\"}");
  } else {
    describe_reference(writer, "schema", id);
  }
}

static void add_list_schema(struct json_writer *writer, enum shape_id id) {
  json_begin_object(writer, "schema");
  json_add_string(writer, "type", "object");
  json_begin_object(writer, "properties");
  json_begin_object(writer, "items");
  json_add_string(writer, "type", "array");
  describe_reference(writer, "items", id);
  json_end_object(writer);
  json_add_raw(writer, "next_cursor", "{\"type\":[\"string\",\"null\"],\"description\":\"cursor of the next page\"}");
  json_add_raw(writer, "total", "{\"type\":[\"integer\",\"null\"],\"description\":\"items on all pages\"}");
  json_end_object(writer);
  json_add_raw(writer, "required", "[\"items\"]");
  json_end_object(writer);
}

static bool has_word(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
    size_t size = strcspn(at, " ");
    if (size == length && memcmp(at, word, length) == 0) return true;
    at += size;
  }
  return false;
}

static const char *content_type(enum shape_id id) {
  if (id == SHAPE_TEXT) return "text/plain";
  return id == SHAPE_PAGE ? "text/html" : "application/json";
}

static void add_content(struct json_writer *writer, const struct route *route) {
  json_begin_object(writer, "content");
  json_begin_object(writer, content_type(route->reply));
  if (route->is_list) {
    add_list_schema(writer, route->reply);
  } else {
    add_schema(writer, route->reply);
  }
  json_end_object(writer);
  if (has_word(route->query, "format")) json_add_raw(writer, "text/csv", "{\"schema\":{\"type\":\"string\"}}");
  json_end_object(writer);
}

/* ---- parameters ---- */

static const struct parameter {
  const char *name, *schema, *text;
} parameters[] = {
    {"limit", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}", "how many at most"},
    {"cursor", "{\"type\":\"string\"}", "next_cursor of the page before"},
    {"order", "{\"type\":\"string\",\"enum\":[\"asc\",\"desc\"],\"default\":\"desc\"}", "oldest or newest first"},
    {"format", "{\"type\":\"string\",\"enum\":[\"json\",\"csv\"]}", "csv: text/csv, as with Accept: text/csv"},
    {"from", "{\"type\":[\"integer\",\"string\"]}", "from this time on: ms UTC, or 2025-05-10T12:00:00Z"},
    {"to", "{\"type\":[\"integer\",\"string\"]}", "before this time: ms UTC, or 2025-05-10T12:00:00Z"},
    {"at", "{\"type\":[\"integer\",\"string\"]}", "at this time: ms UTC, or 2025-05-10T12:00:00Z"},
    {"symbol", "{\"type\":\"string\"}", "symbol in any spelling: BTCUSDT or BTC/USDT:USDT"},
    {"passed", "{\"type\":\"boolean\"}", "only those that passed, or that did not"},
    {"minutes", "{\"type\":\"integer\",\"minimum\":1}", "span, minutes"},
    {"last_n", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":100}", "how many points"},
    {"days", "{\"type\":\"integer\",\"minimum\":1}", "days"},
    {"id", "{\"type\":\"string\"}", "id, as lists show it"},
    {"session_id", "{\"type\":\"string\"}", "session, S00000001"},
    {"position_id", "{\"type\":\"string\"}", "position, P00000001"},
    {"trace_id", "{\"type\":\"string\"}", "symbol:scan time"},
    {"name", "{\"type\":\"string\"}", "name"},
};

static const struct parameter *find_parameter(const char *name) {
  for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
    if (strcmp(parameters[i].name, name) == 0) return &parameters[i];
  }
  return NULL;
}

/* The words of a filter that is a member of the listed objects. Live lists know some words more. */
static bool add_words(struct json_writer *writer, const struct route *route, const char *name) {
  char words[SHAPE_WORDS_MAX][SHAPE_WORD_BYTES];
  const struct schema *schema = shape_schema(route->reply);
  const struct field *field = schema != NULL ? schema_field(schema, name) : NULL;
  struct shape_member member = {.name = name};
  if (field != NULL && field->kind == FIELD_KIND_ENUM) {
    member.names = field->names;
    member.name_count = field->name_count;
    if (strcmp(name, "state") == 0) member.words = "open closed all";
  }
  for (const struct shape_member *at = shape_table[route->reply].members; at->name != NULL; at++) {
    if (at->type == SHAPE_STRING && strcmp(at->name, name) == 0) member = *at;
  }
  int count = shape_words(&member, words);
  if (count == 0) return false;
  json_begin_object(writer, "schema");
  json_add_string(writer, "type", "string");
  json_begin_array(writer, "enum");
  for (int i = 0; i < count; i++) {
    bool is_known = false;
    for (int k = 0; k < i; k++) is_known = is_known || strcmp(words[k], words[i]) == 0;
    if (!is_known) json_add_string(writer, NULL, words[i]);
  }
  json_end_array(writer);
  json_end_object(writer);
  return true;
}

static void add_parameter(struct json_writer *writer, const struct route *route, const char *name, bool is_path) {
  const struct parameter *parameter = find_parameter(name);
  json_begin_object(writer, NULL);
  json_add_string(writer, "name", name);
  json_add_string(writer, "in", is_path ? "path" : "query");
  if (is_path) json_add_bool(writer, "required", true);
  json_add_string(writer, "description", parameter != NULL ? parameter->text : is_path ? "id, as lists show it" : "only with this value");
  if (is_path || !route->is_list || !add_words(writer, route, name))
    json_add_raw(writer, "schema", parameter != NULL ? parameter->schema : "{\"type\":\"string\"}");
  json_end_object(writer);
}

static bool is_change(const struct route *route) {
  return strcmp(route->method, "GET") != 0;
}

static void add_parameters(struct json_writer *writer, const struct route *route) {
  char name[64];
  json_begin_array(writer, "parameters");
  for (const char *brace = strchr(route->path, '{'); brace != NULL; brace = strchr(brace + 1, '{')) {
    text_copy(name, strcspn(brace + 1, "}") + 1, brace + 1);
    add_parameter(writer, route, name, true);
  }
  for (const char *at = route->query; *at != '\0'; at += strspn(at, " ")) {
    size_t length = strcspn(at, " ");
    text_copy(name, length + 1, at);
    add_parameter(writer, route, name, false);
    at += length;
  }
  if (is_change(route)) {
    json_add_raw(writer, NULL, "{\"$ref\":\"#/components/parameters/IdempotencyKey\"}");
    if (strcmp(route->role, "none") != 0) json_add_raw(writer, NULL, "{\"$ref\":\"#/components/parameters/CsrfToken\"}");
  }
  json_end_array(writer);
}

/* ---- replies ---- */

/* Statuses beside 200, of ANSWERS rows. */
static const struct {
  const char *handler;
  int status;
} answers[] = {
#define ANSWERS(handler, status) {#handler, status},
#include "api/route.def"
};

static bool answers_with(const struct route *route, int status) {
  for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
    if (answers[i].status == status && strcmp(answers[i].handler, route->handler_name) == 0) return true;
  }
  return false;
}

/* A command that may be waited for is answered before its effect when the time is over. */
static bool may_wait(const struct route *route) {
  for (const struct shape_member *at = shape_table[route->request].members; at->name != NULL; at++) {
    if (strcmp(at->name, "wait_ms") == 0) return true;
  }
  return false;
}

static void add_problem(struct json_writer *writer, const char *status) {
  json_begin_object(writer, status);
  json_add_string(writer, "$ref", "#/components/responses/Problem");
  json_end_object(writer);
}

static void add_failures(struct json_writer *writer, const struct route *route) {
  bool is_open = strcmp(route->role, "none") == 0;
  add_problem(writer, "400");
  if (!is_open) add_problem(writer, "401");
  add_problem(writer, "403");
  if (strchr(route->path, '{') != NULL || answers_with(route, 404)) add_problem(writer, "404");
  if (is_change(route)) {
    add_problem(writer, "409");
    add_problem(writer, "413");
    add_problem(writer, "415");
    add_problem(writer, "422");
  }
  add_problem(writer, "429");
  add_problem(writer, "500");
  if (!answers_with(route, 503)) add_problem(writer, "503");
}

static void add_reply(struct json_writer *writer, const struct route *route, const char *status, const char *text) {
  json_begin_object(writer, status);
  json_add_string(writer, "description", text);
  if (strcmp(status, "204") != 0) add_content(writer, route);
  json_end_object(writer);
}

static void add_responses(struct json_writer *writer, const struct route *route) {
  json_begin_object(writer, "responses");
  add_reply(writer, route, "200", route->text);
  if (answers_with(route, 202) || may_wait(route)) add_reply(writer, route, "202", "still in progress");
  if (answers_with(route, 204)) add_reply(writer, route, "204", "there is nothing yet");
  if (answers_with(route, 503)) add_reply(writer, route, "503", "the same, when it is not well");
  add_failures(writer, route);
  json_end_object(writer);
}

/* ---- operations ---- */

/* The word of the path behind /api/, or system for what is about the program as a whole. */
static void tag_of(const struct route *route, char tag[32]) {
  static const char *const own[] = {"live", "ready", "health", "openapi.json", "docs", "redoc", "system", "logs", "settings", ""};
  const char *at = strncmp(route->path, "/api/", 5) == 0 ? route->path + 5 : "";
  text_copy(tag, strcspn(at, "/") + 1 < 32 ? strcspn(at, "/") + 1 : 32, at);
  for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
    if (strcmp(tag, own[i]) == 0) text_copy(tag, 32, "system");
  }
}

/* The handler's name; a handler of several routes gets a number behind it. */
static void add_operation_id(struct json_writer *writer, int index) {
  char id[80];
  int nth = 1;
  struct text text;
  for (int i = 0; i < index; i++) {
    if (strcmp(api_routes[i].handler_name, api_routes[index].handler_name) == 0) ++nth;
  }
  text_init(&text, id, sizeof id);
  text_add(&text, api_routes[index].handler_name);
  if (nth > 1) {
    text_add_char(&text, '_');
    text_add_i64(&text, nth);
  }
  json_add_string(writer, "operationId", id);
}

static void add_operation(struct json_writer *writer, int index) {
  const struct route *route = &api_routes[index];
  char method[16];
  char tag[32];
  size_t i = 0;
  for (; route->method[i] != '\0'; i++) method[i] = (char)(route->method[i] | 0x20);
  method[i] = '\0';
  tag_of(route, tag);
  json_begin_object(writer, method);
  add_operation_id(writer, index);
  json_begin_array(writer, "tags");
  json_add_string(writer, NULL, tag);
  json_end_array(writer);
  json_add_string(writer, "summary", route->text);
  json_add_string(writer, "x-role", route->role);
  if (strcmp(route->role, "none") == 0) json_add_raw(writer, "security", "[]");
  add_parameters(writer, route);
  if (route->request != SHAPE_EMPTY) {
    json_begin_object(writer, "requestBody");
    json_begin_object(writer, "content");
    json_begin_object(writer, "application/json");
    add_schema(writer, route->request);
    json_end_object(writer);
    if (route_guards(route) & GUARD_TAKES_FILE) {
      json_begin_object(writer, "multipart/form-data");
      add_schema(writer, SHAPE_DATASET_FORM);
      json_end_object(writer);
    }
    json_end_object(writer);
    json_end_object(writer);
  }
  add_responses(writer, route);
  json_end_object(writer);
}

static bool is_first_of_path(int index) {
  for (int i = 0; i < index; i++) {
    if (strcmp(api_routes[i].path, api_routes[index].path) == 0) return false;
  }
  return true;
}

static void add_paths(struct json_writer *writer) {
  json_begin_object(writer, "paths");
  for (int i = 0; i < api_route_count; i++) {
    if (!is_first_of_path(i)) continue;
    json_begin_object(writer, api_routes[i].path);
    for (int k = i; k < api_route_count; k++) {
      if (strcmp(api_routes[k].path, api_routes[i].path) == 0) add_operation(writer, k);
    }
    json_end_object(writer);
  }
  json_end_object(writer);
}

static const char *tag_text(const char *tag) {
  static const char *const texts[][2] = {
      {"system", "root, health, documents, logs, settings"},
      {"auth", "logins, users, tokens, tickets"},
      {"audit", "who did what"},
      {"engine", "state of the engine and its commands"},
      {"trading", "positions, orders, fills, trades"},
      {"account", "the account"},
      {"risk", "limits and what is left of them"},
      {"presets", "strategies"},
      {"scanner", "scans and candidates"},
      {"decisions", "why and why not"},
      {"signals", "signals"},
      {"strategy", "what the strategy sees"},
      {"market", "symbols, candles, books"},
      {"charts", "candles for charts"},
      {"features", "levels, density, activity"},
      {"performance", "equity, figures, exports"},
      {"monitoring", "sessions, checkpoints, transitions"},
      {"metrics", "figures for machines"},
      {"alerts", "alerts and their rules"},
      {"backtests", "runs on history"},
      {"datasets", "history"},
  };
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    if (strcmp(texts[i][0], tag) == 0) return texts[i][1];
  }
  return tag;
}

static void add_tags(struct json_writer *writer) {
  char tag[32];
  char other[32];
  json_begin_array(writer, "tags");
  for (int i = 0; i < api_route_count; i++) {
    bool is_first = true;
    tag_of(&api_routes[i], tag);
    for (int k = 0; k < i; k++) {
      tag_of(&api_routes[k], other);
      is_first = is_first && strcmp(tag, other) != 0;
    }
    if (!is_first) continue;
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", tag);
    json_add_string(writer, "description", tag_text(tag));
    json_end_object(writer);
  }
  json_end_array(writer);
}

static void add_components(struct json_writer *writer) {
  json_begin_object(writer, "components");
  json_add_raw(writer, "securitySchemes",
               "{\"login\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"bb_login\",\"description\":\"cookie of POST /api/auth/login; changing "
               "requests need X-CSRF-Token too\"},\"token\":{\"type\":\"http\",\"scheme\":\"bearer\",\"description\":\"API token bbt_...\"}}");
  json_add_raw(
      writer, "parameters",
      "{\"IdempotencyKey\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"1 to 128 printable characters; the same key "
      "within 24 h gives the stored reply\",\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":128}},\"CsrfToken\":{\"name\":"
      "\"X-CSRF-Token\",\"in\":\"header\",\"description\":\"csrf_token of the login; not needed with a token\",\"schema\":{\"type\":\"string\"}}}");
  json_begin_object(writer, "responses");
  json_begin_object(writer, "Problem");
  json_add_string(writer, "description", "what went wrong; code says it in a word");
  json_begin_object(writer, "content");
  json_begin_object(writer, "application/problem+json");
  describe_reference(writer, "schema", SHAPE_PROBLEM);
  json_end_object(writer);
  json_end_object(writer);
  json_end_object(writer);
  json_end_object(writer);
  json_begin_object(writer, "schemas");
  shape_describe(writer);
  feed_describe(writer);
  json_end_object(writer);
  json_end_object(writer);
}

void api_describe_openapi(struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "openapi", "3.1.0");
  json_begin_object(&writer, "info");
  json_add_string(&writer, "title", "Breakout Bot");
  json_add_string(&writer, "version", version_text());
  json_add_string(&writer, "description",
                  "Times are ms UTC. x-role is the least role of an operation: none, viewer, operator, admin. Failures are problem JSON (RFC 9457).");
  json_add_raw(&writer, "license", "{\"name\":\"MIT\",\"identifier\":\"MIT\"}");
  json_end_object(&writer);
  json_add_raw(&writer, "servers", "[{\"url\":\"/\",\"description\":\"where this document came from\"}]");
  json_add_raw(&writer, "security", "[{\"login\":[]},{\"token\":[]}]");
  add_tags(&writer);
  add_paths(&writer);
  add_components(&writer);
  json_end_object(&writer);
  buffer_add_text(out, "\n");
}

void api_describe_markdown(struct buffer *out) {
  buffer_add_text(
      out,
      "# API routes\n\nMade from `src/api/route.def`.\n\n| Method | Path | Role | Request | Reply | Query | What |\n|---|---|---|---|---|---|---|\n");
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    buffer_add_format(out, "| %s | `%s` | %s | %s | %s%s | %s | %s |\n", route->method, route->path, route->role,
                      route->request == SHAPE_EMPTY ? "" : shape_table[route->request].name, shape_table[route->reply].name,
                      route->is_list ? "[]" : "", route->query, route->text);
  }
}

void handle_openapi(struct call *call) {
  if (!call->api->options.settings->api_docs_enabled) {
    call_fail(call, 404, "not_found", "API_DOCS_ENABLED is false");
    return;
  }
  api_describe_openapi(&call->reply->body);
  call->reply->status = 200;
  call->reply->content_type = "application/json";
}
