/* From files to symbols: each file becomes a piece, pieces of one symbol are joined, then judged as a whole. Nothing here depends on the order in
 * which the files were named. */
#define _GNU_SOURCE
#include "adapters/source/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/cache.h"
#include "adapters/source/file_name.h"
#include "adapters/source/input.h"
#include "adapters/source/instrument_file.h"
#include "adapters/source/trade_candles.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/text.h"
#include "core/market/symbol.h"

/* What a line of a recording said about an instrument. */
struct known_instrument {
  char printed[SYMBOL_TEXT_MAX];
  int64_t ts, listed_at, delisting_at;
  enum instrument_status status;
  struct instrument_row row;
};

enum { KEPT_BYTES_MAX = 80 << 20 };

struct loader {
  struct source *source;
  const struct source_options *options;
  struct problem *problem;
  struct file_list files; /* owns the paths of pieces */
  struct dataset_piece *pieces;
  int piece_count, piece_capacity;
  struct instrument_file instruments;
  struct known_instrument *known; /* from instrument lines, as met */
  int known_count, known_capacity;
  const char *exchange; /* preferred for instruments */
  int cryptofeed;       /* stream that collects the files of such a session, -1 none */
  size_t kept_bytes;    /* of mapped files that stay in memory */
};

static struct dataset_piece *add_piece(struct loader *loader) {
  if (loader->piece_count == loader->piece_capacity) {
    loader->piece_capacity = loader->piece_capacity ? loader->piece_capacity * 2 : 64;
    loader->pieces = realloc(loader->pieces, (size_t)loader->piece_capacity * sizeof *loader->pieces);
    check(loader->pieces);
  }
  struct dataset_piece *piece = &loader->pieces[loader->piece_count++];
  *piece = (struct dataset_piece){0};
  return piece;
}

/* --- one file ---------------------------------------------------------------------------------------------------- */

/* What the first bytes say, for --format auto. */
enum content { CONTENT_CSV, CONTENT_OHLCV_JSON, CONTENT_INSTRUMENTS, CONTENT_EVENTS, CONTENT_CRYPTOFEED, CONTENT_CONVERTED };

static enum status look_inside(const char *path, enum content *content, struct problem *problem) {
  struct input *input;
  char head[4096];
  size_t used = 0, got = 1;
  enum status status = input_open(&input, path, problem);
  while (!status && got > 0 && used < sizeof head - 1) {
    status = input_read(input, head + used, sizeof head - 1 - used, &got, problem);
    used += got;
  }
  input_close(input);
  if (status) return status;
  if (event_file_is_one(head, used)) {
    *content = CONTENT_CONVERTED;
    return STATUS_OK;
  }
  head[used] = '\0';
  const char *first = head + strspn(head, "\xef\xbb\xbf \t\r\n");
  *content = CONTENT_CSV;
  if (*first == '[') *content = CONTENT_OHLCV_JSON;
  char *line_end = strchr(head, '\n');
  if (line_end) *line_end = '\0';
  if (*first != '[' && strchr(first, '{')) *content = CONTENT_EVENTS;
  if (*first != '[' && strstr(first, "://")) *content = CONTENT_CRYPTOFEED;
  if (*content == CONTENT_CSV && instrument_file_is_header(first)) *content = CONTENT_INSTRUMENTS;
  return STATUS_OK;
}

static enum status read_instruments(struct loader *loader, const char *path) {
  struct input *input;
  enum status status = input_open(&input, path, loader->problem);
  if (status) return status;
  status = instrument_file_read(&loader->instruments, input, loader->problem);
  input_close(input);
  return status;
}

/* Rows of a cached file were all touched when it was checked. Giving them back and reading them twice more costs a tenth of a short run, so a run
 * keeps them as long as they are few. */
static bool load_cached(struct loader *loader, const char *path, const struct file_name *name, struct csv_result *result) {
  if (!cache_load(loader->options->cache_folder, path, name->kind, name->interval_ms, result)) return false;
  struct series *series = &result->series;
  series->stays = loader->options->keeps_pages && loader->kept_bytes + series->mapping_size <= KEPT_BYTES_MAX;
  if (series->stays) loader->kept_bytes += series->mapping_size;
  series_release(series);
  return true;
}

