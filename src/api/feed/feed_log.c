/* Lines of the log on their way to the feed. They come from any thread, so that they wait under a lock until the loop takes them; lines beyond
 * FEED_LOG_LINES between two turns are left out, the newest stay. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/feed/feed_state.h"
#include "base/check.h"

struct line {
  enum log_level level;
  char *text; /* owned; without its line break */
};

struct feed_log {
  pthread_mutex_t mutex;
  bool is_wanted;
  enum log_level level;
  struct line lines[FEED_LOG_LINES];
  int first, count;
};

static void on_line(void *context, enum log_level level, const char *text, size_t length) {
  struct feed_log *log = context;
  pthread_mutex_lock(&log->mutex);
  if (log->is_wanted && level >= log->level) {
    if (log->count == FEED_LOG_LINES) {
      free(log->lines[log->first].text);
      log->first = (log->first + 1) % FEED_LOG_LINES;
      --log->count;
    }
    char *copy = strndup(text, length);
    if (copy != NULL) log->lines[(log->first + log->count++) % FEED_LOG_LINES] = (struct line){level, copy};
  }
  pthread_mutex_unlock(&log->mutex);
}

static bool take_line(struct feed_log *log, struct line *out) {
  pthread_mutex_lock(&log->mutex);
  bool has_line = log->count > 0;
  if (has_line) {
    *out = log->lines[log->first];
    log->first = (log->first + 1) % FEED_LOG_LINES;
    --log->count;
  }
  pthread_mutex_unlock(&log->mutex);
  return has_line;
}

struct feed_log *feed_log_open(void) {
  struct feed_log *log = calloc(1, sizeof *log);
  check(log != NULL);
  pthread_mutex_init(&log->mutex, NULL);
  log_listen(on_line, log);
  return log;
}

void feed_log_close(struct feed_log *log) {
  struct line line;
  log_listen(NULL, NULL);
  while (take_line(log, &line)) free(line.text);
  pthread_mutex_destroy(&log->mutex);
  free(log);
}

void feed_log_wanted(struct feed_log *log, bool is_wanted, enum log_level level) {
  pthread_mutex_lock(&log->mutex);
  log->is_wanted = is_wanted;
  log->level = level;
  pthread_mutex_unlock(&log->mutex);
}

void feed_send_lines(struct feed_hub *hub) {
  struct line line;
  /* Sending may write a line itself (a slow reader): those wait for the next turn. */
  for (int i = 0; i < FEED_LOG_LINES && take_line(hub->log, &line); i++) {
    feed_begin(hub, FEED_TYPE_LOG);
    buffer_add_text(&hub->text, line.text);
    feed_end(hub, FEED_TYPE_LOG, &(struct audience){.symbol = FEED_NO_SYMBOL, .log_level = (int)line.level});
    free(line.text);
  }
}
