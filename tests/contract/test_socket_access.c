/* Who may hear the live feed, and for how long, over real sockets and a real database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/web_fixture.h"

/* Opens one and returns 0 after a HELLO with that word in it, else the status or close code that it got instead. */
static int open_socket(struct socket_client *client, const char *target, const char *head, const char *word) {
  struct socket_world world = web_sockets();
  int status = socket_client_open(client, &world, target, head);
  if (status != 101) return status;
  if (!socket_client_wait(client, &world, "HELLO")) return socket_client_wait_end(client, &world);
  assert_non_null(strstr(client->text.data, word));
  return 0;
}

static int try_socket(const char *target, const char *head, const char *word) {
  struct socket_client client;
  web_pass_s(7);
  int result = open_socket(&client, target, head, word);
  socket_client_close(&client);
  return result;
}

static void take_ticket(const char *headers, char target[256]) {
  char ticket[128];
  assert_int_equal(web_ask("POST", "/api/auth/ws-ticket", headers, "{}"), 200);
  web_take_text("ticket", ticket, sizeof ticket);
  snprintf(target, 256, "/ws?ticket=%s", ticket);
}

static void sockets_need_a_ticket_or_a_token(void **state) {
  (void)state;
  char target[256];
  web_pass_s(60);
  take_ticket(web_bearer(web.tokens[API_ROLE_VIEWER]), target);
  assert_int_equal(try_socket(target, "", "\"role\":\"viewer\""), 0);
  assert_int_equal(try_socket(target, "", ""), 4001); /* used */
  take_ticket(web_bearer(web.tokens[API_ROLE_OPERATOR]), target);
  web_pass_s(31);
  assert_int_equal(try_socket(target, "", ""), 4001); /* too old */
  assert_int_equal(try_socket("/ws?ticket=0123456789abcdef", "", ""), 4001);
  assert_int_equal(try_socket("/ws?ticket=", "", ""), 4001);
  assert_int_equal(try_socket("/ws", "", ""), 401);
  assert_int_equal(try_socket("/ws", web_bearer(web.tokens[API_ROLE_ADMIN]), "\"role\":\"admin\""), 0);
  assert_int_equal(try_socket("/ws", web_bearer(web.revoked), ""), 4001);
  assert_int_equal(try_socket("/ws", web_bearer("bbt_nonsense"), ""), 4001);
  /* A ticket is for its own place only, and a good one does not excuse a foreign page. */
  take_ticket(web_bearer(web.tokens[API_ROLE_VIEWER]), target);
  assert_int_equal(try_socket(target, "Origin: https://evil.example\r\n", ""), 403);
  assert_int_equal(try_socket(target, "Origin: https://ui.example\r\n", "\"role\":\"viewer\""), 0);
}

/* Rights that are lost meanwhile end a socket within a minute; what others have stays open. */
static void sockets_end_with_their_rights(void **state) {
  (void)state;
  char secret[TOKEN_TEXT_BYTES];
  char target[256];
  struct browser browser;
  struct socket_client by_token;
  struct socket_client by_login;
  struct socket_client other;
  struct problem problem;
  struct socket_world world = web_sockets();
  struct accounts *accounts = &web.api->access->accounts;
  problem_clear(&problem);
  web_pass_s(60);
  web_make_token("soon gone", API_ROLE_OPERATOR, secret);
  web_set_up(&browser);
  take_ticket(browser.headers, target);
  assert_int_equal(open_socket(&by_token, "/ws", web_bearer(secret), "operator"), 0);
  assert_int_equal(open_socket(&by_login, target, "", "\"user\":\"root\""), 0);
  assert_int_equal(open_socket(&other, "/ws", web_bearer(web.tokens[API_ROLE_VIEWER]), "viewer"), 0);
  assert_int_equal(accounts_revoke_token(accounts, accounts_find_secret(accounts, secret)->id, &problem), STATUS_OK);
  assert_int_equal(web_ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  web_pass_s(61);
  assert_int_equal(socket_client_wait_end(&by_token, &world), 4001);
  assert_int_equal(socket_client_wait_end(&by_login, &world), 4001);
  socket_client_say(&other, &world, "{\"type\":\"PING\",\"data\":{\"id\":\"x\"}}");
  assert_true(socket_client_wait(&other, &world, "PONG"));
  socket_client_close(&by_token);
  socket_client_close(&by_login);
  socket_client_close(&other);
}

static void sockets_have_limits(void **state) {
  (void)state;
  struct socket_client clients[12];
  web_pass_s(120);
  for (int i = 0; i < 10; i++) assert_int_equal(open_socket(&clients[i], "/ws", web_bearer(web.tokens[API_ROLE_ADMIN]), "admin"), 0);
  assert_int_equal(open_socket(&clients[10], "/ws", web_bearer(web.tokens[API_ROLE_ADMIN]), ""), 4029);
  web.settings.ws_max_connections = 10;
  web_pass_s(60);
  assert_int_equal(open_socket(&clients[11], "/ws", web_bearer(web.tokens[API_ROLE_ADMIN]), ""), 4013);
  web.settings.ws_max_connections = 20;
  for (int i = 0; i < 12; i++) socket_client_close(&clients[i]);
}

/* A goodbye is a code and a sentence. */
static void expect_goodbye(struct socket_client *client, int code, const char *reason) {
  struct socket_world world = web_sockets();
  assert_int_equal(socket_client_wait_end(client, &world), code);
  assert_true(client->text.length > 2);
  assert_string_equal(client->text.data + 2, reason);
  socket_client_close(client);
}

static void refusals_have_a_code_and_a_reason(void **state) {
  (void)state;
  char secret[TOKEN_TEXT_BYTES];
  struct socket_client clients[11];
  struct socket_client client;
  struct socket_world world = web_sockets();
  web_pass_s(120);
  assert_int_equal(socket_client_open(&client, &world, "/ws?ticket=forged", ""), 101);
  expect_goodbye(&client, 4001, "the ticket is unknown, used or older than 30 s");
  web_make_token("nobody", API_ROLE_NONE, secret);
  assert_int_equal(socket_client_open(&client, &world, "/ws", web_bearer(secret)), 101);
  expect_goodbye(&client, 4003, "the role may not read");
  for (int i = 0; i < 11; i++) assert_int_equal(socket_client_open(&clients[i], &world, "/ws", web_bearer(web.tokens[API_ROLE_VIEWER])), 101);
  expect_goodbye(&clients[10], 4029, "too many connects within a minute");
  web.settings.ws_max_connections = 10;
  assert_int_equal(socket_client_open(&client, &world, "/ws", web_bearer(web.tokens[API_ROLE_OPERATOR])), 101);
  expect_goodbye(&client, 4013, "too many connections");
  web.settings.ws_max_connections = 20;
  /* A role that is taken away while the socket is open. */
  struct accounts *accounts = &web.api->access->accounts;
  accounts_find_secret(accounts, web.tokens[API_ROLE_VIEWER])->role = API_ROLE_NONE;
  web_pass_s(61);
  expect_goodbye(&clients[0], 4003, "the role may not read any more");
  accounts_find_secret(accounts, web.tokens[API_ROLE_VIEWER])->role = API_ROLE_VIEWER;
  for (int i = 1; i < 10; i++) socket_client_close(&clients[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sockets_need_a_ticket_or_a_token),
      cmocka_unit_test(sockets_end_with_their_rights),
      cmocka_unit_test(sockets_have_limits),
      cmocka_unit_test(refusals_have_a_code_and_a_reason),
  };
  return cmocka_run_group_tests(tests, web_open_guarded, web_close);
}
