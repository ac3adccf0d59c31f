#include "adapters/redis/redis.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "adapters/redis/redis_link.h"
#include "base/check.h"
#include "base/log.h"
#include "base/text.h"

enum { TIMEOUT_MS = 1000, FIRST_PAUSE_MS = 100, PAUSE_MAX_MS = 2000, INTERVAL_MS = 1000, CLOSING_MS = 3000, BATCH_MAX = 128 };

/* NEW: no attempt has failed yet, so what is asked for may be answered soon. */
enum redis_state { REDIS_NEW, REDIS_UP, REDIS_DOWN };

struct redis {
  struct redis_address address;
  int timeout_ms, first_pause_ms, pause_max_ms, interval_ms, closing_ms;
  pthread_t thread;
  struct redis_link *link; /* the thread's */
  pthread_mutex_t mutex;
  pthread_cond_t changed;                      /* the queue, or the end */
  pthread_cond_t answered;                     /* a reading, or the end of the thread */
  struct redis_command queue[REDIS_QUEUE_MAX]; /* ring */
  int first, count;
  size_t bytes;
  enum redis_state state;
  bool has_dropped; /* since the gap that was counted last */
  bool is_ending, has_ended;
  bool is_abandoned; /* the thread frees it */
  int64_t gaps, losses, returns;
  char why[CACHE_DETAIL_BYTES]; /* it is down */
};

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct timespec moment(int64_t ms) {
  return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

/* ---- readings ---- */

static void free_reading(struct redis_reading *reading) {
  for (int i = 0; i < reading->count; i++) {
    free(reading->keys[i]);
    free(reading->values[i]);
  }
  free(reading->keys);
  free(reading->values);
  free(reading->lengths);
  free(reading);
}

static struct redis_reading *make_reading(const char *const keys[], int count) {
  struct redis_reading *reading = calloc(1, sizeof *reading);
  check(reading != NULL);
  *reading = (struct redis_reading){.count = count, .status = STATUS_NOT_RUNNING};
  reading->keys = calloc((size_t)count, sizeof reading->keys[0]);
  reading->values = calloc((size_t)count, sizeof reading->values[0]);
  reading->lengths = calloc((size_t)count, sizeof reading->lengths[0]);
  check(reading->keys != NULL && reading->values != NULL && reading->lengths != NULL);
  for (int i = 0; i < count; i++) {
    reading->keys[i] = strdup(keys[i]);
    check(reading->keys[i] != NULL);
  }
  return reading;
}

/* With the mutex. Whoever waits owns the reading again; nobody does: it goes. */
static void end_command(struct redis *redis, struct redis_command *command) {
  free(command->value);
  if (command->reading == NULL) return;
  if (command->reading->is_abandoned) {
    free_reading(command->reading);
    return;
  }
  command->reading->is_done = true;
  pthread_cond_broadcast(&redis->answered);
}

static void drop_queue(struct redis *redis) {
  for (; redis->count > 0; --redis->count) {
    end_command(redis, &redis->queue[redis->first]);
    redis->first = (redis->first + 1) % REDIS_QUEUE_MAX;
  }
  redis->bytes = 0;
}

/* ---- the thread ---- */

/* With the mutex. One line for each loss and each return. */
static void go_down(struct redis *redis, const char why[CACHE_DETAIL_BYTES]) {
  bool is_new = redis->state != REDIS_DOWN;
  redis->state = REDIS_DOWN;
  text_copy(redis->why, sizeof redis->why, why);
  drop_queue(redis);
  if (!is_new || redis->is_ending) return;
  ++redis->losses;
  log_write(LOG_WARNING, "storage", "redis_lost", NULL,
            "Redis at %s cannot be used: %s; the shared copy of logins and prices and the event stream are off", redis->address.shown, why);
}

static void go_up(struct redis *redis) {
  if (redis->losses > 0) ++redis->returns;
  redis->state = REDIS_UP;
  redis->has_dropped = false;
  ++redis->gaps;
  if (redis->is_ending) return;
  log_write(LOG_INFO, "storage", redis->losses > 0 ? "redis_back" : "redis_connected", NULL, "Redis at %s takes what is written",
            redis->address.shown);
}

/* With the mutex, which is free meanwhile. Pauses until then or until the program ends. */
static void pause_until(struct redis *redis, int64_t until_ms) {
  struct timespec until = moment(until_ms);
  while (!redis->is_ending && now_ms() < until_ms) pthread_cond_timedwait(&redis->changed, &redis->mutex, &until);
}

/* With the mutex, which is free while it connects. False: there is no link. */
static bool connect_link(struct redis *redis) {
  char why[CACHE_DETAIL_BYTES] = "";
  pthread_mutex_unlock(&redis->mutex);
  redis->link = redis_link_open(&redis->address, redis->timeout_ms, why);
  pthread_mutex_lock(&redis->mutex);
  if (redis->link != NULL) {
    go_up(redis);
  } else {
    go_down(redis, why);
  }
  return redis->link != NULL;
}

static int take_batch(struct redis *redis, struct redis_command batch[BATCH_MAX]) {
  int count = 0;
  for (; redis->count > 0 && count < BATCH_MAX; --redis->count) {
    batch[count++] = redis->queue[redis->first];
    redis->bytes -= redis->queue[redis->first].length;
    redis->first = (redis->first + 1) % REDIS_QUEUE_MAX;
  }
  if (redis->count == 0 && redis->has_dropped) {
    redis->has_dropped = false;
    ++redis->gaps;
  }
  return count;
}

/* With the mutex, which is free while the server is asked. False: the connection is of no use any more. */
static bool run_batch(struct redis *redis, bool has_probe) {
  struct redis_command batch[BATCH_MAX];
  char why[CACHE_DETAIL_BYTES] = "";
  int count = take_batch(redis, batch);
  pthread_mutex_unlock(&redis->mutex);
  bool is_good = count == 0 || redis_link_run(redis->link, batch, count, why);
  is_good = is_good && (!has_probe || redis_link_probe(redis->link, why));
  pthread_mutex_lock(&redis->mutex);
  for (int i = 0; i < count; i++) end_command(redis, &batch[i]);
  if (!is_good) {
    redis_link_close(redis->link);
    redis->link = NULL;
    go_down(redis, why);
  }
  return is_good;
}

static void serve_link(struct redis *redis) {
  int64_t probe_ms = now_ms() + redis->interval_ms;
  bool is_good = true;
  while (is_good && !(redis->is_ending && redis->count == 0)) {
    bool is_due = now_ms() >= probe_ms;
    if (redis->count == 0 && !is_due) {
      struct timespec until = moment(probe_ms);
      pthread_cond_timedwait(&redis->changed, &redis->mutex, &until);
      continue;
    }
    is_good = run_batch(redis, is_due);
    if (is_due) probe_ms = now_ms() + redis->interval_ms;
  }
}

static void destroy(struct redis *redis) {
  redis_link_close(redis->link);
  pthread_mutex_destroy(&redis->mutex);
  pthread_cond_destroy(&redis->changed);
  pthread_cond_destroy(&redis->answered);
  explicit_bzero(&redis->address, sizeof redis->address);
  free(redis);
}

/* What ends soon after it began is not trusted with the shortest pause again. */
static void *work(void *context) {
  struct redis *redis = context;
  int64_t pause_ms = redis->first_pause_ms;
  sigset_t broken;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE); /* a connection that has ended is told by the write */
  pthread_sigmask(SIG_BLOCK, &broken, NULL);
  pthread_mutex_lock(&redis->mutex);
  while (!redis->is_ending) {
    int64_t since = now_ms();
    if (connect_link(redis)) serve_link(redis);
    if (now_ms() - since > redis->pause_max_ms) pause_ms = redis->first_pause_ms;
    pause_until(redis, now_ms() + pause_ms);
    pause_ms = 2 * pause_ms < redis->pause_max_ms ? 2 * pause_ms : redis->pause_max_ms;
  }
  drop_queue(redis);
  redis->state = REDIS_DOWN;
  redis->has_ended = true;
  pthread_cond_broadcast(&redis->answered);
  bool is_abandoned = redis->is_abandoned;
  pthread_mutex_unlock(&redis->mutex);
  if (is_abandoned) destroy(redis);
  return NULL;
}

