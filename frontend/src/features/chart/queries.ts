import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import type { components } from "../../api/generated";

type Schemas = components["schemas"];
export type Candle = Schemas["Candle"];
export type Marker = Schemas["Marker"];
export type Level = Schemas["Level"];

export const timeframes = ["1m", "5m", "15m", "1h"] as const;
export type Timeframe = (typeof timeframes)[number];
const timeframeMs: Record<Timeframe, number> = { "1m": 60_000, "5m": 300_000, "15m": 900_000, "1h": 3_600_000 };

const CANDLES = 1000;
const ENOUGH_AFTER = 200;

export function candlesKey(symbol: string, timeframe: Timeframe, focusTs: number | null) {
  return ["chart", "candles", symbol, timeframe, focusTs] as const;
}

/** The newest candles, or those around a moment. */
export function candlesQuery(symbol: string, timeframe: Timeframe, focusTs: number | null) {
  return queryOptions({
    queryKey: candlesKey(symbol, timeframe, focusTs),
    queryFn: async (): Promise<Candle[]> => {
      const range = focusTs === null ? {} : { to: String(focusTs + ENOUGH_AFTER * timeframeMs[timeframe]) };
      const query = { timeframe, limit: String(CANDLES), ...range } as never;
      return (await unwrap(api().GET("/api/charts/candles/{symbol}", { params: { path: { symbol }, query } }))).items;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function markersQuery(symbol: string, isWanted: boolean) {
  return queryOptions({
    queryKey: ["chart", "markers", symbol],
    queryFn: async (): Promise<Marker[]> =>
      (await unwrap(api().GET("/api/charts/markers/{symbol}", { params: { path: { symbol } } }))).items,
    enabled: isWanted,
    refetchInterval: 5000,
  });
}

export function levelsQuery(symbol: string, isWanted: boolean) {
  return queryOptions({
    queryKey: ["chart", "levels", symbol],
    queryFn: async (): Promise<Level[]> =>
      (await unwrap(api().GET("/api/charts/levels/{symbol}", { params: { path: { symbol } } }))).items,
    enabled: isWanted,
    refetchInterval: 5000,
  });
}

/** What the feed can tell of a symbol decides which panels ask for more. */
export const bookCapability = "book";
export const tapeCapability = "trades";

export function marketDataQuery(symbol: string) {
  return queryOptions({
    queryKey: ["chart", "market-data", symbol],
    queryFn: async () => unwrap(api().GET("/api/scanner/market-data/{symbol}", { params: { path: { symbol } } })),
    refetchInterval: 2000,
  });
}

/** Only with a book in the feed: what the symbol's capabilities say. */
export function densityQuery(symbol: string, isWanted: boolean) {
  return queryOptions({
    queryKey: ["chart", "density", symbol],
    queryFn: async () => unwrap(api().GET("/api/features/density", { params: { query: { symbol } as never } })),
    enabled: isWanted,
    refetchInterval: 2000,
  });
}

/** Only with a tape of trades in the feed. */
export function activityQuery(symbol: string, isWanted: boolean) {
  return queryOptions({
    queryKey: ["chart", "activity", symbol],
    queryFn: async () => unwrap(api().GET("/api/features/activity", { params: { query: { symbol } as never } })),
    enabled: isWanted,
    refetchInterval: 2000,
  });
}

export function stopHistoryQuery(positionId: string | null) {
  return queryOptions({
    queryKey: ["chart", "stops", positionId],
    queryFn: async () => unwrap(api().GET("/api/trading/positions/{id}", { params: { path: { id: positionId ?? "" } } })),
    enabled: positionId !== null,
    refetchInterval: 5000,
  });
}
