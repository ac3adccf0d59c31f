/* What a venue says about a symbol, and the one place where prices and quantities are rounded to its rules. */
#ifndef CORE_MARKET_INSTRUMENT_H
#define CORE_MARKET_INSTRUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/decimal.h"
#include "base/schema.h"
#include "core/market/symbol.h"

enum instrument_status { INSTRUMENT_TRADING, INSTRUMENT_SUSPENDED, INSTRUMENT_DELISTED, instrument_status_count };
extern const char *const instrument_status_names[];

struct instrument {
#include "base/fields_end.h"
#include "base/fields_struct.h"
#include "core/market/instrument_fields.def"
};
extern const struct schema instrument_schema;

/* Defaults for a recording without instruments (market-data 8): tick = 10^(floor(log10(first close)) - 5), lot = 10^floor(log10(1/first close))
 * within [1e-8, 1000], minimum quantity = lot, minimum notional 5 USD, no maximum quantity, leverage 50, maintenance margin 0.005. first_close > 0.
 */
void instrument_default(struct instrument *instrument, const char *symbol, const char *venue_symbol, double first_close);

/* price to a multiple of tick_size; quantity to a multiple of lot_size. */
int64_t instrument_round_price(const struct instrument *instrument, int64_t price, enum rounding rounding);
int64_t instrument_round_quantity(const struct instrument *instrument, int64_t quantity, enum rounding rounding);
/* A double price from indicators to a decimal multiple of the tick. */
int64_t instrument_price_from_double(const struct instrument *instrument, double price, enum rounding rounding);
/* quantity >= min_qty and quantity * price >= min_notional_usd, quantity a multiple of the lot. */
bool instrument_is_sellable(const struct instrument *instrument, int64_t quantity, int64_t price);

#endif
