#include "apps/worker.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/progress.h"
#include "runner/runs.h"

bool worker_begin(struct worker *worker, struct app *app, const char *value) {
  int64_t fd;
  if (!app_parse_integer(app, "--progress-fd", value, 3, 1023, &fd)) return false;
  if (fcntl((int)fd, F_GETFD) < 0) {
    problem_add(&app->problem, "bad_parameter", "--progress-fd", value, NULL, "there is no such descriptor: this option is for the server");
    return false;
  }
  *worker = (struct worker){.is_one = true, .fd = (int)fd, .pieces = 1};
  (void)fcntl(worker->fd, F_SETFD, FD_CLOEXEC);
  /* Whatever the machine has to do comes first; without the server nobody would take the result. */
  (void)setpriority(PRIO_PROCESS, 0, RUN_NICENESS);
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  return true;
}

/* A server that does not read any more is gone. The writes are far smaller than a pipe takes at once. */
static void tell(const struct worker *worker, struct buffer *line) {
  buffer_add_text(line, "\n");
  if (write(worker->fd, line->data, line->length) < 0) _exit(1);
}

static void on_progress(void *context, const char *label, int64_t done, int64_t total) {
  const struct worker *worker = context;
  bool is_main = text_equal(label, "backtest");
  double share = (double)done / (double)total;
  double before = is_main || worker->pieces == 1 ? 0 : 1;
  double span = is_main || worker->pieces == 1 ? 1 : worker->pieces - 1;
  struct buffer line = {0};
  struct json_writer json;
  json_writer_init(&json, &line, false);
  json_begin_object(&json, NULL);
  json_add_double(&json, "progress", (before + share * span) / worker->pieces);
  json_add_int(&json, "candles", worker->run != NULL ? worker->run->candles : 0);
  json_add_int(&json, "trades", worker->run != NULL ? worker->run->trades.count : 0);
  if (worker->wiring != NULL && worker->wiring->engine != NULL) json_add_int(&json, "current_at", engine_now(worker->wiring->engine));
  json_end_object(&json);
  tell(worker, &line);
  buffer_deinit(&line);
}

void worker_watch(struct worker *worker, const struct run *run, const struct wiring *wiring, int pieces) {
  if (!worker->is_one) return;
  worker->run = run;
  worker->wiring = wiring;
  worker->pieces = pieces;
  progress_tell(on_progress, worker);
}

static void add_summary(const struct result *result, struct json_writer *json) {
  static const enum performance_figure figures[] = {FIGURE_total_trades, FIGURE_net_profit_usd, FIGURE_total_return, FIGURE_win_rate,
                                                    FIGURE_average_r,    FIGURE_profit_factor,  FIGURE_max_drawdown, FIGURE_sharpe};
  const struct performance *performance = &result->run->performance;
  struct result_check checks[RESULT_CHECKS];
  const char *stamps[RESULT_STAMPS_MAX];
  json_begin_object(json, "summary");
  for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
    double value = performance->figure[figures[i]];
    if (figures[i] == FIGURE_total_trades) {
      json_add_int(json, figure_names[figures[i]], (int64_t)value);
    } else {
      json_add_double(json, figure_names[figures[i]], value);
    }
  }
  json_add_string(json, "label", result_label(result_checks(result, checks)));
  json_begin_array(json, "stamps");
  int count = result_stamps(result, stamps);
  for (int i = 0; i < count; i++) json_add_string(json, NULL, stamps[i]);
  json_end_array(json);
  json_begin_array(json, "files");
  for (int i = 0; i < result->file_count; i++) json_add_string(json, NULL, result->files[i]);
  json_end_array(json);
  json_end_object(json);
}

void worker_finish(const struct worker *worker, const struct result *result, const char *digest) {
  struct buffer line = {0};
  struct json_writer json;
  if (!worker->is_one) return;
  json_writer_init(&json, &line, false);
  json_begin_object(&json, NULL);
  json_add_double(&json, "progress", 1);
  json_add_int(&json, "candles", result->run->candles);
  json_add_int(&json, "trades", result->run->trades.count);
  json_add_string(&json, "digest", digest);
  add_summary(result, &json);
  json_end_object(&json);
  tell(worker, &line);
  buffer_deinit(&line);
}
