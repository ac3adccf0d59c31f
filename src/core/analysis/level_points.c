/* Raw points (strategy 4.1). The window is kept in order: a new candle costs two binary searches and one memmove a list, and each extreme of the
 * donchian windows is found once, when its last candle arrives, instead of ten times. */
#include <string.h>

#include "core/analysis/level_fold.h"

static const int32_t channel_lengths[LEVEL_CHANNEL_LENGTHS] = {10, 15, 20, 30};

static uint32_t slot_of(uint32_t number) {
  return number % LEVEL_SLOTS;
}

/* First position whose value is not below (or, with is_after, above) the given one. */
static int32_t position_of(const double *values, int32_t count, double value, bool is_after) {
  int32_t low = 0;
  while (count > 0) {
    int32_t half = count / 2;
    bool is_right = is_after ? values[low + half] <= value : values[low + half] < value;
    low = is_right ? low + half + 1 : low;
    count = is_right ? count - half - 1 : half;
  }
  return low;
}

/* Moves the items between two positions by one so that `to` becomes free where `from` was; returns the place for the new item. */
static int32_t open_place(void *items, size_t size, int32_t from, int32_t to) {
  unsigned char *bytes = items;
  if (to > from) {
    to--; /* the old item, left of it, is going away */
    memmove(bytes + (size_t)from * size, bytes + ((size_t)from + 1) * size, (size_t)(to - from) * size);
  } else {
    memmove(bytes + ((size_t)to + 1) * size, bytes + (size_t)to * size, (size_t)(from - to) * size);
  }
  return to;
}

/* Equal volumes are alike, so the oldest candle's needs no number. */
static void volumes_move(struct level_window *window, const double *old, double volume) {
  int32_t from = old == NULL ? window->count : position_of(window->volumes, window->count, *old, false);
  int32_t to = position_of(window->volumes, window->count, volume, true);
  window->volumes[open_place(window->volumes, sizeof(window->volumes[0]), from, to)] = volume;
}

/* Equal prices stand by age and the leaving candle is the oldest, so it is the first of its price. */
static void order_move(struct level_order *order, int32_t count, const double *old, double price, uint32_t number) {
  int32_t from = old == NULL ? count : position_of(order->price, count, *old, false);
  int32_t to = position_of(order->price, count, price, true);
  open_place(order->number, sizeof(order->number[0]), from, to);
  int32_t place = open_place(order->price, sizeof(order->price[0]), from, to);
  order->price[place] = price;
  order->number[place] = number;
}

/* Is the extreme of a further from the middle than that of b? */
static bool is_beyond(enum level_type type, const struct candle *a, const struct candle *b) {
  return type == LEVEL_RESISTANCE ? a->high > b->high : a->low < b->low;
}

/* The windows of 10, 15, 20 and 30 candles that end with *last (number: its number): the newest candle holding the extreme of each replaces what the
 * windows ten candles ago named. available: candles up to and with *last. */
static void channel_move(struct level_order *order, enum level_type type, const struct candle *last, uint32_t number, int32_t available) {
  uint8_t *named = order->channel[number % LEVEL_CHANNEL_ENDS];
  if (number >= LEVEL_CHANNEL_ENDS + 29) {
    for (int32_t i = 0; i < LEVEL_CHANNEL_LENGTHS; i++) order->channel_uses[named[i]]--;
  }
  if (available < channel_lengths[LEVEL_CHANNEL_LENGTHS - 1]) return;
  int32_t best = 0;
  int32_t back = 0;
  for (int32_t i = 0; i < LEVEL_CHANNEL_LENGTHS; i++) {
    for (; back < channel_lengths[i]; back++) best = is_beyond(type, last - back, last - best) ? back : best;
    named[i] = (uint8_t)slot_of(number - (uint32_t)best);
    order->channel_uses[named[i]]++;
  }
}

/* The candle two before the newest is judged; the window's first two have no neighbours on the left. */
static void swing_move(struct level_order *order, enum level_type type, const struct candle *newest, uint32_t number, int32_t count,
                       uint32_t oldest) {
  order->is_swing[slot_of(number)] = 0;
  order->is_swing[slot_of(oldest)] = 0;
  order->is_swing[slot_of(oldest + 1)] = 0;
  if (count < 5) return;
  const struct candle *middle = newest - 2;
  order->is_swing[slot_of(number - 2)] = is_beyond(type, middle, middle - 2) && is_beyond(type, middle, middle - 1) &&
                                         is_beyond(type, middle, middle + 1) && is_beyond(type, middle, middle + 2);
}

/* Appends *newest, the candle after the window's newest; the window's candles lie in front of it in memory. */
static void window_append(struct level_window *window, const struct candle *newest) {
  bool is_full = window->count == LEVEL_WINDOW;
  uint32_t number = window->oldest + (uint32_t)window->count;
  const struct candle *leaving = newest - window->count;
  volumes_move(window, is_full ? &leaving->volume : NULL, newest->volume);
  for (enum level_type type = 0; type < level_type_count; type++) {
    struct level_order *order = &window->order[type];
    double old = level_extreme(type, leaving);
    order_move(order, window->count, is_full ? &old : NULL, level_extreme(type, newest), number);
  }
  window->oldest += is_full;
  window->count += !is_full;
  window->newest = *newest;
  window->oldest_ts = newest[1 - window->count].open_ts;
  for (enum level_type type = 0; type < level_type_count; type++) {
    struct level_order *order = &window->order[type];
    order->channel_uses[slot_of(number)] = 0;
    /* Windows end one candle before the candle that uses them. */
    if (window->count > 1) channel_move(order, type, newest - 1, number - 1, window->count - 1);
    swing_move(order, type, newest, number, window->count, window->oldest);
  }
}

/* Was the kept window made of exactly the candles before the newest? They are contiguous, so the two ends tell; only a newest candle may be
 * corrected. */
static bool window_continues(const struct level_window *window, const struct candle *candles, int32_t count) {
  int32_t before = count - 1 < LEVEL_WINDOW ? count - 1 : LEVEL_WINDOW;
  if (window->count == 0 || window->count != before) return false;
  const struct candle *last = &candles[count - 2];
  return window->oldest_ts == candles[count - 1 - before].open_ts && window->newest.open_ts == last->open_ts && window->newest.high == last->high &&
         window->newest.low == last->low && window->newest.volume == last->volume;
}

void level_window_update(struct level_window *window, const struct candle *candles, int32_t count) {
  if (window_continues(window, candles, count)) {
    window_append(window, &candles[count - 1]);
    return;
  }
  memset(window, 0, sizeof(*window));
  int32_t first = count < LEVEL_WINDOW ? 0 : count - LEVEL_WINDOW;
  for (int32_t i = first; i < count; i++) window_append(window, &candles[i]);
}

void level_points_read(const struct level_fold *fold, enum level_type type, uint8_t sources[LEVEL_WINDOW]) {
  const struct level_window *window = &fold->set->window;
  const struct level_order *order = &window->order[type];
  for (int32_t i = 0; i < fold->count; i++) {
    uint32_t slot = slot_of(window->oldest + (uint32_t)i);
    int32_t bits = order->channel_uses[slot] > 0 ? LEVEL_SOURCE_DONCHIAN : 0;
    bits |= order->is_swing[slot] ? LEVEL_SOURCE_SWING : 0;
    bits |= fold->window[i].volume >= fold->volume_threshold ? LEVEL_SOURCE_VOLUME : 0;
    sources[i] = (uint8_t)bits;
  }
}
