#include "adapters/store/sqlite_query.h"

#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

enum { NUMBER_TEXT_MAX = 48, REAL_PLACES = 8 };

void store_query_add(struct store_query *query, const char *column, enum store_compare compare, const char *value) {
  check(query->filter_count < STORE_FILTERS_MAX);
  query->filters[query->filter_count++] = (struct store_filter){column, compare, value};
}

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

static void add_order(const struct store_table *table, const struct store_query *query, struct buffer *sql) {
  char memory[NUMBER_TEXT_MAX];
  const char *order = query->order != NULL ? query->order : default_order(table, memory, sizeof memory);
  const char *direction = query->is_ascending ? "ASC" : "DESC";
  /* Rows of one moment in the order in which they were written. */
  buffer_add_format(sql, " ORDER BY \"%s\" %s, rowid %s", order, direction, direction);
}

static enum status build(const struct store_table *table, const struct store_query *query, struct buffer *sql, struct problem *problem) {
  static const char *const operators[] = {"=", "<>", ">=", "<=", ">", "<"};
  buffer_add_text(sql, "SELECT ");
  for (int i = 0; i < table->column_count; i++) buffer_add_format(sql, "%s\"%s\"", i > 0 ? ", " : "", table->columns[i].name);
  buffer_add_format(sql, " FROM %s", table->name);
  for (int i = 0; i < query->filter_count; i++) {
    if (store_table_column(table, query->filters[i].column) == NULL) return refuse_column(table, query->filters[i].column, problem);
    buffer_add_format(sql, " %s \"%s\" %s ?", i == 0 ? "WHERE" : "AND", query->filters[i].column, operators[query->filters[i].compare]);
  }
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

enum status store_select(struct database *database, const struct store_query *query, struct store_rows *rows, struct problem *problem) {
  struct buffer sql = {0};
  *rows = (struct store_rows){.table = store_table_find(query->table)};
  if (rows->table == NULL) return refuse_table(query->table, problem);
  enum status status = build(rows->table, query, &sql, problem);
  if (status == STATUS_OK) status = database_prepare(database, &rows->statement, sql.data, problem);
  buffer_deinit(&sql);
  for (int i = 0; i < query->filter_count && status == STATUS_OK; i++) {
    const struct store_column *column = store_table_column(rows->table, query->filters[i].column);
    if (!bind_filter(column, query->filters[i].value, i + 1, &rows->statement)) status = refuse_value(column, query->filters[i].value, problem);
  }
  if (status != STATUS_OK) {
    database_finish(&rows->statement);
    return status;
  }
  if (rows->table->record != STORE_NO_RECORD) row_map_init(&rows->map, rows->table);
  return STATUS_OK;
}

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

void store_rows_close(struct store_rows *rows) {
  database_finish(&rows->statement);
}
