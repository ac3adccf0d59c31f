/* Many sequences in time order as one: a heap of the next time of each sequence. */
#ifndef ADAPTERS_SOURCE_MERGE_H
#define ADAPTERS_SOURCE_MERGE_H

#include <stddef.h>
#include <stdint.h>

/* At one time sequences come in the order of their rank, then of their index. */
enum { MERGE_INDEX_BITS = 16, MERGE_RANK_BITS = 3, MERGE_TAG_BITS = MERGE_INDEX_BITS + MERGE_RANK_BITS };

/* The smallest key is keys[0]. A key is time << MERGE_TAG_BITS | rank << MERGE_INDEX_BITS | index, so that one comparison orders all three; 44 bits
 * of milliseconds reach to the year 2527. */
struct merge {
  int64_t *keys; /* owned */
  int count, capacity;
};

static inline int64_t merge_key(int64_t ts, int rank, int index) {
  return (int64_t)((uint64_t)ts << MERGE_TAG_BITS) | (int64_t)rank << MERGE_INDEX_BITS | index;
}
static inline int64_t merge_ts(int64_t key) {
  return key >> MERGE_TAG_BITS;
}
static inline int merge_rank(int64_t key) {
  return (int)(key >> MERGE_INDEX_BITS) & ((1 << MERGE_RANK_BITS) - 1);
}
static inline int merge_index(int64_t key) {
  return (int)key & ((1 << MERGE_INDEX_BITS) - 1);
}

void merge_push(struct merge *merge, int64_t key);
/* Replaces the smallest key by a later one of the same sequence. */
void merge_replace(struct merge *merge, int64_t key);
void merge_pop(struct merge *merge);
void merge_deinit(struct merge *merge);

#endif
