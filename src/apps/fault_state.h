/* What the files of a session with faults share: its world, and the program in it. */
#ifndef APPS_FAULT_STATE_H
#define APPS_FAULT_STATE_H

#include <setjmp.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "adapters/source/generate.h"
#include "apps/fault_judge.h"
#include "apps/fault_session.h"
#include "core/market/candle.h"
#include "runner/journal.h"
#include "runner/kill_latch.h"
#include "runner/recover.h"

enum { FAULT_SYMBOLS = 3, LATCH_SECTOR_BYTES = 512 };

/* Where a kill may strike. */
enum boundary { BETWEEN, BEFORE_SEND, AFTER_SEND, BEFORE_HEAR, AFTER_HEAR, IN_WRITE, AFTER_WRITE };

/* The program: all that dies with it. */
struct life {
  struct arena arena;
  struct journal *journal;
  struct kill_latch *latch;
  struct exchange port;
  struct runner runner;
  struct recover *recover;
  struct recovery recovery;
};

struct session {
  const struct fault_session_options *options;
  struct fault_session_result *result;
  struct problem *problem;
  struct fault faults[FAULT_SESSION_FAULTS_MAX]; /* in venue time */
  struct random random;
  struct sim sim;
  struct exchange venue, line_port;
  struct fault_line line;
  struct fault_judge judge;
  struct digest digest;
  struct candle *candles[FAULT_SYMBOLS];
  size_t counts[FAULT_SYMBOLS], told[FAULT_SYMBOLS]; /* candles there are; and the program has */
  struct life life;
  int64_t now, trading_at, end_at;
  int32_t warm_minutes;
  int64_t operation;
  int64_t lots[FAULT_SYMBOLS];
  /* what a person does past the program */
  uint32_t struck;                 /* faults of the venue that have happened, by their places */
  int64_t hand_orders, hand_rests; /* orders by hand; the resting one */
  /* state of the program as a process */
  bool is_alive, is_dead; /* dead: killed, and not yet buried */
  bool is_inside;         /* the program is at work */
  bool is_ghost;          /* killed where its work cannot be left: it goes on, and nothing of it reaches the world or lasts */
  jmp_buf out;            /* of it, when it is killed there */
  int64_t back_at, looked_at;
  enum boundary armed; /* where the next kill strikes; BETWEEN none waits */
  int64_t armed_until, away_ms;
  int32_t deaths_left; /* it dies again in its recovery */
  bool has_heard;      /* the newest thing that happened is an answer of the venue */
  bool loses_unflushed, feed_was_down, clock_was_off;
  /* the file that the journal writes to */
  int file;
  off_t reserved;
  /* what was flushed last, and how much of it; held open, so that no other file gets its inode */
  int flushed_file;
  ino_t flushed_inode;
  off_t flushed;
  /* the sector of the emergency latch that the disk has not taken yet: what stood there before, -1 none */
  off_t sector_at;
  unsigned char sector[LATCH_SECTOR_BYTES];
  enum status status; /* why the session cannot go on */
};

/* ---- fault_elsewhere.c ---- */

/* The venue's own faults: what has come due. */
void elsewhere_turn(struct session *session);

/* ---- fault_process.c ---- */

/* Reads the journal, if there is one. False: the program does not start; the judge knows. */
bool process_start(struct session *session);
/* One event at the present instant, if the program is there. */
void process_step(struct session *session, struct event *event);
/* After the recovery event: a kill that only the latch remembers. */
void process_latch(struct session *session);
/* At once, or, while it is at work, there. */
void process_kill(struct session *session);
/* The newest state beside the journal, whole or damaged. */
void process_snapshot(struct session *session, bool is_damaged);
/* What is left of it: files. It comes back after so long. */
void process_end(struct session *session, int64_t away_ms);
void process_end_politely(struct session *session, int64_t away_ms);
/* Closes it without a restart. */
void process_bury(struct session *session);
/* All of file, a segment of the journal that info is about, is on disk. */
void process_take_flushed(struct session *session, int file, const struct stat *info);
/* Bytes of the newest segment that are certainly on disk. */
off_t process_flushed(const struct session *session, const struct stat *info);
bool session_has(const struct session *session, enum fault_kind kind);
void session_say(const struct session *session, const char *what);

#endif
