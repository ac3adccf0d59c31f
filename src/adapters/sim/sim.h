/* The paper venue: takes the same requests, checks the same rules and answers with the same events as a live venue (execution 8). Also the venue of
 * backtests.
 *
 * A symbol with a book or a tape fills by execution 8.3, PAPER_LATENCY_MS after a request was sent; one with candles only fills by execution 8.4
 * without latency.
 *
 * A candle is worked off while poll() is called, one fill at a time, so that what the engine sends in answer to a fill meets the rest of the candle:
 * - open: what acts at the open. What is sent in answer (the protective stop) acts on this candle too. ts = open time, or that of the last event if
 *   it is later; the phases below have the close time.
 * - stops, and liquidation.
 * - limits: targets and other resting limits.
 * - stops again: those sent because an entry filled as a resting limit in this candle.
 * Whatever else is sent from the stops on acts on candles that open at or after the close.
 *
 * QUERY_FILLS is answered by the fills since then under their old ids (the newest 2 048 are kept), then by a query_result. A client id is refused as
 * a duplicate as long as its order is among the 1 024 newest. After end_of_data exits are filled at the last price. Memory is taken once, in
 * sim_open. */
#ifndef ADAPTERS_SIM_SIM_H
#define ADAPTERS_SIM_SIM_H

#include "base/arena.h"
#include "runner/exchange.h"

/* Inside a candle: stops before targets, or targets before stops (backtest 4, --path-bounds). */
enum sim_path { SIM_PATH_ADVERSE, SIM_PATH_FAVOURABLE };
enum sim_stop_trigger { SIM_TRIGGER_LAST, SIM_TRIGGER_MARK }; /* of symbols with a tape; candles know one price */

struct sim_options {
  int64_t starting_balance; /* decimal USD */
  double slippage_bps, impact_bps;
  double max_participation;            /* share of a candle's volume that may be filled per symbol */
  double taker_fee_bps, maker_fee_bps; /* until INTENT_SET_FEES */
  int64_t latency_ms;
  int64_t base_ms; /* length of base candles where CAPABILITY tells none */
  int32_t max_leverage;
  int32_t symbols;    /* upper bound of symbol indices */
  int32_t book_depth; /* levels kept a side; 0: books are not kept */
  enum sim_path path;
  enum sim_stop_trigger stop_trigger;
};

struct sim_state;
struct sim_symbol;

struct sim {
  struct sim_options options;
  struct arena arena;         /* owned */
  struct sim_state *state;    /* in the arena; its pointers are bound again after a load */
  struct sim_symbol *symbols; /* options.symbols of them, in the arena */
};

/* STATUS_BAD_CONFIG for options that make no sense, STATUS_NO_MEMORY. */
NODISCARD enum status sim_open(struct sim *sim, const struct sim_options *options);
void sim_close(struct sim *sim);
/* The port; sim must stay where it is. */
void sim_exchange(struct sim *sim, struct exchange *out);

/* The account of risk 1, decimals in USD. */
struct sim_account {
  int64_t cash_usd, unrealised_usd, equity_usd, margin_used_usd, margin_free_usd;
  int64_t realised_usd, fees_usd, funding_usd; /* since the start; funding positive: received */
  int64_t fills, liquidations;
  int64_t funding_unknown; /* settlements without a known rate, paid as 0 */
  int64_t path_dependent;  /* candles in which stop and target both lay */
  int32_t positions, live_orders;
};
void sim_account(const struct sim *sim, struct sim_account *out);
/* The open position of a symbol; false when flat. */
bool sim_position(const struct sim *sim, int32_t symbol, struct venue_position *out);
/* Venue-side record of protection: position-milliseconds during which the resting reduce-only stops of a symbol covered less than its position. */
int64_t sim_unprotected_ms(const struct sim *sim);
/* Since when the open position of a symbol stands without, ms; -1: it is covered, or there is none. */
int64_t sim_unprotected_since(const struct sim *sim, int32_t symbol);
/* The venue takes up to `qty` of a position by force, at the last price: by liquidation, or from the other side of somebody else's (deleveraging).
 * Returns what it took, 0 when there is no position or no price. For the judged sessions; what the market does to a position, the venue knows. */
int64_t sim_take_position(struct sim *sim, int32_t symbol, int64_t qty, bool is_deleveraging);
/* Live orders as the venue would list them; returns how many there are, writes at most max. */
int32_t sim_live_orders(const struct sim *sim, struct venue_order *out, int32_t max);

#endif
