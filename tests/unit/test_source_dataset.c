/* Whole datasets: the shipped recording, the same content in every order and packing, what is refused, and the order of items. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source/export.h"
#include "adapters/source/generate.h"
#include "adapters/source/source.h"
#include "base/buffer.h"
#include "base/calendar.h"
#include "base/gzip.h"
#include "support/scratch.h"

#define RECORDING "recordings/binance-usdm-2025-05"

static struct problem problem;
static char folder[200];

static int make_folder(void **state) {
  (void)state;
  return !scratch_make(folder, sizeof folder, "test_source");
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

static const char *in_folder(const char *name) {
  static char path[4][300];
  static int next;
  char *out = path[next++ % 4];
  (void)snprintf(out, sizeof path[0], "%s/%s", folder, name);
  return out;
}

static void write_file(const char *name, const void *bytes, size_t size) {
  FILE *file = fopen(in_folder(name), "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void write_text(const char *name, const char *text) {
  write_file(name, text, strlen(text));
}

/* A generated market as csv, rows [from, to) of its first day. */
static void write_market(const char *name, int symbol, size_t from, size_t to) {
  static struct candle rows[1440];
  const struct generate_options options = {.scenario = GENERATE_RANGE, .seed = 5, .symbol = symbol, .days = 1, .start_ms = INT64_C(1704067200000)};
  struct buffer text = {0};
  (void)generate_candles(rows, &options);
  buffer_add_text(&text, "ts,open,high,low,close,volume,turnover\n");
  for (size_t i = from; i < to; i++) {
    buffer_add_format(&text, "%lld,%.2f,%.2f,%.2f,%.2f,%.0f,%.4f\n", (long long)rows[i].open_ts, rows[i].open, rows[i].high, rows[i].low,
                      rows[i].close, rows[i].volume, rows[i].turnover);
  }
  write_file(name, text.data, text.length);
  buffer_deinit(&text);
}

static enum status open_data(struct source **source, const char *data) {
  const struct source_options options = {.data = data};
  problem_clear(&problem);
  return source_open(source, &options, &problem);
}

static bool says(const char *words) {
  for (int i = 0; i < problem.count; i++) {
    if (strstr(problem.items[i].message, words) || strstr(problem.items[i].path, words) || strstr(problem.items[i].allowed, words)) return true;
  }
  problem_print(&problem, stderr);
  return false;
}

/* Counts and edges as listed in the README of the recording; the sum of closes was added up with awk over the unpacked files. */
static void test_shipped_recording(void **state) {
  (void)state;
  struct source *source;
  assert_int_equal(open_data(&source, RECORDING), STATUS_OK);
  assert_int_equal(problem.count, 0);
  assert_int_equal(source_symbol_count(source), 16);
  assert_string_equal(source_symbol(source, 0), "ADA/USDT:USDT");
  assert_string_equal(source_symbol(source, 15), "XRP/USDT:USDT");
  assert_int_equal(source_find_symbol(source, "btcusdt"), 4);
  assert_int_equal(source_interval_ms(source), MINUTE_MS);
  assert_int_equal(source_stamps(source), SOURCE_STAMP_TURNOVER_ESTIMATED | SOURCE_STAMP_FUNDING_UNKNOWN);
  size_t total = 0, count;
  double sum = 0;
  for (int i = 0; i < 16; i++) {
    struct quality quality;
    const struct candle *rows = source_candles(source, i, &count);
    source_quality(source, i, 0, 0, &quality);
    assert_int_equal(quality.missing, 0);
    assert_true(quality.score == 100);
    assert_false(source_instrument(source, i, 0)->is_default);
    for (size_t k = 0; k < count; k++) sum += rows[k].close;
    total += count;
  }
  assert_int_equal(total, 684839);
  assert_true(fabs(sum - 4687188323.760166) < 0.01);
  const struct candle *bitcoin = source_candles(source, 4, &count);
  assert_int_equal(count, 43199);
  assert_int_equal(bitcoin[0].open_ts, INT64_C(1746372780000)); /* 2025-05-04 15:33 */
  (void)source_points(source, 3, SERIES_FUNDING, &count);
  assert_int_equal(count, 89); /* BNB: every 8 h from 05-04 16:00 to 06-03 00:00 */
  source_close(source);
}

