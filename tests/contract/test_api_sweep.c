/* Every route of the table, asked in every wrong way and, when it only reads, in the right one; each reply against its shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/access/access.h"
#include "base/text.h"
#include "support/market_fixture.h"
#include "support/shape_check.h"

static struct market_fixture fixture;
static int misfits; /* all are told before the test fails */

static int open_fixture(void **state) {
  (void)state;
  market_fixture_open(&fixture);
  market_fixture_archive(&fixture, 50);
  fixture.settings.api_docs_enabled = true;
  fixture.settings.rate_limit_read_per_s = 1e6;
  fixture.settings.rate_limit_write_per_s = 1e6;
  return 0;
}

static int close_fixture(void **state) {
  (void)state;
  market_fixture_close(&fixture);
  return 0;
}

static bool is_read(const struct route *route) {
  return text_equal(route->method, "GET");
}

/* The path with something in the place of {name}. */
static void fill_path(const struct route *route, const char *word, char *out, size_t size) {
  const char *brace = strchr(route->path, '{');
  if (brace == NULL) {
    snprintf(out, size, "%s", route->path);
  } else {
    snprintf(out, size, "%.*s%s%s", (int)(brace - route->path), route->path, word, strchr(brace, '}') + 1);
  }
}

static bool is_socket(const struct route *route) {
  return text_equal(route->path, "/ws");
}

/* A failure is problem JSON, and its status is the one inside. */
static void expect_problem(const struct route *route, int status) {
  struct problem problem;
  problem_clear(&problem);
  bool is_good = fixture.body != NULL && shape_check(SHAPE_PROBLEM, fixture.body, &problem);
  if (!is_good) {
    problem_print(&problem, stderr);
    fail_msg("%s %s: status %d without a problem: %s", route->method, route->path, status, fixture.reply.body.data);
  }
  assert_int_equal(market_fixture_number(&fixture, "status"), status);
}

static void check_good(const struct route *route) {
  struct problem problem;
  problem_clear(&problem);
  if (fixture.reply.is_deferred) return; /* waits for a part that the fixture does not run */
  if (fixture.reply.content_type == NULL) fail_msg("%s %s has no content type", route->method, route->path);
  if (text_equal(fixture.reply.content_type, "application/json") && !shape_check_reply(route, fixture.body, &problem)) {
    fprintf(stderr, "%s %s does not fit its shape:\n", route->method, route->path);
    problem_print(&problem, stderr);
    ++misfits;
  }
}

static void test_reads_fit_their_shapes(void **state) {
  (void)state;
  int good = 0;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    char path[256];
    if (!is_read(route) || strchr(route->path, '{') != NULL || is_socket(route)) continue;
    fill_path(route, "", path, sizeof path);
    int status = market_fixture_get(&fixture, "%s", path);
    bool is_health = route->reply == SHAPE_HEALTH || route->reply == SHAPE_READY;
    if (status == 200 || (status == 503 && is_health)) {
      check_good(route);
      ++good;
    } else if (status != 204) {
      expect_problem(route, status);
      /* What lacks an argument says so; what needs a part that the fixture does not have says that. */
      if (status != 400 && status != 404 && status != 503 && status != 501) fail_msg("GET %s answered %d", path, status);
    }
  }
  assert_int_equal(misfits, 0);
  assert_true(good > 30);
}

