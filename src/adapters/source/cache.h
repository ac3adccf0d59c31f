/* Parsed files kept for the next time: the rows of a series as they are in memory, with a checksum. A cache is never trusted further than its key
 * (path, size, time of change, what was asked) and its checksum; anything wrong means that the file is read again. A cache file is made under another
 * name and never written to again, so candles are mapped instead of copied: they cost memory only while they are read. */
#ifndef ADAPTERS_SOURCE_CACHE_H
#define ADAPTERS_SOURCE_CACHE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "adapters/source/csv.h"

/* False when there is no sound cached result. folder may be NULL. result->series is owned by the caller then; rows that are mapped were all read. */
bool cache_load(const char *folder, const char *path, enum series_kind kind, int64_t interval_ms, struct csv_result *result);
/* file: what the file was before it was read. Best effort: a full or read-only disk costs only the time of the next parse. Results with rejected rows
 * are not kept, so that they are reported each time. */
void cache_store(const char *folder, const char *path, enum series_kind kind, int64_t interval_ms, const struct stat *file,
                 const struct csv_result *result);

#endif
