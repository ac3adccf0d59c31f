/* HTTP/1.1 on libmicrohttpd, in external mode: its epoll descriptor belongs to our loop, so handlers run between two events and read the engine
 * without locks.
 *
 * What the library leaves open is decided here: two Content-Length or one beside Transfer-Encoding are refused (request smuggling), a body has a
 * limit, a request has a time, and the target is decoded once by us, so that %2F inside a segment is not a separator. A reply can be deferred: the
 * connection is suspended until send. A request to become a WebSocket is checked here and, when a handler takes it, handed to websocket.c.
 *
 * Speed: exchanges are used again without clearing their large parts. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/http/files.h"
#include "adapters/http/http.h"
#include "adapters/http/listener.h"
#include "adapters/http/upload.h"
#include "adapters/http/websocket.h"
#include "base/check.h"
#include "base/gzip.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"

enum {
  POOL_BYTES = 48 * 1024,
  DRAIN_FACTOR = 16,
  TARGET_BYTES = HTTP_URL_BYTES_MAX + 1,
  PACK_BYTES_MIN = 1000,
  EXCHANGES_KEPT = 64,
  PART_BYTES = 65536,     /* pieces in which files are written */
  FORM_BYTES_MAX = 65536, /* around the file of a form */
  UPLOAD_TIME_MAX_S = 1800,
  BODY_BYTES_KEPT = 65536, /* memory of a body that stays with a free exchange */
  ADDRESS_BYTES = 64
};

struct http_connection {
  struct http_server *server;
  struct MHD_Connection *connection;
  struct http_connection *next, *previous;
  int64_t since_ns; /* connection opened, or last answer sent: a request must be whole within HTTP_REQUEST_TIME_MAX_S * 2 */
  bool is_suspended, is_idle, is_socket;
  char address[ADDRESS_BYTES];
};

struct http_exchange {
  struct http_server *server;
  struct http_connection *owner;
  struct MHD_Connection *connection;
  struct http_exchange *next, *previous; /* of the suspended ones, or of the free ones */
  bool is_target_too_long, is_begun, is_too_large, is_late, is_answered, is_ready, is_counted;
  struct http_upload *upload;      /* owned; NULL none */
  struct MHD_PostProcessor *parts; /* of the upload */
  size_t drained;
  struct buffer body;
  struct http_reply reply;
  /* From here on nothing is cleared: what is valid is set for each request. */
  struct http_request request;
  char target[TARGET_BYTES];
};

struct http_server {
  struct MHD_Daemon *daemon;
  struct http_options options;
  int port, epoll, listener, ui_listener; /* -1 none */
  bool is_given, is_retired;
  int connection_count;
  uint64_t next_id;
  int64_t swept_ns;
  struct http_connection *connections;
  struct http_exchange *suspended, *free;
  int free_count;
  struct websockets *sockets;
  struct http_files *files; /* NULL: none */
};

static int64_t now_ns(const struct http_server *server) {
  return server->options.clock->monotonic_ns(server->options.clock->self);
}

/* ---- exchanges ---- */

static struct http_exchange *take_exchange(struct http_server *server) {
  struct http_exchange *exchange = server->free;
  if (exchange == NULL) {
    exchange = calloc(1, sizeof *exchange);
    check(exchange != NULL);
  } else {
    server->free = exchange->next;
    --server->free_count;
  }
  struct buffer body = exchange->body;
  struct buffer reply_body = exchange->reply.body;
  memset(exchange, 0, offsetof(struct http_exchange, reply.fields));
  exchange->server = server;
  exchange->body = body;
  exchange->reply.body = reply_body;
  struct http_request *request = &exchange->request;
  request->method = NULL;
  request->host = request->origin = request->content_type = request->accept = NULL;
  request->is_upgrade = false;
  request->body = "";
  request->body_length = 0;
  request->upload = NULL;
  return exchange;
}

static void end_upload(struct http_exchange *exchange) {
  if (exchange->parts != NULL && MHD_destroy_post_processor(exchange->parts) != MHD_YES && exchange->upload->state == HTTP_UPLOAD_GOOD)
    exchange->upload->state = HTTP_UPLOAD_MALFORMED; /* it ends in the middle of a part */
  exchange->parts = NULL;
  if (exchange->upload != NULL) upload_end(exchange->upload);
}

