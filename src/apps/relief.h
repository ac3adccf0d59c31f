/* What the server does itself when a resource runs short, and undoes when it is there again (metrics 6): the actions of the resource monitor. Nothing
 * here touches the engine's loop, the journal being written, protective orders or positions. */
#ifndef APPS_RELIEF_H
#define APPS_RELIEF_H

#include "api/api.h"
#include "apps/run_pool.h"
#include "runner/journal.h"
#include "runner/resources.h"

/* The parts are pointers to the owner's pointers, because most are opened later than the monitor; NULL in them: not there (yet). */
struct relief {
  const struct settings *settings;
  const struct clock *clock;
  struct run_pool *const *pool;
  struct api *const *api;
  struct journal *const *journal;
  /* Begins or ends a pause of entries; text says what came of it. Event time of the newest record. */
  void (*hold_entries)(void *self, bool is_held, char *text, size_t size);
  int64_t (*event_now)(void *self);
  void *self;
  int pauses; /* reasons for which background runs stand still */
};

/* Adds all actions to the options; relief stays where it is as long as the monitor lives. */
void relief_add(struct relief *relief, struct resource_options *options);

#endif
