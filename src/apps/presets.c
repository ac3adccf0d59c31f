#include "apps/presets.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapters/store/sqlite_rows.h"
#include "apps/app.h"
#include "base/json.h"
#include "base/table.h"
#include "base/text.h"
#include "runner/describe_tables.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"

enum { NAMES_MAX = 512, VERSIONS_MAX = 1000 };

/* One request on its way through a form. */
struct call {
  const struct presets_request *request;
  const struct preset_store *store;
  const char *const *arguments; /* behind the form's word */
  int count;
  struct buffer *out;
  struct problem *problem;
};

static bool is_json(const struct call *call) {
  return call->request->format == PRESETS_JSON;
}

static enum status refuse(const struct call *call, const char *path, const char *allowed, const char *message) {
  problem_add(call->problem, "bad_argument", path, NULL, allowed, "%s", message);
  return STATUS_BAD_CONFIG;
}

static void add_problem_text(struct buffer *out, const struct problem *problem, const char *indent) {
  for (int i = 0; i < problem->count; i++) {
    const struct problem_item *item = &problem->items[i];
    buffer_add_format(out, "%s%s %s: %s: %s", indent, item->is_warning ? "warning" : "error", item->code, item->path, item->message);
    if (item->value[0] != '\0') buffer_add_format(out, "; given %s", item->value);
    if (item->allowed[0] != '\0') buffer_add_format(out, "; allowed %s", item->allowed);
    buffer_add_text(out, "\n");
  }
  int kept = problem->count;
  if (problem->errors + problem->warnings > kept) buffer_add_format(out, "%s... and %d more\n", indent, problem->errors + problem->warnings - kept);
}

static void add_summary_members(struct json_writer *writer, const struct preset *preset, const struct preset_origin *origin,
                                const struct problem *problem) {
  char hash[DIGEST_TEXT_MAX], risk[PRESET_NUMBER_TEXT_MAX];
  preset_hash(preset, hash);
  preset_number_text(preset->risk.risk_per_trade, risk);
  json_add_string(writer, "name", preset->name);
  json_add_string(writer, "description", preset->description);
  json_add_string(writer, "target_markets", preset->target_markets);
  json_add_string(writer, "strategy_priority", strategy_priority_names[preset->strategy_priority]);
  json_add_string(writer, "allowed_sides", allowed_sides_names[preset->signal_config.allowed_sides]);
  json_add_bool(writer, "built_in", origin->is_built_in);
  json_add_bool(writer, "modified", origin->is_modified);
  json_add_string(writer, "hash", hash);
  json_add_raw(writer, "risk_per_trade", risk);
  json_add_int(writer, "max_positions", preset->risk.max_concurrent_positions);
  json_add_problem(writer, "warnings", problem, true);
}

static void open_table(const struct call *call, struct table *table, const struct table_column *columns, size_t count) {
  table_init(table, columns, count, call->request->format == PRESETS_CSV ? TABLE_CSV : TABLE_TEXT);
}

static void close_table(const struct call *call, struct table *table) {
  table_print(table, call->out);
  table_deinit(table);
}

static void add_list_json(struct json_writer *writer, const char *name, const struct preset *preset, const struct preset_origin *origin,
                          const struct problem *problem) {
  json_begin_object(writer, NULL);
  if (preset != NULL) {
    add_summary_members(writer, preset, origin, problem);
  } else {
    json_add_string(writer, "name", name);
    json_add_problem(writer, "errors", problem, false);
  }
  json_end_object(writer);
}

static void add_invalid_row(struct table *table, const char *name, const struct problem *problem) {
  char text[160];
  snprintf(text, sizeof text, "%d errors; `breakout presets validate %.64s` lists them", problem->errors, name);
  const char *const cells[] = {name, "", "", "", "", "invalid", text};
  for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) table_add(table, cells[i]);
}

