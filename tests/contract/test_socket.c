/* The live feed over real sockets: a scripted session of a whole paper system, and clients that break every rule of RFC 6455 and of ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/clock/system_clock.h"
#include "adapters/http/http.h"
#include "adapters/source/generate.h"
#include "api/alerts/alerts.h"
#include "api/feed/feed_state.h"
#include "base/calendar.h"
#include "support/engine_fixture.h"
#include "support/shape_check.h"
#include "support/socket_client.h"

enum { SYMBOLS = 3, DAYS = 6, TYPES_MAX = 64 };
static const int64_t second_ns = 1000000000;

static struct {
  struct rig rig;
  struct rig_series series[SYMBOLS];
  struct settings settings;
  struct metrics *metrics;
  struct api *api;
  struct http_server *server;
  struct clock clock;
  int64_t ahead_ns; /* of the machine's clock */
  struct socket_world world;
} fixture;

/* ---- the system ---- */

static int64_t now_ms(void *self) {
  (void)self;
  return system_clock()->now_ms(system_clock()->self) + fixture.ahead_ns / 1000000;
}

static int64_t monotonic_ns(void *self) {
  (void)self;
  return system_clock()->monotonic_ns(system_clock()->self) + fixture.ahead_ns;
}

static int64_t host_now(void *self) {
  (void)self;
  return engine_now(fixture.rig.engine);
}

static void host_step(void *self, struct event *event) {
  (void)self;
  runner_step(&fixture.rig.runner, event);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  (void)name;
  (void)problem;
  return STATUS_OK;
}

static int host_components(void *self, struct api_component *out, int max) {
  (void)self;
  (void)out;
  (void)max;
  return 0;
}

static void take_turn(void *context) {
  (void)context;
  http_server_run(fixture.server);
  api_turn(fixture.api);
  http_server_flush(fixture.server);
}

/* Time passes: connects, rates and paces begin anew. */
static void pass(int64_t seconds) {
  fixture.ahead_ns += seconds * second_ns;
}

static void open_market(void) {
  struct rig_options options = rig_options();
  struct preset preset;
  options.symbols = SYMBOLS;
  options.has_reference = true;
  options.base_ms = 5 * MINUTE_MS;
  rig_open(&fixture.rig, &options);
  rig_load_loose(&preset);
  rig_use(&fixture.rig, &preset);
  for (int32_t i = 0; i < SYMBOLS; i++) {
    rig_generate(&fixture.series[i], i == 1 ? (int)GENERATE_TREND : (int)GENERATE_BREAKOUTS, 5, i, DAYS);
    rig_coarsen(&fixture.series[i], 5);
  }
}

static int open_all(void **state) {
  (void)state;
  static const struct http_options template = {.host = "127.0.0.1", .body_limit = 65536, .sockets_max = 64};
  struct http_options http = template;
  struct listener listener;
  struct problem problem;
  problem_clear(&problem);
  open_market();
  fixture.clock = (struct clock){.now_ms = now_ms, .monotonic_ns = monotonic_ns};
  char *const environment[] = {"AUTH_ENABLED=false", NULL};
  const char *const no_file = "/dev/null";
  const struct settings_input input = {.files = &no_file, .file_count = 1, .environment = environment};
  if (settings_load(&fixture.settings, &input, &problem)) return 1;
  if (metrics_open(&fixture.metrics, &fixture.clock)) return 1;
  const struct api_options options = {.host = {.now = host_now, .step = host_step, .use_preset = host_use_preset, .components = host_components},
                                      .engine = fixture.rig.engine,
                                      .metrics = fixture.metrics,
                                      .clock = &fixture.clock,
                                      .settings = &fixture.settings,
                                      .sockets = http_server_sockets(),
                                      .is_ready = true};
  if (api_open(&fixture.api, &options)) return 1;
  api_listener(fixture.api, &listener);
  runner_listen(&fixture.rig.runner, &listener);
  api_handler(fixture.api, &http.handler);
  http.clock = &fixture.clock;
  if (http_server_open(&fixture.server, &http, &problem)) return 1;
  fixture.world = (struct socket_world){.turn = take_turn, .port = http_server_port(fixture.server)};
  return 0;
}

