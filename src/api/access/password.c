#include "api/access/password.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Argon2id of a random text with the parameters of crypto_pwhash_*_INTERACTIVE: what the password of an unknown user is compared with. */
static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$xZvyCcbL3izddcnexqqW7g$aziVWBSEFi2+No0K6/eo3L8b2vLj1IQNX55eDH/PL5k";

_Static_assert(PASSWORD_HASH_BYTES == crypto_pwhash_STRBYTES, "a hash of libsodium fits");

bool password_is_good(const char *password, const char *path, struct problem *problem) {
  int characters = 0;
  for (const char *at = password; *at != '\0'; at++) {
    if (((unsigned char)*at & 0xc0) != 0x80) ++characters;
  }
  if (characters < PASSWORD_CHARACTERS_MIN) {
    problem_add(problem, "too_short", path, NULL, NULL, "a password has at least %d characters", PASSWORD_CHARACTERS_MIN);
    return false;
  }
  if (characters > PASSWORD_CHARACTERS_MAX || strlen(password) >= PASSWORD_BYTES_MAX) {
    problem_add(problem, "too_long", path, NULL, NULL, "a password has at most %d characters", PASSWORD_CHARACTERS_MAX);
    return false;
  }
  return true;
}

enum status password_hash(const char *password, char hash[PASSWORD_HASH_BYTES]) {
  if (sodium_init() < 0) return STATUS_FAILED;
  int result = crypto_pwhash_str(hash, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE);
  return result == 0 ? STATUS_OK : STATUS_NO_MEMORY;
}

/* ---- the thread ---- */

enum job_state { JOB_FREE, JOB_WAITS, JOB_RUNS, JOB_DONE };

struct place {
  struct password_job job;
  enum job_state state;
  uint64_t number; /* first come, first served */
  bool is_forgotten;
};

struct passwords {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t work;
  struct place places[PASSWORD_JOBS_MAX];
  uint64_t next_number;
  bool is_ending;
};

static void run(struct password_job *job) {
  if (job->verifies) {
    bool exists = job->verify_hash[0] != '\0';
    bool is_right = crypto_pwhash_str_verify(exists ? job->verify_hash : nobody, job->verify_password, strlen(job->verify_password)) == 0;
    job->is_right = is_right && exists;
  }
  if (job->hashes && (!job->verifies || job->is_right)) job->has_hash = password_hash(job->hash_password, job->hash) == STATUS_OK;
  explicit_bzero(job->verify_password, sizeof job->verify_password);
  explicit_bzero(job->hash_password, sizeof job->hash_password);
}

static struct place *find(struct passwords *passwords, enum job_state state) {
  struct place *first = NULL;
  for (int i = 0; i < PASSWORD_JOBS_MAX; i++) {
    struct place *place = &passwords->places[i];
    if (place->state == state && (first == NULL || place->number < first->number)) first = place;
  }
  return first;
}

static void *work(void *context) {
  struct passwords *passwords = context;
  pthread_mutex_lock(&passwords->mutex);
  while (!passwords->is_ending) {
    struct place *place = find(passwords, JOB_WAITS);
    if (place == NULL) {
      pthread_cond_wait(&passwords->work, &passwords->mutex);
      continue;
    }
    place->state = JOB_RUNS; /* nobody else touches the job now */
    pthread_mutex_unlock(&passwords->mutex);
    run(&place->job);
    pthread_mutex_lock(&passwords->mutex);
    place->state = place->is_forgotten ? JOB_FREE : JOB_DONE;
  }
  pthread_mutex_unlock(&passwords->mutex);
  return NULL;
}

enum status passwords_open(struct passwords **out) {
  if (sodium_init() < 0) return STATUS_FAILED;
  struct passwords *passwords = calloc(1, sizeof *passwords);
  if (passwords == NULL) return STATUS_NO_MEMORY;
  pthread_mutex_init(&passwords->mutex, NULL);
  pthread_cond_init(&passwords->work, NULL);
  if (pthread_create(&passwords->thread, NULL, work, passwords) != 0) {
    free(passwords);
    return STATUS_NO_MEMORY;
  }
  *out = passwords;
  return STATUS_OK;
}

void passwords_close(struct passwords *passwords) {
  if (passwords == NULL) return;
  pthread_mutex_lock(&passwords->mutex);
  passwords->is_ending = true;
  pthread_cond_signal(&passwords->work);
  pthread_mutex_unlock(&passwords->mutex);
  pthread_join(passwords->thread, NULL);
  pthread_mutex_destroy(&passwords->mutex);
  pthread_cond_destroy(&passwords->work);
  explicit_bzero(passwords, sizeof *passwords);
  free(passwords);
}

bool passwords_ask(struct passwords *passwords, const struct password_job *job) {
  pthread_mutex_lock(&passwords->mutex);
  struct place *place = find(passwords, JOB_FREE);
  if (place != NULL) {
    *place = (struct place){.job = *job, .state = JOB_WAITS, .number = ++passwords->next_number};
    pthread_cond_signal(&passwords->work);
  }
  pthread_mutex_unlock(&passwords->mutex);
  return place != NULL;
}

bool passwords_take(struct passwords *passwords, struct password_job *out) {
  pthread_mutex_lock(&passwords->mutex);
  struct place *place = find(passwords, JOB_DONE);
  if (place != NULL) {
    *out = place->job;
    explicit_bzero(place, sizeof *place); /* JOB_FREE */
  }
  pthread_mutex_unlock(&passwords->mutex);
  return place != NULL;
}

void passwords_forget(struct passwords *passwords, const void *context) {
  pthread_mutex_lock(&passwords->mutex);
  for (int i = 0; i < PASSWORD_JOBS_MAX; i++) {
    struct place *place = &passwords->places[i];
    if (place->state == JOB_FREE || place->job.context != context) continue;
    if (place->state == JOB_RUNS) {
      place->is_forgotten = true;
    } else {
      explicit_bzero(place, sizeof *place);
    }
  }
  pthread_mutex_unlock(&passwords->mutex);
}
