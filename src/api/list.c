/* Lists: the newest records from memory, older ones from the database, as one: filters by field, time range, pages, JSON or CSV.
 *
 * A list is ordered by time and, within a moment, by id; positions, whose time comes only with their first fill, by id alone. A cursor is the place
 * of the last item shown in that order, so that it stays good whatever comes, goes or moves from memory to the database. What is in memory hides its
 * row in the database, which may be up to a batch older. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/api_state.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/table.h"
#include "core/market/symbol.h"

enum { FIELD_TEXT_BYTES = 512, FILTERS_MAX = 8, TOTAL_MAX = 10000, LIST_BUDGET_MS = 60 };

/* The place of an item in the list. */
struct place {
  int64_t time;
  int64_t number;          /* of an id */
  char text[ORDER_ID_MAX]; /* of an id that is no number */
};

struct list_filter {
  const char *column;
  const struct field *field; /* NULL: only the database knows it */
  char value[HTTP_ARGUMENT_BYTES];
};

/* One request for a list. */
struct page {
  struct call *call;
  enum record_kind kind;
  const struct schema *schema;
  const struct field *id, *time;
  const char *table; /* NULL: only memory */
  struct list_filter filters[FILTERS_MAX];
  int filter_count;
  int64_t from, to, limit;
  bool is_ascending, has_cursor, is_by_id;
  struct place cursor;
  const void *const *known; /* everything in memory, by place: hides rows */
  int32_t known_count;
  const char *run_id;   /* of the listing */
  struct listing shown; /* items that fit, behind the cursor, in order; one more than limit when there is more */
  int32_t from_memory;  /* how many of all that fit came from memory */
  struct listing rows;  /* owned copies of rows */
  bool has_failed;      /* the database could not be asked */
  bool is_complete;     /* the page is full: older rows need not be read */
  bool is_cut;          /* time was over: nothing behind cut_at was read */
  int64_t cut_at;
};

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

static int64_t field_i64(const struct field *field, const void *object) {
  int64_t value;
  memcpy(&value, (const char *)object + field->offset, sizeof value);
  return value;
}

/* ---- places ---- */

static struct place place_of(const struct page *page, const void *object) {
  struct place place = {.time = page->is_by_id ? 0 : field_i64(page->time, object)};
  if (page->id->kind == FIELD_KIND_TEXT) {
    text_copy(place.text, sizeof place.text, (const char *)object + page->id->offset);
  } else {
    place.number = field_i64(page->id, object);
  }
  return place;
}

static int compare_places(const struct place *a, const struct place *b) {
  if (a->time != b->time) return a->time < b->time ? -1 : 1;
  if (a->number != b->number) return a->number < b->number ? -1 : 1;
  return strcmp(a->text, b->text);
}

/* Does a come after b in the list? */
static bool is_behind(const struct page *page, const struct place *a, const struct place *b) {
  int order = compare_places(a, b);
  return page->is_ascending ? order > 0 : order < 0;
}

/* "1747008960000.D0000000012": time and id as they are printed. */
static void print_cursor(const struct page *page, const void *object, char out[FIELD_TEXT_BYTES]) {
  char id[FIELD_TEXT_BYTES];
  struct text text;
  struct place place = place_of(page, object);
  field_text(page->id, object, id);
  text_init(&text, out, FIELD_TEXT_BYTES);
  text_add_i64(&text, place.time);
  text_add_char(&text, '.');
  text_add(&text, id);
}

/* The same of the place before everything of a moment: number 0, or a text that sorts before every id. */
static void print_cut(const struct page *page, char out[FIELD_TEXT_BYTES]) {
  struct text text;
  text_init(&text, out, FIELD_TEXT_BYTES);
  text_add_i64(&text, page->cut_at);
  text_add_char(&text, '.');
  if (page->id->kind == FIELD_KIND_TEXT) {
    text_add(&text, "-");
  } else {
    text_add_id(&text, page->id->prefix, page->id->width, 0);
  }
}

