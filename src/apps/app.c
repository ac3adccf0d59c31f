#include "apps/app.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "adapters/clock/system_clock.h"
#include "base/calendar.h"
#include "base/text.h"

volatile int app_interrupted;

/* ---- arguments ---- */

void app_arguments_init(struct app_arguments *arguments, int argc, char **argv) {
  *arguments = (struct app_arguments){.argc = argc, .argv = argv, .at = 1};
}

static int unknown_option(struct app *app, const char *word, const struct app_option *options, int count) {
  const char *names[64];
  int known = 0;
  for (int i = 0; i < count && known < 64; i++) names[known++] = options[i].name;
  char bare[64];
  text_copy(bare, sizeof bare, word + strspn(word, "-"));
  bare[strcspn(bare, "=")] = '\0';
  int nearest = text_nearest(bare, names, known);
  char allowed[96];
  snprintf(allowed, sizeof allowed, "--%s", nearest >= 0 ? names[nearest] : "help");
  problem_add(&app->problem, "unknown_option", word, NULL, allowed, "%s has no such option", app->verb);
  return APP_WRONG;
}

static int option_value(struct app *app, struct app_arguments *arguments, const struct app_option *option, int index, const char *inside,
                        const char **value) {
  *value = inside;
  if (!option->takes_value) {
    if (inside == NULL) return index;
    problem_add(&app->problem, "bad_parameter", option->name, inside, NULL, "--%s takes no value", option->name);
    return APP_WRONG;
  }
  if (inside != NULL) return index;
  if (arguments->at < arguments->argc) {
    *value = arguments->argv[arguments->at++];
    return index;
  }
  problem_add(&app->problem, "bad_parameter", option->name, NULL, option->value_name, "--%s needs a value", option->name);
  return APP_WRONG;
}

static int long_option(struct app *app, struct app_arguments *arguments, const struct app_option *options, int count, const char *word,
                       const char **value) {
  const char *name = word + 2;
  size_t length = strcspn(name, "=");
  const char *inside = name[length] == '=' ? name + length + 1 : NULL;
  for (int i = 0; i < count; i++) {
    if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
      return option_value(app, arguments, &options[i], i, inside, value);
  }
  return unknown_option(app, word, options, count);
}

static int short_option(struct app *app, struct app_arguments *arguments, const struct app_option *options, int count, const char *word,
                        const char **value) {
  for (int i = 0; i < count; i++) {
    if (options[i].letter != 0 && options[i].letter == word[1])
      return option_value(app, arguments, &options[i], i, word[2] != '\0' ? word + 2 : NULL, value);
  }
  return unknown_option(app, word, options, count);
}

/* Every verb reads its arguments before it does anything: here its options are known, and nothing is open yet. */
_Noreturn static void print_options(const struct app_option *options, int count) {
  printf("options:\n");
  for (int i = 0; i < count; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s%c%s--%s%s%s", options[i].letter != 0 ? "-" : "", options[i].letter != 0 ? options[i].letter : ' ',
             options[i].letter != 0 ? ", " : "   ", options[i].name, options[i].takes_value ? " " : "",
             options[i].takes_value && options[i].value_name != NULL ? options[i].value_name : "");
    printf("  %-30s %s\n", name, options[i].text != NULL ? options[i].text : "");
  }
  exit(0);
}

int app_next(struct app *app, struct app_arguments *arguments, const struct app_option *options, int count, const char **value) {
  if (app->wants_help) print_options(options, count);
  if (arguments->at >= arguments->argc) return APP_DONE;
  const char *word = arguments->argv[arguments->at++];
  *value = word;
  if (!arguments->only_words && strcmp(word, "--") == 0) {
    arguments->only_words = true;
    return app_next(app, arguments, options, count, value);
  }
  bool is_number = word[0] == '-' && (isdigit((unsigned char)word[1]) || word[1] == '.');
  if (arguments->only_words || word[0] != '-' || word[1] == '\0' || is_number) return APP_ARGUMENT;
  return word[1] == '-' ? long_option(app, arguments, options, count, word, value) : short_option(app, arguments, options, count, word, value);
}

/* ---- values ---- */

bool app_parse_number(struct app *app, const char *option, const char *value, double min, double max, double *out) {
  char allowed[64];
  snprintf(allowed, sizeof allowed, "%g to %g", min, max);
  if (!text_parse_double(value, out) || *out < min || *out > max) {
    problem_add(&app->problem, "bad_parameter", option, value, allowed, "not a number in range");
    return false;
  }
  return true;
}

bool app_parse_integer(struct app *app, const char *option, const char *value, int64_t min, int64_t max, int64_t *out) {
  char allowed[64];
  snprintf(allowed, sizeof allowed, "%lld to %lld", (long long)min, (long long)max);
  if (!text_parse_i64(value, out) || *out < min || *out > max) {
    problem_add(&app->problem, "bad_parameter", option, value, allowed, "not a whole number in range");
    return false;
  }
  return true;
}

