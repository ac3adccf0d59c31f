#include "apps/wiring.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"

void wiring_options_init(struct wiring_options *options) {
  *options = (struct wiring_options){.starting_balance = NAN,
                                     .slippage_bps = NAN,
                                     .impact_bps = NAN,
                                     .taker_fee_bps = NAN,
                                     .maker_fee_bps = NAN,
                                     .latency_ms = -1,
                                     .path = SIM_PATH_ADVERSE};
}

enum status wiring_open_source(struct wiring *wiring, struct app *app, const struct source_options *options) {
  wiring->app = app;
  return source_open(&wiring->source, options, &app->problem);
}

/* ---- preset ---- */

static enum status apply_changes(struct preset *preset, struct app *app, const struct wiring_options *options) {
  for (int i = 0; i < options->set_key_count; i++) {
    const char *equals = strchr(options->set_keys[i], '=');
    char path[96];
    if (equals == NULL || (size_t)(equals - options->set_keys[i]) >= sizeof path) {
      problem_add(&app->problem, "bad_parameter", "--set-key", options->set_keys[i], "KEY=VALUE", "not a change of a preset key");
      return STATUS_BAD_CONFIG;
    }
    text_copy(path, (size_t)(equals - options->set_keys[i]) + 1, options->set_keys[i]);
    enum status status = preset_set_key(preset, path, equals + 1, &app->problem);
    if (status) return status;
  }
  if (isfinite(options->taker_fee_bps)) preset->execution_config.taker_fee_bps = options->taker_fee_bps;
  if (isfinite(options->maker_fee_bps)) preset->execution_config.maker_fee_bps = options->maker_fee_bps;
  enum status status = preset_apply_overrides(preset, &app->settings.preset_overrides, &app->problem);
  if (status) return status;
  return preset_check(preset, NULL, &app->problem);
}

/* White- and blacklist against the symbols of the source. */
static enum status resolve_lists(struct wiring *wiring, struct app *app) {
  struct wired_preset *wired = &wiring->preset;
  int count = source_symbol_count(wiring->source);
  char(*symbols)[SYMBOL_TEXT_MAX] = calloc((size_t)count, sizeof *symbols);
  bool *allowed = calloc((size_t)count, sizeof *allowed);
  free(wired->flags);
  wired->flags = calloc((size_t)count, sizeof *wired->flags);
  check(symbols != NULL && allowed != NULL && wired->flags != NULL);
  for (int i = 0; i < count; i++) text_copy(symbols[i], SYMBOL_TEXT_MAX, source_symbol(wiring->source, i));
  struct preset white = wired->preset;
  white.scanner_config.symbol_blacklist.is_null = true;
  struct problem unused;
  problem_clear(&unused);
  enum status status = preset_resolve_lists(&white, (const char(*)[SYMBOL_TEXT_MAX])symbols, count, allowed, &app->problem);
  for (int i = 0; i < count && !status; i++) wired->flags[i] = (struct symbol_flag){i, allowed[i], false};
  if (!status) status = preset_resolve_lists(&wired->preset, (const char(*)[SYMBOL_TEXT_MAX])symbols, count, allowed, &unused);
  for (int i = 0; i < count && !status; i++) wired->flags[i].is_blacklisted = wired->flags[i].is_whitelisted && !allowed[i];
  wired->flag_count = count;
  free(symbols);
  free(allowed);
  return status;
}

enum status wiring_load_preset(struct wiring *wiring, struct app *app, const struct wiring_options *options) {
  struct preset_store store;
  preset_store_init(&store, app->settings.presets_dir, app->settings.data_dir);
  struct wired_preset *wired = &wiring->preset;
  enum status status = preset_store_load(&store, options->preset, &wired->preset, NULL, &app->problem);
  if (!status) status = apply_changes(&wired->preset, app, options);
  return status ? status : wiring_seal_preset(wiring, app);
}

enum status wiring_seal_preset(struct wiring *wiring, struct app *app) {
  struct wired_preset *wired = &wiring->preset;
  enum status status = resolve_lists(wiring, app);
  if (status) return status;
  preset_hash(&wired->preset, wired->hash);
  buffer_clear(&wired->json);
  preset_print_canonical(&wired->preset, &wired->json);
  return STATUS_OK;
}

/* ---- engine ---- */

static double or_setting(double value, double setting) {
  return isfinite(value) ? value : setting;
}

static uint32_t all_capabilities(const struct source *source) {
  uint32_t bits = 0;
  for (int i = 0; i < source_symbol_count(source); i++) bits |= source_capabilities(source, i);
  return bits;
}

static void fill_limits(struct wiring *wiring) {
  uint32_t capabilities = all_capabilities(wiring->source);
  wiring->limits = (struct engine_limits){.symbols = source_symbol_count(wiring->source),
                                          .book_depth = (capabilities & CAPABILITY_BOOK) ? settings_book_levels(&wiring->app->settings) : 0,
                                          .has_tape = (capabilities & CAPABILITY_TRADES) != 0,
                                          .base_ms = source_interval_ms(wiring->source)};
}

