/* Any bytes as the records of a finished run, their mark mended: refused with a reason, or records that are written as the same bytes again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "runner/run_file.h"
#include "support/fuzz_folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_file(enum run_file file, const uint8_t *data, size_t size) {
  static struct problem problem;
  struct buffer bytes = {0};
  run_file_print(file, NULL, 0, &bytes); /* the mark */
  buffer_add(&bytes, data, size);
  fuzz_write(run_file_name(file), bytes.data, bytes.length);
  void *items = NULL;
  int64_t count = 0;
  problem_clear(&problem);
  enum status status = run_file_read(fuzz_folder(), file, &items, &count, &problem);
  check((status == STATUS_OK) != problem_has_error(&problem));
  if (status == STATUS_OK) {
    struct buffer again = {0};
    struct buffer third = {0};
    void *back = NULL;
    int64_t found = 0;
    run_file_print(file, items, count, &again);
    fuzz_write(run_file_name(file), again.data, again.length);
    check(run_file_read(fuzz_folder(), file, &back, &found, &problem) == STATUS_OK && found == count);
    run_file_print(file, back, found, &third);
    check(again.length == third.length && memcmp(again.data, third.data, third.length) == 0);
    free(back);
    buffer_deinit(&again);
    buffer_deinit(&third);
  }
  free(items);
  buffer_deinit(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  try_file((enum run_file)(data[0] % RUN_FILE_COUNT), data + 1, size - 1);
  return 0;
}
