#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/describe_tables.h"
#include "runner/settings.h"
#include "support/scratch.h"

static struct settings settings;
static struct problem problem;
static char folder[512];
static char path[600];

static int make_folder(void **state) {
  (void)state;
  if (!scratch_make(folder, sizeof folder, "test_settings")) return -1;
  snprintf(path, sizeof path, "%s/env", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

static void write_file(const char *name, const char *text, unsigned mode) {
  struct buffer buffer = {0};
  buffer_add_text(&buffer, text);
  assert_int_equal(buffer_write_file(&buffer, name, mode, NULL), STATUS_OK);
  assert_int_equal(chmod(name, mode), 0);
  buffer_deinit(&buffer);
}

/* text: of the settings file. environment and pairs: entries separated by '|', or NULL. */
static enum status load(const char *text, const char *environment, const char *pairs) {
  static char copies[2][4096];
  static char *entries[65];
  static const char *options[65];
  const char *files[] = {path};
  struct settings_input input = {.files = files, .file_count = 1, .environment = entries, .pairs = options};
  int count = 0;
  char *rest;
  write_file(path, text, 0600);
  snprintf(copies[0], sizeof copies[0], "%s", environment != NULL ? environment : "");
  snprintf(copies[1], sizeof copies[1], "%s", pairs != NULL ? pairs : "");
  for (char *entry = strtok_r(copies[0], "|", &rest); entry != NULL; entry = strtok_r(NULL, "|", &rest)) entries[count++] = entry;
  entries[count] = NULL;
  for (char *entry = strtok_r(copies[1], "|", &rest); entry != NULL; entry = strtok_r(NULL, "|", &rest)) options[input.pair_count++] = entry;
  problem_clear(&problem);
  return settings_load(&settings, &input, &problem);
}

static const struct problem_item *item(const char *code, const char *name) {
  for (int i = 0; i < problem.count; i++) {
    if (strcmp(problem.items[i].code, code) == 0 && strcmp(problem.items[i].path, name) == 0) return &problem.items[i];
  }
  return NULL;
}

static void defaults_are_those_of_the_table(void **unused) {
  (void)unused;
  assert_int_equal(load("", NULL, NULL), STATUS_OK);
  assert_int_equal(problem.count, 0);
  assert_int_equal(settings.breakout_profile, PROFILE_DEVELOPMENT);
  assert_int_equal(settings.trading_mode, MODE_PAPER);
  assert_int_equal(settings.log_level, LOG_INFO);
  assert_int_equal(settings.log_console, LOG_CONSOLE_JSON);
  assert_string_equal(settings.database_url, "sqlite://./data/breakout_bot.db");
  assert_int_equal(settings.port, 8000);
  assert_int_equal(settings.random_seed, 1);
  assert_true(settings.paper_max_participation == 0.1);
  assert_true(settings.demo_loop);
  assert_false(settings.debug_diag);
  assert_string_equal(settings.feed, "bybit");                           /* follows DEFAULT_EXCHANGE */
  assert_string_equal(settings.breakout_token_file, "./data/ctl.token"); /* follows DATA_DIR */
  assert_string_equal(settings.default_preset, "breakout_v1");
  assert_int_equal(settings_book_levels(&settings), 200);
  for (int i = 0; i < SETTING_COUNT; i++) {
    assert_int_equal(settings.source[i], i == SETTING_INDEX_CORS_ORIGINS ? SETTING_FROM_PROFILE : SETTING_FROM_DEFAULT);
    assert_ptr_equal(setting_find(setting_table[i].name), &setting_table[i]);
  }
}

static void sources_have_an_order(void **unused) {
  (void)unused;
  assert_int_equal(load("PORT=1001\nDEMO_SPEED=2\nMAX_LEVERAGE=3\n", "PORT=1002|DEMO_SPEED=4", "PORT=1003"), STATUS_OK);
  assert_int_equal(settings.port, 1003);
  assert_true(settings.demo_speed == 4);
  assert_int_equal(settings.max_leverage, 3);
  assert_int_equal(settings.source[SETTING_INDEX_PORT], SETTING_FROM_COMMAND_LINE);
  assert_int_equal(settings.source[SETTING_INDEX_DEMO_SPEED], SETTING_FROM_ENVIRONMENT);
  assert_int_equal(settings.source[SETTING_INDEX_MAX_LEVERAGE], SETTING_FROM_FILE);
  struct buffer text = {0};
  settings_add_changed(&settings, &text);
  assert_non_null(strstr(text.data, "PORT=1003 (command line)"));
  assert_non_null(strstr(text.data, "MAX_LEVERAGE=3 (file)"));
  buffer_deinit(&text);
}

static void profiles_have_defaults(void **unused) {
  (void)unused;
  assert_int_equal(load("BREAKOUT_PROFILE=production\n", NULL, NULL), STATUS_OK);
  assert_true(settings.backup_enabled);
  assert_false(settings.api_docs_enabled);
  assert_string_equal(settings.cors_origins, "");
  assert_int_equal(settings.source[SETTING_INDEX_BACKUP_ENABLED], SETTING_FROM_PROFILE);
  assert_int_equal(load("BREAKOUT_PROFILE=staging\nBACKUP_ENABLED=off\n", NULL, NULL), STATUS_OK);
  assert_false(settings.backup_enabled);
  assert_true(settings.api_docs_enabled);
  assert_int_equal(load("CORS_ORIGINS=\n", NULL, NULL), STATUS_OK); /* an empty list is a list */
  assert_string_equal(settings.cors_origins, "");
}

static void lines_are_read(void **unused) {
  (void)unused;
  assert_int_equal(
      load("\xef\xbb\xbf# comment\r\n\r\n  export PORT = 1234 # why\r\nDATA_DIR='/a b#c'\nREPORTS_DIR=\"/x\" # y\nPRESETS_DIR=/p#q\n\tMAX_LEVERAGE=5",
           NULL, NULL),
      STATUS_OK);
  assert_int_equal(settings.port, 1234);
  assert_string_equal(settings.data_dir, "/a b#c");
  assert_string_equal(settings.reports_dir, "/x");
  assert_string_equal(settings.presets_dir, "/p#q");
  assert_int_equal(settings.max_leverage, 5);
  assert_string_equal(settings.breakout_token_file, "/a b#c/ctl.token");
}

static void bad_lines_are_refused_with_their_number(void **unused) {
  (void)unused;
  char where[700];
  assert_int_equal(load("PORT\nDATA_DIR=\"x\n1A=2\nLOG_DIR='a'b\nPORT=1\nPORT=2\n=x\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_int_equal(problem.errors, 6);
  snprintf(where, sizeof where, "%.140s:1", path);
  assert_non_null(item("bad_line", where));
  snprintf(where, sizeof where, "%.140s:7", path);
  assert_non_null(item("bad_line", where));
  assert_non_null(item("duplicate", "PORT"));
}

static void unknown_names_are_told(void **unused) {
  (void)unused;
  assert_int_equal(load("TRADING_MOD=paper\nGF_ANYTHING=1\nCOMPOSE_X=1\nDOCKER_HOST=x\nTZ=UTC\nVITE_Z=1\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_int_equal(problem.errors, 1);
  assert_string_equal(item("unknown_setting", "TRADING_MOD")->allowed, "TRADING_MODE");
  /* The environment belongs to others, too: only what looks like ours is told, and as a warning. */
  assert_int_equal(load("", "BREAKOUT_PROFIL=production|HOME=/root|SOMETHING=1", NULL), STATUS_OK);
  assert_int_equal(problem.count, 1);
  assert_string_equal(item("possible_typo", "BREAKOUT_PROFIL")->allowed, "BREAKOUT_PROFILE");
  assert_int_equal(load("", NULL, "PROT=1"), STATUS_BAD_CONFIG);
  assert_non_null(item("unknown_setting", "PROT"));
  assert_int_equal(load("", NULL, "PORT"), STATUS_BAD_CONFIG);
}

/* Empty, blanks and line ends around the value, too long, control characters. */
static void odd_values_are_refused(void **unused) {
  (void)unused;
  char text[2048];
  assert_int_equal(load("PORT=\n", "MAX_LEVERAGE=", NULL), STATUS_OK); /* empty: as if it were not there */
  assert_int_equal(settings.port, 8000);
  static const char *const bad[] = {"PORT=8000\n", "PORT=8000 ", "PORT= 8000", "EXCHANGE_API_KEY=abc\n", "DATA_DIR=/x\ty", "DATA_DIR=/x\r"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_int_equal(load("", bad[i], NULL), STATUS_BAD_CONFIG);
    assert_string_equal(problem.items[0].code, "bad_value");
  }
  snprintf(text, sizeof text, "DATA_DIR=%01000d", 0);
  assert_int_equal(load("", text, NULL), STATUS_BAD_CONFIG);
  assert_non_null(item("out_of_bounds", "DATA_DIR"));
}

static void booleans_are_one_set(void **unused) {
  (void)unused;
  static const char *const yes[] = {"true", "True", "TRUE", "1", "yes", "YES", "on", "On"};
  static const char *const no[] = {"false", "False", "FALSE", "0", "no", "NO", "off", "Off"};
  static const char *const bad[] = {"FALSE ", " true", "2", "t", "y", "enabled", "\"true\"", "01", "nein"};
  char text[64];
  for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
    snprintf(text, sizeof text, "DEBUG_DIAG=%s", yes[i]);
    assert_int_equal(load("", text, NULL), STATUS_OK);
    assert_true(settings.debug_diag);
    snprintf(text, sizeof text, "DEMO_LOOP=%s", no[i]);
    assert_int_equal(load("", text, NULL), STATUS_OK);
    assert_false(settings.demo_loop);
  }
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(text, sizeof text, "DEMO_LOOP=%s", bad[i]);
    assert_int_equal(load("", text, NULL), STATUS_BAD_CONFIG);
    assert_non_null(item("bad_value", "DEMO_LOOP"));
  }
  assert_int_equal(load("DEBUG_DIAG=\"true\"\n", NULL, NULL), STATUS_OK); /* quotes belong to the file */
  assert_true(settings.debug_diag);
}

static void bounds_hold(void **unused) {
  (void)unused;
  for (int i = 0; i < SETTING_COUNT; i++) {
    const struct setting *setting = &setting_table[i];
    if (setting->kind != SETTING_KIND_INTEGER && setting->kind != SETTING_KIND_NUMBER) continue;
    double step = setting->kind == SETTING_KIND_INTEGER ? 1 : 1e-6;
    const double values[] = {setting->min, setting->max, setting->min - step, setting->max + step};
    for (int j = 0; j < 4; j++) {
      char text[128];
      snprintf(text, sizeof text, "%s=%.*f", setting->name, setting->kind == SETTING_KIND_INTEGER ? 0 : 6, values[j]);
      bool is_inside = j < 2;
      assert_int_equal(load("", text, NULL) == STATUS_OK, is_inside);
      if (!is_inside) assert_non_null(item("out_of_bounds", setting->name));
    }
  }
  static const char *const bad[] = {
      "PORT=0",         "PORT=65536",     "PORT=-1",        "PORT=0x50",     "PORT=8000.0", "PORT=8e3", "PORT=99999999999999999999",
      "DEMO_SPEED=nan", "DEMO_SPEED=1,5", "DEMO_SPEED=inf", "RANDOM_SEED=-1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(load("", bad[i], NULL), STATUS_BAD_CONFIG);
  assert_int_equal(load("", "RANDOM_SEED=9223372036854775807", NULL), STATUS_OK);
  assert_true(settings.random_seed == INT64_MAX);
}

static void shapes_are_checked(void **unused) {
  (void)unused;
  static const char *const good[] = {"FEED=demo",
                                     "FEED=file:/x/y.zst",
                                     "FEED=binance",
                                     "BREAKOUT_URL=https://a:1/b",
                                     "API_HOST=::1",
                                     "TRUSTED_PROXIES=10.0.0.0/8,fd00::/8,1.2.3.4",
                                     "DATABASE_URL=postgresql://u:p@h:5432/n",
                                     "BOOK_DEPTH=1000",
                                     "EXCHANGE_SANDBOX=true"};
  static const char *const bad[] = {"FEED=demos",
                                    "FEED=file:",
                                    "BREAKOUT_URL=localhost:8000",
                                    "BREAKOUT_URL=http://",
                                    "API_HOST=a b",
                                    "TRUSTED_PROXIES=10.0.0.0/33",
                                    "TRUSTED_PROXIES=10.0.0/8",
                                    "DATABASE_URL=mysql://x",
                                    "DATABASE_URL=sqlite://",
                                    "BOOK_DEPTH=100",
                                    "DEFAULT_PRESET=../x",
                                    "LOG_LEVEL=info",
                                    "EXCHANGE_SANDBOX=maybe"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    if (load("", good[i], NULL) != STATUS_OK) fail_msg("%s", good[i]);
  }
  assert_int_equal(settings.exchange_env, EXCHANGE_ENV_TESTNET);
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    if (load("", bad[i], NULL) != STATUS_BAD_CONFIG) fail_msg("%s", bad[i]);
  }
}

static void aliases_warn_and_clash(void **unused) {
  (void)unused;
  assert_int_equal(
      load("EXCHANGE=binance\nAPI_PORT=81\nMODE=paper\nLOG_MAX_SIZE=7\nMAX_DISK_USAGE_PERCENT=50\nAPI_KEY=k\nAPI_SECRET=s\n", NULL, NULL), STATUS_OK);
  assert_int_equal(problem.warnings, 7);
  assert_int_equal(settings.default_exchange, EXCHANGE_BINANCE);
  assert_string_equal(settings.feed, "binance");
  assert_int_equal(settings.port, 81);
  assert_string_equal(settings.exchange_api_key, "k");
  assert_string_equal(settings.exchange_secret, "s");
  assert_int_equal(load("EXCHANGE=binance\n", "DEFAULT_EXCHANGE=bybit", NULL), STATUS_BAD_CONFIG);
  assert_non_null(item("duplicate", "EXCHANGE"));
  assert_int_equal(load("EXCHANGE=binance\nEXCHANGE_NAME=bybit\n", NULL, NULL), STATUS_BAD_CONFIG);
}

static void secrets_stay_secret(void **unused) {
  (void)unused;
  char text[1400], secret_file[700];
  snprintf(secret_file, sizeof secret_file, "%s/secret", folder);
  write_file(secret_file, "from-file\n", 0600);
  snprintf(text, sizeof text, "EXCHANGE_API_KEY_FILE=%s\nEXCHANGE_API_KEY=plain\nEXCHANGE_SECRET=hush\n", secret_file);
  assert_int_equal(load(text, NULL, NULL), STATUS_OK);
  assert_string_equal(settings.exchange_api_key, "from-file"); /* the twin wins, without its line end */
  struct buffer shown = {0};
  settings_add_changed(&settings, &shown);
  assert_null(strstr(shown.data, "hush"));
  assert_null(strstr(shown.data, "from-file"));
  assert_non_null(strstr(shown.data, "EXCHANGE_SECRET=set (file)"));
  buffer_deinit(&shown);

  assert_int_equal(load("", NULL, "EXCHANGE_SECRET=hush"), STATUS_BAD_CONFIG);
  assert_non_null(item("secret_on_command_line", "EXCHANGE_SECRET"));
  assert_int_equal(load("", NULL, "API_KEY=hush"), STATUS_BAD_CONFIG);
  assert_non_null(item("secret_on_command_line", "API_KEY"));
  assert_int_equal(load("", "DATABASE_URL=mysql://hush", NULL), STATUS_BAD_CONFIG);
  assert_string_equal(item("bad_value", "DATABASE_URL")->value, "");
  assert_null(strstr(item("bad_value", "DATABASE_URL")->message, "hush"));
  assert_int_equal(load("EXCHANGE_SECRET_FILE=/nowhere\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_non_null(item("unreadable", "EXCHANGE_SECRET_FILE"));
  write_file(secret_file, "pasted \n", 0600);
  snprintf(text, sizeof text, "REDIS_PASSWORD_FILE=%s\n", secret_file);
  assert_int_equal(load(text, NULL, NULL), STATUS_BAD_CONFIG);
}

static void rules_between_settings_hold(void **unused) {
  (void)unused;
  assert_int_equal(load("BREAKOUT_PROFILE=staging\nTRADING_MODE=live\nEXCHANGE_API_KEY=a\nEXCHANGE_SECRET=b\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_non_null(item("not_allowed", "TRADING_MODE"));
  assert_int_equal(load("TRADING_MODE=live\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_int_equal(problem.errors, 2);
  assert_int_equal(load("TRADING_MODE=live\nEXCHANGE_API_KEY=a\nEXCHANGE_SECRET=b\n", NULL, NULL), STATUS_OK);
  assert_int_equal(load("EXCHANGE_API_KEY=a\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_int_equal(load("AUTH_ENABLED=false\n", NULL, NULL), STATUS_OK);
  assert_int_equal(load("AUTH_ENABLED=false\nAPI_HOST=0.0.0.0\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_int_equal(load("AUTH_ENABLED=false\nBREAKOUT_PROFILE=staging\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_int_equal(load("BREAKOUT_PROFILE=production\nREDIS_URL=redis://r:6379/0\n", NULL, NULL), STATUS_BAD_CONFIG);
  assert_int_equal(load("BREAKOUT_PROFILE=production\nREDIS_URL=redis://r:6379/0\nREDIS_PASSWORD=x\n", NULL, NULL), STATUS_OK);
  assert_non_null(item("plain_secret", "REDIS_PASSWORD"));
  assert_int_equal(load("BREAKOUT_PROFILE=production\nGF_SECURITY_ADMIN_PASSWORD=admin\n", NULL, NULL), STATUS_BAD_CONFIG);
}

static void file_modes_are_judged(void **unused) {
  (void)unused;
  const char *files[] = {path};
  char *environment[] = {NULL};
  struct settings_input input = {.files = files, .file_count = 1, .environment = environment};
  write_file(path, "BREAKOUT_PROFILE=production\n", 0644);
  problem_clear(&problem);
  assert_int_equal(settings_load(&settings, &input, &problem), STATUS_BAD_CONFIG);
  write_file(path, "BREAKOUT_PROFILE=staging\n", 0644);
  problem_clear(&problem);
  assert_int_equal(settings_load(&settings, &input, &problem), STATUS_OK);
  assert_int_equal(problem.warnings, 1);
  write_file(path, "", 0644);
  problem_clear(&problem);
  assert_int_equal(settings_load(&settings, &input, &problem), STATUS_OK);
  assert_int_equal(problem.count, 0);
  const char *missing[] = {"/nowhere/env"};
  input.files = missing;
  assert_int_equal(settings_load(&settings, &input, &problem), STATUS_BAD_CONFIG);
}

static void overrides_are_collected(void **unused) {
  (void)unused;
  assert_int_equal(load("BREAKOUT__RISK__RISK_PER_TRADE=0.01\nBREAKOUT__A__B=1\n", "BREAKOUT__RISK__RISK_PER_TRADE=0.02", NULL), STATUS_OK);
  assert_int_equal(settings.preset_overrides.count, 2);
  assert_string_equal(settings.preset_overrides.entries[0], "BREAKOUT__RISK__RISK_PER_TRADE=0.02");
}

/* A decimal comma or a missing home changes nothing. The locale is used where the machine has it. */
static void surroundings_change_nothing(void **unused) {
  (void)unused;
  const char *locale = setlocale(LC_ALL, "de_DE.UTF-8");
  assert_int_equal(load("DEMO_SPEED=2.5\nPAPER_MAX_PARTICIPATION=0.25\n", "LC_NUMERIC=de_DE.UTF-8|TZ=Asia/Tokyo|LANG=tr_TR", NULL), STATUS_OK);
  assert_true(settings.demo_speed == 2.5);
  assert_true(settings.paper_max_participation == 0.25);
  assert_int_equal(load("DEMO_SPEED=2,5\n", NULL, NULL), STATUS_BAD_CONFIG);
  if (locale != NULL) setlocale(LC_ALL, "C");
}

static void sqlite_paths_are_read(void **unused) {
  (void)unused;
  char out[64];
  assert_true(settings_sqlite_path("sqlite:///app/data/x.db", out, sizeof out));
  assert_string_equal(out, "/app/data/x.db");
  assert_true(settings_sqlite_path("sqlite:////app/data/x.db", out, sizeof out));
  assert_string_equal(out, "/app/data/x.db");
  assert_true(settings_sqlite_path("sqlite://./x.db", out, sizeof out));
  assert_string_equal(out, "./x.db");
  assert_false(settings_sqlite_path("postgresql://h/n", out, sizeof out));
  assert_false(settings_sqlite_path("sqlite://", out, sizeof out));
}

static void assert_file_equals(const char *name, void (*describe)(struct buffer *)) {
  struct buffer wanted = {0}, found = {0};
  describe(&wanted);
  if (buffer_read_file(&found, name, 1 << 22, NULL) != STATUS_OK) fail_msg("%s cannot be read", name);
  if (strcmp(wanted.data, found.data) != 0) fail_msg("%s is stale: `make docs` writes it anew", name);
  buffer_deinit(&wanted);
  buffer_deinit(&found);
}

static void documents_are_fresh(void **unused) {
  (void)unused;
  assert_file_equals("docs/generated/settings.md", settings_describe_markdown);
  assert_file_equals(".env.example", settings_env_example);
}

/* Taking every # away before a setting gives a file that loads and changes nothing but profile defaults. */
static void example_loads(void **unused) {
  (void)unused;
  struct buffer text = {0};
  settings_env_example(&text);
  for (char *line = text.data; line != NULL && *line != '\0'; line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL) {
    if (line[0] == '#' && line[1] >= 'A' && line[1] <= 'Z') line[0] = ' ';
  }
  assert_int_equal(load(text.data, NULL, NULL), STATUS_OK);
  assert_int_equal(problem.count, 0);
  assert_int_equal(settings.source[SETTING_INDEX_PORT], SETTING_FROM_FILE);
  assert_int_equal(settings.port, 8000);
  buffer_deinit(&text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_are_those_of_the_table),
      cmocka_unit_test(sources_have_an_order),
      cmocka_unit_test(profiles_have_defaults),
      cmocka_unit_test(lines_are_read),
      cmocka_unit_test(bad_lines_are_refused_with_their_number),
      cmocka_unit_test(unknown_names_are_told),
      cmocka_unit_test(odd_values_are_refused),
      cmocka_unit_test(booleans_are_one_set),
      cmocka_unit_test(bounds_hold),
      cmocka_unit_test(shapes_are_checked),
      cmocka_unit_test(aliases_warn_and_clash),
      cmocka_unit_test(secrets_stay_secret),
      cmocka_unit_test(rules_between_settings_hold),
      cmocka_unit_test(file_modes_are_judged),
      cmocka_unit_test(overrides_are_collected),
      cmocka_unit_test(surroundings_change_nothing),
      cmocka_unit_test(sqlite_paths_are_read),
      cmocka_unit_test(documents_are_fresh),
      cmocka_unit_test(example_loads),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
