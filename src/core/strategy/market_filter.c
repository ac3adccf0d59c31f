#include "core/strategy/market_filter.h"

#include <math.h>
#include <stddef.h>

#include "base/maths.h"

/* What kind of number a filter compares. */
enum measure { MEASURE_HEALTH, MEASURE_FIELD, MEASURE_SIZE, MEASURE_BOTH_SIDES };

/* Tests in the order of strategy 2. A test needs any of `needs`; its limits are members of the preset (NaN: not applied). */
struct filter {
  enum reason_code code;
  enum measure measure; /* the field, its absolute value, or the sum of two fields */
  enum market_field field, other;
  enum comparator comparator;
  size_t limit, limit_high; /* offsets into struct preset; limit_high of ranges only */
  uint32_t needs;
  const char *capability; /* as told when skipped */
  double band;            /* of a depth filter, fraction of mid */
  bool is_wide;           /* needs neither book nor tape; max_spread decides by the feed */
  bool is_at_signal;
};

#define LIMIT(name) offsetof(struct preset, name)
/* clang-format off */
static const struct filter filters[MARKET_FILTER_COUNT] = {
    {.code = REASON_data_health, .measure = MEASURE_HEALTH, .is_wide = true, .is_at_signal = true},
    {.code = REASON_min_24h_volume, .measure = MEASURE_FIELD, .field = MARKET_FIELD_volume_24h_usd, .comparator = COMPARATOR_GE,
     .limit = LIMIT(liquidity_filters.min_24h_volume_usd), .is_wide = true},
    {.code = REASON_min_oi, .measure = MEASURE_FIELD, .field = MARKET_FIELD_oi_usd, .comparator = COMPARATOR_GE,
     .limit = LIMIT(liquidity_filters.min_oi_usd), .needs = CAPABILITY_OPEN_INTEREST, .capability = "open_interest", .is_wide = true},
    {.code = REASON_max_spread, .measure = MEASURE_FIELD, .field = MARKET_FIELD_spread_bps, .comparator = COMPARATOR_LE,
     .limit = LIMIT(liquidity_filters.max_spread_bps), .needs = CAPABILITY_BOOK | CAPABILITY_TICKER, .capability = "book and ticker", .is_at_signal = true},
    {.code = REASON_min_depth_0_5pct, .measure = MEASURE_BOTH_SIDES, .field = MARKET_FIELD_bid_usd_0_5pct, .other = MARKET_FIELD_ask_usd_0_5pct,
     .comparator = COMPARATOR_GE, .limit = LIMIT(liquidity_filters.min_depth_usd_0_5pct), .needs = CAPABILITY_BOOK, .capability = "book", .band = 0.005,
     .is_at_signal = true},
    {.code = REASON_min_depth_0_3pct, .measure = MEASURE_BOTH_SIDES, .field = MARKET_FIELD_bid_usd_0_3pct, .other = MARKET_FIELD_ask_usd_0_3pct,
     .comparator = COMPARATOR_GE, .limit = LIMIT(liquidity_filters.min_depth_usd_0_3pct), .needs = CAPABILITY_BOOK, .capability = "book", .band = 0.003,
     .is_at_signal = true},
    {.code = REASON_min_trades_per_minute, .measure = MEASURE_FIELD, .field = MARKET_FIELD_trades_per_minute, .comparator = COMPARATOR_GE,
     .limit = LIMIT(liquidity_filters.min_trades_per_minute), .needs = CAPABILITY_TRADES, .capability = "trades", .is_at_signal = true},
    {.code = REASON_atr_range, .measure = MEASURE_FIELD, .field = MARKET_FIELD_atr_ratio_15m, .comparator = COMPARATOR_IN,
     .limit = LIMIT(volatility_filters.atr_range_min), .limit_high = LIMIT(volatility_filters.atr_range_max), .is_wide = true},
    {.code = REASON_bb_width, .measure = MEASURE_FIELD, .field = MARKET_FIELD_bb_width_percentile, .comparator = COMPARATOR_LE,
     .limit = LIMIT(volatility_filters.bb_width_percentile_max), .is_wide = true},
    {.code = REASON_volume_surge_1h, .measure = MEASURE_FIELD, .field = MARKET_FIELD_volume_surge_1h, .comparator = COMPARATOR_GE,
     .limit = LIMIT(volatility_filters.volume_surge_1h_min), .is_wide = true},
    {.code = REASON_volume_surge_5m, .measure = MEASURE_FIELD, .field = MARKET_FIELD_volume_surge_5m, .comparator = COMPARATOR_GE,
     .limit = LIMIT(volatility_filters.volume_surge_5m_min), .is_wide = true},
    {.code = REASON_oi_delta, .measure = MEASURE_SIZE, .field = MARKET_FIELD_oi_change_24h, .comparator = COMPARATOR_GE,
     .limit = LIMIT(volatility_filters.oi_delta_threshold), .needs = CAPABILITY_OPEN_INTEREST, .capability = "open_interest", .is_wide = true},
    {.code = REASON_correlation, .measure = MEASURE_SIZE, .field = MARKET_FIELD_btc_correlation, .comparator = COMPARATOR_LE,
     .limit = LIMIT(risk.correlation_limit), .is_wide = true, .is_at_signal = true},
};
/* clang-format on */

