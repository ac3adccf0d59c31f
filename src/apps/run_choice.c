#include "apps/run_choice.h"

#include <stdio.h>
#include <string.h>

#include "runner/runs.h"

enum {
  CHOICE_BALANCE,
  CHOICE_WALLET,
  CHOICE_FEE_TAKER,
  CHOICE_FEE_MAKER,
  CHOICE_FEE,
  CHOICE_SLIPPAGE,
  CHOICE_IMPACT,
  CHOICE_LATENCY,
  CHOICE_MAX_TRADES,
  CHOICE_SET_KEY,
  CHOICE_AFTER_KILL,
  CHOICE_COUNT
};

static const struct app_option options[CHOICE_COUNT] = {
    [CHOICE_BALANCE] = {"starting-balance", 0, true, "USD", "cash at the start"},
    [CHOICE_WALLET] = {"dry-run-wallet", 0, true, "USD", "same as --starting-balance"},
    [CHOICE_FEE_TAKER] = {"fee-taker", 0, true, "BPS", "taker fee instead of the preset's"},
    [CHOICE_FEE_MAKER] = {"fee-maker", 0, true, "BPS", "maker fee instead of the preset's"},
    [CHOICE_FEE] = {"fee", 0, true, "BPS", "both fees"},
    [CHOICE_SLIPPAGE] = {"slippage", 0, true, "BPS", "fixed slippage where no book is recorded"},
    [CHOICE_IMPACT] = {"impact", 0, true, "BPS", "impact factor where no book is recorded"},
    [CHOICE_LATENCY] = {"latency", 0, true, "MS", "latency of orders where a book or tape is recorded"},
    [CHOICE_MAX_TRADES] = {"max-open-trades", 0, true, "N", "changes risk.max_concurrent_positions"},
    [CHOICE_SET_KEY] = {"set-key", 0, true, "KEY=VALUE", "changes one key of the preset; repeatable"},
    [CHOICE_AFTER_KILL] = {"after-kill", 0, true, "stop", "stop, or next-day: begin again at 00:00 UTC"},
};

void run_choice_init(struct run_choice *choice) {
  *choice = (struct run_choice){0};
  wiring_options_init(&choice->run.wiring);
  choice->run.wiring.set_keys = choice->set_keys;
  choice->run.wiring.feed_name = "file";
  choice->run.wiring.is_backtest = true;
  choice->run.wiring.has_digest = true;
}

static bool take_after_kill(struct run_choice *choice, struct app *app, const char *value) {
  bool is_next_day = strcmp(value, "next-day") == 0;
  choice->run.after_kill = is_next_day ? AFTER_KILL_NEXT_DAY : AFTER_KILL_STOP;
  if (is_next_day || strcmp(value, "stop") == 0) return true;
  problem_add(&app->problem, "bad_parameter", "--after-kill", value, "stop or next-day", "not a way to go on");
  return false;
}

static bool add_set_key(struct run_choice *choice, struct app *app, const char *value) {
  int *count = &choice->run.wiring.set_key_count;
  if (*count == RUN_CHOICE_KEYS_MAX) {
    problem_add(&app->problem, "too_many", "--set-key", value, NULL, "at most %d keys", RUN_CHOICE_KEYS_MAX);
    return false;
  }
  choice->set_keys[(*count)++] = value;
  return true;
}

static bool take_max_trades(struct run_choice *choice, struct app *app, const char *value) {
  int64_t number;
  if (!app_parse_integer(app, "--max-open-trades", value, 1, 1000, &number)) return false;
  snprintf(choice->max_trades, sizeof choice->max_trades, "risk.max_concurrent_positions=%lld", (long long)number);
  return add_set_key(choice, app, choice->max_trades);
}

static bool take_fees(struct run_choice *choice, struct app *app, const char *value) {
  struct wiring_options *wiring = &choice->run.wiring;
  if (!app_parse_number(app, "--fee", value, -100, 100, &wiring->taker_fee_bps)) return false;
  wiring->maker_fee_bps = wiring->taker_fee_bps;
  return true;
}

static bool take(struct run_choice *choice, struct app *app, int option, const char *value) {
  struct wiring_options *wiring = &choice->run.wiring;
  switch (option) {
    case CHOICE_BALANCE:
    case CHOICE_WALLET:
      return app_parse_number(app, "--starting-balance", value, 10, 1e9, &wiring->starting_balance);
    case CHOICE_FEE_TAKER:
      return app_parse_number(app, "--fee-taker", value, -100, 100, &wiring->taker_fee_bps);
    case CHOICE_FEE_MAKER:
      return app_parse_number(app, "--fee-maker", value, -100, 100, &wiring->maker_fee_bps);
    case CHOICE_FEE:
      return take_fees(choice, app, value);
    case CHOICE_SLIPPAGE:
      return app_parse_number(app, "--slippage", value, 0, 200, &wiring->slippage_bps);
    case CHOICE_IMPACT:
      return app_parse_number(app, "--impact", value, 0, 1000, &wiring->impact_bps);
    case CHOICE_LATENCY:
      return app_parse_integer(app, "--latency", value, 0, 10000, &wiring->latency_ms);
    case CHOICE_MAX_TRADES:
      return take_max_trades(choice, app, value);
    case CHOICE_SET_KEY:
      return add_set_key(choice, app, value);
    case CHOICE_AFTER_KILL:
      return take_after_kill(choice, app, value);
    default:
      return false;
  }
}

static int list_options(struct app_option *out, const struct app_option *own, int own_count) {
  struct app_option both[RECORDED_OPTIONS_MAX];
  int count = 0;
  for (int i = 0; i < own_count; i++) both[count++] = own[i];
  for (int i = 0; i < CHOICE_COUNT; i++) both[count++] = options[i];
  return recorded_options(out, both, count);
}

static bool take_shared(struct run_choice *choice, struct recorded *recorded, struct app *app, int option, const char *value) {
  if (option < CHOICE_COUNT) return take(choice, app, option, value);
  struct app_option all[RECORDED_OPTIONS_MAX];
  (void)recorded_options(all, NULL, 0);
  return recorded_take(recorded, app, &all[option - CHOICE_COUNT], value);
}

bool run_choice_take_id(struct app *app, const char *value, const char **out) {
  *out = value;
  if (run_is_id(value)) return true;
  problem_add(&app->problem, "bad_parameter", "--run-id", value, "B and digits", "not the name of a run");
  return false;
}

enum status run_choice_read(struct run_choice *choice, const struct run_choice_reader *reader, struct app *app, int argc, char **argv) {
  struct app_option all[RECORDED_OPTIONS_MAX];
  int count = list_options(all, reader->own, reader->own_count);
  struct app_arguments arguments;
  const char *value;
  int option;
  app_arguments_init(&arguments, argc, argv);
  while ((option = app_next(app, &arguments, all, count, &value)) != APP_DONE) {
    if (option == APP_WRONG) return STATUS_BAD_CONFIG;
    if (option == APP_ARGUMENT) {
      if (*reader->preset != NULL) {
        problem_add(&app->problem, "too_many", value, NULL, "one PRESET; options begin with --", "a second argument means nothing here");
        return STATUS_BAD_CONFIG;
      }
      *reader->preset = value;
      continue;
    }
    int rest = option - reader->own_count;
    bool is_taken = rest < 0 ? reader->take_own(app, reader->context, option, value) : take_shared(choice, reader->recorded, app, rest, value);
    if (!is_taken) return STATUS_BAD_CONFIG;
  }
  return STATUS_OK;
}
