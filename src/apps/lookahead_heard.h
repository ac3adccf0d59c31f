/* What a run said, kept as bytes, so that another run can be held against it record by record while it goes on. */
#ifndef APPS_LOOKAHEAD_HEARD_H
#define APPS_LOOKAHEAD_HEARD_H

#include "base/buffer.h"
#include "engine/record.h"

enum { HEARD_SHOWN_MAX = 400, HEARD_FIELD_MAX = 48 };

struct heard_record {
  int64_t ts;
  size_t at; /* of its bytes */
  uint32_t size;
  int32_t kind; /* enum record_kind */
};

/* Zero-initialised: nothing. */
struct heard {
  struct buffer bytes;
  struct heard_record *records; /* owned */
  int64_t count, capacity;
  int64_t decisions; /* records of this kind */
};

/* What came of holding a run against another one. first -1: nothing differs. */
struct comparison {
  int64_t compared, differing;
  int64_t excepted;        /* differences that levels older than the data of a later start explain */
  int64_t first, first_ts; /* index and time of the first record that differs, or of the first event when is_event */
  char field[HEARD_FIELD_MAX];
  char base[HEARD_SHOWN_MAX], other[HEARD_SHOWN_MAX]; /* canonical lines, "(no record)" */
  char message[200];                                  /* why the run failed */
  enum status status;
};

void heard_add(struct heard *heard, int64_t ts, enum record_kind kind, const void *object);
void heard_free(struct heard *heard);
/* The record must be number `index` of the first `known` of base. */
void heard_compare(const struct heard *base, int64_t index, int64_t known, int64_t ts, enum record_kind kind, const void *object,
                   struct comparison *out);
/* Is number `index` of base of this kind and time? */
bool heard_is(const struct heard *base, int64_t index, int64_t ts, enum record_kind kind);
/* The other run said no more than `count` records, although `known` were to come. */
void heard_end(const struct heard *base, int64_t count, int64_t known, struct comparison *out);
void comparison_init(struct comparison *out);

#endif
