#include "runner/preset_file.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "runner/preset_print.h"

enum { PATH_MAX_BYTES = 160, VALUE_MAX_BYTES = 64, KEYS_MAX = 320, PATTERN_PLUS_MAX = 4 };

/* Second names accepted on reading. */
static const struct {
  const char *path, *alias;
} aliases[] = {
    {"execution_config.enable_twap", "twap_enabled"},      {"execution_config.enable_iceberg", "iceberg_enabled"},
    {"risk.max_concurrent_positions", "max_open_trades"},  {"scanner_config.symbol_whitelist", "pair_whitelist"},
    {"scanner_config.symbol_blacklist", "pair_blacklist"},
};
enum { ALIAS_COUNT = sizeof aliases / sizeof aliases[0] };

struct reader {
  struct preset *preset;
  struct problem *problem;
  bool has_seen[KEYS_MAX];
  bool is_damaged[KEYS_MAX]; /* sections at the top in which something was refused */
  bool has_failed;
};

static void value_text(const struct json *value, char out[VALUE_MAX_BYTES]) {
  char number[PRESET_NUMBER_TEXT_MAX];
  switch (json_kind(value)) {
    case JSON_NULL:
      text_copy(out, VALUE_MAX_BYTES, "null");
      break;
    case JSON_BOOL:
      text_copy(out, VALUE_MAX_BYTES, json_bool(value) ? "true" : "false");
      break;
    case JSON_INT:
      snprintf(out, VALUE_MAX_BYTES, "%lld", (long long)json_int(value));
      break;
    case JSON_REAL:
      preset_number_text(json_number(value), number);
      text_copy(out, VALUE_MAX_BYTES, number);
      break;
    case JSON_STRING:
      snprintf(out, VALUE_MAX_BYTES, "\"%.50s\"", json_string(value));
      break;
    case JSON_ARRAY:
      snprintf(out, VALUE_MAX_BYTES, "a list of %zu", json_size(value));
      break;
    case JSON_OBJECT:
      text_copy(out, VALUE_MAX_BYTES, "an object");
      break;
  }
}

/* Cross rules over a section with a refused value would tell of defaults the file never stated. */
static void mark_damaged(struct reader *reader, const char *path) {
  char top[PATH_MAX_BYTES];
  size_t length = strcspn(path, ".[");
  text_copy(top, length + 1 < sizeof top ? length + 1 : sizeof top, path);
  const struct preset_key *section = preset_find_key(top);
  reader->has_failed = true;
  if (section != NULL) reader->is_damaged[section - preset_keys] = true;
}

static bool is_damaged(const struct reader *reader, const char *path) {
  for (int i = 0; i < preset_key_count; i++) {
    size_t length = strlen(preset_keys[i].path);
    if (!reader->is_damaged[i] || strncmp(path, preset_keys[i].path, length) != 0) continue;
    if (path[length] == '.' || path[length] == '\0') return true;
  }
  return false;
}

static void refuse(struct reader *reader, const char *code, const char *path, const struct json *value, const char *allowed, const char *message) {
  char given[VALUE_MAX_BYTES] = "";
  if (value != NULL) value_text(value, given);
  mark_damaged(reader, path);
  problem_add(reader->problem, code, path, given, allowed, "%s", message);
}

static void refuse_kind(struct reader *reader, const struct preset_key *key, const char *path, const struct json *value, const char *wanted) {
  char allowed[128];
  preset_key_allowed_text(key, allowed, sizeof allowed);
  char message[96];
  snprintf(message, sizeof message, "must be %s", wanted);
  refuse(reader, "wrong_type", path, value, allowed, message);
}

static bool is_number(const struct json *value) {
  return json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL;
}

