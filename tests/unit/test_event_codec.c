/* Events, intents and records as bytes: everything comes back, nothing shorter is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "engine/intent.h"
#include "engine/record.h"

enum { SCRATCH = 1 << 16, ITEMS_MAX = 5 };

static void fill_field(const struct field *field, unsigned char *object, struct random *random);

static void fill_record(const struct schema *schema, unsigned char *object, struct random *random) {
  for (int i = 0; i < schema->field_count; i++) fill_field(&schema->fields[i], object, random);
}

static void fill_text(char *out, uint32_t size, struct random *random) {
  uint64_t length = random_below(random, size);
  for (uint64_t i = 0; i < length; i++) out[i] = (char)(1 + random_below(random, 126));
  out[length] = '\0';
}

static void fill_field(const struct field *field, unsigned char *object, struct random *random) {
  unsigned char *at = object + field->offset;
  int64_t wide = (int64_t)random_next(random);
  int32_t narrow = (int32_t)random_next(random);
  switch (field->kind) {
    case FIELD_KIND_I32:
      memcpy(at, &narrow, sizeof narrow);
      return;
    case FIELD_KIND_BOOL:
      *(bool *)at = (wide & 1) != 0;
      return;
    case FIELD_KIND_DOUBLE: {
      double value = random_normal(random) * 1e6;
      memcpy(at, &value, sizeof value);
      return;
    }
    case FIELD_KIND_TEXT:
      fill_text((char *)at, field->size, random);
      return;
    case FIELD_KIND_ENUM:
      narrow = (int32_t)random_below(random, (uint64_t)field->name_count);
      memcpy(at, &narrow, sizeof narrow);
      return;
    case FIELD_KIND_LIST:
      narrow = (int32_t)random_below(random, field->size + 1);
      memcpy(object + field->count_offset, &narrow, sizeof narrow);
      for (int32_t i = 0; i < narrow; i++) fill_record(field->item, at + (size_t)i * field->item->size, random);
      return;
    default:
      memcpy(at, &wide, sizeof wide);
  }
}

/* Encoded again, the same bytes: comparing structs would compare their padding. */
static void assert_same_bytes(const struct event *event, const unsigned char *bytes, size_t size) {
  unsigned char *again = malloc(size);
  assert_non_null(again);
  assert_int_equal(event_encode(event, again, size), size);
  assert_memory_equal(again, bytes, size);
  free(again);
}

static void add_items(struct event *event, unsigned char *memory, struct random *random) {
  for (int i = 0; i < event_items_count; i++) {
    const struct event_items *items = &event_items[i];
    if (items->kind != event->kind) continue;
    int32_t count = (int32_t)random_below(random, ITEMS_MAX + 1);
    const unsigned char *first = memory;
    for (int32_t k = 0; k < count; k++, memory += items->schema->size) fill_record(items->schema, memory, random);
    memcpy((unsigned char *)event + items->count_offset, &count, sizeof count);
    if (count > 0) memcpy((unsigned char *)event + items->items_offset, &first, sizeof first);
  }
}

static void test_every_event_comes_back(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 1);
  _Alignas(16) static unsigned char items[SCRATCH], scratch[SCRATCH];
  for (int32_t kind = 0; kind < event_kind_count; kind++) {
    for (int round = 0; round < 20; round++) {
      struct event event = {.ts = 7, .kind = kind};
      fill_record(event_schemas[kind], (unsigned char *)&event.tick, &random);
      memset(items, 0, sizeof items);
      add_items(&event, items, &random);
      if (kind == EVENT_PRESET && round % 2 == 0) event.preset_json = "{\"name\": \"x\"}";
      size_t room = event_encoded_max(&event);
      unsigned char *bytes = malloc(room);
      assert_non_null(bytes);
      size_t size = event_encode(&event, bytes, room);
      assert_true(size > 0 && size <= room);
      struct event back;
      assert_int_equal(event_decode(&back, kind, 7, bytes, size, scratch, sizeof scratch), size);
      assert_int_equal(back.ts, 7);
      assert_same_bytes(&back, bytes, size);
      if (event.preset_json != NULL) assert_string_equal(back.preset_json, event.preset_json);
      for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(event_encode(&event, bytes, cut), 0);
        unsigned char *part = malloc(cut + 1); /* so that reading on is seen */
        assert_non_null(part);
        assert_int_equal(event_encode(&event, bytes, room), size);
        memcpy(part, bytes, cut);
        assert_int_equal(event_decode(&back, kind, 7, part, cut, scratch, sizeof scratch), 0);
        free(part);
      }
      free(bytes);
    }
  }
}

/* Journals of version 1 end a command after its price. */
static void test_commands_of_version_1_are_read(void **state) {
  (void)state;
  struct event event = {.ts = 7, .kind = EVENT_COMMAND};
  event.command.command = COMMAND_MOVE_STOP;
  event.command.operation_id = 12;
  event.command.position_id = 3;
  event.command.price = 5 * DECIMAL_ONE;
  strcpy(event.command.user, "somebody");
  struct schema old = *event_schemas[EVENT_COMMAND];
  old.field_count = 16;
  assert_string_equal(old.fields[15].name, "price");
  unsigned char bytes[1024];
  size_t size = schema_encode(&old, &event.command, bytes, sizeof bytes);
  struct event back;
  _Alignas(16) unsigned char scratch[64];
  assert_int_equal(event_decode(&back, EVENT_COMMAND, 7, bytes, size, scratch, sizeof scratch), 0);
  assert_int_equal(event_decode_version(&back, 1, EVENT_COMMAND, 7, bytes, size, scratch, sizeof scratch), size);
  assert_int_equal(back.command.price, 5 * DECIMAL_ONE);
  assert_string_equal(back.command.user, "somebody");
  assert_int_equal(back.command.targets_count, 0);
  assert_false(back.command.is_confirmed);
  struct event tick = {.kind = EVENT_TICK, .tick = {.is_candle_close = true}}; /* of the others none has changed */
  size = schema_encode(event_schemas[EVENT_TICK], &tick.tick, bytes, sizeof bytes);
  assert_int_equal(event_decode_version(&back, 1, EVENT_TICK, 7, bytes, size, scratch, sizeof scratch), size);
  assert_true(back.tick.is_candle_close);
}

