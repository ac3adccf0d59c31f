/* The hub: what happened in the engine is copied while somebody listens, and told after the step. */
#include "api/feed/feed.h"

#include <stdlib.h>
#include <string.h>

#include "api/access/ticket.h"
#include "api/feed/feed_state.h"
#include "base/check.h"

#define PACE_MS 50 /* how often things that go by time are looked at */

const struct feed_topic_row feed_topics[FEED_TOPIC_COUNT] = {
#define OBJECT true
#define ITEMS false
#define FEED_TOPIC(constant, name, snapshot, is_per_symbol, is_coalesced, text) {name, snapshot, is_per_symbol, is_coalesced},
#include "api/feed/feed_topic.def"
#undef OBJECT
#undef ITEMS
};

const struct feed_message_row feed_messages[FEED_TYPE_COUNT] = {
#define FEED_MESSAGE(type, topic, shape, text) {#type, FEED_##topic, SHAPE_##shape, text},
#include "api/feed/feed_message.def"
};

/* What a kind of record is told as; FEED_ANY: nothing. */
static int topic_of(enum record_kind kind) {
  switch (kind) {
    case RECORD_TRANSITION:
    case RECORD_COMMAND_REPLY:
      return FEED_ENGINE;
    case RECORD_POSITION:
    case RECORD_TRADE:
    case RECORD_STOP_MOVE:
      return FEED_POSITIONS;
    case RECORD_ORDER:
      return FEED_ORDERS;
    case RECORD_SCAN:
    case RECORD_CANDIDATE:
      return FEED_SCAN;
    case RECORD_SIGNAL:
      return FEED_SIGNALS;
    case RECORD_DECISION:
      return FEED_DECISIONS;
    case RECORD_LEVEL:
      return FEED_LEVELS;
    case RECORD_WALL:
      return FEED_DENSITY;
    case RECORD_ALERT:
      return FEED_ALERTS;
    default:
      return FEED_ANY;
  }
}

int64_t feed_now_ns(const struct feed_hub *hub) {
  const struct clock *clock = hub->api->options.clock;
  return clock->monotonic_ns(clock->self);
}

int32_t feed_symbol_count(const struct feed_hub *hub) {
  int32_t count = engine_symbol_count(hub->api->options.engine);
  return count < FEED_SYMBOLS_MAX ? count : FEED_SYMBOLS_MAX;
}

/* ---- life ---- */

enum status feed_open(struct api *api) {
  struct feed_hub *hub = calloc(1, sizeof *hub);
  if (hub == NULL) return STATUS_NO_MEMORY;
  hub->api = api;
  hub->sockets = api->options.sockets;
  hub->symbols = calloc(FEED_SYMBOLS_MAX, sizeof *hub->symbols);
  hub->log = feed_log_open();
  check(hub->symbols != NULL);
  /* Ids differ between two runs of the program and count up inside one. */
  hub->next_id = (uint64_t)api->started_ms << 20;
  api->feed = hub;
  feed_cache_open(hub);
  metrics_set(api->options.metrics, METRIC_WS_CONNECTIONS, NULL, 0);
  return STATUS_OK;
}

void feed_close(struct api *api) {
  struct feed_hub *hub = api->feed;
  if (hub == NULL) return;
  check(hub->peers == NULL); /* the server of the sockets ended before */
  for (int i = 0; i < FEED_RUNS_MAX; i++) {
    if (hub->runs[i].waiting != NULL) hub->sockets->frame_drop(hub->runs[i].waiting);
  }
  feed_log_close(hub->log);
  buffer_deinit(&hub->text);
  buffer_deinit(&hub->changes);
  buffer_deinit(&hub->streamed_text);
  free(hub->symbols);
  free(hub);
  api->feed = NULL;
}

/* ---- what happens in a step ---- */

static void add_change(struct feed_hub *hub, enum record_kind kind, bool is_latch, const void *object, size_t size) {
  struct change change = {.kind = kind, .is_latch = is_latch, .event = hub->event, .at_ns = feed_now_ns(hub), .size = (uint32_t)size};
  buffer_add(&hub->changes, &change, sizeof change);
  buffer_add(&hub->changes, object, size);
  size_t rest = hub->changes.length % _Alignof(max_align_t);
  static const char padding[_Alignof(max_align_t)];
  if (rest != 0) buffer_add(&hub->changes, padding, sizeof padding - rest);
}

/* Fired and released are read from the engine, because a record tells only what is latched now. */
static void look_at_latch(struct feed_hub *hub, int64_t ts) {
  const struct latch *now = &engine_risk(hub->api->options.engine)->kill;
  if (now->since_at == hub->kill.since_at) return;
  struct latch_change change = {.latch = now->since_at != 0 ? *now : hub->kill, .is_fired = now->since_at != 0, .ts = ts};
  hub->kill = *now;
  if ((hub->wanted & (1u << FEED_ENGINE)) != 0) add_change(hub, RECORD_RISK, true, &change, sizeof change);
}

