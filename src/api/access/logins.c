#include "api/access/logins.h"

#include <stdlib.h>
#include <string.h>

#include "api/access/login_cache.h"
#include "base/digest.h"

static uint32_t slot_of(const char *id) {
  char start[9];
  text_copy(start, sizeof start, id);
  return (uint32_t)strtoul(start, NULL, 16) % LOGIN_INDEX_SIZE;
}

static void make_index(struct logins *logins) {
  memset(logins->index, 0, sizeof logins->index);
  for (int i = 0; i < logins->count; i++) {
    uint32_t slot = slot_of(logins->items[i].id);
    while (logins->index[slot] != 0) slot = (slot + 1) % LOGIN_INDEX_SIZE;
    logins->index[slot] = (uint16_t)(i + 1);
  }
}

struct login *logins_find(struct logins *logins, const char *id) {
  for (uint32_t slot = slot_of(id); logins->index[slot] != 0; slot = (slot + 1) % LOGIN_INDEX_SIZE) {
    struct login *login = &logins->items[logins->index[slot] - 1];
    if (text_equal(login->id, id)) return login;
  }
  return NULL;
}

struct login *logins_find_secret(struct logins *logins, const char *secret) {
  char id[DIGEST_TEXT_MAX];
  if (strlen(secret) != SECRET_TEXT_MAX - 1) return NULL;
  digest_of(secret, SECRET_TEXT_MAX - 1, id);
  return logins_find(logins, id);
}

void logins_use(struct logins *logins, struct login *login, int64_t now_ms) {
  login->used_at = now_ms;
  login_cache_tell(logins, login, now_ms);
}

bool login_is_over(const struct login *login, int64_t now_ms) {
  return now_ms >= login->expires_at || now_ms - login->used_at > LOGIN_IDLE_MS;
}

void login_csrf(const char *secret, char out[DIGEST_TEXT_MAX]) {
  char text[SECRET_TEXT_MAX + 8];
  struct text builder;
  text_init(&builder, text, sizeof text);
  text_add(&builder, "csrf:");
  text_add(&builder, secret);
  digest_of(text, builder.length, out);
  explicit_bzero(text, sizeof text);
}

/* ---- the table ---- */

struct loading {
  struct logins *logins;
  const struct logins *old;
  int64_t now_ms;
};

static const struct row_value *column(const struct row_value *values, int count, const char *name, enum row_kind kind) {
  const struct row_value *value = row_value_of(values, count, name);
  return value != NULL && value->kind == kind ? value : NULL;
}

static bool take_login(void *context, const struct row_value *values, int count) {
  struct loading *loading = context;
  struct logins *logins = loading->logins;
  const struct row_value *id = column(values, count, "login_id", ROW_VALUE_TEXT);
  const struct row_value *user = column(values, count, "username", ROW_VALUE_TEXT);
  const struct row_value *created = column(values, count, "created_at", ROW_VALUE_INT);
  const struct row_value *expires = column(values, count, "expires_at", ROW_VALUE_INT);
  const struct row_value *address = column(values, count, "address", ROW_VALUE_TEXT);
  bool is_login = id != NULL && user != NULL && user->text[0] != '\0' && created != NULL && expires != NULL && expires->integer > loading->now_ms;
  if (!is_login) return true; /* marks, and what has run out */
  if (logins->count == LOGINS_MAX) return false;
  struct login *login = &logins->items[logins->count++];
  *login = (struct login){.created_at = created->integer, .expires_at = expires->integer, .used_at = loading->now_ms};
  text_copy(login->id, sizeof login->id, id->text);
  text_copy(login->user, sizeof login->user, user->text);
  text_copy(login->address, sizeof login->address, address != NULL ? address->text : "");
  for (int i = 0; i < loading->old->count; i++) {
    if (text_equal(loading->old->items[i].id, login->id)) login->used_at = loading->old->items[i].used_at;
  }
  return true;
}

