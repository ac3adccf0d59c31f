import { queryOptions } from "@tanstack/react-query";
import { api, unwrap } from "../../api/client";
import type { components } from "../../api/generated";

type Schemas = components["schemas"];
export type ForeignPosition = Schemas["ForeignPosition"];

export function positionKey(id: string) {
  return ["positions", "detail", id] as const;
}

export function positionQuery(id: string) {
  return queryOptions({
    queryKey: positionKey(id),
    queryFn: async () => unwrap(api().GET("/api/trading/positions/{id}", { params: { path: { id } } })),
  });
}
