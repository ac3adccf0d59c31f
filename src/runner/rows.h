/* Port: rows of the database beside the engine's records, by table and column names (table.def): users, tokens, audit, runs, versions of presets; and
 * reading every other table. On the loop's thread: calls are short, what may be many rows has a limit. */
#ifndef RUNNER_ROWS_H
#define RUNNER_ROWS_H

#include "base/json.h"
#include "base/problem.h"

enum row_kind { ROW_VALUE_NULL, ROW_VALUE_INT, ROW_VALUE_REAL, ROW_VALUE_TEXT };
/* How a value that was read is shown in JSON: as it is, as JSON already (JSON columns, decimals), as true or false. Without meaning when writing. */
enum row_form { ROW_FORM_PLAIN, ROW_FORM_RAW, ROW_FORM_FLAG };

/* A column's value. Times are INT (ms), flags INT 0 or 1, decimals (columns DEC) TEXT as a person writes them, JSON is TEXT. */
struct row_value {
  const char *column;
  enum row_kind kind;
  int64_t integer;
  double real;
  const char *text; /* borrowed */
  enum row_form form;
};

enum row_compare { ROWS_EQUAL, ROWS_NOT_EQUAL, ROWS_AT_LEAST, ROWS_AT_MOST, ROWS_ABOVE, ROWS_BELOW };

/* value as a person writes it: 0.1, true, 2026-01-31T12:00:00Z or ms, D0000000012, a word; NULL: EQUAL is null, NOT_EQUAL is not null. */
struct row_filter {
  const char *column;
  enum row_compare compare;
  const char *value;
};

enum { ROWS_FILTERS_MAX = 12, ROWS_COLUMNS_MAX = 48 };

struct rows_query {
  const char *table;
  struct row_filter filters[ROWS_FILTERS_MAX];
  int filter_count;
  const char *order; /* column; NULL: the first indexed time of the table, else its key; rows that are equal there by the table's key */
  bool is_ascending;
  bool walks_order; /* along the index of order's column, though others are indexed too: for filters that many rows fit */
  int64_t limit;    /* 0: all */
  int64_t offset;
};

void rows_query_add(struct rows_query *query, const char *column, enum row_compare compare, const char *value);

/* One call a row; false ends the reading. Texts are good until the call returns. */
typedef bool rows_visit(void *context, const struct row_value *values, int count);
/* The same with the row as the struct of its record (struct trade, ...), for tables that records fill. What the table does not keep is zero. */
typedef bool rows_visit_object(void *context, const void *object);

/* Problems: STATUS_NOT_FOUND an unknown table, STATUS_BAD_INPUT an unknown column or a value that does not fit it, STATUS_IN_USE (locked),
 * STATUS_TIMED_OUT (the question is too wide to be answered on the loop) or another failure when the database cannot be used now. */
struct row_port {
  void *self;
  enum status (*select)(void *self, const struct rows_query *query, rows_visit *visit, void *context, struct problem *problem);
  enum status (*select_objects)(void *self, const struct rows_query *query, rows_visit_object *visit, void *context, struct problem *problem);
  /* How many rows fit the filters; with a limit counting ends there. */
  enum status (*count)(void *self, const struct rows_query *query, int64_t *count, struct problem *problem);
  /* A new row; a row with the same key is STATUS_EXISTS. id (may be NULL): the number of a table that counts its rows. */
  enum status (*insert)(void *self, const char *table, const struct row_value *values, int count, int64_t *id, struct problem *problem);
  /* Columns of the rows that fit the filters; changed (may be NULL): how many. */
  enum status (*update)(void *self, const struct rows_query *which, const struct row_value *values, int count, int64_t *changed,
                        struct problem *problem);
  enum status (*remove)(void *self, const struct rows_query *which, int64_t *changed, struct problem *problem);
  /* begin ... commit or rollback: all of it or nothing. */
  enum status (*begin)(void *self, struct problem *problem);
  enum status (*commit)(void *self, struct problem *problem);
  void (*rollback)(void *self);
};

/* The value of a column among the values of a row, NULL when it is not there. */
const struct row_value *row_value_of(const struct row_value *values, int count, const char *column);
/* Values for insert and update. */
struct row_value row_int(const char *column, int64_t value);
struct row_value row_real(const char *column, double value);      /* NaN: null */
struct row_value row_text(const char *column, const char *value); /* NULL: null */
/* A row's columns as members of an opened object: numbers, texts, JSON columns as they are. */
void row_to_json(const struct row_value *values, int count, struct json_writer *writer);

#endif
