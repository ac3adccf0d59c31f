/* memrchr and O_CLOEXEC are extensions of the GNU library. */
#define _GNU_SOURCE
#include "adapters/source/lines.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_START = 1024 * 1024, LINES_PADDING = 8 };

enum status lines_open(struct lines *lines, struct input *input, char delimiter) {
  *lines = (struct lines){.input = input, .delimiter = delimiter, .capacity = LINES_START, .data = malloc(LINES_START + LINES_PADDING)};
  if (!lines->data) return STATUS_NO_MEMORY;
  lines->next = lines->whole = lines->end = lines->data;
  return STATUS_OK;
}

void lines_close(struct lines *lines) {
  free(lines->data);
  *lines = (struct lines){0};
}

/* Moves the unfinished line to the front; doubles the memory when it fills all of it. */
static enum status make_room(struct lines *lines, struct problem *problem) {
  const size_t rest = (size_t)(lines->end - lines->next);
  if (rest == lines->capacity) {
    if (lines->capacity >= LINES_LENGTH_MAX) {
      problem_add(problem, "too_large", input_name(lines->input), NULL, NULL, "line %lld is longer than 64 MiB: not a market data file",
                  (long long)lines->number + 1);
      return STATUS_TOO_LARGE;
    }
    char *larger = malloc(lines->capacity * 2 + LINES_PADDING);
    if (!larger) return STATUS_NO_MEMORY;
    memcpy(larger, lines->next, rest);
    free(lines->data);
    lines->data = larger;
    lines->capacity *= 2;
  } else {
    memmove(lines->data, lines->next, rest);
  }
  lines->next = lines->whole = lines->data;
  lines->end = lines->data + rest;
  return STATUS_OK;
}

static bool skip_byte_order_mark(struct lines *lines) {
  if (lines->number > 0 || lines->end - lines->next < 3 || memcmp(lines->next, "\xef\xbb\xbf", 3) != 0) return false;
  lines->next += 3;
  return true;
}

enum status lines_fill(struct lines *lines, struct problem *problem) {
  while (lines->next == lines->whole) {
    if (lines->is_input_end) return STATUS_END;
    enum status status = make_room(lines, problem);
    size_t got = 0;
    if (!status) status = input_read(lines->input, lines->end, lines->capacity - (size_t)(lines->end - lines->data), &got, problem);
    if (status) return status;
    const bool is_first = lines->number == 0 && lines->end == lines->data;
    lines->end += got;
    if (is_first) (void)skip_byte_order_mark(lines);
    if (got == 0) {
      lines->is_input_end = true;
      if (lines->end > lines->next) *lines->end++ = lines->delimiter; /* the last line may lack its end; the padding has room */
    }
    const char *last = memrchr(lines->next, lines->delimiter, (size_t)(lines->end - lines->next));
    if (last)
      lines->whole = lines->data + (last - lines->data) + 1;
    else
      lines->whole = lines->next;
  }
  return STATUS_OK;
}

enum status lines_next(struct lines *lines, char **begin, char **end, struct problem *problem) {
  if (lines->next == lines->whole) {
    const enum status status = lines_fill(lines, problem);
    if (status) return status;
  }
  char *stop = memchr(lines->next, lines->delimiter, (size_t)(lines->whole - lines->next));
  *begin = lines->next;
  *end = stop;
  lines->next = stop + 1;
  lines->number++;
  if (lines->delimiter == '\n' && *end > *begin && (*end)[-1] == '\r') (*end)--;
  return STATUS_OK;
}
