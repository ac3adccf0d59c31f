/* What the API asks about the installation: sizes, the lease, backups, and the resource monitor with the actions that this program can take. */
#define _GNU_SOURCE /* pipe2 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/store/migrations.h"
#include "apps/relief.h"
#include "apps/server_system.h"
#include "base/check.h"

extern char **environ;

static int64_t now_ms(const struct server *server) {
  return server->clock->now_ms(server->clock->self);
}

/* ---- the installation ---- */

static int64_t file_bytes(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 ? (int64_t)info.st_size : -1;
}

static int64_t folder_bytes(const char *folder) {
  DIR *list = opendir(folder);
  char path[1400];
  int64_t sum = 0;
  if (list == NULL) return -1;
  for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
    if (entry->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "%.1000s/%.255s", folder, entry->d_name);
    int64_t bytes = file_bytes(path);
    if (bytes > 0) sum += bytes;
  }
  closedir(list);
  return sum;
}

static bool take_lease_row(void *context, const struct row_value *values, int count) {
  struct api_system *system = context;
  const struct row_value *name = row_value_of(values, count, "name");
  const struct row_value *holder = row_value_of(values, count, "holder");
  const struct row_value *expires = row_value_of(values, count, "expires_at");
  if (name == NULL || holder == NULL || expires == NULL || name->text == NULL || holder->text == NULL) return false;
  text_copy(system->lease_name, sizeof system->lease_name, name->text);
  text_copy(system->lease_holder, sizeof system->lease_holder, holder->text);
  system->lease_expires_at = expires->integer;
  return false;
}

void server_read_system(void *self, struct api_system *out) {
  struct server *server = self;
  const struct settings *settings = &server->app->settings;
  const struct row_port *rows = &server->row_port;
  struct rows_query query = {.table = "leases", .limit = 1};
  struct problem problem;
  char path[1100];
  problem_clear(&problem);
  *out =
      (struct api_system){.database_kind = "sqlite", .database_bytes = -1, .journal_bytes = -1, .schema_version = migrations_newest(&store_schema)};
  if (settings_sqlite_path(settings->database_url, path, sizeof path)) out->database_bytes = file_bytes(path);
  snprintf(path, sizeof path, "%s/journal", settings->data_dir);
  out->journal_bytes = folder_bytes(path);
  text_copy(out->instance, sizeof out->instance, server->wiring.config.instance);
  /* Without the database the lease is not known; health tells of that. */
  enum status status = rows->select(rows->self, &query, take_lease_row, out, &problem);
  (void)status;
}

/* ---- backups ---- */

/* The child is this program with the verb of the command line: it opens the database for itself and cannot hold up the loop. Settings go through its
 * environment, because the address of the database may carry a password. */
struct backup_child {
  pid_t pid; /* 0: none */
  int output;
  struct buffer text;
};

struct server_system {
  struct backup_child child;
  struct resources *resources;
  struct relief relief;
  bool holds_entries; /* the pause of the session is ours */
};

static const char *const passed[] = {"DATABASE_URL", "DATA_DIR", "BACKUP_DIR", "PRESETS_DIR", "LOG_DIR", "REPORTS_DIR"};
enum { PASSED = sizeof passed / sizeof passed[0], VARIABLE_BYTES = 1200 };

static const char *value_of(const struct settings *settings, int index) {
  const char *const values[PASSED] = {settings->database_url, settings->data_dir, settings->backup_dir,
                                      settings->presets_dir,  settings->log_dir,  settings->reports_dir};
  return values[index];
}

static bool is_passed(const char *variable) {
  for (int i = 0; i < PASSED; i++) {
    size_t length = strlen(passed[i]);
    if (strncmp(variable, passed[i], length) == 0 && variable[length] == '=') return true;
  }
  return false;
}

/* Ends with NULL; the array is owned by the caller, ours lie in own. */
static char **make_environment(const struct settings *settings, char own[PASSED][VARIABLE_BYTES]) {
  size_t count = 0;
  while (environ[count] != NULL) ++count;
  char **all = calloc(count + PASSED + 1, sizeof all[0]);
  check(all != NULL);
  size_t used = 0;
  for (size_t i = 0; i < count; i++) {
    if (!is_passed(environ[i])) all[used++] = environ[i];
  }
  for (int i = 0; i < PASSED; i++) {
    snprintf(own[i], VARIABLE_BYTES, "%s=%s", passed[i], value_of(settings, i));
    all[used++] = own[i];
  }
  return all;
}

