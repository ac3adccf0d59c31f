/* When a position ends and where its stop goes (positions 3, 5, 6, 8). Pure decisions on a position; the engine carries them out. */
#ifndef CORE_TRADE_EXIT_RULES_H
#define CORE_TRADE_EXIT_RULES_H

#include "core/analysis/activity.h"
#include "core/market/candle.h"
#include "core/trade/position.h"

enum urgency { URGENCY_LOW, URGENCY_NORMAL, URGENCY_IMMEDIATE, urgency_count };
extern const char *const urgency_names[];

/* The values that the rules use, from fsm_config when it is enabled, else from position_config (2.2). */
struct exit_settings {
  bool has_confirmation;
  int32_t entry_confirmation_bars;
  bool breakeven_enabled, lock_profit_enabled, trailing_enabled, acceleration_enabled, partial_trail_enabled;
  double breakeven_trigger_r, breakeven_buffer_bps, lock_profit_bps;
  double trailing_activation_r, trailing_step_bps, accel_after_r, accel_step_bps;
  double partial_trail_trigger_r, partial_trail_step_bps;
  int32_t exiting_timeout_s, panic_after_attempts;
  double monitor_interval_s;
};
void exit_settings_from(const struct preset *preset, struct exit_settings *out);

struct exit_input {
  const struct preset *preset;
  const struct exit_settings *settings; /* of the preset */
  const struct instrument *instrument;
  int64_t ts;
  int64_t price;                /* P, decimal */
  const struct candle *candles; /* closed 5m, ascending, newest last */
  int32_t count;
  bool is_candle;                  /* a 5m candle of the symbol closed with this event: candle rules run */
  const struct activity *activity; /* NULL without tape */
  bool is_channel;                 /* channel baseline: stop and target only */
};

/* The first exit rule (steps 6 to 13) that triggers; false when none. All evaluated rules leave reasons; code and urgency of the closing one are
 * returned. */
bool exit_rules_evaluate(const struct position *position, const struct exit_input *input, enum reason_code *code, enum urgency *urgency,
                         double *confidence, struct reason_list *reasons);
/* Life-cycle triggers due now (confirmed, breakeven, trailing), in order; returns the number written to triggers (at most 3). */
int32_t exit_rules_triggers(const struct position *position, const struct exit_input *input, enum position_trigger triggers[3]);

enum stop_verdict { STOP_STAYS, STOP_MOVES, STOP_CLOSES }; /* closes: the new stop would lie at or beyond P */
/* Step 14: the best candidate stop if it is better than the present one by max(1 tick, 2 bps of P). Also latches lock_profit_reached. */
enum stop_verdict exit_rules_stop(struct position *position, const struct exit_input *input, int64_t *stop, enum stop_rule *rule);
/* E·(1 + f_in + profit_bps)/(1 - f_out) on the tick: a stop that fills there returns both fees and the profit. */
int64_t exit_rules_paid_back(const struct position *position, const struct instrument *instrument, double profit_bps);
/* Reason of a stop fill while stop_rule was this one. */
enum reason_code exit_rules_stop_reason(enum stop_rule rule);

/* Add-on (8): quantity to add now, 0 when not; reasons say why. caps: largest total quantity allowed by risk 3.1. */
int64_t exit_rules_add_on(const struct position *position, const struct exit_input *input, int64_t caps, struct reason_list *reasons);

#endif
