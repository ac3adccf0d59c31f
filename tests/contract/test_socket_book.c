/* The live feed of a market with a book and a tape: walls that come, are eaten and go, and how alive the tape is, over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/feed/feed_state.h"
#include "core/market/capability.h"
#include "support/shape_check.h"
#include "support/web_fixture.h"

enum { LEVELS = 45, CALM_S = 40, WALL_LEVEL = 20 };

static struct rig rig;
static struct socket_client client;
static int64_t seq, now;

/* A calm book around 100 with a level every 0.01, one of 100 USD each; of one bid the quantity is the test's. */
static void send_book(double wall_qty) {
  struct book_level bids[LEVELS];
  struct book_level asks[LEVELS];
  for (int i = 0; i < LEVELS; i++) {
    bids[i] = (struct book_level){decimal_from_double(99.99 - 0.01 * i), decimal_from_double(i == WALL_LEVEL ? wall_qty : 1)};
    asks[i] = (struct book_level){decimal_from_double(100.01 + 0.01 * i), DECIMAL_ONE};
  }
  ++seq;
  rig_market(&rig, (struct event){.ts = now,
                                  .kind = EVENT_BOOK,
                                  .book = {.is_snapshot = true,
                                           .first_seq = seq,
                                           .last_seq = seq,
                                           .prev_seq = -1,
                                           .bids_count = LEVELS,
                                           .bids = bids,
                                           .asks_count = LEVELS,
                                           .asks = asks}});
}

static void send_trade(double price, double qty, bool is_buy) {
  struct public_trade trade = {.ts = now, .price = decimal_from_double(price), .qty = decimal_from_double(qty), .is_buy = is_buy};
  rig_market(&rig, (struct event){.ts = now, .kind = EVENT_PUBLIC_TRADES, .public_trades = {.trades_count = 1, .trades = &trade}});
}

/* A second of the market and of the server. */
static void pass_second(double wall_qty) {
  now += 1000;
  send_book(wall_qty);
  send_trade(100.01, 0.1, true);
  rig_tick(&rig, now, false);
  web_pass_s(1);
  web_turn(NULL);
}

static int open_all(void **state) {
  (void)state;
  struct rig_options options = rig_options();
  struct preset preset;
  options.capabilities = CAPABILITY_BOOK | CAPABILITY_TRADES;
  rig_open(&rig, &options);
  rig_load_loose(&preset);
  rig_use(&rig, &preset);
  now = RIG_START;
  if (web_open_over(&rig)) return 1;
  struct socket_world world = web_sockets();
  if (socket_client_open(&client, &world, "/ws", "") != 101 || !socket_client_wait(&client, &world, "HELLO")) return 1;
  socket_client_say(&client, &world, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"density\",\"activity\"],\"symbols\":[\"AAAUSDT\"]}}");
  return !socket_client_wait(&client, &world, "SUBSCRIBED");
}

static int close_all(void **state) {
  (void)state;
  socket_client_close(&client);
  (void)web_close(NULL);
  rig_close(&rig);
  return 0;
}

/* The data of the next message of a type, as its shape says. The caller frees it. */
static struct json *take(const char *type, enum shape_id shape) {
  struct socket_world world = web_sockets();
  struct problem problem;
  problem_clear(&problem);
  assert_true(socket_client_wait(&client, &world, type));
  struct json *message = json_parse(client.text.data, client.text.length, JSON_STRICT, "message", &problem);
  assert_non_null(message);
  if (!shape_check(shape, json_member(message, "data"), &problem)) {
    problem_print(&problem, stderr);
    fail_msg("%s", client.text.data);
  }
  return message;
}

static void expect_wall(const char *event) {
  struct json *message = take("DENSITY_UPDATE", SHAPE_FEED_DENSITY);
  const struct json *data = json_member(message, "data");
  const struct json *wall = json_member(data, "wall");
  assert_string_equal(json_string(json_member(data, "event")), event);
  assert_string_equal(json_string(json_member(wall, "symbol")), "AAA/USDT:USDT");
  assert_string_equal(json_string(json_member(wall, "side")), "bid");
  assert_true(json_number(json_member(wall, "price")) > 99.7 && json_number(json_member(wall, "price")) < 99.85);
  json_free(message);
}

static void walls_are_told(void **state) {
  (void)state;
  for (int i = 0; i < CALM_S; i++) pass_second(1);
  pass_second(500);
  expect_wall("wall_detected");
  pass_second(500);
  /* Sellers take all of it: what is left is a level like others. */
  send_trade(99.79, 499, false);
  pass_second(1);
  expect_wall("wall_eaten");
  pass_second(500);
  expect_wall("wall_detected");
  pass_second(500);
  pass_second(1); /* nobody traded: it was taken back */
  expect_wall("wall_removed");
}

static void activity_is_told_every_second(void **state) {
  (void)state;
  struct json *message = take("ACTIVITY", SHAPE_ACTIVITY);
  json_free(message);
  int64_t told = 0;
  for (int i = 0; i < 5; i++) {
    pass_second(1);
    message = take("ACTIVITY", SHAPE_ACTIVITY);
    const struct json *data = json_member(message, "data");
    assert_string_equal(json_string(json_member(data, "symbol")), "AAA/USDT:USDT");
    assert_true(json_number(json_member(data, "tpm_10s")) > 0);
    int64_t ts = json_int(json_member(data, "ts"));
    assert_true(ts > told);
    told = ts;
    json_free(message);
  }
}

static void the_same_can_be_asked(void **state) {
  (void)state;
  assert_int_equal(web_get("/api/features/density?symbol=AAAUSDT"), 200);
  struct json *body = web_parse();
  assert_int_equal(json_size(json_member(body, "bids")) > 10, 1);
  json_free(body);
  assert_int_equal(web_get("/api/features/activity?symbol=AAAUSDT"), 200);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(walls_are_told),
      cmocka_unit_test(activity_is_told_every_second),
      cmocka_unit_test(the_same_can_be_asked),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
