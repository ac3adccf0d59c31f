/* SHA-256 (OpenSSL) over a stream of bytes, SHA-1 and base64, and CRC-32C (Castagnoli) for journal records. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { DIGEST_BYTES = 32, DIGEST_TEXT_MAX = 65, DIGEST_SHA1_BYTES = 20 };

struct digest {
  void *context; /* owned */
};

void digest_open(struct digest *digest);
void digest_add(struct digest *digest, const void *data, size_t size);
/* Hash of everything added so far as 64 lower-case hex digits and a NUL; adding may go on. */
void digest_read(const struct digest *digest, char text[DIGEST_TEXT_MAX]);
void digest_close(struct digest *digest);
/* One-shot. */
void digest_of(const void *data, size_t size, char text[DIGEST_TEXT_MAX]);
/* SHA-1, which the handshake of a WebSocket asks for (RFC 6455); not for anything that must be safe. */
void digest_sha1(const void *data, size_t size, unsigned char out[DIGEST_SHA1_BYTES]);
/* Base64 with padding and a NUL: out has 4 * ceil(size / 3) + 1 bytes. */
void digest_base64(const void *data, size_t size, char *out);
/* crc = 0 to start; continues from a former value otherwise. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);
/* The same without the processor's instruction, which it is when there is none. */
uint32_t crc32c_ref(uint32_t crc, const void *data, size_t size);

#endif
