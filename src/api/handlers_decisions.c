/* Decisions: lists, why a symbol is traded or not, what rejects most; and signals. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "base/calendar.h"
#include "base/check.h"

enum { SUMMARY_ROWS_MAX = 4000 };

void handle_decisions(struct call *call) {
  const char *run_id = http_argument(call->request, "run_id");
  if (run_id != NULL) {
    answer_run_decisions(call, run_id);
    return;
  }
  struct listing listing = {0};
  listing_add_kept(call->api, RECORD_DECISION, &listing);
  listing_answer(call, &listing, RECORD_DECISION, "decision_id", "ts");
}

void handle_signals(struct call *call) {
  struct listing listing = {0};
  listing_add_kept(call->api, RECORD_SIGNAL, &listing);
  listing_answer(call, &listing, RECORD_SIGNAL, "signal_id", "created_at");
}

/* ---- one decision ---- */

struct found_decision {
  struct decision decision; /* decision_id 0: not found */
};

static bool take_decision(void *context, const void *object) {
  struct found_decision *found = context;
  memcpy(&found->decision, object, sizeof found->decision);
  return false;
}

/* Also those that no list shows: the newest of a symbol at the stage universe. */
static const struct decision *find_in_engine(const struct engine *engine, int64_t id) {
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    for (int stage = 0; stage < stage_count; stage++) {
      const struct decision *decision = engine_decision(engine, i, (enum stage)stage);
      if (decision != NULL && decision->decision_id == id) return decision;
    }
  }
  return NULL;
}

static enum status find_decision(const struct api *api, int64_t id, struct found_decision *out, struct problem *problem) {
  const struct keep *keep = &api->kept[RECORD_DECISION];
  const struct decision *newest = find_in_engine(api->options.engine, id);
  if (newest != NULL) out->decision = *newest;
  for (int32_t i = 0; out->decision.decision_id == 0 && i < keep->count; i++) {
    const struct decision *decision = keep_get(keep, i);
    if (decision->decision_id == id) out->decision = *decision;
  }
  if (out->decision.decision_id != 0 || api->options.rows == NULL) return STATUS_OK;
  struct rows_query query = {.table = "decisions", .limit = 1};
  char value[24];
  struct text text;
  text_init(&text, value, sizeof value);
  text_add_i64(&text, id);
  rows_query_add(&query, "decision_id", ROWS_EQUAL, value);
  return api->options.rows->select_objects(api->options.rows->self, &query, take_decision, out, problem);
}

void handle_decision(struct call *call) {
  struct found_decision found = {0};
  struct problem problem;
  problem_clear(&problem);
  int64_t id = parse_id(call->parameter, 'D');
  enum status status = id > 0 ? find_decision(call->api, id, &found, &problem) : STATUS_OK;
  if (status != STATUS_OK) {
    call_fail_problem(call, 503, "not_ready", &problem);
    return;
  }
  if (found.decision.decision_id == 0) {
    call_fail(call, 404, "not_found", "there is no decision %s", call->parameter);
    return;
  }
  json_writer_init(&call->writer, &call->reply->body, false);
  write_decision(call->api, NULL, NULL, &found.decision, &call->writer);
  call_finish(call);
}

/* ---- why ---- */

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
  int32_t symbol = call_symbol(call, call->parameter);
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
    if (decision != NULL) write_decision(call->api, NULL, NULL, decision, &call->writer);
  }
  json_end_array(&call->writer);
  call_end(call, 200);
}

/* ---- summary ---- */

struct code_sum {
  int64_t count, capacity;
  double *values; /* owned; newest first */
  double threshold, nearest;
};

struct summary {
  struct code_sum codes[reason_code_count];
  int64_t counts[stage_count][2]; /* rejected, passed */
  int64_t since;                  /* oldest time that is asked for, then that was read */
};

static void count_reason(struct code_sum *sum, const struct reason *reason) {
  if (sum->count == sum->capacity) {
    sum->capacity = sum->capacity > 0 ? 2 * sum->capacity : 32;
    sum->values = realloc(sum->values, (size_t)sum->capacity * sizeof *sum->values);
    check(sum->values != NULL);
  }
  sum->values[sum->count++] = reason->value;
  if (sum->count == 1) {
    sum->threshold = reason->threshold;
    sum->nearest = reason->distance;
  } else if (isnan(sum->nearest) || fabs(reason->distance) < fabs(sum->nearest)) {
    sum->nearest = reason->distance;
  }
}

