#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apps/presets.h"
#include "base/json.h"
#include "runner/preset_file.h"
#include "support/scratch.h"

static char folder[512];
static struct preset_store store;
static struct buffer out;
static struct problem problem;

static int make_folder(void **state) {
  char presets[560], data[560];
  (void)state;
  if (!scratch_make(folder, sizeof folder, "test_app_presets")) return -1;
  snprintf(presets, sizeof presets, "%s/presets", folder);
  snprintf(data, sizeof data, "%s/data", folder);
  preset_store_init(&store, presets, data);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  buffer_deinit(&out);
  return scratch_remove(folder);
}

/* line: words and options separated by blanks. */
static enum status run_as(const char *line, enum presets_format format, int64_t now_ms) {
  static char copy[1024];
  struct presets_request request = {.store = &store, .format = format, .now_ms = now_ms};
  char *rest;
  snprintf(copy, sizeof copy, "%s", line);
  for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    if (strcmp(word, "--defaults") == 0) {
      request.has_defaults = true;
    } else if (strcmp(word, "--replace") == 0) {
      request.has_replace = true;
    } else if (strcmp(word, "--key") == 0) {
      request.key = strtok_r(NULL, " ", &rest);
    } else if (strcmp(word, "--name") == 0) {
      request.name = strtok_r(NULL, " ", &rest);
    } else {
      request.words[request.count++] = word;
    }
  }
  buffer_clear(&out);
  problem_clear(&problem);
  return presets_run(&request, &out, &problem);
}

static enum status run(const char *line, bool is_json, int64_t now_ms) {
  return run_as(line, is_json ? PRESETS_JSON : PRESETS_TEXT, now_ms);
}

static bool printed(const char *text) {
  return strstr(out.data, text) != NULL;
}

static struct json *document(void) {
  struct json *value = json_parse(out.data, out.length, JSON_STRICT, "output", NULL);
  assert_non_null(value);
  return value;
}

static void presets_are_listed(void **unused) {
  (void)unused;
  assert_int_equal(run("", false, 0), STATUS_OK);
  assert_true(printed("breakout_v1 "));
  assert_true(printed("Balanced momentum on the whole market"));
  assert_int_equal(run_as("list", PRESETS_CSV, 0), STATUS_OK);
  assert_true(printed("\nbreakout_v1,momentum,0.015,3,both,built-in,Balanced momentum on the whole market\n"));
  assert_int_equal(run("list", true, 0), STATUS_OK);
  struct json *list = document();
  const struct json *items = json_member(list, "items");
  assert_int_equal(json_size(items), 16);
  assert_string_equal(json_string(json_member(json_item(items, 0), "name")), "breakout_v1");
  assert_true(json_number(json_member(json_item(items, 0), "risk_per_trade")) == 0.015);
  json_free(list);
}

static void one_preset_is_shown(void **unused) {
  (void)unused;
  assert_int_equal(run("show breakout_v1", false, 0), STATUS_OK);
  assert_true(printed("\"risk_per_trade\": 0.015"));
  assert_false(printed("fill_or_kill")); /* a default */
  struct preset preset;
  assert_int_equal(preset_parse(&preset, out.data, out.length, "shown", "breakout_v1", NULL), STATUS_OK);
  assert_int_equal(run("show breakout_v1 --defaults", false, 0), STATUS_OK);
  assert_true(printed("\"fill_or_kill\": false"));
  assert_int_equal(run("show breakout_v1 --key risk.risk_per_trade", false, 0), STATUS_OK);
  assert_string_equal(out.data, "0.015\n");
  assert_int_equal(run("show breakout_v1 --key risk.nothing", false, 0), STATUS_NOT_FOUND);
  assert_int_equal(run("show breakout_v9", false, 0), STATUS_NOT_FOUND);
  assert_int_equal(run("show video_strategy_scalping", true, 0), STATUS_OK);
  struct json *shown = document();
  assert_non_null(json_member(json_member(shown, "config"), "risk"));
  assert_int_equal(json_size(json_member(shown, "warnings")), 1);
  json_free(shown);
}

static void differences_are_told(void **unused) {
  (void)unused;
  assert_int_equal(run("diff smallcap_top_gainers breakout_v1", true, 0), STATUS_OK);
  struct json *diff = document();
  assert_true(json_size(json_member(diff, "differences")) > 20);
  json_free(diff);
  assert_int_equal(run("diff breakout_v1 breakout_v1", false, 0), STATUS_OK);
  assert_false(printed("breakout_v1 ->"));
  assert_int_equal(run_as("diff breakout_v1 breakout_v1_relaxed", PRESETS_CSV, 0), STATUS_OK);
  assert_true(printed("\nliquidity_filters.min_24h_volume_usd,5000000,2000000\n"));
}

