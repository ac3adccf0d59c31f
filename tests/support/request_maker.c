#include "support/request_maker.h"

#include <stdio.h>
#include <string.h>

enum { DEEP = 10000, LONG_BYTES = 100000, LONGEST_BYTES = 1200000, KEYS = 20000, ITEMS_MAX = 3 };

static const char *const symbols[] = {"BTCUSDT", "ETH/USDT", "SOLUSDT", "xrpusdt", "BTC/USDT:USDT"};

/* JSON values that are no good value of hardly any member. */
static const char *const odd_values[] = {
    /* numbers */
    "-0",
    "0",
    "-1",
    "1e400",
    "1e-400",
    "NaN",
    "Infinity",
    "-Infinity",
    "0x10",
    "01",
    "1.",
    ".5",
    "+1",
    "1234567890123456789012345678901234567890",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "1e308",
    "0.000000001",
    "\"1,5\"",
    "\" 1\"",
    "\"1 \"",
    "\"1e3\"",
    /* strings */
    "\"\"",
    "\" \"",
    "\"../../../../etc/passwd\"",
    "\"..\"",
    "\"%00\"",
    "\"%2e%2e%2f\"",
    "\"<script>alert(1)</script>\"",
    "\"'; DROP TABLE users; --\"",
    "\"${jndi:ldap://x/y}\"",
    "\"{{7*7}}\"",
    "\"%n%s%s%n\"",
    "\"a\\r\\nSet-Cookie: x=1\"",
    "\"\\u001b[31mred\"",
    "\"\\u202eabc\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\ud800\"",
    "\"\xff\xfe\"",
    "\"\xc0\xaf\"",
    "\"tab\there\"",
    "\"LONG\"",
    "\"Short\"",
    "\"btcusdt\"",
    "\"NOPEUSDT\"",
    /* other types */
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "{\"a\":1}",
    "\"text\"",
    "5",
    "undefined",
    "'single'",
    "",
};

/* Members that must not be taken from a request. */
static const char *const smuggled[] = {"role", "live",      "mode",        "maxLoss", "is_admin", "token_id",
                                       "user", "__proto__", "constructor", "success", "",         "id"};

void request_maker_init(struct request_maker *maker, uint64_t seed) {
  *maker = (struct request_maker){0};
  random_init(&maker->random, seed);
}

void request_maker_deinit(struct request_maker *maker) {
  buffer_deinit(&maker->preset);
}

static uint64_t below(struct request_maker *maker, uint64_t bound) {
  return random_below(&maker->random, bound);
}

bool maker_is_once_in(struct request_maker *maker, unsigned of) {
  return below(maker, of) == 0;
}

const char *maker_pick(struct request_maker *maker, const char *const *words, size_t count) {
  return words[below(maker, count)];
}

/* ---- ids ---- */

static void remember(struct request_maker *maker, const char *key, const char *value) {
  size_t length = strlen(key);
  bool is_id = (length > 3 && text_equal(key + length - 3, "_id")) || text_equal(key, "id") || text_equal(key, "name") || text_equal(key, "symbol") ||
               text_equal(key, "username") || text_equal(key, "next_cursor");
  if (!is_id || length >= MAKER_KEY_BYTES || value[0] == '\0' || strlen(value) >= MAKER_ID_BYTES) return;
  for (int i = 0; i < maker->id_count; i++) {
    if (text_equal(maker->ids[i].key, key) && text_equal(maker->ids[i].value, value)) return;
  }
  int at = maker->id_count < MAKER_IDS_MAX ? maker->id_count++ : (int)below(maker, MAKER_IDS_MAX);
  text_copy(maker->ids[at].key, MAKER_KEY_BYTES, key);
  text_copy(maker->ids[at].value, MAKER_ID_BYTES, value);
}

static void learn_member(void *context, const char *key, const struct json *value) {
  struct request_maker *maker = context;
  if (json_kind(value) == JSON_STRING) {
    remember(maker, key, json_string(value));
  } else {
    request_maker_learn(maker, value);
  }
}

