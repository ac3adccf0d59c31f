/* Fills of a replayed order book (execution 8.2 and 8.3) against a second venue, written from the rules alone: it reads the lines of the recording
 * with another parser, keeps the book as a table by price, what was taken beside what was told, and orders in a plain list. Both get the same orders;
 * every fill must be the same in order, price, quantity, side of the fee and instant. The venue of the product gets the market as a backtest does:
 * imported, read as converted events, through the feed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/sim/sim.h"
#include "adapters/source/export.h"
#include "adapters/source/lines.h"
#include "adapters/source/source_feed.h"
#include "base/calendar.h"
#include "base/json.h"
#include "base/random.h"
#include "base/text.h"
#include "support/bench.h"
#include "support/book_recording.h"
#include "support/scratch.h"

enum { LATENCY_MS = 50, SLOTS = 1 << 16, ORDERS_MAX = 4096, FILLS_MAX = 1 << 16, SEND_EVERY = 25, KINDS = 8 };

static char folder[256], recording_path[320], copy[320];
static struct problem problem;

/* ---- what both are told to do ---- */

enum wish { WISH_MARKET, WISH_TAKE, WISH_IOC, WISH_FOK, WISH_REST, WISH_POST, WISH_STOP, WISH_CANCEL };

struct asked {
  enum wish wish;
  bool is_buy;
  int64_t qty, price; /* price or trigger; 0 none */
  int cancelled;      /* order that WISH_CANCEL means */
};

struct seen_fill {
  int order;
  int64_t qty, price, ts;
  bool is_maker, is_buy;
};

struct fills {
  struct seen_fill items[FILLS_MAX];
  int count;
};

static void add_fill(struct fills *fills, const struct seen_fill *fill) {
  assert_true(fills->count < FILLS_MAX);
  fills->items[fills->count++] = *fill;
}

/* The n-th order; the same for both as long as both saw the same last price. */
static struct asked ask(uint64_t seed, int n, int64_t last, int64_t tick) {
  struct random random;
  random_init(&random, seed * 1000003 + (uint64_t)n);
  struct asked asked = {.wish = (enum wish)random_below(&random, KINDS), .is_buy = random_below(&random, 2) == 0};
  last -= last % tick; /* the tick may be coarser than that of the prints */
  const int64_t steps = (int64_t)random_below(&random, 8);
  const int64_t towards = asked.is_buy ? steps : -steps;
  asked.qty = (1 + (int64_t)random_below(&random, random_below(&random, 8) == 0 ? 60000 : 3000)) * (DECIMAL_ONE / 1000);
  if (asked.wish == WISH_TAKE || asked.wish == WISH_IOC || asked.wish == WISH_FOK || asked.wish == WISH_STOP) asked.price = last + towards * tick;
  if (asked.wish == WISH_STOP) asked.price += asked.is_buy ? 2 * tick : -2 * tick;
  if (asked.wish == WISH_REST || asked.wish == WISH_POST) asked.price = last - (towards - (asked.is_buy ? 1 : -1)) * tick;
  asked.cancelled = n > 0 ? n - 1 - (int)random_below(&random, n < 10 ? (uint64_t)n : 10) : 0;
  return asked;
}

/* ---- the second venue ---- */

struct told {
  int64_t price, qty, taken;
};

enum state { STATE_SENT, STATE_RESTING, STATE_WAITING, STATE_OVER };

struct second_order {
  struct asked asked;
  int64_t left, act_at;
  enum state state;
};

struct second {
  struct told sides[2][SLOTS]; /* bids, asks; by a hash of the price; price 0: free */
  bool has_book;
  int64_t update_id, clock, last, lot, tick;
  uint64_t seed;
  struct second_order orders[ORDERS_MAX];
  int order_count;
  int64_t items;
  int64_t seen[KINDS], fills_of[KINDS], rejected_post;
  struct fills fills;
  char *waiting[4096]; /* owned: deltas before the snapshot */
  int waiting_count;
};

