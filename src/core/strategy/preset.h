/* A preset: every knob of one strategy. preset.def declares each knob once; this header makes the struct from it, preset.c the table of keys that
 * reading, writing, bounds, documents, JSON schema and forms walk.
 *
 * Members follow the JSON paths: preset->signal_config.entry_rules.max_distance_from_level_bps. `number or null` is a double with NaN for null,
 * `integer or null` an int32_t with 0 for null (all such keys have a minimum of 1). */
#ifndef CORE_STRATEGY_PRESET_H
#define CORE_STRATEGY_PRESET_H

#include <stdbool.h>
#include <stdint.h>

enum strategy_priority {
  STRATEGY_PRIORITY_MOMENTUM,
  STRATEGY_PRIORITY_RETEST,
  STRATEGY_PRIORITY_BREAKOUT_MOMENTUM,
  STRATEGY_PRIORITY_BREAKOUT_RETEST,
  STRATEGY_PRIORITY_CHANNEL,
  strategy_priority_count
};
enum allowed_sides { ALLOWED_SIDES_BOTH, ALLOWED_SIDES_LONG, ALLOWED_SIDES_SHORT, allowed_sides_count };
enum sl_mode { SL_MODE_FIXED, SL_MODE_CHANDELIER, SL_MODE_ATR, sl_mode_count };
enum placement_mode { PLACEMENT_FIXED, PLACEMENT_SMART, PLACEMENT_ADAPTIVE, placement_mode_count };
enum channel_timeframe { CHANNEL_TIMEFRAME_1M, CHANNEL_TIMEFRAME_5M, channel_timeframe_count };

/* Words as in the files, indexed by the enum. */
extern const char *const strategy_priority_names[];
extern const char *const allowed_sides_names[];
extern const char *const sl_mode_names[];
extern const char *const placement_mode_names[];
extern const char *const channel_timeframe_names[];

enum score_component {
#define SCORE_COMPONENT(constant, name, text) SCORE_##constant,
#include "core/strategy/score_component.def"
  SCORE_COMPONENT_COUNT
};
extern const char *const score_component_names[];

enum { PRESET_SYMBOLS_MAX = 64, PRESET_SYMBOL_BYTES = 48, PRESET_STEPS_MAX = 12, PRESET_TARGETS_MAX = 6 };

/* Symbols in any spelling or patterns; null means the list is not used. */
struct symbol_list {
  bool is_null;
  int32_t count;
  char items[PRESET_SYMBOLS_MAX][PRESET_SYMBOL_BYTES];
};

/* One rung of the target ladder. */
struct tp_level {
#define PRESET_ITEM_TEXT(name, bytes, meaning, used_in, active_when) char name[bytes];
#define PRESET_ITEM_NUMBER(name, unit, low, min, max, meaning, used_in, active_when) double name;
#define PRESET_ITEM_ENUM(name, type, fallback, meaning, used_in, active_when) int32_t name;
#include "core/strategy/preset.def"
};

struct preset {
#define PRESET_BEGIN(prefix, name, need, meaning) struct preset_##name {
#define PRESET_END(name) \
  }                      \
  name;
#define PRESET_TEXT(prefix, name, bytes, meaning, used_in) char name[bytes];
#define PRESET_ENUM(prefix, name, type, need, fallback, meaning, used_in, active_when) int32_t name;
#define PRESET_NUMBER(prefix, name, unit, need, fallback, low, min, max, meaning, used_in, active_when) double name;
#define PRESET_NUMBER_OR_NULL(prefix, name, unit, low, min, max, meaning, used_in, active_when) double name;
#define PRESET_INTEGER(prefix, name, unit, need, fallback, low, min, max, meaning, used_in, active_when) int32_t name;
#define PRESET_INTEGER_OR_NULL(prefix, name, unit, low, min, max, meaning, used_in, active_when) int32_t name;
#define PRESET_BOOLEAN(prefix, name, fallback, meaning, used_in, active_when) bool name;
#define PRESET_SYMBOLS(prefix, name, meaning, used_in, active_when) struct symbol_list name;
#define PRESET_STEPS(prefix, name, unit, meaning, used_in, active_when) \
  int32_t name##_count;                                                 \
  double name[PRESET_STEPS_MAX];
