#include "base/schema.h"

#include <string.h>

#include "base/check.h"

enum { PLACES = 8 };

/* Access to members */

static const unsigned char *member(const struct field *field, const void *object) {
  return (const unsigned char *)object + field->offset;
}

static int64_t get_i64(const struct field *field, const void *object) {
  int64_t value;
  memcpy(&value, member(field, object), sizeof(value));
  return value;
}

static int32_t get_i32(const struct field *field, const void *object) {
  int32_t value;
  memcpy(&value, member(field, object), sizeof(value));
  return value;
}

static double get_double(const struct field *field, const void *object) {
  double value;
  memcpy(&value, member(field, object), sizeof(value));
  return value;
}

static bool get_bool(const struct field *field, const void *object) {
  bool value;
  memcpy(&value, member(field, object), sizeof(value));
  return value;
}

static const char *get_text(const struct field *field, const void *object) {
  return (const char *)member(field, object);
}

static int32_t get_count(const struct field *field, const void *object) {
  int32_t count;
  memcpy(&count, (const unsigned char *)object + field->count_offset, sizeof(count));
  check(count >= 0 && (uint32_t)count <= field->size);
  return count;
}

static const char *enum_name(const struct field *field, int32_t value) {
  check(value < field->name_count);
  return field->names[value];
}

static bool is_null(const struct field *field, const void *object) {
  switch (field->kind) {
    case FIELD_KIND_DECIMAL_NULL:
      return get_i64(field, object) == DECIMAL_NULL;
    case FIELD_KIND_DOUBLE: {
      double value = get_double(field, object);
      return !(value - value == 0.0); /* infinities have no text either */
    }
    case FIELD_KIND_TIME:
    case FIELD_KIND_ID:
      return get_i64(field, object) == 0;
    case FIELD_KIND_TEXT:
      return get_text(field, object)[0] == '\0';
    case FIELD_KIND_ENUM:
      return get_i32(field, object) < 0;
    case FIELD_KIND_I64:
    case FIELD_KIND_I32:
    case FIELD_KIND_BOOL:
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_LIST:
      break;
  }
  return false;
}

/* Binary form */

struct encoder {
  unsigned char *out;
  size_t size;
  size_t used;
  bool is_full;
};

static void put_bytes(struct encoder *encoder, const void *bytes, size_t count) {
  if (encoder->is_full || count > encoder->size - encoder->used) {
    encoder->is_full = true;
    return;
  }
  memcpy(encoder->out + encoder->used, bytes, count);
  encoder->used += count;
}

/* Little-endian whatever the machine. */
static void put_number(struct encoder *encoder, uint64_t value, size_t count) {
  unsigned char bytes[8];
  for (size_t i = 0; i < count; i++) bytes[i] = (unsigned char)(value >> (8 * i));
  put_bytes(encoder, bytes, count);
}

static void encode_record(struct encoder *encoder, const struct schema *schema, const void *object);

static void encode_text(struct encoder *encoder, const struct field *field, const void *object) {
  const char *text = get_text(field, object);
  size_t length = strnlen(text, field->size);
  check(length < field->size && length <= UINT16_MAX);
  put_number(encoder, length, 2);
  put_bytes(encoder, text, length);
}

static void encode_list(struct encoder *encoder, const struct field *field, const void *object) {
  int32_t count = get_count(field, object);
  check(count <= UINT16_MAX);
  put_number(encoder, (uint64_t)count, 2);
  for (int32_t i = 0; i < count; i++) encode_record(encoder, field->item, member(field, object) + (size_t)i * field->item->size);
}

static void encode_field(struct encoder *encoder, const struct field *field, const void *object) {
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_DECIMAL_NULL:
    case FIELD_KIND_TIME:
    case FIELD_KIND_ID:
      put_number(encoder, (uint64_t)get_i64(field, object), 8);
      return;
    case FIELD_KIND_I32:
    case FIELD_KIND_ENUM:
      put_number(encoder, (uint32_t)get_i32(field, object), 4);
      return;
    case FIELD_KIND_BOOL:
      put_number(encoder, get_bool(field, object), 1);
      return;
    case FIELD_KIND_DOUBLE: {
      uint64_t bits;
      memcpy(&bits, member(field, object), sizeof(bits));
      put_number(encoder, bits, 8);
      return;
    }
    case FIELD_KIND_TEXT:
      encode_text(encoder, field, object);
      return;
    case FIELD_KIND_LIST:
      encode_list(encoder, field, object);
      return;
  }
}

static void encode_record(struct encoder *encoder, const struct schema *schema, const void *object) {
  for (int i = 0; i < schema->field_count && !encoder->is_full; i++) encode_field(encoder, &schema->fields[i], object);
}

