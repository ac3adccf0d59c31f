/* Shapes: the JSON objects of the API, declared once; they drive writing, checking of requests and the OpenAPI document. */
#ifndef API_SHAPE_H
#define API_SHAPE_H

#include "base/schema.h"

enum shape_id {
#define SHAPE_BEGIN(constant, name, schema) SHAPE_##constant,
#include "api/shape.def"
  SHAPE_COUNT
};
enum shape_type {
  SHAPE_STRING,
  SHAPE_INTEGER,
  SHAPE_NUMBER,
  SHAPE_BOOLEAN,
  SHAPE_OBJECT,
  SHAPE_ARRAY,
  SHAPE_MAP, /* an object with any keys */
  SHAPE_ANY, /* any JSON value */
  /* not members of their own: what is said of a field of the record */
  SHAPE_HIDDEN, /* it is not shown */
  SHAPE_GIVEN   /* it is never null */
};
/* "string", "integer", ... as JSON schema says it. */
extern const char *const shape_type_names[];

struct shape_member {
  const char *name; /* NULL ends the list */
  enum shape_type type;
  bool is_optional;
  enum shape_id item; /* of objects, of an array's items, of a map's values; SHAPE_EMPTY: anything */
  const char *text;
  enum shape_type value;    /* type of an array's items or a map's values when item is SHAPE_EMPTY */
  const char *words;        /* valid words of a string or of an array's strings, separated by blanks; NULL: any */
  const char *const *names; /* the same as the names of an enum */
  int name_count;
  bool is_bounded;
  double min, max;
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
/* May the field be null in this shape? */
bool shape_may_be_null(enum shape_id id, const struct field *field);
bool shape_is_member(const struct shape_member *member); /* not a remark on a field of the record */
/* The words that a string member may have: how many, at most max, each into memory; 0: any. */
enum { SHAPE_WORDS_MAX = 64, SHAPE_WORD_BYTES = 48 };
int shape_words(const struct shape_member *member, char words[SHAPE_WORDS_MAX][SHAPE_WORD_BYTES]);
/* The shape whose fields are exactly those of the schema, SHAPE_EMPTY when there is none. */
enum shape_id shape_of_schema(const struct schema *schema);
/* Members of the record, but hidden ones, into an open object; the caller adds the others. */
void shape_to_json(enum shape_id id, const void *object, struct json_writer *writer);
/* Unknown members, wrong types, values out of bounds or not among the words, and missing ones, each as an item of problem, also inside of objects and
 * arrays. The body must be an object. */
bool shape_accepts(enum shape_id id, const struct json *body, struct problem *problem);
/* components.schemas of the OpenAPI document into an open object. */
void shape_describe(struct json_writer *writer);
/* {"$ref": ...} to a shape there. */
void describe_reference(struct json_writer *writer, const char *key, enum shape_id id);

#endif