static enum status read_table(struct loader *loader, const char *path, const struct file_name *name, enum content content,
                              struct csv_result *result) {
  struct input *input;
  const char *folder = loader->options->cache_folder;
  const enum series_kind kind = name->kind;
  if (load_cached(loader, path, name, result)) return STATUS_OK;
  struct stat file = {0}; /* before it is read: one that changes meanwhile is read again next time */
  if (stat(path, &file) != 0) folder = NULL;
  enum status status = input_open(&input, path, loader->problem);
  if (status) return status;
  status = content == CONTENT_OHLCV_JSON ? csv_read_ohlcv_json(result, input, name->interval_ms, loader->problem)
                                         : csv_read(result, input, kind, name->interval_ms, loader->problem);
  input_close(input);
  if (status) return status;
  cache_store(folder, path, kind, name->interval_ms, &file, result);
  /* The rows of the file just written cost no memory of ours. */
  struct csv_result kept;
  if (!load_cached(loader, path, name, &kept)) return STATUS_OK;
  series_deinit(&result->series);
  *result = kept;
  return STATUS_OK;
}

/* The symbol of a file: --symbol, else its name, else a symbol column. */
static enum status name_piece(const struct loader *loader, const char *path, const struct file_name *name, const struct csv_result *result,
                              struct dataset_piece *piece) {
  const char *given = loader->options->symbol;
  text_copy(piece->printed, sizeof piece->printed, name->printed);
  text_copy(piece->venue_symbol, sizeof piece->venue_symbol, name->venue_symbol);
  const bool is_named = piece->printed[0] != '\0';
  bool is_valid = true;
  if (given)
    is_valid = symbol_parse(given, piece->printed, piece->venue_symbol);
  else if (!is_named && result->symbol[0] != '\0')
    is_valid = symbol_parse(result->symbol, piece->printed, piece->venue_symbol);
  if (is_valid && piece->printed[0] != '\0') return STATUS_OK;
  problem_add(loader->problem, "unknown_symbol", path, given ? given : result->symbol, "a name like BTCUSDT-1m.csv, or --symbol BTC/USDT:USDT",
              "neither the name of the file nor its rows tell the symbol");
  return STATUS_BAD_INPUT;
}

static enum status load_table(struct loader *loader, const char *path, struct file_name *name, enum content content) {
  struct csv_result result = {0};
  if (name->interval_ms == 0 && loader->options->interval) name->interval_ms = file_interval_parse(loader->options->interval);
  /* The interval of a funding file's name is the time between settlements, which may change: read it from the rows. */
  if (name->kind == SERIES_FUNDING || name->kind == SERIES_TRADES) name->interval_ms = 0;
  enum status status = read_table(loader, path, name, content, &result);
  struct dataset_piece *piece = NULL;
  if (!status) {
    piece = add_piece(loader);
    status = name_piece(loader, path, name, &result, piece);
  }
  if (!status && result.series.kind == SERIES_CANDLES && result.interval_ms == 0) {
    problem_add(loader->problem, "unknown_interval", path, NULL, "a name like BTCUSDT-1m.csv, or --interval 1m",
                "a single candle does not tell its interval");
    status = STATUS_BAD_INPUT;
  }
  if (status) {
    if (piece) loader->piece_count--;
    series_deinit(&result.series);
    return status;
  }
  piece->path = path;
  piece->interval_ms = result.interval_ms;
  piece->series = result.series;
  return STATUS_OK;
}

/* --- recordings --------------------------------------------------------------------------------------------------- */

static void add_stream_path(struct dataset_stream *stream, const char *path) {
  stream->paths = realloc(stream->paths, (size_t)(stream->path_count + 1) * sizeof *stream->paths);
  check(stream->paths);
  stream->paths[stream->path_count] = strdup(path);
  check(stream->paths[stream->path_count]);
  stream->path_count++;
}

static struct dataset_stream *add_stream(struct loader *loader, const char *path) {
  struct source *source = loader->source;
  source->streams = realloc(source->streams, (size_t)(source->stream_count + 1) * sizeof *source->streams);
  check(source->streams);
  struct dataset_stream *stream = &source->streams[source->stream_count++];
  *stream = (struct dataset_stream){0};
  if (loader->options->symbol) text_copy(stream->fallback_symbol, sizeof stream->fallback_symbol, loader->options->symbol);
  add_stream_path(stream, path);
  return stream;
}

/* The files of one cryptofeed session belong together: snapshots are in one, deltas in another. They are read when all are known. */
static enum status add_cryptofeed(struct loader *loader, const char *path) {
  if (loader->cryptofeed < 0) {
    loader->cryptofeed = loader->source->stream_count;
    (void)add_stream(loader, path);
  } else {
    add_stream_path(&loader->source->streams[loader->cryptofeed], path);
  }
  return STATUS_OK;
}

