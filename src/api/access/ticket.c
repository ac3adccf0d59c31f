#include "api/access/ticket.h"

#include <string.h>

#include "api/access/access.h"

static int64_t now_ms(const struct api *api) {
  return api->options.clock->now_ms(api->options.clock->self);
}

/* A used ticket and one that never was look the same. */
bool ticket_take(struct api *api, const char *ticket, struct caller *out) {
  char digest[DIGEST_TEXT_MAX];
  enum api_role role;
  if (strlen(ticket) != SECRET_TEXT_MAX - 1) return false;
  digest_of(ticket, SECRET_TEXT_MAX - 1, digest);
  for (int i = 0; i < TICKETS_MAX; i++) {
    struct ticket *at = &api->access->tickets[i];
    if (!text_equal(at->digest, digest)) continue;
    bool is_good = now_ms(api) < at->expires_at && caller_is_valid(api, &at->caller, &role);
    *out = at->caller;
    if (is_good) out->role = role;
    explicit_bzero(at, sizeof *at);
    return is_good;
  }
  return false;
}

static struct ticket *free_place(struct access *access) {
  struct ticket *oldest = &access->tickets[0];
  for (int i = 0; i < TICKETS_MAX; i++) {
    struct ticket *at = &access->tickets[i];
    if (at->digest[0] == '\0') return at;
    if (at->expires_at < oldest->expires_at) oldest = at;
  }
  return oldest;
}

void handle_auth_ws_ticket(struct call *call) {
  char secret[SECRET_TEXT_MAX];
  struct ticket *ticket = free_place(call->api->access);
  secret_make(secret);
  digest_of(secret, SECRET_TEXT_MAX - 1, ticket->digest);
  ticket->caller = call->caller;
  ticket->expires_at = now_ms(call->api) + TICKET_TTL_MS;
  call_begin(call);
  json_add_string(&call->writer, "ticket", secret);
  json_add_int(&call->writer, "expires_at", ticket->expires_at);
  call_end(call, 200);
  explicit_bzero(secret, sizeof secret);
}

bool connect_is_allowed(struct api *api, const struct caller *caller, int *retry_after_s) {
  const struct clock *clock = api->options.clock;
  char who[ADDRESS_BYTES];
  address_for_limit(caller->address, who);
  const char *owner = caller->token_id[0] != '\0' ? caller->token_id : caller->login_id[0] != '\0' ? caller->login_id : who;
  return rate_limit_take(&api->access->limits, LIMIT_CONNECT, owner, clock->monotonic_ns(clock->self), retry_after_s);
}
