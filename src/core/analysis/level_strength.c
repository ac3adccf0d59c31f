/* What a price is worth (strategy 4.3). */
#include <math.h>

#include "base/maths.h"
#include "core/analysis/level_fold.h"

static double touch_volume_of(const struct level_fold *fold, const struct level_subject *subject) {
  int32_t count = 0;
  double sum = level_mask_volume(fold, subject->touching, &count);
  return count > 0 ? sum / count : subject->touch_volume_sum / subject->touches;
}

/* min(1, 5 share of closes more than 0.2 % beyond the price), from candle `first` on. */
static double pierce_of(const struct level_fold *fold, enum level_type type, double price, int32_t first) {
  bool is_up = type == LEVEL_RESISTANCE;
  int32_t edge = level_search(fold->set->window.closes.price, fold->count, 0, is_up ? price * 1.002 : price * 0.998, is_up);
  const struct level_mask *prefix = fold->close_prefix;
  struct level_mask beyond = prefix[edge];
  for (int32_t word = 0; word < LEVEL_MASK_WORDS; word++) {
    if (is_up) beyond.words[word] ^= prefix[fold->count].words[word];
    int32_t cut = first - 64 * word; /* bits of the word before `first` */
    if (cut > 0) beyond.words[word] = cut < 64 ? beyond.words[word] & (UINT64_MAX << cut) : 0;
  }
  return level_min(1, 5 * ((double)level_mask_count(&beyond) / (fold->count - first)));
}

/* Valid clusters of a type within the radius. A few dozen: counting all costs less than looking for the first. */
static int32_t clusters_within(const struct level_cluster_list *list, double price, double radius) {
  int32_t count = 0;
  for (int32_t i = 0; i < list->count; i++) count += fabs(list->items[i].price - price) <= radius;
  return count;
}

static bool is_approach_good(const struct level_fold *fold, double price) {
  if (!fold->is_slope_good) return false;
  double distance = level_max(0.005 * price, fold->atr);
  int32_t bars = fold->preset->levels_rules.prebreakout_consolidation_min_bars;
  for (int32_t i = fold->count - bars; i < fold->count; i++) {
    if (fabs(fold->window[i].close - price) > distance) return false;
  }
  return true;
}

double level_round_bonus(const struct preset *preset, double price) {
  if (!preset->levels_rules.prefer_round_numbers) return 0;
  double largest = 0;
  for (int32_t i = 0; i < preset->levels_rules.round_step_candidates_count; i++) {
    double step = preset->levels_rules.round_step_candidates[i];
    double distance = fabs(price - step * floor(price / step + 0.5));
    if (step > largest && distance <= level_min(0.0005 * price, 0.1 * step)) largest = step;
  }
  return largest > 0 ? level_min(0.3, 0.1 + 0.05 * maths_log10(largest + 1)) : 0;
}

static double base_strength(const struct level_fold *fold, const struct level_subject *subject) {
  int32_t first = level_mask_first(subject->touching);
  double volume_ratio = fold->mean_volume > 0 ? touch_volume_of(fold, subject) / fold->mean_volume : 0;
  double span_hours = (double)(subject->last_touch_at - subject->first_touch_at) / (double)HOUR_MS;
  double pierce = pierce_of(fold, subject->type, subject->price, first >= 0 ? first : 0);
  return 0.4 * level_min(1, subject->touches / 5.0) + 0.2 * level_min(1, span_hours / 72) + 0.2 * level_min(1, volume_ratio) + 0.2 * (1 - pierce);
}

void level_rate(const struct level_fold *fold, const struct level_subject *subject, struct level_rating *out) {
  const struct preset *preset = fold->preset;
  double radius = subject->price * preset->levels_rules.cascade_radius_bps * 1e-4;
  bool is_own_within = subject->own != NULL && fabs(subject->own->price - subject->price) <= radius;
  int32_t cascade = is_own_within ? 0 : 1;
  for (int32_t type = 0; type < level_type_count; type++) cascade += clusters_within(&fold->clusters[type], subject->price, radius);
  out->cascade_count = cascade;
  out->approach_ok = is_approach_good(fold, subject->price);
  out->round_bonus = subject->round_bonus;
  double strength = base_strength(fold, subject) + subject->round_bonus;
  strength += cascade >= preset->levels_rules.cascade_min_levels ? level_min(0.2, 0.05 * cascade) : 0;
  strength += out->approach_ok ? 0.1 : -0.1;
  out->strength = level_min(1, level_max(0, strength));
}

void level_set_rating(const struct level_fold *fold, struct level *level, const struct level_rating *rating) {
  level->strength = rating->strength;
  level->round_bonus = rating->round_bonus;
  level->is_round_number = rating->round_bonus > 0;
  level->cascade_count = rating->cascade_count;
  level->has_cascade = rating->cascade_count >= fold->preset->levels_rules.cascade_min_levels;
  level->approach_ok = rating->approach_ok;
  double height = level->level_type == LEVEL_RESISTANCE ? level->price - fold->lowest_low_20 : fold->highest_high_20 - level->price;
  level->base_height = height > 0 ? height : NAN;
}
