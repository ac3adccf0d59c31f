/* The worker's side of a run that the server started: a process of low priority that tells how far it is on a descriptor, a line of JSON at a time,
 * and does not outlive the server. The other side is run_pool.h. */
#ifndef APPS_WORKER_H
#define APPS_WORKER_H

#include "apps/result.h"

struct worker {
  bool is_one; /* false: a person started the verb, and nothing here does anything */
  int fd;
  int pieces; /* runs that follow each other, the first being the main one */
  const struct run *run;
  const struct wiring *wiring;
};

/* --progress-fd N: from now on this process is a worker. False with a problem when there is no such descriptor. */
bool worker_begin(struct worker *worker, struct app *app, const char *value);
/* Tells of the progress of this run, and of `pieces` runs in all, until the end. */
void worker_watch(struct worker *worker, const struct run *run, const struct wiring *wiring, int pieces);
/* The last line of a finished backtest or search: digest, summary (of a search its best set's). */
void worker_finish(const struct worker *worker, const struct result *result, const char *digest);

#endif
