#include "adapters/redis/redis_link.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

enum { WORDS_MAX = 10, NUMBER_BYTES = 24 };

struct redis_link {
  redisContext *context;
  const struct redis_address *address;
};

/* ---- words ---- */

struct words {
  const char *items[WORDS_MAX];
  size_t lengths[WORDS_MAX];
  int count;
};

static void add_bytes(struct words *words, const char *bytes, size_t length) {
  check(words->count < WORDS_MAX);
  words->items[words->count] = bytes;
  words->lengths[words->count++] = length;
}

static void add(struct words *words, const char *word) {
  add_bytes(words, word, strlen(word));
}

static void print_number(char out[NUMBER_BYTES], int64_t value) {
  struct text text;
  text_init(&text, out, NUMBER_BYTES);
  text_add_i64(&text, value);
}

static bool send_words(struct redis_link *link, const struct words *words) {
  return redisAppendCommandArgv(link->context, words->count, (const char **)(uintptr_t)words->items, words->lengths) == REDIS_OK;
}

/* ---- replies ---- */

/* Replies of the server and errors of the system name no secret of ours. */
static void tell_why(const struct redis_link *link, const redisReply *reply, char why[CACHE_DETAIL_BYTES]) {
  const char *text = reply != NULL ? reply->str : link->context->err != 0 ? link->context->errstr : "no answer";
  bool is_late = reply == NULL && link->context->err == REDIS_ERR_IO && strstr(text, "temporarily unavailable") != NULL;
  size_t line = strcspn(text, "\r\n");
  if (line > 0 && text[line - 1] == '.') --line;
  snprintf(why, CACHE_DETAIL_BYTES, "%.*s", is_late ? 17 : (int)(line < 80 ? line : 80), is_late ? "no answer in time" : text);
}

/* The next reply, owned by the caller; NULL when the connection has ended or the reply is a refusal, which is counted in *refusals. */
static redisReply *take_reply(struct redis_link *link, int *refusals, char why[CACHE_DETAIL_BYTES]) {
  void *taken = NULL;
  if (redisGetReply(link->context, &taken) != REDIS_OK || taken == NULL) {
    tell_why(link, NULL, why);
    return NULL;
  }
  redisReply *reply = taken;
  if (reply->type != REDIS_REPLY_ERROR) return reply;
  ++*refusals;
  tell_why(link, reply, why);
  freeReplyObject(reply);
  return NULL;
}

static bool take_good(struct redis_link *link, char why[CACHE_DETAIL_BYTES]) {
  int refusals = 0;
  redisReply *reply = take_reply(link, &refusals, why);
  bool is_good = reply != NULL;
  freeReplyObject(reply);
  return is_good;
}

static bool ask(struct redis_link *link, const struct words *words, char why[CACHE_DETAIL_BYTES]) {
  if (send_words(link, words)) return take_good(link, why);
  tell_why(link, NULL, why);
  return false;
}

/* ---- life ---- */

static struct timeval time_of(int ms) {
  return (struct timeval){.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
}

static bool log_in(struct redis_link *link, char why[CACHE_DETAIL_BYTES]) {
  const struct redis_address *address = link->address;
  char number[NUMBER_BYTES];
  if (address->password[0] != '\0') {
    struct words words = {.count = 0};
    add(&words, "AUTH");
    if (address->user[0] != '\0') add(&words, address->user);
    add(&words, address->password);
    if (!ask(link, &words, why)) return false;
  }
  if (address->database == 0) return true;
  struct words words = {.count = 0};
  print_number(number, address->database);
  add(&words, "SELECT");
  add(&words, number);
  return ask(link, &words, why);
}

struct redis_link *redis_link_open(const struct redis_address *address, int timeout_ms, char why[CACHE_DETAIL_BYTES]) {
  struct redis_link *link = calloc(1, sizeof *link);
  check(link != NULL);
  link->address = address;
  link->context = redisConnectWithTimeout(address->host, address->port, time_of(timeout_ms));
  check(link->context != NULL);
  bool is_good = link->context->err == 0 && redisSetTimeout(link->context, time_of(timeout_ms)) == REDIS_OK;
  if (!is_good) tell_why(link, NULL, why);
  is_good = is_good && log_in(link, why) && redis_link_probe(link, why);
  if (is_good) return link;
  redis_link_close(link);
  return NULL;
}

void redis_link_close(struct redis_link *link) {
  if (link == NULL) return;
  redisFree(link->context);
  free(link);
}

bool redis_link_probe(struct redis_link *link, char why[CACHE_DETAIL_BYTES]) {
  char writer[96] = "";
  char ttl[NUMBER_BYTES];
  struct words words = {.count = 0};
  gethostname(writer, 64);
  size_t used = strlen(writer);
  snprintf(writer + used, sizeof writer - used, ":%ld", (long)getpid());
  print_number(ttl, CACHE_TTL_MS);
  add(&words, "SET");
  add(&words, CACHE_ALIVE);
  add(&words, writer);
  add(&words, "PX");
  add(&words, ttl);
  return ask(link, &words, why);
}

/* ---- commands ---- */

static bool send_put(struct redis_link *link, const struct redis_command *command) {
  struct words words = {.count = 0};
  char ttl[NUMBER_BYTES];
  print_number(ttl, command->ttl_ms);
  add(&words, "SET");
  add(&words, command->key);
  add_bytes(&words, command->value, command->length);
  add(&words, "PX");
  add(&words, ttl);
  return send_words(link, &words);
}

static bool send_drop(struct redis_link *link, const struct redis_command *command) {
  struct words words = {.count = 0};
  add(&words, "UNLINK");
  add(&words, command->key);
  return send_words(link, &words);
}

static bool send_append(struct redis_link *link, const struct redis_command *command) {
  struct words words = {.count = 0};
  char most[NUMBER_BYTES];
  print_number(most, REDIS_STREAM_MAX);
  add(&words, "XADD");
  add(&words, command->key);
  add(&words, "MAXLEN");
  add(&words, "~");
  add(&words, most);
  add(&words, "*");
  add(&words, "type");
  add(&words, command->name);
  add(&words, "message");
  add_bytes(&words, command->value, command->length);
  return send_words(link, &words);
}

static bool send_read(struct redis_link *link, const struct redis_command *command) {
  const struct redis_reading *reading = command->reading;
  const char **items = calloc((size_t)reading->count + 1, sizeof items[0]);
  check(items != NULL);
  items[0] = "MGET";
  for (int i = 0; i < reading->count; i++) items[i + 1] = reading->keys[i];
  int result = redisAppendCommandArgv(link->context, reading->count + 1, items, NULL);
  free(items);
  return result == REDIS_OK;
}

static bool send_command(struct redis_link *link, const struct redis_command *command) {
  switch (command->verb) {
    case REDIS_PUT:
      return send_put(link, command);
    case REDIS_DROP:
      return send_drop(link, command);
    case REDIS_APPEND:
      return send_append(link, command);
    case REDIS_READ:
      return send_read(link, command);
    default:
      check(false);
      return false;
  }
}

static void fill_reading(struct redis_reading *reading, const redisReply *reply) {
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != (size_t)reading->count) {
    reading->status = STATUS_BAD_FORMAT;
    return;
  }
  for (int i = 0; i < reading->count; i++) {
    const redisReply *item = reply->element[i];
    if (item->type != REDIS_REPLY_STRING) continue;
    reading->lengths[i] = (size_t)item->len;
    reading->values[i] = malloc(reading->lengths[i] + 1);
    check(reading->values[i] != NULL);
    memcpy(reading->values[i], item->str, reading->lengths[i]);
    reading->values[i][reading->lengths[i]] = '\0';
  }
  reading->status = STATUS_OK;
}

