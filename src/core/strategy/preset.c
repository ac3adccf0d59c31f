#include "core/strategy/preset.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

const char *const strategy_priority_names[] = {"momentum", "retest", "breakout_momentum", "breakout_retest", "channel"};
const char *const allowed_sides_names[] = {"both", "long", "short"};
const char *const sl_mode_names[] = {"fixed", "chandelier", "atr"};
const char *const placement_mode_names[] = {"fixed", "smart", "adaptive"};
const char *const channel_timeframe_names[] = {"1m", "5m"};

const char *const score_component_names[] = {
#define SCORE_COMPONENT(constant, name, text) #name,
#include "core/strategy/score_component.def"
};

#define NEED_REQUIRED true
#define NEED_OPTIONAL false
#define LOW_OVER true
#define LOW_FROM false
#define OFFSET(prefix, name) .offset = offsetof(struct preset, prefix name)
#define ITEM_OFFSET(name) .is_item = true, .is_required = true, .offset = offsetof(struct tp_level, name)
#define BOUNDS(low, from, to) .is_above_min = LOW_##low, .min = (from), .max = (to)
#define TEXTS(m, u, a) .meaning = (m), .used_in = (u), .active_when = (a)
#define ENUM_NAMES(type) .names = type##_names, .name_count = type##_count

/* clang-format off */
const struct preset_key preset_keys[] = {
#define PRESET_BEGIN(prefix, key, need, m) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_SECTION, .is_required = NEED_##need, .unit = "", TEXTS(m, "", "")},
#define PRESET_TEXT(prefix, key, bytes, m, u) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_TEXT, .is_required = true, OFFSET(prefix, key), .size = (bytes), .unit = "", TEXTS(m, u, "always")},
#define PRESET_ENUM(prefix, key, type, need, value, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_ENUM, .is_required = NEED_##need, .fallback = (value), OFFSET(prefix, key), ENUM_NAMES(type), \
   .unit = "", TEXTS(m, u, a)},
#define PRESET_NUMBER(prefix, key, units, need, value, low, from, to, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_NUMBER, .is_required = NEED_##need, .fallback = (value), BOUNDS(low, from, to), \
   OFFSET(prefix, key), .unit = (units), TEXTS(m, u, a)},
#define PRESET_NUMBER_OR_NULL(prefix, key, units, low, from, to, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_NUMBER_OR_NULL, .fallback = NAN, BOUNDS(low, from, to), OFFSET(prefix, key), .unit = (units), \
   TEXTS(m, u, a)},
#define PRESET_INTEGER(prefix, key, units, need, value, low, from, to, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_INTEGER, .is_required = NEED_##need, .fallback = (value), BOUNDS(low, from, to), \
   OFFSET(prefix, key), .unit = (units), TEXTS(m, u, a)},
#define PRESET_INTEGER_OR_NULL(prefix, key, units, low, from, to, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_INTEGER_OR_NULL, .fallback = NAN, BOUNDS(low, from, to), OFFSET(prefix, key), .unit = (units), \
   TEXTS(m, u, a)},
