#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/calendar.h"
#include "base/gzip.h"
#include "base/json.h"
#include "base/log.h"
#include "base/log_files.h"
#include "support/scratch.h"

static char directory[200];
static struct log_files files;

static int make_directory(void **unused) {
  (void)unused;
  return !scratch_make(directory, sizeof directory, "test_base_log");
}

static int remove_directory(void **unused) {
  (void)unused;
  log_close();
  return scratch_remove(directory);
}

static const char *in_directory(const char *name) {
  static char path[256];
  snprintf(path, sizeof(path), "%s/%s", directory, name);
  return path;
}

static void open_log(double file_max_mb) {
  struct log_options options = {.level = LOG_INFO, .console = LOG_CONSOLE_OFF, .directory = directory, .file_max_mb = file_max_mb};
  assert_int_equal(log_open(&options), STATUS_OK);
}

static void read_whole(const char *name, struct buffer *out) {
  assert_int_equal(buffer_read_file(out, in_directory(name), 1 << 26, NULL), STATUS_OK);
}

struct seen {
  char keys[256];
};

static void add_key(void *context, const char *key, const struct json *value) {
  (void)value;
  struct seen *seen = context;
  strcat(seen->keys, key);
  strcat(seen->keys, " ");
}

/* Every line is one object with the five keys first; returns how many there are. */
static int check_lines(const char *text) {
  int count = 0;
  while (*text != '\0') {
    const char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_true(end - text < 16384);
    struct json *document = json_parse(text, (size_t)(end - text), JSON_STRICT, "line", NULL);
    if (document == NULL) fail_msg("no JSON: %.*s", (int)(end - text), text);
    struct seen seen = {""};
    json_each(document, add_key, &seen);
    assert_memory_equal(seen.keys, "ts level component event message ", 33);
    int64_t ts;
    assert_true(calendar_parse(json_string(json_member(document, "ts")), &ts));
    assert_int_equal(strlen(json_string(json_member(document, "ts"))), 24);
    json_free(document);
    text = end + 1;
    count++;
  }
  return count;
}

static void lines_go_to_their_files(void **unused) {
  (void)unused;
  struct buffer out = {0};
  open_log(5.0);
  log_write(LOG_DEBUG, "engine", "tick", NULL, "not shown");
  log_write(LOG_INFO, "engine", "started", "\"session_id\":\"S000001\",\n\"data\":{\"slots\":4}", "session %d started", 1);
  log_write(LOG_ERROR, "venue", "request_failed", NULL, "no answer");
  log_write(LOG_WARNING, "api", "request", "", "slow");
  log_write(LOG_CRITICAL, "auth", "locked", NULL, "too many attempts");
  log_close();
  read_whole("breakout.log", &out);
  assert_int_equal(check_lines(out.data), 2);
  assert_non_null(
      strstr(out.data,
             "\"level\":\"INFO\",\"component\":\"engine\",\"event\":\"started\",\"message\":\"session 1 started\",\"session_id\":\"S000001\", "
             "\"data\":{\"slots\":4}}\n"));
  read_whole("api.log", &out);
  assert_int_equal(check_lines(out.data), 2);
  read_whole("errors.log", &out);
  assert_int_equal(check_lines(out.data), 2);
  assert_non_null(strstr(out.data, "no answer"));
  assert_non_null(strstr(out.data, "too many attempts"));
  assert_int_equal(log_dropped(), 0);
  assert_int_equal(log_count(LOG_CRITICAL), 1);
  buffer_deinit(&out);
}

static void input_cannot_break_a_line(void **unused) {
  (void)unused;
  struct buffer out = {0};
  open_log(5.0);
  log_write(LOG_INFO, "api", "request", NULL, "%s", "a\r\n{\"ts\":\"forged\"}\n\033[31m\xff\xe2\x80\xa8");
  log_close();
  read_whole("api.log", &out);
  assert_int_equal(check_lines(out.data), 1);
  assert_null(strchr(out.data, '\033'));
  buffer_deinit(&out);
}

