/* State of the paper venue and the functions that its files share. Nothing outside src/adapters/sim includes this. */
#ifndef ADAPTERS_SIM_STATE_H
#define ADAPTERS_SIM_STATE_H

#include "adapters/sim/sim.h"
#include "core/market/candle.h"
#include "core/market/capability.h"

enum {
  SIM_ORDERS_MAX = 1024, /* live ones and the newest ended ones */
  SIM_LIVE_MAX = 512,
  SIM_HASHES = 32768,       /* a power of two; many beside SIM_ORDERS_MAX, because a new id that meets a used one is searched for in vain */
  SIM_PENDING_MAX = 1024,   /* requests under way */
  SIM_ANSWERS_MAX = 4096,   /* answers not yet fetched */
  SIM_ANSWERS_SPARE = 1536, /* always left for answers that cannot wait; resting fills do */
  SIM_FILLS_KEPT = 2048,
  SIM_TURNOVER_KEPT = 60,
};

struct sim_order {
  char client_order_id[ORDER_ID_MAX];
  uint64_t hash;  /* of the client id */
  int64_t number; /* venue order id; 0: unused place */
  int64_t qty, filled;
  int64_t price, trigger; /* DECIMAL_NULL none */
  int64_t active_from;    /* candles that open at or after this */
  int64_t set_inside_ts;  /* open time of the candle inside which it was sent: its open is no gap for it */
  int32_t symbol;
  int32_t previous, next; /* live orders of the symbol by arrival, -1 none */
  enum order_side side;
  enum order_type type;
  enum time_in_force tif;
  enum order_state state; /* untriggered, working, partially_filled, filled, cancelled, rejected */
  bool is_post_only, is_reduce_only;
  bool takes_at_open; /* a limit that has not rested yet: marketable at the next open */
};

/* A price of liquidation and what it was computed from; position 0: none yet. */
struct sim_liquidation {
  int64_t position, cost, leverage;
  int64_t price;
};

struct sim_symbol {
  /* What every candle touches comes first. */
  bool has_live_market; /* a book or a tape */
  int32_t live_count;
  int64_t position; /* signed base units, decimal */
  int64_t last_open_ts;
  int64_t base_ms;
  double price; /* last known, NaN none */
  double mark;  /* of the ticker, NaN none */
  int32_t turnover_next, turnover_count;
  double turnover[SIM_TURNOVER_KEPT];

  bool is_known;
  uint32_t capabilities;
  int32_t first, last; /* live orders, -1 none */
  int64_t cost;        /* entry notional of the position, decimal USD, >= 0 */
  int64_t leverage;    /* decimal */
  struct sim_liquidation liquidation;
  double funding_rate;
  int64_t funding_rate_for;  /* settlement that the rate belongs to */
  int64_t next_funding_at;   /* as announced, 0 unknown */
  int64_t funding_due;       /* next settlement of the open position */
  int64_t unprotected_since; /* -1: protected or flat */
  struct instrument instrument;
  struct order_book book;
};

enum candle_phase { CANDLE_NONE, CANDLE_OPEN, CANDLE_STOPS, CANDLE_LIMITS, CANDLE_LATE_STOPS };

/* The candle that is being worked off. */
struct candle_run {
  enum candle_phase phase;
  int32_t symbol;
  struct candle candle;
  int64_t open, high, low; /* decimals */
  int64_t close_ts;
  int64_t left;     /* quantity that may still be filled */
  double liquidity; /* USD */
  bool is_path_dependent;
  bool entered_inside; /* a resting limit opened or enlarged the position */
};

struct sim_query_answer {
  enum query_kind query;
  bool is_found;
  int64_t since; /* of QUERY_FILLS */
  char client_order_id[ORDER_ID_MAX];
  struct venue_order order;
};

/* What poll() will hand out; kind is an event kind. */
struct sim_answer {
  int64_t ts;
  int32_t kind;
  union {
    struct event_order_ack order_ack;
    struct event_order_reject order_reject;
    struct event_order_update order_update;
    struct event_fill fill;
    struct event_account account;
    struct event_funding_payment funding_payment;
    struct event_liquidation liquidation;
    struct event_adl adl;
    struct sim_query_answer query;
  };
};

struct sim_fill {
  int64_t ts;
  struct event_fill fill;
};

/* A request that acts when its latency has passed. */
struct sim_pending {
  int64_t act_at;
  struct intent intent;
};

struct sim_state {
  int64_t now;       /* ts of the newest event handed out or seen; never falls */
  int64_t market_ts; /* of the newest market event */
  int64_t pong_ts;
  bool wants_pong;
  bool data_ended;      /* until the next market event */
  bool has_live_market; /* any symbol */
  double taker_fee_bps, maker_fee_bps;

  int64_t cash, realised, fees, funding;
  int64_t fill_count, liquidations, funding_unknown, path_dependent, unprotected_ms;
  int32_t open_positions;
  int32_t live_orders;
  int64_t next_order;
  uint16_t hashes[SIM_HASHES]; /* orders in the table by the low bits of their hash: 0 says that an id is not there */
  struct sim_order orders[SIM_ORDERS_MAX];
  struct candle_run run;