static void empty_body(struct buffer *body) {
  if (body->capacity > BODY_BYTES_KEPT) {
    buffer_deinit(body);
  } else if (body->data != NULL) {
    buffer_clear(body);
  }
}

static void give_exchange(struct http_exchange *exchange) {
  struct http_server *server = exchange->server;
  end_upload(exchange);
  upload_close(exchange->upload);
  exchange->upload = NULL;
  if (server->free_count == EXCHANGES_KEPT) {
    buffer_deinit(&exchange->body);
    buffer_deinit(&exchange->reply.body);
    free(exchange);
    return;
  }
  empty_body(&exchange->body);
  empty_body(&exchange->reply.body);
  exchange->next = server->free;
  server->free = exchange;
  ++server->free_count;
}

/* ---- replies ---- */

enum { NUMBER_BYTES = 32 };

static void add_header(struct MHD_Response *response, const char *name, const char *value) {
  check(MHD_add_response_header(response, name, value) == MHD_YES);
}

static void print_seconds(const struct http_exchange *exchange, char out[NUMBER_BYTES]) {
  struct text text;
  text_init(&text, out, NUMBER_BYTES);
  text_add_double(&text, (double)(now_ns(exchange->server) - exchange->request.started_ns) * 1e-9, 6);
}

static void add_common_headers(struct MHD_Response *response, const char *content_type, const char *cache_control, const char *content_policy) {
  if (content_type != NULL) add_header(response, "Content-Type", content_type);
  add_header(response, "Cache-Control", cache_control != NULL ? cache_control : "no-store");
  add_header(response, "X-Content-Type-Options", "nosniff");
  add_header(response, "X-Frame-Options", "DENY");
  add_header(response, "Referrer-Policy", "no-referrer");
  add_header(response, "Content-Security-Policy", content_policy != NULL ? content_policy : "default-src 'none'");
  add_header(response, "X-Breakout-Version", version_text());
}

static void add_headers(struct http_exchange *exchange, struct MHD_Response *response) {
  char number[NUMBER_BYTES];
  const struct http_reply *reply = &exchange->reply;
  add_common_headers(response, reply->content_type, reply->cache_control, reply->content_policy);
  add_header(response, "X-Request-Id", exchange->request.id);
  print_seconds(exchange, number);
  add_header(response, "X-Process-Time", number);
  if (exchange->server->is_retired) add_header(response, "Connection", "close");
  for (int i = 0; i < reply->field_count; i++) add_header(response, reply->fields[i].name, reply->fields[i].value);
  if (reply->allow[0] != '\0') add_header(response, "Allow", reply->allow);
  if (reply->retry_after_s > 0) {
    struct text text;
    text_init(&text, number, sizeof number);
    text_add_i64(&text, reply->retry_after_s);
    add_header(response, "Retry-After", number);
  }
}

