/* Backtests and data sets through the API: real worker processes over generated markets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "support/run_fixture.h"

static struct run_fixture fixture;
static const char *const start_gen = "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\"}";

static int open_fixture(void **state) {
  (void)state;
  run_fixture_open_with_data(&fixture, 1);
  return 0;
}

static int close_fixture(void **state) {
  (void)state;
  run_fixture_close(&fixture);
  return 0;
}

static int ask(const char *method, const char *target, const char *body) {
  return run_fixture_ask(&fixture, method, target, body, NULL);
}

static const char *text(const char *path) {
  return run_fixture_text(&fixture, path);
}

/* Starts a run; its name into id. */
static void start(const char *body, char id[RUN_ID_BYTES]) {
  assert_int_equal(ask("POST", "/api/backtests", body), 202);
  snprintf(id, RUN_ID_BYTES, "%s", text("run_id"));
}

static int ask_about(const char *method, const char *id, const char *what, const char *body) {
  char target[128];
  snprintf(target, sizeof target, "/api/backtests/%s%s", id, what);
  return ask(method, target, body);
}

/* ---- data sets ---- */

static void data_sets_are_measured(void **state) {
  (void)state;
  assert_int_equal(ask("GET", "/api/datasets", NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "items")), 1);
  assert_string_equal(text("items.0.dataset_id"), "gen");
  assert_string_equal(text("items.0.status"), "ready");
  assert_string_equal(text("items.0.symbols.0"), "BTC/USDT:USDT");
  assert_true(run_fixture_number(&fixture, "items.0.rows") == 5 * 1440);
  assert_false(json_bool(run_fixture_at(&fixture, "items.0.built_in")));
  assert_int_equal(ask("GET", "/api/datasets/gen/quality", NULL), 200);
  assert_true(run_fixture_number(&fixture, "score") == 100);
  assert_true(json_bool(run_fixture_at(&fixture, "symbols.0.is_usable")));
  assert_int_equal(ask("GET", "/api/datasets/nothing", NULL), 404);
  assert_int_equal(ask("GET", "/api/datasets/..%2Fgen", NULL), 404);
}

static void files_are_imported(void **state) {
  (void)state;
  char body[600], id[RUN_ID_BYTES];
  snprintf(body, sizeof body, "{\"path\":\"%s/data/datasets/gen/BTCUSDT-1m.csv\",\"name\":\"copy\"}", fixture.folder);
  assert_int_equal(ask("POST", "/api/datasets/import", body), 202);
  assert_string_equal(text("kind"), "import");
  snprintf(id, sizeof id, "%s", text("run_id"));
  assert_int_equal(ask("POST", "/api/datasets/import", body), 409);
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  run_fixture_settle(&fixture);
  assert_int_equal(ask("GET", "/api/datasets/copy", NULL), 200);
  assert_string_equal(text("status"), "ready");
  assert_true(run_fixture_number(&fixture, "rows") == 5 * 1440);
  assert_int_equal(ask("POST", "/api/datasets/import", body), 409);
  assert_string_equal(text("code"), "already_exists");
  /* Imports are runs, but no backtests. */
  assert_int_equal(ask("GET", "/api/backtests?kind=import", NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "items")), 1);
  assert_int_equal(ask("DELETE", "/api/datasets/copy", NULL), 200);
  assert_int_equal(ask("GET", "/api/datasets/copy", NULL), 404);
  assert_int_equal(ask("DELETE", "/api/datasets/copy", NULL), 404);
}

static void rubbish_is_not_imported(void **state) {
  (void)state;
  char path[300], body[600], id[RUN_ID_BYTES];
  struct buffer rubbish = {0};
  struct problem problem;
  problem_clear(&problem);
  for (int i = 0; i < 100; i++) buffer_add_text(&rubbish, "this is no market\n");
  snprintf(path, sizeof path, "%s/rubbish.csv", fixture.folder);
  assert_int_equal(buffer_write_file(&rubbish, path, 0644, &problem), STATUS_OK);
  buffer_deinit(&rubbish);
  snprintf(body, sizeof body, "{\"path\":\"%s\",\"name\":\"rubbish\",\"symbol\":\"BTCUSDT\"}", path);
  assert_int_equal(ask("POST", "/api/datasets/import", body), 202);
  snprintf(id, sizeof id, "%s", text("run_id"));
  assert_string_equal(run_fixture_wait(&fixture, id), "failed");
  assert_true(strlen(text("error.message")) > 0);
  assert_int_equal(ask("GET", "/api/datasets/rubbish", NULL), 404);
}