static void read_number(struct reader *reader, const struct preset_key *key, void *object, const char *path, const struct json *value) {
  bool is_integer = key->kind == PRESET_KIND_INTEGER || key->kind == PRESET_KIND_INTEGER_OR_NULL;
  bool may_be_null = key->kind == PRESET_KIND_NUMBER_OR_NULL || key->kind == PRESET_KIND_INTEGER_OR_NULL;
  if (json_kind(value) == JSON_NULL && may_be_null) {
    preset_key_write(key, object, (double)NAN);
    return;
  }
  double number = is_number(value) ? json_number(value) : (double)NAN;
  if (isnan(number) || (is_integer && floor(number) != number)) {
    const char *wanted = is_integer ? (may_be_null ? "a whole number or null" : "a whole number") : (may_be_null ? "a number or null" : "a number");
    refuse_kind(reader, key, path, value, wanted);
    return;
  }
  if (!preset_key_allows(key, number)) {
    char allowed[128];
    preset_key_allowed_text(key, allowed, sizeof allowed);
    refuse(reader, "out_of_bounds", path, value, allowed, "is outside its bounds");
    return;
  }
  preset_key_write(key, object, number + 0.0); /* -0 becomes 0: one value, one canonical form */
}

static void read_enum(struct reader *reader, const struct preset_key *key, void *object, const char *path, const struct json *value) {
  if (json_kind(value) != JSON_STRING) {
    refuse_kind(reader, key, path, value, "a word");
    return;
  }
  for (int i = 0; i < key->name_count; i++) {
    if (!text_equal(key->names[i], json_string(value))) continue;
    preset_key_write(key, object, i);
    return;
  }
  char allowed[128];
  preset_key_allowed_text(key, allowed, sizeof allowed);
  refuse(reader, "bad_enum", path, value, allowed, "is not one of the words allowed");
}

static bool has_control_character(const char *text, bool may_have_lines) {
  for (; *text != '\0'; text++) {
    if (iscntrl((unsigned char)*text) && !(may_have_lines && *text == '\n')) return true;
  }
  return false;
}

