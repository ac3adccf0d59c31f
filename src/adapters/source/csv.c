/* Two roads through a row. The fast one reads the bytes once, straight into numbers, and gives up at the first surprise. The slow one then splits the
 * same line, allows quotes and blanks, and can say exactly what is wrong. Both end in take_row. */
#include "adapters/source/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/lines.h"
#include "adapters/source/number.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "base/text.h"

enum { ROW_WARNINGS_MAX = 10, COLUMN_NAME_MAX = 32 };

static const char *const role_names[CSV_ROLE_COUNT] = {"open", "high", "low",  "close",          "volume", "turnover", "price",  "quantity",
                                                       "rate", "time", "side", "is_buyer_maker", "id",     "symbol",   "ignored"};

/* Spellings in the wild, lower case. */
static const struct {
  const char *name;
  enum csv_role role;
} header_names[] = {
    {"ts", CSV_TIME},
    {"timestamp", CSV_TIME},
    {"timestamp_ms", CSV_TIME},
    {"time", CSV_TIME},
    {"date", CSV_TIME},
    {"datetime", CSV_TIME},
    {"open_time", CSV_TIME},
    {"open time", CSV_TIME},
    {"opentime", CSV_TIME},
    {"start", CSV_TIME},
    {"starttime", CSV_TIME},
    {"calc_time", CSV_TIME},
    {"fundingtime", CSV_TIME},
    {"funding_time", CSV_TIME},
    {"fundingratetimestamp", CSV_TIME},
    {"transact_time", CSV_TIME},
    {"open", CSV_OPEN},
    {"o", CSV_OPEN},
    {"high", CSV_HIGH},
    {"h", CSV_HIGH},
    {"low", CSV_LOW},
    {"l", CSV_LOW},
    {"close", CSV_CLOSE},
    {"c", CSV_CLOSE},
    {"volume", CSV_VOLUME},
    {"vol", CSV_VOLUME},
    {"v", CSV_VOLUME},
    {"base_volume", CSV_VOLUME},
    {"turnover", CSV_TURNOVER},
    {"quote_volume", CSV_TURNOVER},
    {"quote_asset_volume", CSV_TURNOVER},
    {"quote asset volume", CSV_TURNOVER},
    {"quotevolume", CSV_TURNOVER},
    {"price", CSV_PRICE},
    {"qty", CSV_QUANTITY},
    {"quantity", CSV_QUANTITY},
    {"size", CSV_QUANTITY},
    {"amount", CSV_QUANTITY},
    {"side", CSV_SIDE},
    {"taker_side", CSV_SIDE},
    {"is_buyer_maker", CSV_IS_BUYER_MAKER},
    {"isbuyermaker", CSV_IS_BUYER_MAKER},
    {"rate", CSV_RATE},
    {"funding_rate", CSV_RATE},
    {"fundingrate", CSV_RATE},
    {"last_funding_rate", CSV_RATE},
    {"symbol", CSV_SYMBOL},
    {"trade_id", CSV_ID},
    {"id", CSV_ID},
    {"agg_trade_id", CSV_ID},
    {"trdmatchid", CSV_ID},
};

struct csv_row {
  int64_t ts;
  double numbers[CSV_NUMBER_COUNT];
  int64_t price, qty; /* of trades */
  int64_t id;
  bool is_buy;
};

struct csv {
  struct csv_result *result;
  struct lines lines;
  struct problem *problem;
  const char *name; /* of the file */
  char separator;
  int columns;
  enum csv_role roles[CSV_COLUMNS_MAX];
  char names[CSV_COLUMNS_MAX][COLUMN_NAME_MAX]; /* as printed in messages */
  bool has_header, has_role[CSV_ROLE_COUNT];
  int64_t unit_per_second; /* of integer times, from the first row; 0 unknown */
  int warnings;
  int64_t swapped; /* rows whose high is below their low */
};

