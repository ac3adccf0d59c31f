/* Progress of long work: a bar on standard error, only when that is a terminal and for work that has lasted over a second; and a function that is
 * told, when there is one. Both at most ten times a second. One work at a time, from one thread. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdint.h>

/* done of total units of the work that label names. */
typedef void progress_told(void *context, const char *label, int64_t done, int64_t total);
/* Who is told from now on, NULL nobody. */
void progress_tell(progress_told *told, void *context);
/* label is the caller's and stays valid until progress_end; total > 0 in units of the caller. */
void progress_begin(const char *label, int64_t total);
void progress_set(int64_t done);
/* Wipes the bar. */
void progress_end(void);

#endif
