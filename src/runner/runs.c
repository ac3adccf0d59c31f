#include "runner/runs.h"

#include <string.h>

const char *const run_state_names[] = {"queued", "running", "done", "failed", "cancelled"};

bool run_is_id(const char *text) {
  size_t length = strlen(text);
  return length >= 2 && length < RUN_ID_BYTES && text[0] == 'B' && strspn(text + 1, "0123456789") == length - 1;
}

bool run_is_dataset(const char *text) {
  size_t length = strlen(text);
  if (length == 0 || length >= RUN_DATASET_BYTES || text[0] == '.') return false;
  return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == length;
}
