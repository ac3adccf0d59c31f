/* Opens the pieces of the server in the order in which they need each other, and closes them in the other. */
#include "apps/server.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/clock/system_clock.h"
#include "adapters/store/migrations.h"
#include "adapters/store/sqlite_query.h"
#include "adapters/store/sqlite_store.h"
#include "apps/server_health.h"
#include "apps/server_metrics.h"
#include "apps/server_system.h"
#include "base/calendar.h"
#include "base/check.h"
#include "base/log.h"
#include "base/version.h"
#include "runner/record_log.h"

static const char *const account = "paper";
static const char *const demo_recording = "binance-usdm-2025-05";

/* Where the demo begins and why: see docs/decisions/0002-demo-start.md. */
static const char *const demo_start = "2025-05-11T22:36:00Z";

/* 864 candles of 5m make a symbol warm; two hours more for what needs a history of its own. */
enum { WARM_UP_MS = 3 * 86400000 + 2 * 3600000, KEPT_ROWS = 500 };

/* ---- the recording ---- */

static bool is_folder(const char *path) {
  return access(path, R_OK | X_OK) == 0;
}

/* The working directory, beside the program, its parent, the data folder. */
static bool find_demo(const struct app *app, char *out, size_t size) {
  char program[512];
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  program[length > 0 ? length : 0] = '\0';
  char *slash = strrchr(program, '/');
  if (slash != NULL) *slash = '\0';
  snprintf(out, size, "recordings/%s", demo_recording);
  if (is_folder(out)) return true;
  static const char *const places[] = {"recordings", "../recordings", "../../recordings", "../share/breakout/recordings"};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    snprintf(out, size, "%s/%s/%s", program, places[i], demo_recording);
    if (is_folder(out)) return true;
  }
  snprintf(out, size, "%s/recordings/%s", app->settings.data_dir, demo_recording);
  return is_folder(out);
}

static enum status open_recording(struct server *server) {
  struct app *app = server->app;
  char path[1024];
  const char *feed = app->settings.feed[0] != '\0' ? app->settings.feed : default_exchange_names[app->settings.default_exchange];
  server->is_demo = text_equal(feed, "demo");
  text_copy(server->feed_name, sizeof server->feed_name, feed);
  bool has_demo = find_demo(app, path, sizeof path);
  if (has_demo) text_copy(server->recordings, (size_t)(strrchr(path, '/') - path) + 1, path);
  if (server->is_demo && !has_demo) {
    problem_add(&app->problem, "not_found", "FEED", feed, NULL,
                "the recording %s is not here: it belongs into recordings/ beside the program or into DATA_DIR/recordings", demo_recording);
    return STATUS_NOT_FOUND;
  }
  if (strncmp(feed, "file:", 5) == 0) {
    text_copy(path, sizeof path, feed + 5);
  } else if (!server->is_demo) {
    problem_add(&app->problem, "not_in_version", "FEED", feed, "demo",
                "the venue %s cannot be reached in this version: set FEED=demo or FEED=file:PATH of a recording", feed);
    return STATUS_NOT_IN_VERSION;
  }
  char cache[1024];
  (void)mkdir(app->settings.data_dir, 0750); /* the journal, which comes later, says why when it cannot be made */
  snprintf(cache, sizeof cache, "%s/cache", app->settings.data_dir);
  const struct source_options options = {.data = path, .cache_folder = cache};
  return wiring_open_source(&server->wiring, app, &options);
}

/* Where playing begins: the measured start of the demo, else as soon as there is a warm-up before it. */
static void choose_start(struct server *server) {
  int64_t from;
  int64_t to;
  int64_t start = 0;
  source_range(server->wiring.source, &from, &to);
  if (server->is_demo) check(calendar_parse(demo_start, &start));
  if (start - WARM_UP_MS < from || start >= to) start = from + WARM_UP_MS;
  if (start >= to) start = from;
  server->play_from = start;
  int64_t warm_from = start - WARM_UP_MS > from ? start - WARM_UP_MS : from;
  looped_feed_init(&server->looped, &server->wiring.feed, warm_from, to, &server->feed);
  playback_init(&server->playback, &server->feed, server->wiring.playback.has_seconds);
}

