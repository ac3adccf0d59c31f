/* The account: cash, day record, high-water mark, losses in a row (risk 1). Money is exact. */
#ifndef CORE_TRADE_LEDGER_H
#define CORE_TRADE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/schema.h"

enum flow_kind { FLOW_DEPOSIT, FLOW_WITHDRAWAL, FLOW_CORRECTION, flow_kind_count };
extern const char *const flow_kind_names[];

struct ledger {
/* clang-format off */
#include "base/fields_struct.h"
#include "core/trade/ledger_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema ledger_schema;

void ledger_init(struct ledger *ledger, int64_t starting_balance, int64_t ts);
void ledger_on_realised(struct ledger *ledger, int64_t pnl_usd);
void ledger_on_fee(struct ledger *ledger, int64_t fee_usd);
/* Positive: received. */
void ledger_on_funding(struct ledger *ledger, int64_t amount_usd);
/* Deposits raise, withdrawals lower the high-water mark (never below equity); counted as day flow. amount > 0 deposit. */
void ledger_on_flow(struct ledger *ledger, int64_t amount_usd, int64_t ts);
/* New unrealised P&L: equity, high-water mark; opens a new UTC day when ts lies in one (day_start_equity, day flows; daily_r of closed trades to 0).
 */
void ledger_on_mark(struct ledger *ledger, int64_t unrealised_usd, int64_t ts);
void ledger_on_trade(struct ledger *ledger, int64_t pnl_usd, double pnl_r);
double ledger_day_loss(const struct ledger *ledger); /* fraction; NaN when it cannot be computed */
double ledger_drawdown(const struct ledger *ledger);
int64_t ledger_day_pnl(const struct ledger *ledger);
/* cash + unrealised - equity, must stay 0. */
int64_t ledger_residual(const struct ledger *ledger);

#endif
