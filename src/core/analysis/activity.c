#include "core/analysis/activity.h"

#include <math.h>
#include <string.h>

#include "core/analysis/indicators.h"

enum { SAMPLES_MIN = 12, PREVIOUS = 9 };

void activity_init(struct activity *activity) {
  memset(activity, 0, sizeof(*activity));
}

/* Place in the rings of the sample `back` before the newest. */
static int32_t place_of(const struct activity *activity, int32_t back) {
  return (activity->next - 1 - back + 2 * ACTIVITY_SAMPLES) % ACTIVITY_SAMPLES;
}

/* z-score of the newest sample against the history, itself included; summed oldest first. */
static double z_of(const struct activity *activity, const double *ring) {
  double values[ACTIVITY_SAMPLES];
  for (int32_t i = 0; i < activity->count; i++) values[i] = ring[place_of(activity, activity->count - 1 - i)];
  double mean;
  double sigma = indicator_sigma(values, activity->count, false, &mean);
  return sigma > 0 ? (values[activity->count - 1] - mean) / sigma : 0;
}

void activity_sample(struct activity *activity, const struct trade_flow_values *flow, int64_t ts) {
  activity->sampled_at = ts;
  if (isnan(flow->tpm_60s) || isnan(flow->tps_10s) || isnan(flow->volume_delta_60s)) return;
  int32_t place = activity->next;
  activity->tpm[place] = flow->tpm_60s;
  activity->tps[place] = flow->tps_10s;
  activity->delta[place] = fabs(flow->volume_delta_60s);
  activity->next = (place + 1) % ACTIVITY_SAMPLES;
  if (activity->count < ACTIVITY_SAMPLES) activity->count++;
  bool is_known = activity->count >= SAMPLES_MIN;
  activity->index[place] = is_known ? z_of(activity, activity->tpm) + z_of(activity, activity->tps) + z_of(activity, activity->delta) : NAN;
}

/* (mean of the 9 previous indices - index) / max(1, |that mean|); NaN while one of the ten is null. */
static double drop_fraction_of(const struct activity *activity) {
  if (activity->count < SAMPLES_MIN + PREVIOUS) return NAN;
  double sum = 0;
  for (int32_t back = PREVIOUS; back >= 1; back--) sum += activity->index[place_of(activity, back)];
  double mean = sum / PREVIOUS;
  double size = fabs(mean);
  return (mean - activity->index[place_of(activity, 0)]) / (size > 1 ? size : 1);
}

void activity_read(const struct activity *activity, struct activity_values *out) {
  *out = (struct activity_values){.index = NAN, .z_tpm = NAN, .z_tps = NAN, .z_delta = NAN, .drop_fraction = NAN};
  if (activity->count < SAMPLES_MIN) return;
  out->index = activity->index[place_of(activity, 0)];
  out->z_tpm = z_of(activity, activity->tpm);
  out->z_tps = z_of(activity, activity->tps);
  out->z_delta = z_of(activity, activity->delta);
  out->drop_fraction = drop_fraction_of(activity);
}

bool activity_is_dropping(const struct activity *activity, double threshold) {
  return drop_fraction_of(activity) >= threshold;
}
