/* Who may do what: logins, tokens, roles, limits, repeated requests and the audit log, over real sockets and a real database. The clock is the
 * test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "adapters/http/http.h"
#include "adapters/store/database.h"
#include "adapters/store/sqlite_rows.h"
#include "adapters/store/sqlite_store.h"
#include "api/access/access.h"
#include "api/access/audit.h"
#include "base/json.h"
#include "support/socket_client.h"

enum { REPLY_BYTES = 1 << 20, BODY_LIMIT = 4096, ROUNDS_MAX = 20000 };

static struct fixture {
  struct arena arena;
  struct engine *engine;
  struct exchange exchange;
  struct runner runner;
  struct metrics *metrics;
  struct settings settings;
  struct store store;
  struct sqlite_rows *file;
  struct row_port rows, real_rows;
  bool is_audit_broken;
  struct api *api;
  struct http_server *server;
  int64_t now, clock_ms;
  char folder[64], path[96];
  char tokens[api_role_count][TOKEN_TEXT_BYTES], revoked[TOKEN_TEXT_BYTES];
} fixture;

/* ---- what the API stands on ---- */

static bool no_answer(void *self, int64_t now, struct event *out) {
  (void)self;
  (void)now;
  (void)out;
  return false;
}

static void ignore_intent(void *self, const struct intent *intent) {
  (void)self;
  (void)intent;
}

static int64_t host_now(void *self) {
  (void)self;
  return ++fixture.now;
}

static void host_step(void *self, struct event *event) {
  (void)self;
  runner_step(&fixture.runner, event);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  problem_add(problem, "not_found", name, NULL, NULL, "there is no such preset");
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
  *out = (struct api_system){0};
}

static int64_t clock_now(void *self) {
  (void)self;
  return fixture.clock_ms;
}

static int64_t clock_monotonic(void *self) {
  (void)self;
  return fixture.clock_ms * 1000000;
}

static const struct clock test_clock = {NULL, clock_now, clock_monotonic};

static void pass_s(int seconds) {
  fixture.clock_ms += (int64_t)seconds * 1000;
}

/* The database as it is, but the audit log fails when the test wants it to. */
static enum status insert_row(void *self, const char *table, const struct row_value *values, int count, int64_t *id, struct problem *problem) {
  if (fixture.is_audit_broken && strcmp(table, "audit") == 0) return STATUS_IO_FAILED;
  return fixture.real_rows.insert(self, table, values, count, id, problem);
}

/* ---- opening ---- */

static void make_token(const char *name, enum api_role role, char secret[TOKEN_TEXT_BYTES]) {
  struct token token = {.role = role, .created_at = fixture.clock_ms, .created_by = "root"};
  struct problem problem;
  problem_clear(&problem);
  text_copy(token.name, sizeof token.name, name);
  assert_int_equal(accounts_add_token(&fixture.api->access->accounts, &token, secret, &problem), STATUS_OK);
}

static int open_engine(void) {
  const struct engine_limits limits = {.symbols = 1, .base_ms = 60000};
  const struct engine_config config = {
      .instance = "000000", .venue = "paper", .feed = "demo", .starting_balance = 100000 * DECIMAL_ONE, .max_leverage = 10};
  if (arena_open(&fixture.arena, engine_memory(&limits))) return 1;
  fixture.now = 1700000000000;
  fixture.engine = engine_init(&fixture.arena, &limits, &config, NULL);
  fixture.exchange = (struct exchange){.name = "none", .submit = ignore_intent, .poll = no_answer};
  if (runner_init(&fixture.runner, fixture.engine, &fixture.exchange, NULL, NULL, false)) return 1;
  return metrics_open(&fixture.metrics, &test_clock) ? 1 : 0;
}

static int open_database(void) {
  struct problem problem;
  problem_clear(&problem);
  strcpy(fixture.folder, "/tmp/breakout-access-XXXXXX");
  if (mkdtemp(fixture.folder) == NULL) return 1;
  snprintf(fixture.path, sizeof fixture.path, "%s/x.db", fixture.folder);
  const struct sqlite_store_options options = {.path = fixture.path, .account = "paper", .may_migrate = true};
  if (sqlite_store_open(&fixture.store, &options, &problem) || sqlite_rows_open(&fixture.file, fixture.path, &problem)) return 1;
  sqlite_rows_port(fixture.file, &fixture.real_rows);
  fixture.rows = fixture.real_rows;
  fixture.rows.insert = insert_row;
  return 0;
}

static int open_api(void) {
  const struct api_options options = {
      .host = {.now = host_now, .step = host_step, .use_preset = host_use_preset, .components = host_components, .read_system = host_read_system},
      .engine = fixture.engine,
      .metrics = fixture.metrics,
      .clock = &test_clock,
      .settings = &fixture.settings,
      .rows = &fixture.rows,
      .sockets = http_server_sockets(),
      .is_demo = true,
      .is_ready = true};
  if (api_open(&fixture.api, &options)) return 1;
  struct listener listener;
  api_listener(fixture.api, &listener);
  runner_listen(&fixture.runner, &listener);
  struct http_options http = {.host = "127.0.0.1", .body_limit = BODY_LIMIT, .sockets_max = 32, .clock = &test_clock};
  api_handler(fixture.api, &http.handler);
  struct problem problem;
  problem_clear(&problem);
  return http_server_open(&fixture.server, &http, &problem) ? 1 : 0;
}

