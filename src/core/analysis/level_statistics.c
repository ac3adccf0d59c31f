/* How levels did after they broke, per source set and strength decile (strategy 4.5, last sentence). */
#include <math.h>

#include "base/check.h"
#include "core/analysis/level_fold.h"

static int32_t decile_of(double strength) {
  int32_t decile = (int32_t)(10 * strength);
  return decile < LEVEL_DECILES ? decile : LEVEL_DECILES - 1;
}

static struct level_statistics_cell *cell_of(struct level_statistics *statistics, const struct level_followed *followed) {
  return &statistics->cells[followed->sources][followed->decile];
}

void level_statistics_on_break(struct level_statistics *statistics, const struct level *level, double atr) {
  if (statistics->followed_count == LEVEL_FOLLOWED_MAX || !(atr > 0)) {
    statistics->not_followed++;
    return;
  }
  struct level_followed *followed = &statistics->followed[statistics->followed_count++];
  check(level->sources > 0 && level->sources < LEVEL_SOURCE_SETS);
  *followed = (struct level_followed){.level_id = level->level_id,
                                      .price = level->price,
                                      .atr = atr,
                                      .best = level->broken_side == LEVEL_SIDE_UP ? -INFINITY : INFINITY,
                                      .side = level->broken_side,
                                      .sources = level->sources,
                                      .decile = decile_of(level->strength)};
  cell_of(statistics, followed)->broken++;
}

void level_statistics_on_fail(struct level_statistics *statistics, int64_t level_id) {
  for (int32_t i = 0; i < statistics->followed_count; i++) {
    struct level_followed *followed = &statistics->followed[i];
    if (followed->level_id != level_id || followed->is_judged) continue;
    followed->is_judged = true;
    cell_of(statistics, followed)->judged++;
    cell_of(statistics, followed)->failed++;
  }
}

/* False when the level has been followed to the end. Runs before the life cycle of the candle, which may still fail a level on its 12th candle. */
static bool follow(struct level_statistics *statistics, struct level_followed *followed, const struct candle *candle) {
  bool is_up = followed->side == LEVEL_SIDE_UP;
  if (!followed->is_judged && followed->candles >= LEVEL_FAIL_CANDLES) {
    followed->is_judged = true;
    cell_of(statistics, followed)->judged++;
  }
  followed->candles++;
  followed->best = is_up ? level_max(followed->best, candle->high) : level_min(followed->best, candle->low);
  if (followed->candles < LEVEL_EXCURSION_CANDLES) return true;
  double excursion = is_up ? followed->best - followed->price : followed->price - followed->best;
  cell_of(statistics, followed)->measured++;
  cell_of(statistics, followed)->excursion_atr_sum += excursion / followed->atr;
  return false;
}

void level_statistics_on_candle(struct level_statistics *statistics, const struct candle *candle) {
  int32_t kept = 0;
  for (int32_t i = 0; i < statistics->followed_count; i++) {
    if (!follow(statistics, &statistics->followed[i], candle)) continue;
    if (kept != i) statistics->followed[kept] = statistics->followed[i];
    kept++;
  }
  statistics->followed_count = kept;
}

const struct level_statistics_cell *level_statistics_of(const struct level_set *set, int32_t sources, double strength) {
  check(sources > 0 && sources < LEVEL_SOURCE_SETS && strength >= 0 && strength <= 1);
  return &set->statistics.cells[sources][decile_of(strength)];
}

double level_statistics_failed_share(const struct level_statistics_cell *cell) {
  return cell->judged > 0 ? (double)cell->failed / (double)cell->judged : NAN;
}

double level_statistics_excursion_atr(const struct level_statistics_cell *cell) {
  return cell->measured > 0 ? cell->excursion_atr_sum / (double)cell->measured : NAN;
}
