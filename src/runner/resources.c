/* Samples, levels and actions; what is read is in resources_read.c. */
#include "runner/resources.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { ENTER_AFTER = 2, LEAVE_AFTER = 5, CPU_MAX_OVER_MS = 30000, EXTREME_PERCENT = 95 };
static const double mib = 1024.0 * 1024.0;

const char *const resource_names[] = {"cpu", "memory", "disk", "threads", "open_files"};
const char *const resource_status_names[] = {"healthy", "warning", "critical"};
static const char *const units[] = {"%", "%", "%", "", ""};
static const char *const titles[] = {"processor", "memory", "disk", "threads", "open descriptors"};

/* One resource's way between its levels. */
struct watch {
  int above[resource_level_count]; /* samples in a row above the level */
  int below[resource_level_count];
  bool is_in[resource_level_count];
};

struct resources {
  struct resource_options options;
  struct resource_sample samples[RESOURCE_SAMPLES_MAX];
  int next, count;
  struct resource_reading last;
  bool has_last;
  int64_t last_ns, due_ns;
  struct watch watches[resource_count];
  int64_t taken_ns[RESOURCE_ACTIONS_MAX]; /* 0: never */
  bool is_taken[RESOURCE_ACTIONS_MAX];    /* and not undone */
  struct resource_result results[RESOURCE_RESULTS_MAX];
  int result_next, result_count;
  int64_t taken;
};

enum status resources_open(struct resources **out, const struct resource_options *options) {
  struct resources *resources = calloc(1, sizeof *resources);
  if (resources == NULL) return STATUS_NO_MEMORY;
  resources->options = *options;
  *out = resources;
  return STATUS_OK;
}

void resources_close(struct resources *resources) {
  free(resources);
}

/* ---- reading ---- */

static int64_t monotonic_ns(const struct resources *resources) {
  return resources->options.clock->monotonic_ns(resources->options.clock->self);
}

static bool read_now(struct resources *resources, struct resource_reading *out) {
  if (resources->options.read != NULL) return resources->options.read(resources->options.read_self, out);
  return resources_read(resources->options.data_dir, out);
}

static double percent(double part, double whole) {
  return whole > 0 ? 100.0 * part / whole : NAN;
}

static void make_sample(const struct resources *resources, const struct resource_reading *now, int64_t now_ns, struct resource_sample *out) {
  double seconds = (double)(now_ns - resources->last_ns) * 1e-9;
  double used = now->cpu_seconds - resources->last.cpu_seconds;
  bool has_cpu = resources->has_last && seconds > 0;
  *out = (struct resource_sample){.ts = resources->options.clock->now_ms(resources->options.clock->self),
                                  .cpu_percent = has_cpu ? percent(used, seconds * now->cpu_count) : NAN,
                                  .memory_percent = percent(now->memory_bytes, now->memory_limit_bytes),
                                  .memory_used_mb = now->resident_bytes / mib,
                                  .memory_limit_mb = now->memory_limit_bytes / mib,
                                  .disk_percent = percent(now->disk_bytes - now->disk_free_bytes, now->disk_bytes),
                                  .disk_free_mb = now->disk_free_bytes / mib,
                                  .threads = now->threads,
                                  .open_files = now->open_files,
                                  .sockets = now->sockets};
}

double resource_value(const struct resource_sample *sample, enum resource resource) {
  switch (resource) {
    case RESOURCE_CPU:
      return sample->cpu_percent;
    case RESOURCE_MEMORY:
      return sample->memory_percent;
    case RESOURCE_DISK:
      return sample->disk_percent;
    case RESOURCE_THREADS:
      return sample->threads >= 0 ? (double)sample->threads : (double)NAN;
    case RESOURCE_OPEN_FILES:
      return sample->open_files >= 0 ? (double)sample->open_files : (double)NAN;
    default:
      return NAN;
  }
}

/* ---- levels ---- */

/* A burst is no reason to act: the processor's maximum is compared with the mean of the last 30 s, once they are there. */
static double cpu_mean(const struct resources *resources) {
  int64_t from = resources_sample(resources, 0)->ts - CPU_MAX_OVER_MS;
  double sum = 0;
  int count = 0;
  for (int i = 0; i < resources->count; i++) {
    const struct resource_sample *sample = resources_sample(resources, i);
    if (sample->ts <= from) return count > 0 ? sum / count : NAN;
    if (isnan(sample->cpu_percent)) continue;
    sum += sample->cpu_percent;
    ++count;
  }
  return NAN;
}

