/* Lists, scanner, decisions, charts and features against what the engine did and sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/text.h"
#include "runner/preset_store.h"
#include "support/market_fixture.h"

enum { IDS_MAX = 20000, ID_BYTES = 64 };

static struct market_fixture fixture;

static int open_all(void **state) {
  (void)state;
  market_fixture_open(&fixture);
  return 0;
}

static int close_all(void **state) {
  (void)state;
  market_fixture_close(&fixture);
  return 0;
}

/* ---- lists ---- */

struct ids {
  int32_t count;
  char id[IDS_MAX][ID_BYTES];
};
static struct ids expected, got;

struct truth {
  int64_t ts;
  int64_t number;
  char id[ID_BYTES];
};

static int compare_newest_first(const void *a, const void *b) {
  const struct truth *left = a;
  const struct truth *right = b;
  if (left->ts != right->ts) return left->ts < right->ts ? 1 : -1;
  return left->number < right->number ? 1 : left->number > right->number ? -1 : strcmp(right->id, left->id);
}

typedef bool wants(const void *object);

/* Ids of all records of a kind that are wanted, newest first, each once. */
static void list_truth(enum record_kind kind, const char *id, const char *time, wants *is_wanted) {
  static struct truth all[IDS_MAX];
  const struct field *id_field = schema_field(record_schemas[kind], id);
  const struct field *time_field = schema_field(record_schemas[kind], time);
  int32_t count = 0;
  for (int32_t i = 0; i < fixture.record_count; i++) {
    const char *object = fixture.records[i].object;
    if (fixture.records[i].kind != kind || (is_wanted != NULL && !is_wanted(object))) continue;
    struct truth *at = &all[count];
    struct text text;
    text_init(&text, at->id, sizeof at->id);
    schema_field_text(id_field, object, &text);
    memcpy(&at->ts, object + time_field->offset, sizeof at->ts);
    at->number = 0;
    if (id_field->kind == FIELD_KIND_ID) memcpy(&at->number, object + id_field->offset, sizeof at->number);
    bool is_again = false; /* a later state of the same */
    for (int32_t k = 0; k < count && kind != RECORD_DECISION; k++) is_again = is_again || strcmp(all[k].id, at->id) == 0;
    if (!is_again) assert_true(++count < IDS_MAX);
  }
  qsort(all, (size_t)count, sizeof all[0], compare_newest_first);
  expected.count = count;
  for (int32_t i = 0; i < count; i++) memcpy(expected.id[i], all[i].id, ID_BYTES);
}

/* An id of the last reply as list_truth has it; those of fills are numbers. */
static void take_id(const char *path, char out[ID_BYTES]) {
  const struct json *value = market_fixture_at(&fixture, path);
  assert_non_null(value);
  if (json_kind(value) == JSON_INT) {
    snprintf(out, ID_BYTES, "F%08lld", (long long)json_int(value));
  } else {
    text_copy(out, ID_BYTES, json_string(value));
  }
}

/* All pages of a list; archives everything before the page `moved`. */
static void walk(const char *target, const char *id, int limit, int moved) {
  char cursor[128] = "";
  char path[64];
  got.count = 0;
  for (int page = 0; page < 2000; page++) {
    if (page == moved) market_fixture_archive(&fixture, 0);
    assert_int_equal(market_fixture_get(&fixture, "%slimit=%d%s%s", target, limit, cursor[0] != '\0' ? "&cursor=" : "", cursor), 200);
    int32_t count = market_fixture_count(&fixture, "items");
    assert_true(count <= limit);
    for (int32_t i = 0; i < count; i++) {
      snprintf(path, sizeof path, "items.%d.%s", (int)i, id);
      take_id(path, got.id[got.count++]);
    }
    text_copy(cursor, sizeof cursor, market_fixture_text(&fixture, "next_cursor"));
    if (cursor[0] == '\0') return;
    assert_true(count == limit || fixture.look_ns > 0); /* full, or its time was over */
  }
  fail();
}

static void turn_expected(void) {
  for (int32_t i = 0; i < expected.count / 2; i++) {
    char swap[ID_BYTES];
    memcpy(swap, expected.id[i], ID_BYTES);
    memcpy(expected.id[i], expected.id[expected.count - 1 - i], ID_BYTES);
    memcpy(expected.id[expected.count - 1 - i], swap, ID_BYTES);
  }
}

static void assert_same(void) {
  assert_int_equal(got.count, expected.count);
  for (int32_t i = 0; i < got.count; i++) assert_string_equal(got.id[i], expected.id[i]);
}