/* ---- all keys with a prefix ---- */

static bool unlink_all(struct redis_link *link, const redisReply *keys, char why[CACHE_DETAIL_BYTES]) {
  size_t sent = 0;
  bool is_good = true;
  for (size_t i = 0; i < keys->elements && is_good; i++) {
    struct words words = {.count = 0};
    if (keys->element[i]->type != REDIS_REPLY_STRING) continue;
    add(&words, "UNLINK");
    add_bytes(&words, keys->element[i]->str, (size_t)keys->element[i]->len);
    is_good = send_words(link, &words);
    sent += is_good;
  }
  for (size_t i = 0; i < sent && is_good; i++) is_good = take_good(link, why);
  return is_good;
}

/* Our prefixes have no character that a pattern would read as something else. */
static bool drop_all(struct redis_link *link, const char *prefix, char why[CACHE_DETAIL_BYTES]) {
  char cursor[NUMBER_BYTES] = "0";
  char pattern[CACHE_KEY_BYTES + 2];
  struct text text;
  text_init(&text, pattern, sizeof pattern);
  text_add(&text, prefix);
  text_add_char(&text, '*');
  do {
    int refusals = 0;
    struct words words = {.count = 0};
    add(&words, "SCAN");
    add(&words, cursor);
    add(&words, "MATCH");
    add(&words, pattern);
    add(&words, "COUNT");
    add(&words, "1000");
    redisReply *reply = send_words(link, &words) ? take_reply(link, &refusals, why) : NULL;
    bool is_good = reply != NULL && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[0]->type == REDIS_REPLY_STRING &&
                   reply->element[1]->type == REDIS_REPLY_ARRAY;
    if (is_good) text_copy(cursor, sizeof cursor, reply->element[0]->str);
    is_good = is_good && unlink_all(link, reply->element[1], why);
    freeReplyObject(reply);
    if (!is_good) return false;
  } while (!text_equal(cursor, "0"));
  return true;
}

/* ---- many ---- */

/* The replies of commands that were sent, in their order. After a refusal the others are taken still: the connection goes on. */
static bool take_replies(struct redis_link *link, struct redis_command *commands, int count, char why[CACHE_DETAIL_BYTES]) {
  int refusals = 0;
  for (int i = 0; i < count; i++) {
    int before = refusals;
    redisReply *reply = take_reply(link, &refusals, why);
    if (reply == NULL && refusals == before) return false;
    if (reply != NULL && commands[i].reading != NULL) fill_reading(commands[i].reading, reply);
    freeReplyObject(reply);
  }
  return refusals == 0;
}

bool redis_link_run(struct redis_link *link, struct redis_command *commands, int count, char why[CACHE_DETAIL_BYTES]) {
  int first = 0;
  for (int i = 0; i < count; i++) {
    if (commands[i].verb != REDIS_DROP_ALL) {
      if (send_command(link, &commands[i])) continue;
      tell_why(link, NULL, why);
      return false;
    }
    if (!take_replies(link, commands + first, i - first, why) || !drop_all(link, commands[i].key, why)) return false;
    first = i + 1;
  }
  return take_replies(link, commands + first, count - first, why);
}
