#include "apps/lookahead_heard.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { RECORD_BYTES_MAX = 64 << 10, VALUE_MAX = 2048 };

static const char nothing[] = "(no record)";

static size_t encode(enum record_kind kind, const void *object, unsigned char out[RECORD_BYTES_MAX]) {
  size_t size = schema_encode(record_schemas[kind], object, out, RECORD_BYTES_MAX);
  check(size > 0);
  return size;
}

void heard_add(struct heard *heard, int64_t ts, enum record_kind kind, const void *object) {
  unsigned char bytes[RECORD_BYTES_MAX];
  if (heard->count == heard->capacity) {
    heard->capacity = heard->capacity == 0 ? 4096 : 2 * heard->capacity;
    heard->records = realloc(heard->records, (size_t)heard->capacity * sizeof *heard->records);
    check(heard->records != NULL);
  }
  size_t size = encode(kind, object, bytes);
  heard->records[heard->count++] = (struct heard_record){ts, heard->bytes.length, (uint32_t)size, (int32_t)kind};
  buffer_add(&heard->bytes, bytes, size);
  if (kind == RECORD_DECISION) ++heard->decisions;
}

void heard_free(struct heard *heard) {
  buffer_deinit(&heard->bytes);
  free(heard->records);
  *heard = (struct heard){0};
}

void comparison_init(struct comparison *out) {
  *out = (struct comparison){.first = -1};
}

/* ---- the first difference ---- */

static void *decode(const struct heard *heard, const struct heard_record *record) {
  const struct schema *schema = record_schemas[record->kind];
  void *object = calloc(1, schema->size);
  check(object != NULL);
  check(schema_decode(schema, object, (const unsigned char *)heard->bytes.data + record->at, record->size) == record->size);
  return object;
}

static void print(enum record_kind kind, const void *object, char out[HEARD_SHOWN_MAX]) {
  struct text text;
  text_init(&text, out, HEARD_SHOWN_MAX);
  schema_print(record_schemas[kind], object, &text);
}

static void find_field(const struct schema *schema, const void *a, const void *b, char out[HEARD_FIELD_MAX]) {
  for (int i = 0; i < schema->field_count; i++) {
    char first[VALUE_MAX], second[VALUE_MAX];
    struct text left, right;
    text_init(&left, first, sizeof first);
    text_init(&right, second, sizeof second);
    schema_field_text(&schema->fields[i], a, &left);
    schema_field_text(&schema->fields[i], b, &right);
    if (strcmp(first, second) == 0) continue;
    text_copy(out, HEARD_FIELD_MAX, schema->fields[i].name);
    return;
  }
}

static void tell_first(const struct heard *base, int64_t index, int64_t known, int64_t ts, enum record_kind kind, const void *object,
                       struct comparison *out) {
  const struct heard_record *record = index < known ? &base->records[index] : NULL;
  void *other = record != NULL ? decode(base, record) : NULL;
  out->first = index;
  out->first_ts = record != NULL ? record->ts : ts;
  text_copy(out->base, sizeof out->base, nothing);
  text_copy(out->other, sizeof out->other, nothing);
  if (other != NULL) print((enum record_kind)record->kind, other, out->base);
  if (object != NULL) print(kind, object, out->other);
  if (other != NULL && object != NULL && record->kind == (int32_t)kind) find_field(record_schemas[kind], other, object, out->field);
  free(other);
}

void heard_compare(const struct heard *base, int64_t index, int64_t known, int64_t ts, enum record_kind kind, const void *object,
                   struct comparison *out) {
  unsigned char bytes[RECORD_BYTES_MAX];
  ++out->compared;
  if (index < known) {
    const struct heard_record *record = &base->records[index];
    size_t size = encode(kind, object, bytes);
    if (record->ts == ts && record->kind == (int32_t)kind && record->size == size && memcmp(base->bytes.data + record->at, bytes, size) == 0) return;
  }
  if (out->differing++ == 0) tell_first(base, index, known, ts, kind, object, out);
}

bool heard_is(const struct heard *base, int64_t index, int64_t ts, enum record_kind kind) {
  return index < base->count && base->records[index].ts == ts && base->records[index].kind == (int32_t)kind;
}

void heard_end(const struct heard *base, int64_t count, int64_t known, struct comparison *out) {
  if (count >= known) return;
  out->compared += known - count;
  if (out->differing == 0) tell_first(base, count, known, 0, 0, NULL, out);
  out->differing += known - count;
}
