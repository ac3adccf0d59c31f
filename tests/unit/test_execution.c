#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/calendar.h"
#include "base/random.h"
#include "core/trade/execution.h"
#include "support/trade_fixture.h"

static const int64_t start = INT64_C(1704067200000);

struct setting {
  struct preset preset;
  struct instrument instrument;
  struct market_view view;
  struct execution_input input;
  struct plan plan;
  struct order order;
  struct reason_list reasons;
};

/* A long momentum entry at the level 99.90, planned at 100.02. Book 99.99 / 100.00 with much depth. Defaults: offset 2 bps, TWAP 3..12 every 3 s,
 * depth fraction 0.25, level cap 30 bps (100.1997), slippage cap 10 bps (100.12002), limit_timeout 30 s, dead-man 10 s. Iceberg off. */
static struct setting *begin(void) {
  static struct setting setting;
  memset(&setting, 0, sizeof setting);
  preset_init(&setting.preset);
  setting.preset.execution_config.enable_iceberg = false;
  setting.instrument = trade_instrument("0.01", "0.1");
  for (int i = 0; i < market_field_count; i++) setting.view.field[i] = NAN;
  setting.view.price = 100;
  setting.view.bid = 99.99;
  setting.view.ask = 100;
  setting.view.mid = 99.995;
  setting.view.spread_bps = 1;
  setting.view.depth_5bps_ask = setting.view.depth_5bps_bid = 1e6;
  setting.input = (struct execution_input){.preset = &setting.preset,
                                           .instrument = &setting.instrument,
                                           .view = &setting.view,
                                           .ts = start,
                                           .capabilities = CAPABILITY_CANDLES_1M | CAPABILITY_BOOK};
  setting.plan = (struct plan){
      .side = ORDER_BUY, .intent = PLAN_ENTRY, .planned_price = dec("100.02"), .created_at = start, .expires_at = start + 15 * MINUTE_MS};
  setting.plan.signal.level_price = 99.90;
  setting.plan.signal.created_at = start;
  return &setting;
}

static bool plan_qty(struct setting *setting, const char *qty) {
  return execution_plan(&setting->plan, &setting->input, dec(qty), &setting->reasons);
}

/* setting->order stays the last one sent. */
static enum execution_step next(struct setting *setting) {
  struct order order = {0};
  enum execution_step step = execution_next(&setting->plan, &setting->input, &order, &setting->reasons);
  if (step == EXECUTION_SEND) setting->order = order;
  return step;
}

static bool has_reason(const struct setting *setting, enum reason_code code) {
  for (int32_t i = 0; i < setting->reasons.count; i++) {
    if (setting->reasons.items[i].code == (int32_t)code) return true;
  }
  return false;
}

/* The venue fills the live child at its price, or at `price` when it is a market order, and says so. */
static void fill_child(struct setting *setting, int64_t price) {
  struct order child = setting->order;
  struct fill fill = {.side = child.side, .qty = child.qty, .price = price, .ts = setting->input.ts};
  execution_on_fill(&setting->plan, &fill);
  child.state = ORDER_FILLED;
  child.filled_qty = child.qty;
  execution_on_child_end(&setting->plan, &child, false, setting->input.ts);
}

static void end_child(struct setting *setting, enum order_state state, bool is_post_only_reject) {
  struct order child = setting->order;
  child.state = (int32_t)state;
  execution_on_child_end(&setting->plan, &child, is_post_only_reject, setting->input.ts);
}

static void test_default_limit(void **state) {
  (void)state;
  struct setting *setting = begin();
  assert_true(plan_qty(setting, "5"));
  assert_int_equal(next(setting), EXECUTION_SEND);
  assert_int_equal(setting->order.type, ORDER_LIMIT);
  assert_int_equal(setting->order.side, ORDER_BUY);
  assert_int_equal(setting->order.time_in_force, TIF_GTC);
  assert_false(setting->order.post_only || setting->order.reduce_only);
  assert_decimal(setting->order.price, "100.02"); /* 100·1.0002 */
  assert_decimal(setting->order.qty, "5");
  assert_int_equal(next(setting), EXECUTION_WAIT);
  fill_child(setting, dec("100.00"));
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_FILLED);
  assert_false(setting->plan.is_open);
  assert_decimal(setting->plan.average_price, "100");
  assert_near(setting->plan.slippage_bps, -0.02 / 100.02 * 1e4, 1e-9);
  assert_near(setting->plan.arrival_cost_bps, 0.005 / 99.995 * 1e4, 1e-9);
  assert_true(setting->plan.fill_ratio == 1);
  assert_int_equal(next(setting), EXECUTION_WAIT); /* END comes once */
}

