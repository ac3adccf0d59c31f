/* Working an entry or add-on: price, depth guard, slices, iceberg children, timers (execution 3 to 5). A plan is a small machine: execution_next says
 * what to do now; the engine sends, cancels and reports back. */
#ifndef CORE_TRADE_EXECUTION_H
#define CORE_TRADE_EXECUTION_H

#include "core/market/market_view.h"
#include "core/strategy/signal.h"
#include "core/trade/order.h"
#include "core/trade/position.h"

enum plan_intent { PLAN_ENTRY, PLAN_ADD_ON, PLAN_EXIT, PLAN_FLATTEN, PLAN_MANUAL, plan_intent_count };
enum plan_end {
  PLAN_WORKING,
  PLAN_FILLED,
  PLAN_LIMIT_TIMEOUT,
  PLAN_DEADMAN,
  PLAN_SLIPPAGE_CAP,
  PLAN_CANCELLED,
  PLAN_REJECTED,
  PLAN_EXPIRED,
  plan_end_count
};
extern const char *const plan_intent_names[];
extern const char *const plan_end_names[];

struct plan {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/trade/execution_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
  bool is_open;         /* in use and not ended */
  struct signal signal; /* of an entry */
  int32_t symbol_index;
  int64_t slice_qty[50]; /* quantities of the slices not yet sent are from slice_next on */
  int32_t slice_count, slice_next;
  int64_t slice_left;      /* of the slice in work: quantity of iceberg children not yet sent */
  int64_t child_qty;       /* iceberg child size of the slice in work */
  int32_t child_count;     /* children sent so far = next child number */
  int64_t filled_notional; /* Σ fill qty·price, decimal, for the average */
  int64_t next_slice_at;
  int64_t waiting_since;         /* for depth; 0 not waiting */
  char live_order[ORDER_ID_MAX]; /* child at the venue, "" none; execution_next sets "-" with SEND, the engine writes the id over it */
  bool cancel_requested;         /* CANCEL was returned for the live child; the engine retries a refused cancel itself */
  bool post_only_refused;        /* the venue refused the last child because it would have taken: the next one stands at the new best */
  bool child_is_limit;           /* the live child has a limit_timeout, unless it is a retest's */
  bool is_hidden;                /* the slice in work is sent as iceberg children */
  int64_t child_sent_at;         /* limit_timeout counts from here; the engine moves it to the acknowledgement */
  int64_t last_life_at; /* last sign of life of the venue while a child is live. The ENGINE moves it at every acknowledgement, private-stream message
                           and pong; a simulated venue is alive at every event */
  int64_t first_fill_at;
  int64_t expires_at; /* signal expiry */
  bool is_retest, is_channel, is_ending, post_only_retried;
  int32_t ending_code; /* enum reason_code of that, given with END; 0 none */
  double ending_value, ending_threshold;
  enum plan_end ending_as; /* why the live child is being cancelled */
  int64_t channel_target;  /* decimal, 0 none */
  int64_t stop;            /* protective stop of the plan */
  double leverage;
  double btc_correlation; /* at the plan's making, NaN null */
  int64_t reserved_usd;   /* margin reserved for what is not filled */
};
extern const struct schema plan_schema;

struct execution_input {
  const struct preset *preset;
  const struct instrument *instrument;
  const struct market_view *view; /* at the moment of sending */
  int64_t ts;
  uint32_t capabilities;
  bool level_failed; /* retest: its level failed or expired */
};

/* Before execution_plan the caller fills in ids, symbol, side, strategy, intent, planned_price, created_at, expires_at (0 none), is_retest,
 * is_channel, stop and, for an entry, signal. Level rules (run_away, cap by max_distance_from_level_bps) hold for momentum entries; add-ons and the
 * channel have no level. */
/* Splits the quantity into slices and children by depth guard, TWAP and iceberg. false: refused (depth_guard), reasons say so. */
bool execution_plan(struct plan *plan, const struct execution_input *input, int64_t qty, struct reason_list *reasons);

enum execution_step { EXECUTION_WAIT, EXECUTION_SEND, EXECUTION_CANCEL, EXECUTION_END };
/* What to do now. SEND: order filled in (side, type, qty, price, time in force, post_only; ids, purpose and symbol are the engine's). CANCEL: the
 * live child; plan->ending_as says why. END: plan->ended_by is set. The reason
 * of an end comes with END, also when a live child had to be cancelled first. */
enum execution_step execution_next(struct plan *plan, const struct execution_input *input, struct order *order, struct reason_list *reasons);
/* A child ended at the venue (filled, cancelled or rejected). is_post_only_reject: retried once at the new best. */
void execution_on_child_end(struct plan *plan, const struct order *child, bool is_post_only_reject, int64_t ts);
void execution_on_fill(struct plan *plan, const struct fill *fill);
/* Asks the plan to stop: no further children; a live child is cancelled with execution_next. */
void execution_stop(struct plan *plan, enum plan_end reason);

#endif
