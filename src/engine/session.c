/* Tables of the session and of the derived word. */
#include "engine/session.h"

const char *const session_state_names[] = {"idle",     "starting",   "running", "paused",    "draining",
                                           "stopping", "flattening", "error",   "emergency", "stopped"};
const char *const session_trigger_names[] = {"start",        "ready",          "ready_paused", "ready_draining", "ready_stopping", "ready_flattening",
                                             "ready_error",  "check_failed",   "pause",        "resume",         "time_stop",      "all_done",
                                             "stop_keep",    "entries_gone",   "flatten",      "kill_open",      "kill_flat",      "flat",
                                             "flat_latched", "emergency_stop", "fatal",        "retry",          "reset",          "restarted"};
const char *const engine_word_names[] = {"idle",      "initializing", "scanning", "level_building", "signal_wait", "sizing",
                                         "execution", "managing",     "paused",   "error",          "emergency",   "stopped"};

static const struct fsm_row session_rows[] = {
#define SESSION_MOVE(from, trigger, to) {SESSION_##from, SESSION_ON_##trigger, SESSION_##to},
#include "engine/session_fsm.def"
};

const struct fsm session_fsm = {
    .name = "session",
    .rows = session_rows,
    .row_count = (int)(sizeof session_rows / sizeof session_rows[0]),
    .state_names = session_state_names,
    .state_count = session_state_count,
    .trigger_names = session_trigger_names,
    .trigger_count = session_trigger_count,
};

/* Bits of the words that may follow a word (engine 6). */
#define W(word) (1u << WORD_##word)
static const uint32_t followers[engine_word_count] = {
    [WORD_IDLE] = W(INITIALIZING) | W(EMERGENCY),
    [WORD_INITIALIZING] = W(SCANNING) | W(SIGNAL_WAIT) | W(MANAGING) | W(PAUSED) | W(ERROR) | W(EMERGENCY),
    [WORD_SCANNING] = W(LEVEL_BUILDING) | W(MANAGING) | W(PAUSED) | W(ERROR) | W(EMERGENCY),
    [WORD_LEVEL_BUILDING] = W(SCANNING) | W(SIGNAL_WAIT),
    [WORD_SIGNAL_WAIT] = W(SIZING) | W(SCANNING) | W(MANAGING) | W(PAUSED) | W(ERROR) | W(EMERGENCY),
    [WORD_SIZING] = W(EXECUTION) | W(SIGNAL_WAIT) | W(MANAGING),
    [WORD_EXECUTION] = W(MANAGING) | W(SCANNING) | W(SIGNAL_WAIT) | W(PAUSED) | W(ERROR) | W(EMERGENCY),
    [WORD_MANAGING] = W(SCANNING) | W(SIGNAL_WAIT) | W(PAUSED) | W(ERROR) | W(EMERGENCY) | W(STOPPED),
    [WORD_PAUSED] = W(SCANNING) | W(SIGNAL_WAIT) | W(MANAGING) | W(ERROR) | W(EMERGENCY),
    [WORD_ERROR] = W(INITIALIZING) | W(MANAGING) | W(EMERGENCY),
    [WORD_EMERGENCY] = W(IDLE),
    [WORD_STOPPED] = W(IDLE) | W(INITIALIZING) | W(MANAGING) | W(EMERGENCY),
};
#undef W

bool engine_word_may_follow(enum engine_word from, enum engine_word to) {
  return (followers[from] & (1u << to)) != 0;
}
