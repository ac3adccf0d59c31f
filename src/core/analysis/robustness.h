/* How much of a Sharpe ratio luck may be (backtest 6 and 8.1). All ratios are of one day, not of a year. NaN is null. */
#ifndef CORE_ANALYSIS_ROBUSTNESS_H
#define CORE_ANALYSIS_ROBUSTNESS_H

#include <stdint.h>

enum { ROBUSTNESS_DAYS_MIN = 20 }; /* fewer daily returns: every probability is null */

/* The shape of a series of daily returns. */
struct robustness_returns {
  int32_t days;
  double sharpe;   /* mean over sample deviation */
  double skewness; /* population; normal: 0 */
  double kurtosis; /* population; normal: 3 */
};

/* mean and sigma (sample) of the returns are the caller's, who has them. */
void robustness_describe(const double *returns, int32_t days, double mean, double sigma, struct robustness_returns *out);

/* Probability that the true ratio is above `benchmark`: Phi((S - S0) sqrt(N - 1) / sqrt(1 - skewness S + (kurtosis - 1)/4 S^2)).
 * Source: Bailey and Lopez de Prado, "The Sharpe ratio efficient frontier", 2012. */
double robustness_probabilistic_sharpe(const struct robustness_returns *returns, double benchmark);

/* What the best of `sets` ratios is expected to be when all are luck: sqrt(V) ((1 - g) PhiInverse(1 - 1/M) + g PhiInverse(1 - 1/(M e))), g Euler's
 * constant, V the sample variance of the ratios over the sets. 0 for a single set: nothing was chosen. NaN for sets < 1, or V < 0 or null.
 * Source: Bailey and Lopez de Prado, "The deflated Sharpe ratio", 2014. */
double robustness_luckiest_sharpe(double variance_of_sharpes, int64_t sets);

/* The probabilistic ratio against the luckiest one: what is left of a result after it was chosen from many. */
double robustness_deflated_sharpe(double sharpe_daily, int32_t days, double skewness, double kurtosis, double variance_of_sharpes, int64_t sets);

#endif
