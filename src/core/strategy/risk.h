/* Loss limits, latches, slots and correlation: what may stop a plan (risk 4 to 6, 8). */
#ifndef CORE_STRATEGY_RISK_H
#define CORE_STRATEGY_RISK_H

#include "core/strategy/preset.h"
#include "core/strategy/reason.h"
#include "core/trade/ledger.h"

enum risk_cause { RISK_CAUSE_NONE, RISK_CAUSE_DRAWDOWN, RISK_CAUSE_DAY_LOSS, RISK_CAUSE_CONSECUTIVE_LOSSES, RISK_CAUSE_OPERATOR, risk_cause_count };
extern const char *const risk_cause_names[];
enum risk_status { RISK_SAFE, RISK_HALVED, RISK_DAY_LIMIT, RISK_KILLED, risk_status_count };
extern const char *const risk_status_names[];

struct latch {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/strategy/latch_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema latch_schema;

struct risk_state {
  bool is_halved, is_warned;
  struct latch day;  /* day limit: ends with the UTC day */
  struct latch kill; /* emergency: ends by reset */
};

enum risk_action {
  RISK_ACTION_NONE = 0,
  RISK_ACTION_HALVED = 1,
  RISK_ACTION_UNHALVED = 2,
  RISK_ACTION_DAY_LATCH = 4,
  RISK_ACTION_KILL = 8,
  RISK_ACTION_WARNING = 16,
  RISK_ACTION_DAY_OVER = 32
};

/* Evaluates the limits of risk 4 on the ledger; changes the state and returns a set of actions. With action KILL the caller issues the command
 * kill_switch with cause. A non-finite value fails closed: day latch. */
uint32_t risk_evaluate(struct risk_state *risk, const struct ledger *ledger, const struct preset *preset, int64_t ts, enum risk_cause *cause);
double risk_size_factor(const struct risk_state *risk);
enum risk_status risk_status(const struct risk_state *risk);

/* What the engine knows when a plan asks for admission; tests run in the order of risk 8. */
struct risk_request {
  const struct preset *preset;
  const char *session_word; /* NULL when running */
  const struct risk_state *risk;
  bool account_is_stale, clock_is_skewed, instrument_is_stale, is_delisting, is_recovering, storage_is_unavailable;
  double account_age_s, clock_offset_ms, instrument_age_h;
  int32_t slots_used;
  bool symbol_is_busy, symbol_cools_down;
  bool is_reference, has_reference;      /* correlation tests are skipped without a reference in the feed */
  double btc_correlation;                /* NaN null */
  double book_notional, book_correlated; /* open positions and working entries, without this plan */
  double plan_notional;                  /* 0 when not sized yet */
  double day_loss;
};

/* Tests before sizing (all but correlation_book). Returns true when none failed. */
bool risk_allows_entry(const struct risk_request *request, struct reason_list *reasons);
/* correlation_book with the sized notional. */
bool risk_allows_notional(const struct risk_request *request, struct reason_list *reasons);

#endif
