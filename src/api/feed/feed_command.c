/* What clients say: SUBSCRIBE, UNSUBSCRIBE, SUBSCRIBE_PRICES, UNSUBSCRIBE_PRICES, RESYNC, PING. */
#include <stdio.h>
#include <string.h>

#include "api/feed/feed_state.h"
#include "core/market/symbol.h"

/* Of one client; more are answered with ERROR. */
#define MESSAGES_PER_S 20.0
#define MESSAGES_BURST 60.0

/* ---- errors ---- */

/* Ten errors within a minute are an accident or an attack; the eleventh ends the connection. */
static void fail(struct peer *peer, const char *code, const char *message) {
  struct feed_hub *hub = peer->hub;
  int64_t now = feed_now_ns(hub);
  int64_t *oldest = &peer->error_ns[peer->error_next];
  bool is_too_often = *oldest != 0 && now - *oldest < 60 * INT64_C(1000000000);
  *oldest = now;
  peer->error_next = (peer->error_next + 1) % FEED_ERRORS_MAX;
  if (is_too_often) {
    feed_close_peer(peer, CLOSE_PROTOCOL, "too many errors");
    return;
  }
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_ERROR);
  json_begin_object(writer, NULL);
  json_add_string(writer, "code", code);
  json_add_string(writer, "message", message);
  json_add_null(writer, "component");
  json_end_object(writer);
  feed_end_one(hub, FEED_TYPE_ERROR, peer);
}

static bool is_within_rate(struct peer *peer) {
  int64_t now = feed_now_ns(peer->hub);
  peer->messages_left += (double)(now - peer->messages_ns) * 1e-9 * MESSAGES_PER_S;
  if (peer->messages_left > MESSAGES_BURST || peer->seq <= 1) peer->messages_left = MESSAGES_BURST;
  peer->messages_ns = now;
  if (peer->messages_left < 1) return false;
  peer->messages_left -= 1;
  return true;
}

/* ---- what is asked for ---- */

struct wish {
  uint32_t topics; /* bits */
  bool has_symbols;
  struct symbol_set symbols;
  int verbose, log_level; /* -1: not said */
};

static const struct json *array_of(const struct json *data, const char *name) {
  const struct json *value = data != NULL && json_kind(data) == JSON_OBJECT ? json_member(data, name) : NULL;
  return value != NULL && json_kind(value) == JSON_ARRAY ? value : NULL;
}

static bool is_given(const struct json *data, const char *name) {
  const struct json *value = data != NULL && json_kind(data) == JSON_OBJECT ? json_member(data, name) : NULL;
  return value != NULL && json_kind(value) != JSON_NULL;
}

static int find_topic(const char *name) {
  for (int i = 0; i < FEED_TOPIC_COUNT; i++) {
    if (text_equal(feed_topics[i].name, name)) return i;
  }
  return -1;
}

static bool read_topics(struct peer *peer, const struct json *data, struct wish *wish) {
  const struct json *topics = array_of(data, "topics");
  if (topics == NULL || json_size(topics) > FEED_TOPICS_MAX) {
    fail(peer, "bad_data", "data.topics must be an array of at most 64 names of topics");
    return false;
  }
  for (size_t i = 0; i < json_size(topics); i++) {
    const struct json *item = json_item(topics, i);
    int topic = json_kind(item) == JSON_STRING ? find_topic(json_string(item)) : -1;
    if (topic < 0) {
      fail(peer, "unknown_topic", "there is no such topic; HELLO lists those that there are");
      return false;
    }
    wish->topics |= 1u << topic;
  }
  return true;
}