/* ---- storage ---- */

/* A lease outlives a killed process by 15 s. The folder's lock is ours already, so one whose process on this machine is gone is taken over. */
static bool is_dead(const char *holder) {
  char host[64] = "";
  gethostname(host, sizeof host - 1);
  size_t length = strlen(host);
  if (strncmp(holder, host, length) != 0 || holder[length] != ':') return false;
  long pid = strtol(holder + length + 1, NULL, 10);
  /* In a container every start has the same number; a lease that is not ours under our own number is of one that was killed. */
  return pid == (long)getpid() || (pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

/* A holder of another host (a container that was killed and made anew has another name) cannot be asked; its lease ends by itself. */
static enum status wait_for_lease(struct server *server) {
  enum { STEP_MS = 250 };
  struct problem *problem = &server->app->problem;
  for (int waited = 0;; waited += STEP_MS) {
    enum status status = store_lease_take(&server->registry, account, server->clock->now_ms(server->clock->self), problem);
    if (status != STATUS_LEASE_HELD || waited > LEASE_EXPIRES_MS) return status;
    if (waited == 0) log_write(LOG_WARNING, "storage", "lease_awaited", NULL, "%s", problem->items[problem->count - 1].message);
    problem_clear(problem);
    poll(NULL, 0, STEP_MS);
  }
}

static enum status take_lease(struct server *server, int64_t now) {
  struct problem *problem = &server->app->problem;
  enum status status = store_lease_take(&server->registry, account, now, problem);
  if (status != STATUS_LEASE_HELD) return status;
  problem_clear(problem);
  char holder[96] = "";
  status = store_lease_holder(&server->registry.database, account, now, holder, sizeof holder, problem);
  if (status) return status;
  /* Whoever takes back has seen its successor go. */
  if (!server->options.takes_back && !is_dead(holder)) return wait_for_lease(server);
  log_write(LOG_WARNING, "storage", "lease_taken_over", NULL, "the process that held the lease is gone");
  return store_lease_take_over(&server->registry, account, holder, now, problem);
}

/* After a successor that failed: what it made of the schema. Another process may still be at it: the folder's lock comes later, SQLite's is enough.
 */
static enum status undo_newer(const char *path, struct problem *problem) {
  struct database database;
  if (access(path, F_OK) != 0) return STATUS_OK;
  enum status status = database_open(&database, path, DATABASE_FOR_WRITING, DATABASE_BUSY_MS, problem);
  if (status) return status;
  status = migrations_undo_newer(&store_schema, &database, problem);
  database_close(&database);
  return status;
}

static enum status open_storage(struct server *server, struct engine_counters *counters) {
  struct app *app = server->app;
  const struct settings *settings = &app->settings;
  int64_t now = server->clock->now_ms(server->clock->self);
  char path[DATABASE_PATH_MAX];
  if (!settings_sqlite_path(settings->database_url, path, sizeof path)) {
    problem_add(&app->problem, "not_in_version", "DATABASE_URL", NULL, "sqlite://./data/breakout_bot.db", "only SQLite is possible in this version");
    return STATUS_NOT_IN_VERSION;
  }
  /* What an update brings was tried on a copy before; its predecessor is out of the way now. */
  bool may_migrate = settings->breakout_profile == PROFILE_DEVELOPMENT || server->claim.file >= 0;
  if (server->options.takes_back) {
    enum status undone = undo_newer(path, &app->problem);
    if (undone) return undone;
  }
  /* The lock of the folder comes first: its message names the process that holds it. The instance is known only with the database. */
  const struct sqlite_store_options store = {.path = path, .account = account, .may_migrate = may_migrate};
  enum status status = sqlite_store_open(&server->store, &store, &app->problem);
  server->has_store = !status;
  if (!status) status = sqlite_rows_open(&server->rows, path, &app->problem);
  if (!status) sqlite_rows_port(server->rows, &server->row_port);
  if (!status) status = store_registry_open(&server->registry, path, &app->problem);
  server->has_registry = !status;
  if (!status) status = store_instance(&server->registry, server->wiring.config.instance, now, &app->problem);
  if (!status) status = store_counters_load(&server->registry, counters, &app->problem);
  if (status) return status;
  const struct journal_options journal = {.data_dir = settings->data_dir,
                                          .account = account,
                                          .instance = server->wiring.config.instance,
                                          .on_flush = server_metrics_flush,
                                          .context = server,
                                          .clock = server->clock};
  status = journal_open(&server->journal, &journal, &app->problem);
  if (!status) status = kill_latch_open(&server->latch, settings->data_dir, account, NULL, &app->problem);
  return status ? status : take_lease(server, now);
}

/* ---- the engine ---- */

/* The journal must be of this recording: same symbols in the same places, and a time that lies in it. */
static enum status check_feed(struct server *server) {
  const struct source *source = server->wiring.source;
  const struct engine *engine = server->wiring.engine;
  int32_t count = engine_symbol_count(engine);
  bool is_same = count <= source_symbol_count(source);
  for (int32_t i = 0; i < count && is_same; i++) {
    const char *symbol = engine_market(engine, i)->instrument.symbol;
    is_same = symbol[0] == '\0' || text_equal(symbol, source_symbol(source, i));
  }
  if (is_same && (server->recovery.is_first || server->recovery.last_ts >= server->looped.from - WARM_UP_MS)) return STATUS_OK;
  problem_add(&server->app->problem, "in_use", "DATA_DIR", server->app->settings.data_dir, NULL,
              "this folder holds the account of another recording: set another DATA_DIR (and DATABASE_URL), or the FEED it was made with");
  return STATUS_BAD_CONFIG;
}

static void add_listeners(struct server *server) {
  struct listener listener;
  if (server->archive != NULL) {
    listener = archive_listener(server->archive);
    runner_listen(&server->wiring.runner, &listener);
  }
  listener = record_log_listener();
  runner_listen(&server->wiring.runner, &listener);
  metrics_listener(server->metrics, &listener);
  runner_listen(&server->wiring.runner, &listener);
  api_listener(server->api, &listener);
  runner_listen(&server->wiring.runner, &listener);
}

static enum status open_engine(struct server *server, const struct engine_counters *counters) {
  struct app *app = server->app;
  struct wiring *wiring = &server->wiring;
  const struct recover_options options = {.data_dir = app->settings.data_dir,
                                          .account = account,
                                          .limits = wiring->limits,
                                          .config = wiring->config,
                                          .counters = *counters,
                                          .arena = &wiring->arena};
  enum status status = recover_open(&server->recover, &wiring->runner, &options, server->journal, &wiring->exchange, server->clock, false,
                                    &server->recovery, &app->problem);
  if (status) return status;
  server->has_runner = true;
  wiring->runner.is_flushed_outside = true;
  wiring->runner.latch = server->latch;
  wiring->engine = wiring->runner.engine;
  status = check_feed(server);
  if (!status) status = snapshots_open(&server->snapshots, app->settings.data_dir, account, &app->problem);
  if (status) return status;
  const struct archive_options archive = {.store = &server->store, .data_dir = app->settings.data_dir, .account = account};
  return archive_start(&server->archive, &archive, &app->problem);
}

/* A kill that the journal has lost. */
static void resume_latch(struct server *server) {
  struct event event;
  if (!kill_latch_event(server->latch, server->wiring.engine, server_event_now(server), &event)) return;
  log_write(LOG_CRITICAL, "recovery", "latch_restored", NULL, "the journal has lost the %s: it is in force again",
            kill_latch_held(server->latch)->name);
  server_step(server, &event, false);
}

/* What the engine must hear after a restart, before anything else happens. */
static enum status resume(struct server *server) {
  struct event event;
  if (server->recovery.is_first) {
    resume_latch(server);
    return STATUS_OK;
  }
  if (server->claim.file >= 0 && server->recovery.cause == RESTART_CLEAN) server->recovery.cause = RESTART_HANDOVER;
  recover_event(&event, &server->recovery, server->recovery.last_ts, server->app->settings.resume_on_restart == RESUME_PAUSED);
  server_step(server, &event, false);
  resume_latch(server);
  metrics_add(server->metrics, METRIC_RESTARTS, METRIC_VALUES(restart_cause_names[server->recovery.cause]), 1);
  metrics_add(server->metrics, METRIC_RECOVERIES, METRIC_VALUES("engine", "restart"), 1);
  metrics_set(server->metrics, METRIC_RECOVERY_DURATION, NULL, server->recovery.seconds);
  return server_play_resume(server, server->recovery.last_ts);
}

/* ---- the API ---- */

static int64_t host_now(void *self) {
  return server_event_now(self);
}

static void host_step(void *self, struct event *event) {
  const struct server *server = self;
  check(server->released_ns == 0); /* changing requests are refused since */
  server_step(self, event, false);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  return server_use_preset(self, name, problem);
}

static int host_components(void *self, struct api_component *out, int max) {
  struct server *server = self;
  check(max >= 4);
  out[0] = server_journal_health(server);
  out[1] = server_database_health(server);
  out[2] = server_feed_health(server);
  out[3] = (struct api_component){.name = "venue", .level = API_OK, .detail = "paper: in this process"};
  return 4;
}

static void on_run_changed(void *context, const char *id, bool has_ended) {
  struct server *server = context;
  if (server->api != NULL) api_run_changed(server->api, id, has_ended);
}

/* Workers, and versions of presets that are files still. */
static enum status open_pool(struct server *server) {
  struct app *app = server->app;
  const struct run_pool_options options = {.settings = &app->settings,
                                           .rows = &server->row_port,
                                           .clock = server->clock,
                                           .recordings = server->recordings[0] != '\0' ? server->recordings : NULL,
                                           .on_change = on_run_changed,
                                           .on_end = server_metrics_run_ended,
                                           .context = server};
  struct preset_store store;
  int count;
  preset_store_init(&store, app->settings.presets_dir, app->settings.data_dir);
  preset_store_use_rows(&store, &server->row_port, NULL);
  enum status status = preset_store_take_files(&store, &count, &app->problem);
  if (!status && count > 0) log_write(LOG_INFO, "storage", "preset_versions", NULL, "%d versions of presets became rows", count);
  if (!status) status = run_pool_open(&server->pool, &options, &app->problem);
  if (!status) run_pool_port(server->pool, &server->run_port);
  return status;
}

static enum status open_webhook(struct server *server) {
  struct app *app = server->app;
  const struct webhook_options options = {.url = app->settings.alert_webhook_url};
  if (options.url[0] == '\0') return STATUS_OK;
  enum status status = webhook_open(&server->webhook, &options, &app->problem);
  if (!status) webhook_port(server->webhook, &server->webhook_port);
  return status;
}

static enum status open_redis(struct server *server) {
  struct app *app = server->app;
  const struct redis_options options = {.url = app->settings.redis_url, .password = app->settings.redis_password};
  if (options.url[0] == '\0') return STATUS_OK;
  enum status status = redis_open(&server->redis, &options, &app->problem);
  if (!status) redis_port(server->redis, &server->cache_port);
  return status;
}

static enum status open_api(struct server *server) {
  const struct api_options options = {
      .host = {server, host_now, host_step, host_use_preset, host_components, server_read_system, server_start_backup, server_take_backup},
      .resources = server_resources(server),
      .engine = server->wiring.engine,
      .metrics = server->metrics,
      .clock = server->clock,
      .settings = &server->app->settings,
      .rows = &server->row_port,
      .runs = &server->run_port,
      .cache = server->redis != NULL ? &server->cache_port : NULL,
      .webhook = server->webhook != NULL ? &server->webhook_port : NULL,
      .sockets = http_server_sockets(),
      .is_demo = true, /* recorded data are all this version has */
      .speed = server->app->settings.demo_speed,
      .is_ready = true};
  return api_open(&server->api, &options);
}

/* The newest rows of a table, oldest first, into the API's memory. */
static void remember(struct server *server, struct database *database, const char *table) {
  struct rows_query query = {.table = table, .limit = KEPT_ROWS};
  struct store_rows rows;
  struct problem problem;
  problem_clear(&problem);
  if (store_select(database, &query, &rows, &problem)) return;
  size_t size = record_schemas[rows.table->record]->size;
  unsigned char *objects = calloc(KEPT_ROWS, size);
  check(objects != NULL);
  int count = 0;
  while (count < KEPT_ROWS && store_rows_next(&rows, &problem) == STATUS_OK) {
    if (store_rows_object(&rows, objects + (size_t)count * size, &problem) == STATUS_OK) ++count;
  }
  while (count-- > 0) api_remember(server->api, (enum record_kind)rows.table->record, objects + (size_t)count * size);
  store_rows_close(&rows);
  free(objects);
}

/* Lists show what was before the restart too. Rows that the archive has not stored yet are missing there until they change again. */
static void remember_all(struct server *server) {
  static const char *const tables[] = {"decisions", "orders", "fills", "positions", "stop_history", "trades", "sessions", "commands", "cash_flows"};
  char path[DATABASE_PATH_MAX];
  struct database database;
  struct problem problem;
  problem_clear(&problem);
  if (server->recovery.is_first || !settings_sqlite_path(server->app->settings.database_url, path, sizeof path)) return;
  if (database_open(&database, path, DATABASE_FOR_READING, DATABASE_BUSY_MS, &problem)) return;
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) remember(server, &database, tables[i]);
  database_close(&database);
}

/* For the machine's own programs (breakout ctl): only this user can read it, and it is worth nothing after this process. */
static enum status write_local_token(struct server *server) {
  struct buffer text = {0};
  const char *token = api_local_token(server->api);
  snprintf(server->token_path, sizeof server->token_path, "%s/ctl.token", server->app->settings.data_dir);
  buffer_add_text(&text, token);
  enum status status = buffer_write_file(&text, server->token_path, 0600, &server->app->problem);
  explicit_bzero(text.data, text.length);
  buffer_deinit(&text);
  if (status) server->token_path[0] = '\0';
  return status;
}

/* The folder of the built interface: UI_DIR, else frontend/dist of the working directory or beside the program. */
static bool find_ui(const struct settings *settings, char *out, size_t size) {
  char program[512];
  if (settings->ui_dir[0] != '\0') {
    text_copy(out, size, settings->ui_dir);
    return is_folder(out);
  }
  text_copy(out, size, "frontend/dist");
  if (is_folder(out)) return true;
  ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
  program[length > 0 ? length : 0] = '\0';
  char *slash = strrchr(program, '/');
  if (slash != NULL) *slash = '\0';
  static const char *const places[] = {"frontend/dist", "../frontend/dist", "../../frontend/dist", "../share/breakout/ui"};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    snprintf(out, size, "%s/%s", program, places[i]);
    if (is_folder(out)) return true;
  }
  return false;
}

