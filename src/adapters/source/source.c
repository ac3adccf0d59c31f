#include "adapters/source/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/dataset.h"
#include "base/check.h"
#include "base/digest.h"
#include "core/market/symbol.h"

const char *const source_stamp_names[SOURCE_STAMP_COUNT] = {"bad_data",           "coarse_base",    "instrument_defaults",
                                                            "turnover_estimated", "filled_candles", "funding_unknown"};
const char *const source_format_names[SOURCE_FORMAT_COUNT] = {"auto", "csv", "binance-klines", "bybit-trades", "ohlcv-json", "jsonl", "l2"};

/* Ranks of the sequences in the merge: the order of items at one time. */
enum rank { RANK_CANDLE, RANK_MARK, RANK_FUNDING, RANK_STREAM, RANK_TRADES };

/* Rows of a mapped file that are in memory at once. How much of the file a touched page brings along is the system's choice, up to megabytes. */
enum { WINDOW_ROWS = 512 };

/* Where each sequence stands. */
struct source_cursor {
  size_t candle, mark, funding, trade;
  size_t window_from, window_to; /* candles that window holds */
  const struct candle *window;   /* of the copy, or all of a series that is not mapped */
  struct candle *copy;           /* owned; NULL until a mapped candle was asked for */
  struct candle taken;           /* the candle handed out last: the window may have moved on */
};

enum status source_begin(struct source *source, struct problem *problem) {
  source->cursors = calloc((size_t)source->symbol_count, sizeof *source->cursors);
  check(source->cursors);
  return source_seek(source, INT64_MIN, problem);
}

enum status source_open(struct source **out, const struct source_options *options, struct problem *problem) {
  *out = NULL;
  struct source *source = calloc(1, sizeof *source);
  if (!source) return STATUS_NO_MEMORY;
  enum status status = dataset_load(source, options, problem);
  if (!status) status = source_begin(source, problem);
  if (status) {
    source_close(source);
    return status;
  }
  *out = source;
  return STATUS_OK;
}

void source_close(struct source *source) {
  if (!source) return;
  merge_deinit(&source->merge);
  for (int i = 0; source->cursors && i < source->symbol_count; i++) free(source->cursors[i].copy);
  free(source->cursors);
  dataset_unload(source);
  free(source);
}

/* --- what it holds ----------------------------------------------------------------------------------------------- */

static const struct dataset_symbol *symbol_at(const struct source *source, int symbol) {
  check(symbol >= 0 && symbol < source->symbol_count);
  return &source->symbols[symbol];
}

int source_symbol_count(const struct source *source) {
  return source->symbol_count;
}

const char *source_symbol(const struct source *source, int symbol) {
  return symbol_at(source, symbol)->printed;
}

const char *source_venue_symbol(const struct source *source, int symbol) {
  return symbol_at(source, symbol)->venue_symbol;
}

int source_find_symbol(const struct source *source, const char *spelling) {
  char printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  if (!symbol_parse(spelling, printed, venue_symbol)) return -1;
  for (int i = 0; i < source->symbol_count; i++) {
    if (strcmp(source->symbols[i].printed, printed) == 0) return i;
  }
  return -1;
}

uint32_t source_capabilities(const struct source *source, int symbol) {
  return symbol_at(source, symbol)->capabilities;
}

const struct instrument *source_instrument(const struct source *source, int symbol, int64_t ts) {
  const struct dataset_symbol *item = symbol_at(source, symbol);
  int at = item->instrument_count - 1;
  while (at > 0 && item->instruments[at].ts > ts) at--;
  return &item->instruments[at].instrument;
}

const struct candle *source_candles(const struct source *source, int symbol, size_t *count) {
  const struct dataset_symbol *item = symbol_at(source, symbol);
  *count = item->candles.count;
  return item->candles.rows;
}

const struct source_point *source_points(const struct source *source, int symbol, enum series_kind kind, size_t *count) {
  check(kind == SERIES_FUNDING || kind == SERIES_MARK);
  const struct dataset_symbol *item = symbol_at(source, symbol);
  const struct series *series = kind == SERIES_MARK ? &item->mark : &item->funding;
  *count = series->count;
  return series->rows;
}

