/* Scans, candidates, decisions, levels. */
#include <math.h>
#include <stdlib.h>

#include "api/api_state.h"
#include "base/calendar.h"
#include "core/market/symbol.h"

/* Index of a symbol in any spelling; answers 404 and gives -1. */
static int32_t symbol_of(struct call *call, const char *spelling) {
  char printed[SYMBOL_TEXT_MAX];
  char venue[SYMBOL_TEXT_MAX];
  int32_t symbol = spelling != NULL && symbol_parse(spelling, printed, venue) ? engine_find_symbol(call->api->options.engine, printed) : -1;
  if (symbol < 0) call_fail(call, 404, "not_found", "there is no symbol %s here", spelling != NULL ? spelling : "(none given)");
  return symbol;
}

/* ---- scans ---- */

/* Data health may fail several times under one code (several stale fields): the first stands for all, a key occurs once. */
static bool is_repeated(const struct scan_result *result, int32_t index) {
  for (int32_t i = 0; i < index; i++) {
    if (result->filters[i].code == result->filters[index].code) return true;
  }
  return false;
}

static void write_filters(const struct scan_result *result, struct json_writer *writer) {
  json_begin_object(writer, "filters");
  for (int32_t i = 0; i < result->filters_count; i++) {
    const struct reason *reason = &result->filters[i];
    if (is_repeated(result, i)) continue;
    json_begin_object(writer, reason_code_names[reason->code]);
    json_add_bool(writer, "passed", reason->passed);
    json_add_bool(writer, "skipped", reason->skipped);
    json_add_double(writer, "value", reason->value);
    json_add_double(writer, "threshold", reason->threshold);
    json_add_double(writer, "distance", reason->distance);
    json_add_string(writer, "unit", reason_units[reason->code]);
    json_add_string(writer, "code", reason_code_names[reason->code]);
    json_end_object(writer);
  }
  json_end_object(writer);
  json_begin_array(writer, "failed");
  for (int32_t i = 0; i < result->filters_count; i++) {
    const struct reason *reason = &result->filters[i];
    if (!reason->passed && !reason->skipped && !is_repeated(result, i)) json_add_string(writer, NULL, reason_code_names[reason->code]);
  }
  json_end_array(writer);
}

static void write_components(const struct scan_result *result, struct json_writer *writer) {
  json_begin_object(writer, "components");
  for (int32_t i = 0; i < result->components_count; i++) {
    const struct component_value *component = &result->components[i];
    json_begin_object(writer, score_component_names[component->component]);
    json_add_double(writer, "value", component->value);
    json_add_double(writer, "weight", component->weight);
    json_add_double(writer, "contribution", component->contribution);
    json_end_object(writer);
  }
  json_end_object(writer);
}

static void write_market_fields(const struct engine *engine, int32_t symbol, struct json_writer *writer) {
  struct market_view view;
  market_view_read(engine_market(engine, symbol), engine_reference(engine), engine_now(engine), &view);
  json_begin_object(writer, "metrics");
  for (int i = 0; i < market_field_count; i++) json_add_double(writer, market_field_names[i], view.field[i]);
  json_end_object(writer);
}

static void write_scan_result(const struct engine *engine, const struct scan_result *result, struct json_writer *writer) {
  int32_t symbol = engine_find_symbol(engine, result->symbol);
  json_begin_object(writer, NULL);
  shape_to_json(SHAPE_SCAN_RESULT, result, writer);
  if (result->rank > 0) {
    json_add_int(writer, "rank", result->rank);
  } else {
    json_add_null(writer, "rank");
  }
  json_add_string(writer, "venue_symbol", engine_market(engine, symbol)->instrument.venue_symbol);
  json_add_int(writer, "level_count", result->levels);
  write_filters(result, writer);
  write_components(result, writer);
  write_market_fields(engine, symbol, writer);
  write_levels(engine, symbol, "levels", writer);
  write_trace(writer, result->symbol, result->ts);
  json_end_object(writer);
}

void handle_scanner_last(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  const struct scan_record *scan = engine_last_scan(engine);
  int64_t limit = 50;
  if (!call_number(call, "limit", 1, 1000, &limit)) return;
  const char *passed = http_argument(call->request, "passed");
  if (passed != NULL && !text_equal(passed, "true") && !text_equal(passed, "false")) {
    call_fail(call, 400, "bad_parameter", "passed must be true or false");
    return;
  }
  if (scan->scan_id == 0) {
    call->reply->status = 204;
    return;
  }
  struct json_writer *writer = &call->writer;
  call_begin(call);
  shape_to_json(SHAPE_SCAN, scan, writer);
  json_begin_object(writer, "failed_by_filter");
  for (int32_t i = 0; i < scan->failed_by_filter_count; i++) {
    json_add_int(writer, reason_code_names[scan->failed_by_filter[i].code], scan->failed_by_filter[i].count);
  }
  json_end_object(writer);
  write_skipped_filters(engine, writer);
  json_begin_array(writer, "items");
  for (int32_t i = 0; i < engine_scan_result_count(engine) && limit > 0; i++) {
    const struct scan_result *result = engine_scan_result(engine, i);
    if (passed != NULL && result->passed != text_equal(passed, "true")) continue;
    write_scan_result(engine, result, writer);
    --limit;
  }
  json_end_array(writer);
  call_end(call, 200);
}

