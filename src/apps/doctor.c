/* The verb doctor: is everything here that a server needs, and how to mend what is not. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "adapters/redis/redis.h"
#include "adapters/store/migrations.h"
#include "apps/app.h"
#include "apps/running.h"
#include "base/check.h"
#include "base/log_files.h"
#include "base/text.h"
#include "runner/describe_tables.h"
#include "runner/journal.h"
#include "runner/preset_store.h"

enum { PATH_BYTES = 1024, PRESETS_MAX = 512 };
enum verdict_of_check { IS_OK, IS_WARNING, IS_FAILED, IS_SKIPPED };
static const char *const verdict_names_of_check[] = {"ok", "warning", "failed", "skipped"};

struct doctor {
  struct app *app;
  bool has_fix, is_json;
  struct table table;
  struct buffer out;
  struct json_writer json;
  int failed, failed_settings;
};

/* fix: what to do about it, "" nothing. */
static void report(struct doctor *doctor, enum verdict_of_check verdict, const char *name, const char *detail, const char *fix) {
  static const char *const colors[] = {"32", "33", "31", "90"};
  if (verdict == IS_FAILED) doctor->failed++;
  if (doctor->is_json) {
    json_begin_object(&doctor->json, NULL);
    json_add_string(&doctor->json, "check", name);
    json_add_string(&doctor->json, "result", verdict_names_of_check[verdict]);
    json_add_string(&doctor->json, "detail", detail);
    json_add_string(&doctor->json, "fix", fix[0] != '\0' ? fix : NULL);
    json_end_object(&doctor->json);
    return;
  }
  table_add_colored(&doctor->table, verdict_names_of_check[verdict], colors[verdict]);
  table_add(&doctor->table, name);
  table_add(&doctor->table, detail);
  table_add(&doctor->table, fix);
}

/* The first message of a problem. */
static const char *first(const struct problem *problem, enum status status) {
  return problem->count > 0 ? problem->items[0].message : status_text(status);
}

/* ---- checks ---- */

static void check_settings(struct doctor *doctor) {
  char detail[512];
  const struct problem *problem = &doctor->app->problem;
  for (int i = 0; i < problem->count; i++) {
    const struct problem_item *item = &problem->items[i];
    snprintf(detail, sizeof detail, "%s: %s", item->path, item->message);
    report(doctor, item->is_warning ? IS_WARNING : IS_FAILED, "settings", detail,
           item->allowed[0] != '\0' ? item->allowed : "breakout describe settings");
    if (!item->is_warning) doctor->failed_settings++;
  }
  if (problem->count == 0) report(doctor, IS_OK, "settings", "all values are good", "");
}

static bool make_env(void) {
  struct buffer text = {0};
  settings_env_example(&text);
  bool is_made = buffer_write_file(&text, ".env", 0600, NULL) == STATUS_OK;
  buffer_deinit(&text);
  return is_made;
}

static void check_env(struct doctor *doctor) {
  struct stat info;
  if (stat(".env", &info) != 0) {
    if (doctor->has_fix && make_env()) {
      report(doctor, IS_OK, ".env", "made, with every setting at its default", "");
    } else {
      report(doctor, IS_WARNING, ".env", "there is none: all settings are at their defaults", "breakout doctor --fix");
    }
  } else if ((info.st_mode & 077) != 0) {
    bool is_mended = doctor->has_fix && chmod(".env", 0600) == 0;
    report(doctor, is_mended ? IS_OK : IS_WARNING, ".env", is_mended ? "now readable by its owner only" : "others may read it",
           is_mended ? "" : "chmod 600 .env");
  } else {
    report(doctor, IS_OK, ".env", "readable by its owner only", "");
  }
}

static bool make_folder(const char *path) {
  char part[PATH_BYTES];
  text_copy(part, sizeof part, path);
  for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(part, 0755) != 0 && errno != EEXIST) return false;
    *slash = '/';
  }
  return mkdir(part, 0755) == 0 || errno == EEXIST;
}