bool source_is_turnover_estimated(const struct source *source, int symbol) {
  return symbol_at(source, symbol)->candles.is_turnover_estimated;
}

bool source_is_filled(const struct source *source, int symbol, int64_t open_ts) {
  const struct series *filled = &symbol_at(source, symbol)->filled;
  const size_t at = series_find(filled, open_ts);
  return at < filled->count && series_ts(filled, at) == open_ts;
}

int64_t source_interval_ms(const struct source *source) {
  return source->interval_ms;
}

static void widen(int64_t *from_ms, int64_t *to_ms, int64_t first, int64_t last) {
  if (first < *from_ms) *from_ms = first;
  if (last > *to_ms) *to_ms = last;
}

void source_range(const struct source *source, int64_t *from_ms, int64_t *to_ms) {
  *from_ms = source->told_to > 0 ? source->told_from : INT64_MAX;
  *to_ms = source->told_to > 0 ? source->told_to : INT64_MIN;
  for (int i = 0; i < source->symbol_count; i++) {
    const struct dataset_symbol *symbol = &source->symbols[i];
    const size_t candles = symbol->candles.count, trades = symbol->tape_count;
    if (candles > 0) widen(from_ms, to_ms, series_ts(&symbol->candles, 0), series_ts(&symbol->candles, candles - 1) + source->interval_ms);
    if (trades > 0) widen(from_ms, to_ms, symbol->tape[0].ts, symbol->tape[trades - 1].ts);
    if (symbol->stream_quality.first_ts > 0) widen(from_ms, to_ms, symbol->stream_quality.first_ts, symbol->stream_quality.last_ts);
  }
}

uint32_t source_stamps(const struct source *source) {
  return source->stamps;
}

bool source_stream_quality(const struct source *source, int symbol, struct stream_quality *out) {
  *out = symbol_at(source, symbol)->stream_quality;
  return out->first_ts != 0;
}

void source_quality(const struct source *source, int symbol, int64_t from_ms, int64_t to_ms, struct quality *out) {
  quality_measure(out, &symbol_at(source, symbol)->candles, source->interval_ms, from_ms, to_ms);
}

/* Rows hold no padding (series.h), so their bytes are their content; a count before each array keeps arrays apart. */
static void digest_rows(struct digest *digest, const void *rows, size_t count, size_t row_size) {
  const uint64_t size = count;
  digest_add(digest, &size, sizeof size);
  if (count > 0) digest_add(digest, rows, count * row_size);
}

static void take_trades(struct source_cursor *cursor, const struct dataset_symbol *symbol, struct source_item *item);

static void digest_tape(const struct dataset_symbol *symbol, char text[DIGEST_TEXT_MAX]) {
  struct item_digest digest;
  struct source_item item = {0};
  struct source_cursor cursor = {0};
  item_digest_init(&digest);
  while (cursor.trade < symbol->tape_count) {
    item.ts = symbol->tape[cursor.trade].ts;
    take_trades(&cursor, symbol, &item);
    item_digest_add(&digest, &item);
  }
  item_digest_end(&digest, text);
}

static void digest_symbol(struct digest *digest, const struct dataset_symbol *symbol) {
  const struct series *const series[] = {&symbol->candles, &symbol->funding, &symbol->mark};
  digest_add(digest, symbol->printed, strlen(symbol->printed) + 1);
  for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
    digest_rows(digest, series[i]->rows, series[i]->count, series_row_size(series[i]->kind));
    series_release(series[i]);
  }
  const uint64_t trades = symbol->tape_count + (uint64_t)symbol->stream_quality.trades;
  digest_add(digest, &trades, sizeof trades);
  for (int i = 0; i < symbol->instrument_count; i++) {
    const struct instrument *instrument = &symbol->instruments[i].instrument;
    const int64_t fields[] = {symbol->instruments[i].ts,    instrument->tick_size,     instrument->lot_size,       instrument->min_qty,
                              instrument->min_notional_usd, instrument->max_limit_qty, instrument->max_market_qty, instrument->status};
    digest_add(digest, fields, sizeof fields);
  }
  char text[DIGEST_TEXT_MAX];
  digest_tape(symbol, text);
  item_digest_combine(text, symbol->stream_digest);
  if (text[0] != '\0') digest_add(digest, text, sizeof text);
}

