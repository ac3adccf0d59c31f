/* SHA-256 over the rows of what was traded: tells whether two databases hold the same trades, whatever wrote them and in which order. */
#ifndef ADAPTERS_STORE_TRADE_DIGEST_H
#define ADAPTERS_STORE_TRADE_DIGEST_H

#include "adapters/store/database.h"
#include "base/digest.h"

enum { TRADE_TABLES = 7 };
extern const char *const trade_table_names[TRADE_TABLES];

struct trade_digest {
  char tables[TRADE_TABLES][DIGEST_TEXT_MAX]; /* by trade_table_names */
  char all[DIGEST_TEXT_MAX];                  /* over the digests of the tables */
};

/* Rows in the order of their key, columns by name, values as text. Columns without a value do not count, so that a migration that only adds columns
 * changes nothing. Begin a transaction before where others write. */
NODISCARD enum status trade_digest_read(struct trade_digest *digest, struct database *database, struct problem *problem);

#endif