static int close_all(void **state) {
  (void)state;
  http_server_close(fixture.server);
  api_close(fixture.api);
  metrics_close(fixture.metrics);
  rig_free_series(fixture.series, SYMBOLS);
  rig_close(&fixture.rig);
  return 0;
}

static struct socket_client open_client(void) {
  struct socket_client client;
  pass(60);
  assert_int_equal(socket_client_open(&client, &fixture.world, "/ws", ""), 101);
  assert_true(socket_client_wait(&client, &fixture.world, "HELLO"));
  return client;
}

static void say(struct socket_client *client, const char *text) {
  socket_client_say(client, &fixture.world, text);
}

static bool await(struct socket_client *client, const char *type) {
  return socket_client_wait(client, &fixture.world, type);
}

static struct json *parse(const struct socket_client *client) {
  struct problem problem;
  problem_clear(&problem);
  struct json *json = json_parse(client->text.data, client->text.length, JSON_STRICT, "message", &problem);
  assert_non_null(json);
  return json;
}

/* ---- the handshake (W1) ---- */

static void upgrades_are_checked(void **state) {
  (void)state;
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define GOOD "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY
  static const struct {
    const char *line, *head;
    int status;
  } rows[] = {
      {"GET /ws HTTP/1.1", GOOD, 101},
      {"GET /ws/ HTTP/1.1", GOOD, 101},
      {"GET /ws HTTP/1.1", "upgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY, 101},
      {"GET /ws HTTP/1.1", "Sec-WebSocket-Protocol: chat, superchat\r\n" GOOD, 101},
      {"GET /ws HTTP/1.1", "Origin: http://evil.example\r\n" GOOD, 403},
      {"GET /ws HTTP/1.1", "Origin: null\r\n" GOOD, 403},
      {"GET /ws HTTP/1.1", "", 426},
      {"GET /ws HTTP/1.0", GOOD, 426},
      {"GET /ws HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n" KEY, 426},
      {"GET /ws HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", 426},
      {"GET /ws HTTP/1.1", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n", 426},
      {"GET /ws HTTP/1.1", "Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" KEY, 426},
      {"POST /ws HTTP/1.1", "Content-Length: 0\r\n" GOOD, 405},
      {"GET /ws?nonsense=1 HTTP/1.1", GOOD, 400},
      {"GET /ws/x HTTP/1.1", GOOD, 404},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char request[1024];
    struct socket_client client;
    pass(60);
    snprintf(request, sizeof request, "%s\r\nHost: 127.0.0.1:%d\r\n%s\r\n", rows[i].line, fixture.world.port, rows[i].head);
    int status = socket_client_ask(&client, &fixture.world, request);
    if (status != rows[i].status) print_message("row %zu: %d\n", i, status);
    assert_int_equal(status, rows[i].status);
    if (status == 101) assert_true(await(&client, "HELLO"));
    if (status == 101) assert_null(strstr(client.text.data, "superchat"));
    socket_client_close(&client);
  }
}

/* RFC 6455 1.3 has this key and its answer. */
static void the_key_is_answered(void **state) {
  (void)state;
  struct socket_client client;
  pass(60);
  char request[512];
  snprintf(request, sizeof request, "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" GOOD "\r\n", fixture.world.port);
  client = (struct socket_client){0};
  assert_int_equal(socket_client_ask(&client, &fixture.world, request), 101);
  assert_non_null(strstr(client.head.data, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  socket_client_close(&client);
}

static void a_ticket_opens_one_socket(void **state) {
  (void)state;
  char request[512];
  char target[256];
  struct socket_client client;
  pass(60);
  snprintf(request, sizeof request,
           "POST /api/auth/ws-ticket HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
           fixture.world.port);
  assert_int_equal(socket_client_ask(&client, &fixture.world, request), 200);
  const char *ticket = strstr(client.in.data, "\"ticket\":\"");
  assert_non_null(ticket);
  snprintf(target, sizeof target, "/ws?ticket=%.*s", (int)strcspn(ticket + 10, "\""), ticket + 10);
  socket_client_close(&client);
  assert_int_equal(socket_client_open(&client, &fixture.world, target, ""), 101);
  assert_true(await(&client, "HELLO"));
  socket_client_close(&client);
  assert_int_equal(socket_client_open(&client, &fixture.world, target, ""), 101);
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 4001);
  socket_client_close(&client);
  assert_int_equal(socket_client_open(&client, &fixture.world, "/ws?ticket=forged", ""), 101);
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 4001);
  socket_client_close(&client);
}

static void cookies_alone_open_none(void **state) {
  (void)state;
  struct socket_client client;
  pass(60);
  fixture.settings.auth_enabled = true;
  int with_cookie = socket_client_open(&client, &fixture.world, "/ws", "Cookie: bb_login=0123456789012345678901234567890123456789\r\n");
  socket_client_close(&client);
  fixture.settings.auth_enabled = false;
  assert_int_equal(with_cookie, 401);
}

static void there_are_limits(void **state) {
  (void)state;
  struct socket_client clients[11];
  pass(60);
  fixture.settings.ws_max_connections = 2;
  for (int i = 0; i < 3; i++) assert_int_equal(socket_client_open(&clients[i], &fixture.world, "/ws", ""), 101);
  assert_int_equal(socket_client_wait_end(&clients[2], &fixture.world), 4013);
  for (int i = 0; i < 3; i++) socket_client_close(&clients[i]);
  fixture.settings.ws_max_connections = 50;
  pass(60);
  for (int i = 0; i < 11; i++) assert_int_equal(socket_client_open(&clients[i], &fixture.world, "/ws", ""), 101);
  assert_true(await(&clients[9], "HELLO"));
  assert_int_equal(socket_client_wait_end(&clients[10], &fixture.world), 4029);
  for (int i = 0; i < 11; i++) socket_client_close(&clients[i]);
}

/* ---- frames (W2) ---- */

static void frames_are_checked(void **state) {
  (void)state;
  static char large[200];
  static const struct {
    const char *name;
    int first;
    bool is_masked;
    const char *bytes;
    size_t size;
    int code;
  } rows[] = {
      {"unmasked", SOCKET_FINAL | SOCKET_TEXT, false, "{}", 2, 1002},
      {"reserved bit 1", SOCKET_FINAL | 0x40 | SOCKET_TEXT, true, "{}", 2, 1002},
      {"reserved bit 3", SOCKET_FINAL | 0x10 | SOCKET_TEXT, true, "{}", 2, 1002},
      {"unknown opcode", SOCKET_FINAL | 3, true, "{}", 2, 1002},
      {"unknown control opcode", SOCKET_FINAL | 11, true, "{}", 2, 1002},
      {"long ping", SOCKET_FINAL | SOCKET_PING, true, large, 126, 1002},
      {"fragmented ping", SOCKET_PING, true, "x", 1, 1002},
      {"continuation of nothing", SOCKET_FINAL | SOCKET_CONTINUATION, true, "x", 1, 1002},
      {"close code 999", SOCKET_FINAL | SOCKET_CLOSE, true, "\x03\xe7", 2, 1002},
      {"close code 1005", SOCKET_FINAL | SOCKET_CLOSE, true, "\x03\xed", 2, 1002},
      {"close of one byte", SOCKET_FINAL | SOCKET_CLOSE, true, "x", 1, 1005},
      {"bad UTF-8", SOCKET_FINAL | SOCKET_TEXT, true, "\xc3\x28", 2, 1007},
      {"bad UTF-8 in a reason", SOCKET_FINAL | SOCKET_CLOSE, true, "\x03\xe8\xff", 3, 1007},
      {"binary", SOCKET_FINAL | SOCKET_BINARY, true, "x", 1, 1003},
      {"a polite end", SOCKET_FINAL | SOCKET_CLOSE, true, "\x03\xe8", 2, 1000},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct socket_client client = open_client();
    socket_client_send(&client, &fixture.world, rows[i].first, rows[i].is_masked, rows[i].bytes, rows[i].size);
    int code = socket_client_wait_end(&client, &fixture.world);
    if (code != rows[i].code) print_message("%s: %d\n", rows[i].name, code);
    assert_int_equal(code, rows[i].code);
    socket_client_close(&client);
  }
}

static void messages_have_a_limit(void **state) {
  (void)state;
  static char piece[4096];
  struct socket_client client = open_client();
  /* Length of 2^63 - 1: refused by its head. */
  static const unsigned char huge[] = {0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8};
  socket_client_send_bytes(&client, &fixture.world, huge, sizeof huge);
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 1009);
  socket_client_close(&client);
  client = open_client();
  memset(piece, ' ', sizeof piece);
  for (int i = 0; i < 20; i++) socket_client_send(&client, &fixture.world, i == 0 ? SOCKET_TEXT : SOCKET_CONTINUATION, true, piece, sizeof piece);
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 1009);
  socket_client_close(&client);
  client = open_client();
  char *large = malloc(HTTP_MESSAGE_BYTES_MAX + 1);
  assert_non_null(large);
  memset(large, ' ', HTTP_MESSAGE_BYTES_MAX + 1);
  socket_client_send(&client, &fixture.world, SOCKET_FINAL | SOCKET_TEXT, true, large, HTTP_MESSAGE_BYTES_MAX + 1);
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 1009);
  socket_client_close(&client);
  free(large);
}

