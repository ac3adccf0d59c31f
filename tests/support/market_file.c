#include "support/market_file.h"

#include <stdio.h>

#include "adapters/source/generate.h"
#include "base/buffer.h"
#include "base/calendar.h"

bool market_file_write(const char *folder, struct problem *problem) {
  static struct candle rows[4 * 1500];
  const struct generate_options generate = {.scenario = GENERATE_TREND, .seed = 7, .days = 3, .start_ms = calendar_to_ms(2024, 1, 1, 0, 0, 0, 0)};
  size_t count = generate_candles(rows, &generate);
  struct buffer text = {0};
  char path[320];
  buffer_add_text(&text, "timestamp_ms,open,high,low,close,volume,turnover\n");
  for (size_t i = 0; i < count; i++) {
    buffer_add_format(&text, "%lld,%.2f,%.2f,%.2f,%.2f,%.0f,%.4f\n", (long long)rows[i].open_ts, rows[i].open, rows[i].high, rows[i].low,
                      rows[i].close, rows[i].volume, rows[i].turnover);
  }
  (void)snprintf(path, sizeof path, "%s/BTCUSDT-1m.csv", folder);
  enum status status = buffer_write_file(&text, path, 0644, problem);
  buffer_deinit(&text);
  return status == STATUS_OK;
}
