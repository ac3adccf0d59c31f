/* Logins, users, tokens, audit. What needs a password is answered when its thread has computed it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/access.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/table.h"

/* ---- words ---- */

static int64_t now_ms(const struct api *api) {
  return api->options.clock->now_ms(api->options.clock->self);
}

static int64_t now_ns(const struct api *api) {
  return api->options.clock->monotonic_ns(api->options.clock->self);
}

static bool has_database(struct call *call) {
  if (call->api->options.rows != NULL) return true;
  call_fail(call, 503, "not_ready", "there is no database here");
  return false;
}

static void fail_database(struct call *call, enum status status, const struct problem *problem) {
  if (status == STATUS_TOO_LARGE) {
    call_fail_problem(call, 409, "in_use", problem);
  } else {
    call_fail(call, 503, "not_ready", "the database cannot be used now: nothing was done");
  }
}

static const char *text_of(const struct call *call, const char *name) {
  const struct json *value = call->body != NULL ? json_member(call->body, name) : NULL;
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : NULL;
}

/* The strings of a body that are secret do not stay in freed memory. */
static void wipe(const char *text) {
  if (text != NULL) explicit_bzero((char *)(uintptr_t)text, strlen(text));
}

static void wipe_body(struct call *call) {
  static const char *const names[] = {"password", "old_password", "new_password", "code"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) wipe(text_of(call, names[i]));
  explicit_bzero((char *)(uintptr_t)call->request->body, call->request->body_length);
}

static void add_time(struct json_writer *writer, const char *key, int64_t ms) {
  if (ms != 0) {
    json_add_int(writer, key, ms);
  } else {
    json_add_null(writer, key);
  }
}

static void write_user(const struct user *user, struct json_writer *writer) {
  json_add_string(writer, "username", user->name);
  json_add_string(writer, "role", api_role_names[user->role]);
  add_time(writer, "created_at", user->created_at);
  add_time(writer, "last_login_at", user->last_login_at);
  json_add_bool(writer, "disabled", user->is_disabled);
}

static void write_token(const struct token *token, struct json_writer *writer) {
  json_add_string(writer, "token_id", token->id);
  json_add_string(writer, "name", token->name);
  json_add_string(writer, "role", api_role_names[token->role]);
  json_add_int(writer, "created_at", token->created_at);
  add_time(writer, "expires_at", token->expires_at);
  add_time(writer, "last_used_at", token->last_used_at);
  json_add_bool(writer, "revoked", token->is_revoked);
}

/* What the audit row says about a user. */
static void tell_user(struct change *change, const struct user *before, const struct user *after) {
  struct buffer texts[2] = {{0}, {0}};
  const struct user *const users[2] = {before, after};
  for (int i = 0; i < 2; i++) {
    struct json_writer writer;
    if (users[i] == NULL) continue;
    json_writer_init(&writer, &texts[i], false);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, "role", api_role_names[users[i]->role]);
    json_add_bool(&writer, "disabled", users[i]->is_disabled);
    if (i == 1 && before != NULL && !text_equal(before->hash, after->hash)) json_add_string(&writer, "password", "changed");
    json_end_object(&writer);
  }
  change_tell(change, (after != NULL ? after : before)->name, texts[0].data, texts[1].data);
  buffer_deinit(&texts[0]);
  buffer_deinit(&texts[1]);
}

/* ---- requests that wait for a password ---- */

struct password_work {
  struct password_work *next;
  const struct http_request *request;
  struct http_reply *reply;
  struct caller caller;
  void (*finish)(struct call *call, const struct password_work *work, const struct password_job *job);
  struct user user; /* as it shall be; hash comes with the job */
  uint64_t attempt; /* key of the wrong tries */
};

