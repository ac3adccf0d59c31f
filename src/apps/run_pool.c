#include "apps/run_pool.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/answers.h"
#include "apps/jobs.h"
#include "apps/run_id.h"
#include "apps/run_pool_state.h"
#include "base/check.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "runner/preset_print.h"

/* A worker that does not end when it is asked to is killed; how often ends are looked for while nothing is told; how often folders are. */
enum { POLITE_MS = 5000, LOOK_MS = 200, FOLDERS_MS = 5000, OUTPUT_BYTES_MAX = 16 << 20 };

const char *const run_kind_names[] = {"backtest", "lookahead", "import", "sweep", "walk_forward", "monte_carlo", "measure"};

/* ---- times, folders ---- */

int64_t pool_now_ms(const struct run_pool *pool) {
  return pool->options.clock->now_ms(pool->options.clock->self);
}

int64_t pool_now_ns(const struct run_pool *pool) {
  return pool->options.clock->monotonic_ns(pool->options.clock->self);
}

void pool_folder(const struct run_pool *pool, const char *id, char out[RUN_PATH_BYTES]) {
  snprintf(out, RUN_PATH_BYTES, "%.700s/backtests/%s", pool->options.settings->reports_dir, id);
}

enum status pool_make_folder(const char *path, struct problem *problem) {
  char part[RUN_PATH_BYTES];
  text_copy(part, sizeof part, path);
  if (folder_make(part)) return STATUS_OK;
  int error = errno;
  problem_add(problem, "write_failed", part, NULL, NULL, "the folder cannot be made: %s", strerror(error));
  return status_from_errno(error);
}

static void remove_run_folder(const struct run_pool *pool, const char *id) {
  char path[RUN_PATH_BYTES];
  pool_folder(pool, id, path);
  if (!folder_remove(path)) log_write(LOG_WARNING, "runs", "not_removed", NULL, "the folder of %s is still there: %s", id, strerror(errno));
}

void pool_copy(const struct json *value, struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  json_add_value(&writer, NULL, value);
}

/* ---- rows ---- */

static void query_of(const char *id, struct rows_query *query) {
  *query = (struct rows_query){.table = "runs", .limit = 1};
  rows_query_add(query, "run_id", ROWS_EQUAL, id);
}

/* Rows follow what happened; when the database cannot take one the run goes on, and a restart settles it. */
static void update_row(const struct run_pool *pool, const struct job *job, const struct row_value *values, int count) {
  const struct row_port *rows = pool->options.rows;
  struct rows_query query;
  struct problem problem;
  if (job->kind == RUN_MEASURE) return;
  problem_clear(&problem);
  query_of(job->id, &query);
  if (!rows->update(rows->self, &query, values, count, NULL, &problem)) return;
  log_write(LOG_ERROR, "storage", "run_row", NULL, "the row of run %s: %s", job->id, problem.count > 0 ? problem.items[0].message : "failed");
}

static void error_text(const struct problem *problem, const char *otherwise, struct buffer *out) {
  const struct problem_item *item = NULL;
  for (int i = 0; i < problem->count && item == NULL; i++) item = problem->items[i].is_warning ? NULL : &problem->items[i];
  struct json_writer json;
  json_writer_init(&json, out, false);
  json_begin_object(&json, NULL);
  json_add_string(&json, "code", item != NULL ? item->code : "worker_failed");
  json_add_string(&json, "message", item != NULL ? item->message : otherwise);
  json_add_string(&json, "path", item != NULL && item->path[0] != '\0' ? item->path : NULL);
  json_end_object(&json);
}

static void tell_change(const struct run_pool *pool, const struct job *job, bool has_ended) {
  if (job->kind != RUN_MEASURE && pool->options.on_change != NULL) pool->options.on_change(pool->options.context, job->id, has_ended);
}

/* ---- jobs ---- */

static struct job *find_job(const struct run_pool *pool, const char *id) {
  for (int i = 0; i < pool->job_count; i++) {
    if (pool->jobs[i]->kind != RUN_MEASURE && text_equal(pool->jobs[i]->id, id)) return pool->jobs[i];
  }
  return NULL;
}

static void free_job(struct job *job) {
  json_free(job->params);
  buffer_deinit(&job->line);
  buffer_deinit(&job->last);
  free(job);
}

