// A mail server for tests: takes every letter and writes a line "ADDRESS<tab>SUBJECT" of each to a file.
//
//   mailbox PORT FILE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static bool starts(const char *line, const char *word) {
  return strncasecmp(line, word, strlen(word)) == 0;
}

static void say(FILE *peer, const char *text) {
  fprintf(peer, "%s\r\n", text);
  fflush(peer);
}

// Lines up to the one with a dot; keeps the subject.
static void take_letter(FILE *peer, char *subject, size_t size) {
  static char line[65536];
  say(peer, "354 go on");
  while (fgets(line, sizeof line, peer) != NULL && strcmp(line, ".\r\n") != 0) {
    if (starts(line, "Subject: ")) snprintf(subject, size, "%.*s", (int)strcspn(line + 9, "\r\n"), line + 9);
  }
  say(peer, "250 taken");
}

static void talk(FILE *peer, FILE *out) {
  static char line[65536];
  char address[256] = "", subject[512] = "";
  say(peer, "220 mailbox");
  while (fgets(line, sizeof line, peer) != NULL) {
    if (starts(line, "RCPT TO:<")) snprintf(address, sizeof address, "%.*s", (int)strcspn(line + 9, ">"), line + 9);
    if (starts(line, "QUIT")) break;
    if (!starts(line, "DATA")) {
      say(peer, "250 mailbox");
      continue;
    }
    take_letter(peer, subject, sizeof subject);
    fprintf(out, "%s\t%s\n", address, subject);
    fflush(out);
  }
  say(peer, "221 bye");
}

int main(int argc, char **argv) {
  if (argc != 3) return 64;
  int yes = 1;
  int server = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)strtoul(argv[1], NULL, 10)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  FILE *out = fopen(argv[2], "a");
  if (out == NULL || bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 64) != 0) return 1;
  for (;;) {
    int socket = accept(server, NULL, NULL);
    FILE *peer = socket >= 0 ? fdopen(socket, "r+") : NULL;
    if (peer == NULL) continue;
    setvbuf(peer, NULL, _IONBF, 0);
    talk(peer, out);
    fclose(peer);
  }
}
