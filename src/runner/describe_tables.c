#include "runner/describe_tables.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "core/strategy/preset.h"
#include "runner/preset_print.h"
#include "runner/settings.h"

/* Presets */

static const char *kind_word(enum preset_kind kind) {
  static const char *const words[] = {
      [PRESET_KIND_SECTION] = "object",
      [PRESET_KIND_TEXT] = "string",
      [PRESET_KIND_ENUM] = "enum",
      [PRESET_KIND_NUMBER] = "number",
      [PRESET_KIND_NUMBER_OR_NULL] = "number or null",
      [PRESET_KIND_INTEGER] = "integer",
      [PRESET_KIND_INTEGER_OR_NULL] = "integer or null",
      [PRESET_KIND_BOOLEAN] = "boolean",
      [PRESET_KIND_SYMBOLS] = "list or null",
      [PRESET_KIND_STEPS] = "list of numbers",
      [PRESET_KIND_WEIGHT] = "number",
      [PRESET_KIND_TARGETS] = "list",
  };
  return words[kind];
}

static void default_text(const struct preset_key *key, char *out, size_t size) {
  char number[PRESET_NUMBER_TEXT_MAX];
  if (key->kind == PRESET_KIND_WEIGHT) {
    text_copy(out, size, "absent");
  } else if (key->is_required) {
    text_copy(out, size, "required");
  } else if (key->kind == PRESET_KIND_SECTION) {
    text_copy(out, size, "all defaults");
  } else if (key->kind == PRESET_KIND_ENUM) {
    text_copy(out, size, key->names[(int)key->fallback]);
  } else if (key->kind == PRESET_KIND_BOOLEAN) {
    text_copy(out, size, key->fallback != 0 ? "true" : "false");
  } else if (key->kind == PRESET_KIND_SYMBOLS) {
    text_copy(out, size, "null");
  } else if (key->kind == PRESET_KIND_STEPS) {
    text_copy(out, size, "0.01, 0.05, 0.1, 1, 5, 10");
  } else if (key->kind == PRESET_KIND_TARGETS) {
    text_copy(out, size, "[]");
  } else {
    preset_number_text(key->fallback, number);
    text_copy(out, size, number);
  }
}

/* A cell of a Markdown table: bars would end it. */
static void add_cell(struct buffer *out, const char *text) {
  for (; *text != '\0'; text++) {
    if (*text == '|') buffer_add_text(out, "\\");
    buffer_add(out, text, 1);
  }
  buffer_add_text(out, " | ");
}

static void add_preset_row(struct buffer *out, const struct preset_key *key) {
  char allowed[256], value[64];
  preset_key_allowed_text(key, allowed, sizeof allowed);
  default_text(key, value, sizeof value);
  buffer_add_format(out, "| `%s` | ", key->path);
  add_cell(out, kind_word(key->kind));
  add_cell(out, key->unit);
  add_cell(out, value);
  add_cell(out, allowed);
  add_cell(out, key->meaning);
  add_cell(out, key->used_in);
  add_cell(out, key->active_when);
  out->data[--out->length] = '\0';
  buffer_add_text(out, "\n");
}

void preset_describe_markdown(struct buffer *out) {
  buffer_add_text(out,
                  "# Preset keys\n\nMade by `breakout describe preset --as md` from `src/core/strategy/preset.def`. Do not edit.\n\n"
                  "| Key | Type | Unit | Default | Allowed | Meaning | Used in | Active when |\n|---|---|---|---|---|---|---|---|\n");
  for (int i = 0; i < preset_key_count; i++) add_preset_row(out, &preset_keys[i]);
}

bool preset_describe_key(const char *path, struct buffer *out) {
  const struct preset_key *key = preset_find_key(path);
  char allowed[256], value[64];
  if (key == NULL) return false;
  preset_key_allowed_text(key, allowed, sizeof allowed);
  default_text(key, value, sizeof value);
  buffer_add_format(out, "%s: %s\n  type         %s\n", key->path, key->meaning, kind_word(key->kind));
  if (key->unit[0] != '\0') buffer_add_format(out, "  unit         %s\n", key->unit);
  buffer_add_format(out, "  default      %s\n  allowed      %s\n", value, allowed);
  if (key->used_in[0] != '\0') buffer_add_format(out, "  used in      %s\n", key->used_in);
  if (key->active_when[0] != '\0') buffer_add_format(out, "  active when  %s\n", key->active_when);
  return true;
}

static void add_number_member(struct json_writer *writer, const char *name, double value) {
  char text[PRESET_NUMBER_TEXT_MAX];
  preset_number_text(value, text);
  json_add_raw(writer, name, text);
}

