/* breakout data: what recorded markets there are, how good they are, and turning files into others. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/source/export.h"
#include "adapters/source/generate.h"
#include "adapters/source/source.h"
#include "apps/worker.h"
#include "base/calendar.h"
#include "base/folder.h"
#include "base/text.h"
#include "runner/runs.h"

enum { DATA_WORDS_MAX = 256, DATA_PATH_MAX = 1024 };

/* The arguments of all forms; each form uses its own. */
struct data_call {
  const char *words[DATA_WORDS_MAX];
  int word_count;
  struct source_options source;
  const char *name, *output, *scenario;
  bool is_jsonl_export;
  int64_t seed, days, symbols;
  struct worker worker;
};

enum {
  OPTION_FORMAT,
  OPTION_SYMBOL,
  OPTION_SYMBOLS,
  OPTION_INTERVAL,
  OPTION_NAME,
  OPTION_OUTPUT,
  OPTION_FILL,
  OPTION_SCENARIO,
  OPTION_SEED,
  OPTION_DAYS,
  OPTION_COUNT,
  OPTION_PROGRESS,
  OPTION_FUNDING,
  OPTION_MARK,
  OPTION_INSTRUMENTS,
  OPTION_BAD
};

static const struct app_option options[] = {
    [OPTION_FORMAT] = {"format", 0, true, "FORMAT", "of the files; auto looks inside. For export: csv or jsonl"},
    [OPTION_SYMBOL] = {"symbol", 0, true, "SYMBOL", "of files whose names do not tell"},
    [OPTION_SYMBOLS] = {"symbols", 'p', true, "LIST", "only these"},
    [OPTION_INTERVAL] = {"interval", 'i', true, "1m", "of files whose names do not tell"},
    [OPTION_NAME] = {"name", 0, true, "NAME", "of the new dataset"},
    [OPTION_OUTPUT] = {"output", 'o', true, "FILE", "where to write; - is standard output"},
    [OPTION_FILL] = {"fill", 0, true, "flat", "fill holes of at most 5 minutes with flat candles"},
    [OPTION_SCENARIO] = {"scenario", 0, true, "NAME", "trend, range, breakouts, fakeouts, gaps, crash or quiet"},
    [OPTION_SEED] = {"seed", 0, true, "N", "of generated data (1)"},
    [OPTION_DAYS] = {"days", 0, true, "N", "of generated data (30)"},
    [OPTION_COUNT] = {"count", 0, true, "N", "symbols of generated data (1)"},
    [OPTION_PROGRESS] = {"progress-fd", 0, true, "N", "for the server: a process of low priority that ends with it"},
    [OPTION_FUNDING] = {"funding", 0, true, "PATH", "further funding files"},
    [OPTION_MARK] = {"mark", 0, true, "PATH", "further mark price files"},
    [OPTION_INSTRUMENTS] = {"instruments", 0, true, "FILE", "tick and lot sizes"},
    [OPTION_BAD] = {"allow-bad-data", 0, false, NULL, "take data with holes or rejected rows"},
};

static bool take_word(struct app *app, const char *option, const char *value, const char *const *words, int count, int *out) {
  for (int i = 0; i < count; i++) {
    if (!text_equal(value, words[i])) continue;
    *out = i;
    return true;
  }
  const int nearest = text_nearest(value, words, count);
  problem_add(&app->problem, "bad_option", option, value, nearest >= 0 ? words[nearest] : words[0], "this value is not known");
  return false;
}

