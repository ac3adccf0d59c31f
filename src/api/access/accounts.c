#include "api/access/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "api/access/secret.h"
#include "base/check.h"

const char token_prefix[] = "bbt_";
static const char setup_mark[] = "setup";
static const char change_mark[] = "changed";

/* ---- reading ---- */

static const char *text_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_TEXT ? value->text : "";
}

static int64_t int_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_INT ? value->integer : 0;
}

/* An unknown word gives no right. */
static enum api_role role_of(const char *text) {
  for (int i = API_ROLE_VIEWER; i < api_role_count; i++) {
    if (text_equal(api_role_names[i], text)) return (enum api_role)i;
  }
  return API_ROLE_NONE;
}

static bool take_user(void *context, const struct row_value *values, int count) {
  struct accounts *accounts = context;
  if (accounts->user_count == USERS_MAX) return false;
  struct user *user = &accounts->users[accounts->user_count++];
  *user = (struct user){.role = role_of(text_of(values, count, "role")),
                        .is_disabled = int_of(values, count, "disabled") != 0,
                        .created_at = int_of(values, count, "created_at"),
                        .last_login_at = int_of(values, count, "last_login_at")};
  text_copy(user->name, sizeof user->name, text_of(values, count, "username"));
  text_copy(user->hash, sizeof user->hash, text_of(values, count, "password_hash"));
  return true;
}

static bool take_token(void *context, const struct row_value *values, int count) {
  struct accounts *accounts = context;
  if (accounts->token_count == TOKENS_MAX) return false;
  struct token *token = &accounts->tokens[accounts->token_count++];
  *token = (struct token){.role = role_of(text_of(values, count, "role")),
                          .created_at = int_of(values, count, "created_at"),
                          .expires_at = int_of(values, count, "expires_at"),
                          .last_used_at = int_of(values, count, "last_used_at"),
                          .is_revoked = int_of(values, count, "revoked") != 0};
  text_copy(token->id, sizeof token->id, text_of(values, count, "token_id"));
  text_copy(token->name, sizeof token->name, text_of(values, count, "name"));
  text_copy(token->digest, sizeof token->digest, text_of(values, count, "hash"));
  text_copy(token->created_by, sizeof token->created_by, text_of(values, count, "created_by"));
  return true;
}

/* ---- finding ---- */

static uint32_t slot_of(const char *digest) {
  char start[9];
  text_copy(start, sizeof start, digest);
  return (uint32_t)strtoul(start, NULL, 16) % TOKEN_INDEX_SIZE;
}

static void make_index(struct accounts *accounts) {
  memset(accounts->index, 0, sizeof accounts->index);
  for (int i = 0; i < accounts->token_count; i++) {
    uint32_t slot = slot_of(accounts->tokens[i].digest);
    while (accounts->index[slot] != 0) slot = (slot + 1) % TOKEN_INDEX_SIZE;
    accounts->index[slot] = (uint16_t)(i + 1);
  }
}

enum status accounts_load(struct accounts *accounts, struct problem *problem) {
  struct token local[4];
  int local_count = 0;
  for (int i = 0; i < accounts->token_count && local_count < 4; i++) {
    if (accounts->tokens[i].is_local) local[local_count++] = accounts->tokens[i];
  }
  accounts_save_use(accounts);
  accounts->user_count = 0;
  accounts->token_count = 0;
  const struct rows_query users = {.table = "users", .order = "username", .is_ascending = true};
  const struct rows_query tokens = {.table = "api_tokens", .order = "created_at", .is_ascending = true};
  enum status status = accounts->rows->select(accounts->rows->self, &users, take_user, accounts, problem);
  if (!status) status = accounts->rows->select(accounts->rows->self, &tokens, take_token, accounts, problem);
  for (int i = 0; i < local_count && accounts->token_count < TOKENS_MAX; i++) accounts->tokens[accounts->token_count++] = local[i];
  make_index(accounts);
  return status;
}

const struct user *accounts_user(const struct accounts *accounts, const char *name) {
  for (int i = 0; i < accounts->user_count; i++) {
    if (text_equal(accounts->users[i].name, name)) return &accounts->users[i];
  }
  return NULL;
}

struct token *accounts_token(struct accounts *accounts, const char *id) {
  for (int i = 0; i < accounts->token_count; i++) {
    if (text_equal(accounts->tokens[i].id, id)) return &accounts->tokens[i];
  }
  return NULL;
}

struct token *accounts_find_secret(struct accounts *accounts, const char *secret) {
  char digest[DIGEST_TEXT_MAX];
  if (strlen(secret) != TOKEN_TEXT_BYTES - 1 || strncmp(secret, token_prefix, TOKEN_PREFIX_BYTES) != 0) return NULL;
  digest_of(secret, TOKEN_TEXT_BYTES - 1, digest);
  for (uint32_t slot = slot_of(digest); accounts->index[slot] != 0; slot = (slot + 1) % TOKEN_INDEX_SIZE) {
    struct token *token = &accounts->tokens[accounts->index[slot] - 1];
    if (memcmp(token->digest, digest, sizeof digest) == 0) return token;
  }
  return NULL;
}