static struct told *find_told(struct second *second, int side, int64_t price) {
  uint64_t slot = (uint64_t)price * UINT64_C(11400714819323198485) >> 48;
  for (;; slot = (slot + 1) % SLOTS) {
    struct told *told = &second->sides[side][slot];
    if (told->price == 0) told->price = price;
    if (told->price == price) return told;
  }
}

static int64_t left_of(const struct second *second, const struct told *told) {
  const int64_t left = told->qty - told->taken;
  return left - left % second->lot;
}

/* The best level behind `beyond` (0: the best of all) that something is left of. */
static struct told *best_behind(struct second *second, int side, int64_t beyond) {
  struct told *best = NULL;
  for (int i = 0; i < SLOTS; i++) {
    struct told *told = &second->sides[side][i];
    if (told->price == 0 || told->qty - told->taken <= 0) continue;
    if (beyond != 0 && (side == 0 ? told->price >= beyond : told->price <= beyond)) continue;
    if (!best || (side == 0 ? told->price > best->price : told->price < best->price)) best = told;
  }
  return best;
}

static bool accepts(const struct asked *asked, int64_t price) {
  if (asked->wish == WISH_MARKET || asked->wish == WISH_STOP) return true;
  return asked->is_buy ? price <= asked->price : price >= asked->price;
}

static void second_fill(struct second *second, int order, int64_t qty, int64_t price, bool is_maker, int64_t ts) {
  struct second_order *at = &second->orders[order];
  at->left -= qty;
  if (at->left == 0) at->state = STATE_OVER;
  second->fills_of[at->asked.wish]++;
  add_fill(&second->fills, &(struct seen_fill){order, qty, price, ts, is_maker, at->asked.is_buy});
}

static void second_take(struct second *second, int order, int64_t ts) {
  struct second_order *at = &second->orders[order];
  const int side = at->asked.is_buy ? 1 : 0;
  struct told *level = second->has_book ? best_behind(second, side, 0) : NULL;
  for (; level && at->left > 0 && accepts(&at->asked, level->price); level = best_behind(second, side, level->price)) {
    const int64_t there = left_of(second, level);
    const int64_t qty = at->left < there ? at->left : there;
    if (qty == 0) continue;
    level->taken += qty;
    second_fill(second, order, qty, level->price, false, ts);
  }
}

static bool second_has_all(struct second *second, const struct second_order *at) {
  const int side = at->asked.is_buy ? 1 : 0;
  int64_t sum = 0;
  struct told *level = second->has_book ? best_behind(second, side, 0) : NULL;
  for (; level && sum < at->left && accepts(&at->asked, level->price); level = best_behind(second, side, level->price))
    sum += level->qty - level->taken;
  return sum >= at->left;
}

static void second_act(struct second *second, int order, int64_t ts) {
  struct second_order *at = &second->orders[order];
  struct asked *asked = &at->asked;
  at->state = STATE_OVER;
  if (asked->wish == WISH_CANCEL) {
    struct second_order *target = &second->orders[asked->cancelled];
    if (target->state == STATE_RESTING || target->state == STATE_WAITING) target->state = STATE_OVER;
    return;
  }
  if (asked->wish == WISH_STOP) {
    if (asked->is_buy ? second->last < asked->price : second->last > asked->price) at->state = STATE_WAITING;
    return;
  }
  if (asked->wish == WISH_POST) {
    const struct told *best = second->has_book ? best_behind(second, asked->is_buy ? 1 : 0, 0) : NULL;
    if (!best || !accepts(asked, best->price))
      at->state = STATE_RESTING;
    else
      second->rejected_post++;
    return;
  }
  if (asked->wish != WISH_FOK || second_has_all(second, at)) second_take(second, order, ts);
  const bool rests = asked->wish == WISH_TAKE || asked->wish == WISH_REST;
  at->state = at->left > 0 && rests ? STATE_RESTING : STATE_OVER;
}

static void second_due(struct second *second, int64_t ts) {
  for (int i = 0; i < second->order_count; i++) {
    if (second->orders[i].state == STATE_SENT && second->orders[i].act_at <= ts) second_act(second, i, second->orders[i].act_at);
  }
}

