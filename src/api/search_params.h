/* What POST /api/backtests takes as params of a sweep, a walk-forward and a Monte Carlo: checked as far as it can be without the data. The worker
 * judges the rest, and says so in the error of the run. */
#ifndef API_SEARCH_PARAMS_H
#define API_SEARCH_PARAMS_H

#include <stdbool.h>

#include "base/json.h"

bool search_params_are_of(const char *kind);
/* Problems name the member by its path, params.method. params may be NULL. */
void search_params_check(const struct json *params, const char *kind, struct problem *problem);

#endif
