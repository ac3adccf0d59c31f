/* breakout serve: opens the server and runs its loop. */
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/running.h"
#include "apps/server.h"
#include "apps/server_metrics.h"
#include "base/log.h"
#include "base/version.h"

enum { TURN_BUDGET_MS = 4, FLUSH_MS = 100, TELL_MS = 5000, END_SECONDS = 20, DRAIN_MS = 500, LOOK_MS = 100, IMAGE_MS = 1000 };

/* ---- service manager ---- */

/* READY=1, STOPPING=1, WATCHDOG=1 as a datagram to NOTIFY_SOCKET, when there is one. */
static void notify(const char *text) {
  const char *path = getenv("NOTIFY_SOCKET");
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path == NULL || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof address.sun_path) return;
  memcpy(address.sun_path, path, strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, length) < 0)
    log_write(LOG_WARNING, "ops", "notify", NULL, "NOTIFY_SOCKET does not take messages");
  close(fd);
}

/* ---- the terminal ---- */

static void tell(struct server *server) {
  int64_t now = server->clock->monotonic_ns(server->clock->self);
  if (!server->options.is_foreground || server->app->is_quiet || !isatty(STDERR_FILENO)) return;
  if (now - server->told_ns < TELL_MS * INT64_C(1000000)) return;
  server->told_ns = now;
  struct engine_status status;
  engine_status_read(server->wiring.engine, &status);
  char at[40];
  struct text text;
  text_init(&text, at, sizeof at);
  text_add_time(&text, status.ts);
  fprintf(stderr, "DEMO %.16s  %-14s %d candidates, %d positions, equity %.2f, day %+.2f R\n", at, engine_word_names[status.state], status.candidates,
          status.open_positions, decimal_to_double(status.equity_usd), status.daily_r);
}

/* ---- signals ---- */

/* Of the settings only LOG_LEVEL can change while the server runs. Settings that are wrong now leave it as it is. */
static void reload_log_level(struct server *server) {
  struct settings *settings = calloc(1, sizeof *settings);
  struct problem problem;
  problem_clear(&problem);
  if (settings != NULL && settings_load(settings, &server->app->input, &problem) == STATUS_OK) {
    server->app->settings.log_level = settings->log_level;
    server->app->settings.source[SETTING_INDEX_LOG_LEVEL] = settings->source[SETTING_INDEX_LOG_LEVEL];
    log_set_level((enum log_level)settings->log_level);
  } else {
    log_write(LOG_ERROR, "engine", "reload_refused", NULL, "SIGHUP: LOG_LEVEL stays as it is: %s",
              problem.count > 0 ? problem.items[0].message : "the settings cannot be read");
  }
  free(settings);
}

static void reload(struct server *server) {
  struct problem problem;
  log_rotate();
  reload_log_level(server);
  enum status status = server_use_preset(server, NULL, &problem);
  if (status) {
    log_write(LOG_ERROR, "engine", "reload_refused", NULL, "SIGHUP: the preset stays as it is: %s",
              problem.count > 0 ? problem.items[0].message : "not valid");
    return;
  }
  server_command(server, COMMAND_RELOAD);
  log_write(LOG_INFO, "engine", "reloaded", NULL, "SIGHUP: preset read again, log files rotated");
}

