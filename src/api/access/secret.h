/* Random secrets and their comparison. */
#ifndef API_ACCESS_SECRET_H
#define API_ACCESS_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SECRET_BYTES = 32, SECRET_TEXT_MAX = 2 * SECRET_BYTES + 1 };

/* 256 bits of the kernel's generator as 64 hex digits. */
void secret_make(char text[SECRET_TEXT_MAX]);
uint64_t secret_number(void);
/* Takes the same time wherever two texts of one length differ. */
bool secret_equal(const char *a, const char *b);
/* Names things by 48 random bits: letter and 12 hex digits. */
void secret_name(char letter, char *out, size_t size);

#endif
