/* HTTP/1.1 on libmicrohttpd, in external mode: its epoll descriptor belongs to our loop, so handlers run between two events and read the engine
 * without locks.
 *
 * What the library leaves open is decided here: two Content-Length or one beside Transfer-Encoding are refused (request smuggling), a body has a
 * limit, a request has a time, and the target is decoded once by us, so that %2F inside a segment is not a separator. A reply can be deferred: the
 * connection is suspended until send. */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http/http.h"
#include "base/check.h"
#include "base/log.h"
#include "base/text.h"

enum { POOL_BYTES = 48 * 1024, DRAIN_FACTOR = 16, TARGET_BYTES = HTTP_URL_BYTES_MAX + 1 };

struct http_connection {
  struct http_server *server;
  struct MHD_Connection *connection;
  struct http_connection *next, *previous;
  int64_t since_ns; /* connection opened, or last answer sent: a request must be whole within HTTP_REQUEST_TIME_MAX_S * 2 */
  bool is_suspended, is_idle;
};

struct http_exchange {
  struct http_server *server;
  struct http_connection *owner;
  struct MHD_Connection *connection;
  struct http_request request;
  struct http_reply reply;
  char target[TARGET_BYTES];
  bool is_target_too_long, is_begun, is_too_large, is_late, is_answered, is_ready;
  size_t drained;
  struct buffer body;
  struct http_exchange *next, *previous; /* of the suspended ones */
};

struct http_server {
  struct MHD_Daemon *daemon;
  struct http_options options;
  int port;
  uint64_t next_id;
  int64_t swept_ns;
  struct http_connection *connections;
  struct http_exchange *suspended;
};

static int64_t now_ns(const struct http_server *server) {
  return server->options.clock->monotonic_ns(server->options.clock->self);
}

/* ---- the listening socket ---- */

static bool make_address(const struct http_options *options, struct sockaddr_storage *out, socklen_t *length) {
  const char *host = text_equal(options->host, "localhost") ? "127.0.0.1" : options->host;
  memset(out, 0, sizeof *out);
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
  if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)options->port);
    *length = sizeof *four;
    return true;
  }
  if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)options->port);
    *length = sizeof *six;
    return true;
  }
  return false;
}

static enum status tell_bind_error(const struct http_options *options, int error, struct problem *problem) {
  if (error == EADDRINUSE) {
    problem_add(problem, "in_use", "PORT", NULL, NULL, "port %d of %s is taken by another program: end it, or set another PORT", options->port,
                options->host);
    return STATUS_IN_USE;
  }
  if (error == EACCES) {
    problem_add(problem, "no_permission", "PORT", NULL, NULL, "port %d needs rights this user does not have: set a PORT above 1023", options->port);
    return STATUS_NO_PERMISSION;
  }
  problem_add(problem, "bad_value", "API_HOST", options->host, NULL, "port %d cannot be opened there: %s", options->port, strerror(error));
  return error == EADDRNOTAVAIL ? STATUS_BAD_CONFIG : STATUS_IO_FAILED;
}

static enum status open_listener(struct http_server *server, int *out, struct problem *problem) {
  const struct http_options *options = &server->options;
  struct sockaddr_storage address;
  socklen_t length;
  if (!make_address(options, &address, &length)) {
    problem_add(problem, "bad_value", "API_HOST", options->host, "127.0.0.1", "is not an address");
    return STATUS_BAD_CONFIG;
  }
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return tell_bind_error(options, errno, problem);
  int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 128) != 0) {
    int error = errno;
    close(fd);
    return tell_bind_error(options, error, problem);
  }
  length = sizeof address;
  getsockname(fd, (struct sockaddr *)&address, &length);
  bool is_six = address.ss_family == AF_INET6;
  server->port = ntohs(is_six ? ((struct sockaddr_in6 *)&address)->sin6_port : ((struct sockaddr_in *)&address)->sin_port);
  *out = fd;
  return STATUS_OK;
}

