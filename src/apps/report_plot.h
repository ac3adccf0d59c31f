/* Small charts for the HTML report: SVG that stretches to the width of the page, labels as text beside it so that they stay readable at every width.
 */
#ifndef APPS_REPORT_PLOT_H
#define APPS_REPORT_PLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/* Data ranges of a chart; y grows upwards. The drawing is 1000 units wide and as many high as pixels. */
struct plot {
  struct buffer *out;
  double x_min, x_max, y_min, y_max;
  int height;
};

/* Opens figure and SVG. What the chart shows is told to screen readers. */
void plot_begin(struct plot *plot, const char *label);
double plot_x(const struct plot *plot, double x);
double plot_y(const struct plot *plot, double y);
/* Horizontal grid lines at round values; their labels come with plot_end. */
void plot_grid(const struct plot *plot);
/* Closes the SVG and adds the labels: values on the right, times or values below. format: of printf for one double. scale: labels show value · scale.
 */
void plot_end(const struct plot *plot, const char *format, double scale, bool has_times, const char *x_format);
/* A path of class `name`; between begin and end points are added. */
void plot_path_begin(const struct plot *plot, const char *name);
void plot_move(const struct plot *plot, double x, double y);
void plot_line(const struct plot *plot, double x, double y);
void plot_dot(const struct plot *plot, double x, double y);
void plot_box(const struct plot *plot, double x_from, double x_to, double y_from, double y_to);
void plot_path_end(const struct plot *plot);
/* Adds head room and makes empty ranges wide enough to divide by. */
void plot_widen(struct plot *plot, double share);

#endif
