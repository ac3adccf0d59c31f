/* The journal: what was flushed comes back, what was torn is cut, what is damaged is refused, and a sick disk loses nothing that memory can hold. */
#define _GNU_SOURCE
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/calendar.h"
#include "base/problem.h"
#include "runner/journal_format.h"
#include "support/scratch.h"

#define DAY INT64_C(1748736000000) /* 2025-06-01 */

static char folder[200];

static int make_folder(void **state) {
  (void)state;
  return !scratch_make(folder, sizeof folder, "breakout-journal");
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

static struct journal_options options(void) {
  return (struct journal_options){.data_dir = folder, .account = "paper", .instance = "ABC123", .reserve_bytes = 64 << 10};
}

static struct journal *open_with(const struct journal_options *with) {
  struct problem problem;
  problem_clear(&problem);
  struct journal *journal;
  enum status status = journal_open(&journal, with, &problem);
  if (status != STATUS_OK) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  return journal;
}

static struct journal *open_journal(void) {
  struct journal_options with = options();
  return open_with(&with);
}

/* Records whose payload tells their seq; lengths differ. */
static void append_numbers(struct journal *journal, int count, int64_t ts) {
  for (int i = 0; i < count; i++) {
    unsigned char payload[40];
    uint64_t seq = journal_last_seq(journal) + 1;
    memset(payload, (int)(seq & 0xff), sizeof payload);
    journal_put_u64(payload, seq);
    assert_int_equal(journal_append(journal, ts + i, JOURNAL_RECORD, (int32_t)(seq % 300), payload, 8 + seq % 32), seq);
  }
}

static void write_numbers(int count) {
  struct journal *journal = open_journal();
  append_numbers(journal, count, DAY);
  journal_close(journal);
}

/* Reads all from `from` on; returns how many there were. */
static int read_numbers(uint64_t from) {
  struct journal_reader reader;
  struct problem problem;
  problem_clear(&problem);
  if (journal_reader_open(&reader, folder, "paper", from, &problem) != STATUS_OK) return -1;
  struct journal_record record;
  enum status status;
  int count = 0;
  while ((status = journal_reader_next(&reader, &record, &problem)) == STATUS_OK) {
    assert_int_equal(record.seq, from + (uint64_t)count);
    if (record.direction == JOURNAL_RECORD) {
      assert_int_equal(record.size, 8 + record.seq % 32);
      assert_int_equal(journal_get_u64(record.payload), record.seq);
      assert_int_equal(record.kind, record.seq % 300);
    }
    ++count;
  }
  if (status != STATUS_END) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_END);
  journal_reader_close(&reader);
  return count;
}

/* ---- files by hand ---- */

static void segment_path(char out[256], const char *name) {
  snprintf(out, 256, "%s/journal/%s", folder, name);
}

static struct buffer read_file(const char *name) {
  char path[256];
  segment_path(path, name);
  struct buffer buffer = {0};
  assert_int_equal(buffer_read_file(&buffer, path, 1 << 27, NULL), STATUS_OK);
  return buffer;
}

