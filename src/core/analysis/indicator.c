#include "core/analysis/indicator.h"

#include <math.h>
#include <stddef.h>

#include "base/check.h"
#include "base/text.h"

static void take_closes(const struct candle *candles, int32_t count, int32_t n, double *closes) {
  check(n > 0 && n <= INDICATOR_VALUES_MAX);
  for (int32_t i = 0; i < n; i++) closes[i] = candles[count - n + i].close;
}

static double compute_true_range(const struct indicator_input *input) {
  if (input->count < 1) return NAN;
  const struct candle *newest = input->candles + input->count - 1;
  return indicator_true_range(newest, input->count > 1 ? newest - 1 : NULL);
}

static double compute_percentile_rank(const struct indicator_input *input) {
  double closes[INDICATOR_VALUES_MAX];
  if (input->count < input->a) return NAN;
  take_closes(input->candles, input->count, input->a, closes);
  return indicator_percentile_rank(closes, input->a);
}

static double compute_correlation(const struct indicator_input *input) {
  double x[INDICATOR_VALUES_MAX];
  double y[INDICATOR_VALUES_MAX];
  if (input->count < input->a || input->others == NULL) return NAN;
  take_closes(input->candles, input->count, input->a, x);
  take_closes(input->others, input->count, input->a, y);
  return indicator_correlation(x, y, input->a);
}

static double compute_z_score(const struct indicator_input *input) {
  double closes[INDICATOR_VALUES_MAX];
  if (input->count < input->a + 1) return NAN;
  take_closes(input->candles, input->count, input->a + 1, closes);
  return indicator_z_score(closes, input->a + 1, input->a);
}

static double compute_volume_surge(const struct indicator_input *input) {
  return indicator_volume_surge(input->candles, input->count, input->a, input->b);
}

/* The others share one shape. */
#define OF_CANDLES(name)                                              \
  static double compute_##name(const struct indicator_input *input) { \
    return indicator_##name(input->candles, input->count, input->a);  \
  }
OF_CANDLES(atr)
OF_CANDLES(ema)
OF_CANDLES(sma)
OF_CANDLES(bollinger_width)
OF_CANDLES(donchian_high)
OF_CANDLES(donchian_low)
OF_CANDLES(vwap)
OF_CANDLES(slope)
OF_CANDLES(rsi)

/* A warm-up is written with n, or with a and b. */
#define INDICATOR(name, parameters, warm_up, unit, description) \
  static int32_t warm_up_##name(int32_t a, int32_t b) {         \
    const int32_t n = a;                                        \
    (void)n, (void)b;                                           \
    return warm_up;                                             \
  }
#include "core/analysis/indicator.def"

const struct indicator indicators[indicator_count] = {
#define INDICATOR(name, parameters, warm_up, unit, description) {#name, parameters, unit, description, warm_up_##name, compute_##name},
#include "core/analysis/indicator.def"
};

const struct indicator *indicator_find(const char *name) {
  for (int i = 0; i < indicator_count; i++) {
    if (text_equal(indicators[i].name, name)) return &indicators[i];
  }
  return NULL;
}