static void count_decision(struct summary *summary, const struct decision *decision) {
  bool has_passed = decision->verdict == VERDICT_PASSED;
  summary->counts[decision->stage][has_passed ? 1 : 0] += 1;
  for (int32_t i = 0; i < decision->reasons_count && !has_passed; i++) {
    const struct reason *reason = &decision->reasons[i];
    if (!reason->passed && !reason->skipped) count_reason(&summary->codes[reason->code], reason);
  }
}

static bool count_row(void *context, const void *object) {
  struct summary *summary = context;
  const struct decision *decision = object;
  count_decision(summary, decision);
  summary->since = decision->ts;
  return true;
}

/* Memory first; when it does not reach back far enough, older rows of the database, the newest SUMMARY_ROWS_MAX of them. */
static enum status count_all(const struct api *api, struct summary *summary, struct problem *problem) {
  const struct keep *keep = &api->kept[RECORD_DECISION];
  int64_t since = summary->since;
  int64_t oldest = INT64_MAX;
  for (int32_t i = 0; i < keep->count; i++) {
    const struct decision *decision = keep_get(keep, i);
    if (decision->decision_id < oldest) oldest = decision->decision_id;
    if (decision->ts < since) return STATUS_OK;
    count_decision(summary, decision);
  }
  if (api->options.rows == NULL) {
    if (keep->count > 0) summary->since = ((const struct decision *)keep_get(keep, keep->count - 1))->ts;
    return STATUS_OK;
  }
  char from[32];
  char before[24];
  struct text text;
  struct rows_query query = {.table = "decisions", .limit = SUMMARY_ROWS_MAX};
  text_init(&text, from, sizeof from);
  text_add_time(&text, since);
  text_init(&text, before, sizeof before);
  text_add_i64(&text, oldest);
  rows_query_add(&query, "ts", ROWS_AT_LEAST, from);
  rows_query_add(&query, "decision_id", ROWS_BELOW, before);
  int64_t older = 0;
  enum status status = api->options.rows->count(api->options.rows->self, &query, &older, problem);
  if (status == STATUS_OK) status = api->options.rows->select_objects(api->options.rows->self, &query, count_row, summary, problem);
  /* Fewer than the most: nothing of the span was left out. */
  if (status == STATUS_OK && older < SUMMARY_ROWS_MAX) summary->since = since;
  return status;
}

static int compare_doubles(const void *a, const void *b) {
  double left = *(const double *)a;
  double right = *(const double *)b;
  return (left > right) - (left < right);
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

static void write_stages(const struct engine *engine, int64_t counts[stage_count][2], struct json_writer *writer) {
  struct engine_status status;
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
  engine_status_read(engine, &status);
  json_add_int(writer, "scanned", scanned);
  json_add_int(writer, "passed", counts[STAGE_FILTER][1]);
  json_add_int(writer, "watching", status.candidates);
  json_add_int(writer, "signalled", counts[STAGE_SIGNAL][1]);
  json_add_int(writer, "sized", counts[STAGE_RISK][1]);
  json_add_int(writer, "entered", counts[STAGE_EXECUTION][1]);
  json_end_object(writer);
}

void handle_decision_summary(struct call *call) {
  int64_t minutes = 60;
  if (!call_number(call, "minutes", 1, 1440, &minutes)) return;
  const struct engine *engine = call->api->options.engine;
  struct summary *summary = calloc(1, sizeof *summary);
  struct problem problem;
  problem_clear(&problem);
  check(summary != NULL);
  int64_t since = engine_now(engine) - minutes * MINUTE_MS;
  summary->since = since > 0 ? since : 0;
  if (count_all(call->api, summary, &problem) != STATUS_OK) {
    call_fail_problem(call, 503, "not_ready", &problem);
  } else {
    call_begin(call);
    json_add_int(&call->writer, "minutes", minutes);
    json_add_int(&call->writer, "since", summary->since);
    write_codes(summary->codes, &call->writer);
    write_stages(engine, summary->counts, &call->writer);
    call_end(call, 200);
  }
  for (int code = 0; code < reason_code_count; code++) free(summary->codes[code].values);
  free(summary);
}
