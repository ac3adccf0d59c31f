#include "api/row_page.h"

#include "base/text.h"

enum { ROW_ID_BYTES = 128 };

struct row_page {
  struct call *call;
  const char *id;
  row_page_write *write;
  int64_t left; /* rows of this page */
  bool has_more;
  char last[ROW_ID_BYTES];
};

static bool write_row(void *context, const struct row_value *values, int count) {
  struct row_page *page = context;
  const struct row_value *id = row_value_of(values, count, page->id);
  page->has_more = page->left == 0;
  if (page->has_more) return false;
  --page->left;
  text_copy(page->last, sizeof page->last, id != NULL && id->kind == ROW_VALUE_TEXT ? id->text : "");
  json_begin_object(&page->call->writer, NULL);
  page->write(page->call, values, count);
  json_end_object(&page->call->writer);
  return true;
}

void row_page_answer(struct call *call, struct rows_query *query, const char *id, bool is_ascending, const char *cursor, int64_t limit,
                     row_page_write *write) {
  const struct row_port *rows = call->api->options.rows;
  struct row_page page = {.call = call, .id = id, .write = write, .left = limit};
  struct problem problem;
  int64_t total = 0;
  problem_clear(&problem);
  enum status status = rows->count(rows->self, query, &total, &problem);
  if (cursor != NULL) rows_query_add(query, id, is_ascending ? ROWS_ABOVE : ROWS_BELOW, cursor);
  query->order = id;
  query->is_ascending = is_ascending;
  query->limit = limit + 1;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  if (!status) status = rows->select(rows->self, query, write_row, &page, &problem);
  if (status) {
    call_fail_problem(call, 503, "not_ready", &problem);
    return;
  }
  json_end_array(&call->writer);
  json_add_string(&call->writer, "next_cursor", page.has_more ? page.last : NULL);
  json_add_int(&call->writer, "total", total);
  call_end(call, 200);
}
