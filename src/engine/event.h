/* Events: everything that happens, the only input of the engine. Values; once made nobody changes them. Borrowed arrays live until the step returns.
 */
#ifndef ENGINE_EVENT_H
#define ENGINE_EVENT_H

#include "base/schema.h"
#include "core/market/market.h"
#include "core/strategy/risk.h"
#include "core/trade/order.h"
#include "core/trade/position.h"
#include "engine/command.h"

enum link_state { LINK_UP, LINK_DOWN, LINK_LAGGING, link_state_count };
/* Why a request was refused: post_only = it would have taken; reduce_only = nothing to reduce; margin; rule = tick, lot, minimum, unknown symbol;
 * price = stop already beyond the trigger; not_found, not_cancellable = cancel or amend; other. */
enum reject_kind {
  REJECT_POST_ONLY,
  REJECT_REDUCE_ONLY,
  REJECT_MARGIN,
  REJECT_RULE,
  REJECT_PRICE,
  REJECT_NOT_FOUND,
  REJECT_NOT_CANCELLABLE,
  REJECT_OTHER,
  reject_kind_count
};
enum order_change {
  CHANGE_CANCELLED,
  CHANGE_AMENDED,
  CHANGE_TRIGGERED,
  CHANGE_REJECTED,
  CHANGE_CANCEL_REFUSED,
  CHANGE_AMEND_REFUSED,
  CHANGE_NO_ANSWER,
  order_change_count
};
enum query_kind { QUERY_ORDER, QUERY_ORDERS, QUERY_POSITIONS, QUERY_ACCOUNT, QUERY_FILLS, query_kind_count };
enum restart_cause { RESTART_CLEAN, RESTART_CRASH, RESTART_HANDOVER, restart_cause_count };
extern const char *const link_state_names[];
extern const char *const reject_kind_names[];
extern const char *const order_change_names[];
extern const char *const query_kind_names[];
extern const char *const restart_cause_names[];

/* Items of borrowed arrays. */
struct venue_order {
  char client_order_id[ORDER_ID_MAX];
  char venue_order_id[ORDER_ID_MAX];
  int32_t symbol;
  int32_t state;                                 /* enum order_state as the venue sees it */
  int64_t qty, filled_qty, price, trigger_price; /* decimals; DECIMAL_NULL for none */
};
struct venue_position {
  int32_t symbol;
  int32_t side; /* enum position_side */
  int64_t qty, entry;
};
struct symbol_flag {
  int32_t symbol;
  bool is_whitelisted, is_blacklisted;
};

/* Of the payloads' bytes; raised when fields are added to a kind, together with the journal's. 2: commands say more. */
enum { EVENT_VERSION = 2 };

enum event_kind {
/* clang-format off */
#define EVENT_BEGIN(constant, name) EVENT_##constant,
#include "base/fields_nothing.h"
#include "engine/event.def"
#include "base/fields_end.h"
  /* clang-format on */
  event_kind_count
};
extern const char *const event_kind_names[];

/* clang-format off */
#include "base/fields_struct.h"
#define EVENT_BEGIN(constant, name) struct event_##name {
#define EVENT_END(constant, name) \
  };
#define EVENT_ITEMS(type, name) \
  int32_t name##_count;         \
  const struct type *name;
#include "engine/event.def"
#include "base/fields_end.h"
/* clang-format on */

struct event {
  int64_t ts;
  uint64_t seq; /* of the journal; 0 before it is assigned */
  int32_t kind; /* enum event_kind */
  union {
/* clang-format off */
#define EVENT_BEGIN(constant, name) struct event_##name name;
#include "base/fields_nothing.h"
#include "engine/event.def"
#include "base/fields_end.h"
    /* clang-format on */
  };
  /* Of EVENT_PRESET: the validated preset, borrowed; the journal stores preset_json instead, which gives the same preset. */
  const struct preset *preset_value;
  const char *preset_json;
};

/* All but the payload, which the caller sets: it is larger than most events need, and this runs several times a minute. */
static inline void event_begin(struct event *event, int64_t ts, enum event_kind kind) {
  event->ts = ts;
  event->seq = 0;
  event->kind = (int32_t)kind;
  event->preset_value = NULL;
  event->preset_json = NULL;
}

extern const struct schema *const event_schemas[]; /* by kind: the fields without borrowed arrays */

/* The borrowed arrays of the kinds, in payload order. */
struct event_items {
  int32_t kind;
  const char *name;
  uint32_t count_offset, items_offset; /* in struct event */
  const struct schema *schema;
};
extern const struct event_items event_items[];
extern const int event_items_count;

/* The payload struct of the event's kind, described by event_schemas[kind]. */
const void *event_payload(const struct event *event);
/* First item and count of a borrowed array of the event's kind. */
const void *event_items_of(const struct event_items *items, const struct event *event, int32_t *count);
/* Payload bytes of an event (fields, then each borrowed array with a u32 count, then the preset's JSON). 0 when out has no room. */
size_t event_encode(const struct event *event, unsigned char *out, size_t size);
/* Upper bound of the bytes that event_encode needs. */
size_t event_encoded_max(const struct event *event);
/* Inverse. Borrowed arrays are placed into scratch (aligned to 16; scratch_size bytes); kind and ts are given. preset_value stays NULL: the caller
 * parses preset_json. Returns bytes read, 0 when the bytes are not valid. */
size_t event_decode(struct event *event, int32_t kind, int64_t ts, const unsigned char *bytes, size_t size, void *scratch, size_t scratch_size);
/* The same for bytes of an older version of the format: fields that it did not have are zero. */
size_t event_decode_version(struct event *event, uint32_t version, int32_t kind, int64_t ts, const unsigned char *bytes, size_t size, void *scratch,
                            size_t scratch_size);

#endif
