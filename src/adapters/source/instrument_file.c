#define _GNU_SOURCE
#include "adapters/source/instrument_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/csv.h"
#include "adapters/source/lines.h"
#include "base/check.h"
#include "base/text.h"

enum column {
  COLUMN_EXCHANGE,
  COLUMN_MARKET,
  COLUMN_SYMBOL,
  COLUMN_EXCHANGE_SYMBOL,
  COLUMN_TICK,
  COLUMN_LOT,
  COLUMN_MIN_QTY,
  COLUMN_MIN_NOTIONAL,
  COLUMN_MAX_LIMIT,
  COLUMN_MAX_MARKET,
  COLUMN_LEVERAGE,
  COLUMN_MARGIN,
  COLUMN_FUNDING,
  COLUMN_COUNT
};

static const struct {
  const char *name;
  enum column column;
} column_names[] = {{"exchange", COLUMN_EXCHANGE},
                    {"market", COLUMN_MARKET},
                    {"symbol", COLUMN_SYMBOL},
                    {"exchange_symbol", COLUMN_EXCHANGE_SYMBOL},
                    {"tick_size", COLUMN_TICK},
                    {"lot_size", COLUMN_LOT},
                    {"min_order_size", COLUMN_MIN_QTY},
                    {"min_qty", COLUMN_MIN_QTY},
                    {"min_notional_usd", COLUMN_MIN_NOTIONAL},
                    {"max_limit_qty", COLUMN_MAX_LIMIT},
                    {"max_market_qty", COLUMN_MAX_MARKET},
                    {"max_leverage", COLUMN_LEVERAGE},
                    {"maintenance_margin", COLUMN_MARGIN},
                    {"funding_interval_minutes", COLUMN_FUNDING}};

bool instrument_file_is_header(const char *line) {
  return strcasestr(line, "tick_size") && strcasestr(line, "lot_size") && strcasestr(line, "symbol");
}

static void warn_bad(struct lines *lines, const char *column, const char *value, struct problem *problem) {
  char location[160];
  (void)snprintf(location, sizeof location, "%.120s:%lld", input_name(lines->input), (long long)lines->number);
  problem_warn(problem, "bad_row", location, value, "a number above 0 with at most 8 decimals",
               "column %s of an instrument is not valid; the row is left out", column);
}

static bool read_decimal(const char *field, int64_t *out) {
  return *field == '\0' || decimal_parse(field, strlen(field), out);
}

static bool read_double(const char *field, double *out) {
  return *field == '\0' || text_parse_double(field, out);
}

/* Name of the first bad column, or NULL. */
static const char *read_row(struct instrument_row *row, char *const *values) {
  int64_t minutes = 0;
  text_copy(row->exchange, sizeof row->exchange, values[COLUMN_EXCHANGE]);
  text_copy(row->venue_symbol, sizeof row->venue_symbol, *values[COLUMN_EXCHANGE_SYMBOL] ? values[COLUMN_EXCHANGE_SYMBOL] : values[COLUMN_SYMBOL]);
  if (!read_decimal(values[COLUMN_TICK], &row->tick_size) || row->tick_size <= 0) return "tick_size";
  if (!read_decimal(values[COLUMN_LOT], &row->lot_size) || row->lot_size <= 0) return "lot_size";
  if (!read_decimal(values[COLUMN_MIN_QTY], &row->min_qty) || row->min_qty < 0) return "min_qty";
  if (!read_decimal(values[COLUMN_MIN_NOTIONAL], &row->min_notional_usd) || row->min_notional_usd < 0) return "min_notional_usd";
  if (!read_decimal(values[COLUMN_MAX_LIMIT], &row->max_limit_qty) || row->max_limit_qty < 0) return "max_limit_qty";
  if (!read_decimal(values[COLUMN_MAX_MARKET], &row->max_market_qty) || row->max_market_qty < 0) return "max_market_qty";
  if (!read_double(values[COLUMN_LEVERAGE], &row->max_leverage) || row->max_leverage < 0) return "max_leverage";
  if (!read_double(values[COLUMN_MARGIN], &row->maintenance_margin) || row->maintenance_margin < 0) return "maintenance_margin";
  if (*values[COLUMN_FUNDING] && (!text_parse_i64(values[COLUMN_FUNDING], &minutes) || minutes < 0 || minutes > 100000))
    return "funding_interval_minutes";
  row->funding_interval_minutes = (int)minutes;
  return NULL;
}

