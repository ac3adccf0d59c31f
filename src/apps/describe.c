/* The verb describe: the tables this program is made of, as text, JSON, Markdown, Mermaid, OpenAPI; and the shell completion. */
#include <stdio.h>
#include <string.h>

#include "adapters/store/tables.h"
#include "api/api_state.h"
#include "apps/app.h"
#include "base/fsm.h"
#include "base/text.h"
#include "core/analysis/level.h"
#include "core/strategy/reason.h"
#include "engine/candidate.h"
#include "engine/command.h"
#include "engine/event.h"
#include "engine/intent.h"
#include "engine/record.h"
#include "runner/describe_tables.h"
#include "runner/metrics.h"
#include "runner/presets_builtin.h"

enum { COLUMNS_MAX = 6 };
enum form { FORM_DEFAULT, FORM_MARKDOWN, FORM_JSON, FORM_MERMAID, FORM_OPENAPI, FORM_TYPESCRIPT, FORM_ENV, form_count };
static const char *const form_names[] = {"", "md", "json", "mermaid", "openapi", "ts", "env"};

/* Cells of a topic, row by row, whatever they are printed as. */
struct rows {
  const struct table_column *columns;
  int column_count;
  struct buffer cells; /* texts with their NULs */
  int cell_count;
};

static void add(struct rows *rows, const char *text) {
  buffer_add(&rows->cells, text, strlen(text) + 1);
  rows->cell_count++;
}

/* ---- topics ---- */

static void list_settings(struct app *app, struct rows *rows) {
  char type[256];
  (void)app;
  for (int i = 0; i < SETTING_COUNT; i++) {
    const struct setting *setting = &setting_table[i];
    setting_type_text(setting, type, sizeof type);
    add(rows, setting->name);
    add(rows, type);
    add(rows, setting->fallback);
    add(rows, setting->is_secret ? "secret" : "");
    add(rows, setting->has_effect ? "" : "no effect in this version");
    add(rows, setting->meaning);
  }
}

static void list_values(struct app *app, struct rows *rows) {
  char value[1024];
  for (int i = 0; i < SETTING_COUNT; i++) {
    setting_value_text(&app->settings, &setting_table[i], value, sizeof value);
    add(rows, setting_table[i].name);
    add(rows, value);
    add(rows, setting_source_names[app->settings.source[i]]);
  }
}

static void list_presets(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < builtin_preset_count; i++) add(rows, builtin_presets[i].name);
}

static void list_commands(struct app *app, struct rows *rows) {
  (void)app;
  for (int command = 0; command < command_count; command++) {
    char memory[256];
    struct text states;
    text_init(&states, memory, sizeof memory);
    for (int state = 0; state < session_state_count; state++) {
      if (!command_is_legal((enum command)command, (enum session_state)state, false)) continue;
      if (states.length > 0) text_add_char(&states, ' ');
      text_add(&states, session_state_names[state]);
    }
    add(rows, command_names[command]);
    add(rows, command_roles[command]);
    add(rows, command_confirmations[command]);
    add(rows, memory);
    add(rows, command_texts[command]);
  }
}

static void list_messages(struct rows *rows, const char *direction, const char *const *names, const struct schema *const *schemas, int count) {
  for (int i = 0; i < count; i++) {
    char memory[2048];
    struct text fields;
    text_init(&fields, memory, sizeof memory);
    for (int j = 0; j < schemas[i]->field_count; j++) {
      if (j > 0) text_add_char(&fields, ' ');
      text_add(&fields, schemas[i]->fields[j].name);
    }
    add(rows, direction);
    add(rows, names[i]);
    add(rows, memory);
  }
}

static void list_events(struct app *app, struct rows *rows) {
  (void)app;
  list_messages(rows, "event", event_kind_names, event_schemas, event_kind_count);
  list_messages(rows, "intent", intent_kind_names, intent_schemas, intent_kind_count);
  list_messages(rows, "record", record_kind_names, record_schemas, record_kind_count);
}

static void list_reasons(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < reason_code_count; i++) {
    add(rows, reason_code_names[i]);
    add(rows, reason_units[i]);
    add(rows, reason_templates[i]);
  }
}

