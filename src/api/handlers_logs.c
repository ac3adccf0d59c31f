/* Log lines from the files in LOG_DIR, newest first, without the copies in errors.log. A line is found by comparing texts: only what is shown is
 * parsed. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_state.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/gzip.h"
#include "base/log.h"
#include "base/log_files.h"
#include "base/table.h"

enum {
  SCAN_BYTES_MAX = 48 << 20, /* of files that one request reads: more would hold up the loop */
  FILE_BYTES_MAX = 32 << 20,
  TIME_BYTES = 25,
  FAMILIES = 2
};

static const char *const family_names[FAMILIES] = {"breakout", "api"};
static const char *const levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
enum { LEVELS = sizeof levels / sizeof levels[0] };

/* One file of a family after another, read backwards. */
struct family {
  const struct log_files *files;
  const char *stem;
  int next;              /* index of the next older file, -1 none */
  const char *file_name; /* of the text */
  struct buffer text;    /* of the file at hand */
  size_t end;            /* what of it is left */
  const char *line;      /* newest line that is left; NULL none */
  size_t line_length;
};

struct question {
  struct call *call;
  char from[TIME_BYTES], to[TIME_BYTES]; /* as in the lines; "" none */
  int level;                             /* least */
  const char *component, *text, *trace_id;
  char cursor_time[TIME_BYTES]; /* the page begins behind this line; "" none */
  const char *cursor_id;
  bool is_behind;  /* the cursor's line was passed */
  int64_t scanned; /* bytes read */
};

/* ---- files ---- */

static bool is_of(const char *name, const char *stem) {
  size_t length = strlen(stem);
  return strncmp(name, stem, length) == 0 && (name[length] == '.' || name[length] == '-') && strstr(name, ".log") != NULL;
}

static bool read_text(const char *directory, const char *name, struct buffer *out) {
  char path[1024];
  struct gzip_reader reader;
  size_t count = 1;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  buffer_clear(out);
  if (gzip_open(&reader, path, NULL) != STATUS_OK) return false;
  while (count > 0 && out->length < FILE_BYTES_MAX) {
    buffer_reserve(out, 1 << 16);
    if (gzip_read(&reader, out->data + out->length, 1 << 16, &count) != STATUS_OK) break; /* a file that is being written ends within a line */
    out->length += count;
  }
  gzip_close(&reader);
  return out->length > 0;
}

/* The open file is the newest; closed ones come in order of their names, which carry the date. log_files sorts by date. */
static bool open_older(struct family *family, struct question *question) {
  const char *directory = question->call->api->options.settings->log_dir;
  while (family->next >= 0) {
    const struct log_file *file = &family->files->files[family->next--];
    if (!is_of(file->name, family->stem)) continue;
    if (question->scanned > SCAN_BYTES_MAX) return false;
    if (!read_text(directory, file->name, &family->text)) continue;
    question->scanned += (int64_t)family->text.length;
    family->file_name = file->name;
    family->end = family->text.length;
    return true;
  }
  return false;
}

/* Steps to the line before; false when there is none in this and the older files. */
static bool step_back(struct family *family, struct question *question) {
  family->line = NULL;
  for (;;) {
    while (family->end > 0 && family->text.data[family->end - 1] == '\n') --family->end;
    if (family->end > 0) break;
    if (!open_older(family, question)) return false;
  }
  size_t start = family->end;
  while (start > 0 && family->text.data[start - 1] != '\n') --start;
  family->line = family->text.data + start;
  family->line_length = family->end - start;
  family->end = start;
  return true;
}

/* ---- lines ---- */

/* Lines begin with {"ts":"2026-01-31T23:59:59.123Z"; anything else was cut by a crash. */
static const char *time_of(const char *line, size_t length) {
  static const char head[] = "{\"ts\":\"";
  return length > sizeof head - 1 + TIME_BYTES && memcmp(line, head, sizeof head - 1) == 0 ? line + sizeof head - 1 : NULL;
}

static bool has_member(const char *line, size_t length, const char *name, const char *value) {
  char member[160];
  int size = snprintf(member, sizeof member, "\"%s\":\"%s\"", name, value);
  return size > 0 && size < (int)sizeof member && memmem(line, length, member, (size_t)size) != NULL;
}

static bool has_level(const char *line, size_t length, int least) {
  for (int i = least; i < LEVELS; i++) {
    if (has_member(line, length, "level", levels[i])) return true;
  }
  return false;
}

static bool contains(const char *line, size_t length, const char *text) {
  size_t size = strlen(text);
  for (size_t i = 0; i + size <= length; i++) {
    if (strncasecmp(line + i, text, size) == 0) return true;
  }
  return size == 0;
}

static void id_of(const struct family *family, char *out, size_t size) {
  snprintf(out, size, "%s:%zu", family->file_name, (size_t)(family->line - family->text.data));
}

