#include "adapters/store/record_row.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

enum { ID_TEXT_MAX = 32, TRACE_TEXT_MAX = 64 };

/* Members of an object. The schema gives offsets, not types: bytes are copied. */

static const unsigned char *member(const struct field *field, const void *object) {
  return (const unsigned char *)object + field->offset;
}

static int64_t get_i64(const struct field *field, const void *object) {
  int64_t value;
  memcpy(&value, member(field, object), sizeof value);
  return value;
}

static int32_t get_i32(const struct field *field, const void *object) {
  int32_t value;
  memcpy(&value, member(field, object), sizeof value);
  return value;
}

static double get_double(const struct field *field, const void *object) {
  double value;
  memcpy(&value, member(field, object), sizeof value);
  return value;
}

static int32_t get_count(const struct field *list, const void *object) {
  int32_t count;
  memcpy(&count, (const unsigned char *)object + list->count_offset, sizeof count);
  return count;
}

static void set(const struct field *field, void *object, const void *value, size_t size) {
  memcpy((unsigned char *)object + field->offset, value, size);
}

static void set_i64(const struct field *field, void *object, int64_t value) {
  set(field, object, &value, sizeof value);
}

static void set_i32(const struct field *field, void *object, int32_t value) {
  set(field, object, &value, sizeof value);
}

static void set_double(const struct field *field, void *object, double value) {
  set(field, object, &value, sizeof value);
}

/* The map */

static bool resolve(const struct schema *schema, const char *source, struct row_cell *cell) {
  const char *dot = strchr(source, '.');
  if (dot == NULL) {
    cell->field = schema_field(schema, source);
    return cell->field != NULL;
  }
  char list[48];
  check((size_t)(dot - source) < sizeof list);
  text_copy(list, (size_t)(dot - source) + 1, source);
  cell->list = schema_field(schema, list);
  check(cell->list != NULL && cell->list->kind == FIELD_KIND_LIST);
  cell->field = schema_field(cell->list->item, dot + 1);
  check(cell->field != NULL);
  return true;
}

/* False for a column that nothing writes. */
static bool cell_init(struct row_cell *cell, const struct row_map *map, const struct store_column *column) {
  static const struct {
    const char *name;
    enum row_source source;
  } places[] = {{"@session", ROW_SESSION}, {"@run", ROW_RUN}, {"@account", ROW_ACCOUNT}, {"@venue", ROW_VENUE}, {"@trace", ROW_TRACE}};
  *cell = (struct row_cell){.column = column, .source = ROW_FIELD};
  if (column->expression != NULL || column->type == COLUMN_TYPE_ROWID) return false;
  if (text_equal(column->name, map->table->rest)) {
    cell->source = ROW_REST;
    return true;
  }
  if (column->source == NULL) return resolve(map->schema, column->name, cell);
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (text_equal(column->source, places[i].name)) {
      cell->source = places[i].source;
      return true;
    }
  }
  check(resolve(map->schema, column->source, cell)); /* table.def names a field that the record has not */
  return true;
}

/* Is the field in a column, so that the rest need not carry it? */
static bool has_column(const struct row_map *map, const struct field *field) {
  bool has_symbol = schema_field(map->schema, "symbol") != NULL;
  for (int i = 0; i < map->cell_count; i++) {
    const struct row_cell *cell = &map->cells[i];
    if (cell->source == ROW_FIELD && cell->list == NULL && cell->field == field) return true;
    if (cell->source == ROW_SESSION && text_equal(field->name, "session_id")) return true;
    if (cell->source == ROW_TRACE && has_symbol && text_equal(field->name, "trace_ts")) return true;
  }
  return false;
}

void row_map_init(struct row_map *map, const struct store_table *table) {
  const struct schema *record = record_schemas[table->record];
  *map = (struct row_map){.table = table, .schema = record};
  if (table->base[0] != '\0') {
    map->base = schema_field(record, table->base);
    check(map->base != NULL && map->base->kind == FIELD_KIND_LIST);
    map->schema = map->base->item;
  }
  check(table->column_count <= STORE_COLUMNS_MAX);
  for (int i = 0; i < table->column_count; i++) {
    if (cell_init(&map->cells[map->cell_count], map, &table->columns[i])) map->cell_count++;
  }
  map->rest = (struct schema){.name = "rest", .fields = map->rest_fields, .size = map->schema->size};
  for (int i = 0; i < map->schema->field_count; i++) {
    if (has_column(map, &map->schema->fields[i])) continue;
    check(map->rest.field_count < ROW_REST_MAX);
    map->rest_fields[map->rest.field_count++] = map->schema->fields[i];
  }
}

