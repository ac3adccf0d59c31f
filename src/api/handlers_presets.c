/* Presets: list, one with its ETag, schema, comparison, validation, changes and versions. Every change is a whole file, written only when it is
 * valid; sessions take it over with the command reload. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/api_state.h"
#include "runner/describe_tables.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/preset_store.h"

enum { NAMES_MAX = 512, VERSIONS_MAX = 200, ETAG_BYTES = DIGEST_TEXT_MAX + 2 };

/* A preset as it was read, with what was said about it. */
struct loaded {
  struct preset preset;
  struct preset_origin origin;
  struct problem problem;
  char hash[DIGEST_TEXT_MAX];
};

static void open_store(const struct call *call, struct preset_store *store) {
  const struct settings *settings = call->api->options.settings;
  preset_store_init(store, settings->presets_dir, settings->data_dir);
  preset_store_use_rows(store, call->api->options.rows, call->caller.user);
}

static int64_t now_ms(const struct call *call) {
  const struct clock *clock = call->api->options.clock;
  return clock->now_ms(clock->self);
}

static bool is_in_use(const struct call *call, const char *name) {
  struct engine_status status;
  engine_status_read(call->api->options.engine, &status);
  bool has_session = status.session_state != SESSION_IDLE && status.session_state != SESSION_STOPPED;
  return has_session && text_equal(status.preset, name);
}

/* ---- failures ---- */

/* A word of the store as a status and code of the API. */
static void fail_store(struct call *call, enum status status, const struct problem *problem) {
  switch (status) {
    case STATUS_NOT_FOUND:
      call_fail_problem(call, 404, "not_found", problem);
      break;
    case STATUS_BAD_CONFIG:
    case STATUS_BAD_INPUT:
    case STATUS_BAD_FORMAT:
      call_fail_problem(call, 422, "preset_invalid", problem);
      break;
    case STATUS_IN_USE:
    case STATUS_TIMED_OUT:
      call_fail_problem(call, 503, "not_ready", problem);
      break;
    default:
      call_fail_problem(call, 500, "internal", problem);
  }
}

/* The name of the path is the third segment: behind it may stand a version. A name that is none never reaches the file system. */
static bool load_named(struct call *call, const struct preset_store *store, const char *name, struct loaded *out) {
  memset(out, 0, sizeof *out);
  if (!preset_store_is_name(name)) {
    call_fail(call, 404, "not_found", "'%.64s' is not the name of a preset: 1 to 64 of a-z, 0-9 and _", name);
    return false;
  }
  enum status status = preset_store_load(store, name, &out->preset, &out->origin, &out->problem);
  if (status) {
    fail_store(call, status, &out->problem);
    return false;
  }
  preset_hash(&out->preset, out->hash);
  return true;
}

/* Does the header name the present content? A missing one is refused where it is needed: whoever changes a file must know what it was. */
static bool etag_fits(struct call *call, const char *hash, bool is_needed) {
  const char *given = http_header(call->request, "If-Match");
  char etag[ETAG_BYTES + 1];
  snprintf(etag, sizeof etag, "\"%s\"", hash);
  if (given == NULL && !is_needed) return true;
  if (given != NULL && (text_equal(given, etag) || text_equal(given, "*"))) return true;
  call_fail(call, 412, "etag_mismatch",
            given == NULL ? "If-Match is missing: it must be the ETag of the content that is replaced"
                          : "the preset has been changed meanwhile: read it again, its ETag is another one");
  return false;
}

/* ---- writing ---- */

static void add_sentences(struct json_writer *writer, const char *key, const struct problem *problem, bool is_warning) {
  char sentence[512];
  json_begin_array(writer, key);
  for (int i = 0; i < problem->count; i++) {
    const struct problem_item *item = &problem->items[i];
    if (item->is_warning != is_warning) continue;
    snprintf(sentence, sizeof sentence, "%s: %s", item->path, item->message);
    json_add_string(writer, NULL, sentence);
  }
  json_end_array(writer);
}

