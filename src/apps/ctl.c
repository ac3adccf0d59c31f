/* breakout ctl: the running server from the command line. A row of the table is a word, the request it makes and how its answer is shown. */
#include "apps/ctl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/http_client.h"
#include "base/check.h"
#include "base/text.h"

enum shown { SHOWN_STATUS, SHOWN_REPLY, SHOWN_LIST, SHOWN_OBJECT, SHOWN_HEALTH, SHOWN_LEVELS };

struct ctl_word {
  const char *name, *method;
  const char *path; /* {id} is the word's argument */
  enum shown shown;
  const char *columns; /* of lists, separated by blanks */
  const char *text;
};

static const struct ctl_word words[] = {
    {"status", "GET", "/api/engine/status", SHOWN_STATUS, NULL, "state, preset, positions, result, limits"},
    {"start", "POST", "/api/engine/start", SHOWN_REPLY, NULL, "begin a session: start [PRESET] [--mode M]"},
    {"stop", "POST", "/api/engine/stop", SHOWN_REPLY, NULL, "end it; --close closes positions"},
    {"pause", "POST", "/api/engine/pause", SHOWN_REPLY, NULL, "no new entries"},
    {"resume", "POST", "/api/engine/resume", SHOWN_REPLY, NULL, "new entries again"},
    {"time-stop", "POST", "/api/engine/time-stop", SHOWN_REPLY, NULL, "manage to the end, then stop"},
    {"retry", "POST", "/api/engine/retry", SHOWN_REPLY, NULL, "start again after an error"},
    {"reload", "POST", "/api/engine/reload", SHOWN_REPLY, NULL, "read the preset again"},
    {"scan-now", "POST", "/api/engine/scan-now", SHOWN_REPLY, NULL, "scan at once"},
    {"panic-exit", "POST", "/api/engine/panic-exit", SHOWN_REPLY, NULL, "cancel and close everything, stop"},
    {"kill-switch", "POST", "/api/engine/kill-switch", SHOWN_REPLY, NULL, "cancel, flatten, latch; --reason R"},
    {"emergency-stop", "POST", "/api/engine/emergency-stop", SHOWN_REPLY, NULL, "latch; positions keep their stops"},
    {"reset", "POST", "/api/engine/reset", SHOWN_REPLY, NULL, "release the latch: --confirm RESET --reason R [--acknowledge-drawdown]"},
    {"positions", "GET", "/api/trading/positions", SHOWN_LIST, "position_id symbol side strategy state qty entry stop mark pnl_usd pnl_r protected",
     "open positions; --all"},
    {"position", "GET", "/api/trading/positions/{id}", SHOWN_OBJECT, NULL, "one position: position ID"},
    {"close", "POST", "/api/trading/positions/{id}/close", SHOWN_OBJECT, NULL, "close ID [--fraction X] [--now]"},
    {"orders", "GET", "/api/trading/orders", SHOWN_LIST, "client_order_id symbol side type purpose state qty filled_qty price trigger_price",
     "live orders; --all"},
    {"order", "GET", "/api/trading/orders/{id}", SHOWN_OBJECT, NULL, "one order: order ID"},
    {"cancel", "DELETE", "/api/trading/orders/{id}", SHOWN_OBJECT, NULL, "cancel ID"},
    {"fills", "GET", "/api/trading/fills", SHOWN_LIST, "fill_id symbol side qty price fee_usd liquidity client_order_id", "fills"},
    {"trades", "GET", "/api/trading/trades", SHOWN_LIST, "trade_id symbol side strategy entry exit_average pnl_usd pnl_r exit_reason",
     "closed trades"},
    {"account", "GET", "/api/account", SHOWN_OBJECT, NULL, "cash, equity, margin"},
    {"risk", "GET", "/api/risk", SHOWN_OBJECT, NULL, "limits and what is left of them"},
    {"candidates", "GET", "/api/scanner/candidates", SHOWN_LIST, "candidate_id symbol state score rank", "symbols being watched"},
    {"levels", "GET", "/api/features/levels?symbol={id}", SHOWN_LEVELS, "level_id level_type price state strength touch_count distance_bps",
     "levels SYMBOL"},
    {"decisions", "GET", "/api/decisions", SHOWN_LIST, "decision_id symbol stage verdict code", "decisions; --stage S"},
    {"sessions", "GET", "/api/monitoring/sessions", SHOWN_LIST, "session_id preset mode session_state scans signals entries trades end_reason",
     "sessions"},
    {"health", "GET", "/api/health", SHOWN_HEALTH, NULL, "components; exit 1 unless healthy"},
    {"ready", "GET", "/api/ready", SHOWN_OBJECT, NULL, "exit 1 unless ready"},
    {"live", "GET", "/api/live", SHOWN_OBJECT, NULL, "does it answer"},
};
enum { WORD_COUNT = sizeof words / sizeof words[0] };

