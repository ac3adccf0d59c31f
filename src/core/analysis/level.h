/* Price levels of one symbol: a fold over closed 5m candles (strategy 4). Feeding candle by candle and folding the array again give identical levels.
 *
 * Where the rules leave a choice, this is the reading:
 * - Times of touches, of forming, breaking, failing and expiring are close times of their candles.
 * - A swing needs its two neighbours on each side inside the detection window.
 * - "Touching candles" are all whose extreme lies within 0.5 ATR(t) of the price now, counted or not; touches without that word are counted ones.
 * - touch_volume / mean_volume is 0 when mean_volume is 0. base_height, cascade, approach and strength stay as they were at the break.
 * - A matched formed level takes the price of its cluster, nothing else. Ties of a match: older level, lower level price, lower cluster price.
 * - cascade_count counts the level or cluster itself once, and every other valid cluster in the radius; its matched cluster is not another one.
 * - Only unmatched clusters that pass `block` and `open` take part in `separation`; blocked is within the last 12 candles, t included.
 * - A return needs the high of L + 1.5 ATR on a candle after the breaking one and before the returning one: inside one candle nobody knows what came
 *   first. Two returns are counted when at least 3 candles apart.
 * - Rows of the life cycle are tried in order and the first that fits is the one of the candle, so that a counted touch comes before `superseded`,
 * and a level dropped on candles t-2, t-1 and t ends at t+1. New levels get their ids resistance first, then by price.
 * - With LEVEL_ACTIVE_MAX active levels no further one is formed. */
#ifndef CORE_ANALYSIS_LEVEL_H
#define CORE_ANALYSIS_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fsm.h"
#include "base/schema.h"
#include "core/market/candle.h"
#include "core/market/instrument.h"
#include "core/strategy/preset.h"

enum level_type { LEVEL_RESISTANCE, LEVEL_SUPPORT, level_type_count };
enum level_state { LEVEL_FORMED, LEVEL_TESTED, LEVEL_BROKEN, LEVEL_RETESTED, LEVEL_FAILED, LEVEL_EXPIRED, level_state_count };
enum level_side { LEVEL_SIDE_UP, LEVEL_SIDE_DOWN, level_side_count };
enum level_source { LEVEL_SOURCE_DONCHIAN = 1, LEVEL_SOURCE_SWING = 2, LEVEL_SOURCE_VOLUME = 4 }; /* bits of sources */
/* What moves a level from state to state; the names are the reasons in events. */
enum level_trigger {
#define LEVEL_TRIGGER(constant, name, text) LEVEL_ON_##constant,
#include "core/analysis/level_fsm.def"
  level_trigger_count
};
extern const char *const level_type_names[];
extern const char *const level_state_names[];
extern const char *const level_side_names[];
extern const char *const level_trigger_names[];
extern const struct fsm level_fsm;

struct level {
#include "base/fields_struct.h"

#include "core/analysis/level_fields.def"

#include "base/fields_end.h"
  /* working values of the fold, not shown */
  int64_t last_counted_touch_ts; /* open ts of the last counted touch */
  double touch_volume_sum;
  double best_since_break; /* highest high (up) or lowest low (down) of the candles after the breaking one; infinite before the first */
  double best_before;      /* the same without the newest folded candle */
  int64_t best_ts;         /* open ts of the newest candle in best_since_break, 0 none */
  int64_t last_return_ts;
  int32_t dropped_in_a_row;
  bool is_active; /* formed, tested, broken, retested */
};
extern const struct schema level_schema;

enum { LEVEL_ATR_LENGTH = 14, LEVEL_WINDOW = 150, LEVEL_MIN_CANDLES = 50, LEVEL_ACTIVE_MAX = 64, LEVEL_ENDED_MAX = 32, LEVEL_EVENTS_MAX = 96 };

/* A change of one level on one candle. from < 0 for a new level. */
struct level_event {
  struct level level; /* after the change */
  int32_t from, to;   /* enum level_state */
  int64_t ts;
  const char *reason; /* static text: level_formed, closed_beyond, touched, returned, closed_back, retest_window_over, level_old, superseded */
};

/* How levels of one source set and strength decile did after they broke. */
struct level_statistics_cell {
  int64_t broken;           /* levels that broke */
  int64_t judged;           /* of them: failed within 12 candles, or 12 candles have passed */
  int64_t failed;           /* of them: failed within 12 candles */
  int64_t measured;         /* of them: 24 candles have passed */
  double excursion_atr_sum; /* best excursion beyond the level within 24 candles, in ATR of the breaking candle, over the measured ones */
};

