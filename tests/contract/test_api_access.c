/* Who may do what: roles, networks, origins, limits, over real sockets and a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "support/web_fixture.h"

/* The route's address with x for what varies. */
static void path_of(const struct route *route, char out[256]) {
  const char *open = strchr(route->path, '{');
  if (open == NULL) {
    text_copy(out, 256, route->path);
  } else {
    snprintf(out, 256, "%.*sx%s", (int)(open - route->path), route->path, strchr(open, '}') + 1);
  }
}

/* A request that every handler would refuse for its form, but only behind the checks of access: 400 or 415 tells that it came so far. */
static int knock(const struct route *route, const char *secret) {
  char path[256];
  char target[300];
  web_pass_s(13);
  path_of(route, path);
  bool reads = strcmp(route->method, "GET") == 0;
  snprintf(target, sizeof target, "%s%s", path, reads ? "?no_such_argument=1" : "");
  const char *who = secret != NULL ? web_bearer(secret) : "";
  if (reads) return web_ask("GET", target, who, NULL);
  char headers[256];
  snprintf(headers, sizeof headers, "%sContent-Type: text/plain\r\nContent-Length: 0\r\n", who);
  return web_ask(route->method, target, headers, NULL);
}

static void every_route_keeps_its_role(void **state) {
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    enum api_role least = web.api->access->rules[i].role;
    int admitted = strcmp(route->method, "GET") == 0 ? 400 : 415;
    for (int role = API_ROLE_NONE; role < api_role_count; role++) {
      int expected = role >= (int)least ? admitted : role == API_ROLE_NONE ? 401 : 403;
      int status = knock(route, role != API_ROLE_NONE ? web.tokens[role] : NULL);
      if (status != expected) print_error("%s %s as %s: %d, not %d\n", route->method, route->path, api_role_names[role], status, expected);
      assert_int_equal(status, expected);
      if (status == 403) assert_true(web_has("role_too_low"));
    }
    assert_int_equal(knock(route, web.revoked), least == API_ROLE_NONE ? admitted : 401);
  }
}

/* A file is not taken from who may not send one: it is a body like others, which is too large, and nothing is written. */
static void files_are_taken_from_operators_only(void **state) {
  static const char form[] = "--xYx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\na\r\n--xYx--\r\n";
  static const int statuses[] = {401, 403, 422, 422};
  char folder[320];
  (void)state;
  snprintf(folder, sizeof folder, "%s/uploads", web.folder);
  for (int role = API_ROLE_NONE; role < api_role_count; role++) {
    char headers[256];
    char request[1024];
    snprintf(headers, sizeof headers, "%s", role != API_ROLE_NONE ? web_bearer(web.tokens[role]) : "");
    snprintf(
        request, sizeof request,
        "POST /api/datasets/import HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: multipart/form-data; boundary=xYx\r\nContent-Length: %zu\r\n\r\n%s",
        headers, sizeof form - 1, form);
    if (web_send_text(request) != statuses[role]) fail_msg("%s", web.received);
    if (role < API_ROLE_OPERATOR) assert_int_not_equal(access(folder, F_OK), 0);
  }
  char request[512];
  snprintf(
      request, sizeof request,
      "POST /api/datasets/import HTTP/1.1\r\nHost: localhost\r\n%sContent-Type: multipart/form-data; boundary=xYx\r\nContent-Length: 100000\r\n\r\n",
      web_bearer(web.tokens[API_ROLE_VIEWER]));
  assert_int_equal(web_send_text(request), 413);
}

static void metrics_may_be_read_from_listed_networks(void **state) {
  (void)state;
  struct networks networks;
  assert_int_equal(web_ask("GET", "/api/metrics", "", NULL), 401);
  networks_parse(&web.api->access->metrics_allow, "127.0.0.0/8");
  assert_int_equal(web_ask("GET", "/api/metrics", "", NULL), 200);
  assert_int_equal(web_ask("GET", "/api/engine/commands", "", NULL), 401);
  networks_parse(&networks, "10.0.0.0/9, 192.168.1.1,::1/128,fc00::/7,nonsense,1.2.3.4/33");
  assert_int_equal(networks.count, 4);
  static const char *const inside[] = {"10.127.255.255", "192.168.1.1", "::1", "fdff::1", "::ffff:10.1.1.1"};
  static const char *const outside[] = {"10.128.0.0", "192.168.1.2", "::2", "fe00::1", "0.0.0.0", "", "10.1.1", "10.1.1.1.1"};
  for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) assert_true(networks_hold(&networks, inside[i]));
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) assert_false(networks_hold(&networks, outside[i]));
  networks_parse(&web.api->access->metrics_allow, "");
}

