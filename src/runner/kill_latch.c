#include "runner/kill_latch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/view.h"
#include "runner/journal_format.h"

enum {
  AT_VERSION = 4,
  AT_GENERATION = 8,
  AT_SET = 16,
  AT_WHOLE = 17,
  AT_SIZE = 18,
  AT_LATCH = 20,
  AT_CRC = 508,
  SECTOR_BYTES = 512,
  SECTORS = 2,
  FILE_BYTES = 4096, /* of which two sectors are used: a file of a block has that block */
  LATCH_VERSION = 1,
  RETRY_MS = 1000,
};
static const char magic[4] = {'B', 'B', 'K', '1'};

struct content {
  uint64_t generation;
  bool is_whole_account;
  struct latch latch; /* since_at 0: not set */
};

struct kill_latch {
  char path[JOURNAL_PATH_MAX];
  struct journal_io io;
  int file; /* -1: could not be made yet */
  struct content content;
  bool is_durable, was_seen; /* seen: in force in this process */
  int64_t retry_at;
};

/* ---- bytes ---- */

static void encode(const struct content *content, unsigned char out[SECTOR_BYTES]) {
  memset(out, 0, SECTOR_BYTES);
  memcpy(out, magic, sizeof magic);
  journal_put_u32(out + AT_VERSION, LATCH_VERSION);
  journal_put_u64(out + AT_GENERATION, content->generation);
  out[AT_SET] = content->latch.since_at != 0;
  out[AT_WHOLE] = content->is_whole_account;
  size_t size = schema_encode(&latch_schema, &content->latch, out + AT_LATCH, AT_CRC - AT_LATCH);
  check(size > 0);
  out[AT_SIZE] = (unsigned char)(size & 0xff);
  out[AT_SIZE + 1] = (unsigned char)(size >> 8);
  journal_put_u32(out + AT_CRC, crc32c(0, out, AT_CRC));
}

static enum status decode(struct content *content, const unsigned char *sector) {
  if (memcmp(sector, magic, sizeof magic) != 0 || crc32c(0, sector, AT_CRC) != journal_get_u32(sector + AT_CRC)) return STATUS_CORRUPT;
  if (journal_get_u32(sector + AT_VERSION) > LATCH_VERSION) return STATUS_NEWER_VERSION;
  size_t size = (size_t)sector[AT_SIZE] | (size_t)sector[AT_SIZE + 1] << 8;
  *content = (struct content){.generation = journal_get_u64(sector + AT_GENERATION), .is_whole_account = sector[AT_WHOLE] != 0};
  if (size > AT_CRC - AT_LATCH || schema_decode(&latch_schema, &content->latch, sector + AT_LATCH, size) != size) return STATUS_CORRUPT;
  if ((content->latch.since_at != 0) != (sector[AT_SET] != 0)) return STATUS_CORRUPT;
  return STATUS_OK;
}

/* ---- the file ---- */

static enum status make_file(struct kill_latch *latch) {
  struct buffer bytes = {0};
  const struct content released = {0};
  buffer_reserve(&bytes, FILE_BYTES);
  memset(bytes.data, 0, FILE_BYTES);
  encode(&released, (unsigned char *)bytes.data);
  bytes.length = FILE_BYTES;
  enum status status = buffer_write_file(&bytes, latch->path, 0600, NULL);
  buffer_deinit(&bytes);
  if (status) return status;
  latch->file = open(latch->path, O_RDWR | O_CLOEXEC);
  if (latch->file < 0) return status_from_errno(errno);
  latch->content = released;
  return STATUS_OK;
}

/* Nobody knows what it said: no entries until somebody has looked, and nothing is sold for it. */
static void distrust(struct kill_latch *latch) {
  latch->content = (struct content){.generation = 1, .latch = {.cause = RISK_CAUSE_OPERATOR, .since_at = 1}};
  text_copy(latch->content.latch.name, sizeof latch->content.latch.name, command_names[COMMAND_EMERGENCY_STOP]);
  text_copy(latch->content.latch.reason, sizeof latch->content.latch.reason, "the file of the emergency latch cannot be read");
  latch->is_durable = false;
  log_write(LOG_CRITICAL, "journal", "latch_damaged", NULL, "%s cannot be read: counted as an emergency stop", latch->path);
}

static enum status read_file(struct kill_latch *latch, struct problem *problem) {
  unsigned char bytes[SECTORS * SECTOR_BYTES];
  ssize_t size = pread(latch->file, bytes, sizeof bytes, 0);
  if (size < 0) return status_from_errno(errno);
  bool is_read = false;
  for (size_t i = 0; i < SECTORS && size == (ssize_t)sizeof bytes; i++) {
    struct content content;
    enum status status = decode(&content, bytes + i * SECTOR_BYTES);
    if (status == STATUS_NEWER_VERSION) {
      problem_add(problem, "newer_version", latch->path, NULL, "the newer version of breakout",
                  "this emergency latch was written by a newer version");
      return status;
    }
    if (status || (is_read && content.generation < latch->content.generation)) continue;
    latch->content = content;
    is_read = true;
  }
  if (!is_read) distrust(latch);
  return STATUS_OK;
}

