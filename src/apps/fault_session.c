#include "apps/fault_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "adapters/source/generate.h"
#include "apps/fault_state.h"
#include "base/calendar.h"
#include "base/folder.h"
#include "base/text.h"
#include "core/market/capability.h"
#include "engine/view.h"
#include "runner/journal.h"
#include "runner/preset_print.h"

enum {
  WARM_MINUTES = 480,      /* of the channel; */
  WARM_DAY_MINUTES = 1560, /* what looks for levels knows a day before it begins */
  QUIET_MS = 480000,       /* before the end, without faults: what is open is settled */
  SETTLE_MS = 180000,      /* of that, without entries */
  ARMED_MS = 60000,        /* a kill waits so long for its boundary */
  REPAIR_MS = 20000,       /* the operator looks this often */
  VOLUME_TIMES = 1000,
  SNAPSHOT_AWAY_MS = 2000,
  THIN_PRINT = 3,
  CLOCK_OFF_MIN_MS = 1001,
  CLOCK_OFF_MORE_MS = 3600000,
  EVENTS_MAX = 200000, /* of one life of the program; some ten thousand are usual */
};
#define START INT64_C(1748736000000) /* 2025-06-01 */

/* ---- what the program is told ---- */

static void describe_symbol(struct session *session, int32_t symbol, struct event *out) {
  char name[SYMBOL_TEXT_MAX], venue_name[SYMBOL_TEXT_MAX];
  (void)snprintf(name, sizeof name, "%c%c%c/USDT:USDT", 'A' + symbol, 'A' + symbol, 'A' + symbol);
  (void)snprintf(venue_name, sizeof venue_name, "%c%c%cUSDT", 'A' + symbol, 'A' + symbol, 'A' + symbol);
  *out = (struct event){.ts = session->now, .kind = EVENT_INSTRUMENT};
  out->instrument.symbol = symbol;
  out->instrument.is_whitelisted = true;
  out->instrument.instrument_count = 1;
  instrument_default(&out->instrument.instrument[0], name, venue_name, session->candles[symbol][0].close);
  out->instrument.instrument[0].listed_at = START;
}

static struct event capability_of(const struct session *session, int32_t symbol) {
  return (struct event){.ts = session->now,
                        .kind = EVENT_CAPABILITY,
                        .capability = {symbol, CAPABILITY_CANDLES_1M | CAPABILITY_INSTRUMENT | CAPABILITY_TRADES, MINUTE_MS}};
}

static void tell_markets(struct session *session) {
  for (int32_t i = 0; i < FAULT_SYMBOLS; i++) {
    struct event event = capability_of(session, i);
    process_step(session, &event);
    describe_symbol(session, i, &event);
    process_step(session, &event);
  }
}

static void tell_preset(struct session *session) {
  struct event event = {.kind = EVENT_PRESET};
  text_copy(event.preset.name, sizeof event.preset.name, session->options->preset->name);
  preset_hash(session->options->preset, event.preset.hash);
  event.preset_value = session->options->preset;
  event.preset_json = session->options->preset_json;
  process_step(session, &event);
}

static double volume_times(const struct session *session) {
  return session->options->volume_times > 0 ? session->options->volume_times : VOLUME_TIMES;
}

static struct event candle_event(const struct session *session, int32_t symbol, const struct candle *candle) {
  return (struct event){.ts = session->now,
                        .kind = EVENT_CANDLE,
                        .candle = {symbol, candle->open_ts, candle->open, candle->high, candle->low, candle->close,
                                   candle->volume * volume_times(session), candle->turnover * volume_times(session)}};
}

/* Candles that have closed and the program does not have yet; then the tick that closes them. */
static void tell_candles(struct session *session) {
  bool came = false;
  for (int32_t i = 0; i < FAULT_SYMBOLS; i++) {
    while (session->told[i] < session->counts[i] && session->candles[i][session->told[i]].open_ts + MINUTE_MS <= session->now) {
      struct event event = candle_event(session, i, &session->candles[i][session->told[i]++]);
      process_step(session, &event);
      came = true;
    }
  }
  struct event tick = {.kind = EVENT_TICK, .tick = {.is_candle_close = true}};
  if (came) process_step(session, &tick);
}

