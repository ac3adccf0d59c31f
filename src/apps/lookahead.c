#include "apps/lookahead.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/jobs.h"
#include "apps/recorded.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/maths.h"
#include "base/random.h"
#include "base/text.h"

enum { LINE_MAX = 32 << 10, SHOWN_MAX = 400 };

/* How long a run with noise goes on behind its time: long enough for positions and candidates to meet the noise. */
static const int64_t noise_ms = 6 * HOUR_MS;

/* The canonical lines of a run, those that make its digest: decisions, orders, fills, trades. */
struct lines {
  struct buffer text;
  size_t *starts; /* owned; count + 1 of them */
  int64_t count, capacity;
};

/* A feed between the source and the playback. It knows the moment at which the first event after a time is taken: all that was recorded until then
 * was decided without that event. */
struct tap {
  struct feed *inner;
  struct feed feed;
  struct lines *lines;
  int64_t *times; /* ascending; of the baseline: all cuts. Of a scrambled run: one */
  int64_t *known; /* lines before the first event after each time; -1 not reached */
  int count, next;
  bool is_noisy;                   /* events after times[0] are noise */
  bool is_cut;                     /* there are no events after times[0] */
  const struct run_options *outer; /* what the caller puts above the tap is part of what is checked */
  struct random random;
};

static void lines_add(struct lines *lines, int64_t ts, enum record_kind kind, const void *object) {
  char memory[LINE_MAX];
  struct text line;
  if (lines->count + 1 >= lines->capacity) {
    lines->capacity = lines->capacity == 0 ? 4096 : 2 * lines->capacity;
    lines->starts = realloc(lines->starts, (size_t)lines->capacity * sizeof *lines->starts);
    check(lines->starts != NULL);
  }
  text_init(&line, memory, sizeof memory);
  text_add_i64(&line, ts);
  text_add_char(&line, '|');
  schema_print(record_schemas[kind], object, &line);
  lines->starts[lines->count++] = lines->text.length;
  buffer_add(&lines->text, line.data, line.length);
  lines->starts[lines->count] = lines->text.length;
}

static void lines_free(struct lines *lines) {
  buffer_deinit(&lines->text);
  free(lines->starts);
  *lines = (struct lines){0};
}

static const char *line_at(const struct lines *lines, int64_t i, size_t *length) {
  *length = lines->starts[i + 1] - lines->starts[i];
  return lines->text.data + lines->starts[i];
}

static void on_record(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object) {
  (void)seq;
  struct tap *tap = context;
  if (record_in_digest[kind]) lines_add(tap->lines, ts, kind, object);
}

/* ---- the feed ---- */

/* A plausible candle that has nothing to do with the real one: a factor on all prices, another one on the volume. */
static void scramble_candle(struct random *random, struct event_candle *candle) {
  double move = maths_exp(0.01 * random_normal(random));
  double wide = 1 + 0.004 * random_unit(random);
  candle->open *= move;
  candle->close *= move * maths_exp(0.004 * random_normal(random));
  candle->high = wide * maths_max(candle->open, candle->close);
  candle->low = maths_min(candle->open, candle->close) / wide;
  double volume = maths_exp(random_normal(random));
  candle->volume *= volume;
  candle->turnover = candle->volume * candle->close;
}

static void scramble(struct tap *tap, struct event *event) {
  struct random *random = &tap->random;
  switch (event->kind) {
    case EVENT_CANDLE:
      scramble_candle(random, &event->candle);
      return;
    case EVENT_FUNDING_RATE:
      event->funding_rate.rate = 0.001 * random_normal(random);
      return;
    case EVENT_OPEN_INTEREST:
      event->open_interest.oi *= maths_exp(0.1 * random_normal(random));
      return;
    case EVENT_TICKER:
      event->ticker.mark *= maths_exp(0.01 * random_normal(random));
      return;
    default:
      return;
  }
}

/* Noise for books and tapes would be no sound book: they end at the time instead. */
static bool is_dropped(const struct tap *tap, const struct event *event) {
  return tap->is_noisy && event->ts > tap->times[0] && (event->kind == EVENT_BOOK || event->kind == EVENT_PUBLIC_TRADES);
}

static enum status tap_next(void *self, struct event *out, struct problem *problem) {
  struct tap *tap = self;
  enum status status;
  do {
    int64_t ts = tap->inner->next_ts(tap->inner->self);
    if (tap->is_cut && ts > tap->times[0]) return STATUS_END;
    while (tap->next < tap->count && ts > tap->times[tap->next]) tap->known[tap->next++] = tap->lines->count;
    status = tap->inner->next(tap->inner->self, out, problem);
  } while (!status && is_dropped(tap, out));
  if (!status && tap->is_noisy && out->ts > tap->times[0]) scramble(tap, out);
  return status;
}

static int64_t tap_next_ts(void *self) {
  const struct tap *tap = self;
  int64_t ts = tap->inner->next_ts(tap->inner->self);
  return tap->is_cut && ts > tap->times[0] ? INT64_MAX : ts;
}

static enum status tap_seek(void *self, int64_t after, struct problem *problem) {
  const struct tap *tap = self;
  return tap->inner->seek(tap->inner->self, after, problem);
}

