/* The tables of the database as declared in table.def: made by the migrations, filled from records, read by queries. */
#ifndef ADAPTERS_STORE_TABLES_H
#define ADAPTERS_STORE_TABLES_H

#include <stdbool.h>

#include "engine/record.h"

enum column_type {
  COLUMN_TYPE_TEXT,
  COLUMN_TYPE_INT,
  COLUMN_TYPE_REAL,
  COLUMN_TYPE_DEC,   /* integer in 1e-8 */
  COLUMN_TYPE_TIME,  /* integer ms UTC */
  COLUMN_TYPE_JSON,  /* text */
  COLUMN_TYPE_BOOL,  /* 0, 1 */
  COLUMN_TYPE_DAY,   /* text 2026-01-31 */
  COLUMN_TYPE_ID,    /* number of an id, shown with its prefix */
  COLUMN_TYPE_ROWID, /* number given by the database */
};
extern const char *const column_type_names[]; /* TEXT, INTEGER, REAL, DEC, TS, JSON, BOOL, DATE, ID, ROWID */

struct store_column {
  const char *name;
  enum column_type type;
  bool is_indexed;
  const char *source;     /* NULL: the field of the same name */
  const char *expression; /* NULL: stored */
  int since;              /* schema version that added it, 0: with its table */
};

enum { STORE_COLUMNS_MAX = 48, STORE_TABLES_MAX = 64, STORE_NO_RECORD = -1 };

struct store_table {
  const char *name;
  int record;       /* enum record_kind or STORE_NO_RECORD */
  const char *base; /* list of the record that the row is made of, "" the record */
  const char *rest; /* JSON column of the fields without a column, "" none */
  const char *key;  /* columns separated by ", ", "" none but the ROWID */
  int since;        /* schema version that made it */
  const struct store_column *columns;
  int column_count;
  const char *text;
};
extern const struct store_table store_tables[];
extern const int store_table_count;
extern const bool store_is_not_stored[]; /* by record kind */

const struct store_table *store_table_find(const char *name);
const struct store_column *store_table_column(const struct store_table *table, const char *name);

#endif
