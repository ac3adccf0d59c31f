#include "support/run_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/clock/system_clock.h"
#include "adapters/store/sqlite_rows.h"
#include "adapters/store/sqlite_store.h"
#include "support/quiet_venue.h"
#include "support/scratch.h"
#include "support/shape_check.h"

enum { PATH_BYTES = 512, TURNS_MAX = 120000 };

static struct {
  struct store store;
  struct sqlite_rows *rows;
  struct row_port port;
  int64_t now;
} database;

static int64_t host_now(void *self) {
  (void)self;
  return ++database.now;
}

static void host_step(void *self, struct event *event) {
  struct run_fixture *fixture = self;
  runner_step(&fixture->runner, event);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  problem_add(problem, "not_found", name, NULL, NULL, "no preset is used here");
  return STATUS_NOT_FOUND;
}

static int host_components(void *self, struct api_component *out, int max) {
  (void)self;
  (void)out;
  (void)max;
  return 0;
}

static void on_change(void *context, const char *id, bool has_ended) {
  struct run_fixture *fixture = context;
  ++fixture->changes;
  fixture->ends += has_ended ? 1 : 0;
  if (fixture->api != NULL) api_run_changed(fixture->api, id, has_ended);
}

/* <out>/tests/contract/test_x -> <out>/breakout */
static void find_program(char *out, size_t size) {
  ssize_t length = readlink("/proc/self/exe", out, size - 1);
  assert_true(length > 0);
  out[length] = '\0';
  for (int i = 0; i < 3; i++) *strrchr(out, '/') = '\0';
  strncat(out, "/breakout", size - strlen(out) - 1);
  assert_int_equal(access(out, X_OK), 0);
}

static void open_engine(struct run_fixture *fixture) {
  const struct engine_limits limits = {.symbols = 1, .base_ms = 60000};
  const struct engine_config config = {
      .instance = "000000", .venue = "paper", .feed = "demo", .starting_balance = 100000 * DECIMAL_ONE, .max_leverage = 10};
  assert_int_equal(arena_open(&fixture->arena, engine_memory(&limits)), STATUS_OK);
  fixture->engine = engine_init(&fixture->arena, &limits, &config, NULL);
  fixture->exchange = quiet_venue();
  assert_int_equal(runner_init(&fixture->runner, fixture->engine, &fixture->exchange, NULL, NULL, false), STATUS_OK);
  assert_int_equal(metrics_open(&fixture->metrics, system_clock()), STATUS_OK);
}

static void open_database(struct run_fixture *fixture) {
  char path[PATH_BYTES];
  struct problem problem;
  problem_clear(&problem);
  snprintf(path, sizeof path, "%s/breakout.db", fixture->folder);
  const struct sqlite_store_options options = {.path = path, .account = "paper", .may_migrate = true};
  assert_int_equal(sqlite_store_open(&database.store, &options, &problem), STATUS_OK);
  assert_int_equal(sqlite_rows_open(&database.rows, path, &problem), STATUS_OK);
  sqlite_rows_port(database.rows, &database.port);
  fixture->rows = &database.port;
}

static void open_server(struct run_fixture *fixture, int workers) {
  struct problem problem;
  problem_clear(&problem);
  const struct run_pool_options options = {.settings = &fixture->settings,
                                           .rows = &database.port,
                                           .clock = system_clock(),
                                           .program = fixture->program,
                                           .workers = workers,
                                           .on_change = on_change,
                                           .context = fixture};
  assert_int_equal(run_pool_open(&fixture->pool, &options, &problem), STATUS_OK);
  run_pool_port(fixture->pool, &fixture->run_port);
  const struct api_options api = {
      .host = {.self = fixture, .now = host_now, .step = host_step, .use_preset = host_use_preset, .components = host_components},
      .engine = fixture->engine,
      .metrics = fixture->metrics,
      .clock = system_clock(),
      .settings = &fixture->settings,
      .rows = &database.port,
      .runs = &fixture->run_port,
      .is_ready = true,
      .is_private = true};
  assert_int_equal(api_open(&fixture->api, &api), STATUS_OK);
}

