/* What changes positions and orders: each is one command to the engine, and the reply says what the venue shows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "core/market/symbol.h"

/* ---- the body ---- */

static const char *text_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

static bool flag_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  return value != NULL && json_kind(value) == JSON_BOOL && json_bool(value);
}

/* NaN without one. */
static double number_of(const struct json *body, const char *name) {
  const struct json *value = json_member(body, name);
  bool is_number = value != NULL && (json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL);
  return is_number ? json_number(value) : NAN;
}

static int64_t wait_of(const struct json *body) {
  double value = number_of(body, "wait_ms"); /* its shape has the bounds */
  return isnan(value) ? API_WAIT_MS : (int64_t)value;
}

/* A price that a decimal can hold. */
static bool is_price(double value) {
  return value > 0 && value < 1e9;
}

static int word_of(const char *text, const char *const *names, int count) {
  for (int i = 0; text != NULL && i < count; i++) {
    if (text_equal(text, names[i])) return i;
  }
  return 0;
}

static void take_reason(struct call *call, struct event_command *command, bool *is_good) {
  const char *reason = text_of(call->body, "reason");
  *is_good = reason == NULL || strlen(reason) < sizeof command->reason;
  if (*is_good) {
    text_copy(command->reason, sizeof command->reason, reason != NULL ? reason : "");
  } else {
    call_fail(call, 422, "validation_failed", "reason has at most %d bytes", (int)sizeof command->reason - 1);
  }
}

/* The open position of the path; NULL after the answer. */
static const struct position *take_position(struct call *call) {
  const struct position *position = find_position(call->api, call->parameter);
  if (position == NULL) {
    call_fail(call, 404, "not_found", "there is no open position %s", call->parameter);
    return NULL;
  }
  if (position->state != POSITION_CLOSED) return position;
  call_fail(call, 409, "in_use", "position %s is closed", call->parameter);
  return NULL;
}

/* ---- what is answered ---- */

static const struct position *position_of(const struct api *api, const struct pending *pending) {
  char id[24];
  struct text text;
  const struct engine *engine = api->options.engine;
  for (int32_t i = 0; pending->symbol >= 0 && i < engine_position_count(engine); i++) {
    if (engine_position(engine, i)->symbol_index == pending->symbol) return engine_position(engine, i);
  }
  text_init(&text, id, sizeof id);
  text_add_id(&text, 'P', 8, pending->position_id);
  return find_position(api, id);
}

static bool is_closing(const struct order *order) {
  return order->purpose == PURPOSE_EXIT || order->purpose == PURPOSE_MANUAL || order->purpose == PURPOSE_FLATTEN;
}

static const char *newest_exit(const struct engine *engine, int64_t position_id) {
  const char *newest = NULL;
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (is_closing(order) && order->position_id == position_id) newest = order->client_order_id;
  }
  return newest;
}

static void write_operation_member(const struct api *api, const struct command_reply *reply, struct json_writer *writer) {
  json_begin_object(writer, "operation");
  write_reply(api, reply, writer);
  json_end_object(writer);
}

static void write_close(const struct api *api, const struct pending *pending, const struct command_reply *reply, struct json_writer *writer) {
  const struct position *position = position_of(api, pending);
  json_begin_object(writer, NULL);
  write_id(writer, "operation_id", 'O', 6, reply->operation_id);
  json_add_string(writer, "status", command_status_names[reply->status]);
  write_operation_member(api, reply, writer);
  write_id(writer, "position_id", 'P', 8, pending->position_id);
  json_add_decimal(writer, "closed_qty", pending->qty_before - (position != NULL ? position->qty : 0));
  json_add_string(writer, "order", newest_exit(api->options.engine, pending->position_id));
  json_end_object(writer);
}

static void write_close_all(const struct api *api, const struct pending *pending, const struct command_reply *reply, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  write_operation_member(api, reply, writer);
  json_begin_array(writer, "positions");
  for (int i = 0; i < pending->position_count; i++) write_id(writer, NULL, 'P', 8, pending->positions[i]);
  json_end_array(writer);
  json_end_object(writer);
}

static bool is_meant(const struct order *order, int32_t scope) {
  bool is_entry = order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON;
  return (is_entry && scope != CANCEL_TARGETS) || (order->purpose == PURPOSE_TARGET && scope != CANCEL_ENTRIES);
}

/* Orders that the command found living: those that are cancelled since then, or those that still live. */
static void write_orders_of(const struct api *api, const char *key, const struct pending *pending, const struct command_reply *reply, bool ended,
                            struct json_writer *writer) {
  const struct engine *engine = api->options.engine;
  json_begin_array(writer, key);
  for (int32_t i = 0; i < engine_order_count(engine); i++) {
    const struct order *order = engine_order(engine, i);
    if (!is_meant(order, pending->scope) || order->created_at > reply->ts) continue;
    bool was_cancelled = order->state == ORDER_CANCELLED && order->ended_at >= reply->ts;
    if (ended ? was_cancelled : !order_is_ended(order)) json_add_string(writer, NULL, order->client_order_id);
  }
  json_end_array(writer);
}

