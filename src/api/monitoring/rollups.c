/* The newest points of some figures, for those who have no Prometheus. */
#include <math.h>

#include "api/monitoring/monitoring.h"

#define ROLLUP_NAME(constant, name, text) name,
const char *const rollup_names[] = {ROLLUPS(ROLLUP_NAME)};

void rollup_add(struct monitoring *monitoring, enum rollup rollup, int64_t ts, double value) {
  struct rollup_ring *ring = &monitoring->rollups[rollup];
  if (isnan(value)) return;
  ring->points[ring->next] = (struct rollup_point){ts, value};
  ring->next = (ring->next + 1) % ROLLUP_POINTS_MAX;
  if (ring->count < ROLLUP_POINTS_MAX) ++ring->count;
}

const struct rollup_point *rollup_get(const struct rollup_ring *ring, int i) {
  return &ring->points[(ring->next - 1 - i + 2 * ROLLUP_POINTS_MAX) % ROLLUP_POINTS_MAX];
}

static void add_engine(struct api *api, int64_t ts) {
  struct monitoring *monitoring = api->monitoring;
  struct engine_status status;
  struct metrics_summary steps;
  const struct engine_counts *counts = engine_counts(api->options.engine);
  engine_status_read(api->options.engine, &status);
  rollup_add(monitoring, ROLLUP_POSITIONS, ts, status.open_positions);
  rollup_add(monitoring, ROLLUP_ORDERS, ts, status.working_orders);
  rollup_add(monitoring, ROLLUP_SIGNALS, ts, (double)counts->signals);
  rollup_add(monitoring, ROLLUP_EVENTS, ts, (double)counts->events);
  rollup_add(monitoring, ROLLUP_PNL, ts, decimal_to_double(status.day_pnl_usd));
  /* The histogram counts from the start of the process; the point is about what came since the last one. */
  metrics_summarise(api->options.metrics, METRIC_STEP_DURATION, &steps);
  double seconds = steps.count > 0 ? steps.mean * (double)steps.count : 0;
  if (steps.count > monitoring->steps)
    rollup_add(monitoring, ROLLUP_CYCLE_TIME, ts, 1e3 * (seconds - monitoring->step_seconds) / (double)(steps.count - monitoring->steps));
  monitoring->steps = steps.count;
  monitoring->step_seconds = seconds;
}

void rollups_sample(struct api *api) {
  struct monitoring *monitoring = api->monitoring;
  const struct resource_sample *sample = resources_sample(api->options.resources, 0);
  int64_t ts = sample->ts;
  rollup_add(monitoring, ROLLUP_CPU_PERCENT, ts, sample->cpu_percent);
  rollup_add(monitoring, ROLLUP_MEMORY_PERCENT, ts, sample->memory_percent);
  rollup_add(monitoring, ROLLUP_MEMORY_USED_MB, ts, sample->memory_used_mb);
  rollup_add(monitoring, ROLLUP_DISK_USAGE_PERCENT, ts, sample->disk_percent);
  rollup_add(monitoring, ROLLUP_ACTIVE_THREADS, ts, resource_value(sample, RESOURCE_THREADS));
  rollup_add(monitoring, ROLLUP_OPEN_FILES, ts, resource_value(sample, RESOURCE_OPEN_FILES));
  if (sample->sockets >= 0) rollup_add(monitoring, ROLLUP_NETWORK_CONNECTIONS, ts, sample->sockets);
  add_engine(api, ts);
}
