/* The verb logs: the files in LOG_DIR. Works without a server and beside one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "apps/app.h"
#include "apps/log_report.h"
#include "apps/running.h"
#include "base/check.h"
#include "base/gzip.h"
#include "base/log.h"
#include "base/log_files.h"
#include "base/text.h"

enum { PATH_BYTES = 1024, LINE_BYTES = 32768, TAIL_LINES = 50, FOLLOW_MS = 250 };

enum {
  OPTION_DAYS,
  OPTION_MAX_MB,
  OPTION_DRY_RUN,
  OPTION_FOLLOW,
  OPTION_LINES,
  OPTION_LEVEL,
  OPTION_COMPONENT,
  OPTION_GREP,
  OPTION_TRACE,
  OPTION_COUNT
};
static const struct app_option options[OPTION_COUNT] = {
    [OPTION_DAYS] = {"days", 0, true, "N", "cleanup: delete closed files older than N days"},
    [OPTION_MAX_MB] = {"max-mb", 0, true, "N", "cleanup: above N MB delete the oldest closed files until 80 % of it"},
    [OPTION_DRY_RUN] = {"dry-run", 0, false, NULL, "cleanup: say what would be done"},
    [OPTION_FOLLOW] = {"follow", 'f', false, NULL, "tail: go on with new lines"},
    [OPTION_LINES] = {"lines", 'n', true, "N", "tail: the last N lines, 50"},
    [OPTION_LEVEL] = {"level", 0, true, "L", "lines of this level and above"},
    [OPTION_COMPONENT] = {"component", 0, true, "C", "lines of one component"},
    [OPTION_GREP] = {"grep", 0, true, "TEXT", "lines that contain a text"},
    [OPTION_TRACE] = {"trace", 0, true, "ID", "lines of one trace"},
};

struct logs {
  struct app *app;
  const char *values[OPTION_COUNT]; /* NULL: not given */
  const char *file;                 /* of show */
  int level;
  struct buffer out;
};

static bool is_json(const struct logs *logs) {
  return logs->app->output == OUTPUT_JSON || logs->app->output == OUTPUT_JSONL;
}

/* ---- files ---- */

static void print_report(struct logs *logs, const struct log_files *files, const struct log_cleanup *cleanup) {
  struct json_writer writer;
  json_writer_init(&writer, &logs->out, logs->app->output == OUTPUT_JSON);
  json_begin_object(&writer, NULL);
  log_files_report(files, cleanup, &writer);
  json_add_double(&writer, "limit_mb", cleanup->max_mb);
  json_end_object(&writer);
  buffer_add_text(&logs->out, "\n");
  app_print(&logs->out);
}

static const char *state_of(const struct log_file *file) {
  if (file->is_deleted) return "deleted";
  if (file->was_compressed_now) return "compressed now";
  if (file->is_compressed) return "compressed";
  return file->is_closed ? "closed" : "open";
}

static void print_files(struct logs *logs, const struct log_files *files) {
  static const struct table_column columns[] = {
      {"File", TABLE_LEFT}, {"Bytes", TABLE_RIGHT}, {"On disk", TABLE_RIGHT}, {"Of", TABLE_LEFT}, {"State", TABLE_LEFT}};
  struct table table;
  char number[32], time_text[32];
  struct text text;
  table_init(&table, columns, 5, app_table_format(logs->app));
  for (int i = 0; i < files->count; i++) {
    const struct log_file *file = &files->files[i];
    table_add(&table, file->name);
    snprintf(number, sizeof number, "%lld", (long long)file->bytes);
    table_add(&table, number);
    snprintf(number, sizeof number, "%lld", (long long)file->disk_bytes);
    table_add(&table, number);
    text_init(&text, time_text, sizeof time_text);
    text_add_time(&text, file->at_ms);
    table_add(&table, time_text);
    table_add(&table, state_of(file));
  }
  app_print_table(logs->app, &table);
}

static struct log_files *allocate_files(void) {
  struct log_files *files = calloc(1, sizeof *files);
  check(files != NULL);
  return files;
}

