/* Worker processes of the server: backtests, look-ahead checks, imports and the first reading of data sets. This is the port runs.h.
 *
 * A worker is this program again with a verb of its own (worker.h is its side). It has a low priority, tells how far it is through a pipe that is
 * read without waiting, and writes files; what it made becomes rows here. At most RUN_WORKERS_MAX go on at once (one on a machine of two cores), the
 * others wait in a queue.
 *
 * A run that goes on when the server ends in good order is queued again; one that went on when the server was killed is failed at the next start, so
 * that a run that brings the machine down is not started for ever. Queued runs stay queued. */
#ifndef APPS_RUN_POOL_H
#define APPS_RUN_POOL_H

#include <poll.h>

#include "runner/clock.h"
#include "runner/rows.h"
#include "runner/runs.h"
#include "runner/settings.h"

enum { RUN_WORKERS_MAX = 2 };

struct run_pool_options {
  const struct settings *settings;
  const struct row_port *rows;
  const struct clock *clock;
  const char *recordings; /* folder of the shipped data sets; NULL: none */
  const char *program;    /* NULL: this program */
  int workers;            /* 0: as the cores allow */
  /* A run began, came forward or ended. May be NULL. */
  void (*on_change)(void *context, const char *id, bool has_ended);
  void *context;
  /* A worker has ended. May be NULL. */
  void (*on_end)(void *context, const char *kind, enum run_state state, double seconds);
};

struct run_pool; /* opaque */

/* Settles what the last start left, takes in queued runs, looks for data sets. */
NODISCARD enum status run_pool_open(struct run_pool **pool, const struct run_pool_options *options, struct problem *problem);
/* Ends the workers; what they did is queued again, and none is started any more: another process goes on. */
void run_pool_stop(struct run_pool *pool);
/* The same, and all memory. NULL is allowed. */
void run_pool_close(struct run_pool *pool);
void run_pool_port(struct run_pool *pool, struct run_port *out);
/* Calls for every kind of run with how many wait and how many go on. */
void run_pool_counts(const struct run_pool *pool, void (*each)(void *context, const char *kind, int queued, int running), void *context);
/* While a resource is short: at most one run at once and the lowest priority; none goes on. What is undone goes on where it stood, but no process
 * gets a higher priority back. Return how many processes it was about. */
int run_pool_limit(struct run_pool *pool, bool is_limited);
int run_pool_pause(struct run_pool *pool, bool is_paused);
/* After every turn of the loop: what workers told, who ended, who is next. */
void run_pool_turn(struct run_pool *pool);
/* Descriptors to poll; returns their number, at most RUN_WORKERS_MAX. */
int run_pool_files(const struct run_pool *pool, struct pollfd out[RUN_WORKERS_MAX]);
/* Milliseconds until run_pool_turn has something to do by time; -1 never. */
int run_pool_timeout_ms(const struct run_pool *pool);

#endif