const enum reason_code market_filter_codes[MARKET_FILTER_COUNT] = {REASON_data_health,
                                                                   REASON_min_24h_volume,
                                                                   REASON_min_oi,
                                                                   REASON_max_spread,
                                                                   REASON_min_depth_0_5pct,
                                                                   REASON_min_depth_0_3pct,
                                                                   REASON_min_trades_per_minute,
                                                                   REASON_atr_range,
                                                                   REASON_bb_width,
                                                                   REASON_volume_surge_1h,
                                                                   REASON_volume_surge_5m,
                                                                   REASON_oi_delta,
                                                                   REASON_correlation};

const char *market_filter_name(int index) {
  return reason_code_names[filters[index].code];
}

static double limit_of(const struct preset *preset, size_t offset) {
  return *(const double *)(const void *)((const char *)preset + offset);
}

/* --- what is not known --- */

/* Oldest age at which the input of a field still counts (market-data 7), in s. */
static double age_limit_s(const struct market *market, enum market_field field) {
  uint32_t needs = market_field_needs[field] & market->capabilities;
  if ((needs & CAPABILITY_BOOK) != 0) return 10;
  if ((needs & (CAPABILITY_TICKER | CAPABILITY_TRADES)) != 0) return 30;
  if ((needs & CAPABILITY_OPEN_INTEREST) != 0) return 900;
  return 150;
}

/* A field of the deep ring that never got data belongs to a symbol outside of it. */
static bool is_not_subscribed(const struct market *market, enum market_field field) {
  uint32_t needs = market_field_needs[field];
  if (needs == CAPABILITY_BOOK) return market->book.updated_at == 0;
  return needs == CAPABILITY_TRADES && market->flow.known_since == 0;
}

static void add_unknown(const struct market *market, const struct market_view *view, enum market_field field, struct reason_list *reasons) {
  char detail[REASON_DETAIL_MAX];
  struct text text;
  if (view->why[field] == NULL_STALE) {
    reason_add(reasons, REASON_stale, false, view->age_s[field], age_limit_s(market, field), market_field_names[field]);
    return;
  }
  text_init(&text, detail, sizeof detail);
  text_add(&text, market_field_names[field]);
  if (is_not_subscribed(market, field)) text_add(&text, " not_subscribed");
  reason_add(reasons, REASON_unavailable, false, NAN, NAN, detail);
}

/* --- single tests --- */

/* Names the end of the book on the depth reason just added, when the book ends inside the band: the depth may really be larger. */
static void explain_depth(const struct filter *filter, const struct market *market, const struct market_view *view, struct reason_list *reasons) {
  const struct order_book *book = &market->book;
  struct reason *reason = &reasons->items[reasons->count - 1];
  struct text text;
  double nearest = filter->band;
  if (reason->code != (int32_t)filter->code || book->bid_count == 0 || book->ask_count == 0) return;
  nearest = maths_min(nearest, 1.0 - decimal_to_double(book->bids[book->bid_count - 1].price) / view->mid);
  nearest = maths_min(nearest, decimal_to_double(book->asks[book->ask_count - 1].price) / view->mid - 1.0);
  if (nearest >= filter->band) return;
  text_init(&text, reason->detail, sizeof reason->detail);
  text_add(&text, "book_ends_inside_band at ");
  text_add_double(&text, nearest * 100.0, 4);
  text_add(&text, " %");
}

