import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import { dayUtc } from "../../domain/utc";

export interface TradeFilters {
  symbol: string;
  side: string;
  strategy: string;
  preset: string;
  exit_reason: string;
  mode: string;
  /** yyyy-mm-dd, UTC; "" is open. */
  from: string;
  to: string;
}

const PAGE = 500;
const DAY_MS = 86_400_000;

/** The filters as words of the API; `to` includes its day. */
export function tradeWords({ from, to, ...rest }: TradeFilters): Record<string, string | number> {
  const start = dayUtc(from);
  const end = dayUtc(to);
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([, word]) => word.trim() !== "")),
    ...(start === null ? {} : { from: start }),
    ...(end === null ? {} : { to: end + DAY_MS }),
  };
}

export const tradeListKey = ["trades", "list"] as const;

export function tradeListQuery(filters: TradeFilters) {
  return infiniteQueryOptions({
    queryKey: [...tradeListKey, filters],
    queryFn: async ({ pageParam }: { pageParam: string | null }) =>
      unwrap(
        api().GET("/api/trading/trades", {
          params: {
            query: { ...tradeWords(filters), limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } as never,
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function tradeQuery(id: string) {
  return queryOptions({
    queryKey: ["trades", "detail", id],
    queryFn: async () => unwrap(api().GET("/api/trading/trades/{id}", { params: { path: { id } } })),
  });
}
