/* The engine's own state and the functions that its files share. Nothing outside src/engine includes this. */
#ifndef ENGINE_ENGINE_STATE_H
#define ENGINE_ENGINE_STATE_H

#include "core/strategy/breakout.h"
#include "core/strategy/entry_check.h"
#include "core/strategy/market_filter.h"
#include "core/strategy/scanner.h"
#include "core/strategy/score.h"
#include "core/strategy/sizing.h"
#include "core/trade/exit_rules.h"
#include "core/trade/targets.h"
#include "engine/engine.h"
#include "engine/view.h"

enum {
  ENGINE_ORDERS_MAX = 512,
  ENGINE_PLANS_MAX = 24,
  ENGINE_HOLDINGS_MAX = 16,
  RECONCILE_POSITIONS_MAX = 64, /* of a whole account; more than holdings and plans together */
  ENGINE_SIGNALS_MAX = 50,      /* pending signals (strategy 8.3) */
  ENGINE_OPERATIONS_MAX = 64,
  ENGINE_ALERTS_MAX = 64,
  ENGINE_VENUE_ORDERS_MAX = 256,
  ENGINE_COMMANDS_MAX = 8,
  ENGINE_FILL_IDS_MAX = 1024, /* newest venue fill ids, so that a fill is applied once */
};

/* Timers of the text, in ms. */
#define RISK_INTERVAL_MS INT64_C(100)
#define ACKNOWLEDGE_TIMEOUT_MS INT64_C(3000)
#define UNPROTECTED_ALARM_MS INT64_C(2000)
#define UNPROTECTED_CLOSE_MS INT64_C(5000)
#define STARTING_TIMEOUT_MS INT64_C(180000)
#define SIGNAL_LIFE_MS (15 * INT64_C(60000))
#define BATCH_WAIT_MS INT64_C(3000)
#define FLATTEN_ALARM_MS INT64_C(30000)
#define UNKNOWN_ALARM_MS INT64_C(30000)
#define UNKNOWN_ERROR_MS INT64_C(300000)
#define CANCEL_AGAIN_MS INT64_C(1000)
#define UNLISTED_MS INT64_C(120000)      /* a list that does not show a position is believed after this long */
#define DOUBT_INTERVAL_MS INT64_C(10000) /* between reconciliations while one is doubted */
#define REQUEST_LIFE_MS INT64_C(5000)    /* a request may act this long after it was sent */
#define STOP_REST_MS INT64_C(1000)       /* a stop that the venue cancels sooner is not replaced before the next tick */
#define TAKEN_MS INT64_C(120000)         /* the same quantity taken by force again within this time is the same news */
#define REFUSED_MS INT64_C(1000)         /* between reconciliations because a stop is refused for want of a position */
#define AMEND_TIMEOUT_MS INT64_C(3000)
#define RECONCILE_TIMEOUT_MS INT64_C(10000)

struct engine_symbol {
  struct market market;
  struct level_set levels;
  struct density density;
  struct activity activity;
  struct candidate candidate;
  struct decision decisions[stage_count]; /* newest of each stage; decision_id 0: none */
  bool is_known, is_whitelisted, is_blacklisted, is_deep;
  bool is_foreign;             /* a foreign position blocks entries */
  int64_t foreign_qty;         /* signed sum of what others traded since our position and the venue's were last seen to agree */
  struct fill early_close;     /* what an order of ours closed beyond all that we knew to be open: its opening may be told later; qty 0 none */
  int64_t taken_qty, taken_at; /* newest closing without an order of ours: told by the venue, or seen in its list; at 0 none */
  bool was_delisting_closed;
  int32_t scans_outside;                 /* scans in a row outside the deep limit */
  int32_t holding;                       /* index, -1 none */
  int32_t plan;                          /* open entry or add-on plan, -1 none */
  int64_t cools_until;                   /* cooldown: blocked until a 5m candle closes at or after this */
  int64_t sized_at[position_side_count]; /* last signal that reached sizing */
  int64_t sized_entry[position_side_count];
  int64_t inserted_5m;              /* market.inserted_5m when the levels were folded last */
  int64_t fill_event;               /* count of events at the newest fill of an order of ours */
  int64_t density_at, leverage_set; /* leverage in 1e-8 known to be in force */
};