static void add_list_row(struct table *table, const struct preset *preset, const struct preset_origin *origin) {
  char risk[PRESET_NUMBER_TEXT_MAX], slots[16], sentence[80];
  /* The first sentence: what follows are notes. */
  const char *end = strstr(preset->description, ". ");
  size_t length = end != NULL ? (size_t)(end - preset->description) : strlen(preset->description);
  text_copy(sentence, length + 1 < sizeof sentence ? length + 1 : sizeof sentence, preset->description);
  preset_number_text(preset->risk.risk_per_trade, risk);
  snprintf(slots, sizeof slots, "%d", preset->risk.max_concurrent_positions);
  table_add(table, preset->name);
  table_add(table, strategy_priority_names[preset->strategy_priority]);
  table_add(table, risk);
  table_add(table, slots);
  table_add(table, allowed_sides_names[preset->signal_config.allowed_sides]);
  table_add(table, origin->is_modified ? "modified" : origin->is_built_in ? "built-in" : "own");
  table_add(table, sentence);
}

struct entry {
  struct preset preset;
  struct preset_origin origin;
  struct problem problem;
};

static bool load_entry(const struct call *call, const char *name, struct entry *entry) {
  memset(entry, 0, sizeof *entry);
  return preset_store_load(call->store, name, &entry->preset, &entry->origin, &entry->problem) == STATUS_OK;
}

static void list_json(const struct call *call, const char (*names)[PRESET_NAME_BYTES], int count) {
  struct json_writer writer;
  struct entry entry;
  json_writer_init(&writer, call->out, true);
  json_begin_object(&writer, NULL);
  json_begin_array(&writer, "items");
  for (int i = 0; i < count; i++) {
    bool is_valid = load_entry(call, names[i], &entry);
    add_list_json(&writer, names[i], is_valid ? &entry.preset : NULL, &entry.origin, &entry.problem);
  }
  json_end_array(&writer);
  json_end_object(&writer);
  buffer_add_text(call->out, "\n");
}

static void list_table(const struct call *call, const char (*names)[PRESET_NAME_BYTES], int count) {
  static const struct table_column columns[] = {{"Name", TABLE_LEFT},  {"Strategy", TABLE_LEFT}, {"Risk", TABLE_RIGHT},      {"Max", TABLE_RIGHT},
                                                {"Sides", TABLE_LEFT}, {"Content", TABLE_LEFT},  {"Description", TABLE_LEFT}};
  struct table table;
  struct entry entry;
  open_table(call, &table, columns, sizeof columns / sizeof columns[0]);
  for (int i = 0; i < count; i++) {
    if (load_entry(call, names[i], &entry)) {
      add_list_row(&table, &entry.preset, &entry.origin);
    } else {
      add_invalid_row(&table, names[i], &entry.problem);
    }
  }
  close_table(call, &table);
}

static enum status run_list(struct call *call) {
  static char names[NAMES_MAX][PRESET_NAME_BYTES];
  int count = preset_store_list(call->store, names, NAMES_MAX);
  if (is_json(call)) {
    list_json(call, (const char(*)[PRESET_NAME_BYTES])names, count);
  } else {
    list_table(call, (const char(*)[PRESET_NAME_BYTES])names, count);
  }
  return STATUS_OK;
}

static enum status show_key(struct call *call, const struct preset *preset) {
  if (!preset_value_json(preset, call->request->key, call->out)) {
    problem_add(call->problem, "unknown_key", call->request->key, NULL, NULL, "there is no such key; `breakout describe presets` lists them");
    return STATUS_NOT_FOUND;
  }
  buffer_add_text(call->out, "\n");
  return STATUS_OK;
}

static enum status run_show(struct call *call) {
  struct preset preset;
  struct preset_origin origin;
  struct json_writer writer;
  enum status status = preset_store_load(call->store, call->arguments[0], &preset, &origin, call->problem);
  if (status != STATUS_OK) return status;
  if (call->request->key != NULL) return show_key(call, &preset);
  enum preset_extent extent = call->request->has_defaults ? PRESET_WHOLE : PRESET_WITHOUT_DEFAULTS;
  json_writer_init(&writer, call->out, true);
  if (is_json(call)) {
    json_begin_object(&writer, NULL);
    add_summary_members(&writer, &preset, &origin, call->problem);
    preset_to_json(&preset, &writer, "config", PRESET_ORDER_TABLE, PRESET_WHOLE);
    json_end_object(&writer);
  } else {
    preset_to_json(&preset, &writer, NULL, PRESET_ORDER_TABLE, extent);
  }
  buffer_add_text(call->out, "\n");
  return STATUS_OK;
}

