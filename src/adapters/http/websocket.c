#include "adapters/http/websocket.h"

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "base/check.h"
#include "base/digest.h"

enum {
  EVENTS_MAX = 64,
  READ_BYTES = 16384,          /* of one socket in one turn: a flood waits for its next turn */
  WRITE_FRAMES = 256,          /* waiting ones that are written before the turn ends */
  BATCH_BYTES = 65536,         /* of one write */
  SEND_BUFFER_BYTES = 262144,  /* of the kernel: a reader that stands still is seen soon */
  OUT_BYTES_MAX = 1024 * 1024, /* answers to pings that nobody reads */
  HEADER_BYTES_MAX = 10,       /* of a frame from a server */
  FAREWELL_MS = 500,           /* of the whole server at its end */
  LINGER_MS = 10000,           /* until a reader that stood still has read up to our goodbye */
  CODE_RESTART = 1012,         /* the registry of RFC 6455: the service restarts */
  CODE_LOST = 1006,            /* RFC 6455 7.4.1: ended without a goodbye */
  CODE_NONE = 1005,            /* a goodbye without a code */
};

struct http_frame {
  int32_t users;
  size_t length;
  char text[];
};

struct waiting {
  struct http_frame *frame; /* kept */
  uint8_t prefix_length;
  char prefix[HTTP_PREFIX_BYTES];
};

struct http_socket {
  struct websockets *all;
  struct http_socket *next, *previous;
  struct http_socket *next_dirty; /* of those with something to write */
  bool is_dirty;
  struct websocket_options options;
  wslay_event_context_ptr framing;
  void *peer;
  char *extra; /* owned; read before the descriptor */
  size_t extra_used;
  size_t read_left; /* bytes that may be read in this turn */
  struct buffer out;
  size_t out_sent;
  struct waiting *queue; /* ring, owned */
  size_t queue_first, queue_count, queue_capacity, queue_bytes;
  bool waits_for_room; /* the kernel takes no more */
  bool is_lost;        /* the kernel said so when reading */
  bool is_closing;     /* our goodbye is queued or sent: nothing else follows */
  bool is_said;        /* our goodbye is in out, past wslay */
  bool is_draining;    /* it is written; what still comes is thrown away until they close too */
  bool is_over;        /* to be freed in this turn */
  int code;
  int64_t deadline_ns; /* of the end, when closing */
  int64_t pinged_ns;   /* 0: no ping is on its way */
  double latency_ms;
};

struct websockets {
  const struct clock *clock;
  int epoll;
  int count, closing;
  struct http_socket *sockets, *dirty;
  char batch[BATCH_BYTES];
};

static int64_t now_ns(const struct websockets *all) {
  return all->clock->monotonic_ns(all->clock->self);
}

/* ---- frames ---- */

static struct http_frame *frame_make(const char *text, size_t length) {
  struct http_frame *frame = malloc(sizeof *frame + length);
  check(frame != NULL);
  frame->users = 1;
  frame->length = length;
  memcpy(frame->text, text, length);
  return frame;
}

static void frame_keep(struct http_frame *frame) {
  ++frame->users;
}

static void frame_drop(struct http_frame *frame) {
  if (--frame->users == 0) free(frame);
}

/* Final text frame, not masked (RFC 6455 5.2). */
static size_t put_header(char *out, size_t length) {
  unsigned char *at = (unsigned char *)out;
  at[0] = 0x81;
  if (length < 126) {
    at[1] = (unsigned char)length;
    return 2;
  }
  size_t bytes = length < 65536 ? 2 : 8;
  at[1] = bytes == 2 ? 126 : 127;
  for (size_t i = 0; i < bytes; i++) at[2 + i] = (unsigned char)((uint64_t)length >> (8 * (bytes - 1 - i)));
  return 2 + bytes;
}

/* ---- the queue ---- */

static void queue_push(struct http_socket *socket, const struct waiting *waiting) {
  if (socket->queue_count == socket->queue_capacity) {
    size_t capacity = socket->queue_capacity > 0 ? 2 * socket->queue_capacity : 16;
    struct waiting *grown = malloc(capacity * sizeof *grown);
    check(grown != NULL);
    for (size_t i = 0; i < socket->queue_count; i++) grown[i] = socket->queue[(socket->queue_first + i) % socket->queue_capacity];
    free(socket->queue);
    socket->queue = grown;
    socket->queue_first = 0;
    socket->queue_capacity = capacity;
  }
  socket->queue[(socket->queue_first + socket->queue_count) % socket->queue_capacity] = *waiting;
  ++socket->queue_count;
  socket->queue_bytes += waiting->prefix_length + waiting->frame->length;
}