static void second_send(struct second *second) {
  if (++second->items % SEND_EVERY != 0 || second->last == 0 || second->order_count == ORDERS_MAX) return;
  const int n = second->order_count++;
  const struct asked asked = ask(second->seed, n, second->last, second->tick);
  second->orders[n] = (struct second_order){.asked = asked, .left = asked.qty, .act_at = second->clock + LATENCY_MS, .state = STATE_SENT};
  second->seen[asked.wish]++;
}

static int64_t exact(const struct json *value) {
  int64_t out = -1;
  const char *text = json_string(value);
  assert_true(decimal_parse(text, strlen(text), &out));
  return out;
}

static void second_print(struct second *second, const struct json *data) {
  int64_t left = exact(json_member(data, "q"));
  const int64_t price = exact(json_member(data, "p"));
  if (price == 0) return;
  second_due(second, second->clock);
  second->last = price;
  for (int i = 0; i < second->order_count; i++) {
    struct second_order *at = &second->orders[i];
    if (at->state != STATE_WAITING || (at->asked.is_buy ? price < at->asked.price : price > at->asked.price)) continue;
    second_take(second, i, second->clock);
    at->state = STATE_OVER;
  }
  for (int i = 0; i < second->order_count; i++) {
    struct second_order *at = &second->orders[i];
    left -= left % second->lot;
    if (left == 0) break;
    if (at->state != STATE_RESTING || (at->asked.is_buy ? price >= at->asked.price : price <= at->asked.price)) continue;
    const int64_t qty = at->left < left ? at->left : left;
    left -= qty;
    second_fill(second, i, qty, at->asked.price, true, second->clock);
  }
  second_send(second);
}

static void second_levels(struct second *second, int side, const struct json *levels) {
  for (size_t i = 0; i < json_size(levels); i++) {
    const struct json *level = json_item(levels, i);
    struct told *told = find_told(second, side, exact(json_item(level, 0)));
    told->qty = exact(json_item(level, 1));
    told->taken = 0;
  }
}

static void second_message(struct second *second, const char *text, size_t length);

static void second_snapshot(struct second *second, const struct json *data) {
  const int64_t id = json_int(json_member(data, "lastUpdateId"));
  if (second->has_book && id < second->update_id) return;
  second_due(second, second->clock);
  memset(second->sides, 0, sizeof second->sides);
  second->has_book = true;
  second->update_id = id;
  second_levels(second, 0, json_member(data, "bids"));
  second_levels(second, 1, json_member(data, "asks"));
  second_send(second);
  const int count = second->waiting_count;
  second->waiting_count = 0;
  for (int i = 0; i < count; i++) {
    second_message(second, second->waiting[i], strlen(second->waiting[i]));
    free(second->waiting[i]);
  }
}

static void second_change(struct second *second, const struct json *data, const char *text, size_t length) {
  const int64_t first = json_int(json_member(data, "U")), last = json_int(json_member(data, "u"));
  const struct json *before = json_member(data, "pu");
  if (!second->has_book) {
    assert_true(second->waiting_count < 4096);
    second->waiting[second->waiting_count++] = strndup(text, length);
    return;
  }
  if (last <= second->update_id) return;
  second_due(second, second->clock);
  const bool fits = (before && json_int(before) == second->update_id) || first <= second->update_id + 1;
  second->has_book = fits; /* a lost change: nothing is known until the next snapshot */
  second->update_id = last;
  if (fits) second_levels(second, 0, json_member(data, "b"));
  if (fits) second_levels(second, 1, json_member(data, "a"));
  second_send(second);
}

static void second_message(struct second *second, const char *text, size_t length) {
  struct json *document = json_parse(text, length, JSON_STRICT, "line", &problem);
  assert_non_null(document);
  const struct json *data = json_member(document, "data") ? json_member(document, "data") : document;
  const struct json *kind = json_member(data, "e");
  const char *event = kind ? json_string(kind) : "";
  const struct json *time = json_member(data, text_equal(event, "trade") ? "T" : "E");
  if (time && json_int(time) > second->clock) second->clock = json_int(time);
  if (text_equal(event, "trade")) second_print(second, data);
  if (text_equal(event, "depthUpdate")) second_change(second, data, text, length);
  if (json_member(data, "lastUpdateId")) second_snapshot(second, data);
  json_free(document);
}

