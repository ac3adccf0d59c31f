/* From raw points to valid clusters (strategy 4.2: merge, touch, valid). Points are walked in the order in which the window is kept; the touching
 * candles of ascending prices are a moving range of it. */
#include <math.h>

#include "core/analysis/level_fold.h"

static double rounded_to_8_places(double price) {
  return floor(price * 1e8 + 0.5) / 1e8;
}

int32_t level_mask_first(const struct level_mask *mask) {
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) {
    if (mask->words[word] != 0) return 64 * word + __builtin_ctzll(mask->words[word]);
  }
  return -1;
}

static int32_t mask_last(const struct level_mask *mask) {
  int32_t word = LEVEL_MASK_WORDS - 1;
  while (word > 0 && mask->words[word] == 0) word--;
  return 64 * word + 63 - __builtin_clzll(mask->words[word]);
}

struct level_mask level_counted(const struct level_mask *touching) {
  struct level_mask counted = {{0}};
  int32_t next = 0; /* first bit of the word that may be counted */
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) {
    uint64_t left = touching->words[word] & (UINT64_MAX << next);
    next = 0;
    while (left != 0) {
      int32_t bit = __builtin_ctzll(left);
      counted.words[word] |= UINT64_C(1) << bit;
      next = bit + 4;
      left = next < 64 ? left & (UINT64_MAX << next) : 0;
    }
    next = next > 64 ? next - 64 : 0;
  }
  return counted;
}

double level_mask_volume(const struct level_fold *fold, const struct level_mask *mask, int32_t *count) {
  double sum = 0;
  int32_t found = 0;
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) {
    for (uint64_t bits = mask->words[word]; bits != 0; bits &= bits - 1) {
      sum += fold->window[64 * word + __builtin_ctzll(bits)].volume;
      found++;
    }
  }
  if (count != NULL) *count = found;
  return sum;
}

void level_fill_prefix(const struct level_fold *fold, const struct level_order *order, struct level_mask prefix[LEVEL_WINDOW + 1]) {
  uint64_t first = 0;
  uint64_t second = 0;
  uint64_t third = 0;
  prefix[0] = (struct level_mask){{0}};
  for (int32_t i = 0; i < fold->count; i++) {
    uint32_t index = (order->slot[i] - fold->set->window.oldest) % LEVEL_SLOTS;
    uint64_t bit = UINT64_C(1) << (index & 63);
    /* All ones where the bit belongs: compilers make branches of the conditional operator here. */
    first |= bit & -(uint64_t)(index >> 6 == 0);
    second |= bit & -(uint64_t)(index >> 6 == 1);
    third |= bit & -(uint64_t)(index >> 6 == 2);
    prefix[i + 1] = (struct level_mask){{first, second, third}};
  }
}

/* Positions [low, high) of the window's order by price. */
static struct level_mask mask_between(const struct level_mask *prefix, int32_t low, int32_t high) {
  struct level_mask mask;
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) mask.words[word] = prefix[high].words[word] ^ prefix[low].words[word];
  return mask;
}

struct level_mask level_touching(const struct level_fold *fold, enum level_type type, double price) {
  const double *prices = fold->set->window.extremes[type].price;
  int32_t low = level_search(prices, fold->count, price, -fold->half_atr, false);
  int32_t high = level_search(prices, fold->count, price, fold->half_atr, true);
  return mask_between(fold->prefix[type], low, high);
}

/* The touching positions of ascending prices: a range that moves up. */
struct touch_range {
  const struct level_fold *fold;
  enum level_type type;
  int32_t low, high;
};

static struct level_mask range_move(struct touch_range *range, double price) {
  const double *prices = range->fold->set->window.extremes[range->type].price;
  const int32_t count = range->fold->count;
  const double half_atr = range->fold->half_atr;
  int32_t low = range->low;
  int32_t high = range->high;
  while (low < count && prices[low] - price < -half_atr) low++;
  while (high < count && prices[high] - price <= half_atr) high++;
  range->low = low;
  range->high = high;
  return mask_between(range->fold->prefix[range->type], low, high);
}

