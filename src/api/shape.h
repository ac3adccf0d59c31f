/* Shapes: the JSON objects of the API, declared once; they drive writing, checking of requests and the OpenAPI document. */
#ifndef API_SHAPE_H
#define API_SHAPE_H

#include "base/schema.h"

enum shape_id {
#define SHAPE_BEGIN(constant, name, schema) SHAPE_##constant,
#include "api/shape.def"
  SHAPE_COUNT
};
enum shape_type { SHAPE_STRING, SHAPE_INTEGER, SHAPE_NUMBER, SHAPE_BOOLEAN, SHAPE_OBJECT, SHAPE_ARRAY, SHAPE_HIDDEN };

struct shape_member {
  const char *name; /* NULL ends the list */
  enum shape_type type;
  bool is_optional;
  enum shape_id item; /* of objects and arrays; SHAPE_EMPTY: anything, arrays hold texts */
  const char *text;
};

struct shape {
  const char *name;
  const struct shape_member *members;
};
extern const struct shape shape_table[SHAPE_COUNT];

/* The record that the shape stands on, NULL none. */
const struct schema *shape_schema(enum shape_id id);
/* The shape has the field of its record, not hidden. */
bool shape_shows(enum shape_id id, const struct field *field);
/* Members of the record, but hidden ones, into an open object; the caller adds the others. */
void shape_to_json(enum shape_id id, const void *object, struct json_writer *writer);
/* Unknown members, wrong types and missing ones, each as an item of problem. The body must be an object. */
bool shape_accepts(enum shape_id id, const struct json *body, struct problem *problem);
/* components.schemas of the OpenAPI document into an open object. */
void shape_describe(struct json_writer *writer);

#endif