static void write_cancel_all(const struct api *api, const struct pending *pending, const struct command_reply *reply, struct json_writer *writer) {
  json_begin_object(writer, NULL);
  write_orders_of(api, "cancelled", pending, reply, true, writer);
  write_orders_of(api, "pending", pending, reply, false, writer);
  write_operation_member(api, reply, writer);
  json_end_object(writer);
}

static void write_newest_flow(const struct api *api, struct json_writer *writer) {
  write_record(api, NULL, RECORD_FLOW, keep_get(&api->kept[RECORD_FLOW], 0), writer);
}

bool write_trading_reply(const struct api *api, const struct pending *pending, const struct command_reply *reply, struct json_writer *writer,
                         bool *is_done) {
  const struct order *order = pending->form == PENDING_CANCEL ? find_order(api, pending->order_id) : NULL;
  const struct position *position = pending->form == PENDING_POSITION ? position_of(api, pending) : NULL;
  switch (pending->form) {
    case PENDING_CLOSE:
      write_close(api, pending, reply, writer);
      return true;
    case PENDING_CLOSE_ALL:
      write_close_all(api, pending, reply, writer);
      return true;
    case PENDING_CANCEL_ALL:
      write_cancel_all(api, pending, reply, writer);
      return true;
    case PENDING_FLOW:
      write_newest_flow(api, writer);
      return true;
    case PENDING_CANCEL:
      if (order == NULL) return false;
      *is_done = order_is_ended(order);
      write_order(api, NULL, order, writer);
      return true;
    case PENDING_POSITION:
      if (position == NULL) return false;
      write_position(api, NULL, position, writer);
      return true;
    default:
      return false;
  }
}

/* ---- positions ---- */

void handle_close_position(struct call *call) {
  const struct position *position = take_position(call);
  if (position == NULL) return;
  double share = number_of(call->body, "fraction");
  const char *urgency = text_of(call->body, "urgency");
  if (isnan(share)) share = 1.0;
  if (!(share > 0 && share <= 1)) {
    call_fail(call, 422, "validation_failed", "fraction lies in (0, 1]");
    return;
  }
  struct event_command command = {.command = COMMAND_CLOSE_POSITION,
                                  .position_id = position->position_id,
                                  .fraction = share,
                                  .is_immediate = urgency != NULL && text_equal(urgency, "immediate")};
  bool is_good;
  take_reason(call, &command, &is_good);
  if (!is_good) return;
  struct pending pending = {.form = PENDING_CLOSE, .symbol = -1, .position_id = position->position_id, .qty_before = position->qty};
  command_run(call, &command, &pending, wait_of(call->body));
}

void handle_move_stop(struct call *call) {
  const struct position *position = take_position(call);
  if (position == NULL) return;
  double price = number_of(call->body, "price");
  const char *to = text_of(call->body, "to");
  if ((to != NULL) == !isnan(price) || (to == NULL && !is_price(price))) {
    call_fail(call, 422, "validation_failed", "give price, above 0 and below 1e9, or to, and not both");
    return;
  }
  struct event_command command = {.command = COMMAND_MOVE_STOP,
                                  .position_id = position->position_id,
                                  .price = to == NULL ? decimal_from_double(price) : 0,
                                  .to_breakeven = to != NULL,
                                  .is_confirmed = flag_of(call->body, "confirm")};
  struct pending pending = {.form = PENDING_POSITION, .symbol = -1, .position_id = position->position_id};
  command_run(call, &command, &pending, wait_of(call->body));
}

static bool take_target(struct call *call, const struct json *item, struct target_change *out) {
  const char *name = text_of(item, "level_name");
  double price = number_of(item, "price");
  out->size_pct = number_of(item, "size_pct");
  if (name == NULL || name[0] == '\0' || strlen(name) >= sizeof out->level_name) {
    call_fail(call, 422, "validation_failed", "level_name has 1 to %d bytes", (int)sizeof out->level_name - 1);
    return false;
  }
  if (!is_price(price) || !(out->size_pct > 0 && out->size_pct <= 1)) {
    call_fail(call, 422, "validation_failed", "%s: price lies above 0 and below 1e9, size_pct in (0, 1]", name);
    return false;
  }
  text_copy(out->level_name, sizeof out->level_name, name);
  out->price = decimal_from_double(price);
  return true;
}

void handle_set_targets(struct call *call) {
  const struct position *position = take_position(call);
  const struct json *targets = json_member(call->body, "targets");
  if (position == NULL) return;
  size_t count = targets != NULL && json_kind(targets) == JSON_ARRAY ? json_size(targets) : 0;
  if (count > POSITION_TARGETS_MAX) {
    call_fail(call, 422, "validation_failed", "a ladder has at most %d rungs", POSITION_TARGETS_MAX);
    return;
  }
  struct event_command command = {.command = COMMAND_SET_TARGETS, .position_id = position->position_id, .targets_count = (int32_t)count};
  for (size_t i = 0; i < count; i++) {
    if (!take_target(call, json_item(targets, i), &command.targets[i])) return;
  }
  struct pending pending = {.form = PENDING_POSITION, .symbol = -1, .position_id = position->position_id};
  command_run(call, &command, &pending, wait_of(call->body));
}

