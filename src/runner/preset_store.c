#include "runner/preset_store.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/text.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/presets_builtin.h"

enum { HASH_DIGITS = 12, NAMES_MAX = 512 };

void preset_store_init(struct preset_store *store, const char *presets_dir, const char *data_dir) {
  text_copy(store->presets_dir, sizeof store->presets_dir, presets_dir);
  snprintf(store->versions_dir, sizeof store->versions_dir, "%.511s/preset_versions", data_dir);
  preset_store_use_rows(store, NULL, NULL);
}

void preset_store_use_rows(struct preset_store *store, const struct row_port *rows, const char *user) {
  store->rows = rows;
  text_copy(store->user, sizeof store->user, user != NULL ? user : "");
}

bool preset_store_is_name(const char *name) {
  size_t length = strlen(name);
  return length >= 1 && length < PRESET_NAME_BYTES && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static const struct builtin_preset *find_builtin(const char *name) {
  for (int i = 0; i < builtin_preset_count; i++) {
    if (text_equal(builtin_presets[i].name, name)) return &builtin_presets[i];
  }
  return NULL;
}

/* "dir/breakout_v1.json" -> "breakout_v1". False when the file's name does not end in .json or is too long. */
static bool stem_of(const char *path, char out[PRESET_NAME_BYTES]) {
  const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
  size_t length = strlen(name);
  if (length <= 5 || !text_equal(name + length - 5, ".json") || length - 5 >= PRESET_NAME_BYTES) return false;
  text_copy(out, length - 4, name);
  return true;
}

static void file_path(const struct preset_store *store, const char *name, char out[PRESET_PATH_BYTES]) {
  snprintf(out, PRESET_PATH_BYTES, "%s/%s.json", store->presets_dir, name);
}

static int compare_names(const void *a, const void *b) {
  return strcmp(a, b);
}

int preset_store_list(const struct preset_store *store, char (*names)[PRESET_NAME_BYTES], int max) {
  int count = 0;
  for (int i = 0; i < builtin_preset_count && count < max; i++) text_copy(names[count++], PRESET_NAME_BYTES, builtin_presets[i].name);
  DIR *folder = opendir(store->presets_dir);
  struct dirent *entry;
  while (folder != NULL && count < max && (entry = readdir(folder)) != NULL) {
    char stem[PRESET_NAME_BYTES];
    if (!stem_of(entry->d_name, stem) || !preset_store_is_name(stem) || find_builtin(stem) != NULL) continue;
    text_copy(names[count++], PRESET_NAME_BYTES, stem);
  }
  if (folder != NULL) closedir(folder);
  qsort(names, (size_t)count, sizeof names[0], compare_names);
  return count;
}

static enum status parse_builtin(const struct builtin_preset *builtin, struct preset *preset, struct problem *problem) {
  return preset_parse(preset, builtin->text, strlen(builtin->text), builtin->name, builtin->name, problem);
}

static bool differs_from_builtin(const struct builtin_preset *builtin, const struct preset *preset) {
  struct preset shipped;
  char ours[DIGEST_TEXT_MAX], theirs[DIGEST_TEXT_MAX];
  if (parse_builtin(builtin, &shipped, NULL) != STATUS_OK) return true;
  preset_hash(&shipped, ours);
  preset_hash(preset, theirs);
  return !text_equal(ours, theirs);
}

static enum status load_file(const char *path, const char *stem, struct preset *preset, struct problem *problem) {
  struct buffer text = {0};
  enum status status = buffer_read_file(&text, path, PRESET_FILE_BYTES_MAX, problem);
  if (status == STATUS_OK) status = preset_parse(preset, text.data, text.length, path, stem, problem);
  buffer_deinit(&text);
  return status;
}

static enum status refuse_name(const struct preset_store *store, const char *name, struct problem *problem) {
  char names[NAMES_MAX][PRESET_NAME_BYTES];
  const char *nearest = NULL;
  int best = 0;
  int count = preset_store_list(store, names, NAMES_MAX);
  for (int i = 0; i < count; i++) {
    int distance = text_distance(name, names[i]);
    if (nearest != NULL && distance >= best) continue;
    nearest = names[i];
    best = distance;
  }
  problem_add(problem, "not_found", name, NULL, nearest, "there is no preset of this name in %s, nor built in", store->presets_dir);
  return STATUS_NOT_FOUND;
}

static bool is_path(const char *text) {
  size_t length = strlen(text);
  return strchr(text, '/') != NULL || (length > 5 && text_equal(text + length - 5, ".json"));
}

enum status preset_store_load(const struct preset_store *store, const char *name_or_path, struct preset *preset, struct preset_origin *origin,
                              struct problem *problem) {
  struct preset_origin found = {0};
  char stem[PRESET_NAME_BYTES];
  enum status status;
  if (is_path(name_or_path)) {
    text_copy(found.path, sizeof found.path, name_or_path);
    if (!stem_of(name_or_path, stem)) {
      problem_add(problem, "not_found", name_or_path, NULL, "NAME.json", "the file of a preset must be called NAME.json");
      return STATUS_NOT_FOUND;
    }
  } else {
    if (!preset_store_is_name(name_or_path)) return refuse_name(store, name_or_path, problem);
    text_copy(stem, sizeof stem, name_or_path);
    file_path(store, stem, found.path);
  }
  const struct builtin_preset *builtin = find_builtin(stem);
  found.is_built_in = builtin != NULL;
  if (access(found.path, F_OK) == 0) {
    status = load_file(found.path, stem, preset, problem);
    found.is_modified = builtin != NULL && (status != STATUS_OK || differs_from_builtin(builtin, preset));
  } else if (!is_path(name_or_path) && builtin != NULL) {
    found.path[0] = '\0';
    status = parse_builtin(builtin, preset, problem);
  } else if (is_path(name_or_path)) {
    problem_add(problem, "not_found", name_or_path, NULL, NULL, "there is no such file");
    return STATUS_NOT_FOUND;
  } else {
    return refuse_name(store, name_or_path, problem);
  }
  if (origin != NULL) *origin = found;
  return status;
}

static enum status make_folder(const char *path, struct problem *problem) {
  char part[PRESET_PATH_BYTES];
  for (const char *at = path; at != NULL;) {
    at = strchr(at + 1, '/');
    text_copy(part, at != NULL ? (size_t)(at - path) + 1 : sizeof part, path);
    if (mkdir(part, 0755) == 0 || errno == EEXIST) continue;
    int error = errno;
    problem_add(problem, "cannot_create", part, NULL, NULL, "the folder cannot be made: %s", strerror(error));
    return status_from_errno(error);
  }
  return STATUS_OK;
}

/* Content that is no valid preset is kept all the same, without a hash. */
static void hash_of(const struct buffer *text, char hash[DIGEST_TEXT_MAX]) {
  struct preset preset;
  hash[0] = '\0';
  if (preset_parse(&preset, text->data, text->length, "version", NULL, NULL) == STATUS_OK) preset_hash(&preset, hash);
}

static enum status keep_file(const struct preset_store *store, const char *name, const struct buffer *text, int64_t now_ms, struct problem *problem) {
  char folder[PRESET_PATH_BYTES], version[PRESET_PATH_BYTES], hash[DIGEST_TEXT_MAX];
  hash_of(text, hash);
  if (hash[0] == '\0') digest_of(text->data, text->length, hash);
  snprintf(folder, sizeof folder, "%s/%.64s", store->versions_dir, name);
  enum status status = make_folder(folder, problem);
  if (status != STATUS_OK) return status;
  snprintf(version, sizeof version, "%.660s/%lld-%.*s.json", folder, (long long)now_ms, HASH_DIGITS, hash);
  return buffer_write_file(text, version, 0644, problem);
}

/* The column holds JSON: text that is none (comments, damage) is stored as a JSON string. */
static void add_content(const struct buffer *text, struct buffer *out) {
  struct json_writer writer;
  struct json *value = json_parse(text->data, text->length, JSON_STRICT, "version", NULL);
  if (value != NULL) {
    buffer_add(out, text->data, text->length);
  } else {
    json_writer_init(&writer, out, false);
    json_add_string(&writer, NULL, text->data);
  }
  json_free(value);
}

static enum status keep_row(const struct preset_store *store, const char *name, const struct buffer *text, int64_t ts_ms, const char *user,
                            struct problem *problem) {
  char hash[DIGEST_TEXT_MAX];
  struct buffer content = {0};
  hash_of(text, hash);
  add_content(text, &content);
  const struct row_value values[] = {row_text("name", name), row_int("ts", ts_ms), row_text("username", user[0] != '\0' ? user : NULL),
                                     row_text("hash", hash[0] != '\0' ? hash : NULL), row_text("content", content.data)};
  enum status status = store->rows->insert(store->rows->self, "preset_versions", values, (int)(sizeof values / sizeof values[0]), NULL, problem);
  buffer_deinit(&content);
  return status;
}

/* Keeps the present content of a name, when there is a file, as a version. */
static enum status keep_version(const struct preset_store *store, const char *name, int64_t now_ms, struct problem *problem) {
  char path[PRESET_PATH_BYTES];
  struct buffer text = {0};
  file_path(store, name, path);
  if (access(path, F_OK) != 0) return STATUS_OK;
  enum status status = buffer_read_file(&text, path, PRESET_FILE_BYTES_MAX, problem);
  if (!status && store->rows != NULL) status = keep_row(store, name, &text, now_ms, store->user, problem);
  if (!status && store->rows == NULL) status = keep_file(store, name, &text, now_ms, problem);
  buffer_deinit(&text);
  return status;
}

enum status preset_store_save(const struct preset_store *store, const struct preset *preset, int64_t now_ms, struct problem *problem) {
  char path[PRESET_PATH_BYTES];
  struct buffer text = {0};
  enum status status = preset_check(preset, preset->name, problem);
  if (status != STATUS_OK) return status;
  if (!preset_store_is_name(preset->name)) {
    problem_add(problem, "out_of_bounds", "name", preset->name, "1 to 64 of a-z, 0-9 and _", "is not a preset name");
    return STATUS_BAD_CONFIG;
  }
  status = make_folder(store->presets_dir, problem);
  if (status == STATUS_OK) status = keep_version(store, preset->name, now_ms, problem);
  if (status != STATUS_OK) return status;
  file_path(store, preset->name, path);
  preset_print_file(preset, &text);
  status = buffer_write_file(&text, path, 0644, problem);
  buffer_deinit(&text);
  return status;
}

enum status preset_store_delete(const struct preset_store *store, const char *name, int64_t now_ms, bool *has_restored, struct problem *problem) {
  char path[PRESET_PATH_BYTES];
  struct preset preset;
  struct preset_origin origin = {0};
  struct problem ignored = {0};
  *has_restored = false;
  enum status status = preset_store_load(store, name, &preset, &origin, &ignored);
  if (status == STATUS_NOT_FOUND || is_path(name)) return refuse_name(store, name, problem);
  if (origin.is_built_in && !origin.is_modified) {
    problem_add(problem, "in_use", name, NULL, NULL, "a built-in preset cannot be deleted");
    return STATUS_BAD_INPUT;
  }
  status = keep_version(store, name, now_ms, problem);
  if (status != STATUS_OK) return status;
  file_path(store, name, path);
  if (unlink(path) != 0) {
    int error = errno;
    problem_add(problem, "cannot_delete", path, NULL, NULL, "the file cannot be deleted: %s", strerror(error));
    return status_from_errno(error);
  }
  *has_restored = origin.is_built_in;
  return STATUS_OK;
}

static int compare_versions(const void *a, const void *b) {
  const struct preset_version *left = a, *right = b;
  if (left->ts_ms != right->ts_ms) return left->ts_ms < right->ts_ms ? 1 : -1;
  return strcmp(left->id, right->id);
}

static void version_path(const struct preset_store *store, const char *name, const char *id, char out[PRESET_PATH_BYTES]) {
  snprintf(out, PRESET_PATH_BYTES, "%s/%.64s/%.47s.json", store->versions_dir, name, id);
}

/* "1747000000000-0123456789ab.json" */
static bool read_version_name(const char *file, struct preset_version *version) {
  size_t length = strlen(file);
  size_t digits = strspn(file, "0123456789");
  char number[24];
  if (length <= 5 || length - 5 >= sizeof version->id || !text_equal(file + length - 5, ".json")) return false;
  if (digits == 0 || digits >= sizeof number || file[digits] != '-') return false;
  text_copy(number, digits + 1, file);
  text_copy(version->id, length - 4, file);
  return text_parse_i64(number, &version->ts_ms);
}

static int file_versions(const struct preset_store *store, const char *name, struct preset_version *versions, int max) {
  char folder_path[PRESET_PATH_BYTES], path[PRESET_PATH_BYTES];
  int count = 0;
  snprintf(folder_path, sizeof folder_path, "%s/%.64s", store->versions_dir, name);
  DIR *folder = opendir(folder_path);
  struct dirent *entry;
  while (folder != NULL && count < max && (entry = readdir(folder)) != NULL) {
    struct preset preset;
    struct preset_version *version = &versions[count];
    *version = (struct preset_version){0};
    if (!read_version_name(entry->d_name, version)) continue;
    version_path(store, name, version->id, path);
    if (load_file(path, NULL, &preset, NULL) == STATUS_OK) preset_hash(&preset, version->hash);
    count++;
  }
  if (folder != NULL) closedir(folder);
  qsort(versions, (size_t)count, sizeof versions[0], compare_versions);
  return count;
}

struct gathering {
  struct preset_version *versions;
  int count, max;
};

static const char *text_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_TEXT ? value->text : "";
}

