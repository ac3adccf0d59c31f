#include "apps/log_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/gzip.h"
#include "base/log.h"
#include "base/text.h"

enum { PATH_BYTES = 1024, HEAD_BYTES = 96, LEVELS = LOG_CRITICAL + 1 };

struct count {
  int64_t lines[LEVELS];
  char head[HEAD_BYTES]; /* the beginning of the line at hand: the level stands behind the time */
  size_t length;
};

static void count_line(struct count *count) {
  static const char before[] = "\"level\":\"";
  count->head[count->length] = '\0';
  count->length = 0;
  const char *level = strstr(count->head, before);
  for (int i = 0; level != NULL && i < LEVELS; i++) {
    size_t length = strlen(setting_log_level_names[i]);
    const char *word = level + sizeof before - 1;
    if (strncmp(word, setting_log_level_names[i], length) == 0 && word[length] == '"') count->lines[i]++;
  }
}

/* A file that was cut short counts as far as it can be read. */
static void count_file(struct count *count, const char *path) {
  static char chunk[65536];
  struct gzip_reader reader;
  size_t used;
  count->length = 0;
  if (gzip_open(&reader, path, NULL) != STATUS_OK) return;
  while (gzip_read(&reader, chunk, sizeof chunk, &used) == STATUS_OK && used > 0) {
    for (size_t i = 0; i < used; i++) {
      if (chunk[i] == '\n') {
        count_line(count);
      } else if (count->length + 1 < sizeof count->head) {
        count->head[count->length++] = chunk[i];
      }
    }
  }
  gzip_close(&reader);
}

/* errors.log and audit.log hold copies of what stands elsewhere. */
static bool is_copy(const char *name) {
  return strncmp(name, "errors", 6) == 0 || strncmp(name, "audit", 5) == 0;
}

static enum status add_levels(const struct app *app, struct json_writer *writer, struct problem *problem) {
  struct count count = {0};
  char path[PATH_BYTES];
  struct log_files *now = calloc(1, sizeof *now);
  check(now != NULL);
  enum status status = log_files_stats(now, app->settings.log_dir, problem);
  for (int i = 0; i < now->count && status == STATUS_OK; i++) {
    if (is_copy(now->files[i].name)) continue;
    snprintf(path, sizeof path, "%.800s/%.127s", app->settings.log_dir, now->files[i].name);
    count_file(&count, path);
  }
  free(now);
  json_begin_object(writer, "lines_by_level");
  for (int i = 0; i < LEVELS; i++) json_add_int(writer, setting_log_level_names[i], count.lines[i]);
  json_end_object(writer);
  return status;
}

enum status log_report_write(struct app *app, const struct log_files *files, const struct log_cleanup *cleanup, char *path, size_t size) {
  struct buffer text = {0};
  struct json_writer writer;
  struct calendar day;
  calendar_from_ms(cleanup->now_ms, &day);
  snprintf(path, size, "%.900s/log_report_%04d%02d%02d.json", app->settings.reports_dir, day.year, day.month, day.day);
  if (mkdir(app->settings.reports_dir, 0755) != 0 && errno != EEXIST) {
    problem_add(&app->problem, "cannot_make", app->settings.reports_dir, NULL, NULL, "the folder cannot be made: %s", strerror(errno));
    return status_from_errno(errno);
  }
  json_writer_init(&writer, &text, true);
  json_begin_object(&writer, NULL);
  log_files_report(files, cleanup, &writer);
  json_add_double(&writer, "limit_mb", cleanup->max_mb);
  enum status status = add_levels(app, &writer, &app->problem);
  json_end_object(&writer);
  buffer_add_text(&text, "\n");
  if (status == STATUS_OK) status = buffer_write_file(&text, path, 0644, &app->problem);
  buffer_deinit(&text);
  return status;
}