/* Sells: 99.99·0.9998 = 99.970002, up to the tick. */
static void test_sell_rounds_up(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->plan.side = ORDER_SELL;
  setting->plan.planned_price = dec("99.98");
  setting->plan.signal.level_price = 100.10;
  plan_qty(setting, "5");
  assert_int_equal(next(setting), EXECUTION_SEND);
  assert_decimal(setting->order.price, "99.98");
  assert_int_equal(setting->order.side, ORDER_SELL);
}

static void test_run_away(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  setting->view.ask = 100.20; /* 30.03 bps beyond 99.90 */
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_CANCELLED);
  assert_true(has_reason(setting, REASON_run_away));
  struct setting *add_on = begin(); /* an add-on has no level to run away from */
  add_on->plan.intent = PLAN_ADD_ON;
  add_on->plan.planned_price = dec("100.22");
  plan_qty(add_on, "5");
  add_on->view.ask = 100.20;
  assert_int_equal(next(add_on), EXECUTION_SEND);
}

/* The first child stands at the cap; a later slice that would have to pay more is not sent. */
static void test_caps(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  setting->view.ask = 100.15; /* 100.17 wanted, 100.12002 allowed by slippage, 100.1997 by the level */
  assert_int_equal(next(setting), EXECUTION_SEND);
  assert_decimal(setting->order.price, "100.12");
  struct setting *loose = begin();
  loose->preset.position_config.fsm_config.enabled = false; /* level cap only */
  plan_qty(loose, "5");
  loose->view.ask = 100.19;
  assert_int_equal(next(loose), EXECUTION_SEND);
  assert_decimal(loose->order.price, "100.19"); /* 100.1997 */
  struct setting *slices = begin();
  slices->view.depth_5bps_ask = 1200;
  plan_qty(slices, "6"); /* 600.12 USD, 300 allowed: 3 slices of 2 */
  assert_int_equal(next(slices), EXECUTION_SEND);
  fill_child(slices, dec("100.02"));
  slices->input.ts += 3000;
  slices->view.ask = 100.13;
  assert_int_equal(next(slices), EXECUTION_END);
  assert_int_equal(slices->plan.ended_by, PLAN_SLIPPAGE_CAP);
  assert_true(has_reason(slices, REASON_slippage_cap));
  assert_decimal(slices->plan.filled_qty, "2");
}

/* 10 003 USD, 4 000 allowed: n = clamp(3, 3, 12), slices of 33.3, 33.3, 33.4, 3 s apart. */
static void test_twap(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->view.depth_5bps_ask = 16000;
  assert_true(plan_qty(setting, "100"));
  assert_int_equal(setting->plan.slices_planned, 3);
  static const char *const expected[] = {"33.3", "33.3", "33.4"};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(next(setting), EXECUTION_SEND);
    assert_decimal(setting->order.qty, expected[i]);
    fill_child(setting, dec("100.02"));
    if (i == 2) break;
    setting->input.ts += 2999;
    assert_int_equal(next(setting), EXECUTION_WAIT);
    setting->input.ts += 1;
  }
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_FILLED);
  assert_int_equal(setting->plan.slices_sent, 3);
  setting = begin();
  setting->view.depth_5bps_ask = 16000;
  setting->preset.execution_config.twap_duration_seconds = 60; /* 20 s each */
  plan_qty(setting, "100");
  next(setting);
  fill_child(setting, dec("100.02"));
  setting->input.ts += 19999;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->input.ts += 1;
  assert_int_equal(next(setting), EXECUTION_SEND);
}

/* 12 slices of 500 USD allowed: reduced to 6 000; without TWAP to 500, which is below 30 %. */
static void test_depth_guard_reduces_and_refuses(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->view.depth_5bps_ask = 2000;
  assert_true(plan_qty(setting, "100"));
  assert_int_equal(setting->plan.slices_planned, 12);
  int64_t total = 0;
  for (int i = 0; i < 12; i++) total += setting->plan.slice_qty[i];
  assert_decimal(total, "59.9"); /* 6 000/100.02 = 59.988 */
  setting->preset.execution_config.enable_twap = false;
  assert_false(plan_qty(setting, "100"));
  assert_true(has_reason(setting, REASON_depth_guard));
  assert_true(plan_qty(setting, "16")); /* 1 600.32: 500 is 31 % */
  assert_int_equal(setting->plan.slices_planned, 1);
  assert_decimal(setting->plan.slice_qty[0], "4.9");
  setting->view.depth_5bps_ask = NAN; /* a book that is not known bears nothing */
  assert_false(plan_qty(setting, "1"));
  setting->input.capabilities = CAPABILITY_CANDLES_1M; /* no book at all: one order */
  assert_true(plan_qty(setting, "100"));
  assert_int_equal(setting->plan.slices_planned, 1);
}

