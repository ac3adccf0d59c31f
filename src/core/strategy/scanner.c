#include "core/strategy/scanner.h"

#include <math.h>

/* Orders of rows. Rows come in ascending order of symbol, so that the smaller index is the tie-break by symbol. */
typedef bool before_function(const struct scan_row *rows, int32_t a, int32_t b);

/* Descending; null last. Returns > 0 when a comes first, 0 for equals. */
static int descending(double a, double b) {
  if (isnan(a) || isnan(b)) return (int)isnan(b) - (int)isnan(a);
  return (a > b) - (a < b);
}

static bool has_more_volume(const struct scan_row *rows, int32_t a, int32_t b) {
  int order = descending(rows[a].volume_24h_usd, rows[b].volume_24h_usd);
  return order != 0 ? order > 0 : a < b;
}

static bool has_risen_more(const struct scan_row *rows, int32_t a, int32_t b) {
  int order = descending(rows[a].change_24h_pct, rows[b].change_24h_pct);
  return order != 0 ? order > 0 : a < b;
}

static bool has_fallen_more(const struct scan_row *rows, int32_t a, int32_t b) {
  int order = descending(-rows[a].change_24h_pct, -rows[b].change_24h_pct);
  return order != 0 ? order > 0 : a < b;
}

static bool is_candidate(const struct scan_row *row) {
  return row->passed_filters && row->has_level;
}

static bool ranks_before(const struct scan_row *rows, int32_t a, int32_t b) {
  if (is_candidate(&rows[a]) != is_candidate(&rows[b])) return is_candidate(&rows[a]);
  int order = descending(rows[a].score, rows[b].score);
  return order != 0 ? order > 0 : has_more_volume(rows, a, b);
}

/* Heap sort: in place, no worst case, and every order here is total, so that the result is one and the same. */
static void sift_down(const struct scan_row *rows, int32_t *order, int32_t count, int32_t at, before_function *before) {
  int32_t item = order[at];
  for (int32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
    if (child + 1 < count && before(rows, order[child], order[child + 1])) child++;
    if (!before(rows, item, order[child])) break;
    order[at] = order[child];
    at = child;
  }
  order[at] = item;
}

static void sort(const struct scan_row *rows, int32_t *order, int32_t count, before_function *before) {
  for (int32_t i = count / 2 - 1; i >= 0; i--) sift_down(rows, order, count, i, before);
  for (int32_t last = count - 1; last > 0; last--) {
    int32_t first = order[0];
    order[0] = order[last];
    order[last] = first;
    sift_down(rows, order, last, 0, before);
  }
}

static void reject(struct scan_row *row, enum reason_code verdict, double value, double threshold) {
  row->reached_filters = false;
  row->verdict = verdict;
  row->verdict_value = value;
  row->verdict_threshold = threshold;
}

static int32_t collect(const struct scan_row *rows, int32_t count, int32_t *order) {
  int32_t found = 0;
  for (int32_t i = 0; i < count; i++) {
    if (rows[i].reached_filters) order[found++] = i;
  }
  return found;
}

/* Steps 1 and 2. */
static void cut_lists(struct scan_row *rows, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    struct scan_row *row = &rows[i];
    row->reached_filters = true;
    row->passed_filters = row->has_level = false;
    row->rank = 0;
    row->verdict = REASON_passed;
    row->verdict_value = row->verdict_threshold = NAN;
    if (!row->is_warm) {
      reject(row, REASON_not_ready, NAN, NAN);
    } else if (!row->is_listed) {
      reject(row, row->is_blacklisted ? REASON_blacklisted : REASON_not_whitelisted, NAN, NAN);
    }
  }
}

/* Steps 3 and 5: the `limit` largest by turnover stay. */
static void cut_volume(struct scan_row *rows, int32_t count, int32_t limit, enum reason_code verdict, int32_t *order) {
  if (limit <= 0) return;
  int32_t found = collect(rows, count, order);
  sort(rows, order, found, has_more_volume);
  for (int32_t i = limit; i < found; i++) reject(&rows[order[i]], verdict, i + 1, limit);
}