static bool take_option(struct app *app, struct data_call *call, int option, const char *value) {
  static const char *const flat[] = {"flat"};
  int index = 0;
  switch (option) {
    case OPTION_FORMAT:
      if (!take_word(app, "--format", value, source_format_names, SOURCE_FORMAT_COUNT, &index)) return false;
      call->source.format = (enum source_format)index;
      call->is_jsonl_export = index == SOURCE_JSONL;
      return true;
    case OPTION_SYMBOL:
      call->source.symbol = value;
      return true;
    case OPTION_SYMBOLS:
      call->source.symbols = value;
      return true;
    case OPTION_INTERVAL:
      call->source.interval = value;
      return true;
    case OPTION_NAME:
      call->name = value;
      return true;
    case OPTION_OUTPUT:
      call->output = value;
      return true;
    case OPTION_FILL:
      call->source.is_filled_flat = true;
      return take_word(app, "--fill", value, flat, 1, &index);
    case OPTION_SCENARIO:
      call->scenario = value;
      return true;
    case OPTION_SEED:
      return app_parse_integer(app, "--seed", value, 0, INT64_MAX, &call->seed);
    case OPTION_DAYS:
      return app_parse_integer(app, "--days", value, 1, GENERATE_DAYS_MAX, &call->days);
    case OPTION_COUNT:
      return app_parse_integer(app, "--count", value, 1, 500, &call->symbols);
    case OPTION_PROGRESS:
      return worker_begin(&call->worker, app, value);
    case OPTION_FUNDING:
      call->source.funding = value;
      return true;
    case OPTION_MARK:
      call->source.mark = value;
      return true;
    case OPTION_INSTRUMENTS:
      call->source.instruments = value;
      return true;
    default:
      call->source.allows_bad_data = true;
      return true;
  }
}

static enum status read_call(struct app *app, int argc, char **argv, struct data_call *call) {
  struct app_arguments arguments;
  const char *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, options, (int)(sizeof options / sizeof options[0]), &value)) != APP_DONE) {
    if (option == APP_WRONG) return STATUS_BAD_CONFIG;
    if (option == APP_ARGUMENT && call->word_count < DATA_WORDS_MAX)
      call->words[call->word_count++] = value;
    else if (option == APP_ARGUMENT || !take_option(app, call, option, value))
      return STATUS_BAD_CONFIG;
  }
  return STATUS_OK;
}

static enum status open_named(struct app *app, struct data_call *call, struct source **source) {
  static char path[DATA_PATH_MAX], cache[DATA_PATH_MAX];
  *source = NULL;
  if (call->word_count != 1) {
    problem_add(&app->problem, "missing_argument", "data", NULL, NULL, "name one dataset: a file, a folder, or a name of `breakout data list`");
    return STATUS_BAD_CONFIG;
  }
  (void)dataset_find(call->words[0], app->settings.data_dir, path, sizeof path);
  (void)snprintf(cache, sizeof cache, "%s/cache", app->settings.data_dir);
  call->source.data = path;
  call->source.cache_folder = cache;
  return source_open(source, &call->source, &app->problem);
}

static void print_warnings(const struct app *app) {
  if (!app->is_quiet && app->problem.count > 0) problem_print(&app->problem, stderr);
}

/* --- list, info, doctor --------------------------------------------------------------------------------------------- */

static void list_folder(const char *folder, struct table *table) {
  DIR *directory = opendir(folder);
  if (!directory) return;
  for (const struct dirent *entry; (entry = readdir(directory));) {
    char path[DATA_PATH_MAX];
    struct stat info;
    if (entry->d_name[0] == '.' || snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path) continue;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    table_add(table, entry->d_name);
    table_add(table, path);
  }
  (void)closedir(directory);
}

static int run_list(struct app *app, struct data_call *call) {
  static const struct table_column columns[] = {{"Name", TABLE_LEFT}, {"Folder", TABLE_LEFT}};
  (void)call;
  char path[DATA_PATH_MAX];
  struct table table;
  table_init(&table, columns, 2, app_table_format(app));
  (void)snprintf(path, sizeof path, "%s/datasets", app->settings.data_dir);
  list_folder(path, &table);
  list_folder("recordings", &table);
  app_print_table(app, &table);
  return 0;
}

