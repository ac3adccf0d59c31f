/* Converted recordings: what is imported is what was recorded, item by item, and nothing damaged is believed. */
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

#include "adapters/source/event_layout.h"
#include "adapters/source/export.h"
#include "base/buffer.h"
#include "base/calendar.h"
#include "base/random.h"
#include "support/book_recording.h"
#include "support/scratch.h"

static char folder[256], recording_path[320], copy[320];
static struct problem problem;

static int make_folder(void **state) {
  (void)state;
  if (!scratch_make(folder, sizeof folder, "event_file")) return -1;
  (void)snprintf(recording_path, sizeof recording_path, "%s/BTCUSDT-l2.txt", folder);
  (void)snprintf(copy, sizeof copy, "%s/copy", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

static void record(const struct book_recording *recording) {
  FILE *file = fopen(recording_path, "wb");
  assert_non_null(file);
  book_recording_write(recording, file);
  assert_int_equal(fclose(file), 0);
}

/* The turn of a month lies in the middle. */
static struct book_recording usual(void) {
  return (struct book_recording){.seed = 5,
                                 .changes = 2000,
                                 .levels = 100,
                                 .change_levels = 20,
                                 .trades = 2,
                                 .start_ms = calendar_to_ms(2024, 7, 31, 23, 58, 0, 0),
                                 .step_ms = 100};
}

static struct source *open_data(const char *data) {
  struct source *source = NULL;
  const struct source_options options = {.data = data, .allows_bad_data = true};
  problem_clear(&problem);
  const enum status status = source_open(&source, &options, &problem);
  if (status) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  return source;
}

static bool says(const char *code) {
  for (int i = 0; i < problem.count; i++) {
    if (strcmp(problem.items[i].code, code) == 0) return true;
  }
  return false;
}

static void same_levels(const struct book_level *a, const struct book_level *b, int32_t count) {
  for (int32_t i = 0; i < count; i++) assert_true(a[i].price == b[i].price && a[i].qty == b[i].qty);
}

static void same_item(const struct source_item *a, const struct source_item *b) {
  assert_int_equal(a->kind, b->kind);
  assert_int_equal(a->ts, b->ts);
  assert_int_equal(a->symbol, b->symbol);
  if (a->kind == SOURCE_BOOK) {
    assert_true(a->book->is_snapshot == b->book->is_snapshot && a->book->first_seq == b->book->first_seq);
    assert_true(a->book->last_seq == b->book->last_seq && a->book->prev_seq == b->book->prev_seq);
    assert_true(a->book->bid_count == b->book->bid_count && a->book->ask_count == b->book->ask_count);
    same_levels(a->book->bids, b->book->bids, a->book->bid_count);
    same_levels(a->book->asks, b->book->asks, a->book->ask_count);
  } else if (a->kind == SOURCE_TRADES) {
    assert_int_equal(a->trade_count, b->trade_count);
    for (int32_t i = 0; i < a->trade_count; i++) {
      assert_true(a->trades[i].ts == b->trades[i].ts && a->trades[i].price == b->trades[i].price);
      assert_true(a->trades[i].qty == b->trades[i].qty && a->trades[i].is_buy == b->trades[i].is_buy);
    }
  } else if (a->kind == SOURCE_CANDLE) {
    assert_memory_equal(a->candle, b->candle, sizeof *a->candle);
  } else if (a->kind == SOURCE_TICKER) {
    assert_memory_equal(&a->ticker, &b->ticker, sizeof a->ticker);
  } else {
    assert_true(a->value == b->value);
    if (a->kind == SOURCE_OPEN_INTEREST) assert_true(a->value_usd == b->value_usd || (isnan(a->value_usd) && isnan(b->value_usd)));
  }
}

/* Returns the number of items. */
static int64_t same_items(struct source *a, struct source *b) {
  int64_t count = 0;
  assert_int_equal(source_seek(a, INT64_MIN, &problem), STATUS_OK);
  for (;; count++) {
    struct source_item left, right;
    assert_int_equal(source_next(a, &left, &problem), STATUS_OK);
    assert_int_equal(source_next(b, &right, &problem), STATUS_OK);
    if (left.kind == SOURCE_END) assert_int_equal(right.kind, SOURCE_END);
    if (left.kind == SOURCE_END) return count;
    same_item(&left, &right);
  }
}

static struct source *import(struct source *source) {
  const enum status status = export_folder(source, copy, &problem);
  if (status) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  return open_data(copy);
}

static void check_same_source(struct source *source, struct source *imported) {
  char before[65], after[65];
  struct stream_quality a, b;
  source_checksum(source, before);
  source_checksum(imported, after);
  assert_string_equal(before, after);
  assert_int_equal(source_symbol_count(source), source_symbol_count(imported));
  for (int i = 0; i < source_symbol_count(source); i++) {
    assert_string_equal(source_symbol(source, i), source_symbol(imported, i));
    assert_int_equal(source_capabilities(source, i), source_capabilities(imported, i));
    assert_int_equal(source_stream_quality(source, i, &a), source_stream_quality(imported, i, &b));
    assert_memory_equal(&a, &b, sizeof a);
  }
}

/* Two months, two files; the checksum, the quality and every item are those of the recording. */
static void test_import_is_the_recording(void **state) {
  (void)state;
  char month[400];
  struct stat info;
  const struct book_recording recording = usual();
  record(&recording);
  struct source *source = open_data(recording_path);
  struct source *imported = import(source);
  (void)snprintf(month, sizeof month, "%s/BTCUSDT-2024-07.bbevents", copy);
  assert_int_equal(stat(month, &info), 0);
  (void)snprintf(month, sizeof month, "%s/BTCUSDT-2024-08.bbevents", copy);
  assert_int_equal(stat(month, &info), 0);
  check_same_source(source, imported);
  assert_true(same_items(source, imported) > 3000);
  struct stream_quality quality;
  assert_true(source_stream_quality(imported, 0, &quality));
  assert_int_equal(quality.gaps, 0);
  assert_int_equal(quality.snapshots, 1);
  assert_int_equal(quality.stale, 4); /* those that the late snapshot held already */
  /* Again from within. */
  int64_t from_ms, to_ms;
  source_range(imported, &from_ms, &to_ms);
  struct source_item item;
  assert_int_equal(source_seek(imported, (from_ms + to_ms) / 2, &problem), STATUS_OK);
  assert_int_equal(source_next(imported, &item, &problem), STATUS_OK);
  assert_true(item.ts >= (from_ms + to_ms) / 2);
  source_close(source);
  source_close(imported);
}

/* A lost change is found, told, and kept in what was imported. */
static void test_gaps_are_told(void **state) {
  (void)state;
  struct book_recording recording = usual();
  struct stream_quality quality;
  recording.gap_every = 500;
  record(&recording);
  struct source *source = open_data(recording_path);
  assert_true(says("book_gap"));
  struct source *imported = import(source);
  assert_true(says("book_gap"));
  check_same_source(source, imported);
  (void)same_items(source, imported);
  assert_true(source_stream_quality(imported, 0, &quality));
  assert_int_equal(quality.gaps, 3);
  assert_int_equal(quality.snapshots, 4);
  source_close(source);
  source_close(imported);
}

static void test_lost_trades_are_told(void **state) {
  (void)state;
  struct stream_quality quality;
  FILE *file = fopen(recording_path, "wb");
  assert_non_null(file);
  const int ids[] = {7, 8, 11, 12, 20};
  for (int i = 0; i < 5; i++) {
    /* The third is one of the insurance fund: of no use, but not lost. */
    fprintf(file, "%d {\"e\":\"trade\",\"E\":1722470400000,\"T\":1722470400000,\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"%s\",\"q\":\"1\",\"m\":true}\n",
            i + 1, ids[i], i == 2 ? "0" : "100.5");
  }
  assert_int_equal(fclose(file), 0);
  struct source *source = open_data(recording_path);
  assert_true(says("trade_gap"));
  assert_true(source_stream_quality(source, 0, &quality));
  assert_int_equal(quality.trades, 4);
  assert_int_equal(quality.trade_gaps, 2);
  assert_int_equal(quality.trades_lost, 2 + 7);
  source_close(source);
}

/* Every kind of line of our own format, and numbers that need the wide form. */
static void test_other_kinds_and_large_numbers(void **state) {
  (void)state;
  FILE *file = fopen(recording_path, "wb");
  assert_non_null(file);
  fprintf(file,
          "{\"k\":\"book\",\"symbol\":\"BTCUSDT\",\"ts\":1722470400000,\"type\":\"snapshot\",\"seq\":5,\"b\":[[\"0.00000001\",\"80000000000\"],"
          "[\"61000.1\",\"3.00000001\"]],\"a\":[[\"90000000000\",\"1\"]]}\n"
          "{\"k\":\"book\",\"symbol\":\"BTCUSDT\",\"ts\":1722470400001,\"type\":\"delta\",\"seq\":6,\"prev\":5,\"b\":[],\"a\":[]}\n"
          "{\"k\":\"trade\",\"symbol\":\"BTCUSDT\",\"ts\":1722470400002,\"p\":\"90000000000\",\"q\":\"0.00000001\",\"side\":\"sell\"}\n"
          "{\"k\":\"trade\",\"symbol\":\"BTCUSDT\",\"ts\":1722470400003,\"p\":\"0.00000001\",\"q\":\"80000000000\",\"side\":\"buy\"}\n"
          "{\"k\":\"ticker\",\"symbol\":\"BTCUSDT\",\"ts\":1722470400004,\"last\":100.5,\"mark\":100.25}\n"
          "{\"k\":\"oi\",\"symbol\":\"BTCUSDT\",\"ts\":1722470400005,\"oi\":12.5}\n"
          "{\"k\":\"oi\",\"symbol\":\"BTCUSDT\",\"ts\":1722470400006,\"oi\":12.5,\"oi_usd\":99.5}\n"
          "{\"k\":\"mark\",\"symbol\":\"BTCUSDT\",\"ts\":1728000000000,\"mark\":61000.123456789}\n");
  assert_int_equal(fclose(file), 0);
  struct source *source = open_data(recording_path);
  struct source *imported = import(source);
  check_same_source(source, imported);
  assert_int_equal(same_items(source, imported), 8);
  source_close(source);
  source_close(imported);
}

/* ---- damage ---- */

static enum status read_whole(const char *path, int64_t *items) {
  const char *const paths[] = {path};
  struct event_reader *reader;
  struct source_item item;
  problem_clear(&problem);
  *items = 0;
  enum status status = event_reader_open(&reader, paths, 1, &problem);
  while (!status && (status = event_reader_next(reader, &item, &problem)) == STATUS_OK) ++*items;
  event_reader_close(reader);
  assert_true(status == STATUS_END || problem_has_error(&problem));
  return status;
}

static void write_bytes(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static void import_small(struct buffer *bytes, char *path, size_t size) {
  struct book_recording recording = usual();
  recording.changes = 60;
  record(&recording);
  struct source *source = open_data(recording_path);
  struct source *imported = import(source);
  source_close(source);
  source_close(imported);
  (void)snprintf(path, size, "%s/BTCUSDT-2024-07.bbevents", copy);
  assert_int_equal(buffer_read_file(bytes, path, 1 << 24, &problem), STATUS_OK);
}

static void test_every_changed_byte_is_found(void **state) {
  (void)state;
  char path[400];
  struct buffer bytes = {0};
  int64_t whole, items;
  import_small(&bytes, path, sizeof path);
  assert_int_equal(read_whole(path, &whole), STATUS_END);
  assert_true(whole > 60);
  for (size_t i = 0; i < bytes.length; i += i < 600 ? 1 : 37) {
    bytes.data[i] ^= 0x10;
    write_bytes(path, bytes.data, bytes.length);
    const enum status status = read_whole(path, &items);
    assert_true(status == STATUS_CORRUPT || status == STATUS_TRUNCATED || status == STATUS_NEWER_VERSION || status == STATUS_BAD_FORMAT);
    bytes.data[i] ^= 0x10;
  }
  for (size_t length = 0; length < bytes.length; length += 211) {
    write_bytes(path, bytes.data, length);
    const enum status status = read_whole(path, &items);
    assert_true(status == STATUS_TRUNCATED);
  }
  buffer_deinit(&bytes);
}

/* With checksums that fit: what an ill-meaning writer could make. */
static void test_wrong_numbers_are_found(void **state) {
  (void)state;
  char path[400];
  struct buffer bytes = {0};
  struct random random;
  int64_t items;
  int refused = 0;
  import_small(&bytes, path, sizeof path);
  random_init(&random, 3);
  struct event_file_head *head = (struct event_file_head *)(void *)bytes.data;
  struct event_block_head *block = (struct event_block_head *)(void *)(bytes.data + sizeof *head);
  for (int i = 0; i < 400; i++) {
    unsigned char *at = (unsigned char *)block + random_below(&random, sizeof *block + 200);
    const unsigned char kept = *at;
    *at = (unsigned char)random_next(&random);
    const uint32_t crc = block->crc;
    if (sizeof *block + block->size <= bytes.length - sizeof *head) block->crc = event_block_crc(*block, block + 1);
    write_bytes(path, bytes.data, bytes.length);
    const enum status status = read_whole(path, &items);
    assert_true(status == STATUS_END || status == STATUS_CORRUPT || status == STATUS_TRUNCATED);
    refused += status != STATUS_END;
    block->crc = crc;
    *at = kept;
  }
  assert_true(refused > 50);
  buffer_deinit(&bytes);
}

/* ---- recorded markets ---- */

static void test_recorded_markets(void **state) {
  (void)state;
  const char *shared = getenv("BREAKOUT_SHARED_DATA");
  if (!shared) {
    print_message("skipped: BREAKOUT_SHARED_DATA is not set\n");
    skip();
  }
  static const char *const names[] = {"binance-usdm/BTCUSDT-2023-04-04.txt.zst", "binance-spot/ETHUSDT-2024-08-08.txt.zst",
                                      "bybit-linear/XRPUSDT-ob500-2024-12-01.jsonl.zst"};
  for (int i = 0; i < 3; i++) {
    char path[400];
    struct stream_quality quality;
    (void)snprintf(path, sizeof path, "%s/l2/%s", shared, names[i]);
    struct source *source = open_data(path);
    struct source *imported = import(source);
    check_same_source(source, imported);
    (void)same_items(source, imported);
    assert_true(source_stream_quality(source, 0, &quality));
    assert_true(quality.gaps == 0 && quality.waiting == 0 && quality.trades_lost == 0 && quality.snapshots == 1);
    source_close(source);
    source_close(imported);
    assert_int_equal(scratch_remove(copy), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_import_is_the_recording, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_gaps_are_told, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_lost_trades_are_told, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_other_kinds_and_large_numbers, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_every_changed_byte_is_found, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_wrong_numbers_are_found, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(test_recorded_markets, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
