#include "apps/report_plot.h"

#include <math.h>

#include "base/calendar.h"

enum { WIDTH = 1000, LABELS_MAX = 6 };

void plot_widen(struct plot *plot, double share) {
  double room = (plot->y_max - plot->y_min) * share;
  if (!(room > 0)) room = fabs(plot->y_max) * 0.01 + 1e-9;
  plot->y_min -= room;
  plot->y_max += room;
  if (!(plot->x_max > plot->x_min)) plot->x_max = plot->x_min + 1;
}

double plot_x(const struct plot *plot, double x) {
  return WIDTH * (x - plot->x_min) / (plot->x_max - plot->x_min);
}

double plot_y(const struct plot *plot, double y) {
  return plot->height * (plot->y_max - y) / (plot->y_max - plot->y_min);
}

void plot_begin(struct plot *plot, const char *label) {
  buffer_add_format(plot->out,
                    "<div class=chart><div class=area><svg viewBox='0 0 %d %d' height=%d preserveAspectRatio=none role=img aria-label='%s'>", WIDTH,
                    plot->height, plot->height, label);
}

/* 1, 2 or 5 times a power of ten, so that about `count` steps fill the range. */
static double round_step(double range, int count) {
  double raw = range / count;
  double power = pow(10, floor(log10(raw)));
  double share = raw / power;
  return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

/* Round values inside a range. */
struct ticks {
  double first, step;
  int count;
};

static struct ticks ticks_of(double low, double high, int about) {
  double step = round_step(high - low, about);
  double first = ceil(low / step) * step;
  return (struct ticks){first, step, (int)floor((high - first) / step) + 1};
}

static double tick_at(const struct ticks *ticks, int i) {
  double value = ticks->first + i * ticks->step;
  return fabs(value) < ticks->step * 1e-6 ? 0 : value;
}

void plot_grid(const struct plot *plot) {
  struct ticks ticks = ticks_of(plot->y_min, plot->y_max, 5);
  plot_path_begin(plot, "grid");
  for (int i = 0; i < ticks.count; i++) {
    plot_move(plot, plot->x_min, tick_at(&ticks, i));
    plot_line(plot, plot->x_max, tick_at(&ticks, i));
  }
  plot_path_end(plot);
}

/* The formats are literals of the callers. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void label_y(const struct plot *plot, const char *format, double scale) {
  struct ticks ticks = ticks_of(plot->y_min, plot->y_max, 5);
  for (int i = 0; i < ticks.count; i++) {
    double y = tick_at(&ticks, i);
    buffer_add_format(plot->out, "<span class=y style='top:%.1f%%'>", 100 * plot_y(plot, y) / plot->height);
    buffer_add_format(plot->out, format, y * scale);
    buffer_add_text(plot->out, "</span>");
  }
}

/* A label at the very left begins there instead of standing outside. */
static void begin_x_label(const struct plot *plot, double x) {
  double left = plot_x(plot, x) / 10;
  buffer_add_format(plot->out, "<span class=x style='left:%.1f%%%s'>", left, left < 4 ? ";transform:none" : "");
}

static void label_x_values(const struct plot *plot, const char *format) {
  struct ticks ticks = ticks_of(plot->x_min, plot->x_max, LABELS_MAX);
  for (int i = 0; i < ticks.count; i++) {
    double x = tick_at(&ticks, i);
    begin_x_label(plot, x);
    buffer_add_format(plot->out, format, x);
    buffer_add_text(plot->out, "</span>");
  }
}
#pragma GCC diagnostic pop

static int64_t time_step(double range) {
  static const int minutes[] = {1,    2,    5,    10,   15,    30,    60,    120,   180,    240,    360,   720,
                                1440, 2880, 4320, 7200, 10080, 20160, 43200, 86400, 172800, 259200, 525600};
  for (size_t i = 0; i < sizeof minutes / sizeof minutes[0]; i++) {
    if (range / (minutes[i] * (double)MINUTE_MS) <= LABELS_MAX - 1) return minutes[i] * MINUTE_MS;
  }
  return 5 * 365 * DAY_MS;
}

static void label_x_times(const struct plot *plot) {
  int64_t step = time_step(plot->x_max - plot->x_min);
  int64_t first = (int64_t)plot->x_min;
  for (int64_t ts = first - first % step + (first % step != 0 ? step : 0); (double)ts <= plot->x_max; ts += step) {
    struct calendar date;
    calendar_from_ms(ts, &date);
    begin_x_label(plot, (double)ts);
    if (step >= 300 * DAY_MS) {
      buffer_add_format(plot->out, "%d", date.year);
    } else if (step >= DAY_MS || (date.hour == 0 && date.minute == 0)) {
      buffer_add_format(plot->out, "%02d-%02d", date.month, date.day);
    } else {
      buffer_add_format(plot->out, "%02d:%02d", date.hour, date.minute);
    }
    buffer_add_text(plot->out, "</span>");
  }
}

void plot_end(const struct plot *plot, const char *format, double scale, bool has_times, const char *x_format) {
  buffer_add_text(plot->out, "</svg>");
  label_y(plot, format, scale);
  if (has_times) {
    label_x_times(plot);
  } else {
    label_x_values(plot, x_format);
  }
  buffer_add_text(plot->out, "</div></div>\n");
}

void plot_path_begin(const struct plot *plot, const char *name) {
  buffer_add_format(plot->out, "<path class='%s' d='", name);
}

void plot_move(const struct plot *plot, double x, double y) {
  buffer_add_format(plot->out, "M%.1f %.1f", plot_x(plot, x), plot_y(plot, y));
}

void plot_line(const struct plot *plot, double x, double y) {
  buffer_add_format(plot->out, "L%.1f %.1f", plot_x(plot, x), plot_y(plot, y));
}

/* A line without length: its round ends make a dot that no stretching makes an ellipse. */
void plot_dot(const struct plot *plot, double x, double y) {
  buffer_add_format(plot->out, "M%.1f %.1fh0", plot_x(plot, x), plot_y(plot, y));
}

void plot_box(const struct plot *plot, double x_from, double x_to, double y_from, double y_to) {
  double left = plot_x(plot, x_from);
  double top = plot_y(plot, fmax(y_from, y_to));
  double height = plot_y(plot, fmin(y_from, y_to)) - top;
  buffer_add_format(plot->out, "M%.1f %.1fh%.1fv%.1fh%.1fz", left, top, plot_x(plot, x_to) - left, fmax(height, 0.6), left - plot_x(plot, x_to));
}

void plot_path_end(const struct plot *plot) {
  buffer_add_text(plot->out, "'/>");
}
