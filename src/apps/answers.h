/* Questions of the command line, answered by the API: that of a running server, or one over an engine of this process that has just played recorded
 * markets. Both give the same documents, so that a verb prints one form. */
#ifndef APPS_ANSWERS_H
#define APPS_ANSWERS_H

#include "api/api.h"
#include "apps/wiring.h"

/* An API without sockets over the engine of a wiring. */
struct answers {
  struct metrics *metrics;
  struct api *api;
};

NODISCARD enum status answers_open(struct answers *answers, const struct wiring *wiring);
void answers_close(struct answers *answers);

/* GET target. answers NULL asks the running server. The document is the caller's to free; NULL with the reason in the problem, and *status set. No
 * content (204) gives NULL with STATUS_OK. */
struct json *answers_get(struct app *app, const struct answers *answers, const char *target, enum status *status);

/* Members of documents; text "-" and NaN when absent or of another kind. */
const char *answers_text(const struct json *object, const char *key);
double answers_number(const struct json *object, const char *key);
bool answers_bool(const struct json *object, const char *key);
/* The document as JSON with a newline behind it. */
void answers_copy(const struct json *document, bool is_pretty, struct buffer *out);
/* A value of a table: shortest text of a number with at most so many decimals, "-" for NaN. */
const char *answers_cell(double value, int places, char out[40]);

#endif
