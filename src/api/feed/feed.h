/* The live feed at /ws: topics, a snapshot first, then numbered changes. The engine's records and events come by api_listener; parts of the API that
 * the engine does not know publish by the functions below. Everything is encoded after the step, once for all who want it; without a connection
 * nothing is copied. */
#ifndef API_FEED_FEED_H
#define API_FEED_FEED_H

#include "api/api_state.h"

enum feed_topic {
#define FEED_TOPIC(constant, name, snapshot, is_per_symbol, is_coalesced, text) FEED_##constant,
#include "api/feed/feed_topic.def"
  FEED_TOPIC_COUNT
};

/* Adds the members of an object to one that is open. */
typedef void feed_write(const struct api *api, const void *object, struct json_writer *writer);

/* Is anybody subscribed? Spares the work of gathering what nobody reads. */
bool feed_is_wanted(const struct api *api, enum feed_topic topic);
/* BACKTEST_PROGRESS (at most 2 a second and run: newer ones within replace) or BACKTEST_DONE: write adds the members of Run. */
void feed_publish_run(struct api *api, bool is_done, const char *run_id, feed_write *write, const void *run);
/* RESOURCE_UPDATE: the sample of the resource monitor. */
void feed_publish_resource(struct api *api, feed_write *write, const void *sample);
/* CHECKPOINT: members of Checkpoint. */
void feed_publish_checkpoint(struct api *api, feed_write *write, const void *checkpoint);
/* ALERT of a rule that the engine does not know: members of Alert. Those of the engine come by its records. */
void feed_publish_alert(struct api *api, feed_write *write, const void *alert);
/* ERROR of a component, for everybody. */
void feed_publish_error(struct api *api, const char *component, const char *code, const char *message);

/* ---- for api.c ---- */

NODISCARD enum status feed_open(struct api *api);
void feed_close(struct api *api);
void feed_on_event(struct api *api, const struct event *event);
void feed_on_record(struct api *api, enum record_kind kind, const void *object);
/* After every turn of the loop: encodes and sends what came, what is due by time, heartbeats. */
void feed_turn(struct api *api);
/* Milliseconds until feed_turn has something to do by time; -1 never. */
int feed_timeout_ms(const struct api *api);
/* Types of all messages into components.schemas of the OpenAPI document. */
void feed_describe(struct json_writer *writer);

#endif
