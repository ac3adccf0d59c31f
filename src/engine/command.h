/* Commands: what an operator asks for. Legal states, roles and confirmations are rows of command.def. */
#ifndef ENGINE_COMMAND_H
#define ENGINE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/session.h"

enum command {
#define COMMAND(constant, name, legal, role, confirm, text) COMMAND_##constant,
#include "engine/command.def"
  command_count
};
enum command_source { SOURCE_OPERATOR, SOURCE_ENGINE, command_source_count };
extern const char *const command_names[];
extern const char *const command_source_names[];
extern const char *const command_roles[];
extern const char *const command_confirmations[];
extern const char *const command_texts[];

/* Legal in the session state; while the emergency is latched start, resume and retry are not (engine 2). */
bool command_is_legal(enum command command, enum session_state state, bool is_latched);
/* The command of a name (snake_case or with dashes), or -1. */
int command_from_name(const char *name);

#endif
