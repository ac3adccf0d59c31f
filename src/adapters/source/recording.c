#define _GNU_SOURCE
#include "adapters/source/recording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/source/file_name.h"
#include "adapters/source/lines.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/text.h"
#include "core/market/symbol.h"

enum { ROW_WARNINGS_MAX = 10, WAITING_BYTES_MAX = 64 * 1024 * 1024 };

/* One file, standing at a line whose message is still to be taken. */
struct recording_file {
  struct input *input;
  struct lines lines;
  char *text, *end;                  /* of the message, NULL at the end of the file */
  int64_t received_ns;               /* 0: the line does not say */
  char symbol[SYMBOL_TEXT_MAX];      /* of messages that name none */
  char line_symbol[SYMBOL_TEXT_MAX]; /* given in front of this line's message */
};

struct recording_symbol {
  char spelled[SYMBOL_TEXT_MAX]; /* as in the messages */
  char printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  bool has_book;
  int64_t seq;
  int64_t trade_id; /* of the last trade, -1 none */
  struct stream_quality losses;
  struct buffer waiting; /* messages of deltas, each with its length in front, until the snapshot comes */
  size_t waiting_at;     /* of the next one to hand out after the snapshot */
};

struct recording {
  struct recording_file files[RECORDING_FILES_MAX];
  int file_count;
  struct recording_symbol *symbols; /* owned, RECORDING_SYMBOLS_MAX */
  int symbol_count;
  struct recording_file *taken; /* stands at the line of the last event, which may still be looked at */
  int replaying;                /* symbol whose waiting deltas come next, -1 none */
  struct message message;
  int64_t ts; /* of the last event, 0 before the first */
  int warnings;
  struct recording_counts counts;
};

/* --- lines ------------------------------------------------------------------------------------------------------- */

/* Seconds with a fraction, or an integer of s, ms, us or ns by magnitude, as ns. */
static int64_t parse_received(const char *p, const char *end) {
  uint64_t value = 0; /* 19 digits fit */
  int64_t fraction = 0, scale = INT64_C(100000000), ns;
  int digits = 0;
  for (; p < end && *p >= '0' && *p <= '9' && digits < 19; p++, digits++) value = value * 10 + (uint64_t)(*p - '0');
  if (digits == 0 || value > INT64_MAX) return 0;
  if (p < end && *p == '.') {
    for (p++; p < end && *p >= '0' && *p <= '9' && scale > 0; p++, scale /= 10) fraction += (*p - '0') * scale;
  }
  const int64_t unit = digits <= 10 ? INT64_C(1000000000) : (digits <= 13 ? 1000000 : (digits <= 16 ? 1000 : 1));
  if (__builtin_mul_overflow((int64_t)value, unit, &ns)) return 0;
  return digits <= 10 && !__builtin_add_overflow(ns, fraction, &fraction) ? fraction : ns;
}

/* https://host/path?symbol=SUSHIUSDT&limit=1000 -> 1626992741.301402: {...} */
static void parse_prefix(struct recording_file *file, const char *begin, const char *end) {
  const char *time = begin, *arrow = memmem(begin, (size_t)(end - begin), "-> ", 3);
  const char *symbol = memmem(begin, (size_t)(end - begin), "symbol=", 7);
  file->line_symbol[0] = '\0';
  if (arrow) time = arrow + 3;
  if (arrow && symbol && symbol < arrow) {
    const size_t length = strcspn(symbol + 7, "& ->");
    if (length < sizeof file->line_symbol) {
      memcpy(file->line_symbol, symbol + 7, length);
      file->line_symbol[length] = '\0';
    }
  }
  file->received_ns = parse_received(time, end);
}

/* Moves to the next line that holds a message: "{" at its start or behind a time of receipt. Others are remarks of the recorder. */
static enum status advance(struct recording *recording, struct recording_file *file, struct problem *problem) {
  for (;;) {
    char *begin, *end;
    const enum status status = lines_next(&file->lines, &begin, &end, problem);
    file->text = NULL;
    if (status) return status == STATUS_END ? STATUS_OK : status;
    recording->counts.lines++;
    char *brace = memchr(begin, '{', (size_t)(end - begin));
    file->received_ns = 0;
    if (!brace) continue;
    if (brace > begin) {
      parse_prefix(file, begin, brace);
      if (file->received_ns == 0) continue;
    }
    file->text = brace;
    file->end = end;
    return STATUS_OK;
  }
}