static void add_members(const struct call *call, const struct loaded *loaded, struct json_writer *writer) {
  const struct preset *preset = &loaded->preset;
  char risk[PRESET_NUMBER_TEXT_MAX];
  preset_number_text(preset->risk.risk_per_trade, risk);
  json_add_string(writer, "name", preset->name);
  json_add_string(writer, "description", preset->description);
  json_add_string(writer, "target_markets", preset->target_markets);
  json_add_string(writer, "strategy_priority", strategy_priority_names[preset->strategy_priority]);
  json_add_bool(writer, "built_in", loaded->origin.is_built_in);
  json_add_bool(writer, "modified", loaded->origin.is_modified);
  json_add_string(writer, "hash", loaded->hash);
  json_add_bool(writer, "in_use", is_in_use(call, preset->name));
  json_add_raw(writer, "risk_per_trade", risk);
  json_add_int(writer, "max_positions", preset->risk.max_concurrent_positions);
  add_sentences(writer, "warnings", &loaded->problem, true);
}

/* A file that is no valid preset is listed all the same: it is there, and somebody must mend it. */
static void add_broken(const struct call *call, const char *name, const struct loaded *loaded, struct json_writer *writer) {
  static const char *const unknown[] = {"description",    "target_markets",       "strategy_priority", "hash",
                                        "risk_per_trade", "max_positions",        "allowed_sides",     "min_24h_volume_usd",
                                        "max_spread_bps", "min_depth_usd_0_3pct", "atr_range_min",     "atr_range_max"};
  json_add_string(writer, "name", name);
  json_add_bool(writer, "built_in", loaded->origin.is_built_in);
  json_add_bool(writer, "modified", loaded->origin.is_modified);
  json_add_bool(writer, "in_use", is_in_use(call, name));
  for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) json_add_null(writer, unknown[i]);
  add_sentences(writer, "warnings", &loaded->problem, true);
}

/* What a list shows beside: the sides it trades, and the filters by which one preset differs from the next at a glance. */
static void add_filters(const struct preset *preset, struct json_writer *writer) {
  const struct {
    const char *name;
    double value;
  } filters[] = {
      {"min_24h_volume_usd", preset->liquidity_filters.min_24h_volume_usd},
      {"max_spread_bps", preset->liquidity_filters.max_spread_bps},
      {"min_depth_usd_0_3pct", preset->liquidity_filters.min_depth_usd_0_3pct},
      {"atr_range_min", preset->volatility_filters.atr_range_min},
      {"atr_range_max", preset->volatility_filters.atr_range_max},
  };
  char text[PRESET_NUMBER_TEXT_MAX];
  json_add_string(writer, "allowed_sides", allowed_sides_names[preset->signal_config.allowed_sides]);
  for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
    preset_number_text(filters[i].value, text);
    json_add_raw(writer, filters[i].name, text);
  }
}

static void answer_preset(struct call *call, const struct loaded *loaded, int status) {
  char etag[ETAG_BYTES + 1];
  snprintf(etag, sizeof etag, "\"%s\"", loaded->hash);
  (void)http_reply_add(call->reply, "ETag", etag);
  call_begin(call);
  add_members(call, loaded, &call->writer);
  preset_to_json(&loaded->preset, &call->writer, "config", PRESET_ORDER_TABLE, PRESET_WHOLE);
  call_end(call, status);
}

/* ---- reading ---- */

/* Parsing every preset takes milliseconds that the loop has not: a summary is kept until its file changes. */
struct kept_summary {
  char key[PRESET_PATH_BYTES + 96]; /* file, when and how it was written, in use or not */
  struct buffer text;               /* one JSON object */
};

