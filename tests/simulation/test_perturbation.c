/* No knob without an effect: each key of preset.def is changed in a situation in which its row says it is active, and at least one record of the run
 * (scan result, decision, order, fill, level, ...) must differ. Keys that only name or describe a preset must change nothing that the engine does.
 * A key without a row here fails the test.
 *
 * The worlds: generated candles of four symbols (one of them the reference), and a made-up market with book, tape, ticker and open interest whose
 * walls, depths and rates cross the limits. All presets start from the loosened breakout preset or the channel. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "base/maths.h"
#include "support/engine_fixture.h"

enum world { WORLD_CANDLES, WORLD_MINUTES, WORLD_BOOK, world_count };

enum situation {
  LOOSE,   /* everything passes */
  CHECKED, /* all entry checks and quality tests are on, with limits that let signals through */
  RETEST,
  CHANDELIER,
  TRAILING,   /* the full life cycle with trails, small R */
  SHORT_LIFE, /* fsm_config.enabled = false */
  EXITS,      /* every exit rule is on */
  LADDER,     /* tp_levels with smart and adaptive rungs */
  GAINERS,
  LOSERS,
  CHANNEL,
  CHANNEL_MINUTES,
  BREAKEVEN,
  BOOK, /* with book, tape, ticker, open interest */
  BOOK_LADDER,
  BOOK_SLICES,
  BOOK_EXITS,
  BOOK_MUTE, /* the venue says nothing for 6 s of each minute */
  LOSING,    /* large risk: loss limits come into play */
  situation_count
};

static const char *const none[] = {NULL};
static const char *const checked[] = {"signal_config.entry_rules.require_volume_confirmation=true",
                                      "signal_config.entry_rules.volume_confirmation_multiplier=1",
                                      "signal_config.entry_rules.require_momentum=true",
                                      "signal_config.entry_rules.momentum_min_slope_pct=0",
                                      "signal_config.entry_rules.validate_approach=true",
                                      "signal_config.entry_rules.approach_max_slope_pct=50",
                                      "signal_config.entry_rules.approach_min_consolidation_bars=1",
                                      "signal_config.entry_rules.require_clean_breakout=true",
                                      "signal_config.entry_rules.false_start_lookback_bars=1",
                                      "signal_config.market_quality.flat_market_filter_enabled=true",
                                      "signal_config.market_quality.flat_market_atr_threshold=0.01",
                                      "signal_config.market_quality.consolidation_filter_enabled=true",
                                      "signal_config.market_quality.consolidation_range_threshold_pct=0.1",
                                      "signal_config.market_quality.consolidation_min_bars=60",
                                      "signal_config.market_quality.require_stable_volatility=true",
                                      "signal_config.market_quality.volatility_spike_threshold=20",
                                      "signal_config.market_quality.require_clear_trend=true",
                                      "signal_config.market_quality.trend_slope_min_pct=0",
                                      "signal_config.market_quality.noise_filter_enabled=true",
                                      "signal_config.market_quality.noise_threshold=1",
                                      NULL};
static const char *const retest[] = {"strategy_priority=retest", NULL};
static const char *const chandelier[] = {"position_config.sl_mode=chandelier",
                                         "position_config.exit_rules.activity_drop_enabled=false",
                                         "position_config.exit_rules.weak_impulse_enabled=false",
                                         "position_config.tp1_r=20",
                                         "position_config.tp2_r=30",
                                         NULL};
static const char *const trailing[] = {"position_config.sl_mode=fixed",
                                       "position_config.trailing_enabled=true",
                                       "position_config.fsm_config.trailing_activation_r=0.6",
                                       "position_config.fsm_config.running_breakeven_trigger_r=0.3",
                                       "position_config.fsm_config.trailing_step_bps=12",
                                       "execution_config.taker_fee_bps=0.5",
                                       "execution_config.maker_fee_bps=0",
                                       "position_config.fsm_config.breakeven_buffer_bps=1",
                                       "position_config.fsm_config.breakeven_lock_profit_bps=4",

                                       "position_config.fsm_config.trailing_accel_after_r=1.5",
                                       "position_config.fsm_config.trailing_accel_step_bps=6",
                                       "position_config.fsm_config.partial_closed_trail_enabled=true",
                                       "position_config.fsm_config.partial_closed_trail_trigger_r=0.25",
                                       "position_config.fsm_config.partial_closed_trail_step_bps=10",
                                       "position_config.tp1_r=0.2",
                                       "position_config.tp2_r=8",
                                       "position_config.exit_rules.activity_drop_enabled=false",
                                       "position_config.exit_rules.weak_impulse_enabled=false",
                                       "position_config.add_on_enabled=false",
                                       NULL};