static bool is_preset_name(const char *name) {
  size_t length = strlen(name);
  return length >= 1 && length <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static void read_text(struct reader *reader, const struct preset_key *key, void *object, const char *path, const struct json *value) {
  if (json_kind(value) != JSON_STRING) {
    refuse_kind(reader, key, path, value, "text");
    return;
  }
  const char *text = json_string(value);
  char allowed[128];
  preset_key_allowed_text(key, allowed, sizeof allowed);
  if (strlen(text) >= key->size) {
    refuse(reader, "out_of_bounds", path, value, allowed, "is too long");
  } else if (key->is_item && *text == '\0') {
    refuse(reader, "out_of_bounds", path, value, "1 to 16 characters", "must not be empty");
  } else if (has_control_character(text, text_equal(key->name, "description"))) {
    refuse(reader, "out_of_bounds", path, value, allowed, "contains a control character");
  } else if (text_equal(key->path, "name") && !is_preset_name(text)) {
    refuse(reader, "out_of_bounds", path, value, "1 to 64 of a-z, 0-9 and _", "is not a preset name");
  } else {
    text_copy((char *)object + key->offset, key->size, text);
  }
}

/* glibc needs unbounded memory or time for repeat counts and back references, and doubles what stands before each +; whole symbols can be named
 * without them. */
static bool compile_pattern(const char *entry, regex_t *regex) {
  char anchored[PRESET_SYMBOL_BYTES + 8];
  int doublings = 0;
  for (const char *at = entry; *at != '\0'; at++) doublings += *at == '+';
  if (strpbrk(entry, "{\\") != NULL || doublings > PATTERN_PLUS_MAX) return false;
  snprintf(anchored, sizeof anchored, "^(%s)$", entry);
  return regcomp(regex, anchored, REG_EXTENDED | REG_ICASE | REG_NOSUB) == 0;
}

static bool is_symbol_entry(const char *entry) {
  char printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  regex_t regex;
  if (!symbol_is_pattern(entry)) return symbol_parse(entry, printed, venue_symbol);
  if (!compile_pattern(entry, &regex)) return false;
  regfree(&regex);
  return true;
}

static void read_symbols(struct reader *reader, const struct preset_key *key, void *object, const char *path, const struct json *value) {
  struct symbol_list *list = (struct symbol_list *)(void *)((char *)object + key->offset);
  char item_path[PATH_MAX_BYTES];
  if (json_kind(value) == JSON_NULL) {
    *list = (struct symbol_list){.is_null = true};
    return;
  }
  if (json_kind(value) != JSON_ARRAY) {
    refuse_kind(reader, key, path, value, "a list or null");
    return;
  }
  if (json_size(value) > PRESET_SYMBOLS_MAX) {
    refuse(reader, "out_of_bounds", path, value, "at most 64 entries", "has too many entries");
    return;
  }
  *list = (struct symbol_list){.is_null = false};
  for (size_t i = 0; i < json_size(value); i++) {
    const struct json *item = json_item(value, i);
    snprintf(item_path, sizeof item_path, "%s[%zu]", path, i);
    if (json_kind(item) != JSON_STRING) {
      refuse(reader, "wrong_type", item_path, item, "a symbol or a pattern", "must be text");
    } else if (strlen(json_string(item)) >= PRESET_SYMBOL_BYTES || !is_symbol_entry(json_string(item))) {
      refuse(reader, "bad_symbol", item_path, item, "BTC/USDT:USDT, BTCUSDT, ... or a regular expression without {} and \\, with four + at most",
             "is neither a symbol nor a pattern");
    } else {
      text_copy(list->items[list->count++], PRESET_SYMBOL_BYTES, json_string(item));
    }
  }
}

static void read_steps(struct reader *reader, const struct preset_key *key, void *object, const char *path, const struct json *value) {
  double *steps = (double *)(void *)((char *)object + key->offset);
  int32_t *count = (int32_t *)(void *)((char *)object + key->count_offset);
  char item_path[PATH_MAX_BYTES];
  if (json_kind(value) != JSON_ARRAY) {
    refuse_kind(reader, key, path, value, "a list of numbers");
    return;
  }
  if (json_size(value) < 1 || json_size(value) > PRESET_STEPS_MAX) {
    refuse(reader, "out_of_bounds", path, value, "1 to 12 numbers > 0", "has too few or too many items");
    return;
  }
  *count = 0;
  for (size_t i = 0; i < json_size(value); i++) {
    const struct json *item = json_item(value, i);
    snprintf(item_path, sizeof item_path, "%s[%zu]", path, i);
    if (!is_number(item)) {
      refuse(reader, "wrong_type", item_path, item, "> 0", "must be a number");
    } else if (!(json_number(item) > 0)) {
      refuse(reader, "out_of_bounds", item_path, item, "> 0", "is outside its bounds");
    } else {
      steps[(*count)++] = json_number(item);
    }
  }
}

static void read_object(struct reader *reader, void *object, const char *prefix, const char *shown_prefix, const struct json *value);

static void refuse_missing(struct reader *reader, const struct preset_key *key, const char *path) {
  char allowed[128];
  preset_key_allowed_text(key, allowed, sizeof allowed);
  refuse(reader, "missing_key", path, NULL, allowed, "is required");
}

/* Required members of one rung; has_seen is kept for the first rung only, so presence is asked of the JSON. */
static void check_rung_members(struct reader *reader, const char *path, const struct json *rung) {
  char member_path[PATH_MAX_BYTES];
  for (int i = 0; i < preset_key_count; i++) {
    const struct preset_key *key = &preset_keys[i];
    if (!key->is_item || !key->is_required || json_member(rung, key->name) != NULL) continue;
    snprintf(member_path, sizeof member_path, "%.100s.%.50s", path, key->name);
    refuse_missing(reader, key, member_path);
  }
}

static void read_targets(struct reader *reader, const struct preset_key *key, void *object, const char *path, const struct json *value) {
  struct tp_level *rungs = (struct tp_level *)(void *)((char *)object + key->offset);
  int32_t *count = (int32_t *)(void *)((char *)object + key->count_offset);
  char item_path[PATH_MAX_BYTES];
  if (json_kind(value) != JSON_ARRAY) {
    refuse_kind(reader, key, path, value, "a list");
    return;
  }
  if (json_size(value) > PRESET_TARGETS_MAX) {
    refuse(reader, "out_of_bounds", path, value, "empty or 2 to 6 items", "has too many items");
    return;
  }
  *count = (int32_t)json_size(value);
  for (size_t i = 0; i < json_size(value); i++) {
    const struct json *item = json_item(value, i);
    snprintf(item_path, sizeof item_path, "%s[%zu]", path, i);
    preset_init_target(&rungs[i]);
    if (json_kind(item) != JSON_OBJECT) {
      refuse(reader, "wrong_type", item_path, item, "an object", "must be an object");
      continue;
    }
    read_object(reader, &rungs[i], "position_config.tp_levels[].", item_path, item);
    check_rung_members(reader, item_path, item);
  }
}

static void read_value(struct reader *reader, const struct preset_key *key, void *object, const char *path, const struct json *value) {
  char prefix[PATH_MAX_BYTES];
  switch (key->kind) {
    case PRESET_KIND_SECTION:
      if (json_kind(value) != JSON_OBJECT) {
        refuse_kind(reader, key, path, value, "an object");
        return;
      }
      snprintf(prefix, sizeof prefix, "%.150s.", key->path);
      read_object(reader, object, prefix, path, value);
      return;
    case PRESET_KIND_TEXT:
      read_text(reader, key, object, path, value);
      return;
    case PRESET_KIND_ENUM:
      read_enum(reader, key, object, path, value);
      return;
    case PRESET_KIND_BOOLEAN:
      if (json_kind(value) != JSON_BOOL) {
        refuse_kind(reader, key, path, value, "true or false");
        return;
      }
      preset_key_write(key, object, json_bool(value));
      return;
    case PRESET_KIND_SYMBOLS:
      read_symbols(reader, key, object, path, value);
      return;
    case PRESET_KIND_STEPS:
      read_steps(reader, key, object, path, value);
      return;
    case PRESET_KIND_TARGETS:
      read_targets(reader, key, object, path, value);
      return;
    case PRESET_KIND_NUMBER:
    case PRESET_KIND_NUMBER_OR_NULL:
    case PRESET_KIND_INTEGER:
    case PRESET_KIND_INTEGER_OR_NULL:
    case PRESET_KIND_WEIGHT:
      read_number(reader, key, object, path, value);
      return;
  }
}

/* The key whose name is nearest; among equals one of the same section. */
static const struct preset_key *nearest_key(const char *prefix, const char *name) {
  const struct preset_key *best = NULL;
  int best_rank = 0;
  for (int i = 0; i < preset_key_count; i++) {
    const struct preset_key *key = &preset_keys[i];
    size_t section = strlen(key->path) - strlen(key->name);
    bool is_sibling = section == strlen(prefix) && strncmp(key->path, prefix, section) == 0;
    int rank = 2 * text_distance(key->name, name) + (is_sibling ? 0 : 1);
    if (best != NULL && rank >= best_rank) continue;
    best = key;
    best_rank = rank;
  }
  return best;
}

static void refuse_unknown(struct reader *reader, const char *prefix, const char *name, const char *path) {
  const struct preset_key *nearest = nearest_key(prefix, name);
  reader->has_failed = true;
  problem_add(reader->problem, "unknown_key", path, NULL, nearest->path, "there is no such key; the nearest is %s", nearest->path);
}

struct visit {
  struct reader *reader;
  void *object;
  const char *prefix, *shown_prefix;
  const struct json *json;
};

static const struct preset_key *find_in_section(const char *prefix, const char *name) {
  char path[PATH_MAX_BYTES];
  int length = snprintf(path, sizeof path, "%s%s", prefix, name);
  if (strpbrk(name, ".[") != NULL || length >= (int)sizeof path) return NULL;
  return preset_find_key(path);
}

static const struct preset_key *find_by_alias(const struct visit *visit, const char *name, const char *path) {
  for (size_t i = 0; i < ALIAS_COUNT; i++) {
    size_t section = strlen(visit->prefix);
    if (!text_equal(aliases[i].alias, name) || strncmp(aliases[i].path, visit->prefix, section) != 0) continue;
    const struct preset_key *key = preset_find_key(aliases[i].path);
    if (key == NULL || !text_equal(key->name, aliases[i].path + section)) continue;
    if (json_member(visit->json, key->name) != NULL) {
      visit->reader->has_failed = true;
      problem_add(visit->reader->problem, "duplicate", path, NULL, key->path, "is another name of %s, which is also given", key->path);
    } else {
      problem_warn(visit->reader->problem, "alias", path, NULL, key->path, "is another name of %s and is written under that", key->path);
    }
    return key;
  }
  return NULL;
}

static void read_member(void *context, const char *name, const struct json *value) {
  const struct visit *visit = context;
  char path[PATH_MAX_BYTES];
  snprintf(path, sizeof path, "%s%s%.60s", visit->shown_prefix, visit->shown_prefix[0] != '\0' ? "." : "", name);
  if (visit->prefix[0] == '\0' && text_equal(name, "$schema")) return;
  const struct preset_key *key = find_in_section(visit->prefix, name);
  if (key == NULL) key = find_by_alias(visit, name, path);
  if (key == NULL) {
    refuse_unknown(visit->reader, visit->prefix, name, path);
    return;
  }
  visit->reader->has_seen[key - preset_keys] = true;
  read_value(visit->reader, key, visit->object, path, value);
}

static void read_object(struct reader *reader, void *object, const char *prefix, const char *shown_prefix, const struct json *value) {
  struct visit visit = {.reader = reader, .object = object, .prefix = prefix, .shown_prefix = shown_prefix, .json = value};
  json_each(value, read_member, &visit);
}

/* A missing section is told once, not once a member. */
static bool is_in_missing_section(const struct reader *reader, const struct preset_key *key) {
  for (int i = 0; i < preset_key_count; i++) {
    const struct preset_key *section = &preset_keys[i];
    size_t length = strlen(section->path);
    if (section->kind != PRESET_KIND_SECTION || reader->has_seen[i]) continue;
    if (strncmp(key->path, section->path, length) == 0 && key->path[length] == '.') return true;
  }
  return false;
}

static void check_required(struct reader *reader) {
  for (int i = 0; i < preset_key_count; i++) {
    const struct preset_key *key = &preset_keys[i];
    if (!key->is_required || key->is_item || reader->has_seen[i] || is_in_missing_section(reader, key)) continue;
    refuse_missing(reader, key, key->path);
  }
}

static void check_channel_section(struct reader *reader) {
  const struct preset_key *section = preset_find_key("channel_config");
  if (reader->preset->strategy_priority == STRATEGY_PRIORITY_CHANNEL || !reader->has_seen[section - preset_keys]) return;
  refuse(reader, "cross_rule", section->path, NULL, "strategy_priority channel", "is allowed only with strategy_priority channel");
}

/* reader NULL: the whole preset is to be judged. */
static bool cross_rules_hold(const struct preset *preset, const struct reader *reader, struct problem *problem) {
  struct preset_finding findings[PRESET_FINDINGS_MAX];
  int count = preset_cross_check(preset, findings);
  bool has_failed = false;
  for (int i = 0; i < count; i++) {
    const struct preset_finding *finding = &findings[i];
    if (reader != NULL && is_damaged(reader, finding->path)) continue;
    if (finding->is_warning) {
      problem_warn(problem, finding->rule, finding->path, NULL, NULL, "%s", finding->text);
    } else {
      problem_add(problem, "cross_rule", finding->path, NULL, NULL, "%s: %s", finding->rule, finding->text);
      has_failed = true;
    }
  }
  return !has_failed;
}

static bool name_equals_stem(const struct preset *preset, const char *stem, struct problem *problem) {
  if (stem == NULL || text_equal(stem, preset->name)) return true;
  problem_add(problem, "cross_rule", "name", preset->name, stem, "X16: name must equal the file's name without .json");
  return false;
}

enum status preset_check(const struct preset *preset, const char *stem, struct problem *problem) {
  bool holds = cross_rules_hold(preset, NULL, problem);
  return name_equals_stem(preset, stem, problem) && holds ? STATUS_OK : STATUS_BAD_CONFIG;
}

enum status preset_from_json(struct preset *preset, const struct json *object, const char *stem, struct problem *problem) {
  struct reader reader = {.preset = preset, .problem = problem};
  check(preset_key_count <= KEYS_MAX);
  preset_init(preset);
  if (json_kind(object) != JSON_OBJECT) {
    refuse(&reader, "wrong_type", "", object, "an object", "a preset must be an object");
    return STATUS_BAD_CONFIG;
  }
  read_object(&reader, preset, "", "", object);
  check_required(&reader);
  check_channel_section(&reader);
  bool holds = cross_rules_hold(preset, &reader, problem);
  if (!is_damaged(&reader, "name")) holds = name_equals_stem(preset, stem, problem) && holds;
  return holds && !reader.has_failed ? STATUS_OK : STATUS_BAD_CONFIG;
}

enum status preset_parse(struct preset *preset, const char *text, size_t length, const char *source_name, const char *stem, struct problem *problem) {
  preset_init(preset);
  if (length > PRESET_FILE_BYTES_MAX) {
    problem_add(problem, "bad_json", source_name, NULL, "at most 1 MiB", "the file is too large for a preset");
    return STATUS_BAD_CONFIG;
  }
  struct json *document = json_parse(text, length, JSON_RELAXED, source_name, problem);
  if (document == NULL) return STATUS_BAD_CONFIG;
  enum status status = preset_from_json(preset, document, stem, problem);
  json_free(document);
  return status;
}

/* Bare words become JSON text, comma lists become JSON lists; everything else must be JSON already. */
static void to_json_text(const struct preset_key *key, const char *value, struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  bool is_list = key->kind == PRESET_KIND_SYMBOLS || key->kind == PRESET_KIND_STEPS;
  bool is_word = key->kind == PRESET_KIND_TEXT || key->kind == PRESET_KIND_ENUM;
  if (is_word && value[0] != '"') {
    json_add_string(&writer, NULL, value);
    return;
  }
  if (!is_list || value[0] == '[' || text_equal(value, "null")) {
    buffer_add_text(out, value);
    return;
  }
  json_begin_array(&writer, NULL);
  for (const char *at = value; *at != '\0';) {
    size_t length = strcspn(at, ",");
    char item[256];
    text_copy(item, length + 1 < sizeof item ? length + 1 : sizeof item, at);
    if (key->kind == PRESET_KIND_SYMBOLS) {
      json_add_string(&writer, NULL, item);
    } else {
      json_add_raw(&writer, NULL, item);
    }
    at += length + (at[length] == ',');
  }
  json_end_array(&writer);
}

/* position_config.tp_levels[2].size_pct: the key of the member and the rung it belongs to. */
static const struct preset_key *find_settable(struct preset *preset, const char *path, void **object) {
  static const char head[] = "position_config.tp_levels[";
  char item_path[PATH_MAX_BYTES];
  *object = preset;
  if (strncmp(path, head, sizeof head - 1) != 0) return preset_find_key(path);
  const char *digit = path + sizeof head - 1;
  int index = *digit - '0';
  if (index < 0 || index >= preset->position_config.tp_level_count || digit[1] != ']') return NULL;
  snprintf(item_path, sizeof item_path, "%s%.100s", head, digit + 1);
  *object = &preset->position_config.tp_levels[index];
  return preset_find_key(item_path);
}

enum status preset_set_key(struct preset *preset, const char *path, const char *value, struct problem *problem) {
  struct reader reader = {.preset = preset, .problem = problem};
  void *object;
  const struct preset_key *key = find_settable(preset, path, &object);
  if (key == NULL || key->kind == PRESET_KIND_SECTION) {
    const char *name = strrchr(path, '.') != NULL ? strrchr(path, '.') + 1 : path;
    char prefix[PATH_MAX_BYTES];
    size_t length = (size_t)(name - path);
    text_copy(prefix, length + 1 < sizeof prefix ? length + 1 : sizeof prefix, path);
    refuse_unknown(&reader, prefix, name, path);
    return STATUS_BAD_CONFIG;
  }
  if (strncmp(path, "channel_config.", 15) == 0) reader.has_seen[preset_find_key("channel_config") - preset_keys] = true;
  struct buffer text = {0};
  to_json_text(key, value, &text);
  struct json *document = text.length > PRESET_FILE_BYTES_MAX ? NULL : json_parse(text.data, text.length, JSON_STRICT, path, NULL);
  if (document == NULL) {
    char allowed[128];
    preset_key_allowed_text(key, allowed, sizeof allowed);
    mark_damaged(&reader, path);
    problem_add(problem, "wrong_type", path, value, allowed, "is not a value of this key");
  } else {
    read_value(&reader, key, object, path, document);
    check_channel_section(&reader);
  }
  json_free(document);
  buffer_deinit(&text);
  return reader.has_failed ? STATUS_BAD_CONFIG : STATUS_OK;
}

/* RISK__RISK_PER_TRADE -> risk.risk_per_trade. No key contains two underscores in a row. */
static void override_path(const char *name, size_t length, char path[PATH_MAX_BYTES]) {
  size_t used = 0;
  for (size_t i = 0; i < length && used + 1 < PATH_MAX_BYTES; i++) {
    if (name[i] == '_' && i + 1 < length && name[i + 1] == '_') {
      path[used++] = '.';
      i++;
    } else {
      path[used++] = (char)tolower((unsigned char)name[i]);
    }
  }
  path[used] = '\0';
}

enum status preset_apply_overrides(struct preset *preset, const struct preset_overrides *overrides, struct problem *problem) {
  static const char head[] = "BREAKOUT__";
  enum status status = STATUS_OK;
  for (int i = 0; i < overrides->count; i++) {
    const char *name = overrides->entries[i] + sizeof head - 1;
    const char *equals = strchr(name, '=');
    char path[PATH_MAX_BYTES] = "";
    check(equals != NULL);
    override_path(name, (size_t)(equals - name), path);
    if (preset_set_key(preset, path, equals + 1, problem) != STATUS_OK) status = STATUS_BAD_CONFIG;
  }
  if (status != STATUS_OK || overrides->count == 0) return status;
  return preset_check(preset, NULL, problem);
}

/* Marks the symbols an entry names. Returns how many. */
static int match_entry(const char *entry, const char (*symbols)[SYMBOL_TEXT_MAX], int count, bool *is_named) {
  char printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  int matches = 0;
  regex_t regex;
  bool is_pattern = symbol_is_pattern(entry);
  if (is_pattern ? !compile_pattern(entry, &regex) : !symbol_parse(entry, printed, venue_symbol)) return 0;
  for (int i = 0; i < count; i++) {
    bool is_match = is_pattern ? regexec(&regex, symbols[i], 0, NULL, 0) == 0 : text_equal(symbols[i], printed);
    if (!is_match) continue;
    is_named[i] = true;
    matches++;
  }
  if (is_pattern) regfree(&regex);
  return matches;
}

static void match_list(const struct symbol_list *list, const char *path, const char (*symbols)[SYMBOL_TEXT_MAX], int count, bool *is_named,
                       struct problem *problem) {
  memset(is_named, 0, sizeof *is_named * (size_t)count);
  for (int i = 0; i < list->count; i++) {
    if (match_entry(list->items[i], symbols, count, is_named) > 0) continue;
    problem_warn(problem, "W2", path, list->items[i], NULL, "matches no symbol of the venue");
  }
}

enum status preset_resolve_lists(const struct preset *preset, const char (*symbols)[SYMBOL_TEXT_MAX], int count, bool *allowed,
                                 struct problem *problem) {
  const struct symbol_list *whitelist = &preset->scanner_config.symbol_whitelist;
  const struct symbol_list *blacklist = &preset->scanner_config.symbol_blacklist;
  bool *is_named = calloc((size_t)count + 1, sizeof *is_named);
  if (is_named == NULL) return STATUS_NO_MEMORY;
  match_list(whitelist, "scanner_config.symbol_whitelist", symbols, count, is_named, problem);
  for (int i = 0; i < count; i++) allowed[i] = whitelist->is_null || is_named[i];
  match_list(blacklist, "scanner_config.symbol_blacklist", symbols, count, is_named, problem);
  for (int i = 0; i < count; i++) allowed[i] = allowed[i] && !is_named[i];
  free(is_named);
  return STATUS_OK;
}
