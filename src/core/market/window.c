#include "core/market/window.h"

#include <string.h>

int32_t window_push(void *memory, size_t item_size, int32_t keep, int32_t *start, int32_t *count) {
  if (*count == keep) {
    ++*start;
    --*count;
  }
  if (*start + *count == 2 * keep) {
    memmove(memory, (char *)memory + (size_t)*start * item_size, (size_t)*count * item_size);
    *start = 0;
  }
  return *start + (*count)++;
}
