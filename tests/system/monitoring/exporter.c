// Serves what a real server exposed at one moment, with some series changed: failures that a program cannot be made to have within minutes.
//
//   exporter PORT EXPOSITION CHANGES [NAME...]
//
// CHANGES is read at every request. Each line is a series as the exposition writes it, a blank, and what it is now: a number; or +RATE@FROM-TO, which
// adds RATE a second to the value of the exposition from one time to another (ms since 1970; TO 0: now). A series of a metric that the exposition
// does not declare is never served, except one of the NAMEs: an alert on a name that the program does not have cannot fire.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHANGES_MAX = 256, SERIES_BYTES = 512 };
struct change {
  char series[SERIES_BYTES], value[128];
  bool is_served;
};

static struct change changes[CHANGES_MAX];
static int change_count;
static char exposition[4 << 20], answer[(4 << 20) + 65536];

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool read_file(const char *path, char *out, size_t size) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return false;
  out[fread(out, 1, size - 1, file)] = '\0';
  fclose(file);
  return true;
}

static void read_changes(const char *path) {
  static char line[SERIES_BYTES + 256];
  FILE *file = fopen(path, "r");
  change_count = 0;
  while (file != NULL && fgets(line, sizeof line, file) != NULL && change_count < CHANGES_MAX) {
    struct change *change = &changes[change_count];
    char *blank = strrchr(line, ' ');
    if (blank == NULL || blank - line >= SERIES_BYTES) continue;
    *blank = '\0';
    snprintf(change->series, sizeof change->series, "%.*s", SERIES_BYTES - 1, line);
    snprintf(change->value, sizeof change->value, "%.*s", (int)strcspn(blank + 1, "\n"), blank + 1);
    change->is_served = false;
    ++change_count;
  }
  if (file != NULL) fclose(file);
}

static double value_of(const struct change *change, double before) {
  double rate, from, to;
  if (sscanf(change->value, "+%lf@%lf-%lf", &rate, &from, &to) != 3) return strtod(change->value, NULL);
  if (to == 0) to = now_ms();
  return before + (to > from ? rate * (to - from) / 1e3 : 0);
}

// Is there a "# TYPE" line of the name, which a histogram's series have with a suffix?
static bool is_declared(const char *series, char **names) {
  char name[SERIES_BYTES];
  char line[SERIES_BYTES + 16];
  snprintf(name, sizeof name, "%.*s", (int)strcspn(series, "{ "), series);
  for (; *names != NULL; names++) {
    if (strcmp(*names, name) == 0) return true;
  }
  for (;;) {
    snprintf(line, sizeof line, "# TYPE %s ", name);
    if (strstr(exposition, line) != NULL) return true;
    char *end = strrchr(name, '_');
    if (end == NULL || (strcmp(end, "_bucket") != 0 && strcmp(end, "_count") != 0 && strcmp(end, "_sum") != 0)) return false;
    *end = '\0';
  }
}

static size_t print_exposition(char **names) {
  size_t used = 0;
  for (char *line = exposition; *line != '\0'; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n')) {
    int length = (int)strcspn(line, "\n");
    struct change *found = NULL;
    for (int i = 0; i < change_count && found == NULL && line[0] != '#'; i++) {
      size_t size = strlen(changes[i].series);
      if (strncmp(line, changes[i].series, size) == 0 && line[size] == ' ') found = &changes[i];
    }
    if (found == NULL) {
      used += (size_t)sprintf(answer + used, "%.*s\n", length, line);
      continue;
    }
    found->is_served = true;
    used += (size_t)sprintf(answer + used, "%s %.17g\n", found->series, value_of(found, strtod(line + strlen(found->series), NULL)));
  }
  for (int i = 0; i < change_count; i++) {
    if (changes[i].is_served) continue;
    if (is_declared(changes[i].series, names)) {
      used += (size_t)sprintf(answer + used, "%s %.17g\n", changes[i].series, value_of(&changes[i], 0));
    } else {
      fprintf(stderr, "not declared: %s\n", changes[i].series);
    }
  }
  return used;
}

static void answer_peer(int peer, size_t length) {
  char head[160];
  int size = snprintf(head, sizeof head,
                      "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", length);
  if (write(peer, head, (size_t)size) < 0) return;
  for (size_t sent = 0; sent < length;) {
    ssize_t count = write(peer, answer + sent, length - sent);
    if (count <= 0) return;
    sent += (size_t)count;
  }
}

int main(int argc, char **argv) {
  if (argc < 4) return 64;
  int yes = 1;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (!read_file(argv[2], exposition, sizeof exposition)) return 2;
  if (bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 8) != 0) return 1;
  for (;;) {
    char request[8192];
    int peer = accept(server, NULL, NULL);
    if (peer < 0) continue;
    if (read(peer, request, sizeof request) > 0) {
      read_changes(argv[3]);
      answer_peer(peer, print_exposition(argv + 4));
    }
    close(peer);
  }
}
