/* Presets through the API: real files, real rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/preset_store.h"
#include "support/run_fixture.h"

static struct run_fixture fixture;

static int open_fixture(void **state) {
  (void)state;
  run_fixture_open(&fixture, 1);
  return 0;
}

static int close_fixture(void **state) {
  (void)state;
  run_fixture_close(&fixture);
  return 0;
}

static int ask(const char *method, const char *target, const char *body, const char *if_match) {
  return run_fixture_ask(&fixture, method, target, body, if_match);
}

static const char *text(const char *path) {
  return run_fixture_text(&fixture, path);
}

/* breakout_v1 under another name, one key changed; the caller frees. */
static char *config_of(const char *name, const char *key, const char *value) {
  struct preset_store store;
  struct preset preset;
  struct problem problem;
  struct buffer out = {0};
  problem_clear(&problem);
  preset_store_init(&store, "/nonexistent", "/nonexistent");
  assert_int_equal(preset_store_load(&store, "breakout_v1", &preset, NULL, &problem), STATUS_OK);
  assert_int_equal(preset_set_key(&preset, "name", name, &problem), STATUS_OK);
  if (key != NULL) assert_int_equal(preset_set_key(&preset, key, value, &problem), STATUS_OK);
  buffer_add_text(&out, "{\"config\":");
  preset_print_file(&preset, &out);
  buffer_add_text(&out, "}");
  return out.data;
}

static int send_config(const char *method, const char *target, const char *name, const char *key, const char *value, const char *if_match) {
  char *body = config_of(name, key, value);
  int status = ask(method, target, body, if_match);
  free(body);
  return status;
}

static void presets_are_listed_and_read(void **state) {
  (void)state;
  assert_int_equal(ask("GET", "/api/presets", NULL, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "items")), 16);
  assert_string_equal(text("items.0.name"), "breakout_v1");
  assert_true(json_bool(run_fixture_at(&fixture, "items.0.built_in")));
  assert_false(json_bool(run_fixture_at(&fixture, "items.0.in_use")));
  assert_true(run_fixture_number(&fixture, "items.0.risk_per_trade") == 0.015);
  assert_int_equal(ask("GET", "/api/presets/breakout_v1", NULL, NULL), 200);
  char etag[80];
  snprintf(etag, sizeof etag, "\"%s\"", text("hash"));
  assert_string_equal(run_fixture_field(&fixture, "ETag"), etag);
  assert_true(run_fixture_number(&fixture, "config.risk.risk_per_trade") == 0.015);
}

static void the_schema_has_units(void **state) {
  (void)state;
  assert_int_equal(ask("GET", "/api/presets/schema", NULL, NULL), 200);
  assert_string_equal(text("$schema"), "https://json-schema.org/draft/2020-12/schema");
  assert_string_equal(text("properties.risk.properties.risk_per_trade.x-unit"), "fraction of equity");
  assert_string_equal(text("properties.risk.properties.risk_per_trade.x-active-when"), "always");
  assert_string_equal(text("properties.risk.properties.risk_per_trade.x-used-in"), "risk 2");
}

static void two_presets_are_compared(void **state) {
  (void)state;
  assert_int_equal(ask("GET", "/api/presets/compare?a=breakout_v1&b=smallcap_top_gainers", NULL, NULL), 200);
  assert_true(json_size(run_fixture_at(&fixture, "differences")) > 20);
  assert_int_equal(ask("GET", "/api/presets/compare?a=breakout_v1&b=breakout_v1", NULL, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "differences")), 0);
  assert_int_equal(ask("GET", "/api/presets/compare?a=breakout_v1", NULL, NULL), 400);
  assert_int_equal(ask("GET", "/api/presets/compare?a=breakout_v1&b=nothing_at_all", NULL, NULL), 404);
}