static void make_key(const struct preset_store *store, const char *name, bool is_used, char *out, size_t size) {
  char path[PRESET_PATH_BYTES];
  struct stat info;
  snprintf(path, sizeof path, "%s/%.64s.json", store->presets_dir, name);
  if (stat(path, &info) != 0) info = (struct stat){0};
  snprintf(out, size, "%s %lld %lld %lld.%09ld %d", path, (long long)info.st_ino, (long long)info.st_size, (long long)info.st_mtim.tv_sec,
           info.st_mtim.tv_nsec, is_used ? 1 : 0);
}

static void print_summary(const struct call *call, const struct preset_store *store, const char *name, struct buffer *out) {
  struct loaded loaded = {0};
  struct json_writer writer;
  bool is_valid = preset_store_load(store, name, &loaded.preset, &loaded.origin, &loaded.problem) == STATUS_OK;
  if (is_valid) preset_hash(&loaded.preset, loaded.hash);
  json_writer_init(&writer, out, false);
  json_begin_object(&writer, NULL);
  if (is_valid) {
    add_members(call, &loaded, &writer);
    add_filters(&loaded.preset, &writer);
  } else {
    add_broken(call, name, &loaded, &writer);
  }
  add_sentences(&writer, "errors", &loaded.problem, false);
  json_end_object(&writer);
}

void handle_presets(struct call *call) {
  static struct kept_summary kept[NAMES_MAX]; /* by place in the list; the loop is one thread */
  char names[NAMES_MAX][PRESET_NAME_BYTES];
  char key[sizeof kept[0].key];
  struct preset_store store;
  open_store(call, &store);
  int count = preset_store_list(&store, names, NAMES_MAX);
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int i = 0; i < count; i++) {
    make_key(&store, names[i], is_in_use(call, names[i]), key, sizeof key);
    if (!text_equal(kept[i].key, key)) {
      buffer_clear(&kept[i].text);
      print_summary(call, &store, names[i], &kept[i].text);
      text_copy(kept[i].key, sizeof kept[i].key, key);
    }
    json_add_raw(&call->writer, NULL, kept[i].text.data);
  }
  json_end_array(&call->writer);
  json_add_null(&call->writer, "next_cursor");
  json_add_int(&call->writer, "total", count);
  call_end(call, 200);
}

void handle_preset(struct call *call) {
  const char *built_in = http_argument(call->request, "built_in");
  struct preset_store store;
  struct loaded loaded;
  open_store(call, &store);
  /* No file can stand below a device: what is found then is the copy in the program, whatever the file of that name says. */
  if (built_in != NULL && text_equal(built_in, "true")) text_copy(store.presets_dir, sizeof store.presets_dir, "/dev/null");
  if (load_named(call, &store, call->parameter, &loaded)) answer_preset(call, &loaded, 200);
}

void handle_preset_schema(struct call *call) {
  preset_describe_json_schema(&call->reply->body);
  call->reply->status = 200;
  call->reply->content_type = "application/json";
}

void handle_preset_compare(struct call *call) {
  const char *const names[] = {http_argument(call->request, "a"), http_argument(call->request, "b")};
  struct preset_store store;
  struct loaded a, b;
  struct buffer left = {0}, right = {0};
  if (names[0] == NULL || names[1] == NULL) {
    call_fail(call, 400, "bad_parameter", "name two presets: ?a=NAME&b=NAME");
    return;
  }
  open_store(call, &store);
  if (!load_named(call, &store, names[0], &a) || !load_named(call, &store, names[1], &b)) return;
  call_begin(call);
  json_add_string(&call->writer, "a", names[0]);
  json_add_string(&call->writer, "b", names[1]);
  json_begin_array(&call->writer, "differences");
  for (int i = 0; i < preset_key_count; i++) {
    if (!preset_value_differs(preset_keys[i].path, &a.preset, &b.preset, &left, &right)) continue;
    json_begin_object(&call->writer, NULL);
    json_add_string(&call->writer, "key", preset_keys[i].path);
    json_add_raw(&call->writer, "a", left.data);
    json_add_raw(&call->writer, "b", right.data);
    json_end_object(&call->writer);
  }
  json_end_array(&call->writer);
  call_end(call, 200);
  buffer_deinit(&left);
  buffer_deinit(&right);
}