/* --- lines and fields ------------------------------------------------------------------------------------------- */

char csv_find_separator(const char *line, const char *end) {
  int commas = 0, semicolons = 0, tabs = 0;
  bool is_quoted = false;
  for (const char *p = line; p < end; p++) {
    if (*p == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    commas += *p == ',';
    semicolons += *p == ';';
    tabs += *p == '\t';
  }
  if (tabs > 0) return '\t';
  return semicolons > 0 ? ';' : (commas > 0 ? ',' : ' ');
}

static char *trim(char *begin, char *end) {
  while (begin < end && (*begin == ' ' || *begin == '\t')) begin++;
  while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) end--;
  *end = '\0';
  return begin;
}

int csv_split(char *line, char *end, char separator, char **fields, int fields_max) {
  int count = 0;
  char *p = line;
  while (count < fields_max) {
    char *stop = p;
    bool is_quoted = false;
    while (stop < end && (is_quoted || *stop != separator)) is_quoted ^= *stop++ == '"';
    if (is_quoted) return -1;
    const bool is_last = stop == end;
    char *field = trim(p, stop);
    const size_t length = strlen(field);
    if (length >= 2 && field[0] == '"' && field[length - 1] == '"') field = trim(field + 1, field + length - 1);
    fields[count++] = field;
    if (is_last) break;
    p = stop + 1;
  }
  return count;
}

static void row_location(const struct csv *csv, int64_t line, char *out, size_t size) {
  (void)snprintf(out, size, "%.120s:%lld", csv->name, (long long)line);
}

static void warn_row(struct csv *csv, int64_t line, const char *column, const char *value, const char *what) {
  csv->result->series.invalid++;
  if (csv->warnings++ >= ROW_WARNINGS_MAX) return;
  char location[160];
  row_location(csv, line, location, sizeof location);
  if (column)
    problem_warn(csv->problem, "bad_row", location, value, NULL, "column %s: %s; the row is left out", column, what);
  else
    problem_warn(csv->problem, "bad_row", location, value, NULL, "%s; the row is left out", what);
}

/* --- times ------------------------------------------------------------------------------------------------------- */

static const int64_t time_min = INT64_C(1230768000000), time_max = INT64_C(4102444800000); /* 2009 to 2100 */

static int64_t unit_of(int64_t value) {
  if (value < INT64_C(100000000000)) return 1;
  if (value < INT64_C(100000000000000)) return 1000;
  return value < INT64_C(100000000000000000) ? 1000000 : 1000000000;
}

static int64_t to_ms(int64_t value, int64_t unit_per_second) {
  return unit_per_second >= 1000 ? value / (unit_per_second / 1000) : value * 1000;
}

/* Integer times and seconds with a fraction; false hands over to the slow road (ISO). */
static inline const char *read_time(const struct csv *csv, const char *p, int64_t *ts) {
  int64_t value;
  const char *end = number_read_integer(p, &value);
  if (!end || unit_of(value) != csv->unit_per_second) return NULL;
  *ts = to_ms(value, csv->unit_per_second);
  if (*end != '.') return end;
  if (csv->unit_per_second != 1) return NULL;
  int64_t scale = 100;
  for (end++; (unsigned)(unsigned char)*end - '0' < 10; end++, scale /= 10) *ts += (*end - '0') * scale;
  return end;
}

static const char *parse_time(struct csv *csv, const char *field, int64_t *ts) {
  if (*field == '\0') return "is empty";
  int64_t value;
  const char *end = number_read_integer(field, &value);
  if (end && (*end == '\0' || *end == '.')) {
    if (csv->unit_per_second == 0) csv->unit_per_second = unit_of(value);
    if (unit_of(value) != csv->unit_per_second) return "is in another unit than the rows before";
    end = read_time(csv, field, ts);
    if (!end || *end != '\0') return "is not a time";
  } else if (!calendar_parse(field, ts)) {
    return "is neither an integer time nor an ISO time";
  }
  return NULL;
}