static void long_lines_are_cut(void **unused) {
  (void)unused;
  struct buffer out = {0};
  static char text[40000];
  static char data[20000];
  memset(text, 'x', sizeof(text) - 1);
  open_log(5.0);
  log_write(LOG_INFO, "engine", "long", NULL, "%s", text);
  memset(text, '\x01', sizeof(text) - 1); /* six bytes each when escaped */
  log_write(LOG_INFO, "engine", "long", "\"symbol\":\"BTCUSDT\"", "%s", text);
  for (size_t i = 0; i + 2 < sizeof(text); i += 2) memcpy(text + i, "\xc3\xa9", 2);
  log_write(LOG_INFO, "engine", "long", NULL, "a%s", text);
  snprintf(data, sizeof(data), "\"k\":\"%.*s\"", 19000, text);
  log_write(LOG_INFO, "engine", "long", data, "short");
  log_close();
  read_whole("breakout.log", &out);
  assert_int_equal(check_lines(out.data), 4);
  int marks = 0;
  for (const char *at = out.data; (at = strstr(at, "\"truncated\":true")) != NULL; at++) marks++;
  assert_int_equal(marks, 4);
  assert_non_null(strstr(out.data, "BTCUSDT"));
  assert_null(strstr(out.data, "\xef\xbf\xbd")); /* no half characters */
  buffer_deinit(&out);
}

static void secrets_are_hidden(void **unused) {
  (void)unused;
  struct buffer out = {0};
  log_hide("planted-secret");
  log_hide("abc"); /* too short */
  open_log(5.0);
  log_write(LOG_ERROR, "venue", "request_failed", "\"header\":\"planted-secret\"", "key planted-secret and planted-secret, abc");
  log_close();
  read_whole("breakout.log", &out);
  assert_int_equal(check_lines(out.data), 1);
  assert_null(strstr(out.data, "planted"));
  assert_non_null(strstr(out.data, "key *** and ***, abc\",\"header\":\"***\"}"));
  buffer_deinit(&out);
}

/* Lines of all files of the directory whose name begins with stem, closed and compressed ones too. */
static int count_all_lines(const char *stem, int *compressed) {
  int lines = 0;
  *compressed = 0;
  assert_int_equal(log_files_stats(&files, directory, NULL), STATUS_OK);
  for (int i = 0; i < files.count; i++) {
    if (strncmp(files.files[i].name, stem, strlen(stem)) != 0) continue;
    *compressed += files.files[i].is_compressed;
    struct gzip_reader reader;
    assert_int_equal(gzip_open(&reader, in_directory(files.files[i].name), NULL), STATUS_OK);
    struct buffer out = {0};
    size_t count;
    do {
      char chunk[1000];
      assert_int_equal(gzip_read(&reader, chunk, sizeof(chunk), &count), STATUS_OK);
      buffer_add(&out, chunk, count);
    } while (count > 0);
    gzip_close(&reader);
    lines += check_lines(out.data);
    buffer_deinit(&out);
  }
  return lines;
}

static void files_rotate_by_size_and_are_compressed(void **unused) {
  (void)unused;
  int compressed;
  open_log(0.01); /* 10 KB */
  for (int i = 0; i < 500; i++) log_write(LOG_INFO, "engine", "filler", NULL, "line %d of a text that is long enough to fill files", i);
  log_close(); /* waits for the compression */
  assert_int_equal(count_all_lines("breakout", &compressed), 500);
  assert_true(compressed >= 5);
  bool has_first = false;
  for (int i = 0; i < files.count; i++) has_first |= strlen(files.files[i].name) == 27 && strcmp(files.files[i].name + 17, "-01.log.gz") == 0;
  assert_true(has_first);
}

