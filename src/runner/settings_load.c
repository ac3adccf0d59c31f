#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "runner/settings.h"

enum { FILE_BYTES_MAX = 1 << 20, SECRET_BYTES_MAX = 1 << 16, WHERE_BYTES = 160, NAME_BYTES = 128, NAMES_MAX = SETTING_COUNT + 16 };

static const struct {
  const char *alias;
  enum setting_index index;
} aliases[] = {
#define SETTING_ALIAS(alias, NAME) {#alias, SETTING_INDEX_##NAME},
#include "runner/setting.def"
    {"EXCHANGE_SANDBOX", SETTING_INDEX_EXCHANGE_ENV}, /* a boolean: true is testnet, false main */
};
enum { ALIAS_COUNT = sizeof aliases / sizeof aliases[0] };

/* What the sources said about one name. The strings belong to the loader's text. */
struct given {
  const char *value; /* NULL: nothing */
  enum setting_source source;
  char where[WHERE_BYTES];
};

struct loader {
  struct settings *settings;
  struct problem *problem;
  bool has_failed;
  bool is_terminal;
  struct buffer texts[16]; /* of the files read; values point into them */
  int text_count;
  char readable_file[WHERE_BYTES]; /* a settings file that everybody may read, or "" */
  char open_file[WHERE_BYTES];     /* one whose mode is not 600, or "" */
  struct given given[SETTING_COUNT];
  struct given twins[SETTING_COUNT]; /* NAME_FILE of secrets */
  struct given by_alias[ALIAS_COUNT];
};

__attribute__((format(printf, 6, 7))) static void refuse(struct loader *loader, const char *code, const char *path, const char *value,
                                                         const char *allowed, const char *format, ...) {
  char message[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  loader->has_failed = true;
  problem_add(loader->problem, code, path, value, allowed, "%s", message);
}

/* Names */

static bool is_passed_by(const char *name) {
  static const char *const prefixes[] = {"GF_", "COMPOSE_", "DOCKER_", "TZ", "VITE_"};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return true;
  }
  return false;
}

static bool looks_like_ours(const char *name) {
  static const char *const prefixes[] = {"BREAKOUT_", "EXCHANGE_", "PAPER_", "DEMO_"};
  for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0) return true;
  }
  return false;
}

static const char *nearest_name(const char *name) {
  const char *best = setting_table[0].name;
  int best_distance = text_distance(name, best);
  for (int i = 1; i < SETTING_COUNT; i++) {
    int distance = text_distance(name, setting_table[i].name);
    if (distance >= best_distance) continue;
    best = setting_table[i].name;
    best_distance = distance;
  }
  return best;
}

static void take_unknown(struct loader *loader, const char *name, enum setting_source source, const char *where) {
  if (is_passed_by(name)) return;
  const char *nearest = nearest_name(name);
  if (source == SETTING_FROM_ENVIRONMENT) {
    if (looks_like_ours(name))
      problem_warn(loader->problem, "possible_typo", name, NULL, nearest, "%s: is no setting; the nearest is %s", where, nearest);
    return;
  }
  refuse(loader, "unknown_setting", name, NULL, nearest, "%s: is no setting; the nearest is %s", where, nearest);
}

static void take_override(struct loader *loader, const char *name, const char *value, const char *where) {
  struct preset_overrides *overrides = &loader->settings->preset_overrides;
  size_t length = strlen(name);
  int at = 0;
  while (at < overrides->count && (strncmp(overrides->entries[at], name, length) != 0 || overrides->entries[at][length] != '=')) at++;
  if (at == PRESET_OVERRIDES_MAX) {
    refuse(loader, "out_of_bounds", name, NULL, "at most 32", "%s: too many preset overrides", where);
  } else if (length + strlen(value) + 2 > PRESET_OVERRIDE_BYTES) {
    refuse(loader, "out_of_bounds", name, NULL, "at most 510 characters", "%s: the preset override is too long", where);
  } else {
    struct text text;
    text_init(&text, overrides->entries[at], PRESET_OVERRIDE_BYTES);
    text_add(&text, name);
    text_add_char(&text, '=');
    text_add(&text, value);
    if (at == overrides->count) overrides->count++;
  }
}

static void give(struct given *given, const char *value, enum setting_source source, const char *where) {
  given->value = value;
  given->source = source;
  text_copy(given->where, sizeof given->where, where);
}

