/* Presets read from text: strict JSON with every error at once, single keys from KEY=VALUE, and symbol lists resolved against a universe. */
#ifndef RUNNER_PRESET_FILE_H
#define RUNNER_PRESET_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "base/problem.h"
#include "base/status.h"
#include "core/market/symbol.h"
#include "core/strategy/preset.h"
#include "runner/settings.h"

enum { PRESET_FILE_BYTES_MAX = 1 << 20 };

/* Fills preset from one JSON document (comments and trailing commas allowed) and checks it whole: keys, types, bounds, cross rules. Item codes:
 * bad_json, unknown_key, missing_key, wrong_type, out_of_bounds, bad_enum, cross_rule, bad_symbol, duplicate, and the warnings alias and W1, W5. stem
 * is the file's name without .json that `name` must equal (X16), or NULL. STATUS_BAD_CONFIG when there is any error; preset is then not to be used.
 */
NODISCARD enum status preset_parse(struct preset *preset, const char *text, size_t length, const char *source_name, const char *stem,
                                   struct problem *problem);
/* The same from a value already parsed. */
NODISCARD enum status preset_from_json(struct preset *preset, const struct json *object, const char *stem, struct problem *problem);

/* One key from text: numbers, true, false and null as in JSON; enums and texts bare or quoted; lists as JSON or separated by commas; a rung's member
 * as position_config.tp_levels[0].size_pct. Checks the key alone: preset_check afterwards judges the whole. */
NODISCARD enum status preset_set_key(struct preset *preset, const char *path, const char *value, struct problem *problem);
/* BREAKOUT__SECTION__KEY=value entries as the settings collected them, then preset_check when there are any. */
NODISCARD enum status preset_apply_overrides(struct preset *preset, const struct preset_overrides *overrides, struct problem *problem);
/* Cross rules X1-X16, W1, W5. */
NODISCARD enum status preset_check(const struct preset *preset, const char *stem, struct problem *problem);

/* Whitelist and blacklist against a universe of printed symbols: allowed[i] tells whether the preset may look at symbols[i]. Entries that match
 * nothing are warnings W2. */
NODISCARD enum status preset_resolve_lists(const struct preset *preset, const char (*symbols)[SYMBOL_TEXT_MAX], int count, bool *allowed,
                                           struct problem *problem);

#endif
