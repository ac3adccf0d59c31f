/* The real program as a server, in a folder and at a port of its own, playing the shipped recording; and raw HTTP/1.1 to it. */
#ifndef SUPPORT_SERVER_PROCESS_H
#define SUPPORT_SERVER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buffer.h"

enum { SERVER_TOKEN_BYTES = 96 };

struct server_process {
  char folder[256];
  int port;
  pid_t pid;                      /* 0: not running */
  char token[SERVER_TOKEN_BYTES]; /* of this machine's own programs: admin */
};

/* breakout of the same build; settings: further "NAME=VALUE", the list ends with NULL. Fails the test when it does not answer within a minute. */
void server_process_start(struct server_process *server, const char *const *settings);
/* SIGTERM. Returns its exit code, 128 + the signal that ended it, or -1 when it had to be killed after 60 s. */
int server_process_stop(struct server_process *server);
/* Has it ended without being asked? */
bool server_process_has_died(struct server_process *server);
/* Everything it wrote on standard error and output; a sanitizer's report is among it. */
void server_process_output(const struct server_process *server, struct buffer *out);
/* Removes the folder. */
void server_process_clean(struct server_process *server);

/* ---- HTTP ---- */

struct wire {
  int fd; /* -1: not connected */
  int port;
  struct buffer in;
};

struct wire_reply {
  int status; /* 0: the connection ended without an answer */
  bool closes;
  struct buffer head; /* the status line and headers; owned */
  struct buffer body; /* owned */
};

/* Sends bytes as they are, over the open connection or a new one, and reads one reply, for at most timeout_ms. is_head: the reply has no body. */
void wire_ask(struct wire *wire, const struct buffer *request, bool is_head, int timeout_ms, struct wire_reply *out);
void wire_close(struct wire *wire);
void wire_reply_deinit(struct wire_reply *reply);
/* Value of a header into memory, "" without it. */
void wire_header(const struct wire_reply *reply, const char *name, char *out, size_t size);

#endif