struct ctl_options {
  const char *argument, *mode, *confirm, *reason, *stage, *fraction;
  bool closes, acknowledges, all, now, watches;
};

/* ---- showing ---- */

static void value_text(const struct json *value, char *out, size_t size) {
  struct text text;
  text_init(&text, out, size);
  if (value == NULL || json_kind(value) == JSON_NULL) return;
  switch (json_kind(value)) {
    case JSON_BOOL:
      text_add(&text, json_bool(value) ? "yes" : "no");
      return;
    case JSON_INT:
      text_add_i64(&text, json_int(value));
      return;
    case JSON_REAL:
      text_add_double(&text, json_number(value), 4);
      return;
    case JSON_STRING:
      text_add(&text, json_string(value));
      return;
    default:
      text_add(&text, json_size(value) == 0 ? "none" : "...");
      return;
  }
}

static void show_list(struct app *app, const struct json *items, const char *columns) {
  struct table_column titles[16];
  char names[16][32];
  size_t count = 0;
  for (const char *at = columns; *at != '\0' && count < 16; at += strspn(at, " ")) {
    size_t length = strcspn(at, " ");
    text_copy(names[count], length + 1 < sizeof names[0] ? length + 1 : sizeof names[0], at);
    titles[count] = (struct table_column){names[count], TABLE_LEFT};
    ++count;
    at += length;
  }
  struct table table;
  table_init(&table, titles, count, app_table_format(app));
  table.has_colors = app->has_colors;
  for (size_t i = 0; i < json_size(items); i++) {
    for (size_t c = 0; c < count; c++) {
      char text[256];
      value_text(json_member(json_item(items, i), names[c]), text, sizeof text);
      table_add(&table, text);
    }
  }
  if (json_size(items) == 0 && app->output == OUTPUT_TEXT) printf("none\n");
  if (json_size(items) > 0 || app->output == OUTPUT_CSV) {
    app_print_table(app, &table);
  } else {
    table_deinit(&table);
  }
}

static void show_member(void *context, const char *key, const struct json *value) {
  (void)context;
  char text[512];
  value_text(value, text, sizeof text);
  if (text[0] != '\0') printf("%-24s %s\n", key, text);
}

/* Members one a line; an object inside is told by its own members. */
static void show_object(const struct json *object) {
  static const char *const inner[] = {"position", "order", "operation"};
  for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
    const struct json *value = json_member(object, inner[i]);
    if (value != NULL && json_kind(value) == JSON_OBJECT) json_each(value, show_member, NULL);
  }
  json_each(object, show_member, NULL);
}

static const char *text_of(const struct json *object, const char *name) {
  const struct json *value = json_member(object, name);
  return value != NULL && json_kind(value) == JSON_STRING ? json_string(value) : "-";
}

static double number_of(const struct json *object, const char *name) {
  const struct json *value = json_member(object, name);
  bool is_number = value != NULL && (json_kind(value) == JSON_INT || json_kind(value) == JSON_REAL);
  return is_number ? json_number(value) : NAN;
}

