/* Port: what the API asks of the program about backtests and data sets: worker processes of their own, files of what they made. Rows of the tables
 * runs and datasets are written by the program and read by the API through the port rows. All calls are short and on the loop's thread. */
#ifndef RUNNER_RUNS_H
#define RUNNER_RUNS_H

#include "base/json.h"
#include "base/problem.h"
#include "core/strategy/preset.h"
#include "runner/run_file.h"

enum { RUN_ID_BYTES = 24, RUN_PATH_BYTES = 768, RUN_DATASET_BYTES = 65, RUN_NICENESS = 10, RUN_QUEUE_MAX = 32 };

enum run_state { RUN_QUEUED, RUN_RUNNING, RUN_DONE, RUN_FAILED, RUN_CANCELLED, run_state_count };
extern const char *const run_state_names[];

/* A new run: all that is needed to do it again is in params. */
struct run_request {
  const char *kind;            /* backtest, lookahead, import */
  const struct preset *preset; /* NULL for imports */
  const char *dataset_id;
  const char *params; /* JSON object: as asked for */
  const char *user;   /* "" nobody */
};

/* How far a run is that waits or goes on. */
struct run_progress {
  enum run_state state;
  double progress;      /* 0 to 1 */
  double eta_s;         /* NaN unknown */
  double candles_per_s; /* NaN unknown */
  int64_t current_at;   /* time of the data, 0 unknown */
  int64_t trades;
};

struct run_port {
  void *self;
  /* Starts or queues a run; id is its name. STATUS_IN_USE when the queue is full. */
  enum status (*start)(void *self, const struct run_request *request, char id[RUN_ID_BYTES], struct problem *problem);
  /* STATUS_NOT_FOUND when it neither waits nor goes on. The end of a run that goes on comes soon, not at once. */
  enum status (*cancel)(void *self, const char *id);
  /* False when it neither waits nor goes on. */
  bool (*progress)(void *self, const char *id, struct run_progress *out);
  /* Removes row and files of a run that has ended. */
  enum status (*remove)(void *self, const char *id, struct problem *problem);
  /* Folder of a run's files. */
  void (*folder)(void *self, const char *id, char out[RUN_PATH_BYTES]);
  /* Does a run that waits or goes on need the data set? */
  bool (*is_dataset_used)(void *self, const char *dataset_id);
  /* Is there a folder of this name already, or an import that makes it? */
  bool (*has_dataset)(void *self, const char *dataset_id);
  /* Removes an imported data set and its row: STATUS_NO_PERMISSION for one that came with the program. */
  enum status (*remove_dataset)(void *self, const char *dataset_id, struct problem *problem);
};

/* May a run or data set be called this? Such a name is safe inside a path. */
bool run_is_id(const char *text);
bool run_is_dataset(const char *text);

#endif
