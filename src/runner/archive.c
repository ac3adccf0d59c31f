#include "runner/archive.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/ring.h"
#include "runner/journal.h"

/* A message of the ring: its head and the encoded record. previous tells whether something is missing before it: the journal has that. */
struct message_head {
  uint64_t seq, previous;
  int32_t kind;
};

enum { MESSAGE_MAX = 256 << 10, NAP_MS = 20, WRITES_BYTES = 4096 };

struct archive {
  struct store *store;
  char *data_dir, *account; /* owned; NULL without journal */
  struct ring ring;
  unsigned char *memory;
  pthread_t thread;
  atomic_bool is_stopping;
  int64_t give_up_at; /* monotonic ms, written before is_stopping */
  /* of the loop */
  uint64_t seen_seq;
  unsigned char *outgoing;
  /* of the thread */
  unsigned char *incoming, *batch;
  size_t batch_used;
  int32_t batch_rows, batch_seen; /* seen: by the listener */
  uint64_t batch_last_seq;        /* newest record that is stored or in the batch */
  uint64_t handled_seq;           /* everything of the journal up to here was looked at */
  bool batch_is_back_fill;
  void *object; /* room for the largest record */
  _Atomic int64_t stored, batches, failures, back_filled, lost, returns;
  _Atomic int64_t seen, seen_stored; /* records of the listener; of those: stored */
  _Atomic uint64_t last_seq, first_seen;
  struct ring writes; /* double: seconds of each batch */
  unsigned char writes_memory[WRITES_BYTES];
  atomic_bool is_failing;
};