/* ---- life ---- */

static int value_or(int value, int fallback) {
  return value > 0 ? value : fallback;
}

static enum status start(struct redis *redis) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&redis->changed, &attributes);
  pthread_cond_init(&redis->answered, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&redis->mutex, NULL);
  return pthread_create(&redis->thread, NULL, work, redis) == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status redis_open(struct redis **out, const struct redis_options *options, struct problem *problem) {
  struct redis *redis = calloc(1, sizeof *redis);
  if (redis == NULL) return STATUS_NO_MEMORY;
  redis->timeout_ms = value_or(options->timeout_ms, TIMEOUT_MS);
  redis->first_pause_ms = value_or(options->first_pause_ms, FIRST_PAUSE_MS);
  redis->pause_max_ms = value_or(options->pause_max_ms, PAUSE_MAX_MS);
  redis->interval_ms = value_or(options->interval_ms, INTERVAL_MS);
  redis->closing_ms = value_or(options->closing_ms, CLOSING_MS);
  enum status status = redis_address_parse(&redis->address, options->url, options->password, problem);
  if (!status) status = start(redis);
  if (status) {
    free(redis);
    return status;
  }
  *out = redis;
  return STATUS_OK;
}

void redis_close(struct redis *redis) {
  if (redis == NULL) return;
  struct timespec until = moment(now_ms() + redis->closing_ms);
  pthread_t thread = redis->thread;
  int error = 0;
  pthread_mutex_lock(&redis->mutex);
  redis->is_ending = true;
  pthread_cond_signal(&redis->changed);
  while (!redis->has_ended && error == 0) error = pthread_cond_timedwait(&redis->answered, &redis->mutex, &until);
  bool has_ended = redis->has_ended;
  redis->is_abandoned = !has_ended;
  pthread_mutex_unlock(&redis->mutex);
  if (has_ended) {
    pthread_join(thread, NULL);
    destroy(redis);
  } else {
    pthread_detach(thread);
  }
}

