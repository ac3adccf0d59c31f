/* Any request to the API over a trading system in memory: "METHOD /path?query", a line end, the body. Everything answers, and as its shape or the
 * list of its failures says. A part of the inputs is made from the tables of routes and shapes, so that bodies that handlers take are met at once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/api_state.h"
#include "base/check.h"
#include "base/text.h"
#include "support/fuzz_folder.h"
#include "support/market_fixture.h"
#include "support/request_maker.h"
#include "support/shape_check.h"

enum { INPUTS_A_WORLD = 100000, LINE_MAX = 4096, ARCHIVED_BEHIND = 50, TURNS_MAX = 20000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

static struct market_fixture fixture;
static struct request_maker maker;
static int inputs;
static bool is_sent;

static enum status start_backup(void *self, struct problem *problem) {
  (void)self;
  (void)problem;
  return STATUS_OK;
}

static enum status take_backup(void *self, struct api_backup *out, struct problem *problem) {
  (void)self;
  (void)problem;
  *out = (struct api_backup){.file = "backup-20250101-000000.tar.gz", .ts = RIG_START, .bytes = 1, .is_verified = true};
  return STATUS_OK;
}

/* Begins anew from time to time: what presets, rules and orders pile up would only make it slower. */
static void open_world(void) {
  if (inputs > 0) market_fixture_close(&fixture);
  if (inputs == 0) check(setenv("TMPDIR", fuzz_folder(), 1) == 0);
  market_fixture_open(&fixture);
  market_fixture_archive(&fixture, ARCHIVED_BEHIND);
  fixture.api->options.host.start_backup = start_backup;
  fixture.api->options.host.take_backup = take_backup;
  fixture.look_ns = INT64_C(1000000000); /* limits of rate are not what is tried here */
  if (inputs == 0) request_maker_init(&maker, 1);
}

static void on_sent(struct http_reply *reply) {
  (void)reply;
  is_sent = true;
}

static const char *no_header(const struct http_request *request, const char *name) {
  (void)request;
  (void)name;
  return NULL;
}

static void wait_for(const struct http_reply *reply) {
  for (int i = 0; i < TURNS_MAX && reply->is_deferred && !is_sent; i++) {
    api_turn(fixture.api);
    if (!is_sent) (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL); /* a password is being computed */
  }
  check(!reply->is_deferred || is_sent);
}

static void ask(const char *method, const char *target, char *body, size_t length) {
  static struct http_request request;
  struct http_reply reply = {.send = on_sent};
  struct http_handler handler;
  request = (struct http_request){.method = method,
                                  .target = target,
                                  .host = "127.0.0.1",
                                  .content_type = "application/json",
                                  .find_header = no_header,
                                  .body = body,
                                  .body_length = length,
                                  .address = "127.0.0.1",
                                  .id = "r1"};
  http_parse_target(&request, target);
  is_sent = false;
  api_handler(fixture.api, &handler);
  handler.on_request(handler.context, &request, &reply);
  wait_for(&reply);
  reply.is_deferred = false;
  bool is_json = reply.content_type != NULL && strstr(reply.content_type, "json") != NULL;
  struct json *answer = is_json ? json_parse(reply.body.data, reply.body.length, JSON_STRICT, "reply", NULL) : NULL;
  check(reply.status >= 100 && reply.status < 600 && (reply.status < 500 || reply.status == 501 || reply.status == 503));
  check(!is_json || answer != NULL);
  if (text_equal(method, "HEAD")) request.method = "GET"; /* answered as that; the adapter leaves the body out */
  check(shape_check_answer(&request, &reply, answer));
  if (answer != NULL && reply.status < 300) request_maker_learn(&maker, answer);
  json_free(answer);
  buffer_deinit(&reply.body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char line[LINE_MAX];
  if (inputs % INPUTS_A_WORLD == 0) open_world();
  ++inputs;
  const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
  if (end == NULL || end - data >= LINE_MAX || memchr(data, '\0', (size_t)(end - data)) != NULL) return 0;
  text_copy(line, (size_t)(end - data) + 1, (const char *)data);
  char *target = strchr(line, ' ');
  if (target == NULL || target[1] != '/') return 0;
  *target++ = '\0';
  size_t length = size - (size_t)(end + 1 - data);
  char *body = malloc(length + 1);
  check(body != NULL);
  memcpy(body, end + 1, length);
  body[length] = '\0';
  ask(line, target, body, length);
  free(body);
  return 0;
}

/* One in four is made anew, good or with one thing wrong. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  if (maker.preset.data == NULL || seed % 4 != 0) return LLVMFuzzerMutate(data, size, max_size);
  struct buffer out = {0};
  random_init(&maker.random, seed);
  const struct route *route = &api_routes[random_below(&maker.random, (uint64_t)api_route_count)];
  unsigned wrong = (unsigned)random_below(&maker.random, 6);
  buffer_add_format(&out, "%s ", route->method);
  maker_add_path(&maker, route, wrong == 0, &out);
  if (text_equal(route->method, "GET")) maker_add_query(&maker, route, wrong == 1, &out);
  buffer_add_text(&out, "\n");
  if (!text_equal(route->method, "GET")) maker_add_body(&maker, route->request, wrong > 2, &out);
  size_t length = out.length < max_size ? out.length : max_size;
  memcpy(data, out.data, length);
  buffer_deinit(&out);
  return length;
}