#define PRESET_BOOLEAN(prefix, key, value, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_BOOLEAN, .fallback = (value), .max = 1, OFFSET(prefix, key), .unit = "", TEXTS(m, u, a)},
#define PRESET_SYMBOLS(prefix, key, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_SYMBOLS, OFFSET(prefix, key), .unit = "symbol or pattern", TEXTS(m, u, a)},
#define PRESET_STEPS(prefix, key, units, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_STEPS, BOUNDS(OVER, 0, INFINITY), OFFSET(prefix, key), \
   .count_offset = offsetof(struct preset, prefix key##_count), .unit = (units), TEXTS(m, u, a)},
#define PRESET_WEIGHTS(prefix, key, m) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_SECTION, .is_required = true, .unit = "weight", TEXTS(m, "strategy 3", "always")},
#define PRESET_WEIGHT(prefix, key, constant, component, low, from, to, m, u, a) \
  {.path = #prefix #key "." #component, .name = #component, .kind = PRESET_KIND_WEIGHT, .fallback = NAN, BOUNDS(low, from, to), \
   .offset = offsetof(struct preset, prefix key) + SCORE_##constant * sizeof(double), .unit = "weight", TEXTS(m, u, a)},
#define PRESET_TARGETS(prefix, key, m, u, a) \
  {.path = #prefix #key, .name = #key, .kind = PRESET_KIND_TARGETS, OFFSET(prefix, key), .count_offset = offsetof(struct preset, prefix tp_level_count), \
   .unit = "", TEXTS(m, u, a)},
#define PRESET_ITEM_TEXT(key, bytes, m, u, a) \
  {.path = "position_config.tp_levels[]." #key, .name = #key, .kind = PRESET_KIND_TEXT, ITEM_OFFSET(key), .size = (bytes), .unit = "", TEXTS(m, u, a)},
#define PRESET_ITEM_NUMBER(key, units, low, from, to, m, u, a) \
  {.path = "position_config.tp_levels[]." #key, .name = #key, .kind = PRESET_KIND_NUMBER, ITEM_OFFSET(key), BOUNDS(low, from, to), .unit = (units), \
   TEXTS(m, u, a)},
#define PRESET_ITEM_ENUM(key, type, value, m, u, a) \
  {.path = "position_config.tp_levels[]." #key, .name = #key, .kind = PRESET_KIND_ENUM, .is_item = true, .offset = offsetof(struct tp_level, key), \
   .fallback = (value), ENUM_NAMES(type), .unit = "", TEXTS(m, u, a)},
#include "core/strategy/preset.def"
};
/* clang-format on */

const int preset_key_count = (int)(sizeof preset_keys / sizeof preset_keys[0]);

const struct preset_key *preset_find_key(const char *path) {
  for (int i = 0; i < preset_key_count; i++) {
    if (strcmp(preset_keys[i].path, path) == 0) return &preset_keys[i];
  }
  return NULL;
}

static bool has_one_value(const struct preset_key *key) {
  return key->kind != PRESET_KIND_SECTION && key->kind != PRESET_KIND_TEXT && key->kind != PRESET_KIND_SYMBOLS && key->kind != PRESET_KIND_STEPS &&
         key->kind != PRESET_KIND_TARGETS;
}

double preset_key_read(const struct preset_key *key, const void *object) {
  check(has_one_value(key));
  const void *at = (const char *)object + key->offset;
  switch (key->kind) {
    case PRESET_KIND_NUMBER:
    case PRESET_KIND_NUMBER_OR_NULL:
    case PRESET_KIND_WEIGHT:
      return *(const double *)at;
    case PRESET_KIND_INTEGER:
    case PRESET_KIND_ENUM:
      return *(const int32_t *)at;
    case PRESET_KIND_INTEGER_OR_NULL:
      return *(const int32_t *)at == 0 ? (double)NAN : *(const int32_t *)at;
    case PRESET_KIND_BOOLEAN:
      return *(const bool *)at;
    default:
      return NAN;
  }
}

void preset_key_write(const struct preset_key *key, void *object, double value) {
  check(has_one_value(key));
  void *at = (char *)object + key->offset;
  switch (key->kind) {
    case PRESET_KIND_NUMBER:
    case PRESET_KIND_NUMBER_OR_NULL:
    case PRESET_KIND_WEIGHT:
      *(double *)at = value;
      break;
    case PRESET_KIND_INTEGER:
    case PRESET_KIND_ENUM:
      *(int32_t *)at = (int32_t)value;
      break;
    case PRESET_KIND_INTEGER_OR_NULL:
      *(int32_t *)at = isnan(value) ? 0 : (int32_t)value;
      break;
    case PRESET_KIND_BOOLEAN:
      *(bool *)at = value != 0;
      break;
    default:
      break;
  }
}

static bool is_whole(double value) {
  return floor(value) == value;
}

bool preset_key_allows(const struct preset_key *key, double value) {
  switch (key->kind) {
    case PRESET_KIND_ENUM:
      return is_whole(value) && value >= 0 && value < key->name_count;
    case PRESET_KIND_BOOLEAN:
      return value == 0 || value == 1;
    case PRESET_KIND_NUMBER_OR_NULL:
    case PRESET_KIND_INTEGER_OR_NULL:
    case PRESET_KIND_WEIGHT:
      if (isnan(value)) return true;
      break;
    default:
      break;
  }
  if (key->kind == PRESET_KIND_INTEGER || key->kind == PRESET_KIND_INTEGER_OR_NULL) {
    if (!is_whole(value)) return false;
  }
  return (key->is_above_min ? value > key->min : value >= key->min) && value <= key->max;
}

static void add_enum_words(const struct preset_key *key, struct text *text) {
  text_add(text, "one of ");
  for (int32_t i = 0; i < key->name_count; i++) {
    if (i > 0) text_add(text, ", ");
    text_add(text, key->names[i]);
  }
}

void preset_key_allowed_text(const struct preset_key *key, char *out, uint32_t size) {
  struct text text;
  text_init(&text, out, size);
  switch (key->kind) {
    case PRESET_KIND_SECTION:
      text_add(&text, "an object");
      return;
    case PRESET_KIND_TEXT:
      text_add(&text, "at most ");
      text_add_i64(&text, (int64_t)key->size - 1);
      text_add(&text, " bytes");
      return;
    case PRESET_KIND_ENUM:
      add_enum_words(key, &text);
      return;
    case PRESET_KIND_BOOLEAN:
      text_add(&text, "true or false");
      return;
    case PRESET_KIND_SYMBOLS:
      text_add(&text, "null or a list of at most 64 symbols or patterns");
      return;
    case PRESET_KIND_STEPS:
      text_add(&text, "1 to 12 numbers > 0");
      return;
    case PRESET_KIND_TARGETS:
      text_add(&text, "empty or 2 to 6 items");
      return;
    default:
      break;
  }
  text_add(&text, key->is_above_min ? "> " : ">= ");
  text_add_double(&text, key->min, 8);
  text_add(&text, ", <= ");
  text_add_double(&text, key->max, 8);
  if (key->kind == PRESET_KIND_NUMBER_OR_NULL || key->kind == PRESET_KIND_INTEGER_OR_NULL) text_add(&text, ", or null");
}

static void init_members(void *object, bool is_item) {
  for (int i = 0; i < preset_key_count; i++) {
    const struct preset_key *key = &preset_keys[i];
    if (key->is_item == is_item && has_one_value(key)) preset_key_write(key, object, key->fallback);
  }
}

void preset_init_target(struct tp_level *target) {
  memset(target, 0, sizeof *target);
  init_members(target, true);
}

void preset_init(struct preset *preset) {
  static const double steps[] = {0.01, 0.05, 0.1, 1, 5, 10};
  memset(preset, 0, sizeof *preset);
  init_members(preset, false);
  preset->scanner_config.symbol_whitelist.is_null = true;
  preset->scanner_config.symbol_blacklist.is_null = true;
  preset->levels_rules.round_step_candidates_count = (int32_t)(sizeof steps / sizeof steps[0]);
  memcpy(preset->levels_rules.round_step_candidates, steps, sizeof steps);
}

static double or_half(double size) {
  return isnan(size) ? 0.5 : size;
}

static void set_target(struct tp_level *target, const char *name, double reward_multiple, double size_pct) {
  preset_init_target(target);
  text_copy(target->level_name, sizeof target->level_name, name);
  target->reward_multiple = reward_multiple;
  target->size_pct = size_pct;
  target->placement_mode = PLACEMENT_FIXED;
}

int preset_targets(const struct preset *preset, struct tp_level out[PRESET_TARGETS_MAX]) {
  const struct preset_position_config *config = &preset->position_config;
  if (preset->strategy_priority == STRATEGY_PRIORITY_CHANNEL) {
    set_target(&out[0], "TP1", preset->channel_config.target_r, 1.0);
    return 1;
  }
  if (config->tp_level_count > 0) {
    memcpy(out, config->tp_levels, sizeof out[0] * (size_t)config->tp_level_count);
    return config->tp_level_count;
  }
  set_target(&out[0], "TP1", config->tp1_r, or_half(config->tp1_size_pct));
  set_target(&out[1], "TP2", config->tp2_r, or_half(config->tp2_size_pct));
  return 2;
}

/* Sums and products of decimal fractions carry the rounding of binary; one part in 10^9 is far below any value that means something. */
static const double slack = 1e-9;

static bool atr_range_ordered(const struct preset *p) {
  return p->volatility_filters.atr_range_min <= p->volatility_filters.atr_range_max;
}

static bool trade_risk_within_day(const struct preset *p) {
  return p->risk.risk_per_trade <= p->risk.daily_risk_limit;
}

static bool day_risk_within_kill(const struct preset *p) {
  return p->risk.daily_risk_limit <= p->risk.kill_switch_loss_limit;
}

static bool legacy_pair_complete(const struct preset *p) {
  return isnan(p->position_config.tp1_r) == isnan(p->position_config.tp2_r);
}

static bool has_legacy_pair(const struct preset *p) {
  return !isnan(p->position_config.tp1_r) && !isnan(p->position_config.tp2_r);
}

static bool legacy_pair_rising(const struct preset *p) {
  return !has_legacy_pair(p) || p->position_config.tp1_r < p->position_config.tp2_r;
}

static bool legacy_sizes_fit(const struct preset *p) {
  return or_half(p->position_config.tp1_size_pct) + or_half(p->position_config.tp2_size_pct) <= 1 + slack;
}

static bool ladder_count_fits(const struct preset *p) {
  return p->position_config.tp_level_count != 1;
}

static bool ladder_rising(const struct preset *p) {
  const struct preset_position_config *config = &p->position_config;
  for (int i = 1; i < config->tp_level_count; i++) {
    if (!(config->tp_levels[i - 1].reward_multiple < config->tp_levels[i].reward_multiple)) return false;
  }
  return true;
}

static bool ladder_sizes_fit(const struct preset *p) {
  double sum = 0;
  for (int i = 0; i < p->position_config.tp_level_count; i++) sum += p->position_config.tp_levels[i].size_pct;
  return sum <= 1 + slack;
}

static bool ladder_names_unique(const struct preset *p) {
  const struct preset_position_config *config = &p->position_config;
  for (int i = 1; i < config->tp_level_count; i++) {
    for (int j = 0; j < i; j++) {
      if (strcmp(config->tp_levels[i].level_name, config->tp_levels[j].level_name) == 0) return false;
    }
  }
  return true;
}

static bool one_target_source(const struct preset *p) {
  bool has_legacy = !isnan(p->position_config.tp1_r) || !isnan(p->position_config.tp2_r);
  bool has_ladder = p->position_config.tp_level_count > 0;
  if (p->strategy_priority == STRATEGY_PRIORITY_CHANNEL) return !has_legacy && !has_ladder;
  return has_legacy != has_ladder;
}

static bool weights_sum_fits(const struct preset *p) {
  double sum = 0;
  for (int i = 0; i < SCORE_COMPONENT_COUNT; i++) {
    if (!isnan(p->scanner_config.score_weights[i])) sum += fabs(p->scanner_config.score_weights[i]);
  }
  return sum >= 0.8 - slack && sum <= 1.2 + slack;
}

static bool slices_ordered(const struct preset *p) {
  return p->execution_config.twap_min_slices <= p->execution_config.twap_max_slices;
}

static bool distance_leaves_room(const struct preset *p) {
  return p->signal_config.entry_rules.max_distance_from_level_bps > 1e4 * p->signal_config.momentum_epsilon + slack;
}

static bool depths_ordered(const struct preset *p) {
  return p->liquidity_filters.min_depth_usd_0_3pct <= p->liquidity_filters.min_depth_usd_0_5pct;
}

static bool add_on_has_size(const struct preset *p) {
  return !p->position_config.add_on_enabled || p->position_config.add_on_max_size_pct > 0;
}

static bool acceleration_later(const struct preset *p) {
  return p->position_config.fsm_config.trailing_accel_after_r >= p->position_config.fsm_config.trailing_activation_r;
}

static bool acceleration_tighter(const struct preset *p) {
  return p->position_config.fsm_config.trailing_accel_step_bps <= p->position_config.fsm_config.trailing_step_bps;
}

static bool lock_profit_beyond_buffer(const struct preset *p) {
  return p->position_config.fsm_config.breakeven_lock_profit_bps >= p->position_config.fsm_config.breakeven_buffer_bps;
}

static bool breakeven_before_trailing(const struct preset *p) {
  return p->position_config.fsm_config.running_breakeven_trigger_r <= p->position_config.fsm_config.trailing_activation_r;
}

static bool short_breakeven_before_trailing(const struct preset *p) {
  return p->position_config.fsm_config.enabled || p->position_config.breakeven_trigger_r <= p->position_config.trailing_activation_r;
}

static bool one_limit_kind(const struct preset *p) {
  return !p->execution_config.post_only || !p->execution_config.fill_or_kill;
}

static bool limit_kind_has_limit(const struct preset *p) {
  return p->execution_config.use_limit_orders || (!p->execution_config.post_only && !p->execution_config.fill_or_kill);
}

static bool day_has_entries(const struct preset *p) {
  return p->signal_config.entry_rules.avoid_session_start_minutes + p->signal_config.entry_rules.avoid_session_end_minutes < 1440;
}

static bool full_book_within_day(const struct preset *p) {
  return p->risk.risk_per_trade * p->risk.max_concurrent_positions <= p->risk.daily_risk_limit + slack;
}

static bool momentum_fits_approach(const struct preset *p) {
  const struct preset_entry_rules *rules = &p->signal_config.entry_rules;
  if (!rules->validate_approach || !rules->require_momentum) return true;
  if (rules->momentum_check_bars > rules->approach_min_consolidation_bars) return true;
  return 100 * rules->momentum_min_slope_pct - rules->max_distance_from_level_bps <= 50 + slack;
}

struct cross_rule {
  const char *rule, *path, *text;
  bool is_warning;
  bool (*holds)(const struct preset *preset);
};

static const struct cross_rule cross_rules[] = {
    {"X1", "volatility_filters.atr_range_min", "atr_range_min must not exceed atr_range_max", false, atr_range_ordered},
    {"X2", "risk.risk_per_trade", "risk_per_trade must not exceed daily_risk_limit", false, trade_risk_within_day},
    {"X2", "risk.daily_risk_limit", "daily_risk_limit must not exceed kill_switch_loss_limit", false, day_risk_within_kill},
    {"X3", "position_config.tp1_r", "tp1_r and tp2_r must both be set or both be null", false, legacy_pair_complete},
    {"X3", "position_config.tp1_r", "tp1_r must be less than tp2_r", false, legacy_pair_rising},
    {"X3", "position_config.tp1_size_pct", "tp1_size_pct and tp2_size_pct together must not exceed 1", false, legacy_sizes_fit},
    {"X4", "position_config.tp_levels", "tp_levels must be empty or have 2 to 6 items", false, ladder_count_fits},
    {"X4", "position_config.tp_levels", "reward_multiple must rise strictly from rung to rung", false, ladder_rising},
    {"X4", "position_config.tp_levels", "size_pct of all rungs together must not exceed 1", false, ladder_sizes_fit},
    {"X4", "position_config.tp_levels", "level_name must be unique", false, ladder_names_unique},
    {"X5", "position_config.tp_levels",
     "exactly one of tp1_r with tp2_r and tp_levels must define the targets; with strategy_priority channel neither", false, one_target_source},
    {"X6", "scanner_config.score_weights", "the sum of the absolute weights must lie between 0.8 and 1.2", false, weights_sum_fits},
    {"X7", "execution_config.twap_min_slices", "twap_min_slices must not exceed twap_max_slices", false, slices_ordered},
    {"X8", "signal_config.entry_rules.max_distance_from_level_bps", "max_distance_from_level_bps must exceed 10000 x momentum_epsilon", false,
     distance_leaves_room},
    {"X9", "liquidity_filters.min_depth_usd_0_3pct", "min_depth_usd_0_3pct must not exceed min_depth_usd_0_5pct", false, depths_ordered},
    {"X10", "position_config.add_on_max_size_pct", "add_on_enabled needs add_on_max_size_pct above 0", false, add_on_has_size},
    {"X11", "position_config.fsm_config.trailing_accel_after_r", "trailing_accel_after_r must be at least trailing_activation_r", false,
     acceleration_later},
    {"X11", "position_config.fsm_config.trailing_accel_step_bps", "trailing_accel_step_bps must not exceed trailing_step_bps", false,
     acceleration_tighter},
    {"X12", "position_config.fsm_config.breakeven_lock_profit_bps", "breakeven_lock_profit_bps must be at least breakeven_buffer_bps", false,
     lock_profit_beyond_buffer},
    {"X13", "position_config.fsm_config.running_breakeven_trigger_r", "running_breakeven_trigger_r must not exceed trailing_activation_r", false,
     breakeven_before_trailing},
    {"X13", "position_config.breakeven_trigger_r", "breakeven_trigger_r must not exceed trailing_activation_r when fsm_config.enabled is false",
     false, short_breakeven_before_trailing},
    {"X14", "execution_config.post_only", "post_only and fill_or_kill must not both be true", false, one_limit_kind},
    {"X14", "execution_config.use_limit_orders", "post_only and fill_or_kill need use_limit_orders", false, limit_kind_has_limit},
    {"X15", "signal_config.entry_rules.avoid_session_start_minutes",
     "avoid_session_start_minutes and avoid_session_end_minutes together must leave a minute of the day", false, day_has_entries},
    {"W1", "risk.risk_per_trade", "a full book stopped out exceeds the day limit: risk_per_trade x max_concurrent_positions > daily_risk_limit", true,
     full_book_within_day},
    {"W5", "signal_config.entry_rules.momentum_min_slope_pct",
     "the approach test and the momentum test can hardly hold together: 100 x momentum_min_slope_pct - max_distance_from_level_bps > 50", true,
     momentum_fits_approach},
};

enum { CROSS_RULE_COUNT = sizeof cross_rules / sizeof cross_rules[0] };
_Static_assert((int)CROSS_RULE_COUNT <= (int)PRESET_FINDINGS_MAX, "every rule can be broken at once");

int preset_cross_check(const struct preset *preset, struct preset_finding findings[PRESET_FINDINGS_MAX]) {
  int count = 0;
  for (int i = 0; i < CROSS_RULE_COUNT; i++) {
    const struct cross_rule *rule = &cross_rules[i];
    if (rule->holds(preset)) continue;
    findings[count++] = (struct preset_finding){.rule = rule->rule, .path = rule->path, .text = rule->text, .is_warning = rule->is_warning};
  }
  return count;
}
