#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/schema.h"

enum test_side { SIDE_BUY, SIDE_SELL, test_side_count };
static const char *const test_side_names[] = {"buy", "sell"};

struct test_leg {
#include "base/fields_end.h"
#include "base/fields_struct.h"
#include "test_base_schema_leg.def"
};

struct test_group {
#include "base/fields_end.h"
#include "base/fields_struct.h"
#include "test_base_schema_group.def"
};

struct test_trade {
#include "base/fields_end.h"
#include "base/fields_struct.h"
#include "test_base_schema_trade.def"
};

#define FIELD_OWNER struct test_leg
static const struct field leg_fields[] = {
#include "base/fields_end.h"
#include "base/fields_table.h"
#include "test_base_schema_leg.def"
};
#undef FIELD_OWNER
static const struct schema test_leg_schema = {"leg", leg_fields, sizeof(leg_fields) / sizeof(leg_fields[0]), sizeof(struct test_leg)};

#define FIELD_OWNER struct test_group
static const struct field group_fields[] = {
#include "base/fields_end.h"
#include "base/fields_table.h"
#include "test_base_schema_group.def"
};
#undef FIELD_OWNER
static const struct schema test_group_schema = {"group", group_fields, sizeof(group_fields) / sizeof(group_fields[0]), sizeof(struct test_group)};

#define FIELD_OWNER struct test_trade
static const struct field trade_fields[] = {
#include "base/fields_end.h"
#include "base/fields_table.h"
#include "test_base_schema_trade.def"
};
#undef FIELD_OWNER
static const struct schema trade_schema = {"trade", trade_fields, sizeof(trade_fields) / sizeof(trade_fields[0]), sizeof(struct test_trade)};

static void fill(struct test_trade *trade) {
  memset(trade, 0, sizeof(*trade)); /* padding too: the test compares bytes */
  trade->trade_id = 42;
  trade->count = -7;
  trade->bars = 12;
  trade->is_closed = true;
  trade->price = 150000000;
  trade->stop = DECIMAL_NULL;
  trade->score = -0.125;
  trade->closed_at = INT64_C(1769903999123);
  strcpy(trade->symbol, "A|B[\\]\n");
  trade->side = SIDE_SELL;
  trade->groups_count = 2;
  trade->groups[0].number = 1;
  trade->groups[1].number = 2;
  trade->groups[1].legs_count = 2;
  trade->groups[1].legs[0].qty = 100000000;
  strcpy(trade->groups[1].legs[0].note, "x");
  trade->groups[1].legs[1].side = -1;
  trade->groups[1].legs[1].qty = 1;
}

static void a_record_comes_back(void **unused) {
  (void)unused;
  struct test_trade trade, back;
  unsigned char bytes[1024];
  fill(&trade);
  size_t size = schema_encode(&trade_schema, &trade, bytes, sizeof(bytes));
  assert_int_equal(size, 8 + 8 + 4 + 1 + 8 + 8 + 8 + 8 + (2 + 7) + 4 + 2 + (4 + 2) + (4 + 2 + (4 + 8 + 3) + (4 + 8 + 2)));
  memset(&back, 0xaa, sizeof(back));
  assert_int_equal(schema_decode(&trade_schema, &back, bytes, size), size);
  assert_memory_equal(&back, &trade, sizeof(trade));
  assert_int_equal(bytes[0], 42); /* little-endian */
  assert_int_equal(bytes[7], 0);
}

static void a_small_output_gives_zero(void **unused) {
  (void)unused;
  struct test_trade trade;
  unsigned char bytes[1024];
  fill(&trade);
  size_t size = schema_encode(&trade_schema, &trade, bytes, sizeof(bytes));
  for (size_t room = 0; room < size; room++) {
    unsigned char *exact = malloc(room > 0 ? room : 1);
    assert_int_equal(schema_encode(&trade_schema, &trade, exact, room), 0);
    free(exact);
  }
  assert_int_equal(schema_encode(&trade_schema, &trade, bytes, size), size);
}

/* In memory of exactly the cut size, so that the sanitizer sees a byte read too much. */
static void every_truncation_is_refused(void **unused) {
  (void)unused;
  struct test_trade trade, back;
  unsigned char bytes[1024];
  fill(&trade);
  size_t size = schema_encode(&trade_schema, &trade, bytes, sizeof(bytes));
  for (size_t cut = 0; cut < size; cut++) {
    unsigned char *exact = malloc(cut > 0 ? cut : 1);
    memcpy(exact, bytes, cut);
    assert_int_equal(schema_decode(&trade_schema, &back, exact, cut), 0);
    free(exact);
  }
}