static bool is_of_symbol_one(const void *object) {
  return strcmp(((const struct decision *)object)->symbol, engine_market(fixture.rig.engine, 1)->instrument.symbol) == 0;
}

static bool is_at_filter(const void *object) {
  return ((const struct decision *)object)->stage == STAGE_FILTER && is_of_symbol_one(object);
}

static void a_list_is_one_over_memory_and_database(void **unused) {
  (void)unused;
  market_fixture_archive(&fixture, 60); /* the newest are not stored yet */
  list_truth(RECORD_DECISION, "decision_id", "ts", NULL);
  assert_true(expected.count > 200);
  market_fixture_restart(&fixture, 150); /* memory knows the newest, the database the older ones, both some between */
  walk("/api/decisions?", "decision_id", 37, -1);
  assert_same();
  list_truth(RECORD_SIGNAL, "signal_id", "created_at", NULL);
  walk("/api/signals?", "signal_id", 3, -1);
  assert_true(expected.count > 3);
  assert_same();
  list_truth(RECORD_TRADE, "trade_id", "closed_at", NULL);
  walk("/api/trading/trades?", "trade_id", 2, -1);
  assert_true(expected.count > 2);
  assert_same();
  list_truth(RECORD_FILL, "fill_id", "ts", NULL);
  walk("/api/trading/fills?", "fill_id", 3, -1);
  assert_same();
  list_truth(RECORD_SCAN, "scan_id", "ts", NULL);
  walk("/api/scanner/history?", "scan_id", 50, -1);
  assert_same();
}

static void filters_hold_in_both(void **unused) {
  (void)unused;
  list_truth(RECORD_DECISION, "decision_id", "ts", is_of_symbol_one);
  assert_true(expected.count > 20);
  walk("/api/decisions?symbol=btcusdt&", "decision_id", 11, -1);
  assert_same();
  list_truth(RECORD_DECISION, "decision_id", "ts", is_at_filter);
  walk("/api/decisions?symbol=BTC-USDT&stage=FILTER&", "decision_id", 1000, -1);
  assert_same();
  assert_int_equal((int)market_fixture_number(&fixture, "total"), expected.count);
}

static void ascending_is_the_other_way_round(void **unused) {
  (void)unused;
  list_truth(RECORD_DECISION, "decision_id", "ts", NULL);
  turn_expected();
  walk("/api/decisions?order=asc&", "decision_id", 101, -1);
  assert_same();
}

static int64_t range_from, range_to;

static bool is_in_range(const void *object) {
  const struct decision *decision = object;
  return decision->ts >= range_from && decision->ts < range_to;
}

static void from_is_in_and_to_is_out(void **unused) {
  (void)unused;
  range_from = RIG_START + DAY_MS + 2 * HOUR_MS;
  range_to = range_from + 10 * HOUR_MS;
  list_truth(RECORD_DECISION, "decision_id", "ts", is_in_range);
  assert_true(expected.count > 20);
  char target[128];
  snprintf(target, sizeof target, "/api/decisions?from=%lld&to=%lld&", (long long)range_from, (long long)range_to);
  walk(target, "decision_id", 23, -1);
  assert_same();
}

/* Between two pages everything moves into the database: a cursor made before stays good, nothing comes twice, nothing is lost. */
static void a_cursor_survives_the_archive(void **unused) {
  (void)unused;
  list_truth(RECORD_DECISION, "decision_id", "ts", NULL);
  walk("/api/decisions?", "decision_id", 7, 2);
  assert_same();
}

/* On a slow machine a page of a filtered list ends early, and the next goes on: nothing is lost and nothing comes twice. */
static void a_page_that_is_cut_goes_on(void **unused) {
  (void)unused;
  fixture.look_ns = 40 * INT64_C(1000000);
  list_truth(RECORD_DECISION, "decision_id", "ts", is_of_symbol_one);
  walk("/api/decisions?symbol=btcusdt&", "decision_id", 1000, -1);
  assert_same();
  walk("/api/decisions?symbol=btcusdt&", "decision_id", 9, -1);
  assert_same();
  turn_expected();
  walk("/api/decisions?symbol=btcusdt&order=asc&", "decision_id", 1000, -1);
  assert_same();
  fixture.look_ns = 0;
}

