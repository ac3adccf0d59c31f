#include "api/access/access.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/access/login_cache.h"
#include "base/check.h"
#include "base/log.h"

enum { POLL_MS = 1000, SWEEP_MS = 60000 };

static int64_t now_ms(const struct api *api) {
  return api->options.clock->now_ms(api->options.clock->self);
}

static int64_t now_ns(const struct api *api) {
  return api->options.clock->monotonic_ns(api->options.clock->self);
}

/* ---- routes ---- */

/* A row whose handler does not exist does not compile. */
int route_guards(const struct route *route) {
  static const struct {
    void (*handle)(struct call *call);
    int guards;
  } rows[] = {
#define GUARD(handler, guards) {handle_##handler, guards},
#include "api/route.def"
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (rows[i].handle == route->handle) return rows[i].guards;
  }
  return 0;
}

static enum limit_class limit_of(const struct route *route, int guards) {
  if (guards & GUARD_RATE_PROBE) return LIMIT_PROBE;
  if (guards & GUARD_RATE_LOGIN) return LIMIT_LOGIN;
  if (guards & GUARD_RATE_SCAN) return LIMIT_SCAN;
  if (guards & GUARD_RATE_BACKTEST) return LIMIT_BACKTEST;
  return text_equal(route->method, "GET") ? LIMIT_READ : LIMIT_WRITE;
}

/* A word that route.def does not know would open a door: it stops the program instead. */
static enum api_role role_of(const char *word) {
  for (int i = 0; i < api_role_count; i++) {
    if (text_equal(api_role_names[i], word)) return (enum api_role)i;
  }
  check(false);
  return API_ROLE_ADMIN;
}

static struct route_rule make_rule(const struct route *route) {
  int guards = route_guards(route);
  return (struct route_rule){.role = role_of(route->role), .limit = limit_of(route, guards), .guards = guards};
}

const struct route_rule *access_rule(const struct api *api, const struct route *route) {
  return &api->access->rules[route - api_routes];
}

const struct route_rule *access_rule_of(const struct call *call) {
  return access_rule(call->api, call->route);
}

/* ---- life ---- */

static void take_origins(struct access *access, const char *list) {
  while (*list != '\0' && access->origin_count < ORIGINS_MAX) {
    list += strspn(list, ", ");
    size_t length = strcspn(list, ", ");
    if (length > 0 && length < ORIGIN_BYTES) {
      char *origin = access->origins[access->origin_count++];
      text_copy(origin, length + 1, list);
      if (origin[length - 1] == '/') origin[length - 1] = '\0';
    }
    list += length;
  }
}

static enum status load(struct api *api, struct problem *problem) {
  struct access *access = api->access;
  enum status status = accounts_load(&access->accounts, problem);
  return status ? status : logins_load(&access->logins, now_ms(api), problem);
}

/* The machine's own scripts: a token of this run, whose secret stands in a file that only this user can read. */
static enum status add_local_token(struct api *api, struct problem *problem) {
  struct token token = {.id = "ctl", .name = "this machine's own programs", .created_by = "local", .role = API_ROLE_ADMIN, .is_local = true};
  token.created_at = now_ms(api);
  return accounts_add_token(&api->access->accounts, &token, api->access->local_secret, problem);
}

static enum status open_accounts(struct api *api) {
  struct access *access = api->access;
  struct problem problem;
  problem_clear(&problem);
  enum status status = load(api, &problem);
  if (!status) login_cache_recall(&access->logins, now_ms(api));
  if (!status) status = accounts_make_first(&access->accounts, now_ms(api), &problem);
  if (!status) status = passwords_open(&access->passwords);
  if (status) log_write(LOG_ERROR, "api", "accounts", NULL, "%s", problem.count > 0 ? problem.items[0].message : status_text(status));
  return status;
}

enum status access_open(struct api *api) {
  const struct settings *settings = api->options.settings;
  struct access *access = calloc(1, sizeof *access);
  if (access == NULL) return STATUS_NO_MEMORY;
  api->access = access;
  access->rules = calloc((size_t)api_route_count, sizeof *access->rules);
  if (access->rules == NULL) return STATUS_NO_MEMORY;
  for (int i = 0; i < api_route_count; i++) access->rules[i] = make_rule(&api_routes[i]);
  router_open(&access->router);
  access->is_open = api->options.is_private || !settings->auth_enabled;
  access->accounts.rows = api->options.rows;
  access->logins.rows = api->options.rows;
  access->logins.cache = api->options.cache;
  double reads = api->options.is_private ? 0 : settings->rate_limit_read_per_s;
  double writes = api->options.is_private ? 0 : settings->rate_limit_write_per_s;
  rate_limit_init(&access->limits, secret_number(), reads, writes);
  networks_parse(&access->proxies, settings->trusted_proxies);
  networks_parse(&access->metrics_allow, settings->metrics_allow);
  take_origins(access, settings->cors_origins);
  struct problem problem;
  problem_clear(&problem);
  enum status status = add_local_token(api, &problem);
  if (!status && api->options.rows != NULL) status = open_accounts(api);
  return status;
}

