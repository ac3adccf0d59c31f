/* One connection to an SQLite file (SQLite inside, seen by database.c only): statements, transactions, copies. A connection belongs to one thread at
 * a time. */
#ifndef ADAPTERS_STORE_DATABASE_H
#define ADAPTERS_STORE_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/status.h"

enum { DATABASE_PATH_MAX = 1024, DATABASE_BUSY_MS = 5000 };

enum database_mode {
  DATABASE_FOR_READING, /* the file must exist and is never changed */
  DATABASE_FOR_WRITING, /* the file must exist */
  DATABASE_MADE,        /* made, with its folder, when missing */
};

struct database {
  void *handle; /* owned; NULL when closed */
  char path[DATABASE_PATH_MAX];
  int64_t deadline_ns; /* monotonic; 0 none */
};

struct database_statement {
  void *handle; /* owned; NULL when finished */
  struct database *database;
};

/* Write-ahead log, synchronous NORMAL, foreign keys on; waits busy_ms for locks. STATUS_NOT_FOUND, STATUS_NO_PERMISSION, STATUS_CORRUPT (not a
 * database, or cut), ... */
NODISCARD enum status database_open(struct database *database, const char *path, enum database_mode mode, int busy_ms, struct problem *problem);
void database_close(struct database *database); /* zero-initialised and closed are allowed */

/* Runs one or more statements without results. */
NODISCARD enum status database_run(struct database *database, const char *sql, struct problem *problem);
bool database_is_in_transaction(const struct database *database);
int64_t database_changes(const struct database *database); /* rows of the last statement */
int64_t database_last_id(const struct database *database); /* number of the row that was inserted last */
/* From now on statements end with STATUS_TIMED_OUT when budget_ms are over; called again it begins anew. The database must not move in memory. */
void database_limit(struct database *database, int64_t budget_ms);

NODISCARD enum status database_prepare(struct database *database, struct database_statement *statement, const char *sql, struct problem *problem);
/* Parameters count from 1; texts are copied. NaN and NULL bind null. */
void database_bind_null(struct database_statement *statement, int index);
void database_bind_int(struct database_statement *statement, int index, int64_t value);
void database_bind_real(struct database_statement *statement, int index, double value);
void database_bind_text(struct database_statement *statement, int index, const char *value);
/* STATUS_OK with a row, STATUS_END without. After the end and after an error the statement is reset and may be stepped again. */
NODISCARD enum status database_step(struct database_statement *statement, struct problem *problem);
void database_reset(struct database_statement *statement);
void database_finish(struct database_statement *statement); /* zero-initialised and finished are allowed */

/* Columns of the row at hand count from 0; texts are good until the next step. */
int database_column_count(const struct database_statement *statement);
const char *database_column_name(const struct database_statement *statement, int column);
bool database_column_is_null(const struct database_statement *statement, int column);
int64_t database_column_int(const struct database_statement *statement, int column);
double database_column_real(const struct database_statement *statement, int column);
const char *database_column_text(const struct database_statement *statement, int column); /* "" for null */

/* First column of the first row of a query as a number; fallback without a row. */
NODISCARD enum status database_read_int(struct database *database, const char *sql, int64_t fallback, int64_t *out, struct problem *problem);
/* A consistent copy into a new file while others write. */
NODISCARD enum status database_copy(struct database *database, const char *to, struct problem *problem);
/* SQLite's own check of every page: STATUS_CORRUPT with the first finding. */
NODISCARD enum status database_check(struct database *database, struct problem *problem);

#endif