static void test_items_are_in_order(void **state) {
  (void)state;
  struct source *source;
  struct source_item item, last = {.ts = INT64_MIN};
  assert_int_equal(open_data(&source, RECORDING), STATUS_OK);
  size_t candles = 0, rates = 0;
  for (;;) {
    assert_int_equal(source_next(source, &item, &problem), STATUS_OK);
    if (item.kind == SOURCE_END) break;
    const bool is_later = item.ts > last.ts || item.kind > last.kind || (item.kind == last.kind && item.symbol > last.symbol);
    assert_true(item.ts >= last.ts && is_later);
    if (item.kind == SOURCE_CANDLE) assert_int_equal(item.candle->open_ts + MINUTE_MS, item.ts);
    candles += item.kind == SOURCE_CANDLE;
    rates += item.kind == SOURCE_FUNDING;
    last = item;
  }
  assert_int_equal(candles, 684839);
  assert_int_equal(rates, 1312);
  /* A seek stands before the first item at or after the time. */
  const int64_t middle = INT64_C(1747699200000); /* 2025-05-20 00:00 */
  assert_int_equal(source_seek(source, middle, &problem), STATUS_OK);
  assert_int_equal(source_next(source, &item, &problem), STATUS_OK);
  assert_int_equal(item.ts, middle);
  assert_int_equal(item.symbol, 0);
  source_close(source);
}

static void checksum_of(const char *data, char text[65]) {
  struct source *source;
  const enum status status = open_data(&source, data);
  if (status) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  source_checksum(source, text);
  source_close(source);
}

/* One month in one file, in two overlapping files in any order, packed, and out of order: one checksum. Another value: another one. */
static void test_checksum_is_of_the_content(void **state) {
  (void)state;
  char whole[65], other[65], data[400];
  write_market("BTCUSDT-1m.csv", 0, 0, 1440);
  checksum_of(in_folder("BTCUSDT-1m.csv"), whole);
  write_market("b-BTCUSDT-1m.csv", 0, 0, 800);
  write_market("a-BTCUSDT-1m.csv", 0, 700, 1440);
  (void)snprintf(data, sizeof data, "%s,%s", in_folder("b-BTCUSDT-1m.csv"), in_folder("a-BTCUSDT-1m.csv"));
  struct source *source;
  const struct source_options options = {.data = data, .symbol = "BTC/USDT"};
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
  source_checksum(source, other);
  struct quality quality;
  source_quality(source, 0, 0, 0, &quality);
  assert_int_equal(quality.duplicates, 100);
  assert_int_equal(quality.conflicts, 0);
  source_close(source);
  assert_string_equal(whole, other);
  write_market("BTC_USDT_USDT-1m-futures.csv", 0, 0, 1440);
  assert_int_equal(gzip_file(in_folder("BTC_USDT_USDT-1m-futures.csv"), &problem), STATUS_OK);
  checksum_of(in_folder("BTC_USDT_USDT-1m-futures.csv.gz"), other);
  assert_string_equal(whole, other);
  assert_int_equal(rename(in_folder("BTC_USDT_USDT-1m-futures.csv.gz"), in_folder("BTCUSDT-1m-wrong-ending.csv")), 0);
  checksum_of(in_folder("BTCUSDT-1m-wrong-ending.csv"), other);
  assert_string_equal(whole, other);
  write_market("BTCUSDT-1m.csv", 0, 0, 1439);
  checksum_of(in_folder("BTCUSDT-1m.csv"), other);
  assert_string_not_equal(whole, other);
}

/* Method 0, one member, written by hand after APPNOTE.TXT 4.3.7; the checksum of the text is that of zlib. */
static void test_zip(void **state) {
  (void)state;
  const char *text = "1704067200000,1,4,0.5,2,10\n1704067260000,2,3,1,3,20\n";
  const uint32_t size = (uint32_t)strlen(text), crc = gzip_crc32(0, text, size);
  unsigned char zip[256] = {'P', 'K', 3, 4, 20};
  for (int i = 0; i < 4; i++) {
    zip[14 + i] = (unsigned char)(crc >> 8 * i);
    zip[18 + i] = zip[22 + i] = (unsigned char)(size >> 8 * i);
  }
  zip[26] = 5;
  memcpy(zip + 30, "a.csv", 5);
  memcpy(zip + 35, text, size);
  struct source *source;
  write_file("BTCUSDT-1m-2024-01.zip", zip, 35 + size);
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-1m-2024-01.zip")), STATUS_OK);
  size_t count;
  (void)source_candles(source, 0, &count);
  assert_int_equal(count, 2);
  source_close(source);
  zip[40] ^= 1;
  write_file("BTCUSDT-1m-2024-01.zip", zip, 35 + size);
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-1m-2024-01.zip")), STATUS_CORRUPT);
  assert_true(says("checksum"));
  write_file("BTCUSDT-1m-2024-01.zip", zip, 60);
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-1m-2024-01.zip")), STATUS_TRUNCATED);
}

