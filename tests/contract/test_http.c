/* The API over real sockets: an engine without a feed behind the HTTP server, both in this thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/clock/system_clock.h"
#include "adapters/http/http.h"
#include "api/api.h"
#include "base/json.h"

enum { REPLY_BYTES = 1 << 20, BODY_LIMIT = 4096, ROUNDS_MAX = 200000 };

static struct fixture {
  struct arena arena;
  struct engine *engine;
  struct exchange exchange;
  struct runner runner;
  struct metrics *metrics;
  struct settings settings;
  struct api *api;
  struct http_server *server;
  int64_t now;
  int presets_used;
} fixture;

static bool no_answer(void *self, int64_t now, struct event *out) {
  (void)self;
  (void)now;
  (void)out;
  return false;
}

static void ignore_intent(void *self, const struct intent *intent) {
  (void)self;
  (void)intent;
}

static int64_t host_now(void *self) {
  (void)self;
  return ++fixture.now;
}

static void host_step(void *self, struct event *event) {
  (void)self;
  runner_step(&fixture.runner, event);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  ++fixture.presets_used;
  problem_add(problem, "not_found", name, NULL, NULL, "there is no preset %s", name != NULL ? name : "");
  return STATUS_NOT_FOUND;
}

static int host_components(void *self, struct api_component *out, int max) {
  (void)self;
  assert_true(max >= 1);
  out[0] = (struct api_component){.name = "feed", .level = API_OK};
  return 1;
}

static void host_read_system(void *self, struct api_system *out) {
  (void)self;
  *out = (struct api_system){.database_kind = "none", .database_bytes = -1, .journal_bytes = -1};
}

static int open_all(void **state) {
  (void)state;
  const struct engine_limits limits = {.symbols = 1, .base_ms = 60000};
  const struct engine_config config = {
      .instance = "000000", .venue = "paper", .feed = "demo", .starting_balance = 100000 * DECIMAL_ONE, .max_leverage = 10};
  if (arena_open(&fixture.arena, engine_memory(&limits))) return 1;
  fixture.now = 1700000000000;
  fixture.settings.api_docs_enabled = true;
  fixture.engine = engine_init(&fixture.arena, &limits, &config, NULL);
  fixture.exchange = (struct exchange){.name = "none", .submit = ignore_intent, .poll = no_answer};
  if (runner_init(&fixture.runner, fixture.engine, &fixture.exchange, NULL, NULL, false)) return 1;
  if (metrics_open(&fixture.metrics, system_clock())) return 1;
  const struct api_options options = {.host = {NULL, host_now, host_step, host_use_preset, host_components, .read_system = host_read_system},
                                      .engine = fixture.engine,
                                      .metrics = fixture.metrics,
                                      .clock = system_clock(),
                                      .settings = &fixture.settings,
                                      .is_demo = true,
                                      .speed = 60,
                                      .is_ready = true};
  if (api_open(&fixture.api, &options)) return 1;
  struct listener listener;
  api_listener(fixture.api, &listener);
  runner_listen(&fixture.runner, &listener);
  struct http_options http = {.host = "127.0.0.1", .body_limit = BODY_LIMIT, .clock = system_clock()};
  api_handler(fixture.api, &http.handler);
  struct problem problem;
  problem_clear(&problem);
  return http_server_open(&fixture.server, &http, &problem) ? 1 : 0;
}

static int close_all(void **state) {
  (void)state;
  http_server_close(fixture.server);
  api_close(fixture.api);
  metrics_close(fixture.metrics);
  runner_deinit(&fixture.runner);
  arena_close(&fixture.arena);
  return 0;
}

/* ---- a client ---- */

static char received[REPLY_BYTES];

