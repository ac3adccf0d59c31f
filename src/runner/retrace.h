/* Steps an engine through the events of a journal and compares what it wants and says with what was journalled, byte for byte. Used by restarts and
 * replays. */
#ifndef RUNNER_RETRACE_H
#define RUNNER_RETRACE_H

#include "core/strategy/preset.h"
#include "engine/engine.h"
#include "runner/journal.h"

/* How an engine is set up; payload of MARK_ENGINE. */
struct engine_mark {
#include "base/fields_struct.h"
#include "runner/engine_mark_fields.def"

#include "base/fields_end.h"
};
extern const struct schema engine_mark_schema;
void engine_mark_make(struct engine_mark *mark, const struct engine_limits *limits, const struct engine_config *config,
                      const struct engine_counters *counters);
void engine_mark_read(const struct engine_mark *mark, struct engine_limits *limits, struct engine_config *config, struct engine_counters *counters);

/* An intent or record of the step at hand that was not yet compared. */
struct retrace_item {
  int32_t direction, kind;
  int64_t ts;
  size_t offset, size; /* in retrace.bytes */
};

enum { RETRACE_TEXT_MAX = 8192 };

struct retrace {
  struct engine *engine;
  struct event event; /* the one at hand; its arrays are in scratch */
  struct preset preset;
  struct buffer scratch, bytes;
  struct retrace_item *items; /* produced by the step at hand; owned */
  int32_t item_count, item_capacity, item_at;
  struct intent *intents; /* of the step at hand; owned */
  int32_t intent_count, intent_capacity;
  int64_t events, intents_compared, records_compared, differences;
  /* the first difference: what the journal has and what the engine did, as canonical lines; "" for nothing */
  uint64_t difference_seq;
  char journalled[RETRACE_TEXT_MAX], produced[RETRACE_TEXT_MAX];
};

void retrace_init(struct retrace *retrace, struct engine *engine);
void retrace_deinit(struct retrace *retrace);
/* Reads the payload of a journalled event into event, arrays into memory (grown as needed). For presets *preset is filled and pointed to.
 * STATUS_CORRUPT when the bytes are not an event. */
NODISCARD enum status retrace_decode(struct event *event, const struct journal_record *record, struct buffer *memory, struct preset *preset,
                                     struct problem *problem);
/* The next event of the journal: decodes it into retrace->event. What the step before did and the journal does not have counts as a difference. */
NODISCARD enum status retrace_take(struct retrace *retrace, const struct journal_record *record, struct problem *problem);
/* Steps the engine with retrace->event. */
void retrace_step(struct retrace *retrace);
/* An intent or record of the journal: is it the next thing that the step did? */
bool retrace_compare(struct retrace *retrace, const struct journal_record *record);
/* Things of the last step that the journal does not have. */
int32_t retrace_left(const struct retrace *retrace);
/* At the end of the journal: what is left counts as differences. */
void retrace_end(struct retrace *retrace, uint64_t seq);
/* Canonical line of a journalled event, intent, record or mark, "?" when it cannot be read. */
void retrace_print(const struct journal_record *record, struct text *out);
/* Members of the payload into an opened object; false when it cannot be read. */
bool retrace_to_json(const struct journal_record *record, struct json_writer *writer);

#endif