/* What the interface is told at run time: where the API is, "" for its own origin, and where Grafana is, "" for nowhere. */
static void make_ui_config(const struct settings *settings, struct buffer *config, struct buffer *connect) {
  struct json_writer writer;
  json_writer_init(&writer, config, false);
  json_begin_object(&writer, NULL);
  json_add_string(&writer, "api_url", settings->vite_api_url);
  json_add_string(&writer, "ws_url", settings->vite_ws_url);
  json_add_string(&writer, "grafana_url", settings->grafana_url);
  json_end_object(&writer);
  buffer_add_format(connect, "%s%s%s", settings->vite_api_url, settings->vite_api_url[0] != '\0' && settings->vite_ws_url[0] != '\0' ? " " : "",
                    settings->vite_ws_url);
}

/* scheme://host:port of an address, which is what a policy of content can name. */
static void origin_of(const char *url, char *out, size_t size) {
  const char *host = strstr(url, "://");
  size_t length = host != NULL ? (size_t)(host + 3 - url) + strcspn(host + 3, "/?#") : 0;
  snprintf(out, size, "%.*s", (int)length, url);
}

/* Of the sockets that were given: those of a network that is not ours, or of a port that nobody asked for. */
static void close_unused(struct server *server, bool is_open) {
  int used[HTTP_LISTENERS_MAX];
  int count = is_open ? http_server_listeners(server->http, used) : 0;
  for (int i = 0; i < server->given_count; i++) {
    bool is_used = false;
    for (int k = 0; k < count; k++) is_used = is_used || used[k] == server->given[i];
    if (!is_used) close(server->given[i]);
  }
  server->given_count = 0;
}

