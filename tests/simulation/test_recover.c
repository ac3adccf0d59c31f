/* A session is killed at many places of its journal; the restarted one must end with the same decisions, orders, fills and trades as one that was
 * never disturbed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "adapters/sim/sim.h"
#include "adapters/source/generate.h"
#include "base/calendar.h"
#include "engine/view.h"
#include "runner/journal_format.h"
#include "runner/preset_file.h"
#include "runner/preset_print.h"
#include "runner/presets_builtin.h"
#include "runner/recover.h"
#include "runner/retrace.h"
#include "runner/snapshot_file.h"
#include "support/scratch.h"

#define START INT64_C(1748736000000) /* 2025-06-01 */

enum { SYMBOLS = 3, DAYS = 3, KILLS = 48, WARM_MINUTES = 1500, SEGMENTS_MAX = 8 };

static char folder[200];
static struct event *inputs; /* everything that comes from outside, in order */
static int32_t input_count;
static struct preset preset;
static struct buffer preset_json;

/* ---- what comes from outside ---- */

static struct event *add_input(int64_t ts, int32_t kind) {
  struct event *event = &inputs[input_count++];
  *event = (struct event){.ts = ts, .kind = kind};
  return event;
}

static void describe_symbol(int32_t symbol, double first_close) {
  char name[SYMBOL_TEXT_MAX], venue_name[SYMBOL_TEXT_MAX];
  snprintf(name, sizeof name, "%c%c%c/USDT:USDT", 'A' + symbol, 'A' + symbol, 'A' + symbol);
  snprintf(venue_name, sizeof venue_name, "%c%c%cUSDT", 'A' + symbol, 'A' + symbol, 'A' + symbol);
  struct event *event = add_input(START, EVENT_CAPABILITY);
  event->capability = (struct event_capability){.symbol = symbol, .capabilities = CAPABILITY_CANDLES_1M, .base_ms = MINUTE_MS};
  event = add_input(START, EVENT_INSTRUMENT);
  event->instrument.symbol = symbol;
  event->instrument.is_whitelisted = true;
  event->instrument.instrument_count = 1;
  instrument_default(&event->instrument.instrument[0], name, venue_name, first_close);
  event->instrument.instrument[0].listed_at = START; /* warm after 50 candles */
}

static void add_preset(int64_t ts) {
  struct event *event = add_input(ts, EVENT_PRESET);
  strcpy(event->preset.name, preset.name);
  preset_hash(&preset, event->preset.hash);
  event->preset_value = &preset;
  event->preset_json = preset_json.data;
}

static void add_minute(struct candle *const candles[SYMBOLS], const size_t counts[SYMBOLS], size_t at[SYMBOLS], int64_t open_ts) {
  for (int32_t i = 0; i < SYMBOLS; i++) {
    if (at[i] >= counts[i] || candles[i][at[i]].open_ts != open_ts) continue;
    const struct candle *candle = &candles[i][at[i]++];
    struct event *event = add_input(open_ts + MINUTE_MS, EVENT_CANDLE);
    event->candle = (struct event_candle){i,           candle->open_ts, candle->open,          candle->high,
                                          candle->low, candle->close,   candle->volume * 1000, candle->turnover * 1000};
  }
  add_input(open_ts + MINUTE_MS, EVENT_TICK)->tick.is_candle_close = true;
}

static void load_preset(const char *name) {
  struct problem problem;
  problem_clear(&problem);
  for (int i = 0; i < builtin_preset_count; i++) {
    if (strcmp(builtin_presets[i].name, name) != 0) continue;
    assert_int_equal(preset_parse(&preset, builtin_presets[i].text, strlen(builtin_presets[i].text), name, NULL, &problem), STATUS_OK);
  }
  preset_print_canonical(&preset, &preset_json);
}

static int make_inputs(void **state) {
  (void)state;
  load_preset("channel_baseline");
  inputs = calloc((size_t)DAYS * 1440 * (SYMBOLS + 1) + 64, sizeof *inputs);
  struct candle *candles[SYMBOLS];
  size_t counts[SYMBOLS], at[SYMBOLS] = {0};
  for (int32_t i = 0; i < SYMBOLS; i++) {
    candles[i] = calloc(generate_candles_max(DAYS), sizeof **candles);
    struct generate_options options = {.scenario = GENERATE_BREAKOUTS, .seed = 7, .symbol = i, .days = DAYS, .start_ms = START};
    counts[i] = generate_candles(candles[i], &options);
    describe_symbol(i, candles[i][0].close);
  }
  add_preset(START);
  for (int minute = 0; minute < DAYS * 1440; minute++) {
    if (minute == WARM_MINUTES) {
      struct event *event = add_input(START + WARM_MINUTES * MINUTE_MS, EVENT_COMMAND);
      event->command = (struct event_command){.command = COMMAND_START, .operation_id = 1, .source = SOURCE_OPERATOR, .mode = MODE_PAPER};
      strcpy(event->command.user, "test");
    }
    add_minute(candles, counts, at, START + minute * MINUTE_MS);
  }
  for (int32_t i = 0; i < SYMBOLS; i++) free(candles[i]);
  return 0;
}

