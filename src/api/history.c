#include "api/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/decimal.h"
#include "base/text.h"

enum { CHUNK_ROWS = 4000 };

struct history *history_open(void) {
  struct history *history = calloc(1, sizeof *history);
  check(history != NULL);
  history->trades = calloc(HISTORY_TRADES_MAX, sizeof *history->trades);
  history->marks = calloc(HISTORY_MARKS_MAX, sizeof *history->marks);
  check(history->trades != NULL && history->marks != NULL);
  return history;
}

void history_close(struct history *history) {
  if (history == NULL) return;
  free(history->trades);
  free(history->marks);
  free(history);
}

/* Makes room by dropping the oldest eighth. */
static int32_t drop_oldest(void *items, size_t size, int32_t count, int32_t max) {
  if (count < max) return count;
  int32_t dropped = max / 8;
  memmove(items, (char *)items + (size_t)dropped * size, (size_t)(count - dropped) * size);
  return count - dropped;
}

void history_add_trade(struct history *history, const struct trade *trade) {
  if (trade->exit_reason == REASON_end_of_data) return;
  history->trade_count = drop_oldest(history->trades, sizeof *trade, history->trade_count, HISTORY_TRADES_MAX);
  int32_t at = history->trade_count;
  while (at > 0 && history->trades[at - 1].closed_at > trade->closed_at) --at;
  for (int32_t i = at; i > 0 && history->trades[i - 1].closed_at == trade->closed_at; i--) {
    if (history->trades[i - 1].trade_id == trade->trade_id) return;
  }
  memmove(&history->trades[at + 1], &history->trades[at], (size_t)(history->trade_count - at) * sizeof *trade);
  history->trades[at] = *trade;
  ++history->trade_count;
}

static struct equity_point point_of(const struct equity *equity) {
  return (struct equity_point){.ts = equity->ts,
                               .equity_usd = decimal_to_double(equity->equity_usd),
                               .cash_usd = decimal_to_double(equity->cash_usd),
                               .unrealised_usd = decimal_to_double(equity->unrealised_usd),
                               .drawdown = equity->drawdown,
                               .cumulative_r = equity->cumulative_r,
                               .positions = equity->positions,
                               .notional_usd = decimal_to_double(equity->notional_usd)};
}

/* Of one instant the newest stays, as in the database. */
void history_add_equity(struct history *history, const struct equity *equity) {
  history->mark_count = drop_oldest(history->marks, sizeof history->marks[0], history->mark_count, HISTORY_MARKS_MAX);
  int32_t at = history->mark_count;
  while (at > 0 && history->marks[at - 1].ts > equity->ts) --at;
  if (at > 0 && history->marks[at - 1].ts == equity->ts) {
    history->marks[at - 1] = point_of(equity);
    return;
  }
  memmove(&history->marks[at + 1], &history->marks[at], (size_t)(history->mark_count - at) * sizeof history->marks[0]);
  history->marks[at] = point_of(equity);
  ++history->mark_count;
}

/* ---- the database ---- */

/* Rows of one table, newest first, in chunks that are short enough for the loop; kept newest first until the end. */
struct reading {
  const struct row_port *rows;
  const char *run_id;
  size_t size;
  int32_t count, max, in_chunk;
  int64_t oldest; /* time of the newest row that was not read */
  unsigned char *objects;
  bool is_trades;
};

static bool take_row(void *context, const void *object) {
  struct reading *reading = context;
  memcpy(reading->objects + (size_t)reading->count * reading->size, object, reading->size);
  reading->oldest = reading->is_trades ? ((const struct trade *)object)->closed_at : ((const struct equity *)object)->ts;
  ++reading->in_chunk;
  return ++reading->count < reading->max;
}

static enum status read_chunk(struct reading *reading, struct problem *problem) {
  const char *time = reading->is_trades ? "closed_at" : "ts";
  struct rows_query query = {.table = reading->is_trades ? "trades" : "equity_curve", .order = time, .limit = CHUNK_ROWS};
  char before[32];
  struct text text;
  text_init(&text, before, sizeof before);
  text_add_time(&text, reading->oldest);
  const char *none = reading->is_trades ? NULL : "";
  rows_query_add(&query, "run_id", ROWS_EQUAL, reading->run_id != NULL ? reading->run_id : none);
  if (reading->count > 0) rows_query_add(&query, time, ROWS_BELOW, before);
  reading->in_chunk = 0;
  return reading->rows->select_objects(reading->rows->self, &query, take_row, reading, problem);
}

static enum status read_table(struct reading *reading, struct problem *problem) {
  enum status status = STATUS_OK;
  reading->objects = calloc((size_t)reading->max, reading->size);
  check(reading->objects != NULL);
  do {
    status = read_chunk(reading, problem);
  } while (status == STATUS_OK && reading->in_chunk == CHUNK_ROWS && reading->count < reading->max);
  return status;
}

enum status history_read(struct history *history, const struct row_port *rows, const char *run_id, struct problem *problem) {
  struct reading trades = {.rows = rows, .run_id = run_id, .size = sizeof(struct trade), .max = HISTORY_TRADES_MAX, .is_trades = true};
  struct reading marks = {.rows = rows, .run_id = run_id, .size = sizeof(struct equity), .max = HISTORY_MARKS_MAX};
  enum status status = read_table(&trades, problem);
  if (status == STATUS_OK) status = read_table(&marks, problem);
  for (int32_t i = trades.count - 1; i >= 0 && status == STATUS_OK; i--) {
    history_add_trade(history, (const struct trade *)(const void *)(trades.objects + (size_t)i * trades.size));
  }
  for (int32_t i = marks.count - 1; i >= 0 && status == STATUS_OK; i--) {
    history_add_equity(history, (const struct equity *)(const void *)(marks.objects + (size_t)i * marks.size));
  }
  free(trades.objects);
  free(marks.objects);
  return status;
}