static void second_run(struct second *second, const char *path) {
  struct input *input;
  struct lines lines;
  char *begin, *end;
  assert_int_equal(input_open(&input, path, &problem), STATUS_OK);
  assert_int_equal(lines_open(&lines, input, '\n'), STATUS_OK);
  while (lines_next(&lines, &begin, &end, &problem) == STATUS_OK) {
    char *brace = memchr(begin, '{', (size_t)(end - begin));
    second_message(second, brace, (size_t)(end - brace));
  }
  lines_close(&lines);
  input_close(input);
  for (int i = 0; i < second->waiting_count; i++) free(second->waiting[i]);
}

/* ---- the venue of the product ---- */

struct ours {
  struct sim sim;
  struct exchange venue;
  uint64_t seed;
  int64_t last, items, tick;
  int order_count;
  struct fills fills;
};

static void ours_answers(struct ours *ours, int64_t ts) {
  struct event event;
  while (ours->venue.poll(ours->venue.self, ts, &event)) {
    if (event.kind != EVENT_FILL) continue;
    const struct event_fill *fill = &event.fill;
    const bool is_maker = fill->liquidity == LIQUIDITY_MAKER;
    add_fill(&ours->fills, &(struct seen_fill){atoi(fill->client_order_id + 1), fill->qty, fill->price, event.ts, is_maker, fill->side == ORDER_BUY});
    const double fee = decimal_to_double(fill->qty) * decimal_to_double(fill->price) * (is_maker ? 2e-4 : 5e-4);
    assert_true(fabs(decimal_to_double(fill->fee_usd) - fee) < 1e-6);
  }
}

static void ours_send(struct ours *ours, int64_t ts) {
  if (++ours->items % SEND_EVERY != 0 || ours->last == 0 || ours->order_count == ORDERS_MAX) return;
  const int n = ours->order_count++;
  const struct asked asked = ask(ours->seed, n, ours->last, ours->tick);
  struct intent intent = {.ts = ts, .kind = INTENT_CANCEL_ORDER};
  if (asked.wish == WISH_CANCEL) {
    (void)snprintf(intent.cancel_order.client_order_id, sizeof intent.cancel_order.client_order_id, "n%d", asked.cancelled);
  } else {
    intent = (struct intent){.ts = ts, .kind = INTENT_PLACE_ORDER, .place_order = {.order_count = 1}};
    struct order *order = &intent.place_order.order[0];
    const bool is_limit = asked.wish != WISH_MARKET && asked.wish != WISH_STOP;
    *order = (struct order){.side = asked.is_buy ? ORDER_BUY : ORDER_SELL,
                            .type = is_limit ? ORDER_LIMIT : (asked.wish == WISH_STOP ? ORDER_STOP_MARKET : ORDER_MARKET),
                            .time_in_force = asked.wish == WISH_IOC ? TIF_IOC : (asked.wish == WISH_FOK ? TIF_FOK : TIF_GTC),
                            .post_only = asked.wish == WISH_POST,
                            .qty = asked.qty,
                            .price = is_limit ? asked.price : DECIMAL_NULL,
                            .trigger_price = asked.wish == WISH_STOP ? asked.price : DECIMAL_NULL};
    (void)snprintf(order->client_order_id, sizeof order->client_order_id, "n%d", n);
  }
  ours->venue.submit(ours->venue.self, &intent);
}

static void ours_run(struct ours *ours, struct source *source) {
  static struct source_feed self;
  struct feed feed;
  struct event event;
  enum status status;
  const struct sim_options options = {.starting_balance = 5000000000 * DECIMAL_ONE,
                                      .max_participation = 1,
                                      .taker_fee_bps = 5,
                                      .maker_fee_bps = 2,
                                      .latency_ms = LATENCY_MS,
                                      .base_ms = MINUTE_MS,
                                      .max_leverage = 10,
                                      .symbols = 1,
                                      .book_depth = 4000};
  assert_int_equal(sim_open(&ours->sim, &options), STATUS_OK);
  sim_exchange(&ours->sim, &ours->venue);
  source_feed_init(&self, source, "file", &feed);
  while ((status = feed.next(feed.self, &event, &problem)) == STATUS_OK) {
    ours->venue.on_market(ours->venue.self, &event);
    ours_answers(ours, event.ts);
    if (event.kind == EVENT_PUBLIC_TRADES) ours->last = event.public_trades.trades[event.public_trades.trades_count - 1].price;
    if (event.kind == EVENT_PUBLIC_TRADES || event.kind == EVENT_BOOK) ours_send(ours, event.ts);
  }
  assert_int_equal(status, STATUS_END);
}

