#include "adapters/source/merge.h"

#include <stdlib.h>

#include "base/check.h"

void merge_push(struct merge *merge, int64_t key) {
  if (merge->count == merge->capacity) {
    merge->capacity = merge->capacity ? merge->capacity * 2 : 64;
    merge->keys = realloc(merge->keys, (size_t)merge->capacity * sizeof *merge->keys);
    check(merge->keys);
  }
  int at = merge->count++;
  while (at > 0 && merge->keys[(at - 1) / 2] > key) {
    merge->keys[at] = merge->keys[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  merge->keys[at] = key;
}

void merge_replace(struct merge *merge, int64_t key) {
  int64_t *keys = merge->keys;
  const int count = merge->count;
  int at = 0;
  for (;;) {
    int child = 2 * at + 1;
    if (child >= count) break;
    if (child + 1 < count && keys[child + 1] < keys[child]) child++;
    if (keys[child] >= key) break;
    keys[at] = keys[child];
    at = child;
  }
  keys[at] = key;
}

void merge_pop(struct merge *merge) {
  const int64_t last = merge->keys[--merge->count];
  if (merge->count > 0) merge_replace(merge, last);
}

void merge_deinit(struct merge *merge) {
  free(merge->keys);
  *merge = (struct merge){0};
}
