/* One instruction at the venue: its fields, its life cycle and its identity. */
#ifndef CORE_TRADE_ORDER_H
#define CORE_TRADE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fsm.h"
#include "base/schema.h"
#include "core/market/instrument.h"

enum { ORDER_ID_MAX = 40 };

enum order_side { ORDER_BUY, ORDER_SELL, order_side_count };
enum order_type { ORDER_LIMIT, ORDER_MARKET, ORDER_STOP_MARKET, order_type_count };
enum order_purpose {
  PURPOSE_ENTRY,
  PURPOSE_ADD_ON,
  PURPOSE_STOP,
  PURPOSE_TARGET,
  PURPOSE_EXIT,
  PURPOSE_FLATTEN,
  PURPOSE_MANUAL,
  order_purpose_count
};
enum time_in_force { TIF_GTC, TIF_IOC, TIF_FOK, time_in_force_count };
enum liquidity { LIQUIDITY_MAKER, LIQUIDITY_TAKER, liquidity_count };
enum order_state {
  ORDER_PLANNED,
  ORDER_SENT,
  ORDER_UNKNOWN,
  ORDER_UNTRIGGERED,
  ORDER_WORKING,
  ORDER_PARTIALLY_FILLED,
  ORDER_CANCELLING,
  ORDER_FILLED,
  ORDER_CANCELLED,
  ORDER_REJECTED,
  order_state_count
};
enum order_trigger {
  ORDER_ON_SENT,
  ORDER_ON_NOT_WANTED,
  ORDER_ON_ACKNOWLEDGED,
  ORDER_ON_RESTING,
  ORDER_ON_REJECTED,
  ORDER_ON_NO_ANSWER,
  ORDER_ON_FOUND_WORKING,
  ORDER_ON_FOUND_PARTIAL,
  ORDER_ON_FOUND_UNTRIGGERED,
  ORDER_ON_FOUND_FILLED,
  ORDER_ON_FOUND_CANCELLED,
  ORDER_ON_FOUND_REJECTED,
  ORDER_ON_NOT_ARRIVED,
  ORDER_ON_TRIGGERED,
  ORDER_ON_FILL_PART,
  ORDER_ON_FILL_REST,
  ORDER_ON_CANCEL_SENT,
  ORDER_ON_CANCELLED,
  ORDER_ON_CANCEL_REFUSED_FILLED,
  ORDER_ON_CANCEL_REFUSED_WORKING,
  ORDER_ON_CANCEL_REFUSED_PARTIAL,
  ORDER_ON_CANCEL_REFUSED_UNTRIGGERED,
  ORDER_ON_AMENDED,
  order_trigger_count
};
extern const char *const order_side_names[];
extern const char *const order_type_names[];
extern const char *const order_purpose_names[];
extern const char *const time_in_force_names[];
extern const char *const liquidity_names[];
extern const char *const order_state_names[];
extern const char *const order_trigger_names[];
extern const struct fsm order_fsm;

struct order {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/trade/order_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
  int32_t symbol_index;
  int32_t rung;         /* of a target, else -1 */
  int64_t notional_sum; /* Σ fill qty·price, decimal, for the average */
  int64_t cancel_sent_at;
  int64_t unknown_since;
  int64_t query_at;           /* next query of an unknown order */
  int32_t queries, not_found; /* asked, and answered with no, since it is unknown */
  int32_t state_before_cancel;
};
extern const struct schema order_schema;

struct fill {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/trade/fill_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema fill_schema;

enum order_leg { LEG_ENTRY = 'E', LEG_ADD_ON = 'A', LEG_STOP = 'S', LEG_TARGET = 'T', LEG_EXIT = 'X', LEG_FLATTEN = 'F', LEG_MANUAL = 'M' };

/* bb-IIIIII-PPPPPPPP-LNN-AA (execution 2), Crockford base-32 of plan, child and attempt. instance: 6 characters. */
void order_make_client_id(char out[ORDER_ID_MAX], const char *instance, int64_t plan_id, enum order_leg leg, int32_t child, int32_t attempt);
/* Inverse; false for foreign ids or another instance. */
bool order_parse_client_id(const char *id, const char *instance, int64_t *plan_id, enum order_leg *leg, int32_t *child, int32_t *attempt);
bool order_is_ended(const struct order *order);
/* Live at the venue or possibly so: sent, unknown, untriggered, working, partially_filled, cancelling. */
bool order_is_live(const struct order *order);
int64_t order_remaining(const struct order *order);
enum order_side order_side_opening(int position_side); /* long -> buy */
enum order_side order_side_closing(int position_side);

#endif