static void files_rotate_at_midnight(void **unused) {
  (void)unused;
  struct buffer old = {0};
  struct stat info;
  int compressed;
  buffer_add_text(&old, "{\"ts\":\"2024-03-01T10:00:00.000Z\",\"level\":\"INFO\",\"component\":\"engine\",\"event\":\"e\",\"message\":\"m\"}\n");
  assert_int_equal(buffer_write_file(&old, in_directory("breakout.log"), 0644, NULL), STATUS_OK);
  const struct timespec times[2] = {{.tv_sec = 1709287200}, {.tv_sec = 1709287200}};
  assert_int_equal(utimensat(AT_FDCWD, in_directory("breakout.log"), times, 0), 0);
  open_log(5.0);
  log_write(LOG_INFO, "engine", "e", NULL, "today");
  log_close();
  assert_int_equal(stat(in_directory("breakout-20240301-01.log.gz"), &info), 0);
  assert_int_equal(info.st_mtim.tv_sec, 1709287200);
  assert_int_equal(count_all_lines("breakout", &compressed), 2);
  buffer_deinit(&old);
}

static void rotation_on_request(void **unused) {
  (void)unused;
  int compressed;
  open_log(5.0);
  log_write(LOG_INFO, "engine", "e", NULL, "one");
  log_rotate();
  log_rotate(); /* nothing to close now */
  log_write(LOG_INFO, "engine", "e", NULL, "two");
  log_rotate();
  log_close();
  assert_int_equal(count_all_lines("breakout", &compressed), 2);
  assert_int_equal(compressed, 2);
}

static void *write_many(void *context) {
  for (int i = 0; i < 500; i++) log_write(LOG_INFO, i % 2 == 0 ? "engine" : "api", "e", NULL, "thread %s line %d", (const char *)context, i);
  return NULL;
}

static void threads_do_not_mix_lines(void **unused) {
  (void)unused;
  static const char *const names[] = {"a", "b", "c", "d"};
  pthread_t threads[4];
  int compressed;
  open_log(0.02);
  for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, write_many, (void *)(uintptr_t)names[i]), 0);
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  log_close();
  assert_int_equal(count_all_lines("breakout", &compressed), 1000);
  assert_int_equal(count_all_lines("api", &compressed), 1000);
}

static void bad_directories_are_refused(void **unused) {
  (void)unused;
  struct log_options options = {.level = LOG_INFO, .console = LOG_CONSOLE_OFF, .directory = "/proc/no/such"};
  assert_int_not_equal(log_open(&options), STATUS_OK);
  log_write(LOG_INFO, "engine", "e", NULL, "nobody hears this");
  struct buffer file = {0};
  buffer_add_text(&file, "x");
  assert_int_equal(buffer_write_file(&file, in_directory("file"), 0644, NULL), STATUS_OK);
  options.directory = in_directory("file");
  assert_int_not_equal(log_open(&options), STATUS_OK);
  buffer_deinit(&file);
}

static void a_deleted_file_comes_back(void **unused) {
  (void)unused;
  struct buffer out = {0};
  open_log(5.0);
  log_write(LOG_INFO, "engine", "e", NULL, "before");
  assert_int_equal(unlink(in_directory("breakout.log")), 0);
  const struct timespec pause = {.tv_sec = 1, .tv_nsec = 1000000}; /* the log looks once a second */
  nanosleep(&pause, NULL);
  log_write(LOG_INFO, "engine", "e", NULL, "after");
  log_close();
  read_whole("breakout.log", &out);
  assert_int_equal(check_lines(out.data), 1);
  assert_non_null(strstr(out.data, "after"));
  buffer_deinit(&out);
}

/* A limit of the file's size stops in the middle of a line, as a full disk does. */
static void a_line_that_does_not_fit_leaves_no_half(void **unused) {
  (void)unused;
  struct rlimit before;
  struct buffer out = {0};
  int64_t dropped = log_dropped();
  open_log(5.0);
  log_write(LOG_INFO, "engine", "e", NULL, "before");
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){200, before.rlim_max}), 0);
  log_write(LOG_INFO, "engine", "e", NULL, "%0200d", 7);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_DFL);
  log_write(LOG_INFO, "engine", "e", NULL, "after");
  log_close();
  read_whole("breakout.log", &out);
  assert_int_equal(check_lines(out.data), 2);
  assert_non_null(strstr(out.data, "after"));
  assert_int_equal(log_dropped() - dropped, 1);
  buffer_deinit(&out);
}

