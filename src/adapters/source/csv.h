/* Separated text of candles, trades, funding rates, mark prices and instruments. */
#ifndef ADAPTERS_SOURCE_CSV_H
#define ADAPTERS_SOURCE_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/input.h"
#include "adapters/source/series.h"

/* What a column means. The numbers of a row come first: they index the values of a row. */
enum csv_role {
  CSV_OPEN,
  CSV_HIGH,
  CSV_LOW,
  CSV_CLOSE,
  CSV_VOLUME,
  CSV_TURNOVER,
  CSV_PRICE,
  CSV_QUANTITY,
  CSV_RATE,
  CSV_NUMBER_COUNT,
  CSV_TIME = CSV_NUMBER_COUNT,
  CSV_SIDE,
  CSV_IS_BUYER_MAKER,
  CSV_ID,
  CSV_SYMBOL,
  CSV_IGNORED,
  CSV_ROLE_COUNT
};

enum { CSV_COLUMNS_MAX = 64, CSV_SYMBOL_MAX = 32 };

struct csv_result {
  struct series series;
  int64_t interval_ms;         /* of candles and mark prices, found in the rows; 0 with fewer than two rows */
  char symbol[CSV_SYMBOL_MAX]; /* of a symbol column, else "" */
};

/* Reads a whole file into result, sorted and without duplicates. kind is what the file name promises; a header may refine candles to trades or
 * funding. interval_ms is what is expected, 0 unknown. Bad rows are listed in problem as warnings with file, line and column; more than 1 % of them,
 * a missing column, no rows, or an interval that is not the expected one is an error. The caller deinits result->series in any case. */
NODISCARD enum status csv_read(struct csv_result *result, struct input *input, enum series_kind kind, int64_t interval_ms, struct problem *problem);

/* The same for [[ts, open, high, low, close, volume], ...] (ccxt, freqtrade). */
NODISCARD enum status csv_read_ohlcv_json(struct csv_result *result, struct input *input, int64_t interval_ms, struct problem *problem);

/* Splits a line in place at the separator: fields are trimmed, unquoted and terminated. Returns their number, or -1 with unbalanced quotes. */
int csv_split(char *line, char *end, char separator, char **fields, int fields_max);
/* The separator of a line: the most frequent of tab, semicolon, comma outside quotes. */
char csv_find_separator(const char *line, const char *end);

#endif
