/* What the name of a recorded file says about its content, and the files of a --data argument. */
#ifndef ADAPTERS_SOURCE_FILE_NAME_H
#define ADAPTERS_SOURCE_FILE_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "adapters/source/series.h"
#include "base/problem.h"

enum { FILE_PATH_MAX = 1024, FILE_SYMBOL_MAX = 32 };

struct file_name {
  char printed[FILE_SYMBOL_MAX], venue_symbol[FILE_SYMBOL_MAX]; /* "" when the name holds no symbol */
  int64_t interval_ms;                                          /* 0 when it holds none */
  enum series_kind kind;                                        /* candles when it says nothing */
  bool has_data_ending;                                         /* .csv .tsv .json .jsonl .txt .dat .bbevents, packed or not */
};

/* BTCUSDT-1m.csv.zst, BTC_USDT_USDT-5m-futures.json, BTCUSDT-funding.csv, BTCUSDT-mark-1h.csv, BTCUSDT-trades-2024-01-01.zip,
 * BTCUSDT2024-01-01.csv.gz */
void file_name_parse(struct file_name *out, const char *path);

/* 1m, 3m, 5m, 15m, 1h, 4h, 1d, 60 (minutes); 0 for anything else. */
int64_t file_interval_parse(const char *text);

/* The files of a comma list of files and folders, sorted by name, each once. A folder gives the data files directly inside; a file is taken whatever
 * its name. Errors: NOT_FOUND, NO_PERMISSION, NO_DATA (a folder without data files). paths is an owned array of owned strings. */
struct file_list {
  char **paths;
  int count, capacity;
};
NODISCARD enum status file_list_add(struct file_list *list, const char *data, struct problem *problem);
void file_list_deinit(struct file_list *list);

#endif
