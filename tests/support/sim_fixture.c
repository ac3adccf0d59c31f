#include "support/sim_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "core/market/capability.h"

struct sim_options fixture_options(void) {
  return (struct sim_options){.starting_balance = 100000 * DECIMAL_ONE,
                              .max_participation = 1,
                              .taker_fee_bps = 5,
                              .maker_fee_bps = 2,
                              .base_ms = MINUTE,
                              .max_leverage = 20,
                              .symbols = 4,
                              .book_depth = 16};
}

void fixture_open(struct sim_fixture *f, const struct sim_options *options) {
  f->now = f->last_ts = FIXTURE_START;
  f->sent_ids = f->event_count = f->pong_count = 0;
  assert_int_equal(sim_open(&f->sim, options), STATUS_OK);
  sim_exchange(&f->sim, &f->venue);
}

void fixture_start(struct sim_fixture *f, const struct sim_options *options) {
  struct sim_options ours = options != NULL ? *options : fixture_options();
  fixture_open(f, &ours);
  fixture_announce(f, 0, CAPABILITY_CANDLES_1M);
  fixture_announce(f, 1, CAPABILITY_CANDLES_1M);
  fixture_leverage(f, 0, 10);
  fixture_candle(f, 0, 100, 100, 100, 100);
  fixture_clear(f);
}

void fixture_close(struct sim_fixture *f) {
  sim_close(&f->sim);
}

void fixture_clear(struct sim_fixture *f) {
  f->event_count = f->pong_count = 0;
}

void fixture_announce(struct sim_fixture *f, int32_t symbol, int32_t capabilities) {
  struct event event = {.ts = f->now, .kind = EVENT_CAPABILITY, .capability = {.symbol = symbol, .capabilities = capabilities, .base_ms = MINUTE}};
  f->venue.on_market(f->venue.self, &event);
  event = (struct event){.ts = f->now, .kind = EVENT_INSTRUMENT, .instrument = {.symbol = symbol, .instrument_count = 1}};
  struct instrument *instrument = &event.instrument.instrument[0];
  instrument_default(instrument, "AAA/USDT:USDT", "AAAUSDT", 100);
  instrument->tick_size = DECIMAL_ONE / 10;
  instrument->lot_size = instrument->min_qty = DECIMAL_ONE / 100;
  instrument->max_limit_qty = 10000 * DECIMAL_ONE;
  instrument->max_market_qty = 5000 * DECIMAL_ONE;
  f->venue.on_market(f->venue.self, &event);
}

void fixture_poll(struct sim_fixture *f, void (*on_answer)(struct sim_fixture *f, const struct event *event)) {
  struct event event;
  while (f->venue.poll(f->venue.self, f->now, &event)) {
    assert_true(event.ts >= f->last_ts);
    f->last_ts = event.ts;
    if (event.kind == EVENT_VENUE_LINK) {
      f->pong_count++;
      continue;
    }
    assert_in_range(f->event_count, 0, FIXTURE_EVENTS_MAX - 1);
    f->events[f->event_count++] = event;
    if (on_answer != NULL) on_answer(f, &event);
  }
}

void fixture_candle_with(struct sim_fixture *f, int32_t symbol, double open, double high, double low, double close, double volume, double turnover,
                         void (*on_answer)(struct sim_fixture *f, const struct event *event)) {
  struct event event = {
      .ts = f->now + MINUTE,
      .kind = EVENT_CANDLE,
      .candle = {
          .symbol = symbol, .open_ts = f->now, .open = open, .high = high, .low = low, .close = close, .volume = volume, .turnover = turnover}};
  f->now += MINUTE;
  f->venue.on_market(f->venue.self, &event);
  fixture_poll(f, on_answer);
}

void fixture_candle(struct sim_fixture *f, int32_t symbol, double open, double high, double low, double close) {
  fixture_candle_with(f, symbol, open, high, low, close, 1000, 1000000, NULL);
}

struct order fixture_order(enum order_side side, enum order_type type, double qty, double price_or_trigger) {
  struct order order = {
      .side = (int32_t)side, .type = (int32_t)type, .qty = decimal_from_double(qty), .price = DECIMAL_NULL, .trigger_price = DECIMAL_NULL};
  if (type == ORDER_LIMIT) order.price = decimal_from_double(price_or_trigger);
  if (type == ORDER_STOP_MARKET) {
    order.trigger_price = decimal_from_double(price_or_trigger);
    order.reduce_only = true;
  }
  return order;
}

void fixture_submit(struct sim_fixture *f, const struct intent *intent) {
  f->venue.submit(f->venue.self, intent);
}

