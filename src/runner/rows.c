#include "runner/rows.h"

#include <math.h>
#include <string.h>

#include "base/check.h"

void rows_query_add(struct rows_query *query, const char *column, enum row_compare compare, const char *value) {
  check(query->filter_count < ROWS_FILTERS_MAX);
  query->filters[query->filter_count++] = (struct row_filter){column, compare, value};
}

const struct row_value *row_value_of(const struct row_value *values, int count, const char *column) {
  for (int i = 0; i < count; i++) {
    if (strcmp(values[i].column, column) == 0) return &values[i];
  }
  return NULL;
}

struct row_value row_int(const char *column, int64_t value) {
  return (struct row_value){.column = column, .kind = ROW_VALUE_INT, .integer = value};
}

struct row_value row_real(const char *column, double value) {
  return (struct row_value){.column = column, .kind = isnan(value) ? ROW_VALUE_NULL : ROW_VALUE_REAL, .real = value};
}

struct row_value row_text(const char *column, const char *value) {
  return (struct row_value){.column = column, .kind = value != NULL ? ROW_VALUE_TEXT : ROW_VALUE_NULL, .text = value};
}

void row_to_json(const struct row_value *values, int count, struct json_writer *writer) {
  for (int i = 0; i < count; i++) {
    const struct row_value *value = &values[i];
    switch (value->kind) {
      case ROW_VALUE_NULL:
        json_add_null(writer, value->column);
        break;
      case ROW_VALUE_INT:
        if (value->form == ROW_FORM_FLAG) {
          json_add_bool(writer, value->column, value->integer != 0);
        } else {
          json_add_int(writer, value->column, value->integer);
        }
        break;
      case ROW_VALUE_REAL:
        json_add_double(writer, value->column, value->real);
        break;
      case ROW_VALUE_TEXT:
        if (value->form == ROW_FORM_RAW) {
          json_add_raw(writer, value->column, value->text);
        } else {
          json_add_string(writer, value->column, value->text);
        }
        break;
    }
  }
}