static void validation_tells_everything(void **state) {
  (void)state;
  char *body = config_of("mine", NULL, NULL);
  assert_int_equal(ask("POST", "/api/presets/validate", body, NULL), 200);
  assert_true(json_bool(run_fixture_at(&fixture, "valid")));
  assert_int_equal(strlen(text("hash")), 64);
  free(body);
  body = config_of("mine", NULL, NULL);
  /* An unknown key, a wrong type and a value out of bounds at once. */
  char *key = strstr(body, "\"risk_per_trade\": 0.015");
  assert_non_null(key);
  memcpy(key, "\"risk_per_trde\": \"0.01\"", strlen("\"risk_per_trade\": 0.015"));
  key = strstr(body, "\"max_concurrent_positions\": 3");
  assert_non_null(key);
  key[strlen("\"max_concurrent_positions\": ")] = '0';
  assert_int_equal(ask("POST", "/api/presets/validate", body, NULL), 200);
  assert_false(json_bool(run_fixture_at(&fixture, "valid")));
  const struct json *errors = run_fixture_at(&fixture, "errors");
  bool has_nearest = false, has_bounds = false, has_missing = false;
  for (size_t i = 0; i < json_size(errors); i++) {
    const struct json *item = json_item(errors, i);
    const char *code = json_string(json_member(item, "code"));
    const struct json *allowed = json_member(item, "allowed");
    has_nearest = has_nearest || (strcmp(code, "unknown_key") == 0 && strstr(json_string(allowed), "risk_per_trade") != NULL);
    has_bounds = has_bounds || strcmp(code, "out_of_bounds") == 0;
    has_missing = has_missing || strcmp(code, "missing_key") == 0;
  }
  assert_true(has_nearest && has_bounds && has_missing);
  free(body);
  body = config_of("mine", NULL, NULL);
  body[strlen(body) - 1] = '\0'; /* the last brace is lost */
  assert_int_equal(ask("POST", "/api/presets/validate", body, NULL), 400);
  free(body);
}

static void a_preset_lives(void **state) {
  (void)state;
  char etag[HTTP_FIELD_BYTES], id[48];
  assert_int_equal(send_config("POST", "/api/presets", "mine", NULL, NULL, NULL), 201);
  assert_string_equal(text("name"), "mine");
  assert_false(json_bool(run_fixture_at(&fixture, "built_in")));
  snprintf(etag, sizeof etag, "%s", run_fixture_field(&fixture, "ETag"));
  assert_int_equal(send_config("POST", "/api/presets", "mine", NULL, NULL, NULL), 409);
  assert_string_equal(text("code"), "already_exists");
  /* Changed by who knows what it was; the old tag is worth nothing afterwards. */
  assert_int_equal(send_config("PUT", "/api/presets/mine", "mine", "risk.risk_per_trade", "0.01", NULL), 412);
  assert_int_equal(send_config("PUT", "/api/presets/mine", "mine", "risk.risk_per_trade", "0.01", "\"wrong\""), 412);
  assert_string_equal(text("code"), "etag_mismatch");
  assert_int_equal(send_config("PUT", "/api/presets/mine", "mine", "risk.risk_per_trade", "0.01", etag), 200);
  assert_true(run_fixture_number(&fixture, "config.risk.risk_per_trade") == 0.01);
  assert_int_equal(send_config("PUT", "/api/presets/mine", "mine", "risk.risk_per_trade", "0.012", etag), 412);
  /* A version is there, without a file, and comes back. */
  assert_int_equal(ask("GET", "/api/presets/mine/versions", NULL, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "versions")), 1);
  snprintf(id, sizeof id, "%s", text("versions.0.id"));
  char target[128];
  snprintf(target, sizeof target, "%.100s/data/preset_versions", fixture.folder);
  struct stat info;
  assert_int_equal(stat(target, &info), -1);
  snprintf(target, sizeof target, "/api/presets/mine/versions/%s/restore", id);
  assert_int_equal(ask("POST", target, "{}", NULL), 200);
  assert_true(run_fixture_number(&fixture, "config.risk.risk_per_trade") == 0.015);
  assert_int_equal(ask("GET", "/api/presets/mine/versions", NULL, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "versions")), 2);
  assert_int_equal(ask("POST", "/api/presets/mine/versions/999/restore", "{}", NULL), 404);
  assert_int_equal(ask("DELETE", "/api/presets/mine", NULL, NULL), 200);
  assert_false(json_bool(run_fixture_at(&fixture, "restored_built_in")));
  assert_int_equal(ask("GET", "/api/presets/mine", NULL, NULL), 404);
}

