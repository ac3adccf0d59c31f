/* How the edges of the program fail. The core never returns a status: the market saying no is an event there. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>

/* C17 spells C23's nodiscard this way. */
#define NODISCARD __attribute__((warn_unused_result))

enum status {
#define STATUS(name, message, http, exit, retry) STATUS_##name,
#include "base/status.def"
  STATUS_COUNT
};

/* The message of a status, a sentence without a full stop. */
const char *status_text(enum status status);
/* Lower-case name as used in problem JSON, for example "not_found". */
const char *status_name(enum status status);
int status_http(enum status status);
int status_exit_code(enum status status);
bool status_is_retryable(enum status status);
/* The status that belongs to an errno value; unknown values give STATUS_IO_FAILED. */
NODISCARD enum status status_from_errno(int error);

#endif