static enum status open_http(struct server *server) {
  const struct settings *settings = &server->app->settings;
  char folder[1024];
  char frame[sizeof settings->grafana_url];
  struct buffer config = {0};
  struct buffer connect = {0};
  struct http_options options = {.host = settings->api_host,
                                 .port = settings->port,
                                 .body_limit = (size_t)settings->body_limit_bytes,
                                 .sockets_max = settings->ws_max_connections,
                                 .clock = server->clock};
  if (find_ui(settings, folder, sizeof folder)) {
    make_ui_config(settings, &config, &connect);
    options.ui_folder = folder;
    options.ui_config = config.data;
    options.ui_connect = connect.data;
    origin_of(settings->grafana_url, frame, sizeof frame);
    options.ui_frame = frame;
    options.ui_port = settings->ui_port != settings->port ? settings->ui_port : 0;
  }
  api_handler(server->api, &options.handler);
  options.given = server->given;
  options.given_count = server->given_count;
  enum status status = http_server_open(&server->http, &options, &server->app->problem);
  /* The default of the second port may be taken by another instance or by nginx; the interface is at the first one too. */
  if (status == STATUS_IN_USE && options.ui_port != 0 && settings->source[SETTING_INDEX_UI_PORT] == SETTING_FROM_DEFAULT) {
    problem_clear(&server->app->problem);
    options.ui_port = 0;
    status = http_server_open(&server->http, &options, &server->app->problem);
    if (!status)
      log_write(LOG_WARNING, "api", "ui_port", NULL, "port %d is taken: the interface is at port %d only", settings->ui_port, settings->port);
  }
  buffer_deinit(&config);
  buffer_deinit(&connect);
  close_unused(server, status == STATUS_OK);
  return status;
}

