#include "adapters/store/database.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

static enum status status_of_io(sqlite3 *handle) {
  int error = handle != NULL ? sqlite3_system_errno(handle) : 0;
  if (error == ENOSPC || error == EDQUOT) return STATUS_NO_SPACE;
  if (error == EROFS) return STATUS_READ_ONLY;
  if (error == EACCES || error == EPERM) return STATUS_NO_PERMISSION;
  return STATUS_IO_FAILED;
}

static enum status status_of(sqlite3 *handle, int code) {
  switch (code & 0xff) {
    case SQLITE_OK:
      return STATUS_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return STATUS_IN_USE;
    case SQLITE_FULL:
      return STATUS_NO_SPACE;
    case SQLITE_READONLY:
      return STATUS_READ_ONLY;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return STATUS_NO_PERMISSION;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return STATUS_CORRUPT;
    case SQLITE_NOMEM:
      return STATUS_NO_MEMORY;
    case SQLITE_CONSTRAINT:
      return code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_ROWID ? STATUS_EXISTS
                                                                                                                         : STATUS_BAD_INPUT;
    case SQLITE_INTERRUPT:
      return STATUS_TIMED_OUT;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return status_of_io(handle);
    default:
      return STATUS_FAILED;
  }
}

/* One sentence that a person can act on. */
static enum status refuse(const struct database *database, int code, const char *message, struct problem *problem) {
  enum status status = status_of(database->handle, code);
  if (status == STATUS_CORRUPT) {
    problem_add(problem, "database_corrupt", database->path, NULL, NULL,
                "the database is damaged (%s); 'breakout db rebuild' makes it again from the journal", message);
  } else if (status == STATUS_IN_USE) {
    problem_add(problem, "database_locked", database->path, NULL, NULL, "another process keeps the database locked");
  } else if (status == STATUS_TIMED_OUT) {
    problem_add(problem, "too_wide", database->path, NULL, NULL, "the question takes too long: ask for less, by time or by symbol");
  } else if (status == STATUS_EXISTS) {
    problem_add(problem, "already_exists", database->path, NULL, NULL, "there is such a row: %s", message);
  } else if (status == STATUS_NO_SPACE) {
    problem_add(problem, "database_full", database->path, NULL, NULL, "there is no space left for the database");
  } else {
    problem_add(problem, "database_failed", database->path, NULL, NULL, "%s", message);
  }
  return status;
}

static enum status refuse_last(const struct database *database, int code, struct problem *problem) {
  return refuse(database, code, sqlite3_errmsg(database->handle), problem);
}

/* The folder of the file, with its parents. */
static enum status make_folder(const char *path, struct problem *problem) {
  char folder[DATABASE_PATH_MAX];
  text_copy(folder, sizeof folder, path);
  for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    if (mkdir(folder, 0755) != 0 && errno != EEXIST) {
      problem_add(problem, "database_failed", folder, NULL, NULL, "the folder of the database cannot be made: %s", strerror(errno));
      return status_from_errno(errno);
    }
    *slash = '/';
  }
  return STATUS_OK;
}

/* SQLite says "unable to open database file" to all of these. */
static enum status check_file(const char *path, enum database_mode mode, struct problem *problem) {
  enum { SMALLEST_PAGE = 512 };
  struct stat info;
  int wanted = mode == DATABASE_FOR_READING ? R_OK : R_OK | W_OK;
  if (access(path, wanted) != 0) {
    if (mode == DATABASE_MADE && errno == ENOENT) return STATUS_OK;
    enum status status = status_from_errno(errno);
    problem_add(problem, "database_failed", path, NULL, NULL, "the database cannot be opened: %s", strerror(errno));
    return status;
  }
  /* SQLite takes a few bytes for an empty database and would write over them. */
  if (stat(path, &info) != 0 || info.st_size == 0 || info.st_size >= SMALLEST_PAGE) return STATUS_OK;
  problem_add(problem, "database_corrupt", path, NULL, NULL, "the database is cut; 'breakout db rebuild' makes it again from the journal");
  return STATUS_CORRUPT;
}

/* The file holds hashes of passwords and tokens: it is its owner's alone, whatever the umask. Never opened when it is there already: closing it would
 * drop the locks of this process's other connections. SQLite gives its companions (-wal, -shm) the same mode. */