static const char *header(const struct http_exchange *exchange, const char *name) {
  return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* Does the client take gzip: the word, not with ;q=0. */
static bool takes_gzip(const struct http_exchange *exchange) {
  const char *at = header(exchange, "Accept-Encoding");
  while (at != NULL && *at != '\0') {
    at += strspn(at, " \t,");
    size_t word = strcspn(at, " \t,;");
    const char *end = at + strcspn(at, ",");
    if (word == 4 && strncasecmp(at, "gzip", 4) == 0) {
      const char *quality = strchr(at, '=');
      return quality == NULL || quality > end || strtod(quality + 1, NULL) > 0;
    }
    at = end;
  }
  return false;
}

static struct MHD_Response *make_response(const char *bytes, size_t size, enum MHD_ResponseMemoryMode mode) {
  struct MHD_Response *response = MHD_create_response_from_buffer(size, (void *)(uintptr_t)(bytes != NULL ? bytes : ""), mode);
  check(response != NULL);
  return response;
}

/* A body that is worth it, for a client that takes it, becomes gzip. */
static void pack(struct MHD_Response **response, const struct buffer *body) {
  struct buffer packed = {0};
  if (gzip_pack(body->data, body->length, &packed) == STATUS_OK) {
    MHD_destroy_response(*response);
    *response = make_response(packed.data, packed.length, MHD_RESPMEM_MUST_COPY);
    add_header(*response, "Content-Encoding", "gzip");
  }
  buffer_deinit(&packed);
}

/* The body stays with the exchange, which lives until the reply is sent. */
static enum MHD_Result queue_own(struct http_exchange *exchange) {
  struct http_reply *reply = &exchange->reply;
  struct MHD_Response *response = make_response(reply->body.data, reply->body.length, MHD_RESPMEM_PERSISTENT);
  if (reply->is_packed) {
    add_header(response, "Content-Encoding", "gzip");
  } else if (reply->body.length >= PACK_BYTES_MIN && takes_gzip(exchange)) {
    pack(&response, &reply->body);
  }
  if (reply->is_packed || reply->body.length >= PACK_BYTES_MIN) add_header(response, "Vary", "Accept-Encoding");
  add_headers(exchange, response);
  enum MHD_Result result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
  MHD_destroy_response(response);
  return result;
}

/* ---- WebSockets ---- */

static void release_socket(void *self) {
  MHD_upgrade_action(self, MHD_UPGRADE_ACTION_CLOSE);
}

static void on_upgraded(void *context, struct MHD_Connection *connection, void *state, const char *extra, size_t extra_size, MHD_socket fd,
                        struct MHD_UpgradeResponseHandle *handle) {
  (void)connection;
  (void)state;
  struct http_exchange *exchange = context;
  const struct websocket_options options = {.fd = fd,
                                            .extra = extra,
                                            .extra_size = extra_size,
                                            .handler = exchange->reply.socket,
                                            .context = exchange->reply.socket_context,
                                            .release = release_socket,
                                            .self = handle};
  websockets_adopt(exchange->server->sockets, &options);
}

/* Is a comma-separated list's word there? */
static bool has_word(const char *list, const char *word) {
  size_t length = strlen(word);
  while (list != NULL && *list != '\0') {
    list += strspn(list, " \t,");
    size_t found = strcspn(list, " \t,");
    if (found == length && strncasecmp(list, word, length) == 0) return true;
    list += found;
  }
  return false;
}

/* RFC 6455 4.2.1. */
static bool is_upgrade(const struct http_exchange *exchange, const char *method, const char *version) {
  char accept[WEBSOCKET_ACCEPT_BYTES];
  const char *upgrade = header(exchange, "Upgrade");
  if (upgrade == NULL || exchange->server->options.sockets_max == 0) return false;
  const char *key = header(exchange, "Sec-WebSocket-Key");
  const char *asked = header(exchange, "Sec-WebSocket-Version");
  return text_equal(method, "GET") && text_equal(version, "HTTP/1.1") && has_word(upgrade, "websocket") &&
         has_word(header(exchange, "Connection"), "upgrade") && asked != NULL && text_equal(asked, "13") && key != NULL &&
         websocket_accept_key(key, accept);
}

static enum MHD_Result queue_upgrade(struct http_exchange *exchange) {
  char accept[WEBSOCKET_ACCEPT_BYTES];
  check(exchange->request.is_upgrade && websocket_accept_key(header(exchange, "Sec-WebSocket-Key"), accept));
  struct MHD_Response *response = MHD_create_response_for_upgrade(on_upgraded, exchange);
  check(response != NULL);
  add_header(response, "Upgrade", "websocket");
  add_header(response, "Sec-WebSocket-Accept", accept);
  add_header(response, "X-Request-Id", exchange->request.id);
  exchange->owner->is_socket = true;
  enum MHD_Result result = MHD_queue_response(exchange->connection, MHD_HTTP_SWITCHING_PROTOCOLS, response);
  MHD_destroy_response(response);
  return result;
}

static void count_reply(struct http_exchange *exchange) {
  const struct http_handler *handler = &exchange->server->options.handler;
  if (exchange->is_counted || !exchange->is_answered || exchange->request.method == NULL) return;
  exchange->is_counted = true;
  handler->on_done(handler->context, &exchange->request, &exchange->reply);
}

static enum MHD_Result queue_reply(struct http_exchange *exchange) {
  exchange->is_answered = true;
  if (exchange->reply.socket != NULL && exchange->reply.status == MHD_HTTP_SWITCHING_PROTOCOLS) {
    enum MHD_Result result = queue_upgrade(exchange);
    count_reply(exchange); /* the exchange ends with the socket, long after its answer */
    return result;
  }
  return queue_own(exchange);
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

/* The request line was read: the exchange begins. */
static void *on_target(void *context, const char *uri, struct MHD_Connection *connection) {
  struct http_server *server = context;
  struct http_exchange *exchange = take_exchange(server);
  size_t length = strlen(uri);
  exchange->connection = connection;
  exchange->reply.send = send_deferred;
  exchange->request.started_ns = now_ns(server);
  make_id(server, exchange->request.id);
  exchange->is_target_too_long = length >= sizeof exchange->target;
  if (exchange->is_target_too_long) length = 0;
  memcpy(exchange->target, uri, length);
  exchange->target[length] = '\0';
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  exchange->owner = info->socket_context;
  exchange->owner->is_idle = false;
  exchange->owner->since_ns = exchange->request.started_ns;
  text_copy(exchange->request.address, sizeof exchange->request.address, exchange->owner->address);
  return exchange;
}

struct header_facts {
  size_t bytes;
  int lengths, encodings, hosts, authorizations;
};

static enum MHD_Result on_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  (void)kind;
  struct header_facts *facts = context;
  facts->bytes += strlen(name) + (value != NULL ? strlen(value) : 0) + 4;
  if (strcasecmp(name, "Content-Length") == 0) ++facts->lengths;
  if (strcasecmp(name, "Transfer-Encoding") == 0) ++facts->encodings;
  if (strcasecmp(name, "Host") == 0) ++facts->hosts;
  if (strcasecmp(name, "Authorization") == 0) ++facts->authorizations;
  return MHD_YES;
}

/* ---- uploads ---- */

static enum MHD_Result on_part(void *context, enum MHD_ValueKind kind, const char *name, const char *file_name, const char *content_type,
                               const char *encoding, const char *bytes, uint64_t offset, size_t size) {
  (void)kind;
  (void)content_type;
  (void)encoding;
  upload_take(context, name, file_name, bytes, size, offset);
  return MHD_YES;
}

static const char *find_header(const struct http_request *request, const char *name) {
  const struct http_exchange *exchange =
      (const struct http_exchange *)(const void *)((const char *)request - offsetof(struct http_exchange, request));
  return header(exchange, name);
}

/* What is known before the body. */
static void read_head(struct http_exchange *exchange, const char *method, const char *version) {
  struct http_request *request = &exchange->request;
  request->method = method;
  http_parse_target(request, exchange->target);
  request->find_header = find_header;
  request->is_upgrade = is_upgrade(exchange, method, version);
  request->host = header(exchange, "Host");
  request->origin = header(exchange, "Origin");
  request->content_type = header(exchange, "Content-Type");
  request->accept = header(exchange, "Accept");
}

static void begin_upload(struct http_exchange *exchange, const char *method, const char *version) {
  static const char form[] = "multipart/form-data";
  const struct http_handler *handler = &exchange->server->options.handler;
  const char *type = header(exchange, "Content-Type");
  struct http_upload_rule rule;
  if (handler->on_upload == NULL || type == NULL || strncasecmp(type, form, sizeof form - 1) != 0) return;
  read_head(exchange, method, version);
  bool is_wanted = handler->on_upload(handler->context, &exchange->request, &rule);
  exchange->request.method = NULL; /* it is not whole yet */
  if (!is_wanted) return;
  exchange->upload = upload_open(&rule);
  check(exchange->upload != NULL);
  exchange->parts = MHD_create_post_processor(exchange->connection, PART_BYTES, on_part, exchange->upload);
  if (exchange->parts == NULL) exchange->upload->state = HTTP_UPLOAD_MALFORMED; /* a form without a boundary */
}

/* Parts and their heads around the file. */
static uint64_t body_limit(const struct http_exchange *exchange) {
  if (exchange->upload != NULL) return (uint64_t)exchange->upload->rule.bytes_max + FORM_BYTES_MAX;
  return exchange->server->options.body_limit;
}

static enum MHD_Result refuse_large(struct http_exchange *exchange) {
  return refuse(exchange, 413, "body_too_large",
                exchange->upload != NULL ? "the file is larger than UPLOAD_LIMIT_MB" : "the body is larger than BODY_LIMIT_BYTES");
}

/* The clock of slow requests starts again with every piece, the whole has a time of its own. What is broken is read on, up to a limit, so that the
 * client sees the answer. */
static enum MHD_Result take_parts(struct http_exchange *exchange, const char *data, size_t *size) {
  struct http_upload *upload = exchange->upload;
  int64_t now = now_ns(exchange->server);
  exchange->owner->since_ns = now;
  exchange->is_late = now - exchange->request.started_ns > UPLOAD_TIME_MAX_S * INT64_C(1000000000);
  if (upload->state == HTTP_UPLOAD_GOOD && !exchange->is_late && MHD_post_process(exchange->parts, data, *size) != MHD_YES)
    upload->state = HTTP_UPLOAD_MALFORMED;
  if (upload->state != HTTP_UPLOAD_GOOD || exchange->is_late) exchange->drained += *size;
  if (exchange->drained > DRAIN_FACTOR * exchange->server->options.body_limit) return MHD_NO;
  *size = 0;
  return MHD_YES;
}

/* With the headers read: what is wrong with the request as HTTP, before its body is taken. */
static bool is_refused_by_headers(struct http_exchange *exchange, const char *method, const char *version, enum MHD_Result *result) {
  struct header_facts facts = {0};
  MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, on_header, &facts);
  const char *length = header(exchange, "Content-Length");
  int64_t bytes = 0;
  if (exchange->is_target_too_long) {
    *result = refuse(exchange, 414, "uri_too_long", "the address is longer than 8 KiB");
  } else if (facts.bytes > HTTP_HEADER_BYTES_MAX) {
    *result = refuse(exchange, 431, "headers_too_large", "the headers are larger than 16 KiB");
  } else if (facts.lengths > 1 || facts.encodings > 1 || (facts.lengths > 0 && facts.encodings > 0)) {
    *result = refuse(exchange, 400, "bad_request", "the length of the body is given twice");
  } else if (facts.authorizations > 1) {
    *result = refuse(exchange, 400, "bad_request", "there are several Authorization headers");
  } else if (facts.hosts > 1) {
    *result = refuse(exchange, 400, "bad_request", "there are several Host headers");
  } else if (length != NULL && (!text_parse_i64(length, &bytes) || bytes < 0)) {
    *result = refuse(exchange, 400, "bad_request", "Content-Length is not a length");
  } else {
    begin_upload(exchange, method, version);
    if ((uint64_t)bytes <= body_limit(exchange)) return false;
    *result = refuse_large(exchange);
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

static enum MHD_Result handle(struct http_exchange *exchange, const char *method, const char *version) {
  struct http_request *request = &exchange->request;
  read_head(exchange, method, version);
  end_upload(exchange);
  request->upload = exchange->upload;
  if (exchange->body.data != NULL) request->body = exchange->body.data;
  request->body_length = exchange->body.length;
  struct http_server *server = exchange->server;
  if (server->files != NULL && http_files_answer(server->files, request, &exchange->reply)) return queue_reply(exchange);
  const struct http_handler *handler = &server->options.handler;
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
  struct http_exchange *exchange = *state;
  check(exchange != NULL);
  if (exchange->is_answered) return MHD_YES;
  if (exchange->is_ready) return queue_reply(exchange);
  if (!exchange->is_begun) {
    exchange->is_begun = true;
    enum MHD_Result result;
    return is_refused_by_headers(exchange, method, version, &result) ? result : MHD_YES;
  }
  if (*size != 0) return exchange->upload != NULL ? take_parts(exchange, data, size) : take_body(exchange, data, size);
  if (exchange->is_too_large) return refuse_large(exchange);
  if (exchange->is_late) return refuse(exchange, 408, "request_timeout", "the request took longer than 30 s");
  return handle(exchange, method, version);
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
  }
  count_reply(exchange);
  exchange->owner->since_ns = now_ns(server);
  exchange->owner->is_idle = true;
  give_exchange(exchange);
  *state = NULL;
}

/* ---- connections ---- */

static void print_address(struct MHD_Connection *connection, char *out, size_t size) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  text_copy(out, size, "unknown");
  if (info == NULL || info->client_addr == NULL) return;
  const void *address = info->client_addr->sa_family == AF_INET6
                            ? (const void *)&((const struct sockaddr_in6 *)(const void *)info->client_addr)->sin6_addr
                            : (const void *)&((const struct sockaddr_in *)(const void *)info->client_addr)->sin_addr;
  if (inet_ntop(info->client_addr->sa_family, address, out, (socklen_t)size) == NULL) text_copy(out, size, "unknown");
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode what) {
  struct http_server *server = context;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    struct http_connection *fresh = calloc(1, sizeof *fresh);
    check(fresh != NULL);
    *fresh = (struct http_connection){.server = server, .connection = connection, .next = server->connections, .since_ns = now_ns(server)};
    if (fresh->next != NULL) fresh->next->previous = fresh;
    print_address(connection, fresh->address, sizeof fresh->address);
    server->connections = fresh;
    ++server->connection_count;
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
  --server->connection_count;
  free(old);
  *state = NULL;
}

