#include "runner/retrace.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "engine/view.h"
#include "runner/preset_file.h"

#define FIELD_OWNER struct engine_mark
static const struct field engine_mark_fields[] = {
#include "base/fields_table.h"
#include "runner/engine_mark_fields.def"

#include "base/fields_end.h"
};
#undef FIELD_OWNER
const struct schema engine_mark_schema = {"engine", engine_mark_fields, (int)(sizeof engine_mark_fields / sizeof engine_mark_fields[0]),
                                          sizeof(struct engine_mark)};

/* Members that the mark and the engine's structs share by name. */
#define LIMIT_MEMBERS(X) X(symbols) X(book_depth) X(has_tape) X(base_ms)
#define CONFIG_MEMBERS(X) \
  X(starting_balance)     \
  X(max_leverage)         \
  X(reconcile_interval_s) X(market_fetch_limit) X(deep_symbol_limit) X(market_data_timeout_s) X(fees_from_venue) X(resume_paused) X(is_backtest)
#define COUNTER_MEMBERS(X) \
  X(session) X(scan) X(candidate) X(level) X(signal) X(plan) X(position) X(trade) X(decision) X(fill) X(flow) X(alert) X(operation) X(transition)

void engine_mark_make(struct engine_mark *mark, const struct engine_limits *limits, const struct engine_config *config,
                      const struct engine_counters *counters) {
  memset(mark, 0, sizeof *mark);
#define TAKE(member) mark->member = limits->member;
  LIMIT_MEMBERS(TAKE)
#undef TAKE
#define TAKE(member) mark->member = config->member;
  CONFIG_MEMBERS(TAKE)
#undef TAKE
#define TAKE(member) mark->member = counters->member;
  COUNTER_MEMBERS(TAKE)
#undef TAKE
  text_copy(mark->instance, sizeof mark->instance, config->instance);
  text_copy(mark->venue, sizeof mark->venue, config->venue);
  text_copy(mark->feed, sizeof mark->feed, config->feed);
}

void engine_mark_read(const struct engine_mark *mark, struct engine_limits *limits, struct engine_config *config, struct engine_counters *counters) {
  memset(limits, 0, sizeof *limits);
  memset(config, 0, sizeof *config);
  memset(counters, 0, sizeof *counters);
#define GIVE(member) limits->member = mark->member;
  LIMIT_MEMBERS(GIVE)
#undef GIVE
#define GIVE(member) config->member = mark->member;
  CONFIG_MEMBERS(GIVE)
#undef GIVE
#define GIVE(member) counters->member = mark->member;
  COUNTER_MEMBERS(GIVE)
#undef GIVE
  text_copy(config->instance, sizeof config->instance, mark->instance);
  text_copy(config->venue, sizeof config->venue, mark->venue);
  text_copy(config->feed, sizeof config->feed, mark->feed);
}

/* ---- reading ---- */

/* Structs are larger than their bytes, by padding and by texts that are not full; an item of no struct here grows more than eight times. */
enum { GROWTH = 8, SCRATCH_MIN = 4096 };

enum status retrace_decode(struct event *event, const struct journal_record *record, struct buffer *memory, struct preset *preset,
                           struct problem *problem) {
  size_t room = GROWTH * record->size + SCRATCH_MIN;
  buffer_clear(memory);
  buffer_reserve(memory, room + 16);
  unsigned char *aligned = (unsigned char *)(((uintptr_t)memory->data + 15) & ~(uintptr_t)15);
  size_t used = event_decode_version(event, record->version, record->kind, record->ts, record->payload, record->size, aligned, room);
  if (used == 0 || used != record->size) {
    problem_add(problem, "bad_event", "journal", NULL, NULL, "record %llu is no event that this version knows", (unsigned long long)record->seq);
    return STATUS_CORRUPT;
  }
  event->seq = record->seq;
  if (event->kind != EVENT_PRESET || event->preset_json == NULL) return STATUS_OK;
  enum status status = preset_parse(preset, event->preset_json, strlen(event->preset_json), "journal", NULL, problem);
  if (status == STATUS_OK) event->preset_value = preset;
  return status;
}