static int open_all(void **state) {
  (void)state;
  memset(&fixture, 0, sizeof fixture);
  fixture.clock_ms = 1700000000000;
  fixture.settings.auth_enabled = true;
  fixture.settings.login_ttl_hours = 12;
  fixture.settings.rate_limit_read_per_s = 1000;
  fixture.settings.rate_limit_write_per_s = 1000;
  fixture.settings.ws_max_connections = 20;
  fixture.settings.ws_heartbeat_interval_s = 600;
  strcpy(fixture.settings.api_host, "127.0.0.1");
  strcpy(fixture.settings.cors_origins, "http://localhost:3000,https://ui.example");
  if (open_engine() || open_database() || open_api()) return 1;
  for (int role = API_ROLE_VIEWER; role < api_role_count; role++) make_token(api_role_names[role], (enum api_role)role, fixture.tokens[role]);
  make_token("gone", API_ROLE_ADMIN, fixture.revoked);
  struct problem problem;
  problem_clear(&problem);
  struct accounts *accounts = &fixture.api->access->accounts;
  return accounts_revoke_token(accounts, accounts_find_secret(accounts, fixture.revoked)->id, &problem) ? 1 : 0;
}

static int close_all(void **state) {
  (void)state;
  http_server_close(fixture.server);
  api_close(fixture.api);
  sqlite_rows_close(fixture.file);
  fixture.store.close(fixture.store.self);
  metrics_close(fixture.metrics);
  runner_deinit(&fixture.runner);
  arena_close(&fixture.arena);
  char command[160];
  snprintf(command, sizeof command, "rm -r %s", fixture.folder);
  return system(command);
}

/* ---- a client ---- */

static char received[REPLY_BYTES];

static int connect_client(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(fixture.server)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static bool is_whole(size_t used) {
  const char *end = strstr(received, "\r\n\r\n");
  const char *length = strstr(received, "Content-Length: ");
  if (end == NULL) return false;
  return length == NULL ? strncmp(received, "HTTP/1.1 204", 12) == 0 : strtoul(length + 16, NULL, 10) <= used - (size_t)(end + 4 - received);
}

static int send_text(const char *text) {
  int fd = connect_client();
  size_t size = strlen(text);
  size_t sent = 0;
  size_t used = 0;
  received[0] = '\0';
  for (int round = 0; round < ROUNDS_MAX && !is_whole(used); round++) {
    http_server_run(fixture.server);
    api_turn(fixture.api);
    if (sent < size) {
      ssize_t count = send(fd, text + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent += (size_t)count;
    }
    ssize_t count = recv(fd, received + used, sizeof received - 1 - used, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN)) break;
    if (count > 0) {
      used += (size_t)count;
      received[used] = '\0';
    } else if (round > 50) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* a password is being computed */
    }
  }
  close(fd);
  http_server_run(fixture.server);
  return strncmp(received, "HTTP/1.1 ", 9) == 0 ? atoi(received + 9) : 0;
}

/* headers end with \r\n each; body NULL: none. */
static int ask(const char *method, const char *path, const char *headers, const char *body) {
  static char text[64 * 1024];
  int used = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path, headers);
  if (body != NULL) {
    used += snprintf(text + used, sizeof text - (size_t)used, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
  }
  snprintf(text + used, sizeof text - (size_t)used, "\r\n%s", body != NULL ? body : "");
  return send_text(text);
}

static const char *bearer(const char *secret) {
  static char header[128];
  snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", secret);
  return header;
}

static int ask_as(enum api_role role, const char *method, const char *path, const char *body) {
  return ask(method, path, role != API_ROLE_NONE ? bearer(fixture.tokens[role]) : "", body);
}

static bool has(const char *part) {
  return strstr(received, part) != NULL;
}

static struct json *parse_body(void) {
  const char *end = strstr(received, "\r\n\r\n");
  struct problem problem;
  problem_clear(&problem);
  assert_non_null(end);
  struct json *json = json_parse(end + 4, strlen(end + 4), JSON_STRICT, "reply", &problem);
  assert_non_null(json);
  return json;
}

static void take_text(const char *member, char *out, size_t size) {
  struct json *json = parse_body();
  assert_non_null(json_member(json, member));
  text_copy(out, size, json_string(json_member(json, member)));
  json_free(json);
}

/* ---- a browser ---- */

struct browser {
  char cookie[128], csrf[DIGEST_TEXT_MAX], headers[512];
};

static void remember(struct browser *browser) {
  const char *cookie = strstr(received, "Set-Cookie: bb_login=");
  assert_non_null(cookie);
  cookie += strlen("Set-Cookie: ");
  text_copy(browser->cookie, strcspn(cookie, ";") + 1, cookie);
  take_text("csrf_token", browser->csrf, sizeof browser->csrf);
  snprintf(browser->headers, sizeof browser->headers, "Cookie: other=1; %s\r\nX-CSRF-Token: %s\r\n", browser->cookie, browser->csrf);
}

static int log_in(struct browser *browser, const char *user, const char *password) {
  char body[512];
  snprintf(body, sizeof body, "{\"username\":\"%s\",\"password\":\"%s\"}", user, password);
  pass_s(13); /* the bucket of logins fills at five a minute */
  int status = ask("POST", "/api/auth/login", "", body);
  if (status == 200 && browser != NULL) remember(browser);
  return status;
}

static const char password[] = "correct horse battery";

static void set_up(struct browser *browser) {
  char code[DIGEST_TEXT_MAX];
  char body[512];
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(setup_make(&fixture.rows, fixture.clock_ms, code, &problem), STATUS_OK);
  snprintf(body, sizeof body, "{\"code\":\"%s\",\"username\":\"root\",\"password\":\"%s\"}", code, password);
  pass_s(13);
  assert_int_equal(ask("POST", "/api/auth/setup", "", body), 200);
  remember(browser);
  pass_s(13);
  assert_int_equal(ask("POST", "/api/auth/setup", "", body), 403); /* one use */
  assert_true(has("setup_closed"));
}

/* ---- first start, logins ---- */

static void a_fresh_install_has_no_known_password(void **state) {
  (void)state;
  static const char *const guesses[] = {"admin", "password", "changeme", ""};
  for (size_t i = 0; i < sizeof guesses / sizeof guesses[0]; i++) assert_int_equal(log_in(NULL, "admin", guesses[i]), 401);
  assert_int_equal(ask("POST", "/api/auth/setup", "", "{\"code\":\"nonsense\",\"username\":\"root\",\"password\":\"long enough 1\"}"), 403);
  assert_int_equal(ask("POST", "/api/auth/setup", "", "{\"code\":\"x\",\"username\":\"Root User\",\"password\":\"short\"}"), 422);
  struct json *json = parse_body();
  assert_int_equal(json_size(json_member(json, "errors")), 2);
  json_free(json);
}