static int connect_client(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(fixture.server)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

/* Sends bytes and runs the server until it closes the connection or the declared length is there. Returns the status, 0 for a close without a reply.
 */
static int exchange_bytes(const char *bytes, size_t size) {
  int fd = connect_client();
  size_t sent = 0;
  size_t used = 0;
  received[0] = '\0';
  for (int round = 0; round < ROUNDS_MAX; round++) {
    http_server_run(fixture.server);
    api_turn(fixture.api);
    if (sent < size) {
      ssize_t count = send(fd, bytes + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent += (size_t)count;
      if (count < 0 && errno != EAGAIN) sent = size; /* closed on us: what it said may still be read */
    }
    ssize_t count = recv(fd, received + used, sizeof received - 1 - used, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN)) break;
    if (count < 0) continue;
    used += (size_t)count;
    received[used] = '\0';
    const char *end = strstr(received, "\r\n\r\n");
    const char *length = strstr(received, "Content-Length: ");
    if (end != NULL && length != NULL && strtoul(length + 16, NULL, 10) <= used - (size_t)(end + 4 - received)) break;
  }
  close(fd);
  http_server_run(fixture.server);
  return strncmp(received, "HTTP/1.1 ", 9) == 0 ? atoi(received + 9) : 0;
}

static int send_text(const char *text) {
  return exchange_bytes(text, strlen(text));
}

static const char *body(void) {
  const char *end = strstr(received, "\r\n\r\n");
  return end != NULL ? end + 4 : "";
}

static int get(const char *path) {
  char text[16384];
  snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", path);
  return send_text(text);
}

static int post_raw(const char *path, const char *json, size_t length) {
  static char text[8 * BODY_LIMIT];
  int used = snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", path,
                      length);
  memcpy(text + used, json, length);
  return exchange_bytes(text, (size_t)used + length);
}

static int post(const char *path, const char *json) {
  return post_raw(path, json, strlen(json));
}

static bool has(const char *part) {
  return strstr(received, part) != NULL;
}

/* The body is one JSON object. */
static struct json *parse_body(void) {
  struct problem problem;
  problem_clear(&problem);
  struct json *json = json_parse(body(), strlen(body()), JSON_STRICT, "reply", &problem);
  assert_non_null(json);
  return json;
}

/* ---- tests ---- */

static void health_tells_that_it_is_a_demo(void **state) {
  (void)state;
  assert_int_equal(get("/api/health"), 200);
  struct json *json = parse_body();
  assert_string_equal(json_string(json_member(json, "status")), "healthy");
  assert_string_equal(json_string(json_member(json, "feed")), "demo");
  assert_true(json_bool(json_member(json, "demo")));
  assert_non_null(strstr(json_string(json_member(json, "notice")), "demo"));
  json_free(json);
}

static void replies_carry_security_headers(void **state) {
  (void)state;
  assert_int_equal(get("/api/live"), 200);
  static const char *const headers[] = {"X-Request-Id: ",
                                        "X-Process-Time: ",
                                        "Cache-Control: no-store",
                                        "X-Content-Type-Options: nosniff",
                                        "X-Frame-Options: DENY",
                                        "Referrer-Policy: no-referrer",
                                        "Content-Security-Policy: default-src 'none'"};
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) assert_true(has(headers[i]));
}

/* Every GET route answers with what it declares: JSON, text or 204. */
static void every_reading_route_answers(void **state) {
  (void)state;
  static const char *const paths[] = {"/api/",
                                      "/api/ready",
                                      "/api/engine/status",
                                      "/api/engine/metrics",
                                      "/api/engine/commands",
                                      "/api/trading/positions",
                                      "/api/trading/orders",
                                      "/api/trading/fills",
                                      "/api/trading/trades",
                                      "/api/decisions",
                                      "/api/decisions/summary",
                                      "/api/risk",
                                      "/api/scanner/candidates",
                                      "/api/openapi.json",
                                      "/api/monitoring/sessions",
                                      "/api/positions",
                                      "/api/orders"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    if (get(paths[i]) != 200) fail_msg("%s: %s", paths[i], received);
    assert_true(has("Content-Type: application/json"));
    json_free(parse_body());
  }
  assert_int_equal(get("/api/scanner/last"), 204);
  assert_int_equal(get("/api/account"), 503); /* the venue has not told it */
  assert_true(has("\"not_ready\""));
  assert_int_equal(get("/api/metrics"), 200);
  assert_true(has("Content-Type: text/plain; version=0.0.4"));
  assert_true(has("\nbreakout_engine_state{state=\"idle\"} 1\n"));
  assert_true(has("\nbreakout_health{component=\"feed\"} 1\n"));
}

