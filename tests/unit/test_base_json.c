#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static struct problem problem;

static struct json *parse(const char *text, int flags) {
  problem_clear(&problem);
  return json_parse(text, strlen(text), flags, "input", &problem);
}

static void values_are_read(void **unused) {
  (void)unused;
  struct json *document = parse("{\"z\": 1, \"a\": [true, null, \"x\\u00e9\", 0.5, 9007199254740993, -0], \"o\": {}}", JSON_STRICT);
  assert_non_null(document);
  assert_int_equal(json_kind(document), JSON_OBJECT);
  assert_int_equal(json_size(document), 3);
  assert_null(json_member(document, "missing"));
  const struct json *array = json_member(document, "a");
  assert_int_equal(json_kind(array), JSON_ARRAY);
  assert_int_equal(json_size(array), 6);
  assert_true(json_bool(json_item(array, 0)));
  assert_int_equal(json_kind(json_item(array, 1)), JSON_NULL);
  assert_string_equal(json_string(json_item(array, 2)), "x\xc3\xa9");
  assert_int_equal(json_kind(json_item(array, 3)), JSON_REAL);
  assert_true(json_number(json_item(array, 3)) == 0.5);
  assert_int_equal(json_int(json_item(array, 4)), INT64_C(9007199254740993));
  assert_true(json_number(json_item(array, 5)) == 0.0);
  json_free(document);
}

static void add_key(void *context, const char *key, const struct json *value) {
  (void)value;
  strcat(context, key);
}

static void members_come_in_file_order(void **unused) {
  (void)unused;
  struct json *document = parse("{\"z\":1,\"a\":2,\"m\":3,\"b\":4}", JSON_STRICT);
  char keys[16] = "";
  json_each(document, add_key, keys);
  assert_string_equal(keys, "zamb");
  json_free(document);
}

/* What clients send by mistake or on purpose. Each is refused with one message that has a place. */
static void bad_documents_are_refused(void **unused) {
  (void)unused;
  static const char *const rows[] = {
      "",
      " ",
      "{",
      "[",
      "[1",
      "{\"a\"",
      "{\"a\":",
      "{\"a\":1",
      "{\"a\":1}}",
      "[1] x",
      "{} {}",
      "nul",
      "True",
      "'a'",
      "{a:1}",
      "{1:2}",
      "{\"a\":1,\"a\":2}",
      "{\"x\":{\"a\":1,\"a\":2}}",
      "[1,]",
      "{\"a\":1,}",
      "[,1]",
      "[1,,2]",
      "// c\n1",
      "/* c */1",
      "\xef\xbb\xbf{}",
      "\"\xff\"",
      "\"\xc3\"",
      "\"\xc0\xaf\"",
      "\"\xed\xa0\x80\"",
      "\"\xf4\x90\x80\x80\"",
      "\xff",
      "\"\\ud800\"",
      "\"\\udc00\"",
      "\"\\ud800\\u0041\"",
      "\"\\u00\"",
      "\"\\x41\"",
      "\"a\nb\"",
      "\"a\tb\"",
      "\"\\u0000\"",
      "\"unterminated",
      "NaN",
      "Infinity",
      "-Infinity",
      "0x10",
      "01",
      "-01",
      "1.",
      ".5",
      "-",
      "+1",
      "1e",
      "1e+",
      "1,5",
      "1e400",
      "-1e400",
      "9223372036854775808",
      "-9223372036854775809",
      "1111111111111111111111111111111111111111",
      "\xfe\xff\x00{",
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct json *document = parse(rows[i], JSON_STRICT);
    if (document != NULL) fail_msg("accepted: %s", rows[i]);
    assert_int_equal(problem.errors, 1);
    assert_memory_equal(problem.items[0].path, "input:", 6);
  }
}

