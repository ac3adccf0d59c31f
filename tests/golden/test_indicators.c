/* Every indicator against independent libraries (tests/golden/README.md says which, and how the tables were made), against slow twins, and against
 * values counted by hand. Runs in the root of the repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "core/analysis/indicator.h"

enum { CANDLES_MAX = 44000, COLUMNS_MAX = 40, LINE_MAX_BYTES = 8192, NAME_MAX_BYTES = 64 };

static struct candle candles[CANDLES_MAX];
static struct candle others[CANDLES_MAX];

struct table {
  FILE *file;
  bool is_pipe;
  char line[LINE_MAX_BYTES];
  char *cells[COLUMNS_MAX];
  int columns;
};

/* Splits in place; empty cells stay. */
static bool next_row(struct table *table) {
  do {
    if (fgets(table->line, sizeof table->line, table->file) == NULL) return false;
  } while (table->line[0] == '#');
  table->line[strcspn(table->line, "\r\n")] = '\0';
  table->columns = 0;
  char *rest = table->line;
  while (rest != NULL && table->columns < COLUMNS_MAX) table->cells[table->columns++] = strsep(&rest, ",");
  return true;
}

static void open_table(struct table *table, const char *path) {
  *table = (struct table){.file = fopen(path, "r")};
  if (table->file == NULL) fail_msg("cannot read %s", path);
}

static void close_table(struct table *table) {
  if (table->is_pipe) {
    assert_int_equal(pclose(table->file), 0);
  } else {
    assert_int_equal(fclose(table->file), 0);
  }
}

static double number(const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0') fail_msg("not a number: '%s'", text);
  return value;
}

static void assert_close(double got, double expected, double tolerance, const char *what, int row) {
  double scale = fabs(expected) > 1 ? fabs(expected) : 1;
  if (!(fabs(got - expected) <= tolerance * scale)) fail_msg("%s, row %d: %.17g, expected %.17g", what, row, got, expected);
}

/* --- tables made by libraries --- */

static int32_t read_golden_candles(void) {
  struct table table;
  open_table(&table, "tests/golden/data/candles.csv");
  assert_true(next_row(&table)); /* names */
  int32_t count = 0;
  for (; next_row(&table); count++) {
    assert_int_equal(table.columns, 7);
    candles[count] = (struct candle){.open_ts = (int64_t)number(table.cells[0]),
                                     .open = number(table.cells[1]),
                                     .high = number(table.cells[2]),
                                     .low = number(table.cells[3]),
                                     .close = number(table.cells[4]),
                                     .volume = number(table.cells[5])};
    others[count] = candles[count];
    others[count].close = number(table.cells[6]);
  }
  close_table(&table);
  return count;
}

struct column {
  char name[NAME_MAX_BYTES]; /* library:indicator:a:b */
  const struct indicator *indicator;
  int32_t a, b;
  double tolerance;
};

static void read_column(struct column *column, const char *text) {
  char name[NAME_MAX_BYTES];
  snprintf(column->name, sizeof column->name, "%s", text);
  assert_int_equal(sscanf(text, "%*[^:]:%63[^:]:%d:%d", name, &column->a, &column->b), 3);
  column->indicator = indicator_find(name);
  if (column->indicator == NULL) fail_msg("unknown indicator %s", name);
}

static int read_columns(struct table *table, struct column *columns) {
  assert_true(next_row(table));
  for (int i = 1; i < table->columns; i++) read_column(&columns[i], table->cells[i]);
  assert_true(next_row(table));
  assert_string_equal(table->cells[0], "tolerance");
  for (int i = 1; i < table->columns; i++) columns[i].tolerance = number(table->cells[i]);
  return table->columns;
}

static int32_t find_candle(int32_t count, int64_t open_ts) {
  for (int32_t i = 0; i < count; i++) {
    if (candles[i].open_ts == open_ts) return i;
  }
  fail_msg("no candle at %lld", (long long)open_ts);
  return -1;
}