/* The newest decision about a symbol: latest time, then latest stage. */
static const struct decision *last_decision(const struct engine *engine, int32_t symbol) {
  const struct decision *last = NULL;
  for (int stage = 0; stage < stage_count; stage++) {
    const struct decision *decision = engine_decision(engine, symbol, (enum stage)stage);
    if (decision != NULL && (last == NULL || decision->ts >= last->ts)) last = decision;
  }
  return last;
}

static void write_candidate(const struct engine *engine, int32_t symbol, struct json_writer *writer) {
  const struct candidate *candidate = engine_candidate(engine, symbol);
  const struct decision *last = last_decision(engine, symbol);
  json_begin_object(writer, NULL);
  shape_to_json(SHAPE_CANDIDATE, candidate, writer);
  json_add_int(writer, "since_at", candidate->created_at);
  write_levels(engine, symbol, "levels", writer);
  if (last != NULL) {
    write_decision("last_decision", last, writer);
  } else {
    json_add_null(writer, "last_decision");
  }
  json_end_object(writer);
}

void handle_candidates(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  int64_t total = 0;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    if (engine_candidate(engine, i) == NULL) continue;
    write_candidate(engine, i, &call->writer);
    ++total;
  }
  json_end_array(&call->writer);
  json_add_null(&call->writer, "next_cursor");
  json_add_int(&call->writer, "total", total);
  call_end(call, 200);
}

/* ---- decisions ---- */

void handle_decisions(struct call *call) {
  struct listing listing = {0};
  const struct keep *keep = &call->api->kept[RECORD_DECISION];
  for (int32_t i = 0; i < keep->count; i++) listing_add(&listing, keep_get(keep, i));
  listing_answer(call, &listing, RECORD_DECISION, "decision_id", "ts");
}

/* "ETC/USDT:USDT: rejected at filter: volume_surge_1h 0.8, needs >= 1.2 (-0.4)" */
static void print_sentence(const struct engine *engine, int32_t symbol, const struct decision *last, struct text *out) {
  text_add(out, engine_market(engine, symbol)->instrument.symbol);
  if (last == NULL) {
    text_add(out, ": nothing was decided about it yet; a running session scans it");
    return;
  }
  text_add(out, ": ");
  text_add(out, verdict_names[last->verdict]);
  text_add(out, " at ");
  text_add(out, stage_names[last->stage]);
  bool has_failed = false;
  for (int32_t i = 0; i < last->reasons_count; i++) {
    const struct reason *reason = &last->reasons[i];
    if (reason->passed || reason->skipped) continue;
    text_add(out, has_failed ? "; " : ": ");
    reason_text(reason, out);
    has_failed = true;
  }
  if (!has_failed && last->code != REASON_passed) {
    text_add(out, ": ");
    text_add(out, reason_code_names[last->code]);
  }
  for (int32_t i = 0; i < engine_position_count(engine); i++) {
    if (!text_equal(engine_position(engine, i)->symbol, last->symbol)) continue;
    text_add(out, "; a position is open");
  }
}

void handle_why(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  int32_t symbol = symbol_of(call, call->parameter);
  if (symbol < 0) return;
  char sentence[2048];
  struct text text;
  text_init(&text, sentence, sizeof sentence);
  print_sentence(engine, symbol, last_decision(engine, symbol), &text);
  call_begin(call);
  json_add_string(&call->writer, "symbol", engine_market(engine, symbol)->instrument.symbol);
  json_add_string(&call->writer, "sentence", sentence);
  json_begin_array(&call->writer, "latest");
  for (int stage = 0; stage < stage_count; stage++) {
    const struct decision *decision = engine_decision(engine, symbol, (enum stage)stage);
    if (decision != NULL) write_decision(NULL, decision, &call->writer);
  }
  json_end_array(&call->writer);
  call_end(call, 200);
}

struct code_sum {
  int64_t count;
  double *values; /* owned */
  double threshold, nearest;
};

static int compare_doubles(const void *a, const void *b) {
  double left = *(const double *)a;
  double right = *(const double *)b;
  return (left > right) - (left < right);
}

