/* Deployment settings: setting.def declares each once; the struct, reading, bounds, masking, documents and .env.example follow from it.
 *
 * Sources, the first that has a value wins: command line, environment, settings files (.env), default of the profile, built-in default. Every error
 * of every source is told at once. */
#ifndef RUNNER_SETTINGS_H
#define RUNNER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/status.h"
#include "core/trade/position.h"

enum breakout_profile { PROFILE_DEVELOPMENT, PROFILE_STAGING, PROFILE_PRODUCTION, breakout_profile_count };
enum autostart { AUTOSTART_NONE, AUTOSTART_PAPER, autostart_count };
enum resume_on_restart { RESUME_SAME, RESUME_PAUSED, resume_on_restart_count };
enum default_exchange { EXCHANGE_BYBIT, EXCHANGE_BINANCE, EXCHANGE_REHEARSAL, default_exchange_count };
enum exchange_env { EXCHANGE_ENV_MAIN, EXCHANGE_ENV_TESTNET, EXCHANGE_ENV_DEMO, exchange_env_count };
enum stop_trigger { STOP_TRIGGER_LAST, STOP_TRIGGER_MARK, stop_trigger_count };
enum fee_source { FEE_SOURCE_AUTO, FEE_SOURCE_PRESET, FEE_SOURCE_VENUE, fee_source_count };
enum book_depth { BOOK_DEPTH_50, BOOK_DEPTH_200, BOOK_DEPTH_1000, book_depth_count };
enum service_role { SERVICE_ROLE_ALL, SERVICE_ROLE_API, SERVICE_ROLE_ENGINE, SERVICE_ROLE_WORKER, service_role_count };
/* log_level and log_console hold the values of enum log_level and enum log_console of base/log.h. */
enum { setting_log_level_count = LOG_CRITICAL + 1, setting_log_console_count = LOG_CONSOLE_TEXT + 1 };

extern const char *const breakout_profile_names[];
extern const char *const autostart_names[];
extern const char *const resume_on_restart_names[];
extern const char *const default_exchange_names[];
extern const char *const exchange_env_names[];
extern const char *const stop_trigger_names[];
extern const char *const fee_source_names[];
extern const char *const book_depth_names[];
extern const char *const service_role_names[];
extern const char *const setting_log_level_names[];
extern const char *const setting_log_console_names[];

/* Index of a setting in the table: SETTING_INDEX_PORT. */
enum setting_index {
#define SETTING_TEXT(member, NAME, kind, bytes, fallback, secrecy, effect, meaning) SETTING_INDEX_##NAME,
#define SETTING_INTEGER(member, NAME, fallback, min, max, effect, meaning) SETTING_INDEX_##NAME,
#define SETTING_LONG(member, NAME, fallback, min, max, effect, meaning) SETTING_INDEX_##NAME,
#define SETTING_NUMBER(member, NAME, fallback, min, max, effect, meaning) SETTING_INDEX_##NAME,
#define SETTING_BOOLEAN(member, NAME, fallback, effect, meaning) SETTING_INDEX_##NAME,
#define SETTING_ENUM(member, NAME, type, fallback, effect, meaning) SETTING_INDEX_##NAME,
#include "runner/setting.def"
  SETTING_COUNT
};

enum setting_source { SETTING_FROM_DEFAULT, SETTING_FROM_PROFILE, SETTING_FROM_FILE, SETTING_FROM_ENVIRONMENT, SETTING_FROM_COMMAND_LINE };

/* BREAKOUT__SECTION__KEY=value entries for presets, from every source; a later source replaces an earlier one. */
enum { PRESET_OVERRIDES_MAX = 32, PRESET_OVERRIDE_BYTES = 512 };
struct preset_overrides {
  int32_t count;
  char entries[PRESET_OVERRIDES_MAX][PRESET_OVERRIDE_BYTES];
};

struct settings {
#define SETTING_TEXT(member, NAME, kind, bytes, fallback, secrecy, effect, meaning) char member[bytes];
#define SETTING_INTEGER(member, NAME, fallback, min, max, effect, meaning) int32_t member;
#define SETTING_LONG(member, NAME, fallback, min, max, effect, meaning) int64_t member;
#define SETTING_NUMBER(member, NAME, fallback, min, max, effect, meaning) double member;
#define SETTING_BOOLEAN(member, NAME, fallback, effect, meaning) bool member;
#define SETTING_ENUM(member, NAME, type, fallback, effect, meaning) int32_t member;
#include "runner/setting.def"
  uint8_t source[SETTING_COUNT]; /* enum setting_source */
  struct preset_overrides preset_overrides;
};

enum setting_kind {
  SETTING_KIND_TEXT,     /* anything without control characters */
  SETTING_KIND_PATH,     /* of a file or folder */
  SETTING_KIND_URL,      /* scheme://... */
  SETTING_KIND_DATABASE, /* sqlite:// or postgresql:// */
  SETTING_KIND_FEED,     /* a venue, demo, file:PATH */
  SETTING_KIND_PRESET,   /* name of a preset */
  SETTING_KIND_ADDRESS,  /* host name or IP address */
  SETTING_KIND_LIST,     /* separated by commas */
  SETTING_KIND_CIDRS,    /* networks separated by commas */
  SETTING_KIND_INTEGER,  /* int32_t */
  SETTING_KIND_LONG,     /* int64_t */
  SETTING_KIND_NUMBER,   /* double */
  SETTING_KIND_BOOLEAN,
  SETTING_KIND_ENUM, /* int32_t index into names */
};

struct setting {
  const char *name; /* "PORT" */
  enum setting_kind kind;
  const char *fallback; /* built-in default as text */
  double min, max;
  bool is_secret;
  bool has_effect; /* false: nothing in this version acts on it */
  const char *meaning;
  uint32_t offset, size;
  const char *const *names;
  int32_t name_count;
};
extern const struct setting setting_table[SETTING_COUNT];
/* "text", "integer", "one of paper, live", ...: type and bounds for documents and messages. */
void setting_type_text(const struct setting *setting, char *out, size_t size);
/* The default of one profile, or NULL when it is the built-in one. */
const char *setting_profile_fallback(const struct setting *setting, enum breakout_profile profile);
const struct setting *setting_find(const char *name);

struct settings_input {
  const char *const *files; /* "-" is standard input; count 0: .env of the working directory if it exists */
  int file_count;
  const char *const *pairs; /* NAME=VALUE of the command line */
  int pair_count;
  char *const *environment; /* as environ, ends with NULL */
  bool is_terminal;         /* is standard error a terminal? */
};

/* Fills settings. STATUS_BAD_CONFIG when anything is wrong; all of it stands in problem (codes unknown_setting, bad_line, bad_value, out_of_bounds,
 * bad_enum, duplicate, secret_on_command_line, unreadable, not_allowed; warnings alias, possible_typo, plain_secret, file_mode). */
NODISCARD enum status settings_load(struct settings *settings, const struct settings_input *input, struct problem *problem);

/* The value as text; of a secret only "set" or "not set". */
void setting_value_text(const struct settings *settings, const struct setting *setting, char *out, size_t size);
/* One line "NAME=value (source), ..." of all settings that differ from the built-in default; "all defaults" when none does. */
void settings_add_changed(const struct settings *settings, struct buffer *out);
extern const char *const setting_source_names[];

/* Path of a sqlite:// DATABASE_URL; false when it names another database. */
bool settings_sqlite_path(const char *url, char *out, size_t size);
/* 50, 200 or 1000. */
int32_t settings_book_levels(const struct settings *settings);

#endif