/* Returns the signal that ends the program, 0 when none came. */
static int take_signals(struct server *server) {
  struct signalfd_siginfo info;
  int ends = 0;
  while (read(server->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
    if (info.ssi_signo == SIGHUP) {
      reload(server);
    } else {
      ends = (int)info.ssi_signo;
    }
  }
  return ends;
}

/* A second signal, or 20 s, and the end is no longer polite: the journal suffices. */
static void arm_hard_end(void) {
  sigset_t set;
  signal(SIGTERM, SIG_DFL);
  signal(SIGINT, SIG_DFL);
  signal(SIGALRM, SIG_DFL);
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  alarm(END_SECONDS);
}

/* ---- the loop ---- */

static enum status renew_lease(struct server *server) {
  int64_t now = server->clock->monotonic_ns(server->clock->self);
  if (now - server->renewed_ns < LEASE_RENEW_MS * INT64_C(1000000)) return STATUS_OK;
  server->renewed_ns = now;
  notify("WATCHDOG=1");
  struct problem problem;
  problem_clear(&problem);
  enum status status = store_lease_renew(&server->registry, server->clock->now_ms(server->clock->self), &problem);
  if (status != STATUS_LEASE_HELD) return STATUS_OK; /* a busy or absent database does not stop trading: the lock of the folder holds */
  server->app->problem = problem;
  return status;
}

static int least(int a, int b) {
  if (a < 0) return b;
  return b < 0 || a < b ? a : b;
}

/* ---- hand-over ---- */

/* What was asked is answered before connections are closed. */
static void drain(struct server *server) {
  http_server_retire(server->http);
  for (int i = 0; i < DRAIN_MS && http_server_is_busy(server->http); i++) {
    http_server_run(server->http);
    poll(NULL, 0, 1);
  }
}

static void release(struct server *server) {
  int64_t begin = server->clock->monotonic_ns(server->clock->self);
  if (server_release(server)) {
    handover_refuse(server->handover, "the journal cannot be written");
    return;
  }
  log_write(LOG_INFO, "engine", "handover", NULL, "working entries cancelled, all on disk, lock and lease free after %lld ms",
            (long long)(server->clock->monotonic_ns(server->clock->self) - begin) / 1000000);
}

static void follow_handover(struct server *server) {
  switch (handover_turn(server->handover)) {
    case HANDOVER_ASKED:
      release(server);
      break;
    case HANDOVER_SERVED_HERE:
      http_server_retire(server->http);
      server->is_followed = true;
      break;
    case HANDOVER_SERVED_ELSEWHERE:
      server->is_followed = true;
      break;
    case HANDOVER_LOST:
      server->is_lost = true;
      break;
    case HANDOVER_NOTHING:
      break;
  }
  if (server->released_ns == 0 || server->is_followed || server->is_lost) return;
  if (server->clock->monotonic_ns(server->clock->self) - server->released_ns < HANDOVER_LATE_S * INT64_C(1000000000)) return;
  handover_give_up(server->handover);
  server->released_ns = server->clock->monotonic_ns(server->clock->self); /* told again, should it not end */
}

/* The engine is another process's: what is asked is answered from memory. */
static void turn_released(struct server *server) {
  int64_t now = server->clock->monotonic_ns(server->clock->self);
  if (now - server->renewed_ns >= LEASE_RENEW_MS * INT64_C(1000000)) {
    server->renewed_ns = now;
    notify("WATCHDOG=1");
  }
  http_server_run(server->http);
  api_turn(server->api);
  http_server_flush(server->http);
}

/* ---- the loop's pauses ---- */

static void wait_for_work(struct server *server) {
  struct pollfd files[2 + RUN_WORKERS_MAX + HANDOVER_FILES_MAX] = {{.fd = http_server_fd(server->http), .events = POLLIN},
                                                                   {.fd = server->signal_fd, .events = POLLIN}};
  nfds_t count = 2;
  count += (nfds_t)handover_files(server->handover, files + count);
  int timeout = least(http_server_timeout_ms(server->http), api_timeout_ms(server->api));
  if (server->released_ns == 0) {
    count += (nfds_t)run_pool_files(server->pool, files + count);
    timeout = least(timeout, server_play_timeout_ms(server));
    timeout = least(timeout, run_pool_timeout_ms(server->pool));
    if (journal_pending(server->journal) > 0) timeout = least(timeout, FLUSH_MS);
  } else {
    timeout = least(timeout, LOOK_MS);
  }
  if (poll(files, count, least(timeout, 1000)) < 0) return; /* interrupted: the next turn looks again */
}

/* Events come faster than the clock, so the clock decides: what is not an order or a command is on disk 100 ms later. A failure shows by
 * journal_is_available. */
static void flush_journal(struct server *server) {
  int64_t now = server->clock->monotonic_ns(server->clock->self);
  if (now - server->flushed_ns < FLUSH_MS * INT64_C(1000000)) return;
  server->flushed_ns = now;
  if (journal_flush_later(server->journal, engine_now(server->wiring.engine)) != STATUS_OK)
    server->flushed_ns = now - FLUSH_MS * INT64_C(1000000) / 2;
}

/* Images are due by the time of events, of which a warm-up or a fast demo has hours a second. */
static void take_image(struct server *server) {
  int64_t now = server->clock->monotonic_ns(server->clock->self);
  if (now - server->imaged_ns < IMAGE_MS * INT64_C(1000000)) return;
  if (snapshots_take(server->snapshots, &server->wiring.runner, false)) server->imaged_ns = now;
}

static enum status turn(struct server *server) {
  enum status status = server_play(server, TURN_BUDGET_MS * INT64_C(1000000));
  if (!status) status = renew_lease(server);
  if (status) return status;
  flush_journal(server);
  http_server_run(server->http);
  runner_idle(&server->wiring.runner, server_event_now(server));
  run_pool_turn(server->pool);
  housekeeping_turn(server->housekeeping, server);
  api_turn(server->api);
  http_server_flush(server->http);
  take_image(server);
  server_metrics_turn(server);
  tell(server);
  return STATUS_OK;
}

int server_run(struct server *server) {
  notify("READY=1");
  for (;;) {
    enum status status = STATUS_OK;
    if (server->released_ns == 0) {
      status = turn(server);
    } else {
      turn_released(server);
    }
    if (status) return app_fail(server->app, status);
    follow_handover(server);
    int ends = take_signals(server);
    if (ends != 0) {
      log_write(LOG_INFO, "engine", "ending", NULL, "signal %d: ending in good order", ends);
      if (server->released_ns != 0) drain(server);
      return 0;
    }
    if (server->is_lost && !running_on(server->app->settings.data_dir, NULL)) return SERVER_TAKES_BACK;
    wait_for_work(server);
  }
}

/* ---- the verb ---- */

static const struct app_option options_table[] = {
    {"host", 0, true, "H", "address to listen on"},
    {"port", 0, true, "N", "port to listen on"},
    {"role", 0, true, "R", "all: the only one in this version"},
    {"preset", 0, true, "NAME", "start a session with this preset"},
    {"mode", 0, true, "M", "paper: the only one in this version"},
    {"paper", 0, false, NULL, "the same"},
    {"live", 0, false, NULL, "not in this version"},
    {"confirm", 0, true, "WORD", "of mode live"},
    {"foreground", 0, false, NULL, "status lines on the terminal"},
    {"takeover", 0, false, NULL, "take over from the running server of the same data, if there is one"},
    {"take-back", 0, false, NULL, "after an update that failed: the schema of the database goes back to this program's"},
};

static bool take_option(struct app *app, struct serve_options *options, const char *name, const char *value) {
  int64_t port;
  bool is_live = text_equal(name, "live") || (text_equal(name, "mode") && text_equal(value, "live"));
  if (is_live || (text_equal(name, "role") && !text_equal(value, "all"))) {
    problem_add(&app->problem, "not_in_version", name, value, text_equal(name, "role") ? "all" : "paper", "not in this version");
    return false;
  }
  if (text_equal(name, "mode") && !text_equal(value, "paper")) {
    problem_add(&app->problem, "bad_parameter", "--mode", value, "paper", "there is no such mode");
    return false;
  }
  if (text_equal(name, "host")) text_copy(app->settings.api_host, sizeof app->settings.api_host, value);
  if (text_equal(name, "preset")) options->preset = value;
  if (text_equal(name, "foreground")) options->is_foreground = true;
  if (text_equal(name, "takeover")) options->takes_over = true;
  if (text_equal(name, "take-back")) options->takes_back = true;
  if (!text_equal(name, "port")) return true;
  if (!app_parse_integer(app, "--port", value, 1, 65535, &port)) return false;
  app->settings.port = (int32_t)port;
  return true;
}

/* In this process, with the sockets it listens at: connections that come meanwhile wait there. */
static int start_anew(struct server *server) {
  int sockets[HTTP_LISTENERS_MAX];
  log_write(LOG_WARNING, "engine", "taken_back", NULL, "the successor is gone: this process takes the account back");
  drain(server);
  int count = http_server_listeners(server->http, sockets);
  for (int i = 0; i < count; i++) sockets[i] = dup(sockets[i]);
  server_close(server);
  free(server);
  if (handover_restart(sockets, count)) fprintf(stderr, "breakout: cannot start again\n");
  return 1;
}

/* Large blocks of short life (an image of the engine, a long reply) get pages of their own and give them back. glibc would take the size of the first
 * such block that is freed as the new limit, and keep all later ones in a heap that only shrinks from its end. Another
 * allocator (a sanitizer has its own) knows no such limits and needs none. */
static void bound_heap(void) {
  enum { OWN_PAGES_BYTES = 256 * 1024, KEPT_AT_END_BYTES = 1024 * 1024 };
  (void)mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES);
  (void)mallopt(M_TRIM_THRESHOLD, KEPT_AT_END_BYTES);
}

