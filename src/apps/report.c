/* breakout report: finished runs again. */
#include <stdio.h>
#include <string.h>

#include "apps/answers.h"
#include "apps/optimize.h"
#include "apps/report_text.h"
#include "apps/result_json.h"
#include "base/text.h"

enum { WORDS_MAX = 3 };

enum { OPTION_FORMAT, OPTION_OUTPUT, OPTION_COUNT };
static const struct app_option options[OPTION_COUNT] = {
    [OPTION_FORMAT] = {"format", 0, true, "FORMAT", "text, json or html"},
    [OPTION_OUTPUT] = {"output", 'o', true, "FILE", "write there instead of standard output"},
};

struct call {
  const char *words[WORDS_MAX];
  int word_count;
  const char *format, *output;
};

static enum status read_call(struct app *app, struct call *call, int argc, char **argv) {
  struct app_arguments arguments;
  const char *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, OPTION_COUNT, &value)) != APP_DONE) {
    if (option == APP_WRONG) return STATUS_BAD_CONFIG;
    if (option == OPTION_FORMAT) call->format = value;
    if (option == OPTION_OUTPUT) call->output = value;
    if (option == APP_ARGUMENT && call->word_count < WORDS_MAX) call->words[call->word_count++] = value;
  }
  return STATUS_OK;
}

/* The stored report.html as it is. */
static enum status add_html(struct app *app, const char *run, struct buffer *out) {
  char path[1024];
  snprintf(path, sizeof path, "%s/report.html", run);
  struct problem unused;
  problem_clear(&unused);
  enum status status = buffer_read_file(out, path, 1 << 30, &unused);
  if (!status) return status;
  snprintf(path, sizeof path, "%s/backtests/%s/report.html", app->settings.reports_dir, run);
  status = buffer_read_file(out, path, 1 << 30, &app->problem);
  if (status) problem_add(&app->problem, "not_found", run, NULL, "breakout backtest ... --html", "the run has no report.html");
  return status;
}

static int show_run(struct app *app, const struct call *call) {
  struct buffer out = {0};
  enum status status = STATUS_OK;
  bool is_html = call->format != NULL && text_equal(call->format, "html");
  bool is_json = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL || (call->format != NULL && text_equal(call->format, "json"));
  struct json *document = result_load(app, call->words[1], &status);
  if (document != NULL && is_html) status = add_html(app, call->words[1], &out);
  if (document != NULL && !is_html && is_json) answers_copy(document, app->output != OUTPUT_JSONL, &out);
  bool has_colors = app->has_colors && call->output == NULL;
  bool is_search = document != NULL && json_member(document, "sets") != NULL;
  if (document != NULL && !is_html && !is_json && is_search) search_text_document(document, has_colors, &out);
  if (document != NULL && !is_html && !is_json && !is_search) report_text_document(document, has_colors, &out);
  json_free(document);
  if (!status && call->output != NULL) status = buffer_write_file(&out, call->output, 0644, &app->problem);
  if (!status && call->output == NULL) app_print(&out);
  buffer_deinit(&out);
  return status ? app_fail(app, status) : 0;
}

static int compare_runs(struct app *app, const struct call *call) {
  enum status status = STATUS_OK;
  struct json *left = result_load(app, call->words[1], &status);
  struct json *right = left != NULL ? result_load(app, call->words[2], &status) : NULL;
  if (right != NULL) result_compare(left, right, call->words[1], call->words[2], app);
  json_free(left);
  json_free(right);
  return status ? app_fail(app, status) : 0;
}

int app_report(struct app *app, int argc, char **argv) {
  static const char *const formats[] = {"text", "json", "html"};
  static const char *const later[] = {"daily", "weekly", "monthly", "session", "range", "diag"};
  struct call call = {0};
  enum status status = read_call(app, &call, argc, argv);
  if (status) return app_fail(app, status);
  const char *form = call.word_count > 0 ? call.words[0] : "";
  for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
    if (text_equal(form, later[i]))
      return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", form,
                           "`report %s` is not in this version; `report run B` and `report compare A B` are", form);
  }
  bool is_known = call.format == NULL;
  for (int i = 0; i < 3 && !is_known; i++) is_known = text_equal(call.format, formats[i]);
  if (!is_known) {
    problem_add(&app->problem, "bad_parameter", "--format", call.format, "text, json or html", "a run cannot be shown like this");
    return app_fail(app, STATUS_BAD_CONFIG);
  }
  if (text_equal(form, "run") && call.word_count == 2) return show_run(app, &call);
  if (text_equal(form, "compare") && call.word_count == 3) return compare_runs(app, &call);
  problem_add(&app->problem, "missing_argument", "report", form, "report run B000001, report compare A B", "not a form of report");
  return app_fail(app, STATUS_BAD_CONFIG);
}