static void test_truncated_and_damaged(void **state) {
  (void)state;
  struct buffer packed = {0};
  struct source *source;
  assert_int_equal(buffer_read_file(&packed, RECORDING "/BTCUSDT-1m.csv.zst", 10000000, &problem), STATUS_OK);
  write_file("BTCUSDT-1m.csv.zst", packed.data, packed.length / 2);
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-1m.csv.zst")), STATUS_TRUNCATED);
  assert_true(says("truncated"));
  for (size_t i = 1000; i < 2000; i++) packed.data[i] = (char)(packed.data[i] ^ 0x55);
  write_file("BTCUSDT-1m.csv.zst", packed.data, packed.length);
  assert_true(open_data(&source, in_folder("BTCUSDT-1m.csv.zst")) != STATUS_OK);
  assert_true(problem_has_error(&problem));
  buffer_deinit(&packed);
  write_market("BTCUSDT-1m.csv", 0, 0, 1440);
  assert_int_equal(gzip_file(in_folder("BTCUSDT-1m.csv"), &problem), STATUS_OK);
  assert_int_equal(truncate(in_folder("BTCUSDT-1m.csv.gz"), 5000), 0);
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-1m.csv.gz")), STATUS_TRUNCATED);
}

static void test_refused(void **state) {
  (void)state;
  struct source *source;
  assert_int_equal(open_data(&source, "/no/such/file.csv"), STATUS_NOT_FOUND);
  assert_true(says("/no/such/file.csv"));
  assert_int_equal(mkdir(in_folder("empty"), 0700), 0);
  assert_int_equal(open_data(&source, in_folder("empty")), STATUS_NO_DATA);
  write_text("whatever.csv", "1704067200000,1,2,1,2,1\n1704067260000,1,2,1,2,1\n");
  assert_int_equal(open_data(&source, in_folder("whatever.csv")), STATUS_BAD_INPUT);
  assert_true(says("symbol"));
  write_text("BTCUSDT-1h.csv", "1704067200000,1,2,1,2,1\n1704070800000,1,2,1,2,1\n");
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-1h.csv")), STATUS_BAD_INPUT);
  assert_true(says("too coarse"));
  write_text("BTCUSDT-5m.csv", "1704067200000,1,2,1,2,1\n1704067260000,1,2,1,2,1\n");
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-5m.csv")), STATUS_BAD_INPUT);
  assert_true(says("1m apart"));
  if (geteuid() != 0) {
    write_text("ETHUSDT-1m.csv", "1704067200000,1,2,1,2,1\n");
    assert_int_equal(chmod(in_folder("ETHUSDT-1m.csv"), 0), 0);
    assert_int_equal(open_data(&source, in_folder("ETHUSDT-1m.csv")), STATUS_NO_PERMISSION);
  }
}

static void test_coarse_base(void **state) {
  (void)state;
  struct source *source;
  write_text("BTCUSDT-5m.csv", "1704067200000,1,2,1,2,1\n1704067500000,1,2,1,2,1\n");
  assert_int_equal(open_data(&source, in_folder("BTCUSDT-5m.csv")), STATUS_OK);
  assert_int_equal(source_interval_ms(source), 5 * MINUTE_MS);
  assert_true(source_stamps(source) & SOURCE_STAMP_COARSE_BASE);
  source_close(source);
}

/* 1440 minutes without three: 0.9979 is refused, stamped when allowed, whole when filled. */
static void test_holes(void **state) {
  (void)state;
  struct source *source;
  assert_int_equal(mkdir(in_folder("holes"), 0700), 0);
  write_market("holes/BTCUSDT-1m.csv", 0, 0, 700);
  write_market("holes/BTCUSDT-1m-b.csv", 0, 703, 1440);
  assert_int_equal(open_data(&source, in_folder("holes")), STATUS_BAD_INPUT);
  assert_true(says("3 candles missing"));
  struct source_options options = {.data = in_folder("holes"), .allows_bad_data = true};
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
  assert_true(source_stamps(source) & SOURCE_STAMP_BAD_DATA);
  struct quality quality;
  source_quality(source, 0, 0, 0, &quality);
  assert_int_equal(quality.missing, 3);
  assert_int_equal(quality.longest_hole, 3);
  source_close(source);
  options.allows_bad_data = false;
  options.is_filled_flat = true;
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
  assert_true(source_stamps(source) & SOURCE_STAMP_FILLED_CANDLES);
  size_t count;
  const struct candle *rows = source_candles(source, 0, &count);
  assert_int_equal(count, 1440);
  assert_true(rows[701].open == rows[699].close && rows[701].high == rows[699].close && rows[701].volume == 0);
  assert_true(source_is_filled(source, 0, rows[702].open_ts) && !source_is_filled(source, 0, rows[703].open_ts));
  source_close(source);
}

