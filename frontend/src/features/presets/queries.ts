import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import type { components } from "../../api/generated";

export type DryScan = components["schemas"]["ScanSnapshot"];

/** Scans the present market with a stored preset, changing nothing. Asked for by a press only. */
export const dryScanQuery = (name: string) =>
  queryOptions({
    queryKey: ["dry-scan", name],
    queryFn: async (): Promise<DryScan> =>
      unwrap(api().POST("/api/scanner/scan/{id}", { params: { path: { id: name } }, body: { limit: 500 } })),
    enabled: false,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
