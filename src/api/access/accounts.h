/* Users and API tokens: tables users and api_tokens, with a copy in memory that requests are checked against. */
#ifndef API_ACCESS_ACCOUNTS_H
#define API_ACCESS_ACCOUNTS_H

#include "api/access/password.h"
#include "api/api_state.h"
#include "base/digest.h"

enum { USER_NAME_BYTES = 48, USERS_MAX = 256, TOKENS_MAX = 1024, TOKEN_ID_BYTES = 24, TOKEN_NAME_BYTES = 257, TOKEN_INDEX_SIZE = 4096 };
enum { TOKEN_TEXT_BYTES = 4 + 64 + 1, SETUP_TTL_MS = 15 * 60 * 1000 };
enum { TOKEN_PREFIX_BYTES = 4 };
extern const char token_prefix[]; /* "bbt_" */

struct user {
  char name[USER_NAME_BYTES];
  char hash[PASSWORD_HASH_BYTES]; /* Argon2id; "": no password is right */
  enum api_role role;
  bool is_disabled;
  int64_t created_at, last_login_at; /* 0: never */
};

struct token {
  char id[TOKEN_ID_BYTES];
  char name[TOKEN_NAME_BYTES];
  char digest[DIGEST_TEXT_MAX]; /* SHA-256 of the whole secret */
  enum api_role role;
  char created_by[USER_NAME_BYTES];
  int64_t created_at, expires_at, last_used_at; /* 0: never */
  bool is_revoked;
  bool is_local;   /* of this process, in no table */
  bool is_unsaved; /* last_used_at is newer than its row */
};

struct accounts {
  const struct row_port *rows; /* NULL: only what is in memory */
  struct user users[USERS_MAX];
  int user_count;
  struct token tokens[TOKENS_MAX];
  int token_count;
  uint16_t index[TOKEN_INDEX_SIZE]; /* of token digests: place + 1; 0 free */
};

/* Reads both tables again; tokens of this process stay. */
NODISCARD enum status accounts_load(struct accounts *accounts, struct problem *problem);
const struct user *accounts_user(const struct accounts *accounts, const char *name);
struct token *accounts_token(struct accounts *accounts, const char *id);
/* The token of a secret as sent, whatever its state; NULL unknown. */
struct token *accounts_find_secret(struct accounts *accounts, const char *secret);

/* ---- changes: rows first, then memory ---- */

/* Adds a user, or changes hash, role, disabled of the one that is there. */
NODISCARD enum status accounts_put_user(struct accounts *accounts, const struct user *user, struct problem *problem);
NODISCARD enum status accounts_saw_login(struct accounts *accounts, const char *name, int64_t now_ms, struct problem *problem);
/* With its tokens revoked. */
NODISCARD enum status accounts_remove_user(struct accounts *accounts, const char *name, struct problem *problem);
/* Makes secret, digest and id of a token and keeps it. */
NODISCARD enum status accounts_add_token(struct accounts *accounts, struct token *token, char secret[TOKEN_TEXT_BYTES], struct problem *problem);
NODISCARD enum status accounts_revoke_token(struct accounts *accounts, const char *id, struct problem *problem);
/* Writes when tokens were last used; failures wait for the next time. */
void accounts_save_use(struct accounts *accounts);

/* Enabled admins beside one name. */
int accounts_other_admins(const struct accounts *accounts, const char *name);
/* Nobody has ever logged in: the first start is not over. */
bool accounts_are_new(const struct accounts *accounts);
/* The user `admin` without a password, when there is no user yet. */
NODISCARD enum status accounts_make_first(struct accounts *accounts, int64_t now_ms, struct problem *problem);

/* ---- the code of the setup link: a row of table logins with address "setup" ---- */

/* A new code; those before are void. */
NODISCARD enum status setup_make(const struct row_port *rows, int64_t now_ms, char code[DIGEST_TEXT_MAX], struct problem *problem);
/* Is it the code in force? */
NODISCARD enum status setup_check(const struct row_port *rows, const char *code, int64_t now_ms, bool *is_good, struct problem *problem);
NODISCARD enum status setup_close(const struct row_port *rows, struct problem *problem);

/* ---- changes by another process (breakout token): a row of table logins that the server looks for ---- */
NODISCARD enum status accounts_tell_change(const struct row_port *rows, int64_t now_ms, struct problem *problem);
NODISCARD enum status accounts_take_change(const struct row_port *rows, bool *has_changed, struct problem *problem);

/* ---- words ---- */
bool user_name_is_good(const char *name, const char *path, struct problem *problem);
/* viewer, operator, admin; else an item at path. */
bool role_parse(const char *text, const char *path, enum api_role *out, struct problem *problem);

#endif
