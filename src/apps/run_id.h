/* Names of runs: B000001, B000002, ... from a counter file in DATA_DIR that the program and the server share. */
#ifndef APPS_RUN_ID_H
#define APPS_RUN_ID_H

#include <stdbool.h>

#include "runner/runs.h"

/* False when the file cannot be written. */
bool run_id_next(const char *data_dir, char out[RUN_ID_BYTES]);

#endif
