#include "core/analysis/level.h"

#include <math.h>
#include <string.h>

#include "core/analysis/level_fold.h"

const char *const level_type_names[] = {"resistance", "support"};
const char *const level_state_names[] = {"formed", "tested", "broken", "retested", "failed", "expired"};
const char *const level_side_names[] = {"up", "down"};
const char *const level_trigger_names[] = {
#define LEVEL_TRIGGER(constant, name, text) name,
#include "core/analysis/level_fsm.def"
};

static const struct fsm_row moves[] = {
#define LEVEL_MOVE(from, trigger, to) {LEVEL_##from, LEVEL_ON_##trigger, LEVEL_##to},
#include "core/analysis/level_fsm.def"
};
const struct fsm level_fsm = {.name = "level",
                              .rows = moves,
                              .row_count = sizeof(moves) / sizeof(moves[0]),
                              .state_names = level_state_names,
                              .state_count = level_state_count,
                              .trigger_names = level_trigger_names,
                              .trigger_count = level_trigger_count};

#define FIELD_OWNER struct level
static const struct field level_fields[] = {
#include "base/fields_table.h"

#include "core/analysis/level_fields.def"

#include "base/fields_end.h"
};
#undef FIELD_OWNER
const struct schema level_schema = {
    .name = "level", .fields = level_fields, .field_count = sizeof(level_fields) / sizeof(level_fields[0]), .size = sizeof(struct level)};

void level_set_init(struct level_set *set) {
  memset(set, 0, sizeof(*set));
  set->folded_ts = INT64_MIN;
}

void level_record(struct level_fold *fold, const struct level *level, int32_t from, const char *reason) {
  struct level_events *events = fold->events;
  /* At most one transition a level and at most LEVEL_PER_TYPE_MAX new ones a type: always room. */
  events->items[events->count++] = (struct level_event){.level = *level, .from = from, .to = level->state, .ts = fold->close_ts, .reason = reason};
}

/* Mean volume of the window; which candles have the volume of a raw point: the value at position ceil(0.85 N) of the ascending order, or more. */
static void read_volumes(struct level_fold *fold) {
  const struct level_window *window = &fold->set->window;
  double threshold = window->volumes[(85 * fold->count + 99) / 100 - 1];
  double sum = 0;
  for (int32_t i = 0; i < fold->count; i++) {
    double volume = fold->window[i].volume;
    sum += volume;
    fold->volume_source[(window->oldest + (uint32_t)i) % LEVEL_SLOTS] = volume >= threshold ? LEVEL_SOURCE_VOLUME : 0;
  }
  fold->mean_volume = sum / fold->count;
}

/* What all prices share: how fast price came here, the extremes of the last 20 candles. */
static void read_approach(struct level_fold *fold) {
  double before = fold->newest[-10].close;
  double slope = fabs(100 * (fold->newest->close - before) / before) / 10;
  fold->is_slope_good = slope <= fold->preset->levels_rules.approach_slope_max_pct_per_bar;
  fold->lowest_low_20 = fold->newest->low;
  fold->highest_high_20 = fold->newest->high;
  for (int32_t back = 1; back < 20; back++) {
    fold->lowest_low_20 = level_min(fold->lowest_low_20, fold->newest[-back].low);
    fold->highest_high_20 = level_max(fold->highest_high_20, fold->newest[-back].high);
  }
}

void level_set_on_candle(struct level_set *set, const char *symbol, const struct candle *candles, int32_t count, double atr,
                         const struct preset *preset, int64_t *next_level_id, struct level_events *events) {
  events->count = 0;
  if (count < 1 || candles[count - 1].open_ts <= set->folded_ts) return;
  set->folded_ts = candles[count - 1].open_ts;
  if (count < LEVEL_MIN_CANDLES) return;
  level_window_update(&set->window, candles, count);
  struct level_fold fold; /* not zeroed: most of it is room for clusters */
  fold.set = set;
  fold.count = set->window.count;
  fold.window = candles + count - fold.count;
  fold.newest = &candles[count - 1];
  fold.close_ts = fold.newest->open_ts + LEVEL_CANDLE_MS;
  fold.atr = atr;
  fold.half_atr = 0.5 * fold.atr;
  fold.preset = preset;
  fold.symbol = symbol;
  fold.next_level_id = next_level_id;
  fold.events = events;
  read_volumes(&fold);
  read_approach(&fold);
  level_lifecycle(&fold);
  level_fill_prefix(&fold, &set->window.closes, fold.close_prefix);
  level_clusters_find(&fold, LEVEL_RESISTANCE);
  level_clusters_find(&fold, LEVEL_SUPPORT);
  level_select(&fold, LEVEL_RESISTANCE);
  level_select(&fold, LEVEL_SUPPORT);
}

const struct level *level_nearest(const struct level_set *set, double price, bool above) {
  const struct level *nearest = NULL;
  for (int32_t i = 0; i < set->active_count; i++) {
    const struct level *level = &set->active[i];
    if ((level->price >= price) != above) continue;
    if (nearest == NULL || (above ? level->price < nearest->price : level->price > nearest->price)) nearest = level;
  }
  return nearest;
}

const struct level *level_strongest_within(const struct level_set *set, double price, double distance) {
  const struct level *strongest = NULL;
  for (int32_t i = 0; i < set->active_count; i++) {
    const struct level *level = &set->active[i];
    if (fabs(level->price - price) <= distance && (strongest == NULL || level->strength > strongest->strength)) strongest = level;
  }
  return strongest;
}

static struct level *find_in(struct level *levels, int32_t count, int64_t level_id) {
  for (int32_t i = 0; i < count; i++) {
    if (levels[i].level_id == level_id) return &levels[i];
  }
  return NULL;
}

struct level *level_find(struct level_set *set, int64_t level_id) {
  struct level *level = find_in(set->active, set->active_count, level_id);
  return level != NULL ? level : find_in(set->ended, set->ended_count, level_id);
}

enum level_side level_signal_side(const struct level *level) {
  if (level->broken_side >= 0) return (enum level_side)level->broken_side;
  return level->level_type == LEVEL_RESISTANCE ? LEVEL_SIDE_UP : LEVEL_SIDE_DOWN;
}
