#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/table.h"

static const struct table_column columns[] = {{"symbol", TABLE_LEFT}, {"price", TABLE_RIGHT}, {"note", TABLE_LEFT}};

static void fill(struct table *table) {
  table_add(table, "BTCUSDT");
  table_add_colored(table, "1.5", "31");
  table_add(table, "caf\xc3\xa9");
  table_add(table, "\xe6\xbc\xa2");
  table_add(table, "100000");
  table_add(table, "a\tb\033[31m");
}

static void columns_line_up(void **unused) {
  (void)unused;
  struct table table;
  struct buffer out = {0};
  table_init(&table, columns, 3, TABLE_TEXT);
  fill(&table);
  table_print(&table, &out);
  assert_string_equal(out.data,
                      "symbol    price  note\n"
                      "BTCUSDT     1.5  caf\xc3\xa9\n"
                      "\xe6\xbc\xa2       100000  a b [31m\n");
  buffer_clear(&out);
  table.has_colors = true;
  table_print(&table, &out);
  assert_non_null(strstr(out.data, "\033[31m1.5\033[0m"));
  table_deinit(&table);
  buffer_deinit(&out);
}

static void rows_as_csv(void **unused) {
  (void)unused;
  struct table table;
  struct buffer out = {0};
  table_init(&table, columns, 3, TABLE_CSV);
  table.has_colors = true;
  fill(&table);
  table_print(&table, &out);
  assert_string_equal(out.data, "symbol,price,note\nBTCUSDT,1.5,caf\xc3\xa9\n\xe6\xbc\xa2,100000,a\tb\033[31m\n");
  table_deinit(&table);
  table_init(&table, columns, 3, TABLE_CSV);
  buffer_clear(&out);
  table_print(&table, &out);
  assert_string_equal(out.data, "symbol,price,note\n");
  table_deinit(&table);
  buffer_deinit(&out);
}

static void formulas_become_text(void **unused) {
  (void)unused;
  static const struct {
    const char *in, *want;
  } rows[] = {{"=1+1", "'=1+1"},
              {"-5", "-5"},
              {"-5.25", "-5.25"},
              {"+1", "+1"},
              {"-5+cmd", "'-5+cmd"},
              {"@SUM(A1)", "'@SUM(A1)"},
              {"\t=1", "'\t=1"},
              {"\r=1", "\"'\r=1\""},
              {"=\"a\",b", "\"'=\"\"a\"\",b\""},
              {"a,b", "\"a,b\""},
              {"a\"b", "\"a\"\"b\""},
              {"a\nb", "\"a\nb\""},
              {"", ""},
              {"-", "'-"},
              {"-inf", "'-inf"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct buffer out = {0};
    table_add_csv_cell(&out, rows[i].in);
    buffer_add(&out, "", 0);
    assert_string_equal(out.data, rows[i].want);
    buffer_deinit(&out);
  }
}

static void widths(void **unused) {
  (void)unused;
  assert_int_equal(table_text_width(""), 0);
  assert_int_equal(table_text_width("abc"), 3);
  assert_int_equal(table_text_width("\xc3\xa9"), 1);
  assert_int_equal(table_text_width("e\xcc\x81"), 1);
  assert_int_equal(table_text_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);
  assert_int_equal(table_text_width("\xf0\x9f\x98\x80"), 2);
  assert_int_equal(table_text_width("\xff\xe6"), 2); /* broken bytes */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(columns_line_up),
      cmocka_unit_test(rows_as_csv),
      cmocka_unit_test(formulas_become_text),
      cmocka_unit_test(widths),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
