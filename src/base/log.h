/* Log lines as JSON (see docs: one object a line, keys in a fixed order). For runner, adapters, api and apps; the core never logs. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR, LOG_CRITICAL };
enum log_console { LOG_CONSOLE_OFF, LOG_CONSOLE_JSON, LOG_CONSOLE_TEXT };

struct log_options {
  enum log_level level;
  enum log_console console; /* standard error */
  const char *directory;    /* NULL: no files */
  double file_max_mb;
  double total_max_mb;
  int retention_days;
};

/* Opens breakout.log, api.log, errors.log in the directory (made when missing). A directory that cannot be written is an error; a log that
 * cannot be written later is counted, never fatal. */
NODISCARD enum status log_open(const struct log_options *options);
void log_close(void);
void log_set_level(enum log_level level);
/* Closes the current files into dated ones and compresses those in the background, as at midnight UTC and at file_max_mb. Each rotation also applies
 * total_max_mb and retention_days (0: none) as log_files_cleanup does. */
void log_rotate(void);
/* From now on the text of a secret (6 to 255 bytes) is written as *** wherever it occurs. At most 64 secrets; kept over log_open and log_close. */
void log_hide(const char *secret);

/* component and event as in the tables of the log document; message is one sentence. data: extra members as JSON without braces, or NULL. */
void log_write(enum log_level level, const char *component, const char *event, const char *data, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Every line that is written goes to this function too, from the thread that writes it: it must be short and must not log. NULL: none. */
typedef void log_line(void *context, enum log_level level, const char *text, size_t length);
void log_listen(log_line *on_line, void *context);
/* Lines (per file) that could not be written. */
int64_t log_dropped(void);
/* Lines that passed the level. */
int64_t log_count(enum log_level level);

#endif
