#include "apps/run_id.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

bool run_id_next(const char *data_dir, char out[RUN_ID_BYTES]) {
  char path[RUN_PATH_BYTES];
  char text[32] = "";
  (void)mkdir(data_dir, 0750);
  snprintf(path, sizeof path, "%s/backtest_counter", data_dir);
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return false;
  bool is_done = flock(file, LOCK_EX) == 0;
  int64_t number = 0;
  if (is_done && read(file, text, sizeof text - 1) > 0) text[strcspn(text, "\n")] = '\0';
  if (!text_parse_i64(text, &number) || number < 0) number = 0;
  ++number;
  int length = snprintf(text, sizeof text, "%lld\n", (long long)number);
  is_done = is_done && ftruncate(file, 0) == 0 && pwrite(file, text, (size_t)length, 0) == length;
  close(file);
  if (is_done) snprintf(out, RUN_ID_BYTES, "B%06lld", (long long)number);
  return is_done;
}
