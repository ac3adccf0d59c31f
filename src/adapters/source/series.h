/* Growing arrays of rows that begin with their time: candles, points, trades. */
#ifndef ADAPTERS_SOURCE_SERIES_H
#define ADAPTERS_SOURCE_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "core/market/candle.h"

/* A funding rate at its settlement, or a mark price at the close of its bar. */
struct source_point {
  int64_t ts;
  double value;
};

/* A public trade as read. id is the exchange's number or a hash of its text, 0 when it gives none. */
struct source_trade {
  int64_t ts;
  int64_t price, qty; /* base/decimal.h */
  int64_t id;
  int64_t is_buy; /* taker side, 0 or 1; 64 bits so that rows have no padding */
};

enum series_kind { SERIES_CANDLES, SERIES_FUNDING, SERIES_MARK, SERIES_TRADES, SERIES_KIND_COUNT };

struct series {
  enum series_kind kind;
  void *rows; /* owned; struct candle, source_point or source_trade by kind */
  size_t count, capacity;
  void *mapping; /* owned; of the cached file that the rows lie in, read-only: the file has them, memory need not. NULL: rows are of the heap */
  size_t mapping_size;
  bool stays;           /* the mapping is not given back before its end: it is read again and again */
  int64_t rows_seen;    /* in the files, also those not kept */
  int64_t invalid;      /* rejected */
  int64_t duplicates;   /* same time (candles, points) or same id (trades) */
  int64_t conflicts;    /* duplicates that differ in value */
  int64_t out_of_order; /* rows earlier than the one before them */
  int64_t filled;       /* flat candles put into holes */
  bool is_turnover_estimated;
};

size_t series_row_size(enum series_kind kind);
void series_init(struct series *series, enum series_kind kind);
void series_deinit(struct series *series);
/* Room for one more row at the end, not yet counted; counts it when *series->count is raised by the caller. */
void *series_room(struct series *series);
/* Rows (at least one) of a file as they lie in it at `offset`, read-only and backed by that file alone; nobody may write to the file afterwards. */
NODISCARD enum status series_map(struct series *series, enum series_kind kind, int file, size_t offset, size_t count);
/* Memory of a mapping is given back; its rows are read from the file again when asked for. Rows of the heap stay. */
void series_release(const struct series *series);
/* Appends the rows and counts of another series of the same kind. */
void series_append(struct series *series, const struct series *other);
/* Brings rows into time order and drops duplicates, counting both. Of candles or points with one time and different values the larger volume, then
 * the larger bytes stay, so that the result does not depend on the order of the files. */
void series_sort(struct series *series);
/* The most frequent distance of neighbours in ms, so that holes and a stray row do not matter; 0 with fewer than two rows. Looks at the first 2000.
 */
int64_t series_usual_distance(const struct series *series);
/* Index of the first row at or after ts. */
size_t series_find(const struct series *series, int64_t ts);

static inline int64_t series_ts(const struct series *series, size_t index) {
  return *(const int64_t *)(const void *)((const char *)series->rows + index * series_row_size(series->kind));
}

#endif
