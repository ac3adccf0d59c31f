/* What happened, appended and flushed before any order leaves: events, intents, records and marks of one account in a chain of segments,
 * DATA_DIR/journal/<account>-<first seq, 16 hex>.bbj (or .bbj.gz). All numbers little-endian.
 *
 * Segment header, 140 bytes: magic "BBJ1", u32 format version, instance[8], account[40], program version[24], u64 first seq, i64 ts of making, u64
 * bytes of the previous segment that count, SHA-256 of those bytes (zero for the first), u32 CRC-32C of all that. Record: u32 bytes after the CRC,
 * u32 CRC-32C of them, u64 seq, i64 ts, u8 direction, u16 kind, payload (schema order). Seqs have no gaps. A segment ends where the next one's header
 * says so: bytes beyond are left over from a flush that failed and were written again. */
#ifndef RUNNER_JOURNAL_H
#define RUNNER_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/digest.h"
#include "base/gzip.h"
#include "base/problem.h"
#include "runner/clock.h"

enum {
  JOURNAL_VERSION = 2, /* as EVENT_VERSION; older ones are read */
  JOURNAL_HEADER_BYTES = 140,
  JOURNAL_RECORD_HEADER_BYTES = 27,
  JOURNAL_PAYLOAD_MAX = 4 << 20,
  JOURNAL_SEGMENT_BYTES = 64 << 20,
  JOURNAL_BUFFER_BYTES = 16 << 20,
  JOURNAL_ACCOUNT_MAX = 40,
  JOURNAL_PATH_MAX = 512,
};

enum journal_direction { JOURNAL_EVENT, JOURNAL_INTENT, JOURNAL_RECORD, JOURNAL_MARK, journal_direction_count };
extern const char *const journal_direction_names[];
/* Marks: the runtime's own notes. engine: limits and configuration of the engine from here on (recover.h); clean: the process ended politely, nothing
 * is under way; lost: records that memory could not keep while the disk was away, payload u64 count; snapshot: one was written, payload u64 its seq.
 */
enum journal_mark { MARK_ENGINE, MARK_CLEAN, MARK_LOST, MARK_SNAPSHOT, journal_mark_count };
extern const char *const journal_mark_names[];

/* ---- reading ---- */

struct journal_segment {
  char path[JOURNAL_PATH_MAX];
  uint64_t first_seq;
  bool is_compressed;
};

struct journal_record {
  uint64_t seq;
  int64_t ts;
  int32_t direction, kind;
  uint32_t version;             /* of the segment's format; 0: this one */
  const unsigned char *payload; /* borrowed until the next call */
  size_t size;
};

struct journal_reader {
  struct journal_segment *segments; /* owned */
  size_t segment_count, segment_at; /* at: the one in memory */
  bool only_names;                  /* one file given by path: nothing is known before and after it */
  unsigned char *bytes;             /* of the segment; owned */
  size_t loaded, size, offset;      /* size: bytes that count */
  uint64_t next_seq;
  uint32_t version; /* of the segment's format */
  bool is_last, has_segment;
  bool ended_torn; /* STATUS_END came before the end of the last file */
};

/* Reads the chain of an account (NULL: the only one there) in a data directory from the first record with seq >= from. STATUS_NO_DATA when there is
 * no segment. The last segment may be one that is being written: its end is the last whole record. */
NODISCARD enum status journal_reader_open(struct journal_reader *reader, const char *data_dir, const char *account, uint64_t from,
                                          struct problem *problem);
/* One segment file. */
NODISCARD enum status journal_reader_open_file(struct journal_reader *reader, const char *path, struct problem *problem);
/* STATUS_END at the end; STATUS_CORRUPT with file and offset in problem; STATUS_NEWER_VERSION, STATUS_BAD_FORMAT. */
NODISCARD enum status journal_reader_next(struct journal_reader *reader, struct journal_record *out, struct problem *problem);
void journal_reader_close(struct journal_reader *reader);