/* ---- both ---- */

static void compare_fills(const struct fills *ours, const struct fills *second) {
  const int count = ours->count < second->count ? ours->count : second->count;
  for (int i = 0; i < count; i++) {
    const struct seen_fill *a = &ours->items[i], *b = &second->items[i];
    if (a->order == b->order && a->qty == b->qty && a->price == b->price && a->ts == b->ts && a->is_maker == b->is_maker && a->is_buy == b->is_buy)
      continue;
    print_error("fill %d: order %d %" PRId64 " at %" PRId64 ", %" PRId64 " ms, maker %d; the second venue: order %d %" PRId64 " at %" PRId64
                ", %" PRId64 " ms, maker %d\n",
                i, a->order, a->qty, a->price, a->ts, a->is_maker, b->order, b->qty, b->price, b->ts, b->is_maker);
    fail();
  }
  assert_int_equal(ours->count, second->count);
}

static void check_account(const struct ours *ours) {
  struct venue_position position = {0};
  int64_t sum = 0;
  for (int i = 0; i < ours->fills.count; i++) sum += ours->fills.items[i].is_buy ? ours->fills.items[i].qty : -ours->fills.items[i].qty;
  (void)sim_position(&ours->sim, 0, &position);
  assert_int_equal(sum, position.side == SIDE_LONG ? position.qty : -position.qty);
}

/* Returns the number of fills; wants how often each kind was filled, at least once each. */
static int replay(const char *path, uint64_t seed) {
  static struct second second;
  static struct ours ours;
  struct source *source, *imported;
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &(struct source_options){.data = path, .allows_bad_data = true}, &problem), STATUS_OK);
  assert_int_equal(export_folder(source, copy, &problem), STATUS_OK);
  source_close(source);
  assert_int_equal(source_open(&imported, &(struct source_options){.data = copy, .allows_bad_data = true}, &problem), STATUS_OK);
  const struct instrument *instrument = source_instrument(imported, 0, 0);
  memset(&second, 0, sizeof second);
  memset(&ours, 0, sizeof ours);
  second.seed = ours.seed = seed;
  second.tick = ours.tick = instrument->tick_size;
  second.lot = instrument->lot_size;
  second_run(&second, path);
  ours_run(&ours, imported);
  compare_fills(&ours.fills, &second.fills);
  check_account(&ours);
  for (int i = 0; i < WISH_CANCEL; i++) assert_true(second.seen[i] > 0 && second.fills_of[i] > 0);
  assert_true(second.rejected_post > 0);
  const int fills = ours.fills.count;
  sim_close(&ours.sim);
  source_close(imported);
  assert_int_equal(scratch_remove(copy), 0);
  return fills;
}

