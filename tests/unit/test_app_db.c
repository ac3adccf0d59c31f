#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/store/database.h"
#include "adapters/store/sqlite_store.h"
#include "apps/app.h"
#include "apps/backup.h"
#include "apps/tar.h"
#include "engine/record.h"
#include "runner/journal.h"
#include "support/scratch.h"

static char folder[512], database_path[600];
static struct app app;

static int make_folder(void **state) {
  struct settings *settings = &app.settings;
  (void)state;
  app = (struct app){.verb = "db"};
  if (!scratch_make(folder, sizeof folder, "test_app_db")) return -1;
  snprintf(database_path, sizeof database_path, "%s/data/bot.db", folder);
  snprintf(settings->data_dir, sizeof settings->data_dir, "%.400s/data", folder);
  snprintf(settings->backup_dir, sizeof settings->backup_dir, "%.400s/backups", folder);
  snprintf(settings->presets_dir, sizeof settings->presets_dir, "%.400s/presets", folder);
  snprintf(settings->database_url, sizeof settings->database_url, "sqlite:///%.400s/data/bot.db", folder + 1);
  settings->market_retention_days = 90;
  return mkdir(settings->data_dir, 0700) == 0 && mkdir(settings->presets_dir, 0700) == 0 ? 0 : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

/* Runs the verb with words separated by blanks; what it prints goes nowhere. */
static int run(const char *line) {
  static char copy[2048];
  char *words[16], *rest;
  int count = 0;
  snprintf(copy, sizeof copy, "db %s", line);
  for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) words[count++] = word;
  words[count] = NULL;
  problem_clear(&app.problem);
  fflush(stdout);
  fflush(stderr);
  int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY);
  dup2(null, STDOUT_FILENO);
  dup2(null, STDERR_FILENO);
  int code = app_db(&app, count, words);
  fflush(stdout);
  fflush(stderr);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(out);
  close(err);
  close(null);
  return code;
}

static int64_t read_int(const char *sql) {
  struct database database;
  int64_t value = -1;
  assert_int_equal(database_open(&database, database_path, DATABASE_FOR_READING, 1000, NULL), STATUS_OK);
  assert_int_equal(database_read_int(&database, sql, -1, &value, NULL), STATUS_OK);
  database_close(&database);
  return value;
}

static void change(const char *sql) {
  struct database database;
  assert_int_equal(database_open(&database, database_path, DATABASE_FOR_WRITING, 1000, NULL), STATUS_OK);
  assert_int_equal(database_run(&database, sql, NULL), STATUS_OK);
  database_close(&database);
}

static void append(struct journal *journal, enum record_kind kind, const void *object) {
  static unsigned char bytes[1 << 16];
  size_t size = schema_encode(record_schemas[kind], object, bytes, sizeof bytes);
  assert_int_not_equal(size, 0);
  assert_int_not_equal(journal_append(journal, 1000, JOURNAL_RECORD, (int32_t)kind, bytes, size), 0);
}

/* A journal of two equity points and an order in two states. */
static void write_journal(void) {
  struct journal *journal;
  struct equity equity = {.ts = 1000, .equity_usd = 300, .cash_usd = 200, .unrealised_usd = 100};
  struct order order = {.client_order_id = "o1", .symbol = "BTC/USDT", .qty = 5, .average_price = DECIMAL_NULL};
  assert_int_equal(
      journal_open(&journal, &(struct journal_options){.data_dir = app.settings.data_dir, .account = "paper", .instance = "AAAAAA"}, NULL),
      STATUS_OK);
  append(journal, RECORD_EQUITY, &equity);
  equity.ts = 2000;
  append(journal, RECORD_EQUITY, &equity);
  append(journal, RECORD_ORDER, &order);
  order.filled_qty = 2;
  append(journal, RECORD_ORDER, &order);
  assert_int_equal(journal_flush(journal, 2000), STATUS_OK);
  journal_close(journal);
}

