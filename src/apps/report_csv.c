#include "apps/report_csv.h"

#include <math.h>

enum { CELL_MAX = 16384 };

static void add_cells(const struct schema *schema, const void *object, struct buffer *out) {
  char cell[CELL_MAX];
  for (int i = 0; i < schema->field_count; i++) {
    struct text text;
    text_init(&text, cell, sizeof cell);
    schema_field_text(&schema->fields[i], object, &text);
    if (i > 0) buffer_add_text(out, ",");
    table_add_csv_cell(out, cell);
  }
}

static void add_names(const struct schema *schema, struct buffer *out) {
  for (int i = 0; i < schema->field_count; i++) {
    if (i > 0) buffer_add_text(out, ",");
    buffer_add_text(out, schema->fields[i].name);
  }
}

static void add_rows(const struct run_list *list, const struct schema *schema, struct buffer *out) {
  for (int64_t i = 0; i < list->count; i++) {
    add_cells(schema, list->data + (size_t)i * list->item_size, out);
    buffer_add_text(out, "\n");
  }
}

void report_csv_list(const struct run_list *list, const struct schema *schema, struct buffer *out) {
  add_names(schema, out);
  buffer_add_text(out, "\n");
  add_rows(list, schema, out);
}

void report_csv_trades(const struct run *run, struct buffer *out) {
  report_csv_list(&run->trades, &trade_schema, out);
  add_rows(&run->left_open, &trade_schema, out);
}

static void add_number(struct buffer *out, double value, int places) {
  char number[64];
  struct text text;
  text_init(&text, number, sizeof number);
  if (isfinite(value)) text_add_double(&text, value, places);
  buffer_add_text(out, ",");
  buffer_add(out, number, text.length);
}

static void add_time(struct buffer *out, int64_t ts) {
  char time[32];
  struct text text;
  text_init(&text, time, sizeof time);
  text_add_time(&text, ts);
  buffer_add(out, time, text.length);
}

void report_csv_equity(const struct run *run, struct buffer *out) {
  const struct equity_point *marks = (const struct equity_point *)(const void *)run->marks.data;
  buffer_add_text(out, "ts,equity_usd,cash_usd,unrealised_usd,drawdown,positions\n");
  for (int64_t i = 0; i < run->marks.count; i++) {
    add_time(out, marks[i].ts);
    add_number(out, marks[i].equity_usd, 8);
    add_number(out, marks[i].cash_usd, 8);
    add_number(out, marks[i].unrealised_usd, 8);
    add_number(out, marks[i].drawdown, 8);
    buffer_add_format(out, ",%d\n", marks[i].positions);
  }
}

void report_csv_levels(const struct run *run, struct buffer *out) {
  buffer_add_text(out, "ts,from_state,reason,");
  add_names(&level_schema, out);
  buffer_add_text(out, "\n");
  for (int64_t i = 0; i < run->levels.count; i++) {
    const struct level_change *change = (const struct level_change *)(const void *)(run->levels.data + (size_t)i * run->levels.item_size);
    add_time(out, change->ts);
    buffer_add_format(out, ",%s,%s,", change->from_state, change->reason);
    add_cells(&level_schema, &change->level[0], out);
    buffer_add_text(out, "\n");
  }
}

void report_decisions(const struct run *run, bool is_signals_only, struct buffer *out) {
  for (int64_t i = 0; i < run->decisions.count; i++) {
    const struct decision *decision = (const struct decision *)(const void *)(run->decisions.data + (size_t)i * run->decisions.item_size);
    if (is_signals_only && decision->stage != STAGE_SIGNAL) continue;
    struct json_writer json;
    json_writer_init(&json, out, false);
    json_begin_object(&json, NULL);
    schema_to_json(&decision_schema, decision, &json);
    json_end_object(&json);
    buffer_add_text(out, "\n");
  }
}
