/* Growing bytes for the edges (files, replies). Not for core or engine. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct buffer {
  char *data; /* NUL-terminated after every call, owned */
  size_t length;
  size_t capacity;
};

void buffer_deinit(struct buffer *buffer); /* zero-initialised is empty */
void buffer_clear(struct buffer *buffer);
/* Running out of memory fails a check: edges bound their sizes before. */
void buffer_reserve(struct buffer *buffer, size_t extra);
void buffer_add(struct buffer *buffer, const void *bytes, size_t count);
void buffer_add_text(struct buffer *buffer, const char *text);
void buffer_add_format(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads a whole file of at most limit bytes; errors name the path in problem. */
struct problem;
NODISCARD enum status buffer_read_file(struct buffer *buffer, const char *path, size_t limit, struct problem *problem);
/* Writes to path.tmp, flushes, renames: the old content stays until the new one is whole. */
NODISCARD enum status buffer_write_file(const struct buffer *buffer, const char *path, unsigned mode, struct problem *problem);

#endif