int server_spawn(const struct settings *settings, const char *const words[], int output, pid_t *pid) {
  char own[PASSED][VARIABLE_BYTES];
  char **environment = make_environment(settings, own);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, defaults;
  sigemptyset(&none);
  sigfillset(&defaults);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  if (output >= 0) {
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  } else {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  int error = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, (char *const *)(uintptr_t)words, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  free(environment);
  return error;
}

enum status server_start_backup(void *self, struct problem *problem) {
  struct server *server = self;
  struct backup_child *child = &server->system->child;
  int ends[2];
  if (child->pid != 0) return STATUS_IN_USE;
  if (pipe2(ends, O_CLOEXEC) != 0) {
    problem_add(problem, "backup_failed", "", NULL, NULL, "no pipe: %s", strerror(errno));
    return status_from_errno(errno);
  }
  static const char *const words[] = {"breakout", "db", "backup", "--verify", "--json", NULL};
  int error = server_spawn(&server->app->settings, words, ends[1], &child->pid);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    child->pid = 0;
    problem_add(problem, "backup_failed", "", NULL, NULL, "cannot start: %s", strerror(error));
    return status_from_errno(error);
  }
  child->output = ends[0];
  check(fcntl(child->output, F_SETFL, O_NONBLOCK) == 0);
  buffer_clear(&child->text);
  log_write(LOG_INFO, "backup", "started", NULL, "a backup is being made");
  return STATUS_OK;
}

static const char *text_of(const struct json *result, const char *name) {
  const struct json *value = json_member(result, name);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : "";
}

/* What the verb printed: {file, bytes, ..., verified}. */
static bool read_result(struct server *server, struct api_backup *out) {
  const struct backup_child *child = &server->system->child;
  struct json *result = child->text.length > 0 ? json_parse(child->text.data, child->text.length, JSON_STRICT, "backup", NULL) : NULL;
  bool is_good = result != NULL && json_kind(result) == JSON_OBJECT && text_of(result, "file")[0] != '\0';
  if (is_good) {
    const struct json *bytes = json_member(result, "bytes");
    const char *file = text_of(result, "file");
    const char *slash = strrchr(file, '/');
    *out = (struct api_backup){.ts = now_ms(server), .is_verified = text_equal(text_of(result, "verified"), "yes")};
    text_copy(out->file, sizeof out->file, slash != NULL ? slash + 1 : file);
    out->bytes = bytes != NULL && json_kind(bytes) == JSON_INT ? json_int(bytes) : 0;
  }
  json_free(result);
  return is_good;
}

enum status server_take_backup(void *self, struct api_backup *out, struct problem *problem) {
  struct server *server = self;
  struct backup_child *child = &server->system->child;
  char piece[4096];
  int state;
  if (child->pid == 0) return STATUS_NOT_FOUND;
  for (ssize_t count; (count = read(child->output, piece, sizeof piece)) > 0;) buffer_add(&child->text, piece, (size_t)count);
  if (waitpid(child->pid, &state, WNOHANG) == 0) return STATUS_IN_USE;
  for (ssize_t count; (count = read(child->output, piece, sizeof piece)) > 0;) buffer_add(&child->text, piece, (size_t)count);
  close(child->output);
  child->pid = 0;
  bool has_ended = WIFEXITED(state) && WEXITSTATUS(state) == 0;
  if (has_ended && read_result(server, out)) {
    if (out->is_verified) metrics_set(server->metrics, METRIC_BACKUP_VERIFIED, NULL, (double)out->ts / 1e3);
    log_write(LOG_INFO, "backup", "made", NULL, "%s, %lld bytes", out->file, (long long)out->bytes);
    return STATUS_OK;
  }
  metrics_add(server->metrics, METRIC_BACKUP_FAILURES, NULL, 1);
  metrics_add(server->metrics, METRIC_ERRORS, METRIC_VALUES("backup", "storage"), 1);
  log_write(LOG_ERROR, "backup", "failed", NULL, "the backup ended with code %d", WIFEXITED(state) ? WEXITSTATUS(state) : -1);
  problem_add(problem, "backup_failed", server->app->settings.backup_dir, NULL, NULL,
              "the backup could not be made; the standard error has its words");
  return STATUS_IO_FAILED;
}