static void queue_pop(struct http_socket *socket) {
  struct waiting *waiting = &socket->queue[socket->queue_first];
  socket->queue_bytes -= waiting->prefix_length + waiting->frame->length;
  frame_drop(waiting->frame);
  socket->queue_first = (socket->queue_first + 1) % socket->queue_capacity;
  --socket->queue_count;
}

static void mark_dirty(struct http_socket *socket) {
  if (socket->is_dirty) return;
  socket->is_dirty = true;
  socket->next_dirty = socket->all->dirty;
  socket->all->dirty = socket;
}

/* ---- ending ---- */

static void end_socket(struct http_socket *socket, int code) {
  if (!socket->is_closing) {
    socket->is_closing = true;
    socket->code = code;
    ++socket->all->closing;
  }
  socket->is_over = true;
  socket->deadline_ns = 0;
}

/* From here on nothing is sent but our goodbye; they have LINGER_MS to read it. */
static void begin_closing(struct http_socket *socket, int code) {
  if (socket->is_closing) return;
  socket->is_closing = true;
  socket->code = code;
  socket->deadline_ns = now_ns(socket->all) + LINGER_MS * INT64_C(1000000);
  ++socket->all->closing;
  while (socket->queue_count > 0) queue_pop(socket);
  mark_dirty(socket);
}

static void close_socket(struct http_socket *socket, int code, const char *reason) {
  if (socket->is_closing) return;
  begin_closing(socket, code);
  if (wslay_event_queue_close(socket->framing, (uint16_t)code, (const uint8_t *)reason, strlen(reason)) != 0) end_socket(socket, code);
}

static void free_socket(struct http_socket *socket) {
  struct websockets *all = socket->all;
  const struct http_socket_handler *handler = socket->options.handler;
  handler->on_close(handler->context, socket->peer, socket->code);
  if (socket->previous != NULL) {
    socket->previous->next = socket->next;
  } else {
    all->sockets = socket->next;
  }
  if (socket->next != NULL) socket->next->previous = socket->previous;
  --all->count;
  --all->closing;
  epoll_ctl(all->epoll, EPOLL_CTL_DEL, socket->options.fd, NULL);
  while (socket->queue_count > 0) queue_pop(socket);
  wslay_event_context_free(socket->framing);
  socket->options.release(socket->options.self);
  buffer_deinit(&socket->out);
  free(socket->queue);
  free(socket->extra);
  free(socket);
}

/* ---- reading ---- */