static bool read_cursor(struct page *page) {
  const char *text = http_argument(page->call->request, "cursor");
  char time[24];
  if (text == NULL) return true;
  page->has_cursor = true;
  const char *dot = strchr(text, '.');
  size_t length = dot != NULL ? (size_t)(dot - text) : sizeof time;
  bool is_good = length > 0 && length < sizeof time && dot[1] != '\0' && strlen(dot + 1) < sizeof page->cursor.text;
  if (is_good) {
    memcpy(time, text, length);
    time[length] = '\0';
    is_good = text_parse_i64(time, &page->cursor.time) && (!page->is_by_id || page->cursor.time == 0);
  }
  if (is_good && page->id->kind == FIELD_KIND_TEXT) {
    text_copy(page->cursor.text, sizeof page->cursor.text, dot + 1);
  } else if (is_good) {
    char id[FIELD_TEXT_BYTES];
    struct text printed;
    page->cursor.number = parse_id(dot + 1, page->id->prefix);
    text_init(&printed, id, sizeof id);
    text_add_id(&printed, page->id->prefix, page->id->width, page->cursor.number);
    is_good = text_equal(id, dot + 1);
  }
  if (!is_good) call_fail(page->call, 400, "bad_parameter", "cursor is not of this list");
  return is_good;
}

/* ---- the question ---- */

/* Is the argument one that does not name a field? */
static bool is_paging(const char *name) {
  static const char *const words[] = {"limit", "cursor", "order", "format", "from", "to"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (text_equal(name, words[i])) return true;
  }
  return false;
}

/* state=open, closed and all are handled by who gathered the items. */
static bool is_gathered(const struct http_argument *argument) {
  if (!text_equal(argument->name, "state")) return false;
  return text_equal(argument->value, "open") || text_equal(argument->value, "closed") || text_equal(argument->value, "all");
}

/* Puts a value into the spelling that records have: words of enums, printed symbols, whole ids. */
static bool normalise(struct call *call, struct list_filter *filter) {
  const struct field *field = filter->field;
  char printed[SYMBOL_TEXT_MAX];
  char venue[SYMBOL_TEXT_MAX];
  if (text_equal(filter->column, "symbol")) {
    if (symbol_parse(filter->value, printed, venue)) text_copy(filter->value, sizeof filter->value, printed);
    return true;
  }
  if (field == NULL || (field->kind != FIELD_KIND_ENUM && field->kind != FIELD_KIND_ID)) return true;
  if (field->kind == FIELD_KIND_ID) {
    struct text text;
    int64_t number = parse_id(filter->value, field->prefix);
    text_init(&text, filter->value, sizeof filter->value);
    if (number > 0) text_add_id(&text, field->prefix, field->width, number);
    if (number > 0) return true;
    call_fail(call, 400, "bad_parameter", "%s must be an id like %c%0*d", filter->column, field->prefix, (int)field->width, 12);
    return false;
  }
  for (int32_t i = 0; i < field->name_count; i++) {
    if (strcasecmp(field->names[i], filter->value) != 0) continue;
    text_copy(filter->value, sizeof filter->value, field->names[i]);
    return true;
  }
  call_fail(call, 400, "bad_parameter", "%s has no value '%s'", filter->column, filter->value);
  return false;
}

static bool read_filters(struct page *page) {
  const struct http_request *request = page->call->request;
  for (int i = 0; i < request->argument_count; i++) {
    const struct http_argument *argument = &request->arguments[i];
    bool is_of_run = page->run_id != NULL && text_equal(argument->name, "run_id");
    if (is_paging(argument->name) || is_gathered(argument) || is_of_run) continue;
    check(page->filter_count < FILTERS_MAX);
    struct list_filter *filter = &page->filters[page->filter_count++];
    *filter = (struct list_filter){.column = argument->name, .field = schema_field(page->schema, argument->name)};
    text_copy(filter->value, sizeof filter->value, argument->value);
    if (!normalise(page->call, filter)) return false;
  }
  return true;
}

