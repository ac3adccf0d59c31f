/* Port: what can be asked afterwards. Rows are written by the archive thread; reading happens on the loop's thread through its own connection. */
#ifndef RUNNER_STORE_H
#define RUNNER_STORE_H

#include "base/problem.h"
#include "engine/record.h"

struct store {
  void *self;
  const char *name; /* "sqlite", "memory" */
  /* begin, any number of put, commit: one batch. put replaces the row with the same key. STATUS_IO_FAILED and the like leave the batch for a later
   * try. */
  enum status (*begin)(void *self);
  enum status (*put)(void *self, enum record_kind kind, uint64_t seq, const void *object);
  enum status (*commit)(void *self);
  /* Newest journal seq whose records are stored, 0 when empty. */
  uint64_t (*last_seq)(void *self);
  void (*close)(void *self);
};

#endif