static const struct journal_io system_io = {write, fdatasync, NULL};

enum status kill_latch_open(struct kill_latch **out, const char *data_dir, const char *account, const struct journal_io *io,
                            struct problem *problem) {
  struct kill_latch *latch = calloc(1, sizeof *latch);
  check(latch != NULL);
  (void)snprintf(latch->path, sizeof latch->path, "%s/journal/.latch-%s", data_dir, account);
  latch->io = io != NULL ? *io : system_io;
  latch->is_durable = true;
  latch->file = open(latch->path, O_RDWR | O_CLOEXEC);
  enum status status = STATUS_OK;
  if (latch->file >= 0) {
    status = read_file(latch, problem);
  } else if (errno != ENOENT) {
    status = status_from_errno(errno);
  } else if (make_file(latch)) {
    log_write(LOG_ERROR, "journal", "latch_not_made", NULL, "%s cannot be made: a kill is remembered by the journal alone", latch->path);
  }
  if (status) {
    if (problem->count == 0)
      problem_add(problem, "read_failed", latch->path, NULL, NULL, "the emergency latch cannot be read: %s", status_text(status));
    kill_latch_close(latch);
    return status;
  }
  *out = latch;
  return STATUS_OK;
}

void kill_latch_close(struct kill_latch *latch) {
  if (latch == NULL) return;
  if (latch->file >= 0) close(latch->file);
  free(latch);
}

/* In turn: what the other sector says counts until this one is whole. */
static enum status write_sector(struct kill_latch *latch) {
  unsigned char bytes[SECTOR_BYTES];
  if (latch->file < 0) {
    struct content wanted = latch->content;
    enum status status = make_file(latch);
    latch->content = wanted;
    if (status) return status;
  }
  encode(&latch->content, bytes);
  off_t at = (off_t)(latch->content.generation % SECTORS * SECTOR_BYTES);
  if (lseek(latch->file, at, SEEK_SET) != at) return status_from_errno(errno);
  for (size_t done = 0; done < sizeof bytes;) {
    ssize_t count = latch->io.write(latch->file, bytes + done, sizeof bytes - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return status_from_errno(errno);
    done += (size_t)count;
  }
  return latch->io.sync(latch->file) == 0 ? STATUS_OK : status_from_errno(errno);
}

static void settle(struct kill_latch *latch, int64_t ts) {
  if (latch->is_durable || ts < latch->retry_at) return;
  enum status status = write_sector(latch);
  latch->is_durable = status == STATUS_OK;
  latch->retry_at = ts + RETRY_MS;
  if (status) log_write(LOG_CRITICAL, "journal", "latch_not_written", NULL, "%s cannot be written: %s", latch->path, status_text(status));
}

/* A sector that the disk did not take is written again; one that it took is left to the next generation. */
static void change(struct kill_latch *latch, const struct latch *wanted, bool is_whole_account) {
  if (latch->is_durable) ++latch->content.generation;
  latch->content.latch = *wanted;
  latch->content.is_whole_account = is_whole_account;
  latch->is_durable = false;
  latch->retry_at = 0;
}

/* ---- what holds ---- */

const struct latch *kill_latch_held(const struct kill_latch *latch) {
  return &latch->content.latch;
}

bool kill_latch_is_durable(const struct kill_latch *latch) {
  return latch->is_durable;
}

void kill_latch_hold(struct kill_latch *latch, const struct latch *kill, bool whole_account, int64_t ts) {
  const struct latch *held = &latch->content.latch;
  bool is_known = held->since_at == kill->since_at && strcmp(held->name, kill->name) == 0 && strcmp(held->reason, kill->reason) == 0;
  bool is_wider = whole_account && !latch->content.is_whole_account;
  if (!is_known || is_wider) change(latch, kill, whole_account || (is_known && latch->content.is_whole_account));
  latch->was_seen = true;
  settle(latch, ts);
}

void kill_latch_release(struct kill_latch *latch, int64_t ts) {
  static const struct latch none;
  if (!latch->was_seen) return;
  if (latch->content.latch.since_at != 0) change(latch, &none, false);
  settle(latch, ts);
}

bool kill_latch_event(const struct kill_latch *latch, const struct engine *engine, int64_t ts, struct event *out) {
  const struct latch *held = &latch->content.latch;
  if (held->since_at == 0 || engine_risk(engine)->kill.since_at != 0) return false;
  bool is_stop = text_equal(held->name, command_names[COMMAND_EMERGENCY_STOP]);
  *out = (struct event){.ts = ts > 0 ? ts : 1, .kind = EVENT_COMMAND}; /* an instant of 0 means none */
  out->command = (struct event_command){.command = is_stop ? COMMAND_EMERGENCY_STOP : COMMAND_KILL_SWITCH,
                                        .operation_id = engine_counters(engine)->operation + 1,
                                        .source = SOURCE_ENGINE,
                                        .cause = held->cause,
                                        .is_confirmed = true,
                                        .whole_account = latch->content.is_whole_account,
                                        .price = DECIMAL_NULL};
  text_copy(out->command.user, sizeof out->command.user, "recovery");
  text_copy(out->command.reason, sizeof out->command.reason, held->reason);
  return true;
}
