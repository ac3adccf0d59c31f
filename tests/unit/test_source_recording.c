/* Recorded streams: the scanner, the messages of each venue, and the sequence rules of their order books. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/source/recording.h"
#include "adapters/source/source.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

static struct problem problem;
static char path[64];

static int make_file(void **state) {
  (void)state;
  strcpy(path, "/tmp/BTCUSDT-l2-XXXXXX.txt");
  const int fd = mkstemps(path, 4);
  return fd >= 0 ? close(fd) : -1;
}

static int remove_file(void **state) {
  (void)state;
  return unlink(path);
}

static void write_lines(const char *text) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
  assert_int_equal(fclose(file), 0);
}

/* The events of a recording in one line: S snapshot, d delta, t trade, m mark, each with its last sequence number or time. */
static void summarise(char *out, size_t size, struct recording_counts *counts) {
  struct recording *recording;
  struct recording_event event;
  const char *const paths[] = {path};
  struct text text;
  text_init(&text, out, size);
  problem_clear(&problem);
  assert_int_equal(recording_open(&recording, paths, 1, "BTCUSDT", &problem), STATUS_OK);
  enum status status;
  while ((status = recording_next(recording, &event, &problem)) == STATUS_OK) {
    if (text.length > 0) text_add_char(&text, ' ');
    const enum message_kind kind = event.message->kind;
    text_add_char(&text, kind == MESSAGE_TRADE ? 't' : (kind == MESSAGE_MARK ? 'm' : (event.book.is_snapshot ? 'S' : 'd')));
    text_add_i64(&text, kind == MESSAGE_BOOK ? event.book.last_seq : event.ts);
  }
  assert_int_equal(status, STATUS_END);
  *counts = *recording_counts(recording);
  recording_close(recording);
}

static void test_scanner(void **state) {
  (void)state;
  const char *text = " {\"a\" : [ {\"x\":\"q\\\"]}\"}, [], 1.5 ] ,\"b\":\"58710.20\", \"c\":-12,\"d\":null } ";
  struct json_scan scan;
  struct json_text key;
  int64_t exact = 0, integer = 0;
  double number = 0;
  json_scan_init(&scan, text, strlen(text));
  assert_true(json_scan_enter(&scan, '{'));
  assert_true(json_scan_member(&scan, &key) && json_scan_is(&key, "a"));
  json_scan_skip(&scan);
  assert_true(json_scan_member(&scan, &key) && json_scan_is(&key, "b") && json_scan_decimal(&scan, &exact));
  assert_int_equal(exact, INT64_C(5871020000000));
  assert_true(json_scan_member(&scan, &key) && json_scan_integer(&scan, &integer));
  assert_int_equal(integer, -12);
  assert_true(json_scan_member(&scan, &key) && json_scan_double(&scan, &number));
  assert_true(isnan(number));
  assert_false(json_scan_member(&scan, &key));
  assert_false(scan.has_failed);
  const char *const bad[] = {"",      "{",           "{\"a\"",     "{\"a\":}", "{\"a\":1,}",        "{,}", "{\"a\":[1,]}", "{\"a\":[1 2]}",
                             "{a:1}", "{\"a\":\"x}", "{\"a\":1}}", "[]",       "{,\"k\":\"trade\"}"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    struct message message = {0};
    const char *what = NULL;
    assert_false(message_parse(&message, bad[i], strlen(bad[i]), &what));
    assert_non_null(what);
    message_deinit(&message);
  }
  struct message message = {0};
  const char *what = NULL;
  assert_true(message_parse(&message, "{} ", 3, &what));
  assert_false(message_parse(&message, "{}\0", 3, &what)); /* a byte 0 is no end */
  message_deinit(&message);
}

/* What only few messages have does not stay for the next one. */
static void test_nothing_stays(void **state) {
  static const char *const first = "{\"status\":\"suspended\"}";
  static const char *const second = "{\"k\":\"instrument\",\"symbol\":\"A\",\"ts\":2,\"tick_size\":\"0.5\",\"lot_size\":\"0.001\"}";
  struct message message = {0};
  const char *what = NULL;
  (void)state;
  assert_true(message_parse(&message, "{}", 2, &what));
  assert_true(message_parse(&message, first, strlen(first), &what));
  assert_int_equal(message.status.length, 9);
  assert_true(message_parse(&message, second, strlen(second), &what));
  assert_null(message.status.data);
  assert_true(message_parse(&message, first, strlen(first), &what));
  assert_int_equal(message.tick_size, 0);
  message_deinit(&message);
}