static void the_setup_link_makes_the_first_user(void **state) {
  (void)state;
  struct browser browser;
  set_up(&browser);
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 200);
  assert_true(has("\"username\":\"root\"") && has("\"role\":\"admin\""));
  assert_int_equal(ask("GET", "/api/auth/users", browser.headers, NULL), 200);
  assert_false(has("\"username\":\"admin\"")); /* the placeholder of the first start has gone */
}

static void a_setup_code_runs_out(void **state) {
  (void)state;
  char code[DIGEST_TEXT_MAX];
  char body[512];
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(setup_make(&fixture.rows, fixture.clock_ms, code, &problem), STATUS_OK);
  snprintf(body, sizeof body, "{\"code\":\"%s\",\"username\":\"late\",\"password\":\"%s\"}", code, password);
  pass_s(15 * 60);
  assert_int_equal(ask("POST", "/api/auth/setup", "", body), 403);
}

static void logins_carry_the_cookie_and_its_rules(void **state) {
  (void)state;
  struct browser browser;
  struct browser second;
  assert_int_equal(log_in(&browser, "root", password), 200);
  assert_true(has("; HttpOnly; SameSite=Strict; Max-Age=43200"));
  assert_true(has("\"expires_at\":"));
  assert_int_equal(log_in(&second, "root", password), 200);
  assert_string_not_equal(browser.cookie, second.cookie);
  /* Reading needs the cookie, changing needs the value that only our own pages know. */
  char only_cookie[256];
  snprintf(only_cookie, sizeof only_cookie, "Cookie: %s\r\n", browser.cookie);
  assert_int_equal(ask("GET", "/api/auth/me", only_cookie, NULL), 200);
  char csrf[DIGEST_TEXT_MAX];
  take_text("csrf_token", csrf, sizeof csrf);
  assert_string_equal(csrf, browser.csrf);
  assert_int_equal(ask("POST", "/api/auth/ws-ticket", only_cookie, "{}"), 403);
  assert_true(has("csrf_failed"));
  char wrong[512];
  snprintf(wrong, sizeof wrong, "Cookie: %s\r\nX-CSRF-Token: %s\r\n", browser.cookie, second.csrf);
  assert_int_equal(ask("POST", "/api/auth/ws-ticket", wrong, "{}"), 403);
  assert_int_equal(ask("POST", "/api/auth/ws-ticket", browser.headers, "{}"), 200);
  /* After the logout the cookie is worth nothing. */
  assert_int_equal(ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  assert_true(has("Set-Cookie: bb_login=;"));
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 401);
  assert_true(has("login_expired"));
  assert_int_equal(ask("GET", "/api/auth/me", second.headers, NULL), 200);
}

static void logins_run_out(void **state) {
  (void)state;
  struct browser browser;
  assert_int_equal(log_in(&browser, "root", password), 200);
  pass_s(29 * 60);
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 200);
  pass_s(29 * 60);
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 200); /* it was used */
  pass_s(31 * 60);
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 401); /* idle */
  assert_int_equal(log_in(&browser, "root", password), 200);
  for (int i = 0; i < 12 * 3; i++) {
    pass_s(20 * 60 - 1);
    assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 200);
  }
  pass_s(60);
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 401); /* 12 h, however busy */
}

static void wrong_passwords_wait(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    assert_int_equal(log_in(NULL, "root", "wrong password"), 401);
    assert_true(has("user or password is wrong"));
  }
  assert_int_equal(log_in(NULL, "root", password), 429); /* also the right one */
  assert_true(has("Retry-After: "));
  for (int i = 0; i < 3; i++) assert_int_equal(log_in(NULL, "nobody", "wrong password"), 401); /* the same words for who is not there */
  assert_true(has("user or password is wrong"));
  pass_s(300);
  assert_int_equal(log_in(NULL, "root", password), 200);
}

static void a_new_password_ends_other_logins(void **state) {
  (void)state;
  struct browser here;
  struct browser there;
  assert_int_equal(log_in(&here, "root", password), 200);
  assert_int_equal(log_in(&there, "root", password), 200);
  assert_int_equal(ask("POST", "/api/auth/password", here.headers, "{\"old_password\":\"wrong\",\"new_password\":\"another long one\"}"), 401);
  assert_int_equal(ask("POST", "/api/auth/password", here.headers, "{\"old_password\":\"wrong\",\"new_password\":\"short\"}"), 422);
  char body[256];
  snprintf(body, sizeof body, "{\"old_password\":\"%s\",\"new_password\":\"another long one\"}", password);
  assert_int_equal(ask("POST", "/api/auth/password", here.headers, body), 200);
  assert_int_equal(ask("GET", "/api/auth/me", here.headers, NULL), 200);
  assert_int_equal(ask("GET", "/api/auth/me", there.headers, NULL), 401);
  assert_int_equal(log_in(NULL, "root", password), 401);
  snprintf(body, sizeof body, "{\"old_password\":\"another long one\",\"new_password\":\"%s\"}", password);
  assert_int_equal(ask("POST", "/api/auth/password", here.headers, body), 200);
}

/* ---- tokens ---- */

