#include "apps/entry_test.h"

#include <math.h>
#include <stdlib.h>

#include "apps/channel_sweep.h"
#include "apps/jobs.h"
#include "base/check.h"
#include "base/random.h"

enum { TRIES = 1000 }; /* of a candle where an entry is possible */

struct entry {
  int symbol;
  bool is_long;
};

struct draws {
  const struct preset *preset;
  struct run_options options;
  struct channel_sweep **markets; /* by symbol; NULL: none of its trades was closed */
  const struct entry *entries;
  int64_t count, seed;
};

/* Neighbouring seeds share no draw. */
static void draw_init(struct random *random, int64_t seed, int draw) {
  const uint64_t purpose = UINT64_C(0x656e7472696573); /* "entries": other streams than those of trades drawn with the same seed */
  random_init(random, (uint64_t)seed ^ purpose);
  uint64_t stream = random_next(random);
  random_init(random, stream + (uint64_t)draw);
}

/* False when no candle of many takes the entry. */
static bool enter_somewhere(const struct draws *draws, const struct entry *entry, struct random *random, struct channel_result *memory, double *r) {
  struct channel_sweep *market = draws->markets[entry->symbol];
  uint64_t candles = (uint64_t)channel_sweep_candles(market, draws->preset);
  for (int i = 0; i < TRIES; i++) {
    int32_t candle = (int32_t)random_below(random, candles);
    if (channel_sweep_enter(market, draws->preset, &draws->options, candle, entry->is_long, memory, r)) return true;
  }
  return false;
}

/* Average R of one draw; NaN when an entry found no candle. */
static void work(void *context, int index, void *result) {
  static struct channel_result memory; /* filled again by the next */
  const struct draws *draws = context;
  struct random random;
  double sum = 0;
  draw_init(&random, draws->seed, index);
  for (int64_t i = 0; i < draws->count; i++) {
    double r = NAN;
    if (!enter_somewhere(draws, &draws->entries[i], &random, &memory, &r)) sum = NAN;
    sum += r;
  }
  *(double *)result = sum / (double)draws->count;
}

static enum status refuse(struct app *app, const char *why) {
  problem_add(&app->problem, "not_in_version", "--random-entries", NULL, "channel_baseline and what differs from it in channel_config, risk and fees",
              "the entry test is for the channel strategy over candles: %s", why);
  return STATUS_NOT_IN_VERSION;
}

static enum status open_markets(const struct wiring *wiring, struct draws *draws, const struct run *run, struct entry *entries) {
  for (int64_t i = 0; i < run->trades.count; i++) {
    const struct trade *trade = run_trade(run, i);
    int symbol = source_find_symbol(wiring->source, trade->symbol);
    const char *why = "the symbol is unknown";
    check(symbol >= 0);
    entries[i] = (struct entry){symbol, trade->side == SIDE_LONG};
    if (draws->markets[symbol] != NULL) continue;
    draws->markets[symbol] = channel_sweep_open_symbol(wiring, &draws->options, symbol, &why);
    if (draws->markets[symbol] == NULL) return refuse(wiring->app, why);
    if (!channel_sweep_covers(draws->markets[symbol], draws->preset)) return refuse(wiring->app, "the preset has other features");
  }
  return STATUS_OK;
}

static int ascending(const void *a, const void *b) {
  const double *left = a;
  const double *right = b;
  return (*left > *right) - (*left < *right);
}

static double ranked(const double *sorted, int64_t count, int percent) {
  return sorted[(percent * count + 99) / 100 - 1];
}

static enum status judge(struct app *app, double *averages, struct entry_test *out) {
  int64_t better = 0;
  for (int64_t i = 0; i < out->draws; i++) {
    if (isnan(averages[i])) {
      problem_add(&app->problem, "no_data", "--random-entries", NULL, "a longer range", "no candle of many takes an entry of a closed trade's side");
      return STATUS_NO_DATA;
    }
    out->mean += averages[i] / (double)out->draws;
    if (averages[i] >= out->average_r) better++;
  }
  qsort(averages, (size_t)out->draws, sizeof *averages, ascending);
  out->p5 = ranked(averages, out->draws, 5);
  out->p50 = ranked(averages, out->draws, 50);
  out->p95 = ranked(averages, out->draws, 95);
  out->p_value = (double)better / (double)out->draws;
  return STATUS_OK;
}

enum status entry_test_run(const struct wiring *wiring, const struct run_options *options, const struct run *run, int64_t draws_wanted, int64_t seed,
                           int workers, struct entry_test *out) {
  struct draws draws = {.preset = &wiring->preset.preset, .options = *options, .count = run->trades.count, .seed = seed};
  int symbols = source_symbol_count(wiring->source);
  *out =
      (struct entry_test){.draws = draws_wanted, .seed = seed, .entries = run->trades.count, .average_r = run->performance.figure[FIGURE_average_r]};
  draws.options.keeps_orders = false;
  if (run->trades.count == 0) {
    problem_add(&wiring->app->problem, "no_data", "--random-entries", NULL, NULL, "no trade was closed: there is nothing to compare with");
    return STATUS_NO_DATA;
  }
  draws.markets = calloc((size_t)symbols, sizeof(struct channel_sweep *));
  struct entry *entries = calloc((size_t)run->trades.count, sizeof *entries);
  double *averages = calloc((size_t)draws_wanted, sizeof *averages);
  check(draws.markets != NULL && entries != NULL && averages != NULL);
  draws.entries = entries;
  enum status status = open_markets(wiring, &draws, run, entries);
  if (!status)
    status = jobs_run((int)draws_wanted, workers, options->shows_progress ? "random entries" : NULL, work, &draws, averages, sizeof *averages);
  if (!status) status = judge(wiring->app, averages, out);
  for (int i = 0; i < symbols; i++) channel_sweep_close(draws.markets[i]);
  free(draws.markets);
  free(entries);
  free(averages);
  return status;
}

void entry_test_json(const struct entry_test *test, const char *key, struct json_writer *json) {
  json_begin_object(json, key);
  json_add_int(json, "draws", test->draws);
  json_add_int(json, "seed", test->seed);
  json_add_int(json, "entries", test->entries);
  json_add_double(json, "average_r", test->average_r);
  json_add_double(json, "mean", test->mean);
  json_add_double(json, "p5", test->p5);
  json_add_double(json, "p50", test->p50);
  json_add_double(json, "p95", test->p95);
  json_add_double(json, "p_value", test->p_value);
  json_end_object(json);
}