static const struct setting *find_twin(const char *name) {
  char base[NAME_BYTES];
  size_t length = strlen(name);
  if (length <= 5 || length >= sizeof base || !text_equal(name + length - 5, "_FILE")) return NULL;
  text_copy(base, length - 4, name);
  const struct setting *setting = setting_find(base);
  return setting != NULL && setting->is_secret ? setting : NULL;
}

/* An empty list is a list; anything else that is empty is as if it were not there. */
static bool is_absent(const struct setting *setting, const char *value) {
  return value[0] == '\0' && setting->kind != SETTING_KIND_LIST && setting->kind != SETTING_KIND_CIDRS;
}

/* value must live as long as the loader. */
static void take(struct loader *loader, const char *name, const char *value, enum setting_source source, const char *where) {
  if (strncmp(name, "BREAKOUT__", 10) == 0) {
    take_override(loader, name, value, where);
    return;
  }
  const struct setting *setting = setting_find(name);
  if (setting != NULL) {
    if (setting->is_secret && source == SETTING_FROM_COMMAND_LINE) {
      refuse(loader, "secret_on_command_line", name, NULL, "environment, .env or NAME_FILE", "everybody can read the command line of a process");
    } else if (!is_absent(setting, value)) {
      give(&loader->given[setting - setting_table], value, source, where);
    }
    return;
  }
  for (int i = 0; i < ALIAS_COUNT; i++) {
    if (!text_equal(aliases[i].alias, name)) continue;
    if (setting_table[aliases[i].index].is_secret && source == SETTING_FROM_COMMAND_LINE) {
      refuse(loader, "secret_on_command_line", name, NULL, "environment, .env or NAME_FILE", "everybody can read the command line of a process");
    } else if (value[0] != '\0') {
      give(&loader->by_alias[i], value, source, where);
    }
    return;
  }
  setting = find_twin(name);
  if (setting == NULL) {
    take_unknown(loader, name, source, where);
  } else if (value[0] != '\0') {
    give(&loader->twins[setting - setting_table], value, source, where);
  }
}

/* Files */

static bool is_name(const char *name) {
  size_t length = strlen(name);
  return length > 0 && length < NAME_BYTES && !(name[0] >= '0' && name[0] <= '9') &&
         strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static char *skip_blanks(char *at) {
  return at + strspn(at, " \t");
}

static void cut_blanks(char *text) {
  size_t length = strlen(text);
  while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
  text[length] = '\0';
}

/* Cuts the value out of the rest of a line: quotes removed, a comment behind a blank dropped. NULL when a quote is not closed or something follows
 * it. */
static char *cut_value(char *text) {
  char *value = skip_blanks(text);
  if (*value == '"' || *value == '\'') {
    char *end = strchr(value + 1, *value);
    if (end == NULL) return NULL;
    char *rest = skip_blanks(end + 1);
    if (*rest != '\0' && *rest != '#') return NULL;
    *end = '\0';
    return value + 1;
  }
  for (char *at = value; *at != '\0'; at++) {
    if (*at == '#' && (at == value || at[-1] == ' ' || at[-1] == '\t')) {
      *at = '\0';
      break;
    }
  }
  cut_blanks(value);
  return value;
}

/* Names seen in one file, to refuse the second. */
struct seen {
  const char *names[NAMES_MAX];
  int count;
};

static bool was_seen(struct seen *seen, const char *name) {
  for (int i = 0; i < seen->count; i++) {
    if (text_equal(seen->names[i], name)) return true;
  }
  if (seen->count < NAMES_MAX) seen->names[seen->count++] = name;
  return false;
}

static void take_line(struct loader *loader, struct seen *seen, char *line, const char *where) {
  char *name = skip_blanks(line);
  if (*name == '\0' || *name == '#') return;
  if (strncmp(name, "export", 6) == 0 && (name[6] == ' ' || name[6] == '\t')) name = skip_blanks(name + 6);
  char *equals = strchr(name, '=');
  if (equals == NULL) {
    refuse(loader, "bad_line", where, NULL, "NAME=value", "the line has no =");
    return;
  }
  *equals = '\0';
  cut_blanks(name);
  char *value = cut_value(equals + 1);
  if (!is_name(name)) {
    refuse(loader, "bad_line", where, NULL, "NAME=value", "the text before = is not a name");
  } else if (value == NULL) {
    refuse(loader, "bad_line", where, NULL, "NAME=\"value\"", "%s: the quote is not closed, or text follows it", name);
  } else if (was_seen(seen, name)) {
    refuse(loader, "duplicate", name, NULL, NULL, "%s: stands in this file twice", where);
  } else {
    take(loader, name, value, SETTING_FROM_FILE, where);
  }
}

static void take_lines(struct loader *loader, struct buffer *text, const char *path) {
  char where[WHERE_BYTES];
  struct seen seen = {0};
  int number = 0;
  if (memchr(text->data, '\0', text->length) != NULL) {
    refuse(loader, "bad_line", path, NULL, NULL, "the file contains a NUL byte");
    return;
  }
  char *line = text->data;
  if (strncmp(line, "\xef\xbb\xbf", 3) == 0) line += 3; /* editors on Windows write a byte order mark */
  while (line != NULL) {
    char *end = strchr(line, '\n');
    char *next = end != NULL ? end + 1 : NULL;
    if (end != NULL) *end = '\0';
    size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\r') line[length - 1] = '\0';
    snprintf(where, sizeof where, "%.140s:%d", path, ++number);
    take_line(loader, &seen, line, where);
    line = next;
  }
}

static enum status read_standard_input(struct buffer *out) {
  char chunk[4096];
  ssize_t count;
  while ((count = read(STDIN_FILENO, chunk, sizeof chunk)) > 0) {
    if (out->length + (size_t)count > FILE_BYTES_MAX) return STATUS_TOO_LARGE;
    buffer_add(out, chunk, (size_t)count);
  }
  return count < 0 ? STATUS_IO_FAILED : STATUS_OK;
}

static void note_mode(struct loader *loader, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) return;
  if ((info.st_mode & 0007) != 0) text_copy(loader->readable_file, sizeof loader->readable_file, path);
  if ((info.st_mode & 0077) != 0) text_copy(loader->open_file, sizeof loader->open_file, path);
}