static void add_type(struct json_writer *writer, const char *type, bool may_be_null) {
  if (!may_be_null) {
    json_add_string(writer, "type", type);
    return;
  }
  json_begin_array(writer, "type");
  json_add_string(writer, NULL, type);
  json_add_string(writer, NULL, "null");
  json_end_array(writer);
}

static void add_words(struct json_writer *writer, const struct preset_key *key) {
  json_begin_array(writer, "enum");
  for (int i = 0; i < key->name_count; i++) json_add_string(writer, NULL, key->names[i]);
  json_end_array(writer);
}

static void add_list_schema(struct json_writer *writer, const struct preset_key *key) {
  bool is_symbols = key->kind == PRESET_KIND_SYMBOLS;
  add_type(writer, "array", is_symbols);
  if (!is_symbols) json_add_int(writer, "minItems", 1);
  json_add_int(writer, "maxItems", is_symbols ? PRESET_SYMBOLS_MAX : PRESET_STEPS_MAX);
  json_begin_object(writer, "items");
  json_add_string(writer, "type", is_symbols ? "string" : "number");
  if (is_symbols) {
    json_add_int(writer, "maxLength", PRESET_SYMBOL_BYTES - 1);
  } else {
    json_add_int(writer, "exclusiveMinimum", 0);
  }
  json_end_object(writer);
}

static void add_number_schema(struct json_writer *writer, const struct preset_key *key) {
  bool is_integer = key->kind == PRESET_KIND_INTEGER || key->kind == PRESET_KIND_INTEGER_OR_NULL;
  add_type(writer, is_integer ? "integer" : "number", key->kind == PRESET_KIND_NUMBER_OR_NULL || key->kind == PRESET_KIND_INTEGER_OR_NULL);
  add_number_member(writer, key->is_above_min ? "exclusiveMinimum" : "minimum", key->min);
  add_number_member(writer, "maximum", key->max);
  if (!key->is_required && key->kind != PRESET_KIND_WEIGHT) add_number_member(writer, "default", key->fallback);
}

static void add_section_schema(struct json_writer *writer, const char *prefix);

static void add_targets_schema(struct json_writer *writer) {
  json_add_string(writer, "type", "array");
  json_add_int(writer, "maxItems", PRESET_TARGETS_MAX);
  json_begin_object(writer, "items");
  add_section_schema(writer, "position_config.tp_levels[].");
  json_end_object(writer);
}

static void add_text_schema(struct json_writer *writer, const struct preset_key *key) {
  json_add_string(writer, "type", "string");
  if (text_equal(key->path, "name")) json_add_string(writer, "pattern", "^[a-z0-9_]{1,64}$");
  if (key->is_item) json_add_int(writer, "minLength", 1);
  json_add_int(writer, "maxLength", (int64_t)key->size - 1);
}

static void add_key_schema(struct json_writer *writer, const struct preset_key *key) {
  char prefix[160];
  struct text text;
  json_begin_object(writer, key->name);
  json_add_string(writer, "description", key->meaning);
  switch (key->kind) {
    case PRESET_KIND_SECTION:
      text_init(&text, prefix, sizeof prefix);
      text_add(&text, key->path);
      text_add_char(&text, '.');
      add_section_schema(writer, prefix);
      break;
    case PRESET_KIND_TEXT:
      add_text_schema(writer, key);
      break;
    case PRESET_KIND_ENUM:
      add_words(writer, key);
      if (!key->is_required) json_add_string(writer, "default", key->names[(int)key->fallback]);
      break;
    case PRESET_KIND_BOOLEAN:
      json_add_string(writer, "type", "boolean");
      json_add_bool(writer, "default", key->fallback != 0);
      break;
    case PRESET_KIND_SYMBOLS:
    case PRESET_KIND_STEPS:
      add_list_schema(writer, key);
      break;
    case PRESET_KIND_TARGETS:
      add_targets_schema(writer);
      break;
    default:
      add_number_schema(writer, key);
      break;
  }
  if (key->unit[0] != '\0') json_add_string(writer, "x-unit", key->unit);
  if (key->active_when[0] != '\0') json_add_string(writer, "x-active-when", key->active_when);
  if (key->used_in[0] != '\0') json_add_string(writer, "x-used-in", key->used_in);
  json_end_object(writer);
}

static bool is_in(const struct preset_key *key, const char *prefix) {
  size_t section = strlen(key->path) - strlen(key->name);
  return section == strlen(prefix) && strncmp(key->path, prefix, section) == 0;
}

