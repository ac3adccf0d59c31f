/* `breakout replay`: the events of a journal through a fresh engine, compared with what was journalled, or printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "adapters/clock/system_clock.h"
#include "apps/app.h"
#include "base/calendar.h"
#include "base/check.h"
#include "engine/view.h"
#include "runner/journal.h"
#include "runner/retrace.h"

enum { OPTION_SPEED, OPTION_UNTIL, OPTION_VERIFY, OPTION_PRINT, OPTION_DRIFT, OPTION_COUNT };
static const struct app_option options[OPTION_COUNT] = {
    {"speed", 0, true, "N|max", "event time runs N times as fast as the clock (max: as fast as it goes)"},
    {"until", 0, true, "TIME", "stop before the first event after this time"},
    {"verify", 0, false, NULL, "compare every intent and record with the journal (always done; kept for scripts)"},
    {"print", 0, false, NULL, "print events, intents and records instead of stepping an engine; with --json as JSON lines"},
    {"drift", 0, false, NULL, "compare with the live market (not in this version)"},
};

struct replay {
  struct app *app;
  const char *name; /* session, run or file */
  double speed;     /* 0: as fast as it goes */
  int64_t until;    /* INT64_MAX: to the end */
  bool prints, is_drift;
  struct journal_reader reader;
  bool is_session; /* ends with the session of this name */
  bool saw_session, is_over;
  struct arena arena;
  struct engine *engine;
  struct retrace retrace;
  struct digest digest;          /* of the canonical lines that the journal has */
  int64_t began_at_ms, began_ts; /* for the speed */
  int64_t lost;
};

static bool take_options(struct replay *replay, int argc, char **argv) {
  struct app_arguments arguments;
  app_arguments_init(&arguments, argc, argv);
  const char *value;
  for (int option; (option = app_next(replay->app, &arguments, options, OPTION_COUNT, &value)) != APP_DONE;) {
    if (option == APP_WRONG) return false;
    if (option == APP_ARGUMENT) replay->name = value;
    if (option == OPTION_PRINT) replay->prints = true;
    if (option == OPTION_DRIFT) replay->is_drift = true;
    if (option == OPTION_SPEED && !text_equal(value, "max") && !app_parse_number(replay->app, "--speed", value, 0.001, 1e6, &replay->speed))
      return false;
    if (option == OPTION_UNTIL && !calendar_parse(value, &replay->until)) {
      problem_add(&replay->app->problem, "bad_time", "--until", value, "2025-01-31T12:00", "the time cannot be read");
      return false;
    }
  }
  if (replay->name != NULL) return true;
  problem_add(&replay->app->problem, "missing", "SESSION|RUN|FILE", NULL, NULL, "name a session, a run or a journal file");
  return false;
}

/* A file, a run with a journal of its own, or a session somewhere in the only journal of the data directory. */
static enum status open_journal(struct replay *replay) {
  struct problem *problem = &replay->app->problem;
  struct stat info;
  if (stat(replay->name, &info) == 0 && S_ISREG(info.st_mode)) return journal_reader_open_file(&replay->reader, replay->name, problem);
  const char *data_dir = replay->app->settings.data_dir;
  enum status status = journal_reader_open(&replay->reader, data_dir, replay->name, 0, problem);
  if (status != STATUS_NO_DATA) return status;
  replay->is_session = true;
  status = journal_reader_open(&replay->reader, data_dir, NULL, 0, problem);
  if (status == STATUS_NO_DATA) problem_add(problem, "no_journal", data_dir, NULL, NULL, "there is no journal");
  return status;
}

static bool is_named_session(const struct replay *replay, const struct session_record *session) {
  char name[32];
  struct text text;
  text_init(&text, name, sizeof name);
  text_add_id(&text, 'S', 6, session->session_id);
  return text_equal(name, replay->name);
}

/* Digest lines, and where the session ends. */
static void look_at_record(struct replay *replay, const struct journal_record *record) {
  if (record->kind >= record_kind_count) return;
  const struct schema *schema = record_schemas[record->kind];
  bool is_session = record->kind == RECORD_SESSION;
  if (!is_session && !record_in_digest[record->kind]) return;
  void *object = calloc(1, schema->size);
  check(object != NULL);
  if (schema_decode(schema, object, record->payload, record->size) == record->size) {
    if (is_session && replay->is_session && is_named_session(replay, object)) {
      replay->saw_session = true;
      replay->is_over = ((const struct session_record *)object)->ended_at != 0;
    } else if (record_in_digest[record->kind]) {
      char line[RETRACE_TEXT_MAX * 4];
      struct text text;
      text_init(&text, line, sizeof line);
      text_add_i64(&text, record->ts);
      text_add_char(&text, '|');
      schema_print(schema, object, &text);
      text_add_char(&text, '\n');
      digest_add(&replay->digest, line, text.length);
    }
  }
  free(object);
}