static bool read_symbols(struct peer *peer, const struct json *data, bool is_needed, struct wish *wish) {
  const struct json *symbols = array_of(data, "symbols");
  if (symbols == NULL && !is_needed && !is_given(data, "symbols")) return true;
  if (symbols == NULL || json_size(symbols) > FEED_SYMBOLS_MAX) {
    fail(peer, "bad_data", "data.symbols must be an array of at most 1024 symbols");
    return false;
  }
  for (size_t i = 0; i < json_size(symbols); i++) {
    char printed[SYMBOL_TEXT_MAX];
    char venue[SYMBOL_TEXT_MAX];
    const struct json *item = json_item(symbols, i);
    bool is_good = json_kind(item) == JSON_STRING && symbol_parse(json_string(item), printed, venue);
    int32_t symbol = is_good ? engine_find_symbol(peer->hub->api->options.engine, printed) : -1;
    if (symbol < 0 || symbol >= FEED_SYMBOLS_MAX) {
      fail(peer, "unknown_symbol", "there is no such symbol here");
      return false;
    }
    wish->has_symbols = true;
    wish->symbols.bits[symbol / 64] |= UINT64_C(1) << (symbol % 64);
  }
  return true;
}

static bool read_options(struct peer *peer, const struct json *data, struct wish *wish) {
  static const char *const levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  const struct json *verbose = is_given(data, "verbose") ? json_member(data, "verbose") : NULL;
  const struct json *level = is_given(data, "level") ? json_member(data, "level") : NULL;
  wish->verbose = wish->log_level = -1;
  if (verbose != NULL && json_kind(verbose) == JSON_BOOL) wish->verbose = json_bool(verbose) ? 1 : 0;
  for (int i = 0; level != NULL && json_kind(level) == JSON_STRING && i < 5; i++) {
    if (text_equal_ignoring_case(json_string(level), levels[i])) wish->log_level = i;
  }
  if ((verbose == NULL || wish->verbose >= 0) && (level == NULL || wish->log_level >= 0)) return true;
  fail(peer, "bad_data", "verbose is true or false; level is DEBUG, INFO, WARNING, ERROR or CRITICAL");
  return false;
}

/* ---- answers ---- */

static bool set_is_empty(const struct symbol_set *set) {
  for (int i = 0; i < FEED_SYMBOLS_MAX / 64; i++) {
    if (set->bits[i] != 0) return false;
  }
  return true;
}

static void answer_subscribed(struct peer *peer) {
  struct feed_hub *hub = peer->hub;
  struct symbol_set all = {0};
  struct json_writer *writer = feed_begin(hub, FEED_TYPE_SUBSCRIBED);
  json_begin_object(writer, NULL);
  json_begin_array(writer, "topics");
  for (int topic = 0; topic < FEED_TOPIC_COUNT; topic++) {
    if ((peer->topics >> topic & 1) == 0) continue;
    json_add_string(writer, NULL, feed_topics[topic].name);
    for (int i = 0; i < FEED_SYMBOLS_MAX / 64; i++) all.bits[i] |= peer->symbols[topic].bits[i];
  }
  json_end_array(writer);
  json_begin_array(writer, "symbols");
  for (int32_t symbol = 0; symbol < feed_symbol_count(hub); symbol++) {
    if ((all.bits[symbol / 64] >> (symbol % 64) & 1) != 0)
      json_add_string(writer, NULL, engine_market(hub->api->options.engine, symbol)->instrument.symbol);
  }
  json_end_array(writer);
  json_end_object(writer);
  feed_end_one(hub, FEED_TYPE_SUBSCRIBED, peer);
}

static void subscribe(struct peer *peer, const struct wish *wish) {
  peer->has_asked = true;
  if (wish->verbose >= 0) peer->is_verbose = wish->verbose == 1;
  if (wish->log_level >= 0) peer->log_level = (enum log_level)wish->log_level;
  for (int topic = 0; topic < FEED_TOPIC_COUNT; topic++) {
    struct symbol_set *set = &peer->symbols[topic];
    if ((wish->topics >> topic & 1) == 0 || !feed_topics[topic].is_per_symbol) continue;
    if (!wish->has_symbols) set->is_auto = true;
    for (int i = 0; i < FEED_SYMBOLS_MAX / 64; i++) set->bits[i] |= wish->symbols.bits[i];
  }
  feed_set_topics(peer, peer->topics | wish->topics);
  answer_subscribed(peer);
  feed_send_snapshots(peer, wish->topics); /* also of those that were subscribed already: the symbols may be others */
}

