/* Runs a fuzz target without a fuzzer, so that any compiler can: over the files of its corpus, and over inputs made of them with a few bytes changed.
 *
 *   TARGET FOLDER CHANGED     how many changed inputs for each file; always the same ones */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/random.h"

enum { PATH_BYTES = 600, CHANGES_MAX = 6, SPAN_MAX = 16, GROWTH_MAX = 256, BYTES_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static struct random numbers;

/* One change: a byte, a bit, a span doubled, a span removed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) {
  size_t at = size > 0 ? (size_t)random_below(&numbers, size) : 0;
  size_t span = 1 + (size_t)random_below(&numbers, SPAN_MAX);
  if (span > size - at) span = size - at;
  switch (random_below(&numbers, 4)) {
    case 0:
      if (size > 0) data[at] = (uint8_t)random_below(&numbers, 256);
      return size;
    case 1:
      if (size > 0) data[at] ^= (uint8_t)(1u << random_below(&numbers, 8));
      return size;
    case 2:
      if (size + span > max_size) return size;
      memmove(data + at + span, data + at, size - at);
      return size + span;
    default:
      memmove(data + at, data + at + span, size - at - span);
      return size - span;
  }
}

static void run_changed(const struct buffer *seed) {
  size_t room = seed->length + GROWTH_MAX;
  uint8_t *bytes = malloc(room);
  check(bytes != NULL);
  memcpy(bytes, seed->data, seed->length);
  size_t size = seed->length;
  for (uint64_t left = 1 + random_below(&numbers, CHANGES_MAX); left > 0; left--) {
    size = LLVMFuzzerCustomMutator != NULL ? LLVMFuzzerCustomMutator(bytes, size, room, (unsigned)random_below(&numbers, UINT32_MAX))
                                           : LLVMFuzzerMutate(bytes, size, room);
  }
  LLVMFuzzerTestOneInput(bytes, size);
  free(bytes);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_file(const struct dirent *entry) {
  return entry->d_name[0] != '.';
}

int main(int argc, char **argv) {
  check(argc == 3);
  int changed = atoi(argv[2]);
  struct dirent **files;
  int count = scandir(argv[1], &files, is_file, by_name);
  check(count > 0);
  if (LLVMFuzzerInitialize != NULL) check(LLVMFuzzerInitialize(&argc, &argv) == 0);
  random_init(&numbers, 1);
  for (int i = 0; i < count; i++) {
    char path[PATH_BYTES];
    struct buffer seed = {0};
    (void)snprintf(path, sizeof path, "%s/%s", argv[1], files[i]->d_name);
    check(buffer_read_file(&seed, path, BYTES_MAX, NULL) == STATUS_OK);
    LLVMFuzzerTestOneInput((const uint8_t *)seed.data, seed.length);
    for (int k = 0; k < changed; k++) run_changed(&seed);
    buffer_deinit(&seed);
    free(files[i]);
  }
  free(files);
  return 0;
}
