/* Two semaphores hand the one job back and forth, so that it always has exactly one owner and needs no lock. */
#include "runner/flusher.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/crash_point.h"

struct flusher {
  struct journal_io io;
  pthread_t thread;
  sem_t asked, done;
  bool is_busy; /* of the loop */
  /* the job: of the loop until asked is posted, of the thread until done is */
  bool is_ending;
  int file;
  const unsigned char *bytes;
  size_t size;
  struct flush_result result;
};

static void wait_for(sem_t *semaphore) {
  while (sem_wait(semaphore) != 0) check(errno == EINTR);
}

static double seconds_now(void) {
  struct timespec now;
  check(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void do_job(struct flusher *flusher) {
  struct flush_result *result = &flusher->result;
  *result = (struct flush_result){0};
  double begin = seconds_now();
  CRASH_AT(FLUSHER_ASKED);
  while (result->written < flusher->size) {
    ssize_t count = flusher->io.write(flusher->file, flusher->bytes + result->written, flusher->size - result->written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return;
    result->written += (size_t)count;
  }
  CRASH_AT(FLUSHER_WROTE);
  if (flusher->io.sync(flusher->file) != 0) result->sync_error = errno;
  CRASH_AT(FLUSHER_DONE);
  result->seconds = seconds_now() - begin;
}

static void *run(void *context) {
  struct flusher *flusher = context;
  for (;;) {
    wait_for(&flusher->asked);
    if (flusher->is_ending) return NULL;
    do_job(flusher);
    check(sem_post(&flusher->done) == 0);
  }
}

struct flusher *flusher_open(const struct journal_io *io) {
  struct flusher *flusher = calloc(1, sizeof *flusher);
  check(flusher != NULL);
  flusher->io = *io;
  check(sem_init(&flusher->asked, 0, 0) == 0 && sem_init(&flusher->done, 0, 0) == 0);
  if (pthread_create(&flusher->thread, NULL, run, flusher) == 0) return flusher;
  sem_destroy(&flusher->asked);
  sem_destroy(&flusher->done);
  free(flusher);
  return NULL;
}

void flusher_close(struct flusher *flusher) {
  if (flusher == NULL) return;
  if (flusher->is_busy) wait_for(&flusher->done);
  flusher->is_ending = true;
  check(sem_post(&flusher->asked) == 0);
  pthread_join(flusher->thread, NULL);
  sem_destroy(&flusher->asked);
  sem_destroy(&flusher->done);
  free(flusher);
}

void flusher_begin(struct flusher *flusher, int file, const void *bytes, size_t size) {
  check(!flusher->is_busy);
  flusher->is_busy = true;
  flusher->file = file;
  flusher->bytes = bytes;
  flusher->size = size;
  check(sem_post(&flusher->asked) == 0);
}

bool flusher_end(struct flusher *flusher, bool waits, struct flush_result *out) {
  check(flusher->is_busy);
  if (waits) {
    wait_for(&flusher->done);
  } else if (sem_trywait(&flusher->done) != 0) {
    return false;
  }
  flusher->is_busy = false;
  *out = flusher->result;
  return true;
}
