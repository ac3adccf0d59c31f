/* A restart at any moment: the engine's image (or a shorter one and the events after it) comes back beside a venue that went on living, the recovery
 * event is given, and nothing is lost: positions are the same on both sides, every one has its stop, no order is an orphan, no id is used twice, and
 * the session goes on in the state it had. The requests that were on their way when the machine died are lost or arrive, both are tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "support/engine_fixture.h"

enum { SYMBOLS = 3, IDS_MAX = 4096, RESTARTS = 60 };

static struct rig rig;
static struct rig_series series[SYMBOLS];
static char ids[IDS_MAX][ORDER_ID_MAX]; /* of all orders ever placed */
static int32_t id_count;
static bool drops_requests; /* the machine died before its requests left */
static void (*venue_submit)(void *self, const struct intent *intent);

static void submit(void *self, const struct intent *intent) {
  if (drops_requests && intent->kind != INTENT_QUERY) return;
  if (intent->kind == INTENT_PLACE_ORDER) {
    const char *id = intent->place_order.order[0].client_order_id;
    for (int32_t i = 0; i < id_count; i++) assert_string_not_equal(ids[i], id);
    assert_true(id_count < IDS_MAX);
    memcpy(ids[id_count++], id, ORDER_ID_MAX);
  }
  venue_submit(self, intent);
}

static void open_world(void) {
  struct preset preset;
  struct rig_options options = rig_options();
  options.symbols = SYMBOLS;
  options.is_backtest = false;
  options.reconcile_interval_s = 60;
  options.max_participation = 0.2;
  for (int32_t i = 0; i < SYMBOLS; i++) rig_generate(&series[i], GENERATE_BREAKOUTS, 17, i, 1);
  rig_open(&rig, &options);
  rig_load_preset(&preset, "channel_baseline");
  rig_set(&preset, "channel_config.timeframe=1m");
  rig_set(&preset, "risk.max_consecutive_losses=20");
  rig_set(&preset, "risk.risk_per_trade=0.001");
  rig_set(&preset, "channel_config.stop_atr_mult=4");
  rig_use(&rig, &preset);
  id_count = 0;
  drops_requests = false;
  venue_submit = rig.exchange.submit;
  rig.exchange.submit = submit;
}

/* The engine dies and comes back from its image; the venue does not notice. */
static void restart(void) {
  size_t size = engine_snapshot_size(rig.engine);
  unsigned char *bytes = malloc(size);
  assert_non_null(bytes);
  engine_snapshot_save(rig.engine, bytes);
  arena_close(&rig.arena);
  assert_int_equal(arena_open(&rig.arena, engine_memory(&rig.limits)), STATUS_OK);
  assert_int_equal(engine_snapshot_load(&rig.arena, &rig.limits, bytes, size, &rig.engine), STATUS_OK);
  rig.runner.engine = rig.engine;
  free(bytes);
  rig_event(&rig, (struct event){.ts = engine_now(rig.engine) + 1000, .kind = EVENT_RECOVERY, .recovery = {.cause = RESTART_CRASH, .gap_ms = 1000}});
}

/* When the venue has answered: both sides know the same positions, and each has its stop. */
static void check_sides(void) {
  int32_t at_venue = 0;
  for (int32_t i = 0; i < SYMBOLS; i++) {
    struct venue_position position;
    at_venue += sim_position(&rig.sim, i, &position);
  }
  assert_int_equal(engine_position_count(rig.engine), at_venue);
  for (int32_t i = 0; i < engine_position_count(rig.engine); i++) {
    const struct position *ours = engine_position(rig.engine, i);
    struct venue_position theirs;
    assert_true(sim_position(&rig.sim, ours->symbol_index, &theirs));
    assert_int_equal(theirs.qty, ours->qty);
    assert_int_equal(theirs.side, ours->side);
    assert_true(ours->protected || ours->state == POSITION_EXITING);
  }
  struct sim_account account;
  sim_account(&rig.sim, &account);
  int32_t live = 0;
  for (int32_t i = 0; i < engine_order_count(rig.engine); i++) live += !order_is_ended(engine_order(rig.engine, i));
  assert_int_equal(account.live_orders, live);
}

static void restart_again_and_again(bool loses_requests) {
  int64_t restarts = 0;
  open_world();
  int64_t with_position = 0;
  int64_t with_entry = 0;
  for (int64_t t = RIG_START; t < RIG_START + DAY_MS && restarts < RESTARTS; t += MINUTE_MS) {
    if (t == RIG_START + 30 * MINUTE_MS) rig_command(&rig, COMMAND_START);
    bool dies = t > RIG_START + HOUR_MS && (t / MINUTE_MS) % 7 == 0;
    drops_requests = dies && loses_requests; /* what the last events of this minute ask for never leaves */
    rig_play(&rig, series, t + MINUTE_MS);
    drops_requests = false;
    if (!dies) continue;
    struct engine_status status;
    engine_status_read(rig.engine, &status);
    with_position += status.open_positions > 0;
    with_entry += status.slots_used > status.open_positions;
    restart();
    ++restarts;
    for (int64_t s = 2; s < 40; s++) rig_tick(&rig, t + MINUTE_MS + s * 1000, false); /* seconds in which the unknown is asked for */
    assert_int_equal(engine_session_state(rig.engine), SESSION_RUNNING);
    check_sides();
    assert_int_equal(engine_counts(rig.engine)->illegal_transitions, 0);
  }
  print_message("%lld restarts, %lld with a position, %lld with an entry at work, %lld fills, %lld trades\n", (long long)restarts,
                (long long)with_position, (long long)with_entry, (long long)rig.tally[RECORD_FILL], (long long)rig.tally[RECORD_TRADE]);
  assert_true(restarts == RESTARTS && with_position > 5 && rig.tally[RECORD_TRADE] > 5);
  struct sim_account account;
  sim_account(&rig.sim, &account);
  assert_int_equal(account.cash_usd, engine_ledger(rig.engine)->cash_usd);
  rig_close(&rig);
  rig_free_series(series, SYMBOLS);
}

static void test_requests_arrived(void **state) {
  (void)state;
  restart_again_and_again(false);
}

static void test_requests_were_lost(void **state) {
  (void)state;
  restart_again_and_again(true);
}

/* Sessions that were not running come back as what they were; a latch stays. */
static void test_states_come_back(void **state) {
  static const enum command before[] = {COMMAND_PAUSE, COMMAND_KILL_SWITCH, COMMAND_EMERGENCY_STOP, COMMAND_STOP};
  static const enum session_state after[] = {SESSION_PAUSED, SESSION_EMERGENCY, SESSION_EMERGENCY, SESSION_STOPPED};
  (void)state;
  for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
    open_world();
    rig_play(&rig, series, RIG_START + HOUR_MS);
    rig_command(&rig, COMMAND_START);
    rig_command(&rig, before[i]);
    assert_int_equal(engine_session_state(rig.engine), after[i]);
    restart();
    assert_int_equal(engine_session_state(rig.engine), after[i]);
    assert_int_equal(engine_counts(rig.engine)->illegal_transitions, 0);
    rig_close(&rig);
    rig_free_series(series, SYMBOLS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests_arrived),
      cmocka_unit_test(test_requests_were_lost),
      cmocka_unit_test(test_states_come_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