void access_close(struct api *api) {
  struct access *access = api->access;
  if (access == NULL) return;
  if (api->options.rows != NULL) accounts_save_use(&access->accounts);
  passwords_close(access->passwords);
  access->passwords = NULL;
  access_gone(api, NULL);
  changes_close(api);
  router_close(&access->router);
  free(access->rules);
  explicit_bzero(access, sizeof *access);
  free(access);
  api->access = NULL;
}

const char *api_local_token(const struct api *api) {
  return api->access->local_secret;
}

/* ---- who ---- */

static bool take_token(struct api *api, const char *secret, struct caller *out, const char **code) {
  struct access *access = api->access;
  struct token *token = accounts_find_secret(&access->accounts, secret);
  int64_t now = now_ms(api);
  *code = "not_authenticated";
  if (token == NULL) return false;
  const struct user *maker = accounts_user(&access->accounts, token->created_by);
  *code = "token_revoked";
  if (token->is_revoked || (token->expires_at != 0 && now >= token->expires_at)) return false;
  if (maker != NULL && maker->is_disabled) return false;
  /* To the minute, so that a busy token costs a row a minute. */
  if (now - token->last_used_at >= SWEEP_MS) {
    token->last_used_at = now;
    token->is_unsaved = true;
  }
  out->role = token->role;
  text_copy(out->user, sizeof out->user, token->created_by);
  text_copy(out->token_id, sizeof out->token_id, token->id);
  return true;
}

static const char *bearer_of(const struct http_request *request) {
  const char *value = http_header(request, "Authorization");
  if (value == NULL || strncasecmp(value, "Bearer", 6) != 0 || value[6] != ' ') return NULL;
  return value + 6 + strspn(value + 6, " ");
}

bool access_cookie(const struct http_request *request, char out[SECRET_TEXT_MAX]) {
  static const char name[] = "bb_login=";
  const char *at = http_header(request, "Cookie");
  while (at != NULL && *at != '\0') {
    at += strspn(at, "; ");
    size_t length = strcspn(at, ";");
    if (length == sizeof name - 1 + SECRET_TEXT_MAX - 1 && strncmp(at, name, sizeof name - 1) == 0) {
      text_copy(out, SECRET_TEXT_MAX, at + sizeof name - 1);
      return true;
    }
    at += length;
  }
  return false;
}

static bool take_login(struct api *api, const char *secret, struct caller *out, const char **code) {
  struct login *login = logins_find_secret(&api->access->logins, secret);
  int64_t now = now_ms(api);
  *code = "login_expired";
  if (login == NULL || login_is_over(login, now)) return false;
  const struct user *user = accounts_user(&api->access->accounts, login->user);
  if (user == NULL || user->is_disabled) return false;
  logins_use(&api->access->logins, login, now);
  out->role = user->role;
  out->is_login = true;
  text_copy(out->user, sizeof out->user, login->user);
  text_copy(out->login_id, sizeof out->login_id, login->id);
  return true;
}

/* A token that another process made a moment ago is not known yet. */
static bool is_worth_another_look(struct api *api, const char *secret) {
  bool is_token = strlen(secret) == TOKEN_TEXT_BYTES - 1 && strncmp(secret, token_prefix, TOKEN_PREFIX_BYTES) == 0;
  if (!is_token || api->options.rows == NULL) return false;
  struct problem problem;
  bool has_changed = false;
  problem_clear(&problem);
  if (accounts_take_change(api->options.rows, &has_changed, &problem) || !has_changed) return false;
  api->access->must_load = load(api, &problem) != STATUS_OK;
  return !api->access->must_load;
}

/* NULL when the caller is known or asks without credentials, which *has_none tells; else the code of the refusal. */
static const char *find_caller(struct api *api, const struct http_request *request, struct caller *out, bool *has_none) {
  const char *code = NULL;
  const char *bearer = bearer_of(request);
  char secret[SECRET_TEXT_MAX];
  *has_none = false;
  if (bearer != NULL) {
    if (take_token(api, bearer, out, &code)) return NULL;
    bool is_unknown = text_equal(code, "not_authenticated");
    if (is_unknown && is_worth_another_look(api, bearer) && take_token(api, bearer, out, &code)) return NULL;
    return code;
  }
  if (http_header(request, "Authorization") != NULL) return "not_authenticated";
  if (access_cookie(request, secret)) {
    bool is_good = take_login(api, secret, out, &code);
    explicit_bzero(secret, sizeof secret);
    return is_good ? NULL : code;
  }
  *has_none = true;
  return NULL;
}

