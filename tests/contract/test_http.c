/* HTTP and the general rules of the API over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/clock/system_clock.h"
#include "support/web_fixture.h"

static void health_tells_that_it_is_a_demo(void **state) {
  (void)state;
  assert_int_equal(web_get("/api/health"), 200);
  struct json *json = web_parse();
  assert_string_equal(json_string(json_member(json, "status")), "healthy");
  assert_string_equal(json_string(json_member(json, "feed")), "demo");
  assert_true(json_bool(json_member(json, "demo")));
  assert_non_null(strstr(json_string(json_member(json, "notice")), "demo"));
  json_free(json);
}

static void replies_carry_security_headers(void **state) {
  (void)state;
  assert_int_equal(web_get("/api/live"), 200);
  static const char *const headers[] = {"X-Request-Id: ",
                                        "X-Process-Time: ",
                                        "Cache-Control: no-store",
                                        "X-Content-Type-Options: nosniff",
                                        "X-Frame-Options: DENY",
                                        "Referrer-Policy: no-referrer",
                                        "Content-Security-Policy: default-src 'none'"};
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) assert_true(web_has(headers[i]));
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
    if (web_get(paths[i]) != 200) fail_msg("%s: %s", paths[i], web.received);
    assert_true(web_has("Content-Type: application/json"));
    json_free(web_parse());
  }
  assert_int_equal(web_get("/api/scanner/last"), 204);
  assert_int_equal(web_get("/api/account"), 503); /* the venue has not told it */
  assert_true(web_has("\"not_ready\""));
  assert_int_equal(web_get("/api/metrics"), 200);
  assert_true(web_has("Content-Type: text/plain; version=0.0.4"));
  assert_true(web_has("\nbreakout_engine_state{state=\"idle\"} 1\n"));
  assert_true(web_has("\nbreakout_health{component=\"feed\"} 1\n"));
}

static void lists_answer_as_csv(void **state) {
  (void)state;
  assert_int_equal(web_get("/api/trading/trades?format=csv"), 200);
  assert_true(web_has("Content-Type: text/csv"));
  assert_int_equal(strncmp(web_body(), "trade_id,position_id,session_id,symbol,", 39), 0);
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
    assert_int_equal(web_get(bad[i]), 400);
    assert_true(web_has("\"code\":\"bad_parameter\""));
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
    assert_int_equal(web_get(paths[i]), 404);
    assert_true(web_has("Content-Type: application/problem+json"));
    struct json *json = web_parse();
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
    assert_int_equal(web_send_text(text), 405);
    assert_true(web_has("Allow: GET, HEAD\r\n"));
  }
  assert_int_equal(web_get("/api/engine/start"), 405);
  assert_true(web_has("Allow: POST\r\n"));
  /* A header that asks for another method changes nothing. */
  assert_int_equal(web_send_text("GET /api/engine/start HTTP/1.1\r\nHost: localhost\r\nX-HTTP-Method-Override: POST\r\n\r\n"), 405);
}

