/* Tables of the events and their payload as bytes. */
#include "engine/event.h"

#include <string.h>

#include "base/check.h"

const char *const link_state_names[] = {"up", "down", "lagging"};
const char *const reject_kind_names[] = {"post_only", "reduce_only", "margin", "rule", "price", "not_found", "not_cancellable", "other"};
const char *const order_change_names[] = {"cancelled", "amended", "triggered", "rejected", "cancel_refused", "amend_refused", "no_answer"};
const char *const query_kind_names[] = {"order", "orders", "positions", "account", "fills"};
const char *const restart_cause_names[] = {"clean", "crash", "handover"};

/* ---- schemas of the payloads ---- */

union event_lines {
#include "base/fields_line_struct.h"
#define EVENT_BEGIN(constant, name) struct {
#define EVENT_END(constant, name) \
  }                               \
  ;
#define EVENT_ITEMS(type, name) \
  int32_t FIELD_COUNT_AT_LINE;  \
  const struct type *FIELD_AT_LINE;
#include "engine/event.def"

#include "base/fields_end.h"
};

#define FIELD_OWNER union event_lines
#include "base/fields_line_table.h"
#define EVENT_BEGIN(constant, name) static const struct field event_##name##_fields[] = {
#define EVENT_END(constant, name)                      \
  }                                                    \
  ;                                                    \
  static const struct schema event_##name##_schema = { \
      #name, event_##name##_fields, (int)(sizeof event_##name##_fields / sizeof event_##name##_fields[0]), sizeof(struct event_##name)};
#include "engine/event.def"

#include "base/fields_end.h"
#undef FIELD_OWNER
#undef FIELD_ROW

/* Passes over event.def that need no fields. */
#include "base/fields_nothing.h"

const struct schema *const event_schemas[] = {
#define EVENT_BEGIN(constant, name) &event_##name##_schema,
#include "engine/event.def"
};
const char *const event_kind_names[] = {
#define EVENT_BEGIN(constant, name) #name,
#include "engine/event.def"
};
#include "base/fields_end.h"

/* ---- items of borrowed arrays ---- */

#include "base/fields_table.h"

#define FIELD_OWNER struct public_trade
static const struct field public_trade_fields[] = {FIELD_TIME(ts) FIELD_DECIMAL(price) FIELD_DECIMAL(qty) FIELD_BOOL(is_buy)};
#undef FIELD_OWNER
#define FIELD_OWNER struct book_level
static const struct field book_level_fields[] = {FIELD_DECIMAL(price) FIELD_DECIMAL(qty)};
#undef FIELD_OWNER
#define FIELD_OWNER struct venue_order
static const struct field venue_order_fields[] = {FIELD_TEXT(client_order_id, ORDER_ID_MAX) FIELD_TEXT(venue_order_id, ORDER_ID_MAX) FIELD_I32(
    symbol) FIELD_ENUM(state, order_state) FIELD_DECIMAL(qty) FIELD_DECIMAL(filled_qty) FIELD_DECIMAL_NULL(price) FIELD_DECIMAL_NULL(trigger_price)};
#undef FIELD_OWNER
#define FIELD_OWNER struct venue_position
static const struct field venue_position_fields[] = {FIELD_I32(symbol) FIELD_ENUM(side, position_side) FIELD_DECIMAL(qty) FIELD_DECIMAL(entry)};
#undef FIELD_OWNER
#define FIELD_OWNER struct symbol_flag
static const struct field symbol_flag_fields[] = {FIELD_I32(symbol) FIELD_BOOL(is_whitelisted) FIELD_BOOL(is_blacklisted)};
#undef FIELD_OWNER
#include "base/fields_end.h"

#define ITEM_SCHEMA(type) \
  static const struct schema type##_schema = {#type, type##_fields, (int)(sizeof type##_fields / sizeof type##_fields[0]), sizeof(struct type)};