static void add_stream_quality(struct json_writer *json, const struct source *source, int symbol) {
  struct stream_quality quality;
  if (!source_stream_quality(source, symbol, &quality)) return;
  json_begin_object(json, "stream");
  json_add_int(json, "first_ts", quality.first_ts);
  json_add_int(json, "last_ts", quality.last_ts);
  json_add_int(json, "books", quality.books);
  json_add_int(json, "snapshots", quality.snapshots);
  json_add_int(json, "levels", quality.levels);
  json_add_int(json, "trades", quality.trades);
  json_add_int(json, "others", quality.others);
  json_add_int(json, "gaps", quality.gaps);
  json_add_int(json, "stale", quality.stale);
  json_add_int(json, "waiting", quality.waiting);
  json_add_int(json, "trade_gaps", quality.trade_gaps);
  json_add_int(json, "trades_lost", quality.trades_lost);
  json_add_int(json, "silence_ms", quality.silence_ms);
  json_end_object(json);
}

static void add_quality(struct json_writer *json, const struct source *source, int symbol) {
  struct quality quality;
  source_quality(source, symbol, 0, 0, &quality);
  json_begin_object(json, NULL);
  json_add_string(json, "symbol", source_symbol(source, symbol));
  json_add_string(json, "venue_symbol", source_venue_symbol(source, symbol));
  json_add_int(json, "first_ts", quality.first_ts);
  json_add_int(json, "last_ts", quality.last_ts);
  json_add_int(json, "rows", quality.rows);
  json_add_int(json, "present", quality.present);
  json_add_int(json, "missing", quality.missing);
  json_add_int(json, "holes", quality.holes);
  json_add_int(json, "longest_hole", quality.longest_hole);
  json_add_int(json, "duplicates", quality.duplicates);
  json_add_int(json, "conflicts", quality.conflicts);
  json_add_int(json, "out_of_order", quality.out_of_order);
  json_add_int(json, "invalid", quality.invalid);
  json_add_int(json, "filled", quality.filled);
  json_add_int(json, "jumps", quality.jumps);
  json_add_int(json, "quiet_runs", quality.quiet_runs);
  json_add_double(json, "completeness", quality.completeness);
  json_add_double(json, "score", quality.score);
  json_add_bool(json, "is_usable", quality_is_usable(&quality));
  add_stream_quality(json, source, symbol);
  json_end_object(json);
}

/* What any of its symbols has. */
static const char *const capability_names[CAPABILITY_COUNT] = {"candles", "trades", "book", "ticker", "open_interest", "funding", "instruments"};

static void add_capabilities(struct json_writer *json, const struct source *source) {
  uint32_t bits = 0;
  for (int i = 0; i < source_symbol_count(source); i++) bits |= source_capabilities(source, i);
  json_begin_array(json, "capabilities");
  for (int i = 0; i < CAPABILITY_COUNT; i++) {
    if (bits & 1u << i) json_add_string(json, NULL, capability_names[i]);
  }
  json_end_array(json);
}

static void print_json(struct source *source) {
  struct buffer out = {0};
  struct json_writer json;
  char checksum[65];
  int64_t from_ms, to_ms;
  source_checksum(source, checksum);
  source_range(source, &from_ms, &to_ms);
  json_writer_init(&json, &out, true);
  json_begin_object(&json, NULL);
  json_add_string(&json, "checksum", checksum);
  json_add_int(&json, "interval_ms", source_interval_ms(source));
  json_add_int(&json, "from", from_ms);
  json_add_int(&json, "to", to_ms);
  add_capabilities(&json, source);
  json_begin_array(&json, "stamps");
  for (int i = 0; i < SOURCE_STAMP_COUNT; i++) {
    if (source_stamps(source) & 1u << i) json_add_string(&json, NULL, source_stamp_names[i]);
  }
  json_end_array(&json);
  json_begin_array(&json, "symbols");
  for (int i = 0; i < source_symbol_count(source); i++) add_quality(&json, source, i);
  json_end_array(&json);
  json_end_object(&json);
  buffer_add_text(&out, "\n");
  app_print(&out);
  buffer_deinit(&out);
}

static void add_integer(struct table *table, int64_t value) {
  char text[32];
  (void)snprintf(text, sizeof text, "%lld", (long long)value);
  table_add(table, text);
}

