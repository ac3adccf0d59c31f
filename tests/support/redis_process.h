/* A real redis-server on loopback, in a folder and at a port of its own. */
#ifndef SUPPORT_REDIS_PROCESS_H
#define SUPPORT_REDIS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { REDIS_WORDS_MAX = 8 };

struct redis_process {
  char folder[256]; /* "" before the first start */
  int port;
  pid_t pid; /* 0: not running */
};

/* Is the program installed? */
bool redis_process_is_there(void);
/* A free port, without starting. */
void redis_process_choose(struct redis_process *redis);
/* words: further arguments, the list ends with NULL. The same port each time; it begins empty. Fails the test when it does not listen in time. */
void redis_process_start(struct redis_process *redis, const char *const words[]);
/* At once, as by kill -9. */
void redis_process_kill(struct redis_process *redis);
/* Stands still, and goes on. */
void redis_process_freeze(const struct redis_process *redis, bool is_frozen);
/* Kills it and removes the folder. */
void redis_process_clean(struct redis_process *redis);
/* Sends a command as one line and takes the first line of the reply, with the second one of a text ("$5\r\nvalue"). Logs in first with a password
 * that is not NULL. */
void redis_process_ask(const struct redis_process *redis, const char *password, const char *line, char *out, size_t size);
/* The number of a reply like ":5". */
long long redis_process_number(const struct redis_process *redis, const char *line);

#endif