bool call_time(struct call *call, const char *name, int64_t fallback, int64_t *out) {
  const char *text = http_argument(call->request, name);
  *out = fallback;
  if (text == NULL || calendar_parse(text, out)) return true;
  call_fail(call, 400, "bad_parameter", "%s must be a time: ms since 1970, or 2025-05-10T12:00:00Z", name);
  return false;
}

bool call_range(struct call *call, int64_t *from, int64_t *to) {
  if (!call_time(call, "from", INT64_MIN, from) || !call_time(call, "to", INT64_MAX, to)) return false;
  if (*from <= *to) return true;
  call_fail(call, 400, "bad_parameter", "from must not be later than to");
  return false;
}

/* One of the words of an argument, fallback without it; -1 after a 400. */
int call_word(struct call *call, const char *name, const char *const *words, int count, int fallback) {
  const char *text = http_argument(call->request, name);
  struct text allowed;
  char memory[256];
  if (text == NULL) return fallback;
  text_init(&allowed, memory, sizeof memory);
  for (int i = 0; i < count; i++) {
    if (text_equal(words[i], text)) return i;
    text_add(&allowed, i > 0 ? ", " : "");
    text_add(&allowed, words[i]);
  }
  call_fail(call, 400, "bad_parameter", "%s must be one of: %s", name, memory);
  return -1;
}

bool call_wants_csv(struct call *call, bool *is_csv) {
  static const char *const formats[] = {"json", "csv"};
  const char *accept = call->request->accept;
  int format = call_word(call, "format", formats, 2, accept != NULL && strstr(accept, "text/csv") != NULL ? 1 : 0);
  *is_csv = format == 1;
  return format >= 0;
}

static bool read_question(struct page *page, bool *is_csv) {
  static const char *const orders[] = {"desc", "asc"};
  page->limit = 100;
  int order = call_word(page->call, "order", orders, 2, 0);
  page->is_ascending = order == 1;
  return order >= 0 && call_wants_csv(page->call, is_csv) && call_number(page->call, "limit", 1, 1000, &page->limit) && read_filters(page) &&
         call_range(page->call, &page->from, &page->to) && read_cursor(page);
}

/* ---- memory ---- */

static bool item_fits(const struct page *page, const void *object) {
  char value[FIELD_TEXT_BYTES];
  for (int i = 0; i < page->filter_count; i++) {
    const struct list_filter *filter = &page->filters[i];
    if (filter->field == NULL) return false;
    field_text(filter->field, object, value);
    if (strcmp(value, filter->value) != 0) return false;
  }
  int64_t ts = field_i64(page->time, object);
  return ts >= page->from && ts < page->to;
}

struct sortable {
  struct place place;
  const void *object;
};

static int compare_ascending(const void *a, const void *b) {
  return compare_places(&((const struct sortable *)a)->place, &((const struct sortable *)b)->place);
}

/* The items of memory in order of place. */
static void sort(const struct page *page, struct listing *listing) {
  if (listing->count < 2) return;
  struct sortable *items = calloc((size_t)listing->count, sizeof *items);
  check(items != NULL);
  for (int32_t i = 0; i < listing->count; i++) items[i] = (struct sortable){place_of(page, listing->items[i]), listing->items[i]};
  qsort(items, (size_t)listing->count, sizeof *items, compare_ascending);
  for (int32_t i = 0; i < listing->count; i++) listing->items[i] = items[i].object;
  free(items);
}

/* Items of memory that fit and lie behind the cursor, in the order asked for. */
static void take_memory(struct page *page) {
  for (int32_t i = 0; i < page->known_count; i++) {
    const void *object = page->known[page->is_ascending ? i : page->known_count - 1 - i];
    if (!item_fits(page, object)) continue;
    ++page->from_memory;
    struct place place = place_of(page, object);
    if (!page->has_cursor || is_behind(page, &place, &page->cursor)) listing_add(&page->shown, object);
  }
}

