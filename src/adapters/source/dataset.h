/* The content of an opened source, as its parts see it: dataset.c fills it from files, source.c hands it out, merge.c walks through it. */
#ifndef ADAPTERS_SOURCE_DATASET_H
#define ADAPTERS_SOURCE_DATASET_H

#include "adapters/source/merge.h"
#include "adapters/source/source.h"

/* An instrument as known from a time on. */
struct dataset_instrument {
  int64_t ts; /* INT64_MIN: always */
  struct instrument instrument;
};

struct dataset_symbol {
  char printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  struct series candles, funding, mark, trades, filled; /* trades: struct source_trade until they are packed */
  struct public_trade *tape;                            /* owned */
  size_t tape_count;
  uint32_t capabilities;
  bool has_built_candles;                 /* from its trades */
  struct dataset_instrument *instruments; /* owned, ascending ts, at least one */
  int instrument_count;
};

/* Rows of one file, before symbols are known to be complete. */
struct dataset_piece {
  char printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  const char *path;
  int64_t interval_ms;
  struct series series; /* moved out when taken */
};

struct source {
  struct dataset_symbol *symbols;
  int symbol_count;
  int64_t interval_ms;
  uint32_t stamps;
  char checksum[65]; /* "" until asked */
  struct merge merge;
  struct source_cursor *cursors; /* owned, one a symbol: source.c */
};

NODISCARD enum status dataset_load(struct source *source, const struct source_options *options, struct problem *problem);
void dataset_unload(struct source *source);

#endif
