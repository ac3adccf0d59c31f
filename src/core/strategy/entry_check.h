/* Entry validation (strategy 9) and market quality (strategy 10) of a signal. */
#ifndef CORE_STRATEGY_ENTRY_CHECK_H
#define CORE_STRATEGY_ENTRY_CHECK_H

#include "core/strategy/setup.h"
#include "core/strategy/signal.h"

/* All enabled checks; sets signal->validation_score. Returns true when none failed. */
bool entry_check_validate(const struct setup *setup, struct signal *signal, struct reason_list *reasons);
/* All enabled quality tests on the candles before the signal candle. Returns true when there is no issue. quality: display score, may be NULL. */
bool entry_check_quality(const struct setup *setup, struct reason_list *reasons, double *quality);

#endif
