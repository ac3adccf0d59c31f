/* What every venue must hold, tried on the paper venue with 1 000 random markets and random orders: candles and books, both paths, with and without
 * latency.
 * - V01 the first answer to an order is an acknowledgement or a rejection, and there is one of them
 * - V02 answers never go back in time
 * - V03 fills of an order never exceed its quantity, and none comes after its end
 * - V04 a fill is never beyond the order's limit
 * - V05 a fill id is used once; ids rise
 * - V06 reduce-only never enlarges or flips a position
 * - V07 sum of signed fills = position
 * - V08 cash + unrealised = equity, and both equal an independent sum over the answers
 * - V09 the list of open orders is the list of orders that were acknowledged and have not ended
 * - V10 the same seed gives the same answers */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/random.h"
#include "base/text.h"
#include "core/market/capability.h"
#include "support/sim_fixture.h"

enum { MARKETS = 1000, STEPS = 40, SYMBOLS = 2, ORDERS_MAX = 256, LEVELS = 6 };

struct sent_order {
  struct order order;
  int32_t symbol;
  int64_t qty_max; /* largest quantity it ever had */
  bool is_acked, is_rejected, is_ended;
  int64_t filled;
};

struct world {
  struct random random;
  struct sent_order orders[ORDERS_MAX];
  int32_t order_count;
  double price[SYMBOLS];
  int64_t held[SYMBOLS];
  char last_fill[ORDER_ID_MAX];
  int64_t book_seq;
  int32_t seen; /* events of the fixture already judged */
  bool replies;
};

static struct sim_fixture fixture;
static struct world world;

static double between(double low, double high) {
  return low + (high - low) * random_unit(&world.random);
}

static bool chance(double share) {
  return random_unit(&world.random) < share;
}

static double on_tick(double price) {
  return floor(price * 10 + 0.5) / 10;
}

/* ---- the judge ---- */

static struct sent_order *find_sent(const char *id) {
  for (int32_t i = 0; i < world.order_count; i++) {
    if (text_equal(world.orders[i].order.client_order_id, id)) return &world.orders[i];
  }
  fail_msg("an answer about an order that was never sent: %s", id);
  return NULL;
}

static void judge_fill(const struct event_fill *fill) {
  struct sent_order *sent = find_sent(fill->client_order_id);
  assert_true(sent->is_acked && !sent->is_ended);
  sent->filled += fill->qty;
  assert_true(fill->qty > 0 && sent->filled <= sent->qty_max);
  assert_int_equal(fill->side, sent->order.side);
  if (sent->order.price != DECIMAL_NULL) {
    assert_true(fill->side == ORDER_BUY ? fill->price <= sent->order.price : fill->price >= sent->order.price);
  }
  assert_true(strcmp(fill->venue_fill_id, world.last_fill) > 0);
  text_copy(world.last_fill, sizeof world.last_fill, fill->venue_fill_id);
  int64_t before = world.held[fill->symbol];
  int64_t after = before + (fill->side == ORDER_BUY ? fill->qty : -fill->qty);
  if (sent->order.reduce_only) {
    assert_true(before > 0 ? fill->side == ORDER_SELL && after >= 0 : fill->side == ORDER_BUY && after <= 0);
    assert_true(before != 0);
  }
  world.held[fill->symbol] = after;
  if (sent->filled == sent->order.qty) sent->is_ended = true;
}

static void judge_update(const struct event_order_update *update) {
  if (update->change == CHANGE_AMEND_REFUSED) return;
  struct sent_order *sent = find_sent(update->client_order_id);
  assert_true(sent->is_acked && !sent->is_ended);
  assert_int_equal(update->filled_qty, sent->filled);
  if (update->change == CHANGE_CANCELLED) sent->is_ended = true;
  if (update->change == CHANGE_AMENDED) {
    sent->order.qty = update->qty;
    sent->order.price = update->price;
    sent->order.trigger_price = update->trigger_price;
    if (update->qty > sent->qty_max) sent->qty_max = update->qty;
  }
}

static void judge(const struct event *event) {
  switch (event->kind) {
    case EVENT_ORDER_ACK: {
      struct sent_order *sent = find_sent(event->order_ack.client_order_id);
      assert_false(sent->is_acked || sent->is_rejected);
      sent->is_acked = true;
      return;
    }
    case EVENT_ORDER_REJECT: {
      if (event->order_reject.kind == REJECT_NOT_FOUND) return;
      struct sent_order *sent = find_sent(event->order_reject.client_order_id);
      assert_false(sent->is_acked || sent->is_rejected);
      sent->is_rejected = sent->is_ended = true;
      return;
    }
    case EVENT_FILL:
      judge_fill(&event->fill);
      return;
    case EVENT_ORDER_UPDATE:
      judge_update(&event->order_update);
      return;
    case EVENT_LIQUIDATION:
      world.held[event->liquidation.symbol] = 0;
      return;
    default:
      return;
  }
}

