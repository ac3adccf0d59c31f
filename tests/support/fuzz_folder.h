/* A folder in memory for fuzzers of what reads files by name: the process's own, removed with it. */
#ifndef TESTS_SUPPORT_FUZZ_FOLDER_H
#define TESTS_SUPPORT_FUZZ_FOLDER_H

#include <stddef.h>

enum { FUZZ_PATH_MAX = 300 };

/* Its path, made at the first call. */
const char *fuzz_folder(void);
/* Folder and name into path. */
void fuzz_path(char path[FUZZ_PATH_MAX], const char *name);
/* The whole file, in place of one that is there. */
void fuzz_write(const char *name, const void *bytes, size_t size);
/* How many entries it has. */
int fuzz_entries(void);
/* Removes what one input left below it; it stays itself. */
void fuzz_remove(const char *name);

#endif
