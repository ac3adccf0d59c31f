#include "adapters/store/trade_digest.h"

#include <stdio.h>
#include <string.h>

#include "adapters/store/tables.h"
#include "base/check.h"

const char *const trade_table_names[TRADE_TABLES] = {"plans", "orders", "fills", "positions", "stop_history", "trades", "cash_flows"};

/* Lengths before the texts: no two rows give the same bytes. */
static void add_row(struct digest *sum, const struct database_statement *row) {
  char head[128];
  for (int i = 0; i < database_column_count(row); i++) {
    if (database_column_is_null(row, i)) continue;
    const char *value = database_column_text(row, i);
    snprintf(head, sizeof head, "%.100s %zu ", database_column_name(row, i), strlen(value));
    digest_add(sum, head, strlen(head));
    digest_add(sum, value, strlen(value));
  }
  digest_add(sum, "\n", 1);
}

static enum status read_table(char out[DIGEST_TEXT_MAX], struct database *database, const char *name, struct problem *problem) {
  const struct store_table *table = store_table_find(name);
  struct database_statement statement = {0};
  struct digest sum;
  char sql[192];
  check(table != NULL && table->key[0] != '\0');
  snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY %s", table->name, table->key);
  enum status status = database_prepare(database, &statement, sql, problem);
  if (status != STATUS_OK) return status;
  digest_open(&sum);
  while ((status = database_step(&statement, problem)) == STATUS_OK) add_row(&sum, &statement);
  digest_read(&sum, out);
  digest_close(&sum);
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

enum status trade_digest_read(struct trade_digest *digest, struct database *database, struct problem *problem) {
  enum status status = STATUS_OK;
  *digest = (struct trade_digest){0};
  for (int i = 0; i < TRADE_TABLES && status == STATUS_OK; i++) status = read_table(digest->tables[i], database, trade_table_names[i], problem);
  if (status == STATUS_OK) digest_of(digest->tables, sizeof digest->tables, digest->all);
  return status;
}
