/* The parameter sets of a search: which keys of a preset are varied over which values, and the sets drawn from them (backtest 8.1).
 *
 * An axis is one --param: KEY=a,b,c or KEY=low:high:step with both ends; for drawn sets also KEY=low:high without steps. Sets are numbered from 1. Of
 * a grid they are the product of all axes, the last axis fastest; drawn ones are numbered as drawn, and a set drawn again is left out and counted. */
#ifndef APPS_SWEEP_SPACE_H
#define APPS_SWEEP_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "core/strategy/preset.h"
#include "runner/settings.h"

enum { SWEEP_AXES_MAX = 12, SWEEP_SETS_MAX = 100000, SWEEP_VALUE_BYTES = 32, SWEEP_PATH_BYTES = 96 };

enum sweep_method { SWEEP_GRID, SWEEP_RANDOM, SWEEP_LATIN, sweep_method_count };
extern const char *const sweep_method_names[];

struct sweep_axis {
  char path[SWEEP_PATH_BYTES];
  char (*values)[SWEEP_VALUE_BYTES]; /* owned; in the order given, or as drawn where the range has no steps */
  int count;
  bool is_numeric; /* its values are numbers in ascending order: neighbours are one step apart */
  bool is_range;   /* low to high without steps: values are made when sets are drawn */
  bool is_whole;   /* the key takes integers only */
  double low, high;
};

struct sweep_space {
  struct sweep_axis axes[SWEEP_AXES_MAX];
  int axis_count;
  int32_t *sets; /* owned: of each set the index of the value on each axis */
  int set_count;
  int repeated; /* drawn again and left out */
};

void sweep_space_deinit(struct sweep_space *space);
/* Adds the axis of one --param. STATUS_BAD_CONFIG when the key is not one value, is there twice, or a value is not of its type; a value outside the
 * bounds of the key is no error here: its sets are left out. */
NODISCARD enum status sweep_space_add(struct sweep_space *space, const struct preset *base, const char *text, struct problem *problem);
/* Makes the sets; without an axis the preset alone is the one set. samples: of random and latin. STATUS_BAD_CONFIG when there are none or too many.
 */
NODISCARD enum status sweep_space_fill(struct sweep_space *space, enum sweep_method method, int64_t samples, int64_t seed, struct problem *problem);
/* Index on the axis, and the value as text, of a set (counted from 0). */
int sweep_space_index(const struct sweep_space *space, int set, int axis);
const char *sweep_space_value(const struct sweep_space *space, int set, int axis);
/* The base preset with the values of a set, and with the overrides of the settings, which win over the values as they do in a backtest. False with a
 * problem when a bound or a cross rule is broken. */
bool sweep_space_apply(const struct sweep_space *space, int set, const struct preset_overrides *overrides, struct preset *preset,
                       struct problem *problem);
/* Sets one step away along one axis with all else equal: at most two an axis; returns their number. On axes of words nothing is near. Sets must be in
 * ascending order of their indices, which those of a grid are; drawn ones have no neighbours. */
int sweep_space_neighbours(const struct sweep_space *space, int set, int out[2 * SWEEP_AXES_MAX]);

#endif
