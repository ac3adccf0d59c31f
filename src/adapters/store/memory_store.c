#include "adapters/store/memory_store.h"

#include <stdlib.h>
#include <string.h>

#include "adapters/store/tables.h"
#include "base/check.h"
#include "base/text.h"

enum { KEY_FIELDS_MAX = 4 };

struct memory_kind {
  unsigned char *rows; /* capacity structs, a ring */
  int32_t count, next;
  const struct field *key[KEY_FIELDS_MAX];
  int key_count;  /* 0: rows have no key of their own and none is replaced, unless is_single */
  bool is_single; /* one row: the key is the account */
};

struct memory_store {
  struct memory_kind kinds[record_kind_count];
  int32_t capacity;
  uint64_t seq, batch_seq;
};

/* The key's columns that are fields of the record. */
static void add_key(struct memory_kind *kind, const struct store_table *table) {
  char name[48];
  for (const char *at = table->key; *at != '\0';) {
    size_t length = strcspn(at, ",");
    check(length < sizeof name);
    text_copy(name, length + 1, at);
    const struct field *field = schema_field(record_schemas[table->record], name);
    if (field != NULL) {
      check(kind->key_count < KEY_FIELDS_MAX);
      kind->key[kind->key_count++] = field;
    }
    at += length;
    at += strspn(at, ", ");
  }
  kind->is_single = kind->key_count == 0;
}

static size_t field_size(const struct field *field) {
  if (field->kind == FIELD_KIND_TEXT) return field->size;
  return field->kind == FIELD_KIND_I32 || field->kind == FIELD_KIND_ENUM ? sizeof(int32_t) : sizeof(int64_t);
}

static bool is_same_row(const struct memory_kind *kind, const unsigned char *a, const unsigned char *b) {
  if (kind->key_count == 0) return kind->is_single;
  for (int i = 0; i < kind->key_count; i++) {
    const struct field *field = kind->key[i];
    if (field->kind == FIELD_KIND_TEXT) {
      if (!text_equal((const char *)a + field->offset, (const char *)b + field->offset)) return false;
    } else if (memcmp(a + field->offset, b + field->offset, field_size(field)) != 0) {
      return false;
    }
  }
  return true;
}

static unsigned char *row_at(const struct memory_store *store, const struct memory_kind *kind, size_t size, int32_t age) {
  int32_t index = (kind->next - 1 - age + 2 * store->capacity) % store->capacity;
  return kind->rows + (size_t)index * size;
}

static enum status begin(void *self) {
  struct memory_store *store = self;
  store->batch_seq = 0;
  return STATUS_OK;
}

static enum status put(void *self, enum record_kind kind, uint64_t seq, const void *object) {
  struct memory_store *store = self;
  struct memory_kind *rows = &store->kinds[kind];
  size_t size = record_schemas[kind]->size;
  if (seq > store->batch_seq) store->batch_seq = seq;
  if (rows->rows == NULL) {
    rows->rows = calloc((size_t)store->capacity, size);
    check(rows->rows != NULL);
  }
  /* Newest first: what changes is what was made lately. */
  for (int32_t age = 0; age < rows->count; age++) {
    unsigned char *row = row_at(store, rows, size, age);
    if (!is_same_row(rows, row, object)) continue;
    memcpy(row, object, size);
    return STATUS_OK;
  }
  memcpy(rows->rows + (size_t)rows->next * size, object, size);
  rows->next = (rows->next + 1) % store->capacity;
  if (rows->count < store->capacity) rows->count++;
  return STATUS_OK;
}

static enum status commit(void *self) {
  struct memory_store *store = self;
  if (store->batch_seq > store->seq) store->seq = store->batch_seq;
  return STATUS_OK;
}

static uint64_t last_seq(void *self) {
  const struct memory_store *store = self;
  return store->seq;
}

static void close_store(void *self) {
  struct memory_store *store = self;
  for (int i = 0; i < record_kind_count; i++) free(store->kinds[i].rows);
  free(store);
}

void memory_store_open(struct store *store, int32_t capacity) {
  struct memory_store *self = calloc(1, sizeof *self);
  check(self != NULL && capacity > 0);
  self->capacity = capacity;
  bool has_table[record_kind_count] = {false};
  for (int i = 0; i < store_table_count; i++) {
    const struct store_table *table = &store_tables[i];
    if (table->record == STORE_NO_RECORD || has_table[table->record]) continue;
    has_table[table->record] = true;
    /* A record whose row is a part of it (level changes) is history: every one is kept. */
    if (table->base[0] == '\0') add_key(&self->kinds[table->record], table);
  }
  *store = (struct store){.self = self, .name = "memory", .begin = begin, .put = put, .commit = commit, .last_seq = last_seq, .close = close_store};
}

int32_t memory_store_count(const struct store *store, enum record_kind kind) {
  const struct memory_store *self = store->self;
  return self->kinds[kind].count;
}

const void *memory_store_get(const struct store *store, enum record_kind kind, int32_t age) {
  const struct memory_store *self = store->self;
  const struct memory_kind *rows = &self->kinds[kind];
  if (age < 0 || age >= rows->count) return NULL;
  return row_at(self, rows, record_schemas[kind]->size, age);
}
