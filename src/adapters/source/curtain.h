/* A copy of a source whose future cannot be seen: of everything with a later time than what was shown there is noise, or nothing, in its place, also
 * in the arrays that source_candles and its like hand out. Whoever computes with the copy and gets what the source gives has not used the future
 * (backtest 9). Noise keeps its times. What is told at the start stays as it is: instruments, capabilities, the range of the data. */
#ifndef ADAPTERS_SOURCE_CURTAIN_H
#define ADAPTERS_SOURCE_CURTAIN_H

#include "adapters/source/source.h"
#include "base/random.h"

/* What stands in place of the future: plausible values that have nothing to do with it; or no rows, and behind the last one not-a-number. */
enum curtain_form { CURTAIN_NOISE, CURTAIN_NOTHING, CURTAIN_FORM_COUNT };

struct curtain; /* opaque */

/* Not for recordings of messages: they are read one by one, nothing of them lies in memory before its time. */
bool curtain_fits(const struct source *source);
/* The source must fit, and outlive the curtain. */
NODISCARD enum status curtain_open(struct curtain **curtain, const struct source *source, enum curtain_form form, uint64_t seed,
                                   struct problem *problem);
void curtain_close(struct curtain *curtain); /* NULL is allowed */
/* The copy; it belongs to the curtain. Before something is taken from it, all of its time must have been shown. */
struct source *curtain_source(struct curtain *curtain);
/* From now on everything known at ts is as in the source. */
void curtain_show(struct curtain *curtain, int64_t ts);

/* A candle that has nothing to do with the given one but its order of magnitude. */
void noise_candle(struct random *random, struct candle *candle);
/* The same for a price or a size above zero, and for a trade. */
double noise_value(struct random *random, double value, double deviation);
void noise_trade(struct random *random, struct public_trade *trade);
double noise_rate(struct random *random);

#endif