static struct job *add_job(struct run_pool *pool, enum run_kind kind, const char *id, const char *dataset) {
  check(pool->job_count < JOBS_MAX);
  struct job *job = calloc(1, sizeof *job);
  check(job != NULL);
  *job = (struct job){.kind = kind, .state = RUN_QUEUED, .fd = -1};
  text_copy(job->id, sizeof job->id, id);
  text_copy(job->dataset, sizeof job->dataset, dataset);
  pool->jobs[pool->job_count++] = job;
  return job;
}

static void drop_job(struct run_pool *pool, struct job *job) {
  int at = 0;
  while (pool->jobs[at] != job) ++at;
  for (int i = at; i + 1 < pool->job_count; i++) pool->jobs[i] = pool->jobs[i + 1];
  --pool->job_count;
  free_job(job);
}

bool pool_is_needed(const struct run_pool *pool, const char *dataset, bool includes_measuring) {
  for (int i = 0; i < pool->job_count; i++) {
    if (pool->jobs[i]->kind == RUN_MEASURE && !includes_measuring) continue;
    if (text_equal(pool->jobs[i]->dataset, dataset)) return true;
  }
  return false;
}

void pool_measure(struct run_pool *pool, const char *dataset) {
  for (int i = 0; i < pool->job_count; i++) {
    if (pool->jobs[i]->kind == RUN_MEASURE && pool->jobs[i]->state == RUN_QUEUED && text_equal(pool->jobs[i]->dataset, dataset)) return;
  }
  if (pool->job_count < JOBS_MAX - RUN_QUEUE_MAX) (void)add_job(pool, RUN_MEASURE, "", dataset);
}

static int run_count(const struct run_pool *pool) {
  int count = 0;
  for (int i = 0; i < pool->job_count; i++) count += pool->jobs[i]->kind != RUN_MEASURE ? 1 : 0;
  return count;
}

/* ---- the end of a job ---- */

/* The first error of the problem JSON that a worker printed. */
static bool read_problem(const struct json *output, struct problem *problem) {
  const struct json *errors = output != NULL ? json_member(output, "errors") : NULL;
  for (size_t i = 0; errors != NULL && json_kind(errors) == JSON_ARRAY && i < json_size(errors); i++) {
    const struct json *item = json_item(errors, i);
    const struct json *warning = json_member(item, "warning");
    const struct json *code = json_member(item, "code"), *path = json_member(item, "path"), *message = json_member(item, "message");
    if (warning == NULL || json_bool(warning) || code == NULL || path == NULL || message == NULL) continue;
    problem_add(problem, json_string(code), json_string(path), NULL, NULL, "%s", json_string(message));
  }
  return problem->count > 0;
}

static struct json *read_output(const struct run_pool *pool, const struct job *job) {
  char path[RUN_PATH_BYTES];
  struct buffer text = {0};
  struct json *output = NULL;
  pool_output_path(pool, job, path);
  if (buffer_read_file(&text, path, OUTPUT_BYTES_MAX, NULL) == STATUS_OK && text.length > 0)
    output = json_parse(text.data, text.length, JSON_STRICT, "output of the worker", NULL);
  buffer_deinit(&text);
  return output;
}

static void end_row(const struct run_pool *pool, struct job *job, enum run_state state, const char *error) {
  /* Who is told of the end looks at the job, which is dropped after that. */
  job->state = state;
  const struct row_value values[] = {row_text("status", run_state_names[state]), row_int("ended_at", pool_now_ms(pool)),
                                     row_real("progress", state == RUN_DONE ? 1 : job->progress), row_text("error", error)};
  update_row(pool, job, values, (int)(sizeof values / sizeof values[0]));
}

static void end_failed(struct run_pool *pool, struct job *job, const struct problem *problem, const char *otherwise) {
  struct buffer text = {0};
  error_text(problem, otherwise, &text);
  if (job->kind == RUN_MEASURE) pool_store_dataset(pool, job->dataset, NULL, problem->count > 0 ? problem->items[0].message : otherwise);
  end_row(pool, job, RUN_FAILED, text.data);
  log_write(LOG_WARNING, "runs", "failed", NULL, "%s %s failed: %s", run_kind_names[job->kind], job->kind == RUN_MEASURE ? job->dataset : job->id,
            problem->count > 0 ? problem->items[0].message : otherwise);
  buffer_deinit(&text);
}

