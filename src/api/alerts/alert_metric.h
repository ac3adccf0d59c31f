/* What a rule of an alert may watch. */
#ifndef API_ALERTS_ALERT_METRIC_H
#define API_ALERTS_ALERT_METRIC_H

enum alert_metric {
#define ALERT_METRIC(constant, name, unit, text) ALERT_METRIC_##constant,
#include "api/alerts/alert_metric.def"
  alert_metric_count
};
extern const char *const alert_metric_names[];

#endif
