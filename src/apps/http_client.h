/* A small HTTP/1.1 client for the verbs that talk to the running server: one request, one reply, plain HTTP. */
#ifndef APPS_HTTP_CLIENT_H
#define APPS_HTTP_CLIENT_H

#include "base/buffer.h"
#include "base/problem.h"

struct http_answer {
  int status;
  struct buffer body; /* owned */
};

/* body NULL: none. token NULL: none; else it is sent as a bearer. STATUS_NOT_RUNNING when nobody answers at the address, STATUS_TIMED_OUT,
 * STATUS_BAD_CONFIG for an address that is none. Any HTTP status is STATUS_OK. */
NODISCARD enum status http_client_send(const char *url, const char *method, const char *path, const char *body, const char *token, int timeout_s,
                                       struct http_answer *out, struct problem *problem);

#endif
