/* Lists: filters by field, time range, pages, JSON or CSV. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_state.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/table.h"
#include "core/market/symbol.h"

enum { FIELD_TEXT_BYTES = 512 };

void listing_add(struct listing *listing, const void *object) {
  if (listing->count == listing->capacity) {
    listing->capacity = listing->capacity > 0 ? 2 * listing->capacity : 64;
    listing->items = realloc(listing->items, (size_t)listing->capacity * sizeof listing->items[0]);
    check(listing->items != NULL);
  }
  listing->items[listing->count++] = object;
}

static void field_text(const struct field *field, const void *object, char out[FIELD_TEXT_BYTES]) {
  struct text text;
  text_init(&text, out, FIELD_TEXT_BYTES);
  schema_field_text(field, object, &text);
}

/* Is the argument one that does not name a field? */
static bool is_paging(const char *name) {
  static const char *const words[] = {"limit", "cursor", "order", "format", "from", "to"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (text_equal(name, words[i])) return true;
  }
  return false;
}

static bool item_fits(const struct http_argument *argument, const struct field *field, const void *object) {
  char value[FIELD_TEXT_BYTES];
  char printed[SYMBOL_TEXT_MAX];
  char venue[SYMBOL_TEXT_MAX];
  field_text(field, object, value);
  if (text_equal(field->name, "symbol") && symbol_parse(argument->value, printed, venue)) return text_equal(value, printed);
  return strcasecmp(value, argument->value) == 0;
}

/* An enum's filter must be one of its words. */
static bool argument_is_good(struct call *call, const struct http_argument *argument, const struct field *field) {
  if (field->kind != FIELD_KIND_ENUM) return true;
  for (int32_t i = 0; i < field->name_count; i++) {
    if (strcasecmp(field->names[i], argument->value) == 0) return true;
  }
  call_fail(call, 400, "bad_parameter", "%s has no value '%s'", argument->name, argument->value);
  return false;
}

static void keep_only(struct listing *listing, const struct http_argument *argument, const struct field *field) {
  int32_t kept = 0;
  for (int32_t i = 0; i < listing->count; i++) {
    if (item_fits(argument, field, listing->items[i])) listing->items[kept++] = listing->items[i];
  }
  listing->count = kept;
}

/* state=open, closed and all are handled by who gathered the items. */
static bool is_gathered(const struct http_argument *argument) {
  if (!text_equal(argument->name, "state")) return false;
  return text_equal(argument->value, "open") || text_equal(argument->value, "closed") || text_equal(argument->value, "all");
}

static bool filter(struct call *call, struct listing *listing, const struct schema *schema) {
  for (int i = 0; i < call->request->argument_count; i++) {
    const struct http_argument *argument = &call->request->arguments[i];
    if (is_paging(argument->name) || is_gathered(argument)) continue;
    const struct field *field = schema_field(schema, argument->name);
    check(field != NULL);
    if (!argument_is_good(call, argument, field)) return false;
    keep_only(listing, argument, field);
  }
  return true;
}

static bool take_time(struct call *call, const char *name, int64_t fallback, int64_t *out) {
  const char *text = http_argument(call->request, name);
  *out = fallback;
  if (text == NULL || calendar_parse(text, out)) return true;
  call_fail(call, 400, "bad_parameter", "%s must be a time: ms since 1970, or 2025-05-10T12:00:00Z", name);
  return false;
}

static bool cut_range(struct call *call, struct listing *listing, const struct field *field) {
  int64_t from;
  int64_t to;
  if (!take_time(call, "from", INT64_MIN, &from) || !take_time(call, "to", INT64_MAX, &to)) return false;
  int32_t kept = 0;
  for (int32_t i = 0; i < listing->count; i++) {
    int64_t ts;
    memcpy(&ts, (const char *)listing->items[i] + field->offset, sizeof ts);
    if (ts >= from && ts < to) listing->items[kept++] = listing->items[i];
  }
  listing->count = kept;
  return true;
}

static bool order(struct call *call, struct listing *listing) {
  const char *text = http_argument(call->request, "order");
  if (text == NULL || text_equal(text, "desc")) return true;
  if (!text_equal(text, "asc")) {
    call_fail(call, 400, "bad_parameter", "order must be asc or desc");
    return false;
  }
  for (int32_t i = 0; i < listing->count / 2; i++) {
    const void *swap = listing->items[i];
    listing->items[i] = listing->items[listing->count - 1 - i];
    listing->items[listing->count - 1 - i] = swap;
  }
  return true;
}

/* The cursor is the id of the last item shown; the page begins behind it. */
static bool find_page(struct call *call, const struct listing *listing, const struct field *id, int32_t *start) {
  const char *cursor = http_argument(call->request, "cursor");
  char value[FIELD_TEXT_BYTES];
  *start = 0;
  if (cursor == NULL) return true;
  for (int32_t i = 0; i < listing->count; i++) {
    field_text(id, listing->items[i], value);
    if (!text_equal(value, cursor)) continue;
    *start = i + 1;
    return true;
  }
  call_fail(call, 400, "bad_parameter", "cursor is not of this list");
  return false;
}

static bool wants_csv(const struct http_request *request) {
  const char *format = http_argument(request, "format");
  if (format != NULL) return text_equal(format, "csv");
  return request->accept != NULL && strstr(request->accept, "text/csv") != NULL;
}

static void answer_csv(struct call *call, const struct listing *listing, const struct schema *schema, int32_t start, int32_t end) {
  struct buffer *out = &call->reply->body;
  char value[16384];
  for (int f = 0; f < schema->field_count; f++) buffer_add_format(out, "%s%s", f > 0 ? "," : "", schema->fields[f].name);
  buffer_add_text(out, "\n");
  for (int32_t i = start; i < end; i++) {
    for (int f = 0; f < schema->field_count; f++) {
      struct text text;
      text_init(&text, value, sizeof value);
      schema_field_text(&schema->fields[f], listing->items[i], &text);
      if (f > 0) buffer_add_text(out, ",");
      table_add_csv_cell(out, value);
    }
    buffer_add_text(out, "\n");
  }
  call->reply->status = 200;
  call->reply->content_type = "text/csv; charset=utf-8";
}

static void answer_json(struct call *call, const struct listing *listing, enum record_kind kind, const struct field *id, int32_t start, int32_t end) {
  char cursor[FIELD_TEXT_BYTES];
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int32_t i = start; i < end; i++) write_record(call->api, kind, listing->items[i], &call->writer);
  json_end_array(&call->writer);
  if (end < listing->count && end > start) field_text(id, listing->items[end - 1], cursor);
  json_add_string(&call->writer, "next_cursor", end < listing->count && end > start ? cursor : NULL);
  json_add_int(&call->writer, "total", listing->count);
  call_end(call, 200);
}

void listing_answer(struct call *call, struct listing *listing, enum record_kind kind, const char *id_field, const char *time_field) {
  const struct schema *schema = record_schemas[kind];
  const struct field *id = schema_field(schema, id_field);
  const struct field *time = schema_field(schema, time_field);
  check(id != NULL && time != NULL);
  int64_t limit = 100;
  int32_t start;
  bool is_good = call_number(call, "limit", 1, 1000, &limit) && filter(call, listing, schema) && cut_range(call, listing, time) &&
                 order(call, listing) && find_page(call, listing, id, &start);
  if (is_good) {
    int32_t end = listing->count - start > limit ? start + (int32_t)limit : listing->count;
    if (wants_csv(call->request)) {
      answer_csv(call, listing, schema, start, end);
    } else {
      answer_json(call, listing, kind, id, start, end);
    }
  }
  free(listing->items);
}
