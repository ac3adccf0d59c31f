import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import type { ScanResult, ScanSnapshot } from "../../api/types";

/** The last scan with more rows than the feed carries. */
export function longScanQuery(limit: number, scanId: string | null) {
  return queryOptions({
    queryKey: ["scanner", "last", limit, scanId],
    queryFn: async () =>
      ((await unwrap(api().GET("/api/scanner/last", { params: { query: { limit } as never } }))) as ScanSnapshot | undefined) ??
      null,
    placeholderData: (before: ScanSnapshot | null | undefined) => before,
  });
}

/** What another preset would pass now; nothing is changed by it. */
export function dryScanQuery(preset: string, limit: number) {
  return queryOptions({
    queryKey: ["scanner", "dry", preset, limit],
    queryFn: async (): Promise<ScanSnapshot | null> => unwrap(api().POST("/api/scanner/scan", { body: { preset, limit } })),
    enabled: preset !== "",
    // A scan costs and is limited in rate: made again only when asked for.
    staleTime: "static",
    retry: false,
  });
}

const SCANS = 120;

/** Totals of the scans before; more than an hour of them. */
export function scanHistoryQuery() {
  return queryOptions({
    queryKey: ["scanner", "history"],
    queryFn: async () =>
      (await unwrap(api().GET("/api/scanner/history", { params: { query: { limit: SCANS } as never } }))).items,
    // Counts of a span that moves on; no topic of the feed carries them.
    refetchInterval: 10_000,
  });
}

export function failedCodesQuery() {
  return queryOptions({
    queryKey: ["decisions", "summary", 60],
    queryFn: async () => unwrap(api().GET("/api/decisions/summary", { params: { query: { minutes: 60 } as never } })),
    refetchInterval: 10_000,
  });
}

export type Components = ScanResult["components"];
