#include "runner/snapshot_file.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "engine/view.h"
#include "runner/journal_format.h"
#include "runner/recover.h"

/* Header: magic "BBS1", u32 version, u64 seq, i64 ts, u64 engine bytes, u64 venue bytes, account[40], commit[16], u32 CRC of the body, u32 CRC of
 * this header. */
enum {
  AT_VERSION = 4,
  AT_SEQ = 8,
  AT_TS = 16,
  AT_ENGINE = 24,
  AT_VENUE = 32,
  AT_ACCOUNT = 40,
  AT_COMMIT = 80,
  AT_BODY_CRC = 96,
  AT_CRC = 100,
  HEADER_BYTES = 112
};
enum { SNAPSHOT_VERSION = 1, ACCOUNT_BYTES = AT_COMMIT - AT_ACCOUNT, COMMIT_BYTES = AT_BODY_CRC - AT_COMMIT, NAME_HEX = 16 };
static const char magic[4] = {'B', 'B', 'S', '1'};
#define SNAPSHOT_BYTES_MAX ((size_t)4 << 30)

static void path_of(char path[JOURNAL_PATH_MAX], const char *data_dir, uint64_t seq) {
  snprintf(path, JOURNAL_PATH_MAX, "%s/snapshots/%016llx.bbs", data_dir, (unsigned long long)seq);
}

static int newest_first(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return left < right ? 1 : left > right ? -1 : 0;
}

size_t snapshot_list(const char *data_dir, uint64_t **out) {
  char path[JOURNAL_PATH_MAX];
  snprintf(path, sizeof path, "%s/snapshots", data_dir);
  *out = NULL;
  size_t count = 0;
  DIR *folder = opendir(path);
  if (folder == NULL) return 0;
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char *end;
    unsigned long long seq = strtoull(entry->d_name, &end, 16);
    if (end != entry->d_name + NAME_HEX || !text_equal(end, ".bbs")) continue;
    uint64_t *grown = realloc(*out, (count + 1) * sizeof **out);
    check(grown != NULL);
    *out = grown;
    (*out)[count++] = seq;
  }
  closedir(folder);
  if (count > 0) qsort(*out, count, sizeof **out, newest_first);
  return count;
}

static enum status read_header(struct snapshot_image *image, const char *account) {
  const unsigned char *bytes = (const unsigned char *)image->bytes.data;
  if (image->bytes.length < HEADER_BYTES) return STATUS_TRUNCATED;
  if (memcmp(bytes, magic, sizeof magic) != 0) return STATUS_BAD_FORMAT;
  if (journal_get_u32(bytes + AT_VERSION) > SNAPSHOT_VERSION) return STATUS_NEWER_VERSION;
  if (crc32c(0, bytes, AT_CRC) != journal_get_u32(bytes + AT_CRC)) return STATUS_CORRUPT;
  if (strncmp((const char *)bytes + AT_ACCOUNT, account, ACCOUNT_BYTES) != 0) return STATUS_BAD_FORMAT;
  if (strncmp((const char *)bytes + AT_COMMIT, version_commit(), COMMIT_BYTES - 1) != 0) return STATUS_NEWER_VERSION;
  image->seq = journal_get_u64(bytes + AT_SEQ);
  image->ts = (int64_t)journal_get_u64(bytes + AT_TS);
  image->engine_size = journal_get_u64(bytes + AT_ENGINE);
  image->venue_size = journal_get_u64(bytes + AT_VENUE);
  image->engine = bytes + HEADER_BYTES;
  size_t body = image->bytes.length - HEADER_BYTES;
  if (image->engine_size > body || image->venue_size != body - image->engine_size) return STATUS_TRUNCATED;
  image->venue = image->engine + image->engine_size;
  return crc32c(0, image->engine, body) == journal_get_u32(bytes + AT_BODY_CRC) ? STATUS_OK : STATUS_CORRUPT;
}

enum status snapshot_read(struct snapshot_image *image, const char *data_dir, const char *account, uint64_t seq) {
  memset(image, 0, sizeof *image);
  char path[JOURNAL_PATH_MAX];
  path_of(path, data_dir, seq);
  enum status status = buffer_read_file(&image->bytes, path, SNAPSHOT_BYTES_MAX, NULL);
  if (status == STATUS_OK) status = read_header(image, account);
  if (status == STATUS_OK && image->seq != seq) status = STATUS_BAD_FORMAT;
  if (status != STATUS_OK) snapshot_image_deinit(image);
  return status;
}

void snapshot_image_deinit(struct snapshot_image *image) {
  buffer_deinit(&image->bytes);
  memset(image, 0, sizeof *image);
}

/* ---- writing ---- */

struct snapshots {
  char data_dir[JOURNAL_PATH_MAX - 64], account[JOURNAL_ACCOUNT_MAX];
  struct buffer bytes; /* of the thread while is_busy */
  uint64_t seq;
  pthread_t thread;
  bool has_thread;
  atomic_bool is_busy;
  _Atomic uint64_t newest;
  int64_t taken_at;
};