void feed_on_event(struct api *api, const struct event *event) {
  struct feed_hub *hub = api->feed;
  ++hub->event;
  if (event->kind == EVENT_CANDLE && event->candle.symbol < FEED_SYMBOLS_MAX) hub->symbols[event->candle.symbol].has_candles = true;
}

void feed_on_record(struct api *api, enum record_kind kind, const void *object) {
  struct feed_hub *hub = api->feed;
  if (kind == RECORD_EQUITY) {
    hub->equity = *(const struct equity *)object;
    hub->has_equity = hub->equity_changed = true;
  } else if (kind == RECORD_RISK) {
    look_at_latch(hub, ((const struct risk_record *)object)->ts);
  }
  if (hub->wanted == 0) return;
  int topic = topic_of(kind);
  bool is_wanted = topic != FEED_ANY && (hub->wanted & (1u << topic)) != 0;
  if (kind == RECORD_FILL) is_wanted = (hub->wanted & (1u << FEED_ORDERS | 1u << FEED_POSITIONS)) != 0;
  if (is_wanted) add_change(hub, kind, false, object, record_schemas[kind]->size);
}

/* ---- what others publish ---- */

bool feed_is_wanted(const struct api *api, enum feed_topic topic) {
  return api->feed != NULL && (api->feed->wanted & (1u << topic)) != 0;
}

static void publish(struct api *api, enum feed_type type, feed_write *write, const void *object) {
  struct feed_hub *hub = api->feed;
  struct json_writer *writer = feed_begin(hub, type);
  json_begin_object(writer, NULL);
  write(api, object, writer);
  json_end_object(writer);
  feed_end_all(hub, type);
}

static struct told_run *state_of_run(struct feed_hub *hub, const char *run_id) {
  struct told_run *oldest = &hub->runs[0];
  for (int i = 0; i < FEED_RUNS_MAX; i++) {
    struct told_run *run = &hub->runs[i];
    if (text_equal(run->id, run_id)) return run;
    if (run->sent_ns < oldest->sent_ns) oldest = run;
  }
  if (oldest->waiting != NULL) hub->sockets->frame_drop(oldest->waiting);
  *oldest = (struct told_run){0};
  text_copy(oldest->id, sizeof oldest->id, run_id);
  return oldest;
}

void feed_publish_run(struct api *api, bool is_done, const char *run_id, feed_write *write, const void *object) {
  static const int64_t pause_ns = 500 * INT64_C(1000000);
  if (!feed_is_wanted(api, FEED_BACKTESTS)) return;
  struct feed_hub *hub = api->feed;
  struct told_run *run = state_of_run(hub, run_id);
  int64_t now = feed_now_ns(hub);
  if (run->waiting != NULL) hub->sockets->frame_drop(run->waiting);
  run->waiting = NULL;
  if (is_done || now - run->sent_ns >= pause_ns) {
    run->sent_ns = now;
    publish(api, is_done ? FEED_TYPE_BACKTEST_DONE : FEED_TYPE_BACKTEST_PROGRESS, write, object);
    return;
  }
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_BACKTEST_PROGRESS);
  json_begin_object(writer, NULL);
  write(api, object, writer);
  json_end_object(writer);
  run->waiting = feed_end_frame(hub);
}

void feed_publish_resource(struct api *api, feed_write *write, const void *sample) {
  if (feed_is_wanted(api, FEED_MONITORING)) publish(api, FEED_TYPE_RESOURCE_UPDATE, write, sample);
}

void feed_publish_checkpoint(struct api *api, feed_write *write, const void *checkpoint) {
  if (feed_is_wanted(api, FEED_MONITORING)) publish(api, FEED_TYPE_CHECKPOINT, write, checkpoint);
}

void feed_publish_alert(struct api *api, feed_write *write, const void *alert) {
  if (feed_is_wanted(api, FEED_ALERTS)) publish(api, FEED_TYPE_ALERT, write, alert);
}

void feed_publish_error(struct api *api, const char *component, const char *code, const char *message) {
  struct feed_hub *hub = api->feed;
  if (hub == NULL || hub->peers == NULL) return;
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_ERROR);
  json_begin_object(writer, NULL);
  json_add_string(writer, "code", code);
  json_add_string(writer, "message", message);
  json_add_string(writer, "component", component);
  json_end_object(writer);
  feed_end_all(hub, FEED_TYPE_ERROR);
}

/* ---- the turn ---- */

