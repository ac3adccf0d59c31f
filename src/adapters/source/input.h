/* The bytes of a recorded file, unpacked: plain, .zst, .gz, or the first member of a .zip. What it is follows from its first bytes, not from its
 * name, so a file with the wrong ending is read all the same. */
#ifndef ADAPTERS_SOURCE_INPUT_H
#define ADAPTERS_SOURCE_INPUT_H

#include <stddef.h>

#include "base/problem.h"
#include "base/status.h"

struct input;

/* Opens a regular file. Errors name the path in problem: NOT_FOUND, NO_PERMISSION, BAD_INPUT (a folder), NO_DATA (empty file). */
NODISCARD enum status input_open(struct input **input, const char *path, struct problem *problem);
/* The same over memory of the caller, which must outlive it. name is for messages. */
NODISCARD enum status input_open_bytes(struct input **input, const void *bytes, size_t size, const char *name, struct problem *problem);
/* The next bytes, at most size; *got is 0 only at the end. TRUNCATED when a packed stream stops early, CORRUPT when it is damaged. */
NODISCARD enum status input_read(struct input *input, char *out, size_t size, size_t *got, struct problem *problem);
const char *input_name(const struct input *input);
void input_close(struct input *input); /* NULL is allowed */

#endif
