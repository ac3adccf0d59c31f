/* The registry: series by metric and label text, and their exposition. */
#include "runner/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "runner/metrics_state.h"

static const double buckets_DURATION[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
static const double buckets_R[] = {-3, -2, -1.5, -1.05, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 5, 8, 12};
static const double buckets_HOLD[] = {60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 604800};
static const double buckets_SLIPPAGE[] = {-0.002, -0.001, -0.0005, -0.0002, 0, 0.0002, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005};
static const double buckets_SHARE[] = {0, 0.25, 0.5, 0.75, 0.9, 0.99, 1};
static const double buckets_RISK[] = {0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1, 1.05, 1.1};
static const double buckets_JOB[] = {1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600};
static const double buckets_NONE[] = {0};

const char *const metric_type_names[] = {"counter", "gauge", "histogram"};

#define METRIC(constant, kind, metric_name, label_names, scale, help) \
  {.name = (metric_name),                                             \
   .labels = (label_names),                                           \
   .text = (help),                                                    \
   .type = METRIC_##kind,                                             \
   .buckets = buckets_##scale,                                        \
   .bucket_count = METRIC_##kind == METRIC_HISTOGRAM ? (int)(sizeof buckets_##scale / sizeof buckets_##scale[0]) : 0},
const struct metric_row metric_table[METRIC_COUNT] = {
#include "runner/metric.def"
};

enum status metrics_open(struct metrics **out, const struct clock *clock) {
  struct metrics *metrics = calloc(1, sizeof *metrics);
  if (metrics == NULL) return STATUS_NO_MEMORY;
  metrics->clock = clock;
  metrics->scan_seconds = NAN;
  metrics->started_ms = clock->now_ms(clock->self);
  /* Everything without labels is exported from the start; a gauge appears with its first value. */
  for (int i = 0; i < METRIC_COUNT; i++) {
    if (metric_table[i].labels[0] != '\0' || metric_table[i].type == METRIC_GAUGE) continue;
    metrics_add(metrics, (enum metric)i, NULL, 0);
  }
  metrics_begin(metrics);
  *out = metrics;
  return STATUS_OK;
}

void metrics_close(struct metrics *metrics) {
  if (metrics == NULL) return;
  for (int i = 0; i < METRIC_COUNT; i++) {
    struct series *at = metrics->series[i];
    while (at != NULL) {
      struct series *next = at->next;
      free(at);
      at = next;
    }
  }
  free(metrics);
}

/* name="value",... with the escapes of the text format. */
static void print_labels(const char *names, const char *const *values, struct text *out) {
  for (int i = 0; *names != '\0'; i++) {
    size_t length = strcspn(names, " ");
    if (i > 0) text_add_char(out, ',');
    text_add_bytes(out, names, length);
    text_add(out, "=\"");
    for (const char *c = values[i]; *c != '\0'; c++) {
      if (*c == '\\' || *c == '"') text_add_char(out, '\\');
      if (*c == '\n') {
        text_add(out, "\\n");
      } else {
        text_add_char(out, *c);
      }
    }
    text_add_char(out, '"');
    names += length;
    if (*names == ' ') ++names;
  }
}

struct series *metrics_series(struct metrics *metrics, enum metric metric, const char *const *values) {
  const struct metric_row *row = &metric_table[metric];
  char labels[METRIC_LABELS_BYTES];
  struct text text;
  text_init(&text, labels, sizeof labels);
  check(row->labels[0] == '\0' || values != NULL);
  print_labels(row->labels, values, &text);
  struct series **end = &metrics->series[metric];
  for (; *end != NULL; end = &(*end)->next) {
    if (strcmp((*end)->labels, labels) == 0) return *end;
  }
  if (metrics->series_count[metric] == METRIC_SERIES_MAX) return metrics->series[metric]; /* a label ran away: counted in the first */
  struct series *fresh = calloc(1, sizeof *fresh + (size_t)row->bucket_count * sizeof fresh->buckets[0]);
  check(fresh != NULL);
  text_copy(fresh->labels, sizeof fresh->labels, labels);
  *end = fresh;
  ++metrics->series_count[metric];
  return fresh;
}

void metrics_add(struct metrics *metrics, enum metric metric, const char *const *values, double amount) {
  struct series *series = metrics_series(metrics, metric, values);
  series->is_set = true;
  series->value += amount;
}

void metrics_set(struct metrics *metrics, enum metric metric, const char *const *values, double value) {
  struct series *series = metrics_series(metrics, metric, values);
  series->is_set = !isnan(value);
  series->value = value;
}

void metrics_observe(struct metrics *metrics, enum metric metric, const char *const *values, double value) {
  const struct metric_row *row = &metric_table[metric];
  if (isnan(value)) return;
  struct series *series = metrics_series(metrics, metric, values);
  series->is_set = true;
  series->value += value;
  ++series->count;
  for (int i = 0; i < row->bucket_count; i++) {
    if (value > row->buckets[i]) continue;
    ++series->buckets[i];
    return;
  }
}

void metrics_summarise(const struct metrics *metrics, enum metric metric, struct metrics_summary *out) {
  const struct metric_row *row = &metric_table[metric];
  *out = (struct metrics_summary){.mean = NAN, .p99 = NAN};
  double sum = 0;
  for (const struct series *at = metrics->series[metric]; at != NULL; at = at->next) {
    sum += at->value;
    out->count += at->count;
  }
  if (out->count == 0) return;
  out->mean = sum / (double)out->count;
  int64_t below = 0;
  for (int i = 0; i < row->bucket_count && isnan(out->p99); i++) {
    for (const struct series *at = metrics->series[metric]; at != NULL; at = at->next) below += at->buckets[i];
    if ((double)below >= 0.99 * (double)out->count) out->p99 = row->buckets[i];
  }
}

void metrics_forget(struct metrics *metrics, enum metric metric) {
  for (struct series *at = metrics->series[metric]; at != NULL; at = at->next) at->is_set = false;
}

/* ---- exposition ---- */

static void print_value(struct buffer *out, double value) {
  char memory[64];
  struct text text;
  text_init(&text, memory, sizeof memory);
  if (isinf(value)) {
    text_add(&text, value > 0 ? "+Inf" : "-Inf");
  } else {
    text_add_double(&text, value, 9);
  }
  buffer_add_text(out, memory);
  buffer_add_text(out, "\n");
}

static void print_sample(struct buffer *out, const char *name, const char *suffix, const char *labels, const char *bound, double value) {
  buffer_add_text(out, name);
  buffer_add_text(out, suffix);
  if (labels[0] != '\0' || bound != NULL) {
    buffer_add_text(out, "{");
    buffer_add_text(out, labels);
    if (bound != NULL) buffer_add_format(out, "%sle=\"%s\"", labels[0] != '\0' ? "," : "", bound);
    buffer_add_text(out, "}");
  }
  buffer_add_text(out, " ");
  print_value(out, value);
}

static void print_histogram(struct buffer *out, const struct metric_row *row, const struct series *series) {
  int64_t sum = 0;
  for (int i = 0; i < row->bucket_count; i++) {
    char bound[32];
    struct text text;
    text_init(&text, bound, sizeof bound);
    text_add_double(&text, row->buckets[i], 9);
    sum += series->buckets[i];
    print_sample(out, row->name, "_bucket", series->labels, bound, (double)sum);
  }
  print_sample(out, row->name, "_bucket", series->labels, "+Inf", (double)series->count);
  print_sample(out, row->name, "_sum", series->labels, NULL, series->value);
  print_sample(out, row->name, "_count", series->labels, NULL, (double)series->count);
}

/* OpenMetrics names the family of a counter without _total; a counter that has no such name is told as of unknown type. */
static void print_head(struct buffer *out, const struct metric_row *row, bool is_open) {
  static const char suffix[] = "_total";
  const char *type = metric_type_names[row->type];
  size_t length = strlen(row->name);
  bool has_suffix = length > sizeof suffix - 1 && strcmp(row->name + length - (sizeof suffix - 1), suffix) == 0;
  if (is_open && row->type == METRIC_COUNTER && has_suffix) length -= sizeof suffix - 1;
  if (is_open && row->type == METRIC_COUNTER && !has_suffix) type = "unknown";
  buffer_add_format(out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)length, row->name, row->text, (int)length, row->name, type);
}

void metrics_print(const struct metrics *metrics, enum metrics_format format, struct buffer *out) {
  for (int i = 0; i < METRIC_COUNT; i++) {
    const struct metric_row *row = &metric_table[i];
    print_head(out, row, format == METRICS_OPENMETRICS);
    for (const struct series *at = metrics->series[i]; at != NULL; at = at->next) {
      if (!at->is_set) continue;
      if (row->type == METRIC_HISTOGRAM) {
        print_histogram(out, row, at);
      } else {
        print_sample(out, row->name, "", at->labels, NULL, at->value);
      }
    }
  }
  if (format == METRICS_OPENMETRICS) buffer_add_text(out, "# EOF\n");
}

void metrics_describe_markdown(struct buffer *out) {
  buffer_add_text(out,
                  "# Metrics\n\n`GET /api/metrics`, Prometheus text format. Made from `src/runner/metric.def`.\n\n| Name | Type | Labels | Meaning "
                  "|\n|---|---|---|---|\n");
  for (int i = 0; i < METRIC_COUNT; i++) {
    const struct metric_row *row = &metric_table[i];
    buffer_add_format(out, "| `%s` | %s | %s | %s |\n", row->name, metric_type_names[row->type], row->labels, row->text);
  }
}
