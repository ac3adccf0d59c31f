/* Every code of problem.def is provoked: a row without a function here does not compile, a code of the sources without a row is found. */
#include <glob.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/shape_check.h"
#include "support/web_fixture.h"

static struct browser browser; /* root's */

/* ---- as HTTP ---- */

static void provoke_bad_json(void) {
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{");
}

static void provoke_bad_request(void) {
  web_send_text("POST /api/engine/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}");
}

static void provoke_bad_parameter(void) {
  web_ask_as(API_ROLE_VIEWER, "GET", "/api/decisions?limit=0", NULL);
}

static void provoke_bad_host(void) {
  web_send_text("GET /api/live HTTP/1.1\r\nHost: evil.example\r\n\r\n");
}

static void provoke_bad_origin(void) {
  web_ask("GET", "/api/live", "Origin: https://evil.example\r\n", NULL);
}

static void provoke_method_not_allowed(void) {
  web_ask("DELETE", "/api/live", "", NULL);
}

static void provoke_request_timeout(void) {
  web.pause_s = HTTP_REQUEST_TIME_MAX_S + 1;
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}");
  web.pause_s = 0;
}

static void provoke_body_too_large(void) {
  static char big[WEB_BODY_LIMIT + 1];
  memset(big, ' ', sizeof big);
  web_post_bytes("/api/engine/pause", big, sizeof big);
}

static void provoke_uri_too_long(void) {
  char path[9000];
  memset(path, 'a', sizeof path);
  path[0] = '/';
  path[sizeof path - 1] = '\0';
  web_get(path);
}

static void provoke_bad_content_type(void) {
  char headers[256];
  snprintf(headers, sizeof headers, "%sContent-Type: text/plain\r\nContent-Length: 0\r\n", web_bearer(web.tokens[API_ROLE_OPERATOR]));
  web_ask("POST", "/api/engine/pause", headers, NULL);
}

static void provoke_upgrade_required(void) {
  web_get("/ws");
}

static void provoke_headers_too_large(void) {
  static char headers[HTTP_HEADER_BYTES_MAX + 64];
  memset(headers, 'a', sizeof headers);
  memcpy(headers, "X-Big: ", 7);
  memcpy(headers + sizeof headers - 3, "\r\n", 3);
  web_ask("GET", "/api/live", headers, NULL);
}

/* ---- who asks ---- */

static void provoke_not_authenticated(void) {
  web_get("/api/engine/status");
}

static void provoke_bad_credentials(void) {
  web_log_in(NULL, "root", "wrong password");
}

static void provoke_login_expired(void) {
  struct browser other;
  web_log_in(&other, "root", web_password);
  web_pass_s(13 * 3600);
  web_ask("GET", "/api/auth/me", other.headers, NULL);
}

static void provoke_token_revoked(void) {
  web_ask("GET", "/api/auth/me", web_bearer(web.revoked), NULL);
}

static void provoke_role_too_low(void) {
  web_ask_as(API_ROLE_VIEWER, "POST", "/api/engine/pause", "{}");
}

static void provoke_csrf_failed(void) {
  char only_cookie[160];
  web_log_in(&browser, "root", web_password);
  snprintf(only_cookie, sizeof only_cookie, "Cookie: %s\r\n", browser.cookie);
  web_ask("POST", "/api/auth/ws-ticket", only_cookie, "{}");
}

static void provoke_setup_closed(void) {
  web_pass_s(13);
  web_post("/api/auth/setup", "{\"code\":\"nonsense\",\"username\":\"late\",\"password\":\"long enough 1\"}");
}

static void provoke_rate_limited(void) {
  web_pass_s(13);
  for (int i = 0; i < 2; i++) web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/scan-now", "{}");
}

/* ---- commands ---- */

static void start_live(void) {
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/start", "{\"mode\":\"live\"}");
}

static void provoke_live_forbidden_in_staging(void) {
  web.settings.breakout_profile = PROFILE_STAGING;
  start_live();
  web.settings.breakout_profile = PROFILE_DEVELOPMENT;
}

static void provoke_live_not_enabled(void) {
  start_live();
}

static void provoke_live_not_confirmed(void) {
  web.settings.trading_mode = MODE_LIVE;
  start_live();
  web.settings.trading_mode = MODE_PAPER;
}

static void provoke_confirmation_missing(void) {
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/kill-switch", "{}");
}

static void provoke_illegal_command(void) {
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}");
}

static void provoke_emergency_latched(void) {
  char latched[1024];
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/emergency-stop", "{\"reason\":\"drill\"}");
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/resume", "{}");
  text_copy(latched, sizeof latched, web.received);
  web_ask_as(API_ROLE_ADMIN, "POST", "/api/engine/reset", "{\"confirm\":\"RESET\",\"reason\":\"drill over\"}");
  text_copy(web.received, sizeof web.received, latched);
}

/* What the engine refuses for the venue's words, and for a check of the start that failed. */
static void refuse_stop(const char *code) {
  web.refusal = code;
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/stop", "{}");
  web.refusal = NULL;
}

static void provoke_venue_error(void) {
  refuse_stop("venue_error");
}

static void provoke_unhealthy(void) {
  refuse_stop("check_failed");
}

/* ---- objects ---- */

static void provoke_not_found(void) {
  web_ask_as(API_ROLE_VIEWER, "GET", "/api/decisions/D0000000001", NULL);
}

static void provoke_no_session(void) {
  web_ask_as(API_ROLE_VIEWER, "GET", "/api/monitoring/current-session", NULL);
}

