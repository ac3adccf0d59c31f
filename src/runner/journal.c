/* Writing a journal. Records are encoded into one buffer that holds everything since the last successful flush: a failed flush loses nothing, because
 * the same bytes are written again into a new segment. After a failed fdatasync the kernel may have dropped the pages and call them clean, so the
 * same file is never asked twice. */
#define _GNU_SOURCE /* fallocate */
#include "runner/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/calendar.h"
#include "base/check.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "runner/flusher.h"
#include "runner/journal_format.h"

enum { RESERVE_BYTES = 4 << 20, RESERVE_STEP = 1 << 20, RETRY_MS = 1000, COMPRESS_AFTER_MS = 24 * 3600 * 1000 };

struct journal {
  char data_dir[JOURNAL_PATH_MAX - 96], account[JOURNAL_ACCOUNT_MAX], instance[8];
  size_t segment_bytes, reserve_bytes;
  bool is_volatile;
  struct journal_io io;
  void (*on_flush)(void *context, double seconds);
  void *context;
  const struct clock *clock;
  int lock; /* DATA_DIR/.lock, held */
  struct journal_report found;
  /* the segment being written; file -1: none yet */
  int file;
  char path[JOURNAL_PATH_MAX];
  size_t file_size, synced_size; /* bytes written; bytes that are certainly on disk */
  size_t reserved_to;            /* blocks are allocated up to here */
  int64_t day;                   /* of its first record */
  struct digest digest;          /* of the synced bytes */
  /* of the segment before, for the next header */
  uint64_t previous_size;
  unsigned char previous_hash[DIGEST_BYTES];
  /* records since the last successful flush */
  unsigned char *buffer;
  size_t capacity, used, written;
  struct flusher *flusher; /* NULL before the first journal_flush_later */
  size_t handed_over;      /* bytes at the buffer's start that it writes now; 0 none */
  uint64_t buffer_first_seq, next_seq;
  int64_t buffer_first_ts;
  int64_t lost; /* of the outage at hand */
  bool has_failed, is_low, has_reserve, cannot_reserve;
  enum status failure;
  int64_t retry_at;
  struct journal_counts counts;
};

/* ---- system calls ---- */

static int reserve_blocks(int file, off_t offset, off_t length) {
  return fallocate(file, FALLOC_FL_KEEP_SIZE, offset, length);
}

static const struct journal_io system_io = {write, fdatasync, reserve_blocks};

static enum status make_directory(const char *path, struct problem *problem) {
  if (mkdir(path, 0750) == 0 || errno == EEXIST) return STATUS_OK;
  problem_add(problem, "cannot_make", path, NULL, NULL, "the folder cannot be made: %s", strerror(errno));
  return status_from_errno(errno);
}

/* A new name is durable when its folder is. */
static enum status sync_directory(const char *data_dir) {
  char path[JOURNAL_PATH_MAX];
  snprintf(path, sizeof path, "%s/journal", data_dir);
  int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return status_from_errno(errno);
  enum status status = fsync(file) == 0 ? STATUS_OK : status_from_errno(errno);
  close(file);
  return status;
}

static enum status write_all(const char *path, int flags, const void *bytes, size_t size) {
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0640);
  if (file < 0) return status_from_errno(errno);
  enum status status = STATUS_OK;
  for (size_t done = 0; done < size && status == STATUS_OK;) {
    ssize_t count = write(file, (const unsigned char *)bytes + done, size - done);
    if (count >= 0) {
      done += (size_t)count;
    } else if (errno != EINTR) {
      status = status_from_errno(errno);
    }
  }
  if (status == STATUS_OK && fsync(file) != 0) status = status_from_errno(errno);
  close(file);
  return status;
}

/* ---- the lock ---- */

static enum status tell_holder(int file, const char *path, struct problem *problem) {
  char pid[16] = "";
  ssize_t count = pread(file, pid, sizeof pid - 1, 0);
  pid[count > 0 ? (size_t)count : 0] = '\0';
  pid[strcspn(pid, "\n")] = '\0';
  problem_add(problem, "lease_held", path, NULL, NULL, "another process writes here: pid %s", pid[0] != '\0' ? pid : "unknown");
  return STATUS_LEASE_HELD;
}

