/* Streams of a dataset while they are walked through. */
#include "adapters/source/dataset.h"

static void take_ticker(const struct message *message, struct source_item *item) {
  item->kind = SOURCE_TICKER;
  item->ticker = (struct ticker){.ts = item->ts,
                                 .last = message->last,
                                 .bid = message->bid,
                                 .ask = message->ask,
                                 .mark = message->mark,
                                 .index = message->index,
                                 .turnover_24h = message->turnover_24h,
                                 .change_24h_pct = message->change_24h_pct};
}

bool dataset_stream_item(const struct recording_event *event, struct source_item *item) {
  const struct message *message = event->message;
  item->ts = event->ts;
  switch (message->kind) {
    case MESSAGE_BOOK:
      item->kind = SOURCE_BOOK;
      item->book = &event->book;
      return true;
    case MESSAGE_TRADE:
      item->kind = SOURCE_TRADES;
      item->trades = &event->trade;
      item->trade_count = 1;
      return true;
    case MESSAGE_MARK:
      item->kind = SOURCE_MARK;
      item->value = message->mark;
      return true;
    case MESSAGE_OPEN_INTEREST:
      item->kind = SOURCE_OPEN_INTEREST;
      item->value = message->oi;
      item->value_usd = message->oi_usd;
      return true;
    case MESSAGE_TICKER:
      take_ticker(message, item);
      return true;
    default:
      return false;
  }
}

static enum status advance_recording(struct source *source, struct dataset_stream *stream, struct problem *problem) {
  for (;;) {
    const enum status status = recording_next(stream->recording, &stream->event, problem);
    if (status) return status;
    for (; stream->mapped < recording_symbol_count(stream->recording); stream->mapped++) {
      stream->symbols[stream->mapped] = source_find_symbol(source, recording_symbol(stream->recording, stream->mapped));
    }
    stream->item.symbol = stream->symbols[stream->event.symbol];
    if (stream->item.symbol >= 0 && dataset_stream_item(&stream->event, &stream->item)) return STATUS_OK;
  }
}

enum status dataset_stream_advance(struct source *source, struct dataset_stream *stream, struct problem *problem) {
  if (stream->reader) return event_reader_next(stream->reader, &stream->item, problem);
  return advance_recording(source, stream, problem);
}

void dataset_stream_close(struct dataset_stream *stream) {
  recording_close(stream->recording);
  event_reader_close(stream->reader);
  stream->recording = NULL;
  stream->reader = NULL;
}

enum status dataset_stream_rewind(struct source *source, struct dataset_stream *stream, struct problem *problem) {
  const char *const *paths = (const char *const *)stream->paths;
  enum status status;
  dataset_stream_close(stream);
  stream->mapped = 0;
  if (stream->converted[0] != '\0') {
    stream->item.symbol = source_find_symbol(source, stream->converted);
    if (stream->item.symbol < 0) return STATUS_END;
    status = event_reader_open(&stream->reader, paths, stream->path_count, problem);
  } else {
    const char *fallback = stream->fallback_symbol[0] != '\0' ? stream->fallback_symbol : NULL;
    status = recording_open(&stream->recording, paths, stream->path_count, fallback, problem);
  }
  return status ? status : dataset_stream_advance(source, stream, problem);
}
