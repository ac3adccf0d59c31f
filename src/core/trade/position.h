/* What is open in a symbol: fields, life cycle, R accounting. Changed by position_ functions only; the engine decides when. */
#ifndef CORE_TRADE_POSITION_H
#define CORE_TRADE_POSITION_H

#include "base/fsm.h"
#include "core/strategy/preset.h"
#include "core/strategy/reason.h"
#include "core/trade/order.h"

enum { POSITION_TARGETS_MAX = 6 };

enum trading_mode { MODE_PAPER, MODE_LIVE, trading_mode_count };
enum position_state {
  POSITION_OPENING,
  POSITION_ENTRY_CONFIRMATION,
  POSITION_RUNNING,
  POSITION_BREAKEVEN,
  POSITION_TRAILING,
  POSITION_PARTIAL_CLOSED,
  POSITION_EXITING,
  POSITION_CLOSED,
  position_state_count
};
enum position_trigger {
  POSITION_ON_ENTRY_COMPLETE,
  POSITION_ON_ENTRY_CONFIRMED,
  POSITION_ON_BREAKEVEN_REACHED,
  POSITION_ON_TRAILING_REACHED,
  POSITION_ON_TARGET_FILLED,
  POSITION_ON_EXIT_SENT,
  POSITION_ON_EXIT_WITHDRAWN_CONFIRMATION,
  POSITION_ON_EXIT_WITHDRAWN_RUNNING,
  POSITION_ON_EXIT_WITHDRAWN_BREAKEVEN,
  POSITION_ON_EXIT_WITHDRAWN_PARTIAL,
  POSITION_ON_EXIT_WITHDRAWN_TRAILING,
  POSITION_ON_QUANTITY_ZERO,
  position_trigger_count
};
enum management { MANAGEMENT_FULL, MANAGEMENT_GUARD, management_count };
enum stop_rule {
  STOP_INITIAL,
  STOP_BREAKEVEN,
  STOP_LOCK_PROFIT,
  STOP_TRAILING,
  STOP_PARTIAL_TRAIL,
  STOP_CHANDELIER,
  STOP_ATR,
  STOP_MANUAL,
  stop_rule_count
};
enum target_state { TARGET_WAITING, TARGET_WORKING, TARGET_FILLED, TARGET_CANCELLED, target_state_count };
extern const char *const trading_mode_names[];
extern const char *const position_state_names[];
extern const char *const position_trigger_names[];
extern const char *const management_names[];
extern const char *const stop_rule_names[];
extern const char *const target_state_names[];
extern const struct fsm position_fsm;

struct target {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/trade/target_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema target_schema;

/* A rung as an operator wants it. */
struct target_change {
  char level_name[17];
  int64_t price;   /* decimal */
  double size_pct; /* fraction of the initial quantity */
};
extern const struct schema target_change_schema;

struct position {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/trade/position_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
  int32_t symbol_index;
  int64_t plan_id;        /* of the entry; legs of its orders carry it */
  double fee_in, fee_out; /* fractions */
  double atr_entry;       /* atr_5m at the signal candle */
  int64_t entry_cost;     /* Σ entry and add-on fills qty·price */
  int64_t exit_cost;      /* Σ closing fills qty·price */
  int64_t qty_entered;    /* Σ entry and add-on quantities */
  int64_t entry_fees;     /* Σ fees of entry and add-on fills, part of fees_usd */
  int64_t signal_at;      /* close time of the signal candle, ms; 0 unknown: the candle before the first held one */
  int64_t best;           /* most favourable price since the first fill, 0 none */
  int64_t worst;
  int64_t unprotected_since; /* 0: protected */
  int64_t planned_entry;     /* price the plan wanted */
  double slippage_exit_sum;  /* Σ qty·adverse (planned - fill) of exits */
  int32_t targets_filled, target_mask;
  int32_t level_sources;
  bool touched_target; /* any target fill, whole or part */
  bool lock_profit_reached;
  bool path_dependent;
  int32_t state_before_exit;
  int64_t last_candle_ts; /* newest 5m candle counted in bars_held */
};
extern const struct schema position_schema;

struct trade {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/trade/trade_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema trade_schema;

/* s = +1 long, -1 short. */
int position_sign(const struct position *position);
/* Money that the open quantity cost, decimal USD. Realised P&L is taken out of Σ qty·price, never out of the rounded average, so that at every moment
 * realised + unrealised = s·(exit_cost + qty·mark - entry_cost) to the last digit; the part that a closing fill takes from the cost is rounded once
 * (half away from zero) and the last one takes all that is left, so no residue survives the position. */
int64_t position_open_cost(const struct position *position);
/* Applies an entry or add-on fill: quantity, average entry (weighted, rounded to 8 decimals), fees. Before the entry is complete also r_distance is
 * provisional. */
void position_on_entry_fill(struct position *position, const struct fill *fill, bool is_add_on);
/* Freezes E, r_distance = |E - stop_initial| and r_usd = qty·(r_distance + fees per unit at E and stop) (risk 2). */
void position_complete_entry(struct position *position, int64_t ts);
/* Applies a closing fill: realised P&L against the average entry, fees, quantity. planned: price of the trigger, limit or decision for slippage (0
 * none). Returns the part of the fill beyond the open quantity, 0 normally: it is not applied (its fee is), the caller must reconcile. */
int64_t position_on_exit_fill(struct position *position, const struct fill *fill, int64_t planned);
void position_on_funding(struct position *position, int64_t amount_usd);
/* New mark: unrealised and total P&L, price_r, best/worst with high and low (pass price thrice without a candle; a mark may lie outside
 * the candle and then counts itself), mfe, mae. */
void position_on_price(struct position *position, int64_t price, int64_t high, int64_t low);
/* The trade of a closed position. */
void position_to_trade(const struct position *position, int64_t trade_id, struct trade *out);
/* Money lost if the stop fills at its price, fees included; negative when the stop locks a profit. */
int64_t position_open_risk(const struct position *position);

#endif