/* ---- printing ---- */

static const char *kind_name(const struct journal_record *record) {
  switch ((enum journal_direction)record->direction) {
    case JOURNAL_EVENT:
      return record->kind < event_kind_count ? event_kind_names[record->kind] : "?";
    case JOURNAL_INTENT:
      return record->kind < intent_kind_count ? intent_kind_names[record->kind] : "?";
    case JOURNAL_RECORD:
      return record->kind < record_kind_count ? record_kind_names[record->kind] : "?";
    case JOURNAL_MARK:
      return record->kind < journal_mark_count ? journal_mark_names[record->kind] : "?";
    default:
      return "?";
  }
}

static void print_line(const struct journal_record *record, struct buffer *out) {
  char memory[64], line[RETRACE_TEXT_MAX * 4];
  struct text text;
  text_init(&text, memory, sizeof memory);
  text_add_time(&text, record->ts);
  buffer_add_format(out, "%llu %s %s ", (unsigned long long)record->seq, memory, journal_direction_names[record->direction]);
  text_init(&text, line, sizeof line);
  retrace_print(record, &text);
  buffer_add(out, text.data, text.length);
  buffer_add(out, "\n", 1);
}

static void print_json(const struct journal_record *record, struct buffer *out) {
  struct json_writer writer;
  json_writer_init(&writer, out, false);
  json_begin_object(&writer, NULL);
  json_add_int(&writer, "seq", (int64_t)record->seq);
  json_add_int(&writer, "ts", record->ts);
  json_add_string(&writer, "direction", journal_direction_names[record->direction]);
  json_add_string(&writer, "kind", kind_name(record));
  json_begin_object(&writer, "fields");
  retrace_to_json(record, &writer);
  json_end_object(&writer);
  json_end_object(&writer);
  buffer_add(out, "\n", 1);
}

static enum status print_all(struct replay *replay) {
  struct buffer out = {0};
  struct journal_record record;
  enum status status = STATUS_OK;
  bool is_json = replay->app->output == OUTPUT_JSON || replay->app->output == OUTPUT_JSONL;
  while (!app_interrupted && (status = journal_reader_next(&replay->reader, &record, &replay->app->problem)) == STATUS_OK &&
         record.ts <= replay->until) {
    buffer_clear(&out);
    if (is_json) {
      print_json(&record, &out);
    } else {
      print_line(&record, &out);
    }
    app_print(&out);
  }
  buffer_deinit(&out);
  if (app_interrupted) return STATUS_INTERRUPTED;
  return status == STATUS_END ? STATUS_OK : status;
}

/* ---- stepping ---- */

static enum status take_mark(struct replay *replay, const struct journal_record *record) {
  if (record->kind == MARK_LOST) ++replay->lost;
  if (record->kind != MARK_ENGINE) return STATUS_OK;
  struct engine_mark mark;
  if (schema_decode(&engine_mark_schema, &mark, record->payload, record->size) != record->size) return STATUS_CORRUPT;
  struct engine_limits limits;
  struct engine_config config;
  struct engine_counters counters;
  engine_mark_read(&mark, &limits, &config, &counters);
  if (replay->engine != NULL) {
    engine_configure(replay->engine, &config);
    return STATUS_OK;
  }
  enum status status = arena_open(&replay->arena, engine_memory(&limits));
  if (status != STATUS_OK) return status;
  replay->engine = engine_init(&replay->arena, &limits, &config, &counters);
  retrace_init(&replay->retrace, replay->engine);
  return STATUS_OK;
}

static void wait_for(struct replay *replay, int64_t ts) {
  if (replay->speed == 0) return;
  const struct clock *clock = system_clock();
  int64_t now = clock->monotonic_ns(clock->self) / 1000000;
  if (replay->began_ts == 0) {
    replay->began_ts = ts;
    replay->began_at_ms = now;
  }
  int64_t due = replay->began_at_ms + (int64_t)((double)(ts - replay->began_ts) / replay->speed);
  if (due <= now) return;
  struct timespec pause = {(due - now) / 1000, (due - now) % 1000 * 1000000};
  nanosleep(&pause, NULL); /* a signal ends it early, and the loop looks at it */
}

static enum status take_record(struct replay *replay, const struct journal_record *record) {
  if (record->direction == JOURNAL_MARK) return take_mark(replay, record);
  if (replay->engine == NULL) {
    problem_add(&replay->app->problem, "no_beginning", replay->name, NULL, NULL,
                "the journal begins at %llu in the middle of an engine's life; a replay needs its beginning", (unsigned long long)record->seq);
    return STATUS_NO_DATA;
  }
  if (record->direction != JOURNAL_EVENT) {
    if (record->direction == JOURNAL_RECORD) look_at_record(replay, record);
    retrace_compare(&replay->retrace, record);
    return STATUS_OK;
  }
  enum status status = retrace_take(&replay->retrace, record, &replay->app->problem);
  if (status != STATUS_OK) return status;
  wait_for(replay, record->ts);
  retrace_step(&replay->retrace);
  return STATUS_OK;
}

