#include "api/access/audit.h"

#include <string.h>

#include "base/text.h"

/* ---- the hash of a row ---- */

/* SHA-256 over the JSON array of the former hash and all columns: in that form no two rows are the same text. */
static void hash_row(const struct audit_row *row, const char *prev_hash, char out[DIGEST_TEXT_MAX]) {
  struct buffer text = {0};
  struct json_writer writer;
  json_writer_init(&writer, &text, false);
  json_begin_array(&writer, NULL);
  json_add_string(&writer, NULL, prev_hash);
  json_add_int(&writer, NULL, row->audit_id);
  json_add_int(&writer, NULL, row->ts);
  const char *const texts[] = {row->user, row->token_id, row->role, row->address, row->action, row->target, row->request_id, row->before, row->after};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) json_add_string(&writer, NULL, texts[i]);
  if (row->result != 0) {
    json_add_int(&writer, NULL, row->result);
  } else {
    json_add_null(&writer, NULL);
  }
  json_end_array(&writer);
  digest_of(text.data, text.length, out);
  buffer_deinit(&text);
}

/* ---- the end of the chain ---- */

struct chain_end {
  int64_t audit_id;
  char hash[DIGEST_TEXT_MAX], prev_hash[DIGEST_TEXT_MAX];
};

static bool take_end(void *context, const struct row_value *values, int count) {
  struct chain_end *end = context;
  const struct row_value *id = row_value_of(values, count, "audit_id");
  const struct row_value *hash = row_value_of(values, count, "hash");
  const struct row_value *prev = row_value_of(values, count, "prev_hash");
  if (id != NULL && id->kind == ROW_VALUE_INT) end->audit_id = id->integer;
  if (hash != NULL && hash->kind == ROW_VALUE_TEXT) text_copy(end->hash, sizeof end->hash, hash->text);
  if (prev != NULL && prev->kind == ROW_VALUE_TEXT) text_copy(end->prev_hash, sizeof end->prev_hash, prev->text);
  return false;
}

static enum status read_end(const struct row_port *rows, struct chain_end *end, struct problem *problem) {
  const struct rows_query last = {.table = "audit", .order = "audit_id", .limit = 1};
  *end = (struct chain_end){0};
  return rows->select(rows->self, &last, take_end, end, problem);
}

/* ---- writing ---- */

static enum status insert_after(const struct row_port *rows, struct audit_row *row, const struct chain_end *end, struct problem *problem) {
  char hash[DIGEST_TEXT_MAX];
  row->audit_id = end->audit_id + 1;
  hash_row(row, end->hash, hash);
  const struct row_value values[] = {row_int("audit_id", row->audit_id),
                                     row_int("ts", row->ts),
                                     row_text("username", row->user),
                                     row_text("token_id", row->token_id),
                                     row_text("role", row->role),
                                     row_text("address", row->address),
                                     row_text("action", row->action),
                                     row_text("target", row->target),
                                     row_text("request_id", row->request_id),
                                     row_text("before", row->before),
                                     row_text("after", row->after),
                                     row_text("prev_hash", end->hash),
                                     row_text("hash", hash),
                                     row_int("result", row->result)};
  int count = (int)(sizeof values / sizeof values[0]);
  if (row->result == 0) --count; /* null */
  return rows->insert(rows->self, "audit", values, count, NULL, problem);
}

static enum status end_transaction(const struct row_port *rows, enum status status, struct problem *problem) {
  if (!status) status = rows->commit(rows->self, problem);
  if (status) rows->rollback(rows->self);
  return status;
}

enum status audit_append(const struct row_port *rows, struct audit_row *row, struct problem *problem) {
  struct chain_end end;
  enum status status = rows->begin(rows->self, problem);
  if (status) return status;
  status = read_end(rows, &end, problem);
  if (!status) status = insert_after(rows, row, &end, problem);
  return end_transaction(rows, status, problem);
}