static int run_stats(struct logs *logs) {
  static const double mb = 1048576.0;
  const struct settings *settings = &logs->app->settings;
  struct log_files *files = allocate_files();
  enum status status = log_files_stats(files, settings->log_dir, &logs->app->problem);
  if (status != STATUS_OK) {
    free(files);
    return app_fail(logs->app, status);
  }
  struct log_cleanup cleanup = {
      .now_ms = app_now_ms(), .max_mb = settings->log_max_total_mb, .before_bytes = files->total_disk_bytes, .after_bytes = files->total_disk_bytes};
  if (is_json(logs)) {
    print_report(logs, files, &cleanup);
  } else {
    print_files(logs, files);
    if (logs->app->output == OUTPUT_TEXT)
      printf("\n%d files, %.2f MB on disk, limit %.0f MB\n", files->count, (double)files->total_disk_bytes / mb, cleanup.max_mb);
  }
  free(files);
  return 0;
}

static int run_cleanup(struct logs *logs) {
  const struct settings *settings = &logs->app->settings;
  int64_t days = settings->log_retention_days;
  struct log_cleanup cleanup = {.now_ms = app_now_ms(), .max_mb = settings->log_max_total_mb, .is_dry_run = logs->values[OPTION_DRY_RUN] != NULL};
  if (logs->values[OPTION_DAYS] != NULL && !app_parse_integer(logs->app, "days", logs->values[OPTION_DAYS], 1, 3650, &days))
    return app_fail(logs->app, STATUS_BAD_CONFIG);
  if (logs->values[OPTION_MAX_MB] != NULL && !app_parse_number(logs->app, "max-mb", logs->values[OPTION_MAX_MB], 1, 100000, &cleanup.max_mb)) {
    return app_fail(logs->app, STATUS_BAD_CONFIG);
  }
  cleanup.days = (int)days;
  struct log_files *files = allocate_files();
  char report[PATH_BYTES] = "";
  enum status status = log_files_cleanup(files, settings->log_dir, &cleanup, &logs->app->problem);
  if (status == STATUS_OK && !cleanup.is_dry_run) status = log_report_write(logs->app, files, &cleanup, report, sizeof report);
  if (status == STATUS_OK && is_json(logs)) print_report(logs, files, &cleanup);
  if (status == STATUS_OK && !is_json(logs)) {
    print_files(logs, files);
    printf("\n%d deleted, %d compressed, %lld -> %lld bytes%s\n", cleanup.deleted, cleanup.compressed, (long long)cleanup.before_bytes,
           (long long)cleanup.after_bytes, cleanup.is_dry_run ? " (dry run)" : "");
    if (report[0] != '\0') printf("report: %s\n", report);
  }
  free(files);
  return status == STATUS_OK ? 0 : app_fail(logs->app, status);
}

static int run_rotate(struct logs *logs) {
  const struct settings *settings = &logs->app->settings;
  /* A server would go on writing into a file that was renamed under it. */
  bool is_running = running_on(logs->app->settings.data_dir, NULL);
  if (!is_running) {
    struct log_options log = {
        .level = LOG_INFO, .console = LOG_CONSOLE_OFF, .directory = settings->log_dir, .file_max_mb = settings->log_file_max_mb};
    enum status status = log_open(&log);
    if (status != STATUS_OK) return app_fail_with(logs->app, status, "log_failed", settings->log_dir, "the log files cannot be opened");
    log_rotate();
    log_close();
  }
  int compressed = log_files_compress(settings->log_dir, &logs->app->problem);
  if (problem_has_error(&logs->app->problem)) return app_fail(logs->app, STATUS_IO_FAILED);
  if (is_json(logs)) {
    printf("{\"rotated\":%s,\"compressed\":%d}\n", is_running ? "false" : "true", compressed);
  } else {
    printf("%s; %d closed files compressed\n", is_running ? "the server is running and rotates its own files" : "new files begin with the next line",
           compressed);
  }
  return 0;
}

/* ---- lines ---- */

static bool member_is(const struct json *line, const char *key, const char *wanted) {
  const struct json *value = json_member(line, key);
  return value != NULL && json_kind(value) == JSON_STRING && text_equal(json_string(value), wanted);
}

static const char *member_text(const struct json *line, const char *key) {
  const struct json *value = json_member(line, key);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : "";
}

static int level_of(const char *name) {
  for (int i = 0; i < setting_log_level_count; i++) {
    if (text_equal_ignoring_case(name, setting_log_level_names[i])) return i;
  }
  return -1;
}