static void take_address(const struct api *api, const struct http_request *request, struct caller *out) {
  const struct networks *proxies = &api->access->proxies;
  const char *forwarded = proxies->count > 0 ? http_header(request, "X-Forwarded-For") : NULL;
  address_of_client(proxies, request->address, forwarded, out->address);
}

static void take_everybody(struct caller *out) {
  out->role = API_ROLE_ADMIN;
  text_copy(out->user, sizeof out->user, "local");
}

bool caller_of_bearer(struct api *api, const struct http_request *request, struct caller *out) {
  const char *code;
  *out = (struct caller){0};
  take_address(api, request, out);
  if (api->access->is_open) {
    take_everybody(out);
    return true;
  }
  const char *bearer = bearer_of(request);
  return bearer != NULL && (take_token(api, bearer, out, &code) || (is_worth_another_look(api, bearer) && take_token(api, bearer, out, &code)));
}

static bool login_is_valid(struct api *api, const struct caller *caller, enum api_role *role) {
  struct login *login = logins_find(&api->access->logins, caller->login_id);
  const struct user *user = login != NULL ? accounts_user(&api->access->accounts, login->user) : NULL;
  if (user == NULL || user->is_disabled || login_is_over(login, now_ms(api))) return false;
  logins_use(&api->access->logins, login, now_ms(api)); /* who watches is not idle */
  *role = user->role;
  return true;
}

bool caller_is_valid(struct api *api, const struct caller *caller, enum api_role *role) {
  struct access *access = api->access;
  *role = API_ROLE_ADMIN;
  if (access->is_open) return true;
  *role = API_ROLE_NONE;
  if (caller->is_login) return login_is_valid(api, caller, role);
  const struct token *token = caller->token_id[0] != '\0' ? accounts_token(&access->accounts, caller->token_id) : NULL;
  if (token == NULL || token->is_revoked || (token->expires_at != 0 && now_ms(api) >= token->expires_at)) return false;
  const struct user *maker = accounts_user(&access->accounts, token->created_by);
  if (maker != NULL && maker->is_disabled) return false;
  *role = token->role;
  return true;
}

/* ---- may it be here ---- */

static bool take_limit(struct call *call, enum limit_class class, const char *who) {
  int wait_s = 0;
  if (rate_limit_take(&call->api->access->limits, class, who, now_ns(call->api), &wait_s)) return true;
  call_fail(call, 429, "rate_limited", "too many requests: try again in %d s", wait_s);
  call->reply->retry_after_s = wait_s;
  return false;
}

/* Who the limits count: a token, a login, or an address. */
static const char *limited_name(const struct caller *caller, char address[ADDRESS_BYTES]) {
  address_for_limit(caller->address, address);
  return caller->token_id[0] != '\0' ? caller->token_id : caller->login_id[0] != '\0' ? caller->login_id : address;
}

static bool is_within_limits(struct call *call) {
  const struct route_rule *rule = access_rule_of(call);
  char address[ADDRESS_BYTES];
  if ((rule->guards & GUARD_NO_RATE) || call->api->options.is_private) return true;
  const char *who = limited_name(&call->caller, address);
  if (rule->limit == LIMIT_LOGIN || rule->limit == LIMIT_PROBE) who = address;
  if (!take_limit(call, rule->limit, who)) return false;
  bool is_special = rule->limit == LIMIT_BACKTEST || rule->limit == LIMIT_SCAN;
  return !is_special || take_limit(call, LIMIT_WRITE, who);
}

bool access_takes_scan(struct call *call) {
  char address[ADDRESS_BYTES];
  return call->api->options.is_private || take_limit(call, LIMIT_SCAN, limited_name(&call->caller, address));
}

static void refuse(struct call *call, int status, const char *code, const char *text) {
  char address[ADDRESS_BYTES];
  address_for_limit(call->caller.address, address);
  /* Each refusal is a row of the audit log, so that a flood of them must end somewhere. */
  if (!call->api->options.is_private && !take_limit(call, LIMIT_REFUSED, address)) return;
  call_fail(call, status, code, "%s", text);
  audit_refusal(call, status);
}

