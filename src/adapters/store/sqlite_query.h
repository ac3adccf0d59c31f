/* Questions to the database: rows of one table by filters, newest first, as objects of their schema, JSON or text. Each reader has a connection of
 * its own (DATABASE_FOR_READING) and sees a consistent state while the archive writes. */
#ifndef ADAPTERS_STORE_SQLITE_QUERY_H
#define ADAPTERS_STORE_SQLITE_QUERY_H

#include "adapters/store/record_row.h"
#include "runner/rows.h"

struct store_rows {
  const struct store_table *table;
  struct row_map map; /* of tables with records */
  struct database_statement statement;
};

/* STATUS_NOT_FOUND for an unknown table, STATUS_BAD_INPUT for an unknown column or a value that does not fit it; both name the nearest. */
NODISCARD enum status store_select(struct database *database, const struct rows_query *query, struct store_rows *rows, struct problem *problem);
/* How many rows fit the filters. */
NODISCARD enum status store_count(struct database *database, const struct rows_query *query, int64_t *count, struct problem *problem);
/* Changes columns of, or removes, the rows that fit the filters. */
NODISCARD enum status store_update(struct database *database, const struct rows_query *which, const struct row_value *values, int count,
                                   struct problem *problem);
NODISCARD enum status store_remove(struct database *database, const struct rows_query *which, struct problem *problem);
NODISCARD enum status store_insert(struct database *database, const char *table, const struct row_value *values, int count, struct problem *problem);
/* STATUS_OK with a row, STATUS_END. */
NODISCARD enum status store_rows_next(struct store_rows *rows, struct problem *problem);
/* The row as the struct of rows->map.schema (for levels: struct level). Only for tables that records fill. */
NODISCARD enum status store_rows_object(const struct store_rows *rows, void *object, struct problem *problem);
/* All columns as values; texts are in scratch, which is cleared before. values has place for ROWS_COLUMNS_MAX. Returns how many. */
int store_rows_values(const struct store_rows *rows, struct row_value *values, struct buffer *scratch);
/* Columns as members of an opened object, named and typed as in table.def. */
void store_rows_to_json(const struct store_rows *rows, struct json_writer *writer);
/* One column for tables and CSV; "" for null. */
void store_rows_text(const struct store_rows *rows, int column, struct buffer *out);
void store_rows_close(struct store_rows *rows);

#endif
