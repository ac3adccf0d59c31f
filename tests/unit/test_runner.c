/* The loop: order of journal, engine, listeners and venue; time that never goes back; a journal that fails and returns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/clock/manual_clock.h"
#include "base/arena.h"
#include "engine/view.h"
#include "runner/journal.h"
#include "runner/retrace.h"
#include "runner/runner.h"
#include "support/scratch.h"

#define DAY INT64_C(1748736000000)

/* A venue that writes down what it is asked and answers what the test put there. */
static struct {
  char calls[512];
  struct event answers[8];
  int answer_count, answer_at;
  int answers_for_market; /* answers that exist only after on_market */
} venue;

static void note(const char *what) {
  strncat(venue.calls, what, sizeof venue.calls - strlen(venue.calls) - 1);
  strncat(venue.calls, " ", sizeof venue.calls - strlen(venue.calls) - 1);
}

static void venue_market(void *self, const struct event *event) {
  (void)self, (void)event;
  note("market");
  venue.answer_count += venue.answers_for_market;
  venue.answers_for_market = 0;
}

static void venue_submit(void *self, const struct intent *intent) {
  (void)self;
  note(intent_kind_names[intent->kind]);
}

static bool venue_poll(void *self, int64_t now, struct event *out) {
  (void)self, (void)now;
  if (venue.answer_at == venue.answer_count) return false;
  note("answer");
  *out = venue.answers[venue.answer_at++];
  return true;
}

static int64_t venue_due(void *self) {
  (void)self;
  return INT64_MAX;
}

static struct arena arena;
static struct exchange exchange;
static struct runner runner;

static void on_event(void *context, const struct event *event) {
  (void)context;
  note(event_kind_names[event->kind]);
}

static void open_runner(struct journal *journal, const struct clock *clock, bool has_digest) {
  memset(&venue, 0, sizeof venue);
  struct engine_limits limits = {.symbols = 2, .base_ms = 60000};
  struct engine_config config = {.instance = "000000", .venue = "paper", .feed = "test", .starting_balance = 1000 * DECIMAL_ONE, .max_leverage = 5};
  assert_int_equal(arena_open(&arena, engine_memory(&limits)), STATUS_OK);
  exchange = (struct exchange){.name = "scripted", .on_market = venue_market, .submit = venue_submit, .poll = venue_poll, .next_due = venue_due};
  struct engine *engine = engine_init(&arena, &limits, &config, NULL);
  assert_int_equal(runner_init(&runner, engine, &exchange, journal, clock, has_digest), STATUS_OK);
  struct listener listener = {.on_event = on_event};
  runner_listen(&runner, &listener);
}

static void close_runner(void) {
  runner_deinit(&runner);
  arena_close(&arena);
}

static void tick(int64_t ts) {
  struct event event = {.ts = ts, .kind = EVENT_TICK};
  runner_step(&runner, &event);
}

static void test_answers_follow_a_step(void **state) {
  (void)state;
  open_runner(NULL, NULL, false);
  venue.answers[0] = (struct event){.ts = DAY, .kind = EVENT_VENUE_LINK, .venue_link = {.state = LINK_UP}};
  venue.answers[1] = (struct event){.ts = DAY, .kind = EVENT_VENUE_LINK, .venue_link = {.state = LINK_UP}};
  venue.answer_count = 2;
  tick(DAY);
  assert_string_equal(venue.calls, "tick answer venue_link answer venue_link ");
  assert_int_equal(runner.events, 3);
  close_runner();
}

static void test_market_fills_come_before_the_market_event(void **state) {
  (void)state;
  open_runner(NULL, NULL, false);
  venue.answers[0] = (struct event){.ts = DAY + 60000, .kind = EVENT_VENUE_LINK, .venue_link = {.state = LINK_UP}};
  venue.answers_for_market = 1;
  struct event event = {.ts = DAY + 60000, .kind = EVENT_CAPABILITY, .capability = {.symbol = 0, .capabilities = 1, .base_ms = 60000}};
  runner_market(&runner, &event);
  assert_string_equal(venue.calls, "market answer venue_link capability ");
  close_runner();
}

