/* Posts messages to one HTTP address, one after another, on a thread of its own. A message that did not get through (no connection, time over, 408,
 * 429, 5xx) is tried again after a pause that doubles; others are given up at once. Redirects are not followed: the address is the operator's. */
#ifndef ADAPTERS_NOTIFY_WEBHOOK_H
#define ADAPTERS_NOTIFY_WEBHOOK_H

#include "base/problem.h"
#include "base/status.h"
#include "runner/webhook.h"

enum { WEBHOOK_QUEUE_MAX = 64 };

struct webhook_options {
  const char *url;                          /* http:// or https://; copied. It may hold a secret: it is never shown */
  int attempts, first_pause_ms, timeout_ms; /* of one attempt; 0: 5 attempts, 1 s, 10 s */
};

struct webhook; /* opaque */

NODISCARD enum status webhook_open(struct webhook **out, const struct webhook_options *options, struct problem *problem);
/* Ends at once: what waits is not sent any more. NULL is allowed. */
void webhook_close(struct webhook *webhook);
void webhook_port(struct webhook *webhook, struct webhook_port *out);

#endif