static void show_time(const char *title, const struct json *object, const char *name) {
  double ts = number_of(object, name);
  if (isnan(ts)) return;
  char memory[40];
  struct text text;
  text_init(&text, memory, sizeof memory);
  text_add_time(&text, (int64_t)ts);
  printf("%-12s %.19sZ\n", title, memory);
}

static void show_status(const struct json *status) {
  const struct json *notice = json_member(status, "notice");
  if (notice != NULL && json_kind(notice) == JSON_STRING) printf("%s\n", json_string(notice));
  printf("%-12s %s (session %s %s)\n", "state", text_of(status, "state"), text_of(status, "session_id"), text_of(status, "session_state"));
  printf("%-12s %s, mode %s, feed %s", "preset", text_of(status, "preset"), text_of(status, "mode"), text_of(status, "feed"));
  if (!isnan(number_of(status, "speed"))) printf(" at %gx", number_of(status, "speed"));
  printf("\n");
  show_time("market time", status, "ts");
  show_time("last scan", status, "last_scan_at");
  printf("%-12s %.0f open, %.0f of %.0f slots used, %.0f working orders, %.0f candidates\n", "positions", number_of(status, "open_positions"),
         number_of(status, "slots_used"), number_of(status, "slots_total"), number_of(status, "working_orders"), number_of(status, "candidates"));
  printf("%-12s %.2f USD, day %+.2f USD, %+.2f R, %.0f losses in a row\n", "equity", number_of(status, "equity_usd"),
         number_of(status, "day_pnl_usd"), number_of(status, "daily_r"), number_of(status, "consecutive_losses"));
  const struct json *latch = json_member(status, "latch");
  if (latch != NULL && json_kind(latch) == JSON_OBJECT) printf("%-12s %s: %s\n", "LATCHED", text_of(latch, "name"), text_of(latch, "reason"));
}

static void show_health(struct app *app, const struct json *health) {
  const struct json *notice = json_member(health, "notice");
  if (notice != NULL && json_kind(notice) == JSON_STRING) printf("%s\n", json_string(notice));
  printf("%s, engine %s, version %s\n", text_of(health, "status"), text_of(health, "state"), text_of(health, "version"));
  show_list(app, json_member(health, "components"), "name status detail");
}

static void show_reply(const struct json *reply) {
  printf("%s: %s (%s -> %s)%s%s\n", text_of(reply, "command"), text_of(reply, "status"), text_of(reply, "state_before"),
         text_of(reply, "state_after"), strcmp(text_of(reply, "message"), "-") != 0 ? ", " : "",
         strcmp(text_of(reply, "message"), "-") != 0 ? text_of(reply, "message") : "");
  const struct json *changed = json_member(reply, "changed");
  for (size_t i = 0; changed != NULL && i < json_size(changed); i++) {
    const struct json *key = json_item(changed, i);
    printf("  %s: %s -> %s\n", text_of(key, "key"), text_of(key, "old"), text_of(key, "new"));
  }
}

static void show(struct app *app, const struct ctl_word *word, const struct json *body) {
  switch (word->shown) {
    case SHOWN_STATUS:
      show_status(body);
      return;
    case SHOWN_REPLY:
      show_reply(body);
      return;
    case SHOWN_LIST:
      show_list(app, json_member(body, "items"), word->columns);
      return;
    case SHOWN_LEVELS:
      show_list(app, json_member(body, "levels"), word->columns);
      return;
    case SHOWN_HEALTH:
      show_health(app, body);
      return;
    default:
      show_object(body);
      return;
  }
}

/* ---- requests ---- */

