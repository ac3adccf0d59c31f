/* One pass over all symbols (strategy 1): universe, lists, cuts, filters, levels, score, rank. Pure: works on rows that the caller filled and returns
 * verdicts. */
#ifndef CORE_STRATEGY_SCANNER_H
#define CORE_STRATEGY_SCANNER_H

#include "core/strategy/reason.h"
#include "core/strategy/score.h"

/* A row of one scan, in ascending order of symbol. */
struct scan_row {
  int32_t symbol;          /* index into the engine's table */
  const char *name;        /* printed symbol */
  bool is_warm, is_listed; /* steps 1 and 2: warm; passes white- and blacklist */
  bool is_blacklisted;
  double volume_24h_usd, change_24h_pct; /* NaN null */
  enum reason_code verdict;              /* REASON_passed, or why it fell out */
  double verdict_value, verdict_threshold;
  bool reached_filters; /* survived steps 1 to 5 */
  bool passed_filters;  /* step 6, set by the caller's callback */
  bool has_level;       /* step 7 */
  double score;
  int32_t rank; /* from 1 among all that reached step 6; 0 when outside */
};

/* Steps 2 to 5: marks verdicts of what the lists and cuts remove. scratch: room for count int32. */
void scanner_cut(struct scan_row *rows, int32_t count, const struct preset *preset, int32_t fetch_limit, int32_t *scratch);
/* Steps 8 and 9 for rows with reached_filters: rank over all passed rows first (score desc, volume desc, symbol asc); rows beyond max_candidates get
 * REASON_max_candidates. Rows that failed are ranked after the passed ones for display. Returns the number that stay candidates. */
int32_t scanner_rank(struct scan_row *rows, int32_t count, const struct preset *preset, int32_t *scratch);
/* Step 7: an active level that can give a signal on an allowed side. */
bool scanner_has_level(const struct level_set *levels, enum allowed_sides sides);

#endif
