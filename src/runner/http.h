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
  HTTP_ALLOW_BYTES = 64
};

/* A name=value of the query, decoded. */
struct http_argument {
  char name[48];
  char value[HTTP_ARGUMENT_BYTES];
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
  const char *body;                                  /* NUL-terminated */
  size_t body_length;
  char address[64];       /* of the client */
  char id[HTTP_ID_BYTES]; /* X-Request-Id of the reply */
  int64_t started_ns;     /* monotonic */
};

struct http_reply {
  int status;
  const char *content_type; /* static text */
  struct buffer body;
  char allow[HTTP_ALLOW_BYTES];           /* Allow header, "" none */
  int retry_after_s;                      /* Retry-After header, 0 none */
  bool is_deferred;                       /* the answer comes later: filled into this reply, then send */
  void (*send)(struct http_reply *reply); /* set by the adapter; only for deferred replies, once */
};

/* What the adapter calls. The request and the reply stay where they are until the answer is sent. */
struct http_handler {
  void *context;
  /* Fills the reply. When it sets is_deferred it fills the same reply later and calls reply->send. */
  void (*on_request)(void *context, const struct http_request *request, struct http_reply *reply);
  /* The client of a deferred reply is gone or the server ends: the reply must not be touched any more. */
  void (*on_gone)(void *context, const struct http_reply *reply);
  /* After the reply was handed to the client: for counting. */
  void (*on_done)(void *context, const struct http_request *request, const struct http_reply *reply);
};

/* The argument's value, or NULL. */
const char *http_argument(const struct http_request *request, const char *name);
/* Cuts and decodes method-independent parts of a target: path into segments, query into arguments. */
void http_parse_target(struct http_request *request, const char *target);

#endif
