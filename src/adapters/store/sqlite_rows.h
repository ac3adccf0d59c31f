/* The port rows on SQLite: a connection of its own, for the loop's thread, beside the one with which the archive writes. */
#ifndef ADAPTERS_STORE_SQLITE_ROWS_H
#define ADAPTERS_STORE_SQLITE_ROWS_H

#include "adapters/store/database.h"
#include "runner/rows.h"

/* Longest wait for a lock, and longest work on one question: the loop must go on. */
enum { ROWS_BUSY_MS = 250, ROWS_BUDGET_MS = 250 };

/* Opaque. The schema must be there: open the store before. A file that is removed, replaced or fails is opened anew at the next call. */
struct sqlite_rows;
NODISCARD enum status sqlite_rows_open(struct sqlite_rows **rows, const char *path, struct problem *problem);
void sqlite_rows_close(struct sqlite_rows *rows); /* NULL is allowed */
void sqlite_rows_port(struct sqlite_rows *rows, struct row_port *out);

#endif
