#include "apps/backup.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/store/migrations.h"
#include "adapters/store/trade_digest.h"
#include "apps/tar.h"
#include "base/calendar.h"
#include "base/digest.h"
#include "base/folder.h"
#include "base/text.h"
#include "base/version.h"
#include "runner/journal.h"

enum { PATH_BYTES = 1024, MANIFEST_BYTES_MAX = 16 << 20 };

static const char *const counted_tables[] = {"sessions",  "orders",       "fills",      "positions", "trades",
                                             "decisions", "equity_curve", "cash_flows", "commands",  "audit"};
enum { COUNTED = sizeof counted_tables / sizeof counted_tables[0] };

static void stamp_text(int64_t ts, char *out, size_t size) {
  struct calendar at;
  calendar_from_ms(ts, &at);
  snprintf(out, size, "%04d%02d%02d-%02d%02d%02d", at.year, at.month, at.day, at.hour, at.minute, at.second);
}

static enum status refuse(struct problem *problem, const char *path, const char *what, int error) {
  problem_add(problem, "backup_failed", path, NULL, NULL, "%s: %s", what, strerror(error));
  return status_from_errno(error);
}

/* ---- making ---- */

struct making {
  struct app *app;
  struct tar_writer tar;
  struct json_writer manifest; /* inside the array of files */
  struct backup_result *result;
  int64_t mtime_s;
};

static enum status add_member(struct making *making, const char *name, const char *path) {
  char digest[DIGEST_TEXT_MAX];
  struct stat info;
  if (stat(path, &info) != 0) return errno == ENOENT ? STATUS_OK : refuse(&making->app->problem, path, "the file cannot be read", errno);
  enum status status = tar_add_file(&making->tar, name, path, info.st_size, info.st_mtim.tv_sec, digest, &making->app->problem);
  if (status != STATUS_OK) return status;
  json_begin_object(&making->manifest, NULL);
  json_add_string(&making->manifest, "name", name);
  json_add_int(&making->manifest, "bytes", info.st_size);
  json_add_string(&making->manifest, "sha256", digest);
  json_end_object(&making->manifest);
  making->result->files++;
  return STATUS_OK;
}

static bool ends_with(const char *name, const char *ending) {
  size_t length = strlen(name), count = strlen(ending);
  return length > count && text_equal(name + length - count, ending);
}

/* Regular files of a folder with one of the endings, by name. */
static enum status add_folder(struct making *making, const char *prefix, const char *folder, const char *ending, const char *other) {
  struct dirent **entries = NULL;
  char path[PATH_BYTES], name[TAR_NAME_MAX + 256];
  int count = scandir(folder, &entries, NULL, alphasort);
  enum status status = STATUS_OK;
  if (count < 0) return errno == ENOENT ? STATUS_OK : refuse(&making->app->problem, folder, "the folder cannot be read", errno);
  for (int i = 0; i < count; i++) {
    if (status == STATUS_OK && (ends_with(entries[i]->d_name, ending) || ends_with(entries[i]->d_name, other))) {
      snprintf(path, sizeof path, "%.700s/%.255s", folder, entries[i]->d_name);
      snprintf(name, sizeof name, "%s/%.255s", prefix, entries[i]->d_name);
      /* A segment of the journal may have been compressed since it was listed. */
      if (ends_with(name, ending) && access(path, F_OK) != 0 && ends_with(other, ".gz")) {
        strncat(path, ".gz", sizeof path - strlen(path) - 1);
        strncat(name, ".gz", sizeof name - strlen(name) - 1);
      }
      status = add_member(making, name, path);
    }
    free(entries[i]);
  }
  free(entries);
  return status;
}

