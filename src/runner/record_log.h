/* The log lines of what the engine did: transitions, commands, orders and stops that moved, trades, latches, refusals. Lines of what is only restored
 * after a restart are not written again: they never reach a listener. */
#ifndef RUNNER_RECORD_LOG_H
#define RUNNER_RECORD_LOG_H

#include "runner/runner.h"

struct listener record_log_listener(void);

#endif