/* First ids of lists, for the routes behind them. */
static void test_objects_fit_their_shapes(void **state) {
  static const struct {
    const char *list, *id, *member;
  } sources[] = {
      {"/api/trading/positions?state=all&limit=1", "items.0.position_id", "/api/trading/positions/{id}"},
      {"/api/trading/orders?state=all&limit=1", "items.0.client_order_id", "/api/trading/orders/{id}"},
      {"/api/monitoring/sessions?limit=1", "items.0.session_id", "/api/monitoring/sessions/{id}"},
      {"/api/monitoring/sessions?limit=1", "items.0.session_id", "/api/monitoring/sessions/{id}/summary"},
      {"/api/monitoring/sessions?limit=1", "items.0.session_id", "/api/monitoring/sessions/{id}/visualization"},
      {"/api/monitoring/sessions?limit=1", "items.0.session_id", "/api/monitoring/checkpoints/{id}"},
      {"/api/decisions?limit=1", "items.0.symbol", "/api/decisions/why/{symbol}"},
  };
  (void)state;
  for (size_t k = 0; k < sizeof sources / sizeof sources[0]; k++) {
    char id[64];
    char path[256];
    assert_int_equal(market_fixture_get(&fixture, "%s", sources[k].list), 200);
    if (market_fixture_count(&fixture, "items") == 0) fail_msg("%s is empty", sources[k].list);
    text_copy(id, sizeof id, market_fixture_text(&fixture, sources[k].id));
    if (strchr(id, '/') != NULL) text_copy(id, sizeof id, "BTCUSDT");
    for (int i = 0; i < api_route_count; i++) {
      if (!is_read(&api_routes[i]) || !text_equal(api_routes[i].path, sources[k].member)) continue;
      fill_path(&api_routes[i], id, path, sizeof path);
      int status = market_fixture_get(&fixture, "%s", path);
      if (status != 200) fail_msg("GET %s answered %d: %s", path, status, fixture.reply.body.data);
      check_good(&api_routes[i]);
    }
  }
  assert_int_equal(misfits, 0);
}

static void test_unknown_ids(void **state) {
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    char path[256];
    if (!is_read(route) || strchr(route->path, '{') == NULL) continue;
    fill_path(route, "no-such-thing", path, sizeof path);
    int status = market_fixture_get(&fixture, "%s", path);
    if (status < 400 || status == 500) fail_msg("GET %s answered %d", path, status);
    expect_problem(route, status);
  }
}

static void test_wrong_methods(void **state) {
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    char path[256];
    fill_path(&api_routes[i], "x", path, sizeof path);
    assert_int_equal(market_fixture_ask(&fixture, "TRACE", path, NULL), 405);
    expect_problem(&api_routes[i], 405);
    assert_string_not_equal(fixture.reply.allow, "");
  }
}

/* May be asked only a few times a minute, whatever comes of it. */
static bool has_own_limit(const struct route *route) {
  enum limit_class limit = access_rule(fixture.api, route)->limit;
  return limit == LIMIT_LOGIN || limit == LIMIT_SCAN || limit == LIMIT_BACKTEST;
}

static void test_broken_bodies(void **state) {
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    char path[256];
    if (is_read(route) || has_own_limit(route)) continue;
    fill_path(route, "x", path, sizeof path);
    int status = market_fixture_ask(&fixture, route->method, path, "{\"a\":");
    if (status != 400) fail_msg("%s %s answered %d to broken JSON", route->method, path, status);
    expect_problem(route, 400);
    status = market_fixture_ask(&fixture, route->method, path, "{\"no_such_member\":1}");
    if (status != 422) fail_msg("%s %s answered %d to an unknown member", route->method, path, status);
    expect_problem(route, 422);
    status = market_fixture_ask(&fixture, route->method, path, "[1]");
    if (status != 422) fail_msg("%s %s answered %d to an array", route->method, path, status);
  }
}

static void test_unknown_arguments(void **state) {
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    char path[256];
    if (!is_read(&api_routes[i]) || is_socket(&api_routes[i])) continue;
    fill_path(&api_routes[i], "x", path, sizeof path);
    assert_int_equal(market_fixture_get(&fixture, "%s?no_such_argument=1", path), 400);
    expect_problem(&api_routes[i], 400);
  }
}

/* ---- roles ---- */

static const char *authorization; /* of the request at hand; NULL none */

static const char *find_header(const struct http_request *request, const char *name) {
  (void)request;
  return text_equal_ignoring_case(name, "Authorization") ? authorization : NULL;
}

/* As the server would hand it over; only the status is looked at. */
static int ask_as(const char *token, const struct route *route) {
  char path[256];
  char header[160];
  struct http_handler handler;
  struct http_reply reply = {0};
  fill_path(route, "x", path, sizeof path);
  snprintf(header, sizeof header, "Bearer %s", token != NULL ? token : "");
  authorization = token != NULL ? header : NULL;
  struct http_request request = {.method = route->method, .target = path, .host = "127.0.0.1", .find_header = find_header, .id = "r1", .body = ""};
  /* Refused requests are limited by address: each comes from another one. */
  static int asked;
  snprintf(request.address, sizeof request.address, "10.1.%d.%d", asked / 250, asked % 250 + 1);
  ++asked;
  http_parse_target(&request, path);
  api_handler(fixture.api, &handler);
  handler.on_request(handler.context, &request, &reply);
  assert_false(reply.is_deferred);
  buffer_deinit(&reply.body);
  return reply.status;
}

