/* Settings in force, the installation, memory snapshots, backups. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "api/monitoring/monitoring.h"
#include "api/resource_reply.h"
#include "base/calendar.h"
#include "base/version.h"
#include "runner/memory_snapshot.h"

/* ---- settings ---- */

/* One entry a row of the table and one a heading before it: settings of a group follow its heading. */
static const struct {
  const char *group, *name;
} rows[] = {
#define SETTING_GROUP(title) {title, NULL},
#define SETTING_TEXT(member, NAME, kind, bytes, fallback, secrecy, effect, meaning) {NULL, #NAME},
#define SETTING_INTEGER(member, NAME, fallback, min, max, effect, meaning) {NULL, #NAME},
#define SETTING_LONG(member, NAME, fallback, min, max, effect, meaning) {NULL, #NAME},
#define SETTING_NUMBER(member, NAME, fallback, min, max, effect, meaning) {NULL, #NAME},
#define SETTING_BOOLEAN(member, NAME, fallback, effect, meaning) {NULL, #NAME},
#define SETTING_ENUM(member, NAME, type, fallback, effect, meaning) {NULL, #NAME},
#include "runner/setting.def"
};

static const char *type_of(enum setting_kind kind) {
  switch (kind) {
    case SETTING_KIND_PATH:
      return "path";
    case SETTING_KIND_URL:
      return "url";
    case SETTING_KIND_DATABASE:
      return "database";
    case SETTING_KIND_FEED:
      return "feed";
    case SETTING_KIND_PRESET:
      return "preset";
    case SETTING_KIND_ADDRESS:
      return "address";
    case SETTING_KIND_LIST:
    case SETTING_KIND_CIDRS:
      return "list";
    case SETTING_KIND_INTEGER:
    case SETTING_KIND_LONG:
      return "integer";
    case SETTING_KIND_NUMBER:
      return "number";
    case SETTING_KIND_BOOLEAN:
      return "boolean";
    case SETTING_KIND_ENUM:
      return "enum";
    default:
      return "text";
  }
}

/* The value as its own JSON type; a text that is empty is null. */
static void add_value(const struct setting *setting, const char *key, const char *text, struct json_writer *writer) {
  double number;
  const char *type = type_of(setting->kind);
  bool is_number = text_equal(type, "integer") || text_equal(type, "number");
  if (setting->is_secret || (!is_number && !text_equal(type, "boolean"))) {
    json_add_string(writer, key, text != NULL && text[0] != '\0' ? text : NULL);
  } else if (text_equal(type, "boolean")) {
    json_add_bool(writer, key, text != NULL && text_equal(text, "true"));
  } else if (text != NULL && text_parse_double(text, &number)) {
    json_add_double(writer, key, number);
  } else {
    json_add_string(writer, key, text);
  }
}

static void write_setting(const struct settings *settings, int index, const char *group, struct json_writer *writer) {
  static const char *const sources[] = {"default", "profile", "file", "environment", "command_line"};
  const struct setting *setting = &setting_table[index];
  char value[1024];
  char bounds[256];
  const char *fallback = setting_profile_fallback(setting, (enum breakout_profile)settings->breakout_profile);
  setting_value_text(settings, setting, value, sizeof value);
  setting_type_text(setting, bounds, sizeof bounds);
  json_begin_object(writer, NULL);
  json_add_string(writer, "name", setting->name);
  json_add_string(writer, "group", group);
  json_add_string(writer, "type", type_of(setting->kind));
  add_value(setting, "value", value, writer);
  if (setting->is_secret) {
    json_add_null(writer, "default");
  } else {
    add_value(setting, "default", fallback != NULL ? fallback : setting->fallback, writer);
  }
  json_add_string(writer, "source", sources[settings->source[index]]);
  json_add_string(writer, "bounds", bounds);
  json_add_string(writer, "meaning", setting->meaning);
  json_add_bool(writer, "secret", setting->is_secret);
  json_add_bool(writer, "in_effect", setting->has_effect);
  json_end_object(writer);
}

void handle_settings(struct call *call) {
  const char *group = "";
  int index = 0;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (rows[i].name == NULL) {
      group = rows[i].group;
    } else {
      write_setting(call->api->options.settings, index++, group, &call->writer);
    }
  }
  json_end_array(&call->writer);
  json_add_null(&call->writer, "next_cursor");
  json_add_int(&call->writer, "total", index);
  call_end(call, 200);
}

/* ---- the installation ---- */

#ifdef __clang__
static const char compiler[] = "clang " __clang_version__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

static void add_known(struct json_writer *writer, const char *key, int64_t value) {
  if (value >= 0) {
    json_add_int(writer, key, value);
  } else {
    json_add_null(writer, key);
  }
}

static void write_lease(const struct api_system *system, struct json_writer *writer) {
  if (system->lease_holder[0] == '\0') {
    json_add_null(writer, "lease");
    return;
  }
  json_begin_object(writer, "lease");
  json_add_string(writer, "name", system->lease_name);
  json_add_string(writer, "holder", system->lease_holder);
  json_add_int(writer, "expires_at", system->lease_expires_at);
  json_end_object(writer);
}

