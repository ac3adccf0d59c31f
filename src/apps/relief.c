#include "apps/relief.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log_files.h"
#include "base/text.h"
#include "runner/memory_snapshot.h"

static int64_t now_ms(const struct relief *relief) {
  return relief->clock->now_ms(relief->clock->self);
}

/* ---- background runs ---- */

static void limit_runs(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  int count = *relief->pool != NULL ? run_pool_limit(*relief->pool, true) : 0;
  snprintf(text, size, "one background run at once; %d have the lowest priority now", count);
}

static void unlimit_runs(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  if (*relief->pool != NULL) (void)run_pool_limit(*relief->pool, false);
  snprintf(text, size, "as many background runs at once as before; new ones have their priority");
}

/* Several resources may ask for it: they go on when none does any more. */
static void pause_runs(void *self, char *text, size_t size) {
  struct relief *relief = self;
  bool is_first = relief->pauses++ == 0 && *relief->pool != NULL;
  snprintf(text, size, "%d background runs stand still, none begins", is_first ? run_pool_pause(*relief->pool, true) : 0);
}

static void resume_runs(void *self, char *text, size_t size) {
  struct relief *relief = self;
  bool is_last = --relief->pauses == 0 && *relief->pool != NULL;
  int count = is_last ? run_pool_pause(*relief->pool, false) : 0;
  snprintf(text, size, is_last ? "%d background runs go on" : "%d background runs go on: another resource is short", count);
}

/* ---- the live feed ---- */

static void slow_feed(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  if (*relief->api != NULL) api_relieve_feed(*relief->api, true);
  snprintf(text, size, "newest values go out half as often");
}

static void unslow_feed(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  if (*relief->api != NULL) api_relieve_feed(*relief->api, false);
  snprintf(text, size, "newest values go out as often as before");
}

static void close_reader(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  bool is_closed = *relief->api != NULL && api_close_slowest_reader(*relief->api);
  snprintf(text, size, is_closed ? "the WebSocket with most waiting was closed" : "nothing waits for a reader");
}

/* ---- memory and disk ---- */

static void free_memory(void *self, char *text, size_t size) {
  (void)self;
  snprintf(text, size, malloc_trim(0) == 1 ? "memory was given back to the system" : "there was none to give back");
}

static void write_snapshot(void *self, char *text, size_t size) {
  struct relief *relief = self;
  const struct settings *settings = relief->settings;
  struct memory_snapshot snapshot;
  struct problem problem;
  problem_clear(&problem);
  enum status status = memory_snapshot_write(settings->reports_dir, settings->data_dir, now_ms(relief), &snapshot, &problem);
  snprintf(text, size, "%.100s", status ? problem.items[0].message : snapshot.file);
}

static void clean_logs(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  const struct settings *settings = relief->settings;
  struct log_cleanup cleanup = {.now_ms = now_ms(relief), .days = settings->log_retention_days, .max_mb = settings->log_max_total_mb};
  struct log_files *files = calloc(1, sizeof *files);
  if (files == NULL || !settings->log_to_file) {
    snprintf(text, size, "there are no log files");
  } else if (log_files_cleanup(files, settings->log_dir, &cleanup, NULL) != STATUS_OK) {
    snprintf(text, size, "some log files could not be handled");
  } else {
    snprintf(text, size, "%d log files compressed, %d deleted", cleanup.compressed, cleanup.deleted);
  }
  free(files);
}

static void delete_expired_backups(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  const struct settings *settings = relief->settings;
  DIR *list = opendir(settings->backup_dir);
  char path[1024];
  struct stat info;
  int deleted = 0;
  for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL; entry = readdir(list)) {
    size_t length = strlen(entry->d_name);
    bool is_backup = strncmp(entry->d_name, "backup-", 7) == 0 && length > 14 && strcmp(entry->d_name + length - 7, ".tar.gz") == 0;
    snprintf(path, sizeof path, "%.700s/%.255s", settings->backup_dir, entry->d_name);
    if (!is_backup || stat(path, &info) != 0) continue;
    int64_t age_ms = now_ms(relief) - (int64_t)info.st_mtim.tv_sec * 1000;
    if (age_ms > settings->backup_retention_days * INT64_C(86400000) && unlink(path) == 0) ++deleted;
  }
  if (list != NULL) closedir(list);
  snprintf(text, size, "%d backups older than %d days deleted", deleted, settings->backup_retention_days);
}

static void compress_journal(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  bool is_done = *relief->journal != NULL && journal_compress_old(*relief->journal, relief->event_now(relief->self));
  snprintf(text, size, is_done ? "the oldest closed segment was compressed" : "no closed segment is older than a day");
}

static void hold_entries(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  relief->hold_entries(relief->self, true, text, size);
}

static void release_entries(void *self, char *text, size_t size) {
  const struct relief *relief = self;
  relief->hold_entries(relief->self, false, text, size);
}

/* ---- the table ---- */

static const struct resource_action actions[] = {
    {RESOURCE_CPU, RESOURCE_WARNING, "limit background runs", limit_runs, unlimit_runs, NULL},
    {RESOURCE_CPU, RESOURCE_MAX, "pause background runs", pause_runs, resume_runs, NULL},
    {RESOURCE_CPU, RESOURCE_MAX, "halve the feed's rates", slow_feed, unslow_feed, NULL},
    {RESOURCE_MEMORY, RESOURCE_WARNING, "give memory back", free_memory, NULL, NULL},
    {RESOURCE_MEMORY, RESOURCE_MAX, "memory snapshot", write_snapshot, NULL, NULL},
    {RESOURCE_MEMORY, RESOURCE_MAX, "pause background runs", pause_runs, resume_runs, NULL},
    {RESOURCE_MEMORY, RESOURCE_MAX, "close the slowest reader", close_reader, NULL, NULL},
    {RESOURCE_DISK, RESOURCE_WARNING, "clean logs", clean_logs, NULL, NULL},
    {RESOURCE_DISK, RESOURCE_WARNING, "compress the journal", compress_journal, NULL, NULL},
    {RESOURCE_DISK, RESOURCE_MAX, "delete expired backups", delete_expired_backups, NULL, NULL},
    {RESOURCE_DISK, RESOURCE_FLOOR, "no new entries", hold_entries, release_entries, NULL},
    {RESOURCE_THREADS, RESOURCE_WARNING, "pause background runs", pause_runs, resume_runs, NULL},
};

void relief_add(struct relief *relief, struct resource_options *options) {
  for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
    check(options->action_count < RESOURCE_ACTIONS_MAX);
    struct resource_action *action = &options->actions[options->action_count++];
    *action = actions[i];
    action->self = relief;
  }
}
