/* Any bytes as what a client sends over a WebSocket, framed by themselves and as the text of one message: nothing crashes, leaks, or keeps a
 * connection that broke the protocol. The first byte says which of both. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http/http.h"
#include "adapters/http/websocket.h"
#include "api/feed/feed_state.h"
#include "base/arena.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world {
  struct arena arena;
  struct engine *engine;
  struct metrics *metrics;
  struct settings settings;
  struct api *api;
  struct websockets *sockets;
  struct http_handler handler;
} world;

/* Ten seconds an input: the limit of connects is not what is tried here. */
static int64_t ahead_ns;

static int64_t now_ms(void *self) {
  (void)self;
  return 1700000000000 + ahead_ns / 1000000;
}

static int64_t monotonic_ns(void *self) {
  (void)self;
  return ++ahead_ns;
}

static const struct clock moving_clock = {.now_ms = now_ms, .monotonic_ns = monotonic_ns};

static void open_world(void) {
  const struct engine_limits limits = {.symbols = 2, .base_ms = 60000};
  const struct engine_config config = {.instance = "000000", .venue = "paper", .feed = "demo", .starting_balance = 1, .max_leverage = 1};
  char *const environment[] = {"AUTH_ENABLED=false", NULL};
  const char *const no_file = "/dev/null";
  const struct settings_input input = {.files = &no_file, .file_count = 1, .environment = environment};
  struct problem problem;
  problem_clear(&problem);
  check(settings_load(&world.settings, &input, &problem) == STATUS_OK);
  check(arena_open(&world.arena, engine_memory(&limits)) == STATUS_OK);
  world.engine = engine_init(&world.arena, &limits, &config, NULL);
  check(metrics_open(&world.metrics, &moving_clock) == STATUS_OK);
  const struct api_options options = {.engine = world.engine,
                                      .metrics = world.metrics,
                                      .clock = &moving_clock,
                                      .settings = &world.settings,
                                      .sockets = http_server_sockets(),
                                      .is_ready = true};
  check(api_open(&world.api, &options) == STATUS_OK);
  api_handler(world.api, &world.handler);
}

static void close_fd(void *self) {
  close(*(int *)self);
}

static const char *no_header(const struct http_request *request, const char *name) {
  (void)request;
  (void)name;
  return NULL;
}

/* As the server does after an upgrade; the handler is the API's own. */
static void adopt(int *fd, const uint8_t *data, size_t size) {
  struct http_request request = {
      .method = "GET", .host = "127.0.0.1", .is_upgrade = true, .find_header = no_header, .body = "", .address = "127.0.0.1"};
  struct http_reply reply = {0};
  http_parse_target(&request, "/ws");
  world.handler.on_request(world.handler.context, &request, &reply);
  if (reply.status == 101) {
    const struct websocket_options options = {.fd = *fd,
                                              .extra = (const char *)data,
                                              .extra_size = size,
                                              .handler = reply.socket,
                                              .context = reply.socket_context,
                                              .release = close_fd,
                                              .self = fd};
    websockets_adopt(world.sockets, &options);
  } else {
    check_failed(__FILE__, __LINE__, "the upgrade is taken");
  }
  buffer_deinit(&reply.body);
}

static size_t frame_text(const uint8_t *data, size_t size, uint8_t *out) {
  size_t used = 0;
  out[used++] = 0x81;
  out[used++] = 0x80 | 126;
  out[used++] = (uint8_t)(size >> 8);
  out[used++] = (uint8_t)size;
  memset(out + used, 0, 4);
  memcpy(out + used + 4, data, size);
  return used + 4 + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t bytes[70000];
  if (world.api == NULL) open_world();
  if (size < 2 || size > 65000) return 0;
  int pair[2];
  ahead_ns += INT64_C(10000000000);
  check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
  world.sockets = websockets_open(&moving_clock);
  world.settings.ws_max_connections = 1000;
  bool is_text = data[0] % 2 == 0;
  size_t length = is_text ? frame_text(data + 1, size - 1, bytes) : size - 1;
  adopt(&pair[0], is_text ? bytes : data + 1, length);
  for (int i = 0; i < 4; i++) {
    websockets_run(world.sockets);
    feed_turn(world.api);
  }
  close(pair[1]);
  websockets_run(world.sockets);
  websockets_close(world.sockets);
  check(world.api->feed->peers == NULL);
  return 0;
}
