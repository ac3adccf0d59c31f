/* Records of a finished run, one file a kind in the folder of the run: what lists and performance read instead of the printed files. */
#ifndef RUNNER_RUN_FILE_H
#define RUNNER_RUN_FILE_H

#include "base/problem.h"
#include "base/schema.h"

enum run_file { RUN_FILE_TRADES, RUN_FILE_EQUITY, RUN_FILE_DECISIONS, RUN_FILE_COUNT };
/* Shapes: struct trade by closed_at, struct equity by ts, struct decision by ts. */
const struct schema *run_file_schema(enum run_file file);

/* Name inside the folder: "trades.rec", ... */
const char *run_file_name(enum run_file file);
/* Appends the whole file: a mark of form and fields, then each record with its length. */
void run_file_print(enum run_file file, const void *items, int64_t count, struct buffer *out);
/* All records of a file, oldest first, in memory that is the caller's to free. STATUS_NOT_FOUND without the file, STATUS_NEWER_VERSION when its
 * records have other fields, STATUS_CORRUPT, STATUS_TOO_LARGE beyond RUN_FILE_BYTES_MAX. */
enum { RUN_FILE_BYTES_MAX = 256 << 20 };
NODISCARD enum status run_file_read(const char *folder, enum run_file file, void **items, int64_t *count, struct problem *problem);

#endif