static void list_metrics(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < METRIC_COUNT; i++) {
    add(rows, metric_table[i].name);
    add(rows, metric_type_names[metric_table[i].type]);
    add(rows, metric_table[i].labels);
    add(rows, metric_table[i].text);
  }
}

static void list_routes(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < api_route_count; i++) {
    add(rows, api_routes[i].method);
    add(rows, api_routes[i].path);
    add(rows, api_routes[i].role);
    add(rows, api_routes[i].query);
    add(rows, api_routes[i].text);
  }
}

static const char *field_type_name(enum field_kind kind) {
  static const char *const names[] = {[FIELD_KIND_I64] = "integer",
                                      [FIELD_KIND_I32] = "integer",
                                      [FIELD_KIND_BOOL] = "boolean",
                                      [FIELD_KIND_DECIMAL] = "number",
                                      [FIELD_KIND_DECIMAL_NULL] = "number or null",
                                      [FIELD_KIND_DOUBLE] = "number or null",
                                      [FIELD_KIND_TIME] = "time or null",
                                      [FIELD_KIND_TEXT] = "string or null",
                                      [FIELD_KIND_ENUM] = "word or null",
                                      [FIELD_KIND_ID] = "id or null",
                                      [FIELD_KIND_LIST] = "array"};
  return names[kind];
}

static void list_shapes(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < SHAPE_COUNT; i++) {
    const struct schema *schema = shape_schema((enum shape_id)i);
    for (int j = 0; schema != NULL && j < schema->field_count; j++) {
      if (!shape_shows((enum shape_id)i, &schema->fields[j])) continue;
      add(rows, shape_table[i].name);
      add(rows, schema->fields[j].name);
      add(rows, field_type_name(schema->fields[j].kind));
      add(rows, "");
    }
    for (const struct shape_member *member = shape_table[i].members; member != NULL && member->name != NULL; member++) {
      if (!shape_is_member(member)) continue;
      add(rows, shape_table[i].name);
      add(rows, member->name);
      add(rows, shape_type_names[member->type]);
      add(rows, member->text);
    }
  }
}

static void list_tables(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < store_table_count; i++) {
    for (int j = 0; j < store_tables[i].column_count; j++) {
      const struct store_column *column = &store_tables[i].columns[j];
      add(rows, store_tables[i].name);
      add(rows, column->name);
      add(rows, column_type_names[column->type]);
      add(rows, column->is_indexed ? "indexed" : "");
      add(rows, store_tables[i].key);
      add(rows, store_tables[i].text);
    }
  }
}

static const struct fsm *const machines[] = {&session_fsm, &candidate_fsm, &order_fsm, &position_fsm, &level_fsm};
enum { MACHINE_TABLES = sizeof machines / sizeof machines[0] };

static void list_lifecycles(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < MACHINE_TABLES; i++) {
    for (int j = 0; j < machines[i]->row_count; j++) {
      const struct fsm_row *row = &machines[i]->rows[j];
      add(rows, machines[i]->name);
      add(rows, machines[i]->state_names[row->from]);
      add(rows, machines[i]->trigger_names[row->trigger]);
      add(rows, machines[i]->state_names[row->to]);
    }
  }
}

static void list_states(struct app *app, struct rows *rows) {
  (void)app;
  for (int i = 0; i < MACHINE_TABLES; i++) {
    for (int state = 0; state < machines[i]->state_count; state++) {
      bool is_last = true;
      for (int j = 0; j < machines[i]->row_count; j++) is_last = is_last && machines[i]->rows[j].from != state;
      add(rows, machines[i]->name);
      add(rows, machines[i]->state_names[state]);
      add(rows, is_last ? "last" : "");
    }
  }
}

/* ---- other forms ---- */

static void lifecycles_mermaid(struct buffer *out) {
  buffer_add_text(out, "# Life cycles\n\nMade by `breakout describe lifecycles --as mermaid` from the `*_fsm.def` tables. Do not edit.\n");
  for (int i = 0; i < MACHINE_TABLES; i++) {
    buffer_add_format(out, "\n## %s\n\n```mermaid\nstateDiagram-v2\n", machines[i]->name);
    for (int j = 0; j < machines[i]->row_count; j++) {
      const struct fsm_row *row = &machines[i]->rows[j];
      buffer_add_format(out, "  %s --> %s: %s\n", machines[i]->state_names[row->from], machines[i]->state_names[row->to],
                        machines[i]->trigger_names[row->trigger]);
    }
    buffer_add_text(out, "```\n");
  }
}