/* As on a console: 23:59:59.123 INFO     engine       message. */
static void add_readable(struct logs *logs, const struct json *line) {
  const char *ts = member_text(line, "ts");
  const char *clock = strchr(ts, 'T');
  buffer_add_format(&logs->out, "%.12s %-8s %-10s %s", clock != NULL ? clock + 1 : ts, member_text(line, "level"), member_text(line, "component"),
                    member_text(line, "message"));
  static const char *const keys[] = {"symbol", "position_id", "client_order_id", "trace_id", "request_id"};
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    if (member_text(line, keys[i])[0] != '\0') buffer_add_format(&logs->out, " %s=%s", keys[i], member_text(line, keys[i]));
  }
  buffer_add_text(&logs->out, "\n");
}

/* Adds the line to the output when it passes the filters; text that is no JSON passes only without filters on members. */
static bool add_line(struct logs *logs, const char *text) {
  bool has_filter = logs->level >= 0 || logs->values[OPTION_COMPONENT] != NULL || logs->values[OPTION_TRACE] != NULL;
  if (logs->values[OPTION_GREP] != NULL && strstr(text, logs->values[OPTION_GREP]) == NULL) return false;
  struct json *line = json_parse(text, strlen(text), JSON_STRICT, "log", NULL);
  if (line == NULL || json_kind(line) != JSON_OBJECT) {
    json_free(line);
    if (!has_filter) buffer_add_format(&logs->out, "%s\n", text);
    return !has_filter;
  }
  bool passes = (logs->level < 0 || level_of(member_text(line, "level")) >= logs->level) &&
                (logs->values[OPTION_COMPONENT] == NULL || member_is(line, "component", logs->values[OPTION_COMPONENT])) &&
                (logs->values[OPTION_TRACE] == NULL || member_is(line, "trace_id", logs->values[OPTION_TRACE]));
  if (passes && is_json(logs)) buffer_add_format(&logs->out, "%s\n", text);
  if (passes && !is_json(logs)) add_readable(logs, line);
  json_free(line);
  return passes;
}

/* Calls visit with every whole line; the rest of an unfinished one is returned in *rest. */
struct lines {
  char text[LINE_BYTES];
  size_t length;
};

static void take_bytes(struct logs *logs, struct lines *lines, const char *bytes, size_t count,
                       void (*visit)(struct logs *logs, const char *line, void *context), void *context) {
  for (size_t i = 0; i < count; i++) {
    if (bytes[i] != '\n') {
      if (lines->length + 1 < sizeof lines->text) lines->text[lines->length++] = bytes[i];
      continue;
    }
    lines->text[lines->length] = '\0';
    lines->length = 0;
    visit(logs, lines->text, context);
  }
}

static void show_line(struct logs *logs, const char *line, void *context) {
  (void)context;
  if (!add_line(logs, line)) return;
  app_print(&logs->out);
  buffer_clear(&logs->out);
}

static int run_show(struct logs *logs) {
  enum { CHUNK = 65536 };
  static struct lines lines;
  static char chunk[CHUNK];
  char path[PATH_BYTES];
  struct gzip_reader reader;
  size_t count = 0;
  if (logs->file == NULL)
    return app_fail_with(logs->app, STATUS_BAD_CONFIG, "bad_argument", "show", "name a file: breakout logs show breakout-20260131-01.log.gz");
  snprintf(path, sizeof path, "%.1000s", logs->file);
  if (strchr(logs->file, '/') == NULL && access(path, F_OK) != 0)
    snprintf(path, sizeof path, "%.700s/%.300s", logs->app->settings.log_dir, logs->file);
  enum status status = gzip_open(&reader, path, &logs->app->problem);
  if (status != STATUS_OK) return app_fail(logs->app, status);
  while ((status = gzip_read(&reader, chunk, sizeof chunk, &count)) == STATUS_OK && count > 0 && app_interrupted == 0) {
    take_bytes(logs, &lines, chunk, count, show_line, NULL);
  }
  gzip_close(&reader);
  if (status != STATUS_OK) return app_fail_with(logs->app, status, "bad_file", path, "the file is damaged or ends too early");
  return 0;
}

/* ---- tail ---- */

/* The last lines that pass, printed, as texts in a ring. */
struct ring_of_lines {
  char **lines; /* owned texts */
  int64_t capacity, count;
};

static void keep_line(struct logs *logs, const char *line, void *context) {
  struct ring_of_lines *ring = context;
  if (!add_line(logs, line)) return;
  char **slot = &ring->lines[ring->count++ % ring->capacity];
  free(*slot);
  *slot = strdup(logs->out.data);
  check(*slot != NULL);
  buffer_clear(&logs->out);
}