static void put_file(const char *name, size_t bytes, int64_t age_days) {
  struct buffer file = {0};
  uint32_t noise = 1;
  for (size_t i = 0; i < bytes; i++) {
    noise = noise * 1664525 + 1013904223;
    buffer_add(&file, (const char[]){(char)(noise >> 24)}, 1);
  }
  assert_int_equal(buffer_write_file(&file, in_directory(name), 0644, NULL), STATUS_OK);
  struct timespec times[2] = {{.tv_sec = time(NULL) - age_days * 86400}, {.tv_sec = time(NULL) - age_days * 86400}};
  assert_int_equal(utimensat(AT_FDCWD, in_directory(name), times, 0), 0);
  buffer_deinit(&file);
}

static bool exists(const char *name) {
  return access(in_directory(name), F_OK) == 0;
}

/* 2024-05-20T03:00Z; the dates in the names decide. */
static const int64_t check_time_ms = INT64_C(1716174000000);

static void cleanup_by_age(void **unused) {
  (void)unused;
  put_file("breakout.log", 1000, 100);
  put_file("notes.txt", 1000, 100);
  put_file("breakout-20240514-01.log", 1000, 0);    /* 6 days */
  put_file("breakout-20240512-01.log.gz", 1000, 0); /* 8 days */
  put_file("audit-20240401-01.log.gz", 1000, 0);
  put_file("audit-20240101-01.log.gz", 1000, 0);
  struct log_cleanup cleanup = {.now_ms = check_time_ms, .days = 7, .max_mb = 50.0, .is_dry_run = true};
  assert_int_equal(log_files_cleanup(&files, directory, &cleanup, NULL), STATUS_OK);
  assert_int_equal(cleanup.deleted, 2);
  assert_true(exists("breakout-20240512-01.log.gz"));
  cleanup.is_dry_run = false;
  assert_int_equal(log_files_cleanup(&files, directory, &cleanup, NULL), STATUS_OK);
  assert_int_equal(cleanup.deleted, 2);
  assert_int_equal(cleanup.compressed, 0); /* below the limit */
  assert_true(cleanup.after_bytes < cleanup.before_bytes);
  assert_true(exists("breakout.log") && exists("notes.txt") && exists("breakout-20240514-01.log") && exists("audit-20240401-01.log.gz"));
  assert_false(exists("breakout-20240512-01.log.gz") || exists("audit-20240101-01.log.gz"));
  struct buffer out = {0};
  struct json_writer writer;
  json_writer_init(&writer, &out, false);
  json_begin_object(&writer, NULL);
  log_files_report(&files, &cleanup, &writer);
  json_end_object(&writer);
  struct json *report = json_parse(out.data, out.length, JSON_STRICT, "report", NULL);
  assert_non_null(report);
  assert_string_equal(json_string(json_member(report, "ts")), "2024-05-20T03:00:00.000Z");
  assert_int_equal(json_size(json_member(report, "deleted")), 2);
  assert_int_equal(json_size(json_member(report, "files")), 4);
  json_free(report);
  buffer_deinit(&out);
}

static void cleanup_by_size(void **unused) {
  (void)unused;
  put_file("breakout.log", 300000, 0);
  put_file("breakout-20240517-01.log", 400000, 0);
  put_file("breakout-20240518-01.log", 400000, 0);
  put_file("breakout-20240519-01.log", 400000, 0);
  struct log_cleanup cleanup = {.now_ms = check_time_ms, .days = 7, .max_mb = 2.0};
  assert_int_equal(log_files_cleanup(&files, directory, &cleanup, NULL), STATUS_OK);
  assert_int_equal(cleanup.deleted + cleanup.compressed, 0); /* 1.43 MB */
  cleanup.max_mb = 1.0;                                      /* the bytes do not compress: two of three have to go to reach 0.8 */
  assert_int_equal(log_files_cleanup(&files, directory, &cleanup, NULL), STATUS_OK);
  assert_int_equal(cleanup.compressed, 3);
  assert_int_equal(cleanup.deleted, 2);
  assert_true(exists("breakout.log") && exists("breakout-20240519-01.log.gz"));
  assert_false(exists("breakout-20240517-01.log.gz") || exists("breakout-20240518-01.log.gz") || exists("breakout-20240519-01.log"));
  assert_true((double)cleanup.after_bytes <= 0.8 * 1048576.0);
}

