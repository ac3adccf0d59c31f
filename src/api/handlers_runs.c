/* Answers that come with the worker processes. */
#include "api/api_state.h"

static void answer_later(struct call *call) {
  call_fail(call, 503, "not_ready", "this part of the server is not ready");
}

void handle_backtest(struct call *call) {
  answer_later(call);
}

void handle_backtest_cancel(struct call *call) {
  answer_later(call);
}

void handle_backtest_compare(struct call *call) {
  answer_later(call);
}

void handle_backtest_decisions(struct call *call) {
  answer_later(call);
}

void handle_backtest_delete(struct call *call) {
  answer_later(call);
}

void handle_backtest_equity(struct call *call) {
  answer_later(call);
}

void handle_backtest_progress(struct call *call) {
  answer_later(call);
}

void handle_backtest_report(struct call *call) {
  answer_later(call);
}

void handle_backtest_result(struct call *call) {
  answer_later(call);
}

void handle_backtest_start(struct call *call) {
  answer_later(call);
}

void handle_backtest_trades(struct call *call) {
  answer_later(call);
}

void handle_backtests(struct call *call) {
  answer_later(call);
}

void handle_dataset(struct call *call) {
  answer_later(call);
}

void handle_dataset_delete(struct call *call) {
  answer_later(call);
}

void handle_dataset_download(struct call *call) {
  answer_later(call);
}

void handle_dataset_import(struct call *call) {
  answer_later(call);
}

void handle_dataset_quality(struct call *call) {
  answer_later(call);
}

void handle_datasets(struct call *call) {
  answer_later(call);
}