static void take_file(struct loader *loader, const char *path) {
  enum { TEXT_MAX = sizeof loader->texts / sizeof loader->texts[0] };
  if (loader->text_count == TEXT_MAX) {
    refuse(loader, "out_of_bounds", path, NULL, "at most 16", "too many settings files");
    return;
  }
  struct buffer *text = &loader->texts[loader->text_count++];
  buffer_add_text(text, "");
  if (text_equal(path, "-")) {
    if (read_standard_input(text) != STATUS_OK) refuse(loader, "unreadable", "-", NULL, "at most 1 MiB", "standard input cannot be read");
  } else {
    note_mode(loader, path);
    if (buffer_read_file(text, path, FILE_BYTES_MAX, loader->problem) != STATUS_OK) {
      loader->has_failed = true;
      return;
    }
  }
  take_lines(loader, text, path);
}

static void take_environment(struct loader *loader, char *const *environment) {
  char name[NAME_BYTES];
  for (; environment != NULL && *environment != NULL; environment++) {
    const char *equals = strchr(*environment, '=');
    size_t length = equals != NULL ? (size_t)(equals - *environment) : 0;
    if (length == 0 || length >= sizeof name) continue;
    text_copy(name, length + 1, *environment);
    take(loader, name, equals + 1, SETTING_FROM_ENVIRONMENT, "environment");
  }
}

static void take_pair(struct loader *loader, const char *pair) {
  char name[NAME_BYTES];
  const char *equals = strchr(pair, '=');
  size_t length = equals != NULL ? (size_t)(equals - pair) : 0;
  if (length == 0 || length >= sizeof name) {
    refuse(loader, "bad_value", "--set", NULL, "NAME=VALUE", "--set needs NAME=VALUE");
    return;
  }
  text_copy(name, length + 1, pair);
  take(loader, name, equals + 1, SETTING_FROM_COMMAND_LINE, "command line");
}

/* Values */

static bool parse_boolean(const char *text, bool *out) {
  static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    if (strcasecmp(words[i], text) != 0) continue;
    *out = i % 2 == 1;
    return true;
  }
  return false;
}

static bool is_url(const char *text) {
  const char *colon = strstr(text, "://");
  size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz+");
  return colon != NULL && colon > text && scheme == (size_t)(colon - text) && colon[3] != '\0' && strpbrk(text, " \t") == NULL;
}

static bool is_database(const char *text) {
  char path[512];
  return settings_sqlite_path(text, path, sizeof path) || (strncmp(text, "postgresql://", 13) == 0 && is_url(text));
}