static void add_verdict(const struct call *call, struct json_writer *writer, const char *name, const struct preset *preset, enum status status,
                        const struct problem *problem) {
  char hash[DIGEST_TEXT_MAX];
  if (status == STATUS_OK) preset_hash(preset, hash);
  if (!is_json(call)) {
    buffer_add_format(call->out, "%s: %s", name, status == STATUS_OK ? "valid" : "invalid");
    if (status == STATUS_OK) buffer_add_format(call->out, ", hash %s", hash);
    buffer_add_text(call->out, "\n");
    add_problem_text(call->out, problem, "  ");
    return;
  }
  json_begin_object(writer, NULL);
  json_add_string(writer, "file", name);
  json_add_bool(writer, "valid", status == STATUS_OK);
  json_add_string(writer, "hash", status == STATUS_OK ? hash : NULL);
  json_add_problem(writer, "errors", problem, false);
  json_add_problem(writer, "warnings", problem, true);
  json_end_object(writer);
}

/* The verdicts are the result, so they go to out; problem only says that there was one. */
static enum status run_validate(struct call *call) {
  struct json_writer writer;
  enum status worst = STATUS_OK;
  json_writer_init(&writer, call->out, true);
  if (is_json(call)) json_begin_array(&writer, NULL);
  for (int i = 0; i < call->count; i++) {
    struct preset preset;
    struct problem problem = {0};
    enum status status = preset_store_load(call->store, call->arguments[i], &preset, NULL, &problem);
    add_verdict(call, &writer, call->arguments[i], &preset, status, &problem);
    if (worst == STATUS_OK || status == STATUS_BAD_CONFIG) worst = status != STATUS_OK ? status : worst;
  }
  if (is_json(call)) {
    json_end_array(&writer);
    buffer_add_text(call->out, "\n");
  }
  return worst;
}

static enum status run_schema(struct call *call) {
  preset_describe_json_schema(call->out);
  return STATUS_OK;
}

static void diff_json(const struct call *call, const struct preset *a, const struct preset *b) {
  struct buffer left = {0}, right = {0};
  struct json_writer writer;
  json_writer_init(&writer, call->out, true);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "a", a->name);
  json_add_string(&writer, "b", b->name);
  json_begin_array(&writer, "differences");
  for (int i = 0; i < preset_key_count; i++) {
    if (!preset_value_differs(preset_keys[i].path, a, b, &left, &right)) continue;
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "key", preset_keys[i].path);
    json_add_raw(&writer, "a", left.data);
    json_add_raw(&writer, "b", right.data);
    json_end_object(&writer);
  }
  json_end_array(&writer);
  json_end_object(&writer);
  buffer_add_text(call->out, "\n");
  buffer_deinit(&left);
  buffer_deinit(&right);
}

/* Long texts are cut on a terminal; CSV and JSON have them whole. */
static void add_value_cell(const struct call *call, struct table *table, const char *value) {
  char cut[48];
  if (call->request->format == PRESETS_CSV || strlen(value) < sizeof cut) {
    table_add(table, value);
    return;
  }
  text_copy(cut, sizeof cut - 3, value);
  memcpy(cut + strlen(cut), "...", 4);
  table_add(table, cut);
}

static void diff_table(const struct call *call, const struct preset *a, const struct preset *b) {
  const struct table_column columns[] = {{"Key", TABLE_LEFT}, {a->name, TABLE_LEFT}, {b->name, TABLE_LEFT}};
  struct buffer left = {0}, right = {0};
  struct table table;
  open_table(call, &table, columns, 3);
  for (int i = 0; i < preset_key_count; i++) {
    if (!preset_value_differs(preset_keys[i].path, a, b, &left, &right)) continue;
    table_add(&table, preset_keys[i].path);
    add_value_cell(call, &table, left.data);
    add_value_cell(call, &table, right.data);
  }
  close_table(call, &table);
  buffer_deinit(&left);
  buffer_deinit(&right);
}

static enum status run_diff(struct call *call) {
  struct preset a, b;
  enum status status = preset_store_load(call->store, call->arguments[0], &a, NULL, call->problem);
  if (status == STATUS_OK) status = preset_store_load(call->store, call->arguments[1], &b, NULL, call->problem);
  if (status != STATUS_OK) return status;
  if (is_json(call)) {
    diff_json(call, &a, &b);
  } else {
    diff_table(call, &a, &b);
  }
  return STATUS_OK;
}

