#include "base/status.h"

#include <errno.h>

#define STATUS(name, message, http, exit, retry) [STATUS_##name] = message,
static const char *const messages[STATUS_COUNT] = {
#include "base/status.def"
};

#define STATUS(name, message, http, exit, retry) [STATUS_##name] = http,
static const int http_codes[STATUS_COUNT] = {
#include "base/status.def"
};

#define STATUS(name, message, http, exit, retry) [STATUS_##name] = exit,
static const int exit_codes[STATUS_COUNT] = {
#include "base/status.def"
};

#define STATUS(name, message, http, exit, retry) [STATUS_##name] = retry,
static const bool retryable[STATUS_COUNT] = {
#include "base/status.def"
};

enum { NAME_BYTES = 24 };

#define STATUS(name, message, http, exit, retry) [STATUS_##name] = #name,
static char names[STATUS_COUNT][NAME_BYTES] = {
#include "base/status.def"
};

/* The preprocessor cannot lower a name; doing it before main needs no lock later. */
__attribute__((constructor)) static void lower_names(void) {
  for (int i = 0; i < STATUS_COUNT; i++) {
    for (char *c = names[i]; *c != '\0'; c++) {
      if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    }
  }
}

static int row_of(enum status status) {
  return (unsigned)status < STATUS_COUNT ? (int)status : STATUS_FAILED;
}

const char *status_text(enum status status) {
  return messages[row_of(status)];
}

const char *status_name(enum status status) {
  return names[row_of(status)];
}

int status_http(enum status status) {
  return http_codes[row_of(status)];
}

int status_exit_code(enum status status) {
  return exit_codes[row_of(status)];
}

bool status_is_retryable(enum status status) {
  return retryable[row_of(status)];
}

enum status status_from_errno(int error) {
  switch (error) {
    case 0:
      return STATUS_OK;
    case ENOENT:
    case ENOTDIR:
      return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
      return STATUS_NO_PERMISSION;
    case ENOSPC:
    case EDQUOT:
      return STATUS_NO_SPACE;
    case EROFS:
      return STATUS_READ_ONLY;
    case ENOMEM:
      return STATUS_NO_MEMORY;
    case EFBIG:
      return STATUS_TOO_LARGE;
    case ETIMEDOUT:
      return STATUS_TIMED_OUT;
    case EINTR:
      return STATUS_INTERRUPTED;
    case EADDRINUSE:
    case EBUSY:
    case EEXIST:
      return STATUS_IN_USE;
    case ECONNREFUSED:
      return STATUS_NOT_RUNNING;
    default:
      return STATUS_IO_FAILED;
  }
}