static void test_instruments(void **state) {
  (void)state;
  struct source *source;
  assert_int_equal(mkdir(in_folder("sizes"), 0700), 0);
  write_market("sizes/BTCUSDT-1m.csv", 0, 0, 100);
  write_text("sizes/instruments.csv",
             "exchange,market,exchange_symbol,tick_size,lot_size,min_order_size\nbinance,spot,BTCUSDT,1,1,1\nbinance,linear,BTCUSDT,0.01,0.001,\n");
  assert_int_equal(open_data(&source, in_folder("sizes")), STATUS_OK);
  const struct instrument *instrument = source_instrument(source, 0, 0);
  assert_int_equal(instrument->tick_size, 1000000);
  assert_int_equal(instrument->lot_size, 100000);
  assert_int_equal(instrument->min_qty, 100000);
  assert_false(source_stamps(source) & SOURCE_STAMP_INSTRUMENT_DEFAULTS);
  source_close(source);
  /* A tick that the prices are no multiples of is not theirs. */
  write_text("sizes/instruments.csv", "exchange_symbol,tick_size,lot_size\nBTCUSDT,0.5,0.001\n");
  assert_int_equal(open_data(&source, in_folder("sizes")), STATUS_OK);
  assert_true(source_stamps(source) & SOURCE_STAMP_INSTRUMENT_DEFAULTS);
  assert_true(says("tick"));
  source_close(source);
}

/* What is written as tables is read again as the same content; a row that our decimals can not hold is left out and told. */
static void test_export_comes_back(void **state) {
  (void)state;
  struct source *source;
  char before[65], after[65];
  const struct source_options options = {.data = RECORDING, .symbols = "BNBUSDT,xlm/usdt"};
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
  assert_int_equal(source_symbol_count(source), 2);
  source_checksum(source, before);
  assert_int_equal(export_folder(source, in_folder("copy"), &problem), STATUS_OK);
  source_close(source);
  checksum_of(in_folder("copy"), after);
  assert_string_equal(before, after);
  write_text("copy/more-instruments.csv", "exchange_symbol,tick_size,lot_size\nVINUUSDT,0.000000000001,0.01\n");
  checksum_of(in_folder("copy"), after);
  assert_string_equal(before, after);
  assert_int_equal(problem.warnings, 1);
  assert_true(says("left out"));
}

static void test_cache(void **state) {
  (void)state;
  struct source *source;
  char first[65], again[65];
  write_market("SOLUSDT-1m.csv", 3, 0, 1440);
  const struct source_options options = {.data = in_folder("SOLUSDT-1m.csv"), .cache_folder = in_folder("cache")};
  for (int i = 0; i < 3; i++) {
    problem_clear(&problem);
    assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
    source_checksum(source, i == 0 ? first : again);
    source_close(source);
    if (i == 0) continue;
    assert_string_equal(first, again);
    /* A damaged cache is not believed. */
    char command[400];
    (void)snprintf(command, sizeof command, "f=$(ls %s/*.bbc) && printf xxxx | dd of=\"$f\" bs=1 seek=5000 conv=notrunc 2>/dev/null",
                   in_folder("cache"));
    assert_int_equal(system(command), 0);
  }
  /* The parse of a changed file takes the place of the former one. */
  char command[400];
  write_market("SOLUSDT-1m.csv", 3, 0, 1400);
  problem_clear(&problem);
  assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
  size_t count;
  (void)source_candles(source, 0, &count);
  assert_int_equal(count, 1400);
  source_close(source);
  (void)snprintf(command, sizeof command, "test $(ls %s/*.bbc | wc -l) = 1", in_folder("cache"));
  assert_int_equal(system(command), 0);
}

static void add_items(struct source *source, int64_t from_ms, struct buffer *out) {
  struct source_item item;
  assert_int_equal(source_seek(source, from_ms, &problem), STATUS_OK);
  for (;;) {
    assert_int_equal(source_next(source, &item, &problem), STATUS_OK);
    if (item.kind == SOURCE_END) return;
    buffer_add(out, &item.ts, sizeof item.ts);
    if (item.kind == SOURCE_CANDLE) buffer_add(out, item.candle, sizeof *item.candle);
  }
}

