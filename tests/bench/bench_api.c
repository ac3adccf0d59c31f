/* The API and its feed: requests a server-CPU-second beside nginx that gives the same bytes from a file, messages a server-CPU-second to 100 clients
 * and their delay, and the running demo under 1 000 requests a second. The server is a process of its own each time. Without wrk or nginx those lines
 * say so. */
#include <arpa/inet.h>
#include <errno.h>
#include <libgen.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "adapters/clock/system_clock.h"
#include "adapters/http/http.h"
#include "api/feed/feed.h"
#include "base/arena.h"
#include "base/check.h"
#include "runner/runner.h"
#include "support/bench.h"
#include "support/quiet_venue.h"

enum { CLIENTS = 100, BATCH = 16, FAN_OUT = 8000, DELAYS = 300, LOAD_PER_S = 1000, LOAD_S = 5, ROUNDS = 9, CONNECTIONS = 16, REPLY_BYTES = 1 << 16 };

/* ---- a server of its own ---- */

static int64_t host_now(void *self) {
  (void)self;
  return 1700000000000;
}

static void host_step(void *self, struct event *event) {
  runner_step(self, event);
}

static enum status host_use_preset(void *self, const char *name, struct problem *problem) {
  (void)self;
  (void)name;
  (void)problem;
  return STATUS_NOT_FOUND;
}

static int host_components(void *self, struct api_component *out, int max) {
  (void)self;
  (void)max;
  out[0] = (struct api_component){.name = "feed", .level = API_OK};
  return 1;
}

static void write_moment(const struct api *api, const void *object, struct json_writer *writer) {
  (void)api;
  json_add_int(writer, "sent_ns", *(const int64_t *)object);
  json_add_string(writer, "filler", "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789");
}

/* Runs ahead while clients connect, because ten of an address may do so a minute. */
static int64_t ahead_ns;

static int64_t clock_ms(void *self) {
  (void)self;
  return system_clock()->now_ms(system_clock()->self) + ahead_ns / 1000000;
}

static int64_t clock_ns(void *self) {
  (void)self;
  return system_clock()->monotonic_ns(system_clock()->self) + ahead_ns;
}

static const struct clock bench_clock = {.now_ms = clock_ms, .monotonic_ns = clock_ns};

struct idle_server {
  struct arena arena;
  struct runner runner;
  struct exchange exchange;
  struct settings settings;
  struct metrics *metrics;
  struct api *api;
  struct http_server *http;
};

static void open_server(struct idle_server *server) {
  const struct engine_limits limits = {.symbols = 1, .base_ms = 60000};
  const struct engine_config config = {
      .instance = "000000", .venue = "paper", .feed = "demo", .starting_balance = 100000 * DECIMAL_ONE, .max_leverage = 10};
  char *const environment[] = {"AUTH_ENABLED=false", "WS_MAX_CONNECTIONS=200", NULL};
  const char *const no_file = "/dev/null";
  const struct settings_input input = {.files = &no_file, .file_count = 1, .environment = environment};
  struct problem problem;
  problem_clear(&problem);
  check(settings_load(&server->settings, &input, &problem) == STATUS_OK);
  server->settings.rate_limit_read_per_s = 1e9; /* the limit itself is not what is measured */
  server->settings.ws_heartbeat_interval_s = 1000000;
  check(arena_open(&server->arena, engine_memory(&limits)) == STATUS_OK);
  struct engine *engine = engine_init(&server->arena, &limits, &config, NULL);
  server->exchange = quiet_venue();
  check(runner_init(&server->runner, engine, &server->exchange, NULL, NULL, false) == STATUS_OK);
  check(metrics_open(&server->metrics, system_clock()) == STATUS_OK);
  const struct api_options options = {
      .host = {.self = &server->runner, .now = host_now, .step = host_step, .use_preset = host_use_preset, .components = host_components},
      .engine = engine,
      .metrics = server->metrics,
      .clock = &bench_clock,
      .settings = &server->settings,
      .sockets = http_server_sockets(),
      .is_demo = true,
      .speed = 60,
      .is_ready = true};
  check(api_open(&server->api, &options) == STATUS_OK);
  struct http_options http = {.host = "127.0.0.1", .body_limit = 65536, .sockets_max = 200, .clock = &bench_clock};
  api_handler(server->api, &http.handler);
  check(http_server_open(&server->http, &http, &problem) == STATUS_OK);
}