/* The file of the preset in force beside what is in force: what the command reload would take over. */
void handle_reload_preview(struct call *call) {
  const struct preset *in_force = engine_preset(call->api->options.engine);
  char hash[DIGEST_TEXT_MAX];
  struct preset_store store;
  struct loaded loaded;
  if (in_force == NULL) {
    call_fail(call, 404, "not_found", "no preset is in force: nothing can be read again");
    return;
  }
  open_store(call, &store);
  if (!load_named(call, &store, in_force->name, &loaded)) return;
  preset_hash(in_force, hash);
  call_begin(call);
  json_add_string(&call->writer, "preset", in_force->name);
  json_add_string(&call->writer, "hash", hash);
  json_add_string(&call->writer, "new_hash", loaded.hash);
  write_preset_changes(in_force, &loaded.preset, &call->writer);
  add_sentences(&call->writer, "warnings", &loaded.problem, true);
  call_end(call, 200);
}

void handle_preset_validate(struct call *call) {
  const struct json *name = json_member(call->body, "name");
  const char *stem = name != NULL && json_kind(name) == JSON_STRING ? json_string(name) : NULL;
  struct loaded loaded = {0};
  enum status status = preset_from_json(&loaded.preset, json_member(call->body, "config"), stem, &loaded.problem);
  if (!status) preset_hash(&loaded.preset, loaded.hash);
  call_begin(call);
  json_add_bool(&call->writer, "valid", !status);
  json_add_problem(&call->writer, "errors", &loaded.problem, false);
  json_add_problem(&call->writer, "warnings", &loaded.problem, true);
  json_add_string(&call->writer, "hash", status ? NULL : loaded.hash);
  call_end(call, 200);
}

/* ---- changing ---- */

/* The preset of the body; false after a 422 with every error. */
static bool take_config(struct call *call, const char *stem, struct loaded *out) {
  memset(out, 0, sizeof *out);
  if (preset_from_json(&out->preset, json_member(call->body, "config"), stem, &out->problem) == STATUS_OK) return true;
  call_fail_problem(call, 422, "preset_invalid", &out->problem);
  return false;
}

/* Answers with what is stored now, and the warnings of what was given. */
static void answer_stored(struct call *call, const struct preset_store *store, const char *name, int status) {
  struct loaded loaded;
  if (load_named(call, store, name, &loaded)) answer_preset(call, &loaded, status);
}

static void save(struct call *call, const struct preset_store *store, const struct preset *preset, int status) {
  struct problem problem;
  problem_clear(&problem);
  enum status failure = preset_store_save(store, preset, now_ms(call), &problem);
  if (failure) {
    fail_store(call, failure, &problem);
    return;
  }
  answer_stored(call, store, preset->name, status);
}

void handle_preset_create(struct call *call) {
  struct preset_store store;
  struct loaded given, present;
  struct problem problem;
  if (!take_config(call, NULL, &given)) return;
  open_store(call, &store);
  problem_clear(&problem);
  if (preset_store_load(&store, given.preset.name, &present.preset, NULL, &problem) != STATUS_NOT_FOUND) {
    call_fail(call, 409, "already_exists", "there is a preset %s already: PUT /api/presets/%s changes it", given.preset.name, given.preset.name);
    return;
  }
  save(call, &store, &given.preset, 201);
}

/* The ETag of a file that is no valid preset is unknown to everybody: If-Match: * replaces it. */
static bool may_replace(struct call *call, const struct preset_store *store, const char *name) {
  struct loaded present = {0};
  if (!preset_store_is_name(name)) return load_named(call, store, name, &present);
  enum status status = preset_store_load(store, name, &present.preset, &present.origin, &present.problem);
  if (status == STATUS_NOT_FOUND) {
    fail_store(call, status, &present.problem);
    return false;
  }
  if (!status) preset_hash(&present.preset, present.hash);
  return etag_fits(call, present.hash, true);
}

