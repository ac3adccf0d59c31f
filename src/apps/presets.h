/* The verb `presets`: list, show, validate, schema, diff, set, import, copy, delete, history, restore. */
#ifndef APPS_PRESETS_H
#define APPS_PRESETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "base/status.h"
#include "runner/preset_store.h"

/* arguments: those behind the word `presets`, options of every verb already taken out. Results go to out (one JSON document with is_json), what is
 * wrong to problem. The exit code of the program follows from the status. */
NODISCARD enum status presets_run(const struct preset_store *store, bool is_json, int64_t now_ms, int count, char *const *arguments,
                                  struct buffer *out, struct problem *problem);

#endif
