#include "api/access/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/check.h"

static void fill(void *bytes, size_t size) {
  /* Whole for sizes up to 256, and only interrupted before the generator is ready. */
  ssize_t count;
  do {
    count = getrandom(bytes, size, 0);
  } while (count < 0);
  check((size_t)count == size);
}

void secret_make(char text[SECRET_TEXT_MAX]) {
  static const char hex[] = "0123456789abcdef";
  unsigned char bytes[SECRET_BYTES];
  fill(bytes, sizeof bytes);
  for (int i = 0; i < SECRET_BYTES; i++) {
    text[2 * i] = hex[bytes[i] >> 4];
    text[2 * i + 1] = hex[bytes[i] & 15];
  }
  text[2 * SECRET_BYTES] = '\0';
  explicit_bzero(bytes, sizeof bytes);
}

uint64_t secret_number(void) {
  uint64_t number;
  fill(&number, sizeof number);
  return number;
}

bool secret_equal(const char *a, const char *b) {
  size_t length = strlen(a);
  unsigned char differs = 0;
  if (strlen(b) != length) return false;
  for (size_t i = 0; i < length; i++) differs = (unsigned char)(differs | (a[i] ^ b[i]));
  return differs == 0;
}

void secret_name(char letter, char *out, size_t size) {
  snprintf(out, size, "%c%012llx", letter, (unsigned long long)(secret_number() >> 16));
}
