#include "support/web_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "support/no_runs.h"
#include "support/quiet_venue.h"
#include "support/scratch.h"

enum { ROUNDS_MAX = 20000, ROUNDS_BUSY = 50 };

struct web web;
const struct cache_port *web_cache;
const char web_password[] = "correct horse battery";

/* ---- what the API stands on ---- */

static int64_t host_now(void *self) {
  (void)self;
  if (web.steps != &web.runner) return engine_now(web.engine);
  return ++web.now;
}

/* The engine decides; or the reply is one of its refusals, so that the telling of it can be seen. */
static void host_step(void *self, struct event *event) {
  (void)self;
  if (web.refusal == NULL) {
    runner_step(web.steps, event);
    return;
  }
  struct command_reply reply = {
      .operation_id = event->command.operation_id, .ts = event->ts, .command = event->command.command, .status = COMMAND_FAILED};
  text_copy(reply.code, sizeof reply.code, web.refusal);
  text_copy(reply.message, sizeof reply.message, "refused by the test");
  api_remember(web.api, RECORD_COMMAND_REPLY, &reply);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  ++web.presets_used;
  problem_add(problem, "not_found", name, NULL, NULL, "there is no preset %s", name != NULL ? name : "");
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
  *out = (struct api_system){.database_kind = "none", .database_bytes = -1, .journal_bytes = -1};
}

static enum status host_start_backup(void *self, struct problem *problem) {
  (void)self;
  (void)problem;
  return STATUS_OK;
}

static enum status host_take_backup(void *self, struct api_backup *out, struct problem *problem) {
  (void)self;
  *out = (struct api_backup){.file = "backup-20250101-000000.tar.gz", .ts = web.clock_ms, .bytes = 1, .is_verified = true};
  if (web.backup_status) problem_add(problem, "backup", "folder", NULL, NULL, "made to fail by the test");
  return web.backup_status;
}

static int64_t clock_now(void *self) {
  (void)self;
  return web.clock_ms;
}

static int64_t clock_monotonic(void *self) {
  (void)self;
  if (web.is_ending) web_pass_s(1);
  return web.clock_ms * 1000000;
}

static const struct clock web_clock = {NULL, clock_now, clock_monotonic};

void web_pass_s(int seconds) {
  web.clock_ms += (int64_t)seconds * 1000;
}

/* The database as it is, but the audit log fails when the test wants it to. */
static enum status insert_row(void *self, const char *table, const struct row_value *values, int count, int64_t *id, struct problem *problem) {
  if (web.is_audit_broken && strcmp(table, "audit") == 0) return STATUS_IO_FAILED;
  return web.real_rows.insert(self, table, values, count, id, problem);
}

/* ---- life ---- */

static int open_engine(void) {
  const struct engine_limits limits = {.symbols = 1, .base_ms = MINUTE_MS};
  const struct engine_config config = {
      .instance = "000000", .venue = "paper", .feed = "demo", .starting_balance = 100000 * DECIMAL_ONE, .max_leverage = 10};
  if (arena_open(&web.arena, engine_memory(&limits))) return 1;
  web.now = 1700000000000;
  web.engine = engine_init(&web.arena, &limits, &config, NULL);
  web.exchange = quiet_venue();
  web.steps = &web.runner;
  return runner_init(&web.runner, web.engine, &web.exchange, NULL, NULL, false) ? 1 : 0;
}

static int open_folder(void) {
  if (!scratch_make(web.folder, sizeof web.folder, "breakout-web")) return 1;
  snprintf(web.path, sizeof web.path, "%s/x.db", web.folder);
  text_copy(web.settings.data_dir, sizeof web.settings.data_dir, web.folder);
  text_copy(web.settings.presets_dir, sizeof web.settings.presets_dir, web.folder); /* the built-in ones */
  text_copy(web.settings.reports_dir, sizeof web.settings.reports_dir, web.folder);
  return 0;
}

static int open_database(void) {
  struct problem problem;
  problem_clear(&problem);
  const struct sqlite_store_options options = {.path = web.path, .account = "paper", .may_migrate = true};
  if (sqlite_store_open(&web.store, &options, &problem) || sqlite_rows_open(&web.file, web.path, &problem)) return 1;
  sqlite_rows_port(web.file, &web.real_rows);
  web.rows = web.real_rows;
  web.rows.insert = insert_row;
  return 0;
}

