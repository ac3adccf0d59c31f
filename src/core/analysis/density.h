/* Walls of the order book (strategy 6). Sampled once a second per symbol with a book.
 *
 * Where the rules leave a choice, this is the reading:
 * - A bucket belongs to the range when its centre lies within mid +- 50 bps; all its levels count then. The median is over both sides together.
 * - A wall keeps its own bucket while that is large enough; else it goes on in the nearest large bucket within 0.1 %. A large bucket within 0.1 % of
 * a wall of its side is that wall and no new one.
 * - A wall whose bucket left the range, or lies where a cut book no longer tells, is dropped without an event, as when the grid is renewed.
 * - What is detected in a sample is judged from the next sample on. Eaten and removed walls leave the list with their event. */
#ifndef CORE_ANALYSIS_DENSITY_H
#define CORE_ANALYSIS_DENSITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/schema.h"
#include "core/market/instrument.h"
#include "core/market/order_book.h"
#include "core/market/trade_flow.h"
#include "core/strategy/preset.h"

enum wall_side { WALL_BID, WALL_ASK, wall_side_count };
enum wall_state { WALL_STANDING, WALL_EATEN, WALL_REMOVED, wall_state_count };
extern const char *const wall_side_names[];
extern const char *const wall_state_names[];

struct wall {
#include "base/fields_struct.h"

#include "core/analysis/wall_fields.def"

#include "base/fields_end.h"
  double traded_usd; /* consumed by the tape inside the bucket since detection */
  int64_t bucket;    /* index in the grid */
};
extern const struct schema wall_schema;

enum { DENSITY_WALLS_MAX = 32, DENSITY_SAMPLES_MAX = 3600, DENSITY_EVENTS_MAX = 32 };

struct wall_event {
  struct wall wall;
  bool is_new;
};

struct density {
  double base_mid;     /* bucket grid origin; NaN before the first sample */
  double bucket_width; /* quote; NaN before the first sample */
  double *medians;     /* ring of per-sample medians, DENSITY_SAMPLES_MAX; not owned */
  int64_t *median_ts;
  int32_t median_count, median_start;
  double threshold_usd; /* k_density * M of the newest sample, NaN null */
  struct wall walls[DENSITY_WALLS_MAX];
  int32_t wall_count;
};

void density_bind(struct density *density, struct arena *arena);
void density_init(struct density *density);
/* One sample at ts. Events are written to events (at most DENSITY_EVENTS_MAX); returns their number. has_tape: capability trades. */
int32_t density_sample(struct density *density, const char *symbol, const struct order_book *book, const struct preset *preset, bool has_tape,
                       int64_t ts, struct wall_event *events);
/* Adds the consuming prints to the walls they hit. */
void density_on_trades(struct density *density, const struct public_trade *trades, int32_t count);

#endif
