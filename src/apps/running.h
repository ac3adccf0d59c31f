/* Is a server at work on a data folder? */
#ifndef APPS_RUNNING_H
#define APPS_RUNNING_H

#include <stdbool.h>

/* The writer of the journal holds the lock of the folder as long as it lives; pid (may be NULL): what it wrote there, 0 unknown. */
bool running_on(const char *data_dir, long *pid);

#endif
