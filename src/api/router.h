/* Routes by the hash of their path: which of them a request may mean, without looking at all of them. */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "api/api_state.h"

enum { ROUTER_SIZE = 1024, ROUTER_FOUND_MAX = 32, ROUTER_WILDS_MAX = 2 };

/* A place holds the first route of a path; the others with the same path follow by `next`. */
struct router {
  uint64_t hashes[ROUTER_SIZE]; /* 0: free */
  int16_t first[ROUTER_SIZE];
  int16_t *next; /* by route, -1 ends; owned */
  int segments_max;
};

void router_open(struct router *router);
void router_close(struct router *router);
/* Routes whose path has the segments of the request, whatever their method: those with that very text first, then those with a {name} in one place,
 * in two. Two paths may share a hash, so that each must still be compared. Returns how many. */
int router_find(const struct router *router, const struct http_request *request, int found[ROUTER_FOUND_MAX]);

#endif
