/* The API over a trading system in memory with a generated market, and a database in a folder of its own that takes the records when the test says
 * so. Requests are handed to the handler as the HTTP server would. */
#ifndef SUPPORT_MARKET_FIXTURE_H
#define SUPPORT_MARKET_FIXTURE_H

#include "adapters/store/sqlite_rows.h"
#include "api/api.h"
#include "base/json.h"
#include "runner/clock.h"
#include "runner/store.h"
#include "support/engine_fixture.h"

enum { MARKET_SYMBOLS = 3 };

/* Every record since the start, in order. */
struct market_record {
  enum record_kind kind;
  void *object; /* owned */
};

struct market_fixture {
  char folder[256];
  struct settings settings;
  struct rig rig;
  struct rig_series series[MARKET_SYMBOLS];
  struct store store;
  struct sqlite_rows *rows;
  struct row_port port;
  struct metrics *metrics;
  const struct webhook_port *webhook; /* from the next restart on; NULL none */
  struct clock clock;                 /* the API's */
  int64_t now_ns, look_ns;            /* its monotonic time; every look at it takes so long: 0 for a machine of endless speed */
  struct api *api;
  struct market_record *records; /* owned */
  int32_t record_count, record_capacity, archived;
  struct http_reply reply; /* of the last request */
  struct json *body;       /* the same as JSON; NULL when it is none */
};

/* Two days of breakouts and trends in candles of 1m; a session with the loose preset from the second day on. Nothing is archived yet. */
void market_fixture_open(struct market_fixture *fixture);
void market_fixture_close(struct market_fixture *fixture);
/* Records but the newest `behind` become rows. */
void market_fixture_archive(struct market_fixture *fixture, int32_t behind);
/* A new API that remembers only the newest `remembered` records, as after a restart. */
void market_fixture_restart(struct market_fixture *fixture, int32_t remembered);
/* Returns the status of the reply. body NULL: none. */
int market_fixture_ask(struct market_fixture *fixture, const char *method, const char *target, const char *body);
int market_fixture_get(struct market_fixture *fixture, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A member of the last reply; path like "items.0.symbol"; NULL without it. */
const struct json *market_fixture_at(const struct market_fixture *fixture, const char *path);
const char *market_fixture_text(const struct market_fixture *fixture, const char *path); /* "" for null */
double market_fixture_number(const struct market_fixture *fixture, const char *path);    /* NaN for null */
int32_t market_fixture_count(const struct market_fixture *fixture, const char *path);    /* of an array */
/* Fails unless the two are as near. */
void market_fixture_near(double a, double b, double tolerance);

#endif