static enum status save(struct call *call, const struct preset *preset, const char *done) {
  char hash[DIGEST_TEXT_MAX];
  struct json_writer writer;
  enum status status = preset_store_save(call->store, preset, call->request->now_ms, call->problem);
  if (status != STATUS_OK) return status;
  preset_hash(preset, hash);
  if (!is_json(call)) {
    buffer_add_format(call->out, "%s %s, hash %s. A session that uses it takes it over with `breakout ctl reload`.\n", preset->name, done, hash);
    add_problem_text(call->out, call->problem, "  ");
    return STATUS_OK;
  }
  json_writer_init(&writer, call->out, true);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "name", preset->name);
  json_add_string(&writer, "hash", hash);
  json_add_problem(&writer, "warnings", call->problem, true);
  json_end_object(&writer);
  buffer_add_text(call->out, "\n");
  return STATUS_OK;
}

static bool exists(const struct call *call, const char *name) {
  static char names[NAMES_MAX][PRESET_NAME_BYTES];
  int count = preset_store_list(call->store, names, NAMES_MAX);
  for (int i = 0; i < count; i++) {
    if (text_equal(names[i], name)) return true;
  }
  return false;
}

static enum status run_set(struct call *call) {
  struct preset preset;
  struct problem load_problem = {0};
  enum status status = preset_store_load(call->store, call->arguments[0], &preset, NULL, &load_problem);
  if (status != STATUS_OK) {
    *call->problem = load_problem;
    return status;
  }
  for (int i = 1; i < call->count; i++) {
    char path[160];
    const char *equals = strchr(call->arguments[i], '=');
    if (equals == NULL) return refuse(call, call->arguments[i], "KEY=VALUE", "presets set needs KEY=VALUE");
    size_t length = (size_t)(equals - call->arguments[i]);
    text_copy(path, length + 1 < sizeof path ? length + 1 : sizeof path, call->arguments[i]);
    if (text_equal(path, "name")) return refuse(call, "name", "presets copy A B", "the name of a preset cannot be set");
    if (preset_set_key(&preset, path, equals + 1, call->problem) != STATUS_OK) status = STATUS_BAD_CONFIG;
  }
  return status == STATUS_OK ? save(call, &preset, "changed") : status;
}

/* A file from anywhere: its name need not be the preset's, so it is read here and not by the store. */
static enum status run_import(struct call *call) {
  struct preset preset;
  struct buffer text = {0};
  enum status status = buffer_read_file(&text, call->arguments[0], PRESET_FILE_BYTES_MAX, call->problem);
  if (status == STATUS_OK) status = preset_parse(&preset, text.data, text.length, call->arguments[0], NULL, call->problem);
  buffer_deinit(&text);
  if (status == STATUS_OK && call->request->name != NULL) status = preset_set_key(&preset, "name", call->request->name, call->problem);
  if (status != STATUS_OK) return status;
  if (!call->request->has_replace && exists(call, preset.name)) {
    problem_add(call->problem, "exists", preset.name, NULL, "--replace or --name", "a preset of this name exists");
    return STATUS_IN_USE;
  }
  problem_clear(call->problem); /* saving tells the warnings again */
  return save(call, &preset, "imported");
}

static enum status run_copy(struct call *call) {
  struct preset preset;
  struct problem ignored = {0};
  enum status status = preset_store_load(call->store, call->arguments[0], &preset, NULL, &ignored);
  if (status != STATUS_OK) {
    *call->problem = ignored;
    return status;
  }
  status = preset_set_key(&preset, "name", call->arguments[1], call->problem);
  if (status != STATUS_OK) return status;
  if (exists(call, preset.name)) {
    problem_add(call->problem, "exists", preset.name, NULL, NULL, "a preset of this name exists");
    return STATUS_IN_USE;
  }
  return save(call, &preset, "written");
}

static enum status run_delete(struct call *call) {
  struct json_writer writer;
  bool has_restored;
  enum status status = preset_store_delete(call->store, call->arguments[0], call->request->now_ms, &has_restored, call->problem);
  if (status != STATUS_OK) return status;
  if (!is_json(call)) {
    buffer_add_format(call->out, "%s deleted%s.\n", call->arguments[0], has_restored ? "; the built-in content is back" : "");
    return STATUS_OK;
  }
  json_writer_init(&writer, call->out, true);
  json_begin_object(&writer, NULL);
  json_add_bool(&writer, "success", true);
  json_add_bool(&writer, "restored_built_in", has_restored);
  json_end_object(&writer);
  buffer_add_text(call->out, "\n");
  return STATUS_OK;
}

