#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/check.h"
#include "base/fsm.h"
#include "base/problem.h"
#include "base/status.h"
#include "support/scratch.h"

static void statuses_have_names_and_codes(void **unused) {
  (void)unused;
  assert_string_equal(status_name(STATUS_NOT_FOUND), "not_found");
  assert_string_equal(status_text(STATUS_NO_SPACE), "no space left on the device");
  assert_int_equal(status_http(STATUS_OK), 200);
  assert_int_equal(status_exit_code(STATUS_BAD_CONFIG), 4);
  assert_true(status_is_retryable(STATUS_TIMED_OUT) && !status_is_retryable(STATUS_CORRUPT));
  assert_int_equal(status_from_errno(0), STATUS_OK);
  assert_int_equal(status_from_errno(ENOSPC), STATUS_NO_SPACE);
  assert_int_equal(status_from_errno(EROFS), STATUS_READ_ONLY);
  assert_int_equal(status_from_errno(12345), STATUS_IO_FAILED);
  for (int i = 0; i < STATUS_COUNT; i++) {
    const char *name = status_name((enum status)i);
    assert_true(strlen(name) > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name));
    assert_true(strlen(status_text((enum status)i)) > 0);
    for (int j = 0; j < i; j++) assert_string_not_equal(name, status_name((enum status)j));
  }
  assert_string_equal(status_name((enum status)999), "failed");
}

static void problems_collect_items(void **unused) {
  (void)unused;
  static struct problem problem;
  problem_clear(&problem);
  problem_add(NULL, "x", "y", NULL, NULL, "nobody reads this");
  problem_warn(&problem, "old_key", "risk.max", NULL, NULL, "the key is old");
  assert_false(problem_has_error(&problem));
  problem_add(&problem, "out_of_bounds", "risk.pct", "120\n", "0 to 5", "the value is %s", "too large");
  assert_true(problem_has_error(&problem));
  FILE *file = tmpfile();
  assert_non_null(file);
  problem_print(&problem, file);
  rewind(file);
  char text[256] = "";
  size_t length = fread(text, 1, sizeof(text) - 1, file);
  text[length] = '\0';
  fclose(file);
  assert_string_equal(text, "warning: risk.max: the key is old\nerror: risk.pct: the value is too large (120 ; allowed 0 to 5)\n");
}

static void a_full_list_keeps_errors_before_warnings(void **unused) {
  (void)unused;
  static struct problem problem;
  problem_clear(&problem);
  for (int i = 0; i < PROBLEM_ITEMS_MAX; i++) problem_warn(&problem, "w", "p", NULL, NULL, "warning %d", i);
  problem_add(&problem, "e", "p", NULL, NULL, "the error");
  problem_warn(&problem, "w", "p", NULL, NULL, "one more");
  assert_int_equal(problem.count, PROBLEM_ITEMS_MAX);
  assert_int_equal(problem.errors, 1);
  assert_int_equal(problem.warnings, PROBLEM_ITEMS_MAX + 1);
  assert_string_equal(problem.items[PROBLEM_ITEMS_MAX - 1].message, "the error");
}

static void long_problem_texts_are_cut_between_characters(void **unused) {
  (void)unused;
  static struct problem problem;
  char value[200];
  for (size_t i = 0; i + 1 < sizeof(value); i += 2) memcpy(value + i, "\xc3\xa9", 2);
  value[198] = '\0';
  problem_clear(&problem);
  problem_add(&problem, "c", "p", value, NULL, "m");
  assert_int_equal(strlen(problem.items[0].value), 62); /* 63 would leave half a character */
}

static void arenas_hand_out_zeroed_aligned_blocks(void **unused) {
  (void)unused;
  struct arena arena;
  assert_int_equal(arena_open(&arena, 1 << 20), STATUS_OK);
  unsigned char *first = arena_take(&arena, 3);
  unsigned char *second = arena_take(&arena, 100);
  assert_int_equal((uintptr_t)second % 16, 0);
  assert_true(second >= first + 3);
  for (int i = 0; i < 100; i++) assert_int_equal(second[i], 0);
  memset(second, 1, 100);
  arena_close(&arena);
  assert_null(arena.memory);
}

/* Runs body in a child process and returns the signal that ended it, 0 when none did. Its standard error goes to the given file. */
static int signal_of(void (*body)(void), FILE *errors) {
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    dup2(fileno(errors), STDERR_FILENO);
    body();
    _exit(0);
  }
  int state;
  assert_int_equal(waitpid(child, &state, 0), child);
  return WIFSIGNALED(state) ? WTERMSIG(state) : 0;
}

static void overfill_arena(void) {
  struct arena arena;
  static _Alignas(16) unsigned char memory[64];
  arena_init(&arena, memory, sizeof(memory));
  arena_take(&arena, 60);
  arena_take(&arena, 1);
}

static void say_hook(const char *text) {
  size_t length = strlen(text);
  if (write(STDERR_FILENO, "hook: ", 6) != 6 || write(STDERR_FILENO, text, length) != (ssize_t)length) _exit(9);
  check(length == 0); /* a failure inside the hook must not call it again */
}

static void fail_with_hook(void) {
  check_set_hook(say_hook);
  check(1 + 1 == 3);
}

static void failed_checks_stop_the_process(void **unused) {
  (void)unused;
  FILE *errors = tmpfile();
  assert_non_null(errors);
  assert_int_equal(signal_of(overfill_arena, errors), SIGABRT);
  assert_int_equal(signal_of(fail_with_hook, errors), SIGABRT);
  rewind(errors);
  char text[2048] = "";
  size_t length = fread(text, 1, sizeof(text) - 1, errors);
  text[length] = '\0';
  fclose(errors);
  assert_non_null(strstr(text, "check failed: padded <= arena->size - arena->used at "));
  assert_non_null(strstr(text, "hook: check failed: 1 + 1 == 3 at "));
  assert_non_null(strstr(text, "check failed: length == 0 at "));
  assert_null(strstr(strstr(text, "hook: ") + 1, "hook: "));
}