static bool is_key(const struct store_table *table, const char *column) {
  size_t length = strlen(column);
  for (const char *at = table->key; *at != '\0';) {
    size_t word = strcspn(at, ",");
    if (word == length && memcmp(at, column, length) == 0) return true;
    at += word;
    at += strspn(at, ", ");
  }
  return false;
}

void row_map_sql(const struct row_map *map, struct buffer *sql) {
  buffer_add_format(sql, "INSERT INTO %s(", map->table->name);
  for (int i = 0; i < map->cell_count; i++) buffer_add_format(sql, "%s\"%s\"", i > 0 ? ", " : "", map->cells[i].column->name);
  buffer_add_text(sql, ") VALUES(");
  for (int i = 0; i < map->cell_count; i++) buffer_add_text(sql, i > 0 ? ", ?" : "?");
  buffer_add_format(sql, ") ON CONFLICT(%s) DO UPDATE SET ", map->table->key);
  bool is_first = true;
  for (int i = 0; i < map->cell_count; i++) {
    const char *name = map->cells[i].column->name;
    if (is_key(map->table, name)) continue;
    buffer_add_format(sql, "%s\"%s\" = ", is_first ? "" : ", ", name);
    if (map->cells[i].source == ROW_SESSION || map->cells[i].source == ROW_VENUE) {
      /* A row stays with the session and venue that made it, whoever changes it later. */
      buffer_add_format(sql, "coalesce(%s.\"%s\", excluded.\"%s\")", map->table->name, name, name);
    } else {
      buffer_add_format(sql, "excluded.\"%s\"", name);
    }
    is_first = false;
  }
}

/* Writing */

static void bind_text_or_null(struct database_statement *statement, int index, const char *value) {
  if (value == NULL || value[0] == '\0') {
    database_bind_null(statement, index);
  } else {
    database_bind_text(statement, index, value);
  }
}

static void bind_number(struct database_statement *statement, int index, enum column_type type, int64_t value) {
  char memory[ID_TEXT_MAX];
  struct text text;
  if (type == COLUMN_TYPE_REAL) {
    database_bind_real(statement, index, (double)value);
  } else if (type == COLUMN_TYPE_JSON) {
    text_init(&text, memory, sizeof memory);
    text_add_i64(&text, value);
    database_bind_text(statement, index, memory);
  } else {
    database_bind_int(statement, index, value);
  }
}

static void bind_double(struct database_statement *statement, int index, enum column_type type, double value) {
  if (type == COLUMN_TYPE_REAL) {
    database_bind_real(statement, index, value);
  } else if (isfinite(value) && decimal_fits(value)) {
    database_bind_int(statement, index, decimal_from_double(value));
  } else {
    database_bind_null(statement, index);
  }
}

static void bind_time(struct database_statement *statement, int index, enum column_type type, int64_t value) {
  enum { DAY_LENGTH = 10 };
  char memory[ID_TEXT_MAX];
  struct text text;
  if (value == 0) {
    database_bind_null(statement, index);
  } else if (type == COLUMN_TYPE_DAY) {
    text_init(&text, memory, sizeof memory);
    text_add_time(&text, value);
    memory[DAY_LENGTH] = '\0';
    database_bind_text(statement, index, memory);
  } else {
    database_bind_int(statement, index, value);
  }
}

static void bind_id(struct database_statement *statement, int index, const struct field *field, enum column_type type, int64_t value) {
  char memory[ID_TEXT_MAX];
  struct text text;
  if (value == 0) {
    database_bind_null(statement, index);
  } else if (type == COLUMN_TYPE_ID) {
    database_bind_int(statement, index, value);
  } else {
    text_init(&text, memory, sizeof memory);
    text_add_id(&text, field->prefix, field->width, value);
    database_bind_text(statement, index, memory);
  }
}

/* Fields as one JSON object; is_bare: only the value of the one field. */
static void bind_json(struct database_statement *statement, int index, const struct schema *schema, const void *object, bool is_bare,
                      struct buffer *scratch) {
  struct json_writer writer;
  buffer_clear(scratch);
  json_writer_init(&writer, scratch, false);
  json_begin_object(&writer, NULL);
  schema_to_json(schema, object, &writer);
  json_end_object(&writer);
  const char *text = scratch->data;
  if (is_bare) {
    text = strchr(text, ':') + 1;
    scratch->data[scratch->length - 1] = '\0';
  }
  database_bind_text(statement, index, text);
}