static void write_file(const char *name, const void *bytes, size_t size) {
  char path[256];
  segment_path(path, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

static bool has_file(const char *name) {
  char path[256];
  segment_path(path, name);
  return access(path, F_OK) == 0;
}

#define FIRST "paper-0000000000000001.bbj"

static enum status open_refused(struct problem *problem) {
  struct journal_options with = options();
  struct journal *journal;
  problem_clear(problem);
  enum status status = journal_open(&journal, &with, problem);
  if (status == STATUS_OK) journal_close(journal);
  return status;
}

/* How a reader ends that takes every record. */
static enum status read_to_the_end(void) {
  struct journal_reader reader;
  struct problem problem;
  problem_clear(&problem);
  enum status status = journal_reader_open(&reader, folder, "paper", 1, &problem);
  if (status != STATUS_OK) return status;
  struct journal_record record;
  while (status == STATUS_OK) status = journal_reader_next(&reader, &record, &problem);
  journal_reader_close(&reader);
  return status;
}

/* ---- tests ---- */

static void test_comes_back(void **state) {
  (void)state;
  write_numbers(1000);
  assert_int_equal(read_numbers(1), 1000);
  assert_int_equal(read_numbers(700), 301);
  assert_int_equal(read_numbers(1001), 0);
  write_numbers(10); /* another process goes on */
  assert_int_equal(read_numbers(1), 1010);
  struct journal_report report;
  assert_int_equal(journal_verify(folder, "paper", &report, NULL), STATUS_OK);
  assert_int_equal(report.segments, 2);
  assert_int_equal(report.records, 1010);
  assert_int_equal(report.by_direction[JOURNAL_RECORD], 1010);
  assert_int_equal(report.last_seq, 1010);
  assert_int_equal(report.torn_bytes, 0);
}

static void test_nothing_there(void **state) {
  (void)state;
  struct journal_reader reader;
  assert_int_equal(journal_reader_open(&reader, folder, "paper", 1, NULL), STATUS_NO_DATA);
  journal_close(open_journal()); /* nothing appended: no segment */
  assert_false(has_file(FIRST));
}

static void test_segments_rotate(void **state) {
  (void)state;
  struct journal_options with = options();
  with.segment_bytes = 4096;
  struct journal *journal = open_with(&with);
  append_numbers(journal, 1000, DAY);
  append_numbers(journal, 10, DAY + DAY_MS);
  assert_true(journal_counts(journal)->segments > 10);
  journal_close(journal);
  assert_int_equal(read_numbers(1), 1010);
  struct journal_report report;
  assert_int_equal(journal_verify(folder, "paper", &report, NULL), STATUS_OK);
  assert_int_equal(report.last_ts, DAY + DAY_MS + 9);
  struct journal_segment *segments;
  size_t count;
  assert_int_equal(journal_list(folder, "paper", &segments, &count, NULL), STATUS_OK);
  for (size_t i = 0; i < count; i++) {
    struct stat info;
    assert_int_equal(stat(segments[i].path, &info), 0);
    assert_true(info.st_size <= 4096);
  }
  assert_int_equal(segments[count - 1].first_seq, 1001); /* the next day has its own */
  free(segments);
}

static void test_torn_at_every_byte(void **state) {
  (void)state;
  write_numbers(20);
  struct buffer whole = read_file(FIRST);
  size_t last = JOURNAL_RECORD_HEADER_BYTES + 8 + 20 % 32;
  for (size_t cut = whole.length - last; cut < whole.length; cut++) {
    write_file(FIRST, whole.data, cut);
    struct journal *journal = open_journal();
    assert_int_equal(journal_last_seq(journal), 19);
    assert_int_equal(journal_found(journal)->torn_bytes, cut - (whole.length - last));
    append_numbers(journal, 5, DAY);
    journal_close(journal);
    assert_int_equal(read_numbers(1), 24);
    assert_int_equal(has_file(FIRST ".torn"), cut > whole.length - last);
    remove_folder(NULL);
    mkdir(folder, 0700);
    char path[256];
    segment_path(path, "");
    mkdir(path, 0700);
  }
  buffer_deinit(&whole);
}

static void test_torn_header(void **state) {
  (void)state;
  write_numbers(3);
  struct buffer whole = read_file(FIRST);
  for (size_t cut = 0; cut <= JOURNAL_HEADER_BYTES; cut += 7) {
    write_file(FIRST, whole.data, cut);
    struct journal *journal = open_journal();
    assert_int_equal(journal_last_seq(journal), 0);
    append_numbers(journal, 3, DAY);
    journal_close(journal);
    assert_int_equal(read_numbers(1), 3);
    char path[256];
    segment_path(path, FIRST);
    unlink(path);
  }
  buffer_deinit(&whole);
}

static void test_zero_tail_is_cut(void **state) {
  (void)state;
  write_numbers(20);
  struct buffer whole = read_file(FIRST);
  size_t length = whole.length;
  char zeros[5000] = {0};
  buffer_add(&whole, zeros, sizeof zeros);
  write_file(FIRST, whole.data, whole.length);
  assert_int_equal(read_numbers(1), 20); /* a reader sees the end as well */
  struct journal *journal = open_journal();
  assert_int_equal(journal_found(journal)->torn_bytes, sizeof zeros);
  append_numbers(journal, 1, DAY);
  journal_close(journal);
  assert_int_equal(read_numbers(1), 21);
  struct buffer torn = read_file(FIRST ".torn"), cut = read_file(FIRST);
  assert_int_equal(torn.length, sizeof zeros);
  assert_int_equal(cut.length, length);
  buffer_deinit(&torn);
  buffer_deinit(&cut);
  buffer_deinit(&whole);
}

static void test_flipped_byte_is_refused(void **state) {
  (void)state;
  write_numbers(50);
  struct buffer whole = read_file(FIRST);
  struct problem problem;
  for (size_t at = 0; at + 80 < whole.length; at += 3) {
    whole.data[at] = (char)(whole.data[at] ^ 0x10);
    write_file(FIRST, whole.data, whole.length);
    enum status status = open_refused(&problem);
    whole.data[at] = (char)(whole.data[at] ^ 0x10);
    assert_true(status == STATUS_CORRUPT || (at < 8 && (status == STATUS_BAD_FORMAT || status == STATUS_NEWER_VERSION)));
    assert_int_equal(problem.errors, 1);
    assert_non_null(strstr(problem.items[0].path, FIRST));
  }
  buffer_deinit(&whole);
}

static void test_repair_cuts_and_keeps(void **state) {
  (void)state;
  struct journal_options with = options();
  with.segment_bytes = 2048;
  struct journal *journal = open_with(&with);
  append_numbers(journal, 200, DAY);
  journal_close(journal);
  struct journal_segment *segments;
  size_t count;
  assert_int_equal(journal_list(folder, "paper", &segments, &count, NULL), STATUS_OK);
  assert_true(count > 3);
  struct stat info;
  assert_int_equal(stat(segments[1].path, &info), 0);
  int file = open(segments[1].path, O_WRONLY);
  assert_int_equal(pwrite(file, "\xff", 1, info.st_size / 2), 1);
  close(file);
  struct problem problem;
  assert_int_equal(open_refused(&problem), STATUS_CORRUPT);
  int64_t lost;
  assert_int_equal(journal_repair(folder, "paper", &lost, NULL), STATUS_OK);
  assert_true(lost > info.st_size / 2 - 64);
  journal = open_journal();
  uint64_t last = journal_last_seq(journal);
  assert_true(last >= segments[1].first_seq && last < segments[2].first_seq);
  append_numbers(journal, 1, DAY);
  journal_close(journal);
  assert_int_equal(read_numbers(1), last + 1);
  free(segments);
}

static void test_missing_and_exchanged_segments(void **state) {
  (void)state;
  struct journal_options with = options();
  with.segment_bytes = 2048;
  struct journal *journal = open_with(&with);
  append_numbers(journal, 200, DAY);
  journal_close(journal);
  struct journal_segment *segments;
  size_t count;
  assert_int_equal(journal_list(folder, "paper", &segments, &count, NULL), STATUS_OK);
  char aside[JOURNAL_PATH_MAX + 8];
  snprintf(aside, sizeof aside, "%s.aside", segments[2].path);
  assert_int_equal(read_to_the_end(), STATUS_END);
  rename(segments[2].path, aside);
  struct problem problem;
  assert_int_equal(open_refused(&problem), STATUS_CORRUPT);
  assert_int_equal(read_to_the_end(), STATUS_CORRUPT); /* what follows the gap is not what came next */
  rename(aside, segments[2].path);
  /* A segment with the same numbers but another past breaks the chain of hashes. */
  struct buffer bytes = {0};
  assert_int_equal(buffer_read_file(&bytes, segments[1].path, 1 << 20, NULL), STATUS_OK);
  struct journal_header header;
  assert_int_equal(journal_header_decode(&header, (unsigned char *)bytes.data, bytes.length), STATUS_OK);
  header.made_at += 1;
  journal_header_encode(&header, (unsigned char *)bytes.data);
  FILE *file = fopen(segments[1].path, "wb");
  fwrite(bytes.data, 1, bytes.length, file);
  fclose(file);
  assert_int_equal(open_refused(&problem), STATUS_CORRUPT);
  assert_non_null(strstr(problem.items[0].message, "is not the one that was written"));
  buffer_deinit(&bytes);
  free(segments);
}

/* Segments alike in size: only the numbers tell that one is missing. */
static void test_missing_segment_among_equals(void **state) {
  (void)state;
  struct journal_options with = options();
  with.segment_bytes = 2048;
  struct journal *journal = open_with(&with);
  const unsigned char payload[8] = {0};
  for (int i = 0; i < 300; i++) assert_true(journal_append(journal, DAY + i, JOURNAL_RECORD, 1, payload, sizeof payload) > 0);
  journal_close(journal);
  struct journal_segment *segments;
  size_t count;
  assert_int_equal(journal_list(folder, "paper", &segments, &count, NULL), STATUS_OK);
  struct stat one, other;
  assert_true(count > 3 && stat(segments[1].path, &one) == 0 && stat(segments[2].path, &other) == 0);
  assert_int_equal(one.st_size, other.st_size);
  assert_int_equal(read_to_the_end(), STATUS_END);
  assert_int_equal(unlink(segments[2].path), 0);
  assert_int_equal(read_to_the_end(), STATUS_CORRUPT);
  free(segments);
}

static void test_double_record_is_refused(void **state) {
  (void)state;
  write_numbers(20);
  struct buffer whole = read_file(FIRST);
  size_t last = JOURNAL_RECORD_HEADER_BYTES + 8 + 20 % 32;
  char copy[128];
  memcpy(copy, whole.data + whole.length - last, last);
  buffer_add(&whole, copy, last);
  write_file(FIRST, whole.data, whole.length);
  struct problem problem;
  assert_int_equal(open_refused(&problem), STATUS_CORRUPT);
  assert_non_null(strstr(problem.items[0].message, "missing or double"));
  buffer_deinit(&whole);
}

static void test_foreign_and_newer_files(void **state) {
  (void)state;
  write_numbers(3);
  struct buffer whole = read_file(FIRST);
  struct problem problem;
  char newer[8] = {'B', 'B', 'J', '1', JOURNAL_VERSION + 1, 0, 0, 0};
  struct buffer changed = {0};
  buffer_add(&changed, whole.data, whole.length);
  memcpy(changed.data, newer, sizeof newer);
  write_file(FIRST, changed.data, changed.length);
  assert_int_equal(open_refused(&problem), STATUS_NEWER_VERSION);
  write_file(FIRST, "PK\003\004 something else entirely", 28);
  assert_int_equal(open_refused(&problem), STATUS_BAD_FORMAT);
  struct journal_header header;
  assert_int_equal(journal_header_decode(&header, (unsigned char *)whole.data, whole.length), STATUS_OK);
  strcpy(header.account, "live");
  journal_header_encode(&header, (unsigned char *)whole.data);
  write_file(FIRST, whole.data, whole.length);
  assert_int_equal(open_refused(&problem), STATUS_BAD_FORMAT);
  assert_string_equal(problem.items[0].code, "foreign_journal");
  buffer_deinit(&whole);
  buffer_deinit(&changed);
}

static void test_second_writer_is_refused(void **state) {
  (void)state;
  struct journal *journal = open_journal();
  struct problem problem;
  assert_int_equal(open_refused(&problem), STATUS_LEASE_HELD);
  char pid[16];
  snprintf(pid, sizeof pid, "pid %ld", (long)getpid());
  assert_non_null(strstr(problem.items[0].message, pid));
  int64_t lost;
  assert_int_equal(journal_repair(folder, "paper", &lost, NULL), STATUS_LEASE_HELD);
  journal_close(journal);
  assert_int_equal(open_refused(&problem), STATUS_OK);
}

static void test_bad_accounts(void **state) {
  (void)state;
  static const char *const names[] = {"", "../x", ".hidden", "a/b", "this-name-is-longer-than-a-name-may-ever-be"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct journal_options with = options();
    with.account = names[i];
    struct journal *journal;
    assert_int_equal(journal_open(&journal, &with, NULL), STATUS_BAD_INPUT);
  }
}

static void test_read_only_folder(void **state) {
  (void)state;
  if (geteuid() == 0) {
    print_message("skipped: root may write everywhere\n");
    skip();
  }
  chmod(folder, 0500);
  struct problem problem;
  assert_int_equal(open_refused(&problem), STATUS_NO_PERMISSION);
  chmod(folder, 0700);
}

static void test_compressed_segments_are_read(void **state) {
  (void)state;
  struct journal_options with = options();
  with.segment_bytes = 8192;
  struct journal *journal = open_with(&with);
  append_numbers(journal, 500, DAY);
  assert_false(journal_compress_old(journal, DAY)); /* files are younger than a day */
  struct stat info;
  char path[256];
  segment_path(path, FIRST);
  assert_int_equal(stat(path, &info), 0);
  int64_t later = (int64_t)info.st_mtime * 1000 + 2 * DAY_MS;
  int done = 0;
  while (journal_compress_old(journal, later)) ++done;
  assert_true(done > 1);
  assert_true(has_file(FIRST ".gz") && !has_file(FIRST));
  append_numbers(journal, 5, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
  assert_int_equal(read_numbers(1), 505);
  journal_close(journal);
  write_numbers(1);
  assert_int_equal(read_numbers(1), 506);
  struct journal_report report;
  assert_int_equal(journal_verify(folder, "paper", &report, NULL), STATUS_OK);
  assert_int_equal(report.records, 506);
}

static void test_old_segments_go(void **state) {
  (void)state;
  struct journal_options with = options();
  with.segment_bytes = 8192;
  struct journal *journal = open_with(&with);
  append_numbers(journal, 500, DAY);
  assert_int_equal(journal_remove_old(journal, INT64_MAX, 1), 0); /* the oldest open position needs all */
  assert_true(journal_remove_old(journal, INT64_MAX, 300) > 0);
  append_numbers(journal, 5, DAY);
  journal_close(journal);
  journal = open_journal(); /* a chain may begin anywhere */
  assert_int_equal(journal_last_seq(journal), 505);
  journal_close(journal);
}

/* ---- sick disks ---- */

static struct {
  int64_t writes, syncs;
  int64_t fail_write_from, fail_write_to; /* calls that fail */
  int64_t fail_sync_from, fail_sync_to;
  int write_error;
  size_t short_write; /* at most this many bytes a call; 0: all */
  int reserve_error;
} disk;

static ssize_t sick_write(int file, const void *bytes, size_t size) {
  ++disk.writes;
  if (disk.writes >= disk.fail_write_from && disk.writes < disk.fail_write_to) {
    errno = disk.write_error;
    return -1;
  }
  if (disk.short_write > 0 && size > disk.short_write) size = disk.short_write;
  return write(file, bytes, size);
}

static int sick_sync(int file) {
  ++disk.syncs;
  if (disk.syncs >= disk.fail_sync_from && disk.syncs < disk.fail_sync_to) {
    errno = EIO;
    return -1;
  }
  return fdatasync(file);
}

static int sick_reserve(int file, off_t offset, off_t length) {
  (void)file, (void)offset, (void)length;
  errno = disk.reserve_error;
  return disk.reserve_error != 0 ? -1 : 0;
}

static const struct journal_io sick_io = {sick_write, sick_sync, sick_reserve};

static struct journal *open_sick(size_t buffer_bytes) {
  memset(&disk, 0, sizeof disk);
  struct journal_options with = options();
  with.io = &sick_io;
  with.buffer_bytes = buffer_bytes;
  return open_with(&with);
}

static void test_short_and_interrupted_writes(void **state) {
  (void)state;
  struct journal *journal = open_sick(0);
  disk.short_write = 7;
  disk.fail_write_from = 5;
  disk.fail_write_to = 9;
  disk.write_error = EINTR;
  append_numbers(journal, 100, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
  journal_close(journal);
  assert_int_equal(read_numbers(1), 100);
}

static void test_every_write_may_fail(void **state) {
  (void)state;
  for (int64_t n = 1; n <= 12; n++) {
    struct journal *journal = open_sick(0);
    uint64_t before = journal_last_seq(journal);
    disk.fail_write_from = n;
    disk.fail_write_to = n + 2;
    disk.write_error = EIO;
    for (int i = 0; i < 20; i++) {
      append_numbers(journal, 5, DAY + 2000 * i);
      enum status status = journal_flush(journal, DAY + 2000 * i);
      assert_true(status == STATUS_OK || status == STATUS_IO_FAILED);
      assert_int_equal(journal_is_available(journal), status == STATUS_OK);
    }
    journal_close(journal);
    assert_int_equal(read_numbers(1), before + 100);
  }
}

/* Until nothing is under way or an error was seen. */
static enum status finish_later(struct journal *journal, int64_t ts) {
  enum status status = STATUS_OK;
  while (journal_pending(journal) > 0 && status == STATUS_OK) {
    status = journal_flush_later(journal, ts);
    sched_yield();
  }
  return status;
}

static void test_later_flushes_lose_nothing(void **state) {
  (void)state;
  struct journal_options with = options();
  with.segment_bytes = 8192;
  struct journal *journal = open_with(&with);
  for (int i = 0; i < 300; i++) {
    append_numbers(journal, 3, DAY);
    assert_int_equal(journal_flush_later(journal, DAY), STATUS_OK);
    append_numbers(journal, 2, DAY); /* while the thread writes, or not */
    if (i % 7 == 0) assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
    if (i % 7 == 0) assert_int_equal(journal_pending(journal), 0);
    if (i % 11 == 0) assert_int_equal(finish_later(journal, DAY), STATUS_OK);
  }
  assert_int_equal(journal_flush_later(journal, DAY), STATUS_OK);
  journal_close(journal);
  assert_int_equal(read_numbers(1), 1500);
}

static void test_later_flushes_may_fail(void **state) {
  (void)state;
  uint64_t expected = 0;
  for (int64_t n = 1; n <= 24; n++) {
    struct journal *journal = open_sick(0);
    append_numbers(journal, 5, DAY);
    assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
    bool is_of_sync = n % 2 == 0;
    int64_t calls = is_of_sync ? disk.syncs : disk.writes;
    /* Writing is tried again once: it fails twice. */
    *(is_of_sync ? &disk.fail_sync_from : &disk.fail_write_from) = calls + (n + 1) / 2;
    *(is_of_sync ? &disk.fail_sync_to : &disk.fail_write_to) = calls + (n + 1) / 2 + (is_of_sync ? 1 : 2);
    disk.write_error = n % 4 == 1 ? EIO : ENOSPC;
    disk.short_write = 50;
    bool was_refused = false;
    for (int i = 1; i <= 20; i++) {
      append_numbers(journal, 5, DAY + 2000 * i);
      if (finish_later(journal, DAY + 2000 * i) == STATUS_OK) continue;
      was_refused = true;
      assert_false(journal_is_available(journal));
    }
    assert_true(was_refused == (is_of_sync || disk.write_error == EIO));
    append_numbers(journal, 5, DAY + 50000);
    disk.fail_sync_from = disk.syncs + 1;
    disk.fail_sync_to = disk.syncs + 2;
    assert_int_equal(journal_flush_later(journal, DAY + 50000), STATUS_OK);
    journal_close(journal); /* sees the failure and writes them again */
    expected += 110;
    assert_int_equal(read_numbers(1), expected);
  }
}

static void test_failed_sync_breaks_the_segment(void **state) {
  (void)state;
  struct journal *journal = open_sick(0);
  append_numbers(journal, 10, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
  disk.fail_sync_from = disk.syncs + 1;
  disk.fail_sync_to = disk.syncs + 2;
  append_numbers(journal, 10, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_IO_FAILED);
  assert_false(journal_is_available(journal));
  int64_t calls = disk.syncs;
  assert_int_equal(journal_flush(journal, DAY + 500), STATUS_IO_FAILED); /* not before a second */
  assert_int_equal(disk.syncs, calls);
  assert_int_equal(journal_flush(journal, DAY + 1000), STATUS_OK);
  assert_true(journal_is_available(journal));
  assert_true(has_file("paper-000000000000000b.bbj")); /* the same records, another file */
  journal_close(journal);
  assert_int_equal(read_numbers(1), 20);
}

/* Written by a killed process, and read by the next one: it must be on disk before a segment follows whose header counts on it. */
static void test_what_is_found_is_flushed(void **state) {
  (void)state;
  write_numbers(20);
  struct journal *journal = open_sick(0);
  assert_int_equal(disk.syncs, 1);
  journal_close(journal);
  memset(&disk, 0, sizeof disk);
  struct journal_options with = options();
  with.io = &sick_io;
  disk.fail_sync_from = 1;
  disk.fail_sync_to = 2;
  struct problem problem;
  problem_clear(&problem);
  assert_int_equal(journal_open(&journal, &with, &problem), STATUS_IO_FAILED);
  assert_string_equal(problem.items[0].code, "cannot_flush");
  assert_int_equal(read_numbers(1), 20);
}

static void test_reserve_serves_a_full_disk(void **state) {
  (void)state;
  struct journal *journal = open_sick(0);
  assert_true(has_file(".reserve"));
  append_numbers(journal, 10, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
  disk.fail_write_from = disk.writes + 1;
  disk.fail_write_to = disk.writes + 2;
  disk.write_error = ENOSPC;
  append_numbers(journal, 10, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK); /* an exit got through */
  assert_false(journal_is_available(journal));              /* an entry must not */
  assert_false(has_file(".reserve"));
  disk.reserve_error = ENOSPC;
  assert_int_equal(journal_flush(journal, DAY + 1000), STATUS_OK);
  assert_false(journal_is_available(journal));
  disk.reserve_error = 0;
  assert_int_equal(journal_flush(journal, DAY + 3000), STATUS_OK);
  assert_true(journal_is_available(journal));
  journal_close(journal);
  assert_int_equal(read_numbers(1), 20);
}

/* Midnight on a full disk: the old segment has ended, the new one cannot begin without the reserve. */
static void test_reserve_serves_a_new_segment(void **state) {
  (void)state;
  struct journal *journal = open_sick(0);
  append_numbers(journal, 10, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
  disk.fail_write_from = disk.writes + 1;
  disk.fail_write_to = disk.writes + 2;
  disk.write_error = ENOSPC;
  append_numbers(journal, 10, DAY + 86400000);
  assert_int_equal(journal_flush(journal, DAY + 86400000), STATUS_OK);
  assert_false(journal_is_available(journal));
  assert_false(has_file(".reserve"));
  assert_true(has_file("paper-000000000000000b.bbj"));
  assert_int_equal(journal_flush(journal, DAY + 86400000 + 3000), STATUS_OK);
  assert_true(journal_is_available(journal));
  journal_close(journal);
  assert_int_equal(read_numbers(1), 20);
}

static void test_memory_is_bounded_and_the_loss_is_told(void **state) {
  (void)state;
  struct journal *journal = open_sick(8192);
  disk.fail_write_from = 1;
  disk.fail_write_to = INT64_MAX;
  disk.write_error = EIO;
  int kept = 0, lost = 0;
  for (int i = 0; i < 1000; i++) {
    unsigned char payload[40] = {0};
    uint64_t seq = journal_last_seq(journal) + 1;
    journal_put_u64(payload, seq);
    if (journal_append(journal, DAY, JOURNAL_RECORD, (int32_t)(seq % 300), payload, 8 + seq % 32) != 0) {
      assert_int_equal(lost, 0); /* no record after a lost one */
      ++kept;
    } else {
      ++lost;
    }
  }
  assert_true(kept > 50 && lost > 0);
  disk.fail_write_to = 0;
  assert_int_equal(journal_flush(journal, DAY + 5000), STATUS_OK);
  append_numbers(journal, 3, DAY + 5000);
  journal_close(journal);
  assert_int_equal(read_numbers(1), kept + 1 + 3);
  struct journal_report report;
  assert_int_equal(journal_verify(folder, "paper", &report, NULL), STATUS_OK);
  assert_int_equal(report.lost, lost);
}

static void test_full_file_system(void **state) {
  (void)state;
  if (geteuid() != 0 || mount("none", folder, "tmpfs", 0, "size=256k") != 0) {
    print_message("skipped: needs the right to mount\n");
    skip();
  }
  struct journal_options with = options();
  struct journal *journal = open_with(&with);
  char path[256];
  snprintf(path, sizeof path, "%s/ballast", folder);
  append_numbers(journal, 10, DAY);
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
  static unsigned char ballast[1 << 20];
  int file = open(path, O_WRONLY | O_CREAT, 0600);
  while (write(file, ballast, 4096) > 0) continue;
  close(file);
  append_numbers(journal, 400, DAY); /* more than the page at hand, less than the reserve */
  assert_int_equal(journal_flush(journal, DAY), STATUS_OK);
  assert_false(journal_is_available(journal));
  int64_t ts = DAY;
  while (journal_flush(journal, ts) == STATUS_OK && ts < DAY + 100000) {
    append_numbers(journal, 100, ts);
    ts += 10;
  }
  assert_int_equal(journal_flush(journal, ts), STATUS_NO_SPACE);
  uint64_t last = journal_last_seq(journal);
  unlink(path);
  assert_int_equal(journal_flush(journal, ts + 2000), STATUS_OK);
  assert_int_equal(journal_flush(journal, ts + 4000), STATUS_OK);
  assert_true(journal_is_available(journal));
  journal_close(journal);
  assert_int_equal(read_numbers(1), last);
  umount(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_comes_back),
      TEST(test_nothing_there),
      TEST(test_segments_rotate),
      TEST(test_torn_at_every_byte),
      TEST(test_torn_header),
      TEST(test_zero_tail_is_cut),
      TEST(test_flipped_byte_is_refused),
      TEST(test_repair_cuts_and_keeps),
      TEST(test_missing_and_exchanged_segments),
      TEST(test_missing_segment_among_equals),
      TEST(test_double_record_is_refused),
      TEST(test_foreign_and_newer_files),
      TEST(test_second_writer_is_refused),
      TEST(test_bad_accounts),
      TEST(test_read_only_folder),
      TEST(test_compressed_segments_are_read),
      TEST(test_old_segments_go),
      TEST(test_short_and_interrupted_writes),
      TEST(test_every_write_may_fail),
      TEST(test_later_flushes_lose_nothing),
      TEST(test_later_flushes_may_fail),
      TEST(test_failed_sync_breaks_the_segment),
      TEST(test_what_is_found_is_flushed),
      TEST(test_reserve_serves_a_full_disk),
      TEST(test_reserve_serves_a_new_segment),
      TEST(test_memory_is_bounded_and_the_loss_is_told),
      TEST(test_full_file_system),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