static struct dataset_piece *stream_piece(struct loader *loader, int first, const struct recording *recording, int symbol, enum series_kind kind,
                                          const char *path) {
  const char *printed = recording_symbol(recording, symbol);
  for (int i = first; i < loader->piece_count; i++) {
    if (loader->pieces[i].series.kind == kind && strcmp(loader->pieces[i].printed, printed) == 0) return &loader->pieces[i];
  }
  struct dataset_piece *piece = add_piece(loader);
  text_copy(piece->printed, sizeof piece->printed, printed);
  text_copy(piece->venue_symbol, sizeof piece->venue_symbol, recording_venue_symbol(recording, symbol));
  piece->path = path;
  piece->is_streamed = kind == SERIES_TRADES;
  series_init(&piece->series, kind);
  if (piece->is_streamed) item_digest_init(&piece->digest);
  return piece;
}

static void keep_instrument(struct loader *loader, const char *printed, const struct message *message) {
  if (loader->known_count == loader->known_capacity) {
    loader->known_capacity = loader->known_capacity ? loader->known_capacity * 2 : 64;
    loader->known = realloc(loader->known, (size_t)loader->known_capacity * sizeof *loader->known);
    check(loader->known);
  }
  struct known_instrument *known = &loader->known[loader->known_count++];
  *known = (struct known_instrument){.ts = message->ts,
                                     .listed_at = message->listed_at,
                                     .delisting_at = message->delisting_at,
                                     .row = {.tick_size = message->tick_size,
                                             .lot_size = message->lot_size,
                                             .min_qty = message->min_qty,
                                             .min_notional_usd = message->min_notional_usd,
                                             .max_limit_qty = message->max_limit_qty,
                                             .max_market_qty = message->max_market_qty,
                                             .max_leverage = message->max_leverage,
                                             .maintenance_margin = message->maintenance_margin,
                                             .funding_interval_minutes = (int)message->funding_interval_minutes}};
  text_copy(known->printed, sizeof known->printed, printed);
  for (int i = 0; i < instrument_status_count; i++) {
    if (json_scan_is(&message->status, instrument_status_names[i])) known->status = (enum instrument_status)i;
  }
}

static void keep_candle(struct series *series, const struct message *message) {
  struct candle candle = message->candle;
  if (isnan(candle.turnover)) {
    candle.turnover = candle.close * candle.volume;
    series->is_turnover_estimated = true;
  }
  *(struct candle *)series_room(series) = candle;
  series->count++;
  series->rows_seen++;
}

static void keep_event(struct loader *loader, int first, const struct recording *recording, const struct recording_event *event, const char *path) {
  const struct message *message = event->message;
  if (message->kind == MESSAGE_INSTRUMENT) {
    keep_instrument(loader, recording_symbol(recording, event->symbol), message);
  } else if (message->kind == MESSAGE_CANDLE) {
    keep_candle(&stream_piece(loader, first, recording, event->symbol, SERIES_CANDLES, path)->series, message);
  } else if (message->kind == MESSAGE_FUNDING) {
    struct series *series = &stream_piece(loader, first, recording, event->symbol, SERIES_FUNDING, path)->series;
    *(struct source_point *)series_room(series) = (struct source_point){message->ts, message->rate};
    series->count++;
  } else {
    struct dataset_piece *piece = stream_piece(loader, first, recording, event->symbol, SERIES_TRADES, path);
    struct source_item item = {0};
    if (!dataset_stream_item(event, &item)) return;
    stream_counter_add(&piece->counter, &item);
    item_digest_add(&piece->digest, &item);
    if (message->kind == MESSAGE_BOOK && piece->price <= 0 && event->book.bid_count > 0) piece->price = decimal_to_double(event->book.bids[0].price);
    if (message->kind == MESSAGE_BOOK) piece->capabilities |= CAPABILITY_BOOK;
    if (message->kind == MESSAGE_TICKER) piece->capabilities |= CAPABILITY_TICKER;
    if (message->kind == MESSAGE_OPEN_INTEREST) piece->capabilities |= CAPABILITY_OPEN_INTEREST;
    if (message->kind != MESSAGE_TRADE) return;
    piece->capabilities |= CAPABILITY_TRADES;
    *(struct source_trade *)series_room(&piece->series) =
        (struct source_trade){.ts = event->ts, .price = event->trade.price, .qty = event->trade.qty, .is_buy = event->trade.is_buy};
    piece->series.count++;
  }
}

