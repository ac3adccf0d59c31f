#include "adapters/redis/redis_address.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Percent-decodes length bytes; false when they do not fit, an escape is bad or a NUL is meant. */
static bool decode(const char *from, size_t length, char *out, size_t size) {
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    int c = (unsigned char)from[i];
    if (c == '%') {
      int high = i + 2 < length ? hex_digit(from[i + 1]) : -1;
      int low = i + 2 < length ? hex_digit(from[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      c = high * 16 + low;
      i += 2;
    }
    if (c == 0 || used + 1 >= size) return false;
    out[used++] = (char)c;
  }
  out[used] = '\0';
  return true;
}

static bool take_number(const char *from, size_t length, int64_t min, int64_t max, int *out) {
  char text[12];
  int64_t value;
  if (length >= sizeof text) return false;
  text_copy(text, length + 1, from);
  if (!text_parse_i64(text, &value) || value < min || value > max) return false;
  *out = (int)value;
  return true;
}

/* user:password of before the '@'. */
static bool take_login(struct redis_address *address, const char *from, size_t length) {
  const char *colon = memchr(from, ':', length);
  size_t name = colon != NULL ? (size_t)(colon - from) : length;
  if (!decode(from, name, address->user, sizeof address->user)) return false;
  return colon == NULL || decode(colon + 1, length - name - 1, address->password, sizeof address->password);
}

/* host, host:port, [::1]:port */
static bool take_host(struct redis_address *address, const char *from, size_t length) {
  const char *end = from + length;
  const char *host = from;
  const char *host_end;
  if (length > 0 && from[0] == '[') {
    host = from + 1;
    host_end = memchr(from, ']', length);
    if (host_end == NULL) return false;
    from = host_end + 1;
  } else {
    host_end = memchr(from, ':', length);
    if (host_end == NULL) host_end = end;
    from = host_end;
  }
  if (host_end == host || !decode(host, (size_t)(host_end - host), address->host, sizeof address->host)) return false;
  if (from == end) return true;
  return *from == ':' && take_number(from + 1, (size_t)(end - from - 1), 1, 65535, &address->port);
}

static bool take_parts(struct redis_address *address, const char *rest) {
  size_t length = strcspn(rest, "/?#");
  const char *path = rest + length;
  const char *at = NULL;
  for (size_t i = 0; i < length; i++) {
    if (rest[i] == '@') at = rest + i; /* the last one: a password may have others */
  }
  if (at != NULL && !take_login(address, rest, (size_t)(at - rest))) return false;
  const char *host = at != NULL ? at + 1 : rest;
  if (!take_host(address, host, (size_t)(path - host))) return false;
  if (path[0] == '\0' || text_equal(path, "/")) return true;
  return path[0] == '/' && take_number(path + 1, strlen(path + 1), 0, REDIS_DATABASE_MAX, &address->database);
}

enum status redis_address_parse(struct redis_address *address, const char *url, const char *password, struct problem *problem) {
  static const char scheme[] = "redis://";
  *address = (struct redis_address){.port = REDIS_PORT};
  if (strncmp(url, "rediss://", 9) == 0) {
    problem_add(problem, "not_in_version", "REDIS_URL", NULL, "redis://host:port/database",
                "Redis over TLS is not in this version: keep it in a network of its own");
    return STATUS_NOT_IN_VERSION;
  }
  bool is_good = strncmp(url, scheme, sizeof scheme - 1) == 0 && take_parts(address, url + sizeof scheme - 1);
  if (is_good && password != NULL && password[0] != '\0') {
    is_good = strlen(password) < sizeof address->password;
    text_copy(address->password, sizeof address->password, password);
  }
  if (!is_good) {
    explicit_bzero(address, sizeof *address);
    problem_add(problem, "bad_value", "REDIS_URL", NULL, "redis://[user:password@]host[:port][/0-15]", "is no address of Redis");
    return STATUS_BAD_CONFIG;
  }
  bool is_ipv6 = strchr(address->host, ':') != NULL;
  snprintf(address->shown, sizeof address->shown, "%s%.70s%s:%d/%d", is_ipv6 ? "[" : "", address->host, is_ipv6 ? "]" : "", address->port,
           address->database);
  return STATUS_OK;
}
