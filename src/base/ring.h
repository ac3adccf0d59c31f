/* A bounded queue of equal-sized items, one producer thread and one consumer thread, no locks. Used between the loop and the archive writer. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A byte ring of variable-sized messages. */
struct ring {
  unsigned char *memory; /* size is a power of two */
  size_t size;
  _Atomic size_t head; /* written by the producer */
  _Atomic size_t tail; /* written by the consumer */
};

void ring_init(struct ring *ring, void *memory, size_t size);
/* false when there is no room; nothing is written then. */
bool ring_push(struct ring *ring, const void *message, uint32_t size);
/* Copies the oldest message into out; returns its size, 0 when empty. A message larger than out_size fails a check. */
uint32_t ring_pop(struct ring *ring, void *out, uint32_t out_size);
size_t ring_used(struct ring *ring);

#endif
