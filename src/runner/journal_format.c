#include "runner/journal_format.h"

#include <string.h>

#include "base/text.h"

const char *const journal_direction_names[] = {"event", "intent", "record", "mark"};
const char *const journal_mark_names[] = {"engine", "clean", "lost", "snapshot"};

static const char magic[4] = {'B', 'B', 'J', '1'};

/* Offsets of the header's fields. */
enum {
  AT_VERSION = 4,
  AT_INSTANCE = 8,
  AT_ACCOUNT = 16,
  AT_PROGRAM = 56,
  AT_FIRST_SEQ = 80,
  AT_MADE_AT = 88,
  AT_PREVIOUS_SIZE = 96,
  AT_PREVIOUS_HASH = 104,
  AT_CRC = 136
};
/* Of a record's. */
enum { AT_RECORD_CRC = 4, AT_RECORD_SEQ = 8, AT_RECORD_TS = 16, AT_RECORD_DIRECTION = 24, AT_RECORD_KIND = 25 };
enum { FIXED_BYTES = JOURNAL_RECORD_HEADER_BYTES - AT_RECORD_SEQ };

void journal_put_u32(unsigned char *out, uint32_t value) {
  for (int i = 0; i < 4; i++) out[i] = (unsigned char)(value >> (8 * i));
}

void journal_put_u64(unsigned char *out, uint64_t value) {
  for (int i = 0; i < 8; i++) out[i] = (unsigned char)(value >> (8 * i));
}

uint32_t journal_get_u32(const unsigned char *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint64_t journal_get_u64(const unsigned char *bytes) {
  return journal_get_u32(bytes) | (uint64_t)journal_get_u32(bytes + 4) << 32;
}

/* Texts of the header fill their field with zeros. */
static void put_text(unsigned char *out, size_t size, const char *text) {
  memset(out, 0, size);
  memcpy(out, text, strnlen(text, size - 1));
}

void journal_header_encode(const struct journal_header *header, unsigned char out[JOURNAL_HEADER_BYTES]) {
  memcpy(out, magic, sizeof magic);
  journal_put_u32(out + AT_VERSION, header->version);
  put_text(out + AT_INSTANCE, sizeof header->instance, header->instance);
  put_text(out + AT_ACCOUNT, sizeof header->account, header->account);
  put_text(out + AT_PROGRAM, sizeof header->program, header->program);
  journal_put_u64(out + AT_FIRST_SEQ, header->first_seq);
  journal_put_u64(out + AT_MADE_AT, (uint64_t)header->made_at);
  journal_put_u64(out + AT_PREVIOUS_SIZE, header->previous_size);
  memcpy(out + AT_PREVIOUS_HASH, header->previous_hash, DIGEST_BYTES);
  journal_put_u32(out + AT_CRC, crc32c(0, out, AT_CRC));
}

enum status journal_header_decode(struct journal_header *header, const unsigned char *bytes, size_t size) {
  if (size < sizeof magic) return STATUS_TRUNCATED;
  if (memcmp(bytes, magic, sizeof magic) != 0) return STATUS_BAD_FORMAT;
  if (size < AT_INSTANCE) return STATUS_TRUNCATED;
  memset(header, 0, sizeof *header);
  header->version = journal_get_u32(bytes + AT_VERSION);
  if (header->version > JOURNAL_VERSION) return STATUS_NEWER_VERSION;
  if (header->version == 0) return STATUS_BAD_FORMAT;
  if (size < JOURNAL_HEADER_BYTES) return STATUS_TRUNCATED;
  if (journal_get_u32(bytes + AT_CRC) != crc32c(0, bytes, AT_CRC)) return STATUS_CORRUPT;
  text_copy(header->instance, sizeof header->instance, (const char *)bytes + AT_INSTANCE);
  text_copy(header->account, sizeof header->account, (const char *)bytes + AT_ACCOUNT);
  text_copy(header->program, sizeof header->program, (const char *)bytes + AT_PROGRAM);
  header->first_seq = journal_get_u64(bytes + AT_FIRST_SEQ);
  header->made_at = (int64_t)journal_get_u64(bytes + AT_MADE_AT);
  header->previous_size = journal_get_u64(bytes + AT_PREVIOUS_SIZE);
  memcpy(header->previous_hash, bytes + AT_PREVIOUS_HASH, DIGEST_BYTES);
  return STATUS_OK;
}

void journal_record_encode(unsigned char *out, const struct journal_record *record) {
  journal_put_u32(out, (uint32_t)(FIXED_BYTES + record->size));
  journal_put_u64(out + AT_RECORD_SEQ, record->seq);
  journal_put_u64(out + AT_RECORD_TS, (uint64_t)record->ts);
  out[AT_RECORD_DIRECTION] = (unsigned char)record->direction;
  out[AT_RECORD_KIND] = (unsigned char)record->kind;
  out[AT_RECORD_KIND + 1] = (unsigned char)(record->kind >> 8);
  if (record->payload != NULL && record->size > 0) memcpy(out + JOURNAL_RECORD_HEADER_BYTES, record->payload, record->size);
  journal_put_u32(out + AT_RECORD_CRC, crc32c(0, out + AT_RECORD_SEQ, FIXED_BYTES + record->size));
}

size_t journal_record_decode(struct journal_record *record, const unsigned char *bytes, size_t size) {
  if (size < JOURNAL_RECORD_HEADER_BYTES) return 0;
  size_t length = journal_get_u32(bytes);
  if (length < FIXED_BYTES || length - FIXED_BYTES > JOURNAL_PAYLOAD_MAX || length > size - AT_RECORD_SEQ) return 0;
  if (journal_get_u32(bytes + AT_RECORD_CRC) != crc32c(0, bytes + AT_RECORD_SEQ, length)) return 0;
  record->seq = journal_get_u64(bytes + AT_RECORD_SEQ);
  record->ts = (int64_t)journal_get_u64(bytes + AT_RECORD_TS);
  record->direction = bytes[AT_RECORD_DIRECTION];
  record->kind = bytes[AT_RECORD_KIND] | bytes[AT_RECORD_KIND + 1] << 8;
  record->payload = bytes + JOURNAL_RECORD_HEADER_BYTES;
  record->size = length - FIXED_BYTES;
  return AT_RECORD_SEQ + length;
}

static unsigned char hex_digit(char c) {
  return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void journal_hash_from_text(const char text[DIGEST_TEXT_MAX], unsigned char out[DIGEST_BYTES]) {
  for (int i = 0; i < DIGEST_BYTES; i++) out[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
}

void journal_hash(const unsigned char *bytes, size_t size, unsigned char out[DIGEST_BYTES]) {
  char text[DIGEST_TEXT_MAX];
  digest_of(bytes, size, text);
  journal_hash_from_text(text, out);
}
