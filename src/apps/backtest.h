/* What the verbs that run a backtest share. */
#ifndef APPS_BACKTEST_H
#define APPS_BACKTEST_H

#include "apps/result.h"

/* Prints a result in the output form at hand. folder: where its files are, "" none. */
void backtest_print(struct app *app, const struct result *result, const char *folder);

#endif
