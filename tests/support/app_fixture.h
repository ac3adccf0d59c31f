/* What a verb of the program stands on, without one. */
#ifndef TESTS_SUPPORT_APP_FIXTURE_H
#define TESTS_SUPPORT_APP_FIXTURE_H

#include "apps/app.h"

/* Fails the test with the problem printed. */
void app_fixture_ok(struct app *app, enum status status);
/* Settings of neither environment nor files. */
void app_fixture_settings(struct app *app);

#endif