void handle_preset_put(struct call *call) {
  struct preset_store store;
  struct loaded given;
  open_store(call, &store);
  if (!may_replace(call, &store, call->parameter) || !take_config(call, call->parameter, &given)) return;
  save(call, &store, &given.preset, 200);
}

void handle_preset_delete(struct call *call) {
  const char *name = call->parameter;
  struct preset_store store;
  struct loaded present = {0};
  bool has_restored = false;
  open_store(call, &store);
  if (!preset_store_is_name(name)) {
    (void)load_named(call, &store, name, &present);
    return;
  }
  enum status status = preset_store_load(&store, name, &present.preset, &present.origin, &present.problem);
  if (!status) preset_hash(&present.preset, present.hash);
  if (status == STATUS_NOT_FOUND) {
    fail_store(call, status, &present.problem);
    return;
  }
  if (!etag_fits(call, present.hash, false)) return;
  if (is_in_use(call, name) || (present.origin.is_built_in && !present.origin.is_modified)) {
    call_fail(call, 409, "in_use", is_in_use(call, name) ? "the session trades with this preset" : "a built-in preset cannot be deleted");
    return;
  }
  problem_clear(&present.problem);
  status = preset_store_delete(&store, name, now_ms(call), &has_restored, &present.problem);
  if (status) {
    fail_store(call, status, &present.problem);
    return;
  }
  call_begin(call);
  json_add_bool(&call->writer, "success", true);
  json_add_bool(&call->writer, "restored_built_in", has_restored);
  call_end(call, 200);
}

/* ---- versions ---- */

static bool exists(const struct preset_store *store, const char *name) {
  char names[NAMES_MAX][PRESET_NAME_BYTES];
  int count = preset_store_list(store, names, NAMES_MAX);
  for (int i = 0; i < count; i++) {
    if (text_equal(names[i], name)) return true;
  }
  return false;
}

void handle_preset_versions(struct call *call) {
  const char *name = call->request->segments[2];
  static struct preset_version versions[VERSIONS_MAX]; /* the loop is one thread */
  struct preset_store store;
  struct problem problem;
  int count;
  open_store(call, &store);
  problem_clear(&problem);
  enum status status = preset_store_versions(&store, name, versions, VERSIONS_MAX, &count, &problem);
  if (status) {
    fail_store(call, status, &problem);
    return;
  }
  if (count == 0 && !exists(&store, name)) {
    call_fail(call, 404, "not_found", "there is no preset '%.64s' and no version of it", name);
    return;
  }
  call_begin(call);
  json_begin_array(&call->writer, "versions");
  for (int i = 0; i < count; i++) {
    json_begin_object(&call->writer, NULL);
    json_add_string(&call->writer, "id", versions[i].id);
    json_add_int(&call->writer, "ts", versions[i].ts_ms);
    json_add_string(&call->writer, "user", versions[i].user[0] != '\0' ? versions[i].user : NULL);
    json_add_string(&call->writer, "hash", versions[i].hash[0] != '\0' ? versions[i].hash : NULL);
    json_end_object(&call->writer);
  }
  json_end_array(&call->writer);
  call_end(call, 200);
}

void handle_preset_restore(struct call *call) {
  const char *name = call->request->segments[2];
  struct preset_store store;
  struct preset preset;
  struct problem problem;
  open_store(call, &store);
  problem_clear(&problem);
  enum status status = preset_store_restore(&store, name, call->request->segments[4], now_ms(call), &preset, &problem);
  if (status) {
    fail_store(call, status, &problem);
  } else {
    answer_stored(call, &store, name, 200);
  }
}
