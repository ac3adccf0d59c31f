/* One fold of one candle into a level set: what the steps of strategy 4 hand to each other. Only for the level_*.c files. */
#ifndef CORE_ANALYSIS_LEVEL_FOLD_H
#define CORE_ANALYSIS_LEVEL_FOLD_H

#include "base/calendar.h"
#include "core/analysis/level.h"

#define LEVEL_CANDLE_MS (5 * MINUTE_MS)

enum { LEVEL_MASK_WORDS = (LEVEL_WINDOW + 63) / 64, LEVEL_PER_TYPE_MAX = 5 };

/* Candles of the window as bits, oldest first. */
struct level_mask {
  uint64_t words[LEVEL_MASK_WORDS];
};

/* A valid cluster of raw points. */
struct level_cluster {
  double price;
  struct level_mask touching;      /* all candles within 0.5 ATR */
  int32_t touches;                 /* counted; this and the next two of level_find_touches */
  int32_t first_touch, last_touch; /* index in the window */
  int32_t sources;
  bool is_matched;
};

struct level_cluster_list {
  int32_t count;
  struct level_cluster items[LEVEL_WINDOW]; /* ascending by price */
};

/* What level_rate judges: a level, or a cluster that may become one. */
struct level_subject {
  enum level_type type;
  double price, round_bonus;
  int32_t touches;
  int64_t first_touch_at, last_touch_at;
  double touch_volume_sum; /* of counted touches; of a cluster not needed, its touches are in the window */
  const struct level_mask *touching;
  const struct level_cluster *own; /* the cluster that is the level itself, NULL none */
};

/* What a price is worth (strategy 4.3). */
struct level_rating {
  double strength, round_bonus;
  int32_t cascade_count;
  bool approach_ok;
};

struct level_fold {
  struct level_set *set;
  const struct candle *window; /* detection window, oldest first; window[count - 1] is t */
  int32_t count;
  const struct candle *newest;
  int64_t close_ts;
  double atr, half_atr;
  double mean_volume;
  uint8_t volume_source[LEVEL_SLOTS]; /* LEVEL_SOURCE_VOLUME for slots whose volume makes a raw point, else 0 */
  bool is_slope_good;
  double lowest_low_20, highest_high_20;
  const struct preset *preset;
  const char *symbol;
  int64_t *next_level_id;
  struct level_events *events;
  /* prefix[n]: the first n candles of the window's order by price; two of them make any range of prices */
  struct level_mask prefix[level_type_count][LEVEL_WINDOW + 1];
  struct level_mask close_prefix[LEVEL_WINDOW + 1];
  struct level_cluster_list clusters[level_type_count];
};

/* level_points.c: brings the kept window up to the newest of `count` candles, moving on by one or beginning again. */
void level_window_update(struct level_window *window, const struct candle *candles, int32_t count);

/* level_cluster.c: merge, touch, valid. */
void level_fill_prefix(const struct level_fold *fold, const struct level_order *order, struct level_mask prefix[LEVEL_WINDOW + 1]);
void level_clusters_find(struct level_fold *fold, enum level_type type);
/* Candles of the window whose extreme lies within 0.5 ATR of the price. */
struct level_mask level_touching(const struct level_fold *fold, enum level_type type, double price);
int32_t level_mask_count(const struct level_mask *mask);
/* Index of the oldest candle in the mask, -1 when empty. */
int32_t level_mask_first(const struct level_mask *mask);
/* The counted touches among touching candles: the oldest, then each more than 3 candles after the last counted one. */
struct level_mask level_counted(const struct level_mask *touching);
void level_find_touches(struct level_cluster *cluster);
/* Sum of the volumes of candles of the window, oldest first; count (may be NULL): how many. */
double level_mask_volume(const struct level_fold *fold, const struct level_mask *mask, int32_t *count);

/* level_strength.c */
void level_rate(const struct level_fold *fold, const struct level_subject *subject, struct level_rating *out);
/* Bonus of round prices, 0 when the price is not round. */
double level_round_bonus(const struct preset *preset, double price);
void level_set_rating(const struct level_fold *fold, struct level *level, const struct level_rating *rating);

/* level_select.c: match, block, open, separation, limit, for one type. */
void level_select(struct level_fold *fold, enum level_type type);

/* level_lifecycle.c: one transition at most of every active level, then ended levels leave the active ones. */
void level_lifecycle(struct level_fold *fold);
/* from < 0: new. */
void level_record(struct level_fold *fold, const struct level *level, int32_t from, const char *reason);

/* level_statistics.c */
void level_statistics_on_break(struct level_statistics *statistics, const struct level *level, double atr);
void level_statistics_on_fail(struct level_statistics *statistics, int64_t level_id);
void level_statistics_on_candle(struct level_statistics *statistics, const struct candle *candle);

/* Extreme of a candle on the side of a type: high for resistance, low for support. */
static inline double level_extreme(enum level_type type, const struct candle *candle) {
  return type == LEVEL_RESISTANCE ? candle->high : candle->low;
}

/* First position of ascending values with value - offset >= edge, or with is_after > edge. Always the same number of steps and no branch on a value:
 * which way a search goes is what a processor can't predict. */
static inline int32_t level_search(const double *values, int32_t count, double offset, double edge, bool is_after) {
  int32_t low = 0;
  for (int32_t rest = count; rest > 0;) {
    int32_t half = (rest + 1) / 2;
    double away = values[low + half - 1] - offset;
    low += half * (int32_t)(is_after ? away <= edge : away < edge);
    rest -= half;
  }
  return low;
}

/* fmin and fmax of libm are calls, because of their rules for NaN. */
static inline double level_min(double a, double b) {
  return a < b ? a : b;
}
static inline double level_max(double a, double b) {
  return a > b ? a : b;
}

#endif