static void warn_losses(struct loader *loader, const struct dataset_piece *piece) {
  const struct stream_quality *quality = &piece->counter.quality;
  if (quality->gaps > 0 || quality->waiting > 0) {
    problem_warn(loader->problem, "book_gap", piece->path, NULL, NULL,
                 "%s: %lld breaks in the sequence of the order book, %lld changes without a snapshot", piece->venue_symbol, (long long)quality->gaps,
                 (long long)quality->waiting);
  }
  if (quality->trade_gaps > 0) {
    problem_warn(loader->problem, "trade_gap", piece->path, NULL, NULL, "%s: %lld trades are missing at %lld places, by their numbers",
                 piece->venue_symbol, (long long)quality->trades_lost, (long long)quality->trade_gaps);
  }
}

static void end_piece(struct loader *loader, struct dataset_stream *stream, const struct recording *recording, struct dataset_piece *piece) {
  if (piece->is_streamed) {
    item_digest_end(&piece->digest, piece->digest_text);
    item_digest_combine(stream->digest, piece->digest_text);
    stream_quality_join(&piece->counter.quality, recording_losses(recording, piece->printed));
    warn_losses(loader, piece);
    return;
  }
  series_sort(&piece->series);
  if (piece->series.kind == SERIES_CANDLES) piece->interval_ms = series_usual_distance(&piece->series);
  if (piece->series.kind == SERIES_CANDLES && piece->interval_ms == 0) piece->interval_ms = MINUTE_MS;
}

/* The first of two passes: candles, rates and instruments are kept; of the rest only what it is, and trades until candles are built from them. */
static enum status load_stream(struct loader *loader, struct dataset_stream *stream) {
  struct recording *recording;
  struct recording_event event;
  const int first = loader->piece_count;
  const char *path = stream->paths[0], *fallback = stream->fallback_symbol[0] != '\0' ? stream->fallback_symbol : NULL;
  enum status status = recording_open(&recording, (const char *const *)stream->paths, stream->path_count, fallback, loader->problem);
  if (status) return status;
  while ((status = recording_next(recording, &event, loader->problem)) == STATUS_OK) keep_event(loader, first, recording, &event, path);
  for (int i = first; i < loader->piece_count; i++) end_piece(loader, stream, recording, &loader->pieces[i]);
  recording_close(recording);
  if (status != STATUS_END) return status;
  if (loader->piece_count > first || loader->known_count > 0) return STATUS_OK;
  problem_add(loader->problem, "no_data", path, NULL, NULL, "the recording holds no message that could be used");
  return STATUS_NO_DATA;
}

/* Files of one symbol make one stream; lists are sorted by name, which is that of the month. What a head says takes the place of a first pass. */
static enum status add_converted(struct loader *loader, const char *path) {
  struct source *source = loader->source;
  struct event_file_head head;
  const enum status status = event_file_read_head(path, &head, loader->problem);
  if (status) return status;
  struct dataset_stream *stream = NULL;
  for (int i = 0; i < source->stream_count && !stream; i++) {
    if (strcmp(source->streams[i].converted, head.printed) == 0) stream = &source->streams[i];
  }
  if (stream) {
    add_stream_path(stream, path);
  } else {
    stream = add_stream(loader, path);
    text_copy(stream->converted, sizeof stream->converted, head.printed);
  }
  item_digest_combine(stream->digest, head.digest);
  struct dataset_piece *piece = add_piece(loader);
  text_copy(piece->printed, sizeof piece->printed, head.printed);
  text_copy(piece->venue_symbol, sizeof piece->venue_symbol, head.venue_symbol);
  piece->path = path;
  piece->is_streamed = true;
  piece->capabilities = (uint32_t)head.capabilities;
  piece->price = decimal_to_double(head.first_price);
  piece->counter.quality = head.quality;
  text_copy(piece->digest_text, sizeof piece->digest_text, head.digest);
  series_init(&piece->series, SERIES_TRADES);
  warn_losses(loader, piece);
  return STATUS_OK;
}

static enum status load_file(struct loader *loader, const char *path, enum series_kind kind) {
  struct file_name name;
  enum content content = CONTENT_CSV;
  file_name_parse(&name, path);
  if (kind != SERIES_CANDLES) name.kind = kind;
  const enum source_format format = loader->options->format;
  enum status status = look_inside(path, &content, loader->problem);
  if (status) return status;
  if (content == CONTENT_INSTRUMENTS) return read_instruments(loader, path);
  if (content == CONTENT_CONVERTED) return add_converted(loader, path);
  if (format == SOURCE_BYBIT_TRADES && kind == SERIES_CANDLES) name.kind = SERIES_TRADES;
  if (format == SOURCE_CSV || format == SOURCE_BINANCE_KLINES || format == SOURCE_BYBIT_TRADES) content = CONTENT_CSV;
  if (format == SOURCE_OHLCV_JSON) content = CONTENT_OHLCV_JSON;
  if (format == SOURCE_JSONL || (format == SOURCE_L2 && content != CONTENT_CRYPTOFEED)) content = CONTENT_EVENTS;
  if (content == CONTENT_CRYPTOFEED) return add_cryptofeed(loader, path);
  return content == CONTENT_EVENTS ? load_stream(loader, add_stream(loader, path)) : load_table(loader, path, &name, content);
}