static void take_turn(struct idle_server *server, int timeout_ms) {
  struct pollfd file = {.fd = http_server_fd(server->http), .events = POLLIN};
  int own = http_server_timeout_ms(server->http);
  poll(&file, 1, own >= 0 && own < timeout_ms ? own : timeout_ms);
  http_server_run(server->http);
  api_turn(server->api);
  http_server_flush(server->http);
}

static int64_t now_ns(void) {
  return system_clock()->monotonic_ns(system_clock()->self);
}

#define PAUSE_NS 10000000

/* What the child does beside answering, once all clients are there. */
enum job { JOB_NONE, JOB_FAN_OUT, JOB_DELAYS };

static void do_job(struct idle_server *server, enum job job) {
  int total = job == JOB_FAN_OUT ? FAN_OUT : DELAYS;
  for (int i = 0; i < total;) {
    int64_t begin = now_ns();
    for (int k = 0; k < (job == JOB_FAN_OUT ? BATCH : 1); k++, i++) {
      int64_t moment = now_ns();
      feed_publish_checkpoint(server->api, write_moment, &moment);
    }
    do {
      take_turn(server, 1);
    } while (now_ns() - begin < PAUSE_NS); /* time for the clients, which share the machine: who reads too slowly is closed */
  }
}

static double cpu_s(const struct rusage *usage) {
  return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) + (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1e-6;
}

static void serve(enum job job, int out) {
  static struct idle_server server;
  open_server(&server);
  int port = http_server_port(server.http);
  check(write(out, &port, sizeof port) == (ssize_t)sizeof port);
  while (job == JOB_NONE || !feed_is_wanted(server.api, FEED_MONITORING)) {
    take_turn(&server, 100);
    if (job != JOB_NONE) ahead_ns += INT64_C(6000000000);
  }
  for (int i = 0; i < 200; i++) take_turn(&server, 10); /* the other clients */
  struct rusage before;
  struct rusage after;
  getrusage(RUSAGE_SELF, &before);
  do_job(&server, job);
  getrusage(RUSAGE_SELF, &after);
  double spent = cpu_s(&after) - cpu_s(&before);
  check(write(out, &spent, sizeof spent) == (ssize_t)sizeof spent);
  for (int i = 0; i < 100; i++) take_turn(&server, 10);
  _exit(0);
}

struct child {
  pid_t pid;
  int port, in;
};

static struct child start(enum job job) {
  int pipes[2];
  struct child child = {0};
  check(pipe(pipes) == 0);
  fflush(stdout);
  child.pid = fork();
  check(child.pid >= 0);
  if (child.pid == 0) serve(job, pipes[1]);
  close(pipes[1]);
  child.in = pipes[0];
  check(read(child.in, &child.port, sizeof child.port) == (ssize_t)sizeof child.port);
  return child;
}

static void stop(struct child *child) {
  kill(child->pid, SIGKILL);
  waitpid(child->pid, NULL, 0);
  if (child->in > 0) close(child->in);
}

/* ---- sockets ---- */

static int connect_to(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    if (fd >= 0) close(fd);
    return -1;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

/* The whole answer to a GET, its body behind the head. */
static char *fetch(int port, const char *path, size_t *length) {
  char request[256];
  struct buffer all = {0};
  int fd = connect_to(port);
  if (fd < 0) return NULL;
  int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);
  check(write(fd, request, (size_t)size) == size);
  char bytes[8192];
  ssize_t count;
  while ((count = read(fd, bytes, sizeof bytes)) > 0) buffer_add(&all, bytes, (size_t)count);
  close(fd);
  char *body = all.data != NULL ? strstr(all.data, "\r\n\r\n") : NULL;
  if (body == NULL) return NULL;
  *length = all.length - (size_t)(body + 4 - all.data);
  char *copy = malloc(*length + 1);
  check(copy != NULL);
  memcpy(copy, body + 4, *length + 1);
  buffer_deinit(&all);
  return copy;
}

/* ---- requests beside nginx ---- */

static double cpu_of(pid_t pid) {
  char path[64];
  unsigned long user = 0;
  unsigned long system = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  check(fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) == 2);
  fclose(file);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Requests a CPU-second of the server; 0 without wrk. */