static double value_of(const struct filter *filter, const struct market_view *view) {
  double value = view->field[filter->field];
  if (filter->measure == MEASURE_SIZE) return fabs(value);
  return filter->measure == MEASURE_BOTH_SIDES ? value + view->field[filter->other] : value;
}

static bool is_applied(const struct filter *filter, const struct market *market, const struct preset *preset) {
  if (filter->code == REASON_correlation && market->is_reference) return false;
  return filter->measure == MEASURE_HEALTH || !isnan(limit_of(preset, filter->limit));
}

static bool is_skipped(const struct filter *filter, const struct market *market, const struct market_view *view) {
  if (filter->code == REASON_correlation) return view->why[filter->field] == NULL_NO_CAPABILITY;
  return filter->needs != 0 && (filter->needs & market->capabilities) == 0;
}

static bool test_filter(const struct filter *filter, const struct market *market, const struct market_view *view, const struct preset *preset,
                        struct reason_list *reasons) {
  double value = value_of(filter, view);
  if (isnan(value)) {
    add_unknown(market, view, isnan(view->field[filter->field]) || filter->measure != MEASURE_BOTH_SIDES ? filter->field : filter->other, reasons);
    return false;
  }
  double limit = limit_of(preset, filter->limit);
  if (filter->comparator == COMPARATOR_IN) return reason_test_range(reasons, filter->code, value, limit, limit_of(preset, filter->limit_high));
  bool passed = reason_test(reasons, filter->code, value, filter->comparator, limit);
  if (!passed && filter->measure == MEASURE_BOTH_SIDES) explain_depth(filter, market, view, reasons);
  return passed;
}

/* --- data health --- */

enum { HEALTH_CANDLES = 150, JUMP_ATR = 20, STALE_EXTRA_MS = 90000 };

static bool fail(struct reason_list *reasons, enum reason_code code, double value, double threshold, const char *detail) {
  reason_add(reasons, code, false, value, threshold, detail);
  return false;
}

/* The limit of 150 s is the length of a minute candle and 90 s for the next one to arrive; coarser base candles keep the 90 s. */
static bool is_fresh(const struct market *market, const struct market_health *health, int64_t now, struct reason_list *reasons) {
  int64_t age_ms = now - health->newest_close_ts;
  int64_t limit_ms = market->base_ms + STALE_EXTRA_MS;
  if (health->newest_close_ts == 0) return fail(reasons, REASON_unavailable, NAN, NAN, "candle_1m");
  return age_ms <= limit_ms || fail(reasons, REASON_stale, (double)age_ms / 1000.0, (double)limit_ms / 1000.0, "candle_1m");
}

/* The checks that need candles only. */
static bool has_healthy_candles(const struct market *market, int64_t now, struct reason_list *reasons) {
  struct market_health health;
  market_health_read(market, &health);
  bool passed = is_fresh(market, &health, now, reasons);
  if (health.missing > 0) passed = fail(reasons, REASON_data_gap, health.missing, HEALTH_CANDLES, NULL);
  if (health.duplicates > 0) passed = fail(reasons, REASON_data_duplicate, health.duplicates, HEALTH_CANDLES, NULL);
  if (health.invalid > 0) passed = fail(reasons, REASON_data_invalid, health.invalid, HEALTH_CANDLES, NULL);
  if (health.jumps > 0) passed = fail(reasons, REASON_data_jump, health.worst_jump_atr, JUMP_ATR, NULL);
  return passed;
}

