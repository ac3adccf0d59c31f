/* What the files of the feed share. */
#ifndef API_FEED_FEED_STATE_H
#define API_FEED_FEED_STATE_H

#include "api/feed/feed.h"

enum feed_type {
#define FEED_MESSAGE(type, topic, shape, text) FEED_TYPE_##type,
#include "api/feed/feed_message.def"
  FEED_TYPE_COUNT
};

enum {
  FEED_ANY = -1, /* topic of messages that belong to the connection */
  FEED_SYMBOLS_MAX = 1024,
  FEED_NO_SYMBOL = -1,
  FEED_SCAN_ROWS = 50,
  FEED_SNAPSHOT_ROWS = 50, /* newest signals and decisions */
  FEED_FRAMES_MAX = 1000,  /* waiting for one client: more close it with 4008 */
  FEED_FRAMES_HELD = 100,  /* from here on coalesced topics wait for room */
  FEED_ERRORS_MAX = 10,    /* a minute */
  FEED_TOPICS_MAX = 64,    /* of one message */
  FEED_GREETINGS = 256,
  FEED_POSITIONS_MAX = 64,
  FEED_RUNS_MAX = 32,
  FEED_LOG_LINES = 256,
  FEED_CACHE_PACE_MS = 250
};
#define FEED_BYTES_MAX ((size_t)4 << 20)
#define FEED_BYTES_HELD ((size_t)512 << 10)

enum feed_close {
  CLOSE_SHUTDOWN = 1001,
  CLOSE_TICKET = 4001,
  CLOSE_ROLE = 4003,
  CLOSE_SLOW = 4008,
  CLOSE_PROTOCOL = 4009,
  CLOSE_TOO_MANY = 4013,
  CLOSE_RATE = 4029
};

struct feed_topic_row {
  const char *name;
  bool is_object, is_per_symbol, is_coalesced;
};
extern const struct feed_topic_row feed_topics[FEED_TOPIC_COUNT];
struct feed_message_row {
  const char *name;
  int topic; /* enum feed_topic, or FEED_ANY */
  enum shape_id shape;
  const char *text;
};
extern const struct feed_message_row feed_messages[FEED_TYPE_COUNT];

/* Symbols that a client wants of a topic: those named, and with is_auto all candidates and positions. */
struct symbol_set {
  uint64_t bits[FEED_SYMBOLS_MAX / 64];
  bool is_auto;
};

/* A message of a coalesced topic that waits for room; a newer one of the same key takes its place. */
struct held {
  enum feed_type type;
  int64_t key;
  struct http_frame *frame; /* kept */
};

struct peer {
  struct feed_hub *hub;
  struct peer *next, *previous;
  struct http_socket *socket;
  struct caller caller;
  char id[HTTP_ID_BYTES];
  uint64_t seq;
  uint32_t topics; /* bits */
  struct symbol_set symbols[FEED_TOPIC_COUNT];
  bool is_verbose;          /* all decisions */
  enum log_level log_level; /* of lines */
  bool has_asked;           /* the default topics are no longer due */
  int64_t opened_ns, alive_ns, checked_ns, beat_ns;
  int64_t error_ns[FEED_ERRORS_MAX]; /* ring of the newest errors */
  int error_next;
  double messages_left; /* of the rate */
  int64_t messages_ns;
  struct held *held; /* owned */
  int held_count, held_capacity;
};

/* Who opens a socket and how it is received, from the request to on_open. */
struct greeting {
  struct feed_hub *hub;
  struct caller caller;
  int close_code; /* 0: welcome */
  const char *reason;
};

/* A record or event that happened since the last turn; its object follows. */
struct change {
  enum record_kind kind;
  bool is_latch; /* the object is a struct latch_change instead */
  int64_t event; /* number: records of one event have the same */
  int64_t at_ns; /* monotonic */
  uint32_t size; /* of the object */
};
struct latch_change {
  struct latch latch;
  bool is_fired;
  int64_t ts;
};

struct tracked {
  int64_t position_id;
  int64_t sent_ns;
  struct position last;
};

/* What was sent last of a symbol. */
struct symbol_state {
  double price, bid, ask, mark;
  int64_t candle_ts[timeframe_count];      /* newest closed one that was sent; 0: none */
  int64_t candle_open_ts[timeframe_count]; /* newest base candle inside the open one that was sent */
  bool has_candles;                        /* candles came since the last look */
  int64_t wall_ns;
  bool has_wall; /* one waits */
  struct wall wall;
  bool has_cached_candidate;
};

struct told_run {
  char id[40];
  int64_t sent_ns;
  struct http_frame *waiting; /* kept; NULL none */
};

