/* Scans, candidates, the market record of a symbol. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_state.h"
#include "base/check.h"
#include "core/market/symbol.h"
#include "core/strategy/market_filter.h"
#include "core/strategy/scanner.h"
#include "runner/preset_file.h"
#include "runner/preset_store.h"

enum { SCAN_ROWS_MAX = 500, SCAN_ROWS_DEFAULT = 10 };

int32_t call_symbol(struct call *call, const char *spelling) {
  char printed[SYMBOL_TEXT_MAX];
  char venue[SYMBOL_TEXT_MAX];
  int32_t symbol = spelling != NULL && symbol_parse(spelling, printed, venue) ? engine_find_symbol(call->api->options.engine, printed) : -1;
  if (symbol < 0) call_fail(call, 404, "not_found", "there is no symbol %s here", spelling != NULL ? spelling : "(none given)");
  return symbol;
}

/* ---- the last scan, and those before ---- */

void handle_scanner_last(struct call *call) {
  static const char *const words[] = {"false", "true"};
  const struct engine *engine = call->api->options.engine;
  const struct scan_record *scan = engine_last_scan(engine);
  int64_t limit = 50;
  if (!call_number(call, "limit", 1, 1000, &limit)) return;
  bool has_passed = http_argument(call->request, "passed") != NULL;
  int passed = call_word(call, "passed", words, 2, 0);
  if (passed < 0) return;
  if (scan->scan_id == 0) {
    call->reply->status = 204;
    return;
  }
  call_begin(call);
  write_scan_head(call->api, scan, &call->writer);
  json_begin_array(&call->writer, "items");
  for (int32_t i = 0; i < engine_scan_result_count(engine) && limit > 0; i++) {
    const struct scan_result *result = engine_scan_result(engine, i);
    if (has_passed && result->passed != (passed == 1)) continue;
    write_scan_result(call->api, result, false, &call->writer);
    --limit;
  }
  json_end_array(&call->writer);
  call_end(call, 200);
}

void handle_scanner_history(struct call *call) {
  struct listing listing = {0};
  listing_add_kept(call->api, RECORD_SCAN, &listing);
  listing_answer(call, &listing, RECORD_SCAN, "scan_id", "ts");
}

struct scan_rows {
  const struct call *call;
  struct scan_record scan; /* scan_id 0: not found */
};

static bool take_scan(void *context, const void *object) {
  struct scan_rows *rows = context;
  memcpy(&rows->scan, object, sizeof rows->scan);
  return false;
}

static bool write_row_of_scan(void *context, const void *object) {
  struct call *call = context;
  write_scan_result(call->api, object, true, &call->writer);
  return true;
}

/* The scan's summary from memory or the database; scan_id 0 when neither has it. */
static enum status find_scan(struct call *call, int64_t id, const char *printed, struct scan_rows *out, struct problem *problem) {
  const struct row_port *rows = call->api->options.rows;
  const struct keep *keep = &call->api->kept[RECORD_SCAN];
  for (int32_t i = 0; i < keep->count; i++) {
    const struct scan_record *scan = keep_get(keep, i);
    if (scan->scan_id == id) out->scan = *scan;
  }
  if (out->scan.scan_id != 0 || rows == NULL) return STATUS_OK;
  struct rows_query query = {.table = "scans", .limit = 1};
  rows_query_add(&query, "scan_id", ROWS_EQUAL, printed);
  return rows->select_objects(rows->self, &query, take_scan, out, problem);
}

static void answer_past_scan(struct call *call, const char *printed, const struct scan_rows *found, struct problem *problem) {
  const struct row_port *rows = call->api->options.rows;
  struct rows_query query = {.table = "scan_results", .order = "rank", .is_ascending = true, .limit = SCAN_ROWS_MAX};
  rows_query_add(&query, "scan_id", ROWS_EQUAL, printed);
  call_begin(call);
  write_scan_head(call->api, &found->scan, &call->writer);
  json_begin_array(&call->writer, "items");
  enum status status = rows != NULL ? rows->select_objects(rows->self, &query, write_row_of_scan, call, problem) : STATUS_OK;
  json_end_array(&call->writer);
  if (status == STATUS_OK) {
    call_end(call, 200);
  } else {
    call_fail_problem(call, 503, "not_ready", problem);
  }
}

