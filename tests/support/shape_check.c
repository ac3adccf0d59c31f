#include "support/shape_check.h"

#include <stdio.h>
#include <string.h>

struct checking {
  enum shape_id id;
  const char *path;
  struct problem *problem;
};

static void complain(struct problem *problem, const char *path, const char *what) {
  problem_add(problem, "reply", path, NULL, NULL, "%s", what);
}

static void join(char out[160], const char *path, const char *name) {
  snprintf(out, 160, "%.90s.%.60s", path, name);
}

static bool is_word(const char *const *names, int count, const char *value) {
  for (int i = 0; i < count; i++) {
    if (text_equal(names[i], value)) return true;
  }
  return false;
}

static bool is_plain(enum shape_type type, const struct json *value) {
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
    default:
      return true;
  }
}

static void check_object(enum shape_id id, const char *path, const struct json *object, struct problem *problem);

/* ---- fields of records ---- */

static void check_fields(const struct schema *schema, enum shape_id id, const char *path, const struct json *object, struct problem *problem);

static void check_field(enum shape_id id, const struct field *field, const char *path, const struct json *value, struct problem *problem) {
  if (json_kind(value) == JSON_NULL) {
    if (!shape_may_be_null(id, field)) complain(problem, path, "is null");
    return;
  }
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_I32:
    case FIELD_KIND_TIME:
      if (!is_plain(SHAPE_INTEGER, value)) complain(problem, path, "is no integer");
      return;
    case FIELD_KIND_BOOL:
      if (!is_plain(SHAPE_BOOLEAN, value)) complain(problem, path, "is no boolean");
      return;
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_DECIMAL_NULL:
    case FIELD_KIND_DOUBLE:
      if (!is_plain(SHAPE_NUMBER, value)) complain(problem, path, "is no number");
      return;
    case FIELD_KIND_LIST:
      if (!is_plain(SHAPE_ARRAY, value)) {
        complain(problem, path, "is no array");
        return;
      }
      for (size_t i = 0; i < json_size(value); i++) check_fields(field->item, shape_of_schema(field->item), path, json_item(value, i), problem);
      return;
    case FIELD_KIND_ENUM:
      if (!is_plain(SHAPE_STRING, value) || !is_word(field->names, field->name_count, json_string(value)))
        complain(problem, path, "is no word of it");
      return;
    default:
      if (!is_plain(SHAPE_STRING, value)) complain(problem, path, "is no string");
      return;
  }
}

static void check_fields(const struct schema *schema, enum shape_id id, const char *path, const struct json *object, struct problem *problem) {
  char place[160];
  for (int i = 0; i < schema->field_count; i++) {
    const struct field *field = &schema->fields[i];
    if (id != SHAPE_EMPTY && !shape_shows(id, field)) continue;
    const struct json *value = json_member(object, field->name);
    join(place, path, field->name);
    if (value == NULL) {
      complain(problem, place, "is missing");
    } else {
      check_field(id, field, place, value, problem);
    }
  }
}

/* ---- members ---- */

static void check_word(const struct shape_member *member, const char *path, const struct json *value, struct problem *problem) {
  char words[SHAPE_WORDS_MAX][SHAPE_WORD_BYTES];
  int count = shape_words(member, words);
  for (int i = 0; i < count; i++) {
    if (text_equal(words[i], json_string(value))) return;
  }
  if (count > 0) problem_add(problem, "reply", path, json_string(value), NULL, "is no word of it");
}

static void check_value(const struct shape_member *member, const char *path, const struct json *value, struct problem *problem);

static void check_items(const struct shape_member *member, const char *path, const struct json *array, struct problem *problem) {
  struct shape_member item = {.name = member->name, .type = member->item != SHAPE_EMPTY ? SHAPE_OBJECT : member->value, .item = member->item};
  item.words = member->words;
  item.is_optional = item.type == SHAPE_NUMBER; /* a figure may be unknown */
  for (size_t i = 0; i < json_size(array); i++) check_value(&item, path, json_item(array, i), problem);
}

struct map_checking {
  const struct shape_member *member;
  const char *path;
  struct problem *problem;
};

static void check_entry(void *context, const char *key, const struct json *value) {
  const struct map_checking *checking = context;
  struct shape_member entry = {.name = key, .item = checking->member->item, .is_optional = checking->member->value == SHAPE_NUMBER};
  char place[160];
  entry.type = entry.item != SHAPE_EMPTY ? SHAPE_OBJECT : checking->member->value;
  join(place, checking->path, key);
  check_value(&entry, place, value, checking->problem);
}

static void check_value(const struct shape_member *member, const char *path, const struct json *value, struct problem *problem) {
  if (json_kind(value) == JSON_NULL) {
    if (!member->is_optional && member->type != SHAPE_ANY) complain(problem, path, "is null");
    return;
  }
  if (!is_plain(member->type, value)) {
    problem_add(problem, "reply", path, NULL, shape_type_names[member->type], "is not of type %s", shape_type_names[member->type]);
  } else if (member->type == SHAPE_STRING) {
    check_word(member, path, value, problem);
  } else if (member->is_bounded && (json_number(value) < member->min || json_number(value) > member->max)) {
    complain(problem, path, "is out of bounds");
  } else if (member->type == SHAPE_ARRAY) {
    check_items(member, path, value, problem);
  } else if (member->type == SHAPE_MAP) {
    struct map_checking checking = {member, path, problem};
    json_each(value, check_entry, &checking);
  } else if (member->type == SHAPE_OBJECT && member->item != SHAPE_EMPTY) {
    check_object(member->item, path, value, problem);
  }
}