static void add_body(const struct ctl_word *word, const struct ctl_options *options, struct buffer *body) {
  struct json_writer writer;
  json_writer_init(&writer, body, false);
  json_begin_object(&writer, NULL);
  if (strcmp(word->name, "start") == 0) {
    if (options->argument != NULL) json_add_string(&writer, "preset", options->argument);
    if (options->mode != NULL) json_add_string(&writer, "mode", options->mode);
    if (options->confirm != NULL) json_add_string(&writer, "confirm", options->confirm);
  }
  if (strcmp(word->name, "stop") == 0) json_add_string(&writer, "positions", options->closes ? "close" : "keep");
  if (strcmp(word->name, "panic-exit") == 0 || strcmp(word->name, "kill-switch") == 0) json_add_bool(&writer, "confirm", true);
  if (options->reason != NULL) json_add_string(&writer, "reason", options->reason);
  if (strcmp(word->name, "reset") == 0) {
    if (options->confirm != NULL) json_add_string(&writer, "confirm", options->confirm);
    json_add_bool(&writer, "acknowledge_drawdown", options->acknowledges);
  }
  if (strcmp(word->name, "close") == 0) {
    double fraction;
    if (options->fraction != NULL && text_parse_double(options->fraction, &fraction)) json_add_double(&writer, "fraction", fraction);
    json_add_string(&writer, "urgency", options->now ? "immediate" : "normal");
  }
  json_end_object(&writer);
}

static void add_escaped(struct buffer *out, const char *text) {
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    bool is_plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
    if (is_plain) {
      buffer_add(out, text, 1);
    } else {
      buffer_add_format(out, "%%%02X", c);
    }
  }
}

static void add_path(const struct ctl_word *word, const struct ctl_options *options, struct buffer *path) {
  const char *brace = strstr(word->path, "{id}");
  size_t before = brace != NULL ? (size_t)(brace - word->path) : strlen(word->path);
  buffer_add(path, word->path, before);
  if (brace != NULL) {
    check(options->argument != NULL);
    add_escaped(path, options->argument);
    buffer_add_text(path, brace + 4);
  }
  if (options->all && word->shown == SHOWN_LIST) buffer_add_text(path, "?state=all");
  if (options->stage != NULL) {
    buffer_add_text(path, options->all ? "&stage=" : "?stage=");
    add_escaped(path, options->stage);
  }
}

static int exit_code_of(int http) {
  if (http < 300) return 0;
  if (http == 404) return 2;
  if (http == 408 || http == 504) return 5;
  return 1;
}

/* A refused request: the server's problem JSON as it is, or its sentence. */
static void show_refusal(struct app *app, const struct http_answer *answer, const struct json *body) {
  if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL || body == NULL) {
    app_print(&answer->body);
    return;
  }
  fprintf(stderr, "error: %s: %s\n", text_of(body, "code"), text_of(body, "detail"));
  const struct json *errors = json_member(body, "errors");
  for (size_t i = 0; errors != NULL && i < json_size(errors); i++) {
    const struct json *error = json_item(errors, i);
    fprintf(stderr, "  %s: %s\n", text_of(error, "path"), text_of(error, "message"));
  }
  const struct json *allowed = json_member(body, "allowed");
  if (allowed == NULL || json_kind(allowed) != JSON_ARRAY) return;
  fprintf(stderr, "  possible now:");
  for (size_t i = 0; i < json_size(allowed); i++) fprintf(stderr, " %s", json_string(json_item(allowed, i)));
  fprintf(stderr, "\n");
}

static const char *server_url(const struct app *app) {
  return app->url != NULL ? app->url : app->settings.breakout_url;
}

/* ---- the token ---- */

enum { TOKEN_BYTES_MAX = 256 };

static bool is_this_machine(const char *url) {
  static const char *const starts[] = {"http://127.", "http://localhost", "http://[::1]"};
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
    if (strncmp(url, starts[i], strlen(starts[i])) == 0) return true;
  }
  return false;
}

static bool is_token_file_chosen(const struct app *app) {
  return app->token_file != NULL || app->settings.source[SETTING_INDEX_BREAKOUT_TOKEN_FILE] != SETTING_FROM_DEFAULT;
}

/* The server of this machine leaves its token in DATA_DIR, which no other server must see; a file that was chosen goes to the server that was chosen.
 * Without a file the token is "". */
