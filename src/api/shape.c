#include "api/shape.h"

#include <stdio.h>
#include <string.h>

#include "api/alerts/alert_metric.h"
#include "api/checkpoint.h"
#include "base/check.h"
#include "engine/record.h"
#include "engine/view.h"
#include "runner/settings.h"

#define SHAPE_BEGIN(constant, title, schema) static const struct shape_member members_##constant[] = {
#define MEMBER(n, t, optional, of, meaning) {.name = n, .type = SHAPE_##t, .is_optional = optional, .item = SHAPE_##of, .text = meaning},
#define WORD(n, optional, list, meaning) {.name = n, .type = SHAPE_STRING, .is_optional = optional, .text = meaning, .words = list},
#define NAMED(n, optional, kind, meaning) \
  {.name = n, .type = SHAPE_STRING, .is_optional = optional, .text = meaning, .names = kind##_names, .name_count = kind##_count},
#define BOUNDED(n, t, optional, least, most, meaning) \
  {.name = n, .type = SHAPE_##t, .is_optional = optional, .text = meaning, .is_bounded = true, .min = least, .max = most},
#define ITEMS(n, t, optional, meaning) {.name = n, .type = SHAPE_ARRAY, .is_optional = optional, .text = meaning, .value = SHAPE_##t},
#define WORDS(n, optional, list, meaning) {.name = n, .type = SHAPE_ARRAY, .is_optional = optional, .text = meaning, .words = list},
#define MAP(n, t, optional, of, meaning) \
  {.name = n, .type = SHAPE_MAP, .is_optional = optional, .item = SHAPE_##of, .text = meaning, .value = SHAPE_##t},
#define ANY(n, optional, meaning) {.name = n, .type = SHAPE_ANY, .is_optional = optional, .text = meaning},
#define HIDE(n) {.name = n, .type = SHAPE_HIDDEN, .text = ""},
#define GIVEN(n) {.name = n, .type = SHAPE_GIVEN, .text = ""},
#define SHAPE_END(constant)    \
  { .name = NULL, .text = "" } \
  }                            \
  ;
#include "api/shape.def"

const struct shape shape_table[SHAPE_COUNT] = {
#define SHAPE_BEGIN(constant, name, schema) {name, members_##constant},
#include "api/shape.def"
};

const struct schema *shape_schema(enum shape_id id) {
  switch (id) {
#define SHAPE_BEGIN(constant, name, schema) \
  case SHAPE_##constant:                    \
    return schema;
#include "api/shape.def"
    default:
      return NULL;
  }
}

const char *const shape_type_names[] = {"string", "integer", "number", "boolean", "object", "array", "object", "any"};

bool shape_is_member(const struct shape_member *member) {
  return member->type < SHAPE_HIDDEN;
}

static const struct shape_member *find_member(enum shape_id id, const char *name) {
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (shape_is_member(at) && text_equal(at->name, name)) return at;
  }
  return NULL;
}

static bool is_remarked(enum shape_id id, const struct field *field, enum shape_type remark) {
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (at->type == remark && text_equal(at->name, field->name)) return true;
  }
  return false;
}

bool shape_shows(enum shape_id id, const struct field *field) {
  return !is_remarked(id, field, SHAPE_HIDDEN);
}

bool shape_may_be_null(enum shape_id id, const struct field *field) {
  switch (field->kind) {
    case FIELD_KIND_DECIMAL_NULL:
    case FIELD_KIND_DOUBLE:
    case FIELD_KIND_TIME:
    case FIELD_KIND_TEXT:
    case FIELD_KIND_ENUM:
    case FIELD_KIND_ID:
      return !is_remarked(id, field, SHAPE_GIVEN);
    default:
      return false;
  }
}

enum shape_id shape_of_schema(const struct schema *schema) {
  for (int id = 0; id < SHAPE_COUNT; id++) {
    bool is_plain = true;
    if (shape_schema((enum shape_id)id) != schema) continue;
    for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) is_plain = is_plain && at->type == SHAPE_GIVEN;
    if (is_plain) return (enum shape_id)id;
  }
  return SHAPE_EMPTY;
}

int shape_words(const struct shape_member *member, char words[SHAPE_WORDS_MAX][SHAPE_WORD_BYTES]) {
  int count = 0;
  for (int i = 0; i < member->name_count && count < SHAPE_WORDS_MAX; i++) text_copy(words[count++], SHAPE_WORD_BYTES, member->names[i]);
  for (const char *at = member->words; at != NULL && *at != '\0' && count < SHAPE_WORDS_MAX; at += strspn(at, " ")) {
    size_t length = strcspn(at, " ");
    check(length < SHAPE_WORD_BYTES);
    text_copy(words[count++], length + 1, at);
    at += length;
  }
  return count;
}

void shape_to_json(enum shape_id id, const void *object, struct json_writer *writer) {
  const struct schema *schema = shape_schema(id);
  for (int i = 0; i < schema->field_count; i++) {
    if (!shape_shows(id, &schema->fields[i])) continue;
    const struct schema one = {schema->name, &schema->fields[i], 1, schema->size};
    schema_to_json(&one, object, writer);
  }
}

/* ---- requests ---- */

enum { PATH_BYTES = 160 };

