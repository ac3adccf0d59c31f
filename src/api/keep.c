#include "api/keep.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void keep_open(struct keep *keep, const struct schema *schema, const char *key, int32_t capacity) {
  *keep = (struct keep){.item_size = schema->size, .capacity = capacity};
  keep->key = key != NULL ? schema_field(schema, key) : NULL;
  check(key == NULL || keep->key != NULL);
  keep->items = calloc((size_t)capacity, schema->size);
  check(keep->items != NULL);
}

void keep_close(struct keep *keep) {
  free(keep->items);
  keep->items = NULL;
}

static unsigned char *place(const struct keep *keep, int32_t i) {
  int32_t index = (keep->next - 1 - i + keep->capacity) % keep->capacity;
  return keep->items + (size_t)index * keep->item_size;
}

static bool has_same_key(const struct field *key, const void *a, const void *b) {
  const char *left = (const char *)a + key->offset;
  const char *right = (const char *)b + key->offset;
  if (key->kind == FIELD_KIND_TEXT) return strcmp(left, right) == 0;
  return memcmp(left, right, sizeof(int64_t)) == 0;
}

void keep_put(struct keep *keep, const void *object) {
  for (int32_t i = 0; keep->key != NULL && i < keep->count; i++) {
    if (!has_same_key(keep->key, place(keep, i), object)) continue;
    memcpy(place(keep, i), object, keep->item_size);
    return;
  }
  memcpy(keep->items + (size_t)keep->next * keep->item_size, object, keep->item_size);
  keep->next = (keep->next + 1) % keep->capacity;
  if (keep->count < keep->capacity) ++keep->count;
}

const void *keep_get(const struct keep *keep, int32_t i) {
  return place(keep, i);
}