static void damaged_bytes_are_refused_or_come_back_the_same(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 41);
  struct test_trade trade, back;
  unsigned char bytes[1024], damaged[1024], again[1024];
  fill(&trade);
  size_t size = schema_encode(&trade_schema, &trade, bytes, sizeof(bytes));
  int accepted = 0;
  int refused = 0;
  for (int i = 0; i < 200000; i++) {
    memcpy(damaged, bytes, size);
    int changes = i % 4 == 0 ? (int)size : 1 + (int)random_below(&random, 3);
    for (int c = 0; c < changes; c++) damaged[random_below(&random, size)] = (unsigned char)random_next(&random);
    size_t used = schema_decode(&trade_schema, &back, damaged, size);
    if (used == 0) {
      refused++;
      continue;
    }
    accepted++;
    assert_int_equal(schema_encode(&trade_schema, &back, again, sizeof(again)), used);
    assert_memory_equal(again, damaged, used);
    char line[2048];
    struct text text;
    text_init(&text, line, sizeof(line));
    schema_print(&trade_schema, &back, &text);
    assert_false(text.is_cut);
  }
  assert_true(accepted > 1000 && refused > 1000);
}

static void assert_refused_with(size_t at, unsigned char value) {
  struct test_trade trade, back;
  unsigned char bytes[1024];
  fill(&trade);
  size_t size = schema_encode(&trade_schema, &trade, bytes, sizeof(bytes));
  assert_int_not_equal(bytes[at], value);
  bytes[at] = value;
  assert_int_equal(schema_decode(&trade_schema, &back, bytes, size), 0);
}

static void values_out_of_range_are_refused(void **unused) {
  (void)unused;
  assert_refused_with(20, 2);  /* bool */
  assert_refused_with(53, 16); /* text as long as its memory */
  assert_refused_with(55, 0);  /* NUL within a text */
  assert_refused_with(62, 2);  /* enum value with no name */
  assert_refused_with(66, 3);  /* more items than fit */
}

static void the_canonical_line(void **unused) {
  (void)unused;
  struct test_trade trade;
  char line[512];
  struct text text;
  fill(&trade);
  text_init(&text, line, sizeof(line));
  schema_print(&trade_schema, &trade, &text);
  assert_string_equal(line, "trade|T000042|-7|12|true|1.5||-0.125|1769903999123|A\\|B\\[\\\\\\]\\x0a|sell|[1|][2|[buy|1|x][|0.00000001|]]");
  memset(&trade, 0, sizeof(trade));
  trade.score = NAN;
  trade.side = -1;
  text_init(&text, line, sizeof(line));
  schema_print(&trade_schema, &trade, &text);
  assert_string_equal(line, "trade||0|0|false|0|0|||||");
}

static void json_members(void **unused) {
  (void)unused;
  struct test_trade trade;
  struct buffer out = {0};
  struct json_writer writer;
  fill(&trade);
  json_writer_init(&writer, &out, false);
  json_begin_object(&writer, NULL);
  schema_to_json(&trade_schema, &trade, &writer);
  json_end_object(&writer);
  assert_string_equal(out.data,
                      "{\"trade_id\":\"T000042\",\"count\":-7,\"bars\":12,\"is_closed\":true,\"price\":1.5,\"stop\":null,\"score\":-0.125,"
                      "\"closed_at\":1769903999123,\"symbol\":\"A|B[\\\\]\\n\",\"side\":\"sell\",\"groups\":[{\"number\":1,\"legs\":[]},"
                      "{\"number\":2,\"legs\":[{\"side\":\"buy\",\"qty\":1,\"note\":\"x\"},{\"side\":null,\"qty\":0.00000001,\"note\":null}]}]}");
  buffer_deinit(&out);
}

static void fields_as_text(void **unused) {
  (void)unused;
  static const struct {
    const char *name, *want;
  } rows[] = {{"trade_id", "T000042"},
              {"stop", ""},
              {"closed_at", "2026-01-31T23:59:59.123Z"},
              {"symbol", "A|B[\\]\n"},
              {"side", "sell"},
              {"score", "-0.125"},
              {"groups",
               "[{\"number\":1,\"legs\":[]},{\"number\":2,\"legs\":[{\"side\":\"buy\",\"qty\":1,\"note\":\"x\"},{\"side\":null,\"qty\":0.00000001,"
               "\"note\":null}]}]"}};
  struct test_trade trade;
  fill(&trade);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    char memory[512];
    struct text text;
    text_init(&text, memory, sizeof(memory));
    const struct field *field = schema_field(&trade_schema, rows[i].name);
    assert_non_null(field);
    schema_field_text(field, &trade, &text);
    assert_string_equal(memory, rows[i].want);
  }
  assert_null(schema_field(&trade_schema, "missing"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_record_comes_back),
      cmocka_unit_test(a_small_output_gives_zero),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(damaged_bytes_are_refused_or_come_back_the_same),
      cmocka_unit_test(values_out_of_range_are_refused),
      cmocka_unit_test(the_canonical_line),
      cmocka_unit_test(json_members),
      cmocka_unit_test(fields_as_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