static enum status open_file(struct recording *recording, const char *path, const char *fallback, struct problem *problem) {
  struct recording_file *file = &recording->files[recording->file_count];
  struct file_name name;
  file_name_parse(&name, path);
  text_copy(file->symbol, sizeof file->symbol, name.printed[0] != '\0' || !fallback ? name.printed : fallback);
  enum status status = input_open(&file->input, path, problem);
  if (status) return status;
  recording->file_count++;
  status = lines_open(&file->lines, file->input, '\n');
  return status ? status : advance(recording, file, problem);
}

enum status recording_open(struct recording **out, const char *const *paths, int count, const char *fallback_symbol, struct problem *problem) {
  *out = NULL;
  if (count > RECORDING_FILES_MAX) {
    problem_add(problem, "too_large", paths[0], NULL, "16 files", "one recording has too many files");
    return STATUS_TOO_LARGE;
  }
  struct recording *recording = calloc(1, sizeof *recording);
  if (!recording) return STATUS_NO_MEMORY;
  recording->replaying = -1;
  recording->symbols = calloc(RECORDING_SYMBOLS_MAX, sizeof *recording->symbols);
  enum status status = recording->symbols ? STATUS_OK : STATUS_NO_MEMORY;
  for (int i = 0; i < count && !status; i++) status = open_file(recording, paths[i], fallback_symbol, problem);
  if (status) {
    recording_close(recording);
    return status;
  }
  *out = recording;
  return STATUS_OK;
}

void recording_close(struct recording *recording) {
  if (!recording) return;
  for (int i = 0; i < recording->file_count; i++) {
    lines_close(&recording->files[i].lines);
    input_close(recording->files[i].input);
  }
  for (int i = 0; i < recording->symbol_count; i++) buffer_deinit(&recording->symbols[i].waiting);
  message_deinit(&recording->message);
  free(recording->symbols);
  free(recording);
}

/* --- symbols ----------------------------------------------------------------------------------------------------- */

/* Index of the symbol of a message, -1 when there is none that we can trade. */
static int find_symbol(struct recording *recording, const struct recording_file *file) {
  const struct json_text *named = &recording->message.symbol;
  char spelled[SYMBOL_TEXT_MAX], printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  if (named->length >= sizeof spelled) return -1;
  memcpy(spelled, named->data ? named->data : "", named->length);
  spelled[named->length] = '\0';
  if (named->length == 0) text_copy(spelled, sizeof spelled, file->line_symbol[0] != '\0' ? file->line_symbol : file->symbol);
  for (int i = 0; i < recording->symbol_count; i++) {
    if (strcmp(recording->symbols[i].spelled, spelled) == 0 || strcmp(recording->symbols[i].printed, spelled) == 0) return i;
  }
  /* A stream of one market names a symbol we may not be able to split (XRPETH): then the name of the file decides. */
  if (!symbol_parse(spelled, printed, venue_symbol) && !symbol_parse(file->symbol, printed, venue_symbol)) return -1;
  for (int i = 0; i < recording->symbol_count; i++) {
    if (strcmp(recording->symbols[i].printed, printed) == 0) return i;
  }
  if (recording->symbol_count == RECORDING_SYMBOLS_MAX) return -1;
  struct recording_symbol *symbol = &recording->symbols[recording->symbol_count];
  text_copy(symbol->spelled, sizeof symbol->spelled, spelled);
  text_copy(symbol->printed, sizeof symbol->printed, printed);
  text_copy(symbol->venue_symbol, sizeof symbol->venue_symbol, venue_symbol);
  symbol->trade_id = -1;
  return recording->symbol_count++;
}

int recording_symbol_count(const struct recording *recording) {
  return recording->symbol_count;
}

