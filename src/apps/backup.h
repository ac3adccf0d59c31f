/* Backups: database, journal, snapshots, presets and names of settings in one tar.gz with a manifest. */
#ifndef APPS_BACKUP_H
#define APPS_BACKUP_H

#include <stdbool.h>

#include "apps/app.h"

struct backup_result {
  char file[1024];
  int64_t bytes;
  char sha256[65];
  char trades_sha256[65]; /* of the rows of orders, fills, positions, trades, ...: trade_digest.h */
  int schema_version;
  int64_t files;
  uint64_t seq; /* newest journal record inside */
  int64_t ts_ms;
  bool is_verified;
};

/* Writes a backup; out NULL: BACKUP_DIR/backup-YYYYMMDD-HHMMSS.tar.gz. */
NODISCARD enum status backup_make(struct app *app, const char *database_path, const char *out, bool is_verified, struct backup_result *result);
/* Unpacks into a temporary folder, checks every hash, that nothing else is inside, the database, its row counts and digests, and the journal. */
NODISCARD enum status backup_verify(const char *file, struct problem *problem);
/* Puts a backup in place; what was there moves to <DATA_DIR>.before-restore-<time>, told in `before`. The server must not run. Positions open at a
 * live venue that the backup does not know are a refusal unless is_forced. */
NODISCARD enum status backup_restore(struct app *app, const char *database_path, const char *file, bool is_forced, char *before, size_t size);

#endif
