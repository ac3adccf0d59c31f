#include "adapters/store/sqlite_query.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

enum { NUMBER_TEXT_MAX = 48, REAL_PLACES = 8 };
_Static_assert((int)STORE_COLUMNS_MAX <= (int)ROWS_COLUMNS_MAX, "a row of any table fits");

/* Refusals */

static enum status refuse_table(const char *name, struct problem *problem) {
  const char *names[STORE_TABLES_MAX];
  check(store_table_count <= STORE_TABLES_MAX);
  for (int i = 0; i < store_table_count; i++) names[i] = store_tables[i].name;
  int nearest = text_nearest(name, names, store_table_count);
  problem_add(problem, "unknown_table", "table", name, nearest >= 0 ? names[nearest] : NULL, "there is no such table");
  return STATUS_NOT_FOUND;
}

static enum status refuse_column(const struct store_table *table, const char *name, struct problem *problem) {
  const char *names[STORE_COLUMNS_MAX];
  for (int i = 0; i < table->column_count; i++) names[i] = table->columns[i].name;
  int nearest = text_nearest(name, names, table->column_count);
  problem_add(problem, "unknown_column", table->name, name, nearest >= 0 ? names[nearest] : NULL, "the table has no such column");
  return STATUS_BAD_INPUT;
}

static enum status refuse_value(const struct store_column *column, const char *value, struct problem *problem) {
  problem_add(problem, "bad_value", column->name, value, column_type_names[column->type], "the value does not fit the column");
  return STATUS_BAD_INPUT;
}

/* The statement */

static const char *default_order(const struct store_table *table, char *memory, size_t size) {
  for (int i = 0; i < table->column_count; i++) {
    if (table->columns[i].is_indexed && table->columns[i].type == COLUMN_TYPE_TIME) return table->columns[i].name;
  }
  text_copy(memory, size, table->key[0] != '\0' ? table->key : table->columns[0].name);
  memory[strcspn(memory, ",")] = '\0';
  return memory;
}

static void add_order(const struct store_table *table, const struct rows_query *query, struct buffer *sql) {
  char memory[NUMBER_TEXT_MAX];
  const char *order = query->order != NULL ? query->order : default_order(table, memory, sizeof memory);
  const char *direction = query->is_ascending ? "ASC" : "DESC";
  /* Rows of one moment: by their id, else in the order in which they were written. */
  bool has_id = table->key[0] != '\0' && strchr(table->key, ',') == NULL;
  buffer_add_format(sql, " ORDER BY \"%s\" %s, %s %s", order, direction, has_id ? table->key : "rowid", direction);
}

/* WHERE ... with a parameter for each filter. */
static enum status add_where(const struct store_table *table, const struct rows_query *query, struct buffer *sql, struct problem *problem) {
  static const char *const operators[] = {"=", "<>", ">=", "<=", ">", "<"};
  for (int i = 0; i < query->filter_count; i++) {
    if (store_table_column(table, query->filters[i].column) == NULL) return refuse_column(table, query->filters[i].column, problem);
    const char *word = operators[query->filters[i].compare];
    if (query->filters[i].value == NULL) word = query->filters[i].compare == ROWS_EQUAL ? "IS" : "IS NOT";
    /* The sign keeps SQLite from using the column's index. */
    bool is_plain = !query->walks_order || query->order == NULL || text_equal(query->order, query->filters[i].column);
    buffer_add_format(sql, " %s %s\"%s\" %s ?", i == 0 ? "WHERE" : "AND", is_plain ? "" : "+", query->filters[i].column, word);
  }
  return STATUS_OK;
}

static enum status build(const struct store_table *table, const struct rows_query *query, struct buffer *sql, struct problem *problem) {
  buffer_add_text(sql, "SELECT ");
  for (int i = 0; i < table->column_count; i++) buffer_add_format(sql, "%s\"%s\"", i > 0 ? ", " : "", table->columns[i].name);
  buffer_add_format(sql, " FROM %s", table->name);
  enum status status = add_where(table, query, sql, problem);
  if (status != STATUS_OK) return status;
  if (query->order != NULL && store_table_column(table, query->order) == NULL) return refuse_column(table, query->order, problem);
  add_order(table, query, sql);
  if (query->limit > 0 || query->offset > 0)
    buffer_add_format(sql, " LIMIT %lld OFFSET %lld", query->limit > 0 ? (long long)query->limit : -1, (long long)query->offset);
  return STATUS_OK;
}

/* D0000000012 or 12 */
static bool parse_id(const char *value, int64_t *out) {
  return text_parse_i64(value, out) || (value[0] != '\0' && text_parse_i64(value + 1, out));
}

