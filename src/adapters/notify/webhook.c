#include "adapters/notify/webhook.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/text.h"
#include "base/version.h"

enum { URL_BYTES = 512, ATTEMPTS = 5, FIRST_PAUSE_MS = 1000, TIMEOUT_MS = 10000, REPLY_BYTES_MAX = 64 << 10 };

struct message {
  char id[WEBHOOK_ID_BYTES];
  char *body; /* owned */
  size_t length;
};

struct webhook {
  char url[URL_BYTES];
  int attempts, first_pause_ms, timeout_ms;
  pthread_t thread;
  CURL *curl; /* the thread's */
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  struct message queue[WEBHOOK_QUEUE_MAX]; /* rings */
  struct webhook_result results[WEBHOOK_QUEUE_MAX];
  int first, count, first_result, result_count;
  bool is_ending;
};

/* ---- one attempt ---- */

static bool is_ending(struct webhook *webhook) {
  pthread_mutex_lock(&webhook->mutex);
  bool is = webhook->is_ending;
  pthread_mutex_unlock(&webhook->mutex);
  return is;
}

/* The reply is not looked at, only that it ends. */
static size_t on_reply(char *bytes, size_t size, size_t count, void *context) {
  size_t *received = context;
  (void)bytes;
  *received += size * count;
  return *received <= REPLY_BYTES_MAX ? size * count : 0;
}

static int on_progress(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up) {
  (void)down_total;
  (void)down;
  (void)up_total;
  (void)up;
  return is_ending(context) ? 1 : 0;
}

static bool is_for_now(CURLcode code, long status) {
  if (code != CURLE_OK) return code != CURLE_URL_MALFORMAT && code != CURLE_UNSUPPORTED_PROTOCOL && code != CURLE_PEER_FAILED_VERIFICATION;
  return status == 408 || status == 429 || status >= 500;
}

static void set_options(struct webhook *webhook, const struct message *message, struct curl_slist *headers, size_t *received) {
  CURL *curl = webhook->curl;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, webhook->url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)webhook->timeout_ms / 2);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)webhook->timeout_ms);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, message->body);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->length);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_reply);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, received);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, webhook);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
}

/* True when it was delivered; else *again tells whether another attempt may help, detail why it failed. */
static bool attempt(struct webhook *webhook, const struct message *message, bool *again, char detail[WEBHOOK_DETAIL_BYTES]) {
  char key[WEBHOOK_ID_BYTES + 32];
  char agent[64];
  size_t received = 0;
  long status = 0;
  snprintf(key, sizeof key, "Idempotency-Key: %s", message->id);
  struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
  struct curl_slist *all = headers != NULL ? curl_slist_append(headers, key) : NULL;
  check(all != NULL);
  set_options(webhook, message, all, &received);
  snprintf(agent, sizeof agent, "breakout/%.32s", version_text());
  curl_easy_setopt(webhook->curl, CURLOPT_USERAGENT, agent);
  CURLcode code = curl_easy_perform(webhook->curl);
  curl_easy_getinfo(webhook->curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(all);
  if (code == CURLE_OK && status >= 200 && status < 300) return true;
  *again = is_for_now(code, status);
  if (code != CURLE_OK) {
    snprintf(detail, WEBHOOK_DETAIL_BYTES, "%.100s", curl_easy_strerror(code));
  } else {
    snprintf(detail, WEBHOOK_DETAIL_BYTES, "the receiver answered %ld", status);
  }
  return false;
}

/* ---- the thread ---- */

/* Returns early when the program ends. */
static void wait_ms(struct webhook *webhook, int64_t ms) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
  until.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
  until.tv_nsec = (long)(ns % 1000000000);
  pthread_mutex_lock(&webhook->mutex);
  while (!webhook->is_ending && pthread_cond_timedwait(&webhook->changed, &webhook->mutex, &until) == 0) continue;
  pthread_mutex_unlock(&webhook->mutex);
}

static void deliver(struct webhook *webhook, const struct message *message, struct webhook_result *result) {
  int64_t pause_ms = webhook->first_pause_ms;
  *result = (struct webhook_result){0};
  text_copy(result->id, sizeof result->id, message->id);
  for (int i = 0; i < webhook->attempts; i++) {
    bool again = false;
    result->is_delivered = attempt(webhook, message, &again, result->detail);
    if (result->is_delivered || !again || i + 1 == webhook->attempts) return;
    wait_ms(webhook, pause_ms);
    if (is_ending(webhook)) return;
    pause_ms *= 2;
  }
}

/* Results that nobody takes push out the oldest. */
static void add_result(struct webhook *webhook, const struct webhook_result *result) {
  if (webhook->result_count == WEBHOOK_QUEUE_MAX) {
    webhook->first_result = (webhook->first_result + 1) % WEBHOOK_QUEUE_MAX;
    --webhook->result_count;
  }
  webhook->results[(webhook->first_result + webhook->result_count++) % WEBHOOK_QUEUE_MAX] = *result;
}

