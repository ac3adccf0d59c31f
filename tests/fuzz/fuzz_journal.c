/* Any bytes as a segment: the reader ends with an answer, and what it gives out lies within the bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "runner/journal_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *file_path(void) {
  static char path[64];
  if (path[0] == '\0') snprintf(path, sizeof path, "/tmp/breakout-fuzz-%ld.bbj", (long)getpid());
  return path;
}

/* Checksums are mended, or the fuzzer would never get past them. */
static void mend(unsigned char *bytes, size_t size) {
  if (size < JOURNAL_HEADER_BYTES) return;
  struct journal_header header = {.version = 1, .first_seq = 1, .account = "paper"};
  journal_header_encode(&header, bytes);
  for (size_t at = JOURNAL_HEADER_BYTES; at + JOURNAL_RECORD_HEADER_BYTES <= size;) {
    size_t length = journal_get_u32(bytes + at) % 64;
    if (length < 19 || length > size - at - 8) return;
    if (bytes[at + 7] % 8 == 0) return; /* some stay wrong */
    journal_put_u32(bytes + at, (uint32_t)length);
    journal_put_u32(bytes + at + 4, crc32c(0, bytes + at + 8, length));
    at += 8 + length;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char *bytes = malloc(size + 1);
  check(bytes != NULL);
  memcpy(bytes, data, size);
  mend(bytes, size);
  FILE *file = fopen(file_path(), "wb");
  check(file != NULL && fwrite(bytes, 1, size, file) == size);
  fclose(file);
  free(bytes);
  struct journal_reader reader;
  enum status status = journal_reader_open_file(&reader, file_path(), NULL);
  unlink(file_path());
  if (status != STATUS_OK) return 0;
  struct journal_record record;
  uint64_t seq = 0;
  while (journal_reader_next(&reader, &record, NULL) == STATUS_OK) {
    check(seq == 0 || record.seq == seq + 1);
    check(record.payload >= reader.bytes && record.payload + record.size <= reader.bytes + reader.loaded);
    seq = record.seq;
  }
  journal_reader_close(&reader);
  return 0;
}
