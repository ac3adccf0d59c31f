/* What the files of the metrics share. */
#ifndef RUNNER_METRICS_STATE_H
#define RUNNER_METRICS_STATE_H

#include "runner/metrics.h"
#include "runner/recent.h"

enum { METRIC_LABELS_BYTES = 192, METRIC_SERIES_MAX = 512, CLOCK_SKEW_MS = 1000 };

struct series {
  struct series *next;
  char labels[METRIC_LABELS_BYTES]; /* name="value",... */
  bool is_set;
  double value;  /* of a histogram: the sum */
  int64_t count; /* of a histogram */
  int64_t buckets[];
};

struct metrics {
  const struct clock *clock;
  int64_t started_ms;
  struct series *series[METRIC_COUNT]; /* in order of first use; owned */
  int series_count[METRIC_COUNT];
  struct series *events[event_kind_count];   /* of the metric EVENTS, found once */
  struct series *messages[event_kind_count]; /* of FEED_MESSAGES, the same */
  char venue[24], feed[64];
  enum event_kind event; /* newest */
  bool feed_is_down, venue_is_down;
  struct recent steps, flushes;
  int64_t boundary, boundary_ns, decided_ns; /* newest 5m boundary, when its first candle came, its last decision; 0 none */
  int32_t kill_cause;                        /* enum risk_cause of the newest latch */
  bool has_scanned;                          /* in the step at hand */
  double scan_seconds;                       /* of the newest scan, NaN before the first */
};

/* "none" for a value outside the names. */
const char *metrics_name(const char *const *names, int32_t value, int32_t count);
/* metrics_records.c: what is exported from the start. */
void metrics_begin(struct metrics *metrics);
/* The series of label values, made when it is new. */
struct series *metrics_series(struct metrics *metrics, enum metric metric, const char *const *values);

#endif
