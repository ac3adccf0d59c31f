/* One description of a struct's fields drives everything that walks them: journal codec, digest line, JSON, tables, documents.
 *
 * A record lists its fields once in a .def file with the FIELD_ macros below; the struct, the table of fields and all formats follow from it.
 *
 *   // fill.def: a row is a field of a fill
 *   FIELD_ID(fill_id, 'F', 8)
 *   FIELD_TEXT(client_order_id, 32)
 *   FIELD_ENUM(side, order_side)          needs: extern const char *const order_side_names[];
 *   FIELD_DECIMAL(qty)
 *   FIELD_TIME(ts)
 */
#ifndef BASE_SCHEMA_H
#define BASE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/text.h"

enum field_kind {
  FIELD_KIND_I64,
  FIELD_KIND_I32,
  FIELD_KIND_BOOL,
  FIELD_KIND_DECIMAL,      /* int64_t in 1e-8 */
  FIELD_KIND_DECIMAL_NULL, /* same, INT64_MIN is null */
  FIELD_KIND_DOUBLE,       /* NaN is null */
  FIELD_KIND_TIME,         /* int64_t ms, 0 is null */
  FIELD_KIND_TEXT,         /* char[size], "" is null */
  FIELD_KIND_ENUM,         /* int32_t, names[value]; value < 0 is null */
  FIELD_KIND_ID,           /* int64_t, printed as prefix + zero-padded number; 0 is null */
  FIELD_KIND_LIST,         /* int32_t count followed by an array of structs described by item */
};

#define DECIMAL_NULL INT64_MIN

struct schema;

struct field {
  const char *name;
  enum field_kind kind;
  uint32_t offset;
  uint32_t size;             /* text: bytes; list: capacity */
  const char *const *names;  /* enum */
  int32_t name_count;        /* enum */
  char prefix;               /* id */
  uint8_t width;             /* id */
  uint32_t count_offset;     /* list: offset of its int32_t count */
  const struct schema *item; /* list */
};

struct schema {
  const char *name;
  const struct field *fields;
  int field_count;
  uint32_t size; /* of the struct */
};

/* Binary form: fields in schema order, little-endian; texts and lists length-prefixed (u16). Returns bytes written; 0 when out has no room. */
size_t schema_encode(const struct schema *schema, const void *object, unsigned char *out, size_t size);
/* Inverse; the struct is zeroed first. Returns bytes read, 0 when the bytes are not valid. */
size_t schema_decode(const struct schema *schema, void *object, const unsigned char *bytes, size_t size);
/* Canonical line without newline: name|field|field..., numbers as fixed-point text (doubles with 8 places), null as empty, list items in brackets. */
void schema_print(const struct schema *schema, const void *object, struct text *out);
/* Members into an already opened JSON object. */
void schema_to_json(const struct schema *schema, const void *object, struct json_writer *writer);
/* One field as text for tables and CSV ("" for null; lists as JSON). */
void schema_field_text(const struct field *field, const void *object, struct text *out);
const struct field *schema_field(const struct schema *schema, const char *name);

/* The struct side: define the FIELD_ macros as members. */
#define FIELD_MEMBER_I64(name) int64_t name;
#define FIELD_MEMBER_I32(name) int32_t name;
#define FIELD_MEMBER_BOOL(name) bool name;
#define FIELD_MEMBER_DECIMAL(name) int64_t name;
#define FIELD_MEMBER_DECIMAL_NULL(name) int64_t name;
#define FIELD_MEMBER_DOUBLE(name) double name;
#define FIELD_MEMBER_TIME(name) int64_t name;
#define FIELD_MEMBER_TEXT(name, bytes) char name[bytes];
#define FIELD_MEMBER_ENUM(name, type) int32_t name;
#define FIELD_MEMBER_ID(name, prefix, width) int64_t name;
#define FIELD_MEMBER_LIST(name, type, capacity) \
  int32_t name##_count;                         \
  struct type name[capacity];

#endif