/* A position with the orders and the exit that the engine works for it. */
struct holding {
  bool is_used, is_channel;
  bool is_leftover; /* opened by a fill that came after its position was closed: to be closed */
  struct position position;
  int64_t channel_target;
  char stop_order[ORDER_ID_MAX]; /* live or being placed; "" none */
  int32_t stop_attempts;
  bool stop_is_changing;   /* an amend is on its way */
  int64_t stop_changed_at; /* when it was sent */
  int32_t target_attempts[POSITION_TARGETS_MAX];
  uint32_t targets_withdrawn;                      /* bits of rungs cancelled by an operator */
  uint32_t targets_wanted;                         /* bits of rungs set by an operator: kept at the venue as they are, under guard too */
  int64_t target_changed_at[POSITION_TARGETS_MAX]; /* a change of the rung's order was sent then and is not answered; 0 none */
  bool ladder_refused;                             /* the venue refused a change of the ladder set last */
  bool is_adopted;                                 /* was not ours: guarded, never managed by rules */
  int64_t unlisted_since;                          /* the venue's list has not shown the position since then, 0 it does */
  bool exit_active;
  enum urgency exit_urgency;
  enum reason_code exit_reason;
  enum order_purpose exit_purpose;
  char exit_detail[48];
  char exit_order[ORDER_ID_MAX]; /* live exit order, "" none */
  int32_t exit_attempts, exit_children;
  int64_t exit_sent_at, exit_started_at;
  int64_t exit_qty_left; /* of a partial manual close; 0: everything */
  bool is_partial_close;
  int64_t beyond_since; /* price beyond the stop (stop watch), 0 not */
  int64_t rules_at;     /* price rules ran last */
};

/* How far what a command promised has come true. */
enum outcome { OUTCOME_OPEN, OUTCOME_DONE, OUTCOME_FAILED };

struct operation {
  int64_t id;
  enum command command;
  int64_t position_id;         /* that it is about; of close_all: the newest when it came */
  char order_id[ORDER_ID_MAX]; /* that it is about */
  int32_t scope;               /* enum close_side or cancel_scope */
  struct command_reply reply;
  bool is_open;
};

struct pending_signal {
  struct signal signal;
  int32_t symbol;
  int64_t channel_target;
  int64_t boundary;
};

/* Reconciliation at work (execution 7). */
struct reconcile {
  bool is_active;
  bool is_outdated;   /* fills came in while the venue answered: compared again with fresh answers */
  bool is_listed_new; /* positions are of this reconciliation; until the first answer those of the one before are kept for who looks on */
  char cause[24];
  int64_t started_at, finished_at;
  int64_t start_event, start_fills; /* counts of events and fills when it began */
  int64_t foreign_fill_at;          /* newest fill of somebody else's order, 0 never */
  int64_t balance_moved_at;         /* newest change of the balance that nothing of ours explained, 0 never */
  int64_t venue_cash;               /* a balance that differs, DECIMAL_NULL none: booked when the positions have been compared */
  int64_t known_cash;               /* of the ledger when that came */
  uint32_t waiting;                 /* bits of enum query_kind */
  int32_t fills_applied;
  int32_t position_count, order_count;
  struct venue_position positions[RECONCILE_POSITIONS_MAX];
  struct venue_order orders[ENGINE_VENUE_ORDERS_MAX];
};

struct engine {
  uint64_t layout;
  size_t image_size; /* from the engine's first block to its last */
  struct engine_limits limits;
  struct engine_config config;
  struct engine_counters counters;
  struct engine_counts counts;

