/* What the API watches beside the engine's records: resources, checkpoints of the session, time spent in each word, health of the parts over time,
 * and the newest points of some figures. Everything is bounded; on the loop's thread. */
#ifndef API_MONITORING_MONITORING_H
#define API_MONITORING_MONITORING_H

#include "api/api_state.h"
#include "api/checkpoint.h"

enum { CHECKPOINTS_MAX = 1000, CHECKPOINT_METRICS_MAX = 6, ROLLUP_POINTS_MAX = 1000, ROLLUP_SHOWN = 100, TRANSITIONS_MAX = 1000 };

struct checkpoint {
  int64_t id, session_id;
  enum checkpoint_type type;
  enum checkpoint_status status;
  int64_t ts; /* event time */
  double duration_ms;
  char symbol[SYMBOL_TEXT_MAX]; /* "" none */
  int64_t trace_ts;             /* 0 none */
  char message[160];
  int metric_count;
  struct {
    const char *name; /* static text */
    double value;
  } metrics[CHECKPOINT_METRICS_MAX];
  char error_code[48]; /* "" none */
};

/* A figure of which the newest points are kept: constant, name, meaning. */
#define ROLLUPS(ROW)                                                        \
  ROW(CPU_PERCENT, "cpu_percent", "processor in use, %")                    \
  ROW(MEMORY_PERCENT, "memory_percent", "memory in use, %")                 \
  ROW(MEMORY_USED_MB, "memory_used_mb", "resident memory of the process")   \
  ROW(DISK_USAGE_PERCENT, "disk_usage_percent", "disk in use, %")           \
  ROW(ACTIVE_THREADS, "active_threads", "threads of the process")           \
  ROW(OPEN_FILES, "open_files", "open descriptors")                         \
  ROW(NETWORK_CONNECTIONS, "network_connections", "sockets of the process") \
  ROW(CYCLE_TIME, "cycle_time", "mean time of an event, ms")                \
  ROW(POSITIONS, "positions", "open positions")                             \
  ROW(SIGNALS, "signals", "signals so far")                                 \
  ROW(ORDERS, "orders", "working orders")                                   \
  ROW(EVENTS, "events", "events so far")                                    \
  ROW(PNL, "pnl", "profit and loss of the UTC day, USD")                    \
  ROW(SYMBOLS_SCANNED, "symbols_scanned", "symbols of a scan")              \
  ROW(CANDIDATES_FOUND, "candidates_found", "candidates of a scan")         \
  ROW(SCAN_TIME, "scan_time", "duration of a scan, ms")
#define ROLLUP_CONSTANT(constant, name, text) ROLLUP_##constant,
enum rollup { ROLLUPS(ROLLUP_CONSTANT) rollup_count };
extern const char *const rollup_names[];

struct rollup_point {
  int64_t ts;
  double value;
};
struct rollup_ring {
  struct rollup_point points[ROLLUP_POINTS_MAX];
  int next, count;
};

struct monitoring {
  int64_t session_id; /* of the active session, 0 none */
  struct checkpoint checkpoints[CHECKPOINTS_MAX];
  int checkpoint_next, checkpoint_count;
  int64_t checkpoint_id;      /* newest */
  int64_t checkpoint_stored;  /* newest that is a row of the database */
  int64_t stored_ms;          /* newest attempt */
  int64_t opened_position_id; /* newest position whose opening was seen */
  bool wants_scan_time;       /* a scan was seen whose duration is not known yet */
  bool is_scanning;           /* scan_start was said, scan_complete not yet */
  int64_t session_symbols;    /* symbols of the active session's last scan, -1 none */
  struct keep transitions;
  /* the derived word */
  enum engine_word word;
  int64_t word_since; /* event time */
  int64_t word_counts[engine_word_count], word_durations_ms[engine_word_count], word_moves;
  /* parts of the program */
  enum api_level levels[API_COMPONENTS_MAX];
  char level_names[API_COMPONENTS_MAX][16];
  int64_t level_since[API_COMPONENTS_MAX];
  int level_count;
  struct rollup_ring rollups[rollup_count];
  int64_t steps;       /* seen by the last cycle_time */
  double step_seconds; /* the same */
  int64_t told_ms;     /* newest performance line of the log */
  int64_t told_events;
  struct http_reply *backup_reply; /* waits for a backup; NULL none */
  char backup_request_id[HTTP_ID_BYTES];
};

NODISCARD enum status monitoring_open(struct api *api);
void monitoring_close(struct api *api);
void monitoring_on_record(struct api *api, int64_t ts, enum record_kind kind, const void *object);
/* After every turn of the loop: samples resources, stores checkpoints, answers who waits for a backup. */
void monitoring_turn(struct api *api);
int monitoring_timeout_ms(const struct api *api);
/* The client of a deferred reply is gone. */
void monitoring_on_gone(struct api *api, const struct http_reply *reply);
/* Since when a part has its level; remembers the level. */
int64_t monitoring_level_since(struct api *api, const char *name, enum api_level level);

/* checkpoints.c */
void checkpoints_on_record(struct api *api, int64_t ts, enum record_kind kind, const void *object);
void checkpoints_store(struct api *api);
void checkpoints_load(struct api *api);
/* Members of Checkpoint. */
void checkpoint_write(const struct api *api, const void *checkpoint, struct json_writer *writer);
/* Newest first, 0 the newest; NULL beyond the end. */
const struct checkpoint *checkpoint_get(const struct monitoring *monitoring, int i);

/* rollups.c */
void rollup_add(struct monitoring *monitoring, enum rollup rollup, int64_t ts, double value);
void rollups_sample(struct api *api);
const struct rollup_point *rollup_get(const struct rollup_ring *ring, int i);

#endif