static void tokens_are_shown_once_and_kept_as_hashes(void **state) {
  (void)state;
  char secret[TOKEN_TEXT_BYTES];
  char id[TOKEN_ID_BYTES];
  char path[96];
  assert_int_equal(ask_as(API_ROLE_ADMIN, "POST", "/api/auth/tokens", "{\"name\":\"script\",\"role\":\"operator\",\"expires_in_days\":2}"), 200);
  take_text("token", secret, sizeof secret);
  take_text("token_id", id, sizeof id);
  assert_int_equal(strlen(secret), TOKEN_TEXT_BYTES - 1);
  assert_int_equal(ask("GET", "/api/auth/me", bearer(secret), NULL), 200);
  assert_true(has("\"role\":\"operator\""));
  assert_int_equal(ask_as(API_ROLE_ADMIN, "GET", "/api/auth/tokens", NULL), 200);
  assert_true(has(id));
  assert_false(has(secret + 4));
  char command[320];
  snprintf(command, sizeof command, "grep -q %s %s %s-wal", secret + 4, fixture.path, fixture.path);
  assert_int_not_equal(system(command), 0); /* in no file of the database */
  pass_s(2 * 86400);
  assert_int_equal(ask("GET", "/api/auth/me", bearer(secret), NULL), 401);
  assert_true(has("token_revoked"));
  snprintf(path, sizeof path, "/api/auth/tokens/%s", id);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "DELETE", path, "{}"), 200);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/tokens/T000000000000", "{}"), 404);
}

static void bad_credentials_are_refused(void **state) {
  (void)state;
  char upper[TOKEN_TEXT_BYTES];
  char longer[TOKEN_TEXT_BYTES + 1];
  text_copy(upper, sizeof upper, fixture.tokens[API_ROLE_ADMIN]);
  upper[0] = 'B';
  snprintf(longer, sizeof longer, "%s0", fixture.tokens[API_ROLE_ADMIN]);
  const char *const secrets[] = {upper,
                                 longer,
                                 fixture.revoked,
                                 "",
                                 "bbt_",
                                 "bbt_0000000000000000000000000000000000000000000000000000000000000000",
                                 "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.",
                                 "' OR 1=1 --",
                                 "%n%s"};
  for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
    pass_s(2);
    assert_int_equal(ask("GET", "/api/engine/status", bearer(secrets[i]), NULL), 401);
  }
  static const char *const headers[] = {"Authorization: Basic YWRtaW46YWRtaW4=\r\n", "Authorization: Bearer\r\n", "Cookie: bb_login=x\r\n",
                                        "Cookie: bb_login=0000000000000000000000000000000000000000000000000000000000000000\r\n",
                                        "X-API-Key: admin\r\n"};
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    pass_s(2);
    assert_int_equal(ask("GET", "/api/engine/status", headers[i], NULL), 401);
  }
  /* Of two tokens neither is taken. */
  char two[256];
  snprintf(two, sizeof two, "%sAuthorization: Bearer bbt_\r\n", bearer(fixture.tokens[API_ROLE_ADMIN]));
  assert_int_equal(ask("GET", "/api/engine/status", two, NULL), 400);
  /* A token in the address is no token. */
  char path[256];
  snprintf(path, sizeof path, "/api/engine/status?token=%s", fixture.tokens[API_ROLE_ADMIN]);
  assert_int_equal(ask("GET", path, "", NULL), 401);
  snprintf(path, sizeof path, "/api/live?access_token=%s", fixture.tokens[API_ROLE_ADMIN]);
  assert_int_equal(ask("GET", path, "", NULL), 400);
}

/* ---- roles ---- */

/* The route's address with x for what varies. */
static void path_of(const struct route *route, char out[256]) {
  const char *open = strchr(route->path, '{');
  if (open == NULL) {
    text_copy(out, 256, route->path);
  } else {
    snprintf(out, 256, "%.*sx%s", (int)(open - route->path), route->path, strchr(open, '}') + 1);
  }
}

/* A request that every handler would refuse for its form, but only behind the checks of access: 400 or 415 tells that it came so far. */
static int knock(const struct route *route, const char *secret) {
  char path[256];
  char target[300];
  pass_s(13);
  path_of(route, path);
  bool reads = strcmp(route->method, "GET") == 0;
  snprintf(target, sizeof target, "%s%s", path, reads ? "?no_such_argument=1" : "");
  const char *who = secret != NULL ? bearer(secret) : "";
  if (reads) return ask("GET", target, who, NULL);
  char headers[256];
  snprintf(headers, sizeof headers, "%sContent-Type: text/plain\r\nContent-Length: 0\r\n", who);
  return ask(route->method, target, headers, NULL);
}

static void every_route_keeps_its_role(void **state) {
  (void)state;
  for (int i = 0; i < api_route_count; i++) {
    const struct route *route = &api_routes[i];
    enum api_role least = fixture.api->access->rules[i].role;
    int admitted = strcmp(route->method, "GET") == 0 ? 400 : 415;
    for (int role = API_ROLE_NONE; role < api_role_count; role++) {
      int expected = role >= (int)least ? admitted : role == API_ROLE_NONE ? 401 : 403;
      int status = knock(route, role != API_ROLE_NONE ? fixture.tokens[role] : NULL);
      if (status != expected) print_error("%s %s as %s: %d, not %d\n", route->method, route->path, api_role_names[role], status, expected);
      assert_int_equal(status, expected);
      if (status == 403) assert_true(has("role_too_low"));
    }
    assert_int_equal(knock(route, fixture.revoked), least == API_ROLE_NONE ? admitted : 401);
  }
}

static void metrics_may_be_read_from_listed_networks(void **state) {
  (void)state;
  struct networks networks;
  assert_int_equal(ask("GET", "/api/metrics", "", NULL), 401);
  networks_parse(&fixture.api->access->metrics_allow, "127.0.0.0/8");
  assert_int_equal(ask("GET", "/api/metrics", "", NULL), 200);
  assert_int_equal(ask("GET", "/api/engine/commands", "", NULL), 401);
  networks_parse(&networks, "10.0.0.0/9, 192.168.1.1,::1/128,fc00::/7,nonsense,1.2.3.4/33");
  assert_int_equal(networks.count, 4);
  static const char *const inside[] = {"10.127.255.255", "192.168.1.1", "::1", "fdff::1", "::ffff:10.1.1.1"};
  static const char *const outside[] = {"10.128.0.0", "192.168.1.2", "::2", "fe00::1", "0.0.0.0", "", "10.1.1", "10.1.1.1.1"};
  for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) assert_true(networks_hold(&networks, inside[i]));
  for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) assert_false(networks_hold(&networks, outside[i]));
  networks_parse(&fixture.api->access->metrics_allow, "");
}

