/* Unpacking zstd from memory to memory, a piece at a time (libzstd inside, seen by zstd_stream.c only). */
#ifndef ADAPTERS_SOURCE_ZSTD_STREAM_H
#define ADAPTERS_SOURCE_ZSTD_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* NULL when memory is out. */
void *zstd_stream_open(void);
/* Takes bytes from in and puts bytes to out as far as both reach, raising *in_used and *out_used. *is_frame_end: the packed data are whole here,
 * though another frame may follow. STATUS_CORRUPT sets *message. */
NODISCARD enum status zstd_stream_read(void *stream, const char *in, size_t in_size, size_t *in_used, char *out, size_t out_size, size_t *out_used,
                                       bool *is_frame_end, const char **message);
void zstd_stream_close(void *stream); /* NULL is allowed */

#endif