/* ---- users ---- */

static struct user *own_user(struct accounts *accounts, const char *name) {
  return (struct user *)accounts_user(accounts, name);
}

enum status accounts_put_user(struct accounts *accounts, const struct user *user, struct problem *problem) {
  const struct row_port *rows = accounts->rows;
  struct user *old = own_user(accounts, user->name);
  const struct row_value values[] = {row_text("password_hash", user->hash), row_text("role", api_role_names[user->role]),
                                     row_int("disabled", user->is_disabled), row_text("username", user->name),
                                     row_int("created_at", user->created_at)};
  if (old != NULL) {
    struct rows_query which = {.table = "users"};
    rows_query_add(&which, "username", ROWS_EQUAL, user->name);
    enum status status = rows->update(rows->self, &which, values, 3, NULL, problem);
    if (!status) *old = *user;
    return status;
  }
  if (accounts->user_count == USERS_MAX) {
    problem_add(problem, "too_many", "username", NULL, NULL, "there are %d users, which is the most", USERS_MAX);
    return STATUS_TOO_LARGE;
  }
  enum status status = rows->insert(rows->self, "users", values, (int)(sizeof values / sizeof values[0]), NULL, problem);
  if (!status) accounts->users[accounts->user_count++] = *user;
  return status;
}

enum status accounts_saw_login(struct accounts *accounts, const char *name, int64_t now_ms, struct problem *problem) {
  struct rows_query which = {.table = "users"};
  rows_query_add(&which, "username", ROWS_EQUAL, name);
  const struct row_value value = row_int("last_login_at", now_ms);
  enum status status = accounts->rows->update(accounts->rows->self, &which, &value, 1, NULL, problem);
  struct user *user = own_user(accounts, name);
  if (!status && user != NULL) user->last_login_at = now_ms;
  return status;
}

enum status accounts_remove_user(struct accounts *accounts, const char *name, struct problem *problem) {
  const struct row_port *rows = accounts->rows;
  struct rows_query user = {.table = "users"};
  struct rows_query tokens = {.table = "api_tokens"};
  rows_query_add(&user, "username", ROWS_EQUAL, name);
  rows_query_add(&tokens, "created_by", ROWS_EQUAL, name);
  const struct row_value revoked = row_int("revoked", 1);
  enum status status = rows->begin(rows->self, problem);
  if (status) return status;
  status = rows->remove(rows->self, &user, NULL, problem);
  if (!status) status = rows->update(rows->self, &tokens, &revoked, 1, NULL, problem);
  if (!status) status = rows->commit(rows->self, problem);
  if (status) {
    rows->rollback(rows->self);
    return status;
  }
  return accounts_load(accounts, problem);
}

int accounts_other_admins(const struct accounts *accounts, const char *name) {
  int count = 0;
  for (int i = 0; i < accounts->user_count; i++) {
    const struct user *user = &accounts->users[i];
    if (user->role == API_ROLE_ADMIN && !user->is_disabled && !text_equal(user->name, name)) ++count;
  }
  return count;
}

bool accounts_are_new(const struct accounts *accounts) {
  for (int i = 0; i < accounts->user_count; i++) {
    if (accounts->users[i].last_login_at != 0) return false;
  }
  return true;
}

/* Without a hash no password is right, and trying one takes as long as ever (password.c). */
enum status accounts_make_first(struct accounts *accounts, int64_t now_ms, struct problem *problem) {
  const struct user user = {.name = "admin", .role = API_ROLE_ADMIN, .created_at = now_ms};
  return accounts->user_count > 0 ? STATUS_OK : accounts_put_user(accounts, &user, problem);
}

/* ---- tokens ---- */

static enum status insert_token(struct accounts *accounts, const struct token *token, struct problem *problem) {
  const struct row_value values[] = {row_text("token_id", token->id),
                                     row_text("name", token->name),
                                     row_text("hash", token->digest),
                                     row_text("role", api_role_names[token->role]),
                                     row_text("created_by", token->created_by),
                                     row_int("created_at", token->created_at),
                                     row_int("revoked", 0),
                                     row_int("expires_at", token->expires_at)};
  int count = (int)(sizeof values / sizeof values[0]);
  if (token->expires_at == 0) --count; /* null: never */
  return accounts->rows->insert(accounts->rows->self, "api_tokens", values, count, NULL, problem);
}

enum status accounts_add_token(struct accounts *accounts, struct token *token, char secret[TOKEN_TEXT_BYTES], struct problem *problem) {
  if (accounts->token_count == TOKENS_MAX) {
    problem_add(problem, "too_many", "name", NULL, NULL, "there are %d tokens, which is the most", TOKENS_MAX);
    return STATUS_TOO_LARGE;
  }
  text_copy(secret, TOKEN_TEXT_BYTES, token_prefix);
  secret_make(secret + TOKEN_PREFIX_BYTES);
  digest_of(secret, TOKEN_TEXT_BYTES - 1, token->digest);
  if (token->id[0] == '\0') secret_name('T', token->id, sizeof token->id);
  enum status status = token->is_local ? STATUS_OK : insert_token(accounts, token, problem);
  if (status) {
    explicit_bzero(secret, TOKEN_TEXT_BYTES);
    return status;
  }
  accounts->tokens[accounts->token_count++] = *token;
  make_index(accounts);
  return STATUS_OK;
}

