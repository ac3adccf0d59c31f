#define _GNU_SOURCE
#include "adapters/source/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

size_t series_row_size(enum series_kind kind) {
  static const size_t sizes[SERIES_KIND_COUNT] = {sizeof(struct candle), sizeof(struct source_point), sizeof(struct source_point),
                                                  sizeof(struct source_trade)};
  return sizes[kind];
}

void series_init(struct series *series, enum series_kind kind) {
  *series = (struct series){.kind = kind};
}

static void drop_rows(struct series *series) {
  if (series->mapping == NULL) {
    free(series->rows);
  } else {
    check(munmap(series->mapping, series->mapping_size) == 0);
  }
  series->rows = series->mapping = NULL;
  series->mapping_size = series->capacity = 0;
  series->stays = false;
}

void series_deinit(struct series *series) {
  drop_rows(series);
  *series = (struct series){.kind = series->kind};
}

enum status series_map(struct series *series, enum series_kind kind, int file, size_t offset, size_t count) {
  const size_t size = offset + count * series_row_size(kind);
  check(count > 0 && offset % sizeof(int64_t) == 0);
  series_init(series, kind);
  /* Whoever maps a file checks it next: all of it is wanted at once. */
  void *mapping = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (mapping == MAP_FAILED) return status_from_errno(errno);
  series->mapping = mapping;
  series->mapping_size = size;
  series->rows = (char *)mapping + offset;
  series->count = series->capacity = count;
  return STATUS_OK;
}

void series_release(const struct series *series) {
  if (series->mapping != NULL && !series->stays) check(madvise(series->mapping, series->mapping_size, MADV_DONTNEED) == 0);
}

/* Before a row is changed. */
static void move_to_heap(struct series *series) {
  if (series->mapping == NULL) return;
  const size_t size = series->count * series_row_size(series->kind), count = series->count;
  void *rows = malloc(size);
  check(rows && size > 0);
  memcpy(rows, series->rows, size);
  drop_rows(series);
  series->rows = rows;
  series->capacity = count;
}

static void reserve(struct series *series, size_t count) {
  if (count <= series->capacity) return;
  move_to_heap(series);
  size_t capacity = series->capacity ? series->capacity * 2 : 1024;
  if (capacity < count) capacity = count;
  series->rows = realloc(series->rows, capacity * series_row_size(series->kind));
  check(series->rows);
  series->capacity = capacity;
}

void *series_room(struct series *series) {
  if (series->count == series->capacity) reserve(series, series->count + 1);
  return (char *)series->rows + series->count * series_row_size(series->kind);
}

void series_append(struct series *series, const struct series *other) {
  check(series->kind == other->kind);
  if (other->count > 0) {
    reserve(series, series->count + other->count);
    memcpy(series_room(series), other->rows, other->count * series_row_size(series->kind));
  }
  series->count += other->count;
  series->rows_seen += other->rows_seen;
  series->invalid += other->invalid;
  series->duplicates += other->duplicates;
  series->conflicts += other->conflicts;
  series->out_of_order += other->out_of_order;
  series->filled += other->filled;
  series->is_turnover_estimated |= other->is_turnover_estimated;
}

/* Stable bottom-up merge: trades of one millisecond must keep their order. */
static void merge_sort(struct series *series) {
  const size_t size = series_row_size(series->kind), count = series->count;
  char *from = series->rows, *to = malloc(count * size), *spare = to;
  check(to);
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t left = 0; left < count; left += 2 * width) {
      const size_t middle = left + width < count ? left + width : count, right = middle + width < count ? middle + width : count;
      size_t a = left, b = middle;
      for (size_t i = left; i < right; i++) {
        const bool takes_a = a < middle && (b == right || *(int64_t *)(void *)(from + a * size) <= *(int64_t *)(void *)(from + b * size));
        memcpy(to + i * size, from + (takes_a ? a++ : b++) * size, size);
      }
    }
    char *swap = from;
    from = to;
    to = swap;
  }
  if (from == spare) memcpy(series->rows, spare, count * size);
  free(spare);
}

/* Whether row b should stand in place of row a, which has the same time. */
static bool is_preferred(const struct series *series, const void *a, const void *b) {
  if (series->kind == SERIES_CANDLES) {
    const double volume_a = ((const struct candle *)a)->volume, volume_b = ((const struct candle *)b)->volume;
    if (volume_a < volume_b || volume_b < volume_a) return volume_b > volume_a; /* a bar downloaded while in progress has less */
  }
  return memcmp(b, a, series_row_size(series->kind)) > 0;
}

static bool is_known_trade(const struct source_trade *trades, size_t kept, const struct source_trade *trade) {
  if (trade->id == 0) return false;
  for (size_t i = kept; i > 0 && trades[i - 1].ts == trade->ts; i--) {
    if (trades[i - 1].id == trade->id) return true;
  }
  return false;
}

static void drop_duplicates(struct series *series) {
  const size_t size = series_row_size(series->kind);
  char *rows = series->rows;
  size_t kept = 0;
  for (size_t i = 0; i < series->count; i++) {
    char *row = rows + i * size, *last = kept > 0 ? rows + (kept - 1) * size : NULL;
    bool is_duplicate;
    if (series->kind == SERIES_TRADES) {
      is_duplicate = is_known_trade(series->rows, kept, (const struct source_trade *)(void *)row);
    } else {
      is_duplicate = last && memcmp(last, row, sizeof(int64_t)) == 0;
      if (is_duplicate && memcmp(last, row, size) != 0) {
        series->conflicts++;
        if (is_preferred(series, last, row)) memcpy(last, row, size);
      }
    }
    if (is_duplicate) {
      series->duplicates++;
    } else {
      if (row != rows + kept * size) memcpy(rows + kept * size, row, size);
      kept++;
    }
  }
  series->count = kept;
}

void series_sort(struct series *series) {
  bool is_sorted = true, has_equal = false;
  for (size_t i = 1; i < series->count; i++) {
    const int64_t before = series_ts(series, i - 1), now = series_ts(series, i);
    if (now < before) {
      series->out_of_order++;
      is_sorted = false;
    }
    has_equal |= now == before;
  }
  if (!is_sorted || has_equal) move_to_heap(series);
  if (!is_sorted) merge_sort(series);
  if (!is_sorted || has_equal) drop_duplicates(series);
}

size_t series_find(const struct series *series, int64_t ts) {
  size_t low = 0, high = series->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (series_ts(series, middle) < ts)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

int64_t series_usual_distance(const struct series *series) {
  int64_t best = 0;
  size_t best_count = 0;
  const size_t count = series->count < 2000 ? series->count : 2000;
  for (size_t i = 1; i < count && best_count * 2 < count; i++) {
    const int64_t distance = series_ts(series, i) - series_ts(series, i - 1);
    if (distance == best) continue;
    size_t same = 0;
    for (size_t j = 1; j < count; j++) same += series_ts(series, j) - series_ts(series, j - 1) == distance;
    if (same > best_count || (same == best_count && distance < best)) {
      best = distance;
      best_count = same;
    }
  }
  return best;
}