static enum status step_all(struct replay *replay) {
  struct journal_record record;
  enum status status;
  bool ends_here = false;
  while ((status = journal_reader_next(&replay->reader, &record, &replay->app->problem)) == STATUS_OK) {
    if (app_interrupted) return STATUS_INTERRUPTED;
    bool is_event = record.direction == JOURNAL_EVENT;
    ends_here = is_event && (record.ts > replay->until || replay->is_over);
    if (ends_here) break;
    status = take_record(replay, &record);
    if (status != STATUS_OK || replay->retrace.differences > 0) break;
  }
  /* A live journal, or one that a crash ended, may lack what its last event caused. */
  if (status == STATUS_OK && ends_here) retrace_end(&replay->retrace, record.seq);
  if (status == STATUS_END) status = STATUS_OK;
  if (status == STATUS_OK && replay->is_session && !replay->saw_session && replay->retrace.differences == 0) {
    problem_add(&replay->app->problem, "no_session", replay->name, NULL, NULL, "the journal has no such session, run or file");
    return STATUS_NOT_FOUND;
  }
  return status;
}

static void print_result(struct replay *replay, double seconds) {
  const struct retrace *retrace = &replay->retrace;
  char digest[DIGEST_TEXT_MAX];
  digest_read(&replay->digest, digest);
  struct buffer out = {0};
  if (replay->app->output == OUTPUT_TEXT || replay->app->output == OUTPUT_CSV) {
    if (retrace->differences > 0) {
      buffer_add_format(&out, "first difference at record %llu\n  journal: %s\n  replay:  %s\n", (unsigned long long)retrace->difference_seq,
                        retrace->journalled[0] != '\0' ? retrace->journalled : "(nothing)",
                        retrace->produced[0] != '\0' ? retrace->produced : "(nothing)");
    }
    buffer_add_format(&out, "events %lld  intents %lld  records %lld  seconds %.2f\ndigest %s\n%s\n", (long long)retrace->events,
                      (long long)retrace->intents_compared, (long long)retrace->records_compared, seconds, digest,
                      retrace->differences > 0 ? "differs" : "same");
  } else {
    struct json_writer writer;
    json_writer_init(&writer, &out, false);
    json_begin_object(&writer, NULL);
    json_add_int(&writer, "events", retrace->events);
    json_add_int(&writer, "intents", retrace->intents_compared);
    json_add_int(&writer, "records", retrace->records_compared);
    json_add_double(&writer, "seconds", seconds);
    json_add_string(&writer, "digest", digest);
    json_add_bool(&writer, "is_same", retrace->differences == 0);
    json_add_int(&writer, "lost", replay->lost);
    if (retrace->differences > 0) {
      json_add_int(&writer, "difference_seq", (int64_t)retrace->difference_seq);
      json_add_string(&writer, "journalled", retrace->journalled);
      json_add_string(&writer, "produced", retrace->produced);
    }
    json_end_object(&writer);
    buffer_add(&out, "\n", 1);
  }
  app_print(&out);
  buffer_deinit(&out);
}

static int run_replay(struct replay *replay) {
  const struct clock *clock = system_clock();
  int64_t begin = clock->monotonic_ns(clock->self);
  digest_open(&replay->digest);
  enum status status = step_all(replay);
  if (status == STATUS_OK) print_result(replay, (double)(clock->monotonic_ns(clock->self) - begin) / 1e9);
  bool is_same = replay->retrace.differences == 0;
  digest_close(&replay->digest);
  if (replay->engine != NULL) retrace_deinit(&replay->retrace);
  arena_close(&replay->arena);
  if (status != STATUS_OK) return app_fail(replay->app, status);
  return is_same ? 0 : 1;
}

int app_replay(struct app *app, int argc, char **argv) {
  struct replay replay = {.app = app, .until = INT64_MAX};
  if (!take_options(&replay, argc, argv)) return app_fail(app, STATUS_BAD_CONFIG);
  if (replay.is_drift)
    return app_fail_with(app, STATUS_NOT_IN_VERSION, "not_in_version", "--drift", "comparing with the live market is not in this version");
  enum status status = open_journal(&replay);
  if (status != STATUS_OK) return app_fail(app, status);
  int code;
  if (replay.prints) {
    status = print_all(&replay);
    code = status == STATUS_OK ? 0 : app_fail(app, status);
  } else {
    code = run_replay(&replay);
  }
  journal_reader_close(&replay.reader);
  return code;
}