/* Hands the job over; the call's reply is deferred. The body is wiped. */
static void defer(struct call *call, struct password_job *job, const struct password_work *work) {
  struct access *access = call->api->access;
  struct password_work *kept = malloc(sizeof *kept);
  check(kept != NULL);
  *kept = *work;
  kept->request = call->request;
  kept->reply = call->reply;
  kept->caller = call->caller;
  kept->next = access->work;
  job->context = kept;
  bool is_taken = passwords_ask(access->passwords, job);
  explicit_bzero(job, sizeof *job);
  wipe_body(call);
  if (!is_taken) {
    free(kept);
    call_fail(call, 429, "rate_limited", "too many logins at once: try again in 1 s");
    call->reply->retry_after_s = 1;
    return;
  }
  access->work = kept;
  call->reply->is_deferred = true;
}

static void unlink_work(struct access *access, const struct password_work *work) {
  struct password_work **at = &access->work;
  while (*at != work) at = &(*at)->next;
  *at = work->next;
}

void access_answer_passwords(struct api *api) {
  struct password_job job;
  while (api->access->work != NULL && passwords_take(api->access->passwords, &job)) {
    struct password_work *work = job.context;
    struct call call = {.api = api, .request = work->request, .reply = work->reply, .caller = work->caller, .change = work->reply->context};
    unlink_work(api->access, work);
    work->finish(&call, work, &job);
    explicit_bzero(&job, sizeof job);
    explicit_bzero(work, sizeof *work);
    free(work);
    call.reply->send(call.reply);
  }
}

/* reply NULL: all of them. */
void access_gone(struct api *api, const struct http_reply *reply) {
  for (struct password_work **at = &api->access->work; *at != NULL;) {
    struct password_work *work = *at;
    if (reply != NULL && work->reply != reply) {
      at = &work->next;
      continue;
    }
    *at = work->next;
    if (api->access->passwords != NULL) passwords_forget(api->access->passwords, work);
    explicit_bzero(work, sizeof *work);
    free(work);
  }
  if (reply != NULL) change_gone(api, reply);
}

/* ---- logging in ---- */

static void set_cookie(struct call *call, const char *secret, int64_t seconds) {
  char value[HTTP_FIELD_BYTES];
  snprintf(value, sizeof value, "bb_login=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", secret, (long long)seconds,
           access_is_secure(call->api, call->request) ? "; Secure" : "");
  check(http_reply_add(call->reply, "Set-Cookie", value));
  explicit_bzero(value, sizeof value);
}

