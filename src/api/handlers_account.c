/* The account and its limits. */
#include <math.h>

#include "api/api_state.h"

static int64_t margin_used(const struct engine *engine) {
  int64_t sum = 0;
  for (int32_t i = 0; i < engine_position_count(engine); i++) sum += engine_position(engine, i)->margin_usd;
  return sum;
}

void handle_account(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  const struct ledger *ledger = engine_ledger(engine);
  struct engine_status status;
  engine_status_read(engine, &status);
  struct json_writer *writer = &call->writer;
  int64_t margin = margin_used(engine);
  call_begin(call);
  json_add_string(writer, "venue", status.venue);
  json_add_string(writer, "mode", trading_mode_names[status.mode]);
  json_add_decimal(writer, "cash_usd", ledger->cash_usd);
  json_add_decimal(writer, "equity_usd", ledger->equity_usd);
  json_add_decimal(writer, "unrealised_usd", ledger->unrealised_usd);
  json_add_decimal(writer, "margin_used_usd", margin);
  json_add_decimal(writer, "margin_free_usd", ledger->equity_usd - margin);
  json_add_decimal(writer, "fees_today_usd", ledger->fees_today_usd);
  json_add_decimal(writer, "funding_today_usd", ledger->funding_today_usd);
  json_add_int(writer, "read_at", engine_now(engine));
  call_end(call, 200);
}

static double share(double part, double whole) {
  return whole > 0 ? part / whole : NAN;
}

static void write_limits(const struct engine *engine, const struct ledger *ledger, struct json_writer *writer) {
  const struct preset *preset = engine_preset(engine);
  double day_loss = ledger_day_loss(ledger);
  double drawdown = ledger_drawdown(ledger);
  double day_limit = preset != NULL ? preset->risk.daily_risk_limit : NAN;
  double kill_limit = preset != NULL ? preset->risk.kill_switch_loss_limit : NAN;
  double day_start = decimal_to_double(ledger->day_start_equity_usd);
  json_add_decimal(writer, "day_start_equity_usd", ledger->day_start_equity_usd);
  json_add_decimal(writer, "day_flows_usd", ledger->day_flows_usd);
  json_add_decimal(writer, "day_pnl_usd", ledger_day_pnl(ledger));
  json_add_double(writer, "day_pnl_pct", 100.0 * share(decimal_to_double(ledger_day_pnl(ledger)), day_start));
  json_add_double(writer, "day_loss", day_loss);
  json_add_double(writer, "day_loss_used", share(day_loss, day_limit));
  json_add_double(writer, "day_risk_remaining_usd", fmax(0.0, (day_limit - day_loss) * day_start));
  json_add_decimal(writer, "high_water_mark_usd", ledger->high_water_mark_usd);
  json_add_double(writer, "drawdown", drawdown);
  json_add_double(writer, "kill_limit_used", share(drawdown, kill_limit));
  json_add_int(writer, "consecutive_losses", ledger->consecutive_losses);
  if (preset != NULL) {
    json_add_int(writer, "max_consecutive_losses", preset->risk.max_consecutive_losses);
  } else {
    json_add_null(writer, "max_consecutive_losses");
  }
}

static void write_state(const struct engine *engine, const struct engine_status *status, struct json_writer *writer) {
  const struct risk_state *risk = engine_risk(engine);
  int64_t open_risk = 0;
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    int64_t at_risk = position_open_risk(engine_position(engine, i));
    open_risk += at_risk > 0 ? at_risk : 0;
  }
  json_add_decimal(writer, "open_risk_usd", open_risk);
  json_add_int(writer, "open_positions", status->open_positions);
  json_add_int(writer, "slots_used", status->slots_used);
  json_add_int(writer, "max_positions", status->slots_total);
  json_add_int(writer, "slots_free", status->slots_total > status->slots_used ? status->slots_total - status->slots_used : 0);
  json_add_double(writer, "size_factor", risk_size_factor(risk));
  json_add_string(writer, "risk_status", risk_status_names[risk_status(risk)]);
  json_begin_array(writer, "latches");
  if (risk->day.since_at != 0) write_latch(&risk->day, NULL, writer);
  if (risk->kill.since_at != 0) write_latch(&risk->kill, NULL, writer);
  json_end_array(writer);
  json_add_double(writer, "unprotected_seconds", (double)engine_counts(engine)->unprotected_ms / 1000.0);
}

void handle_risk(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  const struct ledger *ledger = engine_ledger(engine);
  struct engine_status status;
  engine_status_read(engine, &status);
  struct json_writer *writer = &call->writer;
  int64_t margin = margin_used(engine);
  call_begin(call);
  json_add_int(writer, "ts", engine_now(engine));
  json_add_decimal(writer, "equity_usd", ledger->equity_usd);
  json_add_decimal(writer, "cash_usd", ledger->cash_usd);
  json_add_decimal(writer, "unrealised_usd", ledger->unrealised_usd);
  json_add_decimal(writer, "margin_used_usd", margin);
  json_add_decimal(writer, "margin_free_usd", ledger->equity_usd - margin);
  json_add_double(writer, "equity_utilisation", share(decimal_to_double(margin), decimal_to_double(ledger->equity_usd)));
  write_limits(engine, ledger, writer);
  json_add_double(writer, "daily_r", status.daily_r);
  write_state(engine, &status, writer);
  call_end(call, 200);
}