static void add_time(struct table *table, int64_t ts) {
  char text[40] = "-";
  struct text out;
  text_init(&out, text, sizeof text);
  text_add_time(&out, ts);
  if (out.length > 16) text[16] = '\0'; /* to the minute */
  table_add(table, text);
}

static void print_quality(struct app *app, const struct source *source) {
  static const struct table_column columns[] = {{"Symbol", TABLE_LEFT},   {"First", TABLE_LEFT},     {"Last", TABLE_LEFT},
                                                {"Candles", TABLE_RIGHT}, {"Missing", TABLE_RIGHT},  {"Duplicates", TABLE_RIGHT},
                                                {"Invalid", TABLE_RIGHT}, {"Disorder", TABLE_RIGHT}, {"Jumps", TABLE_RIGHT},
                                                {"Quiet", TABLE_RIGHT},   {"Score", TABLE_RIGHT}};
  struct table table;
  table_init(&table, columns, sizeof columns / sizeof columns[0], app_table_format(app));
  for (int i = 0; i < source_symbol_count(source); i++) {
    struct quality quality;
    char score[16];
    source_quality(source, i, 0, 0, &quality);
    table_add(&table, source_symbol(source, i));
    add_time(&table, quality.first_ts);
    add_time(&table, quality.last_ts);
    const int64_t counts[] = {quality.present,      quality.missing, quality.duplicates, quality.invalid,
                              quality.out_of_order, quality.jumps,   quality.quiet_runs};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) add_integer(&table, counts[k]);
    (void)snprintf(score, sizeof score, "%.2f", quality.score);
    table_add(&table, score);
  }
  app_print_table(app, &table);
}

/* Books and trades have a table of their own, where there are any. */
static void print_stream_quality(struct app *app, const struct source *source) {
  static const struct table_column columns[] = {{"Symbol", TABLE_LEFT},  {"First", TABLE_LEFT},      {"Last", TABLE_LEFT},
                                                {"Books", TABLE_RIGHT},  {"Snapshots", TABLE_RIGHT}, {"Levels", TABLE_RIGHT},
                                                {"Gaps", TABLE_RIGHT},   {"Stale", TABLE_RIGHT},     {"Waiting", TABLE_RIGHT},
                                                {"Trades", TABLE_RIGHT}, {"Lost", TABLE_RIGHT},      {"Silence ms", TABLE_RIGHT}};
  struct table table;
  struct stream_quality quality;
  int rows = 0;
  table_init(&table, columns, sizeof columns / sizeof columns[0], app_table_format(app));
  for (int i = 0; i < source_symbol_count(source); i++) {
    if (!source_stream_quality(source, i, &quality)) continue;
    table_add(&table, source_symbol(source, i));
    add_time(&table, quality.first_ts);
    add_time(&table, quality.last_ts);
    const int64_t counts[] = {quality.books,   quality.snapshots, quality.levels,      quality.gaps,      quality.stale,
                              quality.waiting, quality.trades,    quality.trades_lost, quality.silence_ms};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) add_integer(&table, counts[k]);
    rows++;
  }
  if (rows > 0)
    app_print_table(app, &table);
  else
    table_deinit(&table);
}

static void print_summary(struct source *source) {
  struct buffer out = {0};
  char checksum[65];
  source_checksum(source, checksum);
  buffer_add_format(&out, "%d symbols, %lldm candles, checksum %s\nstamps:", source_symbol_count(source),
                    (long long)(source_interval_ms(source) / MINUTE_MS), checksum);
  for (int i = 0; i < SOURCE_STAMP_COUNT; i++) {
    if (source_stamps(source) & 1u << i) buffer_add_format(&out, " %s", source_stamp_names[i]);
  }
  buffer_add_text(&out, source_stamps(source) ? "\n" : " none\n");
  app_print(&out);
  buffer_deinit(&out);
}

