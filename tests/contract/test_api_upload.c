/* Files as forms: over real sockets to the disk, and by a real worker into a data set. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/clock/system_clock.h"
#include "support/run_fixture.h"
#include "support/web_fixture.h"

static struct run_fixture fixture;
static struct http_server *server;

static int open_all(void **state) {
  (void)state;
  struct http_options http = {.host = "127.0.0.1", .body_limit = WEB_BODY_LIMIT, .clock = system_clock()};
  struct problem problem;
  problem_clear(&problem);
  run_fixture_open(&fixture, 1);
  fixture.settings.upload_limit_mb = 1;
  if (run_fixture_program(&fixture, "data generate --scenario breakouts --days 5 --name gen", NULL)) return 1;
  run_fixture_restart(&fixture, false);
  run_fixture_settle(&fixture);
  api_handler(fixture.api, &http.handler);
  if (http_server_open(&server, &http, &problem)) return 1;
  web_use(server, fixture.api);
  return 0;
}

static int close_all(void **state) {
  (void)state;
  http_server_close(server);
  run_fixture_close(&fixture);
  return 0;
}

/* ---- forms ---- */

static struct buffer form;

static void begin_form(void) {
  buffer_clear(&form);
}

static void add_field(const char *name, const char *value) {
  buffer_add_format(&form, "--xYx\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, value);
}

static void add_file(const char *file_name, const void *bytes, size_t size) {
  buffer_add_format(&form, "--xYx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: text/csv\r\n\r\n", file_name);
  buffer_add(&form, bytes, size);
  buffer_add_text(&form, "\r\n");
}

static int send_form(const char *path, const char *type) {
  static struct buffer request;
  buffer_clear(&request);
  buffer_add_format(&request, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", path, type, form.length);
  buffer_add(&request, form.data, form.length);
  int status = web_send(request.data, request.length);
  buffer_deinit(&request);
  return status;
}

static int end_form(void) {
  buffer_add_text(&form, "--xYx--\r\n");
  return send_form("/api/datasets/import", "multipart/form-data; boundary=xYx");
}

static int count_uploads(void) {
  char folder[600];
  int count = 0;
  snprintf(folder, sizeof folder, "%s/uploads", fixture.settings.data_dir);
  DIR *list = opendir(folder);
  for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL; entry = readdir(list)) count += entry->d_name[0] != '.';
  if (list != NULL) closedir(list);
  return count;
}

/* ---- tests ---- */

static void a_file_becomes_a_data_set(void **state) {
  (void)state;
  char path[600];
  char id[RUN_ID_BYTES];
  struct buffer file = {0};
  struct problem problem;
  problem_clear(&problem);
  snprintf(path, sizeof path, "%s/datasets/gen/BTCUSDT-1m.csv", fixture.settings.data_dir);
  assert_int_equal(buffer_read_file(&file, path, 1 << 24, &problem), STATUS_OK);
  assert_true(file.length > 10 * WEB_BODY_LIMIT); /* more than any other body may have */
  begin_form();
  add_field("name", "sent");
  add_file("BTCUSDT-1m.csv", file.data, file.length);
  add_field("allow_bad_data", "false");
  buffer_deinit(&file);
  assert_int_equal(end_form(), 202);
  web_take_text("run_id", id, sizeof id);
  assert_int_equal(count_uploads(), 1);
  assert_string_equal(run_fixture_wait(&fixture, id), "done");
  run_fixture_settle(&fixture);
  assert_int_equal(run_fixture_ask(&fixture, "GET", "/api/datasets/sent", NULL, NULL), 200);
  assert_string_equal(run_fixture_text(&fixture, "status"), "ready");
  assert_true(run_fixture_number(&fixture, "rows") == 5 * 1440);
  assert_int_equal(count_uploads(), 0); /* what was sent is in the data set now */
}

static void what_is_no_market_fails_and_goes(void **state) {
  (void)state;
  char id[RUN_ID_BYTES];
  begin_form();
  add_field("name", "rubbish");
  add_field("symbol", "BTCUSDT");
  add_file("rubbish.csv", "this is no market\n", 18);
  assert_int_equal(end_form(), 202);
  web_take_text("run_id", id, sizeof id);
  assert_string_equal(run_fixture_wait(&fixture, id), "failed");
  assert_int_equal(count_uploads(), 0);
}

/* Nothing of what is refused stays on the disk. */
static void refused(int status, const char *part) {
  assert_int_equal(end_form(), status);
  if (!web_has(part)) fail_msg("no %s in %s", part, web.received);
  assert_true(web_has("application/problem+json"));
  assert_int_equal(count_uploads(), 0);
}

static void bad_forms_are_refused(void **state) {
  (void)state;
  static const char *const names[] = {"../x.csv", "a/b.csv", ".hidden", "", "a b.csv", "x;y", "a\\\\b"};
  static char big[(1 << 20) + 70000];
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    begin_form();
    add_field("name", "x");
    add_file(names[i], "a", 1);
    assert_int_equal(end_form(), 422);
    assert_int_equal(count_uploads(), 0);
  }
  begin_form();
  add_field("name", "x");
  refused(422, "has no file");
  begin_form();
  add_file("a.csv", "a", 1);
  refused(422, "name"); /* of the data set: missing */
  begin_form();
  add_file("a.csv", "a", 1);
  add_file("b.csv", "b", 1);
  refused(422, "more than one file");
  begin_form();
  add_field("name", "x");
  add_field("name", "y");
  add_file("a.csv", "a", 1);
  refused(422, "validation_failed");
  begin_form();
  add_field("name", "x");
  add_field("path", "/etc/passwd");
  add_file("a.csv", "a", 1);
  refused(422, "validation_failed");
  begin_form();
  add_field("name", "../x");
  add_file("a.csv", "a", 1);
  refused(422, "is not the name of a data set");
  begin_form();
  add_field("name", "x");
  add_field("no_such_field", "1");
  add_file("a.csv", "a", 1);
  refused(422, "no_such_field");
  begin_form();
  for (int i = 0; i <= HTTP_UPLOAD_FIELDS_MAX; i++) add_field("name", "x");
  refused(400, "bad_request");
  begin_form();
  memset(big, 'x', 300);
  big[300] = '\0';
  add_field("name", big);
  refused(400, "bad_request");
  begin_form();
  memset(big, 'x', sizeof big);
  add_field("name", "x");
  add_file("a.csv", big, sizeof big);
  refused(413, "UPLOAD_LIMIT_MB");
  begin_form();
  add_field("name", "x");
  add_file("a.csv", big, (1 << 20) + 1); /* the form as a whole would do */
  refused(413, "UPLOAD_LIMIT_MB");
}

static void broken_forms_are_refused(void **state) {
  (void)state;
  begin_form();
  add_field("name", "x");
  add_file("a.csv", "a", 1);
  assert_int_equal(send_form("/api/datasets/import", "multipart/form-data"), 400); /* no boundary */
  assert_int_equal(count_uploads(), 0);
  assert_int_equal(send_form("/api/datasets/import", "multipart/form-data; boundary=xYx"), 400); /* no end */
  assert_int_equal(count_uploads(), 0);
  assert_int_equal(send_form("/api/datasets/import", "multipart/form-data; boundary=other"), 422); /* and so no file */
  assert_int_equal(send_form("/api/engine/pause", "multipart/form-data; boundary=xYx"), 415);
  assert_int_equal(send_form("/api/datasets/import", "multipart/mixed; boundary=xYx"), 415);
  assert_int_equal(count_uploads(), 0);
  begin_form();
  assert_int_equal(send_form("/api/datasets/import", "multipart/form-data; boundary=xYx"), 422);
  buffer_deinit(&form);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_becomes_a_data_set),
      cmocka_unit_test(what_is_no_market_fails_and_goes),
      cmocka_unit_test(bad_forms_are_refused),
      cmocka_unit_test(broken_forms_are_refused),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