  const struct engine_sink *sink; /* of the step at hand */
  int64_t now;
  uint32_t capabilities; /* union over the symbols */

  struct preset preset;
  char preset_hash[65];
  bool has_preset;
  struct exit_settings exits;
  double fee_taker, fee_maker;             /* fractions in force */
  double venue_taker_bps, venue_maker_bps; /* NaN unknown */

  /* session */
  struct session_record session;
  enum session_state resume_state; /* state to return to after starting; STARTING: running */
  bool is_guarded_start;           /* restart: kept positions are managed as guard until ready */
  int64_t starting_at;
  enum engine_word word, previous_word;
  int64_t word_since;
  bool is_scanning, is_leveling, is_sizing, is_returning; /* inside a step, for the derived word */
  bool storage_is_down;
  int64_t storage_down_since;
  bool venue_is_down;
  int64_t venue_down_since, venue_heard_at, clock_offset_ms;
  bool feed_is_down;
  bool account_is_known;
  int64_t account_at;
  bool flatten_reported;
  int64_t flatten_started_at;
  enum reason_code flatten_reason;
  bool whole_account;

  /* symbols, by index; order is the permutation in ascending printed spelling */
  struct engine_symbol *symbols;
  int32_t *order;
  int32_t symbol_count;
  int32_t reference; /* -1 none */

  struct ledger ledger;
  bool has_ledger;
  struct risk_state risk;
  int64_t risk_at;           /* the limits were evaluated */
  struct ledger risk_ledger; /* what they saw then */
  double cumulative_r;
  int64_t marked_at;

  struct order orders[ENGINE_ORDERS_MAX];
  int32_t order_count;                          /* used places; ended ones are recycled, oldest first */
  int32_t order_sequence[ENGINE_ORDERS_MAX];    /* places in order of creation */
  uint64_t order_lives[ENGINE_ORDERS_MAX / 64]; /* a bit for each place with an order that has not ended */
  int32_t live_orders;
  uint64_t fill_ids[ENGINE_FILL_IDS_MAX]; /* hashes, ring */
  int64_t fill_id_count, last_fill_at;
  int64_t fills_complete_at;    /* all fills of before are known: the venue was asked */
  int64_t fills_complete_count; /* fill_id_count then */
  struct plan plans[ENGINE_PLANS_MAX];
  int32_t open_plans;
  struct holding holdings[ENGINE_HOLDINGS_MAX];
  int32_t open_holdings;

  int32_t candidates_in[candidate_state_count]; /* how many candidates stand in each state */
  struct pending_signal signals[ENGINE_SIGNALS_MAX];
  int32_t signal_count;

  struct event_command queued[ENGINE_COMMANDS_MAX]; /* issued by the engine inside this step */
  int32_t queued_count;
  struct operation operations[ENGINE_OPERATIONS_MAX];
  int32_t open_operations;
  struct reconcile reconcile;
  int64_t reconciled_at;
  struct alert alerts[ENGINE_ALERTS_MAX];
  int32_t alert_count;

  /* scan */
  struct scan_record last_scan;
  struct scan_row *rows;           /* limits.symbols */
  struct scan_result *results;     /* limits.symbols, in order of rank */
  struct reason_list *row_reasons; /* limits.symbols */
  struct score *row_scores;        /* limits.symbols */
  int32_t *scratch;                /* 2 * limits.symbols */
  int32_t result_count;
  int64_t last_scan_at;
  int64_t follow_up_scan_at; /* 0 none */
  bool scan_requested;
  int64_t scan_requested_at;

  /* scratch of one step */
  struct market_view view;
  struct setup setup;
  struct level_events level_events;
  struct wall_event wall_events[DENSITY_EVENTS_MAX];
  struct decision decision;
  struct intent intent;
};

