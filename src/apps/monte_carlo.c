#include "apps/monte_carlo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/random.h"

const char *const monte_carlo_kind_names[] = {"shuffle", "bootstrap", "skip", "cost"};
const int monte_carlo_ranks[MONTE_CARLO_RANKS] = {5, 25, 50, 75, 95};

static const double skip_probability = 0.1;
static const double cost_factor_min = 0.5;
static const double cost_factor_max = 2;

void monte_carlo_of_trade(const struct trade *trade, struct monte_carlo_trade *out) {
  double slippage = 0; /* USD */
  double per_bps = decimal_to_double(trade->qty) * 1e-4;
  if (trade->slippage_entry_bps > 0) slippage += per_bps * decimal_to_double(trade->entry) * trade->slippage_entry_bps;
  if (trade->slippage_exit_bps > 0) slippage += per_bps * decimal_to_double(trade->exit_average) * trade->slippage_exit_bps;
  *out = (struct monte_carlo_trade){.r = trade->pnl_r, .slippage_r = trade->r_usd > 0 ? slippage / decimal_to_double(trade->r_usd) : 0};
}

/* ---- one draw ---- */

struct path {
  double risk, equity, peak;
  int32_t losses;
  struct monte_carlo_draw *out;
};

static void take(struct path *path, double r) {
  path->equity *= 1 + path->risk * r;
  if (!(path->equity > 0)) path->equity = 0; /* nothing is left, and nothing comes back */
  if (path->equity > path->peak) path->peak = path->equity;
  double fall = (path->peak - path->equity) / path->peak;
  if (fall > path->out->max_drawdown) path->out->max_drawdown = fall;
  path->losses = r < 0 ? path->losses + 1 : 0;
  if (path->losses > path->out->losing_run) path->out->losing_run = path->losses;
}

