/* Reading a chain of segments, and checking it whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "runner/journal_format.h"

/* ---- names ---- */

enum { NAME_HEX = 16 };

static const char *ending_of(const char *name, bool *is_compressed) {
  size_t length = strlen(name);
  *is_compressed = length > 7 && text_equal(name + length - 7, ".bbj.gz");
  if (*is_compressed) return name + length - 7;
  return length > 4 && text_equal(name + length - 4, ".bbj") ? name + length - 4 : NULL;
}

/* <account>-<16 hex>.bbj[.gz]; false for any other name. account gets the part before the dash. */
static bool parse_name(const char *name, char account[JOURNAL_ACCOUNT_MAX], uint64_t *first_seq, bool *is_compressed) {
  const char *ending = ending_of(name, is_compressed);
  if (ending == NULL || ending - name < NAME_HEX + 2) return false;
  const char *hex = ending - NAME_HEX;
  if (hex[-1] != '-' || (size_t)(hex - 1 - name) >= JOURNAL_ACCOUNT_MAX) return false;
  uint64_t value = 0;
  for (int i = 0; i < NAME_HEX; i++) {
    char c = hex[i];
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  text_copy(account, (size_t)(hex - name), name);
  *first_seq = value;
  return true;
}

static int compare_segments(const void *a, const void *b) {
  const struct journal_segment *left = a, *right = b;
  if (left->first_seq != right->first_seq) return left->first_seq < right->first_seq ? -1 : 1;
  return (int)left->is_compressed - (int)right->is_compressed;
}

/* A crash while compressing leaves both forms: the plain one is whole. */
static size_t drop_doubles(struct journal_segment *segments, size_t count) {
  size_t kept = 0;
  for (size_t i = 0; i < count; i++) {
    if (kept == 0 || segments[kept - 1].first_seq != segments[i].first_seq) segments[kept++] = segments[i];
  }
  return kept;
}

static enum status add_segment(struct journal_segment **list, size_t *count, const char *directory, const char *name, uint64_t first_seq,
                               bool is_compressed, struct problem *problem) {
  if ((*count & (*count + 1)) == 0 || *count == 0) {
    size_t capacity = *count == 0 ? 2 : 2 * (*count + 1);
    struct journal_segment *grown = realloc(*list, capacity * sizeof **list);
    check(grown != NULL);
    *list = grown;
  }
  struct journal_segment *segment = &(*list)[*count];
  int length = snprintf(segment->path, sizeof segment->path, "%s/%s", directory, name);
  if (length < 0 || (size_t)length >= sizeof segment->path) {
    problem_add(problem, "path_too_long", directory, NULL, NULL, "the path of a segment is longer than %d bytes", JOURNAL_PATH_MAX - 1);
    return STATUS_TOO_LARGE;
  }
  segment->first_seq = first_seq;
  segment->is_compressed = is_compressed;
  ++*count;
  return STATUS_OK;
}

static enum status list_directory(DIR *folder, const char *directory, const char *account, struct journal_segment **out, size_t *count,
                                  struct problem *problem) {
  char only[JOURNAL_ACCOUNT_MAX] = "";
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    char owner[JOURNAL_ACCOUNT_MAX];
    uint64_t first_seq;
    bool is_compressed;
    if (!parse_name(entry->d_name, owner, &first_seq, &is_compressed)) continue;
    if (account != NULL && !text_equal(owner, account)) continue;
    if (account == NULL && only[0] != '\0' && !text_equal(owner, only)) {
      problem_add(problem, "several_accounts", directory, owner, only, "there are journals of several accounts: name one");
      return STATUS_BAD_INPUT;
    }
    text_copy(only, sizeof only, owner);
    enum status status = add_segment(out, count, directory, entry->d_name, first_seq, is_compressed, problem);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

enum status journal_list(const char *data_dir, const char *account, struct journal_segment **out, size_t *count, struct problem *problem) {
  *out = NULL;
  *count = 0;
  char directory[JOURNAL_PATH_MAX];
  snprintf(directory, sizeof directory, "%s/journal", data_dir);
  DIR *folder = opendir(directory);
  if (folder == NULL) {
    if (errno == ENOENT) return STATUS_OK;
    problem_add(problem, "unreadable", directory, NULL, NULL, "the journal folder cannot be read: %s", strerror(errno));
    return status_from_errno(errno);
  }
  enum status status = list_directory(folder, directory, account, out, count, problem);
  closedir(folder);
  if (status != STATUS_OK) {
    free(*out);
    *out = NULL;
    *count = 0;
    return status;
  }
  if (*count > 0) qsort(*out, *count, sizeof **out, compare_segments);
  *count = drop_doubles(*out, *count);
  return STATUS_OK;
}

/* ---- contents ---- */

/* Read, not mapped: the newest segment may be cut while somebody looks at it. */
static enum status load_plain(const char *path, unsigned char **bytes, size_t *size) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return status_from_errno(errno);
  struct stat info;
  if (fstat(file, &info) != 0) {
    enum status status = status_from_errno(errno);
    close(file);
    return status;
  }
  size_t used = 0, wanted = (size_t)info.st_size;
  unsigned char *memory = malloc(wanted + 1);
  check(memory != NULL);
  while (used < wanted) {
    ssize_t count = read(file, memory + used, wanted - used);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      enum status status = status_from_errno(errno);
      free(memory);
      close(file);
      return status;
    }
    if (count == 0) break;
    used += (size_t)count;
  }
  close(file);
  *bytes = memory;
  *size = used;
  return STATUS_OK;
}