static void tables_are_made_again_from_the_journal(void **unused) {
  (void)unused;
  write_journal();
  assert_int_equal(run("migrate"), 0);
  change("INSERT INTO users(username) VALUES('ann'); INSERT INTO alerts(alert_id) VALUES('A1'); INSERT INTO counters VALUES('engine.fill', 77)");
  assert_int_equal(run("rebuild"), 0);
  assert_int_equal(read_int("SELECT count(*) FROM equity_curve WHERE account = 'paper'"), 2);
  assert_int_equal(read_int("SELECT filled_qty FROM orders WHERE client_order_id = 'o1'"), 2);
  assert_int_equal(read_int("SELECT value FROM counters WHERE name = 'journal_seq'"), 4);
  /* What no record says is kept; a row that the journal does not know is gone. */
  assert_int_equal(read_int("SELECT count(*) FROM users"), 1);
  assert_int_equal(read_int("SELECT value FROM counters WHERE name = 'engine.fill'"), 77);
  assert_int_equal(read_int("SELECT count(*) FROM alerts"), 0);
}

static void a_damaged_database_is_made_again(void **unused) {
  (void)unused;
  write_journal();
  assert_int_equal(run("migrate"), 0);
  assert_int_equal(truncate(database_path, 100), 0);
  assert_int_equal(run("status"), 1);
  assert_int_equal(run("verify"), 1);
  assert_int_equal(run("rebuild"), 0);
  assert_int_equal(run("status"), 0);
  assert_int_equal(read_int("SELECT count(*) FROM equity_curve"), 2);
}

static void without_a_journal_there_is_nothing_to_rebuild_from(void **unused) {
  (void)unused;
  assert_int_equal(run("migrate"), 0);
  change("INSERT INTO users(username) VALUES('ann')");
  assert_int_equal(run("rebuild"), 2);
  assert_int_equal(read_int("SELECT count(*) FROM users"), 1);
}

static void forms_that_replace_data_refuse_beside_a_server(void **unused) {
  (void)unused;
  struct journal *journal;
  write_journal();
  assert_int_equal(run("migrate"), 0);
  assert_int_equal(run("backup -o /tmp/none"), 4);
  assert_int_equal(
      journal_open(&journal, &(struct journal_options){.data_dir = app.settings.data_dir, .account = "paper", .instance = "AAAAAA"}, NULL),
      STATUS_OK);
  assert_int_equal(run("rebuild"), 1);
  assert_int_equal(run("restore x.tar.gz"), 1);
  assert_int_equal(run("migrate --to 0"), 1);
  assert_int_equal(run("backup"), 0);
  journal_close(journal);
}

static void orphans_and_broken_sums_are_found(void **unused) {
  (void)unused;
  assert_int_equal(run("migrate"), 0);
  assert_int_equal(run("verify"), 0);
  change("INSERT INTO fills(fill_id, client_order_id) VALUES(1, 'nobody')");
  assert_int_equal(run("verify"), 1);
  change("DELETE FROM fills; INSERT INTO positions(position_id, state) VALUES('P1', 'closed')");
  assert_int_equal(run("verify"), 1);
  change(
      "DELETE FROM positions; INSERT INTO equity_curve(account, run_id, ts, equity_usd, cash_usd, unrealised_usd) VALUES('a', '', 1, 900000000, "
      "100000000, 100000000)");
  assert_int_equal(run("verify"), 1);
  change("DELETE FROM equity_curve");
  assert_int_equal(run("verify"), 0);
}

