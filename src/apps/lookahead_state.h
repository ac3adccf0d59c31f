/* What the parts of the look-ahead check share: its pieces and what came of them. */
#ifndef APPS_LOOKAHEAD_STATE_H
#define APPS_LOOKAHEAD_STATE_H

#include "apps/lookahead.h"
#include "apps/lookahead_heard.h"

enum { LOOKAHEAD_STARTS = 3 };

enum piece_kind { PIECE_HIDDEN_NOISE, PIECE_HIDDEN_NOTHING, PIECE_EARLIER, PIECE_CUT, PIECE_SCRAMBLE, piece_kind_count };
extern const char *const piece_kind_names[];

struct piece {
  enum piece_kind kind;
  int64_t at;    /* cut, scramble: the time. earlier: where the later data begin */
  int64_t from;  /* earlier: from when on both trade */
  int weeks;     /* earlier */
  int64_t known; /* cut, scramble: records before the first event after the time */
};

struct lookahead {
  const struct wiring *wiring;
  const struct run_options *options;
  const struct lookahead_options *check;
  struct heard base;
  bool has_hidden; /* the source can be hidden */
  bool is_warm_checked[LOOKAHEAD_STARTS];
  struct piece *pieces; /* owned */
  int piece_count;
};

extern const int lookahead_weeks[LOOKAHEAD_STARTS];

/* Prints all of it. results: one a piece. Returns the exit code. */
int lookahead_report(struct app *app, const struct lookahead *lookahead, const struct comparison *results);

#endif