static enum status read_token(struct app *app, char token[TOKEN_BYTES_MAX]) {
  const char *path = app->token_file != NULL ? app->token_file : app->settings.breakout_token_file;
  struct stat info;
  struct buffer text = {0};
  token[0] = '\0';
  if (!is_token_file_chosen(app) && (!is_this_machine(server_url(app)) || access(path, R_OK) != 0)) return STATUS_OK;
  if (stat(path, &info) == 0 && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    problem_add(&app->problem, "file_mode", "BREAKOUT_TOKEN_FILE", path, "chmod 600", "a file with a token must be readable by its owner only");
    return STATUS_BAD_CONFIG;
  }
  enum status status = buffer_read_file(&text, path, TOKEN_BYTES_MAX, &app->problem);
  size_t length = status == STATUS_OK && text.data != NULL ? strcspn(text.data, " \t\r\n") : 0;
  if (length > 0 && length < TOKEN_BYTES_MAX) text_copy(token, length + 1, text.data);
  if (text.data != NULL) explicit_bzero(text.data, text.length);
  buffer_deinit(&text);
  return status;
}

static enum status send_request(struct app *app, const char *method, const char *path, const char *body, struct http_answer *answer) {
  char token[TOKEN_BYTES_MAX];
  *answer = (struct http_answer){0};
  enum status status = read_token(app, token);
  if (!status) {
    status = http_client_send(server_url(app), method, path, body, token[0] != '\0' ? token : NULL, app->timeout_s, answer, &app->problem);
  }
  explicit_bzero(token, sizeof token);
  return status;
}

enum status ctl_get(struct app *app, const char *target, struct buffer *out) {
  struct http_answer answer;
  enum status status = send_request(app, "GET", target, NULL, &answer);
  if (!status && answer.body.length > 0) buffer_add(out, answer.body.data, answer.body.length);
  buffer_deinit(&answer.body);
  if (status || answer.status / 100 == 2) return status;
  return answer.status == 404 ? STATUS_NOT_FOUND : STATUS_FAILED;
}

static int ask(struct app *app, const struct ctl_word *word, const struct ctl_options *options) {
  struct buffer path = {0};
  struct buffer body = {0};
  struct http_answer answer;
  bool is_post = strcmp(word->method, "POST") == 0;
  add_path(word, options, &path);
  if (is_post) add_body(word, options, &body);
  enum status status = send_request(app, word->method, path.data, is_post ? body.data : NULL, &answer);
  buffer_deinit(&path);
  buffer_deinit(&body);
  if (status) {
    buffer_deinit(&answer.body);
    return app_fail(app, status);
  }
  struct json *json = answer.body.length > 0 ? json_parse(answer.body.data, answer.body.length, JSON_STRICT, "reply", NULL) : NULL;
  int code = exit_code_of(answer.status);
  bool is_body_shown = code == 0 || word->shown == SHOWN_HEALTH || strcmp(word->name, "ready") == 0;
  if (!is_body_shown || json == NULL) {
    show_refusal(app, &answer, json);
  } else if (app->output == OUTPUT_JSON || app->output == OUTPUT_JSONL) {
    app_print(&answer.body);
  } else {
    show(app, word, json);
  }
  json_free(json);
  buffer_deinit(&answer.body);
  return code;
}

/* Asks once on a terminal; -y answers for scripts. */
static bool is_confirmed(struct app *app, const struct ctl_word *word) {
  static const char *const grave[] = {"panic-exit", "kill-switch", "emergency-stop"};
  for (size_t i = 0; i < sizeof grave / sizeof grave[0]; i++) {
    if (strcmp(grave[i], word->name) != 0 || app->is_yes) continue;
    char line[16] = "";
    if (!isatty(STDIN_FILENO)) return false;
    fprintf(stderr, "%s: %s. Sure? [y/N] ", word->name, word->text);
    return fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
  }
  return true;
}

static int watch(struct app *app, const struct ctl_word *word, const struct ctl_options *options) {
  bool is_terminal = isatty(STDOUT_FILENO) != 0;
  int code = 0;
  while (!app_interrupted && code == 0) {
    if (is_terminal) printf("\033[H\033[2J");
    code = ask(app, word, options);
    fflush(stdout);
    if (code == 0) sleep(1);
  }
  return code;
}