static void keep_row(struct instrument_file *file, const struct instrument_row *row) {
  if (file->count == file->capacity) {
    file->capacity = file->capacity ? file->capacity * 2 : 64;
    file->rows = realloc(file->rows, (size_t)file->capacity * sizeof *file->rows);
    check(file->rows);
  }
  file->rows[file->count++] = *row;
}

static enum status read_rows(struct instrument_file *file, struct lines *lines, struct problem *problem) {
  enum column columns[CSV_COLUMNS_MAX];
  char *fields[CSV_COLUMNS_MAX], *begin, *end, empty[1] = "";
  char separator = ',';
  int width = 0;
  enum status status;
  while ((status = lines_next(lines, &begin, &end, problem)) == STATUS_OK) {
    if (begin == end || *begin == '#') continue;
    const bool is_header = width == 0;
    if (is_header) separator = csv_find_separator(begin, end);
    const int count = csv_split(begin, end, separator, fields, CSV_COLUMNS_MAX);
    if (is_header) {
      for (width = 0; width < count; width++) {
        columns[width] = COLUMN_COUNT;
        for (size_t i = 0; i < sizeof column_names / sizeof column_names[0]; i++) {
          if (text_equal_ignoring_case(fields[width], column_names[i].name)) columns[width] = column_names[i].column;
        }
      }
      continue;
    }
    char *values[COLUMN_COUNT + 1];
    for (int i = 0; i <= COLUMN_COUNT; i++) values[i] = empty;
    for (int i = 0; i < count && i < width; i++) values[columns[i]] = fields[i];
    const char *market = values[COLUMN_MARKET];
    if (*market && !text_equal_ignoring_case(market, "linear") && !text_equal_ignoring_case(market, "perpetual")) continue;
    struct instrument_row row = {0};
    const char *bad = count == width ? read_row(&row, values) : "count";
    if (bad) {
      warn_bad(lines, bad, row.venue_symbol[0] != '\0' ? row.venue_symbol : NULL, problem);
      continue;
    }
    keep_row(file, &row);
  }
  return status == STATUS_END ? STATUS_OK : status;
}

enum status instrument_file_read(struct instrument_file *file, struct input *input, struct problem *problem) {
  struct lines lines;
  enum status status = lines_open(&lines, input, '\n');
  if (!status) status = read_rows(file, &lines, problem);
  lines_close(&lines);
  return status;
}

void instrument_file_deinit(struct instrument_file *file) {
  free(file->rows);
  *file = (struct instrument_file){0};
}

const struct instrument_row *instrument_file_find(const struct instrument_file *file, const char *venue_symbol, const char *exchange) {
  const struct instrument_row *found = NULL;
  for (int i = 0; i < file->count; i++) {
    const struct instrument_row *row = &file->rows[i];
    if (!text_equal_ignoring_case(row->venue_symbol, venue_symbol)) continue;
    if (text_equal_ignoring_case(row->exchange, exchange)) return row;
    if (!found) found = row;
  }
  return found;
}

void instrument_file_apply(const struct instrument_row *row, struct instrument *instrument) {
  instrument->tick_size = row->tick_size;
  instrument->lot_size = row->lot_size;
  instrument->min_qty = row->min_qty > 0 ? row->min_qty : row->lot_size;
  if (row->min_notional_usd > 0) instrument->min_notional_usd = row->min_notional_usd;
  if (row->max_limit_qty > 0) instrument->max_limit_qty = row->max_limit_qty;
  if (row->max_market_qty > 0) instrument->max_market_qty = row->max_market_qty;
  if (row->max_leverage > 0) instrument->max_leverage = row->max_leverage;
  if (row->maintenance_margin > 0) instrument->maintenance_margin = row->maintenance_margin;
  if (row->funding_interval_minutes > 0) instrument->funding_interval_minutes = row->funding_interval_minutes;
  instrument->is_default = false;
}
