/* The sliding window against a plain sorted array of everything that was ever put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/random.h"
#include "core/market/candle_series.h"

enum { KEEP = 7, STEPS = 3000 };

static struct candle at(int64_t ts) {
  return (struct candle){.open_ts = ts, .open = 1, .high = 2, .low = 1, .close = 1 + (double)ts / 1e6, .volume = (double)ts};
}

struct model {
  int64_t ts[STEPS + 1];
  int32_t count;
};

static void model_insert(struct model *model, int32_t index, int64_t ts) {
  memmove(&model->ts[index + 1], &model->ts[index], (size_t)(model->count - index) * sizeof model->ts[0]);
  model->ts[index] = ts;
  model->count++;
}

/* Keeps the newest KEEP; everything older is gone for good. */
static void model_cut(struct model *model) {
  if (model->count <= KEEP) return;
  memmove(model->ts, model->ts + model->count - KEEP, KEEP * sizeof model->ts[0]);
  model->count = KEEP;
}

static void assert_same(const struct candle_series *series, const struct model *model) {
  assert_int_equal(series->count, model->count);
  for (int32_t n = 1; n <= series->count; n++) {
    struct candle expected = at(model->ts[model->count - n]);
    assert_memory_equal(candle_series_last(series, n), &expected, sizeof expected);
    assert_int_equal(candle_series_find(series, expected.open_ts), model->count - n);
  }
}

static bool model_take_late(struct model *model, int64_t ts) {
  int32_t index = 0;
  while (index < model->count && model->ts[index] < ts) index++;
  if (index < model->count && model->ts[index] == ts) return false;
  if (index == 0 && model->count == KEEP) return false;
  model_insert(model, index, ts);
  model_cut(model);
  return true;
}

static void test_random_pushes_and_inserts(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    struct random random;
    struct candle memory[2 * KEEP];
    struct candle_series series;
    struct model model = {.count = 0};
    int64_t total = 0;
    random_init(&random, seed);
    candle_series_init(&series, memory, KEEP);
    assert_null(candle_series_newest(&series));
    for (int step = 0; step < STEPS; step++) {
      int64_t newest = model.count > 0 ? model.ts[model.count - 1] : 500;
      if (model.count == 0 || random_below(&random, 3) > 0) {
        struct candle candle = at(newest + 1 + (int64_t)random_below(&random, 3));
        candle_series_push(&series, &candle);
        model_insert(&model, model.count, candle.open_ts);
        model_cut(&model);
        total++;
      } else {
        struct candle candle = at(newest - (int64_t)random_below(&random, 20));
        bool is_taken = model_take_late(&model, candle.open_ts);
        assert_int_equal(candle_series_insert(&series, &candle), is_taken);
        total += is_taken;
      }
      assert_same(&series, &model);
      assert_int_equal(series.total, total);
    }
  }
}

static void test_find_absent(void **state) {
  (void)state;
  struct candle memory[2 * KEEP];
  struct candle_series series;
  candle_series_init(&series, memory, KEEP);
  assert_int_equal(candle_series_find(&series, 1), -1);
  for (int64_t ts = 10; ts <= 30; ts += 10) candle_series_push(&series, &(struct candle){.open_ts = ts});
  assert_int_equal(candle_series_find(&series, 5), -1);
  assert_int_equal(candle_series_find(&series, 15), -1);
  assert_int_equal(candle_series_find(&series, 31), -1);
}

static void test_replace_newest(void **state) {
  (void)state;
  struct candle memory[2 * KEEP];
  struct candle_series series;
  candle_series_init(&series, memory, KEEP);
  for (int64_t ts = 1; ts <= 20; ts++) {
    struct candle first = at(ts);
    struct candle better = first;
    better.close = 7;
    candle_series_push(&series, &first);
    candle_series_replace_newest(&series, &better);
    assert_true(candle_series_newest(&series)->close == 7);
    assert_int_equal(series.total, ts);
  }
  assert_int_equal(series.count, KEEP);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_pushes_and_inserts),
      cmocka_unit_test(test_find_absent),
      cmocka_unit_test(test_replace_newest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