static void a_built_in_one_comes_back(void **state) {
  (void)state;
  assert_int_equal(ask("DELETE", "/api/presets/breakout_v1", NULL, NULL), 409);
  assert_string_equal(text("code"), "in_use");
  assert_int_equal(ask("GET", "/api/presets/breakout_v1", NULL, NULL), 200);
  char etag[HTTP_FIELD_BYTES];
  snprintf(etag, sizeof etag, "%s", run_fixture_field(&fixture, "ETag"));
  assert_int_equal(send_config("PUT", "/api/presets/breakout_v1", "breakout_v1", "risk.risk_per_trade", "0.01", etag), 200);
  assert_true(json_bool(run_fixture_at(&fixture, "modified")));
  assert_int_equal(ask("DELETE", "/api/presets/breakout_v1", NULL, "\"old\""), 412);
  assert_int_equal(ask("DELETE", "/api/presets/breakout_v1", NULL, NULL), 200);
  assert_true(json_bool(run_fixture_at(&fixture, "restored_built_in")));
  assert_int_equal(ask("GET", "/api/presets/breakout_v1", NULL, NULL), 200);
  assert_false(json_bool(run_fixture_at(&fixture, "modified")));
  assert_string_equal(run_fixture_field(&fixture, "ETag"), etag);
}

/* A name must not become another one than that of its file, and no path. */
static void bad_requests_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *method, *target, *body;
    int status;
  } rows[] = {
      {"GET", "/api/presets/nothing_at_all", NULL, 404},
      {"GET", "/api/presets/..%2F..%2Fetc%2Fpasswd", NULL, 404},
      {"GET", "/api/presets/breakout_v1.json", NULL, 404},
      {"GET", "/api/presets/%2Fetc%2Fpasswd", NULL, 404},
      {"GET", "/api/presets/BREAKOUT_V1", NULL, 404},
      {"GET", "/api/presets/..%2Fx/versions", NULL, 404},
      {"POST", "/api/presets/..%2Fx/versions/1/restore", "{}", 404},
      {"POST", "/api/presets/breakout_v1/versions/..%2F..%2Fx/restore", "{}", 404},
      {"DELETE", "/api/presets/..%2Fbreakout_v1", NULL, 404},
      {"DELETE", "/api/presets/nothing_at_all", NULL, 404},
      {"POST", "/api/presets", "{}", 422},
      {"POST", "/api/presets", "{\"config\":{}}", 422},
      {"POST", "/api/presets", "{\"config\":[]}", 422},
      {"POST", "/api/presets", "{\"config\":{\"name\":\"../x\"}}", 422},
      {"POST", "/api/presets", "{\"config\":{},\"more\":1}", 422},
      {"POST", "/api/presets", "[", 400},
      {"POST", "/api/presets", "{\"config\":{\"name\":\"a\",\"name\":\"b\"}}", 400},
      {"POST", "/api/presets/validate", "{\"name\":\"x\"}", 422},
      {"POST", "/api/presets/validate", "{\"config\":{},\"name\":5}", 422},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int status = ask(rows[i].method, rows[i].target, rows[i].body, NULL);
    if (status != rows[i].status)
      fail_msg("%s %s %s: %d, not %d", rows[i].method, rows[i].target, rows[i].body != NULL ? rows[i].body : "", status, rows[i].status);
    assert_string_not_equal(text("code"), "internal");
  }
  assert_int_equal(send_config("PUT", "/api/presets/breakout_v1", "other", NULL, NULL, "*"), 422);
  assert_int_equal(send_config("PUT", "/api/presets/not_there", "not_there", NULL, NULL, "*"), 404);
}

static void deep_documents_end(void **state) {
  (void)state;
  struct buffer body = {0};
  buffer_add_text(&body, "{\"config\":");
  for (int i = 0; i < 60; i++) buffer_add_text(&body, "{\"a\":");
  buffer_add_text(&body, "1");
  for (int i = 0; i < 60; i++) buffer_add_text(&body, "}");
  buffer_add_text(&body, "}");
  assert_int_equal(ask("POST", "/api/presets", body.data, NULL), 422);
  assert_int_equal(ask("POST", "/api/presets/validate", body.data, NULL), 200);
  buffer_clear(&body);
  for (int i = 0; i < 10000; i++) buffer_add_text(&body, "[");
  assert_int_equal(ask("POST", "/api/presets", body.data, NULL), 400);
  buffer_clear(&body);
  /* Half a megabyte of keys that nobody knows: as many errors as there is room for, no more. */
  buffer_add_text(&body, "{\"config\":{");
  for (int i = 0; i < 30000; i++) buffer_add_format(&body, "%s\"key_%d\":1", i > 0 ? "," : "", i);
  buffer_add_text(&body, "}}");
  assert_int_equal(ask("POST", "/api/presets", body.data, NULL), 422);
  assert_int_equal(json_size(run_fixture_at(&fixture, "errors")), PROBLEM_ITEMS_MAX);
  buffer_deinit(&body);
}

