import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "./client";
import type { components } from "./generated";

export type Dataset = components["schemas"]["Dataset"];

const MEASURING_MS = 3000;

/** Recorded markets. One that is being measured is asked for again until it is done: the feed does not tell. */
export const datasetsQuery = queryOptions({
  queryKey: ["datasets"],
  queryFn: async (): Promise<Dataset[]> =>
    (await unwrap(api().GET("/api/datasets", { params: { query: { limit: 1000 } } }))).items as Dataset[],
  refetchInterval: (query) => (query.state.data?.some(({ status }) => status === "measuring") ? MEASURING_MS : false),
});
