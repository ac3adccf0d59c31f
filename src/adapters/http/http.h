/* The HTTP server behind the API: one loop thread, no thread of its own. Poll its descriptor and its timeout, then run it. */
#ifndef ADAPTERS_HTTP_HTTP_H
#define ADAPTERS_HTTP_HTTP_H

#include <stdint.h>

#include "base/problem.h"
#include "base/status.h"
#include "runner/clock.h"
#include "runner/http.h"

enum { HTTP_LISTENERS_MAX = 2 };

struct http_options {
  const char *host; /* an IPv4 or IPv6 address, or localhost */
  int port;         /* 0: any free one */
  int ui_port;      /* a second port that answers the same; 0: none */
  const int *given; /* sockets that listen already: used where their port is asked for and in use; owned from a good open on */
  int given_count;
  size_t body_limit;
  int sockets_max;        /* WebSockets beside HTTP_CONNECTIONS_MAX other connections; 0: none */
  const char *ui_folder;  /* files of the user interface; NULL, or a folder without index.html: none */
  const char *ui_config;  /* JSON that /config.json answers; with ui_folder */
  const char *ui_connect; /* other origins that the interface may ask, separated by blanks */
  const char *ui_frame;   /* the origin whose pages the interface may show inside its own; NULL or "": none */
  const struct clock *clock;
  struct http_handler handler;
};

struct http_server; /* opaque */

/* A port in use, an address that is not this machine's: STATUS_IN_USE, STATUS_BAD_CONFIG, ... with the port named in problem. */
NODISCARD enum status http_server_open(struct http_server **server, const struct http_options *options, struct problem *problem);
/* Answers what is deferred with 503 and closes every connection. NULL is allowed. */
void http_server_close(struct http_server *server);
int http_server_port(const struct http_server *server);
bool http_server_has_ui(const struct http_server *server);
/* Readable when there is something to do. */
int http_server_fd(const struct http_server *server);
/* Milliseconds after which http_server_run must be called without the descriptor being readable; -1 none. */
int http_server_timeout_ms(struct http_server *server);
/* Does what can be done without waiting; handlers are called from here. */
void http_server_run(struct http_server *server);
/* Writes to WebSockets what handlers and others have queued since http_server_run. */
void http_server_flush(struct http_server *server);
/* The sockets that listen, for another process to listen at as well: the port's, the second port's. They stay this server's. Returns how many. */
int http_server_listeners(const struct http_server *server, int out[HTTP_LISTENERS_MAX]);
/* Did one of options.given serve? */
bool http_server_is_given(const struct http_server *server);
/* No new connections: those there are get their answers, with "Connection: close", and WebSockets are closed with 1012. The sockets stay open. */
void http_server_retire(struct http_server *server);
/* Connections with a request under way. */
bool http_server_is_busy(const struct http_server *server);
/* What the API needs to talk to WebSockets. */
const struct http_port_sockets *http_server_sockets(void);

/* Limits, as documented in the API. */
enum { HTTP_URL_BYTES_MAX = 8192, HTTP_HEADER_BYTES_MAX = 16384, HTTP_REQUEST_TIME_MAX_S = 30, HTTP_CONNECTIONS_MAX = 256 };

#endif