static void only_trusted_proxies_tell_addresses(void **state) {
  (void)state;
  struct networks proxies;
  char out[ADDRESS_BYTES];
  networks_parse(&proxies, "10.0.0.0/8");
  static const struct {
    const char *peer, *forwarded, *client;
  } rows[] = {{"1.1.1.1", "2.2.2.2", "1.1.1.1"},
              {"10.0.0.1", NULL, "10.0.0.1"},
              {"10.0.0.1", "2.2.2.2", "2.2.2.2"},
              {"10.0.0.1", "9.9.9.9, 2.2.2.2", "2.2.2.2"},
              {"10.0.0.1", "2.2.2.2,10.0.0.2", "2.2.2.2"},
              {"10.0.0.1", "2.2.2.2, nonsense", "10.0.0.1"},
              {"10.0.0.1", "", "10.0.0.1"},
              {"10.0.0.1", " , ,", "10.0.0.1"}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    address_of_client(&proxies, rows[i].peer, rows[i].forwarded, out);
    assert_string_equal(out, rows[i].client);
  }
  address_for_limit("2001:db8:1:2:3:4:5:6", out);
  assert_string_equal(out, "2001:db8:1:2::");
}

static void pages_of_other_servers_are_refused(void **state) {
  (void)state;
  const char *token = bearer(fixture.tokens[API_ROLE_OPERATOR]);
  static const struct {
    const char *headers;
    int status;
  } rows[] = {{"Origin: https://evil.example\r\n", 403},
              {"Origin: null\r\n", 403},
              {"Origin: http://localhost.evil.example\r\n", 403},
              {"Origin: http://localhost:9999\r\n", 403},
              {"Origin: http://localhost:30000\r\n", 403},
              {"Sec-Fetch-Site: cross-site\r\n", 403},
              {"Sec-Fetch-Site: same-site\r\n", 403},
              {"Sec-Fetch-Site: nonsense\r\n", 403},
              {"Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n", 200},
              {"Origin: http://localhost:3000\r\nSec-Fetch-Site: same-site\r\n", 200},
              {"Origin: https://ui.example\r\nSec-Fetch-Site: cross-site\r\n", 200},
              {"Sec-Fetch-Site: none\r\n", 200}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char headers[512];
    snprintf(headers, sizeof headers, "%s%s", token, rows[i].headers);
    int status = ask("POST", "/api/auth/ws-ticket", headers, "{}");
    if (status != rows[i].status) print_error("%s: %d\n", rows[i].headers, status);
    assert_int_equal(status, rows[i].status);
  }
}

static void cors_names_listed_origins_only(void **state) {
  (void)state;
  assert_int_equal(ask("GET", "/api/live", "Origin: http://localhost:3000\r\n", NULL), 200);
  assert_true(has("Access-Control-Allow-Origin: http://localhost:3000\r\n") && has("Access-Control-Allow-Credentials: true\r\n"));
  assert_int_equal(ask("GET", "/api/live", "Origin: http://localhost\r\n", NULL), 200);
  assert_false(has("Access-Control-"));
  assert_int_equal(ask("GET", "/api/live", "Origin: https://evil.example\r\n", NULL), 403);
  assert_false(has("Access-Control-"));
  static const char preflight[] = "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n";
  assert_int_equal(ask("OPTIONS", "/api/engine/start", preflight, NULL), 204);
  assert_true(has("Access-Control-Allow-Headers: Content-Type, Authorization, X-CSRF-Token"));
}

/* ---- limits ---- */

static void set_limits(double reads, double writes) {
  rate_limit_init(&fixture.api->access->limits, 7, reads, writes);
}

static void requests_have_rates(void **state) {
  (void)state;
  set_limits(20, 5);
  for (int i = 0; i < 40; i++) assert_int_equal(ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 200);
  assert_int_equal(ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 429);
  assert_true(has("Retry-After: 1\r\n") && has("rate_limited"));
  assert_int_equal(ask_as(API_ROLE_OPERATOR, "GET", "/api/engine/commands", NULL), 200); /* another token, another bucket */
  assert_int_equal(ask_as(API_ROLE_VIEWER, "GET", "/api/health", NULL), 200);            /* probes have their own */
  pass_s(1);
  for (int i = 0; i < 20; i++) assert_int_equal(ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 200);
  assert_int_equal(ask_as(API_ROLE_VIEWER, "GET", "/api/engine/commands", NULL), 429);
  for (int i = 0; i < 10; i++) assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}"), 409);
  assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}"), 429);
  /* What must always pass: it is refused for want of its confirmation, not for its rate. */
  for (int i = 0; i < 20; i++) assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/kill-switch", "{}"), 403);
  assert_true(has("confirmation_missing"));
  pass_s(60);
  assert_int_not_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/scan-now", "{}"), 429);
  assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/scan-now", "{}"), 429);
  for (int i = 0; i < 60; i++) assert_int_equal(ask("POST", "/api/engine/pause", bearer(fixture.revoked), "{}") == 200, false);
  set_limits(1000, 1000);
}

static void floods_of_refusals_end(void **state) {
  (void)state;
  set_limits(1000, 1000);
  int refused = 0;
  int limited = 0;
  for (int i = 0; i < 100; i++) {
    int status = ask("GET", "/api/engine/commands", "", NULL);
    refused += status == 401;
    limited += status == 429;
  }
  assert_int_equal(refused, 60);
  assert_int_equal(limited, 40);
  for (int i = 0, status = 200; i < 10; i++) {
    status = ask("POST", "/api/auth/login", "", "{\"username\":\"flood\",\"password\":\"wrong password\"}");
    assert_int_equal(status, i < 5 ? 401 : 429);
  }
  pass_s(600);
}

