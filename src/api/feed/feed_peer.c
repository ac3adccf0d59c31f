/* The clients of the feed: how a socket is received, what is sent to whom, and what waits for a slow reader. */
#include <stdlib.h>
#include <string.h>

#include "api/access/ticket.h"
#include "api/feed/feed_state.h"
#include "base/check.h"
#include "base/log.h"
#include "base/version.h"
#include "runner/metrics.h"

/* ---- making a message ---- */

struct json_writer *feed_begin(struct feed_hub *hub, enum feed_type type) {
  buffer_clear(&hub->text);
  buffer_add_format(&hub->text, "\"type\":\"%s\",\"ts\":%lld,\"data\":", feed_messages[type].name, (long long)engine_now(hub->api->options.engine));
  json_writer_init(&hub->writer, &hub->text, false);
  return &hub->writer;
}

static void end_text(struct feed_hub *hub) {
  buffer_add(&hub->text, "}", 1);
}

struct http_frame *feed_end_frame(struct feed_hub *hub) {
  end_text(hub);
  return hub->sockets->frame_make(hub->text.data, hub->text.length);
}

/* ---- sending ---- */

static void count_messages(struct feed_hub *hub, enum feed_type type, int count) {
  if (count > 0) metrics_add(hub->api->options.metrics, METRIC_WS_MESSAGES, METRIC_VALUES(feed_messages[type].name), count);
}

/* The number is given when the message is queued, so that what waits can still be replaced. */
static void send_now(struct peer *peer, struct http_frame *frame) {
  char prefix[HTTP_PREFIX_BYTES + 1];
  struct text text;
  const struct http_port_sockets *sockets = peer->hub->sockets;
  text_init(&text, prefix, sizeof prefix);
  text_add(&text, "{\"seq\":");
  text_add_i64(&text, (int64_t)++peer->seq);
  text_add_char(&text, ',');
  sockets->send(peer->socket, prefix, text.length, frame);
  if (sockets->queued_frames(peer->socket) > FEED_FRAMES_MAX || sockets->queued_bytes(peer->socket) > FEED_BYTES_MAX)
    feed_close_peer(peer, CLOSE_SLOW, "reads too slowly");
}

static bool is_full(const struct peer *peer) {
  const struct http_port_sockets *sockets = peer->hub->sockets;
  return sockets->queued_frames(peer->socket) >= FEED_FRAMES_HELD || sockets->queued_bytes(peer->socket) >= FEED_BYTES_HELD;
}

static void hold(struct peer *peer, enum feed_type type, int64_t key, struct http_frame *frame) {
  const struct http_port_sockets *sockets = peer->hub->sockets;
  struct held *place = NULL;
  for (int i = 0; i < peer->held_count && place == NULL; i++) {
    if (peer->held[i].type == type && peer->held[i].key == key) place = &peer->held[i];
  }
  if (place != NULL) {
    sockets->frame_drop(place->frame);
  } else {
    if (peer->held_count == peer->held_capacity) {
      peer->held_capacity = peer->held_capacity > 0 ? 2 * peer->held_capacity : 16;
      peer->held = realloc(peer->held, (size_t)peer->held_capacity * sizeof peer->held[0]);
      check(peer->held != NULL);
    }
    place = &peer->held[peer->held_count++];
  }
  sockets->frame_keep(frame);
  *place = (struct held){type, key, frame};
}

void feed_release_held(struct peer *peer) {
  int sent = 0;
  while (sent < peer->held_count && !is_full(peer)) {
    send_now(peer, peer->held[sent].frame);
    peer->hub->sockets->frame_drop(peer->held[sent].frame);
    ++sent;
  }
  if (sent == 0) return;
  peer->held_count -= sent;
  memmove(peer->held, peer->held + sent, (size_t)peer->held_count * sizeof peer->held[0]);
}

static bool is_auto_symbol(const struct feed_hub *hub, int32_t symbol) {
  const struct engine *engine = hub->api->options.engine;
  if (engine_candidate(engine, symbol) != NULL) return true;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    if (engine_position(engine, i)->symbol_index == symbol) return true;
  }
  return false;
}

