/* Who somebody is: first start, logins, passwords, tokens, users, tickets, over real sockets and a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/web_fixture.h"

static void a_fresh_install_has_no_known_password(void **state) {
  (void)state;
  static const char *const guesses[] = {"admin", "password", "changeme", ""};
  for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) assert_int_equal(web_log_in(NULL, "admin", guesses[i]), 401);
  assert_int_equal(web_ask("POST", "/api/auth/setup", "", "{\"code\":\"nonsense\",\"username\":\"root\",\"password\":\"long enough 1\"}"), 403);
  assert_int_equal(web_ask("POST", "/api/auth/setup", "", "{\"code\":\"x\",\"username\":\"Root User\",\"password\":\"short\"}"), 422);
  struct json *json = web_parse();
  assert_int_equal(json_size(json_member(json, "errors")), 2);
  json_free(json);
}

static void the_setup_link_makes_the_first_user(void **state) {
  (void)state;
  struct browser browser;
  web_set_up(&browser);
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 200);
  assert_true(web_has("\"username\":\"root\"") && web_has("\"role\":\"admin\""));
  assert_int_equal(web_ask("GET", "/api/auth/users", browser.headers, NULL), 200);
  assert_false(web_has("\"username\":\"admin\"")); /* the unused one of the first start has gone */
}

static void a_setup_code_runs_out(void **state) {
  (void)state;
  char code[DIGEST_TEXT_MAX];
  char body[512];
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(setup_make(&web.rows, web.clock_ms, code, &problem), STATUS_OK);
  snprintf(body, sizeof body, "{\"code\":\"%s\",\"username\":\"late\",\"password\":\"%s\"}", code, web_password);
  web_pass_s(15 * 60);
  assert_int_equal(web_ask("POST", "/api/auth/setup", "", body), 403);
}

static void logins_carry_the_cookie_and_its_rules(void **state) {
  (void)state;
  struct browser browser;
  struct browser second;
  assert_int_equal(web_log_in(&browser, "root", web_password), 200);
  assert_true(web_has("; HttpOnly; SameSite=Strict; Max-Age=43200"));
  assert_true(web_has("\"expires_at\":"));
  assert_int_equal(web_log_in(&second, "root", web_password), 200);
  assert_string_not_equal(browser.cookie, second.cookie);
  /* Reading needs the cookie, changing needs the value that only our own pages know. */
  char only_cookie[256];
  snprintf(only_cookie, sizeof only_cookie, "Cookie: %s\r\n", browser.cookie);
  assert_int_equal(web_ask("GET", "/api/auth/me", only_cookie, NULL), 200);
  char csrf[DIGEST_TEXT_MAX];
  web_take_text("csrf_token", csrf, sizeof csrf);
  assert_string_equal(csrf, browser.csrf);
  assert_int_equal(web_ask("POST", "/api/auth/ws-ticket", only_cookie, "{}"), 403);
  assert_true(web_has("csrf_failed"));
  char wrong[512];
  snprintf(wrong, sizeof wrong, "Cookie: %s\r\nX-CSRF-Token: %s\r\n", browser.cookie, second.csrf);
  assert_int_equal(web_ask("POST", "/api/auth/ws-ticket", wrong, "{}"), 403);
  assert_int_equal(web_ask("POST", "/api/auth/ws-ticket", browser.headers, "{}"), 200);
  /* After the logout the cookie is worth nothing. */
  assert_int_equal(web_ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  assert_true(web_has("Set-Cookie: bb_login=;"));
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 401);
  assert_true(web_has("login_expired"));
  assert_int_equal(web_ask("GET", "/api/auth/me", second.headers, NULL), 200);
}

