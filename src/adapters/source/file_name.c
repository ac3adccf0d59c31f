#define _GNU_SOURCE
#include "adapters/source/file_name.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/text.h"
#include "core/market/symbol.h"

int64_t file_interval_parse(const char *text) {
  int64_t count = 0;
  const char *p = text;
  while (*p >= '0' && *p <= '9' && count < 100000) count = count * 10 + (*p++ - '0');
  if (p == text || count == 0) return 0;
  if (*p == '\0') return count * MINUTE_MS; /* Bybit writes minutes without a unit */
  if (p[1] != '\0') return 0;
  switch (*p) {
    case 'm':
      return count * MINUTE_MS;
    case 'h':
      return count * HOUR_MS;
    case 'd':
      return count * DAY_MS;
    default:
      return 0;
  }
}

static bool cut_ending(char *name, const char *const *endings, int count) {
  const size_t length = strlen(name);
  for (int i = 0; i < count; i++) {
    const size_t size = strlen(endings[i]);
    if (length > size && strcasecmp(name + length - size, endings[i]) == 0) {
      name[length - size] = '\0';
      return true;
    }
  }
  return false;
}

static bool has_kind(const char *token, enum series_kind *kind) {
  static const struct {
    const char *name;
    enum series_kind kind;
  } names[] = {{"funding", SERIES_FUNDING}, {"fundingrate", SERIES_FUNDING}, {"funding_rate", SERIES_FUNDING}, {"mark", SERIES_MARK},
               {"markprice", SERIES_MARK},  {"trades", SERIES_TRADES},       {"aggtrades", SERIES_TRADES}};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (!text_equal_ignoring_case(token, names[i].name)) continue;
    *kind = names[i].kind;
    return true;
  }
  return false;
}

static bool parse_symbol(struct file_name *out, const char *token) {
  char spelled[2 * FILE_SYMBOL_MAX];
  text_copy(spelled, sizeof spelled, token);
  char *first = strchr(spelled, '_'), *second = first ? strchr(first + 1, '_') : NULL;
  if (second) { /* freqtrade: BTC_USDT_USDT */
    *first = '/';
    *second = ':';
  }
  if (symbol_parse(spelled, out->printed, out->venue_symbol)) return true;
  const size_t length = strlen(spelled); /* Bybit's archives: BTCUSDT2024-01-01 */
  if (length < 8 || memcmp(spelled + length - 4, "20", 2) != 0) return false;
  spelled[length - 4] = '\0';
  return symbol_parse(spelled, out->printed, out->venue_symbol);
}

static void take_token(struct file_name *out, const char *token, bool *is_symbol_over) {
  const int64_t interval_ms = file_interval_parse(token);
  const bool has_unit = token[0] != '\0' && strpbrk(token, "mhd") != NULL;
  if (interval_ms > 0 && has_unit) {
    if (out->interval_ms == 0) out->interval_ms = interval_ms;
    *is_symbol_over = true;
  } else if (has_kind(token, &out->kind)) {
    *is_symbol_over = true;
  }
}

void file_name_parse(struct file_name *out, const char *path) {
  static const char *const packed[] = {".zst", ".gz", ".zip"}, *const data[] = {".csv", ".tsv", ".jsonl", ".json", ".txt", ".dat", ".bbevents"};
  char name[256], spelled[128] = "";
  *out = (struct file_name){.kind = SERIES_CANDLES};
  const char *slash = strrchr(path, '/');
  text_copy(name, sizeof name, slash ? slash + 1 : path);
  const bool is_packed = cut_ending(name, packed, 3);
  out->has_data_ending = cut_ending(name, data, 7) || (is_packed && strchr(name, '-'));
  struct text spelling;
  text_init(&spelling, spelled, sizeof spelled);
  bool is_symbol_over = false;
  char *rest = NULL;
  for (char *token = strtok_r(name, "-", &rest); token; token = strtok_r(NULL, "-", &rest)) {
    take_token(out, token, &is_symbol_over);
    if (is_symbol_over || strlen(spelled) + strlen(token) + 2 > sizeof spelled || out->printed[0] != '\0') continue;
    if (parse_symbol(out, token)) continue;
    if (spelled[0] != '\0') text_add(&spelling, "-");
    text_add(&spelling, token);
    (void)parse_symbol(out, spelled);
  }
}

static void add_path(struct file_list *list, const char *path) {
  if (list->count == list->capacity) {
    list->capacity = list->capacity ? list->capacity * 2 : 64;
    list->paths = realloc(list->paths, (size_t)list->capacity * sizeof *list->paths);
    check(list->paths);
  }
  list->paths[list->count] = strdup(path);
  check(list->paths[list->count]);
  list->count++;
}

static enum status add_folder(struct file_list *list, const char *folder, struct problem *problem) {
  DIR *directory = opendir(folder);
  if (!directory) {
    const enum status status = status_from_errno(errno);
    problem_add(problem, status_name(status), folder, NULL, NULL, "the folder can not be read: %s", strerror(errno));
    return status;
  }
  const int before = list->count;
  for (const struct dirent *entry; (entry = readdir(directory));) {
    struct file_name name;
    struct stat info;
    char path[FILE_PATH_MAX];
    if (entry->d_name[0] == '.') continue;
    file_name_parse(&name, entry->d_name);
    const int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (!name.has_data_ending || length >= (int)sizeof path || stat(path, &info) != 0 || !S_ISREG(info.st_mode)) continue;
    add_path(list, path);
  }
  (void)closedir(directory);
  if (list->count > before) return STATUS_OK;
  problem_add(problem, "no_data", folder, NULL, ".csv, .json, .jsonl or .txt files, also as .zst, .gz or .zip", "the folder holds no data files");
  return STATUS_NO_DATA;
}

static enum status add_one(struct file_list *list, const char *path, struct problem *problem) {
  struct stat info;
  if (stat(path, &info) != 0) {
    const enum status status = status_from_errno(errno);
    problem_add(problem, status_name(status), path, NULL, NULL, "there is no such file or folder, or it can not be reached: %s", strerror(errno));
    return status;
  }
  if (S_ISDIR(info.st_mode)) return add_folder(list, path, problem);
  add_path(list, path);
  return STATUS_OK;
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_paths(struct file_list *list) {
  if (list->count == 0) return;
  qsort(list->paths, (size_t)list->count, sizeof *list->paths, compare_paths);
  int kept = 1;
  for (int i = 1; i < list->count; i++) {
    if (strcmp(list->paths[kept - 1], list->paths[i]) == 0)
      free(list->paths[i]);
    else
      list->paths[kept++] = list->paths[i];
  }
  list->count = kept;
}

enum status file_list_add(struct file_list *list, const char *data, struct problem *problem) {
  struct stat info;
  enum status status = STATUS_OK;
  if (stat(data, &info) == 0 || !strchr(data, ',')) {
    status = add_one(list, data, problem); /* a comma may be part of a name */
  } else {
    char *copy = strdup(data), *rest = NULL;
    check(copy);
    for (char *path = strtok_r(copy, ",", &rest); path && !status; path = strtok_r(NULL, ",", &rest)) status = add_one(list, path, problem);
    free(copy);
  }
  sort_paths(list);
  return status;
}

void file_list_deinit(struct file_list *list) {
  for (int i = 0; i < list->count; i++) free(list->paths[i]);
  free(list->paths);
  *list = (struct file_list){0};
}
