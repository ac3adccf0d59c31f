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

struct json_scan {
  const char *next, *end;
  bool has_failed; /* the text is not JSON, or not of the shape asked for */
};

/* A key, string without its quotes, or bare word or number. */
struct json_text {
  const char *data;
  size_t length;
};

void json_scan_init(struct json_scan *scan, const char *text, size_t length);
/* Enters an object '{' or array '[' that starts here; false (and failed) when something else does. */
bool json_scan_enter(struct json_scan *scan, char bracket);
/* The next key of the object entered, standing before its value; false at its end, which is passed. The value must be read, entered or skipped. */
bool json_scan_member(struct json_scan *scan, struct json_text *key);
/* Whether the array entered has a further item, standing before it; false at its end, which is passed. */
bool json_scan_item(struct json_scan *scan);
/* A string, number, true, false or null. */
bool json_scan_value(struct json_scan *scan, struct json_text *value);
bool json_scan_integer(struct json_scan *scan, int64_t *value); /* number or string of digits */
bool json_scan_decimal(struct json_scan *scan, int64_t *value); /* base/decimal.h, not negative; number or string */
bool json_scan_double(struct json_scan *scan, double *value);   /* number or string; null and "" give NaN */
void json_scan_skip(struct json_scan *scan);                    /* any value */
/* First byte of the value that comes next, '\0' at the end. */
char json_scan_peek(struct json_scan *scan);
bool json_scan_is(const struct json_text *text, const char *word);

#endif
