/* The program: one binary, one verb a file. Takes the options that every verb has, loads the settings and calls the verb. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/app.h"
#include "base/text.h"
#include "base/version.h"

const struct app_verb app_verbs[] = {
    {"serve", app_serve, "[--preset NAME] [--host H] [--port N] [--foreground]", "run the server: API, engine and the demo or a recording", true},
    {"backtest", app_backtest, "PRESET --data D [range]", "run a preset over recorded markets", false},
    {"scan", app_scan, "PRESET [--data D [--at T]]", "rank the symbols of a recording or of the running server", false},
    {"why", app_why, "SYMBOL [--data D [--at T]] | --summary", "explain why a symbol is traded or not", false},
    {"features", app_features, "SYMBOL... --data D [range]", "every number we compute, one row a closed candle", false},
    {"presets", app_presets, "[list | show | validate | schema | diff | set | import | copy | delete | history | restore]",
     "look at and change presets", false},
    {"data", app_data, "[list | info | import | export | doctor | generate | delete]", "recorded market data", false},
    {"replay", app_replay, "SESSION [--verify]", "run a recorded session again, byte for byte", false},
    {"simulate", app_simulate, "--scenario NAME [--preset P]", "engine and paper venue on generated markets", false},
    {"ctl", app_ctl, "status | start | stop | pause | resume | positions | orders | ...", "talk to the running server", false},
    {"describe", app_describe, "settings | presets | reasons | lifecycles | completion | ...", "the tables this program is made of", false},
    {"doctor", app_doctor, "[--fix]", "check settings, folders, database, journal and presets", true},
    {"db", app_db, "status | migrate | verify | backup | restore | export | ...", "the database and the journal", true},
    {"logs", app_logs, "stats | cleanup | rotate | tail | show", "log files", false},
    {"report", app_report, "run B", "reports of runs", false},
    {"optimize", app_optimize, "PRESET --data D [range] --param KEY=VALUES...",
     "search the parameters of a preset, with walk-forward and Monte Carlo", false},
    {"rehearse", NULL, "", "sessions against a venue that misbehaves", false},
    {"token", app_token, "[create NAME --role R [--days N] | list | revoke ID | setup | password USER | users]", "users and API tokens", true},
};
const int app_verb_count = (int)(sizeof app_verbs / sizeof app_verbs[0]);

/* Spellings of other programs and short cuts (cli 3). `extra` is put before the remaining arguments. */
struct spelling {
  const char *typed, *verb, *extra;
};
static const struct spelling spellings[] = {
    {"status", "ctl", "status"},
    {"start", "ctl", "start"},
    {"stop", "ctl", "stop"},
    {"pause", "ctl", "pause"},
    {"resume", "ctl", "resume"},
    {"positions", "ctl", "positions"},
    {"orders", "ctl", "orders"},
    {"balance", "ctl", "account"},
    {"health", "ctl", "health"},
    {"backtesting", "backtest", NULL},
    {"bt", "backtest", NULL},
    {"hyperopt", "optimize", NULL},
    {"optimise", "optimize", NULL},
    {"download-data", "data", "download"},
    {"list-data", "data", "list"},
    {"convert-data", "data", "import"},
    {"test-pairlist", "scan", "--filters-only"},
    {"list-pairs", "scan", "--symbols-only"},
    {"list-markets", "scan", "--symbols-only"},
    {"list-strategies", "presets", "list"},
    {"show-trades", "ctl", "trades"},
    {"lookahead-analysis", "backtest", "--lookahead-check"},
    {"recursive-analysis", "backtest", "--lookahead-check"},
    {"backtesting-show", "report", "run"},
    {"plot-profit", "report", "run"},
    {"webserver", "serve", "--role=api"},
    {"create-userdir", "doctor", "--fix"},
    {"new-config", "doctor", "--fix"},
    {"trade", "serve", "--preset"},
};

const struct app_verb *app_find_verb(const char *name) {
  for (int i = 0; i < app_verb_count; i++) {
    if (strcmp(app_verbs[i].name, name) == 0) return &app_verbs[i];
  }
  return NULL;
}

static const struct spelling *find_spelling(const char *name) {
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
    if (strcmp(spellings[i].typed, name) == 0) return &spellings[i];
  }
  return NULL;
}

static void print_help(FILE *file) {
  fprintf(file, "breakout %s: finds breakouts, trades them, explains every decision\n\nusage: breakout VERB [options]\n\n", version_text());
  for (int i = 0; i < app_verb_count; i++) {
    if (app_verbs[i].run != NULL) fprintf(file, "  %-10s %s\n", app_verbs[i].name, app_verbs[i].text);
  }
  fprintf(file,
          "\noptions of every verb:\n"
          "  --json, --jsonl, --csv      output form\n"
          "  -c, --config FILE           settings file instead of .env; repeatable\n"
          "  --set NAME=VALUE            one setting; repeatable\n"
          "  --profile P, --log-level L  as named\n"
          "  --url URL, --token-file F   server for client verbs\n"
          "  --timeout S                 of client verbs, 30\n"
          "  --no-color, -q, -v, -vv, -y\n"
          "  --help, --version\n\nbreakout VERB --help tells more; breakout describe completion bash prints the shell completion.\n");
}