static void close_server(struct run_fixture *fixture) {
  run_pool_close(fixture->pool);
  api_close(fixture->api);
  fixture->pool = NULL;
  fixture->api = NULL;
}

void run_fixture_open(struct run_fixture *fixture, int workers) {
  struct problem problem;
  problem_clear(&problem);
  *fixture = (struct run_fixture){0};
  find_program(fixture->program, sizeof fixture->program);
  const struct settings_input input = {.pair_count = 0};
  assert_int_equal(settings_load(&fixture->settings, &input, &problem), STATUS_OK);
  assert_true(scratch_make(fixture->folder, sizeof fixture->folder, "run_fixture"));
  snprintf(fixture->settings.data_dir, sizeof fixture->settings.data_dir, "%s/data", fixture->folder);
  snprintf(fixture->settings.presets_dir, sizeof fixture->settings.presets_dir, "%s/presets", fixture->folder);
  snprintf(fixture->settings.reports_dir, sizeof fixture->settings.reports_dir, "%s/reports", fixture->folder);
  fixture->settings.source[SETTING_INDEX_DATA_DIR] = SETTING_FROM_COMMAND_LINE;
  fixture->settings.source[SETTING_INDEX_PRESETS_DIR] = SETTING_FROM_COMMAND_LINE;
  open_database(fixture);
  open_engine(fixture);
  open_server(fixture, workers);
}

void run_fixture_restart(struct run_fixture *fixture, bool is_killed) {
  struct row_port port = database.port;
  /* Whoever is killed writes nothing more. */
  if (is_killed) {
    run_fixture_ask(fixture, "GET", "/api/backtests?status=running", NULL, NULL);
    char id[RUN_ID_BYTES];
    snprintf(id, sizeof id, "%s", run_fixture_text(fixture, "items.0.run_id"));
    close_server(fixture);
    struct rows_query query = {.table = "runs"};
    struct problem problem;
    problem_clear(&problem);
    rows_query_add(&query, "run_id", ROWS_EQUAL, id);
    const struct row_value values[] = {row_text("status", "running")};
    assert_int_equal(port.update(port.self, &query, values, 1, NULL, &problem), STATUS_OK);
  } else {
    close_server(fixture);
  }
  open_server(fixture, 1);
}

void run_fixture_close(struct run_fixture *fixture) {
  close_server(fixture);
  json_free(fixture->body);
  buffer_deinit(&fixture->reply.body);
  metrics_close(fixture->metrics);
  runner_deinit(&fixture->runner);
  arena_close(&fixture->arena);
  sqlite_rows_close(database.rows);
  database.store.close(database.store.self);
  assert_int_equal(scratch_remove(fixture->folder), 0);
}

/* ---- requests ---- */

static const char *given_match;

static const char *find_header(const struct http_request *request, const char *name) {
  (void)request;
  return strcmp(name, "If-Match") == 0 ? given_match : NULL;
}

int run_fixture_ask(struct run_fixture *fixture, const char *method, const char *target, const char *body, const char *if_match) {
  static struct http_request request; /* large */
  struct http_handler handler;
  buffer_deinit(&fixture->reply.body);
  json_free(fixture->body);
  fixture->body = NULL;
  fixture->reply = (struct http_reply){0};
  given_match = if_match;
  request = (struct http_request){.method = method,
                                  .target = target,
                                  .host = "localhost",
                                  .content_type = "application/json",
                                  .find_header = find_header,
                                  .body = body != NULL ? body : "",
                                  .body_length = body != NULL ? strlen(body) : 0,
                                  .id = "r-0"};
  text_copy(request.address, sizeof request.address, "127.0.0.1");
  http_parse_target(&request, target);
  api_handler(fixture->api, &handler);
  handler.on_request(handler.context, &request, &fixture->reply);
  const char *type = fixture->reply.content_type;
  bool is_json = type != NULL && (strcmp(type, "application/json") == 0 || strcmp(type, "application/problem+json") == 0);
  if (is_json) {
    fixture->body = json_parse(fixture->reply.body.data, fixture->reply.body.length, JSON_STRICT, target, NULL);
    assert_non_null(fixture->body);
  }
  assert_true(shape_check_answer(&request, &fixture->reply, fixture->body));
  return fixture->reply.status;
}

