/* Named places between two effects on the world, where tests let the program die: nothing at all unless BREAKOUT_CRASH_POINTS is defined, as it is
 * for the copies of these files that tests/simulation/test_crash_points.c is linked with. */
#ifndef BASE_CRASH_POINT_H
#define BASE_CRASH_POINT_H

enum crash_label {
#define CRASH_POINT(constant, place, text) CRASH_##constant,
#include "base/crash_point.def"
  crash_label_count
};

/* Told of every passing, on the thread that passes. Defined by the test. */
extern void (*crash_hook)(enum crash_label label);

#ifdef BREAKOUT_CRASH_POINTS
#define CRASH_AT(constant)                                     \
  do {                                                         \
    if (crash_hook != (void *)0) crash_hook(CRASH_##constant); \
  } while (0)
#else
#define CRASH_AT(constant) ((void)0)
#endif

#endif