static void add_section_schema(struct json_writer *writer, const char *prefix) {
  json_add_string(writer, "type", "object");
  json_begin_object(writer, "properties");
  if (prefix[0] == '\0') {
    json_begin_object(writer, "$schema");
    json_add_string(writer, "type", "string");
    json_end_object(writer);
  }
  for (int i = 0; i < preset_key_count; i++) {
    if (is_in(&preset_keys[i], prefix)) add_key_schema(writer, &preset_keys[i]);
  }
  json_end_object(writer);
  json_begin_array(writer, "required");
  for (int i = 0; i < preset_key_count; i++) {
    if (is_in(&preset_keys[i], prefix) && preset_keys[i].is_required) json_add_string(writer, NULL, preset_keys[i].name);
  }
  json_end_array(writer);
  json_add_bool(writer, "additionalProperties", false);
}

void preset_describe_json_schema(struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, true);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "$schema", "https://json-schema.org/draft/2020-12/schema");
  json_add_string(&writer, "title", "Breakout Bot preset");
  add_section_schema(&writer, "");
  json_end_object(&writer);
  buffer_add_text(out, "\n");
}

/* Settings */

static void add_setting_row(struct buffer *out, const struct setting *setting) {
  char type[256];
  setting_type_text(setting, type, sizeof type);
  buffer_add_format(out, "| `%s` | ", setting->name);
  add_cell(out, type);
  buffer_add_text(out, setting->fallback[0] != '\0' ? "`" : "");
  buffer_add_text(out, setting->fallback);
  buffer_add_text(out, setting->fallback[0] != '\0' ? "`" : "empty");
  for (int profile = 0; profile < breakout_profile_count; profile++) {
    const char *fallback = setting_profile_fallback(setting, (enum breakout_profile)profile);
    if (fallback != NULL) buffer_add_format(out, "; %s: `%s`", breakout_profile_names[profile], fallback);
  }
  buffer_add_format(out, " | %s | ", setting->is_secret ? "S" : "");
  buffer_add_text(out, setting->meaning);
  buffer_add_format(out, "%s |\n", setting->has_effect ? "" : " (no effect in this version)");
}

/* The groups stand in setting.def between the rows; a row's group is the last one before it. */
static const struct {
  enum setting_index first;
  const char *title;
} groups[] = {
#define SETTING_GROUP(title) {(enum setting_index) - 1, title},
#define SETTING_TEXT(member, NAME, kind, bytes, fallback, secrecy, effect, meaning) {SETTING_INDEX_##NAME, NULL},
#define SETTING_INTEGER(member, NAME, fallback, min, max, effect, meaning) {SETTING_INDEX_##NAME, NULL},
#define SETTING_LONG(member, NAME, fallback, min, max, effect, meaning) {SETTING_INDEX_##NAME, NULL},
#define SETTING_NUMBER(member, NAME, fallback, min, max, effect, meaning) {SETTING_INDEX_##NAME, NULL},
#define SETTING_BOOLEAN(member, NAME, fallback, effect, meaning) {SETTING_INDEX_##NAME, NULL},
#define SETTING_ENUM(member, NAME, type, fallback, effect, meaning) {SETTING_INDEX_##NAME, NULL},
#include "runner/setting.def"
};

void settings_describe_markdown(struct buffer *out) {
  buffer_add_text(
      out,
      "# Settings\n\nMade by `breakout describe settings --as md` from `src/runner/setting.def`. Do not edit.\n\n"
      "S: secret; `NAME_FILE` may name a file that holds the value. A value wins in this order: command line, environment, `.env`, profile, "
      "default.\n");
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    if (groups[i].title != NULL) {
      buffer_add_format(out, "\n## %s\n\n| Name | Type | Default | S | Meaning |\n|---|---|---|---|---|\n", groups[i].title);
    } else {
      add_setting_row(out, &setting_table[groups[i].first]);
    }
  }
}

static void add_example(struct buffer *out, const struct setting *setting) {
  char type[256];
  setting_type_text(setting, type, sizeof type);
  buffer_add_format(out, "# %s (%s)%s%s\n", setting->meaning, type, setting->is_secret ? "; secret" : "",
                    setting->has_effect ? "" : "; no effect in this version");
  buffer_add_format(out, "#%s=%s\n", setting->name, setting->fallback);
}

void settings_env_example(struct buffer *out) {
  buffer_add_text(out,
                  "# Settings of Breakout Bot with their defaults. Copy to .env (mode 600) and take the # away before the lines to change.\n"
                  "# Made by `breakout describe settings --as env` from src/runner/setting.def. Do not edit.\n");
  for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
    if (groups[i].title != NULL) {
      buffer_add_format(out, "\n# --- %s\n\n", groups[i].title);
    } else {
      add_example(out, &setting_table[groups[i].first]);
    }
  }
}