/* ---- replies ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value) {
  check(MHD_add_response_header(response, name, value) == MHD_YES);
}

static void add_headers(struct http_exchange *exchange, struct MHD_Response *response) {
  char number[32];
  struct text text;
  const struct http_reply *reply = &exchange->reply;
  if (reply->content_type != NULL) add_header(response, "Content-Type", reply->content_type);
  add_header(response, "X-Request-Id", exchange->request.id);
  text_init(&text, number, sizeof number);
  text_add_double(&text, (double)(now_ns(exchange->server) - exchange->request.started_ns) * 1e-9, 6);
  add_header(response, "X-Process-Time", number);
  add_header(response, "Cache-Control", "no-store");
  add_header(response, "X-Content-Type-Options", "nosniff");
  add_header(response, "X-Frame-Options", "DENY");
  add_header(response, "Referrer-Policy", "no-referrer");
  add_header(response, "Content-Security-Policy", "default-src 'none'");
  if (reply->allow[0] != '\0') add_header(response, "Allow", reply->allow);
  if (reply->retry_after_s > 0) {
    text_init(&text, number, sizeof number);
    text_add_i64(&text, reply->retry_after_s);
    add_header(response, "Retry-After", number);
  }
}

static enum MHD_Result queue_reply(struct http_exchange *exchange) {
  struct http_reply *reply = &exchange->reply;
  const char *data = reply->body.data != NULL ? reply->body.data : "";
  struct MHD_Response *response = MHD_create_response_from_buffer(reply->body.length, (void *)(uintptr_t)data, MHD_RESPMEM_MUST_COPY);
  if (response == NULL) return MHD_NO;
  add_headers(exchange, response);
  enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
  MHD_destroy_response(response);
  exchange->is_answered = true;
  return result;
}

/* Refused before a handler sees it. */
static enum MHD_Result refuse(struct http_exchange *exchange, int status, const char *code, const char *detail) {
  struct http_reply *reply = &exchange->reply;
  buffer_clear(&reply->body);
  buffer_add_format(&reply->body,
                    "{\"type\":\"/api/docs/problems#%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",\"code\":\"%s\",\"request_id\":\"%s\"}",
                    code, detail, status, detail, code, exchange->request.id);
  reply->status = status;
  reply->content_type = "application/problem+json";
  return queue_reply(exchange);
}

/* ---- deferred replies ---- */

static void unlink_suspended(struct http_exchange *exchange) {
  if (exchange->previous != NULL) {
    exchange->previous->next = exchange->next;
  } else {
    exchange->server->suspended = exchange->next;
  }
  if (exchange->next != NULL) exchange->next->previous = exchange->previous;
  exchange->owner->is_suspended = false;
}

static void send_deferred(struct http_reply *reply) {
  struct http_exchange *exchange = (struct http_exchange *)(void *)((char *)reply - offsetof(struct http_exchange, reply));
  check(exchange->owner->is_suspended);
  unlink_suspended(exchange);
  exchange->is_ready = true;
  MHD_resume_connection(exchange->connection);
}

static void suspend(struct http_exchange *exchange) {
  exchange->next = exchange->server->suspended;
  exchange->previous = NULL;
  if (exchange->next != NULL) exchange->next->previous = exchange;
  exchange->server->suspended = exchange;
  exchange->owner->is_suspended = true;
  MHD_suspend_connection(exchange->connection);
}

/* ---- requests ---- */

static void make_id(struct http_server *server, char out[HTTP_ID_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  uint64_t value = server->next_id++;
  for (int i = 15; i >= 0; i--) {
    out[i] = digits[value & 15u];
    value >>= 4;
  }
  out[16] = '\0';
}

static void print_address(struct MHD_Connection *connection, char *out, size_t size) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  text_copy(out, size, "unknown");
  if (info == NULL || info->client_addr == NULL) return;
  const void *address = info->client_addr->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr;
  if (inet_ntop(info->client_addr->sa_family, address, out, (socklen_t)size) == NULL) text_copy(out, size, "unknown");
}

/* The request line was read: the exchange begins. */
static void *on_target(void *context, const char *uri, struct MHD_Connection *connection) {
  struct http_server *server = context;
  struct http_exchange *exchange = calloc(1, sizeof *exchange);
  check(exchange != NULL);
  exchange->server = server;
  exchange->connection = connection;
  exchange->reply.send = send_deferred;
  exchange->request.started_ns = now_ns(server);
  make_id(server, exchange->request.id);
  exchange->is_target_too_long = strlen(uri) >= sizeof exchange->target;
  text_copy(exchange->target, sizeof exchange->target, uri);
  print_address(connection, exchange->request.address, sizeof exchange->request.address);
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  exchange->owner = info->socket_context;
  exchange->owner->is_idle = false;
  exchange->owner->since_ns = exchange->request.started_ns;
  return exchange;
}

