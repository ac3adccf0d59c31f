/* Resources of the machine, and roll-ups of figures. */
#include <math.h>
#include <string.h>

#include "api/monitoring/monitoring.h"
#include "api/resource_reply.h"

/* ---- resources ---- */

void write_resource_issues(const struct api *api, const char *key, struct json_writer *writer) {
  char text[160];
  json_begin_array(writer, key);
  for (int i = 0; api->options.resources != NULL && i < resource_count; i++) {
    if (resources_issue(api->options.resources, (enum resource)i, text, sizeof text)) json_add_string(writer, NULL, text);
  }
  json_end_array(writer);
}

/* NULL before the first sample. */
static const struct resource_sample *newest_of(const struct api *api) {
  const struct resources *resources = api->options.resources;
  return resources != NULL && resources_count(resources) > 0 ? resources_sample(resources, 0) : NULL;
}

static const char *status_of(const struct api *api) {
  return resource_status_names[api->options.resources != NULL ? resources_status(api->options.resources) : RESOURCES_HEALTHY];
}

static void add_count(struct json_writer *writer, const char *key, int32_t count) {
  if (count >= 0) {
    json_add_int(writer, key, count);
  } else {
    json_add_null(writer, key);
  }
}

/* Members of ProcessFigures: null what is not known. */
static void write_figures(const struct resource_sample *sample, struct json_writer *writer) {
  json_add_double(writer, "cpu_percent", sample != NULL ? sample->cpu_percent : NAN);
  json_add_double(writer, "memory_percent", sample != NULL ? sample->memory_percent : NAN);
  json_add_double(writer, "memory_used_mb", sample != NULL ? sample->memory_used_mb : NAN);
  json_add_double(writer, "disk_usage_percent", sample != NULL ? sample->disk_percent : NAN);
  add_count(writer, "active_threads", sample != NULL ? sample->threads : -1);
  add_count(writer, "open_files", sample != NULL ? sample->open_files : -1);
  add_count(writer, "network_connections", sample != NULL ? sample->sockets : -1);
  if (sample != NULL) {
    json_add_int(writer, "ts", sample->ts);
  } else {
    json_add_null(writer, "ts");
  }
}

static int64_t taken_of(const struct api *api) {
  return api->options.resources != NULL ? resources_taken(api->options.resources) : 0;
}

void write_resource_status(const struct api *api, const char *key, double uptime_s, struct json_writer *writer) {
  const struct resource_sample *sample = newest_of(api);
  json_begin_object(writer, key);
  json_add_string(writer, "status", status_of(api));
  write_resource_issues(api, "issues", writer);
  json_begin_object(writer, "metrics");
  json_add_double(writer, "cpu_percent", sample != NULL ? sample->cpu_percent : NAN);
  json_add_double(writer, "memory_percent", sample != NULL ? sample->memory_percent : NAN);
  json_add_double(writer, "memory_used_mb", sample != NULL ? sample->memory_used_mb : NAN);
  json_add_double(writer, "disk_usage_percent", sample != NULL ? sample->disk_percent : NAN);
  json_add_double(writer, "active_threads", sample != NULL ? resource_value(sample, RESOURCE_THREADS) : NAN);
  json_add_double(writer, "open_files", sample != NULL ? resource_value(sample, RESOURCE_OPEN_FILES) : NAN);
  json_end_object(writer);
  json_add_int(writer, "optimization_count", taken_of(api));
  json_add_double(writer, "uptime_s", uptime_s);
  json_end_object(writer);
}

static void write_actions(const struct resources *resources, struct json_writer *writer) {
  json_begin_array(writer, "last_actions");
  for (int i = 0; resources != NULL && i < resources_result_count(resources); i++) {
    const struct resource_result *result = resources_result(resources, i);
    char name[96];
    struct text text;
    text_init(&text, name, sizeof name);
    if (result->is_undone) text_add(&text, "undone: ");
    text_add(&text, result->action);
    json_begin_object(writer, NULL);
    json_add_int(writer, "ts", result->ts);
    json_add_string(writer, "resource", resource_names[result->resource]);
    json_add_string(writer, "action", name);
    json_add_string(writer, "result", result->text);
    json_end_object(writer);
  }
  json_end_array(writer);
}

