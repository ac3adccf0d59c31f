#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/calendar.h"
#include "base/json.h"
#include "base/log_files.h"
#include "base/text.h"

enum {
  DIRECTORY_MAX = PATH_MAX - 64, /* leaves room for every name in it */
  LINE_MAX_BYTES = 16384,        /* with the line break */
  MESSAGE_MAX_BYTES = 12288,
  DATA_MAX_BYTES = 8192,
  LEVEL_COUNT = LOG_CRITICAL + 1,
  SECRETS_MAX = 64,
  SECRET_MAX_BYTES = 256,
  SECRET_MIN_BYTES = 6, /* shorter ones would blacken ordinary words */
};

enum file_index { FILE_BREAKOUT, FILE_API, FILE_ERRORS, FILE_COUNT };

static const char *const file_stems[FILE_COUNT] = {"breakout", "api", "errors"};
static const char *const level_names[LEVEL_COUNT] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

struct log_output {
  int descriptor; /* -1: not open */
  int64_t bytes;
  int64_t day_ms; /* UTC day of its lines */
};

/* One log a process. Everything but the atomics is guarded by the mutex. */
static struct {
  pthread_mutex_t mutex;
  bool is_open;
  bool has_colors;
  struct log_options options;
  char directory[DIRECTORY_MAX]; /* "" when there are no files */
  struct log_output outputs[FILE_COUNT];
  int64_t looked_at_ms; /* when the files' names were last compared with what is open */
  struct buffer line;
  struct buffer console_line;
  char secrets[SECRETS_MAX][SECRET_MAX_BYTES];
  int secret_count;
  log_line *on_line; /* NULL: none */
  void *line_context;
  pthread_t cleaner;
  bool has_cleaner; /* the thread exists and must be joined */
  bool is_cleaning;
  bool must_clean_again;
  _Atomic int level;
  _Atomic int64_t dropped;
  _Atomic int64_t counts[LEVEL_COUNT];
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

/* Files */

static void path_of(enum file_index index, char out[PATH_MAX]) {
  snprintf(out, PATH_MAX, "%s/%s.log", state.directory, file_stems[index]);
}

static enum status open_output(enum file_index index) {
  char path[PATH_MAX];
  path_of(index, path);
  struct log_output *output = &state.outputs[index];
  output->descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (output->descriptor < 0) return status_from_errno(errno);
  struct stat info;
  if (fstat(output->descriptor, &info) != 0) return status_from_errno(errno);
  output->bytes = info.st_size;
  output->day_ms = calendar_day_start(info.st_size > 0 ? (int64_t)info.st_mtim.tv_sec * SECOND_MS : now_ms());
  return STATUS_OK;
}

static void close_output(struct log_output *output) {
  if (output->descriptor >= 0) close(output->descriptor);
  output->descriptor = -1;
}

/* The first name of the day that is free, also in its compressed form. */
static bool dated_path(enum file_index index, char out[PATH_MAX]) {
  struct calendar day;
  calendar_from_ms(state.outputs[index].day_ms, &day);
  for (int number = 1; number < 10000; number++) {
    char compressed[PATH_MAX + 4];
    int length = snprintf(out, PATH_MAX, "%s/%s-%04d%02d%02d-%02d.log", state.directory, file_stems[index], day.year, day.month, day.day, number);
    if (length < 0 || length >= PATH_MAX) return false;
    snprintf(compressed, sizeof(compressed), "%s.gz", out);
    if (access(out, F_OK) != 0 && access(compressed, F_OK) != 0) return true;
  }
  return false;
}

/* One pass over the directory. Failures stay until the next rotation tries again: there is no log to report them in that would not fail likewise. */
static void clean_once(void) {
  struct log_files *files = malloc(sizeof(*files));
  if (files == NULL) return;
  log_files_compress(state.directory, NULL);
  struct log_cleanup cleanup = {.now_ms = now_ms(), .days = state.options.retention_days, .max_mb = state.options.total_max_mb};
  if (cleanup.days <= 0) cleanup.days = INT_MAX;
  if (!(cleanup.max_mb > 0.0)) cleanup.max_mb = 1e12;
  enum status status = log_files_cleanup(files, state.directory, &cleanup, NULL);
  (void)status;
  free(files);
}

static void *clean_directory(void *unused) {
  (void)unused;
  bool again = true;
  while (again) {
    clean_once();
    pthread_mutex_lock(&state.mutex);
    again = state.must_clean_again;
    state.must_clean_again = false;
    state.is_cleaning = again;
    pthread_mutex_unlock(&state.mutex);
  }
  return NULL;
}

/* Compressing 5 MB takes longer than the loop may stall, so a short-lived thread does it. */
static void start_cleaning(void) {
  if (state.is_cleaning) {
    state.must_clean_again = true;
    return;
  }
  if (state.has_cleaner) pthread_join(state.cleaner, NULL);
  state.is_cleaning = true;
  state.has_cleaner = pthread_create(&state.cleaner, NULL, clean_directory, NULL) == 0;
  if (!state.has_cleaner) state.is_cleaning = false; /* the next rotation tries again */
}

static void rotate(enum file_index index) {
  char from[PATH_MAX];
  char to[PATH_MAX];
  path_of(index, from);
  if (!dated_path(index, to) || rename(from, to) != 0) return; /* goes on in the same file */
  close_output(&state.outputs[index]);
  if (open_output(index) != STATUS_OK) close_output(&state.outputs[index]);
  start_cleaning();
}

/* A file that was deleted or moved by somebody else would swallow lines unseen. Asked once a second. */
static void reopen_lost(int64_t time_ms) {
  if (time_ms - state.looked_at_ms < SECOND_MS && time_ms >= state.looked_at_ms) return;
  state.looked_at_ms = time_ms;
  for (int i = 0; i < FILE_COUNT; i++) {
    char path[PATH_MAX];
    struct stat named, opened;
    path_of((enum file_index)i, path);
    struct log_output *output = &state.outputs[i];
    bool is_same = output->descriptor >= 0 && stat(path, &named) == 0 && fstat(output->descriptor, &opened) == 0 && named.st_ino == opened.st_ino &&
                   named.st_dev == opened.st_dev;
    if (is_same) continue;
    close_output(output);
    if (open_output((enum file_index)i) != STATUS_OK) close_output(output);
  }
}

static bool write_line(int descriptor, const char *line, size_t length) {
  ssize_t count;
  do {
    count = write(descriptor, line, length);
  } while (count < 0 && errno == EINTR);
  return count == (ssize_t)length;
}

static void write_output(enum file_index index, int64_t time_ms) {
  struct log_output *output = &state.outputs[index];
  int64_t limit = (int64_t)(state.options.file_max_mb * 1048576.0);
  bool is_full = limit > 0 && output->bytes > 0 && output->bytes + (int64_t)state.line.length > limit;
  bool is_new_day = output->bytes > 0 && calendar_day_start(time_ms) > output->day_ms;
  if (output->descriptor >= 0 && (is_full || is_new_day)) rotate(index);
  if (output->bytes == 0) output->day_ms = calendar_day_start(time_ms);
  if (output->descriptor < 0 || !write_line(output->descriptor, state.line.data, state.line.length)) {
    atomic_fetch_add(&state.dropped, 1);
    /* What a full disk took of the line would be glued to the next one. */
    if (output->descriptor >= 0 && ftruncate(output->descriptor, output->bytes) != 0) close_output(output); /* opened again within a second */
    return;
  }
  output->bytes += (int64_t)state.line.length;
}

/* Lines */

static void hide_secrets(struct buffer *line) {
  for (int i = 0; i < state.secret_count; i++) {
    size_t length = strlen(state.secrets[i]);
    char *at = line->data;
    while ((at = strstr(at, state.secrets[i])) != NULL) {
      memcpy(at, "***", 3);
      memmove(at + 3, at + length, strlen(at + length) + 1);
      line->length -= length - 3;
      at += 3;
    }
  }
}

struct entry {
  enum log_level level;
  int64_t time_ms;
  const char *component, *event;
  const char *data; /* NULL: none */
  char *message;
  bool is_cut;
};

static void build_line(const struct entry *entry) {
  struct json_writer writer;
  char time_memory[32];
  struct text time_text;
  text_init(&time_text, time_memory, sizeof(time_memory));
  text_add_time(&time_text, entry->time_ms);
  buffer_clear(&state.line);
  json_writer_init(&writer, &state.line, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "ts", time_memory);
  json_add_string(&writer, "level", level_names[entry->level]);
  json_add_string(&writer, "component", entry->component);
  json_add_string(&writer, "event", entry->event);
  json_add_string(&writer, "message", entry->message);
  if (entry->data != NULL) {
    buffer_add_text(&state.line, ",");
    size_t start = state.line.length;
    buffer_add_text(&state.line, entry->data);
    /* Line breaks between members are legal JSON but would end our line. */
    for (size_t i = start; i < state.line.length; i++) {
      if ((unsigned char)state.line.data[i] < 0x20) state.line.data[i] = ' ';
    }
  }
  if (entry->is_cut) json_add_bool(&writer, "truncated", true);
  json_end_object(&writer);
  buffer_add(&state.line, "\n", 1);
  hide_secrets(&state.line);
}

/* Shortens to at most length bytes without leaving half a character. */
static void cut(char *text, size_t length) {
  while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  text[length] = '\0';
}

static void build_bounded_line(struct entry *entry) {
  if (entry->data != NULL && (entry->data[0] == '\0' || strlen(entry->data) > DATA_MAX_BYTES)) {
    entry->is_cut |= entry->data[0] != '\0';
    entry->data = NULL;
  }
  for (;;) {
    build_line(entry);
    size_t length = strlen(entry->message);
    if (state.line.length <= LINE_MAX_BYTES || length == 0) return;
    entry->is_cut = true;
    size_t excess = state.line.length - LINE_MAX_BYTES + 32; /* 32: room for the mark itself */
    cut(entry->message, excess < length ? length - excess : length / 2);
  }
}

/* Console */

static void add_visible(struct buffer *out, const char *text) {
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c < 0x20 || c == 0x7f) {
      buffer_add_format(out, c == '\n' ? "\\n" : "\\x%02x", c);
    } else {
      buffer_add(out, text, 1);
    }
  }
}

