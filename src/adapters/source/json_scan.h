/* Reading the small JSON messages of recorded streams where they stand: no tree, no copies, numbers stay text until someone wants them. About ten
 * times as fast as a tree parser. Strings are given raw, with their escapes: the members read here never have any.
 *
 *   struct json_scan scan;
 *   json_scan_init(&scan, text, length);
 *   if (json_scan_enter(&scan, '{'))
 *     while (json_scan_member(&scan, &key)) {
 *       if (json_scan_is(&key, "p")) json_scan_value(&scan, &price);
 *       else json_scan_skip(&scan);
 *     }
 *   if (scan.has_failed) ... */
#ifndef ADAPTERS_SOURCE_JSON_SCAN_H
#define ADAPTERS_SOURCE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct json_scan {
  const char *next, *end;
  bool has_failed; /* the text is not JSON, or not of the shape asked for */
};

/* A key, string without its quotes, or bare word or number. */
struct json_text {
  const char *data;
  size_t length;
};

/* What every message is made of stands here, to be inlined; what is rare is in json_scan.c. */

static inline void json_scan_init(struct json_scan *scan, const char *text, size_t length) {
  *scan = (struct json_scan){.next = text, .end = text + length};
}

static inline bool json_scan_fail(struct json_scan *scan) {
  scan->has_failed = true;
  scan->next = scan->end;
  return false;
}

/* First byte of the value that comes next, '\0' at the end. */
static inline char json_scan_peek(struct json_scan *scan) {
  while (scan->next < scan->end && (*scan->next == ' ' || *scan->next == '\t' || *scan->next == '\n' || *scan->next == '\r')) scan->next++;
  return scan->next < scan->end ? *scan->next : '\0';
}

/* Nothing but blanks is left. */
static inline bool json_scan_is_over(struct json_scan *scan) {
  (void)json_scan_peek(scan);
  return scan->next == scan->end;
}

/* Enters an object '{' or array '[' that starts here; false (and failed) when something else does. */
static inline bool json_scan_enter(struct json_scan *scan, char bracket) {
  if (scan->has_failed || json_scan_peek(scan) != bracket) return json_scan_fail(scan);
  scan->next++;
  return true;
}

/* The next quote or backslash, or end. Eight bytes at a time: a byte of `found` is not 0 where the text has one of them, and the lowest of these is
 * right (Mycroft's test); sixteen where the processor has it. */
static inline const char *json_scan_mark(const char *p, const char *end) {
#ifdef __SSE2__
  typedef char sixteen __attribute__((vector_size(16))); /* compared all at once; the mark of each becomes a bit */
  for (; end - p >= 16; p += 16) {
    sixteen bytes;
    memcpy(&bytes, p, sizeof bytes);
    const sixteen marks = (sixteen)((bytes == '"') | (bytes == '\\'));
    const unsigned found = (unsigned)__builtin_ia32_pmovmskb128(marks);
    if (found) return p + __builtin_ctz(found);
  }
#endif
  const uint64_t ones = UINT64_C(0x0101010101010101);
  for (; end - p >= 8; p += 8) {
    uint64_t word;
    memcpy(&word, p, sizeof word);
    const uint64_t quotes = word ^ ones * '"', slashes = word ^ ones * '\\';
    const uint64_t found = (((quotes - ones) & ~quotes) | ((slashes - ones) & ~slashes)) & ones << 7;
    if (found) return p + __builtin_ctzll(found) / 8;
  }
  while (p < end && *p != '"' && *p != '\\') p++;
  return p;
}

/* Moves from behind the opening quote of a string to its closing one; NULL when it has none. Whatever is escaped is part of the string. */
static inline const char *json_scan_quote(const char *p, const char *end) {
  for (;;) {
    p = json_scan_mark(p, end);
    if (p < end && *p == '"') return p;
    if (end - p < 2) return NULL;
    p += 2;
  }
}

static inline bool json_scan_string(struct json_scan *scan, struct json_text *text) {
  const char *begin = scan->next + 1, *quote = json_scan_quote(begin, scan->end);
  if (!quote) return json_scan_fail(scan);
  text->data = begin;
  text->length = (size_t)(quote - begin);
  scan->next = quote + 1;
  return true;
}

/* Passes the comma before all but the first; whether it is the first follows from the byte before. */
static inline bool json_scan_has_next(struct json_scan *scan, char closing) {
  if (scan->has_failed) return false;
  const char before = scan->next[-1];
  char c = json_scan_peek(scan);
  if (c == closing) {
    scan->next++;
    return false;
  }
  if (before == '{' || before == '[') return c != '\0' || json_scan_fail(scan);
  if (c != ',') return json_scan_fail(scan);
  scan->next++;
  c = json_scan_peek(scan);
  return (c != '\0' && c != closing) || json_scan_fail(scan);
}

/* The next key of the object entered, standing before its value; false at its end, which is passed. The value must be read, entered or skipped. */
static inline bool json_scan_member(struct json_scan *scan, struct json_text *key) {
  if (!json_scan_has_next(scan, '}')) return false;
  if (json_scan_peek(scan) != '"' || !json_scan_string(scan, key)) return json_scan_fail(scan);
  if (json_scan_peek(scan) != ':') return json_scan_fail(scan);
  scan->next++;
  return true;
}