/* ---- runs ---- */

static void digest_by_hand(char out[DIGEST_TEXT_MAX]) {
  char path[300];
  struct buffer file = {0};
  struct problem problem;
  problem_clear(&problem);
  snprintf(path, sizeof path, "%s/by_hand.json", fixture.folder);
  assert_int_equal(run_fixture_program(&fixture, "backtest breakout_v1 --data gen --json -q --export none", path), 0);
  assert_int_equal(buffer_read_file(&file, path, 1 << 24, &problem), STATUS_OK);
  struct json *document = json_parse(file.data, file.length, JSON_STRICT, path, &problem);
  assert_non_null(document);
  snprintf(out, DIGEST_TEXT_MAX, "%s", json_string(json_member(document, "digest")));
  json_free(document);
  buffer_deinit(&file);
}

static void a_run_is_that_of_the_program(void **state) {
  (void)state;
  char id[RUN_ID_BYTES], digest[DIGEST_TEXT_MAX], by_hand[DIGEST_TEXT_MAX];
  int ends = fixture.ends, changes = fixture.changes;
  start(start_gen, id);
  assert_string_equal(text("status"), "running");
  assert_int_equal(ask_about("GET", id, "/progress", NULL), 200);
  assert_int_equal(ask_about("GET", id, "/result", NULL), 409);
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  assert_int_equal(fixture.ends, ends + 1);
  assert_true(fixture.changes > changes + 1);
  assert_true(run_fixture_number(&fixture, "progress") == 1);
  snprintf(digest, sizeof digest, "%s", text("digest"));
  int64_t trades = (int64_t)run_fixture_number(&fixture, "summary.total_trades");
  digest_by_hand(by_hand);
  assert_string_equal(digest, by_hand);

  assert_int_equal(ask_about("GET", id, "/result", NULL), 200);
  assert_string_equal(text("run_id"), id);
  assert_string_equal(text("digest"), digest);
  assert_true(run_fixture_number(&fixture, "metrics.total_trades") == (double)trades);
  assert_int_equal(json_size(run_fixture_at(&fixture, "trades")), trades);
  assert_int_equal(ask_about("GET", id, "/trades?limit=1000", NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "items")), trades);
  char target[96];
  snprintf(target, sizeof target, "/api/performance/r-distribution?run_id=%s", id);
  assert_int_equal(ask("GET", target, NULL), 200);
  int64_t counted = 0;
  for (size_t i = 0; i < json_size(run_fixture_at(&fixture, "items")); i++) {
    snprintf(target, sizeof target, "items.%zu.count", i);
    counted += (int64_t)run_fixture_number(&fixture, target);
  }
  assert_int_equal(counted, trades);
  assert_int_equal(ask_about("GET", id, "/decisions?limit=3&stage=signal", NULL), 200);
  size_t of_run = json_size(run_fixture_at(&fixture, "items"));
  if (of_run > 0) assert_string_equal(text("items.0.run_id"), id);
  snprintf(target, sizeof target, "/api/decisions?run_id=%s&limit=3&stage=signal", id);
  assert_int_equal(ask("GET", target, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "items")), of_run);
  size_t decisions = json_size(run_fixture_at(&fixture, "items"));
  for (size_t i = 0; i < decisions; i++) {
    char path[64];
    snprintf(path, sizeof path, "items.%zu.stage", i);
    assert_string_equal(text(path), "signal");
  }
  assert_int_equal(ask_about("GET", id, "/report", NULL), 200);
  assert_string_equal(fixture.reply.content_type, "text/html; charset=utf-8");
  assert_non_null(strstr(fixture.reply.body.data, "<html"));
  assert_non_null(strstr(fixture.reply.content_policy, "default-src 'none'"));
  assert_int_equal(ask_about("GET", id, "/trades?format=csv", NULL), 200);
  assert_memory_equal(fixture.reply.body.data, "trade_id,", 9);
}

