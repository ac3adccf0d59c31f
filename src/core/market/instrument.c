#include "core/market/instrument.h"

#include <string.h>

#include "base/check.h"

const char *const instrument_status_names[] = {"trading", "suspended", "delisted"};
_Static_assert(sizeof instrument_status_names / sizeof instrument_status_names[0] == instrument_status_count, "one name a status");

#define FIELD_OWNER struct instrument
static const struct field instrument_fields[] = {
#include "base/fields_end.h"
#include "base/fields_table.h"
#include "core/market/instrument_fields.def"
};
#undef FIELD_OWNER

const struct schema instrument_schema = {
    .name = "instrument",
    .fields = instrument_fields,
    .field_count = sizeof instrument_fields / sizeof instrument_fields[0],
    .size = sizeof(struct instrument),
};

enum { PLACES = 8 }; /* of a decimal */

/* 10^exponent as a decimal, cut to what a decimal can hold at the lower end. */
static int64_t decimal_power(int exponent) {
  int64_t value = 1;
  for (int i = -PLACES; i < exponent; i++) value *= 10;
  return value;
}

/* floor(log10(value)) of a decimal above zero, and whether it is exact. In integers: a logarithm of 0.001 may come out as -2.9999999999999996. */
static int decimal_log10(int64_t value, bool *is_exact) {
  int exponent = -PLACES;
  int64_t power = 1;
  while (value / power >= 10) {
    power *= 10;
    exponent++;
  }
  *is_exact = value == power;
  return exponent;
}

void instrument_default(struct instrument *instrument, const char *symbol, const char *venue_symbol, double first_close) {
  check(first_close > 0);
  int64_t price = decimal_from_double(first_close);
  if (price == 0) price = 1; /* cheaper than a decimal can say */
  bool is_power;
  int exponent = decimal_log10(price, &is_power);
  int lot_exponent = is_power ? -exponent : -exponent - 1; /* floor(log10(1 / price)) */
  if (lot_exponent > 3) lot_exponent = 3;
  *instrument = (struct instrument){
      .tick_size = decimal_power(exponent - 5),
      .lot_size = decimal_power(lot_exponent),
      .min_notional_usd = 5 * DECIMAL_ONE,
      .max_leverage = 50,
      .maintenance_margin = 0.005,
      .status = INSTRUMENT_TRADING,
      .is_default = true,
  };
  instrument->min_qty = instrument->lot_size;
  text_copy(instrument->symbol, sizeof instrument->symbol, symbol);
  text_copy(instrument->venue_symbol, sizeof instrument->venue_symbol, venue_symbol);
}

int64_t instrument_round_price(const struct instrument *instrument, int64_t price, enum rounding rounding) {
  return decimal_to_step(price, instrument->tick_size, rounding);
}

int64_t instrument_round_quantity(const struct instrument *instrument, int64_t quantity, enum rounding rounding) {
  return decimal_to_step(quantity, instrument->lot_size, rounding);
}

/* To 8 decimals first: the noise of the 16th digit must not push a price that is a tick to the next one. */
int64_t instrument_price_from_double(const struct instrument *instrument, double price, enum rounding rounding) {
  return instrument_round_price(instrument, decimal_from_double(price), rounding);
}

bool instrument_is_sellable(const struct instrument *instrument, int64_t quantity, int64_t price) {
  if (quantity <= 0 || quantity < instrument->min_qty || quantity % instrument->lot_size != 0) return false;
  return decimal_multiply_rounded(quantity, price, ROUND_DOWN) >= instrument->min_notional_usd;
}