bool feed_peer_wants(const struct peer *peer, enum feed_topic topic, int32_t symbol) {
  if ((peer->topics & (1u << topic)) == 0) return false;
  if (symbol == FEED_NO_SYMBOL) return true;
  const struct symbol_set *set = &peer->symbols[topic];
  return (set->bits[symbol / 64] >> (symbol % 64) & 1) != 0 || (set->is_auto && is_auto_symbol(peer->hub, symbol));
}

bool feed_symbol_is_wanted(const struct feed_hub *hub, enum feed_topic topic, int32_t symbol) {
  for (const struct peer *peer = hub->peers; peer != NULL; peer = peer->next) {
    if (feed_peer_wants(peer, topic, symbol)) return true;
  }
  return false;
}

static bool is_in_audience(const struct peer *peer, int topic, const struct audience *audience) {
  if (topic != FEED_ANY && !feed_peer_wants(peer, (enum feed_topic)topic, audience->symbol)) return false;
  if (audience->is_minor && !peer->is_verbose) return false;
  if (audience->symbols != NULL && memcmp(&peer->symbols[topic], audience->symbols, sizeof *audience->symbols) != 0) return false;
  return audience->log_level < 0 || audience->log_level >= (int)peer->log_level;
}

void feed_send_frame(struct feed_hub *hub, enum feed_type type, struct http_frame *frame, const struct audience *audience) {
  int topic = feed_messages[type].topic;
  bool is_coalesced = topic != FEED_ANY && feed_topics[topic].is_coalesced;
  int count = 0;
  for (struct peer *peer = hub->peers; peer != NULL; peer = peer->next) {
    if (!is_in_audience(peer, topic, audience)) continue;
    ++count;
    if (is_coalesced && (peer->held_count > 0 || is_full(peer))) {
      hold(peer, type, audience->key, frame);
    } else {
      send_now(peer, frame);
    }
  }
  count_messages(hub, type, count);
}

void feed_end(struct feed_hub *hub, enum feed_type type, const struct audience *audience) {
  end_text(hub);
  feed_cache_message(hub, type);
  if (hub->peers == NULL) return;
  struct http_frame *frame = hub->sockets->frame_make(hub->text.data, hub->text.length);
  feed_send_frame(hub, type, frame, audience);
  hub->sockets->frame_drop(frame);
}

void feed_end_all(struct feed_hub *hub, enum feed_type type) {
  feed_end(hub, type, &(struct audience){.symbol = FEED_NO_SYMBOL, .log_level = -1});
}

void feed_end_symbol(struct feed_hub *hub, enum feed_type type, int32_t symbol) {
  feed_end(hub, type, &(struct audience){.symbol = symbol, .key = symbol, .log_level = -1});
}

void feed_end_one(struct feed_hub *hub, enum feed_type type, struct peer *peer) {
  struct http_frame *frame = feed_end_frame(hub);
  send_now(peer, frame);
  hub->sockets->frame_drop(frame);
  count_messages(hub, type, 1);
}

/* ---- topics ---- */

static void find_wanted(struct feed_hub *hub) {
  uint32_t before = hub->wanted;
  hub->wanted = hub->streamed;
  for (const struct peer *peer = hub->peers; peer != NULL; peer = peer->next) hub->wanted |= peer->topics;
  enum log_level level = LOG_CRITICAL;
  for (const struct peer *peer = hub->peers; peer != NULL; peer = peer->next) {
    if ((peer->topics & (1u << FEED_LOGS)) != 0 && peer->log_level < level) level = peer->log_level;
  }
  feed_log_wanted(hub->log, (hub->wanted & (1u << FEED_LOGS)) != 0, level);
  for (int topic = 0; topic < FEED_TOPIC_COUNT; topic++) {
    if (((hub->wanted & ~before) >> topic & 1) != 0) feed_begin_topic(hub, (enum feed_topic)topic);
  }
}

void feed_set_topics(struct peer *peer, uint32_t topics) {
  peer->topics = topics;
  find_wanted(peer->hub);
}