static int run_info(struct app *app, struct data_call *call) {
  struct source *source;
  call->source.allows_bad_data = true;
  const enum status status = open_named(app, call, &source);
  if (status) return app_fail(app, status);
  print_warnings(app);
  if (app->output == OUTPUT_JSON) {
    print_json(source);
  } else {
    if (app->output == OUTPUT_TEXT) print_summary(source);
    print_quality(app, source);
    print_stream_quality(app, source);
  }
  source_close(source);
  return 0;
}

static int run_doctor(struct app *app, struct data_call *call) {
  struct source *source;
  bool is_usable = true;
  call->source.allows_bad_data = true;
  const enum status status = open_named(app, call, &source);
  if (status) return app_fail(app, status);
  for (int i = 0; i < source_symbol_count(source); i++) {
    struct quality quality;
    source_quality(source, i, 0, 0, &quality);
    is_usable = is_usable && quality.present > 0 && quality_is_usable(&quality);
  }
  source_close(source);
  problem_clear(&app->problem);
  return run_info(app, call) != 0 || !is_usable;
}

/* --- import, export, generate, delete --------------------------------------------------------------------------------- */

static enum status new_folder(struct app *app, const char *name, char *path, size_t size) {
  if (name == NULL || !run_is_dataset(name)) {
    problem_add(&app->problem, "bad_option", "--name", name, "letters, digits, - _ .", "a dataset needs a name of at most 64 letters");
    return STATUS_BAD_CONFIG;
  }
  (void)mkdir(app->settings.data_dir, 0750);
  (void)snprintf(path, size, "%s/datasets", app->settings.data_dir);
  if (mkdir(path, 0755) != 0 && errno != EEXIST) {
    const int error = errno;
    problem_add(&app->problem, "write_failed", path, NULL, NULL, "the folder can not be made: %s", strerror(error));
    return status_from_errno(error);
  }
  (void)snprintf(path, size, "%s/datasets/%s", app->settings.data_dir, name);
  if (access(path, F_OK) == 0) {
    problem_add(&app->problem, "in_use", path, NULL, NULL, "the dataset can not be made: %s", strerror(EEXIST));
    return STATUS_IN_USE;
  }
  (void)snprintf(path, size, "%s/datasets/.%s.part", app->settings.data_dir, name);
  (void)folder_remove(path); /* of a process that was killed */
  if (mkdir(path, 0755) == 0) return STATUS_OK;
  const int error = errno;
  problem_add(&app->problem, "write_failed", path, NULL, NULL, "the dataset can not be made: %s", strerror(error));
  return status_from_errno(error);
}

/* The folder gets its name when all of it is there; after a failure nothing stays. path becomes the name. */
static enum status end_folder(struct app *app, const char *name, char *path, size_t size, enum status status) {
  char part[DATA_PATH_MAX];
  text_copy(part, sizeof part, path);
  if (!status) {
    (void)snprintf(path, size, "%s/datasets/%s", app->settings.data_dir, name);
    if (rename(part, path) == 0) return STATUS_OK;
    const int error = errno;
    problem_add(&app->problem, "write_failed", path, NULL, NULL, "the dataset can not be made: %s", strerror(error));
    status = status_from_errno(error);
  }
  (void)folder_remove(part);
  return status;
}

static int told(const struct app *app, const char *format, const char *name, const char *path) {
  struct buffer out = {0};
  buffer_add_format(&out, format, name, path);
  if (!app->is_quiet) app_print(&out);
  buffer_deinit(&out);
  return 0;
}

static int run_import(struct app *app, struct data_call *call) {
  struct buffer files = {0};
  struct source *source;
  char path[DATA_PATH_MAX];
  if (call->word_count == 0) return app_fail_with(app, STATUS_BAD_CONFIG, "missing_argument", "data import", "name the files to import");
  if (call->source.is_filled_flat) {
    return app_fail_with(app, STATUS_BAD_CONFIG, "bad_option", "--fill",
                         "filled candles are marked where data are opened, so import the data as they are");
  }
  for (int i = 0; i < call->word_count; i++) buffer_add_format(&files, i > 0 ? ",%s" : "%s", call->words[i]);
  call->source.data = files.data;
  enum status status = source_open(&source, &call->source, &app->problem);
  if (!status) {
    status = new_folder(app, call->name, path, sizeof path);
    if (!status) status = end_folder(app, call->name, path, sizeof path, export_folder(source, path, &app->problem));
    source_close(source);
  }
  buffer_deinit(&files);
  if (status) return app_fail(app, status);
  print_warnings(app);
  return told(app, "imported as %s into %s\n", call->name, path);
}

