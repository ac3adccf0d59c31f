/* What the files of the pool of workers share. */
#ifndef APPS_RUN_POOL_STATE_H
#define APPS_RUN_POOL_STATE_H

#include <sys/types.h>

#include "apps/run_pool.h"

enum run_kind { RUN_BACKTEST, RUN_LOOKAHEAD, RUN_IMPORT, RUN_SWEEP, RUN_WALK_FORWARD, RUN_MONTE_CARLO, RUN_MEASURE, run_kind_count };
extern const char *const run_kind_names[];

enum { JOBS_MAX = 512, LINE_BYTES_MAX = 16384 };

/* A run that waits or goes on. */
struct job {
  enum run_kind kind; /* RUN_MEASURE is the pool's own and has no row */
  enum run_state state;
  char id[RUN_ID_BYTES];
  char dataset[RUN_DATASET_BYTES];
  char preset[72]; /* its name */
  struct json *params;
  /* of a worker */
  pid_t pid;
  int fd;
  struct buffer line; /* what it told, not yet a whole line */
  struct buffer last; /* the last whole line: of a finished backtest its summary */
  int64_t began_ns, cancelled_ns;
  double progress;
  int64_t candles, trades, current_at;
  bool is_cancelled, has_changed;
};

struct run_pool {
  struct run_pool_options options;
  struct job *jobs[JOBS_MAX];          /* in the order of their start */
  int job_count, workers, workers_all; /* that may go on at once: now, and when nothing is short */
  bool is_limited, is_paused;
  char recordings[RUN_PATH_BYTES];
  int64_t looked_ns, folder_changed_ns;
};

/* ---- run_pool.c ---- */
int64_t pool_now_ms(const struct run_pool *pool);
int64_t pool_now_ns(const struct run_pool *pool);
void pool_folder(const struct run_pool *pool, const char *id, char out[RUN_PATH_BYTES]);
NODISCARD enum status pool_make_folder(const char *path, struct problem *problem);
/* The value as compact JSON. */
void pool_copy(const struct json *value, struct buffer *out);
/* Puts a reading of a data set into the queue. */
void pool_measure(struct run_pool *pool, const char *dataset);
bool pool_is_needed(const struct run_pool *pool, const char *dataset, bool includes_measuring);

/* ---- run_spawn.c ---- */
/* Starts the worker of a job. */
NODISCARD enum status pool_spawn(struct run_pool *pool, struct job *job, struct problem *problem);
/* Where a worker's standard output goes. */
void pool_output_path(const struct run_pool *pool, const struct job *job, char out[RUN_PATH_BYTES]);

/* ---- run_dataset.c ---- */
/* Path of a data set; false when there is none. is_shipped may be NULL. */
bool pool_dataset_path(const struct run_pool *pool, const char *dataset, char out[RUN_PATH_BYTES], bool *is_shipped);
/* Rows of data sets for what lies in the folders now; those that changed are read. */
void pool_find_datasets(struct run_pool *pool);
/* A reading has ended: output is what the worker printed, NULL when it failed for the reason. */
void pool_store_dataset(struct run_pool *pool, const char *dataset, const struct json *output, const char *reason);
NODISCARD enum status pool_remove_dataset(struct run_pool *pool, const char *dataset, struct problem *problem);

#endif
