/* A restart may bring other settings; what happened before it must be repeated with the old ones. */
#include "engine/engine_state.h"

void engine_configure(struct engine *engine, const struct engine_config *config) {
  engine->config = *config;
}