/* The schema of the payload and room for its struct. */
static const struct schema *schema_of(const struct journal_record *record) {
  if (record->direction == JOURNAL_INTENT && record->kind < intent_kind_count) return intent_schemas[record->kind];
  if (record->direction == JOURNAL_RECORD && record->kind < record_kind_count) return record_schemas[record->kind];
  if (record->direction == JOURNAL_MARK && record->kind == MARK_ENGINE) return &engine_mark_schema;
  return NULL;
}

static void print_event(const struct event *event, struct text *out) {
  schema_print(event_schemas[event->kind], event_payload(event), out);
  for (int i = 0; i < event_items_count; i++) {
    if (event_items[i].kind != event->kind) continue;
    int32_t count;
    const unsigned char *item = event_items_of(&event_items[i], event, &count);
    text_add_char(out, '|');
    text_add(out, event_items[i].name);
    for (int32_t k = 0; k < count; k++, item += event_items[i].schema->size) {
      text_add_char(out, '[');
      schema_print(event_items[i].schema, item, out);
      text_add_char(out, ']');
    }
  }
}

static void event_to_json(const struct event *event, struct json_writer *writer) {
  schema_to_json(event_schemas[event->kind], event_payload(event), writer);
  for (int i = 0; i < event_items_count; i++) {
    if (event_items[i].kind != event->kind) continue;
    int32_t count;
    const unsigned char *item = event_items_of(&event_items[i], event, &count);
    json_begin_array(writer, event_items[i].name);
    for (int32_t k = 0; k < count; k++, item += event_items[i].schema->size) {
      json_begin_object(writer, NULL);
      schema_to_json(event_items[i].schema, item, writer);
      json_end_object(writer);
    }
    json_end_array(writer);
  }
}

/* Exactly one of out and writer is given. */
static bool show_event(const struct journal_record *record, struct text *out, struct json_writer *writer) {
  struct buffer memory = {0};
  struct preset *preset = malloc(sizeof *preset);
  check(preset != NULL);
  struct event event;
  bool is_good = retrace_decode(&event, record, &memory, preset, NULL) == STATUS_OK;
  if (is_good && out != NULL) print_event(&event, out);
  if (is_good && writer != NULL) event_to_json(&event, writer);
  free(preset);
  buffer_deinit(&memory);
  return is_good;
}

static bool show_record(const struct journal_record *record, struct text *out, struct json_writer *writer) {
  if (record->direction == JOURNAL_EVENT) return show_event(record, out, writer);
  const struct schema *schema = schema_of(record);
  if (schema == NULL) {
    if (record->direction != JOURNAL_MARK || record->kind >= journal_mark_count) return false;
    if (out != NULL) text_add(out, journal_mark_names[record->kind]);
    return true;
  }
  void *object = calloc(1, schema->size);
  check(object != NULL);
  size_t used = schema_decode(schema, object, record->payload, record->size);
  bool is_good = used > 0 && used == record->size;
  if (is_good && out != NULL) schema_print(schema, object, out);
  if (is_good && writer != NULL) schema_to_json(schema, object, writer);
  free(object);
  return is_good;
}

void retrace_print(const struct journal_record *record, struct text *out) {
  if (!show_record(record, out, NULL)) text_add(out, "?");
}

bool retrace_to_json(const struct journal_record *record, struct json_writer *writer) {
  return show_record(record, NULL, writer);
}

/* ---- stepping ---- */

void retrace_init(struct retrace *retrace, struct engine *engine) {
  memset(retrace, 0, sizeof *retrace);
  retrace->engine = engine;
}

void retrace_deinit(struct retrace *retrace) {
  buffer_deinit(&retrace->scratch);
  buffer_deinit(&retrace->bytes);
  free(retrace->items);
  free(retrace->intents);
  memset(retrace, 0, sizeof *retrace);
}

