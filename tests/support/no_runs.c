#include "support/no_runs.h"

#include "base/text.h"

static enum status start(void *self, const struct run_request *request, char id[RUN_ID_BYTES], struct problem *problem) {
  (void)self;
  (void)request;
  text_copy(id, RUN_ID_BYTES, "");
  problem_add(problem, "in_use", "queue", NULL, NULL, "the queue is full");
  return STATUS_IN_USE;
}

static enum status cancel(void *self, const char *id) {
  (void)self;
  (void)id;
  return STATUS_NOT_FOUND;
}

static bool progress(void *self, const char *id, struct run_progress *out) {
  (void)self;
  (void)id;
  (void)out;
  return false;
}

static enum status remove_one(void *self, const char *id, struct problem *problem) {
  (void)self;
  problem_add(problem, "not_found", id, NULL, NULL, "there is no %s", id);
  return STATUS_NOT_FOUND;
}

static void folder(void *self, const char *id, char out[RUN_PATH_BYTES]) {
  (void)self;
  (void)id;
  text_copy(out, RUN_PATH_BYTES, "/nonexistent");
}

static bool is_known(void *self, const char *dataset_id) {
  (void)self;
  (void)dataset_id;
  return false;
}

const struct run_port no_runs = {.start = start,
                                 .cancel = cancel,
                                 .progress = progress,
                                 .remove = remove_one,
                                 .folder = folder,
                                 .is_dataset_used = is_known,
                                 .has_dataset = is_known,
                                 .remove_dataset = remove_one};