static void fill_config(struct wiring *wiring, const struct wiring_options *options) {
  const struct settings *settings = &wiring->app->settings;
  struct engine_config *config = &wiring->config;
  double balance = or_setting(options->starting_balance, settings->paper_starting_balance);
  *config = (struct engine_config){.starting_balance = decimal_from_double(balance),
                                   .max_leverage = settings->max_leverage,
                                   .reconcile_interval_s = options->is_backtest ? 0 : settings->reconcile_interval_s,
                                   .market_fetch_limit = settings->engine_market_fetch_limit,
                                   .deep_symbol_limit = settings->deep_symbol_limit,
                                   .market_data_timeout_s = settings->market_data_timeout,
                                   .fees_from_venue = false,
                                   .resume_paused = settings->resume_on_restart == RESUME_PAUSED,
                                   .is_backtest = options->is_backtest};
  text_copy(config->instance, sizeof config->instance, "000000");
  text_copy(config->venue, sizeof config->venue, "paper");
  text_copy(config->feed, sizeof config->feed, options->feed_name);
}

static enum status open_venue(struct wiring *wiring, const struct wiring_options *options) {
  const struct settings *settings = &wiring->app->settings;
  const struct preset_execution_config *fees = &wiring->preset.preset.execution_config;
  struct sim_options sim = {.starting_balance = wiring->config.starting_balance,
                            .slippage_bps = or_setting(options->slippage_bps, settings->paper_slippage_bps),
                            .impact_bps = or_setting(options->impact_bps, settings->paper_impact_bps),
                            .max_participation = settings->paper_max_participation,
                            .taker_fee_bps = fees->taker_fee_bps,
                            .maker_fee_bps = fees->maker_fee_bps,
                            .latency_ms = options->latency_ms >= 0 ? options->latency_ms : settings->paper_latency_ms,
                            .base_ms = wiring->limits.base_ms,
                            .max_leverage = settings->max_leverage,
                            .symbols = wiring->limits.symbols,
                            .book_depth = wiring->limits.book_depth,
                            .path = options->path,
                            .stop_trigger = settings->stop_trigger == STOP_TRIGGER_MARK ? SIM_TRIGGER_MARK : SIM_TRIGGER_LAST};
  enum status status = sim_open(&wiring->sim, &sim);
  if (!status) sim_exchange(&wiring->sim, &wiring->exchange);
  return status;
}

enum status wiring_prepare(struct wiring *wiring, const struct wiring_options *options) {
  fill_limits(wiring);
  fill_config(wiring, options);
  enum status status = arena_open(&wiring->arena, engine_memory(&wiring->limits));
  if (!status) status = open_venue(wiring, options);
  if (status) return status;
  source_feed_init(&wiring->source_feed, wiring->source, options->feed_name, &wiring->feed);
  bool has_seconds = wiring->limits.has_tape || wiring->limits.book_depth > 0;
  playback_init(&wiring->playback, &wiring->feed, has_seconds);
  return STATUS_OK;
}

enum status wiring_open_engine(struct wiring *wiring, const struct wiring_options *options, struct journal *journal,
                               const struct engine_counters *counters) {
  enum status status = wiring_prepare(wiring, options);
  if (status) return status;
  wiring->engine = engine_init(&wiring->arena, &wiring->limits, &wiring->config, counters);
  return runner_init(&wiring->runner, wiring->engine, &wiring->exchange, journal, NULL, options->has_digest);
}

void wiring_put_preset(struct wiring *wiring, int64_t ts) {
  struct event event = {.ts = ts, .kind = EVENT_PRESET, .preset_value = &wiring->preset.preset, .preset_json = wiring->preset.json.data};
  text_copy(event.preset.name, sizeof event.preset.name, wiring->preset.preset.name);
  text_copy(event.preset.hash, sizeof event.preset.hash, wiring->preset.hash);
  event.preset.flags_count = wiring->preset.flag_count;
  event.preset.flags = wiring->preset.flags;
  runner_step(&wiring->runner, &event);
}

void wiring_put_command(struct wiring *wiring, int64_t ts, enum command command, const char *user) {
  struct event event = {.ts = ts, .kind = EVENT_COMMAND, .command = {.command = (int32_t)command, .source = SOURCE_OPERATOR, .mode = MODE_PAPER}};
  event.command.operation_id = engine_counters(wiring->engine)->operation + 1;
  text_copy(event.command.user, sizeof event.command.user, user);
  runner_step(&wiring->runner, &event);
}

enum status wiring_describe_symbols(struct wiring *wiring) {
  int count = 2 * source_symbol_count(wiring->source);
  for (int i = 0; i < count; i++) {
    struct event event;
    enum status status = playback_next(&wiring->playback, &event, &wiring->app->problem);
    if (status) return status;
    runner_market(&wiring->runner, &event);
  }
  return STATUS_OK;
}

void wiring_close(struct wiring *wiring) {
  if (wiring->engine != NULL) runner_deinit(&wiring->runner);
  if (wiring->engine != NULL) sim_close(&wiring->sim);
  arena_close(&wiring->arena);
  source_close(wiring->source);
  buffer_deinit(&wiring->preset.json);
  free(wiring->preset.flags);
  *wiring = (struct wiring){0};
}
