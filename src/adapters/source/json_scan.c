#include "adapters/source/json_scan.h"

#include <math.h>

#include "base/decimal.h"
#include "base/text.h"

enum { JSON_SCAN_DEPTH_MAX = 64 };

bool json_text_integer(const struct json_text *text, int64_t *out) {
  const bool is_negative = text->length > 1 && text->data[0] == '-';
  int64_t value = 0;
  if (text->length == 0) return false;
  if (text->length <= 18) {
    for (size_t i = is_negative; i < text->length; i++) {
      const unsigned digit = (unsigned)(unsigned char)text->data[i] - '0';
      if (digit > 9) return false;
      value = value * 10 + (int64_t)digit;
    }
  } else {
    for (size_t i = is_negative; i < text->length; i++) {
      const char c = text->data[i];
      if (c < '0' || c > '9' || __builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_add_overflow(value, (int64_t)(c - '0'), &value))
        return false;
    }
  }
  *out = is_negative ? -value : value;
  return true;
}

bool json_scan_any_integer(struct json_scan *scan, int64_t *value) {
  struct json_text text;
  return json_scan_value(scan, &text) && (json_text_integer(&text, value) || json_scan_fail(scan));
}

/* Digits, at most one point, at most 8 places that count: the form of every price and quantity of the exchanges. */
bool json_text_decimal(const struct json_text *text, int64_t *out) {
  uint64_t value = 0;
  size_t i = 0, places = 0;
  const size_t length = text->length;
  for (; i < length && (unsigned)(unsigned char)text->data[i] - '0' < 10; i++) value = value * 10 + (uint64_t)(text->data[i] - '0');
  bool is_simple = i > 0 && length <= 19;
  if (i < length && text->data[i] == '.') {
    for (i++; i < length && (unsigned)(unsigned char)text->data[i] - '0' < 10; i++, places++) value = value * 10 + (uint64_t)(text->data[i] - '0');
  }
  static const int64_t scales[] = {100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
  is_simple = is_simple && i == length && places <= 8 && !__builtin_mul_overflow((int64_t)value, scales[places], out);
  return is_simple || (decimal_parse(text->data, length, out) && *out >= 0);
}

bool json_text_double(const struct json_text *text, double *out) {
  char copy[64];
  if (text->length == 0 || json_scan_is(text, "null")) {
    *out = NAN;
    return true;
  }
  if (text->length >= sizeof copy) return false;
  memcpy(copy, text->data, text->length);
  copy[text->length] = '\0';
  return text_parse_double(copy, out);
}

static bool skip_one(struct json_scan *scan, char closing[JSON_SCAN_DEPTH_MAX], int *depth) {
  struct json_text ignored;
  const char c = json_scan_peek(scan);
  if (c != '{' && c != '[') return json_scan_value(scan, &ignored);
  if (*depth == JSON_SCAN_DEPTH_MAX) return json_scan_fail(scan);
  closing[(*depth)++] = c == '{' ? '}' : ']';
  return json_scan_enter(scan, c);
}

void json_scan_skip_nested(struct json_scan *scan) {
  char closing[JSON_SCAN_DEPTH_MAX];
  int depth = 0;
  struct json_text key;
  if (scan->has_failed || !skip_one(scan, closing, &depth)) return;
  while (depth > 0 && !scan->has_failed) {
    const bool has_more = closing[depth - 1] == '}' ? json_scan_member(scan, &key) : json_scan_item(scan);
    if (!has_more)
      depth--;
    else if (!skip_one(scan, closing, &depth))
      return;
  }
}
