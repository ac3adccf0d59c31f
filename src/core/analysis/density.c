#include "core/analysis/density.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"
#include "core/analysis/indicators.h"

const char *const wall_side_names[] = {"bid", "ask"};
const char *const wall_state_names[] = {"standing", "eaten", "removed"};

#define FIELD_OWNER struct wall
static const struct field wall_fields[] = {
#include "base/fields_table.h"

#include "core/analysis/wall_fields.def"

#include "base/fields_end.h"
};
#undef FIELD_OWNER
const struct schema wall_schema = {
    .name = "wall", .fields = wall_fields, .field_count = sizeof(wall_fields) / sizeof(wall_fields[0]), .size = sizeof(struct wall)};

/* 100 bps in buckets of at least 0.99 bp of mid, and one at each end. */
enum { BUCKETS_MAX = 128, SAMPLES_MIN = 30 };

struct bucket {
  int64_t index;
  double size_usd;
  bool is_taken; /* by a wall, in this sample */
};

/* One side of the book, nearest bucket first. */
struct side {
  struct bucket buckets[BUCKETS_MAX];
  int32_t count;
  bool is_cut;        /* the book holds no more levels than these */
  double worst_price; /* of the known levels */
};

struct sample {
  const char *symbol;
  const struct preset *preset;
  int64_t ts;
  bool has_tape;
  double mid;
  struct side sides[wall_side_count];
  struct wall_event *events;
  int32_t event_count;
};

void density_bind(struct density *density, struct arena *arena) {
  density->medians = arena_take(arena, DENSITY_SAMPLES_MAX * sizeof(density->medians[0]));
  density->median_ts = arena_take(arena, DENSITY_SAMPLES_MAX * sizeof(density->median_ts[0]));
}

void density_init(struct density *density) {
  density->base_mid = NAN;
  density->bucket_width = NAN;
  density->median_count = density->median_start = 0;
  density->threshold_usd = NAN;
  density->wall_count = 0;
}

static double centre_of(const struct density *density, int64_t bucket) {
  return ((double)bucket + 0.5) * density->bucket_width;
}

static bool is_in_range(const struct density *density, double mid, int64_t bucket) {
  return fabs(centre_of(density, bucket) - mid) <= 0.005 * mid;
}

/* Renews the grid when mid has left it by more than 1 %, or when its width was changed by a reload. */
static void keep_grid(struct density *density, double mid, int32_t bucket_ticks) {
  if (isnan(density->base_mid) || fabs(mid - density->base_mid) > 0.01 * density->base_mid) {
    density->base_mid = mid;
    density->bucket_width = NAN;
  }
  double width = density->base_mid * 0.0001 * bucket_ticks;
  if (width == density->bucket_width) return;
  density->bucket_width = width;
  density->wall_count = 0;
}

/* Levels come best first, so a bucket's levels are neighbours. */
static void read_side(const struct density *density, const struct book_level *levels, int32_t count, int32_t depth, double mid, struct side *side) {
  side->count = 0;
  side->is_cut = count == depth;
  side->worst_price = decimal_to_double(levels[count - 1].price);
  for (int32_t i = 0; i < count; i++) {
    double price = decimal_to_double(levels[i].price);
    int64_t index = (int64_t)floor(price / density->bucket_width);
    if (!is_in_range(density, mid, index)) break;
    if (side->count == 0 || side->buckets[side->count - 1].index != index) {
      check(side->count < BUCKETS_MAX);
      side->buckets[side->count++] = (struct bucket){.index = index};
    }
    side->buckets[side->count - 1].size_usd += price * decimal_to_double(levels[i].qty);
  }
}

static void add_median(struct density *density, const struct sample *sample) {
  double sizes[wall_side_count * BUCKETS_MAX];
  int32_t count = 0;
  for (int32_t s = 0; s < wall_side_count; s++) {
    for (int32_t i = 0; i < sample->sides[s].count; i++) sizes[count++] = sample->sides[s].buckets[i].size_usd;
  }
  if (count == 0) return;
  if (density->median_count == DENSITY_SAMPLES_MAX) {
    density->median_start = (density->median_start + 1) % DENSITY_SAMPLES_MAX;
    density->median_count--;
  }
  int32_t place = (density->median_start + density->median_count++) % DENSITY_SAMPLES_MAX;
  density->medians[place] = indicator_median(sizes, count);
  density->median_ts[place] = sample->ts;
}

