#include "api/monitoring/monitoring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/feed/feed.h"
#include "base/log.h"

enum { TELL_MS = 60000, BACKUP_POLL_MS = 200, STORE_MS = 1000 };

static int64_t now_ms(const struct api *api) {
  return api->options.clock->now_ms(api->options.clock->self);
}

enum status monitoring_open(struct api *api) {
  struct monitoring *monitoring = calloc(1, sizeof *monitoring);
  struct engine_status status;
  if (monitoring == NULL) return STATUS_NO_MEMORY;
  api->monitoring = monitoring;
  keep_open(&monitoring->transitions, record_schemas[RECORD_TRANSITION], NULL, TRANSITIONS_MAX);
  engine_status_read(api->options.engine, &status);
  monitoring->word = (enum engine_word)status.state;
  monitoring->word_since = status.ts;
  monitoring->session_id = status.session_id;
  monitoring->session_symbols = -1;
  monitoring->told_ms = now_ms(api);
  checkpoints_load(api);
  return STATUS_OK;
}

void monitoring_close(struct api *api) {
  if (api->monitoring == NULL) return;
  checkpoints_store(api);
  keep_close(&api->monitoring->transitions);
  free(api->monitoring);
}

/* ---- records ---- */

static int word_of(const char *name) {
  for (int i = 0; i < engine_word_count; i++) {
    if (text_equal(engine_word_names[i], name)) return i;
  }
  return -1;
}

static void on_word(struct monitoring *monitoring, const struct transition *transition) {
  int word = word_of(transition->to_state);
  if (word < 0) return;
  if (transition->ts > monitoring->word_since && monitoring->word_since > 0)
    monitoring->word_durations_ms[monitoring->word] += transition->ts - monitoring->word_since;
  monitoring->word = (enum engine_word)word;
  monitoring->word_since = transition->ts;
  ++monitoring->word_counts[word];
  ++monitoring->word_moves;
}

void monitoring_on_record(struct api *api, int64_t ts, enum record_kind kind, const void *object) {
  struct monitoring *monitoring = api->monitoring;
  if (kind == RECORD_TRANSITION) {
    const struct transition *transition = object;
    keep_put(&monitoring->transitions, transition);
    if (transition->machine == MACHINE_VIEW) on_word(monitoring, transition);
  } else if (kind == RECORD_SESSION) {
    const struct session_record *session = object;
    if (session->session_id != monitoring->session_id) monitoring->session_symbols = -1;
    monitoring->session_id = session->session_id;
  } else if (kind == RECORD_SCAN) {
    const struct scan_record *scan = object;
    monitoring->session_symbols = scan->scanned;
    monitoring->wants_scan_time = true;
    rollup_add(monitoring, ROLLUP_SYMBOLS_SCANNED, now_ms(api), scan->scanned);
    rollup_add(monitoring, ROLLUP_CANDIDATES_FOUND, now_ms(api), scan->candidates);
  }
  checkpoints_on_record(api, ts, kind, object);
}

/* ---- parts ---- */

int64_t monitoring_level_since(struct api *api, const char *name, enum api_level level) {
  struct monitoring *monitoring = api->monitoring;
  int i = 0;
  while (i < monitoring->level_count && !text_equal(monitoring->level_names[i], name)) ++i;
  if (i == API_COMPONENTS_MAX) return now_ms(api);
  if (i == monitoring->level_count) {
    text_copy(monitoring->level_names[i], sizeof monitoring->level_names[i], name);
    monitoring->level_since[i] = api->started_ms;
    monitoring->levels[i] = level;
    ++monitoring->level_count;
  } else if (monitoring->levels[i] != level) {
    monitoring->levels[i] = level;
    monitoring->level_since[i] = now_ms(api);
  }
  return monitoring->level_since[i];
}

/* ---- turns ---- */

static void write_sample(const struct api *api, const void *object, struct json_writer *writer) {
  const struct resource_sample *sample = object;
  json_add_string(writer, "status", resource_status_names[resources_status(api->options.resources)]);
  json_add_double(writer, "cpu_percent", sample->cpu_percent);
  json_add_double(writer, "memory_percent", sample->memory_percent);
  json_add_double(writer, "memory_used_mb", sample->memory_used_mb);
  json_add_double(writer, "disk_usage_percent", sample->disk_percent);
  json_add_int(writer, "active_threads", sample->threads);
  json_add_int(writer, "open_files", sample->open_files);
}

