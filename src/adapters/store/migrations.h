/* The schema of the database as numbered migrations, up and down, derived from the versions in table.def. A released version never changes: what it
 * made is remembered with a checksum in schema_migrations. */
#ifndef ADAPTERS_STORE_MIGRATIONS_H
#define ADAPTERS_STORE_MIGRATIONS_H

#include "adapters/store/database.h"
#include "adapters/store/tables.h"
#include "base/buffer.h"
#include "base/digest.h"

/* The tables of a program. */
struct schema_set {
  const struct store_table *tables;
  int table_count;
};
extern const struct schema_set store_schema;

/* Version that the program wants: the highest in the tables. */
int migrations_newest(const struct schema_set *set);
/* SQL of one step. */
void migration_up_sql(const struct schema_set *set, int version, struct buffer *sql);
void migration_down_sql(const struct schema_set *set, int version, struct buffer *sql);
void migration_checksum(const struct schema_set *set, int version, char text[DIGEST_TEXT_MAX]);

/* Version of the database, 0 for an empty one. STATUS_NEWER_VERSION when the program is too old for it, STATUS_CORRUPT when an applied migration is
 * not the program's. */
NODISCARD enum status migrations_check(const struct schema_set *set, struct database *database, int *version, struct problem *problem);
/* Goes up or down to the version, each step in a transaction of its own. */
NODISCARD enum status migrations_run(const struct schema_set *set, struct database *database, int to, int64_t now_ms, struct problem *problem);

/* The way back for a program that is older than the database: undoes the versions that it does not know by the SQL that they left for it. Nothing to
 * do is fine. */
NODISCARD enum status migrations_undo_newer(const struct schema_set *set, struct database *database, struct problem *problem);

#endif
