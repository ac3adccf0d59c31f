#include "api/checkpoint.h"

const char *const checkpoint_type_names[] = {
#define CHECKPOINT(constant, name, step) #name,
#include "api/checkpoint.def"
};
const char *const checkpoint_status_names[] = {"pending", "in_progress", "completed", "failed", "skipped"};
const int checkpoint_steps[] = {
#define CHECKPOINT(constant, name, step) step,
#include "api/checkpoint.def"
};
