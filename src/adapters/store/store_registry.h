/* What must be one of a kind in a database: the name of the installation, the counters of ids, and the lease of the only writer. A connection of its
 * own, so that the loop never waits for a batch of the archive longer than REGISTRY_BUSY_MS. */
#ifndef ADAPTERS_STORE_STORE_REGISTRY_H
#define ADAPTERS_STORE_STORE_REGISTRY_H

#include "adapters/store/database.h"
#include "engine/engine.h"

enum { REGISTRY_BUSY_MS = 1000, LEASE_RENEW_MS = 5000, LEASE_EXPIRES_MS = 15000, INSTANCE_BYTES = 8 };

struct store_registry {
  struct database database;
  char lease[64];  /* "engine:<account>", "" when none is held */
  char holder[96]; /* host, process and a random number: a restarted process is another holder */
};

/* The schema must be there: open the store (or migrate) before. */
NODISCARD enum status store_registry_open(struct store_registry *registry, const char *path, struct problem *problem);
/* Gives a held lease back. */
void store_registry_close(struct store_registry *registry);

/* Six characters of Crockford's base 32, drawn once and never "000000". */
NODISCARD enum status store_instance(struct store_registry *registry, char out[INSTANCE_BYTES], int64_t now_ms, struct problem *problem);

/* Zeros where nothing was saved. A counter never goes down. */
NODISCARD enum status store_counters_load(struct store_registry *registry, struct engine_counters *counters, struct problem *problem);
NODISCARD enum status store_counters_save(struct store_registry *registry, const struct engine_counters *counters, struct problem *problem);

/* STATUS_LEASE_HELD, naming holder and end, when another process has it. */
NODISCARD enum status store_lease_take(struct store_registry *registry, const char *account, int64_t now_ms, struct problem *problem);
/* The same when `holder` is known to be gone: from it, and from nobody else. */
NODISCARD enum status store_lease_take_over(struct store_registry *registry, const char *account, const char *holder, int64_t now_ms,
                                            struct problem *problem);
/* Every LEASE_RENEW_MS. STATUS_LEASE_HELD when it was lost; STATUS_IN_USE when the database was busy: try again soon. */
NODISCARD enum status store_lease_renew(struct store_registry *registry, int64_t now_ms, struct problem *problem);
NODISCARD enum status store_lease_release(struct store_registry *registry, struct problem *problem);
/* Who holds the lease of an account now; "" when nobody does. Works on a connection for reading. */
NODISCARD enum status store_lease_holder(struct database *database, const char *account, int64_t now_ms, char *out, size_t size,
                                         struct problem *problem);

#endif
