/* A progress bar on standard error: only when that is a terminal, only for work that has lasted over a second, redrawn at most ten times a second.
 * One at a time, from one thread. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

/* label is the caller's and stays valid until progress_end; total > 0 in units of the caller. */
void progress_begin(const char *label, int64_t total);
void progress_set(int64_t done);
/* Wipes the bar. */
void progress_end(void);

#endif
