import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import type { components } from "../../api/generated";

export type LogLine = components["schemas"]["LogLine"];
export type LogFile = components["schemas"]["LogStats"]["files"][number];

export const logStatsQuery = queryOptions({
  queryKey: ["logs", "stats"],
  queryFn: async () => unwrap(api().GET("/api/logs/stats")),
  refetchInterval: 30_000,
});
