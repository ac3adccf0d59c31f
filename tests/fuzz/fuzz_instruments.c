/* Any bytes as a table of instruments: what is taken has steps above zero, can be found by its name, and makes no instrument that rounding breaks. */
#include <stdint.h>
#include <string.h>

#include "adapters/source/instrument_file.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_row(const struct instrument_file *file, const struct instrument_row *row) {
  struct instrument instrument;
  check(row->tick_size >= 0 && row->lot_size >= 0 && row->min_qty >= 0);
  check(memchr(row->venue_symbol, '\0', sizeof row->venue_symbol) != NULL);
  check(instrument_file_find(file, row->venue_symbol, row->exchange) != NULL);
  instrument_default(&instrument, "BTC/USDT:USDT", "BTCUSDT", 100);
  instrument_file_apply(row, &instrument);
  check(instrument.tick_size > 0 && instrument.lot_size > 0);
  int64_t price = instrument_round_price(&instrument, 100 * DECIMAL_ONE + 1, ROUND_DOWN);
  check(price >= 0 && price % instrument.tick_size == 0);
  check(instrument_round_quantity(&instrument, DECIMAL_ONE + 1, ROUND_DOWN) % instrument.lot_size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct problem problem;
  struct input *input;
  struct instrument_file file = {0};
  problem_clear(&problem);
  if (input_open_bytes(&input, data, size, "input", &problem)) {
    check(problem_has_error(&problem));
    return 0;
  }
  enum status status = instrument_file_read(&file, input, &problem);
  input_close(input);
  check(status == STATUS_OK || problem_has_error(&problem));
  for (int i = 0; i < file.count && status == STATUS_OK; i++) try_row(&file, &file.rows[i]);
  instrument_file_deinit(&file);
  return 0;
}