/* ---- random requests ---- */

static void send_random_order(struct sim_fixture *f) {
  if (world.order_count == ORDERS_MAX) return;
  int32_t symbol = (int32_t)random_below(&world.random, SYMBOLS);
  enum order_type type = (enum order_type)random_below(&world.random, order_type_count);
  double near = on_tick(world.price[symbol] * between(0.97, 1.03));
  enum order_side side = chance(0.5) ? ORDER_BUY : ORDER_SELL;
  struct order order = fixture_order(side, type, floor(between(1, 3000)) / 100, near);
  order.reduce_only = chance(0.4);
  order.post_only = type == ORDER_LIMIT && chance(0.2);
  if (type == ORDER_LIMIT) order.time_in_force = (int32_t)random_below(&world.random, time_in_force_count);
  if (order.post_only) order.time_in_force = TIF_GTC;
  if (chance(0.02)) order.qty += 1; /* not a lot */
  order_make_client_id(order.client_order_id, "RANDOM", world.order_count + 1, LEG_MANUAL, 0, 0);
  world.orders[world.order_count++] = (struct sent_order){.order = order, .symbol = symbol, .qty_max = order.qty};
  fixture_send(f, symbol, order);
}

static void change_random_order(struct sim_fixture *f) {
  if (world.order_count == 0) return;
  const struct sent_order *sent = &world.orders[random_below(&world.random, (uint64_t)world.order_count)];
  double near = on_tick(world.price[sent->symbol] * between(0.97, 1.03));
  if (chance(0.4)) {
    fixture_cancel(f, sent->symbol, sent->order.client_order_id);
  } else {
    fixture_amend(f, sent->symbol, sent->order.client_order_id, floor(between(1, 3000)) / 100, near, near);
  }
}

static void request_something(struct sim_fixture *f) {
  if (chance(0.7)) send_random_order(f);
  if (chance(0.3)) change_random_order(f);
  int32_t symbol = (int32_t)random_below(&world.random, SYMBOLS);
  if (chance(0.05)) fixture_leverage(f, symbol, floor(between(1, 20)));
}

static void on_answer(struct sim_fixture *f, const struct event *event) {
  struct event copy = *event; /* its place may be used again when the answer sends */
  judge(&copy);
  if (world.replies && copy.kind == EVENT_FILL && chance(0.5)) request_something(f);
}

/* ---- random markets ---- */

static void candle(struct sim_fixture *f) {
  double open = on_tick(world.price[0] * between(0.98, 1.02));
  double close = on_tick(open * between(0.98, 1.02));
  double high = on_tick(fmax(open, close) * between(1, 1.02));
  double low = on_tick(fmin(open, close) * between(0.98, 1));
  world.price[0] = close;
  double volume = chance(0.1) ? 0 : floor(between(1, 500));
  double turnover = between(0, 50000);
  fixture_candle_with(f, 0, open, high, low, close, volume, turnover, on_answer);
}

static void market(struct sim_fixture *f, struct event event) {
  event.ts = f->now;
  f->venue.on_market(f->venue.self, &event);
  fixture_poll(f, on_answer);
}

static void book(struct sim_fixture *f) {
  struct book_level bids[LEVELS];
  struct book_level asks[LEVELS];
  for (int i = 0; i < LEVELS; i++) {
    bids[i].price = decimal_from_double(on_tick(world.price[1] - 0.1 * (i + 1)));
    bids[i].qty = decimal_from_double(floor(between(0, 2000)) / 100);
    asks[i].price = decimal_from_double(on_tick(world.price[1] + 0.1 * (i + 1)));
    asks[i].qty = decimal_from_double(floor(between(0, 2000)) / 100);
  }
  world.book_seq++;
  market(f, (struct event){.kind = EVENT_BOOK,
                           .book = {.symbol = 1,
                                    .is_snapshot = true,
                                    .first_seq = world.book_seq,
                                    .last_seq = world.book_seq,
                                    .prev_seq = -1,
                                    .bids_count = LEVELS,
                                    .bids = bids,
                                    .asks_count = LEVELS,
                                    .asks = asks}});
}

static void live_market(struct sim_fixture *f) {
  for (int k = 0; k < 5; k++) {
    f->now += 1 + (int64_t)random_below(&world.random, 80);
    world.price[1] = on_tick(world.price[1] * between(0.985, 1.015));
    if (chance(0.6)) book(f);
    struct public_trade trade = {f->now, decimal_from_double(world.price[1]), decimal_from_double(floor(between(1, 1500)) / 100), true};
    market(f, (struct event){.kind = EVENT_PUBLIC_TRADES, .public_trades = {.symbol = 1, .trades_count = 1, .trades = &trade}});
  }
  f->now = (f->now / MINUTE + 1) * MINUTE;
}