static void only_rows_of_the_table_are_moves(void **unused) {
  (void)unused;
  static const struct fsm_row rows[] = {{0, 0, 1}, {1, 1, 2}, {1, 0, 1}};
  static const struct fsm fsm = {.name = "test", .rows = rows, .row_count = 3, .state_count = 3, .trigger_count = 2};
  assert_int_equal(fsm_next(&fsm, 0, 0), 1);
  assert_int_equal(fsm_next(&fsm, 1, 1), 2);
  assert_int_equal(fsm_next(&fsm, 0, 1), -1);
  assert_int_equal(fsm_next(&fsm, 2, 0), -1);
}

static char directory[200];

static int make_directory(void **unused) {
  (void)unused;
  return !scratch_make(directory, sizeof directory, "test_base_misc");
}

static int remove_directory(void **unused) {
  (void)unused;
  return scratch_remove(directory);
}

static const char *in_directory(const char *name) {
  static char path[256];
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  return path;
}

static void buffers_grow(void **unused) {
  (void)unused;
  struct buffer buffer = {0};
  buffer_clear(&buffer);
  assert_string_equal(buffer.data, "");
  for (int i = 0; i < 1000; i++) buffer_add_format(&buffer, "%d,", i);
  assert_int_equal(buffer.length, 10 * 2 + 90 * 3 + 900 * 4);
  assert_memory_equal(buffer.data + buffer.length - 8, "998,999,", 9);
  buffer_clear(&buffer);
  buffer_add(&buffer, "a\0b", 3);
  assert_int_equal(buffer.length, 3);
  assert_memory_equal(buffer.data, "a\0b\0", 4);
  buffer_deinit(&buffer);
}

static void files_come_back(void **unused) {
  (void)unused;
  static struct problem problem;
  struct buffer buffer = {0}, back = {0};
  struct stat info;
  for (int i = 0; i < 100000; i++) buffer_add(&buffer, (const char[]){(char)i}, 1);
  assert_int_equal(buffer_write_file(&buffer, in_directory("a"), 0600, NULL), STATUS_OK);
  assert_int_equal(buffer_read_file(&back, in_directory("a"), 100000, NULL), STATUS_OK);
  assert_int_equal(back.length, buffer.length);
  assert_memory_equal(back.data, buffer.data, buffer.length);
  assert_int_equal(stat(in_directory("a"), &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_not_equal(stat(in_directory("a.tmp"), &info), 0);
  problem_clear(&problem);
  assert_int_equal(buffer_read_file(&back, in_directory("a"), 99999, &problem), STATUS_TOO_LARGE);
  assert_int_equal(buffer_read_file(&back, in_directory("none"), 10, &problem), STATUS_NOT_FOUND);
  assert_int_equal(buffer_read_file(&back, directory, 10, &problem), STATUS_BAD_INPUT);
  assert_int_equal(problem.errors, 3);
  assert_string_equal(problem.items[1].path, in_directory("none"));
  buffer_deinit(&buffer);
  buffer_deinit(&back);
}

/* When the new content cannot be written the old one stays and nothing is left over: a link in the place of the temporary file and a missing
 * directory fail at the first step, a directory in the way of the rename at the last. */
static void a_failed_write_keeps_the_old_content(void **unused) {
  (void)unused;
  struct buffer buffer = {0}, back = {0};
  struct stat info;
  buffer_add_text(&buffer, "old");
  assert_int_equal(buffer_write_file(&buffer, in_directory("b"), 0644, NULL), STATUS_OK);
  buffer_clear(&buffer);
  buffer_add_text(&buffer, "new");
  assert_int_equal(symlink("/dev/full", in_directory("b.tmp")), 0);
  assert_int_not_equal(buffer_write_file(&buffer, in_directory("b"), 0644, NULL), STATUS_OK);
  assert_int_equal(buffer_read_file(&back, in_directory("b"), 100, NULL), STATUS_OK);
  assert_string_equal(back.data, "old");
  assert_int_equal(unlink(in_directory("b.tmp")), 0);
  assert_int_equal(mkdir(in_directory("d"), 0755), 0);
  assert_int_not_equal(buffer_write_file(&buffer, in_directory("d"), 0644, NULL), STATUS_OK);
  assert_int_not_equal(stat(in_directory("d.tmp"), &info), 0);
  assert_int_equal(buffer_write_file(&buffer, in_directory("no/e"), 0644, NULL), STATUS_NOT_FOUND);
  assert_int_equal(buffer_write_file(&buffer, in_directory("b"), 0644, NULL), STATUS_OK);
  assert_int_equal(buffer_read_file(&back, in_directory("b"), 100, NULL), STATUS_OK);
  assert_string_equal(back.data, "new");
  buffer_deinit(&buffer);
  buffer_deinit(&back);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statuses_have_names_and_codes),
      cmocka_unit_test(problems_collect_items),
      cmocka_unit_test(a_full_list_keeps_errors_before_warnings),
      cmocka_unit_test(long_problem_texts_are_cut_between_characters),
      cmocka_unit_test(arenas_hand_out_zeroed_aligned_blocks),
      cmocka_unit_test(failed_checks_stop_the_process),
      cmocka_unit_test(only_rows_of_the_table_are_moves),
      cmocka_unit_test(buffers_grow),
      cmocka_unit_test(files_come_back),
      cmocka_unit_test(a_failed_write_keeps_the_old_content),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