static void connects_have_a_rate(void **state) {
  (void)state;
  const struct caller caller = {.role = API_ROLE_VIEWER, .token_id = "Tconnects"};
  int wait_s = 0;
  for (int i = 0; i < 10; i++) assert_true(connect_is_allowed(fixture.api, &caller, &wait_s));
  assert_false(connect_is_allowed(fixture.api, &caller, &wait_s));
  assert_int_equal(wait_s, 6);
}

/* ---- repeated requests ---- */

static int ask_with_key(const char *key, const char *path, const char *body) {
  char headers[512];
  snprintf(headers, sizeof headers, "%sIdempotency-Key: %s\r\n", bearer(fixture.tokens[API_ROLE_ADMIN]), key);
  return ask("POST", path, headers, body);
}

static void a_repeated_request_gets_the_stored_reply(void **state) {
  (void)state;
  static const char *const user = "{\"username\":\"eve\",\"password\":\"long enough 1\",\"role\":\"viewer\"}";
  char first[4096];
  assert_int_equal(ask_with_key("k-1", "/api/auth/users", user), 200); /* deferred: it waits for a hash */
  text_copy(first, sizeof first, strstr(received, "\r\n\r\n"));
  assert_false(has("Idempotent-Replay"));
  assert_int_equal(ask_with_key("k-1", "/api/auth/users", user), 200);
  assert_true(has("Idempotent-Replay: true"));
  assert_string_equal(strstr(received, "\r\n\r\n"), first);
  assert_int_equal(ask_with_key("k-1", "/api/auth/users", "{\"username\":\"adam\",\"password\":\"long enough 1\",\"role\":\"viewer\"}"), 409);
  assert_true(has("idempotency_conflict"));
  assert_int_equal(ask_with_key("k-1", "/api/engine/pause", user), 422); /* not even read: its body is wrong */
  assert_int_equal(ask_with_key("k-2", "/api/engine/pause", "{}"), 409);
  assert_true(has("illegal_command"));
  assert_int_equal(ask_with_key("k-2", "/api/engine/pause", "{}"), 409);
  assert_true(has("illegal_command") && has("Idempotent-Replay: true"));
  /* A secret is shown once, also to who repeats himself. */
  assert_int_equal(ask_with_key("k-3", "/api/auth/tokens", "{\"name\":\"t\",\"role\":\"viewer\"}"), 200);
  assert_int_equal(ask_with_key("k-3", "/api/auth/tokens", "{\"name\":\"t\",\"role\":\"viewer\"}"), 409);
  assert_false(has("bbt_"));
  char key[160];
  memset(key, 'k', sizeof key);
  key[129] = '\0';
  assert_int_equal(ask_with_key(key, "/api/engine/pause", "{}"), 400);
  assert_int_equal(ask_with_key("a b", "/api/engine/pause", "{}"), 400);
  key[128] = '\0';
  assert_int_equal(ask_with_key(key, "/api/engine/pause", "{}"), 409);
  pass_s(25 * 3600);
  assert_int_equal(ask_with_key("k-2", "/api/engine/pause", "{}"), 409); /* forgotten after a day: asked anew */
  assert_false(has("Idempotent-Replay"));
}

/* ---- audit ---- */

static void changes_leave_a_chain_of_rows(void **state) {
  (void)state;
  int64_t count = 0;
  int64_t broken = -1;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(ask_as(API_ROLE_VIEWER, "POST", "/api/engine/pause", "{}"), 403);
  assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/pause", "{}"), 409);
  assert_int_equal(log_in(NULL, "root", password), 200);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "GET", "/api/audit?limit=3", NULL), 200);
  struct json *json = parse_body();
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
  assert_int_equal(ask_as(API_ROLE_ADMIN, "GET", path, NULL), 200);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "GET", "/api/audit?user=root&action=POST%20/api/auth/login&from=1600000000000&order=asc&format=csv", NULL),
                   200);
  assert_true(has("Content-Type: text/csv") && has("audit_id,ts,user,token,role,"));
  static const char *const bad[] = {"limit=0", "limit=-1", "limit=1000000000", "cursor=forged", "cursor=-1", "order=up", "from=yesterday", "x=1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(path, sizeof path, "/api/audit?%s", bad[i]);
    assert_int_equal(ask_as(API_ROLE_ADMIN, "GET", path, NULL), 400);
  }
  assert_int_equal(audit_verify(&fixture.rows, &count, &broken, &problem), STATUS_OK);
  assert_true(count > 100);
  assert_int_equal(broken, 0);
}

static int64_t broken_row(void) {
  int64_t count = 0;
  int64_t broken = 0;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(audit_verify(&fixture.rows, &count, &broken, &problem), STATUS_OK);
  return broken;
}

static void a_changed_audit_row_is_found(void **state) {
  (void)state;
  struct database database;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(database_open(&database, fixture.path, DATABASE_FOR_WRITING, 1000, &problem), STATUS_OK);
  assert_int_equal(database_run(&database, "UPDATE audit SET username = 'nobody' || ifnull(username, '') WHERE audit_id = 7", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 7);
  assert_int_equal(database_run(&database, "UPDATE audit SET username = nullif(substr(username, 7), '') WHERE audit_id = 7", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 0);
  assert_int_equal(database_run(&database, "UPDATE audit SET result = 200 WHERE audit_id = 1", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 1);
  assert_int_equal(database_run(&database, "DELETE FROM audit WHERE audit_id = 1", &problem), STATUS_OK);
  assert_int_equal(broken_row(), 2);
  database_close(&database);
}

static void nothing_happens_without_the_audit_log(void **state) {
  (void)state;
  fixture.is_audit_broken = true;
  assert_int_equal(ask_as(API_ROLE_ADMIN, "POST", "/api/auth/tokens", "{\"name\":\"unseen\",\"role\":\"admin\"}"), 503);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "GET", "/api/auth/tokens", NULL), 200);
  assert_false(has("unseen"));
  assert_int_equal(ask_with_key("k-9", "/api/engine/pause", "{}"), 503);
  pass_s(13);
  assert_int_equal(log_in(NULL, "root", password), 503);
  assert_int_equal(ask_as(API_ROLE_VIEWER, "POST", "/api/engine/pause", "{}"), 403); /* a refusal stays one */
  assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/engine/emergency-stop", "{\"reason\":\"drill\"}"), 200);
  fixture.is_audit_broken = false;
  assert_int_equal(ask_with_key("k-9", "/api/engine/pause", "{}"), 409); /* the key is free again */
  assert_true(has("illegal_command"));
  assert_int_equal(ask_as(API_ROLE_ADMIN, "POST", "/api/engine/reset", "{\"confirm\":\"RESET\",\"reason\":\"drill over\"}"), 200);
}

