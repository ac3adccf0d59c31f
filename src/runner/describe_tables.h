/* The declaration tables of presets and settings as documents; `breakout describe` prints them. */
#ifndef RUNNER_DESCRIBE_TABLES_H
#define RUNNER_DESCRIBE_TABLES_H

#include <stdbool.h>

#include "base/buffer.h"

/* docs/generated/preset.md and docs/generated/settings.md. */
void preset_describe_markdown(struct buffer *out);
void settings_describe_markdown(struct buffer *out);
/* docs/generated/preset.schema.json: JSON Schema 2020-12 of a preset file; x-unit, x-active-when and x-used-in per key. */
void preset_describe_json_schema(struct buffer *out);
/* One key as text for a person. False when there is no such key. */
bool preset_describe_key(const char *path, struct buffer *out);
/* .env.example: every setting, its default, one line of explanation. */
void settings_env_example(struct buffer *out);

#endif
