/* A restart. The journal is right: the engine is stepped through its events, and what comes out only has to confirm it. A simulated venue lives in
 * this process and died with it, so it is fed in the same order as before: market events before the answers they caused, intents after the step that
 * wanted them. */
#include "runner/recover.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "engine/view.h"
#include "runner/retrace.h"
#include "runner/snapshot_file.h"

/* An answer that was journalled although the market event that caused it was not: the process ended in between. The venue will give it again. */
struct orphan {
  struct buffer answer; /* encoded */
  int32_t kind;
  struct intent *intents; /* wanted because of it, to be handed over when the venue gave it; owned */
  int32_t intent_count;
};

struct recover {
  struct exchange inner; /* the venue as the caller gave it */
  struct retrace retrace;
  struct journal_reader reader, ahead;
  bool is_simulated, has_ahead;
  /* the next market event of the journal, when it had to be looked for */
  struct event market;
  struct buffer market_scratch;
  struct preset market_preset;
  uint64_t market_seq;
  bool market_was_fed;
  /* an answer the venue gave and the journal has not shown yet */
  struct buffer answer;
  int32_t answer_kind;
  bool has_answer;
  struct orphan *orphans; /* owned */
  int32_t orphan_count, orphan_at;
  bool market_came; /* since the restart: the answers of before come with it */
  /* wanted since the restart, for a venue that has seen what it answered before; owned */
  struct intent *held;
  int32_t held_count;
  int64_t venue_differences;
};

/* What runner_market shows the venue first. */
static bool is_market(int32_t kind) {
  return (kind >= EVENT_CAPABILITY && kind <= EVENT_FUNDING_RATE) || kind == EVENT_END_OF_DATA;
}

/* What comes out of the venue's port. */
static bool is_answer(int32_t kind) {
  return kind >= EVENT_VENUE_LINK && kind <= EVENT_ADL;
}

static void encode_into(struct buffer *out, const struct event *event) {
  size_t room = event_encoded_max(event);
  buffer_clear(out);
  buffer_reserve(out, room);
  out->length = event_encode(event, (unsigned char *)out->data, room);
  check(out->length > 0);
}

/* ---- the venue that gives some answers a second time ---- */

static bool is_orphan(const struct orphan *orphan, const struct event *answer, struct buffer *scratch) {
  encode_into(scratch, answer);
  return answer->kind == orphan->kind && scratch->length == orphan->answer.length && memcmp(scratch->data, orphan->answer.data, scratch->length) == 0;
}

static void release_held(struct recover *recover) {
  for (int32_t i = 0; i < recover->held_count; i++) recover->inner.submit(recover->inner.self, &recover->held[i]);
  recover->held_count = 0;
}

static bool poll_again(void *self, int64_t now, struct event *out) {
  struct recover *recover = self;
  while (recover->inner.poll(recover->inner.self, now, out)) {
    if (recover->orphan_at == recover->orphan_count || !recover->market_came) return true;
    struct orphan *orphan = &recover->orphans[recover->orphan_at];
    if (!is_orphan(orphan, out, &recover->answer)) {
      log_write(LOG_WARNING, "recovery", "answer_differs", NULL, "the venue answers otherwise than before the restart: %s instead of %s",
                event_kind_names[out->kind], event_kind_names[orphan->kind]);
      recover->orphan_at = recover->orphan_count;
      release_held(recover);
      return true;
    }
    ++recover->orphan_at;
    for (int32_t i = 0; i < orphan->intent_count; i++) recover->inner.submit(recover->inner.self, &orphan->intents[i]);
    if (recover->orphan_at == recover->orphan_count) release_held(recover);
  }
  return false;
}

/* The engine has lived through answers whose cause this venue has not seen yet: asked now, it would deny fills and positions. */
static void submit_again(void *self, const struct intent *intent) {
  struct recover *recover = self;
  if (recover->orphan_at == recover->orphan_count) {
    recover->inner.submit(recover->inner.self, intent);
    return;
  }
  recover->held = realloc(recover->held, ((size_t)recover->held_count + 1) * sizeof *recover->held);
  check(recover->held != NULL);
  recover->held[recover->held_count++] = *intent;
}

static void market_again(void *self, const struct event *event) {
  struct recover *recover = self;
  recover->market_came = true;
  recover->inner.on_market(recover->inner.self, event);
}

static int64_t due_again(void *self) {
  struct recover *recover = self;
  return recover->inner.next_due(recover->inner.self);
}