static bool exceeds(const struct resources *resources, enum resource resource, enum resource_level level) {
  const struct resource_sample *sample = resources_sample(resources, 0);
  const struct resource_options *options = &resources->options;
  double value = resource_value(sample, resource);
  if (level == RESOURCE_FLOOR) return resource == RESOURCE_DISK && sample->disk_free_mb < options->disk_free_mb_min;
  double limit = level == RESOURCE_MAX ? options->max[resource] : options->warning[resource];
  if (resource == RESOURCE_CPU && level == RESOURCE_MAX) value = cpu_mean(resources);
  if (resource == RESOURCE_MEMORY && level == RESOURCE_MAX && sample->memory_used_mb > options->memory_mb_max) return true;
  return value > limit; /* false with NaN */
}

static void add_result(struct resources *resources, const struct resource_action *action, bool is_undone, const char *text) {
  struct resource_result *result = &resources->results[resources->result_next];
  *result = (struct resource_result){
      .ts = resources_sample(resources, 0)->ts, .resource = action->resource, .action = action->name, .is_undone = is_undone};
  snprintf(result->text, sizeof result->text, "%s", text);
  resources->result_next = (resources->result_next + 1) % RESOURCE_RESULTS_MAX;
  if (resources->result_count < RESOURCE_RESULTS_MAX) ++resources->result_count;
  log_write(LOG_WARNING, "resources", is_undone ? "action_undone" : "action", NULL, "%s: %s%s: %s", resource_names[action->resource],
            is_undone ? "undone: " : "", action->name, text);
}

/* The floor is a condition, not an effort: a second full disk within the cool-down holds entries back like the first. */
static bool is_cooling(const struct resources *resources, int i, int64_t now) {
  bool was_taken = resources->taken_ns[i] != 0 && resources->options.actions[i].level != RESOURCE_FLOOR;
  return was_taken && now - resources->taken_ns[i] < resources->options.cooldown_s * INT64_C(1000000000);
}

static void take_actions(struct resources *resources, enum resource resource, enum resource_level level) {
  int64_t now = monotonic_ns(resources);
  for (int i = 0; i < resources->options.action_count; i++) {
    const struct resource_action *action = &resources->options.actions[i];
    char text[sizeof resources->results[0].text] = "";
    if (action->resource != resource || action->level != level || resources->is_taken[i]) continue;
    if (is_cooling(resources, i, now)) continue;
    action->take(action->self, text, sizeof text);
    resources->taken_ns[i] = now;
    resources->is_taken[i] = action->undo != NULL;
    ++resources->taken;
    if (resources->options.on_action != NULL) resources->options.on_action(resources->options.context, resource, action->name);
    add_result(resources, action, false, text);
  }
}

static void undo_actions(struct resources *resources, enum resource resource, enum resource_level level) {
  for (int i = resources->options.action_count - 1; i >= 0; i--) {
    const struct resource_action *action = &resources->options.actions[i];
    char text[sizeof resources->results[0].text] = "";
    if (action->resource != resource || action->level != level || !resources->is_taken[i]) continue;
    action->undo(action->self, text, sizeof text);
    resources->is_taken[i] = false;
    add_result(resources, action, true, text);
  }
}

static void tell_level(const struct resources *resources, enum resource resource, enum resource_level level, bool is_entered) {
  static const char *const words[] = {"", "warning", "maximum", "floor"};
  const struct resource_sample *sample = resources_sample(resources, 0);
  log_write(is_entered ? LOG_WARNING : LOG_INFO, "resources", is_entered ? "level_entered" : "level_left", NULL, "%s %s its %s: %.1f %s",
            titles[resource], is_entered ? "is above" : "is below", words[level], resource_value(sample, resource), units[resource]);
}

static void watch(struct resources *resources, enum resource resource, enum resource_level level) {
  struct watch *watch = &resources->watches[resource];
  bool is_above = exceeds(resources, resource, level);
  watch->above[level] = is_above ? watch->above[level] + 1 : 0;
  watch->below[level] = is_above ? 0 : watch->below[level] + 1;
  if (!watch->is_in[level] && watch->above[level] >= ENTER_AFTER) {
    watch->is_in[level] = true;
    tell_level(resources, resource, level, true);
  } else if (watch->is_in[level] && watch->below[level] >= LEAVE_AFTER) {
    watch->is_in[level] = false;
    tell_level(resources, resource, level, false);
    undo_actions(resources, resource, level);
  }
  /* Asked again while the level lasts: an action that the cool-down held back is taken later. */
  if (watch->is_in[level] && is_above) take_actions(resources, resource, level);
}

