#include "adapters/store/tables.h"

#include "base/text.h"

const char *const column_type_names[] = {"TEXT", "INTEGER", "REAL", "DEC", "TS", "JSON", "BOOL", "DATE", "ID", "ROWID"};

#define IX true
#define NO false
#define TABLE(table, record, base, rest, key, since, text) static const struct store_column table##_columns[] = {
#define TABLE_END(table) \
  }                      \
  ;
#define COLUMN(column, kind, index) {.name = #column, .type = COLUMN_TYPE_##kind, .is_indexed = (index)},
#define COLUMN_FROM(column, kind, index, from) {.name = #column, .type = COLUMN_TYPE_##kind, .is_indexed = (index), .source = (from)},
#define COLUMN_SINCE(column, kind, index, version) {.name = #column, .type = COLUMN_TYPE_##kind, .is_indexed = (index), .since = (version)},
#define COLUMN_AS(column, kind, formula) {.name = #column, .type = COLUMN_TYPE_##kind, .expression = (formula)},
#include "adapters/store/table.def"

enum { RECORD_NONE = STORE_NO_RECORD };
const struct store_table store_tables[] = {
#define TABLE(table, record, base, rest, key, since, text) \
  {#table, RECORD_##record, base, rest, key, since, table##_columns, (int)(sizeof table##_columns / sizeof table##_columns[0]), text},
#include "adapters/store/table.def"
};
const int store_table_count = (int)(sizeof store_tables / sizeof store_tables[0]);

const bool store_is_not_stored[record_kind_count] = {
#define NOT_STORED(record) [RECORD_##record] = true,
#include "adapters/store/table.def"
};

const struct store_table *store_table_find(const char *name) {
  for (int i = 0; i < store_table_count; i++) {
    if (text_equal(store_tables[i].name, name)) return &store_tables[i];
  }
  return NULL;
}

const struct store_column *store_table_column(const struct store_table *table, const char *name) {
  for (int i = 0; i < table->column_count; i++) {
    if (text_equal(table->columns[i].name, name)) return &table->columns[i];
  }
  return NULL;
}