static int free_inputs(void **state) {
  (void)state;
  free(inputs);
  buffer_deinit(&preset_json);
  return 0;
}

static int make_folder(void **state) {
  (void)state;
  return !scratch_make(folder, sizeof folder, "breakout-recover");
}

static void empty_folder(void) {
  char command[240];
  snprintf(command, sizeof command, "rm -rf '%s'/*", folder);
  assert_int_equal(system(command), 0);
}

static int remove_folder(void **state) {
  (void)state;
  return scratch_remove(folder);
}

/* ---- one life of the process ---- */

struct life {
  struct arena arena;
  struct sim sim;
  struct exchange exchange;
  struct journal *journal;
  struct runner runner;
  struct recover *recover;
  struct recovery recovery;
  struct snapshots *snapshots;
};

static void be_born(struct life *life, bool has_snapshots) {
  memset(life, 0, sizeof *life);
  struct problem problem;
  problem_clear(&problem);
  struct journal_options journal = {.data_dir = folder, .account = "paper", .instance = "000000", .is_volatile = true, .reserve_bytes = 4096};
  enum status status = journal_open(&life->journal, &journal, &problem);
  if (status != STATUS_OK) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  struct recover_options options = {.data_dir = folder, .account = "paper", .arena = &life->arena};
  options.limits = (struct engine_limits){.symbols = SYMBOLS, .base_ms = MINUTE_MS};
  options.config = (struct engine_config){.instance = "000000",
                                          .venue = "paper",
                                          .feed = "test",
                                          .starting_balance = 10000 * DECIMAL_ONE,
                                          .max_leverage = 10,
                                          .market_fetch_limit = 100,
                                          .market_data_timeout_s = 120};
  assert_int_equal(arena_open(&life->arena, engine_memory(&options.limits)), STATUS_OK);
  struct sim_options sim = {.starting_balance = 10000 * DECIMAL_ONE,
                            .slippage_bps = 2,
                            .max_participation = 0.1,
                            .taker_fee_bps = 5.5,
                            .maker_fee_bps = 2,
                            .base_ms = MINUTE_MS,
                            .max_leverage = 10,
                            .symbols = SYMBOLS};
  assert_int_equal(sim_open(&life->sim, &sim), STATUS_OK);
  sim_exchange(&life->sim, &life->exchange);
  status = recover_open(&life->recover, &life->runner, &options, life->journal, &life->exchange, NULL, true, &life->recovery, &problem);
  if (status != STATUS_OK) problem_print(&problem, stderr);
  assert_int_equal(status, STATUS_OK);
  if (has_snapshots) assert_int_equal(snapshots_open(&life->snapshots, folder, "paper", &problem), STATUS_OK);
}