/* One line a minute says how busy the program is (logs 2). */
static void tell_performance(struct api *api, const struct resource_sample *sample) {
  struct monitoring *monitoring = api->monitoring;
  struct metrics_summary steps;
  struct buffer data = {0};
  struct json_writer writer;
  int64_t events = engine_counts(api->options.engine)->events;
  if (sample->ts - monitoring->told_ms < TELL_MS) return;
  metrics_summarise(api->options.metrics, METRIC_STEP_DURATION, &steps);
  json_writer_init(&writer, &data, false);
  json_begin_object(&writer, NULL);
  json_add_int(&writer, "events", events - monitoring->told_events);
  json_add_double(&writer, "step_p99_us", steps.p99 * 1e6);
  json_add_double(&writer, "rss_mb", sample->memory_used_mb);
  json_add_double(&writer, "cpu_percent", sample->cpu_percent);
  json_end_object(&writer);
  char *text = data.data + 1; /* log_write puts the braces */
  text[strlen(text) - 1] = '\0';
  log_write(LOG_INFO, "engine", "performance", text, "%lld events in a minute, %.0f MB in use", (long long)(events - monitoring->told_events),
            sample->memory_used_mb);
  buffer_deinit(&data);
  monitoring->told_ms = sample->ts;
  monitoring->told_events = events;
}

static void set_metrics(struct api *api, const struct resource_sample *sample) {
  struct metrics *metrics = api->options.metrics;
  metrics_set(metrics, METRIC_CPU_RATIO, NULL, sample->cpu_percent / 100.0);
  metrics_set(metrics, METRIC_MEMORY_RATIO, NULL, sample->memory_percent / 100.0);
  metrics_set(metrics, METRIC_DISK_RATIO, NULL, sample->disk_percent / 100.0);
}

static void sample(struct api *api) {
  struct resources *resources = api->options.resources;
  if (resources == NULL || !resources_turn(resources)) return;
  const struct resource_sample *newest = resources_sample(resources, 0);
  rollups_sample(api);
  set_metrics(api, newest);
  tell_performance(api, newest);
  feed_publish_resource(api, write_sample, newest);
}

static void answer_backup(struct api *api) {
  struct monitoring *monitoring = api->monitoring;
  struct api_backup backup;
  struct problem problem;
  struct http_reply *reply = monitoring->backup_reply;
  problem_clear(&problem);
  if (reply == NULL) return;
  enum status status = api->options.host.take_backup(api->options.host.self, &backup, &problem);
  if (status == STATUS_IN_USE) return;
  monitoring->backup_reply = NULL;
  if (status) {
    bool is_full = status == STATUS_NO_SPACE;
    reply_fail(api, reply, monitoring->backup_request_id, is_full ? 507 : 500, is_full ? "no_space" : "internal",
               problem.count > 0 ? problem.items[0].message : "the backup could not be made", NULL);
  } else {
    struct json_writer writer;
    json_writer_init(&writer, &reply->body, false);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "file", backup.file);
    json_add_int(&writer, "ts", backup.ts);
    json_add_int(&writer, "bytes", backup.bytes);
    json_add_bool(&writer, "verified", backup.is_verified);
    json_end_object(&writer);
    reply->status = 200;
    reply->content_type = "application/json";
  }
  reply->send(reply);
}

/* A transaction now and then, not one for every event. */
static void store(struct api *api) {
  int64_t now = now_ms(api);
  if (now - api->monitoring->stored_ms < STORE_MS) return;
  api->monitoring->stored_ms = now;
  checkpoints_store(api);
}

/* The time of a scan is known when its event is over. */
static void note_scan_time(struct api *api) {
  struct monitoring *monitoring = api->monitoring;
  double seconds = metrics_scan_seconds(api->options.metrics);
  if (!monitoring->wants_scan_time) return;
  monitoring->wants_scan_time = false;
  rollup_add(monitoring, ROLLUP_SCAN_TIME, now_ms(api), seconds * 1e3);
  for (int i = 0; i < monitoring->checkpoint_count; i++) {
    struct checkpoint *checkpoint = &monitoring->checkpoints[(monitoring->checkpoint_next - 1 - i + 2 * CHECKPOINTS_MAX) % CHECKPOINTS_MAX];
    if (checkpoint->type != CHECKPOINT_SCAN_COMPLETE) continue;
    checkpoint->duration_ms = seconds * 1e3;
    return;
  }
}

void monitoring_turn(struct api *api) {
  note_scan_time(api);
  store(api);
  sample(api);
  answer_backup(api);
}

int monitoring_timeout_ms(const struct api *api) {
  int timeout = api->options.resources != NULL ? resources_timeout_ms(api->options.resources) : -1;
  bool waits = api->monitoring->backup_reply != NULL;
  return waits && (timeout < 0 || timeout > BACKUP_POLL_MS) ? BACKUP_POLL_MS : timeout;
}

void monitoring_on_gone(struct api *api, const struct http_reply *reply) {
  if (api->monitoring->backup_reply == reply) api->monitoring->backup_reply = NULL;
}