static void *work(void *context) {
  struct webhook *webhook = context;
  pthread_mutex_lock(&webhook->mutex);
  while (!webhook->is_ending) {
    if (webhook->count == 0) {
      pthread_cond_wait(&webhook->changed, &webhook->mutex);
      continue;
    }
    struct message message = webhook->queue[webhook->first];
    webhook->first = (webhook->first + 1) % WEBHOOK_QUEUE_MAX;
    --webhook->count;
    pthread_mutex_unlock(&webhook->mutex);
    struct webhook_result result;
    deliver(webhook, &message, &result);
    free(message.body);
    pthread_mutex_lock(&webhook->mutex);
    add_result(webhook, &result);
  }
  pthread_mutex_unlock(&webhook->mutex);
  return NULL;
}

/* ---- life ---- */

static enum status start(struct webhook *webhook) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&webhook->changed, &attributes);
  pthread_condattr_destroy(&attributes);
  pthread_mutex_init(&webhook->mutex, NULL);
  return pthread_create(&webhook->thread, NULL, work, webhook) == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

enum status webhook_open(struct webhook **out, const struct webhook_options *options, struct problem *problem) {
  if (strlen(options->url) >= URL_BYTES || (strncmp(options->url, "http://", 7) != 0 && strncmp(options->url, "https://", 8) != 0)) {
    problem_add(problem, "bad_value", "ALERT_WEBHOOK_URL", NULL, NULL, "must be an address that begins with http:// or https://");
    return STATUS_BAD_CONFIG;
  }
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0) return STATUS_FAILED;
  struct webhook *webhook = calloc(1, sizeof *webhook);
  if (webhook == NULL) return STATUS_NO_MEMORY;
  text_copy(webhook->url, sizeof webhook->url, options->url);
  webhook->attempts = options->attempts > 0 ? options->attempts : ATTEMPTS;
  webhook->first_pause_ms = options->first_pause_ms > 0 ? options->first_pause_ms : FIRST_PAUSE_MS;
  webhook->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : TIMEOUT_MS;
  webhook->curl = curl_easy_init();
  enum status status = webhook->curl != NULL ? start(webhook) : STATUS_NO_MEMORY;
  if (status) {
    curl_easy_cleanup(webhook->curl);
    free(webhook);
    return status;
  }
  *out = webhook;
  return STATUS_OK;
}

void webhook_close(struct webhook *webhook) {
  if (webhook == NULL) return;
  pthread_mutex_lock(&webhook->mutex);
  webhook->is_ending = true;
  pthread_cond_signal(&webhook->changed);
  pthread_mutex_unlock(&webhook->mutex);
  pthread_join(webhook->thread, NULL);
  for (int i = 0; i < webhook->count; i++) free(webhook->queue[(webhook->first + i) % WEBHOOK_QUEUE_MAX].body);
  pthread_mutex_destroy(&webhook->mutex);
  pthread_cond_destroy(&webhook->changed);
  curl_easy_cleanup(webhook->curl);
  curl_global_cleanup();
  explicit_bzero(webhook->url, sizeof webhook->url);
  free(webhook);
}

/* ---- the port ---- */

static bool send_message(void *self, const char *id, const char *body, size_t length) {
  struct webhook *webhook = self;
  char *copy = malloc(length + 1);
  check(copy != NULL);
  memcpy(copy, body, length);
  copy[length] = '\0';
  pthread_mutex_lock(&webhook->mutex);
  bool has_room = webhook->count < WEBHOOK_QUEUE_MAX;
  if (has_room) {
    struct message *message = &webhook->queue[(webhook->first + webhook->count++) % WEBHOOK_QUEUE_MAX];
    *message = (struct message){.body = copy, .length = length};
    text_copy(message->id, sizeof message->id, id);
    pthread_cond_signal(&webhook->changed);
  }
  pthread_mutex_unlock(&webhook->mutex);
  if (!has_room) free(copy);
  return has_room;
}

static bool take_result(void *self, struct webhook_result *out) {
  struct webhook *webhook = self;
  pthread_mutex_lock(&webhook->mutex);
  bool has_one = webhook->result_count > 0;
  if (has_one) {
    *out = webhook->results[webhook->first_result];
    webhook->first_result = (webhook->first_result + 1) % WEBHOOK_QUEUE_MAX;
    --webhook->result_count;
  }
  pthread_mutex_unlock(&webhook->mutex);
  return has_one;
}

void webhook_port(struct webhook *webhook, struct webhook_port *out) {
  *out = (struct webhook_port){.self = webhook, .send = send_message, .take = take_result};
}
