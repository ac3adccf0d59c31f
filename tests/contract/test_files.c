/* The files of the user interface over real sockets: types, caching, packing, routes of the interface, tricks with paths, the policy of the page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/clock/system_clock.h"
#include "adapters/http/http.h"
#include "base/text.h"
#include "support/scratch.h"
#include "support/socket_client.h"

static struct {
  struct http_server *server;
  struct socket_world world;
  struct socket_client client; /* of the newest request */
  char root[200], folder[240];
} fixture;

/* ---- a server whose API answers 418 ---- */

static void on_request(void *context, const struct http_request *request, struct http_reply *reply) {
  (void)context;
  (void)request;
  reply->status = 418;
  reply->content_type = "application/json";
  buffer_add_text(&reply->body, "{}");
}

static void on_gone(void *context, const struct http_reply *reply) {
  (void)context;
  (void)reply;
}

static void on_done(void *context, const struct http_request *request, const struct http_reply *reply) {
  (void)context;
  (void)request;
  (void)reply;
}

static void turn_server(void *context) {
  (void)context;
  http_server_run(fixture.server);
}

static void put(const char *path, const char *text) {
  char whole[256];
  snprintf(whole, sizeof whole, "%s/%s", fixture.root, path);
  FILE *file = fopen(whole, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void make_folder(const char *path) {
  char whole[256];
  snprintf(whole, sizeof whole, "%s/%s", fixture.root, path);
  assert_int_equal(mkdir(whole, 0700), 0);
}

static void make_files(void) {
  static char script[4096];
  memset(script, 'x', sizeof script - 1);
  make_folder("ui");
  make_folder("ui/assets");
  put("secret.txt", "not yours");
  put("ui/index.html", "<!doctype html><meta property=\"csp-nonce\" nonce=\"__CSP_NONCE__\"><div id=\"root\"></div>");
  put("ui/assets/app-1.js", script);
  put("ui/assets/app-1.css", "a{}");
  put("ui/icon.svg", "<svg/>");
  put("ui/.hidden", "not yours");
  char link[240];
  snprintf(link, sizeof link, "%s/ui/link.txt", fixture.root);
  assert_int_equal(symlink("../secret.txt", link), 0);
}

static int open_all(void **state) {
  (void)state;
  struct problem problem;
  problem_clear(&problem);
  if (!scratch_make(fixture.root, sizeof fixture.root, "breakout-files")) return 1;
  snprintf(fixture.folder, sizeof fixture.folder, "%s/ui", fixture.root);
  make_files();
  const struct http_options options = {.host = "127.0.0.1",
                                       .body_limit = 65536,
                                       .clock = system_clock(),
                                       .ui_folder = fixture.folder,
                                       .ui_config = "{\"api_url\":\"\"}",
                                       .ui_connect = "https://api.example",
                                       .ui_frame = "https://charts.example",
                                       .handler = {.on_request = on_request, .on_gone = on_gone, .on_done = on_done}};
  if (http_server_open(&fixture.server, &options, &problem)) return 1;
  fixture.world = (struct socket_world){.turn = turn_server, .port = http_server_port(fixture.server)};
  return 0;
}

static int close_all(void **state) {
  (void)state;
  http_server_close(fixture.server);
  return scratch_remove(fixture.root);
}

static void receive_rest(void) {
  char bytes[4096];
  ssize_t count = -1;
  struct pollfd file = {.fd = fixture.client.fd, .events = POLLIN};
  while (!fixture.client.is_ended && count != 0) {
    turn_server(NULL);
    poll(&file, 1, 1);
    count = recv(fixture.client.fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (count > 0) buffer_add(&fixture.client.in, bytes, (size_t)count);
    if (count < 0 && errno != EAGAIN) return;
  }
}

/* Returns the status; head and the whole answer are in fixture.client. */
static int ask(const char *method, const char *path, const char *headers) {
  char request[1024];
  snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n%s\r\n", method, path, headers);
  int status = socket_client_ask(&fixture.client, &fixture.world, request);
  assert_true(status != 0);
  receive_rest();
  return status;
}

static bool has(const char *part) {
  return strstr(fixture.client.head.data, part) != NULL;
}

static void take_header(const char *name, char *out, size_t size) {
  const char *at = strstr(fixture.client.head.data, name);
  assert_non_null(at);
  at += strlen(name);
  text_copy(out, size < strcspn(at, "\r") + 1 ? size : strcspn(at, "\r") + 1, at);
}

static void done(void) {
  socket_client_close(&fixture.client);
}

/* ---- tests ---- */

static void each_path_has_its_answer(void **state) {
  (void)state;
  static const struct {
    const char *method, *path, *headers;
    int status;
    const char *part; /* of the head */
  } rows[] = {
      {"GET", "/", "", 200, "Content-Type: text/html; charset=utf-8\r\n"},
      {"GET", "/index.html", "", 200, "Content-Type: text/html"},
      {"GET", "/chart", "", 200, "Content-Type: text/html"},
      {"GET", "/positions/p-1?x=1", "", 200, "Content-Type: text/html"},
      {"GET", "/assets/app-1.js", "", 200, "Content-Type: text/javascript; charset=utf-8\r\n"},
      {"GET", "/assets/app-1.js", "", 200, "Cache-Control: public, max-age=31536000, immutable\r\n"},
      {"GET", "/assets/app-1.js", "", 200, "Content-Length: 4095\r\n"},
      {"HEAD", "/assets/app-1.js", "", 200, "Content-Length: 4095\r\n"},
      {"GET", "/assets/app-1.js", "Accept-Encoding: gzip\r\n", 200, "Content-Encoding: gzip\r\n"},
      {"GET", "/assets/app-1.js", "Accept-Encoding: gzip\r\n", 200, "Vary: Accept-Encoding\r\n"},
      {"GET", "/assets/app-1.css", "", 200, "Content-Type: text/css; charset=utf-8\r\n"},
      {"GET", "/icon.svg", "", 200, "Content-Type: image/svg+xml\r\n"},
      {"GET", "/icon.svg", "", 200, "Cache-Control: no-cache\r\n"},
      {"GET", "/icon.svg", "", 200, "X-Content-Type-Options: nosniff\r\n"},
      {"GET", "/config.json", "", 200, "Content-Type: application/json\r\n"},
      /* not files, and never a page instead of one */
      {"GET", "/assets/app-2.js", "", 418, ""},
      {"GET", "/.hidden", "", 418, ""},
      {"GET", "/link.txt", "", 418, ""},
      {"GET", "/../secret.txt", "", 418, ""},
      {"GET", "/assets/../../secret.txt", "", 418, ""},
      {"GET", "/%2e%2e/secret.txt", "", 418, ""},
      {"GET", "/..%2fsecret.txt", "", 418, ""},
      {"GET", "/assets%2fapp-1.js%00.txt", "", 418, ""},
      {"GET", "//secret.txt", "", 418, ""},
      /* the API's */
      {"GET", "/api/health", "", 418, ""},
      {"GET", "/ws", "", 418, ""},
      {"POST", "/", "Content-Length: 0\r\n", 418, ""},
      {"DELETE", "/assets/app-1.js", "", 418, ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    int status = ask(rows[i].method, rows[i].path, rows[i].headers);
    bool is_good = status == rows[i].status && has(rows[i].part) && strstr(fixture.client.in.data, "not yours") == NULL;
    if (!is_good) print_error("%s %s: %d\n%s\n", rows[i].method, rows[i].path, status, fixture.client.head.data);
    assert_true(is_good);
    done();
  }
}

/* A folder is a route of the interface: it shows the page, no list. */
static void folders_are_not_listed(void **state) {
  (void)state;
  assert_int_equal(ask("GET", "/assets/", ""), 200);
  assert_null(strstr(fixture.client.in.data, "app-1.js"));
  done();
}

static void what_is_known_is_not_sent_again(void **state) {
  (void)state;
  char tag[64];
  char header[128];
  assert_int_equal(ask("GET", "/assets/app-1.js", ""), 200);
  take_header("ETag: ", tag, sizeof tag);
  done();
  snprintf(header, sizeof header, "If-None-Match: %s\r\n", tag);
  assert_int_equal(ask("GET", "/assets/app-1.js", header), 304);
  assert_null(strstr(fixture.client.in.data, "xxx"));
  done();
  assert_int_equal(ask("GET", "/assets/app-1.js", "If-None-Match: \"other\"\r\n"), 200);
  done();
}

static void each_page_has_a_nonce_of_its_own(void **state) {
  (void)state;
  char policies[2][1200];
  for (int i = 0; i < 2; i++) {
    char nonce[64];
    assert_int_equal(ask("GET", "/", ""), 200);
    take_header("Content-Security-Policy: ", policies[i], sizeof policies[i]);
    assert_non_null(strstr(policies[i], "default-src 'none'; script-src 'self'; style-src 'self' 'sha256-"));
    assert_non_null(strstr(policies[i], "connect-src 'self' https://api.example; frame-src https://charts.example; base-uri"));
    assert_null(strstr(policies[i], "unsafe"));
    const char *at = strstr(policies[i], "'nonce-");
    assert_non_null(at);
    text_copy(nonce, strcspn(at + 7, "'") + 1, at + 7);
    assert_true(strlen(nonce) >= 22); /* 128 bits in base64 */
    assert_non_null(strstr(fixture.client.in.data, nonce));
    assert_null(strstr(fixture.client.in.data, "__CSP_NONCE__"));
    done();
  }
  assert_string_not_equal(policies[0], policies[1]);
}

static void a_new_build_is_served_at_once(void **state) {
  (void)state;
  put("ui/index.html", "<!doctype html><p>the new one");
  put("ui/assets/app-2.js", "2");
  assert_int_equal(ask("GET", "/", ""), 200);
  assert_non_null(strstr(fixture.client.in.data, "the new one"));
  done();
  assert_int_equal(ask("GET", "/assets/app-2.js", ""), 200);
  done();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_path_has_its_answer),        cmocka_unit_test(folders_are_not_listed),
      cmocka_unit_test(what_is_known_is_not_sent_again), cmocka_unit_test(each_page_has_a_nonce_of_its_own),
      cmocka_unit_test(a_new_build_is_served_at_once),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
