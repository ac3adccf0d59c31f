/* The HTTP server behind the API: one loop thread, no thread of its own. Poll its descriptor and its timeout, then run it. */
#ifndef ADAPTERS_HTTP_HTTP_H
#define ADAPTERS_HTTP_HTTP_H

#include <stdint.h>

#include "base/problem.h"
#include "base/status.h"
#include "runner/clock.h"
#include "runner/http.h"

struct http_options {
  const char *host; /* an IPv4 or IPv6 address, or localhost */
  int port;         /* 0: any free one */
  size_t body_limit;
  const struct clock *clock;
  struct http_handler handler;
};

struct http_server; /* opaque */

/* A port in use, an address that is not this machine's: STATUS_IN_USE, STATUS_BAD_CONFIG, ... with the port named in problem. */
NODISCARD enum status http_server_open(struct http_server **server, const struct http_options *options, struct problem *problem);
/* Answers what is deferred with 503 and closes every connection. NULL is allowed. */
void http_server_close(struct http_server *server);
int http_server_port(const struct http_server *server);
/* Readable when there is something to do. */
int http_server_fd(const struct http_server *server);
/* Milliseconds after which http_server_run must be called without the descriptor being readable; -1 none. */
int http_server_timeout_ms(struct http_server *server);
/* Does what can be done without waiting; handlers are called from here. */
void http_server_run(struct http_server *server);

/* Limits, as documented in the API. */
enum { HTTP_URL_BYTES_MAX = 8192, HTTP_HEADER_BYTES_MAX = 16384, HTTP_REQUEST_TIME_MAX_S = 30, HTTP_CONNECTIONS_MAX = 256 };

#endif