static void test_tables(void **state) {
  (void)state;
  struct table table;
  struct column columns[COLUMNS_MAX];
  bool is_covered[indicator_count] = {false};
  int32_t count = read_golden_candles();
  open_table(&table, "tests/golden/data/indicators.csv");
  int column_count = read_columns(&table, columns);
  int rows = 0;
  for (; next_row(&table); rows++) {
    assert_int_equal(table.columns, column_count);
    int32_t at = find_candle(count, (int64_t)number(table.cells[0]));
    for (int i = 1; i < column_count; i++) {
      struct indicator_input input = {.candles = candles, .count = at + 1, .others = others, .a = columns[i].a, .b = columns[i].b};
      assert_close(columns[i].indicator->compute(&input), number(table.cells[i]), columns[i].tolerance, columns[i].name, rows);
      is_covered[columns[i].indicator - indicators] = true;
    }
  }
  close_table(&table);
  assert_int_equal(rows, 50);
  for (int i = 0; i < indicator_count; i++) {
    if (!is_covered[i]) fail_msg("no golden column for %s", indicators[i].name);
  }
}

/* --- warm-up and windows --- */

/* A value exists from exactly the stated number of candles on, and looks no further back than 10 n candles and one. */
static void test_warm_up_and_window(void **state) {
  (void)state;
  int32_t count = read_golden_candles();
  for (int i = 0; i < indicator_count; i++) {
    const struct indicator *row = &indicators[i];
    int32_t a = row->parameters > 0 ? 12 : 0;
    int32_t b = row->parameters > 1 ? 20 : 0;
    int32_t warm_up = row->warm_up(a, b);
    int32_t window = 10 * a + 1 > warm_up ? 10 * a + 1 : warm_up;
    for (int32_t given = 0; given <= count; given++) {
      struct indicator_input input = {.candles = candles, .count = given, .others = others, .a = a, .b = b};
      double whole = row->compute(&input);
      if (isnan(whole) != (given < warm_up)) fail_msg("%s with %d candles: %g", row->name, given, whole);
      if (given <= window || (i == INDICATOR_true_range && given < 3)) continue;
      int32_t cut = i == INDICATOR_true_range ? 2 : window;
      struct indicator_input newest = {.candles = candles + given - cut, .count = cut, .others = others + given - cut, .a = a, .b = b};
      double windowed = row->compute(&newest);
      if (memcmp(&whole, &windowed, sizeof whole) != 0) fail_msg("%s sees more than its window", row->name);
    }
  }
  assert_null(indicator_find("no_such_indicator"));
}

/* --- by hand --- */

static struct candle bar(double high, double low, double close, double volume) {
  return (struct candle){.open = close, .high = high, .low = low, .close = close, .volume = volume};
}

static void test_by_hand(void **state) {
  (void)state;
  /* True ranges: 2 (first), max(3, |12-9|, |9-9|) = 3, gap up: max(1, |15-10|, |14-10|) = 5, gap down: max(1, |8-14|, |7-14|) = 7. */
  struct candle four[] = {bar(10, 8, 9, 1), bar(12, 9, 10, 2), bar(15, 14, 14, 3), bar(8, 7, 7, 6)};
  assert_true(indicator_true_range(&four[0], NULL) == 2);
  assert_true(indicator_true_range(&four[1], &four[0]) == 3);
  assert_true(indicator_true_range(&four[2], &four[1]) == 5);
  assert_true(indicator_true_range(&four[3], &four[2]) == 7);
  assert_true(indicator_atr(four, 3, 2) == (2.5 * 1 + 5) / 2);           /* seed (2 + 3) / 2 = 2.5 */
  assert_true(indicator_atr(four, 4, 2) == ((2.5 * 1 + 5) / 2 + 7) / 2); /* 5.375 */
  assert_true(isnan(indicator_atr(four, 2, 2)));
  assert_true(indicator_sma(four, 4, 4) == 10);
  assert_true(indicator_ema(four, 3, 2) == 9.5 + 2.0 / 3 * (14 - 9.5)); /* 12.5 */
  assert_true(indicator_donchian_high(four, 4, 2) == 15);
  assert_true(indicator_donchian_low(four, 4, 3) == 8);
  assert_true(indicator_volume_surge(four, 4, 1, 3) == 3); /* 6 / median(1, 2, 3) */
  assert_true(indicator_volume_surge(four, 4, 2, 2) == 3); /* 4.5 / 1.5 */
  assert_true(indicator_mean_volume(four, 4) == 3);
  assert_true(isnan(indicator_mean_volume(four, 0)));
  double z = indicator_true_range_z(four, 4, 3); /* (7 - 10/3) / sqrt(14/9) */
  assert_close(z, (7 - 10.0 / 3) / sqrt(14.0 / 9), 1e-14, "true_range_z", 0);
  assert_true(isnan(indicator_true_range_z(four, 4, 4)));
  /* closes 9 10 14 7: up 1 + 4, down 7, n = 3: 100 * 5 / 12 */
  assert_close(indicator_rsi(four, 4, 3), 100 * 5.0 / 12, 1e-14, "rsi", 0);
}

