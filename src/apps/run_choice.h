/* Options of every verb that runs a preset over recorded markets: the markets, account, costs, changed keys, what a kill switch means. */
#ifndef APPS_RUN_CHOICE_H
#define APPS_RUN_CHOICE_H

#include "apps/recorded.h"

enum { RUN_CHOICE_KEYS_MAX = 64 };

struct run_choice {
  struct run_options run;
  const char *set_keys[RUN_CHOICE_KEYS_MAX + 1];
  char max_trades[64];
};

/* What a verb brings. */
struct run_choice_reader {
  const struct app_option *own;
  int own_count;
  bool (*take_own)(struct app *app, void *context, int option, const char *value); /* false with a problem */
  void *context;
  struct recorded *recorded;
  const char **preset; /* NULL until it is read */
};

void run_choice_init(struct run_choice *choice);
/* Reads the arguments of a verb: PRESET, its own options, these and those of recorded markets. STATUS_BAD_CONFIG with a problem. */
NODISCARD enum status run_choice_read(struct run_choice *choice, const struct run_choice_reader *reader, struct app *app, int argc, char **argv);
/* The id of a run, as --run-id. False with a problem. */
bool run_choice_take_id(struct app *app, const char *value, const char **out);
#endif
