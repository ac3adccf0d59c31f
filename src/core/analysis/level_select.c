/* Which clusters become levels and which levels stay (strategy 4.2: match, block, open, separation, limit). */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "core/analysis/level_fold.h"

/* A level, or a cluster that may become one, in the contest of separation and limit. */
struct claim {
  double price;
  struct level *level;           /* NULL: a cluster */
  struct level_cluster *cluster; /* its own; of a level NULL when none was matched */
  struct level_rating rating;
  bool is_kept;
};

struct contest {
  struct level_fold *fold;
  enum level_type type;
  int32_t count;
  struct claim claims[LEVEL_ACTIVE_MAX + LEVEL_WINDOW];
  struct claim *ranking[LEVEL_ACTIVE_MAX + LEVEL_WINDOW]; /* strongest first */
};

static void add_standing_levels(struct contest *contest) {
  struct level_set *set = contest->fold->set;
  for (int32_t i = 0; i < set->active_count; i++) {
    struct level *level = &set->active[i];
    if (level->level_type != (int32_t)contest->type || (level->state != LEVEL_FORMED && level->state != LEVEL_TESTED)) continue;
    contest->claims[contest->count++] = (struct claim){.price = level->price, .level = level};
  }
}

/* Nearest free cluster within 0.5 ATR, the lower one on a tie; NULL when none. */
static struct level_cluster *nearest_free(const struct level_fold *fold, struct level_cluster_list *list, double price) {
  struct level_cluster *nearest = NULL;
  double distance = fold->half_atr;
  for (int32_t i = 0; i < list->count && list->items[i].price - price <= distance; i++) {
    struct level_cluster *cluster = &list->items[i];
    double other = fabs(cluster->price - price);
    if (cluster->is_matched || other > distance || (nearest != NULL && other == distance)) continue;
    nearest = cluster;
    distance = other;
  }
  return nearest;
}

/* Does the pair of claim a come before that of b? The lower id ends what distance, age and price leave open. */
static bool is_pair_before(const struct claim *a, const struct level_cluster *a_cluster, const struct claim *b,
                           const struct level_cluster *b_cluster) {
  double a_distance = fabs(a_cluster->price - a->price);
  double b_distance = fabs(b_cluster->price - b->price);
  if (a_distance != b_distance) return a_distance < b_distance;
  if (a->level->formed_at != b->level->formed_at) return a->level->formed_at < b->level->formed_at;
  if (a->price != b->price) return a->price < b->price;
  return a->level->level_id < b->level->level_id;
}

/* Nearest pair first: each level knows its nearest free cluster and asks again only when another level took it. */
static void match(struct contest *contest) {
  struct level_cluster_list *list = &contest->fold->clusters[contest->type];
  struct level_cluster *nearest[LEVEL_ACTIVE_MAX];
  for (int32_t i = 0; i < contest->count; i++) nearest[i] = nearest_free(contest->fold, list, contest->claims[i].price);
  for (;;) {
    int32_t first = -1;
    for (int32_t i = 0; i < contest->count; i++) {
      if (nearest[i] == NULL) continue;
      if (first < 0 || is_pair_before(&contest->claims[i], nearest[i], &contest->claims[first], nearest[first])) first = i;
    }
    if (first < 0) return;
    struct level_cluster *taken = nearest[first];
    taken->is_matched = true;
    contest->claims[first].cluster = taken;
    nearest[first] = NULL;
    for (int32_t i = 0; i < contest->count; i++) {
      if (nearest[i] == taken) nearest[i] = nearest_free(contest->fold, list, contest->claims[i].price);
    }
  }
}

/* From tested on the price is frozen. */
static void take_prices(struct contest *contest) {
  for (int32_t i = 0; i < contest->count; i++) {
    struct claim *claim = &contest->claims[i];
    if (claim->cluster == NULL || claim->level->state != LEVEL_FORMED || claim->price == claim->cluster->price) continue;
    claim->level->price = claim->price = claim->cluster->price;
    claim->level->round_bonus = level_round_bonus(contest->fold->preset, claim->price);
  }
}