static void make_token(const char *role, char out[128]) {
  char body[128];
  snprintf(body, sizeof body, "{\"name\":\"sweep %s\",\"role\":\"%s\"}", role, role);
  int status = market_fixture_ask(&fixture, "POST", "/api/auth/tokens", body);
  if (status != 200) fail_msg("no token of role %s: %s", role, fixture.reply.body.data);
  text_copy(out, 128, market_fixture_text(&fixture, "token"));
}

/* Who may not is refused before anything is looked at: without Content-Type whoever may gets 415, not 401 or 403. */
static void test_roles(void **state) {
  static const char *const roles[] = {"viewer", "operator", "admin"};
  char tokens[3][128];
  (void)state;
  for (int k = 0; k < 3; k++) make_token(roles[k], tokens[k]);
  fixture.settings.auth_enabled = true;
  market_fixture_restart(&fixture, INT32_MAX);
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    int least = text_equal(route->role, "none") ? -1 : text_equal(route->role, "viewer") ? 0 : text_equal(route->role, "operator") ? 1 : 2;
    if (least < 0 || is_socket(route)) continue;
    int status = ask_as(NULL, route);
    bool is_for_monitors = text_equal(route->path, "/api/metrics"); /* METRICS_ALLOW */
    if (status != 401 && !is_for_monitors) fail_msg("%s %s answered %d without a token", route->method, route->path, status);
    status = ask_as("bbt_of-nobody", route);
    if (status != 401 && !is_for_monitors) fail_msg("%s %s answered %d to a token of nobody", route->method, route->path, status);
    for (int k = 0; k < least; k++) {
      status = ask_as(tokens[k], route);
      bool is_slowed = status == 429 && has_own_limit(route);
      if (status != 403 && !is_slowed) fail_msg("%s %s answered %d to a %s", route->method, route->path, status, roles[k]);
    }
    if (is_read(route)) continue;
    status = ask_as(tokens[least], route);
    if (status == 401 || status == 403) fail_msg("%s %s answered %d to a %s", route->method, route->path, status, roles[least]);
  }
  fixture.settings.auth_enabled = false;
  market_fixture_restart(&fixture, INT32_MAX);
}

/* Operation ids are unique and every shape of a route has a name: clients are made from the document. */
static void test_document(void **state) {
  (void)state;
  struct buffer out = {0};
  struct problem problem;
  problem_clear(&problem);
  api_describe_openapi(&out);
  struct json *document = json_parse(out.data, out.length, JSON_STRICT, "openapi", &problem);
  assert_non_null(document);
  for (int i = 0; i < api_route_count; i++) {
    const struct json *path = json_member(json_member(document, "paths"), api_routes[i].path);
    assert_non_null(path);
    char method[16] = "";
    for (size_t k = 0; api_routes[i].method[k] != '\0'; k++) method[k] = (char)(api_routes[i].method[k] | 0x20);
    const struct json *operation = json_member(path, method);
    assert_non_null(operation);
    assert_string_equal(json_string(json_member(operation, "x-role")), api_routes[i].role);
    for (int k = 0; k < i; k++) {
      if (text_equal(api_routes[k].method, api_routes[i].method)) assert_string_not_equal(api_routes[k].path, api_routes[i].path);
    }
  }
  json_free(document);
  buffer_deinit(&out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_fit_their_shapes),
      cmocka_unit_test(test_objects_fit_their_shapes),
      cmocka_unit_test(test_unknown_ids),
      cmocka_unit_test(test_wrong_methods),
      cmocka_unit_test(test_broken_bodies),
      cmocka_unit_test(test_unknown_arguments),
      cmocka_unit_test(test_roles),
      cmocka_unit_test(test_document),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
