/* From raw points to valid clusters (strategy 4.2: merge, touch, valid). Points are walked in the order in which the window is kept; the touching
 * candles of ascending prices are a moving range of it. */
#include <math.h>

#include "core/analysis/level_fold.h"

static double rounded_to_8_places(double price) {
  return floor(price * 1e8 + 0.5) / 1e8;
}

static uint64_t bit_of(int32_t index) {
  return UINT64_C(1) << (index & 63);
}

int32_t level_mask_first(const struct level_mask *mask) {
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) {
    if (mask->words[word] != 0) return 64 * word + __builtin_ctzll(mask->words[word]);
  }
  return -1;
}

/* Clears the bits up to and with index. */
static void mask_clear_to(struct level_mask *mask, int32_t index) {
  for (int32_t word = 0; word < index >> 6; word++) mask->words[word] = 0;
  mask->words[index >> 6] &= ~(bit_of(index) | (bit_of(index) - 1));
}

/* Positions [low, high) of the ordered window that touch a price; moves up with it. */
struct touch_range {
  const struct level_order *order;
  uint32_t oldest;
  int32_t count, low, high;
  double half_atr;
  struct level_mask mask;
};

static void range_flip(struct touch_range *range, int32_t position) {
  int32_t index = (int32_t)(range->order->number[position] - range->oldest);
  range->mask.words[index >> 6] ^= bit_of(index);
}

/* price must not be lower than the one before. */
static void range_move(struct touch_range *range, double price) {
  const double *prices = range->order->price;
  while (range->high < range->count && (prices[range->high] <= price || prices[range->high] - price <= range->half_atr)) {
    range_flip(range, range->high++);
  }
  while (range->low < range->high && prices[range->low] < price && price - prices[range->low] > range->half_atr) range_flip(range, range->low++);
}

static struct touch_range range_begin(const struct level_fold *fold, enum level_type type) {
  return (struct touch_range){
      .order = &fold->set->window.order[type], .oldest = fold->set->window.oldest, .count = fold->count, .half_atr = fold->half_atr};
}

struct level_mask level_touching(const struct level_fold *fold, enum level_type type, double price) {
  struct touch_range range = range_begin(fold, type);
  int32_t low = 0;
  int32_t rest = fold->count;
  while (rest > 0) {
    int32_t half = rest / 2;
    double other = range.order->price[low + half];
    bool is_right = other < price && price - other > range.half_atr;
    low = is_right ? low + half + 1 : low;
    rest = is_right ? rest - half - 1 : half;
  }
  range.low = range.high = low;
  range_move(&range, price);
  return range.mask;
}

/* Counts the touches of the cluster: the oldest, then each that is more than 3 candles after the last counted one. */
static void count_touches(const struct level_fold *fold, struct level_cluster *cluster) {
  struct level_mask left = cluster->touching;
  int32_t index = level_mask_first(&left);
  cluster->first_touch = index;
  while (index >= 0) {
    cluster->touches++;
    cluster->touch_volume_sum += fold->window[index].volume;
    cluster->last_touch = index;
    mask_clear_to(&left, index + 3 < LEVEL_WINDOW ? index + 3 : LEVEL_WINDOW - 1);
    index = level_mask_first(&left);
  }
}

static bool is_valid(const struct level_fold *fold, const struct level_cluster *cluster) {
  if (cluster->touches < fold->preset->levels_rules.min_touches || cluster->touches == 0) return false;
  int64_t touched_at = fold->window[cluster->last_touch].open_ts + LEVEL_CANDLE_MS;
  return fold->close_ts - touched_at <= 72 * HOUR_MS;
}

struct merge {
  double first, sum;
  int32_t points, sources;
};

/* Ends the open cluster and keeps it when it is valid. */
static void merge_close(const struct level_fold *fold, const struct merge *merge, struct touch_range *range, struct level_cluster_list *list) {
  if (merge->points == 0) return;
  struct level_cluster *cluster = &list->items[list->count];
  *cluster = (struct level_cluster){.price = rounded_to_8_places(merge->sum / merge->points), .sources = merge->sources};
  range_move(range, cluster->price);
  cluster->touching = range->mask;
  count_touches(fold, cluster);
  list->count += is_valid(fold, cluster);
}

/* Positions in the ordered window of the candles that give points, without a branch that nobody can predict. */
static int32_t find_points(const struct touch_range *range, const uint8_t *sources, uint8_t positions[LEVEL_WINDOW]) {
  int32_t found = 0;
  for (int32_t i = 0; i < range->count; i++) {
    positions[found] = (uint8_t)i;
    found += sources[range->order->number[i] - range->oldest] != 0;
  }
  return found;
}

void level_clusters_find(struct level_fold *fold, enum level_type type) {
  struct level_cluster_list *list = &fold->clusters[type];
  struct touch_range range = range_begin(fold, type);
  uint8_t sources[LEVEL_WINDOW];
  uint8_t positions[LEVEL_WINDOW];
  level_points_read(fold, type, sources);
  int32_t found = find_points(&range, sources, positions);
  struct merge merge = {0};
  list->count = 0;
  for (int32_t i = 0; i < found; i++) {
    double price = range.order->price[positions[i]];
    int32_t bits = sources[range.order->number[positions[i]] - range.oldest];
    if (merge.points > 0 && price - merge.first > fold->half_atr) {
      merge_close(fold, &merge, &range, list);
      merge = (struct merge){0};
    }
    if (merge.points == 0) merge.first = price;
    merge.sources |= bits;
    /* One point a source: a candle that is donchian, swing and volume counts three times in the mean. */
    for (; bits != 0; bits &= bits - 1) {
      merge.sum += price;
      merge.points++;
    }
  }
  merge_close(fold, &merge, &range, list);
}
