/* Root, health, metrics, documents, logs and settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/market_fixture.h"

static struct market_fixture fixture;

static void write_file(const char *name, const char *text) {
  char path[700];
  snprintf(path, sizeof path, "%s/%s", fixture.settings.log_dir, name);
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static int open_fixture(void **state) {
  (void)state;
  market_fixture_open(&fixture);
  fixture.settings.api_docs_enabled = true;
  fixture.settings.log_to_file = true;
  snprintf(fixture.settings.log_dir, sizeof fixture.settings.log_dir, "%s/logs", fixture.folder);
  assert_int_equal(mkdir(fixture.settings.log_dir, 0755), 0);
  write_file(
      "breakout.log",
      "{\"ts\":\"2026-01-01T00:00:01.000Z\",\"level\":\"INFO\",\"component\":\"engine\",\"event\":\"a\",\"message\":\"first\"}\n"
      "{\"ts\":\"2026-01-01T00:00:03.000Z\",\"level\":\"ERROR\",\"component\":\"venue\",\"event\":\"b\",\"message\":\"Third\",\"trace_id\":\"X:1\"}\n"
      "{\"ts\":\"2026-01-01T00:00:05.000Z\",\"level\":\"INFO\",\"comp");
  write_file("api.log", "{\"ts\":\"2026-01-01T00:00:02.000Z\",\"level\":\"WARNING\",\"component\":\"api\",\"event\":\"c\",\"message\":\"second\"}\n");
  write_file("errors.log",
             "{\"ts\":\"2026-01-01T00:00:03.000Z\",\"level\":\"ERROR\",\"component\":\"venue\",\"event\":\"b\",\"message\":\"Third\"}\n");
  return 0;
}

static int close_fixture(void **state) {
  (void)state;
  market_fixture_close(&fixture);
  return 0;
}

static void test_health(void **state) {
  (void)state;
  int status = market_fixture_get(&fixture, "/api/health");
  bool is_healthy = text_equal(market_fixture_text(&fixture, "status"), "healthy");
  assert_int_equal(status, is_healthy ? 200 : 503);
  assert_int_equal(market_fixture_count(&fixture, "components"), 7); /* engine, the host's feed, and five more */
  assert_string_equal(market_fixture_text(&fixture, "components.2.name"), "redis");
  assert_string_equal(market_fixture_text(&fixture, "components.2.status"), "off");
  double since = market_fixture_number(&fixture, "components.0.since_at");
  (void)market_fixture_get(&fixture, "/api/health");
  assert_true(market_fixture_number(&fixture, "components.0.since_at") == since);
  assert_int_equal(market_fixture_get(&fixture, "/api/ready"), 200);
  assert_int_equal(market_fixture_count(&fixture, "checks"), 4);
  assert_int_equal(market_fixture_get(&fixture, "/api/live"), 200);
}

static void test_log_lines_newest_first(void **state) {
  char target[400];
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/logs"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 3); /* the line that was cut is left out, and so is the copy */
  assert_string_equal(market_fixture_text(&fixture, "items.0.message"), "Third");
  assert_string_equal(market_fixture_text(&fixture, "items.1.message"), "second");
  assert_string_equal(market_fixture_text(&fixture, "items.2.id"), "breakout.log:0");
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?limit=1"), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.message"), "Third");
  snprintf(target, sizeof target, "/api/logs?limit=1&cursor=%s", market_fixture_text(&fixture, "next_cursor"));
  assert_int_equal(market_fixture_get(&fixture, "%s", target), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.message"), "second");
  snprintf(target, sizeof target, "/api/logs?limit=1&cursor=%s", market_fixture_text(&fixture, "next_cursor"));
  assert_int_equal(market_fixture_get(&fixture, "%s", target), 200);
  assert_string_equal(market_fixture_text(&fixture, "items.0.message"), "first");
  assert_int_equal(json_kind(market_fixture_at(&fixture, "next_cursor")), JSON_NULL);
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?cursor=nothing"), 400);
}

static void test_log_filters(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?level=WARNING"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 2); /* this and graver ones */
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?component=engine"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 1);
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?text=tHiRd"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 1);
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?trace_id=X:1"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 1);
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?from=2026-01-01T00:00:02Z&to=2026-01-01T00:00:03Z"), 200);
  assert_int_equal(market_fixture_count(&fixture, "items"), 1);
  assert_string_equal(market_fixture_text(&fixture, "items.0.message"), "second");
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?level=LOUD"), 400);
  assert_int_equal(market_fixture_get(&fixture, "/api/logs?format=csv"), 200);
  assert_non_null(strstr(fixture.reply.body.data, "breakout.log:0,2026-01-01T00:00:01.000Z,INFO,engine,a,first,,\n"));
  assert_int_equal(market_fixture_get(&fixture, "/api/logs/stats"), 200);
  assert_int_equal(market_fixture_number(&fixture, "total_files"), 3);
}

static void test_metrics_in_both_forms(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/metrics"), 200);
  assert_non_null(strstr(fixture.reply.body.data, "# TYPE breakout_scans_total counter\n"));
  assert_null(strstr(fixture.reply.body.data, "# EOF"));
  assert_non_null(strstr(fixture.reply.content_type, "version=0.0.4"));
}

static void test_settings_hide_secrets(void **state) {
  (void)state;
  text_copy(fixture.settings.exchange_secret, sizeof fixture.settings.exchange_secret, "planted-secret");
  assert_int_equal(market_fixture_get(&fixture, "/api/settings"), 200);
  assert_null(strstr(fixture.reply.body.data, "planted-secret"));
  assert_int_equal(market_fixture_count(&fixture, "items"), SETTING_COUNT);
  assert_string_equal(market_fixture_text(&fixture, "items.0.group"), "General");
}

static void test_documents(void **state) {
  (void)state;
  assert_int_equal(market_fixture_get(&fixture, "/api/openapi.json"), 200);
  assert_string_equal(market_fixture_text(&fixture, "openapi"), "3.1.0");
  assert_int_equal(market_fixture_get(&fixture, "/api/docs"), 200);
  assert_null(strstr(fixture.reply.body.data, "http://")); /* no other host */
  assert_null(strstr(fixture.reply.body.data, "https://"));
  assert_non_null(strstr(fixture.reply.content_policy, "default-src 'none'"));
  assert_int_equal(market_fixture_get(&fixture, "/api/docs/problems"), 200);
  assert_non_null(strstr(fixture.reply.body.data, "id=\"validation_failed\""));
  fixture.settings.api_docs_enabled = false;
  assert_int_equal(market_fixture_get(&fixture, "/api/docs"), 404);
  assert_int_equal(market_fixture_get(&fixture, "/api/openapi.json"), 404);
  fixture.settings.api_docs_enabled = true;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_health),    cmocka_unit_test(test_log_lines_newest_first), cmocka_unit_test(test_log_filters),
      cmocka_unit_test(test_documents), cmocka_unit_test(test_metrics_in_both_forms),  cmocka_unit_test(test_settings_hide_secrets),
  };
  return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