static enum status write_out(void *context, struct buffer *out) {
  FILE *file = context;
  return fwrite(out->data ? out->data : "", 1, out->length, file) == out->length ? STATUS_OK : STATUS_IO_FAILED;
}

static enum status export_to(struct app *app, struct data_call *call, struct source *source, FILE *file) {
  struct buffer out = {0};
  enum status status;
  if (call->is_jsonl_export) {
    status = export_jsonl(source, &out, write_out, file, &app->problem);
  } else {
    export_candles(source, 0, &out);
    status = write_out(file, &out);
  }
  buffer_deinit(&out);
  return status;
}

static int run_export(struct app *app, struct data_call *call) {
  struct source *source;
  const enum source_format wanted = call->source.format;
  call->source.format = SOURCE_AUTO; /* --format is that of the output here */
  call->source.allows_bad_data = true;
  if (wanted != SOURCE_AUTO && wanted != SOURCE_CSV && wanted != SOURCE_JSONL)
    return app_fail_with(app, STATUS_BAD_CONFIG, "bad_option", "--format", "export writes csv or jsonl");
  enum status status = open_named(app, call, &source);
  if (status) return app_fail(app, status);
  const bool is_output = !call->output || text_equal(call->output, "-");
  if (!call->is_jsonl_export && source_symbol_count(source) > 1) {
    if (is_output) {
      source_close(source);
      return app_fail_with(app, STATUS_BAD_CONFIG, "bad_option", "--output",
                           "several symbols as csv need a folder: -o FOLDER, or --format jsonl, or --symbols one");
    }
    status = export_folder(source, call->output, &app->problem);
  } else {
    FILE *file = is_output ? stdout : fopen(call->output, "wb");
    if (!file) {
      problem_add(&app->problem, "write_failed", call->output, NULL, NULL, "the file can not be written: %s", strerror(errno));
      status = STATUS_IO_FAILED;
    } else {
      status = export_to(app, call, source, file);
      if (!is_output && fclose(file) != 0) status = STATUS_IO_FAILED;
    }
  }
  source_close(source);
  return status ? app_fail(app, status) : 0;
}

static void add_generated(struct buffer *out, const struct candle *rows, size_t count) {
  buffer_clear(out);
  buffer_add_text(out, "timestamp_ms,open,high,low,close,volume,turnover\n");
  for (size_t i = 0; i < count; i++) {
    buffer_add_format(out, "%lld,%.2f,%.2f,%.2f,%.2f,%.0f,%.4f\n", (long long)rows[i].open_ts, rows[i].open, rows[i].high, rows[i].low, rows[i].close,
                      rows[i].volume, rows[i].turnover);
  }
}

static enum status write_generated(struct app *app, const struct data_call *call, enum generate_scenario scenario, const char *folder) {
  struct candle *rows = malloc(generate_candles_max((int)call->days) * sizeof *rows);
  struct buffer text = {0}, instruments = {0};
  char path[DATA_PATH_MAX + 64];
  enum status status = rows ? STATUS_OK : STATUS_NO_MEMORY;
  buffer_add_text(&instruments, "exchange_symbol,tick_size,lot_size\n");
  for (int i = 0; i < (int)call->symbols && !status; i++) {
    const struct generate_options generate = {
        .scenario = scenario, .seed = (uint64_t)call->seed, .symbol = i, .days = (int)call->days, .start_ms = calendar_to_ms(2024, 1, 1, 0, 0, 0, 0)};
    char symbol[24] = "BTCUSDT";
    if (i > 0) (void)snprintf(symbol, sizeof symbol, "GEN%dUSDT", i);
    add_generated(&text, rows, generate_candles(rows, &generate));
    buffer_add_format(&instruments, "%s,0.01,0.001\n", symbol);
    (void)snprintf(path, sizeof path, "%s/%s-1m.csv", folder, symbol);
    status = buffer_write_file(&text, path, 0644, &app->problem);
  }
  (void)snprintf(path, sizeof path, "%s/instruments.csv", folder);
  if (!status) status = buffer_write_file(&instruments, path, 0644, &app->problem);
  free(rows);
  buffer_deinit(&text);
  buffer_deinit(&instruments);
  return status;
}