/* Marks in `kept` (rank 1) the rows within the limit and the first n of them; returns what a row needed to be kept: the limit, or when the places
 * were taken the change of the last one kept. */
static double keep_movers(struct scan_row *rows, int32_t count, bool is_gain, double limit, int32_t n, int32_t *order) {
  int32_t found = collect(rows, count, order);
  int32_t kept = 0;
  sort(rows, order, found, is_gain ? has_risen_more : has_fallen_more);
  while (kept < found && kept < n) {
    double change = rows[order[kept]].change_24h_pct;
    if (!(is_gain ? change >= limit : change <= limit)) break;
    rows[order[kept++]].rank = 1;
  }
  return kept == n ? rows[order[kept - 1]].change_24h_pct : limit;
}

/* Step 4. With both filters on, a row in neither list is told the one on its side of zero. */
static void cut_movers(struct scan_row *rows, int32_t count, const struct preset *preset, int32_t *order) {
  const struct preset_gainers_filter *gainers = &preset->scanner_config.gainers_filter;
  const struct preset_losers_filter *losers = &preset->scanner_config.losers_filter;
  double needed_gain = NAN;
  double needed_loss = NAN;
  if (!gainers->enabled && !losers->enabled) return;
  if (gainers->enabled) needed_gain = keep_movers(rows, count, true, gainers->min_24h_change_pct, gainers->top_n_gainers, order);
  if (losers->enabled) needed_loss = keep_movers(rows, count, false, losers->max_24h_change_pct, losers->top_n_losers, order);
  for (int32_t i = 0; i < count; i++) {
    bool is_kept = rows[i].rank != 0;
    bool is_gain = gainers->enabled && !(losers->enabled && rows[i].change_24h_pct < 0);
    rows[i].rank = 0;
    if (is_kept || !rows[i].reached_filters) continue;
    reject(&rows[i], is_gain ? REASON_gainers_filter : REASON_losers_filter, rows[i].change_24h_pct, is_gain ? needed_gain : needed_loss);
  }
}

void scanner_cut(struct scan_row *rows, int32_t count, const struct preset *preset, int32_t fetch_limit, int32_t *scratch) {
  cut_lists(rows, count);
  cut_volume(rows, count, fetch_limit, REASON_fetch_limit, scratch);
  cut_movers(rows, count, preset, scratch);
  cut_volume(rows, count, preset->scanner_config.top_n_by_volume, REASON_top_n_by_volume, scratch);
}

int32_t scanner_rank(struct scan_row *rows, int32_t count, const struct preset *preset, int32_t *scratch) {
  int32_t limit = preset->scanner_config.max_candidates;
  int32_t stay = 0;
  int32_t found = collect(rows, count, scratch);
  sort(rows, scratch, found, ranks_before);
  for (int32_t i = 0; i < found; i++) {
    struct scan_row *row = &rows[scratch[i]];
    row->rank = i + 1;
    if (!row->passed_filters) continue;
    row->verdict_value = row->rank;
    row->verdict_threshold = limit;
    if (!row->has_level) {
      row->verdict = REASON_no_level;
      row->verdict_value = row->verdict_threshold = NAN;
    } else if (i >= limit) {
      row->verdict = REASON_max_candidates;
    } else {
      row->verdict = REASON_passed;
      stay++;
    }
  }
  return stay;
}

bool scanner_has_level(const struct level_set *levels, enum allowed_sides sides) {
  for (int32_t i = 0; i < levels->active_count; i++) {
    enum level_side side = level_signal_side(&levels->active[i]);
    if (sides == ALLOWED_SIDES_BOTH || side == (sides == ALLOWED_SIDES_LONG ? LEVEL_SIDE_UP : LEVEL_SIDE_DOWN)) return true;
  }
  return false;
}
