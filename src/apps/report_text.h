/* A backtest on the terminal: stamps first, then period, tables, every figure, checks, digest. */
#ifndef APPS_REPORT_TEXT_H
#define APPS_REPORT_TEXT_H

#include "apps/result.h"

/* has_colors: the output is a terminal that wants them. With OUTPUT_CSV only the trades are printed. */
void report_text(const struct result *result, bool has_colors, struct buffer *out);
/* The same from a stored document; shorter: what was counted then and cannot be counted again is left out. */
void report_text_document(const struct json *document, bool has_colors, struct buffer *out);

#endif
