#include "adapters/store/migrations.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/version.h"

const struct schema_set store_schema = {store_tables, 0};

/* The count is no constant expression, so that of the program's own tables is asked for. */
static int table_count(const struct schema_set *set) {
  return set == &store_schema ? store_table_count : set->table_count;
}

static int since(const struct store_table *table, const struct store_column *column) {
  return column->since != 0 ? column->since : table->since;
}

int migrations_newest(const struct schema_set *set) {
  int newest = 0;
  for (int i = 0; i < table_count(set); i++) {
    const struct store_table *table = &set->tables[i];
    for (int j = 0; j < table->column_count; j++) {
      if (since(table, &table->columns[j]) > newest) newest = since(table, &table->columns[j]);
    }
  }
  return newest;
}

/* SQL */

static const char *sql_type(const struct store_column *column) {
  static const char *const types[] = {[COLUMN_TYPE_TEXT] = "TEXT",    [COLUMN_TYPE_INT] = "INTEGER",
                                      [COLUMN_TYPE_REAL] = "REAL",    [COLUMN_TYPE_DEC] = "INTEGER",
                                      [COLUMN_TYPE_TIME] = "INTEGER", [COLUMN_TYPE_JSON] = "TEXT",
                                      [COLUMN_TYPE_BOOL] = "INTEGER", [COLUMN_TYPE_DAY] = "TEXT",
                                      [COLUMN_TYPE_ID] = "INTEGER",   [COLUMN_TYPE_ROWID] = "INTEGER PRIMARY KEY"};
  return types[column->type];
}

static void add_column(const struct store_column *column, struct buffer *sql) {
  buffer_add_format(sql, "\"%s\" %s", column->name, sql_type(column));
  if (column->expression != NULL) buffer_add_format(sql, " GENERATED ALWAYS AS (%s) VIRTUAL", column->expression);
}

static void add_key(const struct store_table *table, struct buffer *sql) {
  bool has_rowid = false;
  if (table->key[0] == '\0') return;
  for (int i = 0; i < table->column_count; i++) has_rowid = has_rowid || table->columns[i].type == COLUMN_TYPE_ROWID;
  buffer_add_format(sql, ",\n  %s (%s)", has_rowid ? "UNIQUE" : "PRIMARY KEY", table->key);
}

static void add_index(const struct store_table *table, const struct store_column *column, struct buffer *sql) {
  if (!column->is_indexed) return;
  /* Most rows belong to no run. */
  const char *where = text_equal(column->name, "run_id") ? " WHERE run_id IS NOT NULL" : "";
  buffer_add_format(sql, "CREATE INDEX %s_%s ON %s(\"%s\")%s;\n", table->name, column->name, table->name, column->name, where);
}

static void add_table(const struct store_table *table, int version, struct buffer *sql) {
  buffer_add_format(sql, "CREATE TABLE %s (\n  ", table->name);
  for (int i = 0, written = 0; i < table->column_count; i++) {
    if (since(table, &table->columns[i]) != version) continue;
    if (written++ > 0) buffer_add_text(sql, ",\n  ");
    add_column(&table->columns[i], sql);
  }
  add_key(table, sql);
  buffer_add_text(sql, "\n) STRICT;\n");
}

void migration_up_sql(const struct schema_set *set, int version, struct buffer *sql) {
  for (int i = 0; i < table_count(set); i++) {
    const struct store_table *table = &set->tables[i];
    if (table->since == version) add_table(table, version, sql);
    for (int j = 0; j < table->column_count; j++) {
      const struct store_column *column = &table->columns[j];
      if (since(table, column) != version) continue;
      if (table->since != version) {
        buffer_add_format(sql, "ALTER TABLE %s ADD COLUMN ", table->name);
        add_column(column, sql);
        buffer_add_text(sql, ";\n");
      }
      add_index(table, column, sql);
    }
  }
}

