#include "core/analysis/robustness.h"

#include <math.h>

#include "base/maths.h"

static double divided(double a, double b) {
  return b != 0 ? a / b : NAN;
}

void robustness_describe(const double *returns, int32_t days, double mean, double sigma, struct robustness_returns *out) {
  double second = 0;
  double third = 0;
  double fourth = 0;
  for (int32_t i = 0; i < days; i++) {
    double d = returns[i] - mean;
    second += d * d / days;
    third += d * d * d / days;
    fourth += d * d * d * d / days;
  }
  *out = (struct robustness_returns){
      .days = days, .sharpe = divided(mean, sigma), .skewness = divided(third, second * sqrt(second)), .kurtosis = divided(fourth, second * second)};
}

double robustness_probabilistic_sharpe(const struct robustness_returns *returns, double benchmark) {
  double ratio = returns->sharpe;
  double variance = 1 - returns->skewness * ratio + (returns->kurtosis - 1) / 4 * ratio * ratio;
  if (returns->days < ROBUSTNESS_DAYS_MIN || !(variance > 0)) return NAN;
  return maths_normal_cdf((ratio - benchmark) * sqrt(returns->days - 1.0) / sqrt(variance));
}

double robustness_luckiest_sharpe(double variance_of_sharpes, int64_t sets) {
  static const double euler_gamma = 0.5772156649;
  static const double e = 2.718281828459045;
  if (sets == 1) return 0;
  if (sets < 1 || !(variance_of_sharpes >= 0)) return NAN;
  double tried = (double)sets;
  double low = maths_normal_quantile(1 - 1 / tried);
  double high = maths_normal_quantile(1 - 1 / (tried * e));
  return sqrt(variance_of_sharpes) * ((1 - euler_gamma) * low + euler_gamma * high);
}

double robustness_deflated_sharpe(double sharpe_daily, int32_t days, double skewness, double kurtosis, double variance_of_sharpes, int64_t sets) {
  const struct robustness_returns returns = {.days = days, .sharpe = sharpe_daily, .skewness = skewness, .kurtosis = kurtosis};
  return robustness_probabilistic_sharpe(&returns, robustness_luckiest_sharpe(variance_of_sharpes, sets));
}