static void logins_run_out(void **state) {
  (void)state;
  struct browser browser;
  assert_int_equal(web_log_in(&browser, "root", web_password), 200);
  web_pass_s(29 * 60);
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 200);
  web_pass_s(29 * 60);
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 200); /* it was used */
  web_pass_s(31 * 60);
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 401); /* idle */
  assert_int_equal(web_log_in(&browser, "root", web_password), 200);
  for (int i = 0; i < 12 * 3; i++) {
    web_pass_s(20 * 60 - 1);
    assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 200);
  }
  web_pass_s(60);
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 401); /* 12 h, however busy */
}

static void wrong_passwords_wait(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    assert_int_equal(web_log_in(NULL, "root", "wrong password"), 401);
    assert_true(web_has("user or password is wrong"));
  }
  assert_int_equal(web_log_in(NULL, "root", web_password), 429); /* also the right one */
  assert_true(web_has("Retry-After: "));
  for (int i = 0; i < 3; i++) assert_int_equal(web_log_in(NULL, "nobody", "wrong password"), 401); /* the same words for who is not there */
  assert_true(web_has("user or password is wrong"));
  web_pass_s(300);
  assert_int_equal(web_log_in(NULL, "root", web_password), 200);
}

static void a_new_password_ends_other_logins(void **state) {
  (void)state;
  struct browser here;
  struct browser there;
  assert_int_equal(web_log_in(&here, "root", web_password), 200);
  assert_int_equal(web_log_in(&there, "root", web_password), 200);
  assert_int_equal(web_ask("POST", "/api/auth/password", here.headers, "{\"old_password\":\"wrong\",\"new_password\":\"another long one\"}"), 401);
  assert_int_equal(web_ask("POST", "/api/auth/password", here.headers, "{\"old_password\":\"wrong\",\"new_password\":\"short\"}"), 422);
  char body[256];
  snprintf(body, sizeof body, "{\"old_password\":\"%s\",\"new_password\":\"another long one\"}", web_password);
  assert_int_equal(web_ask("POST", "/api/auth/password", here.headers, body), 200);
  assert_int_equal(web_ask("GET", "/api/auth/me", here.headers, NULL), 200);
  assert_int_equal(web_ask("GET", "/api/auth/me", there.headers, NULL), 401);
  assert_int_equal(web_log_in(NULL, "root", web_password), 401);
  snprintf(body, sizeof body, "{\"old_password\":\"another long one\",\"new_password\":\"%s\"}", web_password);
  assert_int_equal(web_ask("POST", "/api/auth/password", here.headers, body), 200);
}

static void tokens_are_shown_once_and_kept_as_hashes(void **state) {
  (void)state;
  char secret[TOKEN_TEXT_BYTES];
  char id[TOKEN_ID_BYTES];
  char path[96];
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "POST", "/api/auth/tokens", "{\"name\":\"script\",\"role\":\"operator\",\"expires_in_days\":2}"), 200);
  web_take_text("token", secret, sizeof secret);
  web_take_text("token_id", id, sizeof id);
  assert_int_equal(strlen(secret), TOKEN_TEXT_BYTES - 1);
  assert_int_equal(web_ask("GET", "/api/auth/me", web_bearer(secret), NULL), 200);
  assert_true(web_has("\"role\":\"operator\""));
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "GET", "/api/auth/tokens", NULL), 200);
  assert_true(web_has(id));
  assert_false(web_has(secret + 4));
  char command[1024];
  snprintf(command, sizeof command, "grep -q %s %s %s-wal", secret + 4, web.path, web.path);
  assert_int_not_equal(system(command), 0); /* in no file of the database */
  web_pass_s(2 * 86400);
  assert_int_equal(web_ask("GET", "/api/auth/me", web_bearer(secret), NULL), 401);
  assert_true(web_has("token_revoked"));
  snprintf(path, sizeof path, "/api/auth/tokens/%s", id);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "DELETE", path, "{}"), 200);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/tokens/T000000000000", "{}"), 404);
  /* That of the machine's own programs is of this run: without it they would be locked out. */
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/tokens/ctl", "{}"), 409);
  assert_true(web_has("\"in_use\""));
  assert_int_equal(web_ask("GET", "/api/auth/me", web_bearer(api_local_token(web.api)), NULL), 200);
}