static enum status take_lock(const char *data_dir, int *lock, struct problem *problem) {
  char path[JOURNAL_PATH_MAX];
  snprintf(path, sizeof path, "%s/.lock", data_dir);
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file < 0) {
    enum status status = status_from_errno(errno);
    problem_add(problem, "cannot_lock", path, NULL, NULL, "the lock cannot be opened: %s", strerror(errno));
    return status;
  }
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    enum status status = tell_holder(file, path, problem);
    close(file);
    return status;
  }
  char pid[16];
  int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
  /* The number only helps people; the lock holds without it. */
  if (ftruncate(file, 0) != 0 || pwrite(file, pid, (size_t)length, 0) != length) {
    log_write(LOG_WARNING, "journal", "lock_without_pid", NULL, "the pid could not be written into %s", path);
  }
  *lock = file;
  return STATUS_OK;
}

/* ---- opening ---- */

/* Sets the bytes of a file from `size` on aside in <path>.torn and cuts it there; without any sound record the file itself goes. */
static enum status cut_file(const struct journal_segment *segment, size_t size, size_t keep_from, struct problem *problem) {
  unsigned char *bytes;
  size_t loaded;
  enum status status = journal_load(segment, &bytes, &loaded, problem);
  if (status != STATUS_OK) return status;
  char torn[JOURNAL_PATH_MAX + 8];
  snprintf(torn, sizeof torn, "%s.torn", segment->path);
  if (loaded > keep_from) status = write_all(torn, O_APPEND, bytes + keep_from, loaded - keep_from);
  CRASH_AT(TAIL_KEPT);
  if (status == STATUS_OK && (size <= JOURNAL_HEADER_BYTES ? unlink(segment->path) : truncate(segment->path, (off_t)size)) != 0)
    status = status_from_errno(errno);
  CRASH_AT(TAIL_CUT);
  free(bytes);
  if (status != STATUS_OK) problem_add(problem, "cannot_cut", segment->path, NULL, NULL, "the torn end cannot be set aside: %s", status_text(status));
  return status;
}

/* What a killed process wrote and did not flush is read like the rest, and will be built upon: it must not go with the power later. */
static enum status flush_found(const struct journal *journal, const struct journal_segment *segment, struct problem *problem) {
  if (journal->is_volatile || segment->is_compressed) return STATUS_OK;
  int file = open(segment->path, O_WRONLY | O_CLOEXEC);
  int error = file < 0 || journal->io.sync(file) != 0 ? errno : 0;
  if (file >= 0) close(file);
  if (error == 0) return STATUS_OK;
  problem_add(problem, "cannot_flush", segment->path, NULL, NULL, "the newest segment cannot be flushed: %s", strerror(error));
  return status_from_errno(error);
}

static enum status settle_tail(struct journal *journal, const struct journal_tail *tail, struct problem *problem) {
  if (tail->segment.path[0] == '\0') return STATUS_OK;
  bool is_empty = tail->sound_size <= JOURNAL_HEADER_BYTES;
  journal->next_seq = tail->segment.first_seq;
  if (!is_empty) journal->next_seq = journal->found.last_seq + 1;
  journal->previous_size = is_empty ? tail->previous_size : tail->sound_size;
  memcpy(journal->previous_hash, is_empty ? tail->previous_hash : tail->hash, DIGEST_BYTES);
  enum status status = is_empty ? STATUS_OK : flush_found(journal, &tail->segment, problem);
  if (status != STATUS_OK || (!is_empty && tail->file_size == tail->sound_size)) return status;
  if (tail->file_size > tail->sound_size) {
    log_write(LOG_WARNING, "journal", "journal_torn", NULL, "%zu bytes after the last whole record of %s were set aside",
              tail->file_size - tail->sound_size, tail->segment.path);
  }
  return cut_file(&tail->segment, tail->sound_size, tail->sound_size, problem);
}

static void reserve_path(const struct journal *journal, char path[JOURNAL_PATH_MAX]) {
  snprintf(path, JOURNAL_PATH_MAX, "%s/journal/.reserve", journal->data_dir);
}

