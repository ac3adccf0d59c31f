#include "base/version.h"

const char *version_text(void) {
  return BREAKOUT_VERSION;
}

const char *version_commit(void) {
  return BREAKOUT_COMMIT;
}

const char *version_committed_at(void) {
  return BREAKOUT_COMMITTED_AT;
}