const char *recording_symbol(const struct recording *recording, int symbol) {
  return recording->symbols[symbol].printed;
}

const char *recording_venue_symbol(const struct recording *recording, int symbol) {
  return recording->symbols[symbol].venue_symbol;
}

const struct stream_quality *recording_losses(const struct recording *recording, const char *printed) {
  static const struct stream_quality none;
  for (int i = 0; i < recording->symbol_count; i++) {
    if (strcmp(recording->symbols[i].printed, printed) == 0) return &recording->symbols[i].losses;
  }
  return &none;
}

const struct recording_counts *recording_counts(const struct recording *recording) {
  return &recording->counts;
}

/* --- books ------------------------------------------------------------------------------------------------------- */

static void keep_waiting(struct recording *recording, struct recording_symbol *symbol, const char *text, size_t length) {
  if (symbol->waiting.length + length + sizeof length > WAITING_BYTES_MAX) buffer_clear(&symbol->waiting);
  buffer_add(&symbol->waiting, &length, sizeof length);
  buffer_add(&symbol->waiting, text, length);
  recording->counts.waiting++;
  symbol->losses.waiting++;
}

/* Decides what becomes of a book message; true when it is handed on.
 * Binance: https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/How-to-manage-a-local-order-book-correctly
 * Bybit:   https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook */
static bool take_book(struct recording *recording, int index, const char *text, size_t length, bool is_replay) {
  struct recording_symbol *symbol = &recording->symbols[index];
  const struct message *message = &recording->message;
  if (message->is_snapshot) {
    if (symbol->has_book && message->last_seq < symbol->seq && message->last_seq != 1) {
      recording->counts.stale++; /* asked for long ago: the book is already past it */
      symbol->losses.stale++;
      return false;
    }
    symbol->has_book = true;
    symbol->seq = message->last_seq;
    symbol->waiting_at = 0;
    recording->replaying = symbol->waiting.length > 0 ? index : -1;
    return true;
  }
  if (!symbol->has_book) {
    if (!is_replay) keep_waiting(recording, symbol, text, length);
    return false;
  }
  if (message->last_seq <= symbol->seq) {
    recording->counts.stale++;
    symbol->losses.stale++;
    return false;
  }
  const bool continues = message->prev_seq >= 0 && message->prev_seq == symbol->seq;
  const bool spans = message->first_seq <= symbol->seq + 1;
  if (!continues && !spans) {
    /* Handed on once, so that whoever keeps the book sees the break and drops it; then a snapshot must come. */
    recording->counts.gaps++;
    symbol->has_book = false;
  }
  symbol->seq = message->last_seq;
  return true;
}