static bool is_feed(const char *text) {
  for (int i = 0; i < default_exchange_count; i++) {
    if (text_equal(text, default_exchange_names[i])) return true;
  }
  return text_equal(text, "demo") || (strncmp(text, "file:", 5) == 0 && text[5] != '\0');
}

static bool is_preset(const char *text) {
  return strlen(text) <= 64 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(text);
}

static bool is_address(const char *text) {
  return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:_-%") == strlen(text);
}

static bool is_cidr(const char *text, size_t length) {
  char copy[64];
  unsigned char bytes[16];
  int64_t bits;
  if (length >= sizeof copy) return false;
  text_copy(copy, length + 1, text);
  char *slash = strchr(copy, '/');
  if (slash != NULL) *slash = '\0';
  bool is_v4 = inet_pton(AF_INET, copy, bytes) == 1;
  if (!is_v4 && inet_pton(AF_INET6, copy, bytes) != 1) return false;
  return slash == NULL || (text_parse_i64(slash + 1, &bits) && bits >= 0 && bits <= (is_v4 ? 32 : 128));
}

static bool are_cidrs(const char *text) {
  while (*text != '\0') {
    size_t length = strcspn(text, ",");
    if (!is_cidr(text, length)) return false;
    text += length + (text[length] == ',');
  }
  return true;
}

static bool has_shape(const struct setting *setting, const char *text) {
  if (text[0] == '\0') return true;
  switch (setting->kind) {
    case SETTING_KIND_URL:
      return is_url(text);
    case SETTING_KIND_DATABASE:
      return is_database(text);
    case SETTING_KIND_FEED:
      return is_feed(text);
    case SETTING_KIND_PRESET:
      return is_preset(text);
    case SETTING_KIND_ADDRESS:
      return is_address(text);
    case SETTING_KIND_CIDRS:
      return are_cidrs(text);
    default:
      return true;
  }
}

/* NULL when the value was stored, else the code of what is wrong with it. */
static const char *store_value(struct settings *settings, const struct setting *setting, const char *text) {
  void *at = (char *)settings + setting->offset;
  int64_t whole;
  double number;
  switch (setting->kind) {
    case SETTING_KIND_INTEGER:
    case SETTING_KIND_LONG:
      if (!text_parse_i64(text, &whole)) return "bad_value";
      if ((double)whole < setting->min || (double)whole > setting->max) return "out_of_bounds";
      if (setting->kind == SETTING_KIND_INTEGER) {
        *(int32_t *)at = (int32_t)whole;
      } else {
        *(int64_t *)at = whole;
      }
      return NULL;
    case SETTING_KIND_NUMBER:
      if (!text_parse_double(text, &number)) return "bad_value";
      if (!(number >= setting->min && number <= setting->max)) return "out_of_bounds";
      *(double *)at = number;
      return NULL;
    case SETTING_KIND_BOOLEAN:
      return parse_boolean(text, at) ? NULL : "bad_value";
    case SETTING_KIND_ENUM:
      for (int32_t i = 0; i < setting->name_count; i++) {
        if (!text_equal(setting->names[i], text)) continue;
        *(int32_t *)at = i;
        return NULL;
      }
      return "bad_enum";
    default:
      break;
  }
  if (strlen(text) >= setting->size) return "out_of_bounds";
  if (!has_shape(setting, text)) return "bad_value";
  text_copy(at, setting->size, text);
  return NULL;
}

/* Blanks and line ends at the ends come from pasting and are never meant. */
static bool is_clean(const char *text) {
  size_t length = strlen(text);
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) return false;
  }
  return length == 0 || (text[0] != ' ' && text[length - 1] != ' ');
}

static void refuse_value(struct loader *loader, const struct setting *setting, const struct given *given, const char *code, const char *why) {
  char allowed[128];
  setting_type_text(setting, allowed, sizeof allowed);
  refuse(loader, code, setting->name, setting->is_secret ? NULL : given->value, allowed, "%s: %s", given->where, why);
}

static void apply(struct loader *loader, int index, const struct given *given) {
  const struct setting *setting = &setting_table[index];
  if (!is_clean(given->value)) {
    refuse_value(loader, setting, given, "bad_value", "begins or ends with a blank, or contains a control character or line end");
    return;
  }
  const char *code = store_value(loader->settings, setting, given->value);
  if (code == NULL) {
    loader->settings->source[index] = (uint8_t)given->source;
  } else {
    refuse_value(loader, setting, given, code, text_equal(code, "out_of_bounds") ? "is outside its bounds" : "is not a value of this setting");
  }
}