static void totals_count_everything(void **unused) {
  (void)unused;
  list_truth(RECORD_DECISION, "decision_id", "ts", NULL);
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions?limit=5"), 200);
  assert_int_equal((int)market_fixture_number(&fixture, "total"), expected.count);
  list_truth(RECORD_TRADE, "trade_id", "closed_at", NULL);
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/trades?limit=1000"), 200);
  assert_int_equal((int)market_fixture_number(&fixture, "total"), expected.count);
}

static void closed_positions_and_orders_come_from_both(void **unused) {
  (void)unused;
  list_truth(RECORD_TRADE, "position_id", "position_id", NULL);
  walk("/api/trading/positions?state=closed&", "position_id", 2, -1);
  assert_same();
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/positions"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), engine_position_count(fixture.rig.engine));
}

static void csv_is_a_table_and_no_formula(void **unused) {
  (void)unused;
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions?limit=3&format=csv"), 200);
  assert_string_equal(fixture.reply.content_type, "text/csv; charset=utf-8");
  const char *csv = fixture.reply.body.data;
  int lines = 0;
  for (const char *at = csv; *at != '\0'; at++) {
    if (*at == '\n') ++lines;
    bool begins_cell = at == csv || at[-1] == '\n' || at[-1] == ',';
    if (begins_cell) assert_null(strchr("=+@\t\r", *at));
  }
  assert_int_equal(lines, 4);
  assert_int_equal(strncmp(csv, "decision_id,ts,symbol,stage,", 28), 0);
}

/* ---- scanner ---- */

static void the_last_scan_is_the_engine_s(void **unused) {
  (void)unused;
  const struct engine *engine = fixture.rig.engine;
  const struct scan_record *scan = engine_last_scan(engine);
  assert_int_equal(market_fixture_get(&fixture, "/api/scanner/last"), 200);
  assert_int_equal((int)market_fixture_number(&fixture, "scanned"), scan->scanned);
  assert_int_equal((int)market_fixture_number(&fixture, "candidates"), scan->candidates);
  assert_int_equal(market_fixture_count(&fixture, "items"), engine_scan_result_count(engine));
  const struct scan_result *first = engine_scan_result(engine, 0);
  assert_string_equal(market_fixture_text(&fixture, "items.0.symbol"), first->symbol);
  assert_int_equal((int)market_fixture_number(&fixture, "items.0.rank"), first->rank);
  market_fixture_near(market_fixture_number(&fixture, "items.0.score"), first->score, 1e-8);
  double sum = 0;
  for (int32_t i = 0; i < first->components_count; i++) {
    char path[96];
    snprintf(path, sizeof path, "items.0.components.%s.contribution", score_component_names[first->components[i].component]);
    sum += market_fixture_number(&fixture, path);
  }
  market_fixture_near(sum, first->score, 1e-6);
  assert_int_equal(market_fixture_count(&fixture, "items.0.metrics"), 14);
  assert_int_equal(market_fixture_count(&fixture, "items.0.levels"), engine_levels(engine, engine_find_symbol(engine, first->symbol))->active_count);
}

