/* One walk of the channel strategy through the market that all sets share (channel_sweep.h tells why it is to be trusted). */
#ifndef APPS_CHANNEL_WALK_H
#define APPS_CHANNEL_WALK_H

#include "apps/channel_market.h"
#include "apps/channel_sweep.h"

struct channel_task {
  struct channel_market *market;
  const struct instrument *instrument;
  const struct preset *preset;
  double slippage_bps, impact_bps, participation;
  int32_t max_leverage;
  enum after_kill after_kill;
  int64_t balance;
  const struct channel_break *entry; /* take this one alone, with `range`; NULL: every break of the preset's channel */
  double range;
  int32_t start, end; /* the session begins when minute `start` closes; minute `end` - 1 is the last */
};

/* Trades, counts and the curve of out, which stands empty; no figures. */
enum channel_sweep_end channel_walk(const struct channel_task *task, struct channel_result *out);

#endif
