/* The files beside result.json: tables as CSV with ISO times, decisions one JSON object a line (backtest 7.2). */
#ifndef APPS_REPORT_CSV_H
#define APPS_REPORT_CSV_H

#include "apps/result.h"

/* Header and one line per item; every field of the schema. */
void report_csv_list(const struct run_list *list, const struct schema *schema, struct buffer *out);
/* Closed trades, then those left open. */
void report_csv_trades(const struct run *run, struct buffer *out);
void report_csv_equity(const struct run *run, struct buffer *out);
/* Levels: each change with the level as it stood after it. */
void report_csv_levels(const struct run *run, struct buffer *out);
/* is_signals_only: the stage signal alone. */
void report_decisions(const struct run *run, bool is_signals_only, struct buffer *out);

#endif
