#include "runner/runner.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "engine/view.h"
#include "runner/journal.h"
#include "runner/kill_latch.h"

enum { PENDING_MIN = 256, FLUSH_MS = 100, ANSWERS_MAX = 1 << 20, LINE_MAX = 32 << 10 };

enum status runner_init(struct runner *runner, struct engine *engine, struct exchange *exchange, struct journal *journal, const struct clock *clock,
                        bool has_digest) {
  memset(runner, 0, sizeof *runner);
  runner->engine = engine;
  runner->exchange = exchange;
  runner->journal = journal;
  runner->clock = clock;
  runner->has_digest = has_digest;
  if (journal != NULL) runner->seq = journal_last_seq(journal);
  runner->pending = malloc(PENDING_MIN * sizeof *runner->pending);
  if (runner->pending == NULL) return STATUS_NO_MEMORY;
  runner->pending_capacity = PENDING_MIN;
  if (has_digest) digest_open(&runner->digest);
  return STATUS_OK;
}

void runner_deinit(struct runner *runner) {
  if (runner->has_digest) digest_close(&runner->digest);
  free(runner->pending);
  memset(runner, 0, sizeof *runner);
}

void runner_listen(struct runner *runner, const struct listener *listener) {
  check(runner->listener_count < RUNNER_LISTENERS_MAX);
  runner->listeners[runner->listener_count++] = *listener;
}

/* ---- digest ---- */

void runner_digest_add(struct runner *runner, int64_t ts, enum record_kind kind, const void *object) {
  char memory[LINE_MAX];
  struct text line;
  text_init(&line, memory, sizeof memory);
  text_add_i64(&line, ts);
  text_add_char(&line, '|');
  schema_print(record_schemas[kind], object, &line);
  text_add_char(&line, '\n');
  check(!line.is_cut);
  digest_add(&runner->digest, line.data, line.length);
}

void runner_digest(const struct runner *runner, char text[DIGEST_TEXT_MAX]) {
  check(runner->has_digest);
  digest_read(&runner->digest, text);
}

/* ---- journal ---- */

/* Gives the next seq, and writes the record when there is a journal. A record that memory cannot keep has no seq of its own: the journal marks the
 * hole. */
static void append(struct runner *runner, int64_t ts, enum journal_direction direction, int32_t kind, const struct schema *schema,
                   const void *object) {
  if (runner->journal == NULL) {
    ++runner->seq;
    return;
  }
  /* No field takes more bytes than its member and the length before it; lists hold their items in the struct. */
  size_t room = 2 * schema->size + 64;
  unsigned char *out = journal_append_begin(runner->journal, ts, room);
  if (out == NULL) return;
  size_t used = schema_encode(schema, object, out, room);
  check(used > 0);
  runner->seq = journal_append_end(runner->journal, ts, direction, kind, used);
}

static void append_event(struct runner *runner, struct event *event) {
  if (runner->journal == NULL) {
    event->seq = ++runner->seq;
    return;
  }
  size_t room = event_encoded_max(event);
  unsigned char *out = journal_append_begin(runner->journal, event->ts, room);
  if (out != NULL) {
    size_t used = event_encode(event, out, room);
    check(used > 0);
    runner->seq = journal_append_end(runner->journal, event->ts, JOURNAL_EVENT, event->kind, used);
  }
  event->seq = runner->seq;
}

static void flush(struct runner *runner, int64_t ts) {
  /* A failure is told to the engine by tell_storage; orders that protect go out all the same (engine 11, storage 7). */
  if (journal_flush(runner->journal, ts) == STATUS_OK) runner->flushed_at = ts;
}

/* ---- the sink ---- */

static void on_intent(void *context, const struct intent *intent) {
  struct runner *runner = context;
  if (runner->pending_count == runner->pending_capacity) { /* a step that wants more than any before; rare, and never in the engine's own memory */
    struct intent *grown = realloc(runner->pending, 2 * (size_t)runner->pending_capacity * sizeof *grown);
    check(grown != NULL);
    runner->pending = grown;
    runner->pending_capacity *= 2;
  }
  runner->pending[runner->pending_count++] = *intent;
  append(runner, intent->ts, JOURNAL_INTENT, intent->kind, intent_schemas[intent->kind], intent_payload(intent));
  if (intent_is_order(intent)) runner->needs_flush = true;
  for (int32_t i = 0; i < runner->listener_count; i++) {
    const struct listener *listener = &runner->listeners[i];
    if (listener->on_intent != NULL) listener->on_intent(listener->context, intent);
  }
}

static void on_record(void *context, enum record_kind kind, const void *object) {
  struct runner *runner = context;
  int64_t ts = engine_now(runner->engine);
  append(runner, ts, JOURNAL_RECORD, (int32_t)kind, record_schemas[kind], object);
  if (kind == RECORD_RISK && ((const struct risk_record *)object)->latches_count > 0) runner->needs_flush = true;
  if (runner->has_digest && record_in_digest[kind]) runner_digest_add(runner, ts, kind, object);
  for (int32_t i = 0; i < runner->listener_count; i++) {
    const struct listener *listener = &runner->listeners[i];
    if (listener->on_record != NULL) listener->on_record(listener->context, runner->seq, ts, kind, object);
  }
}

