/* breakout token: users and API tokens, on the database itself, so that it also works when nobody can log in. A running server notices within a
 * second. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "adapters/store/sqlite_rows.h"
#include "api/access/accounts.h"
#include "api/access/audit.h"
#include "api/access/logins.h"
#include "apps/app.h"

enum { OPTION_ROLE, OPTION_DAYS, OPTION_STDIN, OPTION_IF_NEW, OPTION_COUNT };
static const struct app_option options[OPTION_COUNT] = {
    [OPTION_ROLE] = {"role", 0, true, "R", "create: viewer, operator or admin"},
    [OPTION_DAYS] = {"days", 0, true, "N", "create: the token ends after N days"},
    [OPTION_STDIN] = {"password-stdin", 0, false, NULL, "password: the first line of standard input"},
    [OPTION_IF_NEW] = {"if-new", 0, false, NULL, "setup: only when nobody has ever logged in"},
};

struct verb {
  struct app *app;
  const char *form, *word; /* word NULL: not given */
  const char *values[OPTION_COUNT];
  struct sqlite_rows *file;
  struct row_port rows;
  struct accounts *accounts; /* owned */
  char action[AUDIT_ACTION_BYTES];
  struct audit_row row; /* of the change under way */
};

static bool is_json(const struct verb *verb) {
  return verb->app->output == OUTPUT_JSON || verb->app->output == OUTPUT_JSONL;
}

/* ---- the database ---- */

static enum status open_all(struct verb *verb) {
  struct app *app = verb->app;
  char path[DATABASE_PATH_MAX];
  if (!settings_sqlite_path(app->settings.database_url, path, sizeof path)) {
    problem_add(&app->problem, "not_in_version", "DATABASE_URL", NULL, "sqlite://./data/breakout_bot.db", "only SQLite is possible in this version");
    return STATUS_NOT_IN_VERSION;
  }
  if (access(path, F_OK) != 0) {
    problem_add(&app->problem, "not_found", "DATABASE_URL", path, NULL, "there is no database yet: the first start of the server makes it");
    return STATUS_NOT_FOUND;
  }
  enum status status = sqlite_rows_open(&verb->file, path, &app->problem);
  if (status) return status;
  sqlite_rows_port(verb->file, &verb->rows);
  verb->accounts = calloc(1, sizeof *verb->accounts);
  if (verb->accounts == NULL) return STATUS_NO_MEMORY;
  verb->accounts->rows = &verb->rows;
  return accounts_load(verb->accounts, &app->problem);
}

static void close_all(struct verb *verb) {
  if (verb->accounts != NULL) explicit_bzero(verb->accounts, sizeof *verb->accounts);
  free(verb->accounts);
  sqlite_rows_close(verb->file);
}

/* The audit row comes first: without it nothing is changed. */
static enum status begin_change(struct verb *verb, const char *target) {
  snprintf(verb->action, sizeof verb->action, "breakout token %s", verb->form);
  verb->row = (struct audit_row){.ts = app_now_ms(), .user = "cli", .role = "admin", .address = "local", .action = verb->action, .target = target};
  return audit_append(&verb->rows, &verb->row, &verb->app->problem);
}

static enum status end_change(struct verb *verb, enum status status) {
  struct problem *problem = &verb->app->problem;
  if (verb->row.audit_id == 0) return status;
  verb->row.result = status_http(status);
  enum status written = audit_finish(&verb->rows, &verb->row, app_now_ms(), problem);
  if (!status) status = written;
  return status ? status : accounts_tell_change(&verb->rows, app_now_ms(), problem);
}

/* ---- printing ---- */

/* Rows as a table, or as {"items": [...]} with --json. */
struct sheet {
  const struct verb *verb;
  const char *const *names;
  int count, at;
  struct table_column columns[8];
  struct table table;
  struct buffer out;
  struct json_writer json;
};

