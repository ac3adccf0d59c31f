#include "apps/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/folder.h"
#include "base/text.h"

enum status run_folder_make(struct app *app, const char *path) {
  char part[RUN_FOLDER_MAX];
  text_copy(part, sizeof part, path);
  if (folder_make(part)) return STATUS_OK;
  int error = errno;
  problem_add(&app->problem, "write_failed", part, NULL, "another folder: -o DIR", "the folder cannot be made: %s", strerror(error));
  enum status status = status_from_errno(error);
  return status == STATUS_NOT_FOUND ? STATUS_IO_FAILED : status; /* a file stands where a folder should be */
}

enum status run_folder_write(struct app *app, const char *folder, const char *name, struct buffer *text) {
  char path[RUN_FOLDER_MAX + 32];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  enum status status = buffer_write_file(text, path, 0644, &app->problem);
  buffer_clear(text);
  return status;
}