/* ---- everything ---- */

static enum status open_log(struct server *server) {
  const struct settings *settings = &server->app->settings;
  const struct log_options options = {.level = (enum log_level)settings->log_level,
                                      .console = (enum log_console)settings->log_console,
                                      .directory = settings->log_to_file ? settings->log_dir : NULL,
                                      .file_max_mb = settings->log_file_max_mb,
                                      .total_max_mb = settings->log_max_total_mb,
                                      .retention_days = settings->log_retention_days};
  enum status status = log_open(&options);
  server->has_log = !status;
  if (status) problem_add(&server->app->problem, "no_permission", "LOG_DIR", settings->log_dir, NULL, "log files cannot be written there");
  return status;
}

static bool is_loopback(const char *host) {
  return strncmp(host, "127.", 4) == 0 || text_equal(host, "::1") || text_equal(host, "localhost");
}

static enum status check_settings(struct server *server) {
  const struct settings *settings = &server->app->settings;
  bool may_be_open = settings->breakout_profile == PROFILE_DEVELOPMENT && is_loopback(settings->api_host);
  if (!settings->auth_enabled && !may_be_open) {
    problem_add(&server->app->problem, "not_allowed", "AUTH_ENABLED", "false", "true",
                "without logins the server may only listen on this machine (API_HOST=127.0.0.1), in profile development");
    return STATUS_BAD_CONFIG;
  }
  if (settings->service_role != SERVICE_ROLE_ALL) {
    problem_add(&server->app->problem, "not_in_version", "SERVICE_ROLE", service_role_names[settings->service_role], "all",
                "one process does everything in this version");
    return STATUS_NOT_IN_VERSION;
  }
  return STATUS_OK;
}