/* Names of the settings that differ from their defaults; no values, because some are secret. */
static enum status add_settings(struct making *making) {
  struct buffer text = {0};
  struct json_writer writer;
  json_writer_init(&writer, &text, true);
  json_begin_array(&writer, NULL);
  for (int i = 0; i < SETTING_COUNT; i++) {
    if (making->app->settings.source[i] != SETTING_FROM_DEFAULT) json_add_string(&writer, NULL, setting_table[i].name);
  }
  json_end_array(&writer);
  enum status status = tar_add_bytes(&making->tar, "settings.json", text.data, text.length, making->mtime_s, &making->app->problem);
  buffer_deinit(&text);
  return status;
}

static enum status add_digests(struct making *making, struct database *database) {
  struct trade_digest digest;
  enum status status = trade_digest_read(&digest, database, &making->app->problem);
  if (status != STATUS_OK) return status;
  json_begin_object(&making->manifest, "digests");
  for (int i = 0; i < TRADE_TABLES; i++) json_add_string(&making->manifest, trade_table_names[i], digest.tables[i]);
  json_end_object(&making->manifest);
  text_copy(making->result->trades_sha256, sizeof making->result->trades_sha256, digest.all);
  return STATUS_OK;
}

static enum status add_counts(struct making *making, const char *copy) {
  struct database database;
  char sql[96];
  enum status status = database_open(&database, copy, DATABASE_FOR_READING, DATABASE_BUSY_MS, &making->app->problem);
  if (status != STATUS_OK) return status;
  status = migrations_check(&store_schema, &database, &making->result->schema_version, &making->app->problem);
  json_begin_object(&making->manifest, "rows");
  for (int i = 0; i < COUNTED && status == STATUS_OK && making->result->schema_version > 0; i++) {
    int64_t count = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", counted_tables[i]);
    status = database_read_int(&database, sql, 0, &count, &making->app->problem);
    json_add_int(&making->manifest, counted_tables[i], count);
  }
  json_end_object(&making->manifest);
  if (status == STATUS_OK && making->result->schema_version > 0) status = add_digests(making, &database);
  database_close(&database);
  return status;
}

static enum status add_contents(struct making *making, const char *copy) {
  const struct settings *settings = &making->app->settings;
  char folder[PATH_BYTES];
  enum status status = add_member(making, "database.db", copy);
  snprintf(folder, sizeof folder, "%.900s/snapshots", settings->data_dir);
  if (status == STATUS_OK) status = add_folder(making, "snapshots", folder, ".bbs", ".bbs");
  snprintf(folder, sizeof folder, "%.900s/journal", settings->data_dir);
  if (status == STATUS_OK) status = add_folder(making, "journal", folder, ".bbj", ".bbj.gz");
  if (status == STATUS_OK) status = add_folder(making, "presets", settings->presets_dir, ".json", ".json");
  return status == STATUS_OK ? add_settings(making) : status;
}

/* All of it goes on meanwhile. The journal goes last: a restart needs one that reaches further than the snapshots and the tables. */
static enum status fill(struct making *making, const char *copy) {
  struct buffer manifest = {0};
  json_writer_init(&making->manifest, &manifest, true);
  json_begin_object(&making->manifest, NULL);
  json_add_string(&making->manifest, "version", version_text());
  json_add_int(&making->manifest, "ts", making->result->ts_ms);
  json_add_int(&making->manifest, "seq", (int64_t)making->result->seq);
  json_begin_array(&making->manifest, "files");
  enum status status = add_contents(making, copy);
  json_end_array(&making->manifest);
  if (status == STATUS_OK) status = add_counts(making, copy);
  json_add_int(&making->manifest, "schema_version", making->result->schema_version);
  json_end_object(&making->manifest);
  if (status == STATUS_OK)
    status = tar_add_bytes(&making->tar, "manifest.json", manifest.data, manifest.length, making->mtime_s, &making->app->problem);
  buffer_deinit(&manifest);
  return status;
}

