/* A recording in rounds: times go on, the market stays the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "adapters/source/looped_feed.h"
#include "base/calendar.h"

enum { CANDLES = 5 };
#define FROM (INT64_C(1700000000000) - INT64_C(1700000000000) % MINUTE_MS)

/* A feed of five minutes with a funding rate and one trade at the end. */
struct small_feed {
  int at;
  struct public_trade trade;
};

static int64_t ts_of(int at) {
  return FROM + (at < CANDLES ? at : CANDLES - 1) * MINUTE_MS;
}

static enum status small_next(void *context, struct event *out, struct problem *problem) {
  (void)problem;
  struct small_feed *self = context;
  if (self->at == CANDLES + 2) return STATUS_END;
  int at = self->at++;
  *out = (struct event){.ts = ts_of(at), .kind = EVENT_CANDLE, .candle = {.open_ts = ts_of(at) - MINUTE_MS, .close = at}};
  if (at == CANDLES)
    *out = (struct event){.ts = ts_of(at), .kind = EVENT_FUNDING_RATE, .funding_rate = {.rate = 0.01, .next_funding_at = ts_of(at) + HOUR_MS}};
  if (at == CANDLES + 1) {
    self->trade = (struct public_trade){.ts = ts_of(at), .price = 7};
    *out = (struct event){.ts = ts_of(at), .kind = EVENT_PUBLIC_TRADES, .public_trades = {.trades_count = 1, .trades = &self->trade}};
  }
  return STATUS_OK;
}

static int64_t small_next_ts(void *context) {
  struct small_feed *self = context;
  return self->at == CANDLES + 2 ? INT64_MAX : ts_of(self->at);
}

static enum status small_seek(void *context, int64_t after, struct problem *problem) {
  (void)problem;
  struct small_feed *self = context;
  for (self->at = 0; self->at < CANDLES + 2 && ts_of(self->at) <= after;) ++self->at;
  return STATUS_OK;
}

struct fixture {
  struct small_feed small;
  struct feed inner, feed;
  struct looped_feed looped;
};

static void open_feed(struct fixture *fixture) {
  *fixture = (struct fixture){.inner = {.name = "small", .next = small_next, .next_ts = small_next_ts, .seek = small_seek}};
  fixture->inner.self = &fixture->small;
  looped_feed_init(&fixture->looped, &fixture->inner, FROM, ts_of(CANDLES), &fixture->feed);
}

static void rounds_differ_by_whole_days(void **state) {
  (void)state;
  struct fixture fixture;
  open_feed(&fixture);
  int64_t last = 0;
  for (int64_t round = 0; round < 3; round++) {
    struct event event;
    assert_int_equal(looped_feed_begin(&fixture.looped, round, NULL), STATUS_OK);
    assert_int_equal(looped_feed_shift(&fixture.looped), round * DAY_MS);
    for (int i = 0; i < CANDLES; i++) {
      assert_int_equal(fixture.feed.next_ts(fixture.feed.self), ts_of(i) + round * DAY_MS);
      assert_int_equal(fixture.feed.next(fixture.feed.self, &event, NULL), STATUS_OK);
      assert_int_equal(event.ts, ts_of(i) + round * DAY_MS);
      assert_int_equal(event.candle.open_ts, event.ts - MINUTE_MS);
      assert_float_equal(event.candle.close, i, 0); /* the market itself is the same */
      assert_true(event.ts > last);
      last = event.ts;
    }
    assert_int_equal(fixture.feed.next(fixture.feed.self, &event, NULL), STATUS_OK);
    assert_int_equal(event.funding_rate.next_funding_at, event.ts + HOUR_MS);
    assert_int_equal(fixture.feed.next(fixture.feed.self, &event, NULL), STATUS_OK);
    assert_int_equal(event.public_trades.trades[0].ts, event.ts);
    assert_int_equal(event.public_trades.trades[0].price, 7);
    assert_int_equal(fixture.small.trade.ts, ts_of(CANDLES + 1)); /* the original is not touched */
    assert_int_equal(fixture.feed.next(fixture.feed.self, &event, NULL), STATUS_END);
    assert_int_equal(fixture.feed.next_ts(fixture.feed.self), INT64_MAX);
  }
  looped_feed_deinit(&fixture.looped);
}

/* A restart knows the event time only: the round follows from it. */
static void a_seek_finds_its_round(void **state) {
  (void)state;
  struct fixture fixture;
  open_feed(&fixture);
  int64_t after = ts_of(2) + 7 * DAY_MS;
  assert_int_equal(looped_feed_round_of(&fixture.looped, after), 7);
  assert_int_equal(looped_feed_round_of(&fixture.looped, FROM - 1), 0);
  assert_int_equal(fixture.feed.seek(fixture.feed.self, after, NULL), STATUS_OK);
  assert_int_equal(fixture.feed.next_ts(fixture.feed.self), ts_of(3) + 7 * DAY_MS);
  looped_feed_deinit(&fixture.looped);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rounds_differ_by_whole_days), cmocka_unit_test(a_seek_finds_its_round)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
