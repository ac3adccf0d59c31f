/* A finished search as its outputs see it: the table on the terminal, result.json, sets.csv, report.html. */
#ifndef APPS_OPTIMIZE_H
#define APPS_OPTIMIZE_H

#include "apps/monte_carlo.h"
#include "apps/result.h"
#include "apps/sweep.h"
#include "apps/walk_forward.h"

enum { SEARCH_WARNINGS_MAX = 8 };

struct search {
  const struct sweep *sweep;
  enum sweep_method method;
  struct sweep_row *rows; /* owned; valid sets, best first */
  int row_count, top;     /* top: rows that are shown */
  bool has_best;          /* the first row has an objective */
  struct sweep_play best; /* the first row's run */
  struct result result;   /* of that run, with the preset that is varied */
  struct walk *walk;      /* owned; NULL without --walk-forward */
  bool has_monte_carlo;
  struct monte_carlo monte_carlo;
  char digest[DIGEST_TEXT_MAX]; /* over the figures and digests of all runs */
};

/* What must be said with the result; returns the number. */
int search_warnings(const struct search *search, struct result_warning out[SEARCH_WARNINGS_MAX]);
void search_json(const struct search *search, bool is_pretty, struct buffer *out);
/* Every valid set with its values and every figure, best first. */
void search_csv(const struct search *search, struct buffer *out);
void search_text(const struct search *search, bool has_colors, struct buffer *out);
/* The same from a stored document; shorter. */
void search_text_document(const struct json *document, bool has_colors, struct buffer *out);
/* One file without external resources: the surface over each pair of keys, the best sets, walk-forward, Monte Carlo; light and dark. */
void search_html(const struct search *search, struct buffer *out);

#endif