static void bind_field(struct database_statement *statement, int index, const struct row_cell *cell, const void *object, struct buffer *scratch) {
  const struct field *field = cell->field;
  enum column_type type = cell->column->type;
  const struct schema alone = {.name = "alone", .fields = field, .field_count = 1};
  bool value;
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_DECIMAL:
      bind_number(statement, index, type, get_i64(field, object));
      return;
    case FIELD_KIND_DECIMAL_NULL:
      if (get_i64(field, object) == DECIMAL_NULL) {
        database_bind_null(statement, index);
      } else {
        bind_number(statement, index, type, get_i64(field, object));
      }
      return;
    case FIELD_KIND_I32:
      bind_number(statement, index, type, get_i32(field, object));
      return;
    case FIELD_KIND_BOOL:
      memcpy(&value, member(field, object), sizeof value);
      database_bind_int(statement, index, value);
      return;
    case FIELD_KIND_DOUBLE:
      bind_double(statement, index, type, get_double(field, object));
      return;
    case FIELD_KIND_TIME:
      bind_time(statement, index, type, get_i64(field, object));
      return;
    case FIELD_KIND_TEXT:
      bind_text_or_null(statement, index, (const char *)member(field, object));
      return;
    case FIELD_KIND_ENUM:
      check(get_i32(field, object) < field->name_count);
      bind_text_or_null(statement, index, get_i32(field, object) < 0 ? NULL : field->names[get_i32(field, object)]);
      return;
    case FIELD_KIND_ID:
      bind_id(statement, index, field, type, get_i64(field, object));
      return;
    case FIELD_KIND_LIST:
      bind_json(statement, index, &alone, object, true, scratch);
      return;
  }
}

static void bind_session(const struct row_map *map, struct database_statement *statement, int index, const void *object,
                         const struct row_context *context) {
  const struct field *field = schema_field(map->schema, "session_id");
  if (field != NULL && get_i64(field, object) != 0) {
    bind_id(statement, index, field, COLUMN_TYPE_TEXT, get_i64(field, object));
  } else {
    bind_text_or_null(statement, index, context->session_id);
  }
}

/* <symbol>:<scan time> */
static void bind_trace(const struct row_map *map, struct database_statement *statement, int index, const void *object) {
  char memory[TRACE_TEXT_MAX];
  struct text text;
  const struct field *ts = schema_field(map->schema, "trace_ts");
  const struct field *symbol = schema_field(map->schema, "symbol");
  if (ts == NULL || symbol == NULL || get_i64(ts, object) == 0) {
    database_bind_null(statement, index);
    return;
  }
  text_init(&text, memory, sizeof memory);
  text_add(&text, (const char *)member(symbol, object));
  text_add_char(&text, ':');
  text_add_i64(&text, get_i64(ts, object));
  database_bind_text(statement, index, memory);
}

static void bind_cell(const struct row_map *map, int i, const void *object, const struct row_context *context, struct database_statement *statement,
                      struct buffer *scratch) {
  const struct row_cell *cell = &map->cells[i];
  int index = i + 1;
  switch (cell->source) {
    case ROW_FIELD:
      if (cell->list == NULL) {
        bind_field(statement, index, cell, object, scratch);
      } else if (get_count(cell->list, object) > 0) {
        bind_field(statement, index, cell, member(cell->list, object), scratch);
      } else {
        database_bind_null(statement, index);
      }
      return;
    case ROW_REST:
      bind_json(statement, index, &map->rest, object, false, scratch);
      return;
    case ROW_SESSION:
      bind_session(map, statement, index, object, context);
      return;
    case ROW_RUN:
      database_bind_text(statement, index, context->run_id); /* "" outside runs, because it is part of a key */
      return;
    case ROW_ACCOUNT:
      database_bind_text(statement, index, context->account);
      return;
    case ROW_VENUE:
      bind_text_or_null(statement, index, context->venue);
      return;
    case ROW_TRACE:
      bind_trace(map, statement, index, object);
      return;
  }
}

