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

static void fill_prefix(struct level_fold *fold, enum level_type type) {
  const struct level_window *window = &fold->set->window;
  const uint32_t *numbers = window->order[type].number;
  struct level_mask *prefix = fold->prefix[type];
  struct level_mask mask = {{0}};
  prefix[0] = mask;
  for (int32_t i = 0; i < fold->count; i++) {
    uint32_t index = numbers[i] - window->oldest;
    uint64_t bit = UINT64_C(1) << (index & 63);
    mask.words[0] |= index < 64 ? bit : 0;
    mask.words[1] |= index >> 6 == 1 ? bit : 0;
    mask.words[2] |= index >> 6 == 2 ? bit : 0;
    prefix[i + 1] = mask;
  }
}

/* Positions [low, high) of the window's order by price. */
static struct level_mask mask_between(const struct level_mask *prefix, int32_t low, int32_t high) {
  struct level_mask mask;
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) mask.words[word] = prefix[high].words[word] ^ prefix[low].words[word];
  return mask;
}

/* First position whose price is not below (is_after: is above) the range that touches the price. */
static int32_t touch_edge(const struct level_fold *fold, enum level_type type, double price, bool is_after) {
  const double *prices = fold->set->window.order[type].price;
  double edge = is_after ? fold->half_atr : -fold->half_atr;
  int32_t low = 0;
  int32_t rest = fold->count;
  while (rest > 0) {
    int32_t half = rest / 2;
    double away = prices[low + half] - price;
    bool is_right = is_after ? away <= edge : away < edge;
    low = is_right ? low + half + 1 : low;
    rest = is_right ? rest - half - 1 : half;
  }
  return low;
}

struct level_mask level_touching(const struct level_fold *fold, enum level_type type, double price) {
  return mask_between(fold->prefix[type], touch_edge(fold, type, price, false), touch_edge(fold, type, price, true));
}

/* The touching positions of ascending prices: a range that moves up. */
struct touch_range {
  const struct level_fold *fold;
  enum level_type type;
  int32_t low, high;
};

static struct level_mask range_move(struct touch_range *range, double price) {
  const double *prices = range->fold->set->window.order[range->type].price;
  double half_atr = range->fold->half_atr;
  while (range->low < range->fold->count && prices[range->low] - price < -half_atr) range->low++;
  while (range->high < range->fold->count && prices[range->high] - price <= half_atr) range->high++;
  return mask_between(range->fold->prefix[range->type], range->low, range->high);
}

static int32_t mask_count(const struct level_mask *mask) {
  int32_t count = 0;
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) {
    for (uint64_t bits = mask->words[word]; bits != 0; bits &= bits - 1) count++;
  }
  return count;
}

/* false when the cluster is not valid. */
static bool find_touches(const struct level_fold *fold, struct level_cluster *cluster) {
  struct level_mask counted = level_counted(&cluster->touching);
  cluster->touches = mask_count(&counted);
  if (cluster->touches < fold->preset->levels_rules.min_touches || cluster->touches == 0) return false;
  cluster->first_touch = level_mask_first(&counted);
  cluster->last_touch = mask_last(&counted);
  return fold->close_ts - (fold->window[cluster->last_touch].open_ts + LEVEL_CANDLE_MS) <= 72 * HOUR_MS;
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
  list->count += find_touches(fold, cluster);
}

/* Positions in the window's order of the candles that give points, without a branch that nobody can predict. */
static int32_t find_points(const struct level_fold *fold, enum level_type type, const uint8_t *sources, uint8_t positions[LEVEL_WINDOW]) {
  const struct level_window *window = &fold->set->window;
  int32_t found = 0;
  for (int32_t i = 0; i < fold->count; i++) {
    positions[found] = (uint8_t)i;
    found += sources[window->order[type].number[i] - window->oldest] != 0;
  }
  return found;
}

/* One point a source: a candle that is donchian, swing and volume counts three times in the mean. */
static void merge_add(struct merge *merge, double price, int32_t sources) {
  if (merge->points == 0) merge->first = price;
  merge->sources |= sources;
  for (; sources != 0; sources &= sources - 1) {
    merge->sum += price;
    merge->points++;
  }
}

void level_clusters_find(struct level_fold *fold, enum level_type type) {
  const struct level_window *window = &fold->set->window;
  const struct level_order *order = &window->order[type];
  struct touch_range range = {.fold = fold, .type = type};
  struct merge merge = {0};
  uint8_t sources[LEVEL_WINDOW];
  uint8_t positions[LEVEL_WINDOW];
  fill_prefix(fold, type);
  level_points_read(fold, type, sources);
  int32_t found = find_points(fold, type, sources, positions);
  fold->clusters[type].count = 0;
  for (int32_t i = 0; i < found; i++) {
    double price = order->price[positions[i]];
    if (merge.points > 0 && price - merge.first > fold->half_atr) {
      merge_close(fold, &merge, &range);
      merge = (struct merge){0};
    }
    merge_add(&merge, price, sources[order->number[positions[i]] - window->oldest]);
  }
  merge_close(fold, &merge, &range);
}