static int64_t integer_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_INT ? value->integer : 0;
}

static bool add_version(void *context, const struct row_value *values, int count) {
  struct gathering *gathering = context;
  struct preset_version *version = &gathering->versions[gathering->count++];
  *version = (struct preset_version){.ts_ms = integer_of(values, count, "ts")};
  snprintf(version->id, sizeof version->id, "%lld", (long long)integer_of(values, count, "id"));
  text_copy(version->user, sizeof version->user, text_of(values, count, "username"));
  text_copy(version->hash, sizeof version->hash, text_of(values, count, "hash"));
  return gathering->count < gathering->max;
}

enum status preset_store_versions(const struct preset_store *store, const char *name, struct preset_version *versions, int max, int *count,
                                  struct problem *problem) {
  *count = 0;
  if (!preset_store_is_name(name)) return STATUS_OK;
  if (store->rows == NULL) {
    *count = file_versions(store, name, versions, max);
    return STATUS_OK;
  }
  struct gathering gathering = {versions, 0, max};
  struct rows_query query = {.table = "preset_versions", .order = "id", .limit = max};
  rows_query_add(&query, "name", ROWS_EQUAL, name);
  enum status status = store->rows->select(store->rows->self, &query, add_version, &gathering, problem);
  *count = gathering.count;
  return status;
}

