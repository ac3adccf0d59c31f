/* Objects of any schema with a value in every field, for tests of codecs and stores. */
#ifndef SUPPORT_RECORD_FIXTURE_H
#define SUPPORT_RECORD_FIXTURE_H

#include "base/schema.h"

/* Fills every field with a value that follows from the seed and differs from field to field; lists get one or two items. Doubles are multiples of
 * 2^-8, so that they survive a fixed-point text. */
void record_fill(const struct schema *schema, void *object, int seed);

#endif