static void check_folder(struct doctor *doctor, const char *setting, const char *path) {
  char name[64], fix[PATH_BYTES];
  struct stat info;
  snprintf(name, sizeof name, "folder %s", setting);
  if (stat(path, &info) != 0 && doctor->has_fix && !make_folder(path)) errno = EACCES;
  if (stat(path, &info) != 0) {
    snprintf(fix, sizeof fix, "mkdir -p '%.900s', or breakout doctor --fix", path);
    report(doctor, errno == ENOENT ? IS_WARNING : IS_FAILED, name, path, fix);
  } else if (!S_ISDIR(info.st_mode) || access(path, R_OK | W_OK | X_OK) != 0) {
    snprintf(fix, sizeof fix, "chown -R %u '%.900s'", (unsigned)geteuid(), path);
    report(doctor, IS_FAILED, name, S_ISDIR(info.st_mode) ? "may not be written" : "is no folder", fix);
  } else {
    report(doctor, IS_OK, name, path, "");
  }
}

static void check_folders(struct doctor *doctor) {
  const struct settings *settings = &doctor->app->settings;
  check_folder(doctor, "DATA_DIR", settings->data_dir);
  check_folder(doctor, "LOG_DIR", settings->log_dir);
  check_folder(doctor, "REPORTS_DIR", settings->reports_dir);
  check_folder(doctor, "BACKUP_DIR", settings->backup_dir);
  check_folder(doctor, "PRESETS_DIR", settings->presets_dir);
}

static void check_disk(struct doctor *doctor) {
  const struct settings *settings = &doctor->app->settings;
  struct statvfs disk;
  char detail[96];
  const char *path = access(settings->data_dir, F_OK) == 0 ? settings->data_dir : ".";
  if (statvfs(path, &disk) != 0 || disk.f_blocks == 0) {
    report(doctor, IS_SKIPPED, "disk", "its size is not known", "");
    return;
  }
  double used = 100.0 * (double)(disk.f_blocks - disk.f_bavail) / (double)disk.f_blocks;
  snprintf(detail, sizeof detail, "%.0f %% used, %.1f GB free", used, (double)disk.f_bavail * (double)disk.f_frsize / 1e9);
  enum verdict_of_check verdict = used > settings->max_disk_percent ? IS_FAILED : used > settings->warn_disk_percent ? IS_WARNING : IS_OK;
  report(doctor, verdict, "disk", detail, verdict == IS_OK ? "" : "breakout logs cleanup; breakout db cleanup; breakout db vacuum");
}

static void check_database(struct doctor *doctor) {
  char path[PATH_BYTES], detail[96];
  struct database database;
  struct problem problem;
  int version = 0;
  problem_clear(&problem);
  if (!settings_sqlite_path(doctor->app->settings.database_url, path, sizeof path)) {
    report(doctor, IS_FAILED, "database", "databases other than SQLite are not in this version", "DATABASE_URL=sqlite://./data/breakout_bot.db");
    return;
  }
  if (access(path, F_OK) != 0) {
    report(doctor, IS_OK, "database", "not made yet; the first start makes it", "");
    return;
  }
  enum status status = database_open(&database, path, DATABASE_FOR_READING, DATABASE_BUSY_MS, &problem);
  if (status == STATUS_OK) status = migrations_check(&store_schema, &database, &version, &problem);
  if (status == STATUS_OK) status = database_check(&database, &problem);
  database_close(&database);
  int pending = migrations_newest(&store_schema) - version;
  snprintf(detail, sizeof detail, "schema version %d, %d pending migrations", version, pending);
  if (status != STATUS_OK) {
    report(doctor, IS_FAILED, "database", first(&problem, status),
           status == STATUS_NEWER_VERSION ? "install the newer program" : "breakout db rebuild");
  } else {
    report(doctor, pending > 0 ? IS_WARNING : IS_OK, "database", detail, pending > 0 ? "breakout db migrate" : "");
  }
}

static void check_journal(struct doctor *doctor) {
  struct journal_report found = {0};
  struct problem problem;
  char detail[128];
  problem_clear(&problem);
  enum status status = journal_verify(doctor->app->settings.data_dir, NULL, &found, &problem);
  if (status == STATUS_NO_DATA || status == STATUS_NOT_FOUND) {
    report(doctor, IS_OK, "journal", "there is none yet", "");
  } else if (status != STATUS_OK) {
    report(doctor, IS_FAILED, "journal", first(&problem, status), "breakout db restore, or breakout db verify --repair");
  } else {
    snprintf(detail, sizeof detail, "%lld records in %lld segments", (long long)found.records, (long long)found.segments);
    report(doctor, IS_OK, "journal", detail, "");
  }
}