size_t schema_encode(const struct schema *schema, const void *object, unsigned char *out, size_t size) {
  struct encoder encoder = {.out = out, .size = size};
  encode_record(&encoder, schema, object);
  return encoder.is_full ? 0 : encoder.used;
}

struct decoder {
  const unsigned char *bytes;
  size_t size;
  size_t used;
};

static bool take_number(struct decoder *decoder, size_t count, uint64_t *out) {
  if (count > decoder->size - decoder->used) return false;
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value |= (uint64_t)decoder->bytes[decoder->used + i] << (8 * i);
  decoder->used += count;
  *out = value;
  return true;
}

static bool decode_record(struct decoder *decoder, const struct schema *schema, void *object);

static bool decode_text(struct decoder *decoder, const struct field *field, unsigned char *target) {
  uint64_t length;
  if (!take_number(decoder, 2, &length)) return false;
  if (length >= field->size || length > decoder->size - decoder->used) return false;
  const unsigned char *text = decoder->bytes + decoder->used;
  if (memchr(text, '\0', length) != NULL) return false; /* would come back shorter than it was */
  memcpy(target, text, length);
  decoder->used += length;
  return true;
}

static bool decode_list(struct decoder *decoder, const struct field *field, void *object) {
  uint64_t count;
  if (!take_number(decoder, 2, &count) || count > field->size) return false;
  int32_t stored = (int32_t)count;
  memcpy((unsigned char *)object + field->count_offset, &stored, sizeof(stored));
  unsigned char *item = (unsigned char *)object + field->offset;
  for (uint64_t i = 0; i < count; i++, item += field->item->size) {
    if (!decode_record(decoder, field->item, item)) return false;
  }
  return true;
}

static bool decode_small(struct decoder *decoder, const struct field *field, unsigned char *target) {
  uint64_t value;
  if (field->kind == FIELD_KIND_BOOL) {
    if (!take_number(decoder, 1, &value) || value > 1) return false;
    bool truth = value == 1;
    memcpy(target, &truth, sizeof(truth));
    return true;
  }
  if (!take_number(decoder, 4, &value)) return false;
  int32_t number = (int32_t)(uint32_t)value;
  /* One spelling of null, so that decoding and encoding again gives the same bytes. */
  if (field->kind == FIELD_KIND_ENUM && (number < -1 || number >= field->name_count)) return false;
  memcpy(target, &number, sizeof(number));
  return true;
}

static bool decode_field(struct decoder *decoder, const struct field *field, void *object) {
  unsigned char *target = (unsigned char *)object + field->offset;
  uint64_t value;
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_DECIMAL_NULL:
    case FIELD_KIND_DOUBLE:
    case FIELD_KIND_TIME:
    case FIELD_KIND_ID:
      if (!take_number(decoder, 8, &value)) return false;
      memcpy(target, &value, sizeof(value));
      return true;
    case FIELD_KIND_I32:
    case FIELD_KIND_BOOL:
    case FIELD_KIND_ENUM:
      return decode_small(decoder, field, target);
    case FIELD_KIND_TEXT:
      return decode_text(decoder, field, target);
    case FIELD_KIND_LIST:
      return decode_list(decoder, field, object);
  }
  return false;
}

static bool decode_record(struct decoder *decoder, const struct schema *schema, void *object) {
  for (int i = 0; i < schema->field_count; i++) {
    if (!decode_field(decoder, &schema->fields[i], object)) return false;
  }
  return true;
}

size_t schema_decode(const struct schema *schema, void *object, const unsigned char *bytes, size_t size) {
  struct decoder decoder = {.bytes = bytes, .size = size};
  memset(object, 0, schema->size);
  return decode_record(&decoder, schema, object) ? decoder.used : 0;
}

/* Canonical line */

/* Separators and control characters inside a text are escaped: a line is read back in one way only and stays one line. */
static bool is_plain(unsigned char c) {
  return c >= 0x20 && c != 0x7f && c != '\\' && c != '|' && c != '[' && c != ']';
}

