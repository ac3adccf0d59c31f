/* What a person must read when an input is refused: a bounded list of items, each naming what, where and what is allowed. Levels append to the
 * same problem while a failure travels up. Messages never contain secrets. */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { PROBLEM_ITEMS_MAX = 64 };

struct problem_item {
  char code[32];     /* unknown_key, out_of_bounds, bad_row, ... */
  char path[160];    /* key path, file:line or option */
  char message[256]; /* one sentence */
  char value[64];    /* what was given, "" when not shown */
  char allowed[128]; /* nearest valid value or range, "" when none */
  bool is_warning;
};

struct problem {
  int count;  /* items kept */
  int errors; /* all errors seen, also those not kept */
  int warnings;
  struct problem_item items[PROBLEM_ITEMS_MAX];
};

void problem_clear(struct problem *problem);
/* Appends an error. problem may be NULL: then nothing is kept. value and allowed may be NULL. */
void problem_add(struct problem *problem, const char *code, const char *path, const char *value, const char *allowed, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
/* Same, as a warning. */
void problem_warn(struct problem *problem, const char *code, const char *path, const char *value, const char *allowed, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
bool problem_has_error(const struct problem *problem);
/* Prints all items, one a line: "error: path: message (value; allowed ...)". */
void problem_print(const struct problem *problem, void *file);

#endif