static void changes_are_saved_and_undone(void **unused) {
  (void)unused;
  assert_int_equal(run("copy breakout_v1 mine", false, 1000), STATUS_OK);
  assert_int_equal(run("copy breakout_v1 mine", false, 1000), STATUS_IN_USE);
  assert_int_equal(run("set mine risk.risk_per_trade=0.01 signal_config.allowed_sides=long", false, 2000), STATUS_OK);
  assert_int_equal(run("show mine --key signal_config.allowed_sides", false, 0), STATUS_OK);
  assert_string_equal(out.data, "\"long\"\n");
  assert_int_equal(run("set mine risk.risk_per_trade=0.5 risk.nothing=1", false, 3000), STATUS_BAD_CONFIG);
  assert_int_equal(problem.errors, 2);
  assert_int_equal(run("set mine risk.risk_per_trade=0.09", false, 3000), STATUS_BAD_CONFIG); /* X2 */
  assert_int_equal(run("set mine name=other", false, 3000), STATUS_BAD_CONFIG);
  assert_int_equal(run("history mine", true, 0), STATUS_OK);
  struct json *history = document();
  const struct json *versions = json_member(history, "versions");
  assert_int_equal(json_size(versions), 1);
  char line[128];
  snprintf(line, sizeof line, "restore mine %s", json_string(json_member(json_item(versions, 0), "id")));
  json_free(history);
  assert_int_equal(run(line, false, 4000), STATUS_OK);
  assert_int_equal(run("show mine --key risk.risk_per_trade", false, 0), STATUS_OK);
  assert_string_equal(out.data, "0.015\n");
  assert_int_equal(run("restore mine nothing", false, 0), STATUS_NOT_FOUND);
  assert_int_equal(run("delete mine", false, 5000), STATUS_OK);
  assert_int_equal(run("show mine", false, 0), STATUS_NOT_FOUND);
  assert_int_equal(run("delete breakout_v1", false, 0), STATUS_BAD_INPUT);
}

static void files_are_judged_and_imported(void **unused) {
  (void)unused;
  char path[600], line[700];
  struct buffer text = {0};
  assert_int_equal(run("show breakout_v1", false, 0), STATUS_OK);
  buffer_add(&text, out.data, out.length);
  snprintf(path, sizeof path, "%s/breakout_v1.json", folder);
  assert_int_equal(buffer_write_file(&text, path, 0644, NULL), STATUS_OK);
  snprintf(line, sizeof line, "validate %s breakout_v1", path);
  assert_int_equal(run(line, false, 0), STATUS_OK);
  assert_true(printed(": valid, hash 7a3a79b2d463"));
  snprintf(line, sizeof line, "import %s", path);
  assert_int_equal(run(line, false, 1), STATUS_IN_USE);
  snprintf(line, sizeof line, "import %s --name imported", path);
  assert_int_equal(run(line, false, 1), STATUS_OK);
  snprintf(line, sizeof line, "import %s --replace", path);
  assert_int_equal(run(line, false, 1), STATUS_OK);
  buffer_clear(&text);
  buffer_add_text(&text, "{\"name\": \"breakout_v1\"}");
  assert_int_equal(buffer_write_file(&text, path, 0644, NULL), STATUS_OK);
  snprintf(line, sizeof line, "validate breakout_v1 %s", path);
  assert_int_equal(run(line, true, 0), STATUS_BAD_CONFIG);
  struct json *verdicts = document();
  assert_true(json_bool(json_member(json_item(verdicts, 0), "valid")));
  assert_false(json_bool(json_member(json_item(verdicts, 1), "valid")));
  assert_true(json_size(json_member(json_item(verdicts, 1), "errors")) > 5);
  json_free(verdicts);
  buffer_deinit(&text);
}

static void bad_words_are_refused(void **unused) {
  (void)unused;
  assert_int_equal(run("lst", false, 0), STATUS_BAD_CONFIG);
  assert_string_equal(problem.items[0].allowed, "list");
  static const char *const lines[] = {"show", "show a b", "diff a", "set a", "copy a", "schema x"};
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) assert_int_equal(run(lines[i], false, 0), STATUS_BAD_CONFIG);
  assert_int_equal(run("schema", false, 0), STATUS_OK);
  json_free(document());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(presets_are_listed),           cmocka_unit_test(one_preset_is_shown),           cmocka_unit_test(differences_are_told),
      cmocka_unit_test(changes_are_saved_and_undone), cmocka_unit_test(files_are_judged_and_imported), cmocka_unit_test(bad_words_are_refused),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