static void test_scratch_bounds_items(void **state) {
  (void)state;
  struct public_trade trades[4] = {{.ts = 1}, {.ts = 2}, {.ts = 3}, {.ts = 4}};
  struct event event = {.kind = EVENT_PUBLIC_TRADES, .public_trades = {.symbol = 3, .trades_count = 4, .trades = trades}};
  unsigned char bytes[512];
  size_t size = event_encode(&event, bytes, sizeof bytes);
  _Alignas(16) unsigned char scratch[sizeof trades];
  struct event back;
  assert_int_equal(event_decode(&back, EVENT_PUBLIC_TRADES, 0, bytes, size, scratch, sizeof scratch), size);
  assert_int_equal(back.public_trades.trades[3].ts, 4);
  assert_int_equal(event_decode(&back, EVENT_PUBLIC_TRADES, 0, bytes, size, scratch, sizeof scratch - 16), 0);
}

static void test_counts_and_kinds_out_of_range(void **state) {
  (void)state;
  struct event event = {.kind = EVENT_VENUE_POSITIONS}, back;
  unsigned char bytes[64];
  _Alignas(16) unsigned char scratch[256];
  size_t size = event_encode(&event, bytes, sizeof bytes);
  memset(bytes + size - 4, 0xff, 4); /* four thousand million positions */
  assert_int_equal(event_decode(&back, EVENT_VENUE_POSITIONS, 0, bytes, size, scratch, sizeof scratch), 0);
  assert_int_equal(event_decode(&back, event_kind_count, 0, bytes, size, scratch, sizeof scratch), 0);
  assert_int_equal(event_decode(&back, -1, 0, bytes, size, scratch, sizeof scratch), 0);
}

static void test_json_without_nul(void **state) {
  (void)state;
  struct event event = {.kind = EVENT_PRESET, .preset_json = "abc"}, back;
  unsigned char bytes[256];
  _Alignas(16) unsigned char scratch[256];
  size_t size = event_encode(&event, bytes, sizeof bytes);
  bytes[size - 2] = '\0';
  assert_int_equal(event_decode(&back, EVENT_PRESET, 0, bytes, size, scratch, sizeof scratch), 0);
}

static void check_schema(const struct schema *schema, struct random *random) {
  unsigned char *object = calloc(1, schema->size), *back = calloc(1, schema->size);
  size_t room = 2 * (size_t)schema->size + 64;
  unsigned char *bytes = malloc(room), *again = malloc(room);
  assert_true(object != NULL && back != NULL && bytes != NULL && again != NULL);
  fill_record(schema, object, random);
  size_t size = schema_encode(schema, object, bytes, room);
  assert_true(size > 0);
  assert_int_equal(schema_decode(schema, back, bytes, size), size);
  assert_int_equal(schema_encode(schema, back, again, room), size);
  assert_memory_equal(bytes, again, size);
  free(object);
  free(back);
  free(bytes);
  free(again);
}

static void test_intents_and_records_come_back(void **state) {
  (void)state;
  struct random random;
  random_init(&random, 2);
  for (int round = 0; round < 20; round++) {
    for (int kind = 0; kind < intent_kind_count; kind++) check_schema(intent_schemas[kind], &random);
    for (int kind = 0; kind < record_kind_count; kind++) check_schema(record_schemas[kind], &random);
  }
}

static void test_tables_fit_structs(void **state) {
  (void)state;
  /* Offsets come from a union by line; they must be those of the structs. */
  const struct field *field = schema_field(event_schemas[EVENT_FILL], "fee_usd");
  assert_int_equal(field->offset, offsetof(struct event_fill, fee_usd));
  assert_int_equal(schema_field(event_schemas[EVENT_COMMAND], "price")->offset, offsetof(struct event_command, price));
  assert_int_equal(schema_field(event_schemas[EVENT_INSTRUMENT], "instrument")->count_offset, offsetof(struct event_instrument, instrument_count));
  assert_int_equal(schema_field(record_schemas[RECORD_RISK], "is_halved")->offset, offsetof(struct risk_record, is_halved));
  assert_int_equal(schema_field(record_schemas[RECORD_SCAN_RESULT], "filters")->offset, offsetof(struct scan_result, filters));
  assert_int_equal(schema_field(intent_schemas[INTENT_AMEND_ORDER], "trigger_price")->offset, offsetof(struct intent_amend_order, trigger_price));
  assert_string_equal(record_kind_names[RECORD_TRANSITION], "transition");
  assert_true(record_in_digest[RECORD_TRADE] && !record_in_digest[RECORD_EQUITY]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_event_comes_back), cmocka_unit_test(test_commands_of_version_1_are_read),
      cmocka_unit_test(test_scratch_bounds_items),   cmocka_unit_test(test_counts_and_kinds_out_of_range),
      cmocka_unit_test(test_json_without_nul),       cmocka_unit_test(test_intents_and_records_come_back),
      cmocka_unit_test(test_tables_fit_structs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
