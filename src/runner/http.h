/* Port: HTTP requests in, replies out. An adapter owns sockets and limits; the API sees whole requests, on the loop's thread. */
#ifndef RUNNER_HTTP_H
#define RUNNER_HTTP_H

#include "base/buffer.h"

enum {
  HTTP_SEGMENTS_MAX = 12,
  HTTP_SEGMENT_BYTES = 96,
  HTTP_ARGUMENTS_MAX = 24,
  HTTP_ARGUMENT_BYTES = 256,
  HTTP_ID_BYTES = 24,
  HTTP_ALLOW_BYTES = 64,
  HTTP_FIELDS_MAX = 10,
  HTTP_FIELD_BYTES = 256,
  HTTP_MESSAGE_BYTES_MAX = 64 * 1024,
  HTTP_PREFIX_BYTES = 31,
  HTTP_UPLOAD_FIELDS_MAX = 8,
  HTTP_UPLOAD_NAME_BYTES = 128
};

/* A name=value of the query, decoded. */
struct http_argument {
  char name[48];
  char value[HTTP_ARGUMENT_BYTES];
};

/* Where a file of multipart/form-data goes, and how large it may be. */
struct http_upload_rule {
  const char *folder; /* made when it is not there; borrowed for the request */
  int64_t bytes_max;
};

enum http_upload_state {
  HTTP_UPLOAD_GOOD,
  HTTP_UPLOAD_MALFORMED, /* no form, too many or too long fields */
  HTTP_UPLOAD_SEVERAL,   /* more than one file */
  HTTP_UPLOAD_BAD_NAME,  /* of the file */
  HTTP_UPLOAD_TOO_LARGE,
  HTTP_UPLOAD_NO_SPACE,
  HTTP_UPLOAD_FAILED
};

/* A form that was received, with at most one file, which is in a folder of its own. */
struct http_upload {
  enum http_upload_state state;
  char folder[512], path[768]; /* "": no file came */
  char file_name[HTTP_UPLOAD_NAME_BYTES];
  int64_t bytes; /* of the file */
  int field_count;
  struct http_argument fields[HTTP_UPLOAD_FIELDS_MAX];
  bool is_kept; /* set by the handler: file and folder stay after the answer */
  struct http_upload_rule rule;
  int fd; /* the adapter's */
};

struct http_request {
  const char *method; /* as sent */
  const char *target; /* path and query as sent */
  /* Path cut at each '/', then decoded: %2F stays inside its segment. */
  int segment_count;
  char segments[HTTP_SEGMENTS_MAX][HTTP_SEGMENT_BYTES];
  bool has_bad_path; /* empty, "." or ".." segments, bad escapes, too many or too long parts */
  int argument_count;
  struct http_argument arguments[HTTP_ARGUMENTS_MAX];
  bool has_bad_query;
  const char *host, *origin, *content_type, *accept; /* headers; NULL when absent */
  bool is_upgrade;                                   /* a well-formed request to become a WebSocket (RFC 6455 4.2.1) */
  /* Any other header by its name (case does not matter); NULL when absent. Through http_header. */
  const char *(*find_header)(const struct http_request *request, const char *name);
  const char *body; /* NUL-terminated */
  size_t body_length;
  struct http_upload *upload; /* instead of a body, when the handler wanted one; NULL otherwise */
  char address[64];           /* of the client */
  char id[HTTP_ID_BYTES];     /* X-Request-Id of the reply */
  int64_t started_ns;         /* monotonic */
};

/* A header of the reply beside those that every reply has. */
struct http_field {
  const char *name; /* static text */
  char value[HTTP_FIELD_BYTES];
};

/* A WebSocket after its upgrade. The adapter owns socket and framing (RFC 6455); the API owns what is said. */
struct http_socket;

