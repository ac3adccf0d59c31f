/* The machine's clock. */
#ifndef ADAPTERS_CLOCK_SYSTEM_CLOCK_H
#define ADAPTERS_CLOCK_SYSTEM_CLOCK_H

#include "runner/clock.h"

/* One for the whole process; holds no state. */
const struct clock *system_clock(void);

#endif
