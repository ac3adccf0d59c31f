/* Does a decision use what was not known yet, or depend on where the data begin? A run is repeated in ways that must not change it (backtest 9):
 *
 *   hidden     over a copy of the data of which, at every moment, all of the future is noise or nothing: every record is compared, so every decision
 *              is one that was made without its future
 *   cut        with the data cut at a time: the records up to it are compared
 *   scramble   with noise after a time, of all kinds of events: likewise
 *   earlier    with data that begin weeks earlier: what is decided after the warm-up is compared */
#ifndef APPS_LOOKAHEAD_H
#define APPS_LOOKAHEAD_H

#include "apps/run.h"

enum { LOOKAHEAD_CUTS = 200, LOOKAHEAD_CUTS_MAX = 100000 };

struct lookahead_options {
  int cuts;    /* times, spread evenly over the traded period */
  bool is_all; /* every time: hidden only, no cuts */
  int workers;
  int64_t seed; /* of the noise */
};

/* Prints what was compared. Exit code: 0 nothing differs, 1 something does. */
int lookahead_check(struct app *app, struct wiring *wiring, const struct run_options *options, const struct lookahead_options *wanted);

#endif