static void print_text(const char *value, struct text *out) {
  static const char hex[] = "0123456789abcdef";
  while (*value != '\0') {
    const char *start = value;
    while (is_plain((unsigned char)*value)) value++; /* ends at the terminator too */
    text_add_bytes(out, start, (size_t)(value - start));
    unsigned char c = (unsigned char)*value;
    if (c == '\0') return;
    if (c < 0x20 || c == 0x7f) {
      text_add_bytes(out, (const char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
    } else {
      text_add_bytes(out, (const char[]){'\\', *value}, 2);
    }
    value++;
  }
}

static void print_fields(const struct schema *schema, const void *object, struct text *out);

static void print_list(const struct field *field, const void *object, struct text *out) {
  int32_t count = get_count(field, object);
  for (int32_t i = 0; i < count; i++) {
    text_add_char(out, '[');
    print_fields(field->item, member(field, object) + (size_t)i * field->item->size, out);
    text_add_char(out, ']');
  }
}

static void print_field(const struct field *field, const void *object, struct text *out) {
  if (is_null(field, object)) return;
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_TIME:
      text_add_i64(out, get_i64(field, object));
      return;
    case FIELD_KIND_I32:
      text_add_i64(out, get_i32(field, object));
      return;
    case FIELD_KIND_BOOL:
      text_add(out, get_bool(field, object) ? "true" : "false");
      return;
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_DECIMAL_NULL:
      text_add_decimal(out, get_i64(field, object));
      return;
    case FIELD_KIND_DOUBLE:
      text_add_double(out, get_double(field, object), PLACES);
      return;
    case FIELD_KIND_TEXT:
      print_text(get_text(field, object), out);
      return;
    case FIELD_KIND_ENUM:
      text_add(out, enum_name(field, get_i32(field, object)));
      return;
    case FIELD_KIND_ID:
      text_add_id(out, field->prefix, field->width, get_i64(field, object));
      return;
    case FIELD_KIND_LIST:
      print_list(field, object, out);
      return;
  }
}

static void print_fields(const struct schema *schema, const void *object, struct text *out) {
  for (int i = 0; i < schema->field_count; i++) {
    if (i > 0) text_add_char(out, '|');
    print_field(&schema->fields[i], object, out);
  }
}

void schema_print(const struct schema *schema, const void *object, struct text *out) {
  text_add(out, schema->name);
  text_add_char(out, '|');
  print_fields(schema, object, out);
}

/* JSON and tables */

static void list_to_json(const struct field *field, const void *object, const char *key, struct json_writer *writer) {
  int32_t count = get_count(field, object);
  json_begin_array(writer, key);
  for (int32_t i = 0; i < count; i++) {
    json_begin_object(writer, NULL);
    schema_to_json(field->item, member(field, object) + (size_t)i * field->item->size, writer);
    json_end_object(writer);
  }
  json_end_array(writer);
}

static void id_to_json(const struct field *field, const void *object, struct json_writer *writer) {
  char memory[48];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add_id(&text, field->prefix, field->width, get_i64(field, object));
  json_add_string(writer, field->name, memory);
}

static void field_to_json(const struct field *field, const void *object, struct json_writer *writer) {
  if (is_null(field, object)) {
    json_add_null(writer, field->name);
    return;
  }
  switch (field->kind) {
    case FIELD_KIND_I64:
    case FIELD_KIND_TIME:
      json_add_int(writer, field->name, get_i64(field, object));
      return;
    case FIELD_KIND_I32:
      json_add_int(writer, field->name, get_i32(field, object));
      return;
    case FIELD_KIND_BOOL:
      json_add_bool(writer, field->name, get_bool(field, object));
      return;
    case FIELD_KIND_DECIMAL:
    case FIELD_KIND_DECIMAL_NULL:
      json_add_decimal(writer, field->name, get_i64(field, object));
      return;
    case FIELD_KIND_DOUBLE:
      json_add_double(writer, field->name, get_double(field, object));
      return;
    case FIELD_KIND_TEXT:
      json_add_string(writer, field->name, get_text(field, object));
      return;
    case FIELD_KIND_ENUM:
      json_add_string(writer, field->name, enum_name(field, get_i32(field, object)));
      return;
    case FIELD_KIND_ID:
      id_to_json(field, object, writer);
      return;
    case FIELD_KIND_LIST:
      list_to_json(field, object, field->name, writer);
      return;
  }
}

void schema_to_json(const struct schema *schema, const void *object, struct json_writer *writer) {
  for (int i = 0; i < schema->field_count; i++) field_to_json(&schema->fields[i], object, writer);
}

void schema_field_text(const struct field *field, const void *object, struct text *out) {
  if (is_null(field, object)) return;
  if (field->kind == FIELD_KIND_TEXT) {
    text_add(out, get_text(field, object));
  } else if (field->kind == FIELD_KIND_TIME) {
    text_add_time(out, get_i64(field, object));
  } else if (field->kind == FIELD_KIND_LIST) {
    struct buffer buffer = {0};
    struct json_writer writer;
    json_writer_init(&writer, &buffer, false);
    list_to_json(field, object, NULL, &writer);
    text_add(out, buffer.data);
    buffer_deinit(&buffer);
  } else {
    print_field(field, object, out);
  }
}

const struct field *schema_field(const struct schema *schema, const char *name) {
  for (int i = 0; i < schema->field_count; i++) {
    if (text_equal(schema->fields[i].name, name)) return &schema->fields[i];
  }
  return NULL;
}