int app_serve(struct app *app, int argc, char **argv) {
  struct serve_options options = {0};
  struct app_arguments arguments;
  const char *value;
  app_arguments_init(&arguments, argc, argv);
  for (;;) {
    int option = app_next(app, &arguments, options_table, (int)(sizeof options_table / sizeof options_table[0]), &value);
    if (option == APP_DONE) break;
    if (option == APP_ARGUMENT) return app_fail_with(app, STATUS_BAD_CONFIG, "bad_parameter", value, "serve takes no word");
    if (option == APP_WRONG || !take_option(app, &options, options_table[option].name, value)) return app_fail(app, STATUS_BAD_CONFIG);
  }
  bound_heap();
  struct server *server = calloc(1, sizeof *server);
  if (server == NULL) return app_fail(app, STATUS_NO_MEMORY);
  enum status status = server_open(server, app, &options);
  int code;
  if (status) {
    code = app_fail(app, status);
    if (status == STATUS_NOT_FOUND) code = 1;
  } else {
    if (!app->is_quiet)
      fprintf(stderr, "breakout %s at http://%s:%d. %s\n", version_text(), app->settings.api_host, http_server_port(server->http),
              api_notice(server->api));
    code = server_run(server);
  }
  if (code == SERVER_TAKES_BACK) return start_anew(server);
  notify("STOPPING=1");
  arm_hard_end();
  server_close(server);
  free(server);
  return code;
}
