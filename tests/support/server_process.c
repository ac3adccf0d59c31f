#include "support/server_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "support/scratch.h"

enum { START_MS = 60000, STOP_MS = 60000, STEP_MS = 50, OUTPUT_BYTES_MAX = 16 << 20, SETTINGS_MAX = 48 };

static void pause_ms(int ms) {
  const struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
  nanosleep(&time, NULL);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the process ---- */

/* <out>/tests/contract/test_x -> <out>/breakout */
static void find_program(char *out, size_t size) {
  ssize_t length = readlink("/proc/self/exe", out, size - 1);
  assert_true(length > 0);
  out[length] = '\0';
  for (int i = 0; i < 3; i++) *strrchr(out, '/') = '\0';
  strncat(out, "/breakout", size - strlen(out) - 1);
  assert_int_equal(access(out, X_OK), 0);
}

static int free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  close(fd);
  return ntohs(address.sin_port);
}

/* A copy of the recordings: what a request destroys is not the repository's. */
static void make_folder(struct server_process *server) {
  char command[1024];
  assert_true(scratch_make(server->folder, sizeof server->folder, "server"));
  snprintf(command, sizeof command, "mkdir %s/data %s/presets && cp -r recordings %s/", server->folder, server->folder, server->folder);
  assert_int_equal(system(command), 0);
}

static void run_program(const struct server_process *server, const char *program, char *const *environment) {
  char *const words[] = {(char *)(uintptr_t)program, "serve", NULL};
  int out = chdir(server->folder) == 0 ? open("out.txt", O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
  if (out < 0) _exit(126);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execve(program, words, environment);
  _exit(127);
}

static bool take_token(struct server_process *server) {
  char path[300];
  struct buffer text = {0};
  snprintf(path, sizeof path, "%s/data/ctl.token", server->folder);
  bool is_there = access(path, R_OK) == 0 && buffer_read_file(&text, path, 1024, NULL) == STATUS_OK && text.length > 0;
  if (is_there) {
    text.data[strcspn(text.data, "\r\n")] = '\0';
    text_copy(server->token, sizeof server->token, text.data);
  }
  buffer_deinit(&text);
  return is_there;
}

static bool is_alive(const struct server_process *server) {
  struct wire wire = {-1, server->port, {0}};
  struct wire_reply reply = {0};
  struct buffer request = {0};
  buffer_add_text(&request, "GET /api/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  wire_ask(&wire, &request, false, 2000, &reply);
  bool is_good = reply.status == 200;
  wire_close(&wire);
  wire_reply_deinit(&reply);
  buffer_deinit(&request);
  return is_good;
}

static void tell_output(const struct server_process *server) {
  struct buffer out = {0};
  server_process_output(server, &out);
  if (out.data != NULL) fprintf(stderr, "%s", out.length > 8000 ? out.data + out.length - 8000 : out.data);
  buffer_deinit(&out);
}

static void await_start(struct server_process *server) {
  int64_t end = now_ms() + START_MS;
  while (now_ms() < end) {
    if (server_process_has_died(server)) break;
    if (is_alive(server) && take_token(server)) return;
    pause_ms(STEP_MS);
  }
  tell_output(server);
  fail_msg("the server does not answer");
}

void server_process_start(struct server_process *server, const char *const *settings) {
  static const char *const kept[] = {"PATH", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"};
  char program[512];
  char port[32];
  char values[5][1024];
  char *environment[SETTINGS_MAX] = {"FEED=demo",
                                     "AUTOSTART=paper",
                                     "UI_PORT=0",
                                     "DATA_DIR=./data",
                                     "LOG_CONSOLE=off",
                                     "LOG_DIR=./logs",
                                     "PRESETS_DIR=./presets",
                                     "REPORTS_DIR=./reports",
                                     "BACKUP_DIR=./backups",
                                     "DATABASE_URL=sqlite://./data/bot.db",
                                     NULL};
  *server = (struct server_process){0};
  find_program(program, sizeof program);
  make_folder(server);
  server->port = free_port();
  snprintf(port, sizeof port, "PORT=%d", server->port);
  int count = 10;
  environment[count++] = port;
  for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
    const char *value = getenv(kept[i]);
    if (value == NULL) continue;
    snprintf(values[i], sizeof values[i], "%s=%s", kept[i], value);
    environment[count++] = values[i];
  }
  for (; *settings != NULL; settings++) {
    assert_true(count < SETTINGS_MAX - 1);
    environment[count++] = (char *)(uintptr_t)*settings;
  }
  environment[count] = NULL;
  server->pid = fork();
  assert_true(server->pid >= 0);
  if (server->pid == 0) run_program(server, program, environment);
  await_start(server);
}

bool server_process_has_died(struct server_process *server) {
  int status;
  if (server->pid == 0) return true;
  if (waitpid(server->pid, &status, WNOHANG) != server->pid) return false;
  server->pid = 0;
  return true;
}

int server_process_stop(struct server_process *server) {
  int status = 0;
  int64_t end = now_ms() + STOP_MS;
  if (server->pid == 0) return -1;
  kill(server->pid, SIGTERM);
  while (waitpid(server->pid, &status, WNOHANG) == 0) {
    if (now_ms() > end) {
      kill(server->pid, SIGKILL);
      waitpid(server->pid, &status, 0);
      server->pid = 0;
      return -1;
    }
    pause_ms(STEP_MS);
  }
  server->pid = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void server_process_output(const struct server_process *server, struct buffer *out) {
  char path[300];
  struct problem *unused = NULL;
  snprintf(path, sizeof path, "%s/out.txt", server->folder);
  if (buffer_read_file(out, path, OUTPUT_BYTES_MAX, unused) != STATUS_OK) buffer_clear(out);
}

void server_process_clean(struct server_process *server) {
  assert_int_equal(scratch_remove(server->folder), 0);
}

/* ---- HTTP ---- */

static bool connect_to(struct wire *wire) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)wire->port)};
  int yes = 1;
  wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (wire->fd < 0 || connect(wire->fd, (struct sockaddr *)&address, sizeof address) != 0) {
    wire_close(wire);
    return false;
  }
  setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return true;
}