/* "How to manage a local order book correctly", USD-M futures: the first delta after the snapshot spans it, then pu continues. */
static void test_futures_sequence(void **state) {
  (void)state;
  char summary[200];
  struct recording_counts counts;
  write_lines(
      "1723161255030314667 "
      "{\"stream\":\"btcusdt@depth@0ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000100,\"T\":1,\"s\":\"BTCUSDT\",\"U\":90,\"u\":95,\"pu\":89,"
      "\"b\":[[\"1\",\"1\"]],\"a\":[]}}\n"
      "1723161255030314668 "
      "{\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000200,\"s\":\"BTCUSDT\",\"U\":97,\"u\":105,\"pu\":95,\"b\":[[\"1\",\"2\"]],\"a\":[]}}\n"
      "1723161255030314669 {\"lastUpdateId\":100,\"E\":1000000000150,\"T\":2,\"bids\":[[\"58710.20\",\"0.014\"]],\"asks\":[[\"58710.30\",\"1\"]]}\n"
      "1723161255030314670 "
      "{\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000300,\"s\":\"BTCUSDT\",\"U\":110,\"u\":112,\"pu\":105,\"b\":[],\"a\":[]}}\n"
      "1723161255030314671 "
      "{\"data\":{\"e\":\"trade\",\"E\":1000000000290,\"T\":1000000000280,\"s\":\"BTCUSDT\",\"t\":1,\"p\":\"58710.2\",\"q\":\"0.5\",\"X\":\"MARKET\","
      "\"m\":true}}\n"
      "1723161255030314672 "
      "{\"data\":{\"e\":\"bookTicker\",\"u\":111,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\",\"E\":1000000000310}}\n"
      "1723161255030314673 "
      "{\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000400,\"s\":\"BTCUSDT\",\"U\":120,\"u\":121,\"pu\":119,\"b\":[],\"a\":[]}}\n"
      "1723161255030314674 "
      "{\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000500,\"s\":\"BTCUSDT\",\"U\":122,\"u\":125,\"pu\":121,\"b\":[],\"a\":[]}}\n"
      "1723161255030314675 {\"lastUpdateId\":123,\"bids\":[],\"asks\":[]}\n");
  summarise(summary, sizeof summary, &counts);
  /* 95 is older than the snapshot; 121 breaks the sequence and is handed on once; 125 waits for the second snapshot. The trade is never earlier than
   * what was received before it. */
  assert_string_equal(summary, "S100 d105 d112 t1000000000300 d121 S123 d125");
  assert_int_equal(counts.gaps, 1);
  assert_int_equal(counts.stale, 1);
  assert_int_equal(counts.waiting, 0);
  assert_int_equal(counts.invalid, 0);
}

/* Spot: no pu; U is at most the id before + 1. Snapshots carry no time. */
static void test_spot_sequence(void **state) {
  (void)state;
  char summary[200];
  struct recording_counts counts;
  write_lines(
      "1 {\"data\":{\"u\":9,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\"}}\n"
      "2 {\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000100,\"s\":\"BTCUSDT\",\"U\":10,\"u\":12,\"b\":[],\"a\":[]}}\n"
      "3 {\"lastUpdateId\":14,\"bids\":[],\"asks\":[]}\n"
      "4 {\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000200,\"s\":\"BTCUSDT\",\"U\":13,\"u\":15,\"b\":[],\"a\":[]}}\n"
      "5 {\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000300,\"s\":\"BTCUSDT\",\"U\":16,\"u\":18,\"b\":[],\"a\":[]}}\n"
      "6 {\"data\":{\"e\":\"depthUpdate\",\"E\":1000000000400,\"s\":\"BTCUSDT\",\"U\":20,\"u\":21,\"b\":[],\"a\":[]}}\n");
  summarise(summary, sizeof summary, &counts);
  assert_string_equal(summary, "S14 d15 d18 d21");
  assert_int_equal(counts.gaps, 1);
}

