#include "support/trade_fixture.h"

#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "core/trade/fees.h"

int64_t dec(const char *text) {
  int64_t value;
  check(decimal_parse(text, strlen(text), &value));
  return value;
}

struct instrument trade_instrument(const char *tick, const char *lot) {
  struct instrument instrument = {.tick_size = dec(tick),
                                  .lot_size = dec(lot),
                                  .min_qty = dec(lot),
                                  .min_notional_usd = dec("5"),
                                  .max_leverage = 50,
                                  .maintenance_margin = 0.005};
  text_copy(instrument.symbol, sizeof instrument.symbol, "BTC/USDT:USDT");
  return instrument;
}

struct fill trade_fill(enum order_side side, const char *qty, const char *price, const char *fee, int64_t ts) {
  return (struct fill){.side = (int32_t)side, .qty = dec(qty), .price = dec(price), .fee_usd = dec(fee), .ts = ts};
}

struct position trade_position(enum position_side side, const char *stop, double fee_in, double fee_out) {
  return (struct position){.side = (int32_t)side,
                           .state = POSITION_OPENING,
                           .stop = dec(stop),
                           .stop_initial = dec(stop),
                           .fee_in = fee_in,
                           .fee_out = fee_out,
                           .leverage = 1};
}

struct position trade_open(enum position_side side, const char *qty, const char *entry, const char *stop, double fee_in, double fee_out, int64_t ts) {
  struct position position = trade_position(side, stop, fee_in, fee_out);
  struct fill fill = trade_fill(order_side_opening((int)side), qty, entry, "0", ts);
  fill.fee_usd = fee_of_fraction(decimal_multiply(fill.qty, fill.price), fee_in);
  position_on_entry_fill(&position, &fill, false);
  position_complete_entry(&position, ts);
  position.state = POSITION_RUNNING;
  return position;
}
