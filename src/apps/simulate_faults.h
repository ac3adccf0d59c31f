/* breakout simulate --runs N: many sessions with faults drawn by seed. */
#ifndef APPS_SIMULATE_FAULTS_H
#define APPS_SIMULATE_FAULTS_H

#include "apps/app.h"

struct simulate_faults {
  int64_t runs, seed, jobs, minutes;
  const char *preset;
  const char *faults; /* "all", names, or name@from+length in seconds (one session), separated by commas */
  bool shrinks;
};

/* Exit code: 0 no violation, 1 a violation. */
int simulate_faults(struct app *app, const struct simulate_faults *call);

#endif
