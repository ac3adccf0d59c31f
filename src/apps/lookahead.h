/* Does a decision use what was not known yet? The run is repeated with the data cut at a time, and with noise after it: nothing before that time may
 * change (backtest 9). */
#ifndef APPS_LOOKAHEAD_H
#define APPS_LOOKAHEAD_H

#include "apps/run.h"

enum { LOOKAHEAD_CUTS = 20, LOOKAHEAD_CUTS_MAX = 100000 };

struct lookahead_options {
  int cuts;    /* times, spread evenly over the traded period */
  bool is_all; /* every time with a decision instead, at most LOOKAHEAD_CUTS_MAX */
  int workers;
  int64_t seed; /* of the noise */
};

/* Prints what was compared. Exit code: 0 nothing differs, 1 something does. */
int lookahead_check(struct app *app, struct wiring *wiring, const struct run_options *options, const struct lookahead_options *wanted);

#endif