static void unsubscribe(struct peer *peer, const struct wish *wish) {
  uint32_t all = peer->topics;
  peer->has_asked = true;
  for (int topic = 0; topic < FEED_TOPIC_COUNT; topic++) {
    struct symbol_set *set = &peer->symbols[topic];
    if ((wish->topics >> topic & 1) == 0) continue;
    if (wish->has_symbols && feed_topics[topic].is_per_symbol) {
      for (int i = 0; i < FEED_SYMBOLS_MAX / 64; i++) set->bits[i] &= ~wish->symbols.bits[i];
      if (set->is_auto || !set_is_empty(set)) continue;
    }
    *set = (struct symbol_set){0};
    all &= ~(1u << topic);
  }
  feed_set_topics(peer, all);
  answer_subscribed(peer);
}

static void resync(struct peer *peer, const struct json *data) {
  struct wish wish = {0};
  if (!is_given(data, "topics")) {
    wish.topics = peer->topics;
  } else if (!read_topics(peer, data, &wish)) {
    return;
  }
  feed_send_snapshots(peer, wish.topics);
}

static void answer_ping(struct peer *peer, const struct json *data) {
  const struct clock *clock = peer->hub->api->options.clock;
  const struct json *id = is_given(data, "id") ? json_member(data, "id") : NULL;
  if (id != NULL && (json_kind(id) != JSON_STRING || strlen(json_string(id)) > 64)) {
    fail(peer, "bad_data", "id is a text of at most 64 bytes");
    return;
  }
  struct json_writer *writer = feed_begin(peer->hub, FEED_TYPE_PONG);
  json_begin_object(writer, NULL);
  json_add_string(writer, "id", id != NULL ? json_string(id) : NULL);
  json_add_int(writer, "server_ts", clock->now_ms(clock->self));
  json_end_object(writer);
  feed_end_one(peer->hub, FEED_TYPE_PONG, peer);
}

static void handle(struct peer *peer, const char *type, const struct json *data) {
  struct wish wish = {.verbose = -1, .log_level = -1};
  bool is_prices = text_equal(type, "SUBSCRIBE_PRICES") || text_equal(type, "UNSUBSCRIBE_PRICES");
  if (text_equal(type, "PING")) {
    answer_ping(peer, data);
  } else if (text_equal(type, "RESYNC")) {
    resync(peer, data);
  } else if (is_prices || text_equal(type, "SUBSCRIBE") || text_equal(type, "UNSUBSCRIBE")) {
    if (is_prices) wish.topics = 1u << FEED_PRICES;
    if (!is_prices && !read_topics(peer, data, &wish)) return;
    if (!read_symbols(peer, data, is_prices, &wish) || !read_options(peer, data, &wish)) return;
    if (type[0] == 'S') {
      subscribe(peer, &wish);
    } else {
      unsubscribe(peer, &wish);
    }
  } else {
    fail(peer, "unknown_type", "known types: SUBSCRIBE, UNSUBSCRIBE, SUBSCRIBE_PRICES, UNSUBSCRIBE_PRICES, RESYNC, PING; commands are REST only");
  }
}

void feed_on_text(struct peer *peer, const char *text, size_t length) {
  struct problem problem;
  problem_clear(&problem);
  if (!is_within_rate(peer)) {
    fail(peer, "rate_limited", "at most 20 messages a second");
    return;
  }
  struct json *message = json_parse(text, length, JSON_STRICT, "message", &problem);
  if (message == NULL) {
    fail(peer, "bad_json", problem.count > 0 ? problem.items[0].message : "the message is not JSON");
    return;
  }
  const struct json *type = json_kind(message) == JSON_OBJECT ? json_member(message, "type") : NULL;
  const struct json *data = json_kind(message) == JSON_OBJECT ? json_member(message, "data") : NULL;
  if (type == NULL || json_kind(type) != JSON_STRING) {
    fail(peer, "bad_message", "a message is an object with type and data");
  } else if (data != NULL && json_kind(data) != JSON_OBJECT && json_kind(data) != JSON_NULL) {
    fail(peer, "bad_data", "data must be an object");
  } else {
    handle(peer, json_string(type), data != NULL && json_kind(data) == JSON_OBJECT ? data : NULL);
  }
  json_free(message);
}