struct feed_log; /* lines of all threads on their way to the loop; opaque */

struct feed_hub {
  struct api *api;
  const struct http_port_sockets *sockets;
  struct http_socket_handler handler;
  struct peer *peers;
  int peer_count;
  uint32_t wanted;  /* topics of all peers, and what is streamed */
  bool is_relieved; /* what is told by time is told half as often */
  struct greeting greetings[FEED_GREETINGS];
  uint32_t greeting_next;
  uint64_t next_id;
  struct buffer text; /* of the message being made */
  struct json_writer writer;
  /* between steps */
  struct buffer changes;
  int64_t event, orders_event;
  struct latch kill; /* as told last */
  struct equity equity;
  bool has_equity, equity_changed;
  /* paces, monotonic */
  int64_t peers_ns, second_ns, engine_ns, price_ns, risk_ns, equity_ns;
  struct engine_status status; /* as sent last */
  uint32_t legal;
  struct ledger ledger;
  struct risk_state risk;
  int32_t slots_used;
  struct tracked positions[FEED_POSITIONS_MAX];
  int32_t position_count;
  struct symbol_state *symbols; /* FEED_SYMBOLS_MAX, owned */
  struct told_run runs[FEED_RUNS_MAX];
  struct feed_log *log;
  /* feed_cache.c */
  const struct cache_port *cache; /* NULL: none */
  uint32_t streamed;              /* topics */
  struct buffer streamed_text;
  int64_t cached_ns;
  int32_t cached_next; /* symbol */
};

int64_t feed_now_ns(const struct feed_hub *hub);

/* ---- sending (feed_peer.c) ---- */

/* Begins a message: the value of data is written to the returned writer, with key NULL. */
struct json_writer *feed_begin(struct feed_hub *hub, enum feed_type type);
/* Who gets it beside being subscribed to its topic. */
struct audience {
  int32_t symbol;                   /* FEED_NO_SYMBOL: all */
  int64_t key;                      /* of a coalesced topic: what newer ones replace */
  const struct symbol_set *symbols; /* only those who named these; NULL: all */
  bool is_minor;                    /* only with option verbose */
  int log_level;                    /* -1: no line */
};
/* Ends the message and sends it to all who want it. */
void feed_end(struct feed_hub *hub, enum feed_type type, const struct audience *audience);
void feed_end_all(struct feed_hub *hub, enum feed_type type);                    /* everybody who is subscribed */
void feed_end_symbol(struct feed_hub *hub, enum feed_type type, int32_t symbol); /* a topic per symbol */
void feed_end_one(struct feed_hub *hub, enum feed_type type, struct peer *peer);
struct http_frame *feed_end_frame(struct feed_hub *hub); /* with one user */
void feed_send_frame(struct feed_hub *hub, enum feed_type type, struct http_frame *frame, const struct audience *audience);
bool feed_peer_wants(const struct peer *peer, enum feed_topic topic, int32_t symbol);
/* Does anybody want this symbol of the topic? */
bool feed_symbol_is_wanted(const struct feed_hub *hub, enum feed_topic topic, int32_t symbol);
void feed_release_held(struct peer *peer);
void feed_close_peer(struct peer *peer, int code, const char *reason);
void feed_set_topics(struct peer *peer, uint32_t topics);
/* Of those topics that are subscribed. */
void feed_send_snapshots(struct peer *peer, uint32_t topics);

/* ---- the other files ---- */

void feed_send_snapshot(struct peer *peer, enum feed_topic topic);
/* A topic that nobody read is read again: what was sent last counts for nothing. */
void feed_begin_topic(struct feed_hub *hub, enum feed_topic topic);
void feed_send_changes(struct feed_hub *hub);
void feed_send_paced(struct feed_hub *hub);
void feed_write_price(const struct api *api, int32_t symbol, struct json_writer *writer);
void feed_on_text(struct peer *peer, const char *text, size_t length);
int32_t feed_symbol_count(const struct feed_hub *hub);
/* Items of an open array: the newest signals or decisions. */
void feed_write_newest(const struct api *api, enum record_kind kind, struct json_writer *writer);

void feed_cache_open(struct feed_hub *hub);
/* The message that was just made, if its topic is streamed. */
void feed_cache_message(struct feed_hub *hub, enum feed_type type);
void feed_cache_turn(struct feed_hub *hub);

struct feed_log *feed_log_open(void);
void feed_log_close(struct feed_log *log);
void feed_log_wanted(struct feed_log *log, bool is_wanted, enum log_level level);
void feed_send_lines(struct feed_hub *hub);

#endif