static void a_missing_directory_is_not_found(void **unused) {
  (void)unused;
  assert_int_equal(log_files_stats(&files, in_directory("none"), NULL), STATUS_NOT_FOUND);
}

static void damaged_gzip_is_told(void **unused) {
  (void)unused;
  struct buffer file = {0};
  static char out[100000];
  size_t count;
  put_file("x.log", 50000, 0);
  assert_int_equal(gzip_file(in_directory("x.log"), NULL), STATUS_OK);
  assert_false(exists("x.log"));
  read_whole("x.log.gz", &file);
  struct buffer damaged = {0};
  struct gzip_reader reader;
  buffer_add(&damaged, file.data, file.length / 2);
  assert_int_equal(buffer_write_file(&damaged, in_directory("cut.gz"), 0644, NULL), STATUS_OK);
  assert_int_equal(gzip_open(&reader, in_directory("cut.gz"), NULL), STATUS_OK);
  enum status status = gzip_read(&reader, out, sizeof(out), &count);
  if (status == STATUS_OK) status = gzip_read(&reader, out, sizeof(out), &count);
  assert_int_equal(status, STATUS_TRUNCATED);
  gzip_close(&reader);
  file.data[file.length - 6] ^= 1; /* the checksum */
  assert_int_equal(buffer_write_file(&file, in_directory("bad.gz"), 0644, NULL), STATUS_OK);
  assert_int_equal(gzip_open(&reader, in_directory("bad.gz"), NULL), STATUS_OK);
  status = gzip_read(&reader, out, sizeof(out), &count);
  if (status == STATUS_OK) status = gzip_read(&reader, out, sizeof(out), &count);
  assert_int_equal(status, STATUS_CORRUPT);
  gzip_close(&reader);
  assert_int_equal(gzip_open(&reader, in_directory("none.gz"), NULL), STATUS_NOT_FOUND);
  buffer_deinit(&file);
  buffer_deinit(&damaged);
}

static void console_text_is_readable(void **unused) {
  (void)unused;
  struct buffer out = {0};
  int saved = dup(STDERR_FILENO);
  int file = open(in_directory("stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(saved >= 0 && file >= 0);
  dup2(file, STDERR_FILENO);
  struct log_options options = {.level = LOG_DEBUG, .console = LOG_CONSOLE_TEXT};
  enum status status = log_open(&options);
  log_write(LOG_INFO, "engine", "e", "\"symbol\":\"BTCUSDT\",\"data\":{},\"n\":1.5,\"ok\":true", "two\nlines");
  log_write(LOG_WARNING, "feed", "e", NULL, "gap");
  log_close();
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(file);
  assert_int_equal(status, STATUS_OK);
  read_whole("stderr", &out);
  char *second = strchr(out.data, '\n') + 1;
  assert_string_equal(second + 12, " WARN  feed  gap\n");
  second[0] = '\0';
  assert_string_equal(out.data + 12, " INFO  engine  two\\nlines symbol=BTCUSDT n=1.5 ok=true\n");
  assert_true(out.data[2] == ':' && out.data[5] == ':' && out.data[8] == '.');
  buffer_deinit(&out);
}

#define test_in_directory(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
  const struct CMUnitTest tests[] = {
      test_in_directory(lines_go_to_their_files),
      test_in_directory(input_cannot_break_a_line),
      test_in_directory(long_lines_are_cut),
      test_in_directory(secrets_are_hidden),
      test_in_directory(files_rotate_by_size_and_are_compressed),
      test_in_directory(files_rotate_at_midnight),
      test_in_directory(rotation_on_request),
      test_in_directory(threads_do_not_mix_lines),
      test_in_directory(bad_directories_are_refused),
      test_in_directory(a_deleted_file_comes_back),
      test_in_directory(a_line_that_does_not_fit_leaves_no_half),
      test_in_directory(cleanup_by_age),
      test_in_directory(cleanup_by_size),
      test_in_directory(a_missing_directory_is_not_found),
      test_in_directory(damaged_gzip_is_told),
      test_in_directory(console_text_is_readable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