static void check_presets(struct doctor *doctor) {
  static char names[PRESETS_MAX][PRESET_NAME_BYTES];
  static struct preset preset;
  struct preset_store store;
  struct problem problem;
  char detail[512];
  int bad = 0;
  preset_store_init(&store, doctor->app->settings.presets_dir, doctor->app->settings.data_dir);
  int count = preset_store_list(&store, names, PRESETS_MAX);
  for (int i = 0; i < count; i++) {
    problem_clear(&problem);
    enum status status = preset_store_load(&store, names[i], &preset, NULL, &problem);
    if (status == STATUS_OK) continue;
    bad++;
    snprintf(detail, sizeof detail, "%.64s: %.400s", names[i], first(&problem, status));
    report(doctor, IS_FAILED, "preset", detail, "breakout presets validate FILE");
  }
  if (bad > 0) return;
  snprintf(detail, sizeof detail, "%d, all valid", count);
  report(doctor, IS_OK, "presets", detail, "");
}

static void check_port(struct doctor *doctor) {
  const struct settings *settings = &doctor->app->settings;
  char detail[160];
  long pid = 0;
  if (running_on(settings->data_dir, &pid)) {
    snprintf(detail, sizeof detail, "the server is running (process %ld)", pid);
    report(doctor, IS_OK, "port", detail, "");
    return;
  }
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)settings->port)};
  if (inet_pton(AF_INET, settings->api_host, &address.sin_addr) != 1) {
    report(doctor, IS_SKIPPED, "port", "API_HOST is no IPv4 address", "");
    return;
  }
  int one = 1, file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool is_free = file >= 0 && setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                 bind(file, (const struct sockaddr *)&address, sizeof address) == 0;
  snprintf(detail, sizeof detail, "%.60s:%d %s", settings->api_host, settings->port, is_free ? "is free" : strerror(errno));
  if (file >= 0) close(file);
  report(doctor, is_free ? IS_OK : IS_FAILED, "port", detail, is_free ? "" : "end the other program, or set PORT");
}

static void check_logs(struct doctor *doctor) {
  static const double mb = 1048576.0;
  const struct settings *settings = &doctor->app->settings;
  struct log_files *files = calloc(1, sizeof *files);
  char detail[96];
  check(files != NULL);
  enum status status = log_files_stats(files, settings->log_dir, NULL);
  double used = (double)files->total_disk_bytes / mb;
  snprintf(detail, sizeof detail, "%.1f MB of %.0f MB", used, settings->log_max_total_mb);
  bool is_full = status == STATUS_OK && used > settings->log_max_total_mb;
  if (status == STATUS_OK || status == STATUS_NOT_FOUND)
    report(doctor, is_full ? IS_WARNING : IS_OK, "log size", detail, is_full ? "breakout logs cleanup" : "");
  if (status != STATUS_OK && status != STATUS_NOT_FOUND) report(doctor, IS_FAILED, "log size", status_text(status), "");
  free(files);
}

/* A file of the start scripts whose process is gone. */
/* The interface shows every alert; this is about those who do not look at it. */
static void check_receivers(struct doctor *doctor) {
  const struct settings *settings = &doctor->app->settings;
  bool has_webhook = settings->alert_webhook_url[0] != '\0';
  bool has_mail = settings->alert_email[0] != '\0';
  bool has_chat = settings->alert_chat_url[0] != '\0';
  char detail[128];
  if (!has_webhook && !has_mail && !has_chat) {
    report(doctor, IS_WARNING, "alerts", "no receiver configured: nobody is told who does not look",
           "set ALERT_WEBHOOK_URL, ALERT_EMAIL with SMTP_URL, or ALERT_CHAT_URL");
    return;
  }
  if (has_mail && settings->smtp_url[0] == '\0') {
    report(doctor, IS_WARNING, "alerts", "ALERT_EMAIL without a mail server", "set SMTP_URL");
    return;
  }
  snprintf(detail, sizeof detail, "to%s%s%s", has_webhook ? " webhook" : "", has_mail ? " e-mail" : "", has_chat ? " chat" : "");
  report(doctor, IS_OK, "alerts", detail, "");
}