/* What has no answer is NaN, and equal values give exact results whatever their last digits. */
static void test_degenerate(void **state) {
  (void)state;
  struct candle flat[40];
  double x[40];
  double y[40];
  for (int i = 0; i < 40; i++) {
    flat[i] = bar(0.1, 0.1, 0.1, 0);
    x[i] = 0.1;
    y[i] = i;
  }
  assert_true(indicator_bollinger_width(flat, 40, 20) == 0);
  assert_true(indicator_sigma(x, 40, true, NULL) == 0);
  assert_true(isnan(indicator_sigma(x, 1, true, NULL)));
  assert_true(isnan(indicator_sigma(x, 0, false, NULL)));
  assert_true(indicator_sigma(x, 1, false, NULL) == 0);
  assert_true(isnan(indicator_correlation(x, y, 40)));
  assert_true(isnan(indicator_correlation(y, y, 1)));
  assert_true(indicator_correlation(y, y, 40) == 1);
  assert_true(indicator_percentile_rank(x, 40) == 50);
  assert_true(isnan(indicator_percentile_rank(x, 0)));
  assert_true(isnan(indicator_median(x, 0)));
  assert_true(isnan(indicator_vwap(flat, 40, 20)));
  assert_true(isnan(indicator_volume_surge(flat, 40, 12, 12)));
  assert_true(isnan(indicator_rsi(flat, 40, 14)));
  assert_true(indicator_atr(flat, 40, 14) == 0);
  assert_true(indicator_true_range_z(flat, 40, 20) == 0);
  assert_true(indicator_slope(flat, 40, 20) == 0);
}

