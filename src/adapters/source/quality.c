#include "adapters/source/quality.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "adapters/source/source.h"
#include "base/calendar.h"

enum { ATR_PERIOD = 14 };

static void measure_holes(struct quality *out, const struct candle *rows, size_t count, int64_t interval_ms) {
  for (size_t i = 1; i < count; i++) {
    const int64_t missing = (rows[i].open_ts - rows[i - 1].open_ts) / interval_ms - 1;
    if (missing <= 0) continue;
    out->holes++;
    if (missing > out->longest_hole) out->longest_hole = missing;
  }
}

static void measure_jumps(struct quality *out, const struct candle *rows, size_t count) {
  double atr = NAN, sum = 0;
  for (size_t i = 0; i < count; i++) {
    const struct candle *now = &rows[i];
    double range = now->high - now->low;
    if (i > 0) {
      const double last = now[-1].close;
      if (atr > 0 && fabs(now->open - last) > 20 * atr) out->jumps++;
      const double up = fabs(now->high - last), down = fabs(now->low - last);
      if (up > range) range = up;
      if (down > range) range = down;
    }
    if (i < ATR_PERIOD) sum += range;
    if (i == ATR_PERIOD - 1) atr = sum / ATR_PERIOD;
    if (i >= ATR_PERIOD) atr = (atr * (ATR_PERIOD - 1) + range) / ATR_PERIOD;
  }
}

static void measure_quiet_runs(struct quality *out, const struct candle *rows, size_t count, int64_t interval_ms) {
  int64_t run = 0;
  for (size_t i = 0; i < count; i++) {
    run = rows[i].volume > 0 ? 0 : run + 1;
    /* Counted once, when it passes the hour. */
    if (run * interval_ms > HOUR_MS && (run - 1) * interval_ms <= HOUR_MS) out->quiet_runs++;
  }
}

void quality_measure(struct quality *out, const struct series *candles, int64_t interval_ms, int64_t from_ms, int64_t to_ms) {
  *out = (struct quality){.rows = candles->rows_seen,
                          .duplicates = candles->duplicates,
                          .conflicts = candles->conflicts,
                          .out_of_order = candles->out_of_order,
                          .invalid = candles->invalid,
                          .filled = candles->filled};
  const size_t begin = from_ms == 0 ? 0 : series_find(candles, from_ms), end = to_ms == 0 ? candles->count : series_find(candles, to_ms);
  if (begin >= end) return;
  const struct candle *rows = (const struct candle *)candles->rows + begin;
  const size_t count = end - begin;
  out->first_ts = rows[0].open_ts;
  out->last_ts = rows[count - 1].open_ts;
  out->present = (int64_t)count;
  out->expected = (out->last_ts - out->first_ts) / interval_ms + 1;
  out->missing = out->expected - out->present;
  measure_holes(out, rows, count, interval_ms);
  measure_jumps(out, rows, count);
  measure_quiet_runs(out, rows, count, interval_ms);
  const double all = out->rows > 0 ? (double)out->rows : (double)out->present;
  out->completeness = (double)out->present / (double)out->expected;
  out->freshness = 1; /* a recorded dataset is closed */
  out->uniqueness = 1 - (double)out->duplicates / all;
  out->consistency = 1 - (double)(out->invalid + out->jumps) / all;
  out->score = 100 * (0.3 * out->completeness + 0.2 * out->freshness + 0.3 * out->uniqueness + 0.2 * out->consistency);
}

bool quality_is_usable(const struct quality *quality) {
  return quality->completeness >= 0.999 && quality->invalid == 0;
}

int64_t quality_fill_flat(struct series *candles, int64_t interval_ms, struct series *marks) {
  struct series filled;
  series_init(&filled, SERIES_CANDLES);
  const struct candle *rows = candles->rows;
  for (size_t i = 0; i < candles->count; i++) {
    const int64_t hole_ms = i > 0 ? rows[i].open_ts - rows[i - 1].open_ts - interval_ms : 0;
    for (int64_t ts = rows[i].open_ts - hole_ms; hole_ms <= 5 * MINUTE_MS && ts < rows[i].open_ts; ts += interval_ms) {
      const double price = rows[i - 1].close;
      *(struct candle *)series_room(&filled) = (struct candle){ts, price, price, price, price, 0, 0};
      *(struct source_point *)series_room(marks) = (struct source_point){ts, price};
      marks->count++;
      filled.count++;
      filled.filled++;
    }
    *(struct candle *)series_room(&filled) = rows[i];
    filled.count++;
  }
  const int64_t written = filled.filled;
  if (written > 0) {
    const struct series holed = *candles;
    candles->rows = filled.rows;
    candles->count = filled.count;
    candles->capacity = filled.capacity;
    candles->mapping = NULL;
    candles->mapping_size = 0;
    candles->filled += written;
    filled = holed;
  }
  series_deinit(&filled);
  return written;
}

/* ---- books and trades ---- */

static void count_book(struct stream_counter *counter, const struct book_change *book) {
  struct stream_quality *quality = &counter->quality;
  quality->books++;
  quality->levels += book->bid_count + book->ask_count;
  const bool continues = (book->prev_seq >= 0 && book->prev_seq == counter->seq) || book->first_seq <= counter->seq + 1;
  if (book->is_snapshot)
    quality->snapshots++;
  else if (counter->has_book && !continues)
    quality->gaps++;
  counter->has_book = book->is_snapshot || (counter->has_book && continues);
  counter->seq = book->last_seq;
}

void stream_counter_add(struct stream_counter *counter, const struct source_item *item) {
  struct stream_quality *quality = &counter->quality;
  if (quality->first_ts == 0) quality->first_ts = item->ts;
  if (counter->heard_ts != 0 && item->ts - counter->heard_ts > quality->silence_ms) quality->silence_ms = item->ts - counter->heard_ts;
  quality->last_ts = counter->heard_ts = item->ts;
  if (item->kind == SOURCE_BOOK)
    count_book(counter, item->book);
  else if (item->kind == SOURCE_TRADES)
    quality->trades += item->trade_count;
  else
    quality->others++;
}

void stream_quality_join(struct stream_quality *quality, const struct stream_quality *other) {
  if (quality->first_ts == 0 || (other->first_ts != 0 && other->first_ts < quality->first_ts)) quality->first_ts = other->first_ts;
  if (other->last_ts > quality->last_ts) quality->last_ts = other->last_ts;
  if (other->silence_ms > quality->silence_ms) quality->silence_ms = other->silence_ms;
  quality->books += other->books;
  quality->snapshots += other->snapshots;
  quality->levels += other->levels;
  quality->trades += other->trades;
  quality->others += other->others;
  quality->gaps += other->gaps;
  quality->stale += other->stale;
  quality->waiting += other->waiting;
  quality->trade_gaps += other->trade_gaps;
  quality->trades_lost += other->trades_lost;
}