void handle_scanner_scan_of(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  struct scan_rows found = {.call = call};
  struct problem problem;
  char printed[16];
  struct text text;
  problem_clear(&problem);
  int64_t id = parse_id(call->parameter, 'N');
  text_init(&text, printed, sizeof printed);
  text_add_id(&text, 'N', 8, id);
  if (id > 0 && id == engine_last_scan(engine)->scan_id) {
    json_writer_init(&call->writer, &call->reply->body, false);
    write_scan(call->api, NULL, engine_last_scan(engine), SCAN_ROWS_MAX, &call->writer);
    call_finish(call);
    return;
  }
  enum status status = id > 0 ? find_scan(call, id, printed, &found, &problem) : STATUS_OK;
  if (status != STATUS_OK) {
    call_fail_problem(call, 503, "not_ready", &problem);
  } else if (found.scan.scan_id == 0) {
    call_fail(call, 404, "not_found", "there is no scan %s", call->parameter);
  } else {
    answer_past_scan(call, printed, &found, &problem);
  }
}

/* ---- scanning on demand ---- */

/* What the body of a scan asks for. */
struct scan_wish {
  int32_t limit;
  bool *wanted; /* by symbol; owned; NULL: all */
};

static bool read_wish(struct call *call, struct scan_wish *wish) {
  const struct engine *engine = call->api->options.engine;
  const struct json *limit = json_member(call->body, "limit");
  const struct json *symbols = json_member(call->body, "symbols");
  *wish = (struct scan_wish){.limit = limit != NULL && json_kind(limit) == JSON_INT ? (int32_t)json_int(limit) : SCAN_ROWS_DEFAULT};
  if (symbols == NULL || json_kind(symbols) != JSON_ARRAY) return true;
  wish->wanted = calloc((size_t)engine_symbol_count(engine) + 1, sizeof *wish->wanted);
  check(wish->wanted != NULL);
  for (size_t i = 0; i < json_size(symbols); i++) {
    char printed[SYMBOL_TEXT_MAX];
    char venue[SYMBOL_TEXT_MAX];
    const char *spelling = json_string(json_item(symbols, i));
    int32_t symbol = symbol_parse(spelling, printed, venue) ? engine_find_symbol(engine, printed) : -1;
    if (symbol < 0) {
      call_fail(call, 422, "validation_failed", "symbols: there is no symbol %s here", spelling);
      free(wish->wanted);
      return false;
    }
    wish->wanted[symbol] = true;
  }
  return true;
}

/* What a dry scan works on; nothing of it is the engine's. */
struct dry_scan {
  const struct engine *engine;
  struct preset *preset;
  struct scan_row *rows;
  struct reason_list *reasons; /* by symbol */
  struct score *scores;        /* by symbol */
  int32_t *scratch;
  bool *is_white, *is_allowed;
  int32_t count;
  struct scan_record record;
};

static void *take_memory(int32_t count, size_t size) {
  void *memory = calloc((size_t)count + 1, size);
  check(memory != NULL);
  return memory;
}

static void dry_open(struct dry_scan *scan, const struct engine *engine) {
  int32_t count = engine_symbol_count(engine);
  *scan = (struct dry_scan){.engine = engine, .count = count};
  scan->preset = take_memory(1, sizeof *scan->preset);
  scan->rows = take_memory(count, sizeof *scan->rows);
  scan->reasons = take_memory(count, sizeof *scan->reasons);
  scan->scores = take_memory(count, sizeof *scan->scores);
  scan->scratch = take_memory(count, sizeof *scan->scratch);
  scan->is_white = take_memory(count, sizeof *scan->is_white);
  scan->is_allowed = take_memory(count, sizeof *scan->is_allowed);
}

static void dry_close(struct dry_scan *scan) {
  free(scan->preset);
  free(scan->rows);
  free(scan->reasons);
  free(scan->scores);
  free(scan->scratch);
  free(scan->is_white);
  free(scan->is_allowed);
}