void handle_system_info(struct call *call) {
  const struct api *api = call->api;
  struct json_writer *writer = &call->writer;
  struct api_system system = {.database_bytes = -1, .journal_bytes = -1, .schema_version = -1};
  struct utsname machine;
  char os[256] = "Linux";
  api->options.host.read_system(api->options.host.self, &system);
  if (uname(&machine) == 0) snprintf(os, sizeof os, "%.60s %.60s %.60s", machine.sysname, machine.release, machine.machine);
  call_begin(call);
  json_add_string(writer, "version", version_text());
  json_add_string(writer, "build", version_committed_at());
  json_add_string(writer, "commit", version_commit());
  json_add_string(writer, "compiler", compiler);
  json_add_string(writer, "os", os);
  json_begin_object(writer, "database");
  json_add_string(writer, "kind", system.database_kind);
  add_known(writer, "bytes", system.database_bytes);
  json_end_object(writer);
  add_known(writer, "schema_version", system.schema_version);
  add_known(writer, "journal_bytes", system.journal_bytes);
  json_add_string(writer, "instance_id", system.instance[0] != '\0' ? system.instance : NULL);
  write_lease(&system, writer);
  json_add_int(writer, "started_at", api->started_ms);
  call_end(call, 200);
}

void handle_memory_snapshot(struct call *call) {
  const struct settings *settings = call->api->options.settings;
  const struct clock *clock = call->api->options.clock;
  struct memory_snapshot snapshot;
  struct problem problem;
  problem_clear(&problem);
  enum status status = memory_snapshot_write(settings->reports_dir, settings->data_dir, clock->now_ms(clock->self), &snapshot, &problem);
  if (status) {
    bool is_full = status == STATUS_NO_SPACE;
    call_fail_problem(call, is_full ? 507 : 500, is_full ? "no_space" : "internal", &problem);
    return;
  }
  call_begin(call);
  json_add_string(&call->writer, "file", snapshot.file);
  json_add_double(&call->writer, "rss_mb", snapshot.rss_mb);
  json_begin_object(&call->writer, "heap");
  json_add_double(&call->writer, "in_use_mb", snapshot.in_use_mb);
  json_add_double(&call->writer, "free_mb", snapshot.free_mb);
  json_add_double(&call->writer, "mapped_mb", snapshot.mapped_mb);
  json_end_object(&call->writer);
  call_end(call, 200);
}

/* ---- backups ---- */

enum { BACKUPS_MAX = 1000 };

struct backup_file {
  char name[256];
  int64_t ts, bytes;
};

static bool is_backup(const char *name) {
  size_t length = strlen(name);
  return strncmp(name, "backup-", 7) == 0 && length > 14 && strcmp(name + length - 7, ".tar.gz") == 0;
}

static int compare_newest(const void *a, const void *b) {
  const struct backup_file *left = a;
  const struct backup_file *right = b;
  if (left->ts != right->ts) return left->ts > right->ts ? -1 : 1;
  return -strcmp(left->name, right->name);
}

/* Newest first; a folder that is not there has none. */
static int list_backups(const char *folder, struct backup_file *files, int max) {
  char path[1024];
  struct stat info;
  DIR *list = opendir(folder);
  int count = 0;
  if (list == NULL) return 0;
  for (struct dirent *entry = readdir(list); entry != NULL && count < max; entry = readdir(list)) {
    if (!is_backup(entry->d_name)) continue;
    snprintf(path, sizeof path, "%.700s/%.255s", folder, entry->d_name);
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) continue;
    struct backup_file *file = &files[count++];
    text_copy(file->name, sizeof file->name, entry->d_name);
    file->ts = (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
    file->bytes = info.st_size;
  }
  closedir(list);
  if (count > 0) qsort(files, (size_t)count, sizeof files[0], compare_newest);
  return count;
}

int64_t backups_newest(const char *folder) {
  struct backup_file *files = calloc(BACKUPS_MAX, sizeof *files);
  if (files == NULL) return 0;
  int count = list_backups(folder, files, BACKUPS_MAX);
  int64_t newest = count > 0 ? files[0].ts : 0;
  free(files);
  return newest;
}

void handle_backups(struct call *call) {
  struct backup_file *files = calloc(BACKUPS_MAX, sizeof *files);
  if (files == NULL) {
    call_fail(call, 500, "internal", "no memory");
    return;
  }
  int count = list_backups(call->api->options.settings->backup_dir, files, BACKUPS_MAX);
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int i = 0; i < count; i++) {
    json_begin_object(&call->writer, NULL);
    json_add_string(&call->writer, "file", files[i].name);
    json_add_int(&call->writer, "ts", files[i].ts);
    json_add_int(&call->writer, "bytes", files[i].bytes);
    json_add_null(&call->writer, "verified");
    json_end_object(&call->writer);
  }
  json_end_array(&call->writer);
  json_add_null(&call->writer, "next_cursor");
  json_add_int(&call->writer, "total", count);
  call_end(call, 200);
  free(files);
}

/* A child of this process makes it; the answer comes when it is done. */
void handle_backup_make(struct call *call) {
  struct monitoring *monitoring = call->api->monitoring;
  const struct api_host *host = &call->api->options.host;
  struct problem problem;
  problem_clear(&problem);
  enum status status = monitoring->backup_reply != NULL ? STATUS_IN_USE : host->start_backup(host->self, &problem);
  if (status == STATUS_IN_USE) {
    call_fail(call, 409, "in_use", "a backup is being made");
    return;
  }
  if (status) {
    call_fail_problem(call, 500, "internal", &problem);
    return;
  }
  monitoring->backup_reply = call->reply;
  text_copy(monitoring->backup_request_id, sizeof monitoring->backup_request_id, call->request->id);
  call->reply->is_deferred = true;
}

void handle_handover(struct call *call) {
  call_fail(call, 501, "not_in_version", "a hand-over is asked for by the process that takes over: ./update.sh, or breakout serve --takeover");
}
