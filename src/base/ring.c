#include "base/ring.h"

#include <string.h>

#include "base/check.h"

/* head and tail count bytes since the start and wrap with size_t; the position in memory is the count modulo the size. A message is its size
 * (4 bytes) and its bytes, both possibly in two parts around the end of the memory. */

enum { PREFIX = sizeof(uint32_t) };

void ring_init(struct ring *ring, void *memory, size_t size) {
  check(size > PREFIX && (size & (size - 1)) == 0);
  ring->memory = memory;
  ring->size = size;
  atomic_init(&ring->head, 0);
  atomic_init(&ring->tail, 0);
}

static void put(struct ring *ring, size_t at, const void *bytes, size_t count) {
  size_t start = at & (ring->size - 1);
  size_t first = count < ring->size - start ? count : ring->size - start;
  memcpy(ring->memory + start, bytes, first);
  memcpy(ring->memory, (const unsigned char *)bytes + first, count - first);
}

static void get(const struct ring *ring, size_t at, void *bytes, size_t count) {
  size_t start = at & (ring->size - 1);
  size_t first = count < ring->size - start ? count : ring->size - start;
  memcpy(bytes, ring->memory + start, first);
  memcpy((unsigned char *)bytes + first, ring->memory, count - first);
}

bool ring_push(struct ring *ring, const void *message, uint32_t size) {
  check(size > 0); /* 0 is how ring_pop says empty */
  size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
  size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
  if (ring->size - (head - tail) < (size_t)size + PREFIX) return false;
  put(ring, head, &size, PREFIX);
  put(ring, head + PREFIX, message, size);
  atomic_store_explicit(&ring->head, head + PREFIX + size, memory_order_release);
  return true;
}

uint32_t ring_pop(struct ring *ring, void *out, uint32_t out_size) {
  size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
  size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
  if (head == tail) return 0;
  uint32_t size;
  get(ring, tail, &size, PREFIX);
  check(size <= out_size);
  get(ring, tail + PREFIX, out, size);
  atomic_store_explicit(&ring->tail, tail + PREFIX + size, memory_order_release);
  return size;
}

size_t ring_used(struct ring *ring) {
  /* tail first: seen later than head it could be ahead of it. */
  size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
  size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
  return head - tail;
}