/* The library's time-out starts again with every byte; this one ends clients that send a byte now and then. */
static void sweep(struct http_server *server) {
  int64_t now = now_ns(server);
  if (now - server->swept_ns < INT64_C(1000000000)) return;
  server->swept_ns = now;
  for (struct http_connection *at = server->connections; at != NULL; at = at->next) {
    if (at->is_suspended || at->is_socket || now - at->since_ns < 2 * HTTP_REQUEST_TIME_MAX_S * INT64_C(1000000000)) continue;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(at->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info != NULL) shutdown(info->connect_fd, SHUT_RDWR);
  }
}

/* The library accepts at one port; what comes in at the other one is handed to it. */
static void accept_ui(struct http_server *server) {
  while (server->connection_count < HTTP_CONNECTIONS_MAX) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int fd = accept(server->ui_listener, (struct sockaddr *)&address, &length);
    if (fd < 0) return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (MHD_add_connection(server->daemon, fd, (struct sockaddr *)&address, length) != MHD_YES) return; /* it has closed it */
  }
}

/* ---- the server ---- */

static void on_library_log(void *context, const char *format, va_list arguments) {
  (void)context;
  (void)format;
  (void)arguments; /* broken clients only: nothing an operator can act on */
}

static void watch(struct http_server *server, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  check(epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0);
}