static void keep_private(const char *path) {
  struct stat info;
  if (stat(path, &info) == 0) {
    /* A file of somebody else stays as its owner made it. */
    if ((info.st_mode & 077) != 0 && info.st_uid == geteuid()) (void)chmod(path, 0600);
    return;
  }
  int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file >= 0) close(file); /* else SQLite says why */
}

static enum status configure(struct database *database, enum database_mode mode, struct problem *problem) {
  /* Reading the schema makes SQLite look at the header: a damaged file is found here and not in the middle of trading. */
  int64_t tables = 0;
  enum status status = database_run(database, "PRAGMA foreign_keys=ON", problem);
  if (status == STATUS_OK) status = database_read_int(database, "SELECT count(*) FROM sqlite_schema", 0, &tables, problem);
  if (status != STATUS_OK || mode == DATABASE_FOR_READING) return status;
  return database_run(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL", problem);
}

enum status database_open(struct database *database, const char *path, enum database_mode mode, int busy_ms, struct problem *problem) {
  *database = (struct database){0};
  if (strlen(path) >= sizeof database->path) {
    problem_add(problem, "database_failed", path, NULL, NULL, "the path of the database is too long");
    return STATUS_BAD_CONFIG;
  }
  text_copy(database->path, sizeof database->path, path);
  enum status status = mode == DATABASE_MADE ? make_folder(path, problem) : STATUS_OK;
  if (status == STATUS_OK) status = check_file(path, mode, problem);
  if (status != STATUS_OK) return status;
  if (mode == DATABASE_MADE) keep_private(path);
  int flags = mode == DATABASE_FOR_READING ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == DATABASE_MADE) flags |= SQLITE_OPEN_CREATE;
  sqlite3 *handle = NULL;
  int code = sqlite3_open_v2(path, &handle, flags | SQLITE_OPEN_EXRESCODE, NULL);
  database->handle = handle;
  if (code != SQLITE_OK) {
    status = refuse(database, code, handle != NULL ? sqlite3_errmsg(handle) : sqlite3_errstr(code), problem);
  } else {
    sqlite3_busy_timeout(handle, busy_ms);
    status = configure(database, mode, problem);
  }
  if (status != STATUS_OK) database_close(database);
  return status;
}

void database_close(struct database *database) {
  if (database->handle != NULL) sqlite3_close_v2(database->handle);
  database->handle = NULL;
}

enum status database_run(struct database *database, const char *sql, struct problem *problem) {
  int code = sqlite3_exec(database->handle, sql, NULL, NULL, NULL);
  return code == SQLITE_OK ? STATUS_OK : refuse_last(database, code, problem);
}

bool database_is_in_transaction(const struct database *database) {
  return sqlite3_get_autocommit(database->handle) == 0;
}

int64_t database_changes(const struct database *database) {
  return sqlite3_changes64(database->handle);
}

int64_t database_last_id(const struct database *database) {
  return sqlite3_last_insert_rowid(database->handle);
}

static int64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* SQLite asks now and then; not 0 interrupts the statement. */
static int is_late(void *context) {
  const struct database *database = context;
  return monotonic_ns() > database->deadline_ns;
}

void database_limit(struct database *database, int64_t budget_ms) {
  enum { STEPS_BETWEEN = 2000 };
  if (database->deadline_ns == 0) sqlite3_progress_handler(database->handle, STEPS_BETWEEN, is_late, database);
  database->deadline_ns = monotonic_ns() + budget_ms * 1000000;
}

/* Statements */

enum status database_prepare(struct database *database, struct database_statement *statement, const char *sql, struct problem *problem) {
  sqlite3_stmt *handle = NULL;
  *statement = (struct database_statement){.database = database};
  int code = sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, NULL);
  if (code != SQLITE_OK) return refuse_last(database, code, problem);
  statement->handle = handle;
  return STATUS_OK;
}

/* Binding fails for an index that the statement has not, and when memory is gone: both are ours. */
void database_bind_null(struct database_statement *statement, int index) {
  check(sqlite3_bind_null(statement->handle, index) == SQLITE_OK);
}

void database_bind_int(struct database_statement *statement, int index, int64_t value) {
  check(sqlite3_bind_int64(statement->handle, index, value) == SQLITE_OK);
}

