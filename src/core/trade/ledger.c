#include "core/trade/ledger.h"

#include <math.h>
#include <stddef.h>

#include "base/calendar.h"
#include "base/decimal.h"

const char *const flow_kind_names[] = {"deposit", "withdrawal", "correction"};

/* clang-format off */
#define FIELD_OWNER struct ledger
static const struct field ledger_fields[] = {
#include "base/fields_table.h"
#include "core/trade/ledger_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
/* clang-format on */
const struct schema ledger_schema = {"ledger", ledger_fields, (int)(sizeof ledger_fields / sizeof ledger_fields[0]), sizeof(struct ledger)};

void ledger_init(struct ledger *ledger, int64_t starting_balance, int64_t ts) {
  *ledger = (struct ledger){.cash_usd = starting_balance,
                            .equity_usd = starting_balance,
                            .day = calendar_day_start(ts),
                            .day_start_equity_usd = starting_balance,
                            .high_water_mark_usd = starting_balance,
                            .starting_balance_usd = starting_balance};
}

/* Cash moves at once; the high-water mark waits for the mark, because between a realised profit and the new unrealised one the profit counts twice.
 */
static void change_cash(struct ledger *ledger, int64_t amount_usd) {
  ledger->cash_usd += amount_usd;
  ledger->equity_usd = ledger->cash_usd + ledger->unrealised_usd;
}

void ledger_on_realised(struct ledger *ledger, int64_t pnl_usd) {
  ledger->realised_usd += pnl_usd;
  change_cash(ledger, pnl_usd);
}

void ledger_on_fee(struct ledger *ledger, int64_t fee_usd) {
  ledger->fees_usd += fee_usd;
  ledger->fees_today_usd += fee_usd;
  change_cash(ledger, -fee_usd);
}

void ledger_on_funding(struct ledger *ledger, int64_t amount_usd) {
  ledger->funding_usd += amount_usd;
  ledger->funding_today_usd += amount_usd;
  change_cash(ledger, amount_usd);
}

/* The day's record is set once, with the equity of the first event of the day, and never again (risk 1). */
static void open_day(struct ledger *ledger, int64_t ts) {
  int64_t day = calendar_day_start(ts);
  if (day <= ledger->day) return;
  ledger->day = day;
  ledger->day_start_equity_usd = ledger->equity_usd;
  ledger->day_flows_usd = 0;
  ledger->day_closed_r = 0;
  ledger->fees_today_usd = 0;
  ledger->funding_today_usd = 0;
}

void ledger_on_flow(struct ledger *ledger, int64_t amount_usd, int64_t ts) {
  open_day(ledger, ts);
  ledger->flows_usd += amount_usd;
  ledger->day_flows_usd += amount_usd;
  change_cash(ledger, amount_usd);
  ledger->high_water_mark_usd += amount_usd;
  if (ledger->high_water_mark_usd < ledger->equity_usd) ledger->high_water_mark_usd = ledger->equity_usd;
}

void ledger_on_mark(struct ledger *ledger, int64_t unrealised_usd, int64_t ts) {
  ledger->unrealised_usd = unrealised_usd;
  ledger->equity_usd = ledger->cash_usd + unrealised_usd;
  open_day(ledger, ts);
  if (ledger->high_water_mark_usd < ledger->equity_usd) ledger->high_water_mark_usd = ledger->equity_usd;
}

void ledger_on_trade(struct ledger *ledger, int64_t pnl_usd, double pnl_r) {
  ledger->consecutive_losses = pnl_usd < 0 ? ledger->consecutive_losses + 1 : 0;
  if (isfinite(pnl_r)) ledger->day_closed_r += pnl_r;
}

/* max(0, part) / whole. */
static double share(int64_t part, int64_t whole) {
  if (whole <= 0) return NAN;
  return part > 0 ? decimal_to_double(part) / decimal_to_double(whole) : 0;
}

double ledger_day_loss(const struct ledger *ledger) {
  return share(-ledger_day_pnl(ledger), ledger->day_start_equity_usd);
}

double ledger_drawdown(const struct ledger *ledger) {
  return share(ledger->high_water_mark_usd - ledger->equity_usd, ledger->high_water_mark_usd);
}

int64_t ledger_day_pnl(const struct ledger *ledger) {
  return ledger->equity_usd - ledger->day_start_equity_usd - ledger->day_flows_usd;
}

int64_t ledger_residual(const struct ledger *ledger) {
  return ledger->cash_usd + ledger->unrealised_usd - ledger->equity_usd;
}