static void provoke_idempotency_conflict(void) {
  char headers[256];
  snprintf(headers, sizeof headers, "%sIdempotency-Key: once\r\n", web_bearer(web.tokens[API_ROLE_ADMIN]));
  web_ask("POST", "/api/engine/pause", headers, "{}");
  web_ask("POST", "/api/engine/resume", headers, "{}");
}

static void provoke_in_use(void) {
  web_ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/users/root", "{}");
}

static void provoke_already_exists(void) {
  web_ask_as(API_ROLE_ADMIN, "POST", "/api/auth/users", "{\"username\":\"root\",\"password\":\"long enough 1\",\"role\":\"viewer\"}");
}

/* A run that waits, known by its row alone. */
static void add_run(void) {
  const struct row_value values[] = {row_text("run_id", "B000001"),       row_text("kind", "backtest"), row_text("status", "queued"),
                                     row_text("dataset_id", "generated"), row_text("params", "{}"),     row_int("created_at", web.clock_ms)};
  struct problem problem;
  problem_clear(&problem);
  enum status status = web.rows.insert(web.rows.self, "runs", values, (int)(sizeof values / sizeof values[0]), NULL, &problem);
  assert_int_equal(status, STATUS_OK);
}

static void provoke_not_done(void) {
  web_ask_as(API_ROLE_VIEWER, "GET", "/api/backtests/B000001/result", NULL);
}

static void provoke_not_cancellable(void) {
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/backtests/B000001/cancel", "{}");
}

static void provoke_etag_mismatch(void) {
  web_ask_as(API_ROLE_OPERATOR, "PUT", "/api/presets/breakout_v1", "{\"config\":{}}");
}

static void provoke_validation_failed(void) {
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{\"no_such_member\":1}");
}

static void provoke_preset_invalid(void) {
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/presets", "{\"config\":{\"name\":\"x\",\"no_such_key\":1}}");
}

/* ---- the server ---- */

static void provoke_internal(void) {
  text_copy(web.settings.reports_dir, sizeof web.settings.reports_dir, web.path); /* a file, no folder */
  web_ask_as(API_ROLE_OPERATOR, "POST", "/api/system/memory-snapshot", "{}");
}

static void provoke_not_in_version(void) {
  web_ask_as(API_ROLE_ADMIN, "POST", "/api/system/handover", "{\"confirm\":true}");
}

static void provoke_not_ready(void) {
  web_ask_as(API_ROLE_VIEWER, "GET", "/api/account", NULL); /* the venue has not told it */
}

static void provoke_no_space(void) {
  web.backup_status = STATUS_NO_SPACE;
  web_ask_as(API_ROLE_ADMIN, "POST", "/api/system/backups", "{}");
  web.backup_status = STATUS_OK;
}

/* ---- the table ---- */

static const struct {
  int status;
  const char *code;
  void (*provoke)(void);
} rows[] = {
#define PROBLEM(status, code, text) {status, #code, provoke_##code},
#include "api/problem.def"
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static void every_code_is_provoked(void **state) {
  (void)state;
  add_run();
  for (int i = 0; i < ROW_COUNT; i++) {
    web.received[0] = '\0';
    rows[i].provoke();
    int status = strncmp(web.received, "HTTP/1.1 ", 9) == 0 ? atoi(web.received + 9) : 0;
    if (status != rows[i].status) fail_msg("%s: %s", rows[i].code, web.received);
    assert_true(web_has("Content-Type: application/problem+json"));
    struct json *body = web_parse();
    struct problem problem;
    problem_clear(&problem);
    if (!shape_check(SHAPE_PROBLEM, body, &problem)) fail_msg("%s is no problem document: %s", rows[i].code, web_body());
    assert_string_equal(json_string(json_member(body, "code")), rows[i].code);
    assert_int_equal(json_int(json_member(body, "status")), status);
    json_free(body);
  }
}

/* ---- the sources ---- */

static int check_source(const char *path, const regex_t *pattern) {
  static char text[256 << 10];
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t length = fread(text, 1, sizeof text - 1, file);
  assert_int_equal(fclose(file), 0);
  assert_true(length < sizeof text - 1);
  text[length] = '\0';
  regmatch_t match[3];
  int found = 0;
  for (const char *at = text; regexec(pattern, at, 3, match, 0) == 0; at += match[0].rm_eo) {
    char code[64];
    text_copy(code, (size_t)(match[2].rm_eo - match[2].rm_so) + 1, at + match[2].rm_so);
    int status = atoi(at + match[1].rm_so);
    if (!shape_check_is_declared(status, code)) fail_msg("%s answers %d %s, which problem.def does not have", path, status, code);
    ++found;
  }
  return found;
}

static void the_sources_have_no_other(void **state) {
  static const char *const folders[] = {"src/api/*.c", "src/api/*/*.c", "src/adapters/http/*.c"};
  regex_t pattern;
  glob_t files = {0};
  int found = 0;
  (void)state;
  assert_int_equal(regcomp(&pattern, "[^0-9a-z_](4[0-9][0-9]|5[0-9][0-9]), \"([a-z_]+)\"", REG_EXTENDED), 0);
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) assert_int_equal(glob(folders[i], i > 0 ? GLOB_APPEND : 0, NULL, &files), 0);
  for (size_t i = 0; i < files.gl_pathc; i++) found += check_source(files.gl_pathv[i], &pattern);
  globfree(&files);
  regfree(&pattern);
  assert_true(found > 100);
}

/* ---- life ---- */

static int open_all(void **state) {
  if (web_open_guarded(state)) return 1;
  web_set_up(&browser);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_code_is_provoked),
      cmocka_unit_test(the_sources_have_no_other),
  };
  return cmocka_run_group_tests(tests, open_all, web_close);
}