static bool is_stale(const char *path) {
  char text[32];
  FILE *file = fopen(path, "r");
  if (file == NULL) return false;
  bool is_read = fgets(text, sizeof text, file) != NULL;
  fclose(file);
  long pid = is_read ? strtol(text, NULL, 10) : 0;
  return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

static void check_pids(struct doctor *doctor) {
  char path[PATH_BYTES];
  int stale = 0;
  DIR *list = opendir("pids");
  for (struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
    if (strstr(entry->d_name, ".pid") == NULL) continue;
    snprintf(path, sizeof path, "pids/%.255s", entry->d_name);
    if (!is_stale(path) || (doctor->has_fix && unlink(path) == 0)) continue;
    stale++;
    report(doctor, IS_WARNING, "PID file", path, "rm it, or breakout doctor --fix");
  }
  if (list != NULL) closedir(list);
  if (stale == 0) report(doctor, IS_OK, "PID files", "none is stale", "");
}

/* Without it the program runs: it is a copy of what the database knows, and a stream for others. */
static void check_redis(struct doctor *doctor) {
  const struct settings *settings = &doctor->app->settings;
  const struct redis_options options = {.url = settings->redis_url, .password = settings->redis_password};
  char why[CACHE_DETAIL_BYTES] = "";
  struct problem problem;
  problem_clear(&problem);
  if (options.url[0] == '\0') {
    report(doctor, IS_SKIPPED, "Redis", "REDIS_URL is empty: logins and prices are not shared, there is no event stream", "");
    return;
  }
  if (redis_try(&options, why, &problem) == STATUS_OK) {
    report(doctor, IS_OK, "Redis", why, "");
  } else if (problem.count > 0) {
    report(doctor, IS_FAILED, "Redis", problem.items[0].message, problem.items[0].allowed);
  } else {
    report(doctor, IS_WARNING, "Redis", why, "start Redis, or see REDIS_URL and REDIS_PASSWORD; trading goes on without it");
  }
}

static void skip_rest(struct doctor *doctor) {
  report(doctor, IS_SKIPPED, "clock", "skipped: no venue to compare with in this version", "");
  report(doctor, IS_SKIPPED, "venue", "skipped: no venue can be reached in this version", "");
  report(doctor, IS_SKIPPED, "keys", "skipped: no venue can be reached in this version", "");
  report(doctor, IS_SKIPPED, "Docker", "skipped: deploy.sh checks Docker, Compose and the ports", "");
}

static void run_checks(struct doctor *doctor) {
  bool has_settings = !problem_has_error(&doctor->app->problem);
  check_settings(doctor);
  check_env(doctor);
  if (!has_settings) return; /* what the other checks look at is not known */
  check_folders(doctor);
  check_disk(doctor);
  check_database(doctor);
  check_journal(doctor);
  check_presets(doctor);
  check_port(doctor);
  check_logs(doctor);
  check_receivers(doctor);
  check_pids(doctor);
  check_redis(doctor);
  skip_rest(doctor);
}

int app_doctor(struct app *app, int argc, char **argv) {
  static const struct app_option options[] = {{"fix", 0, false, NULL, "make folders and .env, mend modes, remove stale PID files"},
                                              {"online", 0, false, NULL, "also ask the venue (none in this version)"}};
  static const struct table_column columns[] = {{"Result", TABLE_LEFT}, {"Check", TABLE_LEFT}, {"Detail", TABLE_LEFT}, {"Fix", TABLE_LEFT}};
  struct doctor doctor = {.app = app, .is_json = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL};
  struct app_arguments arguments;
  const char *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, 2, &value)) != APP_DONE) {
    if (option == APP_WRONG) return app_fail(app, STATUS_BAD_CONFIG);
    if (option == 0) doctor.has_fix = true;
    if (option == APP_ARGUMENT) return app_fail_with(app, STATUS_BAD_CONFIG, "bad_argument", value, "doctor takes no arguments");
  }
  table_init(&doctor.table, columns, 4, app_table_format(app));
  json_writer_init(&doctor.json, &doctor.out, app->output == OUTPUT_JSON);
  if (doctor.is_json) {
    json_begin_object(&doctor.json, NULL);
    json_begin_array(&doctor.json, "checks");
  }
  run_checks(&doctor);
  if (doctor.is_json) {
    json_end_array(&doctor.json);
    json_add_int(&doctor.json, "failed", doctor.failed);
    json_end_object(&doctor.json);
    buffer_add_text(&doctor.out, "\n");
    app_print(&doctor.out);
    table_deinit(&doctor.table);
  } else {
    app_print_table(app, &doctor.table);
  }
  buffer_deinit(&doctor.out);
  if (doctor.failed == 0) return 0;
  return doctor.failed == doctor.failed_settings ? 4 : 1;
}
