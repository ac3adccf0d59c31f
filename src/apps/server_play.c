/* Paced playback: event time runs DEMO_SPEED times faster than the monotonic clock. Warm-up before the start point is given at once; at the end the
 * session is closed and, with DEMO_LOOP, the next round begins. */
#include <string.h>

#include "apps/server_metrics.h"
#include "base/calendar.h"
#include "base/log.h"

static int64_t monotonic_ns(const struct server *server) {
  return server->clock->monotonic_ns(server->clock->self);
}

/* Where event time stands by the clock. */
static int64_t paced_now(const struct server *server) {
  double passed_ms = (double)(monotonic_ns(server) - server->origin_ns) * 1e-6 * server->app->settings.demo_speed;
  return server->origin_ts + (int64_t)passed_ms;
}

static void set_origin(struct server *server, int64_t ts) {
  server->origin_ts = ts;
  server->origin_ns = monotonic_ns(server);
}

/* Never beyond the next event of the market, so that no command overtakes it. */
int64_t server_event_now(struct server *server) {
  int64_t now = engine_now(server->wiring.engine);
  if (!server->is_playing || server->is_ended) return now;
  int64_t next = playback_next_ts(&server->playback);
  int64_t paced = paced_now(server);
  if (paced > next) paced = next;
  return paced > now ? paced : now;
}

void server_step(struct server *server, struct event *event, bool is_market) {
  int64_t begin = monotonic_ns(server);
  if (is_market) {
    runner_market(&server->wiring.runner, event);
  } else {
    runner_step(&server->wiring.runner, event);
  }
  metrics_step(server->metrics, (enum event_kind)event->kind, (double)(monotonic_ns(server) - begin) * 1e-9);
  metrics_phases(server->metrics, server->wiring.runner.phase_ns);
}

/* ---- sessions ---- */

static struct wiring_options preset_options(const struct server *server, const char *name) {
  struct wiring_options options;
  wiring_options_init(&options);
  options.preset = name;
  options.feed_name = server->feed_name;
  return options;
}

enum status server_use_preset(struct server *server, const char *name, struct problem *problem) {
  char in_force[65];
  const struct preset *preset = engine_preset(server->wiring.engine);
  text_copy(in_force, sizeof in_force, preset != NULL ? preset->name : server->app->settings.default_preset);
  struct wiring_options options = preset_options(server, name != NULL ? name : in_force);
  problem_clear(&server->app->problem);
  enum status status = wiring_load_preset(&server->wiring, server->app, &options);
  *problem = server->app->problem;
  if (!status) wiring_put_preset(&server->wiring, server_event_now(server));
  if (status) metrics_add(server->metrics, METRIC_ERRORS, METRIC_VALUES("preset", "config"), 1);
  return status;
}

void server_command(struct server *server, enum command command) {
  wiring_put_command(&server->wiring, server_event_now(server), command, "server");
}

static bool may_start(const struct server *server) {
  return (engine_legal_commands(server->wiring.engine) & (1u << COMMAND_START)) != 0;
}

static void start_session(struct server *server) {
  struct problem problem;
  const char *name = server->options.preset != NULL ? server->options.preset : server->app->settings.default_preset;
  if (!may_start(server)) return;
  if (server_use_preset(server, name, &problem)) {
    log_write(LOG_ERROR, "engine", "preset_refused", NULL, "no session: preset %s: %s", name,
              problem.count > 0 ? problem.items[0].message : "not valid");
    return;
  }
  server_command(server, COMMAND_START);
  log_write(LOG_INFO, "engine", "session_started", NULL, "a paper session with preset %s begins on recorded data", name);
}

/* ---- rounds ---- */

static bool is_description(const struct event *event) {
  return event->kind == EVENT_CAPABILITY || event->kind == EVENT_INSTRUMENT;
}

/* A restart and a new round describe the symbols again; the engine has them. */
static bool is_known(const struct server *server, const struct event *event) {
  return is_description(event) && engine_symbol_count(server->wiring.engine) == server->wiring.limits.symbols &&
         engine_now(server->wiring.engine) > event->ts;
}

static void begin_playing(struct server *server) {
  server->is_playing = true;
  int64_t start = server->play_from + looped_feed_shift(&server->looped);
  int64_t now = engine_now(server->wiring.engine);
  set_origin(server, start > now ? start : now);
  if (server->wants_session) start_session(server);
  server->wants_session = false;
}

static bool has_session(const struct server *server) {
  enum session_state state = engine_session_state(server->wiring.engine);
  return state != SESSION_IDLE && state != SESSION_STOPPED && state != SESSION_EMERGENCY;
}

/* Nobody resets a demo that runs unattended: a kill switch of the round that is over does not stop the next one. Journalled like any command. */
static void release_latch(struct server *server) {
  if (!server->is_demo || engine_risk(server->wiring.engine)->kill.since_at == 0) return;
  struct event event = {
      .ts = engine_now(server->wiring.engine),
      .kind = EVENT_COMMAND,
      .command = {
          .command = COMMAND_RESET, .source = SOURCE_OPERATOR, .acknowledge_drawdown = true, .reason = "the demo begins again", .user = "demo"}};
  event.command.operation_id = engine_counters(server->wiring.engine)->operation + 1;
  server_step(server, &event, false);
}