enum status snapshots_open(struct snapshots **out, const char *data_dir, const char *account, struct problem *problem) {
  char path[JOURNAL_PATH_MAX];
  snprintf(path, sizeof path, "%s/snapshots", data_dir);
  struct stat info;
  if (mkdir(path, 0750) != 0 && (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))) {
    problem_add(problem, "cannot_make", path, NULL, NULL, "the folder of the snapshots cannot be made");
    return STATUS_IO_FAILED;
  }
  struct snapshots *snapshots = calloc(1, sizeof *snapshots);
  check(snapshots != NULL);
  text_copy(snapshots->data_dir, sizeof snapshots->data_dir, data_dir);
  text_copy(snapshots->account, sizeof snapshots->account, account);
  *out = snapshots;
  return STATUS_OK;
}

static void remove_old(const char *data_dir) {
  uint64_t *seqs;
  size_t count = snapshot_list(data_dir, &seqs);
  for (size_t i = SNAPSHOTS_KEPT; i < count; i++) {
    char path[JOURNAL_PATH_MAX];
    path_of(path, data_dir, seqs[i]);
    unlink(path);
    CRASH_AT(IMAGE_REMOVED);
  }
  free(seqs);
}

static void *write_file(void *context) {
  struct snapshots *snapshots = context;
  char path[JOURNAL_PATH_MAX];
  path_of(path, snapshots->data_dir, snapshots->seq);
  unsigned char *bytes = (unsigned char *)snapshots->bytes.data;
  journal_put_u32(bytes + AT_BODY_CRC, crc32c(0, bytes + HEADER_BYTES, snapshots->bytes.length - HEADER_BYTES));
  journal_put_u32(bytes + AT_CRC, crc32c(0, bytes, AT_CRC));
  enum status status = buffer_write_file(&snapshots->bytes, path, 0600, NULL);
  if (status == STATUS_OK) {
    CRASH_AT(IMAGE_WRITTEN);
    atomic_store(&snapshots->newest, snapshots->seq);
    remove_old(snapshots->data_dir);
  } else {
    log_write(LOG_WARNING, "journal", "snapshot_failed", NULL, "%s cannot be written: %s", path, status_text(status));
  }
  buffer_deinit(&snapshots->bytes); /* megabytes that are needed for a moment every five minutes */
  atomic_store(&snapshots->is_busy, false);
  return NULL;
}

/* All but the checksums, which are left to the thread. */
static void make_image(struct snapshots *snapshots, const struct runner *runner) {
  const struct exchange *exchange = runner->exchange;
  size_t engine_size = engine_snapshot_size(runner->engine);
  size_t venue_size = exchange->snapshot_size != NULL ? exchange->snapshot_size(exchange->self) : 0;
  size_t size = HEADER_BYTES + engine_size + venue_size;
  buffer_clear(&snapshots->bytes);
  buffer_reserve(&snapshots->bytes, size);
  unsigned char *bytes = (unsigned char *)snapshots->bytes.data;
  snapshots->bytes.length = size;
  memset(bytes, 0, HEADER_BYTES);
  engine_snapshot_save(runner->engine, bytes + HEADER_BYTES);
  if (venue_size > 0) exchange->snapshot_save(exchange->self, bytes + HEADER_BYTES + engine_size);
  memcpy(bytes, magic, sizeof magic);
  journal_put_u32(bytes + AT_VERSION, SNAPSHOT_VERSION);
  journal_put_u64(bytes + AT_SEQ, snapshots->seq);
  journal_put_u64(bytes + AT_TS, (uint64_t)engine_now(runner->engine));
  journal_put_u64(bytes + AT_ENGINE, engine_size);
  journal_put_u64(bytes + AT_VENUE, venue_size);
  memcpy(bytes + AT_ACCOUNT, snapshots->account, strnlen(snapshots->account, ACCOUNT_BYTES - 1));
  memcpy(bytes + AT_COMMIT, version_commit(), strnlen(version_commit(), COMMIT_BYTES - 1));
}

bool snapshots_take(struct snapshots *snapshots, struct runner *runner, bool is_forced) {
  int64_t now = engine_now(runner->engine);
  int64_t since = now - snapshots->taken_at;
  if (atomic_load(&snapshots->is_busy) || (!is_forced && since < SNAPSHOT_EVERY_MS)) return false;
  /* A snapshot comes after its records: it waits for a moment at which all are on disk, rather than make the loop wait for the disk. */
  if (!is_forced && since < 2 * SNAPSHOT_EVERY_MS && journal_pending(runner->journal) > 0) return false;
  if (journal_flush(runner->journal, now) != STATUS_OK) return false;
  CRASH_AT(IMAGE_DUE);
  if (snapshots->has_thread) pthread_join(snapshots->thread, NULL);
  snapshots->has_thread = false;
  snapshots->taken_at = now;
  snapshots->seq = runner->seq;
  make_image(snapshots, runner);
  atomic_store(&snapshots->is_busy, true);
  snapshots->has_thread = pthread_create(&snapshots->thread, NULL, write_file, snapshots) == 0;
  if (!snapshots->has_thread) write_file(snapshots);
  return true;
}

uint64_t snapshots_newest(struct snapshots *snapshots) {
  return atomic_load(&snapshots->newest);
}

void snapshots_close(struct snapshots *snapshots) {
  if (snapshots == NULL) return;
  if (snapshots->has_thread) pthread_join(snapshots->thread, NULL);
  buffer_deinit(&snapshots->bytes);
  free(snapshots);
}