/* Median of the samples with a time in (ts - lookback, ts]; older ones are forgotten. NaN with fewer than 30. */
static double median_of_medians(struct density *density, int32_t lookback_s, int64_t ts) {
  while (density->median_count > 0 && density->median_ts[density->median_start] <= ts - lookback_s * INT64_C(1000)) {
    density->median_start = (density->median_start + 1) % DENSITY_SAMPLES_MAX;
    density->median_count--;
  }
  if (density->median_count < SAMPLES_MIN) return NAN;
  double values[DENSITY_SAMPLES_MAX];
  for (int32_t i = 0; i < density->median_count; i++) values[i] = density->medians[(density->median_start + i) % DENSITY_SAMPLES_MAX];
  return indicator_median(values, density->median_count);
}

static void emit(struct sample *sample, const struct wall *wall, bool is_new) {
  check(sample->event_count < DENSITY_EVENTS_MAX);
  sample->events[sample->event_count++] = (struct wall_event){.wall = *wall, .is_new = is_new};
}

static bool is_same_wall(const struct density *density, const struct wall *wall, int64_t bucket) {
  return fabs(centre_of(density, bucket) - wall->price) <= 0.001 * wall->price;
}

static void set_place(const struct density *density, struct wall *wall, int64_t bucket) {
  wall->bucket = bucket;
  wall->price = centre_of(density, bucket);
  wall->price_low = (double)bucket * density->bucket_width;
  wall->price_high = (double)(bucket + 1) * density->bucket_width;
}

static void set_size(const struct density *density, struct wall *wall, double size) {
  wall->size_usd = size;
  wall->strength = size / density->threshold_usd;
  if (size > wall->initial_size_usd) wall->initial_size_usd = size;
  double eaten = 1 - size / wall->initial_size_usd;
  wall->eaten_ratio = eaten > 0 ? eaten : 0;
}

static struct bucket *bucket_of(struct side *side, int64_t index) {
  for (int32_t i = 0; i < side->count; i++) {
    if (side->buckets[i].index == index) return &side->buckets[i];
  }
  return NULL;
}

/* The nearest free large bucket that is the same wall, the nearer to mid on a tie; NULL when none. */
static struct bucket *bucket_to_move_to(const struct density *density, const struct wall *wall, struct side *side) {
  struct bucket *nearest = NULL;
  double distance = 0;
  for (int32_t i = 0; i < side->count; i++) {
    struct bucket *bucket = &side->buckets[i];
    if (bucket->is_taken || bucket->size_usd < density->threshold_usd || !is_same_wall(density, wall, bucket->index)) continue;
    double other = fabs(centre_of(density, bucket->index) - wall->price);
    if (nearest != NULL && other >= distance) continue;
    nearest = bucket;
    distance = other;
  }
  return nearest;
}

/* Walls whose bucket still is a wall take it before others may move into it. */
static void take_own_buckets(struct density *density, struct sample *sample) {
  for (int32_t i = 0; i < density->wall_count; i++) {
    struct bucket *own = bucket_of(&sample->sides[density->walls[i].side], density->walls[i].bucket);
    if (own != NULL && own->size_usd >= density->threshold_usd) own->is_taken = true;
  }
}

static void resize_wall(const struct density *density, struct sample *sample, struct wall *wall) {
  struct side *side = &sample->sides[wall->side];
  struct bucket *own = bucket_of(side, wall->bucket);
  if (own == NULL || own->size_usd < density->threshold_usd) {
    struct bucket *next = bucket_to_move_to(density, wall, side);
    if (next != NULL) {
      next->is_taken = true;
      set_place(density, wall, next->index);
      own = next;
    }
  }
  set_size(density, wall, own != NULL ? own->size_usd : 0);
}

static enum wall_state judge(const struct sample *sample, const struct wall *wall) {
  if (wall->eaten_ratio >= sample->preset->signal_config.enter_on_density_eat_ratio) {
    bool is_traded = sample->has_tape && wall->traded_usd >= 0.5 * (wall->initial_size_usd - wall->size_usd);
    return is_traded ? WALL_EATEN : WALL_REMOVED;
  }
  return wall->strength < 0.25 ? WALL_REMOVED : WALL_STANDING;
}

