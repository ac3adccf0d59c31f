/* The feed in the cache (runner/cache.h), for readers outside this process: messages as a stream, newest prices and setups as keys. Written by the
 * API behind the engine's step, and read by nobody here: the engine in this process knows better. */
#include "api/feed/feed_state.h"

#define PACE_NS (FEED_CACHE_PACE_MS * INT64_C(1000000))
#define ROUNDS 40 /* of the pace, until every symbol was told: 10 s, well inside CACHE_TTL_MS */

/* What happens seldom enough for a stream; prices, candles, books and scans are not among it. */
static const uint32_t streamed_topics = 1u << FEED_ENGINE | 1u << FEED_POSITIONS | 1u << FEED_ORDERS | 1u << FEED_SIGNALS | 1u << FEED_RISK |
                                        1u << FEED_EQUITY | 1u << FEED_ALERTS | 1u << FEED_BACKTESTS;

void feed_cache_open(struct feed_hub *hub) {
  hub->cache = hub->sockets != NULL ? hub->api->options.cache : NULL;
  if (hub->cache == NULL) return;
  hub->streamed = hub->wanted = streamed_topics;
  for (int topic = 0; topic < FEED_TOPIC_COUNT; topic++) {
    if ((hub->streamed >> topic & 1) != 0) feed_begin_topic(hub, (enum feed_topic)topic);
  }
}

void feed_cache_message(struct feed_hub *hub, enum feed_type type) {
  int topic = feed_messages[type].topic;
  if (topic == FEED_ANY || (hub->streamed >> topic & 1) == 0) return;
  /* The text lacks what differs between connections: its beginning with their number. */
  buffer_clear(&hub->streamed_text);
  buffer_add_text(&hub->streamed_text, "{");
  buffer_add(&hub->streamed_text, hub->text.data, hub->text.length);
  hub->cache->append(hub->cache->self, CACHE_EVENTS, feed_messages[type].name, hub->streamed_text.data, hub->streamed_text.length);
}

/* ---- keys ---- */

static struct json_writer *begin_value(struct feed_hub *hub) {
  buffer_clear(&hub->text);
  json_writer_init(&hub->writer, &hub->text, false);
  return &hub->writer;
}

static void make_key(const char *prefix, const char *symbol, char out[CACHE_KEY_BYTES]) {
  struct text text;
  text_init(&text, out, CACHE_KEY_BYTES);
  text_add(&text, prefix);
  text_add(&text, symbol);
}

static void put_value(struct feed_hub *hub, const char *prefix, const char *symbol) {
  char key[CACHE_KEY_BYTES];
  make_key(prefix, symbol, key);
  hub->cache->put(hub->cache->self, key, hub->text.data, hub->text.length, CACHE_TTL_MS);
}

/* A setup that is over does not wait for its time to be gone. */
static void put_candidate(struct feed_hub *hub, int32_t symbol, const char *name) {
  const struct candidate *candidate = engine_candidate(hub->api->options.engine, symbol);
  bool *is_there = &hub->symbols[symbol].has_cached_candidate;
  char key[CACHE_KEY_BYTES];
  if (candidate != NULL) {
    write_candidate(hub->api, NULL, candidate, begin_value(hub));
    put_value(hub, CACHE_CANDIDATE, name);
  } else if (*is_there) {
    make_key(CACHE_CANDIDATE, name, key);
    hub->cache->drop(hub->cache->self, key);
  }
  *is_there = candidate != NULL;
}

static void put_symbol(struct feed_hub *hub, int32_t symbol) {
  const char *name = engine_market(hub->api->options.engine, symbol)->instrument.symbol;
  if (name[0] == '\0') return; /* the place of a symbol that is not known yet */
  feed_write_price(hub->api, symbol, begin_value(hub));
  put_value(hub, CACHE_MARKET, name);
  put_candidate(hub, symbol, name);
}

static void put_signals(struct feed_hub *hub) {
  struct json_writer *writer = begin_value(hub);
  json_begin_array(writer, NULL);
  feed_write_newest(hub->api, RECORD_SIGNAL, writer);
  json_end_array(writer);
  put_value(hub, CACHE_SIGNALS, "");
}

/* A few symbols at a time, so that no turn of the loop is long. An engine that was handed over stands still: its prices are not told as new. */
void feed_cache_turn(struct feed_hub *hub) {
  struct cache_state state;
  int64_t now = feed_now_ns(hub);
  int32_t count = feed_symbol_count(hub);
  if (hub->cache == NULL || hub->api->is_stopping || now - hub->cached_ns < PACE_NS) return;
  hub->cached_ns = now;
  hub->cache->state(hub->cache->self, &state);
  if (!state.is_up) return;
  for (int32_t i = 0; i < count / ROUNDS + 1 && hub->cached_next < count; i++) put_symbol(hub, hub->cached_next++);
  if (hub->cached_next < count) return;
  hub->cached_next = 0;
  put_signals(hub);
}