static void print_ring(struct ring_of_lines *ring) {
  int64_t first = ring->count > ring->capacity ? ring->count - ring->capacity : 0;
  for (int64_t i = first; i < ring->count; i++) fputs(ring->lines[i % ring->capacity], stdout);
  fflush(stdout);
  for (int64_t i = 0; i < ring->capacity; i++) free(ring->lines[i]);
  free(ring->lines);
}

static void read_rest(struct logs *logs, int file, struct lines *lines, void (*visit)(struct logs *, const char *, void *), void *context) {
  char chunk[8192];
  for (ssize_t count; (count = read(file, chunk, sizeof chunk)) > 0;) take_bytes(logs, lines, chunk, (size_t)count, visit, context);
}

/* Goes on in the new file when the one at hand was closed and renamed. */
static void follow(struct logs *logs, const char *path, int file, struct lines *lines) {
  const struct timespec pause = {.tv_nsec = FOLLOW_MS * 1000000L};
  struct stat mine, newest;
  while (app_interrupted == 0) {
    read_rest(logs, file, lines, show_line, NULL);
    if (fstat(file, &mine) == 0 && stat(path, &newest) == 0 && mine.st_ino != newest.st_ino) {
      int next = open(path, O_RDONLY | O_CLOEXEC);
      if (next >= 0) {
        read_rest(logs, file, lines, show_line, NULL);
        close(file);
        file = next;
        continue;
      }
    }
    nanosleep(&pause, NULL);
  }
  close(file);
}

static const char *file_of(const char *component) {
  bool is_api = component != NULL && (text_equal(component, "api") || text_equal(component, "ws") || text_equal(component, "auth"));
  return is_api ? "api.log" : "breakout.log";
}

static int run_tail(struct logs *logs) {
  static struct lines lines;
  char path[PATH_BYTES];
  int64_t count = TAIL_LINES;
  if (logs->values[OPTION_LINES] != NULL && !app_parse_integer(logs->app, "lines", logs->values[OPTION_LINES], 1, 1000000, &count))
    return app_fail(logs->app, STATUS_BAD_CONFIG);
  snprintf(path, sizeof path, "%.900s/%s", logs->app->settings.log_dir, file_of(logs->values[OPTION_COMPONENT]));
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return app_fail_with(logs->app, STATUS_NOT_FOUND, "not_found", path, "there is no such log: %s", strerror(errno));
  struct ring_of_lines ring = {.lines = calloc((size_t)count, sizeof(char *)), .capacity = count};
  check(ring.lines != NULL);
  read_rest(logs, file, &lines, keep_line, &ring);
  print_ring(&ring);
  if (logs->values[OPTION_FOLLOW] != NULL) {
    follow(logs, path, file, &lines);
  } else {
    close(file);
  }
  return 0;
}

/* ---- the verb ---- */

static const struct {
  const char *name;
  int (*run)(struct logs *logs);
} forms[] = {{"stats", run_stats}, {"cleanup", run_cleanup}, {"rotate", run_rotate}, {"tail", run_tail}, {"show", run_show}};
enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

static int run_form(struct logs *logs, const char *word) {
  const char *names[FORM_COUNT];
  if (logs->values[OPTION_LEVEL] != NULL && (logs->level = level_of(logs->values[OPTION_LEVEL])) < 0) {
    problem_add(&logs->app->problem, "bad_parameter", "level", logs->values[OPTION_LEVEL], "DEBUG, INFO, WARNING, ERROR, CRITICAL",
                "there is no such level");
    return app_fail(logs->app, STATUS_BAD_CONFIG);
  }
  for (int i = 0; i < FORM_COUNT; i++) names[i] = forms[i].name;
  int form = app_form(&logs->app->problem, "logs", word, names, FORM_COUNT);
  return form < 0 ? app_fail(logs->app, STATUS_BAD_CONFIG) : forms[form].run(logs);
}

int app_logs(struct app *app, int argc, char **argv) {
  struct logs logs = {.app = app, .level = -1};
  struct app_arguments arguments;
  const char *form = NULL, *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, OPTION_COUNT, &value)) != APP_DONE) {
    if (option == APP_WRONG) return app_fail(app, STATUS_BAD_CONFIG);
    if (option >= 0) {
      logs.values[option] = value != NULL ? value : "";
    } else if (form == NULL) {
      form = value;
    } else {
      logs.file = value;
    }
  }
  int code = run_form(&logs, form != NULL ? form : "stats");
  buffer_deinit(&logs.out);
  return code;
}
