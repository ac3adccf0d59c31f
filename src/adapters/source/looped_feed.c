#include "adapters/source/looped_feed.h"

#include "base/calendar.h"

int64_t looped_feed_shift(const struct looped_feed *self) {
  return self->round * self->period_ms;
}

/* Borrowed trades carry times too: the copy lives until the next call, as the original does. */
static void shift_trades(struct looped_feed *self, struct event *event, int64_t shift) {
  buffer_clear(&self->trades);
  for (int32_t i = 0; i < event->public_trades.trades_count; i++) {
    struct public_trade trade = event->public_trades.trades[i];
    trade.ts += shift;
    buffer_add(&self->trades, &trade, sizeof trade);
  }
  event->public_trades.trades = (const struct public_trade *)(const void *)self->trades.data;
}

static enum status feed_next(void *context, struct event *out, struct problem *problem) {
  struct looped_feed *self = context;
  enum status status = self->inner->next(self->inner->self, out, problem);
  int64_t shift = looped_feed_shift(self);
  if (status || shift == 0) return status;
  out->ts += shift;
  if (out->kind == EVENT_CANDLE) out->candle.open_ts += shift;
  if (out->kind == EVENT_FUNDING_RATE && out->funding_rate.next_funding_at != 0) out->funding_rate.next_funding_at += shift;
  if (out->kind == EVENT_PUBLIC_TRADES) shift_trades(self, out, shift);
  return STATUS_OK;
}

static int64_t feed_next_ts(void *context) {
  struct looped_feed *self = context;
  int64_t ts = self->inner->next_ts(self->inner->self);
  return ts == INT64_MAX ? ts : ts + looped_feed_shift(self);
}

static enum status feed_seek(void *context, int64_t after, struct problem *problem) {
  struct looped_feed *self = context;
  if (after == INT64_MIN) return looped_feed_begin(self, self->round, problem);
  self->round = looped_feed_round_of(self, after);
  return self->inner->seek(self->inner->self, after - looped_feed_shift(self), problem);
}

void looped_feed_init(struct looped_feed *self, struct feed *inner, int64_t from, int64_t to, struct feed *out) {
  *self = (struct looped_feed){.inner = inner, .from = from, .period_ms = ((to - from) / DAY_MS + 1) * DAY_MS};
  *out = (struct feed){.self = self, .name = inner->name, .next = feed_next, .next_ts = feed_next_ts, .seek = feed_seek};
}

void looped_feed_deinit(struct looped_feed *self) {
  buffer_deinit(&self->trades);
}

int64_t looped_feed_round_of(const struct looped_feed *self, int64_t ts) {
  return ts < self->from ? 0 : (ts - self->from) / self->period_ms;
}

enum status looped_feed_begin(struct looped_feed *self, int64_t round, struct problem *problem) {
  self->round = round;
  return self->inner->seek(self->inner->self, self->from - 1, problem);
}
