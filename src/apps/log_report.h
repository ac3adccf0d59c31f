/* The statistics of the daily check of the logs: REPORTS_DIR/log_report_YYYYMMDD.json. */
#ifndef APPS_LOG_REPORT_H
#define APPS_LOG_REPORT_H

#include "apps/app.h"
#include "base/log_files.h"

/* {ts, before_mb, after_mb, deleted[], compressed[], files[], oldest_at, limit_mb, lines_by_level}; one of the same day is replaced. files: the state
 * that log_files_cleanup left. path: of the report. */
NODISCARD enum status log_report_write(struct app *app, const struct log_files *files, const struct log_cleanup *cleanup, char *path, size_t size);

#endif