static enum status load_compressed(const char *path, unsigned char **bytes, size_t *size, struct problem *problem) {
  struct gzip_reader reader;
  enum status status = gzip_open(&reader, path, problem);
  if (status != STATUS_OK) return status;
  size_t capacity = JOURNAL_SEGMENT_BYTES + (1 << 20), used = 0;
  unsigned char *memory = malloc(capacity);
  check(memory != NULL);
  for (;;) {
    size_t count = 0;
    status = gzip_read(&reader, memory + used, capacity - used, &count);
    if (status != STATUS_OK || count == 0) break;
    used += count;
    if (used < capacity) continue;
    capacity *= 2;
    unsigned char *grown = realloc(memory, capacity);
    check(grown != NULL);
    memory = grown;
  }
  gzip_close(&reader);
  if (status != STATUS_OK) {
    free(memory);
    return status;
  }
  *bytes = memory;
  *size = used;
  return STATUS_OK;
}

enum status journal_load(const struct journal_segment *segment, unsigned char **bytes, size_t *size, struct problem *problem) {
  check(segment != NULL);
  *bytes = NULL;
  *size = 0;
  enum status status = segment->is_compressed ? load_compressed(segment->path, bytes, size, problem) : load_plain(segment->path, bytes, size);
  if (status != STATUS_OK) problem_add(problem, "unreadable", segment->path, NULL, NULL, "the segment cannot be read: %s", status_text(status));
  return status;
}

static enum status tell_damage(const char *path, size_t offset, const char *what, struct problem *problem) {
  char place[160];
  size_t length = strlen(path);
  /* The end of a long path tells more than its beginning. */
  snprintf(place, sizeof place, "%s:%zu", length > 120 ? path + length - 120 : path, offset);
  problem_add(problem, "journal_damaged", place, NULL, NULL, "%s; `breakout db verify --repair` cuts the journal here and says what is lost", what);
  return STATUS_CORRUPT;
}

static enum status tell_header(const char *path, enum status status, struct problem *problem) {
  switch (status) {
    case STATUS_NEWER_VERSION:
      problem_add(problem, "newer_version", path, NULL, NULL, "the segment was written by a newer version of the program");
      return status;
    case STATUS_BAD_FORMAT:
      problem_add(problem, "foreign_file", path, NULL, NULL, "the file is not a journal segment");
      return status;
    case STATUS_OK:
      return status;
    default:
      return tell_damage(path, 0, "the header of the segment is damaged", problem);
  }
}

/* Is there a valid record behind a bad one? Then it is damage, not a torn end. */
static bool has_record_after(const unsigned char *bytes, size_t size, size_t offset, uint64_t seq) {
  struct journal_record record;
  for (size_t at = offset + 1; at + JOURNAL_RECORD_HEADER_BYTES <= size; at++) {
    uint64_t found = journal_get_u64(bytes + at + 8);
    if (found < seq || found - seq > (uint64_t)size) continue;
    if (journal_record_decode(&record, bytes + at, size - at) > 0) return true;
  }
  return false;
}

/* ---- reader ---- */

static void leave_segment(struct journal_reader *reader) {
  if (!reader->has_segment) return;
  free(reader->bytes);
  reader->has_segment = false;
  reader->bytes = NULL;
}