/* Candles, rates and instruments carry times of their own and may stand anywhere. */
static void set_clock(struct recording *recording) {
  const struct message *message = &recording->message;
  if (message->kind == MESSAGE_CANDLE || message->kind == MESSAGE_FUNDING || message->kind == MESSAGE_INSTRUMENT) return;
  if (message->ts > recording->ts) recording->ts = message->ts;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void fill_event(struct recording *recording, int symbol, struct recording_event *event) {
  const struct message *message = &recording->message;
  *event = (struct recording_event){.message = message, .symbol = symbol, .ts = recording->ts};
  if (message->kind == MESSAGE_BOOK) {
    event->book = (struct book_change){.is_snapshot = message->is_snapshot,
                                       .first_seq = message->first_seq,
                                       .last_seq = message->last_seq,
                                       .prev_seq = message->prev_seq,
                                       .bid_count = message->bids.count,
                                       .ask_count = message->asks.count,
                                       .bids = message->bids.items,
                                       .asks = message->asks.items};
  } else if (message->kind == MESSAGE_TRADE) {
    event->trade = (struct public_trade){.ts = recording->ts, .price = message->price, .qty = message->qty, .is_buy = message->is_buy};
  }
}

/* The next delta that waited for the snapshot just handed out; false when there are no more. */
static bool replay(struct recording *recording, struct recording_event *event) {
  const int index = recording->replaying;
  struct recording_symbol *symbol = &recording->symbols[index];
  while (symbol->waiting_at < symbol->waiting.length) {
    size_t length;
    const char *what;
    memcpy(&length, symbol->waiting.data + symbol->waiting_at, sizeof length);
    const char *text = symbol->waiting.data + symbol->waiting_at + sizeof length;
    symbol->waiting_at += sizeof length + length;
    recording->counts.waiting--;
    symbol->losses.waiting--;
    if (!message_parse(&recording->message, text, length, &what) || !take_book(recording, index, text, length, true)) continue;
    fill_event(recording, index, event);
    return true;
  }
  buffer_clear(&symbol->waiting);
  recording->replaying = -1;
  return false;
}

static void warn_line(struct recording *recording, const struct recording_file *file, const char *what, struct problem *problem) {
  recording->counts.invalid++;
  if (recording->warnings++ >= ROW_WARNINGS_MAX) return;
  char location[160];
  (void)snprintf(location, sizeof location, "%.120s:%lld", input_name(file->input), (long long)file->lines.number);
  problem_warn(problem, "bad_row", location, NULL, NULL, "%s; the line is left out", what);
}

static enum status check_share(const struct recording *recording, struct problem *problem) {
  const struct recording_counts *counts = &recording->counts;
  if (counts->invalid * 100 <= counts->messages) return STATUS_OK;
  problem_add(problem, "too_many_bad_rows", input_name(recording->files[0].input), NULL, "at most 1 % of the lines",
              "%lld of %lld messages are not valid", (long long)counts->invalid, (long long)counts->messages);
  return STATUS_BAD_INPUT;
}

static struct recording_file *earliest_file(struct recording *recording) {
  struct recording_file *best = NULL;
  for (int i = 0; i < recording->file_count; i++) {
    struct recording_file *file = &recording->files[i];
    if (file->text && (!best || file->received_ns < best->received_ns)) best = file;
  }
  return best;
}

/* Binance numbers the trades of a symbol one by one, also those that are of no use here. */
static void note_trade(struct recording_symbol *symbol, int64_t id) {
  if (symbol->trade_id >= 0 && id > symbol->trade_id + 1) {
    symbol->losses.trade_gaps++;
    symbol->losses.trades_lost += id - symbol->trade_id - 1;
  }
  if (id > symbol->trade_id) symbol->trade_id = id;
}

/* Takes the message a file stands at; true when it made an event. */
static bool take_message(struct recording *recording, struct recording_file *file, struct recording_event *event, struct problem *problem) {
  struct message *message = &recording->message;
  const char *what;
  const size_t length = (size_t)(file->end - file->text);
  recording->counts.messages++;
  if (!message_parse(message, file->text, length, &what)) {
    warn_line(recording, file, what, problem);
    return false;
  }
  set_clock(recording);
  const int symbol = message->kind == MESSAGE_OTHER && message->trade_id < 0 ? -1 : find_symbol(recording, file);
  if (symbol >= 0 && message->trade_id >= 0) note_trade(&recording->symbols[symbol], message->trade_id);
  const bool is_timed = recording->ts > 0 || message->ts > 0;
  if (symbol < 0 || !is_timed || message->kind == MESSAGE_OTHER ||
      (message->kind == MESSAGE_BOOK && !take_book(recording, symbol, file->text, length, false))) {
    recording->counts.ignored++;
    return false;
  }
  fill_event(recording, symbol, event);
  return true;
}

enum status recording_next(struct recording *recording, struct recording_event *event, struct problem *problem) {
  for (;;) {
    if (recording->taken) {
      const enum status status = advance(recording, recording->taken, problem);
      recording->taken = NULL;
      if (status) return status;
    }
    if (recording->replaying >= 0 && replay(recording, event)) return STATUS_OK;
    recording->taken = earliest_file(recording);
    if (!recording->taken) {
      const enum status status = check_share(recording, problem);
      return status ? status : STATUS_END;
    }
    if (take_message(recording, recording->taken, event, problem)) return STATUS_OK;
  }
}