/* ---- users ---- */

static void the_last_admin_stays(void **state) {
  (void)state;
  assert_int_equal(ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/users/root", "{}"), 409);
  assert_true(has("in_use"));
  assert_int_equal(ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/root", "{\"role\":\"viewer\"}"), 409);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/root", "{\"disabled\":true}"), 409);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/nobody", "{\"disabled\":true}"), 404);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/users/..%2froot", "{}"), 404);
}

static void users_come_and_go(void **state) {
  (void)state;
  struct browser browser;
  assert_int_equal(
      ask_as(API_ROLE_ADMIN, "POST", "/api/auth/users", "{\"username\":\"otto\",\"password\":\"otto's password\",\"role\":\"operator\"}"), 200);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "POST", "/api/auth/users", "{\"username\":\"otto\",\"password\":\"otto's password\",\"role\":\"admin\"}"),
                   409);
  assert_int_equal(log_in(&browser, "otto", "otto's password"), 200);
  assert_int_equal(ask("GET", "/api/auth/users", browser.headers, NULL), 403);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/otto", "{\"disabled\":true}"), 200);
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 401);
  assert_int_equal(log_in(NULL, "otto", "otto's password"), 401);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "PATCH", "/api/auth/users/otto", "{\"disabled\":false,\"password\":\"another password\"}"), 200);
  assert_int_equal(log_in(&browser, "otto", "another password"), 200);
  assert_int_equal(ask_as(API_ROLE_ADMIN, "DELETE", "/api/auth/users/otto", "{}"), 200);
  assert_int_equal(ask("GET", "/api/auth/me", browser.headers, NULL), 401);
}

/* Another process changes users and tokens: breakout token. */
static void changes_by_another_process_are_noticed(void **state) {
  (void)state;
  static struct accounts other;
  struct token token = {.role = API_ROLE_VIEWER, .created_at = 1, .created_by = "cli", .name = "cli"};
  char secret[TOKEN_TEXT_BYTES];
  struct problem problem;
  problem_clear(&problem);
  other.rows = &fixture.rows;
  assert_int_equal(accounts_load(&other, &problem), STATUS_OK);
  assert_int_equal(accounts_add_token(&other, &token, secret, &problem), STATUS_OK);
  assert_int_equal(accounts_tell_change(&fixture.rows, fixture.clock_ms, &problem), STATUS_OK);
  assert_int_equal(ask("GET", "/api/engine/commands", bearer(secret), NULL), 200); /* at once: an unknown token makes it look */
  assert_int_equal(accounts_revoke_token(&other, token.id, &problem), STATUS_OK);
  assert_int_equal(accounts_tell_change(&fixture.rows, fixture.clock_ms, &problem), STATUS_OK);
  pass_s(1);
  api_turn(fixture.api);
  assert_int_equal(ask("GET", "/api/engine/commands", bearer(secret), NULL), 401);
}

/* ---- tickets ---- */

static void tickets_are_for_one_use(void **state) {
  (void)state;
  char ticket[SECRET_TEXT_MAX];
  struct caller caller;
  enum api_role role;
  assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/auth/ws-ticket", "{}"), 200);
  take_text("ticket", ticket, sizeof ticket);
  assert_true(ticket_take(fixture.api, ticket, &caller));
  assert_int_equal(caller.role, API_ROLE_OPERATOR);
  assert_true(caller_is_valid(fixture.api, &caller, &role));
  assert_false(ticket_take(fixture.api, ticket, &caller)); /* replayed */
  assert_false(ticket_take(fixture.api, "", &caller));
  assert_false(ticket_take(fixture.api, "nonsense", &caller));
  assert_int_equal(ask_as(API_ROLE_OPERATOR, "POST", "/api/auth/ws-ticket", "{}"), 200);
  take_text("ticket", ticket, sizeof ticket);
  pass_s(30);
  assert_false(ticket_take(fixture.api, ticket, &caller)); /* too late */
  /* A ticket is worth what its maker is worth when it is used. */
  struct browser browser;
  assert_int_equal(log_in(&browser, "root", password), 200);
  assert_int_equal(ask("POST", "/api/auth/ws-ticket", browser.headers, "{}"), 200);
  take_text("ticket", ticket, sizeof ticket);
  assert_int_equal(ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  assert_false(ticket_take(fixture.api, ticket, &caller));
}

/* ---- bodies (A1, A3, A4, A5, A7) ---- */

static void bodies_are_strict(void **state) {
  (void)state;
  static char deep[BODY_LIMIT];
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
    int status = ask_as(API_ROLE_ADMIN, "POST", rows[i].path, rows[i].json);
    if (status != rows[i].status) print_error("row %zu: %d, not %d: %s\n", i, status, rows[i].status, strstr(received, "\r\n\r\n"));
    assert_int_equal(status, rows[i].status);
    json_free(parse_body());
  }
}

/* ---- sockets ---- */

static void turn_server(void *context) {
  (void)context;
  http_server_run(fixture.server);
  api_turn(fixture.api);
  http_server_flush(fixture.server);
}

static struct socket_world socket_world(void) {
  return (struct socket_world){.turn = turn_server, .port = http_server_port(fixture.server)};
}

