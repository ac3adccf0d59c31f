/* The data doctor (market-data 10): how far candles of one symbol can be trusted. */
#ifndef ADAPTERS_SOURCE_QUALITY_H
#define ADAPTERS_SOURCE_QUALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/series.h"

/* What is told of the books and trades of a symbol. */
struct stream_quality {
  int64_t first_ts, last_ts;        /* 0 without any */
  int64_t books, snapshots, levels; /* messages of the book, snapshots among them, levels they name */
  int64_t trades, others;           /* others: tickers, marks, open interest */
  int64_t gaps;                     /* breaks in the sequence of the book */
  int64_t stale, waiting;           /* changes that a snapshot already held, and that never got one: left out */
  int64_t trade_gaps, trades_lost;  /* breaks in the numbers of the trades, and the numbers missing there */
  int64_t silence_ms;               /* longest time between two messages */
};

/* Counts as items come. */
struct source_item;
struct stream_counter {
  struct stream_quality quality;
  /* Goes on where the items of a further file begin. */
  int64_t seq; /* of the book */
  bool has_book;
  int64_t heard_ts; /* of the last item, 0 before the first */
};
void stream_counter_add(struct stream_counter *counter, const struct source_item *item);
/* Of several streams of one symbol. */
void stream_quality_join(struct stream_quality *quality, const struct stream_quality *other);

struct quality {
  int64_t first_ts, last_ts; /* open times; 0 without candles */
  int64_t rows;              /* read, also those not kept */
  int64_t present, expected; /* candles in the range */
  int64_t missing;           /* expected - present */
  int64_t holes;             /* runs of missing candles */
  int64_t longest_hole;      /* candles */
  int64_t duplicates, conflicts, out_of_order, invalid, filled;
  int64_t jumps;                                           /* |open - previous close| > 20 ATR(14) of the candles before */
  int64_t quiet_runs;                                      /* zero volume for longer than 60 minutes */
  double completeness, freshness, uniqueness, consistency; /* 0..1 */
  double score;                                            /* 0..100 */
};

/* Counts of what was read (duplicates, invalid, ...) are those of the whole series; the rest is of candles with open_ts in [from_ms, to_ms), 0 open.
 */
void quality_measure(struct quality *out, const struct series *candles, int64_t interval_ms, int64_t from_ms, int64_t to_ms);
/* A backtest may use it: completeness at least 0.999 and no invalid candle. */
bool quality_is_usable(const struct quality *quality);
/* Fills holes of at most 5 minutes with flat candles of the last close and no volume; returns how many were written. Their open times and prices are
 * appended to marks (SERIES_MARK). */
int64_t quality_fill_flat(struct series *candles, int64_t interval_ms, struct series *marks);

#endif
