#include "api/access/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access/access.h"
#include "base/check.h"
#include "base/log.h"

enum { BODY_SHOWN_BYTES = 16384, CLIENT_GONE = 499 };

struct change {
  struct change *next; /* of the deferred ones */
  struct api *api;
  const struct http_request *request;
  struct http_reply *reply;
  void (*send)(struct http_reply *reply); /* the adapter's */
  struct caller caller;
  char action[AUDIT_ACTION_BYTES], target[AUDIT_TARGET_BYTES], request_id[HTTP_ID_BYTES];
  char *before, *after; /* owned JSON or NULL */
  int64_t audit_id;     /* 0: no row is open */
  int64_t began_ms;
  char key[IDEMPOTENCY_KEY_MAX + 1], owner[96], digest[DIGEST_TEXT_MAX];
  bool hides_reply; /* the reply holds a secret, which is not stored */
  bool is_without_audit;
};

static int64_t now_ms(const struct api *api) {
  return api->options.clock->now_ms(api->options.clock->self);
}

/* ---- what the body says, without secrets ---- */

static bool is_secret_name(const char *key) {
  static const char *const names[] = {"password", "old_password", "new_password", "code", "token", "secret"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (text_equal(names[i], key)) return true;
  }
  return false;
}

static void copy_value(void *context, const char *key, const struct json *value) {
  struct json_writer *writer = context;
  if (key != NULL && is_secret_name(key)) {
    json_add_string(writer, key, "***");
    return;
  }
  if (json_kind(value) == JSON_OBJECT) {
    json_begin_object(writer, key);
    json_each(value, copy_value, writer);
    json_end_object(writer);
  } else if (json_kind(value) == JSON_ARRAY) {
    json_begin_array(writer, key);
    for (size_t i = 0; i < json_size(value); i++) copy_value(writer, NULL, json_item(value, i));
    json_end_array(writer);
  } else {
    json_add_value(writer, key, value);
  }
}

static int depth_of(const struct json *value);

static void deepen(void *context, const char *key, const struct json *value) {
  (void)key;
  int *depth = context;
  int inside = depth_of(value);
  if (inside > *depth) *depth = inside;
}

static int depth_of(const struct json *value) {
  int depth = 0;
  if (json_kind(value) == JSON_OBJECT) json_each(value, deepen, &depth);
  for (size_t i = 0; json_kind(value) == JSON_ARRAY && i < json_size(value); i++) deepen(&depth, NULL, json_item(value, i));
  return depth + 1;
}

/* NULL for an empty body; of one too large or too deep only its size. */
static char *shown_body(const struct call *call) {
  struct buffer out = {0};
  if (call->body == NULL || json_kind(call->body) != JSON_OBJECT || json_size(call->body) == 0) return NULL;
  if (call->request->body_length > BODY_SHOWN_BYTES || depth_of(call->body) > 24) {
    buffer_add_format(&out, "{\"body_bytes\":%zu}", call->request->body_length);
    return out.data;
  }
  struct json_writer writer;
  json_writer_init(&writer, &out, false);
  copy_value(&writer, NULL, call->body);
  return out.data;
}

/* ---- audit ---- */

static struct audit_row row_of(const struct change *change) {
  const struct caller *caller = &change->caller;
  return (struct audit_row){.audit_id = change->audit_id,
                            .ts = change->began_ms,
                            .user = caller->user[0] != '\0' ? caller->user : NULL,
                            .token_id = caller->token_id[0] != '\0' ? caller->token_id : NULL,
                            .role = api_role_names[caller->role],
                            .address = caller->address,
                            .action = change->action,
                            .target = change->target[0] != '\0' ? change->target : NULL,
                            .request_id = change->request_id,
                            .before = change->before,
                            .after = change->after};
}

static void open_audit(struct change *change, struct problem *problem, enum status *status) {
  const struct row_port *rows = change->api->options.rows;
  struct audit_row row = row_of(change);
  *status = audit_append(rows, &row, problem);
  if (!*status) change->audit_id = row.audit_id;
}

static void finish_audit(struct change *change, int result) {
  const struct row_port *rows = change->api->options.rows;
  struct problem problem;
  struct audit_row row = row_of(change);
  problem_clear(&problem);
  if (change->is_without_audit) return;
  row.result = result;
  enum status status = audit_finish(rows, &row, now_ms(change->api), &problem);
  if (status)
    log_write(LOG_ERROR, "api", "audit", NULL, "the outcome %d of request %s (%s) could not be added to its audit row", result, change->request_id,
              change->action);
}