static bool is_known(const struct page *page, const struct place *place) {
  int32_t low = 0;
  int32_t high = page->known_count;
  while (low < high) {
    int32_t middle = low + (high - low) / 2;
    struct place at = place_of(page, page->known[middle]);
    int order = compare_places(&at, place);
    if (order == 0) return true;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return false;
}

/* ---- the database ---- */

static const char *table_of(enum record_kind kind) {
  switch (kind) {
    case RECORD_DECISION:
      return "decisions";
    case RECORD_TRADE:
      return "trades";
    case RECORD_FILL:
      return "fills";
    case RECORD_ORDER:
      return "orders";
    case RECORD_POSITION:
      return "positions";
    case RECORD_SESSION:
      return "sessions";
    case RECORD_SIGNAL:
      return "signals";
    case RECORD_SCAN:
      return "scans";
    case RECORD_ALERT:
      return "alerts";
    case RECORD_FLOW:
      return "cash_flows";
    default:
      return NULL;
  }
}

/* Orders that work and positions that are open stand in the engine, all of them. */
static bool needs_rows(const struct page *page) {
  if (page->call->api->options.rows == NULL || page->table == NULL) return false;
  if (page->kind != RECORD_ORDER && page->kind != RECORD_POSITION) return true;
  const char *state = http_argument(page->call->request, "state");
  return state != NULL && !text_equal(state, "open");
}

/* Texts that the query borrows. */
struct query_texts {
  char from[32], to[32], cursor[64];
};

static const char *time_text(int64_t time, char out[32]) {
  struct text text;
  text_init(&text, out, 32);
  text_add_time(&text, time);
  return out;
}

static void add_filters(const struct page *page, struct rows_query *query) {
  const char *state = http_argument(page->call->request, "state");
  for (int i = 0; i < page->filter_count; i++) rows_query_add(query, page->filters[i].column, ROWS_EQUAL, page->filters[i].value);
  if (state != NULL && text_equal(state, "closed")) {
    bool is_position = page->kind == RECORD_POSITION;
    rows_query_add(query, is_position ? "closed_at" : "ended_at", ROWS_ABOVE, "1970-01-01T00:00:00Z");
  }
  bool has_runs = page->kind != RECORD_SESSION && page->kind != RECORD_ALERT;
  if (has_runs && http_argument(page->call->request, "run_id") == NULL) rows_query_add(query, "run_id", ROWS_EQUAL, NULL);
}

static void add_range(const struct page *page, int64_t from, int64_t to, struct query_texts *texts, struct rows_query *query) {
  if (from > 0) rows_query_add(query, page->time->name, ROWS_AT_LEAST, time_text(from, texts->from));
  if (to != INT64_MAX) rows_query_add(query, page->time->name, ROWS_BELOW, time_text(to, texts->to));
}

/* Rows from the moment of the cursor on; those of that moment before the cursor are passed over. */
static void add_place(const struct page *page, struct query_texts *texts, struct rows_query *query) {
  enum row_compare compare = page->is_ascending ? ROWS_AT_LEAST : ROWS_AT_MOST;
  struct text text;
  if (!page->has_cursor) return;
  if (page->is_by_id) {
    text_init(&text, texts->cursor, sizeof texts->cursor);
    text_add_id(&text, page->id->prefix, page->id->width, page->cursor.number);
    rows_query_add(query, page->id->name, compare, texts->cursor);
  } else {
    rows_query_add(query, page->time->name, compare, time_text(page->cursor.time, texts->cursor));
  }
}

/* Where the row stands among what is shown already, which is in order. */
static int32_t shown_before(const struct page *page, const struct place *place) {
  int32_t at = page->shown.count;
  while (at > 0) {
    struct place other = place_of(page, page->shown.items[at - 1]);
    if (is_behind(page, place, &other)) break;
    --at;
  }
  return at;
}

static bool take_row(void *context, const void *object) {
  struct page *page = context;
  struct place place = place_of(page, object);
  if (page->has_cursor && !is_behind(page, &place, &page->cursor)) return true;
  int32_t at = shown_before(page, &place);
  page->is_complete = at > page->limit; /* the page and the one item that tells of more are there */
  if (page->is_complete) return false;
  if (is_known(page, &place)) return true;
  void *copy = malloc(page->schema->size);
  check(copy != NULL);
  memcpy(copy, object, page->schema->size);
  listing_add(&page->rows, copy);
  listing_add(&page->shown, copy);
  memmove(&page->shown.items[at + 1], &page->shown.items[at], (size_t)(page->shown.count - 1 - at) * sizeof page->shown.items[0]);
  page->shown.items[at] = copy;
  return true;
}

/* Has a filter that many rows may fit, and none that few do? */
static bool is_wide(const struct page *page) {
  static const char *const narrow[] = {"position_id", "client_order_id", "trace_id", "run_id"};
  bool is_narrow = false;
  for (int i = 0; i < page->filter_count; i++) {
    for (size_t k = 0; k < sizeof narrow / sizeof narrow[0]; k++) is_narrow = is_narrow || text_equal(page->filters[i].column, narrow[k]);
  }
  return page->filter_count > 0 && !is_narrow && !page->is_by_id;
}

static enum status read_range(struct page *page, int64_t from, int64_t to, bool walks, struct problem *problem) {
  const struct row_port *rows = page->call->api->options.rows;
  struct rows_query query = {
      .table = page->table, .order = page->is_by_id ? page->id->name : page->time->name, .is_ascending = page->is_ascending, .walks_order = walks};
  struct query_texts texts;
  add_filters(page, &query);
  add_range(page, from, to, &texts, &query);
  add_place(page, &texts, &query);
  return rows->select_objects(rows->self, &query, take_row, page, problem);
}

struct edge {
  const struct page *page;
  int64_t time; /* 0: the table is empty */
};

static bool take_edge(void *context, const void *object) {
  struct edge *edge = context;
  edge->time = field_i64(edge->page->time, object);
  return false;
}

/* Times between which rows behind the cursor can be, to exclusive. */
static enum status read_edges(const struct page *page, int64_t *from, int64_t *to, struct problem *problem) {
  const struct row_port *rows = page->call->api->options.rows;
  struct rows_query query = {.table = page->table, .order = page->time->name, .is_ascending = true, .limit = 1};
  struct edge first = {.page = page};
  struct edge last = {.page = page};
  enum status status = rows->select_objects(rows->self, &query, take_edge, &first, problem);
  query.is_ascending = false;
  if (status == STATUS_OK) status = rows->select_objects(rows->self, &query, take_edge, &last, problem);
  *from = page->from > first.time ? page->from : first.time;
  *to = page->to < last.time + 1 ? page->to : last.time + 1;
  if (page->has_cursor && page->is_ascending && page->cursor.time > *from) *from = page->cursor.time;
  if (page->has_cursor && !page->is_ascending && page->cursor.time + 1 < *to) *to = page->cursor.time + 1;
  return status;
}

/* Window after window from the page's begin on, until it is full, there is nothing more, or the budget is over. */
static enum status read_windows(struct page *page, struct problem *problem) {
  const struct clock *clock = page->call->api->options.clock;
  int64_t started = clock->monotonic_ns(clock->self);
  int64_t width = 6 * HOUR_MS;
  bool has_read = false; /* one window at least, so that every page goes on */
  int64_t from;
  int64_t to;
  enum status status = read_edges(page, &from, &to, problem);
  while (status == STATUS_OK && from < to && !page->is_complete) {
    int64_t before = clock->monotonic_ns(clock->self);
    if (has_read && before - started > LIST_BUDGET_MS * INT64_C(1000000)) {
      page->is_cut = true;
      page->cut_at = page->is_ascending ? from : to;
      return STATUS_OK;
    }
    int64_t piece = to - from < width ? to - from : width;
    int64_t low = page->is_ascending ? from : to - piece;
    status = read_range(page, low, low + piece, true, problem);
    has_read = true;
    if (page->is_ascending) {
      from = low + piece;
    } else {
      to = low;
    }
    int64_t took_ms = (clock->monotonic_ns(clock->self) - before) / 1000000;
    width = took_ms < 4 ? 4 * width : took_ms > 20 ? width / 2 + 1 : width;
  }
  return status;
}

/* What lies behind the cut may have rows before it that were not read. */
static void cut(struct page *page) {
  struct place place = {.time = page->cut_at};
  if (page->id->kind == FIELD_KIND_TEXT) text_copy(place.text, sizeof place.text, "-");
  int32_t kept = 0;
  for (int32_t i = 0; i < page->shown.count; i++) {
    struct place at = place_of(page, page->shown.items[i]);
    if (!is_behind(page, &at, &place)) page->shown.items[kept++] = page->shown.items[i];
  }
  page->shown.count = kept;
  page->is_cut = kept <= page->limit; /* a full page goes on from its own last item */
}

/* False after an answer: memory alone cannot say what stands behind the cursor. */
static bool take_rows(struct page *page, struct problem *problem) {
  enum status status = is_wide(page) ? read_windows(page, problem) : read_range(page, page->from, page->to, page->is_by_id, problem);
  if (page->is_cut) cut(page);
  page->has_failed = status != STATUS_OK;
  if (status == STATUS_OK || (!page->has_cursor && !page->is_ascending && page->from_memory > 0 && status != STATUS_TIMED_OUT)) return true;
  call_fail(page->call, 503, "not_ready", "the database cannot answer now: %s", problem->count > 0 ? problem->items[0].message : status_text(status));
  return false;
}

struct newest {
  const struct page *page;
  int64_t number;
};

static bool take_newest(void *context, const void *object) {
  struct newest *newest = context;
  newest->number = field_i64(newest->page->id, object);
  return true;
}

/* How many rows are in the range, with or without the filters; -1: too many to count on the loop. */
static int64_t count_rows(const struct page *page, bool is_filtered, struct problem *problem) {
  const struct row_port *rows = page->call->api->options.rows;
  struct rows_query query = {.table = page->table, .order = page->time->name, .walks_order = is_wide(page), .limit = TOTAL_MAX + 1};
  struct query_texts texts;
  int64_t count = 0;
  if (is_filtered) add_filters(page, &query);
  add_range(page, page->from, page->to, &texts, &query);
  return rows->count(rows->self, &query, &count, problem) == STATUS_OK && count <= TOTAL_MAX ? count : -1;
}

/* How many fit in all; -1 unknown. Everything is on this page, or memory is all there is, or rows and the items that are newer than any row. */
static int64_t total_of(struct page *page, bool has_rows, struct problem *problem) {
  bool is_whole = !page->has_cursor && page->shown.count <= page->limit && !page->has_failed && !page->is_cut;
  if (!has_rows) return page->from_memory;
  if (is_whole) return page->shown.count;
  if (page->has_failed || page->kind == RECORD_ORDER || page->kind == RECORD_POSITION) return -1;
  if (count_rows(page, false, problem) < 0) return -1; /* by the index of the time alone */
  int64_t count = count_rows(page, true, problem);
  const struct row_port *rows = page->call->api->options.rows;
  const struct rows_query last = {.table = page->table, .order = page->id->name, .limit = 1};
  struct newest newest = {.page = page};
  if (count < 0 || rows->select_objects(rows->self, &last, take_newest, &newest, problem) != STATUS_OK) return -1;
  for (int32_t i = 0; i < page->known_count; i++) {
    bool is_stored = newest.number >= field_i64(page->id, page->known[i]);
    if (!is_stored && item_fits(page, page->known[i])) ++count;
  }
  return count;
}

/* ---- the answer ---- */

static void add_csv_row(const struct schema *schema, const void *object, struct buffer *out) {
  char value[16384];
  for (int f = 0; f < schema->field_count; f++) {
    struct text text;
    text_init(&text, value, sizeof value);
    schema_field_text(&schema->fields[f], object, &text);
    if (f > 0) buffer_add_text(out, ",");
    table_add_csv_cell(out, value);
  }
  buffer_add_text(out, "\n");
}

void call_begin_csv(struct call *call, const char *header) {
  buffer_add_text(&call->reply->body, header);
  buffer_add_text(&call->reply->body, "\n");
  call->reply->status = 200;
  call->reply->content_type = "text/csv; charset=utf-8";
}

static void answer_csv(struct page *page, int32_t count) {
  struct buffer header = {0};
  for (int f = 0; f < page->schema->field_count; f++) buffer_add_format(&header, "%s%s", f > 0 ? "," : "", page->schema->fields[f].name);
  call_begin_csv(page->call, header.data);
  buffer_deinit(&header);
  for (int32_t i = 0; i < count; i++) add_csv_row(page->schema, page->shown.items[i], &page->call->reply->body);
}

static void answer_json(struct page *page, int32_t count, int64_t total) {
  char cursor[FIELD_TEXT_BYTES];
  struct call *call = page->call;
  bool has_more = page->shown.count > count || page->is_cut;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int32_t i = 0; i < count; i++) write_record(call->api, page->run_id, page->kind, page->shown.items[i], &call->writer);
  json_end_array(&call->writer);
  if (page->is_cut) {
    print_cut(page, cursor);
  } else if (has_more) {
    print_cursor(page, page->shown.items[count - 1], cursor);
  }
  json_add_string(&call->writer, "next_cursor", has_more ? cursor : NULL);
  if (total >= 0) {
    json_add_int(&call->writer, "total", total);
  } else {
    json_add_null(&call->writer, "total");
  }
  call_end(call, 200);
}

