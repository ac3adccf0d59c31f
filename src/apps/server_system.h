/* What the server knows and does beside trading: sizes, lease, backups, resources. */
#ifndef APPS_SERVER_SYSTEM_H
#define APPS_SERVER_SYSTEM_H

#include "apps/server.h"

/* After the metrics are open. */
NODISCARD enum status server_system_open(struct server *server);
void server_system_close(struct server *server); /* also when it was not opened */
struct resources *server_resources(const struct server *server);

/* This program with other words, ending with NULL, on the same data. output: its standard output, -1 none. Returns 0 or an errno. */
int server_spawn(const struct settings *settings, const char *const words[], int output, pid_t *pid);

/* Of struct api_host; self is the server. */
void server_read_system(void *self, struct api_system *out);
NODISCARD enum status server_start_backup(void *self, struct problem *problem);
NODISCARD enum status server_take_backup(void *self, struct api_backup *out, struct problem *problem);

#endif