static const char *const breakeven[] = {"position_config.sl_mode=fixed",
                                        "position_config.trailing_enabled=false",
                                        "position_config.fsm_config.partial_closed_trail_enabled=false",
                                        "position_config.tp1_r=9",
                                        "position_config.tp2_r=12",
                                        "execution_config.taker_fee_bps=0.5",
                                        "execution_config.maker_fee_bps=0",
                                        "position_config.fsm_config.running_breakeven_trigger_r=0.4",
                                        "position_config.fsm_config.breakeven_buffer_bps=1",
                                        "position_config.fsm_config.breakeven_lock_profit_bps=4",
                                        "position_config.exit_rules.activity_drop_enabled=false",
                                        "position_config.exit_rules.weak_impulse_enabled=false",
                                        "position_config.add_on_enabled=false",
                                        NULL};
static const char *const short_life[] = {"position_config.sl_mode=fixed",
                                         "position_config.fsm_config.enabled=false",
                                         "position_config.trailing_enabled=true",
                                         "position_config.breakeven_trigger_r=0.4",
                                         "position_config.trailing_activation_r=0.8",
                                         "position_config.trailing_step_bps=8",
                                         "execution_config.taker_fee_bps=0.5",
                                         "position_config.breakeven_buffer_bps=2",
                                         "position_config.tp1_r=9",
                                         "position_config.tp2_r=12",
                                         "position_config.exit_rules.activity_drop_enabled=false",
                                         "position_config.exit_rules.weak_impulse_enabled=false",
                                         NULL};
static const char *const exits[] = {"position_config.sl_mode=fixed",
                                    "position_config.sl_r=3",
                                    "position_config.tp1_r=20",
                                    "position_config.tp2_r=30",
                                    "position_config.exit_rules.failed_breakout_enabled=true",
                                    "position_config.exit_rules.failed_breakout_bars=1",
                                    "position_config.exit_rules.failed_breakout_retest_threshold=0",
                                    "position_config.exit_rules.activity_drop_enabled=true",
                                    "position_config.exit_rules.activity_drop_threshold=0.2",
                                    "position_config.exit_rules.activity_drop_window_bars=20",
                                    "position_config.exit_rules.weak_impulse_enabled=true",
                                    "position_config.exit_rules.weak_impulse_check_bars=30",
                                    "position_config.exit_rules.volatility_exit_enabled=true",
                                    "position_config.exit_rules.volatility_spike_threshold=3",
                                    "position_config.exit_rules.time_stop_minutes=300",
                                    "position_config.exit_rules.max_hold_time_hours=6",
                                    NULL};
static const char *const ladder[] = {
    "position_config.tp1_r=null",
    "position_config.tp1_size_pct=null",
    "position_config.tp2_r=null",
    "position_config.tp2_size_pct=null",
    "position_config.tp_levels=[{\"level_name\":\"A\",\"reward_multiple\":0.5,\"size_pct\":0.3,\"placement_mode\":\"smart\"},"
    "{\"level_name\":\"B\",\"reward_multiple\":1,\"size_pct\":0.3,\"placement_mode\":\"adaptive\"},"
    "{\"level_name\":\"C\",\"reward_multiple\":3,\"size_pct\":0.3,\"placement_mode\":\"smart\"}]",
    "position_config.tp_smart_placement.round_number_step=0.05",
    "position_config.tp_smart_placement.max_adjustment_bps=300",
    "position_config.tp_smart_placement.sr_level_buffer_bps=100",
    "position_config.exit_rules.activity_drop_enabled=false",
    "position_config.exit_rules.weak_impulse_enabled=false",
    NULL};
static const char *const gainers[] = {"scanner_config.gainers_filter.enabled=true", "scanner_config.gainers_filter.min_24h_change_pct=0",
                                      "scanner_config.gainers_filter.top_n_gainers=3", NULL};
static const char *const losers[] = {"scanner_config.losers_filter.enabled=true", "scanner_config.losers_filter.max_24h_change_pct=0",
                                     "scanner_config.losers_filter.top_n_losers=3", NULL};
static const char *const losing[] = {"risk.risk_per_trade=0.05", "risk.daily_risk_limit=0.06", "risk.kill_switch_loss_limit=0.3",
                                     "risk.max_consecutive_losses=20", NULL};
static const char *const book[] = {"signal_config.entry_rules.require_density_confirmation=true",
                                   "signal_config.entry_rules.density_confirmation_threshold=100", "position_config.panic_exit_on_activity_drop=true",
                                   "strategy_priority=breakout_momentum", NULL};
static const char *const book_slices[] = {"execution_config.max_depth_fraction=0.5",
                                          "risk.max_position_size_usd=20000",
                                          "execution_config.limit_offset_bps=0",
                                          "execution_config.twap_min_slices=3",
                                          "execution_config.twap_max_slices=12",
                                          "execution_config.iceberg_min_notional=3000",
                                          NULL};
static const char *const book_exits[] = {"position_config.exit_rules.time_stop_minutes=10",
                                         "position_config.panic_exit_on_activity_drop=true",
                                         "position_config.activity_drop_threshold=3",
                                         "position_config.tp1_r=20",
                                         "position_config.tp2_r=30",
                                         "execution_config.limit_offset_bps=0",
                                         "position_config.fsm_config.exiting_timeout_s=5",
                                         NULL};