static bool has_summary(const struct job *job) {
  return job->kind == RUN_BACKTEST || job->kind == RUN_SWEEP || job->kind == RUN_WALK_FORWARD || job->kind == RUN_MONTE_CARLO;
}

/* What a finished worker left: the last line of a backtest or a search, the printed document of the others. */
static bool take_result(struct run_pool *pool, const struct job *job, const struct json *output) {
  struct buffer summary = {0};
  bool is_good = true;
  if (has_summary(job)) {
    struct json *line = json_parse(job->last.data, job->last.length, JSON_STRICT, "worker", NULL);
    const struct json *digest = line != NULL ? json_member(line, "digest") : NULL;
    const struct json *figures = line != NULL ? json_member(line, "summary") : NULL;
    is_good = digest != NULL && figures != NULL;
    if (is_good) {
      pool_copy(figures, &summary);
      const struct row_value values[] = {row_text("digest", json_string(digest)), row_text("summary", summary.data)};
      update_row(pool, job, values, 2);
    }
    json_free(line);
  } else if (job->kind == RUN_LOOKAHEAD) {
    is_good = output != NULL && json_member(output, "passed") != NULL;
    if (is_good) pool_copy(output, &summary);
    const struct row_value values[] = {row_text("summary", summary.data)};
    if (is_good) update_row(pool, job, values, 1);
  } else if (job->kind == RUN_MEASURE) {
    is_good = output != NULL && json_member(output, "checksum") != NULL;
    if (is_good) pool_store_dataset(pool, job->dataset, output, NULL);
  }
  buffer_deinit(&summary);
  return is_good;
}

/* What a killed import leaves. */
static void remove_part(const struct run_pool *pool, const char *dataset) {
  char path[RUN_PATH_BYTES];
  snprintf(path, sizeof path, "%.600s/datasets/.%s.part", pool->options.settings->data_dir, dataset);
  (void)folder_remove(path);
}

static void end_job(struct run_pool *pool, struct job *job, int status) {
  char otherwise[128];
  struct problem problem;
  problem_clear(&problem);
  struct json *output = read_output(pool, job);
  bool has_exited = WIFEXITED(status);
  /* The look-ahead check that finds something ends with 1 as well. */
  bool is_good = has_exited && (WEXITSTATUS(status) == 0 || job->kind == RUN_LOOKAHEAD) && take_result(pool, job, output);
  if (has_exited) {
    snprintf(otherwise, sizeof otherwise, "the worker ended with code %d without a result", WEXITSTATUS(status));
  } else {
    snprintf(otherwise, sizeof otherwise, "the worker was ended by signal %d", WTERMSIG(status));
  }
  if (is_good) {
    end_row(pool, job, RUN_DONE, NULL);
  } else if (job->is_cancelled) {
    end_row(pool, job, RUN_CANCELLED, NULL);
  } else {
    (void)read_problem(output, &problem);
    end_failed(pool, job, &problem, otherwise);
  }
  json_free(output);
  if (pool->options.on_end != NULL)
    pool->options.on_end(pool->options.context, run_kind_names[job->kind], job->state, (double)(pool_now_ns(pool) - job->began_ns) * 1e-9);
  tell_change(pool, job, true);
  if (job->kind != RUN_IMPORT) {
    char path[RUN_PATH_BYTES];
    pool_output_path(pool, job, path);
    (void)unlink(path);
  }
  bool has_import = job->kind == RUN_IMPORT;
  if (has_import && !is_good) remove_part(pool, job->dataset);
  drop_job(pool, job);
  if (has_import) pool_find_datasets(pool);
}

/* ---- the course of a job ---- */

static void take_line(struct job *job, const char *text, size_t length) {
  struct json *line = json_parse(text, length, JSON_STRICT, "worker", NULL);
  if (line == NULL || json_kind(line) != JSON_OBJECT) {
    json_free(line);
    return;
  }
  double progress = answers_number(line, "progress");
  double current = answers_number(line, "current_at");
  if (progress >= 0 && progress <= 1) job->progress = progress;
  if (isfinite(answers_number(line, "candles"))) job->candles = (int64_t)answers_number(line, "candles");
  if (isfinite(answers_number(line, "trades"))) job->trades = (int64_t)answers_number(line, "trades");
  if (isfinite(current)) job->current_at = (int64_t)current;
  buffer_clear(&job->last);
  buffer_add(&job->last, text, length);
  job->has_changed = true;
  json_free(line);
}