static void a_fragmented_message_is_one(void **state) {
  (void)state;
  static const char text[] = "{\"type\":\"PING\",\"data\":{\"id\":\"pieces \xc3\xa9\"}}";
  struct socket_client client = open_client();
  size_t length = sizeof text - 1;
  for (size_t i = 0; i < length; i++)
    socket_client_send(&client, &fixture.world, (i == 0 ? SOCKET_TEXT : SOCKET_CONTINUATION) | (i == length - 1 ? SOCKET_FINAL : 0), true, text + i,
                       1);
  assert_true(await(&client, "PONG"));
  assert_non_null(strstr(client.text.data, "pieces \xc3\xa9"));
  socket_client_close(&client);
}

static void pings_are_answered(void **state) {
  (void)state;
  struct socket_client client = open_client();
  socket_client_send(&client, &fixture.world, SOCKET_FINAL | SOCKET_PING, true, "hi", 2);
  say(&client, "{\"type\":\"PING\",\"data\":{\"id\":\"1\"}}");
  assert_true(await(&client, "PONG"));
  assert_int_equal(client.pongs, 1);
  socket_client_close(&client);
}

/* ---- messages (W3) ---- */

static void nonsense_is_an_error(void **state) {
  (void)state;
  static const struct {
    const char *text, *code;
  } rows[] = {
      {"", "bad_json"},
      {"nonsense", "bad_json"},
      {"{\"type\":\"PING\",\"type\":\"PING\"}", "bad_json"},
      {"[]", "bad_message"},
      {"{}", "bad_message"},
      {"{\"type\":1}", "bad_message"},
      {"{\"type\":\"START\",\"data\":{}}", "unknown_type"},
      {"{\"type\":\"PING\",\"data\":[]}", "bad_data"},
      {"{\"type\":\"PING\",\"data\":{\"id\":7}}", "bad_data"},
      {"{\"type\":\"SUBSCRIBE\"}", "bad_data"},
      {"{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":\"engine\"}}", "bad_data"},
      {"{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"secrets\"]}}", "unknown_topic"},
      {"{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[7]}}", "unknown_topic"},
      {"{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"prices\"],\"symbols\":[\"NOPE\"]}}", "unknown_symbol"},
      {"{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"prices\"],\"symbols\":{}}}", "bad_data"},
      {"{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"logs\"],\"level\":\"LOUD\"}}", "bad_data"},
      {"{\"type\":\"SUBSCRIBE_PRICES\",\"data\":{}}", "bad_data"},
  };
  struct socket_client client = open_client();
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    pass(10); /* fewer than ten errors a minute */
    say(&client, rows[i].text);
    assert_true(await(&client, "ERROR"));
    char code[64];
    snprintf(code, sizeof code, "\"code\":\"%s\"", rows[i].code);
    if (strstr(client.text.data, code) == NULL) print_message("row %zu: %s\n", i, client.text.data);
    assert_non_null(strstr(client.text.data, code));
  }
  socket_client_close(&client);
}

