/* Recorded message streams as events: hftbacktest text (`<local time> <message>`), cryptofeed text (`<seconds>: <message>`, snapshots in a file of
 * their own), Bybit's order book dumps and our own jsonl. Books follow the exchanges' sequence rules: a delta is handed on only behind its snapshot.
 */
#ifndef ADAPTERS_SOURCE_RECORDING_H
#define ADAPTERS_SOURCE_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/message.h"
#include "adapters/source/quality.h"
#include "base/problem.h"
#include "core/market/trade_flow.h"

enum { RECORDING_FILES_MAX = 16, RECORDING_SYMBOLS_MAX = 256 };

struct recording;

/* Opens files that belong together; their lines are merged by the time of receipt at their beginning. fallback_symbol (any spelling, may be NULL) is
 * that of messages that name none. */
NODISCARD enum status recording_open(struct recording **recording, const char *const *paths, int count, const char *fallback_symbol,
                                     struct problem *problem);
void recording_close(struct recording *recording); /* NULL is allowed */

/* What happened next, in the order of receipt. ts is the exchange's time made monotone: no event is earlier than the one before it, and a message
 * without time has that of its predecessor (before the first time messages are left out). */
struct recording_event {
  const struct message *message; /* never MESSAGE_OTHER */
  int symbol;                    /* of recording_symbol */
  int64_t ts;
  struct book_change book;   /* of MESSAGE_BOOK */
  struct public_trade trade; /* of MESSAGE_TRADE */
};

/* STATUS_END after the last. Pointers are good until the next call. */
NODISCARD enum status recording_next(struct recording *recording, struct recording_event *event, struct problem *problem);

/* Symbols in the order in which they were met. */
int recording_symbol_count(const struct recording *recording);
const char *recording_symbol(const struct recording *recording, int symbol);       /* BTC/USDT:USDT */
const char *recording_venue_symbol(const struct recording *recording, int symbol); /* BTCUSDT */

/* What was left out or is missing of a symbol, by its printed name; all zero when it is not known. */
const struct stream_quality *recording_losses(const struct recording *recording, const char *printed);

struct recording_counts {
  int64_t lines, messages, ignored; /* ignored: of no use, or without a known symbol or time */
  int64_t invalid;
  int64_t stale;   /* deltas older than the snapshot */
  int64_t waiting; /* deltas that never got a snapshot */
  int64_t gaps;    /* sequence breaks */
};
const struct recording_counts *recording_counts(const struct recording *recording);

#endif
