/* Puts the pieces of one engine together: recorded data, paper venue, engine, runner, preset. The only place that chooses adapters for ports. */
#ifndef APPS_WIRING_H
#define APPS_WIRING_H

#include "adapters/sim/sim.h"
#include "adapters/source/source_feed.h"
#include "apps/app.h"
#include "engine/view.h"
#include "runner/playback.h"
#include "runner/preset_store.h"
#include "runner/runner.h"

/* What differs from the settings for one run. NaN and 0: as in the settings or the preset. */
struct wiring_options {
  const char *preset;          /* name or path */
  const char *const *set_keys; /* KEY=VALUE changes of the preset */
  int set_key_count;
  const char *feed_name;
  double starting_balance, slippage_bps, impact_bps, taker_fee_bps, maker_fee_bps;
  int64_t latency_ms; /* -1: as in the settings */
  enum sim_path path;
  bool is_backtest;
  bool has_digest;
};

/* A preset in force, with everything that its event needs. */
struct wired_preset {
  struct preset preset;
  char hash[DIGEST_TEXT_MAX];
  struct buffer json;        /* canonical form */
  struct symbol_flag *flags; /* owned, one a symbol */
  int32_t flag_count;
};

struct wiring {
  struct app *app;
  struct source *source;
  struct source_feed source_feed;
  struct feed feed;
  struct playback playback;
  struct engine_limits limits;
  struct engine_config config;
  struct arena arena;
  struct engine *engine;
  struct sim sim;
  struct exchange exchange;
  struct runner runner;
  struct wired_preset preset;
};

void wiring_options_init(struct wiring_options *options);
/* Opens recorded data named by --data; the problem tells what is wrong with them. */
NODISCARD enum status wiring_open_source(struct wiring *wiring, struct app *app, const struct source_options *options);
/* Reads and checks the preset, resolves its lists against the source. */
NODISCARD enum status wiring_load_preset(struct wiring *wiring, struct app *app, const struct wiring_options *options);
/* What follows from the preset at hand (hash, canonical form, lists): for a preset that was put there or changed by other means. */
NODISCARD enum status wiring_seal_preset(struct wiring *wiring, struct app *app);
/* Limits, configuration, memory for an engine, paper venue and feed; wiring_open_engine does this too. For a restart, which makes the engine itself.
 */
NODISCARD enum status wiring_prepare(struct wiring *wiring, const struct wiring_options *options);
/* Engine, paper venue and runner for the source and preset at hand. journal may be NULL. counters may be NULL. */
NODISCARD enum status wiring_open_engine(struct wiring *wiring, const struct wiring_options *options, struct journal *journal,
                                         const struct engine_counters *counters);
/* The preset event, then commands: in force from the next event on. */
void wiring_put_preset(struct wiring *wiring, int64_t ts);
void wiring_put_command(struct wiring *wiring, int64_t ts, enum command command, const char *user);
/* Gives all symbol descriptions of the feed to the engine. */
NODISCARD enum status wiring_describe_symbols(struct wiring *wiring);
void wiring_close(struct wiring *wiring);

#endif
