#include "adapters/store/store_registry.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

static const struct {
  const char *name;
  size_t offset;
} counter_rows[] = {
#define COUNTER(name) \
  { "engine." #name, offsetof(struct engine_counters, name) }
    COUNTER(session), COUNTER(scan),     COUNTER(candidate), COUNTER(level), COUNTER(signal), COUNTER(plan),      COUNTER(position),
    COUNTER(trade),   COUNTER(decision), COUNTER(fill),      COUNTER(flow),  COUNTER(alert),  COUNTER(operation), COUNTER(transition),
#undef COUNTER
};
enum { COUNTER_COUNT = sizeof counter_rows / sizeof counter_rows[0] };
_Static_assert(COUNTER_COUNT * sizeof(int64_t) == sizeof(struct engine_counters), "every counter has a row");

static uint64_t random_bits(void) {
  uint64_t bits;
  ssize_t count;
  do {
    count = getrandom(&bits, sizeof bits, 0);
  } while (count < 0 && errno == EINTR);
  check(count == (ssize_t)sizeof bits);
  return bits;
}

enum status store_registry_open(struct store_registry *registry, const char *path, struct problem *problem) {
  char host[48] = "";
  *registry = (struct store_registry){0};
  if (gethostname(host, sizeof host - 1) != 0) text_copy(host, sizeof host, "unknown");
  snprintf(registry->holder, sizeof registry->holder, "%s:%ld:%08x", host, (long)getpid(), (unsigned)random_bits());
  return database_open(&registry->database, path, DATABASE_FOR_WRITING, REGISTRY_BUSY_MS, problem);
}

void store_registry_close(struct store_registry *registry) {
  /* A lease that cannot be given back runs out by itself. */
  if (registry->lease[0] != '\0' && store_lease_release(registry, NULL) != STATUS_OK) registry->lease[0] = '\0';
  database_close(&registry->database);
}

/* Runs body between BEGIN IMMEDIATE and COMMIT. */
static enum status finish(struct database *database, enum status status, struct problem *problem) {
  if (status == STATUS_OK) status = database_run(database, "COMMIT", problem);
  if (status != STATUS_OK && database_is_in_transaction(database) && database_run(database, "ROLLBACK", NULL) != STATUS_OK) return STATUS_IO_FAILED;
  return status;
}

/* Instance */

static void draw_instance(char out[INSTANCE_BYTES]) {
  static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  enum { LETTERS = 6, BITS = 5, MASK = 31 };
  do {
    uint64_t bits = random_bits();
    for (int i = 0; i < LETTERS; i++) out[i] = letters[bits >> (BITS * i) & MASK];
    out[LETTERS] = '\0';
  } while (text_equal(out, "000000"));
}

static enum status read_instance(struct store_registry *registry, char out[INSTANCE_BYTES], struct problem *problem) {
  struct database_statement statement = {0};
  out[0] = '\0';
  enum status status = database_prepare(&registry->database, &statement, "SELECT instance_id FROM instance ORDER BY created_at LIMIT 1", problem);
  if (status != STATUS_OK) return status;
  status = database_step(&statement, problem);
  if (status == STATUS_OK) text_copy(out, INSTANCE_BYTES, database_column_text(&statement, 0));
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status write_instance(struct store_registry *registry, const char *instance, int64_t now_ms, struct problem *problem) {
  struct database_statement statement = {0};
  enum status status = database_prepare(&registry->database, &statement, "INSERT INTO instance(instance_id, created_at) VALUES(?, ?)", problem);
  if (status != STATUS_OK) return status;
  database_bind_text(&statement, 1, instance);
  database_bind_int(&statement, 2, now_ms);
  status = database_step(&statement, problem);
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

enum status store_instance(struct store_registry *registry, char out[INSTANCE_BYTES], int64_t now_ms, struct problem *problem) {
  enum status status = database_run(&registry->database, "BEGIN IMMEDIATE", problem);
  if (status != STATUS_OK) return status;
  status = read_instance(registry, out, problem);
  if (status == STATUS_OK && out[0] == '\0') {
    draw_instance(out);
    status = write_instance(registry, out, now_ms, problem);
  }
  return finish(&registry->database, status, problem);
}

/* Counters */

enum status store_counters_load(struct store_registry *registry, struct engine_counters *counters, struct problem *problem) {
  struct database_statement statement = {0};
  *counters = (struct engine_counters){0};
  enum status status = database_prepare(&registry->database, &statement, "SELECT name, value FROM counters", problem);
  if (status != STATUS_OK) return status;
  while ((status = database_step(&statement, problem)) == STATUS_OK) {
    for (size_t i = 0; i < COUNTER_COUNT; i++) {
      int64_t value = database_column_int(&statement, 1);
      if (text_equal(database_column_text(&statement, 0), counter_rows[i].name))
        memcpy((char *)counters + counter_rows[i].offset, &value, sizeof value);
    }
  }
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status write_counters(struct store_registry *registry, const struct engine_counters *counters, struct problem *problem) {
  struct database_statement statement = {0};
  enum status status =
      database_prepare(&registry->database, &statement,
                       "INSERT INTO counters(name, value) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET value = max(value, excluded.value)", problem);
  for (size_t i = 0; i < COUNTER_COUNT && status == STATUS_OK; i++) {
    int64_t value;
    memcpy(&value, (const char *)counters + counter_rows[i].offset, sizeof value);
    database_bind_text(&statement, 1, counter_rows[i].name);
    database_bind_int(&statement, 2, value);
    status = database_step(&statement, problem);
    if (status == STATUS_END) status = STATUS_OK;
  }
  database_finish(&statement);
  return status;
}

enum status store_counters_save(struct store_registry *registry, const struct engine_counters *counters, struct problem *problem) {
  enum status status = database_run(&registry->database, "BEGIN IMMEDIATE", problem);
  if (status != STATUS_OK) return status;
  return finish(&registry->database, write_counters(registry, counters, problem), problem);
}

/* Lease */

/* Parameters of the statement: name, holder, end, now; the first `count` of them. */
static enum status run_lease(struct store_registry *registry, const char *sql, int count, int64_t now_ms, struct problem *problem) {
  enum { NAME = 1, HOLDER, END, NOW };
  struct database_statement statement = {0};
  enum status status = database_prepare(&registry->database, &statement, sql, problem);
  if (status != STATUS_OK) return status;
  database_bind_text(&statement, NAME, registry->lease);
  database_bind_text(&statement, HOLDER, registry->holder);
  if (count >= END) database_bind_int(&statement, END, now_ms + LEASE_EXPIRES_MS);
  if (count >= NOW) database_bind_int(&statement, NOW, now_ms);
  status = database_step(&statement, problem);
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

static enum status refuse_lease(struct store_registry *registry, int64_t now_ms, struct problem *problem) {
  char holder[96] = "another process";
  const char *account = strchr(registry->lease, ':') + 1;
  if (store_lease_holder(&registry->database, account, now_ms, holder, sizeof holder, NULL) != STATUS_OK)
    text_copy(holder, sizeof holder, "another process");
  problem_add(problem, "lease_held", registry->lease, NULL, NULL, "%s is the engine of account %s; it must stop, or be gone for %d s", holder,
              account, LEASE_EXPIRES_MS / 1000);
  return STATUS_LEASE_HELD;
}

enum status store_lease_take(struct store_registry *registry, const char *account, int64_t now_ms, struct problem *problem) {
  snprintf(registry->lease, sizeof registry->lease, "engine:%.50s", account);
  enum status status = database_run(&registry->database, "BEGIN IMMEDIATE", problem);
  int64_t taken = 0;
  if (status == STATUS_OK) {
    status = run_lease(registry,
                       "INSERT INTO leases(name, holder, expires_at, acquired_at) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(name) DO UPDATE SET "
                       "holder = ?2, expires_at = ?3, acquired_at = ?4 WHERE expires_at <= ?4 OR holder = ?2",
                       4, now_ms, problem);
    taken = database_changes(&registry->database);
    status = finish(&registry->database, status, problem);
  }
  if (status == STATUS_OK && taken == 0) status = refuse_lease(registry, now_ms, problem);
  if (status != STATUS_OK) registry->lease[0] = '\0';
  return status;
}

static enum status drop_lease(struct store_registry *registry, const char *account, const char *holder, struct problem *problem) {
  struct database_statement statement = {0};
  enum status status = database_prepare(&registry->database, &statement, "DELETE FROM leases WHERE name = 'engine:' || ?1 AND holder = ?2", problem);
  if (status != STATUS_OK) return status;
  database_bind_text(&statement, 1, account);
  database_bind_text(&statement, 2, holder);
  status = database_step(&statement, problem);
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

enum status store_lease_take_over(struct store_registry *registry, const char *account, const char *holder, int64_t now_ms, struct problem *problem) {
  enum status status = drop_lease(registry, account, holder, problem);
  return status == STATUS_OK ? store_lease_take(registry, account, now_ms, problem) : status;
}

enum status store_lease_renew(struct store_registry *registry, int64_t now_ms, struct problem *problem) {
  enum status status = run_lease(registry, "UPDATE leases SET expires_at = ?3 WHERE name = ?1 AND holder = ?2", 3, now_ms, problem);
  if (status != STATUS_OK) return status;
  return database_changes(&registry->database) == 0 ? refuse_lease(registry, now_ms, problem) : STATUS_OK;
}

enum status store_lease_release(struct store_registry *registry, struct problem *problem) {
  enum status status = run_lease(registry, "DELETE FROM leases WHERE name = ?1 AND holder = ?2", 2, 0, problem);
  registry->lease[0] = '\0';
  return status;
}

enum status store_lease_holder(struct database *database, const char *account, int64_t now_ms, char *out, size_t size, struct problem *problem) {
  struct database_statement statement = {0};
  out[0] = '\0';
  enum status status = database_prepare(database, &statement, "SELECT holder FROM leases WHERE name = 'engine:' || ?1 AND expires_at > ?2", problem);
  if (status != STATUS_OK) return status;
  database_bind_text(&statement, 1, account);
  database_bind_int(&statement, 2, now_ms);
  status = database_step(&statement, problem);
  if (status == STATUS_OK) text_copy(out, size, database_column_text(&statement, 0));
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}