static void old_rows_go_and_those_for_ever_stay(void **unused) {
  (void)unused;
  assert_int_equal(run("migrate"), 0);
  change(
      "INSERT INTO decisions(decision_id, ts, stage) VALUES(1, 1000, 'filter'), (2, 1000, 'risk'), (3, 99999999999999, 'filter');"
      "INSERT INTO trades(trade_id, closed_at) VALUES('T1', 1000);"
      "INSERT INTO scans(scan_id, ts) VALUES('N1', 1000); INSERT INTO scan_results(scan_id, symbol) VALUES('N1', 'A');"
      "INSERT INTO equity_curve(account, run_id, ts) VALUES('a', '', 1000), ('a', '', 61000), ('a', '', 3601000)");
  assert_int_equal(run("cleanup --dry-run"), 0);
  assert_int_equal(read_int("SELECT count(*) FROM decisions"), 3);
  assert_int_equal(run("cleanup"), 0);
  assert_int_equal(read_int("SELECT count(*) FROM decisions"), 2);
  assert_int_equal(read_int("SELECT count(*) FROM trades"), 1);
  assert_int_equal(read_int("SELECT count(*) FROM scans"), 0);
  assert_int_equal(read_int("SELECT count(*) FROM scan_results"), 0);
  assert_int_equal(read_int("SELECT count(*) FROM equity_curve"), 2);
}

static struct backup_result make_backup(void) {
  struct backup_result result;
  char out[700];
  snprintf(out, sizeof out, "%s/saved.tar.gz", folder);
  unlink(out);
  problem_clear(&app.problem);
  assert_int_equal(backup_make(&app, database_path, out, true, &result), STATUS_OK);
  return result;
}