static void sheet_begin(struct sheet *sheet, const struct verb *verb, const char *const *names, int count) {
  *sheet = (struct sheet){.verb = verb, .names = names, .count = count};
  for (int i = 0; i < count; i++) sheet->columns[i] = (struct table_column){names[i], TABLE_LEFT};
  if (!is_json(verb)) {
    table_init(&sheet->table, sheet->columns, (size_t)count, app_table_format(verb->app));
    sheet->table.has_colors = verb->app->has_colors;
    return;
  }
  json_writer_init(&sheet->json, &sheet->out, verb->app->output == OUTPUT_JSON);
  json_begin_object(&sheet->json, NULL);
  json_begin_array(&sheet->json, "items");
}

/* text NULL: nothing. */
static void sheet_add(struct sheet *sheet, const char *text) {
  if (!is_json(sheet->verb)) {
    table_add(&sheet->table, text != NULL ? text : "-");
    return;
  }
  if (sheet->at == 0) json_begin_object(&sheet->json, NULL);
  json_add_string(&sheet->json, sheet->names[sheet->at++], text);
  if (sheet->at < sheet->count) return;
  json_end_object(&sheet->json);
  sheet->at = 0;
}

static void sheet_add_time(struct sheet *sheet, int64_t ms) {
  char memory[40];
  struct text text;
  text_init(&text, memory, sizeof memory);
  text_add_time(&text, ms);
  sheet_add(sheet, ms != 0 ? memory : NULL);
}

static void sheet_end(struct sheet *sheet) {
  if (!is_json(sheet->verb)) {
    app_print_table(sheet->verb->app, &sheet->table);
    return;
  }
  json_end_array(&sheet->json);
  json_end_object(&sheet->json);
  buffer_add_text(&sheet->out, "\n");
  app_print(&sheet->out);
  buffer_deinit(&sheet->out);
}

static enum status show_tokens(struct verb *verb) {
  static const char *const names[] = {"token_id", "name", "role", "created_by", "created_at", "expires_at", "last_used_at", "revoked"};
  struct sheet sheet;
  sheet_begin(&sheet, verb, names, (int)(sizeof names / sizeof names[0]));
  for (int i = 0; i < verb->accounts->token_count; i++) {
    const struct token *token = &verb->accounts->tokens[i];
    sheet_add(&sheet, token->id);
    sheet_add(&sheet, token->name);
    sheet_add(&sheet, api_role_names[token->role]);
    sheet_add(&sheet, token->created_by);
    sheet_add_time(&sheet, token->created_at);
    sheet_add_time(&sheet, token->expires_at);
    sheet_add_time(&sheet, token->last_used_at);
    sheet_add(&sheet, token->is_revoked ? "yes" : "no");
  }
  sheet_end(&sheet);
  return STATUS_OK;
}

static enum status show_users(struct verb *verb) {
  static const char *const names[] = {"username", "role", "created_at", "last_login_at", "disabled"};
  struct sheet sheet;
  sheet_begin(&sheet, verb, names, (int)(sizeof names / sizeof names[0]));
  for (int i = 0; i < verb->accounts->user_count; i++) {
    const struct user *user = &verb->accounts->users[i];
    sheet_add(&sheet, user->name);
    sheet_add(&sheet, api_role_names[user->role]);
    sheet_add_time(&sheet, user->created_at);
    sheet_add_time(&sheet, user->last_login_at);
    sheet_add(&sheet, user->is_disabled ? "yes" : "no");
  }
  sheet_end(&sheet);
  return STATUS_OK;
}

/* One value: itself, or {"name": value} with --json. */
static void print_value(const struct verb *verb, const char *name, const char *value) {
  struct buffer out = {0};
  if (is_json(verb)) {
    struct json_writer writer;
    json_writer_init(&writer, &out, false);
    json_begin_object(&writer, NULL);
    json_add_string(&writer, name, value);
    json_end_object(&writer);
  } else {
    buffer_add_text(&out, value);
  }
  buffer_add_text(&out, "\n");
  app_print(&out);
  explicit_bzero(out.data, out.length);
  buffer_deinit(&out);
}

