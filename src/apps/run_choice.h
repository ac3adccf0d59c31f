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

void run_choice_init(struct run_choice *choice);
/* Options of a verb: its own first (indices stay), then these and those of recorded markets. Returns their number; out has RECORDED_OPTIONS_MAX
 * places.
 */
int run_choice_list(struct app_option *out, const struct app_option *own, int own_count);
/* The id of a run, as --run-id. False with a problem. */
bool run_choice_take_id(struct app *app, const char *value, const char **out);
/* Takes an option behind the verb's own, counted from there. False with a problem. */
bool run_choice_take(struct run_choice *choice, struct recorded *recorded, struct app *app, int option, const char *value);

#endif