static void take_lines(struct job *job) {
  size_t start = 0;
  for (size_t i = 0; i < job->line.length; i++) {
    if (job->line.data[i] != '\n') continue;
    take_line(job, job->line.data + start, i - start);
    start = i + 1;
  }
  size_t rest = job->line.length - start;
  if (start > 0) memmove(job->line.data, job->line.data + start, rest);
  if (start > 0) job->line.length = rest;
  if (job->line.length > LINE_BYTES_MAX) buffer_clear(&job->line); /* no worker of ours says that much at once */
}

/* What is there, without waiting. False at the end of the pipe. */
static bool read_pipe(struct job *job) {
  char bytes[4096];
  for (int i = 0; i < 16; i++) {
    ssize_t count = read(job->fd, bytes, sizeof bytes);
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    if (count == 0) return false;
    buffer_add(&job->line, bytes, (size_t)count);
    take_lines(job);
  }
  return true;
}

/* Also what the worker has started itself. */
static void kill_group(const struct job *job, int signal) {
  if (kill(-job->pid, signal) != 0) (void)kill(job->pid, signal);
}

static void watch_job(struct run_pool *pool, struct job *job) {
  int status;
  int64_t now = pool_now_ns(pool);
  if (job->fd >= 0 && !read_pipe(job)) {
    close(job->fd);
    job->fd = -1;
  }
  if (job->is_cancelled && now - job->cancelled_ns > POLITE_MS * INT64_C(1000000)) kill_group(job, SIGKILL);
  if (waitpid(job->pid, &status, WNOHANG) != job->pid) {
    if (job->has_changed) tell_change(pool, job, false);
    job->has_changed = false;
    return;
  }
  if (job->fd >= 0) (void)read_pipe(job);
  if (job->fd >= 0) close(job->fd);
  (void)kill(-job->pid, SIGKILL);
  end_job(pool, job, status);
}

static void start_job(struct run_pool *pool, struct job *job) {
  struct problem problem;
  problem_clear(&problem);
  if (pool_spawn(pool, job, &problem)) {
    end_failed(pool, job, &problem, "the worker cannot be started");
    tell_change(pool, job, true);
    drop_job(pool, job);
    return;
  }
  job->state = RUN_RUNNING;
  const struct row_value values[] = {row_text("status", run_state_names[RUN_RUNNING]), row_int("started_at", pool_now_ms(pool))};
  update_row(pool, job, values, 2);
  tell_change(pool, job, false);
  log_write(LOG_INFO, "runs", "started", NULL, "%s %s in process %d", run_kind_names[job->kind], job->kind == RUN_MEASURE ? job->dataset : job->id,
            (int)job->pid);
}

static int running_count(const struct run_pool *pool) {
  int count = 0;
  for (int i = 0; i < pool->job_count; i++) count += pool->jobs[i]->state == RUN_RUNNING ? 1 : 0;
  return count;
}

/* A data set is not read while it is being made; apart from that whoever came first goes first. */
static struct job *next_job(const struct run_pool *pool) {
  for (int i = 0; i < pool->job_count; i++) {
    if (pool->jobs[i]->state == RUN_QUEUED) return pool->jobs[i];
  }
  return NULL;
}