/* --- slow twins --- */

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median_ref(const double *values, int32_t count) {
  double sorted[600];
  memcpy(sorted, values, (size_t)count * sizeof *values);
  qsort(sorted, (size_t)count, sizeof *sorted, compare_doubles);
  return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

/* Position in the sorted order, ties at the middle of their places. */
static double percentile_rank_ref(const double *values, int32_t count) {
  double sorted[600];
  memcpy(sorted, values, (size_t)count * sizeof *values);
  qsort(sorted, (size_t)count, sizeof *sorted, compare_doubles);
  int32_t first = 0;
  while (sorted[first] != values[count - 1]) first++;
  int32_t end = first;
  while (end < count && sorted[end] == values[count - 1]) end++;
  return 100 * ((first + end) / 2.0) / count;
}

/* Straight from the textbook, in extended precision. */
static double correlation_ref(const double *x, const double *y, int32_t count) {
  long double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, n = count;
  for (int32_t i = 0; i < count; i++) {
    sx += x[i];
    sy += y[i];
    sxx += (long double)x[i] * x[i];
    syy += (long double)y[i] * y[i];
    sxy += (long double)x[i] * y[i];
  }
  return (double)((n * sxy - sx * sy) / (sqrtl(n * sxx - sx * sx) * sqrtl(n * syy - sy * sy)));
}

static void test_slow_twins(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 7);
  for (int round = 0; round < 3000; round++) {
    int32_t count = 2 + (int32_t)random_below(&random, 500);
    uint64_t distinct = round % 3 == 0 ? 3 : 1000000; /* many ties in every third round */
    double x[600];
    double y[600];
    double work[600];
    for (int32_t i = 0; i < count; i++) {
      x[i] = (double)random_below(&random, distinct) / 7;
      y[i] = x[i] + (double)random_below(&random, distinct) / 7;
    }
    memcpy(work, x, sizeof work);
    assert_true(indicator_median(work, count) == median_ref(x, count));
    assert_close(indicator_percentile_rank(x, count), percentile_rank_ref(x, count), 1e-14, "percentile rank", round);
    double expected = correlation_ref(x, y, count);
    double got = indicator_correlation(x, y, count);
    if (!isnan(got)) assert_close(got, expected, 1e-9, "correlation", round);
    for (int32_t i = 0; i < count; i++) candles[i] = bar(x[i] + 2, x[i] + 1, x[i] + 1, 1);
    int32_t n = 1 + (int32_t)random_below(&random, 40);
    if (count <= n) continue;
    qsort(&x[count - 1 - n], (size_t)n, sizeof *x, compare_doubles);
    assert_true(indicator_donchian_high(candles, count, n) == x[count - 2] + 2);
    assert_true(indicator_donchian_low(candles, count, n) == x[count - 1 - n] + 1);
  }
}

/* --- larger public tables, when they are at hand --- */

static const char *shared_data(void) {
  const char *folder = getenv("BREAKOUT_SHARED_DATA");
  if (folder == NULL) {
    print_message("skipped: BREAKOUT_SHARED_DATA is not set\n");
    skip();
  }
  return folder;
}

struct check_column {
  const char *file; /* skender: the file; talib: NULL */
  int column;
  const char *indicator;
  int32_t a;
  double factor; /* their unit in ours */
  double tolerance;
};

static void read_skender_quotes(const char *folder, const char *name, struct candle *out) {
  char path[512];
  struct table table;
  snprintf(path, sizeof path, "%s/reference/skender/%s", folder, name);
  open_table(&table, path);
  assert_true(next_row(&table));
  for (int i = 0; next_row(&table); i++) {
    out[i] = (struct candle){.open = number(table.cells[1]),
                             .high = number(table.cells[2]),
                             .low = number(table.cells[3]),
                             .close = number(table.cells[4]),
                             .volume = number(table.cells[5])};
  }
  close_table(&table);
}

/* Skender.Stock.Indicators over 502 days of SPY. Its Wilder values and averages run from the first day, ours restart in 10 n candles: from the 141st
 * day on they agree to the weight of the seed. */
static void test_skender(void **state) {
  (void)state;
  static const struct check_column checks[] = {
      {"tr.csv", 1, "true_range", 0, 1, 1e-12},
      {"sma.csv", 1, "sma", 20, 1, 1e-12},
      {"bb.csv", 6, "bollinger_width", 20, 100, 1e-9},
      {"donchian.csv", 1, "donchian_high", 20, 1, 0},
      {"donchian.csv", 3, "donchian_low", 20, 1, 0},
      {"slope.csv", 1, "slope", 14, 1, 1e-9},
      {"corr.csv", 4, "correlation", 20, 1, 1e-9},
      {"atr.csv", 2, "atr", 14, 1, 2e-4},
      {"ema.csv", 1, "ema", 20, 1, 1e-7},
      {"rsi.csv", 1, "rsi", 14, 1, 2e-4},
  };
  const char *folder = shared_data();
  read_skender_quotes(folder, "quotes-default.csv", candles);
  read_skender_quotes(folder, "quotes-compare.csv", others);
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    const struct check_column *check = &checks[i];
    const struct indicator *indicator = indicator_find(check->indicator);
    bool is_recursive = check->tolerance > 1e-8;
    char path[512];
    struct table table;
    snprintf(path, sizeof path, "%s/reference/skender/%s", folder, check->file);
    open_table(&table, path);
    assert_true(next_row(&table));
    int compared = 0;
    for (int row = 0; next_row(&table); row++) {
      const char *cell = table.cells[check->column];
      if (*cell == '\0' || (is_recursive && row < 10 * check->a)) continue;
      struct indicator_input input = {.candles = candles, .count = row + 1, .others = others, .a = check->a};
      assert_close(indicator->compute(&input), number(cell) * check->factor, check->tolerance, check->file, row);
      compared++;
    }
    close_table(&table);
    assert_true(compared > 280);
  }
}