/* engine.c: emission */
void engine_emit_record(struct engine *engine, enum record_kind kind, const void *object);
void engine_emit_intent(struct engine *engine, const struct intent *intent);
void engine_at_phase(struct engine *engine, enum engine_phase phase);
void engine_emit_transition(struct engine *engine, enum machine machine, const char *id, const char *from, const char *to, const char *trigger,
                            const char *reason, int64_t trace_ts);
/* Asks the table; -1 is counted as illegal and alerted. */
int engine_next_state(struct engine *engine, const struct fsm *fsm, const char *id, int state, int trigger);
/* Emits a decision of the reasons and keeps it as the newest of its stage. symbol < 0: no symbol. */
void engine_decide(struct engine *engine, int32_t symbol, enum stage stage, enum verdict verdict, enum reason_code code, const struct signal *signal,
                   int64_t scan_id, int64_t candle_ts, int64_t trace_ts, const struct reason_list *reasons);
void engine_update_word(struct engine *engine);
bool engine_is_latched(const struct engine *engine);
bool engine_manages_fully(const struct engine *engine);
/* Loads engine->view and engine->setup for a symbol at now. */
void engine_read_setup(struct engine *engine, int32_t symbol);
/* Equity, limits and the minute record after anything that moves money or marks. */
void engine_mark(struct engine *engine, bool emit_equity);
bool engine_has_capability(const struct engine *engine, int32_t symbol, uint32_t capability);

/* Takes every block from the arena in a fixed order and sets the pointers; writes nothing else, so it serves a fresh engine and a loaded image alike.
 */
struct engine *engine_bind(struct arena *arena, const struct engine_limits *limits);
/* Tells builds apart whose state differs. */
uint64_t engine_layout_id(const struct engine_limits *limits);

/* alert.c */
void engine_raise(struct engine *engine, const char *name, enum severity severity, const char *subject, double value, double threshold,
                  const char *message);
void engine_clear(struct engine *engine, const char *name, const char *subject);

/* session_control.c: commands and the life of the session */
void session_on_command(struct engine *engine, const struct event_command *command);
void session_on_preset(struct engine *engine, const struct event *event);
void session_on_tick(struct engine *engine);
/* Levels from the kept candles again, after a late candle, a correction or other level rules. */
void session_refold_levels(struct engine *engine, int32_t symbol);
/* After every event: do pending operations and states have what they waited for. */
void session_settle(struct engine *engine);
void session_move(struct engine *engine, enum session_trigger trigger, const char *reason);
/* A restarted process takes up an active session: back to starting. */
void session_restart(struct engine *engine, const char *cause);
/* Of a running session: no entries until somebody resumes it. */
void session_pause(struct engine *engine, const char *reason);
void session_fatal(struct engine *engine, const char *reason);
/* The session closes everything, or has done so: what fills late is closed too. */
bool session_is_flattened(const struct engine *engine);
void session_queue_kill(struct engine *engine, enum risk_cause cause);

/* phase_scan.c */
void scan_on_tick(struct engine *engine);
void candidate_move(struct engine *engine, int32_t symbol, enum candidate_trigger trigger, const char *reason);
void candidate_end_all(struct engine *engine, const char *reason);

/* phase_watch.c: signals */
void watch_on_candle(struct engine *engine, int32_t symbol, uint32_t closed);
/* Sizes the collected signals when their boundary is complete. */
void watch_release(struct engine *engine);
void watch_end_signal(struct engine *engine, struct signal *signal, enum signal_outcome outcome);

/* phase_enter.c: plans */
void enter_signal(struct engine *engine, struct pending_signal *pending);
void enter_advance(struct engine *engine, struct plan *plan);
void enter_advance_all(struct engine *engine);
void enter_stop_all(struct engine *engine, enum plan_end reason);
bool enter_open_add_on(struct engine *engine, struct holding *holding, int64_t qty);
struct plan *enter_find_plan(struct engine *engine, int64_t plan_id);
int32_t enter_slots_used(const struct engine *engine);
int64_t enter_margin_used(const struct engine *engine);
/* The position that a fill of the plan belongs to; opened when there is none yet, or when it was closed before a late fill arrived. 0: none. */
int64_t enter_position_of(struct engine *engine, struct plan *plan);
void enter_on_fill(struct engine *engine, struct order *order, const struct fill *fill);
void enter_on_order_end(struct engine *engine, struct order *order, bool is_post_only_reject);

