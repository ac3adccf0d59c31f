#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/folder.h"
#include "support/scratch.h"

static char top[200];

static int make_top(void **state) {
  (void)state;
  return scratch_make(top, sizeof top, "test_folder") ? 0 : -1;
}

static int remove_top(void **state) {
  (void)state;
  return scratch_remove(top);
}

static const char *below(const char *name) {
  static char path[300];
  snprintf(path, sizeof path, "%s/%s", top, name);
  return path;
}

static void put(const char *name) {
  FILE *file = fopen(below(name), "w");
  assert_non_null(file);
  assert_int_equal(fclose(file), 0);
}

static void everything_in_it_goes(void **state) {
  (void)state;
  assert_int_equal(mkdir(below("x"), 0700), 0);
  assert_int_equal(mkdir(below("x/deep"), 0700), 0);
  put("x/.hidden");
  put("x/deep/file");
  put("kept");
  char link[300];
  snprintf(link, sizeof link, "%s/x/link", top);
  assert_int_equal(symlink(below("kept"), link), 0);
  assert_true(folder_remove(below("x")));
  assert_int_equal(access(below("x"), F_OK), -1);
  assert_int_equal(access(below("kept"), F_OK), 0); /* links themselves, not what they point to */
}

static void emptied_or_not_there(void **state) {
  (void)state;
  assert_int_equal(mkdir(below("y"), 0700), 0);
  put("y/file");
  assert_true(folder_empty(below("y")));
  assert_int_equal(access(below("y"), F_OK), 0);
  assert_int_equal(rmdir(below("y")), 0);
  assert_true(folder_remove(below("y")));
  put("file");
  assert_false(folder_empty(below("file"))); /* no folder */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everything_in_it_goes),
      cmocka_unit_test(emptied_or_not_there),
  };
  return cmocka_run_group_tests(tests, make_top, remove_top);
}
