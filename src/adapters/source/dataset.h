/* The content of an opened source, as its parts see it: dataset.c fills it from files, source.c hands it out, merge.c walks through it. */
#ifndef ADAPTERS_SOURCE_DATASET_H
#define ADAPTERS_SOURCE_DATASET_H

#include "adapters/source/event_file.h"
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
  double stream_price;                    /* first price seen there, 0 none */
  struct stream_quality stream_quality;   /* all zero without streams */
  char stream_digest[DIGEST_TEXT_MAX];    /* of its streamed items, "" none */
  struct dataset_instrument *instruments; /* owned, ascending ts, at least one */
  int instrument_count;
};

/* A recording, or the converted files of a symbol, that is read again and again, an item at a time. */
struct dataset_stream {
  char **paths; /* owned */
  int path_count;
  char fallback_symbol[SYMBOL_TEXT_MAX];
  char digest[DIGEST_TEXT_MAX];          /* of the items: what orders streams among each other */
  char converted[EVENT_FILE_SYMBOL_MAX]; /* symbol of converted files, "" for a recording */
  struct recording *recording;           /* one of both while it is read */
  struct event_reader *reader;
  struct source_item item;            /* the next one; its pointers are good until the stream moves on */
  struct recording_event event;       /* of the recording: what the item points into */
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
  double price; /* first one streamed, 0 none */
  struct stream_counter counter;
  struct item_digest digest; /* of the streamed items */
  char digest_text[DIGEST_TEXT_MAX];
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
  int64_t told_from, told_to;    /* what the range is said to be, 0: that of the rows */
};

/* Stands before the first event of the stream; STATUS_END when it has none. */
NODISCARD enum status dataset_stream_rewind(struct source *source, struct dataset_stream *stream, struct problem *problem);
/* Moves to the next event that the source hands out. STATUS_END after the last. */
NODISCARD enum status dataset_stream_advance(struct source *source, struct dataset_stream *stream, struct problem *problem);

/* Frees what reads it; the stream can be rewound. */
void dataset_stream_close(struct dataset_stream *stream);
/* What an event of a recording says as an item; false for kinds that a stream does not hand out. */
bool dataset_stream_item(const struct recording_event *event, struct source_item *item);

NODISCARD enum status dataset_load(struct source *source, const struct source_options *options, struct problem *problem);
void dataset_unload(struct source *source);
/* A source whose content is there stands before its first item. */
NODISCARD enum status source_begin(struct source *source, struct problem *problem);
/* Goes on where it stands after rows were added behind its last ones; not with streams. */
void source_resume(struct source *source);

#endif