static enum status load_list(struct loader *loader, const char *data, enum series_kind kind) {
  struct file_list list = {0};
  if (!data) return STATUS_OK;
  enum status status = file_list_add(&list, data, loader->problem);
  const int first = loader->files.count;
  for (int i = 0; i < list.count && !status; i++) status = load_file(loader, list.paths[i], kind);
  /* Pieces keep pointing to the paths: hand them over. */
  if (list.count > 0) {
    loader->files.paths = realloc(loader->files.paths, (size_t)(first + list.count) * sizeof *loader->files.paths);
    check(loader->files.paths);
    memcpy(loader->files.paths + first, list.paths, (size_t)list.count * sizeof *list.paths);
    loader->files.count = first + list.count;
  }
  free(list.paths);
  if (!status && loader->cryptofeed >= 0) {
    status = load_stream(loader, &loader->source->streams[loader->cryptofeed]);
    loader->cryptofeed = -1;
  }
  return status;
}

static enum status load_files(struct loader *loader) {
  const struct source_options *options = loader->options;
  if (options->interval && file_interval_parse(options->interval) == 0) {
    problem_add(loader->problem, "bad_option", "--interval", options->interval, "1m, 3m, 5m", "this is not an interval");
    return STATUS_BAD_CONFIG;
  }
  enum status status = load_list(loader, options->data, SERIES_CANDLES);
  if (!status) status = load_list(loader, options->funding, SERIES_FUNDING);
  if (!status) status = load_list(loader, options->mark, SERIES_MARK);
  if (!status) status = load_list(loader, options->instruments, SERIES_CANDLES);
  loader->exchange = options->data && strcasestr(options->data, "bybit") ? "bybit" : "binance";
  return status;
}

/* --- symbols ----------------------------------------------------------------------------------------------------- */

