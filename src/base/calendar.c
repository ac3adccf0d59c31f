#include "base/calendar.h"

#include <stddef.h>

/* Days are counted in a calendar that starts on 1 March of year 0: the leap day is then the last day of a year, and the lengths of the months from
 * March follow 153 days in 5 months. 719468 is the number of such days before 1970-01-01. */
enum { EPOCH_DAYS = 719468, DAYS_400_YEARS = 146097 };

static int64_t floor_divide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b < 0 ? quotient - 1 : quotient;
}

static int64_t days_from_civil(int year, int month, int day) {
  int64_t y = (int64_t)year - (month <= 2);
  int64_t era = floor_divide(y, 400);
  int64_t year_of_era = y - era * 400;
  int64_t month_from_march = (month + 9) % 12;
  int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
  return era * DAYS_400_YEARS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

static void civil_from_days(int64_t days, struct calendar *out) {
  int64_t shifted = days + EPOCH_DAYS;
  int64_t era = floor_divide(shifted, DAYS_400_YEARS);
  int64_t day_of_era = shifted - era * DAYS_400_YEARS;
  int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int64_t month_from_march = (5 * day_of_year + 2) / 153;
  out->day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  out->month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
  out->year = (int)(era * 400 + year_of_era + (out->month <= 2));
}

static int iso_weekday(int64_t days) {
  return (int)(((days + 3) % 7 + 7) % 7) + 1; /* 1970-01-01 was a Thursday */
}

/* The week belongs to the year that has its Thursday. */
static void set_iso_week(int64_t days, struct calendar *out) {
  struct calendar thursday;
  int64_t thursday_days = days - out->weekday + 4;
  civil_from_days(thursday_days, &thursday);
  out->iso_week_year = thursday.year;
  out->iso_week = (int)((thursday_days - days_from_civil(thursday.year, 1, 1)) / 7) + 1;
}

void calendar_from_ms(int64_t time_ms, struct calendar *out) {
  int64_t days = floor_divide(time_ms, DAY_MS);
  int64_t rest = time_ms - days * DAY_MS;
  civil_from_days(days, out);
  out->hour = (int)(rest / HOUR_MS);
  out->minute = (int)(rest / MINUTE_MS % 60);
  out->second = (int)(rest / SECOND_MS % 60);
  out->millisecond = (int)(rest % SECOND_MS);
  out->weekday = iso_weekday(days);
  set_iso_week(days, out);
}

int64_t calendar_to_ms(int year, int month, int day, int hour, int minute, int second, int millisecond) {
  return days_from_civil(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + millisecond;
}

int64_t calendar_day_start(int64_t time_ms) {
  return floor_divide(time_ms, DAY_MS) * DAY_MS;
}

/* Exactly count digits at *at; moves on. */
static bool take_digits(const char **at, int count, int *out) {
  int value = 0;
  for (int i = 0; i < count; i++) {
    char c = (*at)[i];
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  *at += count;
  *out = value;
  return true;
}

static bool take_char(const char **at, char c) {
  if (**at != c) return false;
  (*at)++;
  return true;
}

static size_t digit_count(const char *text) {
  size_t count = 0;
  while (text[count] >= '0' && text[count] <= '9') count++;
  return count;
}

static int days_in_month(int year, int month) {
  if (month == 12) return 31;
  return (int)(days_from_civil(year, month + 1, 1) - days_from_civil(year, month, 1));
}

static bool take_date(const char **at, struct calendar *out) {
  if (!take_digits(at, 4, &out->year)) return false;
  bool has_dashes = take_char(at, '-');
  if (!take_digits(at, 2, &out->month)) return false;
  if (has_dashes && !take_char(at, '-')) return false;
  if (!take_digits(at, 2, &out->day)) return false;
  return out->year >= 1 && out->month >= 1 && out->month <= 12 && out->day >= 1 && out->day <= days_in_month(out->year, out->month);
}

/* ".1" to ".123456789": what is finer than a millisecond is cut. */
static bool take_fraction(const char **at, int *millisecond) {
  size_t count = digit_count(*at);
  if (count == 0 || count > 9) return false;
  *millisecond = 0;
  for (size_t i = 0; i < 3; i++) *millisecond = *millisecond * 10 + (i < count ? (*at)[i] - '0' : 0);
  *at += count;
  return true;
}

static bool take_clock(const char **at, struct calendar *out) {
  if (!take_digits(at, 2, &out->hour) || !take_char(at, ':') || !take_digits(at, 2, &out->minute)) return false;
  if (take_char(at, ':')) {
    if (!take_digits(at, 2, &out->second)) return false;
    if (take_char(at, '.') && !take_fraction(at, &out->millisecond)) return false;
  }
  return out->hour <= 23 && out->minute <= 59 && out->second <= 59;
}

/* Z, +02:00, +0200 or nothing (UTC). */
static bool take_zone(const char **at, int64_t *offset_ms) {
  *offset_ms = 0;
  if (**at == '\0' || take_char(at, 'Z')) return true;
  int64_t sign = **at == '-' ? -1 : 1;
  if (!take_char(at, '+') && !take_char(at, '-')) return false;
  int hours, minutes;
  if (!take_digits(at, 2, &hours)) return false;
  take_char(at, ':');
  if (!take_digits(at, 2, &minutes) || hours > 14 || minutes > 59) return false;
  *offset_ms = sign * (hours * HOUR_MS + minutes * MINUTE_MS);
  return true;
}

/* Units by magnitude: between 1973 and 5138 the four ranges do not meet. */
static bool parse_integer(const char *text, int64_t *out_ms) {
  size_t count = digit_count(text);
  if (text[count] != '\0' || count < 9 || count > 19) return false;
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value = value * 10 + (uint64_t)(text[i] - '0');
  if (value > INT64_MAX) return false;
  if (value < UINT64_C(100000000000)) {
    *out_ms = (int64_t)value * 1000;
  } else if (value < UINT64_C(100000000000000)) {
    *out_ms = (int64_t)value;
  } else if (value < UINT64_C(100000000000000000)) {
    *out_ms = (int64_t)(value / 1000);
  } else {
    *out_ms = (int64_t)(value / 1000000);
  }
  return true;
}

bool calendar_parse(const char *text, int64_t *out_ms) {
  if (digit_count(text) >= 9) return parse_integer(text, out_ms);
  struct calendar civil = {0};
  const char *at = text;
  int64_t offset_ms = 0;
  if (!take_date(&at, &civil)) return false;
  if (*at != '\0') {
    if (!take_char(&at, 'T') && !take_char(&at, ' ')) return false;
    if (!take_clock(&at, &civil) || !take_zone(&at, &offset_ms)) return false;
  }
  if (*at != '\0') return false;
  *out_ms = calendar_to_ms(civil.year, civil.month, civil.day, civil.hour, civil.minute, civil.second, civil.millisecond) - offset_ms;
  return true;
}
