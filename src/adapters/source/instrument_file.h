/* Instruments from a table: tick, lot and limits per symbol, of one or several exchanges. */
#ifndef ADAPTERS_SOURCE_INSTRUMENT_FILE_H
#define ADAPTERS_SOURCE_INSTRUMENT_FILE_H

#include <stdbool.h>

#include "adapters/source/input.h"
#include "core/market/instrument.h"

/* Sizes of 0 mean that the file does not say; instrument_file_apply leaves the defaults then. */
struct instrument_row {
  char exchange[16];
  char venue_symbol[32];
  int64_t tick_size, lot_size, min_qty, min_notional_usd, max_limit_qty, max_market_qty;
  double max_leverage, maintenance_margin;
  int funding_interval_minutes;
};

struct instrument_file {
  struct instrument_row *rows; /* owned */
  int count, capacity;
};

/* Is this the header of such a table? */
bool instrument_file_is_header(const char *line);
/* Appends the rows of linear contracts (a column market, if there is one, must say linear or perpetual). Columns by name, in any order:
 * symbol or exchange_symbol, tick_size, lot_size and optional exchange, market, min_order_size or min_qty, min_notional_usd, max_limit_qty,
 * max_market_qty, max_leverage, maintenance_margin, funding_interval_minutes. Rows that are not valid (a tick finer than 10^-8) are warnings. */
NODISCARD enum status instrument_file_read(struct instrument_file *file, struct input *input, struct problem *problem);
void instrument_file_deinit(struct instrument_file *file);
/* The row of a symbol, NULL when absent. With rows of several exchanges that of the preferred one ("" none), else the first. */
const struct instrument_row *instrument_file_find(const struct instrument_file *file, const char *venue_symbol, const char *exchange);
void instrument_file_apply(const struct instrument_row *row, struct instrument *instrument);

#endif
