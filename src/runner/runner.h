/* The only loop: collect -> journal -> step -> publish -> dispatch. One runner drives one engine with one venue; live, demo, backtest, simulation and
 * replay differ in the ports. */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

#include "base/digest.h"
#include "engine/engine.h"
#include "runner/clock.h"
#include "runner/exchange.h"
#include "runner/feed.h"

struct journal;
struct kill_latch;

/* Who else wants to see what happens: archive, metrics, API feed, reports. Called after the journal has it, in order. */
struct listener {
  void *context;
  void (*on_event)(void *context, const struct event *event);                                            /* may be NULL */
  void (*on_intent)(void *context, const struct intent *intent);                                         /* may be NULL */
  void (*on_record)(void *context, uint64_t seq, int64_t ts, enum record_kind kind, const void *object); /* may be NULL */
};
enum { RUNNER_LISTENERS_MAX = 8 };

struct runner {
  struct engine *engine;
  struct exchange *exchange;
  struct journal *journal;   /* NULL: nothing is journalled (backtests) */
  const struct clock *clock; /* NULL: no step times */
  struct kill_latch *latch;  /* told what the engine's emergency latch says, before anything is sent; NULL: only the journal knows */
  struct listener listeners[RUNNER_LISTENERS_MAX];
  int32_t listener_count;
  struct digest digest; /* canonical lines of decisions, orders, fills and trades */
  bool has_digest;
  uint64_t seq;        /* newest sequence number; equals the journal's when there is one */
  bool journal_failed; /* the engine was told by a storage event */
  int64_t events, steps_ns_max;
  int64_t phase_ns[engine_phase_count]; /* time spent in each phase; who reads it sets it back */
  enum engine_phase phase;              /* with a clock: where the step at hand is, since */
  int64_t phase_since_ns;
  int64_t lifted;          /* events whose time lay before the engine's */
  int64_t flushed_at;      /* event time of the newest flush */
  bool is_flushed_outside; /* the 100 ms of unordered records are the caller's, who plays time faster than it passes; orders and commands are flushed
                              all the same */
  /* working values of a step */
  struct intent *pending; /* intents of the step at hand, dispatched after the flush; owned */
  int32_t pending_count, pending_capacity;
  struct event answer; /* of the venue, at work */
  bool needs_flush;
};

NODISCARD enum status runner_init(struct runner *runner, struct engine *engine, struct exchange *exchange, struct journal *journal,
                                  const struct clock *clock, bool has_digest);
void runner_deinit(struct runner *runner);
void runner_listen(struct runner *runner, const struct listener *listener);

/* One event through journal, engine, listeners and dispatch, then all answers of the venue that are due at its time. Used for commands, ticks,
 * presets. */
void runner_step(struct runner *runner, struct event *event);
/* A market event: the simulated venue sees it first and its fills reach the engine before the event itself (execution 8.4). */
void runner_market(struct runner *runner, struct event *event);
/* Once in a while, also without events: what waits for the disk for 100 ms is flushed, answers of the venue that are due at `now` are taken. */
void runner_idle(struct runner *runner, int64_t now);
/* The canonical line of a record goes into the digest: ts|name|fields. For records that were stepped before this runner lived. */
void runner_digest_add(struct runner *runner, int64_t ts, enum record_kind kind, const void *object);
/* Digest so far as hex text. */
void runner_digest(const struct runner *runner, char text[DIGEST_TEXT_MAX]);

#endif
