#include "apps/sweep_space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"
#include "base/text.h"
#include "runner/preset_file.h"

const char *const sweep_method_names[] = {"grid", "random", "latin"};

enum { PLACES = 10 };

void sweep_space_deinit(struct sweep_space *space) {
  for (int i = 0; i < space->axis_count; i++) free(space->axes[i].values);
  free(space->sets);
  *space = (struct sweep_space){0};
}

static void add_value(struct sweep_axis *axis, const char *text) {
  axis->values = realloc(axis->values, (size_t)(axis->count + 1) * sizeof *axis->values);
  check(axis->values != NULL);
  text_copy(axis->values[axis->count++], SWEEP_VALUE_BYTES, text);
}

static void add_number(struct sweep_axis *axis, double value, int places) {
  char memory[SWEEP_VALUE_BYTES];
  struct text text;
  text_init(&text, memory, sizeof memory);
  text_add_double(&text, value, places);
  add_value(axis, memory);
}

/* ---- reading ---- */

/* The row of the key: position_config.tp_levels[0].size_pct is a member of a rung. */
static const struct preset_key *key_of(const char *path) {
  char plain[SWEEP_PATH_BYTES];
  const char *open = strchr(path, '[');
  const char *close = open != NULL ? strchr(open, ']') : NULL;
  text_copy(plain, sizeof plain, path);
  if (close != NULL) snprintf(plain, sizeof plain, "%.*s[%s", (int)(open - path), path, close);
  return preset_find_key(plain);
}

static bool has_one_value(const struct preset_key *key) {
  switch (key->kind) {
    case PRESET_KIND_ENUM:
    case PRESET_KIND_NUMBER:
    case PRESET_KIND_NUMBER_OR_NULL:
    case PRESET_KIND_INTEGER:
    case PRESET_KIND_INTEGER_OR_NULL:
    case PRESET_KIND_BOOLEAN:
    case PRESET_KIND_WEIGHT:
      return true;
    default:
      return false;
  }
}

static enum status refuse(struct problem *problem, const char *text, const char *allowed, const char *message) {
  problem_add(problem, "bad_parameter", "--param", text, allowed, "%s", message);
  return STATUS_BAD_CONFIG;
}

/* Is the value of the key's type? Outside its bounds is for the sets to find out. */
static enum status check_value(const struct preset *base, const char *path, const char *value, struct problem *problem) {
  struct preset changed = *base;
  struct problem found;
  problem_clear(&found);
  enum status status = preset_set_key(&changed, path, value, &found);
  if (!status || text_equal(found.items[0].code, "out_of_bounds")) return STATUS_OK;
  for (int i = 0; i < found.count; i++) {
    const struct problem_item *item = &found.items[i];
    problem_add(problem, item->code, item->path, item->value, item->allowed, "%s", item->message);
  }
  return STATUS_BAD_CONFIG;
}

/* low:high:step with both ends, as far as the steps reach them. */
static enum status read_range(struct sweep_axis *axis, const char *text, const char *values, struct problem *problem) {
  char part[3][SWEEP_VALUE_BYTES];
  double number[3] = {0, 0, 0};
  int count = 0;
  for (const char *at = values; count < 3 && at != NULL; count++) {
    size_t length = strcspn(at, ":");
    if (length >= SWEEP_VALUE_BYTES) return refuse(problem, text, "KEY=low:high:step", "a number of the range is too long");
    text_copy(part[count], length + 1, at);
    if (!text_parse_double(part[count], &number[count])) return refuse(problem, text, "KEY=low:high:step", "a range is made of numbers");
    at = at[length] == ':' ? at + length + 1 : NULL;
    if (at != NULL && count == 2) return refuse(problem, text, "KEY=low:high:step", "a range has at most three parts");
  }
  axis->low = number[0];
  axis->high = number[1];
  if (!(axis->high >= axis->low)) return refuse(problem, text, "low <= high", "the range is empty");
  axis->is_numeric = true;
  axis->is_range = count == 2;
  if (axis->is_range) return STATUS_OK;
  if (!(number[2] > 0)) return refuse(problem, text, "a step > 0", "the step leads nowhere");
  double steps = floor((axis->high - axis->low) / number[2] + 1e-9);
  if (steps >= SWEEP_SETS_MAX) return refuse(problem, text, "at most 100000 sets", "the range has too many steps");
  for (int i = 0; i <= (int)steps; i++) add_number(axis, axis->low + i * number[2], PLACES);
  return STATUS_OK;
}

static bool is_listed(const struct sweep_axis *axis, const char *value) {
  for (int i = 0; i < axis->count; i++) {
    if (text_equal(axis->values[i], value)) return true;
  }
  return false;
}