static void a_scan_of_the_past_keeps_its_rows(void **unused) {
  (void)unused;
  market_fixture_archive(&fixture, 0);
  const struct scan_result *past = NULL;
  for (int32_t i = 0; i < fixture.record_count && past == NULL; i++) {
    if (fixture.records[i].kind == RECORD_SCAN_RESULT) past = fixture.records[i].object;
  }
  assert_non_null(past);
  assert_int_equal(market_fixture_get(&fixture, "/api/scanner/history/N%08lld", (long long)past->scan_id), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.symbol"), past->symbol);
  market_fixture_near(market_fixture_number(&fixture, "items.0.score"), past->score, 1e-8);
  assert_int_equal(market_fixture_count(&fixture, "items.0.components"), past->components_count);
  assert_true(market_fixture_count(&fixture, "items.0.filters") > 0);
}

/* A new API for each: one scan in 5 s is allowed. */
static int scan(const char *target, const char *body) {
  market_fixture_restart(&fixture, 3000);
  return market_fixture_ask(&fixture, "POST", target, body);
}

static void a_dry_scan_changes_nothing(void **unused) {
  (void)unused;
  char before[DIGEST_TEXT_MAX];
  char after[DIGEST_TEXT_MAX];
  rig_digest(&fixture.rig, before);
  int32_t records = fixture.record_count;
  assert_int_equal(scan("/api/scanner/scan", "{\"preset\":\"breakout_v1\",\"limit\":2}"), 200);
  assert_string_equal(market_fixture_text(&fixture, "preset"), "breakout_v1");
  assert_string_equal(market_fixture_text(&fixture, "scan_id"), "");
  assert_int_equal((int)market_fixture_number(&fixture, "total_symbols"), MARKET_SYMBOLS);
  assert_int_equal(fixture.record_count, records);
  rig_digest(&fixture.rig, after);
  assert_string_equal(before, after);
  assert_int_equal(scan("/api/scanner/scan/breakout_v1", "{\"symbols\":[\"btcusdt\"]}"), 200);
  assert_true(market_fixture_count(&fixture, "items") <= 1);
}

static void a_scan_with_the_preset_in_force_is_a_scan(void **unused) {
  (void)unused;
  struct rig *rig = &fixture.rig;
  if (engine_session_state(rig->engine) != SESSION_RUNNING) { /* five losses in a row ended it */
    assert_int_equal(scan("/api/scanner/scan", "{}"), 409);
    assert_string_equal(market_fixture_text(&fixture, "code"), "illegal_command");
    rig_command_with(rig, (struct event_command){.command = COMMAND_RESET, .acknowledge_drawdown = true});
    rig_command(rig, COMMAND_START);
  }
  rig_tick(rig, engine_now(rig->engine) + 1000, false);
  rig_tick(rig, engine_now(rig->engine) + 6000, false);
  int64_t before = engine_last_scan(rig->engine)->scan_id;
  assert_int_equal(scan("/api/scanner/scan", "{}"), 200);
  assert_true(engine_last_scan(rig->engine)->scan_id > before);
  assert_string_equal(market_fixture_text(&fixture, "preset"), "loose");
  assert_int_equal(scan("/api/scanner/scan", "{}"), 429);
}

static void market_data_are_the_view(void **unused) {
  (void)unused;
  const struct engine *engine = fixture.rig.engine;
  struct market_view view;
  market_view_read(engine_market(engine, 0), engine_reference(engine), engine_now(engine), &view);
  assert_int_equal(market_fixture_get(&fixture, "/api/scanner/market-data/%s", engine_market(engine, 0)->instrument.venue_symbol), 200);
  assert_int_equal(market_fixture_count(&fixture, "fields"), market_field_count);
  for (int i = 0; i < market_field_count; i++) {
    char path[96];
    snprintf(path, sizeof path, "fields.%s.value", market_field_names[i]);
    double value = market_fixture_number(&fixture, path);
    if (isnan(view.field[i])) {
      assert_true(isnan(value));
      snprintf(path, sizeof path, "fields.%s.reason", market_field_names[i]);
      assert_string_not_equal(market_fixture_text(&fixture, path), "");
    } else {
      assert_true(fabs(value - view.field[i]) <= 1e-7 * fmax(1.0, fabs(view.field[i])));
    }
  }
}

/* ---- decisions ---- */

static void a_decision_by_its_id(void **unused) {
  (void)unused;
  market_fixture_archive(&fixture, 0);
  list_truth(RECORD_DECISION, "decision_id", "ts", NULL);
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions/%s", expected.id[0]), 200);
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions/%s", expected.id[expected.count - 1]), 200);
  assert_string_equal(market_fixture_text(&fixture, "decision_id"), expected.id[expected.count - 1]);
  assert_true(market_fixture_count(&fixture, "reasons") > 0);
  assert_string_equal(market_fixture_text(&fixture, "session_id"), "S000001");
  assert_string_equal(market_fixture_text(&fixture, "run_id"), ""); /* null: the running engine's */
}

static void trades_can_be_asked_by_preset(void **unused) {
  (void)unused;
  char preset[PRESET_NAME_BYTES];
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/trades"), 200);
  int32_t all = market_fixture_count(&fixture, "items");
  assert_true(all > 0);
  text_copy(preset, sizeof preset, market_fixture_text(&fixture, "items.0.preset"));
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/trades?preset=%s", preset), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), all);
  assert_int_equal(market_fixture_get(&fixture, "/api/trading/trades?preset=another"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 0);
}

/* The summary against a count of the records themselves. */
static void the_summary_is_a_count(void **unused) {
  (void)unused;
  int64_t since = engine_now(fixture.rig.engine) - 600 * MINUTE_MS;
  int64_t by_stage[stage_count][2] = {{0}};
  for (int32_t i = 0; i < fixture.record_count; i++) {
    const struct decision *decision = fixture.records[i].object;
    if (fixture.records[i].kind == RECORD_DECISION && decision->ts >= since) ++by_stage[decision->stage][decision->verdict == VERDICT_PASSED];
  }
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions/summary?minutes=600"), 200);
  for (int stage = 0; stage < stage_count; stage++) {
    char path[64];
    snprintf(path, sizeof path, "by_stage.%s.passed", stage_names[stage]);
    assert_int_equal((int)market_fixture_number(&fixture, path), by_stage[stage][1]);
    snprintf(path, sizeof path, "by_stage.%s.rejected", stage_names[stage]);
    assert_int_equal((int)market_fixture_number(&fixture, path), by_stage[stage][0]);
  }
  assert_int_equal((int)market_fixture_number(&fixture, "funnel.signalled"), by_stage[STAGE_SIGNAL][1]);
}

static void signals_say_why(void **unused) {
  (void)unused;
  market_fixture_restart(&fixture, INT32_MAX);
  assert_int_equal(market_fixture_get(&fixture, "/api/signals?limit=1"), 200);
  assert_true(market_fixture_count(&fixture, "items.0.reasons") > 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/signals?outcome=entered&limit=1"), 200);
  assert_true(market_fixture_count(&fixture, "items.0.targets") > 0);
}

/* ---- charts ---- */

static void candles_are_the_recorded_ones(void **unused) {
  (void)unused;
  const struct rig_series *series = &fixture.series[0];
  assert_int_equal(
      market_fixture_get(&fixture, "/api/charts/candles/%s?timeframe=1m&limit=1500", engine_market(fixture.rig.engine, 0)->instrument.venue_symbol),
      200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 1500);
  for (int32_t i = 0; i < 1500; i += 13) {
    const struct candle *candle = &series->items[series->count - 1500 + (size_t)i];
    char path[64];
    snprintf(path, sizeof path, "items.%d.ts", (int)i);
    assert_true((int64_t)market_fixture_number(&fixture, path) == candle->open_ts);
    snprintf(path, sizeof path, "items.%d.close", (int)i);
    market_fixture_near(market_fixture_number(&fixture, path), candle->close, 1e-8);
    snprintf(path, sizeof path, "items.%d.volume", (int)i);
    assert_true(fabs(market_fixture_number(&fixture, path) - candle->volume) < 1e-6 * candle->volume + 1e-8);
  }
}

/* A candle of 5m is the sum of its five; the one that is still open tells what has closed of it. */
static void longer_candles_are_sums(void **unused) {
  (void)unused;
  int64_t to = RIG_START + 2 * DAY_MS - HOUR_MS;
  assert_int_equal(market_fixture_get(&fixture, "/api/charts/candles?symbol=btcusdt&timeframe=5m&to=%lld&limit=10", (long long)to), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 10);
  assert_true((int64_t)market_fixture_number(&fixture, "items.9.ts") == to - 5 * MINUTE_MS);
  const struct candle *part = NULL;
  for (size_t i = 0; i < fixture.series[1].count; i++) {
    if (fixture.series[1].items[i].open_ts == to - 5 * MINUTE_MS) part = &fixture.series[1].items[i];
  }
  assert_non_null(part);
  double high = 0;
  double volume = 0;
  for (int i = 0; i < 5; i++) {
    high = fmax(high, part[i].high);
    volume += part[i].volume;
  }
  market_fixture_near(market_fixture_number(&fixture, "items.9.open"), part[0].open, 1e-8);
  market_fixture_near(market_fixture_number(&fixture, "items.9.high"), high, 1e-8);
  market_fixture_near(market_fixture_number(&fixture, "items.9.close"), part[4].close, 1e-8);
  assert_true(fabs(market_fixture_number(&fixture, "items.9.volume") - volume) < 1e-6 * volume);
  struct candle next = *candle_series_newest(&engine_market(fixture.rig.engine, 1)->series[TIMEFRAME_1M]);
  rig_bar(&fixture.rig, 1, next.close, next.close * 1.001, next.close * 0.999, next.close * 1.0005);
  assert_int_equal(market_fixture_get(&fixture, "/api/charts/candles?symbol=btcusdt&timeframe=1h&limit=1"), 200);
  assert_int_equal(json_kind(market_fixture_at(&fixture, "items.0.closed")), JSON_BOOL);
  assert_false(json_bool(market_fixture_at(&fixture, "items.0.closed")));
  market_fixture_near(market_fixture_number(&fixture, "items.0.high"), next.close * 1.001, 1e-8);
}

static int count_markers(const char *kind) {
  int count = 0;
  for (int32_t i = 0; i < market_fixture_count(&fixture, "items"); i++) {
    char path[64];
    snprintf(path, sizeof path, "items.%d.kind", (int)i);
    count += strcmp(market_fixture_text(&fixture, path), kind) == 0 ? 1 : 0;
  }
  return count;
}

static void markers_are_what_happened(void **unused) {
  (void)unused;
  const char *symbol = engine_market(fixture.rig.engine, 0)->instrument.symbol;
  int fills = 0;
  int exits = 0;
  int moves = 0;
  for (int32_t i = 0; i < fixture.record_count; i++) {
    const void *object = fixture.records[i].object;
    if (fixture.records[i].kind == RECORD_FILL) fills += strcmp(((const struct fill *)object)->symbol, symbol) == 0;
    if (fixture.records[i].kind == RECORD_TRADE) exits += strcmp(((const struct trade *)object)->symbol, symbol) == 0;
    if (fixture.records[i].kind == RECORD_STOP_MOVE) moves += strcmp(((const struct stop_move *)object)->symbol, symbol) == 0;
  }
  market_fixture_archive(&fixture, 20);
  for (int round = 0; round < 2; round++) {
    if (round == 1) market_fixture_restart(&fixture, 300); /* most from the database, some from both */
    assert_int_equal(market_fixture_get(&fixture, "/api/charts/markers/%s", engine_market(fixture.rig.engine, 0)->instrument.venue_symbol), 200);
    assert_true(fills > 0 && exits > 0);
    assert_int_equal(count_markers("fill"), fills);
    assert_int_equal(count_markers("exit"), exits);
    assert_int_equal(count_markers("stop_moved"), moves);
    assert_true(count_markers("breakout") > 0 && count_markers("signal") > 0 && count_markers("entry") > 0);
  }
}

/* The level's state at a time is that of its newest change until then. */
static void levels_of_the_past_have_the_states_of_then(void **unused) {
  (void)unused;
  market_fixture_archive(&fixture, 0);
  const char *symbol = engine_market(fixture.rig.engine, 0)->instrument.symbol;
  int64_t at = RIG_START + DAY_MS + 6 * HOUR_MS;
  assert_int_equal(
      market_fixture_get(&fixture, "/api/charts/levels/%s?at=%lld", engine_market(fixture.rig.engine, 0)->instrument.venue_symbol, (long long)at),
      200);
  int32_t count = market_fixture_count(&fixture, "items");
  assert_true(count > 0);
  for (int32_t i = 0; i < count; i++) {
    char path[64];
    char id[16];
    const struct level_change *newest = NULL;
    snprintf(path, sizeof path, "items.%d.level_id", (int)i);
    for (int32_t k = 0; k < fixture.record_count; k++) {
      const struct level_change *change = fixture.records[k].object;
      if (fixture.records[k].kind != RECORD_LEVEL || change->ts > at || strcmp(change->level[0].symbol, symbol) != 0) continue;
      snprintf(id, sizeof id, "L%08lld", (long long)change->level[0].level_id);
      if (strcmp(id, market_fixture_text(&fixture, path)) == 0) newest = change;
    }
    assert_non_null(newest);
    snprintf(path, sizeof path, "items.%d.state", (int)i);
    assert_string_equal(market_fixture_text(&fixture, path), level_state_names[newest->level[0].state]);
  }
  assert_int_equal(market_fixture_get(&fixture, "/api/charts/levels/btcusdt?states=failed,expired"), 200);
}

/* ---- features ---- */

static void features_are_the_engine_s(void **unused) {
  (void)unused;
  const struct engine *engine = fixture.rig.engine;
  assert_int_equal(market_fixture_get(&fixture, "/api/features/levels?symbol=BTCUSDT&include_metrics=true"), 200);
  assert_int_equal(market_fixture_count(&fixture, "levels"), engine_levels(engine, 1)->active_count);
  assert_true(market_fixture_count(&fixture, "statistics") > 0);
  assert_true(isfinite(market_fixture_number(&fixture, "approach_metrics.slope_pct_per_bar")));
  assert_int_equal(market_fixture_get(&fixture, "/api/features/health"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), MARKET_SYMBOLS);
  assert_true(json_bool(market_fixture_at(&fixture, "items.0.ages.candles.capable")));
  assert_false(json_bool(market_fixture_at(&fixture, "items.0.ages.book.capable")));
  assert_int_equal(market_fixture_get(&fixture, "/api/features/activity?symbol=BTCUSDT"), 503);
  assert_int_equal(market_fixture_get(&fixture, "/api/features/density?symbol=BTCUSDT"), 503);
}

/* ---- bad input ---- */

static void bad_questions_are_refused(void **unused) {
  (void)unused;
  static const struct {
    int status;
    const char *target;
  } rows[] = {
      {400, "/api/decisions?limit=0"},
      {400, "/api/decisions?limit=-1"},
      {400, "/api/decisions?limit=1000000000"},
      {400, "/api/decisions?limit=ten"},
      {400, "/api/decisions?cursor=forged"},
      {400, "/api/decisions?cursor=1.D"},
      {400, "/api/decisions?cursor=x.D0000000001"},
      {400, "/api/decisions?cursor=1746403200000.T00000001"},
      {400, "/api/decisions?cursor=1746403200000.D00000000000000000000000001"},
      {400, "/api/decisions?from=2000000000000&to=1000000000000"},
      {400, "/api/decisions?from=yesterday"},
      {400, "/api/decisions?stage=nowhere"},
      {400, "/api/decisions?order=up"},
      {400, "/api/decisions?format=xml"},
      {400, "/api/decisions?colour=red"},
      {400, "/api/trading/positions?state=closed&cursor=5.P00000001"},
      {400, "/api/signals?outcome=great"},
      {400, "/api/decisions/summary?minutes=0"},
      {404, "/api/decisions/D9999999999"},
      {404, "/api/decisions/why/NOSUCHUSDT"},
      {404, "/api/decisions/x%27;DROP"},
      {404, "/api/scanner/history/N99999999"},
      {404, "/api/scanner/history/scan"},
      {404, "/api/scanner/market-data/NOSUCHUSDT"},
      {400, "/api/scanner/last?limit=0"},
      {400, "/api/scanner/last?passed=maybe"},
      {404, "/api/charts/candles/NOSUCH-USDT"},
      {404, "/api/charts/candles"},
      {400, "/api/charts/candles/BTCUSDT?timeframe=2m"},
      {400, "/api/charts/candles/BTCUSDT?limit=1501"},
      {400, "/api/charts/candles/BTCUSDT?from=1746403200000&to=1"},
      {400, "/api/charts/levels/BTCUSDT?states=solid"},
      {400, "/api/charts/levels/BTCUSDT?states="},
      {404, "/api/charts/markers/%2e%2e%2fetc"},
      {404, "/api/features/levels"},
      {400, "/api/features/levels?symbol=BTCUSDT&include_metrics=2"},
      {400, "/api/features/density?symbol=BTCUSDT&range_bps=0"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int status = market_fixture_get(&fixture, "%s", rows[i].target);
    if (status != rows[i].status) print_message("%s: %d %s\n", rows[i].target, status, fixture.reply.body.data);
    assert_int_equal(status, rows[i].status);
    assert_string_equal(fixture.reply.content_type, "application/problem+json");
  }
  assert_int_equal(scan("/api/scanner/scan", "{\"preset\":\"../../etc/passwd\"}"), 404);
  assert_int_equal(scan("/api/scanner/scan", "{\"limit\":0}"), 422);
  assert_int_equal(scan("/api/scanner/scan", "{\"limit\":501}"), 422);
  assert_int_equal(scan("/api/scanner/scan", "{\"symbols\":[1]}"), 422);
  assert_int_equal(scan("/api/scanner/scan", "{\"symbols\":[\"NOPE\"]}"), 422);
  assert_int_equal(scan("/api/scanner/scan/nosuch", "{}"), 404);
}

/* ---- without the database ---- */

static void a_locked_or_lost_database_leaves_what_memory_has(void **unused) {
  (void)unused;
  char path[300];
  char away[320];
  market_fixture_restart(&fixture, 3000);
  snprintf(path, sizeof path, "%s/bot.db", fixture.folder);
  snprintf(away, sizeof away, "%s.away", path);
  assert_int_equal(rename(path, away), 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions?limit=5"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 5);
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions?limit=5&cursor=1746403300000.D0000000001"), 503);
  assert_int_equal(rename(away, path), 0);
  assert_int_equal(market_fixture_get(&fixture, "/api/decisions?limit=5&cursor=1746603300000.D0000000001"), 200);
}

/* ---- what the venue allows, what a reload would do ---- */

static void instruments_have_their_steps(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/instruments"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), engine_symbol_count(fixture.rig.engine));
  for (int32_t i = 0; i < MARKET_SYMBOLS; i++) {
    const struct instrument *instrument = &engine_market(fixture.rig.engine, i)->instrument;
    assert_int_equal(market_fixture_get(&fixture, "/api/instruments?symbol=%s", instrument->venue_symbol), 200);
    assert_int_equal(market_fixture_count(&fixture, "items"), 1);
    assert_string_equal(market_fixture_text(&fixture, "items.0.symbol"), instrument->symbol);
    market_fixture_near(market_fixture_number(&fixture, "items.0.tick_size"), decimal_to_double(instrument->tick_size), 1e-12);
    double decimals = market_fixture_number(&fixture, "items.0.price_decimals");
    double steps = decimal_to_double(instrument->tick_size) * pow(10, decimals);
    market_fixture_near(steps, round(steps), 1e-9);                             /* no digit of a price is behind them, */
    if (decimals > 0) assert_true(fabs(steps / 10 - round(steps / 10)) > 1e-3); /* and one fewer would hide one */
  }
  assert_int_equal(market_fixture_get(&fixture, "/api/instruments?symbol=NONSENSE"), 404);
}

static void a_reload_is_shown_before_it_is_done(void **state) {
  (void)state;
  struct preset changed = *engine_preset(fixture.rig.engine);
  struct preset_store store;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(market_fixture_get(&fixture, "/api/engine/reload"), 404); /* it has no file */
  preset_store_init(&store, fixture.folder, fixture.folder);
  assert_int_equal(preset_store_save(&store, &changed, RIG_START, &problem), STATUS_OK);
  assert_int_equal(market_fixture_get(&fixture, "/api/engine/reload"), 200);
  assert_int_equal(market_fixture_count(&fixture, "changed"), 0);
  assert_string_equal(market_fixture_text(&fixture, "hash"), market_fixture_text(&fixture, "new_hash"));
  double old = changed.risk.risk_per_trade;
  changed.risk.risk_per_trade = old / 2;
  assert_int_equal(preset_store_save(&store, &changed, RIG_START + 1, &problem), STATUS_OK);
  assert_int_equal(market_fixture_get(&fixture, "/api/engine/reload"), 200);
  assert_string_equal(market_fixture_text(&fixture, "preset"), changed.name);
  assert_int_equal(market_fixture_count(&fixture, "changed"), 1);
  assert_string_equal(market_fixture_text(&fixture, "changed.0.key"), "risk.risk_per_trade");
  market_fixture_near(strtod(market_fixture_text(&fixture, "changed.0.old"), NULL), old, 1e-12);
  market_fixture_near(strtod(market_fixture_text(&fixture, "changed.0.new"), NULL), old / 2, 1e-12);
  market_fixture_near(engine_preset(fixture.rig.engine)->risk.risk_per_trade, old, 0); /* nothing was changed */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_is_one_over_memory_and_database),
      cmocka_unit_test(filters_hold_in_both),
      cmocka_unit_test(ascending_is_the_other_way_round),
      cmocka_unit_test(from_is_in_and_to_is_out),
      cmocka_unit_test(a_page_that_is_cut_goes_on),
      cmocka_unit_test(totals_count_everything),
      cmocka_unit_test(closed_positions_and_orders_come_from_both),
      cmocka_unit_test(a_cursor_survives_the_archive),
      cmocka_unit_test(csv_is_a_table_and_no_formula),
      cmocka_unit_test(the_last_scan_is_the_engine_s),
      cmocka_unit_test(a_scan_of_the_past_keeps_its_rows),
      cmocka_unit_test(a_dry_scan_changes_nothing),
      cmocka_unit_test(market_data_are_the_view),
      cmocka_unit_test(a_decision_by_its_id),
      cmocka_unit_test(trades_can_be_asked_by_preset),
      cmocka_unit_test(the_summary_is_a_count),
      cmocka_unit_test(signals_say_why),
      cmocka_unit_test(candles_are_the_recorded_ones),
      cmocka_unit_test(markers_are_what_happened),
      cmocka_unit_test(levels_of_the_past_have_the_states_of_then),
      cmocka_unit_test(features_are_the_engine_s),
      cmocka_unit_test(instruments_have_their_steps),
      cmocka_unit_test(a_reload_is_shown_before_it_is_done),
      cmocka_unit_test(bad_questions_are_refused),
      cmocka_unit_test(a_locked_or_lost_database_leaves_what_memory_has),
      cmocka_unit_test(longer_candles_are_sums),
      cmocka_unit_test(a_scan_with_the_preset_in_force_is_a_scan),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