static int failures(const char *kind) {
  struct buffer text = {0};
  char line[64];
  metrics_print(web.metrics, METRICS_TEXT, &text);
  snprintf(line, sizeof line, "breakout_auth_failures_total{kind=\"%s\"} ", kind);
  const char *at = strstr(text.data, line);
  assert_non_null(at);
  int count = (int)strtol(at + strlen(line), NULL, 10);
  buffer_deinit(&text);
  return count;
}

/* Who shows nothing does not try; who shows something wrong does. */
static void refusals_are_counted(void **state) {
  (void)state;
  int tokens = failures("token");
  int roles = failures("role");
  assert_int_equal(web_ask("GET", "/api/engine/commands", "", NULL), 401);
  assert_int_equal(failures("token"), tokens);
  assert_int_equal(web_ask("GET", "/api/engine/commands", web_bearer("bbt_wrong"), NULL), 401);
  assert_int_equal(failures("token"), tokens + 1);
  assert_int_equal(web_ask_as(API_ROLE_VIEWER, "POST", "/api/engine/pause", "{}"), 403);
  assert_int_equal(failures("role"), roles + 1);
}

static void only_trusted_proxies_tell_addresses(void **state) {
  (void)state;
  struct networks proxies;
  char out[ADDRESS_BYTES];
  networks_parse(&proxies, "10.0.0.0/8");
  static const struct {
    const char *peer, *forwarded, *client;
  } rows[] = {{"1.1.1.1", "2.2.2.2", "1.1.1.1"},
              {"10.0.0.1", NULL, "10.0.0.1"},
              {"10.0.0.1", "2.2.2.2", "2.2.2.2"},
              {"10.0.0.1", "9.9.9.9, 2.2.2.2", "2.2.2.2"},
              {"10.0.0.1", "2.2.2.2,10.0.0.2", "2.2.2.2"},
              {"10.0.0.1", "2.2.2.2, nonsense", "10.0.0.1"},
              {"10.0.0.1", "", "10.0.0.1"},
              {"10.0.0.1", " , ,", "10.0.0.1"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    address_of_client(&proxies, rows[i].peer, rows[i].forwarded, out);
    assert_string_equal(out, rows[i].client);
  }
  address_for_limit("2001:db8:1:2:3:4:5:6", out);
  assert_string_equal(out, "2001:db8:1:2::");
}

static void pages_of_other_servers_are_refused(void **state) {
  (void)state;
  const char *token = web_bearer(web.tokens[API_ROLE_OPERATOR]);
  static const struct {
    const char *headers;
    int status;
  } rows[] = {{"Origin: https://evil.example\r\n", 403},
              {"Origin: null\r\n", 403},
              {"Origin: http://localhost.evil.example\r\n", 403},
              {"Origin: http://localhost:9999\r\n", 403},
              {"Origin: http://localhost:30000\r\n", 403},
              {"Sec-Fetch-Site: cross-site\r\n", 403},
              {"Sec-Fetch-Site: same-site\r\n", 403},
              {"Sec-Fetch-Site: nonsense\r\n", 403},
              {"Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n", 200},
              {"Origin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n", 200},
              {"Origin: https://ui.example\r\nSec-Fetch-Site: cross-site\r\n", 200},
              {"Sec-Fetch-Site: none\r\n", 200}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char headers[512];
    snprintf(headers, sizeof headers, "%s%s", token, rows[i].headers);
    int status = web_ask("POST", "/api/auth/ws-ticket", headers, "{}");
    if (status != rows[i].status) print_error("%s: %d\n", rows[i].headers, status);
    assert_int_equal(status, rows[i].status);
  }
}

static void cors_names_listed_origins_only(void **state) {
  (void)state;
  assert_int_equal(web_ask("GET", "/api/live", "Origin: http://localhost:3000\r\n", NULL), 200);
  assert_true(web_has("Access-Control-Allow-Origin: http://localhost:3000\r\n") && web_has("Access-Control-Allow-Credentials: true\r\n"));
  assert_int_equal(web_ask("GET", "/api/live", "Origin: http://localhost\r\n", NULL), 200);
  assert_false(web_has("Access-Control-"));
  assert_int_equal(web_ask("GET", "/api/live", "Origin: https://evil.example\r\n", NULL), 403);
  assert_false(web_has("Access-Control-"));
  static const char preflight[] = "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n";
  assert_int_equal(web_ask("OPTIONS", "/api/engine/start", preflight, NULL), 204);
  assert_true(web_has("Access-Control-Allow-Headers: Content-Type, Authorization, X-CSRF-Token"));
}

static void set_limits(double reads, double writes) {
  rate_limit_init(&web.api->access->limits, 7, reads, writes);
}

static void requests_have_rates(void **state) {
  (void)state;
  set_limits(20, 5);
  for (int i = 0; i < 40; i++) assert_int_equal(web_ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 200);
  assert_int_equal(web_ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 429);
  assert_true(web_has("Retry-After: 1\r\n") && web_has("rate_limited"));
  assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "GET", "/api/engine/commands", NULL), 200); /* another token, another bucket */
  assert_int_equal(web_ask_as(API_ROLE_VIEWER, "GET", "/api/health", NULL), 200);            /* probes have their own */
  web_pass_s(1);
  for (int i = 0; i < 20; i++) assert_int_equal(web_ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 200);
  assert_int_equal(web_ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 429);
  for (int i = 0; i < 10; i++) assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}"), 409);
  assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}"), 429);
  /* What must always pass: it is refused for want of its confirmation, not for its rate. */
  for (int i = 0; i < 20; i++) assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/kill-switch", "{}"), 403);
  assert_true(web_has("confirmation_missing"));
  web_pass_s(60);
  assert_int_not_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/scan-now", "{}"), 429);
  /* Other ways to the same scan count too. */
  static const char *const scans[][2] = {{"/api/engine/scan-now", "{}"},
                                         {"/api/scanner/scan", "{}"},
                                         {"/api/scanner/scan/breakout_v1", "{}"},
                                         {"/api/engine/command", "{\"command\":\"scan_now\"}"}};
  for (size_t i = 0; i < sizeof scans / sizeof scans[0]; i++) assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", scans[i][0], scans[i][1]), 429);
  for (int i = 0; i < 60; i++) assert_int_equal(web_ask("POST", "/api/engine/pause", web_bearer(web.revoked), "{}") == 200, false);
  set_limits(1000, 1000);
}