/* A file that is no preset is told, not hidden; somebody may replace it. */
static void a_broken_file_is_listed(void **state) {
  (void)state;
  char path[700];
  struct buffer text_of_file = {0};
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(send_config("POST", "/api/presets", "aaa", NULL, NULL, NULL), 201);
  snprintf(path, sizeof path, "%s/aaa.json", fixture.settings.presets_dir);
  buffer_add_text(&text_of_file, "// lost\n{");
  assert_int_equal(buffer_write_file(&text_of_file, path, 0644, &problem), STATUS_OK);
  assert_int_equal(ask("GET", "/api/presets", NULL, NULL), 200);
  assert_string_equal(text("items.0.name"), "aaa");
  assert_int_equal(json_kind(run_fixture_at(&fixture, "items.0.hash")), JSON_NULL);
  assert_true(json_size(run_fixture_at(&fixture, "items.0.errors")) > 0);
  assert_int_equal(ask("GET", "/api/presets/aaa", NULL, NULL), 422);
  assert_int_equal(send_config("PUT", "/api/presets/aaa", "aaa", NULL, NULL, "*"), 200);
  assert_int_equal(ask("GET", "/api/presets/aaa/versions", NULL, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "versions")), 1);
  assert_int_equal(json_kind(run_fixture_at(&fixture, "versions.0.hash")), JSON_NULL);
  assert_int_equal(ask("DELETE", "/api/presets/aaa", NULL, NULL), 200);
  buffer_deinit(&text_of_file);
}

/* Versions of a program without a database become rows once, all of them. */
static void old_versions_become_rows(void **state) {
  (void)state;
  char words[400];
  struct preset_store store;
  struct preset preset;
  struct problem problem;
  problem_clear(&problem);
  preset_store_init(&store, fixture.settings.presets_dir, fixture.settings.data_dir);
  assert_int_equal(preset_store_load(&store, "breakout_v1", &preset, NULL, &problem), STATUS_OK);
  assert_int_equal(preset_set_key(&preset, "name", "old_one", &problem), STATUS_OK);
  for (int i = 0; i < 3; i++) {
    snprintf(words, sizeof words, "0.00%d", i + 5);
    assert_int_equal(preset_set_key(&preset, "risk.risk_per_trade", words, &problem), STATUS_OK);
    assert_int_equal(preset_store_save(&store, &preset, 1700000000000 + i, &problem), STATUS_OK);
  }
  assert_int_equal(ask("GET", "/api/presets/old_one/versions", NULL, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "versions")), 0);
  int count = 0;
  preset_store_use_rows(&store, fixture.rows, NULL);
  assert_int_equal(preset_store_take_files(&store, &count, &problem), STATUS_OK);
  assert_int_equal(count, 2);
  assert_int_equal(preset_store_take_files(&store, &count, &problem), STATUS_OK);
  assert_int_equal(count, 0);
  assert_int_equal(ask("GET", "/api/presets/old_one/versions", NULL, NULL), 200);
  assert_int_equal(json_size(run_fixture_at(&fixture, "versions")), 2);
  assert_true(run_fixture_number(&fixture, "versions.0.ts") == 1700000000002);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(presets_are_listed_and_read), cmocka_unit_test(the_schema_has_units), cmocka_unit_test(two_presets_are_compared),
      cmocka_unit_test(validation_tells_everything), cmocka_unit_test(a_preset_lives),       cmocka_unit_test(a_built_in_one_comes_back),
      cmocka_unit_test(bad_requests_are_refused),    cmocka_unit_test(deep_documents_end),   cmocka_unit_test(a_broken_file_is_listed),
      cmocka_unit_test(old_versions_become_rows),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