static int64_t monotonic_ns(void) {
  struct timespec now;
  check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t monotonic_ms(void) {
  return monotonic_ns() / 1000000;
}

static void nap(int64_t ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

/* ---- the loop's side ---- */

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  (void)ts;
  struct archive *archive = context;
  struct message_head head = {seq, archive->seen_seq, (int32_t)kind};
  archive->seen_seq = seq;
  if (atomic_load(&archive->first_seen) == 0) atomic_store(&archive->first_seen, seq);
  atomic_fetch_add(&archive->seen, 1);
  memcpy(archive->outgoing, &head, sizeof head);
  size_t used = schema_encode(record_schemas[kind], object, archive->outgoing + sizeof head, MESSAGE_MAX - sizeof head);
  check(used > 0);
  /* Without room the next message says that something is missing before it. */
  if (!ring_push(&archive->ring, archive->outgoing, (uint32_t)(sizeof head + used)) && archive->data_dir == NULL) atomic_fetch_add(&archive->lost, 1);
}

struct listener archive_listener(struct archive *archive) {
  return (struct listener){.context = archive, .on_record = on_record};
}

/* ---- batches ---- */

/* Batches are kept as messages one after another, each with its size before it, so that a refused one can be tried again. */
static bool add_to_batch(struct archive *archive, const struct message_head *head, const unsigned char *payload, size_t size) {
  size_t needed = sizeof size + sizeof *head + size;
  if (archive->batch_rows == ARCHIVE_ROWS_MAX || needed > (size_t)ARCHIVE_ROWS_MAX * 1024 + MESSAGE_MAX - archive->batch_used) return false;
  unsigned char *at = archive->batch + archive->batch_used;
  memcpy(at, &size, sizeof size);
  memcpy(at + sizeof size, head, sizeof *head);
  memcpy(at + sizeof size + sizeof *head, payload, size);
  archive->batch_used += needed;
  ++archive->batch_rows;
  uint64_t first_seen = atomic_load(&archive->first_seen);
  if (first_seen != 0 && head->seq >= first_seen) ++archive->batch_seen;
  archive->batch_last_seq = head->seq;
  return true;
}

static enum status put_batch(struct archive *archive) {
  struct store *store = archive->store;
  CRASH_AT(STORE_BEGIN);
  enum status status = store->begin(store->self);
  for (size_t at = 0; at < archive->batch_used && status == STATUS_OK;) {
    size_t size;
    struct message_head head;
    memcpy(&size, archive->batch + at, sizeof size);
    memcpy(&head, archive->batch + at + sizeof size, sizeof head);
    const unsigned char *payload = archive->batch + at + sizeof size + sizeof head;
    check(schema_decode(record_schemas[head.kind], archive->object, payload, size) == size);
    status = store->put(store->self, (enum record_kind)head.kind, head.seq, archive->object);
    CRASH_AT(STORE_ROW);
    at += sizeof size + sizeof head + size;
  }
  CRASH_AT(STORE_COMMIT);
  if (status == STATUS_OK) status = store->commit(store->self);
  CRASH_AT(STORE_DONE);
  return status;
}

/* The batch stays until the store has it. */
static bool store_batch(struct archive *archive) {
  if (archive->batch_rows == 0) return true;
  int64_t begin = monotonic_ns();
  enum status status = put_batch(archive);
  double seconds = (double)(monotonic_ns() - begin) * 1e-9;
  (void)ring_push(&archive->writes, &seconds, sizeof seconds); /* full: nobody reads them */
  if (status != STATUS_OK) {
    atomic_fetch_add(&archive->failures, 1);
    if (!atomic_exchange(&archive->is_failing, true))
      log_write(LOG_ERROR, "storage", "store_failed", NULL, "%s refuses rows: %s", archive->store->name, status_text(status));
    return false;
  }
  if (atomic_exchange(&archive->is_failing, false)) {
    atomic_fetch_add(&archive->returns, 1);
    log_write(LOG_INFO, "storage", "store_back", NULL, "%s takes rows again", archive->store->name);
  }
  atomic_fetch_add(&archive->stored, archive->batch_rows);
  if (archive->batch_is_back_fill) atomic_fetch_add(&archive->back_filled, archive->batch_rows);
  atomic_fetch_add(&archive->batches, 1);
  atomic_store(&archive->last_seq, archive->batch_last_seq);
  atomic_fetch_add(&archive->seen_stored, archive->batch_seen);
  archive->batch_used = 0;
  archive->batch_rows = archive->batch_seen = 0;
  return true;
}

static bool must_end(const struct archive *archive) {
  return atomic_load(&archive->is_stopping) && monotonic_ms() >= archive->give_up_at;
}

/* Until the store took it; false when there is no more time. */
static bool store_for_sure(struct archive *archive) {
  while (!store_batch(archive)) {
    for (int64_t waited = 0; waited < ARCHIVE_RETRY_MS; waited += NAP_MS) {
      if (must_end(archive)) return false;
      nap(NAP_MS);
    }
  }
  return true;
}

static bool add_for_sure(struct archive *archive, const struct message_head *head, const unsigned char *payload, size_t size) {
  if (add_to_batch(archive, head, payload, size)) return true;
  if (!store_for_sure(archive)) return false;
  check(add_to_batch(archive, head, payload, size));
  return true;
}

/* ---- back-filling ---- */

/* Records of the journal after handled_seq up to `to`. False when there is no more time. */
static bool read_journal(struct archive *archive, uint64_t to) {
  struct problem problem;
  problem_clear(&problem);
  struct journal_reader reader;
  enum status status = journal_reader_open(&reader, archive->data_dir, archive->account, archive->handled_seq + 1, &problem);
  if (status == STATUS_NO_DATA) return true;
  bool goes_on = true;
  struct journal_record record;
  if (status == STATUS_OK) {
    while (goes_on && (status = journal_reader_next(&reader, &record, &problem)) == STATUS_OK && record.seq <= to) {
      archive->handled_seq = record.seq;
      if (record.direction != JOURNAL_RECORD || record.kind >= record_kind_count) continue;
      struct message_head head = {record.seq, 0, record.kind};
      goes_on = add_for_sure(archive, &head, record.payload, record.size);
    }
    journal_reader_close(&reader);
  }
  if (status != STATUS_OK && status != STATUS_END) {
    log_write(LOG_ERROR, "storage", "back_fill_failed", NULL, "the journal cannot be read at %llu: %s", (unsigned long long)archive->batch_last_seq,
              problem.items[0].message);
  }
  return goes_on;
}

static bool back_fill(struct archive *archive, uint64_t to) {
  if (archive->data_dir == NULL) return true;
  if (!store_for_sure(archive)) return false;
  archive->batch_is_back_fill = true;
  bool goes_on = read_journal(archive, to) && store_for_sure(archive);
  archive->batch_is_back_fill = false;
  return goes_on;
}

/* ---- the thread ---- */

/* What the ring had no room for is in the journal, at the latest when that is flushed. */
static bool fill_gap(struct archive *archive, const struct message_head *head) {
  while (archive->data_dir != NULL && archive->handled_seq < head->previous) {
    if (!back_fill(archive, head->seq - 1)) return false;
    if (archive->handled_seq >= head->previous) break;
    if (must_end(archive)) return false;
    nap(NAP_MS);
  }
  return true;
}

/* One message of the ring; false when the thread must end. */
static bool take_message(struct archive *archive, uint32_t size) {
  struct message_head head;
  memcpy(&head, archive->incoming, sizeof head);
  if (head.seq <= archive->handled_seq) return true; /* the journal gave it already */
  if (!fill_gap(archive, &head) || !add_for_sure(archive, &head, archive->incoming + sizeof head, size - sizeof head)) return false;
  archive->handled_seq = head.seq;
  return true;
}

static void *run(void *context) {
  struct archive *archive = context;
  if (!back_fill(archive, UINT64_MAX)) return NULL;
  int64_t batch_since = monotonic_ms();
  for (;;) {
    bool is_stopping = atomic_load(&archive->is_stopping); /* before the ring is looked at: nothing is pushed after it */
    uint32_t size = ring_pop(&archive->ring, archive->incoming, MESSAGE_MAX);
    if (size > 0 && !take_message(archive, size)) return NULL;
    int64_t now = monotonic_ms();
    if (archive->batch_rows == 0) batch_since = now;
    bool is_due = archive->batch_rows == ARCHIVE_ROWS_MAX || now - batch_since >= ARCHIVE_BATCH_MS || (size == 0 && is_stopping);
    if (is_due && !store_for_sure(archive)) return NULL;
    if (size == 0 && is_stopping) break;
    if (size == 0) nap(NAP_MS);
  }
  back_fill(archive, UINT64_MAX); /* what the ring had no room for at the end */
  return NULL;
}

static size_t largest_record(void) {
  size_t largest = 0;
  for (int kind = 0; kind < record_kind_count; kind++) {
    if (record_schemas[kind]->size > largest) largest = record_schemas[kind]->size;
  }
  return largest;
}

static void free_archive(struct archive *archive) {
  free(archive->memory);
  free(archive->outgoing);
  free(archive->incoming);
  free(archive->batch);
  free(archive->object);
  free(archive->data_dir);
  free(archive->account);
  free(archive);
}

enum status archive_start(struct archive **out, const struct archive_options *options, struct problem *problem) {
  struct archive *archive = calloc(1, sizeof *archive);
  check(archive != NULL);
  size_t ring_bytes = options->ring_bytes > 0 ? options->ring_bytes : ARCHIVE_RING_BYTES;
  archive->store = options->store;
  archive->memory = malloc(ring_bytes);
  archive->outgoing = malloc(MESSAGE_MAX);
  archive->incoming = malloc(MESSAGE_MAX);
  archive->batch = malloc((size_t)ARCHIVE_ROWS_MAX * 1024 + MESSAGE_MAX);
  archive->object = malloc(largest_record());
  check(archive->memory != NULL && archive->outgoing != NULL && archive->incoming != NULL && archive->batch != NULL && archive->object != NULL);
  ring_init(&archive->ring, archive->memory, ring_bytes);
  ring_init(&archive->writes, archive->writes_memory, WRITES_BYTES);
  if (options->data_dir != NULL) {
    archive->data_dir = strdup(options->data_dir);
    archive->account = strdup(options->account);
    check(archive->data_dir != NULL && archive->account != NULL);
  }
  archive->batch_last_seq = archive->store->last_seq(archive->store->self);
  archive->handled_seq = archive->batch_last_seq;
  atomic_store(&archive->last_seq, archive->batch_last_seq);
  if (pthread_create(&archive->thread, NULL, run, archive) != 0) {
    problem_add(problem, "no_thread", "archive", NULL, NULL, "the thread that fills the store cannot be started");
    free_archive(archive);
    return STATUS_NO_MEMORY;
  }
  *out = archive;
  return STATUS_OK;
}

void archive_stop(struct archive *archive, int64_t timeout_ms) {
  if (archive == NULL) return;
  archive->give_up_at = monotonic_ms() + timeout_ms;
  atomic_store(&archive->is_stopping, true);
  pthread_join(archive->thread, NULL);
  free_archive(archive);
}

void archive_counts(struct archive *archive, struct archive_counts *out) {
  *out = (struct archive_counts){.stored = atomic_load(&archive->stored),
                                 .batches = atomic_load(&archive->batches),
                                 .failures = atomic_load(&archive->failures),
                                 .back_filled = atomic_load(&archive->back_filled),
                                 .lost = atomic_load(&archive->lost),
                                 .waiting = atomic_load(&archive->seen) - atomic_load(&archive->seen_stored) - atomic_load(&archive->lost),
                                 .returns = atomic_load(&archive->returns),
                                 .last_seq = atomic_load(&archive->last_seq),
                                 .is_failing = atomic_load(&archive->is_failing)};
}

bool archive_next_write(struct archive *archive, double *seconds) {
  return ring_pop(&archive->writes, seconds, sizeof *seconds) > 0;
}
