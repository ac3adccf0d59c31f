/* Whole lines of an input, in place: no copy, no length limit below LINES_LENGTH_MAX. A line ends with the delimiter, which stays in the memory, so
 * that a number reader always meets a byte that is no digit. */
#ifndef ADAPTERS_SOURCE_LINES_H
#define ADAPTERS_SOURCE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/input.h"

enum { LINES_LENGTH_MAX = 64 * 1024 * 1024 };

struct lines {
  struct input *input; /* of the caller */
  char *data;          /* owned */
  size_t capacity;
  char *next;  /* first byte not taken */
  char *whole; /* end of the last whole line in memory */
  char *end;   /* end of the bytes in memory */
  char delimiter;
  bool is_input_end;
  int64_t number; /* of lines taken */
};

NODISCARD enum status lines_open(struct lines *lines, struct input *input, char delimiter);
void lines_close(struct lines *lines);
/* Makes [next, whole) hold at least one whole line; STATUS_END when there is none left. */
NODISCARD enum status lines_fill(struct lines *lines, struct problem *problem);
/* The next line without its delimiter and, for line feeds, without a carriage return before it; *end is writable. A byte order mark is skipped.
 * Good until the next call. STATUS_END after the last. */
NODISCARD enum status lines_next(struct lines *lines, char **begin, char **end, struct problem *problem);

#endif