static enum status write_archive(struct app *app, const char *tar, const char *copy, struct backup_result *result) {
  struct making making = {.app = app, .result = result, .mtime_s = result->ts_ms / SECOND_MS};
  enum status status = tar_create(&making.tar, tar, &app->problem);
  if (status != STATUS_OK) return status;
  status = fill(&making, copy);
  if (status != STATUS_OK) {
    tar_abandon(&making.tar);
    return status;
  }
  status = tar_finish(&making.tar, &app->problem);
  if (status == STATUS_OK) status = gzip_file(tar, &app->problem);
  if (status != STATUS_OK) unlink(tar);
  return status;
}

static enum status hash_file(const char *path, char digest[DIGEST_TEXT_MAX], int64_t *bytes, struct problem *problem) {
  unsigned char chunk[65536];
  struct digest sum;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return refuse(problem, path, "the file cannot be read", errno);
  *bytes = 0;
  digest_open(&sum);
  for (size_t count; (count = fread(chunk, 1, sizeof chunk, file)) > 0;) {
    digest_add(&sum, chunk, count);
    *bytes += (int64_t)count;
  }
  bool is_good = ferror(file) == 0;
  fclose(file);
  digest_read(&sum, digest);
  digest_close(&sum);
  return is_good ? STATUS_OK : refuse(problem, path, "the file cannot be read", EIO);
}

/* Remembered in the database that was saved; a backup that cannot be noted is still one. */
static void remember(const char *database_path, const struct backup_result *result) {
  struct database database;
  struct database_statement insert = {0};
  if (database_open(&database, database_path, DATABASE_FOR_WRITING, DATABASE_BUSY_MS, NULL) != STATUS_OK) return;
  if (database_prepare(&database, &insert,
                       "INSERT OR REPLACE INTO backups(file, ts, bytes, sha256, schema_version, verified_at) VALUES(?, ?, ?, ?, ?, ?)",
                       NULL) == STATUS_OK) {
    database_bind_text(&insert, 1, result->file);
    database_bind_int(&insert, 2, result->ts_ms);
    database_bind_int(&insert, 3, result->bytes);
    database_bind_text(&insert, 4, result->sha256);
    database_bind_int(&insert, 5, result->schema_version);
    if (result->is_verified) database_bind_int(&insert, 6, app_now_ms());
    if (database_step(&insert, NULL) != STATUS_END) fprintf(stderr, "warning: the backup could not be noted in the database\n");
  }
  database_finish(&insert);
  database_close(&database);
}

static enum status choose_names(struct app *app, const char *out, struct backup_result *result, char *tar, size_t size) {
  char stamp[32];
  stamp_text(result->ts_ms, stamp, sizeof stamp);
  if (out == NULL) {
    if (mkdir(app->settings.backup_dir, 0700) != 0 && errno != EEXIST)
      return refuse(&app->problem, app->settings.backup_dir, "the folder cannot be made", errno);
    snprintf(tar, size, "%.900s/backup-%s.tar", app->settings.backup_dir, stamp);
  } else if (ends_with(out, ".tar.gz")) {
    snprintf(tar, size, "%.*s", (int)(strlen(out) - 3), out);
  } else {
    problem_add(&app->problem, "bad_parameter", "output", out, "NAME.tar.gz", "a backup is a .tar.gz");
    return STATUS_BAD_CONFIG;
  }
  snprintf(result->file, sizeof result->file, "%.1000s.gz", tar);
  if (access(result->file, F_OK) != 0) return STATUS_OK;
  problem_add(&app->problem, "exists", result->file, NULL, NULL, "the file is there already");
  return STATUS_IN_USE;
}

/* One that does not pass (the journal may have been damaged before) is kept, under a name that nobody takes for a backup. */
static enum status verify_made(struct app *app, const struct backup_result *result) {
  char aside[PATH_BYTES + 16];
  enum status status = backup_verify(result->file, &app->problem);
  if (status == STATUS_OK) return status;
  snprintf(aside, sizeof aside, "%s.unverified", result->file);
  if (rename(result->file, aside) == 0) problem_add(&app->problem, "unverified", aside, NULL, NULL, "what was made is here, and is no backup");
  return status;
}