static void too_many_errors_end_it(void **state) {
  (void)state;
  struct socket_client client = open_client();
  for (int i = 0; i < 11; i++) say(&client, "nonsense");
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 4009);
  assert_true(client.text.length > 2); /* and a reason */
  socket_client_close(&client);
}

static void a_flood_ends_it(void **state) {
  (void)state;
  struct socket_client client = open_client();
  for (int i = 0; i < 10000; i++) say(&client, "{\"type\":\"PING\"}");
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 4009);
  socket_client_close(&client);
}

static void topics_have_a_limit(void **state) {
  (void)state;
  struct buffer text = {0};
  struct socket_client client = open_client();
  buffer_add_text(&text, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"engine\"");
  for (int i = 0; i < 5000; i++) buffer_add_text(&text, ",\"engine\"");
  buffer_add_text(&text, "]}}");
  say(&client, text.data);
  assert_true(await(&client, "ERROR"));
  buffer_deinit(&text);
  socket_client_close(&client);
}

/* ---- topics ---- */

static void subscribing_gives_snapshots(void **state) {
  (void)state;
  struct socket_client client = open_client();
  say(&client, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"positions\",\"prices\"],\"symbols\":[\"AAAUSDT\"]}}");
  assert_true(await(&client, "SUBSCRIBED"));
  assert_non_null(strstr(client.text.data, "\"topics\":[\"positions\",\"prices\"],\"symbols\":[\"AAA/USDT:USDT\"]"));
  assert_true(await(&client, "SNAPSHOT"));
  assert_non_null(strstr(client.text.data, "\"topic\":\"positions\",\"items\":["));
  assert_true(await(&client, "SNAPSHOT"));
  assert_non_null(strstr(client.text.data, "\"topic\":\"prices\",\"items\":[{\"symbol\":\"AAA/USDT:USDT\""));
  /* Twice is no error, and tells it again. */
  say(&client, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"positions\"]}}");
  assert_true(await(&client, "SNAPSHOT"));
  say(&client, "{\"type\":\"UNSUBSCRIBE\",\"data\":{\"topics\":[\"positions\",\"prices\"]}}");
  assert_true(await(&client, "SUBSCRIBED"));
  assert_non_null(strstr(client.text.data, "\"topics\":[],\"symbols\":[]"));
  socket_client_close(&client);
}

