#include "adapters/http/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

enum { BACKLOG = 128 };

static bool make_address(const char *host, int port, struct sockaddr_storage *out, socklen_t *length) {
  if (text_equal(host, "localhost")) host = "127.0.0.1";
  memset(out, 0, sizeof *out);
  struct sockaddr_in *four = (struct sockaddr_in *)out;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
  if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)port);
    *length = sizeof *four;
    return true;
  }
  if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    *length = sizeof *six;
    return true;
  }
  return false;
}

static int port_of(const struct sockaddr_storage *address) {
  bool is_six = address->ss_family == AF_INET6;
  return ntohs(is_six ? ((const struct sockaddr_in6 *)address)->sin6_port : ((const struct sockaddr_in *)address)->sin_port);
}

int listener_port(int fd) {
  struct sockaddr_storage address = {0};
  socklen_t length = sizeof address;
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return 0;
  return getsockname(fd, (struct sockaddr *)&address, &length) == 0 ? port_of(&address) : 0;
}

static enum status tell_bind_error(const char *host, const char *setting, int port, int error, struct problem *problem) {
  if (error == EADDRINUSE) {
    problem_add(problem, "in_use", setting, NULL, NULL, "port %d of %s is taken by another program: end it, or set another %s", port, host, setting);
    return STATUS_IN_USE;
  }
  if (error == EACCES) {
    problem_add(problem, "no_permission", setting, NULL, NULL, "port %d needs rights this user does not have: set a %s above 1023", port, setting);
    return STATUS_NO_PERMISSION;
  }
  problem_add(problem, "bad_value", "API_HOST", host, NULL, "port %d cannot be opened there: %s", port, strerror(error));
  return error == EADDRNOTAVAIL ? STATUS_BAD_CONFIG : STATUS_IO_FAILED;
}

enum status listener_open(const char *host, const char *setting, int *port, int *out, struct problem *problem) {
  struct sockaddr_storage address;
  socklen_t length;
  if (!make_address(host, *port, &address, &length)) {
    problem_add(problem, "bad_value", "API_HOST", host, "127.0.0.1", "is not an address");
    return STATUS_BAD_CONFIG;
  }
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return tell_bind_error(host, setting, *port, errno, problem);
  int yes = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, BACKLOG) != 0) {
    int error = errno;
    close(fd);
    return tell_bind_error(host, setting, *port, error, problem);
  }
  length = sizeof address;
  getsockname(fd, (struct sockaddr *)&address, &length);
  *port = port_of(&address);
  *out = fd;
  return STATUS_OK;
}