/* White- and blacklist of the preset against the engine's symbols. */
static enum status resolve_lists(struct dry_scan *scan, struct problem *problem) {
  char(*symbols)[SYMBOL_TEXT_MAX] = take_memory(scan->count, sizeof *symbols);
  struct preset *white = take_memory(1, sizeof *white);
  struct problem unused;
  problem_clear(&unused);
  for (int32_t i = 0; i < scan->count; i++) text_copy(symbols[i], SYMBOL_TEXT_MAX, engine_market(scan->engine, i)->instrument.symbol);
  *white = *scan->preset;
  white->scanner_config.symbol_blacklist.is_null = true;
  enum status status = preset_resolve_lists(white, (const char(*)[SYMBOL_TEXT_MAX])symbols, scan->count, scan->is_white, problem);
  if (!status) status = preset_resolve_lists(scan->preset, (const char(*)[SYMBOL_TEXT_MAX])symbols, scan->count, scan->is_allowed, &unused);
  free(white);
  free(symbols);
  return status;
}

static void fill_row(struct dry_scan *scan, int32_t symbol) {
  const struct market *market = engine_market(scan->engine, symbol);
  struct market_view view;
  market_view_read(market, engine_reference(scan->engine), engine_now(scan->engine), &view);
  scan->rows[symbol] = (struct scan_row){.symbol = symbol,
                                         .name = market->instrument.symbol,
                                         .is_warm = market_is_warm(market) && market->instrument.status == INSTRUMENT_TRADING,
                                         .is_listed = scan->is_white[symbol],
                                         .is_blacklisted = scan->is_white[symbol] && !scan->is_allowed[symbol],
                                         .volume_24h_usd = view.volume_24h_usd,
                                         .change_24h_pct = view.change_24h_pct,
                                         .verdict = REASON_passed,
                                         .verdict_value = NAN,
                                         .verdict_threshold = NAN};
}

/* Filters, levels and score of one row, with the preset of the dry scan. */
static void judge_row(struct dry_scan *scan, struct scan_row *row) {
  struct market_view view;
  struct setup setup;
  struct reason_list *reasons = &scan->reasons[row->symbol];
  if (!engine_setup_read(scan->engine, row->symbol, &view, &setup)) return;
  setup.preset = scan->preset;
  row->passed_filters = market_filter_all(setup.market, &view, scan->preset, reasons);
  row->has_level = scan->preset->strategy_priority == STRATEGY_PRIORITY_CHANNEL ||
                   scanner_has_level(setup.levels, (enum allowed_sides)scan->preset->signal_config.allowed_sides);
  score_compute(&setup, &scan->scores[row->symbol]);
  row->score = scan->scores[row->symbol].total;
  if (!row->passed_filters) {
    const struct reason *failed = reason_first_failed(reasons);
    row->verdict = failed != NULL ? (enum reason_code)failed->code : REASON_data_health;
  } else if (!row->has_level) {
    row->verdict = REASON_no_level;
    reason_add(reasons, REASON_no_level, false, NAN, NAN, "");
  }
}

static void count_code(struct scan_record *record, int32_t code) {
  for (int32_t i = 0; i < record->failed_by_filter_count; i++) {
    if (record->failed_by_filter[i].code != code) continue;
    ++record->failed_by_filter[i].count;
    return;
  }
  if (record->failed_by_filter_count < SCAN_CODES_MAX) record->failed_by_filter[record->failed_by_filter_count++] = (struct code_count){code, 1};
}

static void summarise(struct dry_scan *scan) {
  for (int32_t i = 0; i < scan->count; i++) {
    const struct scan_row *row = &scan->rows[i];
    if (row->verdict == REASON_not_ready) ++scan->record.not_ready;
    if (!row->reached_filters) {
      count_code(&scan->record, (int32_t)row->verdict);
      continue;
    }
    ++scan->record.scanned;
    if (row->passed_filters) ++scan->record.passed_filters;
    const struct reason_list *reasons = &scan->reasons[row->symbol];
    for (int32_t k = 0; k < reasons->count; k++) {
      if (!reasons->items[k].passed && !reasons->items[k].skipped) count_code(&scan->record, reasons->items[k].code);
    }
  }
}

static void run_dry(struct dry_scan *scan) {
  scan->record = (struct scan_record){.ts = engine_now(scan->engine), .total_symbols = scan->count};
  text_copy(scan->record.preset, sizeof scan->record.preset, scan->preset->name);
  for (int32_t i = 0; i < scan->count; i++) fill_row(scan, i);
  scanner_cut(scan->rows, scan->count, scan->preset, scan->count, scan->scratch);
  for (int32_t i = 0; i < scan->count; i++) {
    if (scan->rows[i].reached_filters) judge_row(scan, &scan->rows[i]);
  }
  scan->record.candidates = scanner_rank(scan->rows, scan->count, scan->preset, scan->scratch);
  summarise(scan);
}

