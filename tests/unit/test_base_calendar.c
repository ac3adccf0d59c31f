#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "base/calendar.h"
#include "base/random.h"

static void fields_match_gmtime(void **unused) {
  (void)unused;
  struct random random;
  random_init(&random, 31);
  for (int i = 0; i < 300000; i++) {
    int64_t time_ms = (int64_t)random_below(&random, UINT64_C(500000000000000)) - INT64_C(250000000000000);
    if (i % 2 == 0) time_ms = (int64_t)random_below(&random, UINT64_C(4102444800000)); /* 1970 to 2099 */
    struct calendar civil;
    calendar_from_ms(time_ms, &civil);
    time_t seconds = (time_t)(time_ms / 1000 - (time_ms % 1000 < 0));
    struct tm tm;
    assert_non_null(gmtime_r(&seconds, &tm));
    assert_int_equal(civil.year, tm.tm_year + 1900);
    assert_int_equal(civil.month, tm.tm_mon + 1);
    assert_int_equal(civil.day, tm.tm_mday);
    assert_int_equal(civil.hour, tm.tm_hour);
    assert_int_equal(civil.minute, tm.tm_min);
    assert_int_equal(civil.second, tm.tm_sec);
    assert_int_equal(civil.weekday, tm.tm_wday == 0 ? 7 : tm.tm_wday);
    char week[32];
    char want[32];
    strftime(want, sizeof(want), "%G %V", &tm);
    snprintf(week, sizeof(week), "%d %02d", civil.iso_week_year, civil.iso_week);
    assert_string_equal(week, want);
    assert_int_equal(calendar_to_ms(civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second, civil.millisecond), time_ms);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    assert_int_equal(calendar_day_start(time_ms), (int64_t)timegm(&tm) * 1000);
  }
}

static void accepted_forms(void **unused) {
  (void)unused;
  static const struct {
    const char *text;
    int64_t want;
  } rows[] = {
      {"2024-01-01", INT64_C(1704067200000)},
      {"20240101", INT64_C(1704067200000)},
      {"2024-02-29", INT64_C(1709164800000)},
      {"2024-01-01T12:30", INT64_C(1704112200000)},
      {"2024-01-01T12:30Z", INT64_C(1704112200000)},
      {"2024-01-01T12:30:15", INT64_C(1704112215000)},
      {"2024-01-01 12:30:15", INT64_C(1704112215000)},
      {"2024-01-01T12:30:15.123", INT64_C(1704112215123)},
      {"2024-01-01T12:30:15.1Z", INT64_C(1704112215100)},
      {"2024-01-01T12:30:15.123456Z", INT64_C(1704112215123)},
      {"2024-01-01T12:30:15+02:00", INT64_C(1704105015000)},
      {"2024-01-01T12:30:15-0130", INT64_C(1704117615000)},
      {"1704112215", INT64_C(1704112215000)},
      {"1704112215123", INT64_C(1704112215123)},
      {"1704112215123456", INT64_C(1704112215123)},
      {"1704112215123456789", INT64_C(1704112215123)},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    int64_t got = 0;
    if (!calendar_parse(rows[i].text, &got)) fail_msg("%s is refused", rows[i].text);
    assert_int_equal(got, rows[i].want);
  }
}

static void refused_forms(void **unused) {
  (void)unused;
  static const char *const rows[] = {"",
                                     "2024",
                                     "2024-1-1",
                                     "2024-13-01",
                                     "2024-00-10",
                                     "2024-02-30",
                                     "2023-02-29",
                                     "2024-01-32",
                                     "2024-01-01T",
                                     "2024-01-01T24:00",
                                     "2024-01-01T12:60",
                                     "2024-01-01T12:30:60",
                                     "2024-01-01T1:30",
                                     "2024-01-01T12:30:15.",
                                     "2024-01-01X",
                                     "2024-01-01T12:30+2",
                                     "2024-01-01T12:30+15:00",
                                     "2024-01-0112:30",
                                     " 2024-01-01",
                                     "2024-01-01 ",
                                     "-1704112215",
                                     "17041122151234567890",
                                     "99999999999999999999",
                                     "abc",
                                     "0000-01-01"};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    int64_t got = 77;
    if (calendar_parse(rows[i], &got)) fail_msg("%s is accepted", rows[i]);
    assert_int_equal(got, 77);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fields_match_gmtime),
      cmocka_unit_test(accepted_forms),
      cmocka_unit_test(refused_forms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