static void time_of(const struct preset_version *version, char out[32]) {
  struct text text;
  text_init(&text, out, 32);
  text_add_time(&text, version->ts_ms);
}

static void history_json(const struct call *call, const struct preset_version *versions, int count) {
  struct json_writer writer;
  char time[32];
  json_writer_init(&writer, call->out, true);
  json_begin_object(&writer, NULL);
  json_begin_array(&writer, "versions");
  for (int i = 0; i < count; i++) {
    time_of(&versions[i], time);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "id", versions[i].id);
    json_add_string(&writer, "ts", time);
    json_add_string(&writer, "user", versions[i].user[0] != '\0' ? versions[i].user : NULL);
    json_add_string(&writer, "hash", versions[i].hash[0] != '\0' ? versions[i].hash : NULL);
    json_end_object(&writer);
  }
  json_end_array(&writer);
  json_end_object(&writer);
  buffer_add_text(call->out, "\n");
}

static void history_table(const struct call *call, const struct preset_version *versions, int count) {
  static const struct table_column columns[] = {{"ID", TABLE_LEFT}, {"Replaced at", TABLE_LEFT}, {"Hash", TABLE_LEFT}};
  struct table table;
  char time[32];
  open_table(call, &table, columns, 3);
  for (int i = 0; i < count; i++) {
    time_of(&versions[i], time);
    table_add(&table, versions[i].id);
    table_add(&table, time);
    table_add(&table, versions[i].hash[0] != '\0' ? versions[i].hash : "no valid preset");
  }
  close_table(call, &table);
}

static enum status run_history(struct call *call) {
  static struct preset_version versions[VERSIONS_MAX];
  int count;
  enum status status = preset_store_versions(call->store, call->arguments[0], versions, VERSIONS_MAX, &count, call->problem);
  if (status != STATUS_OK) return status;
  if (count == 0 && !exists(call, call->arguments[0])) {
    problem_add(call->problem, "not_found", call->arguments[0], NULL, NULL, "there is no preset of this name and no version of it");
    return STATUS_NOT_FOUND;
  }
  if (is_json(call)) {
    history_json(call, versions, count);
  } else {
    history_table(call, versions, count);
  }
  return STATUS_OK;
}

static enum status run_restore(struct call *call) {
  struct preset preset;
  enum status status = preset_store_restore(call->store, call->arguments[0], call->arguments[1], call->request->now_ms, &preset, call->problem);
  if (status != STATUS_OK) return status;
  char hash[DIGEST_TEXT_MAX];
  preset_hash(&preset, hash);
  if (is_json(call)) {
    struct json_writer writer;
    json_writer_init(&writer, call->out, true);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "name", preset.name);
    json_add_string(&writer, "hash", hash);
    json_end_object(&writer);
    buffer_add_text(call->out, "\n");
  } else {
    buffer_add_format(call->out, "%s restored, hash %s.\n", preset.name, hash);
  }
  return STATUS_OK;
}

static const struct form {
  const char *word;
  const char *usage;
  int least, most; /* arguments */
  enum status (*run)(struct call *call);
} forms[] = {
    {"list", "presets list", 0, 0, run_list},
    {"show", "presets show NAME [--defaults] [--key KEY]", 1, 1, run_show},
    {"validate", "presets validate FILE...", 1, PRESETS_ARGUMENTS_MAX, run_validate},
    {"schema", "presets schema", 0, 0, run_schema},
    {"diff", "presets diff A B", 2, 2, run_diff},
    {"set", "presets set NAME KEY=VALUE...", 2, PRESETS_ARGUMENTS_MAX, run_set},
    {"import", "presets import FILE [--name N] [--replace]", 1, 1, run_import},
    {"copy", "presets copy A B", 2, 2, run_copy},
    {"delete", "presets delete NAME", 1, 1, run_delete},
    {"history", "presets history NAME", 1, 1, run_history},
    {"restore", "presets restore NAME ID", 2, 2, run_restore},
};
enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

