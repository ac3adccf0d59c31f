#include "apps/lookahead_tap.h"

#include <stdlib.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/maths.h"

enum { EVENT_BYTES_MAX = 1 << 20, MASKED_MAX = 64 << 10 };

/* ---- ears ---- */

/* Numbers of levels, decisions and scans count everything since the start of the data, which is another one. */
static const void *without_ids(enum record_kind kind, const void *object) {
  static _Alignas(16) unsigned char copy[MASKED_MAX];
  const struct schema *schema = record_schemas[kind];
  check(schema->size <= sizeof copy);
  memcpy(copy, object, schema->size);
  for (int i = 0; i < schema->field_count; i++) {
    if (schema->fields[i].kind == FIELD_KIND_ID) memset(copy + schema->fields[i].offset, 0, sizeof(int64_t));
  }
  return copy;
}

/* Levels that formed while the window of the later data was not full yet, as long as they are in use: touches keep some of them for days. */
static void note_level(struct tap *tap, const struct level *level) {
  int at = 0;
  while (at < tap->old_level_count && tap->old_levels[at].level_id != level->level_id) ++at;
  bool is_old = level->formed_at < tap->later_at + LEVEL_WINDOW * 5 * MINUTE_MS;
  bool has_ended = level->state == LEVEL_FAILED || level->state == LEVEL_EXPIRED;
  if (at < tap->old_level_count && has_ended) tap->old_levels[at] = tap->old_levels[--tap->old_level_count];
  if (at < tap->old_level_count || !is_old || has_ended || tap->old_level_count == TAP_OLD_LEVELS_MAX) return;
  struct old_level *old = &tap->old_levels[tap->old_level_count++];
  old->level_id = level->level_id;
  text_copy(old->symbol, sizeof old->symbol, level->symbol);
}

static bool has_old_level(const struct tap *tap, const char *symbol) {
  for (int i = 0; i < tap->old_level_count; i++) {
    if (text_equal(tap->old_levels[i].symbol, symbol)) return true;
  }
  return false;
}

/* Another decision at the same place is no difference when the symbol has a level that the later data cannot know. */
static void compare_session(struct tap *tap, int64_t ts, enum record_kind kind, const void *object) {
  struct comparison before = *tap->comparison;
  heard_compare(tap->base, tap->said, tap->known, ts, kind, object, tap->comparison);
  bool is_excepted = tap->comparison->differing > before.differing && kind == RECORD_DECISION && heard_is(tap->base, tap->said, ts, kind) &&
                     has_old_level(tap, ((const struct decision *)object)->symbol);
  if (!is_excepted) return;
  *tap->comparison = before;
  ++tap->comparison->compared;
  ++tap->comparison->excepted;
}

static bool is_past(const struct tap *tap) {
  return tap->form == TAP_SCRAMBLE && tap->is_over;
}

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  (void)seq;
  struct tap *tap = context;
  if (is_past(tap)) return;
  if (tap->ear == TAP_SESSION) {
    if (kind == RECORD_LEVEL && tap->later_at > 0) note_level(tap, ((const struct level_change *)object)->level);
    if (!record_in_digest[kind] || ts < tap->heard_from) return;
    object = without_ids(kind, object);
  }
  if (tap->heard != NULL) {
    heard_add(tap->heard, ts, kind, object);
  } else if (tap->ear == TAP_SESSION) {
    compare_session(tap, ts, kind, object);
  } else {
    heard_compare(tap->base, tap->said, tap->known, ts, kind, object, tap->comparison);
  }
  ++tap->said;
}

/* ---- noise ---- */

static void scramble_candle(struct random *random, struct event_candle *event) {
  struct candle candle = {event->open_ts, event->open, event->high, event->low, event->close, event->volume, event->turnover};
  noise_candle(random, &candle);
  event->open = candle.open;
  event->high = candle.high;
  event->low = candle.low;
  event->close = candle.close;
  event->volume = candle.volume;
  event->turnover = candle.turnover;
}

static void *grow(void *memory, size_t *room, size_t wanted, size_t size) {
  if (*room >= wanted) return memory;
  *room = 2 * wanted;
  void *grown = realloc(memory, *room * size);
  check(grown != NULL);
  return grown;
}

static void scramble_trades(struct tap *tap, struct event_public_trades *event) {
  size_t count = (size_t)event->trades_count;
  tap->trades = grow(tap->trades, &tap->trade_room, count, sizeof *tap->trades);
  for (size_t i = 0; i < count; i++) {
    tap->trades[i] = event->trades[i];
    noise_trade(&tap->random, &tap->trades[i]);
  }
  event->trades = tap->trades;
}

/* Sizes only: a price is that of a level, and means something against the levels that were there before. */
static void scramble_levels(struct random *random, struct book_level *out, const struct book_level *levels, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    out[i] = levels[i];
    if (levels[i].qty <= 0) continue;
    int64_t qty = decimal_from_double(noise_value(random, decimal_to_double(levels[i].qty), 1));
    if (qty > 0) out[i].qty = qty;
  }
}

static void scramble_book(struct tap *tap, struct event_book *event) {
  size_t count = (size_t)event->bids_count + (size_t)event->asks_count;
  tap->levels = grow(tap->levels, &tap->level_room, count, sizeof *tap->levels);
  scramble_levels(&tap->random, tap->levels, event->bids, event->bids_count);
  scramble_levels(&tap->random, tap->levels + event->bids_count, event->asks, event->asks_count);
  event->bids = tap->levels;
  event->asks = tap->levels + event->bids_count;
}

