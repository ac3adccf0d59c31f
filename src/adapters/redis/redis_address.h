/* Where Redis is: redis://[[user]:password@]host[:port][/database], parts percent-encoded, IPv6 in brackets. */
#ifndef ADAPTERS_REDIS_REDIS_ADDRESS_H
#define ADAPTERS_REDIS_REDIS_ADDRESS_H

#include "base/problem.h"
#include "base/status.h"

enum { REDIS_PORT = 6379, REDIS_DATABASE_MAX = 15 };

struct redis_address {
  char host[256];
  int port, database;
  char user[128];     /* "": the default user */
  char password[256]; /* "": none */
  char shown[96];     /* host:port/database, for people */
};

/* password: wins over that of the address; NULL or "": none. Problems name no part that may be secret. */
NODISCARD enum status redis_address_parse(struct redis_address *address, const char *url, const char *password, struct problem *problem);

#endif
