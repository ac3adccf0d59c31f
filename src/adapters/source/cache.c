#define _GNU_SOURCE
#include "adapters/source/cache.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"

enum { CACHE_PATH_MAX = 1200, CACHE_VERSION = 2 };

/* On the same machine only: written and read in its own byte order, which the magic number would show. */
struct cache_header {
  uint64_t magic;
  uint32_t version, rows_crc;
  int32_t kind, is_turnover_estimated;
  int64_t count, rows_seen, duplicates, conflicts, out_of_order, interval_ms;
  int64_t file_size, file_changed_s, file_changed_ns; /* of the file that was parsed */
  char symbol[CSV_SYMBOL_MAX];
  uint32_t header_crc, unused;
};

static_assert(sizeof(struct cache_header) % sizeof(int64_t) == 0, "rows are used where they lie in the file");

static const uint64_t cache_magic = UINT64_C(0x0a1a434242544542);

/* By the name of the file and what was asked, so that the parse of a changed file takes the place of the former one. */
static bool cache_path(const char *folder, const char *path, enum series_kind kind, int64_t interval_ms, char *out, size_t size) {
  char *whole = realpath(path, NULL), key[CACHE_PATH_MAX], digest[DIGEST_TEXT_MAX];
  if (!folder || !whole) {
    free(whole);
    return false;
  }
  const int length = snprintf(key, sizeof key, "%d %lld %s", (int)kind, (long long)interval_ms, whole);
  free(whole);
  if (length >= (int)sizeof key) return false;
  digest_of(key, (size_t)length, digest);
  return snprintf(out, size, "%s/%s.bbc", folder, digest) < (int)size;
}

static uint32_t header_crc(const struct cache_header *header) {
  return crc32c(0, header, offsetof(struct cache_header, header_crc));
}

static bool read_all(int fd, void *out, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t got = read(fd, (char *)out + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += (size_t)got;
  }
  return true;
}

/* Candles are most of all rows and only read: they stay in the file. The rest is small, or is trimmed and packed by the reader. */
static bool load_rows(int fd, const struct cache_header *header, struct series *series) {
  const enum series_kind kind = (enum series_kind)header->kind;
  const size_t count = (size_t)header->count, size = count * series_row_size(kind);
  if (kind == SERIES_CANDLES && count > 0) {
    if (series_map(series, kind, fd, sizeof *header, count)) return false;
  } else {
    series_init(series, kind);
    series->rows = malloc(size > 0 ? size : 1);
    if (!series->rows || !read_all(fd, series->rows, size)) {
      series_deinit(series);
      return false;
    }
    series->count = series->capacity = count;
  }
  const bool is_sound = crc32c(0, series->rows, size) == header->rows_crc;
  if (!is_sound) series_deinit(series);
  return is_sound;
}

static bool is_of(const struct cache_header *header, const struct stat *file) {
  return header->file_size == file->st_size && header->file_changed_s == file->st_mtim.tv_sec && header->file_changed_ns == file->st_mtim.tv_nsec;
}

static bool load(int fd, const struct stat *file, struct csv_result *result) {
  struct cache_header header;
  struct stat info;
  if (fstat(fd, &info) != 0 || !read_all(fd, &header, sizeof header)) return false;
  if (header.magic != cache_magic || header.version != CACHE_VERSION || header.header_crc != header_crc(&header)) return false;
  if (!is_of(&header, file)) return false;
  if (memchr(header.symbol, '\0', sizeof header.symbol) == NULL) return false;
  if (header.kind < 0 || header.kind >= SERIES_KIND_COUNT || header.count < 0) return false;
  const size_t row_size = series_row_size((enum series_kind)header.kind), count = (size_t)header.count;
  if (count > (SIZE_MAX >> 8) / row_size || (size_t)info.st_size != sizeof header + count * row_size) return false;
  struct series series;
  if (!load_rows(fd, &header, &series)) return false;
  series.rows_seen = header.rows_seen;
  series.duplicates = header.duplicates;
  series.conflicts = header.conflicts;
  series.out_of_order = header.out_of_order;
  series.is_turnover_estimated = header.is_turnover_estimated != 0;
  *result = (struct csv_result){.interval_ms = header.interval_ms, .series = series};
  memcpy(result->symbol, header.symbol, sizeof result->symbol);
  return true;
}

bool cache_load(const char *folder, const char *path, enum series_kind kind, int64_t interval_ms, struct csv_result *result) {
  char name[CACHE_PATH_MAX];
  struct stat file;
  if (!cache_path(folder, path, kind, interval_ms, name, sizeof name) || stat(path, &file) != 0) return false;
  const int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool is_loaded = load(fd, &file, result);
  (void)close(fd);
  return is_loaded;
}

static bool write_all(int fd, const void *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t put = write(fd, (const char *)bytes + done, size - done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    done += (size_t)put;
  }
  return true;
}

void cache_store(const char *folder, const char *path, enum series_kind kind, int64_t interval_ms, const struct stat *file,
                 const struct csv_result *result) {
  char name[CACHE_PATH_MAX], temporary[CACHE_PATH_MAX + 16];
  const struct series *series = &result->series;
  if (series->invalid > 0 || !cache_path(folder, path, kind, interval_ms, name, sizeof name)) return;
  if (mkdir(folder, 0750) != 0 && errno != EEXIST) return;
  (void)snprintf(temporary, sizeof temporary, "%s.XXXXXX", name);
  const int fd = mkostemp(temporary, O_CLOEXEC);
  if (fd < 0) return;
  const size_t size = series->count * series_row_size(series->kind);
  struct cache_header header = {.magic = cache_magic,
                                .version = CACHE_VERSION,
                                .rows_crc = crc32c(0, series->rows, size),
                                .kind = (int32_t)series->kind,
                                .is_turnover_estimated = series->is_turnover_estimated,
                                .count = (int64_t)series->count,
                                .rows_seen = series->rows_seen,
                                .duplicates = series->duplicates,
                                .conflicts = series->conflicts,
                                .out_of_order = series->out_of_order,
                                .interval_ms = result->interval_ms,
                                .file_size = file->st_size,
                                .file_changed_s = file->st_mtim.tv_sec,
                                .file_changed_ns = file->st_mtim.tv_nsec};
  memcpy(header.symbol, result->symbol, sizeof header.symbol);
  header.header_crc = header_crc(&header);
  const bool is_written = write_all(fd, &header, sizeof header) && write_all(fd, series->rows, size);
  const bool is_closed = close(fd) == 0;
  /* A half-written file after a power cut fails its checksum: no flush is worth its time here. */
  if (!is_written || !is_closed || rename(temporary, name) != 0) (void)unlink(temporary);
}
