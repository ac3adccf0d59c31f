/* Streams of a dataset while they are walked through. */
#include "adapters/source/dataset.h"

static bool is_handed_out(enum message_kind kind) {
  return kind == MESSAGE_BOOK || kind == MESSAGE_TRADE || kind == MESSAGE_MARK || kind == MESSAGE_TICKER || kind == MESSAGE_OPEN_INTEREST;
}

enum status dataset_stream_advance(struct source *source, struct dataset_stream *stream, struct problem *problem) {
  for (;;) {
    const enum status status = recording_next(stream->recording, &stream->event, problem);
    if (status) return status;
    for (; stream->mapped < recording_symbol_count(stream->recording); stream->mapped++) {
      stream->symbols[stream->mapped] = source_find_symbol(source, recording_symbol(stream->recording, stream->mapped));
    }
    if (is_handed_out(stream->event.message->kind) && stream->symbols[stream->event.symbol] >= 0) return STATUS_OK;
  }
}

enum status dataset_stream_rewind(struct source *source, struct dataset_stream *stream, struct problem *problem) {
  recording_close(stream->recording);
  stream->recording = NULL;
  stream->mapped = 0;
  const char *fallback = stream->fallback_symbol[0] != '\0' ? stream->fallback_symbol : NULL;
  const enum status status = recording_open(&stream->recording, (const char *const *)stream->paths, stream->path_count, fallback, problem);
  return status ? status : dataset_stream_advance(source, stream, problem);
}