static void add_pair(void *context, const char *key, const struct json *value) {
  struct buffer *out = context;
  enum json_kind kind = json_kind(value);
  if (kind == JSON_ARRAY || kind == JSON_OBJECT || kind == JSON_NULL) return;
  buffer_add_text(out, " ");
  add_visible(out, key);
  buffer_add_text(out, "=");
  if (kind == JSON_STRING) {
    add_visible(out, json_string(value));
  } else if (kind == JSON_BOOL) {
    buffer_add_text(out, json_bool(value) ? "true" : "false");
  } else {
    char memory[352];
    struct text number;
    text_init(&number, memory, sizeof(memory));
    if (kind == JSON_INT) {
      text_add_i64(&number, json_int(value));
    } else {
      text_add_double(&number, json_number(value), 8);
    }
    buffer_add_text(out, memory);
  }
}

static void add_pairs(struct buffer *out, const char *data) {
  struct buffer object = {0};
  buffer_add_format(&object, "{%s}", data);
  struct json *document = json_parse(object.data, object.length, JSON_STRICT, "data", NULL);
  if (document != NULL) json_each(document, add_pair, out);
  json_free(document);
  buffer_deinit(&object);
}

static void write_console_text(const struct entry *entry) {
  static const char *const words[LEVEL_COUNT] = {"DEBUG", "INFO ", "WARN ", "ERROR", "CRIT "};
  static const char *const colors[LEVEL_COUNT] = {"\033[2m", "", "\033[33m", "\033[31m", "\033[1;31m"};
  struct buffer *out = &state.console_line;
  struct calendar civil;
  calendar_from_ms(entry->time_ms, &civil);
  buffer_clear(out);
  buffer_add_format(out, "%02d:%02d:%02d.%03d %s%s%s %s  ", civil.hour, civil.minute, civil.second, civil.millisecond,
                    state.has_colors ? colors[entry->level] : "", words[entry->level], state.has_colors ? "\033[0m" : "", entry->component);
  add_visible(out, entry->message);
  if (entry->data != NULL) add_pairs(out, entry->data);
  buffer_add(out, "\n", 1);
  hide_secrets(out);
  write_line(STDERR_FILENO, out->data, out->length);
}