/* What the adapter calls for a WebSocket; all on the loop's thread. */
struct http_socket_handler {
  void *context;
  /* The upgrade is done: frames may be sent. Returns what the other calls get as `peer`. */
  void *(*on_open)(void *context, struct http_socket *socket);
  /* A whole text message, valid UTF-8, NUL-terminated, at most HTTP_MESSAGE_BYTES_MAX long. */
  void (*on_text)(void *context, void *peer, const char *text, size_t length);
  /* A pong or any other sign of life came. */
  void (*on_alive)(void *context, void *peer);
  /* The connection has ended, by us or by them; the socket must not be used any more. */
  void (*on_close)(void *context, void *peer, int code);
};

struct http_reply {
  int status;
  const char *content_type; /* static text */
  struct buffer body;
  const char *cache_control;  /* static text; NULL: no-store */
  const char *content_policy; /* Content-Security-Policy, static text; NULL: default-src 'none' */
  bool is_packed;             /* the body is gzip already */
  int field_count;
  /* Set with status 101 by a handler that takes a WebSocket: the connection becomes one and is told here. NULL otherwise. Owned by the API. */
  const struct http_socket_handler *socket;
  void *socket_context;                      /* instead of socket->context when not NULL: what on_open gets */
  char allow[HTTP_ALLOW_BYTES];              /* Allow header, "" none */
  int retry_after_s;                         /* Retry-After header, 0 none */
  bool is_deferred;                          /* the answer comes later: filled into this reply, then send */
  void (*send)(struct http_reply *reply);    /* set by the adapter; only for deferred replies, once */
  void *context;                             /* of the API while the answer is deferred; NULL otherwise */
  struct http_field fields[HTTP_FIELDS_MAX]; /* the first field_count are valid; last, because the adapter does not clear it */
};

/* What the adapter calls. The request and the reply stay where they are until the answer is sent. */
struct http_handler {
  void *context;
  /* Is the form that begins to come wanted, and where? Asked when the headers are read; false or NULL: it is a body like others. */
  bool (*on_upload)(void *context, const struct http_request *request, struct http_upload_rule *out);
  /* Fills the reply. When it sets is_deferred it fills the same reply later and calls reply->send. */
  void (*on_request)(void *context, const struct http_request *request, struct http_reply *reply);
  /* The client of a deferred reply is gone or the server ends: the reply must not be touched any more. */
  void (*on_gone)(void *context, const struct http_reply *reply);
  /* After the reply was handed to the client: for counting. */
  void (*on_done)(void *context, const struct http_request *request, const struct http_reply *reply);
};

/* ---- WebSockets: implemented by the adapter ---- */

/* The end of a text message that many sockets may share: encoded once, counted by its users. */
struct http_frame;
struct http_port_sockets {
  /* A frame with one user. */
  struct http_frame *(*frame_make)(const char *text, size_t length);
  void (*frame_keep)(struct http_frame *frame);
  void (*frame_drop)(struct http_frame *frame);
  /* Queues a message: a few bytes of this socket (at most HTTP_PREFIX_BYTES, copied), then the frame's, which is kept. What is queued is written in
   * one piece when the socket takes it. Nothing after close. */
  void (*send)(struct http_socket *socket, const char *prefix, size_t length, struct http_frame *frame);
  void (*ping)(struct http_socket *socket);
  /* Round trip of the newest ping that was answered; NaN before. */
  double (*latency_ms)(const struct http_socket *socket);
  /* Frames and bytes that wait. */
  size_t (*queued_frames)(const struct http_socket *socket);
  size_t (*queued_bytes)(const struct http_socket *socket);
  /* Says goodbye with a close code (1001, 4008, ...) and ends the connection; on_close follows. */
  void (*close)(struct http_socket *socket, int code, const char *reason);
};

/* The header's value, or NULL. */
const char *http_header(const struct http_request *request, const char *name);
/* Adds a header to the reply; false when there is no room or the value does not fit (then nothing was added). */
bool http_reply_add(struct http_reply *reply, const char *name, const char *value);
/* The argument's value, or NULL. */
const char *http_argument(const struct http_request *request, const char *name);
/* Cuts and decodes method-independent parts of a target: path into segments, query into arguments. */
void http_parse_target(struct http_request *request, const char *target);

#endif