static void produce(struct retrace *retrace, int32_t direction, int32_t kind, int64_t ts, const struct schema *schema, const void *object) {
  if (retrace->item_count == retrace->item_capacity) {
    retrace->item_capacity = retrace->item_capacity > 0 ? 2 * retrace->item_capacity : 256;
    retrace->items = realloc(retrace->items, (size_t)retrace->item_capacity * sizeof *retrace->items);
    check(retrace->items != NULL);
  }
  size_t room = 2 * (size_t)schema->size + 64;
  buffer_reserve(&retrace->bytes, room);
  size_t used = schema_encode(schema, object, (unsigned char *)retrace->bytes.data + retrace->bytes.length, room);
  check(used > 0);
  retrace->items[retrace->item_count++] = (struct retrace_item){direction, kind, ts, retrace->bytes.length, used};
  retrace->bytes.length += used;
}

static void on_intent(void *context, const struct intent *intent) {
  struct retrace *retrace = context;
  produce(retrace, JOURNAL_INTENT, intent->kind, intent->ts, intent_schemas[intent->kind], intent_payload(intent));
  if (retrace->intent_count == retrace->intent_capacity) {
    retrace->intent_capacity = retrace->intent_capacity > 0 ? 2 * retrace->intent_capacity : 64;
    retrace->intents = realloc(retrace->intents, (size_t)retrace->intent_capacity * sizeof *retrace->intents);
    check(retrace->intents != NULL);
  }
  retrace->intents[retrace->intent_count++] = *intent;
}

static void on_record(void *context, enum record_kind kind, const void *object) {
  struct retrace *retrace = context;
  produce(retrace, JOURNAL_RECORD, (int32_t)kind, engine_now(retrace->engine), record_schemas[kind], object);
}

static struct journal_record record_of(const struct retrace *retrace, const struct retrace_item *item) {
  return (struct journal_record){.ts = item->ts,
                                 .direction = item->direction,
                                 .kind = item->kind,
                                 .payload = (const unsigned char *)retrace->bytes.data + item->offset,
                                 .size = item->size};
}

/* Lines begin with what the payload does not hold. */
static void print_whole(const struct journal_record *record, char out[RETRACE_TEXT_MAX]) {
  struct text text;
  text_init(&text, out, RETRACE_TEXT_MAX);
  if (record == NULL) return;
  text_add_i64(&text, record->ts);
  text_add_char(&text, '|');
  text_add(&text, journal_direction_names[record->direction]);
  text_add_char(&text, '|');
  retrace_print(record, &text);
}

static void differ(struct retrace *retrace, uint64_t seq, const struct journal_record *journalled, const struct retrace_item *item) {
  if (retrace->differences++ > 0) return;
  retrace->difference_seq = seq;
  print_whole(journalled, retrace->journalled);
  if (item == NULL) {
    print_whole(NULL, retrace->produced);
    return;
  }
  struct journal_record produced = record_of(retrace, item);
  print_whole(&produced, retrace->produced);
}

int32_t retrace_left(const struct retrace *retrace) {
  return retrace->item_count - retrace->item_at;
}

void retrace_end(struct retrace *retrace, uint64_t seq) {
  for (; retrace->item_at < retrace->item_count; retrace->item_at++) differ(retrace, seq, NULL, &retrace->items[retrace->item_at]);
}

enum status retrace_take(struct retrace *retrace, const struct journal_record *record, struct problem *problem) {
  retrace_end(retrace, record->seq);
  retrace->item_count = retrace->item_at = retrace->intent_count = 0;
  retrace->bytes.length = 0;
  return retrace_decode(&retrace->event, record, &retrace->scratch, &retrace->preset, problem);
}

void retrace_step(struct retrace *retrace) {
  const struct engine_sink sink = {retrace, on_intent, on_record, NULL};
  ++retrace->events;
  engine_step(retrace->engine, &retrace->event, &sink);
}

bool retrace_compare(struct retrace *retrace, const struct journal_record *record) {
  if (record->direction == JOURNAL_INTENT) {
    ++retrace->intents_compared;
  } else {
    ++retrace->records_compared;
  }
  if (retrace_left(retrace) == 0) {
    differ(retrace, record->seq, record, NULL);
    return false;
  }
  const struct retrace_item *item = &retrace->items[retrace->item_at++];
  bool is_same = item->direction == record->direction && item->kind == record->kind && item->ts == record->ts && item->size == record->size &&
                 memcmp(retrace->bytes.data + item->offset, record->payload, record->size) == 0;
  if (!is_same) differ(retrace, record->seq, record, item);
  return is_same;
}