bool resources_turn(struct resources *resources) {
  int64_t now = monotonic_ns(resources);
  struct resource_reading reading;
  if (now < resources->due_ns) return false;
  resources->due_ns = now + resources->options.interval_s * INT64_C(1000000000);
  if (!read_now(resources, &reading)) return false;
  make_sample(resources, &reading, now, &resources->samples[resources->next]);
  resources->next = (resources->next + 1) % RESOURCE_SAMPLES_MAX;
  if (resources->count < RESOURCE_SAMPLES_MAX) ++resources->count;
  resources->last = reading;
  resources->has_last = true;
  resources->last_ns = now;
  for (int i = 0; i < resource_count; i++) {
    watch(resources, (enum resource)i, RESOURCE_WARNING);
    watch(resources, (enum resource)i, RESOURCE_MAX);
    watch(resources, (enum resource)i, RESOURCE_FLOOR);
  }
  return true;
}

int resources_timeout_ms(const struct resources *resources) {
  int64_t left = (resources->due_ns - monotonic_ns(resources)) / 1000000 + 1;
  return left > 0 ? (int)left : 0;
}

/* ---- what is known ---- */

int resources_count(const struct resources *resources) {
  return resources->count;
}

const struct resource_sample *resources_sample(const struct resources *resources, int i) {
  return &resources->samples[(resources->next - 1 - i + 2 * RESOURCE_SAMPLES_MAX) % RESOURCE_SAMPLES_MAX];
}

/* So little is left that nobody waits for a second sample (metrics 6). The processor's share is always judged by its mean of 30 s. */
static bool is_extreme(const struct resources *resources, enum resource resource) {
  if (resources->count == 0 || (resource != RESOURCE_MEMORY && resource != RESOURCE_DISK)) return false;
  return resource_value(resources_sample(resources, 0), resource) > EXTREME_PERCENT;
}

enum resource_level resources_level(const struct resources *resources, enum resource resource) {
  const struct watch *watch = &resources->watches[resource];
  if (watch->is_in[RESOURCE_MAX] || watch->is_in[RESOURCE_FLOOR] || is_extreme(resources, resource)) return RESOURCE_MAX;
  return watch->is_in[RESOURCE_WARNING] ? RESOURCE_WARNING : RESOURCE_NORMAL;
}

enum resource_status resources_status(const struct resources *resources) {
  enum resource_level level = RESOURCE_NORMAL;
  for (int i = 0; i < resource_count; i++) {
    enum resource_level own = resources_level(resources, (enum resource)i);
    if (own > level) level = own;
  }
  static const enum resource_status statuses[] = {RESOURCES_HEALTHY, RESOURCES_WARNING, RESOURCES_CRITICAL};
  return statuses[level];
}

bool resources_issue(const struct resources *resources, enum resource resource, char *text, size_t size) {
  enum resource_level level = resources_level(resources, resource);
  if (level == RESOURCE_NORMAL || resources->count == 0) return false;
  const struct resource_sample *sample = resources_sample(resources, 0);
  double value = resource_value(sample, resource);
  double limit = level == RESOURCE_MAX ? resources->options.max[resource] : resources->options.warning[resource];
  bool is_cap = resource == RESOURCE_MEMORY && level == RESOURCE_MAX && sample->memory_used_mb > resources->options.memory_mb_max;
  if (is_cap) {
    snprintf(text, size, "memory of the process %.0f MB, above MAX_MEMORY_MB %.0f", sample->memory_used_mb, resources->options.memory_mb_max);
  } else {
    snprintf(text, size, "%s %.1f %s, %s %.0f %s", titles[resource], value, units[resource], level == RESOURCE_MAX ? "maximum" : "warning at", limit,
             units[resource]);
  }
  return true;
}

int resources_result_count(const struct resources *resources) {
  return resources->result_count;
}

const struct resource_result *resources_result(const struct resources *resources, int i) {
  return &resources->results[(resources->result_next - 1 - i + 2 * RESOURCE_RESULTS_MAX) % RESOURCE_RESULTS_MAX];
}

int64_t resources_taken(const struct resources *resources) {
  return resources->taken;
}