static const struct {
  enum world world;
  const char *preset; /* NULL: loose */
  const char *const *changes;
  const char *const *more; /* further ones, or none */
} situations[situation_count] = {
    [LOOSE] = {WORLD_CANDLES, NULL, none, none},
    [CHECKED] = {WORLD_CANDLES, NULL, checked, none},
    [RETEST] = {WORLD_CANDLES, NULL, retest, none},
    [CHANDELIER] = {WORLD_CANDLES, NULL, chandelier, none},
    [TRAILING] = {WORLD_CANDLES, NULL, trailing, none},
    [SHORT_LIFE] = {WORLD_CANDLES, NULL, short_life, none},
    [EXITS] = {WORLD_CANDLES, NULL, exits, none},
    [LADDER] = {WORLD_CANDLES, NULL, ladder, none},
    [GAINERS] = {WORLD_CANDLES, NULL, gainers, none},
    [LOSERS] = {WORLD_CANDLES, NULL, losers, none},
    [CHANNEL] = {WORLD_CANDLES, "channel_baseline", none, none},
    [CHANNEL_MINUTES] = {WORLD_MINUTES, "channel_baseline", none, none},
    [BREAKEVEN] = {WORLD_CANDLES, NULL, breakeven, none},
    [BOOK_MUTE] = {WORLD_BOOK, NULL, book, none},
    [BOOK] = {WORLD_BOOK, NULL, book, none},
    [BOOK_LADDER] = {WORLD_BOOK, NULL, ladder, book},
    [BOOK_SLICES] = {WORLD_BOOK, NULL, book, book_slices},
    [BOOK_EXITS] = {WORLD_BOOK, NULL, book, book_exits},
    [LOSING] = {WORLD_CANDLES, NULL, losing, none},
};

/* A key, where, and the value it gets there in place of the situation's own. value NULL: the key must have no effect on what the engine does. */
struct row {
  const char *path;
  enum situation where;
  const char *value;
};
#define WEIGHT(name, where) \
  { "scanner_config.score_weights." name, where, "0.16" }