/* Opens one and returns 0 after a HELLO with that word in it, else the status or close code that it got instead. */
static int open_socket(struct socket_client *client, const char *target, const char *head, const char *word) {
  struct socket_world world = socket_world();
  int status = socket_client_open(client, &world, target, head);
  if (status != 101) return status;
  if (!socket_client_wait(client, &world, "HELLO")) return socket_client_wait_end(client, &world);
  assert_non_null(strstr(client->text.data, word));
  return 0;
}

static int try_socket(const char *target, const char *head, const char *word) {
  struct socket_client client;
  pass_s(7);
  int result = open_socket(&client, target, head, word);
  socket_client_close(&client);
  return result;
}

static void take_ticket(const char *headers, char target[256]) {
  char ticket[128];
  assert_int_equal(ask("POST", "/api/auth/ws-ticket", headers, "{}"), 200);
  take_text("ticket", ticket, sizeof ticket);
  snprintf(target, 256, "/ws?ticket=%s", ticket);
}

static void sockets_need_a_ticket_or_a_token(void **state) {
  (void)state;
  char target[256];
  pass_s(60);
  take_ticket(bearer(fixture.tokens[API_ROLE_VIEWER]), target);
  assert_int_equal(try_socket(target, "", "\"role\":\"viewer\""), 0);
  assert_int_equal(try_socket(target, "", ""), 4001); /* used */
  take_ticket(bearer(fixture.tokens[API_ROLE_OPERATOR]), target);
  pass_s(31);
  assert_int_equal(try_socket(target, "", ""), 4001); /* too old */
  assert_int_equal(try_socket("/ws?ticket=0123456789abcdef", "", ""), 4001);
  assert_int_equal(try_socket("/ws?ticket=", "", ""), 4001);
  assert_int_equal(try_socket("/ws", "", ""), 401);
  assert_int_equal(try_socket("/ws", bearer(fixture.tokens[API_ROLE_ADMIN]), "\"role\":\"admin\""), 0);
  assert_int_equal(try_socket("/ws", bearer(fixture.revoked), ""), 4001);
  assert_int_equal(try_socket("/ws", bearer("bbt_nonsense"), ""), 4001);
  /* A ticket is for its own place only, and a good one does not excuse a foreign page. */
  take_ticket(bearer(fixture.tokens[API_ROLE_VIEWER]), target);
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
  struct socket_world world = socket_world();
  struct accounts *accounts = &fixture.api->access->accounts;
  problem_clear(&problem);
  pass_s(60);
  make_token("soon gone", API_ROLE_OPERATOR, secret);
  assert_int_equal(log_in(&browser, "root", password), 200);
  take_ticket(browser.headers, target);
  assert_int_equal(open_socket(&by_token, "/ws", bearer(secret), "operator"), 0);
  assert_int_equal(open_socket(&by_login, target, "", "\"user\":\"root\""), 0);
  assert_int_equal(open_socket(&other, "/ws", bearer(fixture.tokens[API_ROLE_VIEWER]), "viewer"), 0);
  assert_int_equal(accounts_revoke_token(accounts, accounts_find_secret(accounts, secret)->id, &problem), STATUS_OK);
  assert_int_equal(ask("POST", "/api/auth/logout", browser.headers, "{}"), 200);
  pass_s(61);
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
  pass_s(120);
  for (int i = 0; i < 10; i++) assert_int_equal(open_socket(&clients[i], "/ws", bearer(fixture.tokens[API_ROLE_ADMIN]), "admin"), 0);
  assert_int_equal(open_socket(&clients[10], "/ws", bearer(fixture.tokens[API_ROLE_ADMIN]), ""), 4029);
  fixture.settings.ws_max_connections = 10;
  pass_s(60);
  assert_int_equal(open_socket(&clients[11], "/ws", bearer(fixture.tokens[API_ROLE_ADMIN]), ""), 4013);
  fixture.settings.ws_max_connections = 20;
  for (int i = 0; i < 12; i++) socket_client_close(&clients[i]);
}

/* ---- without logins ---- */

static void with_auth_off_every_request_is_admin(void **state) {
  (void)state;
  fixture.api->access->is_open = true;
  fixture.settings.auth_enabled = false;
  assert_int_equal(ask("GET", "/api/auth/users", "", NULL), 200);
  assert_int_equal(ask("GET", "/api/auth/me", "", NULL), 200);
  assert_true(has("\"auth_enabled\":false"));
  assert_int_equal(ask("POST", "/api/engine/pause", "Origin: https://evil.example\r\n", "{}"), 403);
  assert_int_equal(ask("POST", "/api/engine/pause", "Sec-Fetch-Site: cross-site\r\n", "{}"), 403);
  fixture.api->access->is_open = false;
  fixture.settings.auth_enabled = true;
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
      cmocka_unit_test(every_route_keeps_its_role),
      cmocka_unit_test(metrics_may_be_read_from_listed_networks),
      cmocka_unit_test(only_trusted_proxies_tell_addresses),
      cmocka_unit_test(pages_of_other_servers_are_refused),
      cmocka_unit_test(cors_names_listed_origins_only),
      cmocka_unit_test(requests_have_rates),
      cmocka_unit_test(floods_of_refusals_end),
      cmocka_unit_test(connects_have_a_rate),
      cmocka_unit_test(a_repeated_request_gets_the_stored_reply),
      cmocka_unit_test(changes_leave_a_chain_of_rows),
      cmocka_unit_test(nothing_happens_without_the_audit_log),
      cmocka_unit_test(the_last_admin_stays),
      cmocka_unit_test(users_come_and_go),
      cmocka_unit_test(changes_by_another_process_are_noticed),
      cmocka_unit_test(tickets_are_for_one_use),
      cmocka_unit_test(bodies_are_strict),
      cmocka_unit_test(sockets_need_a_ticket_or_a_token),
      cmocka_unit_test(sockets_end_with_their_rights),
      cmocka_unit_test(sockets_have_limits),
      cmocka_unit_test(with_auth_off_every_request_is_admin),
      cmocka_unit_test(a_changed_audit_row_is_found),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
