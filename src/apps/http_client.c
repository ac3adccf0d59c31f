#include "apps/http_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

enum { ANSWER_BYTES_MAX = 64 << 20 };

struct client {
  char host[256];
  char port[8];
  int fd;
  int64_t deadline_ms;
  struct problem *problem;
};

static int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* http://host[:port][/] */
static enum status parse_url(struct client *client, const char *url) {
  static const char scheme[] = "http://";
  const char *host = url + sizeof scheme - 1;
  bool is_http = strncasecmp(url, scheme, sizeof scheme - 1) == 0;
  const char *close = is_http && host[0] == '[' ? strchr(host, ']') : NULL;
  size_t length = close != NULL ? (size_t)(close - host - 1) : is_http ? strcspn(host, ":/") : 0;
  const char *rest = close != NULL ? close + 1 : host + length;
  int64_t port = 80;
  char digits[8] = "";
  if (is_http && rest[0] == ':') text_copy(digits, strcspn(rest + 1, "/") + 1 < sizeof digits ? strcspn(rest + 1, "/") + 1 : sizeof digits, rest + 1);
  bool is_good = length > 0 && length < sizeof client->host && (digits[0] == '\0' || text_parse_i64(digits, &port)) && port > 0 && port < 65536;
  if (!is_good) {
    problem_add(client->problem, "bad_value", "BREAKOUT_URL", url, "http://127.0.0.1:8000", "is not the address of a server");
    return STATUS_BAD_CONFIG;
  }
  text_copy(client->host, length + 1, close != NULL ? host + 1 : host);
  snprintf(client->port, sizeof client->port, "%d", (int)port);
  return STATUS_OK;
}

static enum status wait_for(struct client *client, short events) {
  struct pollfd file = {.fd = client->fd, .events = events};
  for (;;) {
    int64_t left = client->deadline_ms - now_ms();
    int count = left > 0 ? poll(&file, 1, (int)left) : 0;
    if (count > 0) return STATUS_OK;
    if (count < 0 && errno == EINTR) continue;
    problem_add(client->problem, "timed_out", "--timeout", NULL, NULL, "the server did not answer in time");
    return STATUS_TIMED_OUT;
  }
}

static enum status not_running(struct client *client) {
  problem_add(client->problem, "not_running", "BREAKOUT_URL", NULL, NULL,
              "no server answers at http://%s:%s: start it with ./start.sh or breakout serve", client->host, client->port);
  return STATUS_NOT_RUNNING;
}

static enum status connect_to(struct client *client) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  if (getaddrinfo(client->host, client->port, &hints, &found) != 0) return not_running(client);
  client->fd = -1;
  for (const struct addrinfo *at = found; at != NULL && client->fd < 0; at = at->ai_next) {
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    if (connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
      client->fd = fd;
    } else {
      close(fd);
    }
  }
  freeaddrinfo(found);
  return client->fd >= 0 ? STATUS_OK : not_running(client);
}

static enum status send_all(struct client *client, const struct buffer *request) {
  size_t sent = 0;
  while (sent < request->length) {
    enum status status = wait_for(client, POLLOUT);
    if (status) return status;
    ssize_t count = send(client->fd, request->data + sent, request->length - sent, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return not_running(client);
    if (count > 0) sent += (size_t)count;
  }
  return STATUS_OK;
}

/* Connection: close, so that the end of the stream is the end of the reply. */
static enum status receive_all(struct client *client, struct buffer *reply) {
  char part[16384];
  for (;;) {
    enum status status = wait_for(client, POLLIN);
    if (status) return status;
    ssize_t count = recv(client->fd, part, sizeof part, 0);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return STATUS_OK;
    if (reply->length + (size_t)count > ANSWER_BYTES_MAX) return STATUS_TOO_LARGE;
    buffer_add(reply, part, (size_t)count);
  }
}

static enum status parse_reply(struct client *client, const struct buffer *reply, struct http_answer *out) {
  const char *end = reply->length > 0 ? strstr(reply->data, "\r\n\r\n") : NULL;
  bool is_http = end != NULL && strncmp(reply->data, "HTTP/1.1 ", 9) == 0;
  if (!is_http) return not_running(client);
  out->status = (int)strtol(reply->data + 9, NULL, 10);
  size_t head = (size_t)(end + 4 - reply->data);
  buffer_add(&out->body, reply->data + head, reply->length - head);
  return STATUS_OK;
}

enum status http_client_send(const char *url, const char *method, const char *path, const char *body, const char *token, int timeout_s,
                             struct http_answer *out, struct problem *problem) {
  struct client client = {.problem = problem, .fd = -1, .deadline_ms = now_ms() + (int64_t)timeout_s * 1000};
  struct buffer request = {0};
  struct buffer reply = {0};
  *out = (struct http_answer){0};
  enum status status = parse_url(&client, url);
  if (!status) status = connect_to(&client);
  if (status) return status;
  buffer_add_format(&request, "%s %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\nAccept: application/json\r\n", method, path, client.host,
                    client.port);
  if (token != NULL) buffer_add_format(&request, "Authorization: Bearer %s\r\n", token);
  bool is_change = strcmp(method, "GET") != 0;
  if (is_change) buffer_add_format(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body != NULL ? strlen(body) : 0);
  buffer_add_text(&request, "\r\n");
  if (is_change && body != NULL) buffer_add_text(&request, body);
  status = send_all(&client, &request);
  if (!status) status = receive_all(&client, &reply);
  if (!status) status = parse_reply(&client, &reply, out);
  close(client.fd);
  if (request.data != NULL) explicit_bzero(request.data, request.length); /* the token */
  buffer_deinit(&request);
  buffer_deinit(&reply);
  return status;
}
