/* The port store in memory, for tests and backtests: the newest rows of each kind, older ones fall out. */
#ifndef ADAPTERS_STORE_MEMORY_STORE_H
#define ADAPTERS_STORE_MEMORY_STORE_H

#include "runner/store.h"

/* capacity: rows kept of each kind; a kind takes memory with its first row. */
void memory_store_open(struct store *store, int32_t capacity);
int32_t memory_store_count(const struct store *store, enum record_kind kind);
/* age 0 is the newest row; NULL beyond the count. Borrowed, good until the next put of the kind. */
const void *memory_store_get(const struct store *store, enum record_kind kind, int32_t age);

#endif
