#include "apps/housekeeping.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/server.h"
#include "apps/server_system.h"
#include "base/check.h"
#include "base/log.h"

enum { LOOK_MS = 1000, DAY_MS = 86400000, MINUTE_MS = 60000, RETRY_MS = 15 * MINUTE_MS, BACKUPS_KEPT_MIN = 3, BACKUPS_MAX = 512, NAME_BYTES = 64 };

struct daily {
  int minute; /* of the day, UTC */
  const char *name;
  const char *words[4];
};
static const struct daily dailies[] = {
    {3 * 60, "the check of the logs", {"breakout", "logs", "cleanup", NULL}},
    {3 * 60 + 30, "retention", {"breakout", "db", "cleanup", NULL}},
};
enum { DAILY_COUNT = sizeof dailies / sizeof dailies[0] };

struct housekeeping {
  pid_t pid; /* 0: nothing goes on */
  const struct daily *going;
  bool is_due[DAILY_COUNT];
  bool is_backup; /* one that we began goes on */
  int64_t looked_ms, tried_ms;
};

bool housekeeping_is_due(int64_t from_ms, int64_t to_ms, int minute) {
  int64_t shift = (int64_t)minute * MINUTE_MS;
  return (to_ms - shift) / DAY_MS > (from_ms - shift) / DAY_MS;
}

struct housekeeping *housekeeping_open(const struct server *server) {
  struct housekeeping *housekeeping = calloc(1, sizeof *housekeeping);
  check(housekeeping != NULL);
  housekeeping->looked_ms = server->clock->now_ms(server->clock->self);
  return housekeeping;
}

/* ---- once a day ---- */

static void begin_daily(struct housekeeping *housekeeping, const struct server *server, int index) {
  housekeeping->is_due[index] = false;
  int error = server_spawn(&server->app->settings, dailies[index].words, -1, &housekeeping->pid);
  if (error != 0) {
    log_write(LOG_ERROR, "ops", "housekeeping", NULL, "%s cannot be started: %s", dailies[index].name, strerror(error));
    housekeeping->pid = 0;
    return;
  }
  housekeeping->going = &dailies[index];
  log_write(LOG_INFO, "ops", "housekeeping", NULL, "%s begins", dailies[index].name);
}

static void end_daily(struct housekeeping *housekeeping) {
  int state;
  if (housekeeping->pid == 0 || waitpid(housekeeping->pid, &state, WNOHANG) == 0) return;
  housekeeping->pid = 0;
  bool is_good = WIFEXITED(state) && WEXITSTATUS(state) == 0;
  log_write(is_good ? LOG_INFO : LOG_ERROR, "ops", "housekeeping", NULL, "%s %s", housekeeping->going->name, is_good ? "is done" : "failed");
}

/* ---- backups ---- */

static int compare_names(const void *a, const void *b) {
  return strcmp(a, b);
}

static bool is_backup(const char *name) {
  size_t length = strlen(name);
  return strncmp(name, "backup-", 7) == 0 && length > 14 && length < NAME_BYTES && strcmp(name + length - 7, ".tar.gz") == 0;
}

/* Names carry the time, so their order is that of age. Returns how many. */
static int list_backups(const char *folder, char names[BACKUPS_MAX][NAME_BYTES]) {
  DIR *list = opendir(folder);
  int count = 0;
  for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL && count < BACKUPS_MAX; entry = readdir(list)) {
    if (is_backup(entry->d_name)) text_copy(names[count++], NAME_BYTES, entry->d_name);
  }
  if (list != NULL) closedir(list);
  qsort(names, (size_t)count, NAME_BYTES, compare_names);
  return count;
}

static int64_t changed_ms(const char *folder, const char *name) {
  char path[1024];
  struct stat info;
  snprintf(path, sizeof path, "%.700s/%.63s", folder, name);
  return stat(path, &info) == 0 ? (int64_t)info.st_mtim.tv_sec * 1000 : 0;
}

static void remove_old_backups(const struct settings *settings, int64_t now) {
  static char names[BACKUPS_MAX][NAME_BYTES];
  char path[1024];
  int count = list_backups(settings->backup_dir, names);
  for (int i = 0; i < count - BACKUPS_KEPT_MIN; i++) {
    if (now - changed_ms(settings->backup_dir, names[i]) <= (int64_t)settings->backup_retention_days * DAY_MS) continue;
    snprintf(path, sizeof path, "%.700s/%.63s", settings->backup_dir, names[i]);
    if (unlink(path) == 0) log_write(LOG_INFO, "backup", "removed", NULL, "%s is older than %d days", names[i], settings->backup_retention_days);
  }
}

static bool is_backup_due(const struct housekeeping *housekeeping, const struct settings *settings, int64_t now) {
  static char names[BACKUPS_MAX][NAME_BYTES];
  if (!settings->backup_enabled || now - housekeeping->tried_ms < RETRY_MS) return false;
  int count = list_backups(settings->backup_dir, names);
  int64_t newest = count > 0 ? changed_ms(settings->backup_dir, names[count - 1]) : 0;
  return (double)(now - newest) >= settings->backup_interval_hours * 3600000.0;
}

static void turn_backup(struct housekeeping *housekeeping, struct server *server, int64_t now) {
  struct problem problem;
  struct api_backup made;
  problem_clear(&problem);
  if (!housekeeping->is_backup) {
    if (!is_backup_due(housekeeping, &server->app->settings, now)) return;
    housekeeping->tried_ms = now;
    housekeeping->is_backup = server_start_backup(server, &problem) == STATUS_OK;
    return;
  }
  enum status status = server_take_backup(server, &made, &problem);
  if (status == STATUS_IN_USE) return;
  housekeeping->is_backup = false;
  if (!status) remove_old_backups(&server->app->settings, now);
}

/* ---- the turn ---- */

void housekeeping_turn(struct housekeeping *housekeeping, struct server *server) {
  int64_t now = server->clock->now_ms(server->clock->self);
  if (now - housekeeping->looked_ms < LOOK_MS) return;
  for (int i = 0; i < DAILY_COUNT; i++) {
    if (housekeeping_is_due(housekeeping->looked_ms, now, dailies[i].minute)) housekeeping->is_due[i] = true;
  }
  housekeeping->looked_ms = now;
  end_daily(housekeeping);
  for (int i = 0; i < DAILY_COUNT && housekeeping->pid == 0; i++) {
    if (housekeeping->is_due[i]) begin_daily(housekeeping, server, i);
  }
  turn_backup(housekeeping, server, now);
}

void housekeeping_close(struct housekeeping *housekeeping) {
  if (housekeeping == NULL) return;
  if (housekeeping->pid != 0) {
    kill(housekeeping->pid, SIGTERM);
    waitpid(housekeeping->pid, NULL, 0);
  }
  free(housekeeping);
}
