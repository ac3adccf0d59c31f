#include "core/trade/order.h"

#include <string.h>

#include "base/check.h"

const char *const order_side_names[] = {"buy", "sell"};
const char *const order_type_names[] = {"limit", "market", "stop_market"};
const char *const order_purpose_names[] = {"entry", "add_on", "stop", "target", "exit", "flatten", "manual"};
const char *const time_in_force_names[] = {"gtc", "ioc", "fok"};
const char *const liquidity_names[] = {"maker", "taker"};
const char *const order_state_names[] = {"planned",          "sent",       "unknown", "untriggered", "working",
                                         "partially_filled", "cancelling", "filled",  "cancelled",   "rejected"};
const char *const order_trigger_names[] = {"sent",
                                           "not_wanted",
                                           "acknowledged",
                                           "resting",
                                           "rejected",
                                           "no_answer",
                                           "found_working",
                                           "found_partial",
                                           "found_untriggered",
                                           "found_filled",
                                           "found_cancelled",
                                           "found_rejected",
                                           "not_arrived",
                                           "triggered",
                                           "fill_part",
                                           "fill_rest",
                                           "cancel_sent",
                                           "cancelled",
                                           "cancel_refused_filled",
                                           "cancel_refused_working",
                                           "cancel_refused_partial",
                                           "cancel_refused_untriggered",
                                           "amended"};

static const struct fsm_row order_rows[] = {
#define ORDER_MOVE(from, trigger, to) {ORDER_##from, ORDER_ON_##trigger, ORDER_##to},
#include "core/trade/order_fsm.def"
};
const struct fsm order_fsm = {.name = "order",
                              .rows = order_rows,
                              .row_count = (int)(sizeof order_rows / sizeof order_rows[0]),
                              .state_names = order_state_names,
                              .state_count = order_state_count,
                              .trigger_names = order_trigger_names,
                              .trigger_count = order_trigger_count};

/* clang-format off */
#define FIELD_OWNER struct order
static const struct field order_fields[] = {
#include "base/fields_table.h"
#include "core/trade/order_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
#define FIELD_OWNER struct fill
static const struct field fill_fields[] = {
#include "base/fields_table.h"
#include "core/trade/fill_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
/* clang-format on */
const struct schema order_schema = {"order", order_fields, (int)(sizeof order_fields / sizeof order_fields[0]), sizeof(struct order)};
const struct schema fill_schema = {"fill", fill_fields, (int)(sizeof fill_fields / sizeof fill_fields[0]), sizeof(struct fill)};

/* bb-IIIIII-PPPPPPPP-LNN-AA: where each part starts and how long it is. */
enum {
  INSTANCE_AT = 3,
  INSTANCE_DIGITS = 6,
  PLAN_AT = 10,
  PLAN_DIGITS = 8,
  LEG_AT = 19,
  CHILD_AT = 20,
  ATTEMPT_AT = 23,
  PAIR_DIGITS = 2,
  ID_LENGTH = 25
};
static const char digits_of_32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void put_digits(char *out, int width, int64_t value) {
  check(value >= 0);
  for (int i = width - 1; i >= 0; i--) {
    out[i] = digits_of_32[value & 31];
    value >>= 5;
  }
  check(value == 0); /* a wrapped number would make one id twice */
}

static bool get_digits(const char *text, int width, int64_t *out) {
  int64_t value = 0;
  for (int i = 0; i < width; i++) {
    const char *digit = memchr(digits_of_32, text[i], sizeof digits_of_32 - 1);
    if (digit == NULL) return false;
    value = value << 5 | (int64_t)(digit - digits_of_32);
  }
  *out = value;
  return true;
}

static bool is_leg(char c) {
  return c != '\0' && strchr("EASTXFM", c) != NULL;
}

void order_make_client_id(char out[ORDER_ID_MAX], const char *instance, int64_t plan_id, enum order_leg leg, int32_t child, int32_t attempt) {
  check(strlen(instance) == INSTANCE_DIGITS && is_leg((char)leg));
  memcpy(out, "bb-IIIIII-PPPPPPPP-LNN-AA", ID_LENGTH + 1);
  memcpy(out + INSTANCE_AT, instance, INSTANCE_DIGITS);
  put_digits(out + PLAN_AT, PLAN_DIGITS, plan_id);
  out[LEG_AT] = (char)leg;
  put_digits(out + CHILD_AT, PAIR_DIGITS, child);
  put_digits(out + ATTEMPT_AT, PAIR_DIGITS, attempt);
}

bool order_parse_client_id(const char *id, const char *instance, int64_t *plan_id, enum order_leg *leg, int32_t *child, int32_t *attempt) {
  if (strlen(id) != ID_LENGTH || memcmp(id, "bb-", INSTANCE_AT) != 0) return false;
  if (strlen(instance) != INSTANCE_DIGITS || memcmp(id + INSTANCE_AT, instance, INSTANCE_DIGITS) != 0) return false;
  if (id[PLAN_AT - 1] != '-' || id[LEG_AT - 1] != '-' || id[ATTEMPT_AT - 1] != '-' || !is_leg(id[LEG_AT])) return false;
  int64_t child_number;
  int64_t attempt_number;
  if (!get_digits(id + PLAN_AT, PLAN_DIGITS, plan_id)) return false;
  if (!get_digits(id + CHILD_AT, PAIR_DIGITS, &child_number) || !get_digits(id + ATTEMPT_AT, PAIR_DIGITS, &attempt_number)) return false;
  *leg = (enum order_leg)id[LEG_AT];
  *child = (int32_t)child_number;
  *attempt = (int32_t)attempt_number;
  return true;
}

bool order_is_ended(const struct order *order) {
  return order->state == ORDER_FILLED || order->state == ORDER_CANCELLED || order->state == ORDER_REJECTED;
}

bool order_is_live(const struct order *order) {
  return order->state != ORDER_PLANNED && !order_is_ended(order);
}

int64_t order_remaining(const struct order *order) {
  return order->qty - order->filled_qty;
}

enum order_side order_side_opening(int position_side) {
  return position_side == 0 ? ORDER_BUY : ORDER_SELL;
}

enum order_side order_side_closing(int position_side) {
  return position_side == 0 ? ORDER_SELL : ORDER_BUY;
}
