/* Reasons: one test inside a decision, with value, threshold and distance; the table of all codes and their texts. */
#ifndef CORE_STRATEGY_REASON_H
#define CORE_STRATEGY_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/schema.h"
#include "base/text.h"
#include "core/market/instrument.h"

enum reason_code {
#define REASON(code, unit, text) REASON_##code,
#include "core/strategy/reason.def"
  reason_code_count
};
extern const char *const reason_code_names[];
extern const char *const reason_units[];
extern const char *const reason_templates[];

enum comparator { COMPARATOR_NONE, COMPARATOR_GE, COMPARATOR_LE, COMPARATOR_GT, COMPARATOR_LT, COMPARATOR_IN, comparator_count };
extern const char *const comparator_names[]; /* "none", ">=", "<=", ">", "<", "in" */

enum { REASON_DETAIL_MAX = 48, DECISION_REASONS_MAX = 24 };

struct reason {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/strategy/reason_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema reason_schema;

/* A list of reasons under construction; adding beyond the room keeps the first ones (failures are never lost: a failed reason replaces the last
 * passed). */
struct reason_list {
  int32_t count;
  struct reason items[DECISION_REASONS_MAX];
};

/* Compares, computes the signed distance (>= 0 passes) and appends. A NaN value fails as `unavailable` with the code's name as detail. Returns
 * passed. */
bool reason_test(struct reason_list *list, enum reason_code code, double value, enum comparator comparator, double threshold);
/* The same for values that are compared in one unit and shown in another: value and threshold are recorded divided by scale (> 0). */
bool reason_test_scaled(struct reason_list *list, enum reason_code code, double value, enum comparator comparator, double threshold, double scale);
/* Passes only when the condition holds too; detail says so when it does not. */
bool reason_test_and(struct reason_list *list, enum reason_code code, double value, enum comparator comparator, double threshold, bool condition,
                     const char *detail);
/* Range test low <= value <= high; threshold shown is the nearer bound. */
bool reason_test_range(struct reason_list *list, enum reason_code code, double value, double low, double high);
/* Skipped: capability missing. Counts as passed. */
void reason_skip(struct reason_list *list, enum reason_code code, const char *capability);
/* A verdict without comparison; value and threshold may be NaN, detail NULL. */
void reason_add(struct reason_list *list, enum reason_code code, bool passed, double value, double threshold, const char *detail);
/* The first failed reason, or NULL. */
const struct reason *reason_first_failed(const struct reason_list *list);
/* Fills the template of the code. */
void reason_text(const struct reason *reason, struct text *out);

enum stage {
  STAGE_DATA,
  STAGE_UNIVERSE,
  STAGE_FILTER,
  STAGE_RANK,
  STAGE_SIGNAL,
  STAGE_VALIDATION,
  STAGE_QUALITY,
  STAGE_RISK,
  STAGE_EXECUTION,
  STAGE_POSITION,
  stage_count
};
extern const char *const stage_names[];
enum verdict { VERDICT_PASSED, VERDICT_REJECTED, VERDICT_REFUSED, VERDICT_SKIPPED, verdict_count };
extern const char *const verdict_names[];
enum strategy { STRATEGY_MOMENTUM, STRATEGY_RETEST, STRATEGY_CHANNEL, STRATEGY_ADOPTED, strategy_count };
extern const char *const strategy_names[];
enum position_side { SIDE_LONG, SIDE_SHORT, position_side_count };
extern const char *const position_side_names[]; /* "long", "short" */

struct decision {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/strategy/decision_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema decision_schema;

#endif
