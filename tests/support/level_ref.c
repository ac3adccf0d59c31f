#include "support/level_ref.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/maths.h"

enum { WINDOW = 150, POINTS_MAX = 2000, FIVE_MINUTES = 300000, HOUR = 3600000 };

struct point {
  double price;
  int64_t ts;
  int source; /* in the order donchian, swing, volume */
  int candle;
};

struct cluster {
  double price;
  int sources;
  int touches[WINDOW];
  int touch_count;
  int level; /* matched, -1 none */
};

/* Everything about candle t. */
struct moment {
  const struct candle *candles;
  int t, first; /* newest and oldest candle of the window */
  double atr;
  const struct preset *preset;
  struct cluster clusters[level_type_count][WINDOW];
  int cluster_count[level_type_count];
};

void level_ref_init(struct level_ref *ref) {
  memset(ref, 0, sizeof(*ref));
}

void level_ref_deinit(struct level_ref *ref) {
  free(ref->items);
}

static double smaller(double a, double b) {
  return b < a ? b : a;
}

static double larger(double a, double b) {
  return b > a ? b : a;
}

static double true_range(const struct candle *candles, int i) {
  double range = candles[i].high - candles[i].low;
  if (i == 0) return range;
  return larger(larger(range, fabs(candles[i].high - candles[i - 1].close)), fabs(candles[i].low - candles[i - 1].close));
}

double level_ref_atr(const struct candle *candles, int t) {
  int start = t + 1 - 140;
  if (start < 0) start = 0;
  double atr = 0;
  for (int i = start; i < start + 14; i++) atr += true_range(candles, i);
  atr /= 14;
  for (int i = start + 14; i <= t; i++) atr = (atr * 13 + true_range(candles, i)) / 14;
  return atr;
}

/* --- 4.1 ---------------------------------------------------------------------------------------------------------- */

static double side_of(int type, const struct candle *candle) {
  return type == LEVEL_RESISTANCE ? candle->high : candle->low;
}

static void add_point(const struct moment *m, int type, int source, int candle, struct point *points, int *count) {
  for (int i = 0; i < *count; i++) {
    if (points[i].source == source && points[i].candle == candle) return;
  }
  points[(*count)++] = (struct point){side_of(type, &m->candles[candle]), m->candles[candle].open_ts, source, candle};
}

static void add_donchian(const struct moment *m, int type, struct point *points, int *count) {
  static const int lengths[] = {10, 15, 20, 30};
  for (int u = m->t - 9; u <= m->t; u++) {
    for (int k = 0; k < 4; k++) {
      int extreme = u - 1;
      for (int i = u - 2; i >= u - lengths[k]; i--) {
        if (type == LEVEL_RESISTANCE && m->candles[i].high > m->candles[extreme].high) extreme = i;
        if (type == LEVEL_SUPPORT && m->candles[i].low < m->candles[extreme].low) extreme = i;
      }
      add_point(m, type, LEVEL_SOURCE_DONCHIAN, extreme, points, count);
    }
  }
}

static void add_swings(const struct moment *m, int type, struct point *points, int *count) {
  for (int i = m->first + 2; i <= m->t - 2; i++) {
    int is_swing = 1;
    for (int j = i - 2; j <= i + 2; j++) {
      if (j == i) continue;
      if (type == LEVEL_RESISTANCE && m->candles[j].high >= m->candles[i].high) is_swing = 0;
      if (type == LEVEL_SUPPORT && m->candles[j].low <= m->candles[i].low) is_swing = 0;
    }
    if (is_swing) add_point(m, type, LEVEL_SOURCE_SWING, i, points, count);
  }
}

static int compare_doubles(const void *a, const void *b) {
  const double *x = a;
  const double *y = b;
  return (*x > *y) - (*x < *y);
}