/* --- the fast road ----------------------------------------------------------------------------------------------- */

/* Reads one row at p. Returns the byte after its line feed, or NULL for the slow road. */
static const char *read_row(const struct csv *csv, const char *p, struct csv_row *row) {
  for (int i = 0; i < csv->columns; i++) {
    const enum csv_role role = csv->roles[i];
    if (role == CSV_TIME) {
      p = read_time(csv, p, &row->ts);
    } else if (role == CSV_PRICE) {
      p = number_read_decimal(p, &row->price);
    } else if (role == CSV_QUANTITY) {
      p = number_read_decimal(p, &row->qty);
    } else if (role < CSV_NUMBER_COUNT) {
      p = number_read(p, &row->numbers[role]);
    } else if (role == CSV_IGNORED) {
      while (*p != csv->separator && *p != '\n' && *p != '"') p++;
    } else if (role == CSV_SIDE && (*p == 'B' || *p == 'S') && p[1] == csv->separator) {
      row->is_buy = *p++ == 'B';
    } else if (role == CSV_ID) {
      p = number_read_integer(p, &row->id);
    } else {
      return NULL;
    }
    if (!p) return NULL;
    if (i + 1 < csv->columns && *p++ != csv->separator) return NULL;
  }
  if (*p == '\r') p++;
  return *p == '\n' ? p + 1 : NULL;
}

/* --- the slow road ----------------------------------------------------------------------------------------------- */

static int64_t hash_of(const char *text) {
  uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
  return (int64_t)(hash >> 1) | 1;
}

static const char *parse_number(const char *field, double *out) {
  if (*field == '\0') return "is empty";
  const char *end = number_read(field, out);
  if (end && *end == '\0') return NULL;
  if (text_equal_ignoring_case(field, "nan") || text_equal_ignoring_case(field, "null")) return "is not a number (NaN)";
  if (text_equal_ignoring_case(field, "inf") || text_equal_ignoring_case(field, "-inf")) return "is infinite";
  return strchr(field, ',') ? "has a comma; write decimals with a point and no thousands separators" : "is not a finite number";
}

static const char *parse_decimal(const char *field, int64_t *out) {
  const char *end = number_read_decimal(field, out);
  if (end && *end == '\0') return NULL;
  return *field == '\0' ? "is empty" : "is not a number above 0 with at most 8 decimals";
}

static const char *parse_side(const char *field, bool *is_buy) {
  *is_buy = text_equal_ignoring_case(field, "buy") || text_equal_ignoring_case(field, "b");
  return *is_buy || text_equal_ignoring_case(field, "sell") || text_equal_ignoring_case(field, "s") ? NULL : "is neither buy nor sell";
}

static const char *parse_symbol(struct csv *csv, const char *field) {
  char *symbol = csv->result->symbol;
  if (symbol[0] == '\0') text_copy(symbol, CSV_SYMBOL_MAX, field);
  return strcmp(symbol, field) == 0 ? NULL : "is another symbol than in the rows before; give each symbol a file";
}

/* What is wrong with a field, or NULL. */
static const char *parse_field(struct csv *csv, enum csv_role role, const char *field, struct csv_row *row) {
  switch (role) {
    case CSV_TIME:
      return parse_time(csv, field, &row->ts);
    case CSV_PRICE:
      return parse_decimal(field, &row->price);
    case CSV_QUANTITY:
      return parse_decimal(field, &row->qty);
    case CSV_SIDE:
      return parse_side(field, &row->is_buy);
    case CSV_IS_BUYER_MAKER:
      row->is_buy = text_equal_ignoring_case(field, "false") || strcmp(field, "0") == 0;
      return row->is_buy || text_equal_ignoring_case(field, "true") || strcmp(field, "1") == 0 ? NULL : "is neither true nor false";
    case CSV_ID:
      if (!text_parse_i64(field, &row->id)) row->id = hash_of(field);
      return NULL;
    case CSV_SYMBOL:
      return parse_symbol(csv, field);
    case CSV_IGNORED:
    case CSV_ROLE_COUNT:
      return NULL;
    default:
      return parse_number(field, &row->numbers[role]);
  }
}