static void count_reasons(const struct decision *decision, struct code_sum sums[reason_code_count]) {
  for (int32_t i = 0; i < decision->reasons_count; i++) {
    const struct reason *reason = &decision->reasons[i];
    if (reason->passed || reason->skipped) continue;
    struct code_sum *sum = &sums[reason->code];
    double *grown = realloc(sum->values, (size_t)(sum->count + 1) * sizeof *grown);
    if (grown == NULL) continue;
    sum->values = grown;
    sum->values[sum->count++] = reason->value;
    if (sum->count == 1) {
      sum->threshold = reason->threshold;
      sum->nearest = reason->distance;
    } else if (isnan(sum->nearest) || fabs(reason->distance) < fabs(sum->nearest)) {
      sum->nearest = reason->distance;
    }
  }
}

static double median_of(const struct code_sum *sum) {
  int64_t known = 0;
  for (int64_t i = 0; i < sum->count; i++) {
    if (!isnan(sum->values[i])) sum->values[known++] = sum->values[i];
  }
  if (known == 0) return NAN;
  qsort(sum->values, (size_t)known, sizeof sum->values[0], compare_doubles);
  return known % 2 == 1 ? sum->values[known / 2] : 0.5 * (sum->values[known / 2 - 1] + sum->values[known / 2]);
}

static void write_codes(struct code_sum sums[reason_code_count], struct json_writer *writer) {
  json_begin_array(writer, "by_code");
  for (;;) { /* most frequent first */
    int best = -1;
    for (int code = 0; code < reason_code_count; code++) {
      if (sums[code].count > 0 && (best < 0 || sums[code].count > sums[best].count)) best = code;
    }
    if (best < 0) break;
    json_begin_object(writer, NULL);
    json_add_string(writer, "code", reason_code_names[best]);
    json_add_int(writer, "count", sums[best].count);
    json_add_double(writer, "median_value", median_of(&sums[best]));
    json_add_double(writer, "threshold", sums[best].threshold);
    json_add_double(writer, "nearest_distance", sums[best].nearest);
    json_end_object(writer);
    sums[best].count = 0;
  }
  json_end_array(writer);
}

static void write_stages(int64_t counts[stage_count][2], struct json_writer *writer) {
  json_begin_object(writer, "by_stage");
  for (int stage = 0; stage < stage_count; stage++) {
    json_begin_object(writer, stage_names[stage]);
    json_add_int(writer, "passed", counts[stage][1]);
    json_add_int(writer, "rejected", counts[stage][0]);
    json_end_object(writer);
  }
  json_end_object(writer);
  json_begin_object(writer, "funnel");
  int64_t scanned = 0;
  for (int stage = STAGE_DATA; stage <= STAGE_RANK; stage++) scanned += counts[stage][0] + counts[stage][1];
  json_add_int(writer, "scanned", scanned);
  json_add_int(writer, "passed", counts[STAGE_FILTER][1]);
  json_add_int(writer, "signalled", counts[STAGE_SIGNAL][1]);
  json_add_int(writer, "sized", counts[STAGE_RISK][1]);
  json_add_int(writer, "entered", counts[STAGE_EXECUTION][1]);
  json_end_object(writer);
}

void handle_decision_summary(struct call *call) {
  int64_t minutes = 60;
  if (!call_number(call, "minutes", 1, 1440, &minutes)) return;
  struct code_sum *sums = calloc(reason_code_count, sizeof *sums);
  if (sums == NULL) {
    call_fail(call, 500, "internal", "out of memory");
    return;
  }
  int64_t counts[stage_count][2] = {{0}};
  int64_t since = engine_now(call->api->options.engine) - minutes * MINUTE_MS;
  const struct keep *keep = &call->api->kept[RECORD_DECISION];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct decision *decision = keep_get(keep, i);
    if (decision->ts < since) break;
    counts[decision->stage][decision->verdict == VERDICT_PASSED ? 1 : 0] += 1;
    if (decision->verdict != VERDICT_PASSED) count_reasons(decision, sums);
  }
  call_begin(call);
  json_add_int(&call->writer, "minutes", minutes);
  write_codes(sums, &call->writer);
  write_stages(counts, &call->writer);
  call_end(call, 200);
  for (int code = 0; code < reason_code_count; code++) free(sums[code].values);
  free(sums);
}

/* ---- levels ---- */

void handle_levels(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  int32_t symbol = symbol_of(call, http_argument(call->request, "symbol"));
  if (symbol < 0) return;
  const struct level_set *set = engine_levels(engine, symbol);
  double price = market_price(engine_market(engine, symbol), engine_now(engine));
  call_begin(call);
  json_add_string(&call->writer, "symbol", engine_market(engine, symbol)->instrument.symbol);
  json_add_int(&call->writer, "ts", engine_now(engine));
  json_add_double(&call->writer, "price", price);
  write_levels(engine, symbol, "levels", &call->writer);
  json_begin_array(&call->writer, "ended");
  for (int32_t i = 0; i < set->ended_count; i++) write_level(&set->ended[i], price, &call->writer);
  json_end_array(&call->writer);
  call_end(call, 200);
}
