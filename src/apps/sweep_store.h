/* Finished sets of a search on disk, so that it goes on where it was interrupted (backtest 8.1): search.json tells what is searched and with which
 * words it was started, sets.bin holds one record a finished set, with a checksum; a torn last record is dropped. */
#ifndef APPS_SWEEP_STORE_H
#define APPS_SWEEP_STORE_H

#include "apps/run_folder.h"
#include "apps/sweep.h"
#include "runner/runs.h"

enum { SWEEP_STORE_WORDS_MAX = 256 };

struct sweep_store {
  int file;                  /* -1: nothing is kept */
  char run_id[RUN_ID_BYTES]; /* "": none; kept with the search */
  bool has_failed;
};

/* The words of the command line behind the verb, as they were kept in the folder of a run, at most `most`; *text owns them. Returns their number, -1
 * with a problem. */
int sweep_store_words(struct app *app, const char *folder, struct buffer *text, char **out, int most);

/* Begins anew under the run_id at hand: writes search.json and an empty sets.bin. identity: a JSON object of texts, one for each thing that decides
 * the figures. */
NODISCARD enum status sweep_store_begin(struct sweep_store *store, struct app *app, const char *folder, const struct buffer *identity, int word_count,
                                        char *const *words);
/* Goes on: what is stored is taken into the sweep. STATUS_BAD_CONFIG when the identity is another one, with the names that differ. */
NODISCARD enum status sweep_store_resume(struct sweep_store *store, struct sweep *sweep, const char *folder, const struct buffer *identity);
/* A sweep_told; the context is the store. A disk that takes no more is told once by has_failed. */
void sweep_store_add(void *context, int period, int set, const struct sweep_figures *figures);
void sweep_store_close(struct sweep_store *store);

#endif
