/* The newest records of one kind, in a ring. A record with the same key replaces the older one. */
#ifndef API_KEEP_H
#define API_KEEP_H

#include "base/schema.h"

struct keep {
  unsigned char *items; /* owned; NULL: this kind is not kept */
  size_t item_size;
  const struct field *key; /* NULL: every record is one more */
  int32_t capacity, count, next;
};

void keep_open(struct keep *keep, const struct schema *schema, const char *key, int32_t capacity);
void keep_close(struct keep *keep);
void keep_put(struct keep *keep, const void *object);
/* i = 0 is the newest. */
const void *keep_get(const struct keep *keep, int32_t i);

#endif