void migration_down_sql(const struct schema_set *set, int version, struct buffer *sql) {
  for (int i = table_count(set) - 1; i >= 0; i--) {
    const struct store_table *table = &set->tables[i];
    if (table->since == version) {
      buffer_add_format(sql, "DROP TABLE %s;\n", table->name);
      continue;
    }
    for (int j = table->column_count - 1; j >= 0; j--) {
      const struct store_column *column = &table->columns[j];
      if (since(table, column) != version) continue;
      if (column->is_indexed) buffer_add_format(sql, "DROP INDEX %s_%s;\n", table->name, column->name);
      buffer_add_format(sql, "ALTER TABLE %s DROP COLUMN \"%s\";\n", table->name, column->name);
    }
  }
}

void migration_checksum(const struct schema_set *set, int version, char text[DIGEST_TEXT_MAX]) {
  struct buffer sql = {0};
  migration_up_sql(set, version, &sql);
  buffer_add_text(&sql, "--\n");
  migration_down_sql(set, version, &sql);
  digest_of(sql.data, sql.length, text);
  buffer_deinit(&sql);
}

/* What is applied */

static enum status check_applied(const struct schema_set *set, struct database *database, struct database_statement *rows, int *version,
                                 struct problem *problem) {
  char checksum[DIGEST_TEXT_MAX];
  enum status status;
  while ((status = database_step(rows, problem)) == STATUS_OK) {
    *version = (int)database_column_int(rows, 0);
    if (*version > migrations_newest(set)) {
      problem_add(problem, "newer_schema", database->path, NULL, NULL,
                  "the database has schema version %d (%s); this program knows versions up to %d: use a program that knows version %d", *version,
                  database_column_text(rows, 1), migrations_newest(set), *version);
      return STATUS_NEWER_VERSION;
    }
    migration_checksum(set, *version, checksum);
    if (!text_equal(checksum, database_column_text(rows, 2))) {
      problem_add(problem, "changed_migration", database->path, NULL, NULL,
                  "migration %d of the database (%s) is not the one of this program; 'breakout db rebuild' makes the database again from the journal",
                  *version, database_column_text(rows, 1));
      return STATUS_CORRUPT;
    }
  }
  return status == STATUS_END ? STATUS_OK : status;
}