/* opening.c: how a position begins */
/* NULL when there is no room or the symbol has a position. */
struct holding *manage_open(struct engine *engine, struct plan *plan);
/* Takes over a position of the venue that is not ours; NULL when there is no room. */
struct holding *manage_adopt(struct engine *engine, const struct venue_position *venue, int64_t stop);

/* protection.c: what rests at the venue for a position */
/* Makes the resting stop fit the position: places, amends, closes when it must. */
void manage_sync_stop(struct engine *engine, struct holding *holding);
void manage_move_stop(struct engine *engine, struct holding *holding, int64_t stop, enum stop_rule rule);
/* Starts or ends the time without a confirmed stop, which counts for the position and for the account. */
void manage_set_protection(struct engine *engine, struct holding *holding, bool is_protected);
void manage_on_entry_complete(struct engine *engine, struct holding *holding, struct plan *plan);
/* Rungs that wait and may be placed now get their orders: of an entry that completed under guard, set by an operator, or missing at the venue. */
void manage_place_targets(struct engine *engine, struct holding *holding);
void manage_cancel_targets(struct engine *engine, struct holding *holding);
struct placement_input manage_placement(struct engine *engine, const struct holding *holding);

/* closing.c: how a position is closed */
void manage_on_fill(struct engine *engine, struct order *order, const struct fill *fill, bool path_dependent);
/* After an entry fill: what closed it before it was told to be open. True when nothing is left and the position is over. */
bool manage_take_early(struct engine *engine, struct holding *holding);
void manage_close(struct engine *engine, struct holding *holding, enum urgency urgency, enum reason_code reason, enum order_purpose purpose,
                  const char *detail);
void manage_close_share(struct engine *engine, struct holding *holding, double fraction, bool is_immediate);
/* In order of notional, largest first (positions 7). */
void manage_close_all(struct engine *engine, enum reason_code reason, const char *detail);
/* One attempt ended without closing the position: the next is one step more urgent, after enough of them at market. */
void manage_next_exit(struct engine *engine, struct holding *holding);
/* No further entry for a position that is being closed. */
void manage_stop_entry(struct engine *engine, const struct holding *holding);
void manage_finish(struct engine *engine, struct holding *holding);
void manage_end_of_data(struct engine *engine);

/* phase_manage.c: positions as candles, time and the ends of their orders pass */
void manage_on_candle(struct engine *engine, int32_t symbol, uint32_t closed, const struct candle *candle);
void manage_on_tick(struct engine *engine);
void manage_on_order_end(struct engine *engine, struct order *order, enum reject_kind kind);
void manage_on_order_change(struct engine *engine, struct order *order, bool is_amended);
/* The venue did not change an order, or never said that it did. */
void manage_on_amend_refused(struct engine *engine, struct order *order, enum reject_kind kind);
void manage_on_funding(struct engine *engine, int32_t symbol, int64_t amount_usd);
/* An operator took a target away: it is not placed again. */
void manage_withdraw_target(struct engine *engine, const struct order *order);
struct holding *manage_find(struct engine *engine, int64_t position_id);
void manage_move(struct engine *engine, struct holding *holding, enum position_trigger trigger, const char *reason);
void manage_emit(struct engine *engine, struct holding *holding);
/* By all rules, or only guarded: stop, targets and exits of operators. */
bool manage_is_full(const struct engine *engine, const struct holding *holding);
const struct instrument *manage_instrument(const struct engine *engine, const struct holding *holding);
/* "P00000012" */
void manage_id_text(const struct position *position, char out[16]);

