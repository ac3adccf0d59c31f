#include "core/strategy/reason.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/check.h"

const char *const reason_code_names[] = {
#define REASON(code, unit, text) #code,
#include "core/strategy/reason.def"
};
const char *const reason_units[] = {
#define REASON(code, unit, text) unit,
#include "core/strategy/reason.def"
};
const char *const reason_templates[] = {
#define REASON(code, unit, text) text,
#include "core/strategy/reason.def"
};

const char *const comparator_names[] = {"none", ">=", "<=", ">", "<", "in"};
const char *const stage_names[] = {"data", "universe", "filter", "rank", "signal", "validation", "quality", "risk", "execution", "position"};
const char *const verdict_names[] = {"passed", "rejected", "refused", "skipped"};
const char *const strategy_names[] = {"momentum", "retest", "channel", "adopted"};
const char *const position_side_names[] = {"long", "short"};

/* clang-format off */
#define FIELD_OWNER struct reason
static const struct field reason_fields[] = {
#include "base/fields_table.h"
#include "core/strategy/reason_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
#define FIELD_OWNER struct decision
static const struct field decision_fields[] = {
#include "base/fields_table.h"
#include "core/strategy/decision_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
/* clang-format on */

const struct schema reason_schema = {"reason", reason_fields, sizeof reason_fields / sizeof reason_fields[0], sizeof(struct reason)};
const struct schema decision_schema = {"decision", decision_fields, sizeof decision_fields / sizeof decision_fields[0], sizeof(struct decision)};

static bool is_failed(const struct reason *reason) {
  return !reason->passed && !reason->skipped;
}

/* The place for one more reason. A full list gives up its last one that did not fail, but only for a failure. NULL: no room. */
static struct reason *take_place(struct reason_list *list, bool failed) {
  if (list->count < DECISION_REASONS_MAX) return &list->items[list->count++];
  if (!failed) return NULL;
  for (int32_t i = list->count - 1; i >= 0; i--) {
    if (is_failed(&list->items[i])) continue;
    memmove(&list->items[i], &list->items[i + 1], (size_t)(list->count - 1 - i) * sizeof list->items[0]);
    return &list->items[list->count - 1];
  }
  return NULL;
}

static void append(struct reason_list *list, const struct reason *reason) {
  struct reason *place = take_place(list, is_failed(reason));
  if (place != NULL) *place = *reason;
}

static bool compare(double value, enum comparator comparator, double threshold) {
  switch (comparator) {
    case COMPARATOR_GE:
      return value >= threshold;
    case COMPARATOR_LE:
      return value <= threshold;
    case COMPARATOR_GT:
      return value > threshold;
    case COMPARATOR_LT:
      return value < threshold;
    case COMPARATOR_NONE:
    case COMPARATOR_IN:
    case comparator_count:
      break;
  }
  check(comparator >= COMPARATOR_GE && comparator <= COMPARATOR_LT);
  return false;
}

static struct reason make_test(enum reason_code code, double value, enum comparator comparator, double threshold, double scale) {
  struct reason reason = {.code = (int32_t)code, .value = value, .threshold = threshold, .comparator = (int32_t)comparator, .distance = NAN};
  if (isnan(value) || isnan(threshold)) {
    reason.code = REASON_unavailable;
    text_copy(reason.detail, sizeof reason.detail, reason_code_names[code]);
    return reason;
  }
  reason.passed = compare(value, comparator, threshold);
  reason.value = value / scale;
  reason.threshold = threshold / scale;
  bool is_floor = comparator == COMPARATOR_GE || comparator == COMPARATOR_GT;
  reason.distance = is_floor ? reason.value - reason.threshold : reason.threshold - reason.value;
  return reason;
}

bool reason_test(struct reason_list *list, enum reason_code code, double value, enum comparator comparator, double threshold) {
  struct reason reason = make_test(code, value, comparator, threshold, 1.0);
  append(list, &reason);
  return reason.passed;
}

bool reason_test_scaled(struct reason_list *list, enum reason_code code, double value, enum comparator comparator, double threshold, double scale) {
  struct reason reason = make_test(code, value, comparator, threshold, scale);
  append(list, &reason);
  return reason.passed;
}

bool reason_test_and(struct reason_list *list, enum reason_code code, double value, enum comparator comparator, double threshold, bool condition,
                     const char *detail) {
  struct reason reason = make_test(code, value, comparator, threshold, 1.0);
  if (!condition && reason.code == (int32_t)code) {
    reason.passed = false;
    text_copy(reason.detail, sizeof reason.detail, detail);
  }
  append(list, &reason);
  return reason.passed;
}

bool reason_test_range(struct reason_list *list, enum reason_code code, double value, double low, double high) {
  struct reason reason = {.code = (int32_t)code, .value = value, .threshold = low, .comparator = COMPARATOR_IN, .distance = NAN};
  if (isnan(value)) {
    reason.code = REASON_unavailable;
    text_copy(reason.detail, sizeof reason.detail, reason_code_names[code]);
  } else {
    bool is_low_nearer = value - low <= high - value;
    reason.threshold = is_low_nearer ? low : high;
    reason.distance = is_low_nearer ? value - low : high - value;
    reason.passed = value >= low && value <= high;
  }
  append(list, &reason);
  return reason.passed;
}

void reason_skip(struct reason_list *list, enum reason_code code, const char *capability) {
  struct reason reason = {.code = (int32_t)code, .passed = true, .skipped = true, .value = NAN, .threshold = NAN, .distance = NAN};
  text_copy(reason.detail, sizeof reason.detail, capability);
  append(list, &reason);
}

void reason_add(struct reason_list *list, enum reason_code code, bool passed, double value, double threshold, const char *detail) {
  struct reason reason = {.code = (int32_t)code, .passed = passed, .value = value, .threshold = threshold, .distance = NAN};
  if (detail != NULL) text_copy(reason.detail, sizeof reason.detail, detail);
  append(list, &reason);
}

const struct reason *reason_first_failed(const struct reason_list *list) {
  for (int32_t i = 0; i < list->count; i++) {
    if (is_failed(&list->items[i])) return &list->items[i];
  }
  return NULL;
}

/* Eight significant digits: whole numbers keep all of theirs, small ones get the places that their leading zeros cost (at most 12). */
static void add_number(struct text *out, double value) {
  double size = fabs(value);
  int places = 7;
  for (double limit = 10.0; places > 0 && size >= limit; limit *= 10.0) places--;
  for (double limit = 1.0; places < 12 && size < limit && size > 0.0; limit /= 10.0) places++;
  text_add_double(out, value, places);
}

/* Of a range the comparator of the bound that is shown. */
static const char *comparator_text(const struct reason *reason) {
  if (reason->comparator != COMPARATOR_IN) return comparator_names[reason->comparator];
  bool is_low = reason->value - reason->threshold == reason->distance;
  return comparator_names[is_low ? COMPARATOR_GE : COMPARATOR_LE];
}

static bool is_name(const char *name, size_t length, const char *expected) {
  return strlen(expected) == length && memcmp(name, expected, length) == 0;
}

static void add_time(struct text *out, double time_ms) {
  if (isnan(time_ms)) {
    text_add(out, "a time not known");
  } else {
    text_add_time(out, (int64_t)time_ms);
  }
}

static void add_distance(struct text *out, double distance) {
  if (distance > 0) text_add_char(out, '+');
  add_number(out, distance);
}

static void add_named(const struct reason *reason, const char *name, size_t length, bool has_field, struct text *out) {
  size_t field_length = strcspn(reason->detail, " ");
  if (is_name(name, length, "value")) {
    add_number(out, reason->value);
  } else if (is_name(name, length, "threshold")) {
    add_number(out, reason->threshold);
  } else if (is_name(name, length, "distance")) {
    add_distance(out, reason->distance);
  } else if (is_name(name, length, "comparator")) {
    text_add(out, comparator_text(reason));
  } else if (is_name(name, length, "time")) {
    add_time(out, reason->value);
  } else if (is_name(name, length, "field")) {
    text_add_bytes(out, reason->detail, field_length);
  } else {
    check(is_name(name, length, "detail"));
    const char *detail = reason->detail;
    if (has_field) detail += field_length + (detail[field_length] == ' ' ? 1 : 0);
    text_add(out, detail);
  }
}

static void add_skipped(const struct reason *reason, struct text *out) {
  text_add(out, reason_code_names[reason->code]);
  text_add(out, " is skipped: the feed has no ");
  text_add(out, reason->detail);
}

void reason_text(const struct reason *reason, struct text *out) {
  check(reason->code >= 0 && reason->code < reason_code_count);
  if (reason->skipped) {
    add_skipped(reason, out);
    return;
  }
  const char *template = reason_templates[reason->code];
  bool has_field = strstr(template, "{field}") != NULL;
  while (*template != '\0') {
    size_t plain = strcspn(template, "{");
    if (template[plain] == '\0') { /* an empty detail at the end leaves no blank behind */
      text_add_bytes(out, template, plain);
      break;
    }
    const char *name = template + plain + 1;
    size_t length = strcspn(name, "}");
    size_t before = out->length;
    text_add_bytes(out, template, plain);
    size_t after = out->length;
    add_named(reason, name, length, has_field, out);
    if (out->length == after && out->length > before && out->data[out->length - 1] == ' ') out->data[--out->length] = '\0';
    template = name + length + 1;
  }
}