static void add_volumes(const struct moment *m, int type, struct point *points, int *count) {
  double volumes[WINDOW];
  int n = 0;
  for (int i = m->first; i <= m->t; i++) volumes[n++] = m->candles[i].volume;
  qsort(volumes, (size_t)n, sizeof(volumes[0]), compare_doubles);
  int position = 0; /* smallest whole number not below 0.85 n */
  while (position * 100 < 85 * n) position++;
  for (int i = m->first; i <= m->t; i++) {
    if (m->candles[i].volume >= volumes[position - 1]) add_point(m, type, LEVEL_SOURCE_VOLUME, i, points, count);
  }
}

static int compare_points(const void *a, const void *b) {
  const struct point *x = a;
  const struct point *y = b;
  if (x->price != y->price) return x->price < y->price ? -1 : 1;
  if (x->ts != y->ts) return x->ts < y->ts ? -1 : 1;
  return x->source - y->source;
}

/* --- 4.2 merge, touch, valid --------------------------------------------------------------------------------------- */

static int is_touching(const struct moment *m, int type, int candle, double price) {
  return fabs(side_of(type, &m->candles[candle]) - price) <= 0.5 * m->atr;
}

static void find_touches(const struct moment *m, int type, struct cluster *cluster) {
  cluster->touch_count = 0;
  for (int i = m->first; i <= m->t; i++) {
    if (!is_touching(m, type, i, cluster->price)) continue;
    if (cluster->touch_count > 0 && i - cluster->touches[cluster->touch_count - 1] <= 3) continue;
    cluster->touches[cluster->touch_count++] = i;
  }
}

static int64_t close_time(const struct moment *m, int candle) {
  return m->candles[candle].open_ts + FIVE_MINUTES;
}

static void find_clusters(struct moment *m, int type) {
  static struct point points[POINTS_MAX];
  int count = 0;
  add_donchian(m, type, points, &count);
  add_swings(m, type, points, &count);
  add_volumes(m, type, points, &count);
  qsort(points, (size_t)count, sizeof(points[0]), compare_points);
  m->cluster_count[type] = 0;
  int i = 0;
  while (i < count) {
    int end = i;
    double sum = 0;
    struct cluster cluster = {.level = -1};
    while (end < count && points[end].price - points[i].price <= 0.5 * m->atr) {
      sum += points[end].price;
      cluster.sources |= points[end].source;
      end++;
    }
    cluster.price = floor(sum / (end - i) * 1e8 + 0.5) / 1e8;
    i = end;
    find_touches(m, type, &cluster);
    if (cluster.touch_count < m->preset->levels_rules.min_touches || cluster.touch_count == 0) continue;
    if (close_time(m, m->t) - close_time(m, cluster.touches[cluster.touch_count - 1]) > (int64_t)72 * HOUR) continue;
    m->clusters[type][m->cluster_count[type]++] = cluster;
  }
}

/* --- 4.3 ------------------------------------------------------------------------------------------------------------ */

static double round_bonus(const struct preset *preset, double price) {
  double best = 0;
  if (!preset->levels_rules.prefer_round_numbers) return 0;
  for (int i = 0; i < preset->levels_rules.round_step_candidates_count; i++) {
    double s = preset->levels_rules.round_step_candidates[i];
    double nearest = s * floor(price / s + 0.5);
    if (fabs(price - nearest) <= smaller(0.0005 * price, 0.1 * s) && s > best) best = s;
  }
  return best == 0 ? 0 : smaller(0.3, 0.1 + 0.05 * maths_log10(best + 1));
}

static int approach_is_good(const struct moment *m, double price) {
  const struct candle *c = m->candles;
  int t = m->t;
  if (fabs(100 * (c[t].close - c[t - 10].close) / c[t - 10].close) / 10 > m->preset->levels_rules.approach_slope_max_pct_per_bar) return 0;
  for (int k = 0; k < m->preset->levels_rules.prebreakout_consolidation_min_bars; k++) {
    if (fabs(c[t - k].close - price) > larger(0.005 * price, m->atr)) return 0;
  }
  return 1;
}