enum status migrations_check(const struct schema_set *set, struct database *database, int *version, struct problem *problem) {
  struct database_statement rows = {0};
  int64_t has_table = 0;
  *version = 0;
  enum status status =
      database_read_int(database, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'", 0, &has_table, problem);
  if (status != STATUS_OK || has_table == 0) return status;
  /* The newest comes first to a reader who must give up: a newer schema is told before a checksum that this program cannot know. */
  status = database_prepare(database, &rows, "SELECT version, name, checksum FROM schema_migrations ORDER BY version", problem);
  if (status == STATUS_OK) status = check_applied(set, database, &rows, version, problem);
  database_finish(&rows);
  return status;
}

/* Steps */

/* Since this version a database carries the SQL that undoes each step. */
enum { DOWN_SQL_SINCE = 3 };

static enum status remember_way_back(const struct schema_set *set, struct database *database, int version, struct problem *problem) {
  struct database_statement update = {0};
  struct buffer sql = {0};
  if (version < DOWN_SQL_SINCE) return STATUS_OK;
  enum status status = database_prepare(database, &update, "UPDATE schema_migrations SET down_sql = ? WHERE version = ?", problem);
  if (status != STATUS_OK) return status;
  migration_down_sql(set, version, &sql);
  database_bind_text(&update, 1, sql.data);
  database_bind_int(&update, 2, version);
  status = database_step(&update, problem);
  database_finish(&update);
  buffer_deinit(&sql);
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status remember(const struct schema_set *set, struct database *database, int version, int64_t now_ms, struct problem *problem) {
  struct database_statement insert = {0};
  char checksum[DIGEST_TEXT_MAX], name[64];
  migration_checksum(set, version, checksum);
  snprintf(name, sizeof name, "program %.40s", version_text());
  enum status status = database_prepare(
      database, &insert, "INSERT INTO schema_migrations(version, name, applied_at, checksum, down_available) VALUES(?, ?, ?, ?, 1)", problem);
  if (status != STATUS_OK) return status;
  database_bind_int(&insert, 1, version);
  database_bind_text(&insert, 2, name);
  database_bind_int(&insert, 3, now_ms);
  database_bind_text(&insert, 4, checksum);
  status = database_step(&insert, problem);
  database_finish(&insert);
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status forget(struct database *database, int version, struct problem *problem) {
  char sql[96];
  if (version == 1) return STATUS_OK; /* the table itself has gone */
  snprintf(sql, sizeof sql, "DELETE FROM schema_migrations WHERE version = %d", version);
  return database_run(database, sql, problem);
}

/* The end of a transaction. A connection that cannot even go back is of no use. */
static enum status end_step(struct database *database, enum status status, struct problem *problem) {
  if (status == STATUS_OK) status = database_run(database, "COMMIT", problem);
  if (status != STATUS_OK && database_is_in_transaction(database) && database_run(database, "ROLLBACK", NULL) != STATUS_OK) database_close(database);
  return status;
}

static enum status step(const struct schema_set *set, struct database *database, int version, bool is_up, int64_t now_ms, struct problem *problem) {
  struct buffer sql = {0};
  if (is_up) {
    migration_up_sql(set, version, &sql);
  } else {
    migration_down_sql(set, version, &sql);
  }
  enum status status = database_run(database, "BEGIN IMMEDIATE", problem);
  if (status == STATUS_OK) {
    status = database_run(database, sql.data, problem);
    if (status == STATUS_OK) status = is_up ? remember(set, database, version, now_ms, problem) : forget(database, version, problem);
    if (status == STATUS_OK && is_up) status = remember_way_back(set, database, version, problem);
    status = end_step(database, status, problem);
  }
  buffer_deinit(&sql);
  return status;
}

enum status migrations_run(const struct schema_set *set, struct database *database, int to, int64_t now_ms, struct problem *problem) {
  int version = 0;
  enum status status = migrations_check(set, database, &version, problem);
  if (status != STATUS_OK) return status;
  if (to < 0 || to > migrations_newest(set)) {
    char allowed[32];
    snprintf(allowed, sizeof allowed, "0 to %d", migrations_newest(set));
    problem_add(problem, "out_of_bounds", "--to", NULL, allowed, "there is no schema version %d", to);
    return STATUS_BAD_CONFIG;
  }
  while (status == STATUS_OK && version != to) {
    bool is_up = version < to;
    status = step(set, database, is_up ? version + 1 : version, is_up, now_ms, problem);
    version += is_up ? 1 : -1;
  }
  return status;
}

/* The newest version and what undoes it; version 0: no table yet. */
static enum status read_newest(struct database *database, int *version, struct buffer *sql, struct problem *problem) {
  struct database_statement row = {0};
  int64_t has_column = 0;
  *version = 0;
  enum status status =
      database_read_int(database, "SELECT count(*) FROM pragma_table_info('schema_migrations') WHERE name = 'down_sql'", 0, &has_column, problem);
  if (status != STATUS_OK || has_column == 0) return status;
  status = database_prepare(database, &row, "SELECT version, coalesce(down_sql, '') FROM schema_migrations ORDER BY version DESC LIMIT 1", problem);
  if (status == STATUS_OK) status = database_step(&row, problem);
  if (status == STATUS_OK) {
    *version = (int)database_column_int(&row, 0);
    buffer_add_text(sql, database_column_text(&row, 1));
  }
  database_finish(&row);
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status undo(struct database *database, int version, const char *sql, struct problem *problem) {
  if (sql == NULL || sql[0] == '\0') {
    problem_add(problem, "no_way_back", database->path, NULL, NULL, "schema version %d left no SQL that undoes it", version);
    return STATUS_NEWER_VERSION;
  }
  enum status status = database_run(database, "BEGIN IMMEDIATE", problem);
  if (status != STATUS_OK) return status;
  status = forget(database, version, problem); /* first: the step may drop the column this was read from */
  if (status == STATUS_OK) status = database_run(database, sql, problem);
  return end_step(database, status, problem);
}

enum status migrations_undo_newer(const struct schema_set *set, struct database *database, struct problem *problem) {
  for (;;) {
    struct buffer sql = {0};
    int version;
    enum status status = read_newest(database, &version, &sql, problem);
    bool is_newer = status == STATUS_OK && version > migrations_newest(set);
    if (is_newer) status = undo(database, version, sql.data, problem);
    buffer_deinit(&sql);
    if (status != STATUS_OK || !is_newer) return status;
  }
}