/* ---- actions of the resource monitor ---- */

static int64_t event_now(void *self) {
  return engine_now(((struct server *)self)->wiring.engine);
}

/* The reason is journalled: it stands beside the change of state for as long as that is kept. */
static void command_for_disk(struct server *server, enum command command) {
  const struct resource_sample *sample = resources_sample(server->system->resources, 0);
  struct event event = {.ts = server_event_now(server), .kind = EVENT_COMMAND, .command = {.command = (int32_t)command, .source = SOURCE_ENGINE}};
  event.command.operation_id = engine_counters(server->wiring.engine)->operation + 1;
  text_copy(event.command.user, sizeof event.command.user, "server");
  snprintf(event.command.reason, sizeof event.command.reason, "disk: %.0f MB are free, entries need %d", sample->disk_free_mb,
           RESOURCE_DISK_FREE_MIN_MB);
  server_step(server, &event, false);
}

/* Entries are cancelled, positions managed. What an operator paused stays paused. */
static void hold_entries(void *self, bool is_held, char *text, size_t size) {
  struct server *server = self;
  enum command command = is_held ? COMMAND_PAUSE : COMMAND_RESUME;
  bool is_legal = server->wiring.engine != NULL && (engine_legal_commands(server->wiring.engine) & (1u << command)) != 0;
  bool acts = is_legal && (is_held || server->system->holds_entries);
  if (acts) command_for_disk(server, command);
  server->system->holds_entries = is_held && acts;
  snprintf(text, size, !acts ? "no session that we would change" : is_held ? "the session is paused" : "the session goes on");
}

static void count_action(void *context, enum resource resource, const char *action) {
  struct server *server = context;
  metrics_add(server->metrics, METRIC_RESOURCE_ACTIONS, METRIC_VALUES(resource_names[resource], action), 1);
  metrics_add(server->metrics, METRIC_ERRORS, METRIC_VALUES("resources", "resource"), 1);
}

/* ---- life ---- */

enum status server_system_open(struct server *server) {
  const struct settings *settings = &server->app->settings;
  struct resource_options options = {.clock = server->clock,
                                     .data_dir = settings->data_dir,
                                     .warning = {settings->warn_cpu_percent, settings->warn_memory_percent, settings->warn_disk_percent,
                                                 settings->max_threads, settings->max_open_files},
                                     .max = {settings->max_cpu_percent, settings->max_memory_percent, settings->max_disk_percent, NAN, NAN},
                                     .memory_mb_max = settings->max_memory_mb,
                                     .disk_free_mb_min = RESOURCE_DISK_FREE_MIN_MB,
                                     .interval_s = settings->resource_check_interval_s,
                                     .cooldown_s = settings->alert_cooldown_s,
                                     .on_action = count_action,
                                     .context = server};
  server->system = calloc(1, sizeof *server->system);
  if (server->system == NULL) return STATUS_NO_MEMORY;
  server->system->relief = (struct relief){.settings = settings,
                                           .clock = server->clock,
                                           .pool = &server->pool,
                                           .api = &server->api,
                                           .journal = &server->journal,
                                           .hold_entries = hold_entries,
                                           .event_now = event_now,
                                           .self = server};
  relief_add(&server->system->relief, &options);
  return resources_open(&server->system->resources, &options);
}

struct resources *server_resources(const struct server *server) {
  return server->system->resources;
}

void server_system_close(struct server *server) {
  if (server->system == NULL) return;
  struct backup_child *child = &server->system->child;
  if (child->pid != 0) {
    /* Ours to end: a backup that nobody waits for is of no use half done. Its temporary folder is its own to leave. */
    kill(child->pid, SIGTERM);
    waitpid(child->pid, NULL, 0);
    close(child->output);
  }
  buffer_deinit(&child->text);
  resources_close(server->system->resources);
  free(server->system);
}
