#include "adapters/sim/fault_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"

enum { DELAY_MIN_MS = 20, DELAY_MORE_MS = 60, PONG_MS = 500, LATE_MS = 20000, MIXED_MS = 4000, OLD_MS = 10000, FLAP_MS = 5000 };

const struct fault_row fault_rows[] = {
#define LINE FAULT_AT_LINE
#define VENUE FAULT_AT_VENUE
#define FEED FAULT_AT_FEED
#define PROCESS FAULT_AT_PROCESS
#define DISK FAULT_AT_DISK
#define OPERATOR FAULT_AT_OPERATOR
#define FAULT(constant, name, place, shortest_ms, longest_ms, text) {name, place, shortest_ms, longest_ms, text},
#include "adapters/sim/fault.def"
#undef LINE
#undef VENUE
#undef FEED
#undef PROCESS
#undef DISK
#undef OPERATOR
};

bool fault_is_on(const struct fault *faults, int32_t count, enum fault_kind kind, int64_t now) {
  for (int32_t i = 0; i < count; i++) {
    if (faults[i].kind == kind && now >= faults[i].from && now < faults[i].until) return true;
  }
  return false;
}

static bool is_on(const struct fault_line *line, enum fault_kind kind) {
  return fault_is_on(line->faults, line->fault_count, kind, line->now);
}

static bool is_flapped(const struct fault_line *line) {
  return is_on(line, FAULT_LINE_FLAPPING) && line->now / FLAP_MS % 2 == 0;
}

static bool is_known_down(const struct fault_line *line) {
  return is_on(line, FAULT_LINE_DOWN) || is_flapped(line);
}

static bool is_dead(const struct fault_line *line) {
  return is_known_down(line) || is_on(line, FAULT_LINE_SILENT);
}

static bool happens(struct fault_line *line, double share) {
  return random_unit(&line->random) < share;
}

static int64_t delay(struct fault_line *line) {
  return DELAY_MIN_MS + (int64_t)random_below(&line->random, DELAY_MORE_MS);
}

/* ---- to the program ---- */

static void put_answer(struct fault_line *line, int64_t due, const struct event *event) {
  if (line->answer_count == line->answer_capacity) {
    line->answer_capacity = line->answer_capacity > 0 ? 2 * line->answer_capacity : 64;
    line->answers = realloc(line->answers, (size_t)line->answer_capacity * sizeof *line->answers);
    check(line->answers != NULL);
  }
  int32_t at = line->answer_count++;
  while (at > 0 && line->answers[at - 1].due > due) at--;
  memmove(&line->answers[at + 1], &line->answers[at], (size_t)(line->answer_count - 1 - at) * sizeof *line->answers);
  struct line_answer *answer = &line->answers[at];
  *answer = (struct line_answer){.due = due, .event = *event};
  if (event->kind == EVENT_QUERY_RESULT && event->query_result.orders_count > 0) {
    size_t size = (size_t)event->query_result.orders_count * sizeof *event->query_result.orders;
    answer->items = malloc(size);
    check(answer->items != NULL);
    memcpy(answer->items, event->query_result.orders, size);
    answer->event.query_result.orders = answer->items;
  } else if (event->kind == EVENT_VENUE_POSITIONS && event->venue_positions.positions_count > 0) {
    size_t size = (size_t)event->venue_positions.positions_count * sizeof *event->venue_positions.positions;
    answer->items = malloc(size);
    check(answer->items != NULL);
    memcpy(answer->items, event->venue_positions.positions, size);
    answer->event.venue_positions.positions = answer->items;
  }
}

/* A stream keeps its order, except when answers are mixed. */
static int64_t due_in_order(struct fault_line *line, int64_t due) {
  if (due < line->last_due) due = line->last_due;
  line->last_due = due;
  return due;
}

static int64_t due_of_news(struct fault_line *line) {
  int64_t due = line->now + delay(line);
  if (is_on(line, FAULT_ANSWERS_MIXED)) return due + (int64_t)random_below(&line->random, MIXED_MS);
  if (is_on(line, FAULT_REPLY_LATE)) due += (int64_t)random_below(&line->random, LATE_MS);
  return due_in_order(line, due);
}