void source_checksum(struct source *source, char text[65]) {
  if (source->checksum[0] == '\0') {
    struct digest digest;
    digest_open(&digest);
    digest_add(&digest, &source->interval_ms, sizeof source->interval_ms);
    for (int i = 0; i < source->symbol_count; i++) digest_symbol(&digest, &source->symbols[i]);
    digest_read(&digest, source->checksum);
    digest_close(&digest);
  }
  memcpy(text, source->checksum, sizeof source->checksum);
}

/* --- the items in time order ------------------------------------------------------------------------------------- */

static void move_window(struct source_cursor *cursor, const struct series *candles, size_t at) {
  const struct candle *rows = candles->rows;
  cursor->window = rows;
  cursor->window_from = 0;
  cursor->window_to = candles->count;
  if (candles->mapping == NULL || candles->stays) return;
  if (!cursor->copy) cursor->copy = malloc(WINDOW_ROWS * sizeof *cursor->copy);
  check(cursor->copy);
  const size_t left = candles->count - at, count = left < WINDOW_ROWS ? left : WINDOW_ROWS;
  memcpy(cursor->copy, rows + at, count * sizeof *rows);
  series_release(candles);
  cursor->window = cursor->copy;
  cursor->window_from = at;
  cursor->window_to = at + count;
}

static const struct candle *next_candle(struct source_cursor *cursor, const struct series *candles) {
  if (cursor->candle < cursor->window_from || cursor->candle >= cursor->window_to) move_window(cursor, candles, cursor->candle);
  return cursor->window + (cursor->candle - cursor->window_from);
}

/* Time of the next item of a sequence; false at its end. */
static bool next_time(const struct source *source, enum rank rank, int index, int64_t *ts) {
  const struct dataset_symbol *symbol = rank == RANK_STREAM ? NULL : &source->symbols[index];
  struct source_cursor *cursor = rank == RANK_STREAM ? NULL : &source->cursors[index];
  switch (rank) {
    case RANK_STREAM:
      *ts = source->streams[index].item.ts;
      return true;
    case RANK_CANDLE:
      if (cursor->candle == symbol->candles.count) return false;
      *ts = next_candle(cursor, &symbol->candles)->open_ts + source->interval_ms;
      return true;
    case RANK_MARK:
      if (cursor->mark == symbol->mark.count) return false;
      *ts = ((const struct source_point *)symbol->mark.rows)[cursor->mark].ts;
      return true;
    case RANK_FUNDING:
      if (cursor->funding == symbol->funding.count) return false;
      *ts = ((const struct source_point *)symbol->funding.rows)[cursor->funding].ts;
      return true;
    case RANK_TRADES:
      if (cursor->trade == symbol->tape_count) return false;
      *ts = symbol->tape[cursor->trade].ts;
      return true;
  }
  return false;
}

static void push_next(struct source *source, enum rank rank, int index, bool replaces) {
  int64_t ts;
  const bool has_more = next_time(source, rank, index, &ts);
  if (has_more && replaces)
    merge_replace(&source->merge, merge_key(ts, (int)rank, index));
  else if (has_more)
    merge_push(&source->merge, merge_key(ts, (int)rank, index));
  else if (replaces)
    merge_pop(&source->merge);
}

static void take_funding(struct source_cursor *cursor, const struct dataset_symbol *symbol, struct source_item *item) {
  const struct source_point *points = symbol->funding.rows;
  const size_t at = cursor->funding++;
  item->kind = SOURCE_FUNDING;
  item->value = points[at].value;
  item->next_ts = at + 1 < symbol->funding.count ? points[at + 1].ts : 0;
}

static void take_trades(struct source_cursor *cursor, const struct dataset_symbol *symbol, struct source_item *item) {
  size_t end = cursor->trade;
  while (end < symbol->tape_count && symbol->tape[end].ts == item->ts) end++;
  item->kind = SOURCE_TRADES;
  item->trades = &symbol->tape[cursor->trade];
  item->trade_count = (int32_t)(end - cursor->trade);
  cursor->trade = end;
}