static void equity_has_pages(void **state) {
  (void)state;
  char id[RUN_ID_BYTES], target[64];
  start(start_gen, id);
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  assert_int_equal(ask_about("GET", id, "/equity?order=asc&limit=1", NULL), 200);
  int64_t total = (int64_t)run_fixture_number(&fixture, "total");
  assert_true(total >= 2);
  assert_true(run_fixture_number(&fixture, "items.0.equity_usd") == 100000);
  double first = run_fixture_number(&fixture, "items.0.ts");
  snprintf(target, sizeof target, "/equity?order=asc&limit=1&cursor=%s", text("next_cursor"));
  assert_int_equal(ask_about("GET", id, target, NULL), 200);
  assert_true(run_fixture_number(&fixture, "items.0.ts") > first);
  assert_int_equal(ask_about("GET", id, "/equity?cursor=B", NULL), 400);
  assert_int_equal(ask_about("GET", id, "/equity?format=csv&limit=1000", NULL), 200);
  assert_non_null(strstr(fixture.reply.body.data, "ts,equity_usd,"));
}

static void runs_are_compared(void **state) {
  (void)state;
  char a[RUN_ID_BYTES], b[RUN_ID_BYTES], target[128];
  start(start_gen, a);
  start("{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"starting_balance\":5000,\"costs\":{\"slippage_bps\":1}}", b);
  assert_string_equal(run_fixture_wait(&fixture, a), "done");
  assert_string_equal(run_fixture_wait(&fixture, b), "done");
  snprintf(target, sizeof target, "/api/backtests/compare?ids=%s,%s", a, b);
  assert_int_equal(ask("GET", target, NULL), 200);
  assert_string_equal(text("runs.1.run_id"), b);
  assert_string_equal(text("metrics.0.name"), "total_trades");
  assert_int_equal(json_size(run_fixture_at(&fixture, "metrics.0.values")), 2);
  assert_int_equal(json_size(run_fixture_at(&fixture, "differences")), 2);
  assert_string_equal(text("differences.0.key"), "starting_balance");
  assert_int_equal(json_kind(run_fixture_at(&fixture, "differences.0.values.0")), JSON_NULL);
  assert_true(run_fixture_number(&fixture, "differences.0.values.1") == 5000);
  assert_string_equal(text("differences.1.key"), "costs");
  assert_int_equal(ask("GET", "/api/backtests/compare?ids=B000001", NULL), 400);
  snprintf(target, sizeof target, "/api/backtests/compare?ids=%s,B999999", a);
  assert_int_equal(ask("GET", target, NULL), 404);
}

/* A preset that is nowhere stored trades as well; its digest is that of its own. */
static void a_config_is_enough(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  struct buffer body = {0};
  assert_int_equal(ask("GET", "/api/presets/breakout_v1", NULL), 200);
  struct json_writer writer;
  json_writer_init(&writer, &body, false);
  json_begin_object(&writer, NULL);
  json_add_value(&writer, "config", run_fixture_at(&fixture, "config"));
  json_add_string(&writer, "dataset_id", "gen");
  json_end_object(&writer);
  start(body.data, id);
  assert_string_equal(text("preset"), "breakout_v1");
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  buffer_deinit(&body);
}

static void look_ahead_is_checked(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start("{\"kind\":\"lookahead\",\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"params\":{\"cuts\":2}}", id);
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  assert_true(json_bool(run_fixture_at(&fixture, "lookahead.passed")));
  assert_true(run_fixture_number(&fixture, "lookahead.cuts") == 2);
  assert_int_equal(ask_about("GET", id, "/result", NULL), 409);
}

/* ---- ends ---- */

