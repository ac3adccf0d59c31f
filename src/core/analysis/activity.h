/* How alive the tape is, as a sum of z-scores (strategy 7). */
#ifndef CORE_ANALYSIS_ACTIVITY_H
#define CORE_ANALYSIS_ACTIVITY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/market/trade_flow.h"

enum { ACTIVITY_SAMPLES = 60 };

struct activity {
  double tpm[ACTIVITY_SAMPLES], tps[ACTIVITY_SAMPLES], delta[ACTIVITY_SAMPLES]; /* rings */
  double index[ACTIVITY_SAMPLES];
  int32_t count, next;
  int64_t sampled_at;
};

struct activity_values {
  double index, z_tpm, z_tps, z_delta; /* NaN: null */
  double drop_fraction;                /* NaN: null */
};

void activity_init(struct activity *activity);
/* One sample (every 10 s); NaN inputs are skipped. */
void activity_sample(struct activity *activity, const struct trade_flow_values *flow, int64_t ts);
void activity_read(const struct activity *activity, struct activity_values *out);
/* drop_fraction >= threshold; false while null. */
bool activity_is_dropping(const struct activity *activity, double threshold);

#endif
