/* Every route of the table, asked in every wrong way and, when it only reads, in the right one; each reply against its shape. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/market_fixture.h"
#include "support/shape_check.h"

static struct market_fixture fixture;
static int misfits; /* all are told before the test fails */

/* A data set as the workers leave it when they have measured it. */
static void add_dataset(void) {
  const struct row_value values[] = {row_text("dataset_id", "made"),
                                     row_text("name", "made"),
                                     row_text("path", "/nonexistent/made"),
                                     row_text("symbols", "[\"BTC/USDT:USDT\"]"),
                                     row_text("capabilities", "[]"),
                                     row_text("stamps", "[]"),
                                     row_text("quality", "{\"score\":null,\"is_usable\":false,\"symbols\":[]}"),
                                     row_int("from_ts", RIG_START),
                                     row_int("to_ts", RIG_START + 1),
                                     row_int("rows", 1),
                                     row_int("bytes", 1),
                                     row_int("created_at", RIG_START)};
  struct problem problem;
  problem_clear(&problem);
  enum status status = fixture.port.insert(fixture.port.self, "datasets", values, (int)(sizeof values / sizeof values[0]), NULL, &problem);
  assert_int_equal(status, STATUS_OK);
}

static int open_fixture(void **state) {
  (void)state;
  market_fixture_open(&fixture);
  market_fixture_archive(&fixture, 50);
  add_dataset();
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

/* Rates have filled up again: also routes that may be asked a few times a minute are asked as often as the sweep wants. */
static int ask(const char *method, const char *path, const char *body) {
  fixture.now_ns += 60 * INT64_C(1000000000);
  return market_fixture_ask(&fixture, method, path, body);
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

/* Names of objects that there are: of the first items of lists, or known ones. */
static const struct source {
  const char *start; /* the routes behind it */
  const char *list, *id;
} sources[] = {
    {"/api/trading/positions/", "/api/trading/positions?state=all&limit=1", "items.0.position_id"},
    {"/api/trading/orders/", "/api/trading/orders?state=all&limit=1", "items.0.client_order_id"},
    {"/api/trading/trades/", "/api/trading/trades?limit=1", "items.0.trade_id"},
    {"/api/monitoring/sessions/", "/api/monitoring/sessions?limit=1", "items.0.session_id"},
    {"/api/monitoring/checkpoints/", "/api/monitoring/sessions?limit=1", "items.0.session_id"},
    {"/api/metrics/metric/", NULL, "positions"},
    {"/api/scanner/history/", "/api/scanner/history?limit=1", "items.0.scan_id"},
    {"/api/scanner/market-data/", NULL, NULL},
    {"/api/decisions/why/", NULL, NULL},
    {"/api/decisions/", "/api/decisions?limit=1", "items.0.decision_id"},
    {"/api/charts/", NULL, NULL},
    {"/api/presets/", NULL, "breakout_v1"},
    {"/api/datasets/", "/api/datasets", "items.0.dataset_id"},
    {"/api/engine/operations/", NULL, "O000001"},
};

/* The path of a route with the name of something that there is; false for routes whose objects this fixture cannot have. */
static bool name_object(const struct route *route, char path[256]) {
  const char *symbol = engine_market(fixture.rig.engine, 0)->instrument.venue_symbol;
  for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
    const struct source *source = &sources[i];
    if (strncmp(route->path, source->start, strlen(source->start)) != 0) continue;
    if (source->list == NULL) {
      fill_path(route, source->id != NULL ? source->id : symbol, path, 256);
      return true;
    }
    assert_int_equal(market_fixture_get(&fixture, "%s", source->list), 200);
    if (market_fixture_count(&fixture, "items") == 0) fail_msg("%s is empty", source->list);
    fill_path(route, market_fixture_text(&fixture, source->id), path, 256);
    return true;
  }
  return false;
}

static void test_objects_fit_their_shapes(void **state) {
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    bool is_of_runs = strncmp(route->path, "/api/backtests/", 15) == 0; /* test_api_runs: they need workers */
    char path[256];
    if (!is_read(route) || strchr(route->path, '{') == NULL || is_of_runs) continue;
    if (!name_object(route, path)) fail_msg("%s has no object to be asked with", route->path);
    int status = market_fixture_get(&fixture, "%s", path);
    if (status != 200) fail_msg("GET %s answered %d: %s", path, status, fixture.reply.body.data);
    check_good(route);
  }
  assert_int_equal(misfits, 0);
}

/* Bodies that are good but for what the path names. */
static const char *good_body(const struct route *route) {
  static const struct {
    enum shape_id request;
    const char *body;
  } bodies[] = {
      {SHAPE_MOVE_STOP, "{\"price\":100}"},
      {SHAPE_SET_TARGETS, "{\"targets\":[{\"level_name\":\"TP1\",\"price\":100,\"size_pct\":0.5}]}"},
      {SHAPE_ADOPT, "{\"stop\":100,\"preset\":\"loose\"}"},
      {SHAPE_PRESET_CONFIG, "{\"config\":{}}"},
      {SHAPE_ALERT_RULE_CHANGE, "{\"name\":\"x\",\"metric\":\"equity_usd\",\"comparator\":\">\",\"threshold\":1,\"severity\":\"info\"}"},
  };
  for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
    if (bodies[i].request == route->request) return bodies[i].body;
  }
  return "{}";
}