static int run_generate(struct app *app, struct data_call *call) {
  char path[DATA_PATH_MAX], name[80];
  int scenario = 0;
  if (!call->scenario)
    return app_fail_with(app, STATUS_BAD_CONFIG, "missing_argument", "--scenario",
                         "name a scenario: trend, range, breakouts, fakeouts, gaps, crash or quiet");
  if (!take_word(app, "--scenario", call->scenario, generate_scenario_names, GENERATE_SCENARIO_COUNT, &scenario))
    return app_fail(app, STATUS_BAD_CONFIG);
  (void)snprintf(name, sizeof name, "%s-%lld", call->scenario, (long long)call->seed);
  if (!call->name) call->name = name;
  enum status status = new_folder(app, call->name, path, sizeof path);
  if (!status) status = end_folder(app, call->name, path, sizeof path, write_generated(app, call, (enum generate_scenario)scenario, path));
  if (status) return app_fail(app, status);
  return told(app, "generated %s into %s\n", call->name, path);
}

/* Only datasets of our own, made by import and generate: plain files in one folder. */
static int run_delete(struct app *app, struct data_call *call) {
  char folder[DATA_PATH_MAX];
  if (call->word_count != 1 || !run_is_dataset(call->words[0]))
    return app_fail_with(app, STATUS_BAD_CONFIG, "missing_argument", "data delete", "name one dataset of `breakout data list`");
  (void)snprintf(folder, sizeof folder, "%s/datasets/%s", app->settings.data_dir, call->words[0]);
  if (access(folder, F_OK) != 0)
    return app_fail_with(app, STATUS_NOT_FOUND, "not_found", folder, "there is no such dataset; recordings/ and files elsewhere are not deleted");
  if (!folder_remove(folder))
    return app_fail_with(app, STATUS_IO_FAILED, "write_failed", folder, "the folder can not be removed: %s", strerror(errno));
  return told(app, "deleted %s (%s)\n", call->words[0], folder);
}

static int run_later(struct app *app, struct data_call *call) {
  (void)call;
  return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", "data",
                       "downloading and recording are not in this version; import files instead");
}

int app_data(struct app *app, int argc, char **argv) {
  static const struct {
    const char *name;
    int (*run)(struct app *app, struct data_call *call);
  } forms[] = {{"list", run_list},         {"info", run_info},     {"doctor", run_doctor},  {"import", run_import}, {"export", run_export},
               {"generate", run_generate}, {"delete", run_delete}, {"download", run_later}, {"record", run_later}};
  struct data_call call = {.seed = 1, .days = 30, .symbols = 1};
  if (argc < 2)
    return app_fail_with(app, STATUS_BAD_CONFIG, "missing_argument", "data",
                         "say what to do: list, info, doctor, import, export, generate or delete");
  const char *names[sizeof forms / sizeof forms[0]];
  const int count = sizeof forms / sizeof forms[0];
  for (int i = 0; i < count; i++) names[i] = forms[i].name;
  const int form = app_form(&app->problem, "data", argv[1], names, count);
  if (form < 0) return app_fail(app, STATUS_BAD_CONFIG);
  if (forms[form].run == run_later) return run_later(app, &call);
  const enum status status = read_call(app, argc - 1, argv + 1, &call);
  return status ? app_fail(app, status) : forms[form].run(app, &call);
}
