/* Intents: everything we want done outside. Order intents are durable in the journal before their request leaves. */
#ifndef ENGINE_INTENT_H
#define ENGINE_INTENT_H

#include "engine/event.h"

enum intent_kind {
/* clang-format off */
#define INTENT_BEGIN(constant, name) INTENT_##constant,
#include "base/fields_nothing.h"
#include "engine/intent.def"
#include "base/fields_end.h"
  /* clang-format on */
  intent_kind_count
};
extern const char *const intent_kind_names[];

/* clang-format off */
#include "base/fields_struct.h"
#define INTENT_BEGIN(constant, name) struct intent_##name {
#define INTENT_END(constant, name) \
  };
#include "engine/intent.def"
#include "base/fields_end.h"
/* clang-format on */

struct intent {
  int64_t ts;
  int32_t kind; /* enum intent_kind */
  union {
/* clang-format off */
#define INTENT_BEGIN(constant, name) struct intent_##name name;
#include "base/fields_nothing.h"
#include "engine/intent.def"
#include "base/fields_end.h"
    /* clang-format on */
  };
};

extern const struct schema *const intent_schemas[]; /* by kind */
/* Creates, changes or cancels an order: must be flushed to disk before it leaves. */
bool intent_is_order(const struct intent *intent);
/* The payload struct of the intent's kind. */
const void *intent_payload(const struct intent *intent);

#endif
