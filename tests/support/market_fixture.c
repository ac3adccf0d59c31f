#include "support/market_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/clock/system_clock.h"
#include "adapters/source/generate.h"
#include "adapters/store/sqlite_store.h"
#include "base/calendar.h"
#include "base/text.h"
#include "support/no_runs.h"
#include "support/scratch.h"
#include "support/shape_check.h"

static const char *no_header(const struct http_request *request, const char *name) {
  (void)request;
  (void)name;
  return NULL;
}

static int64_t host_now(void *self) {
  const struct market_fixture *fixture = self;
  return engine_now(fixture->rig.engine);
}

static void host_step(void *self, struct event *event) {
  struct market_fixture *fixture = self;
  runner_step(&fixture->rig.runner, event);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  problem_add(problem, "not_found", name, NULL, NULL, "there is no preset %s", name);
  return STATUS_NOT_FOUND;
}

static int host_components(void *self, struct api_component *out, int max) {
  (void)self;
  assert_true(max >= 1);
  out[0] = (struct api_component){.name = "feed", .level = API_OK};
  return 1;
}

static void host_read_system(void *self, struct api_system *out) {
  (void)self;
  *out = (struct api_system){.database_kind = "sqlite", .database_bytes = -1, .journal_bytes = -1, .schema_version = 1};
}

static void watch(struct rig *rig, enum record_kind kind, const void *object) {
  struct market_fixture *fixture = rig->context;
  if (fixture->record_count == fixture->record_capacity) {
    fixture->record_capacity = fixture->record_capacity > 0 ? 2 * fixture->record_capacity : 1024;
    fixture->records = realloc(fixture->records, (size_t)fixture->record_capacity * sizeof fixture->records[0]);
    assert_non_null(fixture->records);
  }
  void *copy = malloc(record_schemas[kind]->size);
  assert_non_null(copy);
  memcpy(copy, object, record_schemas[kind]->size);
  fixture->records[fixture->record_count++] = (struct market_record){kind, copy};
  if (fixture->api != NULL) api_remember(fixture->api, kind, object);
}

static int64_t clock_ms(void *self) {
  (void)self;
  return RIG_START;
}

static int64_t clock_ns(void *self) {
  struct market_fixture *fixture = self;
  return fixture->now_ns += fixture->look_ns;
}

static void open_api(struct market_fixture *fixture) {
  const struct api_options options = {.host = {fixture, host_now, host_step, host_use_preset, host_components, .read_system = host_read_system},
                                      .engine = fixture->rig.engine,
                                      .metrics = fixture->metrics,
                                      .clock = &fixture->clock,
                                      .settings = &fixture->settings,
                                      .rows = &fixture->port,
                                      .runs = &no_runs,
                                      .webhook = fixture->webhook,
                                      .is_demo = true,
                                      .is_ready = true};
  assert_int_equal(api_open(&fixture->api, &options), STATUS_OK);
}

static void play(struct market_fixture *fixture) {
  enum { DAYS = 2 };
  struct rig_options options = rig_options();
  struct preset preset;
  options.symbols = MARKET_SYMBOLS;
  options.has_reference = true;
  options.slippage_bps = 5;
  for (int32_t i = 0; i < MARKET_SYMBOLS; i++) {
    rig_generate(&fixture->series[i], i == 1 ? (int)GENERATE_TREND : (int)GENERATE_BREAKOUTS, 7, i, DAYS);
  }
  rig_open(&fixture->rig, &options);
  fixture->rig.watch = watch;
  fixture->rig.context = fixture;
  rig_load_loose(&preset);
  rig_use(&fixture->rig, &preset);
  rig_play(&fixture->rig, fixture->series, RIG_START + DAY_MS);
  rig_command(&fixture->rig, COMMAND_START);
  rig_play(&fixture->rig, fixture->series, RIG_START + DAYS * DAY_MS);
}

void market_fixture_open(struct market_fixture *fixture) {
  char path[300];
  struct problem problem;
  problem_clear(&problem);
  memset(fixture, 0, sizeof *fixture);
  fixture->clock = (struct clock){.self = fixture, .now_ms = clock_ms, .monotonic_ns = clock_ns};
  assert_true(scratch_make(fixture->folder, sizeof fixture->folder, "market_fixture"));
  snprintf(path, sizeof path, "%s/bot.db", fixture->folder);
  fixture->settings.paper_starting_balance = 100000;
  text_copy(fixture->settings.data_dir, sizeof fixture->settings.data_dir, fixture->folder);
  text_copy(fixture->settings.presets_dir, sizeof fixture->settings.presets_dir, fixture->folder); /* the built-in ones */
  const struct sqlite_store_options store = {.path = path, .account = "paper", .may_migrate = true};
  assert_int_equal(sqlite_store_open(&fixture->store, &store, &problem), STATUS_OK);
  assert_int_equal(sqlite_rows_open(&fixture->rows, path, &problem), STATUS_OK);
  sqlite_rows_port(fixture->rows, &fixture->port);
  assert_int_equal(metrics_open(&fixture->metrics, system_clock()), STATUS_OK);
  play(fixture);
  market_fixture_restart(fixture, INT32_MAX);
}

