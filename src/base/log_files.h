/* The directory of log files: which are closed, how much they take, and the daily check (compress, keep the limit, keep the age). Works without an
 * open log, so that the command line can use it while a server writes. */
#ifndef BASE_LOG_FILES_H
#define BASE_LOG_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/problem.h"
#include "base/status.h"

enum { LOG_FILES_MAX = 4096, LOG_FILE_NAME_MAX = 128 };

struct log_file {
  char name[LOG_FILE_NAME_MAX];
  int64_t bytes;      /* length */
  int64_t disk_bytes; /* as du counts */
  int64_t at_ms;      /* date in the name, else time of last change */
  bool is_closed;     /* rotated: name-YYYYMMDD-NN.log or .log.gz; only these are ever compressed or deleted */
  bool is_compressed;
  bool is_deleted; /* by this cleanup (or would be, in a dry run) */
  bool was_compressed_now;
};

/* Regular files directly in the directory, oldest first. About 700 KB: not for a stack. */
struct log_files {
  struct log_file files[LOG_FILES_MAX];
  int count;
  int64_t total_disk_bytes;
  int64_t oldest_at_ms; /* 0 when there is none */
};

/* STATUS_NOT_FOUND without the directory. */
NODISCARD enum status log_files_stats(struct log_files *files, const char *directory, struct problem *problem);

struct log_cleanup {
  int64_t now_ms;
  int days;      /* closed files older than this go; audit files only after 90 days */
  double max_mb; /* above this (2^20 bytes each) the oldest closed files go until 80 % of it */
  bool is_dry_run;
  int64_t before_bytes, after_bytes; /* results, as du counts; in a dry run compression saves nothing */
  int deleted, compressed;           /* results */
};

/* The daily check. files receives the state before it, with the marks of what was done. Goes on after a file that cannot be handled and returns the
 * first such status. */
NODISCARD enum status log_files_cleanup(struct log_files *files, const char *directory, struct log_cleanup *cleanup, struct problem *problem);
/* Compresses every closed file that is not yet; returns how many. */
int log_files_compress(const char *directory, struct problem *problem);
/* {ts, before_mb, after_mb, deleted[], compressed[], files[], oldest_at} as members of an opened object; times as text. */
void log_files_report(const struct log_files *files, const struct log_cleanup *cleanup, struct json_writer *writer);

#endif
