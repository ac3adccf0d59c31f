/* gzip files (zlib inside, seen by gzip.c only): closing a log, reading compressed candles and logs. */
#ifndef BASE_GZIP_H
#define BASE_GZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/status.h"

/* Compresses path into path.gz (made whole under a temporary name, then renamed, with the time of change of the original) and removes path. On error
 * the original stays; STATUS_IN_USE when another thread or process is at it. */
NODISCARD enum status gzip_file(const char *path, struct problem *problem);

struct gzip_reader {
  void *file; /* owned */
  int descriptor;
};

/* Reads plain files too. problem may be NULL. */
NODISCARD enum status gzip_open(struct gzip_reader *reader, const char *path, struct problem *problem);
/* Up to size bytes (at most 1 GiB a call); *count is 0 at the end. STATUS_TRUNCATED when the file ends within a stream, STATUS_CORRUPT when its bytes
 * or its checksum are wrong. */
NODISCARD enum status gzip_read(struct gzip_reader *reader, void *out, size_t size, size_t *count);
void gzip_close(struct gzip_reader *reader);

/* Unpacking from memory to memory, a piece at a time: gzip members one after another, or one raw deflate stream (a zip member). */
struct gzip_inflater {
  void *stream; /* owned */
  bool is_raw;
  bool is_at_end; /* of a member: bytes that follow start another one */
};

NODISCARD enum status gzip_inflate_open(struct gzip_inflater *inflater, bool is_raw);
/* Takes bytes from in and puts bytes to out as far as both reach, raising *in_used and *out_used. STATUS_CORRUPT when the bytes are wrong, and when
 * bytes follow a raw stream. */
NODISCARD enum status gzip_inflate(struct gzip_inflater *inflater, const char *in, size_t in_size, size_t *in_used, char *out, size_t out_size,
                                   size_t *out_used);
void gzip_inflate_close(struct gzip_inflater *inflater); /* zero-initialised is allowed */
/* Packs bytes as one gzip member behind what out holds. */
struct buffer;
NODISCARD enum status gzip_pack(const void *bytes, size_t size, struct buffer *out);
/* The CRC-32 of gzip and zip; crc = 0 to start. */
uint32_t gzip_crc32(uint32_t crc, const void *bytes, size_t size);

#endif
