#include "apps/app.h"
#include "apps/lookahead_state.h"

struct sums {
  int64_t compared, differing;
  int runs;
};

static struct sums sums_of(const struct lookahead *lookahead, const struct comparison *results, enum piece_kind first, enum piece_kind last) {
  struct sums sums = {0};
  for (int i = 0; i < lookahead->piece_count; i++) {
    if (lookahead->pieces[i].kind < first || lookahead->pieces[i].kind > last) continue;
    ++sums.runs;
    sums.compared += results[i].compared;
    sums.differing += results[i].differing;
  }
  return sums;
}

static int cuts_of(const struct lookahead *lookahead) {
  int count = 0;
  for (int i = 0; i < lookahead->piece_count; i++) count += lookahead->pieces[i].kind == PIECE_CUT ? 1 : 0;
  return count;
}

/* Where a difference is: for runs that were shortened the time of that, else the time of the record. */
static int64_t time_of(const struct piece *piece, const struct comparison *result) {
  return piece->kind == PIECE_CUT || piece->kind == PIECE_SCRAMBLE ? piece->at : result->first_ts;
}

/* ---- JSON ---- */

static void difference_to_json(const struct piece *piece, const struct comparison *result, struct json_writer *json) {
  json_begin_object(json, NULL);
  json_add_int(json, "at", time_of(piece, result));
  json_add_string(json, "form", piece_kind_names[piece->kind]);
  json_add_int(json, "differing", result->differing);
  json_add_int(json, "ts", result->first_ts);
  json_add_string(json, "field", result->field[0] != '\0' ? result->field : NULL);
  json_add_string(json, "whole", result->base);
  json_add_string(json, "shortened", result->other);
  json_end_object(json);
}

static void starts_to_json(const struct lookahead *lookahead, const struct comparison *results, struct json_writer *json) {
  json_begin_array(json, "starts");
  for (int i = 0; i < lookahead->piece_count; i++) {
    if (lookahead->pieces[i].kind != PIECE_EARLIER) continue;
    json_begin_object(json, NULL);
    json_add_int(json, "weeks", lookahead->pieces[i].weeks);
    json_add_int(json, "compared", results[i].compared);
    json_add_int(json, "differing", results[i].differing);
    json_end_object(json);
  }
  json_end_array(json);
}

static void print_json(const struct lookahead *lookahead, const struct comparison *results, bool is_pretty, struct buffer *out) {
  struct sums all = sums_of(lookahead, results, 0, piece_kind_count);
  struct json_writer json;
  json_writer_init(&json, out, is_pretty);
  json_begin_object(&json, NULL);
  json_add_string(&json, "kind", "lookahead_check");
  json_add_int(&json, "cuts", cuts_of(lookahead));
  json_add_bool(&json, "all_hidden", lookahead->has_hidden);
  json_add_int(&json, "runs", all.runs);
  json_add_int(&json, "records", lookahead->base.count);
  json_add_int(&json, "decisions", lookahead->base.decisions);
  json_add_int(&json, "compared", all.compared);
  json_add_int(&json, "differing", all.differing);
  json_add_bool(&json, "passed", all.differing == 0);
  starts_to_json(lookahead, results, &json);
  json_begin_array(&json, "differences");
  for (int i = 0; i < lookahead->piece_count; i++) {
    if (results[i].differing > 0) difference_to_json(&lookahead->pieces[i], &results[i], &json);
  }
  json_end_array(&json);
  json_end_object(&json);
  buffer_add_text(out, "\n");
}

/* ---- text ---- */

static void add_time(int64_t ts, struct buffer *out) {
  char memory[32];
  struct text text;
  text_init(&text, memory, sizeof memory);
  text_add_time(&text, ts);
  buffer_add_text(out, memory);
}

static void print_difference(const struct piece *piece, const struct comparison *result, struct buffer *out) {
  buffer_add_format(out, "first difference, %s", piece_kind_names[piece->kind]);
  if (piece->kind == PIECE_EARLIER) buffer_add_format(out, " by %d weeks", piece->weeks);
  if (piece->kind >= PIECE_CUT) {
    buffer_add_text(out, " after ");
    add_time(piece->at, out);
  }
  buffer_add_format(out, ", record %lld, %s, at ", (long long)result->first, result->field[0] != '\0' ? result->field : "another record");
  add_time(result->first_ts, out);
  buffer_add_format(out, ":\n  whole run: %s\n  this run:  %s\n", result->base, result->other);
}

static void print_earlier(const struct lookahead *lookahead, const struct comparison *results, struct buffer *out) {
  for (int i = 0; i < LOOKAHEAD_STARTS; i++) {
    if (!lookahead->is_warm_checked[i]) buffer_add_format(out, "begun %d weeks earlier: the data are too short\n", lookahead_weeks[i]);
  }
  for (int i = 0; i < lookahead->piece_count; i++) {
    const struct piece *piece = &lookahead->pieces[i];
    if (piece->kind != PIECE_EARLIER) continue;
    buffer_add_format(out, "begun %d weeks earlier: %lld compared, %lld differ, %lld more with levels older than the later data\n", piece->weeks,
                      (long long)results[i].compared, (long long)results[i].differing, (long long)results[i].excepted);
  }
}

static void print_text(const struct lookahead *lookahead, const struct comparison *results, struct buffer *out) {
  struct sums all = sums_of(lookahead, results, 0, piece_kind_count);
  struct sums hidden = sums_of(lookahead, results, PIECE_HIDDEN_NOISE, PIECE_HIDDEN_NOTHING);
  struct sums cut = sums_of(lookahead, results, PIECE_CUT, PIECE_SCRAMBLE);
  buffer_add_format(out, "Look-ahead check: %lld records of the whole run, %lld of them decisions; %lld compared, %lld differ\n",
                    (long long)lookahead->base.count, (long long)lookahead->base.decisions, (long long)all.compared, (long long)all.differing);
  if (hidden.runs > 0) {
    buffer_add_format(out, "future hidden at every moment, by noise and by nothing: %lld compared, %lld differ\n", (long long)hidden.compared,
                      (long long)hidden.differing);
  }
  if (cut.runs > 0) {
    buffer_add_format(out, "data cut off at %d times, and noise after each: %lld compared, %lld differ\n", cuts_of(lookahead),
                      (long long)cut.compared, (long long)cut.differing);
  }
  print_earlier(lookahead, results, out);
  for (int i = 0, shown = 0; i < lookahead->piece_count && shown == 0; i++) {
    if (results[i].differing == 0) continue;
    print_difference(&lookahead->pieces[i], &results[i], out);
    ++shown;
  }
  buffer_add_text(out,
                  all.differing == 0 ? "passed: no decision used data of its future\n" : "FAILED: decisions depend on data that were not theirs\n");
}

int lookahead_report(struct app *app, const struct lookahead *lookahead, const struct comparison *results) {
  struct buffer out = {0};
  for (int i = 0; i < lookahead->piece_count; i++) {
    if (results[i].status) return app_fail_with(app, results[i].status, "run_failed", "--lookahead-check", "%s", results[i].message);
  }
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    print_json(lookahead, results, app->output == OUTPUT_JSON, &out);
  } else {
    print_text(lookahead, results, &out);
  }
  app_print(&out);
  buffer_deinit(&out);
  return sums_of(lookahead, results, 0, piece_kind_count).differing == 0 ? 0 : 1;
}