static bool parse_bool(const char *value, int64_t *out) {
  *out = text_equal(value, "true") || text_equal(value, "1");
  return *out != 0 || text_equal(value, "false") || text_equal(value, "0");
}

static bool parse_integer(const struct store_column *column, const char *value, int64_t *out) {
  switch (column->type) {
    case COLUMN_TYPE_DEC:
      return decimal_parse(value, strlen(value), out);
    case COLUMN_TYPE_TIME:
      return calendar_parse(value, out);
    case COLUMN_TYPE_BOOL:
      return parse_bool(value, out);
    case COLUMN_TYPE_ID:
      return parse_id(value, out);
    default:
      return text_parse_i64(value, out);
  }
}

static bool bind_filter(const struct store_column *column, const char *value, int index, struct database_statement *statement) {
  int64_t number;
  double real;
  if (value == NULL) {
    database_bind_null(statement, index);
    return true;
  }
  switch (column->type) {
    case COLUMN_TYPE_TEXT:
    case COLUMN_TYPE_JSON:
    case COLUMN_TYPE_DAY:
      database_bind_text(statement, index, value);
      return true;
    case COLUMN_TYPE_REAL:
      if (!text_parse_double(value, &real)) return false;
      database_bind_real(statement, index, real);
      return true;
    default:
      if (!parse_integer(column, value, &number)) return false;
      database_bind_int(statement, index, number);
      return true;
  }
}

/* first: index of the parameter of the first filter. */
static enum status bind_filters(const struct store_table *table, const struct rows_query *query, int first, struct database_statement *statement,
                                struct problem *problem) {
  for (int i = 0; i < query->filter_count; i++) {
    const struct store_column *column = store_table_column(table, query->filters[i].column);
    if (!bind_filter(column, query->filters[i].value, first + i, statement)) return refuse_value(column, query->filters[i].value, problem);
  }
  return STATUS_OK;
}

enum status store_select(struct database *database, const struct rows_query *query, struct store_rows *rows, struct problem *problem) {
  struct buffer sql = {0};
  *rows = (struct store_rows){.table = store_table_find(query->table)};
  if (rows->table == NULL) return refuse_table(query->table, problem);
  enum status status = build(rows->table, query, &sql, problem);
  if (status == STATUS_OK) status = database_prepare(database, &rows->statement, sql.data, problem);
  buffer_deinit(&sql);
  if (status == STATUS_OK) status = bind_filters(rows->table, query, 1, &rows->statement, problem);
  if (status != STATUS_OK) {
    database_finish(&rows->statement);
    return status;
  }
  if (rows->table->record != STORE_NO_RECORD) row_map_init(&rows->map, rows->table);
  return STATUS_OK;
}

/* Counting and changing */

static bool bind_value(const struct store_column *column, const struct row_value *value, int index, struct database_statement *statement) {
  bool is_text = column->type == COLUMN_TYPE_TEXT || column->type == COLUMN_TYPE_JSON || column->type == COLUMN_TYPE_DAY;
  if (value->kind == ROW_VALUE_NULL || (value->kind == ROW_VALUE_TEXT && value->text == NULL)) {
    database_bind_null(statement, index);
  } else if (value->kind == ROW_VALUE_TEXT) {
    return bind_filter(column, value->text, index, statement);
  } else if (column->type == COLUMN_TYPE_REAL) {
    database_bind_real(statement, index, value->kind == ROW_VALUE_INT ? (double)value->integer : value->real);
  } else if (is_text || value->kind == ROW_VALUE_REAL || column->type == COLUMN_TYPE_DEC) {
    return false;
  } else {
    database_bind_int(statement, index, value->integer);
  }
  return true;
}

static enum status bind_values(const struct store_table *table, const struct row_value *values, int count, struct database_statement *statement,
                               struct problem *problem) {
  for (int i = 0; i < count; i++) {
    const struct store_column *column = store_table_column(table, values[i].column);
    const char *shown = values[i].kind == ROW_VALUE_TEXT ? values[i].text : NULL;
    if (!bind_value(column, &values[i], i + 1, statement)) return refuse_value(column, shown, problem);
  }
  return STATUS_OK;
}

/* Columns that can be written. */
static enum status check_columns(const struct store_table *table, const struct row_value *values, int count, struct problem *problem) {
  check(count > 0 && count <= ROWS_COLUMNS_MAX);
  for (int i = 0; i < count; i++) {
    const struct store_column *column = store_table_column(table, values[i].column);
    if (column == NULL) return refuse_column(table, values[i].column, problem);
    if (column->expression == NULL) continue;
    problem_add(problem, "computed_column", column->name, NULL, NULL, "the database computes this column");
    return STATUS_BAD_INPUT;
  }
  return STATUS_OK;
}

