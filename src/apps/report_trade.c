#include "apps/report_trade.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/report_plot.h"
#include "base/calendar.h"
#include "base/check.h"

enum { CANDLES_MAX = 400, CANDLES_OF_TRADE = 70, CANDLES_BEFORE = 36, CANDLES_AFTER = 14 };

/* ---- levels ---- */

struct trade_level {
  int64_t level_id, ts;
  double price;
};

static const struct level_change *change_at(const struct run *run, int64_t i) {
  return (const struct level_change *)(const void *)(run->levels.data + (size_t)i * run->levels.item_size);
}

/* Most levels never made a trade: only the others are kept. */
void trade_levels_open(struct trade_levels *levels, const struct run *run) {
  int64_t largest = 0;
  for (int64_t i = 0; i < run->trades.count; i++) largest = run_trade(run, i)->level_id > largest ? run_trade(run, i)->level_id : largest;
  bool *is_used = calloc((size_t)largest + 1, sizeof *is_used);
  check(is_used != NULL);
  for (int64_t i = 0; i < run->trades.count; i++) is_used[run_trade(run, i)->level_id] = true;
  int64_t count = 0;
  for (int64_t i = 0; i < run->levels.count; i++) {
    int64_t id = change_at(run, i)->level[0].level_id;
    count += id <= largest && is_used[id] ? 1 : 0;
  }
  *levels = (struct trade_levels){.items = calloc((size_t)count + 1, sizeof *levels->items)};
  check(levels->items != NULL);
  for (int64_t i = 0; i < run->levels.count; i++) {
    const struct level_change *change = change_at(run, i);
    int64_t id = change->level[0].level_id;
    if (id <= largest && is_used[id]) levels->items[levels->count++] = (struct trade_level){id, change->ts, change->level[0].price};
  }
  free(is_used);
}

void trade_levels_close(struct trade_levels *levels) {
  free(levels->items);
  *levels = (struct trade_levels){0};
}

/* The price that the level had when the trade was opened; NaN without one. */
static double level_price(const struct trade_levels *levels, const struct trade *trade) {
  double price = NAN;
  for (int64_t i = 0; i < levels->count; i++) {
    const struct trade_level *item = &levels->items[i];
    if (item->level_id == trade->level_id && (isnan(price) || item->ts <= trade->opened_at)) price = item->price;
  }
  return price;
}

/* ---- candles ---- */

struct window {
  struct candle candles[CANDLES_MAX];
  int32_t count;
  int64_t length; /* ms of a candle */
};

/* Base candles joined so that the trade itself takes at most CANDLES_OF_TRADE of them. */
static void fill_window(struct window *window, const struct source *source, const struct trade *trade) {
  static const int joins[] = {1, 5, 15, 60, 240, 1440};
  int64_t base = source_interval_ms(source);
  int64_t hold = trade->closed_at - trade->opened_at;
  size_t step = 0;
  while (step + 1 < sizeof joins / sizeof joins[0] && hold / (base * joins[step]) > CANDLES_OF_TRADE) ++step;
  window->length = base * joins[step];
  window->count = 0;
  int symbol = source_find_symbol(source, trade->symbol);
  size_t count;
  const struct candle *candles = source_candles(source, symbol, &count);
  int64_t from = trade->opened_at - trade->opened_at % window->length - CANDLES_BEFORE * window->length;
  int64_t to = trade->closed_at + CANDLES_AFTER * window->length;
  for (size_t i = 0; i < count && candles[i].open_ts < to; i++) {
    const struct candle *candle = &candles[i];
    if (candle->open_ts < from) continue;
    int64_t open_ts = candle->open_ts - candle->open_ts % window->length;
    struct candle *last = window->count > 0 ? &window->candles[window->count - 1] : NULL;
    if (last == NULL || last->open_ts != open_ts) {
      if (window->count == CANDLES_MAX) return;
      window->candles[window->count] = *candle;
      window->candles[window->count++].open_ts = open_ts;
      continue;
    }
    last->high = fmax(last->high, candle->high);
    last->low = fmin(last->low, candle->low);
    last->close = candle->close;
  }
}

static void draw_candles(const struct plot *plot, const struct window *window, bool is_up) {
  double length = (double)window->length;
  plot_path_begin(plot, is_up ? "wick up" : "wick down");
  for (int32_t i = 0; i < window->count; i++) {
    const struct candle *candle = &window->candles[i];
    if ((candle->close >= candle->open) != is_up) continue;
    plot_move(plot, (double)candle->open_ts + length / 2, candle->high);
    plot_line(plot, (double)candle->open_ts + length / 2, candle->low);
  }
  plot_path_end(plot);
  plot_path_begin(plot, is_up ? "body up" : "body down");
  for (int32_t i = 0; i < window->count; i++) {
    const struct candle *candle = &window->candles[i];
    if ((candle->close >= candle->open) != is_up) continue;
    plot_box(plot, (double)candle->open_ts + 0.18 * length, (double)candle->open_ts + 0.82 * length, candle->open, candle->close);
  }
  plot_path_end(plot);
}

/* ---- what the trade did ---- */

static const struct fill *fill_at(const struct run *run, int64_t i) {
  return (const struct fill *)(const void *)(run->fills.data + (size_t)i * run->fills.item_size);
}

