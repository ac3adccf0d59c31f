/* The real program under random requests to every route of the table, by every role, good ones and ones with something wrong (reliability of the API
 * against bad input). No 5xx but the declared 501 and 503, every failure a problem document with a declared code, every good reply as its shape says,
 * no sanitizer's report, and a polite end.
 *
 *   API_RANDOM_REQUESTS=3000 API_RANDOM_SEED=1     how many, and which; API_RANDOM_SECONDS=600 instead of a number of requests */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/request_maker.h"
#include "support/server_process.h"
#include "support/shape_check.h"

enum { REQUESTS = 3000, REPLY_MS = 40000, FINDINGS_MAX = 40, STATUS_MAX = 600, SHOWN_BYTES = 600 };

/* What is wrong with a request. */
enum mistake {
  WRONG_NOTHING,
  WRONG_PATH,
  WRONG_QUERY,
  WRONG_BODY,
  WRONG_METHOD,
  WRONG_TYPE,
  WRONG_TOKEN,
  WRONG_HEADERS,
  WRONG_FRAMING,
  mistake_count
};
static const char *const mistake_names[] = {"nothing", "path", "query", "body", "method", "content type", "token", "headers", "framing"};

struct asked {
  const struct route *route;
  enum mistake mistake;
  enum api_role role;
  const char *method;
  bool is_head;
  struct buffer bytes;
};

static struct {
  struct server_process server;
  struct request_maker maker;
  struct wire wire;
  struct wire_reply reply;
  struct asked asked;
  char tokens[api_role_count][SERVER_TOKEN_BYTES];
  int statuses[STATUS_MAX];
  bool *is_answered; /* by route: with a 2xx; owned */
  int findings;
  char found[FINDINGS_MAX][160];
} world;

/* ---- findings ---- */

static void show(const char *title, const char *bytes, size_t length) {
  fprintf(stderr, "  %s: ", title);
  for (size_t i = 0; i < length && i < SHOWN_BYTES; i++) {
    unsigned char letter = (unsigned char)bytes[i];
    if (letter == '\n') {
      fprintf(stderr, "\n    ");
    } else if (letter >= ' ' && letter < 127) {
      fputc(letter, stderr);
    } else if (letter != '\r') {
      fprintf(stderr, "\\x%02x", letter);
    }
  }
  fprintf(stderr, "%s\n", length > SHOWN_BYTES ? " ..." : "");
}

/* Each kind of finding of a route is told once. */
static void find(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void find(const char *format, ...) {
  char text[160];
  va_list arguments;
  int length = snprintf(text, sizeof text, "%s %s: ", world.asked.method, world.asked.route->path);
  va_start(arguments, format);
  vsnprintf(text + length, sizeof text - (size_t)length, format, arguments);
  va_end(arguments);
  for (int i = 0; i < world.findings; i++) {
    if (text_equal(world.found[i], text)) return;
  }
  if (world.findings == FINDINGS_MAX) return;
  text_copy(world.found[world.findings++], sizeof world.found[0], text);
  fprintf(stderr, "FOUND %s (wrong: %s)\n", text, mistake_names[world.asked.mistake]);
  show("request", world.asked.bytes.data, world.asked.bytes.length);
  if (world.reply.body.data != NULL) show("reply", world.reply.body.data, world.reply.body.length);
}

/* ---- checks ---- */

static void check_problem(const struct json *body, const char *type) {
  struct problem problem;
  problem_clear(&problem);
  if (!text_equal(type, "application/problem+json")) {
    find("status %d as %s", world.reply.status, type);
    return;
  }
  if (body == NULL || !shape_check(SHAPE_PROBLEM, body, &problem)) {
    find("status %d is no problem document: %s %s", world.reply.status, problem.count > 0 ? problem.items[0].path : "",
         problem.count > 0 ? problem.items[0].message : "not JSON");
    return;
  }
  const char *code = json_string(json_member(body, "code"));
  if (!shape_check_is_declared(world.reply.status, code)) find("%d %s is not declared", world.reply.status, code);
}

static void check_good(const struct json *body, const char *type) {
  struct problem problem;
  problem_clear(&problem);
  if (!text_equal(type, "application/json") || world.asked.is_head) return;
  if (body == NULL) {
    find("status %d without JSON", world.reply.status);
  } else if (!shape_check_reply(world.asked.route, body, &problem)) {
    find("%d does not fit its shape: %s %s", world.reply.status, problem.items[0].path, problem.items[0].message);
  }
}

static void check_headers(void) {
  static const struct {
    const char *name, *value; /* NULL: any */
  } wanted[] = {{"X-Content-Type-Options", "nosniff"},
                {"X-Frame-Options", "DENY"},
                {"Referrer-Policy", "no-referrer"},
                {"X-Request-Id", NULL},
                {"Content-Security-Policy", NULL}};
  char value[256];
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    wire_header(&world.reply, wanted[i].name, value, sizeof value);
    if (value[0] == '\0' || (wanted[i].value != NULL && !text_equal(value, wanted[i].value))) find("%s is \"%.40s\"", wanted[i].name, value);
  }
  wire_header(&world.reply, "Set-Cookie", value, sizeof value);
  if (strstr(value, "x=1") != NULL) find("a value of the request became a header");
}

