/* Root, health, metrics. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "api/monitoring/monitoring.h"
#include "api/resource_reply.h"
#include "base/log_files.h"
#include "base/version.h"

static double uptime_s(const struct api *api) {
  const struct clock *clock = api->options.clock;
  return (double)(clock->now_ms(clock->self) - api->started_ms) / 1000.0;
}

void handle_root(struct call *call) {
  call_begin(call);
  json_add_string(&call->writer, "name", "Breakout Bot");
  json_add_string(&call->writer, "version", version_text());
  json_add_string(&call->writer, "docs", call->api->options.settings->api_docs_enabled ? "/api/docs" : "/api/openapi.json");
  json_add_string(&call->writer, "profile", breakout_profile_names[call->api->options.settings->breakout_profile]);
  json_add_bool(&call->writer, "demo", call->api->options.is_demo);
  call_end(call, 200);
}

void handle_live(struct call *call) {
  call_begin(call);
  json_add_string(&call->writer, "status", "ok");
  call_end(call, 200);
}

/* ---- components ---- */

static const char *const level_names[] = {"ok", "degraded", "failed", "off"};
static const double level_values[] = {1, 0.5, 0, 1};

enum { SLOW_STEP_S = 1 };

static struct api_component engine_component(const struct api *api) {
  struct engine_status status;
  engine_status_read(api->options.engine, &status);
  bool is_slow = metrics_step_p99(api->options.metrics) > SLOW_STEP_S; /* false with NaN */
  struct api_component component = {.name = "engine", .level = status.is_error ? API_FAILED : is_slow ? API_DEGRADED : API_OK};
  snprintf(component.detail, sizeof component.detail, "%s%s", engine_word_names[status.state], is_slow ? ", an event takes more than 1 s" : "");
  return component;
}

static struct api_component resources_component(const struct api *api) {
  static const enum api_level levels[] = {API_OK, API_DEGRADED, API_FAILED};
  const struct resources *resources = api->options.resources;
  struct api_component component = {.name = "resources", .level = API_OFF, .detail = "nobody samples"};
  struct text text = {component.detail, sizeof component.detail, 0, false};
  char issue[128];
  if (resources == NULL) return component;
  component.level = levels[resources_status(resources)];
  component.detail[0] = '\0';
  for (int i = 0; i < resource_count; i++) {
    if (!resources_issue(resources, (enum resource)i, issue, sizeof issue)) continue;
    if (text.length > 0) text_add(&text, "; ");
    text_add(&text, issue);
  }
  if (text.length == 0) text_add(&text, component.level == API_OK ? "below every warning" : "a level is exceeded");
  return component;
}

static struct api_component disk_component(const struct api *api) {
  const struct resources *resources = api->options.resources;
  struct api_component component = {.name = "disk", .level = API_OFF, .detail = "not read yet"};
  if (resources == NULL || resources_count(resources) == 0) return component;
  const struct resource_sample *sample = resources_sample(resources, 0);
  bool is_full = sample->disk_percent > api->options.settings->max_disk_percent || sample->disk_free_mb < RESOURCE_DISK_FREE_MIN_MB;
  component.level = is_full ? API_FAILED : API_OK;
  snprintf(component.detail, sizeof component.detail, "%.1f %% in use, %.0f MB free", sample->disk_percent, sample->disk_free_mb);
  return component;
}

static struct api_component backup_component(const struct api *api) {
  const struct settings *settings = api->options.settings;
  struct api_component component = {.name = "backup", .level = API_OFF, .detail = "BACKUP_ENABLED is false"};
  if (!settings->backup_enabled) return component;
  int64_t now = api->options.clock->now_ms(api->options.clock->self);
  int64_t newest = backups_newest(settings->backup_dir);
  double hours = (double)(now - newest) / 3600000.0;
  component.level = newest > 0 && hours < 2 * settings->backup_interval_hours ? API_OK : API_DEGRADED;
  if (newest > 0) {
    snprintf(component.detail, sizeof component.detail, "newest is %.1f h old", hours);
  } else {
    snprintf(component.detail, sizeof component.detail, "there is none yet");
  }
  return component;
}

