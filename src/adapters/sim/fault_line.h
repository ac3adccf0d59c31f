/* A venue behind a bad line. For the runner it is like a live one: it has no market of its own, it goes on while the program is away, and what was on
 * its way to the program when that died is gone. Requests and answers take 20 to 80 ms; faults (fault.def) lose, delay, double, mix and falsify them.
 * Everything follows from the seed. */
#ifndef ADAPTERS_SIM_FAULT_LINE_H
#define ADAPTERS_SIM_FAULT_LINE_H

#include "base/random.h"
#include "runner/exchange.h"

enum fault_place { FAULT_AT_LINE, FAULT_AT_VENUE, FAULT_AT_FEED, FAULT_AT_PROCESS, FAULT_AT_DISK, FAULT_AT_OPERATOR, fault_place_count };
enum fault_kind {
#define FAULT(constant, name, place, shortest_ms, longest_ms, text) FAULT_##constant,
#include "adapters/sim/fault.def"
  fault_kind_count
};
struct fault_row {
  const char *name;
  enum fault_place place;
  int64_t shortest_ms, longest_ms;
  const char *text;
};
extern const struct fault_row fault_rows[];

/* Trouble from an instant (ms) on, until another; both the same: at that instant. */
struct fault {
  enum fault_kind kind;
  int64_t from, until;
};

struct line_request {
  int64_t due;
  struct intent intent;
};
struct line_answer {
  int64_t due;
  struct event event;
  void *items; /* what its borrowed array is, owned; NULL none */
};

struct fault_line {
  struct exchange venue;
  struct random random;
  const struct fault *faults; /* borrowed */
  int32_t fault_count;
  int64_t now, last_due, pong_at;
  struct line_request *requests; /* under way, in the order of due; owned */
  int32_t request_count, request_capacity;
  struct line_answer *answers; /* under way, in the order of due; owned */
  int32_t answer_count, answer_capacity;
  bool was_down;
  void *lent; /* items of the newest answer taken */
  /* Told of every fill when the venue makes it, before the line can do anything to it. */
  void (*on_fill)(void *context, const struct event_fill *fill);
  void *context;
};

/* venue: a simulated one without latency of its own, whose market the caller moves. */
void fault_line_open(struct fault_line *line, const struct exchange *venue, uint64_t seed, const struct fault *faults, int32_t count);
void fault_line_close(struct fault_line *line);
/* The port for the runner. */
void fault_line_exchange(struct fault_line *line, struct exchange *out);
/* Brings requests that are due to the venue and takes what it has to say. After every market event of the venue, and as time goes on. */
void fault_line_turn(struct fault_line *line, int64_t now);
/* The program died: its connections with it. Requests that left still arrive. */
void fault_line_cut(struct fault_line *line);
/* Is trouble of this kind there now? */
bool fault_is_on(const struct fault *faults, int32_t count, enum fault_kind kind, int64_t now);

#endif
