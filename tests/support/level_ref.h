/* The slow obvious twin of core/analysis/level: follows the text of strategy 4 sentence by sentence over the whole series, remembers everything, and
 * shares no code with the fold. Plain data (struct level, struct level_event) is shared so that the two can be compared. */
#ifndef TESTS_SUPPORT_LEVEL_REF_H
#define TESTS_SUPPORT_LEVEL_REF_H

#include "core/analysis/level.h"

enum { LEVEL_REF_LEVELS_MAX = 100000, LEVEL_REF_TOUCHES_MAX = 1024 };

struct level_ref_item {
  struct level shown;                 /* working values of the fold are not filled in */
  int touches[LEVEL_REF_TOUCHES_MAX]; /* candle of each counted touch */
  int touch_count;
  int broken, failed, returned; /* candle, -1 never */
  int drops;
};

struct level_ref {
  struct level_ref_item *items; /* every level ever, by id; owned */
  int count, room;
};

void level_ref_init(struct level_ref *ref);
void level_ref_deinit(struct level_ref *ref);
/* candles[0] is the first candle of the series, t the index of the newest. */
void level_ref_on_candle(struct level_ref *ref, const struct candle *candles, int t, const struct preset *preset, struct level_events *events);
/* ATR(14) of the newest candle. */
double level_ref_atr(const struct candle *candles, int t);

#endif