/* Alerts of the user's rules are no part of the engine. */
static void alerts_of_rules_are_in_the_snapshot(void **state) {
  (void)state;
  const struct alert_rule rule = {.rule_id = "AR99", .name = "too many fills", .severity = SEVERITY_WARNING};
  struct alert_view *view = alerts_raise(fixture.api, &rule, "account", "more than five a minute", 6, engine_now(fixture.rig.engine));
  assert_non_null(view);
  struct socket_client client = open_client();
  say(&client, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"alerts\"]}}");
  assert_true(await(&client, "SNAPSHOT"));
  assert_non_null(strstr(client.text.data, "\"name\":\"too many fills\""));
  socket_client_close(&client);
  alerts_resolve(fixture.api, view, engine_now(fixture.rig.engine));
}

static void silence_gets_the_default(void **state) {
  (void)state;
  struct socket_client client = open_client();
  pass(2);
  static const char *const topics[] = {"engine", "positions", "orders", "alerts"};
  for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
    char word[64];
    assert_true(await(&client, "SNAPSHOT"));
    snprintf(word, sizeof word, "\"topic\":\"%s\"", topics[i]);
    assert_non_null(strstr(client.text.data, word));
  }
  socket_client_close(&client);
}

static void numbers_have_no_gap(void **state) {
  (void)state;
  struct socket_client client;
  pass(60);
  assert_int_equal(socket_client_open(&client, &fixture.world, "/ws", ""), 101);
  say(&client, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"engine\",\"risk\"]}}");
  say(&client, "{\"type\":\"RESYNC\"}");
  say(&client, "{\"type\":\"RESYNC\",\"data\":{\"topics\":[\"risk\",\"logs\"]}}");
  say(&client, "{\"type\":\"PING\",\"data\":{\"id\":\"end\"}}");
  int64_t expected = 1;
  int snapshots = 0;
  bool has_ended = false;
  while (!has_ended && socket_client_next(&client, &fixture.world)) {
    struct json *json = parse(&client);
    const char *type = json_string(json_member(json, "type"));
    assert_int_equal(json_int(json_member(json, "seq")), expected++);
    if (strcmp(type, "SNAPSHOT") == 0) ++snapshots;
    has_ended = strcmp(type, "PONG") == 0;
    json_free(json);
  }
  assert_true(has_ended);
  assert_int_equal(snapshots, 2 + 2 + 1);
  socket_client_close(&client);
}