bool row_bind(const struct row_map *map, const void *record, const struct row_context *context, struct database_statement *statement,
              struct buffer *scratch) {
  const void *object = record;
  if (map->base != NULL) {
    if (get_count(map->base, record) == 0) return false;
    object = member(map->base, record);
  }
  for (int i = 0; i < map->cell_count; i++) bind_cell(map, i, object, context, statement, scratch);
  return true;
}

/* Reading */

static bool read_enum(const struct field *field, const char *text, void *object) {
  for (int32_t i = 0; i < field->name_count; i++) {
    if (text_equal(field->names[i], text)) {
      set_i32(field, object, i);
      return true;
    }
  }
  return false;
}

static bool read_id(const struct field *field, const char *text, void *object) {
  int64_t value;
  if (text[0] != field->prefix || !text_parse_i64(text + 1, &value)) return false;
  set_i64(field, object, value);
  return true;
}

/* As the schema prints null. */
static void set_null(const struct field *field, void *object) {
  if (field->kind == FIELD_KIND_DOUBLE) set_double(field, object, NAN);
  if (field->kind == FIELD_KIND_DECIMAL_NULL) set_i64(field, object, DECIMAL_NULL);
  if (field->kind == FIELD_KIND_ENUM) set_i32(field, object, -1);
}

static bool read_text(const struct field *field, const char *text, void *object) {
  if (strlen(text) >= field->size) return false;
  text_copy((char *)object + field->offset, field->size, text);
  return true;
}

static bool json_to_fields(const struct schema *schema, const struct json *value, void *object);

static bool json_to_list(const struct field *field, const struct json *value, void *object) {
  if (json_kind(value) != JSON_ARRAY || json_size(value) > field->size) return false;
  int32_t count = (int32_t)json_size(value);
  memcpy((unsigned char *)object + field->count_offset, &count, sizeof count);
  for (int32_t i = 0; i < count; i++) {
    unsigned char *item = (unsigned char *)object + field->offset + (size_t)i * field->item->size;
    if (!json_to_fields(field->item, json_item(value, (size_t)i), item)) return false;
  }
  return true;
}

static bool json_to_number(const struct field *field, const struct json *value, void *object) {
  enum json_kind kind = json_kind(value);
  if (kind != JSON_INT && kind != JSON_REAL) return false;
  if (field->kind == FIELD_KIND_DOUBLE) {
    set_double(field, object, json_number(value));
  } else if (field->kind == FIELD_KIND_DECIMAL || field->kind == FIELD_KIND_DECIMAL_NULL) {
    if (!decimal_fits(json_number(value))) return false;
    set_i64(field, object, decimal_from_double(json_number(value)));
  } else if (kind != JSON_INT) {
    return false;
  } else if (field->kind == FIELD_KIND_I32) {
    set_i32(field, object, (int32_t)json_int(value));
  } else {
    set_i64(field, object, json_int(value));
  }
  return true;
}

static bool json_to_field(const struct field *field, const struct json *value, void *object) {
  bool flag;
  if (value == NULL || json_kind(value) == JSON_NULL) {
    set_null(field, object);
    return true;
  }
  switch (field->kind) {
    case FIELD_KIND_LIST:
      return json_to_list(field, value, object);
    case FIELD_KIND_BOOL:
      flag = json_kind(value) == JSON_BOOL && json_bool(value);
      set(field, object, &flag, sizeof flag);
      return json_kind(value) == JSON_BOOL;
    case FIELD_KIND_TEXT:
      return json_kind(value) == JSON_STRING && read_text(field, json_string(value), object);
    case FIELD_KIND_ENUM:
      return json_kind(value) == JSON_STRING && read_enum(field, json_string(value), object);
    case FIELD_KIND_ID:
      return json_kind(value) == JSON_STRING && read_id(field, json_string(value), object);
    default:
      return json_to_number(field, value, object);
  }
}

static bool json_to_fields(const struct schema *schema, const struct json *value, void *object) {
  if (json_kind(value) != JSON_OBJECT) return false;
  for (int i = 0; i < schema->field_count; i++) {
    if (!json_to_field(&schema->fields[i], json_member(value, schema->fields[i].name), object)) return false;
  }
  return true;
}

static bool read_json(const struct row_cell *cell, const struct row_map *map, const char *text, void *object) {
  struct json *document;
  bool is_good = false;
  if (cell->source == ROW_FIELD && cell->field->kind != FIELD_KIND_LIST) {
    int64_t value;
    if (!text_parse_i64(text, &value)) return false;
    set_i32(cell->field, object, (int32_t)value);
    return cell->field->kind == FIELD_KIND_I32;
  }
  document = json_parse(text, strlen(text), JSON_STRICT, cell->column->name, NULL);
  if (document == NULL) return false;
  is_good = cell->source == ROW_REST ? json_to_fields(&map->rest, document, object) : json_to_field(cell->field, document, object);
  json_free(document);
  return is_good;
}

