/* Funding of open positions (execution 8.5).
 *
 * A settlement is paid when the first event after it arrives, because two kinds of feed must both pay the right rate: a live one announces the rate
 * of the coming settlement, a history tells the rate of a settlement at its own instant, after the candle that closes there. */
#include <math.h>

#include "adapters/sim/state.h"
#include "core/trade/fees.h"

enum { FUNDING_INTERVAL_MINUTES = 480 };

static int64_t interval_ms(const struct sim_symbol *symbol) {
  int32_t minutes = symbol->instrument.funding_interval_minutes;
  return (minutes > 0 ? minutes : FUNDING_INTERVAL_MINUTES) * INT64_C(60000);
}

int64_t sim_next_funding(const struct sim_symbol *symbol, int64_t after) {
  if (symbol->next_funding_at > after) return symbol->next_funding_at;
  int64_t interval = interval_ms(symbol);
  return (after / interval + 1) * interval;
}

static void settle(struct sim *sim, int32_t index, bool is_known, double rate) {
  struct sim_state *state = sim->state;
  struct sim_symbol *symbol = &sim->symbols[index];
  int64_t due = symbol->funding_due;
  symbol->funding_due = sim_next_funding(symbol, due);
  double mark = isnan(symbol->mark) ? symbol->price : symbol->mark;
  if (!is_known || isnan(rate) || isnan(mark)) {
    state->funding_unknown++;
    return;
  }
  /* Longs pay a positive rate; received is positive. */
  int64_t notional = decimal_multiply(sim_magnitude(symbol->position), decimal_from_double(mark));
  int64_t paid = fee_of_fraction(notional, rate);
  int64_t amount = symbol->position > 0 ? -paid : paid;
  state->cash += amount;
  state->funding += amount;
  sim_answer(sim, EVENT_FUNDING_PAYMENT, due)->funding_payment = (struct event_funding_payment){.symbol = index, .amount_usd = amount, .rate = rate};
}

void sim_settle_funding(struct sim *sim, int32_t index, int64_t until) {
  struct sim_symbol *symbol = &sim->symbols[index];
  while (symbol->position != 0 && symbol->funding_due <= until) {
    settle(sim, index, symbol->funding_rate_for == symbol->funding_due, symbol->funding_rate);
  }
}

void sim_on_funding_rate(struct sim *sim, const struct event *event) {
  const struct event_funding_rate *news = &event->funding_rate;
  struct sim_symbol *symbol = &sim->symbols[news->symbol];
  bool is_open = symbol->position != 0;
  if (is_open) sim_settle_funding(sim, news->symbol, event->ts - 1);
  bool is_settlement = is_open && event->ts == symbol->funding_due;
  symbol->next_funding_at = news->next_funding_at;
  if (is_settlement) settle(sim, news->symbol, true, news->rate);
  symbol->funding_rate = news->rate;
  symbol->funding_rate_for = news->next_funding_at;
  if (is_open && news->next_funding_at > event->ts) symbol->funding_due = news->next_funding_at;
}
