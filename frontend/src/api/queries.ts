import { queryOptions } from "@tanstack/react-query";
import { api, fetchApi, unwrap } from "./client";
import { setSteps } from "../domain/format";
import { keys } from "./keys";
import type {
  Account,
  Alert,
  Candidate,
  Decision,
  EngineStatus,
  Health,
  Order,
  Position,
  Preset,
  RiskSummary,
  Run,
  ScanSnapshot,
  Session,
} from "./types";

/** The queries that more than one page shares. Rows under `keys` are loaded once and kept fresh by the feed; the others are as old as their load. */

const LIVE = { staleTime: Number.POSITIVE_INFINITY, gcTime: Number.POSITIVE_INFINITY } as const;

async function rows<T>(reply: Promise<{ items?: readonly unknown[] }>): Promise<T[]> {
  return ((await reply).items ?? []) as T[];
}

export const engineQuery = queryOptions({
  queryKey: keys.engine,
  queryFn: async () => (await unwrap(api().GET("/api/engine/status"))) as EngineStatus,
  ...LIVE,
});

export const positionsQuery = queryOptions({
  queryKey: keys.positions,
  queryFn: () => rows<Position>(unwrap(api().GET("/api/trading/positions"))),
  ...LIVE,
});

/** Open orders. */
export const ordersQuery = queryOptions({
  queryKey: keys.orders,
  queryFn: () => rows<Order>(unwrap(api().GET("/api/trading/orders", { params: { query: { state: "open" } } }))),
  ...LIVE,
});

export const riskQuery = queryOptions({
  queryKey: keys.risk,
  queryFn: async (): Promise<RiskSummary> => unwrap(api().GET("/api/risk")),
  ...LIVE,
});

/** The last scan; null before the first one (204). */
export const scanQuery = queryOptions({
  queryKey: keys.scan,
  queryFn: async () => ((await unwrap(api().GET("/api/scanner/last"))) as ScanSnapshot | undefined) ?? null,
  ...LIVE,
});

export const candidatesQuery = queryOptions({
  queryKey: keys.candidates,
  queryFn: () => rows<Candidate>(unwrap(api().GET("/api/scanner/candidates"))),
  ...LIVE,
});

/** The newest decisions, then those that the feed brings. */
export const decisionsFeedQuery = queryOptions({
  queryKey: keys.decisions,
  queryFn: () => rows<Decision>(unwrap(api().GET("/api/decisions", { params: { query: { limit: 100 } } }))),
  ...LIVE,
});

export const accountQuery = queryOptions({
  queryKey: ["account"],
  queryFn: async (): Promise<Account> => unwrap(api().GET("/api/account")),
  refetchInterval: 10_000,
});

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: () => rows<Session>(unwrap(api().GET("/api/monitoring/sessions"))),
});

/** Health answers 503 with the same body unless all is well. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: async () => (await (await fetchApi("/api/health", { acceptsStatus: [503] })).json()) as Health,
  refetchInterval: 10_000,
});

/** Firing and acknowledged alerts, then what the feed brings. */
export const alertsQuery = queryOptions({
  queryKey: keys.alerts,
  queryFn: () => rows<Alert>(unwrap(api().GET("/api/alerts", { params: { query: { limit: 200 } } }))),
  ...LIVE,
});

/** Steps of prices and quantities; the venue changes them rarely. */
export const instrumentsQuery = queryOptions({
  queryKey: ["instruments"],
  queryFn: async () => {
    const { items } = await unwrap(api().GET("/api/instruments"));
    setSteps(items);
    return items;
  },
  staleTime: 600_000,
});

export const presetsQuery = queryOptions({
  queryKey: ["presets"],
  queryFn: () => rows<Preset>(unwrap(api().GET("/api/presets"))),
  staleTime: 60_000,
});

/** Backtests, newest first. */
export const runsQuery = queryOptions({
  queryKey: keys.runs,
  queryFn: () => rows<Run>(unwrap(api().GET("/api/backtests"))),
  ...LIVE,
});