static enum status update_last(const struct row_port *rows, const struct audit_row *row, const struct chain_end *end, struct problem *problem) {
  char hash[DIGEST_TEXT_MAX];
  char id[24];
  struct text text;
  text_init(&text, id, sizeof id);
  text_add_i64(&text, row->audit_id);
  hash_row(row, end->prev_hash, hash);
  struct rows_query which = {.table = "audit"};
  rows_query_add(&which, "audit_id", ROWS_EQUAL, id);
  const struct row_value values[] = {
      row_text("username", row->user), row_text("token_id", row->token_id), row_text("role", row->role),   row_text("target", row->target),
      row_int("result", row->result),  row_text("before", row->before),     row_text("after", row->after), row_text("hash", hash)};
  return rows->update(rows->self, &which, values, (int)(sizeof values / sizeof values[0]), NULL, problem);
}

enum status audit_finish(const struct row_port *rows, struct audit_row *row, int64_t now_ms, struct problem *problem) {
  struct chain_end end;
  enum status status = rows->begin(rows->self, problem);
  if (status) return status;
  status = read_end(rows, &end, problem);
  if (!status && end.audit_id == row->audit_id) {
    status = update_last(rows, row, &end, problem);
  } else if (!status) {
    row->ts = now_ms;
    status = insert_after(rows, row, &end, problem);
  }
  return end_transaction(rows, status, problem);
}

/* ---- checking ---- */

struct following {
  char hash[DIGEST_TEXT_MAX];
  int64_t count, last_id, broken_id;
};

enum { VERIFY_PAGE = 500 };

static const char *text_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_TEXT ? value->text : NULL;
}

static int64_t int_of(const struct row_value *values, int count, const char *column) {
  const struct row_value *value = row_value_of(values, count, column);
  return value != NULL && value->kind == ROW_VALUE_INT ? value->integer : 0;
}

static bool follow(void *context, const struct row_value *values, int count) {
  struct following *following = context;
  const struct audit_row row = {.audit_id = int_of(values, count, "audit_id"),
                                .ts = int_of(values, count, "ts"),
                                .user = text_of(values, count, "username"),
                                .token_id = text_of(values, count, "token_id"),
                                .role = text_of(values, count, "role"),
                                .address = text_of(values, count, "address"),
                                .action = text_of(values, count, "action"),
                                .target = text_of(values, count, "target"),
                                .request_id = text_of(values, count, "request_id"),
                                .result = (int)int_of(values, count, "result"),
                                .before = text_of(values, count, "before"),
                                .after = text_of(values, count, "after")};
  const char *prev = text_of(values, count, "prev_hash");
  const char *stored = text_of(values, count, "hash");
  char hash[DIGEST_TEXT_MAX];
  hash_row(&row, following->hash, hash);
  ++following->count;
  following->last_id = row.audit_id;
  /* A row that was taken away leaves a gap in the numbers as well. */
  bool is_good =
      row.audit_id == following->count && prev != NULL && stored != NULL && strcmp(prev, following->hash) == 0 && strcmp(stored, hash) == 0;
  if (!is_good) following->broken_id = row.audit_id;
  text_copy(following->hash, sizeof following->hash, hash);
  return is_good;
}

enum status audit_verify(const struct row_port *rows, int64_t *count, int64_t *broken_id, struct problem *problem) {
  struct following following = {0};
  enum status status;
  int64_t before;
  /* In pages, because one question may only take so long. */
  do {
    struct rows_query page = {.table = "audit", .order = "audit_id", .is_ascending = true, .limit = VERIFY_PAGE};
    char id[24];
    struct text text;
    before = following.count;
    text_init(&text, id, sizeof id);
    text_add_i64(&text, following.last_id);
    rows_query_add(&page, "audit_id", ROWS_ABOVE, id);
    status = rows->select(rows->self, &page, follow, &following, problem);
  } while (!status && following.broken_id == 0 && following.count == before + VERIFY_PAGE);
  *count = following.count;
  *broken_id = following.broken_id;
  return status;
}