static const struct form *find_form(const struct call *call, const char *word) {
  const char *words[FORM_COUNT];
  for (int i = 0; i < FORM_COUNT; i++) words[i] = forms[i].word;
  int form = app_form(call->problem, "presets", word, words, FORM_COUNT);
  return form < 0 ? NULL : &forms[form];
}

enum status presets_run(const struct presets_request *request, struct buffer *out, struct problem *problem) {
  int taken = request->count > 0;
  struct call call = {.request = request,
                      .store = request->store,
                      .arguments = request->words + taken,
                      .count = request->count - taken,
                      .out = out,
                      .problem = problem};
  const struct form *form = find_form(&call, taken > 0 ? request->words[0] : "list");
  if (form == NULL) return STATUS_BAD_CONFIG;
  if (call.count < form->least || call.count > form->most) return refuse(&call, form->word, form->usage, "too few or too many arguments");
  return form->run(&call);
}

static const struct app_option options[] = {
    {"defaults", 0, false, NULL, "show: also keys at their default"},
    {"key", 0, true, "KEY", "show: one value"},
    {"name", 0, true, "N", "import: under this name"},
    {"replace", 0, false, NULL, "import: over a preset of the same name"},
};
enum { OPTION_DEFAULTS, OPTION_KEY, OPTION_NAME, OPTION_REPLACE, OPTION_COUNT };

static bool read_request(struct app *app, int argc, char **argv, struct presets_request *request) {
  struct app_arguments arguments;
  const char *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, OPTION_COUNT, &value)) != APP_DONE) {
    if (option == APP_WRONG) return false;
    if (option == OPTION_DEFAULTS) request->has_defaults = true;
    if (option == OPTION_KEY) request->key = value;
    if (option == OPTION_NAME) request->name = value;
    if (option == OPTION_REPLACE) request->has_replace = true;
    if (option != APP_ARGUMENT) continue;
    if (request->count == PRESETS_ARGUMENTS_MAX) {
      problem_add(&app->problem, "bad_argument", value, NULL, "at most 64", "too many arguments");
      return false;
    }
    request->words[request->count++] = value;
  }
  return true;
}

static enum presets_format format_of(const struct app *app) {
  if (app->output == OUTPUT_TEXT) return PRESETS_TEXT;
  return app->output == OUTPUT_CSV ? PRESETS_CSV : PRESETS_JSON;
}

/* Versions are rows of the server's database when there is one that can be used now; else they are files until the server takes them in. */
static struct sqlite_rows *use_rows(const struct app *app, struct preset_store *store, struct row_port *port) {
  char path[DATABASE_PATH_MAX];
  struct sqlite_rows *rows;
  struct problem unused;
  int64_t count;
  int taken;
  problem_clear(&unused);
  if (!settings_sqlite_path(app->settings.database_url, path, sizeof path) || access(path, F_OK) != 0) return NULL;
  if (sqlite_rows_open(&rows, path, &unused) != STATUS_OK) return NULL;
  sqlite_rows_port(rows, port);
  const struct rows_query query = {.table = "preset_versions"};
  preset_store_use_rows(store, port, "cli");
  if (port->count(port->self, &query, &count, &unused) == STATUS_OK && preset_store_take_files(store, &taken, &unused) == STATUS_OK) return rows;
  preset_store_use_rows(store, NULL, NULL);
  sqlite_rows_close(rows);
  return NULL;
}

/* Verdicts on files are a result, also when they are bad: they are printed and only the exit code tells. */
int app_presets(struct app *app, int argc, char **argv) {
  struct preset_store store;
  struct presets_request request = {.store = &store, .format = format_of(app)};
  struct buffer out = {0};
  request.now_ms = app_now_ms();
  preset_store_init(&store, app->settings.presets_dir, app->settings.data_dir);
  if (!read_request(app, argc, argv, &request)) return app_fail(app, STATUS_BAD_CONFIG);
  struct row_port port;
  struct sqlite_rows *rows = use_rows(app, &store, &port);
  enum status status = presets_run(&request, &out, &app->problem);
  sqlite_rows_close(rows);
  if (out.length > 0) app_print(&out);
  buffer_deinit(&out);
  if (status == STATUS_OK) return 0;
  return problem_has_error(&app->problem) ? app_fail(app, status) : status_exit_code(status);
}