static void odd_but_legal_documents_are_read(void **unused) {
  (void)unused;
  static const char *const rows[] = {"-0",   "1e-400",     "0",    " [ ] ",   "\"\\ud83d\\ude00\"", "\"\xe2\x80\x8f<script>'; -- ${a} %n%s\"",
                                     "1E+2", "\"../%00\"", "null", "{\"\":1}"};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct json *document = parse(rows[i], JSON_STRICT);
    if (document == NULL) fail_msg("refused: %s: %s", rows[i], problem.items[0].message);
    json_free(document);
  }
}

static void raw_zero_bytes_are_refused(void **unused) {
  (void)unused;
  static const char inside[] = "{\"a\0b\":1}";
  static const char behind[] = "{}\0";
  problem_clear(&problem);
  assert_null(json_parse(inside, sizeof(inside) - 1, JSON_STRICT, "input", &problem));
  assert_null(json_parse(behind, sizeof(behind) - 1, JSON_STRICT, "input", &problem));
  assert_int_equal(problem.errors, 2);
  assert_string_equal(problem.items[0].path, "input:1:4");
}

static void depth_is_limited(void **unused) {
  (void)unused;
  static char text[20001];
  memset(text, '[', 10000);
  memset(text + 10000, ']', 10000);
  assert_null(parse(text, JSON_STRICT));
  assert_string_equal(problem.items[0].path, "input:1:65");
  memset(text, '[', 64);
  memset(text + 64, ']', 64);
  text[128] = '\0';
  struct json *document = parse(text, JSON_STRICT);
  assert_non_null(document);
  json_free(document);
  document = parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"", JSON_STRICT);
  assert_non_null(document);
  json_free(document);
}

static void a_million_keys_and_a_long_key(void **unused) {
  (void)unused;
  struct buffer text = {0};
  buffer_add_text(&text, "{");
  for (int i = 0; i < 200000; i++) buffer_add_format(&text, "%s\"k%d\":%d", i > 0 ? "," : "", i, i);
  buffer_add_text(&text, ",\"");
  for (int i = 0; i < 1 << 20; i++) buffer_add(&text, "x", 1);
  buffer_add_text(&text, "\":0}");
  struct json *document = json_parse(text.data, text.length, JSON_STRICT, "input", NULL);
  assert_non_null(document);
  assert_int_equal(json_size(document), 200001);
  json_free(document);
  buffer_deinit(&text);
}

static void positions_are_right(void **unused) {
  (void)unused;
  assert_null(parse("{\n  \"a\": 1,\n  \"b\": x\n}", JSON_STRICT));
  assert_memory_equal(problem.items[0].path, "input:3:", 8);
  assert_null(parse("// one\n/* two\nthree */ {\"a\": 1,\n \"b\": }", JSON_RELAXED));
  assert_memory_equal(problem.items[0].path, "input:4:", 8);
  assert_null(parse("{\"a\": 1}\n /* no end", JSON_RELAXED));
  assert_string_equal(problem.items[0].path, "input:2:2");
}

static void messages_name_keys_but_quote_no_values(void **unused) {
  (void)unused;
  assert_null(parse("{\"password\": planted}", JSON_STRICT));
  assert_null(strstr(problem.items[0].message, "planted"));
  assert_null(parse("{\"password\": \"planted", JSON_STRICT));
  assert_null(strstr(problem.items[0].message, "planted"));
  assert_null(parse("{\"leverage\": 1, \"leverage\": 2}", JSON_STRICT));
  assert_non_null(strstr(problem.items[0].message, "leverage"));
}

static void relaxed_mode_reads_comments_and_trailing_commas(void **unused) {
  (void)unused;
  struct json *document = parse(
      "// preset\n{ /* a */ \"url\": \"http://x/*y*/\", \"l\": [1, 2, /* end */ ], // last\n \"e\": {\"k\": \"a,]\",},\n}\n// end", JSON_RELAXED);
  assert_non_null(document);
  assert_string_equal(json_string(json_member(document, "url")), "http://x/*y*/");
  assert_int_equal(json_size(json_member(document, "l")), 2);
  assert_string_equal(json_string(json_member(json_member(document, "e"), "k")), "a,]");
  json_free(document);
  static const char *const bad[] = {"[,]", "{,}", "[1,,]", "[1] /", "/", "[1] /* x", "/*/", "{\"a\":,}", "/* \xff */ 1", "[1 2]"};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    document = parse(bad[i], JSON_RELAXED);
    if (document != NULL) fail_msg("accepted: %s", bad[i]);
  }
}