static void reasons_markdown(struct buffer *out) {
  buffer_add_text(out,
                  "# Reasons\n\nMade by `breakout describe reasons --as md` from `src/core/strategy/reason.def`. Do not edit.\n\n| Code | Unit | "
                  "Text |\n|---|---|---|\n");
  for (int i = 0; i < reason_code_count; i++) {
    buffer_add_format(out, "| `%s` | %s | ", reason_code_names[i], reason_units[i]);
    /* A bar would end the cell. */
    for (const char *at = reason_templates[i]; *at != '\0'; at++) buffer_add_format(out, *at == '|' ? "\\%c" : "%c", *at);
    buffer_add_text(out, " |\n");
  }
}

struct topic {
  const char *name;
  void (*list)(struct app *app, struct rows *rows); /* as a table, in any form but those below */
  struct table_column columns[COLUMNS_MAX];
  void (*documents[form_count])(struct buffer *out); /* forms written by their owners */
  const char *text;
};

static const struct topic topics[] = {
    {"settings",
     list_settings,
     {{"name", 0}, {"type", 0}, {"default", 0}, {"secret", 0}, {"effect", 0}, {"meaning", 0}},
     {[FORM_MARKDOWN] = settings_describe_markdown, [FORM_ENV] = settings_env_example},
     "deployment settings; --values: those in force"},
    {"presets", list_presets, {{"name", 0}}, {0}, "presets inside the program"},
    {"preset",
     NULL,
     {{0, 0}},
     {[FORM_DEFAULT] = preset_describe_markdown, [FORM_MARKDOWN] = preset_describe_markdown, [FORM_JSON] = preset_describe_json_schema},
     "keys of a preset; preset KEY: one of them"},
    {"commands",
     list_commands,
     {{"command", 0}, {"role", 0}, {"confirm", 0}, {"legal in", 0}, {"text", 0}},
     {0},
     "what an operator may ask of the engine"},
    {"events", list_events, {{"direction", 0}, {"kind", 0}, {"fields", 0}}, {0}, "messages into and out of the engine"},
    {"reasons", list_reasons, {{"code", 0}, {"unit", 0}, {"text", 0}}, {[FORM_MARKDOWN] = reasons_markdown}, "why something is done or not"},
    {"metrics",
     list_metrics,
     {{"name", 0}, {"type", 0}, {"labels", 0}, {"text", 0}},
     {[FORM_MARKDOWN] = metrics_describe_markdown},
     "what Prometheus sees"},
    {"routes",
     list_routes,
     {{"method", 0}, {"path", 0}, {"role", 0}, {"query", 0}, {"text", 0}},
     {[FORM_MARKDOWN] = api_describe_markdown, [FORM_OPENAPI] = api_describe_openapi},
     "endpoints of the API"},
    {"api",
     list_routes,
     {{"method", 0}, {"path", 0}, {"role", 0}, {"query", 0}, {"text", 0}},
     {[FORM_MARKDOWN] = api_describe_markdown, [FORM_OPENAPI] = api_describe_openapi},
     "the same"},
    {"shapes", list_shapes, {{"shape", 0}, {"member", 0}, {"type", 0}, {"text", 0}}, {0}, "objects of the API"},
    {"tables", list_tables, {{"table", 0}, {"column", 0}, {"type", 0}, {"index", 0}, {"key", 0}, {"text", 0}}, {0}, "tables of the database"},
    {"states", list_states, {{"machine", 0}, {"state", 0}, {"last", 0}}, {0}, "states of every life cycle"},
    {"lifecycles",
     list_lifecycles,
     {{"machine", 0}, {"from", 0}, {"trigger", 0}, {"to", 0}},
     {[FORM_MERMAID] = lifecycles_mermaid},
     "moves of every life cycle"},
};
enum { TOPIC_COUNT = sizeof topics / sizeof topics[0] };
static const struct topic values_topic = {"settings", list_values, {{"name", 0}, {"value", 0}, {"source", 0}}, {0}, ""};

/* ---- printing ---- */

