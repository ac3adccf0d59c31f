#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

#include "adapters/source/unpack.h"

struct unpack_deflate {
  z_stream stream;
  bool is_raw;
  bool is_at_end; /* of a member: the next byte starts another one */
};

void *unpack_deflate_open(bool is_raw) {
  struct unpack_deflate *state = calloc(1, sizeof *state);
  if (!state) return NULL;
  state->is_raw = is_raw;
  if (inflateInit2(&state->stream, is_raw ? -MAX_WBITS : MAX_WBITS + 16) != Z_OK) {
    free(state);
    return NULL;
  }
  return state;
}

static unsigned bounded(size_t size) {
  return size > UINT_MAX ? UINT_MAX : (unsigned)size;
}

enum unpack_result unpack_deflate_step(void *opaque, struct unpack_step *step, const char **message) {
  struct unpack_deflate *state = opaque;
  z_stream *stream = &state->stream;
  if (state->is_at_end && step->in_used < step->in_size) {
    /* gzip allows members to follow each other; a zip member ends where it ends. */
    if (state->is_raw || inflateReset(stream) != Z_OK) return UNPACK_CORRUPT;
    state->is_at_end = false;
  }
  stream->next_in = (z_const Bytef *)(uintptr_t)(step->in + step->in_used);
  stream->avail_in = bounded(step->in_size - step->in_used);
  stream->next_out = (Bytef *)step->out + step->out_used;
  stream->avail_out = bounded(step->out_size - step->out_used);
  const int result = inflate(stream, Z_NO_FLUSH);
  step->in_used = (size_t)((const char *)stream->next_in - step->in);
  step->out_used = (size_t)((char *)stream->next_out - step->out);
  if (result == Z_STREAM_END) state->is_at_end = true;
  step->is_frame_end = state->is_at_end;
  if (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) return UNPACK_OK;
  *message = stream->msg ? stream->msg : "bad deflate data";
  return result == Z_MEM_ERROR ? UNPACK_NO_MEMORY : UNPACK_CORRUPT;
}

void unpack_deflate_close(void *opaque) {
  struct unpack_deflate *state = opaque;
  if (!state) return;
  (void)inflateEnd(&state->stream);
  free(state);
}

uint32_t unpack_crc32(uint32_t crc, const void *bytes, size_t size) {
  return (uint32_t)crc32_z(crc, bytes, size);
}
