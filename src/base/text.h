/* Bounded text without printf, locale or allocation: usable from the core. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A builder over memory of the caller. data is always NUL-terminated; what does not fit is cut and is_cut set. */
struct text {
  char *data;
  size_t size;
  size_t length;
  bool is_cut;
};

void text_init(struct text *text, char *data, size_t size);
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t count);
void text_add_char(struct text *text, char c);
void text_add_i64(struct text *text, int64_t value);
void text_add_decimal(struct text *text, int64_t value); /* base/decimal.h units */
/* Fixed-point text of a double with at most `places` decimals (0-12), trailing zeros dropped, round half away; NaN prints "null", beyond 1e15
 * exponent-free integer digits. Locale-free and the same on every machine. */
void text_add_double(struct text *text, double value, int places);
/* 2026-01-31T23:59:59.123Z */
void text_add_time(struct text *text, int64_t time_ms);
/* prefix + value padded with zeros to width, for example S000123. */
void text_add_id(struct text *text, char prefix, int width, int64_t value);

/* Copies, cuts at size - 1, always terminates. */
void text_copy(char *out, size_t size, const char *from);
bool text_equal(const char *a, const char *b);
bool text_equal_ignoring_case(const char *a, const char *b);
/* Levenshtein distance, case-insensitive; texts longer than 64 are cut. */
int text_distance(const char *a, const char *b);
/* Index of the nearest word by text_distance if it is at most a third of the length away (at least 1, at most 4), else -1. */
int text_nearest(const char *word, const char *const *words, int count);
/* Strict whole-text parsers; false when anything is left over or out of range. */
bool text_parse_i64(const char *string, int64_t *out);
bool text_parse_double(const char *string, double *out); /* finite decimal notation, no hex, no locale, no "nan"; correctly rounded up to 19 digits */

#endif