/* Fisher and Yates. */
static void shuffle(int32_t *order, int32_t count, struct random *random) {
  for (int32_t i = 0; i < count; i++) order[i] = i;
  for (int32_t i = count - 1; i > 0; i--) {
    int32_t other = (int32_t)random_below(random, (uint64_t)i + 1);
    int32_t kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
}

static int32_t block_of(const struct monte_carlo_options *options, int32_t count) {
  if (options->block > 0) return options->block;
  int32_t block = 1;
  while ((int64_t)block * block * block < count) block++;
  return block;
}

static void take_blocks(struct path *path, const struct monte_carlo_trade *trades, int32_t count, int32_t block, struct random *random) {
  int32_t at = 0;
  for (int32_t i = 0; i < count; i++) {
    at = i % block == 0 ? (int32_t)random_below(random, (uint64_t)count) : (at + 1) % count;
    take(path, trades[at].r);
  }
}

/* The first number of a generator of seed and kind, so that draws of neighbouring seeds do not meet. */
static void draw_init(struct random *random, int64_t seed, enum monte_carlo_kind kind, int64_t draw) {
  random_init(random, (uint64_t)seed);
  uint64_t stream = 0;
  for (int i = 0; i <= (int)kind; i++) stream = random_next(random);
  random_init(random, stream + (uint64_t)draw);
}

void monte_carlo_draw(const struct monte_carlo_trade *trades, int32_t count, enum monte_carlo_kind kind, const struct monte_carlo_options *options,
                      int64_t draw, int32_t *order, struct monte_carlo_draw *out) {
  struct random random;
  struct path path = {.risk = options->risk_per_trade, .equity = 1, .peak = 1, .out = out};
  *out = (struct monte_carlo_draw){0};
  draw_init(&random, options->seed, kind, draw);
  if (kind == MONTE_CARLO_SHUFFLE) shuffle(order, count, &random);
  if (kind == MONTE_CARLO_BOOTSTRAP) take_blocks(&path, trades, count, block_of(options, count), &random);
  for (int32_t i = 0; i < count && kind != MONTE_CARLO_BOOTSTRAP; i++) {
    const struct monte_carlo_trade *trade = &trades[kind == MONTE_CARLO_SHUFFLE ? order[i] : i];
    double r = trade->r;
    if (kind == MONTE_CARLO_SKIP && random_unit(&random) < skip_probability) continue;
    if (kind == MONTE_CARLO_COST) {
      r -= (cost_factor_min + (cost_factor_max - cost_factor_min) * random_unit(&random) - 1) * trade->slippage_r;
    }
    take(&path, r);
  }
  out->total_return = path.equity - 1;
}

/* ---- many draws ---- */

static int ascending(const void *a, const void *b) {
  const double *left = a;
  const double *right = b;
  return (*left > *right) - (*left < *right);
}

/* Reorders values. */
static void rank(double *values, int64_t count, double out[MONTE_CARLO_RANKS]) {
  qsort(values, (size_t)count, sizeof *values, ascending);
  for (int i = 0; i < MONTE_CARLO_RANKS; i++) out[i] = values[(monte_carlo_ranks[i] * count + 99) / 100 - 1];
}

static void run_kind(const struct monte_carlo_trade *trades, int32_t count, enum monte_carlo_kind kind, const struct monte_carlo_options *options,
                     struct monte_carlo_result *out) {
  int64_t draws = options->draws;
  double *values = calloc((size_t)draws * 3, sizeof *values);
  int32_t *order = calloc((size_t)count, sizeof *order);
  check(values != NULL && order != NULL);
  int64_t kills = 0;
  int64_t losses = 0;
  for (int64_t i = 0; i < draws; i++) {
    struct monte_carlo_draw draw;
    monte_carlo_draw(trades, count, kind, options, i, order, &draw);
    values[i] = draw.total_return;
    values[draws + i] = draw.max_drawdown;
    values[2 * draws + i] = draw.losing_run;
    if (draw.max_drawdown >= options->kill_limit) kills++;
    if (draw.total_return <= 0) losses++;
  }
  rank(values, draws, out->total_return);
  rank(values + draws, draws, out->max_drawdown);
  rank(values + 2 * draws, draws, out->losing_run);
  out->kill_probability = (double)kills / (double)draws;
  out->p_value = (double)losses / (double)draws;
  free(order);
  free(values);
}

static void set_null(struct monte_carlo_result *out) {
  for (int i = 0; i < MONTE_CARLO_RANKS; i++) out->total_return[i] = out->max_drawdown[i] = out->losing_run[i] = NAN;
  out->kill_probability = out->p_value = NAN;
}

void monte_carlo_run(const struct monte_carlo_trade *trades, int32_t count, const struct monte_carlo_options *options, struct monte_carlo *out) {
  check(options->draws > 0 && options->draws <= MONTE_CARLO_DRAWS_MAX && options->block >= 0);
  *out = (struct monte_carlo){.options = *options, .trades = count};
  out->options.block = count > 0 ? block_of(options, count) : options->block;
  for (int i = 0; i < monte_carlo_kind_count; i++) {
    if (count > 0) {
      run_kind(trades, count, (enum monte_carlo_kind)i, options, &out->kinds[i]);
    } else {
      set_null(&out->kinds[i]);
    }
  }
}

void monte_carlo_of_trades(const struct trade *trades, int64_t count, const struct monte_carlo_options *options, struct monte_carlo *out) {
  struct monte_carlo_trade *rows = calloc((size_t)count + 1, sizeof *rows);
  check(rows != NULL && count <= INT32_MAX);
  for (int64_t i = 0; i < count; i++) monte_carlo_of_trade(&trades[i], &rows[i]);
  monte_carlo_run(rows, (int32_t)count, options, out);
  free(rows);
}

/* ---- output ---- */

static void add_ranks(struct json_writer *json, const char *key, const double values[MONTE_CARLO_RANKS]) {
  static const char *const keys[MONTE_CARLO_RANKS] = {"p5", "p25", "p50", "p75", "p95"};
  json_begin_object(json, key);
  for (int i = 0; i < MONTE_CARLO_RANKS; i++) json_add_double(json, keys[i], values[i]);
  json_end_object(json);
}

void monte_carlo_json(const struct monte_carlo *monte_carlo, const char *key, struct json_writer *json) {
  json_begin_object(json, key);
  json_add_int(json, "draws", monte_carlo->options.draws);
  json_add_int(json, "block", monte_carlo->options.block);
  json_add_int(json, "seed", monte_carlo->options.seed);
  json_add_int(json, "trades", monte_carlo->trades);
  json_add_double(json, "risk_per_trade", monte_carlo->options.risk_per_trade);
  json_add_double(json, "kill_limit", monte_carlo->options.kill_limit);
  for (int i = 0; i < monte_carlo_kind_count; i++) {
    const struct monte_carlo_result *result = &monte_carlo->kinds[i];
    json_begin_object(json, monte_carlo_kind_names[i]);
    add_ranks(json, "total_return", result->total_return);
    add_ranks(json, "max_drawdown", result->max_drawdown);
    add_ranks(json, "losing_run", result->losing_run);
    json_add_double(json, "kill_probability", result->kill_probability);
    json_add_double(json, "p_value", result->p_value);
    json_end_object(json);
  }
  json_end_object(json);
}