static enum status start_daemon(struct http_server *server, struct problem *problem) {
  unsigned connections = (unsigned)(HTTP_CONNECTIONS_MAX + server->options.sockets_max);
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG;
  server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER, on_library_log, NULL,
                                    MHD_OPTION_LISTEN_SOCKET, server->listener, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_CONNECTION_LIMIT,
                                    connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
                                    (unsigned)HTTP_REQUEST_TIME_MAX_S, MHD_OPTION_URI_LOG_CALLBACK, on_target, server, MHD_OPTION_NOTIFY_COMPLETED,
                                    on_completed, server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_END);
  if (server->daemon != NULL) return STATUS_OK;
  problem_add(problem, "failed", "PORT", NULL, NULL, "the HTTP server could not be started");
  return STATUS_FAILED;
}

static int given_at(const struct http_server *server, int port) {
  for (int i = 0; i < server->options.given_count; i++) {
    if (listener_port(server->options.given[i]) == port) return server->options.given[i];
  }
  return -1;
}

static bool is_one_given(const struct http_server *server, int fd) {
  for (int i = 0; i < server->options.given_count; i++) {
    if (server->options.given[i] == fd) return true;
  }
  return false;
}

/* A port in use is no failure when the one who has it gave us its socket. Ours comes first: one that was given may belong to another network. */
static enum status open_port(struct http_server *server, const char *setting, int *port, int *fd, struct problem *problem) {
  int given = given_at(server, *port);
  enum status status = listener_open(server->options.host, setting, port, fd, given >= 0 ? NULL : problem);
  if (status != STATUS_IN_USE || given < 0) return status;
  *fd = given;
  server->is_given = true;
  return STATUS_OK;
}