static void answer(struct page *page, struct listing *listing, bool is_csv) {
  struct problem problem;
  problem_clear(&problem);
  sort(page, listing);
  page->known = listing->items;
  page->known_count = listing->count;
  take_memory(page);
  bool has_rows = needs_rows(page);
  if (has_rows && !take_rows(page, &problem)) return;
  int32_t count = page->shown.count > page->limit ? (int32_t)page->limit : page->shown.count;
  if (is_csv) {
    answer_csv(page, count);
  } else {
    answer_json(page, count, total_of(page, has_rows, &problem));
  }
}

static void answer_listing(struct call *call, struct listing *listing, enum record_kind kind, const char *id_field, const char *time_field,
                           const char *table) {
  struct page page = {
      .call = call, .kind = kind, .schema = record_schemas[kind], .table = table, .is_by_id = kind == RECORD_POSITION, .run_id = listing->run_id};
  page.id = schema_field(page.schema, id_field);
  page.time = schema_field(page.schema, time_field);
  check(page.id != NULL && page.time != NULL);
  bool is_csv;
  if (read_question(&page, &is_csv)) answer(&page, listing, is_csv);
  for (int32_t i = 0; i < page.rows.count; i++) free((void *)(uintptr_t)page.rows.items[i]);
  free(page.rows.items);
  free(page.shown.items);
  free(listing->items);
}

void listing_answer(struct call *call, struct listing *listing, enum record_kind kind, const char *id_field, const char *time_field) {
  answer_listing(call, listing, kind, id_field, time_field, table_of(kind));
}

void listing_answer_whole(struct call *call, struct listing *listing, enum record_kind kind, const char *id_field, const char *time_field) {
  answer_listing(call, listing, kind, id_field, time_field, NULL);
}

void listing_add_kept(const struct api *api, enum record_kind kind, struct listing *listing) {
  const struct keep *keep = &api->kept[kind];
  for (int32_t i = 0; i < keep->count; i++) listing_add(listing, keep_get(keep, i));
}
