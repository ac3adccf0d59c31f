#include "support/record_fixture.h"

#include <stdio.h>
#include <string.h>

static void put(const struct field *field, void *object, const void *value, size_t size) {
  memcpy((unsigned char *)object + field->offset, value, size);
}

static void fill_list(const struct field *field, void *object, int seed) {
  int32_t count = field->size > 1 ? 1 + seed % 2 : 1;
  memcpy((unsigned char *)object + field->count_offset, &count, sizeof count);
  for (int32_t i = 0; i < count; i++) record_fill(field->item, (unsigned char *)object + field->offset + (size_t)i * field->item->size, seed + i);
}

static void fill_text(const struct field *field, void *object, int seed) {
  char text[256];
  snprintf(text, sizeof text, "t%d%.8s", seed, field->name);
  text[field->size - 1] = '\0';
  put(field, object, text, strlen(text) + 1);
}

static void fill_field(const struct field *field, void *object, int seed) {
  static const int64_t day_ms = 86400000, first_day = 20000;
  int64_t wide = seed * 1000 + 7;
  int32_t narrow = seed % 1000 + 1;
  double real = seed + 0.25;
  bool flag = seed % 2 == 0;
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_DECIMAL_NULL:
    case FIELD_KIND_ID:
      put(field, object, &wide, sizeof wide);
      return;
    case FIELD_KIND_TIME:
      /* A whole day: a column of type DATE keeps no more. */
      wide = (first_day + seed) * day_ms;
      put(field, object, &wide, sizeof wide);
      return;
    case FIELD_KIND_I32:
      put(field, object, &narrow, sizeof narrow);
      return;
    case FIELD_KIND_DOUBLE:
      put(field, object, &real, sizeof real);
      return;
    case FIELD_KIND_BOOL:
      put(field, object, &flag, sizeof flag);
      return;
    case FIELD_KIND_ENUM:
      narrow = seed % field->name_count;
      put(field, object, &narrow, sizeof narrow);
      return;
    case FIELD_KIND_TEXT:
      fill_text(field, object, seed);
      return;
    case FIELD_KIND_LIST:
      fill_list(field, object, seed);
      return;
  }
}

void record_fill(const struct schema *schema, void *object, int seed) {
  memset(object, 0, schema->size);
  for (int i = 0; i < schema->field_count; i++) fill_field(&schema->fields[i], object, seed * 64 + i);
}
