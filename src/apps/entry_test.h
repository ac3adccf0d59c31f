/* Are the entries of a run better than chance (backtest 8.3)? Draws of as many random entries in the same symbols and on the same sides, with the
 * same stops and exits; each entry is taken alone, with a fresh account, so that none stands in another's way. For what channel_sweep.h covers. */
#ifndef APPS_ENTRY_TEST_H
#define APPS_ENTRY_TEST_H

#include "apps/run.h"
#include "base/json.h"

enum { ENTRY_TEST_DRAWS_MAX = 100000 };

struct entry_test {
  int64_t draws, seed, entries; /* entries: of a draw, as many as trades were closed */
  double average_r;             /* of the run */
  double mean, p5, p50, p95;    /* of the draws' average R; percentiles by nearest rank */
  double p_value;               /* share of draws with at least the run's average R */
};

/* Draws on `workers` processes; the result does not depend on their number. STATUS_NOT_IN_VERSION with a problem for what is not covered,
 * STATUS_NO_DATA when the run closed no trade. */
NODISCARD enum status entry_test_run(const struct wiring *wiring, const struct run_options *options, const struct run *run, int64_t draws,
                                     int64_t seed, int workers, struct entry_test *out);
void entry_test_json(const struct entry_test *test, const char *key, struct json_writer *json);

#endif