static void print_json(const struct rows *rows, struct buffer *out) {
  struct json_writer writer;
  const char *cell = rows->cells.data;
  json_writer_init(&writer, out, true);
  json_begin_array(&writer, NULL);
  for (int i = 0; i < rows->cell_count; i++) {
    int column = i % rows->column_count;
    if (column == 0) json_begin_object(&writer, NULL);
    json_add_string(&writer, rows->columns[column].title, cell);
    if (column == rows->column_count - 1) json_end_object(&writer);
    cell += strlen(cell) + 1;
  }
  json_end_array(&writer);
  buffer_add_text(out, "\n");
}

static void print_markdown(const struct topic *topic, const struct rows *rows, struct buffer *out) {
  const char *cell = rows->cells.data;
  buffer_add_format(out, "# %c%s\n\nMade by `breakout describe %s --as md`: %s. Do not edit.\n\n|", topic->name[0] - 'a' + 'A', topic->name + 1,
                    topic->name, topic->text);
  for (int i = 0; i < rows->column_count; i++) buffer_add_format(out, " %s |", rows->columns[i].title);
  buffer_add_text(out, "\n|");
  for (int i = 0; i < rows->column_count; i++) buffer_add_text(out, "---|");
  for (int i = 0; i < rows->cell_count; i++) {
    buffer_add_text(out, i % rows->column_count == 0 ? "\n| " : " ");
    for (; *cell != '\0'; cell++) buffer_add_format(out, *cell == '|' ? "\\%c" : "%c", *cell);
    buffer_add_text(out, " |");
    cell++;
  }
  buffer_add_text(out, "\n");
}

static void print_table(struct app *app, const struct rows *rows) {
  struct table table;
  const char *cell = rows->cells.data;
  table_init(&table, rows->columns, (size_t)rows->column_count, app_table_format(app));
  for (int i = 0; i < rows->cell_count; i++) {
    table_add(&table, cell);
    cell += strlen(cell) + 1;
  }
  app_print_table(app, &table);
}

static int print_topic(struct app *app, const struct topic *topic, enum form form) {
  struct rows rows = {.columns = topic->columns};
  struct buffer out = {0};
  if (topic->documents[form] != NULL) {
    topic->documents[form](&out);
  } else if (topic->list == NULL || form > FORM_JSON) {
    return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", topic->name, "%s as %s is not in this version", topic->name, form_names[form]);
  } else {
    while (rows.column_count < COLUMNS_MAX && topic->columns[rows.column_count].title != NULL) rows.column_count++;
    topic->list(app, &rows);
    if (form == FORM_JSON) print_json(&rows, &out);
    if (form == FORM_MARKDOWN) print_markdown(topic, &rows, &out);
    if (form == FORM_DEFAULT) print_table(app, &rows);
    buffer_deinit(&rows.cells);
  }
  if (out.length > 0) app_print(&out);
  buffer_deinit(&out);
  return 0;
}

static int print_preset_key(struct app *app, const char *key) {
  struct buffer out = {0};
  if (!preset_describe_key(key, &out))
    return app_fail_with(app, STATUS_NOT_FOUND, "unknown_key", key, "presets have no such key; breakout describe preset lists them");
  app_print(&out);
  buffer_deinit(&out);
  return 0;
}

/* ---- completion ---- */

static bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || c == '-' || c == '_';
}

/* Lower-case words and --options of a usage line, which names the forms of a verb. */
static void add_usage_words(struct buffer *out, const char *usage) {
  for (const char *at = usage; *at != '\0';) {
    size_t length = 0;
    while (is_word_char(at[length])) length++;
    if (length > 1) {
      buffer_add(out, at, length);
      buffer_add_text(out, " ");
    }
    at += length > 0 ? length : 1;
  }
}

static void add_topic_names(struct buffer *out) {
  for (int i = 0; i < TOPIC_COUNT; i++) buffer_add_format(out, "%s ", topics[i].name);
  buffer_add_text(out, "completion ");
}

