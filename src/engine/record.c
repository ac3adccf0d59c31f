/* Tables of the records. */
#include "engine/record.h"

const char *const machine_names[] = {"session", "candidate", "order", "position", "view"};
const char *const command_status_names[] = {"done", "in_progress", "failed"};
const char *const cash_kind_names[] = {"deposit", "withdrawal", "correction", "funding", "fee"};
const char *const severity_names[] = {"info", "warning", "critical"};
const char *const alert_state_names[] = {"firing", "acknowledged", "resolved"};

/* ---- items of lists ---- */

#include "base/fields_table.h"
enum { score_component_count = SCORE_COMPONENT_COUNT }; /* the spelling that FIELD_ENUM asks for */
#define FIELD_OWNER struct code_count
static const struct field code_count_fields[] = {FIELD_ENUM(code, reason_code) FIELD_I32(count)};
#undef FIELD_OWNER
#define FIELD_OWNER struct component_value
static const struct field component_value_fields[] = {FIELD_ENUM(component, score_component) FIELD_DOUBLE(value) FIELD_DOUBLE(weight)
                                                          FIELD_DOUBLE(contribution)};
#undef FIELD_OWNER
#include "base/fields_end.h"

const struct schema code_count_schema = {"code_count", code_count_fields, (int)(sizeof code_count_fields / sizeof code_count_fields[0]),
                                         sizeof(struct code_count)};
const struct schema component_value_schema = {"component_value", component_value_fields,
                                              (int)(sizeof component_value_fields / sizeof component_value_fields[0]),
                                              sizeof(struct component_value)};

/* ---- records of the engine itself ---- */

union record_lines {
#include "base/fields_line_struct.h"
#define RECORD_BEGIN(name) struct {
#define RECORD_END(name) \
  }                      \
  ;
#include "engine/record_fields.def"

#include "base/fields_end.h"
};

#define FIELD_OWNER union record_lines
#include "base/fields_line_table.h"
#define RECORD_BEGIN(name) static const struct field name##_fields[] = {
#define RECORD_END(name) \
  }                      \
  ;                      \
  static const struct schema name##_schema = {#name, name##_fields, (int)(sizeof name##_fields / sizeof name##_fields[0]), sizeof(struct name)};
#include "engine/record_fields.def"

#include "base/fields_end.h"

const char *const record_kind_names[] = {
#define RECORD(constant, name, in_digest) #name,
#include "engine/record.def"
};
const struct schema *const record_schemas[] = {
#define RECORD(constant, name, in_digest) &name##_schema,
#include "engine/record.def"
};
const bool record_in_digest[] = {
#define RECORD(constant, name, in_digest) in_digest,
#include "engine/record.def"
};