static void open_zst(struct table *table, const char *folder, const char *name) {
  char command[1024];
  snprintf(command, sizeof command, "zstd -dcq '%s/%s'", folder, name);
  *table = (struct table){.file = popen(command, "r"), .is_pipe = true};
  assert_non_null(table->file);
  assert_true(next_row(table));
}

static int32_t read_minutes(const char *folder, const char *name, struct candle *out) {
  struct table table;
  open_zst(&table, folder, name);
  int32_t count = 0;
  for (; next_row(&table); count++) {
    assert_true(count < CANDLES_MAX);
    out[count] = (struct candle){.open_ts = (int64_t)number(table.cells[0]),
                                 .open = number(table.cells[1]),
                                 .high = number(table.cells[2]),
                                 .low = number(table.cells[3]),
                                 .close = number(table.cells[4]),
                                 .volume = number(table.cells[5])};
  }
  close_table(&table);
  return count;
}

/* TA-Lib over a month of minutes of SOLUSDT. Its recursions run from the first minute. */
static void test_talib_month(void **state) {
  (void)state;
  static const struct check_column checks[] = {
      {NULL, 1, "sma", 20, 1, 1e-9}, {NULL, 2, "ema", 20, 1, 1e-7},       {NULL, 3, "ema", 50, 1, 1e-7},    {NULL, 4, "rsi", 14, 1, 2e-3},
      {NULL, 5, "atr", 14, 1, 2e-4}, {NULL, 7, "true_range", 0, 1, 1e-9}, {NULL, 13, "slope", 14, 1, 1e-7},
  };
  const char *folder = shared_data();
  int32_t count = read_minutes(folder, "ohlcv/binance-usdm/2025-05/SOLUSDT-1m.csv.zst", candles);
  struct table table;
  open_zst(&table, folder, "reference/talib/SOLUSDT-1m-binance-2025-05.csv.zst");
  int32_t at = 0;
  int rows = 0;
  for (; next_row(&table); rows++) {
    int64_t ts = (int64_t)number(table.cells[0]);
    while (at < count && candles[at].open_ts < ts) at++;
    assert_true(at < count && candles[at].open_ts == ts);
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
      const struct check_column *check = &checks[i];
      if (rows < 10 * check->a || *table.cells[check->column] == '\0') continue;
      struct indicator_input input = {.candles = candles, .count = at + 1, .a = check->a};
      assert_close(indicator_find(check->indicator)->compute(&input), number(table.cells[check->column]), check->tolerance, check->indicator, rows);
    }
    /* Theirs includes the newest candle: our channel of the candle after it. */
    if (rows >= 20 && at + 1 < count) {
      assert_close(indicator_donchian_high(candles, at + 2, 20), number(table.cells[11]), 0, "donchian_high", rows);
      assert_close(indicator_donchian_low(candles, at + 2, 20), number(table.cells[12]), 0, "donchian_low", rows);
    }
  }
  close_table(&table);
  assert_true(rows > 43000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tables),      cmocka_unit_test(test_warm_up_and_window), cmocka_unit_test(test_by_hand),
      cmocka_unit_test(test_degenerate),  cmocka_unit_test(test_slow_twins),         cmocka_unit_test(test_skender),
      cmocka_unit_test(test_talib_month),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