static void fill_result(const struct dry_scan *scan, const struct scan_row *row, struct scan_result *result) {
  const struct reason_list *reasons = &scan->reasons[row->symbol];
  const struct score *score = &scan->scores[row->symbol];
  const struct level_set *levels = engine_levels(scan->engine, row->symbol);
  *result = (struct scan_result){.ts = scan->record.ts,
                                 .rank = row->rank,
                                 .score = row->score,
                                 .passed = row->passed_filters && row->has_level,
                                 .candidate = row->verdict == REASON_passed,
                                 .price = price_now(scan->engine, row->symbol),
                                 .change_24h_pct = row->change_24h_pct,
                                 .volume_24h_usd = row->volume_24h_usd,
                                 .levels = levels->active_count,
                                 .nearest_level_bps = NAN,
                                 .filters_count = reasons->count};
  text_copy(result->symbol, sizeof result->symbol, row->name);
  memcpy(result->filters, reasons->items, (size_t)reasons->count * sizeof reasons->items[0]);
  for (int32_t i = 0; i < levels->active_count; i++) {
    double bps = fabs(levels->active[i].price - result->price) / result->price * 1e4;
    if (!(bps >= result->nearest_level_bps)) result->nearest_level_bps = bps;
  }
  for (int32_t k = 0; k < SCORE_COMPONENT_COUNT; k++) {
    double weight = scan->preset->scanner_config.score_weights[k];
    if (isnan(weight)) continue;
    result->components[result->components_count++] = (struct component_value){k, score->value[k], weight, score->contribution[k]};
  }
}

static void answer_dry(struct call *call, const struct dry_scan *scan, const struct scan_wish *wish) {
  int32_t written = 0;
  call_begin(call);
  write_scan_head(call->api, &scan->record, &call->writer);
  json_begin_array(&call->writer, "items");
  for (int32_t rank = 1; rank <= scan->count && written < wish->limit; rank++) {
    for (int32_t i = 0; i < scan->count; i++) {
      const struct scan_row *row = &scan->rows[i];
      if (row->rank != rank || !row->reached_filters || (wish->wanted != NULL && !wish->wanted[row->symbol])) continue;
      struct scan_result result;
      fill_result(scan, row, &result);
      write_scan_result(call->api, &result, false, &call->writer);
      ++written;
    }
  }
  json_end_array(&call->writer);
  call_end(call, 200);
}

static void scan_dry(struct call *call, const char *name, const struct scan_wish *wish) {
  const struct settings *settings = call->api->options.settings;
  struct preset_store store;
  struct dry_scan scan;
  struct problem problem;
  problem_clear(&problem);
  dry_open(&scan, call->api->options.engine);
  preset_store_init(&store, settings->presets_dir, settings->data_dir);
  enum status status = preset_store_is_name(name) ? preset_store_load(&store, name, scan.preset, NULL, &problem) : STATUS_NOT_FOUND;
  if (!status) status = resolve_lists(&scan, &problem);
  if (status == STATUS_NOT_FOUND) {
    call_fail(call, 404, "not_found", "there is no preset %s", name);
  } else if (status) {
    call_fail_problem(call, 422, "preset_invalid", &problem);
  } else {
    run_dry(&scan);
    answer_dry(call, &scan, wish);
  }
  dry_close(&scan);
}

