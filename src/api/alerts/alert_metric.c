#include "api/alerts/alert_metric.h"

const char *const alert_metric_names[] = {
#define ALERT_METRIC(constant, name, unit, text) name,
#include "api/alerts/alert_metric.def"
};
