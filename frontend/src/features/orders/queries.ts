import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import type { components } from "../../api/generated";

type Schemas = components["schemas"];
export type OrderChange = Schemas["OrderChange"];

export interface OrderFilters {
  state: string;
  symbol: string;
  purpose: string;
  side: string;
}

const PAGE = 100;

/** The words of a filter that are set. */
export function orderWords({ state, symbol, purpose, side }: OrderFilters): Record<string, string> {
  return Object.fromEntries(Object.entries({ state, symbol: symbol.trim(), purpose, side }).filter(([, word]) => word !== ""));
}

export const orderListKey = ["orders", "list"] as const;

/** Orders that the feed does not carry: closed ones, or all; page by page. */
export function orderListQuery(filters: OrderFilters, isWanted: boolean) {
  return infiniteQueryOptions({
    queryKey: [...orderListKey, filters],
    queryFn: async ({ pageParam }: { pageParam: string | null }) =>
      unwrap(
        api().GET("/api/trading/orders", {
          params: {
            query: { ...orderWords(filters), limit: PAGE, ...(pageParam === null ? {} : { cursor: pageParam }) } as never,
          },
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    enabled: isWanted,
  });
}

export function orderKey(id: string) {
  return ["orders", "detail", id] as const;
}

export function orderQuery(id: string) {
  return queryOptions({
    queryKey: orderKey(id),
    queryFn: async () => unwrap(api().GET("/api/trading/orders/{id}", { params: { path: { id } } })),
    enabled: id !== "",
  });
}
