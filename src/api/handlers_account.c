/* The account, its limits, and money that came or went. */
#include "api/api_state.h"

static void write_foreign(const struct engine *engine, struct json_writer *writer) {
  json_begin_array(writer, "foreign_positions");
  for (int32_t i = 0; i < engine_foreign_count(engine); i++) {
    const struct venue_position *venue = engine_foreign(engine, i);
    const struct instrument *instrument = &engine_market(engine, venue->symbol)->instrument;
    json_begin_object(writer, NULL);
    json_add_string(writer, "id", instrument->venue_symbol);
    json_add_string(writer, "symbol", instrument->symbol);
    json_add_string(writer, "side", position_side_names[venue->side]);
    json_add_decimal(writer, "qty", venue->qty);
    if (venue->entry > 0) {
      json_add_decimal(writer, "entry", venue->entry);
    } else {
      json_add_null(writer, "entry");
    }
    json_end_object(writer);
  }
  json_end_array(writer);
  json_add_int(writer, "foreign_orders", engine_foreign_orders(engine));
}

void handle_account(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  const struct ledger *ledger = engine_ledger(engine);
  struct engine_status status;
  engine_status_read(engine, &status);
  struct json_writer *writer = &call->writer;
  int64_t margin = engine_margin_used(engine);
  if (engine_account_at(engine) == 0) {
    call_fail(call, 503, "not_ready", "the venue has not told the account yet: it is read when a session starts");
    return;
  }
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
  json_add_int(writer, "read_at", engine_account_at(engine));
  write_foreign(engine, writer);
  call_end(call, 200);
}

void handle_risk(struct call *call) {
  json_writer_init(&call->writer, &call->reply->body, false);
  write_risk(call->api, NULL, &call->writer);
  call_finish(call);
}

void handle_flows(struct call *call) {
  struct listing listing = {0};
  listing_add_kept(call->api, RECORD_FLOW, &listing);
  listing_answer(call, &listing, RECORD_FLOW, "flow_id", "ts");
}
