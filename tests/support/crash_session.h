/* A simulated session in which the program dies at named crash points (base/crash_point.def), one after another, each in a state of trading, at the
 * n-th passing, with or without the loss of what was not flushed. The program is left as a killed process leaves it: its files as they were at that
 * instant, its requests on the line. Whatever goes on in its memory until control comes back reaches neither venue nor disk.
 *
 * Judged: all that fault_judge.h judges; after each crash, when nothing is under way, positions and orders of the engine against the venue's; in the
 * end each fill of the venue once in the journal, and, where records became rows, once in the database. One session at a time in a process. */
#ifndef TESTS_SUPPORT_CRASH_SESSION_H
#define TESTS_SUPPORT_CRASH_SESSION_H

#include "apps/fault_session.h"
#include "base/crash_point.h"

enum crash_place { CRASH_LOOP, CRASH_FLUSHER, CRASH_IMAGE, CRASH_STORE, CRASH_CUT, CRASH_RESTART, CRASH_END };
/* flat: no order lives, no position is open; working: an entry order lives and has no fill; partly: it lives and has fills; protected: a position is
 * open, its stop rests, no exit is under way; exiting: an exit order lives. */
enum crash_state { CRASH_FLAT, CRASH_WORKING, CRASH_PARTLY, CRASH_PROTECTED, CRASH_EXITING, crash_state_count };
/* Of what was written and not flushed: nothing (the process was killed), all, what is behind a byte, or a sector in the middle (the power went). */
enum crash_loss { CRASH_LOSES_NOTHING, CRASH_LOSES_ALL, CRASH_LOSES_END, CRASH_LOSES_MIDDLE, crash_loss_count };

struct crash_row {
  const char *name;
  enum crash_place place;
  const char *text;
};
extern const struct crash_row crash_rows[crash_label_count];
extern const char *const crash_state_names[crash_state_count];

struct crash {
  enum crash_label label;
  enum crash_state state;
  enum crash_loss loss;
  int passing; /* from 1 */
  /* results */
  int deaths;         /* 0: the label was not passed so often in that state */
  int64_t repaired;   /* bytes that had to be set aside by hand, as `db verify --repair` does */
  int64_t settled_ms; /* from the return until nothing was under way; -1 never */
};

struct crash_options {
  uint64_t seed;
  const struct preset *preset;
  const char *preset_json;
  const char *folder; /* exists; has room for folders of ours */
  size_t segment_bytes;
  bool is_told;
};

/* Can this label be passed in that state at all? */
bool crash_is_possible(enum crash_label label, enum crash_state state);
/* Runs until all crashes have happened, or for ten hours of trading. */
NODISCARD enum status crash_session_run(const struct crash_options *options, struct crash *crashes, int count, struct fault_session_result *result,
                                        struct problem *problem);

#endif