static double measure(pid_t pid, int port, const char *path) {
  char command[256];
  char line[256];
  double requests = 0;
  snprintf(command, sizeof command, "wrk -t1 -c32 -d3s http://127.0.0.1:%d%s 2>/dev/null", port, path);
  double before = cpu_of(pid);
  FILE *wrk = popen(command, "r");
  while (wrk != NULL && fgets(line, sizeof line, wrk) != NULL) {
    if (strstr(line, " requests in ") != NULL) requests = strtod(line, NULL);
    if (strstr(line, "Non-2xx") != NULL) printf("  %s", line);
  }
  if (wrk != NULL) pclose(wrk);
  double spent = cpu_of(pid) - before;
  return spent > 0 ? requests / spent : 0;
}

static pid_t start_nginx(const char *folder, int port) {
  char path[512];
  snprintf(path, sizeof path, "%s/nginx.conf", folder);
  FILE *file = fopen(path, "w");
  check(file != NULL);
  fprintf(file,
          "worker_processes 1; daemon off; master_process off; pid %s/nginx.pid; error_log /dev/null;\nevents { worker_connections 256; }\n"
          "http { access_log off; sendfile on; keepalive_requests 1000000000; default_type application/json; client_body_temp_path %s; "
          "proxy_temp_path %s;\n"
          "fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s; open_file_cache max=100;\nserver { listen 127.0.0.1:%d; root %s; } }\n",
          folder, folder, folder, folder, folder, folder, port, folder);
  fclose(file);
  pid_t pid = fork();
  check(pid >= 0);
  if (pid == 0) {
    execlp("nginx", "nginx", "-c", path, (char *)NULL);
    execl("/usr/sbin/nginx", "nginx", "-c", path, (char *)NULL);
    _exit(127);
  }
  for (int i = 0; i < 50; i++) {
    int fd = connect_to(port);
    usleep(20000);
    if (fd >= 0) {
      close(fd);
      return pid;
    }
  }
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  return 0;
}

static void put_file(const char *folder, const char *name, const char *bytes, size_t size) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  check(file != NULL && fwrite(bytes, 1, size, file) == size);
  fclose(file);
}

static void bench_requests(const char *folder) {
  static const char *const paths[] = {"/api/health", "/api/trading/positions"};
  static const char *const names[] = {"health", "positions"};
  struct child child = start(JOB_NONE);
  pid_t nginx = start_nginx(folder, child.port + 1 < 65535 ? child.port + 1 : child.port - 1);
  int nginx_port = child.port + 1 < 65535 ? child.port + 1 : child.port - 1;
  for (int i = 0; i < 2; i++) {
    size_t length;
    char path[64];
    char *body = fetch(child.port, paths[i], &length);
    check(body != NULL);
    put_file(folder, names[i], body, length);
    free(body);
    snprintf(path, sizeof path, "/%s", names[i]);
    double ours = measure(child.pid, child.port, paths[i]);
    double theirs = nginx != 0 ? measure(nginx, nginx_port, path) : 0;
    if (ours > 0 && theirs > 0) {
      printf("GET %-28s %9.0f requests/CPU-s, nginx %9.0f: %.2f x (%zu bytes)\n", paths[i], ours, theirs, ours / theirs, length);
    } else {
      printf("GET %-28s not measured: wrk or nginx is not installed\n", paths[i]);
    }
  }
  stop(&child);
  if (nginx == 0) return;
  kill(nginx, SIGKILL);
  waitpid(nginx, NULL, 0);
}

/* ---- the feed ---- */

static void say(int fd, const char *text) {
  unsigned char frame[512] = {0x81};
  size_t length = strlen(text);
  check(length < 400);
  size_t used = 2;
  frame[1] = (unsigned char)(0x80 | (length < 126 ? length : 126));
  if (length >= 126) {
    frame[used++] = (unsigned char)(length >> 8);
    frame[used++] = (unsigned char)length;
  }
  used += 4; /* a mask of zeros */
  memcpy(frame + used, text, length);
  check(write(fd, frame, used + length) == (ssize_t)(used + length));
}