/* ---- bringing versions back ---- */

static enum status no_version(const char *name, const char *id, struct problem *problem) {
  problem_add(problem, "not_found", name, id, NULL, "there is no such version of this preset");
  return STATUS_NOT_FOUND;
}

static bool take_content(void *context, const struct row_value *values, int count) {
  struct buffer *text = context;
  const char *content = text_of(values, count, "content");
  struct json *value = json_parse(content, strlen(content), JSON_STRICT, "version", NULL);
  buffer_add_text(text, value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : content);
  json_free(value);
  return false;
}

static enum status load_row(const struct preset_store *store, const char *name, const char *id, struct preset *preset, struct problem *problem) {
  struct buffer text = {0};
  int64_t number;
  if (!text_parse_i64(id, &number)) return no_version(name, id, problem);
  struct rows_query query = {.table = "preset_versions", .limit = 1};
  rows_query_add(&query, "name", ROWS_EQUAL, name);
  rows_query_add(&query, "id", ROWS_EQUAL, id);
  enum status status = store->rows->select(store->rows->self, &query, take_content, &text, problem);
  if (!status && text.data == NULL) status = no_version(name, id, problem);
  if (!status) status = preset_parse(preset, text.data, text.length, "version", name, problem);
  buffer_deinit(&text);
  return status;
}