const char *fixture_send(struct sim_fixture *f, int32_t symbol, struct order order) {
  static char ids[8][ORDER_ID_MAX];
  char *id = ids[f->sent_ids % 8];
  if (order.client_order_id[0] == '\0') order_make_client_id(order.client_order_id, "TEST00", ++f->sent_ids, LEG_ENTRY, 0, 0);
  text_copy(id, ORDER_ID_MAX, order.client_order_id);
  struct intent intent = {.ts = f->now, .kind = INTENT_PLACE_ORDER, .place_order = {.symbol = symbol, .order_count = 1, .order = {order}}};
  if (f->last_ts < f->now && f->venue.next_due(f->venue.self) != INT64_MAX) intent.ts = f->last_ts; /* in answer to an earlier event */
  fixture_submit(f, &intent);
  return id;
}

void fixture_leverage(struct sim_fixture *f, int32_t symbol, double leverage) {
  fixture_submit(f, &(struct intent){.ts = f->now, .kind = INTENT_SET_LEVERAGE, .set_leverage = {.symbol = symbol, .leverage = leverage}});
}

void fixture_cancel(struct sim_fixture *f, int32_t symbol, const char *id) {
  struct intent intent = {.ts = f->now, .kind = INTENT_CANCEL_ORDER, .cancel_order = {.symbol = symbol}};
  text_copy(intent.cancel_order.client_order_id, ORDER_ID_MAX, id);
  fixture_submit(f, &intent);
}

void fixture_amend(struct sim_fixture *f, int32_t symbol, const char *id, double qty, double price, double trigger) {
  struct intent intent = {.ts = f->last_ts,
                          .kind = INTENT_AMEND_ORDER,
                          .amend_order = {.symbol = symbol,
                                          .qty = decimal_from_double(qty),
                                          .price = price > 0 ? decimal_from_double(price) : DECIMAL_NULL,
                                          .trigger_price = trigger > 0 ? decimal_from_double(trigger) : DECIMAL_NULL}};
  text_copy(intent.amend_order.client_order_id, ORDER_ID_MAX, id);
  fixture_submit(f, &intent);
}

void fixture_query(struct sim_fixture *f, enum query_kind query, const char *id, int64_t since) {
  struct intent intent = {.ts = f->now, .kind = INTENT_QUERY, .query = {.query = (int32_t)query, .since = since}};
  text_copy(intent.query.client_order_id, ORDER_ID_MAX, id);
  fixture_submit(f, &intent);
}

const struct event *fixture_event(const struct sim_fixture *f, enum event_kind kind, int32_t n) {
  for (int32_t i = 0; i < f->event_count; i++) {
    if (f->events[i].kind == (int32_t)kind && n-- == 0) return &f->events[i];
  }
  fail_msg("no event %d of kind %d", (int)n, (int)kind);
  return NULL;
}

int32_t fixture_count(const struct sim_fixture *f, enum event_kind kind) {
  int32_t count = 0;
  for (int32_t i = 0; i < f->event_count; i++) count += f->events[i].kind == (int32_t)kind;
  return count;
}

/* ---- the independent sum ---- */

void fixture_check_account(const struct sim_fixture *f, const double *marks, int32_t symbols) {
  double cash = decimal_to_double(f->sim.options.starting_balance);
  double held[16] = {0};
  assert_in_range(symbols, 1, 16);
  for (int32_t i = 0; i < f->event_count; i++) {
    const struct event *event = &f->events[i];
    if (event->kind == EVENT_FILL) {
      double qty = decimal_to_double(event->fill.qty) * (event->fill.side == ORDER_BUY ? 1 : -1);
      held[event->fill.symbol] += qty;
      cash -= qty * decimal_to_double(event->fill.price) + decimal_to_double(event->fill.fee_usd);
    } else if (event->kind == EVENT_LIQUIDATION) {
      double qty = copysign(decimal_to_double(event->liquidation.qty), -held[event->liquidation.symbol]);
      held[event->liquidation.symbol] += qty;
      cash -= qty * decimal_to_double(event->liquidation.price) + decimal_to_double(event->liquidation.fee_usd);
    } else if (event->kind == EVENT_FUNDING_PAYMENT) {
      cash += decimal_to_double(event->funding_payment.amount_usd);
    }
  }
  double equity = cash;
  for (int32_t i = 0; i < symbols; i++) {
    struct venue_position position = {0};
    bool is_open = sim_position(&f->sim, i, &position);
    double qty = is_open ? decimal_to_double(position.qty) * (position.side == SIDE_LONG ? 1 : -1) : 0;
    assert_true(fabs(qty - held[i]) < 1e-6);
    if (is_open) equity += held[i] * marks[i];
  }
  struct sim_account account;
  sim_account(&f->sim, &account);
  assert_int_equal(account.equity_usd, account.cash_usd + account.unrealised_usd);
  assert_true(fabs(decimal_to_double(account.equity_usd) - equity) < 0.01);
}