/* Who may not got nothing. */
static void check_role(void) {
  const struct asked *asked = &world.asked;
  if (asked->mistake == WRONG_PATH || asked->mistake == WRONG_METHOD || asked->mistake == WRONG_FRAMING || asked->mistake == WRONG_HEADERS) return;
  int least = 0;
  while (!text_equal(api_role_names[least], asked->route->role)) ++least;
  bool is_for_monitors = text_equal(asked->route->path, "/api/metrics");
  bool may = (int)asked->role >= least && asked->mistake != WRONG_TOKEN;
  if (!may && least > 0 && world.reply.status < 400 && !is_for_monitors) find("%d for role %s", world.reply.status, api_role_names[asked->role]);
}

static bool is_own_health(void) {
  return world.asked.route->reply == SHAPE_HEALTH || world.asked.route->reply == SHAPE_READY;
}

static void check_reply(void) {
  const struct wire_reply *reply = &world.reply;
  struct asked *asked = &world.asked;
  char type[80];
  wire_header(reply, "Content-Type", type, sizeof type);
  type[strcspn(type, ";")] = '\0';
  if (reply->status >= 500 && reply->status != 501 && reply->status != 503 && !(reply->status == 505 && asked->mistake == WRONG_FRAMING))
    find("answered %d", reply->status);
  if (asked->mistake == WRONG_FRAMING) return; /* much of it is refused by the HTTP library */
  bool is_json = strstr(type, "json") != NULL && !asked->is_head;
  struct json *body = is_json ? json_parse(reply->body.data, reply->body.length, JSON_STRICT, "reply", NULL) : NULL;
  bool is_same_route = asked->mistake != WRONG_PATH && asked->mistake != WRONG_METHOD;
  check_headers();
  check_role();
  if (reply->status >= 400 && !asked->is_head && !(reply->status == 503 && is_own_health() && text_equal(type, "application/json"))) {
    check_problem(body, type);
  } else if (is_same_route && !asked->is_head) {
    check_good(body, type);
    world.is_answered[asked->route - api_routes] = true;
  }
  if (body != NULL && reply->status < 300) request_maker_learn(&world.maker, body);
  json_free(body);
}

/* ---- requests ---- */

static void add_content(struct buffer *out, const struct buffer *body, const char *type) {
  if (type[0] != '\0') buffer_add_format(out, "Content-Type: %s\r\n", type);
  buffer_add_format(out, "Content-Length: %zu\r\n\r\n", body->length);
  if (body->length > 0) buffer_add(out, body->data, body->length);
}

