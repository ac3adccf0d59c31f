/* Any words as a command line, a word a line: the options of every verb and of all verbs are read as the program reads them, and nothing is done. A
 * refusal says why. The linker puts the functions below between the verbs and their options (--wrap). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

int breakout_main(int argc, char **argv);
#define main breakout_main
#include "apps/main.c"
#undef main

#include "base/check.h"

enum { WORDS_MAX = 40, BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static jmp_buf all_read;

int __real_app_next(struct app *app, struct app_arguments *arguments, const struct app_option *options, int count, const char **value);
int __wrap_app_next(struct app *app, struct app_arguments *arguments, const struct app_option *options, int count, const char **value);
int __wrap_app_fail(struct app *app, enum status status);
int __wrap_app_fail_with(struct app *app, enum status status, const char *code, const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* All options are read: what would come now is the verb's work. */
int __wrap_app_next(struct app *app, struct app_arguments *arguments, const struct app_option *options, int count, const char **value) {
  int option = app->wants_help ? APP_DONE : __real_app_next(app, arguments, options, count, value);
  check(option < count && option >= APP_WRONG);
  if (option == APP_DONE) longjmp(all_read, 1);
  if (option == APP_WRONG) {
    check(problem_has_error(&app->problem));
  } else {
    check(option == APP_ARGUMENT ? *value != NULL : (*value != NULL) == options[option].takes_value);
  }
  return option;
}

int __wrap_app_fail(struct app *app, enum status status) {
  check(status != STATUS_OK && problem_has_error(&app->problem));
  return status_exit_code(status);
}

int __wrap_app_fail_with(struct app *app, enum status status, const char *code, const char *path, const char *format, ...) {
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  check(vsnprintf(message, sizeof message, format, arguments) > 0);
  va_end(arguments);
  problem_add(&app->problem, code, path, NULL, NULL, "%s", message);
  return __wrap_app_fail(app, status);
}

static void run_line(int argc, char **argv) {
  static struct app app;
  static struct common common;
  static char *words[WORDS_MAX + 4];
  char *environment[] = {NULL};
  memset(&app, 0, sizeof app);
  memset(&common, 0, sizeof common);
  app.verb = "breakout";
  app.timeout_s = 30;
  int count = take_common(&app, &common, argc, argv);
  check(count >= 0 || problem_has_error(&app.problem));
  if (count <= 0) return;
  const struct spelling *spelling = find_spelling(argv[0]);
  const struct app_verb *verb = app_find_verb(spelling != NULL ? spelling->verb : argv[0]);
  if (verb == NULL) {
    check(fail_unknown_verb(&app, argv[0]) != 0);
    return;
  }
  if (verb->run == NULL) return;
  app.verb = verb->name;
  app.wants_help = common.wants_help;
  app.input = input_of(&common);
  app.input.environment = environment;
  enum status status = load_settings(&app);
  check((status != STATUS_OK) == problem_has_error(&app.problem));
  if (status) return;
  count = build_arguments(words, verb->name, spelling != NULL ? spelling->extra : NULL, count, argv);
  /* Whoever comes back without having read all of it has refused it. */
  if (setjmp(all_read) == 0) check(verb->run(&app, count, words) != 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  check(freopen("/dev/null", "r", stdin) != NULL && freopen("/dev/null", "w", stdout) != NULL);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char text[BYTES_MAX + 1];
  char *words[WORDS_MAX + 1];
  int count = 0;
  if (size > BYTES_MAX) return 0;
  memcpy(text, data, size);
  text[size] = '\0';
  for (char *at = text; at != NULL && count < WORDS_MAX;) {
    char *word = at;
    at = strchr(at, '\n');
    if (at != NULL) *at++ = '\0';
    words[count++] = word;
  }
  words[count] = NULL;
  run_line(count, words);
  return 0;
}
