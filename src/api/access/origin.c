/* Which pages may talk to this server: Host, Origin, Sec-Fetch-Site, and CORS for the origins of CORS_ORIGINS. */
#include <string.h>
#include <strings.h>

#include "api/access/access.h"
#include "base/check.h"

/* localhost, 127.x.x.x and ::1 with or without a port: a page of another name that resolves to us (DNS rebinding) is refused. */
static bool is_loopback_name(const char *host, size_t length) {
  if (length > 0 && host[0] == '[') return length >= 5 && strncmp(host, "[::1]", 5) == 0 && (length == 5 || host[5] == ':');
  const char *colon = memchr(host, ':', length);
  size_t name = colon != NULL ? (size_t)(colon - host) : length;
  if (name == 9 && strncasecmp(host, "localhost", 9) == 0) return true;
  if (name < 9 || name > 15 || strncmp(host, "127.", 4) != 0) return false;
  return strspn(host, "0123456789.") == name;
}

static size_t name_length(const char *host) {
  const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
  return end != NULL ? (size_t)(end + 1 - host) : strcspn(host, ":");
}

static bool is_same_name(const char *a, size_t length, const char *b) {
  return strlen(b) == length && strncasecmp(a, b, length) == 0;
}

/* The name of an origin that is allowed, or of the reverse proxy. */
static bool is_known_name(const struct api *api, const char *host) {
  size_t length = name_length(host);
  const struct access *access = api->access;
  if (length > 0 && is_same_name(host, length, api->options.settings->tls_domain)) return true;
  for (int i = 0; i < access->origin_count; i++) {
    const char *name = strstr(access->origins[i], "://");
    if (name == NULL) continue;
    name += 3;
    if (name_length(name) == length && strncasecmp(name, host, length) == 0) return true;
  }
  return false;
}

/* A server that listens on this machine only is called by this machine's names, or by those it was told. One that listens to others cannot know its
 * names; there the logins, which a browser sends to the name they were made for only, protect. */
static bool host_is_good(const struct api *api, const char *host) {
  const char *listens = api->options.settings->api_host;
  bool is_local = listens[0] == '\0' || is_loopback_name(listens, strlen(listens)) || text_equal(listens, "::1");
  if (!is_local) return true;
  return is_loopback_name(host, strlen(host)) || is_known_name(api, host);
}

static bool is_own(const struct http_request *request) {
  const char *name = strstr(request->origin, "://");
  bool is_web = strncmp(request->origin, "http://", 7) == 0 || strncmp(request->origin, "https://", 8) == 0;
  return is_web && name != NULL && request->host != NULL && strcasecmp(name + 3, request->host) == 0;
}

static bool is_listed(const struct api *api, const char *origin) {
  for (int i = 0; i < api->access->origin_count; i++) {
    if (text_equal(api->access->origins[i], origin)) return true;
  }
  return false;
}

bool origin_is_allowed(const struct api *api, const struct http_request *request) {
  if (request->host == NULL || !host_is_good(api, request->host)) return false;
  return request->origin == NULL || is_own(request) || is_listed(api, request->origin);
}

static void add_cors(struct http_reply *reply, const char *origin) {
  bool fits = http_reply_add(reply, "Access-Control-Allow-Origin", origin) && http_reply_add(reply, "Access-Control-Allow-Credentials", "true") &&
              http_reply_add(reply, "Vary", "Origin") &&
              http_reply_add(reply, "Access-Control-Expose-Headers", "X-Request-Id, Retry-After, ETag, Idempotent-Replay, X-Breakout-Version");
  check(fits);
}

static bool is_preflight(const struct http_request *request) {
  return text_equal(request->method, "OPTIONS") && request->origin != NULL && http_header(request, "Access-Control-Request-Method") != NULL;
}

static void answer_preflight(struct call *call) {
  bool fits = http_reply_add(call->reply, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE") &&
              http_reply_add(call->reply, "Access-Control-Allow-Headers",
                             "Content-Type, Authorization, X-CSRF-Token, Idempotency-Key, If-Match, If-None-Match") &&
              http_reply_add(call->reply, "Access-Control-Max-Age", "600");
  check(fits);
  call->reply->status = 204;
}

/* What the browser itself says about the page that asks; a page cannot change it. */
static bool is_cross_site(const struct api *api, const struct http_request *request) {
  const char *site = http_header(request, "Sec-Fetch-Site");
  if (site == NULL || text_equal(site, "same-origin") || text_equal(site, "none")) return false;
  return request->origin == NULL || !(is_own(request) || is_listed(api, request->origin));
}

bool access_admits_origin(struct call *call) {
  const struct http_request *request = call->request;
  if (request->host == NULL || !host_is_good(call->api, request->host)) {
    call_fail(call, 403, "bad_host", "this server answers on this machine only: call it as localhost or 127.0.0.1, or name the page in CORS_ORIGINS");
    return false;
  }
  bool is_safe = text_equal(request->method, "GET") || text_equal(request->method, "HEAD");
  if (!is_safe && is_cross_site(call->api, request)) {
    call_fail(call, 403, "csrf_failed", "a page of another site may not ask for changes");
    return false;
  }
  if (request->origin == NULL || is_own(request)) return true;
  if (!is_listed(call->api, request->origin)) {
    call_fail(call, 403, "bad_origin", "requests from pages of other servers are refused; CORS_ORIGINS names those that are not");
    return false;
  }
  add_cors(call->reply, request->origin);
  if (!is_preflight(request)) return true;
  answer_preflight(call);
  return false;
}