/* Prices near which nothing new opens: broken and retested levels of the type, and those that failed during the last 12 candles. */
struct obstacles {
  int32_t count;
  double prices[LEVEL_ACTIVE_MAX + LEVEL_ENDED_MAX];
};

static void find_obstacles(const struct contest *contest, struct obstacles *out) {
  const struct level_set *set = contest->fold->set;
  int32_t type = (int32_t)contest->type;
  out->count = 0;
  for (int32_t i = 0; i < set->active_count; i++) {
    const struct level *level = &set->active[i];
    if (level->level_type == type && (level->state == LEVEL_BROKEN || level->state == LEVEL_RETESTED)) out->prices[out->count++] = level->price;
  }
  /* The ring of ended levels is in order of time. */
  for (int32_t back = 1; back <= set->ended_count; back++) {
    const struct level *level = &set->ended[(set->ended_next - back + LEVEL_ENDED_MAX) % LEVEL_ENDED_MAX];
    int64_t ended_at = level->state == LEVEL_FAILED ? level->failed_at : level->expired_at;
    if (contest->fold->close_ts - ended_at >= 12 * LEVEL_CANDLE_MS) return;
    if (level->level_type == type && level->state == LEVEL_FAILED) out->prices[out->count++] = level->price;
  }
}

/* A level is something price has not yet passed. */
static bool may_open(const struct contest *contest, const struct obstacles *obstacles, double price) {
  const struct level_fold *fold = contest->fold;
  double epsilon = fold->preset->signal_config.momentum_epsilon;
  double close = fold->newest->close;
  if (contest->type == LEVEL_RESISTANCE ? close > price * (1 + epsilon) : close < price * (1 - epsilon)) return false;
  int32_t near = 0;
  for (int32_t i = 0; i < obstacles->count; i++) near += fabs(price - obstacles->prices[i]) <= fold->half_atr;
  return near == 0;
}

static void add_new_clusters(struct contest *contest) {
  struct level_cluster_list *list = &contest->fold->clusters[contest->type];
  struct obstacles obstacles;
  find_obstacles(contest, &obstacles);
  for (int32_t i = 0; i < list->count; i++) {
    struct level_cluster *cluster = &list->items[i];
    if (cluster->is_matched || !may_open(contest, &obstacles, cluster->price)) continue;
    level_find_touches(cluster);
    contest->claims[contest->count++] = (struct claim){.price = cluster->price, .cluster = cluster};
  }
}

static void rate_level(struct contest *contest, struct claim *claim) {
  const struct level *level = claim->level;
  struct level_mask touching = level_touching(contest->fold, contest->type, level->price);
  struct level_subject subject = {.type = contest->type,
                                  .price = level->price,
                                  .round_bonus = level->round_bonus,
                                  .touches = level->touch_count,
                                  .first_touch_at = level->first_touch_at,
                                  .last_touch_at = level->last_touch_at,
                                  .touch_volume_sum = level->touch_volume_sum,
                                  .touching = &touching,
                                  .own = claim->cluster};
  level_rate(contest->fold, &subject, &claim->rating);
  level_set_rating(contest->fold, claim->level, &claim->rating);
}

static void rate_cluster(struct contest *contest, struct claim *claim) {
  const struct level_cluster *cluster = claim->cluster;
  const struct candle *window = contest->fold->window;
  struct level_subject subject = {.type = contest->type,
                                  .price = cluster->price,
                                  .round_bonus = level_round_bonus(contest->fold->preset, cluster->price),
                                  .touches = cluster->touches,
                                  .first_touch_at = window[cluster->first_touch].open_ts + LEVEL_CANDLE_MS,
                                  .last_touch_at = window[cluster->last_touch].open_ts + LEVEL_CANDLE_MS,
                                  .touching = &cluster->touching,
                                  .own = cluster};
  level_rate(contest->fold, &subject, &claim->rating);
}

