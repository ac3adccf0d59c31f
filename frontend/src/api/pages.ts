import { type InfiniteData, infiniteQueryOptions } from "@tanstack/react-query";
import { fetchApi } from "./client";

/** A page of a list of the API, newest first. */
export interface ListPage<Row> {
  items: Row[];
  next_cursor: string | null;
  total?: number | null;
}

export type Filters = Readonly<Record<string, string | undefined>>;

/** The words of an address: filters that are set. */
export function queryText(filters: Filters): string {
  const words = Object.entries(filters).filter((pair): pair is [string, string] => pair[1] !== undefined && pair[1] !== "");
  return words.length === 0 ? "" : `?${new URLSearchParams(words).toString()}`;
}

/** A list read page by page: `useInfiniteQuery(pagesQuery("/api/audit", {user: "admin"}))`. */
export function pagesQuery<Row>(path: string, filters: Filters, limit = 100) {
  return infiniteQueryOptions({
    queryKey: ["pages", path, filters, limit],
    queryFn: async ({ pageParam }): Promise<ListPage<Row>> => {
      const text = queryText({ ...filters, limit: String(limit), cursor: pageParam });
      return (await (await fetchApi(`${path}${text}`)).json()) as ListPage<Row>;
    },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function rowsOf<Row>(data: InfiniteData<ListPage<Row>> | undefined): Row[] {
  return data?.pages.flatMap(({ items }) => items) ?? [];
}
