#include "core/strategy/risk.h"

#include <math.h>
#include <stddef.h>

#include "base/calendar.h"
#include "base/decimal.h"

__extension__ typedef __int128 wide;

const char *const risk_cause_names[] = {"none", "drawdown", "day_loss", "consecutive_losses", "operator"};
const char *const risk_status_names[] = {"safe", "halved", "day_limit", "killed"};

/* clang-format off */
#define FIELD_OWNER struct latch
static const struct field latch_fields[] = {
#include "base/fields_table.h"
#include "core/strategy/latch_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
/* clang-format on */

const struct schema latch_schema = {"latch", latch_fields, sizeof latch_fields / sizeof latch_fields[0], sizeof(struct latch)};

/* A loss as part of a base, kept as the two amounts of money so that it can be compared without a division. */
struct loss {
  int64_t lost, base; /* base > 0 */
};

static struct loss loss_of(int64_t lost, int64_t base) {
  return (struct loss){lost > 0 ? lost : 0, base};
}

/* loss > tenths/10 * limit. A limit is a decimal, so all of this is exact. */
static bool is_above(struct loss loss, int64_t limit, int tenths) {
  if (loss.lost == 0 && limit >= 0) return false;
  return (wide)loss.lost * DECIMAL_ONE * 10 > (wide)limit * loss.base * tenths;
}

static double fraction_of(struct loss loss) {
  return decimal_to_double(loss.lost) / decimal_to_double(loss.base);
}

static bool is_set(const struct latch *latch) {
  return latch->since_at != 0;
}

static void set_latch(struct latch *latch, const char *name, enum risk_cause cause, double value, double threshold, int64_t ts) {
  *latch = (struct latch){.cause = (int32_t)cause, .value = value, .threshold = threshold, .since_at = ts};
  text_copy(latch->name, sizeof latch->name, name);
  struct text text;
  text_init(&text, latch->reason, sizeof latch->reason);
  text_add(&text, risk_cause_names[cause]);
  text_add_char(&text, ' ');
  text_add_double(&text, value, 8);
  text_add(&text, cause == RISK_CAUSE_CONSECUTIVE_LOSSES ? ", limit " : " above ");
  text_add_double(&text, threshold, 8);
}

/* What is compared with the limits, and the limits as decimals. */
struct figures {
  struct loss day, drawdown;
  int32_t losses;
  int64_t day_limit, kill_limit;
};

/* False when the ledger has no day start or no high-water mark to divide by. */
static bool read_figures(const struct ledger *ledger, const struct preset *preset, struct figures *out) {
  if (ledger->day_start_equity_usd <= 0 || ledger->high_water_mark_usd <= 0) return false;
  out->day = loss_of(-ledger_day_pnl(ledger), ledger->day_start_equity_usd);
  out->drawdown = loss_of(ledger->high_water_mark_usd - ledger->equity_usd, ledger->high_water_mark_usd);
  out->losses = ledger->consecutive_losses;
  out->day_limit = decimal_from_double(preset->risk.daily_risk_limit);
  out->kill_limit = decimal_from_double(preset->risk.kill_switch_loss_limit);
  return true;
}

/* Nothing is near enough to a limit to halve the risk, so it is far from the warning, the day's limit and the kill switch too. */
static bool is_far(const struct figures *figures) {
  int64_t kill = figures->kill_limit;
  return !is_above(figures->day, figures->day_limit, 8) && !is_above(figures->day, kill, 5) && !is_above(figures->drawdown, kill, 5);
}

static uint32_t update_alerts(struct risk_state *risk, const struct figures *figures, bool halved) {
  uint32_t actions = RISK_ACTION_NONE;
  int64_t kill = figures->kill_limit;
  if (halved != risk->is_halved) actions |= halved ? RISK_ACTION_HALVED : RISK_ACTION_UNHALVED;
  risk->is_halved = halved;
  bool warned = is_above(figures->day, kill, 6) || is_above(figures->drawdown, kill, 6);
  if (warned && !risk->is_warned) actions |= RISK_ACTION_WARNING;
  risk->is_warned = warned;
  return actions;
}

/* Once latched, the first cause stays: a second limit passed later changes nothing that is still to be done. */
static enum risk_cause fire_kill_switch(struct risk_state *risk, const struct figures *figures, const struct preset *preset, int64_t ts) {
  double limit = preset->risk.kill_switch_loss_limit;
  if (is_set(&risk->kill)) return RISK_CAUSE_NONE;
  if (is_above(figures->drawdown, figures->kill_limit, 10)) {
    set_latch(&risk->kill, "kill_switch", RISK_CAUSE_DRAWDOWN, fraction_of(figures->drawdown), limit, ts);
  } else if (is_above(figures->day, figures->kill_limit, 10)) {
    set_latch(&risk->kill, "kill_switch", RISK_CAUSE_DAY_LOSS, fraction_of(figures->day), limit, ts);
  } else if (figures->losses >= preset->risk.max_consecutive_losses) {
    set_latch(&risk->kill, "kill_switch", RISK_CAUSE_CONSECUTIVE_LOSSES, figures->losses, preset->risk.max_consecutive_losses, ts);
  } else {
    return RISK_CAUSE_NONE;
  }
  return (enum risk_cause)risk->kill.cause;
}

/* The day latch belongs to the UTC day in which it was set. */
static uint32_t end_day_latch(struct risk_state *risk, int64_t ts) {
  if (!is_set(&risk->day) || calendar_day_start(ts) <= calendar_day_start(risk->day.since_at)) return RISK_ACTION_NONE;
  risk->day = (struct latch){.released_by = "next UTC day"};
  return RISK_ACTION_DAY_OVER;
}

uint32_t risk_evaluate(struct risk_state *risk, const struct ledger *ledger, const struct preset *preset, int64_t ts, enum risk_cause *cause) {
  struct figures figures;
  uint32_t actions = end_day_latch(risk, ts);
  *cause = RISK_CAUSE_NONE;
  double day_limit = preset->risk.daily_risk_limit;
  if (!read_figures(ledger, preset, &figures)) {
    if (is_set(&risk->day)) return actions;
    set_latch(&risk->day, "day_limit", RISK_CAUSE_DAY_LOSS, NAN, day_limit, ts);
    return actions | RISK_ACTION_DAY_LATCH;
  }
  bool halved = !is_far(&figures);
  bool is_usual = !halved && !risk->is_halved && !risk->is_warned && figures.losses < preset->risk.max_consecutive_losses;
  if (is_usual && figures.day_limit >= 0 && figures.kill_limit >= 0) return actions; /* nearly every minute */
  actions |= update_alerts(risk, &figures, halved);
  if (!is_set(&risk->day) && is_above(figures.day, figures.day_limit, 10)) {
    set_latch(&risk->day, "day_limit", RISK_CAUSE_DAY_LOSS, fraction_of(figures.day), day_limit, ts);
    actions |= RISK_ACTION_DAY_LATCH;
  }
  *cause = fire_kill_switch(risk, &figures, preset, ts);
  if (*cause != RISK_CAUSE_NONE) actions |= RISK_ACTION_KILL;
  return actions;
}

double risk_size_factor(const struct risk_state *risk) {
  return risk->is_halved ? 0.5 : 1.0;
}

enum risk_status risk_status(const struct risk_state *risk) {
  if (is_set(&risk->kill)) return RISK_KILLED;
  if (is_set(&risk->day)) return RISK_DAY_LIMIT;
  return risk->is_halved ? RISK_HALVED : RISK_SAFE;
}

/* --- admission of a plan --- */

static const double book_share_max = 0.60;
enum { ACCOUNT_AGE_S_MAX = 60, CLOCK_OFFSET_MS_MAX = 1000, INSTRUMENT_AGE_H_MAX = 26 };

static bool add_fact(struct reason_list *reasons, enum reason_code code, bool failed, double value, double threshold, const char *detail) {
  reason_add(reasons, code, !failed, value, threshold, detail);
  return !failed;
}

static bool allows_session(const struct risk_request *request, struct reason_list *reasons) {
  const struct latch *kill = &request->risk->kill;
  bool passed = add_fact(reasons, REASON_session_not_running, request->session_word != NULL, NAN, NAN, request->session_word);
  passed &=
      add_fact(reasons, REASON_emergency_latched, is_set(kill), kill->value, kill->threshold, is_set(kill) ? risk_cause_names[kill->cause] : NULL);
  return passed;
}

static bool allows_surroundings(const struct risk_request *request, struct reason_list *reasons) {
  bool passed = add_fact(reasons, REASON_account_stale, request->account_is_stale, request->account_age_s, ACCOUNT_AGE_S_MAX, NULL);
  passed &= add_fact(reasons, REASON_clock_skew, request->clock_is_skewed, request->clock_offset_ms, CLOCK_OFFSET_MS_MAX, NULL);
  passed &= add_fact(reasons, REASON_instrument_stale, request->instrument_is_stale, request->instrument_age_h, INSTRUMENT_AGE_H_MAX, NULL);
  passed &= add_fact(reasons, REASON_delisting, request->is_delisting, NAN, NAN, NULL);
  passed &= add_fact(reasons, REASON_recovering, request->is_recovering, NAN, NAN, NULL);
  passed &= add_fact(reasons, REASON_storage_unavailable, request->storage_is_unavailable, NAN, NAN, NULL);
  return passed;
}

static bool allows_slot(const struct risk_request *request, struct reason_list *reasons) {
  bool day = is_set(&request->risk->day);
  bool passed = add_fact(reasons, REASON_day_limit, day, request->day_loss, request->preset->risk.daily_risk_limit, NULL);
  passed &= reason_test(reasons, REASON_position_limit, request->slots_used, COMPARATOR_LT, request->preset->risk.max_concurrent_positions);
  passed &= add_fact(reasons, REASON_symbol_busy, request->symbol_is_busy, NAN, NAN, NULL);
  passed &= add_fact(reasons, REASON_cooldown, request->symbol_cools_down, NAN, NAN, NULL);
  return passed;
}

static bool allows_correlation(const struct risk_request *request, struct reason_list *reasons) {
  if (request->is_reference) return true;
  if (!request->has_reference) {
    reason_skip(reasons, REASON_correlation_signal, "reference");
    return true;
  }
  return reason_test(reasons, REASON_correlation_signal, fabs(request->btc_correlation), COMPARATOR_LE, request->preset->risk.correlation_limit);
}

bool risk_allows_entry(const struct risk_request *request, struct reason_list *reasons) {
  bool passed = allows_session(request, reasons);
  passed &= allows_surroundings(request, reasons);
  passed &= allows_slot(request, reasons);
  passed &= allows_correlation(request, reasons);
  return passed;
}

/* null counts as correlated: what is not known may be anything. */
static bool is_correlated(const struct risk_request *request) {
  return request->is_reference || isnan(request->btc_correlation) || fabs(request->btc_correlation) > request->preset->risk.correlation_limit;
}

bool risk_allows_notional(const struct risk_request *request, struct reason_list *reasons) {
  if (!request->has_reference) {
    reason_skip(reasons, REASON_correlation_book, "reference");
    return true;
  }
  if (request->book_notional <= 0) return true; /* the only one may be correlated: there is nothing to add up with */
  double correlated = request->book_correlated + (is_correlated(request) ? request->plan_notional : 0.0);
  return reason_test(reasons, REASON_correlation_book, correlated / (request->book_notional + request->plan_notional), COMPARATOR_LE, book_share_max);
}