const struct app_option app_range_options[APP_RANGE_OPTIONS] = {
    {"from", 0, true, "TIME", "first instant, inclusive (2024-01-31, ISO time, seconds or milliseconds; UTC)"},
    {"to", 0, true, "TIME", "last instant, exclusive"},
    {"start", 0, true, "TIME", "same as --from"},
    {"end", 0, true, "TIME", "same as --to"},
    {"timerange", 0, true, "FROM-TO", "20240101-20240601, 20240101- or -20240601"},
    {"days", 0, true, "N", "the last N days of the data"},
};

static bool parse_time(struct app *app, const char *option, const char *value, int64_t *out) {
  if (calendar_parse(value, out)) return true;
  problem_add(&app->problem, "bad_parameter", option, value, "2024-01-31, 2024-01-31T12:00, 20240131, seconds or milliseconds", "not a time");
  return false;
}

static bool parse_timerange(struct app *app, struct app_range *range, const char *value) {
  const char *dash = strchr(value, '-');
  char from[32];
  if (dash == NULL || (size_t)(dash - value) >= sizeof from) {
    problem_add(&app->problem, "bad_parameter", "timerange", value, "20240101-20240601", "not a range");
    return false;
  }
  text_copy(from, (size_t)(dash - value) + 1, value);
  bool is_good = from[0] == '\0' || parse_time(app, "timerange", from, &range->from_ms);
  return is_good && (dash[1] == '\0' || parse_time(app, "timerange", dash + 1, &range->to_ms));
}

bool app_take_range(struct app *app, struct app_range *range, const char *option, const char *value) {
  if (strcmp(option, "from") == 0 || strcmp(option, "start") == 0) return parse_time(app, option, value, &range->from_ms);
  if (strcmp(option, "to") == 0 || strcmp(option, "end") == 0) return parse_time(app, option, value, &range->to_ms);
  if (strcmp(option, "timerange") == 0) return parse_timerange(app, range, value);
  int64_t days;
  if (!app_parse_integer(app, option, value, 1, 36500, &days)) return false;
  range->days = (int)days;
  return true;
}

/* ---- results ---- */

void app_print(const struct buffer *buffer) {
  size_t done = 0;
  fflush(stdout);
  while (done < buffer->length) {
    ssize_t n = write(STDOUT_FILENO, buffer->data + done, buffer->length - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    done += (size_t)n;
  }
}

enum table_format app_table_format(const struct app *app) {
  return app->output == OUTPUT_CSV ? TABLE_CSV : TABLE_TEXT;
}

void app_print_table(struct app *app, struct table *table) {
  struct buffer out = {0};
  table->has_colors = app->has_colors;
  table_print(table, &out);
  app_print(&out);
  buffer_deinit(&out);
  table_deinit(table);
}

static void print_problem_json(const struct app *app, enum status status) {
  struct buffer out = {0};
  struct json_writer json;
  json_writer_init(&json, &out, app->output == OUTPUT_JSON);
  json_begin_object(&json, NULL);
  json_add_string(&json, "type", "about:blank");
  json_add_string(&json, "title", status_text(status));
  json_add_int(&json, "status", status_http(status));
  json_add_string(&json, "code", status_name(status));
  json_add_string(&json, "detail", app->problem.count > 0 ? app->problem.items[0].message : status_text(status));
  json_begin_array(&json, "errors");
  for (int i = 0; i < app->problem.count; i++) {
    const struct problem_item *item = &app->problem.items[i];
    json_begin_object(&json, NULL);
    json_add_string(&json, "path", item->path);
    json_add_string(&json, "code", item->code);
    json_add_string(&json, "message", item->message);
    json_add_string(&json, "value", item->value[0] != '\0' ? item->value : NULL);
    json_add_string(&json, "allowed", item->allowed[0] != '\0' ? item->allowed : NULL);
    json_add_bool(&json, "warning", item->is_warning);
    json_end_object(&json);
  }
  json_end_array(&json);
  json_end_object(&json);
  buffer_add_text(&out, "\n");
  app_print(&out);
  buffer_deinit(&out);
}

int app_fail(struct app *app, enum status status) {
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    print_problem_json(app, status);
  } else if (app->problem.count > 0) {
    problem_print(&app->problem, stderr);
  } else {
    fprintf(stderr, "error: %s\n", status_text(status));
  }
  return status_exit_code(status);
}

int app_form(struct problem *problem, const char *verb, const char *word, const char *const *names, int count) {
  char all[sizeof problem->items[0].allowed] = "";
  for (int i = 0; i < count; i++) {
    if (text_equal(word, names[i])) return i;
    size_t length = strlen(all);
    (void)snprintf(all + length, sizeof all - length, "%s%s", i > 0 ? ", " : "", names[i]);
  }
  int nearest = text_nearest(word, names, count);
  problem_add(problem, "bad_argument", verb, word, nearest >= 0 ? names[nearest] : all, "%s has no such form", verb);
  return -1;
}

int app_fail_with(struct app *app, enum status status, const char *code, const char *path, const char *format, ...) {
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  problem_add(&app->problem, code, path, NULL, NULL, "%s", message);
  return app_fail(app, status);
}

int64_t app_now_ms(void) {
  const struct clock *clock = system_clock();
  return clock->now_ms(clock->self);
}