static void lists_answer_as_csv(void **state) {
  (void)state;
  assert_int_equal(get("/api/trading/trades?format=csv"), 200);
  assert_true(has("Content-Type: text/csv"));
  assert_int_equal(strncmp(body(), "trade_id,position_id,session_id,symbol,", 39), 0);
}

static void queries_are_strict(void **state) {
  (void)state;
  static const char *const bad[] = {"/api/trading/orders?limit=0",
                                    "/api/trading/orders?limit=-1",
                                    "/api/trading/orders?limit=1000000000",
                                    "/api/trading/orders?cursor=forged",
                                    "/api/trading/orders?nonsense=1",
                                    "/api/trading/orders?side=sideways",
                                    "/api/trading/orders?order=up",
                                    "/api/trading/orders?from=yesterday",
                                    "/api/trading/orders?symbol=%ZZ",
                                    "/api/trading/orders?symbol=%00",
                                    "/api/live?x=1",
                                    "/api/decisions/summary?minutes=0"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(get(bad[i]), 400);
    assert_true(has("\"code\":\"bad_parameter\""));
  }
}

static void unknown_paths_are_404(void **state) {
  (void)state;
  static const char *const paths[] = {"/",
                                      "/api/nothing",
                                      "/api//health",
                                      "/api/./health",
                                      "/api/../api/health",
                                      "/api/health/x",
                                      "/API/health",
                                      "/api/%2e%2e",
                                      "/api%2Fhealth",
                                      "/api/he%00alth",
                                      "/api/%zz",
                                      "/a/b/c/d/e/f/g/h/i/j/k/l/m/n",
                                      "/api/trading/positions/P00000001",
                                      "/api/trading/orders/none",
                                      "/api/trading/positions/..%2f",
                                      "/api/decisions/why/NONSENSE",
                                      "/api/engine/operations/O000001",
                                      "/api/features/levels"};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    assert_int_equal(get(paths[i]), 404);
    assert_true(has("Content-Type: application/problem+json"));
    struct json *json = parse_body();
    assert_string_equal(json_string(json_member(json, "code")), "not_found");
    assert_int_equal(json_int(json_member(json, "status")), 404);
    json_free(json);
  }
}

static void wrong_methods_are_405(void **state) {
  (void)state;
  static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    char text[256];
    snprintf(text, sizeof text, "%s /api/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", methods[i]);
    assert_int_equal(send_text(text), 405);
    assert_true(has("Allow: GET, HEAD\r\n"));
  }
  assert_int_equal(get("/api/engine/start"), 405);
  assert_true(has("Allow: POST\r\n"));
  /* A header that asks for another method changes nothing. */
  assert_int_equal(send_text("GET /api/engine/start HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: POST\r\n\r\n"), 405);
}

