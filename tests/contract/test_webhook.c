/* Alerts on their way out: the adapter posts to a real HTTP server of the test, which answers by script; then the API with a rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <time.h>

#include "adapters/clock/system_clock.h"
#include "adapters/http/http.h"
#include "adapters/notify/webhook.h"
#include "base/text.h"
#include "support/market_fixture.h"

enum { POSTS_MAX = 128, ROUNDS_MAX = 10000 };

static struct {
  struct http_server *server;
  struct webhook *webhook;
  struct webhook_port port;
  int statuses[8]; /* of the answers, one after another; then 204 */
  int posts;
  char keys[POSTS_MAX][64], types[POSTS_MAX][64], bodies[POSTS_MAX][2048];
  struct webhook_result results[POSTS_MAX];
  int result_count;
} world;

static void on_request(void *context, const struct http_request *request, struct http_reply *reply) {
  (void)context;
  const char *key = http_header(request, "Idempotency-Key");
  assert_true(world.posts < POSTS_MAX);
  assert_string_equal(request->method, "POST");
  assert_string_equal(request->target, "/hook?key=s3cret");
  text_copy(world.keys[world.posts], 64, key != NULL ? key : "");
  text_copy(world.types[world.posts], 64, request->content_type != NULL ? request->content_type : "");
  text_copy(world.bodies[world.posts], 2048, request->body);
  int status = world.posts < 8 && world.statuses[world.posts] != 0 ? world.statuses[world.posts] : 204;
  ++world.posts;
  if (status == 302) assert_true(http_reply_add(reply, "Location", "/elsewhere"));
  reply->status = status;
}

static void on_gone(void *context, const struct http_reply *reply) {
  (void)context;
  (void)reply;
}

static void on_done(void *context, const struct http_request *request, const struct http_reply *reply) {
  (void)context;
  (void)request;
  (void)reply;
}

static int open_world(void **state) {
  (void)state;
  memset(&world, 0, sizeof world);
  const struct http_options http = {.host = "127.0.0.1",
                                    .body_limit = 65536,
                                    .clock = system_clock(),
                                    .handler = {.on_request = on_request, .on_gone = on_gone, .on_done = on_done}};
  struct problem problem;
  char url[128];
  problem_clear(&problem);
  if (http_server_open(&world.server, &http, &problem)) return 1;
  snprintf(url, sizeof url, "http://127.0.0.1:%d/hook?key=s3cret", http_server_port(world.server));
  const struct webhook_options options = {.url = url, .attempts = 3, .first_pause_ms = 1, .timeout_ms = 5000};
  if (webhook_open(&world.webhook, &options, &problem)) return 1;
  webhook_port(world.webhook, &world.port);
  return 0;
}

static int close_world(void **state) {
  (void)state;
  webhook_close(world.webhook);
  http_server_close(world.server);
  return 0;
}

static void turn(void) {
  http_server_run(world.server);
  http_server_flush(world.server);
  nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Until so many messages have ended. */
static void await_results(int count) {
  for (int i = 0; i < ROUNDS_MAX && world.result_count < count; i++) {
    turn();
    while (world.port.take(world.port.self, &world.results[world.result_count])) ++world.result_count;
  }
  assert_int_equal(world.result_count, count);
}

static void await_posts(int count) {
  for (int i = 0; i < ROUNDS_MAX && world.posts < count; i++) turn();
  assert_int_equal(world.posts, count);
}

static bool send_text(const char *id, const char *body) {
  return world.port.send(world.port.self, id, body, strlen(body));
}

/* ---- the adapter ---- */

static void a_message_is_posted_as_json(void **state) {
  (void)state;
  assert_true(send_text("A1-firing", "{\"a\":1}"));
  await_results(1);
  assert_true(world.results[0].is_delivered);
  assert_string_equal(world.results[0].id, "A1-firing");
  assert_string_equal(world.bodies[0], "{\"a\":1}");
  assert_string_equal(world.types[0], "application/json");
  assert_string_equal(world.keys[0], "A1-firing");
}

/* The receiver can tell repetitions by the same key. */
static void what_may_pass_is_tried_again(void **state) {
  (void)state;
  world.statuses[0] = 500;
  world.statuses[1] = 429;
  assert_true(send_text("A2-firing", "{}"));
  await_results(1);
  assert_true(world.results[0].is_delivered);
  assert_int_equal(world.posts, 3);
  for (int i = 0; i < 3; i++) assert_string_equal(world.keys[i], "A2-firing");
}

static void what_never_passes_is_given_up(void **state) {
  (void)state;
  world.statuses[0] = world.statuses[1] = world.statuses[2] = 503;
  world.statuses[3] = 403;
  world.statuses[4] = 302;
  assert_true(send_text("A3", "{}") && send_text("A4", "{}") && send_text("A5", "{}") && send_text("A6", "{}"));
  await_results(4);
  assert_false(world.results[0].is_delivered); /* after three attempts */
  assert_string_equal(world.results[0].detail, "the receiver answered 503");
  assert_false(world.results[1].is_delivered); /* at once */
  assert_false(world.results[2].is_delivered); /* a redirect is not followed */
  assert_string_equal(world.results[2].detail, "the receiver answered 302");
  assert_true(world.results[3].is_delivered);
  assert_int_equal(world.posts, 6);
}

static void too_many_are_refused(void **state) {
  (void)state;
  int taken = 0;
  while (taken < 2 * WEBHOOK_QUEUE_MAX && send_text("A7", "{}")) ++taken;
  assert_in_range(taken, WEBHOOK_QUEUE_MAX, WEBHOOK_QUEUE_MAX + 1); /* one may be under way */
}

static void bad_addresses_are_refused(void **state) {
  static const char *const urls[] = {"", "ftp://example.org", "file:///etc/passwd", "example.org"};
  (void)state;
  for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
    const struct webhook_options options = {.url = urls[i]};
    struct webhook *webhook = NULL;
    struct problem problem;
    problem_clear(&problem);
    assert_int_equal(webhook_open(&webhook, &options, &problem), STATUS_BAD_CONFIG);
  }
  const struct webhook_options nobody = {.url = "http://127.0.0.1:1/", .attempts = 2, .first_pause_ms = 1};
  struct webhook *webhook = NULL;
  struct webhook_port port;
  struct webhook_result result = {.is_delivered = true};
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(webhook_open(&webhook, &nobody, &problem), STATUS_OK);
  webhook_port(webhook, &port);
  assert_true(port.send(port.self, "A8", "{}", 2));
  for (int i = 0; i < ROUNDS_MAX && result.is_delivered; i++) {
    turn();
    (void)port.take(port.self, &result);
  }
  assert_false(result.is_delivered);
  assert_string_equal(result.id, "A8");
  webhook_close(webhook);
}

