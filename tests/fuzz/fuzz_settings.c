/* Fuzz target: the reader of settings files. A file that is accepted leaves every value within its bounds; one that is refused says why. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "runner/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct settings settings;
  static struct problem problem;
  char path[32];
  const char *files[] = {path};
  char *environment[] = {NULL};
  struct settings_input input = {.files = files, .file_count = 1, .environment = environment};
  struct buffer shown = {0};

  int file = memfd_create("settings", MFD_CLOEXEC);
  check(file >= 0 && write(file, data, size) == (ssize_t)size);
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  problem_clear(&problem);
  enum status status = settings_load(&settings, &input, &problem);
  close(file);
  check((status == STATUS_OK) == (problem.errors == 0));
  check(settings.port >= 1 && settings.port <= 65535);
  check(settings.log_level >= 0 && settings.log_level <= LOG_CRITICAL);
  settings_add_changed(&settings, &shown);
  buffer_deinit(&shown);
  return 0;
}