static void bad_credentials_are_refused(void **state) {
  (void)state;
  char upper[TOKEN_TEXT_BYTES];
  char longer[TOKEN_TEXT_BYTES + 1];
  text_copy(upper, sizeof upper, web.tokens[API_ROLE_ADMIN]);
  upper[0] = 'B';
  snprintf(longer, sizeof longer, "%s0", web.tokens[API_ROLE_ADMIN]);
  const char *const secrets[] = {upper,
                                 longer,
                                 web.revoked,
                                 "",
                                 "bbt_",
                                 "bbt_0000000000000000000000000000000000000000000000000000000000000000",
                                 "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.",
                                 "' OR 1=1 --",
                                 "%n%s"};
  for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
    web_pass_s(2);
    assert_int_equal(web_ask("GET", "/api/engine/status", web_bearer(secrets[i]), NULL), 401);
  }
  static const char *const headers[] = {"Authorization: Basic YWRtaW46YWRtaW4=\r\n", "Authorization: Bearer\r\n", "Cookie: bb_login=x\r\n",
                                        "Cookie: bb_login=0000000000000000000000000000000000000000000000000000000000000000\r\n",
                                        "X-API-Key: admin\r\n"};
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    web_pass_s(2);
    assert_int_equal(web_ask("GET", "/api/engine/status", headers[i], NULL), 401);
  }
  /* Of two tokens neither is taken. */
  char two[256];
  snprintf(two, sizeof two, "%sAuthorization: Bearer bbt_\r\n", web_bearer(web.tokens[API_ROLE_ADMIN]));
  assert_int_equal(web_ask("GET", "/api/engine/status", two, NULL), 400);
  /* A token in the address is no token. */
  char path[256];
  snprintf(path, sizeof path, "/api/engine/status?token=%s", web.tokens[API_ROLE_ADMIN]);
  assert_int_equal(web_ask("GET", path, "", NULL), 401);
  snprintf(path, sizeof path, "/api/live?access_token=%s", web.tokens[API_ROLE_ADMIN]);
  assert_int_equal(web_ask("GET", path, "", NULL), 400);
}

static void the_last_admin_stays(void **state) {
  (void)state;
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/users/root", "{}"), 409);
  assert_true(web_has("in_use"));
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/root", "{\"role\":\"viewer\"}"), 409);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/root", "{\"disabled\":true}"), 409);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/nobody", "{\"disabled\":true}"), 404);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/users/..%2froot", "{}"), 404);
}

static void users_come_and_go(void **state) {
  (void)state;
  struct browser browser;
  assert_int_equal(
      web_ask_as(API_ROLE_ADMIN, "POST", "/api/auth/users", "{\"username\":\"otto\",\"password\":\"otto's password\",\"role\":\"operator\"}"), 200);
  assert_int_equal(
      web_ask_as(API_ROLE_ADMIN, "POST", "/api/auth/users", "{\"username\":\"otto\",\"password\":\"otto's password\",\"role\":\"admin\"}"), 409);
  assert_int_equal(web_log_in(&browser, "otto", "otto's password"), 200);
  assert_int_equal(web_ask("GET", "/api/auth/users", browser.headers, NULL), 403);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/otto", "{\"disabled\":true}"), 200);
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 401);
  assert_int_equal(web_log_in(NULL, "otto", "otto's password"), 401);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/otto", "{\"disabled\":false,\"password\":\"another password\"}"), 200);
  assert_int_equal(web_log_in(&browser, "otto", "another password"), 200);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/users/otto", "{}"), 200);
  assert_int_equal(web_ask("GET", "/api/auth/me", browser.headers, NULL), 401);
}