enum status accounts_revoke_token(struct accounts *accounts, const char *id, struct problem *problem) {
  struct token *token = accounts_token(accounts, id);
  struct rows_query which = {.table = "api_tokens"};
  rows_query_add(&which, "token_id", ROWS_EQUAL, id);
  const struct row_value revoked = row_int("revoked", 1);
  check(token != NULL);
  enum status status = token->is_local ? STATUS_OK : accounts->rows->update(accounts->rows->self, &which, &revoked, 1, NULL, problem);
  if (!status) token->is_revoked = true;
  return status;
}

void accounts_save_use(struct accounts *accounts) {
  struct problem problem;
  for (int i = 0; i < accounts->token_count; i++) {
    struct token *token = &accounts->tokens[i];
    if (!token->is_unsaved || token->is_local) continue;
    struct rows_query which = {.table = "api_tokens"};
    rows_query_add(&which, "token_id", ROWS_EQUAL, token->id);
    const struct row_value used = row_int("last_used_at", token->last_used_at);
    problem_clear(&problem);
    if (accounts->rows->update(accounts->rows->self, &which, &used, 1, NULL, &problem)) return;
    token->is_unsaved = false;
  }
}

/* ---- marks in the table of logins ---- */

static enum status insert_mark(const struct row_port *rows, const char *id, const char *mark, int64_t now_ms, int64_t expires_at,
                               struct problem *problem) {
  const struct row_value values[] = {row_text("login_id", id), row_text("username", ""), row_int("created_at", now_ms),
                                     row_int("expires_at", expires_at), row_text("address", mark)};
  return rows->insert(rows->self, "logins", values, (int)(sizeof values / sizeof values[0]), NULL, problem);
}

static enum status remove_marks(const struct row_port *rows, const char *mark, int64_t *count, struct problem *problem) {
  struct rows_query which = {.table = "logins"};
  rows_query_add(&which, "address", ROWS_EQUAL, mark);
  return rows->remove(rows->self, &which, count, problem);
}

enum status setup_make(const struct row_port *rows, int64_t now_ms, char code[DIGEST_TEXT_MAX], struct problem *problem) {
  char digest[DIGEST_TEXT_MAX];
  secret_make(code);
  digest_of(code, strlen(code), digest);
  enum status status = remove_marks(rows, setup_mark, NULL, problem);
  return status ? status : insert_mark(rows, digest, setup_mark, now_ms, now_ms + SETUP_TTL_MS, problem);
}

static bool see(void *context, const struct row_value *values, int count) {
  (void)values;
  (void)count;
  *(bool *)context = true;
  return false;
}

enum status setup_check(const struct row_port *rows, const char *code, int64_t now_ms, bool *is_good, struct problem *problem) {
  char digest[DIGEST_TEXT_MAX];
  char now[24];
  struct text text;
  digest_of(code, strlen(code), digest);
  text_init(&text, now, sizeof now);
  text_add_i64(&text, now_ms);
  struct rows_query query = {.table = "logins", .order = "login_id", .limit = 1};
  rows_query_add(&query, "login_id", ROWS_EQUAL, digest);
  rows_query_add(&query, "address", ROWS_EQUAL, setup_mark);
  rows_query_add(&query, "expires_at", ROWS_ABOVE, now);
  *is_good = false;
  return rows->select(rows->self, &query, see, is_good, problem);
}

enum status setup_close(const struct row_port *rows, struct problem *problem) {
  return remove_marks(rows, setup_mark, NULL, problem);
}

enum status accounts_tell_change(const struct row_port *rows, int64_t now_ms, struct problem *problem) {
  enum status status = insert_mark(rows, change_mark, change_mark, now_ms, now_ms, problem);
  return status == STATUS_EXISTS ? STATUS_OK : status;
}

enum status accounts_take_change(const struct row_port *rows, bool *has_changed, struct problem *problem) {
  struct rows_query query = {.table = "logins", .order = "login_id", .limit = 1};
  rows_query_add(&query, "login_id", ROWS_EQUAL, change_mark);
  *has_changed = false;
  enum status status = rows->select(rows->self, &query, see, has_changed, problem);
  if (status || !*has_changed) return status;
  return remove_marks(rows, change_mark, NULL, problem);
}

/* ---- words ---- */

bool user_name_is_good(const char *name, const char *path, struct problem *problem) {
  size_t length = strlen(name);
  if (length >= 1 && length <= 40 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == length) return true;
  problem_add(problem, "bad_value", path, NULL, "a-z 0-9 . _ -", "a user's name is 1 to 40 of a-z, 0-9, dot, underscore, dash");
  return false;
}

bool role_parse(const char *text, const char *path, enum api_role *out, struct problem *problem) {
  *out = role_of(text);
  if (*out != API_ROLE_NONE) return true;
  problem_add(problem, "bad_enum", path, NULL, "viewer, operator, admin", "must be viewer, operator or admin");
  return false;
}