static bool is_in_list(const char *list, const char *printed) {
  char copy[64], wanted[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  for (const char *p = list; *p;) {
    const size_t length = strcspn(p, ",");
    if (length > 0 && length < sizeof copy) {
      memcpy(copy, p, length);
      copy[length] = '\0';
      if (symbol_parse(copy, wanted, venue_symbol) && strcmp(wanted, printed) == 0) return true;
    }
    p += length + (p[length] == ',');
  }
  return false;
}

/* Smallest interval of candles: it becomes the base. */
static enum status choose_base(struct loader *loader) {
  int64_t base = 0;
  const char *path = NULL;
  for (int i = 0; i < loader->piece_count; i++) {
    const struct dataset_piece *piece = &loader->pieces[i];
    if (piece->series.kind == SERIES_TRADES) base = MINUTE_MS; /* candles will be built from them */
    if (piece->series.kind != SERIES_CANDLES || (base > 0 && piece->interval_ms >= base)) continue;
    base = piece->interval_ms;
    path = piece->path;
  }
  if (base == 0) {
    problem_add(loader->problem, "no_data", loader->options->data, NULL, NULL, "the data hold no candles and no trades");
    return STATUS_NO_DATA;
  }
  if (base != MINUTE_MS && base != 3 * MINUTE_MS && base != 5 * MINUTE_MS) {
    char value[32];
    (void)snprintf(value, sizeof value, "%lld minutes", (long long)(base / MINUTE_MS));
    problem_add(loader->problem, "coarse_interval", path, value, "1m candles, or 3m or 5m",
                "candles of this interval are too coarse to trade on: they can not be the base");
    return STATUS_BAD_INPUT;
  }
  loader->source->interval_ms = base;
  if (base > MINUTE_MS) loader->source->stamps |= SOURCE_STAMP_COARSE_BASE;
  return STATUS_OK;
}

static int compare_symbols(const void *a, const void *b) {
  return strcmp(((const struct dataset_symbol *)a)->printed, ((const struct dataset_symbol *)b)->printed);
}

/* A funding or mark file alone makes no symbol. */
static enum status collect_symbols(struct loader *loader) {
  struct source *source = loader->source;
  source->symbols = calloc((size_t)loader->piece_count + 1, sizeof *source->symbols);
  check(source->symbols);
  for (int i = 0; i < loader->piece_count; i++) {
    const struct dataset_piece *piece = &loader->pieces[i];
    const enum series_kind kind = piece->series.kind;
    if (kind != SERIES_CANDLES && kind != SERIES_TRADES) continue;
    if (loader->options->symbols && !is_in_list(loader->options->symbols, piece->printed)) continue;
    if (kind == SERIES_CANDLES && piece->interval_ms != source->interval_ms) {
      problem_warn(loader->problem, "other_interval", piece->path, NULL, NULL, "left out: the base of these data is %lld minutes, this file's %lld",
                   (long long)(source->interval_ms / MINUTE_MS), (long long)(piece->interval_ms / MINUTE_MS));
      continue;
    }
    if (source_find_symbol(source, piece->printed) >= 0) continue;
    struct dataset_symbol *symbol = &source->symbols[source->symbol_count++];
    text_copy(symbol->printed, sizeof symbol->printed, piece->printed);
    text_copy(symbol->venue_symbol, sizeof symbol->venue_symbol, piece->venue_symbol);
    series_init(&symbol->candles, SERIES_CANDLES);
    series_init(&symbol->funding, SERIES_FUNDING);
    series_init(&symbol->mark, SERIES_MARK);
    series_init(&symbol->trades, SERIES_TRADES);
    series_init(&symbol->filled, SERIES_MARK);
  }
  if (source->symbol_count == 0 || source->symbol_count > SOURCE_SYMBOLS_MAX) {
    problem_add(loader->problem, source->symbol_count == 0 ? "no_data" : "too_large", loader->options->data, loader->options->symbols, NULL,
                source->symbol_count == 0 ? "none of the wanted symbols is in the data" : "the data hold more than 1024 symbols");
    return source->symbol_count == 0 ? STATUS_NO_DATA : STATUS_TOO_LARGE;
  }
  qsort(source->symbols, (size_t)source->symbol_count, sizeof *source->symbols, compare_symbols);
  return STATUS_OK;
}

static struct series *series_of(struct dataset_symbol *symbol, enum series_kind kind) {
  struct series *const by_kind[SERIES_KIND_COUNT] = {
      [SERIES_CANDLES] = &symbol->candles, [SERIES_FUNDING] = &symbol->funding, [SERIES_MARK] = &symbol->mark, [SERIES_TRADES] = &symbol->trades};
  return by_kind[kind];
}

static void mark_streamed(struct loader *loader) {
  struct source *source = loader->source;
  for (int i = 0; i < loader->piece_count; i++) {
    const struct dataset_piece *piece = &loader->pieces[i];
    const int index = source_find_symbol(source, piece->printed);
    if (index < 0 || !piece->is_streamed) continue;
    struct dataset_symbol *symbol = &source->symbols[index];
    stream_quality_join(&symbol->stream_quality, &piece->counter.quality);
    item_digest_combine(symbol->stream_digest, piece->digest_text);
    if (symbol->stream_price <= 0) symbol->stream_price = piece->price;
    symbol->is_streamed = true;
    symbol->capabilities |= piece->capabilities;
  }
}

static void join_pieces(struct loader *loader) {
  struct source *source = loader->source;
  mark_streamed(loader);
  for (int i = 0; i < loader->piece_count; i++) {
    struct dataset_piece *piece = &loader->pieces[i];
    const int index = source_find_symbol(source, piece->printed);
    if (index < 0 || (piece->series.kind == SERIES_CANDLES && piece->interval_ms != source->interval_ms)) continue;
    struct dataset_symbol *symbol = &source->symbols[index];
    if (piece->series.kind == SERIES_TRADES && symbol->is_streamed && !piece->is_streamed) {
      problem_warn(loader->problem, "trades_twice", piece->path, NULL, NULL,
                   "left out: the trades of this symbol come from a recording with its book");
      continue;
    }
    struct series *to = series_of(symbol, piece->series.kind);
    if (to->count == 0) {
      series_deinit(to);
      *to = piece->series;
      series_init(&piece->series, piece->series.kind);
    } else {
      const int64_t out_of_order = to->out_of_order + piece->series.out_of_order;
      series_append(to, &piece->series);
      series_sort(to);
      to->out_of_order = out_of_order; /* files may come in any order: that is no fault of the data */
      series_deinit(&piece->series);
    }
  }
}

/* --- judging the whole ------------------------------------------------------------------------------------------- */

static void pack_trades(struct dataset_symbol *symbol) {
  const struct source_trade *rows = symbol->trades.rows;
  symbol->tape_count = symbol->trades.count;
  symbol->tape = calloc(symbol->tape_count > 0 ? symbol->tape_count : 1, sizeof *symbol->tape);
  check(symbol->tape);
  for (size_t i = 0; i < symbol->tape_count; i++) {
    symbol->tape[i] = (struct public_trade){.ts = rows[i].ts, .price = rows[i].price, .qty = rows[i].qty, .is_buy = rows[i].is_buy != 0};
  }
  series_deinit(&symbol->trades);
}

/* A tick that most recorded prices are no multiple of belongs to another time or market. */
static bool fits_prices(const struct series *candles, int64_t tick_size) {
  const struct candle *rows = candles->rows;
  const size_t step = candles->count / 1000 + 1;
  size_t seen = 0, off = 0;
  for (size_t i = 0; i < candles->count; i += step, seen++) off += decimal_fits(rows[i].close) && decimal_from_double(rows[i].close) % tick_size != 0;
  return off * 100 <= seen;
}

static int compare_known(const void *a, const void *b) {
  const struct dataset_instrument *left = a, *right = b;
  return left->ts < right->ts ? -1 : left->ts > right->ts;
}

/* Later lines about the same instrument are further states of it. */
static void add_known_instruments(struct loader *loader, struct dataset_symbol *symbol) {
  for (int i = 0; i < loader->known_count; i++) {
    const struct known_instrument *known = &loader->known[i];
    if (strcmp(known->printed, symbol->printed) != 0) continue;
    symbol->instruments = realloc(symbol->instruments, (size_t)(symbol->instrument_count + 1) * sizeof *symbol->instruments);
    check(symbol->instruments);
    struct dataset_instrument *added = &symbol->instruments[symbol->instrument_count++];
    added->ts = known->ts;
    added->instrument = symbol->instruments[0].instrument;
    instrument_file_apply(&known->row, &added->instrument);
    added->instrument.status = (int32_t)known->status;
    added->instrument.listed_at = known->listed_at;
    added->instrument.delisting_at = known->delisting_at;
    symbol->capabilities |= CAPABILITY_INSTRUMENT;
  }
  qsort(symbol->instruments, (size_t)symbol->instrument_count, sizeof *symbol->instruments, compare_known);
}

static double first_price(const struct dataset_symbol *symbol) {
  if (symbol->candles.count > 0) return ((const struct candle *)symbol->candles.rows)[0].close;
  if (symbol->tape_count > 0) return decimal_to_double(symbol->tape[0].price);
  return symbol->stream_price > 0 ? symbol->stream_price : 1; /* a stream of tickers alone names no price to size a tick by */
}

static void set_instrument(struct loader *loader, struct dataset_symbol *symbol) {
  struct source *source = loader->source;
  symbol->instruments = calloc(1, sizeof *symbol->instruments);
  check(symbol->instruments);
  symbol->instrument_count = 1;
  symbol->instruments[0].ts = INT64_MIN;
  struct instrument *instrument = &symbol->instruments[0].instrument;
  instrument_default(instrument, symbol->printed, symbol->venue_symbol, first_price(symbol));
  const struct instrument_row *row = instrument_file_find(&loader->instruments, symbol->venue_symbol, loader->exchange);
  if (row && !fits_prices(&symbol->candles, row->tick_size)) {
    problem_warn(loader->problem, "wrong_tick", symbol->printed, NULL, NULL,
                 "the tick of the instruments file does not divide the recorded prices: defaults are used");
    row = NULL;
  }
  if (row) {
    instrument_file_apply(row, instrument);
    symbol->capabilities |= CAPABILITY_INSTRUMENT;
  }
  add_known_instruments(loader, symbol);
  if (symbol->instrument_count == 1 && instrument->is_default) source->stamps |= SOURCE_STAMP_INSTRUMENT_DEFAULTS;
}

static void judge_quality(struct loader *loader, struct dataset_symbol *symbol) {
  struct source *source = loader->source;
  struct quality quality;
  quality_measure(&quality, &symbol->candles, source->interval_ms, loader->options->from_ms, loader->options->to_ms);
  if (quality.present == 0 || quality_is_usable(&quality)) return;
  source->stamps |= SOURCE_STAMP_BAD_DATA;
  const char *format = "completeness %.4f (%lld candles missing), %lld invalid rows";
  if (loader->options->allows_bad_data) {
    problem_warn(loader->problem, "bad_data", symbol->printed, NULL, NULL, format, quality.completeness, (long long)quality.missing,
                 (long long)quality.invalid);
  } else {
    problem_add(loader->problem, "bad_data", symbol->printed, NULL, "0.999 and no invalid row; or --allow-bad-data, or --fill flat", format,
                quality.completeness, (long long)quality.missing, (long long)quality.invalid);
  }
}

static void build_symbol(struct loader *loader, struct dataset_symbol *symbol) {
  struct source *source = loader->source;
  if (symbol->candles.count == 0 && symbol->trades.count > 0) {
    if (symbol->is_streamed) series_sort(&symbol->trades);
    trade_candles_build(&symbol->candles, symbol->trades.rows, symbol->trades.count);
  }
  if (symbol->is_streamed)
    series_deinit(&symbol->trades);
  else
    pack_trades(symbol);
  if (loader->options->is_filled_flat && quality_fill_flat(&symbol->candles, source->interval_ms, &symbol->filled) > 0)
    source->stamps |= SOURCE_STAMP_FILLED_CANDLES;
}

static void describe_symbol(struct loader *loader, struct dataset_symbol *symbol) {
  struct source *source = loader->source;
  if (symbol->candles.is_turnover_estimated) source->stamps |= SOURCE_STAMP_TURNOVER_ESTIMATED;
  if (symbol->candles.count > 0) symbol->capabilities |= CAPABILITY_CANDLES_1M;
  if (symbol->tape_count > 0) symbol->capabilities |= CAPABILITY_TRADES;
  if (symbol->funding.count > 0)
    symbol->capabilities |= CAPABILITY_FUNDING;
  else
    source->stamps |= SOURCE_STAMP_FUNDING_UNKNOWN;
  set_instrument(loader, symbol);
  judge_quality(loader, symbol);
  series_release(&symbol->candles);
}

/* Rates and marks of months without candles would start the clock too early. */
static void trim_points(struct source *source) {
  int64_t from_ms, to_ms;
  source_range(source, &from_ms, &to_ms);
  for (int i = 0; i < source->symbol_count; i++) {
    struct series *const both[] = {&source->symbols[i].funding, &source->symbols[i].mark};
    for (int k = 0; k < 2; k++) {
      const size_t begin = series_find(both[k], from_ms), end = series_find(both[k], to_ms + 1);
      struct source_point *rows = both[k]->rows;
      if (end > begin) memmove(rows, rows + begin, (end - begin) * sizeof *rows);
      both[k]->count = end > begin ? end - begin : 0;
    }
  }
}

static int compare_streams(const void *a, const void *b) {
  return strcmp(((const struct dataset_stream *)a)->digest, ((const struct dataset_stream *)b)->digest);
}

static enum status load(struct loader *loader) {
  struct source *source = loader->source;
  enum status status = load_files(loader);
  if (!status) status = choose_base(loader);
  if (!status) status = collect_symbols(loader);
  if (status) return status;
  join_pieces(loader);
  for (int i = 0; i < source->symbol_count; i++) build_symbol(loader, &source->symbols[i]);
  trim_points(source);
  for (int i = 0; i < source->symbol_count; i++) describe_symbol(loader, &source->symbols[i]);
  if (source->stream_count > 1) qsort(source->streams, (size_t)source->stream_count, sizeof *source->streams, compare_streams);
  if (!status && (source->stamps & SOURCE_STAMP_BAD_DATA) && !loader->options->allows_bad_data) status = STATUS_BAD_INPUT;
  return status;
}

enum status dataset_load(struct source *source, const struct source_options *options, struct problem *problem) {
  struct loader loader = {.source = source, .options = options, .problem = problem, .cryptofeed = -1};
  const enum status status = load(&loader);
  for (int i = 0; i < loader.piece_count; i++) series_deinit(&loader.pieces[i].series);
  free(loader.pieces);
  file_list_deinit(&loader.files);
  instrument_file_deinit(&loader.instruments);
  free(loader.known);
  return status;
}

void dataset_unload(struct source *source) {
  for (int i = 0; i < source->symbol_count; i++) {
    struct dataset_symbol *symbol = &source->symbols[i];
    series_deinit(&symbol->candles);
    series_deinit(&symbol->funding);
    series_deinit(&symbol->mark);
    series_deinit(&symbol->trades);
    series_deinit(&symbol->filled);
    free(symbol->tape);
    free(symbol->instruments);
  }
  for (int i = 0; i < source->stream_count; i++) {
    struct dataset_stream *stream = &source->streams[i];
    for (int k = 0; k < stream->path_count; k++) free(stream->paths[k]);
    free(stream->paths);
    dataset_stream_close(stream);
  }
  free(source->streams);
  source->streams = NULL;
  source->stream_count = 0;
  free(source->symbols);
  source->symbols = NULL;
  source->symbol_count = 0;
}
