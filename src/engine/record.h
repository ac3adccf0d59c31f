/* Records: everything the engine decided and did, also what it decided not to do. Handed to the sink as they happen; stored, shown, counted and
 * digested outside. */
#ifndef ENGINE_RECORD_H
#define ENGINE_RECORD_H

#include "core/analysis/density.h"
#include "core/analysis/level.h"
#include "core/trade/execution.h"
#include "engine/candidate.h"
#include "engine/event.h"
#include "engine/session.h"

enum { SCAN_CODES_MAX = 40 };

enum machine { MACHINE_SESSION, MACHINE_CANDIDATE, MACHINE_ORDER, MACHINE_POSITION, MACHINE_VIEW, machine_count };
enum command_status { COMMAND_DONE, COMMAND_IN_PROGRESS, COMMAND_FAILED, command_status_count };
enum cash_kind { CASH_DEPOSIT, CASH_WITHDRAWAL, CASH_CORRECTION, CASH_FUNDING, CASH_FEE, cash_kind_count };
enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL, severity_count };
enum alert_state { ALERT_FIRING, ALERT_ACKNOWLEDGED, ALERT_RESOLVED, alert_state_count };
extern const char *const machine_names[];
extern const char *const command_status_names[];
extern const char *const cash_kind_names[];
extern const char *const severity_names[];
extern const char *const alert_state_names[];

/* Items of lists inside records. */
struct code_count {
  int32_t code; /* enum reason_code */
  int32_t count;
};
struct component_value {
  int32_t component; /* enum score_component */
  double value, weight, contribution;
};
extern const struct schema code_count_schema;
extern const struct schema component_value_schema;

/* clang-format off */
#include "base/fields_struct.h"
#define RECORD_BEGIN(name) struct name {
#define RECORD_END(name) \
  };
#include "engine/record_fields.def"
#include "base/fields_end.h"
/* clang-format on */

enum record_kind {
#define RECORD(constant, name, in_digest) RECORD_##constant,
#include "engine/record.def"
  record_kind_count
};
extern const char *const record_kind_names[]; /* "transition", "decision", ... */
extern const struct schema *const record_schemas[];
extern const bool record_in_digest[];

#endif
