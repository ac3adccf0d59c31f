/* Raw points (strategy 4.1). The window is kept in order: a new candle costs two binary searches and one memmove a list, and each extreme of the
 * donchian windows is found once, when its last candle arrives, instead of ten times. */
#include <string.h>

#include "core/analysis/level_fold.h"

static const int32_t channel_lengths[LEVEL_CHANNEL_LENGTHS] = {10, 15, 20, 30};

static uint32_t slot_of(uint32_t number) {
  return number % LEVEL_SLOTS;
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
  int32_t from = old == NULL ? window->count : level_search(window->volumes, window->count, 0, *old, false);
  int32_t to = level_search(window->volumes, window->count, 0, volume, true);
  window->volumes[open_place(window->volumes, sizeof(window->volumes[0]), from, to)] = volume;
}

/* Equal prices stand by age and the leaving candle is the oldest, so it is the first of its price. */
static void order_move(struct level_order *order, int32_t count, const double *old, double price, uint32_t number) {
  int32_t from = old == NULL ? count : level_search(order->price, count, 0, *old, false);
  int32_t to = level_search(order->price, count, 0, price, true);
  open_place(order->slot, sizeof(order->slot[0]), from, to);
  int32_t place = open_place(order->price, sizeof(order->price[0]), from, to);
  order->price[place] = price;
  order->slot[place] = (uint8_t)slot_of(number);
}

/* Is the extreme of a further from the middle than that of b? */
static bool is_beyond(enum level_type type, const struct candle *a, const struct candle *b) {
  return type == LEVEL_RESISTANCE ? a->high > b->high : a->low < b->low;
}

static void channel_use(struct level_window *window, enum level_type type, uint8_t slot, int32_t change) {
  uint8_t *uses = &window->channel_uses[type][slot];
  *uses = (uint8_t)(*uses + change);
  uint8_t *sources = &window->sources[type][slot];
  *sources = (uint8_t)(*uses > 0 ? *sources | LEVEL_SOURCE_DONCHIAN : *sources & ~LEVEL_SOURCE_DONCHIAN);
}

/* The windows of 10, 15, 20 and 30 candles that end with *last (number: its number): the newest candle holding the extreme of each replaces what the
 * windows ten candles ago named. available: candles up to and with *last. */
static void channel_move(struct level_window *window, enum level_type type, const struct candle *last, uint32_t number, int32_t available) {
  const int32_t longest = channel_lengths[LEVEL_CHANNEL_LENGTHS - 1];
  uint8_t *named = window->channel[type][number % LEVEL_CHANNEL_ENDS];
  if (number >= (uint32_t)(LEVEL_CHANNEL_ENDS + longest - 1)) {
    for (int32_t i = 0; i < LEVEL_CHANNEL_LENGTHS; i++) channel_use(window, type, named[i], -1);
  }
  if (available < longest) return;
  int32_t best = 0;
  int32_t back = 0;
  for (int32_t i = 0; i < LEVEL_CHANNEL_LENGTHS; i++) {
    for (; back < channel_lengths[i]; back++) best = is_beyond(type, last - back, last - best) ? back : best;
    named[i] = (uint8_t)slot_of(number - (uint32_t)best);
    channel_use(window, type, named[i], 1);
  }
}

/* The candle two before the newest is judged; the window's first two have no neighbours on the left. */
static void swing_move(struct level_window *window, enum level_type type, const struct candle *newest, uint32_t number) {
  uint8_t *sources = window->sources[type];
  sources[slot_of(window->oldest)] &= (uint8_t)~LEVEL_SOURCE_SWING;
  sources[slot_of(window->oldest + 1)] &= (uint8_t)~LEVEL_SOURCE_SWING;
  if (window->count < 5) return;
  const struct candle *middle = newest - 2;
  if (is_beyond(type, middle, middle - 2) && is_beyond(type, middle, middle - 1) && is_beyond(type, middle, middle + 1) &&
      is_beyond(type, middle, middle + 2)) {
    sources[slot_of(number - 2)] |= LEVEL_SOURCE_SWING;
  }
}

/* Appends *newest, the candle after the window's newest; the window's candles lie in front of it in memory. */
static void window_append(struct level_window *window, const struct candle *newest) {
  bool is_full = window->count == LEVEL_WINDOW;
  uint32_t number = window->oldest + (uint32_t)window->count;
  const struct candle *leaving = newest - window->count;
  volumes_move(window, is_full ? &leaving->volume : NULL, newest->volume);
  order_move(&window->closes, window->count, is_full ? &leaving->close : NULL, newest->close, number);
  for (enum level_type type = 0; type < level_type_count; type++) {
    double old = level_extreme(type, leaving);
    order_move(&window->extremes[type], window->count, is_full ? &old : NULL, level_extreme(type, newest), number);
  }
  window->oldest += is_full;
  window->count += !is_full;
  window->newest = *newest;
  window->oldest_ts = newest[1 - window->count].open_ts;
  for (enum level_type type = 0; type < level_type_count; type++) {
    window->sources[type][slot_of(number)] = 0;
    window->channel_uses[type][slot_of(number)] = 0;
    /* Windows end one candle before the candle that uses them. */
    if (window->count > 1) channel_move(window, type, newest - 1, number - 1, window->count - 1);
    swing_move(window, type, newest, number);
  }
}

/* Was the kept window made of exactly the candles before the newest? They are contiguous, so the two ends tell; only a newest candle may be
 * corrected. */
static bool window_continues(const struct level_window *window, const struct candle *candles, int32_t count) {
  int32_t before = count - 1 < LEVEL_WINDOW ? count - 1 : LEVEL_WINDOW;
  if (window->count == 0 || window->count != before) return false;
  const struct candle *last = &candles[count - 2];
  return window->oldest_ts == candles[count - 1 - before].open_ts && window->newest.open_ts == last->open_ts && window->newest.high == last->high &&
         window->newest.low == last->low && window->newest.close == last->close && window->newest.volume == last->volume;
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