static void print_verb_help(const struct app_verb *verb) {
  printf("usage: breakout %s %s\n\n%s; options of every verb: breakout --help\n\n", verb->name, verb->usage, verb->text);
}

static void on_signal(int number) {
  app_interrupted = number;
}

/* The options of every verb, found anywhere on the line; what is left is the verb's. */
struct common {
  const char *files[APP_FILES_MAX];
  int file_count;
  const char *pairs[APP_PAIRS_MAX];
  int pair_count;
  char made_pairs[4][96];
  int made_count;
  bool wants_help, wants_version, no_color;
};

static bool take_pair(struct app *app, struct common *common, const char *value) {
  if (common->pair_count < APP_PAIRS_MAX) {
    common->pairs[common->pair_count++] = value;
    return true;
  }
  problem_add(&app->problem, "too_many", "--set", value, NULL, "at most %d settings on one command line", APP_PAIRS_MAX);
  return false;
}

static bool make_pair(struct app *app, struct common *common, const char *name, const char *value) {
  if (common->made_count == 4) return take_pair(app, common, "");
  char *pair = common->made_pairs[common->made_count++];
  snprintf(pair, sizeof common->made_pairs[0], "%s=%s", name, value);
  return take_pair(app, common, pair);
}

/* Options without a value. */
static bool take_flag(struct app *app, struct common *common, const char *word) {
  if (strcmp(word, "--json") == 0) return app->output = OUTPUT_JSON, true;
  if (strcmp(word, "--jsonl") == 0) return app->output = OUTPUT_JSONL, true;
  if (strcmp(word, "--csv") == 0) return app->output = OUTPUT_CSV, true;
  if (strcmp(word, "--no-color") == 0) return common->no_color = true;
  if (strcmp(word, "-q") == 0) return app->is_quiet = true;
  if (strcmp(word, "-v") == 0) return app->verbosity = 1, true;
  if (strcmp(word, "-vv") == 0) return app->verbosity = 2, true;
  if (strcmp(word, "-y") == 0 || strcmp(word, "--yes") == 0) return app->is_yes = true;
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return common->wants_help = true;
  if (strcmp(word, "--version") == 0) return common->wants_version = true;
  return false;
}

static const char *const valued[] = {"--config", "-c", "--set", "--url", "--token-file", "--timeout", "--profile", "--log-level", "--logfile"};

static bool take_valued(struct app *app, struct common *common, const char *name, const char *value) {
  if (strcmp(name, "--config") == 0 || strcmp(name, "-c") == 0) {
    if (common->file_count == APP_FILES_MAX) {
      problem_add(&app->problem, "too_many", name, value, NULL, "at most %d settings files", APP_FILES_MAX);
      return false;
    }
    common->files[common->file_count++] = value;
    return true;
  }
  if (strcmp(name, "--set") == 0) return take_pair(app, common, value);
  if (strcmp(name, "--url") == 0) return app->url = value, true;
  if (strcmp(name, "--token-file") == 0) return app->token_file = value, true;
  if (strcmp(name, "--logfile") == 0) return app->logfile = value, true;
  if (strcmp(name, "--profile") == 0) return make_pair(app, common, "BREAKOUT_PROFILE", value);
  if (strcmp(name, "--log-level") == 0) return make_pair(app, common, "LOG_LEVEL", value);
  int64_t seconds;
  if (!app_parse_integer(app, name, value, 1, 86400, &seconds)) return false;
  app->timeout_s = (int)seconds;
  return true;
}

/* Name of a common option with a value when the word is one; *inside is the part after '=' or NULL. */
static const char *valued_name(const char *word, const char **inside) {
  for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++) {
    size_t length = strlen(valued[i]);
    if (strncmp(word, valued[i], length) != 0) continue;
    if (word[length] == '\0' || (word[length] == '=' && length > 2)) {
      *inside = word[length] == '=' ? word + length + 1 : NULL;
      return valued[i];
    }
  }
  return NULL;
}

