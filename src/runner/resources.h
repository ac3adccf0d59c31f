/* The resource monitor: samples processor, memory, disk, threads and descriptors of the process and of the machine or container it runs in, knows
 * which are above their levels, and has those actions taken that the program around it offers. Linux: /proc and cgroups.
 *
 * A level is entered when two samples in a row exceed it and left after five in a row below it. The maximum of the processor asks for a mean above it
 * over 30 s. Actions are taken when a level is entered, each at most once per cool-down, and undone in reverse order when it is left. */
#ifndef RUNNER_RESOURCES_H
#define RUNNER_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runner/clock.h"

enum resource { RESOURCE_CPU, RESOURCE_MEMORY, RESOURCE_DISK, RESOURCE_THREADS, RESOURCE_OPEN_FILES, resource_count };
/* Floor: of the disk, so little is free that nothing new may begin. */
enum resource_level { RESOURCE_NORMAL, RESOURCE_WARNING, RESOURCE_MAX, RESOURCE_FLOOR, resource_level_count };
enum resource_status { RESOURCES_HEALTHY, RESOURCES_WARNING, RESOURCES_CRITICAL, resource_status_count };
extern const char *const resource_names[];        /* "cpu", "memory", ... */
extern const char *const resource_status_names[]; /* "healthy", "warning", "critical" */

enum { RESOURCE_SAMPLES_MAX = 1000, RESOURCE_ACTIONS_MAX = 16, RESOURCE_RESULTS_MAX = 50, RESOURCE_DISK_FREE_MIN_MB = 500 };

/* What was read at a time. NaN and -1: could not be read. */
struct resource_sample {
  int64_t ts;             /* ms UTC */
  double cpu_percent;     /* since the sample before, of the machine or of the container's limit */
  double memory_percent;  /* of the machine or of the container's limit */
  double memory_used_mb;  /* resident set of the process, 2^20 bytes */
  double memory_limit_mb; /* what 100 % is */
  double disk_percent, disk_free_mb;
  int32_t threads, open_files, sockets;
};

/* Raw counters behind a sample. */
struct resource_reading {
  double cpu_seconds;        /* used so far by all processes of the machine, or of the container */
  double cpu_count;          /* processors of the machine, or what the quota of the container comes to */
  double memory_bytes;       /* in use: of the container, else of the machine */
  double memory_limit_bytes; /* of the container, else of the machine */
  double resident_bytes;     /* of the process */
  double virtual_bytes;      /* address space of the process */
  double disk_bytes, disk_free_bytes;
  int32_t threads, open_files, sockets;
};

/* Something that can be done; text says what came of it. undo: NULL when there is nothing to undo. */
struct resource_action {
  enum resource resource;
  enum resource_level level; /* taken when this level is entered */
  const char *name;
  void (*take)(void *self, char *text, size_t size);
  void (*undo)(void *self, char *text, size_t size);
  void *self;
};

struct resource_result {
  int64_t ts;
  enum resource resource;
  const char *action;
  bool is_undone; /* this is the undoing */
  char text[120];
};

struct resource_options {
  const struct clock *clock;
  const char *data_dir;                                /* whose file system is watched */
  double warning[resource_count], max[resource_count]; /* percent or count; NaN: none */
  double memory_mb_max;                                /* of the process */
  double disk_free_mb_min;                             /* the floor; 0 none */
  int32_t interval_s, cooldown_s;
  struct resource_action actions[RESOURCE_ACTIONS_MAX];
  int action_count;
  /* An action was taken: for counting. May be NULL. */
  void (*on_action)(void *context, enum resource resource, const char *action);
  void *context;
  /* Reads the counters; NULL: resources_read. */
  bool (*read)(void *self, struct resource_reading *out);
  void *read_self;
};

struct resources; /* opaque */

NODISCARD enum status resources_open(struct resources **resources, const struct resource_options *options);
void resources_close(struct resources *resources); /* NULL is allowed */
/* Takes a sample when one is due, and the actions that follow. True when it did. */
bool resources_turn(struct resources *resources);
/* Milliseconds until the next sample. */
int resources_timeout_ms(const struct resources *resources);

/* Samples, 0 the newest. */
int resources_count(const struct resources *resources);
const struct resource_sample *resources_sample(const struct resources *resources, int i);
enum resource_level resources_level(const struct resources *resources, enum resource resource);
enum resource_status resources_status(const struct resources *resources);
/* One sentence for a resource above a level; false when it is not. */
bool resources_issue(const struct resources *resources, enum resource resource, char *text, size_t size);
/* What was done and undone, 0 the newest. */
int resources_result_count(const struct resources *resources);
const struct resource_result *resources_result(const struct resources *resources, int i);
/* Actions taken so far. */
int64_t resources_taken(const struct resources *resources);

/* The figure of a sample that the levels of a resource are about. */
double resource_value(const struct resource_sample *sample, enum resource resource);
/* This process and its machine now; false when nothing could be read. */
bool resources_read(const char *data_dir, struct resource_reading *out);

#endif