/* Bybit: each u follows the one before; u = 1 is a snapshot after a restart, whatever it is called. */
static void test_bybit_sequence(void **state) {
  (void)state;
  char summary[200];
  struct recording_counts counts;
  write_lines(
      "{\"topic\":\"orderbook.500.BTCUSDT\",\"type\":\"snapshot\",\"ts\":1733011200691,\"data\":{\"s\":\"BTCUSDT\",\"b\":[[\"1.9531\",\"6203\"]],"
      "\"a\":[],\"u\":20,\"seq\":130020238981},\"cts\":1}\n"
      "{\"topic\":\"orderbook.500.BTCUSDT\",\"type\":\"delta\",\"ts\":1733011200693,\"data\":{\"s\":\"BTCUSDT\",\"b\":[[\"1.9531\",\"0\"]],\"a\":[],"
      "\"u\":21,\"seq\":130020239261},\"cts\":1}\n"
      "{\"topic\":\"orderbook.500.BTCUSDT\",\"type\":\"delta\",\"ts\":1733011200790,\"data\":{\"s\":\"BTCUSDT\",\"b\":[],\"a\":[],\"u\":1,\"seq\":"
      "130020239300},\"cts\":1}\n"
      "{\"topic\":\"orderbook.500.BTCUSDT\",\"type\":\"delta\",\"ts\":1733011200800,\"data\":{\"s\":\"BTCUSDT\",\"b\":[],\"a\":[],\"u\":2,\"seq\":"
      "130020239301},\"cts\":1}\n"
      "{\"topic\":\"orderbook.500.BTCUSDT\",\"type\":\"delta\",\"ts\":1733011200900,\"data\":{\"s\":\"BTCUSDT\",\"b\":[],\"a\":[],\"u\":4,\"seq\":"
      "130020239302},\"cts\":1}\n");
  summarise(summary, sizeof summary, &counts);
  assert_string_equal(summary, "S20 d21 S1 d2 d4");
  assert_int_equal(counts.gaps, 1);
}

static void test_cryptofeed_prefix(void **state) {
  (void)state;
  char summary[200];
  struct recording_counts counts;
  write_lines(
      "wss://fstream.binance.com/stream?streams=btcusdt@aggTrade <-> 1626992740.179554\n"
      "configuration: {\"trades\":[\"BTC-USDT-PERP\"]}\n"
      "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000 -> 1626992741.301402: "
      "{\"lastUpdateId\":7,\"E\":1626992741264,\"bids\":[],\"asks\":[]}\n"
      "1626992741.5: "
      "{\"stream\":\"btcusdt@aggTrade\",\"data\":{\"e\":\"aggTrade\",\"E\":1626992741575,\"a\":1,\"s\":\"BTCUSDT\",\"p\":\"1.01100\",\"q\":\"10\","
      "\"f\":2,\"l\":2,\"T\":1626992741421,\"m\":false}}\n"
      "1626992742: "
      "{\"data\":{\"e\":\"markPriceUpdate\",\"E\":1626992742000,\"s\":\"BTCUSDT\",\"p\":\"28145.123456789\",\"r\":\"0.0001\",\"T\":1}}\n");
  summarise(summary, sizeof summary, &counts);
  assert_string_equal(summary, "S7 t1626992741421 m1626992742000");
}

static void test_jsonl(void **state) {
  (void)state;
  write_lines(
      "{\"k\":\"instrument\",\"symbol\":\"BTCUSDT\",\"ts\":1704067200000,\"tick_size\":\"0.5\",\"lot_size\":\"0.001\",\"max_leverage\":100,"
      "\"status\":\"suspended\"}\n"
      "{\"k\":\"candle\",\"symbol\":\"BTC/USDT:USDT\",\"ts\":1704067260000,\"o\":2,\"h\":3,\"l\":1,\"c\":3,\"v\":20,\"q\":50}\n"
      "{\"k\":\"candle\",\"symbol\":\"BTCUSDT\",\"ts\":1704067200000,\"o\":1,\"h\":4,\"l\":0.5,\"c\":2,\"v\":10,\"q\":15}\n"
      "{\"k\":\"funding\",\"symbol\":\"BTCUSDT\",\"ts\":1704067200000,\"rate\":-0.0001}\n"
      "{\"k\":\"ticker\",\"symbol\":\"BTCUSDT\",\"ts\":1704067201000,\"last\":2,\"bid\":1.5,\"ask\":2.5}\n"
      "{\"k\":\"book\",\"symbol\":\"BTCUSDT\",\"ts\":1704067201000,\"type\":\"snapshot\",\"seq\":5,\"b\":[[\"1.5\",\"2\"]],\"a\":[[\"2.5\",\"3\"]]}\n"
      "{\"k\":\"trade\",\"symbol\":\"BTCUSDT\",\"ts\":1704067202000,\"p\":\"2\",\"q\":\"0.1\",\"side\":\"sell\"}\n"
      "{\"k\":\"oi\",\"symbol\":\"BTCUSDT\",\"ts\":1704067203000,\"oi\":1000.5}\n");
  static const enum source_kind wanted[] = {SOURCE_FUNDING,       SOURCE_TICKER, SOURCE_BOOK,   SOURCE_TRADES,
                                            SOURCE_OPEN_INTEREST, SOURCE_CANDLE, SOURCE_CANDLE, SOURCE_END};
  struct source *source;
  struct source_item item = {0};
  const struct source_options options = {.data = path};
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
    assert_int_equal(source_next(source, &item, &problem), STATUS_OK);
    assert_int_equal(item.kind, wanted[i]);
    if (item.kind == SOURCE_TICKER) assert_true(item.ticker.bid == 1.5 && isnan(item.ticker.mark));
    if (item.kind == SOURCE_BOOK) assert_int_equal(item.book->asks[0].qty, 3 * DECIMAL_ONE);
    if (item.kind == SOURCE_TRADES) assert_false(item.trades[0].is_buy);
    if (item.kind == SOURCE_OPEN_INTEREST) assert_true(item.value == 1000.5 && isnan(item.value_usd));
  }
  assert_true(source_instrument(source, 0, INT64_C(1704067199999))->is_default);
  const struct instrument *instrument = source_instrument(source, 0, INT64_C(1704067200000));
  assert_int_equal(instrument->tick_size, DECIMAL_ONE / 2);
  assert_int_equal(instrument->status, INSTRUMENT_SUSPENDED);
  assert_int_equal(source_capabilities(source, 0), (1 << CAPABILITY_COUNT) - 1);
  source_close(source);
  write_lines(
      "{\"k\":\"candle\",\"symbol\":\"BTCUSDT\",\"ts\":1704067200000,\"o\":1,\"h\":0.5,\"l\":0.5,\"c\":2,\"v\":10}\n{\"k\":\"what\",\"symbol\":\"B\","
      "\"ts\":1}\n");
  assert_int_equal(source_open(&source, &options, &problem), STATUS_BAD_INPUT);
}

