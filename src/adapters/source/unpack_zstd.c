#include <zstd.h>

#include "adapters/source/unpack.h"

void *unpack_zstd_open(void) {
  return ZSTD_createDStream();
}

enum unpack_result unpack_zstd_step(void *state, struct unpack_step *step, const char **message) {
  ZSTD_inBuffer in = {step->in, step->in_size, step->in_used};
  ZSTD_outBuffer out = {step->out, step->out_size, step->out_used};
  const size_t result = ZSTD_decompressStream(state, &out, &in);
  step->in_used = in.pos;
  step->out_used = out.pos;
  if (ZSTD_isError(result)) {
    *message = ZSTD_getErrorName(result);
    return UNPACK_CORRUPT;
  }
  step->is_frame_end = result == 0;
  return UNPACK_OK;
}

void unpack_zstd_close(void *state) {
  (void)ZSTD_freeDStream(state);
}
