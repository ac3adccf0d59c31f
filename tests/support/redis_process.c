#include "support/redis_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"

enum { START_STEPS = 1000, STEP_NS = 10000000, REPLY_S = 5 };

static const char *find_program(void) {
  static const char *const places[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server"};
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    if (access(places[i], X_OK) == 0) return places[i];
  }
  return NULL;
}

bool redis_process_is_there(void) {
  return find_program() != NULL;
}

static struct sockaddr_in address_of(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

void redis_process_choose(struct redis_process *redis) {
  struct sockaddr_in address = address_of(0);
  socklen_t length = sizeof address;
  const char *scratch = getenv("TMPDIR");
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
  close(fd);
  *redis = (struct redis_process){.port = ntohs(address.sin_port)};
  snprintf(redis->folder, sizeof redis->folder, "%.200s/redis_XXXXXX", scratch != NULL ? scratch : "/tmp");
  assert_non_null(mkdtemp(redis->folder));
}

static void run_program(const struct redis_process *redis, const char *const words[]) {
  char port[16];
  const char *all[20 + REDIS_WORDS_MAX] = {"redis-server", "--port", port, "--bind",       "127.0.0.1", "--dir",
                                           redis->folder,  "--save", "",   "--appendonly", "no"};
  int count = 11;
  for (int i = 0; words != NULL && words[i] != NULL && i < REDIS_WORDS_MAX; i++) all[count++] = words[i];
  snprintf(port, sizeof port, "%d", redis->port);
  int out = open("/dev/null", O_WRONLY);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execv(find_program(), (char *const *)(uintptr_t)all);
  _exit(127);
}

static int connect_to(const struct redis_process *redis) {
  struct sockaddr_in address = address_of(redis->port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = REPLY_S}, sizeof(struct timeval)), 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

void redis_process_start(struct redis_process *redis, const char *const words[]) {
  if (redis->folder[0] == '\0') redis_process_choose(redis);
  redis->pid = fork();
  assert_true(redis->pid >= 0);
  if (redis->pid == 0) run_program(redis, words);
  for (int i = 0; i < START_STEPS; i++) {
    int fd = connect_to(redis);
    if (fd >= 0) {
      close(fd);
      return;
    }
    nanosleep(&(struct timespec){.tv_nsec = STEP_NS}, NULL);
  }
  fail_msg("redis-server does not listen at port %d", redis->port);
}

void redis_process_kill(struct redis_process *redis) {
  if (redis->pid == 0) return;
  kill(redis->pid, SIGKILL);
  assert_int_equal(waitpid(redis->pid, NULL, 0), redis->pid);
  redis->pid = 0;
}

void redis_process_freeze(const struct redis_process *redis, bool is_frozen) {
  assert_int_equal(kill(redis->pid, is_frozen ? SIGSTOP : SIGCONT), 0);
}

void redis_process_clean(struct redis_process *redis) {
  char command[300];
  redis_process_kill(redis);
  if (redis->folder[0] == '\0') return;
  snprintf(command, sizeof command, "rm -r '%s'", redis->folder);
  assert_int_equal(system(command), 0);
  redis->folder[0] = '\0';
}

/* One line of the reply without its end. */
static void take_line(int fd, char *out, size_t size) {
  size_t used = 0;
  for (char c; recv(fd, &c, 1, 0) == 1 && c != '\n';) {
    if (c != '\r' && used + 1 < size) out[used++] = c;
  }
  out[used] = '\0';
}

static void ask(int fd, const char *line, char *out, size_t size) {
  char text[512];
  int length = snprintf(text, sizeof text, "%s\r\n", line);
  assert_int_equal(send(fd, text, (size_t)length, MSG_NOSIGNAL), length);
  take_line(fd, out, size);
  if (out[0] == '$' && out[1] != '-') take_line(fd, out, size);
}

void redis_process_ask(const struct redis_process *redis, const char *password, const char *line, char *out, size_t size) {
  char login[300];
  int fd = connect_to(redis);
  assert_true(fd >= 0);
  snprintf(login, sizeof login, "AUTH %s", password != NULL ? password : "");
  if (password != NULL) ask(fd, login, out, size);
  ask(fd, line, out, size);
  close(fd);
}

long long redis_process_number(const struct redis_process *redis, const char *line) {
  char reply[256];
  redis_process_ask(redis, NULL, line, reply, sizeof reply);
  if (reply[0] != ':') fail_msg("%s: %s", line, reply);
  return strtoll(reply + 1, NULL, 10);
}
