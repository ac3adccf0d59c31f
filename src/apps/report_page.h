/* What the HTML reports share: one page without external resources, light and dark, on screen and on paper. */
#ifndef APPS_REPORT_PAGE_H
#define APPS_REPORT_PAGE_H

#include <stdbool.h>

#include "apps/result.h"
#include "base/buffer.h"

/* Head, style, the title "KIND NAME" and the begin of a paragraph below it, which the caller ends. */
void page_begin(const char *kind, const char *name, struct buffer *out);
void page_escaped(struct buffer *out, const char *text);
/* A name with blanks for its underscores. */
void page_words(struct buffer *out, const char *name);
void page_minute(struct buffer *out, int64_t ts);
/* Class of a value: up, down or none. */
const char *page_sign(double value);
/* One cell of a table; a dash for null. */
void page_cell(struct buffer *out, double value, int places, bool is_colored);
/* Rows of a table: a setting of the run and its value. */
void page_settings(const struct result *result, struct buffer *out);
/* Charts of equity and drawdown, from ... to in ms. start: equity before the first mark. */
void page_equity(const struct equity_point *marks, int64_t count, double start, int64_t from, int64_t to, struct buffer *out);

#endif