/* ---- a session with everything in it ---- */

struct seen {
  char types[TYPES_MAX][32];
  int count;
};

/* Runs, samples and checkpoints are made up by this test: their writers are seen with what they write in test_api_runs and test_api_monitoring. */
static bool is_made_up(int type) {
  return type == FEED_TYPE_BACKTEST_PROGRESS || type == FEED_TYPE_BACKTEST_DONE || type == FEED_TYPE_RESOURCE_UPDATE || type == FEED_TYPE_CHECKPOINT;
}

static void check_message(const struct socket_client *client, const struct json *message) {
  const char *name = json_string(json_member(message, "type"));
  struct problem problem;
  problem_clear(&problem);
  int type = 0;
  while (type < FEED_TYPE_COUNT && strcmp(feed_messages[type].name, name) != 0) ++type;
  if (type == FEED_TYPE_COUNT) fail_msg("%s is no type of feed_message.def", name);
  if (is_made_up(type) || shape_check(feed_messages[type].shape, json_member(message, "data"), &problem)) return;
  problem_print(&problem, stderr);
  fail_msg("%s does not fit its shape: %s", name, client->text.data);
}

static void note(struct seen *seen, const struct socket_client *client) {
  struct json *json = parse(client);
  const char *type = json_string(json_member(json, "type"));
  check_message(client, json);
  bool is_known = false;
  for (int i = 0; i < seen->count && !is_known; i++) is_known = strcmp(seen->types[i], type) == 0;
  if (!is_known && seen->count < TYPES_MAX) snprintf(seen->types[seen->count++], sizeof seen->types[0], "%s", type);
  json_free(json);
}

/* Everything that was made before the answer to a ping. */
static void drain(struct socket_client *client, struct seen *seen) {
  take_turn(NULL);
  char end[64];
  static int number;
  snprintf(end, sizeof end, "\"id\":\"end %d\"", ++number);
  char ping[96];
  snprintf(ping, sizeof ping, "{\"type\":\"PING\",\"data\":{%s}}", end);
  say(client, ping);
  while (socket_client_next(client, &fixture.world)) {
    note(seen, client);
    if (strstr(client->text.data, end) != NULL) return;
  }
  fail_msg("the connection ended with %d", client->close_code);
}

