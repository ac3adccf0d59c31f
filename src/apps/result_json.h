/* A backtest as one JSON document (backtest 7.1), and reading such a document again. */
#ifndef APPS_RESULT_JSON_H
#define APPS_RESULT_JSON_H

#include "apps/result.h"

/* The whole document with a newline behind it. Equal runs give equal bytes but for run_id, created_at and duration_ms. */
void result_json(const struct result *result, bool is_pretty, struct buffer *out);
/* Members of an object that other kinds of runs have too: run_id to skipped_filters, and `metrics`. */
void result_json_head(const struct result *result, const char *kind, const char *digest, struct json_writer *json);
void result_json_metrics(struct json_writer *json, const struct performance *performance);
/* Finds the document of a run: an id, a folder or a file. NULL with a problem (STATUS_NOT_FOUND or BAD_FORMAT in *status). The document is the
 * caller's to free. */
struct json *result_load(struct app *app, const char *run, enum status *status);
/* Every member of `metrics` of both documents side by side. */
void result_compare(const struct json *left, const struct json *right, const char *left_name, const char *right_name, struct app *app);

#endif