struct header_facts {
  size_t bytes;
  int lengths, encodings, hosts;
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  struct header_facts *facts = context;
  facts->bytes += strlen(name) + (value != NULL ? strlen(value) : 0) + 4;
  if (strcasecmp(name, "Content-Length") == 0) ++facts->lengths;
  if (strcasecmp(name, "Transfer-Encoding") == 0) ++facts->encodings;
  if (strcasecmp(name, "Host") == 0) ++facts->hosts;
  return MHD_YES;
}

static const char *header(struct http_exchange *exchange, const char *name) {
  return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* With the headers read: what is wrong with the request as HTTP, before its body is taken. */
static bool is_refused_by_headers(struct http_exchange *exchange, enum MHD_Result *result) {
  struct header_facts facts = {0};
  MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, on_header, &facts);
  const char *length = header(exchange, "Content-Length");
  int64_t bytes = 0;
  if (exchange->is_target_too_long) {
    *result = refuse(exchange, 414, "url_too_long", "the address is longer than 8 KiB");
  } else if (facts.bytes > HTTP_HEADER_BYTES_MAX) {
    *result = refuse(exchange, 431, "headers_too_large", "the headers are larger than 16 KiB");
  } else if (facts.lengths > 1 || facts.encodings > 1 || (facts.lengths > 0 && facts.encodings > 0)) {
    *result = refuse(exchange, 400, "bad_request", "the length of the body is given twice");
  } else if (facts.hosts > 1) {
    *result = refuse(exchange, 400, "bad_request", "there are several Host headers");
  } else if (length != NULL && (!text_parse_i64(length, &bytes) || bytes < 0)) {
    *result = refuse(exchange, 400, "bad_request", "Content-Length is not a length");
  } else if ((uint64_t)bytes > exchange->server->options.body_limit) {
    *result = refuse(exchange, 413, "body_too_large", "the body is larger than BODY_LIMIT_BYTES");
  } else {
    return false;
  }
  return true;
}

/* A body that grows beyond the limit is read on and thrown away, so that the client sees the 413; one without end is cut off. */
static enum MHD_Result take_body(struct http_exchange *exchange, const char *data, size_t *size) {
  size_t limit = exchange->server->options.body_limit;
  if (exchange->body.length + *size > limit) exchange->is_too_large = true;
  exchange->is_late = now_ns(exchange->server) - exchange->request.started_ns > HTTP_REQUEST_TIME_MAX_S * INT64_C(1000000000);
  if (exchange->is_too_large || exchange->is_late) {
    exchange->drained += *size;
    if (exchange->drained > DRAIN_FACTOR * limit) return MHD_NO;
  } else {
    buffer_add(&exchange->body, data, *size);
  }
  *size = 0;
  return MHD_YES;
}

static enum MHD_Result handle(struct http_exchange *exchange, const char *method) {
  struct http_request *request = &exchange->request;
  request->method = method;
  http_parse_target(request, exchange->target);
  request->host = header(exchange, "Host");
  request->origin = header(exchange, "Origin");
  request->content_type = header(exchange, "Content-Type");
  request->accept = header(exchange, "Accept");
  buffer_reserve(&exchange->body, 1);
  request->body = exchange->body.data;
  request->body_length = exchange->body.length;
  const struct http_handler *handler = &exchange->server->options.handler;
  handler->on_request(handler->context, request, &exchange->reply);
  if (exchange->reply.is_deferred) {
    suspend(exchange);
    return MHD_YES;
  }
  return queue_reply(exchange);
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                 const char *data, size_t *size, void **state) {
  (void)context;
  (void)connection;
  (void)url;
  (void)version;
  struct http_exchange *exchange = *state;
  check(exchange != NULL);
  if (exchange->is_answered) return MHD_YES;
  if (exchange->is_ready) return queue_reply(exchange);
  if (!exchange->is_begun) {
    exchange->is_begun = true;
    enum MHD_Result result;
    return is_refused_by_headers(exchange, &result) ? result : MHD_YES;
  }
  if (*size != 0) return take_body(exchange, data, size);
  if (exchange->is_too_large) return refuse(exchange, 413, "body_too_large", "the body is larger than BODY_LIMIT_BYTES");
  if (exchange->is_late) return refuse(exchange, 408, "request_timeout", "the request took longer than 30 s");
  return handle(exchange, method);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why) {
  (void)connection;
  (void)why;
  struct http_server *server = context;
  struct http_exchange *exchange = *state;
  if (exchange == NULL) return;
  const struct http_handler *handler = &server->options.handler;
  if (exchange->owner->is_suspended) {
    unlink_suspended(exchange);
    handler->on_gone(handler->context, &exchange->reply);
  } else if (exchange->is_answered && exchange->request.method != NULL) {
    handler->on_done(handler->context, &exchange->request, &exchange->reply);
  }
  exchange->owner->since_ns = now_ns(server);
  exchange->owner->is_idle = true;
  buffer_deinit(&exchange->body);
  buffer_deinit(&exchange->reply.body);
  free(exchange);
  *state = NULL;
}