/* Has the page begun? The cursor names the last line shown; lines of the same time may come before it. */
static bool is_on_page(struct question *question, const struct family *family, const char *time) {
  char id[LOG_FILE_NAME_MAX + 32];
  if (question->cursor_time[0] == '\0' || question->is_behind) return true;
  int order = strncmp(time, question->cursor_time, TIME_BYTES - 1);
  if (order > 0) return false;
  id_of(family, id, sizeof id);
  if (order == 0 && !text_equal(id, question->cursor_id)) return false;
  question->is_behind = true;
  return order < 0;
}

static bool line_fits(const struct question *question, const char *line, size_t length, const char *time) {
  if (question->to[0] != '\0' && strncmp(time, question->to, TIME_BYTES - 1) >= 0) return false;
  if (!has_level(line, length, question->level)) return false;
  if (question->component != NULL && !has_member(line, length, "component", question->component)) return false;
  if (question->trace_id != NULL && !has_member(line, length, "trace_id", question->trace_id)) return false;
  return question->text == NULL || contains(line, length, question->text);
}

/* ---- replies ---- */

static void add_csv_member(const struct json *line, const char *name, struct buffer *out) {
  const struct json *value = json_member(line, name);
  if (value != NULL && json_kind(value) == JSON_STRING) table_add_csv_cell(out, json_string(value));
}

/* A line that is no JSON object was damaged: it is left out. */
static bool add_line(struct call *call, const struct family *family, bool is_csv) {
  char id[LOG_FILE_NAME_MAX + 32];
  struct json *line = json_parse(family->line, family->line_length, JSON_STRICT, "line", NULL);
  if (line == NULL || json_kind(line) != JSON_OBJECT) {
    json_free(line);
    return false;
  }
  id_of(family, id, sizeof id);
  if (is_csv) {
    static const char *const columns[] = {"ts", "level", "component", "event", "message", "trace_id", "request_id"};
    table_add_csv_cell(&call->reply->body, id);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
      buffer_add_text(&call->reply->body, ",");
      add_csv_member(line, columns[i], &call->reply->body);
    }
    buffer_add_text(&call->reply->body, "\n");
  } else {
    struct buffer item = {0};
    buffer_add_format(&item, "{\"id\":\"%s\",", id);
    buffer_add(&item, family->line + 1, family->line_length - 1);
    json_add_raw(&call->writer, NULL, item.data);
    buffer_deinit(&item);
  }
  json_free(line);
  return true;
}

static struct family *newest_of(struct family families[FAMILIES]) {
  struct family *newest = NULL;
  for (int i = 0; i < FAMILIES; i++) {
    if (families[i].line == NULL) continue;
    const char *time = time_of(families[i].line, families[i].line_length);
    const char *other = newest != NULL ? time_of(newest->line, newest->line_length) : NULL;
    /* A damaged line goes first, so that it does not hold up the others. */
    if (newest == NULL || time == NULL || (other != NULL && strncmp(time, other, TIME_BYTES - 1) > 0)) newest = &families[i];
  }
  return newest;
}

/* Shows up to limit lines; the cursor of the next page, "" when there is none. */
static void show_lines(struct question *question, struct family families[FAMILIES], int64_t limit, bool is_csv, char *cursor, size_t size) {
  char last[LOG_FILE_NAME_MAX + 64] = "";
  int64_t shown = 0;
  cursor[0] = '\0';
  for (int i = 0; i < FAMILIES; i++) (void)step_back(&families[i], question);
  for (struct family *family = newest_of(families); family != NULL; family = newest_of(families)) {
    const char *line = family->line;
    const char *time = time_of(line, family->line_length);
    if (time != NULL && question->from[0] != '\0' && strncmp(time, question->from, TIME_BYTES - 1) < 0) return;
    bool fits = time != NULL && line_fits(question, line, family->line_length, time) && is_on_page(question, family, time);
    if (fits && shown == limit) {
      snprintf(cursor, size, "%s", last);
      return;
    }
    if (fits && add_line(question->call, family, is_csv)) {
      ++shown;
      int length = snprintf(last, sizeof last, "%.24s,", time);
      id_of(family, last + length, sizeof last - (size_t)length);
    }
    (void)step_back(family, question);
  }
}

/* ---- questions ---- */

static bool take_time(struct call *call, const char *name, char out[TIME_BYTES]) {
  int64_t ts = 0;
  struct text text;
  if (!call_time(call, name, 0, &ts)) return false;
  if (http_argument(call->request, name) == NULL) return true;
  text_init(&text, out, TIME_BYTES);
  text_add_time(&text, ts);
  return true;
}

static bool take_cursor(struct call *call, struct question *question) {
  const char *cursor = http_argument(call->request, "cursor");
  if (cursor == NULL) return true;
  if (strlen(cursor) > TIME_BYTES && cursor[TIME_BYTES - 1] == ',' && cursor[TIME_BYTES - 2] == 'Z') {
    text_copy(question->cursor_time, TIME_BYTES, cursor);
    question->cursor_id = cursor + TIME_BYTES;
    return true;
  }
  call_fail(call, 400, "bad_parameter", "cursor is not of this list");
  return false;
}