static void on_open(void *context, struct wiring *wiring) {
  struct tap *tap = context;
  tap->inner = wiring->playback.feed;
  tap->feed = (struct feed){.self = tap, .name = tap->inner->name, .next = tap_next, .next_ts = tap_next_ts, .seek = tap_seek};
  wiring->playback.feed = &tap->feed;
  runner_listen(&wiring->runner, &(struct listener){.context = tap, .on_record = on_record});
  if (tap->outer->on_open != NULL) tap->outer->on_open(tap->outer->context, wiring);
}

/* ---- comparing ---- */

struct comparison {
  int64_t compared, differing, first; /* first: index of the first differing line, -1 none */
  enum status status;
  char base[SHOWN_MAX], other[SHOWN_MAX], message[200];
};

static void copy_line(const struct lines *lines, int64_t i, int64_t count, char out[SHOWN_MAX]) {
  text_copy(out, SHOWN_MAX, "(no record)");
  if (i >= count) return;
  size_t length;
  const char *line = line_at(lines, i, &length);
  text_copy(out, (length < SHOWN_MAX ? length : SHOWN_MAX - 1) + 1, line);
}

/* The first `known` lines of the baseline must be the first `count` lines of the other run, and no less and no more. */
static void compare(const struct lines *base, int64_t known, const struct lines *other, int64_t count, struct comparison *out) {
  int64_t most = known > count ? known : count;
  out->first = -1;
  out->compared = most;
  for (int64_t i = 0; i < most; i++) {
    size_t a_length = 0;
    size_t b_length = 0;
    const char *a = i < known ? line_at(base, i, &a_length) : NULL;
    const char *b = i < count ? line_at(other, i, &b_length) : NULL;
    if (a != NULL && b != NULL && a_length == b_length && memcmp(a, b, a_length) == 0) continue;
    if (out->first < 0) {
      out->first = i;
      copy_line(base, i, known, out->base);
      copy_line(other, i, count, out->other);
    }
    ++out->differing;
  }
}

/* ---- the runs ---- */

struct lookahead {
  const struct wiring *wiring;
  const struct run_options *options;
  const struct lookahead_options *check;
  struct lines base;
  int64_t *times, *known;
  int count;
};

/* Pieces: even ones are cut, odd ones are scrambled. */
static void work(void *context, int index, void *result) {
  const struct lookahead *lookahead = context;
  struct comparison *out = result;
  int cut = index / 2;
  bool is_noisy = index % 2 == 1;
  int64_t time = lookahead->times[cut];
  int64_t known = -1;
  struct lines lines = {0};
  struct tap tap = {
      .lines = &lines, .times = &time, .known = &known, .count = 1, .is_noisy = is_noisy, .is_cut = !is_noisy, .outer = lookahead->options};
  struct run_options options = *lookahead->options;
  struct problem *problem = &lookahead->wiring->app->problem;
  struct run run;
  random_init(&tap.random, (uint64_t)lookahead->check->seed + (uint64_t)cut);
  options.shows_progress = false;
  options.cut_at_ms = is_noisy ? time + noise_ms : time;
  options.on_open = on_open;
  options.context = &tap;
  out->status = recorded_run_again(&run, lookahead->wiring, &options, NULL);
  if (out->status) {
    text_copy(out->message, sizeof out->message, problem->count > 0 ? problem->items[0].message : status_text(out->status));
  } else {
    compare(&lookahead->base, lookahead->known[cut], &lines, is_noisy && known >= 0 ? known : lines.count, out);
  }
  run_deinit(&run);
  lines_free(&lines);
}

static int64_t line_ts(const struct lines *lines, int64_t i) {
  int64_t ts = 0;
  for (const char *c = lines->text.data + lines->starts[i]; *c >= '0' && *c <= '9'; c++) ts = 10 * ts + (*c - '0');
  return ts;
}

/* Times of all records, each once. */
static int times_of_records(struct lookahead *lookahead) {
  int count = 0;
  for (int64_t i = 0; i < lookahead->base.count && count < LOOKAHEAD_CUTS_MAX; i++) {
    int64_t ts = line_ts(&lookahead->base, i);
    if (count == 0 || ts > lookahead->times[count - 1]) lookahead->times[count++] = ts;
  }
  return count;
}

static int even_times(struct lookahead *lookahead, int64_t from, int64_t to, int64_t step) {
  int count = 0;
  for (int i = 1; i <= lookahead->check->cuts; i++) {
    int64_t ts = from + (to - from) / (lookahead->check->cuts + 1) * i;
    ts -= ts % step;
    if (count == 0 || ts > lookahead->times[count - 1]) lookahead->times[count++] = ts;
  }
  return count;
}

/* The whole run, with what was known at each time. With all times they are those of the run itself, so that it is made twice. */
static enum status run_baseline(struct lookahead *lookahead, struct run *run, bool needs_times) {
  struct tap tap = {.lines = &lookahead->base,
                    .times = lookahead->times,
                    .known = lookahead->known,
                    .count = needs_times ? 0 : lookahead->count,
                    .outer = lookahead->options};
  struct run_options options = *lookahead->options;
  options.on_open = on_open;
  options.context = &tap;
  enum status status = recorded_run_again(run, lookahead->wiring, &options, NULL);
  for (int i = tap.next; i < tap.count && !status; i++) lookahead->known[i] = lookahead->base.count;
  return status;
}

