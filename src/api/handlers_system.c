/* Root, health, metrics. */
#include <stdio.h>

#include "api/api_state.h"
#include "base/version.h"

static double uptime_s(const struct api *api) {
  const struct clock *clock = api->options.clock;
  return (double)(clock->now_ms(clock->self) - api->started_ms) / 1000.0;
}

void handle_root(struct call *call) {
  call_begin(call);
  json_add_string(&call->writer, "name", "Breakout Bot");
  json_add_string(&call->writer, "version", version_text());
  json_add_string(&call->writer, "docs", "/api/openapi.json");
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

static struct api_component engine_component(const struct api *api) {
  struct engine_status status;
  engine_status_read(api->options.engine, &status);
  struct api_component component = {.name = "engine", .level = status.is_error ? API_FAILED : API_OK};
  snprintf(component.detail, sizeof component.detail, "%s", engine_word_names[status.state]);
  return component;
}

/* The engine, what the program around it knows, and what this version does not have. */
static int read_components(const struct api *api, struct api_component out[API_COMPONENTS_MAX]) {
  static const char *const absent[] = {"redis", "workers", "backup"};
  const struct api_host *host = &api->options.host;
  int count = 0;
  out[count++] = engine_component(api);
  count += host->components(host->self, out + count, API_COMPONENTS_MAX - count - 3);
  for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
    out[count] = (struct api_component){.name = absent[i], .level = API_OFF};
    snprintf(out[count++].detail, sizeof out[0].detail, "not in this version");
  }
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

void handle_health(struct call *call) {
  const struct api *api = call->api;
  struct api_component components[API_COMPONENTS_MAX];
  int count = read_components(api, components);
  const char *status = judge(components, count);
  struct engine_status engine;
  engine_status_read(api->options.engine, &engine);
  struct json_writer *writer = &call->writer;
  call_begin(call);
  json_add_string(writer, "status", status);
  json_add_string(writer, "version", version_text());
  json_add_string(writer, "profile", breakout_profile_names[api->options.settings->breakout_profile]);
  json_add_double(writer, "uptime_s", uptime_s(api));
  json_add_string(writer, "state", engine_word_names[engine.state]);
  json_add_bool(writer, "demo", api->options.is_demo);
  json_add_string(writer, "feed", engine.feed);
  json_add_string(writer, "notice", api_notice(api));
  json_begin_array(writer, "components");
  for (int i = 0; i < count; i++) {
    json_begin_object(writer, NULL);
    json_add_string(writer, "name", components[i].name);
    json_add_string(writer, "status", level_names[components[i].level]);
    json_add_string(writer, "detail", components[i].detail);
    json_end_object(writer);
  }
  json_end_array(writer);
  json_begin_array(writer, "issues");
  for (int i = 0; i < count; i++) {
    if (components[i].level == API_FAILED || components[i].level == API_DEGRADED) json_add_string(writer, NULL, components[i].name);
  }
  json_end_array(writer);
  json_add_int(writer, "ts", api->options.clock->now_ms(api->options.clock->self));
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

void handle_ready(struct call *call) {
  const struct api *api = call->api;
  struct api_component components[API_COMPONENTS_MAX];
  int count = read_components(api, components);
  const char *storage = "open";
  for (int i = 0; i < count; i++) {
    bool is_storage = text_equal(components[i].name, "journal") || text_equal(components[i].name, "database");
    if (is_storage && components[i].level == API_FAILED) storage = components[i].detail;
  }
  struct json_writer *writer = &call->writer;
  call_begin(call);
  json_begin_array(writer, "checks");
  bool is_ready = write_check(writer, "storage", text_equal(storage, "open"), storage);
  is_ready &= write_check(writer, "engine", api->options.is_ready && !api->is_stopping, api->is_stopping ? "the server is ending" : "recovered");
  json_end_array(writer);
  json_add_bool(writer, "ready", is_ready);
  call_end(call, is_ready ? 200 : 503);
}

void handle_metrics(struct call *call) {
  struct api *api = call->api;
  struct metrics *metrics = api->options.metrics;
  struct api_component components[API_COMPONENTS_MAX];
  int count = read_components(api, components);
  for (int i = 0; i < count; i++) {
    if (components[i].level != API_OFF) metrics_set(metrics, METRIC_HEALTH, METRIC_VALUES(components[i].name), level_values[components[i].level]);
  }
  const char *profile = breakout_profile_names[api->options.settings->breakout_profile];
  metrics_set(metrics, METRIC_BUILD_INFO, METRIC_VALUES(version_text(), version_commit(), profile), 1);
  metrics_read_engine(metrics, api->options.engine);
  metrics_read_process(metrics);
  metrics_print(metrics, &call->reply->body);
  call->reply->status = 200;
  call->reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
}