void database_bind_real(struct database_statement *statement, int index, double value) {
  check(sqlite3_bind_double(statement->handle, index, value) == SQLITE_OK);
}

void database_bind_text(struct database_statement *statement, int index, const char *value) {
  check(sqlite3_bind_text(statement->handle, index, value, -1, SQLITE_TRANSIENT) == SQLITE_OK);
}

enum status database_step(struct database_statement *statement, struct problem *problem) {
  int code = sqlite3_step(statement->handle);
  if (code == SQLITE_ROW) return STATUS_OK;
  enum status status = code == SQLITE_DONE ? STATUS_END : refuse_last(statement->database, code, problem);
  sqlite3_reset(statement->handle);
  return status;
}

void database_reset(struct database_statement *statement) {
  sqlite3_reset(statement->handle);
}

void database_finish(struct database_statement *statement) {
  sqlite3_finalize(statement->handle);
  statement->handle = NULL;
}

int database_column_count(const struct database_statement *statement) {
  return sqlite3_column_count(statement->handle);
}

const char *database_column_name(const struct database_statement *statement, int column) {
  return sqlite3_column_name(statement->handle, column);
}

bool database_column_is_null(const struct database_statement *statement, int column) {
  return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

int64_t database_column_int(const struct database_statement *statement, int column) {
  return sqlite3_column_int64(statement->handle, column);
}

double database_column_real(const struct database_statement *statement, int column) {
  return database_column_is_null(statement, column) ? NAN : sqlite3_column_double(statement->handle, column);
}

const char *database_column_text(const struct database_statement *statement, int column) {
  const unsigned char *text = sqlite3_column_text(statement->handle, column);
  return text != NULL ? (const char *)text : "";
}

enum status database_read_int(struct database *database, const char *sql, int64_t fallback, int64_t *out, struct problem *problem) {
  struct database_statement statement;
  *out = fallback;
  enum status status = database_prepare(database, &statement, sql, problem);
  if (status != STATUS_OK) return status;
  status = database_step(&statement, problem);
  if (status == STATUS_OK && !database_column_is_null(&statement, 0)) *out = database_column_int(&statement, 0);
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}

/* Whole */

enum status database_copy(struct database *database, const char *to, struct problem *problem) {
  enum { PAGES_A_STEP = 1024, PAUSE_MS = 10, PATIENCE = 500 };
  struct database target = {0};
  sqlite3 *handle = NULL;
  text_copy(target.path, sizeof target.path, to);
  int code = sqlite3_open_v2(to, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE, NULL);
  target.handle = handle;
  sqlite3_backup *backup = code == SQLITE_OK ? sqlite3_backup_init(handle, "main", database->handle, "main") : NULL;
  if (backup != NULL) {
    /* A writer makes the copy begin again; the patience ends the contest with one that never pauses. */
    for (int i = 0; i < PATIENCE; i++) {
      code = sqlite3_backup_step(backup, i < PATIENCE / 2 ? PAGES_A_STEP : -1);
      if (code == SQLITE_OK) continue;
      if (code != SQLITE_BUSY && code != SQLITE_LOCKED) break;
      sqlite3_sleep(PAUSE_MS);
    }
    sqlite3_backup_finish(backup);
  } else if (code == SQLITE_OK) {
    code = sqlite3_errcode(handle);
  }
  enum status status = code == SQLITE_DONE ? STATUS_OK : refuse(&target, code, sqlite3_errstr(code), problem);
  /* A copy is one file: without -wal beside it. */
  if (status == STATUS_OK) status = database_run(&target, "PRAGMA journal_mode=DELETE", problem);
  database_close(&target);
  if (status != STATUS_OK) unlink(to);
  return status;
}

enum status database_check(struct database *database, struct problem *problem) {
  struct database_statement statement;
  enum status status = database_prepare(database, &statement, "PRAGMA integrity_check(1)", problem);
  if (status != STATUS_OK) return status;
  status = database_step(&statement, problem);
  if (status == STATUS_OK && !text_equal(database_column_text(&statement, 0), "ok")) {
    status = refuse(database, SQLITE_CORRUPT, database_column_text(&statement, 0), problem);
  }
  database_finish(&statement);
  return status == STATUS_END ? STATUS_OK : status;
}