static void test_time_never_goes_back(void **state) {
  (void)state;
  open_runner(NULL, NULL, false);
  tick(DAY + 5000);
  tick(DAY + 4000);
  assert_int_equal(engine_now(runner.engine), DAY + 5000);
  assert_int_equal(runner.lifted, 1);
  close_runner();
}

static void test_seq_counts_without_journal(void **state) {
  (void)state;
  open_runner(NULL, NULL, false);
  struct event event = {.ts = DAY, .kind = EVENT_TICK};
  runner_step(&runner, &event);
  uint64_t first = event.seq;
  assert_true(first > 0);
  runner_step(&runner, &event);
  assert_true(event.seq > first);
  close_runner();
}

static void test_clock_measures_steps(void **state) {
  (void)state;
  struct manual_clock clock;
  manual_clock_init(&clock, DAY);
  open_runner(NULL, &clock.clock, false);
  tick(DAY);
  assert_int_equal(runner.steps_ns_max, 0); /* it stands still */
  close_runner();
}

static void test_digest_is_of_canonical_lines(void **state) {
  (void)state;
  open_runner(NULL, NULL, true);
  struct fill fill = {.fill_id = 1, .qty = 5, .price = 7, .ts = DAY};
  runner_digest_add(&runner, DAY, RECORD_FILL, &fill);
  char memory[512], expected[DIGEST_TEXT_MAX], digest[DIGEST_TEXT_MAX];
  struct text text;
  text_init(&text, memory, sizeof memory);
  text_add(&text, "1748736000000|");
  schema_print(&fill_schema, &fill, &text);
  text_add_char(&text, '\n');
  digest_of(memory, text.length, expected);
  runner_digest(&runner, digest);
  assert_string_equal(digest, expected);
  close_runner();
}

/* ---- with a journal ---- */

static char folder[200];
static bool write_fails;
static int64_t syncs;

static ssize_t maybe_write(int file, const void *bytes, size_t size) {
  if (!write_fails) return write(file, bytes, size);
  errno = EIO;
  return -1;
}

static int count_sync(int file) {
  ++syncs;
  return fdatasync(file);
}

static int no_reserve(int file, off_t offset, off_t length) {
  (void)file, (void)offset, (void)length;
  return 0;
}

static const struct journal_io io = {maybe_write, count_sync, no_reserve};

static struct journal *make_journal(void) {
  assert_true(scratch_make(folder, sizeof folder, "breakout-runner"));
  write_fails = false;
  syncs = 0;
  struct journal_options options = {.data_dir = folder, .account = "paper", .io = &io};
  struct journal *journal;
  assert_int_equal(journal_open(&journal, &options, NULL), STATUS_OK);
  return journal;
}

static void remove_journal(struct journal *journal) {
  journal_close(journal);
  assert_int_equal(scratch_remove(folder), 0);
}

static void command(int64_t ts, enum command name) {
  struct event event = {.ts = ts, .kind = EVENT_COMMAND, .command = {.command = (int32_t)name, .operation_id = 1, .source = SOURCE_OPERATOR}};
  runner_step(&runner, &event);
}

static void test_commands_are_flushed_ticks_later(void **state) {
  (void)state;
  struct journal *journal = make_journal();
  open_runner(journal, NULL, false);
  tick(DAY);
  int64_t before = syncs;
  tick(DAY + 10);
  assert_int_equal(syncs, before);
  command(DAY + 20, COMMAND_PAUSE); /* not legal now, journalled all the same */
  assert_int_equal(syncs, before + 1);
  assert_int_equal(journal_pending(journal), 0);
  tick(DAY + 50);
  assert_int_equal(syncs, before + 1);
  assert_true(journal_pending(journal) > 0);
  runner_idle(&runner, DAY + 110);
  assert_int_equal(syncs, before + 1); /* not 100 ms yet */
  runner_idle(&runner, DAY + 120);
  assert_int_equal(syncs, before + 2);
  assert_int_equal(journal_pending(journal), 0);
  tick(DAY + 220);
  assert_int_equal(syncs, before + 3);
  assert_int_equal(journal_pending(journal), 0);
  assert_int_equal(runner.seq, journal_last_seq(journal));
  close_runner();
  remove_journal(journal);
}