/* ---- forms ---- */

static enum status create_token(struct verb *verb) {
  struct app *app = verb->app;
  struct token token = {.created_at = app_now_ms(), .created_by = "cli"};
  char secret[TOKEN_TEXT_BYTES];
  const char *role = verb->values[OPTION_ROLE];
  int64_t days = 0;
  if (role == NULL) {
    problem_add(&app->problem, "bad_parameter", "--role", NULL, "viewer, operator, admin", "say what the token may do");
    return STATUS_BAD_CONFIG;
  }
  if (!role_parse(role, "--role", &token.role, &app->problem)) return STATUS_BAD_CONFIG;
  const char *given = verb->values[OPTION_DAYS];
  if (given != NULL && !app_parse_integer(app, "--days", given, 1, 3650, &days)) return STATUS_BAD_CONFIG;
  if (days > 0) token.expires_at = token.created_at + days * 86400000;
  text_copy(token.name, sizeof token.name, verb->word);
  enum status status = begin_change(verb, verb->word);
  if (!status) status = accounts_add_token(verb->accounts, &token, secret, &app->problem);
  status = end_change(verb, status);
  if (!status) print_value(verb, "token", secret);
  explicit_bzero(secret, sizeof secret);
  return status;
}

static enum status revoke_token(struct verb *verb) {
  if (accounts_token(verb->accounts, verb->word) == NULL) {
    problem_add(&verb->app->problem, "not_found", verb->word, NULL, NULL, "there is no such token; breakout token list shows them");
    return STATUS_NOT_FOUND;
  }
  enum status status = begin_change(verb, verb->word);
  if (!status) status = accounts_revoke_token(verb->accounts, verb->word, &verb->app->problem);
  status = end_change(verb, status);
  if (!status && !is_json(verb)) printf("revoked %s\n", verb->word);
  return status;
}

static enum status make_setup(struct verb *verb) {
  char code[DIGEST_TEXT_MAX];
  char link[160];
  if (verb->values[OPTION_IF_NEW] != NULL && !accounts_are_new(verb->accounts)) return STATUS_OK;
  enum status status = begin_change(verb, NULL);
  if (!status) status = setup_make(&verb->rows, app_now_ms(), code, &verb->app->problem);
  if (!status) {
    const struct settings *settings = &verb->app->settings;
    int port = settings->ui_port != 0 ? settings->ui_port : settings->port;
    snprintf(link, sizeof link, "http://127.0.0.1:%d/#/setup?code=%s", port, code);
    print_value(verb, "link", link);
  }
  explicit_bzero(code, sizeof code);
  explicit_bzero(link, sizeof link);
  return end_change(verb, status);
}

/* A line from the terminal, unseen. */
static bool read_hidden(const char *prompt, char *line, size_t size) {
  struct termios before;
  bool is_terminal = isatty(STDIN_FILENO) == 1 && tcgetattr(STDIN_FILENO, &before) == 0;
  if (is_terminal) {
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s: ", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  bool has_line = fgets(line, (int)size, stdin) != NULL;
  if (is_terminal) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fprintf(stderr, "\n");
  }
  if (has_line) line[strcspn(line, "\r\n")] = '\0';
  return has_line;
}

static enum status ask_password(struct verb *verb, char password[PASSWORD_BYTES_MAX]) {
  char again[PASSWORD_BYTES_MAX] = "";
  struct problem *problem = &verb->app->problem;
  bool asks_twice = verb->values[OPTION_STDIN] == NULL;
  bool has_one = read_hidden("new password", password, PASSWORD_BYTES_MAX);
  bool is_same = has_one && (!asks_twice || (read_hidden("once more", again, sizeof again) && text_equal(password, again)));
  explicit_bzero(again, sizeof again);
  if (!is_same) {
    problem_add(problem, "bad_parameter", "password", NULL, NULL, has_one ? "the two are not the same" : "no password was given");
    return STATUS_BAD_CONFIG;
  }
  return password_is_good(password, "password", problem) ? STATUS_OK : STATUS_BAD_CONFIG;
}