/* A few readings of the clock a step, only where somebody wants the times. */
static void on_phase(void *context, enum engine_phase phase) {
  struct runner *runner = context;
  int64_t now = runner->clock->monotonic_ns(runner->clock->self);
  runner->phase_ns[runner->phase] += now - runner->phase_since_ns;
  runner->phase = phase;
  runner->phase_since_ns = now;
}

/* ---- the loop ---- */

static void tell_event(struct runner *runner, const struct event *event) {
  for (int32_t i = 0; i < runner->listener_count; i++) {
    const struct listener *listener = &runner->listeners[i];
    if (listener->on_event != NULL) listener->on_event(listener->context, event);
  }
}

static void step_engine(struct runner *runner, const struct event *event) {
  const struct engine_sink sink = {runner, on_intent, on_record, runner->clock != NULL ? on_phase : NULL};
  if (runner->clock == NULL) {
    engine_step(runner->engine, event, &sink);
    return;
  }
  int64_t begin = runner->clock->monotonic_ns(runner->clock->self);
  runner->phase_since_ns = begin;
  engine_step(runner->engine, event, &sink);
  int64_t took = runner->clock->monotonic_ns(runner->clock->self) - begin;
  if (took > runner->steps_ns_max) runner->steps_ns_max = took;
}

/* ---- the emergency latch ---- */

/* Before the flush: the journal may not be written, and what a kill sends comes after it is remembered. */
static void hold_latch(struct runner *runner, const struct event *event) {
  const struct latch *kill = &engine_risk(runner->engine)->kill;
  bool is_kill = event->kind == EVENT_COMMAND && event->command.command == COMMAND_KILL_SWITCH;
  if (kill->since_at != 0) kill_latch_hold(runner->latch, kill, is_kill && event->command.whole_account, event->ts);
}

/* After the flush: a reset that no disk has is none. */
static void release_latch(struct runner *runner, int64_t ts) {
  if (engine_risk(runner->engine)->kill.since_at == 0 && journal_pending(runner->journal) == 0) kill_latch_release(runner->latch, ts);
}

/* One event, with nothing of the venue's answers. */
static void run_event(struct runner *runner, struct event *event) {
  int64_t now = engine_now(runner->engine);
  if (event->ts < now) {
    event->ts = now;
    ++runner->lifted;
  }
  ++runner->events;
  runner->pending_count = 0;
  runner->needs_flush = event->kind == EVENT_COMMAND;
  CRASH_AT(EVENT_AT_HAND);
  append_event(runner, event);
  CRASH_AT(EVENT_APPENDED);
  if (runner->listener_count > 0) tell_event(runner, event);
  step_engine(runner, event);
  CRASH_AT(DECIDED);
  if (runner->latch != NULL) hold_latch(runner, event);
  bool is_due = !runner->is_flushed_outside && event->ts - runner->flushed_at >= FLUSH_MS;
  if (runner->journal != NULL && (runner->needs_flush || is_due)) flush(runner, event->ts);
  if (runner->latch != NULL) release_latch(runner, event->ts);
  for (int32_t i = 0; i < runner->pending_count; i++) {
    CRASH_AT(BEFORE_SEND);
    runner->exchange->submit(runner->exchange->self, &runner->pending[i]);
    CRASH_AT(AFTER_SEND);
  }
}

/* The engine hears of the journal's failure and return as of anything else. */
static void tell_storage(struct runner *runner) {
  if (journal_is_available(runner->journal) != runner->journal_failed) return;
  runner->journal_failed = !runner->journal_failed;
  struct event event = {.ts = engine_now(runner->engine), .kind = EVENT_STORAGE, .storage = {.is_available = !runner->journal_failed}};
  run_event(runner, &event);
}

/* Answers may cause orders whose answers are due at once: a loop, so that depth stays one. */
static void take_answers(struct runner *runner, int64_t now) {
  struct event *answer = &runner->answer;
  int32_t count = 0;
  while (runner->exchange->poll(runner->exchange->self, now, answer)) {
    CRASH_AT(ANSWER_HEARD);
    if (answer->kind == EVENT_ORDER_ACK) CRASH_AT(ACK_HEARD);
    if (answer->kind == EVENT_FILL) CRASH_AT(FILL_HEARD);
    run_event(runner, answer);
    if (answer->kind == EVENT_FILL) CRASH_AT(FILL_TAKEN);
    if (++count < ANSWERS_MAX) continue;
    log_write(LOG_CRITICAL, "runner", "answers_without_end", NULL, "the venue gave %d answers at one instant", count);
    check_failed(__FILE__, __LINE__, "the venue answers without end");
  }
  if (runner->journal != NULL) tell_storage(runner);
}

void runner_step(struct runner *runner, struct event *event) {
  run_event(runner, event);
  take_answers(runner, engine_now(runner->engine));
}

void runner_market(struct runner *runner, struct event *event) {
  const struct exchange *exchange = runner->exchange;
  if (exchange->on_market != NULL) {
    int64_t now = engine_now(runner->engine);
    if (event->ts < now) {
      event->ts = now;
      ++runner->lifted;
    }
    exchange->on_market(exchange->self, event);
    take_answers(runner, event->ts);
  }
  runner_step(runner, event);
}

void runner_idle(struct runner *runner, int64_t now) {
  int64_t ts = engine_now(runner->engine);
  if (now > ts) ts = now;
  if (runner->journal != NULL && !runner->is_flushed_outside && ts - runner->flushed_at >= FLUSH_MS) flush(runner, ts);
  take_answers(runner, ts);
}