/* Rows that lie in the file of the cache are handed out, joined and filled like rows in memory, from wherever one begins. */
static void test_cached_rows(void **state) {
  (void)state;
  struct source *source;
  struct buffer plain = {0}, cached = {0};
  assert_int_equal(mkdir(in_folder("rows"), 0700), 0);
  write_market("rows/BTCUSDT-1m.csv", 0, 0, 700);
  write_market("rows/BTCUSDT-1m-b.csv", 0, 703, 1440); /* joined: goes to memory, and the hole is filled there */
  write_market("rows/SOLUSDT-1m.csv", 3, 0, 1440);
  struct source_options options = {.data = in_folder("rows"), .is_filled_flat = true};
  for (int i = 0; i < 3; i++) { /* without a cache, filling it, from it */
    struct buffer *out = i == 0 ? &plain : &cached;
    problem_clear(&problem);
    assert_int_equal(source_open(&source, &options, &problem), STATUS_OK);
    const int64_t from_ms[] = {INT64_MIN, INT64_C(1704067200000) + 600 * MINUTE_MS, INT64_C(1704067200000) + 100 * MINUTE_MS};
    for (size_t k = 0; k < 3; k++) add_items(source, from_ms[k], out);
    size_t count;
    const struct candle *rows = source_candles(source, source_find_symbol(source, "SOLUSDT"), &count);
    buffer_add(out, rows, count * sizeof *rows);
    source_close(source);
    options.cache_folder = in_folder("cache");
    if (i == 0) continue;
    assert_int_equal(cached.length, plain.length);
    assert_memory_equal(cached.data, plain.data, plain.length);
    buffer_clear(&cached);
  }
  buffer_deinit(&plain);
  buffer_deinit(&cached);
}

static void test_generated_markets(void **state) {
  (void)state;
  static struct candle rows[2 * 1440], again[2 * 1440];
  for (int scenario = 0; scenario < GENERATE_SCENARIO_COUNT; scenario++) {
    const struct generate_options options = {.scenario = (enum generate_scenario)scenario, .seed = 11, .days = 2, .start_ms = INT64_C(1704067200000)};
    const size_t count = generate_candles(rows, &options);
    assert_int_equal(generate_candles(again, &options), count);
    assert_memory_equal(rows, again, count * sizeof rows[0]);
    for (size_t i = 0; i < count; i++) {
      assert_true(candle_is_valid(&rows[i]));
      assert_true(i == 0 || rows[i].open_ts > rows[i - 1].open_ts);
    }
    assert_true(count <= generate_candles_max(2) && count > generate_candles_max(2) - 60);
  }
}

/* Minute bars from trades against the exchange's own (see the data set's README: 12,477 trades give all reference bars exactly). */
static void test_candles_from_trades(void **state) {
  (void)state;
  const char *shared = getenv("BREAKOUT_SHARED_DATA");
  if (!shared) {
    print_message("skipped: BREAKOUT_SHARED_DATA is not set\n");
    skip();
  }
  char trades[300], bars[300];
  struct source *built, *reference;
  (void)snprintf(trades, sizeof trades, "%s/ticks/binance-spot/XRPETH-aggTrades-2019-10-11.csv.zst", shared);
  (void)snprintf(bars, sizeof bars, "%s/ohlcv/binance-spot/2019-10/XRPETH-1m.csv.zst", shared);
  struct source_options options = {.data = trades, .symbol = "XRP/ETH", .allows_bad_data = true};
  problem_clear(&problem);
  assert_int_equal(source_open(&built, &options, &problem), STATUS_OK);
  options.data = bars;
  assert_int_equal(source_open(&reference, &options, &problem), STATUS_OK);
  size_t built_count, reference_count, compared = 0;
  const struct candle *b = source_candles(built, 0, &built_count), *r = source_candles(reference, 0, &reference_count);
  for (size_t i = 0, k = 0; i < built_count; i++) {
    while (k < reference_count && r[k].open_ts < b[i].open_ts) k++;
    if (k == reference_count || r[k].open_ts != b[i].open_ts) {
      assert_true(b[i].volume == 0);
      continue;
    }
    assert_true(b[i].open == r[k].open && b[i].high == r[k].high && b[i].low == r[k].low && b[i].close == r[k].close);
    assert_true(fabs(b[i].volume - r[k].volume) < 1e-6);
    compared++;
  }
  assert_true(compared > 2400);
  source_close(built);
  source_close(reference);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_shipped_recording),
      cmocka_unit_test(test_items_are_in_order),
      cmocka_unit_test_setup_teardown(test_checksum_is_of_the_content, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_zip, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_truncated_and_damaged, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_refused, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_coarse_base, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_holes, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_instruments, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_export_comes_back, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_cache, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_cached_rows, make_folder, remove_folder),
      cmocka_unit_test(test_generated_markets),
      cmocka_unit_test(test_candles_from_trades),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
