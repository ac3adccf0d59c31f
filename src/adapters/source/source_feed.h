/* A source as the feed port: items of recorded files become events of the engine. */
#ifndef ADAPTERS_SOURCE_SOURCE_FEED_H
#define ADAPTERS_SOURCE_SOURCE_FEED_H

#include "adapters/source/source.h"
#include "runner/feed.h"

struct source_feed {
  struct source *source; /* borrowed */
  const char *name;
  int64_t from;  /* first instant of the source */
  int described; /* symbols whose capability and instrument events were given; two events a symbol */
  int64_t interval_ms;
  bool has_item;
  struct source_item item;
  enum status ended;                                  /* STATUS_OK while items may follow */
  const struct instrument *known[SOURCE_SYMBOLS_MAX]; /* what was told of each symbol last: a change is told when it was known */
};

/* The BTC perpetual is the reference symbol when the source has it. */
void source_feed_init(struct source_feed *self, struct source *source, const char *name, struct feed *feed);

#endif
