/* Any bytes as the cached rows of a recorded file, sums mended and the file it says it was made of the right one: refused, or as many rows as it has
 * room for, each of which can be read. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "adapters/source/cache.h"
#include "base/check.h"
#include "base/digest.h"
#include "support/fuzz_folder.h"

/* As cache.c writes it. */
enum {
  AT_ROWS_SUM = 12,
  AT_KIND = 16,
  AT_COUNT = 24,
  AT_FILE = 72,
  AT_SYMBOL = 96,
  AT_SUM = AT_SYMBOL + CSV_SYMBOL_MAX,
  HEADER_BYTES = AT_SUM + 8,
  MAGIC_BYTES = 12,
  FILE_BYTES = 24
};
enum { KEPT_SUM = 1, KEPT_COUNT = 2, KEPT_MAGIC = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
  char source[FUZZ_PATH_MAX], folder[FUZZ_PATH_MAX];
  char names[SERIES_KIND_COUNT][FUZZ_PATH_MAX]; /* below fuzz_folder() */
  unsigned char header[HEADER_BYTES];           /* a good one */
} world;
static volatile int64_t last_ts; /* so that reading is not optimised away */

static void find_name(char out[FUZZ_PATH_MAX]) {
  DIR *folder = opendir(world.folder);
  check(folder != NULL);
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (entry->d_name[0] != '.') (void)snprintf(out, FUZZ_PATH_MAX, "cache/%.200s", entry->d_name);
  }
  closedir(folder);
  check(out[0] != '\0');
}

/* A cache of each kind tells its name and what a good header is. */
static void open_world(void) {
  struct stat info;
  fuzz_path(world.source, "source.csv");
  fuzz_path(world.folder, "cache");
  fuzz_write("source.csv", "x", 1);
  check(stat(world.source, &info) == 0);
  for (int kind = 0; kind < SERIES_KIND_COUNT; kind++) {
    char path[FUZZ_PATH_MAX];
    struct csv_result empty = {.series = {.kind = (enum series_kind)kind, .rows = ""}};
    cache_store(world.folder, world.source, (enum series_kind)kind, 0, &info, &empty);
    find_name(world.names[kind]);
    fuzz_path(path, world.names[kind]);
    FILE *file = fopen(path, "rb");
    check(file != NULL && fread(world.header, 1, HEADER_BYTES, file) == HEADER_BYTES && fgetc(file) == EOF);
    fclose(file);
    fuzz_remove("cache");
  }
  check(mkdir(world.folder, 0700) == 0);
}

static void mend(unsigned char *bytes, size_t size, enum series_kind kind, unsigned kept) {
  if (size < HEADER_BYTES) return;
  const int32_t number = (int32_t)kind;
  size_t rows = size - HEADER_BYTES;
  const uint64_t count = rows / series_row_size(kind);
  if (!(kept & KEPT_MAGIC)) memcpy(bytes, world.header, MAGIC_BYTES);
  memcpy(bytes + AT_FILE, world.header + AT_FILE, FILE_BYTES);
  memcpy(bytes + AT_KIND, &number, sizeof number);
  if (!(kept & KEPT_COUNT)) memcpy(bytes + AT_COUNT, &count, sizeof count);
  uint32_t sum = crc32c(0, bytes + HEADER_BYTES, rows);
  if (!(kept & KEPT_SUM)) memcpy(bytes + AT_ROWS_SUM, &sum, sizeof sum);
  sum = crc32c(0, bytes, AT_SUM);
  memcpy(bytes + AT_SUM, &sum, sizeof sum);
}

static void read_back(enum series_kind kind) {
  struct csv_result result;
  if (!cache_load(world.folder, world.source, kind, 0, &result)) return;
  check(result.series.kind == kind && memchr(result.symbol, '\0', sizeof result.symbol) != NULL);
  for (size_t i = 0; i < result.series.count; i++) last_ts = series_ts(&result.series, i);
  series_deinit(&result.series);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (world.source[0] == '\0') open_world();
  if (size < 2) return 0;
  enum series_kind kind = data[0] % SERIES_KIND_COUNT;
  unsigned char *bytes = malloc(size);
  check(bytes != NULL);
  memcpy(bytes, data + 2, size - 2);
  mend(bytes, size - 2, kind, data[1]);
  fuzz_write(world.names[kind], bytes, size - 2);
  free(bytes);
  read_back(kind);
  return 0;
}
