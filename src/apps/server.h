/* The running server: the pieces of `breakout serve` and the loop that drives them. */
#ifndef APPS_SERVER_H
#define APPS_SERVER_H

#include "adapters/http/http.h"
#include "adapters/notify/webhook.h"
#include "adapters/redis/redis.h"
#include "adapters/source/looped_feed.h"
#include "adapters/store/sqlite_rows.h"
#include "adapters/store/store_registry.h"
#include "api/api.h"
#include "apps/handover.h"
#include "apps/housekeeping.h"
#include "apps/run_pool.h"
#include "apps/wiring.h"
#include "runner/archive.h"
#include "runner/journal.h"
#include "runner/kill_latch.h"
#include "runner/metrics.h"
#include "runner/recover.h"

struct serve_options {
  const char *preset; /* start a session with it; NULL: as AUTOSTART says */
  bool is_foreground;
  bool takes_over; /* from the running server of the same data, if there is one */
  bool takes_back; /* after a hand-over that failed: the schema goes back to this program's */
};

struct server {
  struct app *app;
  struct serve_options options;
  const struct clock *clock;
  char feed_name[64];
  bool is_demo; /* the shipped recording */
  /* playback: times of the recording */
  int64_t play_from;            /* before it is warm-up, given at once */
  int64_t origin_ts, origin_ns; /* event time origin_ts was due at origin_ns */
  bool is_playing;              /* warm-up of this round is over */
  bool is_ended;                /* the recording is over and does not begin again */
  bool wants_session;           /* start one when playing begins */
  /* pieces, in order of opening */
  bool has_log;
  struct wiring wiring;
  struct looped_feed looped;
  struct feed feed;
  struct playback playback;
  struct store store;
  bool has_store;
  struct store_registry registry;
  bool has_registry;
  struct sqlite_rows *rows;
  struct row_port row_port; /* of rows */
  struct journal *journal;
  struct kill_latch *latch;
  struct recover *recover;
  struct recovery recovery;
  bool has_runner;
  struct snapshots *snapshots;
  struct archive *archive;
  struct metrics *metrics;
  struct server_system *system; /* server_system.h; owned */
  struct api *api;
  char token_path[560]; /* of ctl.token, "" before it is written */
  struct http_server *http;
  char recordings[1024]; /* folder of the shipped data sets, "" none */
  struct run_pool *pool;
  struct run_port run_port; /* of pool */
  struct webhook *webhook;  /* NULL: no address is set */
  struct webhook_port webhook_port;
  struct redis *redis; /* NULL: no address is set */
  struct cache_port cache_port;
  int signal_fd;
  int64_t renewed_ns, told_ns, flushed_ns, imaged_ns, measured_ns;
  int64_t refused_ns; /* the database refuses rows since; 0 it takes them */
  /* hand-over: from another process, and to one */
  struct handover_claim claim;
  int given[HANDOVER_SOCKETS_MAX];
  int given_count;
  struct handover *handover;
  struct housekeeping *housekeeping;
  int64_t released_ns; /* account given away; 0: it is ours */
  bool is_followed;    /* the successor serves */
  bool is_lost;        /* it is gone: taken back as soon as its lock is free */
};

/* Opens everything; on failure what was opened stays to be closed by server_close. */
NODISCARD enum status server_open(struct server *server, struct app *app, const struct serve_options *options);
void server_close(struct server *server);
enum { SERVER_TAKES_BACK = -1 };
/* Until a signal ends it. Returns the exit code, or SERVER_TAKES_BACK: to be started anew in this process (handover_restart). */
int server_run(struct server *server);
/* Gives the account away: working entries cancelled, everything on disk, lock and lease free. Reads are answered on. */
NODISCARD enum status server_release(struct server *server);

/* server_play.c: the recording as time goes on. */
int64_t server_event_now(struct server *server);
/* Gives what is due, for at most budget_ns. STATUS_END never; a failure of the feed ends the server. */
NODISCARD enum status server_play(struct server *server, int64_t budget_ns);
/* Milliseconds until the next event is due; -1 never. */
int server_play_timeout_ms(struct server *server);
/* After a restart: goes on behind the last event of the journal. */
NODISCARD enum status server_play_resume(struct server *server, int64_t last_ts);
/* An event through the runner, timed. */
void server_step(struct server *server, struct event *event, bool is_market);
NODISCARD enum status server_use_preset(struct server *server, const char *name, struct problem *problem);
void server_command(struct server *server, enum command command);

#endif
