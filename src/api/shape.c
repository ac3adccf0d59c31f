#include "api/shape.h"

#include "engine/record.h"
#include "engine/view.h"

#define SHAPE_BEGIN(constant, name, schema) static const struct shape_member members_##constant[] = {
#define MEMBER(name, type, is_optional, item, text) {name, SHAPE_##type, is_optional, SHAPE_##item, text},
#define HIDE(name) {name, SHAPE_HIDDEN, false, SHAPE_EMPTY, ""},
#define SHAPE_END(constant)                      \
  { NULL, SHAPE_HIDDEN, false, SHAPE_EMPTY, "" } \
  }                                              \
  ;
#include "api/shape.def"

const struct shape shape_table[SHAPE_COUNT] = {
#define SHAPE_BEGIN(constant, name, schema) {name, members_##constant},
#include "api/shape.def"
};

const struct schema *shape_schema(enum shape_id id) {
  switch (id) {
#define SHAPE_BEGIN(constant, name, schema) \
  case SHAPE_##constant:                    \
    return schema;
#include "api/shape.def"
    default:
      return NULL;
  }
}

static const struct shape_member *find_member(enum shape_id id, const char *name) {
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (text_equal(at->name, name)) return at;
  }
  return NULL;
}

bool shape_shows(enum shape_id id, const struct field *field) {
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (at->type == SHAPE_HIDDEN && text_equal(at->name, field->name)) return false;
  }
  return true;
}

void shape_to_json(enum shape_id id, const void *object, struct json_writer *writer) {
  const struct schema *schema = shape_schema(id);
  for (int i = 0; i < schema->field_count; i++) {
    if (!shape_shows(id, &schema->fields[i])) continue;
    const struct schema one = {schema->name, &schema->fields[i], 1, schema->size};
    schema_to_json(&one, object, writer);
  }
}

/* ---- requests ---- */

static bool has_type(const struct shape_member *member, const struct json *value) {
  enum json_kind kind = json_kind(value);
  switch (member->type) {
    case SHAPE_STRING:
      return kind == JSON_STRING;
    case SHAPE_INTEGER:
      return kind == JSON_INT;
    case SHAPE_NUMBER:
      return kind == JSON_INT || kind == JSON_REAL;
    case SHAPE_BOOLEAN:
      return kind == JSON_BOOL;
    case SHAPE_OBJECT:
      return kind == JSON_OBJECT;
    case SHAPE_ARRAY:
      return kind == JSON_ARRAY;
    default:
      return false;
  }
}

static const char *const type_names[] = {"string", "integer", "number", "boolean", "object", "array"};

struct checking {
  enum shape_id id;
  struct problem *problem;
};

static void check_member(void *context, const char *key, const struct json *value) {
  const struct checking *checking = context;
  const struct shape_member *member = find_member(checking->id, key);
  if (member == NULL || member->type == SHAPE_HIDDEN) {
    problem_add(checking->problem, "unknown_key", key, NULL, NULL, "is not a field of this request");
  } else if (!has_type(member, value) && !(member->is_optional && json_kind(value) == JSON_NULL)) {
    problem_add(checking->problem, "wrong_type", key, NULL, type_names[member->type], "must be of type %s", type_names[member->type]);
  }
}

bool shape_accepts(enum shape_id id, const struct json *body, struct problem *problem) {
  if (json_kind(body) != JSON_OBJECT) {
    problem_add(problem, "wrong_type", "", NULL, "object", "the body must be a JSON object");
    return false;
  }
  struct checking checking = {id, problem};
  json_each(body, check_member, &checking);
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    bool is_missing = at->type != SHAPE_HIDDEN && !at->is_optional && json_member(body, at->name) == NULL;
    if (is_missing) problem_add(problem, "missing_key", at->name, NULL, NULL, "is missing");
  }
  return !problem_has_error(problem);
}

/* ---- OpenAPI ---- */

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

