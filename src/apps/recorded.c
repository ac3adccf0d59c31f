#include "apps/recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapters/clock/system_clock.h"
#include "adapters/source/export.h"
#include "base/calendar.h"
#include "base/progress.h"
#include "base/text.h"
#include "runner/preset_print.h"

static const struct app_option options[] = {
    {"data", 'd', true, "DATA", "file, folder or dataset; repeatable, or separated by commas"},
    {"symbols", 'p', true, "LIST", "only these symbols, separated by commas or blanks"},
    {"pairs", 0, true, "LIST", "same as --symbols"},
    {"symbol", 0, true, "SYMBOL", "same as --symbols"},
    {"format", 0, true, "FORMAT", "of the files; auto looks inside"},
    {"funding", 0, true, "PATH", "further funding files"},
    {"mark", 0, true, "PATH", "further mark price files"},
    {"instruments", 0, true, "FILE", "tick and lot sizes of the instruments"},
    {"fill", 0, true, "flat", "fill holes of at most 5 minutes with flat candles"},
    {"allow-bad-data", 0, false, NULL, "take data with holes or rejected rows, and stamp the result"},
};

int recorded_options(struct app_option *out, const struct app_option *own, int own_count) {
  int count = 0;
  for (int i = 0; i < own_count; i++) out[count++] = own[i];
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) out[count++] = options[i];
  for (int i = 0; i < APP_RANGE_OPTIONS; i++) out[count++] = app_range_options[i];
  return count;
}

static bool add_words(struct app *app, char *list, const char *option, const char *value) {
  size_t used = strlen(list);
  size_t length = strlen(value);
  if (length == 0 || used + length + 2 > RECORDED_PATHS_MAX) {
    problem_add(&app->problem, "bad_parameter", option, length == 0 ? "" : NULL, NULL, length == 0 ? "the value is empty" : "the list is too long");
    return false;
  }
  if (used > 0) list[used++] = ',';
  memcpy(list + used, value, length + 1);
  return true;
}

bool recorded_add_data(struct recorded *recorded, struct app *app, const char *value) {
  return add_words(app, recorded->data, "--data", value);
}

bool recorded_add_symbols(struct recorded *recorded, struct app *app, const char *value) {
  if (!add_words(app, recorded->symbols, "--symbols", value)) return false;
  for (char *c = recorded->symbols; *c != '\0'; c++) {
    if (*c == ' ') *c = ',';
  }
  return true;
}

static bool take_format(struct recorded *recorded, struct app *app, const char *value) {
  for (int i = 0; i < SOURCE_FORMAT_COUNT; i++) {
    if (!text_equal(value, source_format_names[i])) continue;
    recorded->source.format = (enum source_format)i;
    return true;
  }
  int nearest = text_nearest(value, source_format_names, SOURCE_FORMAT_COUNT);
  problem_add(&app->problem, "bad_parameter", "--format", value, source_format_names[nearest >= 0 ? nearest : 0], "this format is not known");
  return false;
}

enum status recorded_read(struct app *app, const struct app_option *own, int own_count, int argc, char **argv, recorded_take_one *take, void *call) {
  struct app_option all[RECORDED_OPTIONS_MAX];
  int count = recorded_options(all, own, own_count);
  struct app_arguments arguments;
  const char *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, all, count, &value)) != APP_DONE) {
    if (option == APP_WRONG || !take(app, call, all, option, value)) return STATUS_BAD_CONFIG;
  }
  return STATUS_OK;
}

bool recorded_take(struct recorded *recorded, struct app *app, const struct app_option *option, const char *value) {
  const char *name = option->name;
  if (text_equal(name, "data")) return recorded_add_data(recorded, app, value);
  if (text_equal(name, "symbols") || text_equal(name, "pairs") || text_equal(name, "symbol")) return recorded_add_symbols(recorded, app, value);
  if (text_equal(name, "format")) return take_format(recorded, app, value);
  if (text_equal(name, "funding")) return recorded->source.funding = value, true;
  if (text_equal(name, "mark")) return recorded->source.mark = value, true;
  if (text_equal(name, "instruments")) return recorded->source.instruments = value, true;
  if (text_equal(name, "allow-bad-data")) return recorded->source.allows_bad_data = true;
  if (text_equal(name, "fill")) {
    recorded->source.is_filled_flat = text_equal(value, "flat");
    if (!recorded->source.is_filled_flat) problem_add(&app->problem, "bad_parameter", "--fill", value, "flat", "holes can only be filled flat");
    return recorded->source.is_filled_flat;
  }
  return app_take_range(app, &recorded->range, name, value);
}