void feed_send_snapshots(struct peer *peer, uint32_t topics) {
  for (int topic = 0; topic < FEED_TOPIC_COUNT; topic++) {
    if ((topics & peer->topics) >> topic & 1) feed_send_snapshot(peer, (enum feed_topic)topic);
  }
}

/* ---- connections ---- */

void feed_close_peer(struct peer *peer, int code, const char *reason) {
  peer->hub->sockets->close(peer->socket, code, reason);
}

static void count_peers(struct feed_hub *hub, int change) {
  hub->peer_count += change;
  metrics_set(hub->api->options.metrics, METRIC_WS_CONNECTIONS, NULL, hub->peer_count);
}

static void count_closed(struct feed_hub *hub, int code) {
  char text[16];
  struct text number;
  text_init(&number, text, sizeof text);
  text_add_i64(&number, code);
  metrics_add(hub->api->options.metrics, METRIC_WS_CLOSED, METRIC_VALUES(text), 1);
}

static void say_hello(struct peer *peer) {
  struct feed_hub *hub = peer->hub;
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_HELLO);
  json_begin_object(writer, NULL);
  json_add_string(writer, "connection_id", peer->id);
  json_add_string(writer, "user", peer->caller.user);
  json_add_string(writer, "role", api_role_names[peer->caller.role]);
  json_add_string(writer, "version", version_text());
  json_add_int(writer, "heartbeat_s", hub->api->options.settings->ws_heartbeat_interval_s);
  json_begin_array(writer, "topics");
  for (int i = 0; i < FEED_TOPIC_COUNT; i++) json_add_string(writer, NULL, feed_topics[i].name);
  json_end_array(writer);
  json_end_object(writer);
  feed_end_one(hub, FEED_TYPE_HELLO, peer);
}

static void make_id(struct feed_hub *hub, char out[HTTP_ID_BYTES]) {
  static const char digits[] = "0123456789abcdef";
  uint64_t value = hub->next_id++;
  for (int i = 15; i >= 0; i--) {
    out[i] = digits[value & 15u];
    value >>= 4;
  }
  out[16] = '\0';
}

static void *on_open(void *context, struct http_socket *socket) {
  struct greeting *greeting = context;
  struct feed_hub *hub = greeting->hub;
  if (greeting->close_code != 0) {
    hub->sockets->close(socket, greeting->close_code, greeting->reason);
    return NULL;
  }
  struct peer *peer = calloc(1, sizeof *peer);
  check(peer != NULL);
  int64_t now = feed_now_ns(hub);
  *peer = (struct peer){.hub = hub,
                        .next = hub->peers,
                        .socket = socket,
                        .caller = greeting->caller,
                        .log_level = LOG_INFO,
                        .opened_ns = now,
                        .alive_ns = now,
                        .checked_ns = now,
                        .beat_ns = now,
                        .messages_ns = now};
  make_id(hub, peer->id);
  if (peer->next != NULL) peer->next->previous = peer;
  hub->peers = peer;
  count_peers(hub, 1);
  say_hello(peer);
  hub->sockets->ping(socket);
  log_write(LOG_DEBUG, "api", "socket_opened", NULL, "feed %s of %s from %s", peer->id, peer->caller.user, peer->caller.address);
  return peer;
}

static void on_text(void *context, void *self, const char *text, size_t length) {
  (void)context;
  if (self != NULL) feed_on_text(self, text, length);
}

static void on_alive(void *context, void *self) {
  (void)context;
  struct peer *peer = self;
  if (peer != NULL) peer->alive_ns = feed_now_ns(peer->hub);
}

static void on_close(void *context, void *self, int code) {
  struct feed_hub *hub = context;
  struct peer *peer = self;
  count_closed(hub, code);
  if (peer == NULL) return;
  if (peer->previous != NULL) {
    peer->previous->next = peer->next;
  } else {
    hub->peers = peer->next;
  }
  if (peer->next != NULL) peer->next->previous = peer->previous;
  for (int i = 0; i < peer->held_count; i++) hub->sockets->frame_drop(peer->held[i].frame);
  count_peers(hub, -1);
  log_write(code == CLOSE_SLOW ? LOG_WARNING : LOG_DEBUG, "api", "socket_closed", NULL, "feed %s of %s ended with %d", peer->id, peer->caller.user,
            code);
  free(peer->held);
  free(peer);
  find_wanted(hub);
  if (hub->wanted == 0) buffer_clear(&hub->changes);
}

