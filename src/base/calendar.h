/* Civil time in UTC. Times are milliseconds since 1970-01-01T00:00:00Z. */
#ifndef BASE_CALENDAR_H
#define BASE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)

struct calendar {
  int year, month, day, hour, minute, second, millisecond;
  int weekday; /* 1 Monday .. 7 Sunday (ISO) */
  int iso_week, iso_week_year;
};

void calendar_from_ms(int64_t time_ms, struct calendar *out);
int64_t calendar_to_ms(int year, int month, int day, int hour, int minute, int second, int millisecond);
/* First ms of the UTC day. */
int64_t calendar_day_start(int64_t time_ms);
/* Accepts 2024-01-01, 20240101, 2024-01-01T12:30[:15[.123]][Z|+02:00], "2024-01-01 12:30:15", and integers taken as s, ms, us or ns by magnitude. */
bool calendar_parse(const char *text, int64_t *out_ms);

#endif
