/* Counters, gauges and histograms of metric.def and their exposition. One thread. */
#ifndef RUNNER_METRICS_H
#define RUNNER_METRICS_H

#include "base/buffer.h"
#include "runner/clock.h"
#include "runner/runner.h"

enum metric {
#define METRIC(constant, type, name, labels, buckets, text) METRIC_##constant,
#include "runner/metric.def"
  METRIC_COUNT
};
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_row {
  const char *name, *labels, *text;
  enum metric_type type;
  const double *buckets; /* upper bounds, ascending, without +Inf */
  int bucket_count;
};
extern const struct metric_row metric_table[METRIC_COUNT];
extern const char *const metric_type_names[];

struct metrics; /* opaque */

NODISCARD enum status metrics_open(struct metrics **metrics, const struct clock *clock);
void metrics_close(struct metrics *metrics); /* NULL is allowed */

/* values: one text a label of the row, in its order; NULL for a metric without labels. */
#define METRIC_VALUES(...) ((const char *const[]){__VA_ARGS__})
/* Counters only go up. */
void metrics_add(struct metrics *metrics, enum metric metric, const char *const *values, double amount);
/* Gauges, and counters whose total is kept elsewhere. NaN: the value is absent. */
void metrics_set(struct metrics *metrics, enum metric metric, const char *const *values, double value);
void metrics_observe(struct metrics *metrics, enum metric metric, const char *const *values, double value);
struct metrics_summary {
  int64_t count;
  double mean, p99; /* NaN without a value; p99 is the upper bound of its bucket */
};
/* Over all series of a histogram. */
void metrics_summarise(const struct metrics *metrics, enum metric metric, struct metrics_summary *out);
/* Removes every series of a gauge, so that what is no longer there is not shown. */
void metrics_forget(struct metrics *metrics, enum metric metric);

/* Names of the venue and of the feed in labels. Once, before anything is counted. */
void metrics_use_names(struct metrics *metrics, const char *venue, const char *feed);
/* Time that a step spent in each phase; set back to 0. */
void metrics_phases(struct metrics *metrics, int64_t phase_ns[engine_phase_count]);
/* How long the journal took to be on disk. */
void metrics_flush(struct metrics *metrics, double seconds);
/* 99th percentile of what happened in the last minute; NaN while that is too little. */
double metrics_step_p99(const struct metrics *metrics);
double metrics_flush_p99(const struct metrics *metrics);
/* How long an event took, by the clock; also how long a scan took when the event scanned. */
void metrics_step(struct metrics *metrics, enum event_kind kind, double seconds);
/* Of the newest scan; NaN before the first. */
double metrics_scan_seconds(const struct metrics *metrics);
/* Counts events and records of a runner. */
void metrics_listener(struct metrics *metrics, struct listener *out);
/* Gauges of the engine and the process, read before they are shown. now: event time. */
void metrics_read_engine(struct metrics *metrics, const struct engine *engine, int64_t now);
void metrics_read_process(struct metrics *metrics);
/* Prometheus text 0.0.4, or OpenMetrics 1.0. */
enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };
void metrics_print(const struct metrics *metrics, enum metrics_format format, struct buffer *out);
/* docs/generated/metrics.md. */
void metrics_describe_markdown(struct buffer *out);

#endif
