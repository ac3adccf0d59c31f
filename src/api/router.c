#include "api/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* FNV-1a over each segment, then over the segments; a {name} counts as a number that no segment has but by chance. */
static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);
static const uint64_t hash_factor = UINT64_C(0x100000001b3);
static const uint64_t hash_wild = 1;

static uint64_t hash_text(const char *text, size_t length) {
  uint64_t hash = hash_start;
  for (size_t i = 0; i < length; i++) hash = (hash ^ (unsigned char)text[i]) * hash_factor;
  return hash;
}

static uint64_t add_segment(uint64_t hash, uint64_t segment) {
  hash = (hash ^ segment) * hash_factor;
  return hash ^ hash >> 29;
}

static uint64_t hash_path(const char *path, int *segments) {
  uint64_t hash = hash_start;
  int wilds = 0;
  *segments = 0;
  while (*path == '/') {
    size_t length = strcspn(++path, "/");
    bool is_wild = path[0] == '{';
    wilds += is_wild;
    hash = add_segment(hash, is_wild ? hash_wild : hash_text(path, length));
    path += length;
    ++*segments;
  }
  check(wilds <= ROUTER_WILDS_MAX);
  return hash;
}

static int place_of(const struct router *router, uint64_t hash) {
  int place = (int)(hash % ROUTER_SIZE);
  while (router->hashes[place] != 0 && router->hashes[place] != hash) place = (place + 1) % ROUTER_SIZE;
  return place;
}

void router_open(struct router *router) {
  memset(router, 0, sizeof *router);
  check(api_route_count < ROUTER_SIZE / 2);
  router->next = calloc((size_t)api_route_count, sizeof *router->next);
  check(router->next != NULL);
  for (int i = api_route_count - 1; i >= 0; i--) {
    int segments;
    uint64_t hash = hash_path(api_routes[i].path, &segments);
    if (segments > router->segments_max) router->segments_max = segments;
    int place = place_of(router, hash);
    router->next[i] = router->hashes[place] != 0 ? router->first[place] : (int16_t)-1;
    router->hashes[place] = hash;
    router->first[place] = (int16_t)i;
  }
}

void router_close(struct router *router) {
  free(router->next);
  router->next = NULL;
}

static int add_found(const struct router *router, uint64_t hash, int found[ROUTER_FOUND_MAX], int count) {
  int place = place_of(router, hash);
  if (router->hashes[place] == 0) return count;
  for (int i = router->first[place]; i >= 0 && count < ROUTER_FOUND_MAX; i = router->next[i]) found[count++] = i;
  return count;
}

int router_find(const struct router *router, const struct http_request *request, int found[ROUTER_FOUND_MAX]) {
  uint64_t hashes[HTTP_SEGMENTS_MAX];
  int segments = request->segment_count;
  int count = 0;
  if (segments > router->segments_max) return 0;
  for (int i = 0; i < segments; i++) hashes[i] = hash_text(request->segments[i], strlen(request->segments[i]));
  for (int wilds = 0; wilds <= ROUTER_WILDS_MAX; wilds++) {
    for (unsigned mask = 0; mask < 1u << segments; mask++) {
      if (__builtin_popcount(mask) != wilds) continue;
      uint64_t hash = hash_start;
      for (int i = 0; i < segments; i++) hash = add_segment(hash, (mask >> i & 1u) != 0 ? hash_wild : hashes[i]);
      count = add_found(router, hash, found, count);
    }
  }
  return count;
}