static void check_known(void *context, const char *key, const struct json *value) {
  const struct checking *checking = context;
  const struct schema *schema = shape_schema(checking->id);
  char place[160];
  (void)value;
  for (const struct shape_member *at = shape_table[checking->id].members; at->name != NULL; at++) {
    if (shape_is_member(at) && text_equal(at->name, key)) return;
  }
  const struct field *field = schema != NULL ? schema_field(schema, key) : NULL;
  if (field != NULL && shape_shows(checking->id, field)) return;
  join(place, checking->path, key);
  complain(checking->problem, place, "is in no shape");
}

static void check_object(enum shape_id id, const char *path, const struct json *object, struct problem *problem) {
  struct checking checking = {id, path, problem};
  const struct schema *schema = shape_schema(id);
  char place[160];
  if (json_kind(object) != JSON_OBJECT) {
    complain(problem, path, "is no object");
    return;
  }
  if (schema != NULL) check_fields(schema, id, path, object, problem);
  for (const struct shape_member *at = shape_table[id].members; at->name != NULL; at++) {
    if (!shape_is_member(at)) continue;
    const struct json *value = json_member(object, at->name);
    join(place, path, at->name);
    if (value != NULL) {
      check_value(at, place, value, problem);
    } else if (!at->is_optional) {
      complain(problem, place, "is missing");
    }
  }
  json_each(object, check_known, &checking);
}

bool shape_check(enum shape_id id, const struct json *object, struct problem *problem) {
  check_object(id, shape_table[id].name, object, problem);
  return !problem_has_error(problem);
}

bool shape_check_reply(const struct route *route, const struct json *body, struct problem *problem) {
  if (route->reply == SHAPE_EMPTY || route->reply == SHAPE_TEXT || route->reply == SHAPE_PAGE) return true;
  if (!route->is_list) return shape_check(route->reply, body, problem);
  const struct json *items = json_kind(body) == JSON_OBJECT ? json_member(body, "items") : NULL;
  if (items == NULL || json_kind(items) != JSON_ARRAY) {
    complain(problem, "items", "is missing");
    return false;
  }
  for (size_t i = 0; i < json_size(items); i++) check_object(route->reply, shape_table[route->reply].name, json_item(items, i), problem);
  return !problem_has_error(problem);
}

/* ---- whole answers ---- */

bool shape_check_is_declared(int status, const char *code) {
  static const struct {
    int status;
    const char *code;
  } declared[] = {
#define PROBLEM(status, code, text) {status, #code},
#include "api/problem.def"
  };
  for (size_t i = 0; i < sizeof declared / sizeof declared[0]; i++) {
    if (declared[i].status == status && text_equal(declared[i].code, code)) return true;
  }
  return false;
}

/* How many segments are {names}; -1 when the path does not fit. */
static int names_in(const struct route *route, const struct http_request *request) {
  const char *at = route->path;
  int names = 0;
  for (int i = 0; i < request->segment_count; i++) {
    if (*at != '/') return -1;
    size_t length = strcspn(++at, "/");
    if (at[0] == '{') {
      ++names;
    } else if (strlen(request->segments[i]) != length || strncmp(at, request->segments[i], length) != 0) {
      return -1;
    }
    at += length;
  }
  return *at == '\0' ? names : -1;
}

/* The route that answered: of those that fit the one with the fewest {names}. */
static const struct route *route_of(const struct http_request *request) {
  const struct route *found = NULL;
  int fewest = HTTP_SEGMENTS_MAX;
  for (int i = 0; i < api_route_count; i++) {
    int names = text_equal(api_routes[i].method, request->method) ? names_in(&api_routes[i], request) : -1;
    if (names < 0 || names >= fewest) continue;
    found = &api_routes[i];
    fewest = names;
  }
  return found;
}

static bool is_good_problem(const struct http_reply *reply, const struct json *body, struct problem *problem) {
  bool is_one = reply->content_type != NULL && text_equal(reply->content_type, "application/problem+json") && body != NULL;
  if (!is_one) {
    complain(problem, "Content-Type", "is no problem document");
  } else if (shape_check(SHAPE_PROBLEM, body, problem) && !shape_check_is_declared(reply->status, json_string(json_member(body, "code")))) {
    problem_add(problem, "reply", "code", json_string(json_member(body, "code")), NULL, "is not declared with this status");
  }
  return !problem_has_error(problem);
}

bool shape_check_answer(const struct http_request *request, const struct http_reply *reply, const struct json *body) {
  const struct route *route = request->has_bad_path ? NULL : route_of(request);
  bool is_json = reply->content_type != NULL && text_equal(reply->content_type, "application/json");
  bool is_empty = reply->status == 204 || reply->status == 304 || reply->status == 101;
  struct problem problem;
  problem_clear(&problem);
  if (reply->is_deferred || is_empty) return true;
  bool is_good = false;
  if (reply->status >= 400 && !is_json) {
    is_good = is_good_problem(reply, body, &problem);
  } else if (route == NULL) {
    complain(&problem, "route", "is none");
  } else {
    is_good = !is_json || shape_check_reply(route, body, &problem);
  }
  if (is_good) return true;
  fprintf(stderr, "%s %s answered %d: %s\n", request->method, request->target, reply->status, reply->body.data != NULL ? reply->body.data : "");
  problem_print(&problem, stderr);
  return false;
}
