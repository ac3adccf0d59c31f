/* jansson uses some of our names for other things; while its header is read they get another spelling. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_REAL JANSSON_REAL
#define JSON_NULL JANSSON_NULL
#define json_string jansson_string
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_REAL
#undef JSON_NULL
#undef JSON_STRICT
#undef json_string

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json.h"
#include "base/text.h"

enum { DEPTH_MAX = 64, WRITER_DEPTH_MAX = 32, PLACES = 8 };

/* A struct json is a json_t under another name: nothing of ours is added to it, and no other file sees jansson. */
static const json_t *inner(const struct json *value) {
  return (const json_t *)value;
}

static const struct json *outer(const json_t *value) {
  return (const struct json *)value;
}

/* Length of the valid UTF-8 sequence at the start of text (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF); 0 when invalid. */
static size_t utf8_length(const char *text) {
  const unsigned char *c = (const unsigned char *)text;
  if (c[0] < 0x80) return 1;
  if (c[0] < 0xc2 || c[0] > 0xf4 || (c[1] & 0xc0) != 0x80) return 0;
  if (c[0] < 0xe0) return 2;
  if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) || (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f)) return 0;
  if ((c[2] & 0xc0) != 0x80) return 0;
  if (c[0] < 0xf0) return 3;
  return (c[3] & 0xc0) == 0x80 ? 4 : 0;
}

/* Reading */

struct reader {
  char *text;
  size_t length;
  size_t at;
  int flags;
  const char *source_name;
  struct problem *problem;
};

static void add_error(const struct reader *reader, size_t line, size_t column, const char *message) {
  char memory[160];
  struct text path;
  text_init(&path, memory, sizeof(memory));
  text_add(&path, reader->source_name);
  text_add_char(&path, ':');
  text_add_i64(&path, (int64_t)line);
  text_add_char(&path, ':');
  text_add_i64(&path, (int64_t)column);
  problem_add(reader->problem, "bad_json", memory, NULL, NULL, "%s", message);
}

static bool refuse_at(const struct reader *reader, size_t at, const char *message) {
  size_t line = 1;
  size_t column = 1;
  for (size_t i = 0; i < at; i++) {
    bool is_continuation = ((unsigned char)reader->text[i] & 0xc0) == 0x80;
    column += !is_continuation;
    if (reader->text[i] == '\n') {
      line++;
      column = 1;
    }
  }
  add_error(reader, line, column, message);
  return false;
}

/* Everywhere, also in comments. A NUL byte ends valid JSON nowhere. */
static bool is_clean(const struct reader *reader) {
  if (reader->length >= 3 && memcmp(reader->text, "\xef\xbb\xbf", 3) == 0) return refuse_at(reader, 0, "the text begins with a byte order mark");
  for (size_t at = 0; at < reader->length;) {
    if (reader->text[at] == '\0') return refuse_at(reader, at, "a NUL byte is not allowed");
    size_t count = utf8_length(reader->text + at);
    if (count == 0) return refuse_at(reader, at, "the text is not valid UTF-8");
    at += count;
  }
  return true;
}

/* Moves behind the closing quote, or to the end when there is none: the parser then finds that error itself. */
static void skip_string(struct reader *reader) {
  for (reader->at++; reader->at < reader->length; reader->at++) {
    char c = reader->text[reader->at];
    if (c == '\\') {
      reader->at++;
    } else if (c == '"' || c == '\n') {
      break;
    }
  }
  if (reader->at < reader->length) reader->at++;
  if (reader->at > reader->length) reader->at = reader->length;
}

static bool starts_with(const struct reader *reader, const char *token) {
  size_t count = strlen(token);
  return reader->length - reader->at >= count && memcmp(reader->text + reader->at, token, count) == 0;
}

/* Comments become spaces, so that positions of later errors stay right. */
static bool blank_comment(struct reader *reader) {
  size_t start = reader->at;
  bool is_line = reader->text[start + 1] == '/';
  reader->text[reader->at++] = ' ';
  reader->text[reader->at++] = ' ';
  for (; reader->at < reader->length; reader->at++) {
    if (is_line && reader->text[reader->at] == '\n') return true;
    if (!is_line && starts_with(reader, "*/")) {
      reader->text[reader->at++] = ' ';
      reader->text[reader->at++] = ' ';
      return true;
    }
    if (reader->text[reader->at] != '\n') reader->text[reader->at] = ' ';
  }
  return is_line ? true : refuse_at(reader, start, "the comment does not end");
}

