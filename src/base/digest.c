#include "base/digest.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/check.h"

static void print_hex(const unsigned char bytes[DIGEST_BYTES], char text[DIGEST_TEXT_MAX]) {
  static const char hex[] = "0123456789abcdef";
  for (int i = 0; i < DIGEST_BYTES; i++) {
    text[2 * i] = hex[bytes[i] >> 4];
    text[2 * i + 1] = hex[bytes[i] & 15];
  }
  text[2 * DIGEST_BYTES] = '\0';
}

void digest_open(struct digest *digest) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  check(context != NULL);
  check(EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1);
  digest->context = context;
}

void digest_add(struct digest *digest, const void *data, size_t size) {
  check(EVP_DigestUpdate(digest->context, data, size) == 1);
}

void digest_read(const struct digest *digest, char text[DIGEST_TEXT_MAX]) {
  unsigned char bytes[DIGEST_BYTES];
  /* Finishing ends a context, so a copy is finished. */
  EVP_MD_CTX *copy = EVP_MD_CTX_new();
  check(copy != NULL);
  check(EVP_MD_CTX_copy_ex(copy, digest->context) == 1);
  check(EVP_DigestFinal_ex(copy, bytes, NULL) == 1);
  EVP_MD_CTX_free(copy);
  print_hex(bytes, text);
}

void digest_close(struct digest *digest) {
  EVP_MD_CTX_free(digest->context);
  digest->context = NULL;
}

void digest_of(const void *data, size_t size, char text[DIGEST_TEXT_MAX]) {
  unsigned char bytes[DIGEST_BYTES];
  check(EVP_Digest(data, size, bytes, NULL, EVP_sha256(), NULL) == 1);
  print_hex(bytes, text);
}

void digest_sha1(const void *data, size_t size, unsigned char out[DIGEST_SHA1_BYTES]) {
  check(EVP_Digest(data, size, out, NULL, EVP_sha1(), NULL) == 1);
}

void digest_base64(const void *data, size_t size, char *out) {
  EVP_EncodeBlock((unsigned char *)out, data, (int)size);
}

/* Remainders of the sixteen half-bytes by the reflected polynomial 0x82f63b78: small enough to be read and checked by hand. */
static const uint32_t half_bytes[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

uint32_t crc32c_ref(uint32_t crc, const void *data, size_t size) {
  const unsigned char *bytes = data;
  crc = ~crc;
  for (size_t i = 0; i < size; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ half_bytes[crc & 15];
    crc = crc >> 4 ^ half_bytes[crc & 15];
  }
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const unsigned char *bytes, size_t size) {
  uint64_t state = crc;
  for (; size >= 8; bytes += 8, size -= 8) {
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    state = __builtin_ia32_crc32di(state, word);
  }
  uint32_t rest = (uint32_t)state;
  for (size_t i = 0; i < size; i++) rest = __builtin_ia32_crc32qi(rest, bytes[i]);
  return rest;
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return ~crc32c_sse42(~crc, data, size);
#endif
  return crc32c_ref(crc, data, size);
}