static enum status open_ports(struct http_server *server, struct problem *problem) {
  const struct http_options *options = &server->options;
  int ui_port = options->ui_port;
  server->port = options->port;
  enum status status = open_port(server, "PORT", &server->port, &server->listener, problem);
  if (status) return status;
  if (ui_port != 0) status = open_port(server, "UI_PORT", &ui_port, &server->ui_listener, problem);
  if (!status) status = start_daemon(server, problem);
  return status;
}

static void free_server(struct http_server *server) {
  if (server->listener >= 0) close(server->listener);
  if (server->ui_listener >= 0) close(server->ui_listener);
  close(server->epoll);
  while (server->free != NULL) {
    struct http_exchange *exchange = server->free;
    server->free = exchange->next;
    buffer_deinit(&exchange->body);
    buffer_deinit(&exchange->reply.body);
    free(exchange);
  }
  http_files_close(server->files);
  free(server);
}

enum status http_server_open(struct http_server **out, const struct http_options *options, struct problem *problem) {
  struct http_server *server = calloc(1, sizeof *server);
  if (server == NULL) return STATUS_NO_MEMORY;
  server->options = *options;
  server->listener = server->ui_listener = -1;
  server->swept_ns = now_ns(server);
  /* Ids differ between two runs of the program and count up inside one. */
  server->next_id = (uint64_t)options->clock->now_ms(options->clock->self) << 20;
  server->epoll = epoll_create1(EPOLL_CLOEXEC);
  check(server->epoll >= 0);
  enum status status = open_ports(server, problem);
  if (status) {
    if (is_one_given(server, server->listener)) server->listener = -1;
    if (is_one_given(server, server->ui_listener)) server->ui_listener = -1;
    free_server(server);
    return status;
  }
  server->sockets = websockets_open(options->clock);
  if (options->ui_folder != NULL) server->files = http_files_open(options->ui_folder, options->ui_config, options->ui_connect, options->ui_frame);
  watch(server, MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd);
  watch(server, websockets_fd(server->sockets));
  if (server->ui_listener >= 0) watch(server, server->ui_listener);
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
  websockets_close(server->sockets);
  MHD_run(server->daemon); /* what was a WebSocket is cleaned up */
  /* Taken from it before: it would shut down a socket at which another process may listen too. */
  if (!server->is_retired) (void)MHD_quiesce_daemon(server->daemon);
  MHD_stop_daemon(server->daemon);
  free_server(server);
}