static bool parse_row(struct csv *csv, char *line, char *end, struct csv_row *row) {
  char *fields[CSV_COLUMNS_MAX + 1];
  const int count = csv_split(line, end, csv->separator, fields, CSV_COLUMNS_MAX + 1);
  if (count < 0) {
    warn_row(csv, csv->lines.number, NULL, NULL, "quotes are not closed on this line");
    return false;
  }
  if (count != csv->columns) {
    char what[80], value[24];
    (void)snprintf(what, sizeof what, "the row has %s%d columns, the first had %d", count > CSV_COLUMNS_MAX ? "more than " : "", count, csv->columns);
    (void)snprintf(value, sizeof value, "%.20s", fields[0]);
    warn_row(csv, csv->lines.number, NULL, value, what);
    return false;
  }
  for (int i = 0; i < count; i++) {
    const char *what = parse_field(csv, csv->roles[i], fields[i], row);
    if (!what) continue;
    warn_row(csv, csv->lines.number, csv->names[i], fields[i], what);
    return false;
  }
  return true;
}

/* --- rows into the series ---------------------------------------------------------------------------------------- */

static const char *candle_fault(const struct candle *candle) {
  if (candle->low <= 0 || candle->open <= 0 || candle->close <= 0 || candle->high <= 0) return "a price is not above 0";
  if (candle->high < candle->low) return "high is below low";
  if (candle->high < candle->open || candle->high < candle->close) return "high is not the highest price";
  if (candle->low > candle->open || candle->low > candle->close) return "low is not the lowest price";
  if (candle->volume < 0) return "volume is negative";
  return candle->turnover < 0 ? "turnover is negative" : "a value is too large";
}

static const char *take_candle(struct csv *csv, const struct csv_row *row) {
  struct series *series = &csv->result->series;
  const double *n = row->numbers;
  struct candle *candle = series_room(series);
  *candle = (struct candle){row->ts, n[CSV_OPEN], n[CSV_HIGH], n[CSV_LOW], n[CSV_CLOSE], n[CSV_VOLUME], n[CSV_TURNOVER]};
  if (!csv->has_role[CSV_TURNOVER]) candle->turnover = candle->close * candle->volume;
  if (!candle_is_valid(candle)) {
    csv->swapped += candle->high < candle->low;
    return candle_fault(candle);
  }
  series->count++;
  return NULL;
}

static const char *take_trade(struct csv *csv, const struct csv_row *row) {
  if (row->price <= 0) return "the price is not above 0";
  if (row->qty <= 0) return "the quantity is not above 0";
  *(struct source_trade *)series_room(&csv->result->series) =
      (struct source_trade){.ts = row->ts, .price = row->price, .qty = row->qty, .id = row->id, .is_buy = row->is_buy};
  csv->result->series.count++;
  return NULL;
}

static const char *take_point(struct csv *csv, const struct csv_row *row) {
  const bool is_mark = csv->result->series.kind == SERIES_MARK;
  const double value = row->numbers[is_mark ? CSV_CLOSE : CSV_RATE];
  if (is_mark && !(value > 0)) return "the price is not above 0";
  if (!is_mark && !(value > -1 && value < 1)) return "a funding rate is a fraction between -1 and 1";
  *(struct source_point *)series_room(&csv->result->series) = (struct source_point){row->ts, value};
  csv->result->series.count++;
  return NULL;
}

