/* Closed trades and the equity curve of the account, kept in memory for the figures: read once from the database, then fed by records. Bounded: the
 * oldest are dropped first. */
#ifndef API_HISTORY_H
#define API_HISTORY_H

#include "core/trade/performance.h"
#include "engine/record.h"
#include "runner/rows.h"

enum { HISTORY_TRADES_MAX = 20000, HISTORY_MARKS_MAX = 60000 };

struct history {
  struct trade *trades; /* owned; ascending by closed_at; positions left open at the end of data are not in it */
  int32_t trade_count;
  struct equity_point *marks; /* owned; ascending by ts */
  int32_t mark_count;
};

struct history *history_open(void);
void history_close(struct history *history); /* NULL is allowed */
void history_add_trade(struct history *history, const struct trade *trade);
void history_add_equity(struct history *history, const struct equity *equity);
/* Reads what the database has of the account (run_id NULL) or of a run, the newest up to the bounds, and puts it before what is there. A run: into an
 * empty history. */
NODISCARD enum status history_read(struct history *history, const struct row_port *rows, const char *run_id, struct problem *problem);

#endif