static size_t size_again(void *self) {
  struct recover *recover = self;
  return recover->inner.snapshot_size(recover->inner.self);
}

static void save_again(void *self, unsigned char *out) {
  struct recover *recover = self;
  recover->inner.snapshot_save(recover->inner.self, out);
}

/* ---- the venue beside the journal ---- */

static void pull(struct recover *recover, int64_t now) {
  struct event answer;
  if (recover->has_answer || !recover->inner.poll(recover->inner.self, now, &answer)) return;
  encode_into(&recover->answer, &answer);
  recover->answer_kind = answer.kind;
  recover->has_answer = true;
}

static void drop_answer(struct recover *recover, const char *why) {
  if (recover->venue_differences++ == 0) {
    log_write(LOG_WARNING, "recovery", "answer_differs", NULL, "the simulated venue answers otherwise than the journal: %s %s",
              event_kind_names[recover->answer_kind], why);
  }
  recover->has_answer = false;
}

/* Nothing more may come before the event at hand. */
static void drain(struct recover *recover, int64_t now) {
  for (pull(recover, now); recover->has_answer; pull(recover, now)) drop_answer(recover, "is not in it");
}

/* The market event that comes next in the journal, for answers that it caused. */
static enum status look_ahead(struct recover *recover, uint64_t seq, struct problem *problem) {
  while (recover->has_ahead && recover->market_seq <= seq) {
    struct journal_record record;
    enum status status = journal_reader_next(&recover->ahead, &record, problem);
    if (status == STATUS_END) recover->has_ahead = false;
    if (status != STATUS_OK) return status == STATUS_END ? STATUS_OK : status;
    if (record.direction != JOURNAL_EVENT || !is_market(record.kind) || record.seq <= seq) continue;
    recover->market_seq = record.seq;
    recover->market_was_fed = false;
    status = retrace_decode(&recover->market, &record, &recover->market_scratch, &recover->market_preset, problem);
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

static void keep_orphan(struct recover *recover) {
  recover->orphans = realloc(recover->orphans, ((size_t)recover->orphan_count + 1) * sizeof *recover->orphans);
  check(recover->orphans != NULL);
  struct orphan *orphan = &recover->orphans[recover->orphan_count++];
  memset(orphan, 0, sizeof *orphan);
  orphan->kind = recover->retrace.event.kind;
  encode_into(&orphan->answer, &recover->retrace.event);
}

static enum status expect_answer(struct recover *recover, struct problem *problem) {
  const struct event *event = &recover->retrace.event;
  pull(recover, engine_now(recover->retrace.engine));
  pull(recover, event->ts);
  if (!recover->has_answer) {
    enum status status = look_ahead(recover, event->seq, problem);
    if (status != STATUS_OK) return status;
    if (!recover->has_ahead) {
      keep_orphan(recover);
      return STATUS_OK;
    }
    if (!recover->market_was_fed) recover->inner.on_market(recover->inner.self, &recover->market);
    recover->market_was_fed = true;
    pull(recover, recover->market.ts);
  }
  struct buffer expected = {0};
  encode_into(&expected, event);
  bool is_same = recover->has_answer && recover->answer_kind == event->kind && recover->answer.length == expected.length &&
                 memcmp(recover->answer.data, expected.data, expected.length) == 0;
  buffer_deinit(&expected);
  if (is_same) {
    recover->has_answer = false;
  } else {
    recover->answer_kind = event->kind;
    drop_answer(recover, "comes differently or not at all");
  }
  return STATUS_OK;
}

static enum status prepare_venue(struct recover *recover, struct problem *problem) {
  const struct event *event = &recover->retrace.event;
  if (is_answer(event->kind)) return expect_answer(recover, problem);
  bool was_fed = recover->market_seq == event->seq && recover->market_was_fed;
  if (!was_fed) drain(recover, engine_now(recover->retrace.engine));
  if (!is_market(event->kind)) return STATUS_OK;
  if (!was_fed) recover->inner.on_market(recover->inner.self, event);
  drain(recover, event->ts);
  return STATUS_OK;
}

static void hand_over(struct recover *recover) {
  const struct retrace *retrace = &recover->retrace;
  if (recover->orphan_count == 0) {
    for (int32_t i = 0; i < retrace->intent_count; i++) recover->inner.submit(recover->inner.self, &retrace->intents[i]);
    return;
  }
  if (retrace->intent_count == 0) return;
  struct orphan *orphan = &recover->orphans[recover->orphan_count - 1];
  size_t count = (size_t)orphan->intent_count + (size_t)retrace->intent_count;
  orphan->intents = realloc(orphan->intents, count * sizeof *orphan->intents);
  check(orphan->intents != NULL);
  memcpy(orphan->intents + orphan->intent_count, retrace->intents, (size_t)retrace->intent_count * sizeof *orphan->intents);
  orphan->intent_count = (int32_t)count;
}

/* ---- through the journal ---- */

static void digest_record(struct runner *runner, const struct journal_record *record) {
  if (!runner->has_digest || record->direction != JOURNAL_RECORD || record->kind >= record_kind_count || !record_in_digest[record->kind]) return;
  const struct schema *schema = record_schemas[record->kind];
  void *object = calloc(1, schema->size);
  check(object != NULL);
  if (schema_decode(schema, object, record->payload, record->size) == record->size)
    runner_digest_add(runner, record->ts, (enum record_kind)record->kind, object);
  free(object);
}

static void take_mark(struct recover *recover, const struct journal_record *record) {
  struct engine_mark mark;
  if (record->kind != MARK_ENGINE || schema_decode(&engine_mark_schema, &mark, record->payload, record->size) != record->size) return;
  struct engine_limits limits;
  struct engine_config config;
  struct engine_counters counters;
  engine_mark_read(&mark, &limits, &config, &counters);
  engine_configure(recover->retrace.engine, &config);
}

static enum status take_record(struct recover *recover, const struct journal_record *record, struct recovery *recovery, struct problem *problem) {
  switch ((enum journal_direction)record->direction) {
    case JOURNAL_EVENT: {
      enum status status = retrace_take(&recover->retrace, record, problem);
      if (status == STATUS_OK && recover->is_simulated) status = prepare_venue(recover, problem);
      if (status != STATUS_OK) return status;
      retrace_step(&recover->retrace);
      if (recover->is_simulated) hand_over(recover);
      ++recovery->replayed;
      return STATUS_OK;
    }
    case JOURNAL_MARK:
      take_mark(recover, record);
      return STATUS_OK;
    default:
      retrace_compare(&recover->retrace, record);
      return STATUS_OK;
  }
}

static enum status replay(struct recover *recover, struct runner *runner, struct recovery *recovery, struct problem *problem) {
  struct journal_record record;
  enum status status;
  while ((status = journal_reader_next(&recover->reader, &record, problem)) == STATUS_OK) {
    digest_record(runner, &record);
    if (record.seq <= recovery->snapshot_seq) continue;
    status = take_record(recover, &record, recovery, problem);
    if (status != STATUS_OK) return status;
  }
  return status == STATUS_END ? STATUS_OK : status;
}

/* The last event's intents and records that the journal does not have: it gets them now. Orders among them were never sent by this program to a real
 * venue; the engine counts them as possibly sent and asks. */
static void complete(struct recover *recover, struct runner *runner, struct recovery *recovery) {
  struct retrace *retrace = &recover->retrace;
  for (; retrace_left(retrace) > 0; retrace->item_at++, recovery->completed++) {
    const struct retrace_item *item = &retrace->items[retrace->item_at];
    struct journal_record record = {.ts = item->ts,
                                    .direction = item->direction,
                                    .kind = item->kind,
                                    .payload = (const unsigned char *)retrace->bytes.data + item->offset,
                                    .size = item->size};
    uint64_t seq = journal_append(runner->journal, item->ts, (enum journal_direction)item->direction, item->kind, record.payload, item->size);
    if (seq != 0) runner->seq = seq;
    digest_record(runner, &record);
  }
}

/* ---- opening ---- */

static bool load_snapshot(struct recover *recover, const struct recover_options *options, uint64_t seq, struct engine **engine) {
  struct snapshot_image image;
  struct arena *arena = options->arena;
  size_t mark = arena->used;
  enum status status = snapshot_read(&image, options->data_dir, options->account, seq);
  if (status == STATUS_OK) {
    status = engine_snapshot_load(arena, &options->limits, image.engine, image.engine_size, engine);
    bool has_venue = recover->inner.snapshot_load != NULL;
    if (status == STATUS_OK && has_venue) status = recover->inner.snapshot_load(recover->inner.self, image.venue, image.venue_size);
    snapshot_image_deinit(&image);
  }
  if (status == STATUS_OK) return true;
  log_write(LOG_WARNING, "recovery", "snapshot_refused", NULL, "snapshot %016llx is not used: %s", (unsigned long long)seq, status_text(status));
  memset(arena->memory + mark, 0, arena->size - mark);
  arena->used = mark;
  return false;
}

static struct engine *newest_engine(struct recover *recover, const struct recover_options *options, uint64_t last_seq, struct recovery *recovery) {
  uint64_t *seqs;
  size_t count = snapshot_list(options->data_dir, &seqs);
  struct engine *engine = NULL;
  for (size_t i = 0; i < count && recovery->snapshot_seq == 0; i++) {
    if (seqs[i] <= last_seq && load_snapshot(recover, options, seqs[i], &engine)) recovery->snapshot_seq = seqs[i];
  }
  free(seqs);
  return recovery->snapshot_seq != 0 ? engine : NULL;
}

/* An engine without a past begins as the journal says, or, when there is none, as the caller says. */
static enum status fresh_engine(const struct recover_options *options, struct engine **engine, struct problem *problem) {
  struct engine_config config = options->config;
  struct engine_counters counters = options->counters;
  struct journal_reader reader;
  struct journal_record record;
  enum status status = journal_reader_open(&reader, options->data_dir, options->account, 0, problem);
  if (status == STATUS_OK) {
    status = journal_reader_next(&reader, &record, problem);
    struct engine_mark mark;
    struct engine_limits limits;
    if (status == STATUS_OK && record.direction == JOURNAL_MARK && record.kind == MARK_ENGINE &&
        schema_decode(&engine_mark_schema, &mark, record.payload, record.size) == record.size) {
      engine_mark_read(&mark, &limits, &config, &counters);
    }
    journal_reader_close(&reader);
  }
  if (status != STATUS_OK && status != STATUS_NO_DATA && status != STATUS_END) return status;
  *engine = engine_init(options->arena, &options->limits, &config, &counters);
  return STATUS_OK;
}

static enum status open_readers(struct recover *recover, const struct recover_options *options, uint64_t from, bool has_digest,
                                struct problem *problem) {
  enum status status = journal_reader_open(&recover->reader, options->data_dir, options->account, has_digest ? 0 : from, problem);
  if (status != STATUS_OK || !recover->is_simulated) return status;
  status = journal_reader_open(&recover->ahead, options->data_dir, options->account, from, problem);
  recover->has_ahead = status == STATUS_OK;
  return status;
}

static void wrap_exchange(struct recover *recover, struct exchange *exchange) {
  exchange->self = recover;
  exchange->poll = poll_again;
  exchange->submit = submit_again;
  exchange->on_market = market_again;
  if (exchange->next_due != NULL) exchange->next_due = due_again;
  if (exchange->snapshot_size != NULL) exchange->snapshot_size = size_again;
  if (exchange->snapshot_save != NULL) exchange->snapshot_save = save_again;
}

static void tell(const struct recover *recover, const struct recovery *recovery) {
  log_write(LOG_INFO, "recovery", "recovered", NULL, "%lld events replayed after %s end, %lld records completed, %lld bytes torn, %lld differences",
            (long long)recovery->replayed, recovery->cause == RESTART_CLEAN ? "a clean" : "an unclean", (long long)recovery->completed,
            (long long)recovery->torn_bytes, (long long)recovery->differences);
  const struct retrace *retrace = &recover->retrace;
  if (retrace->differences == 0) return;
  log_write(LOG_ERROR, "recovery", "replay_differs", NULL, "at %llu the journal has \"%s\", the replay \"%s\"",
            (unsigned long long)retrace->difference_seq, retrace->journalled, retrace->produced);
}

static enum status replay_all(struct recover *recover, struct runner *runner, const struct recover_options *options, struct recovery *recovery,
                              struct problem *problem) {
  enum status status = open_readers(recover, options, recovery->snapshot_seq + 1, runner->has_digest, problem);
  if (status == STATUS_OK) status = replay(recover, runner, recovery, problem);
  if (status != STATUS_OK) return status;
  journal_reader_close(&recover->reader); /* they hold whole segments */
  journal_reader_close(&recover->ahead);
  CRASH_AT(REPLAYED);
  complete(recover, runner, recovery);
  CRASH_AT(COMPLETED);
  recovery->differences = recover->retrace.differences + recover->venue_differences;
  tell(recover, recovery);
  return STATUS_OK;
}

static void append_mark(struct runner *runner, const struct recover_options *options) {
  struct engine_mark mark;
  unsigned char bytes[1024];
  engine_mark_make(&mark, &options->limits, &options->config, engine_counters(runner->engine));
  size_t size = schema_encode(&engine_mark_schema, &mark, bytes, sizeof bytes);
  check(size > 0);
  int64_t ts = engine_now(runner->engine);
  if (ts == 0 && runner->clock != NULL) ts = runner->clock->now_ms(runner->clock->self); /* nothing has happened yet: a segment is of a day */
  uint64_t seq = journal_append(runner->journal, ts, JOURNAL_MARK, MARK_ENGINE, bytes, size);
  if (seq != 0) runner->seq = seq;
  engine_configure(runner->engine, &options->config);
}

enum status recover_open(struct recover **out, struct runner *runner, const struct recover_options *options, struct journal *journal,
                         struct exchange *exchange, const struct clock *clock, bool has_digest, struct recovery *recovery, struct problem *problem) {
  int64_t begin = clock != NULL ? clock->monotonic_ns(clock->self) : 0;
  const struct journal_report *found = journal_found(journal);
  *recovery = (struct recovery){.is_first = found->records == 0,
                                .cause = found->is_clean ? RESTART_CLEAN : RESTART_CRASH,
                                .last_ts = found->last_ts,
                                .torn_bytes = found->torn_bytes};
  struct recover *recover = calloc(1, sizeof *recover);
  check(recover != NULL);
  recover->inner = *exchange;
  recover->is_simulated = exchange->on_market != NULL;
  struct engine *engine = newest_engine(recover, options, found->last_seq, recovery);
  enum status status = engine == NULL ? fresh_engine(options, &engine, problem) : STATUS_OK;
  if (status == STATUS_OK) status = runner_init(runner, engine, exchange, journal, clock, has_digest);
  if (status != STATUS_OK) {
    recover_close(recover);
    return status;
  }
  CRASH_AT(ENGINE_MADE);
  retrace_init(&recover->retrace, engine);
  if (!recovery->is_first) status = replay_all(recover, runner, options, recovery, problem);
  if (status != STATUS_OK) {
    runner_deinit(runner);
    recover_close(recover);
    return status;
  }
  if (recover->is_simulated && recover->orphan_count > 0) wrap_exchange(recover, exchange);
  append_mark(runner, options);
  CRASH_AT(MARKED);
  if (clock != NULL) {
    recovery->seconds = (double)(clock->monotonic_ns(clock->self) - begin) / 1e9;
    int64_t gap = clock->now_ms(clock->self) - recovery->last_ts;
    recovery->gap_ms = recovery->is_first || gap < 0 ? 0 : gap;
  }
  if (!recovery->is_first) runner_idle(runner, engine_now(engine));
  *out = recover;
  /* Nothing of the restart is only in memory when the archive begins to read. A disk that refuses is told to the engine with the next event. */
  if (journal_flush(journal, engine_now(engine)) != STATUS_OK)
    log_write(LOG_ERROR, "recovery", "journal_failed", NULL, "the journal cannot be written after the restart");
  CRASH_AT(RECOVERED);
  return STATUS_OK;
}

void recover_close(struct recover *recover) {
  if (recover == NULL) return;
  retrace_deinit(&recover->retrace);
  journal_reader_close(&recover->reader);
  journal_reader_close(&recover->ahead);
  buffer_deinit(&recover->market_scratch);
  buffer_deinit(&recover->answer);
  for (int32_t i = 0; i < recover->orphan_count; i++) {
    buffer_deinit(&recover->orphans[i].answer);
    free(recover->orphans[i].intents);
  }
  free(recover->orphans);
  free(recover->held);
  free(recover);
}

void recover_event(struct event *event, const struct recovery *recovery, int64_t now, bool resume_paused) {
  *event = (struct event){.ts = now > recovery->last_ts ? now : recovery->last_ts, .kind = EVENT_RECOVERY};
  event->recovery = (struct event_recovery){
      .cause = (int32_t)recovery->cause, .gap_ms = recovery->gap_ms, .replayed_records = recovery->replayed, .resume_paused = resume_paused};
}

enum status recover_mark_clean(struct journal *journal, int64_t ts) {
  journal_append(journal, ts, JOURNAL_MARK, MARK_CLEAN, NULL, 0);
  CRASH_AT(CLEAN_MARKED);
  enum status status = journal_flush(journal, ts);
  CRASH_AT(CLEAN_FLUSHED);
  return status;
}