static void test_slice_waits_for_depth(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->view.depth_5bps_ask = 16000;
  plan_qty(setting, "100");
  next(setting);
  fill_child(setting, dec("100.02"));
  setting->input.ts += 3000;
  setting->view.depth_5bps_ask = 8000; /* 2 000 allowed, 3 330 needed */
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->input.ts += 9999;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->view.depth_5bps_ask = 16000;
  assert_int_equal(next(setting), EXECUTION_SEND);
  fill_child(setting, dec("100.02"));
  setting->input.ts += 3000;
  setting->view.depth_5bps_ask = 8000;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->input.ts += 10000;
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_CANCELLED);
  assert_decimal(setting->plan.filled_qty, "66.6");
}

/* 7 001.4 USD in children of at most 3 000: three of 23.4, 23.3, 23.3, the next when the one before is filled. */
static void test_iceberg(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->preset.execution_config.enable_iceberg = true;
  setting->preset.execution_config.iceberg_min_notional = 3000;
  plan_qty(setting, "70");
  static const char *const expected[] = {"23.4", "23.3", "23.3"};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(next(setting), EXECUTION_SEND);
    assert_decimal(setting->order.qty, expected[i]);
    assert_int_equal(next(setting), EXECUTION_WAIT);
    fill_child(setting, dec("100.02"));
  }
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_FILLED);
  assert_int_equal(setting->plan.iceberg_children, 3);
  assert_int_equal(setting->plan.child_count, 3);
  assert_int_equal(setting->plan.slices_sent, 1);
}

/* Children of 3 USD would be below the minimum of 5: two of 5.5 USD instead of four. Slices likewise. */
static void test_children_are_proven(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->instrument = trade_instrument("0.01", "0.001");
  setting->preset.execution_config.enable_iceberg = true;
  setting->preset.execution_config.iceberg_min_notional = 3;
  plan_qty(setting, "0.11");
  next(setting);
  assert_decimal(setting->order.qty, "0.055");
  setting = begin();
  setting->instrument = trade_instrument("0.01", "0.001");
  setting->view.depth_5bps_ask = 40; /* 10 allowed, 14 planned: 3 slices of 4.67 are too small, 2 of 7 are not */
  assert_true(plan_qty(setting, "0.14"));
  assert_int_equal(setting->plan.slices_planned, 2);
  assert_decimal(setting->plan.slice_qty[0], "0.07");
}

static void test_limit_timeout(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  next(setting);
  setting->input.ts += 29999;
  setting->plan.last_life_at = setting->input.ts;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->input.ts += 1;
  assert_int_equal(next(setting), EXECUTION_CANCEL);
  assert_int_equal(setting->plan.ending_as, PLAN_LIMIT_TIMEOUT);
  assert_int_equal(next(setting), EXECUTION_WAIT); /* asked once */
  end_child(setting, ORDER_CANCELLED, false);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_LIMIT_TIMEOUT);
  assert_true(has_reason(setting, REASON_entry_unfilled));
  assert_int_equal(setting->plan.time_to_end_ms, 30000);
}

/* The fill overtakes the cancel: the plan was filled after all. */
static void test_fill_during_cancel(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  next(setting);
  execution_stop(&setting->plan, PLAN_CANCELLED);
  assert_int_equal(next(setting), EXECUTION_CANCEL);
  fill_child(setting, dec("100"));
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_FILLED);
}

static void test_deadman(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  next(setting);
  setting->input.ts += 9999;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->plan.last_life_at = setting->input.ts; /* a pong */
  setting->input.ts += 9999;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->input.ts += 1;
  assert_int_equal(next(setting), EXECUTION_CANCEL);
  assert_false(has_reason(setting, REASON_deadman)); /* it comes with the end */
  struct fill fill = {.side = ORDER_BUY, .qty = dec("2"), .price = dec("100"), .ts = setting->input.ts};
  execution_on_fill(&setting->plan, &fill);
  end_child(setting, ORDER_CANCELLED, false);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_DEADMAN);
  assert_true(has_reason(setting, REASON_deadman));
  assert_decimal(setting->plan.filled_qty, "2"); /* the position is what was really filled */
}

