/* The verb `presets`: list, show, validate, schema, diff, set, import, copy, delete, history, restore. */
#ifndef APPS_PRESETS_H
#define APPS_PRESETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/problem.h"
#include "base/status.h"
#include "runner/preset_store.h"

enum presets_format { PRESETS_TEXT, PRESETS_JSON, PRESETS_CSV }; /* CSV: of the forms that print a table; the others print text */

enum { PRESETS_ARGUMENTS_MAX = 64 };

/* What was typed behind the word `presets`. */
struct presets_request {
  const struct preset_store *store;
  enum presets_format format;
  int64_t now_ms;
  int count; /* words without options; the first is the form, none is `list` */
  const char *words[PRESETS_ARGUMENTS_MAX];
  bool has_defaults, has_replace; /* --defaults, --replace */
  const char *key, *name;         /* values of --key and --name, or NULL */
};

/* Results go to out, what is wrong to problem. The exit code of the program follows from the status. */
NODISCARD enum status presets_run(const struct presets_request *request, struct buffer *out, struct problem *problem);

#endif
