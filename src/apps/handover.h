/* Handing the account of a running server to another process, and back when that one fails.
 *
 * The server listens at DATA_DIR/handover.sock (its user only). A successor connects and asks; the server cancels working entries, flushes, writes a
 * snapshot, gives lock and lease away, and answers with the sockets it listens at. It goes on answering reads from what it has in memory. The
 * successor recovers and serves: at the same sockets, so that no connection is lost in between, or, where it has a network of its own, at its own.
 * The connection stays open: when the successor is gone, the server takes the account back. The server ends by SIGTERM, as ever.
 *
 * One message a packet: "take over <pid>"; "released <seq>" with the sockets, or "refused <reason>"; "serving shared" or "serving own"; "late". */
#ifndef APPS_HANDOVER_H
#define APPS_HANDOVER_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/status.h"

enum { HANDOVER_SOCKETS_MAX = 2, HANDOVER_FILES_MAX = 2, HANDOVER_LATE_S = 60 };

/* ---- the running server ---- */

enum handover_news { HANDOVER_NOTHING, HANDOVER_ASKED, HANDOVER_SERVED_HERE, HANDOVER_SERVED_ELSEWHERE, HANDOVER_LOST };

struct handover; /* opaque */
/* Replaces what a former process left there. A folder where there can be no socket is told in the log: everything else works. */
struct handover *handover_open(const char *data_dir);
/* Descriptors to poll; returns their number. NULL is allowed here and below. */
int handover_files(const struct handover *handover, struct pollfd out[HANDOVER_FILES_MAX]);
/* What the successor said since; HANDOVER_LOST once it is gone after HANDOVER_ASKED was answered with handover_release. */
enum handover_news handover_turn(struct handover *handover);
void handover_refuse(struct handover *handover, const char *reason);
/* sockets stay open here. */
void handover_release(struct handover *handover, uint64_t seq, const int *sockets, int count);
/* The successor did not serve in time: it is told, and has to end. */
void handover_give_up(struct handover *handover);
/* removes: the file too; not when a successor has put its own there. */
void handover_close(struct handover *handover, bool removes);

/* ---- the successor ---- */

struct handover_claim {
  int file; /* -1: there was nobody to take over from */
  uint64_t seq;
  int sockets[HANDOVER_SOCKETS_MAX]; /* owned until the HTTP server has taken them */
  int socket_count;
};

/* Asks and waits. STATUS_OK without a predecessor too. */
NODISCARD enum status handover_claim(struct handover_claim *claim, const char *data_dir, struct problem *problem);
/* Told once requests are answered. STATUS_TIMED_OUT: the predecessor takes the account back, so this process must end. */
NODISCARD enum status handover_tell_serving(const struct handover_claim *claim, bool is_shared, struct problem *problem);
void handover_claim_close(struct handover_claim *claim);

/* ---- sockets given at start ---- */

/* LISTEN_FDS of a service manager, or of ourselves before (handover_restart). Returns how many. */
int handover_given(int out[HANDOVER_SOCKETS_MAX]);
/* This program anew in this process, with the same words and "--take-back", listening at these sockets. Returns only when it failed. */
enum status handover_restart(const int *sockets, int count);

#endif
