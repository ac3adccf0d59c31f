// A release of `breakout` that is no good, for the tests of update.sh: the good program (named by REAL) with one fault (named by FAULT). Nothing is
// compiled for a bad release, and an image of one is a layer on the good one.
//
//   none               as good as the good one
//   no_start           serve ends at once
//   deaf               serve neither takes over nor ends
//   dies               is killed half a second after it has taken over
//   dies_late          the same after 11 s
//   dies_migrated      as dies, having changed the schema as a newer version would
//   broken_migration   takes over, fails in the middle of its migration, ends
//   bad_migration      db migrate fails, as the migration before
//   unhealthy          serves, and its health says that it is not well
//   slow               every answer takes a sixth of a second
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_US = 20000, DIES_AFTER_US = 500000, DIES_LATE_US = 11000000, STOPPED_US = 160000, RUNS_US = 15000, PATIENCE_MS = 3000 };

static char database[PATH_MAX];

static bool is_fault(const char *name) {
  const char *fault = getenv("FAULT");
  return fault != NULL && strcmp(fault, name) == 0;
}

static void sleep_us(int us) {
  usleep((useconds_t)us);
}

static void find_database(void) {
  const char *data_dir = getenv("DATA_DIR");
  (void)snprintf(database, sizeof database, "%s/breakout_bot.db", data_dir != NULL ? data_dir : "data");
}

static bool run_sql(const char *path, const char *sql) {
  sqlite3 *file = NULL;
  char *why = NULL;
  bool is_done = sqlite3_open(path, &file) == SQLITE_OK && sqlite3_busy_timeout(file, PATIENCE_MS) == SQLITE_OK &&
                 sqlite3_exec(file, sql, NULL, NULL, &why) == SQLITE_OK;
  if (!is_done) (void)fprintf(stderr, "migration 9: %s\n", why != NULL ? why : sqlite3_errmsg(file));
  sqlite3_free(why);
  (void)sqlite3_close(file);
  return is_done;
}

/* A column that is there already. */
static const char wrong_sql[] = "BEGIN; ALTER TABLE trades ADD COLUMN mood TEXT; ALTER TABLE trades ADD COLUMN trade_id TEXT; COMMIT";
static const char newer_sql[] =
    "BEGIN; ALTER TABLE trades ADD COLUMN mood TEXT;"
    "INSERT INTO schema_migrations(version, name, applied_at, checksum, down_available, down_sql)"
    "SELECT max(version) + 1, 'program 9', 1, 'x', 1, 'ALTER TABLE trades DROP COLUMN mood;' FROM schema_migrations; COMMIT";

/* True once the program that this process becomes has the account. */
static bool is_serving(long pid) {
  char path[PATH_MAX], host[64] = "", wanted[128], found[128] = "";
  const char *data_dir = getenv("DATA_DIR");
  (void)gethostname(host, sizeof host - 1);
  (void)snprintf(wanted, sizeof wanted, "%ld %s\n", pid, host);
  (void)snprintf(path, sizeof path, "%s/serving.pid", data_dir != NULL ? data_dir : "data");
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t size = read(file, found, sizeof found - 1);
  (void)close(file);
  return size > 0 && strcmp(found, wanted) == 0;
}

/* True when the program has ended. */
static bool is_over(pid_t program) {
  int status = 0;
  return kill(program, 0) != 0 || waitpid(program, &status, WNOHANG) == program;
}

/* The fault, beside the program. */
static void spoil(pid_t program) {
  while (!is_serving(program)) {
    if (is_over(program)) _exit(1);
    sleep_us(LOOK_US);
  }
  while (is_fault("slow") && !is_over(program)) {
    (void)kill(program, SIGSTOP);
    sleep_us(STOPPED_US);
    (void)kill(program, SIGCONT);
    sleep_us(RUNS_US);
  }
  if (is_fault("dies_migrated") && !run_sql(database, newer_sql)) _exit(1);
  sleep_us(is_fault("dies_late") ? DIES_LATE_US : DIES_AFTER_US);
  (void)kill(program, SIGKILL);
  _exit(1);
}

static pid_t forwarded_to;
static void forward(int number) {
  (void)kill(forwarded_to, number);
}

/* The program is this process, watched by a child. The first process of a container cannot be stopped or killed from inside: there it is the child.
 */
static void serve_and_spoil(char **argv, const char *real) {
  pid_t before = getpid();
  pid_t child = fork();
  if (child < 0) _exit(1);
  if (before == 1) {
    if (child == 0) return (void)execv(real, argv);
    forwarded_to = child;
    (void)signal(SIGTERM, forward);
    spoil(child);
  }
  if (child > 0) return (void)execv(real, argv);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == before) spoil(before);
  _exit(1);
}

/* As a server that takes over and finds that it cannot migrate. */
static int fail_migrating(void) {
  char text[256];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  const char *data_dir = getenv("DATA_DIR");
  if (chdir(data_dir != NULL ? data_dir : "data") != 0) return 1;
  (void)snprintf(address.sun_path, sizeof address.sun_path, "handover.sock");
  int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (file < 0 || connect(file, (struct sockaddr *)&address, sizeof address) != 0) return 1;
  (void)snprintf(text, sizeof text, "take over %ld", (long)getpid());
  if (send(file, text, strlen(text), MSG_NOSIGNAL) < 0 || recv(file, text, sizeof text, 0) <= 0) return 1;
  bool is_migrated = run_sql("breakout_bot.db", wrong_sql);
  (void)close(file);
  return is_migrated ? 0 : 1;
}

static int serve(char **argv, const char *real) {
  if (is_fault("no_start")) {
    (void)fputs("breakout: cannot load what it needs\n", stderr);
    return 127;
  }
  if (is_fault("deaf")) {
    for (;;) (void)pause();
  }
  if (is_fault("broken_migration")) return fail_migrating();
  if (is_fault("unhealthy") && setenv("MAX_DISK_PERCENT", "1", 1) != 0) return 1;
  if (is_fault("slow") || is_fault("dies") || is_fault("dies_late") || is_fault("dies_migrated")) serve_and_spoil(argv, real);
  (void)execv(real, argv);
  return 1;
}

int main(int argc, char **argv) {
  const char *real = getenv("REAL");
  if (real == NULL) return 64;
  find_database();
  if (argc > 1 && strcmp(argv[1], "serve") == 0) return serve(argv, real);
  if (argc > 2 && strcmp(argv[1], "db") == 0 && strcmp(argv[2], "migrate") == 0 && is_fault("bad_migration"))
    return run_sql(database, "BEGIN; ALTER TABLE trades ADD COLUMN trade_id TEXT; COMMIT") ? 0 : 1;
  (void)execv(real, argv);
  return 1;
}