/* Signals are read from a descriptor; blocked before any thread begins, so that all threads inherit it. */
static void open_signals(struct server *server) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  server->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  check(server->signal_fd >= 0);
}

static void tell_start(const struct server *server) {
  const struct settings *settings = &server->app->settings;
  struct buffer changed = {0};
  settings_add_changed(settings, &changed);
  log_write(LOG_INFO, "engine", "started", NULL, "version %s (%s) at http://%s:%d, settings: %s", version_text(), version_commit(),
            settings->api_host, http_server_port(server->http), changed.data != NULL ? changed.data : "");
  buffer_deinit(&changed);
  log_write(LOG_INFO, "engine", "demo", NULL, "%s", api_notice(server->api));
}

/* What the preset's lists do not match belongs into the log, not beside a later error. */
static void tell_warnings(struct app *app) {
  for (int i = 0; i < app->problem.count; i++)
    log_write(LOG_WARNING, "engine", "preset", NULL, "%s: %s", app->problem.items[i].path, app->problem.items[i].message);
  problem_clear(&app->problem);
}

/* Sockets to listen at come from a former server that hands over, or from whoever started us. */
static enum status take_over(struct server *server) {
  server->given_count = handover_given(server->given);
  if (!server->options.takes_over) return STATUS_OK;
  enum status status = handover_claim(&server->claim, server->app->settings.data_dir, &server->app->problem);
  if (status || server->claim.file < 0) return status;
  for (int i = 0; i < server->given_count; i++) close(server->given[i]);
  server->given_count = server->claim.socket_count;
  memcpy(server->given, server->claim.sockets, sizeof server->given);
  server->claim.socket_count = 0; /* ours now */
  log_write(LOG_INFO, "engine", "taken_over", NULL, "the account was handed over at record %llu", (unsigned long long)server->claim.seq);
  return STATUS_OK;
}

