#include "apps/lookahead.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "apps/jobs.h"
#include "apps/lookahead_state.h"
#include "apps/lookahead_tap.h"
#include "apps/recorded.h"
#include "base/calendar.h"
#include "base/check.h"

const char *const piece_kind_names[] = {"hidden_noise", "hidden_nothing", "earlier", "cut", "scramble"};
const int lookahead_weeks[LOOKAHEAD_STARTS] = {1, 2, 4};

/* How long a run with noise goes on behind its time: long enough for positions and candidates to meet the noise. */
static const int64_t noise_ms = 6 * HOUR_MS;
/* Trading that must remain after a later start for its check to mean something. */
static const int64_t least_ms = 2 * DAY_MS;

/* ---- one run ---- */

static enum status run_tapped(const struct wiring *wiring, const struct run_options *of, struct tap *tap, struct run *run) {
  struct run_options options = *of;
  options.shows_progress = false;
  options.on_open = tap_open;
  options.context = tap;
  enum status status = recorded_run_again(run, wiring, &options, NULL);
  if (!status) tap_end(tap);
  return status;
}

static void keep_failure(const struct wiring *wiring, enum status status, struct comparison *out) {
  const struct problem *problem = &wiring->app->problem;
  out->status = status;
  if (status) text_copy(out->message, sizeof out->message, problem->count > 0 ? problem->items[0].message : status_text(status));
}

/* ---- pieces ---- */

/* The copy takes the place of the source in everything that the run is made of. */
static enum status run_hidden(const struct lookahead *lookahead, const struct piece *piece, struct tap *tap, struct run *run) {
  struct wiring hidden = *lookahead->wiring;
  enum curtain_form form = piece->kind == PIECE_HIDDEN_NOISE ? CURTAIN_NOISE : CURTAIN_NOTHING;
  struct problem *problem = &hidden.app->problem;
  tap->form = TAP_CURTAIN;
  tap->source = hidden.source;
  tap->known = lookahead->base.count;
  enum status status = curtain_open(&tap->curtain, hidden.source, form, (uint64_t)lookahead->check->seed, problem);
  if (!status) status = source_seek(tap->source, INT64_MIN, problem);
  if (status) return status;
  hidden.source = curtain_source(tap->curtain);
  return run_tapped(&hidden, lookahead->options, tap, run);
}

static enum status run_shortened(const struct lookahead *lookahead, const struct piece *piece, struct tap *tap, struct run *run) {
  struct run_options options = *lookahead->options;
  tap->form = piece->kind == PIECE_CUT ? TAP_CUT : TAP_SCRAMBLE;
  tap->at = piece->at;
  tap->known = piece->known;
  random_init(&tap->random, (uint64_t)lookahead->check->seed + (uint64_t)piece->at);
  options.cut_at_ms = piece->kind == PIECE_CUT ? piece->at : piece->at + noise_ms;
  return run_tapped(lookahead->wiring, &options, tap, run);
}

/* Two runs that trade from one time on, over data that begin at different ones. */
static enum status run_earlier(const struct lookahead *lookahead, const struct piece *piece, const struct tap *tap, struct run *run) {
  struct heard later = {0};
  struct tap late = {.form = TAP_LATER, .ear = TAP_SESSION, .at = piece->at, .heard_from = piece->from, .heard = &later, .outer = tap->outer};
  struct run_options options = *lookahead->options;
  options.from_ms = piece->from;
  enum status status = run_tapped(lookahead->wiring, &options, &late, run);
  options.from_ms = run->started_at;
  run_deinit(run);
  struct tap early = *tap;
  early.form = TAP_WHOLE;
  early.ear = TAP_SESSION;
  early.heard_from = piece->from;
  early.later_at = piece->at;
  early.base = &later;
  early.known = later.count;
  if (!status) status = run_tapped(lookahead->wiring, &options, &early, run);
  tap_deinit(&early);
  tap_deinit(&late);
  heard_free(&later);
  return status;
}

static void work(void *context, int index, void *result) {
  const struct lookahead *lookahead = context;
  const struct piece *piece = &lookahead->pieces[index];
  struct comparison *out = result;
  struct tap tap = {.outer = lookahead->options, .base = &lookahead->base, .comparison = out};
  struct run run = {0};
  enum status status;
  comparison_init(out);
  switch (piece->kind) {
    case PIECE_HIDDEN_NOISE:
    case PIECE_HIDDEN_NOTHING:
      status = run_hidden(lookahead, piece, &tap, &run);
      break;
    case PIECE_EARLIER:
      status = run_earlier(lookahead, piece, &tap, &run);
      break;
    default:
      status = run_shortened(lookahead, piece, &tap, &run);
  }
  keep_failure(lookahead->wiring, status, out);
  run_deinit(&run);
  tap_deinit(&tap);
}

/* ---- what is to be done ---- */

