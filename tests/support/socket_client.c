#include "support/socket_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

enum { WAIT_MS = 10000, CODE_NONE = 1005, CODE_LOST = 1006 };

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- bytes ---- */

static void receive(struct socket_client *client) {
  char bytes[65536];
  ssize_t count = recv(client->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count > 0) buffer_add(&client->in, bytes, (size_t)count);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) client->is_ended = true;
}

static void turn(struct socket_client *client, const struct socket_world *world) {
  struct pollfd file = {.fd = client->fd, .events = POLLIN};
  world->turn(world->context);
  poll(&file, 1, 1);
  receive(client);
}

void socket_client_send_bytes(struct socket_client *client, const struct socket_world *world, const void *bytes, size_t size) {
  int64_t end = now_ms() + WAIT_MS;
  for (size_t at = 0; at < size && now_ms() < end;) {
    ssize_t count = send(client->fd, (const char *)bytes + at, size - at, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) at += (size_t)count;
    if (count < 0 && errno != EAGAIN) return; /* the server has ended it */
    if (count < 0) world->turn(world->context);
  }
}

static void consume(struct socket_client *client, size_t count) {
  memmove(client->in.data, client->in.data + count, client->in.length - count);
  client->in.length -= count;
}

/* ---- the handshake ---- */

int socket_client_ask(struct socket_client *client, const struct socket_world *world, const char *request) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)world->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  *client = (struct socket_client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int yes = 1;
  check(client->fd >= 0 && connect(client->fd, (struct sockaddr *)&address, sizeof address) == 0);
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  socket_client_send_bytes(client, world, request, strlen(request));
  int64_t end = now_ms() + WAIT_MS;
  const char *head_end = NULL;
  while (head_end == NULL && !client->is_ended && now_ms() < end) {
    turn(client, world);
    if (client->in.length > 0) head_end = strstr(client->in.data, "\r\n\r\n");
  }
  if (head_end == NULL || sscanf(client->in.data, "HTTP/1.1 %d", &client->status) != 1) return 0;
  buffer_add(&client->head, client->in.data, (size_t)(head_end - client->in.data) + 4);
  if (client->status == 101) consume(client, (size_t)(head_end - client->in.data) + 4);
  return client->status;
}

int socket_client_open(struct socket_client *client, const struct socket_world *world, const char *target, const char *head) {
  char request[2048];
  snprintf(request, sizeof request,
           "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
           target, world->port, head);
  return socket_client_ask(client, world, request);
}

void socket_client_close(struct socket_client *client) {
  close(client->fd);
  buffer_deinit(&client->head);
  buffer_deinit(&client->in);
  buffer_deinit(&client->text);
}

/* ---- frames ---- */

void socket_client_send(struct socket_client *client, const struct socket_world *world, int first, bool is_masked, const void *bytes, size_t size) {
  static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
  unsigned char head[14] = {(unsigned char)first};
  size_t used = 2;
  int wide = size < 126 ? 0 : size < 65536 ? 2 : 8;
  head[1] = (unsigned char)(wide == 0 ? size : wide == 2 ? 126 : 127);
  for (int i = 0; i < wide; i++) head[used++] = (unsigned char)((uint64_t)size >> (8 * (wide - 1 - i)));
  if (is_masked) {
    head[1] |= 0x80;
    memcpy(head + used, mask, 4);
    used += 4;
  }
  unsigned char *frame = malloc(used + size);
  check(frame != NULL);
  memcpy(frame, head, used);
  for (size_t i = 0; i < size; i++) frame[used + i] = (unsigned char)(((const unsigned char *)bytes)[i] ^ (is_masked ? mask[i % 4] : 0));
  socket_client_send_bytes(client, world, frame, used + size);
  free(frame);
}

void socket_client_say(struct socket_client *client, const struct socket_world *world, const char *text) {
  socket_client_send(client, world, SOCKET_FINAL | SOCKET_TEXT, true, text, strlen(text));
}

static const struct socket_world nobody = {.turn = NULL};

/* A frame from the server is never masked. */
static bool take_frame(struct socket_client *client, int *opcode) {
  const unsigned char *at = (const unsigned char *)client->in.data;
  size_t have = client->in.length;
  if (have < 2) return false;
  size_t length = at[1] & 0x7f;
  size_t head = length == 126 ? 4 : length == 127 ? 10 : 2;
  check((at[1] & 0x80) == 0);
  if (have < head) return false;
  if (head > 2) length = 0;
  for (size_t i = 2; i < head; i++) length = length << 8 | at[i];
  if (have < head + length) return false;
  check((at[0] & 0xf0) == 0x80);
  *opcode = at[0] & 0x0f;
  buffer_clear(&client->text);
  buffer_add(&client->text, at + head, length);
  consume(client, head + length);
  return true;
}

bool socket_client_take(struct socket_client *client) {
  int opcode;
  while (client->in.length > 0 && take_frame(client, &opcode)) {
    const unsigned char *text = (const unsigned char *)client->text.data;
    if (opcode == SOCKET_TEXT) return true;
    if (opcode == SOCKET_PING) socket_client_send(client, &nobody, SOCKET_FINAL | SOCKET_PONG, true, text, client->text.length);
    if (opcode == SOCKET_PONG) ++client->pongs;
    if (opcode == SOCKET_CLOSE) client->close_code = client->text.length >= 2 ? text[0] << 8 | text[1] : CODE_NONE;
  }
  return false;
}

bool socket_client_next(struct socket_client *client, const struct socket_world *world) {
  int64_t end = now_ms() + WAIT_MS;
  for (;;) {
    if (socket_client_take(client)) return true;
    if (client->is_ended || client->close_code != 0 || now_ms() >= end) return false;
    turn(client, world);
  }
}

bool socket_client_wait(struct socket_client *client, const struct socket_world *world, const char *type) {
  char word[64];
  snprintf(word, sizeof word, "\"type\":\"%s\",", type);
  while (socket_client_next(client, world)) {
    if (strstr(client->text.data, word) != NULL) return true;
  }
  return false;
}

int socket_client_wait_end(struct socket_client *client, const struct socket_world *world) {
  while (socket_client_next(client, world)) {
  }
  if (client->close_code != 0) return client->close_code;
  return client->is_ended ? CODE_LOST : 0;
}