static void every_cut_of_a_document_is_refused(void **unused) {
  (void)unused;
  static const char text[] = "{\"a\": [1, 2.5, {\"b\": \"c\\n\"}], \"d\": true}";
  for (size_t length = 0; length < sizeof(text) - 1; length++) assert_null(json_parse(text, length, JSON_RELAXED, "input", NULL));
}

static void writer_separates_and_escapes(void **unused) {
  (void)unused;
  struct buffer out = {0};
  struct json_writer writer;
  json_writer_init(&writer, &out, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "s", "a\"b\\c\n\r\t\x01\x7f\xc2\x85 \xff\xe2\x80\xa8 \xc3\xa9");
  json_add_string(&writer, "n", NULL);
  json_begin_array(&writer, "l");
  json_add_int(&writer, NULL, INT64_MIN);
  json_add_decimal(&writer, NULL, 150000000);
  json_begin_object(&writer, NULL);
  json_end_object(&writer);
  json_add_bool(&writer, NULL, true);
  json_end_array(&writer);
  json_begin_array(&writer, "e");
  json_end_array(&writer);
  json_add_raw(&writer, "r", "[1]");
  json_end_object(&writer);
  assert_string_equal(out.data,
                      "{\"s\":\"a\\\"b\\\\c\\n\\r\\t\\u0001\\u007f\\u0085 \xef\xbf\xbd\\u2028 \xc3\xa9\",\"n\":null,"
                      "\"l\":[-9223372036854775808,1.5,{},true],\"e\":[],\"r\":[1]}");
  struct json *document = json_parse(out.data, out.length, JSON_STRICT, "own", NULL);
  assert_non_null(document);
  json_free(document);
  buffer_clear(&out);
  json_writer_init(&writer, &out, true);
  json_begin_object(&writer, NULL);
  json_add_int(&writer, "a", 1);
  json_begin_array(&writer, "b");
  json_add_int(&writer, NULL, 2);
  json_end_array(&writer);
  json_end_object(&writer);
  assert_string_equal(out.data, "{\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}");
  buffer_deinit(&out);
}

static void doubles_are_written_short_and_without_exponent(void **unused) {
  (void)unused;
  static const struct {
    double value;
    const char *want;
  } rows[] = {{0.1, "0.1"},
              {-0.0, "0"},
              {1e-9, "0"},
              {1.0 / 3.0, "0.33333333"},
              {123456789.123, "123456789.123"},
              {1e12 + 0.1, "1000000000000.1"},
              {1e15, "1000000000000000"},
              {1e21, "1000000000000000000000"},
              {NAN, "null"},
              {INFINITY, "null"},
              {-INFINITY, "null"},
              {10000000.1, "10000000.1"}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct buffer out = {0};
    struct json_writer writer;
    json_writer_init(&writer, &out, false);
    json_add_double(&writer, NULL, rows[i].value);
    assert_string_equal(out.data, rows[i].want);
    buffer_deinit(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_read),
      cmocka_unit_test(members_come_in_file_order),
      cmocka_unit_test(bad_documents_are_refused),
      cmocka_unit_test(odd_but_legal_documents_are_read),
      cmocka_unit_test(raw_zero_bytes_are_refused),
      cmocka_unit_test(depth_is_limited),
      cmocka_unit_test(a_million_keys_and_a_long_key),
      cmocka_unit_test(positions_are_right),
      cmocka_unit_test(messages_name_keys_but_quote_no_values),
      cmocka_unit_test(relaxed_mode_reads_comments_and_trailing_commas),
      cmocka_unit_test(every_cut_of_a_document_is_refused),
      cmocka_unit_test(writer_separates_and_escapes),
      cmocka_unit_test(doubles_are_written_short_and_without_exponent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
