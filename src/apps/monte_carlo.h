/* Monte Carlo of closed trades (backtest 8.3): what the same trades could have made in another order, in another choice, or at other costs.
 *
 * Equity begins at 1 and each trade multiplies it by 1 + risk_per_trade * R. Every draw has a generator of its own, seeded from the seed, the kind
 * and the number of the draw alone. */
#ifndef APPS_MONTE_CARLO_H
#define APPS_MONTE_CARLO_H

#include "base/json.h"
#include "core/trade/position.h"

enum monte_carlo_kind {
  MONTE_CARLO_SHUFFLE,   /* the order of the trades permuted */
  MONTE_CARLO_BOOTSTRAP, /* blocks of trades with replacement, as many trades as there are; a block begins anywhere and goes on at the first trade */
  MONTE_CARLO_SKIP,      /* each trade dropped with probability 0.1 */
  MONTE_CARLO_COST,      /* slippage of each trade times a factor, uniform from 0.5 to 2 */
  monte_carlo_kind_count
};
extern const char *const monte_carlo_kind_names[];

enum { MONTE_CARLO_DRAWS = 1000, MONTE_CARLO_DRAWS_MAX = 1000000, MONTE_CARLO_RANKS = 5 };
extern const int monte_carlo_ranks[MONTE_CARLO_RANKS]; /* percent: 5, 25, 50, 75, 95 */

struct monte_carlo_trade {
  double r;
  double slippage_r; /* the adverse part that r contains, in R; at least 0 */
};

struct monte_carlo_options {
  int64_t draws; /* 1 to MONTE_CARLO_DRAWS_MAX */
  int32_t block; /* trades of a block of the bootstrap; 0: the root of the third degree of their number, rounded up */
  int64_t seed;
  double risk_per_trade; /* of the preset */
  double kill_limit;     /* drawdown that stops everything, of the preset */
};

/* One draw. */
struct monte_carlo_draw {
  double total_return, max_drawdown;
  int32_t losing_run; /* longest run of trades with R < 0; a flat one ends it */
};

/* Percentiles by nearest rank, ascending. All NaN without trades. */
struct monte_carlo_result {
  double total_return[MONTE_CARLO_RANKS], max_drawdown[MONTE_CARLO_RANKS], losing_run[MONTE_CARLO_RANKS];
  double kill_probability; /* share of draws whose drawdown reaches the kill limit */
  double p_value;          /* share of draws with a net profit of at most 0 */
};

struct monte_carlo {
  struct monte_carlo_options options;
  int32_t trades;
  struct monte_carlo_result kinds[monte_carlo_kind_count];
};

void monte_carlo_of_trade(const struct trade *trade, struct monte_carlo_trade *out);
/* order: room for count trades, not used by other kinds than the shuffle. */
void monte_carlo_draw(const struct monte_carlo_trade *trades, int32_t count, enum monte_carlo_kind kind, const struct monte_carlo_options *options,
                      int64_t draw, int32_t *order, struct monte_carlo_draw *out);
/* All kinds. trades: in order of closed_at. */
void monte_carlo_run(const struct monte_carlo_trade *trades, int32_t count, const struct monte_carlo_options *options, struct monte_carlo *out);
/* The same of closed trades as a run keeps them. */
void monte_carlo_of_trades(const struct trade *trades, int64_t count, const struct monte_carlo_options *options, struct monte_carlo *out);

/* An object of that key: draws, block, seed, then one object a kind. */
void monte_carlo_json(const struct monte_carlo *monte_carlo, const char *key, struct json_writer *json);

#endif