/* Whether the array entered has a further item, standing before it; false at its end, which is passed. */
static inline bool json_scan_item(struct json_scan *scan) {
  return json_scan_has_next(scan, ']');
}

/* json_scan_member for a key of one letter written without blanks, ,"x": or, as the first, "x": ; false, with nothing taken, where another stands. */
static inline bool json_scan_letter(struct json_scan *scan, struct json_text *key) {
  const char *p = scan->next;
  if (scan->end - p < 5) return false;
  if (*p == ',') {
    if (p[-1] == '{') return false;
    p++;
  } else if (p[-1] != '{') {
    return false;
  }
  if (p[0] != '"' || p[1] == '"' || p[1] == '\\' || p[2] != '"' || p[3] != ':') return false;
  *key = (struct json_text){p + 1, 1};
  scan->next = p + 4;
  return true;
}

static inline bool json_scan_is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' || c == '+';
}

/* A string, number, true, false or null. */
static inline bool json_scan_value(struct json_scan *scan, struct json_text *value) {
  if (scan->has_failed) return false;
  if (json_scan_peek(scan) == '"') return json_scan_string(scan, value);
  const char *start = scan->next, *p = start;
  while (p < scan->end && json_scan_is_word(*p)) p++;
  if (p == start) return json_scan_fail(scan);
  *value = (struct json_text){start, (size_t)(p - start)};
  scan->next = p;
  return true;
}

static inline bool json_scan_is(const struct json_text *text, const char *word) {
  const size_t length = strlen(word); /* known when it is compiled */
  return text->length == length && memcmp(text->data, word, length) == 0;
}

/* The integer that a text of digits is. */
bool json_text_integer(const struct json_text *text, int64_t *value);
/* base/decimal.h, not negative. */
bool json_text_decimal(const struct json_text *text, int64_t *value);
bool json_text_double(const struct json_text *text, double *value); /* null and "" give NaN */

/* Eight bytes with what is not '0' to '9' marked by the highest bit of its byte in others. The mark of a byte is right as long as all before it are
 * below 0x80. */
struct json_eight {
  uint64_t digits; /* 0 to 9 a byte, first byte lowest */
  uint64_t others;
};
static inline struct json_eight json_scan_eight(const char *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
  const uint64_t digits = word ^ UINT64_C(0x3030303030303030);
  return (struct json_eight){digits, ((digits + UINT64_C(0x7676767676767676)) | digits) & UINT64_C(0x8080808080808080)};
}
/* The number of eight digits, the first byte counting most: neighbours are added up, then pairs, then fours. */
static inline uint64_t json_scan_add_up(uint64_t digits) {
  const uint64_t pairs = digits * 10 + (digits >> 8); /* in each second byte */
  const uint64_t mask = UINT64_C(0x000000ff000000ff);
  return ((pairs & mask) * (100 + (UINT64_C(1000000) << 32)) + (pairs >> 16 & mask) * (1 + (UINT64_C(10000) << 32))) >> 32;
}
/* The number that up to eight digits from here on are; returns how many there are. Reads eight bytes. */
static inline int json_scan_digits(const char *p, uint64_t *value) {
  const struct json_eight eight = json_scan_eight(p);
  const int count = eight.others ? __builtin_ctzll(eight.others) / 8 : 8;
  if (count == 0) return 0;
  *value = json_scan_add_up(eight.digits << (64 - 8 * count));
  return count;
}

bool json_scan_any_integer(struct json_scan *scan, int64_t *value);
static inline bool json_scan_integer(struct json_scan *scan, int64_t *value) { /* number or string of digits */
  static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
  const char *p = scan->next;
  /* Times and update ids: 8 to 16 digits, then what ends a member. The last member of a message may have less than eight bytes behind the first. */
  if (scan->end - p > 9) {
    const struct json_eight eight = json_scan_eight(p);
    uint64_t rest = 0;
    int digits = 0;
    if (eight.others) return json_scan_any_integer(scan, value);
    if (scan->end - p > 17) {
      digits = json_scan_digits(p + 8, &rest);
    } else {
      for (const char *q = p + 8; q < scan->end - 1 && (unsigned)(unsigned char)*q - '0' < 10; q++, digits++) rest = rest * 10 + (uint64_t)(*q - '0');
    }
    const char after = p[8 + digits];
    if (after == ',' || after == '}') {
      scan->next = p + 8 + digits;
      *value = (int64_t)(json_scan_add_up(eight.digits) * tens[digits] + rest);
      return true;
    }
  }
  return json_scan_any_integer(scan, value);
}
static inline bool json_scan_decimal(struct json_scan *scan, int64_t *value) { /* number or string */
  struct json_text text;
  return json_scan_value(scan, &text) && (json_text_decimal(&text, value) || json_scan_fail(scan));
}
static inline bool json_scan_double(struct json_scan *scan, double *value) { /* number or string */
  struct json_text text;
  return json_scan_value(scan, &text) && (json_text_double(&text, value) || json_scan_fail(scan));
}
/* Any value. */
void json_scan_skip_nested(struct json_scan *scan);
static inline void json_scan_skip(struct json_scan *scan) {
  struct json_text ignored;
  const char c = json_scan_peek(scan);
  if (c != '{' && c != '[')
    (void)json_scan_value(scan, &ignored);
  else
    json_scan_skip_nested(scan);
}

#endif