/* Data sets made by the program beside the server. */
static void look_for_datasets(struct run_pool *pool) {
  int64_t now = pool_now_ns(pool);
  char folder[RUN_PATH_BYTES];
  struct stat info;
  if (now - pool->looked_ns < FOLDERS_MS * INT64_C(1000000)) return;
  pool->looked_ns = now;
  snprintf(folder, sizeof folder, "%.700s/datasets", pool->options.settings->data_dir);
  int64_t changed = stat(folder, &info) == 0 ? (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec : 0;
  if (changed == pool->folder_changed_ns) return;
  pool->folder_changed_ns = changed;
  pool_find_datasets(pool);
}

void run_pool_turn(struct run_pool *pool) {
  for (int i = pool->job_count - 1; i >= 0; i--) {
    if (pool->jobs[i]->state == RUN_RUNNING) watch_job(pool, pool->jobs[i]);
  }
  look_for_datasets(pool);
  while (running_count(pool) < pool->workers) {
    struct job *job = next_job(pool);
    if (job == NULL) return;
    start_job(pool, job);
  }
}

int run_pool_files(const struct run_pool *pool, struct pollfd out[RUN_WORKERS_MAX]) {
  int count = 0;
  for (int i = 0; i < pool->job_count && count < RUN_WORKERS_MAX; i++) {
    if (pool->jobs[i]->state == RUN_RUNNING && pool->jobs[i]->fd >= 0) out[count++] = (struct pollfd){.fd = pool->jobs[i]->fd, .events = POLLIN};
  }
  return count;
}

int run_pool_timeout_ms(const struct run_pool *pool) {
  if (pool->job_count == 0) return FOLDERS_MS;
  return running_count(pool) < pool->workers && next_job(pool) != NULL ? 0 : LOOK_MS;
}

/* ---- the port ---- */

static enum status write_preset(const struct run_pool *pool, const char *id, const struct preset *preset, struct problem *problem) {
  char folder[RUN_PATH_BYTES], path[RUN_PATH_BYTES + 96];
  struct buffer text = {0};
  pool_folder(pool, id, folder);
  snprintf(path, sizeof path, "%s/preset", folder);
  enum status status = pool_make_folder(path, problem);
  if (status) return status;
  snprintf(path, sizeof path, "%s/preset/%s.json", folder, preset->name);
  preset_print_file(preset, &text);
  status = buffer_write_file(&text, path, 0644, problem);
  buffer_deinit(&text);
  return status;
}

static enum status insert_row(const struct run_pool *pool, const char *id, const struct run_request *request, struct problem *problem) {
  const struct row_port *rows = pool->options.rows;
  struct buffer preset = {0};
  if (request->preset != NULL) preset_print_canonical(request->preset, &preset);
  const struct row_value values[] = {row_text("run_id", id),
                                     row_text("kind", request->kind),
                                     row_text("status", run_state_names[RUN_QUEUED]),
                                     row_text("preset", request->preset != NULL ? request->preset->name : NULL),
                                     row_text("preset_json", preset.data),
                                     row_text("dataset_id", request->dataset_id),
                                     row_text("params", request->params),
                                     row_text("created_by", request->user[0] != '\0' ? request->user : NULL),
                                     row_int("created_at", pool_now_ms(pool)),
                                     row_real("progress", 0),
                                     row_text("version", version_text())};
  enum status status = rows->insert(rows->self, "runs", values, (int)(sizeof values / sizeof values[0]), NULL, problem);
  buffer_deinit(&preset);
  return status;
}

static int kind_of(const char *name) {
  for (int i = 0; i < RUN_MEASURE; i++) {
    if (text_equal(run_kind_names[i], name)) return i;
  }
  return -1;
}

static struct job *queue(struct run_pool *pool, const char *id, const char *kind, const char *dataset, const char *preset, struct json *params) {
  struct job *job = add_job(pool, (enum run_kind)kind_of(kind), id, dataset);
  text_copy(job->preset, sizeof job->preset, preset);
  job->params = params;
  return job;
}

static enum status port_start(void *self, const struct run_request *request, char id[RUN_ID_BYTES], struct problem *problem) {
  struct run_pool *pool = self;
  char folder[RUN_PATH_BYTES];
  check(kind_of(request->kind) >= 0);
  if (run_count(pool) >= RUN_QUEUE_MAX) {
    problem_add(problem, "queue_full", "queue", NULL, NULL, "%d runs wait or go on: wait for them or cancel some", run_count(pool));
    return STATUS_IN_USE;
  }
  struct json *params = json_parse(request->params, strlen(request->params), JSON_STRICT, "params", problem);
  enum status status = params != NULL ? STATUS_OK : STATUS_BAD_INPUT;
  if (!status && !run_id_next(pool->options.settings->data_dir, id)) {
    problem_add(problem, "write_failed", pool->options.settings->data_dir, NULL, NULL, "the number of the run cannot be stored");
    status = STATUS_IO_FAILED;
  }
  if (!status) pool_folder(pool, id, folder);
  if (!status) status = pool_make_folder(folder, problem);
  if (!status && request->preset != NULL) status = write_preset(pool, id, request->preset, problem);
  if (!status) status = insert_row(pool, id, request, problem);
  if (status) {
    json_free(params);
    return status;
  }
  (void)queue(pool, id, request->kind, request->dataset_id, request->preset != NULL ? request->preset->name : "", params);
  run_pool_turn(pool);
  return STATUS_OK;
}

static enum status port_cancel(void *self, const char *id) {
  struct run_pool *pool = self;
  struct job *job = find_job(pool, id);
  if (job == NULL) return STATUS_NOT_FOUND;
  if (job->state == RUN_QUEUED) {
    end_row(pool, job, RUN_CANCELLED, NULL);
    tell_change(pool, job, true);
    drop_job(pool, job);
    return STATUS_OK;
  }
  if (!job->is_cancelled) job->cancelled_ns = pool_now_ns(pool);
  job->is_cancelled = true;
  kill_group(job, SIGTERM);
  return STATUS_OK;
}

static bool port_progress(void *self, const char *id, struct run_progress *out) {
  const struct run_pool *pool = self;
  const struct job *job = find_job(pool, id);
  if (job == NULL) return false;
  *out = (struct run_progress){.state = job->state,
                               .progress = job->progress,
                               .eta_s = (double)NAN,
                               .candles_per_s = (double)NAN,
                               .current_at = job->current_at,
                               .trades = job->trades};
  if (job->state != RUN_RUNNING) return true;
  double seconds = (double)(pool_now_ns(pool) - job->began_ns) * 1e-9;
  if (job->progress > 0) out->eta_s = seconds / job->progress * (1 - job->progress);
  if (job->candles > 0 && seconds > 0) out->candles_per_s = (double)job->candles / seconds;
  return true;
}

static enum status port_remove(void *self, const char *id, struct problem *problem) {
  struct run_pool *pool = self;
  const struct row_port *rows = pool->options.rows;
  struct rows_query query;
  if (find_job(pool, id) != NULL) {
    problem_add(problem, "in_use", id, NULL, NULL, "the run waits or goes on: cancel it first");
    return STATUS_IN_USE;
  }
  query_of(id, &query);
  enum status status = rows->remove(rows->self, &query, NULL, problem);
  if (!status) remove_run_folder(pool, id);
  return status;
}

static void port_folder(void *self, const char *id, char out[RUN_PATH_BYTES]) {
  pool_folder(self, id, out);
}

static bool port_is_used(void *self, const char *dataset) {
  return pool_is_needed(self, dataset, false);
}

static bool port_has_dataset(void *self, const char *dataset) {
  char path[RUN_PATH_BYTES];
  return pool_dataset_path(self, dataset, path, NULL);
}

static enum status port_remove_dataset(void *self, const char *dataset, struct problem *problem) {
  struct run_pool *pool = self;
  if (!pool_is_needed(pool, dataset, true)) return pool_remove_dataset(pool, dataset, problem);
  problem_add(problem, "in_use", dataset, NULL, NULL, "a run that waits or goes on needs the data set");
  return STATUS_IN_USE;
}

void run_pool_port(struct run_pool *pool, struct run_port *out) {
  *out = (struct run_port){.self = pool,
                           .start = port_start,
                           .cancel = port_cancel,
                           .progress = port_progress,
                           .remove = port_remove,
                           .folder = port_folder,
                           .is_dataset_used = port_is_used,
                           .has_dataset = port_has_dataset,
                           .remove_dataset = port_remove_dataset};
}

/* ---- life ---- */

/* What went on when the server was killed. */
static enum status settle(struct run_pool *pool, struct problem *problem) {
  const struct row_port *rows = pool->options.rows;
  struct rows_query query = {.table = "runs"};
  struct problem why;
  struct buffer error = {0};
  int64_t changed = 0;
  problem_clear(&why);
  problem_add(&why, "server_ended", "run", NULL, NULL, "the server was killed while the run went on: start it again");
  error_text(&why, "", &error);
  rows_query_add(&query, "status", ROWS_EQUAL, run_state_names[RUN_RUNNING]);
  const struct row_value values[] = {row_text("status", run_state_names[RUN_FAILED]), row_int("ended_at", pool_now_ms(pool)),
                                     row_text("error", error.data)};
  enum status status = rows->update(rows->self, &query, values, 3, &changed, problem);
  if (changed > 0) log_write(LOG_WARNING, "runs", "settled", NULL, "%lld runs went on when the server was killed", (long long)changed);
  buffer_deinit(&error);
  return status;
}

static const char *cell(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_TEXT ? value->text : "";
}

static bool take_queued(void *context, const struct row_value *values, int count) {
  struct run_pool *pool = context;
  const char *params = cell(values, count, "params");
  struct json *parsed = json_parse(params, strlen(params), JSON_STRICT, "params", NULL);
  bool is_good =
      parsed != NULL && kind_of(cell(values, count, "kind")) >= 0 && run_is_id(cell(values, count, "run_id")) && pool->job_count < RUN_QUEUE_MAX;
  if (is_good) {
    (void)queue(pool, cell(values, count, "run_id"), cell(values, count, "kind"), cell(values, count, "dataset_id"), cell(values, count, "preset"),
                parsed);
  } else {
    json_free(parsed);
  }
  return true;
}

static enum status take_queue(struct run_pool *pool, struct problem *problem) {
  const struct row_port *rows = pool->options.rows;
  struct rows_query query = {.table = "runs", .order = "created_at", .is_ascending = true, .limit = RUN_QUEUE_MAX};
  rows_query_add(&query, "status", ROWS_EQUAL, run_state_names[RUN_QUEUED]);
  return rows->select(rows->self, &query, take_queued, pool, problem);
}

enum status run_pool_open(struct run_pool **out, const struct run_pool_options *options, struct problem *problem) {
  struct run_pool *pool = calloc(1, sizeof *pool);
  if (pool == NULL) return STATUS_NO_MEMORY;
  pool->options = *options;
  pool->workers_all = pool->workers = options->workers > 0 ? options->workers : jobs_cores() > 2 ? RUN_WORKERS_MAX : 1;
  text_copy(pool->recordings, sizeof pool->recordings, options->recordings != NULL ? options->recordings : "");
  enum status status = settle(pool, problem);
  if (!status) status = take_queue(pool, problem);
  if (status) {
    run_pool_close(pool);
    return status;
  }
  pool_find_datasets(pool);
  *out = pool;
  return STATUS_OK;
}

void run_pool_stop(struct run_pool *pool) {
  for (int i = 0; i < pool->job_count; i++) {
    struct job *job = pool->jobs[i];
    if (job->state != RUN_RUNNING) continue;
    kill_group(job, SIGKILL);
    (void)waitpid(job->pid, NULL, 0);
    if (job->fd >= 0) close(job->fd);
    job->fd = -1;
    job->state = job->is_cancelled ? RUN_CANCELLED : RUN_QUEUED;
    const struct row_value values[] = {row_text("status", run_state_names[job->state]), row_text("started_at", NULL)};
    update_row(pool, job, values, 2);
  }
}

void run_pool_close(struct run_pool *pool) {
  if (pool == NULL) return;
  run_pool_stop(pool);
  for (int i = 0; i < pool->job_count; i++) free_job(pool->jobs[i]);
  free(pool);
}

void run_pool_counts(const struct run_pool *pool, void (*each)(void *context, const char *kind, int queued, int running), void *context) {
  for (int kind = 0; kind < run_kind_count; kind++) {
    int queued = 0;
    int running = 0;
    for (int i = 0; i < pool->job_count; i++) {
      if ((int)pool->jobs[i]->kind != kind) continue;
      queued += pool->jobs[i]->state == RUN_QUEUED;
      running += pool->jobs[i]->state == RUN_RUNNING;
    }
    each(context, run_kind_names[kind], queued, running);
  }
}

/* ---- relief ---- */

static void set_workers(struct run_pool *pool) {
  pool->workers = pool->is_paused ? 0 : pool->is_limited ? 1 : pool->workers_all;
}

int run_pool_limit(struct run_pool *pool, bool is_limited) {
  enum { LOWEST_PRIORITY = 19 };
  int count = 0;
  pool->is_limited = is_limited;
  set_workers(pool);
  for (int i = 0; i < pool->job_count; i++) {
    bool is_running = pool->jobs[i]->state == RUN_RUNNING;
    if (is_limited && is_running && setpriority(PRIO_PGRP, (id_t)pool->jobs[i]->pid, LOWEST_PRIORITY) == 0) ++count;
  }
  return count;
}

int run_pool_pause(struct run_pool *pool, bool is_paused) {
  int count = 0;
  pool->is_paused = is_paused;
  set_workers(pool);
  for (int i = 0; i < pool->job_count; i++) {
    if (pool->jobs[i]->state != RUN_RUNNING) continue;
    kill_group(pool->jobs[i], is_paused ? SIGSTOP : SIGCONT);
    ++count;
  }
  return count;
}
