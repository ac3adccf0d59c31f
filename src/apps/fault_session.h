/* One simulated session in virtual time: generated markets, the paper venue behind a bad line, and the program (engine, runner, journal, recovery)
 * that is killed, frozen, starved of disk and ordered about as the faults say. Everything follows from the seed and the list of faults. */
#ifndef APPS_FAULT_SESSION_H
#define APPS_FAULT_SESSION_H

#include "adapters/sim/fault_line.h"
#include "base/digest.h"
#include "core/strategy/preset.h"

enum {
  FAULT_SESSION_FAULTS_MAX = 16,
  FAULT_SESSION_MINUTES_MIN = 20,
  FAULT_SESSION_MINUTES_MAX = 600,
  FAULT_STEP_MS = 100 /* of virtual time; faults begin and end with one */
};

struct session; /* fault_state.h */

/* Looks on, and may let the program die where no fault does: tests of crash points. */
struct fault_watch {
  void *context;
  void (*on_turn)(void *context, struct session *session);   /* the program's turn, when it is up */
  void (*on_buried)(void *context, struct session *session); /* it died: only files are left */
};

struct fault_session_options {
  uint64_t seed;
  const struct preset *preset;
  const char *preset_json;    /* canonical */
  const char *folder;         /* exists and is empty; emptied in the end */
  int32_t minutes;            /* of trading, after some hours of candles */
  const struct fault *faults; /* times in ms since trading began */
  int32_t fault_count;
  bool is_told;                    /* what happens, on standard error */
  const struct fault_watch *watch; /* NULL nobody */
  size_t segment_bytes;            /* of the journal; 0: as usual */
  int32_t volume_times;            /* of the generated volume; 0: 1000, which fills every order of ours at once */
};

struct fault_session_result {
  char violation[256]; /* "" none */
  int64_t violated_at; /* ms since trading began */
  int64_t events, fills, orders, trades, simulated_ms, restarts, bare_worst_ms;
  char digest[DIGEST_TEXT_MAX]; /* of everything the venue saw */
};

/* Draws up to five faults for a session from the kinds of the mask (bits of enum fault_kind); the last minutes stay quiet. Returns how many. */
int32_t fault_session_draw(uint64_t seed, uint64_t kinds, int32_t minutes, struct fault faults[FAULT_SESSION_FAULTS_MAX]);
NODISCARD enum status fault_session_run(const struct fault_session_options *options, struct fault_session_result *result, struct problem *problem);

#endif