static void a_run_is_cancelled(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start(start_gen, id);
  assert_int_equal(ask_about("DELETE", id, "", NULL), 409);
  assert_int_equal(ask_about("POST", id, "/cancel", "{}"), 200);
  assert_string_equal(run_fixture_wait(&fixture, id), "cancelled");
  assert_int_equal(ask_about("POST", id, "/cancel", "{}"), 409);
  assert_string_equal(text("code"), "not_cancellable");
  assert_int_equal(ask_about("DELETE", id, "", NULL), 200);
  assert_int_equal(ask_about("GET", id, "", NULL), 404);
  char folder[700];
  struct stat info;
  snprintf(folder, sizeof folder, "%s/backtests/%s", fixture.settings.reports_dir, id);
  assert_int_equal(stat(folder, &info), -1);
}

static void a_killed_worker_is_noticed(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start(start_gen, id);
  assert_int_equal(kill(run_fixture_worker(), SIGKILL), 0);
  assert_string_equal(run_fixture_wait(&fixture, id), "failed");
  assert_string_equal(text("error.message"), "the worker was ended by signal 9");
}

static void the_queue_has_an_end(void **state) {
  (void)state;
  char ids[RUN_QUEUE_MAX][RUN_ID_BYTES];
  start(start_gen, ids[0]);
  int worker = run_fixture_worker();
  assert_int_equal(kill(worker, SIGSTOP), 0);
  for (int i = 1; i < RUN_QUEUE_MAX; i++) {
    start(start_gen, ids[i]);
    assert_string_equal(text("status"), "queued");
  }
  assert_int_equal(ask("POST", "/api/backtests", start_gen), 503);
  assert_int_equal(fixture.reply.retry_after_s, 30);
  assert_int_equal(ask("DELETE", "/api/datasets/gen", NULL), 409);
  assert_int_equal(ask("GET", "/api/backtests?status=queued&limit=2", NULL), 200);
  assert_true(run_fixture_number(&fixture, "total") == RUN_QUEUE_MAX - 1);
  assert_string_equal(text("items.0.run_id"), ids[RUN_QUEUE_MAX - 1]);
  char target[96];
  snprintf(target, sizeof target, "/api/backtests?status=queued&limit=2&cursor=%s", text("next_cursor"));
  assert_int_equal(ask("GET", target, NULL), 200);
  assert_string_equal(text("items.0.run_id"), ids[RUN_QUEUE_MAX - 3]);
  for (int i = RUN_QUEUE_MAX - 1; i > 0; i--) {
    assert_int_equal(ask_about("POST", ids[i], "/cancel", "{}"), 200);
    assert_string_equal(text("status"), "cancelled");
  }
  assert_int_equal(kill(worker, SIGCONT), 0);
  assert_string_equal(run_fixture_wait(&fixture, ids[0]), "done");
}

/* In good order: what went on begins again, what waited waits. After a kill: what went on has failed. */
static void restarts_are_told(void **state) {
  (void)state;
  char first[RUN_ID_BYTES], second[RUN_ID_BYTES];
  start(start_gen, first);
  assert_int_equal(kill(run_fixture_worker(), SIGSTOP), 0);
  start(start_gen, second);
  run_fixture_restart(&fixture, false);
  assert_string_equal(run_fixture_wait(&fixture, first), "done");
  assert_string_equal(run_fixture_wait(&fixture, second), "done");
  start(start_gen, first);
  assert_int_equal(kill(run_fixture_worker(), SIGSTOP), 0);
  start(start_gen, second);
  run_fixture_restart(&fixture, true);
  assert_string_equal(run_fixture_wait(&fixture, first), "failed");
  assert_string_equal(text("error.code"), "server_ended");
  assert_string_equal(run_fixture_wait(&fixture, second), "done");
}

static void a_range_without_data_fails(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start("{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"from\":1900000000000}", id);
  assert_string_equal(run_fixture_wait(&fixture, id), "failed");
  assert_string_equal(text("error.code"), "no_data");
}

/* ---- searches ---- */