/* Space for exits when the disk is full. */
static bool make_reserve(struct journal *journal) {
  char path[JOURNAL_PATH_MAX];
  reserve_path(journal, path);
  int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
  if (file < 0) return false;
  int result = journal->io.reserve(file, 0, (off_t)journal->reserve_bytes);
  bool is_unsupported = result != 0 && errno == EOPNOTSUPP;
  close(file);
  if (is_unsupported) journal->cannot_reserve = true;
  journal->has_reserve = result == 0;
  if (result != 0) unlink(path);
  return result == 0 || is_unsupported;
}

static void release_reserve(struct journal *journal) {
  char path[JOURNAL_PATH_MAX];
  reserve_path(journal, path);
  unlink(path);
  journal->has_reserve = false;
}

static bool is_name(const char *account) {
  size_t length = strlen(account);
  return length > 0 && length < JOURNAL_ACCOUNT_MAX &&
         strspn(account, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == length && account[0] != '.';
}

static enum status open_directory(struct journal *journal, struct problem *problem) {
  char path[JOURNAL_PATH_MAX];
  snprintf(path, sizeof path, "%s/journal", journal->data_dir);
  enum status status = make_directory(journal->data_dir, problem);
  if (status == STATUS_OK) status = make_directory(path, problem);
  if (status == STATUS_OK && access(path, R_OK | W_OK | X_OK) != 0) {
    status = status_from_errno(errno);
    problem_add(problem, "not_writable", path, NULL, NULL, "the journal folder cannot be written: %s", strerror(errno));
  }
  if (status == STATUS_OK) status = take_lock(journal->data_dir, &journal->lock, problem);
  return status;
}

static struct journal *make_journal(const struct journal_options *options) {
  struct journal *journal = calloc(1, sizeof *journal);
  check(journal != NULL);
  text_copy(journal->data_dir, sizeof journal->data_dir, options->data_dir);
  text_copy(journal->account, sizeof journal->account, options->account);
  text_copy(journal->instance, sizeof journal->instance, options->instance != NULL ? options->instance : "");
  journal->segment_bytes = options->segment_bytes > 0 ? options->segment_bytes : JOURNAL_SEGMENT_BYTES;
  journal->reserve_bytes = options->reserve_bytes > 0 ? options->reserve_bytes : RESERVE_BYTES;
  journal->capacity = options->buffer_bytes > 0 ? options->buffer_bytes : JOURNAL_BUFFER_BYTES;
  journal->is_volatile = options->is_volatile;
  journal->io = options->io != NULL ? *options->io : system_io;
  journal->on_flush = options->on_flush;
  journal->context = options->context;
  journal->clock = options->clock;
  journal->lock = journal->file = -1;
  journal->next_seq = 1;
  journal->buffer = malloc(journal->capacity);
  check(journal->buffer != NULL);
  return journal;
}

static void free_journal(struct journal *journal) {
  flusher_close(journal->flusher);
  if (journal->lock >= 0) close(journal->lock);
  free(journal->buffer);
  free(journal);
}

enum status journal_open(struct journal **out, const struct journal_options *options, struct problem *problem) {
  *out = NULL;
  if (!is_name(options->account) || strlen(options->data_dir) >= sizeof((struct journal *)NULL)->data_dir) {
    problem_add(problem, "bad_account", options->data_dir, options->account, NULL, "the account must be a file name of at most %d characters",
                JOURNAL_ACCOUNT_MAX - 1);
    return STATUS_BAD_INPUT;
  }
  struct journal *journal = make_journal(options);
  struct journal_tail tail;
  enum status status = open_directory(journal, problem);
  if (status == STATUS_OK) status = journal_check_chain(journal->data_dir, journal->account, &journal->found, &tail, problem);
  if (status == STATUS_OK) status = settle_tail(journal, &tail, problem);
  if (status != STATUS_OK) {
    free_journal(journal);
    return status;
  }
  journal->buffer_first_seq = journal->next_seq;
  journal->is_low = !make_reserve(journal);
  CRASH_AT(JOURNAL_OPENED);
  *out = journal;
  return STATUS_OK;
}

/* ---- segments ---- */

static enum status write_header(struct journal *journal) {
  struct journal_header header = {.version = JOURNAL_VERSION,
                                  .first_seq = journal->buffer_first_seq,
                                  .made_at = journal->buffer_first_ts,
                                  .previous_size = journal->previous_size};
  memcpy(header.instance, journal->instance, sizeof header.instance);
  memcpy(header.account, journal->account, sizeof header.account);
  text_copy(header.program, sizeof header.program, version_text());
  memcpy(header.previous_hash, journal->previous_hash, DIGEST_BYTES);
  unsigned char bytes[JOURNAL_HEADER_BYTES];
  journal_header_encode(&header, bytes);
  for (size_t done = 0; done < sizeof bytes;) {
    ssize_t count = journal->io.write(journal->file, bytes + done, sizeof bytes - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return status_from_errno(errno);
    done += (size_t)count;
  }
  digest_add(&journal->digest, bytes, sizeof bytes);
  journal->file_size = sizeof bytes;
  return STATUS_OK;
}

static void drop_file(struct journal *journal) {
  close(journal->file);
  journal->file = -1;
  digest_close(&journal->digest);
}

static enum status begin_segment(struct journal *journal) {
  snprintf(journal->path, sizeof journal->path, "%s/journal/%s-%016llx.bbj", journal->data_dir, journal->account,
           (unsigned long long)journal->buffer_first_seq);
  journal->file = open(journal->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (journal->file < 0) return status_from_errno(errno);
  CRASH_AT(SEGMENT_MADE);
  digest_open(&journal->digest);
  journal->synced_size = journal->reserved_to = 0;
  journal->day = calendar_day_start(journal->buffer_first_ts);
  enum status status = write_header(journal);
  CRASH_AT(SEGMENT_HEADED);
  if (status == STATUS_OK && !journal->is_volatile) status = sync_directory(journal->data_dir);
  if (status != STATUS_OK) {
    unlink(journal->path);
    drop_file(journal);
    return status;
  }
  CRASH_AT(SEGMENT_BEGUN);
  ++journal->counts.segments;
  return STATUS_OK;
}

/* Everything in it is on disk: the next record begins another one. */
static void end_segment(struct journal *journal) {
  char text[DIGEST_TEXT_MAX];
  digest_read(&journal->digest, text);
  journal_hash_from_text(text, journal->previous_hash);
  journal->previous_size = journal->synced_size;
  /* Blocks beyond the end go back to the disk. */
  if (ftruncate(journal->file, (off_t)journal->synced_size) != 0) {
    log_write(LOG_WARNING, "journal", "segment_not_cut", NULL, "%s keeps bytes after its end: %s", journal->path, strerror(errno));
  }
  drop_file(journal);
  CRASH_AT(SEGMENT_OVER);
}

/* After a failure of the file: what is certainly on disk counts, the rest is written again elsewhere. */
static void break_segment(struct journal *journal) {
  journal->written = 0;
  if (journal->synced_size > 0) {
    end_segment(journal);
    return;
  }
  unlink(journal->path);
  drop_file(journal);
}

/* ---- flushing ---- */

static enum status fail(struct journal *journal, enum status status, int64_t ts) {
  if (!journal->has_failed) {
    log_write(LOG_ERROR, "journal", "journal_failed", NULL, "%s cannot be written: %s", journal->path, status_text(status));
  }
  journal->has_failed = true;
  journal->failure = status;
  journal->retry_at = ts + RETRY_MS;
  ++journal->counts.failures;
  return status;
}

static void reserve_ahead(struct journal *journal) {
  size_t wanted = journal->file_size + (journal->used - journal->written);
  if (journal->cannot_reserve || wanted <= journal->reserved_to) return;
  size_t length = (wanted - journal->reserved_to + RESERVE_STEP - 1) / RESERVE_STEP * RESERVE_STEP;
  if (journal->io.reserve(journal->file, (off_t)journal->reserved_to, (off_t)length) == 0) {
    journal->reserved_to += length;
  } else if (errno == EOPNOTSUPP) {
    journal->cannot_reserve = true;
  } else if (errno == ENOSPC) {
    journal->is_low = true;
  }
}

static enum status write_buffer(struct journal *journal) {
  reserve_ahead(journal);
  CRASH_AT(BEFORE_WRITE);
  while (journal->written < journal->used) {
    ssize_t count = journal->io.write(journal->file, journal->buffer + journal->written, journal->used - journal->written);
    if (count >= 0) {
      journal->written += (size_t)count;
      journal->file_size += (size_t)count;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != ENOSPC || !journal->has_reserve) return status_from_errno(errno);
    journal->is_low = true;
    release_reserve(journal);
  }
  return STATUS_OK;
}

/* The first bytes of the buffer are on disk; what was appended meanwhile stays. */
static void commit(struct journal *journal, size_t size) {
  digest_add(&journal->digest, journal->buffer, size);
  journal->synced_size = journal->file_size;
  journal->counts.bytes += (int64_t)size;
  journal->used -= size;
  journal->written = 0;
  journal->buffer_first_seq = journal->next_seq;
  if (journal->used > 0) {
    struct journal_record first;
    memmove(journal->buffer, journal->buffer + size, journal->used);
    check(journal_record_decode(&first, journal->buffer, journal->used) > 0);
    journal->buffer_first_seq = first.seq;
    journal->buffer_first_ts = first.ts;
  }
  ++journal->counts.flushes;
  if (journal->has_failed) log_write(LOG_INFO, "journal", "journal_back", NULL, "%s is written again", journal->path);
  journal->has_failed = false;
}

/* A new segment needs blocks of its own: on a full disk those of the reserve. */
static enum status begin_segment_for_sure(struct journal *journal) {
  enum status status = begin_segment(journal);
  if (status != STATUS_NO_SPACE || !journal->has_reserve) return status;
  journal->is_low = true;
  release_reserve(journal);
  return begin_segment(journal);
}

static enum status write_and_sync(struct journal *journal) {
  enum status status = journal->file < 0 ? begin_segment_for_sure(journal) : STATUS_OK;
  if (status != STATUS_OK) return status;
  status = write_buffer(journal);
  CRASH_AT(AFTER_WRITE);
  if (status == STATUS_OK && !journal->is_volatile && journal->io.sync(journal->file) != 0) status = status_from_errno(errno);
  CRASH_AT(AFTER_FLUSH);
  if (status != STATUS_OK) break_segment(journal);
  return status;
}

static void remember_loss(struct journal *journal, int64_t ts) {
  unsigned char payload[8];
  journal_put_u64(payload, (uint64_t)journal->lost);
  journal->lost = 0;
  journal_append(journal, ts, JOURNAL_MARK, MARK_LOST, payload, sizeof payload);
}

/* Takes the result of journal_flush_later, when it is there or waits says to wait for it. False: writing failed half-way, and journal_flush, which
 * knows what to do on a full disk, must go on with it. */
static bool settle(struct journal *journal, int64_t ts, bool waits) {
  struct flush_result result;
  size_t size = journal->handed_over;
  if (size == 0 || !flusher_end(journal->flusher, waits, &result)) return true;
  journal->handed_over = 0;
  journal->written = result.written;
  journal->file_size += result.written;
  if (journal->on_flush != NULL) journal->on_flush(journal->context, result.seconds);
  if (result.sync_error != 0) {
    break_segment(journal);
    (void)fail(journal, status_from_errno(result.sync_error), ts);
  } else if (result.written == size) {
    commit(journal, size);
  }
  return result.written == size;
}

static enum status flush_now(struct journal *journal) {
  if (journal->on_flush == NULL) return write_and_sync(journal);
  int64_t begin = journal->clock->monotonic_ns(journal->clock->self);
  enum status status = write_and_sync(journal);
  journal->on_flush(journal->context, (double)(journal->clock->monotonic_ns(journal->clock->self) - begin) * 1e-9);
  return status;
}

enum status journal_flush(struct journal *journal, int64_t ts) {
  (void)settle(journal, ts, true);
  if (journal->is_low && ts >= journal->retry_at && !journal->has_failed) {
    journal->is_low = !make_reserve(journal);
    journal->retry_at = ts + RETRY_MS;
  }
  if (journal->used == 0 && journal->lost > 0 && !journal->has_failed) remember_loss(journal, ts);
  if (journal->used == 0) return journal->has_failed ? journal->failure : STATUS_OK;
  if (journal->has_failed && ts < journal->retry_at) return journal->failure;
  enum status status = flush_now(journal);
  if (status != STATUS_OK) return fail(journal, status, ts);
  commit(journal, journal->used);
  if (journal->lost == 0) return STATUS_OK;
  remember_loss(journal, ts);
  return journal_flush(journal, ts); /* at most once deep: nothing is lost any more */
}

/* Everything out of the ordinary is left to journal_flush. */
enum status journal_flush_later(struct journal *journal, int64_t ts) {
  bool is_ordinary = settle(journal, ts, false);
  if (journal->handed_over > 0) return STATUS_OK;
  is_ordinary = is_ordinary && journal->file >= 0 && journal->lost == 0 && journal_is_available(journal) && !journal->is_volatile;
  if (is_ordinary && journal->flusher == NULL) journal->flusher = flusher_open(&journal->io);
  if (!is_ordinary || journal->flusher == NULL) return journal_flush(journal, ts);
  if (journal->used == 0) return STATUS_OK;
  reserve_ahead(journal);
  journal->handed_over = journal->used;
  flusher_begin(journal->flusher, journal->file, journal->buffer, journal->used);
  return STATUS_OK;
}

/* ---- appending ---- */

/* Would the record be too much for the segment, or does it belong to another day? A segment has at least one record. */
static bool is_segment_over(const struct journal *journal, int64_t ts, size_t needed) {
  if (journal->file < 0 && journal->used == 0) return false;
  int64_t day = journal->file >= 0 ? journal->day : calendar_day_start(journal->buffer_first_ts);
  size_t size = (journal->file >= 0 ? journal->file_size : JOURNAL_HEADER_BYTES) + (journal->used - journal->written);
  return size + needed > journal->segment_bytes || calendar_day_start(ts) != day;
}

/* Room for a record in the buffer and in the segment. */
static bool make_room(struct journal *journal, int64_t ts, size_t size) {
  if (journal->lost > 0) return false; /* a hole may only be followed by its mark */
  size_t needed = JOURNAL_RECORD_HEADER_BYTES + size;
  if (!journal->has_failed && is_segment_over(journal, ts, needed) && journal_flush(journal, ts) == STATUS_OK) end_segment(journal);
  if (needed <= journal->capacity - journal->used) return true;
  return journal_flush(journal, ts) == STATUS_OK && needed <= journal->capacity - journal->used;
}

unsigned char *journal_append_begin(struct journal *journal, int64_t ts, size_t size) {
  check(size <= JOURNAL_PAYLOAD_MAX);
  if (!make_room(journal, ts, size)) {
    ++journal->lost;
    ++journal->counts.lost;
    return NULL;
  }
  return journal->buffer + journal->used + JOURNAL_RECORD_HEADER_BYTES;
}

uint64_t journal_append_end(struct journal *journal, int64_t ts, enum journal_direction direction, int32_t kind, size_t used) {
  if (journal->used == 0) {
    journal->buffer_first_seq = journal->next_seq;
    journal->buffer_first_ts = ts;
  }
  struct journal_record record = {.seq = journal->next_seq, .ts = ts, .direction = (int32_t)direction, .kind = kind, .size = used};
  journal_record_encode(journal->buffer + journal->used, &record);
  journal->used += JOURNAL_RECORD_HEADER_BYTES + used;
  ++journal->counts.records;
  return journal->next_seq++;
}

uint64_t journal_append(struct journal *journal, int64_t ts, enum journal_direction direction, int32_t kind, const void *payload, size_t size) {
  unsigned char *room = journal_append_begin(journal, ts, size);
  if (room == NULL) return 0;
  if (size > 0) memcpy(room, payload, size);
  return journal_append_end(journal, ts, direction, kind, size);
}

/* ---- the rest ---- */

void journal_abandon(struct journal *journal) {
  if (journal->file >= 0) drop_file(journal);
  free_journal(journal);
}

void journal_close(struct journal *journal) {
  if (journal == NULL) return;
  (void)settle(journal, INT64_MAX - 2 * RETRY_MS, true); /* so that its failure is followed by another try */
  if (journal->used > 0 && journal_flush(journal, INT64_MAX - RETRY_MS) != STATUS_OK) {
    log_write(LOG_ERROR, "journal", "journal_lost", NULL, "the last records could not be written: %s", status_text(journal->failure));
  }
  if (journal->file >= 0) end_segment(journal);
  free_journal(journal);
}

const struct journal_report *journal_found(const struct journal *journal) {
  return &journal->found;
}

uint64_t journal_last_seq(const struct journal *journal) {
  return journal->next_seq - 1;
}

size_t journal_pending(const struct journal *journal) {
  return journal->used;
}

bool journal_is_available(const struct journal *journal) {
  return !journal->has_failed && !journal->is_low;
}

const struct journal_counts *journal_counts(const struct journal *journal) {
  return &journal->counts;
}

static bool is_older(const char *path, int64_t ts) {
  struct stat info;
  return stat(path, &info) == 0 && (int64_t)info.st_mtime * 1000 < ts;
}

bool journal_compress_old(struct journal *journal, int64_t now) {
  struct journal_segment *segments;
  size_t count;
  if (journal_list(journal->data_dir, journal->account, &segments, &count, NULL) != STATUS_OK) return false;
  bool done = false;
  for (size_t i = 0; i < count && !done; i++) {
    const struct journal_segment *segment = &segments[i];
    bool is_open = journal->file >= 0 && text_equal(segment->path, journal->path);
    if (segment->is_compressed || is_open || !is_older(segment->path, now - COMPRESS_AFTER_MS)) continue;
    enum status status = gzip_file(segment->path, NULL);
    if (status != STATUS_OK) log_write(LOG_WARNING, "journal", "segment_not_compressed", NULL, "%s: %s", segment->path, status_text(status));
    done = status == STATUS_OK;
  }
  free(segments);
  return done;
}

int journal_remove_old(struct journal *journal, int64_t before_ts, uint64_t before_seq) {
  struct journal_segment *segments;
  size_t count;
  if (journal_list(journal->data_dir, journal->account, &segments, &count, NULL) != STATUS_OK) return 0;
  int removed = 0;
  for (size_t i = 0; i + 1 < count; i++) {
    if (segments[i + 1].first_seq > before_seq || !is_older(segments[i].path, before_ts) || unlink(segments[i].path) != 0) break;
    ++removed;
  }
  free(segments);
  return removed;
}

/* ---- repair ---- */

static enum status set_aside(const struct journal_segment *segment, size_t keep, int64_t *lost, struct problem *problem) {
  struct stat info;
  if (stat(segment->path, &info) != 0) return status_from_errno(errno);
  *lost += (int64_t)info.st_size > (int64_t)keep ? (int64_t)info.st_size - (int64_t)keep : 0;
  if (keep > JOURNAL_HEADER_BYTES && !segment->is_compressed) return cut_file(segment, keep, keep, problem);
  char torn[JOURNAL_PATH_MAX + 8];
  snprintf(torn, sizeof torn, "%s.torn", segment->path);
  if (rename(segment->path, torn) == 0) return STATUS_OK;
  problem_add(problem, "cannot_cut", segment->path, NULL, NULL, "the segment cannot be set aside: %s", strerror(errno));
  return status_from_errno(errno);
}

enum status journal_repair(const char *data_dir, const char *account, int64_t *lost, struct problem *problem) {
  *lost = 0;
  int lock = -1;
  enum status status = take_lock(data_dir, &lock, problem);
  if (status != STATUS_OK) return status;
  struct journal_report report;
  struct journal_tail tail;
  struct problem damage;
  problem_clear(&damage);
  status = journal_check_chain(data_dir, account, &report, &tail, &damage);
  if (status == STATUS_CORRUPT || status == STATUS_TRUNCATED) {
    struct journal_segment *segments = NULL;
    size_t count = 0;
    status = journal_list(data_dir, account, &segments, &count, problem);
    /* From the end, so that a repair that is interrupted leaves a chain that can be repaired again. */
    for (size_t i = count; i > tail.damage_segment && status == STATUS_OK; i--) {
      status = set_aside(&segments[i - 1], i - 1 == tail.damage_segment ? tail.damage_offset : 0, lost, problem);
    }
    free(segments);
  } else if (status != STATUS_OK) {
    problem_add(problem, "cannot_repair", damage.items[0].path, NULL, NULL, "%s", damage.items[0].message);
  }
  close(lock);
  return status;
}