void handle_resource_health(struct call *call) {
  const struct api *api = call->api;
  struct json_writer *writer = &call->writer;
  call_begin(call);
  json_add_string(writer, "status", status_of(api));
  write_resource_issues(api, "issues", writer);
  write_figures(newest_of(api), writer);
  json_add_int(writer, "optimization_count", taken_of(api));
  write_actions(api->options.resources, writer);
  call_end(call, 200);
}

struct span {
  double sum, min, max;
  int count;
};

static void span_add(struct span *span, double value) {
  if (isnan(value)) return;
  span->min = span->count == 0 || value < span->min ? value : span->min;
  span->max = span->count == 0 || value > span->max ? value : span->max;
  span->sum += value;
  ++span->count;
}

void handle_resource_summary(struct call *call) {
  const struct resources *resources = call->api->options.resources;
  const struct clock *clock = call->api->options.clock;
  struct span spans[resource_count] = {{0}};
  struct json_writer *writer = &call->writer;
  int64_t minutes = 5;
  int samples = 0;
  if (!call_number(call, "minutes", 1, 1440, &minutes)) return;
  int64_t from = clock->now_ms(clock->self) - minutes * 60000;
  for (int i = 0; resources != NULL && i < resources_count(resources); i++) {
    const struct resource_sample *sample = resources_sample(resources, i);
    if (sample->ts < from) break;
    for (int k = 0; k < resource_count; k++) span_add(&spans[k], resource_value(sample, (enum resource)k));
    ++samples;
  }
  call_begin(call);
  for (int i = 0; i < resource_count; i++) {
    json_begin_object(writer, resource_names[i]);
    json_add_double(writer, "avg", spans[i].count > 0 ? spans[i].sum / spans[i].count : NAN);
    json_add_double(writer, "min", spans[i].count > 0 ? spans[i].min : NAN);
    json_add_double(writer, "max", spans[i].count > 0 ? spans[i].max : NAN);
    json_end_object(writer);
  }
  json_add_int(writer, "samples", samples);
  json_add_int(writer, "minutes", minutes);
  call_end(call, 200);
}

/* ---- roll-ups ---- */

static void write_rollup_members(const struct rollup_ring *ring, int last, struct json_writer *writer) {
  struct span span = {0};
  for (int i = 0; i < ring->count && i < last; i++) span_add(&span, rollup_get(ring, i)->value);
  json_add_int(writer, "count", span.count);
  json_add_double(writer, "mean", span.count > 0 ? span.sum / span.count : NAN);
  json_add_double(writer, "min", span.count > 0 ? span.min : NAN);
  json_add_double(writer, "max", span.count > 0 ? span.max : NAN);
  json_add_double(writer, "latest", span.count > 0 ? rollup_get(ring, 0)->value : NAN);
  if (span.count > 0) {
    json_add_int(writer, "ts", rollup_get(ring, 0)->ts);
  } else {
    json_add_null(writer, "ts");
  }
}

static void write_points(const struct rollup_ring *ring, int last, const char *key, struct json_writer *writer) {
  json_begin_array(writer, key);
  for (int i = (ring->count < last ? ring->count : last) - 1; i >= 0; i--) {
    const struct rollup_point *point = rollup_get(ring, i);
    json_begin_object(writer, NULL);
    json_add_int(writer, "ts", point->ts);
    json_add_double(writer, "value", point->value);
    json_begin_object(writer, "labels");
    json_end_object(writer);
    json_end_object(writer);
  }
  json_end_array(writer);
}

