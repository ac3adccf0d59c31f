/* A record as a row of a table, and back: which column takes which field follows from table.def and the record's schema. */
#ifndef ADAPTERS_STORE_RECORD_ROW_H
#define ADAPTERS_STORE_RECORD_ROW_H

#include "adapters/store/database.h"
#include "adapters/store/tables.h"

/* What a row says beside its record. */
struct row_context {
  const char *account, *run_id, *venue, *session_id; /* "" unknown */
};

enum row_source { ROW_FIELD, ROW_REST, ROW_SESSION, ROW_RUN, ROW_ACCOUNT, ROW_VENUE, ROW_TRACE };

/* One column that is written, in the order of the parameters. */
struct row_cell {
  const struct store_column *column;
  enum row_source source;
  const struct field *list;  /* the value stands in the first item of this list, NULL: in the row's object */
  const struct field *field; /* of ROW_FIELD */
};

enum { ROW_REST_MAX = 64 };

struct row_map {
  const struct store_table *table;
  const struct field *base;    /* list whose first item is the row's object, NULL: the record */
  const struct schema *schema; /* of the row's object */
  struct row_cell cells[STORE_COLUMNS_MAX];
  int cell_count;
  struct field rest_fields[ROW_REST_MAX]; /* of the row's object, without a column of their own */
  struct schema rest;
};

/* table->record must name a kind. */
void row_map_init(struct row_map *map, const struct store_table *table);
/* The statement that writes a row, replacing the one with the same key. */
void row_map_sql(const struct row_map *map, struct buffer *sql);
/* False when the record has no object for the row (an empty list). */
bool row_bind(const struct row_map *map, const void *record, const struct row_context *context, struct database_statement *statement,
              struct buffer *scratch);
/* The object of map->schema from a row of "SELECT <all columns of the table, in order>"; what the table does not keep stays zero. STATUS_CORRUPT for
 * a value that is none. */
NODISCARD enum status row_read(const struct row_map *map, const struct database_statement *statement, void *object, struct problem *problem);

#endif