struct journal_report {
  int64_t segments, records, bytes;
  int64_t by_direction[journal_direction_count];
  uint64_t first_seq, last_seq;
  int64_t first_ts, last_ts;
  int64_t torn_bytes;     /* at the end of the last segment; a start cuts them */
  int64_t leftover_bytes; /* after the ends of segments whose flush failed */
  int64_t lost;           /* records that MARK_LOST tells of */
  bool is_clean;          /* the last record is MARK_CLEAN */
};
/* Checks every checksum, sequence number and the chain of hashes. The problem names the first damage with file and offset. */
NODISCARD enum status journal_verify(const char *data_dir, const char *account, struct journal_report *report, struct problem *problem);
/* Cuts a damaged chain before the damage: the rest of that segment and all later ones are kept beside it as .torn. *lost: bytes set aside. Only with
 * the lock of the directory free (it is taken meanwhile). A sound chain stays as it is. */
NODISCARD enum status journal_repair(const char *data_dir, const char *account, int64_t *lost, struct problem *problem);

/* ---- writing ---- */

/* The calls that may fail; tests replace them. */
struct journal_io {
  ssize_t (*write)(int file, const void *bytes, size_t size);
  int (*sync)(int file);
  int (*reserve)(int file, off_t offset, off_t length); /* as fallocate with KEEP_SIZE */
};

struct journal_options {
  const char *data_dir, *account, *instance;
  size_t segment_bytes;        /* 0: JOURNAL_SEGMENT_BYTES */
  size_t buffer_bytes;         /* 0: JOURNAL_BUFFER_BYTES; also what memory keeps while the disk is away */
  size_t reserve_bytes;        /* set aside for exits on a full disk; 0: 4 MiB */
  bool is_volatile;            /* no fdatasync: recordings of simulated runs */
  const struct journal_io *io; /* NULL: the system's */
  /* How long a flush took that wrote something, on the thread that asked for it. NULL: nobody measures. */
  void (*on_flush)(void *context, double seconds);
  void *context;
  const struct clock *clock; /* with on_flush */
};

struct journal; /* opaque; owns its files and buffers */

/* Takes DATA_DIR/.lock (STATUS_LEASE_HELD naming the pid), checks the chain, cuts a torn tail. Refuses: damage (STATUS_CORRUPT with file and offset),
 * newer formats, files of another account under our name, directories that cannot be written. The first segment is made by the first append. */
NODISCARD enum status journal_open(struct journal **out, const struct journal_options *options, struct problem *problem);
/* Flushes and releases the lock. */
void journal_close(struct journal *journal);
/* Lets go of files and lock as the end of a killed process does: nothing is written. For simulated kills; nothing may be under way on another thread.
 */
void journal_abandon(struct journal *journal);

/* What was found by journal_open. */
const struct journal_report *journal_found(const struct journal *journal);
uint64_t journal_last_seq(const struct journal *journal);

/* Appends to memory and returns the seq given; 0 when memory is full while the disk is away: the record is lost and counted. size may be 0. */
uint64_t journal_append(struct journal *journal, int64_t ts, enum journal_direction direction, int32_t kind, const void *payload, size_t size);
/* The same with the payload written by the caller: begin gives room for at most size bytes (NULL: full), end says how many were used. */
unsigned char *journal_append_begin(struct journal *journal, int64_t ts, size_t size);
uint64_t journal_append_end(struct journal *journal, int64_t ts, enum journal_direction direction, int32_t kind, size_t used);
/* Everything appended is on disk when this returns STATUS_OK. After a failure later calls try again, at most once a second of ts; meanwhile they
 * answer with the failure at once. */
NODISCARD enum status journal_flush(struct journal *journal, int64_t ts);
/* The same without waiting, by a thread that the first call starts: what was appended before this call is on disk a while after it, and the next call
 * sees how it went. For records that nothing is sent after. journal_flush waits for it. */
NODISCARD enum status journal_flush_later(struct journal *journal, int64_t ts);
/* Bytes appended and not yet on disk. */
size_t journal_pending(const struct journal *journal);
/* False while writing fails or only the reserve is left: no new entries. */
bool journal_is_available(const struct journal *journal);
/* Closed segments whose newest record is older than 24 h become .bbj.gz; one per call, because it takes a second. Returns true when it did one. */
bool journal_compress_old(struct journal *journal, int64_t now);
/* Removes closed segments whose records all lie before ts and before seq. Returns how many. */
int journal_remove_old(struct journal *journal, int64_t before_ts, uint64_t before_seq);

struct journal_counts {
  int64_t records, bytes, flushes, failures, segments, lost;
};
const struct journal_counts *journal_counts(const struct journal *journal);

#endif