static void write_example(const struct api *api, const void *object, struct json_writer *writer) {
  (void)api;
  json_add_string(writer, "example", object);
}

static void play_until_trades(struct socket_client *client, struct seen *seen, int64_t trades) {
  int64_t until = fixture.series[0].items[fixture.series[0].at].open_ts;
  int64_t end = fixture.series[0].items[fixture.series[0].count - 1].open_ts;
  while (until < end && fixture.rig.tally[RECORD_TRADE] < trades) {
    until += 5 * MINUTE_MS;
    rig_play(&fixture.rig, fixture.series, until);
    if (client == NULL) continue;
    pass(1);
    drain(client, seen);
  }
}

static void every_type_is_seen(void **state) {
  (void)state;
  struct seen seen = {.count = 0};
  const struct log_options log = {.level = LOG_INFO, .console = LOG_CONSOLE_OFF};
  assert_int_equal(log_open(&log), STATUS_OK);
  /* Warm before anybody looks. */
  rig_play(&fixture.rig, fixture.series, RIG_START + 3 * DAY_MS);
  struct socket_client client = open_client();
  say(&client,
      "{\"type\":\"SUBSCRIBE\",\"data\":{\"verbose\":true,\"level\":\"INFO\",\"topics\":[\"engine\",\"positions\",\"orders\",\"scan\",\"signals\","
      "\"decisions\",\"levels\",\"density\",\"activity\",\"prices\",\"candles\",\"risk\",\"equity\",\"alerts\",\"logs\",\"backtests\","
      "\"monitoring\"],\"symbols\":[\"AAAUSDT\",\"CCCUSDT\"]}}");
  drain(&client, &seen);
  rig_command(&fixture.rig, COMMAND_START);
  log_write(LOG_INFO, "engine", "test", NULL, "a line");
  feed_publish_run(fixture.api, false, "R1", write_example, "running");
  feed_publish_run(fixture.api, true, "R1", write_example, "done");
  feed_publish_resource(fixture.api, write_example, "sample");
  feed_publish_checkpoint(fixture.api, write_example, "checkpoint");
  play_until_trades(&client, &seen, 12);
  pass(20);
  drain(&client, &seen);
  rig_command_with(&fixture.rig, (struct event_command){.command = COMMAND_KILL_SWITCH, .cause = RISK_CAUSE_OPERATOR, .reason = "test"});
  assert_true(engine_risk(fixture.rig.engine)->kill.since_at != 0);
  drain(&client, &seen);
  log_close();
  for (int type = 0; type < FEED_TYPE_COUNT; type++) {
    /* HELLO came before; errors: the test behind this one; walls and tapes: test_socket_book. */
    bool is_elsewhere = type == FEED_TYPE_HELLO || type == FEED_TYPE_ERROR || type == FEED_TYPE_DENSITY_UPDATE || type == FEED_TYPE_ACTIVITY;
    bool is_seen = false;
    for (int k = 0; k < seen.count && !is_seen; k++) is_seen = strcmp(seen.types[k], feed_messages[type].name) == 0;
    if (!is_seen && !is_elsewhere) fail_msg("not seen: %s", feed_messages[type].name);
  }
  socket_client_close(&client);
}

/* An error of the engine goes to everybody, whatever was subscribed to; told once. */
static void errors_of_the_engine_are_told(void **state) {
  (void)state;
  struct socket_client client = open_client();
  struct alert alert = {.alert_id = 9000, .severity = SEVERITY_CRITICAL, .state = ALERT_FIRING, .since_at = 1, .count = 1};
  text_copy(alert.name, sizeof alert.name, "engine_error");
  text_copy(alert.message, sizeof alert.message, "a check failed");
  say(&client, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"prices\"]}}");
  assert_true(await(&client, "SUBSCRIBED"));
  for (int i = 0; i < 2; i++) alerts_on_record(fixture.api, RECORD_ALERT, &alert);
  struct seen seen = {.count = 0};
  assert_true(await(&client, "ERROR"));
  assert_non_null(strstr(client.text.data, "{\"code\":\"engine_error\",\"message\":\"a check failed\",\"component\":\"engine\"}"));
  drain(&client, &seen);
  for (int i = 0; i < seen.count; i++) assert_string_not_equal(seen.types[i], "ERROR");
  socket_client_close(&client);
}