static void command(struct session *session, enum command what) {
  struct event event = {.kind = EVENT_COMMAND};
  event.command = (struct event_command){.command = (int32_t)what,
                                         .operation_id = ++session->operation,
                                         .source = SOURCE_OPERATOR,
                                         .mode = MODE_PAPER,
                                         .is_confirmed = true,
                                         .close_side = CLOSE_ALL_SIDES,
                                         .price = DECIMAL_NULL,
                                         .fraction = 1};
  text_copy(event.command.user, sizeof event.command.user, "simulation");
  text_copy(event.command.reason, sizeof event.command.reason, "simulation");
  if (what == COMMAND_RESET) judge_killed(&session->judge, false);
  process_step(session, &event);
  if (!session->is_alive || session->is_dead) return;
  if (what == COMMAND_KILL_SWITCH) judge_killed(&session->judge, true);
  if (what == COMMAND_EMERGENCY_STOP) judge_stopped(&session->judge);
}

/* What the program hears of feed and clock when it changes, and when it is back. */
static void tell_conditions(struct session *session, bool is_back) {
  bool is_down = session_has(session, FAULT_FEED_DOWN);
  bool is_off = session_has(session, FAULT_CLOCK_OFF);
  if (!session->is_alive || session->is_dead) return;
  if (is_back || is_down != session->feed_was_down) {
    struct event event = {.kind = EVENT_FEED_LINK, .feed_link = {.state = is_down ? LINK_DOWN : LINK_UP}};
    process_step(session, &event);
  }
  if (is_back || is_off != session->clock_was_off) {
    int64_t size = is_off ? CLOCK_OFF_MIN_MS + (int64_t)random_below(&session->random, CLOCK_OFF_MORE_MS) : 0;
    struct event event = {.kind = EVENT_CLOCK_OFFSET, .clock_offset = {.offset_ms = size % 2 == 0 ? size : -size}};
    process_step(session, &event);
    session->judge.is_clock_off = is_off;
  }
  session->feed_was_down = is_down;
  session->clock_was_off = is_off;
}

static void come_back(struct session *session) {
  session_say(session, "back");
  if (!process_start(session)) return;
  if (session->deaths_left > 0) {
    --session->deaths_left;
    session->armed = random_below(&session->random, 2) == 0 ? BEFORE_SEND : AFTER_WRITE;
    session->armed_until = session->now + FAULT_STEP_MS;
  }
  struct event event;
  recover_event(&event, &session->life.recovery, session->now, false);
  process_step(session, &event);
  process_latch(session);
  tell_conditions(session, true);
  tell_markets(session);
  tell_candles(session);
}

/* ---- faults that are not the line's ---- */

static void begin_kill(struct session *session, const struct fault *fault) {
  static const enum boundary any[] = {BETWEEN, BEFORE_SEND, AFTER_SEND, BEFORE_HEAR, AFTER_HEAR, AFTER_WRITE};
  session->armed = fault->kind == FAULT_KILL_IN_WRITE ? IN_WRITE
                   : fault->kind == FAULT_KILL        ? any[random_below(&session->random, sizeof any / sizeof any[0])]
                                                      : BETWEEN;
  session->away_ms = fault->until - fault->from;
  session->armed_until = session->now + (session->armed == BETWEEN ? 0 : ARMED_MS);
  session->loses_unflushed = fault->kind == FAULT_POWER_CUT;
  session->deaths_left = fault->kind == FAULT_KILL_IN_RECOVERY ? 2 : 0;
  if (session->armed == BETWEEN) process_kill(session);
}

