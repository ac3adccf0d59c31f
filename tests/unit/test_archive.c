/* The archive: every record reaches the store once, whether it came through the ring or from the journal, whatever the store refuses meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/archive.h"
#include "runner/journal.h"
#include "support/scratch.h"

enum { RECORDS_MAX = 20000 };

static char folder[200];
static struct listener listener;
static struct journal *journal;

/* A store that remembers seqs and can be switched off. */
static struct {
  atomic_bool is_down;
  uint64_t seqs[RECORDS_MAX], waiting[RECORDS_MAX];
  int stored, staged;
  uint64_t last;
} memory;

static enum status begin(void *self) {
  (void)self;
  memory.staged = 0;
  return atomic_load(&memory.is_down) ? STATUS_IO_FAILED : STATUS_OK;
}

static enum status put(void *self, enum record_kind kind, uint64_t seq, const void *object) {
  (void)self;
  const struct equity *equity = object;
  if (kind != RECORD_EQUITY || equity->equity_usd != (int64_t)seq || memory.staged == RECORDS_MAX) return STATUS_BAD_INPUT;
  memory.waiting[memory.staged++] = seq;
  return STATUS_OK;
}

static enum status commit(void *self) {
  (void)self;
  if (atomic_load(&memory.is_down)) return STATUS_IO_FAILED;
  for (int i = 0; i < memory.staged; i++) {
    memory.seqs[memory.stored++] = memory.waiting[i];
    memory.last = memory.waiting[i];
  }
  return STATUS_OK;
}

static uint64_t last_seq(void *self) {
  (void)self;
  return memory.last;
}

static void close_store(void *self) {
  (void)self;
}

static struct store store = {.name = "memory", .begin = begin, .put = put, .commit = commit, .last_seq = last_seq, .close = close_store};

static int set_up(void **state) {
  (void)state;
  memset(&memory, 0, sizeof memory);
  if (!scratch_make(folder, sizeof folder, "breakout-archive")) return 1;
  struct journal_options options = {.data_dir = folder, .account = "paper", .is_volatile = true, .reserve_bytes = 4096};
  return journal_open(&journal, &options, NULL) != STATUS_OK;
}

static int tear_down(void **state) {
  (void)state;
  journal_close(journal);
  return scratch_remove(folder);
}

/* As the runner does: journal first, then the listener (NULL: nobody listens). Every third thing is no record. */
static void happen(int count, const struct listener *to) {
  for (int i = 0; i < count; i++) {
    uint64_t seq = journal_last_seq(journal) + 1;
    if (seq % 3 == 0) {
      assert_int_equal(journal_append(journal, 1, JOURNAL_MARK, MARK_SNAPSHOT, NULL, 0), seq);
      continue;
    }
    struct equity equity = {.ts = 1, .equity_usd = (int64_t)seq};
    unsigned char bytes[512];
    size_t size = schema_encode(record_schemas[RECORD_EQUITY], &equity, bytes, sizeof bytes);
    assert_int_equal(journal_append(journal, 1, JOURNAL_RECORD, RECORD_EQUITY, bytes, size), seq);
    if (to != NULL) to->on_record(to->context, seq, 1, RECORD_EQUITY, &equity);
  }
}

static struct archive *start(size_t ring_bytes) {
  assert_int_equal(journal_flush(journal, 1), STATUS_OK);
  struct archive_options options = {.store = &store, .data_dir = folder, .account = "paper", .ring_bytes = ring_bytes};
  struct archive *archive;
  assert_int_equal(archive_start(&archive, &options, NULL), STATUS_OK);
  listener = archive_listener(archive);
  return archive;
}

static void stop(struct archive *archive) {
  assert_int_equal(journal_flush(journal, 1), STATUS_OK);
  archive_stop(archive, 60000);
}

/* All records of the journal, each once, in order. */
static void assert_complete(void) {
  uint64_t last = journal_last_seq(journal);
  int at = 0;
  for (uint64_t seq = 1; seq <= last; seq++) {
    if (seq % 3 != 0) assert_int_equal(memory.seqs[at++], seq);
  }
  assert_int_equal(memory.stored, at);
}

static void test_ring_alone(void **state) {
  (void)state;
  struct archive *archive = start(0);
  happen(5000, &listener);
  stop(archive);
  assert_complete();
}

static void test_old_records_are_back_filled(void **state) {
  (void)state;
  happen(3000, NULL);
  struct archive *archive = start(0);
  happen(3000, &listener);
  stop(archive);
  assert_complete();
  happen(100, NULL); /* while nobody stores */
  archive = start(0);
  happen(10, &listener);
  stop(archive);
  assert_complete();
}

static void test_full_ring_is_back_filled(void **state) {
  (void)state;
  atomic_store(&memory.is_down, true);
  struct archive *archive = start(4096); /* some forty records */
  happen(9000, &listener);
  assert_int_equal(journal_flush(journal, 1), STATUS_OK);
  struct archive_counts counts;
  do {
    archive_counts(archive, &counts);
    usleep(1000);
  } while (counts.failures == 0); /* the store was asked and refused */
  assert_true(counts.is_failing);
  assert_int_equal(counts.stored, 0);
  atomic_store(&memory.is_down, false);
  happen(9000, &listener);
  stop(archive);
  assert_complete();
}

static void test_gives_up_when_stopped(void **state) {
  (void)state;
  atomic_store(&memory.is_down, true);
  struct archive *archive = start(0);
  happen(300, &listener);
  assert_int_equal(journal_flush(journal, 1), STATUS_OK);
  archive_stop(archive, 50);
  assert_int_equal(memory.stored, 0);
  atomic_store(&memory.is_down, false);
  archive = start(0); /* the journal kept them */
  stop(archive);
  assert_complete();
}

static void test_without_journal_the_loss_is_counted(void **state) {
  (void)state;
  atomic_store(&memory.is_down, true);
  struct archive_options options = {.store = &store, .ring_bytes = 4096};
  struct archive *archive;
  assert_int_equal(archive_start(&archive, &options, NULL), STATUS_OK);
  listener = archive_listener(archive);
  happen(3000, &listener);
  struct archive_counts counts;
  archive_counts(archive, &counts);
  assert_true(counts.lost > 0);
  atomic_store(&memory.is_down, false);
  archive_stop(archive, 60000);
  assert_int_equal(memory.stored + counts.lost, 2000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_ring_alone),
      TEST(test_old_records_are_back_filled),
      TEST(test_full_ring_is_back_filled),
      TEST(test_gives_up_when_stopped),
      TEST(test_without_journal_the_loss_is_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