static void take_row(struct csv *csv, int64_t line, const struct csv_row *row) {
  const char *what;
  if (row->ts < time_min || row->ts >= time_max) {
    what = "the time is outside 2009 to 2100: wrong unit or wrong column";
  } else if (csv->result->series.kind == SERIES_CANDLES) {
    what = take_candle(csv, row);
  } else {
    what = csv->result->series.kind == SERIES_TRADES ? take_trade(csv, row) : take_point(csv, row);
  }
  if (what) {
    char value[32];
    struct text text;
    text_init(&text, value, sizeof value);
    text_add_i64(&text, row->ts);
    warn_row(csv, line, NULL, value, what);
  }
}

/* --- header ------------------------------------------------------------------------------------------------------ */

static enum csv_role role_of(const char *name) {
  for (size_t i = 0; i < sizeof header_names / sizeof header_names[0]; i++) {
    if (text_equal_ignoring_case(name, header_names[i].name)) return header_names[i].role;
  }
  return CSV_IGNORED;
}

static bool looks_like_time(const char *field) {
  int64_t ts;
  double number;
  const char *end = number_read(field, &number);
  return (end && *end == '\0') || calendar_parse(field, &ts);
}

static void set_role(struct csv *csv, int column, enum csv_role role) {
  csv->roles[column] = role;
  csv->has_role[role] = true;
}

/* Without a header the number of columns decides. */
static bool assign_headerless(struct csv *csv) {
  static const enum csv_role candle[] = {CSV_TIME, CSV_OPEN, CSV_HIGH, CSV_LOW, CSV_CLOSE, CSV_VOLUME, CSV_TURNOVER};
  const enum series_kind kind = csv->result->series.kind;
  for (int i = 0; i < csv->columns; i++) csv->roles[i] = CSV_IGNORED;
  if (kind == SERIES_FUNDING && csv->columns == 2) {
    set_role(csv, 0, CSV_TIME);
    set_role(csv, 1, CSV_RATE);
  } else if (kind == SERIES_MARK && csv->columns >= 5) {
    for (int i = 0; i < 5; i++) set_role(csv, i, candle[i]);
  } else if (kind == SERIES_CANDLES && csv->columns == 12) { /* Binance: open time, o, h, l, c, volume, close time, quote volume, ... */
    for (int i = 0; i < 6; i++) set_role(csv, i, candle[i]);
    set_role(csv, 7, CSV_TURNOVER);
  } else if (kind == SERIES_CANDLES && (csv->columns == 6 || csv->columns == 7)) {
    for (int i = 0; i < csv->columns; i++) set_role(csv, i, candle[i]);
  } else {
    return false;
  }
  for (int i = 0; i < csv->columns; i++) text_copy(csv->names[i], COLUMN_NAME_MAX, role_names[csv->roles[i]]);
  return true;
}

static enum status assign_header(struct csv *csv, char **fields, int64_t line) {
  char location[160];
  row_location(csv, line, location, sizeof location);
  for (int i = 0; i < csv->columns; i++) {
    const enum csv_role role = role_of(fields[i]);
    text_copy(csv->names[i], COLUMN_NAME_MAX, fields[i]);
    if (role != CSV_IGNORED && role != CSV_ID && csv->has_role[role]) {
      problem_add(csv->problem, "bad_header", location, fields[i], NULL, "the header names the %s twice", role_names[role]);
      return STATUS_BAD_FORMAT;
    }
    set_role(csv, i, role == CSV_ID && csv->has_role[CSV_ID] ? CSV_IGNORED : role);
  }
  return STATUS_OK;
}

/* A header knows better than a file name whether the rows are candles, trades or funding rates. */
static void refine_kind(struct csv *csv) {
  struct series *series = &csv->result->series;
  if (series->kind != SERIES_CANDLES || csv->has_role[CSV_OPEN]) return;
  if (csv->has_role[CSV_PRICE] && csv->has_role[CSV_QUANTITY])
    series->kind = SERIES_TRADES;
  else if (csv->has_role[CSV_RATE])
    series->kind = SERIES_FUNDING;
}

