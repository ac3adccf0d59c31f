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
/* Which positions close_all closes, and which orders cancel_all cancels. */
enum close_side { CLOSE_ALL_SIDES, CLOSE_LONGS, CLOSE_SHORTS, close_side_count };
enum cancel_scope { CANCEL_ENTRIES, CANCEL_TARGETS, CANCEL_BOTH, cancel_scope_count };
extern const char *const close_side_names[];
extern const char *const cancel_scope_names[];
extern const char *const command_names[];
extern const char *const command_source_names[];
extern const char *const command_roles[];
extern const char *const command_confirmations[];
extern const char *const command_texts[];

/* Legal in the session state; while the emergency is latched start, resume and retry are not (engine 2). */
bool command_is_legal(enum command command, enum session_state state, bool is_latched);
/* The command of a name (snake_case or with dashes), or -1. */
int command_from_name(const char *name);

/* What has to come true before a command is complete, by name; returns how many. */
enum { OPERATION_STEPS_MAX = 4 };
int operation_steps(enum command command, const char *names[OPERATION_STEPS_MAX]);

#endif