ITEM_SCHEMA(public_trade)
ITEM_SCHEMA(book_level)
ITEM_SCHEMA(venue_order)
ITEM_SCHEMA(venue_position)
ITEM_SCHEMA(symbol_flag)

#define ITEMS(kind_name, record, member, type) \
  { EVENT_##kind_name, #member, offsetof(struct event, record.member##_count), offsetof(struct event, record.member), &type##_schema }
const struct event_items event_items[] = {
    ITEMS(PUBLIC_TRADES, public_trades, trades, public_trade),
    ITEMS(BOOK, book, bids, book_level),
    ITEMS(BOOK, book, asks, book_level),
    ITEMS(QUERY_RESULT, query_result, orders, venue_order),
    ITEMS(VENUE_POSITIONS, venue_positions, positions, venue_position),
    ITEMS(PRESET, preset, flags, symbol_flag),
};
const int event_items_count = (int)(sizeof event_items / sizeof event_items[0]);

/* One row of event_items for every EVENT_ITEMS of event.def. */
#define EVENT_ITEMS(type, name) +1
#include "base/fields_nothing.h"
_Static_assert(sizeof event_items / sizeof event_items[0] == 0
#include "engine/event.def"
               ,
               "event_items misses a row");
#include "base/fields_end.h"

const void *event_payload(const struct event *event) {
  return &event->tick; /* the payloads share their address */
}

static int32_t items_count(const struct event_items *items, const struct event *event) {
  int32_t count;
  memcpy(&count, (const unsigned char *)event + items->count_offset, sizeof count);
  check(count >= 0);
  return count;
}

const void *event_items_of(const struct event_items *items, const struct event *event, int32_t *count) {
  const void *first;
  memcpy(&first, (const unsigned char *)event + items->items_offset, sizeof first);
  *count = items_count(items, event);
  return first;
}

/* ---- bytes ---- */

static void put_u32(unsigned char *out, uint32_t value) {
  for (int i = 0; i < 4; i++) out[i] = (unsigned char)(value >> (8 * i));
}

static uint32_t get_u32(const unsigned char *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Bytes of the array, or 0 without room; an empty array takes the four of its count. */
static size_t encode_items(const struct event_items *items, const struct event *event, unsigned char *out, size_t size) {
  int32_t count;
  const unsigned char *item = event_items_of(items, event, &count);
  if (size < 4) return 0;
  put_u32(out, (uint32_t)count);
  size_t used = 4;
  for (int32_t i = 0; i < count; i++, item += items->schema->size) {
    size_t length = schema_encode(items->schema, item, out + used, size - used);
    if (length == 0) return 0;
    used += length;
  }
  return used;
}

static size_t encode_json(const char *json, unsigned char *out, size_t size) {
  size_t length = json != NULL ? strlen(json) : 0;
  if (size < 4 || length > size - 4) return 0;
  put_u32(out, (uint32_t)length);
  if (length > 0) memcpy(out + 4, json, length);
  return 4 + length;
}

size_t event_encode(const struct event *event, unsigned char *out, size_t size) {
  size_t used = schema_encode(event_schemas[event->kind], event_payload(event), out, size);
  if (used == 0) return 0;
  for (int i = 0; i < event_items_count; i++) {
    if (event_items[i].kind != event->kind) continue;
    size_t length = encode_items(&event_items[i], event, out + used, size - used);
    if (length == 0) return 0;
    used += length;
  }
  if (event->kind == EVENT_PRESET) {
    size_t length = encode_json(event->preset_json, out + used, size - used);
    if (length == 0) return 0;
    used += length;
  }
  return used;
}

size_t event_encoded_max(const struct event *event) {
  /* No field takes more bytes than its member and the length before it. */
  size_t size = event_schemas[event->kind]->size + 4 * (size_t)event_schemas[event->kind]->field_count;
  if (event->kind == EVENT_INSTRUMENT) size += 4 * (size_t)instrument_schema.field_count;
  if (event->kind == EVENT_COMMAND) size += POSITION_TARGETS_MAX * 4 * (size_t)target_change_schema.field_count;
  for (int i = 0; i < event_items_count; i++) {
    const struct event_items *items = &event_items[i];
    if (items->kind == event->kind) size += 4 + (size_t)items_count(items, event) * (items->schema->size + 4 * (size_t)items->schema->field_count);
  }
  if (event->kind == EVENT_PRESET) size += 4 + (event->preset_json != NULL ? strlen(event->preset_json) : 0);
  return size;
}

/* Memory for borrowed arrays, in order. */
struct scratch {
  unsigned char *memory;
  size_t size, used;
};

static void *scratch_take(struct scratch *scratch, size_t size) {
  size_t rounded = (size + 15) & ~(size_t)15;
  if (rounded < size || rounded > scratch->size - scratch->used) return NULL;
  void *memory = scratch->memory + scratch->used;
  scratch->used += rounded;
  return memory;
}

static size_t decode_items(const struct event_items *items, struct event *event, const unsigned char *bytes, size_t size, struct scratch *scratch) {
  if (size < 4) return 0;
  uint32_t count = get_u32(bytes);
  /* An item has at least a byte, so a count beyond the bytes left is rubbish and no reason to multiply. */
  if (count > size - 4 || count > INT32_MAX) return 0;
  unsigned char *item = count > 0 ? scratch_take(scratch, (size_t)count * items->schema->size) : NULL;
  if (count > 0 && item == NULL) return 0;
  const void *first = item;
  int32_t stored = (int32_t)count;
  memcpy((unsigned char *)event + items->items_offset, &first, sizeof first);
  memcpy((unsigned char *)event + items->count_offset, &stored, sizeof stored);
  size_t used = 4;
  for (uint32_t i = 0; i < count; i++, item += items->schema->size) {
    size_t length = schema_decode(items->schema, item, bytes + used, size - used);
    if (length == 0) return 0;
    used += length;
  }
  return used;
}

static size_t decode_json(struct event *event, const unsigned char *bytes, size_t size, struct scratch *scratch) {
  if (size < 4) return 0;
  uint32_t length = get_u32(bytes);
  if (length == 0) return 4;
  if (length > size - 4 || memchr(bytes + 4, '\0', length) != NULL) return 0;
  char *json = scratch_take(scratch, (size_t)length + 1);
  if (json == NULL) return 0;
  memcpy(json, bytes + 4, length);
  json[length] = '\0';
  event->preset_json = json;
  return 4 + length;
}

/* Fields of a kind in version 1, where it had fewer than now; new ones are only ever added at the end. */
static int fields_in_version_1(int32_t kind) {
  if (kind == EVENT_COMMAND) return 16;
  return event_schemas[kind]->field_count;
}

size_t event_decode(struct event *event, int32_t kind, int64_t ts, const unsigned char *bytes, size_t size, void *scratch, size_t scratch_size) {
  return event_decode_version(event, EVENT_VERSION, kind, ts, bytes, size, scratch, scratch_size);
}

size_t event_decode_version(struct event *event, uint32_t version, int32_t kind, int64_t ts, const unsigned char *bytes, size_t size, void *scratch,
                            size_t scratch_size) {
  if (kind < 0 || kind >= event_kind_count) return 0;
  memset(event, 0, sizeof *event);
  event->kind = kind;
  event->ts = ts;
  struct scratch memory = {scratch, scratch_size, 0};
  struct schema schema = *event_schemas[kind];
  if (version == 1) schema.field_count = fields_in_version_1(kind);
  size_t used = schema_decode(&schema, &event->tick, bytes, size);
  if (used == 0) return 0;
  for (int i = 0; i < event_items_count; i++) {
    if (event_items[i].kind != kind) continue;
    size_t length = decode_items(&event_items[i], event, bytes + used, size - used, &memory);
    if (length == 0) return 0;
    used += length;
  }
  if (kind == EVENT_PRESET) {
    size_t length = decode_json(event, bytes + used, size - used, &memory);
    if (length == 0) return 0;
    used += length;
  }
  return used;
}
