/* Workers that have nothing to do: runs are rows of the database only, none waits or goes on, and the queue is full. */
#ifndef TESTS_SUPPORT_NO_RUNS_H
#define TESTS_SUPPORT_NO_RUNS_H

#include "runner/runs.h"

extern const struct run_port no_runs;

#endif