enum status logins_load(struct logins *logins, int64_t now_ms, struct problem *problem) {
  struct logins *old = malloc(sizeof *old);
  if (old == NULL) return STATUS_NO_MEMORY;
  *old = *logins;
  logins->count = 0;
  struct loading loading = {logins, old, now_ms};
  const struct rows_query query = {.table = "logins", .order = "created_at", .is_ascending = true};
  enum status status = logins->rows->select(logins->rows->self, &query, take_login, &loading, problem);
  make_index(logins);
  logins->cache_gaps = -1;
  free(old);
  return status;
}

static enum status remove_row(struct logins *logins, const char *id, struct problem *problem) {
  struct rows_query which = {.table = "logins"};
  rows_query_add(&which, "login_id", ROWS_EQUAL, id);
  return logins->rows->remove(logins->rows->self, &which, NULL, problem);
}

static void remove_at(struct logins *logins, int place) {
  login_cache_drop(logins, logins->items[place].id);
  logins->items[place] = logins->items[--logins->count];
}

static void drop_oldest(struct logins *logins) {
  struct problem problem;
  int oldest = 0;
  for (int i = 1; i < logins->count; i++) {
    if (logins->items[i].used_at < logins->items[oldest].used_at) oldest = i;
  }
  problem_clear(&problem);
  if (remove_row(logins, logins->items[oldest].id, &problem) == STATUS_OK) remove_at(logins, oldest);
}

enum status logins_begin(struct logins *logins, const char *user, const char *address, int64_t now_ms, int64_t ttl_ms, char secret[SECRET_TEXT_MAX],
                         struct login *out, struct problem *problem) {
  struct login login = {.created_at = now_ms, .expires_at = now_ms + ttl_ms, .used_at = now_ms};
  if (logins->count == LOGINS_MAX) drop_oldest(logins);
  if (logins->count == LOGINS_MAX) return STATUS_IO_FAILED;
  secret_make(secret);
  digest_of(secret, SECRET_TEXT_MAX - 1, login.id);
  text_copy(login.user, sizeof login.user, user);
  text_copy(login.address, sizeof login.address, address);
  const struct row_value values[] = {row_text("login_id", login.id), row_text("username", user), row_int("created_at", login.created_at),
                                     row_int("expires_at", login.expires_at), row_text("address", address)};
  enum status status = logins->rows->insert(logins->rows->self, "logins", values, (int)(sizeof values / sizeof values[0]), NULL, problem);
  if (status) return status;
  login_cache_tell(logins, &login, now_ms);
  logins->items[logins->count++] = login;
  make_index(logins);
  *out = login;
  return STATUS_OK;
}

enum status logins_end(struct logins *logins, const char *id, struct problem *problem) {
  enum status status = remove_row(logins, id, problem);
  for (int i = 0; !status && i < logins->count; i++) {
    if (!text_equal(logins->items[i].id, id)) continue;
    remove_at(logins, i);
    make_index(logins);
    break;
  }
  return status;
}

enum status logins_end_user(struct logins *logins, const char *user, const char *but_id, struct problem *problem) {
  struct rows_query which = {.table = "logins"};
  rows_query_add(&which, "username", ROWS_EQUAL, user);
  if (but_id != NULL) rows_query_add(&which, "login_id", ROWS_NOT_EQUAL, but_id);
  enum status status = logins->rows->remove(logins->rows->self, &which, NULL, problem);
  for (int i = logins->count - 1; !status && i >= 0; i--) {
    const struct login *login = &logins->items[i];
    if (text_equal(login->user, user) && (but_id == NULL || !text_equal(login->id, but_id))) remove_at(logins, i);
  }
  make_index(logins);
  return status;
}

void logins_sweep(struct logins *logins, int64_t now_ms) {
  struct problem problem;
  int before = logins->count;
  problem_clear(&problem);
  for (int i = logins->count - 1; i >= 0; i--) {
    if (login_is_over(&logins->items[i], now_ms) && remove_row(logins, logins->items[i].id, &problem) == STATUS_OK) remove_at(logins, i);
  }
  if (logins->count != before) make_index(logins);
}
