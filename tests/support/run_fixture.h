/* The API over an engine without a feed, a database in a folder of its own and real worker processes; requests are handed to the handler as the HTTP
 * server would. */
#ifndef SUPPORT_RUN_FIXTURE_H
#define SUPPORT_RUN_FIXTURE_H

#include "api/api.h"
#include "apps/run_pool.h"
#include "base/json.h"
#include "runner/runner.h"

struct run_fixture {
  char folder[256];
  char program[512]; /* breakout of the same build */
  struct settings settings;
  struct arena arena;
  struct engine *engine;
  struct exchange exchange;
  struct runner runner;
  struct metrics *metrics;
  struct run_pool *pool;
  struct run_port run_port;
  const struct row_port *rows;
  struct api *api;
  struct http_reply reply; /* of the last request */
  struct json *body;       /* the same as JSON; NULL when it is none */
  int changes, ends;       /* told by the pool */
};

/* A new folder with a database; workers how many at once. */
void run_fixture_open(struct run_fixture *fixture, int workers);
/* The same with the data set "gen": five days of breakouts of BTC/USDT:USDT; three of them make a symbol warm. */
void run_fixture_open_with_data(struct run_fixture *fixture, int workers);
void run_fixture_close(struct run_fixture *fixture);
/* The server ends in good order, or is killed (its rows stay as they are), and starts again. */
void run_fixture_restart(struct run_fixture *fixture, bool is_killed);

/* Returns the status of the reply. body NULL: none. if_match NULL: no such header. */
int run_fixture_ask(struct run_fixture *fixture, const char *method, const char *target, const char *body, const char *if_match);
/* A field of the last reply, "" without it. */
const char *run_fixture_field(const struct run_fixture *fixture, const char *name);
/* A member of the last reply's body; fails without it. Path like "preset.config.name" or "items.0.run_id". */
const struct json *run_fixture_at(const struct run_fixture *fixture, const char *path);
const char *run_fixture_text(const struct run_fixture *fixture, const char *path);
double run_fixture_number(const struct run_fixture *fixture, const char *path);
/* Turns the pool until nothing waits or goes on. */
void run_fixture_settle(struct run_fixture *fixture);
/* Turns the pool until the run has ended; the last reply is the run then. */
const char *run_fixture_wait(struct run_fixture *fixture, const char *id);
/* Process of the only worker that goes on. */
int run_fixture_worker(void);
/* The program with these words (a shell takes them); standard output into file. Returns its exit code. */
int run_fixture_program(const struct run_fixture *fixture, const char *words, const char *file);

#endif
