/* A WebSocket client (RFC 6455) small enough for tests: it can also break every rule. The server runs in the same thread, so that waiting means to
 * let it take a turn. */
#ifndef TESTS_SUPPORT_SOCKET_CLIENT_H
#define TESTS_SUPPORT_SOCKET_CLIENT_H

#include "base/buffer.h"

struct socket_client {
  int fd;
  struct buffer head; /* of the answer to the request */
  struct buffer in;   /* bytes received */
  struct buffer text; /* of the newest message, NUL-terminated */
  int status;         /* of the answer to the upgrade */
  int close_code;     /* 0: no goodbye yet; 1005 one without a code */
  bool is_ended;      /* the connection is gone */
  int64_t pongs;
};

/* One turn of the server; called while the client waits. */
typedef void socket_turn(void *context);
struct socket_world {
  socket_turn *turn;
  void *context;
  int port;
};

/* Connects and asks for the upgrade; head: further lines of the request, each with its line break. Returns the status of the answer (101), 0 when
 * there is none. */
int socket_client_open(struct socket_client *client, const struct socket_world *world, const char *target, const char *head);
/* Sends a request as it is, and waits for the head of an answer. */
int socket_client_ask(struct socket_client *client, const struct socket_world *world, const char *request);
void socket_client_close(struct socket_client *client);

enum { SOCKET_FINAL = 0x80, SOCKET_CONTINUATION = 0, SOCKET_TEXT = 1, SOCKET_BINARY = 2, SOCKET_CLOSE = 8, SOCKET_PING = 9, SOCKET_PONG = 10 };
/* first: flags and opcode. What the kernel does not take at once is given to it while the server turns. */
void socket_client_send(struct socket_client *client, const struct socket_world *world, int first, bool is_masked, const void *bytes, size_t size);
void socket_client_say(struct socket_client *client, const struct socket_world *world, const char *text);
void socket_client_send_bytes(struct socket_client *client, const struct socket_world *world, const void *bytes, size_t size);
/* Takes the next text message that is there already; pings are answered. */
bool socket_client_take(struct socket_client *client);
/* The same, waiting for it up to 10 s; false: none came, or the connection ended. */
bool socket_client_next(struct socket_client *client, const struct socket_world *world);
/* The next message of a type: {"seq":N,"type":"T",... . */
bool socket_client_wait(struct socket_client *client, const struct socket_world *world, const char *type);
/* Waits for the goodbye and returns its code, 1006 when the connection ended without one. */
int socket_client_wait_end(struct socket_client *client, const struct socket_world *world);

#endif
