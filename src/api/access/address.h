/* Network addresses as texts: lists of networks, and who is behind a proxy. */
#ifndef API_ACCESS_ADDRESS_H
#define API_ACCESS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { NETWORKS_MAX = 32, ADDRESS_BYTES = 64 };

/* IPv4 as ::ffff:a.b.c.d, so that both kinds compare the same way. */
struct network {
  unsigned char bytes[16];
  int bits; /* that count */
};
struct networks {
  struct network items[NETWORKS_MAX];
  int count;
};

/* A list "10.0.0.0/8,::1"; what is no network is left out (settings were checked before). */
void networks_parse(struct networks *networks, const char *list);
bool networks_hold(const struct networks *networks, const char *address);
/* The client behind trusted proxies: the last address of X-Forwarded-For (may be NULL) that is none of them. */
void address_of_client(const struct networks *proxies, const char *peer, const char *forwarded, char out[ADDRESS_BYTES]);
/* What limits count by: IPv4 as it is, IPv6 its /64, because one client has all of that. */
void address_for_limit(const char *address, char out[ADDRESS_BYTES]);

#endif