void audit_refusal(struct call *call, int status) {
  struct api *api = call->api;
  struct problem problem;
  char action[AUDIT_ACTION_BYTES];
  if (api->options.rows == NULL) return;
  snprintf(action, sizeof action, "%s %s", call->route->method, call->route->path);
  const struct caller *caller = &call->caller;
  struct audit_row row = {.ts = now_ms(api),
                          .user = caller->user[0] != '\0' ? caller->user : NULL,
                          .token_id = caller->token_id[0] != '\0' ? caller->token_id : NULL,
                          .role = api_role_names[caller->role],
                          .address = caller->address,
                          .action = action,
                          .target = call->parameter[0] != '\0' ? call->parameter : NULL,
                          .request_id = call->request->id,
                          .result = status};
  problem_clear(&problem);
  if (audit_append(api->options.rows, &row, &problem))
    log_write(LOG_ERROR, "api", "audit", NULL, "a refusal (%d) of %s is missing in the audit log: it cannot be written", status, action);
}

/* ---- Idempotency-Key ---- */

struct stored {
  bool is_found, has_reply;
  int status;
  int64_t created_at;
  char digest[DIGEST_TEXT_MAX];
  struct buffer *body;
};

static bool take_stored(void *context, const struct row_value *values, int count) {
  struct stored *stored = context;
  const struct row_value *digest = row_value_of(values, count, "request_hash");
  const struct row_value *status = row_value_of(values, count, "status");
  const struct row_value *response = row_value_of(values, count, "response");
  const struct row_value *created = row_value_of(values, count, "created_at");
  stored->is_found = true;
  if (digest != NULL && digest->kind == ROW_VALUE_TEXT) text_copy(stored->digest, sizeof stored->digest, digest->text);
  if (created != NULL && created->kind == ROW_VALUE_INT) stored->created_at = created->integer;
  stored->has_reply = response != NULL && response->kind == ROW_VALUE_TEXT;
  if (status != NULL && status->kind == ROW_VALUE_INT) stored->status = (int)status->integer;
  if (stored->has_reply) buffer_add_text(stored->body, response->text);
  return false;
}

static void key_query(const struct change *change, struct rows_query *query) {
  *query = (struct rows_query){.table = "idempotency", .order = "created_at", .limit = 1};
  rows_query_add(query, "username", ROWS_EQUAL, change->owner);
  rows_query_add(query, "key", ROWS_EQUAL, change->key);
}

static bool key_is_good(const char *key) {
  size_t length = strlen(key);
  for (size_t i = 0; i < length; i++) {
    if (key[i] < 0x21 || key[i] > 0x7e) return false;
  }
  return length >= 1 && length <= IDEMPOTENCY_KEY_MAX;
}

/* A file is told by its name and size. */
static void hash_form(struct digest *digest, const struct http_upload *upload) {
  digest_add(digest, upload->file_name, strlen(upload->file_name) + 1);
  digest_add(digest, &upload->bytes, sizeof upload->bytes);
  for (int i = 0; i < upload->field_count; i++) {
    digest_add(digest, upload->fields[i].name, strlen(upload->fields[i].name) + 1);
    digest_add(digest, upload->fields[i].value, strlen(upload->fields[i].value) + 1);
  }
}

static void hash_request(const struct http_request *request, char out[DIGEST_TEXT_MAX]) {
  struct digest digest;
  digest_open(&digest);
  digest_add(&digest, request->method, strlen(request->method) + 1);
  digest_add(&digest, request->target, strlen(request->target) + 1);
  digest_add(&digest, request->body, request->body_length);
  if (request->upload != NULL) hash_form(&digest, request->upload);
  digest_read(&digest, out);
  digest_close(&digest);
}

static bool is_running(const struct change *change) {
  for (const struct change *at = change->api->access->changes; at != NULL; at = at->next) {
    if (text_equal(at->key, change->key) && text_equal(at->owner, change->owner)) return true;
  }
  return false;
}