static void write_entry(struct entry *entry) {
  build_bounded_line(entry);
  if (state.on_line != NULL) state.on_line(state.line_context, entry->level, state.line.data, state.line.length - 1);
  if (state.options.console == LOG_CONSOLE_JSON) write_line(STDERR_FILENO, state.line.data, state.line.length);
  if (state.options.console == LOG_CONSOLE_TEXT) write_console_text(entry);
  if (state.directory[0] == '\0') return;
  bool is_api = text_equal(entry->component, "api") || text_equal(entry->component, "ws") || text_equal(entry->component, "auth");
  reopen_lost(entry->time_ms);
  write_output(is_api ? FILE_API : FILE_BREAKOUT, entry->time_ms);
  if (entry->level >= LOG_ERROR) write_output(FILE_ERRORS, entry->time_ms);
}

/* Public functions */

static enum status open_directory(const char *directory) {
  if (strlen(directory) >= DIRECTORY_MAX) return STATUS_BAD_CONFIG;
  text_copy(state.directory, sizeof(state.directory), directory);
  if (mkdir(directory, 0750) != 0 && errno != EEXIST) return status_from_errno(errno);
  for (int i = 0; i < FILE_COUNT; i++) {
    enum status status = open_output((enum file_index)i);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

enum status log_open(const struct log_options *options) {
  log_close();
  pthread_mutex_lock(&state.mutex);
  state.options = *options;
  state.options.directory = NULL; /* the text is copied, the pointer is the caller's */
  state.looked_at_ms = now_ms();
  const char *no_color = getenv("NO_COLOR");
  state.has_colors = isatty(STDERR_FILENO) && (no_color == NULL || no_color[0] == '\0');
  atomic_store(&state.level, (int)options->level);
  for (int i = 0; i < FILE_COUNT; i++) state.outputs[i] = (struct log_output){.descriptor = -1};
  state.directory[0] = '\0';
  enum status status = options->directory != NULL ? open_directory(options->directory) : STATUS_OK;
  state.is_open = true;
  pthread_mutex_unlock(&state.mutex);
  if (status != STATUS_OK) log_close();
  return status;
}

void log_close(void) {
  pthread_mutex_lock(&state.mutex);
  bool must_join = state.has_cleaner;
  pthread_t cleaner = state.cleaner;
  state.has_cleaner = false;
  if (state.is_open) {
    for (int i = 0; i < FILE_COUNT; i++) close_output(&state.outputs[i]);
    buffer_deinit(&state.line);
    buffer_deinit(&state.console_line);
    state.is_open = false;
  }
  pthread_mutex_unlock(&state.mutex);
  /* Outside the lock, which the cleaner takes at its end. */
  if (must_join) pthread_join(cleaner, NULL);
}

void log_set_level(enum log_level level) {
  atomic_store(&state.level, (int)level);
}

void log_rotate(void) {
  pthread_mutex_lock(&state.mutex);
  if (state.is_open && state.directory[0] != '\0') {
    for (int i = 0; i < FILE_COUNT; i++) {
      if (state.outputs[i].descriptor >= 0 && state.outputs[i].bytes > 0) rotate((enum file_index)i);
    }
    start_cleaning();
  }
  pthread_mutex_unlock(&state.mutex);
}

void log_hide(const char *secret) {
  size_t length = strlen(secret);
  if (length < SECRET_MIN_BYTES || length >= SECRET_MAX_BYTES) return;
  pthread_mutex_lock(&state.mutex);
  if (state.secret_count < SECRETS_MAX) text_copy(state.secrets[state.secret_count++], SECRET_MAX_BYTES, secret);
  pthread_mutex_unlock(&state.mutex);
}

void log_listen(log_line *on_line, void *context) {
  pthread_mutex_lock(&state.mutex);
  state.on_line = on_line;
  state.line_context = context;
  pthread_mutex_unlock(&state.mutex);
}

void log_write(enum log_level level, const char *component, const char *event, const char *data, const char *format, ...) {
  if ((int)level < atomic_load_explicit(&state.level, memory_order_relaxed)) return;
  atomic_fetch_add_explicit(&state.counts[level], 1, memory_order_relaxed);
  char message[MESSAGE_MAX_BYTES];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(message, sizeof(message), format, arguments);
  va_end(arguments);
  struct entry entry = {.level = level, .component = component, .event = event, .data = data, .message = message};
  entry.is_cut = length < 0 || (size_t)length >= sizeof(message);
  if (entry.is_cut) cut(message, sizeof(message) - 1);
  pthread_mutex_lock(&state.mutex);
  entry.time_ms = now_ms(); /* under the lock: the lines of a file are in order of time */
  if (state.is_open) write_entry(&entry);
  pthread_mutex_unlock(&state.mutex);
}

int64_t log_dropped(void) {
  return atomic_load(&state.dropped);
}

int64_t log_count(enum log_level level) {
  return atomic_load(&state.counts[level]);
}
