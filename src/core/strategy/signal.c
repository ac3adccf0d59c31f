#include "core/strategy/signal.h"

#include <stddef.h>

const char *const signal_outcome_names[] = {"pending", "refused", "unfilled", "entered", "expired", "cancelled"};

/* clang-format off */
#define FIELD_OWNER struct signal
static const struct field signal_fields[] = {
#include "base/fields_table.h"
#include "core/strategy/signal_fields.def"
#include "base/fields_end.h"
};
#undef FIELD_OWNER
/* clang-format on */

const struct schema signal_schema = {"signal", signal_fields, sizeof signal_fields / sizeof signal_fields[0], sizeof(struct signal)};
