/* The content of an opened source, as its parts see it: dataset.c fills it from files, source.c hands it out, merge.c walks through it. */
#ifndef ADAPTERS_SOURCE_DATASET_H
#define ADAPTERS_SOURCE_DATASET_H

#include "adapters/source/merge.h"
#include "adapters/source/recording.h"
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
  bool is_streamed;                       /* its trades come from a stream, not from the tape */
  int64_t stream_from_ms, stream_to_ms;   /* first and last event of it */
  double stream_price;                    /* first price seen there, 0 none */
  struct dataset_instrument *instruments; /* owned, ascending ts, at least one */
  int instrument_count;
};

/* A recording that is read again and again, an event at a time. */
struct dataset_stream {
  char **paths; /* owned */
  int path_count;
  char fallback_symbol[SYMBOL_TEXT_MAX];
  char digest[65]; /* of the events: what orders streams among each other */
  struct recording *recording;
  struct recording_event event;       /* the next one */
  int symbols[RECORDING_SYMBOLS_MAX]; /* index in the source of the recording's symbols, -1 not wanted */
  int mapped;                         /* symbols of the recording already looked up */
};

/* Rows of one file, before symbols are known to be complete. */
struct dataset_piece {
  char printed[SYMBOL_TEXT_MAX], venue_symbol[SYMBOL_TEXT_MAX];
  const char *path;
  int64_t interval_ms;
  struct series series; /* moved out when taken */
  bool is_streamed;     /* trades only: they serve to build candles */
  uint32_t capabilities;
  int64_t from_ms, to_ms; /* first and last streamed event */
  double price;           /* first one streamed, 0 none */
};

struct source {
  struct dataset_symbol *symbols;
  int symbol_count;
  int64_t interval_ms;
  uint32_t stamps;
  char checksum[65]; /* "" until asked */
  struct merge merge;
  struct dataset_stream *streams; /* owned, by ascending digest */
  int stream_count;
  int pending_stream;            /* its event was handed out and must be left behind before the next item; -1 none */
  struct source_cursor *cursors; /* owned, one a symbol: source.c */
};

/* Stands before the first event of the stream; STATUS_END when it has none. */
NODISCARD enum status dataset_stream_rewind(struct source *source, struct dataset_stream *stream, struct problem *problem);
/* Moves to the next event that the source hands out. STATUS_END after the last. */
NODISCARD enum status dataset_stream_advance(struct source *source, struct dataset_stream *stream, struct problem *problem);

NODISCARD enum status dataset_load(struct source *source, const struct source_options *options, struct problem *problem);
void dataset_unload(struct source *source);

#endif