/* Valid clusters of either type within the radius, the level itself included; own_type and own name its cluster (-1 none). */
static int cascade_of(const struct moment *m, double price, int own_type, int own) {
  double radius = price * m->preset->levels_rules.cascade_radius_bps * 1e-4;
  int n = 1;
  for (int type = 0; type < level_type_count; type++) {
    for (int i = 0; i < m->cluster_count[type]; i++) {
      if (type == own_type && i == own) continue;
      if (fabs(m->clusters[type][i].price - price) <= radius) n++;
    }
  }
  return n;
}

/* Fills in what depends on the price: strength, bonuses, base height. touches: candles of all counted touches. */
static void rate(const struct moment *m, struct level *level, const int *touches, int touch_count, int own) {
  const struct candle *c = m->candles;
  int type = level->level_type;
  double price = level->price;
  double window_sum = 0;
  double touching_sum = 0;
  int touching = 0;
  int from = -1;
  for (int i = m->first; i <= m->t; i++) {
    window_sum += c[i].volume;
    if (!is_touching(m, type, i, price)) continue;
    if (from < 0) from = i;
    touching_sum += c[i].volume;
    touching++;
  }
  double mean_volume = window_sum / (m->t - m->first + 1);
  double touch_volume = 0;
  if (touching > 0) {
    touch_volume = touching_sum / touching;
  } else {
    for (int i = 0; i < touch_count; i++) touch_volume += c[touches[i]].volume;
    touch_volume /= touch_count;
    from = m->first;
  }
  int beyond = 0;
  for (int i = from; i <= m->t; i++) {
    if (type == LEVEL_RESISTANCE && c[i].close > price * 1.002) beyond++;
    if (type == LEVEL_SUPPORT && c[i].close < price * 0.998) beyond++;
  }
  double pierce = smaller(1, 5 * ((double)beyond / (m->t - from + 1)));
  double span_hours = (double)(close_time(m, touches[touch_count - 1]) - close_time(m, touches[0])) / HOUR;
  double volume_term = mean_volume > 0 ? smaller(1, touch_volume / mean_volume) : 0;
  double strength = 0.4 * smaller(1, touch_count / 5.0) + 0.2 * smaller(1, span_hours / 72) + 0.2 * volume_term + 0.2 * (1 - pierce);

  level->round_bonus = round_bonus(m->preset, price);
  level->is_round_number = level->round_bonus != 0;
  level->cascade_count = cascade_of(m, price, type, own);
  level->has_cascade = level->cascade_count >= m->preset->levels_rules.cascade_min_levels;
  level->approach_ok = approach_is_good(m, price);
  strength = strength + level->round_bonus;
  if (level->has_cascade) strength = strength + smaller(0.2, 0.05 * level->cascade_count);
  strength = level->approach_ok ? strength + 0.1 : strength - 0.1;
  level->strength = smaller(1, larger(0, strength));

  double low = c[m->t].low;
  double high = c[m->t].high;
  for (int i = m->t - 19; i <= m->t; i++) {
    low = smaller(low, c[i].low);
    high = larger(high, c[i].high);
  }
  double height = type == LEVEL_RESISTANCE ? price - low : high - price;
  level->base_height = height <= 0 ? NAN : height;
}

/* --- 4.5 ------------------------------------------------------------------------------------------------------------ */

static void record(const struct moment *m, const struct level *level, int from, const char *reason, struct level_events *events) {
  events->items[events->count++] = (struct level_event){*level, from, level->state, close_time(m, m->t), reason};
}

/* Resistance read as it stands; support mirrored. */
static int returns_to(const struct moment *m, const struct level_ref_item *item) {
  const struct candle *c = &m->candles[m->t];
  double price = item->shown.price;
  for (int i = item->broken + 1; i < m->t; i++) {
    if (item->shown.level_type == LEVEL_RESISTANCE && m->candles[i].high >= price + 1.5 * m->atr) {
      return c->low <= price + 0.5 * m->atr && c->close >= price;
    }
    if (item->shown.level_type == LEVEL_SUPPORT && m->candles[i].low <= price - 1.5 * m->atr) {
      return c->high >= price - 0.5 * m->atr && c->close <= price;
    }
  }
  return 0;
}

