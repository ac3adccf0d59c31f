/* The two decompression libraries behind one step function each, so that input.c sees neither. */
#ifndef ADAPTERS_SOURCE_UNPACK_H
#define ADAPTERS_SOURCE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One call's worth of work: bytes are taken from in and put to out as far as both reach. */
struct unpack_step {
  const char *in;
  size_t in_size, in_used;
  char *out;
  size_t out_size, out_used;
  bool is_frame_end; /* the packed stream is complete at in_used: more may follow (concatenated frames) */
};

enum unpack_result { UNPACK_OK, UNPACK_CORRUPT, UNPACK_NO_MEMORY };

/* State objects are owned by the caller and closed by the matching function. NULL when memory is out. */
void *unpack_zstd_open(void);
enum unpack_result unpack_zstd_step(void *state, struct unpack_step *step, const char **message);
void unpack_zstd_close(void *state);

/* is_raw: deflate without header (zip members), else gzip members. */
void *unpack_deflate_open(bool is_raw);
enum unpack_result unpack_deflate_step(void *state, struct unpack_step *step, const char **message);
void unpack_deflate_close(void *state);
/* CRC-32 of zip and gzip. */
uint32_t unpack_crc32(uint32_t crc, const void *bytes, size_t size);

#endif
