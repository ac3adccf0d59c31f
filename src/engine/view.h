/* Read access to the engine for the API, the CLI and the tools: borrowed, const, good until the next step. */
#ifndef ENGINE_VIEW_H
#define ENGINE_VIEW_H

#include "core/strategy/scanner.h"
#include "engine/engine.h"

struct engine_status {
/* clang-format off */
#include "base/fields_struct.h"
#include "engine/status_fields.def"
#include "base/fields_end.h"
  /* clang-format on */
};
extern const struct schema engine_status_schema;

void engine_status_read(const struct engine *engine, struct engine_status *out);
int64_t engine_now(const struct engine *engine);
enum session_state engine_session_state(const struct engine *engine);
/* The newest session as it stands now, also between its records; session_id 0 before the first. */
const struct session_record *engine_session(const struct engine *engine);
const struct preset *engine_preset(const struct engine *engine); /* NULL before the first preset event */
const struct ledger *engine_ledger(const struct engine *engine);
const struct risk_state *engine_risk(const struct engine *engine);
const struct engine_counts *engine_counts(const struct engine *engine);
const struct engine_counters *engine_counters(const struct engine *engine);

int32_t engine_symbol_count(const struct engine *engine);
const struct market *engine_market(const struct engine *engine, int32_t symbol);
const struct market *engine_reference(const struct engine *engine); /* NULL without one */
const struct level_set *engine_levels(const struct engine *engine, int32_t symbol);
const struct density *engine_density(const struct engine *engine, int32_t symbol); /* NULL without book */
const struct activity *engine_activity(const struct engine *engine, int32_t symbol);
const struct candidate *engine_candidate(const struct engine *engine, int32_t symbol); /* NULL when none lives */
/* Are book and tape of the symbol asked for? */
bool engine_is_deep(const struct engine *engine, int32_t symbol);
/* Shares of the notional of open positions by size of their correlation with the reference (risk 6): above 0.7, from 0.3, below, not known. Without
 * positions all are 0. */
enum correlation_bucket { CORRELATION_HIGH, CORRELATION_MEDIUM, CORRELATION_LOW, CORRELATION_UNKNOWN, correlation_bucket_count };
extern const char *const correlation_bucket_names[];
void engine_correlation_read(const struct engine *engine, double shares[correlation_bucket_count]);
/* Index of a symbol in printed spelling, or -1. */
int32_t engine_find_symbol(const struct engine *engine, const char *printed);
/* The newest decision of a symbol at a stage, NULL when none. */
const struct decision *engine_decision(const struct engine *engine, int32_t symbol, enum stage stage);

/* Open positions, in order of id; i < count. */
int32_t engine_position_count(const struct engine *engine);
const struct position *engine_position(const struct engine *engine, int32_t i);
/* Orders kept in memory (live ones and the newest ended), in order of creation. */
int32_t engine_order_count(const struct engine *engine);
const struct order *engine_order(const struct engine *engine, int32_t i);
/* The last scan: its summary (scan_id 0 before the first) and rows in order of rank. */
const struct scan_record *engine_last_scan(const struct engine *engine);
int32_t engine_scan_result_count(const struct engine *engine);
const struct scan_result *engine_scan_result(const struct engine *engine, int32_t i);
/* Alerts that are firing. */
int32_t engine_alert_count(const struct engine *engine);
const struct alert *engine_alert(const struct engine *engine, int32_t i);
/* True when the reference symbol and 90 % of the symbols that have candles are warm (market-data 6); always for a channel preset without scan. */
bool engine_is_warm(const struct engine *engine);
/* When the venue told the balance last, 0 never. */
int64_t engine_account_at(const struct engine *engine);
/* Margin of positions and of working entries (risk 1). */
int64_t engine_margin_used(const struct engine *engine);
/* Notional of orders whose outcome is not known (execution 5). */
int64_t engine_possible_usd(const struct engine *engine);
/* Positions of the account that are not ours, as the last reconciliation found them; live orders that are not. */
int32_t engine_foreign_count(const struct engine *engine);
const struct venue_position *engine_foreign(const struct engine *engine, int32_t i);
int32_t engine_foreign_orders(const struct engine *engine);
/* Bits of the steps (operation_steps) of a command under way that are true now; 0 when it has ended. */
uint32_t engine_operation_done(const struct engine *engine, int64_t operation_id);
/* Commands legal now, as bits of enum command. */
uint32_t engine_legal_commands(const struct engine *engine);
/* Reads one symbol's market view and setup as the strategy would see them now (features, why). */
struct setup;
bool engine_setup_read(const struct engine *engine, int32_t symbol, struct market_view *view, struct setup *setup);

#endif
