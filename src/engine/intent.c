/* Tables of the intents. */
#include "engine/intent.h"

union intent_lines {
#include "base/fields_line_struct.h"
#define INTENT_BEGIN(constant, name) struct {
#define INTENT_END(constant, name) \
  }                                \
  ;
#include "engine/intent.def"

#include "base/fields_end.h"
};

#define FIELD_OWNER union intent_lines
#include "base/fields_line_table.h"
#define INTENT_BEGIN(constant, name) static const struct field intent_##name##_fields[] = {
#define INTENT_END(constant, name)                      \
  }                                                     \
  ;                                                     \
  static const struct schema intent_##name##_schema = { \
      #name, intent_##name##_fields, (int)(sizeof intent_##name##_fields / sizeof intent_##name##_fields[0]), sizeof(struct intent_##name)};
#include "engine/intent.def"

#include "base/fields_end.h"

/* Passes over intent.def that need no fields. */
#include "base/fields_nothing.h"
const char *const intent_kind_names[] = {
#define INTENT_BEGIN(constant, name) #name,
#include "engine/intent.def"
};
const struct schema *const intent_schemas[] = {
#define INTENT_BEGIN(constant, name) &intent_##name##_schema,
#include "engine/intent.def"
};
#include "base/fields_end.h"

bool intent_is_order(const struct intent *intent) {
  return intent->kind == INTENT_PLACE_ORDER || intent->kind == INTENT_AMEND_ORDER || intent->kind == INTENT_CANCEL_ORDER;
}

const void *intent_payload(const struct intent *intent) {
  return &intent->place_order; /* the payloads share their address */
}
