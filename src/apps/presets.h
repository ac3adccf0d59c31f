/* The verb `presets`: list, show, validate, schema, diff, set, import, copy, delete, history, restore. */
#ifndef APPS_PRESETS_H
#define APPS_PRESETS_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "base/status.h"
#include "runner/preset_store.h"

enum presets_format { PRESETS_TEXT, PRESETS_JSON, PRESETS_CSV }; /* CSV: of the forms that print a table; the others print text */

/* arguments: those behind the word `presets`, options of every verb already taken out. Results go to out, what is wrong to problem. The exit code of
 * the program follows from the status. */
NODISCARD enum status presets_run(const struct preset_store *store, enum presets_format format, int64_t now_ms, int count, char *const *arguments,
                                  struct buffer *out, struct problem *problem);

#endif
