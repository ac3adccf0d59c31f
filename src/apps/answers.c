#include "apps/answers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "adapters/clock/system_clock.h"
#include "apps/ctl.h"
#include "base/text.h"
#include "runner/http.h"

static int64_t never_now(void *self) {
  (void)self;
  return 0;
}

static void never_step(void *self, struct event *event) {
  (void)self;
  (void)event;
}

static enum status never_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  (void)name;
  problem_add(problem, "not_in_version", "preset", NULL, NULL, "only questions are answered here");
  return STATUS_NOT_IN_VERSION;
}

static int no_components(void *self, struct api_component *out, int max) {
  (void)self;
  (void)out;
  (void)max;
  return 0;
}

enum status answers_open(struct answers *answers, const struct wiring *wiring) {
  *answers = (struct answers){0};
  enum status status = metrics_open(&answers->metrics, system_clock());
  struct api_options options = {.host = {.now = never_now, .step = never_step, .use_preset = never_use_preset, .components = no_components},
                                .engine = wiring->engine,
                                .metrics = answers->metrics,
                                .clock = system_clock(),
                                .settings = &wiring->app->settings,
                                .is_ready = true,
                                .is_private = true};
  if (!status) status = api_open(&answers->api, &options);
  if (status) answers_close(answers);
  return status;
}

void answers_close(struct answers *answers) {
  api_close(answers->api);
  metrics_close(answers->metrics);
  *answers = (struct answers){0};
}

static enum status ask_here(const struct answers *answers, const char *target, struct buffer *out, int *http) {
  static struct http_request request; /* large */
  struct http_reply reply = {0};
  struct http_handler handler;
  request = (struct http_request){.method = "GET", .target = target, .host = "localhost", .body = "", .id = "r-0"};
  text_copy(request.address, sizeof request.address, "127.0.0.1");
  http_parse_target(&request, target);
  api_handler(answers->api, &handler);
  handler.on_request(handler.context, &request, &reply);
  *http = reply.status;
  buffer_add(out, reply.body.data, reply.body.length);
  buffer_deinit(&reply.body);
  if (reply.status == 404) return STATUS_NOT_FOUND;
  return reply.status / 100 == 2 ? STATUS_OK : STATUS_FAILED;
}

struct json *answers_get(struct app *app, const struct answers *answers, const char *target, enum status *status) {
  struct buffer text = {0};
  int http = 0;
  *status = answers != NULL ? ask_here(answers, target, &text, &http) : ctl_get(app, target, &text);
  struct json *document = NULL;
  if (text.length > 0) document = json_parse(text.data, text.length, JSON_STRICT, target, *status ? NULL : &app->problem);
  if (!*status && text.length > 0 && document == NULL) *status = STATUS_BAD_FORMAT;
  buffer_deinit(&text);
  if (!*status) return document;
  if (app->problem.count == 0) {
    const char *detail = document != NULL ? answers_text(document, "detail") : status_text(*status);
    problem_add(&app->problem, status_name(*status), target, NULL, NULL, "%s", detail);
  }
  json_free(document);
  return NULL;
}

const char *answers_text(const struct json *object, const char *key) {
  const struct json *value = object != NULL && json_kind(object) == JSON_OBJECT ? json_member(object, key) : NULL;
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : "-";
}

double answers_number(const struct json *object, const char *key) {
  const struct json *value = object != NULL && json_kind(object) == JSON_OBJECT ? json_member(object, key) : NULL;
  bool is_number = value != NULL && (json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL);
  return is_number ? json_number(value) : NAN;
}

bool answers_bool(const struct json *object, const char *key) {
  const struct json *value = object != NULL && json_kind(object) == JSON_OBJECT ? json_member(object, key) : NULL;
  return value != NULL && json_kind(value) == JSON_BOOL && json_bool(value);
}

const char *answers_cell(double value, int places, char out[40]) {
  struct text text;
  text_init(&text, out, 40);
  if (isfinite(value)) {
    text_add_double(&text, value, places);
  } else {
    text_add(&text, "-");
  }
  return out;
}

/* ---- printing a document again ---- */

void answers_copy(const struct json *document, bool is_pretty, struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, is_pretty);
  json_add_value(&writer, NULL, document);
  buffer_add_text(out, "\n");
}
