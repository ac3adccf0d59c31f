#include "runner/run_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/digest.h"
#include "engine/record.h"

enum { MARK_BYTES = 8, RECORD_BYTES_MAX = 65536, PATH_BYTES = 1024 };

const struct schema *run_file_schema(enum run_file file) {
  static const enum record_kind kinds[RUN_FILE_COUNT] = {RECORD_TRADE, RECORD_EQUITY, RECORD_DECISION};
  return record_schemas[kinds[file]];
}

const char *run_file_name(enum run_file file) {
  static const char *const names[RUN_FILE_COUNT] = {"trades.rec", "equity.rec", "decisions.rec"};
  return names[file];
}

/* Form, and a sum of the fields' names and kinds: records of another version of the program are not taken for ours. */
static void make_mark(const struct schema *schema, unsigned char mark[MARK_BYTES]) {
  uint32_t sum = 0;
  for (int i = 0; i < schema->field_count; i++) {
    const unsigned char kind = (unsigned char)schema->fields[i].kind;
    sum = crc32c(sum, schema->fields[i].name, strlen(schema->fields[i].name));
    sum = crc32c(sum, &kind, 1);
  }
  memcpy(mark, "BBR1", 4);
  for (int i = 0; i < 4; i++) mark[4 + i] = (unsigned char)(sum >> (8 * i));
}

void run_file_print(enum run_file file, const void *items, int64_t count, struct buffer *out) {
  const struct schema *schema = run_file_schema(file);
  unsigned char mark[MARK_BYTES];
  unsigned char record[2 + RECORD_BYTES_MAX];
  make_mark(schema, mark);
  buffer_add(out, mark, sizeof mark);
  for (int64_t i = 0; i < count; i++) {
    size_t size = schema_encode(schema, (const unsigned char *)items + (size_t)i * schema->size, record + 2, RECORD_BYTES_MAX - 1);
    check(size > 0);
    record[0] = (unsigned char)(size & 255u);
    record[1] = (unsigned char)(size >> 8);
    buffer_add(out, record, size + 2);
  }
}

/* Lengths first: how many records there are, so that memory is taken once. -1 when the lengths do not add up. */
static int64_t count_records(const unsigned char *bytes, size_t size) {
  int64_t count = 0;
  size_t at = MARK_BYTES;
  while (at < size) {
    if (size - at < 2) return -1;
    at += 2 + (size_t)(bytes[at] | bytes[at + 1] << 8);
    ++count;
  }
  return at == size ? count : -1;
}

static enum status decode(const struct schema *schema, const unsigned char *bytes, int64_t count, void **items) {
  unsigned char *out = calloc((size_t)count + 1, schema->size);
  if (out == NULL) return STATUS_NO_MEMORY;
  size_t at = MARK_BYTES;
  for (int64_t i = 0; i < count; i++) {
    size_t size = (size_t)(bytes[at] | bytes[at + 1] << 8);
    if (size == 0 || schema_decode(schema, out + (size_t)i * schema->size, bytes + at + 2, size) != size) {
      free(out);
      return STATUS_CORRUPT;
    }
    at += 2 + size;
  }
  *items = out;
  return STATUS_OK;
}

enum status run_file_read(const char *folder, enum run_file file, void **items, int64_t *count, struct problem *problem) {
  const struct schema *schema = run_file_schema(file);
  unsigned char mark[MARK_BYTES];
  char path[PATH_BYTES];
  struct buffer text = {0};
  *items = NULL;
  *count = 0;
  snprintf(path, sizeof path, "%s/%s", folder, run_file_name(file));
  enum status status = buffer_read_file(&text, path, RUN_FILE_BYTES_MAX, problem);
  if (status) goto out;
  const unsigned char *bytes = (const unsigned char *)text.data;
  make_mark(schema, mark);
  int64_t found = text.length >= MARK_BYTES ? count_records(bytes, text.length) : -1;
  if (found < 0 || memcmp(bytes, mark, 4) != 0) {
    status = STATUS_CORRUPT;
    problem_add(problem, "corrupt", path, NULL, NULL, "the file is damaged");
  } else if (memcmp(bytes, mark, sizeof mark) != 0) {
    status = STATUS_NEWER_VERSION;
    problem_add(problem, "other_version", path, NULL, NULL, "the run was made by another version of the program: start it again");
  } else {
    status = decode(schema, bytes, found, items);
    if (status == STATUS_CORRUPT) problem_add(problem, "corrupt", path, NULL, NULL, "a record of the file is damaged");
  }
  if (!status) *count = found;
out:
  buffer_deinit(&text);
  return status;
}