#define PRESET_WEIGHTS(prefix, name, meaning) double name[SCORE_COMPONENT_COUNT]; /* NaN: the component does not take part */
#define PRESET_TARGETS(prefix, name, meaning, used_in, active_when) \
  int32_t tp_level_count;                                           \
  struct tp_level name[PRESET_TARGETS_MAX];
#include "core/strategy/preset.def"
};

/* The table of keys, in the order of preset.def. */
enum preset_kind {
  PRESET_KIND_SECTION, /* an object; offset unused */
  PRESET_KIND_TEXT,    /* char[size] */
  PRESET_KIND_ENUM,    /* int32_t index into names */
  PRESET_KIND_NUMBER,  /* double */
  PRESET_KIND_NUMBER_OR_NULL,
  PRESET_KIND_INTEGER, /* int32_t */
  PRESET_KIND_INTEGER_OR_NULL,
  PRESET_KIND_BOOLEAN,
  PRESET_KIND_SYMBOLS, /* struct symbol_list */
  PRESET_KIND_STEPS,   /* int32_t count at count_offset, double[] at offset */
  PRESET_KIND_WEIGHT,  /* double, NaN: absent */
  PRESET_KIND_TARGETS, /* int32_t count at count_offset, struct tp_level[] at offset */
};

struct preset_key {
  const char *path; /* "risk.risk_per_trade"; of a rung "position_config.tp_levels[].size_pct" */
  const char *name; /* last part of path */
  enum preset_kind kind;
  bool is_item; /* a member of struct tp_level: offset counts from there */
  bool is_required;
  bool is_above_min; /* value > min, else value >= min */
  double min, max;   /* numbers and integers */
  double fallback;   /* default of numbers, integers, booleans (0, 1) and enums; NaN for null */
  const char *unit;  /* "" when none */
  const char *meaning, *used_in, *active_when;
  uint32_t offset, size, count_offset;
  const char *const *names; /* enums */
  int32_t name_count;
};

extern const struct preset_key preset_keys[];
extern const int preset_key_count;
/* The key of a path, or NULL. */
const struct preset_key *preset_find_key(const char *path);

/* Everything at its default; required keys are 0 or empty. */
void preset_init(struct preset *preset);
void preset_init_target(struct tp_level *target);

/* The value of a number, integer, boolean or enum key as a double (NaN: null or absent). object is the preset, or the rung for items. */
double preset_key_read(const struct preset_key *key, const void *object);
void preset_key_write(const struct preset_key *key, void *object, double value);
/* Is the value within the bounds of its key? Null and absent are where the kind allows them. */
bool preset_key_allows(const struct preset_key *key, double value);
/* "> 0, <= 0.1" or "one of both, long, short" for messages. */
void preset_key_allowed_text(const struct preset_key *key, char *out, uint32_t size);

/* All cross rules X1-X15 and the warnings W1 and W5, appended to findings (at most PRESET_FINDINGS_MAX). Pure: needs no data. */
enum { PRESET_FINDINGS_MAX = 32 };
struct preset_finding {
  const char *rule; /* "X1" */
  const char *path; /* the key to look at first */
  const char *text; /* the rule as a sentence */
  bool is_warning;
};
int preset_cross_check(const struct preset *preset, struct preset_finding findings[PRESET_FINDINGS_MAX]);

/* The ladder in force: tp_levels, else the legacy pair as two fixed rungs TP1 and TP2 (a missing size is 0.5), else for the channel strategy its one
 * target. Returns the number of rungs. */
int preset_targets(const struct preset *preset, struct tp_level out[PRESET_TARGETS_MAX]);

#endif
