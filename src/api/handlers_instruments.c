/* What the venue allows by symbol. */
#include "api/api_state.h"
#include "base/decimal.h"

enum { DECIMAL_PLACES = 8 }; /* of DECIMAL_ONE */

/* 0.0010 has 3. */
static int decimals_of(int64_t step) {
  int decimals = DECIMAL_PLACES;
  while (decimals > 0 && step % 10 == 0) {
    step /= 10;
    --decimals;
  }
  return decimals;
}

static void write_instrument(const struct instrument *instrument, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  shape_to_json(SHAPE_INSTRUMENT, instrument, writer);
  json_add_int(writer, "price_decimals", decimals_of(instrument->tick_size));
  json_add_int(writer, "qty_decimals", decimals_of(instrument->lot_size));
  json_end_object(writer);
}

void handle_instruments(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  const char *symbol = http_argument(call->request, "symbol");
  int32_t only = symbol != NULL ? call_symbol(call, symbol) : -1;
  if (symbol != NULL && only < 0) return;
  int64_t total = 0;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    if (only >= 0 && i != only) continue;
    write_instrument(&engine_market(engine, i)->instrument, &call->writer);
    ++total;
  }
  call_end_list(call, total);
}
