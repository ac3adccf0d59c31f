/* Sockets that listen. */
#ifndef ADAPTERS_HTTP_LISTENER_H
#define ADAPTERS_HTTP_LISTENER_H

#include "base/problem.h"
#include "base/status.h"

/* Listens at an IPv4 or IPv6 address or localhost; *port 0 becomes a free one. setting: the name of the port's setting, for messages. */
NODISCARD enum status listener_open(const char *host, const char *setting, int *port, int *fd, struct problem *problem);

/* The port at which a socket listens; 0 when it does not. */
int listener_port(int fd);

#endif