static enum status check_columns(struct csv *csv, int64_t line) {
  static const enum csv_role candles[] = {CSV_TIME, CSV_OPEN, CSV_HIGH, CSV_LOW, CSV_CLOSE, CSV_VOLUME}, funding[] = {CSV_TIME, CSV_RATE},
                             mark[] = {CSV_TIME, CSV_CLOSE}, trades[] = {CSV_TIME, CSV_PRICE, CSV_QUANTITY};
  static const struct {
    const enum csv_role *roles;
    int count;
  } needs[SERIES_KIND_COUNT] = {
      [SERIES_CANDLES] = {candles, 6}, [SERIES_FUNDING] = {funding, 2}, [SERIES_MARK] = {mark, 2}, [SERIES_TRADES] = {trades, 3}};
  const enum series_kind kind = csv->result->series.kind;
  char missing[128], location[160];
  struct text text;
  text_init(&text, missing, sizeof missing);
  for (int i = 0; i < needs[kind].count; i++) {
    if (csv->has_role[needs[kind].roles[i]]) continue;
    if (text.length > 0) text_add(&text, ", ");
    text_add(&text, role_names[needs[kind].roles[i]]);
  }
  if (kind == SERIES_TRADES && !csv->has_role[CSV_SIDE] && !csv->has_role[CSV_IS_BUYER_MAKER]) text_add(&text, text.length > 0 ? ", side" : "side");
  if (text.length == 0) return STATUS_OK;
  row_location(csv, line, location, sizeof location);
  problem_add(csv->problem, "missing_column", location, missing, "ts, open, high, low, close, volume[, turnover] in any order",
              "the header lacks a column: %s", missing);
  return STATUS_BAD_FORMAT;
}

/* Reads the first line with content; a line of data is put back. */
static enum status read_header(struct csv *csv) {
  char *begin = NULL, *end = NULL;
  do {
    const enum status status = lines_next(&csv->lines, &begin, &end, csv->problem);
    if (status == STATUS_END) {
      problem_add(csv->problem, "no_data", csv->name, NULL, NULL, "the file holds no rows");
      return STATUS_NO_DATA;
    }
    if (status) return status;
  } while (begin == end || *begin == '#');
  const int64_t line = csv->lines.number;
  if (memchr(begin, '\r', (size_t)(end - begin)) || memchr(begin, '\0', (size_t)(end - begin))) {
    problem_add(csv->problem, "bad_format", csv->name, NULL, "lines that end with a line feed", "this is not text with line feeds");
    return STATUS_BAD_FORMAT;
  }
  char *copy = malloc((size_t)(end - begin) + 1), *fields[CSV_COLUMNS_MAX + 1];
  if (!copy) return STATUS_NO_MEMORY;
  memcpy(copy, begin, (size_t)(end - begin));
  csv->separator = csv_find_separator(begin, end);
  csv->columns = csv_split(copy, copy + (end - begin), csv->separator, fields, CSV_COLUMNS_MAX + 1);
  enum status status = STATUS_OK;
  if (csv->columns < 2 || csv->columns > CSV_COLUMNS_MAX) {
    problem_add(csv->problem, "bad_format", csv->name, NULL, "columns separated by comma, semicolon or tab",
                "the first line is not a row of a table");
    status = STATUS_BAD_FORMAT;
  } else if (looks_like_time(fields[0])) {
    if (!assign_headerless(csv)) {
      char columns[16];
      (void)snprintf(columns, sizeof columns, "%d", csv->columns);
      problem_add(csv->problem, "bad_format", csv->name, columns, "6, 7 or 12 columns",
                  "without a header the number of columns must tell what they are");
      status = STATUS_BAD_FORMAT;
    } else {
      csv->lines.next = begin;
      csv->lines.number--;
    }
  } else {
    csv->has_header = true;
    status = assign_header(csv, fields, line);
    if (!status) refine_kind(csv);
    if (!status) status = check_columns(csv, line);
  }
  free(copy);
  return status;
}