static bool storage_alert_fires(void) {
  for (int32_t i = 0; i < engine_alert_count(runner.engine); i++) {
    if (strcmp(engine_alert(runner.engine, i)->name, "storage_unavailable") == 0) return true;
  }
  return false;
}

static void test_engine_hears_of_the_journal(void **state) {
  (void)state;
  struct journal *journal = make_journal();
  open_runner(journal, NULL, false);
  tick(DAY);
  assert_false(storage_alert_fires());
  write_fails = true;
  tick(DAY + 1000);
  assert_true(storage_alert_fires());
  command(DAY + 1500, COMMAND_KILL_SWITCH); /* goes on from memory */
  assert_true(engine_session_state(runner.engine) == SESSION_EMERGENCY);
  write_fails = false;
  tick(DAY + 3000);
  assert_false(storage_alert_fires());
  assert_int_equal(journal_pending(journal) == 0, false); /* the storage event itself waits for the next flush */
  tick(DAY + 4000);
  assert_int_equal(journal_pending(journal), 0);
  close_runner();
  journal_close(journal);
  struct journal_report report;
  assert_int_equal(journal_verify(folder, "paper", &report, NULL), STATUS_OK);
  assert_int_equal(report.lost, 0);
  assert_int_equal(report.by_direction[JOURNAL_EVENT], 7); /* four ticks, a command, two of the storage */
  assert_int_equal(scratch_remove(folder), 0);
}

static void test_journal_can_be_retraced(void **state) {
  (void)state;
  struct journal *journal = make_journal();
  open_runner(journal, NULL, false);
  for (int i = 0; i < 20; i++) tick(DAY + 1000 * i);
  command(DAY + 20000, COMMAND_KILL_SWITCH);
  close_runner();
  journal_close(journal);
  open_runner(NULL, NULL, false); /* a fresh engine */
  struct retrace retrace;
  retrace_init(&retrace, runner.engine);
  struct journal_reader reader;
  struct journal_record record;
  assert_int_equal(journal_reader_open(&reader, folder, "paper", 0, NULL), STATUS_OK);
  while (journal_reader_next(&reader, &record, NULL) == STATUS_OK) {
    if (record.direction == JOURNAL_EVENT) {
      assert_int_equal(retrace_take(&retrace, &record, NULL), STATUS_OK);
      retrace_step(&retrace);
    } else {
      assert_true(retrace_compare(&retrace, &record));
    }
  }
  assert_int_equal(retrace_left(&retrace), 0);
  assert_int_equal(retrace.differences, 0);
  assert_int_equal(retrace.events, 21);
  assert_true(retrace.records_compared > 0);
  /* One that the engine did not do. */
  record = (struct journal_record){
      .seq = 99, .ts = DAY, .direction = JOURNAL_RECORD, .kind = RECORD_EQUITY, .payload = (const unsigned char *)"", .size = 0};
  assert_false(retrace_compare(&retrace, &record));
  assert_int_equal(retrace.difference_seq, 99);
  journal_reader_close(&reader);
  retrace_deinit(&retrace);
  close_runner();
  assert_int_equal(scratch_remove(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_answers_follow_a_step),
      cmocka_unit_test(test_market_fills_come_before_the_market_event),
      cmocka_unit_test(test_time_never_goes_back),
      cmocka_unit_test(test_seq_counts_without_journal),
      cmocka_unit_test(test_clock_measures_steps),
      cmocka_unit_test(test_digest_is_of_canonical_lines),
      cmocka_unit_test(test_commands_are_flushed_ticks_later),
      cmocka_unit_test(test_engine_hears_of_the_journal),
      cmocka_unit_test(test_journal_can_be_retraced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