static void look_after_peer(struct peer *peer, int64_t now) {
  struct feed_hub *hub = peer->hub;
  const struct api *api = hub->api;
  static const int64_t second = 1000000000, minute = 60 * INT64_C(1000000000);
  int64_t interval = (int64_t)api->options.settings->ws_heartbeat_interval_s * second;
  if (now - peer->alive_ns > 3 * interval) {
    feed_close_peer(peer, CLOSE_PROTOCOL, "no sign of life");
    return;
  }
  if (!peer->has_asked && now - peer->opened_ns >= second) {
    peer->has_asked = true;
    feed_set_topics(peer, 1u << FEED_ENGINE | 1u << FEED_POSITIONS | 1u << FEED_ORDERS | 1u << FEED_ALERTS);
    feed_send_snapshots(peer, peer->topics);
  }
  if (now - peer->checked_ns >= minute) {
    enum api_role role = API_ROLE_NONE;
    peer->checked_ns = now;
    if (!caller_is_valid(hub->api, &peer->caller, &role)) {
      feed_close_peer(peer, CLOSE_TICKET, "the login has ended");
      return;
    }
    peer->caller.role = role;
    if (role < API_ROLE_VIEWER) feed_close_peer(peer, CLOSE_ROLE, "the role may not read any more");
  }
  if (now - peer->beat_ns < interval) return;
  peer->beat_ns = now;
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_HEARTBEAT);
  json_begin_object(writer, NULL);
  json_add_double(writer, "latency_ms", hub->sockets->latency_ms(peer->socket));
  json_add_int(writer, "server_ts", api->options.clock->now_ms(api->options.clock->self));
  json_end_object(writer);
  feed_end_one(hub, FEED_TYPE_HEARTBEAT, peer);
  hub->sockets->ping(peer->socket);
}

static void look_after_peers(struct feed_hub *hub, int64_t now) {
  for (struct peer *peer = hub->peers; peer != NULL; peer = peer->next) look_after_peer(peer, now);
}

void feed_turn(struct api *api) {
  struct feed_hub *hub = api->feed;
  if (hub == NULL || (hub->peers == NULL && hub->cache == NULL)) return;
  feed_send_changes(hub);
  int64_t now = feed_now_ns(hub);
  feed_send_lines(hub);
  feed_send_paced(hub);
  feed_cache_turn(hub);
  for (struct peer *peer = hub->peers; peer != NULL; peer = peer->next) feed_release_held(peer);
  if (now - hub->peers_ns < PACE_MS * INT64_C(1000000)) return;
  hub->peers_ns = now;
  look_after_peers(hub, now);
}

int feed_timeout_ms(const struct api *api) {
  const struct feed_hub *hub = api->feed;
  if (hub == NULL || (hub->peers == NULL && hub->cache == NULL)) return -1;
  return hub->peers != NULL ? PACE_MS : FEED_CACHE_PACE_MS;
}

/* ---- documents ---- */

static void add_reference(struct json_writer *writer, const char *key, const char *name) {
  char reference[128];
  struct text text;
  text_init(&text, reference, sizeof reference);
  text_add(&text, "#/components/schemas/");
  text_add(&text, name);
  json_begin_object(writer, key);
  json_add_string(writer, "$ref", reference);
  json_end_object(writer);
}

static void name_of_message(const struct feed_message_row *row, char out[64]) {
  struct text text;
  text_init(&text, out, 64);
  text_add(&text, "FeedMessage_");
  text_add(&text, row->name);
}

static void describe_message(const struct feed_message_row *row, struct json_writer *writer) {
  char name[64];
  name_of_message(row, name);
  json_begin_object(writer, name);
  json_add_string(writer, "type", "object");
  json_add_string(writer, "description", row->text);
  json_begin_object(writer, "properties");
  json_begin_object(writer, "type");
  json_add_string(writer, "type", "string");
  json_begin_array(writer, "enum");
  json_add_string(writer, NULL, row->name);
  json_end_array(writer);
  json_end_object(writer);
  json_add_raw(writer, "seq", "{\"type\":\"integer\",\"description\":\"from 1, one more for each message of the connection\"}");
  json_add_raw(writer, "ts", "{\"type\":\"integer\",\"description\":\"event time, ms UTC\"}");
  add_reference(writer, "data", shape_table[row->shape].name);
  json_end_object(writer);
  json_add_raw(writer, "required", "[\"type\",\"seq\",\"ts\",\"data\"]");
  json_end_object(writer);
}

void feed_describe(struct json_writer *writer) {
  char name[64];
  for (int i = 0; i < FEED_TYPE_COUNT; i++) describe_message(&feed_messages[i], writer);
  json_begin_object(writer, "FeedMessage");
  json_add_string(writer, "description", "what the server says over /ws");
  json_begin_array(writer, "oneOf");
  for (int i = 0; i < FEED_TYPE_COUNT; i++) {
    name_of_message(&feed_messages[i], name);
    add_reference(writer, NULL, name);
  }
  json_end_array(writer);
  json_end_object(writer);
  json_begin_object(writer, "FeedTopic");
  json_add_string(writer, "type", "string");
  json_begin_array(writer, "enum");
  for (int i = 0; i < FEED_TOPIC_COUNT; i++) json_add_string(writer, NULL, feed_topics[i].name);
  json_end_array(writer);
  json_end_object(writer);
}