enum status backup_make(struct app *app, const char *database_path, const char *out, bool is_verified, struct backup_result *result) {
  char tar[PATH_BYTES], copy[PATH_BYTES + 8];
  struct database database;
  struct journal_report report = {0};
  struct problem unused;
  problem_clear(&unused);
  *result = (struct backup_result){.ts_ms = app_now_ms()};
  enum status status = choose_names(app, out, result, tar, sizeof tar);
  if (status != STATUS_OK) return status;
  /* A damaged journal is saved as it is: the backup may be all that is left of it. */
  if (journal_verify(app->settings.data_dir, NULL, &report, &unused) == STATUS_OK) result->seq = report.last_seq;
  snprintf(copy, sizeof copy, "%s.db", tar);
  status = database_open(&database, database_path, DATABASE_FOR_READING, DATABASE_BUSY_MS, &app->problem);
  if (status != STATUS_OK) return status;
  status = database_copy(&database, copy, &app->problem);
  database_close(&database);
  if (status == STATUS_OK) status = write_archive(app, tar, copy, result);
  unlink(copy);
  if (status == STATUS_OK) status = hash_file(result->file, result->sha256, &result->bytes, &app->problem);
  if (status == STATUS_OK && is_verified) status = verify_made(app, result);
  if (status != STATUS_OK) return status;
  result->is_verified = is_verified;
  remember(database_path, result);
  return STATUS_OK;
}

/* ---- checking ---- */

static enum status reject(struct problem *problem, const char *path, const char *what) {
  problem_add(problem, "bad_backup", path, NULL, NULL, "%s", what);
  return STATUS_CORRUPT;
}

static enum status check_files(const char *folder, const struct json *files, struct problem *problem) {
  char path[PATH_BYTES], digest[DIGEST_TEXT_MAX];
  if (files == NULL || json_kind(files) != JSON_ARRAY) return reject(problem, "manifest.json", "the manifest lists no files");
  for (size_t i = 0; i < json_size(files); i++) {
    const struct json *name = json_member(json_item(files, i), "name"), *wanted = json_member(json_item(files, i), "sha256");
    int64_t bytes;
    if (name == NULL || wanted == NULL || json_kind(name) != JSON_STRING || json_kind(wanted) != JSON_STRING)
      return reject(problem, "manifest.json", "the manifest is not one of ours");
    snprintf(path, sizeof path, "%.700s/%.200s", folder, json_string(name));
    enum status status = hash_file(path, digest, &bytes, problem);
    if (status != STATUS_OK) return status;
    if (!text_equal(digest, json_string(wanted))) return reject(problem, json_string(name), "the file differs from the manifest");
  }
  return STATUS_OK;
}

static bool is_listed(const struct json *files, const char *name) {
  if (text_equal(name, "manifest.json") || text_equal(name, "settings.json")) return true;
  for (size_t i = 0; i < json_size(files); i++) {
    if (text_equal(json_string(json_member(json_item(files, i), "name")), name)) return true;
  }
  return false;
}

/* What the manifest does not list was never vouched for. `inside`: the folder within the archive, "" the archive itself. */
static enum status check_unlisted(const char *folder, const char *inside, const struct json *files, struct problem *problem) {
  char path[PATH_BYTES], name[PATH_BYTES];
  struct stat info;
  enum status status = STATUS_OK;
  snprintf(path, sizeof path, "%.700s/%.200s", folder, inside);
  DIR *list = opendir(path);
  if (list == NULL) return refuse(problem, path, "the folder cannot be read", errno);
  for (struct dirent *entry; status == STATUS_OK && (entry = readdir(list)) != NULL;) {
    if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, "..")) continue;
    snprintf(name, sizeof name, "%.200s%s%.255s", inside, inside[0] != '\0' ? "/" : "", entry->d_name);
    snprintf(path, sizeof path, "%.500s/%.500s", folder, name);
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
      status = check_unlisted(folder, name, files, problem);
    } else if (!is_listed(files, name)) {
      status = reject(problem, name, "the archive has a file that its manifest does not list");
    }
  }
  closedir(list);
  return status;
}