/* How far the segment at index counts: to where its successor's header says; the last one to its end. */
static enum status counted_size(const struct journal_reader *reader, size_t index, size_t size, size_t *counted, struct problem *problem) {
  *counted = size;
  if (index + 1 >= reader->segment_count) return STATUS_OK;
  const struct journal_segment *next = &reader->segments[index + 1];
  struct gzip_reader file;
  enum status status = gzip_open(&file, next->path, problem);
  if (status != STATUS_OK) return status;
  unsigned char bytes[JOURNAL_HEADER_BYTES];
  size_t used = 0, count = 1;
  while (used < sizeof bytes && count > 0 && status == STATUS_OK) {
    status = gzip_read(&file, bytes + used, sizeof bytes - used, &count);
    used += count;
  }
  gzip_close(&file);
  struct journal_header header;
  if (status == STATUS_OK) status = journal_header_decode(&header, bytes, used);
  /* The newest segment may be at its very beginning. */
  if (status == STATUS_TRUNCATED && index + 2 == reader->segment_count) return STATUS_OK;
  if (status != STATUS_OK) return tell_header(next->path, status, problem);
  if (header.previous_size > size) return tell_damage(reader->segments[index].path, size, "the segment is shorter than its successor says", problem);
  *counted = (size_t)header.previous_size;
  return STATUS_OK;
}

static enum status enter_segment(struct journal_reader *reader, size_t index, struct problem *problem) {
  leave_segment(reader);
  const struct journal_segment *segment = &reader->segments[index];
  size_t size;
  enum status status = journal_load(segment, &reader->bytes, &size, problem);
  if (status != STATUS_OK) return status;
  reader->has_segment = true;
  reader->loaded = size;
  reader->size = reader->offset = 0;
  reader->segment_at = index;
  reader->is_last = index + 1 == reader->segment_count;
  struct journal_header header;
  status = journal_header_decode(&header, reader->bytes, size);
  if (status == STATUS_TRUNCATED && reader->is_last) { /* its header is being written */
    reader->ended_torn = size > 0;
    return STATUS_OK;
  }
  if (status != STATUS_OK) return tell_header(segment->path, status, problem);
  if (!reader->only_names && header.first_seq != segment->first_seq) return tell_damage(segment->path, 0, "name and header disagree", problem);
  if (reader->next_seq != 0 && header.first_seq != reader->next_seq)
    return tell_damage(segment->path, 0, "a segment before this one is missing", problem);
  reader->next_seq = header.first_seq;
  reader->version = header.version;
  reader->offset = JOURNAL_HEADER_BYTES;
  return counted_size(reader, index, size, &reader->size, problem);
}

enum status journal_reader_open(struct journal_reader *reader, const char *data_dir, const char *account, uint64_t from, struct problem *problem) {
  memset(reader, 0, sizeof *reader);
  enum status status = journal_list(data_dir, account, &reader->segments, &reader->segment_count, problem);
  if (status == STATUS_OK && reader->segment_count == 0) status = STATUS_NO_DATA;
  if (status != STATUS_OK) {
    journal_reader_close(reader);
    return status;
  }
  size_t index = 0;
  while (index + 1 < reader->segment_count && reader->segments[index + 1].first_seq <= from) ++index;
  status = enter_segment(reader, index, problem);
  while (status == STATUS_OK && reader->next_seq < from) {
    struct journal_record skipped;
    status = journal_reader_next(reader, &skipped, problem);
  }
  if (status == STATUS_END) status = STATUS_OK; /* nothing there yet */
  if (status != STATUS_OK) journal_reader_close(reader);
  return status;
}

enum status journal_reader_open_file(struct journal_reader *reader, const char *path, struct problem *problem) {
  memset(reader, 0, sizeof *reader);
  reader->only_names = true;
  bool is_compressed;
  if (ending_of(path, &is_compressed) == NULL) is_compressed = false;
  enum status status = add_segment(&reader->segments, &reader->segment_count, "", path, 0, is_compressed, problem);
  if (status == STATUS_OK) {
    text_copy(reader->segments[0].path, sizeof reader->segments[0].path, path);
    status = enter_segment(reader, 0, problem);
  }
  if (status != STATUS_OK) journal_reader_close(reader);
  return status;
}

enum status journal_reader_next(struct journal_reader *reader, struct journal_record *out, struct problem *problem) {
  while (reader->offset >= reader->size) {
    if (reader->is_last) return STATUS_END;
    enum status status = enter_segment(reader, reader->segment_at + 1, problem);
    if (status != STATUS_OK) return status;
  }
  const char *path = reader->segments[reader->segment_at].path;
  size_t used = journal_record_decode(out, reader->bytes + reader->offset, reader->size - reader->offset);
  if (used == 0) {
    if (!reader->is_last || has_record_after(reader->bytes, reader->size, reader->offset, reader->next_seq)) {
      return tell_damage(path, reader->offset, "a record is damaged", problem);
    }
    reader->ended_torn = true;
    reader->size = reader->offset;
    return STATUS_END;
  }
  if (out->seq != reader->next_seq || out->direction >= journal_direction_count)
    return tell_damage(path, reader->offset, "a record is missing or double", problem);
  out->version = reader->version;
  reader->offset += used;
  ++reader->next_seq;
  return STATUS_OK;
}

