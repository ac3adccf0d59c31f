/* Writing a source as files that can be read again; a folder of tables then has the same checksum. */
#ifndef ADAPTERS_SOURCE_EXPORT_H
#define ADAPTERS_SOURCE_EXPORT_H

#include "adapters/source/source.h"
#include "base/buffer.h"

/* Appends the candles of a symbol as csv: timestamp_ms,open,high,low,close,volume[,turnover]. Numbers are the shortest text of the same
 * double; an estimated turnover is left out, so that it is known as such again. */
void export_candles(const struct source *source, int symbol, struct buffer *out);
/* Appends all items of the source as jsonl (message.h), instruments first. Reads the source from its beginning. */
NODISCARD enum status export_jsonl(struct source *source, struct buffer *out, enum status (*flush)(void *context, struct buffer *out), void *context,
                                   struct problem *problem);
/* Writes a folder: SYMBOL-1m.csv, SYMBOL-funding.csv, SYMBOL-mark-1h.csv, instruments.csv, and SYMBOL-YYYY-MM.bbevents for books, trades and tickers
 * (event_file.h). Reads the source from its beginning when it has any of those. */
NODISCARD enum status export_folder(struct source *source, const char *folder, struct problem *problem);

/* Finds a dataset: a path as it is, else its name in DATA_DIR/datasets, else in recordings/. False when there is none; path is then what was asked
 * for. */
bool dataset_find(const char *name, const char *data_dir, char *path, size_t size);

#endif