static void spike(struct session *session) {
  int32_t symbol = (int32_t)random_below(&session->random, FAULT_SYMBOLS);
  const struct candle *candle = &session->candles[symbol][session->told[symbol]];
  struct public_trade trade = {.ts = session->now, .price = decimal_from_double(candle->open * 10), .qty = DECIMAL_ONE, .is_buy = true};
  struct event event = {.kind = EVENT_PUBLIC_TRADES, .public_trades = {.symbol = symbol, .trades_count = 1, .trades = &trade}};
  process_step(session, &event);
}

static enum command command_of(enum fault_kind kind) {
  switch (kind) {
    case FAULT_CLOSE_ALL:
      return COMMAND_CLOSE_ALL;
    case FAULT_CANCEL_ALL:
      return COMMAND_CANCEL_ALL;
    case FAULT_PANIC_EXIT:
      return COMMAND_PANIC_EXIT;
    case FAULT_KILL_SWITCH:
      return COMMAND_KILL_SWITCH;
    case FAULT_EMERGENCY_STOP:
      return COMMAND_EMERGENCY_STOP;
    default:
      return COMMAND_PAUSE;
  }
}

static bool is_of_snapshot(enum fault_kind kind) {
  return kind == FAULT_SNAPSHOT_OLD || kind == FAULT_SNAPSHOT_TORN;
}

static void begin(struct session *session, const struct fault *fault) {
  enum fault_place place = fault_rows[fault->kind].place;
  bool is_process = place == FAULT_AT_PROCESS;
  if (place == FAULT_AT_VENUE) return; /* happens whether the program is there or not */
  session_say(session, fault_rows[fault->kind].name);
  if (!session->is_alive || session->is_dead) return;
  if (fault->kind == FAULT_RESTART) {
    process_end_politely(session, fault->until - fault->from);
  } else if (is_of_snapshot(fault->kind)) {
    process_snapshot(session, fault->kind == FAULT_SNAPSHOT_TORN);
  } else if (is_process && fault->kind != FAULT_FREEZE) {
    begin_kill(session, fault);
  } else if (fault->kind == FAULT_PRICE_SPIKE) {
    spike(session);
  } else if (place == FAULT_AT_OPERATOR) {
    command(session, command_of(fault->kind));
  }
}

static void begin_faults(struct session *session) {
  for (int32_t i = 0; i < session->options->fault_count; i++) {
    const struct fault *fault = &session->faults[i];
    if (fault->from == session->now) begin(session, fault);
    if (!is_of_snapshot(fault->kind) || fault->until != session->now || !session->is_alive) continue;
    session->away_ms = SNAPSHOT_AWAY_MS;
    process_kill(session);
  }
  tell_conditions(session, false);
}

/* A person who wants the session to go on, when no fault of theirs is at work. */
static void repair(struct session *session) {
  if (session->now - session->looked_at < REPAIR_MS || !session->is_alive) return;
  session->looked_at = session->now;
  for (int32_t i = 0; i < session->options->fault_count; i++) {
    const struct fault *fault = &session->faults[i];
    if (fault_rows[fault->kind].place == FAULT_AT_OPERATOR && session->now >= fault->from && session->now < fault->until) return;
  }
  bool is_settling = session->now >= session->end_at - SETTLE_MS;
  switch (engine_session_state(session->life.runner.engine)) {
    case SESSION_RUNNING:
      if (is_settling) command(session, COMMAND_PAUSE);
      return;
    case SESSION_PAUSED:
      if (!is_settling) command(session, COMMAND_RESUME);
      return;
    case SESSION_ERROR:
      command(session, COMMAND_RETRY);
      return;
    case SESSION_EMERGENCY:
      command(session, COMMAND_RESET);
      return;
    case SESSION_IDLE:
    case SESSION_STOPPED:
      if (!is_settling) command(session, COMMAND_START);
      return;
    default:
      return;
  }
}

/* ---- the world ---- */

