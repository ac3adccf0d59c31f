#include "runner/preset_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum { KEYS_MAX = 320, DEPTH_MAX = 4, PATH_BYTES = 160, DIGITS_MAX = 17 };

/* Digits and decimal exponent of the shortest %e text that reads back as the value. Whatever the locale puts between the first two digits is
 * skipped: the same locale wrote and reads it. */
static int shortest_digits(double value, char digits[DIGITS_MAX + 1]) {
  char text[48];
  for (int precision = 0; precision < DIGITS_MAX; precision++) {
    snprintf(text, sizeof text, "%.*e", precision, value);
    if (strtod(text, NULL) == value) break;
  }
  int count = 0;
  const char *exponent = strchr(text, 'e');
  for (const char *at = text; at < exponent; at++) {
    if (*at >= '0' && *at <= '9') digits[count++] = *at;
  }
  while (count > 1 && digits[count - 1] == '0') count--;
  digits[count] = '\0';
  return (int)strtol(exponent + 1, NULL, 10);
}

static void add_zeros(struct text *text, int count) {
  for (int i = 0; i < count; i++) text_add_char(text, '0');
}

/* Plain notation from 1e-7 up to below 1e21, as JavaScript prints it; beyond that with an exponent. */
static void add_digits(struct text *text, const char *digits, int exponent) {
  int count = (int)strlen(digits);
  if (exponent < -7 || exponent > 20) {
    text_add_bytes(text, digits, 1);
    if (count > 1) text_add_char(text, '.');
    text_add(text, digits + 1);
    text_add_char(text, 'e');
    text_add_i64(text, exponent);
  } else if (exponent < 0) {
    text_add(text, "0.");
    add_zeros(text, -exponent - 1);
    text_add(text, digits);
  } else if (count <= exponent + 1) {
    text_add(text, digits);
    add_zeros(text, exponent + 1 - count);
  } else {
    text_add_bytes(text, digits, (size_t)exponent + 1);
    text_add_char(text, '.');
    text_add(text, digits + exponent + 1);
  }
}

void preset_number_text(double value, char out[PRESET_NUMBER_TEXT_MAX]) {
  char digits[DIGITS_MAX + 1];
  struct text text;
  text_init(&text, out, PRESET_NUMBER_TEXT_MAX);
  if (!isfinite(value)) {
    text_add(&text, "null");
  } else if (value == 0) {
    text_add_char(&text, '0');
  } else {
    if (value < 0) text_add_char(&text, '-');
    int exponent = shortest_digits(fabs(value), digits);
    add_digits(&text, digits, exponent);
  }
  check(!text.is_cut);
}

static void add_number(struct json_writer *writer, const char *name, double value) {
  char text[PRESET_NUMBER_TEXT_MAX];
  preset_number_text(value, text);
  json_add_raw(writer, name, text);
}

static void add_symbols(struct json_writer *writer, const char *name, const struct symbol_list *list) {
  if (list->is_null) {
    json_add_null(writer, name);
    return;
  }
  json_begin_array(writer, name);
  for (int i = 0; i < list->count; i++) json_add_string(writer, NULL, list->items[i]);
  json_end_array(writer);
}

static void add_value(struct json_writer *writer, const char *name, const struct preset_key *key, const void *object, const int *order);

static void add_rungs(struct json_writer *writer, const char *name, const struct tp_level *rungs, int count, const int *order) {
  json_begin_array(writer, name);
  for (int i = 0; i < count; i++) {
    json_begin_object(writer, NULL);
    for (int j = 0; j < preset_key_count; j++) {
      const struct preset_key *key = &preset_keys[order[j]];
      if (key->is_item) add_value(writer, key->name, key, &rungs[i], order);
    }
    json_end_object(writer);
  }
  json_end_array(writer);
}

static void add_value(struct json_writer *writer, const char *name, const struct preset_key *key, const void *object, const int *order) {
  const void *at = (const char *)object + key->offset;
  const int32_t *count = (const int32_t *)(const void *)((const char *)object + key->count_offset);
  switch (key->kind) {
    case PRESET_KIND_SECTION:
      break;
    case PRESET_KIND_TEXT:
      json_add_string(writer, name, at);
      break;
    case PRESET_KIND_ENUM:
      json_add_string(writer, name, key->names[(int)preset_key_read(key, object)]);
      break;
    case PRESET_KIND_BOOLEAN:
      json_add_bool(writer, name, preset_key_read(key, object) != 0);
      break;
    case PRESET_KIND_SYMBOLS:
      add_symbols(writer, name, at);
      break;
    case PRESET_KIND_STEPS:
      json_begin_array(writer, name);
      for (int i = 0; i < *count; i++) add_number(writer, NULL, ((const double *)at)[i]);
      json_end_array(writer);
      break;
    case PRESET_KIND_TARGETS:
      add_rungs(writer, name, at, *count, order);
      break;
    case PRESET_KIND_NUMBER:
    case PRESET_KIND_NUMBER_OR_NULL:
    case PRESET_KIND_INTEGER:
    case PRESET_KIND_INTEGER_OR_NULL:
    case PRESET_KIND_WEIGHT:
      add_number(writer, name, preset_key_read(key, object));
      break;
  }
}