struct count_check {
  struct database *database;
  struct problem *problem;
  enum status status;
};

static void check_count(void *context, const char *table, const struct json *value) {
  struct count_check *check = context;
  char sql[96];
  int64_t count = 0;
  if (check->status != STATUS_OK || store_table_find(table) == NULL || json_kind(value) != JSON_INT) return;
  snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
  check->status = database_read_int(check->database, sql, 0, &count, check->problem);
  if (check->status == STATUS_OK && count != json_int(value))
    check->status = reject(check->problem, table, "the table has another number of rows than the manifest says");
}

/* Backups of before there were digests have none. */
static enum status check_digests(struct database *database, const struct json *wanted, struct problem *problem) {
  struct trade_digest digest;
  if (wanted == NULL) return STATUS_OK;
  enum status status = trade_digest_read(&digest, database, problem);
  for (int i = 0; i < TRADE_TABLES && status == STATUS_OK; i++) {
    const struct json *text = json_kind(wanted) == JSON_OBJECT ? json_member(wanted, trade_table_names[i]) : NULL;
    if (text == NULL || json_kind(text) != JSON_STRING || !text_equal(json_string(text), digest.tables[i]))
      status = reject(problem, trade_table_names[i], "the rows of the table are not those that the manifest tells of");
  }
  return status;
}

static enum status check_database(const char *folder, const struct json *manifest, struct problem *problem) {
  char path[PATH_BYTES];
  struct database database;
  int version;
  snprintf(path, sizeof path, "%.900s/database.db", folder);
  enum status status = database_open(&database, path, DATABASE_FOR_READING, DATABASE_BUSY_MS, problem);
  if (status != STATUS_OK) return status;
  status = database_check(&database, problem);
  if (status == STATUS_OK) status = migrations_check(&store_schema, &database, &version, problem);
  const struct json *rows = json_member(manifest, "rows");
  if (status == STATUS_OK && rows != NULL && json_kind(rows) == JSON_OBJECT) {
    struct count_check check = {&database, problem, STATUS_OK};
    json_each(rows, check_count, &check);
    status = check.status;
  }
  if (status == STATUS_OK) status = check_digests(&database, json_member(manifest, "digests"), problem);
  database_close(&database);
  return status;
}

static enum status check_folder(const char *folder, struct problem *problem) {
  char path[PATH_BYTES];
  struct buffer text = {0};
  struct journal_report report;
  snprintf(path, sizeof path, "%.900s/manifest.json", folder);
  enum status status = buffer_read_file(&text, path, MANIFEST_BYTES_MAX, problem);
  if (status != STATUS_OK) return status;
  struct json *manifest = json_parse(text.data, text.length, JSON_STRICT, "manifest.json", problem);
  buffer_deinit(&text);
  if (manifest == NULL || json_kind(manifest) != JSON_OBJECT) {
    json_free(manifest);
    return reject(problem, path, "the manifest is not one of ours");
  }
  status = check_files(folder, json_member(manifest, "files"), problem);
  if (status == STATUS_OK) status = check_unlisted(folder, "", json_member(manifest, "files"), problem);
  if (status == STATUS_OK) status = check_database(folder, manifest, problem);
  snprintf(path, sizeof path, "%.900s/journal", folder);
  if (status == STATUS_OK && access(path, F_OK) == 0) status = journal_verify(folder, NULL, &report, problem);
  json_free(manifest);
  return status == STATUS_NO_DATA ? STATUS_OK : status;
}

static enum status unpack(const char *file, char *folder, struct problem *problem) {
  if (mkdtemp(folder) == NULL) return refuse(problem, folder, "a temporary folder cannot be made", errno);
  enum status status = tar_unpack(file, folder, problem);
  if (status == STATUS_OK) status = check_folder(folder, problem);
  if (status != STATUS_OK) (void)folder_remove(folder);
  return status;
}