/* Who serves, as "PID HOST": for the scripts, which start a successor beside a running server. */
static enum status tell_serving(struct server *server) {
  char path[600];
  char host[64] = "";
  struct buffer text = {0};
  gethostname(host, sizeof host - 1);
  snprintf(path, sizeof path, "%s/serving.pid", server->app->settings.data_dir);
  enum status status = handover_tell_serving(&server->claim, http_server_is_given(server->http), &server->app->problem);
  if (status) return status;
  server->handover = handover_open(server->app->settings.data_dir);
  server->housekeeping = housekeeping_open(server);
  buffer_add_format(&text, "%ld %s\n", (long)getpid(), host);
  status = buffer_write_file(&text, path, 0600, &server->app->problem);
  buffer_deinit(&text);
  return status;
}

enum status server_open(struct server *server, struct app *app, const struct serve_options *options) {
  *server = (struct server){.app = app, .options = *options, .clock = system_clock(), .signal_fd = -1, .claim = {.file = -1}};
  struct engine_counters counters = {0};
  struct wiring_options wiring;
  wiring_options_init(&wiring);
  wiring.preset = options->preset != NULL ? options->preset : app->settings.default_preset;
  wiring.feed_name = server->feed_name;
  enum status status = check_settings(server);
  if (!status) status = open_log(server);
  if (status) return status;
  open_signals(server);
  status = open_recording(server);
  if (!status) status = wiring_load_preset(&server->wiring, app, &wiring);
  if (!status) tell_warnings(app);
  if (!status) status = wiring_prepare(&server->wiring, &wiring);
  if (status) return status;
  choose_start(server);
  status = metrics_open(&server->metrics, server->clock);
  if (!status) server_metrics_open(server);
  if (!status) status = server_system_open(server);
  if (!status) status = open_redis(server);
  /* All that takes time and touches nothing is behind us: the account has no engine from here to resume. */
  if (!status) status = take_over(server);
  if (!status) status = open_storage(server, &counters);
  if (!status) status = open_engine(server, &counters);
  if (!status) status = open_pool(server);
  if (!status) status = open_webhook(server);
  if (!status) status = open_api(server);
  if (!status) status = write_local_token(server);
  if (!status) status = open_http(server);
  if (status) return status;
  remember_all(server);
  add_listeners(server);
  status = resume(server);
  if (status) return status;
  enum session_state state = engine_session_state(server->wiring.engine);
  bool is_idle = state == SESSION_IDLE || state == SESSION_STOPPED;
  server->wants_session = is_idle && (options->preset != NULL || app->settings.autostart == AUTOSTART_PAPER);
  tell_start(server);
  return tell_serving(server);
}