static int compare_paths(const void *a, const void *b) {
  return strcmp(preset_keys[*(const int *)a].path, preset_keys[*(const int *)b].path);
}

/* '.' sorts before every character of a key, so keys sorted by path are sorted at every level of the tree. */
static void order_keys(enum preset_order order, int out[KEYS_MAX]) {
  check(preset_key_count <= KEYS_MAX);
  for (int i = 0; i < preset_key_count; i++) out[i] = i;
  if (order == PRESET_ORDER_SORTED) qsort(out, (size_t)preset_key_count, sizeof out[0], compare_paths);
}

static bool is_default(const struct preset_key *key, const struct preset *preset, const struct preset *defaults) {
  static const int no_order[KEYS_MAX];
  struct buffer given = {0}, usual = {0};
  struct json_writer writer;
  json_writer_init(&writer, &given, false);
  add_value(&writer, NULL, key, preset, no_order);
  json_writer_init(&writer, &usual, false);
  add_value(&writer, NULL, key, defaults, no_order);
  bool is_same = key->kind != PRESET_KIND_TARGETS ? text_equal(given.data, usual.data) : preset->position_config.tp_level_count == 0;
  buffer_deinit(&given);
  buffer_deinit(&usual);
  return is_same;
}

static bool is_written(const struct preset_key *key, const struct preset *preset, const struct preset *defaults) {
  if (key->kind == PRESET_KIND_SECTION || key->is_item) return false;
  if (strncmp(key->path, "channel_config.", 15) == 0 && preset->strategy_priority != STRATEGY_PRIORITY_CHANNEL) return false;
  if (key->kind == PRESET_KIND_WEIGHT) return !isnan(preset_key_read(key, preset));
  return defaults == NULL || key->is_required || !is_default(key, preset, defaults);
}

/* The sections open in the writer, as one path with a final dot. */
struct sections {
  struct json_writer *writer;
  char path[PATH_BYTES];
};

static void close_to(struct sections *open, const char *path) {
  while (open->path[0] != '\0' && strncmp(open->path, path, strlen(open->path)) != 0) {
    open->path[strlen(open->path) - 1] = '\0';
    char *dot = strrchr(open->path, '.');
    *(dot != NULL ? dot + 1 : open->path) = '\0';
    json_end_object(open->writer);
  }
}

static void open_to(struct sections *open, const struct preset_key *key) {
  close_to(open, key->path);
  size_t end = strlen(key->path) - strlen(key->name);
  while (strlen(open->path) < end) {
    const char *name = key->path + strlen(open->path);
    char section[PATH_BYTES];
    text_copy(section, strcspn(name, ".") + 1, name);
    json_begin_object(open->writer, section);
    text_copy(open->path, (size_t)(name - key->path) + strlen(section) + 2, key->path);
  }
}

void preset_to_json(const struct preset *preset, struct json_writer *writer, const char *key, enum preset_order order, enum preset_extent extent) {
  int keys[KEYS_MAX];
  struct preset defaults;
  struct sections open = {.writer = writer};
  preset_init(&defaults);
  order_keys(order, keys);
  json_begin_object(writer, key);
  for (int i = 0; i < preset_key_count; i++) {
    const struct preset_key *row = &preset_keys[keys[i]];
    if (!is_written(row, preset, extent == PRESET_WITHOUT_DEFAULTS ? &defaults : NULL)) continue;
    open_to(&open, row);
    add_value(writer, row->name, row, preset, keys);
  }
  close_to(&open, "");
  json_end_object(writer);
}

void preset_print_canonical(const struct preset *preset, struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  preset_to_json(preset, &writer, NULL, PRESET_ORDER_SORTED, PRESET_WHOLE);
}

void preset_print_file(const struct preset *preset, struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, true);
  preset_to_json(preset, &writer, NULL, PRESET_ORDER_TABLE, PRESET_WHOLE);
  buffer_add_text(out, "\n");
}

void preset_hash(const struct preset *preset, char text[DIGEST_TEXT_MAX]) {
  struct buffer canonical = {0};
  preset_print_canonical(preset, &canonical);
  digest_of(canonical.data, canonical.length, text);
  buffer_deinit(&canonical);
}

bool preset_value_json(const struct preset *preset, const char *path, struct buffer *out) {
  const struct preset_key *key = preset_find_key(path);
  int keys[KEYS_MAX];
  struct json_writer writer;
  if (key == NULL || key->kind == PRESET_KIND_SECTION || key->is_item) return false;
  order_keys(PRESET_ORDER_TABLE, keys);
  json_writer_init(&writer, out, false);
  add_value(&writer, NULL, key, preset, keys);
  return true;
}

bool preset_value_differs(const char *path, const struct preset *a, const struct preset *b, struct buffer *left, struct buffer *right) {
  buffer_clear(left);
  buffer_clear(right);
  if (text_equal(path, "name") || !preset_value_json(a, path, left) || !preset_value_json(b, path, right)) return false;
  return !text_equal(left->data, right->data);
}