static struct api_component redis_component(const struct api *api) {
  const struct cache_port *cache = api->options.cache;
  struct api_component component = {
      .name = "redis", .level = API_OFF, .detail = "REDIS_URL is empty: logins and prices are not shared, there is no event stream"};
  struct cache_state state;
  if (cache == NULL) return component;
  cache->state(cache->self, &state);
  component.level = state.is_up ? API_OK : API_FAILED;
  text_copy(component.detail, sizeof component.detail, state.detail);
  return component;
}

/* The engine, what the program around it knows, resources, and what this deployment does not have. */
static int read_components(const struct api *api, struct api_component out[API_COMPONENTS_MAX]) {
  const struct api_host *host = &api->options.host;
  int count = 0;
  out[count++] = engine_component(api);
  count += host->components(host->self, out + count, API_COMPONENTS_MAX - count - 5);
  out[count++] = redis_component(api);
  out[count++] = (struct api_component){.name = "workers", .level = API_OFF, .detail = "role all: this process and its children do the work"};
  out[count++] = resources_component(api);
  out[count++] = disk_component(api);
  out[count++] = backup_component(api);
  return count;
}

/* Failing of these makes the whole unhealthy, of others degraded (metrics 5). */
static bool is_vital(const char *name) {
  static const char *const vital[] = {"engine", "journal", "database", "feed", "venue"};
  for (size_t i = 0; i < sizeof vital / sizeof vital[0]; i++) {
    if (text_equal(vital[i], name)) return true;
  }
  return false;
}

static const char *judge(const struct api_component *components, int count) {
  bool is_degraded = false;
  for (int i = 0; i < count; i++) {
    if (components[i].level == API_FAILED && is_vital(components[i].name)) return "unhealthy";
    is_degraded = is_degraded || components[i].level == API_FAILED || (components[i].level == API_DEGRADED && is_vital(components[i].name));
  }
  return is_degraded ? "degraded" : "healthy";
}

/* ---- health ---- */

static void write_components(struct api *api, const struct api_component *components, int count, struct json_writer *writer) {
  int64_t now = api->options.clock->now_ms(api->options.clock->self);
  json_begin_array(writer, "components");
  for (int i = 0; i < count; i++) {
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", components[i].name);
    json_add_string(writer, "status", level_names[components[i].level]);
    json_add_string(writer, "detail", components[i].detail);
    json_add_null(writer, "latency_ms");
    json_add_int(writer, "since_at", monitoring_level_since(api, components[i].name, components[i].level));
    json_add_int(writer, "checked_at", now);
    json_end_object(writer);
  }
  json_end_array(writer);
  json_begin_array(writer, "issues");
  for (int i = 0; i < count; i++) {
    if (components[i].level == API_FAILED || components[i].level == API_DEGRADED) json_add_string(writer, NULL, components[i].name);
  }
  json_end_array(writer);
}

static void write_details(struct api *api, const struct api_component *components, int count, struct json_writer *writer) {
  struct engine_status engine;
  engine_status_read(api->options.engine, &engine);
  json_add_string(writer, "profile", breakout_profile_names[api->options.settings->breakout_profile]);
  json_add_string(writer, "state", engine_word_names[engine.state]);
  json_add_bool(writer, "demo", api->options.is_demo);
  json_add_string(writer, "feed", engine.feed);
  json_add_string(writer, "notice", api_notice(api));
  write_components(api, components, count, writer);
  write_resource_status(api, "resource_health", uptime_s(api), writer);
}

void handle_health(struct call *call) {
  struct api *api = call->api;
  struct api_component components[API_COMPONENTS_MAX];
  int count = read_components(api, components);
  const char *status = judge(components, count);
  struct json_writer *writer = &call->writer;
  call_begin(call);
  json_add_string(writer, "status", status);
  json_add_string(writer, "version", version_text());
  json_add_double(writer, "uptime_s", uptime_s(api));
  json_add_int(writer, "ts", api->options.clock->now_ms(api->options.clock->self));
  if (call->caller.role >= API_ROLE_VIEWER) write_details(api, components, count, writer);
  call_end(call, text_equal(status, "healthy") ? 200 : 503);
}

static bool write_check(struct json_writer *writer, const char *name, bool is_good, const char *detail) {
  json_begin_object(writer, NULL);
  json_add_string(writer, "name", name);
  json_add_bool(writer, "ok", is_good);
  json_add_string(writer, "detail", detail);
  json_end_object(writer);
  return is_good;
}