/* The logins of the user end; the server notices by the mark. */
static enum status end_logins(struct verb *verb, const char *user) {
  struct rows_query which = {.table = "logins"};
  rows_query_add(&which, "username", ROWS_EQUAL, user);
  return verb->rows.remove(verb->rows.self, &which, NULL, &verb->app->problem);
}

static enum status change_password(struct verb *verb) {
  const struct user *old = accounts_user(verb->accounts, verb->word);
  char password[PASSWORD_BYTES_MAX];
  if (old == NULL) {
    problem_add(&verb->app->problem, "not_found", verb->word, NULL, NULL, "there is no such user; breakout token users shows them");
    return STATUS_NOT_FOUND;
  }
  struct user user = *old;
  enum status status = ask_password(verb, password);
  if (!status) status = password_hash(password, user.hash);
  explicit_bzero(password, sizeof password);
  if (!status) status = begin_change(verb, user.name);
  if (!status) status = accounts_put_user(verb->accounts, &user, &verb->app->problem);
  if (!status) status = end_logins(verb, user.name);
  status = end_change(verb, status);
  if (!status && !is_json(verb)) printf("changed the password of %s; its logins have ended\n", user.name);
  return status;
}

static const struct form {
  const char *name;
  enum status (*run)(struct verb *verb);
  const char *word; /* what its word is; NULL: takes none */
} forms[] = {
    {"list", show_tokens, NULL}, {"create", create_token, "a name"}, {"revoke", revoke_token, "an id"},
    {"setup", make_setup, NULL}, {"users", show_users, NULL},        {"password", change_password, "a user"},
};
enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

/* ---- the verb ---- */

static const struct form *find_form(struct verb *verb) {
  const char *names[FORM_COUNT];
  struct app *app = verb->app;
  for (int i = 0; i < FORM_COUNT; i++) {
    names[i] = forms[i].name;
    if (!text_equal(forms[i].name, verb->form)) continue;
    if ((forms[i].word != NULL) == (verb->word != NULL)) return &forms[i];
    problem_add(&app->problem, "bad_parameter", verb->form, verb->word, NULL, "token %s takes %s", verb->form,
                forms[i].word != NULL ? forms[i].word : "no further word");
    return NULL;
  }
  int nearest = text_nearest(verb->form, names, FORM_COUNT);
  problem_add(&app->problem, "unknown_command", "token", verb->form, nearest >= 0 ? names[nearest] : NULL, "there is no token %s", verb->form);
  return NULL;
}

int app_token(struct app *app, int argc, char **argv) {
  struct verb verb = {.app = app};
  struct app_arguments arguments;
  const char *value;
  app_arguments_init(&arguments, argc, argv);
  for (;;) {
    int option = app_next(app, &arguments, options, OPTION_COUNT, &value);
    if (option == APP_DONE) break;
    if (option == APP_WRONG) return app_fail(app, STATUS_BAD_CONFIG);
    if (option >= 0) {
      verb.values[option] = value != NULL ? value : "";
    } else if (verb.form == NULL) {
      verb.form = value;
    } else if (verb.word == NULL) {
      verb.word = value;
    } else {
      return app_fail_with(app, STATUS_BAD_CONFIG, "bad_parameter", value, "one word too many");
    }
  }
  if (app->wants_help) return 0;
  if (verb.form == NULL) verb.form = "list";
  const struct form *form = find_form(&verb);
  if (form == NULL) return app_fail(app, STATUS_BAD_CONFIG);
  enum status status = open_all(&verb);
  if (!status) status = form->run(&verb);
  close_all(&verb);
  return status ? app_fail(app, status) : 0;
}