static struct log_files *list_files(struct call *call) {
  struct log_files *files = calloc(1, sizeof *files);
  const struct settings *settings = call->api->options.settings;
  struct problem problem;
  problem_clear(&problem);
  check(files != NULL);
  if (settings->log_to_file && log_files_stats(files, settings->log_dir, &problem) == STATUS_OK) return files;
  free(files);
  call_fail(call, 404, "not_found", settings->log_to_file ? "the folder LOG_DIR cannot be read" : "LOG_TO_FILE is false: there are no log files");
  return NULL;
}

/* Rotated while we listed it, or beside its .gz: the same lines twice. The list is by age, so that the open file of a family is its last. */
static void begin_families(const struct log_files *files, struct family families[FAMILIES]) {
  for (int i = 0; i < FAMILIES; i++) families[i] = (struct family){.files = files, .stem = family_names[i], .next = files->count - 1};
}

void handle_logs(struct call *call) {
  struct question question = {.call = call};
  struct family families[FAMILIES];
  char cursor[LOG_FILE_NAME_MAX + 64];
  int64_t limit = 100;
  bool is_csv;
  question.level = call_word(call, "level", levels, LEVELS, 0);
  if (question.level < 0 || !call_number(call, "limit", 1, 1000, &limit) || !take_time(call, "from", question.from)) return;
  if (!take_time(call, "to", question.to) || !take_cursor(call, &question) || !call_wants_csv(call, &is_csv)) return;
  question.component = http_argument(call->request, "component");
  question.text = http_argument(call->request, "text");
  question.trace_id = http_argument(call->request, "trace_id");
  struct log_files *files = list_files(call);
  if (files == NULL) return;
  begin_families(files, families);
  if (is_csv) {
    call_begin_csv(call, "id,ts,level,component,event,message,trace_id,request_id");
    show_lines(&question, families, limit, true, cursor, sizeof cursor);
  } else {
    call_begin(call);
    json_begin_array(&call->writer, "items");
    show_lines(&question, families, limit, false, cursor, sizeof cursor);
    json_end_array(&call->writer);
    json_add_string(&call->writer, "next_cursor", cursor[0] != '\0' ? cursor : NULL);
    json_add_null(&call->writer, "total");
    call_end(call, 200);
  }
  for (int i = 0; i < FAMILIES; i++) buffer_deinit(&families[i].text);
  free(files);
}

static double megabytes(int64_t bytes) {
  return (double)bytes / 1048576.0;
}

void handle_log_stats(struct call *call) {
  struct log_files *files = list_files(call);
  if (files == NULL) return;
  call_begin(call);
  json_add_int(&call->writer, "total_files", files->count);
  json_add_double(&call->writer, "total_size_mb", megabytes(files->total_disk_bytes));
  json_add_double(&call->writer, "max_size_mb", call->api->options.settings->log_max_total_mb);
  json_begin_array(&call->writer, "files");
  for (int i = 0; i < files->count; i++) {
    json_begin_object(&call->writer, NULL);
    json_add_string(&call->writer, "name", files->files[i].name);
    json_add_double(&call->writer, "size_mb", megabytes(files->files[i].disk_bytes));
    json_add_int(&call->writer, "modified_at", files->files[i].at_ms);
    json_add_bool(&call->writer, "compressed", files->files[i].is_compressed);
    json_end_object(&call->writer);
  }
  json_end_array(&call->writer);
  if (files->oldest_at_ms != 0) {
    json_add_int(&call->writer, "oldest_at", files->oldest_at_ms);
  } else {
    json_add_null(&call->writer, "oldest_at");
  }
  call_end(call, 200);
  free(files);
}

static void write_cleaned(const struct log_files *files, const struct log_cleanup *cleanup, struct json_writer *writer) {
  json_begin_array(writer, "removed");
  for (int i = 0; i < files->count; i++) {
    if (files->files[i].is_deleted) json_add_string(writer, NULL, files->files[i].name);
  }
  json_end_array(writer);
  json_begin_array(writer, "compressed");
  for (int i = 0; i < files->count; i++) {
    if (files->files[i].was_compressed_now) json_add_string(writer, NULL, files->files[i].name);
  }
  json_end_array(writer);
  json_add_double(writer, "freed_mb", megabytes(cleanup->before_bytes - cleanup->after_bytes));
  json_add_bool(writer, "dry_run", cleanup->is_dry_run);
}

void handle_log_cleanup(struct call *call) {
  const struct settings *settings = call->api->options.settings;
  const struct clock *clock = call->api->options.clock;
  const struct json *dry = call->body != NULL ? json_member(call->body, "dry_run") : NULL;
  struct log_cleanup cleanup = {.now_ms = clock->now_ms(clock->self), .days = settings->log_retention_days, .max_mb = settings->log_max_total_mb};
  struct problem problem;
  problem_clear(&problem);
  cleanup.is_dry_run = dry != NULL && json_kind(dry) == JSON_BOOL && json_bool(dry);
  struct log_files *files = list_files(call);
  if (files == NULL) return;
  if (log_files_cleanup(files, settings->log_dir, &cleanup, &problem) != STATUS_OK) {
    call_fail_problem(call, 500, "internal", &problem);
  } else {
    call_begin(call);
    write_cleaned(files, &cleanup, &call->writer);
    call_end(call, 200);
  }
  free(files);
}
