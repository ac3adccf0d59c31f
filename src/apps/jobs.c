#include "apps/jobs.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
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

static _Noreturn void be_worker(int worker, int workers, int count, jobs_work *work, void *context, size_t result_size, int out) {
  for (int i = worker; i < count && !app_interrupted; i += workers) {
    struct message message = {.index = i};
    work(context, i, message.result);
    size_t size = offsetof(struct message, result) + result_size;
    if (write(out, &message, size) != (ssize_t)size) _exit(1);
  }
  _exit(0);
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

enum status jobs_run(int count, int workers, const char *label, jobs_work *work, void *context, void *results, size_t result_size) {
  check(result_size <= JOBS_RESULT_MAX);
  int ends[2];
  if (workers > count) workers = count;
  if (pipe(ends) != 0) return STATUS_IO_FAILED;
  int started = 0;
  for (int i = 0; i < workers; i++) {
    pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      be_worker(i, workers, count, work, context, result_size, ends[1]);
    }
    started += child > 0 ? 1 : 0;
  }
  close(ends[1]);
  if (label != NULL) progress_begin(label, count);
  int done = 0;
  struct message message;
  while (read_whole(ends[0], &message, offsetof(struct message, result) + result_size)) {
    memcpy((unsigned char *)results + (size_t)message.index * result_size, message.result, result_size);
    ++done;
    if (label != NULL) progress_set(done);
  }
  if (label != NULL) progress_end();
  close(ends[0]);
  for (int i = 0; i < started; i++) (void)wait(NULL);
  if (app_interrupted) return STATUS_INTERRUPTED;
  return done == count ? STATUS_OK : STATUS_FAILED;
}