/* Stronger, else an older level (a cluster is the youngest), else lower. */
static bool is_stronger(const struct claim *a, const struct claim *b) {
  if (a->rating.strength != b->rating.strength) return a->rating.strength > b->rating.strength;
  int64_t a_formed_at = a->level != NULL ? a->level->formed_at : INT64_MAX;
  int64_t b_formed_at = b->level != NULL ? b->level->formed_at : INT64_MAX;
  if (a_formed_at != b_formed_at) return a_formed_at < b_formed_at;
  if (a->price != b->price) return a->price < b->price;
  return a < b;
}

static void rank(struct contest *contest) {
  for (int32_t i = 0; i < contest->count; i++) {
    struct claim *claim = &contest->claims[i];
    int32_t place = i;
    for (; place > 0 && is_stronger(claim, contest->ranking[place - 1]); place--) contest->ranking[place] = contest->ranking[place - 1];
    contest->ranking[place] = claim;
  }
}

/* Only what is kept drops others; of what separation keeps, the limit keeps the strongest five. */
static void separate_and_limit(struct contest *contest) {
  double distance = 2 * contest->fold->atr;
  const struct claim *separate[LEVEL_ACTIVE_MAX + LEVEL_WINDOW];
  int32_t count = 0;
  for (int32_t i = 0; i < contest->count; i++) {
    struct claim *claim = contest->ranking[i];
    int32_t other = 0;
    while (other < count && fabs(claim->price - separate[other]->price) >= distance) other++;
    if (other < count) continue;
    claim->is_kept = count < LEVEL_PER_TYPE_MAX;
    separate[count++] = claim;
  }
}

static void form_level(const struct contest *contest, const struct claim *claim) {
  struct level_fold *fold = contest->fold;
  const struct level_cluster *cluster = claim->cluster;
  if (fold->set->active_count == LEVEL_ACTIVE_MAX) return;
  struct level_mask counted = level_counted(&cluster->touching);
  struct level *level = &fold->set->active[fold->set->active_count++];
  memset(level, 0, sizeof(*level));
  text_copy(level->symbol, sizeof(level->symbol), fold->symbol);
  level->level_id = (*fold->next_level_id)++;
  level->level_type = (int32_t)contest->type;
  level->price = cluster->price;
  level->state = LEVEL_FORMED;
  level->touch_count = cluster->touches;
  level->sources = cluster->sources;
  level->last_counted_touch_ts = fold->window[cluster->last_touch].open_ts;
  level->first_touch_at = fold->window[cluster->first_touch].open_ts + LEVEL_CANDLE_MS;
  level->last_touch_at = level->last_counted_touch_ts + LEVEL_CANDLE_MS;
  level->touch_volume_sum = level_mask_volume(fold, &counted, NULL);
  level->formed_at = fold->close_ts;
  level->broken_side = -1;
  level->is_active = true;
  level_set_rating(fold, level, &claim->rating);
  level_record(fold, level, -1, "level_formed");
}

void level_select(struct level_fold *fold, enum level_type type) {
  struct contest contest;
  contest.fold = fold;
  contest.type = type;
  contest.count = 0;
  add_standing_levels(&contest);
  int32_t levels = contest.count;
  match(&contest);
  take_prices(&contest);
  for (int32_t i = 0; i < levels; i++) rate_level(&contest, &contest.claims[i]);
  add_new_clusters(&contest);
  for (int32_t i = levels; i < contest.count; i++) rate_cluster(&contest, &contest.claims[i]);
  rank(&contest);
  separate_and_limit(&contest);
  for (int32_t i = 0; i < contest.count; i++) {
    struct claim *claim = &contest.claims[i];
    if (claim->level != NULL) {
      claim->level->dropped_in_a_row = claim->is_kept ? 0 : claim->level->dropped_in_a_row + 1;
    } else if (claim->is_kept) {
      form_level(&contest, claim);
    }
  }
}
