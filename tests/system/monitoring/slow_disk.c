// A slow disk for a program that is started with this in LD_PRELOAD: until what was written is on disk takes longer by the milliseconds that the file
// named by SLOW_DISK holds; without the file, nothing is slower.
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_longer(void) {
  const char *path = getenv("SLOW_DISK");
  FILE *file = path != NULL ? fopen(path, "r") : NULL;
  long ms = 0;
  if (file == NULL) return;
  if (fscanf(file, "%ld", &ms) != 1) ms = 0;
  fclose(file);
  nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

int fsync(int file) {
  wait_longer();
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  wait_longer();
  return (int)syscall(SYS_fdatasync, file);
}
