/* From a data directory to a running engine: newest snapshot, the journal after it, and what was under way when the process ended.
 *
 * Snapshots: DATA_DIR/snapshots/<seq, 16 hex>.bbs: the engine's image and the simulated venue's state after everything up to seq, with checksums; the
 * last three are kept. */
#ifndef RUNNER_RECOVER_H
#define RUNNER_RECOVER_H

#include "base/arena.h"
#include "runner/journal.h"
#include "runner/runner.h"

enum { SNAPSHOTS_KEPT = 3, SNAPSHOT_EVERY_MS = 5 * 60 * 1000 };

/* ---- snapshots ---- */

/* Writes them beside the loop: the state is copied at once, the disk is waited for by another thread. */
struct snapshots; /* opaque */
NODISCARD enum status snapshots_open(struct snapshots **out, const char *data_dir, const char *account, struct problem *problem);
/* Waits for the one being written. */
void snapshots_close(struct snapshots *snapshots);
/* Between two events of the runner: begins one when five minutes of event time have passed since the last, or at once when is_forced. No snapshot
 * is ahead of the journal: it waits until all records are on disk, for up to five minutes more; then, or when is_forced, it flushes. Skipped while
 * the former is being written. Returns true when it began one. */
bool snapshots_take(struct snapshots *snapshots, struct runner *runner, bool is_forced);
/* Seq of the newest one that is on disk, 0 none yet. */
uint64_t snapshots_newest(struct snapshots *snapshots);

/* ---- restart ---- */

struct recover_options {
  const char *data_dir, *account;
  struct engine_limits limits;
  struct engine_config config;
  struct engine_counters counters; /* of an engine that starts without any past */
  struct arena *arena;             /* at least engine_memory(limits), zeroed and unused; stays with the engine */
};

struct recovery {
  bool is_first;            /* there was no journal */
  enum restart_cause cause; /* clean or crash */
  uint64_t snapshot_seq;    /* 0: everything was replayed */
  int64_t last_ts;          /* of the journal: where the feed goes on */
  int64_t gap_ms;           /* from there to now; 0 without a clock */
  int64_t replayed;         /* events stepped again */
  int64_t completed;        /* intents and records of the last event that the journal did not have yet */
  int64_t torn_bytes;
  int64_t differences; /* intents, records and venue answers that came out differently: the journal is right, the log says more */
  double seconds;      /* 0 without a clock */
};

struct recover; /* opaque: what the restart leaves behind; must live as long as the runner */

/* Builds the engine, replays, and sets runner up on it: journal, exchange, clock and digest as given. runner must be uninitialised memory; listeners
 * are added by the caller afterwards (an archive reads what it missed from the journal). The exchange must be fresh; a simulated one gets its state
 * from the snapshot and the events after it. The caller then sends what recover_event makes. */
NODISCARD enum status recover_open(struct recover **out, struct runner *runner, const struct recover_options *options, struct journal *journal,
                                   struct exchange *exchange, const struct clock *clock, bool has_digest, struct recovery *recovery,
                                   struct problem *problem);
void recover_close(struct recover *recover);
/* The event that makes the engine reconcile; its time is max(now, last_ts). Nothing to send when is_first. */
void recover_event(struct event *event, const struct recovery *recovery, int64_t now, bool resume_paused);
/* After the last event of a polite end: the mark, flushed. */
NODISCARD enum status recover_mark_clean(struct journal *journal, int64_t ts);

#endif