static bool has_spread(const struct market *market, const struct market_view *view, const struct preset *preset, struct reason_list *reasons) {
  double limit = maths_max(2.0 * preset->liquidity_filters.max_spread_bps, 20.0);
  if ((market->capabilities & (CAPABILITY_BOOK | CAPABILITY_TICKER)) == 0) return true;
  if (isnan(view->spread_bps)) {
    add_unknown(market, view, MARKET_FIELD_spread_bps, reasons);
    return false;
  }
  return view->spread_bps <= limit || fail(reasons, REASON_data_spread, view->spread_bps, limit, NULL);
}

static bool has_book(const struct market *market, const struct market_view *view, struct reason_list *reasons) {
  if ((market->capabilities & CAPABILITY_BOOK) == 0) return true;
  enum market_field side = view->depth_5bps_bid > 0 ? MARKET_FIELD_depth_5bps_ask : MARKET_FIELD_depth_5bps_bid;
  if (view->field[side] > 0) return true;
  return fail(reasons, REASON_unavailable, NAN, NAN, is_not_subscribed(market, side) ? "book not_subscribed" : "book");
}

static bool is_alive(const struct market *market, const struct market_view *view, struct reason_list *reasons) {
  if ((market->capabilities & CAPABILITY_TRADES) == 0) return true;
  if (isnan(view->trades_per_minute)) {
    add_unknown(market, view, MARKET_FIELD_trades_per_minute, reasons);
    return false;
  }
  return view->trades_per_minute > 0 || fail(reasons, REASON_data_dead, view->trades_per_minute, 0, NULL);
}

bool market_filter_data_health(const struct market *market, const struct market_view *view, const struct preset *preset,
                               struct reason_list *reasons) {
  bool passed = has_healthy_candles(market, view->ts, reasons);
  passed &= has_book(market, view, reasons);
  passed &= has_spread(market, view, preset, reasons);
  passed &= is_alive(market, view, reasons);
  if (passed) reason_add(reasons, REASON_data_health, true, NAN, NAN, NULL);
  return passed;
}

/* --- sets of filters --- */

static bool run(const struct filter *filter, const struct market *market, const struct market_view *view, const struct preset *preset,
                struct reason_list *reasons) {
  if (filter->measure == MEASURE_HEALTH) return market_filter_data_health(market, view, preset, reasons);
  if (!is_applied(filter, market, preset)) return true;
  if (is_skipped(filter, market, view)) {
    reason_skip(reasons, filter->code, filter->capability != NULL ? filter->capability : "reference");
    return true;
  }
  return test_filter(filter, market, view, preset, reasons);
}

bool market_filter_all(const struct market *market, const struct market_view *view, const struct preset *preset, struct reason_list *reasons) {
  bool passed = true;
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) passed &= run(&filters[i], market, view, preset, reasons);
  return passed;
}

bool market_filter_at_signal(const struct market *market, const struct market_view *view, const struct preset *preset, struct reason_list *reasons) {
  bool passed = true;
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) {
    if (filters[i].is_at_signal) passed &= run(&filters[i], market, view, preset, reasons);
  }
  return passed;
}

/* The spread is tested here only where the ticker gives it: outside the deep ring the book is not there. */
static bool is_wide(const struct filter *filter, const struct market *market) {
  return filter->is_wide || (filter->code == REASON_max_spread && (market->capabilities & CAPABILITY_TICKER) != 0);
}

bool market_filter_wide(const struct market *market, const struct market_view *view, const struct preset *preset) {
  struct reason_list reasons = {.count = 0};
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) {
    const struct filter *filter = &filters[i];
    if (!is_wide(filter, market)) continue;
    bool passed = filter->measure == MEASURE_HEALTH ? has_healthy_candles(market, view->ts, &reasons) : run(filter, market, view, preset, &reasons);
    if (!passed) return false;
  }
  return true;
}

uint32_t market_filter_skipped(uint32_t capabilities, bool has_reference) {
  uint32_t skipped = 0;
  for (int i = 0; i < MARKET_FILTER_COUNT; i++) {
    const struct filter *filter = &filters[i];
    bool is_without = filter->code == REASON_correlation ? !has_reference : filter->needs != 0 && (filter->needs & capabilities) == 0;
    if (is_without) skipped |= UINT32_C(1) << i;
  }
  return skipped;
}