void market_fixture_close(struct market_fixture *fixture) {
  json_free(fixture->body);
  buffer_deinit(&fixture->reply.body);
  api_close(fixture->api);
  metrics_close(fixture->metrics);
  sqlite_rows_close(fixture->rows);
  fixture->store.close(fixture->store.self);
  rig_close(&fixture->rig);
  rig_free_series(fixture->series, MARKET_SYMBOLS);
  for (int32_t i = 0; i < fixture->record_count; i++) free(fixture->records[i].object);
  free(fixture->records);
  assert_int_equal(scratch_remove(fixture->folder), 0);
}

void market_fixture_archive(struct market_fixture *fixture, int32_t behind) {
  struct store *store = &fixture->store;
  assert_int_equal(store->begin(store->self), STATUS_OK);
  for (; fixture->archived < fixture->record_count - behind; fixture->archived++) {
    const struct market_record *record = &fixture->records[fixture->archived];
    assert_int_equal(store->put(store->self, record->kind, (uint64_t)fixture->archived + 1, record->object), STATUS_OK);
  }
  assert_int_equal(store->commit(store->self), STATUS_OK);
}

void market_fixture_restart(struct market_fixture *fixture, int32_t remembered) {
  api_close(fixture->api);
  fixture->api = NULL;
  open_api(fixture);
  int32_t first = remembered < fixture->record_count ? fixture->record_count - remembered : 0;
  for (int32_t i = first; i < fixture->record_count; i++) api_remember(fixture->api, fixture->records[i].kind, fixture->records[i].object);
}

int market_fixture_ask(struct market_fixture *fixture, const char *method, const char *target, const char *body) {
  struct http_handler handler;
  struct http_request request = {
      .method = method, .target = target, .host = "127.0.0.1", .find_header = no_header, .address = "127.0.0.1", .id = "r1"};
  http_parse_target(&request, target);
  char *given = strdup(body != NULL ? body : ""); /* handlers wipe passwords out of it */
  assert_non_null(given);
  request.body = given;
  request.body_length = strlen(given);
  if (body != NULL) request.content_type = "application/json";
  buffer_deinit(&fixture->reply.body);
  json_free(fixture->body);
  fixture->reply = (struct http_reply){0};
  api_handler(fixture->api, &handler);
  handler.on_request(handler.context, &request, &fixture->reply);
  const char *text = fixture->reply.body.data;
  fixture->body = text != NULL ? json_parse(text, fixture->reply.body.length, JSON_STRICT, "reply", NULL) : NULL;
  if (text != NULL && strstr(fixture->reply.content_type, "json") != NULL) assert_non_null(fixture->body);
  assert_true(shape_check_answer(&request, &fixture->reply, fixture->body));
  free(given);
  return fixture->reply.status;
}

int market_fixture_get(struct market_fixture *fixture, const char *format, ...) {
  char target[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(target, sizeof target, format, arguments);
  va_end(arguments);
  return market_fixture_ask(fixture, "GET", target, NULL);
}

const struct json *market_fixture_at(const struct market_fixture *fixture, const char *path) {
  const struct json *at = fixture->body;
  char words[256];
  char *rest = NULL;
  text_copy(words, sizeof words, path);
  for (char *word = strtok_r(words, ".", &rest); word != NULL && at != NULL; word = strtok_r(NULL, ".", &rest)) {
    at = json_kind(at) == JSON_ARRAY ? json_item(at, (size_t)strtoul(word, NULL, 10)) : json_member(at, word);
  }
  return at;
}

const char *market_fixture_text(const struct market_fixture *fixture, const char *path) {
  const struct json *value = market_fixture_at(fixture, path);
  assert_non_null(value);
  return json_kind(value) == JSON_STRING ? json_string(value) : "";
}

double market_fixture_number(const struct market_fixture *fixture, const char *path) {
  const struct json *value = market_fixture_at(fixture, path);
  assert_non_null(value);
  return json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL ? json_number(value) : NAN;
}

int32_t market_fixture_count(const struct market_fixture *fixture, const char *path) {
  const struct json *value = market_fixture_at(fixture, path);
  assert_non_null(value);
  return (int32_t)json_size(value);
}

void market_fixture_near(double a, double b, double tolerance) {
  if (!(fabs(a - b) <= tolerance)) fail_msg("%.10g is not %.10g", a, b);
}
