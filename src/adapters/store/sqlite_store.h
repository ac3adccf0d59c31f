/* The port store on SQLite: every record becomes a row of its tables. One thread writes (the archive). */
#ifndef ADAPTERS_STORE_SQLITE_STORE_H
#define ADAPTERS_STORE_SQLITE_STORE_H

#include "runner/store.h"

struct sqlite_store_options {
  const char *path;
  const char *account; /* "paper", ...: whose ledger */
  bool may_migrate;    /* pending migrations run now; else they are an error that names 'breakout db migrate' */
};

/* Opens or makes the database. STATUS_NEWER_VERSION when a newer program wrote it, STATUS_CORRUPT when it is damaged; the problem names the file and
 * what to do.
 *
 * Later failures (locked, full, read-only, gone) end the batch at hand: give the same batch again until it is taken; begin tries to open the database
 * again by itself. The same record twice is one row. A file that is gone is waited for, and one that knows less than was stored is refused: a new
 * start makes or fills it. The first failure and the return are logged, once each. */
NODISCARD enum status sqlite_store_open(struct store *store, const struct sqlite_store_options *options, struct problem *problem);

#endif
