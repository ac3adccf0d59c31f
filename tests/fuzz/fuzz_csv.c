/* Any bytes as each kind of table and as ohlcv-json: what is accepted is sorted, unique and plausible; a refusal says why. */
#include <stdint.h>

#include "adapters/source/csv.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_kind(const uint8_t *data, size_t size, enum series_kind kind, bool is_json) {
  static struct problem problem;
  struct input *input;
  struct csv_result result = {0};
  problem_clear(&problem);
  if (input_open_bytes(&input, data, size, "input", &problem)) {
    check(problem_has_error(&problem));
    return;
  }
  const enum status status = is_json ? csv_read_ohlcv_json(&result, input, 0, &problem) : csv_read(&result, input, kind, 0, &problem);
  input_close(input);
  check(status == STATUS_OK || problem_has_error(&problem));
  for (size_t i = 0; status == STATUS_OK && i < result.series.count; i++) {
    if (result.series.kind == SERIES_CANDLES) check(candle_is_valid((const struct candle *)result.series.rows + i));
    const int64_t before = i > 0 ? series_ts(&result.series, i - 1) : INT64_MIN;
    check(result.series.kind == SERIES_TRADES ? series_ts(&result.series, i) >= before : series_ts(&result.series, i) > before);
  }
  series_deinit(&result.series);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  for (int kind = 0; kind < SERIES_KIND_COUNT; kind++) try_kind(data, size, (enum series_kind)kind, false);
  try_kind(data, size, SERIES_CANDLES, true);
  return 0;
}
