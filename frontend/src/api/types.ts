import type { components } from "./generated";

/** The objects of the API by their names. The document calls every text of a record nullable; those that identify a record are always there. */
type Schemas = components["schemas"];
type Solid<T, Key extends keyof T> = Omit<T, Key> & { [K in Key]: NonNullable<T[K]> };

export type Latch = Schemas["Latch"];
export type EngineStatus = Omit<Solid<Schemas["EngineStatus"], "state" | "session_state" | "ts">, "latch"> & {
  latch?: Latch | null;
};
export type CommandReply = Solid<Schemas["CommandReply"], "command" | "status">;
export type Position = Solid<
  Schemas["Position"],
  "position_id" | "symbol" | "side" | "state" | "strategy" | "stop_rule" | "management" | "opened_at"
>;
export type Order = Solid<Schemas["Order"], "client_order_id" | "symbol" | "side" | "type" | "purpose" | "state" | "created_at">;
export type Fill = Solid<Schemas["Fill"], "symbol" | "side" | "ts">;
export type Trade = Solid<
  Schemas["Trade"],
  "trade_id" | "symbol" | "side" | "strategy" | "exit_reason" | "opened_at" | "closed_at"
>;
export type RiskSummary = Schemas["RiskSummary"];
export type Reason = Schemas["Reason"];
export type Decision = Solid<Schemas["Decision"], "decision_id" | "ts" | "symbol" | "stage" | "verdict" | "code">;
export type Level = Solid<Schemas["Level"], "level_id" | "symbol" | "level_type" | "state">;
export type ScanResult = Solid<Schemas["ScanResult"], "symbol">;
export type ScanSnapshot = Omit<Schemas["ScanSnapshot"], "items"> & { items: ScanResult[] };
export type Candidate = Omit<Solid<Schemas["Candidate"], "candidate_id" | "symbol" | "state">, "levels"> & { levels: Level[] };
export type Session = Solid<Schemas["Session"], "session_id">;
export type EquityPoint = Schemas["EquityPoint"];
export type Account = Schemas["Account"];
export type Run = Schemas["Run"];
export type Health = Schemas["Health"];

/* Messages of the feed without a schema of their own. */
export interface Transition {
  seq: number;
  ts: number;
  from: string;
  to: string;
  reason: string;
  machine: string;
  id: string;
}
export interface PriceTick {
  symbol: string;
  price: number;
  bid: number | null;
  ask: number | null;
  mark: number | null;
  change_24h_pct: number | null;
  ts: number;
  /** Wall clock of arrival, ms. */
  receivedAt: number;
}
export interface Alert {
  alert_id: string;
  name: string;
  severity: "info" | "warning" | "critical";
  state: "firing" | "acknowledged" | "resolved";
  subject: string;
  message: string;
  value: number | null;
  threshold: number | null;
  since_at: number;
  resolved_at: number | null;
  acked_by: string | null;
  runbook: string;
  count: number;
}
export interface KillSwitch {
  cause: string;
  reason: string;
  value: number | null;
  threshold: number | null;
  source: string;
  latched: boolean;
  ts: number;
}
export interface LogLine {
  id: string;
  ts: number;
  level: string;
  component: string;
  message: string;
  [field: string]: unknown;
}
export type Preset = Schemas["PresetSummary"];
