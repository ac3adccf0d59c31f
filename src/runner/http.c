/* Targets of requests, decoded once and strictly. */
#include "runner/http.h"

#include <string.h>

#include "base/text.h"

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes percent escapes; false for a bad escape, a control character, or too long a part. */
static bool decode(const char *from, size_t length, bool plus_is_space, char *out, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    char c = from[i];
    if (c == '%') {
      int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
      int low = high >= 0 ? hex_digit(from[i + 2]) : -1;
      if (low < 0) return false;
      c = (char)(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if ((unsigned char)c < 0x20 || c == 0x7f || used + 1 >= size) return false;
    out[used++] = c;
  }
  out[used] = '\0';
  return true;
}

static void parse_path(struct http_request *request, const char *path, size_t length) {
  request->segment_count = 0;
  if (length == 0 || path[0] != '/') {
    request->has_bad_path = true;
    return;
  }
  size_t start = 1;
  while (start <= length) {
    const char *slash = memchr(path + start, '/', length - start);
    size_t end = slash != NULL ? (size_t)(slash - path) : length;
    bool is_last = slash == NULL;
    if (is_last && end == start) return; /* one trailing slash, or the root */
    if (request->segment_count == HTTP_SEGMENTS_MAX) {
      request->has_bad_path = true;
      return;
    }
    char *segment = request->segments[request->segment_count];
    bool is_good = end > start && decode(path + start, end - start, false, segment, HTTP_SEGMENT_BYTES);
    if (!is_good || text_equal(segment, ".") || text_equal(segment, "..")) {
      request->has_bad_path = true;
      return;
    }
    ++request->segment_count;
    start = end + 1;
  }
}

static void parse_query(struct http_request *request, const char *query) {
  while (*query != '\0') {
    size_t length = strcspn(query, "&");
    size_t name_length = strcspn(query, "=&");
    bool has_value = name_length < length;
    if (length > 0) {
      if (request->argument_count == HTTP_ARGUMENTS_MAX) {
        request->has_bad_query = true;
        return;
      }
      struct http_argument *argument = &request->arguments[request->argument_count++];
      const char *value = has_value ? query + name_length + 1 : "";
      size_t value_length = has_value ? length - name_length - 1 : 0;
      bool is_good = decode(query, name_length, true, argument->name, sizeof argument->name) &&
                     decode(value, value_length, true, argument->value, sizeof argument->value);
      if (!is_good) {
        request->has_bad_query = true;
        return;
      }
    }
    query += length;
    if (*query == '&') ++query;
  }
}

void http_parse_target(struct http_request *request, const char *target) {
  request->target = target;
  request->argument_count = 0;
  request->has_bad_path = false;
  request->has_bad_query = false;
  size_t length = strcspn(target, "?");
  parse_path(request, target, length);
  if (target[length] == '?') parse_query(request, target + length + 1);
}

const char *http_argument(const struct http_request *request, const char *name) {
  for (int i = 0; i < request->argument_count; i++) {
    if (text_equal(request->arguments[i].name, name)) return request->arguments[i].value;
  }
  return NULL;
}

const char *http_header(const struct http_request *request, const char *name) {
  return request->find_header != NULL ? request->find_header(request, name) : NULL;
}

bool http_reply_add(struct http_reply *reply, const char *name, const char *value) {
  if (reply->field_count == HTTP_FIELDS_MAX || strlen(value) >= HTTP_FIELD_BYTES) return false;
  struct http_field *field = &reply->fields[reply->field_count++];
  field->name = name;
  text_copy(field->value, sizeof field->value, value);
  return true;
}