/* ---- connections ---- */

static void on_connection(void *context, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode what) {
  struct http_server *server = context;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    struct http_connection *fresh = calloc(1, sizeof *fresh);
    check(fresh != NULL);
    *fresh = (struct http_connection){.server = server, .connection = connection, .next = server->connections, .since_ns = now_ns(server)};
    if (fresh->next != NULL) fresh->next->previous = fresh;
    server->connections = fresh;
    *state = fresh;
    return;
  }
  struct http_connection *old = *state;
  if (old == NULL) return;
  if (old->previous != NULL) {
    old->previous->next = old->next;
  } else {
    server->connections = old->next;
  }
  if (old->next != NULL) old->next->previous = old->previous;
  free(old);
  *state = NULL;
}

/* The library's time-out starts again with every byte; this one ends clients that send a byte now and then. */
static void sweep(struct http_server *server) {
  int64_t now = now_ns(server);
  if (now - server->swept_ns < INT64_C(1000000000)) return;
  server->swept_ns = now;
  for (struct http_connection *at = server->connections; at != NULL; at = at->next) {
    if (at->is_suspended || now - at->since_ns < 2 * HTTP_REQUEST_TIME_MAX_S * INT64_C(1000000000)) continue;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(at->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL) shutdown(info->connect_fd, SHUT_RDWR);
  }
}

/* ---- the server ---- */

static void on_library_log(void *context, const char *format, va_list arguments) {
  (void)context;
  (void)format;
  (void)arguments; /* broken clients only: nothing an operator can act on */
}

enum status http_server_open(struct http_server **out, const struct http_options *options, struct problem *problem) {
  struct http_server *server = calloc(1, sizeof *server);
  if (server == NULL) return STATUS_NO_MEMORY;
  server->options = *options;
  server->swept_ns = now_ns(server);
  /* Ids differ between two runs of the program and count up inside one. */
  server->next_id = (uint64_t)options->clock->now_ms(options->clock->self) << 20;
  int fd = -1;
  enum status status = open_listener(server, &fd, problem);
  if (status) {
    free(server);
    return status;
  }
  server->daemon =
      MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER,
                       on_library_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT,
                       (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
                       (unsigned)HTTP_REQUEST_TIME_MAX_S, MHD_OPTION_URI_LOG_CALLBACK, on_target, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
                       server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
  if (server->daemon == NULL) {
    close(fd);
    free(server);
    problem_add(problem, "failed", "PORT", NULL, NULL, "the HTTP server could not be started");
    return STATUS_FAILED;
  }
  *out = server;
  return STATUS_OK;
}

void http_server_close(struct http_server *server) {
  if (server == NULL) return;
  const struct http_handler *handler = &server->options.handler;
  while (server->suspended != NULL) {
    struct http_exchange *exchange = server->suspended;
    handler->on_gone(handler->context, &exchange->reply);
    exchange->reply.status = 503;
    exchange->reply.content_type = "application/problem+json";
    buffer_clear(&exchange->reply.body);
    buffer_add_text(&exchange->reply.body,
                    "{\"type\":\"/api/docs/problems#not_ready\",\"title\":\"the server ends\",\"status\":503,\"code\":\"not_ready\"}");
    send_deferred(&exchange->reply);
  }
  http_server_run(server);
  MHD_stop_daemon(server->daemon);
  free(server);
}

int http_server_port(const struct http_server *server) {
  return server->port;
}

int http_server_fd(const struct http_server *server) {
  return MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int http_server_timeout_ms(struct http_server *server) {
  MHD_UNSIGNED_LONG_LONG timeout;
  if (MHD_get_timeout(server->daemon, &timeout) != MHD_YES) return -1;
  return timeout > 60000 ? 60000 : (int)timeout;
}

void http_server_run(struct http_server *server) {
  MHD_run(server->daemon);
  sweep(server);
}