void request_maker_learn(struct request_maker *maker, const struct json *reply) {
  if (json_kind(reply) == JSON_OBJECT) json_each(reply, learn_member, maker);
  if (json_kind(reply) != JSON_ARRAY) return;
  for (size_t i = 0; i < json_size(reply); i++) request_maker_learn(maker, json_item(reply, i));
}

/* A value seen under the key; NULL when there was none. */
static const char *known(struct request_maker *maker, const char *key) {
  int found = -1;
  uint64_t count = 0;
  for (int i = 0; i < maker->id_count; i++) {
    if (text_equal(maker->ids[i].key, key) && below(maker, ++count) == 0) found = i;
  }
  return found >= 0 ? maker->ids[found].value : NULL;
}

/* ---- paths and queries ---- */

static void add_encoded(struct buffer *out, const char *text) {
  for (; *text != '\0'; text++) {
    bool is_plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~", *text) != NULL;
    buffer_add_format(out, is_plain ? "%c" : "%%%02X", (unsigned char)*text);
  }
}

/* Which member of which reply fits {id} or {name} of a path. */
static const char *key_of(const struct route *route) {
  static const struct {
    const char *part, *key;
  } keys[] = {
      {"/positions/", "position_id"}, {"/orders/", "client_order_id"},
      {"/trades/", "trade_id"},       {"/alerts/rules/", "rule_id"},
      {"/alerts/", "alert_id"},       {"/backtests/", "run_id"},
      {"/datasets/", "dataset_id"},   {"/decisions/why/", "symbol"},
      {"/decisions/", "decision_id"}, {"/operations/", "operation_id"},
      {"/auth/tokens/", "token_id"},  {"/auth/users/", "username"},
      {"/monitoring/", "session_id"}, {"/scanner/history/", "scan_id"},
      {"/versions/", "id"},           {"/presets/", "name"},
      {"/scanner/scan/", "name"},     {"/metric/", "name"},
      {"{symbol}", "symbol"},
  };
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    if (strstr(route->path, keys[i].part) != NULL) return keys[i].key;
  }
  return "id";
}

static void add_parameter(struct request_maker *maker, const struct route *route, bool is_wrong, struct buffer *out) {
  static const char *const odd[] = {
      "no-such-thing",
      "-1",
      "0",
      "P00000001",
      "99999999999999999999",
      "..%2f..%2fetc%2fpasswd",
      "%2e%2e",
      "%00",
      "a%0d%0aX:y",
      "%ff%fe",
      "%",
      "%zz",
      "..",
      ".",
      "",
      "*",
      "%2F",
      "00000000-0000-0000-0000-000000000000",
      "%3Cscript%3E",
      "%27%3B--",
      "BTC%2FUSDT",

      "admin",
      "breakout_v1",
      "binance-usdm-2025-05",
  };
  const char *value = is_wrong ? NULL : known(maker, key_of(route));
  if (value == NULL && text_equal(key_of(route), "symbol") && !is_wrong) value = MAKER_PICK(maker, symbols);
  if (value != NULL) {
    add_encoded(out, value);
  } else if (!is_wrong) {
    buffer_add_text(out, "none-seen-yet");
  } else if (maker_is_once_in(maker, 12)) {
    for (int i = 0; i < 200; i++) buffer_add_text(out, "A");
  } else {
    buffer_add_text(out, MAKER_PICK(maker, odd));
  }
}

