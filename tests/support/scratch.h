/* A folder of a test's own below TMPDIR (/tmp). */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Its path into folder: room for it and about 40 bytes more for what is below. False when it can't be made. */
bool scratch_make(char *folder, size_t size, const char *name);
/* With everything in it, whatever its modes. 0, or the exit code for a teardown. */
int scratch_remove(const char *folder);

#endif
