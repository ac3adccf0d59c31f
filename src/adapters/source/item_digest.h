/* Checksum of the streamed items of one symbol: of what they say, not of how a file writes it, so that a recording and its conversion have the same
 * one. Each UTC month is hashed on its own and the months are put together by exclusive or, in any order. */
#ifndef ADAPTERS_SOURCE_ITEM_DIGEST_H
#define ADAPTERS_SOURCE_ITEM_DIGEST_H

#include "adapters/source/source.h"
#include "base/digest.h"

struct item_digest {
  struct digest digest;
  bool is_open;
  int64_t month_from, month_to;   /* of the items being hashed */
  char combined[DIGEST_TEXT_MAX]; /* of the months that ended, "" none */
};

void item_digest_init(struct item_digest *digest);
void item_digest_add(struct item_digest *digest, const struct source_item *item);
/* Ends it; text is "" when nothing was added. */
void item_digest_end(struct item_digest *digest, char text[DIGEST_TEXT_MAX]);
/* combined ^= other, either may be "". */
void item_digest_combine(char combined[DIGEST_TEXT_MAX], const char *other);

/* First instant of the UTC month of ts, and of the next one. */
void item_digest_month(int64_t ts, int64_t *from_ms, int64_t *to_ms);

#endif
