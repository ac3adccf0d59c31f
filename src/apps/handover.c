#define _GNU_SOURCE /* accept4, SO_PEERCRED */
#include "apps/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/text.h"

enum { MESSAGE_BYTES = 256, WAIT_S = 20, FIRST_GIVEN = 3, WORDS_MAX = 64, WORDS_BYTES = 16384, COPY_FROM = 10 };

struct handover {
  char folder[512];
  int listener, peer; /* -1: none */
  bool is_released;
};

/* ---- both sides ---- */

/* The path of a socket may be short only: the folder is reached through a descriptor of its own. Returns that, -1 when there is no such folder. */
static int make_address(const char *data_dir, struct sockaddr_un *out) {
  int folder = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  *out = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (folder >= 0) snprintf(out->sun_path, sizeof out->sun_path, "/proc/self/fd/%d/handover.sock", folder);
  return folder;
}

static bool send_text(int file, const char *text) {
  return send(file, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* ---- the running server ---- */

static int listen_at(const struct sockaddr_un *address) {
  int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (file < 0) return -1;
  unlink(address->sun_path);
  mode_t before = umask(0177);
  bool is_open = bind(file, (const struct sockaddr *)address, sizeof *address) == 0 && listen(file, 4) == 0;
  umask(before);
  if (is_open) return file;
  close(file);
  return -1;
}

struct handover *handover_open(const char *data_dir) {
  struct handover *handover = calloc(1, sizeof *handover);
  struct sockaddr_un address;
  check(handover != NULL);
  handover->peer = -1;
  text_copy(handover->folder, sizeof handover->folder, data_dir);
  int folder = make_address(data_dir, &address);
  handover->listener = folder >= 0 ? listen_at(&address) : -1;
  if (handover->listener < 0)
    log_write(LOG_WARNING, "engine", "no_handover", NULL, "there can be no socket in %s: an update will have to stop this server first", data_dir);
  if (folder >= 0) close(folder);
  return handover;
}

int handover_files(const struct handover *handover, struct pollfd out[HANDOVER_FILES_MAX]) {
  int count = 0;
  if (handover == NULL) return 0;
  if (handover->listener >= 0) out[count++] = (struct pollfd){.fd = handover->listener, .events = POLLIN};
  if (handover->peer >= 0) out[count++] = (struct pollfd){.fd = handover->peer, .events = POLLIN};
  return count;
}

static void drop_peer(struct handover *handover) {
  if (handover->peer >= 0) close(handover->peer);
  handover->peer = -1;
}

/* One successor at a time. */
static void accept_peer(struct handover *handover) {
  int file = accept4(handover->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (file < 0) return;
  if (handover->peer < 0 && !handover->is_released) {
    handover->peer = file;
    return;
  }
  if (!send_text(file, "refused another process is taking over already")) log_write(LOG_DEBUG, "engine", "handover", NULL, "a second one is gone");
  close(file);
}

static enum handover_news take_message(struct handover *handover, const char *message) {
  if (strncmp(message, "take over", 9) == 0 && !handover->is_released) return HANDOVER_ASKED;
  if (strcmp(message, "serving shared") == 0 && handover->is_released) return HANDOVER_SERVED_HERE;
  if (strcmp(message, "serving own") == 0 && handover->is_released) return HANDOVER_SERVED_ELSEWHERE;
  log_write(LOG_WARNING, "engine", "handover", NULL, "a message that is not understood: %s", message);
  return HANDOVER_NOTHING;
}

enum handover_news handover_turn(struct handover *handover) {
  char message[MESSAGE_BYTES];
  if (handover == NULL) return HANDOVER_NOTHING;
  if (handover->listener >= 0) accept_peer(handover);
  if (handover->peer < 0) return HANDOVER_NOTHING;
  ssize_t size = recv(handover->peer, message, sizeof message - 1, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return HANDOVER_NOTHING;
  if (size > 0) {
    message[size] = '\0';
    return take_message(handover, message);
  }
  drop_peer(handover);
  return handover->is_released ? HANDOVER_LOST : HANDOVER_NOTHING;
}

void handover_refuse(struct handover *handover, const char *reason) {
  char message[MESSAGE_BYTES];
  snprintf(message, sizeof message, "refused %.200s", reason);
  if (!send_text(handover->peer, message)) log_write(LOG_WARNING, "engine", "handover", NULL, "the successor is gone already");
  drop_peer(handover);
}

void handover_release(struct handover *handover, uint64_t seq, const int *sockets, int count) {
  char text[MESSAGE_BYTES];
  union {
    char bytes[CMSG_SPACE(sizeof(int) * HANDOVER_SOCKETS_MAX)];
    struct cmsghdr align;
  } control = {0};
  check(count >= 0 && count <= HANDOVER_SOCKETS_MAX);
  snprintf(text, sizeof text, "released %llu", (unsigned long long)seq);
  struct iovec part = {.iov_base = text, .iov_len = strlen(text)};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
    memcpy(CMSG_DATA(header), sockets, sizeof(int) * (size_t)count);
  }
  handover->is_released = true;
  /* A successor that is gone is seen at the next turn. */
  if (sendmsg(handover->peer, &message, MSG_NOSIGNAL) < 0) log_write(LOG_WARNING, "engine", "handover", NULL, "the successor is gone already");
}

void handover_give_up(struct handover *handover) {
  if (handover->peer >= 0 && !send_text(handover->peer, "late")) log_write(LOG_DEBUG, "engine", "handover", NULL, "the successor is gone already");
}

void handover_close(struct handover *handover, bool removes) {
  struct sockaddr_un address;
  if (handover == NULL) return;
  int folder = removes && handover->listener >= 0 ? make_address(handover->folder, &address) : -1;
  if (folder >= 0) {
    unlink(address.sun_path);
    close(folder);
  }
  if (handover->listener >= 0) close(handover->listener);
  drop_peer(handover);
  free(handover);
}

/* ---- the successor ---- */

static enum status tell_refused(const char *why, struct problem *problem) {
  problem_add(problem, "handover_refused", "", NULL, NULL, "the running server did not hand over: %s", why);
  return STATUS_IN_USE;
}

static void take_sockets(struct handover_claim *claim, struct msghdr *message) {
  for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL; header = CMSG_NXTHDR(message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    claim->socket_count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    check(claim->socket_count <= HANDOVER_SOCKETS_MAX);
    memcpy(claim->sockets, CMSG_DATA(header), sizeof(int) * (size_t)claim->socket_count);
  }
}

static enum status take_reply(struct handover_claim *claim, struct problem *problem) {
  char text[MESSAGE_BYTES] = "";
  union {
    char bytes[CMSG_SPACE(sizeof(int) * HANDOVER_SOCKETS_MAX)];
    struct cmsghdr align;
  } control = {0};
  struct iovec part = {.iov_base = text, .iov_len = sizeof text - 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  struct pollfd file = {.fd = claim->file, .events = POLLIN};
  if (poll(&file, 1, WAIT_S * 1000) <= 0) return tell_refused("it did not answer in time", problem);
  ssize_t size = recvmsg(claim->file, &message, MSG_CMSG_CLOEXEC);
  if (size <= 0) return tell_refused("it has ended", problem);
  text[size] = '\0';
  take_sockets(claim, &message);
  if (strncmp(text, "released ", 9) != 0) return tell_refused(strncmp(text, "refused ", 8) == 0 ? text + 8 : text, problem);
  claim->seq = strtoull(text + 9, NULL, 10);
  return STATUS_OK;
}

enum status handover_claim(struct handover_claim *claim, const char *data_dir, struct problem *problem) {
  struct sockaddr_un address;
  char text[MESSAGE_BYTES];
  *claim = (struct handover_claim){.file = -1};
  int folder = make_address(data_dir, &address);
  if (folder < 0) return STATUS_OK; /* no folder, nobody works in it */
  int file = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  /* A file that a dead process left refuses: the lock of the folder decides whether there is a server. */
  bool is_there = file >= 0 && connect(file, (struct sockaddr *)&address, sizeof address) == 0;
  close(folder);
  if (!is_there) {
    if (file >= 0) close(file);
    return STATUS_OK;
  }
  claim->file = file;
  snprintf(text, sizeof text, "take over %ld", (long)getpid());
  enum status status = send_text(file, text) ? take_reply(claim, problem) : tell_refused("it has ended", problem);
  if (status) handover_claim_close(claim);
  return status;
}

enum status handover_tell_serving(const struct handover_claim *claim, bool is_shared, struct problem *problem) {
  char text[MESSAGE_BYTES];
  if (claim->file < 0) return STATUS_OK;
  ssize_t size = recv(claim->file, text, sizeof text, MSG_DONTWAIT);
  if (size > 0) {
    problem_add(problem, "handover_late", "", NULL, NULL, "the former server waited for %d s and takes the account back", HANDOVER_LATE_S);
    return STATUS_TIMED_OUT;
  }
  /* A former server that has ended meanwhile needs no word. */
  if (!send_text(claim->file, is_shared ? "serving shared" : "serving own"))
    log_write(LOG_WARNING, "engine", "handover", NULL, "the former server is gone already");
  return STATUS_OK;
}

void handover_claim_close(struct handover_claim *claim) {
  for (int i = 0; i < claim->socket_count; i++) close(claim->sockets[i]);
  claim->socket_count = 0;
  if (claim->file >= 0) close(claim->file);
  claim->file = -1;
}

/* ---- sockets given at start ---- */

int handover_given(int out[HANDOVER_SOCKETS_MAX]) {
  const char *fds = getenv("LISTEN_FDS");
  const char *pid = getenv("LISTEN_PID");
  if (fds == NULL || pid == NULL || strtol(pid, NULL, 10) != (long)getpid()) return 0;
  int count = atoi(fds);  // NOLINT(cert-err34-c): 0 for what is no number
  if (count < 0 || count > HANDOVER_SOCKETS_MAX) count = HANDOVER_SOCKETS_MAX;
  int found = 0;
  for (int i = 0; i < count; i++) {
    struct stat info;
    int given = FIRST_GIVEN + i;
    /* A number that nobody filled belongs to a file of ours by now. */
    if (fstat(given, &info) != 0 || !S_ISSOCK(info.st_mode)) continue;
    out[found++] = given;
    fcntl(given, F_SETFD, FD_CLOEXEC);
    fcntl(given, F_SETFL, fcntl(given, F_GETFL) | O_NONBLOCK);
  }
  unsetenv("LISTEN_FDS"); /* not for the workers */
  unsetenv("LISTEN_PID");
  return found;
}

/* The words this program was started with. */
static bool read_words(char *bytes, char *words[WORDS_MAX]) {
  int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
  ssize_t size = file >= 0 ? read(file, bytes, WORDS_BYTES - 1) : -1;
  if (file >= 0) close(file);
  if (size <= 0) return false;
  bytes[size] = '\0';
  int count = 0;
  bool has_word = false;
  for (char *at = bytes; at < bytes + size && count < WORDS_MAX - 2; at += strlen(at) + 1) {
    words[count++] = at;
    has_word = has_word || strcmp(at, "--take-back") == 0;
  }
  static char word[] = "--take-back";
  if (!has_word) words[count++] = word;
  words[count] = NULL;
  return true;
}

enum status handover_restart(const int *sockets, int count) {
  static char bytes[WORDS_BYTES];
  char *words[WORDS_MAX];
  char number[24];
  int copies[HANDOVER_SOCKETS_MAX];
  if (!read_words(bytes, words)) return STATUS_IO_FAILED;
  /* Out of the way first: one of them may have the number that another one gets. */
  for (int i = 0; i < count; i++) copies[i] = fcntl(sockets[i], F_DUPFD, COPY_FROM);
  for (int i = 0; i < count; i++) {
    if (copies[i] < 0 || dup2(copies[i], FIRST_GIVEN + i) < 0) return STATUS_IO_FAILED;
    close(copies[i]);
  }
  snprintf(number, sizeof number, "%d", count);
  setenv("LISTEN_FDS", number, 1);
  snprintf(number, sizeof number, "%ld", (long)getpid());
  setenv("LISTEN_PID", number, 1);
  execv("/proc/self/exe", words);
  return STATUS_IO_FAILED;
}