/* ---- readers that stand still (W4) ---- */

static void make_noise(int messages) {
  for (int i = 0; i < messages; i++)
    feed_publish_checkpoint(fixture.api, write_example, "a checkpoint that is long enough to fill what the kernel keeps");
}

static void a_slow_reader_is_closed_and_recovers(void **state) {
  (void)state;
  struct socket_client client = open_client();
  struct socket_client other = open_client();
  say(&client, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"monitoring\",\"engine\"]}}");
  assert_true(await(&client, "SNAPSHOT"));
  assert_true(await(&client, "SNAPSHOT"));
  /* Nothing is read from here on; the server goes on for the other one. */
  for (int i = 0; i < 200; i++) {
    make_noise(500);
    take_turn(NULL);
  }
  say(&other, "{\"type\":\"PING\"}");
  assert_true(await(&other, "PONG"));
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 4008);
  assert_true(client.text.length > 2); /* and a reason */
  socket_client_close(&client);
  client = open_client();
  say(&client, "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"engine\"]}}");
  assert_true(await(&client, "SNAPSHOT"));
  socket_client_close(&client);
  socket_client_close(&other);
}

static void who_is_silent_is_closed(void **state) {
  (void)state;
  struct socket_client client = open_client();
  say(&client, "{\"type\":\"PING\"}");
  assert_true(await(&client, "PONG")); /* and the first ping is answered */
  pass(3 * (int64_t)fixture.settings.ws_heartbeat_interval_s + 1);
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 4009);
  socket_client_close(&client);
}

static void what_comes_after_the_end_is_ignored(void **state) {
  (void)state;
  struct socket_client client = open_client();
  socket_client_send(&client, &fixture.world, SOCKET_FINAL | SOCKET_CLOSE, true, "\x03\xe8", 2);
  for (int i = 0; i < 20; i++) say(&client, "{\"type\":\"PING\"}");
  assert_int_equal(socket_client_wait_end(&client, &fixture.world), 1000);
  socket_client_close(&client);
  client = open_client();
  socket_client_close(&client); /* without a word */
  for (int i = 0; i < 10; i++) take_turn(NULL);
  client = open_client();
  assert_int_equal(client.close_code, 0);
  socket_client_close(&client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(upgrades_are_checked),
      cmocka_unit_test(the_key_is_answered),
      cmocka_unit_test(a_ticket_opens_one_socket),
      cmocka_unit_test(cookies_alone_open_none),
      cmocka_unit_test(there_are_limits),
      cmocka_unit_test(frames_are_checked),
      cmocka_unit_test(messages_have_a_limit),
      cmocka_unit_test(a_fragmented_message_is_one),
      cmocka_unit_test(pings_are_answered),
      cmocka_unit_test(nonsense_is_an_error),
      cmocka_unit_test(too_many_errors_end_it),
      cmocka_unit_test(a_flood_ends_it),
      cmocka_unit_test(topics_have_a_limit),
      cmocka_unit_test(subscribing_gives_snapshots),
      cmocka_unit_test(silence_gets_the_default),
      cmocka_unit_test(numbers_have_no_gap),
      cmocka_unit_test(alerts_of_rules_are_in_the_snapshot),
      cmocka_unit_test(every_type_is_seen),
      cmocka_unit_test(errors_of_the_engine_are_told),
      cmocka_unit_test(a_slow_reader_is_closed_and_recovers),
      cmocka_unit_test(who_is_silent_is_closed),
      cmocka_unit_test(what_comes_after_the_end_is_ignored),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