/* A login of the user is begun and told; the cookie of a former one is void by that. */
static void begin_login(struct call *call, const struct user *user) {
  struct api *api = call->api;
  struct access *access = api->access;
  char secret[SECRET_TEXT_MAX];
  char csrf[DIGEST_TEXT_MAX];
  struct login login;
  struct problem problem;
  problem_clear(&problem);
  if (access_cookie(call->request, secret)) {
    const struct login *former = logins_find_secret(&access->logins, secret);
    char id[DIGEST_TEXT_MAX] = "";
    if (former != NULL) text_copy(id, sizeof id, former->id);
    enum status ended = former != NULL ? logins_end(&access->logins, id, &problem) : STATUS_OK;
    if (ended) {
      fail_database(call, ended, &problem);
      return;
    }
  }
  int64_t ttl_ms = (int64_t)(api->options.settings->login_ttl_hours * 3600000.0);
  enum status status = logins_begin(&access->logins, user->name, call->caller.address, now_ms(api), ttl_ms, secret, &login, &problem);
  if (!status) status = accounts_saw_login(&access->accounts, user->name, now_ms(api), &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  login_csrf(secret, csrf);
  set_cookie(call, secret, ttl_ms / 1000);
  call_begin(call);
  json_begin_object(&call->writer, "user");
  write_user(accounts_user(&access->accounts, user->name), &call->writer);
  json_end_object(&call->writer);
  json_add_string(&call->writer, "csrf_token", csrf);
  json_add_int(&call->writer, "expires_at", login.expires_at);
  call_end(call, 200);
  explicit_bzero(secret, sizeof secret);
}

static void fail_waiting(struct call *call, int wait_s) {
  call_fail(call, 429, "rate_limited", "too many wrong passwords: try again in %d s", wait_s);
  call->reply->retry_after_s = wait_s;
}

static uint64_t attempt_key(const struct call *call, const char *user) {
  char who[USER_NAME_BYTES + ADDRESS_BYTES + 2];
  char address[ADDRESS_BYTES];
  address_for_limit(call->caller.address, address);
  snprintf(who, sizeof who, "%.*s@%s", USER_NAME_BYTES, user, address);
  return rate_limit_key(&call->api->access->limits, limit_class_count, who);
}

static void finish_login(struct call *call, const struct password_work *work, const struct password_job *job) {
  struct access *access = call->api->access;
  const struct user *user = accounts_user(&access->accounts, work->user.name);
  bool may = job->is_right && user != NULL && !user->is_disabled;
  change_tell(call->change, work->user.name, NULL, NULL);
  if (!may) {
    call_fail(call, 401, "bad_credentials", "user or password is wrong");
    return;
  }
  attempts_clear(&access->attempts, work->attempt, now_ns(call->api));
  change_tell_user(call->change, user->name, user->role);
  begin_login(call, user);
}

void handle_auth_login(struct call *call) {
  struct access *access = call->api->access;
  const char *name = text_of(call, "username");
  const char *password = text_of(call, "password");
  if (!has_database(call)) return;
  struct password_work work = {.finish = finish_login, .attempt = attempt_key(call, name)};
  text_copy(work.user.name, sizeof work.user.name, name);
  change_tell(call->change, work.user.name, NULL, NULL);
  int wait_s = attempts_wait_s(&access->attempts, work.attempt, now_ns(call->api));
  if (wait_s > 0) {
    fail_waiting(call, wait_s);
    wipe_body(call);
    return;
  }
  attempts_count(&access->attempts, work.attempt, now_ns(call->api));
  const struct user *user = accounts_user(&access->accounts, name);
  struct password_job job = {.verifies = true};
  text_copy(job.verify_password, sizeof job.verify_password, password);
  if (user != NULL) text_copy(job.verify_hash, sizeof job.verify_hash, user->hash);
  /* A password that does not fit is none of ours, whatever its beginning. */
  if (strlen(password) >= sizeof job.verify_password) job.verify_hash[0] = '\0';
  defer(call, &job, &work);
}

/* ---- the first name and password ---- */

/* Whom nobody has ever been: the admin of the first start, when another name is chosen. */
static enum status remove_first_admin(struct access *access, const char *chosen, struct problem *problem) {
  const struct user *first = accounts_user(&access->accounts, "admin");
  bool is_unused = first != NULL && first->last_login_at == 0 && !text_equal(chosen, "admin") && accounts_are_new(&access->accounts);
  return is_unused ? accounts_remove_user(&access->accounts, "admin", problem) : STATUS_OK;
}

static void finish_setup(struct call *call, const struct password_work *work, const struct password_job *job) {
  struct access *access = call->api->access;
  struct problem problem;
  struct user user = work->user;
  problem_clear(&problem);
  const struct user *old = accounts_user(&access->accounts, user.name);
  user.created_at = old != NULL ? old->created_at : now_ms(call->api);
  user.last_login_at = old != NULL ? old->last_login_at : 0;
  text_copy(user.hash, sizeof user.hash, job->hash);
  tell_user(call->change, old, &user);
  change_tell_user(call->change, user.name, user.role);
  enum status status = job->has_hash ? remove_first_admin(access, user.name, &problem) : STATUS_NO_MEMORY;
  if (!status) status = accounts_put_user(&access->accounts, &user, &problem);
  if (!status) status = logins_end_user(&access->logins, user.name, NULL, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  begin_login(call, &user);
}

void handle_auth_setup(struct call *call) {
  const char *code = text_of(call, "code");
  const char *name = text_of(call, "username");
  const char *password = text_of(call, "password");
  struct problem problem;
  bool is_good = false;
  if (!has_database(call)) return;
  problem_clear(&problem);
  bool is_valid = user_name_is_good(name, "username", &problem);
  is_valid &= password_is_good(password, "password", &problem);
  if (!is_valid) {
    call_fail_problem(call, 422, "validation_failed", &problem);
    wipe_body(call);
    return;
  }
  const struct row_port *rows = call->api->options.rows;
  enum status status = setup_check(rows, code, now_ms(call->api), &is_good, &problem);
  /* Used up before it acts: two requests at once must not both be the first. */
  if (!status && is_good) status = setup_close(rows, &problem);
  if (status || !is_good) {
    if (status) {
      fail_database(call, status, &problem);
    } else {
      call_fail(call, 403, "setup_closed", "this setup link was used or has run out: breakout token setup makes a new one");
    }
    wipe_body(call);
    return;
  }
  struct password_work work = {.finish = finish_setup, .user = {.role = API_ROLE_ADMIN}};
  struct password_job job = {.hashes = true};
  text_copy(work.user.name, sizeof work.user.name, name);
  text_copy(job.hash_password, sizeof job.hash_password, password);
  defer(call, &job, &work);
}

/* ---- the own login ---- */

static void succeed(struct call *call) {
  call_begin(call);
  json_add_bool(&call->writer, "success", true);
  call_end(call, 200);
}

void handle_auth_logout(struct call *call) {
  struct problem problem;
  problem_clear(&problem);
  if (!call->caller.is_login) {
    succeed(call); /* a token has no login to end */
    return;
  }
  enum status status = logins_end(&call->api->access->logins, call->caller.login_id, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  set_cookie(call, "", 0);
  succeed(call);
}

void handle_auth_me(struct call *call) {
  struct api *api = call->api;
  struct access *access = api->access;
  const struct caller *caller = &call->caller;
  const struct user *known = accounts_user(&access->accounts, caller->user);
  struct user user = known != NULL ? *known : (struct user){0};
  const struct login *login = caller->is_login ? logins_find(&access->logins, caller->login_id) : NULL;
  const struct token *token = caller->token_id[0] != '\0' ? accounts_token(&access->accounts, caller->token_id) : NULL;
  char secret[SECRET_TEXT_MAX];
  char csrf[DIGEST_TEXT_MAX];
  text_copy(user.name, sizeof user.name, caller->user);
  user.role = caller->role;
  bool has_csrf = login != NULL && access_cookie(call->request, secret);
  if (has_csrf) login_csrf(secret, csrf);
  call_begin(call);
  json_begin_object(&call->writer, "user");
  write_user(&user, &call->writer);
  json_end_object(&call->writer);
  json_add_string(&call->writer, "csrf_token", has_csrf ? csrf : NULL);
  add_time(&call->writer, "expires_at", login != NULL ? login->expires_at : token != NULL ? token->expires_at : 0);
  json_add_bool(&call->writer, "auth_enabled", api->options.settings->auth_enabled);
  call_end(call, 200);
  explicit_bzero(secret, sizeof secret);
}

static void finish_password(struct call *call, const struct password_work *work, const struct password_job *job) {
  struct access *access = call->api->access;
  struct problem problem;
  problem_clear(&problem);
  const struct user *old = accounts_user(&access->accounts, work->user.name);
  if (!job->is_right || old == NULL) {
    call_fail(call, 401, "bad_credentials", "the old password is wrong");
    return;
  }
  attempts_clear(&access->attempts, work->attempt, now_ns(call->api));
  struct user user = *old;
  text_copy(user.hash, sizeof user.hash, job->hash);
  tell_user(call->change, old, &user);
  enum status status = job->has_hash ? accounts_put_user(&access->accounts, &user, &problem) : STATUS_NO_MEMORY;
  const char *own = call->caller.is_login ? call->caller.login_id : NULL;
  if (!status) status = logins_end_user(&access->logins, user.name, own, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  succeed(call);
}

void handle_auth_password(struct call *call) {
  struct access *access = call->api->access;
  const char *old_password = text_of(call, "old_password");
  const char *new_password = text_of(call, "new_password");
  const struct user *user = accounts_user(&access->accounts, call->caller.user);
  struct problem problem;
  if (!has_database(call)) return;
  problem_clear(&problem);
  if (!password_is_good(new_password, "new_password", &problem)) {
    call_fail_problem(call, 422, "validation_failed", &problem);
    wipe_body(call);
    return;
  }
  struct password_work work = {.finish = finish_password, .attempt = attempt_key(call, call->caller.user)};
  int wait_s = attempts_wait_s(&access->attempts, work.attempt, now_ns(call->api));
  if (wait_s > 0) {
    fail_waiting(call, wait_s);
    wipe_body(call);
    return;
  }
  attempts_count(&access->attempts, work.attempt, now_ns(call->api));
  struct password_job job = {.verifies = true, .hashes = true};
  text_copy(work.user.name, sizeof work.user.name, call->caller.user);
  text_copy(job.verify_password, sizeof job.verify_password, old_password);
  text_copy(job.hash_password, sizeof job.hash_password, new_password);
  bool fits = strlen(old_password) < sizeof job.verify_password;
  if (user != NULL && fits) text_copy(job.verify_hash, sizeof job.verify_hash, user->hash);
  defer(call, &job, &work);
}

/* ---- tokens ---- */

static void end_list(struct call *call, int64_t total) {
  json_end_array(&call->writer);
  json_add_null(&call->writer, "next_cursor");
  json_add_int(&call->writer, "total", total);
  call_end(call, 200);
}

void handle_auth_tokens(struct call *call) {
  const struct accounts *accounts = &call->api->access->accounts;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int i = accounts->token_count - 1; i >= 0; i--) {
    json_begin_object(&call->writer, NULL);
    write_token(&accounts->tokens[i], &call->writer);
    json_end_object(&call->writer);
  }
  end_list(call, accounts->token_count);
}

static bool name_is_good(const char *name, struct problem *problem) {
  int characters = 0;
  bool is_plain = true;
  for (const char *at = name; *at != '\0'; at++) {
    if (((unsigned char)*at & 0xc0) != 0x80) ++characters;
    if ((unsigned char)*at < 0x20 || *at == 0x7f) is_plain = false;
  }
  if (characters >= 1 && characters <= 64 && is_plain) return true;
  problem_add(problem, "bad_value", "name", NULL, NULL, "a token's name has 1 to 64 characters and no control characters");
  return false;
}

void handle_auth_token_create(struct call *call) {
  struct token token = {.created_at = now_ms(call->api)};
  const struct json *days = json_member(call->body, "expires_in_days");
  char secret[TOKEN_TEXT_BYTES];
  struct problem problem;
  if (!has_database(call)) return;
  problem_clear(&problem);
  bool is_good = name_is_good(text_of(call, "name"), &problem);
  is_good &= role_parse(text_of(call, "role"), "role", &token.role, &problem);
  bool has_days = days != NULL && json_kind(days) == JSON_INT;
  if (has_days && (json_int(days) < 1 || json_int(days) > 3650)) {
    problem_add(&problem, "out_of_bounds", "expires_in_days", NULL, "1 to 3650", "must be from 1 to 3650");
    is_good = false;
  }
  if (!is_good) {
    call_fail_problem(call, 422, "validation_failed", &problem);
    return;
  }
  if (has_days) token.expires_at = token.created_at + json_int(days) * 86400000;
  text_copy(token.name, sizeof token.name, text_of(call, "name"));
  text_copy(token.created_by, sizeof token.created_by, call->caller.user);
  enum status status = accounts_add_token(&call->api->access->accounts, &token, secret, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  change_tell(call->change, token.id, NULL, NULL);
  call_begin(call);
  json_add_string(&call->writer, "token", secret);
  write_token(&token, &call->writer);
  call_end(call, 200);
  explicit_bzero(secret, sizeof secret);
}

void handle_auth_token_revoke(struct call *call) {
  struct accounts *accounts = &call->api->access->accounts;
  struct problem problem;
  if (!has_database(call)) return;
  problem_clear(&problem);
  const struct token *token = accounts_token(accounts, call->parameter);
  if (token == NULL) {
    call_fail(call, 404, "not_found", "there is no such token");
    return;
  }
  if (token->is_local) {
    call_fail(call, 409, "in_use", "this token is that of the machine's own programs: it ends with this run of the server and cannot be revoked");
    return;
  }
  change_tell(call->change, NULL, "{\"revoked\":false}", "{\"revoked\":true}");
  enum status status = accounts_revoke_token(accounts, call->parameter, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  succeed(call);
}

/* ---- users ---- */

void handle_auth_users(struct call *call) {
  const struct accounts *accounts = &call->api->access->accounts;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int i = 0; i < accounts->user_count; i++) {
    json_begin_object(&call->writer, NULL);
    write_user(&accounts->users[i], &call->writer);
    json_end_object(&call->writer);
  }
  end_list(call, accounts->user_count);
}

static void answer_user(struct call *call, const struct user *user) {
  call_begin(call);
  write_user(user, &call->writer);
  call_end(call, 200);
}

/* The logins of a user whose rights or password changed end; but not the one that asks. */
static void put_user(struct call *call, const struct user *user) {
  struct access *access = call->api->access;
  struct problem problem;
  problem_clear(&problem);
  const struct user *old = accounts_user(&access->accounts, user->name);
  bool is_last = old != NULL && old->role == API_ROLE_ADMIN && !old->is_disabled && accounts_other_admins(&access->accounts, user->name) == 0;
  if (is_last && (user->role != API_ROLE_ADMIN || user->is_disabled)) {
    call_fail(call, 409, "in_use", "%s is the last admin", user->name);
    return;
  }
  tell_user(call->change, old, user);
  enum status status = accounts_put_user(&access->accounts, user, &problem);
  const char *own = call->caller.is_login && text_equal(call->caller.user, user->name) ? call->caller.login_id : NULL;
  if (!status) status = logins_end_user(&access->logins, user->name, own, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  answer_user(call, user);
}

static void finish_user(struct call *call, const struct password_work *work, const struct password_job *job) {
  struct user user = work->user;
  if (!job->has_hash) {
    call_fail(call, 503, "not_ready", "there is not enough memory for the password's hash");
    return;
  }
  text_copy(user.hash, sizeof user.hash, job->hash);
  put_user(call, &user);
}

static void take_flag(const struct call *call, const char *name, bool *out) {
  const struct json *value = json_member(call->body, name);
  if (value != NULL && json_kind(value) == JSON_BOOL) *out = json_bool(value);
}

static void hash_and_put(struct call *call, const struct user *user, const char *password) {
  struct password_work work = {.finish = finish_user, .user = *user};
  struct password_job job = {.hashes = true};
  text_copy(job.hash_password, sizeof job.hash_password, password);
  defer(call, &job, &work);
}

void handle_auth_user_create(struct call *call) {
  struct user user = {.created_at = now_ms(call->api)};
  const char *name = text_of(call, "username");
  const char *password = text_of(call, "password");
  struct problem problem;
  if (!has_database(call)) return;
  problem_clear(&problem);
  bool is_good = user_name_is_good(name, "username", &problem);
  is_good &= password_is_good(password, "password", &problem);
  is_good &= role_parse(text_of(call, "role"), "role", &user.role, &problem);
  if (!is_good) {
    call_fail_problem(call, 422, "validation_failed", &problem);
    wipe_body(call);
    return;
  }
  change_tell(call->change, name, NULL, NULL);
  if (accounts_user(&call->api->access->accounts, name) != NULL) {
    call_fail(call, 409, "already_exists", "there is a user %s already", name);
    wipe_body(call);
    return;
  }
  text_copy(user.name, sizeof user.name, name);
  take_flag(call, "disabled", &user.is_disabled);
  hash_and_put(call, &user, password);
}

void handle_auth_user_change(struct call *call) {
  const struct user *old = accounts_user(&call->api->access->accounts, call->parameter);
  const char *password = text_of(call, "password");
  const char *role = text_of(call, "role");
  struct problem problem;
  if (!has_database(call)) return;
  problem_clear(&problem);
  if (old == NULL) {
    call_fail(call, 404, "not_found", "there is no such user");
    wipe_body(call);
    return;
  }
  struct user user = *old;
  bool is_good = password == NULL || password_is_good(password, "password", &problem);
  if (role != NULL) is_good &= role_parse(role, "role", &user.role, &problem);
  if (!is_good) {
    call_fail_problem(call, 422, "validation_failed", &problem);
    wipe_body(call);
    return;
  }
  take_flag(call, "disabled", &user.is_disabled);
  if (password != NULL) {
    hash_and_put(call, &user, password);
  } else {
    put_user(call, &user);
  }
}

void handle_auth_user_delete(struct call *call) {
  struct access *access = call->api->access;
  const struct user *user = accounts_user(&access->accounts, call->parameter);
  struct problem problem;
  if (!has_database(call)) return;
  problem_clear(&problem);
  if (user == NULL) {
    call_fail(call, 404, "not_found", "there is no such user");
    return;
  }
  bool is_admin = user->role == API_ROLE_ADMIN && !user->is_disabled;
  if (is_admin && accounts_other_admins(&access->accounts, user->name) == 0) {
    call_fail(call, 409, "in_use", "%s is the last admin", call->parameter);
    return;
  }
  tell_user(call->change, user, NULL);
  enum status status = logins_end_user(&access->logins, call->parameter, NULL, &problem);
  if (!status) status = accounts_remove_user(&access->accounts, call->parameter, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  succeed(call);
}

/* ---- the audit log ---- */

static const struct {
  const char *member, *column;
} audit_columns[] = {{"audit_id", "audit_id"}, {"ts", "ts"},         {"user", "username"}, {"token", "token_id"},        {"role", "role"},
                     {"address", "address"},   {"action", "action"}, {"target", "target"}, {"request_id", "request_id"}, {"result", "result"},
                     {"before", "before"},     {"after", "after"}};
enum { AUDIT_COLUMNS = sizeof audit_columns / sizeof audit_columns[0] };

struct audit_page {
  struct call *call;
  bool is_csv;
  int64_t limit, seen, last_id;
};

static void write_audit_json(struct json_writer *writer, const char *member, const struct row_value *value) {
  bool is_raw = text_equal(member, "before") || text_equal(member, "after");
  if (value == NULL || value->kind == ROW_VALUE_NULL) {
    json_add_null(writer, member);
  } else if (value->kind == ROW_VALUE_INT) {
    json_add_int(writer, member, value->integer);
  } else if (is_raw) {
    json_add_raw(writer, member, value->text);
  } else {
    json_add_string(writer, member, value->text);
  }
}

static void write_audit_csv(struct buffer *out, const struct row_value *value) {
  if (value == NULL || value->kind == ROW_VALUE_NULL) return;
  if (value->kind == ROW_VALUE_INT) {
    buffer_add_format(out, "%lld", (long long)value->integer);
  } else {
    table_add_csv_cell(out, value->text);
  }
}

/* One row more than the page is read: it tells that there is a next page. */
static bool write_audit_row(void *context, const struct row_value *values, int count) {
  struct audit_page *page = context;
  if (++page->seen > page->limit) return false;
  const struct row_value *id = row_value_of(values, count, "audit_id");
  if (id != NULL) page->last_id = id->integer;
  struct json_writer *writer = &page->call->writer;
  struct buffer *out = &page->call->reply->body;
  if (!page->is_csv) json_begin_object(writer, NULL);
  for (int i = 0; i < AUDIT_COLUMNS; i++) {
    const struct row_value *value = row_value_of(values, count, audit_columns[i].column);
    if (!page->is_csv) {
      write_audit_json(writer, audit_columns[i].member, value);
    } else {
      if (i > 0) buffer_add_text(out, ",");
      write_audit_csv(out, value);
    }
  }
  if (page->is_csv) {
    buffer_add_text(out, "\n");
  } else {
    json_end_object(writer);
  }
  return true;
}

static bool add_times(struct call *call, struct rows_query *query, char texts[2][24]) {
  static const char *const names[] = {"from", "to"};
  static const enum row_compare compares[] = {ROWS_AT_LEAST, ROWS_BELOW};
  for (int i = 0; i < 2; i++) {
    const char *value = http_argument(call->request, names[i]);
    int64_t time;
    struct text text;
    if (value == NULL) continue;
    if (!calendar_parse(value, &time)) {
      call_fail(call, 400, "bad_parameter", "%s must be a time: ms since 1970, or 2025-05-10T12:00:00Z", names[i]);
      return false;
    }
    text_init(&text, texts[i], sizeof texts[i]);
    text_add_i64(&text, time);
    rows_query_add(query, "ts", compares[i], texts[i]);
  }
  return true;
}

static bool add_cursor(struct call *call, struct rows_query *query) {
  const char *cursor = http_argument(call->request, "cursor");
  const char *order = http_argument(call->request, "order");
  int64_t id;
  if (order != NULL && !text_equal(order, "asc") && !text_equal(order, "desc")) {
    call_fail(call, 400, "bad_parameter", "order must be asc or desc");
    return false;
  }
  query->is_ascending = order != NULL && text_equal(order, "asc");
  if (cursor == NULL) return true;
  if (!text_parse_i64(cursor, &id) || id < 1) {
    call_fail(call, 400, "bad_parameter", "cursor is not of this list");
    return false;
  }
  rows_query_add(query, "audit_id", query->is_ascending ? ROWS_ABOVE : ROWS_BELOW, cursor);
  return true;
}

static bool wants_csv(const struct http_request *request) {
  const char *format = http_argument(request, "format");
  if (format != NULL) return text_equal(format, "csv");
  return request->accept != NULL && strstr(request->accept, "text/csv") != NULL;
}

static void begin_audit(struct audit_page *page) {
  struct call *call = page->call;
  if (!page->is_csv) {
    call_begin(call);
    json_begin_array(&call->writer, "items");
    return;
  }
  for (int i = 0; i < AUDIT_COLUMNS; i++) buffer_add_format(&call->reply->body, "%s%s", i > 0 ? "," : "", audit_columns[i].member);
  buffer_add_text(&call->reply->body, "\n");
}

static void end_audit(struct audit_page *page, int64_t total) {
  struct call *call = page->call;
  char cursor[24];
  if (page->is_csv) {
    call->reply->status = 200;
    call->reply->content_type = "text/csv; charset=utf-8";
    return;
  }
  snprintf(cursor, sizeof cursor, "%lld", (long long)page->last_id);
  json_end_array(&call->writer);
  json_add_string(&call->writer, "next_cursor", page->seen > page->limit ? cursor : NULL);
  json_add_int(&call->writer, "total", total);
  call_end(call, 200);
}

void handle_audit_list(struct call *call) {
  struct audit_page page = {.call = call, .is_csv = wants_csv(call->request), .limit = 100};
  struct rows_query query = {.table = "audit", .order = "audit_id"};
  char times[2][24];
  struct problem problem;
  int64_t total = 0;
  const char *user = http_argument(call->request, "user");
  const char *action = http_argument(call->request, "action");
  if (!has_database(call) || !call_number(call, "limit", 1, 1000, &page.limit)) return;
  problem_clear(&problem);
  if (user != NULL) rows_query_add(&query, "username", ROWS_EQUAL, user);
  if (action != NULL) rows_query_add(&query, "action", ROWS_EQUAL, action);
  if (!add_times(call, &query, times)) return;
  const struct row_port *rows = call->api->options.rows;
  enum status status = rows->count(rows->self, &query, &total, &problem);
  if (!add_cursor(call, &query)) return;
  query.limit = page.limit + 1;
  begin_audit(&page);
  if (!status) status = rows->select(rows->self, &query, write_audit_row, &page, &problem);
  if (status) {
    fail_database(call, status, &problem);
    return;
  }
  end_audit(&page, total);
}
