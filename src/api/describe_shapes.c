/* Shapes as JSON schemas of the OpenAPI document. */
#include <string.h>

#include "api/api_state.h"

static const char *field_type(const struct field *field) {
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_I32:
    case FIELD_KIND_TIME:
      return "integer";
    case FIELD_KIND_BOOL:
      return "boolean";
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_DECIMAL_NULL:
    case FIELD_KIND_DOUBLE:
      return "number";
    case FIELD_KIND_LIST:
      return "array";
    default:
      return "string";
  }
}

static void add_type(struct json_writer *writer, const char *type, bool may_be_null) {
  if (!may_be_null) {
    json_add_string(writer, "type", type);
    return;
  }
  json_begin_array(writer, "type");
  json_add_string(writer, NULL, type);
  json_add_string(writer, NULL, "null");
  json_end_array(writer);
}

void describe_reference(struct json_writer *writer, const char *key, enum shape_id id) {
  char reference[128] = "#/components/schemas/";
  struct text text = {reference, sizeof reference, strlen(reference), false};
  text_add(&text, shape_table[id].name);
  json_begin_object(writer, key);
  json_add_string(writer, "$ref", reference);
  json_end_object(writer);
}

/* ---- fields of records ---- */

static void describe_field(enum shape_id id, const struct field *field, struct json_writer *writer);

/* The items of a list: the shape that has their fields, else an object described here. */
static void describe_list(const struct schema *item, struct json_writer *writer) {
  enum shape_id shape = shape_of_schema(item);
  if (shape != SHAPE_EMPTY) {
    describe_reference(writer, "items", shape);
    return;
  }
  json_begin_object(writer, "items");
  json_add_string(writer, "type", "object");
  json_begin_object(writer, "properties");
  for (int i = 0; i < item->field_count; i++) describe_field(SHAPE_EMPTY, &item->fields[i], writer);
  json_end_object(writer);
  json_begin_array(writer, "required");
  for (int i = 0; i < item->field_count; i++) json_add_string(writer, NULL, item->fields[i].name);
  json_end_array(writer);
  json_end_object(writer);
}

static void describe_field(enum shape_id id, const struct field *field, struct json_writer *writer) {
  bool may_be_null = shape_may_be_null(id, field);
  json_begin_object(writer, field->name);
  add_type(writer, field_type(field), may_be_null);
  if (field->kind == FIELD_KIND_TIME) json_add_string(writer, "description", "time, ms UTC");
  if (field->kind == FIELD_KIND_ENUM) {
    json_begin_array(writer, "enum");
    for (int32_t i = 0; i < field->name_count; i++) json_add_string(writer, NULL, field->names[i]);
    if (may_be_null) json_add_null(writer, NULL);
    json_end_array(writer);
  }
  if (field->kind == FIELD_KIND_LIST) describe_list(field->item, writer);
  json_end_object(writer);
}

/* ---- members of shapes ---- */

static void describe_words(const struct shape_member *member, bool may_be_null, struct json_writer *writer) {
  char words[SHAPE_WORDS_MAX][SHAPE_WORD_BYTES];
  int count = shape_words(member, words);
  if (count == 0) return;
  json_begin_array(writer, "enum");
  for (int i = 0; i < count; i++) json_add_string(writer, NULL, words[i]);
  if (may_be_null) json_add_null(writer, NULL);
  json_end_array(writer);
}

/* An object of a shape or nothing: type cannot be said beside $ref, so that it is one of two. */
static void describe_object(const struct shape_member *member, struct json_writer *writer) {
  if (!member->is_optional) {
    describe_reference(writer, member->name, member->item);
    return;
  }
  json_begin_object(writer, member->name);
  json_add_string(writer, "description", member->text);
  json_begin_array(writer, "oneOf");
  describe_reference(writer, NULL, member->item);
  json_add_raw(writer, NULL, "{\"type\":\"null\"}");
  json_end_array(writer);
  json_end_object(writer);
}

/* What the items of an array or the values of a map are. */
static void describe_values(const struct shape_member *member, const char *key, struct json_writer *writer) {
  if (member->item != SHAPE_EMPTY) {
    describe_reference(writer, key, member->item);
    return;
  }
  json_begin_object(writer, key);
  /* Figures may be unknown. */
  if (member->value != SHAPE_ANY) add_type(writer, shape_type_names[member->value], member->value == SHAPE_NUMBER);
  if (member->value == SHAPE_OBJECT) json_add_bool(writer, "additionalProperties", true);
  if (member->value == SHAPE_STRING) describe_words(member, false, writer);
  json_end_object(writer);
}

static void describe_member(const struct shape_member *member, struct json_writer *writer) {
  if (member->type == SHAPE_OBJECT && member->item != SHAPE_EMPTY) {
    describe_object(member, writer);
    return;
  }
  json_begin_object(writer, member->name);
  if (member->type != SHAPE_ANY) add_type(writer, shape_type_names[member->type], member->is_optional);
  json_add_string(writer, "description", member->text);
  if (member->type == SHAPE_STRING) describe_words(member, member->is_optional, writer);
  if (member->is_bounded) {
    json_add_double(writer, "minimum", member->min);
    json_add_double(writer, "maximum", member->max);
  }
  if (member->type == SHAPE_ARRAY) describe_values(member, "items", writer);
  if (member->type == SHAPE_MAP) describe_values(member, "additionalProperties", writer);
  if (member->type == SHAPE_OBJECT) json_add_bool(writer, "additionalProperties", true);
  json_end_object(writer);
}

static void add_required(enum shape_id id, struct json_writer *writer) {
  const struct schema *schema = shape_schema(id);
  json_begin_array(writer, "required");
  for (int i = 0; schema != NULL && i < schema->field_count; i++) {
    if (shape_shows(id, &schema->fields[i])) json_add_string(writer, NULL, schema->fields[i].name);
  }
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (shape_is_member(at) && !at->is_optional) json_add_string(writer, NULL, at->name);
  }
  json_end_array(writer);
}

/* Bodies of requests have no other members; replies may get more in later versions. */
static bool is_request(enum shape_id id) {
  for (int i = 0; i < api_route_count; i++) {
    if (api_routes[i].request == id) return true;
  }
  return false;
}

void shape_describe(struct json_writer *writer) {
  for (int i = 0; i < SHAPE_COUNT; i++) {
    enum shape_id id = (enum shape_id)i;
    const struct shape *shape = &shape_table[id];
    const struct schema *schema = shape_schema(id);
    if (id == SHAPE_EMPTY || id == SHAPE_TEXT || id == SHAPE_PAGE) continue;
    json_begin_object(writer, shape->name);
    json_add_string(writer, "type", "object");
    json_begin_object(writer, "properties");
    for (int k = 0; schema != NULL && k < schema->field_count; k++) {
      if (shape_shows(id, &schema->fields[k])) describe_field(id, &schema->fields[k], writer);
    }
    for (const struct shape_member *at = shape->members; at->name != NULL; at++) {
      if (shape_is_member(at)) describe_member(at, writer);
    }
    json_end_object(writer);
    add_required(id, writer);
    if (is_request(id)) json_add_bool(writer, "additionalProperties", false);
    json_end_object(writer);
  }
}
