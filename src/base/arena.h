/* Memory with one lifetime: sized once from the limits, taken in order, released as a whole. Never grows. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/status.h"

struct arena {
  unsigned char *memory;
  size_t size;
  size_t used;
};

/* Uses memory given by the caller. */
void arena_init(struct arena *arena, void *memory, size_t size);
/* Takes zeroed memory of the given size from the operating system (pages are touched lazily). */
NODISCARD enum status arena_open(struct arena *arena, size_t size);
void arena_close(struct arena *arena);
/* Zeroed block, aligned for any type. A full arena is our mistake: check() fails. */
void *arena_take(struct arena *arena, size_t size);

#endif