  struct sim_pending pending[SIM_PENDING_MAX]; /* ring */
  uint32_t pending_head, pending_tail;
  struct sim_answer answers[SIM_ANSWERS_MAX]; /* ring */
  uint32_t answer_head, answer_tail;
  struct sim_fill fills[SIM_FILLS_KEPT];          /* ring by fill number */
  int64_t replay_from, replay_since;              /* fill number to hand out again, 0 none */
  struct venue_order listed_orders[SIM_LIVE_MAX]; /* as they were when the query acted */
  int32_t listed_order_count;
  struct venue_position *listed_positions; /* options.symbols */
  int32_t listed_position_count;
};

/* ---- answers.c: the queue to the runner ---- */

/* A zeroed place at the end of the queue, dated ts or the newest ts if that is later. */
struct sim_answer *sim_answer(struct sim *sim, enum event_kind kind, int64_t ts);
bool sim_answer_pop(struct sim *sim, struct event *out);
int32_t sim_answer_room(const struct sim *sim); /* before the spare begins */
void sim_answer_reject(struct sim *sim, const char *client_order_id, enum reject_kind kind, const char *code, const char *text);
void sim_answer_update(struct sim *sim, const struct sim_order *order, enum order_change change, const char *code, int64_t ts);
/* The settled fills since `since` again, one at a call; false after the last. */
bool sim_replay_pop(struct sim *sim, struct event *out);
void sim_print_id(char out[ORDER_ID_MAX], char prefix, int64_t number);
void sim_describe_order(const struct sim_order *order, struct venue_order *out);

/* ---- orders.c: requests ---- */

void sim_act(struct sim *sim, const struct intent *intent);
void sim_cancel(struct sim *sim, struct sim_order *order, const char *code, int64_t ts);
/* Takes an ended order from the lists; state says how it ended. */
void sim_end_order(struct sim *sim, struct sim_order *order, enum order_state state);

/* ---- account.c ---- */

struct fill_terms {
  int64_t qty, price;
  enum liquidity liquidity;
  bool is_path_dependent;
  int64_t ts;         /* of the event */
  int64_t happens_at; /* true instant: decides which settlements the position is open at */
};
void sim_fill_order(struct sim *sim, struct sim_order *order, const struct fill_terms *terms);
/* What may still be filled of an order: a reduce-only one never more than the position. */
int64_t sim_fillable(const struct sim *sim, const struct sim_order *order);
/* Decimal price of liquidation of the open position; a long without one: 0. */
int64_t sim_liquidation_price(struct sim_symbol *symbol);
void sim_liquidate(struct sim *sim, int32_t symbol, int64_t price, int64_t ts);
int64_t sim_margin_free(const struct sim *sim);
/* Quantity by which an order would enlarge the position or open an opposite one. */
int64_t sim_opening_quantity(const struct sim_symbol *symbol, enum order_side side, int64_t qty);
/* Measures protection again; called after every change of a position or an order. */
void sim_watch_protection(struct sim *sim, struct sim_symbol *symbol);

/* ---- funding.c ---- */

/* Next settlement after an instant. */
int64_t sim_next_funding(const struct sim_symbol *symbol, int64_t after);
/* Pays what was due at or before `until`. */
void sim_settle_funding(struct sim *sim, int32_t symbol, int64_t until);
void sim_on_funding_rate(struct sim *sim, const struct event *event);

/* ---- price.c ---- */

/* 0.25 x median turnover of the last candles; 0 when none is known. */
double sim_liquidity(const struct sim_symbol *symbol);
/* base with slippage and impact against the taker, rounded to the tick against the taker. */
int64_t sim_slipped_price(const struct sim *sim, const struct sim_symbol *symbol, enum order_side side, int64_t base, int64_t qty, double liquidity);

/* ---- match_candle.c: execution 8.4 ---- */

void sim_candle_begin(struct sim *sim, const struct event *event);
/* Remembers the turnover of a candle without filling by it. */
void sim_candle_note(struct sim_symbol *symbol, const struct event_candle *news);
/* One step; false when there is no candle at work any more. */
bool sim_candle_advance(struct sim *sim);
/* Sets from which open time an order that was sent or changed price now acts. */
void sim_candle_schedule(const struct sim *sim, struct sim_order *order, bool is_new);

/* ---- match_live.c: execution 8.3 ---- */

void sim_live_place(struct sim *sim, struct sim_order *order);
bool sim_live_would_take(const struct sim_symbol *symbol, enum order_side side, int64_t limit);
void sim_live_on_trades(struct sim *sim, const struct event *event);
void sim_live_on_book(struct sim *sim, const struct event *event);
void sim_live_on_price(struct sim *sim, int32_t symbol, int64_t ts); /* ticker or candle of a symbol without a tape */

/* ---- small ones ---- */

static inline bool sim_is_buy(const struct sim_order *order) {
  return order->side == ORDER_BUY;
}
static inline int64_t sim_remaining(const struct sim_order *order) {
  return order->qty - order->filled;
}
static inline bool sim_is_live(const struct sim_order *order) {
  return order->state == ORDER_UNTRIGGERED || order->state == ORDER_WORKING || order->state == ORDER_PARTIALLY_FILLED;
}
static inline int64_t sim_magnitude(int64_t value) {
  return value < 0 ? -value : value;
}
static inline bool sim_reduces(const struct sim_symbol *symbol, enum order_side side) {
  return side == ORDER_BUY ? symbol->position < 0 : symbol->position > 0;
}

#endif
