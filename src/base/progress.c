#include "base/progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/check.h"

enum { BAR_WIDTH = 30, REDRAW_MS = 100 };

static struct {
  const char *label; /* NULL: nothing is going on or nobody watches */
  bool has_terminal;
  progress_told *told;
  void *told_context;
  int64_t told_at_ms;
  int64_t total;
  int64_t started_at_ms;
  int64_t drawn_at_ms; /* 0: not yet */
} state;

static int64_t monotonic_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

void progress_begin(const char *label, int64_t total) {
  check(total > 0);
  state.has_terminal = isatty(STDERR_FILENO) == 1;
  state.label = state.has_terminal || state.told != NULL ? label : NULL;
  state.total = total;
  state.started_at_ms = monotonic_ms();
  state.drawn_at_ms = 0;
  state.told_at_ms = 0;
}

void progress_tell(progress_told *told, void *context) {
  state.told = told;
  state.told_context = context;
}

static int terminal_columns(void) {
  struct winsize size;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw(int64_t done, int64_t elapsed_ms) {
  char bar[BAR_WIDTH + 1];
  double share = (double)done / (double)state.total;
  for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
  bar[BAR_WIDTH] = '\0';
  char line[256];
  int length = snprintf(line, sizeof(line), "%s [%s] %3d %%", state.label, bar, (int)(share * 100.0));
  if (done > 0 && length > 0 && (size_t)length < sizeof(line)) {
    double left_s = (double)elapsed_ms * (1.0 - share) / share / 1000.0;
    snprintf(line + length, sizeof(line) - (size_t)length, "  %.0f s left", left_s);
  }
  /* A line that wraps could not be wiped again. */
  fprintf(stderr, "\r%.*s\033[K", terminal_columns() - 1, line);
  fflush(stderr);
}

void progress_set(int64_t done) {
  if (state.label == NULL) return;
  int64_t now = monotonic_ms();
  if (done < 0) done = 0;
  if (done > state.total) done = state.total;
  if (state.told != NULL && now - state.told_at_ms >= REDRAW_MS) {
    state.told_at_ms = now;
    state.told(state.told_context, state.label, done, state.total);
  }
  if (!state.has_terminal || now - state.started_at_ms < SECOND_MS || now - state.drawn_at_ms < REDRAW_MS) return;
  state.drawn_at_ms = now;
  draw(done, now - state.started_at_ms);
}

void progress_end(void) {
  if (state.label != NULL && state.drawn_at_ms != 0) fputs("\r\033[K", stderr);
  state.label = NULL;
}