void maker_add_path(struct request_maker *maker, const struct route *route, bool is_wrong, struct buffer *out) {
  static const char *const tails[] = {
      "/", "//", "/.", "/..", "/x", ";a=b", "%2F", "%", "%20", "/%2e%2e/%2e%2e", "\\", "?", "#x", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n"};
  bool has_parameter = strchr(route->path, '{') != NULL;
  bool is_broken = is_wrong && (!has_parameter || maker_is_once_in(maker, 3));
  if (is_broken && maker_is_once_in(maker, 3)) buffer_add_text(out, "/");
  for (const char *at = route->path; *at != '\0'; at++) {
    if (*at == '{') {
      add_parameter(maker, route, is_wrong && !is_broken, out);
      at = strchr(at, '}');
    } else {
      char letter = is_broken && maker_is_once_in(maker, 30) ? (char)(*at ^ 0x20) : *at;
      if (letter > ' ' && letter != '?') buffer_add(out, &letter, 1);
    }
  }
  if (is_broken) buffer_add_text(out, MAKER_PICK(maker, tails));
}

static const char *argument_of(struct request_maker *maker, const char *name, bool is_wrong, char number[32]) {
  static const char *const odd[] = {"-1",    "0",   "1000000000",   "1e3",      "NaN", "%00",      "%ff",
                                    "..%2f", "%27", "%3Cscript%3E", "a%0d%0ab", "",    "nonsense", "9999999999999999999999"};
  static const char *const sides[] = {"long", "short", "buy", "sell"};
  static const char *const formats[] = {"csv", "json"};
  static const char *const orders[] = {"asc", "desc"};
  static const char *const states[] = {"all", "open", "closed", "firing", "live"};
  static const char *const presets[] = {"breakout_v1", "channel_baseline", "nothing"};
  if (is_wrong) return MAKER_PICK(maker, odd);
  if (text_equal(name, "symbol")) return "BTCUSDT";
  if (text_equal(name, "side")) return MAKER_PICK(maker, sides);
  if (text_equal(name, "format")) return MAKER_PICK(maker, formats);
  if (text_equal(name, "order")) return MAKER_PICK(maker, orders);
  if (text_equal(name, "state") || text_equal(name, "states")) return MAKER_PICK(maker, states);
  if (text_equal(name, "preset") || text_equal(name, "a") || text_equal(name, "b")) return MAKER_PICK(maker, presets);
  if (text_equal(name, "timeframe")) return "5m";
  if (text_equal(name, "by")) return "symbol";
  bool is_time = text_equal(name, "from") || text_equal(name, "to") || text_equal(name, "at");
  snprintf(number, 32, "%llu",
           is_time ? 1746000000000ull + (unsigned long long)below(maker, 2678400000u) : 1 + (unsigned long long)below(maker, 500));
  return number;
}

static void add_argument(struct request_maker *maker, const char *name, bool is_wrong, bool *has_one, struct buffer *out) {
  char number[32];
  const char *cursor = text_equal(name, "cursor") && !is_wrong ? known(maker, "next_cursor") : NULL;
  buffer_add_format(out, "%s%s=", *has_one ? "&" : "?", name);
  if (cursor != NULL) {
    add_encoded(out, cursor);
  } else {
    buffer_add_text(out, argument_of(maker, name, is_wrong || text_equal(name, "cursor"), number));
  }
  *has_one = true;
}

void maker_add_query(struct request_maker *maker, const struct route *route, bool is_wrong, struct buffer *out) {
  static const char *const unknown[] = {"x=1", "limit", "=", "&&", "token=bbt_x", "%=%", "limit=1&limit=2", "debug=true", "a[]=1"};
  bool has_one = false;
  for (const char *at = route->query; *at != '\0'; at += strspn(at, " ")) {
    char name[48];
    size_t length = strcspn(at, " ");
    text_copy(name, length + 1 < sizeof name ? length + 1 : sizeof name, at);
    at += length;
    if (maker_is_once_in(maker, is_wrong ? 2 : 4)) add_argument(maker, name, is_wrong, &has_one, out);
  }
  if (is_wrong && maker_is_once_in(maker, 2)) buffer_add_format(out, "%s%s", has_one ? "&" : "?", MAKER_PICK(maker, unknown));
}

/* ---- bodies ---- */

static void add_long_string(struct buffer *out, size_t bytes) {
  buffer_add_text(out, "\"");
  buffer_reserve(out, bytes);
  for (size_t i = 0; i < bytes; i++) buffer_add(out, "A", 1);
  buffer_add_text(out, "\"");
}

static void add_odd_value(struct request_maker *maker, struct buffer *out) {
  if (maker_is_once_in(maker, 60)) {
    add_long_string(out, LONG_BYTES);
  } else {
    buffer_add_text(out, MAKER_PICK(maker, odd_values));
  }
}

static void add_string(struct request_maker *maker, const struct shape_member *member, struct buffer *out) {
  static const char *const presets[] = {"breakout_v1", "channel_baseline", "breakout_v1_relaxed"};
  static const char *const confirms[] = {"RESET", "START LIVE", "yes"};
  static const char *const commands[] = {"start",     "stop",   "pause", "resume",      "scan_now",      "retry",
                                         "time_stop", "reload", "reset", "kill_switch", "emergency_stop"};
  static const char *const paths[] = {"recordings/binance-usdm-2025-05", "nothing-here", "/etc/passwd", "../.."};
  static const char *const names[] = {"sweep", "one", "two", "three"};
  const char *name = member->name;
  char words[SHAPE_WORDS_MAX][SHAPE_WORD_BYTES];
  int count = shape_words(member, words);
  const char *value = MAKER_PICK(maker, names);
  if (count > 0) {
    value = words[below(maker, (uint64_t)count)];
  } else if (text_equal(name, "preset")) {
    value = MAKER_PICK(maker, presets);
  } else if (text_equal(name, "confirm")) {
    value = MAKER_PICK(maker, confirms);
  } else if (text_equal(name, "command")) {
    value = MAKER_PICK(maker, commands);
  } else if (text_equal(name, "path")) {
    value = MAKER_PICK(maker, paths);
  } else if (text_equal(name, "dataset_id")) {
    value = "binance-usdm-2025-05";
  } else if (text_equal(name, "symbol") || text_equal(name, "symbols")) {
    value = MAKER_PICK(maker, symbols);
  } else if (strstr(name, "password") != NULL) {
    value = "correct horse battery";
  } else if (text_equal(name, "quiet_hours")) {
    value = "22:00-07:00";
  }
  buffer_add_format(out, "\"%s\"", value);
}

static void add_number(struct request_maker *maker, const struct shape_member *member, struct buffer *out) {
  double low = member->is_bounded ? member->min : 0;
  double high = member->is_bounded ? member->max : 100000;
  bool is_time = text_equal(member->name, "from") || text_equal(member->name, "to");
  if (text_equal(member->name, "wait_ms")) high = 50; /* who asks must not wait long */
  if (is_time) {
    low = text_equal(member->name, "from") ? 1746662400000.0 : 1746748800000.0;
    high = low + 43200000.0;
  }
  double value = low + random_unit(&maker->random) * (high - low);
  if (member->type == SHAPE_INTEGER || member->value == SHAPE_INTEGER) {
    buffer_add_format(out, "%lld", (long long)value);
  } else {
    buffer_add_format(out, "%.4f", value);
  }
}

static void add_object(struct request_maker *maker, enum shape_id shape, bool is_wrong, struct buffer *out);

static void add_items(struct request_maker *maker, const struct shape_member *member, struct buffer *out);

static void add_value(struct request_maker *maker, const struct shape_member *member, struct buffer *out) {
  switch (member->type) {
    case SHAPE_STRING:
      add_string(maker, member, out);
      return;
    case SHAPE_INTEGER:
    case SHAPE_NUMBER:
      add_number(maker, member, out);
      return;
    case SHAPE_BOOLEAN:
      buffer_add_text(out, maker_is_once_in(maker, 4) ? "false" : "true");
      return;
    case SHAPE_ARRAY:
      add_items(maker, member, out);
      return;
    case SHAPE_MAP:
      buffer_add_text(out, text_equal(member->name, "config") && maker->preset.length > 0 ? maker->preset.data : "{}");
      return;
    default:
      if (member->item != SHAPE_EMPTY) {
        add_object(maker, member->item, false, out);
      } else {
        buffer_add_text(out, "{}");
      }
  }
}

static void add_items(struct request_maker *maker, const struct shape_member *member, struct buffer *out) {
  struct shape_member item = *member;
  item.type = member->item != SHAPE_EMPTY ? SHAPE_OBJECT : member->value;
  uint64_t count = below(maker, ITEMS_MAX + 1);
  buffer_add_text(out, "[");
  for (uint64_t i = 0; i < count; i++) {
    if (i > 0) buffer_add_text(out, ",");
    add_value(maker, &item, out);
  }
  buffer_add_text(out, "]");
}

static void add_member(struct request_maker *maker, const struct shape_member *member, bool is_wrong, struct buffer *out) {
  static const char *const doubled = "1";
  bool is_double = is_wrong && maker_is_once_in(maker, 8);
  buffer_add_format(out, "\"%s\":", member->name);
  if (is_wrong && !is_double) {
    add_odd_value(maker, out);
  } else {
    add_value(maker, member, out);
  }
  if (is_double) buffer_add_format(out, ",\"%s\":%s", member->name, doubled);
}

/* Optional members half of the time, but always wait_ms; is_wrong: one member is odd, missing, doubled, or one too many. */
static void add_object(struct request_maker *maker, enum shape_id shape, bool is_wrong, struct buffer *out) {
  const struct shape_member *members = shape_table[shape].members;
  uint64_t count = 0;
  bool has_one = false;
  for (const struct shape_member *at = members; at->name != NULL; at++) ++count;
  uint64_t odd = is_wrong ? below(maker, count + 1) : count + 1;
  bool is_left_out = is_wrong && maker_is_once_in(maker, 4);
  buffer_add_text(out, "{");
  for (uint64_t i = 0; i < count; i++) {
    const struct shape_member *at = &members[i];
    bool is_odd = i == odd;
    if (!shape_is_member(at) || (is_odd && is_left_out)) continue;
    if (at->is_optional && !is_odd && !text_equal(at->name, "wait_ms") && maker_is_once_in(maker, 2)) continue;
    if (has_one) buffer_add_text(out, ",");
    add_member(maker, at, is_odd, out);
    has_one = true;
  }
  if (odd == count) {
    buffer_add_format(out, "%s\"%s\":", has_one ? "," : "", MAKER_PICK(maker, smuggled));
    add_odd_value(maker, out);
  }
  buffer_add_text(out, "}");
}

static void add_nested(struct buffer *out, const char *open) {
  for (int i = 0; i < DEEP; i++) buffer_add_text(out, open);
}

static void add_many_keys(struct buffer *out) {
  buffer_add_text(out, "{");
  for (int i = 0; i < KEYS; i++) buffer_add_format(out, "%s\"k%d\":0", i > 0 ? "," : "", i);
  buffer_add_text(out, "}");
}

/* What is wrong with the body as a whole. */
static void add_broken_body(struct request_maker *maker, enum shape_id shape, struct buffer *out) {
  static const char *const fixed[] = {"",
                                      " ",
                                      "null",
                                      "[]",
                                      "[1]",
                                      "\"text\"",
                                      "5",
                                      "{",
                                      "}",
                                      "{\"a\":",
                                      "{\"a\"}",
                                      "{,}",
                                      "{\"a\":1,}",
                                      "// x\n{}",
                                      "/* x */ {}",
                                      "\xef\xbb\xbf{}",
                                      "\xff\xfe{\x00}",
                                      "{\"\xff\":1}",
                                      "{\"a\":\"\\ud800\"}",
                                      "{\"a\":1}{\"b\":2}",
                                      "{} x",
                                      "{\"\\u0000\":1}",
                                      "NaN",
                                      "{\"a\":NaN}",
                                      "a=1&b=2",
                                      "<xml/>"};
  switch (below(maker, 12)) {
    case 0:
      add_nested(out, "[");
      return;
    case 1:
      add_nested(out, "{\"a\":");
      return;
    case 2:
      add_long_string(out, LONGEST_BYTES);
      return;
    case 3:
      add_many_keys(out);
      return;
    case 4: /* cut */
      add_object(maker, shape, false, out);
      out->length -= out->length > 0 ? 1 + below(maker, out->length) : 0;
      out->data[out->length] = '\0';
      return;
    case 5: /* one byte another */
      add_object(maker, shape, false, out);
      out->data[below(maker, out->length)] = (char)below(maker, 256);
      return;
    case 6:
      buffer_add(out, "{\0}", 3);
      return;
    default:
      buffer_add_text(out, MAKER_PICK(maker, fixed));
  }
}

void maker_add_body(struct request_maker *maker, enum shape_id shape, bool is_wrong, struct buffer *out) {
  if (is_wrong && maker_is_once_in(maker, 4)) {
    add_broken_body(maker, shape, out);
  } else {
    add_object(maker, shape, is_wrong, out);
  }
}
