#include "base/log_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/gzip.h"
#include "base/text.h"

static const double bytes_per_mb = 1048576.0;
enum { AUDIT_DAYS = 90 };

static bool ends_with(const char *name, const char *ending) {
  size_t length = strlen(name);
  size_t count = strlen(ending);
  return length >= count && memcmp(name + length - count, ending, count) == 0;
}

/* The date of a closed file's name (before its ending), false when it has none. */
static bool date_of(const char *name, int64_t *out_ms) {
  for (const char *at = strchr(name, '-'); at != NULL; at = strchr(at + 1, '-')) {
    size_t digits = strspn(at + 1, "0123456789");
    if (digits != 8 || at[9] != '-') continue;
    size_t counter = strspn(at + 10, "0123456789");
    if (counter < 2 || (strcmp(at + 10 + counter, ".log") != 0 && strcmp(at + 10 + counter, ".log.gz") != 0)) continue;
    char date[9];
    text_copy(date, sizeof(date), at + 1);
    return calendar_parse(date, out_ms);
  }
  return false;
}

static void describe(struct log_file *file, const char *name, const struct stat *info) {
  *file = (struct log_file){.bytes = info->st_size, .disk_bytes = (int64_t)info->st_blocks * 512};
  text_copy(file->name, sizeof(file->name), name);
  file->at_ms = info->st_mtim.tv_sec * SECOND_MS + info->st_mtim.tv_nsec / 1000000;
  file->is_closed = date_of(name, &file->at_ms);
  file->is_compressed = ends_with(name, ".gz");
}

static int compare_age(const void *a, const void *b) {
  const struct log_file *left = a;
  const struct log_file *right = b;
  if (left->at_ms != right->at_ms) return left->at_ms < right->at_ms ? -1 : 1;
  return strcmp(left->name, right->name);
}

static enum status refuse(struct problem *problem, const char *path, const char *action, int error) {
  problem_add(problem, "log_files", path, NULL, NULL, "%s: %s", action, strerror(error));
  return status_from_errno(error);
}

