/* A venue that takes every intent and never answers, for an engine that only has to stand behind something else. */
#ifndef TESTS_SUPPORT_QUIET_VENUE_H
#define TESTS_SUPPORT_QUIET_VENUE_H

#include "runner/exchange.h"

struct exchange quiet_venue(void);

#endif
