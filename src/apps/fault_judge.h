/* What must always hold, judged on the venue's side of a simulated session: by what reaches the venue, what rests and fills there, and in the end by
 * comparing it with what the program believes and has written. Letters as in the invariants: L nothing lost, D nothing twice, P protected, R limits.
 */
#ifndef APPS_FAULT_JUDGE_H
#define APPS_FAULT_JUDGE_H

#include "adapters/sim/fault_line.h"
#include "adapters/sim/sim.h"
#include "runner/runner.h"

enum { JUDGE_LEGS_MAX = 4096, JUDGE_FILLS_MAX = 8192, JUDGE_SYMBOLS_MAX = 8 };

/* Entries of one child of a plan over all its attempts. */
struct judged_leg {
  int64_t plan_id;
  int32_t leg, child;
  int64_t wanted, filled; /* decimals */
};

struct judged_fill {
  char venue_fill_id[ORDER_ID_MAX];
  int32_t told; /* times the journal has it */
};

/* A position at the venue, from its fills and what was taken of it. */
struct judged_position {
  int64_t qty; /* signed, decimal */
  int64_t own; /* the program's part: what it opened less what it closed; 0: all of it is somebody else's */
  int64_t owned_since;
};

struct fault_judge {
  const struct sim *sim;
  const struct fault *faults;
  int32_t fault_count;
  int64_t now;
  int64_t calm_since;    /* no trouble between program and venue since then */
  int64_t bare_worst_ms; /* longest in calm */
  bool may_enter;        /* false between a kill and its release */
  bool is_clock_off;     /* by more than a second, and the program knows */
  int64_t killed_at;     /* 0: not */
  int64_t max_positions;
  bool is_meddled; /* others move positions too: a fill can be known by what is left only */
  struct judged_position positions[JUDGE_SYMBOLS_MAX];
  struct judged_leg legs[JUDGE_LEGS_MAX];
  int32_t leg_count;
  struct judged_fill fills[JUDGE_FILLS_MAX];
  int32_t fill_count;
  char violation[256]; /* the first; "" none */
  int64_t violated_at;
};

void judge_open(struct fault_judge *judge, const struct sim *sim, const struct fault *faults, int32_t count, int32_t max_positions);
/* An order leaves the program; pending: bytes of the journal that are not on disk. */
void judge_request(struct fault_judge *judge, const struct intent *intent, size_t pending, bool is_journal_broken);
void judge_fill(struct fault_judge *judge, const struct event_fill *fill);
/* The venue took so much of a position by force. */
void judge_taken(struct fault_judge *judge, int32_t symbol, int64_t qty);
/* Is there a position in which the program has a part? */
bool judge_holds(const struct fault_judge *judge, int32_t symbol);
/* Time passes. is_up: the program runs and is not frozen. */
void judge_time(struct fault_judge *judge, int64_t now, bool is_up);
/* A kill was accepted, or released. */
void judge_killed(struct fault_judge *judge, bool is_killed);
/* An emergency stop was accepted: no entries until it is released, positions stay. */
void judge_stopped(struct fault_judge *judge);
/* A fill as the journal has it. */
void judge_written_fill(struct fault_judge *judge, const struct fill *fill);
/* Positions and orders of the engine against the venue's, when nothing is under way between them. */
void judge_compare(struct fault_judge *judge, const struct engine *engine);
/* After quiet: the engine against the venue, and the journal's fills against the venue's. */
void judge_end(struct fault_judge *judge, const struct engine *engine);
void judge_fail(struct fault_judge *judge, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
