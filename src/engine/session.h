/* The session: one run of the engine from start to stopped; its life cycle and the derived word that the API shows (engine 2 and 6). */
#ifndef ENGINE_SESSION_H
#define ENGINE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fsm.h"

enum session_state {
  SESSION_IDLE,
  SESSION_STARTING,
  SESSION_RUNNING,
  SESSION_PAUSED,
  SESSION_DRAINING,
  SESSION_STOPPING,
  SESSION_FLATTENING,
  SESSION_ERROR,
  SESSION_EMERGENCY,
  SESSION_STOPPED,
  session_state_count
};
enum session_trigger {
  SESSION_ON_START,
  SESSION_ON_READY,
  SESSION_ON_READY_PAUSED,
  SESSION_ON_READY_DRAINING,
  SESSION_ON_READY_STOPPING,
  SESSION_ON_READY_FLATTENING,
  SESSION_ON_READY_ERROR,
  SESSION_ON_CHECK_FAILED,
  SESSION_ON_PAUSE,
  SESSION_ON_RESUME,
  SESSION_ON_TIME_STOP,
  SESSION_ON_ALL_DONE,
  SESSION_ON_STOP_KEEP,
  SESSION_ON_ENTRIES_GONE,
  SESSION_ON_FLATTEN,
  SESSION_ON_KILL_OPEN,
  SESSION_ON_KILL_FLAT,
  SESSION_ON_FLAT,
  SESSION_ON_FLAT_LATCHED,
  SESSION_ON_EMERGENCY_STOP,
  SESSION_ON_FATAL,
  SESSION_ON_RETRY,
  SESSION_ON_RESET,
  SESSION_ON_RESTARTED,
  session_trigger_count
};
extern const char *const session_state_names[];
extern const char *const session_trigger_names[];
extern const struct fsm session_fsm;

/* The one word shown for the whole engine. */
enum engine_word {
  WORD_IDLE,
  WORD_INITIALIZING,
  WORD_SCANNING,
  WORD_LEVEL_BUILDING,
  WORD_SIGNAL_WAIT,
  WORD_SIZING,
  WORD_EXECUTION,
  WORD_MANAGING,
  WORD_PAUSED,
  WORD_ERROR,
  WORD_EMERGENCY,
  WORD_STOPPED,
  engine_word_count
};
extern const char *const engine_word_names[];
/* The table of engine 6: may the word move from one to the other. */
bool engine_word_may_follow(enum engine_word from, enum engine_word to);

#endif
