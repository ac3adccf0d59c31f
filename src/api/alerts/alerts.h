/* Alerts: those of the engine, as its records tell them, and those of rules that users made (api 2.2, 3.12). Who has seen an alert, and the rules,
 * are rows of the database. Rules are looked at once a second; their times are event time. */
#ifndef API_ALERTS_ALERTS_H
#define API_ALERTS_ALERTS_H

#include "api/alerts/alert_metric.h"
#include "api/api_state.h"

enum { ALERTS_KEPT = 500, ALERT_RULES_MAX = 64, ALERT_WATCHES_MAX = 256, ALERT_NOTE_BYTES = 201 };

/* An alert as the API shows it. */
struct alert_view {
  char alert_id[24], name[32], subject[48], message[160], acked_by[48], note[ALERT_NOTE_BYTES];
  enum severity severity;
  enum alert_state state;
  double value, threshold; /* NaN: none */
  int64_t since_at, resolved_at;
  int32_t count;
  bool wants_ack_stored; /* the row was not there yet */
  bool is_posted;        /* the webhook was told that it fires: it will be told the end */
};

enum alert_comparator { ALERT_ABOVE, ALERT_AT_LEAST, ALERT_BELOW, ALERT_AT_MOST, ALERT_EQUAL, ALERT_CHANGES, alert_comparator_count };
extern const char *const alert_comparator_names[];

struct alert_rule {
  char rule_id[24], name[32];
  enum alert_metric metric;
  enum alert_comparator comparator;
  double threshold; /* NaN with ALERT_CHANGES */
  int32_t for_s, cooldown_s;
  enum severity severity;
  int32_t quiet_from, quiet_to; /* minutes of the day UTC; equal: none */
  bool is_enabled, has_webhook; /* the channel ui is always on */
};

/* A condition of the engine's own; cannot be changed. */
struct built_in_alert {
  const char *name;
  enum severity severity;
  const char *metric, *comparator, *runbook;
  double threshold; /* NaN: the condition is no comparison */
};
extern const struct built_in_alert built_in_alerts[];
extern const int built_in_alert_count;

/* A rule and what it looks at: the account, or one position. */
struct alert_watch {
  char rule_id[24], subject[48];
  int64_t since_at; /* the condition holds since; 0 not */
  int64_t ended_at; /* the alert was resolved last; 0 never */
  char alert_id[24];
  double value; /* newest; NaN none */
  bool is_used, was_seen;
};

struct alerts {
  struct alert_view items[ALERTS_KEPT]; /* ring */
  int32_t count, next;
  struct alert_rule rules[ALERT_RULES_MAX];
  int32_t rule_count;
  struct alert_watch watches[ALERT_WATCHES_MAX];
  int64_t newest_alert, newest_rule; /* numbers of ids */
  int64_t turned_ns, errors_seen[60], errors_at;
  bool is_loaded;
};

NODISCARD enum status alerts_open(struct api *api);
void alerts_close(struct api *api);
void alerts_on_record(struct api *api, enum record_kind kind, const void *object);
/* After every turn of the loop: once a second the rules. */
void alerts_turn(struct api *api);

/* newest first; NULL behind the last */
const struct alert_view *alerts_get(const struct alerts *alerts, int32_t i);
struct alert_view *alerts_find(struct alerts *alerts, const char *alert_id);
/* A new alert of a rule; *view is what was kept. */
struct alert_view *alerts_raise(struct api *api, const struct alert_rule *rule, const char *subject, const char *message, double value, int64_t ts);
void alerts_resolve(struct api *api, struct alert_view *view, int64_t ts);
/* Tells the live feed. */
void alerts_publish(struct api *api, const struct alert_view *view);

/* notice.c: tells the webhook, when there is one, that an alert fires, has ended, or is a test. */
enum alert_notice { NOTICE_FIRING, NOTICE_RESOLVED, NOTICE_TEST };
void alerts_post(struct api *api, enum alert_notice notice, struct alert_view *view);
/* What came of the posts: one that could not be delivered is an alert itself. Once a second. */
void alert_notices_turn(struct api *api);
/* Stores who has seen it; what the database does not have yet is tried again. */
void alerts_store_ack(struct api *api, struct alert_view *view);
void alerts_view_of_engine(const struct api *api, const struct alert *alert, struct alert_view *out);
const char *alert_runbook(const char *name);

/* rule_body.c: fills the rule from JSON; rule_id and the default of cooldown_s are the caller's. */
bool alert_rule_read(const struct json *body, struct alert_rule *rule, struct problem *problem);

/* rules.c */
struct alert_rule *alert_rule_find(struct alerts *alerts, const char *rule_id);
/* NaN: not known. position: NULL for metrics of the account. */
double alert_metric_read(struct api *api, enum alert_metric metric, const struct position *position);
bool alert_metric_is_measured(enum alert_metric metric);
void alert_rules_turn(struct api *api);
void alert_rules_on_trade(struct api *api, const struct trade *trade);
/* Resolves what a rule that changes or goes has raised. */
void alert_rule_forget(struct api *api, const char *rule_id);
NODISCARD enum status alert_rules_load(struct api *api, struct problem *problem);
NODISCARD enum status alert_rule_store(struct api *api, const struct alert_rule *rule, bool is_new, const char *user, struct problem *problem);
NODISCARD enum status alert_rule_remove(struct api *api, const char *rule_id, struct problem *problem);

/* Members of Alert and AlertRule, as an object. */
void write_alert_view(const struct api *api, const char *key, const struct alert_view *view, struct json_writer *writer);
void write_alert_rule(const char *key, const struct alert_rule *rule, struct json_writer *writer);

#endif