void handle_adopt_position(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  const struct preset *preset = engine_preset(engine);
  char printed[SYMBOL_TEXT_MAX];
  char venue[SYMBOL_TEXT_MAX];
  const char *name = text_of(call->body, "preset");
  double stop = number_of(call->body, "stop");
  int32_t symbol = symbol_parse(call->parameter, printed, venue) ? engine_find_symbol(engine, printed) : -1;
  if (symbol < 0) {
    call_fail(call, 404, "not_found", "there is no foreign position %s; /api/account lists them", call->parameter);
    return;
  }
  if (!is_price(stop)) {
    call_fail(call, 422, "validation_failed", "stop lies above 0 and below 1e9");
    return;
  }
  if (preset == NULL || name == NULL || !text_equal(name, preset->name)) {
    call_fail(call, 422, "validation_failed", "preset must be the one in force: %s", preset != NULL ? preset->name : "none");
    return;
  }
  struct event_command command = {.command = COMMAND_ADOPT, .price = decimal_from_double(stop)};
  text_copy(command.symbol, sizeof command.symbol, printed);
  struct pending pending = {.form = PENDING_POSITION, .symbol = symbol};
  command_run(call, &command, &pending, wait_of(call->body));
}

void handle_close_all(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  if (!flag_of(call->body, "confirm")) {
    call_fail(call, 403, "confirmation_missing", "confirm must be true");
    return;
  }
  struct event_command command = {
      .command = COMMAND_CLOSE_ALL, .is_confirmed = true, .close_side = word_of(text_of(call->body, "side"), close_side_names, close_side_count)};
  struct pending pending = {.form = PENDING_CLOSE_ALL, .symbol = -1};
  for (int32_t i = 0; i < engine_position_count(engine) && pending.position_count < PENDING_POSITIONS_MAX; i++) {
    const struct position *position = engine_position(engine, i);
    bool is_of_side = command.close_side == CLOSE_ALL_SIDES || (command.close_side == CLOSE_LONGS) == (position->side == SIDE_LONG);
    if (is_of_side) pending.positions[pending.position_count++] = position->position_id;
  }
  command_run(call, &command, &pending, wait_of(call->body));
}

/* ---- orders ---- */

void handle_cancel_order(struct call *call) {
  const struct order *order = find_order(call->api, call->parameter);
  if (order == NULL) {
    call_fail(call, 404, "not_found", "there is no order %s", call->parameter);
    return;
  }
  if (order_is_ended(order)) {
    call_fail(call, 409, "not_cancellable", "order %s is %s", call->parameter, order_state_names[order->state]);
    return;
  }
  struct event_command command = {.command = COMMAND_CANCEL_ORDER};
  struct pending pending = {.form = PENDING_CANCEL, .symbol = -1};
  text_copy(command.client_order_id, sizeof command.client_order_id, order->client_order_id);
  text_copy(pending.order_id, sizeof pending.order_id, order->client_order_id);
  command_run(call, &command, &pending, API_WAIT_MS);
}

void handle_cancel_all(struct call *call) {
  struct event_command command = {.command = COMMAND_CANCEL_ALL,
                                  .cancel_scope = word_of(text_of(call->body, "purpose"), cancel_scope_names, cancel_scope_count)};
  struct pending pending = {.form = PENDING_CANCEL_ALL, .symbol = -1, .scope = command.cancel_scope};
  command_run(call, &command, &pending, wait_of(call->body));
}

/* ---- money ---- */

void handle_flow_create(struct call *call) {
  double amount = number_of(call->body, "amount_usd");
  const char *note = text_of(call->body, "note");
  int kind = word_of(text_of(call->body, "kind"), flow_kind_names, flow_kind_count);
  struct engine_status status;
  engine_status_read(call->api->options.engine, &status);
  if (status.session_id != 0 && status.mode == MODE_LIVE) {
    call_fail(call, 409, "in_use", "the account is live: its venue tells of money that comes or goes");
    return;
  }
  bool is_amount = fabs(amount) >= 0.01 && fabs(amount) <= 1e9 && (amount > 0 || kind == FLOW_CORRECTION);
  if (!is_amount || note == NULL || note[0] == '\0' || strlen(note) > 63) {
    call_fail(call, 422, "validation_failed", "amount_usd lies from 0.01 to 1e9, negative only for a correction; note has 1 to 63 bytes");
    return;
  }
  struct event_command command = {.command = COMMAND_RECORD_FLOW, .flow_kind = kind, .amount_usd = decimal_from_double(amount)};
  text_copy(command.reason, sizeof command.reason, note);
  struct pending pending = {.form = PENDING_FLOW, .symbol = -1};
  command_run(call, &command, &pending, 0);
}
