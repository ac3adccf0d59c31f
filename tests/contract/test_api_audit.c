/* What is kept of changes: repeated requests and the audit log, over real sockets and a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/store/database.h"
#include "api/access/audit.h"
#include "support/web_fixture.h"

static int ask_with_key(const char *key, const char *path, const char *body) {
  char headers[512];
  snprintf(headers, sizeof headers, "%sIdempotency-Key: %s\r\n", web_bearer(web.tokens[API_ROLE_ADMIN]), key);
  return web_ask("POST", path, headers, body);
}

static void a_repeated_request_gets_the_stored_reply(void **state) {
  (void)state;
  static const char *const user = "{\"username\":\"eve\",\"password\":\"long enough 1\",\"role\":\"viewer\"}";
  char first[4096];
  assert_int_equal(ask_with_key("k-1", "/api/auth/users", user), 200); /* deferred: it waits for a hash */
  text_copy(first, sizeof first, web_body());
  assert_false(web_has("Idempotent-Replay"));
  assert_int_equal(ask_with_key("k-1", "/api/auth/users", user), 200);
  assert_true(web_has("Idempotent-Replay: true"));
  assert_string_equal(web_body(), first);
  assert_int_equal(ask_with_key("k-1", "/api/auth/users", "{\"username\":\"adam\",\"password\":\"long enough 1\",\"role\":\"viewer\"}"), 409);
  assert_true(web_has("idempotency_conflict"));
  assert_int_equal(ask_with_key("k-1", "/api/engine/pause", user), 422); /* not even read: its body is wrong */
  assert_int_equal(ask_with_key("k-2", "/api/engine/pause", "{}"), 409);
  assert_true(web_has("illegal_command"));
  assert_int_equal(ask_with_key("k-2", "/api/engine/pause", "{}"), 409);
  assert_true(web_has("illegal_command") && web_has("Idempotent-Replay: true"));
  /* A secret is shown once, also to who repeats himself. */
  assert_int_equal(ask_with_key("k-3", "/api/auth/tokens", "{\"name\":\"t\",\"role\":\"viewer\"}"), 200);
  assert_int_equal(ask_with_key("k-3", "/api/auth/tokens", "{\"name\":\"t\",\"role\":\"viewer\"}"), 409);
  assert_false(web_has("bbt_"));
  char key[160];
  memset(key, 'k', sizeof key);
  key[129] = '\0';
  assert_int_equal(ask_with_key(key, "/api/engine/pause", "{}"), 400);
  assert_int_equal(ask_with_key("a b", "/api/engine/pause", "{}"), 400);
  key[128] = '\0';
  assert_int_equal(ask_with_key(key, "/api/engine/pause", "{}"), 409);
  web_pass_s(25 * 3600);
  assert_int_equal(ask_with_key("k-2", "/api/engine/pause", "{}"), 409); /* forgotten after a day: asked anew */
  assert_false(web_has("Idempotent-Replay"));
}

static void changes_leave_a_chain_of_rows(void **state) {
  (void)state;
  int64_t count = 0;
  int64_t broken = -1;
  struct browser browser;
  struct problem problem;
  problem_clear(&problem);
  web_set_up(&browser);
  assert_int_equal(web_ask_as(API_ROLE_VIEWER, "POST", "/api/engine/pause", "{}"), 403);
  assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}"), 409);
  assert_int_equal(web_log_in(NULL, "root", web_password), 200);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "GET", "/api/audit?limit=3", NULL), 200);
  struct json *json = web_parse();
  const struct json *items = json_member(json, "items");
  assert_int_equal(json_size(items), 3);
  assert_string_equal(json_string(json_member(json_item(items, 0), "action")), "POST /api/auth/login");
  assert_string_equal(json_string(json_member(json_item(items, 0), "user")), "root");
  assert_int_equal(json_int(json_member(json_item(items, 0), "result")), 200);
  assert_string_equal(json_string(json_member(json_member(json_item(items, 0), "after"), "password")), "***");
  assert_int_equal(json_int(json_member(json_item(items, 1), "result")), 409);
  assert_int_equal(json_int(json_member(json_item(items, 2), "result")), 403);
  char path[128];
  snprintf(path, sizeof path, "/api/audit?limit=1&cursor=%s", json_string(json_member(json, "next_cursor")));
  json_free(json);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "GET", path, NULL), 200);
  assert_int_equal(
      web_ask_as(API_ROLE_ADMIN, "GET", "/api/audit?user=root&action=POST%20/api/auth/login&from=1600000000000&order=asc&format=csv", NULL), 200);
  assert_true(web_has("Content-Type: text/csv") && web_has("audit_id,ts,user,token,role,"));
  static const char *const bad[] = {"limit=0", "limit=-1", "limit=1000000000", "cursor=forged", "cursor=-1", "order=up", "from=yesterday", "x=1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(path, sizeof path, "/api/audit?%s", bad[i]);
    assert_int_equal(web_ask_as(API_ROLE_ADMIN, "GET", path, NULL), 400);
  }
  assert_int_equal(audit_verify(&web.rows, &count, &broken, &problem), STATUS_OK);
  assert_true(count > 7);
  assert_int_equal(broken, 0);
}

static int64_t broken_row(void) {
  int64_t count = 0;
  int64_t broken = 0;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(audit_verify(&web.rows, &count, &broken, &problem), STATUS_OK);
  return broken;
}

static void nothing_happens_without_the_audit_log(void **state) {
  (void)state;
  web.is_audit_broken = true;
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "POST", "/api/auth/tokens", "{\"name\":\"unseen\",\"role\":\"admin\"}"), 503);
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "GET", "/api/auth/tokens", NULL), 200);
  assert_false(web_has("unseen"));
  assert_int_equal(ask_with_key("k-9", "/api/engine/pause", "{}"), 503);
  web_pass_s(13);
  assert_int_equal(web_log_in(NULL, "root", web_password), 503);
  assert_int_equal(web_ask_as(API_ROLE_VIEWER, "POST", "/api/engine/pause", "{}"), 403); /* a refusal stays one */
  assert_int_equal(web_ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/emergency-stop", "{\"reason\":\"drill\"}"), 200);
  web.is_audit_broken = false;
  assert_int_equal(ask_with_key("k-9", "/api/engine/pause", "{}"), 409); /* the key is free again */
  assert_true(web_has("illegal_command"));
  assert_int_equal(web_ask_as(API_ROLE_ADMIN, "POST", "/api/engine/reset", "{\"confirm\":\"RESET\",\"reason\":\"drill over\"}"), 200);
}

static void a_changed_audit_row_is_found(void **state) {
  (void)state;
  struct database database;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(database_open(&database, web.path, DATABASE_FOR_WRITING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_run(&database, "UPDATE audit SET username = 'nobody' || ifnull(username, '') WHERE audit_id = 7", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 7);
  assert_int_equal(database_run(&database, "UPDATE audit SET username = nullif(substr(username, 7), '') WHERE audit_id = 7", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 0);
  assert_int_equal(database_run(&database, "UPDATE audit SET result = 599 WHERE audit_id = 1", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 1);
  assert_int_equal(database_run(&database, "DELETE FROM audit WHERE audit_id = 1", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 2);
  database_close(&database);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_repeated_request_gets_the_stored_reply),
      cmocka_unit_test(changes_leave_a_chain_of_rows),
      cmocka_unit_test(nothing_happens_without_the_audit_log),
      cmocka_unit_test(a_changed_audit_row_is_found),
  };
  return cmocka_run_group_tests(tests, web_open_guarded, web_close);
}