enum status backup_verify(const char *file, struct problem *problem) {
  char folder[PATH_BYTES];
  snprintf(folder, sizeof folder, "%.900s.verify-XXXXXX", file);
  enum status status = unpack(file, folder, problem);
  if (status == STATUS_OK) (void)folder_remove(folder);
  return status;
}

/* ---- restoring ---- */

/* Live positions that are open now and unknown to the backup would be left alone at the venue. */
static enum status check_positions(const char *database_path, const char *folder, struct problem *problem) {
  struct database database;
  char sql[PATH_BYTES + 64];
  int64_t unknown = 0;
  if (access(database_path, F_OK) != 0) return STATUS_OK;
  enum status status = database_open(&database, database_path, DATABASE_FOR_READING, DATABASE_BUSY_MS, NULL);
  if (status != STATUS_OK) return STATUS_OK; /* a damaged database is why one restores */
  snprintf(sql, sizeof sql, "ATTACH '%.900s/database.db' AS saved", folder);
  status = strchr(folder, '\'') == NULL ? database_run(&database, sql, NULL) : STATUS_FAILED;
  if (status == STATUS_OK) {
    status = database_read_int(&database,
                               "SELECT count(*) FROM main.positions WHERE mode = 'live' AND state <> 'closed' AND position_id NOT IN (SELECT "
                               "position_id FROM saved.positions)",
                               0, &unknown, NULL);
  }
  database_close(&database);
  if (status != STATUS_OK || unknown == 0) return STATUS_OK;
  problem_add(problem, "open_positions", database_path, NULL, "--force", "%lld live positions are open that the backup does not know",
              (long long)unknown);
  return STATUS_FAILED;
}

static enum status move(const char *from, const char *to, struct problem *problem) {
  if (rename(from, to) == 0 || errno == ENOENT) return STATUS_OK;
  return refuse(problem, from, "it cannot be moved", errno);
}

/* The database with what SQLite keeps beside it. */
static enum status move_database(const char *from, const char *to_folder, struct problem *problem) {
  static const char *const endings[] = {"", "-wal", "-shm"};
  char source[PATH_BYTES], target[PATH_BYTES];
  const char *name = strrchr(from, '/') != NULL ? strrchr(from, '/') + 1 : from;
  enum status status = STATUS_OK;
  for (int i = 0; i < 3 && status == STATUS_OK; i++) {
    snprintf(source, sizeof source, "%.900s%s", from, endings[i]);
    snprintf(target, sizeof target, "%.700s/%.200s%s", to_folder, name, endings[i]);
    status = move(source, target, problem);
  }
  return status;
}

static enum status put_presets(struct app *app, const char *folder, const char *before) {
  char from[PATH_BYTES], to[PATH_BYTES], kept[PATH_BYTES];
  struct dirent **entries = NULL;
  enum status status = STATUS_OK;
  snprintf(from, sizeof from, "%.900s/presets", folder);
  snprintf(kept, sizeof kept, "%.900s/presets", before);
  int count = scandir(from, &entries, NULL, alphasort);
  if (count > 0 && mkdir(kept, 0700) != 0 && errno != EEXIST) status = refuse(&app->problem, kept, "the folder cannot be made", errno);
  for (int i = 0; i < count; i++) {
    if (status == STATUS_OK && ends_with(entries[i]->d_name, ".json")) {
      struct buffer content = {0};
      snprintf(from, sizeof from, "%.700s/presets/%.255s", folder, entries[i]->d_name);
      snprintf(to, sizeof to, "%.700s/%.255s", app->settings.presets_dir, entries[i]->d_name);
      snprintf(kept, sizeof kept, "%.700s/presets/%.255s", before, entries[i]->d_name);
      status = buffer_read_file(&content, from, MANIFEST_BYTES_MAX, &app->problem);
      if (status == STATUS_OK) status = move(to, kept, &app->problem);
      if (status == STATUS_OK) status = buffer_write_file(&content, to, 0644, &app->problem);
      buffer_deinit(&content);
    }
    free(entries[i]);
  }
  free(entries);
  return status;
}