/* The part's words when it has failed, else NULL. */
static const char *failure_of(const struct api_component *components, int count, const char *name) {
  for (int i = 0; i < count; i++) {
    if (text_equal(components[i].name, name) && components[i].level == API_FAILED) return components[i].detail;
  }
  return NULL;
}

void handle_ready(struct call *call) {
  const struct api *api = call->api;
  struct api_component components[API_COMPONENTS_MAX];
  int count = read_components(api, components);
  const char *journal = failure_of(components, count, "journal");
  const char *database = failure_of(components, count, "database");
  const char *venue = failure_of(components, count, "venue");
  const char *storage = journal != NULL ? journal : database;
  struct json_writer *writer = &call->writer;
  call_begin(call);
  json_begin_array(writer, "checks");
  bool is_ready = write_check(writer, "storage", storage == NULL, storage != NULL ? storage : "open");
  /* A program whose default preset does not parse does not start. */
  is_ready &= write_check(writer, "presets", true, api->options.settings->default_preset);
  is_ready &= write_check(writer, "engine", api->options.is_ready && !api->is_stopping, api->is_stopping ? "the server is ending" : "recovered");
  is_ready &= write_check(writer, "venue", venue == NULL, venue != NULL ? venue : "reachable");
  json_end_array(writer);
  json_add_bool(writer, "ready", is_ready);
  call_end(call, is_ready ? 200 : 503);
}

/* ---- metrics ---- */

/* NaN when the folder cannot be read. */
static double log_bytes(const struct settings *settings) {
  struct log_files *files = settings->log_to_file ? malloc(sizeof *files) : NULL;
  bool is_known = files != NULL && log_files_stats(files, settings->log_dir, NULL) == STATUS_OK;
  double bytes = is_known ? (double)files->total_disk_bytes : (double)NAN;
  free(files);
  return bytes;
}

static void read_storage(struct api *api) {
  struct metrics *metrics = api->options.metrics;
  const struct settings *settings = api->options.settings;
  struct api_system system = {.database_bytes = -1, .journal_bytes = -1};
  api->options.host.read_system(api->options.host.self, &system);
  if (system.database_bytes >= 0) metrics_set(metrics, METRIC_DATABASE_BYTES, NULL, (double)system.database_bytes);
  if (system.journal_bytes >= 0) metrics_set(metrics, METRIC_JOURNAL_BYTES, NULL, (double)system.journal_bytes);
  metrics_set(metrics, METRIC_LOG_BYTES, NULL, log_bytes(settings));
  int64_t newest = backups_newest(settings->backup_dir);
  if (newest > 0) metrics_set(metrics, METRIC_BACKUP_LAST, NULL, (double)newest / 1e3);
}

static void read_redis(struct api *api) {
  struct metrics *metrics = api->options.metrics;
  const struct cache_port *cache = api->options.cache;
  struct cache_state state;
  if (cache == NULL) return;
  cache->state(cache->self, &state);
  metrics_set(metrics, METRIC_REDIS_UP, NULL, state.is_up);
  metrics_set(metrics, METRIC_ERRORS, METRIC_VALUES("redis", "network"), (double)state.losses);
  metrics_set(metrics, METRIC_RECOVERIES, METRIC_VALUES("redis", "reconnect"), (double)state.returns);
}

void handle_metrics(struct call *call) {
  struct api *api = call->api;
  struct metrics *metrics = api->options.metrics;
  struct api_component components[API_COMPONENTS_MAX];
  int count = read_components(api, components);
  for (int i = 0; i < count; i++) {
    bool is_off = components[i].level == API_OFF;
    metrics_set(metrics, METRIC_HEALTH, METRIC_VALUES(components[i].name), is_off ? (double)NAN : level_values[components[i].level]);
  }
  read_redis(api);
  const char *profile = breakout_profile_names[api->options.settings->breakout_profile];
  metrics_set(metrics, METRIC_BUILD_INFO, METRIC_VALUES(version_text(), version_commit(), profile), 1);
  read_storage(api);
  metrics_read_engine(metrics, api->options.engine, api->options.host.now(api->options.host.self));
  metrics_read_process(metrics);
  bool is_open = call->request->accept != NULL && strstr(call->request->accept, "application/openmetrics-text") != NULL;
  metrics_print(metrics, is_open ? METRICS_OPENMETRICS : METRICS_TEXT, &call->reply->body);
  call->reply->status = 200;
  call->reply->content_type = is_open ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";
}
