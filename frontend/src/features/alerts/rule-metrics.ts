import type { AlertRuleRequest } from "./queries";

/** The fields that a rule may watch; the type check compares them with those of the API. */
export const ruleMetrics = [
  "equity_usd",
  "day_pnl_usd",
  "day_loss",
  "drawdown",
  "daily_r",
  "consecutive_losses",
  "open_positions",
  "open_risk_usd",
  "unprotected_seconds",
  "position.pnl_r",
  "position.pnl_usd",
  "position.hold_minutes",
  "trade.pnl_r",
  "trade.pnl_usd",
  "candidates",
  "signals_per_hour",
  "scan_duration_ms",
  "feed_lag_ms",
  "venue_latency_ms",
  "state",
  "cpu_percent",
  "memory_percent",
  "disk_percent",
  "errors_per_minute",
] as const satisfies readonly AlertRuleRequest["metric"][];