/* Everything is closed at the last prices; then the recording begins again, some days later. */
static enum status end_round(struct server *server) {
  bool loops = server->app->settings.demo_loop;
  bool had_session = has_session(server);
  struct event event = {.ts = engine_now(server->wiring.engine), .kind = EVENT_END_OF_DATA, .end_of_data = {.is_loop = loops}};
  server_step(server, &event, true);
  if (has_session(server)) server_command(server, COMMAND_STOP);
  log_write(LOG_INFO, "feed", "end_of_data", NULL, "the recording is over: %s", loops ? "it begins again" : "the server waits");
  if (!loops) {
    server->is_ended = true;
    return STATUS_OK;
  }
  release_latch(server);
  server->is_playing = false;
  server->wants_session = had_session || server->app->settings.autostart == AUTOSTART_PAPER;
  enum status status = looped_feed_begin(&server->looped, server->looped.round + 1, &server->app->problem);
  playback_init(&server->playback, &server->feed, server->playback.has_seconds);
  return status;
}

enum status server_play(struct server *server, int64_t budget_ns) {
  int64_t begin = monotonic_ns(server);
  while (!server->is_ended) {
    int64_t next = playback_next_ts(&server->playback);
    bool is_warm_up = next < server->play_from + looped_feed_shift(&server->looped);
    if (!is_warm_up && !server->is_playing && next != INT64_MAX) begin_playing(server);
    if (next != INT64_MAX && !is_warm_up && next > paced_now(server)) return STATUS_OK;
    struct event event;
    enum status status = next == INT64_MAX ? STATUS_END : playback_next(&server->playback, &event, &server->app->problem);
    if (status == STATUS_END) {
      status = end_round(server);
    } else if (!status && !is_known(server, &event)) {
      server_step(server, &event, event.kind != EVENT_TICK);
      server_metrics_event(server, (enum event_kind)event.kind, next);
    }
    if (status) return status;
    if (monotonic_ns(server) - begin < budget_ns) continue;
    /* A machine that cannot follow plays slower instead of falling behind for ever. */
    if (server->is_playing && paced_now(server) - next > (int64_t)(1000.0 * server->app->settings.demo_speed)) set_origin(server, next);
    return STATUS_OK;
  }
  return STATUS_OK;
}

int server_play_timeout_ms(struct server *server) {
  if (server->is_ended) return -1;
  if (!server->is_playing) return 0;
  double left = (double)(playback_next_ts(&server->playback) - paced_now(server)) / server->app->settings.demo_speed;
  return left <= 0 ? 0 : left > 1000 ? 1000 : (int)left + 1;
}

/* ---- after a restart ---- */

/* What the journal has at its last instant: how many market events came, and did the tick that closes it. */
struct last_instant {
  int64_t market_events;
  bool has_tick;
};

static enum status read_last_instant(struct server *server, int64_t last_ts, struct last_instant *out) {
  enum { LOOK_BACK = 20000 };
  struct problem *problem = &server->app->problem;
  uint64_t newest = journal_last_seq(server->journal);
  uint64_t first = journal_found(server->journal)->first_seq;
  uint64_t from = newest > first + LOOK_BACK ? newest - LOOK_BACK : first;
  struct journal_reader reader;
  struct journal_record record;
  *out = (struct last_instant){0};
  enum status status = journal_reader_open(&reader, server->app->settings.data_dir, "paper", from, problem);
  while (!status && !(status = journal_reader_next(&reader, &record, problem))) {
    if (record.direction != JOURNAL_EVENT || record.ts != last_ts) continue;
    bool is_market = record.kind >= EVENT_CANDLE && record.kind <= EVENT_FUNDING_RATE;
    out->market_events += is_market ? 1 : 0;
    out->has_tick = out->has_tick || record.kind == EVENT_TICK;
    if (record.kind == EVENT_END_OF_DATA) server->is_ended = true; /* the round was closed; the next one begins */
  }
  journal_reader_close(&reader);
  return status == STATUS_END ? STATUS_OK : status;
}

/* Takes what the engine has had already at the last instant out of the feed. */
static enum status skip(struct server *server, int64_t last_ts, const struct last_instant *instant) {
  struct event event;
  struct problem *problem = &server->app->problem;
  int64_t left = instant->market_events;
  while (server->feed.next_ts(server->feed.self) <= last_ts || left > 0) {
    if (server->feed.next_ts(server->feed.self) > last_ts || left == 0) break;
    enum status status = server->feed.next(server->feed.self, &event, problem);
    if (status) return status == STATUS_END ? STATUS_OK : status;
    if (!is_description(&event)) --left;
  }
  if (instant->market_events > 0 && !instant->has_tick) server->playback.tick_at = last_ts;
  return STATUS_OK;
}

enum status server_play_resume(struct server *server, int64_t last_ts) {
  struct last_instant instant;
  enum status status = read_last_instant(server, last_ts, &instant);
  if (!status && server->is_ended) {
    server->is_ended = !server->app->settings.demo_loop;
    return looped_feed_begin(&server->looped, looped_feed_round_of(&server->looped, last_ts) + 1, &server->app->problem);
  }
  if (!status) status = server->feed.seek(server->feed.self, last_ts - 1, &server->app->problem);
  if (!status) status = skip(server, last_ts, &instant);
  return status;
}
