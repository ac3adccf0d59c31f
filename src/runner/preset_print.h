/* Presets written as JSON: the file form, the canonical form and its hash. */
#ifndef RUNNER_PRESET_PRINT_H
#define RUNNER_PRESET_PRINT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/json.h"
#include "core/strategy/preset.h"

enum preset_order { PRESET_ORDER_TABLE, PRESET_ORDER_SORTED };
enum preset_extent { PRESET_WHOLE, PRESET_WITHOUT_DEFAULTS };
/* The preset as one JSON object. The writer stands where a value may be; key as in json_begin_object. Required keys are always written;
 * channel_config only with the channel strategy. */
void preset_to_json(const struct preset *preset, struct json_writer *writer, const char *key, enum preset_order order, enum preset_extent extent);
/* Canonical form: keys sorted, defaults filled in, numbers in shortest form, no blanks. */
void preset_print_canonical(const struct preset *preset, struct buffer *out);
/* File form: table order, indented, defaults filled in, final newline. */
void preset_print_file(const struct preset *preset, struct buffer *out);
/* SHA-256 of the canonical form. */
void preset_hash(const struct preset *preset, char text[DIGEST_TEXT_MAX]);
/* One key's value as JSON ("null" for null and absent). False when the path is no key with a value. */
bool preset_value_json(const struct preset *preset, const char *path, struct buffer *out);
/* Do two presets differ in a key? Their values are then in left and right, which are emptied before. The name differs always and is not told. */
bool preset_value_differs(const char *path, const struct preset *a, const struct preset *b, struct buffer *left, struct buffer *right);
/* Shortest decimal text that reads back as the same double; "null" for NaN. Free of locale. */
enum { PRESET_NUMBER_TEXT_MAX = 40 };
void preset_number_text(double value, char out[PRESET_NUMBER_TEXT_MAX]);

#endif
