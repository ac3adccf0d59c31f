/* Tables of the candidate. */
#include "engine/candidate.h"

const char *const candidate_state_names[] = {"none", "scanned", "watching", "signalled", "sizing", "entering", "entered", "rejected", "expired"};
const char *const candidate_trigger_names[] = {"scanned",   "rejected",     "passed",        "passed_again", "signal",         "signal_refused",
                                               "validated", "risk_refused", "plan_accepted", "entry_filled", "entry_unfilled", "expired"};

static const struct fsm_row candidate_rows[] = {
#define CANDIDATE_MOVE(from, trigger, to) {CANDIDATE_##from, CANDIDATE_ON_##trigger, CANDIDATE_##to},
#include "engine/candidate_fsm.def"
};

const struct fsm candidate_fsm = {
    .name = "candidate",
    .rows = candidate_rows,
    .row_count = (int)(sizeof candidate_rows / sizeof candidate_rows[0]),
    .state_names = candidate_state_names,
    .state_count = candidate_state_count,
    .trigger_names = candidate_trigger_names,
    .trigger_count = candidate_trigger_count,
};

#define FIELD_OWNER struct candidate
static const struct field candidate_fields[] = {
/* clang-format off */
#include "base/fields_table.h"
#include "engine/candidate_fields.def"
#include "base/fields_end.h"
    /* clang-format on */
};
const struct schema candidate_schema = {"candidate", candidate_fields, (int)(sizeof candidate_fields / sizeof candidate_fields[0]),
                                        sizeof(struct candidate)};