static void head_has_no_body(void **state) {
  (void)state;
  assert_int_equal(send_text("HEAD /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 200);
  assert_string_equal(body(), "");
}

/* Broken framing never reaches a handler. */
static void framing_is_checked(void **state) {
  (void)state;
  assert_int_equal(send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), 400);
  assert_int_equal(
      send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
      400);
  assert_int_equal(send_text("GET /api/live HTTP/1.1\r\n\r\n"), 400); /* no Host */
  assert_int_equal(send_text("GET /api/live HTTP/1.1\r\nHost: localhost\r\nHost: 127.0.0.1\r\n\r\n"), 400);
  assert_int_equal(send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"), 400);
  assert_int_equal(send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: "
                             "chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
                   409);
  int status = send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n");
  assert_true(status == 400 || status == 0);
  status = send_text("\x01\x02 / HTTP/1.1\r\n\r\n");
  assert_true(status >= 400 || status == 0);
  assert_int_equal(get("/api/live"), 200); /* still there */
}

static void sizes_have_limits(void **state) {
  (void)state;
  static char big[4 * HTTP_HEADER_BYTES_MAX];
  memset(big, 'a', sizeof big);
  static char text[sizeof big + 512];
  snprintf(text, sizeof text, "GET /api/live?x=%.9000s HTTP/1.1\r\nHost: localhost\r\n\r\n", big);
  assert_int_equal(send_text(text), 414);
  snprintf(text, sizeof text, "GET /api/live HTTP/1.1\r\nHost: localhost\r\nX-Big: %.20000s\r\n\r\n", big);
  assert_int_equal(send_text(text), 431);
  assert_int_equal(post_raw("/api/engine/pause", big, BODY_LIMIT + 1), 413);
  /* The same without a length declared before. */
  int used =
      snprintf(text, sizeof text,
               "POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
               2 * BODY_LIMIT);
  memcpy(text + used, big, 2 * BODY_LIMIT);
  memcpy(text + used + 2 * BODY_LIMIT, "\r\n0\r\n\r\n", 8);
  assert_int_equal(exchange_bytes(text, (size_t)used + 2 * BODY_LIMIT + 7), 413);
}

struct bad_body {
  const char *json;
  size_t length;
  int status;
};

#define BODY(text, status) \
  { text, sizeof(text) - 1, status }

static void bodies_are_strict(void **state) {
  (void)state;
  static const struct bad_body bodies[] = {
      BODY("nonsense", 400),
      BODY("[]", 422),
      BODY("null", 422),
      BODY("{} trailing", 400),
      BODY("{\"mode\":\"paper\",\"mode\":\"paper\"}", 400),
      BODY("{} // comment", 400),
      BODY("\xEF\xBB\xBF{}", 400),
      BODY("\xFF\xFE{\0}\0", 400),
      BODY("{\"preset\":\"\xC3\x28\"}", 400),
      BODY("{\"preset\":\"a\0b\"}", 400),
      BODY("{\"preset\":\"\\ud800\"}", 400),
      BODY("{\"wait_ms\":1e400}", 400),
      BODY("{\"wait_ms\":NaN}", 400),
      BODY("{\"wait_ms\":Infinity}", 400),
      BODY("{\"wait_ms\":0x10}", 400),
      BODY("{\"wait_ms\":01}", 400),
      BODY("{\"wait_ms\":1.}", 400),
      BODY("{\"wait_ms\":.5}", 400),
      BODY("{\"wait_ms\":99999999999999999999999999999999999999999}", 400),
      BODY("{\"wait_ms\":9007199254740993}", 422),
      BODY("{\"wait_ms\":-1}", 422),
      BODY("{\"wait_ms\":1.5}", 422),
      BODY("{\"wait_ms\":\" 1\"}", 422),
      BODY("{\"wait_ms\":\"1,5\"}", 422),
      BODY("{\"mode\":\"PAPER \"}", 422),
      BODY("{\"mode\":7}", 422),
      BODY("{\"role\":\"admin\"}", 422),
      BODY("{\"preset\":\"../../etc/passwd\"}", 404),
      BODY("{\"preset\":\"%n%s${x}<script>\"}", 404),
      BODY("{\"mode\":\"live\",\"confirm\":\"START LIVE\"}", 403),
  };
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    int status = post_raw("/api/engine/start", bodies[i].json, bodies[i].length);
    if (status != bodies[i].status) print_error("body %zu: %d, not %d: %s\n", i, status, bodies[i].status, body());
    assert_int_equal(status, bodies[i].status);
    assert_true(has("application/problem+json"));
    json_free(parse_body());
  }
  static char deep[BODY_LIMIT];
  memset(deep, '[', sizeof deep);
  assert_int_equal(post_raw("/api/engine/start", deep, sizeof deep), 400);
  assert_int_equal(post("/api/engine/start", ""), 404); /* an empty body is an empty object: the default preset, which is not there */
}

static void several_errors_are_told_at_once(void **state) {
  (void)state;
  assert_int_equal(post("/api/engine/start", "{\"a\":1,\"b\":2,\"mode\":3}"), 422);
  struct json *json = parse_body();
  assert_int_equal(json_size(json_member(json, "errors")), 3);
  json_free(json);
}

static void access_is_for_this_machine(void **state) {
  (void)state;
  assert_int_equal(send_text("GET /api/live HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403);
  assert_int_equal(send_text("GET /api/live HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n"), 403);
  assert_int_equal(send_text("GET /api/live HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n"), 403);
  assert_int_equal(send_text("GET /api/live HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"), 200);
  assert_int_equal(send_text("GET /api/live HTTP/1.1\r\nHost: LOCALHOST:8000\r\n\r\n"), 200);
  static const char *const origins[] = {"https://evil.example", "null", "http://localhost.evil.example"};
  for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
    char text[512];
    snprintf(text, sizeof text,
             "POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nOrigin: %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
             origins[i]);
    assert_int_equal(send_text(text), 403);
  }
  assert_int_equal(send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"), 415);
  assert_int_equal(send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"), 415);
}

/* Illegal commands say what is legal, are journalled as operations, and change nothing. */
static void commands_tell_the_truth(void **state) {
  (void)state;
  assert_int_equal(post("/api/engine/pause", "{}"), 409);
  struct json *json = parse_body();
  assert_string_equal(json_string(json_member(json, "code")), "illegal_command");
  assert_true(json_size(json_member(json, "allowed")) > 0);
  json_free(json);
  assert_int_equal(post("/api/engine/kill-switch", "{}"), 403);
  assert_int_equal(post("/api/engine/reset", "{\"confirm\":\"reset\",\"reason\":\"x\"}"), 403);
  assert_int_equal(post("/api/engine/command", "{\"command\":\"dance\"}"), 422);
  assert_int_equal(post("/api/engine/command", "{\"command\":\"close_position\"}"), 422);
  assert_int_equal(post("/api/engine/command", "{\"command\":\"pause\"}"), 409);
  int used = fixture.presets_used;
  assert_int_equal(post("/api/engine/reload", "{}"), 404); /* legal when idle: asks for the preset in force */
  assert_int_equal(fixture.presets_used, used + 1);
}

static void a_latch_is_shown_and_released(void **state) {
  (void)state;
  assert_int_equal(post("/api/engine/emergency-stop", "{\"reason\":\"drill\"}"), 200);
  struct json *json = parse_body();
  assert_true(json_bool(json_member(json, "success")));
  char path[64];
  snprintf(path, sizeof path, "/api/engine/operations/%s", json_string(json_member(json, "operation_id")));
  json_free(json);
  assert_int_equal(get(path), 200);
  assert_int_equal(get("/api/health"), 503);
  assert_int_equal(get("/api/engine/status"), 200);
  json = parse_body();
  assert_string_equal(json_string(json_member(json, "state")), "emergency");
  assert_string_equal(json_string(json_member(json_member(json, "latch"), "reason")), "drill");
  json_free(json);
  int used = fixture.presets_used;
  assert_int_equal(post("/api/engine/start", "{}"), 409);
  assert_true(has("\"code\":\"emergency_latched\""));
  assert_int_equal(fixture.presets_used, used); /* a start that will be refused brings no preset into force */
  assert_int_equal(post("/api/engine/reset", "{\"confirm\":\"RESET\",\"reason\":\"drill over\"}"), 200);
  assert_int_equal(get("/api/health"), 200);
}

static void pipelined_requests_are_all_answered(void **state) {
  (void)state;
  int status =
      send_text("GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  assert_int_equal(status, 200);
}

static void a_taken_port_is_named(void **state) {
  (void)state;
  struct http_options options = {.host = "127.0.0.1", .port = http_server_port(fixture.server), .clock = system_clock()};
  struct http_server *second = NULL;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(http_server_open(&second, &options, &problem), STATUS_IN_USE);
  char port[16];
  snprintf(port, sizeof port, "port %d", options.port);
  assert_non_null(strstr(problem.items[0].message, port));
  options.host = "nonsense";
  assert_int_equal(http_server_open(&second, &options, &problem), STATUS_BAD_CONFIG);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(health_tells_that_it_is_a_demo),
      cmocka_unit_test(replies_carry_security_headers),
      cmocka_unit_test(every_reading_route_answers),
      cmocka_unit_test(lists_answer_as_csv),
      cmocka_unit_test(queries_are_strict),
      cmocka_unit_test(unknown_paths_are_404),
      cmocka_unit_test(wrong_methods_are_405),
      cmocka_unit_test(head_has_no_body),
      cmocka_unit_test(framing_is_checked),
      cmocka_unit_test(sizes_have_limits),
      cmocka_unit_test(bodies_are_strict),
      cmocka_unit_test(several_errors_are_told_at_once),
      cmocka_unit_test(access_is_for_this_machine),
      cmocka_unit_test(commands_tell_the_truth),
      cmocka_unit_test(a_latch_is_shown_and_released),
      cmocka_unit_test(pipelined_requests_are_all_answered),
      cmocka_unit_test(a_taken_port_is_named),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
