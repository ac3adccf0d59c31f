/* Activity index. Numbers by hand from strategy 7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "core/analysis/activity.h"

static void add(struct activity *activity, double tpm, double tps, double delta) {
  struct trade_flow_values flow = {.tpm_60s = tpm, .tps_10s = tps, .volume_delta_60s = delta};
  activity_sample(activity, &flow, activity->sampled_at + 10000);
}

static void test_null_before_12_samples(void **state) {
  (void)state;
  struct activity activity;
  struct activity_values values;
  activity_init(&activity);
  for (int i = 0; i < 11; i++) add(&activity, 10, 1, 5);
  activity_read(&activity, &values);
  assert_true(isnan(values.index) && isnan(values.z_tpm) && isnan(values.drop_fraction));
  assert_false(activity_is_dropping(&activity, 0));
  add(&activity, 10, 1, 5);
  activity_read(&activity, &values);
  assert_true(values.index == 0); /* sigma 0 */
  assert_true(isnan(values.drop_fraction));
}

/* Eleven zeros and a 12: mean 1, population variance (11 * 1 + 121)/12 = 11, z = 11/sqrt(11) = sqrt(11). */
static void test_index_is_the_sum_of_z_scores(void **state) {
  (void)state;
  struct activity activity;
  struct activity_values values;
  activity_init(&activity);
  for (int i = 0; i < 11; i++) add(&activity, 0, 0, 0);
  add(&activity, 12, 24, -12); /* the absolute value of the delta */
  activity_read(&activity, &values);
  assert_true(fabs(values.z_tpm - sqrt(11)) < 1e-12);
  assert_true(fabs(values.z_tps - sqrt(11)) < 1e-12);
  assert_true(fabs(values.z_delta - sqrt(11)) < 1e-12);
  assert_true(fabs(values.index - 3 * sqrt(11)) < 1e-12);
}

static void test_null_samples_are_skipped(void **state) {
  (void)state;
  struct activity activity;
  activity_init(&activity);
  add(&activity, NAN, 1, 1);
  add(&activity, 1, NAN, 1);
  add(&activity, 1, 1, NAN);
  assert_int_equal(activity.count, 0);
  assert_int_equal(activity.sampled_at, 30000);
}

/* Twenty equal samples give indices of 0. Then 20 of 21 are 10 and one is 0: mean 200/21, sigma 10 sqrt(20)/21, z = -(200/21)/(10 sqrt(20)/21) =
 * -sqrt(20); in one of three values. The mean of the 9 indices before is 0: drop = sqrt(20)/1. */
static void test_drop_fraction(void **state) {
  (void)state;
  struct activity activity;
  struct activity_values values;
  activity_init(&activity);
  for (int i = 0; i < 20; i++) add(&activity, 10, 3, 2);
  activity_read(&activity, &values);
  assert_true(isnan(values.drop_fraction)); /* only 8 indices before the newest */
  add(&activity, 0, 3, 2);
  activity_read(&activity, &values);
  assert_true(fabs(values.drop_fraction - sqrt(20)) < 1e-12);
  assert_true(activity_is_dropping(&activity, 4.4));
  assert_false(activity_is_dropping(&activity, 4.5));
}

/* Of 60 samples and more only the newest 60 count: after 60 further equal ones the spike is forgotten. */
static void test_history_is_60_samples(void **state) {
  (void)state;
  struct activity activity;
  struct activity_values values;
  activity_init(&activity);
  add(&activity, 1000, 100, 1000);
  for (int i = 0; i < 59; i++) add(&activity, 10, 1, 1);
  activity_read(&activity, &values);
  assert_true(values.index < 0);
  add(&activity, 10, 1, 1);
  activity_read(&activity, &values);
  assert_true(values.index == 0);
  assert_int_equal(activity.count, ACTIVITY_SAMPLES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_null_before_12_samples),   cmocka_unit_test(test_index_is_the_sum_of_z_scores),
      cmocka_unit_test(test_null_samples_are_skipped), cmocka_unit_test(test_drop_fraction),
      cmocka_unit_test(test_history_is_60_samples),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
