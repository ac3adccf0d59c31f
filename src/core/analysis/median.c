/* Median by selection: C. A. R. Hoare, Algorithm 65: Find, CACM 4 (1961), with the median of three as pivot. Linear on average; the worst case is
 * quadratic and needs an input made for it. */
#include <math.h>

#include "core/analysis/indicators.h"

static void swap(double *a, double *b) {
  double kept = *a;
  *a = *b;
  *b = kept;
}

static double middle_of_three(double a, double b, double c) {
  if (a > b) swap(&a, &b);
  if (b > c) b = c;
  return a > b ? a : b;
}

/* Puts the value of rank k at index k, smaller or equal ones before it, larger or equal ones behind. */
static void select_rank(double *values, int32_t count, int32_t k) {
  int32_t left = 0;
  int32_t right = count - 1;
  while (left < right) {
    double pivot = middle_of_three(values[left], values[left + (right - left) / 2], values[right]);
    int32_t i = left;
    int32_t j = right;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) swap(&values[i++], &values[j--]);
    }
    if (k <= j) {
      right = j;
    } else if (k >= i) {
      left = i;
    } else {
      return;
    }
  }
}

double indicator_median(double *values, int32_t count) {
  if (count < 1) return NAN;
  int32_t k = count / 2;
  select_rank(values, count, k);
  double upper = values[k];
  if (count % 2 == 1) return upper;
  double lower = values[0];
  for (int32_t i = 1; i < k; i++) {
    if (values[i] > lower) lower = values[i];
  }
  return (lower + upper) / 2;
}