/* ---- the verb ---- */

static const struct app_option options_table[] = {
    {"watch", 0, false, NULL, "status: again every second"},
    {"mode", 0, true, "M", "start: paper"},
    {"confirm", 0, true, "WORD", "reset: RESET"},
    {"reason", 0, true, "R", "kept in the journal"},
    {"close", 0, false, NULL, "stop: close positions"},
    {"acknowledge-drawdown", 0, false, NULL, "reset after a drawdown"},
    {"all", 0, false, NULL, "positions, orders: also ended ones"},
    {"fraction", 0, true, "X", "close: share of the quantity"},
    {"now", 0, false, NULL, "close: at market"},
    {"stage", 0, true, "S", "decisions: of one stage"},
};

static void take_option(struct ctl_options *options, const char *name, const char *value) {
  if (text_equal(name, "watch")) options->watches = true;
  if (text_equal(name, "mode")) options->mode = value;
  if (text_equal(name, "confirm")) options->confirm = value;
  if (text_equal(name, "reason")) options->reason = value;
  if (text_equal(name, "close")) options->closes = true;
  if (text_equal(name, "acknowledge-drawdown")) options->acknowledges = true;
  if (text_equal(name, "all")) options->all = true;
  if (text_equal(name, "fraction")) options->fraction = value;
  if (text_equal(name, "now")) options->now = true;
  if (text_equal(name, "stage")) options->stage = value;
}

static const struct ctl_word *find_word(struct app *app, const char *name) {
  const char *names[WORD_COUNT];
  for (int i = 0; i < WORD_COUNT; i++) {
    if (text_equal(words[i].name, name)) return &words[i];
    names[i] = words[i].name;
  }
  int nearest = text_nearest(name, names, WORD_COUNT);
  problem_add(&app->problem, "unknown_command", "ctl", name, nearest >= 0 ? names[nearest] : NULL, "there is no ctl %s", name);
  return NULL;
}

static int show_words(void) {
  for (int i = 0; i < WORD_COUNT; i++) printf("  %-16s %s\n", words[i].name, words[i].text);
  return 4;
}

int app_ctl(struct app *app, int argc, char **argv) {
  struct ctl_options options = {0};
  struct app_arguments arguments;
  const struct ctl_word *word = NULL;
  const char *value;
  double fraction;
  app_arguments_init(&arguments, argc, argv);
  for (;;) {
    int option = app_next(app, &arguments, options_table, (int)(sizeof options_table / sizeof options_table[0]), &value);
    if (option == APP_DONE) break;
    if (option == APP_WRONG) return app_fail(app, STATUS_BAD_CONFIG);
    if (option >= 0) {
      take_option(&options, options_table[option].name, value);
    } else if (word == NULL) {
      word = find_word(app, value);
      if (word == NULL) return app_fail(app, STATUS_BAD_CONFIG);
    } else if (options.argument == NULL) {
      options.argument = value;
    } else {
      return app_fail_with(app, STATUS_BAD_CONFIG, "bad_parameter", value, "one word too many");
    }
  }
  if (word == NULL) return show_words();
  bool takes_argument = strstr(word->path, "{id}") != NULL || text_equal(word->name, "start");
  if (takes_argument != (options.argument != NULL) && !text_equal(word->name, "start")) {
    return app_fail_with(app, STATUS_BAD_CONFIG, "bad_parameter", word->name,
                         takes_argument ? "an id or symbol is missing: %s" : "takes no further word: %s", word->text);
  }
  if (options.fraction != NULL && !app_parse_number(app, "--fraction", options.fraction, 1e-8, 1, &fraction)) return app_fail(app, STATUS_BAD_CONFIG);
  if (!is_confirmed(app, word)) return app_fail_with(app, STATUS_FAILED, "confirmation_missing", word->name, "not confirmed; -y confirms in scripts");
  return options.watches ? watch(app, word, &options) : ask(app, word, &options);
}
