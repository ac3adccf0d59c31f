/* The audit log: table audit, append-only, each row with the SHA-256 of itself behind the hash of the row before. */
#ifndef API_ACCESS_AUDIT_H
#define API_ACCESS_AUDIT_H

#include "base/digest.h"
#include "runner/rows.h"

enum { AUDIT_TARGET_BYTES = 128, AUDIT_ACTION_BYTES = 96 };

struct audit_row {
  int64_t audit_id, ts;
  const char *user, *token_id, *role, *address; /* NULL: none */
  const char *action, *target, *request_id;
  int result;                 /* HTTP status; 0: not known yet, stored as null */
  const char *before, *after; /* JSON objects or NULL */
};

/* Appends the row and fills in its audit_id. */
NODISCARD enum status audit_append(const struct row_port *rows, struct audit_row *row, struct problem *problem);
/* Writes the outcome of a row that was appended with result 0: into the row while it is the last one, else as one more row with the same
 * request_id and the time now, because the chain goes on from it already. */
NODISCARD enum status audit_finish(const struct row_port *rows, struct audit_row *row, int64_t now_ms, struct problem *problem);
/* Follows the chain from its first row. *broken_id: the first row that does not fit, 0 when all do. */
NODISCARD enum status audit_verify(const struct row_port *rows, int64_t *count, int64_t *broken_id, struct problem *problem);

#endif
