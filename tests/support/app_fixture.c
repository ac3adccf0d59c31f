#include "support/app_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

void app_fixture_ok(struct app *app, enum status status) {
  if (status) problem_print(&app->problem, stderr);
  assert_int_equal(status, STATUS_OK);
}

void app_fixture_settings(struct app *app) {
  char *const nothing[] = {NULL};
  struct settings_input input = {.environment = nothing, .files = (const char *const[]){"/dev/null"}, .file_count = 1};
  problem_clear(&app->problem);
  app_fixture_ok(app, settings_load(&app->settings, &input, &app->problem));
}