/* ---- the request ---- */

/* Whose socket is it? Cookies alone do not open one: a page of another server could send them along. */
static void receive(struct call *call, struct greeting *greeting, bool *is_known) {
  struct api *api = call->api;
  const char *ticket = http_argument(call->request, "ticket");
  *is_known = true;
  if (ticket != NULL) {
    if (!ticket_take(api, ticket, &greeting->caller)) {
      greeting->close_code = CLOSE_TICKET;
      greeting->reason = "the ticket is unknown, used or older than 30 s";
    }
  } else if (http_header(call->request, "Authorization") != NULL) {
    if (!caller_of_bearer(api, call->request, &greeting->caller)) {
      greeting->close_code = CLOSE_TICKET;
      greeting->reason = "the token is refused";
    }
  } else if (!api->options.settings->auth_enabled) {
    greeting->caller = call->caller;
    greeting->caller.role = API_ROLE_ADMIN;
  } else {
    *is_known = false;
  }
}

static void limit(struct call *call, struct greeting *greeting) {
  struct api *api = call->api;
  int retry_after_s = 0;
  if (greeting->close_code != 0) return;
  if (greeting->caller.role < API_ROLE_VIEWER) {
    greeting->close_code = CLOSE_ROLE;
    greeting->reason = "the role may not read";
  } else if (!connect_is_allowed(api, &greeting->caller, &retry_after_s)) {
    greeting->close_code = CLOSE_RATE;
    greeting->reason = "too many connects within a minute";
  } else if (api->feed->peer_count >= api->options.settings->ws_max_connections) {
    greeting->close_code = CLOSE_TOO_MANY;
    greeting->reason = "too many connections";
  }
}

void handle_ws(struct call *call) {
  struct api *api = call->api;
  struct feed_hub *hub = api->feed;
  bool is_known;
  if (!call->request->is_upgrade || hub->sockets == NULL) {
    call_fail(call, 426, "upgrade_required", "this address is a WebSocket (RFC 6455, version 13): ask for the upgrade");
    check(http_reply_add(call->reply, "Upgrade", "websocket") && http_reply_add(call->reply, "Sec-WebSocket-Version", "13"));
    return;
  }
  if (!origin_is_allowed(api, call->request)) {
    call_fail(call, 403, "bad_origin", "sockets of pages of other servers are refused");
    return;
  }
  /* A place is used again only after FEED_GREETINGS other requests; the upgrade follows this one at once. */
  struct greeting *greeting = &hub->greetings[hub->greeting_next++ % FEED_GREETINGS];
  *greeting = (struct greeting){.hub = hub};
  receive(call, greeting, &is_known);
  if (!is_known) {
    call_fail(call, 401, "not_authenticated", "a socket needs a ticket of POST /api/auth/ws-ticket, or Authorization: Bearer");
    return;
  }
  limit(call, greeting);
  hub->handler = (struct http_socket_handler){.context = hub, .on_open = on_open, .on_text = on_text, .on_alive = on_alive, .on_close = on_close};
  call->reply->status = 101;
  call->reply->socket = &hub->handler;
  call->reply->socket_context = greeting;
}

bool api_close_slowest_reader(struct api *api) {
  struct feed_hub *hub = api->feed;
  struct peer *slowest = NULL;
  size_t most = 0;
  for (struct peer *peer = hub->peers; peer != NULL; peer = peer->next) {
    size_t waiting = hub->sockets->queued_bytes(peer->socket);
    if (waiting <= most) continue;
    most = waiting;
    slowest = peer;
  }
  if (slowest == NULL) return false;
  feed_close_peer(slowest, CLOSE_SLOW, "memory is short: the slowest reader goes");
  return true;
}
