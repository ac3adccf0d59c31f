// A program with the face of `breakout` for the tests of start.sh, status.sh, stop.sh and the supervisor: it answers HTTP and does
// nothing else. What it does wrong is told by files in the folder it is started in.
//
//   doctor            exit 0, or the number in the file doctor_code
//   ctl WORDS...      prints the words
//   serve             answers every request with 200, or 503 while the file is_sick exists, on PORT until SIGTERM;
//                     exits at once with the number in serve_code if that exists; ignores SIGTERM if is_deaf exists
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void leave(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static int code_in(const char *file_name) {
  int code = 0;
  FILE *file = fopen(file_name, "r");
  if (file != NULL) {
    if (fscanf(file, "%d", &code) != 1) code = 1;
    (void)fclose(file);
  }
  return code;
}

static void answer(int client) {
  char request[2048];
  if (read(client, request, sizeof request) <= 0) return;
  const char *reply = access("is_sick", F_OK) == 0 ? "HTTP/1.0 503 Service Unavailable\r\n\r\n{\"status\":\"unhealthy\"}"
                                                   : "HTTP/1.0 200 OK\r\n\r\n{\"status\":\"healthy\"}";
  if (write(client, reply, strlen(reply)) < 0) return;
}

static int serve(void) {
  if (access("serve_code", F_OK) == 0) {
    (void)fputs("stand-in: these are my last words\n", stderr);
    return code_in("serve_code");
  }
  (void)signal(SIGTERM, access("is_deaf", F_OK) == 0 ? SIG_IGN : leave);
  (void)signal(SIGPIPE, SIG_IGN);
  const char *port = getenv("PORT");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((in_port_t)atoi(port != NULL ? port : "0"))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int yes = 1;
  (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 16) != 0) return 1;
  for (;;) {
    int client = accept(listener, NULL, NULL);
    if (client < 0) continue;
    answer(client);
    (void)close(client);
  }
}

int main(int argument_count, char **arguments) {
  const char *verb = argument_count > 1 ? arguments[1] : "";
  if (strcmp(verb, "doctor") == 0) return code_in("doctor_code");
  if (strcmp(verb, "serve") == 0) return serve();
  for (int i = 1; i < argument_count; i++) (void)printf("%s ", arguments[i]);
  (void)printf("\n");
  return 0;
}