int http_server_port(const struct http_server *server) {
  return server->port;
}

int http_server_listeners(const struct http_server *server, int out[HTTP_LISTENERS_MAX]) {
  int count = 0;
  out[count++] = server->listener;
  if (server->ui_listener >= 0) out[count++] = server->ui_listener;
  return count;
}

bool http_server_is_given(const struct http_server *server) {
  return server->is_given;
}

void http_server_retire(struct http_server *server) {
  if (server->is_retired) return;
  server->is_retired = true;
  (void)MHD_quiesce_daemon(server->daemon);
  if (server->ui_listener >= 0) check(epoll_ctl(server->epoll, EPOLL_CTL_DEL, server->ui_listener, NULL) == 0);
  websockets_retire(server->sockets);
}

bool http_server_is_busy(const struct http_server *server) {
  for (const struct http_connection *at = server->connections; at != NULL; at = at->next) {
    if (!at->is_idle && !at->is_socket) return true;
  }
  return false;
}

bool http_server_has_ui(const struct http_server *server) {
  return server->files != NULL;
}

const struct http_port_sockets *http_server_sockets(void) {
  return websocket_port();
}

int http_server_fd(const struct http_server *server) {
  return server->epoll;
}

int http_server_timeout_ms(struct http_server *server) {
  MHD_UNSIGNED_LONG_LONG timeout;
  int sockets = websockets_timeout_ms(server->sockets);
  if (MHD_get_timeout(server->daemon, &timeout) != MHD_YES) return sockets;
  int own = timeout > 60000 ? 60000 : (int)timeout;
  return sockets >= 0 && sockets < own ? sockets : own;
}

void http_server_run(struct http_server *server) {
  if (server->ui_listener >= 0 && !server->is_retired) accept_ui(server);
  MHD_run(server->daemon);
  websockets_run(server->sockets);
  sweep(server);
}

void http_server_flush(struct http_server *server) {
  websockets_flush(server->sockets);
}
