#include "apps/jobs.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/app.h"
#include "base/check.h"
#include "base/progress.h"

/* Pipe writes of at most PIPE_BUF bytes are never mixed with those of others. */
_Static_assert(JOBS_RESULT_MAX + sizeof(int64_t) <= PIPE_BUF, "a result does not fit into one piece");

struct message {
  int64_t index; /* wide, so that the result behind it is aligned for whatever it is */
  unsigned char result[JOBS_RESULT_MAX];
};

int jobs_cores(void) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : (int)cores;
}

/* What a call hands to its workers. */
struct work {
  int count, workers;
  jobs_work *work;
  void *context;
  size_t result_size;
  atomic_int *next; /* the first piece that nobody has taken; in memory of all processes */
};

static _Noreturn void be_worker(const struct work *work, int out) {
  for (int i = atomic_fetch_add(work->next, 1); i < work->count && !app_interrupted; i = atomic_fetch_add(work->next, 1)) {
    struct message message = {.index = i};
    work->work(work->context, i, message.result);
    size_t size = offsetof(struct message, result) + work->result_size;
    if (write(out, &message, size) != (ssize_t)size) _exit(1);
  }
  _exit(0);
}

static int start_workers(const struct work *work, const int ends[2]) {
  int started = 0;
  for (int i = 0; i < work->workers; i++) {
    pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      be_worker(work, ends[1]);
    }
    started += child > 0 ? 1 : 0;
  }
  return started;
}

static bool read_whole(int in, void *data, size_t size) {
  size_t done = 0;
  while (done < size) {
    ssize_t n = read(in, (char *)data + done, size - done);
    if (n < 0 && errno == EINTR && !app_interrupted) continue;
    if (n <= 0) return false;
    done += (size_t)n;
  }
  return true;
}

enum status jobs_run_telling(int count, int workers, const char *label, jobs_work *run, jobs_done *done, void *context, void *results,
                             size_t result_size) {
  check(result_size <= JOBS_RESULT_MAX);
  int ends[2];
  atomic_int *next = mmap(NULL, sizeof *next, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (next == MAP_FAILED) return STATUS_NO_MEMORY;
  if (pipe(ends) != 0) {
    munmap(next, sizeof *next);
    return STATUS_IO_FAILED;
  }
  atomic_init(next, 0);
  struct work work = {count, workers < count ? workers : count, run, context, result_size, next};
  int started = start_workers(&work, ends);
  close(ends[1]);
  if (label != NULL && count > 0) progress_begin(label, count);
  int finished = 0;
  struct message message;
  while (read_whole(ends[0], &message, offsetof(struct message, result) + result_size)) {
    if (results != NULL) memcpy((unsigned char *)results + (size_t)message.index * result_size, message.result, result_size);
    if (done != NULL) done(context, (int)message.index, message.result);
    ++finished;
    if (label != NULL) progress_set(finished);
  }
  if (label != NULL) progress_end();
  close(ends[0]);
  for (int i = 0; i < started; i++) (void)wait(NULL);
  munmap(next, sizeof *next);
  if (app_interrupted) return STATUS_INTERRUPTED;
  return finished == count ? STATUS_OK : STATUS_FAILED;
}

enum status jobs_run(int count, int workers, const char *label, jobs_work *work, void *context, void *results, size_t result_size) {
  return jobs_run_telling(count, workers, label, work, NULL, context, results, result_size);
}