/* What was asked before with this key is answered; true when it was. */
static bool answer_stored(struct call *call, const struct change *change, const struct stored *stored) {
  if (!text_equal(stored->digest, change->digest)) {
    call_fail(call, 409, "idempotency_conflict", "this Idempotency-Key belongs to another request");
  } else if (is_running(change)) {
    call_fail(call, 409, "idempotency_conflict", "the first request with this Idempotency-Key is still running");
    call->reply->retry_after_s = 1;
  } else if (!stored->has_reply) {
    call_fail(call, 409, "idempotency_conflict",
              "the first request with this Idempotency-Key was begun; its reply is not kept: look what came of it");
  } else {
    buffer_clear(&call->reply->body);
    buffer_add(&call->reply->body, stored->body->data, stored->body->length);
    call->reply->status = stored->status;
    call->reply->content_type = stored->status >= 400 ? "application/problem+json" : "application/json";
    check(http_reply_add(call->reply, "Idempotent-Replay", "true"));
  }
  return true;
}

static bool store_unavailable(struct call *call) {
  call_fail(call, 503, "not_ready", "the database cannot be written now: nothing was done");
  call->reply->retry_after_s = 1;
  return false;
}

/* False: the call has been answered. */
static bool begin_key(struct call *call, struct change *change) {
  const struct row_port *rows = call->api->options.rows;
  const char *key = http_header(call->request, "Idempotency-Key");
  if (key == NULL || rows == NULL) return true;
  if (!key_is_good(key)) {
    call_fail(call, 400, "bad_parameter", "Idempotency-Key has 1 to %d printable characters", IDEMPOTENCY_KEY_MAX);
    return false;
  }
  text_copy(change->key, sizeof change->key, key);
  hash_request(call->request, change->digest);
  struct problem problem;
  struct buffer body = {0};
  struct stored stored = {.body = &body};
  struct rows_query query;
  problem_clear(&problem);
  key_query(change, &query);
  enum status status = rows->select(rows->self, &query, take_stored, &stored, &problem);
  bool is_old = stored.is_found && now_ms(call->api) - stored.created_at > IDEMPOTENCY_KEPT_MS;
  bool is_answered = !status && stored.is_found && !is_old && answer_stored(call, change, &stored);
  buffer_deinit(&body);
  if (is_answered) return false;
  if (!status && is_old) status = rows->remove(rows->self, &query, NULL, &problem);
  const struct row_value values[] = {row_text("key", change->key), row_text("username", change->owner), row_text("request_hash", change->digest),
                                     row_int("created_at", now_ms(call->api))};
  if (!status) status = rows->insert(rows->self, "idempotency", values, (int)(sizeof values / sizeof values[0]), NULL, &problem);
  if (!status) return true;
  change->key[0] = '\0';
  return change->is_without_audit || (access_rule_of(call)->guards & GUARD_ACTS_UNAUDITED) ? true : store_unavailable(call);
}

static void forget_key(struct change *change) {
  const struct row_port *rows = change->api->options.rows;
  struct problem problem;
  struct rows_query which;
  if (change->key[0] == '\0' || rows == NULL) return;
  problem_clear(&problem);
  key_query(change, &which);
  which.order = NULL;
  which.limit = 0;
  if (rows->remove(rows->self, &which, NULL, &problem))
    log_write(LOG_WARNING, "api", "idempotency", NULL, "the key of request %s, which was not carried out, stays taken", change->request_id);
}

static void finish_key(struct change *change, const struct http_reply *reply) {
  const struct row_port *rows = change->api->options.rows;
  struct problem problem;
  struct rows_query which;
  if (change->key[0] == '\0' || rows == NULL) return;
  problem_clear(&problem);
  key_query(change, &which);
  which.order = NULL;
  which.limit = 0;
  bool keeps_reply = !change->hides_reply || reply->status >= 400;
  const struct row_value values[] = {row_int("status", reply->status),
                                     row_text("response", keeps_reply && reply->body.data != NULL ? reply->body.data : NULL)};
  if (rows->update(rows->self, &which, values, 2, NULL, &problem))
    log_write(LOG_ERROR, "api", "idempotency", NULL, "the reply of request %s could not be kept for its repetition", change->request_id);
}