void wire_close(struct wire *wire) {
  if (wire->fd >= 0) close(wire->fd);
  wire->fd = -1;
  buffer_deinit(&wire->in);
}

void wire_reply_deinit(struct wire_reply *reply) {
  buffer_deinit(&reply->head);
  buffer_deinit(&reply->body);
  *reply = (struct wire_reply){0};
}

/* Both ways at once: a server that refuses while the body is still coming must not block us. */
static bool exchange_bytes(struct wire *wire, const struct buffer *request, size_t *sent, int timeout_ms) {
  char bytes[16384];
  bool is_sending = *sent < request->length;
  struct pollfd file = {.fd = wire->fd, .events = (short)(POLLIN | (is_sending ? POLLOUT : 0))};
  if (poll(&file, 1, timeout_ms) <= 0) return false;
  if ((file.revents & POLLOUT) != 0) {
    ssize_t count = send(wire->fd, request->data + *sent, request->length - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      *sent = request->length; /* it does not listen any more; what it said is read */
    } else if (count > 0) {
      *sent += (size_t)count;
    }
  }
  if ((file.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return true;
  ssize_t count = recv(wire->fd, bytes, sizeof bytes, MSG_DONTWAIT);
  if (count > 0) buffer_add(&wire->in, bytes, (size_t)count);
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

void wire_header(const struct wire_reply *reply, const char *name, char *out, size_t size) {
  size_t length = strlen(name);
  out[0] = '\0';
  for (const char *line = reply->head.data; line != NULL; line = strstr(line, "\r\n")) {
    if (line[0] == '\r') line += 2;
    if (strncasecmp(line, name, length) != 0 || line[length] != ':') continue;
    const char *value = line + length + 1 + strspn(line + length + 1, " ");
    size_t count = strcspn(value, "\r\n");
    text_copy(out, count < size ? count + 1 : size, value);
    return;
  }
}

/* Takes a whole reply out of what has come; false when more must come. */
static bool take_reply(struct wire *wire, bool is_head, struct wire_reply *out) {
  char value[64];
  const char *end = wire->in.length > 0 ? strstr(wire->in.data, "\r\n\r\n") : NULL;
  if (end == NULL || strncmp(wire->in.data, "HTTP/1.", 7) != 0) return false;
  size_t head = (size_t)(end - wire->in.data) + 4;
  buffer_clear(&out->head);
  buffer_add(&out->head, wire->in.data, head);
  wire_header(out, "Content-Length", value, sizeof value);
  int status = atoi(out->head.data + 9);
  size_t body = is_head || status == 204 || status == 304 || status < 200 ? 0 : strtoul(value, NULL, 10);
  if (wire->in.length < head + body) return false;
  if (status == 100) {
    memmove(wire->in.data, wire->in.data + head, wire->in.length - head + 1);
    wire->in.length -= head;
    return take_reply(wire, is_head, out);
  }
  out->status = status;
  buffer_clear(&out->body);
  buffer_add(&out->body, wire->in.data + head, body);
  wire_header(out, "Connection", value, sizeof value);
  out->closes = text_equal_ignoring_case(value, "close") || status == 101;
  memmove(wire->in.data, wire->in.data + head + body, wire->in.length - head - body + 1);
  wire->in.length -= head + body;
  return true;
}

void wire_ask(struct wire *wire, const struct buffer *request, bool is_head, int timeout_ms, struct wire_reply *out) {
  int64_t end = now_ms() + timeout_ms;
  size_t sent = 0;
  wire_reply_deinit(out);
  if (wire->fd < 0 && !connect_to(wire)) return;
  for (;;) {
    int64_t left = end - now_ms();
    if (take_reply(wire, is_head, out)) {
      if (out->closes || sent < request->length) wire_close(wire);
      return;
    }
    if (left <= 0 || !exchange_bytes(wire, request, &sent, (int)left)) break;
  }
  bool is_whole = take_reply(wire, is_head, out);
  if (!is_whole) out->status = 0;
  wire_close(wire);
}
