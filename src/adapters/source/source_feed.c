#include "adapters/source/source_feed.h"

#include <math.h>
#include <string.h>

#include "base/text.h"

static const char *const reference_symbol = "BTC/USDT:USDT";

static void describe_capability(const struct source_feed *self, int symbol, struct event *out) {
  out->kind = EVENT_CAPABILITY;
  out->capability = (struct event_capability){symbol, (int32_t)source_capabilities(self->source, symbol), self->interval_ms};
}

static void describe_instrument(struct source_feed *self, int symbol, int64_t ts, struct event *out) {
  const struct instrument *instrument = source_instrument(self->source, symbol, ts);
  self->known[symbol] = instrument;
  out->ts = ts;
  out->kind = EVENT_INSTRUMENT;
  out->instrument = (struct event_instrument){.symbol = symbol, .is_whitelisted = true, .instrument_count = 1, .instrument = {*instrument}};
  out->instrument.is_reference = text_equal(instrument->symbol, reference_symbol);
}

/* Reads the next item ahead unless one waits. */
static enum status look(struct source_feed *self, struct problem *problem) {
  if (self->has_item || self->ended) return self->ended;
  enum status status = source_next(self->source, &self->item, problem);
  if (!status && self->item.kind == SOURCE_END) status = STATUS_END;
  self->ended = status;
  self->has_item = !status;
  return status;
}

static void item_to_event(const struct source_item *item, struct event *out) {
  out->ts = item->ts;
  int32_t symbol = (int32_t)item->symbol;
  switch (item->kind) {
    case SOURCE_CANDLE: {
      const struct candle *candle = item->candle;
      out->kind = EVENT_CANDLE;
      out->candle =
          (struct event_candle){symbol, candle->open_ts, candle->open, candle->high, candle->low, candle->close, candle->volume, candle->turnover};
      return;
    }
    case SOURCE_MARK:
      out->kind = EVENT_TICKER;
      out->ticker = (struct event_ticker){symbol, NAN, NAN, NAN, item->value, NAN, NAN, NAN};
      return;
    case SOURCE_FUNDING:
      out->kind = EVENT_FUNDING_RATE;
      /* A recorded rate is known when it is settled: due at its own time. */
      out->funding_rate = (struct event_funding_rate){symbol, item->value, item->ts};
      return;
    case SOURCE_BOOK:
      out->kind = EVENT_BOOK;
      out->book = (struct event_book){
          symbol,           item->book->is_snapshot, item->book->first_seq, item->book->last_seq, item->book->prev_seq, item->book->bid_count,
          item->book->bids, item->book->ask_count,   item->book->asks};
      return;
    case SOURCE_TICKER:
      out->kind = EVENT_TICKER;
      out->ticker = (struct event_ticker){symbol,
                                          item->ticker.last,
                                          item->ticker.bid,
                                          item->ticker.ask,
                                          item->ticker.mark,
                                          item->ticker.index,
                                          item->ticker.turnover_24h,
                                          item->ticker.change_24h_pct};
      return;
    case SOURCE_OPEN_INTEREST:
      out->kind = EVENT_OPEN_INTEREST;
      out->open_interest = (struct event_open_interest){symbol, item->value, item->value_usd};
      return;
    default:
      out->kind = EVENT_PUBLIC_TRADES;
      out->public_trades = (struct event_public_trades){symbol, item->trade_count, item->trades};
  }
}

static enum status feed_next(void *context, struct event *out, struct problem *problem) {
  struct source_feed *self = context;
  out->seq = 0;
  out->preset_value = NULL;
  out->preset_json = NULL;
  if (self->described < 2 * source_symbol_count(self->source)) {
    int symbol = self->described / 2;
    bool is_instrument = self->described++ % 2 == 0;
    out->ts = self->from;
    if (is_instrument) {
      describe_instrument(self, symbol, self->from, out);
    } else {
      describe_capability(self, symbol, out);
    }
    return STATUS_OK;
  }
  enum status status = look(self, problem);
  if (status) return status;
  if (source_instrument(self->source, self->item.symbol, self->item.ts) != self->known[self->item.symbol]) {
    describe_instrument(self, self->item.symbol, self->item.ts, out);
    return STATUS_OK;
  }
  item_to_event(&self->item, out);
  self->has_item = false;
  return STATUS_OK;
}

static int64_t feed_next_ts(void *context) {
  struct source_feed *self = context;
  if (self->described < 2 * source_symbol_count(self->source)) return self->from;
  return look(self, NULL) ? INT64_MAX : self->item.ts;
}

static enum status feed_seek(void *context, int64_t after, struct problem *problem) {
  struct source_feed *self = context;
  self->described = 0;
  self->has_item = false;
  self->ended = STATUS_OK;
  return source_seek(self->source, after == INT64_MIN ? INT64_MIN : after + 1, problem);
}

void source_feed_init(struct source_feed *self, struct source *source, const char *name, struct feed *feed) {
  int64_t to;
  *self = (struct source_feed){.source = source, .name = name, .interval_ms = source_interval_ms(source)};
  source_range(source, &self->from, &to);
  *feed = (struct feed){.self = self, .name = name, .next = feed_next, .next_ts = feed_next_ts, .seek = feed_seek};
}