static void funding(struct sim_fixture *f) {
  int32_t symbol = (int32_t)random_below(&world.random, SYMBOLS);
  market(f, (struct event){.kind = EVENT_FUNDING_RATE,
                           .funding_rate = {.symbol = symbol, .rate = between(-0.001, 0.001), .next_funding_at = f->now + 2 * MINUTE}});
}

/* ---- the run ---- */

static void check_open_orders(struct sim_fixture *f) {
  int32_t expected = 0;
  for (int32_t i = 0; i < world.order_count; i++) expected += world.orders[i].is_acked && !world.orders[i].is_ended;
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(account.live_orders, expected);
  fixture_query(f, QUERY_ORDERS, "", 0);
  f->now += f->sim.options.latency_ms;
  struct event event;
  while (f->venue.poll(f->venue.self, f->now, &event)) {
    if (event.kind != EVENT_QUERY_RESULT) continue;
    assert_int_equal(event.query_result.orders_count, expected);
    for (int32_t i = 0; i < expected; i++) assert_false(find_sent(event.query_result.orders[i].client_order_id)->is_ended);
  }
  f->now = (f->now + MINUTE - 1) / MINUTE * MINUTE;
}

static void settle_requests(struct sim_fixture *f) {
  f->now += f->sim.options.latency_ms;
  fixture_poll(f, on_answer);
  f->now = (f->now + MINUTE - 1) / MINUTE * MINUTE;
}

static void run_market(uint64_t seed, struct digest *digest) {
  struct sim_fixture *f = &fixture;
  world = (struct world){.price = {100, 100}, .book_seq = 1};
  random_init(&world.random, seed);
  struct sim_options options = fixture_options();
  options.max_participation = chance(0.5) ? 0.1 : 1;
  options.slippage_bps = between(0, 20);
  options.impact_bps = between(0, 40);
  options.path = chance(0.5) ? SIM_PATH_ADVERSE : SIM_PATH_FAVOURABLE;
  options.latency_ms = chance(0.5) ? 50 : 0;
  options.starting_balance = decimal_from_double(floor(between(500, 100000)));
  fixture_open(f, &options);
  world.replies = true;
  fixture_announce(f, 0, CAPABILITY_CANDLES_1M);
  fixture_announce(f, 1, CAPABILITY_BOOK | CAPABILITY_TRADES);
  fixture_leverage(f, 0, 5);
  fixture_leverage(f, 1, 10);
  for (int step = 0; step < STEPS; step++) {
    int64_t minute = f->now;
    live_market(f);
    f->now = minute; /* both symbols live through the same minute; the candle tells it at its end */
    request_something(f);
    candle(f);
    if (chance(0.1)) funding(f);
    settle_requests(f);
    fixture_check_account(f, world.price, SYMBOLS);
    for (int32_t i = 0; i < SYMBOLS; i++) {
      struct venue_position position = {0};
      bool is_open = sim_position(&f->sim, i, &position);
      assert_int_equal(is_open ? position.qty * (position.side == SIDE_LONG ? 1 : -1) : 0, world.held[i]);
    }
  }
  world.replies = false; /* nothing is under way when the lists are compared */
  settle_requests(f);
  check_open_orders(f);
  for (int32_t i = 0; i < f->event_count; i++) {
    if (f->events[i].kind == EVENT_FILL) digest_add(digest, &f->events[i].fill, sizeof f->events[i].fill);
  }
  fixture_close(f);
}

static void holds_in_random_markets(void **state) {
  (void)state;
  int64_t fills = 0;
  int64_t liquidations = 0;
  int64_t payments = 0;
  struct digest digest;
  digest_open(&digest);
  for (uint64_t seed = 1; seed <= MARKETS; seed++) {
    run_market(seed, &digest);
    fills += fixture_count(&fixture, EVENT_FILL);
    liquidations += fixture_count(&fixture, EVENT_LIQUIDATION);
    payments += fixture_count(&fixture, EVENT_FUNDING_PAYMENT);
  }
  digest_close(&digest);
  print_message("%lld fills, %lld liquidations, %lld funding payments\n", (long long)fills, (long long)liquidations, (long long)payments);
  assert_true(fills > 10 * MARKETS && liquidations > MARKETS / 20 && payments > MARKETS / 4); /* the markets do try the rules */
}

static void same_seed_same_answers(void **state) {
  (void)state;
  char texts[2][DIGEST_TEXT_MAX];
  for (int i = 0; i < 2; i++) {
    struct digest digest;
    digest_open(&digest);
    for (uint64_t seed = 1; seed <= 20; seed++) run_market(seed, &digest);
    digest_read(&digest, texts[i]);
    digest_close(&digest);
  }
  assert_string_equal(texts[0], texts[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holds_in_random_markets),
      cmocka_unit_test(same_seed_same_answers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