enum status redis_try(const struct redis_options *options, char why[CACHE_DETAIL_BYTES], struct problem *problem) {
  struct redis_address address;
  enum status status = redis_address_parse(&address, options->url, options->password, problem);
  if (status) return status;
  text_copy(why, CACHE_DETAIL_BYTES, address.shown);
  struct redis_link *link = redis_link_open(&address, value_or(options->timeout_ms, TIMEOUT_MS), why);
  status = link != NULL ? STATUS_OK : STATUS_NOT_RUNNING;
  redis_link_close(link);
  explicit_bzero(&address, sizeof address);
  return status;
}

/* ---- the port ---- */

/* Takes the command's value and reading over; false: they went. */
static bool enqueue(struct redis *redis, struct redis_command *command) {
  pthread_mutex_lock(&redis->mutex);
  bool has_room = redis->count < REDIS_QUEUE_MAX && redis->bytes + command->length <= REDIS_QUEUE_BYTES_MAX;
  bool is_taken = has_room && redis->state != REDIS_DOWN && !redis->is_ending;
  if (is_taken) {
    redis->queue[(redis->first + redis->count++) % REDIS_QUEUE_MAX] = *command;
    redis->bytes += command->length;
    pthread_cond_signal(&redis->changed);
  } else {
    redis->has_dropped = redis->state == REDIS_UP;
    end_command(redis, command);
  }
  pthread_mutex_unlock(&redis->mutex);
  return is_taken;
}

static struct redis_command make_command(enum redis_verb verb, const char *key) {
  struct redis_command command = {.verb = verb};
  check(strlen(key) < sizeof command.key);
  text_copy(command.key, sizeof command.key, key);
  return command;
}

static void set_value(struct redis_command *command, const char *value, size_t length) {
  command->value = malloc(length + 1);
  check(command->value != NULL);
  memcpy(command->value, value, length);
  command->value[length] = '\0';
  command->length = length;
}

static bool put(void *self, const char *key, const char *value, size_t length, int64_t ttl_ms) {
  struct redis_command command = make_command(REDIS_PUT, key);
  if (ttl_ms <= 0) return true; /* gone already */
  command.ttl_ms = ttl_ms;
  set_value(&command, value, length);
  return enqueue(self, &command);
}

static bool drop(void *self, const char *key) {
  struct redis_command command = make_command(REDIS_DROP, key);
  return enqueue(self, &command);
}

static bool drop_all(void *self, const char *prefix) {
  struct redis_command command = make_command(REDIS_DROP_ALL, prefix);
  return enqueue(self, &command);
}

static bool append(void *self, const char *stream, const char *name, const char *message, size_t length) {
  struct redis_command command = make_command(REDIS_APPEND, stream);
  check(strlen(name) < sizeof command.name);
  text_copy(command.name, sizeof command.name, name);
  set_value(&command, message, length);
  return enqueue(self, &command);
}

static enum status read_keys(void *self, const char *const keys[], int count, int wait_ms, cache_take *take, void *context) {
  struct redis *redis = self;
  if (count == 0) return STATUS_OK;
  check(count <= CACHE_READ_MAX);
  struct redis_reading *reading = make_reading(keys, count);
  struct redis_command command = {.verb = REDIS_READ, .reading = reading};
  struct timespec until = moment(now_ms() + wait_ms);
  int error = 0;
  enqueue(redis, &command);
  pthread_mutex_lock(&redis->mutex);
  while (!reading->is_done && error == 0) error = pthread_cond_timedwait(&redis->answered, &redis->mutex, &until);
  bool is_done = reading->is_done;
  reading->is_abandoned = !is_done;
  pthread_mutex_unlock(&redis->mutex);
  if (!is_done) return STATUS_TIMED_OUT; /* the thread frees it */
  enum status status = reading->status;
  for (int i = 0; i < count && !status; i++) take(context, i, reading->values[i], reading->lengths[i]);
  free_reading(reading);
  return status;
}

static void read_state(void *self, struct cache_state *out) {
  struct redis *redis = self;
  pthread_mutex_lock(&redis->mutex);
  *out = (struct cache_state){.is_up = redis->state == REDIS_UP, .gaps = redis->gaps, .losses = redis->losses, .returns = redis->returns};
  if (redis->state == REDIS_DOWN) {
    text_copy(out->detail, sizeof out->detail, redis->why);
  } else {
    text_copy(out->detail, sizeof out->detail, redis->address.shown);
  }
  pthread_mutex_unlock(&redis->mutex);
}

void redis_port(struct redis *redis, struct cache_port *out) {
  *out = (struct cache_port){.self = redis, .put = put, .drop = drop, .drop_all = drop_all, .append = append, .read = read_keys, .state = read_state};
}
