/* The functions of libm whose last bit differs between machines, compiled in so that the same bytes in give the same bytes out. Error below
 * 2 ulp. sqrt, fabs, floor and ceil are exact everywhere and used as they are. */
#ifndef BASE_MATHS_H
#define BASE_MATHS_H

/* Smaller and larger of two. fmin and fmax may answer either zero for +0 and -0, and pass over NaN; here the second operand is the answer in both
 * cases. */
static inline double maths_min(double a, double b) {
  return a < b ? a : b;
}
static inline double maths_max(double a, double b) {
  return a > b ? a : b;
}

double maths_log(double x); /* natural; x <= 0 gives -inf (0) or NaN */
double maths_log2(double x);
double maths_log10(double x);
double maths_exp(double x);
double maths_pow(double x, double y);   /* x > 0 */
double maths_normal_cdf(double x);      /* standard normal, error below 1e-12 */
double maths_normal_quantile(double p); /* inverse of the above, 0 < p < 1, error below 1e-9 */

#endif
