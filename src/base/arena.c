#include "base/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"

void arena_init(struct arena *arena, void *memory, size_t size) {
  check((uintptr_t)memory % alignof(max_align_t) == 0);
  arena->memory = memory;
  arena->size = size;
  arena->used = 0;
  memset(memory, 0, size);
}

enum status arena_open(struct arena *arena, size_t size) {
  *arena = (struct arena){0};
  void *memory = mmap(NULL, size > 0 ? size : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return status_from_errno(errno);
  arena->memory = memory;
  arena->size = size;
  return STATUS_OK;
}

void arena_close(struct arena *arena) {
  if (arena->memory != NULL) check(munmap(arena->memory, arena->size > 0 ? arena->size : 1) == 0);
  *arena = (struct arena){0};
}

void *arena_take(struct arena *arena, size_t size) {
  const size_t align = alignof(max_align_t);
  check(size <= SIZE_MAX - align);
  size_t padded = (size + align - 1) / align * align;
  check(padded <= arena->size - arena->used);
  void *block = arena->memory + arena->used;
  arena->used += padded;
  return block;
}