static void move(const struct moment *m, struct level_ref_item *item, int to, const char *reason, struct level_events *events) {
  int from = item->shown.state;
  int64_t now = close_time(m, m->t);
  item->shown.state = to;
  if (to == LEVEL_BROKEN) {
    item->broken = m->t;
    item->shown.broken_at = now;
    item->shown.broken_side = item->shown.level_type == LEVEL_RESISTANCE ? LEVEL_SIDE_UP : LEVEL_SIDE_DOWN;
  }
  if (to == LEVEL_TESTED) {
    item->touches[item->touch_count++] = m->t;
    item->shown.touch_count = item->touch_count;
    item->shown.last_touch_at = now;
  }
  if (to == LEVEL_RETESTED) {
    item->returned = m->t;
    item->shown.retest_count++;
  }
  if (to == LEVEL_FAILED) {
    item->failed = m->t;
    item->shown.failed_at = now;
  }
  if (to == LEVEL_EXPIRED) item->shown.expired_at = now;
  record(m, &item->shown, from, reason, events);
}

static void live(const struct moment *m, struct level_ref_item *item, struct level_events *events) {
  const struct level *level = &item->shown;
  const struct candle *c = &m->candles[m->t];
  double epsilon = m->preset->signal_config.momentum_epsilon;
  int is_resistance = level->level_type == LEVEL_RESISTANCE;
  int is_above = c->close > level->price * (1 + epsilon);
  int is_below = c->close < level->price * (1 - epsilon);
  int64_t now = close_time(m, m->t);
  if (level->state == LEVEL_FORMED || level->state == LEVEL_TESTED) {
    int last = item->touches[item->touch_count - 1];
    if (is_resistance ? is_above : is_below) {
      move(m, item, LEVEL_BROKEN, "closed_beyond", events);
    } else if (is_touching(m, level->level_type, m->t, level->price) && m->t - last > 3) {
      move(m, item, LEVEL_TESTED, "touched", events);
    } else if (now - close_time(m, last) > (int64_t)72 * HOUR) {
      move(m, item, LEVEL_EXPIRED, "level_old", events);
    } else if (item->drops >= 3) {
      move(m, item, LEVEL_EXPIRED, "superseded", events);
    }
  } else if (level->state == LEVEL_BROKEN || level->state == LEVEL_RETESTED) {
    if (is_resistance ? is_below : is_above) {
      move(m, item, LEVEL_FAILED, "closed_back", events);
    } else if (returns_to(m, item) && (level->state == LEVEL_BROKEN || m->t - item->returned >= 3)) {
      move(m, item, LEVEL_RETESTED, "returned", events);
    } else if (now - level->broken_at > (int64_t)24 * HOUR) {
      move(m, item, LEVEL_EXPIRED, "retest_window_over", events);
    }
  }
}

/* --- 4.2 match, block, open, separation, limit ----------------------------------------------------------------------- */

struct pair {
  int level, cluster;
  double distance, level_price, cluster_price;
  int64_t formed_at;
};

static int compare_pairs(const void *a, const void *b) {
  const struct pair *x = a;
  const struct pair *y = b;
  if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
  if (x->formed_at != y->formed_at) return x->formed_at < y->formed_at ? -1 : 1;
  if (x->level_price != y->level_price) return x->level_price < y->level_price ? -1 : 1;
  if (x->level != y->level) return x->level < y->level ? -1 : 1;
  return x->cluster_price < y->cluster_price ? -1 : 1;
}

static int is_standing(const struct level_ref_item *item, int type) {
  return item->shown.level_type == type && (item->shown.state == LEVEL_FORMED || item->shown.state == LEVEL_TESTED);
}