/* Takes a snapshot when one is due, and waits until it is written: a busy machine would skip the next ones. */
static void take_snapshot(struct life *life) {
  uint64_t before = snapshots_newest(life->snapshots);
  if (!snapshots_take(life->snapshots, &life->runner, false)) return;
  while (snapshots_newest(life->snapshots) == before) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

static void live(struct life *life, int32_t from, int32_t to) {
  for (int32_t i = from; i < to; i++) {
    struct event event = inputs[i];
    if (event.kind >= EVENT_CAPABILITY && event.kind <= EVENT_FUNDING_RATE) {
      runner_market(&life->runner, &event);
    } else {
      runner_step(&life->runner, &event);
    }
    if (life->snapshots != NULL) take_snapshot(life);
  }
}

static void die(struct life *life) {
  snapshots_close(life->snapshots);
  runner_deinit(&life->runner);
  recover_close(life->recover);
  journal_close(life->journal);
  sim_close(&life->sim);
  arena_close(&life->arena);
}

/* ---- the journal as bytes ---- */

struct chain {
  size_t count;
  struct {
    struct buffer bytes;
    char path[JOURNAL_PATH_MAX];
  } segments[SEGMENTS_MAX];
};

struct place {
  size_t segment, offset;
};

static void read_chain(struct chain *chain) {
  struct journal_segment *segments;
  memset(chain, 0, sizeof *chain);
  assert_int_equal(journal_list(folder, "paper", &segments, &chain->count, NULL), STATUS_OK);
  assert_true(chain->count >= 1 && chain->count <= SEGMENTS_MAX);
  for (size_t i = 0; i < chain->count; i++) {
    assert_int_equal(buffer_read_file(&chain->segments[i].bytes, segments[i].path, 1 << 28, NULL), STATUS_OK);
    strcpy(chain->segments[i].path, segments[i].path);
  }
  free(segments);
}

static void free_chain(struct chain *chain) {
  for (size_t i = 0; i < chain->count; i++) buffer_deinit(&chain->segments[i].bytes);
}

static void write_chain(const struct chain *chain, struct place cut) {
  empty_folder();
  char path[240];
  snprintf(path, sizeof path, "%s/journal", folder);
  assert_int_equal(mkdir(path, 0700), 0);
  for (size_t i = 0; i <= cut.segment; i++) {
    FILE *file = fopen(chain->segments[i].path, "wb");
    assert_non_null(file);
    size_t size = i < cut.segment ? chain->segments[i].bytes.length : cut.offset;
    assert_int_equal(fwrite(chain->segments[i].bytes.data, 1, size, file), size);
    fclose(file);
  }
}

static bool is_answer(const struct journal_record *record) {
  return record->direction == JOURNAL_EVENT && record->kind >= EVENT_VENUE_LINK && record->kind <= EVENT_ADL;
}

/* Inputs among the whole records before the cut. */
static int32_t inputs_before(const struct chain *chain, struct place cut) {
  int32_t count = 0;
  struct journal_record record;
  for (size_t i = 0; i <= cut.segment; i++) {
    size_t size = i < cut.segment ? chain->segments[i].bytes.length : cut.offset;
    for (size_t at = JOURNAL_HEADER_BYTES, used; at < size; at += used) {
      used = journal_record_decode(&record, (const unsigned char *)chain->segments[i].bytes.data + at, size - at);
      if (used == 0) break;
      if (record.direction == JOURNAL_EVENT && !is_answer(&record)) ++count;
    }
  }
  return count;
}

/* Ends of records: all around answers and intents, where a kill hurts, and some of the others. */
static size_t find_cuts(const struct chain *chain, struct place *cuts, size_t capacity) {
  size_t count = 0, index = 0;
  struct journal_record record;
  for (size_t i = 0; i < chain->count; i++) {
    const struct buffer *bytes = &chain->segments[i].bytes;
    for (size_t at = JOURNAL_HEADER_BYTES, used; at < bytes->length; at += used, index++) {
      used = journal_record_decode(&record, (const unsigned char *)bytes->data + at, bytes->length - at);
      assert_true(used > 0);
      if (count < capacity && (is_answer(&record) || record.direction == JOURNAL_INTENT || index % 4999 == 5))
        cuts[count++] = (struct place){i, at + used};
    }
  }
  return count;
}

/* Undisturbed. */
static void whole_run(char digest[DIGEST_TEXT_MAX]) {
  struct life life;
  be_born(&life, false);
  assert_true(life.recovery.is_first);
  live(&life, 0, input_count);
  runner_digest(&life.runner, digest);
  const struct engine_counts *counts = engine_counts(life.runner.engine);
  print_message("scans %lld, orders %lld, fills %lld, trades %lld\n", (long long)counts->scans, (long long)counts->orders, (long long)counts->fills,
                (long long)counts->trades);
  assert_true(counts->trades > 0); /* or the test would prove little */
  die(&life);
}

static void kill_and_continue(const struct chain *chain, struct place cut, const char *digest) {
  write_chain(chain, cut);
  struct life life;
  be_born(&life, false);
  assert_int_equal(life.recovery.cause, RESTART_CRASH);
  assert_int_equal(life.recovery.differences, 0);
  live(&life, inputs_before(chain, cut), input_count);
  char again[DIGEST_TEXT_MAX];
  runner_digest(&life.runner, again);
  die(&life);
  if (strcmp(again, digest) != 0) print_message("killed in segment %zu at byte %zu\n", cut.segment, cut.offset);
  assert_string_equal(again, digest);
}

static void test_killed_anywhere_ends_the_same(void **state) {
  (void)state;
  char digest[DIGEST_TEXT_MAX];
  whole_run(digest);
  struct chain chain;
  read_chain(&chain);
  static struct place cuts[1 << 16];
  size_t count = find_cuts(&chain, cuts, sizeof cuts / sizeof cuts[0]);
  size_t step = count / KILLS + 1;
  for (size_t i = 0; i < count; i += step) {
    kill_and_continue(&chain, cuts[i], digest);
    kill_and_continue(&chain, (struct place){cuts[i].segment, cuts[i].offset - 9}, digest); /* in the middle of the record */
  }
  free_chain(&chain);
}

/* The restart of the server asks the venue what it has before the market goes on. The venue must not deny what it answered before the kill: at
 * the end both sides count the same fills, money and positions. */
static void reconcile_and_continue(const struct chain *chain, struct place cut) {
  write_chain(chain, cut);
  struct life life;
  be_born(&life, false);
  struct event event;
  recover_event(&event, &life.recovery, life.recovery.last_ts, false);
  runner_step(&life.runner, &event);
  live(&life, inputs_before(chain, cut), input_count);
  struct sim_account account;
  sim_account(&life.sim, &account);
  const struct engine_counts *counts = engine_counts(life.runner.engine);
  if (counts->fills != account.fills) print_message("killed in segment %zu at byte %zu\n", cut.segment, cut.offset);
  assert_int_equal(counts->fills, account.fills);
  assert_int_equal(counts->ledger_breaks, 0);
  assert_int_equal(engine_ledger(life.runner.engine)->cash_usd, account.cash_usd);
  assert_int_equal(engine_position_count(life.runner.engine), account.positions);
  die(&life);
}

static void test_a_restart_that_asks_at_once(void **state) {
  (void)state;
  char digest[DIGEST_TEXT_MAX];
  whole_run(digest);
  struct chain chain;
  read_chain(&chain);
  static struct place cuts[1 << 16];
  size_t count = find_cuts(&chain, cuts, sizeof cuts / sizeof cuts[0]);
  for (size_t i = 0; i < count; i += count / KILLS + 1) reconcile_and_continue(&chain, cuts[i]);
  free_chain(&chain);
}

static void test_twice_the_same(void **state) {
  (void)state;
  char first[DIGEST_TEXT_MAX], second[DIGEST_TEXT_MAX];
  struct chain one, two;
  whole_run(first);
  read_chain(&one);
  empty_folder();
  whole_run(second);
  read_chain(&two);
  assert_string_equal(first, second);
  assert_int_equal(one.count, two.count);
  for (size_t i = 0; i < one.count; i++) {
    assert_int_equal(one.segments[i].bytes.length, two.segments[i].bytes.length);
    assert_memory_equal(one.segments[i].bytes.data, two.segments[i].bytes.data, one.segments[i].bytes.length);
  }
  free_chain(&one);
  free_chain(&two);
}

static void test_snapshot_spares_the_replay(void **state) {
  (void)state;
  char digest[DIGEST_TEXT_MAX], again[DIGEST_TEXT_MAX];
  whole_run(digest);
  empty_folder();
  struct life life;
  be_born(&life, true);
  int32_t half = input_count * 3 / 4;
  live(&life, 0, half);
  die(&life);
  be_born(&life, true);
  assert_true(life.recovery.snapshot_seq > 0);
  assert_true(life.recovery.replayed < half / 2);
  assert_int_equal(life.recovery.differences, 0);
  live(&life, half, input_count);
  runner_digest(&life.runner, again);
  assert_string_equal(again, digest);
  die(&life);
}

static void test_damaged_snapshots_are_not_used(void **state) {
  (void)state;
  struct life life;
  be_born(&life, true);
  live(&life, 0, input_count / 2);
  die(&life);
  char command[400];
  snprintf(command, sizeof command, "for f in %s/snapshots/*.bbs; do printf X | dd of=$f bs=1 seek=5000 conv=notrunc 2>/dev/null; done", folder);
  assert_int_equal(system(command), 0);
  uint64_t *seqs;
  assert_true(snapshot_list(folder, &seqs) > 0);
  free(seqs);
  be_born(&life, true);
  assert_int_equal(life.recovery.snapshot_seq, 0);
  assert_int_equal(life.recovery.differences, 0);
  assert_true(life.recovery.replayed >= input_count / 2);
  die(&life);
}

static void test_clean_end_and_recovery_event(void **state) {
  (void)state;
  struct life life;
  be_born(&life, false);
  live(&life, 0, input_count / 2);
  int64_t last = engine_now(life.runner.engine);
  enum session_state before = engine_session_state(life.runner.engine);
  assert_int_equal(before, SESSION_RUNNING);
  assert_int_equal(recover_mark_clean(life.journal, last), STATUS_OK);
  die(&life);
  be_born(&life, false);
  assert_int_equal(life.recovery.cause, RESTART_CLEAN);
  assert_int_equal(life.recovery.last_ts, last);
  struct event event;
  recover_event(&event, &life.recovery, last + 60000, false);
  assert_int_equal(event.ts, last + 60000);
  runner_step(&life.runner, &event);
  assert_int_equal(engine_session_state(life.runner.engine), before); /* reconciled with what the venue says */
  live(&life, input_count / 2, input_count);
  assert_int_equal(engine_counts(life.runner.engine)->ledger_breaks, 0);
  die(&life);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_twice_the_same),
      TEST(test_a_restart_that_asks_at_once),
      TEST(test_snapshot_spares_the_replay),
      TEST(test_damaged_snapshots_are_not_used),
      TEST(test_clean_end_and_recovery_event),
      TEST(test_killed_anywhere_ends_the_same),
  };
  return cmocka_run_group_tests(tests, make_inputs, free_inputs);
}