static void begin_retest(struct setting *setting) {
  setting->plan.is_retest = true;
  setting->plan.planned_price = dec("99.95");
  plan_qty(setting, "5");
}

/* Rests at the signal's entry, without limit timeout, until expiry or the level's failure. */
static void test_retest(void **state) {
  (void)state;
  struct setting *setting = begin();
  begin_retest(setting);
  setting->view.depth_5bps_ask = 0; /* it consumes nothing */
  setting->view.ask = 101;          /* and runs nowhere */
  assert_int_equal(next(setting), EXECUTION_SEND);
  assert_decimal(setting->order.price, "99.95");
  assert_true(setting->order.post_only);
  setting->input.ts = start + 15 * MINUTE_MS - 1;
  setting->plan.last_life_at = setting->input.ts;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->input.ts += 1;
  assert_int_equal(next(setting), EXECUTION_CANCEL);
  end_child(setting, ORDER_CANCELLED, false);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_EXPIRED);
  assert_true(has_reason(setting, REASON_signal_expired));
  setting = begin();
  begin_retest(setting);
  next(setting);
  setting->input.level_failed = true;
  assert_int_equal(next(setting), EXECUTION_CANCEL);
  end_child(setting, ORDER_CANCELLED, false);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_CANCELLED);
  assert_true(has_reason(setting, REASON_level_failed));
}

/* Refused once: again at the new best of our side, if better; refused twice: over. */
static void test_post_only_is_tried_twice(void **state) {
  (void)state;
  struct setting *setting = begin();
  begin_retest(setting);
  next(setting);
  end_child(setting, ORDER_REJECTED, true);
  setting->view.bid = 99.93;
  assert_int_equal(next(setting), EXECUTION_SEND);
  assert_decimal(setting->order.price, "99.93");
  assert_decimal(setting->order.qty, "5");
  end_child(setting, ORDER_REJECTED, true);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_REJECTED);
  assert_true(has_reason(setting, REASON_post_only_rejected));
  setting = begin();
  setting->preset.execution_config.post_only = true;
  plan_qty(setting, "5");
  next(setting);
  assert_true(setting->order.post_only);
  assert_decimal(setting->order.price, "99.97"); /* 99.99·0.9998 = 99.970002 */
  end_child(setting, ORDER_REJECTED, true);
  setting->view.bid = 99.95;
  assert_int_equal(next(setting), EXECUTION_SEND);
  assert_decimal(setting->order.price, "99.93"); /* 99.93001 */
}

static void test_other_rejection_ends(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  next(setting);
  end_child(setting, ORDER_REJECTED, false);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_REJECTED);
  assert_false(has_reason(setting, REASON_post_only_rejected));
}

static void test_wide_spread_is_passive(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->view.spread_bps = 12; /* not above 12 */
  plan_qty(setting, "5");
  next(setting);
  assert_false(setting->order.post_only);
  setting = begin();
  setting->view.spread_bps = 12.1;
  setting->preset.execution_config.use_limit_orders = false;
  plan_qty(setting, "5");
  next(setting);
  assert_true(setting->order.post_only);
  assert_int_equal(setting->order.type, ORDER_LIMIT);
  assert_decimal(setting->order.price, "99.97");
  assert_true(has_reason(setting, REASON_spread_widened));
}

static void test_market_and_fill_or_kill(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->preset.execution_config.use_limit_orders = false;
  plan_qty(setting, "5");
  next(setting);
  assert_int_equal(setting->order.type, ORDER_MARKET);
  assert_int_equal(setting->order.price, DECIMAL_NULL);
  setting->input.ts += 60000; /* a market order has no limit timeout */
  setting->plan.last_life_at = setting->input.ts;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting = begin();
  setting->preset.execution_config.use_limit_orders = false;
  plan_qty(setting, "5");
  setting->view.ask = 100.13; /* beyond the slippage cap: a market order cannot be held by a price */
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_SLIPPAGE_CAP);
  setting = begin();
  setting->preset.execution_config.fill_or_kill = true;
  plan_qty(setting, "5");
  next(setting);
  assert_int_equal(setting->order.time_in_force, TIF_FOK);
  assert_decimal(setting->order.price, "100.02");
  end_child(setting, ORDER_CANCELLED, false);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_CANCELLED);
}