void change_sweep(struct api *api, int64_t now) {
  struct problem problem;
  char before[24];
  struct text text;
  text_init(&text, before, sizeof before);
  text_add_i64(&text, now - IDEMPOTENCY_KEPT_MS);
  struct rows_query which = {.table = "idempotency"};
  rows_query_add(&which, "created_at", ROWS_BELOW, before);
  problem_clear(&problem);
  if (api->options.rows->remove(api->options.rows->self, &which, NULL, &problem))
    log_write(LOG_WARNING, "api", "idempotency", NULL, "old replies could not be removed");
}

/* ---- a change ---- */

static void change_free(struct change *change) {
  free(change->before);
  free(change->after);
  free(change);
}

static struct change *change_make(struct call *call) {
  struct change *change = calloc(1, sizeof *change);
  check(change != NULL);
  change->api = call->api;
  change->request = call->request;
  change->reply = call->reply;
  change->caller = call->caller;
  change->began_ms = now_ms(call->api);
  change->hides_reply = (access_rule_of(call)->guards & GUARD_HIDES_REPLY) != 0;
  change->after = shown_body(call);
  snprintf(change->action, sizeof change->action, "%s %s", call->route->method, call->route->path);
  snprintf(change->owner, sizeof change->owner, "%s",
           call->caller.token_id[0] != '\0' ? call->caller.token_id
           : call->caller.user[0] != '\0'   ? call->caller.user
                                            : call->caller.address);
  text_copy(change->target, sizeof change->target, call->parameter);
  text_copy(change->request_id, sizeof change->request_id, call->request->id);
  return change;
}

bool change_begin(struct call *call) {
  struct api *api = call->api;
  if (text_equal(call->route->method, "GET")) return true;
  struct change *change = change_make(call);
  change->is_without_audit = api->options.rows == NULL;
  if (!begin_key(call, change)) {
    change_free(change);
    return false;
  }
  enum status status = STATUS_OK;
  struct problem problem;
  problem_clear(&problem);
  if (!change->is_without_audit) open_audit(change, &problem, &status);
  if (status && !(access_rule_of(call)->guards & GUARD_ACTS_UNAUDITED)) {
    forget_key(change);
    change_free(change);
    return store_unavailable(call);
  }
  if (status) {
    change->is_without_audit = true;
    log_write(LOG_ERROR, "api", "audit", NULL, "%s by %s from %s (request %s) acts without an audit row: it cannot be written", change->action,
              change->caller.user, change->caller.address, change->request_id);
  }
  call->change = change;
  return true;
}

static void finish(struct change *change) {
  finish_audit(change, change->reply->status);
  finish_key(change, change->reply);
}

static void unlink_change(struct change *change) {
  struct change **at = &change->api->access->changes;
  while (*at != change) at = &(*at)->next;
  *at = change->next;
}

/* In the place of the adapter's send: the row is written before the reply goes. */
static void send_deferred(struct http_reply *reply) {
  struct change *change = reply->context;
  reply->context = NULL;
  reply->send = change->send;
  finish(change);
  unlink_change(change);
  change_free(change);
  reply->send(reply);
}

void change_end(struct call *call) {
  struct change *change = call->change;
  if (change == NULL) return;
  if (call->reply->is_deferred) {
    change->send = call->reply->send;
    call->reply->send = send_deferred;
    call->reply->context = change;
    change->next = call->api->access->changes;
    call->api->access->changes = change;
    return;
  }
  finish(change);
  change_free(change);
  call->change = NULL;
}

void change_gone(struct api *api, const struct http_reply *reply) {
  for (struct change *at = api->access->changes; at != NULL; at = at->next) {
    if (at->reply != reply) continue;
    finish_audit(at, CLIENT_GONE);
    unlink_change(at);
    change_free(at);
    return;
  }
}

void changes_close(struct api *api) {
  while (api->access->changes != NULL) {
    struct change *change = api->access->changes;
    api->access->changes = change->next;
    change_free(change);
  }
}

static void replace(char **place, const char *text) {
  if (text == NULL) return;
  free(*place);
  *place = strdup(text);
  check(*place != NULL);
}

void change_tell(struct change *change, const char *target, const char *before, const char *after) {
  if (change == NULL) return;
  if (target != NULL) text_copy(change->target, sizeof change->target, target);
  replace(&change->before, before);
  replace(&change->after, after);
}

void change_tell_user(struct change *change, const char *user, enum api_role role) {
  if (change == NULL) return;
  text_copy(change->caller.user, sizeof change->caller.user, user);
  change->caller.role = role;
}
