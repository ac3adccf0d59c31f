/* A real engine without a venue: the test is the venue. It steps the engine with hand-written events and looks at the intents and records that come
 * out. One or more symbols around 100 USD, tick 0.01, lot 0.1, fees 5 and 2 bps. */
#ifndef TESTS_SUPPORT_SCRIPTED_VENUE_H
#define TESTS_SUPPORT_SCRIPTED_VENUE_H

#include "engine/view.h"

enum { SCRIPT_INTENTS_MAX = 4096, SCRIPT_TRADES_MAX = 32, SCRIPT_ITEMS_MAX = 24 };
#define SCRIPT_START INT64_C(1746403200000) /* 2025-05-05T00:00Z */

struct script_options {
  int32_t symbols;
  uint32_t capabilities; /* besides candles and instruments */
  int32_t reconcile_interval_s;
  bool is_channel;         /* channel preset: one target; else the loosened breakout preset: a ladder */
  int32_t book_depth;      /* of feeds with books and tapes; 0: none */
  int32_t deep_symbols;    /* whose books and tapes are asked for at once; 0: 30 */
  bool is_reversed;        /* symbols arrive in the reverse order of their names */
  bool fees_from_venue;    /* the venue's fees, not the preset's, once it told them */
  const char *changes[12]; /* of the preset, "key=value", ended by NULL */
};

struct script {
  struct script_options options;
  struct arena arena;
  struct engine *engine;
  struct preset preset;
  int64_t now, fill_count;
  double price;                              /* last candle's close of symbol 0 */
  struct intent intents[SCRIPT_INTENTS_MAX]; /* since script_forget */
  int32_t intent_count;
  struct trade trades[SCRIPT_TRADES_MAX];
  int32_t trade_count, flow_count, plan_count;
  struct plan plan;                     /* the newest that ended */
  struct command_reply reply;           /* the newest */
  struct reconciliation reconciliation; /* the newest */
  int32_t reconciliation_count;
  struct flow flow;
  struct decision refusal; /* the newest refused decision */
  /* What the venue says when it is asked; script_answer uses it. */
  struct venue_position positions[SCRIPT_ITEMS_MAX];
  int32_t position_count;
  struct venue_order orders[SCRIPT_ITEMS_MAX];
  int32_t order_count;
  int64_t cash;
};

void script_open(struct script *script, const struct script_options *options);
void script_close(struct script *script);

/* Time: script_event steps at the present; script_wait ticks every 100 ms; script_pass goes there with one tick. */
void script_event(struct script *script, struct event event);
void script_wait(struct script *script, int64_t ms);
void script_pass(struct script *script, int64_t ms);
/* Ticks every 100 ms while fields of the venue stay silent but the link gives signs of life every second. */
void script_wait_alive(struct script *script, int64_t ms);

/* Commands. script_start answers what the engine asks until it runs. */
void script_command(struct script *script, enum command command);
void script_command_with(struct script *script, struct event_command command);
void script_start(struct script *script);
/* Candles that make a long signal in the symbol; the entry order that comes out (not answered). */
const struct order *script_break_out(struct script *script, int32_t symbol);
/* One 5m candle of the symbol with the tick of its close. */
void script_bar(struct script *script, int32_t symbol, double open, double high, double low, double close);
void script_ticker(struct script *script, int32_t symbol, double bid, double ask);
/* Everything until a position rests with its stop: break out, acknowledged, filled at the order's price, stop and targets acknowledged. */
const struct position *script_enter(struct script *script, int32_t symbol);

/* What the venue says of an order. */
void script_ack(struct script *script, const char *id);
void script_reject(struct script *script, const char *id, enum reject_kind kind);
void script_update(struct script *script, const char *id, enum order_change change);
void script_amended(struct script *script, const char *id); /* as the newest amend intent wanted */
void script_fill(struct script *script, const char *id, double qty, double price);
void script_fill_rest(struct script *script, const char *id, double price);
void script_found(struct script *script, const char *id, enum order_state state, double filled);
void script_not_found(struct script *script, const char *id);
void script_link(struct script *script, enum link_state state);
/* Answers the questions of a reconciliation in order: fills, orders, positions, account. */
void script_answer(struct script *script);
/* Sets what the venue holds to what the engine holds: positions and live orders. */
void script_agree(struct script *script);

/* Intents since script_forget. */
void script_forget(struct script *script);
int32_t script_count(const struct script *script, enum intent_kind kind);
int32_t script_count_placed(const struct script *script, enum order_purpose purpose);
int32_t script_count_queries(const struct script *script, enum query_kind query);
bool script_was_cancelled(const struct script *script, const char *id);
/* The newest order of the purpose as the engine keeps it now; fails the test when there is none. */
const struct order *script_order(const struct script *script, enum order_purpose purpose);
const struct order *script_find(const struct script *script, const char *id);
/* Live orders of the purpose. */
int32_t script_live(const struct script *script, enum order_purpose purpose);
bool script_alerts(const struct script *script, const char *name);
const struct position *script_position(const struct script *script);
enum session_state script_state(const struct script *script);

#endif