/* Candles only: the channel sends a market order, a momentum entry a limit from the last price; no spread is tested. */
static void test_candles_only(void **state) {
  (void)state;
  struct setting *setting = begin();
  setting->input.capabilities = CAPABILITY_CANDLES_1M;
  setting->view.bid = setting->view.ask = setting->view.mid = setting->view.spread_bps = NAN;
  setting->view.depth_5bps_ask = setting->view.depth_5bps_bid = NAN;
  plan_qty(setting, "5");
  assert_int_equal(next(setting), EXECUTION_SEND);
  assert_int_equal(setting->order.type, ORDER_LIMIT);
  assert_decimal(setting->order.price, "100.02");
  setting->plan = (struct plan){.side = ORDER_BUY, .intent = PLAN_ENTRY, .is_channel = true, .planned_price = dec("99"), .created_at = start};
  plan_qty(setting, "5");
  assert_int_equal(next(setting), EXECUTION_SEND); /* no cap: the channel takes what the next open gives */
  assert_int_equal(setting->order.type, ORDER_MARKET);
  assert_decimal(setting->order.qty, "5");
}

static void test_unknown_prices_wait(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  setting->view.ask = NAN;
  assert_int_equal(next(setting), EXECUTION_WAIT);
  setting->view.ask = 100;
  assert_int_equal(next(setting), EXECUTION_SEND);
}

static void test_stop_without_child_ends_at_once(void **state) {
  (void)state;
  struct setting *setting = begin();
  plan_qty(setting, "5");
  execution_stop(&setting->plan, PLAN_CANCELLED);
  assert_int_equal(next(setting), EXECUTION_END);
  assert_int_equal(setting->plan.ended_by, PLAN_CANCELLED);
  assert_decimal(setting->plan.filled_qty, "0");
}

/* Whatever depth and minimum notional are: children add up to the slices, each is sellable, and none shows more than it may unless the venue forces
 * it. */
static void test_children_add_up(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 11);
  for (int run = 0; run < 2000; run++) {
    struct setting *setting = begin();
    setting->preset.execution_config.enable_iceberg = true;
    setting->preset.execution_config.iceberg_min_notional = 20 + 1000 * random_unit(&random);
    setting->view.depth_5bps_ask = 100 + 20000 * random_unit(&random);
    int64_t qty = (1 + (int64_t)random_below(&random, 500)) * setting->instrument.lot_size;
    if (!execution_plan(&setting->plan, &setting->input, qty, &setting->reasons)) continue;
    int64_t planned = 0;
    for (int i = 0; i < setting->plan.slice_count; i++) planned += setting->plan.slice_qty[i];
    assert_true(planned <= qty);
    int64_t sent = 0;
    enum execution_step step;
    while ((step = next(setting)) != EXECUTION_END) {
      setting->input.ts += 3000;
      if (step != EXECUTION_SEND) continue;
      assert_true(instrument_is_sellable(&setting->instrument, setting->order.qty, setting->order.price));
      double shown = decimal_to_double(decimal_multiply(setting->order.qty, setting->order.price));
      assert_true(shown <= setting->preset.execution_config.iceberg_min_notional);
      sent += setting->order.qty;
      fill_child(setting, setting->order.price);
    }
    assert_int_equal(sent, planned);
    assert_int_equal(setting->plan.ended_by, PLAN_FILLED);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_default_limit),
                                     cmocka_unit_test(test_sell_rounds_up),
                                     cmocka_unit_test(test_run_away),
                                     cmocka_unit_test(test_caps),
                                     cmocka_unit_test(test_twap),
                                     cmocka_unit_test(test_depth_guard_reduces_and_refuses),
                                     cmocka_unit_test(test_slice_waits_for_depth),
                                     cmocka_unit_test(test_iceberg),
                                     cmocka_unit_test(test_children_are_proven),
                                     cmocka_unit_test(test_limit_timeout),
                                     cmocka_unit_test(test_fill_during_cancel),
                                     cmocka_unit_test(test_deadman),
                                     cmocka_unit_test(test_retest),
                                     cmocka_unit_test(test_post_only_is_tried_twice),
                                     cmocka_unit_test(test_other_rejection_ends),
                                     cmocka_unit_test(test_wide_spread_is_passive),
                                     cmocka_unit_test(test_market_and_fill_or_kill),
                                     cmocka_unit_test(test_candles_only),
                                     cmocka_unit_test(test_unknown_prices_wait),
                                     cmocka_unit_test(test_stop_without_child_ends_at_once),
                                     cmocka_unit_test(test_children_add_up)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