static const char *sentence_of(const char *code) {
  if (text_equal(code, "token_revoked")) return "this token was revoked or has run out";
  if (text_equal(code, "login_expired")) return "the login has ended: log in again";
  return "log in, or send a token: Authorization: Bearer bbt_...";
}

static bool csrf_is_good(const struct call *call) {
  char secret[SECRET_TEXT_MAX];
  char expected[DIGEST_TEXT_MAX];
  const char *given = http_header(call->request, "X-CSRF-Token");
  if (given == NULL || !access_cookie(call->request, secret)) return false;
  login_csrf(secret, expected);
  explicit_bzero(secret, sizeof secret);
  return secret_equal(expected, given);
}

static bool has_role(struct call *call, const char *code) {
  const struct route_rule *rule = access_rule_of(call);
  const struct caller *caller = &call->caller;
  if (caller->role >= rule->role) return true;
  if ((rule->guards & GUARD_METRICS) && networks_hold(&call->api->access->metrics_allow, caller->address)) return true;
  if (caller->role == API_ROLE_NONE) {
    refuse(call, 401, code, sentence_of(code));
    if (call->reply->status == 401) check(http_reply_add(call->reply, "WWW-Authenticate", "Bearer"));
  } else {
    char text[96];
    struct text builder;
    text_init(&builder, text, sizeof text);
    text_add(&builder, "this needs the role ");
    text_add(&builder, call->route->role);
    text_add(&builder, "; yours is ");
    text_add(&builder, api_role_names[caller->role]);
    refuse(call, 403, "role_too_low", text);
  }
  return false;
}

bool access_admits_caller(struct call *call) {
  struct api *api = call->api;
  struct caller *caller = &call->caller;
  const char *code = "not_authenticated";
  take_address(api, call->request, caller);
  if (api->access->is_open) {
    take_everybody(caller);
    return is_within_limits(call);
  }
  bool has_none;
  const char *found = find_caller(api, call->request, caller, &has_none);
  if (found != NULL) code = found;
  if (!is_within_limits(call) || !has_role(call, code)) return false;
  bool is_change = !text_equal(call->route->method, "GET");
  bool needs_csrf = is_change && caller->is_login && access_rule_of(call)->role != API_ROLE_NONE;
  if (!needs_csrf || csrf_is_good(call)) return true;
  refuse(call, 403, "csrf_failed", "X-CSRF-Token is missing or not that of this login: GET /api/auth/me tells it");
  return false;
}

bool access_may(struct call *call) {
  struct api *api = call->api;
  struct caller *caller = &call->caller;
  bool has_none;
  take_address(api, call->request, caller);
  if (api->access->is_open) return true;
  if (find_caller(api, call->request, caller, &has_none) != NULL || caller->role < access_rule_of(call)->role) return false;
  return !caller->is_login || csrf_is_good(call);
}

bool access_is_secure(const struct api *api, const struct http_request *request) {
  const char *scheme = http_header(request, "X-Forwarded-Proto");
  return scheme != NULL && text_equal(scheme, "https") && networks_hold(&api->access->proxies, request->address);
}

/* ---- as time goes on ---- */

static void look_for_changes(struct api *api) {
  struct problem problem;
  bool has_changed = false;
  problem_clear(&problem);
  if (accounts_take_change(api->options.rows, &has_changed, &problem)) return;
  if (!has_changed && !api->access->must_load) return;
  api->access->must_load = load(api, &problem) != STATUS_OK;
  if (api->access->must_load) {
    log_write(LOG_WARNING, "api", "accounts", NULL, "users and tokens could not be read again: %s",
              problem.count > 0 ? problem.items[0].message : "");
    return;
  }
  log_write(LOG_INFO, "api", "accounts", NULL, "users and tokens were changed by another process and read again");
}

void access_turn(struct api *api) {
  struct access *access = api->access;
  if (api->options.rows == NULL) return;
  access_answer_passwords(api);
  int64_t now = now_ns(api);
  if (now - access->polled_ns >= POLL_MS * INT64_C(1000000)) {
    access->polled_ns = now;
    look_for_changes(api);
    login_cache_turn(&access->logins, now_ms(api));
  }
  if (now - access->swept_ns < SWEEP_MS * INT64_C(1000000)) return;
  access->swept_ns = now;
  accounts_save_use(&access->accounts);
  logins_sweep(&access->logins, now_ms(api));
  change_sweep(api, now_ms(api));
}

/* A password takes tens of milliseconds: looking every few is soon enough. */
int access_timeout_ms(const struct api *api) {
  return api->access->work != NULL ? 3 : -1;
}
