/* Thinning of a curve for the eye: largest-triangle-three-buckets (S. Steinarsson, "Downsampling Time Series for Visual Representation", 2013). */
#ifndef API_LTTB_H
#define API_LTTB_H

#include "core/trade/performance.h"

/* Indexes of at most max (> 2) points of equity over time, ascending, the first and the last always; all when there are no more. Returns how many. */
int32_t lttb_choose(const struct equity_point *points, int32_t count, int32_t max, int32_t *chosen);

#endif