static enum status read_list(struct sweep_axis *axis, const char *text, const char *values, struct problem *problem) {
  double before = -INFINITY;
  axis->is_numeric = true;
  for (const char *at = values;; at++) {
    size_t length = strcspn(at, ",");
    char value[SWEEP_VALUE_BYTES];
    double number;
    if (length == 0 || length >= sizeof value) return refuse(problem, text, "KEY=a,b,c or KEY=low:high:step", "a value is empty or too long");
    text_copy(value, length + 1, at);
    if (is_listed(axis, value)) return refuse(problem, text, NULL, "a value is there twice");
    axis->is_numeric = axis->is_numeric && text_parse_double(value, &number) && number > before;
    if (axis->is_numeric) before = number;
    add_value(axis, value);
    at += length;
    if (*at == '\0') return STATUS_OK;
  }
}

static enum status read_axis(struct sweep_space *space, struct sweep_axis *axis, const struct preset *base, const char *text,
                             struct problem *problem) {
  const char *equals = strchr(text, '=');
  if (equals == NULL || equals == text || equals[1] == '\0' || equals - text >= SWEEP_PATH_BYTES)
    return refuse(problem, text, "KEY=a,b,c or KEY=low:high:step", "not a key of the preset and its values");
  text_copy(axis->path, (size_t)(equals - text) + 1, text);
  for (int i = 0; i < space->axis_count; i++) {
    if (text_equal(space->axes[i].path, axis->path)) return refuse(problem, text, "one --param a key", "the key is there twice");
  }
  const struct preset_key *key = key_of(axis->path);
  if (key == NULL) return check_value(base, axis->path, "0", problem);
  if (!has_one_value(key)) return refuse(problem, text, "a number, a word or true and false", "only a key with one value can be searched");
  axis->is_whole = key->kind == PRESET_KIND_INTEGER || key->kind == PRESET_KIND_INTEGER_OR_NULL;
  bool is_range = strchr(equals, ':') != NULL;
  enum status status = is_range ? read_range(axis, text, equals + 1, problem) : read_list(axis, text, equals + 1, problem);
  for (int i = 0; i < axis->count && !status; i++) status = check_value(base, axis->path, axis->values[i], problem);
  return status;
}

enum status sweep_space_add(struct sweep_space *space, const struct preset *base, const char *text, struct problem *problem) {
  if (space->axis_count == SWEEP_AXES_MAX) return refuse(problem, text, "at most 12 keys", "too many keys are searched at once");
  struct sweep_axis *axis = &space->axes[space->axis_count];
  *axis = (struct sweep_axis){0};
  enum status status = read_axis(space, axis, base, text, problem);
  ++space->axis_count; /* a refused one is freed with the others */
  return status;
}

/* ---- sets ---- */

static int32_t *place(const struct sweep_space *space, int set) {
  return space->sets + (size_t)set * (size_t)space->axis_count;
}

static void make_room(struct sweep_space *space, int64_t count) {
  check(count > 0);
  space->sets = calloc((size_t)count, ((size_t)space->axis_count + 1) * sizeof *space->sets);
  check(space->sets != NULL);
  space->set_count = (int)count;
}

static enum status fill_grid(struct sweep_space *space, struct problem *problem) {
  int64_t count = 1;
  for (int i = 0; i < space->axis_count; i++) {
    if (space->axes[i].is_range) return refuse(problem, space->axes[i].path, "KEY=low:high:step, or --method random", "a grid needs steps");
    count *= space->axes[i].count;
    if (count > SWEEP_SETS_MAX) return refuse(problem, space->axes[i].path, "at most 100000 sets", "the product of all values is too large");
  }
  make_room(space, count);
  for (int64_t set = 0; set < count; set++) {
    int64_t rest = set;
    for (int i = space->axis_count - 1; i >= 0; i--) {
      place(space, (int)set)[i] = (int32_t)(rest % space->axes[i].count);
      rest /= space->axes[i].count;
    }
  }
  return STATUS_OK;
}

static void shuffle(struct random *random, int32_t *order, int count) {
  for (int i = 0; i < count; i++) order[i] = i;
  for (int i = count - 1; i > 0; i--) {
    int k = (int)random_below(random, (uint64_t)i + 1);
    int32_t kept = order[i];
    order[i] = order[k];
    order[k] = kept;
  }
}

/* So many decimals that the range has at least ten thousand values. */
static int places_of(const struct sweep_axis *axis) {
  double width = axis->high - axis->low;
  int places = 4;
  for (; places < PLACES && width < 1; places++) width *= 10;
  return axis->is_whole ? 0 : places;
}

/* Shares of the axis in [0, 1): anywhere; or one in each of as many equal parts as there are draws, in drawn order. */
static void draw_axis(struct sweep_space *space, int at, enum sweep_method method, int samples, struct random *random, int32_t *order) {
  struct sweep_axis *axis = &space->axes[at];
  if (method == SWEEP_LATIN) shuffle(random, order, samples);
  for (int set = 0; set < samples; set++) {
    double share = random_unit(random);
    if (method == SWEEP_LATIN) share = (order[set] + share) / samples;
    if (!axis->is_range) {
      int index = (int)(share * axis->count);
      place(space, set)[at] = index < axis->count ? index : axis->count - 1;
      continue;
    }
    double value = axis->low + share * (axis->is_whole ? floor(axis->high) - axis->low + 1 : axis->high - axis->low);
    add_number(axis, axis->is_whole ? floor(value) : value, places_of(axis));
    place(space, set)[at] = set;
  }
}