/* Bits are added in parallel: in pairs, fours, bytes (H. S. Warren, Hacker's Delight, 5-1). __builtin_popcountll is a call on the oldest machines. */
static int32_t bit_count(uint64_t bits) {
  bits -= (bits >> 1) & UINT64_C(0x5555555555555555);
  bits = (bits & UINT64_C(0x3333333333333333)) + ((bits >> 2) & UINT64_C(0x3333333333333333));
  bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
  return (int32_t)((bits * UINT64_C(0x0101010101010101)) >> 56);
}

int32_t level_mask_count(const struct level_mask *mask) {
  return bit_count(mask->words[0]) + bit_count(mask->words[1]) + bit_count(mask->words[2]);
}

void level_find_touches(struct level_cluster *cluster) {
  struct level_mask counted = level_counted(&cluster->touching);
  cluster->touches = level_mask_count(&counted);
  cluster->first_touch = level_mask_first(&counted);
  cluster->last_touch = mask_last(&counted);
}

/* Are that many of the touching candles counted (level_counted)? Most have them among the first few. */
static bool has_counted(const struct level_mask *touching, int32_t wanted) {
  int32_t next = 0;
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) {
    uint64_t left = touching->words[word] & (UINT64_MAX << next);
    next = 0;
    while (left != 0) {
      if (--wanted <= 0) return true;
      next = __builtin_ctzll(left) + 4;
      left = next < 64 ? left & (UINT64_MAX << next) : 0;
    }
    next = next > 64 ? next - 64 : 0;
  }
  return false;
}

static bool is_recent(const struct level_fold *fold, int32_t index) {
  return fold->close_ts - (fold->window[index].open_ts + LEVEL_CANDLE_MS) <= 72 * HOUR_MS;
}

/* Enough touches, the last one not long ago. The whole window is recent unless candles are missing. */
static bool is_valid(const struct level_fold *fold, struct level_cluster *cluster) {
  if (!has_counted(&cluster->touching, fold->preset->levels_rules.min_touches)) return false;
  if (is_recent(fold, 0)) return true;
  level_find_touches(cluster);
  return is_recent(fold, cluster->last_touch);
}

/* Raw points walked upwards. */
struct merge {
  double first, sum;
  int32_t points, sources;
};

/* Ends the open cluster and keeps it when it is valid. */
static void merge_close(struct level_fold *fold, const struct merge *merge, struct touch_range *range) {
  if (merge->points == 0) return;
  struct level_cluster_list *list = &fold->clusters[range->type];
  struct level_cluster *cluster = &list->items[list->count];
  cluster->price = rounded_to_8_places(merge->sum / merge->points);
  cluster->sources = merge->sources;
  cluster->is_matched = false;
  cluster->touching = range_move(range, cluster->price);
  list->count += is_valid(fold, cluster);
}

/* A candle that gives raw points. */
struct point {
  double price;
  int32_t sources;
};

/* In ascending price, without a branch that nobody can predict. Returns their number. */
static int32_t find_points(const struct level_fold *fold, enum level_type type, struct point points[LEVEL_WINDOW]) {
  const struct level_order *order = &fold->set->window.extremes[type];
  const uint8_t *sources = fold->set->window.sources[type];
  int32_t found = 0;
  for (int32_t i = 0; i < fold->count; i++) {
    int32_t bits = sources[order->slot[i]] | fold->volume_source[order->slot[i]];
    points[found] = (struct point){order->price[i], bits};
    found += bits != 0;
  }
  return found;
}

/* One point a source: a candle that is donchian, swing and volume counts three times in the mean. */
static void merge_add(struct merge *merge, const struct point *point) {
  if (merge->points == 0) merge->first = point->price;
  merge->sources |= point->sources;
  for (int32_t bits = point->sources; bits != 0; bits &= bits - 1) {
    merge->sum += point->price;
    merge->points++;
  }
}

void level_clusters_find(struct level_fold *fold, enum level_type type) {
  struct touch_range range = {.fold = fold, .type = type};
  struct merge merge = {0};
  struct point points[LEVEL_WINDOW];
  level_fill_prefix(fold, &fold->set->window.extremes[type], fold->prefix[type]);
  int32_t found = find_points(fold, type, points);
  fold->clusters[type].count = 0;
  for (int32_t i = 0; i < found; i++) {
    if (merge.points > 0 && points[i].price - merge.first > fold->half_atr) {
      merge_close(fold, &merge, &range);
      merge = (struct merge){0};
    }
    merge_add(&merge, &points[i]);
  }
  merge_close(fold, &merge, &range);
}
