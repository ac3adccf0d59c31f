/* A backtest as one HTML file without external resources: charts as SVG, light and dark, on screen and on paper (backtest 7.2). */
#ifndef APPS_REPORT_HTML_H
#define APPS_REPORT_HTML_H

#include "apps/result.h"

/* The run must have been made with keeps_orders. */
void report_html(const struct result *result, struct buffer *out);

#endif