static void a_walk_forward_is_run(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start(
      "{\"kind\":\"walk_forward\",\"preset\":\"channel_baseline\",\"dataset_id\":\"gen\",\"starting_balance\":1000,\"params\":{\"parameters\":"
      "{\"channel_config.period\":[10,20,1],\"channel_config.target_r\":\"1:2:1\"},\"min_trades\":1,\"in_days\":2,\"out_days\":1,\"purge_hours\":4,"
      "\"draws\":50}}",
      id);
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  assert_string_equal(text("kind"), "walk_forward");
  assert_true(run_fixture_number(&fixture, "summary.total_trades") > 0);
  assert_true(strlen(text("digest")) == 64);
  assert_int_equal(ask_about("GET", id, "/search", NULL), 200);
  assert_string_equal(text("kind"), "optimize");
  assert_string_equal(text("run_id"), id);
  assert_true(run_fixture_number(&fixture, "search.sets") == 6);
  assert_true(run_fixture_number(&fixture, "search.invalid") == 2);
  assert_int_equal(json_size(run_fixture_at(&fixture, "sets")), 4);
  assert_true(run_fixture_number(&fixture, "walk_forward.purge_ms") == 4 * 3600000);
  assert_int_equal(json_size(run_fixture_at(&fixture, "walk_forward.windows")), 2);
  assert_true(run_fixture_number(&fixture, "monte_carlo.draws") == 50);
  /* What backtests have, it has not. */
  assert_int_equal(ask_about("GET", id, "/result", NULL), 409);
  assert_int_equal(ask_about("GET", id, "/trades", NULL), 409);
  assert_int_equal(ask("GET", "/api/backtests?kind=walk_forward", NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "items")), 1);
  assert_int_equal(ask_about("DELETE", id, "", NULL), 200);
}

static void a_monte_carlo_is_run(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  start("{\"kind\":\"monte_carlo\",\"preset\":\"channel_baseline\",\"dataset_id\":\"gen\",\"starting_balance\":1000,\"params\":{\"draws\":20}}", id);
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  assert_int_equal(ask_about("GET", id, "/search", NULL), 200);
  assert_true(run_fixture_number(&fixture, "search.sets") == 1);
  assert_true(run_fixture_number(&fixture, "monte_carlo.trades") > 0);
  assert_int_equal(ask_about("DELETE", id, "", NULL), 200);
}

