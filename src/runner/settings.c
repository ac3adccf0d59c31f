#include "runner/settings.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

const char *const breakout_profile_names[] = {"development", "staging", "production"};
const char *const autostart_names[] = {"none", "paper"};
const char *const resume_on_restart_names[] = {"same", "paused"};
const char *const default_exchange_names[] = {"bybit", "binance", "rehearsal"};
const char *const exchange_env_names[] = {"main", "testnet", "demo"};
const char *const stop_trigger_names[] = {"last", "mark"};
const char *const fee_source_names[] = {"auto", "preset", "venue"};
const char *const book_depth_names[] = {"50", "200", "1000"};
const char *const service_role_names[] = {"all", "api", "engine", "worker"};
const char *const setting_log_level_names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
const char *const setting_log_console_names[] = {"off", "json", "text"};
const char *const setting_source_names[] = {"default", "profile", "file", "environment", "command line"};

#define SECRECY_OPEN false
#define SECRECY_SECRET true
#define EFFECT_NOW true
#define EFFECT_LATER false
#define MEMBER(field) .offset = offsetof(struct settings, field), .size = sizeof(((struct settings *)NULL)->field)

/* clang-format off */
const struct setting setting_table[SETTING_COUNT] = {
#define SETTING_TEXT(field, NAME, type, bytes, value, secrecy, effect, text) \
  [SETTING_INDEX_##NAME] = {.name = #NAME, .kind = SETTING_KIND_##type, .fallback = (value), .is_secret = SECRECY_##secrecy, \
                            .has_effect = EFFECT_##effect, .meaning = (text), MEMBER(field)},
#define SETTING_INTEGER(field, NAME, value, from, to, effect, text) \
  [SETTING_INDEX_##NAME] = {.name = #NAME, .kind = SETTING_KIND_INTEGER, .fallback = (value), .min = (from), .max = (to), .has_effect = EFFECT_##effect, \
                            .meaning = (text), MEMBER(field)},
#define SETTING_LONG(field, NAME, value, from, to, effect, text) \
  [SETTING_INDEX_##NAME] = {.name = #NAME, .kind = SETTING_KIND_LONG, .fallback = (value), .min = (double)(from), .max = (double)(to), \
                            .has_effect = EFFECT_##effect, .meaning = (text), MEMBER(field)},
#define SETTING_NUMBER(field, NAME, value, from, to, effect, text) \
  [SETTING_INDEX_##NAME] = {.name = #NAME, .kind = SETTING_KIND_NUMBER, .fallback = (value), .min = (from), .max = (to), .has_effect = EFFECT_##effect, \
                            .meaning = (text), MEMBER(field)},
#define SETTING_BOOLEAN(field, NAME, value, effect, text) \
  [SETTING_INDEX_##NAME] = {.name = #NAME, .kind = SETTING_KIND_BOOLEAN, .fallback = (value), .has_effect = EFFECT_##effect, .meaning = (text), MEMBER(field)},
#define SETTING_ENUM(field, NAME, type, value, effect, text) \
  [SETTING_INDEX_##NAME] = {.name = #NAME, .kind = SETTING_KIND_ENUM, .fallback = (value), .has_effect = EFFECT_##effect, .meaning = (text), MEMBER(field), \
                            .names = type##_names, .name_count = type##_count},
#include "runner/setting.def"
};
/* clang-format on */

static const struct {
  enum breakout_profile profile;
  enum setting_index index;
  const char *fallback;
} profile_defaults[] = {
#define SETTING_PROFILE(profile, NAME, value) {PROFILE_##profile, SETTING_INDEX_##NAME, value},
#include "runner/setting.def"
};

const char *setting_profile_fallback(const struct setting *setting, enum breakout_profile profile) {
  for (size_t i = 0; i < sizeof profile_defaults / sizeof profile_defaults[0]; i++) {
    if (profile_defaults[i].profile == profile && &setting_table[profile_defaults[i].index] == setting) return profile_defaults[i].fallback;
  }
  return NULL;
}

const struct setting *setting_find(const char *name) {
  for (int i = 0; i < SETTING_COUNT; i++) {
    if (text_equal(setting_table[i].name, name)) return &setting_table[i];
  }
  return NULL;
}

static void add_bounds(const struct setting *setting, struct text *text) {
  text_add_double(text, setting->min, 8);
  text_add(text, " to ");
  text_add_double(text, setting->max, 8);
}

void setting_type_text(const struct setting *setting, char *out, size_t size) {
  static const char *const words[] = {
      [SETTING_KIND_TEXT] = "text",
      [SETTING_KIND_PATH] = "path",
      [SETTING_KIND_URL] = "URL",
      [SETTING_KIND_DATABASE] = "sqlite:// or postgresql:// URL",
      [SETTING_KIND_FEED] = "a venue, demo or file:PATH",
      [SETTING_KIND_PRESET] = "name of a preset",
      [SETTING_KIND_ADDRESS] = "address",
      [SETTING_KIND_LIST] = "list separated by commas",
      [SETTING_KIND_CIDRS] = "networks as 10.0.0.0/8 separated by commas",
      [SETTING_KIND_INTEGER] = "integer, ",
      [SETTING_KIND_LONG] = "integer, at least 0",
      [SETTING_KIND_NUMBER] = "number, ",
      [SETTING_KIND_BOOLEAN] = "true, false, 1, 0, yes, no, on, off",
      [SETTING_KIND_ENUM] = "one of ",
  };
  struct text text;
  text_init(&text, out, size);
  text_add(&text, words[setting->kind]);
  if (setting->kind == SETTING_KIND_INTEGER || setting->kind == SETTING_KIND_NUMBER) add_bounds(setting, &text);
  for (int i = 0; i < setting->name_count; i++) {
    if (i > 0) text_add(&text, ", ");
    text_add(&text, setting->names[i]);
  }
}

void setting_value_text(const struct settings *settings, const struct setting *setting, char *out, size_t size) {
  const void *at = (const char *)settings + setting->offset;
  struct text text;
  text_init(&text, out, size);
  switch (setting->kind) {
    case SETTING_KIND_INTEGER:
      text_add_i64(&text, *(const int32_t *)at);
      return;
    case SETTING_KIND_LONG:
      text_add_i64(&text, *(const int64_t *)at);
      return;
    case SETTING_KIND_NUMBER:
      text_add_double(&text, *(const double *)at, 8);
      return;
    case SETTING_KIND_BOOLEAN:
      text_add(&text, *(const bool *)at ? "true" : "false");
      return;
    case SETTING_KIND_ENUM:
      text_add(&text, setting->names[*(const int32_t *)at]);
      return;
    default:
      break;
  }
  const char *value = at;
  text_add(&text, !setting->is_secret ? value : value[0] != '\0' ? "set" : "not set");
}

void settings_add_changed(const struct settings *settings, struct buffer *out) {
  char value[1100];
  size_t start = out->length;
  for (int i = 0; i < SETTING_COUNT; i++) {
    if (settings->source[i] == SETTING_FROM_DEFAULT) continue;
    setting_value_text(settings, &setting_table[i], value, sizeof value);
    buffer_add_format(out, "%s%s=%s (%s)", out->length > start ? ", " : "", setting_table[i].name, value, setting_source_names[settings->source[i]]);
  }
  for (int i = 0; i < settings->preset_overrides.count; i++) {
    buffer_add_format(out, "%s%s", out->length > start ? ", " : "", settings->preset_overrides.entries[i]);
  }
  if (out->length == start) buffer_add_text(out, "all defaults");
}

bool settings_sqlite_path(const char *url, char *out, size_t size) {
  static const char scheme[] = "sqlite://";
  if (strncmp(url, scheme, sizeof scheme - 1) != 0) return false;
  const char *path = url + sizeof scheme - 1;
  if (path[0] == '/' && path[1] == '/') path++; /* the fourth slash some programs write for an absolute path */
  if (path[0] == '\0' || strlen(path) >= size) return false;
  text_copy(out, size, path);
  return true;
}

int32_t settings_book_levels(const struct settings *settings) {
  static const int32_t levels[] = {50, 200, 1000};
  check(settings->book_depth >= 0 && settings->book_depth < book_depth_count);
  return levels[settings->book_depth];
}