enum status preset_store_restore(const struct preset_store *store, const char *name, const char *id, int64_t now_ms, struct preset *preset,
                                 struct problem *problem) {
  char path[PRESET_PATH_BYTES];
  bool is_safe = preset_store_is_name(name) && strlen(id) < PRESET_VERSION_BYTES && strspn(id, "0123456789abcdef-") == strlen(id);
  enum status status;
  if (!is_safe) return no_version(name, id, problem);
  if (store->rows != NULL) {
    status = load_row(store, name, id, preset, problem);
  } else {
    version_path(store, name, id, path);
    if (access(path, F_OK) != 0) return no_version(name, id, problem);
    status = load_file(path, name, preset, problem);
  }
  return status == STATUS_OK ? preset_store_save(store, preset, now_ms, problem) : status;
}

/* ---- files become rows ---- */

static enum status take_file(const struct preset_store *store, const char *name, const char *file, int *count, struct problem *problem) {
  char path[PRESET_PATH_BYTES];
  struct buffer text = {0};
  struct preset_version version = {0};
  if (!read_version_name(file, &version)) return STATUS_OK;
  version_path(store, name, version.id, path);
  enum status status = buffer_read_file(&text, path, PRESET_FILE_BYTES_MAX, problem);
  if (!status) status = keep_row(store, name, &text, version.ts_ms, "", problem);
  buffer_deinit(&text);
  if (status) return status;
  ++*count;
  if (unlink(path) == 0) return STATUS_OK;
  int error = errno;
  problem_add(problem, "cannot_delete", path, NULL, NULL, "the file cannot be deleted: %s", strerror(error));
  return status_from_errno(error);
}

