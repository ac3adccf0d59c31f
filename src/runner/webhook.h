/* Port: messages that leave the machine, such as alerts. A message is handed over and sent on a thread of its own; what came of it is asked for
 * later. All calls return at once. */
#ifndef RUNNER_WEBHOOK_H
#define RUNNER_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>

enum { WEBHOOK_ID_BYTES = 48, WEBHOOK_DETAIL_BYTES = 128 };

struct webhook_result {
  char id[WEBHOOK_ID_BYTES];
  bool is_delivered;
  char detail[WEBHOOK_DETAIL_BYTES]; /* why it was not */
};

struct webhook_port {
  void *self;
  /* body: JSON, copied. id names the message for the receiver and for its result. False when too many wait. */
  bool (*send)(void *self, const char *id, const char *body, size_t length);
  /* What came of the message that ended first; false when there is none. */
  bool (*take)(void *self, struct webhook_result *out);
};

#endif