static void tell(struct fault_line *line, const struct event *event) {
  if (is_dead(line) || (is_on(line, FAULT_REPLY_LOST) && happens(line, 0.7))) return;
  put_answer(line, due_of_news(line), event);
  if (is_on(line, FAULT_ANSWERS_DOUBLED)) put_answer(line, due_of_news(line), event);
}

static void falsify(const struct fault_line *line, struct event *event) {
  if (!is_on(line, FAULT_LISTS_EMPTY)) return;
  if (event->kind == EVENT_QUERY_RESULT && event->query_result.query == QUERY_ORDERS) event->query_result.orders_count = 0;
  if (event->kind == EVENT_VENUE_POSITIONS) event->venue_positions.positions_count = 0;
}

/* All that answers one question comes together. */
static void answer_question(struct fault_line *line, struct event *event, int64_t due) {
  if (is_dead(line)) return;
  falsify(line, event);
  put_answer(line, due, event);
}

static void take_venue(struct fault_line *line, bool is_question) {
  struct event event;
  int64_t due = line->now + delay(line);
  if (is_question && is_on(line, FAULT_LISTS_OLD)) due += (int64_t)random_below(&line->random, OLD_MS);
  if (is_question && !is_on(line, FAULT_ANSWERS_MIXED) && !is_on(line, FAULT_LISTS_OLD)) due = due_in_order(line, due);
  while (line->venue.poll(line->venue.self, line->now, &event)) {
    if (event.kind == EVENT_VENUE_LINK) continue; /* signs of life are the line's own */
    if (event.kind == EVENT_FILL && !is_question && line->on_fill != NULL) line->on_fill(line->context, &event.fill);
    if (is_question) {
      answer_question(line, &event, due);
    } else {
      tell(line, &event);
    }
  }
}

/* ---- to the venue ---- */

static const char *id_of(const struct intent *intent) {
  switch (intent->kind) {
    case INTENT_PLACE_ORDER:
      return intent->place_order.order[0].client_order_id;
    case INTENT_AMEND_ORDER:
      return intent->amend_order.client_order_id;
    default:
      return intent->cancel_order.client_order_id;
  }
}

static bool is_about_order(const struct intent *intent) {
  return intent->kind == INTENT_PLACE_ORDER || intent->kind == INTENT_AMEND_ORDER || intent->kind == INTENT_CANCEL_ORDER;
}

static void tell_reject(struct fault_line *line, const struct intent *intent, enum reject_kind kind, const char *code) {
  struct event event = {.ts = line->now, .kind = EVENT_ORDER_REJECT};
  text_copy(event.order_reject.client_order_id, sizeof event.order_reject.client_order_id, id_of(intent));
  event.order_reject.kind = (int32_t)kind;
  text_copy(event.order_reject.code, sizeof event.order_reject.code, code);
  tell(line, &event);
}

static void tell_change(struct fault_line *line, const struct intent *intent, enum order_change change) {
  struct event event = {.ts = line->now, .kind = EVENT_ORDER_UPDATE};
  text_copy(event.order_update.client_order_id, sizeof event.order_update.client_order_id, id_of(intent));
  event.order_update.change = (int32_t)change;
  event.order_update.price = event.order_update.trigger_price = DECIMAL_NULL;
  text_copy(event.order_update.code, sizeof event.order_update.code, "10016");
  tell(line, &event);
}

static void refuse(struct fault_line *line, const struct intent *intent) {
  if (intent->kind == INTENT_PLACE_ORDER) {
    tell_reject(line, intent, REJECT_OTHER, "10016");
  } else {
    tell_change(line, intent, intent->kind == INTENT_AMEND_ORDER ? CHANGE_AMEND_REFUSED : CHANGE_CANCEL_REFUSED);
  }
}

/* True when the venue will have none of it. */
static bool is_refused(struct fault_line *line, const struct intent *intent) {
  if (!is_about_order(intent)) return false;
  const struct order *order = intent->kind == INTENT_PLACE_ORDER ? &intent->place_order.order[0] : NULL;
  if (order != NULL && order->type == ORDER_STOP_MARKET && is_on(line, FAULT_STOPS_REFUSED)) {
    tell_reject(line, intent, REJECT_OTHER, "30228");
    return true;
  }
  if (order != NULL && !order->reduce_only && is_on(line, FAULT_MARGIN_REFUSED)) {
    tell_reject(line, intent, REJECT_MARGIN, "110007");
    return true;
  }
  if (!is_on(line, FAULT_REFUSED) || !happens(line, 0.7)) return false;
  refuse(line, intent);
  return true;
}

