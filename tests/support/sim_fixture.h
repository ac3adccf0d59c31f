/* A paper venue with symbols of tick 0.1, lot 0.01, and short ways to talk to it. Prices and quantities are doubles here. */
#ifndef TESTS_SUPPORT_SIM_FIXTURE_H
#define TESTS_SUPPORT_SIM_FIXTURE_H

#include "adapters/sim/sim.h"

enum { FIXTURE_EVENTS_MAX = 4096 };
#define FIXTURE_START INT64_C(1700000040000) /* a whole minute; the next settlement of 8 h is hours away */
#define MINUTE INT64_C(60000)

struct sim_fixture {
  struct sim sim;
  struct exchange venue;
  int64_t now; /* close of the newest candle, or ts of the newest event */
  int64_t sent_ids;
  struct event events[FIXTURE_EVENTS_MAX]; /* what the venue answered since the last clear; pongs are left out */
  int32_t event_count;
  int32_t pong_count;
  int64_t last_ts; /* answers never go back in time */
};

struct sim_options fixture_options(void); /* 100 000 USD, no slippage and impact, fees 5 and 2 bps, all of a candle's volume, no latency, 4 symbols */
void fixture_open(struct sim_fixture *f, const struct sim_options *options);
/* Open (options NULL: fixture_options), two symbols with candles announced, leverage 10 and a candle at 100 on the first, nothing answered yet. */
void fixture_start(struct sim_fixture *f, const struct sim_options *options);
void fixture_close(struct sim_fixture *f);
void fixture_clear(struct sim_fixture *f);
/* Announces a symbol with the capabilities. */
void fixture_announce(struct sim_fixture *f, int32_t symbol, int32_t capabilities);
/* Takes all answers due now; on_answer (may be NULL) is called with each, and may send. */
void fixture_poll(struct sim_fixture *f, void (*on_answer)(struct sim_fixture *f, const struct event *event));
/* The next 1m candle of a symbol: volume 1 000, turnover 1 000 000. Moves now to its close and polls. */
void fixture_candle(struct sim_fixture *f, int32_t symbol, double open, double high, double low, double close);
void fixture_candle_with(struct sim_fixture *f, int32_t symbol, double open, double high, double low, double close, double volume, double turnover,
                         void (*on_answer)(struct sim_fixture *f, const struct event *event));

/* Orders; price and trigger of 0: none. Sends and returns the client id in a buffer that the next call reuses after 8 calls. */
struct order fixture_order(enum order_side side, enum order_type type, double qty, double price_or_trigger);
const char *fixture_send(struct sim_fixture *f, int32_t symbol, struct order order);
void fixture_submit(struct sim_fixture *f, const struct intent *intent);
void fixture_leverage(struct sim_fixture *f, int32_t symbol, double leverage);
void fixture_cancel(struct sim_fixture *f, int32_t symbol, const char *id);
void fixture_amend(struct sim_fixture *f, int32_t symbol, const char *id, double qty, double price, double trigger);
void fixture_query(struct sim_fixture *f, enum query_kind query, const char *id, int64_t since);

/* The n-th (from 0) event of a kind since the last clear; fails the test when there is none. */
const struct event *fixture_event(const struct sim_fixture *f, enum event_kind kind, int32_t n);
int32_t fixture_count(const struct sim_fixture *f, enum event_kind kind);
/* cash + unrealised, by an independent sum over all fills, fees, funding and liquidations since open, equals the account to 0.01 USD, and the sum of
 * signed fills equals the position. Needs that fixture_clear was never called; marks are the given prices by symbol. */
void fixture_check_account(const struct sim_fixture *f, const double *marks, int32_t symbols);

#endif
