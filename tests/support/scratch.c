#include "support/scratch.h"

#include <stdio.h>
#include <stdlib.h>

enum { COMMAND_BYTES = 1400 };

bool scratch_make(char *folder, size_t size, const char *name) {
  const char *top = getenv("TMPDIR");
  int length = snprintf(folder, size, "%s/%s_XXXXXX", top != NULL ? top : "/tmp", name);
  return length > 0 && (size_t)length < size && mkdtemp(folder) != NULL;
}

int scratch_remove(const char *folder) {
  char command[COMMAND_BYTES];
  snprintf(command, sizeof command, "chmod -R u+rwx '%s'; rm -rf '%s'", folder, folder);
  return system(command);
}
