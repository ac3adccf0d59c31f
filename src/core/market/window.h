/* The bookkeeping of "the newest `keep` items as a plain array": a window that slides through memory of 2 * keep items and moves back to the front
 * once per keep pushes, so that a push costs one extra copy on average and readers never meet a wrap. */
#ifndef CORE_MARKET_WINDOW_H
#define CORE_MARKET_WINDOW_H

#include <stddef.h>
#include <stdint.h>

/* Makes room for one more item of item_size bytes: index of the slot to write, counted from memory. *start and *count are the window's and are
 * updated. */
int32_t window_push(void *memory, size_t item_size, int32_t keep, int32_t *start, int32_t *count);

#endif
