#include "adapters/source/export.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/source/event_file.h"
#include "base/calendar.h"
#include "base/decimal.h"
#include "base/text.h"

enum { FLUSH_BYTES = 1024 * 1024 };

/* The shortest of 15, 16 and 17 digits that reads back as the same double. */
static void add_number(struct buffer *out, double value) {
  char text[40];
  for (int digits = 15; digits <= 17; digits++) {
    (void)snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  buffer_add_text(out, text);
}

static void add_decimal(struct buffer *out, int64_t value) {
  char text[DECIMAL_TEXT_MAX];
  buffer_add(out, text, decimal_print(value, text));
}

void export_candles(const struct source *source, int symbol, struct buffer *out) {
  size_t count;
  const struct candle *rows = source_candles(source, symbol, &count);
  const int columns = source_is_turnover_estimated(source, symbol) ? 5 : 6;
  buffer_add_text(out, columns == 5 ? "timestamp_ms,open,high,low,close,volume\n" : "timestamp_ms,open,high,low,close,volume,turnover\n");
  for (size_t i = 0; i < count; i++) {
    const double values[] = {rows[i].open, rows[i].high, rows[i].low, rows[i].close, rows[i].volume, rows[i].turnover};
    buffer_add_format(out, "%lld", (long long)rows[i].open_ts);
    for (int k = 0; k < columns; k++) {
      buffer_add_text(out, ",");
      add_number(out, values[k]);
    }
    buffer_add_text(out, "\n");
  }
}

/* --- jsonl -------------------------------------------------------------------------------------------------------- */

static void begin_line(const struct source *source, const char *kind, int symbol, int64_t ts, struct buffer *out) {
  buffer_add_format(out, "{\"k\":\"%s\",\"symbol\":\"%s\",\"ts\":%lld", kind, source_symbol(source, symbol), (long long)ts);
}

static void add_double_member(struct buffer *out, const char *name, double value) {
  if (isnan(value)) return;
  buffer_add_format(out, ",\"%s\":", name);
  add_number(out, value);
}

static void add_decimal_member(struct buffer *out, const char *name, int64_t value) {
  buffer_add_format(out, ",\"%s\":\"", name);
  add_decimal(out, value);
  buffer_add_text(out, "\"");
}

static void add_instrument(const struct source *source, int symbol, int64_t ts, struct buffer *out) {
  const struct instrument *instrument = source_instrument(source, symbol, ts);
  if (instrument->is_default) return;
  begin_line(source, "instrument", symbol, ts, out);
  add_decimal_member(out, "tick_size", instrument->tick_size);
  add_decimal_member(out, "lot_size", instrument->lot_size);
  add_decimal_member(out, "min_qty", instrument->min_qty);
  add_decimal_member(out, "min_notional_usd", instrument->min_notional_usd);
  add_decimal_member(out, "max_limit_qty", instrument->max_limit_qty);
  add_decimal_member(out, "max_market_qty", instrument->max_market_qty);
  add_double_member(out, "max_leverage", instrument->max_leverage);
  add_double_member(out, "maintenance_margin", instrument->maintenance_margin);
  buffer_add_format(out, ",\"status\":\"%s\",\"listed_at\":%lld,\"delisting_at\":%lld}\n", instrument_status_names[instrument->status],
                    (long long)instrument->listed_at, (long long)instrument->delisting_at);
}

static void add_levels(struct buffer *out, const char *name, const struct book_level *levels, int32_t count) {
  buffer_add_format(out, ",\"%s\":[", name);
  for (int32_t i = 0; i < count; i++) {
    buffer_add_text(out, i > 0 ? ",[\"" : "[\"");
    add_decimal(out, levels[i].price);
    buffer_add_text(out, "\",\"");
    add_decimal(out, levels[i].qty);
    buffer_add_text(out, "\"]");
  }
  buffer_add_text(out, "]");
}

static void add_book(const struct source *source, const struct source_item *item, struct buffer *out) {
  const struct book_change *book = item->book;
  begin_line(source, "book", item->symbol, item->ts, out);
  buffer_add_format(out, ",\"type\":\"%s\",\"seq\":%lld", book->is_snapshot ? "snapshot" : "delta", (long long)book->last_seq);
  /* A delta handed on follows the one before it, so its first id is enough to say so where the venue gives no id of the predecessor. */
  if (!book->is_snapshot) buffer_add_format(out, ",\"prev\":%lld", (long long)(book->prev_seq >= 0 ? book->prev_seq : book->first_seq - 1));
  add_levels(out, "b", book->bids, book->bid_count);
  add_levels(out, "a", book->asks, book->ask_count);
  buffer_add_text(out, "}\n");
}

static void add_candle(const struct source *source, const struct source_item *item, struct buffer *out) {
  const struct candle *candle = item->candle;
  begin_line(source, "candle", item->symbol, candle->open_ts, out);
  add_double_member(out, "o", candle->open);
  add_double_member(out, "h", candle->high);
  add_double_member(out, "l", candle->low);
  add_double_member(out, "c", candle->close);
  add_double_member(out, "v", candle->volume);
  if (!source_is_turnover_estimated(source, item->symbol)) add_double_member(out, "q", candle->turnover);
  buffer_add_text(out, source_is_filled(source, item->symbol, candle->open_ts) ? ",\"filled\":true}\n" : "}\n");
}

static void add_trades(const struct source *source, const struct source_item *item, struct buffer *out) {
  for (int32_t i = 0; i < item->trade_count; i++) {
    begin_line(source, "trade", item->symbol, item->ts, out);
    add_decimal_member(out, "p", item->trades[i].price);
    add_decimal_member(out, "q", item->trades[i].qty);
    buffer_add_format(out, ",\"side\":\"%s\"}\n", item->trades[i].is_buy ? "buy" : "sell");
  }
}

static void add_ticker(const struct source *source, const struct source_item *item, struct buffer *out) {
  const struct ticker *ticker = &item->ticker;
  begin_line(source, "ticker", item->symbol, item->ts, out);
  add_double_member(out, "last", ticker->last);
  add_double_member(out, "bid", ticker->bid);
  add_double_member(out, "ask", ticker->ask);
  add_double_member(out, "mark", ticker->mark);
  add_double_member(out, "index", ticker->index);
  add_double_member(out, "turnover_24h", ticker->turnover_24h);
  add_double_member(out, "change_24h_pct", ticker->change_24h_pct);
  buffer_add_text(out, "}\n");
}

static void add_value(const struct source *source, const struct source_item *item, const char *kind, const char *name, struct buffer *out) {
  begin_line(source, kind, item->symbol, item->ts, out);
  add_double_member(out, name, item->value);
  if (item->kind == SOURCE_OPEN_INTEREST) add_double_member(out, "oi_usd", item->value_usd);
  buffer_add_text(out, "}\n");
}

static void add_item(const struct source *source, const struct source_item *item, struct buffer *out) {
  switch (item->kind) {
    case SOURCE_CANDLE:
      add_candle(source, item, out);
      return;
    case SOURCE_MARK:
      add_value(source, item, "mark", "mark", out);
      return;
    case SOURCE_FUNDING:
      add_value(source, item, "funding", "rate", out);
      return;
    case SOURCE_OPEN_INTEREST:
      add_value(source, item, "oi", "oi", out);
      return;
    case SOURCE_BOOK:
      add_book(source, item, out);
      return;
    case SOURCE_TICKER:
      add_ticker(source, item, out);
      return;
    case SOURCE_TRADES:
      add_trades(source, item, out);
      return;
    case SOURCE_END:
      return;
  }
}

enum status export_jsonl(struct source *source, struct buffer *out, enum status (*flush)(void *context, struct buffer *out), void *context,
                         struct problem *problem) {
  struct source_item item = {0};
  int64_t from_ms, to_ms;
  enum status status = source_seek(source, INT64_MIN, problem);
  source_range(source, &from_ms, &to_ms);
  for (int i = 0; i < source_symbol_count(source); i++) add_instrument(source, i, from_ms, out);
  while (!status) {
    status = source_next(source, &item, problem);
    if (status || item.kind == SOURCE_END) break;
    add_item(source, &item, out);
    if (out->length < FLUSH_BYTES) continue;
    status = flush(context, out);
    buffer_clear(out);
  }
  return status ? status : flush(context, out);
}

/* --- folders ------------------------------------------------------------------------------------------------------ */

static void add_points(const struct source *source, int symbol, enum series_kind kind, int64_t shift_ms, struct buffer *out) {
  size_t count;
  const struct source_point *points = source_points(source, symbol, kind, &count);
  buffer_add_text(out, kind == SERIES_FUNDING ? "timestamp_ms,rate\n" : "timestamp_ms,close\n");
  for (size_t i = 0; i < count; i++) {
    buffer_add_format(out, "%lld,", (long long)(points[i].ts - shift_ms));
    add_number(out, points[i].value);
    buffer_add_text(out, "\n");
  }
}

static enum status write_symbol(const struct source *source, int symbol, const char *folder, struct problem *problem) {
  char path[1024];
  struct buffer text = {0};
  size_t funding, marks;
  const char *name = source_venue_symbol(source, symbol);
  (void)source_points(source, symbol, SERIES_FUNDING, &funding);
  const struct source_point *mark = source_points(source, symbol, SERIES_MARK, &marks);
  size_t candles;
  (void)source_candles(source, symbol, &candles);
  export_candles(source, symbol, &text);
  (void)snprintf(path, sizeof path, "%s/%s-%lldm.csv", folder, name, (long long)(source_interval_ms(source) / MINUTE_MS));
  enum status status = candles > 0 ? buffer_write_file(&text, path, 0644, problem) : STATUS_OK; /* a book alone makes none */
  if (!status && funding > 0) {
    buffer_clear(&text);
    add_points(source, symbol, SERIES_FUNDING, 0, &text);
    (void)snprintf(path, sizeof path, "%s/%s-funding.csv", folder, name);
    status = buffer_write_file(&text, path, 0644, problem);
  }
  if (!status && marks > 1) {
    const int64_t interval_ms = mark[1].ts - mark[0].ts;
    buffer_clear(&text);
    add_points(source, symbol, SERIES_MARK, interval_ms, &text);
    (void)snprintf(path, sizeof path, "%s/%s-mark-%lldm.csv", folder, name, (long long)(interval_ms / MINUTE_MS));
    status = buffer_write_file(&text, path, 0644, problem);
  }
  buffer_deinit(&text);
  return status;
}

static enum status write_instruments(const struct source *source, const char *folder, struct problem *problem) {
  char path[1024];
  struct buffer text = {0};
  int rows = 0;
  buffer_add_text(&text,
                  "exchange_symbol,tick_size,lot_size,min_qty,min_notional_usd,max_limit_qty,max_market_qty,max_leverage,maintenance_margin\n");
  for (int i = 0; i < source_symbol_count(source); i++) {
    const struct instrument *instrument = source_instrument(source, i, INT64_MAX);
    if (instrument->is_default) continue;
    const int64_t sizes[] = {instrument->tick_size,        instrument->lot_size,      instrument->min_qty,
                             instrument->min_notional_usd, instrument->max_limit_qty, instrument->max_market_qty};
    buffer_add_text(&text, source_venue_symbol(source, i));
    for (int k = 0; k < 6; k++) {
      buffer_add_text(&text, ",");
      add_decimal(&text, sizes[k]);
    }
    buffer_add_text(&text, ",");
    add_number(&text, instrument->max_leverage);
    buffer_add_text(&text, ",");
    add_number(&text, instrument->maintenance_margin);
    buffer_add_text(&text, "\n");
    rows++;
  }
  (void)snprintf(path, sizeof path, "%s/instruments.csv", folder);
  const enum status status = rows > 0 ? buffer_write_file(&text, path, 0644, problem) : STATUS_OK;
  buffer_deinit(&text);
  return status;
}

/* --- books and trades --------------------------------------------------------------------------------------------- */

/* The file of a symbol and month at work. */
struct month_file {
  struct event_writer *writer; /* NULL none */
  int64_t to_ms;
  struct stream_counter counter; /* as the last file left it */
  bool has_losses;               /* were written into an earlier file of the symbol */
};

static enum status end_month(const struct source *source, int symbol, struct month_file *file, struct problem *problem) {
  struct stream_quality losses;
  if (!file->writer) return STATUS_OK;
  (void)source_stream_quality(source, symbol, &losses);
  file->counter = *event_writer_counter(file->writer);
  const enum status status = event_writer_close(file->writer, file->has_losses ? NULL : &losses, problem);
  file->has_losses = true;
  file->writer = NULL;
  return status;
}

static enum status begin_month(const struct source *source, const struct source_item *item, const char *folder, struct month_file *file,
                               struct problem *problem) {
  char path[1024];
  struct calendar at;
  int64_t from_ms;
  enum status status = end_month(source, item->symbol, file, problem);
  if (status) return status;
  calendar_from_ms(item->ts, &at);
  item_digest_month(item->ts, &from_ms, &file->to_ms);
  const char *name = source_venue_symbol(source, item->symbol);
  (void)snprintf(path, sizeof path, "%s/%s-%04d-%02d" EVENT_FILE_ENDING, folder, name, at.year, at.month);
  status = event_writer_open(&file->writer, path, source_symbol(source, item->symbol), name, problem);
  if (!status) event_writer_continue(file->writer, &file->counter);
  return status;
}

/* Mark prices of a table go into a table again; those of a recording come among its items. */
static bool is_streamed(const struct source *source, const struct source_item *item) {
  size_t marks;
  if (item->kind == SOURCE_CANDLE || item->kind == SOURCE_FUNDING) return false;
  if (item->kind != SOURCE_MARK) return true;
  (void)source_points(source, item->symbol, SERIES_MARK, &marks);
  return marks == 0;
}

static enum status write_events(struct source *source, const char *folder, struct month_file *files, struct problem *problem) {
  struct source_item item = {0};
  enum status status = source_seek(source, INT64_MIN, problem);
  while (!status) {
    status = source_next(source, &item, problem);
    if (status || item.kind == SOURCE_END) break;
    if (!is_streamed(source, &item)) continue;
    struct month_file *file = &files[item.symbol];
    if (!file->writer || item.ts >= file->to_ms) status = begin_month(source, &item, folder, file, problem);
    if (!status) status = event_writer_add(file->writer, &item, problem);
  }
  for (int i = 0; i < source_symbol_count(source); i++) {
    if (status) {
      event_writer_abandon(files[i].writer);
    } else {
      status = end_month(source, i, &files[i], problem);
    }
  }
  return status;
}

static enum status export_events(struct source *source, const char *folder, struct problem *problem) {
  const uint32_t tables = CAPABILITY_CANDLES_1M | CAPABILITY_FUNDING | CAPABILITY_INSTRUMENT;
  uint32_t others = 0;
  struct stream_quality quality;
  for (int i = 0; i < source_symbol_count(source); i++)
    others |= (source_capabilities(source, i) & ~tables) | (source_stream_quality(source, i, &quality) ? 1u : 0u);
  if (others == 0) return STATUS_OK;
  struct month_file *files = calloc((size_t)source_symbol_count(source), sizeof *files);
  if (!files) return STATUS_NO_MEMORY;
  const enum status status = write_events(source, folder, files, problem);
  free(files);
  return status;
}

enum status export_folder(struct source *source, const char *folder, struct problem *problem) {
  if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
    const int error = errno;
    problem_add(problem, "write_failed", folder, NULL, NULL, "the folder can not be made: %s", strerror(error));
    return status_from_errno(error);
  }
  enum status status = STATUS_OK;
  for (int i = 0; i < source_symbol_count(source) && !status; i++) status = write_symbol(source, i, folder, problem);
  if (!status) status = write_instruments(source, folder, problem);
  return status ? status : export_events(source, folder, problem);
}

bool dataset_find(const char *name, const char *data_dir, char *path, size_t size) {
  struct stat info;
  text_copy(path, size, name);
  if (strchr(name, ',') || stat(name, &info) == 0) return true;
  if (strchr(name, '/') || name[0] == '.') return false;
  if (snprintf(path, size, "%s/datasets/%s", data_dir, name) < (int)size && stat(path, &info) == 0) return true;
  if (snprintf(path, size, "recordings/%s", name) < (int)size && stat(path, &info) == 0) return true;
  text_copy(path, size, name);
  return false;
}