/* ladder.c: targets set by an operator */
uint32_t ladder_busy(struct engine *engine, const struct holding *holding); /* bits of rungs with an order that has not ended */
void ladder_set(struct engine *engine, struct holding *holding, const struct target_plan *plan);
void ladder_sync(struct engine *engine, struct holding *holding);
/* Gives a rung up: it is not placed again. */
void ladder_withdraw(struct engine *engine, struct holding *holding, int32_t rung);
void ladder_on_order_change(struct engine *engine, struct holding *holding, const struct order *order, bool is_amended);
void ladder_on_amend_refused(struct holding *holding, const struct order *order, enum reject_kind kind);
enum outcome ladder_outcome(struct engine *engine, const struct holding *holding);

/* operation.c: commands under way */
struct operation *operation_open(struct engine *engine, const struct event_command *command);
void operation_reply(struct engine *engine, struct command_reply *reply, enum command_status status, const char *code, const char *message);
void operation_fail(struct engine *engine, struct operation *operation, const char *code, const char *message);
/* Ends it when what it promised has come true, or can no longer. */
void operation_settle(struct engine *engine, struct operation *operation);
bool operation_has_live_entry(const struct engine *engine);
bool operation_is_flat(const struct engine *engine);

/* trade_command.c: commands about positions, orders and money. True when the command is one of them. */
bool trade_command_act(struct engine *engine, struct operation *operation, const struct event_command *command);

/* order_book_keeping: orders.c */
/* A new order in state planned; ids and times filled in. NULL when every place holds a live order. */
struct order *orders_new(struct engine *engine, int32_t symbol, int64_t plan_id, enum order_leg leg, int32_t child, int32_t attempt);
void orders_send(struct engine *engine, struct order *order);
void orders_cancel(struct engine *engine, struct order *order);
void orders_amend(struct engine *engine, struct order *order, int64_t qty, int64_t price, int64_t trigger_price);
struct order *orders_find(struct engine *engine, const char *client_order_id);
/* The order of a fill that our books do not have, when its id and the position of the symbol say that it closes that; else NULL. */
struct order *orders_take_lost(struct engine *engine, const struct event_fill *event);
/* Such an order: its size is not known. */
bool orders_is_lost(const struct order *order);
/* The first order at or after a place that has not ended, -1 none. Few of the places hold one, and every tick asks for them. */
int32_t orders_next(const struct engine *engine, int32_t place);
void orders_move(struct engine *engine, struct order *order, enum order_trigger trigger, const char *reason);
void orders_on_ack(struct engine *engine, const struct event_order_ack *ack);
void orders_on_reject(struct engine *engine, const struct event_order_reject *reject);
void orders_on_update(struct engine *engine, const struct event_order_update *update);
void orders_on_fill(struct engine *engine, const struct event_fill *fill);
void orders_on_query(struct engine *engine, const struct event_query_result *result);
void orders_on_tick(struct engine *engine);
void orders_emit(struct engine *engine, struct order *order);
/* Routes the end of an order to its plan or position. */
void orders_ended(struct engine *engine, struct order *order, enum reject_kind kind);

/* reconcile.c */
/* Has the pause since the last one passed? A shorter one while a position is in doubt. */
bool reconcile_is_due(const struct engine *engine);
void reconcile_begin(struct engine *engine, const char *cause);
/* As reconcile_begin; one under way is not enough and is followed by another. */
void reconcile_also(struct engine *engine, const char *cause);
/* Asks everything anew, for the same cause; what was answered so far does not count. */
void reconcile_again(struct engine *engine);
void reconcile_on_query(struct engine *engine, const struct event_query_result *result);
void reconcile_on_positions(struct engine *engine, const struct event_venue_positions *positions);
void reconcile_on_account(struct engine *engine, const struct event_account *account);
void reconcile_on_recovery(struct engine *engine, const struct event_recovery *recovery);

#endif
