/* Independent pieces of work in worker processes: what one of them does to memory, the others and the caller never see. */
#ifndef APPS_JOBS_H
#define APPS_JOBS_H

#include <stddef.h>

#include "base/status.h"

enum { JOBS_RESULT_MAX = 3072 }; /* a result is written in one piece */

/* Fills result (zeroed, result_size bytes) of piece `index`; called in a worker. */
typedef void jobs_work(void *context, int index, void *result);
/* Told of each result as it comes, in the caller's process, in no certain order. */
typedef void jobs_done(void *context, int index, const void *result);
/* Runs pieces 0 to count - 1 on at most `workers` processes and puts the results in order, whatever the number of workers; each takes the next piece
 * that nobody has. label: of the progress bar, NULL none. STATUS_FAILED when a worker died, STATUS_INTERRUPTED. */
NODISCARD enum status jobs_run(int count, int workers, const char *label, jobs_work *work, void *context, void *results, size_t result_size);
/* The same; results may be NULL. */
NODISCARD enum status jobs_run_telling(int count, int workers, const char *label, jobs_work *work, jobs_done *done, void *context, void *results,
                                       size_t result_size);
/* Cores of this machine. */
int jobs_cores(void);

#endif