static int make_folder(void **state) {
  (void)state;
  if (!scratch_make(folder, sizeof folder, "book_replay")) return -1;
  (void)snprintf(recording_path, sizeof recording_path, "%s/BTCUSDT-l2.txt", folder);
  (void)snprintf(copy, sizeof copy, "%s/copy", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

static void test_fills_of_made_markets(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 3; seed++) {
    const struct book_recording recording = {.seed = seed,
                                             .changes = 4000,
                                             .levels = 60,
                                             .change_levels = 12,
                                             .trades = 3,
                                             .start_ms = calendar_to_ms(2024, 7, 31, 23, 57, 0, 0),
                                             .step_ms = 40,
                                             .gap_every = seed == 2 ? 700 : 0};
    FILE *file = fopen(recording_path, "wb");
    assert_non_null(file);
    book_recording_write(&recording, file);
    assert_int_equal(fclose(file), 0);
    assert_true(replay(recording_path, seed) > 300);
  }
}

static void test_fills_of_recorded_markets(void **state) {
  (void)state;
  const char *shared = getenv("BREAKOUT_SHARED_DATA");
  if (!shared) {
    print_message("skipped: BREAKOUT_SHARED_DATA is not set\n");
    skip();
  }
  static const char *const names[] = {"binance-usdm/BTCUSDT-2023-04-04", "binance-usdm/BTCUSDT-2024-08-08", "binance-spot/BTCUSDT-2024-08-08"};
  for (int i = 0; i < 3; i++) {
    char path[400];
    (void)snprintf(path, sizeof path, "%s/l2/%s.txt.zst", shared, names[i]);
    print_message("%s: %d fills\n", names[i], replay(path, 7));
  }
}

/* ---- the whole program ---- */

struct outcome {
  char digest[DIGEST_TEXT_MAX];
  int64_t candles, trades, fills, books;
};

static void count_fill(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  struct outcome *outcome = context;
  (void)seq;
  (void)ts;
  (void)object;
  outcome->fills += kind == RECORD_FILL;
}

static void count_event(void *context, const struct event *event) {
  struct outcome *outcome = context;
  outcome->books += event->kind == EVENT_BOOK;
}

/* channel_baseline on candles of a minute, which a recording of minutes can fill. */
static void backtest(const char *data, struct outcome *outcome) {
  static struct app app;
  struct wiring wiring = {0};
  struct run_options options;
  struct run run;
  const struct bench_run bench = {
      .preset = "channel_baseline",
      .data = data,
      .keys = {"channel_config.timeframe=1m", "channel_config.period=2", "channel_config.atr_period=2", "risk.risk_per_trade=0.0005"},
      .key_count = 4};
  app = (struct app){0};
  *outcome = (struct outcome){0};
  bench_open(&bench, &app, &wiring, &options);
  const struct listener listener = {.context = outcome, .on_record = count_fill, .on_event = count_event};
  options.listener = &listener;
  const enum status status = run_execute(&run, &wiring, &options);
  if (status) problem_print(&app.problem, stderr);
  assert_int_equal(status, STATUS_OK);
  assert_int_equal(run.stamps & SOURCE_STAMP_BAD_DATA, 0);
  text_copy(outcome->digest, sizeof outcome->digest, run.digest);
  outcome->candles = run.candles;
  outcome->trades = run.trades.count + run.left_open.count;
  run_deinit(&run);
  wiring_close(&wiring);
}

/* A recording and its import are one run: candles from its trades, books and trades as events, fills on the book, every decision. */
static void test_backtest_of_books(void **state) {
  (void)state;
  struct outcome recorded, imported;
  struct source *source;
  const struct book_recording recording = {.seed = 4,
                                           .changes = 4500,
                                           .levels = 60,
                                           .change_levels = 12,
                                           .trades = 2,
                                           .start_ms = calendar_to_ms(2024, 7, 31, 23, 55, 0, 0),
                                           .step_ms = 200,
                                           .lowest = 2000};
  FILE *file = fopen(recording_path, "wb");
  assert_non_null(file);
  book_recording_write(&recording, file);
  assert_int_equal(fclose(file), 0);
  backtest(recording_path, &recorded);
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &(struct source_options){.data = recording_path}, &problem), STATUS_OK);
  assert_int_equal(export_folder(source, copy, &problem), STATUS_OK);
  source_close(source);
  backtest(copy, &imported);
  assert_string_equal(recorded.digest, imported.digest);
  assert_int_equal(recorded.fills, imported.fills);
  assert_int_equal(recorded.books, imported.books);
  assert_true(imported.candles >= 12 && imported.books > 4000);
  assert_true(imported.trades > 0 && imported.fills > imported.trades);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(test_fills_of_made_markets, make_folder, remove_folder),
                                     cmocka_unit_test_setup_teardown(test_backtest_of_books, make_folder, remove_folder),
                                     cmocka_unit_test_setup_teardown(test_fills_of_recorded_markets, make_folder, remove_folder)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