/* The command scan_now, and the scan that follows it: the engine scans at its next tick. */
static void scan_now(struct call *call, const struct scan_wish *wish) {
  struct api *api = call->api;
  const struct api_host *host = &api->options.host;
  const struct engine *engine = api->options.engine;
  int64_t before = engine_last_scan(engine)->scan_id;
  struct event event = {.ts = host->now(host->self), .kind = EVENT_COMMAND, .command = {.command = COMMAND_SCAN_NOW, .source = SOURCE_OPERATOR}};
  event.command.operation_id = engine_counters(engine)->operation + 1;
  text_copy(event.command.user, sizeof event.command.user, call->caller.user[0] != '\0' ? call->caller.user : "local");
  text_copy(event.command.address, sizeof event.command.address, call->request->address);
  int64_t operation = event.command.operation_id;
  host->step(host->self, &event);
  const struct command_reply *reply = find_reply(api, operation);
  if (reply != NULL && reply->status == COMMAND_FAILED) {
    bool is_too_soon = !text_equal(reply->code, "illegal_command");
    call_fail(call, is_too_soon ? 429 : 409, is_too_soon ? "rate_limited" : "illegal_command", "%s", reply->message);
    if (is_too_soon) call->reply->retry_after_s = 5;
    return;
  }
  if (engine_last_scan(engine)->scan_id == before) {
    struct event tick = {.ts = host->now(host->self), .kind = EVENT_TICK};
    host->step(host->self, &tick);
  }
  call_begin(call);
  write_scan_head(api, engine_last_scan(engine), &call->writer);
  json_begin_array(&call->writer, "items");
  int32_t written = 0;
  for (int32_t i = 0; i < engine_scan_result_count(engine) && written < wish->limit; i++) {
    const struct scan_result *result = engine_scan_result(engine, i);
    if (wish->wanted != NULL && !wish->wanted[engine_find_symbol(engine, result->symbol)]) continue;
    write_scan_result(api, result, false, &call->writer);
    ++written;
  }
  json_end_array(&call->writer);
  call_end(call, 200);
}

static void scan_with(struct call *call, const char *name) {
  const struct engine *engine = call->api->options.engine;
  const struct preset *preset = engine_preset(engine);
  struct scan_wish wish;
  if (!read_wish(call, &wish)) return;
  if (preset == NULL || !engine_is_warm(engine)) {
    call_fail(call, 503, "not_ready", "there are not enough data yet: the symbols are still warming up");
  } else if (name == NULL || text_equal(name, preset->name)) {
    scan_now(call, &wish);
  } else {
    scan_dry(call, name, &wish);
  }
  free(wish.wanted);
}

void handle_scanner_scan(struct call *call) {
  const struct json *preset = json_member(call->body, "preset");
  scan_with(call, preset != NULL && json_kind(preset) == JSON_STRING ? json_string(preset) : NULL);
}

void handle_scanner_scan_preset(struct call *call) {
  scan_with(call, call->parameter);
}

/* ---- candidates, market data ---- */

void handle_candidates(struct call *call) {
  const struct engine *engine = call->api->options.engine;
  int64_t total = 0;
  call_begin(call);
  json_begin_array(&call->writer, "items");
  for (int32_t i = 0; i < engine_symbol_count(engine); i++) {
    if (engine_candidate(engine, i) == NULL) continue;
    write_candidate(call->api, NULL, engine_candidate(engine, i), &call->writer);
    ++total;
  }
  call_end_list(call, total);
}

void write_capabilities(uint32_t bits, struct json_writer *writer) {
  static const char *const names[CAPABILITY_COUNT] = {"candles_1m", "trades", "book", "ticker", "open_interest", "funding", "instrument"};
  json_begin_array(writer, "capabilities");
  for (int i = 0; i < CAPABILITY_COUNT; i++) {
    if ((bits & (1u << i)) != 0) json_add_string(writer, NULL, names[i]);
  }
  json_end_array(writer);
}

void handle_market_data(struct call *call) {
  static const char *const reasons[] = {NULL, "unavailable", "stale", "no_capability"};
  const struct engine *engine = call->api->options.engine;
  int32_t symbol = call_symbol(call, call->parameter);
  if (symbol < 0) return;
  const struct market *market = engine_market(engine, symbol);
  struct json_writer *writer = &call->writer;
  struct market_view view;
  market_view_read(market, engine_reference(engine), engine_now(engine), &view);
  call_begin(call);
  json_add_string(writer, "symbol", market->instrument.symbol);
  json_add_string(writer, "venue_symbol", market->instrument.venue_symbol);
  json_add_int(writer, "ts", engine_now(engine));
  json_begin_object(writer, "fields");
  for (int i = 0; i < market_field_count; i++) {
    json_begin_object(writer, market_field_names[i]);
    json_add_double(writer, "value", view.field[i]);
    if (isnan(view.age_s[i])) {
      json_add_null(writer, "age_ms");
    } else {
      json_add_int(writer, "age_ms", (int64_t)(view.age_s[i] * 1000.0));
    }
    json_add_string(writer, "reason", reasons[view.why[i]]);
    json_add_string(writer, "unit", market_field_units[i]);
    json_end_object(writer);
  }
  json_end_object(writer);
  write_capabilities(market->capabilities, writer);
  call_end(call, 200);
}