static const struct order *order_at(const struct run *run, int64_t i) {
  return (const struct order *)(const void *)(run->orders.data + (size_t)i * run->orders.item_size);
}

static const struct stop_move *move_at(const struct run *run, int64_t i) {
  return (const struct stop_move *)(const void *)(run->stop_moves.data + (size_t)i * run->stop_moves.item_size);
}

static bool is_target(const struct order *order, const struct trade *trade) {
  return order->position_id == trade->position_id && order->purpose == PURPOSE_TARGET && order->price != DECIMAL_NULL;
}

static void include(struct plot *plot, double y) {
  if (!isfinite(y)) return;
  plot->y_min = fmin(plot->y_min, y);
  plot->y_max = fmax(plot->y_max, y);
}

static void fit(struct plot *plot, const struct result *result, const struct window *window, const struct trade *trade, double level) {
  plot->y_min = INFINITY;
  plot->y_max = -INFINITY;
  for (int32_t i = 0; i < window->count; i++) {
    include(plot, window->candles[i].high);
    include(plot, window->candles[i].low);
  }
  include(plot, decimal_to_double(trade->entry));
  include(plot, decimal_to_double(trade->stop_initial));
  double range = plot->y_max - plot->y_min;
  if (fabs(level - decimal_to_double(trade->entry)) < range) include(plot, level);
  /* A target far away would press the candles flat: it is left outside. */
  for (int64_t i = 0; i < result->run->orders.count; i++) {
    const struct order *order = order_at(result->run, i);
    if (!is_target(order, trade)) continue;
    double price = decimal_to_double(order->price);
    if (price < plot->y_max + 0.5 * range && price > plot->y_min - 0.5 * range) include(plot, price);
  }
  plot_widen(plot, 0.05);
}

static void draw_stop(const struct plot *plot, const struct run *run, const struct trade *trade) {
  double stop = decimal_to_double(trade->stop_initial);
  plot_path_begin(plot, "stop");
  plot_move(plot, (double)trade->opened_at, stop);
  for (int64_t i = 0; i < run->stop_moves.count; i++) {
    const struct stop_move *move = move_at(run, i);
    if (move->position_id != trade->position_id) continue;
    plot_line(plot, (double)move->ts, stop);
    stop = decimal_to_double(move->new_stop);
    plot_line(plot, (double)move->ts, stop);
  }
  plot_line(plot, (double)trade->closed_at, stop);
  plot_path_end(plot);
}

static void draw_targets(const struct plot *plot, const struct run *run, const struct trade *trade) {
  plot_path_begin(plot, "target");
  for (int64_t i = 0; i < run->orders.count; i++) {
    const struct order *order = order_at(run, i);
    if (!is_target(order, trade)) continue;
    double price = decimal_to_double(order->price);
    if (price > plot->y_max || price < plot->y_min) continue;
    plot_move(plot, (double)order->created_at, price);
    plot_line(plot, (double)(order->ended_at != 0 ? order->ended_at : trade->closed_at), price);
  }
  plot_path_end(plot);
}

static void draw_fills(const struct plot *plot, const struct run *run, const struct trade *trade, bool is_entry) {
  enum order_side opening = order_side_opening(trade->side);
  plot_path_begin(plot, is_entry ? "dot entry" : "dot exit");
  for (int64_t i = 0; i < run->fills.count; i++) {
    const struct fill *fill = fill_at(run, i);
    if (fill->position_id != trade->position_id || (fill->side == (int32_t)opening) != is_entry) continue;
    plot_dot(plot, (double)fill->ts, decimal_to_double(fill->price));
  }
  plot_path_end(plot);
}

static void draw_line(const struct plot *plot, const char *name, double from, double to, double price) {
  plot_path_begin(plot, name);
  plot_move(plot, from, price);
  plot_line(plot, to, price);
  plot_path_end(plot);
}

static const char *price_format(double price) {
  if (price >= 1000) return "%.1f";
  if (price >= 10) return "%.3f";
  return price >= 0.1 ? "%.5f" : "%.7f";
}

void report_trade_chart(const struct result *result, const struct trade_levels *levels, const struct trade *trade, int height, struct buffer *out) {
  static struct window window;
  fill_window(&window, result->wiring->source, trade);
  if (window.count == 0) {
    buffer_add_text(out, "<p>The data hold no candles of this trade.</p>");
    return;
  }
  double level = level_price(levels, trade);
  struct plot plot = {.out = out,
                      .x_min = (double)window.candles[0].open_ts,
                      .x_max = (double)(window.candles[window.count - 1].open_ts + window.length),
                      .height = height};
  fit(&plot, result, &window, trade, level);
  plot_begin(&plot, "candles of the trade");
  plot_grid(&plot);
  draw_candles(&plot, &window, true);
  draw_candles(&plot, &window, false);
  if (isfinite(level) && level < plot.y_max && level > plot.y_min) draw_line(&plot, "level", plot.x_min, plot.x_max, level);
  draw_line(&plot, "entry", (double)trade->opened_at, (double)trade->closed_at, decimal_to_double(trade->entry));
  draw_targets(&plot, result->run, trade);
  draw_stop(&plot, result->run, trade);
  draw_fills(&plot, result->run, trade, true);
  draw_fills(&plot, result->run, trade, false);
  plot_end(&plot, price_format(plot.y_max), 1, true, "");
}
