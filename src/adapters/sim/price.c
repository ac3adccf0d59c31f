/* What a fill costs without a book: slippage and impact (execution 8.4). */
#include <math.h>
#include <string.h>

#include "adapters/sim/state.h"
#include "core/analysis/indicators.h"

#define SLIP_BPS_MAX 200.0
#define LIQUIDITY_SHARE 0.25

double sim_liquidity(const struct sim_symbol *symbol) {
  double turnover[SIM_TURNOVER_KEPT];
  if (symbol->turnover_count == 0) return 0;
  memcpy(turnover, symbol->turnover, (size_t)symbol->turnover_count * sizeof *turnover);
  return LIQUIDITY_SHARE * indicator_median(turnover, symbol->turnover_count);
}

static double slip_bps(const struct sim_options *options, double notional, double liquidity) {
  if (!(liquidity > 0)) return SLIP_BPS_MAX;
  return fmin(options->slippage_bps + options->impact_bps * notional / liquidity, SLIP_BPS_MAX);
}

int64_t sim_slipped_price(const struct sim *sim, const struct sim_symbol *symbol, enum order_side side, int64_t base, int64_t qty, double liquidity) {
  double fraction = slip_bps(&sim->options, decimal_to_double(decimal_multiply(base, qty)), liquidity) * 1e-4;
  double price = decimal_to_double(base);
  if (side == ORDER_BUY) return instrument_price_from_double(&symbol->instrument, price * (1 + fraction), ROUND_UP);
  int64_t sold = instrument_price_from_double(&symbol->instrument, price * (1 - fraction), ROUND_DOWN);
  return sold > 0 ? sold : symbol->instrument.tick_size;
}