/* Another process changes users and tokens: breakout token. */
static void changes_by_another_process_are_noticed(void **state) {
  (void)state;
  static struct accounts other;
  struct token token = {.role = API_ROLE_VIEWER, .created_at = 1, .created_by = "cli", .name = "cli"};
  char secret[TOKEN_TEXT_BYTES];
  struct problem problem;
  problem_clear(&problem);
  other.rows = &web.rows;
  assert_int_equal(accounts_load(&other, &problem), STATUS_OK);
  assert_int_equal(accounts_add_token(&other, &token, secret, &problem), STATUS_OK);
  assert_int_equal(accounts_tell_change(&web.rows, web.clock_ms, &problem), STATUS_OK);
  assert_int_equal(web_ask("GET", "/api/engine/commands", web_bearer(secret), NULL), 200); /* at once: an unknown token makes it look */
  assert_int_equal(accounts_revoke_token(&other, token.id, &problem), STATUS_OK);
  assert_int_equal(accounts_tell_change(&web.rows, web.clock_ms, &problem), STATUS_OK);
  web_pass_s(1);
  api_turn(web.api);
  assert_int_equal(web_ask("GET", "/api/engine/commands", web_bearer(secret), NULL), 401);
}

static void tickets_are_for_one_use(void **state) {
  (void)state;
  char ticket[SECRET_TEXT_MAX];
  struct caller caller;
  enum api_role role;
  assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/auth/ws-ticket", "{}"), 200);
  web_take_text("ticket", ticket, sizeof ticket);
  assert_true(ticket_take(web.api, ticket, &caller));
  assert_int_equal(caller.role, API_ROLE_OPERATOR);
  assert_true(caller_is_valid(web.api, &caller, &role));
  assert_false(ticket_take(web.api, ticket, &caller)); /* replayed */
  assert_false(ticket_take(web.api, "", &caller));
  assert_false(ticket_take(web.api, "nonsense", &caller));
  assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/auth/ws-ticket", "{}"), 200);
  web_take_text("ticket", ticket, sizeof ticket);
  web_pass_s(30);
  assert_false(ticket_take(web.api, ticket, &caller)); /* too late */
  /* A ticket is worth what its maker is worth when it is used. */
  struct browser browser;
  assert_int_equal(web_log_in(&browser, "root", web_password), 200);
  assert_int_equal(web_ask("POST", "/api/auth/ws-ticket", browser.headers, "{}"), 200);
  web_take_text("ticket", ticket, sizeof ticket);
  assert_int_equal(web_ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  assert_false(ticket_take(web.api, ticket, &caller));
}

static void bodies_are_strict(void **state) {
  (void)state;
  static char deep[WEB_BODY_LIMIT];
  memset(deep, '[', sizeof deep - 1);
  const struct {
    const char *path, *json;
    int status;
  } rows[] = {
      {"/api/auth/tokens", "", 422},
      {"/api/auth/tokens", "nonsense", 400},
      {"/api/auth/tokens", "[]", 422},
      {"/api/auth/tokens", "null", 422},
      {"/api/auth/tokens", "{} {}", 400},
      {"/api/auth/tokens", "{\"name\":\"a\",\"name\":\"b\",\"role\":\"viewer\"}", 400},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\"} // x", 400},
      {"/api/auth/tokens", "\xEF\xBB\xBF{\"name\":\"a\",\"role\":\"viewer\"}", 400},
      {"/api/auth/tokens", "{\"name\":\"\xC3\x28\",\"role\":\"viewer\"}", 400},
      {"/api/auth/tokens", "{\"name\":\"\\ud800\",\"role\":\"viewer\"}", 400},
      {"/api/auth/tokens", "{\"name\":\"a\\u0000b\",\"role\":\"viewer\"}", 400},
      {"/api/auth/tokens", deep, 400},
      {"/api/auth/tokens", "{\"name\":\"a\"}", 422},
      {"/api/auth/tokens", "{\"role\":\"viewer\"}", 422},
      {"/api/auth/tokens", "{\"name\":null,\"role\":\"viewer\"}", 422},
      {"/api/auth/tokens", "{\"name\":7,\"role\":\"viewer\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"\",\"role\":\"viewer\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\\r\\nSet-Cookie: x\",\"role\":\"viewer\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"VIEWER\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"none\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"root\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":3}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"token_id\":\"T1\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"revoked\":false}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":0}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":-1}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":3651}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":1.5}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":\"1\"}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":1e400}", 400},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":9007199254740993}", 422},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":NaN}", 400},
      {"/api/auth/tokens", "{\"name\":\"a\",\"role\":\"viewer\",\"expires_in_days\":0x10}", 400},
      {"/api/auth/tokens", "{\"name\":\"<script>'; -- ${x} {{x}} %n%s\",\"role\":\"viewer\"}", 200},
      {"/api/auth/tokens", "{\"name\":\"\\u202eright to left \\ud83d\\ude00\",\"role\":\"viewer\"}", 200},
      {"/api/auth/users", "{\"username\":\"../x\",\"password\":\"long enough 1\",\"role\":\"viewer\"}", 422},
      {"/api/auth/users", "{\"username\":\"a b\",\"password\":\"long enough 1\",\"role\":\"viewer\"}", 422},
      {"/api/auth/users", "{\"username\":\"\",\"password\":\"long enough 1\",\"role\":\"viewer\"}", 422},
      {"/api/auth/users", "{\"username\":\"short\",\"password\":\"123456789\",\"role\":\"viewer\"}", 422},
      {"/api/auth/users", "{\"username\":\"umlauts\",\"password\":\"\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\",\"role\":\"viewer\"}", 422},
      {"/api/auth/users", "{\"username\":\"x\",\"password\":\"long enough 1\",\"role\":\"viewer\",\"created_at\":1}", 422},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int status = web_ask_as(API_ROLE_ADMIN, "POST", rows[i].path, rows[i].json);
    if (status != rows[i].status) print_error("row %zu: %d, not %d: %s\n", i, status, rows[i].status, web_body());
    assert_int_equal(status, rows[i].status);
    json_free(web_parse());
  }
}

