#define _GNU_SOURCE
#include "support/fuzz_folder.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

enum { FOLDERS_OPEN_MAX = 16 };

static char folder[FUZZ_PATH_MAX / 2];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

static void remove_folder(void) {
  (void)nftw(folder, remove_one, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void) {
  if (folder[0] != '\0') return folder;
  (void)snprintf(folder, sizeof folder, "/dev/shm/breakout-fuzz-%ld", (long)getpid());
  check(mkdir(folder, 0700) == 0);
  check(atexit(remove_folder) == 0);
  return folder;
}

void fuzz_path(char path[FUZZ_PATH_MAX], const char *name) {
  (void)snprintf(path, FUZZ_PATH_MAX, "%s/%s", fuzz_folder(), name);
}

void fuzz_write(const char *name, const void *bytes, size_t size) {
  char path[FUZZ_PATH_MAX];
  fuzz_path(path, name);
  FILE *file = fopen(path, "wb");
  check(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

int fuzz_entries(void) {
  DIR *open = opendir(fuzz_folder());
  int count = -2; /* itself and its parent */
  check(open != NULL);
  while (readdir(open) != NULL) ++count;
  closedir(open);
  return count;
}

void fuzz_remove(const char *name) {
  char path[FUZZ_PATH_MAX];
  fuzz_path(path, name);
  (void)nftw(path, remove_one, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS);
}