static struct piece *add_piece(struct lookahead *lookahead, enum piece_kind kind) {
  struct piece *piece = &lookahead->pieces[lookahead->piece_count++];
  *piece = (struct piece){.kind = kind};
  return piece;
}

/* Data that begin `weeks` later, are warm as long after that as the whole run was, and leave something to trade. */
static void plan_earlier(struct lookahead *lookahead, const struct run *run, int64_t first) {
  int64_t warm = run->started_at - first;
  if (lookahead->options->from_ms > 0) warm = 0;
  for (int i = 0; i < LOOKAHEAD_STARTS; i++) {
    int64_t at = first + (int64_t)lookahead_weeks[i] * 7 * DAY_MS;
    int64_t from = at + warm;
    lookahead->is_warm_checked[i] = warm > 0 && from + least_ms <= run->ended_at;
    if (!lookahead->is_warm_checked[i]) continue;
    struct piece *piece = add_piece(lookahead, PIECE_EARLIER);
    piece->at = at;
    piece->from = from;
    piece->weeks = lookahead_weeks[i];
  }
}

static int even_times(const struct lookahead *lookahead, const struct run *run, int64_t *times) {
  int64_t step = source_interval_ms(lookahead->wiring->source);
  int64_t from = run->started_at;
  int count = 0;
  for (int i = 1; i <= lookahead->check->cuts; i++) {
    int64_t ts = from + (run->ended_at - from) / (lookahead->check->cuts + 1) * i;
    ts -= ts % step;
    if (count == 0 || ts > times[count - 1]) times[count++] = ts;
  }
  return count;
}

/* The whole run once for its period and once, when the times of the cuts are known, for what was said before each of them. */
static enum status hear_base(struct lookahead *lookahead, struct run *run, int64_t *times, int64_t *counts, int time_count) {
  struct tap tap = {
      .form = TAP_WHOLE, .heard = &lookahead->base, .times = times, .counts = counts, .time_count = time_count, .outer = lookahead->options};
  enum status status = run_tapped(lookahead->wiring, lookahead->options, &tap, run);
  tap_deinit(&tap);
  return status;
}

static enum status plan_cuts(struct lookahead *lookahead, const struct run *run) {
  int64_t *times = calloc(2 * (size_t)lookahead->check->cuts, sizeof *times);
  check(times != NULL);
  int64_t *counts = times + lookahead->check->cuts;
  int count = even_times(lookahead, run, times);
  struct run again;
  heard_free(&lookahead->base);
  enum status status = hear_base(lookahead, &again, times, counts, count);
  run_deinit(&again);
  for (int i = 0; i < count && !status; i++) {
    for (int kind = PIECE_CUT; kind <= PIECE_SCRAMBLE; kind++) {
      struct piece *piece = add_piece(lookahead, (enum piece_kind)kind);
      piece->at = times[i];
      piece->known = counts[i];
    }
  }
  free(times);
  return status;
}

static enum status plan(struct lookahead *lookahead) {
  const struct source *source = lookahead->wiring->source;
  struct run run;
  int64_t first;
  int64_t last;
  source_range(source, &first, &last);
  enum status status = hear_base(lookahead, &run, NULL, NULL, 0);
  lookahead->has_hidden = curtain_fits(source);
  if (!status && lookahead->has_hidden) {
    (void)add_piece(lookahead, PIECE_HIDDEN_NOISE);
    (void)add_piece(lookahead, PIECE_HIDDEN_NOTHING);
  }
  if (!status) plan_earlier(lookahead, &run, first);
  if (!status && !lookahead->check->is_all) status = plan_cuts(lookahead, &run);
  run_deinit(&run);
  return status;
}

int lookahead_check(struct app *app, struct wiring *wiring, const struct run_options *options, const struct lookahead_options *wanted) {
  if (wanted->is_all && !curtain_fits(wiring->source)) {
    return app_fail_with(app, STATUS_BAD_CONFIG, "bad_parameter", "--all",
                         "recorded messages are read one by one, so that nothing of their future can be hidden: use --cuts N");
  }
  struct lookahead lookahead = {.wiring = wiring, .options = options, .check = wanted};
  size_t room = 2 + LOOKAHEAD_STARTS + 2 * (size_t)wanted->cuts;
  lookahead.pieces = calloc(room, sizeof *lookahead.pieces);
  struct comparison *results = calloc(room, sizeof *results);
  check(lookahead.pieces != NULL && results != NULL);
  enum status status = plan(&lookahead);
  if (!status) {
    const char *label = app->is_quiet ? NULL : "look-ahead check";
    status = jobs_run(lookahead.piece_count, wanted->workers, label, work, &lookahead, results, sizeof *results);
  }
  int code = status ? app_fail(app, status) : lookahead_report(app, &lookahead, results);
  free(results);
  free(lookahead.pieces);
  heard_free(&lookahead.base);
  return code;
}