static void head_has_no_body(void **state) {
  (void)state;
  assert_int_equal(web_send_text("HEAD /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 200);
  assert_string_equal(web_body(), "");
}

/* Broken framing never reaches a handler. */
static void framing_is_checked(void **state) {
  (void)state;
  assert_int_equal(web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}"), 400);
  assert_int_equal(
      web_send_text(
          "POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
      400);
  assert_int_equal(web_send_text("GET /api/live HTTP/1.1\r\n\r\n"), 400); /* no Host */
  assert_int_equal(web_send_text("GET /api/live HTTP/1.1\r\nHost: localhost\r\nHost: 127.0.0.1\r\n\r\n"), 400);
  assert_int_equal(web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n"), 400);
  assert_int_equal(web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: "
                                 "chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
                   409);
  /* A length that cuts the body short leaves no JSON. */
  assert_int_equal(
      web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{}"), 400);
  int status = web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n");
  assert_true(status == 400 || status == 0);
  status = web_send_text("\x01\x02 / HTTP/1.1\r\n\r\n");
  assert_true(status >= 400 || status == 0);
  assert_int_equal(web_get("/api/live"), 200); /* still there */
}

static void sizes_have_limits(void **state) {
  (void)state;
  static char big[4 * HTTP_HEADER_BYTES_MAX];
  memset(big, 'a', sizeof big);
  static char text[sizeof big + 512];
  snprintf(text, sizeof text, "GET /api/live?x=%.9000s HTTP/1.1\r\nHost: localhost\r\n\r\n", big);
  assert_int_equal(web_send_text(text), 414);
  snprintf(text, sizeof text, "GET /api/live HTTP/1.1\r\nHost: localhost\r\nX-Big: %.20000s\r\n\r\n", big);
  assert_int_equal(web_send_text(text), 431);
  assert_int_equal(web_post_bytes("/api/engine/pause", big, WEB_BODY_LIMIT + 1), 413);
  assert_int_equal(web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n"), 413);
  /* The same without a length declared before. */
  int used =
      snprintf(text, sizeof text,
               "POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
               2 * WEB_BODY_LIMIT);
  memcpy(text + used, big, 2 * WEB_BODY_LIMIT);
  memcpy(text + used + 2 * WEB_BODY_LIMIT, "\r\n0\r\n\r\n", 8);
  assert_int_equal(web_send(text, (size_t)used + 2 * WEB_BODY_LIMIT + 7), 413);
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
      BODY("{\"wait_ms\":-0}", 404), /* it is 0; the preset is what there is not */
      BODY("{\"wait_ms\":1e-400}", 422),
      BODY("{\"wait_ms\":\"1 \"}", 422),
      BODY("{\"wait_ms\":null}", 404),
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
    int status = web_post_bytes("/api/engine/start", bodies[i].json, bodies[i].length);
    if (status != bodies[i].status) print_error("body %zu: %d, not %d: %s\n", i, status, bodies[i].status, web_body());
    assert_int_equal(status, bodies[i].status);
    assert_true(web_has("application/problem+json"));
    json_free(web_parse());
  }
  static char deep[WEB_BODY_LIMIT];
  memset(deep, '[', sizeof deep);
  assert_int_equal(web_post_bytes("/api/engine/start", deep, sizeof deep), 400);
  assert_int_equal(web_post("/api/engine/start", ""), 404); /* an empty body is an empty object: the default preset, which is not there */
}

static void several_errors_are_told_at_once(void **state) {
  (void)state;
  assert_int_equal(web_post("/api/engine/start", "{\"a\":1,\"b\":2,\"mode\":3}"), 422);
  struct json *json = web_parse();
  assert_int_equal(json_size(json_member(json, "errors")), 3);
  json_free(json);
}

static void access_is_for_this_machine(void **state) {
  (void)state;
  assert_int_equal(web_send_text("GET /api/live HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403);
  assert_int_equal(web_send_text("GET /api/live HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n"), 403);
  assert_int_equal(web_send_text("GET /api/live HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n"), 403);
  assert_int_equal(web_send_text("GET /api/live HTTP/1.1\r\nHost: [::1]:8000\r\n\r\n"), 200);
  assert_int_equal(web_send_text("GET /api/live HTTP/1.1\r\nHost: LOCALHOST:8000\r\n\r\n"), 200);
  static const char *const origins[] = {"https://evil.example", "null", "http://localhost.evil.example"};
  for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
    char text[512];
    snprintf(text, sizeof text,
             "POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nOrigin: %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
             origins[i]);
    assert_int_equal(web_send_text(text), 403);
  }
  assert_int_equal(web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"), 415);
  assert_int_equal(web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}"),
                   415);
}

/* Illegal commands say what is legal, are journalled as operations, and change nothing. */
static void commands_tell_the_truth(void **state) {
  (void)state;
  assert_int_equal(web_post("/api/engine/pause", "{}"), 409);
  struct json *json = web_parse();
  assert_string_equal(json_string(json_member(json, "code")), "illegal_command");
  assert_true(json_size(json_member(json, "allowed")) > 0);
  json_free(json);
  assert_int_equal(web_post("/api/engine/kill-switch", "{}"), 403);
  assert_int_equal(web_post("/api/engine/reset", "{\"confirm\":\"reset\",\"reason\":\"x\"}"), 403);
  assert_int_equal(web_post("/api/engine/command", "{\"command\":\"dance\"}"), 422);
  assert_int_equal(web_post("/api/engine/command", "{\"command\":\"close_position\"}"), 422);
  assert_int_equal(web_post("/api/engine/command", "{\"command\":\"pause\"}"), 409);
  int used = web.presets_used;
  assert_int_equal(web_post("/api/engine/reload", "{}"), 404); /* legal when idle: asks for the preset in force */
  assert_int_equal(web.presets_used, used + 1);
}

static void a_latch_is_shown_and_released(void **state) {
  (void)state;
  assert_int_equal(web_post("/api/engine/emergency-stop", "{\"reason\":\"drill\"}"), 200);
  struct json *json = web_parse();
  assert_true(json_bool(json_member(json, "success")));
  char path[64];
  snprintf(path, sizeof path, "/api/engine/operations/%s", json_string(json_member(json, "operation_id")));
  json_free(json);
  assert_int_equal(web_get(path), 200);
  assert_int_equal(web_get("/api/health"), 503);
  assert_int_equal(web_get("/api/engine/status"), 200);
  json = web_parse();
  assert_string_equal(json_string(json_member(json, "state")), "emergency");
  assert_string_equal(json_string(json_member(json_member(json, "latch"), "reason")), "drill");
  json_free(json);
  int used = web.presets_used;
  assert_int_equal(web_post("/api/engine/start", "{}"), 409);
  assert_true(web_has("\"code\":\"emergency_latched\""));
  assert_int_equal(web.presets_used, used); /* a start that will be refused brings no preset into force */
  assert_int_equal(web_post("/api/engine/reset", "{\"confirm\":\"RESET\",\"reason\":\"drill over\"}"), 200);
  assert_int_equal(web_get("/api/health"), 200);
}

static void pipelined_requests_are_all_answered(void **state) {
  (void)state;
  int status =
      web_send_text("GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/nothing HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  assert_int_equal(status, 200);
}

static void a_taken_port_is_named(void **state) {
  (void)state;
  struct http_options options = {.host = "127.0.0.1", .port = http_server_port(web.server), .clock = system_clock()};
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
  return cmocka_run_group_tests(tests, web_open_plain, web_close);
}