/* --- the whole file ---------------------------------------------------------------------------------------------- */

static enum status read_slow_row(struct csv *csv) {
  char *begin, *end;
  const enum status status = lines_next(&csv->lines, &begin, &end, csv->problem);
  if (status) return status;
  if (begin == end || *begin == '#') return STATUS_OK;
  csv->result->series.rows_seen++;
  struct csv_row row = {0};
  if (parse_row(csv, begin, end, &row)) take_row(csv, csv->lines.number, &row);
  return STATUS_OK;
}

static enum status read_rows(struct csv *csv) {
  struct csv_row row = {0}; /* every row sets the same members */
  for (;;) {
    enum status status = lines_fill(&csv->lines, csv->problem);
    if (status) return status == STATUS_END ? STATUS_OK : status;
    while (csv->lines.next < csv->lines.whole) {
      const char *next = read_row(csv, csv->lines.next, &row);
      if (next) {
        csv->lines.next = csv->lines.data + (next - csv->lines.data);
        csv->lines.number++;
        csv->result->series.rows_seen++;
        take_row(csv, csv->lines.number, &row);
      } else {
        status = read_slow_row(csv);
        if (status) return status;
      }
    }
  }
}

static enum status check_share(struct csv *csv) {
  const struct series *series = &csv->result->series;
  if (series->rows_seen == 0) {
    problem_add(csv->problem, "no_data", csv->name, NULL, NULL, "the file has a header but no rows");
    return STATUS_NO_DATA;
  }
  if (csv->swapped * 2 > series->rows_seen) {
    problem_add(csv->problem, "swapped_columns", csv->name, NULL, "order ts, open, high, low, close, volume",
                "high is below low in %lld of %lld rows: the columns are swapped", (long long)csv->swapped, (long long)series->rows_seen);
    return STATUS_BAD_FORMAT;
  }
  if (series->invalid * 100 > series->rows_seen) {
    problem_add(csv->problem, "too_many_bad_rows", csv->name, NULL, "at most 1 % of the rows",
                "%lld of %lld rows are not valid; the first are listed", (long long)series->invalid, (long long)series->rows_seen);
    return STATUS_BAD_INPUT;
  }
  return STATUS_OK;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

static void name_interval(int64_t interval_ms, char *out, size_t size) {
  if (interval_ms % MINUTE_MS == 0)
    (void)snprintf(out, size, "%lldm", (long long)(interval_ms / MINUTE_MS));
  else
    (void)snprintf(out, size, "%lldms", (long long)interval_ms);
}

/* Drops rows that are not on a multiple of the interval; they can not be candles of it. */
static void drop_misaligned(struct csv *csv, int64_t interval_ms) {
  struct series *series = &csv->result->series;
  struct candle *rows = series->rows;
  size_t kept = 0;
  for (size_t i = 0; i < series->count; i++) {
    if (rows[i].open_ts % interval_ms == 0) {
      if (kept != i) rows[kept] = rows[i];
      kept++;
      continue;
    }
    char value[32];
    struct text text;
    text_init(&text, value, sizeof value);
    text_add_time(&text, rows[i].open_ts);
    warn_row(csv, csv->lines.number, NULL, value, "an open time is not on a multiple of the interval");
  }
  series->count = kept;
}

static enum status check_interval(struct csv *csv, int64_t expected_ms) {
  const struct series *series = &csv->result->series;
  int64_t interval_ms = series->count > 1 ? series_usual_distance(series) : 0;
  if (expected_ms > 0 && interval_ms > 0) {
    int64_t common = 0;
    for (size_t i = 1; i < series->count; i++) common = greatest_common_divisor(series_ts(series, i) - series_ts(series, i - 1), common);
    /* Thin markets skip minutes, so a usual distance above the expected one is allowed as long as the rows do not all keep to it. */
    if (common > expected_ms || interval_ms < expected_ms || interval_ms % expected_ms != 0) {
      char found[24], named[24];
      name_interval(common > expected_ms ? common : interval_ms, found, sizeof found);
      name_interval(expected_ms, named, sizeof named);
      problem_add(csv->problem, "wrong_interval", csv->name, found, named, "the rows are %s apart, but the file is said to hold %s candles", found,
                  named);
      return STATUS_BAD_INPUT;
    }
    interval_ms = expected_ms;
  }
  if (interval_ms == 0) interval_ms = expected_ms;
  csv->result->interval_ms = interval_ms;
  if (interval_ms > 0 && series->kind == SERIES_CANDLES) drop_misaligned(csv, interval_ms);
  return check_share(csv);
}

static enum status finish(struct csv *csv, int64_t interval_ms) {
  enum status status = check_share(csv);
  struct series *series = &csv->result->series;
  if (status) return status;
  series->is_turnover_estimated = series->kind == SERIES_CANDLES && !csv->has_role[CSV_TURNOVER];
  series_sort(series);
  const bool is_bars = series->kind == SERIES_CANDLES || series->kind == SERIES_MARK;
  if (is_bars) status = check_interval(csv, interval_ms);
  if (status || series->kind != SERIES_MARK) return status;
  /* A mark bar's close is known when the bar ends. */
  for (size_t i = 0; i < series->count; i++) ((struct source_point *)series->rows)[i].ts += csv->result->interval_ms;
  return STATUS_OK;
}

static void begin(struct csv *csv, struct csv_result *result, struct input *input, enum series_kind kind, struct problem *problem) {
  *result = (struct csv_result){0};
  series_init(&result->series, kind);
  *csv = (struct csv){.result = result, .problem = problem, .name = input_name(input)};
}

enum status csv_read(struct csv_result *result, struct input *input, enum series_kind kind, int64_t interval_ms, struct problem *problem) {
  struct csv *csv = malloc(sizeof *csv);
  if (!csv) return STATUS_NO_MEMORY;
  begin(csv, result, input, kind, problem);
  enum status status = lines_open(&csv->lines, input, '\n');
  if (!status) status = read_header(csv);
  if (!status) status = read_rows(csv);
  if (!status) status = finish(csv, interval_ms);
  lines_close(&csv->lines);
  free(csv);
  return status;
}

/* --- ohlcv-json --------------------------------------------------------------------------------------------------- */

/* A closing bracket ends a row, so the rows are lines of another delimiter; what stands before the numbers is "[", "[[" or ",[". */
static enum status read_json_rows(struct csv *csv) {
  for (;;) {
    char *begin_row, *end_row;
    const enum status status = lines_next(&csv->lines, &begin_row, &end_row, csv->problem);
    if (status) return status == STATUS_END ? STATUS_OK : status;
    while (begin_row < end_row && strchr(" \t\r\n,[", *begin_row)) begin_row++;
    if (begin_row == end_row) continue; /* the bracket of the whole array */
    csv->result->series.rows_seen++;
    struct csv_row row = {0};
    if (parse_row(csv, begin_row, end_row, &row)) take_row(csv, csv->lines.number, &row);
  }
}

enum status csv_read_ohlcv_json(struct csv_result *result, struct input *input, int64_t interval_ms, struct problem *problem) {
  struct csv *csv = malloc(sizeof *csv);
  if (!csv) return STATUS_NO_MEMORY;
  begin(csv, result, input, SERIES_CANDLES, problem);
  csv->separator = ',';
  csv->columns = 6;
  (void)assign_headerless(csv);
  enum status status = lines_open(&csv->lines, input, ']');
  if (!status) status = read_json_rows(csv);
  if (!status) status = finish(csv, interval_ms);
  lines_close(&csv->lines);
  free(csv);
  return status;
}