/* One pass over the text outside strings: the nesting limit, and in relaxed mode comments and trailing commas. */
static bool prepare(struct reader *reader) {
  int depth = 0;
  size_t comma = SIZE_MAX; /* the last token if it was a comma behind a value */
  bool has_value = false;  /* the last token was the end of a value */
  while (reader->at < reader->length) {
    char c = reader->text[reader->at];
    if ((reader->flags & JSON_RELAXED) != 0 && (starts_with(reader, "//") || starts_with(reader, "/*"))) {
      if (!blank_comment(reader)) return false;
      continue;
    }
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      reader->at++;
      continue;
    }
    bool closes = c == ']' || c == '}';
    if (c == '[' || c == '{') depth++;
    if (closes) depth--;
    if (depth > DEPTH_MAX) return refuse_at(reader, reader->at, "nested deeper than 64 levels");
    if (closes && comma != SIZE_MAX && (reader->flags & JSON_RELAXED) != 0) reader->text[comma] = ' ';
    comma = c == ',' && has_value ? reader->at : SIZE_MAX;
    has_value = !(c == ',' || c == ':' || c == '[' || c == '{');
    if (c == '"') {
      skip_string(reader);
    } else {
      reader->at++;
    }
  }
  return true;
}

static json_t *parse_prepared(const struct reader *reader) {
  json_error_t error;
  json_t *document = json_loadb(reader->text, reader->length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
  if (document != NULL) return document;
  /* jansson quotes the text it stumbled over, which may be part of a password; the place says enough. A doubled key is no secret and worth naming. */
  char *quoted = strstr(error.text, " near '");
  if (quoted != NULL && strncmp(error.text, "duplicate object key", 20) != 0) *quoted = '\0';
  add_error(reader, error.line > 0 ? (size_t)error.line : 1, error.column > 0 ? (size_t)error.column : 1, error.text);
  return NULL;
}

struct json *json_parse(const char *text, size_t length, int flags, const char *source_name, struct problem *problem) {
  struct buffer copy = {0};
  buffer_add(&copy, text, length);
  struct reader reader = {.text = copy.data, .length = length, .flags = flags, .source_name = source_name, .problem = problem};
  json_t *document = NULL;
  if (is_clean(&reader) && prepare(&reader)) document = parse_prepared(&reader);
  buffer_deinit(&copy);
  return (struct json *)document;
}

void json_free(struct json *document) {
  json_decref((json_t *)document);
}

enum json_kind json_kind(const struct json *value) {
  switch (json_typeof(inner(value))) {
    case JANSSON_OBJECT:
      return JSON_OBJECT;
    case JANSSON_ARRAY:
      return JSON_ARRAY;
    case JANSSON_STRING:
      return JSON_STRING;
    case JSON_INTEGER:
      return JSON_INT;
    case JANSSON_REAL:
      return JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
      return JSON_BOOL;
    case JANSSON_NULL:
      break;
  }
  return JSON_NULL;
}

bool json_bool(const struct json *value) {
  check(json_kind(value) == JSON_BOOL);
  return json_typeof(inner(value)) == JSON_TRUE;
}

int64_t json_int(const struct json *value) {
  check(json_kind(value) == JSON_INT);
  return json_integer_value(inner(value));
}

double json_number(const struct json *value) {
  if (json_kind(value) == JSON_INT) return (double)json_integer_value(inner(value));
  check(json_kind(value) == JSON_REAL);
  return json_real_value(inner(value));
}

const char *json_string(const struct json *value) {
  check(json_kind(value) == JSON_STRING);
  return json_string_value(inner(value));
}

size_t json_size(const struct json *value) {
  if (json_kind(value) == JSON_OBJECT) return json_object_size(inner(value));
  check(json_kind(value) == JSON_ARRAY);
  return json_array_size(inner(value));
}

const struct json *json_item(const struct json *array, size_t index) {
  check(json_kind(array) == JSON_ARRAY && index < json_array_size(inner(array)));
  return outer(json_array_get(inner(array), index));
}

const struct json *json_member(const struct json *object, const char *key) {
  check(json_kind(object) == JSON_OBJECT);
  return outer(json_object_get(inner(object), key));
}

void json_each(const struct json *object, void (*visit)(void *context, const char *key, const struct json *value), void *context) {
  check(json_kind(object) == JSON_OBJECT);
  /* jansson's iterator takes a mutable object, though it changes nothing. */
  json_t *mutable_object = (json_t *)(uintptr_t)object;
  for (void *at = json_object_iter(mutable_object); at != NULL; at = json_object_iter_next(mutable_object, at)) {
    visit(context, json_object_iter_key(at), outer(json_object_iter_value(at)));
  }
}

/* Writing */

void json_writer_init(struct json_writer *writer, struct buffer *out, bool is_pretty) {
  *writer = (struct json_writer){.out = out, .is_pretty = is_pretty};
}

static void new_line(struct json_writer *writer) {
  if (!writer->is_pretty) return;
  static const char spaces[2 * WRITER_DEPTH_MAX + 1] = "                                                                ";
  buffer_add(writer->out, "\n", 1);
  buffer_add(writer->out, spaces, 2 * (size_t)writer->depth);
}

static void add_escaped(struct buffer *out, const char *text) {
  static const char hex[] = "0123456789abcdef";
  const char *plain = text; /* start of what needs no change and is not written yet */
  while (*text != '\0') {
    unsigned char c = (unsigned char)*text;
    size_t length = utf8_length(text);
    /* DEL and the C1 controls are legal JSON but move the cursor of a terminal; the line separators are escaped for readers that cut lines there. */
    bool is_control = c < 0x20 || c == 0x7f || (c == 0xc2 && length == 2 && (unsigned char)text[1] < 0xa0);
    bool is_separator = length == 3 && c == 0xe2 && (unsigned char)text[1] == 0x80 && ((unsigned char)text[2] & 0xfe) == 0xa8;
    if (length > 0 && !is_control && !is_separator && c != '"' && c != '\\') {
      text += length;
      continue;
    }
    buffer_add(out, plain, (size_t)(text - plain));
    if (length == 0) {
      buffer_add(out, "\xef\xbf\xbd", 3); /* U+FFFD: what we write is always valid */
      length = 1;
    } else if (c == '"' || c == '\\') {
      buffer_add(out, (const char[]){'\\', (char)c}, 2);
    } else if (c == '\n' || c == '\r' || c == '\t') {
      buffer_add(out, (const char[]){'\\', c == '\n' ? 'n' : c == '\r' ? 'r' : 't'}, 2);
    } else if (is_separator) {
      buffer_add(out, (const char[]){'\\', 'u', '2', '0', '2', (unsigned char)text[2] == 0xa8 ? '8' : '9'}, 6);
    } else {
      unsigned char code = length == 2 ? (unsigned char)text[1] : c;
      buffer_add(out, (const char[]){'\\', 'u', '0', '0', hex[code >> 4], hex[code & 15]}, 6);
    }
    text += length;
    plain = text;
  }
  buffer_add(out, plain, (size_t)(text - plain));
}

static void add_quoted(struct buffer *out, const char *text) {
  buffer_add(out, "\"", 1);
  add_escaped(out, text);
  buffer_add(out, "\"", 1);
}

/* Comma, line break and key before a value. */
static void begin_value(struct json_writer *writer, const char *key) {
  uint32_t bit = UINT32_C(1) << (writer->depth > 0 ? writer->depth - 1 : 0);
  if (writer->depth > 0) {
    if ((writer->has_item & bit) != 0) buffer_add(writer->out, ",", 1);
    new_line(writer);
    writer->has_item |= bit;
  }
  if (key == NULL) return;
  add_quoted(writer->out, key);
  buffer_add(writer->out, ": ", writer->is_pretty ? 2 : 1);
}

static void begin_level(struct json_writer *writer, const char *key, char bracket) {
  begin_value(writer, key);
  check(writer->depth < WRITER_DEPTH_MAX);
  buffer_add(writer->out, &bracket, 1);
  writer->has_item &= ~(UINT32_C(1) << writer->depth);
  writer->depth++;
}

static void end_level(struct json_writer *writer, char bracket) {
  check(writer->depth > 0);
  writer->depth--;
  if ((writer->has_item & UINT32_C(1) << writer->depth) != 0) new_line(writer);
  buffer_add(writer->out, &bracket, 1);
}

void json_begin_object(struct json_writer *writer, const char *key) {
  begin_level(writer, key, '{');
}

void json_end_object(struct json_writer *writer) {
  end_level(writer, '}');
}

void json_begin_array(struct json_writer *writer, const char *key) {
  begin_level(writer, key, '[');
}

void json_end_array(struct json_writer *writer) {
  end_level(writer, ']');
}

void json_add_raw(struct json_writer *writer, const char *key, const char *json) {
  begin_value(writer, key);
  buffer_add_text(writer->out, json);
}

void json_add_string(struct json_writer *writer, const char *key, const char *value) {
  if (value == NULL) {
    json_add_null(writer, key);
    return;
  }
  begin_value(writer, key);
  add_quoted(writer->out, value);
}

void json_add_int(struct json_writer *writer, const char *key, int64_t value) {
  char memory[24];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add_i64(&text, value);
  json_add_raw(writer, key, memory);
}

/* With eight places a number below 10^7 has at most 15 digits, which show no noise of the binary form. Larger ones get the first number of places
 * that reads back as the same double. */
static void print_double(struct text *text, char *memory, size_t size, double value) {
  int places = value > -1e7 && value < 1e7 ? PLACES : 0;
  for (;; places++) {
    double back;
    text_init(text, memory, size);
    text_add_double(text, value, places);
    if (places == PLACES || (text_parse_double(memory, &back) && back == value)) return;
  }
}

void json_add_double(struct json_writer *writer, const char *key, double value) {
  if (!(value - value == 0.0)) { /* NaN and infinities */
    json_add_null(writer, key);
    return;
  }
  char memory[352]; /* 309 digits, sign and places */
  struct text text;
  print_double(&text, memory, sizeof(memory), value);
  json_add_raw(writer, key, memory);
}

void json_add_decimal(struct json_writer *writer, const char *key, int64_t value) {
  char memory[32];
  struct text text;
  text_init(&text, memory, sizeof(memory));
  text_add_decimal(&text, value);
  json_add_raw(writer, key, memory);
}

void json_add_bool(struct json_writer *writer, const char *key, bool value) {
  json_add_raw(writer, key, value ? "true" : "false");
}

void json_add_null(struct json_writer *writer, const char *key) {
  json_add_raw(writer, key, "null");
}

static void add_member(void *context, const char *key, const struct json *value) {
  json_add_value(context, key, value);
}

void json_add_value(struct json_writer *writer, const char *key, const struct json *value) {
  switch (json_kind(value)) {
    case JSON_NULL:
      json_add_null(writer, key);
      break;
    case JSON_BOOL:
      json_add_bool(writer, key, json_bool(value));
      break;
    case JSON_INT:
      json_add_int(writer, key, json_int(value));
      break;
    case JSON_REAL:
      json_add_double(writer, key, json_number(value));
      break;
    case JSON_STRING:
      json_add_string(writer, key, json_string(value));
      break;
    case JSON_ARRAY:
      json_begin_array(writer, key);
      for (size_t i = 0; i < json_size(value); i++) json_add_value(writer, NULL, json_item(value, i));
      json_end_array(writer);
      break;
    case JSON_OBJECT:
      json_begin_object(writer, key);
      json_each(value, add_member, writer);
      json_end_object(writer);
      break;
  }
}

void json_add_problem(struct json_writer *writer, const char *key, const struct problem *problem, bool is_warning) {
  json_begin_array(writer, key);
  for (int i = 0; i < problem->count; i++) {
    const struct problem_item *item = &problem->items[i];
    if (item->is_warning != is_warning) continue;
    json_begin_object(writer, NULL);
    json_add_string(writer, "path", item->path);
    json_add_string(writer, "code", item->code);
    json_add_string(writer, "message", item->message);
    json_add_string(writer, "value", item->value[0] != '\0' ? item->value : NULL);
    json_add_string(writer, "allowed", item->allowed[0] != '\0' ? item->allowed : NULL);
    json_end_object(writer);
  }
  json_end_array(writer);
}
