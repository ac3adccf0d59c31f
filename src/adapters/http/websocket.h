/* WebSockets (RFC 6455) after their upgrade, on the loop's thread: bytes in become messages for the API, frames out are joined into one write. The
 * framing of what comes in and of control frames is wslay's. */
#ifndef ADAPTERS_HTTP_WEBSOCKET_H
#define ADAPTERS_HTTP_WEBSOCKET_H

#include "runner/clock.h"
#include "runner/http.h"

enum { WEBSOCKET_ACCEPT_BYTES = 29 };

struct websockets; /* all of a server; opaque */

struct websocket_options {
  int fd;            /* the connection */
  const char *extra; /* bytes that were read behind the request */
  size_t extra_size;
  const struct http_socket_handler *handler;
  void *context;               /* instead of handler->context when not NULL */
  void (*release)(void *self); /* closes fd; called once, at the end */
  void *self;
};

struct websockets *websockets_open(const struct clock *clock);
/* Says goodbye with 1001 to all who can hear it within a moment, then ends everything. NULL is allowed. */
void websockets_close(struct websockets *all);
/* Takes a connection over; calls on_open. */
void websockets_adopt(struct websockets *all, const struct websocket_options *options);
/* Readable when there is something to do. */
int websockets_fd(const struct websockets *all);
/* Milliseconds until websockets_run has something to do without the descriptor being readable; -1 never. */
int websockets_timeout_ms(const struct websockets *all);
/* Reads what came, calls handlers, writes what waits. */
void websockets_run(struct websockets *all);
/* Writes what waits. */
void websockets_flush(struct websockets *all);
/* Says to every peer that the service restarts (1012): it comes back, to another process. */
void websockets_retire(struct websockets *all);
int websockets_count(const struct websockets *all);
const struct http_port_sockets *websocket_port(void);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key; false when the key is not 16 bytes in base64. */
bool websocket_accept_key(const char *key, char accept[WEBSOCKET_ACCEPT_BYTES]);

#endif