static void floods_of_refusals_end(void **state) {
  (void)state;
  set_limits(1000, 1000);
  int refused = 0;
  int limited = 0;
  for (int i = 0; i < 100; i++) {
    int status = web_ask("GET", "/api/engine/commands", "", NULL);
    refused += status == 401;
    limited += status == 429;
  }
  assert_int_equal(refused, 60);
  assert_int_equal(limited, 40);
  for (int i = 0, status = 200; i < 10; i++) {
    status = web_ask("POST", "/api/auth/login", "", "{\"username\":\"flood\",\"password\":\"wrong password\"}");
    assert_int_equal(status, i < 5 ? 401 : 429);
  }
  web_pass_s(600);
}

static void connects_have_a_rate(void **state) {
  (void)state;
  const struct caller caller = {.role = API_ROLE_VIEWER, .token_id = "Tconnects"};
  int wait_s = 0;
  for (int i = 0; i < 10; i++) assert_true(connect_is_allowed(web.api, &caller, &wait_s));
  assert_false(connect_is_allowed(web.api, &caller, &wait_s));
  assert_int_equal(wait_s, 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_route_keeps_its_role),
      cmocka_unit_test(files_are_taken_from_operators_only),
      cmocka_unit_test(metrics_may_be_read_from_listed_networks),
      cmocka_unit_test(refusals_are_counted),
      cmocka_unit_test(only_trusted_proxies_tell_addresses),
      cmocka_unit_test(pages_of_other_servers_are_refused),
      cmocka_unit_test(cors_names_listed_origins_only),
      cmocka_unit_test(requests_have_rates),
      cmocka_unit_test(floods_of_refusals_end),
      cmocka_unit_test(connects_have_a_rate),
  };
  return cmocka_run_group_tests(tests, web_open_guarded, web_close);
}