/* Names of datasets become their folders. */
static enum status resolve_paths(struct recorded *recorded, struct app *app) {
  char typed[RECORDED_PATHS_MAX];
  text_copy(typed, sizeof typed, recorded->data);
  recorded->data[0] = '\0';
  char *rest;
  for (char *word = strtok_r(typed, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
    char path[1024];
    (void)dataset_find(word, app->settings.data_dir, path, sizeof path);
    if (!add_words(app, recorded->data, "--data", path)) return STATUS_BAD_CONFIG;
  }
  return STATUS_OK;
}

enum status recorded_open(struct recorded *recorded, struct app *app, struct wiring *wiring) {
  if (recorded->data[0] == '\0') {
    problem_add(&app->problem, "missing_argument", "--data", NULL, "recordings/binance-usdm-2025-05",
                "no recorded market is named: a file, a folder or a name of `breakout data list`");
    return STATUS_BAD_CONFIG;
  }
  const struct app_range *range = &recorded->range;
  if (range->from_ms != 0 && range->to_ms != 0 && range->from_ms >= range->to_ms) {
    problem_add(&app->problem, "bad_parameter", "--to", NULL, "a time after --from", "the range is empty");
    return STATUS_BAD_CONFIG;
  }
  enum status status = resolve_paths(recorded, app);
  if (status) return status;
  snprintf(recorded->cache, sizeof recorded->cache, "%s/cache", app->settings.data_dir);
  recorded->source.data = recorded->data;
  recorded->source.symbols = recorded->symbols[0] != '\0' ? recorded->symbols : NULL;
  recorded->source.cache_folder = recorded->cache;
  recorded->source.keeps_pages = true;
  recorded->source.from_ms = range->from_ms;
  recorded->source.to_ms = range->to_ms;
  status = wiring_open_source(wiring, app, &recorded->source);
  if (status) return status;
  if (app->problem.count > 0 && !app->is_quiet) problem_print(&app->problem, stderr);
  problem_clear(&app->problem);
  return recorded_range(recorded, app, wiring);
}

enum status recorded_range(struct recorded *recorded, struct app *app, const struct wiring *wiring) {
  struct app_range *range = &recorded->range;
  int64_t first;
  int64_t last;
  source_range(wiring->source, &first, &last);
  int64_t to = range->to_ms != 0 && range->to_ms < last ? range->to_ms : last;
  if (range->days > 0) range->from_ms = to - range->days * DAY_MS;
  bool is_outside = (range->to_ms != 0 && range->to_ms <= first) || range->from_ms >= last;
  if (!is_outside) return STATUS_OK;
  char allowed[96];
  struct text text;
  text_init(&text, allowed, sizeof allowed);
  text_add_time(&text, first);
  text_add(&text, " to ");
  text_add_time(&text, last);
  problem_add(&app->problem, "no_data", "--from", NULL, allowed, "the data have nothing inside the range");
  return STATUS_NO_DATA;
}

enum status recorded_play(struct wiring *wiring, const struct wiring_options *wiring_options, int64_t to, bool shows_progress, recorded_visit *visit,
                          void *context) {
  struct problem *problem = &wiring->app->problem;
  enum status status = wiring_open_engine(wiring, wiring_options, NULL, NULL);
  if (!status) status = wiring_describe_symbols(wiring);
  if (status) return status;
  int64_t first = wiring->source_feed.from;
  wiring_put_preset(wiring, first);
  if (shows_progress) progress_begin(wiring->app->verb, to > first ? to - first : 1);
  for (int64_t n = 0; playback_next_ts(&wiring->playback) <= to && !app_interrupted; n++) {
    struct event event;
    status = playback_next(&wiring->playback, &event, problem);
    if (status) break;
    runner_market(&wiring->runner, &event);
    if (event.kind == EVENT_TICK && event.tick.is_candle_close && visit != NULL) visit(context, wiring, event.ts);
    if (shows_progress && n % 1024 == 0) progress_set(event.ts - first);
  }
  if (shows_progress) progress_end();
  if (app_interrupted) return STATUS_INTERRUPTED;
  return status == STATUS_END ? STATUS_OK : status;
}

enum status recorded_run_again(struct run *run, const struct wiring *wiring, const struct run_options *run_options, const struct preset *changed) {
  *run = (struct run){0};
  struct wiring again = {.app = wiring->app, .source = wiring->source, .preset = wiring->preset};
  if (changed != NULL) again.preset.preset = *changed;
  enum status status = source_seek(wiring->source, INT64_MIN, &wiring->app->problem);
  if (!status) status = run_execute(run, &again, run_options);
  again.source = NULL; /* borrowed, like the texts of the preset */
  again.preset = (struct wired_preset){0};
  wiring_close(&again);
  return status;
}

int recorded_find_symbol(struct app *app, const struct source *source, const char *spelling) {
  int index = source_find_symbol(source, spelling);
  if (index >= 0) return index;
  static const char *names[2 * SOURCE_SYMBOLS_MAX];
  int count = source_symbol_count(source);
  for (int i = 0; i < count; i++) {
    names[2 * i] = source_symbol(source, i);
    names[2 * i + 1] = source_venue_symbol(source, i);
  }
  char quoted[SYMBOL_TEXT_MAX];
  snprintf(quoted, sizeof quoted, "%.20sUSDT", spelling);
  int near = source_find_symbol(source, quoted); /* SOL for SOLUSDT */
  int nearest = near >= 0 ? 2 * near + 1 : text_nearest(spelling, names, 2 * count);
  problem_add(&app->problem, "not_found", spelling, NULL, nearest >= 0 ? names[nearest] : names[1], "the data have no such symbol");
  return -1;
}

static int64_t last_close(const struct source *source, int symbol) {
  size_t count;
  const struct candle *candles = source_candles(source, symbol, &count);
  return count > 0 ? candles[count - 1].open_ts + source_interval_ms(source) : 0;
}

/* The files of a set seldom end together, and a scan at the end of the longest would find all others stale. */
int64_t recorded_last(const struct source *source, int symbol) {
  if (symbol >= 0) return last_close(source, symbol);
  int count = source_symbol_count(source);
  int64_t best = 0;
  for (int i = 0; i < count; i++) {
    int64_t ts = last_close(source, i);
    int alive = 0;
    for (int k = 0; k < count; k++) alive += last_close(source, k) >= ts ? 1 : 0;
    if (10 * alive >= 9 * count && ts > best) best = ts;
  }
  return best;
}