static int read_names(const char *path, struct dirent ***names) {
  return scandir(path, names, NULL, alphasort);
}

static enum status take_folder(const struct preset_store *store, const char *name, int *count, struct problem *problem) {
  char path[PRESET_PATH_BYTES];
  struct dirent **files;
  enum status status = STATUS_OK;
  snprintf(path, sizeof path, "%s/%.64s", store->versions_dir, name);
  int found = read_names(path, &files);
  for (int i = 0; i < found; i++) {
    if (!status) status = take_file(store, name, files[i]->d_name, count, problem);
    free(files[i]);
  }
  if (found >= 0) free(files);
  if (!status) (void)rmdir(path); /* stays when something of other people lies there */
  return status;
}

enum status preset_store_take_files(const struct preset_store *store, int *count, struct problem *problem) {
  struct dirent **folders;
  enum status status = STATUS_OK;
  *count = 0;
  if (store->rows == NULL) return STATUS_OK;
  int found = read_names(store->versions_dir, &folders);
  for (int i = 0; i < found; i++) {
    if (!status && preset_store_is_name(folders[i]->d_name)) status = take_folder(store, folders[i]->d_name, count, problem);
    free(folders[i]);
  }
  if (found < 0) return STATUS_OK;
  free(folders);
  (void)rmdir(store->versions_dir);
  return status;
}