#define RULES "signal_config.entry_rules."
#define QUALITY "signal_config.market_quality."
#define POSITION "position_config."
#define SMART "position_config.tp_smart_placement."
#define EXIT "position_config.exit_rules."
#define FSM "position_config.fsm_config."
#define SCANNER "scanner_config."
#define EXECUTION "execution_config."
static const struct row rows[] = {
    {"name", LOOSE, NULL},
    {"description", LOOSE, NULL},
    {"target_markets", LOOSE, NULL},
    {"strategy_priority", LOOSE, "retest"},
    {"risk.risk_per_trade", LOOSE, "0.001"},
    {"risk.max_concurrent_positions", LOOSE, "1"},
    {"risk.daily_risk_limit", LOSING, "0.29"},
    {"risk.max_position_size_usd", LOOSE, "20000"},
    {"risk.kill_switch_loss_limit", LOSING, "0.07"},
    {"risk.correlation_limit", LOOSE, "0.01"},
    {"risk.max_consecutive_losses", LOSING, "1"},
    {"liquidity_filters.min_24h_volume_usd", LOOSE, "1e11"},
    {"liquidity_filters.min_oi_usd", BOOK, "1e10"},
    {"liquidity_filters.max_spread_bps", BOOK, "0.1"},
    {"liquidity_filters.min_depth_usd_0_5pct", BOOK, "5e8"},
    {"liquidity_filters.min_depth_usd_0_3pct", BOOK, "0.5"},
    {"liquidity_filters.min_trades_per_minute", BOOK, "90000"},
    {"volatility_filters.atr_range_min", LOOSE, "0.01"},
    {"volatility_filters.atr_range_max", LOOSE, "0.001"},
    {"volatility_filters.bb_width_percentile_max", LOOSE, "30"},
    {"volatility_filters.volume_surge_1h_min", LOOSE, "1.5"},
    {"volatility_filters.volume_surge_5m_min", LOOSE, "2"},
    {"volatility_filters.oi_delta_threshold", BOOK, "5"},
    {"signal_config.allowed_sides", LOOSE, "short"},
    {"signal_config.momentum_volume_multiplier", LOOSE, "2"},
    {"signal_config.momentum_body_ratio_min", LOOSE, "0.5"},
    {"signal_config.momentum_epsilon", LOOSE, "0.002"},
    {"signal_config.retest_pierce_tolerance", RETEST, "0.0005"},
    {"signal_config.retest_max_pierce_atr", RETEST, "0.01"},
    {"signal_config.l2_imbalance_threshold", BOOK, "0.99"},
    {"signal_config.vwap_gap_max_atr", LOOSE, "0.5"},
    {"signal_config.prelevel_limit_offset_bps", RETEST, "60"},
    {"signal_config.enter_on_density_eat_ratio", BOOK, "0.05"},
    {"signal_config.tpm_on_touch_frac", BOOK, "10"},
    {RULES "require_volume_confirmation", CHECKED, "false"},
    {RULES "volume_confirmation_multiplier", CHECKED, "3"},
    {RULES "require_density_confirmation", BOOK, "false"},
    {RULES "density_confirmation_threshold", BOOK, "1"},
    {RULES "require_momentum", CHECKED, "false"},
    {RULES "momentum_min_slope_pct", CHECKED, "2"},
    {RULES "momentum_check_bars", CHECKED, "9"},
    {RULES "validate_approach", CHECKED, "false"},
    {RULES "approach_max_slope_pct", CHECKED, "0.05"},
    {RULES "approach_min_consolidation_bars", CHECKED, "20"},
    {RULES "max_distance_from_level_bps", LOOSE, "20"},
    {RULES "require_clean_breakout", CHECKED, "false"},
    {RULES "false_start_lookback_bars", CHECKED, "100"},
    {RULES "avoid_session_start_minutes", LOOSE, "240"},
    {RULES "avoid_session_end_minutes", LOOSE, "240"},
    {QUALITY "flat_market_filter_enabled", CHECKED, "false"},
    {QUALITY "flat_market_atr_threshold", CHECKED, "0.3"},
    {QUALITY "flat_market_lookback_bars", CHECKED, "60"},
    {QUALITY "consolidation_filter_enabled", CHECKED, "false"},
    {QUALITY "consolidation_range_threshold_pct", CHECKED, "2"},
    {QUALITY "consolidation_min_bars", CHECKED, "2"},
    {QUALITY "require_stable_volatility", CHECKED, "false"},
    {QUALITY "volatility_spike_threshold", CHECKED, "0.5"},
    {QUALITY "volatility_lookback_bars", CHECKED, "50"},
    {QUALITY "require_clear_trend", CHECKED, "false"},
    {QUALITY "trend_slope_min_pct", CHECKED, "3"},
    {QUALITY "trend_lookback_bars", CHECKED, "60"},
    {QUALITY "noise_filter_enabled", CHECKED, "false"},
    {QUALITY "noise_threshold", CHECKED, "0.3"},
    {POSITION "tp1_r", LOOSE, "1"},
    {POSITION "tp1_size_pct", LOOSE, "0.2"},
    {POSITION "tp2_r", LOOSE, "2"},
    {POSITION "tp2_size_pct", LOOSE, "0.5"},
    {POSITION "tp_levels", LADDER,
     "[{\"level_name\":\"A\",\"reward_multiple\":0.5,\"size_pct\":0.3,\"placement_mode\":\"smart\"},{\"level_name\":\"Z\",\"reward_multiple\":2,"
     "\"size_pct\":0.5,\"placement_mode\":\"fixed\"}]"},
    {POSITION "tp_levels[].level_name", LADDER, "Q"},
    {POSITION "tp_levels[].reward_multiple", LADDER, "0.4"},
    {POSITION "tp_levels[].size_pct", LADDER, "0.2"},
    {POSITION "tp_levels[].placement_mode", LADDER, "fixed"},
    {POSITION "sl_mode", CHANDELIER, "atr"},
    {POSITION "sl_r", LOOSE, "1.5"},
    {POSITION "chandelier_atr_mult", CHANDELIER, "1.5"},
    {POSITION "chandelier_lookback_bars", CHANDELIER, "10"},
    {POSITION "breakeven_enabled", TRAILING, "false"},
    {POSITION "breakeven_trigger_r", SHORT_LIFE, "0.7"},
    {POSITION "breakeven_buffer_bps", SHORT_LIFE, "15"},
    {POSITION "trailing_enabled", TRAILING, "false"},
    {POSITION "trailing_activation_r", SHORT_LIFE, "1.2"},
    {POSITION "trailing_step_bps", SHORT_LIFE, "15"},
    {POSITION "max_hold_time_hours", EXITS, "2"},
    {POSITION "time_stop_minutes", EXITS, "60"},
    {POSITION "panic_exit_on_activity_drop", BOOK, "false"},
    {POSITION "activity_drop_threshold", BOOK, "0.01"},
    {POSITION "add_on_enabled", CHANDELIER, "false"},
    {POSITION "add_on_max_size_pct", CHANDELIER, "0.1"},
    {SMART "enabled", LADDER, "false"},
    {SMART "avoid_density_zones", BOOK_LADDER, "false"},
    {SMART "density_zone_buffer_bps", BOOK_LADDER, "40"},
    {SMART "avoid_sr_levels", LADDER, "false"},
    {SMART "sr_level_buffer_bps", LADDER, "40"},
    {SMART "prefer_round_numbers", LADDER, "false"},
    {SMART "round_number_step", LADDER, "0.25"},
    {SMART "max_adjustment_bps", LADDER, "1"},
    {EXIT "failed_breakout_enabled", EXITS, "false"},
    {EXIT "failed_breakout_bars", EXITS, "9"},
    {EXIT "failed_breakout_retest_threshold", EXITS, "0.4"},
    {EXIT "activity_drop_enabled", EXITS, "false"},
    {EXIT "activity_drop_threshold", EXITS, "0.9"},
    {EXIT "activity_drop_window_bars", EXITS, "6"},
    {EXIT "weak_impulse_enabled", EXITS, "false"},
    {EXIT "weak_impulse_min_move_pct", EXITS, "5"},
    {EXIT "weak_impulse_check_bars", EXITS, "4"},
    {EXIT "max_hold_time_hours", EXITS, "1"},
    {EXIT "time_stop_minutes", EXITS, "30"},
    {EXIT "volatility_exit_enabled", EXITS, "false"},
    {EXIT "volatility_spike_threshold", EXITS, "1"},
    {FSM "enabled", TRAILING, "false"},
    {FSM "entry_confirmation_bars", TRAILING, "9"},
    {FSM "entry_max_slippage_bps", BOOK, "0.5"},
    {FSM "running_monitor_interval_s", BOOK, "60"},
    {FSM "running_breakeven_trigger_r", BREAKEVEN, "0.8"},
    {FSM "partial_closed_trail_enabled", TRAILING, "false"},
    {FSM "partial_closed_trail_trigger_r", TRAILING, "1.5"},
    {FSM "partial_closed_trail_step_bps", TRAILING, "5"},
    {FSM "breakeven_buffer_bps", BREAKEVEN, "3"},
    {FSM "breakeven_lock_profit_enabled", BREAKEVEN, "false"},
    {FSM "breakeven_lock_profit_bps", BREAKEVEN, "9"},
    {FSM "trailing_activation_r", TRAILING, "0.9"},
    {FSM "trailing_step_bps", TRAILING, "7"},
    {FSM "trailing_acceleration_enabled", TRAILING, "false"},
    {FSM "trailing_accel_after_r", TRAILING, "3"},
    {FSM "trailing_accel_step_bps", TRAILING, "3"},
    {FSM "exiting_timeout_s", BOOK_EXITS, "60"},
    {FSM "exiting_panic_after_attempts", BOOK_EXITS, "1"},
    {SCANNER "max_candidates", LOOSE, "1"},
    {SCANNER "scan_interval_seconds", LOOSE, "900"},
    WEIGHT("vol_surge", LOOSE),
    WEIGHT("oi_delta", BOOK),
    WEIGHT("atr_quality", LOOSE),
    WEIGHT("correlation", LOOSE),
    WEIGHT("trades_per_minute", BOOK),
    WEIGHT("volume", LOOSE),
    WEIGHT("volatility", LOOSE),
    WEIGHT("level_quality", LOOSE),
    WEIGHT("momentum", LOOSE),
    WEIGHT("liquidity", BOOK),
    WEIGHT("gainers_momentum", LOOSE),
    WEIGHT("losers_momentum", LOOSE),
    WEIGHT("losers_reversal", LOOSE),
    {SCANNER "symbol_whitelist", LOOSE, "AAAUSDT"},
    {SCANNER "symbol_blacklist", LOOSE, "AAAUSDT"},
    {SCANNER "top_n_by_volume", LOOSE, "2"},
    {SCANNER "gainers_filter.enabled", LOOSE, "true"},
    {SCANNER "gainers_filter.min_24h_change_pct", GAINERS, "2"},
    {SCANNER "gainers_filter.top_n_gainers", GAINERS, "1"},
    {SCANNER "losers_filter.enabled", LOOSE, "true"},
    {SCANNER "losers_filter.max_24h_change_pct", LOSERS, "-2"},
    {SCANNER "losers_filter.top_n_losers", LOSERS, "1"},
    {EXECUTION "enable_twap", BOOK_SLICES, "false"},
    {EXECUTION "enable_iceberg", BOOK_SLICES, "false"},
    {EXECUTION "max_depth_fraction", BOOK_SLICES, "0.3"},
    {EXECUTION "twap_min_slices", BOOK_SLICES, "9"},
    {EXECUTION "twap_max_slices", BOOK_SLICES, "3"},
    {EXECUTION "twap_interval_seconds", BOOK_SLICES, "20"},
    {EXECUTION "twap_duration_seconds", BOOK_SLICES, "60"},
    {EXECUTION "iceberg_min_notional", BOOK_SLICES, "1000"},
    {EXECUTION "use_limit_orders", BOOK, "false"},
    {EXECUTION "limit_offset_bps", BOOK, "0"},
    {EXECUTION "limit_timeout_seconds", BOOK_SLICES, "0.5"},
    {EXECUTION "post_only", BOOK, "true"},
    {EXECUTION "fill_or_kill", BOOK, "true"},
    {EXECUTION "spread_widen_bps", BOOK, "0.1"},
    {EXECUTION "deadman_timeout_ms", BOOK_MUTE, "500"},
    {EXECUTION "taker_fee_bps", LOOSE, "9"},
    {EXECUTION "maker_fee_bps", LOOSE, "0"},
    {"levels_rules.min_touches", LOOSE, "4"},
    {"levels_rules.prefer_round_numbers", LOOSE, "false"},
    {"levels_rules.round_step_candidates", LOOSE, "[0.5, 5]"},
    {"levels_rules.cascade_min_levels", LOOSE, "4"},
    {"levels_rules.cascade_radius_bps", LOOSE, "90"},
    {"levels_rules.approach_slope_max_pct_per_bar", LOOSE, "0.01"},
    {"levels_rules.prebreakout_consolidation_min_bars", LOOSE, "20"},
    {"density_config.k_density", BOOK, "2"},
    {"density_config.bucket_ticks", BOOK, "9"},
    {"density_config.lookback_window_s", BOOK, "3600"},
    {"channel_config.period", CHANNEL, "30"},
    {"channel_config.atr_period", CHANNEL, "20"},
    {"channel_config.stop_atr_mult", CHANNEL, "3"},
    {"channel_config.target_r", CHANNEL, "1"},
    {"channel_config.timeframe", CHANNEL_MINUTES, "1m"},
    {"channel_config.scan", CHANNEL, "true"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* ---- presets of the situations ---- */

static void all_weights(struct preset *preset) {
  for (int i = 0; i < SCORE_COMPONENT_COUNT; i++) preset->scanner_config.score_weights[i] = 0.08;
}

static void apply(struct preset *preset, const char *const *changes) {
  for (int i = 0; changes[i] != NULL; i++) rig_set(preset, changes[i]);
}

static void load_situation(struct preset *preset, enum situation where) {
  if (situations[where].preset != NULL) {
    rig_load_preset(preset, situations[where].preset);
  } else {
    rig_load_loose(preset);
  }
  all_weights(preset);
  apply(preset, situations[where].changes);
  apply(preset, situations[where].more);
}

/* The first rung stands for all of them. */
static void change(struct preset *preset, const char *path, const char *value) {
  char text[1024];
  struct text line;
  text_init(&line, text, sizeof text);
  const char *brackets = strstr(path, "[]");
  if (brackets != NULL) {
    text_add_bytes(&line, path, (size_t)(brackets - path));
    text_add(&line, "[0]");
    text_add(&line, brackets + 2);
  } else {
    text_add(&line, path);
  }
  text_add(&line, "=");
  text_add(&line, value);
  rig_set(preset, text);
}

/* ---- worlds ---- */

enum { CANDLE_SYMBOLS = 4, BOOK_SYMBOLS = 1, LEVELS = 40, BOOK_STEP_MS = 2000 };
#define CANDLES_FROM (RIG_START + DAY_MS + 2 * HOUR_MS)
#define CANDLES_TO (RIG_START + 3 * DAY_MS)
#define BOOK_FROM (RIG_START + DAY_MS + 2 * HOUR_MS)
#define BOOK_TO (BOOK_FROM + 8 * HOUR_MS)

static struct rig rigs[world_count];
static struct rig_series series[world_count][RIG_SYMBOLS_MAX];
static struct rig_image images[world_count]; /* after warm-up, before preset and session */

static void open_candles(void) {
  static const enum generate_scenario scenarios[CANDLE_SYMBOLS] = {GENERATE_BREAKOUTS, GENERATE_TREND, GENERATE_FAKEOUTS, GENERATE_BREAKOUTS};
  struct rig_options options = rig_options();
  options.symbols = CANDLE_SYMBOLS;
  options.has_reference = true;
  options.base_ms = 5 * MINUTE_MS;
  options.slippage_bps = 5;
  for (int32_t i = 0; i < CANDLE_SYMBOLS; i++) {
    rig_generate(&series[WORLD_CANDLES][i], (int)scenarios[i], 5, i, 3);
    rig_coarsen(&series[WORLD_CANDLES][i], 5);
    for (size_t k = 0; k < series[WORLD_CANDLES][i].count; k++) { /* markets of different size */
      series[WORLD_CANDLES][i].items[k].volume *= i + 1;
      series[WORLD_CANDLES][i].items[k].turnover *= i + 1;
    }
  }
  rig_open(&rigs[WORLD_CANDLES], &options);
  rig_play(&rigs[WORLD_CANDLES], series[WORLD_CANDLES], CANDLES_FROM);
  rig_save(&rigs[WORLD_CANDLES], &images[WORLD_CANDLES]);
}

static void open_minutes(void) {
  struct rig_options options = rig_options();
  rig_generate(&series[WORLD_MINUTES][0], GENERATE_BREAKOUTS, 5, 0, 1);
  rig_open(&rigs[WORLD_MINUTES], &options);
  rig_save(&rigs[WORLD_MINUTES], &images[WORLD_MINUTES]);
}

static void open_book(void) {
  struct rig_options options = rig_options();
  options.symbols = BOOK_SYMBOLS;
  options.base_ms = 5 * MINUTE_MS;
  options.capabilities = CAPABILITY_BOOK | CAPABILITY_TRADES | CAPABILITY_TICKER | CAPABILITY_OPEN_INTEREST;
  rig_generate(&series[WORLD_BOOK][0], GENERATE_BREAKOUTS, 5, 0, 2);
  rig_coarsen(&series[WORLD_BOOK][0], 5);
  rig_open(&rigs[WORLD_BOOK], &options);
  for (int64_t t = RIG_START; t < BOOK_FROM; t += options.base_ms) { /* open interest of a day ago, too */
    rig_market(&rigs[WORLD_BOOK],
               (struct event){.ts = t, .kind = EVENT_OPEN_INTEREST, .open_interest = {0, 1e6 + (double)(t - RIG_START) / 1000.0, NAN}});
    rig_play(&rigs[WORLD_BOOK], series[WORLD_BOOK], t + options.base_ms);
  }
  rig_save(&rigs[WORLD_BOOK], &images[WORLD_BOOK]);
}

/* A price on the way through the candle: open, the nearer extreme, the other, close. */
static double price_at(const struct candle *c, double share) {
  bool rises = c->close >= c->open;
  double points[4] = {c->open, rises ? c->low : c->high, rises ? c->high : c->low, c->close};
  int leg = share < 1.0 / 3 ? 0 : (share < 2.0 / 3 ? 1 : 2);
  return points[leg] + (points[leg + 1] - points[leg]) * (share * 3 - leg);
}

/* A wall stands at each multiple of 0.5; it is eaten while the price is near. */
static double size_at(double price, double mid, bool is_heavy_side) {
  double from_round = fabs(price / 0.5 - floor(price / 0.5 + 0.5)) * 0.5;
  double size = is_heavy_side ? 40 : 25;
  if (from_round < 0.011) size += fabs(price - mid) < 0.06 ? 300 : 2000;
  return size;
}

static void feed_second(struct rig *rig, int64_t ts, double price, double before, int64_t number) {
  struct book_level bids[LEVELS];
  struct book_level asks[LEVELS];
  double bid = floor(price * 100) / 100;
  bool rises = price >= before;
  double spread = number % 50 == 0 ? 0.06 : 0.01;
  for (int i = 0; i < LEVELS; i++) {
    double b = bid - 0.02 * i;
    double a = bid + spread + 0.02 * i;
    bids[i] = (struct book_level){decimal_from_double(b), decimal_from_double(size_at(b, price, rises))};
    asks[i] = (struct book_level){decimal_from_double(a), decimal_from_double(size_at(a, price, !rises))};
  }
  rig_market(rig, (struct event){.ts = ts, .kind = EVENT_BOOK, .book = {0, true, number, number, number - 1, LEVELS, bids, LEVELS, asks}});
  rig_market(rig, (struct event){.ts = ts, .kind = EVENT_TICKER, .ticker = {0, price, bid, bid + spread, price, price, 2e8, 3.5}});
  struct public_trade trades[6];
  int32_t count = number % 400 < 300 ? 1 + (int32_t)(number % 5) : (number % 8 == 0 ? 1 : 0); /* lively, then nearly dead, again and again */
  for (int32_t i = 0; i < count; i++) {
    trades[i] = (struct public_trade){ts, decimal_from_double(rises ? bid + spread : bid), decimal_from_double(0.5 + 0.1 * i), rises};
  }
  if (count > 0) rig_market(rig, (struct event){.ts = ts, .kind = EVENT_PUBLIC_TRADES, .public_trades = {0, count, trades}});
}

static void play_book(struct rig *rig, struct rig_series *own) {
  double before = 100;
  int64_t number = 1;
  for (int64_t t = BOOK_FROM; t < BOOK_TO; t += rig->options.base_ms) {
    const struct candle *candle = &own[0].items[own[0].at];
    for (int64_t at = BOOK_STEP_MS; at < rig->options.base_ms; at += BOOK_STEP_MS) {
      double price = price_at(candle, (double)at / (double)rig->options.base_ms);
      feed_second(rig, t + at, price, before, number++);
      before = price;
      rig_tick(rig, t + at, false);
    }
    rig_market(rig, (struct event){.ts = t + rig->options.base_ms, .kind = EVENT_OPEN_INTEREST, .open_interest = {0, 1.2e6, NAN}});
    rig_play(rig, own, t + rig->options.base_ms);
  }
}

static bool (*venue_poll)(void *self, int64_t now, struct event *out);

static bool mute_poll(void *self, int64_t now, struct event *out) {
  return now % MINUTE_MS >= 6000 && venue_poll(self, now, out);
}

/* Digests of all records (of the preset in that situation). */
static void run(enum situation where, const struct preset *preset, char all[DIGEST_TEXT_MAX], char acts[DIGEST_TEXT_MAX]) {
  enum world world = situations[where].world;
  struct rig *rig = &rigs[world];
  int64_t from = world == WORLD_CANDLES ? CANDLES_FROM : (world == WORLD_BOOK ? BOOK_FROM : RIG_START);
  rig_load(rig, &images[world]);
  rig_forget(rig);
  rig_rewind(series[world], rig->options.symbols, from);
  rig_use(rig, preset);
  rig_command(rig, COMMAND_START);
  venue_poll = rig->exchange.poll;
  if (where == BOOK_MUTE) rig->exchange.poll = mute_poll;
  if (world == WORLD_BOOK) {
    play_book(rig, series[world]);
  } else {
    rig_play(rig, series[world], CANDLES_TO);
  }
  digest_read(&rig->all, all);
  digest_read(&rig->acts, acts);
}

/* ---- tests ---- */

static int close_worlds(void **state) {
  (void)state;
  for (int i = 0; i < world_count; i++) {
    rig_free_image(&images[i]);
    rig_free_series(series[i], rigs[i].options.symbols);
    rig_close(&rigs[i]);
  }
  return 0;
}

static void test_every_key_has_a_row(void **state) {
  (void)state;
  for (int i = 0; i < preset_key_count; i++) {
    if (preset_keys[i].kind == PRESET_KIND_SECTION) continue;
    int found = 0;
    for (int k = 0; k < ROWS; k++) found += strcmp(rows[k].path, preset_keys[i].path) == 0;
    if (found != 1) print_message("%s has %d rows\n", preset_keys[i].path, found);
    assert_int_equal(found, 1);
  }
}

/* Ways in which the positions of the situations ended. */
static int64_t ends[reason_code_count];

/* Each trade's result follows from its own prices, fees and quantity. */
static void watch_trades(struct rig *rig, enum record_kind kind, const void *object) {
  (void)rig;
  if (kind != RECORD_TRADE) return;
  const struct trade *trade = object;
  ++ends[trade->exit_reason];
  double sign = trade->side == SIDE_LONG ? 1 : -1;
  double gross = sign * decimal_to_double(trade->qty) * (decimal_to_double(trade->exit_average) - decimal_to_double(trade->entry));
  assert_true(fabs(gross - decimal_to_double(trade->gross_usd)) < 1e-3);
  assert_int_equal(trade->pnl_usd, trade->gross_usd - trade->fees_usd + trade->funding_usd);
  assert_true(fabs(trade->pnl_r - decimal_to_double(trade->pnl_usd) / decimal_to_double(trade->r_usd)) < 1e-9);
}

static void test_ways_to_end(void **state) {
  static const enum reason_code expected[] = {REASON_stop_loss,     REASON_take_profit,         REASON_breakeven_stop,  REASON_lock_profit_stop,
                                              REASON_trailing_stop, REASON_partial_trail_stop,  REASON_chandelier_stop, REASON_failed_breakout,
                                              REASON_weak_impulse,  REASON_activity_drop,       REASON_volatility_exit, REASON_time_stop,
                                              REASON_max_hold_time, REASON_panic_activity_drop, REASON_kill_switch};
  int missing = 0;
  (void)state;
  for (int i = 0; i < reason_code_count; i++) {
    if (ends[i] > 0) print_message("%lld ended by %s\n", (long long)ends[i], reason_code_names[i]);
  }
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    if (ends[expected[i]] > 0) continue;
    print_message("none ended by %s\n", reason_code_names[expected[i]]);
    ++missing;
  }
  assert_int_equal(missing, 0);
}

static int open_worlds(void **state) {
  (void)state;
  open_candles();
  open_minutes();
  open_book();
  for (int i = 0; i < world_count; i++) rigs[i].watch = watch_trades;
  return 0;
}

/* A situation in which nothing happens proves nothing. */
static void test_situations_trade(void **state) {
  (void)state;
  for (int i = 0; i < situation_count; i++) {
    struct preset preset;
    char all[DIGEST_TEXT_MAX];
    char acts[DIGEST_TEXT_MAX];
    load_situation(&preset, (enum situation)i);
    run((enum situation)i, &preset, all, acts);
    const struct rig *rig = &rigs[situations[i].world];
    print_message("situation %d: %lld decisions, %lld signals, %lld orders, %lld fills, %lld trades\n", i, (long long)rig->tally[RECORD_DECISION],
                  (long long)rig->tally[RECORD_SIGNAL], (long long)rig->tally[RECORD_ORDER], (long long)rig->tally[RECORD_FILL],
                  (long long)rig->tally[RECORD_TRADE]);
    assert_true(rig->tally[RECORD_TRADE] > 0 && rig->tally[RECORD_FILL] > 10);
    assert_int_equal(engine_counts(rig->engine)->illegal_transitions, 0);
  }
}

static void test_every_key_matters(void **state) {
  static char base[situation_count][2][DIGEST_TEXT_MAX];
  int idle = 0;
  (void)state;
  for (int i = 0; i < ROWS; i++) {
    const struct row *row = &rows[i];
    struct preset preset;
    char all[DIGEST_TEXT_MAX];
    char acts[DIGEST_TEXT_MAX];
    load_situation(&preset, row->where);
    if (base[row->where][0][0] == '\0') run(row->where, &preset, base[row->where][0], base[row->where][1]);
    change(&preset, row->path, row->value != NULL ? row->value : "another");
    run(row->where, &preset, all, acts);
    bool is_same = strcmp(all, base[row->where][0]) == 0;
    if (row->value == NULL) {
      assert_string_equal(acts, base[row->where][1]);
      if (strcmp(row->path, "name") != 0) assert_true(is_same); /* the name is written into records, the others are not */
    } else if (is_same) {
      print_message("%s = %s changes nothing\n", row->path, row->value);
      ++idle;
    }
  }
  assert_int_equal(idle, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_key_has_a_row), cmocka_unit_test(test_situations_trade), cmocka_unit_test(test_every_key_matters),
      cmocka_unit_test(test_ways_to_end), /* of all the runs above */
  };
  return cmocka_run_group_tests(tests, open_worlds, close_worlds);
}
