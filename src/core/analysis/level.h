/* Price levels of one symbol: a fold over closed 5m candles (strategy 4). Feeding candle by candle and folding the array again give identical levels. */
#ifndef CORE_ANALYSIS_LEVEL_H
#define CORE_ANALYSIS_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/schema.h"
#include "core/market/candle.h"
#include "core/market/instrument.h"
#include "core/strategy/preset.h"

enum level_type { LEVEL_RESISTANCE, LEVEL_SUPPORT, level_type_count };
enum level_state { LEVEL_FORMED, LEVEL_TESTED, LEVEL_BROKEN, LEVEL_RETESTED, LEVEL_FAILED, LEVEL_EXPIRED, level_state_count };
enum level_side { LEVEL_SIDE_UP, LEVEL_SIDE_DOWN, level_side_count };
enum level_source { LEVEL_SOURCE_DONCHIAN = 1, LEVEL_SOURCE_SWING = 2, LEVEL_SOURCE_VOLUME = 4 }; /* bits of sources */
extern const char *const level_type_names[];
extern const char *const level_state_names[];
extern const char *const level_side_names[];

struct level {
#include "base/fields_struct.h"
#include "core/analysis/level_fields.def"
#include "base/fields_end.h"
  /* working values of the fold, not shown */
  int64_t last_counted_touch_ts; /* open ts of the last counted touch */
  double touch_volume_sum;
  double best_since_break; /* highest high (up) or lowest low (down) since broken_at */
  int64_t last_return_ts;
  int32_t dropped_in_a_row;
  bool is_active; /* formed, tested, broken, retested */
};
extern const struct schema level_schema;

enum { LEVEL_WINDOW = 150, LEVEL_MIN_CANDLES = 50, LEVEL_ACTIVE_MAX = 64, LEVEL_ENDED_MAX = 32, LEVEL_EVENTS_MAX = 96 };

/* A change of one level on one candle. from < 0 for a new level. */
struct level_event {
  struct level level; /* after the change */
  int32_t from, to;   /* enum level_state */
  int64_t ts;
  const char *reason; /* static text: level_formed, closed_beyond, touched, returned, closed_back, retest_window_over, level_old, superseded */
};

struct level_set {
  struct level active[LEVEL_ACTIVE_MAX];
  int32_t active_count;
  struct level ended[LEVEL_ENDED_MAX]; /* newest failed and expired ones, ring */
  int32_t ended_count, ended_next;
  int64_t folded_ts; /* open ts of the newest candle folded in; INT64_MIN none */
};

/* For the test of incremental exactness and for statistics. */
struct level_events {
  int32_t count;
  struct level_event items[LEVEL_EVENTS_MAX];
};

void level_set_init(struct level_set *set);
/* Folds in the newest of `count` closed 5m candles (ascending, contiguous; at least min(count, 200) given so that ATR and windows are complete). next_level_id
 * is the persistent counter. Events are appended to events (cleared first). Fewer than 50 candles: nothing happens but folded_ts moves. */
void level_set_on_candle(struct level_set *set, const char *symbol, const struct candle *candles, int32_t count, const struct preset *preset,
                         int64_t *next_level_id, struct level_events *events);
/* True when candle t is a return to a broken or retested level as in strategy 4.5 (used by the retest signal, evaluated before the fold of t changes it). */
bool level_is_returned_by(const struct level *level, const struct candle *candle, double atr);
/* Active levels nearest above and below a price, and the strongest within a distance; NULL when none. */
const struct level *level_nearest(const struct level_set *set, double price, bool above);
const struct level *level_strongest_within(const struct level_set *set, double price, double distance);
struct level *level_find(struct level_set *set, int64_t level_id);
/* Signal side of an active level: resistance formed/tested -> up; broken/retested by broken_side. */
enum level_side level_signal_side(const struct level *level);

#endif
