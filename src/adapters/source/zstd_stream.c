#include "adapters/source/zstd_stream.h"

#include <zstd.h>

void *zstd_stream_open(void) {
  return ZSTD_createDStream();
}

enum status zstd_stream_read(void *stream, const char *in, size_t in_size, size_t *in_used, char *out, size_t out_size, size_t *out_used,
                             bool *is_frame_end, const char **message) {
  ZSTD_inBuffer from = {in, in_size, *in_used};
  ZSTD_outBuffer to = {out, out_size, *out_used};
  const size_t result = ZSTD_decompressStream(stream, &to, &from);
  *in_used = from.pos;
  *out_used = to.pos;
  if (ZSTD_isError(result)) {
    *message = ZSTD_getErrorName(result);
    return STATUS_CORRUPT;
  }
  *is_frame_end = result == 0;
  return STATUS_OK;
}

void zstd_stream_close(void *stream) {
  (void)ZSTD_freeDStream(stream);
}