void journal_reader_close(struct journal_reader *reader) {
  leave_segment(reader);
  free(reader->segments);
  memset(reader, 0, sizeof *reader);
}

/* ---- the whole chain ---- */

/* What the segment before the one at hand said of itself. */
struct link {
  bool is_known;
  uint64_t size;
  unsigned char hash[DIGEST_BYTES];
};

static enum status check_link(const struct link *link, const struct journal_header *header, const char *path, struct problem *problem) {
  if (!link->is_known) return STATUS_OK; /* older segments were removed */
  if (header->previous_size == link->size && memcmp(header->previous_hash, link->hash, DIGEST_BYTES) == 0) return STATUS_OK;
  return tell_damage(path, 0, "the segment before this one is not the one that was written", problem);
}

static void count_record(struct journal_report *report, const struct journal_record *record) {
  if (report->records++ == 0) {
    report->first_seq = record->seq;
    report->first_ts = record->ts;
  }
  report->last_seq = record->seq;
  report->last_ts = record->ts;
  ++report->by_direction[record->direction];
  bool is_mark = record->direction == JOURNAL_MARK;
  report->is_clean = is_mark && record->kind == MARK_CLEAN;
  if (is_mark && record->kind == MARK_LOST && record->size == 8) report->lost += (int64_t)journal_get_u64(record->payload);
}

/* Records of the segment in memory, without leaving it. */
static enum status check_records(struct journal_reader *reader, struct journal_report *report, struct problem *problem) {
  struct journal_record record;
  while (reader->offset < reader->size) {
    enum status status = journal_reader_next(reader, &record, problem);
    if (status == STATUS_END) return STATUS_OK;
    if (status != STATUS_OK) return status;
    count_record(report, &record);
  }
  return STATUS_OK;
}

static enum status check_segment(struct journal_reader *reader, size_t index, const char *account, struct journal_report *report,
                                 struct journal_tail *tail, struct link *link, struct problem *problem) {
  enum status status = enter_segment(reader, index, problem);
  if (status != STATUS_OK) return status;
  const struct journal_segment *segment = &reader->segments[index];
  tail->segment = *segment;
  tail->previous_size = link->size;
  memcpy(tail->previous_hash, link->hash, DIGEST_BYTES);
  tail->file_size = reader->loaded;
  if (reader->size == 0) { /* a header that was not finished */
    tail->sound_size = 0;
    report->torn_bytes = (int64_t)reader->loaded;
    return STATUS_OK;
  }
  status = journal_header_decode(&tail->header, reader->bytes, reader->loaded);
  if (status != STATUS_OK) return status;
  if (account != NULL && !text_equal(tail->header.account, account)) {
    problem_add(problem, "foreign_journal", segment->path, tail->header.account, account, "the segment belongs to another account");
    return STATUS_BAD_FORMAT;
  }
  status = check_link(link, &tail->header, segment->path, problem);
  if (status == STATUS_OK) status = check_records(reader, report, problem);
  if (status != STATUS_OK) return status;
  if (reader->is_last) {
    report->torn_bytes = (int64_t)(reader->loaded - reader->offset);
  } else {
    report->leftover_bytes += (int64_t)(reader->loaded - reader->size);
  }
  tail->sound_size = reader->offset;
  journal_hash(reader->bytes, reader->offset, tail->hash);
  *link = (struct link){.is_known = true, .size = reader->offset};
  memcpy(link->hash, tail->hash, DIGEST_BYTES);
  ++report->segments;
  report->bytes += (int64_t)reader->offset;
  return STATUS_OK;
}

enum status journal_check_chain(const char *data_dir, const char *account, struct journal_report *report, struct journal_tail *tail,
                                struct problem *problem) {
  memset(report, 0, sizeof *report);
  memset(tail, 0, sizeof *tail);
  struct journal_reader reader;
  memset(&reader, 0, sizeof reader);
  enum status status = journal_list(data_dir, account, &reader.segments, &reader.segment_count, problem);
  struct link link = {.is_known = false};
  for (size_t i = 0; i < reader.segment_count && status == STATUS_OK; i++) {
    status = check_segment(&reader, i, account, report, tail, &link, problem);
    if (status == STATUS_OK) continue;
    tail->damage_segment = i;
    tail->damage_offset = reader.has_segment && reader.segment_at == i ? reader.offset : 0;
  }
  journal_reader_close(&reader);
  return status;
}

enum status journal_verify(const char *data_dir, const char *account, struct journal_report *report, struct problem *problem) {
  struct journal_tail tail;
  return journal_check_chain(data_dir, account, report, &tail, problem);
}
