/* Tables of the commands. */
#include "engine/command.h"

#define IN(state) (1u << SESSION_##state)
#define ALL ((1u << session_state_count) - 1u)

const char *const command_names[] = {
#define COMMAND(constant, name, legal, role, confirm, text) name,
#include "engine/command.def"
};
const char *const command_roles[] = {
#define COMMAND(constant, name, legal, role, confirm, text) role,
#include "engine/command.def"
};
const char *const command_confirmations[] = {
#define COMMAND(constant, name, legal, role, confirm, text) confirm,
#include "engine/command.def"
};
const char *const command_texts[] = {
#define COMMAND(constant, name, legal, role, confirm, text) text,
#include "engine/command.def"
};
const char *const command_source_names[] = {"operator", "engine"};
const char *const close_side_names[] = {"all", "long", "short"};
const char *const cancel_scope_names[] = {"entry", "target", "all"};

static const uint32_t legal_states[] = {
#define COMMAND(constant, name, legal, role, confirm, text) (legal),
#include "engine/command.def"
};

bool command_is_legal(enum command command, enum session_state state, bool is_latched) {
  if (is_latched && (command == COMMAND_START || command == COMMAND_RESUME || command == COMMAND_RETRY)) return false;
  return (legal_states[command] & (1u << state)) != 0;
}

int command_from_name(const char *name) {
  for (int i = 0; i < command_count; i++) {
    const char *a = command_names[i];
    const char *b = name;
    while (*a != '\0' && (*a == *b || (*a == '_' && *b == '-'))) {
      ++a;
      ++b;
    }
    if (*a == '\0' && *b == '\0') return i;
  }
  return -1;
}
