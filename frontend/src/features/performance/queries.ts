import { queryOptions } from "@tanstack/react-query";
import { fetchApi } from "../../api/client";
import type { components } from "../../api/generated";
import type { Trade } from "../../api/types";

type Schemas = components["schemas"];
export type Performance = Schemas["Performance"];
export type BreakdownRow = Schemas["BreakdownRow"];
export type Drawdown = Schemas["Drawdown"];
export type RBin = Schemas["RBin"];
export type EquityPoint = Schemas["EquityPoint"];

/** Which trades: the words of the query that all routes of performance share. Empty ones are left out. */
export interface Scope {
  session_id?: string | undefined;
  run_id?: string | undefined;
  mode?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  symbol?: string | undefined;
  strategy?: string | undefined;
  preset?: string | undefined;
}

function text(scope: Scope, more: Readonly<Record<string, string>> = {}): string {
  const words = Object.entries({ ...scope, ...more }).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "",
  );
  return words.length === 0 ? "" : `?${new URLSearchParams(words).toString()}`;
}

async function get<T>(path: string): Promise<T> {
  return (await (await fetchApi(path)).json()) as T;
}

const REFRESH_MS = 15_000;

function query<T>(name: string, scope: Scope, read: () => Promise<T>) {
  return queryOptions({
    queryKey: ["performance", name, scope],
    queryFn: read,
    // A finished run does not change.
    ...(scope.run_id === undefined ? { refetchInterval: REFRESH_MS } : { staleTime: Number.POSITIVE_INFINITY }),
  });
}

export const metricsQuery = (scope: Scope) =>
  query("metrics", scope, () => get<Performance>(`/api/performance/metrics${text(scope)}`));
export const equityQuery = (scope: Scope) =>
  query("equity", scope, async () => (await get<{ items: EquityPoint[] }>(`/api/performance/equity${text(scope)}`)).items);
export const binsQuery = (scope: Scope) =>
  query(
    "r",
    scope,
    async () => (await get<{ items: RBin[] }>(`/api/performance/r-distribution${text(scope, { bin: "0.25" })}`)).items,
  );
export const breakdownQuery = (scope: Scope, by: string) =>
  query(
    `by-${by}`,
    scope,
    async () => (await get<{ items: BreakdownRow[] }>(`/api/performance/breakdown${text(scope, { by })}`)).items,
  );
export const drawdownsQuery = (scope: Scope) =>
  query(
    "drawdowns",
    scope,
    async () => (await get<{ items: Drawdown[] }>(`/api/performance/drawdowns${text(scope, { limit: "10" })}`)).items,
  );

const TRADES_MAX = 1000;

/** The newest trades of the scope: for charts of single trades. */
export const tradesQuery = (scope: Scope) =>
  query("trades", scope, async () => {
    const { run_id, session_id, mode, from, to, symbol, strategy } = scope;
    const rest: Scope = { session_id, mode, from, to, symbol, strategy };
    const path =
      run_id === undefined
        ? `/api/trading/trades${text(rest, { limit: String(TRADES_MAX) })}`
        : `/api/backtests/${encodeURIComponent(run_id)}/trades${text({}, { limit: String(TRADES_MAX) })}`;
    return (await get<{ items: Trade[] }>(path)).items;
  });

export const exportPath = (path: string, scope: Scope, format: "csv" | "json"): string =>
  `${path}${text(scope, format === "csv" ? { format } : {})}`;