static void add_authorization(struct asked *asked, struct buffer *out) {
  static const char *const odd[] = {
      "Bearer",     "Bearer ", "Bearer bbt_nobody", "Basic YWRtaW46YWRtaW4=", "bearer x", "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.",
      "Bearer %00", ""};
  const char *token = world.tokens[asked->role];
  if (asked->mistake == WRONG_TOKEN) {
    if (maker_is_once_in(&world.maker, 4)) buffer_add_text(out, "Cookie: bb_login=0123456789012345678901234567890123456789012\r\n");
    buffer_add_format(out, "Authorization: %s\r\n", MAKER_PICK(&world.maker, odd));
  } else if (token[0] != '\0') {
    buffer_add_format(out, "Authorization: Bearer %s\r\n", token);
  }
}

static void add_odd_headers(struct buffer *out) {
  static const char *const odd[] = {"Origin: https://evil.example",
                                    "Origin: null",
                                    "Sec-Fetch-Site: cross-site",
                                    "X-HTTP-Method-Override: DELETE",
                                    "X-Forwarded-For: 10.0.0.1, ' OR 1=1",
                                    "X-Forwarded-Proto: https",
                                    "Accept: text/csv",
                                    "Accept: */*;q=0, nonsense",
                                    "If-Match: \"x\"",
                                    "If-None-Match: *",
                                    "Range: bytes=0-1",
                                    "Expect: 100-continue",
                                    "Upgrade: websocket",
                                    "X-CSRF-Token: \x01",
                                    "X-Request-Id: <script>",
                                    "Content-Encoding: gzip",
                                    "Cookie: bb_login=; bb_login=%00; x",
                                    "Idempotency-Key: ",
                                    "Idempotency-Key: \x7f",
                                    "Accept-Encoding: gzip;q=zzz"};
  buffer_add_format(out, "%s\r\n", MAKER_PICK(&world.maker, odd));
}

static const char *type_of_body(const struct asked *asked) {
  static const char *const odd[] = {"text/plain",
                                    "application/x-www-form-urlencoded",
                                    "multipart/form-data; boundary=x",
                                    "application/jsonx",
                                    "",
                                    "application/json; charset=utf-16",
                                    "*/*"};
  return asked->mistake == WRONG_TYPE ? MAKER_PICK(&world.maker, odd) : "application/json";
}

static void choose(struct asked *asked) {
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "FOO", "CONNECT", "PROPFIND"};
  struct request_maker *maker = &world.maker;
  asked->route = &api_routes[random_below(&maker->random, (uint64_t)api_route_count)];
  asked->mistake = maker_is_once_in(maker, 2) ? WRONG_NOTHING : (enum mistake)random_below(&maker->random, mistake_count - 1);
  if (asked->mistake == WRONG_BODY && text_equal(asked->route->method, "GET")) asked->mistake = WRONG_QUERY;
  if (maker_is_once_in(maker, 50)) asked->mistake = WRONG_FRAMING;
  asked->role = maker_is_once_in(maker, 5) ? (enum api_role)random_below(&maker->random, api_role_count) : API_ROLE_ADMIN;
  asked->method = asked->mistake == WRONG_METHOD ? MAKER_PICK(maker, methods) : asked->route->method;
  asked->is_head = text_equal(asked->method, "HEAD");
}

static void add_headers(struct asked *asked, struct buffer *out) {
  struct request_maker *maker = &world.maker;
  bool has_bad_host = asked->mistake == WRONG_HEADERS && maker_is_once_in(maker, 6);
  buffer_add_format(out, " HTTP/1.1\r\nHost: %s\r\n", has_bad_host ? "evil.example" : "127.0.0.1");
  add_authorization(asked, out);
  if (asked->mistake == WRONG_HEADERS) add_odd_headers(out);
  bool is_change = !text_equal(asked->route->method, "GET");
  if (is_change && maker_is_once_in(maker, 10)) buffer_add_format(out, "Idempotency-Key: k%d\r\n", (int)random_below(&maker->random, 8));
}

