/* Feeds between the source and the playback of a run that is held against another one, and ears for what it says. */
#ifndef APPS_LOOKAHEAD_TAP_H
#define APPS_LOOKAHEAD_TAP_H

#include "adapters/source/curtain.h"
#include "apps/lookahead_heard.h"
#include "apps/run.h"

enum { TAP_OLD_LEVELS_MAX = 256 };

/* A level that a run over later data cannot have. */
struct old_level {
  int64_t level_id;
  char symbol[SYMBOL_TEXT_MAX];
};

enum tap_form {
  TAP_WHOLE,    /* everything as it is; what it says is kept */
  TAP_CUT,      /* no events after `at` */
  TAP_SCRAMBLE, /* noise after `at` */
  TAP_CURTAIN,  /* everything as it is, over a source whose future is hidden at every moment */
  TAP_LATER     /* from the first event after `at` on */
};

/* Which records are heard. */
enum tap_ear {
  TAP_ALL,     /* every record */
  TAP_SESSION, /* from heard_from on those that make a session's digest, without the numbers that count what was before */
};

struct tap {
  enum tap_form form;
  enum tap_ear ear;
  int64_t at, heard_from;
  struct random random;
  struct curtain *curtain;         /* owned; of a run over its source */
  struct source *source;           /* the whole one, of a curtain */
  const struct run_options *outer; /* what the caller puts above the tap is part of what is checked */

  struct heard *heard;      /* TAP_WHOLE and TAP_LATER: kept here; else NULL */
  const struct heard *base; /* else held against the first `known` of these */
  int64_t known;
  struct comparison *comparison;

  int64_t later_at; /* of the data that this run is held against, 0: the same data */
  struct old_level old_levels[TAP_OLD_LEVELS_MAX];
  int old_level_count;

  int64_t *times; /* TAP_WHOLE: ascending; how many records there were before the first event after each time goes into counts */
  int64_t *counts;
  int time_count, time_next;

  int64_t said;       /* records heard */
  bool is_over;       /* of TAP_SCRAMBLE: what is said now may have heard noise */
  enum status opened; /* of going to `at` */
  struct feed *inner;
  struct feed feed;
  struct source_feed whole;
  struct feed whole_feed;
  struct public_trade *trades; /* owned: noise */
  struct book_level *levels;   /* owned: noise */
  size_t trade_room, level_room;
};

/* For run_options.on_open with a struct tap as context. */
void tap_open(void *context, struct wiring *wiring);
/* The run is over: what was to come and did not counts. */
void tap_end(struct tap *tap);
void tap_deinit(struct tap *tap);

#endif