/* ---- the API ---- */

static const char *member(const char *body, const char *part) {
  return strstr(body, part) != NULL ? part : body; /* the body is shown when it differs */
}

static void expect_part(int post, const char *part) {
  assert_string_equal(member(world.bodies[post], part), part);
}

static void rules_with_the_channel_are_posted(void **state) {
  static struct market_fixture fixture;
  char target[64];
  (void)state;
  market_fixture_open(&fixture);
  static const char rich[] =
      "{\"name\":\"rich\",\"metric\":\"equity_usd\",\"comparator\":\">\",\"threshold\":1,\"severity\":\"info\",\"channels\":[\"webhook\"]}";
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/alerts/rules", rich), 422); /* there is none */
  fixture.webhook = &world.port;
  market_fixture_restart(&fixture, 0);
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/alerts/rules", rich), 200);
  assert_string_equal(market_fixture_text(&fixture, "channels.1"), "webhook");
  snprintf(target, sizeof target, "/api/alerts/rules/%s", market_fixture_text(&fixture, "rule_id"));
  api_turn(fixture.api);
  await_posts(1);
  expect_part(0, "\"event\":\"firing\"");
  expect_part(0, "\"name\":\"rich\"");
  expect_part(0, "\"text\":\"rich (info): firing ");
  assert_int_equal(market_fixture_ask(&fixture, "DELETE", target, "{}"), 200); /* what it raised is over */
  await_posts(2);
  expect_part(1, "\"event\":\"resolved\"");
  /* A test sends one. */
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/alerts/rules", rich), 200);
  snprintf(target, sizeof target, "/api/alerts/rules/%s/test", market_fixture_text(&fixture, "rule_id"));
  assert_int_equal(market_fixture_ask(&fixture, "POST", target, "{}"), 200);
  await_posts(3);
  expect_part(2, "\"event\":\"test\"");
  market_fixture_close(&fixture);
}

/* What cannot be told by the webhook is an alert in the interface, until it can. */
static void a_failed_post_is_an_alert(void **state) {
  static struct market_fixture fixture;
  (void)state;
  world.statuses[0] = 400;
  market_fixture_open(&fixture);
  fixture.webhook = &world.port;
  market_fixture_restart(&fixture, 0);
  static const char rich[] =
      "{\"name\":\"rich\",\"metric\":\"equity_usd\",\"comparator\":\">\",\"threshold\":1,\"severity\":\"info\",\"channels\":[\"ui\",\"webhook\"]}";
  char target[64];
  assert_int_equal(market_fixture_ask(&fixture, "POST", "/api/alerts/rules", rich), 200);
  snprintf(target, sizeof target, "/api/alerts/rules/%s/test", market_fixture_text(&fixture, "rule_id"));
  assert_int_equal(market_fixture_ask(&fixture, "POST", target, "{}"), 200);
  bool has_failed = false;
  for (int i = 0; i < ROUNDS_MAX && !has_failed; i++) {
    turn();
    fixture.now_ns += 1000000000; /* the API looks once a second */
    api_turn(fixture.api);
    assert_int_equal(market_fixture_get(&fixture, "/api/alerts?state=firing&severity=warning"), 200);
    has_failed = market_fixture_count(&fixture, "items") > 0;
  }
  assert_string_equal(market_fixture_text(&fixture, "items.0.name"), "webhook_failed");
  assert_non_null(strstr(market_fixture_text(&fixture, "items.0.message"), "the receiver answered 400"));
  assert_null(strstr(market_fixture_text(&fixture, "items.0.message"), "s3cret"));
  for (int i = 0; i < ROUNDS_MAX && has_failed; i++) {
    turn();
    fixture.now_ns += 1000000000;
    api_turn(fixture.api);
    assert_int_equal(market_fixture_get(&fixture, "/api/alerts?state=firing&severity=warning"), 200);
    has_failed = market_fixture_count(&fixture, "items") > 0;
  }
  assert_false(has_failed); /* the rule's own alert was delivered */
  market_fixture_close(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_message_is_posted_as_json, open_world, close_world),
      cmocka_unit_test_setup_teardown(what_may_pass_is_tried_again, open_world, close_world),
      cmocka_unit_test_setup_teardown(what_never_passes_is_given_up, open_world, close_world),
      cmocka_unit_test_setup_teardown(too_many_are_refused, open_world, close_world),
      cmocka_unit_test_setup_teardown(bad_addresses_are_refused, open_world, close_world),
      cmocka_unit_test_setup_teardown(rules_with_the_channel_are_posted, open_world, close_world),
      cmocka_unit_test_setup_teardown(a_failed_post_is_an_alert, open_world, close_world),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