/* A broken level while its first 24 candles pass; it is followed also after it failed. */
struct level_followed {
  int64_t level_id;
  double price, atr, best; /* best: furthest extreme beyond the level */
  int32_t side;            /* enum level_side */
  int32_t sources, decile, candles;
  bool is_judged;
};

enum { LEVEL_SOURCE_SETS = 8, LEVEL_DECILES = 10, LEVEL_FOLLOWED_MAX = 64, LEVEL_FAIL_CANDLES = 12, LEVEL_EXCURSION_CANDLES = 24 };

struct level_statistics {
  struct level_statistics_cell cells[LEVEL_SOURCE_SETS][LEVEL_DECILES]; /* [sources as bits][min(9, floor(10 strength))] */
  struct level_followed followed[LEVEL_FOLLOWED_MAX];
  int32_t followed_count;
  int64_t not_followed; /* broken while LEVEL_FOLLOWED_MAX were followed, or with an ATR of 0: counted in no cell */
};

/* The detection window kept in order, so that a fold sorts nothing. A pure function of the window's candles, made anew whenever it does not continue.
 * A candle's slot is its number in order of arrival, modulo LEVEL_SLOTS. */
enum { LEVEL_SLOTS = 256, LEVEL_CHANNEL_ENDS = 10, LEVEL_CHANNEL_LENGTHS = 4 };

struct level_order {
  double price[LEVEL_WINDOW]; /* ascending, equal ones by age */
  uint8_t slot[LEVEL_WINDOW]; /* the candle of each */
};

struct level_window {
  int32_t count;   /* candles in the window */
  uint32_t oldest; /* number of the oldest; the first ever was 0 */
  struct candle newest;
  int64_t oldest_ts;
  double volumes[LEVEL_WINDOW]; /* ascending */
  struct level_order closes;
  struct level_order extremes[level_type_count];                                /* highs, lows */
  uint8_t sources[level_type_count][LEVEL_SLOTS];                               /* donchian and swing bits of each slot */
  uint8_t channel_uses[level_type_count][LEVEL_SLOTS];                          /* donchian windows of the last 10 candles that name the slot */
  uint8_t channel[level_type_count][LEVEL_CHANNEL_ENDS][LEVEL_CHANNEL_LENGTHS]; /* slot named by each; ring over the window's last candle */
};

struct level_set {
  struct level active[LEVEL_ACTIVE_MAX];
  int32_t active_count;
  struct level ended[LEVEL_ENDED_MAX]; /* newest failed and expired ones, ring */
  int32_t ended_count, ended_next;
  int64_t folded_ts; /* open ts of the newest candle folded in; INT64_MIN none */
  struct level_statistics statistics;
  struct level_window window;
};

/* For the test of incremental exactness and for statistics. */
struct level_events {
  int32_t count;
  struct level_event items[LEVEL_EVENTS_MAX];
};

void level_set_init(struct level_set *set);
/* Folds in the newest of `count` closed 5m candles (ascending, contiguous; at least min(count, 200) given so that the windows are complete). atr:
 * their ATR(LEVEL_ATR_LENGTH). next_level_id is the persistent counter: the id of the next new level. Events are appended to events (cleared first).
 * Fewer than 50 candles: nothing happens but folded_ts moves. A candle that is not newer than folded_ts is ignored: after a late fill or a correction
 * start again with level_set_init. */
void level_set_on_candle(struct level_set *set, const char *symbol, const struct candle *candles, int32_t count, double atr,
                         const struct preset *preset, int64_t *next_level_id, struct level_events *events);
/* True when candle t is a return to a broken or retested level as in strategy 4.5 (used by the retest signal; the same before and after the fold of
 * t). */
bool level_is_returned_by(const struct level *level, const struct candle *candle, double atr);
/* Active levels nearest above (at or over) and below (under) a price, and the strongest within a distance; NULL when none. Ties: the older one. */
const struct level *level_nearest(const struct level_set *set, double price, bool above);
const struct level *level_strongest_within(const struct level_set *set, double price, double distance);
/* Among the active, then the ended ones; NULL when neither. */
struct level *level_find(struct level_set *set, int64_t level_id);
/* The cell of the statistics that a level belongs to. */
const struct level_statistics_cell *level_statistics_of(const struct level_set *set, int32_t sources, double strength);
/* Share of judged levels that failed within 12 candles; mean best excursion in ATR; NaN while there are none. */
double level_statistics_failed_share(const struct level_statistics_cell *cell);
double level_statistics_excursion_atr(const struct level_statistics_cell *cell);
/* Signal side of an active level: resistance formed/tested -> up; broken/retested by broken_side. */
enum level_side level_signal_side(const struct level *level);

#endif
