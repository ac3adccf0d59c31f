/* The presets shipped inside the program; the table is generated from presets/ when the program is built. */
#ifndef RUNNER_PRESETS_BUILTIN_H
#define RUNNER_PRESETS_BUILTIN_H

struct builtin_preset {
  const char *name;
  const char *text; /* JSON */
};

extern const struct builtin_preset builtin_presets[];
extern const int builtin_preset_count;

#endif