/* Does the sample tell what is in the wall's bucket? */
static bool is_seen(const struct density *density, const struct sample *sample, const struct wall *wall) {
  if (!is_in_range(density, sample->mid, wall->bucket)) return false;
  const struct side *side = &sample->sides[wall->side];
  if (!side->is_cut) return true;
  return wall->side == WALL_BID ? wall->price_low >= side->worst_price : wall->price_high <= side->worst_price;
}

static void judge_walls(struct density *density, struct sample *sample) {
  int32_t kept = 0;
  take_own_buckets(density, sample);
  for (int32_t i = 0; i < density->wall_count; i++) {
    struct wall wall = density->walls[i];
    if (!is_seen(density, sample, &wall)) continue;
    resize_wall(density, sample, &wall);
    wall.state = (int32_t)judge(sample, &wall);
    if (wall.state == WALL_STANDING) {
      density->walls[kept++] = wall;
    } else {
      emit(sample, &wall, false);
    }
  }
  density->wall_count = kept;
}

static bool is_known(const struct density *density, enum wall_side side, int64_t bucket) {
  for (int32_t i = 0; i < density->wall_count; i++) {
    if (density->walls[i].side == (int32_t)side && is_same_wall(density, &density->walls[i], bucket)) return true;
  }
  return false;
}

/* Largest first, so that of neighbours the largest names the wall. */
static void find_new_walls(struct density *density, struct sample *sample, enum wall_side side) {
  for (;;) {
    const struct bucket *largest = NULL;
    for (int32_t i = 0; i < sample->sides[side].count; i++) {
      const struct bucket *bucket = &sample->sides[side].buckets[i];
      if (bucket->size_usd < density->threshold_usd || is_known(density, side, bucket->index)) continue;
      if (largest == NULL || bucket->size_usd > largest->size_usd) largest = bucket;
    }
    if (largest == NULL || density->wall_count == DENSITY_WALLS_MAX || sample->event_count == DENSITY_EVENTS_MAX) return;
    struct wall *wall = &density->walls[density->wall_count++];
    memset(wall, 0, sizeof(*wall));
    text_copy(wall->symbol, sizeof(wall->symbol), sample->symbol);
    wall->side = (int32_t)side;
    wall->state = WALL_STANDING;
    wall->detected_at = sample->ts;
    set_place(density, wall, largest->index);
    set_size(density, wall, largest->size_usd);
    emit(sample, wall, true);
  }
}

int32_t density_sample(struct density *density, const char *symbol, const struct order_book *book, const struct preset *preset, bool has_tape,
                       int64_t ts, struct wall_event *events) {
  if (!book->is_valid || book->bid_count == 0 || book->ask_count == 0 || book->bids[0].price >= book->asks[0].price) return 0;
  struct sample sample = {.symbol = symbol, .preset = preset, .ts = ts, .has_tape = has_tape, .events = events};
  sample.mid = (decimal_to_double(book->bids[0].price) + decimal_to_double(book->asks[0].price)) / 2;
  keep_grid(density, sample.mid, preset->density_config.bucket_ticks);
  read_side(density, book->bids, book->bid_count, book->depth, sample.mid, &sample.sides[WALL_BID]);
  read_side(density, book->asks, book->ask_count, book->depth, sample.mid, &sample.sides[WALL_ASK]);
  add_median(density, &sample);
  density->threshold_usd = preset->density_config.k_density * median_of_medians(density, preset->density_config.lookback_window_s, ts);
  if (isnan(density->threshold_usd)) return 0;
  judge_walls(density, &sample);
  find_new_walls(density, &sample, WALL_BID);
  find_new_walls(density, &sample, WALL_ASK);
  return sample.event_count;
}

void density_on_trades(struct density *density, const struct public_trade *trades, int32_t count) {
  if (density->wall_count == 0) return;
  for (int32_t i = 0; i < count; i++) {
    double price = decimal_to_double(trades[i].price);
    int32_t side = trades[i].is_buy ? WALL_ASK : WALL_BID; /* buyers consume asks */
    int64_t bucket = (int64_t)floor(price / density->bucket_width);
    for (int32_t k = 0; k < density->wall_count; k++) {
      struct wall *wall = &density->walls[k];
      if (wall->side == side && wall->bucket == bucket) wall->traded_usd += price * decimal_to_double(trades[i].qty);
    }
  }
}
