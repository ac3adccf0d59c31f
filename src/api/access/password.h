/* Passwords: Argon2id (libsodium), computed on a thread of its own, because one takes about 60 ms and 64 MiB. */
#ifndef API_ACCESS_PASSWORD_H
#define API_ACCESS_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/status.h"

enum { PASSWORD_HASH_BYTES = 128, PASSWORD_BYTES_MAX = 1024, PASSWORD_CHARACTERS_MIN = 10, PASSWORD_CHARACTERS_MAX = 256, PASSWORD_JOBS_MAX = 8 };

/* Long enough; else an item at path. */
bool password_is_good(const char *password, const char *path, struct problem *problem);
/* At once, on the caller's thread. */
NODISCARD enum status password_hash(const char *password, char hash[PASSWORD_HASH_BYTES]);

/* What becomes of a password. */
struct password_job {
  /* to be filled by the asker; a verify hash of "" stands for a user who does not exist and takes as long */
  bool verifies, hashes;
  char verify_password[PASSWORD_BYTES_MAX], verify_hash[PASSWORD_HASH_BYTES], hash_password[PASSWORD_BYTES_MAX];
  void *context;
  /* result */
  bool is_right; /* verified */
  bool has_hash; /* hash is valid; only made when what was to be verified is right */
  char hash[PASSWORD_HASH_BYTES];
};

struct passwords; /* the thread; opaque */

NODISCARD enum status passwords_open(struct passwords **out);
void passwords_close(struct passwords *passwords); /* waits for the job at hand; NULL is allowed */
/* Copies the job; false when too many wait. */
bool passwords_ask(struct passwords *passwords, const struct password_job *job);
/* The next finished job; its passwords are wiped. */
bool passwords_take(struct passwords *passwords, struct password_job *out);
/* The job of a context is forgotten: it is not given by passwords_take. */
void passwords_forget(struct passwords *passwords, const void *context);

#endif