/* A secret from a file: everything up to the line end that editors and `echo` add. */
static void apply_twin(struct loader *loader, int index, const struct given *given) {
  const struct setting *setting = &setting_table[index];
  char path[NAME_BYTES];
  struct buffer text = {0};
  snprintf(path, sizeof path, "%.100s_FILE", setting->name);
  buffer_add_text(&text, "");
  if (buffer_read_file(&text, given->value, SECRET_BYTES_MAX, NULL) != STATUS_OK) {
    refuse(loader, "unreadable", path, given->value, "a file that can be read", "%s: the file cannot be read", given->where);
  } else if (memchr(text.data, '\0', text.length) != NULL) {
    refuse(loader, "bad_value", path, given->value, NULL, "%s: the file contains a NUL byte", given->where);
  } else {
    if (text.length > 0 && text.data[text.length - 1] == '\n') text.data[--text.length] = '\0';
    if (text.length > 0 && text.data[text.length - 1] == '\r') text.data[--text.length] = '\0';
    struct given content = *given;
    content.value = text.data;
    apply(loader, index, &content);
  }
  buffer_deinit(&text);
}

static const char *sandbox_word(struct loader *loader, const struct given *given) {
  bool is_sandbox;
  if (parse_boolean(given->value, &is_sandbox)) return is_sandbox ? "testnet" : "main";
  refuse(loader, "bad_value", "EXCHANGE_SANDBOX", given->value, "true or false", "%s: is not a boolean", given->where);
  return NULL;
}

/* Values under another name move to the name itself. */
static void resolve_aliases(struct loader *loader) {
  for (int i = 0; i < ALIAS_COUNT; i++) {
    struct given *given = &loader->by_alias[i];
    struct given *target = &loader->given[aliases[i].index];
    const char *name = setting_table[aliases[i].index].name;
    if (given->value == NULL) continue;
    if (target->value != NULL) {
      refuse(loader, "duplicate", aliases[i].alias, NULL, name, "%s: is another name of %s, which is also set", given->where, name);
      continue;
    }
    problem_warn(loader->problem, "alias", aliases[i].alias, NULL, name, "%s: is another name of %s", given->where, name);
    *target = *given;
    if (text_equal(aliases[i].alias, "EXCHANGE_SANDBOX")) target->value = sandbox_word(loader, given);
  }
}

static enum breakout_profile find_profile(const struct loader *loader) {
  const char *word = loader->given[SETTING_INDEX_BREAKOUT_PROFILE].value;
  for (int i = 0; word != NULL && i < breakout_profile_count; i++) {
    if (text_equal(word, breakout_profile_names[i])) return (enum breakout_profile)i;
  }
  return PROFILE_DEVELOPMENT;
}

static void apply_default(struct loader *loader, int index, enum breakout_profile profile) {
  const struct setting *setting = &setting_table[index];
  const char *text = setting_profile_fallback(setting, profile);
  loader->settings->source[index] = text != NULL ? SETTING_FROM_PROFILE : SETTING_FROM_DEFAULT;
  if (text == NULL) text = setting->fallback;
  if (index == SETTING_INDEX_LOG_CONSOLE && loader->is_terminal) text = "text";
  const char *code = store_value(loader->settings, setting, text);
  check(code == NULL);
}

static void apply_all(struct loader *loader) {
  enum breakout_profile profile = find_profile(loader);
  for (int i = 0; i < SETTING_COUNT; i++) {
    apply_default(loader, i, profile);
    if (loader->twins[i].value != NULL) {
      apply_twin(loader, i, &loader->twins[i]);
    } else if (loader->given[i].value != NULL) {
      apply(loader, i, &loader->given[i]);
    }
  }
}

/* Rules between settings */

static bool is_loopback(const char *host) {
  return strncmp(host, "127.", 4) == 0 || text_equal(host, "localhost") || text_equal(host, "::1");
}