static enum status put_in_place(struct app *app, const char *database_path, const char *folder, const char *before) {
  static const char *const parts[] = {"journal", "snapshots"};
  const char *data = app->settings.data_dir;
  char from[PATH_BYTES], to[PATH_BYTES];
  enum status status = mkdir(before, 0700) == 0 ? STATUS_OK : refuse(&app->problem, before, "the folder cannot be made", errno);
  if (status == STATUS_OK) status = move_database(database_path, before, &app->problem);
  for (int i = 0; i < 2 && status == STATUS_OK; i++) {
    snprintf(from, sizeof from, "%.900s/%s", data, parts[i]);
    snprintf(to, sizeof to, "%.900s/%s", before, parts[i]);
    status = move(from, to, &app->problem);
    snprintf(to, sizeof to, "%.900s/%s", folder, parts[i]);
    if (status == STATUS_OK) status = move(to, from, &app->problem);
  }
  snprintf(from, sizeof from, "%.900s/database.db", folder);
  if (status == STATUS_OK) status = move(from, database_path, &app->problem);
  return status == STATUS_OK ? put_presets(app, folder, before) : status;
}

static enum status read_digest(const char *path, struct trade_digest *digest, struct problem *problem) {
  struct database database;
  int version = 0;
  enum status status = database_open(&database, path, DATABASE_FOR_READING, DATABASE_BUSY_MS, problem);
  *digest = (struct trade_digest){0};
  if (status != STATUS_OK) return status;
  status = migrations_check(&store_schema, &database, &version, problem);
  if (status == STATUS_OK && version > 0) status = trade_digest_read(digest, &database, problem);
  database_close(&database);
  return status;
}

/* The schema of this program, and nobody who holds a lease: whoever had it when the backup was made is long gone. */
static enum status bring_up(const char *database_path, struct problem *problem) {
  struct database database;
  enum status status = database_open(&database, database_path, DATABASE_FOR_WRITING, DATABASE_BUSY_MS, problem);
  if (status != STATUS_OK) return status;
  status = migrations_run(&store_schema, &database, migrations_newest(&store_schema), app_now_ms(), problem);
  if (status == STATUS_OK) status = database_run(&database, "DELETE FROM leases", problem);
  database_close(&database);
  return status;
}

enum status backup_restore(struct app *app, const char *database_path, const char *file, bool is_forced, char *before, size_t size) {
  char folder[PATH_BYTES], saved[PATH_BYTES], stamp[32];
  struct trade_digest wanted, restored;
  stamp_text(app_now_ms(), stamp, sizeof stamp);
  if (mkdir(app->settings.data_dir, 0755) != 0 && errno != EEXIST)
    return refuse(&app->problem, app->settings.data_dir, "the folder cannot be made", errno);
  snprintf(folder, sizeof folder, "%.900s/restore-XXXXXX", app->settings.data_dir);
  snprintf(before, size, "%.900s.before-restore-%s", app->settings.data_dir, stamp);
  enum status status = unpack(file, folder, &app->problem);
  if (status != STATUS_OK) return status;
  snprintf(saved, sizeof saved, "%.900s/database.db", folder);
  status = read_digest(saved, &wanted, &app->problem);
  if (status == STATUS_OK && !is_forced) status = check_positions(database_path, folder, &app->problem);
  if (status == STATUS_OK) status = put_in_place(app, database_path, folder, before);
  (void)folder_remove(folder);
  if (status == STATUS_OK) status = bring_up(database_path, &app->problem);
  if (status == STATUS_OK) status = read_digest(database_path, &restored, &app->problem);
  if (status == STATUS_OK && wanted.all[0] != '\0' && !text_equal(wanted.all, restored.all))
    status = reject(&app->problem, database_path, "the trades are not those of the backup");
  return status;
}
