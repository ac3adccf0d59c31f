#include "adapters/source/json_scan.h"

#include <math.h>
#include <string.h>

#include "base/decimal.h"
#include "base/text.h"

enum { JSON_SCAN_DEPTH_MAX = 64 };

void json_scan_init(struct json_scan *scan, const char *text, size_t length) {
  *scan = (struct json_scan){.next = text, .end = text + length};
}

static bool fail(struct json_scan *scan) {
  scan->has_failed = true;
  scan->next = scan->end;
  return false;
}

char json_scan_peek(struct json_scan *scan) {
  while (scan->next < scan->end && (*scan->next == ' ' || *scan->next == '\t' || *scan->next == '\n' || *scan->next == '\r')) scan->next++;
  return scan->next < scan->end ? *scan->next : '\0';
}

bool json_scan_enter(struct json_scan *scan, char bracket) {
  if (scan->has_failed || json_scan_peek(scan) != bracket) return fail(scan);
  scan->next++;
  return true;
}

static bool read_string(struct json_scan *scan, struct json_text *text) {
  const char *p = ++scan->next;
  for (;; p++) {
    p = memchr(p, '"', (size_t)(scan->end - p));
    if (!p) return fail(scan);
    const char *escape = p;
    while (escape > scan->next && escape[-1] == '\\') escape--;
    if ((p - escape) % 2 == 0) break;
  }
  text->data = scan->next;
  text->length = (size_t)(p - scan->next);
  scan->next = p + 1;
  return true;
}

/* Passes the comma before all but the first; whether it is the first follows from the byte before. */
static bool has_next(struct json_scan *scan, char closing) {
  if (scan->has_failed) return false;
  const char *before = scan->next - 1;
  const bool is_first = *before == '{' || *before == '[';
  char c = json_scan_peek(scan);
  if (c == closing) {
    scan->next++;
    return false;
  }
  if (is_first) return c != '\0' || fail(scan);
  if (c != ',') return fail(scan);
  scan->next++;
  c = json_scan_peek(scan);
  return (c != '\0' && c != closing) || fail(scan);
}

bool json_scan_member(struct json_scan *scan, struct json_text *key) {
  if (!has_next(scan, '}')) return false;
  if (json_scan_peek(scan) != '"' || !read_string(scan, key)) return fail(scan);
  if (json_scan_peek(scan) != ':') return fail(scan);
  scan->next++;
  return true;
}

bool json_scan_item(struct json_scan *scan) {
  return has_next(scan, ']');
}

static bool is_word_byte(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+';
}

bool json_scan_value(struct json_scan *scan, struct json_text *value) {
  if (scan->has_failed) return false;
  if (json_scan_peek(scan) == '"') return read_string(scan, value);
  const char *start = scan->next;
  while (scan->next < scan->end && is_word_byte(*scan->next)) scan->next++;
  if (scan->next == start) return fail(scan);
  value->data = start;
  value->length = (size_t)(scan->next - start);
  return true;
}

bool json_scan_integer(struct json_scan *scan, int64_t *out) {
  struct json_text text;
  if (!json_scan_value(scan, &text)) return false;
  const bool is_negative = text.length > 1 && text.data[0] == '-';
  int64_t value = 0;
  for (size_t i = is_negative; i < text.length; i++) {
    const char c = text.data[i];
    if (c < '0' || c > '9' || __builtin_mul_overflow(value, (int64_t)10, &value) || __builtin_add_overflow(value, (int64_t)(c - '0'), &value))
      return fail(scan);
  }
  if (text.length == 0) return fail(scan);
  *out = is_negative ? -value : value;
  return true;
}

/* Digits, at most one point, at most 8 places that count: the form of every price and quantity of the exchanges. */
bool json_scan_decimal(struct json_scan *scan, int64_t *out) {
  struct json_text text;
  if (!json_scan_value(scan, &text)) return false;
  uint64_t value = 0;
  size_t i = 0, places = 0;
  for (; i < text.length && (unsigned)(unsigned char)text.data[i] - '0' < 10; i++) value = value * 10 + (uint64_t)(text.data[i] - '0');
  bool is_simple = i > 0 && text.length <= 19;
  if (i < text.length && text.data[i] == '.') {
    for (i++; i < text.length && (unsigned)(unsigned char)text.data[i] - '0' < 10; i++, places++) value = value * 10 + (uint64_t)(text.data[i] - '0');
  }
  static const int64_t scales[] = {100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
  is_simple = is_simple && i == text.length && places <= 8 && !__builtin_mul_overflow((int64_t)value, scales[places], out);
  if (is_simple) return true;
  return (decimal_parse(text.data, text.length, out) && *out >= 0) || fail(scan);
}

bool json_scan_double(struct json_scan *scan, double *out) {
  struct json_text text;
  char copy[64];
  if (!json_scan_value(scan, &text)) return false;
  if (text.length == 0 || json_scan_is(&text, "null")) {
    *out = NAN;
    return true;
  }
  if (text.length >= sizeof copy) return fail(scan);
  memcpy(copy, text.data, text.length);
  copy[text.length] = '\0';
  return text_parse_double(copy, out) || fail(scan);
}

static bool skip_one(struct json_scan *scan, char closing[JSON_SCAN_DEPTH_MAX], int *depth) {
  struct json_text ignored;
  const char c = json_scan_peek(scan);
  if (c != '{' && c != '[') return json_scan_value(scan, &ignored);
  if (*depth == JSON_SCAN_DEPTH_MAX) return fail(scan);
  closing[(*depth)++] = c == '{' ? '}' : ']';
  return json_scan_enter(scan, c);
}

void json_scan_skip(struct json_scan *scan) {
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

bool json_scan_is(const struct json_text *text, const char *word) {
  return strlen(word) == text->length && memcmp(text->data, word, text->length) == 0;
}