static void match(struct level_ref *ref, struct moment *m, int type, int *cluster_of_level) {
  static struct pair pairs[200 * WINDOW];
  int count = 0;
  for (int i = 0; i < ref->count; i++) {
    if (!is_standing(&ref->items[i], type)) continue;
    const struct level *level = &ref->items[i].shown;
    for (int k = 0; k < m->cluster_count[type]; k++) {
      double distance = fabs(m->clusters[type][k].price - level->price);
      if (distance <= 0.5 * m->atr) pairs[count++] = (struct pair){i, k, distance, level->price, m->clusters[type][k].price, level->formed_at};
    }
  }
  qsort(pairs, (size_t)count, sizeof(pairs[0]), compare_pairs);
  for (int i = 0; i < count; i++) {
    if (m->clusters[type][pairs[i].cluster].level >= 0 || cluster_of_level[pairs[i].level] >= 0) continue;
    m->clusters[type][pairs[i].cluster].level = pairs[i].level;
    cluster_of_level[pairs[i].level] = pairs[i].cluster;
  }
}

static int may_open(const struct level_ref *ref, const struct moment *m, int type, double price) {
  double epsilon = m->preset->signal_config.momentum_epsilon;
  double close = m->candles[m->t].close;
  if (type == LEVEL_RESISTANCE && !(close <= price * (1 + epsilon))) return 0;
  if (type == LEVEL_SUPPORT && !(close >= price * (1 - epsilon))) return 0;
  for (int i = 0; i < ref->count; i++) {
    const struct level_ref_item *item = &ref->items[i];
    if (item->shown.level_type != type || fabs(item->shown.price - price) > 0.5 * m->atr) continue;
    if (item->shown.state == LEVEL_BROKEN || item->shown.state == LEVEL_RETESTED) return 0;
    if (item->shown.state == LEVEL_FAILED && item->failed > m->t - 12) return 0;
  }
  return 1;
}

/* A level or a new cluster; formed_at is the far future for a cluster. */
struct rival {
  int level, cluster;
  int64_t formed_at;
  struct level rated;
  int is_dropped;
};

static int compare_rivals(const void *a, const void *b) {
  const struct rival *x = a;
  const struct rival *y = b;
  if (x->rated.strength != y->rated.strength) return x->rated.strength > y->rated.strength ? -1 : 1;
  if (x->formed_at != y->formed_at) return x->formed_at < y->formed_at ? -1 : 1;
  if (x->rated.price != y->rated.price) return x->rated.price < y->rated.price ? -1 : 1;
  return x->level - y->level;
}

static int active_count(const struct level_ref *ref) {
  int n = 0;
  for (int i = 0; i < ref->count; i++) n += ref->items[i].shown.state < LEVEL_FAILED;
  return n;
}

static int form(struct level_ref *ref, const struct moment *m, const struct rival *rival, struct level_events *events) {
  if (active_count(ref) == LEVEL_ACTIVE_MAX) return 0;
  if (ref->count == ref->room) {
    ref->room = ref->room == 0 ? 256 : 2 * ref->room;
    ref->items = realloc(ref->items, (size_t)ref->room * sizeof(ref->items[0]));
    if (ref->items == NULL) abort();
  }
  const struct cluster *cluster = &m->clusters[rival->rated.level_type][rival->cluster];
  struct level_ref_item *item = &ref->items[ref->count];
  memset(item, 0, sizeof(*item));
  item->shown = rival->rated;
  item->shown.level_id = ++ref->count;
  item->shown.state = LEVEL_FORMED;
  item->shown.formed_at = close_time(m, m->t);
  memcpy(item->touches, cluster->touches, sizeof(cluster->touches));
  item->touch_count = cluster->touch_count;
  item->broken = item->failed = item->returned = -1;
  record(m, &item->shown, -1, "level_formed", events);
  return 1;
}