static void arrive(struct fault_line *line, struct line_request *request) {
  struct intent *intent = &request->intent;
  intent->ts = line->now;
  if (is_refused(line, intent)) return;
  if (is_about_order(intent) && is_on(line, FAULT_NO_ANSWER) && happens(line, 0.7)) tell_change(line, intent, CHANGE_NO_ANSWER);
  line->venue.submit(line->venue.self, intent);
  take_venue(line, intent->kind == INTENT_QUERY);
}

/* ---- the line ---- */

void fault_line_turn(struct fault_line *line, int64_t now) {
  take_venue(line, false); /* what the market moved */
  while (line->request_count > 0 && line->requests[0].due <= now) {
    struct line_request request = line->requests[0];
    memmove(&line->requests[0], &line->requests[1], (size_t)(--line->request_count) * sizeof line->requests[0]);
    if (request.due > line->now) line->now = request.due;
    arrive(line, &request);
  }
  if (now > line->now) line->now = now;
  if (is_known_down(line) != line->was_down) {
    line->was_down = !line->was_down;
    struct event event = {.ts = line->now, .kind = EVENT_VENUE_LINK, .venue_link = {.state = line->was_down ? LINK_DOWN : LINK_UP}};
    put_answer(line, line->now, &event);
  }
  if (line->now - line->pong_at < PONG_MS || is_dead(line)) return;
  line->pong_at = line->now;
  struct event event = {.ts = line->now, .kind = EVENT_VENUE_LINK, .venue_link = {.state = LINK_UP, .detail = "pong"}};
  put_answer(line, line->now, &event);
}

static void submit(void *self, const struct intent *intent) {
  struct fault_line *line = self;
  if (intent->ts > line->now) line->now = intent->ts;
  if (is_dead(line) || (is_on(line, FAULT_REQUEST_LOST) && happens(line, 0.7))) return;
  if (line->request_count == line->request_capacity) {
    line->request_capacity = line->request_capacity > 0 ? 2 * line->request_capacity : 64;
    line->requests = realloc(line->requests, (size_t)line->request_capacity * sizeof *line->requests);
    check(line->requests != NULL);
  }
  int64_t due = line->now + delay(line);
  int32_t at = line->request_count++;
  while (at > 0 && line->requests[at - 1].due > due) at--;
  memmove(&line->requests[at + 1], &line->requests[at], (size_t)(line->request_count - 1 - at) * sizeof *line->requests);
  line->requests[at] = (struct line_request){due, *intent};
}

static void drop_first(struct fault_line *line) {
  memmove(&line->answers[0], &line->answers[1], (size_t)(--line->answer_count) * sizeof *line->answers);
}

static bool poll(void *self, int64_t now, struct event *out) {
  struct fault_line *line = self;
  free(line->lent);
  line->lent = NULL;
  if (line->answer_count == 0 || line->answers[0].due > now) return false;
  *out = line->answers[0].event;
  line->lent = line->answers[0].items;
  out->ts = now;
  drop_first(line);
  return true;
}

static int64_t next_due(void *self) {
  const struct fault_line *line = self;
  return line->answer_count > 0 ? line->answers[0].due : INT64_MAX;
}

void fault_line_cut(struct fault_line *line) {
  for (int32_t i = 0; i < line->answer_count; i++) free(line->answers[i].items);
  line->answer_count = 0;
}

void fault_line_exchange(struct fault_line *line, struct exchange *out) {
  *out = (struct exchange){.self = line, .name = "paper", .submit = submit, .poll = poll, .next_due = next_due};
}

void fault_line_open(struct fault_line *line, const struct exchange *venue, uint64_t seed, const struct fault *faults, int32_t count) {
  *line = (struct fault_line){.venue = *venue, .faults = faults, .fault_count = count};
  random_init(&line->random, seed);
}

void fault_line_close(struct fault_line *line) {
  fault_line_cut(line);
  free(line->lent);
  free(line->answers);
  free(line->requests);
  *line = (struct fault_line){0};
}