static bool has_type(enum shape_type type, const struct json *value) {
  enum json_kind kind = json_kind(value);
  switch (type) {
    case SHAPE_STRING:
      return kind == JSON_STRING;
    case SHAPE_INTEGER:
      return kind == JSON_INT;
    case SHAPE_NUMBER:
      return kind == JSON_INT || kind == JSON_REAL;
    case SHAPE_BOOLEAN:
      return kind == JSON_BOOL;
    case SHAPE_OBJECT:
    case SHAPE_MAP:
      return kind == JSON_OBJECT;
    case SHAPE_ARRAY:
      return kind == JSON_ARRAY;
    case SHAPE_ANY:
      return true;
    default:
      return false;
  }
}

static void refuse_type(struct problem *problem, const char *path, enum shape_type type) {
  problem_add(problem, "wrong_type", path, NULL, shape_type_names[type], "must be of type %s", shape_type_names[type]);
}

static void check_word(const struct shape_member *member, const char *path, const char *value, struct problem *problem) {
  char words[SHAPE_WORDS_MAX][SHAPE_WORD_BYTES];
  const char *pointers[SHAPE_WORDS_MAX];
  char allowed[sizeof problem->items[0].allowed];
  struct text list;
  int count = shape_words(member, words);
  if (count == 0) return;
  text_init(&list, allowed, sizeof allowed);
  for (int i = 0; i < count; i++) {
    if (text_equal(words[i], value)) return;
    pointers[i] = words[i];
    if (i > 0) text_add(&list, ", ");
    text_add(&list, words[i]);
  }
  int nearest = text_nearest(value, pointers, count);
  if (nearest >= 0) {
    problem_add(problem, "unknown_word", path, value, words[nearest], "is not a word that is known here; did you mean %s?", words[nearest]);
  } else {
    problem_add(problem, "unknown_word", path, value, allowed, "must be one of: %s", allowed);
  }
}

static void check_bounds(const struct shape_member *member, const char *path, double value, struct problem *problem) {
  char range[80];
  if (!member->is_bounded || (value >= member->min && value <= member->max)) return;
  snprintf(range, sizeof range, "%.10g to %.10g", member->min, member->max);
  problem_add(problem, "out_of_bounds", path, NULL, range, "must be %s", range);
}

static void check_object(enum shape_id id, const char *path, const struct json *object, struct problem *problem);

static void check_items(const struct shape_member *member, const char *path, const struct json *array, struct problem *problem) {
  enum shape_type type = member->item != SHAPE_EMPTY ? SHAPE_OBJECT : member->value;
  for (size_t i = 0; i < json_size(array); i++) {
    const struct json *item = json_item(array, i);
    char place[PATH_BYTES];
    snprintf(place, sizeof place, "%.120s[%zu]", path, i);
    if (!has_type(type, item)) {
      refuse_type(problem, place, type);
    } else if (type == SHAPE_OBJECT && member->item != SHAPE_EMPTY) {
      check_object(member->item, place, item, problem);
    } else if (type == SHAPE_STRING) {
      check_word(member, place, json_string(item), problem);
    }
  }
}

static void check_value(const struct shape_member *member, const char *path, const struct json *value, struct problem *problem) {
  if (json_kind(value) == JSON_NULL && member->is_optional) return;
  if (!has_type(member->type, value)) {
    refuse_type(problem, path, member->type);
  } else if (member->type == SHAPE_STRING) {
    check_word(member, path, json_string(value), problem);
  } else if (member->type == SHAPE_INTEGER || member->type == SHAPE_NUMBER) {
    check_bounds(member, path, json_number(value), problem);
  } else if (member->type == SHAPE_ARRAY) {
    check_items(member, path, value, problem);
  } else if (member->type == SHAPE_OBJECT && member->item != SHAPE_EMPTY) {
    check_object(member->item, path, value, problem);
  }
}

struct checking {
  enum shape_id id;
  const char *path; /* of the object, "" the whole */
  struct problem *problem;
};

static void make_path(char out[PATH_BYTES], const char *path, const char *key) {
  snprintf(out, PATH_BYTES, "%.80s%s%.60s", path, path[0] != '\0' ? "." : "", key);
}

static void check_member(void *context, const char *key, const struct json *value) {
  const struct checking *checking = context;
  const struct shape_member *member = find_member(checking->id, key);
  char path[PATH_BYTES];
  make_path(path, checking->path, key);
  if (member == NULL) {
    problem_add(checking->problem, "unknown_key", path, NULL, NULL, "is not a field of this request");
  } else {
    check_value(member, path, value, checking->problem);
  }
}

static void check_object(enum shape_id id, const char *path, const struct json *object, struct problem *problem) {
  struct checking checking = {id, path, problem};
  char place[PATH_BYTES];
  json_each(object, check_member, &checking);
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (!shape_is_member(at) || at->is_optional || json_member(object, at->name) != NULL) continue;
    make_path(place, path, at->name);
    problem_add(problem, "missing_key", place, NULL, NULL, "is missing");
  }
}

bool shape_accepts(enum shape_id id, const struct json *body, struct problem *problem) {
  if (json_kind(body) != JSON_OBJECT) {
    problem_add(problem, "wrong_type", "", NULL, "object", "the body must be a JSON object");
    return false;
  }
  check_object(id, "", body, problem);
  return !problem_has_error(problem);
}