static int open_api(void) {
  if (metrics_open(&web.metrics, &web_clock)) return 1;
  const struct api_options options = {
      .host = {NULL, host_now, host_step, host_use_preset, host_components, host_read_system, host_start_backup, host_take_backup},
      .engine = web.engine,
      .metrics = web.metrics,
      .clock = &web_clock,
      .settings = &web.settings,
      .rows = web.file != NULL ? &web.rows : NULL,
      .runs = &no_runs,
      .sockets = http_server_sockets(),
      .cache = web_cache,
      .is_demo = true,
      .speed = 60,
      .is_ready = true};
  if (api_open(&web.api, &options)) return 1;
  struct listener listener;
  api_listener(web.api, &listener);
  runner_listen(web.steps, &listener);
  struct http_options http = {.host = "127.0.0.1", .body_limit = WEB_BODY_LIMIT, .sockets_max = 32, .clock = &web_clock};
  api_handler(web.api, &http.handler);
  struct problem problem;
  problem_clear(&problem);
  return http_server_open(&web.server, &http, &problem) ? 1 : 0;
}

static void begin(void) {
  memset(&web, 0, sizeof web);
  web.settings.upload_limit_mb = 1;
  web.clock_ms = 1700000000000;
  web.settings.api_docs_enabled = true;
  web.settings.ws_max_connections = 20;
  web.settings.ws_heartbeat_interval_s = 600;
}

int web_open_plain(void **state) {
  (void)state;
  begin();
  return open_folder() || open_engine() || open_api();
}

int web_open_over(struct rig *rig) {
  begin();
  web.engine = rig->engine;
  web.steps = &rig->runner;
  return open_folder() || open_api();
}

int web_open_guarded(void **state) {
  (void)state;
  begin();
  web.settings.auth_enabled = true;
  web.settings.login_ttl_hours = 12;
  web.settings.rate_limit_read_per_s = 1000;
  web.settings.rate_limit_write_per_s = 1000;
  text_copy(web.settings.api_host, sizeof web.settings.api_host, "127.0.0.1");
  text_copy(web.settings.cors_origins, sizeof web.settings.cors_origins, "http://localhost:3000,https://ui.example");
  if (open_folder() || open_engine() || open_database() || open_api()) return 1;
  for (int role = API_ROLE_VIEWER; role < api_role_count; role++) web_make_token(api_role_names[role], (enum api_role)role, web.tokens[role]);
  web_make_token("gone", API_ROLE_ADMIN, web.revoked);
  struct problem problem;
  problem_clear(&problem);
  struct accounts *accounts = &web.api->access->accounts;
  return accounts_revoke_token(accounts, accounts_find_secret(accounts, web.revoked)->id, &problem) ? 1 : 0;
}

int web_close(void **state) {
  (void)state;
  web.is_ending = true;
  http_server_close(web.server);
  api_close(web.api);
  if (web.file != NULL) {
    sqlite_rows_close(web.file);
    web.store.close(web.store.self);
  }
  metrics_close(web.metrics);
  if (web.steps == &web.runner) {
    runner_deinit(&web.runner);
    arena_close(&web.arena);
  }
  char command[320];
  snprintf(command, sizeof command, "rm -r %s", web.folder);
  return system(command);
}

void web_restart(void) {
  web.is_ending = true;
  http_server_close(web.server);
  api_close(web.api);
  metrics_close(web.metrics);
  web.is_ending = false;
  runner_deinit(&web.runner);
  assert_int_equal(runner_init(&web.runner, web.engine, &web.exchange, NULL, NULL, false), STATUS_OK);
  assert_int_equal(open_api(), 0);
}

void web_use(struct http_server *server, struct api *api) {
  web.server = server;
  web.api = api;
}

void web_turn(void *context) {
  (void)context;
  http_server_run(web.server);
  api_turn(web.api);
  http_server_flush(web.server);
}

struct socket_world web_sockets(void) {
  return (struct socket_world){.turn = web_turn, .port = http_server_port(web.server)};
}

/* ---- a client ---- */

static int connect_client(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)http_server_port(web.server)), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

static bool is_whole(size_t used) {
  const char *end = strstr(web.received, "\r\n\r\n");
  const char *length = strstr(web.received, "Content-Length: ");
  if (end == NULL) return false;
  if (length == NULL) return strncmp(web.received, "HTTP/1.1 204", 12) == 0;
  return strtoul(length + 16, NULL, 10) <= used - (size_t)(end + 4 - web.received);
}