static void on_venue_fill(void *context, const struct event_fill *fill) {
  struct session *session = context;
  judge_fill(&session->judge, fill);
  digest_add(&session->digest, fill, sizeof *fill);
  ++session->result->fills;
}

/* The price of a second within a candle: open, one extreme, the other, close. */
static double price_at(const struct candle *candle, int32_t second) {
  bool rises = candle->close >= candle->open;
  const double points[] = {candle->open, rises ? candle->low : candle->high, rises ? candle->high : candle->low, candle->close};
  int32_t leg = second / 20;
  double part = (double)(second % 20) / 19.0;
  double price = points[leg] + (points[leg + 1] - points[leg]) * part;
  return round(price * GENERATE_TICKS_PER_UNIT) / GENERATE_TICKS_PER_UNIT;
}

static void show_venue(struct session *session, struct event *event) {
  event->ts = session->now;
  session->venue.on_market(session->venue.self, event);
  fault_line_turn(&session->line, session->now);
}

static void print_second(struct session *session, bool is_heard) {
  int64_t minute = session->now / MINUTE_MS * MINUTE_MS;
  int32_t second = (int32_t)(session->now % MINUTE_MS / 1000);
  size_t at = (size_t)((minute - START) / MINUTE_MS);
  for (int32_t i = 0; i < FAULT_SYMBOLS; i++) {
    if (at >= session->counts[i]) continue;
    const struct candle *candle = &session->candles[i][at];
    double volume = session_has(session, FAULT_THIN_BOOK) ? THIN_PRINT : candle->volume * volume_times(session) / 60;
    struct public_trade trade = {.ts = session->now,
                                 .price = decimal_from_double(price_at(candle, second)),
                                 .qty = decimal_from_double(volume > 1 ? floor(volume) : 1),
                                 .is_buy = candle->close >= candle->open};
    struct event event = {.kind = EVENT_PUBLIC_TRADES, .public_trades = {.symbol = i, .trades_count = 1, .trades = &trade}};
    show_venue(session, &event);
    if (is_heard) process_step(session, &event);
  }
}

static void program_turn(struct session *session, bool is_heard) {
  const struct fault_watch *watch = session->options->watch;
  if (watch != NULL) watch->on_turn(watch->context, session);
  if (!session->is_alive || session->is_dead) return;
  bool is_busy = engine_position_count(session->life.runner.engine) > 0 || session->life.runner.pending_count > 0 || session->line.answer_count > 0;
  if (is_heard && session->now % MINUTE_MS == 0) tell_candles(session);
  if (is_busy || session->now % 1000 == 0) {
    struct event tick = {.kind = EVENT_TICK};
    process_step(session, &tick);
  }
  repair(session);
}

static void turn(struct session *session) {
  fault_line_turn(&session->line, session->now);
  elsewhere_turn(session);
  if (!session->is_alive && session->now >= session->back_at) come_back(session);
  begin_faults(session);
  bool is_frozen = session_has(session, FAULT_FREEZE);
  bool is_up = session->is_alive && !session->is_dead && !is_frozen;
  bool is_heard = is_up && !session_has(session, FAULT_FEED_DOWN) && !session_has(session, FAULT_FEED_SILENT);
  if (session->now % 1000 == 0) print_second(session, is_heard);
  if (is_up) program_turn(session, is_heard);
  if (session->armed != BETWEEN && session->now >= session->armed_until) process_kill(session);
  if (session->is_dead) {
    session->armed = BETWEEN;
    process_end(session, session->deaths_left > 0 ? 1000 : session->away_ms);
  }
  if (session->is_alive && session->life.runner.events > EVENTS_MAX)
    judge_fail(&session->judge, "B1: more than %d events without an end", EVENTS_MAX);
  judge_time(&session->judge, session->now, is_up);
}

/* ---- a session ---- */