/* Every recorded book of the set: no break, never crossed after any change, through the engine's own book. */
static void check_books(const char *data) {
  enum { DEPTH = 200 };
  static struct book_level bids[8][DEPTH], asks[8][DEPTH];
  struct order_book books[8];
  struct source *source;
  struct source_item item;
  const struct source_options options = {.data = data, .allows_bad_data = true};
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
  assert_int_equal(problem.count, 0);
  for (int i = 0; i < 8; i++) order_book_init(&books[i], bids[i], asks[i], DEPTH);
  int64_t changes = 0;
  for (;;) {
    assert_int_equal(source_next(source, &item, &problem), STATUS_OK);
    if (item.kind == SOURCE_END) break;
    if (item.kind != SOURCE_BOOK) continue;
    struct order_book *book = &books[item.symbol];
    assert_true(order_book_apply(book, item.book, item.ts));
    assert_true(book->bid_count == 0 || book->ask_count == 0 || book->bids[0].price < book->asks[0].price);
    changes++;
  }
  assert_true(changes >= 50);
  source_close(source);
}

static void test_shared_books(void **state) {
  (void)state;
  static const char *const names[] = {"l2/binance-usdm/BTCUSDT-2024-08-08.txt.zst",        "l2/binance-usdm/ETHUSDT-2024-08-08.txt.zst",
                                      "l2/binance-usdm/BTCUSDT-2023-04-04.txt.zst",        "l2/binance-usdm/cryptofeed-2021-07-22",
                                      "l2/binance-spot/BTCUSDT-2024-08-08.txt.zst",        "l2/binance-spot/ETHUSDT-2024-08-08.txt.zst",
                                      "l2/bybit-linear/XRPUSDT-ob500-2024-12-01.jsonl.zst"};
  const char *shared = getenv("BREAKOUT_SHARED_DATA");
  if (!shared) {
    print_message("skipped: BREAKOUT_SHARED_DATA is not set\n");
    skip();
  }
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char data[300];
    (void)snprintf(data, sizeof data, "%s/%s", shared, names[i]);
    print_message("%s\n", names[i]);
    check_books(data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scanner),
      cmocka_unit_test(test_nothing_stays),
      cmocka_unit_test_setup_teardown(test_futures_sequence, make_file, remove_file),
      cmocka_unit_test_setup_teardown(test_spot_sequence, make_file, remove_file),
      cmocka_unit_test_setup_teardown(test_bybit_sequence, make_file, remove_file),
      cmocka_unit_test_setup_teardown(test_cryptofeed_prefix, make_file, remove_file),
      cmocka_unit_test_setup_teardown(test_jsonl, make_file, remove_file),
      cmocka_unit_test(test_shared_books),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
