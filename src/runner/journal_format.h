/* The bytes of a journal: what reader and writer share. */
#ifndef RUNNER_JOURNAL_FORMAT_H
#define RUNNER_JOURNAL_FORMAT_H

#include "runner/journal.h"

struct journal_header {
  uint32_t version;
  char instance[8];
  char account[JOURNAL_ACCOUNT_MAX];
  char program[24];
  uint64_t first_seq;
  int64_t made_at;
  uint64_t previous_size;
  unsigned char previous_hash[DIGEST_BYTES];
};

void journal_put_u32(unsigned char *out, uint32_t value);
void journal_put_u64(unsigned char *out, uint64_t value);
uint32_t journal_get_u32(const unsigned char *bytes);
uint64_t journal_get_u64(const unsigned char *bytes);

void journal_header_encode(const struct journal_header *header, unsigned char out[JOURNAL_HEADER_BYTES]);
/* STATUS_TRUNCATED, STATUS_BAD_FORMAT (another kind of file), STATUS_NEWER_VERSION, STATUS_CORRUPT. */
NODISCARD enum status journal_header_decode(struct journal_header *header, const unsigned char *bytes, size_t size);

void journal_record_encode(unsigned char *out, const struct journal_record *record);
/* Bytes of the record at bytes, 0 when there is no valid one. */
size_t journal_record_decode(struct journal_record *record, const unsigned char *bytes, size_t size);

/* SHA-256 as bytes. */
void journal_hash(const unsigned char *bytes, size_t size, unsigned char out[DIGEST_BYTES]);
void journal_hash_from_text(const char text[DIGEST_TEXT_MAX], unsigned char out[DIGEST_BYTES]);

/* Segments of the account in order; *out is malloc'd. STATUS_BAD_FORMAT for a name of ours that is none. account NULL: of the only account there. */
NODISCARD enum status journal_list(const char *data_dir, const char *account, struct journal_segment **out, size_t *count, struct problem *problem);
/* A whole segment in memory; *bytes is malloc'd. */
NODISCARD enum status journal_load(const struct journal_segment *segment, unsigned char **bytes, size_t *size, struct problem *problem);

/* The end of a chain, and where its first damage is when there is one. */
struct journal_tail {
  struct journal_segment segment; /* the last one; path "" when there is none */
  struct journal_header header;
  size_t sound_size, file_size;     /* sound 0: not even its header is whole */
  unsigned char hash[DIGEST_BYTES]; /* of the sound part */
  uint64_t previous_size;           /* of the segment before */
  unsigned char previous_hash[DIGEST_BYTES];
  size_t damage_segment, damage_offset;
};
/* Checks a chain as journal_verify does. */
NODISCARD enum status journal_check_chain(const char *data_dir, const char *account, struct journal_report *report, struct journal_tail *tail,
                                          struct problem *problem);

#endif
