/* What every verb of the program gets: settings, common options and the way results are printed. A verb is one file and one function. */
#ifndef APPS_APP_H
#define APPS_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/problem.h"
#include "base/status.h"
#include "base/table.h"
#include "runner/settings.h"

enum { APP_PAIRS_MAX = 64, APP_FILES_MAX = 8 };

enum app_output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_JSONL, OUTPUT_CSV };

struct app {
  const char *verb;
  struct settings settings;
  struct settings_input input; /* where they come from: for reading them again */
  struct problem problem;      /* of the last failure */
  enum app_output output;
  bool is_quiet, is_yes;
  bool wants_help; /* the verb's first look at its arguments prints its options and ends */
  int verbosity;
  bool has_colors; /* standard output is a terminal and colours are not switched off */
  const char *url, *token_file, *logfile;
  int timeout_s;
};

/* A range of time as given by --from, --to, --timerange, --days. 0: open. */
struct app_range {
  int64_t from_ms, to_ms;
  int days;
};

/* One option of a verb: long name, short letter (0 none), does it take a value. */
struct app_option {
  const char *name; /* without dashes */
  char letter;
  bool takes_value;
  const char *value_name; /* shown in the help */
  const char *text;
};

/* Walks through the arguments of a verb: common options are taken out first, by app_main. Returns the next option's index, APP_ARGUMENT for a
 * positional argument (value is the word), APP_DONE at the end, APP_WRONG after an unknown option or a missing value (told in app->problem with the
 * nearest name; exit 4). */
enum { APP_DONE = -1, APP_ARGUMENT = -2, APP_WRONG = -3 };
struct app_arguments {
  int argc;
  char **argv;
  int at;
  bool only_words; /* after -- */
};
void app_arguments_init(struct app_arguments *arguments, int argc, char **argv);
int app_next(struct app *app, struct app_arguments *arguments, const struct app_option *options, int option_count, const char **value);
/* Options that many verbs share. Return true when the option was one of theirs. */
bool app_take_range(struct app *app, struct app_range *range, const char *option, const char *value);
extern const struct app_option app_range_options[];
enum { APP_RANGE_OPTIONS = 6 };
/* Strict numbers of option values; false with a problem naming the option. */
bool app_parse_number(struct app *app, const char *option, const char *value, double min, double max, double *out);
bool app_parse_integer(struct app *app, const char *option, const char *value, int64_t min, int64_t max, int64_t *out);

/* Ends a verb with a failure: prints the problems (problem JSON on standard output with --json) and returns the exit code of the status. */
int app_fail(struct app *app, enum status status);
/* The same with one message. */
int app_fail_with(struct app *app, enum status status, const char *code, const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Which of the names of a verb's forms the word is; -1 with a problem that tells the nearest of them, or all. */
int app_form(struct problem *problem, const char *verb, const char *word, const char *const *names, int count);
/* Writes bytes to standard output; a closed pipe ends quietly. */
void app_print(const struct buffer *buffer);
/* Prints and frees a finished table in the output form at hand (text or CSV). */
void app_print_table(struct app *app, struct table *table);
enum table_format app_table_format(const struct app *app);

/* Set by SIGINT and SIGTERM; long verbs look at it. */
extern volatile int app_interrupted;

/* Milliseconds UTC of the machine. */
int64_t app_now_ms(void);

/* The verbs. Each returns the exit code. */
struct app_verb {
  const char *name;
  int (*run)(struct app *app, int argc, char **argv); /* argv[0] is the verb */
  const char *usage;                                  /* one line of arguments */
  const char *text;                                   /* what it does */
  bool is_private;                                    /* its files hold accounts and secrets: only this user may read them */
};
extern const struct app_verb app_verbs[];
extern const int app_verb_count;
const struct app_verb *app_find_verb(const char *name);

int app_serve(struct app *app, int argc, char **argv);
int app_backtest(struct app *app, int argc, char **argv);
int app_optimize(struct app *app, int argc, char **argv);
int app_scan(struct app *app, int argc, char **argv);
int app_why(struct app *app, int argc, char **argv);
int app_features(struct app *app, int argc, char **argv);
int app_presets(struct app *app, int argc, char **argv);
int app_data(struct app *app, int argc, char **argv);
int app_replay(struct app *app, int argc, char **argv);
int app_simulate(struct app *app, int argc, char **argv);
int app_ctl(struct app *app, int argc, char **argv);
int app_describe(struct app *app, int argc, char **argv);
int app_doctor(struct app *app, int argc, char **argv);
int app_db(struct app *app, int argc, char **argv);
int app_logs(struct app *app, int argc, char **argv);
int app_report(struct app *app, int argc, char **argv);
int app_token(struct app *app, int argc, char **argv);

#endif