static void build(struct asked *asked) {
  struct request_maker *maker = &world.maker;
  struct buffer *out = &asked->bytes;
  struct buffer body = {0};
  buffer_clear(out);
  choose(asked);
  buffer_add_format(out, "%s ", asked->method);
  maker_add_path(maker, asked->route, asked->mistake == WRONG_PATH, out);
  if (text_equal(asked->route->method, "GET")) maker_add_query(maker, asked->route, asked->mistake == WRONG_QUERY, out);
  add_headers(asked, out);
  if (text_equal(asked->route->method, "GET")) {
    buffer_add_text(out, "\r\n");
    return;
  }
  maker_add_body(maker, asked->route->request, asked->mistake == WRONG_BODY, &body);
  add_content(out, &body, type_of_body(asked));
  buffer_deinit(&body);
}

/* Not HTTP, or hardly. */
static void build_broken(struct asked *asked) {
  static const char *const broken[] = {
      "GET /api/health HTTP/1.1\r\n\r\n",
      "GET /api/health HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
      "GET /api/health\r\n\r\n",
      "\x16\x03\x01\x02\x01\x01\r\n\r\n",
      "GET  /api/health  HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
      "GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: b\r\n\r\n",
      "GET /api/health HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
      "GET /api/health HTTP/1.1\nHost: 127.0.0.1\n\n",
      "GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n folded: x\r\n\r\n",
      "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
      "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
      "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
      "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
      "POST /api/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"};
  struct request_maker *maker = &world.maker;
  buffer_clear(&asked->bytes);
  switch (random_below(&maker->random, 4)) {
    case 0:
      buffer_add_text(&asked->bytes, "GET /");
      for (int i = 0; i < 10000; i++) buffer_add_text(&asked->bytes, "a");
      buffer_add_text(&asked->bytes, " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      return;
    case 1:
      buffer_add_text(&asked->bytes, "GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n");
      for (int i = 0; i < 400; i++) buffer_add_format(&asked->bytes, "X-%d: 0123456789012345678901234567890123456789\r\n", i);
      buffer_add_text(&asked->bytes, "\r\n");
      return;
    default:
      buffer_add_text(&asked->bytes, MAKER_PICK(maker, broken));
  }
}

/* ---- the world ---- */

static void ask_as_local(const char *method, const char *path, const char *body) {
  struct buffer request = {0};
  buffer_add_format(
      &request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
      method, path, world.server.token, strlen(body), body);
  wire_ask(&world.wire, &request, false, REPLY_MS, &world.reply);
  buffer_deinit(&request);
}

static void make_tokens(void) {
  for (int role = API_ROLE_VIEWER; role < api_role_count; role++) {
    char body[96];
    snprintf(body, sizeof body, "{\"name\":\"random\",\"role\":\"%s\"}", api_role_names[role]);
    ask_as_local("POST", "/api/auth/tokens", body);
    assert_int_equal(world.reply.status, 200);
    struct json *reply = json_parse(world.reply.body.data, world.reply.body.length, JSON_STRICT, "token", NULL);
    assert_non_null(reply);
    text_copy(world.tokens[role], SERVER_TOKEN_BYTES, json_string(json_member(reply, "token")));
    json_free(reply);
  }
}

static void take_preset(void) {
  ask_as_local("GET", "/api/presets/breakout_v1", "");
  assert_int_equal(world.reply.status, 200);
  struct json *reply = json_parse(world.reply.body.data, world.reply.body.length, JSON_STRICT, "preset", NULL);
  assert_non_null(reply);
  struct json_writer writer;
  json_writer_init(&writer, &world.maker.preset, false);
  json_add_value(&writer, NULL, json_member(reply, "config"));
  json_free(reply);
}

/* A random request may have revoked the token of a role. */
static void mend_tokens(void) {
  const struct asked *asked = &world.asked;
  bool had_token = asked->role != API_ROLE_NONE && asked->mistake != WRONG_TOKEN && asked->mistake != WRONG_FRAMING;
  if (had_token && world.reply.status == 401 && asked->mistake != WRONG_HEADERS && asked->route->role[0] != 'n') make_tokens();
}

static void one_request(void) {
  struct asked *asked = &world.asked;
  build(asked);
  if (asked->mistake == WRONG_FRAMING) build_broken(asked);
  bool was_open = world.wire.fd >= 0;
  wire_ask(&world.wire, &asked->bytes, asked->is_head, asked->mistake == WRONG_FRAMING ? 500 : REPLY_MS, &world.reply);
  /* A server may close a connection between two requests. */
  if (world.reply.status == 0 && was_open && asked->mistake != WRONG_FRAMING)
    wire_ask(&world.wire, &asked->bytes, asked->is_head, REPLY_MS, &world.reply);
  if (asked->mistake == WRONG_FRAMING) wire_close(&world.wire);
  if (world.reply.status > 0 && world.reply.status < STATUS_MAX) ++world.statuses[world.reply.status];
  if (server_process_has_died(&world.server)) {
    find("the server died");
  } else if (world.reply.status == 0) {
    ++world.statuses[0];
    if (asked->mistake != WRONG_FRAMING && asked->mistake != WRONG_PATH && asked->mistake != WRONG_METHOD) find("no answer");
  } else {
    check_reply();
    mend_tokens();
  }
}

static int64_t number_of(const char *name, int64_t fallback) {
  const char *text = getenv(name);
  int64_t value;
  return text != NULL && text_parse_i64(text, &value) && value > 0 ? value : fallback;
}

static void tell_counts(int64_t requests, int64_t seconds) {
  fprintf(stderr, "%lld requests in %lld s:", (long long)requests, (long long)seconds);
  for (int i = 0; i < STATUS_MAX; i++) {
    if (world.statuses[i] > 0) fprintf(stderr, " %d x%d", i, world.statuses[i]);
  }
  fprintf(stderr, "\nroutes without a good reply:");
  for (int i = 0; i < api_route_count; i++) {
    if (!world.is_answered[i]) fprintf(stderr, " %s %s,", api_routes[i].method, api_routes[i].path);
  }
  fprintf(stderr, "\n");
}

static void check_end(void) {
  static const char *const reports[] = {"ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "check failed"};
  struct buffer out = {0};
  int code = server_process_stop(&world.server);
  server_process_output(&world.server, &out);
  for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
    if (out.data != NULL && strstr(out.data, reports[i]) != NULL) {
      fprintf(stderr, "%s\n", strstr(out.data, reports[i]));
      fail_msg("the program reported: %s", reports[i]);
    }
  }
  if (code != 0 && out.data != NULL) fprintf(stderr, "%s\n", out.data);
  buffer_deinit(&out);
  assert_int_equal(code, 0);
}

static void test_random_requests(void **state) {
  static const char *const settings[] = {"RATE_LIMIT_READ_PER_S=100000", "RATE_LIMIT_WRITE_PER_S=100000", "LOG_LEVEL=WARNING", NULL};
  (void)state;
  int64_t seconds = number_of("API_RANDOM_SECONDS", 0);
  int64_t requests = seconds > 0 ? INT64_MAX : number_of("API_RANDOM_REQUESTS", REQUESTS);
  int64_t seed = number_of("API_RANDOM_SEED", 1);
  fprintf(stderr, "API_RANDOM_SEED=%lld\n", (long long)seed);
  request_maker_init(&world.maker, (uint64_t)seed);
  world.is_answered = calloc((size_t)api_route_count, sizeof *world.is_answered);
  assert_non_null(world.is_answered);
  server_process_start(&world.server, settings);
  world.wire = (struct wire){-1, world.server.port, {0}};
  make_tokens();
  take_preset();
  time_t start = time(NULL);
  int64_t asked = 0;
  while (asked < requests && (seconds == 0 || time(NULL) - start < seconds) && world.server.pid != 0) {
    one_request();
    ++asked;
  }
  tell_counts(asked, time(NULL) - start);
  wire_close(&world.wire);
  check_end();
  assert_int_equal(world.findings, 0);
}

static int clean(void **state) {
  (void)state;
  if (world.server.pid != 0) (void)server_process_stop(&world.server);
  if (world.server.folder[0] != '\0') server_process_clean(&world.server);
  wire_close(&world.wire);
  wire_reply_deinit(&world.reply);
  request_maker_deinit(&world.maker);
  buffer_deinit(&world.asked.bytes);
  free(world.is_answered);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_requests)};
  return cmocka_run_group_tests(tests, NULL, clean);
}