static bool read_int(const struct field *field, enum column_type type, int64_t value, void *object) {
  bool flag = value != 0;
  if (field->kind == FIELD_KIND_DOUBLE && type == COLUMN_TYPE_DEC) {
    set_double(field, object, decimal_to_double(value));
  } else if (field->kind == FIELD_KIND_I32) {
    set_i32(field, object, (int32_t)value);
  } else if (field->kind == FIELD_KIND_BOOL) {
    set(field, object, &flag, sizeof flag);
  } else {
    set_i64(field, object, value);
  }
  return true;
}

static bool read_real(const struct field *field, double value, void *object) {
  if (field->kind == FIELD_KIND_DOUBLE) {
    set_double(field, object, value);
  } else if (field->kind == FIELD_KIND_I64) {
    set_i64(field, object, (int64_t)value);
  } else {
    return false;
  }
  return true;
}

static bool read_words(const struct field *field, enum column_type type, const char *text, void *object) {
  int64_t day;
  if (field->kind == FIELD_KIND_ENUM) return read_enum(field, text, object);
  if (field->kind == FIELD_KIND_ID) return read_id(field, text, object);
  if (field->kind == FIELD_KIND_TEXT) return read_text(field, text, object);
  if (type != COLUMN_TYPE_DAY || !calendar_parse(text, &day)) return false;
  set_i64(field, object, day);
  return true;
}

/* The fields that stand in a derived column: the session and the time of the scan. */
static bool read_derived(const struct row_map *map, const struct row_cell *cell, const char *text, void *object) {
  const struct field *field = schema_field(map->schema, cell->source == ROW_SESSION ? "session_id" : "trace_ts");
  int64_t ts;
  if (field == NULL || (cell->source == ROW_TRACE && schema_field(map->schema, "symbol") == NULL)) return true;
  if (cell->source == ROW_SESSION) return read_id(field, text, object);
  const char *colon = strrchr(text, ':');
  if (colon == NULL || !text_parse_i64(colon + 1, &ts)) return false;
  set_i64(field, object, ts);
  return true;
}

static bool read_cell(const struct row_map *map, const struct row_cell *cell, const struct database_statement *statement, int column, void *object) {
  enum column_type type = cell->column->type;
  void *target = object;
  if (database_column_is_null(statement, column)) {
    if (cell->source == ROW_FIELD && cell->list == NULL) set_null(cell->field, object);
    return true;
  }
  if (cell->source == ROW_SESSION || cell->source == ROW_TRACE) return read_derived(map, cell, database_column_text(statement, column), object);
  if (cell->source != ROW_FIELD && cell->source != ROW_REST) return true;
  if (cell->list != NULL) {
    /* The whole list stands in the rest where there is one; else the columns give what they have of its first item. */
    if (map->table->rest[0] != '\0') return true;
    int32_t count = 1;
    memcpy((unsigned char *)object + cell->list->count_offset, &count, sizeof count);
    target = (unsigned char *)object + cell->list->offset;
  }
  if (type == COLUMN_TYPE_JSON) return read_json(cell, map, database_column_text(statement, column), target);
  if (type == COLUMN_TYPE_REAL) return read_real(cell->field, database_column_real(statement, column), target);
  if (type == COLUMN_TYPE_TEXT || type == COLUMN_TYPE_DAY) return read_words(cell->field, type, database_column_text(statement, column), target);
  return read_int(cell->field, type, database_column_int(statement, column), target);
}

enum status row_read(const struct row_map *map, const struct database_statement *statement, void *object, struct problem *problem) {
  memset(object, 0, map->schema->size);
  for (int i = 0, cell = 0; i < map->table->column_count; i++) {
    if (cell == map->cell_count || map->cells[cell].column != &map->table->columns[i]) continue;
    if (!read_cell(map, &map->cells[cell++], statement, i, object)) {
      problem_add(problem, "bad_value", map->table->name, NULL, NULL, "column %s holds a value that is none: %s", map->table->columns[i].name,
                  database_column_text(statement, i));
      return STATUS_CORRUPT;
    }
  }
  return STATUS_OK;
}