static bool make_markets(struct session *session) {
  int days = (session->warm_minutes + session->options->minutes) / 1440 + 1;
  for (int32_t i = 0; i < FAULT_SYMBOLS; i++) {
    session->candles[i] = calloc(generate_candles_max(days), sizeof *session->candles[i]);
    if (session->candles[i] == NULL) return false;
    struct generate_options options = {.scenario = (enum generate_scenario)(session->options->seed % GENERATE_QUIET),
                                       .seed = session->options->seed,
                                       .symbol = i,
                                       .days = days,
                                       .start_ms = START};
    if (options.scenario == GENERATE_GAPS) options.scenario = GENERATE_BREAKOUTS; /* prints need every minute */
    session->counts[i] = generate_candles(session->candles[i], &options);
  }
  return true;
}

static enum status open_venue(struct session *session) {
  const struct sim_options options = {.starting_balance = 10000 * DECIMAL_ONE,
                                      .slippage_bps = 2,
                                      .max_participation = 0.1,
                                      .taker_fee_bps = 5.5,
                                      .maker_fee_bps = 2,
                                      .base_ms = MINUTE_MS,
                                      .max_leverage = 10,
                                      .symbols = FAULT_SYMBOLS};
  enum status status = sim_open(&session->sim, &options);
  if (status) return status;
  sim_exchange(&session->sim, &session->venue);
  fault_line_open(&session->line, &session->venue, session->options->seed, session->faults, session->options->fault_count);
  session->line.on_fill = on_venue_fill;
  session->line.context = session;
  fault_line_exchange(&session->line, &session->line_port);
  for (int32_t i = 0; i < FAULT_SYMBOLS; i++) {
    struct event event = capability_of(session, i);
    show_venue(session, &event);
    describe_symbol(session, i, &event);
    session->lots[i] = event.instrument.instrument[0].lot_size;
    show_venue(session, &event);
  }
  return STATUS_OK;
}

static void warm_up(struct session *session) {
  tell_markets(session);
  tell_preset(session);
  for (int32_t minute = 1; minute <= session->warm_minutes; minute++) {
    session->now = START + minute * MINUTE_MS;
    for (int32_t i = 0; i < FAULT_SYMBOLS; i++) {
      struct event event = candle_event(session, i, &session->candles[i][minute - 1]);
      show_venue(session, &event);
    }
    tell_candles(session);
  }
}

static void read_journal(struct session *session) {
  struct journal_reader reader;
  struct journal_record record;
  enum status status = journal_reader_open(&reader, session->options->folder, "paper", 0, session->problem);
  if (status) {
    judge_fail(&session->judge, "the journal cannot be read in the end: %s", status_text(status));
    return;
  }
  while ((status = journal_reader_next(&reader, &record, session->problem)) == STATUS_OK) {
    if (record.direction == JOURNAL_EVENT) ++session->result->events;
    if (record.direction == JOURNAL_RECORD && record.kind == RECORD_TRADE) ++session->result->trades;
    if (record.direction != JOURNAL_RECORD || record.kind != RECORD_FILL) continue;
    struct fill fill;
    if (schema_decode(&fill_schema, &fill, record.payload, record.size) == record.size) judge_written_fill(&session->judge, &fill);
  }
  if (status != STATUS_END) judge_fail(&session->judge, "the journal is damaged in the end: %s", status_text(status));
  journal_reader_close(&reader);
}

static void live(struct session *session) {
  warm_up(session);
  command(session, COMMAND_START);
  for (session->now = session->trading_at; session->now < session->end_at && session->judge.violation[0] == '\0'; session->now += FAULT_STEP_MS)
    turn(session);
  if (session->judge.violation[0] != '\0') return;
  if (journal_flush(session->life.journal, session->now) != STATUS_OK) judge_fail(&session->judge, "the journal cannot be written in the end");
  read_journal(session);
  judge_end(&session->judge, session->life.runner.engine);
}

static void place_faults(struct session *session) {
  for (int32_t i = 0; i < session->options->fault_count; i++) {
    session->faults[i] = session->options->faults[i];
    session->faults[i].from = session->trading_at + session->faults[i].from / FAULT_STEP_MS * FAULT_STEP_MS;
    session->faults[i].until = session->trading_at + session->faults[i].until / FAULT_STEP_MS * FAULT_STEP_MS;
  }
}