static enum status prepare(struct lookahead *lookahead) {
  struct run run;
  enum status status = run_baseline(lookahead, &run, true);
  if (!status) {
    lookahead->count = lookahead->check->is_all ? times_of_records(lookahead)
                                                : even_times(lookahead, run.started_at, run.ended_at, source_interval_ms(lookahead->wiring->source));
  }
  run_deinit(&run);
  lines_free(&lookahead->base);
  if (!status) status = run_baseline(lookahead, &run, false);
  if (!status) run_deinit(&run);
  return status;
}

/* ---- result ---- */

static void print_json(const struct lookahead *lookahead, const struct comparison *results, int64_t compared, int64_t differing, bool is_pretty,
                       struct buffer *out) {
  struct json_writer json;
  json_writer_init(&json, out, is_pretty);
  json_begin_object(&json, NULL);
  json_add_string(&json, "kind", "lookahead_check");
  json_add_int(&json, "cuts", lookahead->count);
  json_add_int(&json, "runs", 2 * lookahead->count);
  json_add_int(&json, "records", lookahead->base.count);
  json_add_int(&json, "compared", compared);
  json_add_int(&json, "differing", differing);
  json_add_bool(&json, "passed", differing == 0);
  json_begin_array(&json, "differences");
  for (int i = 0; i < 2 * lookahead->count; i++) {
    if (results[i].differing == 0) continue;
    json_begin_object(&json, NULL);
    json_add_int(&json, "at", lookahead->times[i / 2]);
    json_add_string(&json, "form", i % 2 == 0 ? "cut" : "scramble");
    json_add_int(&json, "differing", results[i].differing);
    json_add_string(&json, "whole", results[i].base);
    json_add_string(&json, "shortened", results[i].other);
    json_end_object(&json);
  }
  json_end_array(&json);
  json_end_object(&json);
  buffer_add_text(out, "\n");
}

static void print_text(const struct lookahead *lookahead, const struct comparison *results, int64_t compared, int64_t differing, struct buffer *out) {
  buffer_add_format(out,
                    "Look-ahead check: %d times, each once with the data cut off and once with noise for %lld h after it\n"
                    "%lld records of the whole run, %lld compared, %lld differ\n",
                    lookahead->count, (long long)(noise_ms / HOUR_MS), (long long)lookahead->base.count, (long long)compared, (long long)differing);
  for (int i = 0; i < 2 * lookahead->count; i++) {
    if (results[i].differing == 0) continue;
    char time[32];
    struct text text;
    text_init(&text, time, sizeof time);
    text_add_time(&text, lookahead->times[i / 2]);
    buffer_add_format(out, "first difference, data %s after %s, record %lld:\n  whole run: %s\n  this run:  %s\n", i % 2 == 0 ? "cut" : "scrambled",
                      time, (long long)results[i].first, results[i].base, results[i].other);
    break;
  }
  buffer_add_text(out, differing == 0 ? "passed: no decision used data of its future\n" : "FAILED: decisions depend on data of their future\n");
}

static int report(struct app *app, const struct lookahead *lookahead, const struct comparison *results) {
  int64_t compared = 0;
  int64_t differing = 0;
  struct buffer out = {0};
  for (int i = 0; i < 2 * lookahead->count; i++) {
    if (results[i].status) {
      return app_fail_with(app, results[i].status, "run_failed", "--lookahead-check", "%s", results[i].message);
    }
    compared += results[i].compared;
    differing += results[i].differing;
  }
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    print_json(lookahead, results, compared, differing, app->output == OUTPUT_JSON, &out);
  } else {
    print_text(lookahead, results, compared, differing, &out);
  }
  app_print(&out);
  buffer_deinit(&out);
  return differing == 0 ? 0 : 1;
}

int lookahead_check(struct app *app, struct wiring *wiring, const struct run_options *options, const struct lookahead_options *wanted) {
  struct lookahead lookahead = {.wiring = wiring, .options = options, .check = wanted};
  size_t room = (size_t)(wanted->is_all ? LOOKAHEAD_CUTS_MAX : wanted->cuts);
  lookahead.times = calloc(room, sizeof *lookahead.times);
  lookahead.known = calloc(room, sizeof *lookahead.known);
  check(lookahead.times != NULL && lookahead.known != NULL);
  enum status status = prepare(&lookahead);
  size_t pieces = 2 * (size_t)lookahead.count;
  struct comparison *results = calloc(pieces + 1, sizeof *results);
  check(results != NULL);
  if (!status) status = jobs_run((int)pieces, wanted->workers, app->is_quiet ? NULL : "look-ahead check", work, &lookahead, results, sizeof *results);
  int code = status ? app_fail(app, status) : report(app, &lookahead, results);
  free(results);
  free(lookahead.times);
  free(lookahead.known);
  lines_free(&lookahead.base);
  return code;
}