static int compare_values(const struct sweep_space *space, int a, int b) {
  for (int i = 0; i < space->axis_count; i++) {
    int order = strcmp(sweep_space_value(space, a, i), sweep_space_value(space, b, i));
    if (order != 0) return order;
  }
  return 0;
}

static const struct sweep_space *sorted_space; /* qsort has no context */

static int by_values(const void *a, const void *b) {
  int left = *(const int *)a;
  int right = *(const int *)b;
  int order = compare_values(sorted_space, left, right);
  return order != 0 ? order : left - right;
}

/* Of equal sets the first stays. */
static void drop_repeated(struct sweep_space *space) {
  int *order = calloc((size_t)space->set_count, sizeof *order);
  bool *is_repeated = calloc((size_t)space->set_count, sizeof *is_repeated);
  check(order != NULL && is_repeated != NULL);
  for (int i = 0; i < space->set_count; i++) order[i] = i;
  sorted_space = space;
  qsort(order, (size_t)space->set_count, sizeof *order, by_values);
  for (int i = 1; i < space->set_count; i++) is_repeated[order[i]] = compare_values(space, order[i - 1], order[i]) == 0;
  int kept = 0;
  for (int i = 0; i < space->set_count; i++) {
    if (is_repeated[i]) continue;
    memmove(place(space, kept++), place(space, i), (size_t)space->axis_count * sizeof *space->sets);
  }
  space->repeated = space->set_count - kept;
  space->set_count = kept;
  free(order);
  free(is_repeated);
}

static enum status draw(struct sweep_space *space, enum sweep_method method, int64_t samples, int64_t seed, struct problem *problem) {
  if (samples < 1 || samples > SWEEP_SETS_MAX) {
    problem_add(problem, "bad_parameter", "--samples", NULL, "1 to 100000", "--method %s draws as many sets as --samples says",
                sweep_method_names[method]);
    return STATUS_BAD_CONFIG;
  }
  struct random random;
  int32_t *order = calloc((size_t)samples, sizeof *order);
  check(order != NULL);
  random_init(&random, (uint64_t)seed);
  make_room(space, samples);
  for (int i = 0; i < space->axis_count; i++) draw_axis(space, i, method, (int)samples, &random, order);
  free(order);
  drop_repeated(space);
  return STATUS_OK;
}

enum status sweep_space_fill(struct sweep_space *space, enum sweep_method method, int64_t samples, int64_t seed, struct problem *problem) {
  return method == SWEEP_GRID || space->axis_count == 0 ? fill_grid(space, problem) : draw(space, method, samples, seed, problem);
}

int sweep_space_index(const struct sweep_space *space, int set, int axis) {
  return place(space, set)[axis];
}

const char *sweep_space_value(const struct sweep_space *space, int set, int axis) {
  return space->axes[axis].values[place(space, set)[axis]];
}

bool sweep_space_apply(const struct sweep_space *space, int set, const struct preset_overrides *overrides, struct preset *preset,
                       struct problem *problem) {
  for (int i = 0; i < space->axis_count; i++) {
    if (preset_set_key(preset, space->axes[i].path, sweep_space_value(space, set, i), problem)) return false;
  }
  return !preset_apply_overrides(preset, overrides, problem) && !preset_check(preset, NULL, problem);
}

/* ---- neighbours ---- */

static int find_set(const struct sweep_space *space, const int32_t *indices) {
  int low = 0;
  int high = space->set_count - 1;
  while (low <= high) {
    int middle = (low + high) / 2;
    const int32_t *other = place(space, middle);
    int order = 0;
    for (int i = 0; i < space->axis_count && order == 0; i++) order = (indices[i] > other[i]) - (indices[i] < other[i]);
    if (order == 0) return middle;
    if (order > 0) low = middle + 1;
    if (order < 0) high = middle - 1;
  }
  return -1;
}

int sweep_space_neighbours(const struct sweep_space *space, int set, int out[2 * SWEEP_AXES_MAX]) {
  int count = 0;
  for (int i = 0; i < space->axis_count; i++) {
    if (!space->axes[i].is_numeric) continue;
    for (int step = -1; step <= 1; step += 2) {
      int32_t indices[SWEEP_AXES_MAX];
      memcpy(indices, place(space, set), (size_t)space->axis_count * sizeof *indices);
      indices[i] += step;
      int found = indices[i] < 0 || indices[i] >= space->axes[i].count ? -1 : find_set(space, indices);
      if (found >= 0) out[count++] = found;
    }
  }
  return count;
}