/* The item of a stream lives in its recording, so the stream moves on only when the next item is asked for. */
static enum status advance_stream(struct source *source, struct problem *problem) {
  const int index = source->pending_stream;
  if (index < 0) return STATUS_OK;
  source->pending_stream = -1;
  const enum status status = dataset_stream_advance(source, &source->streams[index], problem);
  if (status == STATUS_OK) push_next(source, RANK_STREAM, index, true);
  if (status == STATUS_END) merge_pop(&source->merge);
  return status == STATUS_END ? STATUS_OK : status;
}

enum status source_next(struct source *source, struct source_item *item, struct problem *problem) {
  const enum status status = advance_stream(source, problem);
  if (status || source->merge.count == 0) {
    item->kind = SOURCE_END;
    return status;
  }
  const int64_t key = source->merge.keys[0];
  const enum rank rank = (enum rank)merge_rank(key);
  const int index = merge_index(key);
  item->ts = merge_ts(key);
  if (rank == RANK_STREAM) {
    source->pending_stream = index;
    *item = source->streams[index].item;
    return STATUS_OK;
  }
  const struct dataset_symbol *symbol = &source->symbols[index];
  struct source_cursor *cursor = &source->cursors[index];
  item->symbol = index;
  if (rank == RANK_CANDLE) {
    item->kind = SOURCE_CANDLE;
    cursor->taken = *next_candle(cursor, &symbol->candles);
    cursor->candle++;
    item->candle = &cursor->taken;
  } else if (rank == RANK_MARK) {
    item->kind = SOURCE_MARK;
    item->value = ((const struct source_point *)symbol->mark.rows)[cursor->mark++].value;
  } else if (rank == RANK_FUNDING) {
    take_funding(cursor, symbol, item);
  } else {
    take_trades(cursor, symbol, item);
  }
  push_next(source, rank, index, true);
  return STATUS_OK;
}

static size_t find_trade(const struct dataset_symbol *symbol, int64_t ts) {
  size_t low = 0, high = symbol->tape_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (symbol->tape[middle].ts < ts)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static enum status seek_streams(struct source *source, int64_t ts, struct problem *problem) {
  for (int i = 0; i < source->stream_count; i++) {
    struct dataset_stream *stream = &source->streams[i];
    enum status status = dataset_stream_rewind(source, stream, problem);
    while (!status && stream->item.ts < ts) status = dataset_stream_advance(source, stream, problem);
    if (!status)
      push_next(source, RANK_STREAM, i, false);
    else if (status != STATUS_END)
      return status;
  }
  return STATUS_OK;
}

void source_resume(struct source *source) {
  source->merge.count = 0;
  for (int i = 0; i < source->symbol_count; i++) {
    for (enum rank rank = RANK_CANDLE; rank <= RANK_TRADES; rank++) {
      if (rank != RANK_STREAM) push_next(source, rank, i, false);
    }
  }
}

enum status source_seek(struct source *source, int64_t ts, struct problem *problem) {
  source->merge.count = 0;
  source->pending_stream = -1;
  for (int i = 0; i < source->symbol_count; i++) {
    const struct dataset_symbol *symbol = &source->symbols[i];
    const int64_t open_ts = ts < INT64_MIN + source->interval_ms ? INT64_MIN : ts - source->interval_ms;
    struct source_cursor *cursor = &source->cursors[i];
    cursor->candle = series_find(&symbol->candles, open_ts);
    cursor->mark = series_find(&symbol->mark, ts);
    cursor->funding = series_find(&symbol->funding, ts);
    cursor->trade = find_trade(symbol, ts);
    series_release(&symbol->candles);
    push_next(source, RANK_CANDLE, i, false);
    push_next(source, RANK_MARK, i, false);
    push_next(source, RANK_FUNDING, i, false);
    push_next(source, RANK_TRADES, i, false);
  }
  return seek_streams(source, ts, problem);
}