static void close_session(struct session *session) {
  struct fault_session_result *result = session->result;
  text_copy(result->violation, sizeof result->violation, session->judge.violation);
  result->violated_at = session->judge.violated_at - session->trading_at;
  result->simulated_ms = session->now - session->trading_at;
  result->bare_worst_ms = session->judge.bare_worst_ms;
  digest_read(&session->digest, result->digest);
  digest_close(&session->digest);
  if (session->is_alive) process_bury(session);
  if (session->flushed_file >= 0) close(session->flushed_file);
  fault_line_close(&session->line);
  sim_close(&session->sim);
  for (int32_t i = 0; i < FAULT_SYMBOLS; i++) free(session->candles[i]);
  if (!folder_empty(session->options->folder)) session_say(session, "the folder is not empty in the end");
}

enum status fault_session_run(const struct fault_session_options *options, struct fault_session_result *result, struct problem *problem) {
  static struct session session; /* large */
  memset(&session, 0, sizeof session);
  *result = (struct fault_session_result){0};
  session.options = options;
  session.result = result;
  session.problem = problem;
  session.now = START;
  session.warm_minutes = options->preset->strategy_priority == STRATEGY_PRIORITY_CHANNEL ? WARM_MINUTES : WARM_DAY_MINUTES;
  session.trading_at = START + session.warm_minutes * MINUTE_MS;
  session.end_at = session.trading_at + options->minutes * MINUTE_MS;
  session.file = session.flushed_file = -1;
  session.sector_at = -1;
  random_init(&session.random, options->seed ^ UINT64_C(0x5eed));
  digest_open(&session.digest);
  place_faults(&session);
  judge_open(&session.judge, &session.sim, session.faults, options->fault_count, options->preset->risk.max_concurrent_positions);
  enum status status = make_markets(&session) ? open_venue(&session) : STATUS_NO_MEMORY;
  if (!status && process_start(&session)) live(&session);
  if (!status) status = session.status;
  close_session(&session);
  return status;
}

int32_t fault_session_draw(uint64_t seed, uint64_t kinds, int32_t minutes, struct fault faults[FAULT_SESSION_FAULTS_MAX]) {
  enum fault_kind wanted[fault_kind_count] = {0};
  uint64_t count = 0;
  struct random random;
  random_init(&random, seed ^ UINT64_C(0xfa017));
  for (int kind = 0; kind < fault_kind_count; kind++) {
    if ((kinds >> kind & 1) != 0) wanted[count++] = (enum fault_kind)kind;
  }
  int64_t last = minutes * MINUTE_MS - QUIET_MS;
  int32_t drawn = count > 0 ? 1 + (int32_t)random_below(&random, 5) : 0;
  int64_t centre = MINUTE_MS + (int64_t)random_below(&random, (uint64_t)(last - MINUTE_MS));
  for (int32_t i = 0; i < drawn; i++) {
    const struct fault_row *row = &fault_rows[faults[i].kind = wanted[random_below(&random, count)]];
    bool is_near = random_below(&random, 2) == 0; /* troubles come together */
    int64_t from =
        is_near ? centre + (int64_t)random_below(&random, 60000) : MINUTE_MS + (int64_t)random_below(&random, (uint64_t)(last - MINUTE_MS));
    int64_t length = row->longest_ms > 0 ? row->shortest_ms + (int64_t)random_below(&random, (uint64_t)(row->longest_ms - row->shortest_ms)) : 0;
    from = (from < last ? from : last) / FAULT_STEP_MS * FAULT_STEP_MS; /* as they are printed, to be repeated */
    faults[i].from = from;
    faults[i].until = (from + length < last ? from + length : last) / FAULT_STEP_MS * FAULT_STEP_MS;
  }
  return drawn;
}