/* Prepares, binds the values and then the filters of which (may be NULL), and runs. */
static enum status run_change(struct database *database, const struct store_table *table, const char *sql, const struct row_value *values, int count,
                              const struct rows_query *which, struct problem *problem) {
  struct database_statement statement = {0};
  enum status status = database_prepare(database, &statement, sql, problem);
  if (status != STATUS_OK) return status;
  status = bind_values(table, values, count, &statement, problem);
  if (status == STATUS_OK && which != NULL) status = bind_filters(table, which, count + 1, &statement, problem);
  if (status == STATUS_OK) status = database_step(&statement, problem);
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

enum status store_count(struct database *database, const struct rows_query *query, int64_t *count, struct problem *problem) {
  const struct store_table *table = store_table_find(query->table);
  struct database_statement statement = {0};
  struct buffer sql = {0};
  if (table == NULL) return refuse_table(query->table, problem);
  buffer_add_format(&sql, "SELECT count(*) FROM (SELECT 1 FROM %s", table->name);
  enum status status = add_where(table, query, &sql, problem);
  buffer_add_format(&sql, " LIMIT %lld)", query->limit > 0 ? (long long)query->limit : -1);
  if (status == STATUS_OK) status = database_prepare(database, &statement, sql.data, problem);
  if (status == STATUS_OK) status = bind_filters(table, query, 1, &statement, problem);
  if (status == STATUS_OK) status = database_step(&statement, problem);
  if (status == STATUS_OK) *count = database_column_int(&statement, 0);
  database_finish(&statement);
  buffer_deinit(&sql);
  return status;
}

enum status store_insert(struct database *database, const char *name, const struct row_value *values, int count, struct problem *problem) {
  const struct store_table *table = store_table_find(name);
  struct buffer sql = {0};
  if (table == NULL) return refuse_table(name, problem);
  enum status status = check_columns(table, values, count, problem);
  if (status != STATUS_OK) return status;
  buffer_add_format(&sql, "INSERT INTO %s(", table->name);
  for (int i = 0; i < count; i++) buffer_add_format(&sql, "%s\"%s\"", i > 0 ? ", " : "", values[i].column);
  buffer_add_text(&sql, ") VALUES(");
  for (int i = 0; i < count; i++) buffer_add_text(&sql, i > 0 ? ", ?" : "?");
  buffer_add_text(&sql, ")");
  status = run_change(database, table, sql.data, values, count, NULL, problem);
  buffer_deinit(&sql);
  return status;
}

enum status store_update(struct database *database, const struct rows_query *which, const struct row_value *values, int count,
                         struct problem *problem) {
  const struct store_table *table = store_table_find(which->table);
  struct buffer sql = {0};
  if (table == NULL) return refuse_table(which->table, problem);
  enum status status = check_columns(table, values, count, problem);
  if (status != STATUS_OK) return status;
  buffer_add_format(&sql, "UPDATE %s SET ", table->name);
  for (int i = 0; i < count; i++) buffer_add_format(&sql, "%s\"%s\" = ?", i > 0 ? ", " : "", values[i].column);
  status = add_where(table, which, &sql, problem);
  if (status == STATUS_OK) status = run_change(database, table, sql.data, values, count, which, problem);
  buffer_deinit(&sql);
  return status;
}

enum status store_remove(struct database *database, const struct rows_query *which, struct problem *problem) {
  const struct store_table *table = store_table_find(which->table);
  struct buffer sql = {0};
  if (table == NULL) return refuse_table(which->table, problem);
  buffer_add_format(&sql, "DELETE FROM %s", table->name);
  enum status status = add_where(table, which, &sql, problem);
  if (status == STATUS_OK) status = run_change(database, table, sql.data, NULL, 0, which, problem);
  buffer_deinit(&sql);
  return status;
}

/* Rows */

enum status store_rows_next(struct store_rows *rows, struct problem *problem) {
  return database_step(&rows->statement, problem);
}

enum status store_rows_object(const struct store_rows *rows, void *object, struct problem *problem) {
  check(rows->table->record != STORE_NO_RECORD);
  return row_read(&rows->map, &rows->statement, object, problem);
}

/* Values */

static void add_id(const struct store_rows *rows, int column, struct text *out) {
  const struct field *field = rows->table->record != STORE_NO_RECORD ? schema_field(rows->map.schema, rows->table->columns[column].name) : NULL;
  int64_t value = database_column_int(&rows->statement, column);
  if (field != NULL && field->kind == FIELD_KIND_ID) {
    text_add_id(out, field->prefix, field->width, value);
  } else {
    text_add_i64(out, value);
  }
}

void store_rows_to_json(const struct store_rows *rows, struct json_writer *writer) {
  char memory[NUMBER_TEXT_MAX];
  struct text text;
  for (int i = 0; i < rows->table->column_count; i++) {
    const struct store_column *column = &rows->table->columns[i];
    if (database_column_is_null(&rows->statement, i)) {
      json_add_null(writer, column->name);
      continue;
    }
    switch (column->type) {
      case COLUMN_TYPE_TEXT:
      case COLUMN_TYPE_DAY:
        json_add_string(writer, column->name, database_column_text(&rows->statement, i));
        break;
      case COLUMN_TYPE_INT:
      case COLUMN_TYPE_TIME:
      case COLUMN_TYPE_ROWID:
        json_add_int(writer, column->name, database_column_int(&rows->statement, i));
        break;
      case COLUMN_TYPE_REAL:
        json_add_double(writer, column->name, database_column_real(&rows->statement, i));
        break;
      case COLUMN_TYPE_DEC:
        json_add_decimal(writer, column->name, database_column_int(&rows->statement, i));
        break;
      case COLUMN_TYPE_JSON:
        json_add_raw(writer, column->name, database_column_text(&rows->statement, i));
        break;
      case COLUMN_TYPE_BOOL:
        json_add_bool(writer, column->name, database_column_int(&rows->statement, i) != 0);
        break;
      case COLUMN_TYPE_ID:
        text_init(&text, memory, sizeof memory);
        add_id(rows, i, &text);
        json_add_string(writer, column->name, memory);
        break;
    }
  }
}

void store_rows_text(const struct store_rows *rows, int column, struct buffer *out) {
  char memory[NUMBER_TEXT_MAX];
  struct text text;
  text_init(&text, memory, sizeof memory);
  if (database_column_is_null(&rows->statement, column)) return;
  switch (rows->table->columns[column].type) {
    case COLUMN_TYPE_TEXT:
    case COLUMN_TYPE_DAY:
    case COLUMN_TYPE_JSON:
      buffer_add_text(out, database_column_text(&rows->statement, column));
      return;
    case COLUMN_TYPE_INT:
    case COLUMN_TYPE_ROWID:
      text_add_i64(&text, database_column_int(&rows->statement, column));
      break;
    case COLUMN_TYPE_TIME:
      text_add_time(&text, database_column_int(&rows->statement, column));
      break;
    case COLUMN_TYPE_REAL:
      text_add_double(&text, database_column_real(&rows->statement, column), REAL_PLACES);
      break;
    case COLUMN_TYPE_DEC:
      text_add_decimal(&text, database_column_int(&rows->statement, column));
      break;
    case COLUMN_TYPE_BOOL:
      text_add(&text, database_column_int(&rows->statement, column) != 0 ? "true" : "false");
      break;
    case COLUMN_TYPE_ID:
      add_id(rows, column, &text);
      break;
  }
  buffer_add_text(out, memory);
}

static enum row_kind kind_of(const struct store_column *column) {
  switch (column->type) {
    case COLUMN_TYPE_INT:
    case COLUMN_TYPE_TIME:
    case COLUMN_TYPE_BOOL:
    case COLUMN_TYPE_ROWID:
      return ROW_VALUE_INT;
    case COLUMN_TYPE_REAL:
      return ROW_VALUE_REAL;
    default:
      return ROW_VALUE_TEXT;
  }
}

static enum row_form form_of(const struct store_column *column) {
  if (column->type == COLUMN_TYPE_BOOL) return ROW_FORM_FLAG;
  return column->type == COLUMN_TYPE_JSON || column->type == COLUMN_TYPE_DEC ? ROW_FORM_RAW : ROW_FORM_PLAIN;
}

int store_rows_values(const struct store_rows *rows, struct row_value *values, struct buffer *scratch) {
  size_t places[ROWS_COLUMNS_MAX] = {0};
  int count = rows->table->column_count;
  buffer_clear(scratch);
  for (int i = 0; i < count; i++) {
    const struct store_column *column = &rows->table->columns[i];
    values[i] = (struct row_value){.column = column->name, .form = form_of(column)};
    if (database_column_is_null(&rows->statement, i)) continue;
    values[i].kind = kind_of(column);
    places[i] = scratch->length;
    if (values[i].kind == ROW_VALUE_INT) values[i].integer = database_column_int(&rows->statement, i);
    if (values[i].kind == ROW_VALUE_REAL) values[i].real = database_column_real(&rows->statement, i);
    if (values[i].kind != ROW_VALUE_TEXT) continue;
    store_rows_text(rows, i, scratch);
    buffer_add(scratch, "", 1);
  }
  /* The buffer may have moved while it grew. */
  for (int i = 0; i < count; i++) {
    if (values[i].kind == ROW_VALUE_TEXT) values[i].text = scratch->data + places[i];
  }
  return count;
}

void store_rows_close(struct store_rows *rows) {
  database_finish(&rows->statement);
}