/* Runs the server until the answer is whole or the connection ends. */
int web_send(const void *bytes, size_t size) {
  int fd = connect_client();
  size_t sent = 0;
  size_t used = 0;
  web.received[0] = '\0';
  for (int round = 0; round < ROUNDS_MAX && !is_whole(used); round++) {
    web_turn(NULL);
    bool is_paused = round < ROUNDS_BUSY && web.pause_s > 0; /* until the server has read the rest */
    if (round == ROUNDS_BUSY) web_pass_s(web.pause_s);
    if (sent < size - is_paused) {
      ssize_t count = send(fd, (const char *)bytes + sent, size - is_paused - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent += (size_t)count;
      if (count < 0 && errno != EAGAIN) sent = size; /* closed on us: what it said may still be read */
    }
    ssize_t count = recv(fd, web.received + used, sizeof web.received - 1 - used, MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EAGAIN)) break;
    if (count > 0) {
      used += (size_t)count;
      web.received[used] = '\0';
    } else if (round > ROUNDS_BUSY) {
      nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); /* a password is being computed */
    }
  }
  close(fd);
  http_server_run(web.server);
  return strncmp(web.received, "HTTP/1.1 ", 9) == 0 ? atoi(web.received + 9) : 0;
}

int web_send_text(const char *text) {
  return web_send(text, strlen(text));
}

int web_ask(const char *method, const char *path, const char *headers, const char *body) {
  static char text[64 * 1024];
  int used = snprintf(text, sizeof text, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s", method, path, headers);
  if (body != NULL) {
    used += snprintf(text + used, sizeof text - (size_t)used, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
  }
  snprintf(text + used, sizeof text - (size_t)used, "\r\n%s", body != NULL ? body : "");
  return web_send_text(text);
}

int web_ask_as(enum api_role role, const char *method, const char *path, const char *body) {
  return web_ask(method, path, role != API_ROLE_NONE ? web_bearer(web.tokens[role]) : "", body);
}

int web_get(const char *path) {
  return web_ask("GET", path, "", NULL);
}

int web_post(const char *path, const char *body) {
  return web_ask("POST", path, "", body);
}

int web_post_bytes(const char *path, const void *body, size_t length) {
  static char text[8 * WEB_BODY_LIMIT];
  int used = snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n", path,
                      length);
  assert_true((size_t)used + length <= sizeof text);
  memcpy(text + used, body, length);
  return web_send(text, (size_t)used + length);
}

bool web_has(const char *part) {
  return strstr(web.received, part) != NULL;
}

const char *web_body(void) {
  const char *end = strstr(web.received, "\r\n\r\n");
  return end != NULL ? end + 4 : "";
}

struct json *web_parse(void) {
  struct problem problem;
  problem_clear(&problem);
  struct json *json = json_parse(web_body(), strlen(web_body()), JSON_STRICT, "reply", &problem);
  assert_non_null(json);
  return json;
}

void web_take_text(const char *member, char *out, size_t size) {
  struct json *json = web_parse();
  assert_non_null(json_member(json, member));
  text_copy(out, size, json_string(json_member(json, member)));
  json_free(json);
}

/* ---- who asks ---- */

const char *web_bearer(const char *secret) {
  static char header[128];
  snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", secret);
  return header;
}

void web_make_token(const char *name, enum api_role role, char secret[TOKEN_TEXT_BYTES]) {
  struct token token = {.role = role, .created_at = web.clock_ms, .created_by = "root"};
  struct problem problem;
  problem_clear(&problem);
  text_copy(token.name, sizeof token.name, name);
  assert_int_equal(accounts_add_token(&web.api->access->accounts, &token, secret, &problem), STATUS_OK);
}

static void remember(struct browser *browser) {
  const char *cookie = strstr(web.received, "Set-Cookie: bb_login=");
  assert_non_null(cookie);
  cookie += strlen("Set-Cookie: ");
  text_copy(browser->cookie, strcspn(cookie, ";") + 1, cookie);
  web_take_text("csrf_token", browser->csrf, sizeof browser->csrf);
  snprintf(browser->headers, sizeof browser->headers, "Cookie: other=1; %s\r\nX-CSRF-Token: %s\r\n", browser->cookie, browser->csrf);
}

int web_log_in(struct browser *browser, const char *user, const char *password) {
  char body[512];
  snprintf(body, sizeof body, "{\"username\":\"%s\",\"password\":\"%s\"}", user, password);
  web_pass_s(13); /* the bucket of logins fills at five a minute */
  int status = web_post("/api/auth/login", body);
  if (status == 200 && browser != NULL) remember(browser);
  return status;
}

void web_set_up(struct browser *browser) {
  char code[DIGEST_TEXT_MAX];
  char body[512];
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(setup_make(&web.rows, web.clock_ms, code, &problem), STATUS_OK);
  snprintf(body, sizeof body, "{\"code\":\"%s\",\"username\":\"root\",\"password\":\"%s\"}", code, web_password);
  web_pass_s(13);
  assert_int_equal(web_post("/api/auth/setup", body), 200);
  remember(browser);
  web_pass_s(13);
  assert_int_equal(web_post("/api/auth/setup", body), 403); /* one use */
  assert_true(web_has("setup_closed"));
}