/* Entries that still work would fill while nobody manages: they are cancelled; stops and targets stay. */
static void cancel_entries(struct server *server) {
  const struct engine *engine = server->wiring.engine;
  for (int32_t i = engine_order_count(engine) - 1; i >= 0; i--) {
    const struct order *order = engine_order(engine, i);
    bool is_entry = order->purpose == PURPOSE_ENTRY || order->purpose == PURPOSE_ADD_ON;
    if (!is_entry || order_is_ended(order)) continue;
    struct event event = {
        .ts = server_event_now(server), .kind = EVENT_COMMAND, .command = {.command = COMMAND_CANCEL_ORDER, .source = SOURCE_ENGINE}};
    event.command.operation_id = engine_counters(engine)->operation + 1;
    text_copy(event.command.user, sizeof event.command.user, "server");
    text_copy(event.command.client_order_id, sizeof event.command.client_order_id, order->client_order_id);
    server_step(server, &event, false);
  }
}

/* The polite end of an engine: entries cancelled, snapshot, clean mark. */
static void end_engine(struct server *server) {
  cancel_entries(server);
  int64_t now = engine_now(server->wiring.engine);
  runner_idle(&server->wiring.runner, now);
  if (journal_flush(server->journal, now) != STATUS_OK) log_write(LOG_ERROR, "journal", "flush_failed", NULL, "the newest records are not on disk");
  if (server->snapshots != NULL) snapshots_take(server->snapshots, &server->wiring.runner, true);
  snapshots_close(server->snapshots);
  server->snapshots = NULL;
  if (recover_mark_clean(server->journal, now) != STATUS_OK)
    log_write(LOG_ERROR, "journal", "mark_failed", NULL, "the next start will look like one after a crash");
}

/* Counters, and the lease with it. */
static void close_registry(struct server *server) {
  struct problem problem;
  problem_clear(&problem);
  if (!server->has_registry) return;
  if (server->wiring.engine != NULL && store_counters_save(&server->registry, engine_counters(server->wiring.engine), &problem))
    log_write(LOG_WARNING, "storage", "counters", NULL, "counters were not saved");
  store_registry_close(&server->registry);
  server->has_registry = false;
}

enum status server_release(struct server *server) {
  if (!journal_is_available(server->journal)) return STATUS_IO_FAILED;
  api_stop_commands(server->api);
  housekeeping_close(server->housekeeping);
  server->housekeeping = NULL;
  run_pool_stop(server->pool);
  end_engine(server);
  uint64_t seq = journal_last_seq(server->journal);
  archive_stop(server->archive, 5000);
  server->archive = NULL;
  close_registry(server);
  server->store.close(server->store.self);
  server->has_store = false;
  kill_latch_close(server->latch);
  server->latch = server->wiring.runner.latch = NULL;
  journal_close(server->journal); /* and with it the lock of the folder */
  server->journal = NULL;
  server->released_ns = server->clock->monotonic_ns(server->clock->self);
  server->token_path[0] = '\0'; /* the successor writes its own there */
  int sockets[HTTP_LISTENERS_MAX];
  int count = http_server_listeners(server->http, sockets);
  handover_release(server->handover, seq, sockets, count);
  log_write(LOG_INFO, "engine", "handed_over", NULL, "the account was given away at record %llu", (unsigned long long)seq);
  return STATUS_OK;
}

void server_close(struct server *server) {
  bool is_ours = server->released_ns == 0;
  if (server->api != NULL) api_stop_commands(server->api);
  if (server->http != NULL && is_ours) end_engine(server);
  handover_close(server->handover, is_ours);
  housekeeping_close(server->housekeeping);
  http_server_close(server->http);
  run_pool_close(server->pool);
  if (server->token_path[0] != '\0') unlink(server->token_path);
  if (server->archive != NULL) archive_stop(server->archive, 5000);
  snapshots_close(server->snapshots);
  close_registry(server);
  if (server->has_store) server->store.close(server->store.self);
  api_close(server->api);
  redis_close(server->redis);
  webhook_close(server->webhook);
  sqlite_rows_close(server->rows);
  server_system_close(server);
  metrics_close(server->metrics);
  if (!server->has_runner) server->wiring.engine = NULL;
  wiring_close(&server->wiring);
  recover_close(server->recover);
  kill_latch_close(server->latch);
  journal_close(server->journal);
  handover_claim_close(&server->claim);
  looped_feed_deinit(&server->looped);
  if (server->signal_fd >= 0) close(server->signal_fd);
  if (server->has_log) {
    log_write(LOG_INFO, "engine", "ended", NULL, "the server has ended");
    log_close();
  }
}