static void with_auth_off_every_request_is_admin(void **state) {
  (void)state;
  web.api->access->is_open = true;
  web.settings.auth_enabled = false;
  assert_int_equal(web_ask("GET", "/api/auth/users", "", NULL), 200);
  assert_int_equal(web_ask("GET", "/api/auth/me", "", NULL), 200);
  assert_true(web_has("\"auth_enabled\":false"));
  assert_int_equal(web_ask("POST", "/api/engine/pause", "Origin: https://evil.example\r\n", "{}"), 403);
  assert_int_equal(web_ask("POST", "/api/engine/pause", "Sec-Fetch-Site: cross-site\r\n", "{}"), 403);
  web.api->access->is_open = false;
  web.settings.auth_enabled = true;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_fresh_install_has_no_known_password),
      cmocka_unit_test(the_setup_link_makes_the_first_user),
      cmocka_unit_test(a_setup_code_runs_out),
      cmocka_unit_test(logins_carry_the_cookie_and_its_rules),
      cmocka_unit_test(logins_run_out),
      cmocka_unit_test(wrong_passwords_wait),
      cmocka_unit_test(a_new_password_ends_other_logins),
      cmocka_unit_test(tokens_are_shown_once_and_kept_as_hashes),
      cmocka_unit_test(bad_credentials_are_refused),
      cmocka_unit_test(the_last_admin_stays),
      cmocka_unit_test(users_come_and_go),
      cmocka_unit_test(changes_by_another_process_are_noticed),
      cmocka_unit_test(tickets_are_for_one_use),
      cmocka_unit_test(bodies_are_strict),
      cmocka_unit_test(with_auth_off_every_request_is_admin),
  };
  return cmocka_run_group_tests(tests, web_open_guarded, web_close);
}