enum status log_files_stats(struct log_files *files, const char *directory, struct problem *problem) {
  files->count = 0;
  files->total_disk_bytes = 0;
  files->oldest_at_ms = 0;
  DIR *handle = opendir(directory);
  if (handle == NULL) return refuse(problem, directory, "the log directory cannot be read", errno);
  for (struct dirent *entry = readdir(handle); entry != NULL; entry = readdir(handle)) {
    struct stat info;
    if (fstatat(dirfd(handle), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) continue;
    if (strlen(entry->d_name) >= LOG_FILE_NAME_MAX) continue;
    files->total_disk_bytes += (int64_t)info.st_blocks * 512;
    if (files->count == LOG_FILES_MAX) continue; /* counted in the total; the next run sees it when others are gone */
    describe(&files->files[files->count++], entry->d_name, &info);
  }
  closedir(handle);
  qsort(files->files, (size_t)files->count, sizeof(files->files[0]), compare_age);
  if (files->count > 0) files->oldest_at_ms = files->files[0].at_ms;
  return STATUS_OK;
}

struct cleaning {
  struct log_files *files;
  const char *directory;
  struct log_cleanup *cleanup;
  struct problem *problem;
  enum status status; /* the first failure */
};

static void path_of(const char *directory, const char *name, char out[PATH_MAX]) {
  snprintf(out, PATH_MAX, "%s/%s", directory, name);
}

static void note_failure(struct cleaning *cleaning, enum status status) {
  if (cleaning->status == STATUS_OK) cleaning->status = status;
}

static void delete_file(struct cleaning *cleaning, struct log_file *file) {
  char path[PATH_MAX];
  path_of(cleaning->directory, file->name, path);
  if (!cleaning->cleanup->is_dry_run && unlink(path) != 0 && errno != ENOENT) {
    note_failure(cleaning, refuse(cleaning->problem, path, "the file cannot be deleted", errno));
    return;
  }
  file->is_deleted = true;
  cleaning->cleanup->after_bytes -= file->disk_bytes;
  cleaning->cleanup->deleted++;
}

static void compress_file(struct cleaning *cleaning, struct log_file *file) {
  char path[PATH_MAX];
  path_of(cleaning->directory, file->name, path);
  if (!cleaning->cleanup->is_dry_run) {
    enum status status = gzip_file(path, cleaning->problem);
    if (status != STATUS_OK) {
      note_failure(cleaning, status);
      return;
    }
    text_copy(file->name + strlen(file->name), sizeof(file->name) - strlen(file->name), ".gz");
    path_of(cleaning->directory, file->name, path);
    struct stat info;
    if (stat(path, &info) == 0) {
      int64_t disk_bytes = (int64_t)info.st_blocks * 512;
      cleaning->cleanup->after_bytes += disk_bytes - file->disk_bytes;
      file->disk_bytes = disk_bytes;
      file->bytes = info.st_size;
    }
    file->is_compressed = true;
  }
  file->was_compressed_now = true;
  cleaning->cleanup->compressed++;
}

static bool has_room_for_ending(const struct log_file *file) {
  return strlen(file->name) + 4 <= sizeof(file->name);
}

/* An audit trail answers questions of the last quarter. */
static bool is_protected(const struct log_file *file, int64_t now_ms) {
  return strncmp(file->name, "audit", 5) == 0 && now_ms - file->at_ms < AUDIT_DAYS * DAY_MS;
}

static bool may_delete(const struct log_file *file, int64_t now_ms) {
  return file->is_closed && !file->is_deleted && !is_protected(file, now_ms);
}

static void clean_by_size(struct cleaning *cleaning) {
  struct log_cleanup *cleanup = cleaning->cleanup;
  double limit = cleanup->max_mb * bytes_per_mb;
  if ((double)cleanup->after_bytes <= limit) return;
  for (int i = 0; i < cleaning->files->count; i++) {
    struct log_file *file = &cleaning->files->files[i];
    if (file->is_closed && !file->is_compressed && !file->is_deleted && has_room_for_ending(file)) compress_file(cleaning, file);
  }
  for (int i = 0; i < cleaning->files->count && (double)cleanup->after_bytes > 0.8 * limit; i++) {
    struct log_file *file = &cleaning->files->files[i];
    if (may_delete(file, cleanup->now_ms)) delete_file(cleaning, file);
  }
}

static void clean_by_age(struct cleaning *cleaning) {
  for (int i = 0; i < cleaning->files->count; i++) {
    struct log_file *file = &cleaning->files->files[i];
    bool is_old = cleaning->cleanup->now_ms - file->at_ms > cleaning->cleanup->days * DAY_MS;
    if (is_old && may_delete(file, cleaning->cleanup->now_ms)) delete_file(cleaning, file);
  }
}

enum status log_files_cleanup(struct log_files *files, const char *directory, struct log_cleanup *cleanup, struct problem *problem) {
  enum status status = log_files_stats(files, directory, problem);
  if (status != STATUS_OK) return status;
  cleanup->before_bytes = files->total_disk_bytes;
  cleanup->after_bytes = files->total_disk_bytes;
  cleanup->deleted = 0;
  cleanup->compressed = 0;
  struct cleaning cleaning = {.files = files, .directory = directory, .cleanup = cleanup, .problem = problem};
  clean_by_size(&cleaning);
  clean_by_age(&cleaning);
  return cleaning.status;
}

int log_files_compress(const char *directory, struct problem *problem) {
  struct log_files *files = malloc(sizeof(*files));
  if (files == NULL) return 0;
  struct log_cleanup cleanup = {0};
  struct cleaning cleaning = {.files = files, .directory = directory, .cleanup = &cleanup, .problem = problem};
  if (log_files_stats(files, directory, problem) == STATUS_OK) {
    for (int i = 0; i < files->count; i++) {
      struct log_file *file = &files->files[i];
      if (file->is_closed && !file->is_compressed && has_room_for_ending(file)) compress_file(&cleaning, file);
    }
  }
  free(files);
  return cleanup.compressed;
}

static void add_time(struct json_writer *writer, const char *key, int64_t time_ms) {
  char memory[32];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add_time(&text, time_ms);
  json_add_string(writer, key, time_ms != 0 ? memory : NULL);
}

enum selection { SELECT_DELETED, SELECT_COMPRESSED };

static void add_names(const struct log_files *files, const char *key, enum selection selection, struct json_writer *writer) {
  json_begin_array(writer, key);
  for (int i = 0; i < files->count; i++) {
    const struct log_file *file = &files->files[i];
    if (selection == SELECT_DELETED ? file->is_deleted : file->was_compressed_now) json_add_string(writer, NULL, file->name);
  }
  json_end_array(writer);
}

void log_files_report(const struct log_files *files, const struct log_cleanup *cleanup, struct json_writer *writer) {
  add_time(writer, "ts", cleanup->now_ms);
  json_add_double(writer, "before_mb", (double)cleanup->before_bytes / bytes_per_mb);
  json_add_double(writer, "after_mb", (double)cleanup->after_bytes / bytes_per_mb);
  add_names(files, "deleted", SELECT_DELETED, writer);
  add_names(files, "compressed", SELECT_COMPRESSED, writer);
  int64_t oldest_at_ms = 0;
  json_begin_array(writer, "files");
  for (int i = 0; i < files->count; i++) {
    const struct log_file *file = &files->files[i];
    if (file->is_deleted) continue;
    if (oldest_at_ms == 0) oldest_at_ms = file->at_ms;
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", file->name);
    json_add_int(writer, "bytes", file->bytes);
    json_add_bool(writer, "closed", file->is_closed);
    add_time(writer, "at", file->at_ms);
    json_end_object(writer);
  }
  json_end_array(writer);
  add_time(writer, "oldest_at", oldest_at_ms);
}