static void describe_field(const struct field *field, struct json_writer *writer) {
  bool may_be_null = field->kind == FIELD_KIND_TIME || field->kind == FIELD_KIND_DOUBLE || field->kind == FIELD_KIND_DECIMAL_NULL ||
                     field->kind == FIELD_KIND_TEXT || field->kind == FIELD_KIND_ENUM || field->kind == FIELD_KIND_ID;
  json_begin_object(writer, field->name);
  if (may_be_null) {
    json_begin_array(writer, "type");
    json_add_string(writer, NULL, field_type(field));
    json_add_string(writer, NULL, "null");
    json_end_array(writer);
  } else {
    json_add_string(writer, "type", field_type(field));
  }
  if (field->kind == FIELD_KIND_ENUM) {
    json_begin_array(writer, "enum");
    for (int32_t i = 0; i < field->name_count; i++) json_add_string(writer, NULL, field->names[i]);
    json_add_null(writer, NULL);
    json_end_array(writer);
  }
  if (field->kind == FIELD_KIND_LIST) {
    json_begin_object(writer, "items");
    json_add_string(writer, "type", "object");
    json_begin_object(writer, "properties");
    for (int i = 0; i < field->item->field_count; i++) describe_field(&field->item->fields[i], writer);
    json_end_object(writer);
    json_end_object(writer);
  }
  json_end_object(writer);
}

static void add_reference(struct json_writer *writer, const char *key, enum shape_id id) {
  struct buffer reference = {0};
  json_begin_object(writer, key);
  buffer_add_format(&reference, "#/components/schemas/%s", shape_table[id].name);
  json_add_string(writer, "$ref", reference.data);
  buffer_deinit(&reference);
  json_end_object(writer);
}

static void describe_member(const struct shape_member *member, struct json_writer *writer) {
  if (member->type == SHAPE_OBJECT && member->item != SHAPE_EMPTY && !member->is_optional) {
    add_reference(writer, member->name, member->item);
    return;
  }
  json_begin_object(writer, member->name);
  if (member->is_optional) {
    json_begin_array(writer, "type");
    json_add_string(writer, NULL, type_names[member->type]);
    json_add_string(writer, NULL, "null");
    json_end_array(writer);
  } else {
    json_add_string(writer, "type", type_names[member->type]);
  }
  json_add_string(writer, "description", member->text);
  if (member->type == SHAPE_ARRAY && member->item != SHAPE_EMPTY) add_reference(writer, "items", member->item);
  if (member->type == SHAPE_ARRAY && member->item == SHAPE_EMPTY) {
    json_begin_object(writer, "items");
    json_add_string(writer, "type", "string");
    json_end_object(writer);
  }
  json_end_object(writer);
}

static void add_required(enum shape_id id, struct json_writer *writer) {
  const struct schema *schema = shape_schema(id);
  json_begin_array(writer, "required");
  for (int i = 0; schema != NULL && i < schema->field_count; i++) {
    if (shape_shows(id, &schema->fields[i])) json_add_string(writer, NULL, schema->fields[i].name);
  }
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (at->type != SHAPE_HIDDEN && !at->is_optional) json_add_string(writer, NULL, at->name);
  }
  json_end_array(writer);
}

void shape_describe(struct json_writer *writer) {
  for (int id = 0; id < SHAPE_COUNT; id++) {
    const struct shape *shape = &shape_table[id];
    const struct schema *schema = shape_schema((enum shape_id)id);
    if (id == SHAPE_EMPTY || id == SHAPE_TEXT) continue;
    json_begin_object(writer, shape->name);
    json_add_string(writer, "type", "object");
    json_begin_object(writer, "properties");
    for (int i = 0; schema != NULL && i < schema->field_count; i++) {
      if (shape_shows((enum shape_id)id, &schema->fields[i])) describe_field(&schema->fields[i], writer);
    }
    for (const struct shape_member *at = shape->members; at->name != NULL; at++) {
      if (at->type != SHAPE_HIDDEN) describe_member(at, writer);
    }
    json_end_object(writer);
    add_required((enum shape_id)id, writer);
    json_end_object(writer);
  }
}
