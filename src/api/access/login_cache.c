#include "api/access/login_cache.h"

#include "base/json.h"
#include "base/log.h"

static void make_key(const char *id, char out[CACHE_KEY_BYTES]) {
  struct text text;
  text_init(&text, out, CACHE_KEY_BYTES);
  text_add(&text, CACHE_LOGIN);
  text_add(&text, id);
}

static void put(struct logins *logins, struct login *login, int64_t now_ms) {
  const struct cache_port *cache = logins->cache;
  struct buffer value = {0};
  struct json_writer writer;
  char key[CACHE_KEY_BYTES];
  make_key(login->id, key);
  json_writer_init(&writer, &value, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "user", login->user);
  json_add_string(&writer, "address", login->address);
  json_add_int(&writer, "created_at", login->created_at);
  json_add_int(&writer, "expires_at", login->expires_at);
  json_add_int(&writer, "used_at", login->used_at);
  json_end_object(&writer);
  cache->put(cache->self, key, value.data, value.length, login->expires_at - now_ms);
  login->told_at = now_ms;
  buffer_deinit(&value);
}

void login_cache_tell(struct logins *logins, struct login *login, int64_t now_ms) {
  if (logins->cache != NULL && now_ms - login->told_at >= LOGIN_TOLD_MS) put(logins, login, now_ms);
}

void login_cache_drop(struct logins *logins, const char *id) {
  char key[CACHE_KEY_BYTES];
  if (logins->cache == NULL) return;
  make_key(id, key);
  logins->cache->drop(logins->cache->self, key);
}

/* Anybody on its network may write to a cache: what could not be true is not taken. */
static void take(void *context, int place, const char *value, size_t length) {
  struct logins *logins = context;
  struct login *login = &logins->items[place];
  struct problem problem;
  problem_clear(&problem);
  struct json *json = value != NULL ? json_parse(value, length, JSON_STRICT, "login", &problem) : NULL;
  const struct json *used = json != NULL && json_kind(json) == JSON_OBJECT ? json_member(json, "used_at") : NULL;
  int64_t used_at = used != NULL && json_kind(used) == JSON_INT ? json_int(used) : 0;
  if (used_at >= login->created_at && used_at <= login->used_at) login->used_at = used_at;
  json_free(json);
}

void login_cache_recall(struct logins *logins, int64_t now_ms) {
  static char keys[LOGINS_MAX][CACHE_KEY_BYTES];
  const char *list[LOGINS_MAX];
  const struct cache_port *cache = logins->cache;
  if (cache == NULL || logins->count == 0) return;
  for (int i = 0; i < logins->count; i++) {
    make_key(logins->items[i].id, keys[i]);
    list[i] = keys[i];
  }
  enum status status = cache->read(cache->self, list, logins->count, LOGIN_RECALL_MS, take, logins);
  if (status)
    log_write(LOG_INFO, "api", "logins", NULL, "when logins were last used is not known (%s): this start counts as a use", status_text(status));
  logins_sweep(logins, now_ms);
}

void login_cache_turn(struct logins *logins, int64_t now_ms) {
  struct cache_state state;
  if (logins->cache == NULL) return;
  logins->cache->state(logins->cache->self, &state);
  if (!state.is_up || state.gaps == logins->cache_gaps) return;
  logins->cache_gaps = state.gaps;
  logins->cache->drop_all(logins->cache->self, CACHE_LOGIN);
  for (int i = 0; i < logins->count; i++) put(logins, &logins->items[i], now_ms);
}
