/* Addresses of Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/redis/redis_address.h"

static struct redis_address address;
static struct problem problem;

static enum status parse(const char *url, const char *password) {
  problem_clear(&problem);
  return redis_address_parse(&address, url, password, &problem);
}

static void test_parts(void **state) {
  (void)state;
  assert_int_equal(parse("redis://redis", NULL), STATUS_OK);
  assert_string_equal(address.host, "redis");
  assert_int_equal(address.port, 6379);
  assert_int_equal(address.database, 0);
  assert_string_equal(address.user, "");
  assert_string_equal(address.password, "");
  assert_string_equal(address.shown, "redis:6379/0");
  assert_int_equal(parse("redis://bot:s%40cret@10.0.0.7:7000/15", ""), STATUS_OK);
  assert_string_equal(address.host, "10.0.0.7");
  assert_int_equal(address.port, 7000);
  assert_int_equal(address.database, 15);
  assert_string_equal(address.user, "bot");
  assert_string_equal(address.password, "s@cret");
  assert_string_equal(address.shown, "10.0.0.7:7000/15");
  assert_int_equal(parse("redis://[::1]:6380/", NULL), STATUS_OK);
  assert_string_equal(address.host, "::1");
  assert_string_equal(address.shown, "[::1]:6380/0");
  assert_int_equal(parse("redis://:a@b:c@host/3", NULL), STATUS_OK); /* the last @ ends the password */
  assert_string_equal(address.password, "a@b:c");
  assert_string_equal(address.host, "host");
}

static void test_the_setting_wins(void **state) {
  (void)state;
  assert_int_equal(parse("redis://:first@host", "second"), STATUS_OK);
  assert_string_equal(address.password, "second");
}

static void test_refusals(void **state) {
  (void)state;
  static const char *const bad[] = {"redis://",           "redis://:6379",    "redis://host:",     "redis://host:0",   "redis://host:65536",
                                    "redis://host:6379x", "redis://host/16",  "redis://host/-1",   "redis://host/a",   "redis://host/1/2",
                                    "redis://host/0?x=1", "redis://[::1",     "redis://[::1]6379", "redis://%zz@host", "redis://:%4@host",
                                    "redis://:%00@host",  "http://host:6379", "host:6379",         "redis://:hidden@", ""};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (parse(bad[i], NULL) != STATUS_BAD_CONFIG) fail_msg("taken: %s", bad[i]);
    assert_int_equal(problem.count, 1);
    assert_null(strstr(problem.items[0].message, "hidden"));
    assert_string_equal(address.password, "");
  }
  char text[700];
  snprintf(text, sizeof text, "redis://:%0600d@host", 7);
  assert_int_equal(parse(text, NULL), STATUS_BAD_CONFIG); /* a password that was cut would be another one */
  assert_int_equal(parse("rediss://host", NULL), STATUS_NOT_IN_VERSION);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_the_setting_wins),
      cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
