/* Questions to the database: rows of one table by filters, newest first, as objects of their schema, JSON or text. Each reader has a connection of
 * its own (DATABASE_FOR_READING) and sees a consistent state while the archive writes. */
#ifndef ADAPTERS_STORE_SQLITE_QUERY_H
#define ADAPTERS_STORE_SQLITE_QUERY_H

#include "adapters/store/record_row.h"

enum store_compare { STORE_EQUAL, STORE_NOT_EQUAL, STORE_AT_LEAST, STORE_AT_MOST, STORE_ABOVE, STORE_BELOW };

/* value as a person writes it: 0.1, true, 2026-01-31T12:00:00Z or ms, D0000000012, a word. */
struct store_filter {
  const char *column;
  enum store_compare compare;
  const char *value;
};

enum { STORE_FILTERS_MAX = 8 };

struct store_query {
  const char *table;
  struct store_filter filters[STORE_FILTERS_MAX];
  int filter_count;
  const char *order; /* column; NULL: the first indexed time of the table, else its key */
  bool is_ascending;
  int64_t limit; /* 0: all */
  int64_t offset;
};

struct store_rows {
  const struct store_table *table;
  struct row_map map; /* of tables with records */
  struct database_statement statement;
};

void store_query_add(struct store_query *query, const char *column, enum store_compare compare, const char *value);
/* STATUS_NOT_FOUND for an unknown table, STATUS_BAD_INPUT for an unknown column or a value that does not fit it; both name the nearest. */
NODISCARD enum status store_select(struct database *database, const struct store_query *query, struct store_rows *rows, struct problem *problem);
/* STATUS_OK with a row, STATUS_END. */
NODISCARD enum status store_rows_next(struct store_rows *rows, struct problem *problem);
/* The row as the struct of rows->map.schema (for levels: struct level). Only for tables that records fill. */
NODISCARD enum status store_rows_object(const struct store_rows *rows, void *object, struct problem *problem);
/* Columns as members of an opened object, named and typed as in table.def. */
void store_rows_to_json(const struct store_rows *rows, struct json_writer *writer);
/* One column for tables and CSV; "" for null. */
void store_rows_text(const struct store_rows *rows, int column, struct buffer *out);
void store_rows_close(struct store_rows *rows);

#endif