const char *run_fixture_field(const struct run_fixture *fixture, const char *name) {
  for (int i = 0; i < fixture->reply.field_count; i++) {
    if (strcmp(fixture->reply.fields[i].name, name) == 0) return fixture->reply.fields[i].value;
  }
  return "";
}

const struct json *run_fixture_at(const struct run_fixture *fixture, const char *path) {
  const struct json *at = fixture->body;
  char copy[160];
  char *rest;
  snprintf(copy, sizeof copy, "%s", path);
  for (char *word = strtok_r(copy, ".", &rest); word != NULL; word = strtok_r(NULL, ".", &rest)) {
    assert_non_null(at);
    if (json_kind(at) == JSON_ARRAY) {
      assert_true(strtoul(word, NULL, 10) < json_size(at));
      at = json_item(at, strtoul(word, NULL, 10));
    } else {
      assert_int_equal(json_kind(at), JSON_OBJECT);
      at = json_member(at, word);
    }
  }
  assert_non_null(at);
  return at;
}

const char *run_fixture_text(const struct run_fixture *fixture, const char *path) {
  const struct json *value = run_fixture_at(fixture, path);
  assert_int_equal(json_kind(value), JSON_STRING);
  return json_string(value);
}

double run_fixture_number(const struct run_fixture *fixture, const char *path) {
  const struct json *value = run_fixture_at(fixture, path);
  assert_true(json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL);
  return json_number(value);
}

/* ---- workers ---- */

static void turn(struct run_fixture *fixture) {
  struct pollfd files[RUN_WORKERS_MAX];
  int count = run_pool_files(fixture->pool, files);
  (void)poll(files, (nfds_t)count, 10);
  run_pool_turn(fixture->pool);
}

/* Idle is when the pool has nothing to do but to look for folders now and then. */
void run_fixture_settle(struct run_fixture *fixture) {
  struct run_pool *pool = fixture->pool;
  for (int i = 0; i < TURNS_MAX; i++) {
    turn(fixture);
    if (run_pool_timeout_ms(pool) > 1000) return;
  }
  fail_msg("workers do not end");
}

const char *run_fixture_wait(struct run_fixture *fixture, const char *id) {
  char target[64], wanted[RUN_ID_BYTES];
  struct run_progress progress;
  snprintf(wanted, sizeof wanted, "%s", id);
  snprintf(target, sizeof target, "/api/backtests/%s", wanted);
  for (int i = 0; i < TURNS_MAX && fixture->run_port.progress(fixture->run_port.self, wanted, &progress); i++) turn(fixture);
  assert_int_equal(run_fixture_ask(fixture, "GET", target, NULL, NULL), 200);
  return run_fixture_text(fixture, "status");
}

int run_fixture_worker(void) {
  char path[64];
  int pid = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%d", &pid), 1);
  fclose(file);
  return pid;
}

int run_fixture_program(const struct run_fixture *fixture, const char *words, const char *file) {
  char command[4096];
  snprintf(command, sizeof command, "cd %s && %s %s --set DATA_DIR=%s/data --set PRESETS_DIR=%s/presets >%s 2>&1", fixture->folder, fixture->program,
           words, fixture->folder, fixture->folder, file != NULL ? file : "/dev/null");
  int status = system(command);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void run_fixture_open_with_data(struct run_fixture *fixture, int workers) {
  run_fixture_open(fixture, workers);
  assert_int_equal(run_fixture_program(fixture, "data generate --scenario breakouts --days 5 --name gen", NULL), 0);
  run_fixture_restart(fixture, false);
  run_fixture_settle(fixture);
}