static struct rival rival_of_cluster(const struct moment *m, int type, int index) {
  const struct cluster *cluster = &m->clusters[type][index];
  struct rival rival = {.level = -1, .cluster = index, .formed_at = INT64_MAX};
  snprintf(rival.rated.symbol, sizeof(rival.rated.symbol), "%s", "REF");
  rival.rated.level_type = type;
  rival.rated.price = cluster->price;
  rival.rated.touch_count = cluster->touch_count;
  rival.rated.sources = cluster->sources;
  rival.rated.first_touch_at = close_time(m, cluster->touches[0]);
  rival.rated.last_touch_at = close_time(m, cluster->touches[cluster->touch_count - 1]);
  rival.rated.broken_side = -1;
  rate(m, &rival.rated, cluster->touches, cluster->touch_count, index);
  return rival;
}

static void separate_and_limit(const struct moment *m, struct rival *rivals, int count) {
  qsort(rivals, (size_t)count, sizeof(rivals[0]), compare_rivals);
  for (int i = 0; i < count; i++) {
    for (int k = 0; k < i; k++) {
      if (!rivals[k].is_dropped && fabs(rivals[i].rated.price - rivals[k].rated.price) < 2 * m->atr) rivals[i].is_dropped = 1;
    }
  }
  int kept = 0;
  for (int i = 0; i < count; i++) {
    if (rivals[i].is_dropped) continue;
    if (++kept > 5) rivals[i].is_dropped = 1;
  }
}

static void select_levels(struct level_ref *ref, struct moment *m, int type, struct level_events *events) {
  static struct rival rivals[400];
  int *cluster_of_level = malloc(((size_t)ref->count + 1) * sizeof(int));
  if (cluster_of_level == NULL) abort();
  for (int i = 0; i < ref->count; i++) cluster_of_level[i] = -1;
  match(ref, m, type, cluster_of_level);
  int count = 0;
  for (int i = 0; i < ref->count; i++) {
    struct level_ref_item *item = &ref->items[i];
    if (!is_standing(item, type)) continue;
    int own = cluster_of_level[i];
    if (own >= 0 && item->shown.state == LEVEL_FORMED) item->shown.price = m->clusters[type][own].price;
    rate(m, &item->shown, item->touches, item->touch_count, own);
    rivals[count++] = (struct rival){.level = i, .cluster = own, .formed_at = item->shown.formed_at, .rated = item->shown};
  }
  free(cluster_of_level);
  for (int k = 0; k < m->cluster_count[type]; k++) {
    const struct cluster *cluster = &m->clusters[type][k];
    if (cluster->level < 0 && may_open(ref, m, type, cluster->price)) rivals[count++] = rival_of_cluster(m, type, k);
  }
  separate_and_limit(m, rivals, count);
  for (int i = 0; i < count; i++) {
    if (rivals[i].level < 0) continue;
    struct level_ref_item *item = &ref->items[rivals[i].level];
    item->drops = rivals[i].is_dropped ? item->drops + 1 : 0;
  }
  /* New levels by price: clusters are in that order. */
  for (int k = 0; k < m->cluster_count[type]; k++) {
    for (int i = 0; i < count; i++) {
      if (rivals[i].level < 0 && rivals[i].cluster == k && !rivals[i].is_dropped) form(ref, m, &rivals[i], events);
    }
  }
}

void level_ref_on_candle(struct level_ref *ref, const struct candle *candles, int t, const struct preset *preset, struct level_events *events) {
  static struct moment m;
  events->count = 0;
  if (t + 1 < 50) return;
  m.candles = candles;
  m.t = t;
  m.first = t - 149 < 0 ? 0 : t - 149;
  m.atr = level_ref_atr(candles, t);
  m.preset = preset;
  for (int i = 0; i < ref->count; i++) live(&m, &ref->items[i], events);
  for (int type = 0; type < level_type_count; type++) find_clusters(&m, type);
  for (int type = 0; type < level_type_count; type++) select_levels(ref, &m, type, events);
}