static void write_rollups(const struct monitoring *monitoring, const char *key, const enum rollup *list, int count, struct json_writer *writer) {
  json_begin_object(writer, key);
  for (int i = 0; i < count; i++) {
    json_begin_object(writer, rollup_names[list[i]]);
    write_rollup_members(&monitoring->rollups[list[i]], ROLLUP_SHOWN, writer);
    json_end_object(writer);
  }
  json_end_object(writer);
}

void handle_rollup_summary(struct call *call) {
  static const enum rollup performance[] = {ROLLUP_CPU_PERCENT, ROLLUP_MEMORY_PERCENT, ROLLUP_MEMORY_USED_MB, ROLLUP_DISK_USAGE_PERCENT};
  static const enum rollup engine[] = {ROLLUP_CYCLE_TIME, ROLLUP_POSITIONS, ROLLUP_SIGNALS, ROLLUP_ORDERS};
  static const enum rollup trading[] = {ROLLUP_EVENTS, ROLLUP_PNL};
  static const enum rollup scanner[] = {ROLLUP_SYMBOLS_SCANNED, ROLLUP_CANDIDATES_FOUND, ROLLUP_SCAN_TIME};
  const struct monitoring *monitoring = call->api->monitoring;
  call_begin(call);
  write_rollups(monitoring, "performance", performance, sizeof performance / sizeof performance[0], &call->writer);
  write_rollups(monitoring, "engine", engine, sizeof engine / sizeof engine[0], &call->writer);
  write_rollups(monitoring, "trading", trading, sizeof trading / sizeof trading[0], &call->writer);
  write_rollups(monitoring, "scanner", scanner, sizeof scanner / sizeof scanner[0], &call->writer);
  call_end(call, 200);
}

void handle_rollup_performance(struct call *call) {
  call_begin(call);
  write_figures(newest_of(call->api), &call->writer);
  call_end(call, 200);
}

void handle_rollup_metric(struct call *call) {
  int64_t last = 100;
  if (!call_number(call, "last_n", 1, ROLLUP_POINTS_MAX, &last)) return;
  for (int i = 0; i < rollup_count; i++) {
    if (!text_equal(rollup_names[i], call->parameter)) continue;
    const struct rollup_ring *ring = &call->api->monitoring->rollups[i];
    call_begin(call);
    json_add_string(&call->writer, "name", rollup_names[i]);
    write_rollup_members(ring, (int)last, &call->writer);
    write_points(ring, (int)last, "points", &call->writer);
    call_end(call, 200);
    return;
  }
  int nearest = text_nearest(call->parameter, rollup_names, rollup_count);
  call_fail(call, 404, "not_found", "there is no figure %s%s%s", call->parameter, nearest >= 0 ? "; did you mean " : "",
            nearest >= 0 ? rollup_names[nearest] : "");
}

void handle_rollup_all(struct call *call) {
  call_begin(call);
  for (int i = 0; i < rollup_count; i++) write_points(&call->api->monitoring->rollups[i], ROLLUP_SHOWN, rollup_names[i], &call->writer);
  call_end(call, 200);
}

void handle_rollup_clear(struct call *call) {
  memset(call->api->monitoring->rollups, 0, sizeof call->api->monitoring->rollups);
  call_begin(call);
  json_add_bool(&call->writer, "success", true);
  call_end(call, 200);
}

void handle_rollup_health(struct call *call) {
  int count = 0;
  for (int i = 0; i < rollup_count; i++) count += call->api->monitoring->rollups[i].count > 0 ? 1 : 0;
  call_begin(call);
  json_add_string(&call->writer, "status", status_of(call->api));
  write_resource_issues(call->api, "issues", &call->writer);
  json_add_int(&call->writer, "metrics_count", count);
  json_begin_object(&call->writer, "performance");
  write_figures(newest_of(call->api), &call->writer);
  json_end_object(&call->writer);
  call_end(call, 200);
}
