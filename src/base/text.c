#include "base/text.h"

#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"

void text_init(struct text *text, char *data, size_t size) {
  check(size > 0);
  *text = (struct text){.data = data, .size = size};
  data[0] = '\0';
}

void text_add_bytes(struct text *text, const char *bytes, size_t count) {
  size_t room = text->size - 1 - text->length;
  if (count > room) {
    count = room;
    text->is_cut = true;
  }
  memcpy(text->data + text->length, bytes, count);
  text->length += count;
  text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string) {
  text_add_bytes(text, string, strlen(string));
}

void text_add_char(struct text *text, char c) {
  if (text->length + 1 >= text->size) {
    text->is_cut = true;
    return;
  }
  text->data[text->length++] = c;
  text->data[text->length] = '\0';
}

static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869"
    "707172737475767778798081828384858687888990919293949596979899";

/* Digits of value before end, at least width of them; returns where they begin. */
static char *digits_before(char *end, uint64_t value, int width) {
  for (; value >= 100; value /= 100, width -= 2) { /* two at a time: divisions are what takes the time */
    const char *pair = &digit_pairs[2 * (value % 100)];
    *--end = pair[1];
    *--end = pair[0];
  }
  do {
    *--end = (char)('0' + value % 10);
    value /= 10;
    width--;
  } while (value != 0 || width > 0);
  return end;
}

static uint64_t magnitude_of(int64_t value) {
  return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

void text_add_i64(struct text *text, int64_t value) {
  char memory[24];
  char *end = memory + sizeof(memory);
  char *start = digits_before(end, magnitude_of(value), 1);
  if (value < 0) *--start = '-';
  text_add_bytes(text, start, (size_t)(end - start));
}

void text_add_decimal(struct text *text, int64_t value) {
  char memory[DECIMAL_TEXT_MAX];
  size_t length = decimal_print(value, memory);
  text_add_bytes(text, memory, length);
}

static void add_padded(struct text *text, int64_t value, int width) {
  char memory[48];
  char *end = memory + sizeof(memory);
  char *start = digits_before(end, magnitude_of(value), width < 24 ? width : 24);
  if (value < 0) *--start = '-';
  text_add_bytes(text, start, (size_t)(end - start));
}

void text_add_time(struct text *text, int64_t time_ms) {
  struct calendar civil;
  calendar_from_ms(time_ms, &civil);
  add_padded(text, civil.year, 4);
  text_add_char(text, '-');
  add_padded(text, civil.month, 2);
  text_add_char(text, '-');
  add_padded(text, civil.day, 2);
  text_add_char(text, 'T');
  add_padded(text, civil.hour, 2);
  text_add_char(text, ':');
  add_padded(text, civil.minute, 2);
  text_add_char(text, ':');
  add_padded(text, civil.second, 2);
  text_add_char(text, '.');
  add_padded(text, civil.millisecond, 3);
  text_add_char(text, 'Z');
}

void text_add_id(struct text *text, char prefix, int width, int64_t value) {
  text_add_char(text, prefix);
  add_padded(text, value, width);
}

void text_copy(char *out, size_t size, const char *from) {
  check(size > 0);
  size_t length = strnlen(from, size - 1);
  memmove(out, from, length);
  out[length] = '\0';
}

bool text_equal(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal_ignoring_case(const char *a, const char *b) {
  while (*a != '\0' && lower(*a) == lower(*b)) {
    a++;
    b++;
  }
  return lower(*a) == lower(*b);
}

enum { DISTANCE_TEXT_MAX = 64 };

int text_distance(const char *a, const char *b) {
  size_t a_length = strnlen(a, DISTANCE_TEXT_MAX);
  size_t b_length = strnlen(b, DISTANCE_TEXT_MAX);
  /* row[j]: edits that turn the first i characters of a into the first j of b. */
  int row[DISTANCE_TEXT_MAX + 1];
  for (size_t j = 0; j <= b_length; j++) row[j] = (int)j;
  for (size_t i = 1; i <= a_length; i++) {
    int diagonal = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= b_length; j++) {
      int best = diagonal + (lower(a[i - 1]) != lower(b[j - 1]));
      if (row[j] + 1 < best) best = row[j] + 1;
      if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
      diagonal = row[j];
      row[j] = best;
    }
  }
  return row[b_length];
}

int text_nearest(const char *word, const char *const *words, int count) {
  int limit = (int)strnlen(word, DISTANCE_TEXT_MAX) / 3;
  if (limit < 1) limit = 1;
  if (limit > 4) limit = 4;
  int nearest = -1;
  for (int i = 0; i < count; i++) {
    int distance = text_distance(word, words[i]);
    if (distance > limit) continue;
    nearest = i;
    limit = distance - 1; /* the next one must be better */
  }
  return nearest;
}

bool text_parse_i64(const char *string, int64_t *out) {
  bool is_negative = *string == '-';
  if (*string == '-' || *string == '+') string++;
  if (*string == '\0') return false;
  const uint64_t limit = is_negative ? UINT64_C(1) << 63 : (uint64_t)INT64_MAX;
  uint64_t value = 0;
  for (; *string != '\0'; string++) {
    if (*string < '0' || *string > '9') return false;
    uint64_t digit = (uint64_t)(*string - '0');
    if (value > (limit - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *out = is_negative ? (int64_t)(0 - value) : (int64_t)value;
  return true;
}