static void check_access(struct loader *loader) {
  const struct settings *settings = loader->settings;
  bool may_be_open = settings->breakout_profile == PROFILE_DEVELOPMENT && is_loopback(settings->api_host);
  if (!settings->auth_enabled && !may_be_open) {
    refuse(loader, "not_allowed", "AUTH_ENABLED", "false", "true", "false is allowed only in profile development with a loopback API_HOST");
  }
  bool has_login = settings->source[SETTING_INDEX_GF_SECURITY_ADMIN_PASSWORD] != SETTING_FROM_DEFAULT;
  if (settings->breakout_profile != PROFILE_DEVELOPMENT && has_login && text_equal(settings->gf_security_admin_password, "admin")) {
    refuse(loader, "not_allowed", "GF_SECURITY_ADMIN_PASSWORD", NULL, NULL, "the password admin is refused outside profile development");
  }
}

static void check_trading(struct loader *loader) {
  const struct settings *settings = loader->settings;
  bool is_live = settings->trading_mode == MODE_LIVE;
  bool has_key = settings->exchange_api_key[0] != '\0';
  bool has_secret = settings->exchange_secret[0] != '\0';
  if (is_live && settings->breakout_profile == PROFILE_STAGING) {
    refuse(loader, "not_allowed", "TRADING_MODE", "live", "paper", "profile staging trades on paper only");
  }
  if ((is_live || has_secret) && !has_key) {
    refuse(loader, "bad_value", "EXCHANGE_API_KEY", NULL, NULL, "is needed: live mode needs EXCHANGE_API_KEY and EXCHANGE_SECRET");
  }
  if ((is_live || has_key) && !has_secret) {
    refuse(loader, "bad_value", "EXCHANGE_SECRET", NULL, NULL, "is needed: live mode needs EXCHANGE_API_KEY and EXCHANGE_SECRET");
  }
}

static void check_secrecy(struct loader *loader) {
  const struct settings *settings = loader->settings;
  bool is_production = settings->breakout_profile == PROFILE_PRODUCTION;
  if (is_production && loader->readable_file[0] != '\0') {
    refuse(loader, "not_allowed", loader->readable_file, NULL, "mode 600", "everybody on this machine may read the settings file");
  } else if (settings->breakout_profile != PROFILE_DEVELOPMENT && loader->open_file[0] != '\0') {
    problem_warn(loader->problem, "file_mode", loader->open_file, NULL, "mode 600", "others on this machine may read the settings file");
  }
  if (is_production && settings->redis_url[0] != '\0' && settings->redis_password[0] == '\0') {
    refuse(loader, "bad_value", "REDIS_PASSWORD", NULL, NULL, "is required in profile production");
  }
  for (int i = 0; is_production && i < SETTING_COUNT; i++) {
    bool is_plain = loader->given[i].value != NULL && loader->given[i].source == SETTING_FROM_FILE && loader->twins[i].value == NULL;
    if (!setting_table[i].is_secret || !is_plain) continue;
    problem_warn(loader->problem, "plain_secret", setting_table[i].name, NULL, "NAME_FILE", "%s: a secret stands in a settings file",
                 loader->given[i].where);
  }
}

/* Defaults that follow from other settings. */
static void derive(struct settings *settings) {
  if (settings->feed[0] == '\0') text_copy(settings->feed, sizeof settings->feed, default_exchange_names[settings->default_exchange]);
  if (settings->breakout_token_file[0] == '\0') {
    struct text text;
    text_init(&text, settings->breakout_token_file, sizeof settings->breakout_token_file);
    text_add(&text, settings->data_dir);
    text_add(&text, "/ctl.token");
  }
}

enum status settings_load(struct settings *settings, const struct settings_input *input, struct problem *problem) {
  struct loader *loader = calloc(1, sizeof *loader);
  if (loader == NULL) return STATUS_NO_MEMORY;
  memset(settings, 0, sizeof *settings);
  loader->settings = settings;
  loader->problem = problem;
  loader->is_terminal = input->is_terminal;

  for (int i = 0; i < input->file_count; i++) take_file(loader, input->files[i]);
  if (input->file_count == 0 && access(".env", F_OK) == 0) take_file(loader, ".env");
  take_environment(loader, input->environment);
  for (int i = 0; i < input->pair_count; i++) take_pair(loader, input->pairs[i]);

  resolve_aliases(loader);
  apply_all(loader);
  check_access(loader);
  check_trading(loader);
  check_secrecy(loader);
  derive(settings);

  bool has_failed = loader->has_failed;
  for (int i = 0; i < loader->text_count; i++) buffer_deinit(&loader->texts[i]);
  free(loader);
  return has_failed ? STATUS_BAD_CONFIG : STATUS_OK;
}
