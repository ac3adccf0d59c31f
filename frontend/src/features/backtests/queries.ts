import { queryOptions } from "@tanstack/react-query";
import { api, fetchApi, unwrap } from "../../api/client";
import type { components } from "../../api/generated";
import type { Run } from "../../api/types";

type Schemas = components["schemas"];
export type RunProgress = Schemas["RunProgress"];
export type RunResult = Schemas["RunResult"];
export type RunComparison = Schemas["RunComparison"];
export type EquityPoint = Schemas["EquityPoint"];

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: async (): Promise<Run> => unwrap(api().GET("/api/backtests/{id}", { params: { path: { id } } })),
    retry: false,
  });

export const progressKey = (id: string) => ["run-progress", id];
export const progressQuery = (id: string) =>
  queryOptions({
    queryKey: progressKey(id),
    queryFn: async (): Promise<RunProgress> => unwrap(api().GET("/api/backtests/{id}/progress", { params: { path: { id } } })),
  });

/** A finished run does not change. */
export const resultQuery = (id: string) =>
  queryOptions({
    queryKey: ["run-result", id],
    queryFn: async () => (await (await fetchApi(`/api/backtests/${encodeURIComponent(id)}/result`)).json()) as RunResult,
    staleTime: Number.POSITIVE_INFINITY,
  });

export const comparisonQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: ["run-comparison", ids],
    queryFn: async () =>
      (await (await fetchApi(`/api/backtests/compare?ids=${encodeURIComponent(ids.join(","))}`)).json()) as RunComparison,
    enabled: ids.length >= 2,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });

/** Equity of a run in few enough points for a chart. */
export const equityQuery = (id: string) =>
  queryOptions({
    queryKey: ["performance", "equity", { run_id: id }],
    queryFn: async () =>
      (
        (await (await fetchApi(`/api/performance/equity?run_id=${encodeURIComponent(id)}`)).json()) as {
          items: EquityPoint[];
        }
      ).items,
    staleTime: Number.POSITIVE_INFINITY,
  });

export type BacktestRequest = Schemas["BacktestRequest"];

export async function startBacktest(body: BacktestRequest): Promise<Run> {
  return unwrap(api().POST("/api/backtests", { body }));
}
