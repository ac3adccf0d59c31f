#include "api/search_params.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/strategy/preset.h"
#include "core/trade/performance.h"

enum { KEYS_MAX = 12, VALUES_MAX = 200, TEXT_MAX = 200, PATH_BYTES = 128 };

static const char *const kinds[] = {"sweep", "walk_forward", "monte_carlo"};
enum { OF_SWEEP = 1, OF_WALK = 2, OF_MONTE_CARLO = 4 };

/* A member that is a number, the kinds that take it and those that need it. */
static const struct {
  const char *name;
  double min, max;
  bool is_whole;
  unsigned of, needed_by;
} numbers[] = {
    {"samples", 1, 100000, true, OF_SWEEP | OF_WALK, 0},
    {"min_trades", 0, 1000000, true, OF_SWEEP | OF_WALK, 0},
    {"draws", 1, 1000000, true, OF_SWEEP | OF_WALK | OF_MONTE_CARLO, OF_MONTE_CARLO},
    {"in_days", 0.01, 3650, false, OF_WALK, OF_WALK},
    {"out_days", 0.01, 3650, false, OF_WALK, OF_WALK},
    {"step_days", 0.01, 3650, false, OF_WALK, 0},
    {"purge_hours", 0, 8760, false, OF_WALK, 0},
    {"embargo_hours", 0, 8760, false, OF_WALK, 0},
};
enum { NUMBER_COUNT = sizeof numbers / sizeof numbers[0] };

static unsigned bit_of(const char *kind) {
  for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    if (text_equal(kind, kinds[i])) return 1u << i;
  }
  return 0;
}

bool search_params_are_of(const char *kind) {
  return bit_of(kind) != 0;
}

struct checking {
  struct problem *problem;
  unsigned kind;
  int keys;
};

/* ---- parameters: keys of the preset and their values ---- */

static bool is_scalar(const struct json *value) {
  enum json_kind kind = json_kind(value);
  return kind == JSON_INT || kind == JSON_REAL || kind == JSON_BOOL || (kind == JSON_STRING && strlen(json_string(value)) <= TEXT_MAX);
}

static bool is_key(const char *path) {
  char plain[PATH_BYTES];
  const char *open = strchr(path, '[');
  const char *close = open != NULL ? strchr(open, ']') : NULL;
  if (strlen(path) >= sizeof plain || strchr(path, '=') != NULL) return false;
  text_copy(plain, sizeof plain, path);
  if (close != NULL) snprintf(plain, sizeof plain, "%.*s[%s", (int)(open - path), path, close);
  return preset_find_key(plain) != NULL;
}

static void check_key(void *context, const char *key, const struct json *value) {
  struct checking *checking = context;
  char path[PATH_BYTES + 24];
  snprintf(path, sizeof path, "params.parameters.%.100s", key);
  bool is_list = json_kind(value) == JSON_ARRAY;
  bool is_good = is_list ? json_size(value) >= 1 && json_size(value) <= VALUES_MAX : json_kind(value) == JSON_STRING && is_scalar(value);
  for (size_t i = 0; is_good && is_list && i < json_size(value); i++) is_good = is_scalar(json_item(value, i));
  if (++checking->keys == KEYS_MAX + 1) problem_add(checking->problem, "too_many", "params.parameters", NULL, NULL, "at most %d keys", KEYS_MAX);
  if (!is_key(key)) problem_add(checking->problem, "unknown_key", path, NULL, "GET /api/presets/schema", "there is no such key of a preset");
  if (!is_good) problem_add(checking->problem, "wrong_type", path, NULL, "\"low:high:step\" or a list of values", "must say what to try");
}

static void check_parameters(struct checking *checking, const struct json *parameters) {
  if (parameters == NULL || json_kind(parameters) != JSON_OBJECT) {
    problem_add(checking->problem, "missing_key", "params.parameters", NULL, "an object: keys of the preset and what to try",
                "says what is searched");
    return;
  }
  json_each(parameters, check_key, checking);
  if (checking->keys == 0) problem_add(checking->problem, "out_of_bounds", "params.parameters", NULL, "at least one key", "is empty");
}

/* ---- the other members ---- */

static void check_number(struct checking *checking, int at, const struct json *value) {
  char path[64], allowed[64];
  bool is_number = json_kind(value) == JSON_INT || (json_kind(value) == JSON_REAL && !numbers[at].is_whole);
  snprintf(path, sizeof path, "params.%s", numbers[at].name);
  snprintf(allowed, sizeof allowed, "%g to %.0f", numbers[at].min, numbers[at].max);
  if (!is_number || json_number(value) < numbers[at].min || json_number(value) > numbers[at].max)
    problem_add(checking->problem, "out_of_bounds", path, NULL, allowed,
                numbers[at].is_whole ? "must be a whole number in range" : "must be a number in range");
}

static bool is_objective(const char *name) {
  for (int i = 0; i < figure_count; i++) {
    if (text_equal(name, figure_names[i])) return true;
  }
  return text_equal(name, "r_efficiency");
}

static void check_word(struct checking *checking, const char *key, const struct json *value) {
  const char *word = json_kind(value) == JSON_STRING ? json_string(value) : "";
  bool is_method = text_equal(word, "grid") || text_equal(word, "random") || text_equal(word, "latin");
  if (text_equal(key, "method") && !is_method)
    problem_add(checking->problem, "bad_enum", "params.method", NULL, "grid, random or latin", "there is no such method");
  if (text_equal(key, "objective") && !is_objective(word))
    problem_add(checking->problem, "bad_enum", "params.objective", NULL, "r_efficiency or a figure of a result", "there is no such figure");
}

static void check_member(void *context, const char *key, const struct json *value) {
  struct checking *checking = context;
  char path[PATH_BYTES];
  bool searches = (checking->kind & (OF_SWEEP | OF_WALK)) != 0;
  for (int i = 0; i < NUMBER_COUNT; i++) {
    if (!text_equal(key, numbers[i].name) || (numbers[i].of & checking->kind) == 0) continue;
    check_number(checking, i, value);
    return;
  }
  if (searches && text_equal(key, "parameters")) return;
  if (searches && (text_equal(key, "method") || text_equal(key, "objective"))) {
    check_word(checking, key, value);
    return;
  }
  snprintf(path, sizeof path, "params.%.80s", key);
  problem_add(checking->problem, "unknown_key", path, NULL, NULL, "this kind of run takes no such parameter");
}

void search_params_check(const struct json *params, const char *kind, struct problem *problem) {
  struct checking checking = {.problem = problem, .kind = bit_of(kind)};
  bool is_object = params != NULL && json_kind(params) == JSON_OBJECT;
  if (checking.kind != OF_MONTE_CARLO) check_parameters(&checking, is_object ? json_member(params, "parameters") : NULL);
  if (is_object) json_each(params, check_member, &checking);
  for (int i = 0; i < NUMBER_COUNT; i++) {
    char path[64];
    if ((numbers[i].needed_by & checking.kind) == 0 || (is_object && json_member(params, numbers[i].name) != NULL)) continue;
    snprintf(path, sizeof path, "params.%s", numbers[i].name);
    problem_add(problem, "missing_key", path, NULL, NULL, "a run of this kind needs it");
  }
  const struct json *out = is_object ? json_member(params, "out_days") : NULL;
  const struct json *step = is_object ? json_member(params, "step_days") : NULL;
  if (!problem_has_error(problem) && out != NULL && step != NULL && json_number(step) < json_number(out))
    problem_add(problem, "cross_rule", "params.step_days", NULL, "at least out_days", "out-of-sample parts would overlap");
}