/* Another object of every kind: nothing is done, and the answer says that there is none. */
static void test_unknown_ids(void **state) {
  static const char *const words[] = {"no-such-thing", "..%2f..%2fx", "P99999999", "-1", "99999999999999999999", "%27%20OR%201=1", "%F0%9F%98%80"};
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    char path[256];
    if (strchr(route->path, '{') == NULL) continue;
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
      fill_path(route, words[k], path, sizeof path);
      int status = ask(route->method, path, is_read(route) ? NULL : good_body(route));
      if (status != 404) fail_msg("%s %s answered %d: %s", route->method, path, status, fixture.reply.body.data);
      expect_problem(route, 404);
    }
  }
}

/* Does the table have the method at the path? */
static bool has_method(const char *path, const char *method) {
  for (int i = 0; i < api_route_count; i++) {
    if (text_equal(api_routes[i].path, path) && text_equal(api_routes[i].method, method)) return true;
  }
  return false;
}

/* A path that only this text of the table fits: another one with a {name} may have more methods. */
static bool is_alone(const struct route *route) {
  const char *last = strrchr(route->path, '/');
  for (int i = 0; i < api_route_count; i++) {
    const char *other = strrchr(api_routes[i].path, '/');
    bool is_near = last - route->path == other - api_routes[i].path && strncmp(route->path, api_routes[i].path, (size_t)(last - route->path)) == 0;
    if (is_near && !text_equal(route->path, api_routes[i].path) && (other[1] == '{' || last[1] == '{')) return false;
  }
  return true;
}

static void test_wrong_methods(void **state) {
  static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "get"};
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    char path[256];
    fill_path(route, "x", path, sizeof path);
    for (size_t k = 0; k < sizeof methods / sizeof methods[0]; k++) {
      if (!is_alone(route) && k < 5) continue;
      if (has_method(route->path, methods[k])) continue;
      int status = ask(methods[k], path, NULL);
      if (status != 405) fail_msg("%s %s answered %d", methods[k], path, status);
      expect_problem(route, 405);
      for (size_t m = 0; m < 5 && is_alone(route); m++) {
        bool is_listed = strstr(fixture.reply.allow, methods[m]) != NULL;
        if (is_listed != has_method(route->path, methods[m])) fail_msg("%s: Allow: %s", path, fixture.reply.allow);
      }
      assert_non_null(strstr(fixture.reply.allow, route->method));
    }
  }
}

static void test_broken_bodies(void **state) {
  static const struct {
    const char *body;
    int status;
  } bodies[] = {{"{\"a\":", 400}, {"nonsense", 400}, {"{} {}", 400}, {"{\"no_such_member\":1}", 422}, {"[1]", 422}, {"null", 422}, {"7", 422}};
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    char path[256];
    if (is_read(route)) continue;
    fill_path(route, "x", path, sizeof path);
    for (size_t k = 0; k < sizeof bodies / sizeof bodies[0]; k++) {
      int status = ask(route->method, path, bodies[k].body);
      if (status != bodies[k].status) fail_msg("%s %s answered %d to %s", route->method, path, status, bodies[k].body);
      expect_problem(route, status);
    }
  }
}

/* Is the member among what the problem lists? */
static bool names_member(const char *name) {
  for (int32_t i = 0; i < market_fixture_count(&fixture, "errors"); i++) {
    char path[32];
    snprintf(path, sizeof path, "errors.%d.path", (int)i);
    if (strstr(market_fixture_text(&fixture, path), name) != NULL) return true;
  }
  return false;
}

/* A value that is of another type than any member of that type. */
static const char *wrong_value(enum shape_type type) {
  bool is_list = type == SHAPE_ARRAY || type == SHAPE_OBJECT || type == SHAPE_MAP;
  return is_list ? "\"text\"" : "[{}]";
}

/* Each member of each body in turn: of another type, and null where it is needed. All errors are told at once, so that the others may be missing. */
static void test_wrong_types(void **state) {
  (void)state;
  int tried = 0;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    char path[256];
    if (is_read(route)) continue;
    fill_path(route, "x", path, sizeof path);
    for (const struct shape_member *member = shape_table[route->request].members; member->name != NULL; member++) {
      if (!shape_is_member(member) || member->type == SHAPE_ANY) continue;
      for (int k = 0; k < (member->is_optional ? 1 : 2); k++) {
        char body[256];
        snprintf(body, sizeof body, "{\"%s\":%s}", member->name, k == 0 ? wrong_value(member->type) : "null");
        int status = ask(route->method, path, body);
        if (status != 422 || !names_member(member->name))
          fail_msg("%s %s answered %d to %s: %s", route->method, path, status, body, fixture.reply.body.data);
        expect_problem(route, 422);
        ++tried;
      }
    }
  }
  assert_true(tried > 60);
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
  fixture.now_ns += 60 * INT64_C(1000000000);
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
      if (status != 403) fail_msg("%s %s answered %d to a %s", route->method, route->path, status, roles[k]);
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
      cmocka_unit_test(test_wrong_types),
      cmocka_unit_test(test_unknown_arguments),
      cmocka_unit_test(test_roles),
      cmocka_unit_test(test_document),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
