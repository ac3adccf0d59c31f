import type { components } from "./generated";

/** The objects of the API by their names. The document calls every text of a record nullable; those that identify a record are always there. */
type Schemas = components["schemas"];
type Solid<T, Key extends keyof T> = Omit<T, Key> & { [K in Key]: NonNullable<T[K]> };

type Latch = Schemas["Latch"];
export type EngineStatus = Omit<Solid<Schemas["EngineStatus"], "state" | "session_state" | "ts">, "latch"> & {
  latch?: Latch | null;
};
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

export type Operation = Schemas["Operation"];
export type Transition = Schemas["FeedTransition"];
export type Alert = Schemas["Alert"];
export type Preset = Schemas["PresetSummary"];