static void print_bash(struct buffer *out) {
  buffer_add_text(
      out,
      "# bash completion of breakout; made by `breakout describe completion bash`\n_breakout() {\n  local word=${COMP_WORDS[COMP_CWORD]} words\n"
      "  local common='--json --jsonl --csv --config --set --url --token-file --timeout --profile --log-level --logfile --no-color --yes --help "
      "--version'\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n    words='");
  for (int i = 0; i < app_verb_count; i++) {
    if (app_verbs[i].run != NULL) buffer_add_format(out, "%s ", app_verbs[i].name);
  }
  buffer_add_text(out, "help'\n  else\n    case ${COMP_WORDS[1]} in\n");
  for (int i = 0; i < app_verb_count; i++) {
    if (app_verbs[i].run == NULL) continue;
    buffer_add_format(out, "    %s) words='", app_verbs[i].name);
    if (text_equal(app_verbs[i].name, "describe")) {
      add_topic_names(out);
    } else {
      add_usage_words(out, app_verbs[i].usage);
    }
    buffer_add_text(out, "' ;;\n");
  }
  buffer_add_text(out,
                  "    *) words='' ;;\n    esac\n    words=\"$words $common\"\n  fi\n  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                  "  [ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n}\ncomplete -F _breakout breakout\n");
}

static int print_completion(struct app *app, const char *shell) {
  struct buffer out = {0};
  if (shell == NULL) return app_fail_with(app, STATUS_BAD_CONFIG, "bad_argument", "completion", "name the shell: bash");
  if (!text_equal(shell, "bash"))
    return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", shell, "completion of %s is not in this version; bash is", shell);
  print_bash(&out);
  app_print(&out);
  buffer_deinit(&out);
  return 0;
}

/* ---- the verb ---- */

static const struct app_option options[] = {
    {"as", 0, true, "FORM", "md, json, mermaid, openapi, env"},
    {"values", 0, false, NULL, "settings: values in force and where they come from"},
};
enum { OPTION_AS, OPTION_VALUES, OPTION_COUNT };

static int list_topics(struct app *app) {
  static const struct table_column columns[] = {{"topic", TABLE_LEFT}, {"what", TABLE_LEFT}};
  struct rows rows = {.columns = columns, .column_count = 2};
  struct buffer out = {0};
  for (int i = 0; i < TOPIC_COUNT; i++) {
    add(&rows, topics[i].name);
    add(&rows, topics[i].text);
  }
  add(&rows, "completion");
  add(&rows, "shell completion: completion bash");
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    print_json(&rows, &out);
    app_print(&out);
  } else {
    print_table(app, &rows);
  }
  buffer_deinit(&rows.cells);
  buffer_deinit(&out);
  return 0;
}

static int refuse_word(struct app *app, const char *path, const char *word, const char *const *names, int count) {
  int nearest = text_nearest(word, names, count);
  problem_add(&app->problem, "bad_argument", path, word, nearest >= 0 ? names[nearest] : NULL, "describe has no such %s", path);
  return app_fail(app, STATUS_BAD_CONFIG);
}

static int describe(struct app *app, const char *name, const char *argument, enum form form, bool has_values) {
  const char *names[TOPIC_COUNT];
  if (text_equal(name, "completion")) return print_completion(app, argument);
  if (text_equal(name, "alerts"))
    return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", "alerts", "alerts have no table in this version");
  if (text_equal(name, "preset") && argument != NULL) return print_preset_key(app, argument);
  if (text_equal(name, "settings") && has_values) return print_topic(app, &values_topic, form);
  for (int i = 0; i < TOPIC_COUNT; i++) {
    names[i] = topics[i].name;
    if (text_equal(name, topics[i].name)) return print_topic(app, &topics[i], form);
  }
  return refuse_word(app, "topic", name, names, TOPIC_COUNT);
}

int app_describe(struct app *app, int argc, char **argv) {
  struct app_arguments arguments;
  const char *words[2] = {NULL, NULL}, *value;
  enum form form = app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL ? FORM_JSON : FORM_DEFAULT;
  int option, count = 0;
  bool has_values = false;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, OPTION_COUNT, &value)) != APP_DONE) {
    if (option == APP_WRONG) return app_fail(app, STATUS_BAD_CONFIG);
    if (option == OPTION_VALUES) has_values = true;
    if (option == APP_ARGUMENT && count < 2) words[count++] = value;
    if (option != OPTION_AS) continue;
    for (form = FORM_MARKDOWN; form < form_count && !text_equal(value, form_names[form]);) form++;
    if (form == form_count) return refuse_word(app, "form", value, form_names + 1, form_count - 1);
  }
  return count == 0 ? list_topics(app) : describe(app, words[0], words[1], form, has_values);
}
