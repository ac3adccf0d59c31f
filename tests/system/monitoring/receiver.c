// A webhook receiver for tests: writes the body of every POST as a line to a file, with the time of its arrival in ms before it.
//
//   receiver PORT FILE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static char request[1 << 20];

// Reads until the body is whole; returns it, NULL when there is none.
static char *read_body(int peer) {
  size_t used = 0;
  for (;;) {
    ssize_t count = read(peer, request + used, sizeof request - 1 - used);
    if (count <= 0) return NULL;
    used += (size_t)count;
    request[used] = '\0';
    char *body = strstr(request, "\r\n\r\n");
    const char *length = strcasestr(request, "\r\nContent-Length:");
    if (body == NULL || length == NULL || length > body) continue;
    if (used - (size_t)(body + 4 - request) >= strtoul(length + 17, NULL, 10)) return body + 4;
  }
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  int yes = 1;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 8) != 0) return 1;
  FILE *file = fopen(argv[2], "a");
  if (file == NULL) return 1;
  for (;;) {
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct timespec now;
    int peer = accept(server, NULL, NULL);
    if (peer < 0) continue;
    const char *body = read_body(peer);
    clock_gettime(CLOCK_REALTIME, &now);
    if (body != NULL) {
      fprintf(file, "%lld %s\n", (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, body);
      fflush(file);
      if (write(peer, answer, sizeof answer - 1) < 0) fprintf(stderr, "no answer\n");
    }
    close(peer);
  }
}
