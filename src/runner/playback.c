#include "runner/playback.h"

#include "base/calendar.h"

void playback_init(struct playback *playback, struct feed *feed, bool has_seconds) {
  *playback = (struct playback){.feed = feed, .has_seconds = has_seconds};
}

/* Time of the feed's next event, asked once for each. */
static int64_t feed_next_ts(struct playback *playback) {
  if (!playback->has_next) {
    playback->next_ts = playback->feed->next_ts(playback->feed->self);
    playback->has_next = true;
  }
  return playback->next_ts;
}

/* Earliest tick that is due before anything at `next`; 0 none. */
static int64_t due_tick(const struct playback *playback, int64_t next) {
  int64_t at = playback->tick_at;
  if (playback->has_seconds && playback->second_at != 0 && (at == 0 || playback->second_at < at)) at = playback->second_at;
  return at != 0 && at < next ? at : 0;
}

int64_t playback_next_ts(struct playback *playback) {
  int64_t next = feed_next_ts(playback);
  int64_t tick = due_tick(playback, next);
  return tick != 0 ? tick : next;
}

static void make_tick(struct playback *playback, int64_t at, int64_t next, struct event *out) {
  event_begin(out, at, EVENT_TICK);
  out->tick = (struct event_tick){.is_candle_close = at == playback->tick_at};
  if (at == playback->tick_at) playback->tick_at = 0;
  if (at != playback->second_at) return;
  playback->second_at = next == INT64_MAX ? 0 : at + SECOND_MS;
}

static void note_time(struct playback *playback, const struct event *event) {
  if (event->kind == EVENT_CANDLE) playback->tick_at = event->ts;
  bool is_market = event->kind != EVENT_CAPABILITY && event->kind != EVENT_INSTRUMENT;
  if (playback->has_seconds && playback->second_at == 0 && is_market) playback->second_at = event->ts - event->ts % SECOND_MS + SECOND_MS;
}

enum status playback_next(struct playback *playback, struct event *out, struct problem *problem) {
  int64_t next = feed_next_ts(playback);
  int64_t tick = due_tick(playback, next);
  if (tick != 0) {
    make_tick(playback, tick, next, out);
    return STATUS_OK;
  }
  playback->has_next = false;
  enum status status = playback->feed->next(playback->feed->self, out, problem);
  if (!status) note_time(playback, out);
  return status;
}