/* Moves the common options out of argv; returns the new argc, -1 after an error. */
static int take_common(struct app *app, struct common *common, int argc, char **argv) {
  int kept = 0;
  bool only_words = false;
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--") == 0) only_words = true;
    const char *inside = NULL;
    const char *name = only_words ? NULL : valued_name(argv[i], &inside);
    if (name != NULL) {
      if (inside == NULL && i + 1 == argc) {
        problem_add(&app->problem, "bad_parameter", name, NULL, NULL, "%s needs a value", name);
        return -1;
      }
      if (!take_valued(app, common, name, inside != NULL ? inside : argv[++i])) return -1;
    } else if (only_words || !take_flag(app, common, argv[i])) {
      argv[kept++] = argv[i];
    }
  }
  argv[kept] = NULL;
  return kept;
}

static int fail_unknown_verb(struct app *app, const char *name) {
  const char *names[64];
  int count = 0;
  for (int i = 0; i < app_verb_count; i++) names[count++] = app_verbs[i].name;
  for (size_t i = 0; i < sizeof spellings / sizeof spellings[0] && count < 64; i++) names[count++] = spellings[i].typed;
  int nearest = text_nearest(name, names, count);
  problem_add(&app->problem, "unknown_verb", name, NULL, nearest >= 0 ? names[nearest] : "help", "there is no such verb");
  return app_fail(app, STATUS_BAD_CONFIG);
}

/* Where settings come from; the words of the command line live as long as the program. */
static struct settings_input input_of(const struct common *common) {
  extern char **environ;
  return (struct settings_input){.files = common->files,
                                 .file_count = common->file_count,
                                 .pairs = common->pairs,
                                 .pair_count = common->pair_count,
                                 .environment = environ,
                                 .is_terminal = isatty(STDERR_FILENO) == 1};
}

static enum status load_settings(struct app *app) {
  enum status status = settings_load(&app->settings, &app->input, &app->problem);
  if (!status && app->problem.warnings > 0 && !app->is_quiet) problem_print(&app->problem, stderr);
  if (!status) problem_clear(&app->problem);
  return status;
}

/* The verb's arguments: verb, what a spelling adds, the rest. */
static int build_arguments(char **out, const char *verb, const char *extra, int argc, char **argv) {
  int count = 0;
  out[count++] = (char *)verb;
  if (extra != NULL) out[count++] = (char *)extra;
  for (int i = 1; i < argc; i++) out[count++] = argv[i];
  out[count] = NULL;
  return count;
}

/* Other users cannot read what this process writes, and no core file keeps what was in its memory. What it starts inherits both. */
static void keep_private(void) {
  const struct rlimit none = {0, 0};
  umask(077);
  setrlimit(RLIMIT_CORE, &none);
}

static int run_verb(struct app *app, const struct common *common, int argc, char **argv) {
  const struct spelling *spelling = find_spelling(argv[0]);
  const struct app_verb *verb = app_find_verb(spelling != NULL ? spelling->verb : argv[0]);
  if (verb == NULL) return fail_unknown_verb(app, argv[0]);
  app->verb = verb->name;
  if (verb->run == NULL) return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", verb->name, "`%s` is not in this version", verb->name);
  if (verb->is_private) keep_private();
  char **arguments = calloc((size_t)argc + 3, sizeof *arguments);
  if (arguments == NULL) return app_fail(app, STATUS_NO_MEMORY);
  int count = build_arguments(arguments, verb->name, spelling != NULL ? spelling->extra : NULL, argc, argv);
  int code;
  if (common->wants_help) {
    app->wants_help = true;
    print_verb_help(verb);
    char *form[] = {(char *)verb->name, "list", NULL};
    code = verb->run(app, 2, form);
  } else {
    app->input = input_of(common);
    enum status status = load_settings(app);
    bool needs_settings = strcmp(verb->name, "doctor") != 0;
    code = status && needs_settings ? app_fail(app, status) : verb->run(app, count, arguments);
  }
  free(arguments);
  return app_interrupted != 0 && code == 0 ? 128 + app_interrupted : code;
}

static void install_signals(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv) {
  static struct app app;
  static struct common common;
  app.verb = "breakout";
  app.timeout_s = 30;
  install_signals();
  int count = take_common(&app, &common, argc - 1, argv + 1);
  if (count < 0) return app_fail(&app, STATUS_BAD_CONFIG);
  app.has_colors = !common.no_color && getenv("NO_COLOR") == NULL && isatty(STDOUT_FILENO) == 1;
  char **words = argv + 1;
  if (common.wants_version) {
    printf("breakout %s (%s, %s)\n", version_text(), version_commit(), version_committed_at());
    return 0;
  }
  if (count == 0 || strcmp(words[0], "help") == 0) {
    if (count > 1) {
      common.wants_help = true;
      return run_verb(&app, &common, count - 1, words + 1);
    }
    bool is_asked = count > 0 || common.wants_help;
    print_help(is_asked ? stdout : stderr);
    return is_asked ? 0 : 4;
  }
  return run_verb(&app, &common, count, words);
}