static void scramble_ticker(struct random *random, struct event_ticker *ticker) {
  double move = maths_exp(0.01 * random_normal(random));
  ticker->last *= move;
  ticker->bid *= move;
  ticker->ask *= move;
  ticker->mark = noise_value(random, ticker->mark, 0.01);
  ticker->index = noise_value(random, ticker->index, 0.01);
  ticker->turnover_24h = noise_value(random, ticker->turnover_24h, 1);
  ticker->change_24h_pct = 10 * random_normal(random);
}

static void scramble(struct tap *tap, struct event *event) {
  struct random *random = &tap->random;
  switch (event->kind) {
    case EVENT_CANDLE:
      scramble_candle(random, &event->candle);
      return;
    case EVENT_PUBLIC_TRADES:
      scramble_trades(tap, &event->public_trades);
      return;
    case EVENT_BOOK:
      scramble_book(tap, &event->book);
      return;
    case EVENT_TICKER:
      scramble_ticker(random, &event->ticker);
      return;
    case EVENT_FUNDING_RATE:
      event->funding_rate.rate = noise_rate(random);
      return;
    case EVENT_OPEN_INTEREST:
      event->open_interest.oi = noise_value(random, event->open_interest.oi, 0.1);
      event->open_interest.oi_usd = noise_value(random, event->open_interest.oi_usd, 0.1);
      return;
    default:
      return;
  }
}

/* ---- the feed ---- */

static int64_t inner_next_ts(const struct tap *tap) {
  /* The feed of a hidden source reads ahead to tell a time: the times of both are the same. */
  const struct feed *feed = tap->form == TAP_CURTAIN ? &tap->whole_feed : tap->inner;
  return feed->next_ts(feed->self);
}

static void tell_event(const struct event *whole, const struct event *hidden, struct comparison *out) {
  struct text text;
  if (out->differing++ > 0) return;
  out->first = 0;
  out->first_ts = whole->ts;
  text_copy(out->field, sizeof out->field, "event");
  text_init(&text, out->base, sizeof out->base);
  schema_print(event_schemas[whole->kind], event_payload(whole), &text);
  text_init(&text, out->other, sizeof out->other);
  schema_print(event_schemas[hidden->kind], event_payload(hidden), &text);
}

/* What the feed made of the hidden source must be what it makes of the whole one. */
static enum status compare_events(struct tap *tap, const struct event *hidden, struct problem *problem) {
  static unsigned char first[EVENT_BYTES_MAX], second[EVENT_BYTES_MAX];
  struct event whole;
  enum status status = tap->whole_feed.next(tap->whole_feed.self, &whole, problem);
  if (status) return status;
  ++tap->comparison->compared;
  size_t size = event_encode(&whole, first, sizeof first);
  bool is_same = whole.ts == hidden->ts && whole.kind == hidden->kind && size > 0 && event_encode(hidden, second, sizeof second) == size &&
                 memcmp(first, second, size) == 0;
  if (!is_same) tell_event(&whole, hidden, tap->comparison);
  return STATUS_OK;
}

static void note_time(struct tap *tap, int64_t ts) {
  while (tap->time_next < tap->time_count && ts > tap->times[tap->time_next]) tap->counts[tap->time_next++] = tap->said;
  if (tap->form == TAP_SCRAMBLE && ts > tap->at) tap->is_over = true;
}

static enum status tap_next(void *self, struct event *out, struct problem *problem) {
  struct tap *tap = self;
  if (tap->opened) return tap->opened;
  int64_t ts = inner_next_ts(tap);
  if (tap->form == TAP_CUT && ts > tap->at) return STATUS_END;
  note_time(tap, ts);
  if (tap->form == TAP_CURTAIN && ts != INT64_MAX) curtain_show(tap->curtain, ts);
  enum status status = tap->inner->next(tap->inner->self, out, problem);
  if (!status && tap->form == TAP_CURTAIN) status = compare_events(tap, out, problem);
  if (!status && tap->form == TAP_SCRAMBLE && out->ts > tap->at) scramble(tap, out);
  return status;
}

static int64_t tap_next_ts(void *self) {
  const struct tap *tap = self;
  int64_t ts = inner_next_ts(tap);
  return tap->form == TAP_CUT && ts > tap->at ? INT64_MAX : ts;
}

static enum status tap_seek(void *self, int64_t after, struct problem *problem) {
  const struct tap *tap = self;
  return tap->inner->seek(tap->inner->self, after, problem);
}

void tap_open(void *context, struct wiring *wiring) {
  struct tap *tap = context;
  tap->inner = wiring->playback.feed;
  tap->feed = (struct feed){.self = tap, .name = tap->inner->name, .next = tap_next, .next_ts = tap_next_ts, .seek = tap_seek};
  if (tap->form == TAP_LATER) tap->opened = tap->inner->seek(tap->inner->self, tap->at, &wiring->app->problem);
  if (tap->form == TAP_CURTAIN) source_feed_init(&tap->whole, tap->source, tap->inner->name, &tap->whole_feed);
  wiring->playback.feed = &tap->feed;
  runner_listen(&wiring->runner, &(struct listener){.context = tap, .on_record = on_record});
  if (tap->outer->on_open != NULL) tap->outer->on_open(tap->outer->context, wiring);
}

void tap_end(struct tap *tap) {
  for (; tap->time_next < tap->time_count; tap->time_next++) tap->counts[tap->time_next] = tap->said;
  if (tap->heard == NULL) heard_end(tap->base, tap->said, tap->known, tap->comparison);
}

void tap_deinit(struct tap *tap) {
  free(tap->trades);
  free(tap->levels);
  curtain_close(tap->curtain);
}