static void searches_are_checked(void **state) {
  (void)state;
  static const struct {
    const char *kind, *params, *path;
  } rows[] = {
      {"sweep", "{}", "params.parameters"},
      {"sweep", "{\"parameters\":{}}", "params.parameters"},
      {"sweep", "{\"parameters\":{\"channel_config.perod\":[1]}}", "params.parameters.channel_config.perod"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":5}}", "params.parameters.channel_config.period"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":[]}}", "params.parameters.channel_config.period"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":[[1]]}}", "params.parameters.channel_config.period"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":[5]},\"method\":\"magic\"}", "params.method"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":[5]},\"objective\":\"sharp\"}", "params.objective"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":[5]},\"samples\":0}", "params.samples"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":[5]},\"samples\":1.5}", "params.samples"},
      {"sweep", "{\"parameters\":{\"channel_config.period\":[5]},\"in_days\":5}", "params.in_days"},
      {"walk_forward", "{\"parameters\":{\"channel_config.period\":[5]},\"in_days\":5}", "params.out_days"},
      {"walk_forward", "{\"parameters\":{\"channel_config.period\":[5]},\"in_days\":5,\"out_days\":2,\"step_days\":1}", "params.step_days"},
      {"monte_carlo", "{}", "params.draws"},
      {"monte_carlo", "{\"draws\":10,\"parameters\":{}}", "params.parameters"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char body[512];
    snprintf(body, sizeof body, "{\"kind\":\"%s\",\"preset\":\"channel_baseline\",\"dataset_id\":\"gen\",\"params\":%s}", rows[i].kind,
             rows[i].params);
    int status = ask("POST", "/api/backtests", body);
    if (status != 422) fail_msg("%s: %d", body, status);
    if (strcmp(text("errors.0.path"), rows[i].path) != 0) fail_msg("%s: %s", body, text("errors.0.path"));
  }
}

static void bad_requests_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *method, *target, *body;
    int status;
  } rows[] = {
      {"POST", "/api/backtests", "{}", 422},
      {"POST", "/api/backtests", "{\"dataset_id\":\"gen\"}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"config\":{},\"dataset_id\":\"gen\"}", 422},
      {"POST", "/api/backtests", "{\"config\":{},\"dataset_id\":\"gen\"}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"nothing\"}", 404},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"../gen\"}", 404},
      {"POST", "/api/backtests", "{\"preset\":\"nothing\",\"dataset_id\":\"gen\"}", 404},
      {"POST", "/api/backtests", "{\"preset\":\"../../etc/passwd\",\"dataset_id\":\"gen\"}", 404},
      {"POST", "/api/backtests", "{\"preset\":\"/etc/passwd.json\",\"dataset_id\":\"gen\"}", 404},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"kind\":\"sweep\"}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"kind\":\"walk_forward\"}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"kind\":\"monte_carlo\"}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"kind\":\"magic\"}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"from\":10,\"to\":5}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"from\":-1}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"starting_balance\":1}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"costs\":{\"slippage_bps\":1e9}}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"costs\":{\"more\":1}}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"symbols\":[\"--html\"]}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"symbols\":[5]}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"params\":{\"more\":1}}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"seed\":-1}", 422},
      {"POST", "/api/backtests", "{\"preset\":\"breakout_v1\",\"dataset_id\":\"gen\",\"more\":1}", 422},
      {"GET", "/api/backtests/B999999", NULL, 404},
      {"GET", "/api/backtests/..%2Fx/result", NULL, 404},
      {"GET", "/api/backtests/B1%2F..%2F..%2Fx/report", NULL, 404},
      {"POST", "/api/backtests/B999999/cancel", "{}", 404},
      {"DELETE", "/api/backtests/B999999", NULL, 404},
      {"GET", "/api/backtests?status=magic", NULL, 400},
      {"GET", "/api/backtests?kind=magic", NULL, 400},
      {"GET", "/api/backtests?cursor=x", NULL, 400},
      {"GET", "/api/backtests?limit=0", NULL, 400},
      {"POST", "/api/datasets/import", "{\"path\":\"/nonexistent\",\"name\":\"x\"}", 422},
      {"POST", "/api/datasets/import", "{\"path\":\"/etc/passwd\",\"name\":\"../x\"}", 422},
      {"POST", "/api/datasets/import", "{\"path\":\"/etc/passwd,/etc/group\",\"name\":\"x\"}", 422},
      {"POST", "/api/datasets/import", "{\"path\":\"\",\"name\":\"x\"}", 422},
      {"POST", "/api/datasets/download", "{\"venue\":\"bybit\",\"symbols\":[],\"from\":1,\"to\":2,\"kinds\":[\"candles\"]}", 501},
      {"DELETE", "/api/datasets/..%2Fpresets", NULL, 404},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int status = ask(rows[i].method, rows[i].target, rows[i].body);
    if (status != rows[i].status)
      fail_msg("%s %s %s: %d, not %d", rows[i].method, rows[i].target, rows[i].body != NULL ? rows[i].body : "", status, rows[i].status);
  }
  run_fixture_settle(&fixture);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_sets_are_measured),   cmocka_unit_test(files_are_imported),           cmocka_unit_test(rubbish_is_not_imported),
      cmocka_unit_test(bad_requests_are_refused), cmocka_unit_test(a_run_is_that_of_the_program), cmocka_unit_test(equity_has_pages),
      cmocka_unit_test(runs_are_compared),        cmocka_unit_test(a_config_is_enough),           cmocka_unit_test(look_ahead_is_checked),
      cmocka_unit_test(a_run_is_cancelled),       cmocka_unit_test(a_killed_worker_is_noticed),   cmocka_unit_test(the_queue_has_an_end),
      cmocka_unit_test(restarts_are_told),        cmocka_unit_test(a_range_without_data_fails),   cmocka_unit_test(a_walk_forward_is_run),
      cmocka_unit_test(a_monte_carlo_is_run),     cmocka_unit_test(searches_are_checked),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
