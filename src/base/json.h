/* JSON: strict reading into a tree (jansson inside, seen by json.c only) and a streaming writer. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/problem.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_INT, JSON_REAL, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json; /* a value; opaque. Values belong to the document they come from */

enum json_flags {
  JSON_STRICT = 0,
  JSON_RELAXED = 1, /* accept // and block comments and trailing commas (presets) */
};

/* Parses one document: duplicate keys, trailing text, depth over 64 and invalid UTF-8 are errors naming line and column in problem. NULL on error. */
struct json *json_parse(const char *text, size_t length, int flags, const char *source_name, struct problem *problem);
void json_free(struct json *document);

enum json_kind json_kind(const struct json *value);
bool json_bool(const struct json *value);
int64_t json_int(const struct json *value);   /* JSON_INT */
double json_number(const struct json *value); /* JSON_INT or JSON_REAL */
/* Its symbol has another name, because jansson exports a json_string too. */
const char *json_string(const struct json *value) __asm__("breakout_json_string");
size_t json_size(const struct json *value); /* members or items */
const struct json *json_item(const struct json *array, size_t index);
const struct json *json_member(const struct json *object, const char *key); /* NULL when absent */
/* Members in file order. */
void json_each(const struct json *object, void (*visit)(void *context, const char *key, const struct json *value), void *context);

/* Writer. Members and items are separated by the writer; nesting up to 32. Numbers are printed without exponent, at most 8 decimals; NaN and
 * infinities as null. */
struct json_writer {
  struct buffer *out;
  uint32_t has_item; /* bit per depth */
  int depth;
  bool is_pretty;
};

void json_writer_init(struct json_writer *writer, struct buffer *out, bool is_pretty);
void json_begin_object(struct json_writer *writer, const char *key); /* key NULL inside arrays and at the top */
void json_end_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer, const char *key);
void json_end_array(struct json_writer *writer);
void json_add_string(struct json_writer *writer, const char *key, const char *value); /* NULL prints null */
void json_add_int(struct json_writer *writer, const char *key, int64_t value);
void json_add_double(struct json_writer *writer, const char *key, double value);
void json_add_decimal(struct json_writer *writer, const char *key, int64_t value);
/* The errors or the warnings of a problem, as an array of {path, code, message, value, allowed}. */
void json_add_problem(struct json_writer *writer, const char *key, const struct problem *problem, bool is_warning);
void json_add_bool(struct json_writer *writer, const char *key, bool value);
void json_add_null(struct json_writer *writer, const char *key);
void json_add_raw(struct json_writer *writer, const char *key, const char *json); /* already JSON */
/* A value that was read, with all that is in it. */
void json_add_value(struct json_writer *writer, const char *key, const struct json *value);

#endif