static int open_feed(int port) {
  static const char request[] =
      "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  int fd = connect_to(port);
  check(fd >= 0 && write(fd, request, sizeof request - 1) == (ssize_t)sizeof request - 1);
  return fd;
}

struct feed_counts {
  int64_t messages;
  double *delays_ms; /* room for CLIENTS * DELAYS; NULL: not wanted */
  int64_t delay_count;
};

/* Counts the messages in what came; what is cut at the end of a read is counted with the next one. */
static void take(struct feed_counts *counts, char *bytes, int64_t now) {
  for (char *at = bytes; (at = strstr(at, "\"sent_ns\":")) != NULL; at += 10) {
    ++counts->messages;
    if (counts->delays_ms != NULL && counts->delay_count < (int64_t)CLIENTS * DELAYS)
      counts->delays_ms[counts->delay_count++] = (double)(now - strtoll(at + 10, NULL, 10)) * 1e-6;
  }
}

static void read_feeds(struct child *child, const int *fds, int64_t expected, struct feed_counts *counts) {
  static char bytes[1 << 18];
  struct pollfd files[CLIENTS];
  double end = bench_now_s() + 20;
  for (int i = 0; i < CLIENTS; i++) files[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
  while (counts->messages < expected && bench_now_s() < end) {
    if (poll(files, CLIENTS, 1000) <= 0) continue;
    for (int i = 0; i < CLIENTS; i++) {
      if ((files[i].revents & POLLIN) == 0) continue;
      ssize_t count = recv(fds[i], bytes, sizeof bytes - 1, MSG_DONTWAIT);
      int64_t now = now_ns();
      for (ssize_t k = 0; k < count; k++) bytes[k] = bytes[k] == '\0' ? ' ' : bytes[k];
      bytes[count > 0 ? count : 0] = '\0';
      take(counts, bytes, now);
    }
  }
  (void)child;
}

static void bench_feed(enum job job) {
  static double delays[CLIENTS * DELAYS];
  int fds[CLIENTS];
  double spent = 0;
  struct feed_counts counts = {.delays_ms = job == JOB_DELAYS ? delays : NULL};
  struct child child = start(job);
  for (int i = 0; i < CLIENTS; i++) {
    fds[i] = open_feed(child.port);
    usleep(20000);
  }
  usleep(500000);
  for (int i = 0; i < CLIENTS; i++) say(fds[i], "{\"type\":\"SUBSCRIBE\",\"data\":{\"topics\":[\"monitoring\"]}}");
  int64_t expected = (int64_t)CLIENTS * (job == JOB_DELAYS ? DELAYS : FAN_OUT);
  read_feeds(&child, fds, expected * 99 / 100, &counts);
  check(read(child.in, &spent, sizeof spent) == (ssize_t)sizeof spent);
  if (job == JOB_FAN_OUT) {
    printf("feed, %d clients, %d messages joined         %9.0f messages/CPU-s (%.0f of %lld seen)\n", CLIENTS, BATCH, (double)expected / spent,
           (double)counts.messages, (long long)expected);
  } else {
    printf("feed, %d clients, delay                      p50 %.2f ms, p99 %.2f ms\n", CLIENTS, bench_percentile(delays, (int)counts.delay_count, 0.5),
           bench_percentile(delays, (int)counts.delay_count, 0.99));
  }
  for (int i = 0; i < CLIENTS; i++) close(fds[i]);
  stop(&child);
}

/* ---- the running demo ---- */

static void start_demo(struct child *child, const char *program, const char *folder, int port) {
  char values[8][640];
  snprintf(values[0], sizeof values[0], "DATA_DIR=%s/data", folder);
  snprintf(values[1], sizeof values[1], "LOG_DIR=%s/logs", folder);
  snprintf(values[2], sizeof values[2], "DATABASE_URL=sqlite:///%s/data/b.db", folder + 1);
  snprintf(values[3], sizeof values[3], "PORT=%d", port);
  snprintf(values[4], sizeof values[4], "REPORTS_DIR=%s/reports", folder);
  char *const environment[] = {values[0],
                               values[1],
                               values[2],
                               values[3],
                               values[4],
                               "UI_PORT=0",
                               "FEED=demo",
                               "AUTOSTART=paper",
                               "LOG_CONSOLE=off",
                               "AUTH_ENABLED=false",
                               "RATE_LIMIT_READ_PER_S=1000",
                               NULL};
  *child = (struct child){.port = port, .pid = fork()};
  check(child->pid >= 0);
  if (child->pid != 0) return;
  check(freopen("/dev/null", "w", stderr) != NULL);
  execle(program, program, "serve", (char *)NULL, environment);
  _exit(127);
}

/* Time of the steps since the program began, and how many: of candles, which are most of them and alike. */
static bool read_steps(int port, double *sum, double *count) {
  size_t length;
  char *page = fetch(port, "/api/metrics", &length);
  *sum = *count = 0;
  if (page == NULL) return false;
  static const char *const names[] = {"\nbreakout_engine_step_duration_seconds_sum{kind=\"candle\"}",
                                      "\nbreakout_engine_step_duration_seconds_count{kind=\"candle\"}"};
  for (int i = 0; i < 2; i++) {
    for (char *at = page; (at = strstr(at, names[i])) != NULL; at += 10) *(i == 0 ? sum : count) += strtod(strchr(at, '}') + 1, NULL);
  }
  free(page);
  return *count > 0;
}

struct load {
  int fds[CONNECTIONS];
  bool is_busy[CONNECTIONS];
  double sent_s[CONNECTIONS];
  double *times_ms;
  int count, refused;
};

static void take_reply(struct load *load, int i) {
  static char bytes[REPLY_BYTES];
  ssize_t count = recv(load->fds[i], bytes, sizeof bytes - 1, MSG_DONTWAIT);
  if (count <= 0) return;
  bytes[count] = '\0';
  if (strncmp(bytes, "HTTP/1.1 ", 9) != 0) return; /* the rest of an answer that came in two pieces */
  if (strncmp(bytes, "HTTP/1.1 2", 10) != 0 && strncmp(bytes, "HTTP/1.1 503", 12) != 0) ++load->refused;
  load->is_busy[i] = false;
  load->times_ms[load->count++] = (bench_now_s() - load->sent_s[i]) * 1e3;
}

/* A request each millisecond, at its time whether the earlier ones are answered or not as long as a connection is free. */
static void run_load(struct load *load, int port) {
  static const char request[] = "GET /api/trading/positions HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"; /* nginx has the same path */
  struct pollfd files[CONNECTIONS];
  for (int i = 0; i < CONNECTIONS; i++) {
    load->fds[i] = connect_to(port);
    check(load->fds[i] >= 0);
    files[i] = (struct pollfd){.fd = load->fds[i], .events = POLLIN};
  }
  double begin = bench_now_s();
  for (int sent = 0; sent < LOAD_PER_S * LOAD_S && bench_now_s() - begin < 3 * LOAD_S;) {
    bool is_due = bench_now_s() - begin >= (double)sent / LOAD_PER_S;
    int free = 0;
    while (free < CONNECTIONS && load->is_busy[free]) ++free;
    if (is_due && free < CONNECTIONS) {
      load->sent_s[free] = begin + (double)sent / LOAD_PER_S; /* waiting for a connection counts */
      load->is_busy[free] = true;
      check(write(load->fds[free], request, sizeof request - 1) == (ssize_t)sizeof request - 1);
      ++sent;
      continue;
    }
    if (poll(files, CONNECTIONS, is_due ? 1 : 0) <= 0) continue;
    for (int i = 0; i < CONNECTIONS; i++) {
      if (files[i].revents != 0) take_reply(load, i);
    }
  }
  for (int i = 0; i < CONNECTIONS; i++) {
    close(load->fds[i]);
    load->is_busy[i] = false;
  }
}

static double mean_step_us(int port, double before_sum, double before_count) {
  double sum;
  double count;
  return read_steps(port, &sum, &count) && count > before_count ? (sum - before_sum) / (count - before_count) * 1e6 : 0;
}

static double least(const double *values, int count) {
  double least = values[0];
  for (int i = 1; i < count; i++) least = values[i] < least ? values[i] : least;
  return least;
}

static double ratio_percent(double loaded, double alone) {
  return alone > 0 ? 100 * (loaded / alone - 1) : 0;
}

static void tell_load(const char *name, const struct load *load) {
  printf("%-44s p50 %.2f ms, p99 %.2f ms (%d answers, %d refused)\n", name, bench_percentile(load->times_ms, load->count, 0.5),
         bench_percentile(load->times_ms, load->count, 0.99), load->count, load->refused);
}

/* With and without load in turns, so that what the market and the machine do meets both alike: LOAD_S seconds at 60 x are five minutes of the
 * market, so each turn has one close of the 5m candles, which cost most. The same load on an nginx that does nothing else shows what of the times
 * is the machine's. */
static void compare_steps(struct load *load, int port, struct load *idle, int nginx_port) {
  double alone_us[ROUNDS];
  double loaded_us[ROUNDS];
  double sum;
  double count;
  for (int i = 0; i < ROUNDS; i++) {
    read_steps(port, &sum, &count);
    if (nginx_port != 0) {
      run_load(idle, nginx_port);
    } else {
      sleep(LOAD_S);
    }
    alone_us[i] = mean_step_us(port, sum, count);
    read_steps(port, &sum, &count);
    run_load(load, port);
    loaded_us[i] = mean_step_us(port, sum, count);
  }
  double alone = bench_median(alone_us, ROUNDS);
  double loaded = bench_median(loaded_us, ROUNDS);
  tell_load("demo at 60 x, 1000 requests/s", load);
  if (nginx_port != 0) tell_load("nginx under the same load, a file", idle);
  printf("demo at 60 x, a candle through the engine    %.1f us, under that load %.1f us: %+.0f %%; quietest rounds %.1f and %.1f us: %+.0f %%\n",
         alone, loaded, ratio_percent(loaded, alone), least(alone_us, ROUNDS), least(loaded_us, ROUNDS),
         ratio_percent(least(loaded_us, ROUNDS), least(alone_us, ROUNDS)));
}

/* The answer of the demo as a file of the same path. */
static pid_t start_twin(const char *folder, int port, int twin_port) {
  char path[256];
  size_t length;
  char *body = fetch(port, "/api/trading/positions", &length);
  if (body == NULL) return 0;
  snprintf(path, sizeof path, "mkdir -p %s/api/trading", folder);
  check(system(path) == 0);
  put_file(folder, "api/trading/positions", body, length);
  free(body);
  return start_nginx(folder, twin_port);
}

static void bench_demo(const char *program, const char *folder) {
  struct child child;
  double sum = 0;
  double count = 0;
  size_t room = (size_t)LOAD_PER_S * LOAD_S * ROUNDS + CONNECTIONS;
  struct load load = {.times_ms = calloc(room, sizeof(double))};
  struct load idle = {.times_ms = calloc(room, sizeof(double))};
  check(load.times_ms != NULL && idle.times_ms != NULL);
  start_demo(&child, program, folder, 8129);
  bool is_up = false;
  for (int i = 0; i < 100 && !is_up; i++) {
    usleep(200000);
    is_up = read_steps(child.port, &sum, &count);
  }
  if (is_up) {
    sleep(5); /* past the warm-up */
    pid_t twin = start_twin(folder, child.port, child.port + 1);
    compare_steps(&load, child.port, &idle, twin != 0 ? child.port + 1 : 0);
    if (twin != 0) {
      kill(twin, SIGKILL);
      waitpid(twin, NULL, 0);
    }
  } else {
    printf("demo                                         not measured: %s does not start here\n", program);
  }
  kill(child.pid, SIGTERM);
  waitpid(child.pid, NULL, 0);
  free(load.times_ms);
  free(idle.times_ms);
}

int main(int argc, char **argv) {
  char folder[] = "/tmp/bench_api_XXXXXX";
  char program[4096];
  signal(SIGPIPE, SIG_IGN);
  check(mkdtemp(folder) != NULL);
  snprintf(program, sizeof program, "%s/../../breakout", dirname(argv[0]));
  const char *only = argc > 1 ? argv[1] : NULL; /* requests, feed or demo */
  if (only == NULL || strcmp(only, "requests") == 0) bench_requests(folder);
  if (only == NULL || strcmp(only, "feed") == 0) bench_feed(JOB_FAN_OUT);
  if (only == NULL || strcmp(only, "feed") == 0) bench_feed(JOB_DELAYS);
  if (only == NULL || strcmp(only, "demo") == 0) bench_demo(program, folder);
  char command[64];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command) == 0 ? 0 : 1;
}