static void a_backup_brings_back_database_journal_and_presets(void **unused) {
  (void)unused;
  char before[1024], preset[640], path[1100];
  struct stat info;
  struct journal_report report;
  write_journal();
  assert_int_equal(run("rebuild"), 0);
  snprintf(preset, sizeof preset, "%s/presets/mine.json", folder);
  FILE *file = fopen(preset, "w");
  assert_non_null(file);
  fputs("{}", file);
  fclose(file);
  struct backup_result result = make_backup();
  assert_int_equal(stat(result.file, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0600);
  assert_int_equal(result.seq, 4);
  assert_int_equal(result.files, 3);
  assert_int_equal(read_int("SELECT count(*) FROM backups WHERE verified_at IS NOT NULL"), 1);
  change("DELETE FROM equity_curve");
  unlink(preset);
  assert_int_equal(backup_restore(&app, database_path, result.file, false, before, sizeof before), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM equity_curve"), 2);
  assert_int_equal(access(preset, F_OK), 0);
  assert_int_equal(journal_verify(app.settings.data_dir, NULL, &report, NULL), STATUS_OK);
  assert_int_equal(report.last_seq, 4);
  snprintf(path, sizeof path, "%s/bot.db", before);
  assert_int_equal(access(path, F_OK), 0);
}

static void a_damaged_backup_leaves_everything_as_it_is(void **unused) {
  (void)unused;
  char before[1024];
  struct stat info;
  assert_int_equal(run("migrate"), 0);
  struct backup_result result = make_backup();
  change("INSERT INTO users(username) VALUES('ann')");
  assert_int_equal(stat(result.file, &info), 0);
  assert_int_equal(truncate(result.file, info.st_size / 2), 0);
  problem_clear(&app.problem);
  assert_int_not_equal(backup_restore(&app, database_path, result.file, false, before, sizeof before), STATUS_OK);
  assert_true(app.problem.count > 0);
  assert_int_equal(read_int("SELECT count(*) FROM users"), 1);
}

static void a_backup_that_does_not_pass_is_none(void **unused) {
  (void)unused;
  char path[700];
  write_journal();
  assert_int_equal(run("rebuild"), 0);
  snprintf(path, sizeof path, "%s/data/journal/paper-0000000000000001.bbj", folder);
  FILE *segment = fopen(path, "r+");
  assert_non_null(segment);
  /* The first record, with others behind it: damage, not an end that was torn. */
  assert_int_equal(fseek(segment, JOURNAL_HEADER_BYTES + JOURNAL_RECORD_HEADER_BYTES, SEEK_SET), 0);
  fputc(0xee, segment);
  fclose(segment);
  struct backup_result result;
  snprintf(path, sizeof path, "%s/made.tar.gz", folder);
  problem_clear(&app.problem);
  assert_int_not_equal(backup_make(&app, database_path, path, true, &result), STATUS_OK);
  assert_int_not_equal(access(path, F_OK), 0);
  strcat(path, ".unverified");
  assert_int_equal(access(path, F_OK), 0);
}

static void live_positions_that_the_backup_does_not_know_are_a_refusal(void **unused) {
  (void)unused;
  char before[1024];
  assert_int_equal(run("migrate"), 0);
  struct backup_result result = make_backup();
  change("INSERT INTO positions(position_id, mode, state) VALUES('P00000001', 'live', 'running')");
  problem_clear(&app.problem);
  assert_int_equal(backup_restore(&app, database_path, result.file, false, before, sizeof before), STATUS_FAILED);
  assert_string_equal(app.problem.items[0].code, "open_positions");
  assert_int_equal(read_int("SELECT count(*) FROM positions"), 1);
  assert_int_equal(backup_restore(&app, database_path, result.file, true, before, sizeof before), STATUS_OK);
  assert_int_equal(read_int("SELECT count(*) FROM positions"), 0);
}

static void an_archive_leads_nowhere_outside(void **unused) {
  (void)unused;
  struct tar_writer writer;
  char path[640], inside[640], outside[640];
  static const char *const names[] = {"../evil", "/tmp/evil", "a/../../evil"};
  snprintf(path, sizeof path, "%s/evil.tar", folder);
  snprintf(inside, sizeof inside, "%s/data", folder);
  snprintf(outside, sizeof outside, "%s/evil", folder);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(tar_create(&writer, path, NULL), STATUS_OK);
    assert_int_equal(tar_add_bytes(&writer, names[i], "x", 1, 0, NULL), STATUS_OK);
    assert_int_equal(tar_finish(&writer, NULL), STATUS_OK);
    assert_int_equal(tar_unpack(path, inside, NULL), STATUS_BAD_FORMAT);
    assert_int_not_equal(access(outside, F_OK), 0);
    unlink(path);
  }
}

static void an_archive_is_one_that_tar_reads(void **unused) {
  (void)unused;
  struct tar_writer writer;
  char path[640], command[1400];
  if (system("tar --version >/dev/null 2>&1") != 0) skip();
  snprintf(path, sizeof path, "%s/some.tar", folder);
  assert_int_equal(tar_create(&writer, path, NULL), STATUS_OK);
  assert_int_equal(tar_add_bytes(&writer, "one/a.txt", "hello", 5, 86400, NULL), STATUS_OK);
  assert_int_equal(tar_add_bytes(&writer, "empty", "", 0, 86400, NULL), STATUS_OK);
  assert_int_equal(tar_finish(&writer, NULL), STATUS_OK);
  snprintf(command, sizeof command, "cd %s && tar xf some.tar && test \"$(cat one/a.txt)\" = hello && test -f empty", folder);
  assert_int_equal(system(command), 0);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(tables_are_made_again_from_the_journal),
      IN_FOLDER(a_damaged_database_is_made_again),
      IN_FOLDER(without_a_journal_there_is_nothing_to_rebuild_from),
      IN_FOLDER(forms_that_replace_data_refuse_beside_a_server),
      IN_FOLDER(orphans_and_broken_sums_are_found),
      IN_FOLDER(old_rows_go_and_those_for_ever_stay),
      IN_FOLDER(a_backup_brings_back_database_journal_and_presets),
      IN_FOLDER(a_damaged_backup_leaves_everything_as_it_is),
      IN_FOLDER(a_backup_that_does_not_pass_is_none),
      IN_FOLDER(live_positions_that_the_backup_does_not_know_are_a_refusal),
      IN_FOLDER(an_archive_leads_nowhere_outside),
      IN_FOLDER(an_archive_is_one_that_tar_reads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
