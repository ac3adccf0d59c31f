/* Recorded markets as verbs take them: the options that choose them, opening them, playing them through an engine, and further runs over the same
 * data. */
#ifndef APPS_RECORDED_H
#define APPS_RECORDED_H

#include "apps/run.h"

enum { RECORDED_OPTIONS_MAX = 64, RECORDED_PATHS_MAX = 8192 };

/* Zero-initialised: nothing chosen. */
struct recorded {
  struct source_options source;
  struct app_range range;
  char data[RECORDED_PATHS_MAX]; /* comma list as typed, then as paths */
  char symbols[RECORDED_PATHS_MAX];
  char cache[640];
};

/* Options of a verb: its own first (indices stay), then those of this module and of ranges. Returns their number; out has RECORDED_OPTIONS_MAX
 * places. */
int recorded_options(struct app_option *out, const struct app_option *own, int own_count);
/* An option that is not the verb's own. False with a problem. */
bool recorded_take(struct recorded *recorded, struct app *app, const struct app_option *option, const char *value);
/* Takes one option of the verb's own, an argument (APP_ARGUMENT), or one for recorded_take (options[option]). False with a problem. */
typedef bool recorded_take_one(struct app *app, void *call, const struct app_option *options, int option, const char *value);
/* Reads a whole command line of a verb whose own options are `own`; `call` goes to `take`. STATUS_BAD_CONFIG with a problem. */
NODISCARD enum status recorded_read(struct app *app, const struct app_option *own, int own_count, int argc, char **argv, recorded_take_one *take,
                                    void *call);
/* Adds one more --data. */
bool recorded_add_data(struct recorded *recorded, struct app *app, const char *value);
bool recorded_add_symbols(struct recorded *recorded, struct app *app, const char *value);

/* Opens what was chosen; warnings are printed. The range is clipped to the data: from_ms 0 stays open. */
NODISCARD enum status recorded_open(struct recorded *recorded, struct app *app, struct wiring *wiring);
/* --days N becomes a from; STATUS_NO_DATA when nothing of the range lies inside the data. */
NODISCARD enum status recorded_range(struct recorded *recorded, struct app *app, const struct wiring *wiring);

/* Called after each tick that closes candles. */
typedef void recorded_visit(void *context, struct wiring *wiring, int64_t ts);
/* A fresh engine over the data up to `to` (inclusive) without a session: indicators and levels only. */
NODISCARD enum status recorded_play(struct wiring *wiring, const struct wiring_options *options, int64_t to, bool shows_progress,
                                    recorded_visit *visit, void *context);

/* Another run over the source and preset of `wiring`, from the beginning, with costs of its own. `changed` may be NULL. run is the caller's to free.
 */
NODISCARD enum status recorded_run_again(struct run *run, const struct wiring *wiring, const struct run_options *options,
                                         const struct preset *changed);

/* Index of a symbol of the source in any spelling; -1 with a problem that names the nearest one. */
int recorded_find_symbol(struct app *app, const struct source *source, const char *spelling);

/* The last time at which the symbol is recorded; symbol < 0: at which nine in ten symbols still are. */
int64_t recorded_last(const struct source *source, int symbol);

#endif
