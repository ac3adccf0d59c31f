import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { minuteUtc } from "../../domain/utc";

export interface DecisionFilters {
  symbol: string;
  stage: string;
  verdict: string;
  code: string;
  trace_id: string;
  run_id: string;
  /** yyyy-mm-ddThh:mm, UTC; "" is open. */
  from: string;
  to: string;
}

const PAGE = 200;

export function decisionWords({ from, to, ...rest }: DecisionFilters): Record<string, string | number> {
  const start = minuteUtc(from);
  const end = minuteUtc(to);
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, word]) => word.trim() !== "")),
    ...(start === null ? {} : { from: start }),
    ...(end === null ? {} : { to: end }),
  };
}

export function decisionListKey(filters: DecisionFilters) {
  return ["decisions", "list", filters] as const;
}

export function decisionListQuery(filters: DecisionFilters) {
  return infiniteQueryOptions({
    queryKey: decisionListKey(filters),
    queryFn: async ({ pageParam }: { pageParam: string | null }) =>
      unwrap(
        api().GET("/api/decisions", {
          params: {
            query: { ...decisionWords(filters), limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } as never,
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function whyKey(symbol: string) {
  return ["decisions", "why", symbol] as const;
}

export function whyQuery(symbol: string) {
  return queryOptions({
    queryKey: whyKey(symbol),
    queryFn: async () => unwrap(api().GET("/api/decisions/why/{symbol}", { params: { path: { symbol } } })),
    enabled: symbol !== "",
    retry: false,
  });
}

export function summaryQuery(minutes: number) {
  return queryOptions({
    queryKey: ["decisions", "summary", minutes],
    queryFn: async () => unwrap(api().GET("/api/decisions/summary", { params: { query: { minutes } as never } })),
    // Counts of a span that moves on; no topic of the feed carries them.
    refetchInterval: 10_000,
  });
}