static ssize_t on_recv(wslay_event_context_ptr framing, uint8_t *data, size_t size, int flags, void *context) {
  (void)flags;
  struct http_socket *socket = context;
  size_t left = socket->options.extra_size - socket->extra_used;
  if (left > 0) {
    size_t taken = left < size ? left : size;
    memcpy(data, socket->extra + socket->extra_used, taken);
    socket->extra_used += taken;
    return (ssize_t)taken;
  }
  if (size > socket->read_left) size = socket->read_left;
  ssize_t count = size > 0 ? recv(socket->options.fd, data, size, MSG_DONTWAIT) : -1;
  if (size == 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) {
    wslay_event_set_error(framing, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  if (count <= 0) {
    socket->is_lost = true;
    wslay_event_set_error(framing, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
  }
  socket->read_left -= (size_t)count;
  return count;
}

/* Control frames are whole when they come here, and out ends with a whole frame: they never come into the middle of another one. */
static ssize_t on_send(wslay_event_context_ptr framing, const uint8_t *data, size_t size, int flags, void *context) {
  (void)framing;
  (void)flags;
  struct http_socket *socket = context;
  buffer_add(&socket->out, data, size);
  return (ssize_t)size;
}

static void on_message(wslay_event_context_ptr framing, const struct wslay_event_on_msg_recv_arg *message, void *context) {
  (void)framing;
  struct http_socket *socket = context;
  const struct http_socket_handler *handler = socket->options.handler;
  mark_dirty(socket); /* wslay may have an answer */
  if (message->opcode == WSLAY_CONNECTION_CLOSE) {
    begin_closing(socket, message->status_code != 0 ? message->status_code : CODE_NONE);
    return;
  }
  if (socket->is_closing) return;
  if (message->opcode == WSLAY_PONG && socket->pinged_ns != 0) {
    socket->latency_ms = (double)(now_ns(socket->all) - socket->pinged_ns) * 1e-6;
    socket->pinged_ns = 0;
  }
  handler->on_alive(handler->context, socket->peer);
  if (message->opcode == WSLAY_BINARY_FRAME) {
    close_socket(socket, WSLAY_CODE_UNSUPPORTED_DATA, "text only");
  } else if (message->opcode == WSLAY_TEXT_FRAME) {
    char *text = malloc(message->msg_length + 1);
    check(text != NULL);
    if (message->msg_length > 0) memcpy(text, message->msg, message->msg_length);
    text[message->msg_length] = '\0';
    handler->on_text(handler->context, socket->peer, text, message->msg_length);
    free(text);
  }
}

/* They may go on talking after a goodbye; it is thrown away until they close. */
static void drain(struct http_socket *socket) {
  char bytes[4096];
  ssize_t count = recv(socket->options.fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) end_socket(socket, CODE_LOST);
}

/* A frame that is none by RFC 6455 5.2 (a long or fragmented control frame, ...): wslay gives up without a code, so that we say 1002 ourselves. */
static void refuse_frame(struct http_socket *socket) {
  static const unsigned char goodbye[] = {0x88, 2, WSLAY_CODE_PROTOCOL_ERROR >> 8, WSLAY_CODE_PROTOCOL_ERROR & 0xff};
  begin_closing(socket, WSLAY_CODE_PROTOCOL_ERROR);
  wslay_event_shutdown_read(socket->framing);
  wslay_event_shutdown_write(socket->framing);
  buffer_add(&socket->out, goodbye, sizeof goodbye);
  socket->is_said = true;
}

static void read_socket(struct http_socket *socket) {
  socket->read_left = READ_BYTES;
  if (wslay_event_want_read(socket->framing) == 0) {
    drain(socket);
    return;
  }
  if (wslay_event_recv(socket->framing) != 0) {
    if (socket->is_lost) {
      end_socket(socket, CODE_LOST);
    } else {
      refuse_frame(socket);
    }
  } else if (wslay_event_want_read(socket->framing) == 0 && !socket->is_closing) {
    /* wslay refused what came and has queued a goodbye that says why; it tells the code once that is sent. */
    begin_closing(socket, CODE_LOST);
    if (wslay_event_send(socket->framing) == 0) socket->code = wslay_event_get_status_code_sent(socket->framing);
  }
}

/* ---- writing ---- */

/* True when everything of out is written. */
static bool write_out(struct http_socket *socket) {
  while (socket->out_sent < socket->out.length) {
    ssize_t count = send(socket->options.fd, socket->out.data + socket->out_sent, socket->out.length - socket->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return false;
    if (count < 0) {
      end_socket(socket, CODE_LOST);
      return false;
    }
    socket->out_sent += (size_t)count;
  }
  buffer_clear(&socket->out);
  socket->out_sent = 0;
  return true;
}

static size_t put_frame(char *out, const struct waiting *waiting) {
  size_t used = put_header(out, waiting->prefix_length + waiting->frame->length);
  memcpy(out + used, waiting->prefix, waiting->prefix_length);
  used += waiting->prefix_length;
  memcpy(out + used, waiting->frame->text, waiting->frame->length);
  return used + waiting->frame->length;
}

/* As many waiting frames as fit into one write; what the kernel does not take goes into out. */
static bool write_batch(struct http_socket *socket) {
  char *batch = socket->all->batch;
  size_t used = 0;
  while (socket->queue_count > 0) {
    const struct waiting *waiting = &socket->queue[socket->queue_first];
    size_t size = HEADER_BYTES_MAX + waiting->prefix_length + waiting->frame->length;
    if (used + size > BATCH_BYTES) {
      if (used > 0) break;
      buffer_reserve(&socket->out, size); /* larger than a batch: alone */
      socket->out.length = put_frame(socket->out.data, waiting);
      queue_pop(socket);
      return write_out(socket);
    }
    used += put_frame(batch + used, waiting);
    queue_pop(socket);
  }
  ssize_t count = send(socket->options.fd, batch, used, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count == (ssize_t)used) return true;
  if (count < 0 && errno != EAGAIN && errno != EINTR) {
    end_socket(socket, CODE_LOST);
    return false;
  }
  size_t written = count > 0 ? (size_t)count : 0;
  buffer_add(&socket->out, batch + written, used - written);
  return write_out(socket);
}

static void await_room(struct http_socket *socket, bool waits) {
  if (socket->waits_for_room == waits) return;
  socket->waits_for_room = waits;
  struct epoll_event event = {.events = EPOLLIN | (waits ? EPOLLOUT : 0u), .data.ptr = socket};
  epoll_ctl(socket->all->epoll, EPOLL_CTL_MOD, socket->options.fd, &event);
}

static void write_socket(struct http_socket *socket) {
  if (socket->is_over) return;
  if (!socket->is_said && wslay_event_want_write(socket->framing) != 0 && wslay_event_send(socket->framing) != 0) {
    end_socket(socket, CODE_LOST);
    return;
  }
  bool has_room = write_out(socket);
  while (has_room && socket->queue_count > 0) has_room = write_batch(socket);
  if (socket->is_over) return;
  await_room(socket, !has_room);
  if (socket->out.length - socket->out_sent > OUT_BYTES_MAX) end_socket(socket, CODE_LOST);
  if (wslay_event_get_close_sent(socket->framing) != 0) socket->is_said = true;
  if (!has_room || !socket->is_closing || !socket->is_said || socket->is_draining) return;
  socket->is_draining = true;
  shutdown(socket->options.fd, SHUT_WR);
}

void websockets_flush(struct websockets *all) {
  while (all->dirty != NULL) {
    struct http_socket *socket = all->dirty;
    all->dirty = socket->next_dirty;
    socket->is_dirty = false;
    write_socket(socket);
  }
}

/* ---- the turn ---- */

static void free_ended(struct websockets *all) {
  if (all->closing == 0) return;
  int64_t now = now_ns(all);
  struct http_socket *next;
  for (struct http_socket *socket = all->sockets; socket != NULL; socket = next) {
    next = socket->next;
    if (socket->is_closing && now >= socket->deadline_ns) free_socket(socket);
  }
}

void websockets_run(struct websockets *all) {
  struct epoll_event events[EVENTS_MAX];
  int count = all->count > 0 ? epoll_wait(all->epoll, events, EVENTS_MAX, 0) : 0;
  for (int i = 0; i < count; i++) {
    struct http_socket *socket = events[i].data.ptr;
    if ((events[i].events & EPOLLOUT) != 0) mark_dirty(socket);
    if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !socket->is_over) read_socket(socket);
  }
  websockets_flush(all);
  free_ended(all);
}

int websockets_timeout_ms(const struct websockets *all) {
  if (all->dirty != NULL) return 0;
  int64_t nearest = INT64_MAX;
  for (const struct http_socket *socket = all->closing > 0 ? all->sockets : NULL; socket != NULL; socket = socket->next) {
    if (socket->is_closing && socket->deadline_ns < nearest) nearest = socket->deadline_ns;
  }
  if (nearest == INT64_MAX) return -1;
  int64_t left = (nearest - now_ns(all)) / 1000000 + 1;
  return left > 0 ? (int)left : 0;
}

int websockets_fd(const struct websockets *all) {
  return all->epoll;
}

int websockets_count(const struct websockets *all) {
  return all->count;
}

/* ---- life ---- */

struct websockets *websockets_open(const struct clock *clock) {
  struct websockets *all = calloc(1, sizeof *all);
  check(all != NULL);
  all->clock = clock;
  all->epoll = epoll_create1(EPOLL_CLOEXEC);
  check(all->epoll >= 0);
  return all;
}

void websockets_close(struct websockets *all) {
  if (all == NULL) return;
  for (struct http_socket *socket = all->sockets; socket != NULL; socket = socket->next)
    close_socket(socket, WSLAY_CODE_GOING_AWAY, "the server ends");
  int64_t end = now_ns(all) + FAREWELL_MS * INT64_C(1000000);
  websockets_run(all);
  while (all->count > 0 && now_ns(all) < end) {
    struct pollfd file = {.fd = all->epoll, .events = POLLIN};
    poll(&file, 1, 20);
    websockets_run(all);
  }
  // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): free_socket takes a socket out of the list before it frees it
  for (struct http_socket *socket = all->sockets; socket != NULL; socket = socket->next) end_socket(socket, WSLAY_CODE_GOING_AWAY);
  free_ended(all);
  close(all->epoll);
  free(all);
}

void websockets_retire(struct websockets *all) {
  for (struct http_socket *socket = all->sockets; socket != NULL; socket = socket->next)
    close_socket(socket, CODE_RESTART, "the server is being replaced");
}

void websockets_adopt(struct websockets *all, const struct websocket_options *options) {
  struct http_socket *socket = calloc(1, sizeof *socket);
  check(socket != NULL);
  *socket = (struct http_socket){.all = all, .options = *options, .next = all->sockets, .latency_ms = NAN};
  if (options->extra_size > 0) {
    socket->extra = malloc(options->extra_size);
    check(socket->extra != NULL);
    memcpy(socket->extra, options->extra, options->extra_size);
  }
  if (socket->next != NULL) socket->next->previous = socket;
  all->sockets = socket;
  ++all->count;
  const struct wslay_event_callbacks callbacks = {.recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message};
  check(wslay_event_context_server_init(&socket->framing, &callbacks, socket) == 0);
  wslay_event_config_set_max_recv_msg_length(socket->framing, HTTP_MESSAGE_BYTES_MAX);
  int yes = 1;
  int bytes = SEND_BUFFER_BYTES;
  setsockopt(options->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  setsockopt(options->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};
  check(epoll_ctl(all->epoll, EPOLL_CTL_ADD, options->fd, &event) == 0);
  const struct http_socket_handler *handler = options->handler;
  socket->peer = handler->on_open(options->context != NULL ? options->context : handler->context, socket);
  if (options->extra_size > 0) read_socket(socket);
}

/* ---- the port ---- */

static void send_frame(struct http_socket *socket, const char *prefix, size_t length, struct http_frame *frame) {
  if (socket->is_closing) return;
  check(length <= HTTP_PREFIX_BYTES);
  struct waiting waiting = {.frame = frame, .prefix_length = (uint8_t)length};
  memcpy(waiting.prefix, prefix, length);
  frame_keep(frame);
  queue_push(socket, &waiting);
  if (socket->waits_for_room) return;
  mark_dirty(socket);
  if (socket->queue_count >= WRITE_FRAMES) write_socket(socket); /* a burst of one turn is not the reader's fault */
}

static void ping_socket(struct http_socket *socket) {
  const struct wslay_event_msg ping = {.opcode = WSLAY_PING};
  if (socket->is_closing || wslay_event_queue_msg(socket->framing, &ping) != 0) return;
  if (socket->pinged_ns == 0) socket->pinged_ns = now_ns(socket->all);
  mark_dirty(socket);
}

static size_t queued_frames(const struct http_socket *socket) {
  return socket->queue_count;
}

static size_t queued_bytes(const struct http_socket *socket) {
  return socket->queue_bytes + socket->out.length - socket->out_sent;
}

static double latency_ms(const struct http_socket *socket) {
  return socket->latency_ms;
}

const struct http_port_sockets *websocket_port(void) {
  static const struct http_port_sockets port = {.frame_make = frame_make,
                                                .frame_keep = frame_keep,
                                                .frame_drop = frame_drop,
                                                .send = send_frame,
                                                .ping = ping_socket,
                                                .queued_frames = queued_frames,
                                                .queued_bytes = queued_bytes,
                                                .latency_ms = latency_ms,
                                                .close = close_socket};
  return &port;
}

/* ---- the handshake ---- */

static bool is_base64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

bool websocket_accept_key(const char *key, char accept[WEBSOCKET_ACCEPT_BYTES]) {
  static const char *const suffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 1.3 */
  unsigned char hash[DIGEST_SHA1_BYTES];
  char text[64];
  if (strlen(key) != 24 || key[22] != '=' || key[23] != '=') return false;
  for (int i = 0; i < 22; i++) {
    if (!is_base64(key[i])) return false;
  }
  memcpy(text, key, 24);
  memcpy(text + 24, suffix, 36);
  digest_sha1(text, 60, hash);
  digest_base64(hash, sizeof hash, accept);
  return true;
}
