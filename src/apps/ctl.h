/* Questions to the running server, for verbs that show its answers. */
#ifndef APPS_CTL_H
#define APPS_CTL_H

#include "apps/app.h"

/* GET target from the server of --url or BREAKOUT_URL. *out gets the body, also that of a refusal (problem JSON): STATUS_NOT_FOUND for 404,
 * STATUS_FAILED for any other. Without a server STATUS_NOT_RUNNING or STATUS_TIMED_OUT with the reason in app->problem. */
NODISCARD enum status ctl_get(struct app *app, const char *target, struct buffer *out);

#endif
